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


@njit(cache=True, nogil=True, error_model="numpy")
def run_all_days(
    first: Ints, last: Ints, hall: Ints, arrival: Ints, item: Ints, credit: Ints, service: Ints,
    patience: Ints, balk_at: Ints, first_stage: Ints, next_stage: Ints, walk: Ints,
    choice_first: Ints, choice_last: Ints, choice_hall: Ints, choice_travel: Ints,
    halls: Int, duty_first: Ints, duty_last: Ints, duty_hall: Ints, window: Ints, items: Ints,
    on: Ints, off: Ints, speed: Ints, serve_out: bool, ghost_seconds: Int, posted_service: Int,
    outcome: Ints, out_hall: Ints, out_window: Ints, ticket: Ints, called: Ints, finished: Ints,
) -> None:  # fmt: skip
    """Simulate day k = rows first[k]:last[k] under duty rows duty_first[k]:duty_last[k].

    Halls are numbered from 0 over all days; a day costs only what its own halls cost.
    `next_stage` counts from the first row of the day.  The rest is as in `run_days`.
    """
    number = np.full(halls, np.int64(-1))  # of each hall among those of the day
    code = np.empty(halls, np.int64)
    own = np.empty(len(hall), np.int64)
    own_duty = np.empty(len(window), np.int64)
    own_choice = np.empty(len(choice_hall), np.int64)
    for k in range(len(first)):
        a, b, c, d = first[k], last[k], duty_first[k], duty_last[k]
        found = _number(hall[a:b], own[a:b], number, code, 0)
        found = _number(duty_hall[c:d], own_duty[c:d], number, code, found)
        e, f = choice_first[a], choice_last[b - 1]
        found = _number(choice_hall[e:f], own_choice[e:f], number, code, found)
        run_days(
            own[a:b], arrival[a:b], item[a:b], credit[a:b], service[a:b], patience[a:b],
            balk_at[a:b], first_stage[a:b], next_stage[a:b], walk[a:b],
            choice_first[a:b], choice_last[a:b], own_choice, choice_travel,
            found, own_duty[c:d], window[c:d], items[c:d], on[c:d], off[c:d], speed[c:d],
            serve_out, ghost_seconds, posted_service, outcome[a:b], out_hall[a:b],
            out_window[a:b], ticket[a:b], called[a:b], finished[a:b],
        )  # fmt: skip
        for v in range(a, b):
            out_hall[v] = code[out_hall[v]]
        for h in range(found):
            number[code[h]] = -1


@njit(cache=True, nogil=True, error_model="numpy")
def _number(hall: Ints, own: Ints, number: Ints, code: Ints, found: Int) -> Int:
    """Number halls as they are met; those `found` before keep theirs.  Returns how many there are."""
    for k in range(len(hall)):
        h = hall[k]
        if h < 0:  # to be chosen, or that of the first stage
            own[k] = -1
            continue
        if number[h] < 0:
            number[h] = found
            code[found] = h
            found += 1
        own[k] = number[h]
    return found


