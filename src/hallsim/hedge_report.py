"""Plans against uncertain demand as people get them: table and sentences, JSON, files, and a figure."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hallsim import fonts
from hallsim.hedging import HOME, Hedge, own_plan
from hallsim.plotting import pictures
from hallsim.report_words import (
    NONE,
    district_name,
    hall_name,
    harmless,
    listed,
    month_text,
    number,
    records,
)
from hallsim.screen import aligned
from hallsim.text import Language, translator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from hallsim.staff import StaffingTables

_COLOURS = ("#1d5f8a", "#c2601c", "#5b8c3a", "#8a4f9e", "#a58a1d", "#3f8f8f", "#b04a6a", "#666666")
_MARKS = "osD^vPX*"
_ALIKE = 1.0
"""Plans whose regret is below so many percent of the cost in every future are said to hardly differ."""


def future_name(of: Hedge, name: str, language: Language) -> str:
    """What people call a future."""
    _ = translator("hedge", language)
    title = of.title(name, language)
    return _("base") if title == "base" else title


def plan_name(of: Hedge, plan: str, language: Language) -> str:
    """What a plan is called."""
    _ = translator("hedge", language)
    names = {
        HOME: _("everybody at home"),
        "expected": _("all: least cost on average"),
        "worst": _("all: least cost in the worst future"),
        "cvar": _("all: least cost in the worst {tail}").format(tail=f"{of.tail:.0%}"),
        "regret": _("all: least regret"),
    }
    for course in of.courses:
        own = _("for {future} alone").format(future=future_name(of, course.name, language))
        names[own_plan(course.name)] = own
    return names[plan]


def groups_of_plans(of: Hedge) -> list[tuple[str, ...]]:
    """Plans in order, those with the same clerks together: they cost the same."""
    found: list[tuple[str, ...]] = []
    for name, plan in of.plans.items():
        for k, group in enumerate(found):
            if np.array_equal(of.plans[group[0]].clerks, plan.clerks):
                found[k] = (*group, name)
                break
        else:
            found.append((name,))
    return found


# Screen -------------------------------------------------------------------------------------------


def shown(of: Hedge, language: Language) -> Group:
    """Regret of every plan in every future, waits of the plan that was asked for, and sentences."""
    _ = translator("hedge", language)
    colon = "：" if language == "zh" else ": "
    heading = colon.join((place(of, language), courses_text(of, language)))
    end = "。" if language == "zh" else "."
    lines = [Text(f"· {line}{end}") for line in sentences(of, language)]
    first = _(
        "Regret: what a plan costs more than the one made for that future alone, in visitor hours"
    )
    second = _("Mean wait in minutes, and visitors lost")
    return Group(
        Text(heading), Text(), Text(first), Text(), _regrets(of, language), Text(),
        Text(second), Text(), _waits(of, language), Text(), Text(note(of, language)), Text(), *lines,
    )  # fmt: skip


def place(of: Hedge, language: Language) -> str:
    """District and month."""
    comma = "，" if language == "zh" else ", "
    return comma.join((district_name(of.scenario, language), month_text(of.month, language)))


def courses_text(of: Hedge, language: Language) -> str:
    """The futures with their shares."""
    comma = "、" if language == "zh" else ", "
    return comma.join(
        f"{future_name(of, c.name, language)} {number(100 * c.share, 0)}%" for c in of.courses
    )


def note(of: Hedge, language: Language) -> str:
    """What the figures are."""
    _ = translator("hedge", language)
    return _(
        "± is half of the {confidence:.0%} interval over {n} months of fresh visitors, the same for all "
        "plans of a future; costs include moves. → the plan asked for. Below 0: on fresh visitors it "
        "does better than the plan made for that future, which knew its own tables only."
    ).format(confidence=of.confidence, n=of.meta.get("replications", NONE))


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))


def _regrets(of: Hedge, language: Language) -> Table:
    _ = translator("hedge", language)
    shown = _table()
    shown.add_column(_("Plan"))
    for course in of.courses:
        shown.add_column(future_name(of, course.name, language), justify="right")
    shown.add_column(_("on average"), justify="right")
    shown.add_column(_("clerks lent"), justify="right")
    groups = groups_of_plans(of)
    estimates = _estimates(of, "regret_min")
    average = _summary(of)
    columns = [_cells([estimates[g[0], c.name] for g in groups], 1 / 60, 0) for c in of.courses]
    ends = ("expected_regret", "expected_regret_lo", "expected_regret_hi")
    columns.append(_cells([tuple(average[g[0]][e] for e in ends) for g in groups], 1 / 60, 0))
    for k, group in enumerate(groups):
        names = "\n".join(
            ("→ " if p == of.aim else "  ") + plan_name(of, p, language) for p in group
        )
        lent = sum(m.clerks for m in of.plans[group[0]].moves)
        shown.add_row(names, *(column[k] for column in columns), number(lent, 0))
    return shown


def _waits(of: Hedge, language: Language) -> Table:
    _ = translator("hedge", language)
    shown = _table()
    shown.add_column(_("Plan"))
    for course in of.courses:
        shown.add_column(future_name(of, course.name, language), justify="right")
        shown.add_column(_("lost"), justify="right")
    plans = [HOME, of.aim]
    waits, lost = _estimates(of, "mean_wait_min"), _estimates(of, "lost")
    columns = [
        cells
        for c in of.courses
        for cells in (
            _cells([waits[p, c.name] for p in plans], 1, 1),
            _cells([lost[p, c.name] for p in plans], 1, 0),
        )
    ]
    for k, plan in enumerate(plans):
        mark = "→ " if plan == of.aim else "  "
        shown.add_row(mark + plan_name(of, plan, language), *(column[k] for column in columns))
    return shown


Three = tuple[float, ...]


def _summary(of: Hedge) -> dict[str, dict[str, Any]]:
    return {str(row["plan"]): row for row in records(of.summary)}


def _estimates(of: Hedge, measure: str) -> dict[tuple[str, str], Three]:
    table = of.table[of.table["measure"] == measure]
    columns = (table[name] for name in ("plan", "future", "mean", "lo", "hi"))
    return {
        (str(p), str(f)): (float(mean), float(lo), float(hi))
        for p, f, mean, lo, hi in zip(*columns, strict=True)
    }


def _cells(rows: list[Three], factor: float, digits: int) -> list[str]:
    cells = []
    for row in rows:
        mean, lo, hi = (x * factor for x in row)
        half = f"±{number((hi - lo) / 2, digits)}" if hi > lo else ""
        cells.append((number(mean, digits), half))
    return aligned(cells)


def sentences(of: Hedge, language: Language) -> list[str]:
    """What a planner should take home."""
    _ = translator("hedge", language)
    summary = _summary(of)
    chosen, home = summary[of.aim], summary[HOME]

    def hours(row: dict[str, Any], key: str) -> str:
        mean, lo, hi = (number(float(row[f"{key}{e}"]) / 60, 0) for e in ("", "_lo", "_hi"))
        return _("{mean} [{lo}, {hi}] visitor hours").format(mean=mean, lo=lo, hi=hi)

    worst = str(chosen["most_regret_in"])
    cost = of.samples["cost_min"][of.aim][[c.name for c in of.courses].index(worst)].mean()
    share = float(chosen["worst_regret"]) / max(float(cost), 1e-9)
    told = [
        _("the regret of the plan asked for is largest in {future}: {hours}, "
          "{share} of the whole cost").format(
            future=future_name(of, worst, language), hours=hours(chosen, "worst_regret"),
            share=f"{number(100 * share, 1)}%",
        ),
        _("with everybody at home the largest is {hours}, in {future}").format(
            hours=hours(home, "worst_regret"),
            future=future_name(of, str(home["most_regret_in"]), language),
        ),
    ]  # fmt: skip
    given_up = of.chosen.solution.relaxed if of.chosen.solution else ()
    if given_up:
        names = listed(dict.fromkeys(r.limit.name for r in given_up), language)
        told.append(
            _("limits that contradict each other were given up: {names}").format(names=names)
        )
    own = _shares(of)
    if max(mean for (plan, _f), (mean, *_e) in own.items() if plan != HOME) < _ALIKE:
        told.append(
            _(
                "whichever of these futures comes, it matters little for which of them the plan was made"
            )
        )
    return told


# JSON and files -----------------------------------------------------------------------------------


def as_dict(of: Hedge) -> dict[str, Any]:
    """All figures as plain JSON values; `docs/staffing.md` has the keys."""
    estimates = {m: _estimates(of, m) for m in dict.fromkeys(of.table["measure"])}
    summary = _summary(of)

    def plan(name: str) -> dict[str, Any]:
        row, found = summary[name], of.plans[name].solution
        return {
            "plan": name,
            "moving_min": _figure(float(row["moving_min"])),
            "clerks_lent": sum(m.clerks for m in of.plans[name].moves),
            "solver_gap": None if found is None else _figure(found.gap),
            "expected_cost_min": _three([row[f"expected{e}"] for e in _ENDS]),
            "expected_regret_min": _three([row[f"expected_regret{e}"] for e in _ENDS]),
            "worst_cost_min": _three([row[f"worst{e}"] for e in _ENDS]),
            "worst_in": row["worst_in"],
            "worst_regret_min": _three([row[f"worst_regret{e}"] for e in _ENDS]),
            "most_regret_in": row["most_regret_in"],
            "futures": [
                {
                    "future": c.name,
                    **{m: _three(found_by[name, c.name]) for m, found_by in estimates.items()},
                    "planned_cost_min": _figure(float(of.planned[name][k])),
                    "planned_regret_min": _figure(float(of.planned_regret(name)[k])),
                }
                for k, c in enumerate(of.courses)
            ],
        }

    return {
        "format": 1,
        "scenario": of.scenario.name,
        "month": of.month,
        "risk": of.aim,
        "tail": of.tail,
        "provisional": of.provisional,
        "confidence": of.confidence,
        **of.meta,
        "futures": [
            {
                "name": c.name, "title": of.title(c.name, "zh"), "title_en": of.title(c.name, "en"),
                "share": _figure(c.share),
            }
            for c in of.courses
        ],
        "plans": [plan(name) for name in of.plans],
    }  # fmt: skip


_ENDS = ("", "_lo", "_hi")


def _three(values: Any) -> dict[str, float | None]:
    mean, lo, hi = (_figure(float(v)) for v in values)
    return {"mean": mean, "lo": lo, "hi": hi}


def _figure(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def files(of: Hedge, language: Language) -> dict[str, bytes | str]:
    """The files of a result: name to contents."""
    return {
        "hedge.csv": _csv(of.table),
        "hedge-plans.csv": _csv(of.summary),
        "hedge-clerks.csv": _csv(clerks_table(of, language)),
        "hedge-moves.csv": _csv(moves_table(of, language)),
        "hedge.json": json.dumps(as_dict(of), ensure_ascii=False, indent=2) + "\n",
        **{f"hedge.{kind}": data for kind, data in drawn(of, language).items()},
    }


def clerks_table(of: Hedge, language: Language) -> pd.DataFrame:
    """Clerks by plan, hall and period: plan, hall, hall_name, first, last, clerks, home."""
    home = _by_hall(of, HOME)
    names = [harmless(hall_name(h, language)) for h in of.scenario.halls]
    rows = [
        (
            plan, hall.hall, names[h], *_dates(of, p, p), int(clerks[p, h]), int(home[p, h]),
        )
        for plan in of.plans
        for clerks in [_by_hall(of, plan)]
        for h, hall in enumerate(of.scenario.halls)
        for p in range(len(of.spans))
    ]  # fmt: skip
    return pd.DataFrame(
        rows, columns=["plan", "hall", "hall_name", "first", "last", "clerks", "home"]
    )


def _by_hall(of: Hedge, plan: str) -> Any:
    """[T, H] clerks at the halls."""
    found, tables = of.plans[plan].solution, _tables(of)
    if found is None:
        return np.tile(tables.home.sum(axis=1), (len(of.spans), 1))
    return (tables.at_halls(found.clerks) + found.idle).sum(axis=2)


def _tables(of: Hedge) -> StaffingTables:
    tables = of.chosen.tables
    assert tables is not None  # only everybody at home has none
    return tables


def moves_table(of: Hedge, language: Language) -> pd.DataFrame:
    """Who is lent where under the plan asked for: from, to, group, clerks, first, last, tier."""
    tables = _tables(of)
    names = {h.hall: harmless(hall_name(h, language)) for h in of.scenario.halls}
    rows = []
    for m in of.chosen.moves:
        a, b = (tables.halls[end] for end in (m.origin, m.destination))
        rows.append(
            (a, names[a], b, names[b], tables.groups[m.group], m.clerks,
             *_dates(of, m.first, m.last), m.tier)
        )  # fmt: skip
    columns = ["from", "from_name", "to", "to_name", "group", "clerks", "first", "last", "tier"]
    return pd.DataFrame(rows, columns=columns)


def _dates(of: Hedge, first: int, last: int) -> tuple[str, str]:
    """First and last working day of periods; a period without one is told as it is."""
    a, b = of.spans[first][0], of.spans[last][1]
    inside = of.work[(of.work >= a) & (of.work <= b)]
    a, b = (int(inside[0]), int(inside[-1])) if len(inside) else (a, b)
    return f"{of.month}-{a + 1:02d}", f"{of.month}-{b + 1:02d}"


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\r\n", float_format="%.6g"))


# Figure -------------------------------------------------------------------------------------------


def drawn(of: Hedge, language: Language) -> dict[str, bytes]:
    """The figure as png and svg; the same result gives the same bytes."""
    from matplotlib.figure import Figure

    with fonts.context():
        figure = Figure(figsize=_size(of), layout="constrained")
        dots(of, figure.add_subplot(), language)
        return pictures(figure)


def dots(of: Hedge, ax: Axes | None = None, language: Language | None = None) -> Axes:
    """The regret of every plan in every future with its interval, as a share of the future's cost.

    Everybody at home is far off; an arrow and its figures stand for it where it is.
    """
    chosen = language or of.scenario.language
    _ = translator("hedge", chosen)
    groups = [g for g in groups_of_plans(of) if g[0] != HOME]
    with fonts.context():
        ax = ax or _axes(*_size(of))
        shares = _shares(of)
        step = 0.62 / max(len(of.courses), 1)
        for k, course in enumerate(of.courses):
            at = np.arange(len(groups)) + (k - (len(of.courses) - 1) / 2) * step
            values = np.array([shares[g[0], course.name] for g in groups])
            spread = np.array([values[:, 0] - values[:, 1], values[:, 2] - values[:, 0]]).clip(0)
            ax.errorbar(
                values[:, 0], at, xerr=spread, fmt=_MARKS[k % len(_MARKS)], ms=5, lw=1.2, capsize=2,
                color=_COLOURS[k % len(_COLOURS)], label=future_name(of, course.name, chosen),
            )  # fmt: skip
        ax.axvline(0, color="#333333", lw=0.8, zorder=0)
        names = ["\n".join(plan_name(of, p, chosen) for p in g) for g in groups]
        ax.set_yticks(range(len(groups)), names, linespacing=1.3)
        for k, group in enumerate(groups):
            if k % 2 == 0:
                ax.axhspan(k - 0.5, k + 0.5, color="#f4f4f2", zorder=-1, lw=0)
            if of.aim in group:
                ax.get_yticklabels()[k].set_color(_COLOURS[0])
        ax.set_ylim(len(groups) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="x", alpha=0.3)
        ax.set_axisbelow(True)
        ax.xaxis.set_major_formatter(lambda x, _at: f"{x:g}%".replace("-", "−"))
        ax.set_xlabel(_("Regret, share of the future's cost"))
        ax.set_title(place(of, chosen), loc="left", fontsize="medium")
        ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), title=_("Future"))
        for side in ("top", "right", "left"):
            ax.spines[side].set_visible(False)
        _mention_home(ax, of, shares, chosen)
    return ax


def _shares(of: Hedge) -> dict[tuple[str, str], Three]:
    """Regret in percent of what the plan made for the future costs."""
    own = {
        c.name: float(of.samples["cost_min"][own_plan(c.name)][k].mean())
        for k, c in enumerate(of.courses)
    }
    return {
        key: tuple(100 * x / max(own[key[1]], 1e-9) for x in values)
        for key, values in _estimates(of, "regret_min").items()
    }


def _mention_home(
    ax: Axes, of: Hedge, shares: dict[tuple[str, str], Three], language: Language
) -> None:
    _ = translator("hedge", language)
    comma = "、" if language == "zh" else ", "
    each = comma.join(
        f"{future_name(of, c.name, language)} {number(shares[HOME, c.name][0], 0)}%"
        for c in of.courses
    )
    text = _("Everybody at home, not drawn: {each}. Whiskers: {confidence:.0%} interval.").format(
        each=each, confidence=of.confidence
    )
    ax.annotate(
        text, (0, 0), xytext=(0, -46), xycoords="axes fraction", textcoords="offset points",
        fontsize="small", color="#555555", annotation_clip=False,
    )  # fmt: skip


def _size(of: Hedge) -> tuple[float, float]:
    groups = len(groups_of_plans(of)) - 1
    return 10.0, 1.8 + groups * max(0.55, 0.2 * len(of.courses))


def _axes(width: float, height: float) -> Axes:
    import matplotlib.pyplot as plt

    _figure, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax
