"""Replay: visitors and duties from CSV files, through an engine, to a CSV file of visits.

The columns are those of `docs/rules.md`.  What is wrong with the files is said all at once;
the result is written whole or not at all.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np

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
from hallsim.records import ALL_ITEMS, NEVER, OUTCOMES, Choices, Duties, Ints, Visitors, Visits
from hallsim.scenario import fold
from hallsim.simulate import simulate

Key = TypeVar("Key")
Engine = Literal["compiled", "simpy", "reference"]
"""`simpy` is another name of the reference engine."""

VISITOR_COLUMNS = (
    *("day", "visitor", "stage", "hall", "travel", "arrival", "walk", "item", "credit"),
    *("service", "patience", "balk_at"),
)
DUTY_COLUMNS = ("day", "hall", "window", "items", "on", "off", "speed", "clerk")
VISIT_COLUMNS = ("outcome", "hall", "window", "ticket", "called", "finished")
NEEDED_OF_VISITORS = ("hall", "arrival", "item", "service")
NEEDED_OF_DUTIES = ("hall", "window", "items", "on", "off")

OTHER_ITEM = 62
"""The code of every item that no duty of the hall names, nor of those chosen instead of it."""


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
    ghost_seconds: int = 0,
    posted_service: int = 600,
) -> Replayed:
    """Send the visitors of one file past the windows of another and write what happened.

    Args:
        visitors_path: CSV, one row per visitor and stage.
        duties_path: CSV, one row per window and spell.
        out: CSV to write, rows in the order of the visitors.
        engine: both give the same file.
        serve_out: whether windows whose duty ends at closing stay until the hall is empty.
        force: replace an `out` that is there with other contents; the old one is kept.
        ghost_seconds: how long a window that calls somebody who has left is busy; 0 = not called.
        posted_service: seconds a person in the posted wait, by which a hall is chosen.

    Raises:
        ScenarioProblems: the files cannot be used; with everything that is wrong.
        OutputExists, OutputLocked: `out` cannot be written; it is as before.
    """
    case = read_case(Path(visitors_path), Path(duties_path))
    visits = simulate(
        case.visitors,
        case.duties,
        "compiled" if engine == "compiled" else "reference",
        serve_out,
        ghost_seconds=ghost_seconds,
        posted_service=posted_service,
        choices=case.choices,
    )
    visits = case.in_file_order(visits)
    return Replayed(visits, case.notes, write_visits(Path(out), case, visits, force))


@dataclass(frozen=True)
class Case:
    """Two files as engines want them, and what is needed to write the answer."""

    visitors: Visitors
    """in ticket order within each day and cell `hall`, else in the order of the file"""
    duties: Duties
    choices: Choices | None
    row: Ints
    """of each visitor, the row of the file"""
    halls: tuple[str, ...]
    """names of the hall codes"""
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
        _check_choices(people, plan, faults)
        codes = _codes_of_items(people, plan, faults)
        faults.refuse()
        return _encode(people, plan, codes)


def write_visits(path: Path, case: Case, visits: Visits, force: bool = False) -> Path:
    """Write visits, in the order of the file, beside the visitors' own columns.

    Raises:
        OutputExists, OutputLocked: see `hallsim.outputs.write_all`.
    """
    given = case.table.columns
    window = [case.windows[code] if code >= 0 else "" for code in visits.window.tolist()]
    front = ("day", "visitor", "stage")
    columns: dict[str, Iterable[str]] = {name: given[name] for name in front if name in given}
    columns["outcome"] = [OUTCOMES[code] for code in visits.outcome.tolist()]
    hall = [case.halls[code] for code in visits.hall.tolist()]
    columns |= {"hall": hall, "window": window}
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

Ways = tuple[tuple[str, int], ...]
"""Halls and the seconds to them."""


@dataclass(frozen=True)
class People:
    """The rows of a file of visitors; text ids, numbers parsed.

    What a later stage takes from the first one stands in the row of the first one only.
    """

    table: Table
    days: Cells | None
    halls: Cells
    travels: Cells
    items: Cells
    arrival: Ints
    credit: Ints
    service: Ints
    patience: Ints
    balk_at: Ints
    stage: Ints
    walk: Ints
    first: Ints
    """the row of the first stage"""
    ways: dict[tuple[str, str], Ways] = field(default_factory=dict)
    """what the cells `hall` and `travel` of first stages say"""

    def cells_of_ways(self) -> list[tuple[str, str]]:
        """The cells `hall` and `travel` of each row."""
        return list(zip(self.halls, self.travels, strict=True))


def read_visitors(path: Path, faults: Faults) -> People:
    """The visitors of a file; what is wrong is added to `faults`."""
    table = read_table(path, VISITOR_COLUMNS, NEEDED_OF_VISITORS, faults)
    check = Checker(table, faults)
    before = faults.count
    stage = check.numbers("stage", at_least(1), 1)
    first = stage <= 1
    days = check.text("day", read_name) if "day" in table.columns else None
    check.text("visitor", read_name)
    rows = np.arange(len(stage))
    if faults.count == before:
        rows = _first_rows(table, stage, faults)
    people = People(
        table,
        days=days,
        halls=check.text("hall", _halls, first),
        travels=check.text("travel", _travel, first),
        items=check.text("item", _item),
        arrival=check.numbers("arrival", read_time, rows=first),
        credit=check.numbers("credit", at_least(0), 0),
        service=check.numbers("service", at_least(1)),
        patience=check.numbers("patience", at_least(0), NEVER),
        balk_at=check.numbers("balk_at", at_least(1), NEVER),
        stage=stage,
        walk=check.numbers("walk", at_least(0), 0, ~first),
        first=rows,
    )
    _read_ways(people, faults)
    return people


def _first_rows(table: Table, stage: Ints, faults: Faults) -> Ints:
    """The row of the first stage of each row's visit.

    A stage comes once, and below the one before it.
    """
    rows = np.arange(len(stage))
    ids = table.columns.get("visitor")
    if ids is None:
        if (stage > 1).any():
            faults.add(Problem("header_missing", Place(table.file, 1), path="visitor"))
        return rows
    keys = list(zip(table.columns.get("day", ids), ids, strict=True))
    if (stage == 1).all() and len(set(keys)) == len(keys):
        return rows
    seen: dict[tuple[tuple[str, str], int], int] = {}
    again: list[tuple[int, int]] = []
    alone: list[int] = []
    for row, (key, k) in enumerate(zip(keys, stage.tolist(), strict=True)):
        if seen.setdefault((key, k), row) != row:
            again.append((row, seen[key, k]))
        elif k > 1:
            if (key, k - 1) not in seen:
                alone.append(row)
            rows[row] = seen.get((key, 1), row)
    faults.add_rows(again, lambda pair: _beside(table, "visitor", "duplicate", *pair))
    faults.add_rows(
        alone,
        lambda row: problem_at(
            table, row, "stage", ("stage_alone", {"before": int(stage[row]) - 1})
        ),
    )
    return rows


def _read_ways(people: People, faults: Faults) -> None:
    """Halls and travel belong together, one by one."""
    first = people.stage <= 1
    cells = people.cells_of_ways()
    wrong: dict[tuple[str, str], Fault] = {}
    for hall, travel in dict.fromkeys(itertools.compress(cells, first)):
        halls, seconds = hall.split("|"), _seconds(travel)
        if isinstance(_halls(hall), tuple) or isinstance(seconds, tuple):
            continue  # told already
        if seconds in ([], [0]):
            seconds = [0] * len(halls)
        if len(halls) == len(seconds):
            people.ways[hall, travel] = tuple(zip(halls, seconds, strict=True))
        else:
            wrong[hall, travel] = "travel_count", {"travels": len(seconds), "halls": len(halls)}
    if wrong:
        bad = [row for row in np.flatnonzero(first).tolist() if cells[row] in wrong]
        faults.add_rows(bad, lambda row: problem_at(people.table, row, "travel", wrong[cells[row]]))


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
        halls=check.text("hall", _hall),
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


# Both together ----------------------------------------------------------------------------------


def _check_choices(people: People, plan: Plan, faults: Faults) -> None:
    """Visitors choose among halls that have duties, on this day or another."""
    known = set(plan.halls)
    named = {name for ways in people.ways.values() if len(ways) > 1 for name, _ in ways}
    if not known or named <= known:
        return
    first = (people.stage <= 1).tolist()
    cells = people.cells_of_ways()
    bad = [
        (row, name)
        for row, ways in enumerate(people.ways.get(cell, ()) for cell in cells)
        if first[row] and len(ways) > 1
        for name, _ in ways
        if name not in known
    ]

    def problem(found: tuple[int, str]) -> Problem:
        row, name = found
        told = problem_at(people.table, row, "hall", ("choice_unknown", {"hall": name}))
        return replace(told, suggestion=nearest(name, known))

    faults.add_rows(bad, problem)


@dataclass(frozen=True)
class Codes:
    """Codes of items, the same in all halls that visitors choose between."""

    linked: dict[str, str]
    """a hall -> the one that stands for all those linked with it by choices"""
    codes: dict[tuple[str, str], int] = field(default_factory=dict)
    """(such a hall, item) -> code, for the items that duties name"""

    def of(self, hall: str, item: str) -> int:
        """The code of an item in a hall."""
        return self.codes.get((self.linked[hall], item), OTHER_ITEM)

    def bits(self, hall: str, items: str) -> int:
        """The bit set of a list of items."""
        if items == "*":
            return ALL_ITEMS
        return sum(1 << self.of(hall, item) for item in set(items.split("|")))


def _codes_of_items(people: People, plan: Plan, faults: Faults) -> Codes:
    """A code for each item that the duties of linked halls name."""
    codes = Codes(_linked(people, plan))
    count: dict[str, int] = {}
    for row, (name, items) in enumerate(zip(plan.halls, plan.items, strict=True)):
        hall = codes.linked[name]
        for item in items.split("|"):
            if item != "*" and (hall, item) not in codes.codes:
                codes.codes[hall, item] = count[hall] = count.get(hall, -1) + 1
                if count[hall] == OTHER_ITEM:
                    fault: Fault = ("items_many", {"limit": OTHER_ITEM})
                    faults.add(problem_at(plan.table, row, "items", fault))
    return codes


def _linked(people: People, plan: Plan) -> dict[str, str]:
    """For each hall one of those that choices link with it, the same for all of them."""
    link = {name: name for name in plan.halls}

    def end(name: str) -> str:
        while link.setdefault(name, name) != name:
            name = link[name]
        return name

    for ways in people.ways.values():
        for name, _ in ways:
            link[end(name)] = end(ways[0][0])
    return {name: end(name) for name in link}


# From text to codes -----------------------------------------------------------------------------


def _encode(people: People, plan: Plan, codes: Codes) -> Case:
    plan_days = plan.days if plan.days is not None else [""] * len(plan.halls)
    people_days = people.days if people.days is not None else [""] * len(people.halls)
    day_code = _enumerate(people_days)
    every_day = plan.days is None
    if not every_day:
        day_code = _enumerate([*day_code, *plan_days])
    named = [name for ways in people.ways.values() for name, _ in ways]
    hall_code, window_code = _enumerate([*named, *plan.halls]), _enumerate(plan.windows)
    day = _coded(people_days, day_code)
    lists = list(people.ways.values())
    way = _coded(people.cells_of_ways(), _enumerate(people.ways))[people.first]
    row = _ticket_order(people, day)
    item = [codes.of(lists[w][0][0], i) for w, i in zip(way.tolist(), people.items, strict=True)]
    only = _ints([hall_code[w[0][0]] if len(w) == 1 and not w[0][1] else NEVER for w in lists])
    visitors = Visitors(
        day,
        only[way],
        people.arrival,
        _ints(item),
        people.credit,
        people.service,
        people.patience,
        people.balk_at,
        people.first,
        people.stage,
        people.walk,
    ).rows(row)
    items = [codes.bits(h, names) for h, names in zip(plan.halls, plan.items, strict=True)]
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
    return Case(
        visitors,
        duties,
        _choices(visitors, way[row], lists, hall_code),
        row,
        tuple(hall_code),
        tuple(window_code),
        people.table,
        (
            *_names_aside(people.table, VISITOR_COLUMNS),
            *_names_aside(plan.table, DUTY_COLUMNS),
            *_out_of_order(people, day),
            *_closed(people, plan),
        ),
    )


def _ticket_order(people: People, day: Ints) -> Ints:
    """Rows of the file in the order of arrival, each day and cell `hall` within its own places.

    A later stage goes with the latest arrival of the first stages above it, so that it stays where it
    is if these are in order.
    """
    group, place = _by_hall(people, day)
    far = int(people.arrival.max(initial=0)) + 1
    step = np.cumsum(np.append(0, np.diff(group[place]) != 0)[: len(place)]) * far
    late = np.maximum.accumulate(np.where(people.stage == 1, people.arrival, 0)[place] + step)
    time = np.where((people.stage == 1)[place], people.arrival[place] + step, late)
    row = np.empty_like(place)
    row[place] = place[np.argsort(time, kind="stable")]
    return row


def _by_hall(people: People, day: Ints) -> tuple[Ints, Ints]:
    """A number for the day and cell `hall` of each row, and the rows by these."""
    code = _enumerate(people.halls)
    group = (day * len(code) + _coded(people.halls, code))[people.first]
    return group, np.argsort(group, kind="stable")


def _choices(
    visitors: Visitors, way: Ints, lists: Sequence[Ways], hall_code: dict[str, int]
) -> Choices | None:
    """The ways of those who have no hall yet."""
    row = np.flatnonzero((visitors.hall == NEVER) & (visitors.stage == 1))
    if not len(row):
        return None
    size = _ints([len(ways) for ways in lists])
    count = size[way[row]]
    start = np.repeat((np.cumsum(size) - size)[way[row]] - np.cumsum(count) + count, count)
    entry = start + np.arange(len(start))
    halls = _ints([hall_code[name] for ways in lists for name, _ in ways])
    travel = _ints([seconds for ways in lists for _, seconds in ways])
    return Choices(np.repeat(row, count), halls[entry], travel[entry])


def _enumerate(names: Iterable[Key]) -> dict[Key, int]:
    """A code for each name, in order of appearance."""
    return {name: code for code, name in enumerate(dict.fromkeys(names))}


def _coded(names: Sequence[Key], code: dict[Key, int]) -> Ints:
    return np.fromiter((code.get(name, NEVER) for name in names), np.int64, len(names))


def _ints(numbers: Sequence[int]) -> Ints:
    return np.array(numbers, np.int64)


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


def _out_of_order(people: People, day: Ints) -> list[Problem]:
    """Arrivals that have to be sorted within their day and hall."""
    group, place = _by_hall(people, day)
    place = place[people.stage[place] == 1]
    moved = place[1:][(np.diff(people.arrival[place]) < 0) & (np.diff(group[place]) == 0)]
    if not len(moved):
        return []
    table = people.table
    place_of_first = Place(table.file, table.lines[int(moved.min())])
    return [Problem("sorted", place_of_first, "arrival", params={"count": len(moved)})]


def _closed(people: People, plan: Plan) -> list[Problem]:
    """Days on which a hall has visitors and no duty, nor any other that they may choose."""
    names = people.halls
    days = people.days if people.days is not None else [""] * len(names)
    if plan.days is None:
        served = {(day, hall) for day in set(days) for hall in set(plan.halls)}
    else:
        served = set(zip(plan.days, plan.halls, strict=True))
    first = np.flatnonzero(people.stage == 1).tolist()
    closed = {
        (day, cell)
        for day, cell in {(days[row], names[row]) for row in first}
        if not any((day, name) in served for name in cell.split("|"))
    }
    if not closed:
        return []
    rows = [row for row in first if (days[row], names[row]) in closed]
    params = {"hall": names[rows[0]], "count": len(rows)}
    if people.days is not None:
        params |= {"day": days[rows[0]], "days": len(closed)}
    rule = "no_duty" if people.days is None else "no_duty_day"
    place = Place(people.table.file, people.table.lines[rows[0]])
    return [Problem(rule, place, "hall", params=params)]


# Cells ------------------------------------------------------------------------------------------


def _hall(cell: str) -> str | Fault:
    return ("one_hall", {}) if "|" in cell else read_name(cell)


def _halls(cell: str) -> str | Fault:
    names = cell.split("|")
    if len(names) > 1 and (_untidy(names) or len(set(names)) < len(names)):
        return "hall_list", {}
    return read_name(cell)


def _travel(cell: str) -> str | Fault:
    seconds = _seconds(cell)
    return seconds if isinstance(seconds, tuple) else cell


def _seconds(cell: str) -> list[int] | Fault:
    """The numbers of `0|600|900`."""
    numbers = []
    for part in fold(cell).split("|") if cell else ():
        number = at_least(0)(part)
        if isinstance(number, tuple):
            return number
        numbers.append(number)
    return numbers


def _item(cell: str) -> str | Fault:
    if "|" in cell or cell == "*":
        return "one_item", {}
    return read_name(cell)


def _list_of_items(cell: str) -> str | Fault:
    names = cell.split("|")
    if cell and (_untidy(names) or ("*" in names and cell != "*")):
        return "item_list", {}
    return read_name(cell)


def _untidy(names: list[str]) -> bool:
    """Whether a part of `a|b` is empty or has blanks beside the bar, which would be another name."""
    return any(name != name.strip() or not name for name in names)
