"""What `hallsim cut` prints and writes: table and sentences, JSON, CSV and figures."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hallsim.cut_figures import figures
from hallsim.cut_words import rule_name, sentences
from hallsim.cutting import MEASURES, RULES, Cut
from hallsim.plotting import pictures
from hallsim.report_words import NONE, district_name, hall_name, month_text, number
from hallsim.screen import aligned
from hallsim.text import Language, translator

if TYPE_CHECKING:
    pass

_ROWS = 16
"""Rows of the table on the screen, about."""


# Screen ---------------------------------------------------------------------------------------


def screen_table(found: Cut, language: Language) -> Group:
    """A row for some numbers of windows, those at the knees among them, then the sentences."""
    say = translator("cut", language)
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    curves = {m: found.curve(m).set_index("windows") for m in MEASURES}
    rules = {r: found.curve(rule=r).set_index("windows") for r in RULES[1:]}
    rules = {r: rows for r, rows in rules.items() if len(rows)}
    numbers = _some(found)
    today = found.today.set_index("measure")

    def cells(measure: str, factor: float, digits: int) -> list[str]:
        rows = [today.loc[measure], *(curves[measure].loc[n] for n in numbers)]
        return _cells(rows, factor, digits)

    columns = [
        (say("Windows"), [say("today"), *(f"{n}{_star(found, n)}" for n in numbers)]),
        (say("Mean wait,\nminutes"), cells("mean_wait_min", 1, 1)),
        (say("9 in 10 wait\n≤ minutes"), cells("p90_wait_min", 1, 1)),
        (say("In time, %"), cells("within_share", 100, 1)),
        (say("Left\nunserved"), cells("lost", 1, 0)),
    ]
    for rule, rows in rules.items():
        heading = say("Mean wait:\n{rule}").format(rule=rule_name(rule, language))
        columns.append((heading, ["", *_cells([rows.loc[n] for n in numbers], 1, 1)]))
    for heading, _ in columns:
        shown.add_column(heading, justify="right")
    for row in zip(*(texts for _, texts in columns), strict=True):
        shown.add_row(*row)
    comma = "，" if language == "zh" else ", "
    heading = comma.join(
        (district_name(found.scenario, language), month_text(found.month, language))
    )
    note = say(
        "± is half of the {confidence:.0%} interval; * the fewest windows with which a target is "
        "sure to hold. today: clerks at home; in every other row and column they are reassigned as "
        "is best."
    ).format(confidence=found.confidence)
    lines = [
        Text(f"{'· '}{line}{'。' if language == 'zh' else '.'}")
        for line in sentences(found, language)
    ]
    return Group(Text(heading), Text(), shown, Text(), Text(note), Text(), *lines)


def _some(found: Cut) -> list[int]:
    """The first and the last number, every fifth (tenth, …) one, and the knees."""
    numbers = [int(n) for n in found.curve()["windows"]]
    step = next((s for s in (1, 2, 5, 10, 20, 50, 100) if len(numbers) <= _ROWS * s), len(numbers))
    knees = {int(n) for n in found.knees[found.knees.study == "windows"]["least"].dropna()}
    keep = {numbers[0], numbers[-1]} | knees
    return [n for n in numbers if n % step == 0 or n in keep]


def _star(found: Cut, windows: int) -> str:
    rows = found.knees[(found.knees.study == "windows") & (found.knees.why == "limit")]
    return "*" if windows in set(rows["least"].dropna()) else " "


def _cells(rows: Iterable[Any], factor: float, digits: int) -> list[str]:
    cells = []
    for row in rows:
        mean, lo, hi = (float(row[name]) * factor for name in ("mean", "lo", "hi"))
        half = f"±{number((hi - lo) / 2, digits)}" if math.isfinite(hi - lo) else ""
        cells.append((number(mean, digits), half) if math.isfinite(mean) else (NONE, ""))
    return aligned(cells)


# JSON -----------------------------------------------------------------------------------------


def as_json(found: Cut) -> dict[str, Any]:
    """All figures as plain values; keys in `docs/cut.md`."""
    by_key = _by_key(found.table)
    plans: dict[Any, pd.DataFrame] = dict(list(found.plans.groupby(_KEYS, sort=False)))
    every = found.windows_by_hall()
    today = {
        str(row["measure"]): _estimate(row["mean"], row["lo"], row["hi"])
        for _, row in found.today.iterrows()
    }

    def entry(key: Any) -> dict[str, Any]:
        plan = plans[key]
        closed = {
            str(h): every.get(str(h), 0) - int(n)
            for h, n in zip(plan["hall"], plan["open"], strict=True)
        }
        return {
            "windows": key[2],
            "clerks": key[3],
            "closed": {h: n for h, n in closed.items() if n},
            **by_key[key],
        }

    curve = []
    for key in by_key:
        if key[:2] == ("windows", "best"):
            others = {
                rule: by_key[other]
                for rule in RULES[1:]
                if (other := ("windows", rule, *key[2:])) in by_key
            }
            curve.append({**entry(key), "rule_of_thumb": others})
    return {
        "scenario": found.scenario.name,
        "month": found.month,
        "hall": found.hall,
        "windows": {
            "today": found.windows,
            "from": curve[0]["windows"],
            "to": curve[-1]["windows"],
        },
        "clerks": found.clerks,
        "merged_halls": list(found.merged),
        "provisional": found.provisional,
        "replications": found.replications,
        "confidence": found.confidence,
        **found.meta,
        "today": today,
        "knee": [_knee(row) for _, row in found.knees.iterrows() if row["study"] == "windows"],
        "clerks_knee": [
            _knee(row) for _, row in found.knees.iterrows() if row["study"] == "clerks"
        ],
        "gap": _figure(found.gap),
        "curve": curve,
        "clerks_curve": [entry(key) for key in by_key if key[0] == "clerks"],
        "map": [
            {"windows": key[2], "clerks": key[3], "mean_wait_min": values["mean_wait_min"]}
            for key, values in by_key.items()
            if key[0] == "map"
        ],
        "notes": list(sentences(found, "en")),
    }


_KEYS = ["study", "rule", "windows", "clerks"]


def _by_key(table: pd.DataFrame) -> dict[Any, dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    columns = [table[name] for name in (*_KEYS, "measure", "mean", "lo", "hi")]
    for study, rule, windows, clerks, measure, mean, lo, hi in zip(*columns, strict=True):
        key = (str(study), str(rule), int(windows), int(clerks))
        found.setdefault(key, {})[str(measure)] = _estimate(mean, lo, hi)
    return found


def _estimate(mean: float, lo: float, hi: float) -> dict[str, float | None]:
    return {"mean": _figure(mean), "lo": _figure(lo), "hi": _figure(hi)}


def _figure(value: float) -> float | None:
    """Six digits, as in summary.json; None where there is no number."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _knee(row: Any) -> dict[str, Any]:
    number_of = "windows" if row["study"] == "windows" else "clerks"
    return {
        "target": row["target"],
        "tier": row["tier"],
        "limit": float(row["limit"]),
        "within_minutes": _figure(float(row["within_minutes"] or math.nan)),
        number_of: None if pd.isna(row["least"]) else int(row["least"]),
        "why": row["why"],
        "at": int(row["at"]),
        "estimate": _estimate(row["mean"], row["lo"], row["hi"]),
    }


