"""How many visitors to expect: every hall, item and day of a month, and when they come.

Everything here is expectation; chance is added by `hallsim.draw`.  The expected visitors of a day
are the yearly volume, spread over the open days of the year in proportion to
month weight x weekday weight x effect of near holidays (so that the year adds up exactly), times
the named peaks of that day.  Of these visitors a share is handled online, and of the rest a share
goes to the machines, as another item: a Poisson stream thinned by chance is Poisson.
"""

from __future__ import annotations

import calendar as gregorian
import datetime as dt
import functools
from collections import defaultdict
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hallsim.calendar import Day, HallCalendar, month_days
from hallsim.scenario import (
    WEEKDAYS,
    Hall,
    HolidayEffect,
    Peak,
    Scenario,
    Selector,
    Session,
    Weight,
    in_season,
    machine_halls,
    parse_clock,
)

T = TypeVar("T")
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_MARGIN = dt.timedelta(days=30)  # beyond the ends of a year, to see the holidays next to it


@dataclass(frozen=True, slots=True)
class Shape:
    """When the visitors of an opening pattern come: cumulative weight over slots of the day.

    `start`, `length` in seconds; `cumulative` ends at 1.  All of shape [slots].
    """

    start: Floats
    length: Floats
    cumulative: Floats


@dataclass(frozen=True)
class Month:
    """The expected month: calendar, sessions and mean visitors.

    Attributes:
        dates: all days of the month, D of them.
        sessions: sessions[d][h], the opening sessions of hall h (table order) on day d.
        mean: expected visitors [D, H, I], before the random factors of the days.
        provisional: whether the holidays of the month are only the provisional rule.
    """

    scenario: Scenario
    label: str
    dates: tuple[dt.date, ...]
    days: tuple[tuple[Day, ...], ...]
    sessions: tuple[tuple[tuple[Session, ...], ...], ...]
    mean: Floats
    provisional: bool

    @functools.cached_property
    def open(self) -> NDArray[np.bool_]:
        """[D, H]: whether the hall opens at all."""
        number, openings = self.openings
        return np.array([bool(sessions) for _, sessions in openings])[number]

    @functools.cached_property
    def openings(self) -> tuple[Ints, list[tuple[Hall, tuple[Session, ...]]]]:
        """Numbers [D, H] of the openings, and for each a hall with those hours and the sessions.

        Halls and days of the same number have the same entry of `hours` and the same sessions.
        """
        halls = self.scenario.halls
        hours = [h.hours for h in halls]
        known: dict[tuple[str, int], int] = {}  # sessions are mostly shared, and slow to compare
        number = np.array(
            [
                [known.setdefault((h, id(s)), len(known)) for h, s in zip(hours, day, strict=True)]
                for day in self.sessions
            ],
            np.int64,
        )
        first = np.unique(number, return_index=True)[1].tolist()
        places = [divmod(k, len(halls)) for k in first]
        return number, [(halls[h], self.sessions[d][h]) for d, h in places]


def expect(scenario: Scenario, year: int, month: int) -> Month:
    """The expected month.

    Raises:
        ValueError: a month outside the calendar.
    """
    dates = month_days(year, month)
    halls = HallCalendar(scenario)
    select = Selector(scenario.halls)
    mean = np.zeros((len(dates), len(scenario.halls), len(scenario.items)))
    item_code = {item.item: i for i, item in enumerate(scenario.items)}
    curves = _Curves(scenario, halls, year)
    first = dates[0].timetuple().tm_yday - 1
    sort_of, weights = np.array(halls.sort_of), np.array([h.weight for h in scenario.halls])
    for row in scenario.demand:
        chosen = select(row.halls)
        weight, whole = weights[chosen], sum(weights[chosen].tolist())
        if whole > 0:
            i = item_code[row.item]
            yearly = row.volume * (12 if row.per == "month" else 1)
            share = curves.shares(i)[first : first + len(dates), sort_of[chosen]]
            mean[:, chosen, i] += yearly * weight / whole * share
    for peak in scenario.peaks:
        _apply_peak(scenario, peak, dates, select(peak.halls), mean)
    mean = _at_the_hall(scenario, mean)
    return Month(
        scenario,
        f"{year:04d}-{month:02d}",
        tuple(dates),
        tuple(_by_hall([halls.day(h, d) for h in halls.alike], halls.sort_of) for d in dates),
        tuple(_by_hall([halls.sessions(h, d) for h in halls.alike], halls.sort_of) for d in dates),
        mean,
        halls.provisional(dates),
    )


def _by_hall(values: list[T], sort_of: list[int]) -> tuple[T, ...]:
    return tuple(map(values.__getitem__, sort_of))


def _apply_peak(
    scenario: Scenario, peak: Peak, dates: list[dt.date], halls: list[int], mean: Floats
) -> None:
    days = [d for d, date in enumerate(dates) if in_peak(peak, date)]
    items = [
        i for i, item in enumerate(scenario.items) if "*" in peak.items or item.item in peak.items
    ]
    mean[np.ix_(days, halls, items)] *= peak.multiplier


def _at_the_hall(scenario: Scenario, mean: Floats) -> Floats:
    """[D, H, I]: those who come, as the item as which they are served."""
    items = scenario.items
    code = {item.item: i for i, item in enumerate(items)}
    come = mean * np.array([1 - item.online_share for item in items])
    found = come.copy()
    for i, item in enumerate(items):
        if item.self_service and item.self_service_share:
            equipped = machine_halls(scenario, item.self_service)
            there = np.array([hall.hall in equipped for hall in scenario.halls])
            moved = come[:, :, i] * item.self_service_share * there
            found[:, :, i] -= moved
            found[:, :, code[item.self_service]] += moved
    return found


