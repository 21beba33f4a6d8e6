"""A day cut at some second and started again from its state ends like the whole day."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hallsim.counting import OVERTIME, TICKETS, VISITORS, WAIT
from hallsim.demand import expect
from hallsim.draw import Chance
from hallsim.records import ABANDONED, BALKED, NEVER, SERVED, VOID, Ints
from hallsim.scenario import Hours, Lunch, Scenario, Windows
from hallsim.stations import Station, duties, stations
from hallsim.warm import (
    COLUMNS,
    FIRST_CALLED,
    NOTHING,
    Action,
    Post,
    Rest,
    Rows,
    cut,
    holders,
    post_today,
    rest_costs,
    shifts,
    tell_rest,
)
from small import OFFICE, full, lone, small

OVER_LUNCH = Hours(
    weekdays="9:00-18:00",  # type: ignore[arg-type]
    sat="9:00-12:00@60%",  # type: ignore[arg-type]
    last_ticket_minutes=10,
    lunch=Lunch(waves=2),
)


def busier(scenario: Scenario, factor: float = 1.3) -> Scenario:
    rows = tuple(r.model_copy(update={"volume": r.volume * factor}) for r in scenario.demand)
    return scenario.model_copy(update={"demand": rows})


def mixed(**fields: Any) -> Scenario:
    """Narrow windows beside wide ones, which are slower."""
    rows = []
    for row in small().windows:
        rows.append(Windows(hall=row.hall, count=1, items=("permit",)))
        rows.append(Windows(hall=row.hall, count=row.count - 1, speed=80))
    return small(windows=tuple(rows), **fields)


def no_walk(scenario: Scenario) -> Scenario:
    """Nobody is between two counters when the hall closes."""
    items = tuple(i.model_copy(update={"walk_minutes": 0.0}) for i in scenario.items)
    return scenario.model_copy(update={"items": items})


CASES = {
    "office": busier(small()),
    "lunch": busier(small(hours={"office": OVER_LUNCH})),
    "mixed": mixed(hours={"office": OVER_LUNCH}),
    "visits": no_walk(full(hours={"office": OVER_LUNCH})),
}


def rows_of(crowd: Any, a: int, b: int) -> Rows:
    given = [getattr(crowd, c)[a:b] for c in COLUMNS[:5]]
    n = b - a
    rest = [getattr(crowd, c)[a:b] for c in COLUMNS[5:]] if len(crowd.stage) else [
        np.full(n, NEVER), np.ones(n, np.int64), np.zeros(n, np.int64)
    ]  # fmt: skip
    return Rows(*given, *rest)


def fates(rows: Rows, told: Any) -> list[tuple[int, ...]]:
    columns: list[Ints] = [rows.item, rows.service, rows.patience, *told]
    return sorted(zip(*(c.tolist() for c in columns), strict=True))


def still_there(rows: Rows, told: Any, now: int) -> Ints:
    """Rows of a whole day that something happens to from `now` on, apart from visits under way."""
    gone = np.where(told.outcome == SERVED, told.called < now, False)
    gone |= (told.outcome == ABANDONED) & (told.ticket + rows.patience < now)
    gone |= (told.outcome == BALKED) & (rows.arrival < now)
    return np.flatnonzero(~gone & (told.outcome != VOID))


@pytest.mark.parametrize("name", CASES)
def test_a_day_restarted_from_its_state_ends_like_the_whole_day(name: str) -> None:
    scenario = CASES[name]
    month, parts = expect(scenario, 2018, 9), stations(scenario)
    crowd = Chance(month, parts, 11, "today").crowd(0)
    rng = np.random.default_rng(5)
    busy = 0
    for u in rng.permutation(len(crowd.first))[:90].tolist():
        d, s = divmod(u, len(parts))
        sessions = month.sessions[d][parts[s].hall]
        if not sessions:
            continue
        rows = rows_of(crowd, crowd.first[u], crowd.in_time[u])
        hours = scenario.hours["office"]
        clerks = int(rng.integers(1, len(parts[s].windows) + 1))
        now = int(rng.integers(8 * 3600, sessions[-1].off))
        whole = tell_rest(rows, duties(parts[s], sessions, hours, clerks))
        post = Post(parts[s], sessions, hours, now, clerks)
        state = cut(post, rows, whole)
        rest = state.rows(post)
        told = tell_rest(rest, post.duties(NOTHING, state.opened))
        people = np.flatnonzero((rest.credit != FIRST_CALLED) & (told.outcome != VOID))
        here = still_there(rows, whole, now)
        busy += len(here) > 0
        assert fates(rows.at(here), type(whole)(*(c[here] for c in whole))) == fates(
            rest.at(people), type(told)(*(c[people] for c in told))
        )
    assert busy > 20


def one(scenario: Scenario) -> tuple[Station, Hours]:
    return stations(scenario)[0], scenario.hours["office"]


def test_costs_are_those_of_the_people_alone() -> None:
    """Two windows; one busy for 5 more minutes.  Two wait, one comes: worked by hand."""
    station, hours = one(lone(open=2))
    now = 10 * 3600
    post = post_today(station, OFFICE.weekdays, hours, now, 2)
    people = Rows.of(2, arrival=np.array([now - 600, now - 300]), item=0, service=600)
    later = Rows.of(1, arrival=now + 60, item=0, service=600)

    rows = Rows.join([people, holders(post, [0, 1], [300, -1], ()), later])
    rest = Rest(*(np.array([x]) for x in (0, len(rows.item), 1, 2)), rows)
    cost = rest_costs(rest, shifts([[post.duties(NOTHING, [0, 1])]]), post.closing, 1800)[0, 0]
    # called at once after 10 min; at 10:05 after 10 min; the third when the first is done, after 9 min
    assert cost[WAIT] == pytest.approx(10 + 10 + 9)
    assert cost[TICKETS] == 3
    assert cost[VISITORS] == 4  # one came after the last ticket
    assert cost[OVERTIME] == 0


def test_windows_leave_when_free_and_come_when_told() -> None:
    station, hours = one(lone(open=3))
    now = 10 * 3600
    post = post_today(station, OFFICE.weekdays, hours, now, 2)
    people = Rows.of(3, arrival=now - 60, item=0, service=600)
    rows = Rows.join([people, holders(post, [0, 1], [900, 300], ())])
    rows_of_duty = post.duties(Action(1, (now + 1200,)), [0, 1])
    told = tell_rest(rows, rows_of_duty)
    served = np.flatnonzero(rows.credit != FIRST_CALLED)
    # window 2 closes after its visit; 1 is free at +900, the newcomer opens window 3 at +1200
    assert sorted((told.called[served] - now).tolist()) == [900, 1200, 1500]
    assert set(told.window[served].tolist()) == {1, 3}
