"""The calendar against the published arrangements, an independent package and cases by hand."""

from __future__ import annotations

import datetime as dt

import chinese_calendar
import pytest

from hallsim.calendar import HallCalendar, month_days, national_day, statutory_holidays
from hallsim.demand import expect
from hallsim.scenario import CalendarDay, Hours, Scenario
from small import lone, small

Date = dt.date


def clocks(scenario: Scenario, date: str, hall: int = 0) -> str:
    """The sessions of a hall on a day, as they are written."""
    found = HallCalendar(scenario).sessions(scenario.halls[hall], Date.fromisoformat(date))
    return " ".join(s.text() for s in found)


# The national layer ------------------------------------------------------------------------------


def test_days_off_agree_with_the_holidays_package_from_2004_to_2026() -> None:
    """Two independent transcriptions of 23 notices of the State Council."""
    china = pytest.importorskip("holidays").China(years=range(2003, 2028))
    date, different = Date(2004, 1, 1), []
    while date <= Date(2026, 12, 31):
        if (national_day(date).kind in ("workday", "makeup")) != china.is_working_day(date):
            different.append(date)
        date += dt.timedelta(1)
    assert different == [Date(2005, 12, 31)]  # a Saturday worked for 3 January 2006


def test_2026_has_its_six_announced_make_up_days_and_33_days_off() -> None:
    year = [d for m in range(1, 13) for d in month_days(2026, m)]
    kinds = {d: national_day(d).kind for d in year}
    assert [d.strftime("%m-%d") for d in year if kinds[d] == "makeup"] == [
        "01-04", "02-14", "02-28", "05-09", "09-20", "10-10",
    ]  # fmt: skip
    assert sum(kind == "holiday" for kind in kinds.values()) == 33
    assert not any(national_day(d).provisional for d in year)


def test_the_autumn_of_2018_by_hand() -> None:
    """Mid-autumn on Monday 24 September "with the weekend before it", National Day 1-7 October,
    made up on 29 and 30 September."""
    letter = {"workday": "o", "weekend": "w", "holiday": "h", "makeup": "m"}
    kinds = "".join(letter[national_day(d).kind] for m in (9, 10) for d in month_days(2018, m))
    september = "ww ooooo ww ooooo ww ooooo ww h oooo mm"  # from Saturday the first
    october = "hhhhhhh ooooo ww ooooo ww ooooo ww ooo"  # from Monday the first
    assert kinds == (september + october).replace(" ", "")
    assert national_day(Date(2018, 9, 24)).name == "Mid-autumn Festival"
    assert national_day(Date(2018, 9, 30)).name == "National Day"


# The provisional layer ---------------------------------------------------------------------------


def test_2027_is_provisional_with_thirteen_statutory_days_and_no_make_up_day() -> None:
    year = [national_day(d) for m in range(1, 13) for d in month_days(2027, m)]
    assert all(d.provisional for d in year)
    assert "makeup" not in {d.kind for d in year}
    assert [d.date.strftime("%m-%d") for d in year if d.kind == "holiday"] == [
        "01-01",
        "02-05", "02-06", "02-07", "02-08",  # New Year's Day of the lunar year is 6 February
        "04-05", "05-01", "05-02", "06-09", "09-15",
        "10-01", "10-02", "10-03",
    ]  # fmt: skip


def test_statutory_days_are_days_off_in_the_announced_years_since_order_795() -> None:
    for year in (2025, 2026):
        days = statutory_holidays(year)
        assert len(days) == 13
        assert {national_day(d).kind for d in days} == {"holiday"}
        assert {national_day(d).name for d in days} == set(days.values()) | {
            national_day(d).name for d in days if d.month == 10
        }


@pytest.mark.parametrize("year", range(2008, 2027))
def test_qingming_by_rule_lies_in_the_announced_days_off(year: int) -> None:
    (rule,) = [d for d, name in statutory_holidays(year).items() if name == "Tomb-sweeping Day"]
    assert chinese_calendar.get_holiday_detail(rule) == (True, "Tomb-sweeping Day")


def test_qingming_by_rule_is_that_of_the_holidays_package_to_2050() -> None:
    holidays = pytest.importorskip("holidays")
    for year in range(2008, 2051):
        china = holidays.China(years=year, observed=False, language="en_US")
        (rule,) = [d for d, name in statutory_holidays(year).items() if name == "Tomb-sweeping Day"]
        assert "Tomb" in china.get(rule, "")


@pytest.mark.parametrize(
    ("year", "new_year"),
    [(2026, "02-17"), (2027, "02-06"), (2028, "01-26"), (2029, "02-13"), (2030, "02-03")],
)
def test_the_spring_festival_moves_as_published(year: int, new_year: str) -> None:
    first = Date.fromisoformat(f"{year}-{new_year}")
    days = [d for d, name in statutory_holidays(year).items() if name == "Spring Festival"]
    assert days == [first + dt.timedelta(k) for k in (-1, 0, 1, 2)]


