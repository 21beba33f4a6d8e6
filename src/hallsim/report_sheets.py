"""The recommendation as a workbook: to filter, paste and print."""

from __future__ import annotations

import datetime as dt
import io
import math
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from hallsim.report_page import View, is_number, path_title
from hallsim.report_words import NOTHING, Interval, as_date, figures, mark_words, records
from hallsim.text import Language

if TYPE_CHECKING:
    from hallsim.recommend import Recommendation

Cell = str | int | float | dt.date | None
WIDEST = 60


def sheets(recommendation: Recommendation, language: Language) -> bytes:
    """The workbook."""
    import xlsxwriter

    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_date_format": "yyyy-mm-dd",
        },
    )
    view = View(recommendation, language)
    first = as_date(recommendation.days["day"].iloc[0])
    book.set_properties({"title": view.title, "created": dt.datetime(first.year, first.month, 1)})
    _Book(book, view).write()
    book.close()
    return out.getvalue()


class _Book:
    """The sheets, one method each."""

    def __init__(self, book: Any, view: View) -> None:
        self.book, self.view, self.r, self.say = book, view, view.r, view.say
        font = {
            "font_name": "Microsoft YaHei" if view.language == "zh" else "Calibri",
            "font_size": 10,
        }
        style = {"valign": "vcenter", **font}
        self.plain = book.add_format(style)
        self.title = book.add_format({**style, "bold": True, "font_size": 14})
        self.head = book.add_format(
            {**style, "bold": True, "bg_color": "#E4ECF2", "bottom": 1, "text_wrap": True}
        )
        self.formats = {
            code: book.add_format({**style, "num_format": code})
            for code in ("0", "0.0", "0.00", "#,##0", "0.0%", "yyyy-mm-dd", "General")
        }
        self.more = book.add_format({**font, "bg_color": "#DCEAF5"})
        self.less = book.add_format({**font, "bg_color": "#F6EAD5"})

    def write(self) -> None:
        """All sheets, in the order of the report."""
        v = self.view
        self._conclusion()
        self._moves()
        for table in v.why.tables():
            self._table(*table)
        self._staff()
        self._waits()
        self._days()
        self._unmet()
        self._marginal()
        self._assumptions()
        self._provenance()

    def _conclusion(self) -> None:
        _, v = self.say, self.view
        labels = [
            (_("Mean wait, minutes"), "mean_wait_min", "0.0"),
            (_("Median wait, minutes"), "median_wait_min", "0.0"),
            (_("Nine in ten wait at most, minutes"), "p90_wait_min", "0.0"),
            (_("Share {what}", what=v.within), "within_share", "0.0%"),
            (_("Visitors"), "visitors", "#,##0"),
            (_("Served"), "served", "#,##0"),
            (_("Gave up"), "abandoned", "#,##0"),
            (_("Turned away"), "turned_away", "#,##0"),
            *([(_("Turned round at the door"), "balked", "#,##0")] if v.balking else []),
            (_("Left unserved"), "lost", "#,##0"),
            (_("Windows busy"), "utilisation", "0.0%"),
            (_("Overtime, minutes"), "overtime_min", "#,##0"),
        ]
        sheet = self.book.add_worksheet(_("Conclusion"))
        sheet.write_string(
            0, 0, f"{v.title} {_('Staffing recommendation')} ({_('draft')})", self.title
        )
        lines = [
            *(line for title, found in v.why.contradiction() for line in (title, *found)),
            v.lead,
            v.gain,
            v.why.certificate,
            *v.flags(),
            *v.warnings(),
            *v.certainty(),
            v.assumed(),
            *self.r.notes,
        ]
        for at, line in enumerate(lines, 2):
            sheet.write_string(at, 0, line, self.plain)
        top = len(lines) + 3
        sides = (_("Home"), _("Plan"), _("Change"))
        heads = [_("Measure"), *(head for side in sides for head in self._three(side))]
        self._cells(sheet, top, heads, [], [])
        found = (v.district["home"], v.district["plan"], v.gaps.get("", {}))
        for at, (label, measure, code) in enumerate(labels, top + 1):
            row: list[Cell] = [label]
            row += [x for side in found for x in _triple(side.get(measure, NOTHING))]
            for column, value in enumerate(row):
                self._cell(sheet, at, column, value, code)
        for at, (label, text, more) in enumerate(v.costs(), top + len(labels) + 2):
            self._cell(sheet, at, 0, label)
            self._cell(sheet, at, 1, float(text.replace(",", "")), "#,##0")
            self._cell(sheet, at, 2, more)
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 9, 11)
        self._print(sheet, None)

    def _moves(self) -> None:
        _, v = self.say, self.view
        heads = [
            _("From"),
            _("To"),
            *([_("Group")] if v.grouped else []),
            _("Clerks"),
            _("First day"),
            _("Last day"),
            _("Working days"),
            _("Tier"),
            _("Extra travel a day, min"),
            _("Notice by"),
            _("Goes on"),
            _("From (id)"),
            _("To (id)"),
        ]
        tiers = v.tiers()
        rows = [
            [
                v.names[m["from"]],
                v.names[m["to"]],
                *([m.get("group", "")] if v.grouped else []),
                int(m["clerks"]),
                as_date(m["first"]),
                as_date(m["last"]),
                int(m["working_days"]),
                tiers[m["tier"]],
                float(m["travel_min"]),
                as_date(m["notice_by"]),
                _("yes") if m["running"] else _("no"),
                m["from"],
                m["to"],
            ]
            for m in records(self.r.moves)
        ]
        formats = [
            "General",
            "General",
            *(["General"] if v.grouped else []),
            "0",
            "yyyy-mm-dd",
            "yyyy-mm-dd",
            "0",
            "General",
            "0",
            "yyyy-mm-dd",
            "General",
            "General",
            "General",
        ]
        empty = _("No transfer is worth its cost this month. Everybody stays in the home hall.")
        self._table(_("Transfers"), heads, rows, formats, frozen=2, empty=empty)

    def _staff(self) -> None:
        _, v = self.say, self.view
        weeks = [v.week_short(w["period"]) for w in v.weeks]
        heads = [
            _("Hall"),
            _("Home"),
            _("Minimum"),
            _("Windows"),
            *weeks,
            *(_("Change, {week}", week=w) for w in weeks),
        ]
        limits = (
            self.r.staff.groupby(["hall", "period"])[["minimum", "windows"]]
            .sum()
            .groupby("hall")
            .max()
        )
        rows = [
            [
                row["name"],
                row["home"],
                int(limits.loc[row["hall"], "minimum"]),
                int(limits.loc[row["hall"], "windows"]),
                *(c["plan"] for c in row["cells"]),
                *(c["gap"] for c in row["cells"]),
            ]
            for row in v.staff_rows()
        ]
        sheet = self._table(
            _("Clerks by hall"), heads, rows, ["General"] + ["0"] * (len(heads) - 1), frozen=1
        )
        area = (1, 4 + len(weeks), max(len(rows), 1), 3 + 2 * len(weeks))
        for criteria, look in ((">", self.more), ("<", self.less)):
            sheet.conditional_format(
                *area, {"type": "cell", "criteria": criteria, "value": 0, "format": look}
            )

    def _waits(self) -> None:
        _, v = self.say, self.view
        heads = [
            _("Hall"),
            _("Tier of hall"),
            *self._three(_("Home")),
            *self._three(_("Plan")),
            *self._three(_("Change")),
            _("Share {what}", what=v.within),
            _("Visitors"),
            _("Left unserved"),
            *([_("Turned round at the door")] if v.balking else []),
        ]
        tiers = {"district": _("district"), "street": _("street"), "community": _("community")}
        names = list(v.names)
        rows: list[list[Cell]] = []
        for hall in names:
            home, plan, gap = (
                v.halls["home"].get(hall, {}),
                v.halls["plan"].get(hall, {}),
                v.gaps.get(hall, {}),
            )
            waits = (f.get("mean_wait_min", NOTHING) for f in (home, plan, gap))
            shown = ["within_share", "visitors", "lost", *(["balked"] if v.balking else [])]
            more = (plan.get(m, NOTHING).mean for m in shown)
            rows.append(
                [
                    v.names[hall],
                    tiers[v.tier_of[hall]],
                    *(x for w in waits for x in _triple(w)),
                    *more,
                ]
            )
        formats = ["General", "General", *["0.0"] * 9, "0.0%", *["#,##0"] * 3]
        title = _("Waits")
        sheet = self._table(title, heads, rows, formats, frozen=1)
        self._chart(
            sheet,
            title,
            len(rows),
            len(heads) + 1,
            [(v.halls[k], c) for k, c in (("home", 2), ("plan", 5))],
            names,
        )

    def _chart(
        self,
        sheet: Any,
        title: str,
        rows: int,
        at: int,
        sides: Sequence[tuple[Any, int]],
        halls: list[str],
    ) -> None:
        chart = self.book.add_chart({"type": "bar"})
        for (found, column), name, colour in zip(
            sides, (self.say("Home"), self.say("Plan")), ("#A9B4BF", "#1D5F8A"), strict=True
        ):
            waits = [found.get(h, {}).get("mean_wait_min", NOTHING) for h in halls]
            chart.add_series(
                {
                    "name": name,
                    "categories": [title, 1, 0, rows, 0],
                    "values": [title, 1, column, rows, column],
                    "fill": {"color": colour},
                    "gap": 40,
                    "x_error_bars": {
                        "type": "custom",
                        "plus_values": [_finite(w.hi - w.mean) for w in waits],
                        "minus_values": [_finite(w.mean - w.lo) for w in waits],
                    },
                }
            )
        chart.set_title({"name": self.say("Mean wait, minutes"), "name_font": {"size": 12}})
        chart.set_y_axis({"reverse": True, "num_font": {"size": 9}})
        chart.set_x_axis(
            {"major_gridlines": {"visible": True, "line": {"color": "#DFE4EA"}}, "crossing": "min"}
        )
        chart.set_legend({"position": "top"})
        chart.set_size({"width": 760, "height": 120 + 24 * rows})
        sheet.insert_chart(1, at, chart)

    def _days(self) -> None:
        _, v = self.say, self.view
        sides = {
            k: figures(m.table("hall_day"), ("hall", "day"))
            for k, m in (("home", self.r.home), ("plan", self.r.plan))
        }
        days = [d["day"] for d in v.map_days() if d["open"]]
        named = {"home": _("Home"), "plan": _("Plan")}
        rows: list[list[Cell]] = [
            [
                v.names[h],
                named[k],
                *(sides[k].get((h, d), {}).get("mean_wait_min", NOTHING).mean for d in days),
            ]
            for h in v.names
            for k in ("plan", "home")
        ]
        heads: list[Cell] = [_("Hall"), _("Staffing"), *days]
        sheet = self._table(
            _("Map of the month"), heads, rows, ["General", "General", *["0"] * len(days)], frozen=2
        )
        sheet.conditional_format(
            1,
            2,
            max(len(rows), 1),
            max(len(heads) - 1, 2),
            {
                "type": "3_color_scale",
                "min_type": "num",
                "min_value": 0,
                "mid_type": "num",
                "mid_value": 20,
                "max_type": "num",
                "max_value": 60,
                "min_color": "#FFFFFF",
                "mid_color": "#FDD8A8",
                "max_color": "#D2512B",
            },
        )

    def _unmet(self) -> None:
        _, v = self.say, self.view
        kinds = {"mean_wait": _("mean wait, minutes"), "within": _("Share {what}", what=v.within)}
        why = v.whys()
        rows: list[list[Cell]] = [
            [
                v.names[m["hall"]],
                v.week_short(int(m["period"])),
                kinds[m["target"]],
                m["limit"],
                *(m[f"{side}{end}"] for side in ("plan", "best") for end in ("", "_lo", "_hi")),
                why[m["why"]],
                *(_count(m[f"missing{end}"]) for end in ("", "_lo", "_hi")),
                str(m["who"]).replace("=", " ") if v.grouped and m["who"] else "",
            ]
            for m in records(self.r.unmet)
        ]
        heads = [
            _("Hall"),
            _("Period"),
            _("Target"),
            _("Limit"),
            *self._three(_("Plan")),
            *self._three(_("All windows open")),
            _("Why"),
            *self._three(_("Clerks missing")),
            _("Of group"),
        ]
        self._table(
            _("Targets missed"),
            heads,
            rows,
            ["General"] * 3 + ["0.00"] * 7 + ["General", *["0"] * 3, "General"],
            frozen=1,
            empty=_("Every hall meets its targets."),
        )

    def _marginal(self) -> None:
        _, v = self.say, self.view
        heads = [
            _("Hall"),
            _("Minutes saved in the month"),
            _("{side}, from", side=_("Interval")),
            _("{side}, to", side=_("Interval")),
        ]
        rows = [
            [v.names[m["hall"]], m["saves_min"], m["lo"], m["hi"]]
            for m in sorted(records(self.r.marginal), key=lambda m: -m["saves_min"])
        ]
        self._table(_("One more clerk"), heads, rows, ["General"] + ["#,##0"] * 3, frozen=1)

    def _assumptions(self) -> None:
        _, v = self.say, self.view
        marks = mark_words(v.language)
        heads = [_("Value of"), _("Path"), _("Value"), _("Mark"), _("Reason")]
        rows = [
            [
                path_title(m["path"], v.language),
                m["path"],
                _value(m["value"]),
                marks[m["source"]],
                m["note"] or "",
            ]
            for m in self.r.assumptions
        ]
        self._table(_("All assumptions"), heads, rows, ["General"] * 5, frozen=0)

    def _provenance(self) -> None:
        meta = self.r.meta
        rows = [[name, text] for name, text in self.view.provenance()]
        rows += [[name, text] for name, text in self.view.why.proof()]
        rows += [[self.say("Not covered"), line] for line in self.view.why.not_covered()]
        rows += [[name, str(digest)] for name, digest in sorted(meta.get("inputs", {}).items())]
        self._table(
            self.say("Provenance"),
            [self.say("What"), self.say("Value")],
            rows,
            ["General", "General"],
            frozen=0,
        )

    def _three(self, side: str) -> list[str]:
        return [side, self.say("{side}, from", side=side), self.say("{side}, to", side=side)]

    def _table(
        self,
        name: str,
        heads: Sequence[Cell],
        rows: Sequence[Sequence[Cell]],
        formats: Sequence[str],
        frozen: int,
        empty: str = "",
    ) -> Any:
        """A sheet with a frozen, filtered head that is repeated on every printed page."""
        sheet = self.book.add_worksheet(name)
        self._cells(sheet, 0, heads, rows, formats)
        if not rows and empty:
            sheet.write_string(1, 0, empty, self.plain)
        for column in range(len(heads)):
            body = [_width(row[column], formats[column]) for row in rows]
            sheet.set_column(
                column, column, min(max([_head_width(heads[column]), *body]) + 2, WIDEST)
            )
        sheet.freeze_panes(1, frozen)
        sheet.autofilter(0, 0, max(len(rows), 1), len(heads) - 1)
        self._print(sheet, 0)
        return sheet

    def _cells(
        self,
        sheet: Any,
        top: int,
        heads: Sequence[Cell],
        rows: Iterable[Sequence[Cell]],
        formats: Sequence[str],
    ) -> None:
        for column, head in enumerate(heads):
            text = (
                head
                if isinstance(head, str)
                else f"{head:%m-%d}"
                if isinstance(head, dt.date)
                else str(head)
            )
            sheet.write_string(top, column, text, self.head)
        for at, row in enumerate(rows, top + 1):
            for column, value in enumerate(row):
                self._cell(sheet, at, column, value, formats[column])

    def _cell(self, sheet: Any, row: int, column: int, value: Cell, code: str = "General") -> None:
        if isinstance(value, str):
            sheet.write_string(row, column, value, self.plain)
        elif isinstance(value, dt.date):
            sheet.write_datetime(row, column, value, self.formats["yyyy-mm-dd"])
        elif value is not None and math.isfinite(value):
            sheet.write_number(row, column, value, self.formats[code])

    def _print(self, sheet: Any, head: int | None) -> None:
        sheet.set_paper(9)  # A4
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(0.5, 0.5, 0.6, 0.6)
        sheet.set_footer("&C&P / &N")
        if head is not None:
            sheet.repeat_rows(head)


def _triple(of: Interval) -> tuple[float, float, float]:
    return of.mean, of.lo, of.hi


def _count(value: Any) -> int | None:
    """A number of people; None where no number does."""
    return None if pd.isna(value) else int(value)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _value(value: Any) -> Cell:
    """None, which is what `null` or an empty cell means, stays an empty cell."""
    return float(value) if is_number(value) else None if value is None else str(value)


def _width(value: Cell, code: str) -> float:
    """How wide a cell is, in digits: a Chinese character counts two."""
    if isinstance(value, str):
        return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in value) * 1.05
    if isinstance(value, dt.date):
        return 10
    if value is None or not math.isfinite(value):
        return 0
    return len(f"{value:,.0f}") + (len(code) - code.find(".") if "." in code else 0)


def _head_width(head: Cell) -> float:
    """A head wraps to two lines, and has room for the filter button."""
    wide = _width(head, "General") if isinstance(head, str) else 5
    return wide / (2 if wide > 12 else 1) + 3
