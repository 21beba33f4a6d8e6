"""The plan of the month before, read from its folder: what runs at its end goes on."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hallsim.checks import parse_month
from hallsim.demand import expect
from hallsim.files import text_of
from hallsim.people import read_people
from hallsim.planning import working_days
from hallsim.problems import Place, Problem, ScenarioProblems, nearest
from hallsim.scenario import Scenario
from hallsim.staff import Loan
from hallsim.stations import group_names, head_count

FILE = "summary.json"


@dataclass(frozen=True)
class Previous:
    """A recommendation made before.

    Attributes:
        month: its month.
        running: its loans on the last working day.
        people: who they were, by staff number; None where no people.csv stands beside it.
    """

    month: str
    running: tuple[Loan, ...]
    people: pd.DataFrame | None = None


def read_previous(folder: Path, scenario: Scenario, month: str) -> Previous:
    """The recommendation in a folder, for the month after it.

    Raises:
        ScenarioProblems: no recommendation, not that of the month before, or one that does not fit
            the scenario; all that is wrong.
    """
    path = folder / FILE
    told = _summary(path)
    before = _month_before(month)
    if told.get("month") != before:
        problem = Problem(
            "previous_month", Place(FILE), "month", told.get("month"), {"month": before}
        )
        raise ScenarioProblems([problem])
    rows = told.get("moves")
    rows = rows if isinstance(rows, list) else []
    problems = list(_problems(rows, scenario))
    if problems:
        raise ScenarioProblems(problems)
    last = _last_working_day(scenario, before)
    halls = {h.hall: k for k, h in enumerate(scenario.halls)}
    groups = {name: k for k, name in enumerate(group_names(scenario))}
    running: dict[tuple[int, int, int], int] = {}
    for row in rows:
        if row["first"] <= last.isoformat() <= row["last"]:
            key = halls[row["from"]], halls[row["to"]], groups[row["group"]]
            running[key] = running.get(key, 0) + row["clerks"]
    loans = tuple(Loan(a, b, g, n) for (a, b, g), n in sorted(running.items()))
    if problems := list(_too_many(loans, scenario)):
        raise ScenarioProblems(problems)
    people = folder / "people.csv"
    return Previous(before, loans, read_people(people) if people.exists() else None)


def _summary(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(text_of(path))
    except ValueError:
        told = None
    if not isinstance(told, dict) or "month" not in told:
        raise ScenarioProblems([Problem("previous_form", Place(str(path)))])
    return told


def _month_before(month: str) -> str:
    year, number = parse_month(month)
    day = dt.date(year, number, 1) - dt.timedelta(1)
    return f"{day:%Y-%m}"


def _last_working_day(scenario: Scenario, month: str) -> dt.date:
    expected = expect(scenario, *parse_month(month))
    work = working_days(expected)
    return expected.dates[int(work[-1]) if len(work) else -1]


_TYPES = {"from": str, "to": str, "group": str, "clerks": int, "first": str, "last": str}


def _problems(rows: list[Any], scenario: Scenario) -> Iterator[Problem]:
    """Moves of unknown halls or groups, or of no known form."""
    known = {
        "from": [h.hall for h in scenario.halls],
        "to": [h.hall for h in scenario.halls],
        "group": list(group_names(scenario)),
    }
    rules = {"from": "unknown_hall", "to": "unknown_hall", "group": "unknown_group"}
    for k, row in enumerate(rows):
        where = f"moves[{k}]"
        if not isinstance(row, dict) or any(
            not isinstance(row.get(name), kind) for name, kind in _TYPES.items()
        ):
            yield Problem("previous_form", Place(FILE), where)
            continue
        for name, names in known.items():
            if row[name] not in names:
                near = nearest(row[name], names)
                yield Problem(rules[name], Place(FILE), f"{where}.{name}", row[name], {}, near)


def _too_many(loans: tuple[Loan, ...], scenario: Scenario) -> Iterator[Problem]:
    home = head_count(scenario, "count")
    lent = np.zeros_like(home)
    for loan in loans:
        lent[loan.origin, loan.group] += loan.clerks
    for h, g in np.argwhere(lent > home).tolist():
        params = {"count": int(home[h, g]), "group": group_names(scenario)[g]}
        hall = scenario.halls[h].hall
        yield Problem("previous_more", Place(FILE), hall, int(lent[h, g]), params)