def test_only_months_of_2004_to_2099_are_in_the_calendar() -> None:
    assert len(month_days(2004, 2)) == 29
    assert len(month_days(2099, 12)) == 31
    for year in (2003, 2100):
        with pytest.raises(ValueError, match="outside the calendar"):
            month_days(year, 6)


@pytest.mark.parametrize(("year", "month"), [(2004, 1), (2099, 12)])
def test_the_first_and_the_last_month_of_the_calendar_can_be_expected(
    year: int, month: int
) -> None:
    assert expect(lone(), year, month).mean.sum() > 0


# The scenario's layer ----------------------------------------------------------------------------


def test_the_districts_own_sheet_wins_over_the_national_calendar_hall_by_hall() -> None:
    district = small(
        calendar=(
            CalendarDay(first="2018-09-24", halls=("D",), day="workday"),
            CalendarDay(
                first="2018-09-10",
                last="2018-09-12",
                halls=("A/*",),
                day="closed",
                name="renovation",
            ),
        )
    )
    calendar = HallCalendar(district)
    kind = {
        (h.hall, d): calendar.day(h, Date(2018, 9, d)).kind
        for h in district.halls
        for d in (9, 10, 12, 13, 24)
    }
    assert kind["D", 24] == "workday" and kind["A", 24] == "holiday"
    assert [kind["A1", d] for d in (9, 10, 12, 13)] == ["weekend", "closed", "closed", "workday"]
    assert [kind["B1", d] for d in (9, 10, 12, 13)] == ["weekend", "workday", "workday", "workday"]
    assert calendar.day(district.halls[2], Date(2018, 9, 11)).name == "renovation"
    assert clocks(district, "2018-09-24") == "09:00-12:00 14:00-18:00"
    assert clocks(district, "2018-09-11", hall=2) == ""


def test_the_later_of_two_rows_of_the_sheet_wins() -> None:
    rows = (
        CalendarDay(first="2018-09-03", last="2018-09-07", day="closed"),
        CalendarDay(first="2018-09-05", day="workday", sessions="10:00-11:00"),
    )
    assert [clocks(lone(calendar=rows), f"2018-09-0{d}") for d in (4, 5, 6)] == [
        "",
        "10:00-11:00",
        "",
    ]


def test_a_day_of_the_sheet_is_not_provisional() -> None:
    day = Date(2027, 2, 6)
    open_then = lone(calendar=(CalendarDay(first=day, day="workday"),))
    assert HallCalendar(lone()).provisional([day])
    assert not HallCalendar(open_then).provisional([day])
    assert HallCalendar(open_then).provisional([day, Date(2027, 2, 7)])


# Sessions ----------------------------------------------------------------------------------------

WEEK = Hours(
    weekdays="09:00-12:00 14:00-18:00",  # type: ignore[arg-type]
    wed="08:00-12:00",  # type: ignore[arg-type]
    sat="09:30-11:30@50%",  # type: ignore[arg-type]
    makeup="10:00-16:00",  # type: ignore[arg-type]
    holiday="10:00-12:00",  # type: ignore[arg-type]
)


@pytest.mark.parametrize(
    ("date", "sessions"),
    [
        ("2018-09-03", "09:00-12:00 14:00-18:00"),  # Monday
        ("2018-09-05", "08:00-12:00"),  # Wednesday, with its own hours
        ("2018-09-08", "09:30-11:30@50%"),  # Saturday
        ("2018-09-09", ""),  # Sunday
        ("2018-09-24", "10:00-12:00"),  # holiday
        ("2018-10-06", "10:00-12:00"),  # a Saturday within a holiday
        ("2018-09-29", "10:00-16:00"),  # a Saturday that is a make-up day
    ],
)
def test_the_sessions_of_each_kind_of_day(date: str, sessions: str) -> None:
    assert clocks(lone(hours=WEEK), date) == sessions


def test_a_make_up_day_without_hours_of_its_own_is_as_a_weekday() -> None:
    assert clocks(lone(), "2018-09-29") == "09:00-12:00 14:00-18:00"


@pytest.mark.parametrize(
    ("date", "kind", "sessions"),
    [
        ("2018-09-08", "workday", "09:00-12:00 14:00-18:00"),  # a Saturday worked
        ("2018-09-04", "weekend", "09:30-11:30@50%"),  # a Tuesday as a Saturday
        ("2018-09-04", "holiday", "10:00-12:00"),
        ("2018-09-04", "makeup", "10:00-16:00"),
        ("2018-09-04", "closed", ""),
    ],
)
def test_the_sheet_gives_a_day_the_sessions_of_its_new_kind(
    date: str, kind: str, sessions: str
) -> None:
    row = CalendarDay(first=date, day=kind)  # type: ignore[arg-type]
    assert clocks(lone(hours=WEEK, calendar=(row,)), date) == sessions
