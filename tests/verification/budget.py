"""The budget of false alarms: how often the verification suite may fail although the engines are right.

Every comparison of a random mean with its expected value goes through `agrees`.  All comparisons
together may raise a false alarm for at most one choice of seeds in a thousand (`ALARM`); each of
them gets an equal part of that (Bonferroni), so dependence between them does no harm.  `PLAN` says
how many comparisons each group of tests makes, over both engines; a group that makes more fails,
and `test_zz_budget.py` asserts the sum.  Seeds are fixed: a run is red or green, not now and then.

The level of an interval is that of Student's t over independent days, whose means are as good as
normal: a day is long, or there are thousands of them.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

ALARM = 1e-3
PLAN = {
    "M/M/c": 12,
    "M/M/c+M": 18,
    "M/G/1": 12,
    "priority": 4,
    "M/M/c/K": 8,
    "M(t)/M/c(t)+M": 14,
    "M(t)/M/s(t)+M": 12,
    "specialist and comprehensive": 8,
    "unequal speeds": 8,
    "pooling": 6,
    "tandem": 6,
    "choice of hall": 6,
}
"""Group to the number of its comparisons."""
LEVEL = ALARM / sum(PLAN.values())
"""Probability of a false alarm of one comparison."""

made: Counter[str] = Counter()
"""Comparisons made in this run."""


def agrees(
    group: str, values: Floats | NDArray[np.bool_], expected: float, where: Floats | None = None
) -> bool:
    """Whether the expected mean lies in the interval over the means of the days.

    Args:
        group: a key of `PLAN`.
        values: [day, visitor], or [day] where a day has one value.
        expected: what theory says.
        where: weights like `values`; the mean is over those visitors.
    """
    made[group] += 1
    assert made[group] <= PLAN[group], f"{group}: more comparisons than in the plan"
    table = np.asarray(values, float).reshape(len(values), -1)
    chosen = np.ones_like(table) if where is None else np.asarray(where, float)
    means = (table * chosen).sum(axis=1) / chosen.sum(axis=1)
    width = stats.t.ppf(1 - LEVEL / 2, len(means) - 1) * stats.sem(means)
    print(f"{group}: {means.mean():.5f} ± {width:.5f}, expected {expected:.5f}")
    return bool(abs(means.mean() - expected) <= width)
