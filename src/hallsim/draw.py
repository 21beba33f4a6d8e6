"""Draw the visitors and the clerks' presence of a month: all chance, before the first day starts.

One replication of a month is a `Crowd`: the rows of all units (day x station), sorted by unit and
in ticket order.  A visitor is keyed by (seed, purpose, hall, item, day, replication, index), and
each of their properties by its own number in that stream; more demand adds visitors and leaves the
others as they were.  Given the random factors of the day, the visitors of each hall, item and slot
of the hour profile are exactly Poisson: their number is, and each picks a moment independently.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hallsim import streams
from hallsim.demand import Floats, Month, Shape, arrival_window, shape
from hallsim.records import NEVER, Int, Ints, Visitors
from hallsim.scenario import Scenario
from hallsim.stations import Station
from hallsim.streams import normal_quantile, poisson, split, uniform

Purpose = Literal["plan", "verify"]
"""Visitors that the optimizer sees, and fresh ones for judging its plan."""

Keys = NDArray[np.uint64]
_LAWS = {"lognormal": 0, "gamma": 1, "exponential": 2, "fixed": 3}
_FOR_EVER = -1.0


@dataclass(frozen=True)
class Crowd:
    """The visitors of one replication of a month.

    Attributes:
        first, in_time, last: rows of unit u are first[u]:last[u]; those from in_time[u] on came
            after the last ticket and are turned away at the machine.
        arrival, item, credit, service, patience: as in `records.Visitors`.
        kind: class of visitor, index into the scenario's classes.
    """

    first: Ints
    in_time: Ints
    last: Ints
    arrival: Ints
    item: Ints
    credit: Ints
    service: Ints
    patience: Ints
    kind: Ints

    def visitors(self) -> Visitors:
        """The rows that take a ticket, as a table for any engine: unit u is day u, hall 0."""
        keep = np.zeros(len(self.arrival), bool)
        day = np.zeros(len(self.arrival), np.int64)
        for u, (a, b) in enumerate(zip(self.first, self.in_time, strict=True)):
            keep[a:b] = True
            day[a:b] = u
        whole = Visitors(
            day,
            np.zeros_like(day),
            self.arrival,
            self.item,
            self.credit,
            self.service,
            self.patience,
        )
        return whole.rows(keep)


class Chance:
    """Draws replications of a month; what does not change between them is worked out once."""

    def __init__(self, month: Month, stations: list[Station], seed: int, purpose: Purpose) -> None:
        """Prepare the streams, hour shapes and laws.

        Units are numbered day x S + station for D days and S stations.

        Raises:
            ValueError: no station, so nobody has a place to queue.
        """
        if not stations:
            raise ValueError("no hall has a window")
        scenario = month.scenario
        self._month, self._stations = month, stations
        self._names = (seed, purpose)
        self._days = np.array([d.toordinal() for d in month.dates], np.int64)
        halls = [h.hall for h in scenario.halls]
        items = [i.item for i in scenario.items]
        key = streams.stream
        self._visitor_keys = _u64(
            [[key(seed, purpose, "visitor", h, i) for i in items] for h in halls]
        )
        self._hall_keys = _u64([key(seed, purpose, "hall-day", h) for h in halls])
        self._day_key = _u64([key(seed, purpose, "day")])[0]
        self._presence_keys = _u64(
            [key(seed, purpose, "clerk", halls[s.hall], *name) for s, name in _named(stations)]
        )
        self._hall_of = np.array([s.hall for s in stations], np.int64)
        self._serves = _items_of_stations(scenario, stations)
        self._laws = _laws(scenario)
        self._classes = _classes(scenario)
        self._shape_of, self._shapes, self._last_ticket = _shapes(month, stations)

    def crowd(self, replication: int) -> Crowd:
        """The visitors of one replication; the same whenever and in whatever order it is asked for."""
        factor = self.factors(replication)
        mean = self._month.mean * factor[:, :, None]
        args = (mean, self._visitor_keys, self._days, replication, self._hall_of, self._serves)
        first = np.concatenate(([0], np.cumsum(_count(*args))))
        rows = [np.empty(first[-1], np.int64) for _ in range(6)]
        in_time = np.empty(len(first) - 1, np.int64)
        _fill(
            *args, first, self._shape_of, *self._shapes, self._last_ticket, *self._laws,
            *self._classes, in_time, *rows,
        )  # fmt: skip
        return Crowd(first[:-1], in_time, first[1:], *rows)

    def factors(self, replication: int) -> Floats:
        """[D, H]: random factor of every day and hall, lognormal with mean 1 and the scenario's cv."""
        variation = self._month.scenario.variation
        return _factors(
            self._days, self._day_key, self._hall_keys, replication,
            _sigma(variation.day_cv), _sigma(variation.hall_cv),
        )  # fmt: skip

    def windows_open(self, clerks: Ints, replication: int) -> Ints:
        """Windows open per unit [D x S] when so many clerks [D x S] are assigned.

        Of n clerks, n x (1 - leave) x (1 - other duty) are rostered at windows, rounded up on as
        many days as keeps that mean (leave is spread evenly); each of them is absent independently
        with the absence rate.  A station with any clerk opens at least one window: someone stands in.
        """
        rostered = self._month.scenario.staffing
        return _present(
            clerks, self._days, self._presence_keys, replication,
            (1 - rostered.leave_rate) * (1 - rostered.other_duty_rate), rostered.absence_rate,
            np.array([len(s.windows) for s in self._stations], np.int64),
        )  # fmt: skip


