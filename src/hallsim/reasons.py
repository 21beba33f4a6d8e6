"""Why each move is made: what the month would be without it, on the same fresh visitors.

Leave one out: the clerks of one move stay at home while everybody else works as planned.  Station-days
do not interact, so this is looked up in tables and equals simulating that staffing as a whole; where
visitors choose among halls the tables keep everybody in the own hall.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hallsim.counting import LOST, OVERTIME, TICKETS, WAIT
from hallsim.demand import Floats, Month
from hallsim.loans import Move
from hallsim.measure import interval
from hallsim.planning import Plan
from hallsim.records import Ints
from hallsim.staff import Solution, StaffingTables, order_of, travel_of
from hallsim.waiting import WaitingTables

_ESTIMATES = (
    "saves_wait_min", "fewer_lost", "gains_min", "loses_min", "net_min",
    "to_wait_without", "to_wait_with", "from_wait_without", "from_wait_with",
)  # fmt: skip
REASON_COLUMNS = [
    "move", "from", "to", "clerks", "move_min",
    *(f"{name}{end}" for name in _ESTIMATES for end in ("", "_lo", "_hi")),
]  # fmt: skip
"""One row per move.  In the periods of the move, with it against without it:

* `saves_wait_min`, `fewer_lost`: minutes of waiting and visitors lost fewer, both halls together;
* `gains_min`: what the receiving hall gains, `loses_min`: what the lending hall loses, in visitor
  minutes of the objective; `move_min`: orders, travel and long stays in the same unit;
  `net_min` = gains - loses - move_min;
* `to_wait_...`, `from_wait_...`: mean wait in minutes of the receiving and the lending hall.
"""


def without(tables: StaffingTables, solution: Solution, move: Move) -> Ints:
    """[T, S] clerks if the clerks of one move stay at home and everybody else works as planned.

    In a hall of several stations they leave where the tables say that it costs least, and join where it
    saves most.
    """
    clerks = solution.clerks.copy()
    for p in range(move.first, move.last + 1):
        for _ in range(move.clerks):
            _step(tables, clerks[p], p, move.destination, move.group, -1)
            _step(tables, clerks[p], p, move.origin, move.group, +1)
    found: Ints = clerks.sum(axis=2)
    return found


def _step(tables: StaffingTables, clerks: Ints, p: int, hall: int, group: int, by: int) -> None:
    """One clerk of a group more or fewer in a hall, [S, G] in place; idle where they can do nothing."""
    able = [
        s
        for s in np.flatnonzero(tables.station_hall == hall).tolist()
        if group in tables.station_groups[s] and clerks[s, group] + by >= 0
    ]
    if able:

        def change(s: int) -> float:
            n = int(clerks[s].sum())
            return _cost_at(tables, s, p, n + by) - _cost_at(tables, s, p, n)

        clerks[min(able, key=change), group] += by


def _cost_at(tables: StaffingTables, s: int, p: int, n: int) -> float:
    row = tables.cost[s][p]
    k = n - int(tables.lower[s])
    return float("inf") if k < 0 else float(row[min(k, len(row) - 1)])


def move_minutes(tables: StaffingTables, move: Move) -> float:
    """What a move costs by itself in visitor minutes: orders, travel, and stays that are long."""
    x = tables.transfers
    days = tables.days[move.first : move.last + 1]
    order = 0.0 if move.running else order_of(tables, move.origin, move.destination)
    travel = x.travel_weight * travel_of(tables, move.origin, move.destination)
    long = days if move.running else days[np.cumsum(days) > x.long_stay_days]
    a_clerk = order + travel * float(days.sum()) + x.long_stay_minutes * float(long.sum())
    return move.clerks * a_clerk


def reasons(
    month: Month, plan: Plan, found: Sequence[Move], fresh: WaitingTables, confidence: float
) -> pd.DataFrame:
    """What each move saves and costs, one row per move in their order; see `REASON_COLUMNS`.

    Args:
        month: the month that was planned.
        plan: the plan.
        found: its moves.
        fresh: tables on fresh visitors that reach from fewest to most clerks with and `without` each
            move, as of `fresh_tables`.
        confidence: of the paired intervals.
    """
    look = _Look(month, plan, fresh)
    rows = [
        (
            k, plan.tables.halls[m.origin], plan.tables.halls[m.destination], m.clerks,
            move_minutes(plan.tables, m),
            *_estimates(look, plan, m, confidence),
        )
        for k, m in enumerate(found)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=REASON_COLUMNS)


def _estimates(look: _Look, plan: Plan, move: Move, confidence: float) -> list[float]:
    clerks = plan.solution.clerks.sum(axis=2), without(plan.tables, plan.solution, move)
    to_with, to_without = (look.hall(move.destination, n, move) for n in clerks)
    from_with, from_without = (look.hall(move.origin, n, move) for n in clerks)
    saved = to_without - to_with + from_without - from_with
    gains, loses = (look.minutes(to_without - to_with), look.minutes(from_with - from_without))
    samples = {
        "saves_wait_min": saved[:, WAIT],
        "fewer_lost": saved[:, LOST],
        "gains_min": gains,
        "loses_min": loses,
        "net_min": gains - loses - move_minutes(plan.tables, move),
        "to_wait_without": _mean_wait(to_without),
        "to_wait_with": _mean_wait(to_with),
        "from_wait_without": _mean_wait(from_without),
        "from_wait_with": _mean_wait(from_with),
    }
    return [float(x) for name in _ESTIMATES for x in interval(samples[name], confidence)]


class _Look:
    """Looks up what halls do in the periods of a move."""

    def __init__(self, month: Month, plan: Plan, fresh: WaitingTables) -> None:
        self._goal = month.scenario.objective
        self._plan, self._fresh = plan, fresh

    def hall(self, hall: int, clerks: Ints, move: Move) -> Floats:
        """[R, fields of `counting.COSTS`] of a hall over the periods of a move, with clerks [T, S]."""
        fresh, found = (
            self._fresh,
            np.zeros((len(self._fresh.values), self._fresh.values.shape[-1])),
        )
        for s in np.flatnonzero(self._plan.tables.station_hall == hall):
            for p in range(move.first, move.last + 1):
                first, last = self._plan.spans[p]
                n = clerks[p, s] - fresh.lower[s]
                found += fresh.values[:, first : last + 1, s, n].sum(axis=1)
        return found

    def minutes(self, sums: Floats) -> Floats:
        """[R]: visitor minutes of the objective."""
        found: Floats = (
            sums[:, WAIT]
            + self._goal.lost_minutes * sums[:, LOST]
            + self._goal.overtime_weight * sums[:, OVERTIME]
        )
        return found


def _mean_wait(sums: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = sums[:, WAIT] / sums[:, TICKETS]
    return found
