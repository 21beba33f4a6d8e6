"""Duties of whole months: for every unit and number of open windows, which rows of one duty table."""

from __future__ import annotations

import numpy as np

from hallsim.demand import Month
from hallsim.records import Duties, Ints
from hallsim.stations import Station, columns, duties


class Rota:
    """All duty rows a month can need, each pattern stored once.

    Attributes:
        window, items, on, off, speed: columns of the duty table, as in `records.Duties`.
        staffed: rostered window-seconds by pattern.
        close: closing second by pattern; 0 where nothing opens.
    """

    def __init__(self, month: Month, stations: list[Station]) -> None:
        """Lay out the patterns of all kinds of station and day, by number of open windows."""
        hours = month.scenario.hours
        rows: list[tuple[int, ...]] = []
        first: list[int] = []
        last: list[int] = []
        staffed: list[int] = []
        close: list[int] = []
        alike: dict[tuple[object, ...], int] = {}  # stations of the same windows
        sort_of = [alike.setdefault((s.windows, s.machine), len(alike)) for s in stations]
        number, openings = month.openings
        opening = number[:, [s.hall for s in stations]].reshape(-1)
        sort = np.tile(np.array(sort_of, np.int64), len(month.dates))
        _, example, which = np.unique(
            sort * len(openings) + opening, return_index=True, return_inverse=True
        )
        base: list[int] = []
        for unit in example.tolist():
            base.append(len(first))
            station, (hall, sessions) = stations[unit % len(stations)], openings[opening[unit]]
            for k in range(len(station.windows) + 1):
                own = duties(station, sessions, hours[hall.hours], k)
                first.append(len(rows))
                rows += own
                last.append(len(rows))
                staffed.append(sum(off - on for _, _, on, off, _ in own))
                close.append(max((off for _, _, _, off, _ in own), default=0))
        self._pattern = np.array(base, np.int64)[which]
        self.window, self.items, self.on, self.off, self.speed = columns(rows, 5)
        self._first, self._last = np.array(first, np.int64), np.array(last, np.int64)
        self._staffed, self._close = np.array(staffed, np.int64), np.array(close, np.int64)

    def span(self, windows_open: Ints) -> tuple[Ints, Ints]:
        """First and last duty row of every unit when so many windows are open in each."""
        pattern = self._pattern + windows_open
        return self._first[pattern], self._last[pattern]

    def staffed(self, windows_open: Ints) -> Ints:
        """Rostered window-seconds of every unit."""
        return self._staffed[self._pattern + windows_open]

    def closing(self, windows_open: Ints) -> Ints:
        """Closing second of every unit."""
        return self._close[self._pattern + windows_open]

    def duties(self, windows_open: Ints) -> Duties:
        """The duties of all units as a table for any engine: unit u is day u, hall 0."""
        first, last = self.span(windows_open)
        index = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
        unit = np.repeat(np.arange(len(first)), last - first)
        return Duties(
            unit, np.zeros_like(unit), self.window[index], self.items[index],
            self.on[index], self.off[index], self.speed[index],
        )  # fmt: skip

    @property
    def plain(self) -> bool:
        """Whether all windows that see the same visitors serve the same items."""
        last = np.maximum(self._last - 1, self._first)
        changes = np.concatenate(([0], np.cumsum(np.diff(self.items) != 0), [0]))
        return bool((changes[self._first] == changes[last])[self._last > self._first].all())

    @property
    def base(self) -> Ints:
        """[units]: pattern number of zero open windows; pattern + k is k open windows."""
        return self._pattern

    @property
    def rows_of_pattern(self) -> tuple[Ints, Ints]:
        """First and last duty row by pattern."""
        return self._first, self._last

    @property
    def close_of_pattern(self) -> Ints:
        """Closing second by pattern."""
        return self._close
