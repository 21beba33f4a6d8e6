"""Dispatch: whom to send where for the rest of today, and which windows to open.

The rest of the day at a station is a table: its mean cost against clerks that leave and clerks that
come, by when they come, on common visitors.  Stations do not interact, so a small integer programme
over these tables finds the best few orders exactly.  What is told of them is simulated again, all
orders together, on fresh visitors.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from hallsim.counting import COSTS, LOST, OVERTIME, TICKETS, WAIT
from hallsim.demand import Floats
from hallsim.draw import Purpose
from hallsim.measure import interval, within_seconds
from hallsim.rosters import tier_of_way
from hallsim.scenario import Scenario
from hallsim.simulate import in_parallel
from hallsim.stations import Station, group_names, home_by_group
from hallsim.today import Drawn, State, Today
from hallsim.warm import NOTHING, Action, rest_costs, shifts

CALL_MINUTES = 5
"""Until a clerk who is called back from other duty is at a window."""
ORDER_SHARE = 0.25
"""Share of the cost of a transfer order that an order for the rest of a day costs."""
MOST_MOVES, REPLICATIONS, FRESH = 6, 100, 200
"""Orders at most, and replications of the tables and of the check."""
_STEPS = (5, 10, 15, 20, 30, 60)  # minutes to which times of arrival are rounded in the tables
_TIMES = 3  # different times of arrival from other halls that a table tells apart

Estimate = tuple[float, float, float]
"""Mean, lo and hi."""
MOVE_KEYS = (
    "kind", "from", "to", "from_windows", "to_windows", "clerks", "leave", "arrive", "travel_min",
    "wait_minutes_saved", "lost_saved", "cost_saved",
)  # fmt: skip
"""What is told of an order."""


@dataclass(frozen=True)
class Rules:
    """What may be ordered, and what an order costs.

    Attributes:
        most_moves: clerks who are given an order, at most; one called back counts like one sent.
        move_minutes: visitor minutes that each order costs; None: `ORDER_SHARE` of a transfer order's,
            and the extra travel on top.
        call_back: whether clerks on other duty may be called to windows.
    """

    most_moves: int = MOST_MOVES
    move_minutes: float | None = None
    call_back: bool = True


@dataclass(frozen=True)
class Order:
    """So many clerks from one station to another; from itself where they are called from other duty."""

    origin: int
    destination: int
    clerks: int


@dataclass(frozen=True)
class Move:
    """An order, and what it does.

    Attributes:
        order: by number of station.
        leave, arrive: second of the day, on average.
        travel: minutes.
        minutes, lost, cost: what is saved in visitor minutes of waiting, in people lost, and in all
            by the objective, without the price of the order: paired, all other orders given.
    """

    order: Order
    leave: int
    arrive: int
    travel: float
    minutes: Estimate
    lost: Estimate
    cost: Estimate


@dataclass(frozen=True)
class Ahead:
    """The rest of the day of a hall, or of all of them: without orders and with them.

    `wait` is the mean wait in minutes of all who wait now or come later, from their tickets on;
    `minutes` are visitor minutes of waiting from now on; `lost` people; `cost` minutes of the objective.
    `saved` is paired.
    """

    wait: Estimate
    wait_with: Estimate
    minutes: Estimate
    minutes_with: Estimate
    lost: Estimate
    lost_with: Estimate
    minutes_saved: Estimate
    lost_saved: Estimate
    wait_saved: Estimate
    cost_saved: Estimate


@dataclass(frozen=True)
class Dispatch:
    """What to do today.

    Attributes:
        today: the day and its state.
        moves: in the order of what they save.
        district: all halls of the state together.
        halls: index of the hall to its rest of the day.
        levels: index of the hall to the mean factor of today.
        replications: of the check.
        confidence: of all intervals.
        gap: relative gap that the solver leaves.
    """

    today: Today
    moves: tuple[Move, ...]
    district: Ahead
    halls: dict[int, Ahead]
    levels: dict[int, float]
    replications: int
    confidence: float
    gap: float

    @property
    def helps(self) -> bool:
        """Whether the check leaves no doubt that the moves save something."""
        return bool(self.moves) and self.district.cost_saved[1] > 0


def dispatch(
    scenario: Scenario,
    state: State,
    rules: Rules | None = None,
    *,
    seed: int | None = None,
    replications: int = REPLICATIONS,
    fresh: int = FRESH,
    jobs: int = 1,
) -> Dispatch:
    """Find the few orders that help most, and tell what they do on fresh visitors.

    Args:
        scenario: what is assumed of the district.
        state: what is seen now.
        rules: what may be ordered; default: `Rules()`.
        seed: default: the scenario's.
        replications, fresh: of the tables, and of the check.
        jobs: threads; the result does not depend on it.

    Raises:
        ValueError: a date outside the calendar.
    """
    rules = rules or Rules()
    seed = scenario.run.seed if seed is None else seed
    today = Today(scenario, state)
    tables = day_tables(today, rules, today.draw(seed, "today", replications), jobs=jobs)
    orders, gap = best_orders(tables)
    return _told(today, orders, gap, seed, "verify", fresh, jobs)


# Who may go where -------------------------------------------------------------------------------


def prices(scenario: Scenario, rules: Rules, travel: Floats) -> Floats:
    """[H, H] visitor minutes that an order from hall to hall costs; inside one, a clerk called back."""
    halls = range(len(scenario.halls))
    if rules.move_minutes is not None:
        return np.full(travel.shape, rules.move_minutes)
    transfers = scenario.transfers
    order = [
        [float(getattr(transfers, tier_of_way(scenario, a, b)).order_minutes) for b in halls]
        for a in halls
    ]
    return ORDER_SHARE * np.array(order) + float(transfers.travel_weight) * travel


def can_work(scenario: Scenario, parts: list[Station]) -> list[list[bool]]:
    """[S][S]: whether somebody of one station can work at the other: a group that is at home there."""
    home = home_by_group(scenario, parts)
    names = group_names(scenario)
    groups = [{names[g] for g in np.flatnonzero(row).tolist()} for row in home]
    return [
        [bool((groups[a] or set(names)) & set(part.groups)) for part in parts]
        for a in range(len(parts))
    ]


def _may_leave(today: Today) -> dict[int, int]:
    """Hall to the clerks who may leave it: down to the hall's minimum."""
    found = {}
    for h in today.state.halls:
        own = [s for s in today.posts if today.parts[s].hall == h and not today.parts[s].machine]
        least = sum(
            c.minimum for c in today.scenario.clerks if c.hall == today.scenario.halls[h].hall
        )
        found[h] = max(0, sum(today.clerks[s] for s in own) - max(least, 1))
    return found


