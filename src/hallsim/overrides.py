"""Named changes to a scenario: `path: value`, applied to the plain data before it is validated.

A path is dotted (`staffing.leave_rate`); rows of a table are chosen in brackets
(`windows[hall=@street].count`, `items[*].minutes`, `halls[longhua-district].weight`).  A value
replaces; `x1.2`, `+2`, `-1`, `+20%` and `-35%` change the number that is there.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, NamedTuple

from hallsim.files import parse_value, path_of
from hallsim.problems import Loc, Place, Problem, nearest
from hallsim.scenario import fold
from hallsim.shape import ROW_KEYS, complete, hall_ids, leaf_type, model_at, rows_of, words_at

SET = "--set"
"""The name that changes from the command line go by."""

PATH_RULES = frozenset({"unknown_path", "unknown_row", "unknown_column", "path_syntax"})
"""What may be wrong with a path."""

HALLS = ("hall", "halls", "origin", "destination")
"""The columns that name halls, by id, tier or street."""

_STEP = re.compile(r"([^.\[\]=]+)(?:\[([^\[\]]*)\])?")
_RELATIVE = re.compile(r"(?:([x×*])|([+-]))(\d+(?:\.\d+)?|\.\d+)(%?)", re.IGNORECASE)


class Change(NamedTuple):
    """One line of an override."""

    name: str
    path: str
    value: Any
    place: Place

    def title(self) -> str:
        """How a message calls it."""
        return f"{self.name} ({self.path})"

    @property
    def operation(self) -> str:
        """`factor`, `sum`, or `` for a value that replaces."""
        m = _RELATIVE.fullmatch(fold(self.value)) if isinstance(self.value, str) else None
        return "" if m is None else "factor" if m[1] or m[4] else "sum"

    def joins(self, other: Change) -> bool:
        """Whether both may change the same value, because their order does not matter.

        Two overrides may: factors multiply, amounts add up, and the same value is no contradiction.
        Within one override two lines for a value are one too many.
        """
        if self.name == other.name or self.operation != other.operation:
            return False
        return self.operation != "" or self.value == other.value


class Applied(NamedTuple):
    """What an override did to one value."""

    change: Change
    old: Any
    new: Any


class PathFault(Exception):  # noqa: N818 - becomes a `Problem` at once
    """A path that leads nowhere."""

    def __init__(self, rule: str, value: str, candidates: Iterable[str] = ()) -> None:
        """The rule that is broken, and by what."""
        super().__init__(rule)
        self.rule = rule
        self.value = value
        self.suggestion = nearest(value, [c for c in candidates if c != value])

    def problem(self, change: Change) -> Problem:
        """The fault of this change."""
        value = None if self.value == change.path else self.value
        return Problem(self.rule, change.place, change.path, value, suggestion=self.suggestion)


@dataclass
class Result:
    """The changed data, what was changed, and what could not be."""

    data: dict[str, Any]
    applied: dict[Loc, Applied] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


# --- from the file and the command line -------------------------------------------------------


def changes_of(name: str, entries: dict[str, Any], places: dict[Loc, Place]) -> list[Change]:
    """The changes of one named override of the YAML file."""
    spot = places.get(("overrides", name), Place())
    return [
        Change(name, path, value, places.get(("overrides", name, path), spot))
        for path, value in entries.items()
    ]


def parse_sets(sets: Sequence[str]) -> tuple[list[Change], list[Problem]]:
    """The changes that `path=value` strings ask for; the `=` inside brackets is the path's own."""
    changes, problems = [], []
    for text in sets:
        m = re.fullmatch(r"\s*((?:[^=\[]|\[[^\]]*\])+?)\s*=(.*)", text, re.DOTALL)
        if m:
            value = m[2].strip()
            relative = _RELATIVE.fullmatch(fold(value))
            kept = value if relative else parse_value(value)
            changes.append(Change(SET, m[1], kept, Place(SET)))
        else:
            problems.append(Problem("set_syntax", Place(SET), value=text))
    return changes, problems


# --- paths ------------------------------------------------------------------------------------


def parse_path(path: str) -> list[tuple[str, str | None]]:
    """The steps of a path, each with what stands in its brackets.

    Raises:
        PathFault: not a path.
    """
    steps: list[tuple[str, str | None]] = []
    rest = fold(path)
    while rest:
        m = _STEP.match(rest)
        if not m or rest[m.end() : m.end() + 1] not in ("", ".") or rest[m.end() :] == ".":
            raise PathFault("path_syntax", path)
        steps.append((m[1].strip(), m[2]))
        rest = rest[m.end() + 1 :]
    if not steps:
        raise PathFault("path_syntax", path)
    return steps


