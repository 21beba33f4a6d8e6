"""The compiled engine: the same rows as `hallsim.reference`, some hundred times faster.

Two paths.  A hall-day on which every window serves the same items, and nobody balks, has stages or
leaves a ghost ticket, is walked from call to call (`_plain_day`).  Everything else is walked from
second to second (`hallsim.eventful`).  Both know arrays only.

On the plain path patience needs no events: whoever comes up for a call after their patience ended
has left at that moment (rule 6), and nothing before the call depends on it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from hallsim.eventful import run_days, window_slots
from hallsim.queues import ROW, ROW_BITS, pop, push
from hallsim.records import (
    ABANDONED,
    NEVER,
    SERVED,
    TURNED_AWAY,
    VOID,
    Choices,
    Duties,
    Int,
    Ints,
    Visitors,
    Visits,
)

_FAR = np.int64(1) << 60


def simulate(
    visitors: Visitors,
    duties: Duties,
    serve_out: bool = True,
    *,
    ghost_seconds: int = 0,
    posted_service: int = 600,
    choices: Choices | None = None,
) -> Visits:
    """Send the visitors of any number of days and halls past the windows on duty.

    Rows of `visitors` must be in ticket order within each day and hall.  Rules: `docs/rules.md`.

    Raises:
        OverflowError: an arrival or credit of 2**32 seconds or more.
    """
    if max(visitors.arrival.max(initial=0), visitors.credit.max(initial=0)) >> 63 - ROW_BITS:
        raise OverflowError("arrivals and credits must be below 2**32 seconds")
    n = len(visitors)
    out = Visits(
        np.full(n, NEVER, np.int64),
        visitors.hall.copy(),
        *(np.full(n, NEVER, np.int64) for _ in range(4)),
    )
    eventful = (
        ghost_seconds > 0
        or choices is not None
        or (n > 0 and (visitors.stage.max() > 1 or visitors.balk_at.max() != NEVER))
    )
    if eventful:
        _eventful(visitors, duties, serve_out, ghost_seconds, posted_service, choices, out)
        return out
    order = np.lexsort((np.arange(n), visitors.hall, visitors.day))
    rota = duties.rows(np.lexsort((np.arange(len(duties)), duties.hall, duties.day)))
    day, hall = visitors.day[order], visitors.hall[order]
    first, last = _groups(day, hall)
    place, unit = _keys(rota.day, rota.hall), _keys(day[first], hall[first])
    columns = [np.full(n, NEVER, np.int64) for _ in range(5)]
    none = np.empty(0, np.int64)
    run_units(
        first, last, visitors.arrival[order], visitors.item[order], visitors.credit[order],
        visitors.service[order], visitors.patience[order], none, none, none,
        np.searchsorted(place, unit, "left"), np.searchsorted(place, unit, "right"),
        rota.window, rota.items, rota.on, rota.off, rota.speed, serve_out, *columns,
    )  # fmt: skip
    targets = (out.outcome, out.window, out.ticket, out.called, out.finished)
    for target, column in zip(targets, columns, strict=True):
        target[order] = column
    return out


def _keys(day: Ints, hall: Ints) -> Ints:
    return (day << 32) | hall


def _groups(*columns: Ints) -> tuple[Ints, Ints]:
    """First row and end of every run of equal rows."""
    n = len(columns[0])
    new = np.zeros(n, bool)
    new[:1] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    first = np.flatnonzero(new)
    return first, np.append(first[1:], n)[: len(first)]


def _eventful(
    visitors: Visitors, duties: Duties, serve_out: bool, ghost_seconds: int, posted_service: int,
    choices: Choices | None, out: Visits,
) -> None:  # fmt: skip
    """Day by day, with halls numbered from 0 and each stage pointing to the next."""
    order = np.argsort(visitors.day, kind="stable")
    duty_order = np.argsort(duties.day, kind="stable")
    duty_day = duties.day[duty_order]
    option_row = np.empty(0, np.int64) if choices is None else choices.row
    for a, b in zip(*_groups(visitors.day[order]), strict=True):
        rows = order[a:b]
        people = visitors.rows(rows)
        here = duty_order[slice(*np.searchsorted(duty_day, [people.day[0], people.day[0] + 1]))]
        rota = duties.rows(here)
        begin, end = (
            np.searchsorted(option_row, rows, "left"),
            np.searchsorted(option_row, rows, "right"),
        )
        option_hall = np.empty(0, np.int64) if choices is None else choices.hall
        option_travel = np.empty(0, np.int64) if choices is None else choices.travel
        codes = np.unique(np.concatenate((people.hall, rota.hall, option_hall)))
        columns = [np.full(len(rows), NEVER, np.int64) for _ in range(6)]
        run_days(
            np.searchsorted(codes, people.hall), people.arrival, people.item, people.credit,
            people.service, people.patience, people.balk_at,
            (people.stage == 1).astype(np.int64), _next_stages(people), people.walk,
            begin, end, np.searchsorted(codes, option_hall), option_travel,
            len(codes), np.searchsorted(codes, rota.hall), rota.window, rota.items, rota.on,
            rota.off, rota.speed, serve_out, ghost_seconds, posted_service, *columns,
        )  # fmt: skip
        columns[1] = codes[columns[1]]
        targets = (out.outcome, out.hall, out.window, out.ticket, out.called, out.finished)
        for target, column in zip(targets, columns, strict=True):
            target[rows] = column


def _next_stages(people: Visitors) -> Ints:
    """The row of the next stage of the same visit, or NEVER."""
    order = np.lexsort((people.stage, people.visit))
    found = np.full(len(people), NEVER, np.int64)
    same = people.visit[order][1:] == people.visit[order][:-1]
    found[order[:-1][same]] = order[1:][same]
    return found


@njit(cache=True, nogil=True)
def run_units(
    first: Ints, last: Ints,
    arrival: Ints, item: Ints, credit: Ints, service: Ints, patience: Ints,
    balk_at: Ints, stage: Ints, walk: Ints,
    duty_first: Ints, duty_last: Ints,
    window: Ints, items: Ints, on: Ints, off: Ints, speed: Ints, serve_out: bool,
    outcome: Ints, out_window: Ints, ticket: Ints, called: Ints, finished: Ints,
) -> None:  # fmt: skip
    """Simulate unit u = visitor rows first[u]:last[u] under duty rows duty_first[u]:duty_last[u].

    A unit is the people and windows of one hall (or of one station of a hall) on one day.
    `balk_at`, `stage` and `walk` are empty where nobody balks and no visit has more than one stage;
    else the rows of a visit follow each other.
    """
    for u in range(len(first)):
        a, b = first[u], last[u]
        c, d = duty_first[u], duty_last[u]
        hall_day(
            arrival[a:b], item[a:b], credit[a:b], service[a:b], patience[a:b],
            balk_at[a:b], stage[a:b], walk[a:b],
            window[c:d], items[c:d], on[c:d], off[c:d], speed[c:d], serve_out,
            outcome[a:b], out_window[a:b], ticket[a:b], called[a:b], finished[a:b],
        )  # fmt: skip


@njit(cache=True, nogil=True)
def hall_day(
    arrival: Ints, item: Ints, credit: Ints, service: Ints, patience: Ints,
    balk_at: Ints, stage: Ints, walk: Ints,
    window: Ints, items: Ints, on: Ints, off: Ints, speed: Ints, serve_out: bool,
    outcome: Ints, out_window: Ints, ticket: Ints, called: Ints, finished: Ints,
) -> None:  # fmt: skip
    """Simulate one unit; the last five columns, filled with NEVER, are written in place.

    `balk_at`, `stage` and `walk` are as in `run_units`.
    """
    n, m = len(arrival), len(window)
    plain = True
    for d in range(1, m):
        plain = plain and items[d] == items[0]
    for v in range(len(stage)):
        plain = plain and stage[v] == 1 and balk_at[v] == NEVER
    if m == 0:  # rule 1: closed all day
        for v in range(n):
            outcome[v] = VOID if len(stage) > 0 and stage[v] > 1 else TURNED_AWAY
    elif plain:
        _plain_day(
            arrival, item, credit, service, patience, window, items, on, off, speed, serve_out,
            outcome, out_window, ticket, called, finished,
        )  # fmt: skip
    else:
        zero, first_stage = np.zeros(n, np.int64), np.ones(n, np.int64)
        next_stage = np.full(n, np.int64(NEVER))
        for v in range(1, len(stage)):
            if stage[v] > 1:
                first_stage[v] = 0
                next_stage[v - 1] = v
        if len(stage) == 0:
            balk_at, walk = next_stage, zero
        run_days(
            zero, arrival, item, credit, service, patience, balk_at, first_stage, next_stage, walk,
            zero, zero, zero[:0], zero[:0], 1, np.zeros(m, np.int64), window, items, on, off, speed,
            serve_out, 0, 0, outcome, zero.copy(), out_window, ticket, called, finished,
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _plain_day(
    arrival: Ints, item: Ints, credit: Ints, service: Ints, patience: Ints,
    window: Ints, items: Ints, on: Ints, off: Ints, speed: Ints, serve_out: bool,
    outcome: Ints, out_window: Ints, ticket: Ints, called: Ints, finished: Ints,
) -> None:  # fmt: skip
    """One queue: between the edges of duties, from call to call."""
    n, m = len(arrival), len(window)
    slot, slots = window_slots(np.zeros(m, np.int64), window)
    free = np.zeros(slots, np.int64)  # when each window's visitor is done
    active = np.empty(m, np.int64)  # duties in force, in calling order: all as broad, so by row
    ready = np.empty(m, np.int64)  # and when each of their windows can call
    heap = np.empty(n, np.int64)
    waiting: Int = 0
    row = 0
    edges, last = _edges(on, off)
    close = edges[last]
    for e in range(last + 1):
        begin = edges[e]
        end = edges[e + 1] if begin < close else _FAR
        count = 0
        for d in range(m):
            if on[d] <= begin < off[d] or (begin == close and off[d] == close and serve_out):
                active[count] = d
                ready[count] = max(free[slot[d]], begin)
                count += 1
        if begin == close:  # 4 and 8: nobody comes any more
            while row < n and arrival[row] < close:
                waiting = _take(row, arrival, item, credit, items, ticket, heap, waiting)
                row += 1
            for v in range(row, n):
                outcome[v] = TURNED_AWAY
            row = n
            if not serve_out:
                break
        while True:
            while row < n and arrival[row] < begin:  # before the first duty, or while nobody calls
                waiting = _take(row, arrival, item, credit, items, ticket, heap, waiting)
                row += 1
            t = _FAR  # the next call
            for k in range(count):
                t = min(t, ready[k])
            if waiting == 0:
                if row == n:
                    break
                t = max(t, arrival[row])
            if t >= end:
                break
            while row < n and arrival[row] <= t:
                waiting = _take(row, arrival, item, credit, items, ticket, heap, waiting)
                row += 1
            for k in range(count):  # 5: idle windows in turn
                if ready[k] > t:
                    continue
                who, waiting = _next(t, heap, waiting, patience, ticket, outcome)
                if who == NEVER:
                    break
                d = active[k]
                called[who] = t
                if speed[d] == 100:
                    finished[who] = t + service[who]
                else:
                    finished[who] = t + (service[who] * 100 + speed[d] - 1) // speed[d]
                outcome[who] = SERVED
                out_window[who] = window[d]
                ready[k] = finished[who]
                free[slot[d]] = finished[who]
    for v in range(n):  # not called by the end: left, or turned away at closing
        if outcome[v] == NEVER:
            gone = patience[v] != NEVER and ticket[v] + patience[v] <= close
            outcome[v] = ABANDONED if gone else TURNED_AWAY


@njit(cache=True, nogil=True)
def _next(
    t: Int, heap: Ints, waiting: Int, patience: Ints, ticket: Ints, outcome: Ints
) -> tuple[Int, Int]:
    """5 and 6: the best who is still waiting at t, or NEVER, and how many queue then."""
    while waiting > 0:
        v = pop(heap, 0, waiting) & ROW
        waiting -= 1
        if patience[v] == NEVER or t == ticket[v] or t < ticket[v] + patience[v]:
            return v, waiting
        outcome[v] = ABANDONED
    return NEVER, 0


@njit(cache=True, nogil=True)
def _edges(on: Ints, off: Ints) -> tuple[Ints, Int]:
    """The seconds at which a duty begins or ends, ascending, and the place of the last."""
    edges = np.empty(2 * len(on), np.int64)
    count = 0
    for d in range(len(on)):
        for t in (on[d], off[d]):
            k = count
            while k > 0 and edges[k - 1] > t:
                k -= 1
            if k > 0 and edges[k - 1] == t:
                continue
            for j in range(count, k, -1):
                edges[j] = edges[j - 1]
            edges[k] = t
            count += 1
    return edges, count - 1


@njit(cache=True, nogil=True)
def _take(
    v: Int,
    arrival: Ints,
    item: Ints,
    credit: Ints,
    items: Ints,
    ticket: Ints,
    heap: Ints,
    waiting: Int,
) -> Int:
    """A ticket; whoever no window serves waits outside the queue.  Returns the number queueing."""
    ticket[v] = arrival[v]
    if (items[0] >> item[v]) & 1:
        push(heap, 0, waiting, ((arrival[v] - credit[v]) << ROW_BITS) | v)
        waiting += 1
    return waiting
