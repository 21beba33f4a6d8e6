"""Replay: visitors and duties from CSV files, through an engine, to a CSV file of visits.

The columns are those of `docs/rules.md`.  What is wrong with the files is said all at once;
the result is written whole or not at all.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hallsim.cells import (
    Cells,
    Checker,
    Fault,
    Faults,
    Table,
    at_least,
    collector_paused,
    problem_at,
    read_name,
    read_table,
    read_time,
)
from hallsim.outputs import write_all
from hallsim.problems import Place, Problem, nearest
from hallsim.records import ALL_ITEMS, NEVER, OUTCOMES, Duties, Ints, Visitors, Visits
from hallsim.simulate import Engine, simulate

VISITOR_COLUMNS = (
    *("day", "visitor", "stage", "hall", "travel", "arrival", "walk", "item", "credit"),
    *("service", "patience", "balk_at"),
)
DUTY_COLUMNS = ("day", "hall", "window", "items", "on", "off", "speed", "clerk")
VISIT_COLUMNS = ("outcome", "hall", "window", "ticket", "called", "finished")
NEEDED_OF_VISITORS = ("hall", "arrival", "item", "service")
NEEDED_OF_DUTIES = ("hall", "window", "items", "on", "off")

OTHER_ITEM = 62
"""The code of every item that no duty of the hall names."""


# Whole files ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Replayed:
    """What a replay did."""

    visits: Visits
    """in the order of the file; `window` is a code"""
    notes: tuple[Problem, ...]
    """what is worth knowing about the input"""
    path: Path
    """of the visits, as written"""


def replay(
    visitors_path: Path,
    duties_path: Path,
    out: Path,
    engine: Engine = "compiled",
    serve_out: bool = True,
    force: bool = False,
) -> Replayed:
    """Send the visitors of one file past the windows of another and write what happened.

    Args:
        visitors_path: CSV, one row per visitor.
        duties_path: CSV, one row per window and spell.
        out: CSV to write, rows in the order of the visitors.
        engine: both give the same file.
        serve_out: whether windows whose duty ends at closing stay until the hall is empty.
        force: replace an `out` that is there with other contents; the old one is kept.

    Raises:
        ScenarioProblems: the files cannot be used; with everything that is wrong.
        OutputExists, OutputLocked: `out` cannot be written; it is as before.
    """
    case = read_case(Path(visitors_path), Path(duties_path))
    visits = case.in_file_order(simulate(case.visitors, case.duties, engine, serve_out))
    return Replayed(visits, case.notes, write_visits(Path(out), case, visits, force))


@dataclass(frozen=True)
class Case:
    """Two files as engines want them, and what is needed to write the answer."""

    visitors: Visitors
    """by day and hall, in ticket order"""
    duties: Duties
    row: Ints
    """of each visitor, the row of the file"""
    windows: tuple[str, ...]
    """names of the window codes"""
    table: Table
    """the visitors as text"""
    notes: tuple[Problem, ...]

    def in_file_order(self, visits: Visits) -> Visits:
        """The same rows as in the file."""
        return visits.rows(np.argsort(self.row))


def read_case(visitors_path: Path, duties_path: Path) -> Case:
    """Read and check both files.

    Raises:
        ScenarioProblems: with everything that is wrong in either.
    """
    faults = Faults()
    with collector_paused():
        people = read_visitors(visitors_path, faults)
        plan = read_duties(duties_path, faults)
        if plan.days is not None and people.days is None and plan.table.lines:
            faults.add(problem_at(people.table, 0, "day", ("days_missing", {})))
        codes = _codes_of_items(plan, faults)
        faults.refuse()
        return _encode(people, plan, codes)


def write_visits(path: Path, case: Case, visits: Visits, force: bool = False) -> Path:
    """Write visits, in the order of the file, beside the visitors' own columns.

    Raises:
        OutputExists, OutputLocked: see `hallsim.outputs.write_all`.
    """
    given = case.table.columns
    window = [case.windows[code] if code >= 0 else "" for code in visits.window.tolist()]
    columns: dict[str, Iterable[str]] = {n: given[n] for n in ("day", "visitor") if n in given}
    columns["outcome"] = [OUTCOMES[code] for code in visits.outcome.tolist()]
    columns |= {"hall": given["hall"], "window": window}
    for name in ("ticket", "called", "finished"):
        columns[name] = ["" if t < 0 else str(t) for t in getattr(visits, name).tolist()]
    for name in case.table.unknown(VISITOR_COLUMNS):
        columns[f"given_{name}" if name in VISIT_COLUMNS else name] = given[name]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    write_all(path.parent, {path.name: text.getvalue()}, force)
    return path


# Visitors ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class People:
    """The rows of a file of visitors; text ids, numbers parsed."""

    table: Table
    days: Cells | None
    halls: Cells
    items: Cells
    arrival: Ints
    credit: Ints
    service: Ints
    patience: Ints


def read_visitors(path: Path, faults: Faults) -> People:
    """The visitors of a file; what is wrong is added to `faults`."""
    table = read_table(path, VISITOR_COLUMNS, NEEDED_OF_VISITORS, faults)
    check = Checker(table, faults)
    people = People(
        table,
        days=check.text("day", read_name) if "day" in table.columns else None,
        halls=check.text("hall", _one_hall),
        items=check.text("item", _item),
        arrival=check.numbers("arrival", read_time),
        credit=check.numbers("credit", at_least(0), 0),
        service=check.numbers("service", at_least(1)),
        patience=check.numbers("patience", at_least(0), NEVER),
    )
    check.numbers("travel", _only("0", "later_halls"), 0)
    check.numbers("walk", _only("0", "later_stages"), 0)
    check.numbers("balk_at", _only(None, "later_balking"), NEVER)
    check.text("visitor", read_name)
    before = faults.count
    check.numbers("stage", _only("1", "later_stages"), 1)
    if "visitor" in table.columns and faults.count == before:
        _check_ids(table, faults)
    return people


def _check_ids(table: Table, faults: Faults) -> None:
    """A visitor comes once a day."""
    ids = table.columns["visitor"]
    keys = list(zip(table.columns.get("day", ids), ids, strict=True))
    if len(set(keys)) == len(keys):
        return
    first: dict[tuple[str, str], int] = {}
    again = []
    for row, key in enumerate(keys):
        if first.setdefault(key, row) != row and key[1]:
            again.append((row, first[key]))
    faults.add_rows(again, lambda pair: _beside(table, "visitor", "duplicate", *pair))


def _beside(table: Table, column: str, rule: str, row: int, other: int) -> Problem:
    """A problem of one row with another one."""
    place = Place(table.file, table.lines[other])
    return problem_at(table, row, column, (rule, {"other": place}))


# Duties -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """The rows of a file of duties; text ids, numbers parsed."""

    table: Table
    days: Cells | None
    halls: Cells
    windows: Cells
    items: Cells
    on: Ints
    off: Ints
    speed: Ints


def read_duties(path: Path, faults: Faults) -> Plan:
    """The duties of a file; what is wrong is added to `faults`."""
    table = read_table(path, DUTY_COLUMNS, NEEDED_OF_DUTIES, faults)
    check, before = Checker(table, faults), faults.count
    plan = Plan(
        table,
        days=check.text("day", read_name) if "day" in table.columns else None,
        halls=check.text("hall", _one_hall),
        windows=check.text("window", read_name),
        items=check.text("items", _list_of_items),
        on=check.numbers("on", read_time),
        off=check.numbers("off", read_time),
        speed=check.numbers("speed", at_least(1), 100),
    )
    if faults.count == before:
        _check_spells(plan, faults)
    return plan


def _check_spells(plan: Plan, faults: Faults) -> None:
    """Each duty ends after it begins, and no two of one window overlap."""
    days = plan.days or [""] * len(plan.halls)
    windows = zip(days, plan.halls, plan.windows, strict=True)
    spells = zip(windows, plan.on.tolist(), plan.off.tolist(), strict=True)
    last: dict[tuple[str, str, str], tuple[int, int]] = {}
    backwards: list[int] = []
    overlapping: list[tuple[int, int]] = []
    for row, (window, on, off) in sorted(enumerate(spells), key=lambda spell: spell[1][1]):
        if off <= on:
            backwards.append(row)
            continue
        end, other = last.get(window, (NEVER, 0))
        if on < end:
            overlapping.append((row, other))
        last[window] = max((end, other), (off, row))
    order: Fault = ("duty_order", {})
    faults.add_rows(sorted(backwards), lambda row: problem_at(plan.table, row, "off", order))
    faults.add_rows(
        sorted(overlapping), lambda pair: _beside(plan.table, "on", "duty_overlap", *pair)
    )


def _codes_of_items(plan: Plan, faults: Faults) -> dict[tuple[str, str], int]:
    """(hall, item) -> code, for the items that the duties of the hall name."""
    codes: dict[tuple[str, str], int] = {}
    count: dict[str, int] = {}
    for row, (hall, items) in enumerate(zip(plan.halls, plan.items, strict=True)):
        for item in items.split("|"):
            if item != "*" and (hall, item) not in codes:
                codes[hall, item] = count[hall] = count.get(hall, -1) + 1
                if codes[hall, item] == OTHER_ITEM:
                    fault: Fault = ("items_many", {"limit": OTHER_ITEM})
                    faults.add(problem_at(plan.table, row, "items", fault))
    return codes


# From text to codes -----------------------------------------------------------------------------


def _encode(people: People, plan: Plan, codes: dict[tuple[str, str], int]) -> Case:
    plan_days = plan.days if plan.days is not None else [""] * len(plan.halls)
    people_days = people.days if people.days is not None else [""] * len(people.halls)
    day_code = _enumerate(people_days)
    every_day = plan.days is None
    if not every_day:
        day_code = _enumerate([*day_code, *plan_days])
    hall_code, window_code = _enumerate([*people.halls, *plan.halls]), _enumerate(plan.windows)
    day = _coded(people_days, day_code)
    hall = _coded(people.halls, hall_code)
    item = [codes.get(pair, OTHER_ITEM) for pair in zip(people.halls, people.items, strict=True)]
    row = np.lexsort((people.arrival, hall, day))
    visitors = Visitors(
        day, hall, people.arrival, _ints(item), people.credit, people.service, people.patience
    ).rows(row)
    items = [_bits(h, names, codes) for h, names in zip(plan.halls, plan.items, strict=True)]
    duties = Duties(
        _ints([0] * len(plan_days)) if every_day else _coded(plan_days, day_code),
        _coded(plan.halls, hall_code),
        _coded(plan.windows, window_code),
        _ints(items),
        plan.on,
        plan.off,
        plan.speed,
    )
    if every_day:
        duties = _repeated(duties, len(day_code))
    notes = [*_names_aside(people.table, VISITOR_COLUMNS), *_names_aside(plan.table, DUTY_COLUMNS)]
    notes += [*_out_of_order(visitors, row, people.table), *_closed(visitors, duties, people, row)]
    return Case(
        visitors, duties, row.astype(np.int64), tuple(window_code), people.table, tuple(notes)
    )


def _enumerate(names: Iterable[str]) -> dict[str, int]:
    """A code for each name, in order of appearance."""
    return {name: code for code, name in enumerate(dict.fromkeys(names))}


def _coded(names: Cells, code: dict[str, int]) -> Ints:
    return np.fromiter(map(code.__getitem__, names), np.int64, len(names))


def _ints(numbers: Sequence[int]) -> Ints:
    return np.array(numbers, np.int64)


def _bits(hall: str, items: str, codes: dict[tuple[str, str], int]) -> int:
    """The bit set of a list of items."""
    if items == "*":
        return ALL_ITEMS
    return sum(1 << codes[hall, item] for item in set(items.split("|")))


def _repeated(duties: Duties, days: int) -> Duties:
    """The same duties on every day."""
    index = np.tile(np.arange(len(duties)), days)
    day = np.repeat(np.arange(days), len(duties))
    rest = duties.rows(index)
    return Duties(day, rest.hall, rest.window, rest.items, rest.on, rest.off, rest.speed)


# Notes ------------------------------------------------------------------------------------------


def _names_aside(table: Table, known: Cells) -> list[Problem]:
    """Columns that have no effect, and what they may have been meant for."""
    free = [name for name in known if name not in table.columns]
    return [
        Problem("column_aside", Place(table.file, 1), name, suggestion=nearest(name, free))
        for name in table.unknown(known)
    ]


def _out_of_order(visitors: Visitors, row: NDArray[np.intp], table: Table) -> list[Problem]:
    """Arrivals that had to be sorted within their day and hall."""
    same = (np.diff(visitors.day) == 0) & (np.diff(visitors.hall) == 0)
    moved = row[1:][(np.diff(row) < 0) & same]
    if not len(moved):
        return []
    place = Place(table.file, table.lines[int(moved.min())])
    return [Problem("sorted", place, "arrival", params={"count": len(moved)})]


def _closed(
    visitors: Visitors, duties: Duties, people: People, row: NDArray[np.intp]
) -> list[Problem]:
    """Days on which a hall has visitors and no duty."""
    many = int(max(visitors.hall.max(initial=0), duties.hall.max(initial=0))) + 1
    closed = ~np.isin(visitors.day * many + visitors.hall, duties.day * many + duties.hall)
    if not closed.any():
        return []
    first = int(row[closed].min())
    params = {"hall": people.halls[first], "count": int(closed.sum())}
    if people.days is not None:
        days = len(np.unique((visitors.day * many + visitors.hall)[closed]))
        params |= {"day": people.days[first], "days": days}
    rule = "no_duty" if people.days is None else "no_duty_day"
    place = Place(people.table.file, people.table.lines[first])
    return [Problem(rule, place, "hall", params=params)]


# Cells ------------------------------------------------------------------------------------------


def _one_hall(cell: str) -> str | Fault:
    return ("later_halls", {}) if "|" in cell else read_name(cell)


def _item(cell: str) -> str | Fault:
    if "|" in cell or cell == "*":
        return "one_item", {}
    return read_name(cell)


def _list_of_items(cell: str) -> str | Fault:
    names = cell.split("|")
    if cell and ("" in names or ("*" in names and cell != "*")):
        return "item_list", {}
    return read_name(cell)


def _only(usual: str | None, rule: str) -> Callable[[str], int | Fault]:
    """A column of a later rule, which may hold its usual value and nothing else."""

    def read(cell: str) -> int | Fault:
        return 0 if cell == usual else (rule, {})

    return read
