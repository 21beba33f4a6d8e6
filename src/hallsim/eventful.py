"""The compiled engine's general path: all rules, several halls at once, second by second.

The numbers in the comments are those of `docs/rules.md`.  The duty of a window follows from the
clock alone, whether the window is busy or not; a window calls under the duty it has at that second.
Leaving is noticed when something else is due: nothing but the counts depends on it before.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hallsim.queues import pop, push
from hallsim.records import (
    ABANDONED,
    ALL_ITEMS,
    BALKED,
    NEVER,
    SERVED,
    TURNED_AWAY,
    VOID,
    Int,
    Ints,
)

_FAR = np.int64(1) << 60
_CODES = 64  # items are bits of an integer


@njit(cache=True, nogil=True)
def run_days(
    hall: Ints, arrival: Ints, item: Ints, credit: Ints, service: Ints, patience: Ints,
    balk_at: Ints, first_stage: Ints, next_stage: Ints, walk: Ints,
    choice_first: Ints, choice_last: Ints, choice_hall: Ints, choice_travel: Ints,
    halls: Int, duty_hall: Ints, window: Ints, items: Ints, on: Ints, off: Ints, speed: Ints,
    serve_out: bool, ghost_seconds: Int, posted_service: Int,
    outcome: Ints, out_hall: Ints, out_window: Ints, ticket: Ints, called: Ints, finished: Ints,
) -> None:  # fmt: skip
    """Simulate one day of some halls, numbered from 0; columns out are filled with NEVER.

    Rows are in ticket order.  `first_stage` is 1 where the row is a first stage; `next_stage` is
    the row of the next stage or NEVER; a row chooses among choice_first:choice_last if not empty.
    """
    n, m = len(arrival), len(window)
    close = np.full(halls, np.int64(-1))
    for d in range(m):
        close[duty_hall[d]] = max(close[duty_hall[d]], off[d])
    slot, slots = window_slots(duty_hall, window)
    rank, hall_first = calling_order(duty_hall, items, halls)
    stays = np.full(slots, np.int64(-1))  # 8: the duty under which a window stays
    if serve_out:
        for d in range(m):
            if off[d] == close[duty_hall[d]]:
                stays[slot[d]] = d
    duty = np.full(slots, np.int64(-1))  # the duty of each window now
    serving = np.full(slots, np.int64(-2))  # its visitor; -1 a ghost, -2 idle
    edges = np.unique(np.concatenate((on, off)))
    bits = np.int64(1)  # keys of heaps: a second, and below it the number of a row or window
    while 1 << bits <= max(n, slots):
        bits += 1
    mask = (np.int64(1) << bits) - 1

    where = hall.copy()
    for row in range(n):  # 12: later stages are in the hall of the first
        later = next_stage[row] if first_stage[row] == 1 else np.int64(NEVER)
        while later != NEVER:
            where[later] = where[row]
            later = next_stage[later]
    queue_of, queues = _queues(items)
    start = _places(where, item, queue_of, queues, halls, choice_first, choice_last, choice_hall)
    heap = np.empty(start[-1], np.int64)
    size = np.zeros(halls * queues, np.int64)
    whose = np.empty(n, np.int64)  # 5: tickets are numbered as they are taken, by second and row
    tickets = 0
    waiting = np.zeros(halls, np.int64)
    here = np.zeros(n, np.int64)  # 1 while waiting
    ends = np.empty(slots, np.int64)
    busy = 0
    leaving = np.empty(n, np.int64)
    leavers = 0
    coming = np.empty(n, np.int64)  # next stages, and people on their way to the chosen hall
    comers = 0
    changed = np.zeros(halls, np.int64)

    order = np.flatnonzero(first_stage == 1)
    order = order[np.argsort(arrival[order], kind="mergesort")]
    next_row, next_edge = 0, 0
    while True:
        t = _FAR
        if next_row < len(order):
            t = min(t, arrival[order[next_row]])
        if comers > 0:
            t = min(t, coming[0] >> bits)
        if busy > 0:
            t = min(t, ends[0] >> bits)
        if next_edge < len(edges):
            t = min(t, edges[next_edge])
        if t == _FAR:
            break

        while busy > 0 and ends[0] >> bits == t:  # A (a): services end
            w = pop(ends, 0, busy) & mask
            busy -= 1
            v = serving[w]
            serving[w] = -2
            if v >= 0 and next_stage[v] != NEVER:  # 12
                s = next_stage[v]
                where[s] = where[v]
                push(coming, 0, comers, ((t + walk[s]) << bits) | s)
                comers += 1
            if duty[w] >= 0:
                changed[duty_hall[duty[w]]] = 1

        if next_edge < len(edges) and t == edges[next_edge]:  # A (b): duties end, then begin
            next_edge += 1
            for d in range(m):
                if off[d] == t and duty[slot[d]] == d:
                    duty[slot[d]] = stays[slot[d]] if t >= close[duty_hall[d]] else -1
            for d in range(m):
                if on[d] == t:
                    duty[slot[d]] = d
                    changed[duty_hall[d]] = 1

        while leavers > 0 and leaving[0] >> bits <= t:  # A (c): out of patience
            v = pop(leaving, 0, leavers) & mask
            leavers -= 1
            if here[v]:
                here[v] = 0
                waiting[where[v]] -= 1
                outcome[v] = ABANDONED
                _void(v, next_stage, where, outcome)

        while True:  # A (d): arrivals and next stages, in row order
            v = np.int64(-1)
            if next_row < len(order) and arrival[order[next_row]] == t:
                v = order[next_row]
            if comers > 0 and coming[0] >> bits == t and (v < 0 or coming[0] & mask < v):
                v = pop(coming, 0, comers) & mask
                comers -= 1
            elif v >= 0:
                next_row += 1
                if choice_first[v] < choice_last[v]:  # 9
                    k = _choose(
                        v, t, item[v], choice_first, choice_last, choice_hall, choice_travel, close,
                        waiting, posted_service, duty_hall, items, on, off,
                    )  # fmt: skip
                    where[v] = choice_hall[k]
                    if choice_travel[k] > 0:
                        push(coming, 0, comers, ((t + choice_travel[k]) << bits) | v)
                        comers += 1
                        continue
            else:
                break
            h = where[v]
            q = queue_of[item[v]]
            if t >= close[h] and (
                first_stage[v] == 1
                or not _stayer(h, q, queues, hall_first, rank, slot, stays, items)
            ):  # 4, 8
                outcome[v] = TURNED_AWAY
                _void(v, next_stage, where, outcome)
                continue
            if balk_at[v] != NEVER and waiting[h] >= balk_at[v]:  # 11
                outcome[v] = BALKED
                _void(v, next_stage, where, outcome)
                continue
            ticket[v] = t
            whose[tickets] = v
            here[v] = 1
            waiting[h] += 1
            changed[h] = 1
            push(
                heap,
                start[h * queues + q],
                size[h * queues + q],
                ((t - credit[v]) << bits) | tickets,
            )
            size[h * queues + q] += 1
            tickets += 1
            if patience[v] != NEVER:  # 6: without patience one still waits out the second
                push(leaving, 0, leavers, ((t + max(patience[v], 1)) << bits) | v)
                leavers += 1

        for h in range(halls):  # 8: at closing, who cannot be served any more
            if close[h] != t:
                continue
            for q in range(queues):
                if _stayer(h, q, queues, hall_first, rank, slot, stays, items):
                    continue
                k = h * queues + q
                for j in range(start[k], start[k] + size[k]):
                    v = whose[heap[j] & mask]
                    if here[v]:
                        here[v] = 0
                        waiting[h] -= 1
                        outcome[v] = TURNED_AWAY
                        _void(v, next_stage, where, outcome)
                size[k] = 0
            changed[h] = 1

        for h in range(halls):  # B: calls
            if not changed[h]:
                continue
            changed[h] = 0
            ghosts = bool(ghost_seconds > 0 and t < close[h])
            for r in range(hall_first[h], hall_first[h + 1]):
                d = rank[r]
                w = slot[d]
                if duty[w] != d or serving[w] != -2:
                    continue
                k = _best(h, heap, start, size, queues, items[d], here, whose, mask, ghosts)
                if k < 0:
                    continue
                v = whose[pop(heap, start[k], size[k]) & mask]
                size[k] -= 1
                if here[v]:
                    here[v] = 0
                    waiting[h] -= 1
                    outcome[v] = SERVED
                    called[v] = t
                    finished[v] = t + (service[v] * 100 + speed[d] - 1) // speed[d]
                    out_window[v] = window[d]
                    serving[w] = v
                    push(ends, 0, busy, (finished[v] << bits) | w)
                else:  # 10: a ghost
                    serving[w] = -1
                    push(ends, 0, busy, ((t + ghost_seconds) << bits) | w)
                busy += 1

    for v in range(n):  # whoever was still waiting when the last thing was done has left
        if here[v]:
            outcome[v] = ABANDONED
            _void(v, next_stage, where, outcome)
    out_hall[:] = where


@njit(cache=True, nogil=True)
def _void(v: Int, next_stage: Ints, where: Ints, outcome: Ints) -> None:
    """12: the stages that will not be reached."""
    h = where[v]
    v = next_stage[v]
    while v != NEVER:
        outcome[v] = VOID
        where[v] = h
        v = next_stage[v]


@njit(cache=True, nogil=True)
def _choose(
    v: Int, t: Int, item: Int, choice_first: Ints, choice_last: Ints, choice_hall: Ints,
    choice_travel: Ints, close: Ints, waiting: Ints, posted_service: Int,
    duty_hall: Ints, items: Ints, on: Ints, off: Ints,
) -> Int:  # fmt: skip
    """9: the open hall with the smallest travel + posted wait; among all if none is open."""
    best: Int = np.int64(-1)
    least: Int = np.int64(0)
    for only_open in (True, False):
        for k in range(choice_first[v], choice_last[v]):
            h = choice_hall[k]
            if only_open and close[h] <= t:
                continue
            able = 0
            for d in range(len(on)):
                if duty_hall[d] == h and on[d] <= t < off[d] and (items[d] >> item) & 1:
                    able += 1
            cost = choice_travel[k] + waiting[h] * posted_service // max(1, able)
            if best < 0 or cost < least:
                best, least = k, cost
        if best >= 0:
            break
    return best


@njit(cache=True, nogil=True)
def window_slots(hall: Ints, window: Ints) -> tuple[Ints, Int]:
    """Number the windows from 0: the number of each duty's window, and how many there are."""
    slot = np.empty(len(window), np.int64)
    slots: Int = 0
    for d in range(len(window)):
        slot[d] = -1
        for e in range(d):
            if window[e] == window[d] and hall[e] == hall[d]:
                slot[d] = slot[e]
                break
        if slot[d] < 0:
            slot[d] = slots
            slots += 1
    return slot, slots


