"""The state of today from files: counts by hall and item, or a log of tickets up to now.

Columns are in `docs/dispatch.md`.  What is wrong is said all at once.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from hallsim.calendar import FIRST_YEAR, LAST_YEAR, HallCalendar
from hallsim.cells import (
    Checker,
    Fault,
    Faults,
    Table,
    at_least,
    problem_at,
    read_table,
    read_time,
)
from hallsim.demand import arrival_window
from hallsim.problems import Place, Problem, ScenarioProblems, nearest
from hallsim.records import NEVER, OUTCOMES
from hallsim.scenario import Scenario, Session, fold, fold_day, format_clock, parse_clock
from hallsim.stations import Station, stations
from hallsim.today import ANY, Seen, State

STATE_COLUMNS = {
    "hall": ("大厅",), "item": ("事项",), "waiting": ("等候人数", "等候"),
    "in_service": ("办理中", "正在办理"), "clerks": ("到岗人数", "在岗人数"),
    "arrived": ("已取号", "已取号数"), "longest_wait": ("最长等候分钟", "最长等候"), "note": ("说明",),
}  # fmt: skip
"""Columns of a state, each with the Chinese words for it."""
LOG_COLUMNS = {
    "hall": ("大厅",), "item": ("事项",), "ticket": ("取号", "取号时间"), "called": ("叫号", "叫号时间"),
    "finished": ("办结", "办结时间"), "outcome": ("结果",),
}  # fmt: skip
"""Columns of a log of tickets: those of the answer of a replay, and the item."""
ALL = ("*", "全部", "所有")
MOST_PEOPLE = 10_000
"""People of one hall in a day, at most: more is a slip of the pen."""
_FIGURES = ("waiting", "in_service", "clerks", "arrived", "longest_wait")
_MOMENT = re.compile(r"\s*(\S+?)(?:\s+|T|(?<=日))(\S+)\s*")


@dataclass(frozen=True)
class StateRead:
    """A state, and what is worth knowing about its files."""

    state: State
    notes: tuple[Problem, ...]


def parse_now(text: str) -> tuple[dt.date, int]:
    """Day and second of `2018-09-03 10:30`, `2018/9/3 10:30`, `2018年9月3日10点半`.

    Raises:
        ScenarioProblems: nothing of the kind, or outside the calendar.
    """
    found = _MOMENT.fullmatch(fold(text))
    try:
        if found is None:
            raise ValueError
        date = dt.date.fromisoformat(str(fold_day(found[1])))
        second = parse_clock(found[2])
    except ValueError:
        raise ScenarioProblems([Problem("moment", Place("--now"), value=text)]) from None
    if not FIRST_YEAR <= date.year <= LAST_YEAR:
        raise ScenarioProblems([Problem("month_range", Place("--now"), value=text)])
    return date, second


def read_state(
    scenario: Scenario, now: str, state: Path | None = None, log: Path | None = None
) -> StateRead:
    """The state at `now`, from a table of counts, a log of tickets, or both.

    Counts of a log win; a table that contradicts it is refused.

    Raises:
        ScenarioProblems: with all that is wrong in either file and with the moment.
    """
    date, second = parse_now(now)
    faults = Faults()
    reader = _Reader(scenario, date, second, faults)
    seen = reader.log(log) if log is not None else {}
    if state is not None:
        seen = reader.state(state, seen, beside_log=log is not None)
    if not faults.count and not seen:
        faults.add(Problem("state_empty", Place(str(state or log))))
    faults.refuse()
    return StateRead(State(date, second, seen), tuple(reader.notes))


def template(scenario: Scenario, date: dt.date | None = None) -> str:
    """An empty state: a row for each hall as a whole, and one for each item that it serves.

    Rows without a figure mean nothing and may stay or go.  With a date only halls that open then.
    """
    calendar = HallCalendar(scenario)
    parts = stations(scenario)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([name for name in STATE_COLUMNS if name != "note"])
    for h, hall in enumerate(scenario.halls):
        own = [p for p in parts if p.hall == h]
        if not own or (date is not None and not calendar.sessions(hall, date)):
            continue
        writer.writerow([hall.hall, "*", *[""] * len(_FIGURES)])
        writer.writerows(
            [hall.hall, item.item, *[""] * len(_FIGURES)]
            for i, item in enumerate(scenario.items)
            if any(p.items >> i & 1 for p in own)
        )
    return out.getvalue()


class _Reader:
    """Reads both files against a scenario on a day."""

    def __init__(self, scenario: Scenario, date: dt.date, now: int, faults: Faults) -> None:
        self._scenario, self._date, self._now, self._faults = scenario, date, now, faults
        calendar = HallCalendar(scenario)
        self._sessions = [calendar.sessions(hall, date) for hall in scenario.halls]
        self._parts: list[Station] = stations(scenario)
        self._halls = _names((h.hall, h.name, h.name_en) for h in scenario.halls)
        self._items = _names((i.item, i.name, i.name_en) for i in scenario.items)
        self.notes: list[Problem] = []
        self._check_moment()

    def _check_moment(self) -> None:
        place, day = Place("--now"), self._date.isoformat()
        ends = [s[-1].off for s in self._sessions if s]
        if not ends:
            self._faults.add(Problem("all_closed", place, value=day))
        elif self._now >= max(ends):
            params = {"time": format_clock(max(ends))}
            self._faults.add(Problem("after_closing", place, "", format_clock(self._now), params))

    # A table of counts --------------------------------------------------------------------------

    def state(self, path: Path, seen: dict[int, Seen], beside_log: bool) -> dict[int, Seen]:
        """The counts of a file, beside those of a log, which knows who waits."""
        needed = ("hall",) if beside_log else ("hall", "waiting")
        table = read_table(
            path, tuple(STATE_COLUMNS), needed, self._faults,
            titles=_titles(STATE_COLUMNS), encodings=("gb18030",),
        )  # fmt: skip
        table = _told_rows(table)
        self._aside(table, STATE_COLUMNS)
        check = Checker(table, self._faults)
        halls = self._coded(table, check, "hall", self._hall)
        items = self._coded(table, check, "item", self._item)
        numbers = {
            name: _counts(table, check, name, NEVER)
            for name in ("in_service", "clerks", "arrived", "longest_wait")
        }
        default = NEVER if beside_log else None
        numbers["waiting"] = _counts(table, check, "waiting", default)
        rows: dict[int, list[int]] = defaultdict(list)
        for row, (h, i) in enumerate(zip(halls, items, strict=True)):
            if h is not None and i is not None and self._open(table, row, h):
                rows[h].append(row)
        found = dict(seen)
        for h, own in rows.items():
            found[h] = self._hall_seen(table, h, own, items, numbers, seen.get(h))
        return found

    def _hall_seen(
        self, table: Table, h: int, rows: list[int], items: list[int | None],
        numbers: dict[str, list[int]], log: Seen | None,
    ) -> Seen:  # fmt: skip
        def say(row: int, column: str, rule: str, **params: object) -> None:
            self._faults.add(problem_at(table, row, column, (rule, params)))

        first: dict[int | None, int] = {}
        for row in rows:
            if first.setdefault(items[row], row) != row:
                place = Place(table.file, table.lines[first[items[row]]])
                say(row, "item" if "item" in table.columns else "hall", "duplicate", other=place)
        one: dict[str, tuple[int, int]] = {}
        for name in ("clerks", "longest_wait"):
            for row in rows:
                value = numbers[name][row]
                if value == NEVER:
                    continue
                other = one.setdefault(name, (value, row))
                if name == "clerks" and other[0] != value:
                    say(row, name, "differs", other=Place(table.file, table.lines[other[1]]))
                if value > other[0]:
                    one[name] = value, row

        def counts(name: str) -> dict[int, int]:
            told = {items[row]: numbers[name][row] for row in rows if numbers[name][row] != NEVER}
            return {i: n for i, n in told.items() if i is not None}

        waiting, in_service, arrived = counts("waiting"), counts("in_service"), counts("arrived")
        self._check_counts(table, h, rows, items, waiting, in_service, arrived, one)
        clerks = one["clerks"][0] if "clerks" in one else None
        longest = 60 * one["longest_wait"][0] if "longest_wait" in one else None
        if "longest_wait" in one and self._sessions[h]:
            doors = arrival_window(self._scenario, self._scenario.halls[h], self._sessions[h])[0]
            if self._now - 60 * one["longest_wait"][0] < doors:
                say(
                    one["longest_wait"][1], "longest_wait", "before_doors", time=format_clock(doors)
                )
        if log is None:
            return Seen(
                waiting, in_service, clerks, arrived, longest if sum(waiting.values()) else None
            )
        for name, told, counted in (
            ("waiting", waiting, log.waiting), ("in_service", in_service, log.in_service),
        ):  # fmt: skip
            if told and sum(told.values()) != sum(counted.values()):
                say(rows[0], name, "log_differs", count=sum(counted.values()))
        return replace(log, clerks=clerks)

    def _check_counts(
        self, table: Table, h: int, rows: list[int], items: list[int | None],
        waiting: dict[int, int], in_service: dict[int, int], arrived: dict[int, int],
        one: dict[str, tuple[int, int]],
    ) -> None:  # fmt: skip
        def say(row: int, column: str, rule: str, **params: object) -> None:
            self._faults.add(problem_at(table, row, column, (rule, params)))

        own = [p for p in self._parts if p.hall == h]
        windows = sum(len(p.windows) for p in own)
        busy, row = sum(in_service.values()), rows[0]
        for r in rows:
            i = items[r]
            if i is not None and i != ANY and not any(p.items >> i & 1 for p in own):
                say(r, "item", "not_served_here")
        if busy > windows:
            say(row, "in_service", "windows_most", count=windows)
        if "clerks" in one:
            clerks, at = one["clerks"]
            machines = sum(len(p.windows) for p in own if p.machine)
            if busy > clerks + machines:
                say(at, "clerks", "in_service_clerks", count=busy)
            home = sum(
                c.count for c in self._scenario.clerks if c.hall == self._scenario.halls[h].hall
            )
            if clerks > home:
                self.notes.append(problem_at(table, at, "clerks", ("borrowed", {"count": home})))
        for r in rows:
            i = items[r]
            if i is None or i not in arrived:
                continue
            here = waiting.get(i, 0) + in_service.get(i, 0)
            if i == ANY:
                here = sum(waiting.values()) + busy
            if arrived[i] < here:
                say(r, "arrived", "arrived_fewer", count=here)

    # A log of tickets ---------------------------------------------------------------------------

    def log(self, path: Path) -> dict[int, Seen]:
        """What a log up to now says."""
        table = read_table(
            path, tuple(LOG_COLUMNS), ("hall", "item", "ticket"), self._faults,
            titles=_titles(LOG_COLUMNS), encodings=("gb18030",),
        )  # fmt: skip
        self._aside(table, LOG_COLUMNS)
        check = Checker(table, self._faults)
        halls = self._coded(table, check, "hall", self._hall)
        items = self._coded(table, check, "item", self._item)
        times = {"ticket": check.numbers("ticket", read_time, NEVER).tolist()}
        times |= {n: check.numbers(n, read_time, NEVER).tolist() for n in ("called", "finished")}
        outcome = ("", *OUTCOMES)
        options = ", ".join(OUTCOMES)
        if "outcome" in table.columns:
            check.text("outcome", lambda c: c if c in outcome else ("one_of", {"options": options}))
        left = table.columns.get("outcome", [""] * len(table.lines))
        found: dict[int, list[int]] = defaultdict(list)
        for row, h in enumerate(halls):
            self._check_times(table, row, times)
            if h is not None and items[row] is not None and self._open(table, row, h):
                found[h].append(row)
        seen = {}
        for h, rows in found.items():
            here = [r for r in rows if times["ticket"][r] != NEVER]
            in_service = [
                (items[r] or 0, times["called"][r]) for r in here
                if times["called"][r] != NEVER and times["finished"][r] == NEVER
            ]  # fmt: skip
            waiting = [
                (items[r] or 0, min(times["ticket"][r], self._now - 1)) for r in here
                if times["called"][r] == NEVER and left[r] in ("", "served")
            ]  # fmt: skip
            windows = sum(len(p.windows) for p in self._parts if p.hall == h)
            if len(in_service) > windows:
                rule: Fault = "log_windows", {"count": len(in_service), "windows": windows}
                self._faults.add(problem_at(table, rows[0], "hall", rule))
            seen[h] = Seen(
                dict(Counter(i for i, _ in waiting)), dict(Counter(i for i, _ in in_service)),
                arrived={ANY: len(here)}, tickets=tuple(waiting), calls=tuple(in_service),
            )  # fmt: skip
        return seen

    def _check_times(self, table: Table, row: int, times: dict[str, list[int]]) -> None:
        before, name = NEVER, ""
        for column in ("ticket", "called", "finished"):
            t = times[column][row]
            if t == NEVER:
                continue
            if t > self._now:
                rule: Fault = "log_after_now", {"now": format_clock(self._now)}
                self._faults.add(problem_at(table, row, column, rule))
            elif t < before:
                self._faults.add(problem_at(table, row, column, ("log_order", {"other": name})))
            before, name = t, column

    # Both ---------------------------------------------------------------------------------------

    def _coded(
        self, table: Table, check: Checker, column: str, code: Callable[[str], int | None]
    ) -> list[int | None]:
        """The number of each cell's hall or item; None and a problem where there is none."""
        if column not in table.columns:
            return [ANY if column == "item" else None] * len(table.lines)
        names = self._halls if column == "hall" else self._items
        cells = table.columns[column]
        found = [code(cell) for cell in cells]
        bad = [row for row, number in enumerate(found) if number is None]

        def problem(row: int) -> Problem:
            if not cells[row]:
                return problem_at(table, row, column, ("missing", {}))
            told = problem_at(table, row, column, (f"unknown_{column}", {}))
            return replace(told, suggestion=nearest(cells[row], names))

        self._faults.add_rows(bad, problem)
        return found

    def _hall(self, cell: str) -> int | None:
        return self._halls.get(fold(cell))

    def _item(self, cell: str) -> int | None:
        return ANY if fold(cell) in ("", *ALL) else self._items.get(fold(cell))

    def _open(self, table: Table, row: int, h: int) -> bool:
        """Whether the hall has anything ahead today; else a problem."""
        sessions: tuple[Session, ...] = self._sessions[h]
        day = self._date.isoformat()
        if not any(self._sessions):  # said of the moment, once
            return False
        if not sessions:
            self._faults.add(problem_at(table, row, "hall", ("closed_today", {"day": day})))
        elif self._now >= sessions[-1].off and any(
            self._now < s[-1].off for s in self._sessions if s
        ):
            params = {"time": format_clock(sessions[-1].off)}
            self._faults.add(problem_at(table, row, "hall", ("closed_by_now", params)))
        else:
            return True
        return False

    def _aside(self, table: Table, known: dict[str, tuple[str, ...]]) -> None:
        free = [name for name in known if name not in table.columns]
        self.notes += [
            Problem("column_aside", Place(table.file, 1), name, suggestion=nearest(name, free))
            for name in table.unknown(tuple(known))
            if name
        ]


