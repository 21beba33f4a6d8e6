"""The tables that engines know: visitors and duties in, visits out.

All columns are one-dimensional `int64` arrays of equal length.  Days and halls are small codes;
times are whole seconds after midnight.  `NEVER` stands for an empty cell: infinite patience, or a
moment that did not come.  Engines know these arrays only, never a scenario.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Int = int | np.signedinteger[Any]

NEVER = -1
SERVED, ABANDONED, TURNED_AWAY, BALKED, VOID = range(5)
OUTCOMES = ("served", "abandoned", "turned_away", "balked", "void")


@dataclass(frozen=True, slots=True)
class Records:
    """Columns of equal length."""

    def __post_init__(self) -> None:
        lengths = {f.name: len(getattr(self, f.name)) for f in dataclasses.fields(self)}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of unequal length: {lengths}")

    def __len__(self) -> int:
        return len(getattr(self, dataclasses.fields(self)[0].name))

    def rows(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Self:
        """The same columns, only the rows at `index`."""
        return type(self)(
            **{f.name: getattr(self, f.name)[index] for f in dataclasses.fields(self)}
        )

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(
            np.array_equal(getattr(self, f.name), getattr(other, f.name))
            for f in dataclasses.fields(self)
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True, eq=False)
class Visitors(Records):
    """One row per visitor; within a day and hall in ticket order (by arrival, ties in row order)."""

    day: Ints
    hall: Ints
    arrival: Ints
    item: Ints
    """code of the item, 0 … 62"""
    credit: Ints
    """seconds by which the ticket counts as earlier"""
    service: Ints
    """work at a window of normal speed, seconds, at least 1"""
    patience: Ints
    """seconds, or NEVER for a visitor who waits for ever"""
    balk_at: Ints = None  # type: ignore[assignment]
    """leaves at once where so many are waiting in the hall; NEVER (the default) = stays"""
    visit: Ints = None  # type: ignore[assignment]
    """number of the visit, shared by its stages, unique within its day; default: a visit per row"""
    stage: Ints = None  # type: ignore[assignment]
    """1, 2, …; default 1.  `arrival` and `hall` of later stages are ignored"""
    walk: Ints = None  # type: ignore[assignment]
    """seconds from the end of the stage before to the ticket of this one; default 0"""

    def __post_init__(self) -> None:
        n = len(self.day)
        usual = {"balk_at": NEVER, "stage": 1, "walk": 0}
        for name, value in usual.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, np.full(n, value, np.int64))
        if self.visit is None:
            object.__setattr__(self, "visit", np.arange(n))
        Records.__post_init__(self)


@dataclass(frozen=True, slots=True, eq=False)
class Choices(Records):
    """Halls that visitors may choose from, an entry per visitor and hall, in the order of naming.

    Visitors who choose have NEVER as their `hall`.
    """

    row: Ints
    """row of `Visitors` (a first stage), ascending"""
    hall: Ints
    travel: Ints
    """seconds from the arrival to this hall"""


@dataclass(frozen=True, slots=True, eq=False)
class Duties(Records):
    """One row per window and spell; two duties of one window do not overlap."""

    day: Ints
    hall: Ints
    window: Ints
    """window id, unique within its hall"""
    items: Ints
    """bit set of the items served; ALL_ITEMS = `*`"""
    on: Ints
    off: Ints
    """in force while on <= t < off"""
    speed: Ints
    """whole percent of normal speed"""


ALL_ITEMS = -1
"""Every bit set: a duty that lists `*`.  Sorts after every list of items."""


@dataclass(frozen=True, slots=True, eq=False)
class Visits(Records):
    """What happened, one row per row of `Visitors`, in the same order."""

    outcome: Ints
    """SERVED, ABANDONED, TURNED_AWAY, BALKED or VOID (a stage never reached)"""
    hall: Ints
    """the hall of the visit, chosen or given"""
    window: Ints
    ticket: Ints
    called: Ints
    finished: Ints
