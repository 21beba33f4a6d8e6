"""Plans for several futures: against every plan there is, and what must hold between them.

Nothing here is left to chance: seeds are fixed, and what is compared is equal or ordered for every seed.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console
from scipy.optimize import linear_sum_assignment

from hallsim.cli_hedge import hedge as command
from hallsim.demand import expect
from hallsim.hedge_report import clerks_table, plan_name, shown
from hallsim.hedging import (
    AIMS,
    HOME,
    Aim,
    Course,
    Hedge,
    hedge_courses,
    own_plan,
    read_futures,
    shares_of,
    solve_for,
    unlike,
    waiting_cost,
)
from hallsim.problems import ScenarioProblems
from hallsim.scenario import Clerks, Demand, Run, Transfers, TransferTier, Windows
from hallsim.simulate import simulate_month, simulate_staffings
from hallsim.staff import DISTRICT, Future, StaffingTables, order_of, travel_of
from hallsim.staffing import solve
from hallsim.text import Language
from small import CLERKS, WINDOWS, YEARLY, small

LONGHUA = Path(__file__).parents[1] / "scenarios" / "longhua-shenzhen"
TOLERANCE = 2e-4
"""The solver may stop within 1e-4 of the best."""


# every plan there is ------------------------------------------------------------------------------


def random_tables(seed: int) -> tuple[StaffingTables, float]:
    """Up to 4 halls and 8 clerks, one period, 2 to 4 futures of convex tables; and a tail."""
    rng = np.random.default_rng(seed)
    halls, clerks = int(rng.integers(2, 5)), int(rng.integers(3, 9))
    home = rng.multinomial(clerks, np.ones(halls) / halls)
    street = np.array([DISTRICT, 0, 0, 1])[rng.permutation(4)[:halls]]
    futures = []
    for k in range(int(rng.integers(2, 5))):
        slopes = [-np.sort(-rng.gamma(1, 100 * rng.gamma(1), clerks)) for _ in range(halls)]
        cost = tuple(
            np.concatenate(([s.sum()], s.sum() - np.cumsum(s)))[None] + rng.uniform(0, 50)
            for s in slopes
        )
        futures.append(Future(f"f{k}", float(rng.uniform(0.1, 2)), cost))
    a, b = np.sort(rng.uniform(0, 30, 2))
    tier = [TransferTier(order_minutes=x, travel_minutes=x / 20) for x in (a, b, b)]
    tables = StaffingTables(
        halls=tuple(f"h{k}" for k in range(halls)), street=street, groups=("general",),
        home=home[:, None], minimum=np.zeros((halls, 1), np.int64),
        station_hall=np.arange(halls), station_groups=((0,),) * halls,
        lower=np.zeros(halls, np.int64), cost=futures[0].cost, days=np.array([5]),
        transfers=Transfers(within_street=tier[0], between_streets=tier[1], with_district=tier[2]),
        futures=tuple(futures),
    )  # fmt: skip
    return tables, float(rng.uniform(0.05, 1))


def every_plan(tables: StaffingTables) -> Iterator[tuple[int, ...]]:
    total = int(tables.home.sum())
    for plan in itertools.product(range(total + 1), repeat=len(tables.halls)):
        if sum(plan) == total:
            yield plan


def moving(tables: StaffingTables, plan: tuple[int, ...]) -> float:
    """The cheapest way to send clerks about: an assignment of those who leave to the empty seats."""
    change = np.array(plan) - tables.home[:, 0]
    lenders = np.repeat(np.arange(len(plan)), np.maximum(-change, 0))
    borrowers = np.repeat(np.arange(len(plan)), np.maximum(change, 0))
    price = np.array(
        [
            [order_of(tables, a, b) + 5 * tables.transfers.travel_weight * travel_of(tables, a, b)
             for b in borrowers]
            for a in lenders
        ]
    ).reshape(len(lenders), len(borrowers))  # fmt: skip
    return float(price[linear_sum_assignment(price)].sum())


def costs(tables: StaffingTables, plan: tuple[int, ...]) -> np.ndarray:
    """[K] of a plan, moves included."""
    move = moving(tables, plan)
    return np.array(
        [
            sum(float(c[0, n]) for c, n in zip(f.cost, plan, strict=True)) + move
            for f in tables.futures
        ]
    )


def value(aim: Aim, of: np.ndarray, weight: np.ndarray, tail: float, best: np.ndarray) -> float:
    """What is minimised, of the costs [K] of a plan; cvar by the formula of Rockafellar and Uryasev."""
    share = weight / weight.sum()
    if aim == "cvar":
        return float(min(level + share @ np.maximum(of - level, 0) / tail for level in of))
    return float({"expected": share @ of, "worst": of.max(), "regret": (of - best).max()}[aim])


@pytest.mark.parametrize("seed", range(60))
def test_no_plan_is_better_than_the_one_found(seed: int) -> None:
    tables, tail = random_tables(seed)
    weight = np.array([f.weight for f in tables.futures])
    table = {plan: costs(tables, plan) for plan in every_plan(tables)}
    best = np.min(list(table.values()), axis=0)
    alone = [
        solve(dataclasses.replace(tables, cost=f.cost, futures=())).objective
        for f in tables.futures
    ]
    assert alone == pytest.approx(best)
    for aim in AIMS:
        found = solve_for(tables, aim, tail, alone)
        plan = tuple(int(n) for n in found.clerks[0, :, 0])
        reached = value(aim, table[plan], weight, tail, best)
        least = min(value(aim, c, weight, tail, best) for c in table.values())
        assert reached <= least + TOLERANCE * max(best.max(), 1), aim
        shift = best.max() if aim == "regret" else 0.0
        assert found.objective == pytest.approx(reached + shift, rel=1e-6, abs=1e-4), aim


# simulated districts ------------------------------------------------------------------------------

RUN = Run(seed=7, replications=3, table_replications=4)


def course(
    name: str, share: float, scale: dict[str, float] | float = 1.0, **fields: object
) -> Course:
    """The small district with this part of its usual demand, by hall or everywhere."""
    by_hall = scale if isinstance(scale, dict) else dict.fromkeys(YEARLY, scale)
    demand = tuple(
        Demand(halls=(h,), item=i, volume=n / 2 * by_hall.get(h, 1.0))
        for h, n in YEARLY.items()
        for i in ("permit", "card")
    )
    return Course(name, share, small(demand=demand, run=RUN, **fields))


@pytest.fixture(scope="module")
def hedged() -> Hedge:
    courses = [
        course("west", 0.5, {"A": 1.6, "A1": 1.6, "A2": 1.6, "B": 0.5, "B1": 0.5}),
        course("east", 0.3, {"A": 0.5, "A1": 0.6, "A2": 0.5, "B": 1.7, "B1": 1.7}),
        course("usual", 0.2),
    ]
    return hedge_courses(courses, "2018-03", aim="worst", tail=0.4)


def test_by_its_own_tables_no_plan_beats_the_one_made_for_a_future(hedged: Hedge) -> None:
    for plan in hedged.plans:
        for k, c in enumerate(hedged.courses):
            own = hedged.plans[own_plan(c.name)].solution
            assert own is not None
            slack = max(own.gap, 1e-9) * own.objective
            assert hedged.planned_regret(plan)[k] >= -slack, (plan, c.name)


@pytest.mark.parametrize("aim", AIMS)
def test_by_the_tables_no_other_plan_does_better_what_a_plan_was_asked_for(
    hedged: Hedge, aim: Aim
) -> None:
    """Also not everybody at home, or the plan for one future."""
    best = np.array([hedged.planned[own_plan(c.name)][k] for k, c in enumerate(hedged.courses)])
    found = hedged.plans[aim].solution
    assert found is not None
    slack = max(found.gap, TOLERANCE) * found.objective

    def of(plan: str) -> float:
        return value(aim, hedged.planned[plan], hedged.shares, hedged.tail, best)

    assert all(of(aim) <= of(plan) + slack for plan in hedged.plans)


def test_here_the_choice_of_risk_matters(hedged: Hedge) -> None:
    """Else the tests above would hold for any plan: no plan for one future is best for all."""
    summary = hedged.summary.set_index("plan")
    alone = [own_plan(c.name) for c in hedged.courses]
    least = min(float(hedged.planned_regret(p).max()) for p in alone)
    assert float(hedged.planned_regret("regret").max()) < 0.8 * least
    assert float(summary.loc["regret", "worst_regret"]) < min(summary.loc[alone, "worst_regret"])


def test_costs_on_fresh_visitors_are_those_of_a_plain_simulation(hedged: Hedge) -> None:
    for k, c in enumerate(hedged.courses):
        found = simulate_month(c.scenario, "2018-03")
        goal = c.scenario.objective
        cost = (
            found.samples("total_wait_min") + goal.lost_minutes * found.samples("lost")
            + goal.overtime_weight * found.samples("overtime_min")
        )[:, 0]  # fmt: skip
        assert hedged.samples["cost_min"][HOME][k] == pytest.approx(cost)
        assert hedged.samples["lost"][HOME][k] == pytest.approx(found.samples("lost")[:, 0])


@pytest.mark.parametrize("name", ["for west", "for usual", *AIMS])
def test_costs_on_fresh_visitors_hold_the_price_of_every_loan(hedged: Hedge, name: str) -> None:
    """Orders and travel of the loans as they are told, beside a simulation of the plan's clerks.

    The programme takes them to cost no more, and just as much where the plan stays all month.
    """
    plan, c = hedged.plans[name], hedged.courses[0]
    tables, rule = plan.tables, c.scenario.transfers
    assert tables is not None
    price = sum(
        m.clerks
        * (
            order_of(tables, m.origin, m.destination)
            + rule.travel_weight
            * travel_of(tables, m.origin, m.destination)
            * int(tables.days[m.first : m.last + 1].sum())
        )
        for m in plan.moves
    )
    month = expect(c.scenario, 2018, 3)
    by_day = np.repeat(plan.clerks, [b - a + 1 for a, b in hedged.spans], axis=0)
    (found,) = simulate_staffings(
        month, {"plan": by_day}, seed=RUN.seed, purpose="verify", replications=RUN.replications
    ).values()
    assert price >= plan.asked - 1e-6 > 0
    if (plan.clerks == plan.clerks[0]).all():
        assert price == pytest.approx(plan.asked)
    assert hedged.samples["cost_min"][name][0] == pytest.approx(
        waiting_cost(c.scenario, found) + price
    )


def test_a_plan_has_no_regret_in_its_own_future(hedged: Hedge) -> None:
    for k, c in enumerate(hedged.courses):
        assert not hedged.regret(own_plan(c.name))[k].any()


def test_futures_that_are_alike_leave_nothing_to_choose() -> None:
    """The plan is the one for either, whatever the risk; and regret is nothing."""
    found = hedge_courses([course("a", 0.5), course("b", 0.5)], "2018-03")
    for aim in AIMS:
        assert found.planned[aim] == pytest.approx(found.planned["for a"], rel=TOLERANCE)
    assert not found.regret("for b").any()


def test_a_future_that_surely_comes_gets_its_own_plan() -> None:
    courses = [course("sure", 1.0, 1.3), course("never", 0.0, {"A": 3.0, "A1": 3.0})]
    found = hedge_courses(courses, "2018-03", tail=1.0)
    for aim in ("expected", "cvar"):
        assert found.planned[aim][0] == pytest.approx(found.planned["for sure"][0], rel=TOLERANCE)


def test_estimates_have_intervals_that_hold_their_means(hedged: Hedge) -> None:
    table = hedged.table
    assert (table["lo"] <= table["mean"] + 1e-9).all()
    assert (table["mean"] <= table["hi"] + 1e-9).all()
    assert len(table) == len(hedged.plans) * len(hedged.courses) * 4


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_screen_names_every_plan_and_marks_the_one_asked_for(
    hedged: Hedge, language: Language
) -> None:
    console = Console(width=300, file=io.StringIO())
    console.print(shown(hedged, language))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    names = [plan_name(hedged, plan, language) for plan in hedged.plans]
    assert len(set(names)) == len(names)
    assert all(name in text for name in names)
    marked = {line.split("  ")[0] for line in text.splitlines() if line.startswith("→")}
    assert marked == {f"→ {plan_name(hedged, 'worst', language)}"}


def test_clerks_by_hall_are_all_there_in_every_period(hedged: Hedge) -> None:
    table = clerks_table(hedged, "en")
    sums = table.groupby(["plan", "first"])["clerks"].sum()
    assert set(sums) == {sum(CLERKS.values())}
    home = table[table["plan"] == HOME]
    assert (home["clerks"] == home["home"]).all()


# what may be asked --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "shares"),
    [
        (["a", "b"], [0.5, 0.5]),
        (["a", "b", "c=0.2"], [0.4, 0.4, 0.2]),
        (["a=1", "b=3"], [0.25, 0.75]),
        (["a=0", "b=3"], [0, 1]),
        ({"a": 1, "b": 1, "c": 2}, [0.25, 0.25, 0.5]),
    ],
)
def test_shares(asked: list[str], shares: list[float]) -> None:
    found, problems = shares_of(asked)
    assert not problems
    assert list(found.values()) == pytest.approx(shares)


@pytest.mark.parametrize(
    ("asked", "rules"),
    [
        ([], ["futures_few"]),
        (["a"], ["futures_few"]),
        (
            ["a=-1", "b=x", "=1", "b", "c="],
            ["at_least", "future_form", "future_form", "group_twice", "future_form"],
        ),
        (["a=0", "b=0"], ["profile_zero"]),
        (["a=0.7", "b=0.5", "c"], ["futures_rest"]),
        (["a=nan", "b=inf"], ["future_form", "future_form"]),
    ],
)  # fmt: skip
def test_weights_that_cannot_be(asked: list[str], rules: list[str]) -> None:
    _, problems = shares_of(asked)
    assert [p.rule for p in problems] == rules


def test_all_that_is_wrong_with_futures_is_told_at_once() -> None:
    with pytest.raises(ScenarioProblems) as caught:
        read_futures(LONGHUA, ["bussy", "base=-1", "before", "fewer-district-windows"])
    found = {p.rule: p for p in caught.value.problems}
    assert set(found) == {"unknown_scenario", "at_least", "future_unlike"}
    assert found["unknown_scenario"].suggestion == "busy"
    unlike_base = [p for p in caught.value.problems if p.rule == "future_unlike"]
    assert {p.path for p in unlike_base} == {"before", "fewer-district-windows"}
    text = caught.value.text("en")
    assert "windows[longhua-district]" in text
    assert "clerks[longhua-district]" in text


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"windows": tuple(Windows(hall=h, count=n + (h == "B")) for h, n in WINDOWS.items())}, "windows[B]"),
        ({"clerks": tuple(Clerks(hall=h, count=n + (h == "A1")) for h, n in CLERKS.items())}, "clerks[A1]"),
        ({"transfers": Transfers(travel_weight=3)}, "transfers"),
    ],
)  # fmt: skip
def test_futures_must_have_the_same_plans(fields: dict[str, object], path: str) -> None:
    courses = [course("a", 0.5), course("b", 0.5, **fields)]
    (problem,) = unlike(courses)
    assert problem.params["paths"] == path
    with pytest.raises(ScenarioProblems):
        hedge_courses(courses, "2018-03")


def test_speed_and_attendance_may_differ() -> None:
    slow = tuple(Clerks(hall=h, count=n, speed=80) for h, n in CLERKS.items())
    ill = small().staffing.model_copy(update={"absence_rate": 0.2, "leave_rate": 0.3})
    courses = [course("a", 0.5), course("b", 0.5, clerks=slow, staffing=ill)]
    found = hedge_courses(courses, "2018-03")
    assert (
        found.planned["for b"][1]
        <= found.planned["for a"][1] + TOLERANCE * found.planned["for a"][1]
    )


@pytest.mark.parametrize("tail", [0.0, -0.5, 1.5])
def test_a_tail_is_a_share(tail: float) -> None:
    with pytest.raises(ValueError, match="tail"):
        hedge_courses([course("a", 0.5), course("b", 0.5)], "2018-03", tail=tail)


def test_the_command_writes_what_it_tells(tmp_path: Path) -> None:
    words = [
        str(LONGHUA), "--month", "2018-11", "--against", "base", "--against", "busy=0.2", "--risk",
        "cvar", "--tail", "0.5", "--replications", "2", "--set", "run.table_replications=2",
        "--period", "month", "--json", "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    done = CliRunner().invoke(command, words, standalone_mode=False)
    assert done.exception is None
    told = json.loads(done.stdout)
    assert [f["share"] for f in told["futures"]] == pytest.approx([0.8, 0.2])
    assert [p["plan"] for p in told["plans"]] == [HOME, "for base", "for busy", *AIMS]
    written = {p.name for p in (tmp_path / "out").iterdir()}
    names = ("hedge", "hedge-plans", "hedge-clerks", "hedge-moves")
    assert written == {f"{n}.csv" for n in names} | {"hedge.json", "hedge.png", "hedge.svg"}
    assert json.loads((tmp_path / "out" / "hedge.json").read_text("utf-8")) == told
