"""What the commands show people on a screen: measures as a table, values of a scenario as lines."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.box import Box
from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hallsim.report_words import (
    NONE,
    Figures,
    Interval,
    day_text,
    district_name,
    figures,
    hall_name,
    mark_words,
    month_text,
    number,
    span_text,
    week_end,
    weekday_text,
)
from hallsim.scenario import Scenario
from hallsim.synonyms import TIER
from hallsim.text import Language, translator

if TYPE_CHECKING:
    from hallsim.measure import Measures
    from hallsim.reading import Origin

Say = Callable[[str], str]
NAME_WIDTH = 24
"""Longer names are broken, so that a table fits into 100 columns."""
_RULE = Box("    \n    \n -- \n" + "    \n" * 5, ascii=True)
"""A line below the header, the same on every console."""
_TOTAL = "*"
"""The key of the last row of a table of halls: the district, as in a selector of halls."""
_MONDAY = 5
"""A day of January 2026 that is a Monday."""


# Measures -------------------------------------------------------------------------------------


def measures_table(found: Measures, by: str, language: Language) -> Group:
    """The measures by one grouping, in the order of the scenario; `±` is half of the interval."""
    say = translator("cli", language)
    scenario = found.ledger.month.scenario
    long = found.table(by)
    keys = tuple(str(c) for c in long.columns if c not in ("measure", "mean", "lo", "hi"))
    rows = figures(long, keys)
    if by == "hall":
        rows[_TOTAL] = figures(found.table())[""]
    title = (district_name(scenario, language), month_text(found.ledger.month.label, language))
    shown = Table(box=_RULE, show_edge=False, pad_edge=False, padding=(0, 1), collapse_padding=True)
    titles = key_titles(say)
    label = labeller(scenario, language)
    named = [_labels(label, keys, key) for key in rows]
    for n, key in enumerate(keys):
        _add_names(shown, titles[key], [row[n] for row in named])
    columns = [
        (header, aligned([_cell(row, name, digits, share) for row in rows.values()], by == "hall"))
        for name, header, digits, share in _columns(say, scenario)
        if (name != "balked" or scenario.balks) and any(name in row for row in rows.values())
    ]
    for header, _ in columns:
        shown.add_column(header, justify="right", overflow="fold")
    for n, labels in enumerate(named):
        shown.add_row(*labels, *(cells[n] for _, cells in columns))
    note = say(
        "Means of {n} simulated months; ± is half of the {confidence:.0%} interval.\n"
        "In time: share of all visitors who were served within the target time."
    )
    note = note.format(n=found.replications, confidence=found.confidence)
    heading = ("，" if language == "zh" else ", ").join(title)
    return Group(Text(heading), Text(), shown, Text(), Text(note))


def compared_table(home: Measures, plan: Measures, by: str, language: Language) -> Group:
    """Wait and lost visitors by one grouping with everybody at home and under the plan, on the same
    visitors, and the paired difference."""
    say = translator("cli", language)
    scenario = home.ledger.month.scenario
    long = [home.table(by), plan.table(by), plan.minus(home, by)]
    keys = tuple(str(c) for c in long[0].columns if c not in ("measure", "mean", "lo", "hi"))
    sides = [figures(table, keys) for table in long]
    if by == "hall":
        for side, table in zip(sides, (home.table(), plan.table(), plan.minus(home)), strict=True):
            side[_TOTAL] = figures(table)[""]
    titles, label = key_titles(say), labeller(scenario, language)
    shown = Table(box=_RULE, show_edge=False, pad_edge=False, padding=(0, 1), collapse_padding=True)
    named = [_labels(label, keys, key) for key in sides[0]]
    for n, key in enumerate(keys):
        _add_names(shown, titles[key], [row[n] for row in named])
    shown_measures = [
        (name, header, digits)
        for name, header, digits in (
            ("mean_wait_min", say("Mean wait,\nminutes"), 1),
            ("lost", say("Left\nunserved"), 0),
            ("balked", say("Turned\nround"), 0),
            ("queue", say("Persons\nwaiting"), 1),
        )
        if (name != "balked" or scenario.balks) and any(name in row for row in sides[0].values())
    ]
    columns = []
    for name, header, digits in shown_measures:
        words = (say("at home"), say("plan"), say("change"))
        for k, (side, word) in enumerate(zip(sides, words, strict=True)):
            if name == "balked" and k < 2:  # a part of the lost; three columns would not fit
                continue
            shown.add_column(f"{header}\n{word}", justify="right", overflow="fold")
            cells = [_cell(side.get(key, {}), name, digits, False, k == 2) for key in sides[0]]
            columns.append(aligned(cells, by == "hall"))
    for n, labels in enumerate(named):
        shown.add_row(*labels, *(cells[n] for cells in columns))
    note = say(
        "Means of {n} simulated months; ± is half of the {confidence:.0%} interval.\n"
        "Plan: the staffing that hallsim recommend finds. The same visitors in both; changes are paired."
    )
    note = note.format(n=home.replications, confidence=home.confidence)
    title = (district_name(scenario, language), month_text(home.ledger.month.label, language))
    heading = ("，" if language == "zh" else ", ").join(title)
    return Group(Text(heading), Text(), shown, Text(), Text(note))


def _labels(label: Callable[[str, Any], str], keys: tuple[str, ...], key: Any) -> list[str]:
    parts = key if isinstance(key, tuple) else (key,) * len(keys)
    return [label(name, part) for name, part in zip(keys, parts, strict=True)]


def _add_names(table: Table, title: str, names: list[str]) -> None:
    """A column of names that breaks between words; Chinese names may break anywhere."""
    words = [word for name in [title, *names] for word in name.split() if word.isascii()]
    least = min(max(map(len, words), default=0), NAME_WIDTH)
    table.add_column(title, min_width=least, max_width=NAME_WIDTH, overflow="fold")


def _columns(say: Say, scenario: Scenario) -> tuple[tuple[str, str, int, bool], ...]:
    """Measure, header, decimals, whether it is a share."""
    from hallsim.measure import within_minutes

    minutes = within_minutes(scenario)
    in_time = (
        say("In time") if minutes is None else say("In time,\n≤ {n} min").format(n=f"{minutes:g}")
    )
    return (
        ("visitors", say("Visitors"), 0, False),
        ("mean_wait_min", say("Mean wait,\nminutes"), 1, False),
        ("p90_wait_min", say("9 in 10 wait\n≤ minutes"), 1, False),
        ("within_share", in_time, 0, True),
        ("lost", say("Left\nunserved"), 0, False),
        ("balked", say("Turned\nround"), 0, False),
        ("utilisation", say("Windows\nbusy"), 0, True),
        ("queue", say("Persons\nwaiting"), 1, False),
    )


def key_titles(say: Say) -> dict[str, str]:
    """The header of each key column."""
    return {
        "hall": say("Hall"), "tier": say("Tier"), "street": say("Street"), "item": say("Item"),
        "class": say("Class of visitor"), "weekday": say("Weekday"), "hour": say("Hour"),
        "week": say("Week"),
        "day": say("Day"), "slot": say("From"),
    }  # fmt: skip


def _cell(row: Figures, name: str, digits: int, share: bool, sign: bool = False) -> tuple[str, str]:
    """The estimate, and half of its interval."""
    value = row.get(name, Interval(math.nan, math.nan, math.nan))
    value = value.scaled(100) if share else value
    if not value:
        return NONE, ""
    half = (value.hi - value.lo) / 2
    mean = (
        number(value.mean, digits, sign=True) if sign else f"{value.mean:,.{digits}f}"
    ) + "%" * share
    return mean, f"±{half:,.{digits}f}" if math.isfinite(half) else ""


def aligned(cells: list[tuple[str, str]], total: bool = False) -> list[str]:
    """Estimates and half widths as texts in which the `±` stand below each other.

    A `total` in the last row is larger than the rest and stands by itself.
    """
    if total:
        return [*aligned(cells[:-1]), " ".join(filter(None, cells[-1]))]
    width = max((len(half) for _, half in cells), default=0)
    return [f"{mean} {half:<{width}}" if width else mean for mean, half in cells]


def labeller(scenario: Scenario, language: Language) -> Callable[[str, Any], str]:
    """What people call the value of a key column."""
    say = translator("cli", language)
    halls = {h.hall: hall_name(h, language) for h in scenario.halls}
    items = {
        i.item: (i.name if language == "zh" else i.name_en or i.name) or i.item
        for i in scenario.items
    }

    def weekday(day: Any) -> str:
        return ("周" if language == "zh" else "") + weekday_text(day, language)

    def label(key: str, value: Any) -> str:
        if key == "street" and not value:  # the district's own halls
            key, value = "tier", "district"
        if key == "hall" and value == _TOTAL:
            return say("whole district")
        if key in ("hall", "street"):
            return halls[value]
        if key == "item":
            return items[value]
        if key == "tier" and language == "zh":
            return TIER[value][0]
        if key == "weekday":
            return weekday(f"2026-01-{_MONDAY + int(value):02d}")
        if key == "hour":
            return f"{int(value):02d}:00"
        if key == "week":
            return span_text(value, week_end(value), language)
        if key == "day":
            return f"{day_text(value, language)} {weekday(value)}"
        return str(value)

    return label


# Values of a scenario -------------------------------------------------------------------------


def value_lines(origins: Mapping[str, Origin], language: Language) -> Iterator[str]:
    """Path, value, where it came from, place and reason, aligned section by section.

    A reason is told once for the lines that share it.
    """
    marks = mark_words(language)
    for name, pairs in itertools.groupby(origins.items(), lambda pair: _section(pair[0])):
        values = list(pairs)
        title = Scenario.model_fields[name].title if name else None
        if name:
            yield ""
            yield f"{name} {title}" if language == "zh" and title else name
        rows = [(path, plain_value(o.value), marks[o.source], o.place) for path, o in values]
        said = ""
        for text, (_, origin) in zip(columns(rows), values, strict=True):
            note = origin.note if origin.note != said else ""
            said = origin.note
            yield f"{'  ' * bool(name)}{text}  {note}".rstrip()


def _section(path: str) -> str:
    """The section of a path; empty for a value that stands by itself."""
    return re.split(r"[.\[]", path)[0] if "." in path else ""


def columns(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Rows as lines, each column as wide as its widest text on the screen."""
    rows = list(rows)
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(
            text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)
        )


def plain_value(value: Any) -> str:
    """A value as it would be written: `15` for 15.0, lists joined by `|`, `-` for none."""
    if isinstance(value, tuple | list):
        return "|".join(map(plain_value, value)) or "-"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "-" if value is None or value == "" else str(value)