# Tables -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Choice:
    """One way to go on at a station: clerks who leave, are called back, and come at each time."""

    leave: int = 0
    call: int = 0
    come: tuple[int, ...] = ()


@dataclass(frozen=True)
class DayTables:
    """What the programme knows.

    Attributes:
        choices: station to its ways to go on; the first is nothing.
        value: station to the mean cost of each, minutes of the objective, without the price of orders.
        spread: station to [R, ways], the same by replication.
        pairs: (origin, destination) to time number and price.
        call_price: station to the price of a clerk called back.
        leave: hall to clerks who may leave; call: hall to clerks who may be called back.
        hall_of: station to hall.
        most: orders at most.
    """

    choices: dict[int, list[Choice]]
    value: dict[int, Floats]
    spread: dict[int, Floats]
    pairs: dict[tuple[int, int], tuple[int, float]]
    call_price: dict[int, float]
    leave: dict[int, int]
    call: dict[int, int]
    hall_of: dict[int, int]
    most: int


def objective(scenario: Scenario, cost: Floats) -> Floats:
    """Minutes of the objective, from fields of `counting.COSTS` on the last axis."""
    goal = scenario.objective
    return np.asarray(
        cost[..., WAIT]
        + goal.lost_minutes * cost[..., LOST]
        + goal.overtime_weight * cost[..., OVERTIME]
    )


