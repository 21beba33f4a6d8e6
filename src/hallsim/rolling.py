"""From one month's plan to the next: what goes on, and what ends although it ran."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hallsim.demand import Month
from hallsim.loans import Move
from hallsim.measure import interval
from hallsim.planning import Plan
from hallsim.reasons import without
from hallsim.records import Ints
from hallsim.staff import Loan, travel_of
from hallsim.waiting import WaitingTables

ENDED_COLUMNS = [
    "from", "to", "group", "clerks", "travel_min", "keeping_saves_min", "keeping_lo", "keeping_hi",
]  # fmt: skip
"""Loans of the plan before that this plan does not go on with.  `keeping_saves_min`: visitor minutes
of waiting, lost visitors and overtime that keeping it would have saved in the first period (below 0: it
would have cost as much); `travel_min`: its extra travel per clerk and working day."""


def ended_loans(plan: Plan, found: Sequence[Move]) -> list[Loan]:
    """Loans that ran before and do not go on into the first period."""
    left = {(x.origin, x.destination, x.group): x.clerks for x in plan.tables.running}
    for move in found:
        if move.running:
            left[move.origin, move.destination, move.group] -= move.clerks
    return [Loan(a, b, g, n) for (a, b, g), n in left.items() if n > 0]


def if_kept(plan: Plan, loan: Loan) -> Ints:
    """[T, S] clerks if a loan that ended went on through the first period, all else as planned."""
    back = Move(loan.destination, loan.origin, loan.group, loan.clerks, 0, 0, "")
    return without(plan.tables, plan.solution, back)


def ended_table(
    month: Month, plan: Plan, found: Sequence[Move], fresh: WaitingTables, confidence: float
) -> pd.DataFrame:
    """What keeping the loans that end would have done; see `ENDED_COLUMNS`."""
    goal, tables = month.scenario.objective, plan.tables
    costs = fresh.costs(goal.lost_minutes, goal.overtime_weight)
    planned = plan.solution.clerks.sum(axis=2)
    first, last = plan.spans[0]
    rows = []
    for loan in ended_loans(plan, found):
        kept = if_kept(plan, loan)
        saved = np.zeros(len(costs))
        for s in np.flatnonzero(kept[0] != planned[0]):
            here, there = (int(n[0, s] - fresh.lower[s]) for n in (planned, kept))
            own = costs[:, first : last + 1, s]
            saved += (own[:, :, here] - own[:, :, there]).sum(axis=1)
        mean, lo, hi = (float(x) for x in interval(saved, confidence))
        rows.append(
            (
                tables.halls[loan.origin], tables.halls[loan.destination], tables.groups[loan.group],
                loan.clerks, travel_of(tables, loan.origin, loan.destination), mean, lo, hi,
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=ENDED_COLUMNS)