def _people(cell: str) -> int | Fault:
    """A count that a hall can have in a day."""
    found = at_least(0)(cell)
    return (
        ("at_most", {"limit": MOST_PEOPLE})
        if isinstance(found, int) and found > MOST_PEOPLE
        else found
    )


def _counts(table: Table, check: Checker, name: str, default: int | None) -> list[int]:
    """A column of counts; NEVER where a cell is wrong, so that nothing else is said of it."""
    found = check.numbers(name, _people, default).tolist()
    cells = table.columns.get(name, [""] * len(found))
    wrong = (bool(cell) and isinstance(_people(fold(cell)), tuple) for cell in cells)
    return [NEVER if bad else n for n, bad in zip(found, wrong, strict=True)]


def _names(rows: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """Every id, and every name that means one thing only, to its number."""
    rows = list(rows)
    count = Counter(name for row in rows for name in set(row))
    found = {fold(n): k for k, row in enumerate(rows) for n in row[1:] if n and count[n] == 1}
    return found | {row[0]: k for k, row in enumerate(rows)}


def _titles(columns: dict[str, tuple[str, ...]]) -> dict[str, str]:
    return {word: name for name, words in columns.items() for word in words}


def _told_rows(table: Table) -> Table:
    """The table without rows that hold no figure."""
    cells = [table.columns[name] for name in _FIGURES if name in table.columns]
    keep = [row for row in range(len(table.lines)) if any(column[row] for column in cells)]
    columns = {name: [column[row] for row in keep] for name, column in table.columns.items()}
    return Table(table.file, columns, [table.lines[row] for row in keep])
