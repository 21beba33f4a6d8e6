"""What kind of day a date is for a hall: the district's own sheet, then the library, then a rule.

Layers, first that knows wins: (1) the scenario's `calendar` table; (2) `chinesecalendar`, which
knows the State Council's arrangement of announced years with its make-up working days; (3) a
provisional rule for years not yet announced: the 13 statutory days of Order 795 (in force since
2025), weekends off, no make-up days.  Days by rule (3) are flagged `provisional`.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import Literal

import chinese_calendar
from lunardate import LunarDate

from hallsim.scenario import WEEKDAYS, CalendarDay, Hall, Scenario, Selector, Session

DayKind = Literal["workday", "makeup", "weekend", "holiday", "closed"]
FIRST_YEAR, LAST_YEAR = 2004, 2099


@dataclass(frozen=True, slots=True)
class Day:
    """A date, its kind, the holiday's English name if any, and whether that is only a provisional rule."""

    date: dt.date
    kind: DayKind
    name: str = ""
    provisional: bool = False


def month_days(year: int, month: int) -> list[dt.date]:
    """All dates of a month.

    Raises:
        ValueError: outside 2004-01 … 2099-12, where no layer knows the holidays.
    """
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"{year} is outside the calendar ({FIRST_YEAR} to {LAST_YEAR})")
    first = dt.date(year, month, 1)
    following = dt.date(year + month // 12, month % 12 + 1, 1)
    return [first + dt.timedelta(k) for k in range((following - first).days)]


@functools.cache
def national_day(date: dt.date) -> Day:
    """The kind of a date by the national arrangement, provisional where none is announced."""
    try:
        is_off, name = chinese_calendar.get_holiday_detail(date)
    except NotImplementedError:
        return _provisional_day(date)
    weekend = date.weekday() >= 5
    if is_off:
        return Day(date, "holiday", name) if name else Day(date, "weekend")
    return Day(date, "makeup", name or "") if weekend else Day(date, "workday")


def _provisional_day(date: dt.date) -> Day:
    name = statutory_holidays(date.year).get(date) if date.year <= LAST_YEAR else None
    if (
        name
    ):  # the lunar calendar ends with LAST_YEAR; the days after it are seen from December only
        return Day(date, "holiday", name, True)
    return Day(date, "weekend" if date.weekday() >= 5 else "workday", "", True)


@functools.cache
def statutory_holidays(year: int) -> dict[dt.date, str]:
    """The 13 statutory days off of a year under State Council Order 795 (in force since 2025)."""
    days: dict[dt.date, str] = {dt.date(year, 1, 1): "New Year's Day"}
    new_year = LunarDate(year, 1, 1).to_solar_date()
    for k in range(-1, 3):  # New Year's Eve and the first three days
        days[new_year + dt.timedelta(k)] = "Spring Festival"
    days[_qingming(year)] = "Tomb-sweeping Day"
    for d in (1, 2):
        days[dt.date(year, 5, d)] = "Labour Day"
    days[LunarDate(year, 5, 5).to_solar_date()] = "Dragon Boat Festival"
    days[LunarDate(year, 8, 15).to_solar_date()] = "Mid-autumn Festival"
    for d in (1, 2, 3):
        days[dt.date(year, 10, d)] = "National Day"
    return days


def _qingming(year: int) -> dt.date:
    """The solar term Qingming, 4 or 5 April (table of the 21st century: floor(.2422 y + 4.81) - leap)."""
    y = year % 100
    return dt.date(year, 4, int(0.2422 * y + 4.81) - y // 4)


class HallCalendar:
    """Days and sessions of every hall of a scenario.

    Attributes:
        alike: one hall for each sort of hall: the same hours, the same rows of the calendar table.
        sort_of: place in `alike` by hall, in table order.
    """

    def __init__(self, scenario: Scenario) -> None:
        """Find the rows of the calendar table for each hall, and which halls are alike."""
        self._scenario = scenario
        select = Selector(scenario.halls)
        self._own: dict[str, list[CalendarDay]] = {h.hall: [] for h in scenario.halls}
        for row in scenario.calendar:
            for place in select(row.halls):
                self._own[scenario.halls[place].hall].append(row)
        sorts: dict[tuple[object, ...], tuple[int, Hall]] = {}
        keys = [(h.hours, *map(id, self._own[h.hall])) for h in scenario.halls]
        found = [
            sorts.setdefault(key, (len(sorts), hall))
            for key, hall in zip(keys, scenario.halls, strict=True)
        ]
        self.sort_of = [number for number, _ in found]
        self.alike = [hall for _, hall in sorts.values()]

    def day(self, hall: Hall, date: dt.date) -> Day:
        """The kind of this date for this hall; later rows of the district's sheet win over earlier ones."""
        row = self._row(hall, date)
        return Day(date, row.day, row.name) if row else national_day(date)

    def sessions(self, hall: Hall, date: dt.date) -> tuple[Session, ...]:
        """The opening sessions of this date, in order; empty where the hall is closed all day."""
        row = self._row(hall, date)
        if row and row.sessions:
            return parse_sessions(row.sessions)
        kind = row.day if row else national_day(date).kind
        hours = self._scenario.hours[hall.hours]
        if kind == "closed":
            return ()
        if kind == "holiday":
            return hours.holiday
        if kind == "makeup":
            return hours.weekdays if hours.makeup is None else hours.makeup
        weekday = date.weekday()
        if kind == "weekend":
            return (
                hours.sun if weekday == 6 else hours.sat
            )  # a weekday declared weekend: as Saturday
        if weekday >= 5:  # a Saturday or Sunday declared an ordinary working day
            return hours.weekdays
        own: tuple[Session, ...] | None = getattr(hours, WEEKDAYS[weekday])
        return hours.weekdays if own is None else own

    def provisional(self, dates: list[dt.date]) -> bool:
        """Whether any of these dates rests on the provisional rule for some hall."""
        return any(self.day(h, d).provisional for h in self.alike for d in dates)

    def _row(self, hall: Hall, date: dt.date) -> CalendarDay | None:
        rows = reversed(self._own[hall.hall])
        return next((r for r in rows if r.first <= date <= (r.last or r.first)), None)


@functools.cache
def parse_sessions(text: str) -> tuple[Session, ...]:
    """Sessions from the text of a calendar row."""
    from pydantic import TypeAdapter

    from hallsim.scenario import Sessions

    parsed: tuple[Session, ...] = TypeAdapter(Sessions).validate_python(text)
    return parsed