def day_tables(today: Today, rules: Rules, drawn: Drawn, *, jobs: int = 1) -> DayTables:
    """Simulate the ways to go on that may be worth something, on the visitors of `drawn`."""
    scenario, now = today.scenario, today.state.now
    staffed = [s for s, post in today.posts.items() if not post.station.machine]
    leave = _may_leave(today)
    call = {h: today.callable_back(h) if rules.call_back else 0 for h in today.state.halls}
    able, hall = can_work(scenario, today.parts), {s: today.parts[s].hall for s in staffed}
    on_the_way = today.travel
    price = prices(scenario, rules, on_the_way)
    travel = {
        (a, b): float(on_the_way[hall[a], hall[b]])
        for a in staffed
        for b in staffed
        if a != b and able[a][b]
    }
    until_free = _until_free(drawn, staffed)
    times, slot = _times(travel)
    within = within_seconds(scenario)

    def costs(s: int, actions: list[Action]) -> Floats:
        post = today.posts[s]
        ways = [[post.duties(action, drawn.opened[s]) for action in actions]]
        cost = rest_costs(drawn.rests[s], shifts(ways), post.closing, int(within[hall[s]]))
        return objective(scenario, cost)

    def action(s: int, choice: Choice) -> Action:
        post = today.posts[s]
        come = [now + 60 * CALL_MINUTES] * choice.call
        for minutes, n in zip(times, choice.come, strict=False):
            come += [now + until_free + 60 * round(minutes)] * n
        return Action(max(0, choice.leave - (post.clerks - post.windows)), tuple(come))

    def room(s: int) -> int:
        post = today.posts[s]
        return min(rules.most_moves, len(post.station.windows) - post.windows)

    def first(k: int) -> tuple[list[Choice], Floats, Floats]:
        """What costs least of all cases, clerks who come at once, tells whether any may be worth it."""
        s = staffed[k]
        most = min(rules.most_moves, leave[hall[s]], today.posts[s].clerks)
        own = [Choice(), *(Choice(leave=n) for n in range(1, most + 1))]
        own += [Choice(call=n) for n in range(1, min(room(s), call[hall[s]]) + 1)]
        at_once = [Action(0, (now,) * n) for n in range(1, room(s) + 1)]
        value = costs(s, [action(s, c) for c in own] + at_once)
        return own, value[:, : len(own)], value[:, len(own) :]

    found = in_parallel(first, range(len(staffed)), jobs, lambda done: None)
    choices = {s: own for s, (own, _, _) in zip(staffed, found, strict=True)}
    values = {s: value for s, (_, value, _) in zip(staffed, found, strict=True)}
    least = float(price[np.ix_(list(hall.values()), list(hall.values()))].min(initial=np.inf))
    receivers = [
        s
        for s, (_, value, early) in zip(staffed, found, strict=True)
        if early.shape[1]
        and (
            value[:, 0].mean() - early.mean(axis=0) > least * np.arange(1, early.shape[1] + 1)
        ).any()
    ]

    def second(k: int) -> tuple[list[Choice], Floats]:
        s = receivers[k]
        more = [
            Choice(call=c, come=come)
            for total in range(1, room(s) + 1)
            for c in range(min(call[hall[s]], total) + 1)
            for come in _parts(total - c, len(times))
            if sum(come)
        ]
        return more, costs(s, [action(s, c) for c in more])

    if times:
        later = in_parallel(second, range(len(receivers)), jobs, lambda done: None)
        for s, (more, value) in zip(receivers, later, strict=True):
            choices[s] = choices[s] + more
            values[s] = np.concatenate((values[s], value), axis=1)
    return DayTables(
        choices,
        {s: v.mean(axis=0) for s, v in values.items()},
        values,
        {(a, b): (slot[a, b], float(price[hall[a], hall[b]])) for a, b in travel if b in receivers},
        {s: float(price[hall[s], hall[s]]) for s in staffed},
        leave,
        call,
        hall,
        rules.most_moves,
    )


def _until_free(drawn: Drawn, stations: Sequence[int]) -> int:
    """Seconds until the first window of a station is free, on average: tables take it for all leavers."""
    first = [
        float(np.maximum(drawn.left[s][:, -1], 0).mean())
        for s in stations
        if drawn.left[s].shape[1]
    ]
    return round(float(np.median(first))) if first else 0


