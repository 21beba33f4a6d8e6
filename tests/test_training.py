"""Training by rotation: the cost of sparing a clerk, and who goes where."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from hallsim.demand import expect
from hallsim.measure import interval
from hallsim.planning import home_by_day, periods_of
from hallsim.scenario import Clerks, Demand, RosterClerk
from hallsim.simulate import simulate_staffings
from hallsim.stations import stations
from hallsim.training import SPARE_COLUMNS, one_less, rotations
from hallsim.waiting import waiting_tables
from small import CLERKS, small


def test_one_less_is_the_month_simulated_with_one_less() -> None:
    """The same visitors, hall by hall: waiting and lost visitors with and without a clerk."""
    scenario = small()
    month, parts = expect(scenario, 2018, 9), stations(scenario)
    home = home_by_day(month, parts)
    lower, upper = np.ones(len(parts), np.int64), np.full(len(parts), 6)
    tables = waiting_tables(month, parts, lower, upper, seed=4, purpose="verify", replications=3)
    found = one_less(month, parts, tables, home, periods_of(month, "month"))
    assert list(found["hall"]) == list(CLERKS)
    goal = scenario.objective
    for s, hall in enumerate(CLERKS):
        fewer = home.copy()
        fewer[:, s] -= 1
        both = simulate_staffings(
            month, {"all": home, "fewer": fewer}, seed=4, purpose="verify", replications=3
        )
        cost = {
            side: m.samples("total_wait_min")
            + goal.lost_minutes * m.samples("lost")
            + goal.overtime_weight * m.samples("overtime_min")
            for side, m in both.items()
        }
        told = found.set_index("hall").loc[hall, ["mean", "lo", "hi"]].tolist()
        assert told == pytest.approx(
            [float(np.ravel(x)[0]) for x in interval(cost["fewer"] - cost["all"], 0.95)]
        )


def test_nobody_is_taken_below_the_minimum() -> None:
    clerks = tuple(Clerks(hall=h, count=n, minimum=n - (h == "B")) for h, n in CLERKS.items())
    scenario = small(clerks=clerks)
    month, parts = expect(scenario, 2018, 9), stations(scenario)
    tables = waiting_tables(
        month, parts, np.ones(6, np.int64), np.full(6, 6), seed=1, replications=2
    )
    found = one_less(month, parts, tables, home_by_day(month, parts), periods_of(month, "week"))
    assert set(found["hall"]) == {"B"}


def spare(*rows: tuple[str, int, float]) -> pd.DataFrame:
    """hall, week of September 2018 from the 3rd, upper end of the cost."""
    table = []
    for hall, week, hi in rows:
        first = dt.date(2018, 9, 3) + dt.timedelta(7 * week)
        last = first + dt.timedelta(4)
        table.append((hall, week, first, last, 5, ("general",), hi - 5, hi - 10, hi))
    return pd.DataFrame(table, columns=SPARE_COLUMNS)


DEMAND = (
    Demand(halls=("*",), item="card", volume=1000),
    Demand(halls=("D", "A"), item="permit", volume=1000),
)
"""Communities and street hall B see cards only."""


def clerk(number: int, hall: str, moved: int = 0, leave: str = "") -> RosterClerk:
    return RosterClerk(clerk=f"S-{number}", hall=hall, moved=moved, leave=leave)


def told(found: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(found[["clerk", "to", "knows", "learns"]].itertuples(index=False, name=None))


def test_the_least_moved_clerk_of_a_slack_hall_goes_to_the_hall_of_wider_business() -> None:
    scenario = small(demand=DEMAND)
    roster = [clerk(1, "A1", 2), clerk(2, "A1", 1), clerk(3, "B", 0), clerk(4, "A", 0)]
    slots = spare(("A1", 0, 30), ("B", 0, 20), ("A", 0, 10), ("A1", 1, 90))
    found = rotations(scenario, roster, slots, most_minutes=60)
    # street hall A has all business already, so its clerk learns nothing at the district hall
    assert told(found) == [("S-3", "D", 1, 1), ("S-2", "A", 1, 1)]
    assert found["cost_hi"].tolist() == [20, 30]
    assert rotations(scenario, roster, slots, most_minutes=9).empty


def test_one_learner_at_a_hall_at_a_time_and_everybody_once() -> None:
    scenario = small(demand=DEMAND)
    roster = [clerk(1, "A1"), clerk(2, "A2"), clerk(3, "B1")]
    slots = spare(("A1", 0, 10), ("A2", 0, 20), ("B1", 0, 30), ("A1", 1, 40))
    found = rotations(scenario, roster, slots, most_minutes=60)
    # hall A is taken by the first; hall B sees no more business than its community
    assert told(found) == [("S-1", "A", 1, 1), ("S-2", "D", 1, 1)]
    assert len(rotations(scenario, roster, slots, most_minutes=60, at_once=2)) == 3


def test_who_is_lent_or_on_leave_does_not_go() -> None:
    scenario = small(demand=DEMAND)
    roster = [clerk(1, "A1"), clerk(2, "A1", leave="2018-09-07"), clerk(3, "A1", moved=9)]
    lent = pd.DataFrame(
        [("S-1", dt.date(2018, 9, 5), dt.date(2018, 9, 5), False)],
        columns=["clerk", "first", "last", "continued"],
    )
    found = rotations(scenario, roster, spare(("A1", 0, 10)), most_minutes=60, people=lent)
    assert told(found) == [("S-3", "A", 1, 1)]
