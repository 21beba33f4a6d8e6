"""The drawn month against theory: Poisson in every hour, exact laws, and who is disturbed by what.

Every statistical assertion uses the level P_MIN = 1e-6 (or 5 standard errors, 6e-7) with fixed
seeds; there are fewer than 200 of them, so a right program fails this file with probability below
2e-4.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from hallsim.demand import expect
from hallsim.draw import Chance, Crowd
from hallsim.records import NEVER
from hallsim.scenario import (
    Clerks,
    Demand,
    Hall,
    Hours,
    Item,
    Scenario,
    Staffing,
    Variation,
    VisitorClass,
    Weight,
    Windows,
)
from hallsim.stations import stations
from small import CARD, HALLS, PERMIT, YEARLY, full, lone, small

P_MIN = 1e-6
HOUR = 3600


def chance(scenario: Scenario, seed: int = 1, purpose: Any = "plan", month: int = 9) -> Chance:
    return Chance(expect(scenario, 2018, month), stations(scenario), seed, purpose)


def rows(crowd: Crowd, unit: int) -> list[tuple[int, ...]]:
    """(arrival, item, credit, service, patience, class) of the visitors of a unit, in order."""
    place = slice(crowd.first[unit], crowd.last[unit])
    columns = (crowd.arrival, crowd.item, crowd.credit, crowd.service, crowd.patience, crowd.kind)
    return list(zip(*(c[place].tolist() for c in columns), strict=True))


def unit_of_rows(crowd: Crowd) -> np.ndarray:
    return np.repeat(np.arange(len(crowd.first)), crowd.last - crowd.first)


def near(value: float, expected: float, standard_error: float) -> bool:
    """Within 5 standard errors."""
    return abs(value - expected) <= 5 * standard_error


# Counts ------------------------------------------------------------------------------------------

STEEP = {"09:00-10:00": 10, "10:00-11:00": 3, "11:00-12:00": 1, "14:00-15:00": 4,
         "15:00-16:00": 2, "16:00-17:00": 1, "17:00-18:00": 1}  # fmt: skip


def steep() -> Scenario:
    """One hall, about 44 visitors for a permit and 22 for a card a day; ten times as many at nine
    as at eleven."""
    profile = tuple(Weight(profile="steep", kind="hour", key=k, weight=w) for k, w in STEEP.items())
    items = tuple(i.model_copy(update={"hours": "steep"}) for i in (PERMIT, CARD))
    demand = tuple(
        Demand(halls=("D",), item=i.item, volume=v)
        for i, v in zip(items, (11000, 5500), strict=True)
    )
    return lone(items=items, demand=demand, profiles=profile)


@pytest.fixture(scope="module")
def steep_counts() -> tuple[np.ndarray, np.ndarray]:
    """Counts [samples, items, quarters of an hour] of 250 months, and the means a day [items]."""
    dice = chance(steep())
    mean = expect(steep(), 2018, 9).mean[2, 0]
    found = []
    for replication in range(250):
        crowd = dice.crowd(replication)
        counts = np.zeros((30, 2, 96))
        np.add.at(counts, (unit_of_rows(crowd), crowd.item, crowd.arrival // 900), 1)
        found.append(counts[expect_open()])
    return np.concatenate(found), mean


def expect_open() -> np.ndarray:
    return expect(steep(), 2018, 9).open[:, 0]


def poisson_p_value(counts: np.ndarray, mean: float) -> float:
    """Chi-square of counts against the Poisson law of this mean, cells of at least 20."""
    n, law, edges = len(counts), stats.poisson(mean), [-1]
    while n * law.sf(edges[-1]) >= 40:
        k = edges[-1] + 1
        while n * (law.cdf(k) - law.cdf(edges[-1])) < 20:
            k += 1
        edges.append(k)
    edges[-1] = np.inf
    expected = n * np.diff(law.cdf(edges))
    seen = np.histogram(counts, bins=np.array(edges) + 0.5)[0]
    return float(stats.chisquare(seen, expected * n / expected.sum()).pvalue)


@pytest.mark.parametrize("item", [0, 1])
@pytest.mark.parametrize("hour", [int(k[:2]) for k in STEEP])
def test_the_count_of_every_hour_is_poisson_with_the_right_mean(
    steep_counts: tuple[np.ndarray, np.ndarray], hour: int, item: int
) -> None:
    """5250 days; false alarm 1e-6 for each hour and item."""
    counts, mean = steep_counts
    right = mean[item] * STEEP[f"{hour:02d}:00-{hour + 1:02d}:00"] / 22
    seen = counts[:, item, 4 * hour : 4 * hour + 4].sum(axis=1)
    assert near(seen.mean(), right, np.sqrt(right / len(seen)))
    assert poisson_p_value(seen, right) > P_MIN


def test_the_steepest_hour_is_poisson_in_each_of_its_quarters(
    steep_counts: tuple[np.ndarray, np.ndarray],
) -> None:
    """Nine to ten, and both sides of its edges; false alarm 1e-6 each."""
    counts, mean = steep_counts
    for quarter in (36, 37, 38, 39):
        assert poisson_p_value(counts[:, 0, quarter], mean[0] * 10 / 22 / 4) > P_MIN
    assert poisson_p_value(counts[:, 0, 40], mean[0] * 3 / 22 / 4) > P_MIN
    assert not counts[:, :, 35].any()


def test_counts_of_different_hours_and_items_are_uncorrelated(
    steep_counts: tuple[np.ndarray, np.ndarray],
) -> None:
    """Correlation of 5250 pairs has standard error 0.0138; 5 of them, for 4 pairs."""
    counts, _ = steep_counts
    nine, ten, afternoon = (
        counts[:, :, a:b].sum(axis=2) for a, b in ((36, 40), (40, 44), (56, 72))
    )
    pairs = [(nine[:, 0], ten[:, 0]), (nine[:, 0], afternoon[:, 0]), (nine[:, 0], nine[:, 1]),
             (nine[1:, 0], nine[:-1, 0])]  # fmt: skip
    for x, y in pairs:
        assert near(np.corrcoef(x, y)[0, 1], 0, 1 / np.sqrt(len(x)))


def test_nobody_comes_before_the_doors_open_or_after_closing_or_to_a_closed_hall() -> None:
    hours = Hours(weekdays="09:00-12:00 14:00-18:00", sat="09:00-12:00", doors_minutes=20)  # type: ignore[arg-type]
    wide = (Weight(profile="wide", kind="hour", key="06:00-22:00", weight=1),)
    scenario = lone(
        hours=hours, profiles=wide, items=(PERMIT.model_copy(update={"hours": "wide"}),)
    )
    month, crowd = expect(scenario, 2018, 9), chance(scenario).crowd(0)
    for unit, date in enumerate(month.dates):
        times = [r[0] for r in rows(crowd, unit)]
        close = 12 * HOUR if date.weekday() == 5 and date.day != 29 else 18 * HOUR
        assert bool(times) == bool(month.open[unit, 0])
        assert times == sorted(times)
        assert all(8 * HOUR + 2400 <= t < close for t in times)


# Days differ -------------------------------------------------------------------------------------


def daily_totals(scenario: Scenario, replications: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts [samples, halls] and means [halls] of the ordinary days of September 2018."""
    month, dice = expect(scenario, 2018, 9), chance(scenario)
    halls = len(scenario.halls)
    counts = []
    for replication in range(replications):
        crowd = dice.crowd(replication)
        counts.append((crowd.last - crowd.first).reshape(30, halls)[month.open[:, 0]])
    return np.concatenate(counts), month.mean[2].sum(axis=1)