def _u64(keys: list[int] | list[list[int]]) -> Keys:
    return np.array(keys, np.uint64)


def _sigma(cv: float) -> float:
    return math.sqrt(math.log1p(cv * cv))


def _named(stations: list[Station]) -> Iterator[tuple[Station, tuple[str, int]]]:
    """Stations with their label, numbered among the stations of a hall that share it."""
    seen: Counter[tuple[int, str]] = Counter()
    for s in stations:
        yield s, (s.label, seen[s.hall, s.label])
        seen[s.hall, s.label] += 1


def _items_of_stations(scenario: Scenario, stations: list[Station]) -> NDArray[np.bool_]:
    """[S, I]: the items whose visitors queue at this station; unserved items at the hall's first."""
    serves = np.array(
        [[bool(s.items >> i & 1) for i in range(len(scenario.items))] for s in stations]
    )
    seen: set[int] = set()
    for k, s in enumerate(stations):
        if s.hall not in seen:
            same = [j for j, other in enumerate(stations) if other.hall == s.hall]
            serves[k] |= ~serves[same].any(axis=0)
            seen.add(s.hall)
    return serves


def _laws(scenario: Scenario) -> tuple[Ints, Floats, Floats]:
    """Law, mean in seconds and coefficient of variation per item."""
    items = scenario.items
    law = [_LAWS["fixed"] if i.cv == 0 else _LAWS[i.law] for i in items]
    return (
        np.array(law, np.int64),
        np.array([i.minutes * 60 for i in items]),
        np.array([float(i.cv) for i in items]),
    )


def _classes(scenario: Scenario) -> tuple[Floats, Ints, Floats]:
    """Cumulative share, credit in seconds and mean patience in seconds (or for ever) per class."""
    classes = list(scenario.classes.values())
    patience = [c.patience_minutes * 60 if c.patience_minutes else _FOR_EVER for c in classes]
    return (
        np.cumsum([c.share for c in classes]),
        np.array([round(c.credit_minutes * 60) for c in classes], np.int64),
        np.array(patience, float),
    )


def _shapes(
    month: Month, stations: list[Station]
) -> tuple[Ints, tuple[Floats, Floats, Floats, Ints], Ints]:
    """Shape index [D, H, I], the shapes padded to one table, and the last ticket per unit."""
    scenario = month.scenario
    index: dict[tuple[object, ...], int] = {}
    found: list[Shape] = []
    shape_of = np.zeros((len(month.dates), len(scenario.halls), len(scenario.items)), np.int64)
    last_ticket = np.zeros((len(month.dates), len(scenario.halls)), np.int64)
    for d, day in enumerate(month.sessions):
        for h, sessions in enumerate(day):
            if not sessions:
                continue
            hall = scenario.halls[h]
            last_ticket[d, h] = arrival_window(scenario, hall, sessions)[1]
            for i, item in enumerate(scenario.items):
                key = (hall.hours, sessions, item.hours)
                if key not in index:
                    index[key] = len(found)
                    found.append(shape(scenario, hall, i, sessions))
                shape_of[d, h, i] = index[key]
    slots = max((len(s.start) for s in found), default=1)
    table = np.zeros((3, max(1, len(found)), slots))
    size = np.zeros(max(1, len(found)), np.int64)
    for k, s in enumerate(found):
        size[k] = len(s.start)
        table[:, k, : size[k]] = s.start, s.length, s.cumulative
    return shape_of, (table[0], table[1], table[2], size), last_ticket


@njit(cache=True, nogil=True)
def _factors(
    days: Ints, day_key: Any, hall_keys: Keys, replication: int, day_sigma: float, hall_sigma: float
) -> Floats:
    factor = np.empty((len(days), len(hall_keys)))
    for d in range(len(days)):
        z = normal_quantile(uniform(split(day_key, days[d]), replication))
        shared = np.exp(day_sigma * z - 0.5 * day_sigma**2)
        for h in range(len(hall_keys)):
            z = normal_quantile(uniform(split(hall_keys[h], days[d]), replication))
            factor[d, h] = shared * np.exp(hall_sigma * z - 0.5 * hall_sigma**2)
    return factor


@njit(cache=True, nogil=True)
def _count(
    mean: Floats, keys: Keys, days: Ints, replication: int, hall_of: Ints, serves: NDArray[np.bool_]
) -> Ints:
    """Visitors per unit."""
    days_n, stations_n = len(days), len(hall_of)
    count = np.zeros(days_n * stations_n, np.int64)
    for d in range(days_n):
        for s in range(stations_n):
            h = hall_of[s]
            for i in range(serves.shape[1]):
                if serves[s, i] and mean[d, h, i] > 0:
                    key = split(split(keys[h, i], days[d]), replication)
                    count[d * stations_n + s] += poisson(split(key, 0), mean[d, h, i])
    return count


