"""Limits in the planner's words: where each stands, what it asks, and what it would have to give."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from hallsim import synonyms
from hallsim.report_words import hall_name, listed
from hallsim.scenario import Scenario, Selector, Transfers
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
    """What a limit asks, as in `Minzhi: least clerks 12`."""
    put = translator("limits", language)
    row = _ROW.match(name)
    if row and row[1] == "limits":
        limit = scenario.limits[int(row[2])]
        text = put("{halls}: {what}").format(
            halls=_halls(limit.halls, scenario, language),
            what=f"{_kind(limit.limit, language)} {limit.value}",
        )
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
    """Halls and selectors of halls, as people call them."""
    put = translator("limits", language)
    known = {h.hall: hall_name(h, language) for h in scenario.halls}
    groups = {
        "*": put("every hall"),
        "@district": put("every district hall"),
        "@street": put("every street hall"),
        "@community": put("every community hall"),
    }

    def words(name: str) -> str:
        if name.endswith("/*") and name[:-2] in known:
            return put("{hall} and its communities").format(hall=known[name[:-2]])
        return groups.get(name) or known.get(name, name)

    return listed(map(words, names), language)


def conflict_lines(
    conflict: tuple[str, ...], scenario: Scenario, places: Mapping[str, str], language: Language
) -> list[str]:
    """The limits that contradict each other, each with its place."""
    return [_placed(name, scenario, places, language) for name in conflict]


def _placed(name: str, scenario: Scenario, places: Mapping[str, str], language: Language) -> str:
    place = place_of(name, places)
    text = limit_text(name, scenario, language)
    return (
        translator("limits", language)("{place}: {text}").format(place=place, text=text)
        if place
        else text
    )


def relaxation_lines(
    relaxed: pd.DataFrame, scenario: Scenario, places: Mapping[str, str], language: Language
) -> list[str]:
    """The least relaxation, one line per limit: what it would have to be, and where."""
    lines = []
    for name, rows in relaxed.groupby("name", sort=False):
        limit = _placed(str(name), scenario, places, language)
        lines.append(
            f"{limit} → {_values(rows, language)}{_where(str(name), rows, scenario, language)}"
        )
    return lines


def _values(rows: pd.DataFrame, language: Language) -> str:
    """The number, or the least and the most of those of several halls and periods."""
    needed = sorted(set(_needed(rows)))
    if len(needed) == 1:
        return str(needed[0])
    to = translator("limits", language)("{least} to {most}")
    return to.format(least=needed[0], most=needed[-1])


def _needed(rows: pd.DataFrame) -> Iterator[int]:
    """What each limit would have to be."""
    row: Any
    for row in rows.itertuples():
        yield int(row.least - row.by) if pd.notna(row.least) else int(row.most + row.by)


def _where(name: str, rows: pd.DataFrame, scenario: Scenario, language: Language) -> str:
    """The halls, where not all of the limit's, and the periods."""
    put = translator("limits", language)
    periods = put("periods {periods}").format(periods=_runs(sorted(set(rows["period"]))))
    halls = tuple(dict.fromkeys(h for names in rows["halls"] for h in names.split("|")))
    if set(halls) == _halls_of(name, scenario):
        return put(" ({where})").format(where=periods)
    some = _halls(halls[:3], scenario, language)
    if len(halls) > 3:
        some = put("{n} halls: {some} …").format(n=len(halls), some=some)
    return put(" ({where})").format(
        where=put("{halls}; {periods}").format(halls=some, periods=periods)
    )


def _halls_of(name: str, scenario: Scenario) -> set[str]:
    """The halls that a limit of one of the tables is about."""
    row = _ROW.match(name)
    if row and row[1] == "limits":
        places = Selector(scenario.halls)(scenario.limits[int(row[2])].halls)
        return {scenario.halls[place].hall for place in places}
    return {scenario.clerks[int(row[2])].hall} if row and row[1] == "clerks" else set()


def _runs(periods: list[int]) -> str:
    """Numbers from 1 on, those in a row as `1–4`."""
    runs: list[list[int]] = []
    for p in periods:
        if runs and runs[-1][-1] == p - 1:
            runs[-1].append(p)
        else:
            runs.append([p])
    return ", ".join(f"{a[0] + 1}–{a[-1] + 1}" if len(a) > 1 else str(a[0] + 1) for a in runs)