def _times(travel: dict[tuple[int, int], float]) -> tuple[list[int], dict[tuple[int, int], int]]:
    """Minutes on the way that the tables tell apart, ascending, and the number of each pair's."""
    for step in _STEPS:
        rounded = {pair: math.ceil(m / step - 1e-9) * step for pair, m in travel.items()}
        times = sorted(set(rounded.values()))
        if len(times) <= _TIMES:
            break
    else:
        times = sorted({*times[: _TIMES - 1], times[-1]})
        rounded = {pair: next(t for t in times if t >= m) for pair, m in rounded.items()}
    return times, {pair: times.index(m) for pair, m in rounded.items()}


def _parts(total: int, slots: int) -> list[tuple[int, ...]]:
    """All ways to spread `total` over slots."""
    if slots == 0:
        return [()] if total == 0 else []
    return [(k, *rest) for k in range(total + 1) for rest in _parts(total - k, slots - 1)]


# The programme ----------------------------------------------------------------------------------


_Row = tuple[dict[int, float], float, float]
"""Entries by column, and the bounds of their sum."""


def best_orders(tables: DayTables) -> tuple[list[Order], float]:
    """The orders that make tables and prices together smallest, and the solver's relative gap.

    One way to go on is picked for every station (binary); whole clerks flow from stations that some
    leave to stations where some come, by time of arrival.
    """
    picks = [(s, c) for s, own in tables.choices.items() for c in own[1:]]
    pairs = list(tables.pairs)
    n, p = len(picks), len(pairs)
    if not picks:
        return [], 0.0
    cost = [_worth(tables, s, c) for s, c in picks] + [tables.pairs[pair][1] for pair in pairs]
    rows = [
        *_one_way_each(picks),
        *_whoever_leaves_comes(tables, picks, pairs),
        *_halls_keep_their_own(tables, picks),
        _at_most(tables, picks, pairs),
    ]
    at = [(r, j, x) for r, (entries, _, _) in enumerate(rows) for j, x in entries.items()]
    r, j, x = (np.array(column) for column in zip(*at, strict=True))
    matrix = sparse.csr_matrix((x, (r, j)), shape=(len(rows), n + p))
    solved = milp(
        np.array(cost),
        integrality=np.ones(n + p, np.int64),
        bounds=Bounds(0, np.concatenate((np.ones(n), np.full(p, float(tables.most))))),
        constraints=LinearConstraint(matrix, [lo for _, lo, _ in rows], [hi for _, _, hi in rows]),
        options={"mip_rel_gap": 0.0},
    )
    if solved.x is None:  # nothing to be done keeps all the rules
        raise RuntimeError(solved.message)
    count = np.round(solved.x).astype(int).tolist()
    orders = [Order(s, s, c.call) for (s, c), k in zip(picks, count, strict=False) if k and c.call]
    orders += [Order(a, b, k) for (a, b), k in zip(pairs, count[n:], strict=True) if k]
    return orders, float(solved.mip_gap or 0.0)


def _worth(tables: DayTables, s: int, choice: Choice) -> float:
    """What a way to go on costs more than doing nothing."""
    value = tables.value[s]
    added = value[tables.choices[s].index(choice)] - value[0]
    return float(added) + choice.call * tables.call_price[s]


def _one_way_each(picks: list[tuple[int, Choice]]) -> list[_Row]:
    """A station goes on in one way, or does nothing."""
    own: dict[int, dict[int, float]] = {}
    for j, (s, _) in enumerate(picks):
        own.setdefault(s, {})[j] = 1.0
    return [(entries, -np.inf, 1.0) for entries in own.values()]


def _whoever_leaves_comes(
    tables: DayTables, picks: list[tuple[int, Choice]], pairs: list[tuple[int, int]]
) -> list[_Row]:
    """The clerks who leave a station go to others; those who come at a time are on the way for so long."""
    balance: dict[tuple[int, int], dict[int, float]] = {}
    for q, (a, b) in enumerate(pairs):
        balance.setdefault((a, -1), {})[len(picks) + q] = 1.0
        balance.setdefault((b, tables.pairs[a, b][0]), {})[len(picks) + q] = 1.0
    for j, (s, choice) in enumerate(picks):
        if choice.leave:
            balance.setdefault((s, -1), {})[j] = -float(choice.leave)
        for slot, k in enumerate(choice.come):
            if k:
                balance.setdefault((s, slot), {})[j] = -float(k)
    return [(entries, 0.0, 0.0) for entries in balance.values()]


