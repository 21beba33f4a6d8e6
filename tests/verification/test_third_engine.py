"""An engine written from `docs/rules.md` alone gives the same rows as the two others.

Every comparison is exact, so there is no false alarm; what is random is drawn with fixed seeds.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import third_engine
from runs import is_fast

import random_days
from conftest import Engine
from random_days import Case

DAYS = 50
"""days of a case, which share the options of the run"""


def many(seed: int) -> Case:
    return random_days.many_days(DAYS, seed, seed % 3 > 0, visits_per_day=(5, 12, 25)[seed % 3])


def plain(seed: int) -> Case:
    return random_days.many_days(DAYS, seed, seed % 2 > 0, plain=True, visits_per_day=25)


def dense(seed: int) -> Case:
    return random_days.dense_days(DAYS, seed)


@pytest.mark.parametrize(
    ("draw", "cases"), [(many, 15), (plain, 6), (dense, 20)], ids=["many", "plain", "dense"]
)
def test_the_third_engine_gives_the_same_rows(
    engine: Engine, draw: Callable[[int], Case], cases: int
) -> None:
    outcomes = set()
    for seed in range(cases if is_fast(engine) else cases // 3):
        case = draw(seed)
        visits = case.through(third_engine.simulate)
        assert visits == case.through(engine), f"seed {seed}"
        outcomes |= set(visits.outcome.tolist())
    assert outcomes == ({0, 1, 2} if draw is plain else {0, 1, 2, 3, 4})
