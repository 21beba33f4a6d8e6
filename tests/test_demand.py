"""Expected visitors: what adds up, what a profile, a peak or a holiday does, and to whom."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from hallsim.demand import Month, arrival_window, expect, in_peak, shape
from hallsim.scenario import (
    CalendarDay,
    Demand,
    Hall,
    HolidayEffect,
    Holidays,
    Hours,
    Item,
    Peak,
    Scenario,
    Session,
    Weight,
    Windows,
)
from small import CARD, HALLS, OFFICE, PERMIT, YEARLY, lone, small

SIX_DAYS = Hours(weekdays="09:00-12:00 14:00-18:00", sat="09:00-12:00")  # type: ignore[arg-type]


def weights(profile: str, kind: str, **values: float) -> tuple[Weight, ...]:
    """Points of a profile; `m1` means the key 1, `h0910` 09:00-10:00."""

    def key(k: str) -> str:
        if k.startswith("h") and k[1:].isdigit():
            return f"{k[1:3]}:00-{k[3:5]}:00"
        return k[1:] if k[1:].isdigit() else k

    return tuple(
        Weight(profile=profile, kind=kind, key=key(k), weight=v)  # type: ignore[arg-type]
        for k, v in values.items()
    )


def whole_year(scenario: Scenario, year: int) -> np.ndarray:
    """[H, I] visitors of a year."""
    return sum(expect(scenario, year, m).mean.sum(axis=0) for m in range(1, 13))


def per_day(month: Month, hall: int = 0, item: int = 0) -> dict[int, float]:
    """Day of the month to its visitors, where there are any."""
    return {d.day: m for d, m in zip(month.dates, month.mean[:, hall, item], strict=True) if m > 0}


# The year adds up --------------------------------------------------------------------------------

SEASONS = weights("summer", "month", **{f"m{k}": 1 + (k in (7, 8, 9)) for k in range(1, 13)})
WEEK = weights("week", "weekday", mon=1.4, tue=1.1, wed=1.0, thu=0.9, fri=0.8, sat=0.5)
AROUND = Holidays(
    ordinary=HolidayEffect(before=(0.8,), after=(1.5, 1.2)),
    spring_festival=HolidayEffect(before=(0.5, 0.7), after=(2.0, 1.6, 1.3)),
)


@pytest.mark.parametrize("year", [2018, 2020, 2027])
def test_twelve_months_add_up_to_the_volumes_whatever_the_profiles_say(year: int) -> None:
    scenario = small(
        hours={"office": SIX_DAYS},
        items=(PERMIT.model_copy(update={"months": "summer", "weekdays": "week"}), CARD),
        profiles=SEASONS + WEEK,
        holidays=AROUND,
        calendar=(CalendarDay(first=f"{year}-07-01", last=f"{year}-07-20", day="closed"),),
    )
    expected = np.array([[YEARLY[h.hall] / 2] * 2 for h in HALLS])
    np.testing.assert_allclose(whole_year(scenario, year), expected, rtol=1e-12)


def test_nobody_is_expected_on_a_day_on_which_the_hall_is_closed() -> None:
    month = expect(small(), 2018, 9)
    closed = ~month.open
    assert closed.sum() == 9 * 6  # nine weekend days and the holiday, less make-up Saturday/Sunday
    assert not month.mean[closed].any()
    assert (month.mean[~closed] > 0).all()


def test_a_volume_per_month_is_a_twelfth_of_a_volume_per_year() -> None:
    def one(volume: float, per: str) -> np.ndarray:
        row = Demand(halls=("D",), item="permit", volume=volume, per=per)  # type: ignore[arg-type]
        return expect(lone(demand=(row,)), 2018, 9).mean

    np.testing.assert_allclose(one(1000, "month"), one(12000, "year"), rtol=1e-14)


def test_a_volume_for_several_halls_is_shared_by_weight() -> None:
    halls = tuple(
        Hall.model_validate(h.model_dump() | {"weight": w})
        for h, w in zip(HALLS, (5, 1, 2, 3, 4, 0), strict=True)
    )
    demand = (
        Demand(halls=("@community",), item="permit", volume=5000),
        Demand(halls=("A/*", "D"), item="card", volume=11000),
    )
    found = whole_year(small(halls=halls, demand=demand), 2018)
    np.testing.assert_allclose(found[:, 0], [0, 0, 2000, 3000, 0, 0], rtol=1e-12)
    np.testing.assert_allclose(found[:, 1], [5000, 1000, 2000, 3000, 0, 0], rtol=1e-12)


def test_rows_for_the_same_hall_and_item_add_up() -> None:
    row = Demand(halls=("D",), item="permit", volume=300)
    one, two = lone(demand=(row,)), lone(demand=(row, row))
    np.testing.assert_allclose(expect(two, 2018, 9).mean, 2 * expect(one, 2018, 9).mean)


# Profiles ----------------------------------------------------------------------------------------


def item(**fields: str) -> tuple[Item, ...]:
    return (PERMIT.model_copy(update=fields),)


def test_without_profiles_every_open_day_of_the_year_is_alike() -> None:
    """365 days - 104 of weekends - 11 statutory holidays = 250 working days in 2018."""
    days = per_day(expect(lone(volume=25000), 2018, 9))
    assert len(days) == 21
    np.testing.assert_allclose(list(days.values()), 25000 / 250, rtol=1e-12)


def test_a_month_weighs_as_its_profile_says_per_open_day() -> None:
    scenario = lone(items=item(months="summer"), profiles=SEASONS)
    june, july = (per_day(expect(scenario, 2018, m)) for m in (6, 7))
    assert july[2] / june[1] == pytest.approx(2)
    assert sum(july.values()) / sum(june.values()) == pytest.approx(2 * 22 / 20)


def test_months_left_out_of_a_profile_bring_nobody() -> None:
    scenario = lone(items=item(months="autumn"), profiles=weights("autumn", "month", m9=1))
    assert sum(per_day(expect(scenario, 2018, 9)).values()) == pytest.approx(25000)
    assert not per_day(expect(scenario, 2018, 10))


def test_a_weekday_weighs_as_its_profile_says() -> None:
    scenario = lone(items=item(weekdays="week"), profiles=WEEK, hours=SIX_DAYS)
    days = per_day(expect(scenario, 2018, 9))
    wednesday = days[5]
    ratios = [days[d] / wednesday for d in (3, 4, 5, 6, 7, 8)]
    np.testing.assert_allclose(ratios, [1.4, 1.1, 1.0, 0.9, 0.8, 0.5])


def test_a_make_up_day_is_a_mean_weekday_unless_it_has_its_own_weight() -> None:
    plain = lone(items=item(weekdays="week"), profiles=WEEK)
    own = lone(items=item(weekdays="week"), profiles=WEEK + weights("week", "weekday", makeup=2.5))
    for scenario, ratio in ((plain, (1.4 + 1.1 + 1.0 + 0.9 + 0.8) / 5), (own, 2.5)):
        days = per_day(expect(scenario, 2018, 9))
        assert days[29] / days[5] == pytest.approx(ratio)
        assert days[30] / days[5] == pytest.approx(ratio)


# Peaks -------------------------------------------------------------------------------------------


def test_a_peak_multiplies_its_days_items_and_halls_and_nothing_else() -> None:
    peak = Peak(
        peak="school", first="2018-09-03", last="2018-09-14", items=("card",),
        halls=("A/*",), multiplier=2.5,
    )  # fmt: skip
    with_peak, without = expect(small(peaks=(peak,)), 2018, 9), expect(small(), 2018, 9)
    factor = np.ones_like(without.mean)
    factor[2:14, 1:4, 1] = 2.5  # 3 to 14 September; A, A1, A2; card
    np.testing.assert_allclose(with_peak.mean, without.mean * factor, rtol=1e-14)


def test_peaks_that_overlap_multiply() -> None:
    peaks = (
        Peak(peak="a", first="09-01", last="09-10", multiplier=2),
        Peak(peak="b", first="09-10", last="09-20", multiplier=3),
    )
    days = per_day(expect(lone(peaks=peaks), 2018, 9))
    assert [round(days[d] / days[21], 9) for d in (7, 10, 11)] == [2, 6, 3]


# Online, and at machines ------------------------------------------------------------------------


def test_who_is_handled_online_or_at_a_machine_by_hand() -> None:
    """Of 100 a day in the peak 40 stay at home, 15 of 60 go to the machines of D, none at A."""
    permit = Item(
        item="permit", minutes=12, online_share=0.4, self_service="self", self_service_share=0.25
    )
    own = Item(item="self", minutes=3, online_share=0.1)
    scenario = small(
        items=(permit, CARD, own),
        windows=(*small().windows, Windows(hall="D", kind="machine", items=("self",), count=2),
                 Windows(hall="A", kind="machine", items=("self",), count=0)),
        demand=(
            Demand(halls=("D", "A"), item="permit", volume=2 * 50 * 250),
            Demand(halls=("D",), item="card", volume=250),
            Demand(halls=("D",), item="self", volume=10 * 250),
        ),
        peaks=(Peak(peak="p", first="2018-09-03", last="2018-09-03", items=("permit",), multiplier=2),),
    )  # fmt: skip
    month = expect(scenario, 2018, 9)
    plain = small(items=(PERMIT, CARD, Item(item="self", minutes=3)), demand=scenario.demand)
    usual = expect(plain, 2018, 9)
    unit = usual.mean[2, 0, 1]  # cards of 3 September: 250 a year, about one a day
    assert usual.mean[2, 1, 0] == pytest.approx(50 * unit)
    at_d, at_a = month.mean[2, 0] / unit, month.mean[2, 1] / unit
    np.testing.assert_allclose(at_d, [100 * 0.6 * 0.75, 1, 100 * 0.6 * 0.25 + 10 * 0.9])
    np.testing.assert_allclose(at_a, [100 * 0.6, 0, 0])
    np.testing.assert_allclose(month.mean[3, 0] / unit, [50 * 0.6 * 0.75, 1, 50 * 0.6 * 0.25 + 9])


def test_whatever_the_shares_nobody_is_invented() -> None:
    """Those at the hall are the share that is not online, wherever they are served."""
    rng = np.random.default_rng(5)
    windows = (*small().windows, Windows(hall="D", kind="machine", items=("self",), count=1))
    for online, machine in [(0, 0), (0, 1), (1, 0.5), *rng.random((5, 2))]:
        share = {"online_share": online, "self_service": "self", "self_service_share": machine}
        items = (PERMIT.model_copy(update=share), CARD, Item(item="self", minutes=3))
        found, usual = (
            expect(small(items=i, windows=windows), 2018, 9).mean
            for i in (items, (PERMIT, CARD, items[2]))
        )
        np.testing.assert_allclose(
            found[:, :, [0, 2]].sum(axis=2), usual[:, :, 0] * (1 - online), atol=1e-12
        )
        np.testing.assert_array_equal(found[:, :, 1], usual[:, :, 1])
        assert (found >= 0).all() and not found[:, 1:, 2].any()


@pytest.mark.parametrize(
    ("first", "last", "inside", "outside"),
    [
        ("12-20", "01-10", ("2018-12-20", "2018-12-31", "2019-01-01", "2019-01-10"),
         ("2018-12-19", "2019-01-11", "2018-07-01")),
        ("08-15", "09-15", ("2018-08-15", "2030-09-15"), ("2018-08-14", "2018-09-16")),
        ("2018-12-20", "2019-01-10", ("2018-12-20", "2019-01-10"), ("2017-12-25", "2019-12-25")),
        ("02-29", "02-29", ("2020-02-29",), ("2019-02-28", "2019-03-01")),
    ],
)  # fmt: skip
def test_peaks_hold_every_year_or_once_and_may_run_over_new_year(
    first: str, last: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    peak = Peak(peak="p", first=first, last=last, multiplier=2)
    assert all(in_peak(peak, dt.date.fromisoformat(d)) for d in inside)
    assert not any(in_peak(peak, dt.date.fromisoformat(d)) for d in outside)


# Around holidays ---------------------------------------------------------------------------------


def ratios(scenario: Scenario, year: int, month: int, ordinary_day: int) -> dict[int, float]:
    """Days of a month that differ from an ordinary day of it, with their factor."""
    days = per_day(expect(scenario, year, month))
    found = {d: round(m / days[ordinary_day], 9) for d, m in days.items()}
    return {d: f for d, f in found.items() if f != 1}


def test_the_days_around_national_day_and_mid_autumn_2018_by_hand() -> None:
    scenario = lone(holidays=AROUND)
    # Mid-autumn: closed 22-24 September.  National Day: closed from 1 October, 30 September worked
    assert ratios(scenario, 2018, 9, 5) == {21: 0.8, 25: 1.5, 26: 1.2, 30: 0.8}
    assert ratios(scenario, 2018, 10, 17) == {8: 1.5, 9: 1.2}


def test_the_days_around_the_spring_festival_2018_by_hand() -> None:
    """Off 15-21 February; Sunday 11 and Saturday 24 February were worked."""
    expected = {13: 0.7, 14: 0.5, 22: 2.0, 23: 1.6, 24: 1.3}
    assert ratios(lone(holidays=AROUND), 2018, 2, 7) == expected


def test_effects_reach_over_the_end_of_the_year() -> None:
    """New Year 2018: off from Saturday 30 December 2017 to 1 January."""
    assert ratios(lone(holidays=AROUND), 2018, 1, 10) == {2: 1.5, 3: 1.2}
    assert ratios(lone(holidays=AROUND), 2017, 12, 13) == {29: 0.8}


def test_factors_of_two_holidays_meet_on_the_days_between() -> None:
    """With eight factors after Mid-autumn, 30 September 2018 is its 6th day after and one before."""
    effect = HolidayEffect(before=(0.5,), after=(1, 1, 1, 1, 1, 3))
    scenario = lone(holidays=Holidays(ordinary=effect))
    # open after Mid-autumn: 25, 26, 27, 28, 29, 30 September
    assert ratios(scenario, 2018, 9, 5) == {21: 0.5, 30: 1.5}


def test_a_hall_that_opens_on_holidays_knows_no_days_around_them() -> None:
    always = Hours(weekdays="09:00-17:00", sat="09:00-17:00", sun="09:00-17:00", holiday="09:00-17:00")  # type: ignore[arg-type]  # fmt: skip
    assert ratios(lone(hours=always, holidays=AROUND), 2018, 10, 17) == {}


# Hours of the day --------------------------------------------------------------------------------

MORNING = weights("busy", "hour", h0809=1, h0910=3, h1011=4, h1112=2, h1415=5, h1516=5)


def hour_shape(sessions: str, doors: float = 0, rows: tuple[Weight, ...] = MORNING) -> list[tuple]:
    """(start, end, share) of a shape, in hours."""
    hours = Hours(weekdays=sessions, doors_minutes=doors)  # type: ignore[arg-type]
    scenario = lone(hours=hours, items=item(hours="busy" if rows else ""), profiles=rows)
    found = shape(scenario, scenario.halls[0], 0, hours.weekdays)
    share = np.diff(found.cumulative, prepend=0)
    assert found.cumulative[-1] == pytest.approx(1)
    return [
        (s / 3600, (s + n) / 3600, pytest.approx(w))
        for s, n, w in zip(found.start, found.length, share, strict=True)
    ]


def test_a_saturday_morning_takes_its_part_of_the_hour_profile() -> None:
    assert hour_shape("09:00-12:00") == [(9, 10, 3 / 9), (10, 11, 4 / 9), (11, 12, 2 / 9)]


def test_hours_cut_by_doors_or_closing_keep_their_part_of_the_weight() -> None:
    assert hour_shape("09:00-11:30", doors=30) == [
        (8.5, 9, 0.5 / 8.5),
        (9, 10, 3 / 8.5),
        (10, 11, 4 / 8.5),
        (11, 11.5, 1 / 8.5),
    ]


def test_people_may_come_over_lunch_if_the_profile_says_so() -> None:
    rows = weights("busy", "hour", h1112=1, h1213=1, h1415=2)
    assert hour_shape("09:00-12:00 14:00-18:00", rows=rows) == [
        (11, 12, 1 / 4),
        (12, 13, 1 / 4),
        (14, 15, 2 / 4),
    ]


@pytest.mark.parametrize("rows", [(), weights("busy", "hour", h0607=1)])
def test_without_a_profile_for_that_day_people_come_evenly_over_the_sessions(
    rows: tuple[Weight, ...],
) -> None:
    assert hour_shape("09:00-12:00 14:00-18:00", rows=rows) == [(9, 12, 3 / 7), (14, 18, 4 / 7)]


def test_the_window_of_arrivals_by_hand() -> None:
    hours = Hours(
        weekdays="09:00-12:00 14:00-18:00",  # type: ignore[arg-type]
        doors_minutes=15,
        last_ticket_minutes=30,
    )
    scenario = lone(hours=hours)
    doors, last, close = arrival_window(scenario, scenario.halls[0], hours.weekdays)
    assert (doors, last, close) == (8 * 3600 + 45 * 60, 17 * 3600 + 30 * 60, 18 * 3600)
    short = (Session(on=32400, off=33000),)  # ten minutes: no last ticket before the doors open
    assert arrival_window(scenario, scenario.halls[0], short) == (31500, 31500, 33000)


def test_the_month_states_sessions_and_days_of_every_hall() -> None:
    month = expect(small(), 2018, 9)
    assert month.label == "2018-09" and not month.provisional
    assert len(month.dates) == len(month.days) == len(month.sessions) == 30
    assert month.sessions[28][0] == OFFICE.weekdays  # 29 September, a make-up day
    assert expect(small(), 2027, 1).provisional