@njit(cache=True, nogil=True)
def breadth(mask: Int) -> Int:
    """How many items a duty lists; `*` counts as more than any list."""
    if mask == ALL_ITEMS:
        return _CODES
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@njit(cache=True, nogil=True)
def calling_order(hall: Ints, items: Ints, halls: Int) -> tuple[Ints, Ints]:
    """5: duties by hall, then those with fewer items first, then by row; and where each hall begins."""
    m = len(items)
    key = np.empty(m, np.int64)
    first = np.zeros(halls + 1, np.int64)
    for d in range(m):
        key[d] = (hall[d] * (_CODES + 1) + breadth(items[d])) * m + d
        first[hall[d] + 1] += 1
    return np.argsort(key), np.cumsum(first)


@njit(cache=True, nogil=True)
def _queues(items: Ints) -> tuple[Ints, Int]:
    """Queue of each item code, and how many: one for all where every duty serves everything."""
    for d in range(len(items)):
        if items[d] != ALL_ITEMS:
            return np.arange(_CODES), _CODES
    return np.zeros(_CODES, np.int64), 1


@njit(cache=True, nogil=True)
def _places(
    hall: Ints, item: Ints, queue_of: Ints, queues: Int, halls: Int,
    choice_first: Ints, choice_last: Ints, choice_hall: Ints,
) -> Ints:  # fmt: skip
    """Where the heap of each hall and queue begins: room for all who may come to it."""
    count = np.zeros(halls * queues + 1, np.int64)
    choosers = False
    for v in range(len(item)):
        choosers = choosers or choice_first[v] < choice_last[v]
    for v in range(len(item)):
        q = queue_of[item[v]]
        if choosers:  # later stages go where the first one went
            for h in range(halls):
                count[h * queues + q + 1] += 1
        else:
            count[hall[v] * queues + q + 1] += 1
    return np.cumsum(count)


@njit(cache=True, nogil=True)
def _stayer(
    h: Int, q: Int, queues: Int, hall_first: Ints, rank: Ints, slot: Ints, stays: Ints, items: Ints
) -> bool:
    """8: whether a window that stays at closing serves this queue."""
    for r in range(hall_first[h], hall_first[h + 1]):
        d = stays[slot[rank[r]]]
        if d >= 0 and (queues == 1 or (items[d] >> q) & 1):
            return True
    return False


@njit(cache=True, nogil=True)
def _best(
    h: Int, heap: Ints, start: Ints, size: Ints, queues: Int, wanted: Int,
    here: Ints, whose: Ints, mask: Int, ghosts: bool,
) -> Int:  # fmt: skip
    """5: the queue whose first visitor, or ghost where they are called, comes before all others."""
    best: Int = np.int64(-1)
    for q in range(queues):
        k: Int = h * queues + q
        if queues > 1 and not (wanted >> q) & 1:
            continue
        while size[k] > 0 and not ghosts and not here[whose[heap[start[k]] & mask]]:
            pop(heap, start[k], size[k])
            size[k] -= 1
        if size[k] > 0 and (best < 0 or heap[start[k]] < heap[start[best]]):
            best = k
    return best
