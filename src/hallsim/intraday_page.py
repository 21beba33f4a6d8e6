"""What `hallsim intraday` prints and writes: table and sentences, JSON, CSV and figures."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hallsim.counting import OVERTIME
from hallsim.intraday import LATE, MEASURES, Estimate, HallDay, Intraday
from hallsim.intraday_figure import day, halls, kind_text, title
from hallsim.plotting import pictures
from hallsim.report_words import NONE, district_name, hall_name, month_text, number
from hallsim.scenario import format_clock
from hallsim.screen import aligned
from hallsim.shifts import LUNCH
from hallsim.text import Language, translator

# Screen -----------------------------------------------------------------------------------------


def screen(found: Intraday, language: Language, whole: bool) -> Group:
    """One hall by half hours, or (`whole`) a row for every hall; then the sentences."""
    if whole:
        return _district(found, language)
    parts: list[Any] = []
    for one in found.halls:
        parts += [Text(title(found, one, language)), Text(), _spells(found, one, language), Text()]
        parts += [*_lines(sentences(found, one, language), language), Text()]
    return Group(*parts[:-1])


def _lines(texts: Iterator[str], language: Language) -> list[Text]:
    return [Text(f"· {text}{'。' if language == 'zh' else '.'}") for text in texts]


def _table(columns: list[tuple[str, list[str]]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for k, (heading, _) in enumerate(columns):
        table.add_column(heading, justify="left" if k == 0 else "right")
    for row in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*row)
    return table


def _spells(found: Intraday, one: HallDay, language: Language) -> Table:
    say = translator("intraday", language)
    rows = spells(found, one)
    return _table(
        [
            (say("Time"), [f"{r['on']}-{r['off']}" for r in rows]),
            (say("Visitors"), [number(r["visitors"]) for r in rows]),
            (say("Windows:\nusual"), [str(r["usual"]) for r in rows]),
            (say("proposed"), [str(r["proposed"]) for r in rows]),
            (say("At\nlunch"), [str(r["lunch"]) for r in rows]),
            (say("Other\nduty"), [str(r["other"]) for r in rows]),
            (say("Wait, minutes:\nusual"), _cells([r["wait_usual"] for r in rows])),
            (say("proposed"), _cells([r["wait_proposed"] for r in rows])),
        ]
    )


def _district(found: Intraday, language: Language) -> Group:
    say = translator("intraday", language)
    names = {h.hall: hall_name(h, language) for h in found.scenario.halls}
    changed = [one for one in found.halls if one.changed]
    gains = {id(one): found.estimates([one]) for one in changed}
    changed.sort(key=lambda one: gains[id(one)]["cost_min"]["difference"][0])
    told = [*(gains[id(one)] for one in changed), found.estimates()]
    waits = [e["mean_wait_min"] for e in told]
    columns = [
        (
            say("Hall"),
            [
                *(" ".join(p for p in (names[o.hall], o.label) if p) for o in changed),
                say("all halls"),
            ],
        ),
        (
            say("Clerks"),
            [*(str(o.clerks) for o in changed), str(sum(o.clerks for o in found.halls))],
        ),
        (
            say("Windows,\nusual"),
            [*(str(o.windows) for o in changed), str(sum(o.windows for o in found.halls))],
        ),
        (say("Wait, minutes:\nusual"), _cells([w["usual"] for w in waits])),
        (say("proposed"), _cells([w["proposed"] for w in waits])),
        (say("difference"), _cells([w["difference"] for w in waits], sign=True)),
        (say("Left unserved\na day"), _cells([e["lost"]["difference"] for e in told], sign=True)),
    ]
    heading = [district_name(found.scenario, language), month_text(found.month, language)]
    notes = _lines(_totals(found, language), language)
    return Group(
        Text("  ".join([*heading, kind_text(found, language)])),
        Text(),
        _table(columns),
        Text(),
        *notes,
    )


def _cells(values: list[Estimate], sign: bool = False) -> list[str]:
    cells = []
    for mean, lo, hi in values:
        half = f"±{number((hi - lo) / 2)}" if math.isfinite(hi - lo) else ""
        cells.append((number(mean, 1, sign), half) if math.isfinite(mean) else (NONE, ""))
    return aligned(cells)


# Sentences ----------------------------------------------------------------------------------------


def sentences(found: Intraday, one: HallDay, language: Language) -> Iterator[str]:
    """What a planner should take home from one queue, a sentence each."""
    say = translator("intraday", language)
    yield say("{clerks} clerks present, {windows} windows open under the usual rota").format(
        clerks=one.clerks, windows=one.windows
    )
    if one.changed:
        told = found.estimates([one])
        yield say("mean wait {usual} -> {proposed} minutes, difference {difference}").format(
            **{side: _number(value) for side, value in told["mean_wait_min"].items()}
            | {"difference": _between(told["mean_wait_min"]["difference"])}
        )
        yield say("left unserved a day: {difference}").format(
            difference=_between(told["lost"]["difference"])
        )
        yield say(
            "minutes a day at windows, with finishing and overtime: {usual} -> {proposed}"
        ).format(**{side: number(value, 0) for side, value in worked(one).items()})
        yield from _who_eats(one, language)
    else:
        yield _why_not(one, language)
    for on, off, wanted, possible in one.unmet:
        yield say(
            "{on}-{off}: the limits want {wanted} windows, these clerks and hours allow {possible}"
        ).format(on=format_clock(on), off=format_clock(off), wanted=wanted, possible=possible)
    if one.changed:
        yield say(
            "waits are means of {n} months of fresh visitors, the same under both, with "
            "{confidence:.0%} intervals"
        ).format(n=found.replications, confidence=found.confidence)


def _who_eats(one: HallDay, language: Language) -> Iterator[str]:
    begin: dict[int, int] = {}
    for slip in one.slips:
        if slip.duty == LUNCH:
            begin[slip.on] = begin.get(slip.on, 0) + 1
    if begin:
        say = translator("intraday", language)
        comma = "、" if language == "zh" else ", "
        listed = comma.join(f"{format_clock(on)} ×{n}" for on, n in sorted(begin.items()))
        yield say("lunch begins: {listed}").format(listed=listed)


def _why_not(one: HallDay, language: Language) -> str:
    say = translator("intraday", language)
    if one.frame.fixed:
        return say(
            "every window that clerks and windows allow is open all day already: other hours cannot help, "
            "only more windows or clerks"
        )
    return say("no other hours are surely better than the usual rota")


def _totals(found: Intraday, language: Language) -> Iterator[str]:
    say = translator("intraday", language)
    changed = sum(one.changed for one in found.halls)
    fixed = sum(one.frame.fixed for one in found.halls if not one.changed)
    yield say(
        "{changed} of {all} queues have better hours; in {fixed} every window that clerks and windows allow "
        "is open all day already; in {rest} nothing is surely better than the usual rota"
    ).format(
        changed=changed, all=len(found.halls), fixed=fixed, rest=len(found.halls) - changed - fixed
    )
    yield say(
        "minutes a day at windows, with finishing and overtime: {usual} -> {proposed}"
    ).format(
        **{
            side: number(sum(worked(one)[side] for one in found.halls), 0)
            for side in ("usual", "proposed")
        }
    )
    yield say(
        "± is half of the {confidence:.0%} interval, on {n} months of fresh visitors, the same under both"
    ).format(n=found.replications, confidence=found.confidence)
    for text, names in (
        (say("not open on such a day: {halls}"), found.closed),
        (say("without clerks: {halls}"), found.unstaffed),
    ):
        if names:
            yield text.format(halls=("、" if language == "zh" else ", ").join(names))


def worked(one: HallDay) -> dict[str, float]:
    """Minutes a day at windows: on duty, finishing with a visitor afterwards, and overtime."""
    late = one.sums[:, :, [OVERTIME, LATE]].sum(axis=2).mean(axis=1)
    duty = [
        float(sum(off - on for _, _, on, off, _ in one.frame.duties)),
        float(one.profile @ one.frame.seconds),
    ]
    return {
        side: float(d / 60 + x)
        for side, d, x in zip(("usual", "proposed"), duty, late, strict=True)
    }


def _number(value: Estimate) -> str:
    return number(value[0])


def _between(value: Estimate) -> str:
    mean, lo, hi = (number(x, 1, sign=True) for x in value)
    return f"{mean} [{lo}, {hi}]"


# Figures as plain values --------------------------------------------------------------------------


def spells(found: Intraday, one: HallDay) -> list[dict[str, Any]]:
    """The day of one queue by spell; who is at lunch and at other duty under the proposal."""
    rows = []
    own = one.slips
    for p, (on, off, t) in enumerate(one.spells.tolist()):
        at = [s.duty for s in own if s.on <= on and off <= s.off]
        rows.append(
            {
                "on": format_clock(on), "off": format_clock(off), "visitors": float(one.visitors[p]),
                "usual": int(one.frame.usual[t]) if t >= 0 else 0,
                "proposed": int(one.profile[t]) if t >= 0 else 0,
                "lunch": at.count("lunch"), "other": at.count("other"),
                "wait_usual": found.interval(one.waits[0][:, p]),
                "wait_proposed": found.interval(one.waits[1][:, p]),
            }
        )  # fmt: skip
    return rows


def as_json(found: Intraday) -> dict[str, Any]:
    """All figures as plain values; keys in `docs/intraday.md`."""
    return {
        "scenario": found.scenario.name,
        "month": found.month,
        "weekday": found.weekday or None,
        "step": found.step,
        "seed": found.seed,
        "replications": found.replications,
        "confidence": found.confidence,
        "provisional": found.provisional,
        "total": _told(found.estimates()),
        "halls": [_hall(found, one) for one in found.halls],
        "closed": list(found.closed),
        "unstaffed": list(found.unstaffed),
    }


def _hall(found: Intraday, one: HallDay) -> dict[str, Any]:
    rows = [
        {
            key: _estimate(v) if isinstance(v, tuple) else _figure(v) if isinstance(v, float) else v
            for key, v in row.items()
        }
        for row in spells(found, one)
    ]
    return {
        "hall": one.hall, "queue": one.label, "clerks": one.clerks, "windows": one.windows,
        "days": one.days, "changed": one.changed, "fixed": one.frame.fixed,
        "worked_min": {side: _figure(value) for side, value in worked(one).items()},
        "measures": _told(found.estimates([one])),
        "spells": rows,
        "clerks_day": [
            {"clerk": s.clerk, "on": format_clock(s.on), "off": format_clock(s.off), "duty": s.duty,
             "window": s.window or None} for s in one.slips
        ],
        "unmet": [
            {"on": format_clock(on), "off": format_clock(off), "wanted": wanted, "possible": possible}
            for on, off, wanted, possible in one.unmet
        ],
        "notes": list(sentences(found, one, "en")),
    }  # fmt: skip


def _told(estimates: dict[str, dict[str, Estimate]]) -> dict[str, Any]:
    return {m: {side: _estimate(v) for side, v in estimates[m].items()} for m in MEASURES}


def _estimate(value: Estimate) -> dict[str, float | None]:
    return dict(zip(("mean", "lo", "hi"), map(_figure, value), strict=True))


def _figure(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


# Files --------------------------------------------------------------------------------------------


def files(found: Intraday, language: Language, whole: bool) -> dict[str, bytes | str]:
    """The files of `--out`, by name."""
    import matplotlib.pyplot as plt

    out: dict[str, bytes | str] = {
        "intraday-windows.csv": _csv(_windows(found, language)),
        "intraday-clerks.csv": _csv(_clerks(found, language)),
        "intraday.json": json.dumps(as_json(found), ensure_ascii=False, indent=2) + "\n",
    }
    if whole:
        drawn = {"intraday-halls": halls(found, language)}
    else:
        several = len(found.halls) > 1
        drawn = {
            f"intraday-{k + 1}" if several else "intraday": day(found, one, language)
            for k, one in enumerate(found.halls)
        }
    for name, figure in drawn.items():
        if figure is not None:
            out |= {f"{name}.{kind}": data for kind, data in pictures(figure).items()}
            plt.close(figure)
    return out


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\r\n", float_format="%.6g"))


def _windows(found: Intraday, language: Language) -> pd.DataFrame:
    names = {h.hall: hall_name(h, language) for h in found.scenario.halls}
    rows = []
    for one in found.halls:
        for row in spells(found, one):
            waits = {
                f"wait_{side}_min{end}": value
                for side in ("usual", "proposed")
                for end, value in zip(("", "_lo", "_hi"), row.pop(f"wait_{side}"), strict=True)
            }
            rows.append(
                {"hall": one.hall, "hall_name": names[one.hall], "queue": one.label} | row | waits
            )
    return pd.DataFrame(rows)


def _clerks(found: Intraday, language: Language) -> pd.DataFrame:
    """Duty slips; the duty also in the words of the language."""
    say = translator("intraday", language)
    words = {"window": say("window"), "lunch": say("lunch"), "other": say("other duty")}
    names = {h.hall: hall_name(h, language) for h in found.scenario.halls}
    return pd.DataFrame(
        [
            {
                "hall": one.hall, "hall_name": names[one.hall], "queue": one.label, "clerk": s.clerk,
                "on": format_clock(s.on), "off": format_clock(s.off), "duty": s.duty,
                "window": s.window or "", "duty_name": words[s.duty],
            }
            for one in found.halls
            for s in one.slips
        ]
    )  # fmt: skip
