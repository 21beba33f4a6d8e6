"""Cutting windows: the choice against brute force, its cost against simulation, knees by hand."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from rich.console import Console

from hallsim.cli import commands
from hallsim.closures import Closures, ClosureTables
from hallsim.cut_page import as_json, files, screen_table
from hallsim.cut_words import estimate_text
from hallsim.cutting import Cut, Goal, cost_by_both, cut, knee, merged
from hallsim.demand import expect
from hallsim.draw import Chance, Purpose
from hallsim.measure import Measures
from hallsim.outcomes import Staffed, outcomes
from hallsim.planning import ClosedMonth
from hallsim.problems import ScenarioProblems
from hallsim.records import Ints
from hallsim.scenario import (
    CalendarDay,
    Clerks,
    Demand,
    Hours,
    Item,
    Run,
    Scenario,
    Staffing,
    Target,
    Transfers,
    TransferTier,
    Weight,
    Windows,
)
from hallsim.simulate import simulate_staffings
from hallsim.staff import DISTRICT, NoPlan, StaffingTables
from hallsim.staffing import solve
from hallsim.stations import stations
from hallsim.text import Language
from hallsim.waiting import waiting_tables
from small import CARD, HALLS, PERMIT, full, lone, small

TARGETS = (Target(mean_wait_minutes=15, within_minutes=15, share=0.7),)


# The choice of windows --------------------------------------------------------------------------


def tables(
    rng: np.random.Generator, street: list[int], home: list[int], windows: list[int],
    groups: tuple[tuple[int, ...], ...] | None = None, minimum: int = 0, plain: bool = True,
) -> ClosureTables:  # fmt: skip
    """One station a hall, with costs of any shape; each hall its own street number or DISTRICT."""
    halls = len(street)
    names = 1 if groups is None else 1 + max(g for own in groups for g in own)
    at_home = np.zeros((halls, names), np.int64)
    for h, n in enumerate(home):
        at_home[h, (groups[h][0] if groups else 0)] = n
    total = sum(home)
    within, more, other = rng.uniform(1, 40, 3)
    between = within + more
    district = between if plain else between / 2 + other
    x = Transfers(
        within_street=TransferTier(order_minutes=within, travel_minutes=0),
        between_streets=TransferTier(order_minutes=between, travel_minutes=0),
        with_district=TransferTier(order_minutes=district, travel_minutes=0),
    )
    d = StaffingTables(
        halls=tuple(f"h{h}" for h in range(halls)),
        street=np.array(street),
        groups=tuple(f"g{g}" for g in range(names)),
        home=at_home,
        minimum=np.minimum(at_home, minimum),
        station_hall=np.arange(halls),
        station_groups=groups or ((0,),) * halls,
        lower=np.zeros(halls, np.int64),
        cost=(),
        days=np.array([20]),
        transfers=x,
    )
    cost = tuple(rng.uniform(0, 100, (total + 1, w + 1)).cumsum(axis=0)[::-1] for w in windows)
    return ClosureTables(d, cost, np.ones(halls, np.int64), np.array(windows))


def brute_force(t: ClosureTables, windows: int, clerks: int) -> float:
    """Least cost over all choices; transfers are priced by an exhaustive matching of clerks."""
    total = int(t.district.home.sum())
    least = np.inf
    for left in itertools.product(*(range(1, w + 1) for w in t.most)):
        if sum(left) != windows:
            continue
        for staff in itertools.product(range(total + 1), repeat=len(t.cost)):
            if sum(staff) != clerks or any(staff < t.district.minimum.sum(axis=1)):
                continue
            cost = sum(float(c[n, w]) for c, n, w in zip(t.cost, staff, left, strict=True))
            least = min(least, cost + transport(t.district, np.array(staff)))
    return least


def transport(d: StaffingTables, staff: Ints) -> float:
    """Cheapest way for clerks to get to where they are too few, clerk by clerk."""
    home = d.home.sum(axis=1)
    spare = [h for h in range(len(home)) for _ in range(max(0, home[h] - staff[h]))]
    need = [h for h in range(len(home)) for _ in range(max(0, staff[h] - home[h]))]
    x = d.transfers

    def price(a: int, b: int) -> float:
        if DISTRICT in (d.street[a], d.street[b]):
            return x.with_district.order_minutes
        same = d.street[a] == d.street[b]
        return x.within_street.order_minutes if same else x.between_streets.order_minutes

    return min(
        (sum(price(a, b) for a, b in zip(chosen, need, strict=True))
         for chosen in itertools.permutations(spare, len(need))),
        default=np.inf,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_the_choice_equals_brute_force_for_every_number_of_windows_and_clerks(seed: int) -> None:
    """Costs of any shape, not convex.  Where moves between streets and with the district hall cost
    the same the choice is exact, else it is within its gap."""
    rng = np.random.default_rng(seed)
    street = [[DISTRICT, 0, 0], [0, 0, 1], [DISTRICT, 0, 1]][seed % 3]
    t = tables(rng, street, [2, 1, 1], [2, 2, 2], minimum=seed // 3, plain=seed % 2 == 0)
    closures = Closures(t)
    assert closures.windows == (3, 6)
    for windows, clerks in itertools.product(range(3, 7), range(5)):
        true = brute_force(t, windows, clerks)
        if np.isfinite(true):
            found = closures.best(windows, clerks)
            assert (found.windows.sum(), found.clerks.sum()) == (windows, clerks)
            assert found.bound <= true + 1e-6 <= found.cost + 2e-6
            if seed % 2 == 0:
                assert found.cost == pytest.approx(true) and found.gap < 1e-9
        else:
            with pytest.raises(NoPlan):
                closures.best(windows, clerks)


def test_a_stated_gap_where_clerks_come_from_where_it_is_dearer() -> None:
    """Moving from the district hall is dearer than between streets, but only it has clerks to spare."""
    rng = np.random.default_rng(5)
    t = tables(rng, [DISTRICT, 0, 1], [4, 0, 0], [2, 1, 1])
    x = TransferTier(order_minutes=30, travel_minutes=0)
    dear = TransferTier(order_minutes=90, travel_minutes=0)
    d = dataclasses.replace(
        t.district, transfers=Transfers(within_street=x, between_streets=x, with_district=dear)
    )
    t = dataclasses.replace(t, district=d)
    true = brute_force(t, 4, 4)
    found = Closures(t).best(4, 4)
    assert found.bound <= true + 1e-9 <= found.cost + 2e-9
    assert found.gap == pytest.approx((found.cost - found.bound) / found.cost)


def test_with_given_windows_it_is_the_staffing_programme() -> None:
    """The linear programme of `recommend`, solved by HiGHS, is another way to the same cost."""
    rng = np.random.default_rng(11)
    home, windows = [5, 3, 4, 2, 3], [4, 3, 3, 2, 2]
    t = tables(rng, [DISTRICT, 0, 0, 1, 1], home, windows, minimum=1)
    convex = tuple(
        (100.0 * (1 + h) / (1 + np.arange(18.0)))[:, None] / (1 + np.arange(w + 1.0))
        for h, w in enumerate(windows)
    )
    t = dataclasses.replace(t, cost=convex)
    for leaving in (0, 4):
        found = Closures(t).staffed(t.most, 17 - leaving)
        columns = tuple(cost[None, :, w] for cost, w in zip(convex, windows, strict=True))
        solved = solve(dataclasses.replace(t.district, cost=columns, leaving=leaving))
        assert found.cost == pytest.approx(solved.objective, rel=1e-4)


def test_clerks_work_only_where_their_group_can() -> None:
    """Two groups that share no window: each is moved by itself, windows are chosen together."""
    rng = np.random.default_rng(3)
    t = tables(rng, [0, 0, 0], [2, 0, 2], [2, 2, 2], groups=((0,), (0,), (1,)))
    for windows in range(3, 7):
        least = np.inf
        for left in itertools.product(range(1, 3), repeat=3):
            for first in range(3):
                if sum(left) == windows:
                    staff = np.array([2 - first, first, 2])
                    cost = sum(float(c[n, w]) for c, n, w in zip(t.cost, staff, left, strict=True))
                    least = min(
                        least, cost + first * t.district.transfers.within_street.order_minutes
                    )
        found = Closures(t).best(windows, 4)
        assert found.cost == pytest.approx(least)
        assert found.clerks[2] == 2


def test_overlapping_groups_are_staffed_by_the_programme_and_the_gap_is_stated() -> None:
    """One group can work in the first hall only; the bound ignores that, the plan does not."""
    rng = np.random.default_rng(4)
    t = tables(rng, [0, 0], [2, 0], [2, 2], groups=((0, 1), (1,)))
    d = dataclasses.replace(
        t.district, home=np.array([[2, 0], [0, 1]]), minimum=np.zeros((2, 2), np.int64)
    )
    cost = tuple(60.0 / (1 + np.arange(4.0))[:, None] / (1 + np.arange(3.0)) for _ in range(2))
    found = Closures(dataclasses.replace(t, district=d, cost=cost)).best(3, 3)
    assert found.clerks[1] <= 1  # the two of the first group stay
    assert found.bound <= found.cost and 0 <= found.gap < 1


def test_cheaper_with_more_windows_and_convex_where_the_tables_are() -> None:
    """Costs that fall with clerks and windows: so does the least cost.  a / w is convex, and so is
    the least sum of convex functions at a given sum."""
    t = tables(np.random.default_rng(0), [0, 0, 1], [2, 2, 1], [5, 4, 3])
    cost = tuple(
        np.tile(a / (0.5 + np.arange(w + 1.0)), (6, 1))
        for a, w in zip((90, 60, 20), t.most, strict=True)
    )
    closures = Closures(dataclasses.replace(t, cost=cost))
    least = np.array([closures.least(k, 5) for k in range(3, 13)])
    assert (np.diff(least) <= 1e-9).all()
    assert (np.diff(least, 2) >= -1e-9).all()


def test_no_rule_of_thumb_is_better_by_the_tables() -> None:
    t = tables(np.random.default_rng(8), [0, 0, 1], [2, 2, 1], [3, 3, 2])
    closures = Closures(t)
    for left in itertools.product((1, 2, 3), (1, 2, 3), (1, 2)):
        windows = np.array(left)
        assert closures.best(sum(left), 5).cost <= closures.staffed(windows, 5).cost + 1e-9


# What a month costs by clerks and windows -------------------------------------------------------

ABSENT = Staffing(leave_rate=0.1, absence_rate=0.1, other_duty_rate=0.2)


def staffed(scenario: Scenario, clerks: int, windows: int | None, purpose: Purpose) -> Measures:
    month = expect(scenario, 2026, 3)
    left = None if windows is None else {"x": np.array([windows])}
    found = simulate_staffings(
        month,
        {"x": np.full((31, 1), clerks)},
        seed=4,
        purpose=purpose,
        windows=left,
        replications=3,
    )
    return found["x"]


def test_the_table_of_both_is_what_a_simulation_counts() -> None:
    """Clerks who are on leave or absent, windows that are closed: cost of waiting, lost visitors and
    overtime in the table equals that of simulating the staffing on the same visitors."""
    scenario = lone(open=4, staff=5, staffing=ABSENT, volume=60000)
    month, parts = expect(scenario, 2026, 3), stations(scenario)
    all_open = waiting_tables(
        month, parts, np.array([0]), np.array([4]), seed=4, replications=3, by_windows=True
    )
    by_open = all_open.costs(120.0, 1.0)[:, :, 0]
    chance = Chance(month, parts, 4, "plan")
    present = np.array(
        [[chance.windows_open(np.full(31, n), r) for n in range(7)] for r in range(3)]
    )
    table = cost_by_both(by_open, present)
    for clerks, windows in itertools.product(range(7), range(5)):
        measures = staffed(scenario, clerks, windows, "plan").table().set_index("measure")["mean"]
        cost = measures["total_wait_min"] + 120 * measures["lost"] + measures["overtime_min"]
        assert table[clerks, windows] == pytest.approx(cost)


@pytest.mark.parametrize("clerks", [2, 5])
def test_closed_windows_are_windows_that_a_scenario_does_not_have(clerks: int) -> None:
    """The same visitors, clerks and absences: cutting two of four windows is having two."""
    many, few = (lone(open=n, staff=5, staffing=ABSENT, volume=60000) for n in (4, 2))
    pd.testing.assert_frame_equal(
        staffed(many, clerks, 2, "verify").table(), staffed(few, clerks, None, "verify").table()
    )


def test_waits_of_the_curve_are_those_of_theory() -> None:
    """One hall, Poisson arrivals all day, exponential work: with 2 of 4 windows left the mean wait is
    near the one of M/M/2.  A day of 9 hours starts empty, so it stays below; by less than a fifth,
    as the relaxation time is short against the day.  Interval of 5 months at 99 %: 1 alarm in 100
    if it were equal."""
    hours = Hours(weekdays="08:00-23:00")  # type: ignore[arg-type]
    item = Item(item="permit", minutes=6, cv=1.0, law="exponential")
    days = sum(expect(lone(), 2026, m).open[:, 0].sum() for m in range(1, 13))
    scenario = lone(
        open=4, staff=4, hours=hours, items=(item,), volume=15 * days * 14,
        targets=(), run=Run(confidence=0.99),
    )  # fmt: skip
    found = cut(scenario, "2026-03", replications=5, table_replications=2)
    row = found.curve().set_index("windows").loc[2]
    a = 14 * 6 / 60  # Erlangs at two windows
    erlang_c = a * a / 2 * 2 / (2 - a) / (1 + a + a * a / 2 * 2 / (2 - a))
    theory = erlang_c * 6 / (2 - a)
    assert 0.8 * theory < row["hi"] and row["lo"] < theory


# The study ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hall", [None, "A"])
@pytest.mark.parametrize("make", [small, full])
def test_looked_up_figures_are_those_of_simulating_each_choice(
    make: Callable[..., Scenario], hall: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Station-days stand alone, so what is known of each number of open windows is all there is."""
    targets = (*TARGETS, Target(tier="street", mean_wait_minutes=10))
    words: dict[str, Any] = {"hall": hall, "replications": 2, "table_replications": 2}
    words["fewest"] = 2 if hall else 18
    scenario = make(targets=targets, staffing=ABSENT)
    looked_up = cut(scenario, "2026-03", **words)
    monkeypatch.setattr("hallsim.cutting.can_look_up", lambda month: False)
    simulated = cut(scenario, "2026-03", **words)
    pd.testing.assert_frame_equal(looked_up.table, simulated.table)


