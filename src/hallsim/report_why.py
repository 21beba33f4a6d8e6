"""Why a recommendation can be trusted: what proves it, why each transfer, what goes on, what is missing.

For the page every part is text, for the workbook a sheet of values.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from hallsim.certificate import not_covered
from hallsim.limit_words import conflict_lines, relaxation_lines
from hallsim.reason_words import unfilled_text
from hallsim.report_words import (
    NONE,
    Interval,
    as_date,
    between,
    hall_name,
    listed,
    mark_words,
    month_text,
    number,
    records,
    span_text,
    speaker,
)
from hallsim.text import Language

if TYPE_CHECKING:
    from hallsim.recommend import Recommendation

PRICES = 5
"""Prices of each kind on the page; the workbook has all."""
SMALL = 0.5
"""Minutes a month below which nothing is said to be saved."""

Value = str | int | float | dt.date | None


class Table(NamedTuple):
    """A sheet of the workbook: its name, heads, rows, number formats by column, and columns kept in sight."""

    name: str
    heads: list[str]
    rows: list[list[Value]]
    formats: list[str]
    frozen: int


class Why:
    """The parts of the report that give the reasons."""

    def __init__(self, recommendation: Recommendation, language: Language) -> None:
        """Nothing is worked out yet."""
        self.r, self.language, self.say = recommendation, language, speaker(language)
        self.names = {h.hall: hall_name(h, language) for h in recommendation.scenario.halls}

    # ---- limits that contradict each other ----

    def contradiction(self) -> list[tuple[str, list[str]]]:
        """Limits that cannot be kept together, and the least that would have to give; mostly empty."""
        _, r = self.say, self.r
        args = r.scenario, r.places, self.language
        parts = (
            (
                _("These limits cannot be kept with the clerks and windows there are"),
                conflict_lines(r.conflict, *args),
            ),
            (
                _("The plan keeps all limits but these, by the least that is possible"),
                relaxation_lines(r.relaxed, *args) if len(r.relaxed) else [],
            ),
        )
        return [(title, lines) for title, lines in parts if lines]

    # ---- how near the best plan ----

    @property
    def certificate(self) -> str:
        """How near the best possible plan, in one sentence."""
        return self.r.certificate.text(self.language) + ("。" if self.language == "zh" else ".")

    def proof(self) -> list[tuple[str, str]]:
        """What stands behind that sentence."""
        _, c = self.say, self.r.certificate
        confidence = f"{100 * c.confidence:g}%"
        return [
            (_("Solver gap, by the plan's own waiting tables"), _share(c.solver_gap)),
            (
                _("Statistical gap, at {confidence}", confidence=confidence),
                "≤\u00a0" + _share(c.statistical_gap),
            ),
            (
                _("Compared with the best plans of"),
                _(
                    "{batches} batches of {months} fresh months each",
                    batches=c.batches, months=c.replications,
                ),
            ),
            *([(_("Limits"), _("as loosened above"))] if len(self.r.relaxed) else []),
        ]  # fmt: skip

    def not_covered(self) -> list[str]:
        """What the certificate says nothing about."""
        return list(not_covered(self.r.scenario, self.language))

    # ---- transfers ----

    @functools.cached_property
    def running(self) -> list[bool]:
        """Whether each transfer goes on from the plan before."""
        return [bool(x) for x in self.r.moves["running"]]

    def count(self, running: bool) -> tuple[int, int]:
        """Transfers and clerks, of those that go on or of the new ones."""
        moves = self.r.moves[[on == running for on in self.running]]
        return len(moves), int(moves["clerks"].sum())

    @property
    def before(self) -> str:
        """The month of the plan before, in words."""
        return month_text(self.r.previous, self.language) if self.r.previous else ""

    def lead(self) -> str:
        """What to do, where a plan ran before."""
        _ = self.say
        new, clerks = self.count(running=False)
        going, people = self.count(running=True)
        ends = int(self.r.ended["clerks"].sum())
        parts = [
            _("new transfers: {n} ({clerks})", n=new, clerks=self.clerks(clerks))
            if new
            else _("no new transfer"),
            _(
                "going on from {month}: {n} ({clerks})",
                n=going, clerks=self.clerks(people), month=self.before,
            )
            if going
            else "",
            _("returning home: {clerks}", clerks=self.clerks(ends)) if ends else "",
        ]  # fmt: skip
        text = ("；" if self.language == "zh" else "; ").join(part for part in parts if part)
        return text[:1].upper() + text[1:] + ("。" if self.language == "zh" else ".")

    def clerks(self, n: int) -> str:
        """`1 clerk`, `3 clerks`."""
        return self.say("1 clerk") if n == 1 else self.say("{n} clerks", n=n)

    @functools.cached_property
    def reasons(self) -> list[dict[str, Any]]:
        """Per transfer: waits of both halls without it and with it, what it saves and what it costs."""
        return [self._reason(row) for row in records(self.r.reasons)]

    def _reason(self, row: Mapping[str, Any]) -> dict[str, Any]:
        net = _interval(row, "net_min")
        return {
            **{
                end: {
                    "without": number(row[f"{end}_wait_without"]),
                    "with": number(row[f"{end}_wait_with"]),
                    "between": between(_interval(row, f"{end}_wait_with"), self.language),
                }
                for end in ("to", "from")
            },
            "net": _hours(net.mean),
            "between": between(net.scaled(1 / 60), self.language, _digits(net), sign=net.lo < 0),
            "cost": _hours(row["move_min"]),
            "sure": net.lo > 0 or net.hi < 0,
            "harms": net.hi < 0,
        }  # fmt: skip

    def unsure(self) -> int:
        """Transfers whose net gain may be nothing."""
        return sum(not reason["sure"] for reason in self.reasons)

    def forced(self) -> int:
        """Transfers that by themselves cost more than they save, where limits bind."""
        binds = len(self.r.relaxed) or self.r.shadow_prices["what"].isin(["move", "limit"]).any()
        return sum(reason["harms"] for reason in self.reasons) if binds else 0

    def lost_counts(self) -> str:
        """What a visitor who leaves unserved counts, and by whom that was said."""
        marks = {row["path"]: row["source"] for row in self.r.assumptions}
        mark = marks.get("objective.lost_minutes", "default")
        return self.say(
            "a visitor left unserved counts as {minutes} minutes ({mark})",
            minutes=f"{self.r.scenario.objective.lost_minutes:g}",
            mark=mark_words(self.language)[mark],
        )

    def ended(self) -> list[dict[str, Any]]:
        """Loans of the plan before that do not go on, and what keeping them would have done."""
        return [
            {
                "from": self.names[row["from"]], "to": self.names[row["to"]],
                "group": row["group"], "clerks": int(row["clerks"]),
                "travel": number(row["travel_min"], 0),
                "kept": _hours(row["keeping_saves_min"], sign=True),
                "between": between(
                    Interval(row["keeping_saves_min"], row["keeping_lo"], row["keeping_hi"]).scaled(
                        1 / 60
                    ),
                    self.language, 0, sign=True,
                ),
            }
            for row in records(self.r.ended)
        ]  # fmt: skip

    # ---- targets missed ----

    def missing(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """How many clerks a hall lacks where it lacks most, and of which group; empty: windows lack."""
        _ = self.say
        known = [row for row in rows if pd.notna(row["missing"]) and row["missing"]]
        if not known:
            low = [int(row["missing_lo"]) for row in rows if pd.notna(row["missing_lo"])]
            most = max(low, default=0)
            return _("at least {n} clerks, or windows", n=most) if most else ""
        row = max(known, key=lambda row: int(row["missing"]))
        least, n = int(row["missing_lo"]), int(row["missing"])
        told = f"{n}{self._who(row['who'])}"
        if pd.isna(row["missing_hi"]):
            return _("missing: {n}, from {least} up", n=told, least=least)
        if least == (upper := int(row["missing_hi"])):
            return _("missing: {n}", n=told)
        return _("missing: {n}, {least} to {most}", n=told, least=least, most=upper)

    def _who(self, who: str) -> str:
        """` (general 2, card 1)`, where there is more than one group."""
        groups = {clerks.group for clerks in self.r.scenario.clerks}
        if len(groups) < 2 or not who:
            return ""
        told = listed((part.replace("=", " ") for part in who.split("|")), self.language)
        return f"（{told}）" if self.language == "zh" else f" ({told})"

    # ---- prices ----

    def kinds(self) -> dict[str, str]:
        """What one more may be of."""
        _ = self.say
        return {
            "clerk": _("one clerk more"), "window": _("one window more"),
            "move": _("room for one transfer more"), "limit": _("a limit looser by one"),
        }  # fmt: skip

    def prices(self) -> list[dict[str, str]]:
        """The highest prices of each kind, of those made again."""
        rows = records(self.r.shadow_prices)
        alike = Counter(_alike(row) for row in rows)
        made = [row for row in rows if row["plus_one"] >= SMALL]
        return [
            {
                "kind": title, "where": self._where(row), "saves": _hours(row["plus_one"]),
                "loses": _hours(row["minus_one"]),
                "others": self.say("alike: {n} more halls", n=alike[_alike(row)] - 1)
                if row["what"] == "clerk" and alike[_alike(row)] > 1
                else "",
            }
            for kind, title in self.kinds().items()
            for row in [row for row in made if row["what"] == kind][:PRICES]
        ]  # fmt: skip

    def _where(self, row: Mapping[str, Any]) -> str:
        """The hall, with the group or queue where it has several, or the limit."""
        from hallsim.limit_words import limit_text

        if row["what"] in ("move", "limit"):
            return limit_text(row["name"], self.r.scenario, self.language)
        hall = self.names[row["hall"]]
        own = {c.group for c in self.r.scenario.clerks}
        if row["what"] == "clerk":
            return f"{hall} · {row['name']}" if len(own) > 1 else hall
        queues = self.r.shadow_prices
        several = len(queues[(queues["what"] == "window") & (queues["hall"] == row["hall"])]) > 1
        return f"{hall} · {row['name']}" if several else hall

    # ---- people ----

    def people(self) -> list[dict[str, Any]]:
        """Who goes where, by staff number."""
        return [] if self.r.named is None else [
            {
                **self._loan(row), "clerk": row["clerk"],
                "moved": f"{row['moved_before']} → {row['moved_after']}",
                "goes_on": row["continued"],
            }
            for row in records(self.r.named.people)
        ]  # fmt: skip

    def unfilled(self) -> list[dict[str, Any]]:
        """Places that nobody can fill, and why."""
        return [] if self.r.named is None else [
            {
                **self._loan(row), "clerks": int(row["clerks"]),
                "why": unfilled_text(row, self.language),
            }
            for row in records(self.r.named.unfilled)
        ]  # fmt: skip

    def training(self) -> list[dict[str, Any]]:
        """Who might learn elsewhere in a slack period."""
        return [] if self.r.training is None else [
            {
                **self._loan(row), "clerk": row["clerk"], "learns": str(row["learns"]),
                "cost": number(row["cost_min"], 0),
                "between": between(
                    Interval(row["cost_min"], row["cost_lo"], row["cost_hi"]), self.language, 0,
                    sign=row["cost_lo"] < 0,
                ),
            }
            for row in records(self.r.training)
        ]  # fmt: skip

    def _loan(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "from": self.names[row["from"]], "to": self.names[row["to"]], "group": row["group"],
            "when": span_text(row["first"], row["last"], self.language),
            "days": int(row["working_days"]),
        }  # fmt: skip

    # ---- the workbook ----

    def tables(self) -> list[Table]:
        """The sheets, those without rows left out."""
        made = (
            self._reason_table(), self._ended_table(), self._price_table(), self._limit_table(),
            self._people_table(), self._unfilled_table(), self._training_table(),
        )  # fmt: skip
        return [table for table in made if table.rows]

    def _reason_table(self) -> Table:
        _ = self.say
        halls = (
            (_("Wait there without it, minutes"), "to_wait_without"),
            (_("Wait there with it, minutes"), "to_wait_with"),
            (_("Wait at home without it, minutes"), "from_wait_without"),
            (_("Wait at home with it, minutes"), "from_wait_with"),
            (_("Minutes of waiting saved"), "saves_wait_min"),
            (_("Fewer left unserved"), "fewer_lost"),
            (_("Net minutes saved"), "net_min"),
        )
        heads = [_("From"), _("To"), _("Clerks"), _("First day")]
        heads += [head for title, _name in halls for head in self._three(title)]
        heads += [_("Its own cost, minutes"), _("Interval holds 0"), _("Goes on")]
        rows = [
            [
                self.names[row["from"]], self.names[row["to"]], int(row["clerks"]),
                as_date(move["first"]),
                *(row[f"{name}{end}"] for _title, name in halls for end in ("", "_lo", "_hi")),
                row["move_min"],
                _("no") if told["sure"] else _("yes"), _("yes") if move["running"] else _("no"),
            ]
            for row, move, told in zip(
                records(self.r.reasons), records(self.r.moves), self.reasons, strict=True
            )
        ]  # fmt: skip
        formats = ["General", "General", "0", "yyyy-mm-dd", *["0.0"] * 12, *["#,##0"] * 3]
        formats += [*["0.0"] * 3, *["#,##0"] * 4, "General", "General"]
        return Table(_("Reasons"), heads, rows, formats, 2)

    def _ended_table(self) -> Table:
        _ = self.say
        heads = [
            _("From"), _("To"), _("Group"), _("Clerks"), _("Extra travel a day, min"),
            *self._three(_("Minutes that keeping it would have saved in the first period")),
        ]  # fmt: skip
        rows = [
            [
                self.names[row["from"]], self.names[row["to"]], row["group"], int(row["clerks"]),
                row["travel_min"], row["keeping_saves_min"], row["keeping_lo"], row["keeping_hi"],
            ]
            for row in records(self.r.ended)
        ]  # fmt: skip
        formats = ["General"] * 3 + ["0"] * 2 + ["#,##0"] * 3
        return Table(_("Loans that end"), heads, rows, formats, 2)

    def _price_table(self) -> Table:
        _, kinds = self.say, self.kinds()
        heads = [
            _("What"), _("Where"), _("Group, queue or limit"),
            _("Minutes saved by one more, plan made again"),
            _("Minutes lost by one less, plan made again"), _("Price of the programme, minutes"),
        ]  # fmt: skip
        rows: list[list[Value]] = [
            [
                kinds[row["what"]], self.names.get(row["hall"], ""),
                self._where(row) if row["what"] in ("move", "limit") else row["name"],
                row["plus_one"], row["minus_one"], row["dual"],
            ]
            for row in records(self.r.shadow_prices)
        ]  # fmt: skip
        return Table(_("One more, one less"), heads, rows, ["General"] * 3 + ["#,##0"] * 3, 2)

    def _limit_table(self) -> Table:
        _ = self.say
        rows: list[list[Value]] = [
            [title, line] for title, lines in self.contradiction() for line in lines
        ]
        return Table(_("Conflicting limits"), [_("What"), _("Limits")], rows, ["General"] * 2, 0)

    def _people_table(self) -> Table:
        _ = self.say
        heads = [
            _("Staff number"), _("From"), _("To"), _("Group"), _("First day"), _("Last day"),
            _("Working days"), _("Times moved before"), _("Times moved after"), _("Goes on"),
        ]  # fmt: skip
        rows = [] if self.r.named is None else [
            [
                row["clerk"], self.names[row["from"]], self.names[row["to"]], row["group"],
                as_date(row["first"]), as_date(row["last"]), int(row["working_days"]),
                int(row["moved_before"]), int(row["moved_after"]),
                _("yes") if row["continued"] else _("no"),
            ]
            for row in records(self.r.named.people)
        ]  # fmt: skip
        formats = ["General"] * 4 + ["yyyy-mm-dd"] * 2 + ["0"] * 3 + ["General"]
        return Table(_("People"), heads, rows, formats, 1)

    def _unfilled_table(self) -> Table:
        _ = self.say
        heads = [
            _("From"),
            _("To"),
            _("Group"),
            _("Clerks"),
            _("First day"),
            _("Last day"),
            _("Why"),
        ]
        rows = [] if self.r.named is None else [
            [
                self.names[row["from"]], self.names[row["to"]], row["group"], int(row["clerks"]),
                as_date(row["first"]), as_date(row["last"]), unfilled_text(row, self.language),
            ]
            for row in records(self.r.named.unfilled)
        ]  # fmt: skip
        formats = ["General"] * 3 + ["0"] + ["yyyy-mm-dd"] * 2 + ["General"]
        return Table(_("Not filled"), heads, rows, formats, 2)

    def _training_table(self) -> Table:
        _ = self.say
        heads = [
            _("Staff number"), _("From"), _("To"), _("Group"), _("First day"), _("Last day"),
            _("Working days"), _("Items known"), _("Items to learn"),
            *self._three(_("Cost at home, minutes")),
        ]  # fmt: skip
        rows = [] if self.r.training is None else [
            [
                row["clerk"], self.names[row["from"]], self.names[row["to"]], row["group"],
                as_date(row["first"]), as_date(row["last"]), int(row["working_days"]),
                int(row["knows"]), int(row["learns"]), row["cost_min"], row["cost_lo"], row["cost_hi"],
            ]
            for row in records(self.r.training)
        ]  # fmt: skip
        formats = ["General"] * 4 + ["yyyy-mm-dd"] * 2 + ["0"] * 3 + ["#,##0"] * 3
        return Table(_("Training"), heads, rows, formats, 1)

    def _three(self, side: str) -> list[str]:
        return [side, self.say("{side}, from", side=side), self.say("{side}, to", side=side)]


def _interval(row: Mapping[str, Any], name: str) -> Interval:
    return Interval(*(float(row[f"{name}{end}"]) for end in ("", "_lo", "_hi")))


def _alike(row: Mapping[str, Any]) -> tuple[str, str, float]:
    """Clerks of the same price: where moves are cheap, those of many halls."""
    return row["what"], row["name"], round(float(row["dual"]), 3)


def _digits(of: Interval) -> int:
    return 0 if max(abs(of.lo), abs(of.hi)) >= 600 else 1


def _hours(minutes: float, sign: bool = False) -> str:
    """Minutes as hours: whole ones from ten on."""
    if not math.isfinite(minutes):
        return NONE
    return number(minutes / 60, 0 if abs(minutes) >= 600 else 1, sign=sign)


def _share(share: float) -> str:
    """Rounded up, so that it stays a bound."""
    if not math.isfinite(share):
        return "∞"
    return f"{math.ceil(share * 10000 - 1e-9) / 100:.2f}%"