def test_without_day_factors_the_variance_of_a_day_is_its_mean() -> None:
    """Dispersion of 2100 days has standard error sqrt(2/2100); 5 of them, for 6 halls."""
    counts, mean = daily_totals(small(), 100)
    dispersion = ((counts - mean) ** 2).mean(axis=0) / mean
    assert all(near(d, 1, np.sqrt(2 / len(counts)) * 1.02) for d in dispersion)
    assert np.abs(np.corrcoef(counts.T) - np.eye(6)).max() < 5 / np.sqrt(len(counts))


@pytest.mark.parametrize(("day", "hall"), [(0.15, 0.0), (0.0, 0.2), (0.1, 0.15)])
def test_day_factors_add_the_variance_and_the_covariance_of_their_cv(
    day: float, hall: float
) -> None:
    """Var = m + m^2 ((1 + day^2)(1 + hall^2) - 1), Cov = m m' day^2; 5 standard errors each.

    Standard errors from the samples; days shared by halls make them 2100 samples of each statistic.
    """
    scenario = small(variation=Variation(day_cv=day, hall_cv=hall))
    counts, mean = daily_totals(scenario, 100)
    cv2 = (1 + day**2) * (1 + hall**2) - 1
    for h in range(6):
        m = mean[h]
        spread = ((counts[:, h] - m) ** 2 - m) / m**2
        assert near(spread.mean(), cv2, spread.std() / np.sqrt(len(spread)))
        assert near(counts[:, h].mean(), m, counts[:, h].std() / np.sqrt(len(counts)))
    both = (counts[:, 0] - mean[0]) * (counts[:, 4] - mean[4]) / (mean[0] * mean[4])
    assert near(both.mean(), day**2, both.std() / np.sqrt(len(both)))