def test_a_hundred_thousand_waits_of_a_hall_day_are_all_looked_up() -> None:
    """More short waits than 16 bits hold.  Of N visitors a day three quarters come evenly until 17:00
    and find one of four windows free; the rest come within a minute and are served at 4 a second: 90 %
    of all waited less than whoever came 36 s into it, behind 0.15 N.  The pooled quantile has a
    standard error of 17 s; false alarm below 1e-8.
    """
    spans = (("09:00-17:00", 3), ("17:00-17:01", 1))
    scenario = lone(
        volume=26_000_000, open=4, staff=4,
        hours=Hours(weekdays="09:00-18:00"),  # type: ignore[arg-type]
        items=(Item(item="permit", minutes=1 / 60, cv=0, hours="late"),),
        profiles=tuple(Weight(profile="late", kind="hour", key=k, weight=w) for k, w in spans),
    )  # fmt: skip
    month, four = expect(scenario, 2018, 9), np.array([4])
    found = outcomes(
        month, stations(scenario), [Staffed(four, four)], seed=1, purpose="verify", replications=1
    )[0]
    a_day = found.values("visitors") / month.open.sum()
    assert a_day > 100_000
    assert abs(found.p90_s - (0.15 * a_day / 4 - 36)) < 100


@pytest.fixture(scope="module")
def found() -> Cut:
    scenario = small(targets=TARGETS, staffing=ABSENT)
    return cut(scenario, "2026-03", replications=4, table_replications=3)


