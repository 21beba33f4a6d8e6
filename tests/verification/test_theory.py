"""The engines against closed forms: Erlang, Palm, Pollaczek and Khinchine, Cobham; and exactly.

The false alarms of all of them are in the budget of `budget.py`.
"""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from budget import Floats, agrees
from runs import long_days

from conftest import Engine
from hallsim.records import ABANDONED, ALL_ITEMS, NEVER, Duties, Visitors

# Closed forms (mean work 1) ---------------------------------------------------------------------


def erlang_c(load: float, windows: int) -> float:
    """Probability of waiting in M/M/c (Erlang 1917)."""
    blocked = 1.0
    for n in range(1, windows + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked / (1 - load / windows * (1 - blocked))


def erlang_a(load: float, windows: int, theta: float) -> tuple[float, float, float]:
    """Probability of waiting and of leaving, mean wait, in M/M/c+M (Palm 1957).

    Stationary law of the birth-death chain, as far as its tail matters.
    """
    weights = [1.0]
    for n in range(1, 4000):
        weights.append(weights[-1] * load / (min(n, windows) + max(n - windows, 0) * theta))
    total = math.fsum(weights)
    queue = math.fsum(w * max(n - windows, 0) for n, w in enumerate(weights)) / total
    return math.fsum(weights[windows:]) / total, theta * queue / load, queue / load


def pollaczek_khinchine(load: float, cv: float) -> float:
    """Mean wait in M/G/1 with this coefficient of variation of the work."""
    return load * (1 + cv**2) / 2 / (1 - load)


def cobham(first: float, second: float) -> tuple[float, float]:
    """Mean waits of two classes in M/M/1, the first served before the second (Cobham 1954)."""
    residual = first + second
    return residual / (1 - first), residual / (1 - first) / (1 - first - second)


@pytest.mark.parametrize(
    ("load", "windows", "waiting", "wait"),
    [
        (0.8, 1, 0.8, 4.0),
        (1.8, 2, 0.8526315789, 4.2631578947),
        (8, 10, 0.4091801508, 0.2045900754),
        (20, 25, 0.2091028266, 0.0418205653),
        (100, 110, 0.2370075003, 0.0237007500),
    ],
)
def test_erlang_c_is_right(load: float, windows: int, waiting: float, wait: float) -> None:
    assert erlang_c(load, windows) == pytest.approx(waiting, abs=1e-10)
    assert erlang_c(load, windows) / (windows - load) == pytest.approx(wait, abs=1e-10)


@pytest.mark.parametrize(
    ("load", "windows", "theta", "expected"),
    [
        (0.8, 1, 0.5, (0.5952474384, 0.2559407020, 0.5118814041)),
        (2, 3, 0.2, (0.3906294916, 0.0484334576, 0.2421672878)),
        (10, 9, 0.25, (0.8407753648, 0.1379461655, 0.5517846622)),
        (20, 20, 2, (0.4500933337, 0.1038817190, 0.0519408595)),
        (50, 50, 0.5, (0.6011676518, 0.0466845859, 0.0933691718)),
    ],
)
def test_erlang_a_is_right(
    load: float, windows: int, theta: float, expected: tuple[float, float, float]
) -> None:
    assert erlang_a(load, windows, theta) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("load", "cv", "queue"), [(0.8, 0.5, 2.0), (0.5, 2.0, 1.25), (0.9, 1.0, 8.1)]
)
def test_pollaczek_khinchine_is_right(load: float, cv: float, queue: float) -> None:
    assert load * pollaczek_khinchine(load, cv) == pytest.approx(queue, abs=1e-10)


def test_cobham_keeps_the_mean_wait_of_all() -> None:
    first, second = cobham(0.3, 0.4)
    assert 0.3 * first + 0.4 * second == pytest.approx(0.7 * pollaczek_khinchine(0.7, 1.0))


# Long days --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("load", "windows"), [(0.8, 1), (8, 10), (20, 25)])
def test_erlang_c(engine: Engine, load: float, windows: int) -> None:
    wait = long_days(engine, load, windows, seed=11).wait()
    assert agrees("M/M/c", wait > 0, erlang_c(load, windows))
    assert agrees("M/M/c", wait, erlang_c(load, windows) / (windows - load))


@pytest.mark.parametrize(("load", "windows", "theta"), [(2, 3, 0.2), (10, 9, 0.25), (20, 20, 2)])
def test_erlang_a(engine: Engine, load: float, windows: int, theta: float) -> None:
    days = long_days(engine, load, windows, seed=12, theta=theta)
    waiting, leaving, wait = erlang_a(load, windows, theta)
    assert agrees("M/M/c+M", days.wait() > 0, waiting)
    assert agrees("M/M/c+M", days.ended(ABANDONED), leaving)
    assert agrees("M/M/c+M", days.wait(), wait)


@pytest.mark.parametrize(("load", "cv"), [(0.8, 0.0), (0.8, 0.5), (0.5, 2.0)])
def test_pollaczek_khinchine(engine: Engine, load: float, cv: float) -> None:
    def work(rng: np.random.Generator, n: int) -> Floats:
        return rng.gamma(1 / cv**2, cv**2, n) if cv else np.ones(n)

    days = long_days(engine, load, 1, seed=13, work=work)
    assert agrees("M/G/1", days.wait() > 0, load)
    assert agrees("M/G/1", days.wait(), pollaczek_khinchine(load, cv))


def test_two_classes(engine: Engine) -> None:
    days = long_days(engine, 0.7, 1, seed=14, first_class=3 / 7)
    first = (days.credit() > 0).astype(float)
    for_first, for_second = cobham(0.3, 0.4)
    assert agrees("priority", days.wait(), for_first, first)
    assert agrees("priority", days.wait(), for_second, 1 - first)


@pytest.mark.parametrize("windows", [1, 2, 7])
def test_kiefer_wolfowitz_exactly(engine: Engine, windows: int) -> None:
    """First come, first served: a visitor is called by the window that is free first."""
    rng, n = np.random.default_rng(16), 5_000
    arrival = np.sort(rng.integers(0, 60 * n // windows, n))
    service = rng.integers(1, 115, n)
    free = [0] * windows
    called = []
    for a, s in zip(arrival.tolist(), service.tolist(), strict=True):
        called.append(max(a, free[0]))
        heapq.heapreplace(free, called[-1] + s)
    zero = np.zeros(n, np.int64)
    visitors = Visitors(zero, zero, arrival, zero, zero, service, np.full(n, NEVER))
    none = np.zeros(windows, np.int64)
    duties = Duties(
        *(none, none, np.arange(windows), none + ALL_ITEMS, none, none + arrival[-1] + 1),
        none + 100,
    )
    assert engine(visitors, duties, True).called.tolist() == called
