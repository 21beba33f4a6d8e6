"""Small random days, full of ties, and what must hold in any day."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import strategies as st

from hallsim.records import (
    ABANDONED,
    ALL_ITEMS,
    NEVER,
    SERVED,
    TURNED_AWAY,
    Duties,
    Ints,
    Visitors,
    Visits,
)

ITEMS = (0, 1, 62)
LISTS = (ALL_ITEMS, *(sum(1 << i for i in s) for s in ([0], [1], [62], [0, 1], [1, 62], ITEMS)))

Spell = tuple[int, int, int, int]
Window = tuple[int, int, list[Spell]]
Row = tuple[int, ...]


def table_of_visitors(rows: list[Row]) -> Visitors:
    """From rows (day, hall, arrival, item, credit, service, patience), sorted by arrival."""
    rows = sorted(rows, key=lambda row: row[2])
    return Visitors(*np.array(rows, np.int64).reshape(-1, 7).T.copy())


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


_code = st.integers(0, 1)
_visitor = st.tuples(
    _code,
    _code,
    st.integers(0, 24),
    st.sampled_from(ITEMS),
    st.sampled_from((0, 0, 0, 1, 2, 5, 86400)),
    st.integers(1, 9),
    st.sampled_from((NEVER, NEVER, 0, 1, 2, 3, 5, 8, 13)),
)
_spell = st.tuples(
    st.integers(0, 6),
    st.integers(1, 12),
    st.sampled_from(LISTS),
    st.sampled_from((100, 100, 33, 50, 150, 300)),
)
_window = st.tuples(_code, _code, st.lists(_spell, min_size=1, max_size=3))

visitors = st.builds(table_of_visitors, st.lists(_visitor, max_size=24))
duties = st.builds(
    table_of_duties,
    st.lists(_window, max_size=8),
    st.lists(st.integers(0, 9), min_size=1, max_size=5),
)


def many_days(days: int, seed: int) -> tuple[Visitors, Duties]:
    """The same kind of tables with many days, drawn at once."""
    rng = np.random.default_rng(seed)
    n = 16 * days
    people = [
        rng.integers(0, days, n),
        rng.integers(0, 2, n),
        rng.integers(0, 25, n),
        rng.choice(ITEMS, n),
        rng.choice((0, 0, 0, 1, 2, 5, 86400), n),
        rng.integers(1, 10, n),
        rng.choice((NEVER, NEVER, 0, 1, 2, 3, 5, 8, 13), n),
    ]
    plan: list[Window] = [
        (
            int(rng.integers(days)),
            int(rng.integers(2)),
            [
                (
                    int(rng.integers(0, 7)),
                    int(rng.integers(1, 13)),
                    int(rng.choice(LISTS)),
                    int(rng.choice((100, 100, 33, 50, 150, 300))),
                )
                for _ in range(rng.integers(1, 4))
            ],
        )
        for _ in range(4 * days)
    ]
    return (
        table_of_visitors(list(zip(*(c.tolist() for c in people), strict=True))),
        table_of_duties(plan, rng.integers(0, 9**9, 16 * days).tolist()),
    )


# What must hold ---------------------------------------------------------------------------------


def assert_sound(visitors: Visitors, duties: Duties, visits: Visits, serve_out: bool) -> None:
    """Every invariant, hall-day by hall-day."""
    assert len(visits) == len(visitors)
    assert_each_row_is_sound(visitors, visits)
    people, plans = rows_by_hall_day(visitors), rows_by_hall_day(duties)
    for hall_day, rows in people.items():
        plan = duties.rows(np.array(plans.get(hall_day, []), np.intp))
        index = np.array(rows, np.intp)
        assert_sound_hall_day(visitors.rows(index), plan, visits.rows(index), serve_out)


def assert_each_row_is_sound(visitors: Visitors, visits: Visits) -> None:
    """Exactly one outcome, the moments that belong to it and no others, in their order."""
    outcome, ticket, called = visits.outcome, visits.ticket, visits.called
    assert np.isin(outcome, (SERVED, ABANDONED, TURNED_AWAY)).all()
    served, abandoned = outcome == SERVED, outcome == ABANDONED
    for moment in (called, visits.finished, visits.window):
        assert np.array_equal(moment != NEVER, served)
    had_ticket = ticket != NEVER
    assert (ticket == visitors.arrival)[had_ticket].all()
    assert had_ticket[served | abandoned].all()
    assert (called >= ticket)[served].all()
    assert (visits.finished > called)[served].all()
    patient = (visitors.patience == NEVER) | (called == ticket)
    patient |= called < ticket + visitors.patience
    assert patient[served].all(), "called after patience ended"
    assert (visitors.patience != NEVER)[abandoned].all()


def rows_by_hall_day(table: Visitors | Duties) -> dict[tuple[int, int], list[int]]:
    """Row numbers of each (day, hall)."""
    groups: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, hall_day in enumerate(zip(table.day.tolist(), table.hall.tolist(), strict=True)):
        groups[hall_day].append(row)
    return groups


def assert_sound_hall_day(
    visitors: Visitors, duties: Duties, visits: Visits, serve_out: bool
) -> None:
    """Second by second: who waits, who is busy, who might have called."""
    closing = int(duties.off.max()) if len(duties) else NEVER
    until = np.where(serve_out & (duties.off == closing), np.iinfo(np.int64).max, duties.off)
    leaves = last_second_of_waiting(visitors, visits, closing)
    no_ticket = visits.ticket == NEVER
    assert np.array_equal(no_ticket, visitors.arrival >= closing)
    assert (visits.outcome == TURNED_AWAY)[no_ticket].all()
    for second in np.unique(np.concatenate([visits.ticket, visits.called, duties.on, leaves])):
        called = np.flatnonzero((visits.called == second) & (second != NEVER))
        waits = np.flatnonzero((visits.ticket <= second) & (leaves >= second) & ~no_ticket)
        serving = (visits.called <= second) & (second < visits.finished)
        busy = visits.window[serving].tolist()
        assert len(busy) == len(set(busy)), "one window serves two at once"
        for row in np.flatnonzero((duties.on <= second) & (second < until)):
            mine = [i for i in called if visits.window[i] == duties.window[row]]
            if duties.window[row] not in busy or mine:
                may = [j for j in waits if duties.items[row] >> visitors.item[j] & 1]
                assert mine or not may, "an idle window on duty and someone it may serve"
            for i in mine:
                assert duties.items[row] >> visitors.item[i] & 1, "not on the list"
                seconds = -(-visitors.service[i] * 100 // duties.speed[row])
                assert visits.finished[i] - second == seconds
                assert all(turn(visitors, visits, i) < turn(visitors, visits, j) for j in may)
        on_duty = set(duties.window[(duties.on <= second) & (second < until)].tolist())
        assert {int(visits.window[i]) for i in called} <= on_duty, "called by nobody on duty"


def last_second_of_waiting(visitors: Visitors, visits: Visits, closing: int) -> Ints:
    """The last second after whose calls the visitor still waits (before it leaves at once)."""
    given_up = visits.ticket + np.maximum(visitors.patience - 1, 0)
    by_outcome = [visits.called - 1, given_up, np.full(len(visits), closing - 1)]
    return np.array(np.choose(visits.outcome, by_outcome), np.int64)


def turn(visitors: Visitors, visits: Visits, row: int | np.intp) -> tuple[int, int, int]:
    """The order of calls."""
    ticket = int(visits.ticket[row])
    return ticket - int(visitors.credit[row]), ticket, int(row)
