"""A made-up recommendation with plausible figures: what the report is tested with.

Same shape as `hallsim.recommend.Recommendation`; no simulation behind it.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from hallsim.certificate import Certificate
from hallsim.naming import NamedMoves, name_moves
from hallsim.people import made_up_roster
from hallsim.prices import PRICE_COLUMNS, UNIT
from hallsim.reasons import REASON_COLUMNS
from hallsim.recommend import RELAXED_COLUMNS, UNMET_COLUMNS
from hallsim.rolling import ENDED_COLUMNS
from hallsim.scenario import Clerks, Demand, Hall, Hours, Item, Limit, Scenario, Target, Windows
from hallsim.training import TRAINING_COLUMNS

STREETS = ["观湖", "民治", "龙华", "大浪", "福城", "观澜"]
PINYIN = ["Guanhu", "Minzhi", "Longhua", "Dalang", "Fucheng", "Guanlan"]
ALL_MEASURES = [
    "visitors",
    "served",
    "abandoned",
    "turned_away",
    "balked",
    "mean_wait_min",
    "median_wait_min",
    "p90_wait_min",
    "within_share",
    "utilisation",
    "overtime_min",
]


@dataclass(frozen=True)
class FakeMeasures:
    tables: dict[str, pd.DataFrame]
    ledger: Any
    replications: int = 30
    confidence: float = 0.95

    def table(self, by: str) -> pd.DataFrame:
        return self.tables[by]

    def minus(self, other: FakeMeasures, by: str) -> pd.DataFrame:
        """Differences with an interval of one to each side."""
        gap = self.tables[by]["mean"] - other.tables[by]["mean"]
        return self.tables[by].assign(mean=gap, lo=gap - 1, hi=gap + 1)

    def over(self, spans: Any, minus: FakeMeasures | None = None) -> pd.DataFrame:
        """The first open day of a span stands for the whole of it."""
        rows = []
        for k, (first, last) in enumerate(spans):
            mine, theirs = (_one_day(m, first, last) for m in (self, minus or self))
            mean = mine - (theirs if minus else 0)
            rows.append(
                {
                    "span": k,
                    "measure": "mean_wait_min",
                    "mean": mean,
                    "lo": mean - 1,
                    "hi": mean + 1,
                }
            )
        return pd.DataFrame(rows)


def _one_day(of: FakeMeasures, first: Any, last: Any) -> float:
    rows = of.table("day")
    inside = (rows["measure"] == "mean_wait_min") & (rows["day"] >= first) & (rows["day"] <= last)
    return float(rows["mean"][inside].iloc[0])


@dataclass(frozen=True)
class FakeRecommendation:
    scenario: Scenario
    month: str
    scenario_name: str
    periods: pd.DataFrame
    days: pd.DataFrame
    provisional: bool
    home: FakeMeasures
    plan: FakeMeasures
    difference: pd.DataFrame
    staff: pd.DataFrame
    moves: pd.DataFrame
    marginal: pd.DataFrame
    unmet: pd.DataFrame
    moves_cost: dict[str, Any]
    solver: dict[str, Any]
    certificate: Certificate
    reasons: pd.DataFrame
    shadow_prices: pd.DataFrame
    relaxed: pd.DataFrame
    conflict: tuple[str, ...] = ()
    previous: str = ""
    ended: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=ENDED_COLUMNS))
    named: NamedMoves | None = None
    training: pd.DataFrame | None = None
    places: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    assumptions: tuple[dict[str, Any], ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)


def district(halls: int = 57) -> Scenario:
    rows = [
        Hall(
            hall="D",
            name="龙华区行政服务大厅",
            name_en="Longhua district hall",
            tier="district",
            hours="usual",
        )
    ]
    for i, (name, en) in enumerate(zip(STREETS, PINYIN, strict=True), 1):
        rows.append(
            Hall(
                hall=f"S{i}",
                name=f"{name}街道大厅",
                name_en=f"{en} street hall",
                tier="street",
                hours="usual",
            )
        )
        rows += [
            Hall(
                hall=f"S{i}-{k:02d}",
                name=f"{name}社区{k:02d}",
                name_en=f"{en} community {k:02d}",
                tier="community",
                street=f"S{i}",
                hours="usual",
            )
            for k in range(1, 10 if i < 3 else 9)
        ]
    rows = rows[:halls]
    size = {"district": 40, "street": 12, "community": 3}
    return Scenario(
        name="longhua-shenzhen",
        title="深圳市龙华区",
        title_en="Longhua, Shenzhen",
        hours={"usual": Hours(weekdays="9:00-12:00 14:00-18:00")},
        targets=(Target(mean_wait_minutes=20), Target(within_minutes=15, share=0.6)),
        halls=tuple(rows),
        windows=tuple(Windows(hall=h.hall, count=size[h.tier]) for h in rows),
        clerks=tuple(Clerks(hall=h.hall, count=size[h.tier]) for h in rows),
        items=(Item(item="residence", name="居住登记", name_en="Residence", minutes=12),),
        demand=(Demand(halls=("*",), item="residence", volume=1_500_000),),
    )


def _long(keys: dict[str, Any], wait: float, visitors: float, half: float) -> list[dict[str, Any]]:
    share = float(np.exp(-wait / 30))
    lost = visitors * min(0.3, wait / 400)
    values = {
        "visitors": visitors,
        "served": visitors - lost,
        "abandoned": lost * 0.8,
        "turned_away": lost * 0.15,
        "balked": lost * 0.05,
        "lost": lost,
        "mean_wait_min": wait,
        "median_wait_min": wait * 0.7,
        "p90_wait_min": wait * 2.3,
        "within_share": share,
        "utilisation": min(0.98, 0.6 + wait / 90),
        "overtime_min": wait * 2,
    }
    return [
        {**keys, "measure": m, "mean": v, "lo": v * (1 - half), "hi": v * (1 + half)}
        for m, v in values.items()
    ]


def _days(month: str) -> pd.DataFrame:
    year, number = map(int, month.split("-"))
    rows = []
    for day in range(1, calendar.monthrange(year, number)[1] + 1):
        date = dt.date(year, number, day)
        kind = "workday" if date.weekday() < 5 else "weekend"
        name = ""
        if day == 24:
            kind, name = "holiday", "中秋节"
        if day in (29, 30):
            kind, name = "makeup", "国庆节调休"
        rows.append({"day": date, "kind": kind, "name": name, "provisional": False})
    return pd.DataFrame(rows)


def _periods(days: pd.DataFrame) -> pd.DataFrame:
    weeks: dict[tuple[int, int], list[Any]] = {}
    for row in days.itertuples():
        weeks.setdefault(row.day.isocalendar()[:2], []).append(row)
    return pd.DataFrame(
        [
            {
                "period": i,
                "first": w[0].day,
                "last": w[-1].day,
                "open_days": sum(r.open_halls > 0 for r in w),
            }
            for i, w in enumerate(weeks.values())
        ]
    )


def _measures(
    scenario: Scenario,
    days: pd.DataFrame,
    wait: dict[str, float],
    visitors: dict[str, float],
    rng: Any,
) -> FakeMeasures:
    open_days = days[days.open_halls > 0]
    swing = {
        d: 0.6 + 0.8 * np.sin(np.pi * i / len(open_days)) + (d.weekday() == 0) * 0.3
        for i, d in enumerate(open_days.day)
    }
    total = sum(visitors.values())
    mean = sum(wait[h] * visitors[h] for h in wait) / total
    hall_day, queue = [], []
    for h in scenario.halls:
        for d, factor in swing.items():
            if d.weekday() == 5 and h.tier == "community":
                continue
            w = wait[h.hall] * factor * rng.uniform(0.7, 1.3)
            hall_day += _long({"hall": h.hall, "day": d}, w, visitors[h.hall] / len(swing), 0.15)
        for slot in range(18, 36):
            q = wait[h.hall] * abs(np.sin(slot)) / 3
            queue.append(
                {
                    "hall": h.hall,
                    "slot": f"{slot // 2:02d}:{slot % 2 * 30:02d}",
                    "measure": "queue",
                    "mean": q,
                    "lo": q * 0.9,
                    "hi": q * 1.1,
                }
            )
    hours = {9: 1.3, 10: 1.5, 11: 0.9, 14: 1.2, 15: 1.1, 16: 0.8, 17: 0.4}
    tables = {
        "district": _long({}, mean, total, 0.05),
        "hall": [r for h in wait for r in _long({"hall": h}, wait[h], visitors[h], 0.12)],
        "tier": [
            r
            for t in ("district", "street", "community")
            for r in _long({"tier": t}, mean, total / 3, 0.08)
        ],
        "item": _long({"item": "residence"}, mean, total, 0.05),
        "class": _long({"class": "ordinary"}, mean, total, 0.05),
        "weekday": [
            r
            for d in range(6)
            for r in _long({"weekday": d}, mean * (1.4 - d / 10), total / 6, 0.07)
        ],
        "hour": [
            r for k, f in hours.items() for r in _long({"hour": k}, mean * f, total / 7, 0.07)
        ],
        "day": [
            r
            for d, f in swing.items()
            for r in _long({"day": d}, mean * f, total / len(swing), 0.1)
        ],
        "week": [
            r
            for d, f in swing.items()
            if d.weekday() == 0  # Monday stands for the whole week
            for r in _long({"week": d}, mean * f, total / 4, 0.1)
        ],
        "hall_day": hall_day,
        "queue": queue,
    }
    month = SimpleNamespace(month=SimpleNamespace(scenario=scenario))
    return FakeMeasures({k: pd.DataFrame(v) for k, v in tables.items()}, month)


def _with_intervals(gaps: list[dict[str, Any]]) -> pd.DataFrame:
    around = {f"{k}{end}": x for k in ("plan", "best") for end, x in (("_lo", 0.9), ("_hi", 1.1))}
    rows = [
        {**g, **{k: g[k[:4]] * x for k, x in around.items()}, **_lacking(g["why"])} for g in gaps
    ]
    missing = ["missing", "missing_lo", "missing_hi"]
    columns = [*UNMET_COLUMNS, *missing, "who"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(missing, "Int64"))


def _lacking(why: str) -> dict[str, Any]:
    """Two clerks, one to three, where clerks lack."""
    if why == "windows":
        return {"missing": None, "missing_lo": None, "missing_hi": None, "who": ""}
    return {"missing": 2, "missing_lo": 1, "missing_hi": 3, "who": "general=2"}


def _reasons(moves: pd.DataFrame) -> pd.DataFrame:
    """Every transfer saves 900 minutes net, 600 to 1,200; the last one maybe nothing."""
    rows = []
    for k, m in enumerate(moves.to_dict("records")):
        row: dict[str, Any] = {"move": k, "from": m["from"], "to": m["to"], "clerks": m["clerks"]}
        row["move_min"] = 240.0 * m["clerks"]
        unsure = k == len(moves) - 1 and k > 0
        values = {
            "saves_wait_min": (800, 200), "fewer_lost": (4, 2), "gains_min": (1500, 300),
            "loses_min": (360, 60), "net_min": (900, 1000 if unsure else 300),
            "to_wait_without": (41.2, 2), "to_wait_with": (28.7, 2),
            "from_wait_without": (8.4, 1), "from_wait_with": (9.9, 1),
        }  # fmt: skip
        for name, (mean, half) in values.items():
            row |= {name: float(mean), f"{name}_lo": mean - half, f"{name}_hi": mean + half}
        rows.append(row)
    return pd.DataFrame(rows, columns=REASON_COLUMNS)


def _prices(halls: list[str]) -> pd.DataFrame:
    """Two clerks of one price, of which one was made again; a window; none of the third clerk."""
    rows = [
        ("clerk", halls[0], "general", 6000.0, 6600.0, 5940.0, UNIT),
        *[("clerk", h, "general", 6000.0, float("nan"), float("nan"), UNIT) for h in halls[1:3]],
        ("window", halls[-1], "queue", float("nan"), 900.0, 600.0, UNIT),
    ]
    return pd.DataFrame(rows, columns=PRICE_COLUMNS)


def _difference(home: FakeMeasures, plan: FakeMeasures) -> pd.DataFrame:
    out = []
    for by in ("district", "hall"):
        a, b = home.table(by).copy(), plan.table(by)
        gap = b["mean"] - a["mean"]
        half = 0.15 * gap.abs() + 0.01 * a["mean"].abs()
        if by == "district":
            a.insert(0, "hall", "")
        a["mean"], a["lo"], a["hi"] = gap, gap - half, gap + half
        out.append(a)
    return pd.concat(out, ignore_index=True)


def _moves(
    scenario: Scenario, periods: pd.DataFrame, wait: dict[str, float], n: int, rng: Any
) -> pd.DataFrame:
    by_wait = sorted(wait, key=lambda h: wait[h])
    street = {h.hall: h.street or h.hall for h in scenario.halls}
    rows = []
    for i in range(n):
        a, b = by_wait[i % 20], by_wait[-1 - i % 14]
        first = int(rng.integers(0, len(periods)))
        last = int(rng.integers(first, len(periods)))
        tier = (
            "with_district"
            if "D" in (a, b)
            else ("within_street" if street[a] == street[b] else "between_streets")
        )
        start, end = periods["first"][first], periods["last"][last]
        rows.append(
            {
                "from": a,
                "to": b,
                "group": "general",
                "clerks": int(rng.integers(1, 4)),
                "first": start,
                "last": end,
                "working_days": int(periods.open_days[first : last + 1].sum()),
                "tier": tier,
                "travel_min": 15.0 if tier == "within_street" else 40.0,
                "notice_by": start - dt.timedelta(days=7),
                "running": False,
            }
        )
    columns = [
        "from",
        "to",
        "group",
        "clerks",
        "first",
        "last",
        "working_days",
        "tier",
        "travel_min",
        "notice_by",
        "running",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["first", "from", "to"], ignore_index=True)


def _named(scenario: Scenario, moves: pd.DataFrame) -> NamedMoves:
    """The clerks of a made-up roster, in which one hall that lends has nobody."""
    gone = moves["from"].iloc[0]
    roster = [p for p in made_up_roster(scenario) if p.hall != gone]
    return name_moves(scenario, moves, roster)


def _training(named: NamedMoves, periods: pd.DataFrame) -> pd.DataFrame:
    clerk = named.burden[named.burden.hall == "S1-01"].iloc[0]
    first, last = periods["first"].iloc[-1], periods["last"].iloc[-1]
    row = (clerk.clerk, "S1-01", "S1", "general", first, last, 5, 0, 1, 7, 110.0, 30.0, 190.0)
    return pd.DataFrame([row], columns=TRAINING_COLUMNS)


def _assumptions(scenario: Scenario) -> list[dict[str, Any]]:
    rows = [
        {
            "path": "staffing.leave_rate",
            "value": 0.06,
            "source": "assumed",
            "note": "按年休假天数折算",
        },
        {"path": "staffing.absence_rate", "value": 0.02, "source": "assumed", "note": ""},
        {
            "path": "variation.day_cv",
            "value": 0.15,
            "source": "assumed",
            "note": "同类大厅的日间差异",
        },
        {"path": "classes.ordinary.patience_minutes", "value": 90, "source": "assumed", "note": ""},
        {"path": "objective.lost_minutes", "value": 120, "source": "default", "note": ""},
        {"path": "run.replications", "value": 30, "source": "default", "note": ""},
        {"path": "targets[0].mean_wait_minutes", "value": 20, "source": "seed", "note": "来源文稿"},
        {
            "path": "demand[0].volume",
            "value": 1.5e6,
            "source": "calibrated",
            "note": "使平均等候接近 20 分钟",
        },
    ]
    for h in scenario.halls:
        rows += [
            {"path": f"windows[{h.hall}].count", "value": 3, "source": "seed", "note": ""},
            {
                "path": f"clerks[{h.hall}].count",
                "value": 3,
                "source": "assumed",
                "note": "按窗口数分摊",
            },
        ]
    return rows


def fake(
    month: str = "2018-09",
    halls: int = 57,
    moves: int = 34,
    unmet: bool = True,
    provisional: bool = False,
    seed: int = 1,
    running: int = 0,
    conflict: bool = False,
    roster: bool = False,
) -> Any:
    """A recommendation for a month; the same arguments give the same figures."""
    rng = np.random.default_rng(seed)
    scenario = district(halls)
    if conflict:
        limits = (
            Limit(halls=("D",), limit="least_clerks", value=45),
            Limit(halls=("S1",), limit="least_clerks", value=14),
        )
        scenario = scenario.model_copy(update={"limits": limits})
    days = _days(month)
    days["open_halls"] = [
        0
        if d.kind == "holiday" or (d.kind == "weekend" and d.day.weekday() == 6)
        else (7 if d.kind == "weekend" else halls)
        for d in days.itertuples()
    ]
    days["provisional"] = provisional
    periods = _periods(days)
    ids = [h.hall for h in scenario.halls]
    wait = {h: float(rng.gamma(2.2, 12)) + 1 for h in ids}
    visitors = {
        h: float(rng.uniform(1200, 2600)) * (9 if h == "D" else 3 if len(h) == 2 else 1)
        for h in ids
    }
    better = {h: w * (0.55 if w > 25 else 1.05) if moves else w for h, w in wait.items()}
    home = _measures(scenario, days, wait, visitors, np.random.default_rng(7))
    plan = _measures(scenario, days, better, visitors, np.random.default_rng(7))
    table = _moves(scenario, periods, wait, moves, rng)
    table["running"] = [k < running for k in range(len(table))]
    named = _named(scenario, table) if roster else None
    on_staff = {c.hall: c.count for c in scenario.clerks}
    staff = []
    for p in periods.itertuples():
        here = table[(table["first"] <= p.first) & (table["last"] >= p.last)]
        for h in ids:
            change = (
                here.loc[here["to"] == h, "clerks"].sum()
                - here.loc[here["from"] == h, "clerks"].sum()
            )
            staff.append(
                {
                    "hall": h,
                    "period": p.period,
                    "home": on_staff[h],
                    "plan": max(1, int(on_staff[h] + change)),
                    "minimum": 1,
                    "windows": on_staff[h],
                }
            )
    worst = sorted(better, key=lambda h: -better[h])
    gaps = [
        {
            "hall": h,
            "period": p,
            "target": "mean_wait",
            "limit": 20.0,
            "plan": better[h] + p,
            "best": better[h] * (0.9 if i % 2 else 0.4),
            "why": "windows" if i % 2 else "clerks",
        }
        for i, h in enumerate(worst[:7])
        for p in range(0, len(periods), 1 + i % 3)
    ]
    gaps += [
        {
            "hall": worst[0],
            "period": 1,
            "target": "within",
            "limit": 0.6,
            "plan": 0.31,
            "best": 0.44,
            "why": "windows",
        }
    ]
    saves = [
        {"hall": h, "saves_min": better[h] * 160, "lo": better[h] * 120, "hi": better[h] * 200}
        for h in worst
    ]
    return FakeRecommendation(
        scenario=scenario,
        month=month,
        scenario_name="base",
        periods=periods,
        days=days,
        provisional=provisional,
        home=home,
        plan=plan,
        difference=_difference(home, plan),
        staff=pd.DataFrame(staff),
        moves=table,
        marginal=pd.DataFrame(saves),
        unmet=_with_intervals(gaps if unmet else []),
        moves_cost={
            "orders": int(table.clerks[~table.running.astype(bool)].sum()),
            "clerk_days": int((table.clerks * table.working_days).sum()),
            "travel_hours": float(
                (table.clerks * table.working_days * table.travel_min).sum() / 60
            ),
        },
        solver={
            "name": "HiGHS",
            "status": "optimal",
            "gap": 0.0002,
            "integral": True,
            "objective": 1.23e6,
            "bound": 1.2298e6,
            "seconds": 0.4,
        },
        certificate=Certificate(
            solver_gap=0.0002,
            statistical_gap=0.0113,
            confidence=0.95,
            gap_minutes=9000.0,
            upper_minutes=11_300.0,
            lower_minutes=1e6,
            batches=20,
            replications=15,
        ),
        reasons=_reasons(table),
        shadow_prices=_prices(ids),
        relaxed=pd.DataFrame(
            [("limits[0]", "clerks", "D", "general", p, 45, None, 3) for p in range(len(periods))]
            if conflict
            else [],
            columns=RELAXED_COLUMNS,
        ),
        conflict=("limits[0]", "limits[1]") if conflict else (),
        places={f"limits[{k}].value": f"limits.csv:{k + 2}" for k in range(2)} if conflict else {},
        previous="2018-08" if running else "",
        ended=pd.DataFrame(
            [("S2", "S2-01", "general", 1, 15.0, -120.0, -180.0, -60.0)] if running else [],
            columns=ENDED_COLUMNS,
        ),
        named=named,
        training=_training(named, periods) if named else None,
        notes=(),
        assumptions=tuple(_assumptions(scenario)),
        meta={
            "hallsim": "0.1.0",
            "python": "3.11",
            "versions": {"numpy": "2.4.6", "pulp": "3.3.2"},
            "seed": 1,
            "inputs": {"scenario.yaml": "a" * 64, "halls.csv": "b" * 64},
            "command": "hallsim recommend scenarios/longhua-shenzhen --month 2018-09",
            "created": "2026-01-05T09:00:00",
            "seconds": 41.2,
        },
    )
