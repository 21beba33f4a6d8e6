"""Measures: what must add up, a day worked by hand, and the intervals against theory.

Random tests use 5 standard errors with fixed seeds (6e-7 each, fewer than 10 of them).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hallsim.demand import expect
from hallsim.draw import Chance, Crowd
from hallsim.measure import FIELDS, SLOT_S, Ledger, Measures, Tally, interval, within_seconds
from hallsim.records import ABANDONED, NEVER, SERVED
from hallsim.rota import Rota
from hallsim.scenario import (
    Demand,
    Hours,
    Scenario,
    Staffing,
    Target,
    Variation,
    VisitorClass,
    Windows,
)
from hallsim.simulate import simulate_staffings, visit_columns
from hallsim.stations import home_of_stations, stations
from small import CARD, PERMIT, full, lone, small

F = {name: k for k, name in enumerate(FIELDS)}
NINE = 9 * 3600


# A day worked by hand ----------------------------------------------------------------------------

# One window, open nine to ten on Monday 3 September; targets: within 15 minutes.
#   arrival service patience   called  finished  wait
#   9:00    20 min             9:00    9:20       0
#   9:05    30 min             9:20    9:50      15
#   9:10    10 min  10 min     leaves at 9:20    10
#   9:30    15 min             9:50    10:05     20      5 min after closing
#   9:59    10 min             10:05   10:15      6     10 min after closing
#   9:59:40 after the last ticket: turned away without a ticket
BY_HAND = [(0, 1200, NEVER), (300, 1800, NEVER), (600, 600, 600), (1800, 900, NEVER),
           (3540, 600, NEVER), (3580, 600, NEVER)]  # fmt: skip


def by_hand() -> tuple[Tally, Measures]:
    hours = Hours(weekdays="09:00-10:00", last_ticket_minutes=0.5)  # type: ignore[arg-type]
    scenario = lone(hours=hours, open=1, staff=1, targets=(Target(within_minutes=15, share=0.8),))
    month, parts = expect(scenario, 2018, 9), stations(scenario)
    n = len(BY_HAND)
    monday = np.arange(30) == 2
    last = np.where(np.arange(30) < 2, 0, n)
    columns = [np.array(c, np.int64) for c in zip(*BY_HAND, strict=True)]
    nought = np.zeros(n, np.int64)
    crowd = Crowd(
        last - n * monday, last - monday, last,
        NINE + columns[0], nought, nought, columns[1], columns[2], nought,
    )  # fmt: skip
    rota, ledger = Rota(month, parts), Ledger(month, parts)
    opened = monday.astype(np.int64)
    visits = visit_columns(crowd, rota, opened, "compiled")
    tally = ledger.count(crowd, visits, rota.closing(opened), rota.staffed(opened))
    return tally, Measures(ledger, (tally, tally))


def values(measures: Measures, by: str = "district") -> dict[str, float]:
    table = measures.table(by)
    assert table["measure"].is_unique
    return dict(zip(table["measure"], table["mean"], strict=True))


def test_the_counts_of_the_day_by_hand() -> None:
    tally, _ = by_hand()
    right = {"visitors": 6, "served": 4, "abandoned": 1, "turned_away": 1, "balked": 0, "tickets": 5,
             "wait_s": 51 * 60, "within": 3, "work_s": 75 * 60, "overtime_s": 15 * 60,
             "staffed_s": 60 * 60, "stay_s": (20 + 45 + 35 + 16) * 60, "counters": 4}  # fmt: skip
    found = dict(zip(FIELDS, tally.unit.sum(axis=0).astype(int).tolist(), strict=True))
    assert found == right
    np.testing.assert_array_equal(tally.unit[2], tally.unit.sum(axis=0))
    for cells in (tally.hall_hour[0, 9], tally.item[0], tally.kind[0]):
        whole = np.where(np.array(FIELDS) == "staffed_s", 0, tally.unit[2])
        np.testing.assert_array_equal(cells, whole)


@pytest.mark.parametrize(
    ("measure", "right", "tolerance"),
    [
        ("mean_wait_min", 51 / 5, 1e-12),  # of the five with a ticket, whoever gave up included
        ("median_wait_min", 10, 0.25),  # of 0 6 10 15 20, to a bin of 15 seconds
        ("p90_wait_min", 20, 0.26),
        ("within_share", 3 / 6, 1e-12),  # 0, 15 and 6 minutes, of everybody who came
        ("mean_stay_min", (20 + 45 + 35 + 16) / 4, 1e-12),  # of those served, wait and work
        ("counters", 1, 1e-12),
        ("utilisation", 75 / (60 + 15), 1e-12),
        ("overtime_min", 15, 1e-12),
        ("total_wait_min", 51, 1e-12),
    ],
)
def test_the_measures_of_the_day_by_hand(measure: str, right: float, tolerance: float) -> None:
    _, measures = by_hand()
    assert values(measures)[measure] == pytest.approx(right, abs=tolerance)


def test_the_queue_of_the_day_by_hand() -> None:
    """Waiting seconds per half hour: 9:05-9:20 and 9:10-9:20; 9:30-9:50 and 9:59-10:00; 5 after ten."""
    tally, measures = by_hand()
    assert tally.queue[0, 18:21].tolist() == [1500, 1260, 300]
    assert tally.queue.sum() == 51 * 60
    queue = measures.table("queue").set_index("slot")["mean"]
    assert queue["09:00"] == pytest.approx(1500 / SLOT_S / 21)  # mean of 21 open days


def test_who_is_turned_away_with_a_ticket_has_waited_until_closing() -> None:
    """Nobody serves cards here: of those who come every one waits until six or gives up."""
    scenario = lone(
        items=(PERMIT, CARD),
        windows=(Windows(hall="D", kind="themed", items=("permit",), count=2),),
        demand=(Demand(halls=("D",), item="card", volume=5000),),
        classes={"a": VisitorClass(share=0.5), "b": VisitorClass(share=0.5, patience_minutes=30)},
    )
    month, parts = expect(scenario, 2018, 9), stations(scenario)
    crowd = Chance(month, parts, 1, "verify").crowd(0)
    measures = run(scenario, replications=2)
    tally, close = measures.tallies[0], 18 * 3600
    patience = np.where(crowd.patience == NEVER, 10**6, crowd.patience)
    wait = np.minimum(patience, close - crowd.arrival)
    assert tally.unit[:, F["wait_s"]].sum() == wait.sum()
    assert tally.unit[:, F["abandoned"]].sum() == (crowd.arrival + patience <= close).sum()
    assert not tally.unit[:, F["served"]].any() and not tally.unit[:, F["within"]].any()


# What must add up --------------------------------------------------------------------------------

CLASSES = {
    "ordinary": VisitorClass(share=0.8, patience_minutes=40),
    "booked": VisitorClass(share=0.2, credit_minutes=30),
}
FULL = small(
    classes=CLASSES,
    variation=Variation(day_cv=0.1, hall_cv=0.1),
    staffing=Staffing(leave_rate=0.05, absence_rate=0.03, other_duty_rate=0.05),
    hours={
        "office": Hours.model_validate(
            {"weekdays": "09:00-17:30", "sat": "09:00-12:00@50%", "last_ticket_minutes": 20,
             "doors_minutes": 15, "lunch": {"waves": 2}}
        )
    },
    windows=(
        Windows(hall="D", kind="themed", items=("permit",), count=3),
        Windows(hall="D", kind="themed", items=("card",), count=2),
        *small().windows[1:],
    ),
)  # fmt: skip


def run(scenario: Scenario, replications: int = 3, **options: Any) -> Measures:
    month = expect(scenario, 2018, 9)
    home = np.tile(home_of_stations(scenario, stations(scenario)), (30, 1))
    return simulate_staffings(
        month, {"home": home}, seed=1, purpose="verify", replications=replications, **options
    )["home"]


@pytest.fixture(scope="module")
def month_run() -> Measures:
    return run(FULL)


COUNTS = ("visitors", "served", "abandoned", "turned_away", "overtime_min", "total_wait_min")
GROUPINGS = ("district", "tier", "street", "hall", "item", "class", "weekday", "hour", "week", "day",
             "hall_day", "hall_hour")  # fmt: skip


@pytest.mark.parametrize("by", GROUPINGS)
def test_every_grouping_counts_everybody_once(month_run: Measures, by: str) -> None:
    for name in COUNTS:
        np.testing.assert_allclose(
            month_run.samples(name, by).sum(axis=1), month_run.samples(name)[:, 0], rtol=1e-12
        )


@pytest.mark.parametrize("by", GROUPINGS)
def test_visitors_are_served_or_gave_up_or_were_turned_away(month_run: Measures, by: str) -> None:
    one = {name: month_run.samples(name, by) for name in COUNTS}
    np.testing.assert_array_equal(
        one["visitors"], one["served"] + one["abandoned"] + one["turned_away"]
    )
    assert (one["visitors"] > 0).any() and (one["abandoned"].sum() > 0)


def test_visitors_are_those_that_were_drawn(month_run: Measures) -> None:
    dice = Chance(expect(FULL, 2018, 9), stations(FULL), 1, "verify")
    drawn = [len(dice.crowd(r).arrival) for r in range(3)]
    assert month_run.samples("visitors")[:, 0].tolist() == drawn


def test_the_integral_of_the_queue_is_the_total_waiting_time(month_run: Measures) -> None:
    """Little's law holds on every path: seconds of queue = seconds waited, to the last one."""
    for tally in month_run.tallies:
        by_hall = np.zeros((6, len(FIELDS)))
        np.add.at(by_hall, np.tile([s.hall for s in stations(FULL)], 30), tally.unit)
        np.testing.assert_array_equal(tally.queue.sum(axis=1), by_hall[:, F["wait_s"]])


