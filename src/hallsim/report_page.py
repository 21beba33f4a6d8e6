"""The recommendation as one HTML file: no request leaves it, Chinese is drawn everywhere.

Everything that is shown is worked out here, as text and shares of a width; the template places it.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hallsim import fonts
from hallsim.report_why import Why
from hallsim.report_words import (
    NONE,
    NOTHING,
    Figures,
    Interval,
    as_date,
    between,
    day_text,
    district_name,
    figures,
    hall_name,
    listed,
    mark_words,
    month_text,
    number,
    records,
    span_text,
    speaker,
    weekday_text,
)
from hallsim.scenario import TABLES, Hall, Hours, Scenario, format_clock
from hallsim.text import Language

if TYPE_CHECKING:
    import jinja2

    from hallsim.recommend import Recommendation

HEAT_MINUTES = (5, 10, 15, 20, 30, 45, 60)
"""Upper edges of the colours of the map of the month, minutes."""

NOON_S = 12 * 3600, 13 * 3600
"""A break that touches this hour is one at noon."""

BIGGEST, MARGINALS, LISTED = 5, 15, 6
_ABOUT = ("format", "name", "title", "title_en", "language", "run")
_FONT = "HALLSIM_FONT"


def page(recommendation: Recommendation, language: Language) -> str:
    """The page of a recommendation."""
    return rendered("report.html", View(recommendation, language))


def rendered(template: str, view: Any) -> str:
    """A page as one file, with the characters that it uses as its font.

    The view has `say` and `language`, and what the template asks it for.
    """
    html = _environment().get_template(template).render(v=view, _=view.say, font=_FONT)
    return html.replace(_FONT, fonts.face(html, view.language))


@functools.cache
def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class View:
    """What the template shows, part by part."""

    def __init__(self, recommendation: Recommendation, language: Language) -> None:
        """Look up the figures once."""
        r = self.r = recommendation
        self.language, self.say = language, speaker(language)
        self.names = {h.hall: hall_name(h, language) for h in in_streets(r.scenario)}
        self.weeks: list[dict[str, Any]] = [
            {**p, "first": as_date(p["first"]), "last": as_date(p["last"])}
            for p in records(r.periods)
        ]
        self.kind = str(r.meta.get("period") or r.scenario.run.period)
        self.grouped = any(c.group != r.scenario.clerks[0].group for c in r.scenario.clerks)
        self.confidence = f"{100 * r.plan.confidence:g}%"
        self.district = {k: figures(m.table("district"))[""] for k, m in self._sides()}
        self.halls = {k: figures(m.table("hall"), ("hall",)) for k, m in self._sides()}
        self.daily = {k: figures(m.table("day"), ("day",)) for k, m in self._sides()}
        self.gaps = figures(r.difference, ("hall",))
        self.balking = r.scenario.balks
        self.why = Why(r, language)

    def gap(self, measure: str, hall: str = "") -> Interval:
        """Plan minus home, of a hall or of the district."""
        return self.gaps.get(hall, {}).get(measure, NOTHING)

    def _sides(self) -> tuple[tuple[str, Any], ...]:
        return ("home", self.r.home), ("plan", self.r.plan)

    # ---- first screen ----

    @property
    def title(self) -> str:
        """District and month."""
        gap = " " if self.language == "zh" else " · "
        return (
            district_name(self.r.scenario, self.language)
            + gap
            + month_text(self.r.month, self.language)
        )

    @property
    def orders(self) -> int:
        """Number of transfers."""
        return len(self.r.moves)

    @property
    def clerks(self) -> int:
        """Clerks in all transfers."""
        return int(self.r.moves["clerks"].sum()) if self.orders else 0

    @property
    def lead(self) -> str:
        """What to do, in one sentence."""
        _ = self.say
        if self.r.previous:
            return self.why.lead()
        if not self.orders:
            return _("Transfer nobody this month: no transfer is worth its cost.")
        if self.orders == 1:
            return _("Make one transfer: {clerks}.", clerks=self.people(self.clerks))
        return _(
            "Make {orders} transfers, {clerks} clerks in all.",
            orders=self.orders,
            clerks=self.clerks,
        )

    def phrase(self, move: Mapping[str, Any]) -> str:
        """`3 clerks, 3 Sep – 28 Sep`."""
        return self.say("{clerks}, {when}", clerks=self.people(move["clerks"]), when=move["when"])

    def people(self, clerks: int) -> str:
        """`1 clerk`, `3 clerks`."""
        return self.why.clerks(clerks)

    @property
    def gain(self) -> str:
        """What it brings, in one sentence; careful where the interval holds 0."""
        _ = self.say
        home, plan = (self.district[k].get("mean_wait_min", NOTHING) for k in ("home", "plan"))
        gap = self.gap("mean_wait_min")
        if not self.orders:
            return _("District mean wait stays at {home} minutes.", home=number(home.mean))
        words = {
            "home": number(home.mean),
            "plan": number(plan.mean),
            "change": number(abs(gap.mean)),
        }
        if gap.hi < 0:
            return _(
                "District mean wait falls from {home} to {plan} minutes, {change} less.", **words
            )
        if gap.lo > 0:
            return _(
                "District mean wait rises from {home} to {plan} minutes, {change} more.", **words
            )
        return _("District mean wait does not clearly change: {home} before, {plan} after (minutes).",
                 **words)  # fmt: skip

    @property
    def within(self) -> str:
        """Name of the share that is served in time."""
        from hallsim.measure import within_minutes

        if (minutes := within_minutes(self.r.scenario)) is not None:
            return self.say("served within {minutes} minutes", minutes=f"{minutes:g}")
        return self.say("served within the target time")

    def tiles(self) -> list[dict[str, str]]:
        """The four headline figures."""
        _ = self.say
        minutes, people = _("minutes"), _("people")
        rows = (
            (_("Mean wait"), "mean_wait_min", 1.0, 1, minutes, minutes, True),
            (_("Nine in ten wait at most"), "p90_wait_min", 1.0, 1, minutes, minutes, True),
            (
                _("Share {what}", what=self.within),
                "within_share",
                100.0,
                1,
                "%",
                _("points"),
                False,
            ),
            (_("Left unserved"), "lost", 1.0, 0, people, people, True),
        )
        tiles = [t for row in rows if (t := self._tile(*row))]
        return [
            {**t, "more": self._turned_round() if t["measure"] == "lost" else ""} for t in tiles
        ]

    def _turned_round(self) -> str:
        """How many of those who left unserved turned round at the door, where anybody does."""
        home, plan = (self.district[k].get("balked", NOTHING) for k in ("home", "plan"))
        if not (self.balking and home and plan):
            return ""
        return self.say(
            "of these turned round at the door: {home} → {plan}, {change} ({interval})",
            home=number(home.mean, 0), plan=number(plan.mean, 0),
            change=number(self.gap("balked").mean, 0, sign=True),
            interval=between(self.gap("balked"), self.language, 0, sign=True),
        )  # fmt: skip

    def _tile(self, label: str, measure: str, factor: float, digits: int, unit: str, gap_unit: str,
              less_is_better: bool) -> dict[str, str]:  # fmt: skip
        home, plan = (
            self.district[k].get(measure, NOTHING).scaled(factor) for k in ("home", "plan")
        )
        gap = self.gap(measure).scaled(factor)
        if not (home and plan):
            return {}
        better, worse = (gap.hi < 0, gap.lo > 0) if less_is_better else (gap.lo > 0, gap.hi < 0)
        return {
            "label": label, "measure": measure,
            "home": number(home.mean, digits), "plan": number(plan.mean, digits),
            "unit": unit, "gap": number(gap.mean, digits, sign=True), "gap_unit": gap_unit,
            "interval": between(gap, self.language, digits, sign=True) if gap else "",
            "tone": "better" if better else "worse" if worse else "same",
        }  # fmt: skip

    def biggest(self) -> list[dict[str, Any]]:
        """The new transfers that move the most working days."""
        moves = [m for m in self.move_rows if m["days"] and not m["running"]]
        moves.sort(key=lambda m: (-m["clerks"] * m["days"], m["start"], m["from"], m["to"]))
        return moves[:BIGGEST]

    def certainty(self) -> list[str]:
        """How sure it is, in plain sentences."""
        _, gap = self.say, self.gap("mean_wait_min")
        n = self.r.plan.replications
        told = [_("Checked on {n} simulated months that the plan had not seen.", n=n)]
        if self.orders and gap:
            words = {
                "confidence": self.confidence,
                "interval": between(gap, self.language, sign=True),
            }
            told.append(
                _(
                    "Change of the mean wait: {interval} minutes ({confidence} interval, "
                    "chance in the model only).",
                    **words,
                )
            )
            clear = gap.hi < 0 or gap.lo > 0
            told.append(_("The change is clearly not 0.") if clear else _("The change may be 0."))
        return told

    def flags(self) -> list[str]:
        """What must be seen before the figures are used."""
        if not self.r.provisional:
            return []
        _ = self.say
        return [_("The public holidays of {year} are not announced in our data: statutory holidays are "
                  "assumed. This plan is provisional.", year=self.r.month[:4])]  # fmt: skip

    def warnings(self) -> list[str]:
        """What goes with the conclusion."""
        _, told = self.say, []
        stuck, short, unclear = (
            sum(row["why_id"] == why for row in self.unmet_rows) for why in self.whys()
        )
        if stuck:
            told.append(
                _("Halls that miss a target whatever is moved, for lack of windows: {n}.", n=stuck)
            )
        if short:
            told.append(
                _("Halls that miss a target under the plan, for lack of clerks: {n}.", n=short)
            )
        if unclear:
            told.append(
                _("Halls of which the simulated months do not tell whether they miss a target, or why: {n}.",
                  n=unclear)
            )  # fmt: skip
        return told

    # ---- transfers and staffing ----

    @functools.cached_property
    def move_rows(self) -> list[dict[str, Any]]:
        """Every transfer, in words."""
        tiers = self.tiers()
        return [
            {
                "from": self.names[m["from"]],
                "to": self.names[m["to"]],
                "clerks": int(m["clerks"]),
                "group": m.get("group", ""),
                "start": as_date(m["first"]),
                "when": span_text(m["first"], m["last"], self.language),
                "days": int(m["working_days"]),
                "tier": tiers[m["tier"]],
                "tier_id": m["tier"],
                "travel": number(float(m["travel_min"]), 0),
                "notice": day_text(m["notice_by"], self.language),
                "running": bool(m["running"]),
                "reason": reason,
            }
            for m, reason in zip(records(self.r.moves), self.why.reasons, strict=True)
        ]

    def tiers(self) -> dict[str, str]:
        """Tiers of a transfer, in words."""
        _ = self.say
        return {
            "within_street": _("within a street"),
            "between_streets": _("between streets"),
            "with_district": _("with the district hall"),
        }

    @functools.cached_property
    def shown_weeks(self) -> list[dict[str, Any]]:
        """The periods where they are weeks, else the weeks of the calendar."""
        if self.kind == "week":
            return [{**w, "title": self.week_title(w)} for w in self.weeks]
        days: dict[tuple[int, int], list[dt.date]] = {}
        for day in map(as_date, self.r.days["day"]):
            days.setdefault(day.isocalendar()[:2], []).append(day)
        spans = [(d[0], d[-1]) for d in days.values()]
        return [{"first": a, "last": b, "title": span_text(a, b, self.language)} for a, b in spans]

    def moves_by_week(self) -> list[dict[str, Any]]:
        """New transfers under the week in which they begin, then those that go on."""
        new = [m for m in self.move_rows if not m["running"]]
        groups = [
            (week["title"], [m for m in new if week["first"] <= m["start"] <= week["last"]])
            for week in self.shown_weeks
        ]
        going_on = [m for m in self.move_rows if m["running"]]
        groups.append((self.say("Going on from {month}", month=self.why.before), going_on))
        return [
            {"title": title, "rows": rows, "clerks": sum(m["clerks"] for m in rows)}
            for title, rows in groups
            if rows
        ]

    def week_title(self, week: Mapping[str, Any]) -> str:
        """`第1周 9月3日至9月9日`; a period of another length goes without a number."""
        when = span_text(week["first"], week["last"], self.language)
        if self.kind != "week":
            return when
        return self.say("Week {n}, {when}", n=week["period"] + 1, when=when)

    def week_short(self, period: int) -> str:
        """`第1周`."""
        week = self.weeks[period]
        if self.kind != "week":
            return day_text(week["first"], self.language)
        return self.say("Week {n}", n=period + 1)

    def staff_rows(self) -> list[dict[str, Any]]:
        """Clerks of every hall, period by period, with the change against home."""
        cells: dict[str, dict[int, tuple[int, int]]] = {}
        for row in records(self.r.staff):
            of = cells.setdefault(row["hall"], {})
            home, plan = of.get(int(row["period"]), (0, 0))
            of[int(row["period"])] = (home + int(row["home"]), plan + int(row["plan"]))
        return [
            {
                **self._hall(h.hall),
                "home": max(home for home, _plan in cells[h.hall].values()),
                "cells": [_staffed(*cells[h.hall].get(w["period"], (0, 0))) for w in self.weeks],
                "changed": any(home != plan for home, plan in cells[h.hall].values()),
            }
            for h in in_streets(self.r.scenario) if h.hall in cells
        ]  # fmt: skip

    def staff_groups(self) -> list[list[dict[str, Any]]]:
        """The same rows, a list per street, the district's own halls first."""
        street = {
            h.hall: "" if h.tier == "district" else h.street or h.hall
            for h in self.r.scenario.halls
        }
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in self.staff_rows():
            groups.setdefault(street[row["hall"]], []).append(row)
        return list(groups.values())

    def _hall(self, hall: str) -> dict[str, Any]:
        return {"hall": hall, "name": self.names[hall], "tier": self.tier_of[hall]}

    @functools.cached_property
    def tier_of(self) -> dict[str, str]:
        """Tier of every hall."""
        return {h.hall: h.tier for h in self.r.scenario.halls}

    # ---- waits ----

    def hall_rows(self) -> list[dict[str, Any]]:
        """Wait of every hall before and after, worst first, with bars on one scale."""
        pairs = {h: self._pair(h) for h in self.names}
        top = _top(i.hi for pair in pairs.values() for i in pair if i)
        order = sorted(pairs, key=lambda h: -pairs[h][0].mean if pairs[h][0] else math.inf)
        return [self._hall_row(h, *pairs[h], top) for h in order]

    def _pair(self, hall: str) -> tuple[Interval, Interval]:
        home, plan = (
            self.halls[k].get(hall, {}).get("mean_wait_min", NOTHING) for k in ("home", "plan")
        )
        return home, plan

    def _hall_row(self, hall: str, home: Interval, plan: Interval, top: float) -> dict[str, Any]:
        gap = self.gap("mean_wait_min", hall)
        share = self.halls["plan"].get(hall, {}).get("within_share", NOTHING)
        return {
            **self._hall(hall),
            "home": number(home.mean), "plan": number(plan.mean), "gap": number(gap.mean, sign=True),
            "home_between": between(home, self.language), "plan_between": between(plan, self.language),
            "gap_between": between(gap, self.language, sign=True),
            "tone": "better" if gap.hi < 0 else "worse" if gap.lo > 0 else "same",
            "share": _percent(share.mean), "sort": [_sortable(x) for x in (home, plan, gap, share)],
            "home_bar": _bar(home, top), "plan_bar": _bar(plan, top),
        }  # fmt: skip

    def hall_scale(self) -> list[dict[str, Any]]:
        """Ticks of that scale."""
        top = _top(i.hi for h in self.names for i in self._pair(h) if i)
        return [{"at": _share(t, top), "label": f"{t:g}"} for t in _ticks(top)]

    def hours(self) -> dict[str, Any]:
        """Wait by the hour of the ticket, before and after."""
        of = {k: figures(m.table("hour"), ("hour",)) for k, m in self._sides()}
        seen = {int(h) for k in of.values() for h in k}
        hours = range(min(seen), max(seen) + 1) if seen else ()
        return self._columns(
            [(str(h), self.say("h"), {k: of[k].get(h, {}) for k in of}) for h in hours]
        )

    def noon(self) -> str:
        """A remark on the halls that close at noon; empty where none does."""
        scenario = self.r.scenario
        breaks = {h.hall: noon_break(scenario.hours[h.hours]) for h in scenario.halls}
        closed = [b for b in breaks.values() if b]
        if not closed:
            return ""
        when = sorted({f"{format_clock(a)}–{format_clock(b)}" for a, b in closed})
        return self.say(
            "{n} of {total} halls close at noon ({when}). The waits of those who stay through the break "
            "include it.",
            n=len(closed), total=len(breaks), when=listed(when, self.language),
        )  # fmt: skip

    def week_rows(self) -> list[dict[str, Any]]:
        """Week by week: mean wait before and after, and every open day."""
        days = sorted({d for k in self.daily.values() for d in k})
        wait = {d: {k: self.daily[k].get(d, {}) for k in self.daily} for d in days}
        shown = (f.get("mean_wait_min", NOTHING) for of in wait.values() for f in of.values())
        top = _top(i.hi for i in shown)
        weeks = [w for w in self.shown_weeks if any(w["first"] <= d <= w["last"] for d in days)]
        spans = [(w["first"], w["last"]) for w in weeks]
        home, plan, change = (
            [of["mean_wait_min"] for of in figures(table, ("span",)).values()]
            for table in (
                self.r.home.over(spans), self.r.plan.over(spans),
                self.r.plan.over(spans, minus=self.r.home),
            )
        )  # fmt: skip
        peak = max(range(len(weeks)), key=lambda k: home[k].mean, default=0)
        rows = []
        for k, week in enumerate(weeks):
            inside = [d for d in days if week["first"] <= d <= week["last"]]
            columns = [(str(d.day), weekday_text(d, self.language), wait[d]) for d in inside]
            rows.append({
                "title": week["title"], "peak": k == peak and len(weeks) > 1,
                "chart": self._columns(columns, top),
                "home": number(home[k].mean), "plan": number(plan[k].mean),
                "home_between": between(home[k], self.language),
                "plan_between": between(plan[k], self.language),
                "change": number(change[k].mean, sign=True),
                "change_between": between(change[k], self.language, sign=True),
            })  # fmt: skip
        return rows

    def _columns(
        self, rows: list[tuple[str, str, dict[str, Figures]]], top: float = 0
    ) -> dict[str, Any]:
        """Pairs of upright bars on one scale."""
        pairs = [
            (
                a,
                b,
                of["home"].get("mean_wait_min", NOTHING),
                of["plan"].get("mean_wait_min", NOTHING),
            )
            for a, b, of in rows
        ]
        top = top or _top(i.hi for _a, _b, home, plan in pairs for i in (home, plan))
        return {
            "ticks": [{"at": _share(t, top), "label": f"{t:g}"} for t in _ticks(top)],
            "columns": [
                {"label": a, "under": b, "home": _bar(home, top), "plan": _bar(plan, top),
                 "title": self._both(f"{a} {b}".strip(), home, plan)}
                for a, b, home, plan in pairs
            ],
        }  # fmt: skip

    def _both(self, what: str, home: Interval, plan: Interval) -> str:
        return self.say(
            "{what}: home {home} ({home_between}), plan {plan} ({plan_between}) minutes", what=what,
            home=number(home.mean), plan=number(plan.mean),
            home_between=between(home, self.language), plan_between=between(plan, self.language),
        )  # fmt: skip

    # ---- map of the month ----

    def map_days(self) -> list[dict[str, Any]]:
        """The columns of the map: every day of the month."""
        marks = {"holiday": self.say("off"), "makeup": self.say("on")}
        return [
            {
                "day": as_date(d["day"]), "number": as_date(d["day"]).day,
                "weekday": weekday_text(d["day"], self.language), "open": int(d["open_halls"]) > 0,
                "mark": marks.get(d["kind"], ""), "name": d["name"] or "",
                "monday": as_date(d["day"]).weekday() == 0,
            }
            for d in records(self.r.days)
        ]  # fmt: skip

    def map_rows(self) -> list[dict[str, Any]]:
        """The rows of the map: every hall, with a cell per day, empty where it is closed."""
        home, plan = (self._hall_days(m.table("hall_day")) for _k, m in self._sides())
        days = [d["day"] for d in self.map_days()]
        return [
            {
                **self._hall(hall),
                "cells": [
                    self._cell(name, d, home.get((hall, d)), plan.get((hall, d))) for d in days
                ],
            }
            for hall, name in self.names.items()
        ]

    def _hall_days(self, table: Any) -> dict[tuple[str, dt.date], float]:
        rows = table[table["measure"] == "mean_wait_min"]
        cells = zip(rows["hall"], rows["day"], rows["mean"], strict=True)
        return {(str(h), as_date(d)): float(w) for h, d, w in cells}

    def _cell(
        self, name: str, day: dt.date, home: float | None, plan: float | None
    ) -> dict[str, Any] | None:
        if home is None or plan is None or not (math.isfinite(home) and math.isfinite(plan)):
            return None
        return {
            "home": number(home, 0), "plan": number(plan, 0), "h": _level(home), "p": _level(plan),
            "title": f"{name} {day_text(day, self.language)}: {number(home)} → {number(plan)}",
        }  # fmt: skip

    def map_legend(self) -> list[str]:
        """What each colour means, in minutes."""
        edges = (0, *HEAT_MINUTES)
        return [f"{a}–{b}" for a, b in itertools.pairwise(edges)] + [f"{edges[-1]}+"]

    # ---- limits ----

    @functools.cached_property
    def unmet_rows(self) -> list[dict[str, Any]]:
        """A row per hall that misses a target: those that lack windows first, the longest waits first."""
        missed: dict[str, list[dict[str, Any]]] = {}
        for row in records(self.r.unmet):
            missed.setdefault(row["hall"], []).append(row)
        wait = {h: self.halls["plan"].get(h, {}).get("mean_wait_min", NOTHING).mean for h in missed}
        rows = [self._unmet(hall, rows) for hall, rows in missed.items()]
        order = [*self.whys()]
        return sorted(rows, key=lambda row: (order.index(row["why_id"]), -wait[row["hall"]]))

    def whys(self) -> dict[str, str]:
        """Why targets are missed, in words; the first that holds in any period is a hall's."""
        _ = self.say
        return {
            "windows": _("too few windows"), "clerks": _("too few clerks"), "unclear": _("unclear"),
        }  # fmt: skip

    def _unmet(self, hall: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        _ = self.say
        when = sorted({int(row["period"]) for row in rows})
        why = next(w for w in self.whys() if any(row["why"] == w for row in rows))
        every = len(when) == len(self.weeks) > 1
        return {
            **self._hall(hall), "why_id": why,
            "why": self.whys()[why], "missing": "" if why == "windows" else self.why.missing(rows),
            "weeks": _("all") if every else self._periods(when),
            "wait": self._missed([row for row in rows if row["target"] == "mean_wait"], max, number),
            "share": self._missed([row for row in rows if row["target"] == "within"], min, _percent),
        }  # fmt: skip

    def _periods(self, which: list[int]) -> str:
        """Their names, or how many they are."""
        if len(which) > LISTED:
            return self.say("{n} of {total}", n=len(which), total=len(self.weeks))
        return listed(map(self.week_short, which), self.language)

    def _missed(
        self, rows: list[dict[str, Any]], worst: Any, show: Callable[[float], str]
    ) -> dict[str, str] | None:
        """The worst period of one target, under the plan and with all windows open."""
        if not rows:
            return None
        row = worst(rows, key=lambda row: row["plan"])
        return {
            "limit": show(row["limit"]),
            **{key: show(row[key]) for key in ("plan", "best")},
            **{
                f"{key}_between": f"{show(row[f'{key}_lo'])}–{show(row[f'{key}_hi'])}"
                for key in ("plan", "best")
            },
        }

    def limits(self) -> dict[str, str]:
        """Limit of each target where all halls have the same one."""
        found = self.r.unmet.groupby("target")["limit"].unique()
        same = {str(t): float(x[0]) for t, x in found.items() if len(x) == 1}
        show = {
            "mean_wait": lambda x: f"≤\u00a0{x:g}",
            "within": lambda x: f"≥\u00a0{_percent(x, 0)}",
        }
        return {t: show[t](x) for t, x in same.items()}

    def marginal_rows(self) -> list[dict[str, Any]]:
        """What one more clerk would save, the most useful halls first, in hours."""
        rows = sorted(records(self.r.marginal), key=lambda r: -r["saves_min"])[:MARGINALS]
        saved = [
            (r["hall"], Interval(r["saves_min"], r["lo"], r["hi"]).scaled(1 / 60)) for r in rows
        ]
        top = _top(i.hi for _h, i in saved)
        return [
            {
                **self._hall(h),
                "saves": number(i.mean, 0),
                "between": between(i, self.language, 0),
                "bar": _bar(i, top),
            }
            for h, i in saved
        ]

    def costs(self) -> list[tuple[str, str, str]]:
        """What the plan costs."""
        _, cost = self.say, self.r.moves_cost
        per_tier = Counter(m["tier_id"] for m in self.move_rows)
        tiers = self.tiers()
        split = listed(
            (f"{name} {per_tier[t]}" for t, name in tiers.items() if per_tier[t]), self.language
        )
        return [
            (_("Transfers"), number(self.orders, 0), split),
            (_("Notices to write, one per clerk"), number(cost["orders"], 0), ""),
            (_("Working days away from home, all clerks"), number(cost["clerk_days"], 0), ""),
            (_("Extra travel, hours in the month"), number(cost["travel_hours"], 0), ""),
        ]

    # ---- assumptions and provenance ----

    def sources(self) -> list[tuple[str, str]]:
        """The marks and what they mean."""
        return [*mark_words(self.language).items()]

    def calibrated(self) -> list[str]:
        """What was calibrated, and by the reasons given to what; no line where nothing was."""
        values: Counter[str] = Counter()
        reasons: dict[str, None] = {}
        for row in self.r.assumptions:
            if row["source"] == "calibrated":
                values[re.sub(r"\[[^\]]*\]", "[*]", row["path"])] += 1
                reasons |= dict.fromkeys(_about_calibration(row["note"] or ""))
        _, told = self.say, [reason for reason in reasons if reason]
        if not values:
            return []
        what = listed(
            (
                _("{what} ({n} values)", what=path_title(p, self.language), n=n)
                for p, n in values.items()
            ),
            self.language,
        )
        more = [_("and others, below")] if len(told) > LISTED // 2 else []
        why = listed([*told[: LISTED // 2], *more], self.language)
        return [_("Calibrated: {what}. To what: {why}.", what=what, why=why or _("not said"))]

    def assumption_counts(self) -> list[dict[str, Any]]:
        """How many numbers of each part of the scenario carry each mark."""
        counts: dict[str, Counter[str]] = {}
        for row in self.r.assumptions:
            if _part(row["path"]) not in _ABOUT and is_number(row["value"]):
                counts.setdefault(_part(row["path"]), Counter())[row["source"]] += 1
        order = [*Scenario.model_fields, *counts]
        marks = [mark for mark, _name in self.sources()]
        return [
            {
                "part": part_title(part, self.language),
                "counts": [counts[part][m] or "" for m in marks],
            }
            for part in sorted(counts, key=order.index)
        ]

    def assumed(self) -> str:
        """How many numbers of the scenario carry each mark."""
        counts: Counter[str] = Counter()
        for row in self.r.assumptions:
            if _part(row["path"]) not in _ABOUT and is_number(row["value"]):
                counts[row["source"]] += 1
        gap = " " if self.language == "zh" else ": "
        parts = (f"{name}{gap}{counts[mark]}" for mark, name in self.sources() if counts[mark])
        marks = listed(parts, self.language)
        return self.say("The result stands on the numbers of the scenario ({marks}).", marks=marks)

    def reasons(self, tables: bool) -> list[dict[str, Any]]:
        """Why values are what they are: a row per reason, of the tables or of the rest; overrides first."""
        groups: dict[tuple[bool, str, str], list[dict[str, Any]]] = {}
        for row in self.r.assumptions:
            part, changed = _part(row["path"]), row["source"] == "override"
            if part in _ABOUT or (row["source"] == "default" and not changed):
                continue
            if (part in TABLES and not changed) == tables:
                groups.setdefault((not changed, part, row["note"] or ""), []).append(row)
        order = [*Scenario.model_fields, *(part for _changed, part, _note in groups)]

        def place(key: tuple[bool, str, str]) -> tuple[bool, int]:
            return key[0], order.index(key[1])

        return [
            self._reason(part, note, rows)
            for (_changed, part, note), rows in sorted(groups.items(), key=lambda g: place(g[0]))
            if note or not tables
        ]

    def _reason(self, part: str, note: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        told = [f"{path_title(r['path'], self.language, part)} {_shown(r['value'])}" for r in rows]
        names = mark_words(self.language)
        return {
            "part": part_title(part, self.language), "reason": note,
            "what": "; ".join(told) if len(told) <= LISTED else self.say("{n} values", n=len(told)),
            "marks": sorted({(r["source"], names[r["source"]]) for r in rows}),
        }  # fmt: skip

    def provenance(self) -> list[tuple[str, str]]:
        """How it was made."""
        _, meta = self.say, self.r.meta
        versions = ", ".join(f"{k} {v}" for k, v in sorted(meta.get("versions", {}).items()))
        inputs = ", ".join(f"{k} {str(v)[:8]}" for k, v in sorted(meta.get("inputs", {}).items()))
        solver = [str(self.r.solver[k]) for k in ("name", "status") if self.r.solver.get(k)]
        if (gap := self.r.solver.get("gap")) is not None:
            solver.append(_("gap {gap}", gap=_percent(gap)))
        rows = [
            ("hallsim", str(meta.get("hallsim", ""))), ("Python", str(meta.get("python", ""))),
            (_("Libraries"), versions), (_("Scenario"), f"{self.r.scenario.name} / {self.r.scenario_name}"),
            (_("Random seed"), str(meta.get("seed", ""))), (_("Inputs (SHA-256)"), inputs),
            (_("Solver"), ", ".join(solver)),
        ]  # fmt: skip
        return [row for row in rows if row[1]]


def _about_calibration(note: str) -> list[str]:
    """The clauses of a reason that speak of calibration; all of it where none does."""
    clauses = [clause.strip() for clause in re.split("[;；。]", note)]
    return [c for c in clauses if re.search("校准|calibrat", c, re.IGNORECASE)] or [
        note.strip("。. ")
    ]


def in_streets(scenario: Scenario) -> list[Hall]:
    """The halls as people list them: the district's own, then each street hall with its communities."""
    order = {h.hall: n for n, h in enumerate(scenario.halls)}
    return sorted(
        scenario.halls,
        key=lambda h: (h.tier != "district", order[h.street or h.hall], h.tier == "community"),
    )


def noon_break(hours: Hours) -> tuple[int, int] | None:
    """From when to when a hall is closed at noon on ordinary working days, in seconds; None if never."""
    spells = sorted((s.on, s.off) for s in hours.weekdays)
    for k, (_, off) in enumerate(spells[:-1]):
        on = spells[k + 1][0]
        if max(end for _, end in spells[: k + 1]) < on and off <= NOON_S[1] and on >= NOON_S[0]:
            return off, on
    return None


def part_title(part: str, language: Language) -> str:
    """Title of a part of the scenario."""
    found = Scenario.model_fields.get(part)
    return (found.title or part) if found and language == "zh" else part


def path_title(path: str, language: Language, part: str = "") -> str:
    """What the fields of a path are called, without its first `part`; what has no title as it is."""
    model: Any = Scenario
    titles = []
    for row, name in re.findall(r"\[([^\]]*)\]|([^.\[\]]+)", path):
        field = getattr(model, "model_fields", {}).get(name)
        if row != "*":
            titles.append((field.title if field and language == "zh" else "") or row or name)
        model = _inner(field.annotation) if field else model
    return " · ".join(titles[1:] if part and len(titles) > 1 else titles) or path


def _inner(annotation: Any) -> Any:
    """The model inside `tuple[Model, ...]`, `dict[str, Model]` or `Model | None`."""
    if hasattr(annotation, "model_fields"):
        return annotation
    inside = [_inner(a) for a in getattr(annotation, "__args__", ())]
    return next((a for a in inside if a is not None), None)


def _part(path: str) -> str:
    return re.split(r"[.\[/]", path)[0]


def is_number(value: Any) -> bool:
    """Whether a value is a number, or the text of one."""
    if isinstance(value, str):
        return re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    if is_number(value):
        value = float(value)
        return f"{value:,.6g}"
    if value is None or value == "":
        return NONE
    if isinstance(value, list | tuple):
        return " ".join(_shown(v) for v in value)
    return str(value)


def _staffed(home: int, plan: int) -> dict[str, Any]:
    change = plan - home
    return {"plan": plan, "gap": change, "change": number(change, 0, sign=True) if change else "",
            "tone": "in" if change > 0 else "out" if change < 0 else ""}  # fmt: skip


def _percent(share: float, digits: int | None = None) -> str:
    if not math.isfinite(share):
        return number(share)
    if digits is None:
        digits = 1 if share == 0 or share >= 0.001 else 2
    return f"{100 * share:.{digits}f}%"


def _sortable(of: Interval) -> str:
    return f"{of.mean:.6g}" if of else ""


def _level(minutes: float) -> int:
    return sum(minutes >= edge for edge in HEAT_MINUTES)


def _top(values: Iterable[float]) -> float:
    """The end of a scale that holds all these values."""
    return max((v for v in values if math.isfinite(v)), default=0.0) * 1.02 or 1.0


def _ticks(top: float) -> list[float]:
    """Three to six round numbers from 0 on."""
    step = 10 ** math.floor(math.log10(top))
    step = next(s for s in (step / 5, step / 2, step, step * 2) if top / s <= 6)
    return [i * step for i in range(int(top / step) + 1)]


def _share(value: float, top: float) -> str:
    return f"{100 * min(max(value, 0.0), top) / top:.2f}"


def _bar(of: Interval, top: float) -> dict[str, str] | None:
    """Where a bar ends and where its whisker lies, in percent of the scale."""
    if not of:
        return None
    lo, hi = (min(max(x, 0.0), top) for x in (of.lo, of.hi))
    return {"size": _share(of.mean, top), "lo": _share(lo, top), "spread": _share(hi - lo, top)}