def _halls_keep_their_own(tables: DayTables, picks: list[tuple[int, Choice]]) -> list[_Row]:
    """No hall goes below its minimum, or calls back more than are on other duty."""
    leave: dict[int, dict[int, float]] = {}
    call: dict[int, dict[int, float]] = {}
    for j, (s, choice) in enumerate(picks):
        leave.setdefault(tables.hall_of[s], {})[j] = float(choice.leave)
        call.setdefault(tables.hall_of[s], {})[j] = float(choice.call)
    rows = [(entries, -np.inf, float(tables.leave[h])) for h, entries in leave.items()]
    return rows + [(entries, -np.inf, float(tables.call[h])) for h, entries in call.items()]


def _at_most(
    tables: DayTables, picks: list[tuple[int, Choice]], pairs: list[tuple[int, int]]
) -> _Row:
    """So many clerks are given an order, at most."""
    entries = {j: float(choice.call) for j, (_, choice) in enumerate(picks)}
    entries |= {len(picks) + q: 1.0 for q in range(len(pairs))}
    return entries, -np.inf, float(tables.most)


def value_of(tables: DayTables, orders: Sequence[Order]) -> float:
    """What orders change by the tables, prices included; inf where they break a rule."""
    choice = {s: Choice(come=()) for s in tables.choices}
    slots = 1 + max((slot for slot, _ in tables.pairs.values()), default=-1)
    prices, leave, call = 0.0, dict.fromkeys(tables.leave, 0), dict.fromkeys(tables.call, 0)
    for order in orders:
        a, b, k = order.origin, order.destination, order.clerks
        if a == b:
            choice[b] = Choice(choice[b].leave, choice[b].call + k, choice[b].come)
            prices += k * tables.call_price[b]
            call[tables.hall_of[b]] += k
            continue
        if (a, b) not in tables.pairs:
            return math.inf
        slot, each = tables.pairs[a, b]
        come = list(choice[b].come or (0,) * slots)
        come[slot] += k
        choice[b] = Choice(choice[b].leave, choice[b].call, tuple(come))
        choice[a] = Choice(choice[a].leave + k, choice[a].call, choice[a].come)
        prices += k * each
        leave[tables.hall_of[a]] += k
    if sum(o.clerks for o in orders) > tables.most:
        return math.inf
    if any(leave[h] > tables.leave[h] or call[h] > tables.call[h] for h in leave):
        return math.inf
    total = prices
    for s, own in choice.items():
        if own not in tables.choices[s]:
            return math.inf
        total += float(tables.value[s][tables.choices[s].index(own)] - tables.value[s][0])
    return total


# What orders do ---------------------------------------------------------------------------------


def outcomes(
    today: Today, drawn: Drawn, plans: Sequence[Sequence[Order]], *, jobs: int = 1
) -> dict[int, Floats]:
    """Station to [R, plans, 6] cost fields of the rest of the day: every order as it is carried out.

    Whoever is free first leaves first, travels, and opens a window on arrival; the longest way first.
    """
    scenario, now = today.scenario, today.state.now
    replications = len(drawn.levels)
    within = within_seconds(scenario)
    numbers = list(today.posts)

    def actions(s: int, plan: Sequence[Order], r: int) -> Action:
        come = [now + 60 * CALL_MINUTES] * sum(
            o.clerks for o in plan if o.origin == o.destination == s
        )
        for o in plan:
            if o.destination == s and o.origin != s:
                come += [
                    now + wait + _seconds(today, o)
                    for wait in leaving_times(today, drawn, plan, o, r)
                ]
        leave = sum(o.clerks for o in plan if o.origin == s and o.destination != s)
        post = today.posts[s]
        return Action(max(0, leave - (post.clerks - post.windows)), tuple(sorted(come)))

    def one(k: int) -> Floats:
        s = numbers[k]
        post = today.posts[s]
        touched = [any(s in (o.origin, o.destination) for o in plan) for plan in plans]
        at = int(within[post.station.hall])
        if not any(touched):
            base = rest_costs(
                drawn.rests[s], shifts([[post.duties(NOTHING, drawn.opened[s])]]), post.closing, at
            )
            return np.repeat(base, len(plans), axis=1)
        ways = [
            [post.duties(actions(s, plan, r), drawn.opened[s]) for plan in plans]
            for r in range(replications)
        ]
        return rest_costs(drawn.rests[s], shifts(ways), post.closing, at)

    found = in_parallel(one, range(len(numbers)), jobs, lambda done: None)
    return dict(zip(numbers, found, strict=True))