def test_factors_are_lognormal_with_mean_one() -> None:
    """Kolmogorov-Smirnov of 3000 day factors; false alarm 1e-6."""
    dice = chance(small(variation=Variation(day_cv=0.3)))
    factors = np.concatenate([dice.factors(r) for r in range(100)])
    assert (factors == factors[:, :1]).all()  # shared by the halls
    sigma = np.sqrt(np.log(1 + 0.3**2))
    law = stats.norm(-(sigma**2) / 2, sigma)
    assert stats.kstest(np.log(factors[:, 0]), law.cdf).pvalue > P_MIN


# Who is disturbed by what ------------------------------------------------------------------------


def test_ten_percent_more_demand_leaves_every_former_visitor_as_they_were() -> None:
    classes = {
        "ordinary": VisitorClass(share=0.8, patience_minutes=60),
        "booked": VisitorClass(share=0.2, credit_minutes=30),
    }
    more = tuple(
        Demand(halls=(h,), item=i, volume=n * 0.55) for h, n in YEARLY.items() for i in ("permit", "card")
    )  # fmt: skip
    variation = Variation(day_cv=0.1, hall_cv=0.1)
    usual = chance(small(classes=classes, variation=variation)).crowd(3)
    busier = chance(small(classes=classes, variation=variation, demand=more)).crowd(3)
    added = 0
    for unit in range(len(usual.first)):
        before, after = rows(usual, unit), rows(busier, unit)
        assert Counter(before) <= Counter(after)
        position = iter(after)
        assert all(row in position for row in before)  # and in the same order
        added += len(after) - len(before)
    assert near(added, len(usual.arrival) * 0.1, np.sqrt(len(usual.arrival) * 0.1) * 1.1)


def by_hall(scenario: Scenario, replication: int = 2) -> dict[tuple[str, int], list[Any]]:
    """(hall, day) to its visitors, the item by name."""
    crowd, parts = chance(scenario).crowd(replication), stations(scenario)
    found: dict[tuple[str, int], list[Any]] = {}
    for unit in range(len(crowd.first)):
        day, s = divmod(unit, len(parts))
        people = [(r[0], scenario.items[r[1]].item, *r[2:]) for r in rows(crowd, unit)]
        found.setdefault((scenario.halls[parts[s].hall].hall, day), []).extend(people)
    return found


def test_a_new_hall_disturbs_nobody() -> None:
    new = Hall(hall="A0", tier="community", street="A", hours="office")
    wider = small(
        halls=(HALLS[0], new, *HALLS[1:]),
        windows=(Windows(hall="A0", count=2), *small().windows),
        clerks=(Clerks(hall="A0", count=2), *small().clerks),
        demand=(Demand(halls=("A0",), item="card", volume=9000), *small().demand),
    )
    before, after = by_hall(small()), by_hall(wider)
    assert {k: v for k, v in after.items() if k[0] != "A0"} == before


def test_a_new_item_disturbs_nobody() -> None:
    new = Item(item="appeal", minutes=30)
    richer = small(
        items=(new, PERMIT, CARD),
        demand=(Demand(halls=("*",), item="appeal", volume=6000), *small().demand),
    )
    before, after = by_hall(small()), by_hall(richer)
    assert {k: [r for r in v if r[1] != "appeal"] for k, v in after.items()} == before
    assert any(r[1] == "appeal" for v in after.values() for r in v)


def with_machines(online: float, share: float, count: int = 2) -> Scenario:
    """The small district; of the permits a share is done online, and a share at machines in hall D."""
    permit = PERMIT.model_copy(
        update={"online_share": online, "self_service": "self", "self_service_share": share}
    )
    machine = Windows(hall="D", kind="machine", items=("self",), count=count)
    items = (permit, CARD, Item(item="self", minutes=3))
    return small(items=items, windows=(*small().windows, machine))


@pytest.mark.parametrize(("online", "share"), [(0.3, 0.0), (0.0, 0.4), (0.3, 0.4)])
def test_those_online_and_at_machines_leave_the_others_as_they_were(
    online: float, share: float
) -> None:
    """Whoever still comes to a clerk is one of those who came, on the same day to the same hall."""
    before, after = by_hall(small()), by_hall(with_machines(online, share))
    assert before.keys() == after.keys()
    for key, people in after.items():
        at_clerks = [r for r in people if r[1] != "self"]
        assert Counter(at_clerks) <= Counter(before[key])
        assert sorted(r for r in people if r[1] == "card") == sorted(
            r for r in before[key] if r[1] == "card"
        )
    came = {
        name: sum(r[1] == name for v in after.values() for r in v) for name in ("permit", "self")
    }
    assert (came["self"] > 0) == (share > 0)
    assert came["permit"] < sum(r[1] == "permit" for v in before.values() for r in v)