@njit(cache=True, nogil=True, error_model="numpy")
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
    rank, hall_first = calling_order(duty_hall, items, halls)
    slot, slots = _slots(rank, hall_first, window)
    stays = np.full(slots, np.int64(-1))  # 8: the duty under which a window stays
    if serve_out:
        for d in range(m):
            if off[d] == close[duty_hall[d]]:
                stays[slot[d]] = d
    duty = np.full(slots, np.int64(-1))  # the duty of each window now
    serving = np.full(slots, np.int64(-2))  # its visitor; -1 a ghost, -2 idle
    begins, stops = np.argsort(on), np.argsort(off)
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
    queues, queue_of, wants = _queues(rank, hall_first, items, item)
    start = _places(
        where, item, first_stage, next_stage, queue_of, queues[-1], choice_first, choice_last,
        choice_hall,
    )  # fmt: skip
    heap = np.empty(start[-1], np.int64)
    size = np.zeros(queues[-1], np.int64)
    able = np.zeros(queues[-1], np.int64)  # 9: duties in force that serve the queue
    kept = np.zeros(queues[-1], np.int64)  # 8: 1 where a staying window serves the queue
    for d in range(m):
        if stays[slot[d]] == d:
            _add(kept, queues, duty_hall[d], wants[d], 1)
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
    calling = np.empty(halls, np.int64)  # halls in which something took effect in this second
    callers: Int = 0
    changed = np.zeros(halls, np.int64)

    order = np.flatnonzero(first_stage == 1)
    order = order[np.argsort(arrival[order], kind="mergesort")]
    next_row, next_begin, next_stop = 0, 0, 0
    while True:
        t = _FAR
        if next_row < len(order):
            t = min(t, arrival[order[next_row]])
        if comers > 0:
            t = min(t, coming[0] >> bits)
        if busy > 0:
            t = min(t, ends[0] >> bits)
        if next_stop < m:
            t = min(t, off[stops[next_stop]])
        if next_begin < m:
            t = min(t, on[begins[next_begin]])
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
                callers = _note(duty_hall[duty[w]], changed, calling, callers)

        closing = False
        while next_stop < m and off[stops[next_stop]] == t:  # A (b): duties end, then begin
            d = stops[next_stop]
            next_stop += 1
            _add(able, queues, duty_hall[d], wants[d], -1)
            if duty[slot[d]] == d:
                duty[slot[d]] = stays[slot[d]] if t >= close[duty_hall[d]] else -1
            closing = closing or t == close[duty_hall[d]]
        while next_begin < m and on[begins[next_begin]] == t:
            d = begins[next_begin]
            next_begin += 1
            _add(able, queues, duty_hall[d], wants[d], 1)
            duty[slot[d]] = d
            callers = _note(duty_hall[d], changed, calling, callers)

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
                        t, item[v], choice_first[v], choice_last[v], choice_hall, choice_travel, close,
                        waiting, posted_service, queue_of, able,
                    )  # fmt: skip
                    where[v] = choice_hall[k]
                    if choice_travel[k] > 0:
                        push(coming, 0, comers, ((t + choice_travel[k]) << bits) | v)
                        comers += 1
                        continue
            else:
                break
            h = where[v]
            q = queue_of[h, item[v]]
            if t >= close[h] and (first_stage[v] == 1 or not kept[q]):  # 4, 8
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
            callers = _note(h, changed, calling, callers)
            push(heap, start[q], size[q], ((t - credit[v]) << bits) | tickets)
            size[q] += 1
            tickets += 1
            if patience[v] != NEVER:  # 6: without patience one still waits out the second
                push(leaving, 0, leavers, ((t + max(patience[v], 1)) << bits) | v)
                leavers += 1

        for h in range(halls if closing else 0):  # 8: at closing, who cannot be served any more
            if close[h] != t:
                continue
            for q in range(queues[h], queues[h + 1]):
                if kept[q]:
                    continue
                for j in range(start[q], start[q] + size[q]):
                    v = whose[heap[j] & mask]
                    if here[v]:
                        here[v] = 0
                        waiting[h] -= 1
                        outcome[v] = TURNED_AWAY
                        _void(v, next_stage, where, outcome)
                size[q] = 0
            callers = _note(h, changed, calling, callers)

        for k in range(callers):  # B: calls
            h = calling[k]
            changed[h] = 0
            ghosts = bool(ghost_seconds > 0 and t < close[h])
            for r in range(hall_first[h], hall_first[h + 1]):
                d = rank[r]
                w = slot[d]
                if duty[w] != d or serving[w] != -2:
                    continue
                q = _best(
                    queues[h], queues[h + 1], wants[d], heap, start, size, here, whose, mask, ghosts
                )
                if q < 0:
                    continue
                v = whose[pop(heap, start[q], size[q]) & mask]
                size[q] -= 1
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
        callers = 0

    for v in range(n):  # whoever was still waiting when the last thing was done has left
        if here[v]:
            outcome[v] = ABANDONED
            _void(v, next_stage, where, outcome)
    out_hall[:] = where


@njit(cache=True, nogil=True, error_model="numpy")
def _void(v: Int, next_stage: Ints, where: Ints, outcome: Ints) -> None:
    """12: the stages that will not be reached."""
    h = where[v]
    v = next_stage[v]
    while v != NEVER:
        outcome[v] = VOID
        where[v] = h
        v = next_stage[v]


@njit(cache=True, nogil=True, error_model="numpy")
def _note(h: Int, changed: Ints, calling: Ints, callers: Int) -> Int:
    """Put the hall on the list of those that call in this second; returns how long it is."""
    if changed[h]:
        return callers
    changed[h] = 1
    calling[callers] = h
    return callers + 1


@njit(cache=True, nogil=True, error_model="numpy")
def _add(count: Ints, queues: Ints, h: Int, wanted: Int, one: Int) -> None:
    """Count a duty of the hall in (1) or out (-1) at every queue that it serves."""
    for q in range(queues[h], queues[h + 1]):
        if (wanted >> (q - queues[h])) & 1:
            count[q] += one


