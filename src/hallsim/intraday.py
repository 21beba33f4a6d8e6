"""When within the day windows are open: the same clerks and the same hours at windows, better placed.

Queues empty every night, but within a day spells interact: who is not served in one half hour waits
in the next.  So the windows of all spells are chosen together, by a mixed integer programme whose
cost is learnt from simulation by cuts (Cezik and L'Ecuyer 2008; Atlason, Epelman and Henderson 2004).
It begins with the offered load and the square-root rule, and ends with a local search.  All profiles
see the same visitors; the result is judged on others.  Whoever may choose among halls stays in the
own one here.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from scipy import optimize

from hallsim.calendar import parse_sessions
from hallsim.checks import parse_month
from hallsim.compiled import hall_day, longest, room, run_units
from hallsim.counting import COSTS, LOST, OVERTIME, TICKETS, VISITORS, WAIT, WITHIN, Told, cost_unit
from hallsim.demand import Floats, Month, arrival_window, expect
from hallsim.draw import Chance, Purpose
from hallsim.formulas import offered_load, square_root
from hallsim.granted import leave_of_stations, windows_allowed
from hallsim.measure import interval, within_seconds
from hallsim.planning import ClosedMonth, Stage
from hallsim.problems import Place, Problem, ScenarioProblems, nearest
from hallsim.records import ABANDONED, NEVER, SERVED, Ints
from hallsim.scenario import WEEKDAYS, Objective, Scenario, Selector, Session, in_season
from hallsim.shifts import STEPS, Frame, Slip, Step, frame, slips
from hallsim.simulate import in_parallel
from hallsim.stations import Station, home_of_stations, share_out, stations

Profile = tuple[int, ...]
"""Windows open in each spell."""
MEASURES = (
    "mean_wait_min",
    "within_share",
    "lost",
    "overtime_min",
    "late_min",
    "empty_min",
    "cost_min",
)
"""Of a day: mean wait of those with a ticket, share of visitors served in time, visitors lost, minutes
of overtime after closing, minutes that windows work on after the end of a duty before that, minutes
until the hall is empty after closing, and the objective of the scenario in visitor minutes."""
CHANGE_MINUTES = 5.0
"""Visitor minutes a day that opening or closing a window within a session must save."""
LATE, EMPTY = len(COSTS), len(COSTS) + 1
"""Minutes that windows work beyond the end of their duty before closing, to finish with a visitor; and
minutes after closing until the hall is empty."""

_MOST_MONTHS = 60
_ROUNDS = 10  # of cuts
_TRIES = 12  # shifts simulated before local search gives up
_WIDTHS = (1, 2, 4)  # spells that a shift moves at once
_LOWEST, _HIGHEST, _HALVINGS = 2.0, 200.0, 2  # of the price of a minute worked
LATER = 5.0
"""Minutes by which the hall may be empty later than under the usual rota, on a mean day."""
_TOO_LATE = 200.0  # visitor minutes for a minute in which the hall is not yet empty
_TOLERANCE = 0.0005  # by which hours may seem to exceed those of the usual rota
_NODES = 300  # of one programme with cuts; not seconds, so that the result is always the same
_SURE = 2.0  # standard errors by which a profile must beat the usual rota
_MINUTE = 60


# Visitors of many days ------------------------------------------------------------------------------


class Pool(NamedTuple):
    """The visitors of many days at one station; rows as in `draw.Crowd`.

    first, in_time, last: [U] rows of every day; replication: [U] the month it was drawn in.
    """

    first: Ints
    in_time: Ints
    last: Ints
    replication: Ints
    arrival: Ints
    item: Ints
    credit: Ints
    service: Ints
    patience: Ints
    balk_at: Ints
    stage: Ints
    walk: Ints


def pool(chance: Chance, days: Ints, station: int, count: int, months: range) -> Pool:
    """Days (indices) of the drawn months, at one of `count` stations."""
    parts: list[list[Ints]] = []
    for number in months:
        crowd = chance.crowd(number)
        units = days * count + station
        length, late = crowd.last - crowd.first, crowd.last - crowd.in_time
        rows = np.concatenate([np.arange(crowd.first[u], crowd.last[u]) for u in units])
        rich = [c[rows] if len(c) else c for c in (crowd.balk_at, crowd.stage, crowd.walk)]
        plain = (crowd.arrival, crowd.item, crowd.credit, crowd.service, crowd.patience)
        parts.append(
            [
                length[units],
                late[units],
                np.full(len(days), number),
                *(c[rows] for c in plain),
                *rich,
            ]
        )
    length, late, number_of, *columns = (
        np.concatenate(column).astype(np.int64) for column in zip(*parts, strict=True)
    )
    last = np.cumsum(length)
    return Pool(last - length, last - late, last, number_of, *columns)


class _Duties(NamedTuple):
    """Duty rows begin[k]:end[k] of profile k, and its closing second."""

    begin: Ints
    end: Ints
    close: Ints
    window: Ints
    items: Ints
    on: Ints
    off: Ints
    speed: Ints


Rows = Sequence[tuple[int, int, int, int, int]]


def _duties(patterns: Sequence[Rows]) -> _Duties:
    end = np.cumsum([len(rows) for rows in patterns])
    begin = end - [len(rows) for rows in patterns]
    close = np.array([max((row[3] for row in rows), default=0) for rows in patterns], np.int64)
    table = np.array([row for rows in patterns for row in rows], np.int64).reshape(-1, 5)
    return _Duties(begin, end, close, *(np.ascontiguousarray(table[:, k]) for k in range(5)))


def costs(of: Pool, patterns: Sequence[Rows], within: int) -> Floats:
    """[K, U, 8]: `counting.COSTS` of every day under every pattern of duties, `LATE` and `EMPTY`."""
    found = np.zeros((len(patterns), len(of.first), len(COSTS) + 2))
    _costs(of, _duties(patterns), within, found)
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _costs(of: Pool, duties: _Duties, within: int, cost: Floats) -> None:
    largest = longest(of.first, of.in_time)
    scratch = np.empty((5, largest), np.int64)
    space = room(np.empty(largest, np.int64), longest(duties.begin, duties.end))
    for u in range(len(of.first)):
        a, b = of.first[u], of.in_time[u]
        n = b - a
        late = of.last[u] - b
        for v in range(b, min(of.last[u], len(of.stage))):
            late -= of.stage[v] > 1
        for k in range(len(duties.begin)):
            c, d = duties.begin[k], duties.end[k]
            scratch[:, :n] = NEVER
            told = Told(
                scratch[0, :n], scratch[1, :n], scratch[2, :n], scratch[3, :n], scratch[4, :n]
            )
            hall_day(
                of.arrival[a:b], of.item[a:b], of.credit[a:b], of.service[a:b], of.patience[a:b],
                of.balk_at[a:b], of.stage[a:b], of.walk[a:b],
                duties.window[c:d], duties.items[c:d], duties.on[c:d], duties.off[c:d],
                duties.speed[c:d], True,
                told.outcome, told.window, told.ticket, told.called, told.finished, space,
            )  # fmt: skip
            cost_unit(of.patience[a:b], of.stage[a:b], told, duties.close[k], within, cost[k, u])
            cost[k, u, LOST] += late
            cost[k, u, VISITORS] += late
            close = duties.close[k]
            longer = 0
            for v in range(n):
                if told.outcome[v] != SERVED:
                    continue
                longer = max(longer, told.finished[v] - close)
                if told.called[v] >= close:
                    continue
                off, again = close, close
                for e in range(c, d):
                    if duties.window[e] == told.window[v]:
                        if duties.on[e] <= told.called[v] < duties.off[e]:
                            off = duties.off[e]
                        elif duties.on[e] > told.called[v]:
                            again = min(again, duties.on[e])
                cost[k, u, LATE] += max(0, min(told.finished[v], again) - off) / 60.0
            cost[k, u, EMPTY] = longer / 60.0


def visits(of: Pool, rows: Rows) -> Told:
    """What becomes of every visitor under one pattern of duties; rows that came too late: NEVER."""
    units = len(of.first)
    table = _duties([rows])
    told = Told(*(np.full(len(of.arrival), NEVER, np.int64) for _ in range(5)))
    run_units(
        of.first, of.in_time, of.arrival, of.item, of.credit, of.service, of.patience, of.balk_at,
        of.stage, of.walk, np.zeros(units, np.int64), np.full(units, len(rows)), *table[3:], True, *told,
    )  # fmt: skip
    return told


# Search -----------------------------------------------------------------------------------------


@dataclass
class Search:
    """Profiles of one frame, compared on the same visitors; every one is simulated once.

    Attributes:
        frame: what can be chosen.
        visitors: on whom.
        within: target time, seconds.
        objective: of the scenario.
        change: visitor minutes that an opening or closing within a session counts.
        price: visitor minutes that a minute worked at a window counts besides.
        latest: minutes after closing at which the hall is to be empty on a mean day.
        centres: profiles at which the cost has been cut.
        seen: profile to [3] simulated cost in visitor minutes a day, without price and changes;
            minutes worked: on duty, finishing with a visitor after it, and overtime; and minutes
            after closing until the hall is empty.
    """

    frame: Frame
    visitors: Pool
    within: int
    objective: Objective
    change: float = CHANGE_MINUTES
    price: float = 0.0
    latest: float = math.inf
    seen: dict[Profile, Floats] = field(default_factory=dict)
    centres: list[Profile] = field(default_factory=list)

    def simulate(self, profiles: Iterable[Profile]) -> None:
        """Fill `seen`."""
        new = [p for p in dict.fromkeys(profiles) if p not in self.seen]
        if new:
            found = self.told([self.frame.rows(p) for p in new])
            self.seen.update(zip(new, found, strict=True))

    def told(self, patterns: Sequence[Rows]) -> Floats:
        """[K, 3]: what `seen` keeps, of any patterns of duties."""
        mean = costs(self.visitors, patterns, self.within).mean(axis=1)
        duty = [sum(off - on for _, _, on, off, _ in rows) / 60 for rows in patterns]
        worked = np.array(duty) + mean[:, LATE] + mean[:, OVERTIME]
        return np.stack((in_minutes(mean, self.objective), worked, mean[:, EMPTY]), axis=1)

    def simulated(self, profile: Profile) -> float:
        """Cost and the price of hours; the profile must have been simulated."""
        cost, worked, empty = self.seen[profile]
        return float(cost + self.price * worked + _TOO_LATE * max(0.0, empty - self.latest))

    def value(self, profile: Profile) -> float:
        """What is minimised: `simulated` and changes."""
        return self.simulated(profile) + self.change * self.switches(profile)

    def switches(self, profile: Sequence[int]) -> int:
        """Windows opened or closed between spells that follow each other."""
        x, at = np.asarray(profile), self.frame.changes
        return int(np.abs(x[at] - x[at - 1]).sum())

    def best(self) -> Profile:
        """The best simulated profile that is allowed."""
        allowed = (p for p in self.seen if self.frame.allows(np.array(p)))
        return min(allowed, key=self.value)

    # The master programme and its cuts

    def near(self, target: Floats) -> Profile:
        """The allowed profile nearest to windows [T] that need not be whole numbers."""
        eye = np.eye(len(target))
        weight = self.frame.seconds / self.frame.seconds.sum()
        off = np.vstack((eye, eye))
        profile, _ = solve(
            self.frame, 0.0, weight, np.vstack((-eye, eye)), off, np.hstack((-target, target))
        )
        return profile

    def cut(self, start: Profile) -> None:
        """Simulate a profile and its neighbours, cut, solve; until a profile comes back."""
        profile = start
        for _ in range(_ROUNDS):
            self.centres.append(profile)
            centres = {p: self._slopes(p) for p in self.centres}
            points = np.array(list(self.seen), float)
            values = np.array([self.simulated(p) for p in self.seen])
            cuts = [self._valid(np.array(c), q, points, values) for c, q in centres.items()]
            try:
                profile, bound = self._master(cuts)
            except Unstaffable:  # too many nodes: what is known must do
                break
            if profile in centres or self.value(self.best()) - bound < 1e-3 * bound:
                break
        self.simulate([profile])

    def _slopes(self, profile: Profile) -> Floats:
        """[T]: what one more window in a spell changes; where there is none, what one fewer does."""
        x = np.array(profile)
        top = len(self.frame.station.windows)
        step = np.where(x < top, 1, -1)
        beside = [_moved(profile, {j: int(s)}) for j, s in enumerate(step)]
        self.simulate([profile, *beside])
        own = self.simulated(profile)
        rise = [(self.simulated(p) - own) * s for p, s in zip(beside, step, strict=True)]
        return np.minimum(rise, 0.0)

    def _valid(self, centre: Ints, slopes: Floats, points: Floats, values: Floats) -> Floats:
        """[1 + T] constant and slopes of the cut; tilted where it cuts off a simulated profile.

        Waiting need not be convex in several spells, nor slopes of one more window its subgradients.
        The tilted cut loses as little as it must at its own profile, then of its slopes.
        """
        own = float(values[(points == centre).all(axis=1)][0])
        if (own + (points - centre) @ slopes <= values + 1e-9 * own).all():
            return np.hstack((own - slopes @ centre, slopes))
        t = len(
            centre
        )  # variables: height at the profile, slopes, their distance from the old ones
        weight = np.hstack((-1e3, np.zeros(t), np.ones(t)))
        eye, none = np.eye(t), np.zeros((t, 1))
        below = np.hstack((np.ones((len(points), 1)), points - centre, np.zeros((len(points), t))))
        found = optimize.linprog(
            weight,
            A_ub=np.vstack((below, np.hstack((none, eye, -eye)), np.hstack((none, -eye, -eye)))),
            b_ub=np.hstack((values, slopes, -slopes)),
            bounds=[(None, own), *[(None, 0)] * t, *[(0, None)] * t],
        )
        if found.x is None:
            return np.hstack((0.0, np.zeros(t)))
        return np.hstack((found.x[0] - found.x[1 : t + 1] @ centre, found.x[1 : t + 1]))

    def _master(self, cuts: Sequence[Floats]) -> tuple[Profile, float]:
        """The profile of least cost by the cuts, and that cost."""
        size = max(1.0, float(np.abs(cuts[0][1:]).max()))  # so that tolerances mean something
        table = np.array(cuts) / size
        height = np.ones((len(cuts), 1))
        profile, bound = solve(
            self.frame, self.change / size, height[0], -table[:, 1:], height, table[:, 0], _NODES
        )
        return profile, bound * size

    # Local search

    def polish(self, start: Profile, keeps: Callable[[Profile], bool] = lambda _: True) -> Profile:
        """Shift windows from spells to others as long as that is better, among profiles that it keeps."""
        self.simulate([start])
        now = start
        while True:
            tries = list(self._shifts(now))
            self.simulate(tries)
            better = min([now, *filter(keeps, tries)], key=self.value)
            if self.value(better) >= self.value(now) - 1e-9:
                return now
            now = better

    def _shifts(self, now: Profile) -> Iterator[Profile]:
        """The most promising allowed shifts, by what one window more or fewer in a spell does."""
        t, top = len(now), len(self.frame.station.windows)
        more = {j: _moved(now, {j: 1}) for j in range(t) if now[j] < top}
        fewer = {j: _moved(now, {j: -1}) for j in range(t) if now[j] > 0}
        self.simulate([*more.values(), *fewer.values()])
        gain, loss = (
            np.array([self.simulated(p[j]) if j in p else math.inf for j in range(t)])
            - self.simulated(now)
            for p in (more, fewer)
        )
        guesses: list[tuple[float, Profile]] = []
        for width in _WIDTHS:
            sums = [np.convolve(v, np.ones(width), "valid") for v in (gain, loss)]
            for j, up in enumerate(sums[0]):
                if width == 1 and math.isfinite(up):
                    guesses.append((up + self.change * self.switches(more[j]), more[j]))
                for i, down in enumerate(sums[1]):
                    if abs(i - j) >= width and math.isfinite(up + down):
                        step = {j + k: 1 for k in range(width)} | {i + k: -1 for k in range(width)}
                        shifted = _moved(now, step)
                        guesses.append((up + down + self.change * self.switches(shifted), shifted))
        tried = 0
        for _, profile in sorted(guesses):
            if tried < _TRIES and self.frame.allows(np.array(profile)):
                tried += 1
                yield profile


def solve(
    f: Frame,
    switch: float,
    weight: Floats,
    by_profile: Floats,
    by_more: Floats,
    least: Floats,
    nodes: int | None = None,
) -> tuple[Profile, float]:
    """The allowed profile of least cost, and a bound of that cost.

    Args:
        f: what is allowed.
        switch: cost of a window opened or closed between spells that follow each other.
        weight: [M] cost of further variables >= 0.
        nodes: how far to search at most; None: to the end.
        by_profile, by_more, least: rows by_profile @ profile + by_more @ further variables >= least.

    Raises:
        Unstaffable: nothing is allowed, or nothing was found within these nodes.
    """
    t, c, m, meals = len(f.seconds), len(f.changes), len(weight), len(f.starts)
    widths = (t, c, c, m, meals)  # windows, opened, closed, further variables, lunches begun

    def row(*parts: Floats | None, count: int) -> Floats:
        return np.hstack(
            [np.zeros((count, w)) if p is None else p for p, w in zip(parts, widths, strict=True)]
        )

    jump, eye = np.zeros((c, t)), np.eye(c)
    jump[np.arange(c), f.changes], jump[np.arange(c), f.changes - 1] = 1, -1
    hours = f.seconds[None] / 3600
    table: list[tuple[Floats, Any, Any]] = [
        (row(jump, -eye, eye, None, None, count=c), np.zeros(c), np.zeros(c)),
        (row(hours, None, None, None, None, count=1), [-np.inf], [f.budget / 3600 + 1e-9]),
        (
            row(by_profile, None, None, by_more, None, count=len(least)),
            least,
            [np.inf] * len(least),
        ),
    ]
    if meals:
        seats = row(np.eye(t), None, None, None, f.covers.T.astype(float), count=t)
        eaten = row(None, None, None, None, np.ones((1, meals)), count=1)
        table += [(seats, [-np.inf] * t, f.present), (eaten, [f.diners], [f.diners])]
    free = np.zeros(2 * c + m + meals)
    options: Any = {"mip_rel_gap": 1e-3} | ({} if nodes is None else {"node_limit": nodes})
    found = optimize.milp(
        np.hstack((np.zeros(t), np.full(2 * c, switch), weight, np.zeros(meals))),
        constraints=[
            optimize.LinearConstraint(np.asarray(a, float), low, high) for a, low, high in table
        ],
        integrality=np.hstack((np.ones(t), np.zeros(2 * c + m), np.ones(meals))),
        bounds=optimize.Bounds(
            np.hstack((f.least, free)), np.hstack((f.most, np.full(len(free), np.inf)))
        ),
        options=options,
    )
    if found.x is None:
        raise Unstaffable(f.station.label)
    bound = found.fun if found.mip_dual_bound is None else found.mip_dual_bound
    return tuple(int(v) for v in np.rint(found.x[:t])), float(bound)


class Unstaffable(ValueError):  # noqa: N818 - the name says what is the case
    """No profile keeps bounds, lunches and hours."""


def _moved(profile: Profile, by: dict[int, int]) -> Profile:
    return tuple(n + by.get(j, 0) for j, n in enumerate(profile))


def in_minutes(cost: Floats, objective: Objective) -> Floats:
    """The objective in visitor minutes, from `counting.COSTS` in the last axis."""
    found: Floats = (
        cost[..., WAIT]
        + objective.lost_minutes * cost[..., LOST]
        + objective.overtime_weight * cost[..., OVERTIME]
    )
    return found


def relaxed(of: Frame) -> Frame:
    """The same frame, with as little of the least windows given up as lunches and hours demand."""
    if of.allows(of.least):
        return of
    free = dataclasses.replace(of, least=np.zeros_like(of.least))
    t = len(of.seconds)
    eye = np.eye(t)
    by_profile = np.vstack((eye, np.zeros((t, t))))
    missing = np.vstack((np.hstack((eye, np.zeros((t, 1)))), np.hstack((-eye, np.ones((t, 1))))))
    weight = np.append(of.seconds / 3600, 0.01)  # of equal shortages the one that is spread most
    wanted: Floats = np.append(of.least.astype(float), np.zeros(t))
    profile, _ = solve(free, 0.0, weight, by_profile, missing, wanted)
    return dataclasses.replace(of, least=np.minimum(of.least, profile))


def first_guess(of: Frame, visitors: Pool) -> Floats:
    """[T] windows by the offered load and the square-root rule, not in whole numbers.

    Who comes before the doors or while the hall is closed counts where a spell begins.
    """
    rows = np.concatenate(
        [np.arange(a, b) for a, b in zip(visitors.first, visitors.in_time, strict=True)]
    )
    begin, end = of.spells[:, 0], of.spells[:, 1]
    spell = np.minimum(np.searchsorted(end, visitors.arrival[rows], "right"), len(end) - 1)
    minute = np.maximum(visitors.arrival[rows], begin[spell]) // _MINUTE
    speed = np.mean([w.speed for w in of.station.windows]) / 100
    work = np.sort(visitors.service[rows] / speed / _MINUTE)
    steps = np.arange(math.ceil(work[-1]) if len(work) else 1) + 0.5
    survival = 1 - np.searchsorted(work, steps, "right") / max(len(work), 1)
    arrivals = np.bincount(minute, minlength=int(end.max()) // _MINUTE + 1) / len(visitors.first)
    load = np.concatenate(([0.0], np.cumsum(offered_load(arrivals, survival))))
    mean = (load[end // _MINUTE] - load[begin // _MINUTE]) / np.maximum(of.seconds / _MINUTE, 1)
    return square_root(mean, of.seconds.astype(float), float(of.budget), of.most.astype(float))


def choose(
    of: Frame, visitors: Pool, more: Pool, within: int, objective: Objective,
    change: float = CHANGE_MINUTES, duty_only: bool = False,
    later: float = LATER,
) -> Profile | None:  # fmt: skip
    """The best profile found, or None where none is surely better than the usual rota.

    Args:
        of: what can be chosen; some profile must be allowed.
        visitors: on whom the cost of a spell is learnt.
        more: on whom local search compares, and the usual rota is to be beaten.
        within, objective, change: as in `Search`.
        duty_only: whether finishing with visitors and overtime do not count as minutes worked; else they
            are no more than under the usual rota.
        later: minutes by which the hall may be empty later than under the usual rota, on a mean day.
    """
    if of.fixed:
        return None
    usual = tuple(of.usual.tolist())
    learning = Search(of, visitors, within, objective, change)
    final = Search(of, more, within, objective, change)
    _, worked, empty = final.told([of.duties])[0]
    learning.latest = final.latest = empty + later
    most = np.array([math.inf if duty_only else worked, empty + later]) * (1 + _TOLERANCE)

    def keeps(profile: Profile) -> bool:
        return bool((final.seen[profile][1:] <= most).all())

    def at(price: float, known: Sequence[Profile]) -> Profile:
        learning.price = final.price = price
        learning.simulate(known)
        learning.cut(min(known, key=learning.value))
        final.simulate([*known, learning.best()])
        return final.polish(final.best())

    known = [learning.near(first_guess(of, visitors)), *([usual] if of.allows(of.usual) else [])]
    low, high = 0.0, 0.0
    while True:  # the least price at which no more is worked
        known.append(at(high, known))
        if keeps(known[-1]) or high > _HIGHEST:
            break
        low, high = high, max(_LOWEST, _LOWEST * (high > 0) + 3 * high)
    for _ in range(_HALVINGS if high else 0):
        middle = (low + high) / 2
        known.append(at(middle, known))
        low, high = (low, middle) if keeps(known[-1]) else (middle, high)
    final.price = 0.0
    keeping = [p for p in final.seen if keeps(p) and of.allows(np.array(p))]
    found = min(keeping or known[-1:], key=final.value)
    if keeping:
        found = final.polish(found, keeps)
    if not of.allows(of.usual):
        return found
    days = in_minutes(costs(more, [of.duties, of.rows(found)], within), objective)
    saved = days[0] - days[1] - change * (final.switches(found) - final.switches(usual))
    sure = saved.mean() > _SURE * saved.std(ddof=1) / math.sqrt(len(saved))
    return found if found != usual and sure else None


# A month ------------------------------------------------------------------------------------------


Estimate = tuple[float, float, float]
"""Mean and the ends of its interval."""


@dataclass(frozen=True)
class HallDay:
    """The hours of one station on one kind of day.

    Attributes:
        hall, label: id of the hall, and which of its queues (empty where it has one).
        clerks, windows: present, and open at the same time under the usual rota.
        frame: what could be chosen.
        profile: [T] windows open by spell; that of the usual rota where nothing is surely better.
        changed: whether the profile is another than the usual one.
        days: days of this kind in the month.
        sums: [2, R, 8] costs (as of `costs`) of a mean day by replication, usual and proposed.
        spells: [P, 3] begin, end, index of the spell or -1 while closed: the day without gaps.
        visitors: [P] who take a ticket then, on a mean day.
        waits: [2, R, P] mean wait of theirs in minutes; nan where nobody came.
        unmet: (begin, end, wanted, possible) where fewer windows are open than limits want.
    """

    hall: str
    label: str
    clerks: int
    windows: int
    frame: Frame
    profile: Ints
    changed: bool
    days: int
    sums: Floats
    spells: Ints
    visitors: Floats
    waits: Floats
    unmet: tuple[tuple[int, int, int, int], ...]

    @property
    def slips(self) -> list[Slip]:
        """Who is where all day under the profile."""
        return slips(self.frame, self.profile)


@dataclass(frozen=True)
class Intraday:
    """The hours of halls on one kind of day of a month; fresh visitors, paired with the usual rota.

    Attributes:
        weekday: `mon` … `sun`, or empty: the commonest kind of open day of each hall.
        halls: every queue with clerks, in the order of the scenario.
        closed: ids of halls that do not open on such a day; unstaffed: of halls without clerks.
    """

    scenario: Scenario
    month: str
    weekday: str
    step: Step
    halls: tuple[HallDay, ...]
    closed: tuple[str, ...]
    unstaffed: tuple[str, ...]
    seed: int
    replications: int
    confidence: float
    provisional: bool

    def estimates(self, of: Sequence[HallDay] | None = None) -> dict[str, dict[str, Estimate]]:
        """Measure to usual, proposed and difference (proposed - usual) over these halls, default all."""
        chosen = self.halls if of is None else of
        values = measures_of(np.sum([one.sums for one in chosen], axis=0), self.scenario.objective)
        return {
            name: {
                "usual": self.interval(both[0]),
                "proposed": self.interval(both[1]),
                "difference": self.interval(both[1] - both[0]),
            }
            for name, both in values.items()
        }

    def interval(self, values: Floats) -> Estimate:
        """Mean and interval over replications."""
        mean, lo, hi = interval(values, self.confidence)
        return float(mean), float(lo), float(hi)


def measures_of(sums: Floats, objective: Objective) -> dict[str, Floats]:
    """`MEASURES` from `counting.COSTS` of a day in the last axis; nan where nobody came."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "mean_wait_min": sums[..., WAIT] / sums[..., TICKETS],
            "within_share": sums[..., WITHIN] / sums[..., VISITORS],
            "lost": sums[..., LOST],
            "overtime_min": sums[..., OVERTIME],
            "late_min": sums[..., LATE],
            "empty_min": sums[..., EMPTY],
            "cost_min": in_minutes(sums, objective),
        }