def test_thinned_visitors_are_poisson_with_the_thinned_mean() -> None:
    """Of M permits expected in hall D, 0.7 x 0.6 M come to a clerk and 0.7 x 0.4 M to a machine.

    600 months; means within 5 standard errors, index of dispersion by chi-square, independence.
    """
    whole = expect(small(), 2018, 9).mean[:, 0, 0].sum()
    dice, parts = chance(with_machines(0.3, 0.4)), stations(with_machines(0.3, 0.4))
    hall = np.array([part.hall for part in parts])
    counts = np.zeros((600, 2))
    for r in range(len(counts)):
        crowd = dice.crowd(r)
        here = hall[unit_of_rows(crowd) % len(parts)] == 0
        counts[r] = [(crowd.item[here] == item).sum() for item in (0, 2)]
    for column, mean in zip(counts.T, (whole * 0.7 * 0.6, whole * 0.7 * 0.4), strict=True):
        n = len(column)
        assert near(column.mean(), mean, np.sqrt(mean / n))
        dispersion = column.var(ddof=1) / column.mean() * (n - 1)
        assert P_MIN < stats.chi2(n - 1).cdf(dispersion) < 1 - P_MIN
    assert abs(np.corrcoef(counts.T)[0, 1]) < 5 / np.sqrt(len(counts))


def test_all_machines_are_open_whatever_clerks_there_are() -> None:
    hard = Staffing(leave_rate=0.3, absence_rate=0.4)
    scenario = with_machines(0.3, 0.4, count=3).model_copy(update={"staffing": hard})
    dice, parts = chance(scenario), stations(scenario)
    machine = np.array([s.machine for s in parts])
    assert machine.sum() == 1
    alone = chance(small(staffing=hard))
    for n in (0, 1, 4):
        opened = dice.windows_open(np.full(30 * 7, n), 3).reshape(30, 7)
        assert (opened[:, machine] == 3).all()
        usual = alone.windows_open(np.full(30 * 6, n), 3).reshape(30, 6)
        np.testing.assert_array_equal(opened[:, ~machine], usual)  # and the clerks as ever


def test_a_hall_split_into_stations_has_the_same_visitors() -> None:
    """Themed windows for cards in hall D only: two queues there, and nothing changes elsewhere."""
    themed = (
        Windows(hall="D", kind="themed", items=("permit",), count=3),
        Windows(hall="D", kind="themed", items=("card",), count=2),
        *small().windows[1:],
    )
    before, after = by_hall(small()), by_hall(small(windows=themed))
    assert {k: sorted(v) for k, v in after.items()} == {k: sorted(v) for k, v in before.items()}


def test_a_replication_does_not_depend_on_those_drawn_before_it() -> None:
    dice = chance(small())
    first = dice.crowd(5)
    for replication in (0, 7, 5):
        again = dice.crowd(replication)
    fresh = chance(small()).crowd(5)
    for unit in range(0, len(first.first), 7):
        assert rows(first, unit) == rows(again, unit) == rows(fresh, unit)


def test_seed_purpose_and_replication_each_give_other_visitors() -> None:
    crowds = [
        chance(small()).crowd(0),
        chance(small(), seed=2).crowd(0),
        chance(small(), purpose="verify").crowd(0),
        chance(small()).crowd(1),
    ]
    people = [{(u, *r) for u in range(180) for r in rows(c, u)} for c in crowds]
    for i in range(4):
        for j in range(i):
            assert len(people[i] & people[j]) < 5  # of about 10 000


# Properties of visitors --------------------------------------------------------------------------


def services(law: str, minutes: float, cv: float) -> np.ndarray:
    """Work in seconds of some 20 000 visitors."""
    item = Item(item="permit", minutes=minutes, cv=cv, law=law)  # type: ignore[arg-type]
    dice = chance(lone(items=(item,), volume=250 * 100))
    return np.concatenate([dice.crowd(r).service for r in range(10)])


LAWS = {
    "lognormal": lambda m, cv: stats.lognorm(
        np.sqrt(np.log1p(cv**2)), scale=m / np.sqrt(1 + cv**2)
    ),
    "gamma": lambda m, cv: stats.gamma(1 / cv**2, scale=m * cv**2),
    "exponential": lambda m, cv: stats.expon(scale=m),
}


