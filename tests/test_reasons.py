"""Reasons, missing clerks and prices against simulating and solving the other case as a whole."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hallsim.demand import Floats, Month, expect
from hallsim.fresh import as_relaxed, fresh_tables
from hallsim.limits import GOALS
from hallsim.loans import Move
from hallsim.measure import Measures
from hallsim.missing import missing_clerks
from hallsim.planning import Plan, clerks_by_day, plan_month, programme_tables
from hallsim.prices import (
    clerk_prices,
    limit_prices,
    shadow_prices,
    with_room,
)
from hallsim.reasons import REASON_COLUMNS, move_minutes, reasons, without
from hallsim.records import Ints
from hallsim.scenario import (
    Clerks,
    Demand,
    Scenario,
    Staffing,
    Target,
    Transfers,
    TransferTier,
    VisitorClass,
    Windows,
)
from hallsim.simulate import simulate_staffings
from hallsim.staff import Limit, StaffingTables
from hallsim.staffing import solve
from hallsim.stations import Station, stations
from hallsim.waiting import WaitingTables, waiting_tables
from small import HALLS, WINDOWS, YEARLY, full, small
from test_staffing import plans, price, random_tables

SEED, R = 5, 4
CHEAP = TransferTier(order_minutes=20, travel_minutes=1)
COMMON: dict[str, Any] = {
    "classes": {"all": VisitorClass(share=1, patience_minutes=40)},
    "staffing": Staffing(absence_rate=0.05, other_duty_rate=0.1),
    "transfers": Transfers(
        within_street=CHEAP, between_streets=CHEAP, with_district=CHEAP, long_stay_days=6,
        long_stay_minutes=5,
    ),
    "targets": (Target(mean_wait_minutes=3, within_minutes=8, share=0.8),),
}  # fmt: skip
DEMAND = tuple(
    Demand(halls=(h,), item=i, volume=n * f)
    for (h, n), f in zip(YEARLY.items(), (0.4, 0.9, 0.3, 0.6, 0.3, 0.8), strict=True)
    for i in ("permit", "card")
)
PLAIN = small(**COMMON, demand=DEMAND)
THEMED = small(
    **COMMON,
    demand=DEMAND,
    windows=tuple(
        Windows(hall=h, kind="themed", label=i, items=(i,), count=3)
        for h in WINDOWS for i in ("permit", "card")
    ),
    clerks=(
        *(Clerks(hall=h, count=4) for h in ("D", "A", "A1")),
        *(Clerks(hall=h, count=2) for h in ("A2", "B", "B1")),
        Clerks(hall="B", group="card", count=3, skills=("card",)),
    ),
)  # fmt: skip
CASES: dict[str, Scenario] = {
    "plain": PLAIN,
    "two groups": THEMED,
    "whole visits": full(
        **{k: v for k, v in COMMON.items() if k != "classes"}, demand=DEMAND
    ),
}  # fmt: skip


@cache
def planned(case: str) -> tuple[Month, list[Station], Plan]:
    month = expect(CASES[case], 2018, 9)
    parts = stations(CASES[case])
    return month, parts, plan_month(month, parts, seed=SEED, table_replications=3, period="week")


@cache
def looked_up(case: str) -> tuple[WaitingTables, pd.DataFrame]:
    month, parts, plan = planned(case)
    stays = [without(plan.tables, plan.solution, m) for m in plan.moves]
    fresh = fresh_tables(
        month, parts, plan, seed=SEED, purpose="verify", replications=R, staffings=stays
    )
    return fresh, reasons(month, plan, plan.moves, fresh, 0.9)


@cache
def simulated(case: str) -> dict[str, Measures]:
    """The plan and the plan without each move, simulated as whole months."""
    month, _, plan = planned(case)
    staffings = {"plan": plan.clerks}
    for k, m in enumerate(plan.moves):
        staffings[str(k)] = clerks_by_day(without(plan.tables, plan.solution, m), plan.spans)
    return simulate_staffings(month, staffings, seed=SEED, purpose="verify", replications=R)


def minutes(measures: Measures) -> Floats:
    """[R, H] visitor minutes of the objective."""
    goal = measures.ledger.month.scenario.objective
    return (
        measures.samples("total_wait_min", "hall")
        + goal.lost_minutes * measures.samples("lost", "hall")
        + goal.overtime_weight * measures.samples("overtime_min", "hall")
    )


def estimate(x: Floats, confidence: float) -> list[float]:
    half = stats.t.ppf(0.5 + confidence / 2, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x))
    return [x.mean(), x.mean() - half, x.mean() + half]


# Leave one out -----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_a_reason_is_the_month_simulated_without_the_move(case: str) -> None:
    """Every figure and its interval, on the same visitors."""
    _, _, plan = planned(case)
    _, table = looked_up(case)
    whole = simulated(case)
    assert list(table.columns) == REASON_COLUMNS and len(table) == len(plan.moves) > 2
    for k, m in enumerate(plan.moves):
        row = table.iloc[k]
        stay, go = whole[str(k)], whole["plan"]
        a, b = m.origin, m.destination
        assert (row["from"], row["to"]) == (plan.tables.halls[a], plan.tables.halls[b])
        saved = minutes(stay) - minutes(go)
        others = [h for h in range(len(HALLS)) if h not in (a, b)]
        assert not saved[:, others].any()
        cost = move_minutes(plan.tables, m)
        expected = {
            "gains_min": saved[:, b],
            "loses_min": -saved[:, a],
            "net_min": saved.sum(axis=1) - cost,
            "saves_wait_min": (
                stay.samples("total_wait_min") - go.samples("total_wait_min")
            )[:, 0],
            "fewer_lost": (stay.samples("lost") - go.samples("lost"))[:, 0],
        }  # fmt: skip
        span = [(plan.spans[m.first][0], plan.spans[m.last][1])]
        for name, measures, hall in (
            ("to_wait_without", stay, b), ("to_wait_with", go, b),
            ("from_wait_without", stay, a), ("from_wait_with", go, a),
        ):  # fmt: skip
            sums = measures.period_sums(span)
            expected[name] = (sums["wait_s"] / 60 / sums["tickets"])[:, 0, hall]
        for name, x in expected.items():
            found = row[[name, f"{name}_lo", f"{name}_hi"]].astype(float)
            np.testing.assert_allclose(found, estimate(x, 0.9), rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_it_is_so_in_every_single_replication(case: str) -> None:
    """Tables of one replication give that replication's difference."""
    month, _, plan = planned(case)
    fresh, _ = looked_up(case)
    whole = simulated(case)
    for r in range(R):
        alone = dataclasses.replace(fresh, values=fresh.values[r : r + 1])
        table = reasons(month, plan, plan.moves, alone, 0.9)
        for k, (gains, loses) in enumerate(zip(table.gains_min, table.loses_min, strict=True)):
            saved = (minutes(whole[str(k)]) - minutes(whole["plan"])).sum(axis=1)
            assert gains - loses == pytest.approx(saved[r], rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("case", ["plain", "whole visits"])
def test_without_a_move_its_clerks_are_at_home_and_nobody_else_moves(case: str) -> None:
    """Halls of one queue, by hand."""
    _, _, plan = planned(case)
    clerks = plan.solution.clerks.sum(axis=2)
    for m in plan.moves:
        expected = clerks.copy()
        expected[m.first : m.last + 1, m.origin] += m.clerks
        expected[m.first : m.last + 1, m.destination] -= m.clerks
        np.testing.assert_array_equal(without(plan.tables, plan.solution, m), expected)


def test_without_all_moves_everybody_is_at_home() -> None:
    """Two groups and two queues a hall: the clerks of a hall are its own again."""
    _, _, plan = planned("two groups")
    away = plan.solution.clerks.sum(axis=2) * 0
    for m in plan.moves:
        away += without(plan.tables, plan.solution, m) - plan.solution.clerks.sum(axis=2)
    halls = np.zeros((len(plan.spans), len(HALLS)), np.int64)
    for s, h in enumerate(plan.tables.station_hall):
        halls[:, h] += plan.solution.clerks[:, s].sum(axis=1) + away[:, s]
    home = plan.tables.home.sum(axis=1) - plan.solution.idle.sum(axis=2)
    np.testing.assert_array_equal(halls, home)


@pytest.mark.parametrize("case", CASES)
def test_moves_cost_together_what_the_programme_charges(case: str) -> None:
    """Objective and what its loans cost above it, less waiting; the second time with loans that last a
    day at least, which are planned pair by pair.  Long stays are left out: whoever is relieved after one
    is not told as a move."""
    for least in (0, 1):
        rules = CASES[case].transfers.model_copy(
            update={"least_stay_days": least, "long_stay_minutes": 0.0}
        )
        scenario = CASES[case].model_copy(update={"transfers": rules})
        month, parts = expect(scenario, 2018, 9), stations(scenario)
        plan = plan_month(month, parts, seed=SEED, table_replications=3, period="week")
        found = plan.solution
        charged = found.objective + found.listed - plan.tables.waiting(found.clerks)
        told = sum(move_minutes(plan.tables, m) for m in plan.moves)
        assert told == pytest.approx(charged, rel=1e-6, abs=1e-3) and told > 0


def test_a_long_stay_costs_the_periods_that_end_beyond_it_by_hand() -> None:
    """Two clerks, periods of 5, 5 and 4 days, long from the 7th day on: 9 long days at 5 minutes;
    20 minutes for an order and 1 a day for travel.  A loan that goes on has no order and is long."""
    _, _, plan = planned("plain")
    tables = dataclasses.replace(plan.tables, days=np.array([5, 5, 4]))
    move = Move(1, 2, 0, 2, 0, 2, "within_street")
    assert move_minutes(tables, move) == 2 * (20 + 14 + 9 * 5)
    assert move_minutes(tables, dataclasses.replace(move, running=True)) == 2 * (14 + 14 * 5)
    later = tables.transfers.model_copy(update={"long_stay_days": 10})  # the 10th day is none yet
    assert move_minutes(dataclasses.replace(tables, transfers=later), move) == 2 * (20 + 14 + 4 * 5)


# Missing clerks ----------------------------------------------------------------------------------


def test_missing_clerks_are_found_by_simulating_more_and_more() -> None:
    """Halls of one queue: 0, 1, … 8 clerks more everywhere, each a whole simulation."""
    month, parts, plan = planned("plain")
    fresh, _ = looked_up("plain")
    found = missing_clerks(month, parts, plan, fresh, 0.9)
    more = {str(k): plan.clerks + k for k in range(9)}
    whole = simulate_staffings(month, more, seed=SEED, purpose="verify", replications=R)
    sums = [m.period_sums(plan.spans) for m in whole.values()]
    ratio = {
        "mean_wait": np.array([x["wait_s"] / 60 / x["tickets"] for x in sums]),
        "within": np.array([x["within"] / x["visitors"] for x in sums]),
    }
    limit = {"mean_wait": 3.0, "within": 0.8}
    rows = found.set_index(["hall", "period", "target"])
    assert len(rows) > 5 and rows.missing.notna().any()
    for (h, hall), p, goal in product(
        enumerate(month.scenario.halls), range(len(plan.spans)), GOALS
    ):
        ends = np.array([estimate(x, 0.9) for x in ratio[goal.name][:, :, p, h]])
        kept = goal.sign * ends <= goal.sign * limit[goal.name]
        key = (hall.hall, p, goal.name)
        assert (key in rows.index) == (not kept[0, 0])
        if key not in rows.index:
            continue
        order = (0, 1, 2) if goal.sign > 0 else (0, 2, 1)
        top = int(fresh.upper[h] - plan.solution.clerks[p, h].sum())
        for name, column in zip(("missing", "missing_lo", "missing_hi"), order, strict=True):
            good = kept[: min(top, 8) + 1, column]
            value = rows.loc[key, name]
            if good.any():
                assert value == np.argmax(good)
            else:
                assert pd.isna(value) or value > 8
        assert rows.loc[key, "plan"] == pytest.approx(ends[0, 0])
        n = rows.loc[key, "missing"]
        assert rows.loc[key, "who"] == ("" if pd.isna(n) else f"general={n}")


def test_missing_clerks_of_two_queues_are_the_fewest_of_all_ways_to_share_them_out() -> None:
    """Up to four clerks more at each of the two queues of every hall: 25 whole simulations."""
    month, parts, plan = planned("two groups")
    fresh, _ = looked_up("two groups")
    found = missing_clerks(month, parts, plan, fresh, 0.9)
    places = np.array([p.label == "card" for p in parts])
    more = {
        f"{a} {b}": plan.clerks + np.where(places, b, a) for a, b in product(range(5), range(5))
    }
    whole = simulate_staffings(month, more, seed=SEED, purpose="verify", replications=R)
    sums = {k: m.period_sums(plan.spans) for k, m in whole.items()}
    halls = [h.hall for h in month.scenario.halls]
    checked = 0
    for _, row in found.iterrows():
        p, h = row["period"], halls.index(row["hall"])
        enough = []
        for name, x in sums.items():
            if row["target"] == "mean_wait":
                good = (x["wait_s"] / 60 / x["tickets"])[:, p, h].mean() <= 3
            else:
                good = (x["within"] / x["visitors"])[:, p, h].mean() >= 0.8
            if good:
                enough.append(sum(map(int, name.split())))
        if not pd.isna(row["missing"]) and row["missing"] <= 4:
            checked += 1
            assert row["missing"] == min(enough)
            assert sum(int(part.split("=")[1]) for part in row["who"].split("|")) == row["missing"]
        else:
            assert not enough or min(enough) > 4
    assert checked > 3


def test_where_no_target_is_set_nobody_is_missing() -> None:
    month, parts, plan = planned("whole visits")
    fresh, _ = looked_up("whole visits")
    bare = dataclasses.replace(month, scenario=month.scenario.model_copy(update={"targets": ()}))
    assert missing_clerks(bare, parts, plan, fresh, 0.9).empty


# Prices ------------------------------------------------------------------------------------------


def least(t: StaffingTables, allowed: Limit | None = None) -> float:
    """Least cost of all plans, by brute force; nan where there is none."""
    try:
        every = plans(t)
    except IndexError:  # nobody keeps the minimum and the ends of the tables
        return math.nan
    if allowed is not None and allowed.most is not None:
        (h,) = allowed.halls
        at = t.at_halls(every)[:, allowed.period, h, :].sum(axis=1)
        every = every[at <= allowed.most]
    return float(price(t, every).min()) if len(every) else math.nan


def same(a: float, b: float, scale: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 1e-6 * max(1.0, scale)


@pytest.mark.parametrize("seed", range(40))
def test_the_price_of_a_clerk_is_that_of_all_plans_with_one_more_and_one_less(seed: int) -> None:
    t = random_tables(np.random.default_rng(8000 + seed))
    found = solve(t)
    here = least(t)
    told = 0
    for _what, hall, _name, dual, minus, plus in clerk_prices(t, found, most=3):
        if math.isnan(minus) and math.isnan(plus):
            continue
        told += 1
        h = t.halls.index(hall)

        def cost(by: int, h: int = h) -> float:
            home = t.home.copy()
            home[h, 0] += by
            return least(dataclasses.replace(t, home=home)) if home[h, 0] >= 0 else math.nan

        assert same(minus, cost(-1) - here, here) and same(plus, here - cost(+1), here)
        slack = 1e-6 * max(1.0, here)
        assert math.isnan(plus) or plus <= dual + slack  # a slope of a convex function
        assert math.isnan(minus) or dual <= minus + slack
    assert told or least(t) == pytest.approx(0) or len({*found.marginal.ravel()}) < 3


@pytest.mark.parametrize("seed", range(30))
def test_so_it_is_where_the_first_period_cannot_be_changed(seed: int) -> None:
    """Everybody at home in the first of two periods, one more and one less included."""
    t = random_tables(np.random.default_rng(8300 + seed))
    t = dataclasses.replace(
        t, cost=tuple(np.repeat(c[:1], 2, axis=0) for c in t.cost), days=np.array([3, 4])
    )

    def cost(home: Ints) -> float:
        other = dataclasses.replace(t, home=home)
        try:
            every = plans(other)
        except IndexError:
            return math.nan
        every = every[(t.at_halls(every)[:, 0] == home).all(axis=(1, 2))]
        return float(price(other, every).min()) if len(every) else math.nan

    here = cost(t.home)
    if math.isnan(here):
        return
    fixed = dataclasses.replace(t, fixed=t.home[None])
    solved = set()
    for _what, hall, _name, dual, minus, plus in clerk_prices(fixed, solve(fixed), most=99):
        if round(dual, 3) in solved:
            continue  # the plan is made again for the first hall of each dual
        solved.add(round(dual, 3))
        h = t.halls.index(hall)
        more, less = t.home.copy(), t.home.copy()
        more[h, 0] += 1
        less[h, 0] -= 1
        assert same(plus, here - cost(more), here)
        assert same(minus, cost(less) - here if less.min() >= 0 else math.nan, here)
        slack = 1e-6 * max(1.0, here)
        assert math.isnan(plus) or plus <= dual + slack
        assert math.isnan(minus) or dual <= minus + slack
    assert solved


@pytest.mark.parametrize("seed", range(40))
def test_the_price_of_a_limit_is_that_of_all_plans_with_one_more_and_one_less(seed: int) -> None:
    """No more clerks in the hall that has most than one less than it would get."""
    rng = np.random.default_rng(8100 + seed)
    t = random_tables(rng)
    free = t.at_halls(solve(t).clerks)[0].sum(axis=1)
    h = int(free.argmax())
    cap = Limit("cap", "clerks", (h,), (0,), 0, most=max(int(free[h]) - 1, int(t.minimum[h, 0])))
    tight = dataclasses.replace(t, limits=(cap,))
    here = least(t, cap)
    if math.isnan(here):
        return  # nobody fits elsewhere
    rows = {row[2]: row for row in limit_prices(tight, solve(tight), most=9)}
    if "cap" in rows:
        what, hall, _, dual, minus, plus = rows["cap"]
        assert (what, hall) == ("limit", t.halls[h])
        by = {k: dataclasses.replace(cap, most=(cap.most or 0) + k) for k in (-1, 1)}
        assert same(plus, here - least(t, by[1]), here)
        assert math.isnan(minus) or same(minus, least(t, by[-1]) - here, here)
        slack = 1e-6 * max(1.0, here)
        assert plus <= dual + slack and (math.isnan(minus) or dual <= minus + slack)
    else:
        looser = dataclasses.replace(cap, most=(cap.most or 0) + 1)
        assert same(here, least(t, looser), here)


@pytest.mark.parametrize("seed", range(20))
def test_the_price_of_a_move_is_that_of_all_plans_with_one_order_more_and_less(seed: int) -> None:
    """One period: the orders of a plan are the clerks away from home."""
    t = random_tables(np.random.default_rng(8200 + seed))
    t = dataclasses.replace(t, cost=tuple(c[:1] for c in t.cost), days=t.days[:1])

    def best(orders: int) -> float:
        every = plans(t)
        lent = np.maximum(t.home - t.at_halls(every)[:, 0], 0).sum(axis=(1, 2))
        few = every[lent <= orders]
        return float(price(t, few).min()) if len(few) else math.nan

    cap = Limit("moves", "orders", tuple(range(len(t.halls))), (0,), 0, most=1)
    tight = dataclasses.replace(t, limits=(cap,))
    found = solve(tight)
    if found.relaxed:
        return
    assert same(found.objective, best(1), best(1) * 100)
    looser, tighter = (with_room(tight, "moves", by) for by in (1, -1))
    assert looser and tighter
    assert same(solve(looser).objective, best(2), best(2) * 100)
    for row in limit_prices(tight, found, most=9):
        if row[2] == "moves":
            assert row[0] == "move"
            assert same(row[5], best(1) - best(2), best(1) * 200)
            assert math.isnan(row[4]) or same(row[4], best(0) - best(1), best(0) * 200)


def test_the_price_of_a_window_is_that_of_the_district_with_one_more_and_one_less() -> None:
    """The district described anew with another window, its tables simulated and all plans tried."""
    halls = HALLS[1:5]  # A, A1, A2, B
    names = [h.hall for h in halls]

    def district(**windows: int) -> Scenario:
        return small(
            halls=halls,
            windows=tuple(Windows(hall=h, count=windows.get(h, 2)) for h in names),
            clerks=tuple(Clerks(hall=h, count=2) for h in names),
            demand=tuple(Demand(halls=(h,), item="permit", volume=9000 + 4000 * k)
                         for k, h in enumerate(names)),
            transfers=Transfers(within_street=CHEAP, between_streets=CHEAP, with_district=CHEAP),
        )  # fmt: skip

    def cost(**windows: int) -> float:
        scenario = district(**windows)
        month, parts = expect(scenario, 2018, 9), stations(scenario)
        none = np.zeros(len(parts), np.int64)
        tables = waiting_tables(month, parts, none, none + 8, seed=SEED, replications=3)
        t = programme_tables(month, parts, tables, [(0, 29)])
        return float(price(t, plans(t)).min())

    month, parts = expect(district(), 2018, 9), stations(district())
    plan = plan_month(month, parts, seed=SEED, table_replications=3, period="month")
    table = shadow_prices(month, parts, plan, seed=SEED, replications=3)
    windows = table[table.what == "window"].set_index("hall")
    assert len(windows) >= 2 and windows.dual.isna().all()
    here = cost()
    for hall, row in windows.iterrows():
        assert row.plus_one == pytest.approx(here - cost(**{str(hall): 3}), abs=1e-4 * here)
        assert row.minus_one == pytest.approx(cost(**{str(hall): 1}) - here, abs=1e-4 * here)
    clerks = table[table.what == "clerk"]
    assert len(clerks) == 4 and (clerks.dual.diff().dropna() <= 0).all()


def test_a_plan_that_had_to_give_up_limits_is_best_without_them() -> None:
    """Two halls of one clerk each, and three asked for: with what was given up it is no contradiction."""
    t = random_tables(np.random.default_rng(1))
    all_halls = tuple(range(len(t.halls)))
    asked = Limit("asked", "clerks", all_halls, (0,), 0, least=int(t.home.sum()) + 2)
    t = dataclasses.replace(t, limits=(asked,), minimum_name={(0, 0): "own"})
    found = solve(t)
    assert sum(r.by for r in found.relaxed) == 2
    again = solve(as_relaxed(t, found))
    assert not again.relaxed
    assert again.objective == pytest.approx(found.objective)
