"""What each reform brought, as people get it: table and sentences, JSON, files, and a figure."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from rich.box import Box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hallsim import fonts
from hallsim.plotting import pictures
from hallsim.report_words import (
    NONE,
    Interval,
    district_name,
    listed,
    month_text,
    number,
    records,
)
from hallsim.text import Language, translator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hallsim.attribution import Attribution

MOST_PAIRS = 6
"""Pairs told in sentences; the others are in the files."""
COLOURS = {"end": "#5b6770", "better": "#1d7a5f", "worse": "#c4572b"}
_RULE = Box("    \n    \n -- \n" + "    \n" * 5, ascii=True)
_NAME_WIDTH = 34


class Unit(NamedTuple):
    """How a measure is told: its name, its unit, decimals, and what a value is multiplied by."""

    name: str
    unit: str
    digits: int
    factor: float = 1.0


def unit_of(measure: str, language: Language) -> Unit:
    """The words of a measure."""
    _ = translator("attribution", language)
    minutes, people, points = _("minutes"), _("people"), _("percentage points")
    return {
        "visitors": Unit(_("visitors"), people, 0),
        "served": Unit(_("visitors served"), people, 0),
        "abandoned": Unit(_("gave up waiting"), people, 0),
        "turned_away": Unit(_("turned away"), people, 0),
        "balked": Unit(_("turned round at the door"), people, 0),
        "lost": Unit(_("left unserved"), people, 0),
        "mean_wait_min": Unit(_("mean wait"), minutes, 1),
        "median_wait_min": Unit(_("median wait"), minutes, 1),
        "p90_wait_min": Unit(_("wait that 9 in 10 do not exceed"), minutes, 1),
        "within_share": Unit(_("share served within the target time"), points, 1, 100.0),
        "mean_stay_min": Unit(_("mean time in the hall"), minutes, 1),
        "counters": Unit(_("counters per visit"), _("counters"), 2),
        "utilisation": Unit(_("share of window time that is busy"), points, 1, 100.0),
        "overtime_min": Unit(_("overtime of all windows"), minutes, 0),
        "total_wait_min": Unit(_("waiting of all visitors together"), minutes, 0),
    }.get(measure, Unit(measure, "", 2))


def rounded(parts: Sequence[float], total: float, digits: int) -> list[float]:
    """The parts to so many decimals, so that they sum to the rounded total (largest remainder)."""
    scale = 10.0**digits
    found = [math.floor(part * scale) for part in parts]
    order = sorted(range(len(parts)), key=lambda k: found[k] - parts[k] * scale)
    left = round(total * scale) - sum(found)
    for n in range(left):
        found[order[n % len(order)]] += 1
    for n in range(-left):
        found[order[-1 - n % len(order)]] -= 1
    return [n / scale for n in found]


# Screen -------------------------------------------------------------------------------------------


def shown(of: Attribution, language: Language) -> Group:
    """Heading, a row per reform, and what pairs do to each other."""
    _ = translator("attribution", language)
    unit = unit_of(of.measure, language)
    table = Table(box=_RULE, show_edge=False, pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.add_column(_("Reform"), max_width=_NAME_WIDTH, overflow="fold")
    table.add_column(_("Brings, {unit}").format(unit=unit.unit), justify="right")
    for title in (_("Share"), _("If done first"), _("If done last")):
        table.add_column(title, justify="right")
    rows = ordered(of)
    means = rounded([r["mean"] * unit.factor for r in rows], _shown_total(of, unit), unit.digits)
    known = all(math.isfinite(r["share"]) for r in rows)
    parts = rounded([100 * r["share"] for r in rows], 100, 0) if known else []
    for k, row in enumerate(rows):
        own = Interval(row["mean"], row["lo"], row["hi"])
        share = f"{number(parts[k], 0)}%" if known else NONE
        first = Interval(row["alone"], row["alone_lo"], row["alone_hi"])
        last = Interval(row["last"], row["last_lo"], row["last_hi"])
        table.add_row(
            of.title(row["reform"], language), _told(own, unit, means[k]), share,
            *(_give_or_take(x, unit) for x in (first, last)),
        )  # fmt: skip
    table.add_row(
        _("All together"), _told(Interval(*of.total), unit, _shown_total(of, unit)),
        "100%" if known else NONE, "", "",
    )  # fmt: skip
    parts_of: list[Text | Table] = [Text(heading(of, language))]
    parts_of += [*map(Text, ends(of, language)), Text(), table, Text()]
    sentences = [*pair_sentences(of, language)]
    if sentences:
        parts_of += [*map(Text, sentences), Text()]
    return Group(*parts_of, Text(explanation(of, language)))


def heading(of: Attribution, language: Language) -> str:
    """`District, months: before → after`."""
    months = listed([month_text(m, language) for m in of.months], language)
    place = district_name(of.scenario, language)
    before, after = (scenario_title(of, name, language) for name in (of.before, of.after))
    comma, colon = ("，", "：") if language == "zh" else (", ", ": ")
    return f"{place}{comma}{months}{colon}{before} → {after}"


def scenario_title(of: Attribution, name: str, language: Language) -> str:
    """What people call a scenario."""
    _ = translator("attribution", language)
    usual = {"before": _("before the reforms"), "after": _("after the reforms"), "base": _("base")}
    title = of.title(name, language)
    return usual.get(name, name) if title == name else title


def ends(of: Attribution, language: Language) -> list[str]:
    """The measure before and after, and those left unserved, who may be the price of a short wait."""
    _ = translator("attribution", language)
    both = {of.measure: (_end(of, 0), _end(of, -1))}
    both.setdefault("lost", (Interval(*of.lost[0]), Interval(*of.lost[1])))
    return [
        _("{measure}: {before} before, {after} after ({unit})").format(
            measure=_capital(unit.name),
            before=_told(before, unit, sign=False),
            after=_told(after, unit, sign=False),
            unit=_plain_unit(unit),
        )
        for measure, (before, after) in both.items()
        for unit in [unit_of(measure, language)]
    ]


def explanation(of: Attribution, language: Language) -> str:
    """What the figures are."""
    _ = translator("attribution", language)
    lines = [
        _(
            "Brings: on average over all orders in which the reforms could be introduced (Shapley value),\n"
            "with the {confidence:.0%} interval of {n} simulated months; the visitors are always the same.\n"
            "The last digits are rounded so that the reforms add up."
        ).format(confidence=of.confidence, n=of.replications),
        _(
            "If done first: what it changes where no other reform is done; if done last: where all\n"
            "others are done. In {unit} too."
        ).format(unit=unit_of(of.measure, language).unit or of.measure),
    ]
    if any(not 0 <= row["share"] <= 1 for row in records(of.table) if math.isfinite(row["share"])):
        lines.append(_("Shares below 0 or above the whole: the reforms work against each other."))
    return "\n".join(lines)


def pair_sentences(of: Attribution, language: Language) -> list[str]:
    """The pairs whose interaction is more than chance, the strongest first."""
    _ = translator("attribution", language)
    unit = unit_of(of.measure, language)
    least = 0.5 * 10.0**-unit.digits / unit.factor
    found = [
        row
        for row in records(of.pairs)
        if row["kind"] in ("only_together", "hinder")
        or (row["kind"] and abs(row["interaction"]) >= least)
    ]
    order = {"only_together": 0, "hinder": 1}
    found.sort(key=lambda r: (order.get(r["kind"], 2), -abs(r["interaction"])))
    told = [_pair_sentence(of, row, unit, language) for row in found[:MOST_PAIRS]]
    if len(found) > MOST_PAIRS:
        told.append(_("{n} weaker pairs are in the files.").format(n=len(found) - MOST_PAIRS))
    return told


def _pair_sentence(of: Attribution, row: dict[str, Any], unit: Unit, language: Language) -> str:
    _ = translator("attribution", language)
    names = [row["first"], row["second"]]
    a, b = (of.title(name, language) for name in names)
    alone = [
        Interval(*(row[f"alone_{w}{e}"] for e in ("", "_lo", "_hi"))) for w in ("first", "second")
    ]
    together = Interval(row["together"], row["together_lo"], row["together_hi"])
    index = Interval(row["interaction"], row["lo"], row["hi"])
    text = {
        "only_together": _(
            "“{a}” and “{b}” work only together: {first} and {second} alone, {both} together ({unit})."
        ),
        "hinder": _(
            "“{a}” and “{b}” get in each other's way: {first} and {second} alone, "
            "but {both} together ({unit})."
        ),
        "help": _("“{a}” and “{b}” go well together: both done, {extra} {unit} beyond their sum."),
        "overlap": _("“{a}” and “{b}” overlap: both done, {extra} {unit} against their sum."),
    }[row["kind"]]
    return text.format(
        a=a, b=b, first=_told(alone[0], unit), second=_told(alone[1], unit),
        both=_told(together, unit), extra=_told(index, unit), unit=unit.unit,
    )  # fmt: skip


def ordered(of: Attribution) -> list[dict[str, Any]]:
    """The rows of the table, what helps most first."""
    return sorted(records(of.table), key=lambda row: -of.better() * row["mean"])


def _end(of: Attribution, k: int) -> Interval:
    row = of.combinations.iloc[k]
    return Interval(float(row["mean"]), float(row["lo"]), float(row["hi"]))


def _shown_total(of: Attribution, unit: Unit) -> float:
    """What the reader sees as the difference: that of the rounded ends."""
    before, after = (round(_end(of, k).mean * unit.factor, unit.digits) for k in (0, -1))
    return round(after - before, unit.digits)


def _told(of: Interval, unit: Unit, mean: float | None = None, sign: bool = True) -> str:
    """`−3.1 [−3.4, −2.8]`."""
    value = of.scaled(unit.factor)
    if not value:
        return NONE
    lo, hi = (number(x, unit.digits, sign=sign) for x in (value.lo, value.hi))
    middle = number(value.mean if mean is None else mean, unit.digits, sign=sign)
    return f"{middle} [{lo}, {hi}]"


def _give_or_take(of: Interval, unit: Unit) -> str:
    """`−3.1 ±0.3`."""
    value = of.scaled(unit.factor)
    half = number((value.hi - value.lo) / 2, unit.digits)
    return f"{number(value.mean, unit.digits, sign=True)} ±{half}" if value else NONE


def _plain_unit(unit: Unit) -> str:
    return "%" if unit.factor == 100 else unit.unit


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


# Files --------------------------------------------------------------------------------------------


def as_dict(of: Attribution) -> dict[str, Any]:
    """All figures as plain JSON values; `docs/attribute.md` has the keys."""
    ends_of = {"before": _three(_end(of, 0)), "after": _three(_end(of, -1))}
    return {
        "format": 1,
        "scenario": of.scenario.name,
        "from": of.before,
        "to": of.after,
        "months": list(of.months),
        "measure": of.measure,
        "confidence": of.confidence,
        **of.meta,
        **ends_of,
        "difference": _three(Interval(*of.total)),
        "lost": {k: _three(Interval(*x)) for k, x in zip(("before", "after"), of.lost, strict=True)},
        "reforms": [
            {
                "name": row["reform"], "title": of.title(row["reform"], "zh"),
                "title_en": of.title(row["reform"], "en"),
                "adds": list(reform.adds), "drops": list(reform.drops),
                **_three(Interval(row["mean"], row["lo"], row["hi"])), "share": _number(row["share"]),
                **{k: _three(Interval(*(row[k + e] for e in ("", "_lo", "_hi")))) for k in ("alone", "last")},
            }
            for row, reform in zip(records(of.table), of.reforms, strict=True)
        ],
        "pairs": [
            {
                "first": row["first"], "second": row["second"], "kind": row["kind"] or None,
                "interaction": _three(Interval(row["interaction"], row["lo"], row["hi"])),
                **{
                    k: _three(Interval(*(row[k + e] for e in ("", "_lo", "_hi"))))
                    for k in ("alone_first", "alone_second", "together")
                },
            }
            for row in records(of.pairs)
        ],
        "combinations": [
            {
                "reforms": [r.name for r in of.reforms if row[r.name]],
                **_three(Interval(row["mean"], row["lo"], row["hi"])),
            }
            for row in records(of.combinations)
        ],
    }  # fmt: skip


def files(of: Attribution, language: Language) -> dict[str, bytes | str]:
    """The files of a result: name to contents."""
    figure = drawn(of, language)
    return {
        "attribution.csv": _csv(_titled(of, language)),
        "pairs.csv": _csv(of.pairs),
        "combinations.csv": _csv(of.combinations),
        "attribution.json": json.dumps(as_dict(of), ensure_ascii=False, indent=2) + "\n",
        **{f"waterfall.{kind}": data for kind, data in figure.items()},
    }


def drawn(of: Attribution, language: Language) -> dict[str, bytes]:
    """The figure as png and svg; the same result gives the same bytes."""
    from matplotlib.figure import Figure

    with fonts.context():
        figure = Figure(figsize=_size(of), layout="constrained")
        waterfall(of, figure.add_subplot(), language)
        return pictures(figure)


def _titled(of: Attribution, language: Language) -> pd.DataFrame:
    """The table with what people call the reforms beside their names."""
    titles = [of.title(str(name), language) for name in of.table["reform"]]
    table = of.table.copy()
    table.insert(1, "title", titles)
    return table


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\r\n"))


def _three(of: Interval) -> dict[str, float | None]:
    return {"mean": _number(of.mean), "lo": _number(of.lo), "hi": _number(of.hi)}


def _number(value: float) -> float | None:
    return round(float(value), 9) if math.isfinite(value) else None


# Figure -------------------------------------------------------------------------------------------


def waterfall(of: Attribution, ax: Axes | None = None, language: Language | None = None) -> Axes:
    """The way from before to after: a bar per reform, where the one before it ended.

    Whiskers are the intervals: of the measure at both ends, of what a reform brings in between.
    """
    chosen = language or of.scenario.language
    _ = translator("attribution", chosen)
    unit = unit_of(of.measure, chosen)
    rows = sorted(ordered(of), key=lambda r: r["mean"] <= 0)  # so no level is below both ends
    with fonts.context():
        ax = ax or _axes(*_size(of))
        names = [of.title(r["reform"], chosen) for r in rows]
        first, last = (_capital(scenario_title(of, x, chosen)) for x in (of.before, of.after))
        names = [first, *names, last]
        at = _bars(ax, of, rows, unit)
        ax.set_yticks(range(len(names)), [_folded(name) for name in names], linespacing=1.35)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_xlim(*_room(at))
        ax.axvline(0, color="#333333", lw=0.8)
        ax.grid(axis="x", alpha=0.3)
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
        for side in ("top", "right", "left"):
            ax.spines[side].set_visible(False)
        ax.set_xlabel(f"{_capital(unit.name)}{_bracket(_plain_unit(unit), chosen)}")
        ax.set_title(heading(of, chosen), loc="left", fontsize="medium")
        note = _(
            "Whiskers: {confidence:.0%} interval. Figures right of a bar: what the reform brings."
        )
        ax.annotate(
            note.format(confidence=of.confidence), (0, 0), xytext=(0, -44),
            xycoords="axes fraction", textcoords="offset points", fontsize="small", color="#555555",
        )  # fmt: skip
    return ax


def _bars(
    ax: Axes, of: Attribution, rows: list[dict[str, Any]], unit: Unit
) -> list[tuple[float, float]]:
    """Draw all bars; the spans that must be seen."""
    before, after = (_end(of, k).scaled(unit.factor) for k in (0, -1))
    means = rounded([r["mean"] * unit.factor for r in rows], _shown_total(of, unit), unit.digits)
    spans = []
    level = before.mean
    last = len(rows) + 1
    for at, end in ((0, before), (last, after)):
        ax.barh(at, end.mean, color=COLOURS["end"], height=0.62)
        _whisker(ax, at, end.mean, end)
        _label(ax, at, max(end.hi, end.mean, 0), _told(end, Unit("", "", unit.digits), sign=False))
        spans.append((min(end.lo, 0.0), max(end.hi, 0.0)))
    for at, row in enumerate(rows, 1):
        gain = Interval(row["mean"], row["lo"], row["hi"]).scaled(unit.factor)
        tone = "better" if gain.mean * of.better() > 0 else "worse"
        ax.barh(at, gain.mean, left=level, color=COLOURS[tone], height=0.62)
        ax.plot([level, level], [at - 1 - 0.31, at + 0.31], color="#777777", lw=0.8)
        whisker = Interval(level + gain.mean, level + gain.lo, level + gain.hi)
        _whisker(ax, at, whisker.mean, whisker)
        right = max(level, whisker.hi, whisker.mean)
        _label(ax, at, right, _told(gain, Unit("", "", unit.digits), means[at - 1]))
        spans.append((min(level, whisker.lo), right))
        level += gain.mean
    ax.plot([level, level], [last - 1 - 0.31, last + 0.31], color="#777777", lw=0.8)
    return spans


def _whisker(ax: Axes, at: float, x: float, of: Interval) -> None:
    if math.isfinite(of.lo) and math.isfinite(of.hi):
        spread = np.array([[x - of.lo], [of.hi - x]]).clip(min=0)
        ax.errorbar([x], [at], xerr=spread, color="black", lw=1.1, capsize=3)


def _label(ax: Axes, at: float, x: float, text: str) -> None:
    ax.annotate(
        text, (x, at), xytext=(6, 0), textcoords="offset points", va="center", fontsize="small"
    )


def _room(spans: list[tuple[float, float]]) -> tuple[float, float]:
    """The range of the axis, with a place for the figures at the right."""
    low, high = min(a for a, _ in spans), max(b for _, b in spans)
    wide = (high - low) or 1.0
    return low - (0.02 * wide if low < 0 else 0), high + 0.34 * wide


def _folded(name: str, width: int = 26) -> str:
    """A long name on two lines or more; a Chinese character is two wide."""
    lines, line, used = [], "", 0
    words = name.replace("_", "_\u200b").split("\u200b") if name.isascii() else list(name)
    if " " in name and name.isascii():
        words = [w + " " for w in name.split(" ")]
    for word in words:
        size = sum(2 if c > "\u2e80" else 1 for c in word)
        if used + size > width and line:
            lines.append(line.rstrip())
            line, used = "", 0
        line, used = line + word, used + size
    return "\n".join([*lines, line.rstrip()])


def _bracket(unit: str, language: Language) -> str:
    return f"（{unit}）" if language == "zh" else f", {unit}"


def _size(of: Attribution) -> tuple[float, float]:
    return 10.0, 2.0 + 0.5 * (len(of.reforms) + 2)


def _axes(width: float, height: float) -> Axes:
    import matplotlib.pyplot as plt

    _figure, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax
