"""Shares of a total among those who brought it together: Shapley values and interactions.

A game of k players is an array whose last axis has length 2**k: the value of every combination,
player i taking part where bit i of the index is set.  Both measures are linear, so they can be
taken per replication, and intervals are those of paired samples.
"""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def players_of(values: Floats) -> int:
    """Number of players of a game.

    Raises:
        ValueError: the last axis is no power of two.
    """
    size = int(values.shape[-1])
    k = size.bit_length() - 1
    if size != 1 << k:
        raise ValueError(f"a game of k players has 2**k values, not {size}")
    return k


def shares(values: Floats) -> Floats:
    """[..., k]: what each player brought, averaged over all orders in which they may join.

    They sum to the value of all minus that of none (Shapley 1953).

    Args:
        values: [..., 2**k].
    """
    k = players_of(values)
    weight = [factorial(s) * factorial(k - s - 1) / factorial(k) for s in range(k)]
    out = np.zeros((*values.shape[:-1], k))
    for i in range(k):
        for rest in _without(k, 1 << i):
            gain = values[..., rest | 1 << i] - values[..., rest]
            out[..., i] += weight[rest.bit_count()] * gain
    return out


def interactions(values: Floats) -> Floats:
    """[..., k, k]: how much more two players bring together than each for itself.

    The Shapley interaction index (Grabisch and Roubens 1999): the second difference of the value,
    averaged over the combinations of the others, every number of others with the same weight and
    every combination of a number as well.  Symmetric; the diagonal is 0.

    Args:
        values: [..., 2**k].
    """
    k = players_of(values)
    weight = [factorial(s) * factorial(k - s - 2) / factorial(k - 1) for s in range(k - 1)]
    out = np.zeros((*values.shape[:-1], k, k))
    for i in range(k):
        for j in range(i):
            a, b = 1 << i, 1 << j
            for rest in _without(k, a | b):
                second = (values[..., rest | a | b] - values[..., rest | a]) - (
                    values[..., rest | b] - values[..., rest]
                )
                out[..., i, j] += weight[rest.bit_count()] * second
            out[..., j, i] = out[..., i, j]
    return out


def _without(k: int, players: int) -> list[int]:
    return [rest for rest in range(1 << k) if not rest & players]
