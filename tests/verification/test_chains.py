"""The engines against Markov chains solved numerically, and the chains against closed forms.

Work is exponential with mean 1, arrivals are Poisson.  A chain is a function from a state to the
states that follow it and their rates; `stationary` and `day` solve it as it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
import pytest
from budget import Floats, agrees
from runs import UNIT, equal, is_fast, keep_books, long_days, waits
from scipy import integrate, sparse
from scipy.sparse import linalg

from conftest import Engine
from hallsim.records import (
    ABANDONED,
    ALL_ITEMS,
    BALKED,
    NEVER,
    SERVED,
    TURNED_AWAY,
    Choices,
    Duties,
    Visitors,
)

T = TypeVar("T", float, Floats)
State = tuple[int, ...]
Moves = Callable[[State], Iterable[tuple[State, float]]]


def generator(moves: Moves, start: State) -> tuple[list[State], sparse.csr_array]:
    """All states that can be reached, and the rates between them."""
    number: dict[State, int] = {start: 0}
    states, rows, columns, rates = [start], [], [], []
    for state in states:  # grows while it is walked
        for target, rate in moves(state):
            if target not in number:
                number[target] = len(states)
                states.append(target)
            rows += [number[state]] * 2
            columns += [number[target], number[state]]
            rates += [rate, -rate]
    shape = (len(states), len(states))
    return states, sparse.coo_array((rates, (rows, columns)), shape=shape).tocsr()


def stationary(moves: Moves, start: State) -> tuple[list[State], Floats]:
    """The law of the chain in the long run."""
    states, rates = generator(moves, start)
    system = sparse.lil_array(rates.T)
    system[0, :] = 1.0
    one = np.zeros(len(states))
    one[0] = 1.0
    return states, linalg.spsolve(sparse.csc_array(system), one)


def mean(law: tuple[list[State], Floats], value: Callable[[State], float]) -> float:
    states, weights = law
    return float(np.dot(weights, [value(state) for state in states]))


# M/M/c/K ----------------------------------------------------------------------------------------


def loss_chain(load: float, windows: int, room: int) -> Moves:
    def moves(state: State) -> Iterable[tuple[State, float]]:
        (n,) = state
        if n < room:
            yield (n + 1,), load
        if n > 0:
            yield (n - 1,), min(n, windows)

    return moves


def test_the_chain_of_a_full_hall_is_right() -> None:
    """Exact values of M/M/10/15 with load 9; and M/M/1/2 by hand: 1, r, r^2."""
    law = stationary(loss_chain(9, 10, 15), (0,))
    assert mean(law, lambda s: s[0] == 15) == pytest.approx(0.061258761825664136, abs=1e-12)
    assert mean(law, lambda s: max(s[0] - 10, 0)) == pytest.approx(1.066869748515395, abs=1e-12)
    assert mean(law, lambda s: s[0]) == pytest.approx(9.51554089208442, abs=1e-12)
    small = stationary(loss_chain(0.5, 1, 2), (0,))
    assert mean(small, lambda s: s[0] == 2) == pytest.approx(0.25 / 1.75)


@pytest.mark.parametrize(("load", "windows", "room"), [(9, 10, 15), (2, 2, 5)])
def test_balking_is_a_hall_with_little_room(
    engine: Engine, load: float, windows: int, room: int
) -> None:
    days = long_days(
        engine, load, windows, seed=21, size=0.4,
        columns=lambda n: {"balk_at": np.full(n, room - windows)},
    )  # fmt: skip
    law = stationary(loss_chain(load, windows, room), (0,))
    full = mean(law, lambda s: s[0] == room)
    wait = mean(law, lambda s: max(s[0] - windows, 0)) / load / (1 - full)
    assert agrees("M/M/c/K", days.ended(BALKED), full)
    assert agrees("M/M/c/K", days.wait(), wait, days.ended(SERVED))


# A day with windows that open and close ---------------------------------------------------------

THETA = 0.3
OPEN, MORE, FEWER, CLOSE = 0.5, 3.0, 6.0, 9.0
"""People come from 0 on; windows A are on duty from OPEN to CLOSE, B from MORE to FEWER."""
A, B = 2, 3


def rate_at(t: T) -> T:
    return 2.5 * (1 + 0.8 * np.sin(2 * np.pi * t / CLOSE - 1.0))


def day_chain(a_open: int, b_open: int, b_calls: bool, load: float) -> Moves:
    """States (busy of A, busy of B, waiting); an idle window of A calls before one of B.

    Windows of B that are off duty finish the visitor they have.
    """

    def moves(state: State) -> Iterable[tuple[State, float]]:
        a, b, q = state
        if load > 0 and q < 80:
            if a < a_open:
                yield (a + 1, b, q), load
            elif b_calls and b < b_open:
                yield (a, b + 1, q), load
            else:
                yield (a, b, q + 1), load
        if a > 0:
            yield ((a, b, q - 1) if q and a_open else (a - 1, b, q)), a
        if b > 0:
            yield ((a, b, q - 1) if q and b_calls else (a, b - 1, q)), b
        if q > 0:
            yield (a, b, q - 1), q * THETA

    return moves


def call_at_once(state: State, a_open: int, b_open: int) -> State:
    """Windows that begin, A before B, call whoever waits."""
    a, b, q = state
    new_a = min(a_open - a, q)
    new_b = min(b_open - b, q - new_a)
    return a + new_a, b + new_b, q - new_a - new_b


def expected_day(serve_out: bool) -> dict[str, float]:
    """Forward equations from edge to edge; the areas of the queue and of the busy windows."""
    every = [(a, b, q) for a in range(A + 1) for b in range(B + 1) for q in range(81)]
    number = {state: k for k, state in enumerate(every)}
    queue = np.array([q for _, _, q in every], float)
    spells = [
        (0.0, OPEN, 0, 0, False), (OPEN, MORE, A, 0, False), (MORE, FEWER, A, B, True),
        (FEWER, CLOSE, A, 0, False),
    ]  # fmt: skip

    def matrix(a: int, b: int, calls: bool, load: float) -> sparse.csr_array:
        rows, columns, rates = [], [], []
        for state in every:
            for target, rate in day_chain(a, b, calls, load)(state):
                rows += [number[state]] * 2
                columns += [number[target], number[state]]
                rates += [rate, -rate]
        shape = (len(every), len(every))
        return sparse.coo_array((rates, (columns, rows)), shape=shape).tocsr()

    law = np.zeros(len(every) + 1)  # and the area of the queue so far
    law[number[0, 0, 0]] = 1.0
    area = {}

    def walk(begin: float, end: float, a: int, b: int, calls: bool, coming: bool) -> None:
        nonlocal law
        still = matrix(a, b, calls, 0.0)
        moving = matrix(a, b, calls, 1.0) - still

        def slope(t: float, x: Floats) -> Floats:
            p = x[:-1]
            flow = still @ p + (rate_at(t) * (moving @ p) if coming else 0.0)
            return np.append(flow, queue @ p)

        found = integrate.solve_ivp(slope, (begin, end), law, rtol=1e-8, atol=1e-10)
        law = found.y[:, -1]

    for begin, end, a, b, calls in spells:
        moved = np.zeros_like(law)
        moved[-1] = law[-1]
        for state, weight in zip(every, law[:-1], strict=True):
            moved[number[call_at_once(state, max(a, state[0]), b if calls else state[1])]] += weight
        law = moved
        walk(begin, end, a, b, calls, True)
        area[end] = float(law[-1])
    waiting = float(queue @ law[:-1])
    if serve_out:
        walk(CLOSE, CLOSE + 60, A, 0, False, False)
    return {
        "early": area[MORE], "wait": float(law[-1]), "left": THETA * float(law[-1]),
        "turned away": 0.0 if serve_out else waiting,
    }  # fmt: skip


@pytest.mark.parametrize("serve_out", [True, False])
def test_a_day_by_forward_equations(engine: Engine, serve_out: bool) -> None:
    days = 60_000 if is_fast(engine) else 1_200
    rng = np.random.default_rng(22)
    tries = rng.poisson(4.5 * CLOSE, days)
    day = np.repeat(np.arange(days), tries)
    moment = rng.random(len(day)) * CLOSE
    kept = rng.random(len(day)) * 4.5 < rate_at(moment)
    day, moment = day[kept], moment[kept]
    order = np.lexsort((moment, day))
    n, zero = len(day), np.zeros(len(day), np.int64)
    visitors = Visitors(
        day[order], zero, np.floor(moment[order] * UNIT).astype(np.int64), zero, zero,
        np.maximum(1, np.rint(rng.exponential(UNIT, n))).astype(np.int64),
        np.rint(rng.exponential(UNIT / THETA, n)).astype(np.int64),
    )  # fmt: skip
    spells = [(k, OPEN, CLOSE) for k in range(A)] + [(A + k, MORE, FEWER) for k in range(B)]
    window, on, off = (np.tile([s[k] for s in spells], days) for k in range(3))
    none = np.zeros(len(window), np.int64)
    duties = Duties(
        np.repeat(np.arange(days), A + B), none, window.astype(np.int64), none + ALL_ITEMS,
        (on * UNIT).astype(np.int64), (off * UNIT).astype(np.int64), none + 100,
    )  # fmt: skip
    visits = engine(visitors, duties, serve_out)
    keep_books(visitors, visits, duties)
    expected = expected_day(serve_out)
    wait = waits(visitors, visits, round(CLOSE * UNIT))
    until = np.minimum(visits.ticket + wait, round(MORE * UNIT))
    early = np.maximum(until - visits.ticket, 0)

    def per_day(values: np.ndarray) -> Floats:
        return np.bincount(visitors.day, values, minlength=days)

    group = "M(t)/M/c(t)+M"
    assert agrees(group, per_day(early / UNIT), expected["early"])
    assert agrees(group, per_day(wait / UNIT), expected["wait"])
    assert agrees(group, per_day(visits.outcome == ABANDONED), expected["left"])
    if serve_out:
        assert not (visits.outcome == TURNED_AWAY).any()
    else:
        assert agrees(group, per_day(visits.outcome == TURNED_AWAY), expected["turned away"])


def test_the_forward_equations_keep_people() -> None:
    """Everyone who comes is served, leaves or is turned away: the areas obey that without serving."""
    found = expected_day(False)
    assert 0 < found["early"] < found["wait"]
    assert 0 < found["turned away"] < found["left"] + 5


# Specialist and comprehensive windows -----------------------------------------------------------

X, Y = 0.9, 0.5
"""Rates of the items; the specialist serves x only, the comprehensive window both."""


def two_windows(state: State) -> Iterable[tuple[State, float]]:
    """(specialist busy, comprehensive busy, y at the head, others behind).

    The others have not been looked at: each of them is an x with probability X / (X + Y), whoever
    stands before.  A specialist who is free looks through them for the first x.
    """
    s, c, ys, others = state
    p = X / (X + Y)
    if not s:
        yield (1, c, ys, 0), X
        yield ((0, 1, 0, 0) if not c else (0, 1, min(ys + 1, 60), 0)), Y
    elif not c:
        yield (1, 1, 0, 0), X + Y
    elif ys + others < 60:
        yield (1, 1, ys, others + 1), X + Y
    if c:
        if ys:
            yield (s, 1, ys - 1, others), 1.0
        elif others:
            yield (s, 1, 0, others - 1), 1.0
        else:
            yield (s, 0, 0, 0), 1.0
    if s:
        for k in range(others):
            yield (1, c, ys + k, others - k - 1), (1 - p) ** k * p
        yield (0, c, ys + others, 0), (1 - p) ** others


def test_specialist_and_comprehensive(engine: Engine) -> None:
    """The comprehensive window stands first in the table: narrow lists call first nevertheless."""
    windows = [(0, ALL_ITEMS, 100), (0, 0b01, 100)]
    days = long_days(engine, X + Y, windows, seed=23, second_item=Y / (X + Y))
    law = stationary(two_windows, (0, 0, 0, 0))
    p = X / (X + Y)
    is_y = days.of(days.visitors.item)
    by_specialist = days.of(days.visits.window == 1)
    group = "specialist and comprehensive"
    assert agrees(group, days.wait(), mean(law, lambda s: p * s[3]) / X, 1 - is_y)
    assert agrees(group, days.wait(), mean(law, lambda s: s[2] + (1 - p) * s[3]) / Y, is_y)
    assert agrees(group, by_specialist, mean(law, lambda s: s[0]) / X, 1 - is_y)
    assert agrees(group, days.wait() > 0, mean(law, lambda s: s[1] == 1), is_y)


# Unequal speeds ---------------------------------------------------------------------------------


def unequal(load: float, first: float, second: float) -> Moves:
    """(busy first, busy second, waiting): the window in the first row calls first."""

    def moves(state: State) -> Iterable[tuple[State, float]]:
        a, b, q = state
        if not a:
            yield (1, b, 0), load
        elif not b:
            yield (1, 1, 0), load
        elif q < 150:
            yield (1, 1, q + 1), load
        if a:
            yield ((1, b, q - 1) if q else (0, b, 0)), first
        if b:
            yield ((a, 1, q - 1) if q else (a, 0, 0)), second

    return moves


def test_the_chain_of_equal_speeds_is_erlang_c() -> None:
    law = stationary(unequal(1.6, 1.0, 1.0), (0, 0, 0))
    assert mean(law, lambda s: s[2]) / 1.6 == pytest.approx(0.7111111111 / 0.4, abs=1e-6)


@pytest.mark.parametrize("speeds", [(150, 50), (50, 150)])
def test_unequal_speeds(engine: Engine, speeds: tuple[int, int]) -> None:
    load = 1.5
    days = long_days(engine, load, [(0, ALL_ITEMS, s) for s in speeds], seed=24, size=0.6)
    law = stationary(unequal(load, speeds[0] / 100, speeds[1] / 100), (0, 0, 0))
    share = mean(law, lambda s: s[0]) * speeds[0] / 100 / load
    assert agrees("unequal speeds", days.wait(), mean(law, lambda s: s[2]) / load)
    assert agrees("unequal speeds", days.of(days.visits.window == 0), share)


# Pooling ----------------------------------------------------------------------------------------


def pooled_and_separate(engine: Engine, seed: int, work: Callable[..., Floats]) -> list[Floats]:
    """Mean waits of the same people in one hall with two windows, and each in one of two halls."""

    def coin(n: int) -> dict[str, np.ndarray]:
        return {"hall": np.random.default_rng(seed + 1).integers(0, 2, n)}

    apart = [(0, ALL_ITEMS, 100), (1, ALL_ITEMS, 100)]
    runs = [
        long_days(engine, 1.6, equal(2), seed=seed, work=work, size=0.6),
        long_days(engine, 1.6, apart, seed=seed, work=work, size=0.6, columns=coin),
    ]
    return [run.wait() for run in runs]


def test_pooling_shortens_the_wait_by_what_theory_says(engine: Engine) -> None:
    pooled, separate = pooled_and_separate(
        engine, 25, lambda rng, n: np.asarray(rng.exponential(1.0, n))
    )
    assert agrees("pooling", pooled, 0.7111111111 / 0.4)
    assert agrees("pooling", separate, 4.0)
    assert agrees("pooling", separate - pooled, 4.0 - 0.7111111111 / 0.4)


def test_pooling_never_lengthens_the_wait_of_equal_work(engine: Engine) -> None:
    """With fixed work it holds on every day, without any chance: the k-th call is never later."""
    pooled, separate = pooled_and_separate(engine, 26, lambda rng, n: np.full(n, 1.0))
    assert (pooled.sum(axis=1) <= separate.sum(axis=1)).all()


# Tandem -----------------------------------------------------------------------------------------


def test_two_counters_in_a_row_are_two_independent_queues(engine: Engine) -> None:
    """M/M/1 -> M/M/1: departures are Poisson (Burke), times at the counters independent (Reich)."""
    load, second = 0.6, 0.7  # of the two counters
    mean_work = second / load
    days, per_day = (40, 50_000) if is_fast(engine) else (30, 1_500)
    warm = per_day // (10 if is_fast(engine) else 5)
    rng, n = np.random.default_rng(27), days * per_day
    arrival = np.floor(np.cumsum(rng.exponential(UNIT / load, (days, per_day)), axis=1))
    arrival = arrival.astype(np.int64)
    work = np.stack([rng.exponential(UNIT, n), rng.exponential(UNIT * mean_work, n)], axis=1)
    both = np.tile([0, 1], n)
    zero = np.zeros(2 * n, np.int64)
    visitors = Visitors(
        np.repeat(np.arange(days), 2 * per_day), zero, np.repeat(arrival.reshape(-1), 2), both, zero,
        np.maximum(1, np.rint(work.reshape(-1))).astype(np.int64), np.full(2 * n, NEVER),
        visit=np.repeat(np.arange(n), 2), stage=both + 1, walk=both * 77,
    )  # fmt: skip
    m = np.zeros(2 * days, np.int64)
    duties = Duties(
        np.repeat(np.arange(days), 2), m, np.tile([0, 1], days), np.tile([1, 2], days), m,
        np.repeat(arrival[:, -1] + 1, 2), m + 100,
    )  # fmt: skip
    visits = engine(visitors, duties, True)
    keep_books(visitors, visits, duties)
    assert (visits.outcome == SERVED).all()
    assert np.array_equal(visits.ticket[1::2], visits.finished[0::2] + 77)

    def of(values: np.ndarray, stage: int) -> Floats:
        return np.asarray(values[stage::2] / UNIT).reshape(days, per_day)[:, warm:]

    wait = visits.called - visits.ticket
    there = visits.finished - visits.ticket
    first, other = 1 / (1 - load), mean_work / (1 - second)  # mean times at the counters
    assert agrees("tandem", of(wait, 0), first - 1)
    assert agrees("tandem", of(wait, 1), other - mean_work)
    assert agrees("tandem", of(there, 0) * of(there, 1), first * other)


# Choice of hall ---------------------------------------------------------------------------------


def shortest_queue(load: float, room: int = 45) -> Moves:
    """(people in hall 0, in hall 1), a window each: whoever comes goes where fewer wait, else to 0.

    People at the window do not wait, so an idle window beside a busy one without a queue is a tie.
    """

    def moves(state: State) -> Iterable[tuple[State, float]]:
        a, b = state
        if max(a - 1, 0) <= max(b - 1, 0):
            if a < room:
                yield (a + 1, b), load
        elif b < room:
            yield (a, b + 1), load
        if a:
            yield (a - 1, b), 1.0
        if b:
            yield (a, b - 1), 1.0

    return moves


def test_the_shorter_queue(engine: Engine) -> None:
    load = 1.5
    n = 40 * 36_000 if is_fast(engine) else 30 * 1_500

    def alike(rows: int) -> dict[str, np.ndarray]:
        return {"hall": np.full(rows, NEVER)}

    row = np.repeat(np.arange(n), 2)
    days = long_days(
        engine, load, [(0, ALL_ITEMS, 100), (1, ALL_ITEMS, 100)], seed=28,
        size=0.6 if is_fast(engine) else 1.0, columns=alike,
        choices=Choices(row, np.tile([0, 1], n), np.zeros(2 * n, np.int64)),
    )  # fmt: skip
    law = stationary(shortest_queue(load), (0, 0))
    at_first = days.of(days.visits.hall == 0)
    goes = mean(law, lambda s: max(s[0] - 1, 0) <= max(s[1] - 1, 0))
    first = mean(law, lambda s: max(s[0] - 1, 0)) / load / goes
    rest = mean(law, lambda s: max(s[1] - 1, 0)) / load / (1 - goes)
    assert agrees("choice of hall", at_first, goes)
    assert agrees("choice of hall", days.wait(), first, at_first)
    assert agrees("choice of hall", days.wait(), rest, 1 - at_first)