@pytest.mark.parametrize(
    ("law", "minutes", "cv"),
    [("lognormal", 12, 0.6), ("lognormal", 20, 1.3), ("gamma", 15, 0.4), ("gamma", 40, 1.5),
     ("exponential", 10, 1.0)],
)  # fmt: skip
def test_the_work_follows_its_law(law: str, minutes: float, cv: float) -> None:
    """Mean, cv and Kolmogorov-Smirnov of about 21 000 visitors, rounded to whole seconds.

    False alarm 1e-6 (KS) and 5 standard errors (mean, cv); half a second of rounding is added to
    the former as the probability of half a second at the mode.
    """
    found = services(law, minutes, cv)
    right = LAWS[law](minutes * 60, cv)
    n, mean = len(found), minutes * 60
    assert found.min() >= 1
    assert near(found.mean(), mean, mean * cv / np.sqrt(n))
    squares = (found - mean) ** 2.0
    assert near(squares.mean(), (mean * cv) ** 2, squares.std() / np.sqrt(n))
    jittered = found + (np.arange(n) * 0.6180339887 % 1) - 0.5  # spread over the rounding interval
    keep = jittered > 1.5  # the least work is a second
    distance = stats.kstest(jittered[keep], right.cdf).statistic
    assert distance < stats.kstwo.isf(P_MIN, n) + right.cdf(1.5)


def test_fixed_work_is_always_the_same() -> None:
    assert set(services("fixed", 7.5, 0.6)) == {450}
    assert set(services("lognormal", 7.5, 0.0)) == {450}
    assert set(services("gamma", 7.5, 1e-200)) == {450}


CLASSES = {
    "ordinary": VisitorClass(share=0.7, patience_minutes=45),
    "priority": VisitorClass(share=0.1, credit_minutes=60),
    "booked": VisitorClass(share=0.2, credit_minutes=15, patience_minutes=90),
}


@pytest.fixture(scope="module")
def classed() -> Crowd:
    """About 21 000 visitors of three classes."""
    dice = chance(lone(classes=CLASSES, volume=250 * 1000))
    return dice.crowd(0)


def test_classes_come_in_their_shares(classed: Crowd) -> None:
    """Chi-square of three counts, false alarm 1e-6."""
    counts = np.bincount(classed.kind)
    assert stats.chisquare(counts, np.array([0.7, 0.1, 0.2]) * counts.sum()).pvalue > P_MIN


def test_credit_and_patience_are_those_of_the_class(classed: Crowd) -> None:
    """Patience exponential in whole seconds: Kolmogorov-Smirnov, false alarm 1e-6 each."""
    assert [set(classed.credit[classed.kind == k]) for k in range(3)] == [{0}, {3600}, {900}]
    assert set(classed.patience[classed.kind == 1]) == {NEVER}
    for k, minutes in ((0, 45), (2, 90)):
        found = classed.patience[classed.kind == k]
        assert found.min() >= 0
        n = len(found)
        spread = found + (np.arange(n) * 0.6180339887 % 1)
        assert stats.kstest(spread, stats.expon(scale=minutes * 60).cdf).pvalue > P_MIN


def test_moment_work_class_and_patience_of_a_visitor_are_uncorrelated(classed: Crowd) -> None:
    """Rank correlations, 5 standard errors, six pairs; patience against the rest in one class."""
    pairs = [(classed.arrival, classed.service), (classed.arrival, classed.kind == 1),
             (classed.service, classed.kind == 1)]  # fmt: skip
    own = classed.kind == 0
    pairs += [(classed.patience[own], c[own]) for c in (classed.arrival, classed.service)]
    pairs += [(classed.patience[own][1:], classed.patience[own][:-1])]
    for x, y in pairs:
        assert near(stats.spearmanr(x, y).statistic, 0, 1 / np.sqrt(len(x)))


def test_late_comers_come_all_the_same_and_are_counted_apart() -> None:
    """So many visitors that some come in the very second of the last ticket: they are late."""
    hours = Hours(weekdays="09:00-12:00 14:00-18:00", last_ticket_minutes=45)  # type: ignore[arg-type]
    usual, early = (
        chance(lone(volume=250 * 10_000, **extra)).crowd(0) for extra in ({}, {"hours": hours})
    )
    np.testing.assert_array_equal(usual.in_time, usual.last)
    last_ticket = 17 * HOUR + 15 * 60
    assert (early.arrival == last_ticket).any()
    for name in ("first", "last", "arrival", "service", "kind"):
        np.testing.assert_array_equal(getattr(usual, name), getattr(early, name))
    for unit in range(30):
        times = early.arrival[early.first[unit] : early.last[unit]]
        n = early.in_time[unit] - early.first[unit]
        assert (times[:n] < last_ticket).all() and (times[n:] >= last_ticket).all()
    late = (early.last - early.in_time).sum()
    assert late > 10_000
    assert len(early.visitors()) == len(early.arrival) - late


# Presence ----------------------------------------------------------------------------------------


