"""Figures of a cut: waits against windows, against clerks, and the map of both.

Each takes `ax=None`, returns the axes and draws its intervals.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hallsim import fonts
from hallsim.cut_words import rule_name, where
from hallsim.plotting import HEAT
from hallsim.report_words import district_name, month_text
from hallsim.text import Language, translator

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = {
    "best": ("#1d5f8a", 2.0),
    "proportional": ("#c2601c", 1.0),
    "least_used": ("#5b8c3a", 1.0),
}
"""Colour and width by rule."""
_STYLES = {"best": "-", "proportional": "--", "least_used": "-."}
_TARGET, _TODAY = "#a32a1a", "#444444"
_CONTOURS = (1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 75, 90, 120)


class CutPlots:
    """The figures of one cut: `cut.plot()`, `cut.plot.map(ax=ax)`."""

    def __init__(self, of: Any) -> None:
        """Of a `hallsim.cutting.Cut`."""
        self._of = of

    def __call__(self, ax: Axes | None = None, **options: Any) -> Axes:
        """See `line`."""
        return line(self._of, ax, **options)

    def windows(self, ax: Axes | None = None, **options: Any) -> Axes:
        """See `line`."""
        return line(self._of, ax, **options)

    def clerks(self, ax: Axes | None = None, **options: Any) -> Axes:
        """See `line`, against the number of clerks."""
        return line(self._of, ax, study="clerks", **options)

    def map(self, ax: Axes | None = None, **options: Any) -> Axes:
        """See `map_of`."""
        return map_of(self._of, ax, **options)


def line(
    of: Any, ax: Axes | None = None, study: str = "windows", measure: str = "mean_wait_min",
    language: Language | None = None,
) -> Axes:  # fmt: skip
    """A measure against the number of windows (or clerks), today's on the left.

    The best choice has its interval as a band; rules of thumb are thinner.  Targets are lines, and
    the fewest with which one is sure to hold is marked.
    """
    language = language or of.scenario.language
    say = translator("cut", language)
    with fonts.context():
        ax = ax or _axes(8, 4.4)
        factor = 100 if measure == "within_share" else 1
        for rule, (colour, width) in _LINES.items():
            rows = of.curve(measure, rule, study)
            if not len(rows):
                continue
            at, values = rows[study].to_numpy(), rows[["mean", "lo", "hi"]].to_numpy() * factor
            alone = study == "clerks" or of.hall is not None
            label = rule_name(rule, language)
            if rule == "best":
                label = say("mean and interval") if alone else say("best choice, with interval")
            ax.plot(at, values[:, 0], _STYLES[rule], color=colour, lw=width, label=label, zorder=3)
            ax.fill_between(
                at, values[:, 1], values[:, 2], color=colour, alpha=0.25 if rule == "best" else 0.12, lw=0
            )  # fmt: skip
        _mark_today(ax, of, study, measure, factor, say("as today, clerks at home"))
        _mark_targets(ax, of, study, measure, factor, language)
        ax.margins(x=0.03)
        ax.invert_xaxis()
        _frame(ax, of, study, measure, language)
    return ax


def _mark_today(ax: Axes, of: Any, study: str, measure: str, factor: float, label: str) -> None:
    row = of.today.set_index("measure").loc[measure]
    x = of.windows if study == "windows" else of.clerks
    if of.windows != int(of.curve()["windows"].max()):
        return
    spread = [[(row["mean"] - row["lo"]) * factor], [(row["hi"] - row["mean"]) * factor]]
    ax.errorbar([x], [row["mean"] * factor], yerr=spread, fmt="D", ms=6, color=_TODAY, label=label,
                zorder=4)  # fmt: skip


def _mark_targets(
    ax: Axes, of: Any, study: str, measure: str, factor: float, language: Language
) -> None:
    """Lines at the limits; where a knee is, a dot on the curve with its number."""
    say = translator("cut", language)
    wanted = "mean_wait" if measure == "mean_wait_min" else "within"
    if measure not in ("mean_wait_min", "within_share"):
        return
    rows = of.curve(measure, study=study).set_index(study)
    knees = of.knees[(of.knees.study == study) & (of.knees.target == wanted)]
    for n, (_, knee) in enumerate(knees[knees.tier == "*"].iterrows()):
        limit = float(knee["limit"]) * factor
        ax.axhline(limit, color=_TARGET, lw=1, ls=":", zorder=2)
        text = say("target {limit}").format(limit=_with_unit(limit, measure, say))
        least = -1 if pd.isna(knee["least"]) else int(knee["least"])
        middle = (rows.index.max() + rows.index.min()) / 2
        late = 0 <= least < middle  # the curve comes to the target in the right half
        ax.annotate(text, (0.5 if late else 0.995, limit), xycoords=("axes fraction", "data"),
                    ha="right", va="bottom", color=_TARGET, fontsize=9)  # fmt: skip
        if least < 0 or knee["why"] == "always":
            continue
        value = float(rows.loc[least, "mean"]) * factor
        name = say("at least {n} windows") if study == "windows" else say("at least {n} clerks")
        ax.plot([least], [value], "o", ms=8, mfc="white", mec=_TARGET, mew=1.8, zorder=5)
        ax.plot([least, least], [0, value], color=_TARGET, lw=1, zorder=2)
        ax.annotate(name.format(n=least), (least, 0), xytext=(-7 if late else 7, 9 + 18 * n),
                    ha="right" if late else "left", textcoords="offset points", color=_TARGET,
                    fontsize=11)  # fmt: skip


def _with_unit(value: float, measure: str, say: Any) -> str:
    return (
        f"{value:g}%" if measure == "within_share" else str(say("{n} min")).format(n=f"{value:g}")
    )


def _frame(ax: Axes, of: Any, study: str, measure: str, language: Language) -> None:
    from matplotlib.ticker import MaxNLocator

    say = translator("cut", language)
    minutes = of.knees[of.knees.target == "within"]["within_minutes"]
    within = say("Visitors served within {n} minutes, %").format(n=f"{minutes.iloc[0]:g}") if (
        len(minutes) and minutes.nunique() == 1
    ) else say("Visitors served within the target time, %")  # fmt: skip
    names = {
        "mean_wait_min": say("Mean wait, minutes"),
        "p90_wait_min": say("9 in 10 wait at most, minutes"),
        "within_share": within,
        "lost": say("Left unserved, visitors in the month"),
    }
    ax.set_ylabel(names[measure])
    if study == "clerks":
        ax.set_xlabel(say("Clerks of the district (all windows kept)"))
    else:
        ax.set_xlabel(say("Windows left, {where}").format(where=where("*", of, language)))
    if measure == "within_share":
        ax.set_ylim(0, 100)
    else:
        ax.set_ylim(0, _ceiling(of, study, measure))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, loc="best" if measure == "lost" else
              "lower left" if measure == "within_share" else "upper left", fontsize=9)  # fmt: skip
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _ceiling(of: Any, study: str, measure: str) -> float:
    """The top of the axis: so that the targets can be read, not the worst end."""
    rows = of.curve(measure, study=study)
    top = float(rows["hi"].max()) * 1.08
    limits = of.knees[(of.knees.study == study) & (of.knees.target == "mean_wait")]["limit"]
    if measure == "mean_wait_min" and len(limits):
        today = float(of.today.set_index("measure").loc[measure, "hi"])
        top = min(top, max(3.5 * float(limits.max()), 1.4 * today))
    return max(top, 1e-9)


def map_of(of: Any, ax: Axes | None = None, language: Language | None = None) -> Axes:
    """Mean wait over windows and clerks, with labelled contour lines."""
    from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap
    from matplotlib.patheffects import withStroke

    language = language or of.scenario.language
    say = translator("cut", language)
    rows = of.table[(of.table.study == "map") & (of.table.measure == "mean_wait_min")]
    table = rows.pivot(index="clerks", columns="windows", values="mean").sort_index()
    half = float(((rows["hi"] - rows["lo"]) / 2).median())
    with fonts.context():
        ax = ax or _axes(7.6, 5.4)
        x, y, z = (np.asarray(v, float) for v in (table.columns, table.index, table))
        limits = of.knees[(of.knees.target == "mean_wait") & (of.knees.tier == "*")]["limit"]
        levels = _levels(z)
        colours = LinearSegmentedColormap.from_list("waits", HEAT[:6])
        ax.contourf(x, y, z, levels=[0.0, *levels, float(z.max()) + 1], cmap=colours,
                    norm=BoundaryNorm([0.0, *levels, float(z.max()) + 1], 256))  # fmt: skip
        if levels:
            drawn = ax.contour(x, y, z, levels=levels, colors="#333333", linewidths=0.8)
            named = [v for v in levels if v not in set(limits)]  # targets are in the legend
            texts = ax.clabel(
                drawn, named, fmt=lambda v: _with_unit(v, "mean_wait_min", say), fontsize=9
            )
            for text in texts:
                text.set_path_effects([withStroke(linewidth=3, foreground="white")])
        for limit in sorted(set(limits)):
            if z.min() < limit < z.max():
                ax.contour(x, y, z, levels=[limit], colors=_TARGET, linewidths=2.4)
                name = say("target {limit}").format(limit=_with_unit(limit, "mean_wait_min", say))
                ax.plot([], [], color=_TARGET, lw=2.4, label=name)
        ax.plot(*np.meshgrid(x, y), ".", color="#333333", ms=2, alpha=0.5)
        ax.plot([of.windows], [of.clerks], "D", ms=8, color=_TODAY, clip_on=False, zorder=5,
                ls="none", label=say("today's numbers"))  # fmt: skip
        ax.legend(loc="upper left", bbox_to_anchor=(0, -0.11), ncol=3, frameon=False)
        ax.set_xlabel(say("Windows left, {where}").format(where=where("*", of, language)))
        ax.set_ylabel(say("Clerks of the district"))
        ax.set_title(
            say(
                "Mean wait, minutes (simulated at the dots; half width of intervals ±{half})"
            ).format(half=f"{half:.1f}"),
            fontsize=10,
        )
    return ax


def _levels(z: Any) -> list[float]:
    """Contours worth drawing, eight at most."""
    inside = [float(c) for c in _CONTOURS if z.min() < c < z.max()]
    step = max(1, math.ceil(len(inside) / 8))
    return inside[::step]


def figures(of: Any, language: Language) -> dict[str, Figure]:
    """The figures of the files, by name: the curve, and for the whole district clerks and map."""
    import matplotlib.pyplot as plt

    say = translator("cut", language)
    title = f"{district_name(of.scenario, language)}  {month_text(of.month, language)}"
    found = {}
    with fonts.context():
        heads = {"windows": say("How far can windows be cut?"), "clerks": say("With fewer clerks")}
        for study, name in (("windows", "cut"), ("clerks", "cut-clerks")):
            if not len(of.curve(study=study)):
                continue
            figure, axes = plt.subplots(
                2, 1, figsize=(8.6, 8.2), sharex=True, layout="constrained"
            )  # fmt: skip
            for ax, measure in zip(axes, ("mean_wait_min", "within_share"), strict=True):
                line(of, ax, study=study, measure=measure, language=language)
            axes[0].invert_xaxis()  # shared: the second panel has turned it back
            axes[0].set_xlabel("")
            axes[1].get_legend().remove()
            figure.suptitle(f"{title}  {heads[study]}")
            found[name] = figure
        if of.hall is None and (of.table.study == "map").any():
            figure, ax = plt.subplots(figsize=(8.2, 5.8), layout="constrained")
            map_of(of, ax, language=language)
            figure.suptitle(f"{title}  " + say("Windows and clerks together"))
            found["cut-map"] = figure
    return found


def _axes(width: float, height: float) -> Axes:
    import matplotlib.pyplot as plt

    _figure, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax
