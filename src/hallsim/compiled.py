"""The compiled engine: the same rows as `hallsim.reference`, some hundred times faster.

Two paths.  A hall-day on which every window serves the same items, and nobody balks, has stages or
leaves a ghost ticket, is walked from call to call (`plain_day`).  Everything else is walked from
second to second (`hallsim.eventful`).  Both know arrays only.

On the plain path patience needs no events: whoever comes up for a call after their patience ended
has left at that moment (rule 6), and nothing before the call depends on it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from hallsim.eventful import run_all_days, run_days
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

_FAR = np.int64(1) << 46  # later than any second, and room for a place below it
_PLACE_BITS = 16
LINES = 8
"""Different credits that the plain path keeps apart."""


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
    if max(visitors.arrival.max(initial=0), visitors.credit.max(initial=0)) >> 32:
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
    """All days, each stage pointing to the next."""
    n = len(visitors)
    order = np.argsort(visitors.day, kind="stable")
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    people = visitors.rows(order)
    rota = duties.rows(np.argsort(duties.day, kind="stable"))
    first, last = _groups(people.day)
    if choices is None:
        choices = Choices(*(np.empty(0, np.int64) for _ in range(3)))
    chosen_day = visitors.day[choices.row]
    if np.any(chosen_day[1:] < chosen_day[:-1]):  # there may be many: not moved without need
        choices = choices.rows(np.argsort(chosen_day, kind="stable"))
    length = np.bincount(place[choices.row], minlength=n)
    end = np.cumsum(length)
    halls = 1 + max(part.max(initial=0) for part in (people.hall, rota.hall, choices.hall))
    columns = [np.full(n, NEVER, np.int64) for _ in range(6)]
    run_all_days(
        first, last, people.hall, people.arrival, people.item, people.credit, people.service,
        people.patience, people.balk_at, (people.stage == 1).astype(np.int64),
        _next_stages(people, np.repeat(first, last - first)), people.walk,
        end - length, end, choices.hall, choices.travel, halls,
        np.searchsorted(rota.day, people.day[first], "left"),
        np.searchsorted(rota.day, people.day[first], "right"), rota.hall, rota.window, rota.items,
        rota.on, rota.off, rota.speed, serve_out, ghost_seconds, posted_service, *columns,
    )  # fmt: skip
    targets = (out.outcome, out.hall, out.window, out.ticket, out.called, out.finished)
    for target, column in zip(targets, columns, strict=True):
        target[order] = column


def _next_stages(people: Visitors, first: Ints) -> Ints:
    """The row of the next stage of the same visit, counted from the first row of the day, or NEVER."""
    found = np.full(len(people), NEVER, np.int64)
    if people.stage.max(initial=1) > 1:
        order = np.lexsort((people.stage, people.visit, people.day))
        day, visit = people.day[order], people.visit[order]
        same = (day[1:] == day[:-1]) & (visit[1:] == visit[:-1])
        found[order[:-1][same]] = order[1:][same] - first[order[1:][same]]
    return found


class Room(NamedTuple):
    """Room for one unit of the plain path, used again for the next.

    ahead, head: [lines] credit and first row of each line; behind: [rows] the row after each.
    slot: [duties] number of the window; free: when each window's visitor is done.
    active: duties in force, in calling order (all as broad, so by row); ready: when their windows
    can call.  edges: [2 duties] seconds at which a duty begins or ends.
    """

    ahead: Ints
    head: Ints
    behind: Ints
    slot: Ints
    free: Ints
    active: Ints
    ready: Ints
    edges: Ints


@njit(cache=True, nogil=True, error_model="numpy")
def room(behind: Ints, duties: Int) -> Room:
    """Room for units of at most len(behind) rows and so many duties."""
    return Room(
        np.empty(LINES, np.int64), np.empty(LINES, np.int64), behind,
        np.empty(duties, np.int64), np.empty(duties, np.int64), np.empty(duties, np.int64),
        np.empty(duties, np.int64), np.empty(2 * duties, np.int64),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def longest(first: Ints, last: Ints) -> Int:
    """Rows of the longest unit."""
    most: Int = 0
    for u in range(len(first)):
        most = max(most, last[u] - first[u])
    return most


@njit(cache=True, nogil=True, error_model="numpy")
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
    space = room(np.empty(longest(first, last), np.int64), longest(duty_first, duty_last))
    for u in range(len(first)):
        a, b = first[u], last[u]
        c, d = duty_first[u], duty_last[u]
        hall_day(
            arrival[a:b], item[a:b], credit[a:b], service[a:b], patience[a:b],
            balk_at[a:b], stage[a:b], walk[a:b],
            window[c:d], items[c:d], on[c:d], off[c:d], speed[c:d], serve_out,
            outcome[a:b], out_window[a:b], ticket[a:b], called[a:b], finished[a:b], space,
        )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def hall_day(
    arrival: Ints, item: Ints, credit: Ints, service: Ints, patience: Ints,
    balk_at: Ints, stage: Ints, walk: Ints,
    window: Ints, items: Ints, on: Ints, off: Ints, speed: Ints, serve_out: bool,
    outcome: Ints, out_window: Ints, ticket: Ints, called: Ints, finished: Ints, space: Room,
) -> None:  # fmt: skip
    """Simulate one unit; the five columns out, filled with NEVER, are written in place.

    `balk_at`, `stage` and `walk` are as in `run_units`.
    """
    n, m = len(arrival), len(window)
    if m == 0:  # rule 1: closed all day
        for v in range(n):
            outcome[v] = VOID if len(stage) > 0 and stage[v] > 1 else TURNED_AWAY
        return
    plain = True
    for d in range(1, m):
        plain = plain and items[d] == items[0]
    for v in range(len(stage)):
        plain = plain and stage[v] == 1 and balk_at[v] == NEVER
    if plain and plain_day(
        arrival, item, credit, service, patience, window, items[0], on, off, speed, serve_out,
        outcome, out_window, ticket, called, finished, space,
    ):  # fmt: skip
        return
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


@njit(cache=True, nogil=True, error_model="numpy")
def _lines(item: Ints, credit: Ints, served: Int, ahead: Ints, head: Ints, behind: Ints) -> Int:
    """Line up people of equal credit in ticket order: among them nobody overtakes (rule 5).

    Line k has credit ahead[k] and begins with row head[k]; behind[v] is the row after v; n ends a
    line.  People whose item is not served stand in none.  Returns the number of lines, -1 if there
    are too many.
    """
    n = len(item)
    lines = 0
    for v in range(n - 1, -1, -1):
        if not (served >> item[v]) & 1:
            continue
        k = 0
        while k < lines and ahead[k] != credit[v]:
            k += 1
        if k == lines:
            if lines == len(ahead):
                return -1
            ahead[k] = credit[v]
            head[k] = n
            lines += 1
        behind[v] = head[k]
        head[k] = v
    return lines


@njit(cache=True, nogil=True, error_model="numpy")
def plain_day(
    arrival: Ints, item: Ints, credit: Ints, service: Ints, patience: Ints,
    window: Ints, items: Int, on: Ints, off: Ints, speed: Ints, serve_out: bool,
    outcome: Ints, out_window: Ints, ticket: Ints, called: Ints, finished: Ints, space: Room,
) -> bool:  # fmt: skip
    """One queue: between the edges of duties, from call to call.

    All duties serve the same `items`; columns are as in `hall_day`.  Returns False, with nothing
    done, where people have more different credits than LINES.
    """
    lines = _lines(item, credit, items, space.ahead, space.head, space.behind)
    if lines < 0:
        return False
    if len(window) == 0:  # rule 1: closed all day
        outcome[:] = TURNED_AWAY
        return True
    n, m = len(arrival), len(window)
    ahead, head, behind, slot, free, active, ready, edges = space
    _number_windows(window, slot, free)
    last = _edges(on, off, edges)
    close = edges[last]
    comers = n
    while comers > 0 and arrival[comers - 1] >= close:  # 4
        comers -= 1
        outcome[comers] = TURNED_AWAY
    for v in range(comers):
        ticket[v] = arrival[v]
    for e in range(last + 1):
        begin = edges[e]
        end = edges[e + 1] if begin < close else _FAR
        count = 0
        for d in range(m):
            if on[d] <= begin < off[d] or (begin == close and off[d] == close and serve_out):  # 8
                active[count] = d
                ready[count] = max(free[slot[d]], begin)
                count += 1
        while count > 0:
            first = comers  # the first ticket among those who wait or will come
            for k in range(lines):
                first = min(first, head[k])
            if first == comers:
                break
            call = _FAR << _PLACE_BITS  # when is the next call, and by which window (5)
            for k in range(count):
                call = min(call, (max(ready[k], arrival[first]) << _PLACE_BITS) | k)
            t = call >> _PLACE_BITS
            if t >= end:
                break
            line = _best_line(t, comers, arrival, lines, ahead, head)
            v = head[line]
            head[line] = behind[v]
            if patience[v] != NEVER and t > arrival[v] and arrival[v] + patience[v] <= t:  # 6
                outcome[v] = ABANDONED
                continue
            place = call & ((1 << _PLACE_BITS) - 1)
            d = active[place]
            work: Int = service[v]
            if speed[d] != 100:
                work = (work * 100 + speed[d] - 1) // speed[d]
            outcome[v] = SERVED
            called[v] = t
            finished[v] = t + work
            out_window[v] = window[d]
            ready[place] = t + work
            free[slot[d]] = t + work
    for v in range(comers):  # not called by the end: left, or turned away at closing
        if outcome[v] == NEVER:
            gone = patience[v] != NEVER and ticket[v] + patience[v] <= close
            outcome[v] = ABANDONED if gone else TURNED_AWAY
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _best_line(t: Int, comers: Int, arrival: Ints, lines: Int, ahead: Ints, head: Ints) -> Int:
    """5: the line whose first, here at t, comes before the first of all others."""
    best: Int = 0
    if lines == 1:
        return best
    least = _FAR
    for k in range(lines):
        v = head[k]
        if v >= comers or arrival[v] > t:
            continue
        turn = arrival[v] - ahead[k]
        if turn < least or (turn == least and v < head[best]):
            least, best = turn, k
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def _number_windows(window: Ints, slot: Ints, free: Ints) -> None:
    """The number of each duty's window, from 0, and nobody at any of them."""
    slots = 0
    for d in range(len(window)):
        slot[d] = -1
        for e in range(d - 1, -1, -1):  # duties of a window are neighbours: found at once
            if window[e] == window[d]:
                slot[d] = slot[e]
                break
        if slot[d] < 0:
            slot[d] = slots
            free[slots] = 0
            slots += 1


@njit(cache=True, nogil=True, error_model="numpy")
def _edges(on: Ints, off: Ints, edges: Ints) -> Int:
    """The seconds at which a duty begins or ends, ascending into `edges`; the place of the last."""
    count: Int = 0
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
    return count - 1
