"""Small random days, full of ties and with every rule in play, and what must hold in any day."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from conftest import Engine
from hallsim.records import (
    ABANDONED,
    ALL_ITEMS,
    BALKED,
    NEVER,
    SERVED,
    TURNED_AWAY,
    VOID,
    Choices,
    Duties,
    Ints,
    Visitors,
    Visits,
)

ITEMS = (0, 1, 62)
LISTS = (ALL_ITEMS, *(sum(1 << i for i in s) for s in ([0], [1], [62], [0, 1], [1, 62], ITEMS)))
CREDITS = (0, 0, 0, 1, 2, 5, 86400)
PATIENCES = (NEVER, NEVER, 0, 1, 2, 3, 5, 8, 13)
BALKINGS = (NEVER, NEVER, 1, 2, 3, 4)
WALKS = (0, 0, 1, 2, 5, 9)
TRAVELS = (0, 0, 0, 1, 2, 5, 9)
SPEEDS = (100, 100, 33, 50, 150, 300)
GHOSTS = (0, 1, 2, 3, 7)
POSTED = (0, 1, 2, 5, 600)
HALLS = 3

Stage = tuple[int, int, int, int, int, int, int, int, int]
"""Item, credit, service, patience, balk_at, walk; how many rows later; hall and arrival to ignore."""
Visit = tuple[int, list[tuple[int, int]], int, list[Stage]]
"""Day, ways (hall, travel), arrival, stages."""
Spell = tuple[int, int, int, int]
Window = tuple[int, int, list[Spell]]
Row = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """What an engine is given."""

    visitors: Visitors
    duties: Duties
    serve_out: bool
    ghost_seconds: int
    posted_service: int
    choices: Choices | None

    def through(self, engine: Engine) -> Visits:
        return engine(
            self.visitors,
            self.duties,
            self.serve_out,
            ghost_seconds=self.ghost_seconds,
            posted_service=self.posted_service,
            choices=self.choices,
        )


def tables_of_visitors(visits: list[Visit], by_hall: bool) -> tuple[Visitors, Choices | None]:
    """Rows by arrival, over the day or hall by hall; later stages anywhere behind the one before."""
    rows: list[tuple[Row, Row]] = []
    ways_of: dict[int, list[tuple[int, int]]] = {}
    for number, (day, ways, arrival, stages) in enumerate(visits):
        chooses = len(ways) > 1 or ways[0][1] > 0
        group = NEVER if chooses else ways[0][0]
        place = arrival
        for k, (*cells, walk, later, junk_hall, junk_time) in enumerate(stages):
            place += later if k else 0
            hall, time = (junk_hall, junk_time) if k else (group, arrival)
            key = (day, group, place) if by_hall else (0, 0, place)
            rows.append((key, (day, hall, time, *cells, number, k + 1, walk)))
        if chooses:
            ways_of[number] = ways
    rows.sort(key=lambda pair: pair[0])
    table = np.array([row for _, row in rows], np.int64).reshape(-1, 11).T.copy()
    visitors = Visitors(*table)
    options = [
        (row, hall, travel)
        for row, (number, stage) in enumerate(zip(visitors.visit, visitors.stage, strict=True))
        if stage == 1
        for hall, travel in ways_of.get(int(number), [])
    ]
    if not options:
        return visitors, None
    return visitors, Choices(*np.array(options, np.int64).T.copy())


def table_of_duties(windows: list[Window], order: list[int]) -> Duties:
    """From (day, hall, [(gap, length, items, speed)]), the rows arranged by `order`.

    A gap of 0 lets a duty begin in the second in which the one before ends.
    """
    rows: list[Row] = []
    for window, (day, hall, spells) in enumerate(windows):
        time = 0
        for gap, length, items, speed in spells:
            on = time + gap
            time = on + length
            rows.append((day, hall, window, items, on, time, speed))
    keys = np.resize(np.array(order, np.int64), len(rows))
    rows = [rows[i] for i in np.argsort(keys, kind="stable")]
    return Duties(*np.array(rows, np.int64).reshape(-1, 7).T.copy())


def case(
    visits: list[Visit], windows: list[Window], order: list[int], by_hall: bool,
    serve_out: bool, ghost_seconds: int, posted_service: int,
) -> Case:  # fmt: skip
    visitors, choices = tables_of_visitors(visits, by_hall)
    duties = table_of_duties(windows, order)
    return Case(visitors, duties, serve_out, ghost_seconds, posted_service, choices)


_day = st.integers(0, 1)
_hall = st.integers(0, HALLS - 1)
_stage = st.tuples(
    st.sampled_from(ITEMS),
    st.sampled_from(CREDITS),
    st.integers(1, 9),
    st.sampled_from(PATIENCES),
    st.sampled_from(BALKINGS),
    st.sampled_from(WALKS),
    st.integers(0, 9),
    st.integers(NEVER, HALLS),
    st.integers(NEVER, 24),
)
_way = st.tuples(_hall, st.sampled_from(TRAVELS))
_ways = st.one_of(
    _hall.map(lambda hall: [(hall, 0)]),
    st.lists(_way, min_size=1, max_size=HALLS, unique_by=lambda way: way[0]),
)
_visit = st.tuples(_day, _ways, st.integers(0, 24), st.lists(_stage, min_size=1, max_size=3))
_settled = st.tuples(
    _day,
    _hall.map(lambda hall: [(hall, 0)]),
    st.integers(0, 24),
    st.lists(_stage, min_size=1, max_size=3),
)
_plain_stage = st.tuples(
    *(st.sampled_from(ITEMS), st.sampled_from(CREDITS), st.integers(1, 9)),
    *(st.sampled_from(PATIENCES), *(st.just(n) for n in (NEVER, 0, 0, 0, 0))),
)
_plain_visit = st.tuples(
    _day,
    _hall.map(lambda hall: [(hall, 0)]),
    st.integers(0, 24),
    st.lists(_plain_stage, min_size=1, max_size=1),
)
_spell = st.tuples(
    st.integers(0, 6), st.integers(1, 12), st.sampled_from(LISTS), st.sampled_from(SPEEDS)
)
_window = st.tuples(_day, _hall, st.lists(_spell, min_size=1, max_size=3))
_order = st.lists(st.integers(0, 9), min_size=1, max_size=5)

cases = st.builds(
    case,
    st.one_of(st.lists(_visit, max_size=16), st.lists(_settled, max_size=16)),
    st.lists(_window, max_size=9),
    _order,
    st.booleans(),
    st.booleans(),
    st.sampled_from(GHOSTS),
    st.sampled_from(POSTED),
)
plain_cases = st.builds(
    case,
    st.lists(_plain_visit, max_size=24),
    st.lists(_window, max_size=9),
    _order,
    st.booleans(),
    st.booleans(),
    st.just(0),
    st.just(600),
)
"""Rules 1 to 8 only: engines may have a path of their own for these."""


def many_days(
    days: int, seed: int, serve_out: bool = True, plain: bool = False, visits_per_day: int = 12
) -> Case:
    """The same kind of tables with many days, drawn at once."""
    rng = np.random.default_rng(seed)

    def one(values: tuple[int, ...]) -> int:
        return values[int(rng.integers(len(values)))]

    def below(n: int) -> int:
        return int(rng.integers(n))

    def stage() -> Stage:
        return (
            *(one(ITEMS), one(CREDITS), 1 + below(9), one(PATIENCES)),
            *((NEVER, 0) if plain else (one(BALKINGS), one(WALKS))),
            *(below(10), below(HALLS), below(25)),
        )

    def ways(day: int) -> list[tuple[int, int]]:
        if plain or day % 4 == 0 or below(3):  # on some days nobody chooses
            return [(below(HALLS), 0)]
        halls = rng.permutation(HALLS)[: 1 + below(HALLS)]
        return [(int(hall), one(TRAVELS)) for hall in halls]

    def spell() -> Spell:
        return below(7), 1 + below(12), one(LISTS), one(SPEEDS)

    visits: list[Visit] = [
        (day, ways(day), below(25), [stage() for _ in range(1 if plain else 1 + below(3))])
        for day in (below(days) for _ in range(visits_per_day * days))
    ]
    windows: list[Window] = [
        (below(days), below(HALLS), [spell() for _ in range(1 + below(3))]) for _ in range(5 * days)
    ]
    order = rng.integers(0, 9**9, 16 * days).tolist()
    ghost_seconds = 0 if plain else 1 + seed % 3
    return case(visits, windows, order, False, serve_out, ghost_seconds, 2 + seed % 4)


def dense_days(days: int, seed: int) -> Case:
    """Up to 40 visitors in 15 to 90 seconds, longer visits, wider choices, closing all at once.

    A hall may be named that has no duties; the options of the run are drawn too.
    """
    rng = random.Random(seed)

    def stage() -> Stage:
        patience = rng.choice((*[NEVER] * 4, 0, 1, 2, 5, 8, 13, 30))
        balk_at, walk = rng.choice((*[NEVER] * 4, 1, 2, 4, 7)), rng.choice((0, 0, 1, 2, 9))
        return (
            *(rng.choice(ITEMS), rng.choice(CREDITS), rng.choice((1, 2, 3, 5, 9, 17))),
            *(patience, balk_at, walk),
            *(rng.randrange(10), rng.randint(NEVER, HALLS), rng.randint(NEVER, 24)),
        )

    def ways(halls: int) -> list[tuple[int, int]]:
        if rng.random() < 0.6:
            return [(rng.randrange(halls), 0)]
        named = rng.sample(range(HALLS), rng.randint(1, HALLS))
        return [(hall, rng.choice((0, 0, 0, 1, 2, 5, 9, 30))) for hall in named]

    def spells(span: int, to_the_end: bool) -> list[Spell]:
        def spell(gap: int, length: int) -> Spell:
            return gap, length, rng.choice(LISTS), rng.choice((100, 33, 50, 70, 150, 300, 1000))

        found = [
            spell(rng.choice((0, 0, 0, 1, 4)), rng.randint(1, span // 2))
            for _ in range(rng.randint(1, 4))
        ]
        left = span - sum(gap + length for gap, length, *_ in found)
        if to_the_end and left > 0:
            gap = rng.choice((0, 0, left - 1))
            found.append(spell(gap, left - gap))
        return found

    visits: list[Visit] = []
    windows: list[Window] = []
    for day in range(days):
        span, halls = rng.choice((15, 40, 90)), rng.randint(1, HALLS)
        for hall in range(HALLS):
            if hall < halls or rng.random() < 0.3:
                together = rng.random() < 0.5
                for _ in range(rng.choice((1, 1, 2, 3))):
                    windows.append((day, hall, spells(span, together)))
        for _ in range(rng.choice((4, 10, 20, 40))):
            stages = [stage() for _ in range(rng.choice((1, 1, 2, 3, 4)))]
            visits.append((day, ways(halls), rng.randrange(span + 5), stages))
    order = [rng.randrange(9**9) for _ in range(5 * len(windows))]
    by_hall, serve_out = rng.random() < 0.5, rng.random() < 0.7
    ghost_seconds, posted = rng.choice((0, 1, 2, 5, 20)), rng.choice((0, 1, 3, 10, 600))
    return case(visits, windows, order, by_hall, serve_out, ghost_seconds, posted)


# As files ---------------------------------------------------------------------------------------


def visitors_file(case: Case) -> str:
    """The visitors as CSV; halls are called A, B, …, items by their numbers."""
    v, ways = case.visitors, ways_of(case)
    lines = ["day,visitor,stage,hall,travel,arrival,walk,item,credit,service,patience,balk_at"]
    for row in range(len(v)):
        first = v.stage[row] == 1
        halls = "|".join(chr(65 + hall) for hall, _ in ways[row]) if first else ""
        travel = "|".join(str(seconds) for _, seconds in ways[row]) if first else ""
        cells = [v.day, v.visit, v.stage, halls, travel, v.arrival, v.walk, v.item]
        cells += [v.credit, v.service, v.patience, v.balk_at]
        texts = [cell if isinstance(cell, str) else str(cell[row]) for cell in cells]
        lines.append(",".join("" if text == "-1" else text for text in texts))
    return "\n".join(lines)


def duties_file(case: Case) -> str:
    """The duties as CSV."""
    d = case.duties
    lines = ["day,hall,window,items,on,off,speed"]
    for row in range(len(d)):
        bits = int(d.items[row])
        items = "|".join(str(item) for item in ITEMS if bits >> item & 1)
        cells = [d.day[row], chr(65 + d.hall[row]), d.window[row]]
        cells += ["*" if bits == ALL_ITEMS else items, d.on[row], d.off[row], d.speed[row]]
        lines.append(",".join(map(str, cells)))
    return "\n".join(lines)


# What must hold ---------------------------------------------------------------------------------


def assert_sound(case: Case, visits: Visits) -> None:
    """Every invariant, row by row and then hall-day by hall-day."""
    assert len(visits) == len(case.visitors)
    due = assert_each_row_is_sound(case, visits)
    reached = np.flatnonzero(visits.outcome != VOID)
    plans = rows_by_hall_day(case.duties.day, case.duties.hall)
    people = rows_by_hall_day(case.visitors.day[reached], visits.hall[reached])
    halls = {
        hall_day: HallDay(
            case,
            case.duties.rows(np.array(plans.get(hall_day, []), np.intp)),
            case.visitors.rows(reached[rows]),
            visits.rows(reached[rows]),
            due[reached[rows]],
            reached[rows],
        )
        for hall_day, rows in people.items()
    }
    for hall_day in halls.values():
        hall_day.assert_tickets()
        hall_day.assert_calls()
    assert_choices(case, visits, halls, plans)


def assert_each_row_is_sound(case: Case, visits: Visits) -> Ints:
    """One outcome, the moments that belong to it and no others, in their order, stage after stage.

    Returns the second in which each row comes to the hall, NEVER if it does not.
    """
    visitors, outcome = case.visitors, visits.outcome
    ticket, called = visits.ticket, visits.called
    served, abandoned = outcome == SERVED, outcome == ABANDONED
    for moment in (called, visits.finished, visits.window):
        assert np.array_equal(moment != NEVER, served)
    had_ticket = ticket != NEVER
    assert had_ticket[served | abandoned].all()
    assert not had_ticket[(outcome == BALKED) | (outcome == VOID)].any()
    assert (called >= ticket)[served].all()
    assert (visits.finished > called)[served].all()
    patient = (visitors.patience == NEVER) | (called == ticket)
    patient |= called < ticket + visitors.patience
    assert patient[served].all(), "called after patience ended"
    assert (visitors.patience != NEVER)[abandoned].all()
    assert (visitors.balk_at != NEVER)[outcome == BALKED].all()

    due = np.full(len(visits), NEVER, np.int64)
    ways = ways_of(case)
    before: dict[tuple[int, int], int] = {}
    for row, visit in enumerate(zip(visitors.day.tolist(), visitors.visit.tolist(), strict=True)):
        last = before.get(visit)
        before[visit] = row
        if last is None:
            assert visitors.stage[row] == 1 and outcome[row] != VOID
            due[row] = visitors.arrival[row] + dict(ways[row])[int(visits.hall[row])]
        else:
            assert visits.hall[row] == visits.hall[last]
            assert (outcome[row] != VOID) == (outcome[last] == SERVED)
            if outcome[row] != VOID:
                due[row] = visits.finished[last] + visitors.walk[row]
    assert np.array_equal(ticket[had_ticket], due[had_ticket])
    return due


def ways_of(case: Case) -> dict[int, list[tuple[int, int]]]:
    """Halls and travel of each first stage."""
    ways: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for row, hall in enumerate(case.visitors.hall.tolist()):
        if hall != NEVER:
            ways[row] = [(hall, 0)]
    if case.choices is not None:
        columns = case.choices.row, case.choices.hall, case.choices.travel
        for row, hall, travel in zip(*(c.tolist() for c in columns), strict=True):
            ways[row].append((hall, travel))
    return ways


def rows_by_hall_day(day: Ints, hall: Ints) -> dict[tuple[int, int], list[int]]:
    """Row numbers of each (day, hall)."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, hall_day in enumerate(zip(day.tolist(), hall.tolist(), strict=True)):
        groups[hall_day].append(row)
    return groups