def resolve(path: str, data: dict[str, Any]) -> list[Loc]:
    """Every place that a path means in data with its defaults filled in.

    Raises:
        PathFault: no such value, row or column, or not a path.
    """
    locs: list[Loc] = [()]
    for name, selector in parse_path(path):
        check_name(name, locs[0], data)
        locs = [(*loc, name) for loc in locs]
        value = value_at(data, locs[0])
        if isinstance(value, list) and locs[0][0] in ROW_KEYS and len(locs[0]) == 1:
            if selector is None:
                raise PathFault("path_syntax", path)
            locs = [(name, n) for n in select_rows(name, selector, data)]
        elif selector is not None:
            raise PathFault("path_syntax", path)
    if isinstance(locs[0][-1], int):
        raise PathFault("path_syntax", path)
    return locs


def check_name(name: str, loc: Loc, data: dict[str, Any]) -> None:
    """One step of a path: the name is a key of what is there.

    Raises:
        PathFault: it is not.
    """
    model = model_at(loc)
    value = value_at(data, loc)
    known = set(model.model_fields) if model else set(value) if isinstance(value, dict) else set()
    if name not in known or not isinstance(value, dict):
        raise PathFault("unknown_path", name, sorted(known))


def value_at(data: Any, loc: Loc) -> Any:
    """The value at a place, None where there is none."""
    for step in loc:
        if isinstance(data, dict):
            data = data.get(str(step))
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        else:
            return None
    return data


def select_rows(table: str, selector: str, data: dict[str, Any]) -> list[int]:
    """The rows that a selector means: `*`, a name, or `column=name, column=name`.

    `#2` is the second of the rows that the conditions before it leave; the number alone will do where
    no name is a number.

    Raises:
        PathFault: it means no row, or names a column that does not exist.
    """
    rows = rows_of(data, table)
    chosen = set(range(len(rows)))
    for column, wanted in _conditions(table, selector):
        if column == "#":
            chosen = set(sorted(chosen)[int(wanted) - 1 : int(wanted)])
            continue
        hits = [_hits(rows, column, part, data) for part in wanted.split("|")]
        for part, hit in zip(wanted.split("|"), hits, strict=True):
            if not hit:
                raise PathFault("unknown_row", part, _names_in(rows, column, data))
        chosen &= _rows_within(rows, column, wanted, data, set().union(*hits))
    if not chosen:
        raise PathFault("unknown_row", f"{table}[{selector}]")
    return sorted(chosen)


def _conditions(table: str, selector: str) -> list[tuple[str, str]]:
    model = model_at((table, 0))
    columns = list(model.model_fields) if model else []
    conditions = []
    for part in selector.split(","):
        m = re.fullmatch(r"\s*(#?)\s*0*([1-9]\d{0,8})\s*", part)
        if m and (m[1] or words_at((table, 0, ROW_KEYS[table][0]))):
            conditions.append(("#", m[2]))
            continue
        column, equals, wanted = part.partition("=")
        column, wanted = (column.strip(), wanted.strip()) if equals else ("", part.strip())
        column = column or ROW_KEYS[table][0]
        if column not in columns:
            raise PathFault("unknown_column", column, columns)
        words = words_at((table, 0, column))
        parts = [words(part) if words else part for part in wanted.split("|")]
        conditions.append((column, "|".join(parts)))
    return conditions


def _hits(rows: list[Any], column: str, part: str, data: dict[str, Any]) -> set[int]:
    """The rows that one name of a selector touches."""
    if part == "*":
        return set(range(len(rows)))
    if column in HALLS:
        wanted, known = hall_ids(data, part), hall_ids(data, "*")
        return {n for n, row in enumerate(rows) if _halls_in(row, column, data, known) & wanted}
    return {n for n, row in enumerate(rows) if part in _parts(row, column)}


def _rows_within(
    rows: list[Any], column: str, wanted: str, data: dict[str, Any], hits: set[int]
) -> set[int]:
    """Of a `halls` column, the rows that concern none but the wanted halls."""
    if column != "halls" or wanted == "*":
        return hits
    halls = set().union(*(hall_ids(data, part) for part in wanted.split("|")))
    known = hall_ids(data, "*")
    within = {n for n in hits if _halls_in(rows[n], column, data, known) <= halls}
    if not within:
        raise PathFault("unknown_row", wanted, _names_in(rows, column, data))
    return within


def _halls_in(row: Any, column: str, data: dict[str, Any], known: set[str]) -> set[str]:
    """The halls of a row; most are named by their ids (`known`), which need no search."""
    parts = _parts(row, column)
    return set().union(*({part} if part in known else hall_ids(data, part) for part in parts))


def _parts(row: Any, column: str) -> list[str]:
    value = row.get(column) if isinstance(row, dict) else None
    values = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return [p.strip() for v in values for p in re.split(r"[|、]", fold(str(v))) if p.strip()]


def _names_in(rows: list[Any], column: str, data: dict[str, Any]) -> list[str]:
    if column in HALLS:
        return [p for row in rows_of(data, "halls") for p in _parts(row, "hall")]
    return list(dict.fromkeys(p for row in rows for p in _parts(row, column)))


