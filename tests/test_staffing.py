"""The staffing programme against exact cases, brute force and independent geometry."""

from __future__ import annotations

import dataclasses
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial import ConvexHull

from hallsim.loans import Move, moves
from hallsim.scenario import Transfers, TransferTier
from hallsim.staff import (
    DISTRICT,
    NoPlan,
    StaffingTables,
    convex_envelope,
    street_numbers,
    tier_of,
)
from hallsim.staffing import arc_costs, lp_text, solve
from small import small

TIERS = ("within_street", "between_streets", "with_district")


def transfers(
    orders: tuple[float, ...] = (0, 0, 0), travel: tuple[float, ...] = (0, 0, 0)
) -> Transfers:
    """Costs by tier, nearest first."""
    return Transfers(
        **{
            name: TransferTier(order_minutes=o, travel_minutes=t)
            for name, o, t in zip(TIERS, orders, travel, strict=True)
        }
    )


def tables(
    street: list[int],
    home: list[list[int]],
    cost: list[np.ndarray],
    lower: list[int],
    costs: Transfers,
    *,
    minimum: list[list[int]] | None = None,
    station_hall: list[int] | None = None,
    station_groups: list[tuple[int, ...]] | None = None,
    days: list[int] | None = None,
) -> StaffingTables:
    """Tables of the programme; by default one station a hall and one group."""
    count = np.array(home, np.int64)
    halls = station_hall or list(range(len(street)))
    periods = cost[0].shape[0]
    return StaffingTables(
        halls=tuple(f"h{k}" for k in range(len(street))),
        street=np.array(street),
        groups=tuple(f"g{k}" for k in range(count.shape[1])),
        home=count,
        minimum=np.array(minimum or np.zeros_like(count), np.int64),
        station_hall=np.array(halls),
        station_groups=tuple(station_groups or [tuple(range(count.shape[1]))] * len(halls)),
        lower=np.array(lower),
        cost=tuple(np.asarray(c, float) for c in cost),
        days=np.array(days or [1] * periods),
        transfers=costs,
    )


# Erlang cases ------------------------------------------------------------------------------------


def queue_length(arrivals: float, service: float, n: int) -> float:
    """Mean number waiting in M/M/n (Erlang C)."""
    load = arrivals / service
    blocked = 1.0
    for k in range(1, n + 1):
        blocked = load * blocked / (k + load * blocked)
    wait = n * blocked / (n - load * (1 - blocked))
    return wait * load / (n - load)


def test_the_erlang_formula_of_this_file_gives_published_values() -> None:
    """C(8, 10) = 0.40918, C(20, 25) = 0.20910; Lq = C a / (n - a)."""
    assert queue_length(8, 1, 10) == pytest.approx(0.4091801508 * 8 / 2, rel=1e-9)
    assert queue_length(20, 1, 25) == pytest.approx(0.2091028266 * 20 / 5, rel=1e-9)


def test_twenty_clerks_for_four_queues_go_two_four_six_eight() -> None:
    """Marginal allocation: the greedy path ends in (2, 4, 6, 8), cost 5.792772800417412."""
    rates, least = (6, 12, 18, 24), [2, 4, 5, 7]
    cost = [
        np.array([[queue_length(r, 4, n) for n in range(low, 13)]])
        for r, low in zip(rates, least, strict=True)
    ]
    found = solve(tables([0, 0, 0, 0], [[5], [5], [5], [5]], cost, least, transfers()))
    assert found.clerks[0, :, 0].tolist() == [2, 4, 6, 8]
    assert found.objective == pytest.approx(5.792772800417412, rel=1e-9)
    assert found.integral and found.gap <= 1e-3


RATES = ((18, 12, 12), (12, 12, 18))
LEAST = ([5, 4, 4], [4, 4, 5])


def toy(month: int, costs: Transfers) -> StaffingTables:
    """Street A with A1 and A2, street B with B1; 4, 5, 5 clerks; 168 hours; at most 6 a hall."""
    low = LEAST[month]
    cost = [
        np.array([[168 * queue_length(r, 4, n) for n in range(k, 7)]])
        for r, k in zip(RATES[month], low, strict=True)
    ]
    return tables([0, 0, 1], [[4], [5], [5]], cost, low, costs)