@dataclass(frozen=True)
class HallDay:
    """Everyone who comes to one hall on one day, and its windows."""

    case: Case
    duties: Duties
    visitors: Visitors
    visits: Visits
    due: Ints
    row: Ints

    @property
    def closing(self) -> int:
        return int(self.duties.off.max()) if len(self.duties) else NEVER

    def until(self) -> Ints:
        """The end of each duty, far away for those of staying windows."""
        stays = self.case.serve_out & (self.duties.off == self.closing)
        return np.where(stays, np.iinfo(np.int64).max, self.duties.off)

    def waiting(self, second: int, row: int) -> int:
        """How many wait in part (d) of a second when it is the turn of a row."""
        v, x = self.visitors, self.visits
        came = (x.ticket != NEVER) & (x.ticket < second)
        came |= (x.ticket == second) & (self.row < row)
        lost = x.outcome == ABANDONED
        gone = (x.called != NEVER) & (x.called < second)
        gone |= lost & (v.patience > 0) & (x.ticket + v.patience <= second)
        gone |= lost & (v.patience == 0) & (x.ticket < second)
        gone |= (x.outcome == TURNED_AWAY) & (self.closing < second)
        return int((came & ~gone).sum())

    def assert_tickets(self) -> None:
        """Who gets none: at or after closing, unless a stayer serves a later stage; who balks."""
        for i, second in enumerate(self.due.tolist()):
            item, outcome = self.visitors.item[i], self.visits.outcome[i]
            stayers = self.duties.items[self.until() > self.closing] >> item & 1
            later = self.visitors.stage[i] > 1 and bool(stayers.any())
            balk_at = self.visitors.balk_at[i]
            if second >= self.closing and not later:
                assert outcome == TURNED_AWAY and self.visits.ticket[i] == NEVER
            elif balk_at != NEVER and self.waiting(second, self.row[i]) >= balk_at:
                assert outcome == BALKED
            else:
                assert self.visits.ticket[i] == second

    def assert_calls(self) -> None:
        """Second by second: who waits, who is busy, who might have called."""
        v, x, plan = self.visitors, self.visits, self.duties
        until, last = self.until(), self.last_second_of_waiting()
        ghosts = self.case.ghost_seconds > 0 and (x.outcome == ABANDONED).any()
        for second in np.unique(np.concatenate([x.ticket, x.called, plan.on, last])):
            called = np.flatnonzero((x.called == second) & (second != NEVER))
            waits = np.flatnonzero((x.ticket <= second) & (last >= second) & (x.ticket != NEVER))
            serving = (x.called <= second) & (second < x.finished)
            busy = x.window[serving].tolist()
            assert len(busy) == len(set(busy)), "one window serves two at once"
            for row in np.flatnonzero((plan.on <= second) & (second < until)):
                mine = [i for i in called if x.window[i] == plan.window[row]]
                may = [j for j in waits if plan.items[row] >> v.item[j] & 1]
                if plan.window[row] not in busy and not ghosts:
                    assert not may, "an idle window on duty and someone it may serve"
                for i in mine:
                    assert plan.items[row] >> v.item[i] & 1, "not on the list"
                    seconds = -(-v.service[i] * 100 // plan.speed[row])
                    assert x.finished[i] - second == seconds
                    assert all(self.turn(i) < self.turn(j) for j in may)
            on_duty = set(plan.window[(plan.on <= second) & (second < until)].tolist())
            assert {int(x.window[i]) for i in called} <= on_duty, "called by nobody on duty"

    def last_second_of_waiting(self) -> Ints:
        """The last second after whose calls the visitor still waits (before it leaves at once)."""
        given_up = self.visits.ticket + np.maximum(self.visitors.patience - 1, 0)
        nothing = np.full(len(self.visits), NEVER)
        turned_away = np.full(len(self.visits), self.closing - 1)
        by_outcome = [self.visits.called - 1, given_up, turned_away, nothing, nothing]
        return np.array(np.choose(self.visits.outcome, by_outcome), np.int64)

    def turn(self, i: int | np.intp) -> tuple[int, int, int]:
        """The order of calls."""
        ticket = int(self.visits.ticket[i])
        return ticket - int(self.visitors.credit[i]), ticket, int(self.row[i])


def assert_choices(
    case: Case,
    visits: Visits,
    halls: dict[tuple[int, int], HallDay],
    plans: dict[tuple[int, int], list[int]],
) -> None:
    """Everyone went where travel and posted wait were smallest, of equals to the first named."""
    for row, ways in ways_of(case).items():
        if len(ways) < 2 or case.visitors.stage[row] > 1:
            continue
        day, second = int(case.visitors.day[row]), int(case.visitors.arrival[row])
        costs = []
        for hall, travel in ways:
            plan = case.duties.rows(np.array(plans.get((day, hall), []), np.intp))
            closed = second >= plan.off.max(initial=NEVER)
            crowd = halls.get((day, hall))
            waiting = crowd.waiting(second, row) if crowd else 0
            serves = (plan.items >> case.visitors.item[row] & 1).astype(bool)
            windows = int((serves & (plan.on <= second) & (second < plan.off)).sum())
            posted = waiting * case.posted_service // max(1, windows)
            costs.append((closed, travel + posted))
        assert visits.hall[row] == ways[costs.index(min(costs))][0]
