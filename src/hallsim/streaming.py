"""Draw, simulate and count one unit after the other: of a month only its sums are kept.

The fast way through a month of plain visitors at plain windows (`draw.Chance.plain`, `rota.Rota.plain`).
Memory is that of the fullest hall-day; every staffing sees the same people.  The sums are those of
drawing the whole `Crowd`, simulating and counting it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from hallsim.compiled import Room, longest, plain_day, room
from hallsim.counting import COSTS, Sums, Told, cost_unit, count_unit
from hallsim.demand import Floats
from hallsim.draw import Chance
from hallsim.lives import Classes, Laws, Rows, Shapes, Sorting, Streams, draw_unit, sorting
from hallsim.measure import Ledger, Tally
from hallsim.records import NEVER, TURNED_AWAY, Int, Ints
from hallsim.rota import Rota

_COLUMNS = 14  # of room for the visitors of a unit
_KEPT = threading.local()  # touching new memory would cost as much as drawing
_KEEP_BYTES = 1 << 26


def month_tallies(
    chance: Chance, rota: Rota, ledger: Ledger, opened: Sequence[Ints], replication: int
) -> list[Tally]:
    """The tallies of one replication under several staffings, `opened` windows [U] each."""
    count, first = chance.head_counts(replication)
    found = ledger.sums(len(opened))
    _count(
        count,
        first,
        replication,
        *chance.rules,
        _duties(rota, opened),
        ledger.within,
        found,
        _space(first),
    )
    return [
        ledger.tally(Sums(*(column[k] for column in found)), rota.staffed(windows))
        for k, windows in enumerate(opened)
    ]


def month_costs(
    chance: Chance, rota: Rota, within: Ints, opened: Sequence[Ints], replication: int
) -> Floats:
    """[U, K, 6]: the cost (`counting.cost_unit`) of every unit under the K numbers of windows `opened`.

    `within` is the target time by hall, [H] seconds.
    """
    count, first = chance.head_counts(replication)
    cost = np.zeros((len(count), len(opened), len(COSTS)))
    _cost(
        count,
        first,
        replication,
        *chance.rules,
        _duties(rota, opened),
        within,
        cost,
        _space(first),
    )
    return cost


class _Duties(NamedTuple):
    """Duty rows begin[k, u]:end[k, u] of a table, and closing second [K, U]."""

    begin: Ints
    end: Ints
    window: Ints
    items: Ints
    on: Ints
    off: Ints
    speed: Ints
    close: Ints


def _duties(rota: Rota, opened: Sequence[Ints]) -> _Duties:
    spans = [rota.span(windows) for windows in opened]
    begin, end = (np.stack(columns) for columns in zip(*spans, strict=True))
    close = np.stack([rota.closing(windows) for windows in opened])
    return _Duties(begin, end, rota.window, rota.items, rota.on, rota.off, rota.speed, close)


def _space(first: Ints) -> Ints:
    """Room for the visitors of the longest unit, kept for the next replication if it is not huge."""
    rows = int(longest(first[:-1], first[1:]))
    kept: Ints | None = getattr(_KEPT, "space", None)
    if kept is not None and kept.shape[1] >= rows:
        return kept
    space = np.empty((_COLUMNS, rows + rows // 8), np.int64)
    if space.nbytes <= _KEEP_BYTES:
        _KEPT.space = space
    return space


@njit(cache=True, nogil=True, error_model="numpy")
def _rooms(space: Ints, items: Int, duties: _Duties) -> tuple[Sorting, Room, Rows, Told]:
    most: Int = 0
    for k in range(len(duties.begin)):
        most = max(most, longest(duties.begin[k], duties.end[k]))
    return (
        sorting(space[0], space[1], items),
        room(space[2], most),
        Rows(space[3], space[4], space[5], space[6], space[7], space[8]),
        Told(space[9], space[10], space[11], space[12], space[13]),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _count(
    count: Ints, first: Ints, replication: int, streams: Streams, shapes: Shapes,
    last_ticket: Ints, laws: Laws, classes: Classes, duties: _Duties, within: Ints, into: Sums, space: Ints,
) -> None:  # fmt: skip
    """`into` has the staffings in front."""
    order, lines, rows, told = _rooms(space, count.shape[1], duties)
    hours = np.zeros(into.hall_hour.shape[2:], np.int64)
    none = np.empty(0, np.int64)
    stations = len(streams.hall_of)
    for u in range(len(count)):
        n = first[u + 1] - first[u]
        if n == 0:
            continue
        late = draw_unit(
            u, 0, count[u], replication, streams, shapes, last_ticket, laws, classes, rows, order
        )
        h = streams.hall_of[u % stations]
        for k in range(len(duties.begin)):
            if k == 0 or _differ(duties, u, k):
                _simulate(duties, u, k, n, late, rows, told, lines)
            sums = Sums(
                into.unit[k], into.hall_hour[k], into.cell[k], into.queue[k], into.hall[k],
                into.day[k], into.hour[k], into.item[k], into.kind[k],
            )  # fmt: skip
            count_unit(
                u,
                u // stations,
                h,
                0,
                n,
                duties.close[k, u],
                within[h],
                rows,
                none,
                told,
                sums,
                hours,
            )


@njit(cache=True, nogil=True, error_model="numpy")
def _cost(
    count: Ints, first: Ints, replication: int, streams: Streams, shapes: Shapes,
    last_ticket: Ints, laws: Laws, classes: Classes, duties: _Duties, within: Ints, cost: Floats, space: Ints,
) -> None:  # fmt: skip
    order, lines, rows, told = _rooms(space, count.shape[1], duties)
    none = np.empty(0, np.int64)
    stations = len(streams.hall_of)
    for u in range(len(count)):
        n = first[u + 1] - first[u]
        if n == 0:
            continue
        late = draw_unit(
            u, 0, count[u], replication, streams, shapes, last_ticket, laws, classes, rows, order
        )
        for k in range(len(duties.begin)):
            if k > 0 and not _differ(duties, u, k):
                cost[u, k] = cost[u, k - 1]
                continue
            _simulate(duties, u, k, n, late, rows, told, lines)
            h = streams.hall_of[u % stations]
            cost_unit(rows.patience[:n], none, told, duties.close[k, u], within[h], cost[u, k])


@njit(cache=True, nogil=True, error_model="numpy")
def _differ(duties: _Duties, u: Int, k: Int) -> bool:
    """Whether the windows of the unit are others than under the staffing before."""
    begin, end = duties.begin, duties.end
    same: bool = begin[k, u] == begin[k - 1, u] and end[k, u] == end[k - 1, u]
    return not same


@njit(cache=True, nogil=True, error_model="numpy")
def _simulate(
    duties: _Duties, u: Int, k: Int, n: Int, late: Int, rows: Rows, told: Told, lines: Room
) -> None:
    """What becomes of the n visitors of a unit, the last of whom came after the last ticket."""
    m = n - late
    a, b = duties.begin[k, u], duties.end[k, u]
    for v in range(n):
        told.outcome[v] = NEVER if v < m else TURNED_AWAY
        told.ticket[v] = NEVER
    plain_day(
        rows.arrival[:m], rows.item[:m], rows.credit[:m], rows.service[:m], rows.patience[:m],
        duties.window[a:b], duties.items[a] if b > a else np.int64(0), duties.on[a:b],
        duties.off[a:b], duties.speed[a:b], True,
        told.outcome[:m], told.window[:m], told.ticket[:m], told.called[:m], told.finished[:m], lines,
    )  # fmt: skip
