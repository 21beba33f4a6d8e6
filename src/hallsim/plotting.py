"""Figures for a notebook: each takes `ax=None`, returns the axes and draws its intervals.

`of` is what a simulation measured, or a recommendation, of which both sides are drawn.  Chinese is
drawn with a font of our own; the user's settings of matplotlib stay as they were.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hallsim import fonts
from hallsim.report_words import Say, as_date, hall_name, month_text, speaker
from hallsim.scenario import Scenario
from hallsim.text import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"home": "#8b98a5", "plan": "#1d5f8a", "": "#1d5f8a"}
HEAT = ("#fef8ee", "#fdebcf", "#fdd8a8", "#fcbd7f", "#f59a5c", "#d2512b", "#a32a1a", "#631111")
HEAT_MINUTES = (0, 5, 10, 15, 20, 30, 45, 60)


def pictures(figure: Any) -> dict[str, bytes]:
    """The figure as png and svg; the same figure gives the same bytes."""
    import matplotlib as mpl

    found = {}
    for kind, undated in (("png", {"Software": None}), ("svg", {"Date": None})):
        stream = io.BytesIO()
        with mpl.rc_context({"svg.hashsalt": "hallsim", "svg.fonttype": "path"}):
            figure.savefig(stream, format=kind, dpi=150, metadata=undated)
        found[kind] = stream.getvalue()
    return found


class Plots:
    """The figures of one result: `result.plot()`, `result.plot.hours(ax=ax)`."""

    def __init__(self, of: Any) -> None:
        """Of measures or of a recommendation."""
        self._of = of

    def __call__(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Waits by hall."""
        return waits(self._of, ax, **options)

    def waits(self, ax: Axes | None = None, **options: Any) -> Axes:
        """See `waits`."""
        return waits(self._of, ax, **options)

    def heatmap(self, ax: Axes | None = None, **options: Any) -> Axes:
        """See `heatmap`."""
        return heatmap(self._of, ax, **options)

    def hours(self, ax: Axes | None = None, **options: Any) -> Axes:
        """See `hours`."""
        return hours(self._of, ax, **options)

    def queue(self, hall: str | None = None, ax: Axes | None = None, **options: Any) -> Axes:
        """See `queue`."""
        return queue(self._of, hall, ax, **options)


def waits(
    of: Any, ax: Axes | None = None, top: int | None = 20, language: Language | None = None
) -> Axes:
    """Mean wait of the halls with its interval, the longest first; `top=None` draws all halls."""
    names, say = _words(of, language)
    sides = {
        k: _measure(m, "hall", "mean_wait_min").set_index("hall") for k, m in _sides(of).items()
    }
    order = next(iter(sides.values()))["mean"].dropna().sort_values(ascending=False).index[:top]
    with fonts.context():
        ax = ax or _axes(8, 1.2 + 0.27 * len(order))
        for step, (side, table) in enumerate(sides.items()):
            rows = table.loc[order]
            at = np.arange(len(order)) + (step - (len(sides) - 1) / 2) * 0.3
            ax.errorbar(rows["mean"], at, xerr=_spread(rows), fmt="o", ms=4, color=COLOURS[side],
                        label=_side(side, say))  # fmt: skip
        ax.set_yticks(range(len(order)), [names[h] for h in order])
        ax.invert_yaxis()
        ax.set_xlim(left=0)
        ax.grid(axis="x", alpha=0.3)
        _finish(ax, say("Mean wait, minutes"), "", len(sides) > 1)
    return ax


def hours(of: Any, ax: Axes | None = None, language: Language | None = None) -> Axes:
    """Mean wait by the hour in which the ticket was taken, with its interval as a band."""
    from matplotlib.ticker import MaxNLocator

    _names, say = _words(of, language)
    with fonts.context():
        ax = ax or _axes(7, 3.6)
        for side, measures in _sides(of).items():
            rows = _measure(measures, "hour", "mean_wait_min").sort_values("hour")
            _band(ax, rows["hour"].to_numpy(), rows, side, say)
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_formatter(lambda x, _at: f"{x:g}:00")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        _finish(ax, say("Hour of the ticket"), say("Mean wait, minutes"), True)
    return ax