# Files ----------------------------------------------------------------------------------------


def files(found: Cut, language: Language) -> dict[str, bytes | str]:
    """The files of `--out`, by name."""
    import matplotlib.pyplot as plt

    out: dict[str, bytes | str] = {
        "cut.csv": _csv(_wide(found)),
        "cut-halls.csv": _csv(_halls(found, language)),
        "cut.json": json.dumps(as_json(found), ensure_ascii=False, indent=2) + "\n",
    }
    for name, figure in figures(found, language).items():
        out |= {f"{name}.{kind}": data for kind, data in pictures(figure).items()}
        plt.close(figure)
    return out


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\r\n", float_format="%.6g"))


def _wide(found: Cut) -> pd.DataFrame:
    """A row for every choice, three columns for every measure."""
    wide = found.table.pivot(index=_KEYS, columns="measure", values=["mean", "lo", "hi"])
    order = list(dict.fromkeys(found.table["measure"]))
    wide = wide[[(end, m) for m in order for end in ("mean", "lo", "hi")]]
    names = [m if end == "mean" else f"{m}_{end}" for m in order for end in ("mean", "lo", "hi")]
    wide.columns = pd.Index(names)
    keys = list(dict.fromkeys(found.table[_KEYS].itertuples(index=False, name=None)))
    return wide.loc[keys].reset_index()


def _halls(found: Cut, language: Language) -> pd.DataFrame:
    """Windows left and closed, and clerks, by hall, for every number of windows."""
    every = found.windows_by_hall()
    rows = found.plans[found.plans.study == "windows"].drop(columns=["study", "clerks"])
    closed = rows["hall"].map(every).fillna(0).astype(int) - rows["open"]
    rows = rows.rename(columns={"open": "left", "staff": "clerks"}).assign(closed=closed)
    names = {h.hall: hall_name(h, language) for h in found.scenario.halls}
    rows.insert(list(rows.columns).index("hall") + 1, "hall_name", rows["hall"].map(names))
    return rows
