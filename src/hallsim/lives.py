"""Compiled drawing: when a visitor comes, for how much work, in which class, with what patience.

A visitor is a key; each of their properties is its own number of that stream: 0 moment, 1 work,
2 class, 3 patience, 10 and up gamma; 4 is the key of a stream for the rest, whose numbers are the
first constants below; later counters and further cases have streams of their own.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hallsim.demand import Floats
from hallsim.queues import pop, push
from hallsim.records import NEVER, Int, Ints
from hallsim.streams import normal_quantile, poisson, split, uniform

Keys = NDArray[np.uint64]
LAWS = {"lognormal": 0, "gamma": 1, "exponential": 2, "fixed": 3, "empirical": 4}
_LOGNORMAL, _GAMMA, _EXPONENTIAL, _EMPIRICAL = 0, 1, 2, 4
FOR_EVER = -1.0
_LEAVES, _BALKS, _SHOWS, _LATENESS, _RETURNS, _UNTIL, _RETURN_KEY, _CASES = range(8)
_COUNTER_KEY, _CASE_KEY = 10, 100
ITEM_BITS, PERSON_BITS = 6, 26
"""A sort key is the second, the item and the number of the visitor within the item."""
_ITEM, _PERSON = (1 << ITEM_BITS) - 1, (1 << PERSON_BITS) - 1
_BLOCK = 1024  # keys that are sorted together stay in the first cache


class Streams(NamedTuple):
    """Whose chance it is: keys [H, I], days as ordinals [D], hall [S] and items [S, I] of stations."""

    keys: Keys
    days: Ints
    hall_of: Ints
    serves: NDArray[np.bool_]


class Shapes(NamedTuple):
    """When they come: shape [D, H, I], and per shape start, length, cumulative, slots."""

    of: Ints
    start: Floats
    length: Floats
    cumulative: Floats
    slots: Ints


class Laws(NamedTuple):
    """Work by item: law, mean in seconds, cv, sigma and sigma^2 / 2 of the lognormal, cases, sample.

    `sample` holds values in seconds and `cumulative` their shares, [I, values].
    """

    law: Ints
    mean: Floats
    cv: Floats
    sigma: Floats
    shift: Floats
    cases: Floats
    sample: Floats
    cumulative: Floats


class Classes(NamedTuple):
    """Classes: cumulative share, credit, mean patience in seconds or FOR_EVER, share who leave at once."""

    cumulative: Floats
    credit: Ints
    patience: Floats
    leaves: Floats


class Rows(NamedTuple):
    """What a visitor brings to the hall; the columns of `draw.Crowd`."""

    arrival: Ints
    item: Ints
    credit: Ints
    service: Ints
    patience: Ints
    kind: Ints


class Sorting(NamedTuple):
    """Room for sorting one unit; see `sorting`."""

    one: Ints
    two: Ints
    place: Ints
    block_end: Ints
    people: Keys


@njit(cache=True, nogil=True, error_model="numpy")
def sorting(one: Ints, two: Ints, items: Int) -> Sorting:
    """Room for units of as many visitors as there is room in both columns."""
    largest = len(one)
    size = 64
    while size < min(largest, 16 * _BLOCK):
        size *= 2
    return Sorting(
        one, two, np.empty(size + 2, np.int64), np.empty(largest // _BLOCK + 2, np.int64),
        np.empty(items, np.uint64),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def head_counts(mean: Floats, replication: int, streams: Streams) -> tuple[Ints, Ints]:
    """Visitors [units, I], and the first row of every unit and the end of the last, [units + 1]."""
    keys, days, hall_of, serves = streams
    stations, items = serves.shape
    count = np.zeros((len(days) * stations, items), np.int64)
    first = np.zeros(len(count) + 1, np.int64)
    for u in range(len(count)):
        d, s = u // stations, u % stations
        h = hall_of[s]
        first[u + 1] = first[u]
        for i in range(items):
            if serves[s, i] and mean[d, h, i] > 0:
                key = split(split(keys[h, i], days[d]), replication)
                count[u, i] = poisson(split(key, 0), mean[d, h, i])
                first[u + 1] += count[u, i]
    return count, first


@njit(cache=True, nogil=True, error_model="numpy")
def draw_crowd(
    count: Ints, first: Ints, replication: int, streams: Streams, shapes: Shapes, last_ticket: Ints,
    laws: Laws, classes: Classes, in_time: Ints, rows: Rows,
) -> None:  # fmt: skip
    """All visitors of a month in ticket order; `last_ticket` is [D, H]."""
    largest: Int = 1
    for u in range(len(count)):
        largest = max(largest, first[u + 1] - first[u])
    room = sorting(np.empty(largest, np.int64), np.empty(largest, np.int64), count.shape[1])
    for u in range(len(count)):
        late = draw_unit(
            u,
            first[u],
            count[u],
            replication,
            streams,
            shapes,
            last_ticket,
            laws,
            classes,
            rows,
            room,
        )
        in_time[u] = first[u + 1] - late


@njit(cache=True, nogil=True, error_model="numpy")
def draw_unit(
    u: Int, base: Int, count: Ints, replication: int, streams: Streams, shapes: Shapes,
    last_ticket: Ints, laws: Laws, classes: Classes, rows: Rows, room: Sorting,
) -> Int:  # fmt: skip
    """The visitors of a unit, count[i] of item i, from row `base` on; returns how many are late.

    Moments are drawn first and sorted; what else a visitor is follows from their key, in order.
    """
    stations = len(streams.hall_of)
    d = u // stations
    h = streams.hall_of[u % stations]
    n: Int = 0
    low: Int = np.int64(1) << 40
    high: Int = np.int64(0)
    for i in range(len(count)):
        if count[i] == 0:
            continue
        people = split(split(split(streams.keys[h, i], streams.days[d]), replication), 1)
        room.people[i] = people
        k = shapes.of[d, h, i]
        for j in range(count[i]):
            t = moment(
                uniform(split(people, j), 0), shapes.start[k], shapes.length[k],
                shapes.cumulative[k], shapes.slots[k],
            )  # fmt: skip
            low, high = min(low, t), max(high, t)
            room.one[n] = (t << (ITEM_BITS + PERSON_BITS)) | (i << PERSON_BITS) | j
            n += 1
    order = _sorted(room, n, low, high)
    late: Int = 0
    for r in range(n):
        key = order[r]
        t = key >> (ITEM_BITS + PERSON_BITS)
        i = (key >> PERSON_BITS) & _ITEM
        person = split(room.people[i], key & _PERSON)
        row = base + r
        rows.arrival[row] = t
        rows.item[row] = i
        if laws.law[i] == _EMPIRICAL or laws.cases[i] > 1.0:
            rows.service[row] = work(person, number_of_cases(person, laws.cases[i]), i, laws)
        else:
            rows.service[row] = _case(
                person, laws.law[i], laws.mean[i], laws.cv[i], laws.sigma[i], laws.shift[i]
            )
        c = class_of(person, classes.cumulative)
        rows.kind[row] = c
        rows.credit[row] = classes.credit[c]
        rows.patience[row] = patience_of(person, classes.patience[c], classes.leaves[c])
        late += t >= last_ticket[d, h]
    return late


@njit(cache=True, nogil=True, error_model="numpy")
def _sorted(room: Sorting, n: Int, low: Int, high: Int) -> Ints:
    """The first n keys of room.one in order, there or in room.two: by blocks of time, then each block.

    `low` and `high` are the first and the last second.

    A counting sort by time, then insertion: what fell together is few, or of the same second and in
    order already.  Blocks that are crowded are sorted by a heap.
    """
    one, two, place, block_end, _ = room
    if n <= 4 * _BLOCK:
        _sort_block(one, 0, n, two, place, low, high)
        return two
    blocks = n // _BLOCK
    scale = blocks / (high - low + 1.0)
    for q in range(blocks + 1):
        block_end[q] = 0
    for r in range(n):
        block_end[np.int64(((one[r] >> (ITEM_BITS + PERSON_BITS)) - low) * scale) + 1] += 1
    for q in range(blocks):
        block_end[q + 1] += block_end[q]
    for r in range(n):
        k = np.int64(((one[r] >> (ITEM_BITS + PERSON_BITS)) - low) * scale)
        two[block_end[k]] = one[r]
        block_end[k] += 1
    a: Int = 0
    for q in range(blocks):
        b = block_end[q]
        if b - a > 16 * _BLOCK:
            for r in range(a, b):  # a heap's worst case is its usual one
                push(one, a, r - a, two[r])
            for r in range(b, a, -1):
                two[b - r + a] = pop(one, a, r - a)
            for r in range(a, b):
                one[r] = two[r]
        else:
            _sort_block(
                two,
                a,
                b,
                one,
                place,
                low + np.int64(q / scale) - 1,
                low + np.int64((q + 1) / scale) + 1,
            )
        a = b
    return one


@njit(cache=True, nogil=True, error_model="numpy")
def _sort_block(key: Ints, a: Int, b: Int, out: Ints, place: Ints, low: Int, high: Int) -> None:
    """Sort key[a:b], of seconds low to high, into out[a:b]; keys differ."""
    n = b - a
    if n > 24:
        buckets = 32
        while buckets < n:
            buckets *= 2
        scale = buckets / (high - low + 1.0)
        for q in range(buckets + 1):
            place[q] = 0
        for r in range(a, b):
            place[np.int64(((key[r] >> (ITEM_BITS + PERSON_BITS)) - low) * scale) + 1] += 1
        total = a
        for q in range(buckets + 1):
            total += place[q]
            place[q] = total
        for r in range(a, b):
            k = np.int64(((key[r] >> (ITEM_BITS + PERSON_BITS)) - low) * scale)
            out[place[k]] = key[r]
            place[k] += 1
    else:
        for r in range(a, b):
            out[r] = key[r]
    for r in range(a + 1, b):
        x = out[r]
        q = r
        while q > a and out[q - 1] > x:
            out[q] = out[q - 1]
            q -= 1
        out[q] = x


@njit(cache=True, nogil=True, error_model="numpy")
def come(
    mean: Floats, replication: int, streams: Streams, lead: int, listed: Ints, open_count: Ints,
    place: Ints, shapes: Shapes, edges: Ints, classes: Classes,
    booked: Ints, late: Floats, late_sd: Floats, no_show: Floats,
    return_share: Floats, again: Floats,
    unit: Ints, when: Ints, whose: Keys, what: Ints, kind: Ints,
) -> int:  # fmt: skip
    """All visits of the month, first ones and returns, in no order; returns their number.

    The first `lead` days of `streams` are before the month: only the returns of their visits are in it.
    """
    keys, days, hall_of, serves = streams
    stations_n = len(hall_of)
    n = 0
    for d in range(len(days)):
        for s in range(stations_n):
            h = hall_of[s]
            for i in range(serves.shape[1]):
                if not serves[s, i] or mean[d, h, i] <= 0:
                    continue
                key = split(split(keys[h, i], days[d]), replication)
                people = split(key, 1)
                for j in range(poisson(split(key, 0), mean[d, h, i])):
                    person = split(people, j)
                    more = split(person, 4)
                    c = class_of(person, classes.cumulative)
                    if uniform(more, _SHOWS) < no_show[c]:
                        continue
                    on = d
                    for visit in range(2):
                        if visit == 1:  # once more?
                            if uniform(more, _RETURNS) >= return_share[i]:
                                break
                            k = place[d, h] + _geometric(uniform(more, _UNTIL), again[i])
                            if k >= open_count[h]:
                                break
                            on = listed[h, k]
                            person = split(more, _RETURN_KEY)
                            more = split(person, 4)
                            if uniform(more, _SHOWS) < no_show[c]:
                                break
                        if on < lead:
                            continue
                        k = shapes.of[on - lead, h, i]
                        t = moment(
                            uniform(person, 0), shapes.start[k], shapes.length[k],
                            shapes.cumulative[k], shapes.slots[k],
                        )  # fmt: skip
                        if booked[c] > 0:
                            z = normal_quantile(uniform(more, _LATENESS))
                            t = t - t % booked[c] + np.int64(np.round(late[c] + late_sd[c] * z))
                            t = min(max(t, edges[0, on - lead, h]), edges[2, on - lead, h])
                        unit[n] = (on - lead) * stations_n + s
                        when[n] = t
                        whose[n] = person
                        what[n] = i
                        kind[n] = c
                        n += 1
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def in_order(unit: Ints, when: Ints, units: int) -> Ints:
    """The order of visits by unit, second and row."""
    n = len(unit)
    end = np.zeros(units + 1, np.int64)
    low: Int = np.int64(1) << 40
    high: Int = np.int64(0)
    for v in range(n):
        end[unit[v] + 1] += 1
        low, high = min(low, when[v]), max(high, when[v])
    largest: Int = 0
    for u in range(units):
        largest = max(largest, end[u + 1])
        end[u + 1] += end[u]
    key, out = np.empty(n, np.int64), np.empty(n, np.int64)
    for v in range(n):
        u = unit[v]
        key[end[u]] = (when[v] << (ITEM_BITS + PERSON_BITS)) | v
        end[u] += 1
    place = np.empty(2 * max(largest, 32) + 2, np.int64)
    a: Int = 0
    for u in range(units):
        _sort_block(key, a, end[u], out, place, low, high)
        a = end[u]
    for v in range(n):
        out[v] &= (1 << (ITEM_BITS + PERSON_BITS)) - 1
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def live(
    unit: Ints, when: Ints, whose: Keys, what: Ints, kinds: Ints,
    first: Ints, hall_of: Ints, last_ticket: Ints, next_item: Ints, walk_seconds: Ints, balk: Floats,
    laws: Laws, classes: Classes, in_time: Ints, rows: Rows, balk_at: Ints, stage: Ints, walk: Ints,
) -> None:  # fmt: skip
    """The rows of sorted visits.

    Patience and the number of cases are the person's at every counter; whoever has taken the first
    ticket does not balk at a later counter.
    """
    stations_n = len(hall_of)
    row = 0
    for v in range(len(unit)):
        u, person, c = unit[v], whose[v], kinds[v]
        more = split(person, 4)
        i = what[v]
        number = number_of_cases(person, laws.cases[i])
        wait = patience_of(person, classes.patience[c], classes.leaves[c])
        counter = 1
        worker = person
        before = i
        while i != NEVER:
            rows.arrival[row] = when[v]
            rows.item[row] = i
            rows.credit[row] = classes.credit[c]
            if number > 1 or laws.law[i] == _EMPIRICAL:
                rows.service[row] = work(worker, number, i, laws)
            else:
                rows.service[row] = _case(
                    worker, laws.law[i], laws.mean[i], laws.cv[i], laws.sigma[i], laws.shift[i]
                )
            rows.patience[row] = wait
            rows.kind[row] = c
            balk_at[row] = NEVER
            if counter == 1 and balk[c] > 0:
                balk_at[row] = _geometric(uniform(more, _BALKS), 1.0 / balk[c])
            stage[row] = counter
            walk[row] = walk_seconds[before] if counter > 1 else 0
            row += 1
            worker = split(more, _COUNTER_KEY + counter)
            counter += 1
            before = i
            i = next_item[i]
        if when[v] < last_ticket[u // stations_n, hall_of[u % stations_n]]:
            in_time[u] = row


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def class_of(person: Any, cumulative: Floats) -> Int:
    """Index of the class."""
    c: Int = 0
    if len(cumulative) > 1:
        v = uniform(person, 2)
        for k in range(len(cumulative) - 1):
            c += v > cumulative[k]
    return c


@njit(cache=True, nogil=True, error_model="numpy")
def patience_of(person: Any, mean: float, leaves: float) -> Int:
    """Whole seconds, 0 for those who leave at once, NEVER for those who wait for ever."""
    if leaves > 0 and uniform(split(person, 4), _LEAVES) < leaves:
        return np.int64(0)
    return np.int64(NEVER) if mean < 0 else np.int64(-np.log(uniform(person, 3)) * mean)


@njit(cache=True, nogil=True, error_model="numpy")
def number_of_cases(person: Any, mean: float) -> Int:
    """1 + Poisson."""
    if mean <= 1.0:
        return np.int64(1)
    return np.int64(1 + poisson(split(split(person, 4), _CASES), mean - 1.0))


@njit(cache=True, nogil=True, error_model="numpy")
def _geometric(u: float, p: float) -> Int:
    """1, 2, … with mean 1 / p, by inversion."""
    if p >= 1.0:
        return np.int64(1)
    return np.int64(1 + min(np.floor(np.log(u) / np.log1p(-p)), 1e9))


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def moment(u: float, start: Floats, length: Floats, cumulative: Floats, slots: Int) -> Int:
    """The moment, in whole seconds, at quantile u of a shape."""
    k = 0
    for slot in range(slots - 1):
        k += u > cumulative[slot]
    below = cumulative[k - 1] if k > 0 else 0.0
    inside = (u - below) / (cumulative[k] - below)
    return np.int64(start[k] + min(inside, 1.0 - 1e-12) * length[k])


@njit(cache=True, nogil=True, error_model="numpy")
def work(person: Any, number: Int, i: Int, laws: Laws) -> Int:
    """Work of so many cases of item i in whole seconds, at least 1 for each."""
    total = np.int64(0)
    for k in range(number):
        one = split(split(person, 4), _CASE_KEY + k) if k > 0 else person
        if laws.law[i] == _EMPIRICAL:
            total += _seen(one, laws.sample[i], laws.cumulative[i])
        else:
            total += _case(one, laws.law[i], laws.mean[i], laws.cv[i], laws.sigma[i], laws.shift[i])
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _case(person: Any, law: Int, mean: float, cv: float, sigma: float, shift: float) -> Int:
    if law == _LOGNORMAL:
        value = mean * np.exp(sigma * normal_quantile(uniform(person, 1)) - shift)
    elif law == _EXPONENTIAL:
        value = -mean * np.log(uniform(person, 1))
    elif law == _GAMMA:
        value = mean * cv * cv * _gamma(person, 1.0 / (cv * cv))
    else:
        value = mean
    return max(np.int64(1), np.int64(np.round(value)))


@njit(cache=True, nogil=True, error_model="numpy")
def _seen(person: Any, sample: Floats, cumulative: Floats) -> Int:
    u = uniform(person, 1)
    k = 0
    while k < len(sample) - 1 and u > cumulative[k]:
        k += 1
    return max(np.int64(1), np.int64(np.round(sample[k])))


@njit(cache=True, nogil=True, error_model="numpy")
def _gamma(visitor: Any, shape: float) -> float:
    """A standard gamma variate by rejection from the visitor's own stream (Marsaglia and Tsang 2000)."""
    boost = 1.0
    if shape < 1.0:
        boost = uniform(visitor, 10) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / np.sqrt(9.0 * d)
    step = 12
    while True:
        x = normal_quantile(uniform(visitor, step))
        v = (1.0 + c * x) ** 3
        if v > 0 and np.log(uniform(visitor, step + 1)) < 0.5 * x * x + d - d * v + d * np.log(v):
            return boost * d * v
        step += 2
