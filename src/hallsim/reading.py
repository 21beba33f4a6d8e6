"""From a scenario folder to a validated `Scenario`, and where each of its values came from.

All that is wrong is told at once: the form of the YAML file and of every table, each value, and
what must hold between values, as far as the parts that are right allow it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from hallsim import overrides
from hallsim.checks import check
from hallsim.drafts import Partial, partial_draft
from hallsim.files import MAIN, WORKBOOK, Raw, column_names, load, path_of
from hallsim.findings import Draft, Finding, suggestion
from hallsim.overrides import Applied, Change, PathFault
from hallsim.problems import RULES, Loc, Place, Problem, ScenarioProblems, nearest
from hallsim.scenario import TABLES, Scenario, Session, Words, fold, format_clock, parse_clock
from hallsim.shape import ROW_KEYS, complete, field_at, leaves, model_at, rows_of, words_at
from hallsim.synonyms import SOURCE, both

Mark = Literal["seed", "assumed", "calibrated", "default", "override"]
MARKS: tuple[Mark, ...] = ("seed", "assumed", "calibrated", "default")
_MARK_WORDS = Words(SOURCE)
EXTRA: dict[str, str] = {
    "tables": "workbook with the tables, instead of CSV files",
    "sources": "where the values of this file come from: path to 'mark: reason'",
    "overrides": "named changes: name to {path: value}",
    "scenarios": "named variants: name to a list of overrides",
    "titles": "what people call overrides and variants: name to {zh, en}, undone {without_zh, without_en}",
}
"""Keys of the YAML file that are not part of the scenario itself."""
_TITLES = ("zh", "en", "without_zh", "without_en")
"""What can be said of an override or a variant: its title, and that of undoing it."""


class Origin(NamedTuple):
    """Where a value came from.  `note` is the reason given, or what an override did."""

    value: Any
    source: Mark
    place: str
    note: str = ""


@dataclass(frozen=True)
class Reading:
    """A scenario that was read, and how it came about."""

    scenario: Scenario
    origins: Mapping[str, Origin]
    """Every value by its path, such as `halls[longhua-district].weight`."""
    hashes: Mapping[str, str]
    """SHA-256 of every file that was read, by name."""
    notes: tuple[Problem, ...] = ()


def read(
    path: str | Path,
    scenario: str | None = None,
    sets: Sequence[str] = (),
    overrides: Sequence[str] | None = None,
) -> Reading:
    """Read the scenario of a folder, or of a file of it.

    Args:
        path: folder with a `scenario.yaml`, or the YAML file itself; a table or workbook that is
            read by the `scenario.yaml` beside it stands for its folder.
        scenario: name of an entry of `scenarios`, whose overrides are applied in order.
        sets: `path=value` changes, applied last.
        overrides: names of overrides to apply in this order, instead of a scenario's own list.

    Raises:
        ScenarioProblems: with all that is wrong.
    """
    return Source(path).read(scenario, sets, overrides)


class Source:
    """The files of a scenario, loaded once, to be read with one list of overrides after another."""

    def __init__(self, path: str | Path) -> None:
        """Load the files; `path` as in `read`.

        Raises:
            ScenarioProblems: the path is no scenario.
        """
        self.path = Path(path)
        is_main = self.path.suffix.lower() in (".yaml", ".yml")
        is_part = not is_main and self.path.is_file()
        self.folder = self.path.parent if is_main or is_part else self.path
        self._raw = load(self.folder, self.path.name if is_main else MAIN)
        if is_part and self.path.name not in self._raw.hashes:
            name = self.path.name if self.path.suffix.lower() == ".xlsx" else WORKBOOK
            problem = Problem("scenario_part", Place(self.path.name), params={"name": name})
            raise ScenarioProblems([problem], str(path))

    def read(
        self,
        scenario: str | None = None,
        sets: Sequence[str] = (),
        overrides: Sequence[str] | None = None,
    ) -> Reading:
        """As `hallsim.reading.read`."""
        work, resolved = self._resolve(scenario, sets, overrides)
        notes = sorted((p for p in work.problems if p.severity == "note"), key=work.order)
        return Reading(resolved, work.origins(resolved), work.raw.hashes, tuple(notes))

    def scenario(self, overrides: Sequence[str], sets: Sequence[str] = ()) -> Scenario:
        """The scenario alone, with these overrides in this order; quicker than `read`.

        Raises:
            ScenarioProblems: with all that is wrong.
        """
        return self._resolve(None, sets, overrides)[1]

    def scenarios(self) -> dict[str, list[str]]:
        """The named scenarios, each with the names of its overrides; without what is malformed."""
        return self._work().variants()

    def titles(self) -> dict[str, dict[str, str]]:
        """What people call overrides and scenarios: name to language to title."""
        return self._work().titles()

    def contradicts(self, overrides: Sequence[str]) -> bool:
        """Whether these overrides contradict each other: two of them set the same value."""
        return self._work().contradicts(overrides)

    def _work(self) -> _Work:
        raw = self._raw
        return _Work(
            Raw(
                dict(raw.data), dict(raw.places), list(raw.problems), dict(raw.hashes),
                set(raw.broken), set(raw.absent), set(raw.told),
            )
        )  # fmt: skip

    def _resolve(
        self, scenario: str | None, sets: Sequence[str], overrides: Sequence[str] | None
    ) -> tuple[_Work, Scenario]:
        work = self._work()
        work.change(scenario, sets, overrides)
        resolved = work.validate()
        errors = sorted((p for p in work.problems if p.severity == "error"), key=work.order)
        if errors or resolved is None:
            raise ScenarioProblems(errors, str(self.path))
        return work, resolved


def schema() -> dict[str, Any]:
    """JSON Schema of `scenario.yaml`: the model's own, with the keys that only the file has.

    Tables may stand in the file too, but need not.
    """
    result = Scenario.model_json_schema()
    result["required"] = [name for name in result["required"] if name not in TABLES]
    texts = {"tables": {"type": "string"}, "sources": {"type": "object"}}
    texts["sources"]["additionalProperties"] = {"type": "string"}  # type: ignore[assignment]
    shapes: dict[str, Any] = texts | {
        "overrides": {"type": "object", "additionalProperties": {"type": "object"}},
        "scenarios": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "titles": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "properties": {key: {"type": "string"} for key in _TITLES},
                "additionalProperties": False,
            },
        },
    }
    for name, text in EXTRA.items():
        result["properties"][name] = shapes[name] | {"description": text}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | result


@dataclass
class _Sources:
    """What the writer says about where figures come from."""

    prefixes: dict[Loc, tuple[Mark, str]] = field(default_factory=dict)
    rows: dict[tuple[Any, ...], dict[str, Mark]] = field(default_factory=dict)
    """By table and row: mark by column, the row's own mark under the empty name."""