def _seconds(today: Today, order: Order) -> int:
    a, b = (today.parts[s].hall for s in (order.origin, order.destination))
    return round(60 * float(today.travel[a, b]))


def leaving_times(
    today: Today, drawn: Drawn, plan: Sequence[Order], order: Order, r: int
) -> list[int]:
    """Seconds from now until each clerk of an order leaves, in replication r; the longest way first."""
    s = order.origin
    post = today.posts[s]
    spare = post.clerks - post.windows
    mine = sorted(
        (o for o in plan if o.origin == s and o.destination != s),
        key=lambda o: (-_seconds(today, o), o.destination),
    )
    before = sum(o.clerks for o in mine[: mine.index(order)])
    opened = drawn.opened[s]
    found = []
    for k in range(before, before + order.clerks):
        place = post.windows - 1 - (k - spare)
        busy = k >= spare and place in opened
        found.append(max(0, int(drawn.left[s][r, opened.index(place)])) if busy else 0)
    return found


def _told(
    today: Today,
    orders: list[Order],
    gap: float,
    seed: int,
    purpose: Purpose,
    fresh: int,
    jobs: int,
) -> Dispatch:
    scenario = today.scenario
    drawn = today.draw(seed, purpose, fresh)
    plans: list[list[Order]] = [[], orders]
    plans += [[o for o in orders if o is not one] for one in orders] if len(orders) > 1 else []
    cost = outcomes(today, drawn, plans, jobs=jobs)
    confidence = scenario.run.confidence
    total = (
        np.sum(list(cost.values()), axis=0) if cost else np.zeros((fresh, len(plans), len(COSTS)))
    )
    moves = []
    for k, order in enumerate(orders):
        without = total[:, 2 + k if len(orders) > 1 else 0]
        with_it = total[:, 1]
        called = order.origin == order.destination
        waits = (
            leaving_times(today, drawn, orders, order, r) for r in range(0 if called else fresh)
        )
        free = [wait for one in waits for wait in one]
        leave = today.state.now + (round(float(np.mean(free))) if free else 0)
        way = CALL_MINUTES if called else _seconds(today, order) / 60
        moves.append(
            Move(
                order, leave, leave + round(60 * way), float(way),
                _estimate(without[:, WAIT] - with_it[:, WAIT], confidence),
                _estimate(without[:, LOST] - with_it[:, LOST], confidence),
                _estimate(objective(scenario, without) - objective(scenario, with_it), confidence),
            )
        )  # fmt: skip
    moves.sort(key=lambda m: -m.cost[0])
    waited = {s: drawn.waited[s].sum(axis=1) / 60 for s in cost}
    halls = {}
    for h in sorted({today.parts[s].hall for s in cost}):
        own = [s for s in cost if today.parts[s].hall == h]
        halls[h] = _ahead(
            scenario,
            np.sum([cost[s] for s in own], axis=0),
            np.sum([waited[s] for s in own], axis=0),
            confidence,
        )
    all_waited = np.sum(list(waited.values()), axis=0) if waited else np.zeros(fresh)
    return Dispatch(
        today, tuple(moves), _ahead(scenario, total, all_waited, confidence), halls,
        {h: float(drawn.levels[:, h].mean()) for h in halls}, fresh, confidence, gap,
    )  # fmt: skip


def _ahead(scenario: Scenario, cost: Floats, waited: Floats, confidence: float) -> Ahead:
    """`cost` is [R, plans, 6]: nothing first, the orders second; `waited` [R] minutes before now."""
    with np.errstate(invalid="ignore", divide="ignore"):
        wait = cost[:, :2, WAIT] / np.where(cost[:, :2, TICKETS] > 0, cost[:, :2, TICKETS], np.nan)
    minutes, lost = cost[:, :2, WAIT] - waited[:, None], cost[:, :2, LOST]

    def both(values: Floats) -> tuple[Estimate, Estimate, Estimate]:
        a, b = values[:, 0], values[:, 1]
        return _estimate(a, confidence), _estimate(b, confidence), _estimate(a - b, confidence)

    w, m, n = both(wait), both(minutes), both(lost)
    saved = both(objective(scenario, cost[:, :2]))[2]
    return Ahead(w[0], w[1], m[0], m[1], n[0], n[1], m[2], n[2], w[2], saved)


