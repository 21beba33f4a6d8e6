"""The compiled engine: the rules of a hall-day as one loop over seconds at which something is due.

A *unit* is what can be simulated on its own: the people and windows of one hall (or one station of
a hall) on one day.  `simulate` takes whole tables; `run_units` is the entry for callers that hold
their rows sorted by unit.  Patience needs no events here: whoever comes up for a call after their
patience ended has left at that moment (rule 6), and nothing before the call depends on it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hallsim.records import (
    ABANDONED,
    ALL_ITEMS,
    NEVER,
    SERVED,
    TURNED_AWAY,
    Duties,
    Int,
    Ints,
    Visitors,
    Visits,
)

_FAR = np.int64(1) << 60
_ROW_BITS = 31
_NOBODY = np.int64(-1)


def simulate(visitors: Visitors, duties: Duties, serve_out: bool = True) -> Visits:
    """Send the visitors of any number of days and halls past the windows on duty.

    Rows of `visitors` must be in ticket order within each day and hall.  Rules: `docs/rules.md`.

    Raises:
        OverflowError: an arrival or a credit of 2**32 seconds (136 years) or more.
    """
    n = len(visitors)
    if max(visitors.arrival.max(initial=0), visitors.credit.max(initial=0)) >> 63 - _ROW_BITS:
        raise OverflowError("arrivals and credits must be below 2**32 seconds")
    order = np.lexsort((np.arange(n), visitors.hall, visitors.day))
    people = visitors.rows(order)
    rota = duties.rows(np.lexsort((np.arange(len(duties)), duties.hall, duties.day)))
    changes = np.flatnonzero(np.diff(people.day) | np.diff(people.hall)) + 1
    first = np.concatenate(([0], changes)).astype(np.int64)[: n and None]
    last = np.append(changes, n).astype(np.int64)[: n and None]
    place = _keys(rota.day, rota.hall)
    unit = _keys(people.day[first], people.hall[first])
    out = Visits(
        np.full(n, NEVER, np.int64), people.hall, *(np.full(n, NEVER, np.int64) for _ in range(4))
    )
    run_units(
        first, last, people.arrival, people.item, people.credit, people.service, people.patience,
        np.searchsorted(place, unit, "left"), np.searchsorted(place, unit, "right"),
        rota.window, rota.items, rota.on, rota.off, rota.speed, serve_out,
        out.outcome, out.window, out.ticket, out.called, out.finished,
    )  # fmt: skip
    back = np.empty(n, np.int64)
    back[order] = np.arange(n)
    return out.rows(back)


def _keys(day: Ints, hall: Ints) -> Ints:
    return (day << 32) | hall


@njit(cache=True, nogil=True)
def run_units(
    first: Ints,
    last: Ints,
    arrival: Ints,
    item: Ints,
    credit: Ints,
    service: Ints,
    patience: Ints,
    duty_first: Ints,
    duty_last: Ints,
    window: Ints,
    items: Ints,
    on: Ints,
    off: Ints,
    speed: Ints,
    serve_out: bool,
    outcome: Ints,
    out_window: Ints,
    ticket: Ints,
    called: Ints,
    finished: Ints,
) -> None:
    """Simulate unit u = visitor rows first[u]:last[u] under duty rows duty_first[u]:duty_last[u]."""
    for u in range(len(first)):
        a, b = first[u], last[u]
        c, d = duty_first[u], duty_last[u]
        hall_day(
            arrival[a:b], item[a:b], credit[a:b], service[a:b], patience[a:b],
            window[c:d], items[c:d], on[c:d], off[c:d], speed[c:d], serve_out,
            outcome[a:b], out_window[a:b], ticket[a:b], called[a:b], finished[a:b],
        )  # fmt: skip


@njit(cache=True, nogil=True)
def hall_day(
    arrival: Ints,
    item: Ints,
    credit: Ints,
    service: Ints,
    patience: Ints,
    window: Ints,
    items: Ints,
    on: Ints,
    off: Ints,
    speed: Ints,
    serve_out: bool,
    outcome: Ints,
    out_window: Ints,
    ticket: Ints,
    called: Ints,
    finished: Ints,
) -> None:
    """Simulate one unit; the last five columns, filled with NEVER, are written in place."""
    n, m = len(arrival), len(window)
    close = np.int64(-1)
    for d in range(m):
        close = max(close, off[d])
    if m == 0:  # rule 1: closed all day
        for v in range(n):
            outcome[v] = TURNED_AWAY
        return

    slot, slots = _window_slots(window)  # duty -> its window, numbered from 0
    rank = _calling_order(items)
    stays = np.full(slots, _NOBODY, np.int64)  # rule 8: the duty under which a window stays
    if serve_out:
        for d in range(m):
            if off[d] == close:
                stays[slot[d]] = d
    duty = np.full(slots, _NOBODY, np.int64)  # the duty a window is under; -1 = not on duty
    until = np.full(slots, _FAR, np.int64)  # end of the service under way; far = none
    edges = np.unique(np.concatenate((on, off)))

    queue_of, start = _queues(item, items)
    heap = np.empty(n, np.int64)
    size = np.zeros(len(start) - 1, np.int64)
    waiting = 0

    next_row, next_edge, next_end = 0, 0, _FAR
    while True:
        t = next_end
        if next_row < n:
            t = min(t, arrival[next_row])
        if next_edge < len(edges):
            t = min(t, edges[next_edge])
        if t == _FAR:
            break

        if t == next_end:  # A (a): services end
            next_end = _FAR
            for w in range(slots):
                if until[w] == t:
                    until[w] = _FAR
                    duty[w] = stays[w] if t >= close else _duty_in_force(w, t, slot, on, off)
                else:
                    next_end = min(next_end, until[w])

        if next_edge < len(edges) and t == edges[next_edge]:  # A (b): duties end, then begin
            next_edge += 1
            for d in range(m):
                w = slot[d]
                if off[d] == t and duty[w] == d and until[w] == _FAR and stays[w] != d:
                    duty[w] = _NOBODY
            for d in range(m):
                if on[d] == t and until[slot[d]] == _FAR:
                    duty[slot[d]] = d

        while next_row < n and arrival[next_row] == t:  # A (d): arrivals
            v = next_row
            next_row += 1
            if t >= close:  # rule 4
                outcome[v] = TURNED_AWAY
                continue
            ticket[v] = t
            q = queue_of[item[v]]
            _push(heap, start[q], size[q], ((t - credit[v]) << _ROW_BITS) | v)
            size[q] += 1
            waiting += 1

        if t == close:  # rule 8
            for q in range(len(size)):
                if not _served_by_a_stayer(q, queue_of, items, stays):
                    for k in range(start[q], start[q] + size[q]):
                        v = heap[k] & ((1 << _ROW_BITS) - 1)
                        gone = patience[v] != NEVER and ticket[v] + patience[v] <= t
                        outcome[v] = ABANDONED if gone else TURNED_AWAY
                    waiting -= size[q]
                    size[q] = 0

        if waiting == 0:
            continue
        for r in range(m):  # B: calls
            d = rank[r]
            w = slot[d]
            if duty[w] != d or until[w] != _FAR:
                continue
            while True:
                q = _best_queue(heap, start, size, queue_of, items[d])
                if q < 0:
                    break
                v = int(_pop(heap, start[q], size[q]) & ((1 << _ROW_BITS) - 1))
                size[q] -= 1
                waiting -= 1
                if patience[v] != NEVER and t > ticket[v] and ticket[v] + patience[v] <= t:
                    outcome[v] = ABANDONED  # rule 6: left before this call
                    continue
                called[v] = t
                finished[v] = t + (service[v] * 100 + speed[d] - 1) // speed[d]
                outcome[v] = SERVED
                out_window[v] = window[d]
                until[w] = finished[v]
                next_end = min(next_end, until[w])
                break
            if waiting == 0:
                break

    for v in range(n):  # whoever was still queueing when the last window stopped has left
        if outcome[v] == NEVER:
            outcome[v] = ABANDONED


@njit(cache=True, nogil=True)
def _window_slots(window: Ints) -> tuple[Ints, Int]:
    slot = np.empty(len(window), np.int64)
    slots: Int = 0
    for d in range(len(window)):
        slot[d] = -1
        for e in range(d):
            if window[e] == window[d]:
                slot[d] = slot[e]
                break
        if slot[d] < 0:
            slot[d] = slots
            slots += 1
    return slot, slots


@njit(cache=True, nogil=True)
def _breadth(mask: Int) -> Int:
    if mask == ALL_ITEMS:
        return 64
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@njit(cache=True, nogil=True)
def _calling_order(items: Ints) -> Ints:
    """Duties with fewer items first, `*` last, ties by row (rule 5)."""
    m = len(items)
    key = np.empty(m, np.int64)
    for d in range(m):
        key[d] = _breadth(items[d]) * m + d
    return np.argsort(key)


@njit(cache=True, nogil=True)
def _duty_in_force(w: Int, t: Int, slot: Ints, on: Ints, off: Ints) -> Int:
    for d in range(len(slot)):
        if slot[d] == w and on[d] <= t < off[d]:
            return d
    return _NOBODY


@njit(cache=True, nogil=True)
def _queues(item: Ints, items: Ints) -> tuple[Ints, Ints]:
    """One queue per item; a single one where every duty serves everything.

    Returns the queue of each item code (64) and the first heap place of each queue.
    """
    queue_of = np.zeros(64, np.int64)
    for d in range(len(items)):
        if items[d] != ALL_ITEMS:
            for i in range(64):
                queue_of[i] = i
            break
    count = np.zeros(65 if queue_of[63] else 2, np.int64)
    for v in range(len(item)):
        count[queue_of[item[v]] + 1] += 1
    return queue_of, np.cumsum(count)


@njit(cache=True, nogil=True)
def _served_by_a_stayer(q: Int, queue_of: Ints, items: Ints, stays: Ints) -> bool:
    for w in range(len(stays)):
        d = stays[w]
        if d >= 0 and (queue_of[63] == 0 or (items[d] >> q) & 1):
            return True
    return False


@njit(cache=True, nogil=True)
def _best_queue(heap: Ints, start: Ints, size: Ints, queue_of: Ints, mask: Int) -> Int:
    if queue_of[63] == 0:
        return 0 if size[0] > 0 else -1
    best = -1
    for q in range(len(size)):
        if size[q] > 0 and (mask >> q) & 1 and (best < 0 or heap[start[q]] < heap[start[best]]):
            best = q
    return best


@njit(cache=True, nogil=True)
def _push(heap: Ints, base: Int, size: Int, key: Int) -> None:
    k = size
    while k > 0:
        parent = (k - 1) >> 1
        if heap[base + parent] <= key:
            break
        heap[base + k] = heap[base + parent]
        k = parent
    heap[base + k] = key


@njit(cache=True, nogil=True)
def _pop(heap: Ints, base: Int, size: Int) -> Int:
    top = heap[base]
    key = heap[base + size - 1]
    k = 0
    while True:
        child = 2 * k + 1
        if child >= size - 1:
            break
        if child + 1 < size - 1 and heap[base + child + 1] < heap[base + child]:
            child += 1
        if heap[base + child] >= key:
            break
        heap[base + k] = heap[base + child]
        k = child
    heap[base + k] = key
    return top