def test_quantiles_are_those_of_the_waits_to_one_bin() -> None:
    month, parts = expect(FULL, 2018, 9), stations(FULL)
    crowd, rota = Chance(month, parts, 1, "verify").crowd(0), Rota(month, parts)
    opened = np.tile([3, 2, 2, 3, 2, 4, 2], 30)
    visits = visit_columns(crowd, rota, opened, "compiled")
    outcome, _, ticket, called, _ = visits
    close = np.repeat(rota.closing(opened), crowd.last - crowd.first)
    until = np.where(outcome == SERVED, called, close)
    until = np.where(outcome == ABANDONED, ticket + crowd.patience, until)
    wait = (until - ticket)[ticket != NEVER]
    tally = Ledger(month, parts).count(crowd, visits, rota.closing(opened), rota.staffed(opened))
    right = np.quantile(wait, [0.5, 0.9], method="inverted_cdf")
    assert np.abs(tally.quantiles["district"][0] - right).max() <= 15
    cards = (crowd.item == 1)[ticket != NEVER]
    right = np.quantile(wait[cards], [0.5, 0.9], method="inverted_cdf")
    assert np.abs(tally.quantiles["item"][1] - right).max() <= 15


def test_utilisation_is_work_over_hours_on_duty(month_run: Measures) -> None:
    """The compiled columns once more, from the crowd: work of the served over staffed + overtime."""
    for by in ("district", "tier", "street", "hall", "weekday", "day"):
        found = month_run.samples("utilisation", by)
        assert ((found > 0) & (found < 1.1)).all()  # an overrun into lunch may pass 1


