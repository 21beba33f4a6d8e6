"""What can still be checked of a scenario of which some parts did not validate.

Broken sections and entries are left out.  A row with a wrong value stays, with a stand-in for that
value, so that its references are checked all the same; nothing is told about the stand-in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from hallsim.findings import Draft, Finding
from hallsim.problems import Loc
from hallsim.scenario import Model, Scenario, fold
from hallsim.shape import ROW_KEYS, field_at, shape_of

REFERENCES = frozenset(
    {"duplicate", "unknown_hall", "unknown_street", "unknown_hours", "unknown_item"}
    | {"unknown_profile", "unknown_group", "clerk_two_halls", "leave_text", "hours_form"}
    | {"no_such_post"}
)
"""What is told of rows with a wrong value: only what stands in one cell."""


@dataclass(frozen=True)
class Partial:
    """A draft, the rows of the file that its rows are, and the columns that are stand-ins."""

    draft: Draft
    rows: Mapping[str, list[int]] = field(default_factory=dict)
    stand_ins: Mapping[Loc, set[str]] = field(default_factory=dict)

    def loc(self, loc: Loc) -> Loc:
        """The location in the file of a location in the draft."""
        if len(loc) > 1 and isinstance(loc[1], int) and loc[0] in self.rows:
            return (loc[0], self.rows[str(loc[0])][loc[1]], *loc[2:])
        return loc

    def keeps(self, finding: Finding) -> bool:
        """Whether a finding is about the file, not about a stand-in."""
        loc = self.loc(finding.loc)
        columns = self.stand_ins.get(loc[:2])
        return not columns or (finding.rule in REFERENCES and loc[2] not in columns)


def partial_draft(data: Mapping[str, Any], unread: Iterable[Loc], errors: Iterable[Loc]) -> Partial:
    """The scenario without the parts that could not be read or have errors."""
    broken = _sort_out(unread, errors)
    parts: dict[str, Any] = {}
    rows: dict[str, list[int]] = {}
    for section, info in Scenario.model_fields.items():
        (kind, model), value = shape_of(info.annotation), data.get(section)
        if kind == "rows" and model and isinstance(value, list):
            kept = _rows(section, model, value, broken)
            parts[section], rows[section] = tuple(kept.values()), list(kept)
        elif kind == "map" and model and isinstance(value, dict):
            good = {k: v for k, v in value.items() if k not in broken.entries[section]}
            parts[section] = {k: model.model_validate(v) for k, v in good.items()}
        else:
            parts[section] = _part(section, value, section in broken.sections)
    names = {
        section: frozenset(_names(section, data.get(section), entries))
        for section, entries in broken.entries.items()
    }
    patched = {
        (section, rows[section].index(n))
        for section, n in broken.columns
        if section in rows and n in rows[section]
    }
    scenario = Scenario.model_construct(**parts)
    draft = Draft(scenario, frozenset(broken.sections), names, frozenset(patched))
    return Partial(draft, rows, broken.columns)


@dataclass
class _Broken:
    sections: set[str] = field(default_factory=set)
    entries: dict[str, set[str | int]] = field(default_factory=lambda: defaultdict(set))
    """Rows and named entries with something wrong in them."""
    columns: dict[Loc, set[str]] = field(default_factory=dict)
    """By row: the columns that are wrong, where it is only columns."""


def _sort_out(unread: Iterable[Loc], errors: Iterable[Loc]) -> _Broken:
    broken = _Broken()
    beyond = set(unread)
    for loc in (*unread, *errors):
        info = field_at(loc[:1])
        kind = shape_of(info.annotation).kind if info else "leaf"
        if len(loc) == 1 or kind not in ("rows", "map"):
            broken.sections.add(str(loc[0]))
            continue
        broken.entries[str(loc[0])].add(loc[1])
        if len(loc) > 2:
            broken.columns.setdefault(loc[:2], set()).add(str(loc[2]))
            if loc[2] == ROW_KEYS.get(str(loc[0]), ("",))[0]:
                broken.sections.add(str(loc[0]))  # nobody knows what the row is called
        else:
            beyond.add(loc)
    broken.columns = {loc: names for loc, names in broken.columns.items() if loc not in beyond}
    return broken


def _rows(section: str, model: type[Model], values: list[Any], broken: _Broken) -> dict[int, Model]:
    kept = {}
    for n, value in enumerate(values):
        if n not in broken.entries.get(section, ()):
            kept[n] = model.model_validate(value)
        elif columns := broken.columns.get((section, n)):
            repaired = _repaired(model, value, columns, n)
            kept |= {n: repaired} if repaired else {}
    return kept


def _repaired(model: type[Model], row: dict[str, Any], columns: set[str], n: int) -> Model | None:
    """The row with stand-ins in its wrong columns, or None where none will do."""
    good = {name: value for name, value in row.items() if name not in columns}
    fields = {name: model.model_fields[name] for name in columns if name in model.model_fields}
    needed = {name: _stand_in(info, n) for name, info in fields.items() if info.is_required()}
    try:
        return model.model_validate(good | needed)
    except ValidationError:
        return None


def _stand_in(info: FieldInfo, n: int) -> Any:
    if get_origin(info.annotation) is Literal:
        return get_args(info.annotation)[0]
    if info.annotation in (int, float):
        return 1
    return f"?{n}"  # unlike any other id


def _part(section: str, value: Any, broken: bool) -> Any:
    """A section by itself: its value, or what stands in for it where it is broken."""
    info = Scenario.model_fields[section]
    kind, model = shape_of(info.annotation)
    if kind in ("rows", "map"):
        return () if kind == "rows" else {}
    if kind == "model" and model:
        return model() if broken else model.model_validate(value)
    return value if not broken or info.is_required() else info.get_default()


def _names(section: str, value: Any, entries: Iterable[str | int]) -> Iterator[str]:
    """What the broken entries of a section are called, as far as it can be told."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        elif isinstance(value, list) and isinstance(value[entry], dict):
            yield fold(str(value[entry].get(ROW_KEYS[section][0], "")))