def presence(staffing: Staffing, windows: int, clerks: list[int], replications: int) -> np.ndarray:
    """[samples, one column per number of clerks] windows open on the days of a month."""
    dice = chance(lone(open=windows, staffing=staffing))
    return np.concatenate(
        [
            np.stack([dice.windows_open(np.full(30, n), r) for n in clerks], axis=1)
            for r in range(replications)
        ]
    )


RATES = Staffing(leave_rate=0.08, absence_rate=0.03, other_duty_rate=0.15)


def test_clerks_at_windows_are_those_not_on_leave_on_other_duty_or_absent() -> None:
    """Mean of 15 000 days, 5 standard errors, for 4 numbers of clerks."""
    clerks = [3, 7, 10, 40]
    found = presence(RATES, 100, clerks, 500)
    for n, column in zip(clerks, found.T, strict=True):
        mean = n * (1 - 0.08) * (1 - 0.15) * (1 - 0.03)
        nobody = 0.45 * 0.03**2 + 0.55 * 0.03**3 if n == 3 else 0  # someone stands in then
        assert near(column.mean() - nobody, mean, column.std() / np.sqrt(len(column)))


def test_leave_is_spread_evenly_and_absence_is_binomial() -> None:
    """Rostered 0.9 x 5 = 4.5: 4 or 5 on half of the days each; then chi-square, false alarm 1e-6."""
    even = presence(Staffing(leave_rate=0.1), 100, [5], 400)[:, 0]
    assert set(even) == {4, 5}
    assert near((even == 5).mean(), 0.5, 0.5 / np.sqrt(len(even)))
    absent = presence(Staffing(absence_rate=0.2), 100, [6], 400)[:, 0]
    law = stats.binom(6, 0.8)
    expected = np.append(law.cdf(2), law.pmf([3, 4, 5, 6])) * len(absent)
    counts = np.bincount(np.maximum(absent, 2), minlength=7)[2:]
    assert stats.chisquare(counts, expected).pvalue > P_MIN


def test_a_station_with_a_clerk_opens_a_window_and_never_more_than_it_has() -> None:
    hard = Staffing(leave_rate=0.3, absence_rate=0.4, other_duty_rate=0.3)
    found = presence(hard, 4, [0, 1, 2, 5, 30], 100)
    assert not found[:, 0].any()
    assert found[:, 1:].min() == 1 and found.max() == 4
    assert set(found[:, 1]) == {1}


def test_one_clerk_more_never_means_fewer_windows() -> None:
    found = presence(RATES, 9, list(range(15)), 100)
    assert (np.diff(found, axis=1) >= 0).all()
    assert (np.diff(found, axis=1) <= 2).all()


def test_absences_of_two_stations_of_a_hall_are_independent() -> None:
    """Correlation of 12 000 pairs, 5 standard errors; groups of windows without a name of their own."""
    windows = tuple(
        Windows(hall="D", kind="themed", items=(i,), count=9) for i in ("permit", "card")
    )
    scenario = lone(windows=windows, items=(PERMIT, CARD), staffing=Staffing(absence_rate=0.3))
    dice = chance(scenario)
    found = np.concatenate(
        [dice.windows_open(np.full(60, 8), r).reshape(30, 2) for r in range(400)]
    )
    assert near(np.corrcoef(found.T)[0, 1], 0, 1 / np.sqrt(len(found)))


# Visits ------------------------------------------------------------------------------------------


def chi_square(found: np.ndarray, law: Any, largest: int) -> float:
    """p-value of whole numbers 1, 2, … against a law, those from `largest` on together."""
    seen = np.bincount(np.minimum(found, largest), minlength=largest + 1)[1:]
    right = np.array([law.pmf(k) for k in range(1, largest)] + [law.sf(largest - 1)])
    assert seen.sum() == len(found) and abs(right.sum() - 1) < 1e-9
    return float(stats.chisquare(seen, right * len(found)).pvalue)


def test_work_follows_the_sample_scaled_to_its_mean() -> None:
    """Minutes 2, 6 and 22 with weights 1, 2 and 1 have mean 9; scaled to 12.  Chi-square, 1e-6."""
    item = PERMIT.model_copy(update={"law": "empirical", "sample": "seen", "cv": 0.0})
    seen = (("2", 1), ("22", 1), ("6", 2))
    profile = tuple(Weight(profile="seen", kind="minutes", key=k, weight=w) for k, w in seen)
    work = chance(lone(items=(item,), profiles=profile, volume=250 * 1000)).crowd(0).service
    values, counts = np.unique(work, return_counts=True)
    assert values.tolist() == [160, 480, 1760]
    assert stats.chisquare(counts, len(work) * np.array([0.25, 0.5, 0.25])).pvalue > P_MIN


