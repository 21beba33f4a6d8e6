"""What is wrong with an input: records with place, value, rule and the nearest right name.

Problems are collected, never thrown one by one; `ScenarioProblems` carries all of them.
Messages are English ids here and Chinese in `locale/zh/LC_MESSAGES/problems.po`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

from hallsim.text import Language, translator

Loc = tuple[str | int, ...]
"""Where a value sits in the data: `("halls", 2, "weight")`, rows counted from 0."""

SHOWN = 20


class ExitCode(IntEnum):
    """What the command line returns to its caller."""

    DONE = 0
    """Done; warnings are allowed."""
    BUG = 1
    """An error that should not happen."""
    USAGE = 2
    """The command line was not understood."""
    SCENARIO = 3
    """The scenario or its workbook is not valid."""
    DATA = 4
    """Data cannot be used: a log, or with `--strict` a calendar that is only provisional."""
    INFEASIBLE = 5
    """No staffing keeps all the rules."""
    TARGET_MISSED = 6
    """The plan was written, but the simulation does not confirm its target."""
    WARNINGS = 7
    """There were warnings, and `--strict` was given."""
    INTERRUPTED = 130
    """Stopped by the user."""


RULES: dict[str, str] = {
    # files
    "file_missing": "file not found",
    "folder_missing": "this folder does not exist",
    "file_unreadable": "the file cannot be read: {reason}",
    "file_empty": "the file is empty",
    "encoding": "the file is not UTF-8 (it looks like {encoding}); save it as UTF-8",
    "encoding_unknown": "the file is not UTF-8 text; save it as UTF-8",
    "scenario_part": (
        "this is no scenario; a scenario is a folder with a scenario.yaml, and the tables as "
        "CSV files or in a workbook that scenario.yaml names: 'tables: {name}'"
    ),
    "workbook_kind": "tables are read from .xlsx workbooks only; save it as .xlsx",
    # YAML
    "tab": "a tab in the indent; use spaces",
    "full_width_colon": "full-width colon; write ': ' or put the text in quotes",
    "yaml_syntax": "not valid YAML: {reason}",
    "duplicate_key": "this key was given before, at {other}",
    "format": "written for a newer hallsim (format {format}); this one reads format 1",
    # tables
    "table_missing": "this table is missing",
    "tables_missing": (
        "there are no tables: the folder needs {files}, or a line that names a workbook, "
        "such as 'tables: {name}'"
    ),
    "table_empty": "the table has no rows",
    "table_twice": "this table is given twice, also in {other}",
    "table_unknown": "no table of this name",
    "header_unknown": "unknown column",
    "header_duplicate": "this column was given before",
    "header_missing": "this column is missing",
    "header_blank": "cells below a column without a name",
    "row_length": "the row has {cells} cells, the header has {columns}",
    "csv_syntax": "not valid CSV: {reason}",
    "merged_cells": "merged cells; unmerge them and fill every cell",
    "formula_value": "a formula without a saved value; open the workbook, save it, try again",
    "cell_error": "the cell holds an error",
    # values
    "missing": "a value is needed here",
    "unknown_key": "unknown key",
    "whole_number": "should be a whole number",
    "number": "should be a number",
    "at_least": "should be {limit} or more",
    "above": "should be more than {limit}",
    "at_most": "should be {limit} or less",
    "below": "should be less than {limit}",
    "one_of": "should be one of: {options}",
    "true_false": "should be true or false",
    "id": "an id has no spaces and none of | * @ / [ ] = ,",
    "too_long": "should have at most {limit} characters",
    "text": "should be text",
    "group": "should be a group of 'key: value' lines",
    "list": "should be a list",
    "date": "should be a date: YYYY-MM-DD",
    "day": "should be a day: YYYY-MM-DD, or MM-DD for every year",
    "day_forms": "first and last should both have a year, or both have none",
    "day_order": "the last day is before the first",
    "clock_time": "should be a time of day such as 9:00",
    "session": "should be opening times such as 9:00-12:00 or 14:00-18:00@50%",
    "session_order": "it ends before it begins",
    "session_overlap": "begins before the one before it has ended",
    "target_pair": "within_minutes and share go together",
    "target_empty": "a target needs mean_wait_minutes, or within_minutes and share",
    "invalid": "not valid: {reason}",
    # visitors and duties of a replay
    "seconds": "should be whole seconds after midnight, or HH:MM[:SS]",
    "one_hall": "a duty is in one hall",
    "hall_list": "should be a hall, or different halls joined by | without blanks",
    "travel_count": "{travels} travel times for {halls} halls",
    "choice_unknown": "no duty is in hall {hall}, so nobody can choose it",
    "stage_alone": "stage {before} of this visitor is not in the rows above",
    "one_item": "a visitor has one item",
    "item_list": "should be *, or items joined by | without blanks",
    "items_many": (
        "more than {limit} items are named one by one in this hall and those chosen instead of it"
    ),
    "duty_order": "a duty ends after it begins",
    "duty_overlap": "overlaps the duty of this window at {other}",
    "days_missing": "the duties have days, the visitors have none",
    # between values
    "duplicate": "given before, at {other}",
    "unknown_hall": "no such hall",
    "unknown_street": "no street hall of this name",
    "unknown_hours": "no such entry of 'hours'",
    "unknown_item": "no such item",
    "unknown_profile": "no {kind} profile of this name",
    "sample_needed": "the law empirical needs a minutes profile here",
    "stages_too_many": "more than {limit} counters in a visit, or a circle of them",
    "self_service_chain": (
        "what is done at machines should be another item, one that names none for itself"
    ),
    "machine_shared": (
        "a window with a clerk serves it in the same hall, at {other}; machines have queues of their "
        "own: make it an item of its own, or leave it to one of them"
    ),
    "machine_visit": (
        "a visit cannot go on from machines to windows with clerks, or the other way: {halls}"
    ),
    "street_needed": "a community hall names its street hall",
    "street_not_allowed": "only community halls have a street",
    "share_sum": "the shares of the classes should sum to 1",
    "profile_key": "not a key of a profile of kind {kind}, such as {keys}",
    "profile_overlap": "overlaps {other_key}",
    "profile_gaps": "without a weight: {missing}",
    "profile_zero": "all weights are 0",
    "weight_zero": "the halls share this demand by weight, and all their weights are 0",
    "lunch_outside": "lunch lies in no opening session",
    "last_ticket": "no ticket could ever be taken",
    "minimum_count": "more than the clerks on staff ({count})",
    "nobody_left": "leave, absence and other duties leave nobody at the windows",
    "no_windows": "there is demand here but no window",
    "no_clerks": "there is demand here but no clerk",
    "not_served": "demanded here, but no window serves it: {halls}",
    "target_tier": "no hall of this tier",
    "items_too_many": "more than {limit} items; join some of them",
    # limits, leave, roster, travel
    "unknown_group": "no clerks of this group",
    "limit_group": "windows have no group; leave it empty",
    "limit_hours": "only {limit} may have hours",
    "hours_form": "should be hours such as 12:00-14:00",
    "hours_closed": "outside the opening hours of {halls}",
    "limit_clerks": "takes {needed} clerks, and the district has {count}{group}",
    "limit_windows": "more than the windows there are: {halls}",
    "limits_clash": "contradicts {other}: {least} at least and {most} at most ({halls})",
    "limit_minimum": "less than the minimum of the clerks table ({minimum}, {other}): {halls}",
    "limit_minima": "less than these halls' minimum of the clerks table together ({minimum}, from {other})",
    "leave_over": "on {day}, {leave} clerks are on leave, and there are {count}",
    "leave_in_roster": (
        "there is a roster ({other}), and leave stands in its column 'leave'; this table should be empty"
    ),
    "leave_text": "should be days of leave such as 2018-09-03~2018-09-07|2018-09-20",
    "clerk_two_halls": "this clerk is also in hall {hall}, at {other}",
    "no_such_post": "the clerks table has no clerks of this group in hall {hall}",
    "roster_count": "the roster has {count} clerks of this hall and group",
    "travel_same": "from a hall to itself",
    "transfer_within": "should be no more than a transfer between streets costs ({limit})",
    "transfer_district": "should be at least half of what a transfer between streets costs ({limit})",
    # overrides, sources, command line
    "unknown_path": "no such value",
    "unknown_row": "no row is meant by this",
    "unknown_column": "no such column",
    "path_syntax": "a path looks like staffing.leave_rate or windows[hall=a].count",
    "set_syntax": "should be path=value",
    "not_a_number": "only a number can be changed by {change}",
    "override_clash": "set by {first} and by {second}; which one is meant?",
    "unknown_override": "no such override",
    "unknown_scenario": "no such scenario",
    "mark": (
        "should be a mark such as seed (来源载明), assumed (假设) or calibrated (校准), "
        "or 'column: mark'"
    ),
    "month": "should be a month: YYYY-MM",
    "month_range": "outside the calendar (2004-01 to 2099-12)",
    "windows_most": "there are only {count} windows today",
    "windows_fewest": "every item is to be served where it is asked for; that takes {count} windows",
    "windows_order": "more windows than at the beginning ({count}); --from comes down to --to",
    # claims
    "claims_missing": "no folder below has a claims.yaml",
    "unknown_measure": "no such measure",
    "claimed_number": "should be a number, or [lowest, highest]",
    "claimed_order": "the range begins above its end",
    "claimed_nothing": "a claim states at least one of: before, after, change",
    "claim_scenario": "claimed.{part} needs a scenario here",
    "claim_months": 'this measure is simulated, so it needs months: ["2018-03", …]',
    "claim_why": "a claim whose role is {role} says why",
    "calibrated_after": (
        "calibration uses figures before the reform only; give this one a claim of its own"
    ),
    "halls_and_item": "halls and item cannot be given together",
    "measure_halls": "known for the district, a tier, a street or one hall, not for other choices",
    "measure_item": "not known for a single item",
    # attribution of reforms
    "compared_with_itself": "a scenario is compared with another one",
    "no_reforms": "has the same overrides as {other}",
    "too_many_reforms": (
        "{count} reforms, and {limit} at most can be told apart; join some with "
        "--group NAME=A+B. They are: {names}"
    ),
    "group_form": "should be NAME=A+B",
    "group_twice": "is named twice",
    "unknown_reform": "no reform between the two scenarios",
    "needs_others": (
        "these reforms are no valid scenario without the others; join those that need each other "
        "with --group NAME=A+B"
    ),
    "months_missing": (
        "which month? Say --month YYYY-MM; no claim of the folder about these scenarios has months"
    ),
    # futures
    "future_form": "should be NAME or NAME=WEIGHT",
    "futures_few": "say two futures at least, as in --against quiet --against busy=0.2",
    "futures_rest": "the weights given sum to {sum}; nothing of 1 is left for {names}",
    "future_unlike": (
        "not as in {first}: {paths}. One plan is for all futures, so they may differ in demand, "
        "handling times, attendance and speed, not in this"
    ),
    # notices
    "placeholder_unknown": "no placeholder of this name (docs/people.md has them all)",
    "placeholder_sign": "a '$' that begins no placeholder; write $$ for the sign itself",
    "placeholder_missing": "a notice needs {names}",
    # the state of today
    "moment": "should be a moment: YYYY-MM-DD HH:MM",
    "all_closed": "no hall opens on this day",
    "after_closing": "all halls have closed by {time}",
    "closed_today": "this hall is closed on {day}",
    "closed_by_now": "this hall has closed by {time}",
    "state_empty": "no hall has a figure",
    # the plan before
    "previous_form": "this is not the summary.json of a recommendation",
    "previous_month": "the plan before must be that of {month}",
    "previous_more": "the plan before lends more clerks of group {group} than the hall has ({count})",
    "differs": "should be the same as at {other}",
    "not_served_here": "no window of this hall serves it",
    "in_service_clerks": "fewer clerks than people in service ({count})",
    "arrived_fewer": "fewer than wait and are in service ({count})",
    "before_doors": "the doors opened at {time}",
    "log_after_now": "later than --now ({now})",
    "log_order": "earlier than '{other}' of the same row",
    "log_windows": "{count} are in service, and this hall has {windows} windows",
    "log_differs": "the log has {count}",
    # said, not refused
    "borrowed": "more clerks than this hall has ({count}); taken as lent to it today",
    "more_clerks": "more clerks than windows, in {count} of {total} halls: {halls}",
    "self_service_unused": "no hall has a machine for this item, so nobody uses one",
    "moves_unknown": "without a roster nobody knows how often a clerk was lent, so this has no effect",
    "roster_aside": (
        "this changes the head count, so the roster is left aside: its leave does not count, and moves "
        "have no names"
    ),
    "rounded": "rounded to whole numbers: {count} values",
    "demand_twice": "demand for this item and these halls is also at {other}; the rows add up",
    "skill_missing": "demanded here, but no clerk of the hall can do it: {halls}",
    "column_aside": "this column has no effect",
    "sorted": "arrivals out of order, {count} times; sorted by arrival",
    "no_duty": (
        "hall {hall} has no duty, so everyone is turned away; visitors of such halls: {count}"
    ),
    "no_duty_day": (
        "hall {hall} has no duty on day {day}, so everyone is turned away; "
        "days of a hall like this: {days}, visitors: {count}"
    ),
}
"""Every rule and its message."""

NOTES = frozenset(
    {"more_clerks", "self_service_unused", "rounded", "demand_twice", "skill_missing"}
    | {"moves_unknown", "roster_aside"}
    | {"column_aside", "sorted", "no_duty", "no_duty_day", "borrowed"}
)
"""Rules that are worth saying and forbid nothing."""

ONE = "1 problem"
HEADING = "{count} problems"
AND_MORE = "and {count} more"
VALUE = " (now '{value}')"
SUGGESTION = "; did you mean '{name}'?"
MESSAGES = (*RULES.values(), ONE, HEADING, AND_MORE, VALUE, SUGGESTION)
"""All that needs a translation."""


@dataclass(frozen=True, order=True)
class Place:
    """A spot in a file: `file:line:column`, or `file sheet!cell`; 0 is not known."""

    file: str = ""
    line: int = 0
    column: int = 0
    sheet: str = ""

    def __str__(self) -> str:
        """As people and terminals read it."""
        if self.sheet:
            cell = (_letters(self.column) + str(self.line)) if self.line else ""
            return f"{self.file} {self.sheet}" + (f"!{cell}" if cell else "")
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


def _letters(column: int) -> str:
    name = ""
    while column:
        column, digit = divmod(column - 1, 26)
        name = chr(65 + digit) + name
    return name


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or that is worth knowing (a note)."""

    rule: str
    place: Place = Place()
    path: str = ""
    value: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)
    suggestion: str | None = None

    @property
    def severity(self) -> Literal["error", "note"]:
        """Errors forbid a run, notes do not."""
        return "note" if self.rule in NOTES else "error"

    def message(self, language: Language = "en") -> str:
        """What is wrong, without the place."""
        say = translator("problems", language)
        text = say(RULES[self.rule]).format(**self.params)
        if self.value is not None and not isinstance(self.value, dict | list | tuple):
            text += say(VALUE).format(value=_short(self.value))
        if self.suggestion is not None:
            text += say(SUGGESTION).format(name=self.suggestion)
        return text

    def text(self, language: Language = "en") -> str:
        """`place: path: message`."""
        parts = (str(self.place), self.path, self.message(language))
        return ": ".join(part for part in parts if part)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {
            "place": str(self.place),
            "file": self.place.file,
            "sheet": self.place.sheet or None,
            "line": self.place.line or None,
            "column": self.place.column or None,
            "path": self.path,
            "value": None if self.value is None else _short(self.value),
            "rule": self.rule,
            "message": self.message("en"),
            "suggestion": self.suggestion,
            "severity": self.severity,
        }


