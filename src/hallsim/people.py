"""Files about people: a roster to fill in, and `people.csv`, who is lent where by staff number."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hallsim.files import text_of
from hallsim.naming import NamedMoves
from hallsim.problems import Place, Problem, ScenarioProblems, nearest
from hallsim.report_words import as_date, hall_name, harmless
from hallsim.scenario import RosterClerk, Scenario, Spell, fold_day
from hallsim.text import Language

ROSTER_COLUMNS = ("clerk", "hall", "group", "leave", "moved", "source", "note")
PEOPLE_FILE_COLUMNS = (
    "clerk", "from", "from_name", "to", "to_name", "group", "first", "last", "working_days", "tier",
    "travel_min", "notice_by", "moved_before", "moved_after", "continued",
)  # fmt: skip
NEEDED = ("clerk", "from", "to", "last")
"""Columns of the people of the plan before that naming goes by."""


def made_up_roster(scenario: Scenario, note: str = "") -> list[RosterClerk]:
    """One row for every clerk of the head count, with made-up staff numbers: `LS-0001`, …

    Leave of the table `leave` is given to as many clerks of its hall and group, so that the roster
    says the same; nobody has been lent.
    """
    letters = _initials(scenario.name)
    posts = [(row.hall, row.group) for row in scenario.clerks for _ in range(row.count)]
    of_post: dict[tuple[str, str], list[int]] = defaultdict(list)
    for n, post in enumerate(posts):
        of_post[post].append(n)
    leave: list[list[Spell]] = [[] for _ in posts]
    for row in sorted(scenario.leave, key=lambda row: row.first):
        spell = row.first, row.last or row.first
        free = (n for n in of_post[row.hall, row.group] if all(b < spell[0] for _, b in leave[n]))
        for n in sorted(free, key=lambda n: len(leave[n]))[: row.clerks]:
            leave[n].append(spell)
    return [
        RosterClerk(
            clerk=f"{letters}-{n + 1:04d}", hall=hall, group=group, leave=_leave_text(leave[n]),
            moved=0, source="assumed", note=note,
        )
        for n, (hall, group) in enumerate(posts)
    ]  # fmt: skip


def _initials(name: str) -> str:
    """`LS` of `longhua-shenzhen`, the first two letters of a name in one part."""
    parts = [part for part in re.split(r"[\W_\d]+", name) if part]
    letters = "".join(part[0] for part in parts) if len(parts) > 1 else "".join(parts)[:2]
    return letters.upper() or "X"


def _leave_text(spells: Iterable[Spell]) -> str:
    return "|".join(f"{a}~{b}" if a != b else f"{a}" for a, b in spells)


def roster_csv(roster: Sequence[RosterClerk]) -> str:
    """The roster as the table of a scenario folder."""
    return _csv(ROSTER_COLUMNS, ({c: getattr(p, c) for c in ROSTER_COLUMNS} for p in roster))


def people_csv(named: NamedMoves, scenario: Scenario, language: Language = "zh") -> str:
    """One row per clerk and loan: English headers, ISO dates, ids and names of halls."""
    names = {h.hall: hall_name(h, language) for h in scenario.halls}
    rows = (
        {
            **row, "from_name": names[row["from"]], "to_name": names[row["to"]],
            "travel_min": f"{row['travel_min']:g}",
            "continued": "true" if row["continued"] else "false",
        }
        for row in named.people.to_dict("records")
    )  # fmt: skip
    return _csv(PEOPLE_FILE_COLUMNS, rows)


def _csv(columns: Sequence[str], rows: Iterable[Mapping[Any, Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([harmless(row[c]) for c in columns])
    return out.getvalue()


def read_people(path: Path) -> pd.DataFrame:
    """The `people.csv` of the plan before: `clerk`, `from`, `to` and `last`, the rest left aside.

    Raises:
        ScenarioProblems: not a file of this kind; all that is wrong with it.
    """
    header, *rows = _rows(path)
    header = [cell.strip() for cell in header]
    place = functools.partial(Place, path.name)
    problems = [
        Problem("header_missing", place(1), column, suggestion=nearest(column, header))
        for column in NEEDED
        if column not in header
    ]
    if problems:
        raise ScenarioProblems(problems)
    found = []
    for line, row in enumerate(rows, 2):
        if not any(row):
            continue
        cells = dict(zip(header, row, strict=False))
        last = _day(cells.get("last", ""))
        if len(row) != len(header):
            params = {"cells": len(row), "columns": len(header)}
            problems.append(Problem("row_length", place(line), params=params))
        elif last is None:
            at = place(line, header.index("last") + 1)
            problems.append(Problem("date", at, "last", cells["last"]))
        else:
            found.append((*(_as_it_was(cells[c]) for c in NEEDED[:3]), last))
    if problems:
        raise ScenarioProblems(problems)
    return pd.DataFrame(found, columns=list(NEEDED))


def _rows(path: Path) -> list[list[str]]:
    """The cells of a CSV file, a row at least."""
    text = text_of(path)
    try:
        rows = list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        reason = {"reason": str(error)}
        raise ScenarioProblems([Problem("csv_syntax", Place(path.name), params=reason)]) from error
    if not rows:
        raise ScenarioProblems([Problem("file_empty", Place(path.name))])
    return rows


def _as_it_was(text: str) -> str:
    """Without the apostrophe of `harmless`."""
    text = text.strip()
    return text[1:] if text[:1] == "'" and harmless(text[1:]) == text else text


def _day(text: str) -> dt.date | None:
    try:
        return as_date(dt.date.fromisoformat(fold_day(text.strip())))
    except ValueError:
        return None
