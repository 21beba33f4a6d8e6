"""Formulas of queueing theory that staffing starts from or is tested against.

Time is counted in mean services unless said otherwise: `load` is arrivals per mean service.  They
know one queue, equal windows and people who come at random; what they leave out (lunch, rush hours,
overtime) is simulated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from hallsim.demand import Floats


def erlang_c(load: float, windows: int) -> tuple[float, float]:
    """Probability of waiting and mean wait in M/M/c (Erlang 1917).

    At or beyond its capacity the queue grows without end: (1, infinity).
    """
    if load >= windows:
        return 1.0, math.inf
    blocked = 1.0
    for n in range(1, windows + 1):
        blocked = load * blocked / (n + load * blocked)
    waiting = blocked / (1 - load / windows * (1 - blocked))
    return waiting, waiting / (windows - load)


def erlang_c_within(load: float, windows: int, time: float) -> float:
    """Share who wait at most `time` in M/M/c: the wait of those who wait is exponential."""
    return 1 - erlang_c(load, windows)[0] * math.exp(-max(windows - load, 0.0) * time)


def erlang_a(load: float, windows: int, leaving: float) -> tuple[float, float, float]:
    """Probability of waiting and of leaving, and mean wait of all, in M/M/c+M (Palm 1957).

    `leaving` is the rate at which one who waits gives up, per mean service, above 0.  Sums the
    stationary law of the birth-death chain until the rest does not matter.
    """
    weight, total, waiting, queue, n = 1.0, 1.0, 0.0 if windows else 1.0, 0.0, 0
    while n < windows or n < load or weight > 1e-18 * total:
        n += 1
        weight *= load / (min(n, windows) + max(n - windows, 0) * leaving)
        if weight > 1e250:  # the chain is known up to a factor
            weight, total, waiting, queue = (1e-250 * x for x in (weight, total, waiting, queue))
        total += weight
        if n >= windows:
            waiting += weight
            queue += weight * (n - windows)
    return waiting / total, leaving * queue / total / load, queue / total / load


def halfin_whitt(slack: float) -> float:
    """Probability of waiting in a large M/M/c with load + slack x root of load windows.

    Halfin and Whitt (1981): 1 / (1 + slack x normal distribution / normal density), slack above 0.
    """
    density = math.exp(-slack * slack / 2) / math.sqrt(2 * math.pi)
    return 1 / (1 + slack * math.erfc(-slack / math.sqrt(2)) / 2 / density)


def windows_for(load: float, waiting: float) -> int:
    """The fewest windows of M/M/c with which at most this share waits, `waiting` above 0."""
    windows = math.floor(load) + 1
    while erlang_c(load, windows)[0] > waiting:
        windows += 1
    return windows


def marginal_allocation(
    cost: Sequence[Callable[[int], float]], start: Sequence[int], total: int
) -> list[int]:
    """Clerks at each queue: one after the other goes where the cost falls most (Fox 1966).

    The best way to share out `total` where every cost is convex in its clerks.  Equal falls go to
    the queue named first.
    """
    clerks = list(start)
    while sum(clerks) < total:
        falls = [f(n) - f(n + 1) for f, n in zip(cost, clerks, strict=True)]
        clerks[falls.index(max(falls))] += 1
    return clerks


def offered_load(arrivals: Floats, survival: Floats) -> Floats:
    """Mean number in service at the end of each step if there were a window for everybody.

    m(t) = integral of arrival rate(t - u) x P(service > u) du (Eick, Massey and Whitt 1993); with
    Poisson arrivals that number is Poisson.

    Args:
        arrivals: [n] expected arrivals in each step.
        survival: [k] probability that a service lasts beyond the middle of its k-th step.
    """
    load: Floats = np.convolve(arrivals, survival)[: len(arrivals)]
    return load


def square_root(load: Floats, hours: Floats, budget: float, most: Floats) -> Floats:
    """Windows load + slack x root of load, cut to 0..most, that take `budget` window-hours.

    The slack is the same at all times, below 0 where the budget is less than the load (Whitt 2007);
    all arguments but the budget are [n], one entry for each spell of the day.
    """

    def windows(slack: float) -> Floats:
        found: Floats = np.clip(load + slack * np.sqrt(load), 0.0, most)
        return found

    low, high = -1.0, 1.0
    root = math.sqrt(max(float(load.max(initial=0.0)), 1.0))
    while windows(low) @ hours > budget and low > -2 * root:
        low *= 2
    while windows(high) @ hours < budget and high < 1e6:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if windows(middle) @ hours < budget else (low, middle)
    return windows(high)
