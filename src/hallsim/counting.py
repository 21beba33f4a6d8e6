"""Compiled counting: what happened to the visitors of a month, summed by unit, hour, item and class.

Definitions are those of `docs/measures.md`.  All sums are whole numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from hallsim.demand import Floats
from hallsim.lives import Rows
from hallsim.records import ABANDONED, NEVER, SERVED, VOID, Int, Ints

FIELDS = (
    "visitors", "served", "abandoned", "turned_away", "balked", "tickets",
    "wait_s", "within", "work_s", "overtime_s", "staffed_s", "stay_s", "counters",
)  # fmt: skip
"""What is counted in every cell.  Outcomes follow `visitors` in the order of their numbers."""
(
    _VISITORS, _OUTCOMES, _, _, _, _TICKETS, _WAIT, _WITHIN, _WORK, _OVERTIME, _, _STAY, _COUNTERS,
) = range(len(FIELDS))  # fmt: skip
BIN, BINS = 15, 1920
"""Histogram of waits: bins of 15 s up to 8 h; quantiles are right to one bin."""
SLOT_S, SLOTS = 1800, 48


class Told(NamedTuple):
    """What an engine says of every row: the columns of `records.Visits` but the hall."""

    outcome: Ints
    window: Ints
    ticket: Ints
    called: Ints
    finished: Ints


class Sums(NamedTuple):
    """The sums of one replication; F fields, B bins.

    unit [U, F], hall_hour [H, 24, F], cell [I, C, F] by item and class, queue [H, slots] seconds of
    waiting; and histograms of waits [., B] by hall, day, hour, item and class.
    """

    unit: Ints
    hall_hour: Ints
    cell: Ints
    queue: Ints
    hall: Ints
    day: Ints
    hour: Ints
    item: Ints
    kind: Ints


def sums(staffings: int, units: int, halls: int, days: int, items: int, kinds: int) -> Sums:
    """All zero, with an axis of staffings in front."""
    fields = len(FIELDS)
    shapes = ((units, fields), (halls, 24, fields), (items, kinds, fields), (halls, SLOTS))
    histograms: Any = (
        np.zeros((staffings, n, BINS), np.int32) for n in (halls, days, 24, items, kinds)
    )
    return Sums(*(np.zeros((staffings, *shape), np.int64) for shape in shapes), *histograms)


@njit(cache=True, nogil=True, error_model="numpy")
def count_units(
    first: Ints, last: Ints, hall_of: Ints, close: Ints, within: Ints,
    rows: Rows, stage: Ints, told: Told, into: Sums,
) -> None:  # fmt: skip
    """Count the rows first[u]:last[u] of every unit; `stage` is empty where visits have one counter."""
    hours = np.zeros(into.hall_hour.shape[1:], np.int64)
    stations = len(hall_of)
    for u in range(len(first)):
        h = hall_of[u % stations]
        count_unit(
            u,
            u // stations,
            h,
            first[u],
            last[u],
            close[u],
            within[h],
            rows,
            stage,
            told,
            into,
            hours,
        )


@njit(cache=True, nogil=True, error_model="numpy")
def count_unit(
    u: Int, d: Int, h: Int, a: Int, b: Int, close: Int, within: Int,
    rows: Rows, stage: Ints, told: Told, into: Sums, hours: Ints,
) -> None:  # fmt: skip
    """Count rows a:b, the visitors of one unit in ticket order; `hours` is room, [24, F]."""
    for hour in range(len(hours)):
        for f in range(hours.shape[1]):
            hours[hour, f] = 0
    cell = into.cell
    staged = len(stage) > 0
    whole = True  # whether all waits of the visit so far were within the target
    begin: Int = 0  # the first counter's item
    came: Int = 0  # and ticket
    for v in range(a, b):
        outcome = told.outcome[v]
        if outcome == VOID:
            continue
        hour = min(rows.arrival[v] // 3600, 23)
        item, kind = rows.item[v], rows.kind[v]
        ticket = told.ticket[v]
        good: Int = 0
        if ticket != NEVER:
            if outcome == SERVED:
                wait = told.called[v] - ticket
                good = 1 if wait <= within else 0
                work = told.finished[v] - told.called[v]
                over = max(0, told.finished[v] - max(told.called[v], close))
                cell[item, kind, _WORK] += work
                hours[hour, _WORK] += work
                cell[item, kind, _OVERTIME] += over
                hours[hour, _OVERTIME] += over
            elif outcome == ABANDONED:
                wait = rows.patience[v]
            else:
                wait = close - ticket
            cell[item, kind, _TICKETS] += 1
            hours[hour, _TICKETS] += 1
            cell[item, kind, _WAIT] += wait
            hours[hour, _WAIT] += wait
            k = min(wait // BIN, BINS - 1)
            into.hall[h, k] += 1
            into.day[d, k] += 1
            into.hour[hour, k] += 1
            into.item[item, k] += 1
            into.kind[kind, k] += 1
            _add_queue(into.queue, h, ticket, ticket + wait)
        counter: Int = 1
        if staged:  # a visit counts once, where it ends, and for the item of its first counter
            counter = stage[v]
            if counter == 1:
                whole, begin, came = True, item, ticket
            whole = whole and good == 1
            if outcome == SERVED and v + 1 < b and stage[v + 1] > 1:
                continue
            item = begin
            good = 1 if whole else 0
        else:
            came = ticket
        cell[item, kind, _VISITORS] += 1
        hours[hour, _VISITORS] += 1
        cell[item, kind, _OUTCOMES + outcome] += 1
        hours[hour, _OUTCOMES + outcome] += 1
        cell[item, kind, _WITHIN] += good
        hours[hour, _WITHIN] += good
        if outcome == SERVED:
            cell[item, kind, _STAY] += told.finished[v] - came
            hours[hour, _STAY] += told.finished[v] - came
            cell[item, kind, _COUNTERS] += counter
            hours[hour, _COUNTERS] += counter
    for hour in range(len(hours)):
        if hours[hour, _TICKETS] > 0 or hours[hour, _VISITORS] > 0:
            for f in range(hours.shape[1]):
                into.hall_hour[h, hour, f] += hours[hour, f]
                into.unit[u, f] += hours[hour, f]


@njit(cache=True, nogil=True, error_model="numpy")
def _add_queue(queue: Ints, h: Int, begin: Int, end: Int) -> None:
    """Seconds of [begin, end) in each half hour of the day; what lies after midnight in the last."""
    k = min(begin // SLOT_S, SLOTS - 1)
    if k == SLOTS - 1 or end <= (k + 1) * SLOT_S:
        queue[h, k] += end - begin
        return
    while begin < end:
        edge = end if k == SLOTS - 1 else min(end, (k + 1) * SLOT_S)
        queue[h, k] += edge - begin
        begin = edge
        k += 1


COSTS = WAIT, LOST, OVERTIME, TICKETS, WITHIN, VISITORS = tuple(range(6))
"""What a unit costs: minutes of waiting, visitors lost, minutes of overtime; and what its service
targets are made of: tickets, visitors served within the target time, visitors."""


@njit(cache=True, nogil=True, error_model="numpy")
def cost_unit(
    patience: Ints, stage: Ints, told: Told, close: Int, within: Int, cost: Floats
) -> None:
    """Add the cost of the visitors of one unit to `cost`, [6]; `stage` as in `count_units`."""
    whole = True
    for v in range(len(patience)):
        outcome = told.outcome[v]
        if outcome == VOID:
            continue
        good = False
        ticket = told.ticket[v]
        if ticket != NEVER:
            cost[TICKETS] += 1
        if outcome == SERVED:
            wait = told.called[v] - ticket
            good = wait <= within
            cost[WAIT] += wait / 60.0
            cost[OVERTIME] += max(0, told.finished[v] - max(told.called[v], close)) / 60.0
        else:  # a visit is lost at one of its counters
            cost[LOST] += 1
            if outcome == ABANDONED:
                cost[WAIT] += patience[v] / 60.0
            elif ticket != NEVER:
                cost[WAIT] += (close - ticket) / 60.0
        if len(stage) > 0:
            whole = good and (stage[v] == 1 or whole)
            if outcome == SERVED and v + 1 < len(stage) and stage[v + 1] > 1:
                continue
            good = whole
        cost[VISITORS] += 1
        cost[WITHIN] += good


@njit(cache=True, nogil=True, error_model="numpy")
def folded(histogram: Ints, index: Ints, size: int) -> Ints:
    """[size, B]: sums of the rows [., B] of equal index."""
    out = np.zeros((size, histogram.shape[1]), np.int64)
    for k in range(len(index)):
        into, row = out[index[k]], histogram[k]
        for b in range(len(row)):
            into[b] += row[b]
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def quantiles_of(histogram: Ints) -> Floats:
    """[keys, 2]: median and 90th percentile in seconds, interpolated inside a bin; nan without data."""
    out = np.full((len(histogram), 2), np.nan)
    for k in range(len(histogram)):
        total = 0
        for b in range(histogram.shape[1]):
            total += histogram[k, b]
        if total == 0:
            continue
        for j in range(2):
            goal = total * (0.5 if j == 0 else 0.9)
            below = 0.0
            for b in range(histogram.shape[1]):
                if histogram[k, b] > 0 and below + histogram[k, b] >= goal:
                    out[k, j] = BIN * (b + (goal - below) / histogram[k, b]) if b > 0 else 0.0
                    break
                below += histogram[k, b]
    return out
