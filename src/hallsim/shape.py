"""The shape of the scenario model: what sits where, so that plain data can be walked by name."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hallsim.problems import Loc
from hallsim.scenario import (
    Model,
    Scenario,
    Session,
    Words,
    fold_share,
    names_hall,
    split_names,
)

ROW_KEYS: dict[str, tuple[str, ...]] = {
    "halls": ("hall",),
    "windows": ("hall", "kind", "label"),
    "clerks": ("hall", "group"),
    "items": ("item",),
    "demand": ("halls", "item"),
    "profiles": ("profile", "key"),
    "peaks": ("peak",),
    "calendar": ("first", "halls"),
    "limits": ("limit", "halls", "group", "hours", "first"),
    "leave": ("hall", "group", "first"),
    "roster": ("clerk",),
    "travel": ("origin", "destination"),
    "targets": ("tier",),
}
"""The columns that tell the rows of a table apart."""


class Shape(NamedTuple):
    """What a field holds: one model, a mapping or rows of models, or a plain value."""

    kind: Literal["model", "map", "rows", "leaf"]
    model: type[Model] | None = None


def shape_of(annotation: Any) -> Shape:
    """The shape behind an annotation; opening sessions count as a plain value."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return shape_of(args[0])
    if origin in (Union, types.UnionType):
        return next((s for a in args if (s := shape_of(a)).model), Shape("leaf"))
    inner = _model(annotation if origin is None else args[-1 if origin is dict else 0])
    kinds: dict[Any, Literal["model", "map", "rows"]] = {None: "model", dict: "map", tuple: "rows"}
    return Shape(kinds[origin], inner) if inner and origin in kinds else Shape("leaf")


def _model(annotation: Any) -> type[Model] | None:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return None if annotation is Session else annotation
    return None


def field_at(loc: Loc) -> FieldInfo | None:
    """The field a location belongs to, or None."""
    model: type[Model] | None = Scenario
    field: FieldInfo | None = None
    kind = "model"
    for step in loc:
        if kind in ("map", "rows"):  # this step names an entry, not a field
            kind = "model"
            continue
        field = model.model_fields.get(str(step)) if model else None
        if field is None:
            return None
        kind, model = shape_of(field.annotation)
    return field


def model_at(loc: Loc) -> type[Model] | None:
    """The model whose fields are the keys at a location, or None."""
    model: type[Model] | None = Scenario
    kind = "model"
    for step in loc:
        if kind in ("map", "rows"):
            kind = "model"
            continue
        field = model.model_fields.get(str(step)) if model else None
        if field is None:
            return None
        kind, model = shape_of(field.annotation)
    return model if kind == "model" else None


def spelling(field: FieldInfo) -> Callable[[Any], Any] | None:
    """What turns Chinese words, selectors and percent of a field into ordinary values."""
    inner = [m for a in get_args(field.annotation) for m in getattr(a, "__metadata__", ())]
    functions = [getattr(m, "func", None) for m in (*field.metadata, *inner)]
    known = (f for f in functions if isinstance(f, Words) or f in (fold_share, split_names))
    return next(known, None)


def words_at(loc: Loc) -> Words | None:
    """The Chinese words that a location takes."""
    field = field_at(loc)
    read = spelling(field) if field else None
    return read if isinstance(read, Words) else None


def leaf_type(loc: Loc) -> type[int] | type[float] | None:
    """`int` or `float` where the location holds a number that can be calculated with."""
    field = field_at(loc)
    if field is None:
        return None
    plain = {a for a in (field.annotation, *get_args(field.annotation)) if a in (int, float)}
    plain |= {a for arg in get_args(field.annotation) for a in get_args(arg) if a in (int, float)}
    return int if plain == {int} else float if plain == {float} else None


def complete(raw: dict[str, Any]) -> tuple[dict[str, Any], set[Loc]]:
    """The data with every default filled in, and the places that were filled.

    An empty value counts as not given.  Chinese words and percent become ordinary values.  Parts
    that have the wrong shape are left as they are.
    """
    filled: set[Loc] = set()
    return _complete(Scenario, raw, {}, (), filled), filled


def _complete(
    model: type[Model], raw: Any, base: dict[str, Any], loc: Loc, filled: set[Loc]
) -> Any:
    if not isinstance(raw, dict):
        return raw
    given = {k: v for k, v in raw.items() if v is not None}
    out: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        here = (*loc, name)
        default = base[name] if name in base else _default(field)
        if name in given:
            out[name] = _complete_field(field, given.pop(name), default, here, filled)
        elif name in base or not field.is_required():
            out[name] = default
            filled.add(here)
    return out | given


def _complete_field(field: FieldInfo, raw: Any, default: Any, loc: Loc, filled: set[Loc]) -> Any:
    kind, model = shape_of(field.annotation)
    if kind == "model" and model:
        return _complete(model, raw, default if isinstance(default, dict) else {}, loc, filled)
    if kind == "map" and model and isinstance(raw, dict):
        return {
            k: _complete(model, {} if v is None else v, {}, (*loc, k), filled)
            for k, v in raw.items()
        }
    if kind == "rows" and model and isinstance(raw, list):
        return [_complete(model, v, {}, (*loc, n), filled) for n, v in enumerate(raw)]
    read = spelling(field)
    return read(raw) if read and isinstance(raw, str) else raw


def _default(field: FieldInfo) -> Any:
    return None if field.is_required() else _plain(field.get_default(call_default_factory=True))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value


def leaves(model: Model, loc: Loc = ()) -> Iterator[tuple[Loc, FieldInfo, Any]]:
    """Every plain value below a model, with its field, in the order of the model."""
    for name, field in type(model).model_fields.items():
        value, here = getattr(model, name), (*loc, name)
        if isinstance(value, Model):
            yield from leaves(value, here)
        elif shape_of(field.annotation).kind == "map":
            for key, entry in value.items():
                yield from leaves(entry, (*here, key))
        elif shape_of(field.annotation).kind == "rows":
            for n, entry in enumerate(value):
                yield from leaves(entry, (*here, n))
        else:
            yield here, field, value


def hall_ids(raw: dict[str, Any], name: str) -> set[str]:
    """The ids of the halls that a selector names in data that may not be valid."""
    rows = [r for r in rows_of(raw, "halls") if isinstance(r, dict)]
    return {
        str(r.get("hall"))
        for r in rows
        if names_hall(name, str(r.get("hall")), str(r.get("tier")), str(r.get("street", "")))
    }


def rows_of(raw: dict[str, Any], table: str) -> list[Any]:
    """The rows of a table, none where it is missing or misshapen."""
    rows = raw.get(table)
    return rows if isinstance(rows, list) else []
