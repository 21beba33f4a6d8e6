"""Stations, and the duties of a day from the number of windows open.

A *station* is a set of windows in a hall that shares no item with the hall's other windows: people
queue for it as if it stood alone.  A hall of comprehensive windows is one station.  It is the unit
of simulation, of the waiting tables and of staffing.  Visits that go from counter to counter join
the windows of their items; where people count the whole hall before they turn round, a hall is one.
Self-service machines are stations of their own, without clerks and always open.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import operator
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from hallsim.checks import MAX_ITEMS
from hallsim.records import ALL_ITEMS, Ints
from hallsim.scenario import MACHINE, Clerks, Hours, Scenario, Session, Windows

T = TypeVar("T", Windows, Clerks)


@dataclass(frozen=True, slots=True)
class Window:
    """A window: its number in the hall (from 1), the bit set of its items, its speed in percent.

    The speed is that of the window under the clerks of its hall; `machine`: it needs none.
    """

    number: int
    items: int
    speed: int
    label: str
    machine: bool = False


@dataclass(frozen=True, slots=True)
class Station:
    """Windows of one hall that serve the same visitors.

    Attributes:
        hall: index of the hall.
        windows: in the order in which they are staffed as clerks come.
        items: bit set of the items served; ALL_ITEMS where a window takes everything.
        groups: names of the skill groups that can work here: they can do every item of it.
        machine: whether these are self-service machines: all open, without clerks.
    """

    hall: int
    windows: tuple[Window, ...]
    items: int
    groups: tuple[str, ...]
    machine: bool = False

    @property
    def label(self) -> str:
        """Names of its groups of windows."""
        return "/".join(dict.fromkeys(w.label for w in self.windows))


def item_bits(scenario: Scenario, names: tuple[str, ...]) -> int:
    """Bit set of item names; ALL_ITEMS for `*`."""
    if "*" in names:
        return ALL_ITEMS
    code = {item.item: i for i, item in enumerate(scenario.items)}
    return sum(1 << code[name] for name in set(names))


def stations(scenario: Scenario) -> list[Station]:
    """All stations, in hall order; a hall without windows has none.

    Raises:
        ValueError: more items than a bit set holds, in a scenario that was not read from files.
    """
    if len(scenario.items) > MAX_ITEMS:
        raise ValueError(f"{len(scenario.items)} items; there is room for {MAX_ITEMS}")
    skills, joined = group_skills(scenario), _joined_items(scenario)
    rows, clerks = _by_hall(w for w in scenario.windows if w.count), _by_hall(scenario.clerks)
    alike: dict[tuple[object, ...], list[Station]] = {}
    found = []
    for h, hall in enumerate(scenario.halls):
        windows, staff = rows[hall.hall], clerks[hall.hall]
        key = (
            tuple((w.kind, w.label, w.items, w.count, w.speed) for w in windows),
            tuple((c.count, c.speed) for c in staff),
        )
        if key not in alike:
            alike[key] = _stations_of(_windows(scenario, windows, staff), scenario, skills, joined)
        found += [dataclasses.replace(station, hall=h) for station in alike[key]]
    return found


def _by_hall(rows: Iterable[T]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for row in rows:
        found[row.hall].append(row)
    return found


def _stations_of(
    windows: list[Window], scenario: Scenario, skills: dict[str, int], joined: list[int]
) -> list[Station]:
    """The stations of a hall that is yet to be named."""
    every = item_bits(scenario, tuple(item.item for item in scenario.items))
    sides = [w for w in windows if not w.machine], [w for w in windows if w.machine]
    parts = [part for side in sides for part in _components(side, joined)]
    found = []
    for part in sorted(parts, key=lambda p: p[0].number):
        items = _union(part)
        machine = part[0].machine
        able = tuple(g for g, bits in skills.items() if items & every & ~bits == 0)
        found.append(Station(-1, _staffing_order(part), items, () if machine else able, machine))
    return found


def _windows(scenario: Scenario, rows: list[Windows], clerks: list[Clerks]) -> list[Window]:
    """The windows of a hall; where it has machines, `*` at a clerk's window leaves their items out."""
    by_machine = _or(item_bits(scenario, row.items) for row in rows if row.kind == MACHINE)
    every = item_bits(scenario, tuple(item.item for item in scenario.items))
    windows: list[Window] = []
    for row in rows:
        machine = row.kind == MACHINE
        bits = item_bits(scenario, row.items)
        if bits == ALL_ITEMS and by_machine and not machine:
            bits = every & ~by_machine
        speed = row.speed if machine else _clerk_speed(clerks, row.speed)
        windows += [
            Window(len(windows) + k + 1, bits, speed, row.label or row.kind, machine)
            for k in range(row.count)
        ]
    return windows