def test_a_visitor_brings_one_case_and_a_poisson_number_more() -> None:
    """Chi-square of about 21 000 visitors, 1e-6; work of fixed minutes counts the cases."""
    item = PERMIT.model_copy(update={"law": "fixed", "cases": 2.5})
    work = chance(lone(items=(item,), volume=250 * 1000)).crowd(0).service
    assert not (work % 720).any()
    assert chi_square(work // 720, stats.poisson(1.5, loc=1), 8) > P_MIN


def test_the_cases_of_a_visitor_are_independent() -> None:
    """Var = n̄ cv² m² + Var(n) m² for work of cv 0.6 in 2.5 cases; 5 standard errors."""
    item = PERMIT.model_copy(update={"law": "gamma", "cases": 2.5})
    work = chance(lone(items=(item,), volume=250 * 1000)).crowd(0).service / 720
    squares = (work - 2.5) ** 2
    assert near(work.mean(), 2.5, work.std() / np.sqrt(len(work)))
    assert near(squares.mean(), 2.5 * 0.36 + 1.5, squares.std() / np.sqrt(len(work)))


def test_some_leave_at_once_and_others_turn_round_at_a_length_of_their_own() -> None:
    """Binomial and geometric, about 21 000 visitors; 1e-6 each."""
    classes = {"a": VisitorClass(share=1, leave_at_once=0.1, balk_at=7)}
    crowd = chance(lone(classes=classes, volume=250 * 1000)).crowd(0)
    assert set(crowd.patience) == {0, NEVER}
    n, zero = len(crowd.patience), int((crowd.patience == 0).sum())
    assert stats.binomtest(zero, n, 0.1).pvalue > P_MIN
    assert chi_square(crowd.balk_at, stats.geom(1 / 7), 40) > P_MIN
    assert near(stats.spearmanr(crowd.balk_at, crowd.patience).statistic, 0, 1 / np.sqrt(n))


def test_booked_visitors_come_around_the_beginning_of_their_slot() -> None:
    """Lateness normal: Kolmogorov-Smirnov, 1e-6; without lateness all come on the dot."""
    hours = Hours(weekdays="09:00-12:00 14:00-18:00", doors_minutes=30)  # type: ignore[arg-type]
    dot = VisitorClass(share=1, slot_minutes=60)
    late = VisitorClass(share=1, slot_minutes=60, late_minutes=-2, late_sd_minutes=5)
    found = {}
    for name, one in (("dot", dot), ("late", late)):
        crowd = chance(lone(classes={"a": one}, hours=hours, volume=250 * 1000)).crowd(0)
        found[name] = crowd.arrival
        for a, b in zip(crowd.first, crowd.last, strict=True):
            assert (np.diff(crowd.arrival[a:b]) >= 0).all()
    assert set(found["dot"]) == {h * HOUR for h in (9, 10, 11, 14, 15, 16, 17)}
    lateness = (found["late"] + 1800) % HOUR - 1800
    spread = lateness + (np.arange(len(lateness)) * 0.6180339887 % 1) - 0.5
    assert stats.kstest(spread, stats.norm(-120, 300).cdf).pvalue > P_MIN


def test_lateness_ends_at_the_doors_and_at_closing() -> None:
    late = VisitorClass(share=1, slot_minutes=30, late_sd_minutes=400)
    crowd = chance(lone(classes={"a": late})).crowd(0)
    assert (crowd.arrival.min(), crowd.arrival.max()) == (9 * HOUR, 18 * HOUR)
    place = np.repeat(crowd.in_time, crowd.last - crowd.first)
    assert ((np.arange(len(place)) >= place) == (crowd.arrival == 18 * HOUR)).all()


def test_no_shows_are_left_out_and_the_others_are_as_they_were() -> None:
    """Binomial, 1e-6."""
    before = chance(lone(volume=250 * 1000)).crowd(0)
    classes = {"ordinary": VisitorClass(share=1, no_show=0.15)}
    after = chance(lone(classes=classes, volume=250 * 1000)).crowd(0)
    for unit in range(len(before.first)):
        assert Counter(rows(after, unit)) <= Counter(rows(before, unit))
    missing = len(before.arrival) - len(after.arrival)
    assert stats.binomtest(missing, len(before.arrival), 0.15).pvalue > P_MIN


def test_where_nothing_of_it_happens_both_paths_draw_the_same() -> None:
    """A class without members has it all."""
    nobody = VisitorClass(share=0, slot_minutes=30, no_show=0.5, balk_at=3)
    classes = {"ordinary": VisitorClass(share=1, patience_minutes=60)}
    short = chance(small(classes=classes)).crowd(4)
    long = chance(small(classes=classes | {"nobody": nobody})).crowd(4)
    for name in ("first", "in_time", "last", "arrival", "item", "service", "patience", "kind"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name))
    assert set(long.balk_at) == {NEVER} and set(long.stage) == {1} and set(long.walk) == {0}