def test_every_number_of_windows_has_its_choice(found: Cut) -> None:
    assert list(found.curve()["windows"]) == list(range(22, 5, -1))
    assert found.windows == 22 and found.clerks == 17
    plans = found.plans
    for (study, _, windows, clerks), rows in plans.groupby(["study", "rule", "windows", "clerks"]):
        assert rows["open"].sum() == windows and rows["staff"].sum() == clerks, study
        assert (rows["open"] >= 1).all()
    for windows in range(6, 23):
        assert sum(found.closed(windows).values()) == 22 - windows
    assert found.gap < 1e-9
    assert {"clerks", "map"} <= set(found.table.study)


def test_fewer_windows_or_clerks_never_wait_less_beyond_the_intervals(found: Cut) -> None:
    for study in ("windows", "clerks"):
        line = found.curve(study=study)
        best_so_far = line["mean"].cummax()
        assert (line["hi"] >= best_so_far - 0.02 * best_so_far).all()


def test_in_proportion_by_hand(found: Cut) -> None:
    """Of 5, 4, 3, 3, 4, 3 windows one goes where the largest share is left, counted half a window
    back: D at 0.9, then A and B at 0.875, then the halls of 3 at 0.833, then D at 0.7."""
    order = []
    for windows in range(21, 14, -1):
        now, before = (found.closed(n, "proportional") for n in (windows, windows + 1))
        order += [h for h in now if now[h] > before.get(h, 0)]
    assert order == ["D", "A", "B", "A1", "A2", "B1", "D"]


