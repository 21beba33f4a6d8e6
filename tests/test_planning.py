"""Plans of small months: what is near stays as it is, and limits are weighed against all clerks there are."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from hallsim.demand import expect
from hallsim.draw import Chance
from hallsim.planning import Plan, plan_month
from hallsim.scenario import (
    Clerks,
    Leave,
    Limit,
    Scenario,
    Staffing,
    Transfers,
    TransferTier,
    Windows,
)
from hallsim.staff import Loan
from hallsim.stations import stations
from small import CLERKS, WINDOWS, small

FREE = TransferTier(order_minutes=0, travel_minutes=0)
FREE_MOVES = Transfers(within_street=FREE, between_streets=FREE, with_district=FREE)


def plan(scenario: Scenario, period: str = "week", **given: Any) -> Plan:
    month = expect(scenario, 2018, 9)
    return plan_month(
        month, stations(scenario), seed=1, table_replications=1, period=period, **given
    )


def at_halls(found: Plan) -> np.ndarray:
    """[T, H]: clerks of the plan by hall; every hall of these scenarios is one station."""
    clerks: np.ndarray = found.solution.clerks.sum(axis=2)
    return clerks


def limited(kind: str, value: int, *halls: str, **fields: Any) -> Scenario:
    return small(limits=(Limit(halls=halls, limit=kind, value=value, **fields),))  # type: ignore[arg-type]


def clerks_with_minimum(**minimum: int) -> tuple[Clerks, ...]:
    return tuple(Clerks(hall=h, count=n, minimum=minimum.get(h, 1)) for h, n in CLERKS.items())


# notice -------------------------------------------------------------------------------------------


def test_notice_well_before_the_month_changes_nothing() -> None:
    free = plan(small())
    early = plan(small(), today=dt.date(2018, 8, 1))
    assert early.solution.clerks.tolist() == free.solution.clerks.tolist()


@pytest.mark.parametrize("day", [1, 9, 16, 30])
@pytest.mark.parametrize("most", [None, 2])
def test_nothing_begins_before_a_notice_takes_effect(day: int, most: int | None) -> None:
    """Moves are free, so that clerks might change places; what ran before goes on meanwhile."""
    scenario = small(transfers=FREE_MOVES.model_copy(update={"most_orders": most}))
    today = dt.date(2018, 9, day)
    running = (Loan(0, 1, 0, 1), Loan(4, 2, 0, 1))
    found = plan(scenario, "half_week", today=today, running=running)
    month = expect(scenario, 2018, 9)
    soon = today + dt.timedelta(days=scenario.transfers.notice_days)
    settled = [p for p, (a, _) in enumerate(found.spans) if month.dates[a] < soon]
    assert at_halls(found)[settled].tolist() == [[3, 3, 4, 2, 3, 2]] * len(settled)
    for move in found.moves:
        assert move.running or move.first not in settled
    goes_on = {
        (m.origin, m.destination) for m in found.moves if m.running and m.last + 1 >= len(settled)
    }
    assert goes_on == {(0, 1), (4, 2)}


def test_who_leaves_for_good_does_so_before_a_notice_too() -> None:
    found = plan(limited("total_most_clerks", 15, "*"), today=dt.date(2018, 9, 5))
    assert at_halls(found).sum(axis=1).tolist() == [15] * len(found.spans)
    assert not found.solution.relaxed


def test_a_minimum_above_what_a_hall_has_is_told_where_nothing_can_change_yet() -> None:
    """A2 has 2 clerks and should have 3: until the notice it is one short."""
    scenario = small(clerks=clerks_with_minimum(A2=3))
    found = plan(scenario, today=dt.date(2018, 9, 5)).solution
    assert {(r.limit.name, r.by) for r in found.relaxed} == {("clerks[3].minimum", 1)}


def test_a_hall_may_have_more_clerks_from_the_plan_before_than_it_has_use_for() -> None:
    """One window everywhere: six clerks at A are more than any table would hold."""
    scenario = small(windows=tuple(Windows(hall=h, count=1) for h in WINDOWS))
    running = (Loan(0, 1, 0, 2), Loan(4, 1, 0, 2))
    found = plan(scenario, today=dt.date(2018, 9, 5), running=running)
    assert at_halls(found)[0].tolist() == [2, 6, 3, 2, 2, 2]


# limits that can be kept are kept ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "scenario",
    [
        limited("total_least_clerks", 12, "A1"),
        limited("total_least_clerks", 13, "A1", "B1"),
        limited("least_clerks", 10, "A2"),
        limited("total_most_clerks", 5, "A", "A1", "A2", "B", "B1"),
        limited("most_clerks", 1, "A", "A1", "A2", "B", "B1"),
        small(clerks=clerks_with_minimum(A2=12)),
    ],
)  # fmt: skip
def test_limits_that_the_clerks_suffice_for_are_kept(scenario: Scenario) -> None:
    """Of 17 clerks at six halls every other hall keeps its minimum of 1, however few windows there are."""
    found = plan(scenario, "month")
    assert found.solution.relaxed == () and found.solution.conflict == ()
    assert (at_halls(found) >= 1).all()


def test_minimum_staffing_is_among_what_contradicts() -> None:
    """13 clerks at two halls leave 4 for four others that keep 1 each; 14 leave 3: one is missing."""
    scenario = limited("total_least_clerks", 14, "A1", "B1")
    found = plan(scenario, "month").solution
    assert [r.by for r in found.relaxed] == [1]
    minima = {f"clerks[{k}].minimum" for k, h in enumerate(CLERKS) if h not in ("A1", "B1")}
    assert set(found.conflict) == {"limits[0]", *minima}


def test_a_minimum_may_give_where_that_is_least() -> None:
    """A2 has 2 clerks and should have 4, yet one order is allowed: the cap and the minimum contradict
    each other, and neither of them alone."""
    transfers = Transfers(most_orders=1)
    found = plan(small(clerks=clerks_with_minimum(A2=4), transfers=transfers), "month").solution
    assert [r.by for r in found.relaxed] == [1]
    assert set(found.conflict) == {"clerks[3].minimum", "transfers.most_orders"}


@pytest.mark.parametrize("hall", ["A", "D"])
def test_as_many_windows_open_as_asked_while_clerks_are_on_leave(hall: str) -> None:
    """All clerks of a hall are away in the second week; then others have to come for four windows."""
    asked = Limit(halls=(hall,), limit="least_windows", value=4)
    leave = Leave(
        hall=hall, clerks=CLERKS[hall], first=dt.date(2018, 9, 10), last=dt.date(2018, 9, 14)
    )
    everybody = Staffing(leave_rate=0, other_duty_rate=0, absence_rate=0)
    scenario = small(limits=(asked,), leave=(leave,), staffing=everybody)
    found = plan(scenario)
    assert not found.solution.relaxed
    chance = Chance(expect(scenario, 2018, 9), stations(scenario), 1, "verify")
    windows = chance.windows_open(found.clerks.reshape(-1), 0).reshape(found.clerks.shape)
    place = list(CLERKS).index(hall)
    assert (windows[:, place] >= 4).all()
    assert at_halls(found)[1, place] >= CLERKS[hall] + 4
