"""Today from its state at `now`: what is seen, and drawn from it the rest of the day.

What cannot be seen is drawn, by replication: the level of the day given who has come so far, when
those who wait took their tickets, how long visits under way still take, who is yet to come.
`docs/dispatch.md` has the formulae.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit
from scipy.special import ndtri

from hallsim.checks import stages
from hallsim.demand import Floats, Month, arrival_window, expect, shape
from hallsim.draw import Chance, Crowd, Purpose
from hallsim.lives import Laws, number_of_cases, work
from hallsim.records import NEVER, Ints
from hallsim.rosters import travel_minutes
from hallsim.scenario import Scenario
from hallsim.stations import Station, home_of_stations, stations
from hallsim.streams import split, stream
from hallsim.warm import COLUMNS, Post, Rest, Rows, holders, post_today

ANY = -1
"""Item of people of whom it is not said what they come for."""
_SAMPLE = 1 << 14  # handling times that stand for the law of an item
_TRIES = 12  # pairs of visit and moment drawn until the visit began after the doors opened
_NODES, _WIDTH = 161, 7.0  # of grids, and standard deviations to either side


@dataclass(frozen=True)
class Seen:
    """What was told of one hall.

    Attributes:
        waiting, in_service: item (or ANY) to people.
        clerks: at windows or able to; None = as expected.
        arrived: item (or ANY, for all) to tickets taken so far today; empty = not told.
        longest_wait: seconds; None = not told.
        tickets: (item, second of the ticket) of everybody who waits, where a log tells it.
        calls: (item, second of the call) of everybody in service, where a log tells it.
    """

    waiting: dict[int, int] = field(default_factory=dict)
    in_service: dict[int, int] = field(default_factory=dict)
    clerks: int | None = None
    arrived: dict[int, int] = field(default_factory=dict)
    longest_wait: int | None = None
    tickets: tuple[tuple[int, int], ...] | None = None
    calls: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True)
class State:
    """A day at some second: what was told, by index of the hall.  Other halls take no part."""

    date: dt.date
    now: int
    halls: dict[int, Seen]


class Today:
    """A day of a scenario at `state.now`.

    Attributes:
        month: the expected day (and the days of the month before it, where visits return).
        parts: all stations.
        posts: station number to what it is from now on; only open stations of the halls in the state.
        expected: [H, I] visitors expected until now, before the level of the day.
    """

    def __init__(self, scenario: Scenario, state: State) -> None:
        """Work out what is expected.

        Raises:
            ValueError: a date outside the calendar.
        """
        self.scenario, self.state = scenario, state
        whole = expect(scenario, state.date.year, state.date.month)
        self.parts = stations(scenario)
        d = state.date.day - 1
        self._returns = any(i.return_share for i in scenario.items)
        days = slice(0 if self._returns else d, d + 1)
        self.month = Month(
            whole.scenario, whole.label, whole.dates[days], whole.days[days], whole.sessions[days],
            whole.mean[days], whole.provisional,
        )  # fmt: skip
        self.sessions = whole.sessions[d]
        self.mean = whole.mean[d]
        self._curve = _Curves(scenario, self.sessions)
        self.expected = self._expected(state.now)
        self.clerks = self._clerks()
        self.posts = {
            s: post_today(
                part, self.sessions[part.hall], scenario.hours[scenario.halls[part.hall].hours],
                state.now, self.clerks[s], self._busy(s),
            )
            for s, part in enumerate(self.parts)
            if part.hall in state.halls and self.sessions[part.hall]
            and self.sessions[part.hall][-1].off > state.now
        }  # fmt: skip

    # What is seen at a station ------------------------------------------------------------------

    def items_of(self, s: int) -> list[int]:
        """The items whose visitors queue at a station; what nobody serves, at the hall's first."""
        part = self.parts[s]
        own = [k for k, p in enumerate(self.parts) if p.hall == part.hall]
        served = functools.reduce(lambda a, b: a | b, (self.parts[k].items for k in own))
        return [
            i
            for i in range(len(self.scenario.items))
            if part.items >> i & 1 or (s == own[0] and not served >> i & 1)
        ]

    def at_station(self, s: int, counts: dict[int, int]) -> dict[int, int]:
        """The part of a hall's counts that is at one of its stations; ANY is at the one with most demand."""
        own = [k for k, p in enumerate(self.parts) if p.hall == self.parts[s].hall]
        items = self.items_of(s)
        found = {i: n for i, n in counts.items() if i in items and n}
        demand = {k: self.mean[self.parts[k].hall, self.items_of(k)].sum() for k in own}
        if counts.get(ANY) and s == max(own, key=lambda k: demand[k]):
            found[ANY] = counts[ANY]
        return found

    def _busy(self, s: int) -> int:
        seen = self.state.halls[self.parts[s].hall]
        told = sum(self.at_station(s, seen.in_service).values())
        return min(told, len(self.parts[s].windows))

    def _clerks(self) -> list[int]:
        """[S]: clerks at the windows of every station."""
        staff = self.scenario.staffing
        usual = (1 - staff.leave_rate) * (1 - staff.other_duty_rate) * (1 - staff.absence_rate)
        home = home_of_stations(self.scenario, self.parts)
        found = [0] * len(self.parts)
        for h, seen in self.state.halls.items():
            own = [s for s, p in enumerate(self.parts) if p.hall == h]
            for s in own:
                if self.parts[s].machine:
                    found[s] = len(self.parts[s].windows)
            staffed = [s for s in own if not self.parts[s].machine]
            busy = [self._busy(s) for s in staffed]
            if seen.clerks is None:
                for s, b in zip(staffed, busy, strict=True):
                    expected = int(home[s] * usual + 0.5)
                    found[s] = max(b, expected, 1 if home[s] else 0)
            else:
                for s, n in zip(
                    staffed,
                    _shared(seen.clerks, [int(home[s]) for s in staffed], busy),
                    strict=True,
                ):
                    found[s] = n
        return found

    def callable_back(self, h: int) -> int:
        """Clerks of a hall who are expected on other duty today."""
        staff = self.scenario.staffing
        home = sum(c.count for c in self.scenario.clerks if c.hall == self.scenario.halls[h].hall)
        there = home * (1 - staff.leave_rate) * (1 - staff.absence_rate)
        here = sum(
            self.clerks[s] for s, p in enumerate(self.parts) if p.hall == h and not p.machine
        )
        return max(0, min(int(there * staff.other_duty_rate + 0.5), int(there + 0.5) - here))

    @functools.cached_property
    def travel(self) -> Floats:
        """[H, H] minutes from hall to hall."""
        return travel_minutes(self.scenario)

    # Expectation --------------------------------------------------------------------------------

    def _expected(self, until: int) -> Floats:
        """[H, I] visitors expected to have come before this second of the day."""
        found = np.zeros(self.mean.shape)
        comes = 1 - sum(c.share * c.no_show for c in self.scenario.classes.values())
        for h in self.state.halls:
            for i, item in enumerate(self.scenario.items):
                if self.mean[h, i] > 0:
                    whole = self.mean[h, i] * comes * (1 + item.return_share)
                    found[h, i] = whole * self._curve(h, i, until)
        return found

    def come(self, h: int, items: Sequence[int], until: Floats) -> Floats:
        """Visitors for these items expected before each of these seconds."""
        parts = [self.mean[h, i] * self._curve.at(h, i, until) for i in items]
        return np.asarray(np.sum(parts, axis=0)) if parts else np.zeros(len(until))

    def levels(self, seed: int, purpose: Purpose, replications: int) -> Floats:
        """[R, H] the factor of today on each hall's expectation, given who has come so far."""
        expected, arrived = np.zeros(len(self.mean)), np.full(len(self.mean), float(NEVER))
        for h, seen in self.state.halls.items():
            if not seen.arrived:
                continue
            if ANY in seen.arrived:
                expected[h], arrived[h] = self.expected[h].sum(), seen.arrived[ANY]
            else:
                told = list(seen.arrived)
                expected[h], arrived[h] = self.expected[h, told].sum(), sum(seen.arrived.values())
        variation = self.scenario.variation
        rng = np.random.default_rng(stream(seed, purpose, "level", self.state.date.toordinal()))
        return day_levels(  # the same whoever else is drawn
            expected, arrived, variation.day_cv, variation.hall_cv,
            rng.random((replications, 1 + len(self.mean))),
        )  # fmt: skip

    # Drawing ------------------------------------------------------------------------------------

    def draw(self, seed: int, purpose: Purpose, replications: int) -> Drawn:
        """The rest of the day at every post, in so many replications."""
        levels = self.levels(seed, purpose, replications)
        chance = _Chance(self.month, self.parts, seed, purpose, levels)
        people = [_People(chance.crowd(r)) for r in range(replications)]
        sample = _samples(chance.rules[3], stream(seed, purpose, "work"))
        rests, left, waited = {}, {}, {}
        for s, post in self.posts.items():
            part = self.parts[s]
            hall = self.scenario.halls[part.hall].hall
            rng = np.random.default_rng(
                stream(seed, purpose, "state", hall, s, self.state.date.toordinal())
            )
            opened = post.opened()
            left[s] = self._left(s, post, opened, sample, rng, replications)
            waiting = self._waiting(s, levels[:, part.hall], sample, rng, replications)
            waited[s] = self.state.now - waiting[1].arrival[waiting[1].stage == 1].reshape(
                replications, -1
            )
            unit = (len(self.month.dates) - 1) * len(self.parts) + s
            later = [crowd.later(unit, self.state.now) for crowd in people]
            rests[s] = _rest(post, opened, left[s], waiting, later)
        return Drawn(rests, {s: p.opened() for s, p in self.posts.items()}, left, waited, levels)

    def _left(
        self, s: int, post: Post, opened: list[int], sample: Floats, rng: Any, replications: int
    ) -> Ints:
        """[R, windows]: seconds that visits under way still take, longest first; -1 where nobody is.

        Who is free first leaves first: the windows that close are the last.
        """
        seen = self.state.halls[post.station.hall]
        now = self.state.now
        items = self.items_of(s)
        minutes = np.array([i.minutes for i in self.scenario.items])
        weight = np.zeros(len(minutes))
        weight[items] = self.mean[post.station.hall, items] * minutes[items]
        begun = max((x.on for x in self.sessions[post.station.hall] if x.on <= now), default=now)
        limit = max(1, now - begun)
        parts = []
        if seen.calls is not None:
            for i, call in seen.calls:
                if i in items:
                    parts.append(left_given_age(sample[i], now - call, rng.random(replications)))
        else:
            for i, n in self.at_station(s, seen.in_service).items():
                which = np.full((replications, n), i)
                if i == ANY:
                    which = _picked(weight, rng.random((replications, n)))
                pair = rng.random((2, replications, n, _TRIES))
                parts += list(_left_in_progress(sample, which, limit, pair).T)
        speed = post.station.windows[0].speed if post.station.windows else 100
        seconds = np.full((replications, len(opened)), -1, np.int64)
        if parts:
            work_left = np.ceil(np.array(parts).T * 100 / speed).astype(np.int64)
            work_left = -np.sort(-work_left, axis=1)[:, : len(opened)]
            seconds[:, : work_left.shape[1]] = work_left
        return seconds

    def _waiting(
        self, s: int, level: Floats, sample: Floats, rng: Any, replications: int
    ) -> tuple[Ints, Rows]:
        """Replication and row of those who wait now."""
        h = self.parts[s].hall
        seen, items = self.state.halls[h], self.items_of(s)
        if seen.tickets is not None:
            known = sorted(((t, i) for i, t in seen.tickets if i in items))
            ticket = np.tile(np.array([t for t, _ in known], np.int64), (replications, 1))
            item = np.tile(np.array([i for _, i in known], np.int64), (replications, 1))
        else:
            counts = self.at_station(s, seen.waiting)
            n = sum(counts.values())
            ticket = self._tickets(h, items, n, seen.longest_wait, level, rng)
            item = np.concatenate(
                [np.zeros((replications, 0), np.int64)]
                + [np.full((replications, k), i) for i, k in counts.items()], axis=1,
            )  # fmt: skip
            item = rng.permuted(item, axis=1)
            weight = np.zeros(len(self.scenario.items))
            weight[items] = self.mean[h, items]
            item = np.where(item == ANY, _picked(weight, rng.random(item.shape)), item)
        replication = np.repeat(np.arange(replications), ticket.shape[1])
        rows = self._people(ticket.reshape(-1), item.reshape(-1), sample, rng)
        length = np.array([len(stages(self._by_name, i.item)) for i in self.scenario.items])
        return np.repeat(replication, length[item.reshape(-1)]), rows

    @functools.cached_property
    def _by_name(self) -> dict[str, Any]:
        return {i.item: i for i in self.scenario.items}

    def _tickets(
        self, h: int, items: list[int], n: int, longest: int | None, level: Floats, rng: Any
    ) -> Ints:
        """[R, n] seconds of tickets, ascending: the last n who came, unless the longest wait is told."""
        now = self.state.now
        if n == 0:
            return np.zeros((len(level), 0), np.int64)
        doors = arrival_window(self.scenario, self.scenario.halls[h], self.sessions[h])[0]
        first = min(doors, now - 1)
        grid = np.arange(first, now + 1, dtype=float)
        come = self.come(h, items, grid) + 1e-9 * (grid - first)
        if longest is None:
            since = np.interp(come[-1] - n / level, come, grid)
        else:
            since = np.full(len(level), float(min(max(first, now - longest), now - 1)))
        low = np.interp(since, grid, come)[:, None]
        share = np.sort(rng.random((len(level), n)), axis=1)
        ticket = np.interp(low + share * (come[-1] - low), come, grid)
        found = np.clip(ticket.astype(np.int64), first, now - 1)
        if longest is not None:
            found[:, 0] = since.astype(np.int64)
        return np.asarray(found)

    def _people(self, ticket: Ints, item: Ints, sample: Floats, rng: Any) -> Rows:
        """Rows of people who took these tickets and still wait, with their later counters."""
        classes = list(self.scenario.classes.values())
        waited = self.state.now - ticket
        mean = np.array(
            [60 * c.patience_minutes if c.patience_minutes else np.inf for c in classes]
        )
        stay = np.array([c.share * (1 - c.leave_at_once) for c in classes])
        weight = np.cumsum(stay * np.exp(-waited[:, None] / mean), axis=1)
        kind = (rng.random((len(ticket), 1)) * weight[:, -1:] > weight).sum(axis=1)
        kind = np.minimum(kind, len(classes) - 1)
        more = -np.log1p(-rng.random(len(ticket)))  # exponential patience forgets
        with np.errstate(invalid="ignore"):
            whole = waited + more * mean[kind]
        patience = np.where(np.isinf(mean[kind]), NEVER, np.minimum(whole, 1e9)).astype(np.int64)
        credit = np.array([round(60 * c.credit_minutes) for c in classes], np.int64)[kind]
        chains = [stages(self._by_name, i.item) for i in self.scenario.items]
        code = {i.item: k for k, i in enumerate(self.scenario.items)}
        deep = max(map(len, chains))
        person, counter, rows = [], [], []
        for c in range(deep):
            who = np.flatnonzero([len(chains[i]) > c for i in item.tolist()])
            here = np.array([code[chains[i][c]] for i in item[who].tolist()], np.int64)
            before = [chains[i][c - 1] if c else "" for i in item[who].tolist()]
            walk = [round(60 * self._by_name[b].walk_minutes) if b else 0 for b in before]
            pick = (rng.random(len(who)) * sample.shape[1]).astype(np.int64)
            rows.append(
                Rows.of(
                    len(who), arrival=ticket[who], item=here, credit=credit[who],
                    service=sample[here, pick].astype(np.int64), patience=patience[who],
                    stage=c + 1, walk=np.array(walk, np.int64),
                )
            )  # fmt: skip
            person.append(who)
            counter.append(np.full(len(who), c))
        order = np.lexsort((np.concatenate(counter), np.concatenate(person)))
        return Rows.join(rows).at(order)


