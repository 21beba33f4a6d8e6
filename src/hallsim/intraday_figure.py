"""Figures of hours within the day: visitors, windows and waits by half hour; gains by hall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hallsim import fonts
from hallsim.plotting import COLOURS
from hallsim.report_words import district_name, hall_name, month_text
from hallsim.text import Language, translator

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BARS, _GREY = "#c9d3dc", "#444444"


def title(found: Any, one: Any, language: Language) -> str:
    """Hall, queue, month and kind of day."""
    hall = next(h for h in found.scenario.halls if h.hall == one.hall)
    parts = [hall_name(hall, language), one.label, month_text(found.month, language)]
    return "  ".join([p for p in (*parts, kind_text(found, language)) if p])


def kind_text(found: Any, language: Language) -> str:
    """The kind of day: `Mondays`, `周一`, or ordinary open days."""
    say = translator("intraday", language)
    return {
        "mon": say("Mondays"), "tue": say("Tuesdays"), "wed": say("Wednesdays"),
        "thu": say("Thursdays"), "fri": say("Fridays"), "sat": say("Saturdays"),
        "sun": say("Sundays"), "": say("ordinary days"),
    }[found.weekday]  # fmt: skip


def day(found: Any, one: Any, language: Language) -> Figure:
    """Visitors, windows open and waits of one queue, usual and proposed, with intervals."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

    say = translator("intraday", language)
    names = {"home": say("usual rota"), "plan": say("proposed")}
    edges = np.append(one.spells[:, 0], one.spells[-1, 1]) / 3600
    with fonts.context():
        figure, axes = plt.subplots(3, 1, figsize=(8, 7.6), sharex=True, layout="constrained",
                                    height_ratios=(1, 1.2, 1.4))  # fmt: skip
        width = one.spells[:, 1] - one.spells[:, 0]
        axes[0].stairs(one.visitors * 1800 / width, edges, fill=True, color=_BARS)
        axes[0].set_ylabel(say("Visitors\nin half an hour"))
        spell = one.spells[:, 2]
        windows = {"home": one.frame.usual, "plan": one.profile}
        for side, profile in windows.items():
            shown = np.where(spell < 0, 0, profile[np.maximum(spell, 0)])
            axes[1].stairs(shown, edges, baseline=None, color=COLOURS[side], lw=2 if side == "plan" else 4,
                           label=names[side])  # fmt: skip
        axes[1].set_ylim(0, max(int(x.max()) for x in windows.values()) * 1.25)
        axes[1].set_ylabel(say("Windows open"))
        axes[1].yaxis.set_major_locator(MaxNLocator(integer=True))
        axes[1].legend(frameon=False, ncol=2, loc="upper right")
        middle = (edges[:-1] + edges[1:]) / 2
        for side, values in zip(windows, one.waits, strict=True):
            points = np.array([found.interval(values[:, p]) for p in range(values.shape[1])])
            axes[2].plot(
                middle, points[:, 0], marker="o", ms=3, color=COLOURS[side], label=names[side]
            )
            axes[2].fill_between(middle, points[:, 1], points[:, 2], color=COLOURS[side], alpha=0.25,
                                 lw=0)  # fmt: skip
        axes[2].set_ylim(bottom=0)
        axes[2].set_ylabel(say("Mean wait of those\nwho come then, minutes"))
        axes[2].set_xlabel(say("Time of day"))
        axes[2].xaxis.set_major_locator(MultipleLocator(1))
        axes[2].xaxis.set_major_formatter(FuncFormatter(lambda x, _at: f"{x:.0f}:00"))
        for ax in axes:
            ax.grid(alpha=0.3)
            for side in ("top", "right"):
                ax.spines[side].set_visible(False)
        figure.suptitle(title(found, one, language))
    return figure


def halls(found: Any, language: Language) -> Figure | None:
    """Mean wait of the halls whose hours change, usual and proposed, with intervals."""
    import matplotlib.pyplot as plt

    say = translator("intraday", language)
    names = {"usual": say("usual rota"), "proposed": say("proposed")}
    colours = {"usual": COLOURS["home"], "proposed": COLOURS["plan"]}
    shown = [one for one in found.halls if one.changed]
    if not shown:
        return None
    shown.sort(key=lambda one: -found.estimates([one])["mean_wait_min"]["usual"][0])
    name = {h.hall: hall_name(h, language) for h in found.scenario.halls}
    with fonts.context():
        figure, ax = plt.subplots(figsize=(8, 1.6 + 0.3 * len(shown)), layout="constrained")
        for step, (side, label) in enumerate(names.items()):
            points = np.array([found.estimates([one])["mean_wait_min"][side] for one in shown])
            at = np.arange(len(shown)) + (step - 0.5) * 0.3
            spread = np.abs(points[:, [1, 2]] - points[:, [0]]).T
            ax.errorbar(
                points[:, 0], at, xerr=spread, fmt="o", ms=4, color=colours[side], label=label
            )
        ax.set_yticks(
            range(len(shown)), [" ".join(p for p in (name[o.hall], o.label) if p) for o in shown]
        )
        ax.invert_yaxis()
        ax.set_xlim(left=0)
        ax.grid(axis="x", alpha=0.3)
        ax.legend(frameon=False)
        ax.set_xlabel(say("Mean wait, minutes"))
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        heading = [district_name(found.scenario, language), month_text(found.month, language)]
        figure.suptitle("  ".join([*heading, kind_text(found, language)]))
    return figure