@pytest.mark.parametrize("kind", ["orders", "travel"])
@pytest.mark.parametrize(
    ("month", "plan", "total", "transfer"),
    [(0, [6, 4, 4], 796.0220801684, 70), (1, [4, 4, 6], 776.0220801684, 50)],
)
def test_the_toy_transfer_has_its_exact_optimum(
    month: int, plan: list[int], total: float, transfer: float, kind: str
) -> None:
    """Moves cost 20 inside a street and 50 between streets, as orders or as travel of one day."""
    found = solve(toy(month, transfers(**{kind: (20, 50, 50)})))
    assert found.clerks[0, :, 0].tolist() == plan
    assert found.objective == pytest.approx(total, rel=1e-12)
    assert found.objective - transfer == pytest.approx(726.0220801684, rel=1e-12)
    assert found.bound == pytest.approx(total, rel=1e-9)
    assert found.integral


def test_both_months_at_once_cost_their_sum_where_each_month_is_paid_again() -> None:
    """Clerks return home in between: travel is paid in every period."""
    one, two = (toy(m, transfers(travel=(20, 50, 50))) for m in (0, 1))
    big = 1e5
    cost = [
        np.array([np.append([big] * (low_1 - 4), a[0]), np.append([big] * (low_2 - 4), b[0])])
        for a, b, low_1, low_2 in zip(one.cost, two.cost, *LEAST, strict=True)
    ]
    found = solve(tables([0, 0, 1], [[4], [5], [5]], cost, [4, 4, 4], one.transfers))
    assert found.clerks[:, :, 0].tolist() == [[6, 4, 4], [4, 4, 6]]
    assert found.objective == pytest.approx(796.0220801684 + 776.0220801684, rel=1e-12)


def test_a_loan_that_goes_on_is_ordered_once() -> None:
    cost = [np.array([[100.0, 0]] * 3), np.array([[0.0, 0]] * 3)]
    found = solve(tables([0, 1], [[0], [1]], cost, [0, 0], transfers(orders=(10, 30, 30))))
    assert found.clerks[:, :, 0].tolist() == [[1, 0]] * 3
    assert found.objective == pytest.approx(30)


# Brute force -------------------------------------------------------------------------------------


def price(t: StaffingTables, plan: np.ndarray) -> np.ndarray:
    """Cost of plans [..., T, S, G] from the definition, without any linear programme.

    A clerk away from home inside the street costs the first tier, half of it at each end.  Clerks
    who leave a street for another cost the second tier together, half of it per street; whoever
    leaves or joins a district hall costs the third tier, less the half that is the street's.
    Travel is paid on every working day, an order when the number away rises.
    """
    x, street = t.transfers, t.street
    total = np.zeros(plan.shape[:-3])
    for s, cost in enumerate(t.cost):
        n = plan[..., s, :].sum(axis=-1) - t.lower[s]
        total += np.take_along_axis(
            np.broadcast_to(cost, (*n.shape, cost.shape[1])), n[..., None], axis=-1
        ).sum(axis=(-1, -2))
    for g in range(len(t.groups)):
        at = np.zeros((*plan.shape[:-2], len(street)))
        for s, hall in enumerate(t.station_hall):
            at[..., hall] += plan[..., s, g]
        away = t.home[:, g] - at  # > 0 lent, < 0 borrowed
        legs = [(away[..., h], street[h] == DISTRICT, None) for h in range(len(street))]
        legs += [
            (away[..., street == k].sum(axis=-1), None, k) for k in sorted({*street} - {DISTRICT})
        ]
        for net, district, outside in legs:
            tier = [
                (getattr(x, name).order_minutes, getattr(x, name).travel_minutes) for name in TIERS
            ]
            (o1, t1), (o2, t2), (o3, t3) = tier
            if outside is not None:
                order, travel = (o2 - o1) / 2, (t2 - t1) / 2
            elif district:
                order, travel = o3 - o2 / 2, t3 - t2 / 2
            else:
                order, travel = o1 / 2, t1 / 2
            for side in (np.maximum(net, 0), np.maximum(-net, 0)):
                total += (side * t.days).sum(axis=-1) * travel * x.travel_weight
                rises = np.maximum(np.diff(side, axis=-1, prepend=0), 0)
                total += order * rises.sum(axis=-1)
    return total


def plans(t: StaffingTables) -> np.ndarray:
    """All plans [P, T, S, G] that keep the clerks of each group, the minima and the table ends."""
    stations, groups = len(t.station_hall), len(t.groups)
    cells = [(s, g) for s in range(stations) for g in t.station_groups[s]]
    top = [int(t.home[:, g].sum()) for _, g in cells]
    found = []
    for numbers in product(*(range(n + 1) for n in top)):
        one = np.zeros((stations, groups), np.int64)
        for (s, g), n in zip(cells, numbers, strict=True):
            one[s, g] = n
        if (one.sum(axis=0) != t.home.sum(axis=0)).any():
            continue
        at = np.zeros((len(t.halls), groups), np.int64)
        np.add.at(at, t.station_hall, one)
        n = one.sum(axis=1)
        ends = t.lower + [c.shape[1] - 1 for c in t.cost]
        if (at >= t.minimum).all() and (n >= t.lower).all() and (n <= ends).all():
            found.append(one)
    one_period = np.array(found)
    index = np.array(list(product(range(len(found)), repeat=len(t.days))))
    return one_period[index]


def random_tables(rng: np.random.Generator, groups: int = 1) -> StaffingTables:
    """At most four halls, eight clerks and two periods; convex costs; a district hall in most."""
    halls = int(rng.integers(2, 5 if groups == 1 else 4))
    streets = rng.integers(0, 2, halls)
    if rng.random() < 0.7:
        streets[rng.integers(halls)] = DISTRICT
    clerks = int(rng.integers(2, 9)) if groups == 1 else 4
    home = np.zeros((halls, groups), np.int64)
    for g in range(groups):
        for h in rng.integers(0, halls, clerks if groups == 1 else clerks // groups + 1):
            home[h, g] += 1
    minimum = np.minimum(home, rng.integers(0, 2, home.shape))
    periods = int(rng.integers(1, 3))
    station_hall = list(range(halls))
    station_groups = [tuple(range(groups))] * halls
    if groups == 2:  # a themed queue in the first hall, where only the first group can work
        station_hall, station_groups = [0, *station_hall], [(0,), *station_groups]
    lower = [0] * len(station_hall)
    most = int(home.sum())
    cost = [random_cost(rng, periods, most) for _ in station_hall]
    if groups == 1:
        lower = minimum[:, 0].tolist()
        cost = [c[:, : int(rng.integers(home[h, 0] - lower[h], most - lower[h] + 1)) + 1]
                for h, c in enumerate(cost)]  # fmt: skip
    orders, travel = (random_tiers(rng) for _ in range(2))
    return tables(
        streets.tolist(), home.tolist(), cost, lower, transfers(orders, travel),
        minimum=minimum.tolist(), station_hall=station_hall, station_groups=station_groups,
        days=rng.integers(1, 6, periods).tolist(),
    )  # fmt: skip


def random_cost(rng: np.random.Generator, periods: int, most: int) -> np.ndarray:
    """Falling convex costs; a few with equal steps, where the optimum is not unique."""
    scale = rng.choice([30.0, 100.0, 400.0])
    steps = np.sort(rng.exponential(scale, (periods, most)), axis=1)[:, ::-1]
    if rng.random() < 0.3:
        steps = np.round(steps, -1)
    return np.cumsum(np.concatenate([steps.sum(axis=1, keepdims=True), -steps], axis=1), axis=1)


def random_tiers(rng: np.random.Generator) -> tuple[float, float, float]:
    within, more = rng.choice([0, 5, 20, 60]), rng.choice([0, 10, 50])
    between = within + more
    return float(within), float(between), float(between / 2 + rng.choice([0, 10, 40]))


@pytest.mark.parametrize("seed", range(120))
def test_the_plan_is_the_best_of_all_plans(seed: int) -> None:
    """One group: the linear programme is integral, and its value that of the best plan."""
    t = random_tables(np.random.default_rng(seed))
    found = solve(t, listed=False)
    best = price(t, plans(t)).min()
    assert found.objective == pytest.approx(best, rel=1e-7, abs=1e-6)
    assert price(t, found.clerks) == pytest.approx(best, rel=1e-7, abs=1e-6)
    assert found.gap <= 1e-3 and found.repaired == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("seed", range(40))
def test_the_plan_is_the_best_also_with_two_skill_groups_and_a_themed_queue(seed: int) -> None:
    """Whole clerks, within the gap at which the solver may stop."""
    t = random_tables(np.random.default_rng(1000 + seed), groups=2)
    found = solve(t, listed=False)
    best = price(t, plans(t)).min()
    assert price(t, found.clerks) == pytest.approx(best, rel=2e-4, abs=1e-6)
    assert found.bound <= best + 1e-6 * max(1, best)
    assert found.gap <= 1e-3
    assert not found.clerks[:, 0, 1].any()  # the second group never works at the themed queue


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("seed", range(10))
def test_minimum_staffing_table_ends_and_the_number_of_clerks_hold(seed: int, groups: int) -> None:
    t = random_tables(np.random.default_rng(2000 + seed), groups)
    found = solve(t).clerks
    at = np.zeros((len(t.days), *t.home.shape), np.int64)
    for s, hall in enumerate(t.station_hall):
        at[:, hall] += found[:, s]
    assert (at >= t.minimum).all()
    assert (at.sum(axis=1) == t.home.sum(axis=0)).all()
    n = found.sum(axis=2)
    assert (n >= t.lower).all()
    assert (n <= t.lower + [c.shape[1] - 1 for c in t.cost]).all()


def test_more_clerks_than_the_halls_can_take_is_no_plan() -> None:
    t = tables([0, 0], [[3], [2]], [np.zeros((1, 3))] * 2, [0, 0], transfers())
    with pytest.raises(NoPlan, match="5 clerks"):
        solve(t)


def test_a_table_that_is_not_convex_is_planned_by_as_it_is() -> None:
    """One clerk at a table (10, 9, 0), lowered to (10, 5, 0) at first: the plan costs 9, proven."""
    cost = [np.array([[10.0, 9, 0]]), np.array([[0.0, 0, 0]])]
    found = solve(tables([0, 0], [[0], [1]], cost, [0, 0], transfers()))
    assert found.clerks[0, :, 0].tolist() == [1, 0]
    assert (found.bound, found.repaired, found.objective) == pytest.approx((9, 0, 9))
    assert found.gap == pytest.approx(0)


@pytest.mark.parametrize("seed", range(30))
def test_with_any_tables_the_best_plan_lies_between_bound_and_plan(seed: int) -> None:
    """Tables bent by a third of their steps: no longer convex."""
    rng = np.random.default_rng(3000 + seed)
    t = random_tables(rng)
    bent = tuple(c * rng.uniform(0.7, 1.3, c.shape) for c in t.cost)
    t = dataclasses.replace(t, cost=bent)
    found, best = solve(t), price(t, plans(t)).min()
    assert found.bound <= best * (1 + 1e-9) + 1e-6
    assert best <= found.objective * (1 + 1e-9) + 1e-6
    assert price(t, found.clerks) == pytest.approx(found.objective, rel=1e-7, abs=1e-6)


# Pieces ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "costs", [(20, 50, 50), (0, 0, 0), (120, 240, 240), (10, 10, 5), (0, 40, 90)]
)
def test_every_way_through_the_tree_costs_its_tier(costs: tuple[float, float, float]) -> None:
    within, between, district = costs
    arc = arc_costs(*costs)
    assert all(c >= 0 for c in arc.values())
    assert 2 * arc["hall"] == pytest.approx(within)
    assert 2 * arc["hall"] + 2 * arc["street"] == pytest.approx(between)
    assert arc["hall"] + arc["street"] + arc["district"] == pytest.approx(district)


@pytest.mark.parametrize("costs", [(50, 20, 50), (20, 50, 24)])
def test_costs_that_fit_no_tree_are_refused(costs: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="transfer costs must grow"):
        arc_costs(*costs)


@pytest.mark.parametrize("seed", range(60))
def test_the_envelope_is_the_lower_side_of_the_convex_hull(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.round(rng.exponential(20, rng.integers(3, 30)), int(rng.integers(0, 4)))
    values[0] += 100
    points = np.column_stack([np.arange(len(values)), values])
    hull = ConvexHull(points, qhull_options="QJ" if np.ptp(values) == 0 else "")
    lower = sorted({int(v) for simplex, (_, up, _) in zip(hull.simplices, hull.equations, strict=True)
                    if up < -1e-12 for v in simplex})  # fmt: skip
    right = np.interp(np.arange(len(values)), lower, values[lower])
    np.testing.assert_allclose(convex_envelope(values), right, atol=1e-9)


@pytest.mark.parametrize("values", [[5.0], [5.0, 1.0], [1.0, 5.0], [2.0, 2.0, 2.0]])
def test_the_envelope_of_a_convex_table_is_the_table(values: list[float]) -> None:
    assert convex_envelope(np.array(values)).tolist() == values


def test_tiers_by_street() -> None:
    t = tables([DISTRICT, 0, 0, 1], [[1]] * 4, [np.zeros((1, 2))] * 4, [0] * 4, transfers())
    assert [tier_of(t, 1, 2), tier_of(t, 1, 3), tier_of(t, 0, 3), tier_of(t, 2, 0)] == [
        "within_street", "between_streets", "with_district", "with_district",
    ]  # fmt: skip
    assert street_numbers(small()).tolist() == [DISTRICT, 0, 0, 0, 1, 1]


# Moves -------------------------------------------------------------------------------------------


def random_plan(seed: int, periods: int = 6, groups: int = 2) -> tuple[StaffingTables, np.ndarray]:
    """A district, two streets with two and three halls, clerks going to and fro."""
    rng = np.random.default_rng(seed)
    street = [DISTRICT, 0, 0, 1, 1, 1]
    home = rng.integers(0, 5, (6, groups))
    clerks = np.zeros((periods, 6, groups), np.int64)
    at = home.copy()
    for p in range(periods):
        for g in range(groups):
            for _ in range(int(rng.integers(0, 4))):
                a, b = rng.integers(0, 6, 2)
                if at[a, g] > 0:
                    at[a, g] -= 1
                    at[b, g] += 1
        clerks[p] = at
    cost = [np.zeros((periods, 40))] * 6
    return tables(street, home.tolist(), cost, [0] * 6, transfers()), clerks


def in_period(found: list[Move], p: int) -> list[Move]:
    return [m for m in found if m.first <= p <= m.last]


@pytest.mark.parametrize("seed", range(30))
def test_home_and_moves_make_the_plan_in_every_period(seed: int) -> None:
    t, clerks = random_plan(seed)
    found = moves(t, clerks)
    for p in range(6):
        at = t.home.copy()
        for m in in_period(found, p):
            at[m.origin, m.group] -= m.clerks
            at[m.destination, m.group] += m.clerks
        np.testing.assert_array_equal(at, clerks[p])
    assert all(m.clerks > 0 and 0 <= m.first <= m.last < 6 for m in found)
    assert all(m.tier == tier_of(t, m.origin, m.destination) for m in found)


@pytest.mark.parametrize("seed", range(30))
def test_nobody_is_in_two_places(seed: int) -> None:
    """A hall never lends more than its own, nor lends and borrows at once."""
    t, clerks = random_plan(seed)
    found = moves(t, clerks)
    for p in range(6):
        lent, borrowed = np.zeros_like(t.home), np.zeros_like(t.home)
        for m in in_period(found, p):
            lent[m.origin, m.group] += m.clerks
            borrowed[m.destination, m.group] += m.clerks
        assert (lent <= t.home).all()
        assert not ((lent > 0) & (borrowed > 0)).any()


@pytest.mark.parametrize("seed", range(30))
def test_loans_stay_inside_the_street_where_they_can(seed: int) -> None:
    t, clerks = random_plan(seed, groups=1)
    found = moves(t, clerks)
    away = t.home[:, 0] - clerks[:, :, 0]
    for p in range(6):
        inside = sum(m.clerks for m in in_period(found, p) if m.tier == "within_street")
        possible = 0
        for k in (0, 1):
            own = away[p, t.street == k]
            possible += min(own[own > 0].sum(), -own[own < 0].sum())
        assert inside == possible


@pytest.mark.parametrize("seed", range(30))
def test_the_moves_of_a_week_travel_as_little_as_any_and_as_the_programme_says(seed: int) -> None:
    """Lenders and borrowers of one week matched by an assignment programme over the tiers."""
    t, clerks = random_plan(seed, periods=1, groups=1)
    x = transfers(travel=random_tiers(np.random.default_rng(seed)))
    t = dataclasses.replace(t, transfers=x)
    minutes = {name: getattr(x, name).travel_minutes for name in TIERS}
    away = t.home[:, 0] - clerks[0, :, 0]
    lenders, borrowers = (np.repeat(range(6), np.maximum(side, 0)) for side in (away, -away))
    table = np.array([[minutes[tier_of(t, a, b)] for b in borrowers] for a in lenders])
    table = table.reshape(len(lenders), len(borrowers))
    least = table[linear_sum_assignment(table)].sum()
    assert sum(m.clerks * minutes[m.tier] for m in moves(t, clerks)) == pytest.approx(least)
    assert price(t, clerks) == pytest.approx(least)


@pytest.mark.parametrize("seed", range(30))
def test_a_plan_that_does_not_change_is_told_once(seed: int) -> None:
    t, clerks = random_plan(seed)
    same = np.repeat(clerks[-1:], 6, axis=0)
    found = moves(t, same)
    assert all((m.first, m.last) == (0, 5) for m in found)
    pairs = [(m.origin, m.destination, m.group) for m in found]
    assert len(pairs) == len(set(pairs))


def lent(home: list[int], weeks: list[list[int]]) -> list[Move]:
    """The moves among halls of one street with so many clerks at home and in each week."""
    cost = [np.zeros((len(weeks), 20))] * len(home)
    t = tables([0] * len(home), [[n] for n in home], cost, [0] * len(home), transfers())
    return moves(t, np.array(weeks)[:, :, None])


def test_a_loan_goes_on_when_others_come_and_go_by_hand() -> None:
    """Hall 1 lends to 2 throughout; in the second week 0 lends as well and 3 borrows."""
    found = lent([1, 1, 1, 1], [[1, 0, 2, 1], [0, 0, 2, 2], [1, 0, 2, 1]])
    assert found == [
        Move(1, 2, 0, 1, 0, 2, "within_street"),
        Move(0, 3, 0, 1, 1, 1, "within_street"),
    ]


def test_who_was_lent_last_goes_home_first_by_hand() -> None:
    """One clerk for three weeks and a second one in the middle."""
    found = lent([3, 1], [[2, 2], [1, 3], [2, 2]])
    assert found == [
        Move(0, 1, 0, 1, 0, 2, "within_street"),
        Move(0, 1, 0, 1, 1, 1, "within_street"),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_no_pair_of_spells_of_a_loan_touches(seed: int) -> None:
    """A loan that ends one week and begins the next would be one loan told as two."""
    t, clerks = random_plan(seed)
    found = moves(t, clerks)
    for a in found:
        for b in found:
            same = (a.origin, a.destination, a.group) == (b.origin, b.destination, b.group)
            assert not (same and a.last + 1 == b.first)


# The programme as text ---------------------------------------------------------------------------


def frozen() -> StaffingTables:
    """The first toy month over two weeks with whole numbers: one order pays for both."""
    cost = [np.array([[900.0, 300, 100], [800, 200, 100]]), np.array([[50.0, 20, 10], [60, 30, 20]]),
            np.array([[40.0, 20, 10], [40, 20, 10]])]  # fmt: skip
    return tables(
        [0, 0, 1], [[4], [5], [5]], cost, [4, 4, 4], transfers((20, 50, 50), (1, 2, 2)),
        minimum=[[4], [4], [4]], days=[5, 4],
    )  # fmt: skip


def test_the_programme_of_the_toy_is_word_for_word_the_one_that_was_reviewed() -> None:
    """The same text with PuLP 3 and 4."""
    reviewed = Path(__file__).with_name("staffing_toy.lp").read_text(encoding="utf-8")
    assert lp_text(frozen()) == reviewed


def test_the_reviewed_toy_has_the_best_plan() -> None:
    t = frozen()
    found = solve(t)
    assert found.objective == pytest.approx(price(t, plans(t)).min(), rel=1e-9)
    assert found.clerks[:, :, 0].tolist() == [[6, 4, 4], [6, 4, 4]]


def test_moves_are_sorted_and_do_not_depend_on_chance() -> None:
    t, clerks = random_plan(3)
    found = moves(t, clerks)
    assert found == moves(t, clerks)
    assert all(a.first <= b.first for a, b in pairwise(found))