class _Work:
    """The steps of one reading."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.problems = raw.problems
        self.extra = {key: raw.data.pop(key, None) for key in EXTRA}
        self.data, self.filled = complete(raw.data)
        self.applied: dict[Loc, Applied] = {}
        self.sources = _Sources()

    def order(self, problem: Problem) -> tuple[int, int, int, int]:
        """Problems are told file by file, in the order of the file."""
        place = problem.place
        files = [*self.raw.hashes, place.file]
        sheets = [*(p.sheet for p in self.raw.places.values()), place.sheet]
        return files.index(place.file), sheets.index(place.sheet), place.line, place.column

    # --- overrides --------------------------------------------------------------------------

    def change(
        self, scenario: str | None, sets: Sequence[str], only: Sequence[str] | None = None
    ) -> None:
        """Check all overrides, apply those of the scenario (or `only` these) and the command line's."""
        named = self._overrides()
        variants = self._variants(named)
        if only is not None:
            scenario = ""  # no entry of `scenarios` can be called so by its caller
            variants[scenario] = list(only)
            for name in only:
                if name not in self._group("overrides", quiet=True):
                    near = nearest(name, named)
                    self.problems.append(Problem("unknown_override", Place(), "", name, {}, near))
        usable = ("hours",) not in self.raw.broken  # else every path would be called unknown
        if usable and only is None:
            self._check_unused(named, variants, scenario)
        if only is None:
            self.titles()
        chosen: list[Change] = []
        if scenario is not None and scenario in variants:
            chosen = [c for name in variants[scenario] for c in named.get(name, [])]
        elif scenario is not None and usable:
            near = nearest(scenario, variants)
            place = Place("--scenario")
            self.problems.append(Problem("unknown_scenario", place, "", scenario, {}, near))
        changes, faults = overrides.parse_sets(sets)
        self.problems += faults
        if usable:
            result = overrides.apply(self.data, [chosen, changes])
            self.data, self.applied = result.data, result.applied
            self._head_count()
            self.problems += self._own_faults(result.problems)
            self.raw.places |= {loc: a.change.place for loc, a in self.applied.items()}

    def _head_count(self) -> None:
        """A roster is of the head count of the files; with another one it is left aside."""
        counts = (a for loc, a in self.applied.items() if loc[0] == "clerks" and loc[-1] == "count")
        changed = next((a.change for a in counts if str(a.old) != str(a.new)), None)
        if changed and rows_of(self.data, "roster"):
            self.data["roster"] = []
            self.problems.append(Problem("roster_aside", changed.place, changed.path))

    def _own_faults(self, faults: list[Problem]) -> list[Problem]:
        """The faults of paths without those that may only be there because a table or row is broken."""
        unread = {loc[0] for loc in self.raw.broken if len(loc) == 1}
        damaged = {loc[0] for loc in self.raw.broken}

        def own(fault: Problem) -> bool:
            table = re.split(r"[.\[]", fault.path, maxsplit=1)[0].strip()
            if fault.rule == "unknown_row":
                return not damaged & {table, "halls"}
            return fault.rule not in overrides.PATH_RULES or table not in unread

        return [fault for fault in faults if own(fault)]

    def variants(self) -> dict[str, list[str]]:
        """The named scenarios, each with the names of its overrides."""
        return self._variants(self._overrides())

    def titles(self) -> dict[str, dict[str, str]]:
        """What people call overrides and scenarios; what is wrong with it is told."""
        named = [n for key in ("overrides", "scenarios") for n in self._group(key, quiet=True)]
        found = {}
        for name, title in self._group("titles").items():
            loc = ("titles", name)
            if name not in named:
                self._say("unknown_override", loc, name, nearest(name, named))
            elif not isinstance(title, dict):
                self._say("group", loc, title)
            else:
                for key in title:
                    if key not in _TITLES:
                        self._say("unknown_key", (*loc, key), key, nearest(key, _TITLES))
                found[name] = {str(k): str(v) for k, v in title.items() if v is not None}
        return found

    def contradicts(self, names: Sequence[str]) -> bool:
        """Whether two of these overrides set the same value."""
        named = self._overrides()
        changes = [c for name in names for c in named.get(name, [])]
        return bool(overrides.clashes(overrides.resolve_all(changes, self.data)[0]))

    def _overrides(self) -> dict[str, list[Change]]:
        named = {}
        for name, entries in self._group("overrides").items():
            if isinstance(entries, dict):
                named[name] = overrides.changes_of(name, entries, self.raw.places)
            else:
                self._say("group", ("overrides", name), entries)
        return named

    def _variants(self, named: Mapping[str, Any]) -> dict[str, list[str]]:
        variants = {}
        for variant, names in self._group("scenarios").items():
            if not isinstance(names, list):
                self._say("list", ("scenarios", variant), names)
                continue
            for n, name in enumerate(names):
                if str(name) not in self._group("overrides", quiet=True):
                    near = nearest(name, named)
                    self._say("unknown_override", ("scenarios", variant, n), name, near)
            variants[variant] = [str(name) for name in names]
        return variants

    def _check_unused(
        self, named: Mapping[str, list[Change]], variants: dict[str, list[str]], used: str | None
    ) -> None:
        in_use = set(variants.get(used or "", []))
        found = {}
        for name, changes in named.items():
            found[name], faults = overrides.resolve_all(changes, self.data)
            faults = self._own_faults(faults)
            self.problems += [] if name in in_use else faults + overrides.clashes(found[name])
        for variant, names in variants.items():
            if variant != used:
                pairs = [pair for name in names for pair in found.get(name, [])]
                clashes = overrides.clashes(pairs)
                self.problems += [p for p in clashes if p not in self.problems]

    def _group(self, key: str, quiet: bool = False) -> dict[str, Any]:
        value = self.extra[key]
        if value is not None and not isinstance(value, dict) and not quiet:
            self._say("group", (key,), value)
        return value if isinstance(value, dict) else {}

    def _say(self, rule: str, loc: Loc, value: Any = None, near: str | None = None) -> None:
        self.problems.append(Problem(rule, self.raw.at(loc), path_of(loc), value, {}, near))

    # --- values -----------------------------------------------------------------------------

    def validate(self) -> Scenario | None:
        """The scenario, or None with the problems told."""
        self._read_marks()
        version = self.data.get("format")
        if isinstance(version, int) and version > 1:
            params = {"format": version}
            place = self.raw.at(("format",))
            self.problems[:] = [Problem("format", place, "format", params=params)]
            return None
        scenario = None
        locs: list[Loc] = []
        try:
            scenario = Scenario.model_validate(self.data)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            self.problems += _value_problems(errors, self.raw, self.data)
            locs = [tuple(e["loc"]) for e in errors]
        if scenario and not self.raw.broken:
            partial = Partial(Draft(scenario))
        else:
            partial = partial_draft(self.data, self.raw.broken, locs)
        self.problems += [
            self._problem(f, partial) for f in check(partial.draft) if partial.keeps(f)
        ]
        return scenario

    def _problem(self, finding: Finding, partial: Partial) -> Problem:
        """A finding with its place in the file."""
        loc = partial.loc(finding.loc)
        params = dict(finding.params)
        if finding.other:
            params["other"] = self.raw.at(partial.loc(finding.other))
        near = suggestion(finding)
        place = self.raw.at(loc)
        return Problem(finding.rule, place, path_of(loc), finding.value, params, near)

    # --- where values come from ---------------------------------------------------------------

    def _read_marks(self) -> None:
        if ("hours",) not in self.raw.broken:
            for path, text in self._group("sources").items():
                self._read_prefix(path, text)
        for table in TABLES:
            for n, row in enumerate(rows_of(self.data, table)):
                text = row.get("source") if isinstance(row, dict) else None
                if isinstance(text, str) and text:
                    self.sources.rows[table, n] = self._row_marks((table, n, "source"), text)

    def _read_prefix(self, path: str, text: Any) -> None:
        loc: Loc = tuple(path.split("."))
        spot: Loc = ("sources", path)
        try:
            for n, step in enumerate(loc):
                overrides.check_name(str(step), loc[:n], self.data)
        except PathFault as fault:
            self._say(fault.rule, spot, fault.value, fault.suggestion)
            return
        mark, *reason = re.split("[:：]", str(text), maxsplit=1)
        if found := self._mark(fold(mark), spot):
            self.sources.prefixes[loc] = (found, "".join(reason).strip())

    def _row_marks(self, loc: Loc, text: str) -> dict[str, Mark]:
        names = column_names(TABLES[str(loc[0])])
        marks: dict[str, Mark] = {}
        for part in filter(None, (p.strip() for p in fold(text).split(";"))):
            columns, colon, mark = part.rpartition(":")
            found = self._mark(mark, loc)
            for column in columns.split(",") if colon else [""]:
                name = names.get(column.strip(), "") if colon else ""
                if colon and not name:
                    near = nearest(column.strip(), names)
                    self._say("unknown_column", loc, column.strip(), near)
                elif found:
                    marks[name] = found
        return marks

    def _mark(self, text: str, loc: Loc) -> Mark | None:
        said = _MARK_WORDS(text.lower())
        mark = next((m for m in MARKS if m == said), None)
        if mark is None:
            self._say("mark", loc, text.strip(), nearest(text.strip(), _MARK_WORDS.all))
        return mark

    def origins(self, scenario: Scenario) -> dict[str, Origin]:
        """Every value of the scenario, by a path that an override may use."""
        names = _row_names(scenario)
        found = {}
        for loc, info, value in leaves(scenario):
            if loc[-1] not in ("source", "note"):
                found[_named(loc, names)] = self._origin(loc, plain(value, is_clock(info)))
        return found

    def _origin(self, loc: Loc, value: Any) -> Origin:
        above = [loc[:n] for n in range(len(loc), 0, -1)]
        for part in above:
            if part in self.applied:
                change, old, new = self.applied[part]
                was, now = ("–" if v is None else plain(v) for v in (old, new))
                note = f"{change.name}: {was} → {now}"
                return Origin(value, "override", str(change.place), note)
        if any(part in self.filled for part in above):
            return Origin(value, "default", "")
        place = str(self.raw.at(loc))
        marks = self.sources.rows.get(loc[:2], {})
        if mark := marks.get(str(loc[-1]), marks.get("")):
            note = overrides.value_at(self.data, (*loc[:2], "note"))
            return Origin(value, mark, place, str(note or ""))
        for part in above:
            if part in self.sources.prefixes:
                mark, reason = self.sources.prefixes[part]
                return Origin(value, mark, place, reason)
        return Origin(value, "assumed", place)


def _row_names(scenario: Scenario) -> dict[Loc, str]:
    """What stands in the brackets of a row's path: the id, or the columns that tell it apart."""
    names: dict[Loc, str] = {}
    for table, keys in ROW_KEYS.items():
        seen: dict[str, int] = {}
        for n, row in enumerate(getattr(scenario, table)):
            values = [(key, plain(getattr(row, key))) for key in keys]
            text = ", ".join(f"{key}={value}" for key, value in values if value != "")
            text = str(values[0][1]) if len(keys) == 1 else text
            seen[text] = seen.get(text, 0) + 1
            names[table, n] = text if seen[text] == 1 else f"{text}, #{seen[text]}"
    return names


def _named(loc: Loc, names: Mapping[Loc, str]) -> str:
    """The path of a value with its row's name in brackets."""
    if loc[:2] in names:
        return f"{loc[0]}[{names[loc[:2]]}].{loc[2]}"
    return path_of(loc)


def is_clock(info: FieldInfo) -> bool:
    """Whether a field holds a time of day."""
    return any(getattr(m, "func", None) is parse_clock for m in info.metadata)


def plain(value: Any, clock: bool = False) -> Any:
    """A value as it would be written: times, days and lists as text."""
    if clock and isinstance(value, int):
        return format_clock(value)
    if isinstance(value, Session):
        return value.text()
    if isinstance(value, tuple):
        parts = [plain(v) for v in value]
        if all(isinstance(p, str) for p in parts):
            return (" " if value and isinstance(value[0], Session) else "|").join(parts)
        return list(parts)
    return value.isoformat() if isinstance(value, dt.date) else value


# --- pydantic's errors as problems ------------------------------------------------------------

_RULES = {
    "missing": "missing",
    "extra_forbidden": "unknown_key",
    "int_parsing": "whole_number",
    "int_parsing_size": "whole_number",
    "int_type": "whole_number",
    "int_from_float": "whole_number",
    "float_parsing": "number",
    "float_type": "number",
    "finite_number": "number",
    "greater_than_equal": "at_least",
    "greater_than": "above",
    "less_than_equal": "at_most",
    "less_than": "below",
    "literal_error": "one_of",
    "bool_parsing": "true_false",
    "bool_type": "true_false",
    "string_too_short": "missing",
    "too_long": "too_long",
    "string_too_long": "too_long",
    "string_type": "text",
    "model_type": "group",
    "model_attributes_type": "group",
    "dict_type": "group",
    "tuple_type": "list",
    "too_short": "missing",
    "date_type": "date",
    "date_parsing": "date",
    "date_from_datetime_parsing": "date",
    "date_from_datetime_inexact": "date",
}
"""Our rule for each of pydantic's error types."""


def _value_problems(errors: Sequence[Any], raw: Raw, data: Mapping[str, Any]) -> list[Problem]:
    """Problems of values, a misspelt key and the key that is missing for it told as one."""
    errors = [e for e in errors if not _is_told(tuple(e["loc"]), raw)]
    missing = {tuple(e["loc"]) for e in errors if e["type"] == "missing"}
    problems = []
    for error in errors:
        loc = tuple(error["loc"])
        if error["type"] == "extra_forbidden":
            near = _nearest_key(loc, missing, data)
            missing.discard((*loc[:-1], near))
            place = raw.at(loc)
            problems.append(Problem("unknown_key", place, path_of(loc[:-1]), loc[-1], {}, near))
    for error in errors:
        loc = tuple(error["loc"])
        if error["type"] != "extra_forbidden" and (error["type"] != "missing" or loc in missing):
            problems.append(_value_problem(error, loc, raw))
    return problems


def _is_told(loc: Loc, raw: Raw) -> bool:
    row_unread = loc[:2] in raw.broken and isinstance(loc[-1], int | str) and len(loc) > 1
    column = (loc[0], *loc[2:3])
    return (
        row_unread
        or loc[:1] in raw.absent
        or (column in raw.absent and len(loc) > 2)
        or raw.at(loc) in raw.told
    )


def _nearest_key(loc: Loc, missing: set[Loc], data: Mapping[str, Any]) -> str | None:
    parent = loc[:-1]
    first = [str(m[-1]) for m in missing if m[:-1] == parent]
    model = model_at(parent)
    known = [*(model.model_fields if model else ()), *(EXTRA if not parent else ())]
    return nearest(loc[-1], sorted(first)) or nearest(loc[-1], known)


def _value_problem(error: Any, loc: Loc, raw: Raw) -> Problem:
    kind, context = error["type"], error.get("ctx", {})
    value = None if kind in ("missing", "too_short", "string_too_short") else error["input"]
    rule = _RULES.get(kind, "invalid")
    params: dict[str, Any] = {}
    near = None
    if kind == "value_error":
        rule, params = _coded(context)
    elif kind == "string_pattern_mismatch":
        rule = "day" if "d{4}" in context["pattern"] else "id"
    elif kind == "literal_error":
        options = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        words = words_at(loc)
        near = nearest(value, words.all if words else options)
        shown = [both(option, words.table) if words else option for option in options]
        params = {"options": ", ".join(shown)}
    elif kind == "tuple_type" and _holds_sessions(loc):
        rule = "session"
    elif rule == "invalid":
        params = {"reason": error["msg"]}
    limit = [context[k] for k in ("ge", "gt", "le", "lt", "max_length") if k in context]
    params |= {"limit": f"{limit[0]:g}"} if limit else {}
    value = None if isinstance(value, dict | list | tuple) and rule.startswith("target") else value
    return Problem(rule, raw.at(loc), path_of(loc), value, params, near)


def _coded(context: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The rule that a validator of the model names in its ValueError."""
    code = str(context["error"])
    return (code, {}) if code in RULES else ("invalid", {"reason": code})


def _holds_sessions(loc: Loc) -> bool:
    info = field_at(loc)
    return info is not None and "Session" in str(info.annotation)
