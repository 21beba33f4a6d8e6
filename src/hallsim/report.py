"""The recommendation as people get it: a page, a workbook, the moves, and the figures as JSON.

Pure: the same recommendation gives the same bytes.  When it was made and how long it took stands
in the `manifest` of `summary.json` alone.  The keys and columns are described in `docs/outputs.md`.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from hallsim.limit_words import limit_text, place_of
from hallsim.notices import notices
from hallsim.people import people_csv
from hallsim.reason_words import reason_text
from hallsim.report_page import page
from hallsim.report_sheets import sheets
from hallsim.report_words import (
    NOTHING,
    Figures,
    Interval,
    as_date,
    figures,
    hall_name,
    harmless,
    records,
    week_end,
)
from hallsim.text import Language

if TYPE_CHECKING:
    from hallsim.recommend import Recommendation

MEASURES = {
    "mean_wait_minutes": "mean_wait_min",
    "median_wait_minutes": "median_wait_min",
    "p90_wait_minutes": "p90_wait_min",
    "within_share": "within_share",
    "visitors": "visitors",
    "served": "served",
    "abandoned": "abandoned",
    "turned_away": "turned_away",
    "balked": "balked",
    "lost": "lost",
    "utilisation": "utilisation",
    "overtime_minutes": "overtime_min",
}
"""Key of the summary to measure of the tables."""

HALL_MEASURES = (
    "mean_wait_minutes",
    "p90_wait_minutes",
    "within_share",
    "visitors",
    "lost",
    "balked",
)

MOVE_COLUMNS = (
    "from", "from_name", "to", "to_name", "group", "clerks", "first", "last", "working_days", "tier",
    "travel_min", "notice_by", "running",
)  # fmt: skip


def render(
    recommendation: Recommendation, language: Language = "zh", template: str | None = None
) -> dict[str, bytes]:
    """The files of a recommendation: name to contents; `template` is that of the notices."""
    told = {k: v for k, v in summary(recommendation).items() if k != "seconds"}
    return {
        "report.html": page(recommendation, language).encode(),
        "recommendation.xlsx": sheets(recommendation, language),
        "moves.csv": moves_csv(recommendation, language).encode("utf-8-sig"),
        "summary.json": json.dumps(told, ensure_ascii=False, indent=2).encode() + b"\n",
        **_people(recommendation, language, template),
    }


def _people(r: Recommendation, language: Language, template: str | None) -> dict[str, bytes]:
    """Who goes, and their notices, where there is a roster."""
    if r.named is None:
        return {}
    why = {k: reason_text(row, language) for k, row in enumerate(records(r.reasons))}
    written = notices(r.named, r.scenario, language, template, why)
    return {
        "people.csv": people_csv(r.named, r.scenario, language).encode("utf-8-sig"),
        "notices.html": written.encode(),
    }


def summary(recommendation: Recommendation) -> dict[str, Any]:
    """The figures as plain JSON values; no number is `null`.  What `--json` prints.

    The file has the same keys but `seconds`, which stands in its manifest only.
    """
    r = recommendation
    home, plan = figures(r.home.table("district"))[""], figures(r.plan.table("district"))[""]
    gaps = figures(r.difference, ("hall",))
    told = {
        "format": 1,
        "month": r.month,
        "scenario": r.scenario.name,
        "variant": r.scenario_name,
        "provisional": bool(r.provisional),
        "replications": r.plan.replications,
        "confidence": r.plan.confidence,
        **_compared(home, plan, gaps.get("", {}), MEASURES),
        "moves_cost": r.moves_cost,
        "moves": records(r.moves),
        "previous": r.previous,
        "ended": records(r.ended),
        "certificate": _certificate(r, "en"),
        "reasons": records(r.reasons),
        "shadow_prices": records(r.shadow_prices),
        "conflict": [_limit(r, name) for name in r.conflict],
        "relaxed": [
            {**_limit(r, row["name"]), **{k: v for k, v in row.items() if k != "name"}}
            for row in records(r.relaxed)
        ],
        **_named(r),
        "solver_gap": r.solver.get("gap"),
        "solver": {k: v for k, v in r.solver.items() if k != "seconds"},
        "periods": records(r.periods),
        "weeks": _weeks(r),
        "halls": _halls(r, gaps),
        "unmet": records(r.unmet),
        "marginal": records(r.marginal),
        "notes": list(r.notes),
        "seconds": r.meta.get("seconds"),
        "manifest": {**r.meta, "solver_seconds": r.solver.get("seconds")},
    }
    plain = _plain(told)
    assert isinstance(plain, dict)
    return plain


def _certificate(r: Recommendation, language: Language) -> dict[str, Any]:
    certificate = r.certificate
    return {**dataclasses.asdict(certificate), "text": certificate.text(language)}


def _limit(r: Recommendation, name: str) -> dict[str, str]:
    """A limit by its name, place and words."""
    place, text = place_of(name, r.places), limit_text(name, r.scenario, "en")
    return {"name": name, "place": place, "text": text}


def _named(r: Recommendation) -> dict[str, Any]:
    """People by staff number, where there is a roster."""
    if r.named is None:
        return {}
    return {
        "people": records(r.named.people),
        "unfilled": records(r.named.unfilled),
        "training": records(r.training) if r.training is not None else [],
    }


def moves_csv(recommendation: Recommendation, language: Language = "zh") -> str:
    """One row per transfer: English headers, ISO dates, ids and names."""
    names = {h.hall: hall_name(h, language) for h in recommendation.scenario.halls}
    out = io.StringIO()
    writer = csv.DictWriter(out, MOVE_COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in _plain(records(recommendation.moves)):
        row |= {"from_name": names[row["from"]], "to_name": names[row["to"]]}
        writer.writerow({k: harmless(row.get(k, "")) for k in MOVE_COLUMNS})
    return out.getvalue()


def _halls(r: Recommendation, gaps: dict[Any, Figures]) -> list[dict[str, Any]]:
    home, plan = figures(r.home.table("hall"), ("hall",)), figures(r.plan.table("hall"), ("hall",))
    keys = {k: MEASURES[k] for k in HALL_MEASURES}
    return [
        {
            "hall": h.hall, "name": h.name, "name_en": h.name_en, "tier": h.tier,
            **_compared(home.get(h.hall, {}), plan.get(h.hall, {}), gaps.get(h.hall, {}), keys),
        }
        for h in r.scenario.halls
    ]  # fmt: skip


def _weeks(r: Recommendation) -> list[dict[str, Any]]:
    """The weeks of the calendar, cut by the month, with and without reassignment."""
    tables = (r.home.table("week"), r.plan.table("week"), r.plan.minus(r.home, "week"))
    home, plan, gap = (figures(table, ("week",)) for table in tables)
    keys = {k: MEASURES[k] for k in HALL_MEASURES}
    return [
        {
            "first": week,
            "last": week_end(week),
            **_compared(home[week], plan[week], gap[week], keys),
        }
        for week in home
    ]


def _compared(home: Figures, plan: Figures, gap: Figures, keys: dict[str, str]) -> dict[str, Any]:
    return {
        key: {"home": _three(home, m), "plan": _three(plan, m), "difference": _three(gap, m)}
        for key, m in keys.items()
    }


def _three(of: Figures, measure: str) -> dict[str, float]:
    found: Interval = of.get(measure, NOTHING)
    return {"mean": found.mean, "lo": found.lo, "hi": found.hi}


def _plain(value: Any) -> Any:
    """As JSON knows it: six digits, ISO dates, `None` for what is not a number."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, str | bool | int) or value is None:
        return value
    if isinstance(value, Iterable):
        return [_plain(v) for v in value]
    if pd.isna(value):
        return None
    if hasattr(value, "isoformat"):
        return as_date(value).isoformat()
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