def test_the_least_busy_window_goes_first() -> None:
    """D has nine times the visitors of A and twice its windows: its work per window is 4.5 times."""
    scenario = small(
        halls=HALLS[:2], items=(CARD,), targets=TARGETS,
        windows=(Windows(hall="D", count=6), Windows(hall="A", count=3)),
        clerks=(Clerks(hall="D", count=6), Clerks(hall="A", count=3)),
        demand=(Demand(halls=("D",), item="card", volume=27000),
                Demand(halls=("A",), item="card", volume=3000)),
    )  # fmt: skip
    found = cut(scenario, "2026-03", fewest=6, replications=2, table_replications=2)
    assert [found.closed(n, "least_used") for n in (8, 7, 6)] == [
        {"A": 1}, {"A": 2}, {"D": 1, "A": 2},
    ]  # fmt: skip


def test_equal_seeds_give_equal_figures(found: Cut) -> None:
    scenario = small(targets=TARGETS, staffing=ABSENT)
    again = cut(scenario, "2026-03", fewest=18, replications=4, table_replications=3, jobs=2)
    both = found.curve().merge(again.curve(), on=["windows", "clerks"])
    assert len(both) == 5 and (both["mean_x"] == both["mean_y"]).all()


def test_one_hall_closes_nowhere_else() -> None:
    scenario = small(targets=TARGETS)
    found = cut(scenario, "2026-03", hall="A", replications=2, table_replications=2)
    assert list(found.curve()["windows"]) == [4, 3, 2, 1]
    assert all(set(found.closed(n)) == {"A"} for n in (3, 2, 1))
    assert set(found.table.rule) == {"best"} and set(found.table.study) == {"windows"}
    assert "district_mean_wait_min" in set(found.table.measure)
    assert all(h == "A" for h in as_json(found)["curve"][-1]["closed"])