@dataclass(frozen=True)
class Drawn:
    """The rest of the day in R replications, by station number.

    Attributes:
        rests: rows for `warm.rest_costs`.
        opened: places of the windows that have a holder.
        left: [R, windows opened] seconds that their visits still take, -1 where nobody is.
        waited: [R, waiting] seconds waited so far.
        levels: [R, H] factor of the day.
    """

    rests: dict[int, Rest]
    opened: dict[int, list[int]]
    left: dict[int, Ints]
    waited: dict[int, Ints]
    levels: Floats


class _Chance(Chance):
    """Chance of a day whose level is known better than that of any day."""

    def __init__(
        self, month: Month, parts: list[Station], seed: int, purpose: Purpose, levels: Floats
    ) -> None:
        super().__init__(month, parts, seed, purpose)
        self._levels = levels

    def _factors(self, days: Ints, replication: int) -> Floats:
        found = super()._factors(days, replication)
        found[-1] = self._levels[replication]
        return found


class _Curves:
    """Share of an item's visitors who have come, by hall and second of the day."""

    def __init__(self, scenario: Scenario, sessions: Sequence[Any]) -> None:
        self._scenario, self._sessions = scenario, sessions
        self._known: dict[tuple[str, int, str], tuple[Floats, Floats]] = {}

    def at(self, h: int, i: int, seconds: Floats) -> Floats:
        hall, sessions = self._scenario.halls[h], self._sessions[h]
        key = hall.hours, id(sessions), self._scenario.items[i].hours
        if not sessions:
            return np.zeros(len(seconds))
        if key not in self._known:
            s = shape(self._scenario, hall, i, sessions)
            below = np.concatenate(([0.0], s.cumulative[:-1]))
            at = np.stack((s.start, s.start + s.length), axis=1).reshape(-1)
            self._known[key] = at, np.stack((below, s.cumulative), axis=1).reshape(-1)
        return np.asarray(np.interp(seconds, *self._known[key], left=0.0, right=1.0))

    def __call__(self, h: int, i: int, second: int) -> float:
        return float(self.at(h, i, np.array([float(second)]))[0])


