"""Rules that a duty manager follows by hand: more than so many waiting here at ten, call one from there.

Derived by simulation: days with overrun halls, the number waiting at each hour, and what a helper
who is called then saves for the rest of the day, on the same visitors.  A threshold is the number
above which calling has paid.  The table is then tried on fresh overrun days against `dispatch`, which
weighs all halls at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hallsim.checks import parse_month
from hallsim.counting import Told
from hallsim.demand import Floats, Month, expect
from hallsim.dispatch import (
    CALL_MINUTES,
    Order,
    Rules,
    best_orders,
    can_work,
    day_tables,
    objective,
    prices,
)
from hallsim.draw import Chance, Crowd, Purpose
from hallsim.measure import interval, within_seconds
from hallsim.planning import ClosedMonth, working_days
from hallsim.records import ABANDONED, NEVER, SERVED, TURNED_AWAY, Ints
from hallsim.rosters import travel_minutes
from hallsim.rota import Rota
from hallsim.scenario import Scenario, Session
from hallsim.simulate import in_parallel, visit_columns
from hallsim.stations import Station, duties, home_of_stations, stations
from hallsim.streams import stream
from hallsim.today import ANY, Seen, State, Today
from hallsim.warm import COLUMNS, Rest, Rows, rest_costs, shifts

MONTHS, DAYS, TABLE_REPLICATIONS = 6, 20, 60
"""Simulated months to derive from (and as many to tell by), days of the trial, replications of its tables."""
HELPERS = 3
"""Helpers of one hall at one hour, at most."""
LEAST_LEFT = 5400
"""Seconds until closing that an hour of the table has at least."""
FEW = 8
"""Days on which a rule must have held, at least, to be told."""
OFTEN, LEAST, MOST = 0.5, 1.2, 2.2
"""Made-up overrun days: the share of hall-days, and between what factors demand is then multiplied."""
TRIAL_OFTEN = 0.15
DutyRows = list[tuple[int, int, int, int, int]]
Estimate = tuple[float, float, float]
"""Mean, lo and hi."""


@dataclass(frozen=True)
class Rule:
    """More than `waiting` wait at `hall` between `first` and `last`: call `clerks` from `helper`.

    Attributes:
        station: the queue that is meant, by number.
        hall, helper: indices; the same hall means a clerk on other duty.
        first, last: seconds of the day.
        waiting: so many may wait without it.
        clerks: to be called.
        travel: minutes until they are at the window.
        saved: minutes of the objective saved each time, price of the order and what the helper's hall
            loses taken off; on fresh days.
        share: of fresh overrun days of the hall on which the rule holds.
    """

    station: int
    hall: int
    first: int
    last: int
    waiting: int
    clerks: int
    helper: int
    travel: float
    saved: Estimate
    share: float


@dataclass(frozen=True)
class Trial:
    """The table against full optimization on fresh overrun days; minutes of the objective a day.

    `by_rules` and `by_dispatch` are saved against no order, `lost` is what the rules save less, all
    paired; `share` of what dispatch saves.
    """

    days: int
    by_rules: Estimate
    by_dispatch: Estimate
    lost: Estimate
    share: float
    orders_by_rules: float
    orders_by_dispatch: float


@dataclass(frozen=True)
class Thresholds:
    """The table, and how well it does."""

    scenario: Scenario
    parts: tuple[Station, ...]
    month: str
    rules: tuple[Rule, ...]
    trial: Trial
    confidence: float
    provisional: bool


def thresholds(
    scenario: Scenario,
    month: str,
    *,
    seed: int | None = None,
    months: int = MONTHS,
    days: int = DAYS,
    rules: Rules | None = None,
    jobs: int = 1,
    progress: Any = lambda stage, done, total: None,
) -> Thresholds:
    """Derive the table for a month and try it.

    Args:
        scenario: what is assumed of the district.
        month: `YYYY-MM`.
        seed: default: the scenario's.
        months: simulated months to derive from, and as many to tell by.
        days: of the trial.
        rules: what may be ordered, as in `dispatch`.
        jobs: threads.
        progress: told what is done.

    Raises:
        ScenarioProblems: not a month.
        ClosedMonth: no hall opens in it.
    """
    rules = rules or Rules()
    seed = scenario.run.seed if seed is None else seed
    expected, parts = expect(scenario, *parse_month(month)), stations(scenario)
    if not len(working_days(expected)):
        raise ClosedMonth(f"no hall opens in {month}")
    known = _Days(expected, parts, seed, "today", months, OFTEN, jobs)
    progress("thresholds", 1, 3)
    fresh = _Days(expected, parts, seed, "verify", months, OFTEN, jobs)
    table = _derive(known, fresh, rules, jobs)
    progress("thresholds", 2, 3)
    trial = _try(scenario, expected, parts, seed, table, rules, days, jobs)
    progress("thresholds", 3, 3)
    confidence = scenario.run.confidence
    return Thresholds(
        scenario,
        tuple(parts),
        expected.label,
        tuple(table),
        trial,
        confidence,
        expected.provisional,
    )


# Days -------------------------------------------------------------------------------------------


class _Overrun(Chance):
    """Days on which some halls are overrun; `factor` is [R, D, H]."""

    def __init__(
        self, month: Month, parts: list[Station], seed: int, purpose: Purpose, factor: Floats
    ) -> None:
        super().__init__(month, parts, seed, purpose)
        self._factor = factor

    def _factors(self, days: Ints, replication: int) -> Floats:
        found = super()._factors(days, replication)
        found[-self._factor.shape[1] :] *= self._factor[replication]
        return found


class _Days:
    """Whole days of simulated months with everybody at home, and what other duties would cost.

    Attributes:
        crowds, told: by replication.
        opened: [R, U] windows open.
        overrun: [R, D, H] factor on demand.
    """

    def __init__(
        self, month: Month, parts: list[Station], seed: int, purpose: Purpose, replications: int,
        often: float, jobs: int,
    ) -> None:  # fmt: skip
        self.month, self.parts = month, parts
        self.scenario = month.scenario
        shape = replications, len(month.dates), len(month.scenario.halls)
        rng = np.random.default_rng(stream(seed, purpose, "overrun", int(often * 1000)))
        u, v = rng.random((2, *shape))
        self.overrun = np.where(u < often, LEAST + (MOST - LEAST) * v, 1.0)
        chance = _Overrun(month, parts, seed, purpose, self.overrun)
        rota = Rota(month, parts)
        home = np.tile(home_of_stations(month.scenario, parts), len(month.dates))
        self.opened = np.array([chance.windows_open(home, r) for r in range(replications)])

        def one(r: int) -> tuple[Crowd, Told]:
            crowd = chance.crowd(r)
            return crowd, visit_columns(crowd, rota, self.opened[r], "compiled")

        done = in_parallel(one, range(replications), jobs, lambda k: None)
        self.crowds, self.told = [c for c, _ in done], [t for _, t in done]
        self.within = within_seconds(month.scenario)
        self._known: dict[tuple[Any, ...], DutyRows] = {}

    def unit(self, d: int, s: int) -> int:
        """Number of a station-day."""
        return d * len(self.parts) + s

    def rest(self, s: int, days: Sequence[tuple[int, int]]) -> Rest:
        """Whole days (replication, day) of a station, as `warm.rest_costs` wants them."""
        blocks, late = [], []
        for r, d in days:
            crowd, u = self.crowds[r], self.unit(d, s)
            a, b = int(crowd.first[u]), int(crowd.in_time[u])
            if len(crowd.stage):
                blocks.append(Rows(*(getattr(crowd, name)[a:b] for name in COLUMNS)))
            else:
                blocks.append(Rows.of(b - a, **{n: getattr(crowd, n)[a:b] for n in COLUMNS[:5]}))
            late.append(int(crowd.last[u]) - b)
        size = np.array([len(b.arrival) for b in blocks], np.int64)
        end = np.cumsum(size)
        return Rest(
            end - size,
            end,
            np.array(late, np.int64),
            np.zeros(len(days), np.int64),
            Rows.join(blocks),
        )

    def waiting(self, s: int, days: Sequence[tuple[int, int]], t: int) -> Ints:
        """How many wait at a station when second t begins."""
        return np.array(
            [int(self._there(r, self.unit(d, s), t)[0].sum()) for r, d in days], np.int64
        )

    def _there(self, r: int, u: int, t: int) -> tuple[Any, Any]:
        """Of the rows of a unit: who waits, and who is being served, when second t begins."""
        crowd, told = self.crowds[r], self.told[r]
        rows = slice(int(crowd.first[u]), int(crowd.in_time[u]))
        outcome, ticket = told.outcome[rows], told.ticket[rows]
        here = (ticket != NEVER) & (ticket < t)
        gone = np.where(outcome == SERVED, told.called[rows] < t, False)
        gone |= (outcome == ABANDONED) & (ticket + crowd.patience[rows] < t)
        waits = here & ~gone & np.isin(outcome, (SERVED, ABANDONED, TURNED_AWAY))
        serving = here & (outcome == SERVED) & (told.called[rows] < t) & (told.finished[rows] >= t)
        return waits, serving

    def seen(self, r: int, d: int, t: int) -> State:
        """What a duty manager sees of the district at t; halls that are open then."""
        halls: dict[int, Seen] = {}
        for h in range(len(self.scenario.halls)):
            sessions = self.month.sessions[d][h]
            if not sessions or sessions[-1].off <= t:
                continue
            waiting: dict[int, int] = {}
            serving: dict[int, int] = {}
            arrived = clerks = 0
            for s, part in enumerate(self.parts):
                if part.hall != h:
                    continue
                u = self.unit(d, s)
                crowd, told = self.crowds[r], self.told[r]
                rows = slice(int(crowd.first[u]), int(crowd.in_time[u]))
                item = crowd.item[rows]
                for counts, there in zip((waiting, serving), self._there(r, u, t), strict=True):
                    for i, n in enumerate(np.bincount(item[there], minlength=1).tolist()):
                        if n:
                            counts[i] = counts.get(i, 0) + n
                ticket = told.ticket[rows]
                first = (
                    self.crowds[r].stage[rows] == 1
                    if len(crowd.stage)
                    else np.ones(len(item), bool)
                )
                arrived += int((first & (ticket != NEVER) & (ticket < t)).sum())
                clerks += 0 if part.machine else int(self.opened[r, u])
            halls[h] = Seen(waiting, serving, clerks, {ANY: arrived})
        return State(self.month.dates[d], t, halls)

    def free_at(self, r: int, d: int, s: int, t: int) -> dict[int, int]:
        """Place of every open window to the second at which it is free, t at the earliest."""
        u, part = self.unit(d, s), self.parts[s]
        crowd, told = self.crowds[r], self.told[r]
        rows = slice(int(crowd.first[u]), int(crowd.in_time[u]))
        serving = self._there(r, u, t)[1]
        busy = dict(
            zip(
                told.window[rows][serving].tolist(),
                told.finished[rows][serving].tolist(),
                strict=True,
            )
        )
        return {
            k: max(t, busy.get(part.windows[k].number, t)) for k in range(int(self.opened[r, u]))
        }

    def costs(
        self,
        s: int,
        days: Sequence[tuple[int, int]],
        changes: Sequence[Sequence[tuple[dict[int, int], tuple[int, ...]]]],
    ) -> Floats:
        """[days, K] minutes of the objective of whole days, `changes[day][k]` being windows that close
        (place to second) and seconds at which others open."""
        ways = [
            [
                self._duties(s, d, int(self.opened[r, self.unit(d, s)]), gone, come)
                for gone, come in own
            ]
            for (r, d), own in zip(days, changes, strict=True)
        ]
        part = self.parts[s]
        closing = max(self.month.sessions[d][part.hall][-1].off for _, d in days)
        cost = rest_costs(self.rest(s, days), shifts(ways), closing, int(self.within[part.hall]))
        return objective(self.scenario, cost)

    def _duties(
        self, s: int, d: int, opened: int, gone: dict[int, int], come: tuple[int, ...]
    ) -> DutyRows:
        part = self.parts[s]
        sessions = self.month.sessions[d][part.hall]
        key = part.windows, id(sessions), opened, tuple(sorted(gone.items())), come
        if key not in self._known:
            hours = self.scenario.hours[self.scenario.halls[part.hall].hours]
            self._known[key] = whole_day(part, sessions, hours, opened, gone, come)
        return self._known[key]


def whole_day(
    part: Station,
    sessions: tuple[Session, ...],
    hours: Any,
    opened: int,
    gone: dict[int, int],
    come: tuple[int, ...],
) -> DutyRows:
    """Duties of a day on which windows close, as they get free, after these seconds, and others open."""
    rows: DutyRows = []
    place = {w.number: k for k, w in enumerate(part.windows)}
    begin = dict(zip(range(opened, len(part.windows)), sorted(come), strict=False))
    for session in sessions:
        whole = session.model_copy(update={"share": 1.0})
        room = math.ceil(opened * session.share - 1e-9)
        for number, items, on, off, speed in duties(part, (whole,), hours, len(part.windows)):
            k = place[number]
            if k >= room and k not in begin:
                continue
            first = on if k < room else max(on, begin[k])
            last = min(off, gone.get(k, off)) if k < room else off
            if first < last:
                rows.append((number, items, first, last, speed))
    return sorted(rows, key=lambda row: (row[0], row[2]))


# Deriving ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Helper:
    """Somebody who may be called: from where, after how many minutes, at what cost."""

    station: int
    minutes: float
    cost: float


def hours_of_day(month: Month, h: int) -> list[int]:
    """The full hours at which a hall has been open for some time on usual days and is for some more."""
    usual = [month.sessions[d][h] for d in working_days(month).tolist() if month.sessions[d][h]]
    if not usual:
        return []
    sessions = max(usual, key=usual.count)
    return [
        t
        for t in range(0, 86400, 3600)
        if any(s.on + 1800 <= t < s.off for s in sessions) and sessions[-1].off - t >= LEAST_LEFT
    ]


def _open_days(days: _Days, h: int, t: int) -> list[tuple[int, int]]:
    """(replication, day) of the usual days of a hall."""
    usual = [
        d
        for d in working_days(days.month).tolist()
        if any(s.on + 1800 <= t < s.off for s in days.month.sessions[d][h])
        and days.month.sessions[d][h][-1].off - t >= LEAST_LEFT
    ]
    return [(r, d) for r in range(len(days.crowds)) for d in usual]


def _derive(known: _Days, fresh: _Days, rules: Rules, jobs: int) -> list[Rule]:
    scenario, parts, month = known.scenario, known.parts, known.month
    travel = travel_minutes(scenario)
    price = prices(scenario, rules, travel)
    able = can_work(scenario, parts)
    staffed = [s for s, p in enumerate(parts) if not p.machine]
    today = _usual_day(month)
    hours = {s: hours_of_day(month, parts[s].hall) for s in staffed}

    def losses(k: int) -> dict[int, float]:
        """Hour to what a station loses when one clerk leaves, on days on which it is not overrun."""
        s = staffed[k]
        found = {}
        for t in hours[s]:
            days = [
                (r, d) for r, d in _open_days(known, parts[s].hall, t)
                if known.overrun[r, d, parts[s].hall] == 1 and known.opened[r, known.unit(d, s)] > 1
            ]  # fmt: skip
            if len(days) >= FEW:
                changes = [[({}, ()), (_first_free(known, r, d, s, t, 1), ())] for r, d in days]
                cost = known.costs(s, days, changes)
                found[t] = float((cost[:, 1] - cost[:, 0]).mean())
        return found

    lost = dict(
        zip(staffed, in_parallel(losses, range(len(staffed)), jobs, lambda done: None), strict=True)
    )
    spare = {s: _may_spare(known, s) for s in staffed}

    def helpers(s: int, t: int) -> list[_Helper]:
        h = parts[s].hall
        found = []
        if rules.call_back and today is not None:
            found += [_Helper(s, CALL_MINUTES, float(price[h, h]))] * today.get(h, 0)
        for b in staffed:
            a = parts[b].hall
            if b != s and a != h and able[b][s] and spare[b] and t in lost[b]:
                wait = _minutes_until_free(scenario)
                found.append(
                    _Helper(b, float(travel[a, h]) + wait, float(price[a, h]) + lost[b][t])
                )
        # an hour of a helper's way costs about what waiting for them costs: order by cost, then way
        return sorted(found, key=lambda x: (x.cost + 2 * x.minutes, x.minutes))[:HELPERS]

    def rules_of(k: int) -> list[Rule]:
        s = staffed[k]
        return [rule for t in hours[s] for rule in _rules_at(known, fresh, s, t, helpers(s, t))]

    found = in_parallel(rules_of, range(len(staffed)), jobs, lambda done: None)
    return [rule for own in found for rule in own]


def _usual_day(month: Month) -> dict[int, int]:
    """Hall to the clerks on other duty on a working day."""
    scenario = month.scenario
    d = int(working_days(month)[0])
    halls = {h: Seen() for h in range(len(scenario.halls))}
    day = Today(scenario, State(month.dates[d], 0, halls))
    return {h: day.callable_back(h) for h in halls}


def _minutes_until_free(scenario: Scenario) -> float:
    """About how long it takes until one of several windows is free: a quarter of a visit."""
    return float(np.mean([i.minutes for i in scenario.items])) / 4


def _may_spare(days: _Days, s: int) -> bool:
    """Whether the minimum lets a clerk go on a usual day."""
    hall = days.scenario.halls[days.parts[s].hall].hall
    least = max(1, sum(c.minimum for c in days.scenario.clerks if c.hall == hall))
    work = working_days(days.month)
    opened = days.opened[:, [days.unit(int(d), s) for d in work]]
    usual = opened[opened > 0]
    return bool(len(usual) and np.median(usual) > least)


def _first_free(days: _Days, r: int, d: int, s: int, t: int, clerks: int) -> dict[int, int]:
    """The windows that are free first, and that they close at t or when they are."""
    free = sorted(days.free_at(r, d, s, t).items(), key=lambda pair: (pair[1], -pair[0]))
    return {place: t for place, _ in free[:clerks]}


def _rules_at(known: _Days, fresh: _Days, s: int, t: int, helpers: list[_Helper]) -> list[Rule]:
    """The rules of a station at an hour, the cheapest helper first."""
    part = known.parts[s]
    if not helpers:
        return []
    sides = []
    for days in (known, fresh):
        own = _open_days(days, part.hall, t)
        come: list[tuple[dict[int, int], tuple[int, ...]]] = [
            ({}, tuple(sorted(t + round(60 * x.minutes) for x in helpers[:k])))
            for k in range(len(helpers) + 1)
        ]
        sides.append((own, days.waiting(s, own, t), days.costs(s, own, [come] * len(own))))
    (_, waits, cost), (own, fresh_waits, fresh_cost) = sides
    numbers: list[int] = []
    for k, helper in enumerate(helpers):
        gain = cost[:, k] - cost[:, k + 1] - helper.cost
        number = best_threshold(waits, gain, numbers[-1] if numbers else 0)
        if number is None:
            break
        numbers.append(number)
    found: list[Rule] = []
    end = 0
    while end < len(numbers):  # helpers who are called together make one rule
        begin = end
        while (
            end < len(numbers) and numbers[end] == numbers[begin] and helpers[end] == helpers[begin]
        ):
            end += 1
        held = fresh_waits > numbers[begin]
        if held.sum() < FEW:
            break
        paid = sum(helper.cost for helper in helpers[begin:end])
        gain = (fresh_cost[:, begin] - fresh_cost[:, end] - paid)[held]
        mean, lo, hi = interval(gain, known.scenario.run.confidence)
        if lo <= 0:
            break
        over = fresh.overrun[[r for r, _ in own], [d for _, d in own], part.hall] > 1
        found.append(
            Rule(
                s, part.hall, t, t + 3600, numbers[begin], end - begin,
                known.parts[helpers[begin].station].hall, helpers[begin].minutes,
                (float(mean), float(lo), float(hi)),
                float(held[over].mean()) if over.any() else math.nan,
            )
        )  # fmt: skip
    return found


def best_threshold(waiting: Ints, gain: Floats, least: int = 0) -> int | None:
    """The number above which helping has paid most in all; None where it never has.

    Args:
        waiting: [days].
        gain: [days] what helping saves.
        least: no smaller number.
    """
    order = np.argsort(-waiting, kind="stable")
    total = np.cumsum(gain[order])
    levels = waiting[order]
    last = np.flatnonzero(np.append(levels[1:] < levels[:-1], True))  # all days of a level together
    last = last[levels[last] > least]
    if not len(last):
        return None
    best = last[int(np.argmax(total[last]))]
    return int(levels[best]) - 1 if total[best] > 0 and best + 1 >= FEW else None


# Trial ------------------------------------------------------------------------------------------


def orders_by_rules(
    table: Sequence[Rule], parts: Sequence[Station], now: int, waits: dict[int, int],
    may_leave: dict[int, int], may_call: dict[int, int], most: int,
) -> list[Order]:  # fmt: skip
    """What somebody does who reads the table from the worst hall down.

    A hall that is above a threshold of its own helps nobody.  `waits` is by number of station.
    """
    here = [x for x in table if x.first <= now < x.last and waits.get(x.station, 0) > x.waiting]
    overrun = {x.hall for x in here}
    first = {p.hall: s for s, p in reversed(list(enumerate(parts))) if not p.machine}
    left, back = dict(may_leave), dict(may_call)
    count: dict[tuple[int, int], int] = {}
    for rule in sorted(here, key=lambda x: x.waiting - waits[x.station]):
        if sum(count.values()) >= most:
            break
        a, b = rule.helper, rule.hall
        room = back if a == b else left
        n = min(rule.clerks, room.get(a, 0), most - sum(count.values()))
        if n <= 0 or (a != b and a in overrun):
            continue
        room[a] -= n
        pair = (rule.station if a == b else first[a]), rule.station
        count[pair] = count.get(pair, 0) + n
    return [Order(a, b, n) for (a, b), n in count.items()]


def _try(
    scenario: Scenario, month: Month, parts: list[Station], seed: int, table: Sequence[Rule],
    rules: Rules, days: int, jobs: int,
) -> Trial:  # fmt: skip
    hours = sorted({x.first for x in table}) or [10 * 3600]
    work = working_days(month).tolist()
    rng = np.random.default_rng(stream(seed, "verify", "trial"))
    at = rng.integers(0, len(hours), days)
    most = -(-days // len(work))
    world = _Days(month, parts, seed, "hours", most, TRIAL_OFTEN, jobs)
    places = rng.permutation(most * len(work))[:days]
    price = prices(scenario, rules, travel_minutes(scenario))

    def one(k: int) -> tuple[float, float, int, int]:
        r, d, t = int(places[k]) // len(work), work[int(places[k]) % len(work)], hours[int(at[k])]
        state = world.seen(r, d, t)
        today = Today(scenario, state)
        tables = day_tables(today, rules, today.draw(seed, "today", TABLE_REPLICATIONS))
        best, _ = best_orders(tables)
        waits = {
            s: sum(today.at_station(s, state.halls[p.station.hall].waiting).values())
            for s, p in today.posts.items()
        }
        byhand = orders_by_rules(
            table, parts, t, waits, tables.leave, tables.call, rules.most_moves
        )
        saved = [_saved(world, today, r, d, t, orders, price) for orders in (byhand, best)]
        return saved[0], saved[1], sum(o.clerks for o in byhand), sum(o.clerks for o in best)

    found = np.array(in_parallel(one, range(days), jobs, lambda done: None), float)
    confidence = scenario.run.confidence

    def estimate(values: Floats) -> Estimate:
        mean, lo, hi = interval(values, confidence)
        return float(mean), float(lo), float(hi)

    whole = found[:, 1].sum()
    return Trial(
        days, estimate(found[:, 0]), estimate(found[:, 1]), estimate(found[:, 1] - found[:, 0]),
        float(found[:, 0].sum() / whole) if whole > 0 else math.nan,
        float(found[:, 2].mean()), float(found[:, 3].mean()),
    )  # fmt: skip


def _saved(
    world: _Days, today: Today, r: int, d: int, t: int, orders: Sequence[Order], price: Floats
) -> float:
    """What orders at t save on a day that is known to the end, their price taken off."""
    total = -sum(
        o.clerks * float(price[world.parts[o.origin].hall, world.parts[o.destination].hall])
        for o in orders
    )
    gone: dict[int, dict[int, int]] = {}
    come: dict[int, list[int]] = {}
    for o in sorted(
        orders,
        key=lambda o: -today.travel[world.parts[o.origin].hall, world.parts[o.destination].hall],
    ):
        if o.origin == o.destination:
            come.setdefault(o.destination, []).extend([t + 60 * CALL_MINUTES] * o.clerks)
            continue
        free = world.free_at(r, d, o.origin, t)
        left = [k for k in free if k not in gone.get(o.origin, {})]
        way = round(
            60 * float(today.travel[world.parts[o.origin].hall, world.parts[o.destination].hall])
        )
        for place in sorted(left, key=lambda k: (free[k], -k))[: o.clerks]:
            gone.setdefault(o.origin, {})[place] = t
            come.setdefault(o.destination, []).append(free[place] + way)
    for s in {*gone, *come}:
        change = gone.get(s, {}), tuple(sorted(come.get(s, ())))
        cost = world.costs(s, [(r, d)], [[({}, ()), change]])
        total += float(cost[0, 0] - cost[0, 1])
    return total


# What programs read -----------------------------------------------------------------------------


RULE_KEYS = (
    "hall", "from", "until", "waiting_more_than", "windows", "call", "helper", "arrives_after_min",
    "cost_saved", "share_of_overrun_days",
)  # fmt: skip
"""What is told of a rule."""


def rule_rows(found: Thresholds) -> list[dict[str, Any]]:
    """One for every rule, by hall and hour."""
    halls = found.scenario.halls
    return [
        {
            "hall": halls[x.hall].hall,
            "from": f"{x.first // 3600:02d}:00",
            "until": f"{x.last // 3600:02d}:00",
            "waiting_more_than": x.waiting,
            "windows": found.parts[x.station].label,
            "call": x.clerks,
            "helper": "other_duty" if x.helper == x.hall else halls[x.helper].hall,
            "arrives_after_min": round(x.travel, 1),
            "cost_saved": dict(zip(("mean", "lo", "hi"), x.saved, strict=True)),
            "share_of_overrun_days": None if math.isnan(x.share) else x.share,
        }
        for x in found.rules
    ]


def as_json(found: Thresholds) -> dict[str, Any]:
    """Keys as in `docs/dispatch.md`."""
    trial = found.trial

    def three(value: Estimate) -> dict[str, float]:
        return dict(zip(("mean", "lo", "hi"), value, strict=True))

    return {
        "scenario": found.scenario.name,
        "month": found.month,
        "provisional": found.provisional,
        "confidence": found.confidence,
        "rules": rule_rows(found),
        "trial": {
            "days": trial.days,
            "saved_by_rules": three(trial.by_rules),
            "saved_by_dispatch": three(trial.by_dispatch),
            "rules_save_less_by": three(trial.lost),
            "share_of_dispatch": None if math.isnan(trial.share) else trial.share,
            "orders_by_rules": trial.orders_by_rules,
            "orders_by_dispatch": trial.orders_by_dispatch,
        },
    }
