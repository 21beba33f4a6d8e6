"""Draw, simulate and count one unit after the other: of a month only its sums are kept.

The fast way through a month in which visitors have nothing but moment, work, class and patience
(`draw.Chance.plain`).  Memory is that of the fullest hall-day; every staffing sees the same people.
The sums are those of drawing the whole `Crowd`, simulating and counting it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from hallsim.compiled import hall_day, longest, room
from hallsim.counting import Sums, Told, count_unit
from hallsim.draw import Chance
from hallsim.lives import Classes, Laws, Rows, Shapes, Streams, draw_unit, sorting
from hallsim.measure import Ledger, Tally
from hallsim.records import NEVER, TURNED_AWAY, Int, Ints
from hallsim.rota import Rota

_COLUMNS = 14  # of room for the visitors of a unit


def run_month(
    chance: Chance, rota: Rota, ledger: Ledger, opened: Sequence[Ints], replication: int
) -> list[Tally]:
    """The tallies of one replication under several staffings, `opened` windows [U] each."""
    count, first = chance.head_counts(replication)
    spans = [rota.span(windows) for windows in opened]
    begin, end = (np.stack(columns) for columns in zip(*spans, strict=True))
    close = np.stack([rota.closing(windows) for windows in opened])
    found = ledger.sums(len(opened))
    space = np.empty((_COLUMNS, longest(first[:-1], first[1:])), np.int64)
    _run(
        count, first, replication, *chance.rules, begin, end, rota.window, rota.items, rota.on,
        rota.off, rota.speed, close, ledger.within, found,
        space,
    )  # fmt: skip
    return [
        ledger.tally(Sums(*(column[k] for column in found)), rota.staffed(windows))
        for k, windows in enumerate(opened)
    ]


@njit(cache=True, nogil=True)
def _run(
    count: Ints, first: Ints, replication: int, streams: Streams, shapes: Shapes, last_ticket: Ints,
    laws: Laws, classes: Classes, begin: Ints, end: Ints,
    window: Ints, items: Ints, on: Ints, off: Ints, speed: Ints, close: Ints, within: Ints, into: Sums,
    space: Ints,
) -> None:  # fmt: skip
    """Duty rows begin[k, u]:end[k, u], closing second [K, U]; `into` has the staffings in front."""
    duties: Int = 0
    for k in range(len(begin)):
        duties = max(duties, longest(begin[k], end[k]))
    order = sorting(space[0], space[1], count.shape[1])
    lines = room(space[2], duties)
    hours = np.zeros(into.hall_hour.shape[2:], np.int64)
    none = np.empty(0, np.int64)
    rows = Rows(space[3], space[4], space[5], space[6], space[7], space[8])
    told = Told(space[9], space[10], space[11], space[12], space[13])
    stations = len(streams.hall_of)
    for u in range(len(count)):
        n = first[u + 1] - first[u]
        if n == 0:
            continue
        late = draw_unit(
            u, 0, count[u], replication, streams, shapes, last_ticket, laws, classes, rows, order
        )
        m = n - late
        h = streams.hall_of[u % stations]
        for k in range(len(begin)):
            c, d = begin[k, u], end[k, u]
            if k == 0 or c != begin[k - 1, u] or d != end[k - 1, u]:  # else all is as it was
                told.outcome[:m] = NEVER
                told.outcome[m:n] = TURNED_AWAY
                told.ticket[:n] = NEVER
                hall_day(
                    rows.arrival[:m], rows.item[:m], rows.credit[:m], rows.service[:m],
                    rows.patience[:m], none, none, none,
                    window[c:d], items[c:d], on[c:d], off[c:d], speed[c:d], True,
                    told.outcome[:m], told.window[:m], told.ticket[:m], told.called[:m],
                    told.finished[:m], lines,
                )  # fmt: skip
            sums = Sums(
                into.unit[k], into.hall_hour[k], into.cell[k], into.queue[k], into.hall[k],
                into.day[k], into.hour[k], into.item[k], into.kind[k],
            )  # fmt: skip
            count_unit(
                u, u // stations, h, 0, n, close[k, u], within[h], rows, none, told, sums, hours
            )