def _estimate(values: Floats, confidence: float) -> Estimate:
    mean, lo, hi = interval(values, confidence)
    return float(mean), float(lo), float(hi)


# What programs read -----------------------------------------------------------------------------


def as_json(found: Dispatch) -> dict[str, Any]:
    """Keys as in `docs/dispatch.md`."""
    today = found.today
    scenario, state = today.scenario, today.state
    return {
        "scenario": scenario.name,
        "now": _clock(state.date, state.now),
        "provisional": today.month.provisional,
        "replications": found.replications,
        "confidence": found.confidence,
        "solver_gap": found.gap,
        "helps": found.helps,
        "moves": move_rows(found),
        "district": _ahead_json(found.district),
        "halls": hall_rows(found),
        "left_out": [h.hall for k, h in enumerate(scenario.halls) if k not in state.halls],
    }


def move_rows(found: Dispatch) -> list[dict[str, Any]]:
    """One for every order, best first."""
    today = found.today
    hall = [today.scenario.halls[p.hall].hall for p in today.parts]
    date = today.state.date
    return [
        {
            "kind": "call_back" if m.order.origin == m.order.destination else "move",
            "from": hall[m.order.origin],
            "to": hall[m.order.destination],
            "from_windows": today.parts[m.order.origin].label,
            "to_windows": today.parts[m.order.destination].label,
            "clerks": m.order.clerks,
            "leave": _clock(date, m.leave),
            "arrive": _clock(date, m.arrive),
            "travel_min": m.travel,
            "wait_minutes_saved": _interval(m.minutes),
            "lost_saved": _interval(m.lost),
            "cost_saved": _interval(m.cost),
        }
        for m in found.moves
    ]


def hall_rows(found: Dispatch) -> list[dict[str, Any]]:
    """One for every hall that the state tells of and that is still open."""
    today = found.today
    rows = []
    for h, ahead in found.halls.items():
        seen = today.state.halls[h]
        staffed = [p for p in today.posts.values() if p.station.hall == h and not p.station.machine]
        rows.append(
            {
                "hall": today.scenario.halls[h].hall,
                "waiting": sum(seen.waiting.values()),
                "in_service": sum(seen.in_service.values()),
                "clerks": sum(p.clerks for p in staffed),
                "windows": sum(len(p.station.windows) for p in staffed),
                "windows_open": sum(p.windows for p in staffed),
                "arrived": sum(seen.arrived.values()) if seen.arrived else None,
                "expected_by_now": float(today.expected[h].sum()),
                "level": found.levels[h],
                **_ahead_json(ahead),
            }
        )
    return rows


def _ahead_json(ahead: Ahead) -> dict[str, Any]:
    return {
        "mean_wait_min": _interval(ahead.wait),
        "mean_wait_with_min": _interval(ahead.wait_with),
        "mean_wait_saved_min": _interval(ahead.wait_saved),
        "wait_minutes": _interval(ahead.minutes),
        "wait_minutes_with": _interval(ahead.minutes_with),
        "wait_minutes_saved": _interval(ahead.minutes_saved),
        "lost": _interval(ahead.lost),
        "lost_with": _interval(ahead.lost_with),
        "lost_saved": _interval(ahead.lost_saved),
        "cost_saved": _interval(ahead.cost_saved),
    }


def _interval(value: Estimate) -> dict[str, float | None]:
    return {
        name: round(x, 6) if math.isfinite(x) else None
        for name, x in zip(("mean", "lo", "hi"), value, strict=True)
    }


def _clock(date: dt.date, second: int) -> str:
    """`2018-09-03 10:30`, to the minute."""
    moment = dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=round(second / 60))
    return moment.strftime("%Y-%m-%d %H:%M")