def test_later_counters_follow_their_visit_and_change_no_first_one() -> None:
    """Three counters; work of the later ones has the mean of its own item, to 5 standard errors."""
    chain = (
        PERMIT.model_copy(update={"next": "card", "walk_minutes": 2}),
        CARD.model_copy(update={"next": "stamp", "walk_minutes": 1}),
        Item(item="stamp", minutes=3, law="exponential"),
    )
    plain = tuple(i.model_copy(update={"next": ""}) for i in chain)
    demand = (Demand(halls=("D",), item="permit", volume=250 * 1000),)
    crowd = chance(lone(items=chain, demand=demand)).crowd(0)
    alone = chance(lone(items=plain, demand=demand)).crowd(0)
    for k, (walk, seconds, cv) in enumerate(((0, 720, 0.6), (120, 360, 0.6), (60, 180, 1))):
        own = crowd.stage == k + 1
        assert set(crowd.walk[own]) == {walk} and set(crowd.item[own]) == {k}
        work = crowd.service[own]
        assert near(work.mean(), seconds, seconds * cv / np.sqrt(len(work)))
        np.testing.assert_array_equal(crowd.arrival[own], alone.arrival)
    np.testing.assert_array_equal(crowd.service[::3], alone.service)
    np.testing.assert_array_equal(crowd.last, 3 * alone.last)
    assert near(stats.spearmanr(crowd.service[::3], crowd.service[1::3]).statistic, 0,
                1 / np.sqrt(len(alone.arrival)))  # fmt: skip


def september_only(share: float) -> Scenario:
    """Everybody comes in September, and then the returns."""
    weights = {str(m): float(m == 9) for m in range(1, 13)}
    profile = tuple(Weight(profile="y", kind="month", key=k, weight=w) for k, w in weights.items())
    item = PERMIT.model_copy(update={"months": "y", "return_share": share, "return_days": 8})
    return lone(items=(item,), profiles=profile, volume=60000)


@pytest.mark.parametrize("month", [9, 10])
def test_returns_come_after_a_geometric_number_of_open_days(month: int) -> None:
    """Poisson counts by open day with mean sum over m s P(N = k), also in the month after, which
    draws the days before it; chi-square of 20 months, 1e-6, and less than 1 % missed."""
    days = [expect(september_only(0), 2018, m) for m in (9, 10)]
    is_open = np.concatenate([m.open[:, 0] for m in days])
    mean = np.concatenate([m.mean[:, 0, 0] for m in days])[is_open]
    law = stats.geom(1 / 8)
    again = [0.4 * sum(mean[j] * law.pmf(k - j) for j in range(k)) for k in range(len(mean))]
    right = mean + np.array(again)
    own = slice(0, days[0].open.sum()) if month == 9 else slice(days[0].open.sum(), None)
    dice = chance(september_only(0.4), month=month)
    crowds = [dice.crowd(r) for r in range(20)]
    counts = sum(c.last - c.first for c in crowds)[days[month - 9].open[:, 0]]
    expected = 20 * right[own]
    keep = expected > 10
    statistic = ((counts - expected) ** 2 / expected)[keep].sum()
    assert stats.chi2(keep.sum()).sf(statistic) > P_MIN
    assert counts.sum() > 0.98 * expected.sum()


def test_returns_leave_first_visits_as_they_were() -> None:
    first, both = (chance(september_only(s)).crowd(1) for s in (0.0, 0.4))
    for unit in range(len(first.first)):
        assert Counter(rows(first, unit)) <= Counter(rows(both, unit))


def test_ten_percent_more_demand_leaves_full_visits_as_they_were() -> None:
    more = tuple(r.model_copy(update={"volume": r.volume * 1.1}) for r in small().demand)
    usual, busier = chance(full()).crowd(3), chance(full(demand=more)).crowd(3)
    assert len(busier.arrival) > 1.05 * len(usual.arrival)

    def visits(crowd: Crowd, unit: int) -> list[tuple[int, ...]]:
        a, b = crowd.first[unit], crowd.last[unit]
        extra = zip(crowd.balk_at[a:b], crowd.stage[a:b], crowd.walk[a:b], strict=True)
        return [(*r, *map(int, e)) for r, e in zip(rows(crowd, unit), extra, strict=True)]

    for unit in range(len(usual.first)):
        after = iter(visits(busier, unit))
        assert all(row in after for row in visits(usual, unit))


def test_a_circle_of_counters_is_refused() -> None:
    circle = tuple(
        i.model_copy(update={"next": n}) for i, n in ((PERMIT, "card"), (CARD, "permit"))
    )
    with pytest.raises(ValueError, match="counters"):
        chance(small(items=circle))