def intraday(
    scenario: Scenario,
    month: str,
    *,
    hall: str | None = None,
    clerks: int | None = None,
    weekday: str | None = None,
    step: Step = "half-hour",
    change_minutes: float = CHANGE_MINUTES,
    desk: int = 0,
    duty_only: bool = False,
    later: float = LATER,
    compared: int = 24_000,
    seed: int | None = None,
    replications: int | None = None,
    jobs: int = 1,
    progress: Stage = lambda stage, done, total: None,
) -> Intraday:
    """When windows should be open, from the clerks present.

    Args:
        scenario, month: as everywhere.
        hall: one hall; None: all.
        clerks: present in the hall; None: its clerks less leave and absence.
        weekday: `mon` … `sun`; None: the commonest kind of open day.
        step: how often the number of windows may change.
        change_minutes: visitor minutes a day that each opening or closing must save.
        desk: clerks who always do other duty, of those who are not at windows under the usual rota.
        duty_only: whether only hours on duty are kept; else finishing with visitors after a duty, and
            overtime, count as hours too.
        later: minutes by which the hall may be empty later than under the usual rota, on a mean day.
        compared: visitors on whom rosters are compared, about.
        seed, replications: default: the scenario's; months of fresh visitors.
        jobs: threads.
        progress: stage `hours`, by queue.

    Raises:
        ScenarioProblems: not a month `YYYY-MM`, outside the calendar, or no such hall.
        ClosedMonth: no such hall is open on such a day, or none has clerks.
    """
    expected = expect(scenario, *parse_month(month))
    names = [h.hall for h in scenario.halls]
    if hall is not None and hall not in names:
        problem = Problem(
            "unknown_hall", Place("--hall"), value=hall, suggestion=nearest(hall, names)
        )
        raise ScenarioProblems([problem])
    study = _Study(
        scenario, expected, clerks, weekday, step, change_minutes, desk, duty_only, later, compared,
        scenario.run.seed if seed is None else seed, replications or scenario.run.replications,
    )  # fmt: skip
    chosen = [h for h, name in enumerate(names) if hall in (None, name)]
    kinds = {h: kind for h in chosen if (kind := study.kind(h))}
    staffed = {h: study.staffed(h, days) for h, (days, _) in kinds.items()}
    tasks = [(h, s, *kinds[h]) for h, own in staffed.items() for s in own]
    done = in_parallel(
        lambda k: study.station(*tasks[k]),
        range(len(tasks)), jobs, lambda n: progress("hours", n, len(tasks)),
    )  # fmt: skip
    closed = tuple(names[h] for h in chosen if h not in kinds)
    if not done:
        raise ClosedMonth(f"{hall or 'no hall'}: {weekday or month}")
    without = tuple(names[h] for h, own in staffed.items() if not own)
    return Intraday(
        scenario, expected.label, weekday or "", step, tuple(done), closed, without, study.seed,
        study.replications, scenario.run.confidence, expected.provisional,
    )  # fmt: skip


