"""How the report speaks: names, dates, numbers and intervals in the reader's language."""

from __future__ import annotations

import datetime as dt
import math
from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hallsim.scenario import Hall, Scenario
from hallsim.text import Language, translator

Say = Callable[..., str]
MINUS, NONE = "\u2212", "–"


@dataclass(frozen=True)
class Interval:
    """An estimate and its interval."""

    mean: float
    lo: float
    hi: float

    def __bool__(self) -> bool:
        """Whether there is a number at all."""
        return math.isfinite(self.mean)

    def __add__(self, other: Interval) -> Interval:
        """Of a sum: at least as wide as the interval of the sum itself would be."""
        return Interval(self.mean + other.mean, self.lo + other.lo, self.hi + other.hi)

    def scaled(self, factor: float) -> Interval:
        """In another unit."""
        return Interval(self.mean * factor, self.lo * factor, self.hi * factor)


NOTHING = Interval(math.nan, math.nan, math.nan)
Figures = dict[str, Interval]
"""Measure to estimate."""


def figures(table: pd.DataFrame, keys: tuple[str, ...] = ()) -> dict[Any, Figures]:
    """A long table as key to measure to estimate; one key is itself, several are a tuple, none is `""`."""
    names = [table[k].map(as_date) if k in ("day", "week") else table[k] for k in keys]
    found: dict[Any, Figures] = {}
    columns = (table["measure"], table["mean"], table["lo"], table["hi"])
    for *key, measure, mean, lo, hi in zip(*names, *columns, strict=True):
        at = "" if not key else key[0] if len(key) == 1 else tuple(key)
        found.setdefault(at, {})[measure] = Interval(float(mean), float(lo), float(hi))
    return found


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table."""
    names = [str(c) for c in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.itertuples(index=False, name=None)]


def speaker(language: Language) -> Say:
    """`say("{n} clerks", n=3)` in this language."""
    put = translator("report", language)

    def say(message: str, **fields: Any) -> str:
        return put(message).format(**fields) if fields else put(message)

    return say


def mark_words(language: Language) -> dict[str, str]:
    """Where values come from, in words, by mark: the same words in report, workbook and on screen."""
    _ = speaker(language)
    return {
        "seed": _("from the source"), "calibrated": _("calibrated"), "assumed": _("assumed"),
        "default": _("default"), "override": _("override"),
    }  # fmt: skip


def hall_name(hall: Hall, language: Language) -> str:
    """The name people know it by; the id where there is none in that language."""
    return (hall.name if language == "zh" else hall.name_en or hall.name) or hall.hall


def harmless(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value


def district_name(scenario: Scenario, language: Language) -> str:
    """Title of the district."""
    return (
        scenario.title if language == "zh" else scenario.title_en or scenario.title
    ) or scenario.name


def as_date(value: Any) -> dt.date:
    """A date, whatever pandas made of it."""
    return pd.Timestamp(value).date()


def day_text(value: Any, language: Language) -> str:
    """`9月3日` or `3 Sep`."""
    day = as_date(value)
    return (
        f"{day.month}月{day.day}日"
        if language == "zh"
        else f"{day.day} {_MONTHS[day.month - 1][:3]}"
    )


def month_text(month: str, language: Language) -> str:
    """`2018年9月` or `September 2018`."""
    year, number = map(int, month.split("-"))
    return f"{year}年{number}月" if language == "zh" else f"{_MONTHS[number - 1]} {year}"


def span_text(first: Any, last: Any, language: Language) -> str:
    """`9月3日至9月28日`, a single day alone."""
    a, b = day_text(first, language), day_text(last, language)
    return a if a == b else f"{a}至{b}" if language == "zh" else f"{a} – {b}"


def week_end(value: Any) -> dt.date:
    """The last day of the week within its month."""
    first = as_date(value)
    sunday = first + dt.timedelta(days=6 - first.weekday())
    return min(sunday, first.replace(day=monthrange(first.year, first.month)[1]))


def weekday_text(value: Any, language: Language) -> str:
    """`一` or `Mo`."""
    return ("一二三四五六日" if language == "zh" else ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"))[
        as_date(value).weekday()
    ]


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def number(value: float, digits: int = 1, sign: bool = False) -> str:
    """With thousands separators and a real minus sign; `–` where there is no number."""
    if not math.isfinite(value):
        return NONE
    text = f"{value:+,.{digits}f}" if sign else f"{value:,.{digits}f}"
    if not text.strip("+-0.,"):
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def between(of: Interval, language: Language, digits: int = 1, sign: bool = False) -> str:
    """`11.0–13.6`, or with signs `−13.6 至 −11.0`."""
    lo, hi = number(of.lo, digits, sign), number(of.hi, digits, sign)
    if not sign:
        return f"{lo}–{hi}"
    return f"{lo} 至 {hi}" if language == "zh" else f"{lo} to {hi}"


def listed(parts: Iterable[str], language: Language) -> str:
    """`a、b` or `a, b`."""
    return ("、" if language == "zh" else ", ").join(parts)