@njit(cache=True, nogil=True)
def _fill(
    mean: Floats,
    keys: Keys,
    days: Ints,
    replication: int,
    hall_of: Ints,
    serves: NDArray[np.bool_],
    first: Ints,
    shape_of: Ints,
    slot_start: Floats,
    slot_length: Floats,
    slot_cumulative: Floats,
    slots: Ints,
    last_ticket: Ints,
    law: Ints,
    mean_seconds: Floats,
    cv: Floats,
    class_cumulative: Floats,
    class_credit: Ints,
    class_patience: Floats,
    in_time: Ints,
    arrival: Ints,
    item: Ints,
    credit: Ints,
    service: Ints,
    patience: Ints,
    kind: Ints,
) -> None:
    stations_n = len(hall_of)
    largest = 0
    for u in range(len(first) - 1):
        largest = max(largest, first[u + 1] - first[u])
    moment = np.empty(largest, np.int64)
    whose = np.empty(largest, np.uint64)
    what = np.empty(largest, np.int64)
    for u in range(len(first) - 1):
        d, s = u // stations_n, u % stations_n
        h = hall_of[s]
        n = 0
        for i in range(serves.shape[1]):
            if not serves[s, i] or mean[d, h, i] <= 0:
                continue
            key = split(split(keys[h, i], days[d]), replication)
            people = split(key, 1)
            k = shape_of[d, h, i]
            for j in range(poisson(split(key, 0), mean[d, h, i])):
                visitor = split(people, j)
                t = _moment(
                    uniform(visitor, 0), slot_start[k], slot_length[k], slot_cumulative[k], slots[k]
                )
                moment[n] = (t << 32) | n
                whose[n] = visitor
                what[n] = i
                n += 1
        order = np.sort(moment[:n])
        base = first[u]
        in_time[u] = base
        for r in range(n):
            j = order[r] & 0xFFFFFFFF
            t = order[r] >> 32
            row = base + r
            arrival[row] = t
            item[row] = what[j]
            service[row] = _work(whose[j], law[what[j]], mean_seconds[what[j]], cv[what[j]])
            c = 0
            v = uniform(whose[j], 2)
            while c < len(class_cumulative) - 1 and v > class_cumulative[c]:
                c += 1
            kind[row] = c
            credit[row] = class_credit[c]
            if class_patience[c] < 0:
                patience[row] = NEVER
            else:
                patience[row] = np.int64(-np.log(uniform(whose[j], 3)) * class_patience[c])
            if t < last_ticket[d, h]:
                in_time[u] = row + 1


@njit(cache=True, nogil=True)
def _moment(u: float, start: Floats, length: Floats, cumulative: Floats, slots: Int) -> Int:
    """The moment, in whole seconds, at quantile u of a shape."""
    k = 0
    while k < slots - 1 and u > cumulative[k]:
        k += 1
    below = cumulative[k - 1] if k > 0 else 0.0
    inside = (u - below) / (cumulative[k] - below)
    return np.int64(start[k] + min(inside, 1.0 - 1e-12) * length[k])


@njit(cache=True, nogil=True)
def _work(visitor: Any, law: Int, mean: float, cv: float) -> Int:
    """Work in whole seconds, at least 1."""
    u = uniform(visitor, 1)
    if law == 0:
        sigma2 = np.log1p(cv * cv)
        value = mean * np.exp(np.sqrt(sigma2) * normal_quantile(u) - 0.5 * sigma2)
    elif law == 1:
        value = mean * cv * cv * _gamma(visitor, 1.0 / (cv * cv))
    elif law == 2:
        value = -mean * np.log(u)
    else:
        value = mean
    return max(np.int64(1), np.int64(np.round(value)))


@njit(cache=True, nogil=True)
def _gamma(visitor: Any, shape: float) -> float:
    """A standard gamma variate by rejection from the visitor's own stream (Marsaglia and Tsang 2000)."""
    boost = 1.0
    if shape < 1.0:
        boost = uniform(visitor, 10) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    step = 12
    while True:
        x = normal_quantile(uniform(visitor, step))
        v = (1.0 + c * x) ** 3
        if v > 0 and np.log(uniform(visitor, step + 1)) < 0.5 * x * x + d - d * v + d * np.log(v):
            return boost * d * v
        step += 2


@njit(cache=True, nogil=True)
def _present(
    clerks: Ints,
    days: Ints,
    keys: Keys,
    replication: int,
    rostered: float,
    absence: float,
    windows: Ints,
) -> Ints:
    stations_n = len(keys)
    present = np.zeros(len(clerks), np.int64)
    for u in range(len(clerks)):
        d, s = u // stations_n, u % stations_n
        key = split(split(keys[s], days[d]), replication)
        n = np.int64(clerks[u] * rostered + uniform(key, 0))
        here = 0
        for k in range(n):
            if uniform(key, k + 1) >= absence:
                here += 1
        if clerks[u] > 0:
            present[u] = min(max(1, here), windows[s])
    return present