Kind = tuple[Ints, tuple[Session, ...]]
"""Days, as indices, and their sessions."""


@dataclass(frozen=True)
class _Study:
    scenario: Scenario
    month: Month
    clerks: int | None
    weekday: str | None
    step: Step
    change: float
    desk: int
    duty_only: bool
    later: float
    compared: int
    seed: int
    replications: int

    def kind(self, hall: int) -> Kind | None:
        """The days with the commonest opening times, of this weekday."""
        days: dict[tuple[tuple[int, int, float], ...], list[int]] = {}
        for d, date in enumerate(self.month.dates):
            sessions = self.month.sessions[d][hall]
            if sessions and self.weekday in (None, WEEKDAYS[date.weekday()]):
                days.setdefault(tuple((s.on, s.off, s.share) for s in sessions), []).append(d)
        if not days:
            return None
        chosen = max(days.values(), key=len)
        return np.array(chosen, np.int64), self.month.sessions[chosen[0]][hall]

    def staffed(self, hall: int, days: Ints) -> list[int]:
        """Stations of the hall, by place among its own, that have somebody present."""
        return [s for s, n in enumerate(self._present(hall, days)) if n]

    def _present(self, hall: int, days: Ints) -> list[int]:
        own = [s for s, p in enumerate(self._parts) if p.hall == hall]
        home = [0 if self._parts[s].machine else int(self._home[s]) for s in own]
        if self.clerks is not None:
            return share_out(self.clerks, home)
        rules = self.scenario.staffing
        here = (1 - rules.leave_rate) * (1 - rules.absence_rate)
        away = self._away[days].mean(axis=0)
        return [
            max(1, math.floor((n - away[s]) * here + 0.5)) if n else 0
            for s, n in zip(own, home, strict=True)
        ]

    @functools.cached_property
    def _away(self) -> Ints:
        return leave_of_stations(self.scenario, self._parts, self.month.dates)

    @functools.cached_property
    def _seats(self) -> Ints:
        return windows_allowed(self.scenario, self._parts, self.month.dates)

    @functools.cached_property
    def _parts(self) -> list[Station]:
        return stations(self.scenario)

    @functools.cached_property
    def _home(self) -> Ints:
        return home_of_stations(self.scenario, self._parts)

    def station(self, hall: int, place: int, days: Ints, sessions: tuple[Session, ...]) -> HallDay:
        """The hours of one station of the hall."""
        own = [p for p in self._parts if p.hall == hall]
        wanted, clerks = self._frame(hall, place, days, sessions)
        within = int(within_seconds(self.scenario)[hall])
        coming = float(self.month.mean[days, hall].sum())
        learn, polish = (
            range(min(_MOST_MONTHS, max(2, math.ceil(n / max(coming, 1e-9)))))
            for n in (self.compared // 2, self.compared)
        )
        drawn = self._pool(own, "hours", days, place, polish)
        of = relaxed(wanted)
        some = _months(drawn, learn)
        found = choose(
            of,
            some,
            drawn,
            within,
            self.scenario.objective,
            self.change,
            self.duty_only,
            self.later,
        )
        fresh = self._pool(own, "verify", days, place, range(self.replications))
        profile = of.usual if found is None else np.array(found, np.int64)
        patterns = [of.duties, of.duties if found is None else of.rows(found)]
        name = self.scenario.halls[hall]
        doors = arrival_window(self.scenario, name, sessions)[0]
        spells = _whole_day(of.spells, doors, STEPS[self.step])
        visitors, waits = _by_spell(fresh, patterns, spells, self.replications)
        daily = costs(fresh, patterns, within).reshape(2, self.replications, len(days), -1)
        short = np.flatnonzero(of.least < wanted.least)
        return HallDay(
            hall=name.hall,
            label=own[place].label if sum(not p.machine for p in own) > 1 else "",
            clerks=clerks,
            windows=int(of.usual.max()),
            frame=of,
            profile=profile,
            changed=found is not None,
            days=len(days),
            sums=daily.mean(axis=2),
            spells=spells,
            visitors=visitors,
            waits=waits,
            unmet=tuple(
                (int(of.spells[t, 0]), int(of.spells[t, 1]), int(wanted.least[t]), int(of.least[t]))
                for t in short
            ),
        )

    def _frame(
        self, hall: int, place: int, days: Ints, sessions: tuple[Session, ...]
    ) -> tuple[Frame, int]:
        own = [s for s, p in enumerate(self._parts) if p.hall == hall]
        station = self._parts[own[place]]
        clerks = self._present(hall, days)[place]
        weights = [0 if self._parts[s].machine else len(self._parts[s].windows) for s in own]
        least = []
        for row in self.scenario.limits:
            season = any(in_season(row.first, row.last, self.month.dates[d]) for d in days)
            if row.limit == "least_windows" and season and hall in self._select(row.halls):
                spans = parse_sessions(row.hours) if row.hours else sessions
                wanted = share_out(row.value, weights)[place]
                least += [(s.on, s.off, wanted) for s in spans]
        most = int(self._seats[days, own[place]].min())
        at_windows = math.floor(clerks * (1 - self.scenario.staffing.other_duty_rate) + 0.5)
        windows = min(most, max(1, at_windows))
        hours = self.scenario.hours[self.scenario.halls[hall].hours]
        of = frame(
            station, sessions, hours, clerks=clerks - min(self.desk, clerks - windows),
            windows=windows, least=least, most=most, step=self.step,
        )  # fmt: skip
        return of, clerks

    @functools.cached_property
    def _select(self) -> Selector:
        return Selector(self.scenario.halls)

    def _pool(
        self, own: list[Station], purpose: Purpose, days: Ints, place: int, months: range
    ) -> Pool:
        chance = Chance(self.month, own, self.seed, purpose)
        return pool(chance, days, place, len(own), months)


def _months(of: Pool, months: range) -> Pool:
    """The days of the first months of a pool."""
    keep = of.replication < len(months)
    end = int(of.last[keep].max(initial=0))
    columns = [column[:end] if len(column) else column for column in of[4:]]
    return Pool(*(column[keep] for column in of[:4]), *columns)


def _whole_day(spells: Ints, doors: int, step: int) -> Ints:
    """[P, 3] the spells and, as -1, what lies between them and from the doors on."""
    rows: list[tuple[int, int, int]] = []
    now = min(doors, int(spells[0, 0]))
    for t, (on, off) in enumerate(spells.tolist()):
        edges = [now, *range((now // step + 1) * step, on, step), on]
        rows += [(a, b, -1) for a, b in itertools.pairwise(edges) if a < b]
        rows.append((on, off, t))
        now = off
    return np.array(rows, np.int64)


def _by_spell(
    of: Pool, patterns: Sequence[Rows], spells: Ints, replications: int
) -> tuple[Floats, Floats]:
    """[P] tickets of a mean day by spell, and [2, R, P] their mean wait in minutes."""
    month = np.repeat(of.replication, of.last - of.first)
    waits = []
    for rows in patterns:
        told = visits(of, rows)
        has = told.ticket != NEVER
        close = max((row[3] for row in rows), default=0)
        until = np.where(told.outcome == SERVED, told.called, close)
        until = np.where(told.outcome == ABANDONED, told.ticket + of.patience, until)
        spell = np.searchsorted(spells[:, 1], told.ticket[has], "right").clip(max=len(spells) - 1)
        cell = month[has] * len(spells) + spell
        size = replications * len(spells)
        count = np.bincount(cell, minlength=size)
        total = np.bincount(cell, (until - told.ticket)[has], size) / 60
        with np.errstate(invalid="ignore", divide="ignore"):
            waits.append((total / count).reshape(replications, -1))
        tickets = count.reshape(replications, -1).sum(axis=0) / len(of.first)
    return tickets, np.array(waits)
