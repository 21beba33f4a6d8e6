"""Draw the visitors and the clerks' presence of a month: all chance, before the first day starts.

One replication of a month is a `Crowd`: the rows of all units (day x station), sorted by unit and
in ticket order.  A visitor is keyed by (seed, purpose, hall, item, day, replication, index), and
each of their properties by its own number in that stream; more demand adds visitors and leaves the
others as they were.  Given the random factors of the day, the visitors of each hall, item and slot
of the hour profile are exactly Poisson: their number is, and each picks a moment independently.

Booked visitors, no-shows, returns, later counters and balking are drawn on a path of their own
(`lives.come`, `lives.live`); scenarios without them take the shorter one (`lives.draw_unit`).  Where
none of it happens both give the same rows.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hallsim.checks import FIRST_YEAR, MAX_STAGES, stages
from hallsim.compiled import LINES
from hallsim.demand import Floats, Month, Shape, arrival_window, expect, profiles, shape
from hallsim.granted import leave_of_stations, windows_allowed
from hallsim.lives import (
    FOR_EVER,
    LAWS,
    Classes,
    Keys,
    Laws,
    Rows,
    Shapes,
    Streams,
    come,
    draw_crowd,
    head_counts,
    in_order,
    live,
)
from hallsim.records import NEVER, Ints, Visitors
from hallsim.scenario import Scenario
from hallsim.stations import Station
from hallsim.streams import grid, normal_quantile, split, stream, uniform

Purpose = Literal["plan", "verify", "certify", "hours", "today"]
"""Visitors that the optimizer sees; fresh ones for judging its plan, for its certificate, and for the
plans of hours and of today."""

_NO_CV = 1e-7  # makes no second of difference to a day's work
_LEAD_DAYS, _MISSED = 30, 0.01  # open days drawn before a month, and returns missed by fewer


@dataclass(frozen=True)
class Crowd:
    """The visitors of one replication of a month.

    Attributes:
        first, in_time, last: rows of unit u are first[u]:last[u]; those from in_time[u] on came
            after the last ticket and are turned away at the machine.
        arrival, item, credit, service, patience: as in `records.Visitors`; the arrival of later
            counters is that of the visit.
        kind: class of visitor, index into the scenario's classes.
        balk_at, stage, walk: as in `records.Visitors`; empty where nobody balks and no visit has
            more than one counter.  The rows of a visit follow each other.
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
    balk_at: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    stage: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    walk: Ints = field(default_factory=lambda: np.empty(0, np.int64))

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
        if len(self.stage):
            visit = np.cumsum(self.stage == 1)
            whole = dataclasses.replace(
                whole, balk_at=self.balk_at, visit=visit, stage=self.stage, walk=self.walk
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
        name = [seed], [purpose]
        visitor_keys = grid(*name, ["visitor"], halls, items)[0, 0, 0]
        self._hall_keys = grid(*name, ["hall-day"], halls)[0, 0, 0]
        self._leave = leave_of_stations(scenario, stations, month.dates).reshape(-1)
        self.allowed = windows_allowed(scenario, stations, month.dates)
        self._day_key = grid(*name, ["day"])[0, 0, 0]
        self._presence_keys = np.array(
            [stream(seed, purpose, "clerk", halls[s.hall], *own) for s, own in _named(stations)],
            np.uint64,
        )
        hall_of = np.array([s.hall for s in stations], np.int64)
        serves = _items_of_stations(scenario, stations)
        self._streams = Streams(visitor_keys, self._days, hall_of, serves)
        self._laws = _laws(scenario)
        self._classes = _classes(scenario)
        shape_of, shapes, self._edges = _shapes(month)
        self._shapes = Shapes(shape_of, *shapes)
        self._visits = _Visits(month) if _Visits.needed(scenario) else None

    def crowd(self, replication: int) -> Crowd:
        """The visitors of one replication; the same whenever and in whatever order it is asked for."""
        if self._visits is not None:
            return self._rich_crowd(self._visits, replication)
        count, first = self.head_counts(replication)
        rows = Rows(*(np.empty(first[-1], np.int64) for _ in range(6)))
        in_time = np.empty(len(count), np.int64)
        draw_crowd(
            count, first, replication, self._streams, self._shapes, self._edges[1], self._laws,
            self._classes, in_time, rows,
        )  # fmt: skip
        return Crowd(first[:-1], in_time, first[1:], *rows)

    @property
    def plain(self) -> bool:
        """Whether visitors have nothing but moment, work, patience and one of a few credits."""
        return self._visits is None and len(np.unique(self._classes.credit)) <= LINES

    def head_counts(self, replication: int) -> tuple[Ints, Ints]:
        """Visitors [units, I] without bookings and returns, and the first row of each unit, [units + 1]."""
        mean = self._month.mean * self.factors(replication)[:, :, None]
        return head_counts(mean, replication, self._streams)

    @property
    def rules(self) -> tuple[Streams, Shapes, Ints, Laws, Classes]:
        """What `lives.draw_unit` wants to know of a month that is `plain`."""
        return self._streams, self._shapes, self._edges[1], self._laws, self._classes

    def _rich_crowd(self, visits: _Visits, replication: int) -> Crowd:
        streams = self._streams._replace(days=np.concatenate((visits.lead_days, self._days)))
        mean = np.concatenate((visits.lead_mean, self._month.mean))
        mean = mean * self._factors(streams.days, replication)[:, :, None]
        room = 2 * int(head_counts(mean, replication, streams)[1][-1])
        person = np.empty(room, np.uint64)
        unit, moment, item, kind = (np.empty(room, np.int64) for _ in range(4))
        n = come(
            mean, replication, streams, len(visits.lead_days), *visits.open_days, self._shapes,
            self._edges, self._classes, *visits.booking, *visits.returns,
            unit, moment, person, item, kind,
        )  # fmt: skip
        units = len(self._days) * len(self._stations)
        order = in_order(unit[:n], moment[:n], units)
        columns: list[Any] = [column[order] for column in (unit, moment, person, item, kind)]
        length = np.bincount(columns[0], visits.counters[columns[3]], units).astype(np.int64)
        first = np.concatenate(([0], np.cumsum(length)))
        rows = [np.empty(first[-1], np.int64) for _ in range(9)]
        in_time = first[:-1].copy()
        lives: list[Any] = [
            *columns, first, streams.hall_of, self._edges[1], visits.next_item, visits.walk,
            visits.balk, self._laws, self._classes, in_time, Rows(*rows[:6]), *rows[6:],
        ]  # fmt: skip
        live(*lives)
        return Crowd(first[:-1], in_time, first[1:], *rows[: 9 if visits.eventful else 6])

    def factors(self, replication: int) -> Floats:
        """[D, H]: random factor of every day and hall, lognormal with mean 1 and the scenario's cv."""
        return self._factors(self._days, replication)

    def _factors(self, days: Ints, replication: int) -> Floats:
        variation = self._month.scenario.variation
        return _factors(
            days, self._day_key, self._hall_keys, replication,
            _sigma(variation.day_cv), _sigma(variation.hall_cv),
        )  # fmt: skip

    def windows_open(self, clerks: Ints, replication: int) -> Ints:
        """Windows open per unit [D x S] when so many clerks [D x S] are assigned.

        Those whose leave is granted are away.  Of n others, n x (1 - leave) x (1 - other duty) are
        rostered at windows, rounded up on as many days as keeps that mean (such leave is spread
        evenly); each of them is absent independently with the absence rate.  A station with any
        clerk opens at least one window: someone stands in.  No more windows open than a limit
        allows.  Self-service machines are all open, whatever clerks there are.
        """
        rostered = self._month.scenario.staffing
        seats = np.array([len(s.windows) for s in self._stations], np.int64)
        machines = np.array([s.machine for s in self._stations])
        present = _present(
            np.maximum(clerks - self._leave, 0), self._days, self._presence_keys, replication,
            (1 - rostered.leave_rate) * (1 - rostered.other_duty_rate), rostered.absence_rate,
            seats,
        ).reshape(-1, len(seats))  # fmt: skip
        return np.where(machines, seats, np.minimum(present, self.allowed)).reshape(-1)


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
    items = np.array([s.items for s in stations], np.int64)
    serves: NDArray[np.bool_] = items[:, None] >> np.arange(len(scenario.items)) & 1 == 1
    halls, first, number = np.unique(
        [s.hall for s in stations], return_index=True, return_inverse=True
    )
    served = np.zeros((len(halls), serves.shape[1]), bool)
    np.logical_or.at(served, number, serves)
    serves[first] |= ~served
    return serves


class _Visits:
    """What a scenario says about visits beyond moment, work and patience."""

    def __init__(self, month: Month) -> None:
        scenario = month.scenario
        items, classes = scenario.items, list(scenario.classes.values())
        by_name = {i.item: i for i in items}
        code = {i.item: k for k, i in enumerate(items)}
        chains = [stages(by_name, i.item) for i in items]
        if max(map(len, chains)) > MAX_STAGES:
            raise ValueError(f"more than {MAX_STAGES} counters in a visit, or a circle of them")
        self.counters = np.array([len(c) for c in chains], np.int64)
        self.next_item = np.array([code.get(i.next, NEVER) for i in items], np.int64)
        self.walk = np.array([round(i.walk_minutes * 60) for i in items], np.int64)
        self.balk = np.array([c.balk_at or 0.0 for c in classes])
        self.eventful = bool(self.balk.any() or self.counters.max() > 1)
        self.booking = (
            np.array([max(1, round((c.slot_minutes or 0) * 60)) for c in classes], np.int64)
            * np.array([c.slot_minutes is not None for c in classes]),
            np.array([c.late_minutes * 60 for c in classes], float),
            np.array([c.late_sd_minutes * 60 for c in classes], float),
            np.array([c.no_show for c in classes], float),
        )
        share = np.array([i.return_share for i in items], float)
        again = np.array([1 / i.return_days for i in items])
        self.returns = (share, again)
        before = _months_before(month) if share.any() else []
        is_open = np.concatenate([m.open for m in (*before, month)])
        mean = np.concatenate([np.empty((0, *month.mean.shape[1:])), *(m.mean for m in before)])
        self.open_days, place = _open_days(is_open)
        first = is_open[: len(mean)].sum(axis=0)  # place of the month's first open day
        ago = first[None, :, None] - place[: len(mean), :, None]
        with np.errstate(divide="ignore"):
            enough = np.ceil(np.log(_MISSED) / np.log1p(-again))
        wanted = ago <= np.minimum(_LEAD_DAYS, np.maximum(1, enough))
        self.lead_mean = mean * (share > 0) * wanted
        ordinals = [d.toordinal() for m in before for d in m.dates]
        self.lead_days = np.array(ordinals, np.int64)

    @staticmethod
    def needed(scenario: Scenario) -> bool:
        """Whether anything of the kind is in the scenario."""
        return any(i.next or i.return_share for i in scenario.items) or any(
            c.balk_at or c.slot_minutes or c.no_show for c in scenario.classes.values()
        )


def _months_before(month: Month) -> list[Month]:
    """Two months are enough for the open days before a month."""
    year, number = (int(part) for part in month.label.split("-"))
    found = []
    for back in (2, 1):
        y, m = divmod(12 * year + number - 1 - back, 12)
        if y >= FIRST_YEAR:
            found.append(expect(month.scenario, y, m + 1))
    return found


def _open_days(is_open: NDArray[np.bool_]) -> tuple[tuple[Ints, Ints, Ints], Ints]:
    """Days [H, days] on which each hall opens, how many, and the place [days, H] of each day."""
    place = np.cumsum(is_open, axis=0) - 1
    listed = np.argsort(~is_open.T, axis=1, kind="stable")
    return (listed, is_open.sum(axis=0), place), place


def _laws(scenario: Scenario) -> Laws:
    items = scenario.items
    known = profiles(scenario)
    samples = [
        known.get(("minutes", i.sample), {}) if i.law == "empirical" else {"1": 1.0} for i in items
    ]
    width = max(map(len, samples))
    values, cumulative = np.ones((len(items), width)), np.ones((len(items), width))
    for k, (item, sample) in enumerate(zip(items, samples, strict=True)):
        if not any(sample.values()):
            raise ValueError(f"item {item.item}: the law empirical needs a minutes profile")
        minutes, weight = np.array([float(m) for m in sample]), np.array(list(sample.values()))
        order = np.argsort(minutes)
        share = weight[order] / weight.sum()
        values[k, : len(sample)] = minutes[order] / (minutes[order] @ share) * item.minutes * 60
        cumulative[k, : len(sample)] = np.cumsum(share)
    law = [LAWS["fixed" if i.cv < _NO_CV and i.law != "empirical" else i.law] for i in items]
    cv = np.array([float(i.cv) for i in items])
    return Laws(
        np.array(law, np.int64),
        np.array([i.minutes * 60 for i in items]),
        cv,
        np.sqrt(np.log1p(cv * cv)),
        np.log1p(cv * cv) / 2,
        np.array([float(i.cases) for i in items]),
        values,
        cumulative,
    )


def _classes(scenario: Scenario) -> Classes:
    classes = list(scenario.classes.values())
    patience = [c.patience_minutes * 60 if c.patience_minutes else FOR_EVER for c in classes]
    return Classes(
        np.cumsum([c.share for c in classes]),
        np.array([round(c.credit_minutes * 60) for c in classes], np.int64),
        np.array(patience, float),
        np.array([c.leave_at_once for c in classes], float),
    )


def _shapes(month: Month) -> tuple[Ints, tuple[Floats, Floats, Floats, Ints], Ints]:
    """Shape index [D, H, I], the shapes padded to one table, and [3, D, H]: doors, last ticket, closing."""
    scenario = month.scenario
    number, openings = month.openings
    index: dict[tuple[int, str], int] = {}
    found: list[Shape] = []
    shape_of = np.zeros((len(openings), len(scenario.items)), np.int64)
    edges = np.zeros((3, len(openings)), np.int64)
    for k, (hall, sessions) in enumerate(openings):
        if not sessions:
            continue
        edges[:, k] = arrival_window(scenario, hall, sessions)
        for i, item in enumerate(scenario.items):
            if (k, item.hours) not in index:
                index[k, item.hours] = len(found)
                found.append(shape(scenario, hall, i, sessions))
            shape_of[k, i] = index[k, item.hours]
    slots = max((len(s.start) for s in found), default=1)
    table = np.zeros((3, max(1, len(found)), slots))
    size = np.zeros(max(1, len(found)), np.int64)
    for k, s in enumerate(found):
        size[k] = len(s.start)
        table[:, k, : size[k]] = s.start, s.length, s.cumulative
    return shape_of[number], (table[0], table[1], table[2], size), np.take(edges, number, axis=1)


@njit(cache=True, nogil=True, error_model="numpy")
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


@njit(cache=True, nogil=True, error_model="numpy")
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