def test_knees_by_hand() -> None:
    """Falling numbers; the target holds while the whole interval is on its side."""
    goal = Goal("mean_wait", "*", 10)
    line = pd.DataFrame({"mean": [5, 7, 9.5, 9], "lo": [4, 6, 9, 8], "hi": [6, 8, 10.5, 9.5]})
    assert knee(goal, [9, 8, 7, 6], line) == (8, "limit", 7, 9.5, 9, 10.5)
    assert knee(goal, [9, 8], line[:2]) == (8, "always", 8, 7, 6, 8)
    assert knee(goal, [7], line[2:3]) == (None, "never", 7, 9.5, 9, 10.5)
    share = Goal("within", "*", 0.6, 30)
    line = pd.DataFrame({"mean": [0.7, 0.62], "lo": [0.65, 0.59], "hi": [0.75, 0.65]})
    assert knee(share, [5, 4], line)[:3] == (5, "limit", 4)


def test_halls_that_miss_are_counted_by_their_own_target(found: Cut) -> None:
    """Surely missing <= by the estimate <= possibly, and all six where two windows serve nobody."""
    rows = found.table[found.table.measure == "halls_over_mean_wait"]
    assert ((rows["lo"] <= rows["mean"]) & (rows["mean"] <= rows["hi"])).all()
    assert rows["hi"].between(0, 6).all()