def test_both_engines_give_the_same_tallies() -> None:
    fast, slow = (run(FULL, 2, engine=e) for e in ("compiled", "reference"))
    for a, b in zip(fast.tallies, slow.tallies, strict=True):
        for name in ("unit", "hall_hour", "item", "kind", "queue"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        for name, found in a.quantiles.items():
            np.testing.assert_array_equal(found, b.quantiles[name])


def test_weeks_run_from_monday_and_are_cut_by_the_month(month_run: Measures) -> None:
    """1 September 2018 is a Saturday; by hand: from 1, 3, 10, 17 and 24 September."""
    table = month_run.table("week").query("measure == 'visitors'")
    days = month_run.table("day").query("measure == 'visitors'")
    firsts = [d.day for d in table["week"]]
    assert firsts == [3, 10, 17, 24] or firsts == [1, 3, 10, 17, 24]  # without the days nobody came
    for first, mean in zip(firsts, table["mean"], strict=True):
        last = {1: 2, 3: 9, 10: 16, 17: 23, 24: 30}[first]
        inside = [first <= d.day <= last for d in days["day"]]
        assert mean == pytest.approx(days["mean"][inside].sum())
    spans = [(dt.date(2018, 9, 3), dt.date(2018, 9, 9))]
    waits = month_run.over(spans).set_index("measure").loc["mean_wait_min"]
    week = month_run.table("week").set_index(["measure", "week"]).loc["mean_wait_min"]
    assert week.loc[spans[0][0], ["mean", "lo", "hi"]].tolist() == pytest.approx(
        waits[["mean", "lo", "hi"]].tolist()
    )


def test_the_target_of_a_halls_own_tier_wins_over_that_of_all() -> None:
    targets = (
        Target(within_minutes=20, share=0.8),
        Target(tier="community", within_minutes=10, share=0.9),
        Target(tier="street", mean_wait_minutes=15),
    )
    assert within_seconds(small(targets=targets)).tolist() == [1200, 1200, 600, 600, 1200, 600]
    assert set(within_seconds(small()).tolist()) == {1800}


# Intervals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_the_interval_is_students(confidence: float) -> None:
    sample = np.random.default_rng(1).normal(10, 3, (12, 4))
    mean, lo, hi = interval(sample, confidence)
    for k in range(4):
        right = stats.t.interval(confidence, 11, sample[:, k].mean(), stats.sem(sample[:, k]))
        np.testing.assert_allclose([lo[k], hi[k]], right, rtol=1e-12)
        assert mean[k] == pytest.approx(sample[:, k].mean())


def test_replications_without_a_value_are_left_out_of_the_interval() -> None:
    sample = np.array([[1.0, np.nan], [np.nan, np.nan], [2.0, np.nan], [6.0, np.nan]])
    mean, lo, hi = interval(sample, 0.95)
    right = stats.t.interval(0.95, 2, 3, stats.sem([1, 2, 6]))
    np.testing.assert_allclose([mean[0], lo[0], hi[0]], [3, *right])
    assert np.isnan([mean[1], lo[1], hi[1]]).all()


def test_a_95_percent_interval_covers_95_percent() -> None:
    """20 000 intervals of 8 normal values: coverage within 5 standard errors (0.0077)."""
    sample = np.random.default_rng(2).normal(5, 2, (8, 20_000))
    _, lo, hi = interval(sample, 0.95)
    covered = ((lo <= 5) & (hi >= 5)).mean()
    assert abs(covered - 0.95) < 5 * np.sqrt(0.95 * 0.05 / 20_000)


# Comparisons -------------------------------------------------------------------------------------


def two_staffings(replications: int = 4) -> dict[str, Measures]:
    month = expect(FULL, 2018, 9)
    home = np.tile(home_of_stations(FULL, stations(FULL)), (30, 1))
    fewer = np.maximum(home - 1, 1)
    return simulate_staffings(
        month, {"home": home, "fewer": fewer}, seed=1, purpose="verify", replications=replications
    )


def test_differences_are_paired_by_replication() -> None:
    found = two_staffings()
    home, fewer = found["home"], found["fewer"]
    table = fewer.minus(home).set_index("measure")
    pairs = fewer.samples("mean_wait_min")[:, 0], home.samples("mean_wait_min")[:, 0]
    test = stats.ttest_rel(*pairs).confidence_interval(0.95)
    row = table.loc["mean_wait_min"]
    np.testing.assert_allclose([row.lo, row.hi], [test.low, test.high], rtol=1e-9)
    assert (table.loc["visitors", ["mean", "lo", "hi"]] == 0).all()  # the very same people


@pytest.mark.parametrize("by", [*GROUPINGS, "queue"])
def test_two_staffings_can_be_compared_by_every_grouping(by: str) -> None:
    found = two_staffings(2)
    table = found["fewer"].minus(found["home"], by)
    own = found["home"].table(by)
    assert len(table) >= len(own)
    assert not table["mean"].isna().all()


def test_queues_can_be_compared_where_only_one_runs_late_into_the_evening() -> None:
    month = expect(lone(), 2018, 9)
    staffings = {name: np.full((30, 1), n) for name, n in (("five", 5), ("two", 2))}
    found = simulate_staffings(month, staffings, seed=1, purpose="plan", replications=3)
    five, two = found["five"], found["two"]
    own = two.table("queue").set_index("slot")
    for table, sign in ((two.minus(five, "queue"), 1), (five.minus(two, "queue"), -1)):
        late = table.set_index("slot").loc["20:00"]
        assert late["mean"] == pytest.approx(sign * own.loc["20:00", "mean"])
        assert abs(late["mean"]) > 0.1


def test_tables_are_tidy(month_run: Measures) -> None:
    keys = {
        "district": [],
        "hall": ["hall"],
        "hall_day": ["hall", "day"],
        "queue": ["hall", "slot"],
    }
    for by, columns in keys.items():
        table = month_run.table(by)
        assert list(table.columns) == [*columns, "measure", "mean", "lo", "hi"]
        assert not table.duplicated([*columns, "measure"]).any()
        known = table.dropna()
        assert (known["lo"] <= known["mean"]).all() and (known["mean"] <= known["hi"]).all()
    assert isinstance(month_run.table("tier"), pd.DataFrame)
    with pytest.raises(ValueError, match="by must be one of"):
        month_run.table("moon")


def test_sums_by_period_are_those_of_their_days(month_run: Measures) -> None:
    spans = [(0, 8), (9, 29)]
    sums = month_run.period_sums(spans)
    days = month_run.samples("visitors", "hall_day")
    table = month_run.table("hall_day")
    cells = table[table.measure == "visitors"].reset_index(drop=True)
    early = np.array([d.day <= 9 for d in cells.day])
    np.testing.assert_allclose(sums["visitors"][:, 0].sum(axis=1), days[:, early].sum(axis=1))
    np.testing.assert_allclose(sums["visitors"].sum(axis=(1, 2)), days.sum(axis=1))


# Visits of several counters -----------------------------------------------------------------------

THEMED = (
    Windows(hall="D", kind="themed", items=("permit",), count=3),
    Windows(hall="D", kind="themed", items=("card",), count=2),
    *small().windows[1:],
)


@pytest.mark.parametrize("scenario", [full(), full(windows=THEMED)], ids=["full", "themed"])
def test_both_engines_count_the_same_in_a_month_with_everything(scenario: Scenario) -> None:
    one, other = (run(scenario, 2, engine=e) for e in ("compiled", "reference"))
    for a, b in zip(one.tallies, other.tallies, strict=True):
        for name in ("unit", "hall_hour", "item", "kind", "queue"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        assert all(a.unit[:, F[n]].sum() > 0 for n in ("served", "abandoned", "balked"))


def test_every_visit_is_counted_once_at_all_its_counters() -> None:
    for tally in run(full(), 2).tallies:
        for cells in (tally.unit, tally.hall_hour, tally.item, tally.kind):
            became = sum(cells[..., F[n]] for n in ("served", "abandoned", "turned_away", "balked"))
            np.testing.assert_array_equal(cells[..., F["visitors"]], became)
            assert cells[..., F["visitors"]].sum() == tally.unit[:, F["visitors"]].sum()
            assert cells[..., F["tickets"]].sum() == tally.unit[:, F["tickets"]].sum()
            assert cells[..., F["within"]].sum() == tally.unit[:, F["within"]].sum()


def test_a_visit_of_two_counters_by_hand() -> None:
    """9:00 and 9:01, permit 10 minutes, a minute's walk, card 20 minutes, one window, doors to ten.

    The first is called at 9:00, the second at 9:10.  Cards at 9:11 and 9:21: called 9:20 and 9:40.
    Waits 0, 9, 9 and 19 minutes; with 15 as the target only the first visit is within.
    """
    items = (PERMIT.model_copy(update={"next": "card", "walk_minutes": 1}), CARD)
    scenario = lone(
        hours=Hours(weekdays="09:00-10:00"),  # type: ignore[arg-type]
        items=items, open=1, staff=1, targets=(Target(within_minutes=15, share=0.8),),
    )  # fmt: skip
    month, parts = expect(scenario, 2018, 9), stations(scenario)
    monday = np.arange(30) == 2
    last = np.where(np.arange(30) < 2, 0, 4)
    minutes = np.array([[0, 0, 10], [0, 1, 20], [1, 0, 10], [1, 1, 20]]).T
    none = np.full(4, NEVER)
    crowd = Crowd(
        last - 4 * monday, last, last, NINE + 60 * minutes[0], minutes[1], 0 * none,
        60 * minutes[2], none, 0 * none, none, 1 + minutes[1], 60 * minutes[1],
    )  # fmt: skip
    rota, ledger = Rota(month, parts), Ledger(month, parts)
    opened = monday.astype(np.int64)
    visits = visit_columns(crowd, rota, opened, "compiled")
    tally = ledger.count(crowd, visits, rota.closing(opened), rota.staffed(opened))
    found = dict(zip(FIELDS, tally.unit.sum(axis=0).astype(int).tolist(), strict=True))
    assert found == {"visitors": 2, "served": 2, "abandoned": 0, "turned_away": 0, "balked": 0,
                     "tickets": 4, "wait_s": 37 * 60, "within": 1, "work_s": 3600,
                     "overtime_s": 0, "staffed_s": 3600, "stay_s": (40 + 59) * 60,
                     "counters": 4}  # fmt: skip
    assert tally.item[:, F["visitors"]].tolist() == [2, 0]
    assert tally.item[:, F["tickets"]].tolist() == [2, 2]
    assert tally.item[:, F["wait_s"]].tolist() == [9 * 60, 28 * 60]
