"""Putting visitors in order: the counting sorts against numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from hallsim.lives import ITEM_BITS, PERSON_BITS, _sorted, in_order, sorting
from hallsim.records import Ints

SHIFT = ITEM_BITS + PERSON_BITS


@njit
def ordered(keys: Ints, low: int, high: int) -> Ints:
    room = sorting(keys.copy(), np.empty_like(keys), 1)
    return _sorted(room, len(keys), low, high)


def moments(kind: str, n: int, seed: int) -> Ints:
    """Whole seconds: even, all but a few in one minute, all in one second, or far apart."""
    rng = np.random.default_rng(seed)
    if kind == "even":
        return rng.integers(8 * 3600, 18 * 3600, n)
    if kind == "rush":
        late = rng.random(n) < 0.001
        return np.where(late, rng.integers(0, 86_400, n), rng.integers(30_000, 30_060, n))
    if kind == "one second":
        return np.full(n, 32_400)
    return rng.integers(0, 2**31 - 1, n)


@pytest.mark.parametrize("kind", ["even", "rush", "one second", "far apart"])
@pytest.mark.parametrize("n", [1, 2, 24, 25, 1000, 4096, 4097, 20_000, 60_000])
def test_keys_of_a_unit_are_sorted(kind: str, n: int) -> None:
    when = moments(kind, n, seed=n)
    keys = (when << SHIFT) | np.arange(n)
    found = ordered(keys, int(when.min()), int(when.max()))[:n]
    np.testing.assert_array_equal(found, np.sort(keys))


@pytest.mark.parametrize("kind", ["even", "rush", "one second"])
@pytest.mark.parametrize(("n", "units"), [(0, 3), (1, 1), (5000, 1), (5000, 7), (30_000, 900)])
def test_visits_are_in_order_of_unit_second_and_row(kind: str, n: int, units: int) -> None:
    when = moments(kind, n, seed=n + units)
    unit = np.random.default_rng(units).integers(0, units, n)
    np.testing.assert_array_equal(in_order(unit, when, units), np.lexsort((when, unit)))
