"""Dispatch: what is drawn of the state, the best orders, what they do, and bad input."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from hallsim import cli
from hallsim.dispatch import (
    Choice,
    Order,
    Rules,
    as_json,
    best_orders,
    day_tables,
    dispatch,
    objective,
    outcomes,
    value_of,
)
from hallsim.problems import ExitCode, ScenarioProblems
from hallsim.records import ABANDONED, NEVER, TURNED_AWAY
from hallsim.scenario import Clerks, Hours, Scenario, Staffing, Transfers, Variation, VisitorClass
from hallsim.scenario import Travel as TravelRow
from hallsim.state_file import parse_now, read_state, template
from hallsim.today import (
    ANY,
    Seen,
    State,
    Today,
    day_levels,
    left_given_age,
    left_in_progress,
    travel_minutes,
)
from hallsim.warm import NOTHING, Rows, tell_rest
from small import full, small

DATE, NOW = dt.date(2018, 9, 3), 10 * 3600
ROOT = Path(__file__).parent.parent
LONGHUA = ROOT / "scenarios" / "longhua-shenzhen"


def district(**fields: Any) -> Scenario:
    """Six halls with some on other duty, people who give up, days that differ."""
    usual: dict[str, Any] = {
        "classes": {"ordinary": VisitorClass(share=1.0, patience_minutes=90)},
        "variation": Variation(day_cv=0.1, hall_cv=0.15),
        "staffing": Staffing(other_duty_rate=0.2),
        "clerks": tuple(
            Clerks(hall=h, count=n, minimum=1)
            for h, n in {"D": 5, "A": 4, "A1": 3, "A2": 3, "B": 4, "B1": 3}.items()
        ),
    }
    return small(**(usual | fields))


def overrun(hall: int = 1) -> State:
    """A made-up day: one hall has twice the visitors, the others are quiet."""
    seen = {h: Seen({ANY: 1}, {ANY: 1}, 2, {ANY: 15}) for h in range(6)}
    seen[hall] = Seen({ANY: 25}, {ANY: 2}, 2, {ANY: 45}, 2400)
    return State(DATE, NOW, seen)


# What is drawn ------------------------------------------------------------------------------------


def test_the_level_of_a_day_is_that_of_the_poisson_lognormal_law() -> None:
    """Against importance sampling from the prior: 400,000 pairs weighted by the chance of the counts."""
    expected, arrived = np.array([40.0, 60.0, 0.0]), np.array([60.0, 63.0, -1.0])
    rng = np.random.default_rng(1)
    found = day_levels(expected, arrived, 0.15, 0.2, rng.random((40_000, 4)))
    day, hall = math.log1p(0.15**2), math.log1p(0.2**2)
    s = rng.normal(-day / 2, math.sqrt(day), (400_000, 1))
    x = s + rng.normal(-hall / 2, math.sqrt(hall), (400_000, 3))
    logs = (arrived[:2] * x[:, :2] - expected[:2] * np.exp(x[:, :2])).sum(axis=1)
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    mean = weight @ np.exp(x)
    sd = np.sqrt(weight @ (np.exp(x) - mean) ** 2)
    error = np.sqrt((weight[:, None] ** 2 * (np.exp(x) - mean) ** 2).sum(axis=0))
    error = np.hypot(error, sd / math.sqrt(40_000))
    assert (np.abs(found.mean(axis=0) - mean) < 4.5 * error).all()  # false alarm 2e-5
    assert np.allclose(found.std(axis=0), sd, rtol=0.05)


def test_without_news_the_level_is_that_of_any_day() -> None:
    u = np.random.default_rng(2).random((40_000, 3))
    found = day_levels(np.zeros(2), np.full(2, -1.0), 0.3, 0.4, u)
    assert np.allclose(found.mean(axis=0), 1, atol=4.5 * 0.52 / 200)
    assert np.allclose(found.std(axis=0), math.sqrt(1.09 * 1.16 - 1), rtol=0.08)
    assert (day_levels(np.ones(2), np.full(2, 9.0), 0.0, 0.0, u) == 1).all()


def test_without_variation_of_the_district_halls_learn_from_themselves_only() -> None:
    u = np.random.default_rng(3).random((4000, 3))
    one = day_levels(np.array([30.0, 30.0]), np.array([60.0, 30.0]), 0.0, 0.2, u)
    other = day_levels(np.array([30.0, 30.0]), np.array([10.0, 30.0]), 0.0, 0.2, u)
    assert np.allclose(one[:, 1], other[:, 1])
    assert one[:, 0].mean() > other[:, 0].mean() + 0.2


def test_what_is_left_of_a_visit_is_the_residual_life() -> None:
    """E[left] = E[X^2] / (2 E[X]); of a memoryless law the whole, whatever the age."""
    rng = np.random.default_rng(4)
    sample = np.sort(rng.exponential(600, 40_000))
    left, age = left_in_progress(sample, rng.random(40_000), rng.random(40_000))
    assert left.mean() == pytest.approx(600, rel=0.04)
    assert age.mean() == pytest.approx(600, rel=0.04)
    assert left_given_age(sample, 900, rng.random(20_000)).mean() == pytest.approx(600, rel=0.06)
    even = np.linspace(1, 600, 40_000)  # uniform: a third of the longest
    left, _ = left_in_progress(even, rng.random(40_000), rng.random(40_000))
    assert left.mean() == pytest.approx(200, rel=0.03)
    assert (left_given_age(np.full(10, 300.0), 100, rng.random(5)) == 200).all()


def test_who_waits_is_drawn_as_told() -> None:
    scenario = district()
    seen = Seen({0: 4, 1: 2}, {1: 1}, 3, {ANY: 30}, 1800)
    today = Today(scenario, State(DATE, NOW, {1: seen}))
    drawn = today.draw(1, "today", 50)
    (s,) = today.posts
    rest = drawn.rests[s]
    for r in range(50):
        rows = rest.rows.at(np.arange(rest.first[r], rest.last[r]))
        waiting = rows.at(np.flatnonzero((rows.arrival < NOW) & (rows.credit == 0)))
        assert sorted(np.bincount(waiting.item).tolist()) == [2, 4]
        assert waiting.arrival.min() == NOW - 1800
        assert (waiting.arrival + waiting.patience >= NOW).all()
        assert (rows.arrival[rows.credit == 0] >= NOW).sum() > 10
        assert (drawn.left[s][r] >= 0).sum() == 1


def test_a_log_tells_tickets_and_ages() -> None:
    scenario = district()
    tickets = ((0, NOW - 700), (1, NOW - 60))
    seen = Seen({0: 1, 1: 1}, {0: 1}, 2, {ANY: 9}, tickets=tickets, calls=((0, NOW - 1200),))
    today = Today(scenario, State(DATE, NOW, {1: seen}))
    drawn = today.draw(1, "today", 400)
    (s,) = today.posts
    rest = drawn.rests[s]
    rows = rest.rows.at(np.arange(rest.first[0], rest.last[0]))
    here = (rows.arrival < NOW) & (rows.credit == 0)
    assert list(zip(rows.item[here], rows.arrival[here], strict=True)) == list(tickets)
    # lognormal of 12 min, cv 0.6, given 20 min: what is left, by numerical integration
    sigma2 = math.log1p(0.36)
    x = np.linspace(1200, 60_000, 400_000)
    density = np.exp(-((np.log(x / 720) + sigma2 / 2) ** 2) / (2 * sigma2)) / x
    mean = (density * (x - 1200)).sum() / density.sum()
    left = drawn.left[s].max(axis=1)
    assert left.mean() == pytest.approx(mean, abs=4.5 * left.std() / 20 + 5)


def test_more_visitors_so_far_mean_more_to_come() -> None:
    counts = []
    for arrived in (10, 30, 60):
        today = Today(district(), State(DATE, NOW, {1: Seen({}, {}, 2, {ANY: arrived})}))
        rest = next(iter(today.draw(1, "today", 60).rests.values()))
        counts.append((rest.last - rest.first).sum())
    assert counts == sorted(counts) and counts[2] > 1.1 * counts[0]


def test_visits_with_more_counters_go_on() -> None:
    today = Today(full(), State(DATE, NOW, {1: Seen({0: 3}, {0: 1}, 2, {ANY: 20})}))
    rest = next(iter(today.draw(1, "today", 10).rests.values()))
    rows = rest.rows.at(np.arange(rest.first[0], rest.last[0]))
    people = np.flatnonzero((rows.arrival < NOW) & (rows.credit < 10**8))
    assert rows.stage[people].tolist() == [1, 2] * 3
    assert rows.item[people].tolist() == [0, 1] * 3


# The best orders ----------------------------------------------------------------------------------


def every_plan(tables: Any, most: int) -> Any:
    """All sets of at most so many orders of one clerk."""
    single = [Order(a, b, 1) for a, b in tables.pairs] + [Order(s, s, 1) for s in tables.choices]
    for k in range(most + 1):
        for chosen in itertools.combinations_with_replacement(single, k):
            count: dict[tuple[int, int], int] = {}
            for o in chosen:
                count[o.origin, o.destination] = count.get((o.origin, o.destination), 0) + 1
            yield [Order(a, b, n) for (a, b), n in count.items()]


@pytest.mark.parametrize("seed", range(8))
def test_no_set_of_orders_is_better(seed: int) -> None:
    """Brute force over all plans of at most three orders on a district of six halls."""
    rng = np.random.default_rng(seed)

    def some(low: int, high: int) -> int:
        return int(rng.integers(low, high))

    seen = {
        h: Seen({ANY: some(0, 25)}, {ANY: 1}, some(1, 4), {ANY: some(26, 60)}) for h in range(6)
    }
    clerks = tuple(
        Clerks(hall=h, count=4, minimum=some(0, 4)) for h in ("D", "A", "A1", "A2", "B", "B1")
    )
    scenario = district(clerks=clerks)
    today = Today(scenario, State(DATE, NOW + int(rng.integers(0, 4)) * 3600, seen))
    rules = Rules(most_moves=3, move_minutes=[None, 10.0][seed % 2])
    tables = day_tables(today, rules, today.draw(seed, "today", 12))
    orders, gap = best_orders(tables)
    best = min(value_of(tables, plan) for plan in every_plan(tables, 3))
    assert gap < 1e-6
    assert value_of(tables, orders) == pytest.approx(best, abs=1e-6)


def test_tables_know_what_an_order_does() -> None:
    """A clerk called back: the table and the orders carried out are the same simulation."""
    today = Today(district(), overrun())
    drawn = today.draw(3, "today", 20)
    tables = day_tables(today, Rules(most_moves=1), drawn)
    s = next(k for k in today.posts if today.parts[k].hall == 1)
    cost = outcomes(today, drawn, [[], [Order(s, s, 1)]])
    value = objective(today.scenario, cost[s]).mean(axis=0)
    k = tables.choices[s].index(Choice(call=1))
    assert value[1] - value[0] == pytest.approx(tables.value[s][k] - tables.value[s][0])


def test_on_an_overrun_day_the_orders_beat_none() -> None:
    found = dispatch(district(), overrun(), replications=40, fresh=60)
    assert found.moves and found.helps
    assert found.district.minutes_saved[1] > 0 and found.district.lost_saved[1] > 0
    assert all(today_hall(found, m.order.destination) == 1 for m in found.moves[:1])
    assert all(m.cost[1] > 0 for m in found.moves)
    assert found.halls[1].wait_with[0] < found.halls[1].wait[0]
    assert json.loads(json.dumps(as_json(found)))["moves"]


def test_a_hall_without_a_clerk_has_people_waiting_in_vain() -> None:
    """They wait until they give up or the hall closes: all are lost, and a clerk shortens it."""
    state = State(DATE, NOW, {0: Seen({ANY: 9}, {}, 0, {ANY: 40}), 1: Seen({}, {ANY: 1}, 3)})
    found = dispatch(district(), state, replications=20, fresh=20)
    assert found.helps and found.district.lost_saved[1] > 20
    alone, closing = found.halls[0], 17.5 * 3600
    assert alone.lost[0] > 9 and alone.lost_saved[1] > 0 and alone.minutes_saved[1] > 0
    assert 0 < alone.wait[0] < (closing - NOW) / 60 + 90


def test_waiting_in_vain_by_hand() -> None:
    """Nobody works: one gives up after 30 minutes, one waits until the hall closes."""
    today = Today(district(), State(DATE, NOW, {1: Seen({}, {}, 0)}))
    post = next(p for p in today.posts.values())
    patience = np.array([1800, NEVER])
    rows = Rows.of(2, arrival=np.array([NOW - 600, NOW + 60]), item=0, patience=patience)
    told = tell_rest(rows, post.duties(NOTHING, []))
    assert told.outcome.tolist() == [ABANDONED, TURNED_AWAY]
    assert told.ticket.tolist() == [NOW - 600, NOW + 60]  # who has a ticket is there


def today_hall(found: Any, s: int) -> int:
    hall: int = found.today.parts[s].hall
    return hall


def test_orders_that_cost_too_much_are_not_given() -> None:
    found = dispatch(district(), overrun(), Rules(move_minutes=1e7), replications=10, fresh=10)
    assert not found.moves and found.district.minutes_saved == (0, 0, 0)
    none = dispatch(district(), overrun(), Rules(most_moves=0), replications=10, fresh=10)
    assert not none.moves


def test_limits_are_kept() -> None:
    found = dispatch(
        district(), overrun(), Rules(6, 0.0, call_back=False), replications=20, fresh=10
    )
    left: dict[int, int] = {}
    for m in found.moves:
        assert m.order.origin != m.order.destination
        left[m.order.origin] = left.get(m.order.origin, 0) + m.order.clerks
    assert sum(left.values()) <= 6 and left
    for s, n in left.items():
        assert found.today.posts[s].clerks - n >= 1  # minimum of the clerks table
    arrivals = sum(
        m.order.clerks for m in found.moves if today_hall(found, m.order.destination) == 1
    )
    assert arrivals <= 2  # windows that are free


def test_jobs_change_nothing() -> None:
    one = as_json(dispatch(district(), overrun(), replications=10, fresh=10))
    two = as_json(dispatch(district(), overrun(), replications=10, fresh=10, jobs=2))
    assert one == two


def test_ways_take_their_own_minutes() -> None:
    scenario = district(
        travel=(TravelRow(origin="A", destination="B", minutes=7),), transfers=Transfers()
    )
    found = travel_minutes(scenario)
    assert found[1, 4] == found[4, 1] == 7  # both ways
    assert (found[1, 2], found[1, 5], found[0, 1], found[3, 3]) == (15, 40, 40, 0)


# Files --------------------------------------------------------------------------------------------

HEADER = "hall,item,waiting,in_service,clerks,arrived,longest_wait\n"


def state_of(
    tmp_path: Path, text: str, now: str = "2018-09-03 10:00", encoding: str = "utf-8"
) -> Any:
    path = tmp_path / "state.csv"
    path.write_bytes(text.encode(encoding))
    return read_state(district(), now, path)


def rules_of(tmp_path: Path, text: str, **more: str) -> list[tuple[str, int]]:
    with pytest.raises(ScenarioProblems) as caught:
        state_of(tmp_path, text, **more)
    return [(p.rule, p.place.line) for p in caught.value.problems]


def test_a_state_is_read_in_either_language_and_encoding(tmp_path: Path) -> None:
    rows = "A,*,5,2,2,30,20\nA,card,1,,,,\n"
    chinese = (
        "大厅,事项,等候人数,办理中,到岗人数,已取号,最长等候分钟\nA,全部,5,2,2,30,20\nA,card,1,,,,\n"
    )
    one = state_of(tmp_path, HEADER + rows).state
    for encoding in ("utf-8-sig", "gb18030"):
        assert state_of(tmp_path, chinese, encoding=encoding).state == one
    assert one.halls == {1: Seen({ANY: 5, 1: 1}, {ANY: 2}, 2, {ANY: 30}, 1200)}


@pytest.mark.parametrize(
    "now", ["2018-09-03 10:30", "2018/9/3 10:30", "2018年9月3日 10点半", "2018-09-03T10:30"]
)
def test_moments_as_people_write_them(now: str) -> None:
    assert parse_now(now) == (DATE, 37800)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    text = HEADER + (
        "AA1,*,1,0,2,,\n"  # no such hall
        "A,crad,1,0,2,,\n"  # no such item
        "A1,*,-1,0,2,,\n"
        "A2,*,1.5,0,2,,\n"
        "B,*,1,3,2,,\n"  # fewer clerks than in service
        "B1,permit,1,1,2,,\n"
        "B1,card,1,1,3,,\n"  # another number of clerks
        "B1,card,1,,,,\n"  # given before
        "D,*,9,2,4,5,\n"  # fewer tickets than people
    )
    found = rules_of(tmp_path, text)
    assert found == [
        ("unknown_hall", 2), ("unknown_item", 3), ("at_least", 4), ("whole_number", 5),
        ("in_service_clerks", 6), ("differs", 8), ("duplicate", 9), ("arrived_fewer", 10),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("now", "rule"),
    [
        ("2018-09-02 10:00", "all_closed"), ("2018-09-03 19:00", "after_closing"),
        ("2018-13-03 10:00", "moment"), ("yesterday", "moment"), ("1999-09-03 10:00", "month_range"),
    ],
)  # fmt: skip
def test_moments_that_are_none(tmp_path: Path, now: str, rule: str) -> None:
    assert rule in [r for r, _ in rules_of(tmp_path, HEADER + "A,*,1,0,2,,\n", now=now)]


def test_an_empty_template_says_nothing_and_a_filled_one_is_read(tmp_path: Path) -> None:
    text = template(district(), DATE)
    assert len(text.splitlines()) == 1 + 6 * 3
    assert rules_of(tmp_path, text) == [("state_empty", 0)]
    filled = text.replace("A,*,,,,,", "A,*,3,1,2,,", 1)
    assert list(state_of(tmp_path, filled).state.halls) == [1]


def test_more_clerks_than_the_hall_has_is_said(tmp_path: Path) -> None:
    assert [n.rule for n in state_of(tmp_path, HEADER + "A,*,3,1,9,,\n").notes] == ["borrowed"]


def odd_halls() -> Scenario:
    """A1 is open in the morning, A2 on Saturdays only; B serves permits only."""
    base = district()
    hours = {
        **base.hours,
        "early": Hours(weekdays="9:00-12:00"),
        "late": Hours(weekdays="", sat="9:00-12:00"),
    }
    own = {"A1": "early", "A2": "late"}
    halls = tuple(h.model_copy(update={"hours": own.get(h.hall, h.hours)}) for h in base.halls)
    windows = tuple(
        w.model_copy(update={"items": ("permit",)}) if w.hall == "B" else w for w in base.windows
    )
    return base.model_copy(update={"hours": hours, "halls": halls, "windows": windows})


def test_halls_that_have_nothing_ahead_or_no_such_window(tmp_path: Path) -> None:
    path = tmp_path / "state.csv"
    path.write_text(
        HEADER + "A1,*,1,0,2,,\nA2,*,1,0,2,,\nB,card,1,0,2,,\nD,*,1,0,2,,500\n", "utf-8"
    )
    with pytest.raises(ScenarioProblems) as caught:
        read_state(odd_halls(), "2018-09-03 14:30", path)
    assert [(p.rule, p.place.line) for p in caught.value.problems] == [
        ("closed_by_now", 2), ("closed_today", 3), ("not_served_here", 4), ("before_doors", 5),
    ]  # fmt: skip


def test_a_day_on_which_no_hall_opens_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "state.csv"
    path.write_text(HEADER + "A,*,1,0,2,,\nB,*,1,0,2,,\n", "utf-8")
    with pytest.raises(ScenarioProblems) as caught:
        read_state(district(), "2018-09-02 10:00", path)
    assert [p.rule for p in caught.value.problems] == ["all_closed"]


def test_counts_that_no_hall_has_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.csv"
    path.write_text(HEADER + "A,*,999999999,0,2,,\nB,*,1,0,2,99999999,\n", "utf-8")
    with pytest.raises(ScenarioProblems) as caught:
        read_state(district(), "2018-09-03 10:00", path)
    told = [(p.rule, p.place.line, p.path) for p in caught.value.problems]
    assert told == [("at_most", 2, "waiting"), ("at_most", 3, "arrived")]


def test_a_log_with_more_in_service_than_windows(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(LOG + "A1,card,09:00,09:01,,\n" * 4, "utf-8")
    with pytest.raises(ScenarioProblems) as caught:
        read_state(district(), "2018-09-03 10:00", log=path)
    assert [p.rule for p in caught.value.problems] == ["log_windows"]


LOG = "hall,item,ticket,called,finished,outcome\n"


def test_a_log_gives_the_state(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        LOG + "A,card,09:00,09:00,09:10,served\nA,card,09:10,09:50,,\nA,permit,09:20,,,\n"
        "A,card,09:30,,,abandoned\n", "utf-8",
    )  # fmt: skip
    seen = read_state(district(), "2018-09-03 10:00", log=path).state.halls[1]
    assert (seen.waiting, seen.in_service, seen.arrived) == ({0: 1}, {1: 1}, {ANY: 4})
    assert seen.tickets == ((0, 9 * 3600 + 1200),) and seen.calls == ((1, 9 * 3600 + 3000),)
    counts = tmp_path / "state.csv"
    counts.write_text("hall,waiting,clerks\nA,2,3\n", "utf-8")
    with pytest.raises(ScenarioProblems) as caught:
        read_state(district(), "2018-09-03 10:00", counts, path)
    assert [p.rule for p in caught.value.problems] == ["log_differs"]


def test_beside_a_log_a_table_may_tell_clerks_alone(tmp_path: Path) -> None:
    log, table = tmp_path / "log.csv", tmp_path / "state.csv"
    log.write_text(LOG + "A,card,09:30,,,\n", "utf-8")
    table.write_text("hall,clerks\nA,4\nB,3\n", "utf-8")
    state = read_state(district(), "2018-09-03 10:00", table, log).state
    assert {h: (s.clerks, s.waiting) for h, s in state.halls.items()} == {
        1: (4, {1: 1}),
        4: (3, {}),
    }


def test_a_log_of_the_future_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(LOG + "A,card,10:30,,,\nA,card,09:30,09:20,,\nA,card,09:00,,,lost\n", "utf-8")
    with pytest.raises(ScenarioProblems) as caught:
        read_state(district(), "2018-09-03 10:00", log=path)
    assert {p.rule for p in caught.value.problems} == {"log_after_now", "log_order", "one_of"}


# The command --------------------------------------------------------------------------------------


def test_the_command_on_the_made_up_day(tmp_path: Path) -> None:
    state = LONGHUA / "examples" / "state.csv"
    out = tmp_path / "out"
    words = ["dispatch", str(LONGHUA), "--now", "2018-09-12 10:30", "--state", str(state)]
    done = CliRunner().invoke(
        cli.commands,
        [*words, "--replications", "12", "--json", "--out", str(out)],
        standalone_mode=False,
    )
    assert done.exception is None and done.return_value == 0
    told = json.loads(done.stdout)
    assert told["helps"] and told["moves"] and told["district"]["lost_saved"]["lo"] > 0
    assert sorted(p.name for p in out.iterdir()) == ["dispatch.json", "halls.csv", "moves.csv"]
    assert json.loads((out / "dispatch.json").read_text("utf-8")) == told


def test_bad_input_ends_with_its_code(tmp_path: Path) -> None:
    bad = tmp_path / "state.csv"
    bad.write_text(HEADER + "nowhere,*,1,0,2,,\n", "utf-8")
    words = ["dispatch", str(LONGHUA), "--now", "2018-09-12 10:30", "--state", str(bad)]
    done = CliRunner().invoke(cli.commands, words, standalone_mode=False)
    assert done.return_value == ExitCode.DATA and "state.csv:2" in done.stderr
    assert done.stdout == ""