def _shared(total: int, weights: list[int], least: list[int]) -> list[int]:
    """Whole numbers of this sum, each at least as given, in proportion to weights."""
    found = list(least)
    while sum(found) < total and found:
        k = min(range(len(found)), key=lambda j: (found[j] + 1) / max(weights[j], 1e-9))
        found[k] += 1
    return found


class _People:
    """The visitors of one replication, with every column."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        if len(crowd.stage):
            self._rows = Rows(*(getattr(crowd, name) for name in COLUMNS))
        else:
            given = {name: getattr(crowd, name) for name in COLUMNS[:5]}
            self._rows = Rows.of(len(crowd.arrival), **given)

    def later(self, unit: int, now: int) -> tuple[Rows, int]:
        """Those of a unit who come from `now` on and take a ticket, and how many come too late for one."""
        crowd = self._crowd
        a, b, c = int(crowd.first[unit]), int(crowd.in_time[unit]), int(crowd.last[unit])
        first = a + int(np.searchsorted(crowd.arrival[a:b], now))
        late = (crowd.arrival[b:c] >= now) & (self._rows.stage[b:c] == 1)
        return Rows(*(column[first:b] for column in self._rows)), int(late.sum())


def _rest(
    post: Post,
    opened: list[int],
    left: Ints,
    waiting: tuple[Ints, Rows],
    later: list[tuple[Rows, int]],
) -> Rest:
    replications = len(left)
    hold = holders(post, opened, [-1] * len(opened), ())
    n = len(opened)
    in_row = np.argsort([post.station.windows[k].number for k in opened], kind="stable")
    held = Rows(*(np.tile(column, replications) for column in hold))
    if n:
        held = held._replace(service=np.maximum(left[:, in_row] + 1, 1).reshape(-1))
    coming = Rows.join([rows for rows, _ in later])
    sizes = np.array([len(rows.arrival) for rows, _ in later])
    rows = Rows.join([waiting[1], held, coming])
    replication = np.concatenate(
        (
            waiting[0],
            np.repeat(np.arange(replications), n),
            np.repeat(np.arange(replications), sizes),
        )
    )
    order = np.lexsort((np.arange(len(replication)), rows.arrival, replication))
    first = np.searchsorted(replication[order], np.arange(replications + 1))
    return Rest(
        first[:-1].astype(np.int64), first[1:].astype(np.int64),
        np.array([late for _, late in later], np.int64), np.full(replications, n, np.int64),
        rows.at(order),
    )  # fmt: skip


# Laws -------------------------------------------------------------------------------------------


def _samples(laws: Laws, key: int) -> Floats:
    """[I, n] handling times of every item, ascending, in seconds of work."""
    found = np.empty((len(laws.law), _SAMPLE))
    _fill(laws, np.uint64(key), found)
    return np.sort(found, axis=1)


@njit(cache=True, nogil=True, error_model="numpy")
def _fill(laws: Laws, key: Any, out: Floats) -> None:
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            person = split(split(key, i), j)
            out[i, j] = work(person, number_of_cases(person, laws.cases[i]), i, laws)


def left_given_age(sample: Floats, age: float, u: Floats) -> Floats:
    """What is left of visits that have lasted `age` seconds: the law of those that last longer."""
    first = int(np.searchsorted(sample, age, "right"))
    if first == len(sample):  # longer than any: about to end
        return np.full(len(u), 60.0)
    pick = first + (u * (len(sample) - first)).astype(np.int64)
    return np.asarray(sample[pick] - age)


def left_in_progress(sample: Floats, u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """What is left of visits of unknown age, and their age.

    Who looks in finds a visit in proportion to its length, at a moment that is even over it: the
    residual life of renewal theory (Feller 1971, volume II, XI.4), density (1 - F(x)) / mean.

    Args:
        sample: [n] lengths, ascending.
        u, v: uniform numbers.
    """
    share = np.cumsum(sample)
    length = sample[np.minimum(np.searchsorted(share, u * share[-1]), len(sample) - 1)]
    return v * length, (1 - v) * length


def _left_in_progress(sample: Floats, which: Ints, limit: int, pair: Floats) -> Floats:
    """[R, n]: what is left of visits for items `which`, none of them older than `limit` seconds."""
    found = np.empty(which.shape)
    for i in np.unique(which).tolist():
        own = which == i
        left, age = left_in_progress(sample[i], pair[0][own], pair[1][own])
        good = age <= limit
        pick = np.where(good.any(axis=1), np.argmax(good, axis=1), np.argmin(age, axis=1))
        found[own] = left[np.arange(len(pick)), pick]
    return found


def _picked(weight: Floats, u: Floats) -> Ints:
    """Indices in proportion to weights."""
    share = np.cumsum(weight if weight.sum() > 0 else np.ones(len(weight)))
    return np.asarray(np.minimum(np.searchsorted(share, u * share[-1], "right"), len(weight) - 1))


def day_levels(
    expected: Floats, arrived: Floats, day_cv: float, hall_cv: float, u: Floats
) -> Floats:
    """[R, H] factors of a day, drawn given the visitors so far.

    The scenario's days have a lognormal factor S for the district and O_h for each hall, of mean 1;
    given them, visitors are Poisson with mean m_h S O_h: Poisson-lognormal counts (Aitchison and Ho
    1989).  The law of (S, O) given the counts is integrated on grids and drawn from by inversion.

    Args:
        expected: [H] m, visitors expected so far; 0 tells nothing.
        arrived: [H] visitors so far; below 0 = not known.
        day_cv, hall_cv: coefficients of variation of S and of every O.
        u: [R, 1 + H] uniform numbers.
    """
    known = (arrived >= 0) & (expected > 0)
    day, hall = float(np.log1p(day_cv**2)), float(np.log1p(hall_cv**2))  # variances of logarithms
    log_s = np.zeros(len(u))
    if day > 0:
        s, weight = _level_of_district(arrived[known], expected[known], day, hall)
        log_s = _drawn(s[None, :], weight[None, :], u[:, 0])
    found = np.empty((len(u), len(expected)))
    for h in range(len(expected)):
        if hall == 0:
            found[:, h] = log_s
        elif known[h]:
            x, weight = _level_of_hall(arrived[h], expected[h], log_s, hall)
            found[:, h] = _drawn(x, weight, u[:, h + 1])
        else:
            found[:, h] = log_s - hall / 2 + np.sqrt(hall) * ndtri(u[:, h + 1])
    return np.exp(found)


def _level_of_district(
    count: Floats, mean: Floats, day: float, hall: float
) -> tuple[Floats, Floats]:
    """A grid of log S, [n], and the logarithm of its density up to a constant."""
    s, spread = -day / 2, np.sqrt(day)
    for _ in range(3):  # from where days are to where this one is
        grid = s + np.linspace(-_WIDTH, _WIDTH, _NODES) * spread
        weight = -((grid + day / 2) ** 2) / (2 * day)
        for n, m in zip(count, mean, strict=True):
            weight = weight + _log_evidence(n, m, grid, hall)
        chance = np.exp(weight - weight.max())
        s = float((chance * grid).sum() / chance.sum())
        wide = float(np.sqrt((chance * (grid - s) ** 2).sum() / chance.sum()))
        spread = max(wide, spread * 2 * _WIDTH / _NODES)
    return grid, weight


def _log_poisson(count: float, mean: float, x: Floats) -> Floats:
    return np.asarray(count * (np.log(mean) + x) - mean * np.exp(x))


def _level_of_hall(count: float, mean: float, s: Floats, variance: float) -> tuple[Floats, Floats]:
    """For each log S a grid of the hall's log level, [., n], and its log density up to a constant."""
    centre = s - variance / 2
    x = np.maximum(
        centre, np.log((count + 1e-9) / mean)
    )  # right of the mode, so Newton goes down to it
    for _ in range(40):
        slope = count - mean * np.exp(x) - (x - centre) / variance
        x = x + slope / (mean * np.exp(x) + 1 / variance)
    sd = 1 / np.sqrt(mean * np.exp(x) + 1 / variance)
    grid = x[:, None] + np.linspace(-_WIDTH, _WIDTH, _NODES) * sd[:, None]
    near = (grid - centre[:, None]) ** 2 / (2 * variance)
    return grid, _log_poisson(count, mean, grid) - near


def _log_evidence(count: float, mean: float, s: Floats, variance: float) -> Floats:
    """Log chance of the count for each log S, up to a constant."""
    if variance == 0:
        return _log_poisson(count, mean, s)
    x, weight = _level_of_hall(count, mean, s, variance)
    top = weight.max(axis=1)
    total = np.exp(weight - top[:, None]).sum(axis=1) * (x[:, 1] - x[:, 0])
    return np.asarray(top + np.log(total))


def _drawn(x: Floats, log_weight: Floats, u: Floats) -> Floats:
    """Values on even grids by inversion; x and log_weight are [1 or R, n], u is [R]."""
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    share = np.cumsum(weight, axis=1)
    share = np.broadcast_to(share / share[:, -1:], (len(u), x.shape[1]))
    x = np.broadcast_to(x, share.shape)
    row = np.arange(len(u))
    k = np.minimum((share < u[:, None]).sum(axis=1), x.shape[1] - 1)
    below = np.where(k > 0, share[row, np.maximum(k - 1, 0)], 0.0)
    inside = (u - below) / np.maximum(share[row, k] - below, 1e-300)
    return np.asarray(x[row, k] + (inside - 0.5) * (x[row, 1] - x[row, 0]))