def in_peak(peak: Peak, date: dt.date) -> bool:
    """Whether the date lies in the peak; `MM-DD` ranges hold every year and may run over New Year."""
    return in_season(peak.first, peak.last, date)


class _Curves:
    """Share of the year's visitors per day, by sort of hall and profiles of the item."""

    def __init__(self, scenario: Scenario, calendar: HallCalendar, year: int) -> None:
        self._scenario, self._calendar, self._year = scenario, calendar, year
        self._profiles = profiles(scenario)
        self._years = [self._year_of(hall) for hall in calendar.alike]
        self._shares: dict[tuple[str, str], Floats] = {}

    def shares(self, item: int) -> Floats:
        """[days of the year, sorts]: share of the yearly visitors for this item who come on each day."""
        entry = self._scenario.items[item]
        key = entry.months, entry.weekdays
        if key not in self._shares:
            months = self._profiles.get(("month", entry.months), {})
            weekdays = self._profiles.get(("weekday", entry.weekdays), {})
            self._shares[key] = np.stack(
                [_share_of_days(months, weekdays, *year) for year in self._years], axis=1
            )
        return self._shares[key]

    def _year_of(self, hall: Hall) -> tuple[NDArray[np.bool_], list[Day], Floats]:
        start, end = dt.date(self._year, 1, 1), dt.date(self._year, 12, 31)
        first, last = start - _MARGIN, end + _MARGIN
        dates = [first + dt.timedelta(k) for k in range((last - first).days + 1)]
        days = [self._calendar.day(hall, d) for d in dates]
        is_open = np.array([bool(self._calendar.sessions(hall, d)) for d in dates])
        effect = holiday_effects(self._scenario, days, is_open)
        inside = slice(_MARGIN.days, _MARGIN.days + 365 + gregorian.isleap(self._year))
        return is_open[inside], days[inside], effect[inside]


def _share_of_days(
    months: dict[str, float],
    weekdays: dict[str, float],
    is_open: NDArray[np.bool_],
    days: list[Day],
    effect: Floats,
) -> Floats:
    weight = np.array(
        [
            months.get(str(d.date.month), 0.0 if months else 1.0) * weekday_weight(weekdays, d)
            for d in days
        ]
    )
    weight = weight * effect * is_open
    return weight / max(weight.sum(), 1e-300)


def weekday_weight(profile: dict[str, float], day: Day) -> float:
    """The weight of a day; a make-up day without its own counts as the mean of Monday to Friday."""
    if not profile:
        return 1.0
    if day.kind == "makeup":
        usual = [profile.get(k, 0.0) for k in WEEKDAYS[:5]]
        return profile.get("makeup", sum(usual) / 5)
    return profile.get(WEEKDAYS[day.date.weekday()], 0.0)


def holiday_effects(scenario: Scenario, days: list[Day], is_open: NDArray[np.bool_]) -> Floats:
    """[days]: factor of the days around holidays, 1 elsewhere.

    A break is a run of closed days with a public holiday in it; the open days before and after it
    take the factors of the scenario, nearest first.
    """
    factor = np.ones(len(days))
    opens = np.flatnonzero(is_open)
    for k in range(len(opens) - 1):
        names = [
            days[j].name for j in range(opens[k] + 1, opens[k + 1]) if days[j].kind == "holiday"
        ]
        if not names:
            continue
        spring = any("Spring Festival" in n or "春节" in n for n in names)
        effect: HolidayEffect = (
            scenario.holidays.spring_festival if spring else scenario.holidays.ordinary
        )
        for step, value in enumerate(effect.before[: k + 1]):
            factor[opens[k - step]] *= value
        for step, value in enumerate(effect.after[: len(opens) - k - 1]):
            factor[opens[k + 1 + step]] *= value
    return factor


def profiles(scenario: Scenario) -> dict[tuple[str, str], dict[str, float]]:
    """(kind, profile id) to its weights by key."""
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for row in scenario.profiles:
        found[row.kind, row.profile][row.key] = row.weight
    return dict(found)


def arrival_window(
    scenario: Scenario, hall: Hall, sessions: tuple[Session, ...]
) -> tuple[int, int, int]:
    """Seconds of a day: doors open, last ticket, closing."""
    hours = scenario.hours[hall.hours]
    close = sessions[-1].off
    doors = max(0, sessions[0].on - round(hours.doors_minutes * 60))
    return doors, max(doors, close - round(hours.last_ticket_minutes * 60)), close


def shape(scenario: Scenario, hall: Hall, item: int, sessions: tuple[Session, ...]) -> Shape:
    """When the visitors of an item come on a day with these sessions.

    The hour profile is cut to the time from the doors' opening to closing; without a profile (or
    where it leaves nothing of the day) arrivals are even over the sessions.
    """
    doors, _, close = arrival_window(scenario, hall, sessions)
    name = scenario.items[item].hours
    rows = [r for r in scenario.profiles if r.kind == "hour" and r.profile == name] if name else []
    slots = [_clip(row, doors, close) for row in rows]
    slots = sorted(s for s in slots if s[2] > 0)
    if not slots:
        slots = [(s.on, s.off - s.on, float(s.off - s.on)) for s in sessions]
    start, length, weight = (np.array(c, float) for c in zip(*slots, strict=True))
    return Shape(start, length, np.cumsum(weight) / weight.sum())


def _clip(row: Weight, doors: int, close: int) -> tuple[int, int, float]:
    begin, end = (parse_clock(part) for part in row.key.split("-"))
    inside = max(0, min(end, close) - max(begin, doors))
    return max(begin, doors), inside, row.weight * inside / (end - begin)
