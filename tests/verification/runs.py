"""Runs of the engines that theory can say something about; every run has its books checked.

A unit of time is 10,000 seconds, so that rounding to whole seconds does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from budget import Floats
from numpy.typing import NDArray

from conftest import Engine
from hallsim.records import (
    ABANDONED,
    ALL_ITEMS,
    BALKED,
    NEVER,
    SERVED,
    TURNED_AWAY,
    VOID,
    Duties,
    Ints,
    Visitors,
    Visits,
)

Work = Callable[[np.random.Generator, int], Floats]
Windows = Sequence[tuple[int, int, int]]
"""(hall, items, speed) in row order"""

UNIT = 10_000
"""seconds in a unit of time; the mean work of a visitor is one unit"""


def is_fast(engine: Engine) -> bool:
    """Whether long runs are cheap."""
    return engine.__module__ == "hallsim.compiled"


def exponential(rng: np.random.Generator, n: int) -> Floats:
    """Work of exponential law, mean 1."""
    return rng.exponential(1.0, n)


def equal(windows: int) -> Windows:
    """Windows of one hall that serve everything at normal speed."""
    return [(0, ALL_ITEMS, 100)] * windows


@dataclass(frozen=True)
class Days:
    """Simulated days, [day, visitor], the first visitors of each day dropped; times in units."""

    visitors: Visitors
    visits: Visits
    days: int
    warm: int

    def of(self, values: Ints | Floats | NDArray[np.bool_]) -> Floats:
        return np.asarray(values, float).reshape(self.days, -1)[:, self.warm :]

    def wait(self) -> Floats:
        """From the ticket to the call, or to leaving; 0 without a ticket."""
        return self.of(waits(self.visitors, self.visits) / UNIT)

    def ended(self, outcome: int) -> Floats:
        return self.of(self.visits.outcome == outcome)

    def credit(self) -> Floats:
        return self.of(self.visitors.credit)


def waits(visitors: Visitors, visits: Visits, closing: Ints | int = 0) -> Ints:
    """Seconds from the ticket to the call, to leaving, or to being turned away at closing."""
    left = np.where(visits.outcome == ABANDONED, visits.ticket + visitors.patience, closing)
    until = np.where(visits.outcome == SERVED, visits.called, left)
    return np.where(visits.ticket == NEVER, 0, until - visits.ticket)


def long_days(
    engine: Engine,
    load: float,
    windows: int | Windows,
    *,
    seed: int,
    work: Work = exponential,
    theta: float = 0.0,
    first_class: float = 0.0,
    second_item: float = 0.0,
    size: float = 1.0,
    columns: Callable[[int], dict[str, Ints]] = lambda n: {},
    **options: Any,
) -> Days:
    """Days of Poisson arrivals at rate `load` per unit, from empty until all are served.

    `theta` is the rate of losing patience; a visitor is of the first class, or comes for item 1, with
    this probability.  The compiled engine gets more visitors.
    """
    rows = equal(windows) if isinstance(windows, int) else windows
    days, per_day = (40, 60_000) if is_fast(engine) else (30, 1_500)
    per_day = round(per_day * max(1.0, load / 16) * size)
    warm = per_day // (10 if is_fast(engine) else 5)
    rng, n = np.random.default_rng(seed), days * per_day
    gaps = rng.exponential(UNIT / load, (days, per_day))
    arrival = np.floor(np.cumsum(gaps, axis=1)).astype(np.int64)
    patience = np.rint(rng.exponential(UNIT / theta, n)) if theta else np.full(n, NEVER)
    visitors = Visitors(
        **{
            "day": np.repeat(np.arange(days), per_day),
            "hall": np.zeros(n, np.int64),
            "arrival": arrival.reshape(-1),
            "item": (rng.random(n) < second_item).astype(np.int64),
            "credit": np.where(rng.random(n) < first_class, 10**9, 0),
            "service": np.maximum(1, np.rint(work(rng, n) * UNIT)).astype(np.int64),
            "patience": patience.astype(np.int64),
        }
        | columns(n)
    )
    duties = every_day(rows, arrival[:, -1] + 1)
    visits = engine(visitors, duties, True, **options)
    keep_books(visitors, visits, duties)
    return Days(visitors, visits, days, warm)


def every_day(windows: Windows, off: Ints) -> Duties:
    """These windows from the beginning to the end of each day."""
    days, m = len(off), len(windows)
    hall, items, speed = (np.tile([w[k] for w in windows], days) for k in range(3))
    return Duties(
        day=np.repeat(np.arange(days), m),
        hall=hall,
        window=np.tile(np.arange(m), days),
        items=items,
        on=np.zeros(days * m, np.int64),
        off=np.repeat(off, m),
        speed=speed,
    )


# The books --------------------------------------------------------------------------------------


def keep_books(visitors: Visitors, visits: Visits, duties: Duties) -> None:
    """Conservation and Little's law, exactly, in every run.

    Everybody has one outcome and the moments that belong to it; every window works off just the
    work it called, one visitor at a time; the people in the queue, second by second, add up to the
    waits of all; and nobody waits beside an idle window where all serve everything.
    """
    outcome = visits.outcome
    counts = [int((outcome == k).sum()) for k in (SERVED, ABANDONED, TURNED_AWAY, BALKED, VOID)]
    assert sum(counts) == len(visitors)
    served = outcome == SERVED
    for moment in (visits.window, visits.called, visits.finished):
        assert np.array_equal(moment != NEVER, served)
    assert (visits.ticket != NEVER)[served | (outcome == ABANDONED)].all()
    assert (visits.ticket == NEVER)[(outcome == BALKED) | (outcome == VOID)].all()
    assert (visits.called >= visits.ticket)[served].all()
    speed = speeds(visits, visitors.day, duties)[served]
    took = (visits.finished - visits.called)[served]
    assert np.array_equal(took, -(-visitors.service[served] * 100 // speed))
    place = ((visitors.day << 20) | (visits.hall << 10) | visits.window)[served]
    order = np.lexsort((visits.called[served], place))
    same = place[order][1:] == place[order][:-1]
    before = visits.finished[served][order][:-1]
    assert (visits.called[served][order][1:] >= before)[same].all(), "one window, two visitors"
    ends = closing_of(visitors.day, visits.hall, duties)
    wait = waits(visitors, visits, ends)
    assert (wait >= 0).all()
    far = max(int(visits.finished.max(initial=0)), int(ends.max(initial=0)), 1) + 1
    begin = (visitors.day * far + visits.ticket)[visits.ticket != NEVER]
    end = begin + wait[visits.ticket != NEVER]
    moments, queue = level_of(begin, end)
    assert int((queue[:-1] * np.diff(moments)).sum()) == int(wait.sum()), "Little's law"
    lone = len(np.unique(duties.hall)) == 1 and (duties.items == ALL_ITEMS).all()
    if lone and len(np.unique(duties.on)) == 1:
        start = (visitors.day * far + visits.called)[served]
        busy_at, busy = level_of(start, start + took)
        windows = np.bincount(duties.day, minlength=int(visitors.day.max()) + 1)
        now = busy[np.searchsorted(busy_at, moments, "right") - 1]
        open_ = duties.on.min() <= moments % far
        assert (now == windows[moments // far])[(queue > 0) & open_].all(), "idle beside a queue"


def level_of(begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Moments, and how many intervals [begin, end) hold each until the next."""
    moments, place = np.unique(np.concatenate((begin, end)), return_inverse=True)
    steps = np.zeros(len(moments), np.int64)
    np.add.at(steps, place, np.repeat([1, -1], [len(begin), len(end)]))
    return moments, np.cumsum(steps)


def speeds(visits: Visits, day: Ints, duties: Duties) -> Ints:
    """The speed of the window of each visit; windows of these runs keep theirs."""
    known = {
        key: s
        for *key, s in zip(
            *(c.tolist() for c in (duties.day, duties.hall, duties.window, duties.speed)),
            strict=True,
        )
        for key in [tuple(key)]
    }
    if len(set(known.values())) == 1:
        return np.full(len(day), next(iter(known.values())))
    keys = zip(day.tolist(), visits.hall.tolist(), visits.window.tolist(), strict=True)
    return np.array([known.get(key, 100) for key in keys], np.int64)


def closing_of(day: Ints, hall: Ints, duties: Duties) -> Ints:
    """The closing second of each row's hall-day."""
    table = np.zeros(
        (int(max(day.max(), duties.day.max())) + 1, int(duties.hall.max()) + 1), np.int64
    )
    np.maximum.at(table, (duties.day, duties.hall), duties.off)
    found: Ints = table[day, np.maximum(hall, 0)]
    return found