def _clerk_speed(rows: list[Clerks], window: int) -> int:
    """Whole percent, halves up and at least 1, under the hall's clerks: the mean of its rows by count."""
    weights = [row.count for row in rows] if any(row.count for row in rows) else [1] * len(rows)
    speed = sum(row.speed * n for row, n in zip(rows, weights, strict=True)) if rows else 100
    whole = 100 * (sum(weights) or 1)
    return max(1, (2 * window * speed + whole) // (2 * whole))


def group_skills(scenario: Scenario) -> dict[str, int]:
    """Skill group to the bit set of items it can handle everywhere (what all its clerks share)."""
    found: dict[str, int] = {}
    row: Clerks
    for row in scenario.clerks:
        if row.count:
            found[row.group] = found.get(row.group, ALL_ITEMS) & item_bits(scenario, row.skills)
    return found


def _union(windows: list[Window]) -> int:
    return _or(w.items for w in windows)


def _or(sets: Iterable[int]) -> int:
    return functools.reduce(operator.or_, sets, 0)


def _joined_items(scenario: Scenario) -> list[int]:
    """Bit sets of items whose windows cannot be looked at apart."""
    if any(c.balk_at for c in scenario.classes.values()):
        return [ALL_ITEMS]
    return [item_bits(scenario, (i.item, i.next)) for i in scenario.items if i.next]


def _components(windows: list[Window], joined: list[int]) -> list[list[Window]]:
    def reach(window: Window) -> int:
        return window.items | _or(bits for bits in joined if bits & window.items)

    parts: list[list[Window]] = []
    for window in windows:
        touching = [p for p in parts if _or(map(reach, p)) & reach(window)]
        merged = [w for p in touching for w in p] + [window]
        parts = [p for p in parts if p not in touching] + [sorted(merged, key=lambda w: w.number)]
    return sorted(parts, key=lambda p: p[0].number)


def _staffing_order(windows: list[Window]) -> tuple[Window, ...]:
    """The widest window first, so that one clerk can serve everybody; then kinds in proportion."""
    kinds: dict[int, list[Window]] = {}
    for w in windows:
        kinds.setdefault(w.items, []).append(w)
    order: list[tuple[float, int, Window]] = []
    for rank, bits in enumerate(sorted(kinds, key=lambda b: (b != ALL_ITEMS, -b.bit_count()))):
        same = kinds[bits]
        order += [(k / len(same), rank, w) for k, w in enumerate(same)]
    return tuple(w for _, _, w in sorted(order, key=lambda entry: entry[:2]))


def duties(
    station: Station, sessions: tuple[Session, ...], hours: Hours, windows_open: int
) -> list[tuple[int, int, int, int, int]]:
    """(window, items, on, off, speed) of a day on which so many windows are open.

    A session with a share opens that share of them, rounded up.  Where a session runs over lunch,
    window k rests in wave k modulo the number of waves.  Machines know neither.
    """
    if station.machine:
        open_ones = station.windows[:windows_open]
        return sorted(
            (w.number, w.items, s.on, s.off, w.speed) for s in sessions for w in open_ones
        )
    rows = []
    for session in sessions:
        here = station.windows[: math.ceil(windows_open * session.share - 1e-9)]
        for k, w in enumerate(here):
            for on, off in _spells(session, hours, k):
                rows.append((w.number, w.items, on, off, w.speed))
    return sorted(rows)


def _spells(session: Session, hours: Hours, place: int) -> list[tuple[int, int]]:
    lunch = hours.lunch
    if lunch is None or session.on > lunch.first or session.off < lunch.last:
        return [(session.on, session.off)]
    length = (lunch.last - lunch.first) // lunch.waves
    begin = lunch.first + (place % lunch.waves) * length
    spells = [(session.on, begin), (begin + length, session.off)]
    return [(on, off) for on, off in spells if on < off]


def columns(rows: list[tuple[int, ...]], width: int) -> list[Ints]:
    """Rows to `width` int64 columns."""
    table = np.array(rows, np.int64).reshape(len(rows), width)
    return [np.ascontiguousarray(table[:, k]) for k in range(width)]


def group_names(scenario: Scenario) -> tuple[str, ...]:
    """Skill groups in order of first mention."""
    return tuple(dict.fromkeys(row.group for row in scenario.clerks))


def head_count(scenario: Scenario, column: str) -> Ints:
    """[H, G] of `count` or `minimum` of the clerks table; a row without clerks has no minimum."""
    groups = group_names(scenario)
    hall = {h.hall: k for k, h in enumerate(scenario.halls)}
    out = np.zeros((len(scenario.halls), len(groups)), np.int64)
    for row in scenario.clerks:
        if row.count:
            out[hall[row.hall], groups.index(row.group)] += getattr(row, column)
    return out


def home_of_stations(scenario: Scenario, parts: list[Station]) -> Ints:
    """[S]: clerks at home by station; a hall's clerks shared out by windows, one at least to each."""
    return home_by_group(scenario, parts).sum(axis=1)


def home_by_group(scenario: Scenario, parts: list[Station]) -> Ints:
    """[S, G]: the same by skill group."""
    count = head_count(scenario, "count")
    out = np.zeros((len(parts), count.shape[1]), np.int64)
    of_hall: dict[int, list[int]] = defaultdict(list)
    for s, part in enumerate(parts):
        of_hall[part.hall].append(s)
    for g, name in enumerate(group_names(scenario)):
        for h, own in of_hall.items():
            able = [s for s in own if name in parts[s].groups]
            out[able, g] = share_out(int(count[h, g]), [len(parts[s].windows) for s in able])
    _leave_none_empty(out, parts, of_hall, group_names(scenario))
    return out


def _leave_none_empty(
    clerks: Ints, parts: list[Station], of_hall: dict[int, list[int]], groups: tuple[str, ...]
) -> None:
    """Where a queue has no clerk and another one of the hall has two or more, the fullest gives one."""
    for s in np.flatnonzero(~clerks.any(axis=1)).tolist():
        able = [g for g, name in enumerate(groups) if name in parts[s].groups]
        donors = {
            (k, g): clerks[k].sum() / len(parts[k].windows)
            for k in of_hall[parts[s].hall]
            for g in able
            if clerks[k, g] and clerks[k].sum() > 1
        }
        if donors:
            k, g = max(donors, key=lambda pair: donors[pair])
            clerks[k, g] -= 1
            clerks[s, g] += 1


def share_out(total: int, weights: list[int]) -> list[int]:
    """Whole numbers that sum to the total, in proportion (largest remainders)."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    exact = [total * w / whole for w in weights]
    found = [int(e) for e in exact]
    by_rest = sorted(range(len(exact)), key=lambda k: found[k] - exact[k])
    for k in by_rest[: total - sum(found)]:
        found[k] += 1
    return found