# --- values -----------------------------------------------------------------------------------


def changed(old: Any, value: Any, number: type[int] | type[float] | None) -> Any:
    """The value after a change; exact, so that the caller sees what rounding does.

    Raises:
        PathFault: a relative change of something that is no number.
    """
    m = _RELATIVE.fullmatch(fold(value)) if isinstance(value, str) else None
    if m is None:
        return value
    base = _decimal(old)
    if number is None or base is None:
        raise PathFault("not_a_number", str(old))
    amount = Decimal(m[3]) / (100 if m[4] else 1)
    if m[1]:
        return base * amount
    signed = amount if m[2] == "+" else -amount
    return base * (1 + signed) if m[4] else base + signed


def _decimal(value: Any) -> Decimal | None:
    try:
        return Decimal(fold(str(value)).replace(",", ""))
    except InvalidOperation:
        return None


def rounded(value: Any, number: type[int] | type[float] | None) -> Any:
    """An exact result as the field's own kind of number; halves go up."""
    if not isinstance(value, Decimal):
        return value
    if number is int:
        return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    return float(value)


# --- applying ---------------------------------------------------------------------------------


def apply(data: dict[str, Any], groups: Sequence[Sequence[Change]]) -> Result:
    """The data after all changes, group by group: later groups may change what earlier ones set.

    Changes of one group touch the same value only if their order does not matter (`Change.joins`);
    else that is a problem.  They are calculated exactly and rounded at the end.
    """
    result = Result(copy.deepcopy(data))
    for changes in groups:
        found, problems = resolve_all(changes, result.data)
        result.problems += problems + clashes(found)
        exact: dict[Loc, Any] = {}
        last: dict[Loc, Change] = {}
        for change, locs in found:
            for loc in locs:
                _apply_one(result, change, loc, exact)
            last |= dict.fromkeys(locs, change)
        for change, locs in found:
            own = [loc for loc in locs if loc in exact and last[loc] is change]
            count = sum(_is_rounded(exact[loc], loc) for loc in own)
            if count:
                params = {"count": count}
                problem = Problem("rounded", change.place, change.path, change.value, params)
                result.problems.append(problem)
    result.data = complete(result.data)[0]
    return result


def resolve_all(
    changes: Iterable[Change], data: dict[str, Any]
) -> tuple[list[tuple[Change, list[Loc]]], list[Problem]]:
    """The places that each change means, and the changes that mean none."""
    found: list[tuple[Change, list[Loc]]] = []
    problems: list[Problem] = []
    for change in changes:
        try:
            found.append((change, resolve(change.path, data)))
        except PathFault as fault:
            problems.append(fault.problem(change))
    return found, problems


def clashes(found: Sequence[tuple[Change, list[Loc]]]) -> list[Problem]:
    """Values that two changes contradict each other about: one problem for each two changes."""
    problems: dict[tuple[str, str], Problem] = {}
    touched: dict[Loc, list[Change]] = {}
    for change, locs in found:
        for loc in locs:
            same = [c for c in touched.get(loc, ()) if not c.joins(change)]
            for first in same or _around(loc, touched)[:1]:
                pair = (first.title(), change.title())
                params = {"first": pair[0], "second": pair[1]}
                problem = Problem("override_clash", change.place, path_of(loc), params=params)
                problems.setdefault(pair, problem)
        for loc in locs:
            touched.setdefault(loc, []).append(change)
    return list(problems.values())


def _around(loc: Loc, touched: dict[Loc, list[Change]]) -> list[Change]:
    """The changes that set something around this value or something within it."""
    above = [c for n in range(len(loc) - 1, 0, -1) for c in touched.get(loc[:n], ())]
    if above or model_at(loc) is None:
        return above
    return [c for t, cs in touched.items() if t[: len(loc)] == loc != t for c in cs]


def _apply_one(result: Result, change: Change, loc: Loc, exact: dict[Loc, Any]) -> None:
    """Change one value; `exact` keeps the values of this group before they are rounded."""
    number = leaf_type(loc)
    old = value_at(result.data, loc)
    try:
        exact[loc] = changed(exact.get(loc, old), change.value, number)
    except PathFault:
        params = {"change": change.value}
        place = change.place
        result.problems.append(Problem("not_a_number", place, path_of(loc), old, params))
        return
    new = rounded(exact[loc], number)
    before = result.applied.get(loc)
    if before and before.change.name not in (SET, change.name) and change.name != SET:
        change = change._replace(name=f"{before.change.name}, {change.name}")
    parent = value_at(result.data, loc[:-1])
    parent[loc[-1]] = new
    result.applied[loc] = Applied(change, before.old if before else old, new)


def _is_rounded(exact: Any, loc: Loc) -> bool:
    number = leaf_type(loc)
    return isinstance(exact, Decimal) and number is int and exact != rounded(exact, number)