def queue(
    of: Any, hall: str | None = None, ax: Axes | None = None, language: Language | None = None
) -> Axes:
    """Mean number waiting in each half hour of an open day; of the longest queue if none is named."""
    names, say = _words(of, language)
    sides = {k: _measure(m, "queue", "queue") for k, m in _sides(of).items()}
    if hall is None:
        table = next(iter(sides.values()))
        hall = str(table["hall"].iloc[int(table["mean"].argmax())])
    with fonts.context():
        ax = ax or _axes(7, 3.6)
        for side, table in sides.items():
            rows = table[table["hall"] == hall].sort_values("slot")
            at = np.array([int(s[:2]) + int(s[3:]) / 60 + 0.25 for s in rows["slot"]])
            _band(ax, at, rows, side, say)
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_formatter(lambda x, _at: f"{int(x)}:{round(x % 1 * 60):02d}")
        ax.set_title(names[hall])
        _finish(ax, say("Time of day"), say("Waiting, people"), True)
    return ax


def heatmap(
    of: Any, ax: Axes | None = None, side: str = "plan", language: Language | None = None
) -> Axes:
    """Mean wait, halls by days; the scale names the median half width of the intervals."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    names, say = _words(of, language)
    sides = _sides(of)
    rows = _measure(sides.get(side) or next(iter(sides.values())), "hall_day", "mean_wait_min")
    table = rows.assign(day=rows["day"].map(as_date)).pivot(
        index="hall", columns="day", values="mean"
    )
    table = table.reindex([h for h in names if h in table.index])
    half = float(((rows["hi"] - rows["lo"]) / 2).median())
    with fonts.context():
        ax = ax or _axes(9, 1.5 + 0.2 * len(table))
        norm = BoundaryNorm([*HEAT_MINUTES, 1e9], len(HEAT))
        image = ax.imshow(table.to_numpy(), aspect="auto", cmap=ListedColormap(HEAT), norm=norm)
        ax.set_yticks(range(len(table)), [names[h] for h in table.index], fontsize=8)
        ax.set_xticks(
            range(table.shape[1]), [str(as_date(d).day) for d in table.columns], fontsize=8
        )
        bar = ax.figure.colorbar(image, ax=ax, ticks=HEAT_MINUTES, spacing="uniform")
        bar.ax.set_yticklabels([str(m) for m in HEAT_MINUTES])
        bar.set_label(
            say("Mean wait, minutes (interval: half width {half}, median)", half=f"±{half:.1f}")
        )
        ax.set_title(_month(table.columns[0], language or _scenario(of).language))
    return ax


def _month(day: Any, language: Language) -> str:
    return month_text(f"{as_date(day):%Y-%m}", language)


def _axes(width: float, height: float) -> Axes:
    import matplotlib.pyplot as plt

    _figure, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


def _sides(of: Any) -> dict[str, Any]:
    return {"home": of.home, "plan": of.plan} if hasattr(of, "home") else {"": of}


def _scenario(of: Any) -> Scenario:
    found = of.scenario if hasattr(of, "scenario") else of.ledger.month.scenario
    assert isinstance(found, Scenario)
    return found


def _words(of: Any, language: Language | None) -> tuple[dict[str, str], Say]:
    scenario = _scenario(of)
    chosen = language or scenario.language
    return {h.hall: hall_name(h, chosen) for h in scenario.halls}, speaker(chosen)


def _side(side: str, say: Say) -> str:
    return {"home": say("home staffing"), "plan": say("plan")}.get(side, say("mean"))


def _measure(measures: Any, by: str, measure: str) -> pd.DataFrame:
    table: pd.DataFrame = measures.table(by)
    return table[table["measure"] == measure]


def _spread(rows: pd.DataFrame) -> Any:
    return np.array([rows["mean"] - rows["lo"], rows["hi"] - rows["mean"]]).clip(min=0)


def _band(ax: Axes, at: Any, rows: pd.DataFrame, side: str, say: Say) -> None:
    ax.plot(
        at, rows["mean"].to_numpy(), marker="o", ms=3, color=COLOURS[side], label=_side(side, say)
    )
    ax.fill_between(
        at, rows["lo"].to_numpy(), rows["hi"].to_numpy(), color=COLOURS[side], alpha=0.25, lw=0
    )
    ax.grid(alpha=0.3)


def _finish(ax: Axes, x: str, y: str, legend: bool) -> None:
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    if legend:
        ax.legend(frameon=False)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
