"""Limits in the planner's words: where each stands, what it asks, and what it would have to give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from hallsim import synonyms
from hallsim.report_words import hall_name
from hallsim.scenario import Scenario, Transfers
from hallsim.text import Language, translator

_ROW = re.compile(r"(\w+)\[(\d+)\]")


def place_of(name: str, places: Mapping[str, str]) -> str:
    """File and line of a limit; `places` are those of every value by its path, in the order of the rows."""
    row = _ROW.match(name)
    if not row:
        return places.get(name, "")
    table, number = row[1], int(row[2])
    columns = {"limits": "value", "clerks": "minimum", "targets": ""}
    wanted = columns.get(table, "")
    rows = dict.fromkeys(p.rpartition(".")[0] for p in places if p.startswith(f"{table}["))
    own = list(rows)[number] if number < len(rows) else ""
    found = [places[p] for p in places if p.startswith(own + ".") and places[p]] if own else []
    return places.get(f"{own}.{wanted}") or (found[0] if found else "")


def limit_text(name: str, scenario: Scenario, language: Language) -> str:
    """What a limit asks, as in `Minzhi: least_clerks 12`."""
    put = translator("limits", language)
    row = _ROW.match(name)
    if row and row[1] == "limits":
        limit = scenario.limits[int(row[2])]
        text = f"{_halls(limit.halls, scenario, language)}: {_kind(limit.limit, language)} {limit.value}"
        if limit.hours:
            text += f" {limit.hours}"
        if limit.group:
            text += " " + put("(group {group})").format(group=limit.group)
        return text
    if row and row[1] == "clerks":
        clerks = scenario.clerks[int(row[2])]
        return put("{hall}: minimum staffing {n}").format(
            hall=_halls((clerks.hall,), scenario, language), n=clerks.minimum
        )
    if row and row[1] == "targets":
        target = scenario.targets[int(row[2])]
        parts = []
        if target.mean_wait_minutes is not None:
            parts.append(put("mean wait at most {n} min").format(n=f"{target.mean_wait_minutes:g}"))
        if target.share is not None:
            parts.append(
                put("{share} served within {n} min").format(
                    share=f"{target.share:.0%}", n=f"{target.within_minutes:g}"
                )
            )
        return put("target that must be kept: {what}").format(what=", ".join(parts))
    if name.startswith("transfers."):
        field = name.partition(".")[2]
        value = getattr(scenario.transfers, field)
        title = Transfers.model_fields[field].title if language == "zh" else field.replace("_", " ")
        return f"{title} {value:.0%}" if isinstance(value, float) else f"{title} {value}"
    return put("leave already granted")


def _kind(limit: str, language: Language) -> str:
    return synonyms.LIMIT[limit][0] if language == "zh" else limit.replace("_", " ")


def _halls(names: tuple[str, ...], scenario: Scenario, language: Language) -> str:
    known = {h.hall: hall_name(h, language) for h in scenario.halls}
    return "|".join(known.get(name, name) for name in names)


def conflict_lines(
    conflict: tuple[str, ...], scenario: Scenario, places: Mapping[str, str], language: Language
) -> list[str]:
    """The limits that contradict each other, each with its place."""
    return [_placed(name, scenario, places, language) for name in conflict]


def _placed(name: str, scenario: Scenario, places: Mapping[str, str], language: Language) -> str:
    place = place_of(name, places)
    text = limit_text(name, scenario, language)
    return f"{place}: {text}" if place else text


def relaxation_lines(
    relaxed: pd.DataFrame, scenario: Scenario, places: Mapping[str, str], language: Language
) -> list[str]:
    """The least relaxation, one line per limit: what it would have to be, and where."""
    lines = []
    for name, rows in relaxed.groupby("name", sort=False):
        limit = _placed(str(name), scenario, places, language)
        lines.append(f"{limit} → {_values(rows)}{_where(rows, scenario, language)}")
    return lines


def _values(rows: pd.DataFrame) -> str:
    return "/".join(str(v) for v in sorted(set(_needed(rows))))


def _needed(rows: pd.DataFrame) -> Iterator[int]:
    """What each limit would have to be."""
    row: Any
    for row in rows.itertuples():
        yield int(row.least - row.by) if pd.notna(row.least) else int(row.most + row.by)


def _where(rows: pd.DataFrame, scenario: Scenario, language: Language) -> str:
    """The halls, where not all of the limit's, and the periods."""
    put = translator("limits", language)
    halls = list(dict.fromkeys(h for names in rows["halls"] for h in names.split("|")))
    periods = ", ".join(str(p + 1) for p in sorted(set(rows["period"])))
    many = _halls(tuple(halls[:3]), scenario, language) + ("…" if len(halls) > 3 else "")
    count = put("{n} halls").format(n=len(halls)) + ": " if len(halls) > 3 else ""
    return put(" ({halls}; periods {periods})").format(halls=count + many, periods=periods)
