"""Exact cases of staffing theory: formulas, sharing out clerks, and staffing by time of day.

Elsewhere: marginal allocation and the transfers of a toy district by the staffing programme in
`tests/test_staffing.py`, engines against Erlang's formulas in `test_theory.py`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from budget import Floats, agrees
from numpy.typing import NDArray
from runs import UNIT
from scipy import stats

from hallsim import formulas
from hallsim.records import ABANDONED, ALL_ITEMS, Duties, Visitors
from hallsim.simulate import simulate

# Tables -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "windows", "waiting", "wait"),
    [
        (0.8, 1, 0.8, 4.0),
        (1.8, 2, 0.8526315789, 4.2631578947),
        (2.5, 3, 0.7022471910, 1.4044943820),
        (4, 6, 0.2847608454, 0.1423804227),
        (5, 7, 0.3241499492, 0.1620749746),
        (8, 10, 0.4091801508, 0.2045900754),
        (10, 14, 0.1741319336, 0.0435329834),
        (20, 25, 0.2091028266, 0.0418205653),
        (50, 55, 0.3845473179, 0.0769094636),
        (100, 110, 0.2370075003, 0.0237007500),
    ],
)
def test_erlang_c(load: float, windows: int, waiting: float, wait: float) -> None:
    assert formulas.erlang_c(load, windows) == pytest.approx((waiting, wait), abs=1e-10)
    assert formulas.windows_for(load, waiting + 1e-9) == windows


@pytest.mark.parametrize(
    ("load", "windows", "leaving", "expected"),
    [
        (0.8, 1, 0.5, (0.5952474384, 0.2559407020, 0.5118814041)),
        (2, 3, 0.2, (0.3906294916, 0.0484334576, 0.2421672878)),
        (5, 6, 1, (0.3840393452, 0.0986595007, 0.0986595007)),
        (10, 9, 0.25, (0.8407753648, 0.1379461655, 0.5517846622)),
        (10, 13, 0.6, (0.2257970840, 0.0249633036, 0.0416055061)),
        (20, 20, 2, (0.4500933337, 0.1038817190, 0.0519408595)),
        (50, 50, 0.5, (0.6011676518, 0.0466845859, 0.0933691718)),
        (100, 95, 1, (0.7048206931, 0.0694528404, 0.0694528404)),
    ],
)
def test_erlang_a(
    load: float, windows: int, leaving: float, expected: tuple[float, float, float]
) -> None:
    assert formulas.erlang_a(load, windows, leaving) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("load", [900.0, 2000.0])
def test_erlang_a_with_equal_rates_is_poisson_also_where_weights_are_huge(load: float) -> None:
    """Whoever gives up as fast as they would be served: the number there is Poisson (Palm 1957)."""
    windows = int(load)
    waiting, leaving, _ = formulas.erlang_a(load, windows, 1.0)
    there = stats.poisson(load)
    assert waiting == pytest.approx(there.sf(windows - 1), rel=1e-9)
    queue = load * there.sf(windows - 2) - windows * there.sf(windows - 1)
    assert leaving == pytest.approx(queue / load, rel=1e-6)


@pytest.mark.parametrize(
    ("windows", "wait", "within"),
    [
        (5, 54.102, 0.353904), (6, 5.1777, 0.929927), (7, 1.5182, 0.992885),
        (8, 0.5233, 0.999326), (9, 0.1860, 0.999941),
    ],
)  # fmt: skip
def test_a_hall_of_24_visitors_an_hour_and_12_minutes_each(
    windows: int, wait: float, within: float
) -> None:
    """Mean wait in minutes, and the share who wait at most 20."""
    load = 24 * 12 / 60
    assert formulas.erlang_c(load, windows)[1] * 12 == pytest.approx(wait, abs=6e-4)
    assert formulas.erlang_c_within(load, windows, 20 / 12) == pytest.approx(within, abs=6e-7)


@pytest.mark.parametrize(
    ("slack", "waiting"),
    [(0.1, 0.880287), (0.25, 0.720932), (0.5, 0.504539), (1, 0.223361), (1.5, 0.084690),
     (2, 0.026881)],
)  # fmt: skip
def test_halfin_whitt(slack: float, waiting: float) -> None:
    """The published limit, and Erlang C comes to it as halls grow."""
    assert formulas.halfin_whitt(slack) == pytest.approx(waiting, abs=6e-7)
    gaps = []
    for windows in (100, 10_000):
        load = (math.sqrt(windows + slack * slack / 4) - slack / 2) ** 2
        gaps.append(abs(formulas.erlang_c(load, windows)[0] - waiting))
    assert gaps[1] < gaps[0] / 5 and gaps[1] < 0.01


# Sharing out clerks -----------------------------------------------------------------------------


def queues(per_hour: tuple[int, ...], served: float) -> list[Callable[[int], float]]:
    """Mean number waiting against clerks."""

    def one(arrivals: int) -> Callable[[int], float]:
        load = arrivals / served
        return lambda n: formulas.erlang_c(load, n)[1] * load

    return [one(arrivals) for arrivals in per_hour]


def test_marginal_allocation_goes_its_published_way() -> None:
    """From (2, 4, 5, 7): one to the third hall, one to the fourth; the best of all ways."""
    cost, start = queues((6, 12, 18, 24), 4), (2, 4, 5, 7)
    assert formulas.marginal_allocation(cost, start, 19) == [2, 4, 6, 7]
    assert formulas.marginal_allocation(cost, start, 20) == [2, 4, 6, 8]
    assert cost[2](5) - cost[2](6) == pytest.approx(5.597483, abs=6e-7)
    assert cost[3](7) - cost[3](8) == pytest.approx(2.612037, abs=6e-7)
    ways = (w for w in itertools.product(range(2, 12), repeat=4) if sum(w) == 20)
    best = min(sum(f(n) for f, n in zip(cost, way, strict=True)) for way in ways)
    assert best == pytest.approx(5.792772800417412, rel=1e-12)
    assert sum(f(n) for f, n in zip(cost, (2, 4, 6, 8), strict=True)) == pytest.approx(best)


# Time of day ------------------------------------------------------------------------------------


def busy(t: Floats) -> Floats:
    """Arrivals per mean service at time t."""
    return 100 + 20 * np.sin(t)


STEP = 1 / 200


@pytest.fixture(scope="module")
def infinite() -> tuple[Floats, Floats]:
    """Times of two periods after a long run, and the offered load there."""
    middle = np.arange(-12 * math.pi, 4 * math.pi, STEP) + STEP / 2
    survival = np.exp(-(np.arange(0, 30, STEP) + STEP / 2))
    load = formulas.offered_load(busy(middle) * STEP, survival)
    return middle + STEP / 2, load


@pytest.mark.parametrize(
    ("t", "mean", "levels"),
    [
        (0, 90, (103, 96, 91, 86, 79)),
        (math.pi / 2, 110, (125, 116, 111, 105, 98)),
        (math.pi, 110, (125, 116, 111, 105, 98)),
        (3 * math.pi / 4, 114.142136, (129, 121, 115, 109, 102)),
        (7 * math.pi / 4, 85.857864, (99, 92, 87, 82, 75)),
    ],
)
def test_offered_load_of_a_sine_and_its_levels(
    infinite: tuple[Floats, Floats], t: float, mean: float, levels: tuple[int, ...]
) -> None:
    """M(t)/M/infinity: Poisson with mean 100 + 10 (sin t - cos t); the least s with P(N >= s) at
    most 0.1, 0.3, 0.5, 0.7, 0.9."""
    times, load = infinite
    found = float(np.interp(t, times, load))
    assert found == pytest.approx(100 + 10 * (math.sin(t) - math.cos(t)), abs=1e-2)
    assert found == pytest.approx(mean, abs=1e-2)
    for alpha, level in zip((0.1, 0.3, 0.5, 0.7, 0.9), levels, strict=True):
        assert level == next(s for s in itertools.count() if stats.poisson.sf(s - 1, mean) <= alpha)


TIMES = (math.pi / 2, 3 * math.pi / 4, 7 * math.pi / 4)


@pytest.mark.parametrize("alpha", [0.1, 0.9])
def test_number_there_is_poisson_whatever_the_windows(alpha: float) -> None:
    """M(t)/M/s(t)+M with patience like service, windows staffed to the levels above.

    Days begin 8 units early, so that e^-8 is left of the start.  False alarms: see `budget.py`.
    """
    days, before = 1000, 8
    rng = np.random.default_rng(31)
    length = before + 2 * math.pi
    day = np.repeat(np.arange(days), rng.poisson(120 * length, days))
    t = rng.uniform(0, length, len(day))
    come = rng.uniform(0, 120, len(day)) < busy(t - before)
    day, t = day[come], t[come]
    order = np.lexsort((t, day))
    day, arrival = day[order], (t[order] * UNIT).astype(np.int64)
    none = np.zeros(len(day), np.int64)
    work, patience = (
        rng.exponential(UNIT, len(day)).round().astype(np.int64) + k for k in (1, 0)
    )  # the engine takes whole seconds: half a second in 10,000 more is not seen
    visitors = Visitors(day, none, arrival, none, none, work, patience)
    visits = simulate(visitors, by_level(alpha, before, length, days))
    gone = np.where(visits.outcome == ABANDONED, arrival + patience, visits.finished)
    for moment in (math.pi / 2, 3 * math.pi / 4, 7 * math.pi / 4):
        second = round((before + moment) * UNIT)
        number = np.bincount(day[(arrival <= second) & (gone > second)], minlength=days)
        mean = 100 + 10 * (math.sin(moment) - math.cos(moment))
        assert agrees("M(t)/M/s(t)+M", number.astype(float), mean)
        level = stats.poisson.isf(alpha, mean) + 1
        assert agrees("M(t)/M/s(t)+M", number >= level, stats.poisson.sf(level - 1, mean))


def by_level(alpha: float, before: float, length: float, days: int) -> Duties:
    """Windows that in every tenth of a unit hold P(N >= s) at alpha or less."""
    step = UNIT // 10
    t = np.arange(math.ceil(length * 10)) / 10 - before + 0.05
    levels = stats.poisson.isf(alpha, 100 + 10 * (np.sin(t) - np.cos(t))).astype(int) + 1
    spells = []
    for w in range(levels.max()):
        change = np.diff(np.concatenate(([0], levels > w, [0])))
        spells += [
            (w, on * step, off * step)
            for on, off in zip(np.flatnonzero(change > 0), np.flatnonzero(change < 0), strict=True)
        ]
    window, on, off = np.tile(np.array(spells, np.int64).T, days)
    none = np.zeros(len(window), np.int64)
    day = np.repeat(np.arange(days), len(spells))
    return Duties(day, none, window, none + ALL_ITEMS, on, off, none + 100)


# Hour by hour as if each stood alone ------------------------------------------------------------


def shares_waiting(windows: NDArray[np.int64]) -> Floats:
    """[24]: share of each hour's arrivals who wait, windows [24] by hour, day after day alike.

    Kolmogorov's forward equations of M(t)/M/s(t) with 20 + 10 sin(2 pi t / 24) arrivals an hour and
    services of 2 hours, windows that close leaving at once; Runge and Kutta, steps of 1/50 hour.
    """
    states, per_hour = np.arange(200), 50
    law = stats.poisson.pmf(states, 40.0)
    h = 1 / per_hour
    found = np.zeros(24)
    for _ in range(3):  # days, until they are alike
        for hour in range(24):
            served = np.minimum(states, windows[hour]) / 2.0

            def slope(law: Floats, t: float, served: Floats = served) -> Floats:
                come = 20 + 10 * math.sin(2 * math.pi * t / 24)
                out = (come * (states < states[-1]) + served) * law
                change = -out
                change[1:] += come * law[:-1]
                change[:-1] += (served * law)[1:]
                return np.asarray(change)

            waiting = whole = 0.0
            for k in range(per_hour):
                t = hour + k * h
                come = 20 + 10 * math.sin(2 * math.pi * (t + h / 2) / 24)
                a = slope(law, t)
                b = slope(law + h / 2 * a, t + h / 2)
                c = slope(law + h / 2 * b, t + h / 2)
                d = slope(law + h * c, t + h)
                new = law + h / 6 * (a + 2 * b + 2 * c + d)
                waiting += come * (law + new)[windows[hour] :].sum() / 2
                whole += come
                law = new
            found[hour] = waiting / whole
    return found


def hourly(rate: str, lag: float) -> NDArray[np.int64]:
    """[24]: windows by Erlang C for at most 20 % waiting, each hour by its mean or greatest rate."""
    t = np.arange(0, 24, 1 / 60) + 1 / 120
    rates = (20 + 10 * np.sin(2 * np.pi * (t - lag) / 24)).reshape(24, 60)
    chosen = rates.mean(axis=1) if rate == "mean" else rates.max(axis=1)
    return np.array([formulas.windows_for(2 * r, 0.2) for r in chosen.tolist()], np.int64)


def test_hours_taken_alone_miss_the_target_and_a_lag_of_a_service_helps() -> None:
    """SIPP against Lag SIPP (Green, Kolesar and Soares 2001), by their equations, not by chance."""
    cases = {(rate, lag): hourly(rate, lag) for rate in ("mean", "max") for lag in (0.0, 2.0)}
    assert cases["mean", 0.0].sum() == cases["mean", 2.0].sum() == 1138
    assert cases["max", 0.0].sum() == cases["max", 2.0].sum() == 1182
    worst, missed = {}, {}
    for case, windows in cases.items():
        waiting = shares_waiting(windows)
        worst[case], missed[case] = waiting.max(), int((waiting > 0.2).sum())
    published = {("mean", 0.0): (0.836, 13), ("max", 0.0): (0.689, 12),
                 ("mean", 2.0): (0.375, 11), ("max", 2.0): (0.309, 4)}  # fmt: skip
    for case, (most, hours) in published.items():
        assert worst[case] == pytest.approx(most, abs=1.5e-3)
        assert missed[case] == hours