@njit(cache=True, nogil=True, error_model="numpy")
def _choose(
    t: Int, item: Int, first: Int, last: Int, choice_hall: Ints, choice_travel: Ints, close: Ints,
    waiting: Ints, posted_service: Int, queue_of: Ints, able: Ints,
) -> Int:  # fmt: skip
    """9: the open hall with the smallest travel + posted wait; among all if none is open."""
    best: Int = np.int64(-1)
    least: Int = np.int64(0)
    for only_open in (True, False):
        for k in range(first, last):
            h = choice_hall[k]
            if only_open and close[h] <= t:
                continue
            cost = choice_travel[k]
            if waiting[h]:
                cost += waiting[h] * posted_service // max(1, able[queue_of[h, item]])
            if best < 0 or cost < least:
                best, least = k, cost
        if best >= 0:
            break
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def breadth(mask: Int) -> Int:
    """How many items a duty lists; `*` counts as more than any list."""
    if mask == ALL_ITEMS:
        return _CODES
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def calling_order(hall: Ints, items: Ints, halls: Int) -> tuple[Ints, Ints]:
    """5: duties by hall, then those with fewer items first, then by row; and where each hall begins."""
    m = len(items)
    key = np.empty(m, np.int64)
    first = np.zeros(halls + 1, np.int64)
    for d in range(m):
        key[d] = (hall[d] * (_CODES + 1) + breadth(items[d])) * m + d
        first[hall[d] + 1] += 1
    return np.argsort(key), np.cumsum(first)


@njit(cache=True, nogil=True, error_model="numpy")
def _slots(rank: Ints, hall_first: Ints, window: Ints) -> tuple[Ints, Int]:
    """Number the windows from 0: the number of each duty's window, and how many there are.

    The duties of hall h are rank[hall_first[h]:hall_first[h + 1]].
    """
    slot = np.empty(len(window), np.int64)
    slots: Int = 0
    for h in range(len(hall_first) - 1):
        for r in range(hall_first[h], hall_first[h + 1]):
            slot[rank[r]] = slots
            for e in range(hall_first[h], r):
                if window[rank[e]] == window[rank[r]]:
                    slot[rank[r]] = slot[rank[e]]
                    break
            if slot[rank[r]] == slots:
                slots += 1
    return slot, slots


@njit(cache=True, nogil=True, error_model="numpy")
def _queues(rank: Ints, hall_first: Ints, items: Ints, item: Ints) -> tuple[Ints, Ints, Ints]:
    """Items that the same duties of a hall serve queue together; only items that anybody wants.

    Returns where the queues of each hall begin, the queue by hall and item, and by duty the queues
    of its hall that it serves, as bits.
    """
    halls, m = len(hall_first) - 1, len(items)
    wanted = np.int64(0)
    for v in range(len(item)):
        wanted |= np.int64(1) << item[v]
    queues = np.zeros(halls + 1, np.int64)
    queue_of = np.empty((halls, _CODES), np.int64)
    serves = np.zeros(m, np.int64)
    part = np.empty(_CODES, np.int64)  # sets of items
    for h in range(halls):
        part[0] = wanted
        parts = 1
        for r in range(hall_first[h], hall_first[h + 1]):
            for q in range(parts):
                inside = part[q] & items[rank[r]]
                if inside != 0 and inside != part[q]:
                    part[parts] = part[q] & ~inside
                    part[q] = inside
                    parts += 1
        for r in range(hall_first[h], hall_first[h + 1]):
            for q in range(parts):
                if part[q] & items[rank[r]]:
                    serves[rank[r]] |= np.int64(1) << q
        for q in range(parts):
            for code in range(_CODES):
                if (part[q] >> code) & 1:
                    queue_of[h, code] = queues[h] + q
        queues[h + 1] = queues[h] + parts
    return queues, queue_of, serves


@njit(cache=True, nogil=True, error_model="numpy")
def _places(
    where: Ints, item: Ints, first_stage: Ints, next_stage: Ints, queue_of: Ints, queues: Int,
    choice_first: Ints, choice_last: Ints, choice_hall: Ints,
) -> Ints:  # fmt: skip
    """Where the heap of each queue begins: room for all who may come to it."""
    count = np.zeros(queues + 1, np.int64)
    for v in range(len(item)):
        if first_stage[v] != 1:
            continue
        s = v
        while s != NEVER:  # later stages go where the first one went
            if choice_first[v] < choice_last[v]:
                for k in range(choice_first[v], choice_last[v]):
                    count[queue_of[choice_hall[k], item[s]] + 1] += 1
            else:
                count[queue_of[where[v], item[s]] + 1] += 1
            s = next_stage[s]
    return np.cumsum(count)


@njit(cache=True, nogil=True, error_model="numpy")
def _best(
    first: Int, last: Int, wanted: Int, heap: Ints, start: Ints, size: Ints,
    here: Ints, whose: Ints, mask: Int, ghosts: bool,
) -> Int:  # fmt: skip
    """5: the queue whose first visitor, or ghost where they are called, comes before all others."""
    best: Int = np.int64(-1)
    for q in range(first, last):
        if not (wanted >> (q - first)) & 1:
            continue
        while size[q] > 0 and not ghosts and not here[whose[heap[start[q]] & mask]]:
            pop(heap, start[q], size[q])
            size[q] -= 1
        if size[q] > 0 and (best < 0 or heap[start[q]] < heap[start[best]]):
            best = q
    return best