def test_where_people_choose_among_halls_the_choice_is_not_called_the_best(found: Cut) -> None:
    """Tables keep everybody in the own hall, so what is best by them need not be."""
    items = (PERMIT.model_copy(update={"any_hall": "district"}), CARD)
    free = dataclasses.replace(found, scenario=found.scenario.model_copy(update={"items": items}))
    assert any("even a rule of thumb" in note for note in as_json(free)["notes"])
    assert not any("none costs less" in note for note in as_json(free)["notes"])
    assert any("none costs less" in note for note in as_json(found)["notes"])


# Windows for different items ----------------------------------------------------------------------


def specialist() -> Scenario:
    two = (
        Windows(hall="D", kind="specialist", label="p", items=("permit",), count=3, speed=110),
        Windows(hall="D", kind="specialist", label="c", items=("card",), count=1, speed=90),
    )
    return lone(
        items=(PERMIT, CARD), windows=two, clerks=(Clerks(hall="D", count=4, minimum=3),),
        demand=tuple(Demand(halls=("D",), item=i, volume=9000) for i in ("permit", "card")),
        targets=TARGETS,
    )  # fmt: skip


def test_windows_that_are_left_serve_every_item_of_the_hall() -> None:
    new, halls = merged(specialist())
    assert halls == ("D",)
    (row,) = new.windows
    assert (row.count, row.speed, row.kind) == (4, 105, "comprehensive")  # 3 at 110, 1 at 90
    assert set(row.items) == {"permit", "card"}
    assert new.clerks[0].minimum == 2  # two kinds become one
    wide = Windows(hall="D", count=0, speed=95)
    whole, _ = merged(specialist().model_copy(update={"windows": (*specialist().windows, wide)}))
    assert [(w.count, w.speed, w.items) for w in whole.windows] == [(4, 95, ("*",))]
    plain = lone()
    assert merged(plain) == (plain, ())


def test_windows_that_keep_their_items_leave_one_of_each() -> None:
    kept = cut(specialist(), "2026-03", merge=False, replications=2, table_replications=2)
    assert int(kept.curve()["windows"].min()) == 2 and not kept.merged
    less = cut(specialist(), "2026-03", replications=2, table_replications=2)
    assert int(less.curve()["windows"].min()) == 1 and less.merged == ("D",)


# Bad input and what people see --------------------------------------------------------------------


