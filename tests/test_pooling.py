"""One queue for all windows, or a queue for each kind of matter: when merging shortens the wait.

With the same law of the handling time it always does (Smith and Whitt, Bell System Technical Journal
60, 1981).  Where a few matters take very long it need not: the many short ones then stand behind them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse import linalg

from hallsim.cutting import merged
from hallsim.measure import Measures, interval
from hallsim.planning import staffed
from hallsim.scenario import Demand, Hours, Item, Scenario, Staffing, Transfers, Windows
from small import OFFICE, lone

PRESENT = Staffing(leave_rate=0, absence_rate=0, other_duty_rate=0)
DAYS = 250  # of a year, about: what follows compares two ways of queueing for the same people


def apart(
    short: tuple[float, float, int], long: tuple[float, float, int], law: Any = "lognormal",
    hours: Hours = OFFICE,
) -> Scenario:  # fmt: skip
    """A hall with windows for two kinds of matters: visitors a day, minutes and windows of each."""
    kinds = {"short": short, "long": long}
    cv = {"fixed": 0.0, "exponential": 1.0}.get(law, 0.6)
    return lone(
        items=tuple(Item(item=k, minutes=m, cv=cv, law=law) for k, (_, m, _) in kinds.items()),
        windows=tuple(
            Windows(hall="D", kind="specialist", label=k, items=(k,), count=n)
            for k, (_, _, n) in kinds.items()
        ),
        demand=tuple(
            Demand(halls=("D",), item=k, volume=DAYS * a) for k, (a, _, _) in kinds.items()
        ),
        staff=short[2] + long[2], staffing=PRESENT, transfers=Transfers(dynamic=False), hours=hours,
    )  # fmt: skip


def both(scenario: Scenario, replications: int = 8) -> tuple[Measures, Measures]:
    """Windows apart, and as many of the same speed for everything, on the same visitors."""
    one, halls = merged(scenario)
    assert halls == ("D",) and len(one.windows) == 1
    a, b = (staffed(s, "2018-05", seed=5, replications=replications) for s in (scenario, one))
    assert (a.samples("visitors") == b.samples("visitors")).all()
    assert a.samples("lost").sum() == b.samples("lost").sum() == 0
    return a, b


@pytest.mark.parametrize("law", ["lognormal", "exponential", "fixed"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((180, 8, 4), (180, 8, 4)),  # halves
        ((90, 8, 2), (270, 8, 6)),  # of different size, equally busy
        ((60, 8, 3), (125, 8, 3)),  # one side idle, the other crowded
        ((40, 8, 1), (40, 8, 1)),  # a window each
    ],
)
def test_one_queue_for_matters_of_the_same_law_never_lengthens_the_wait(
    first: tuple[float, float, int], second: tuple[float, float, int], law: str
) -> None:
    """As many windows of the same speed.  With fixed work it holds in every month without any chance:
    no call is later.  Else an alarm needs the whole 95 % interval on the wrong side of a difference
    that is not positive: at most 1 in 40 for each of 8, and far fewer as it is far below 0."""
    separate, one = both(apart(first, second, law))
    longer = one.samples("mean_wait_min")[:, 0] - separate.samples("mean_wait_min")[:, 0]
    if law == "fixed":
        assert (longer <= 1e-9).all()
    assert interval(longer, 0.95)[1] <= 0


def erlang_wait(rate: float, minutes: float, windows: int) -> float:
    """Mean wait of M/M/c, minutes (Erlang 1917)."""
    a = rate * minutes
    terms = [a**k / math.factorial(k) for k in range(windows)]
    last = a**windows / math.factorial(windows) * windows / (windows - a)
    return last / (sum(terms) + last) * minutes / (windows - a)


def one_queue_wait(rates: tuple[float, float], minutes: tuple[float, float], windows: int) -> float:
    """Mean wait of one queue for two kinds with exponential work, minutes, from its Markov chain.

    A state is (short ones served, long ones served, people waiting); whoever is called is short in
    the proportion of arrivals.  By Little's law the wait is the mean queue over the arrival rate.
    """
    rate, share = sum(rates), rates[0] / sum(rates)
    room = 400
    states = [(i, j, 0) for i in range(windows + 1) for j in range(windows + 1 - i)]
    states += [(i, windows - i, q) for q in range(1, room + 1) for i in range(windows + 1)]
    number = {state: k for k, state in enumerate(states)}
    found: list[tuple[int, int, float]] = []

    def move(state: tuple[int, int, int], to: tuple[int, int, int], speed: float) -> None:
        if speed and to in number:
            found.append((number[to], number[state], speed))
            found.append((number[state], number[state], -speed))

    for i, j, q in states:
        if i + j < windows:
            move((i, j, q), (i + 1, j, q), rates[0])
            move((i, j, q), (i, j + 1, q), rates[1])
        else:
            move((i, j, q), (i, j, q + 1), rate)
        for left, speed in (((i - 1, j), i / minutes[0]), ((i, j - 1), j / minutes[1])):
            if not q:
                move((i, j, q), (*left, 0), speed)
            else:
                move((i, j, q), (left[0] + 1, left[1], q - 1), speed * share)
                move((i, j, q), (left[0], left[1] + 1, q - 1), speed * (1 - share))
    rows, columns, values = zip(*found, strict=True)
    flow = sparse.coo_array((values, (rows, columns)), (len(states),) * 2).tolil()
    flow[0, :] = 1  # instead of one balance, which follows from the others
    law = linalg.spsolve(flow.tocsc(), np.eye(1, len(states))[0])
    assert law[-windows - 1 :].sum() < 1e-7  # the room is large enough
    return float(sum(p * q for p, (_, _, q) in zip(law, states, strict=True)) / rate)


def test_the_chain_of_one_queue_is_erlangs_where_both_kinds_are_alike() -> None:
    """A check of the truth that the next test stands on."""
    assert one_queue_wait((0.3, 0.5), (4, 4), 4) == pytest.approx(erlang_wait(0.8, 4, 4))


def test_many_short_matters_wait_longer_behind_a_few_very_long_ones() -> None:
    """600 matters of 2 minutes at 4 windows and 40 of 45 minutes at 5, in 7 hours (`docs/cut.md`).

    By theory one queue of 9 windows waits longer on average, and so it does in the simulation, with
    the whole interval.  Those with long matters gain, those with short ones lose more, as there are
    more of them.  A day starts empty, so both differences stay below those of theory.
    """
    rates, minutes = (600 / 420, 40 / 420), (2.0, 45.0)
    alone = [erlang_wait(r, m, c) for r, m, c in zip(rates, minutes, (4, 5), strict=True)]
    separate = float(np.average(alone, weights=rates))
    together = one_queue_wait(rates, minutes, 9)
    assert together > 1.3 * separate
    assert alone[0] < together < alone[1]

    x, y = both(apart((600, 2, 4), (40, 45, 5), "exponential"), replications=12)
    longer = y.samples("mean_wait_min")[:, 0] - x.samples("mean_wait_min")[:, 0]
    mean, lo, _ = interval(longer, 0.95)
    assert lo > 0 and mean < together - separate
    by_item = (y.samples("mean_wait_min", "item") - x.samples("mean_wait_min", "item")).mean(axis=0)
    assert by_item[0] > 0 > by_item[1]