def _short(value: Any, limit: int = 60) -> str:
    text = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


class ScenarioProblems(Exception):  # noqa: N818 - it carries problems, it is not one error
    """An input that cannot be used, with all that is wrong with it."""

    def __init__(
        self, problems: Sequence[Problem], source: str = "", count: int | None = None
    ) -> None:
        """The problems of a source, in the order they are to be told.

        Args:
            problems: all of them, or the first.
            source: what they are of.
            count: how many there are, if `problems` are not all.
        """
        self.problems = tuple(problems)
        self.source = source
        self.count = len(self.problems) if count is None else count
        super().__init__(self.text())

    def text(self, language: Language = "en") -> str:
        """A heading and the numbered problems, `SHOWN` at most."""
        say = translator("problems", language)
        heading = say(HEADING if self.count != 1 else ONE).format(count=self.count)
        lines = [f"{self.source}: {heading}" if self.source else heading]
        lines += [f"{n}. {p.text(language)}" for n, p in enumerate(self.problems[:SHOWN], 1)]
        if self.count > SHOWN:
            lines.append(say(AND_MORE).format(count=self.count - SHOWN))
        return "\n".join(lines)

    def as_dicts(self) -> list[dict[str, Any]]:
        """The problems as plain JSON values."""
        return [p.as_dict() for p in self.problems]


def nearest(name: Any, candidates: Iterable[str], likeness: float = 0.6) -> str | None:
    """The candidate that looks most like the name, if any does (0: not at all, 1: the same)."""
    folded = {c.lower(): c for c in reversed(list(candidates))}
    hit = difflib.get_close_matches(str(name).lower(), folded, n=1, cutoff=likeness)
    return folded[hit[0]] if hit else None