def test_numbers_of_windows_that_there_are_not() -> None:
    with pytest.raises(ScenarioProblems) as error:
        cut(small(), "2026-03", most=40, fewest=3)
    assert [p.rule for p in error.value.problems] == ["windows_most", "windows_fewest"]
    with pytest.raises(ScenarioProblems) as error:
        cut(small(), "2026-03", most=10, fewest=12)
    assert [p.rule for p in error.value.problems] == ["windows_order"]
    with pytest.raises(ScenarioProblems) as error:
        cut(small(), "2026-03", hall="a1 ")
    assert error.value.problems[0].suggestion == "A1"
    with pytest.raises(ScenarioProblems):
        cut(small(), "2026-13")


def test_a_target_that_nothing_meets_is_said_plainly() -> None:
    scenario = small(targets=(Target(mean_wait_minutes=0.001),))
    found = cut(scenario, "2026-03", fewest=20, replications=2, table_replications=2)
    assert set(found.knees["why"]) == {"never"} and found.knees["least"].isna().all()
    told = as_json(found)
    assert told["knee"][0]["windows"] is None and told["knee"][0]["why"] == "never"
    assert any("with no number of windows" in note for note in told["notes"])


def test_json_has_the_curve_the_knees_and_the_map(found: Cut) -> None:
    told = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert [row["windows"] for row in told["curve"]] == list(range(22, 5, -1))
    last = told["curve"][-1]
    assert sum(last["closed"].values()) == 16
    for measure in ("mean_wait_min", "p90_wait_min", "within_share", "lost"):
        assert last[measure]["lo"] <= last[measure]["mean"] <= last[measure]["hi"]
    assert set(last["rule_of_thumb"]) == {"proportional", "least_used"}
    assert {k["target"] for k in told["knee"]} == {"mean_wait", "within"}
    assert {(p["windows"], p["clerks"]) for p in told["map"]} >= {(22, 17)}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.filterwarnings("error")
def test_files_in_both_languages(found: Cut, language: Language) -> None:
    """A missing glyph would be a warning."""
    made = files(found, language)
    assert {"cut.csv", "cut-halls.csv", "cut.json", "cut.png", "cut.svg", "cut-map.svg"} <= set(
        made
    )
    rows = str(made["cut.csv"]).splitlines()
    assert len(rows) == 1 + len(
        found.plans[["study", "rule", "windows", "clerks"]].drop_duplicates()
    )
    page = io.StringIO()
    Console(width=160, file=page).print(screen_table(found, language))
    shown = page.getvalue()
    assert ("全区" in shown) == (language == "zh")
    assert "nan" not in shown


def test_the_command(tmp_path: Path) -> None:
    scenario = Path(__file__).parent.parent / "scenarios" / "longhua-shenzhen"
    words = ["cut", str(scenario), "--month", "2018-09", "--to", "238", "--replications", "2"]
    few = ["--set", "run.table_replications=2", "--lang", "en"]
    done = CliRunner().invoke(commands, [*words, *few, "--json", "--out", str(tmp_path / "x")])
    told = json.loads(done.stdout)
    assert [row["windows"] for row in told["curve"]] == [240, 239, 238]
    assert json.loads((tmp_path / "x" / "cut.json").read_text("utf-8")) == told
    assert (tmp_path / "x" / "cut.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_month_in_which_no_hall_opens_is_refused() -> None:
    closed = CalendarDay(first="2018-09-01", last="2018-09-30", day="closed")  # type: ignore[arg-type]
    with pytest.raises(ClosedMonth):
        cut(small(calendar=(closed,)), "2018-09", replications=2, table_replications=2)


def test_an_end_of_an_interval_is_not_told_as_the_target_that_it_misses() -> None:
    knee = {"target": "mean_wait", "limit": 10.0, "mean": 9.432, "lo": 8.81, "hi": 10.049}
    assert estimate_text(knee, "en") == "9.43 [8.81, 10.05] minutes"
    assert estimate_text({**knee, "hi": 10.06}, "en") == "9.4 [8.8, 10.1] minutes"
    share = {"target": "within", "limit": 0.6, "mean": 0.62, "lo": 0.59996, "hi": 0.64}
    assert estimate_text(share, "en") == "62.000% [59.996%, 64.000%]"
