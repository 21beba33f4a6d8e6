"""What checks find, and what they look at: a scenario, perhaps without the parts that did not validate.

`Draft` says which parts those are, so that nothing is blamed on the missing of a row that is only
wrong in itself.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hallsim.problems import Loc, nearest
from hallsim.scenario import TIER_WORDS, Hall, Scenario, Selector


class Finding(NamedTuple):
    """Something wrong between values; `loc` counts the rows of the draft."""

    loc: Loc
    rule: str
    value: Any = None
    params: Mapping[str, Any] = {}
    candidates: Iterable[str] = ()
    other: Loc | None = None
    near: str | None = None
    """The right name, where it is known better than by its letters."""


@dataclass(frozen=True)
class Draft:
    """A scenario, perhaps without the parts that did not validate."""

    scenario: Scenario
    unread: frozenset[str] = frozenset()
    """Sections of which nothing is known."""
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Ids in sections with broken entries: they exist, though their rows are left out."""
    patched: frozenset[tuple[str, int]] = frozenset()
    """Tables and rows of the draft in which a stand-in replaces a wrong value."""

    @functools.cached_property
    def selector(self) -> Selector:
        """The halls that are there, by what selects them."""
        return Selector(self.scenario.halls)

    def whole(self, *sections: str) -> bool:
        """Whether all of these sections are there and without broken entries."""
        return not any(s in self.unread or s in self.names for s in sections)

    def sound(self, table: str) -> list[tuple[int, Any]]:
        """The rows of a table without stand-ins, with their numbers."""
        rows = enumerate(getattr(self.scenario, table))
        return [(n, row) for n, row in rows if (table, n) not in self.patched]

    def knows(self, section: str, name: str) -> bool:
        """Whether the name may be one of the parts that were left out."""
        return section in self.unread or name in self.names.get(section, ())


Check = Callable[[Draft], Iterator[Finding]]


def repeated(
    table: str, column: str, keys: Sequence[Any], rule: str = "duplicate"
) -> Iterator[Finding]:
    """Keys of the rows of a table that were there before."""
    first: dict[Any, int] = {}
    for n, key in enumerate(keys):
        if key in first:
            text = key if isinstance(key, str) else key[-1]
            yield Finding((table, n, column), rule, text, other=(table, first[key], column))
        first.setdefault(key, n)


def means_a_hall(d: Draft, name: str) -> bool:
    """Whether a part of a selector means a hall, as far as it can be told."""
    if name in d.selector:
        return True
    pattern = name.startswith("@") or name.endswith("/*") or name == "*"
    return d.knows("halls", name) or (pattern and not d.whole("halls"))


def called(d: Draft, name: str) -> str | None:
    """The id of the first hall in whose name, Chinese or English, this stands."""
    if len(name) < 2:
        return None
    halls = d.scenario.halls
    return next((h.hall for h in halls if name.lower() in f"{h.name}|{h.name_en}".lower()), None)


def selectors(s: Scenario) -> list[str]:
    """Every part of a selector that means a hall."""
    tiers = [f"@{t}" for t in TIER_WORDS.all]
    return [h.hall for h in s.halls] + tiers + [f"{h.hall}/*" for h in s.halls]


def some(names: Sequence[str]) -> str:
    """The first few names."""
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def totals(rows: Iterable[Any]) -> Counter[str]:
    """The counts of rows by hall."""
    found: Counter[str] = Counter()
    for row in rows:
        found[row.hall] += row.count
    return found


def halls_named(d: Draft, names: Iterable[str]) -> list[Hall]:
    """The halls that a selector names, those it misspells left out."""
    known = tuple(name for name in names if name in d.selector)
    return [d.scenario.halls[place] for place in d.selector(known)]


def season(table: str, n: int, first: str, last: str) -> Iterator[Finding]:
    """The first and last day of a row exist, are of the same form and in order; empty is no bound.

    Those without a year may pass New Year.
    """
    wrong = [(c, day) for c, day in (("first", first), ("last", last)) if day and not _is_day(day)]
    for column, day in wrong:
        yield Finding((table, n, column), "day", day)
    if 5 in (len(first), len(last)) and len(first) != len(last):
        yield Finding((table, n, "last"), "day_forms", last or None)
    elif not wrong and len(first) > 5 and last and first > last:
        yield Finding((table, n, "last"), "day_order", last)


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text if len(text) > 5 else f"2000-{text}")  # 2000 has a 29 February
    except ValueError:
        return False
    return True


def suggestion(finding: Finding) -> str | None:
    """The nearest right name, if the finding is about a name."""
    if finding.near or finding.value is None:
        return finding.near
    return nearest(finding.value, [c for c in finding.candidates if c != finding.value])
