"""Random numbers against known answers and theory.

Every statistical assertion here uses the level P_MIN = 1e-6 with fixed keys; with fewer than 100
of them a right generator fails this file with probability below 1e-4.
"""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from scipy import special, stats

from hallsim.streams import grid, normal_quantile, poisson, split, stream, uniform

P_MIN = 1e-6


@njit
def numbers(key, first, n):
    """Numbers first .. first + n - 1 of a stream."""
    out = np.empty(n)
    for i in range(n):
        out[i] = uniform(key, first + i)
    return out


@njit
def numbers_of_children(key, n, index):
    """Number `index` of each of the first n sub-streams."""
    out = np.empty(n)
    for i in range(n):
        out[i] = uniform(split(key, i), index)
    return out


@njit
def poissons(key, n, mean):
    """The Poisson numbers of the first n sub-streams."""
    out = np.empty(n, np.int64)
    for i in range(n):
        out[i] = poisson(split(key, i), mean)
    return out


@njit
def quantiles(p):
    out = np.empty(len(p))
    for i in range(len(p)):
        out[i] = normal_quantile(p[i])
    return out


def test_a_stream_is_splitmix64() -> None:
    """The first outputs of the authors' C code for seed 1234567."""
    assert [int(split(np.uint64(1234567), i)) for i in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_every_part_of_a_name_its_kind_and_its_place_count() -> None:
    names = [(1, "plan"), ("plan", 1), ("1", "plan"), (1, "plan", ""), (11, "plan"), (1, "1plan"),
             ("a", "bc"), ("ab", "c"), ("abc",), (1, 23), (12, 3)]  # fmt: skip
    assert len({stream(*n) for n in names}) == len(names)
    assert stream(1, "plan") == stream(1, "plan")
    assert all(0 <= stream(*n) < 2**64 for n in names)


def test_a_number_or_text_of_numpy_names_the_same_stream() -> None:
    assert stream(np.int64(7), np.str_("plan"), np.uint8(3)) == stream(7, "plan", 3)
    assert grid(np.arange(3), ["a"]).tolist() == grid([0, 1, 2], ["a"]).tolist()


# Uniform numbers ---------------------------------------------------------------------------------

KEYS = [0, 1, 2**64 - 1, stream(1, "plan", "visitor", "D", "permit"), stream(2, "verify", "day")]


@pytest.mark.parametrize("key", KEYS)
def test_numbers_of_a_stream_are_uniform(key: int) -> None:
    """Kolmogorov-Smirnov on 10^5 numbers; false alarm 1e-6 each."""
    found = numbers(np.uint64(key), 0, 100_000)
    assert found.min() > 0 and found.max() < 1
    assert stats.kstest(found, "uniform").pvalue > P_MIN


def test_a_grid_holds_the_streams_of_its_names() -> None:
    found = grid([1], ["a", "1"], [1, 2, 3])
    expected = [[[stream(1, a, b) for b in (1, 2, 3)] for a in ("a", "1")]]
    assert found.tolist() == expected
    assert len(np.unique(found)) == 6


def test_numbers_of_one_index_over_neighbouring_sub_streams_are_uniform() -> None:
    """As used: the same property of visitors 0, 1, 2, ...; false alarm 1e-6 each."""
    for key in KEYS:
        for index in range(4):
            found = numbers_of_children(np.uint64(key), 50_000, index)
            assert stats.kstest(found, "uniform").pvalue > P_MIN


def pairs_p_value(x: np.ndarray, y: np.ndarray, cells: int = 16) -> float:
    """Chi-square of pairs against independence and uniformity."""
    table = np.histogram2d(x, y, bins=cells, range=[[0, 1], [0, 1]])[0]
    return float(stats.chisquare(table.ravel()).pvalue)


@pytest.mark.parametrize("lag", [1, 2, 7])
def test_neighbouring_numbers_are_independent(lag: int) -> None:
    """Pairs within a stream; false alarm 1e-6 each."""
    found = numbers(np.uint64(stream("pairs")), 0, 100_000)
    assert pairs_p_value(found[:-lag], found[lag:]) > P_MIN


@pytest.mark.parametrize(("i", "j"), [(0, 1), (1, 2), (2, 3), (1, 3)])
def test_properties_of_the_same_visitor_are_independent(i: int, j: int) -> None:
    """Moment (0), work (1), class (2), patience (3); false alarm 1e-6 each."""
    key = np.uint64(stream(1, "plan", "visitor", "D", "permit"))
    x, y = (numbers_of_children(key, 100_000, k) for k in (i, j))
    assert pairs_p_value(x, y) > P_MIN


def test_streams_with_neighbouring_names_are_independent() -> None:
    """Seeds 1, 2; purposes; halls A1, A2; days and replications: false alarm 1e-6 each."""
    u64 = np.uint64
    base = numbers_of_children(u64(stream(1, "plan", "A1")), 50_000, 0)
    for other in ((2, "plan", "A1"), (1, "verify", "A1"), (1, "plan", "A2")):
        assert pairs_p_value(base, numbers_of_children(u64(stream(*other)), 50_000, 0)) > P_MIN
    key = u64(stream(1, "plan", "A1"))
    for day in (736940, 736941):
        child = [u64(split(split(key, day), replication)) for replication in (0, 1, 2)]
        drawn = [numbers_of_children(c, 50_000, 0) for c in child]
        assert pairs_p_value(drawn[0], drawn[1]) > P_MIN
        assert pairs_p_value(drawn[1], drawn[2]) > P_MIN


# Laws --------------------------------------------------------------------------------------------


def test_the_normal_quantile_is_that_of_scipy_from_1e_300_to_1_minus_1e_16() -> None:
    p = np.concatenate([10.0 ** -np.arange(1, 301), np.linspace(1e-6, 1 - 1e-6, 20001),
                        1 - 10.0 ** -np.arange(1, 16), [0.5, 0.075, 0.925]])  # fmt: skip
    np.testing.assert_allclose(quantiles(p), special.ndtri(p), rtol=5e-14, atol=1e-15)


@pytest.mark.parametrize("mean", [0.3, 5, 31.9, 32, 32.1, 100, 500])
def test_poisson_numbers_follow_their_law(mean: float) -> None:
    """Chi-square against the probabilities, cells of at least 20; false alarm 1e-6 each."""
    n = 50_000
    found = poissons(np.uint64(stream("poisson", str(mean))), n, mean)
    edges, law = [-1], stats.poisson(mean)
    while n * law.sf(edges[-1]) >= 40:
        k = edges[-1] + 1
        while n * (law.cdf(k) - law.cdf(edges[-1])) < 20:
            k += 1
        edges.append(k)
    edges[-1] = np.inf  # the last cell takes the tail
    expected = n * np.diff(law.cdf(edges))
    counts = np.histogram(found, bins=np.array(edges) + 0.5)[0]
    assert counts.sum() == n and expected.min() >= 20
    assert stats.chisquare(counts, expected * n / expected.sum()).pvalue > P_MIN


def test_a_mean_of_nought_brings_nobody() -> None:
    assert not poissons(np.uint64(1), 100, 0.0).any()


def test_a_poisson_number_never_falls_when_its_mean_rises() -> None:
    means = [0.0, 0.1, 1, 5, 20, 31.5, 31.999, 32, 32.001, 40, 63.9, 64, 64.1, 90, 300]
    found = np.array([poissons(np.uint64(stream("monotone")), 3000, m) for m in means])
    assert (np.diff(found, axis=0) >= 0).all()
