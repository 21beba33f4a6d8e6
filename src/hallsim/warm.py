"""A day that goes on from its state at some second: who is being served, who waits, who is yet to come.

The engines start with empty halls.  So the state is put into their tables: one second before `now`
every open window calls a *holder*, a row with so large a credit that it comes before everybody, whose
work is what is left of the visit at that window, or one second where nobody is there.  From second
`now` on the rows are those of the whole day (`docs/rules.md`; a test asks for it).  The state is
that before anything happens in second `now`: a visit that ends in it is still in service.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from hallsim.compiled import hall_day, longest, room
from hallsim.counting import COSTS, LOST, VISITORS, Told, cost_unit
from hallsim.demand import Floats
from hallsim.records import ABANDONED, ALL_ITEMS, NEVER, SERVED, TURNED_AWAY, Int, Ints
from hallsim.scenario import Hours, Session
from hallsim.stations import Station, duties

FIRST_CALLED = 10**8
"""The credit of a holder, in seconds; no visitor has as much."""
MACHINE_SPEED = 100
NO_ITEMS = 0
"""The items of a window that serves nobody."""
COLUMNS = ("arrival", "item", "credit", "service", "patience", "balk_at", "stage", "walk")


class Rows(NamedTuple):
    """Visitors of one station, in ticket order; the columns of `draw.Crowd`."""

    arrival: Ints
    item: Ints
    credit: Ints
    service: Ints
    patience: Ints
    balk_at: Ints
    stage: Ints
    walk: Ints

    @staticmethod
    def of(n: int, **columns: Ints | int) -> Rows:
        """n rows; what is not given is as usual: no credit, for ever, one counter."""
        usual = {
            "credit": 0,
            "service": 1,
            "patience": NEVER,
            "balk_at": NEVER,
            "stage": 1,
            "walk": 0,
        }
        given = {**usual, **columns}
        return Rows(*(np.array(np.broadcast_to(given[c], n), np.int64) for c in COLUMNS))

    def at(self, index: Ints) -> Rows:
        """Some of the rows."""
        return Rows(*(column[index] for column in self))

    @staticmethod
    def join(parts: Sequence[Rows]) -> Rows:
        """One below the other."""
        return Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class Action(NamedTuple):
    """What is done at a station: so many windows close, as they get free; others open at these seconds."""

    leave: int = 0
    come: tuple[int, ...] = ()


NOTHING = Action()


@dataclass(frozen=True)
class Post:
    """A station today, from `now` on.

    Attributes:
        station: its windows and items.
        sessions: today's; their shares are relative to the one that runs at `now` or is next.
        hours: of the hall.
        now: second of the day.
        clerks: at its windows today.
        busy: at least so many windows are in use at `now`.
    """

    station: Station
    sessions: tuple[Session, ...]
    hours: Hours
    now: int
    clerks: int
    busy: int = 0

    @property
    def windows(self) -> int:
        """Windows that the clerks can open."""
        return min(self.clerks, len(self.station.windows))

    @property
    def closing(self) -> int:
        """Second at which the hall closes."""
        return self.sessions[-1].off

    def spells(self, session: Session) -> dict[int, list[tuple[int, int]]]:
        """Place of a window in the order of staffing to when it is open in a session."""
        whole = session.model_copy(update={"share": 1.0})
        place = {w.number: k for k, w in enumerate(self.station.windows)}
        found: dict[int, list[tuple[int, int]]] = {k: [] for k in place.values()}
        for number, _, on, off, _ in duties(
            self.station, (whole,), self.hours, len(self.station.windows)
        ):
            found[place[number]].append((on, off))
        return found

    def opened(self) -> list[int]:
        """Places of the windows that have a holder: on duty in the second before `now`, or in use."""
        t = self.now - 1
        on_duty = set()
        for session in self.sessions:
            if session.on <= t < session.off:
                here = range(_part(self.windows, session))
                spells = self.spells(session)
                on_duty = {k for k in here if any(on <= t < off for on, off in spells[k])}
        for k in range(len(self.station.windows)):
            if len(on_duty) >= self.busy:
                break
            on_duty.add(k)
        return sorted(on_duty)

    def duties(
        self, action: Action, opened: Sequence[int], leavers: Sequence[int] | None = None
    ) -> list[tuple[int, int, int, int, int]]:
        """(window, items, on, off, speed) from the second before `now` on.

        Args:
            action: what is done.
            opened: places of the windows that have a holder.
            leavers: places of the windows that close; default: the last.

        Raises:
            ValueError: more windows close than are open.
        """
        if action.leave > self.windows:
            raise ValueError(f"{action.leave} windows cannot close where {self.windows} are open")
        given = list(range(self.windows))
        gone = set(given[self.windows - action.leave :] if leavers is None else leavers)
        stay = [k for k in given if k not in gone]
        free = [*range(self.windows, len(self.station.windows)), *sorted(gone)]
        come = list(zip(free, sorted(action.come), strict=False))
        rows = []
        alike = len({w.items for w in self.station.windows}) == 1
        for k in opened:
            w = self.station.windows[k]
            items = w.items if alike else ALL_ITEMS
            rows.append((w.number, items, self.now - 1, self.now, MACHINE_SPEED))
        for session in self.sessions:
            if session.off <= self.now:
                continue
            spells = self.spells(session)
            works = [(k, self.now) for k in stay] + come
            for k, begin in works[: _part(len(works), session)]:
                w = self.station.windows[k]
                rows += [
                    (w.number, w.items, max(on, begin), off, w.speed)
                    for on, off in spells[k]
                    if off > max(on, begin)
                ]
        if not stay and not come and self.closing > self.now and self.station.windows:
            w = self.station.windows[-1]  # nobody works, yet people come and wait in vain
            rows.append((w.number, NO_ITEMS, self.now, self.closing, w.speed))
        return sorted(rows, key=lambda row: (row[0], row[2]))


def post_today(
    station: Station,
    sessions: tuple[Session, ...],
    hours: Hours,
    now: int,
    clerks: int,
    busy: int = 0,
) -> Post:
    """A station from `now` on, where `clerks` are at its windows in the session that runs or is next."""
    left = [s for s in sessions if s.off > now]
    share = left[0].share if left and left[0].share > 0 else 1.0
    relative = tuple(s.model_copy(update={"share": min(1.0, s.share / share)}) for s in sessions)
    return Post(station, relative, hours, now, clerks, busy)


def _part(windows: int, session: Session) -> int:
    return math.ceil(windows * session.share - 1e-9)


def holders(post: Post, opened: Sequence[int], left: Sequence[int], after: Sequence[Rows]) -> Rows:
    """The rows that are called in the second before `now`.

    Args:
        post: where.
        opened: places of the windows, as of `Post.opened`.
        left: of each of these windows, seconds from `now` until its visit ends, or -1 where nobody is.
        after: the later counters of each of these visits; empty where there are none.
    """
    bits = post.station.items
    item = 0 if bits == ALL_ITEMS else (bits & -bits).bit_length() - 1
    in_row = np.argsort([post.station.windows[k].number for k in opened], kind="stable")
    parts = []
    for r in in_row:
        work = max(int(left[r]) + 1, 1)
        parts.append(Rows.of(1, arrival=post.now - 1, item=item, credit=FIRST_CALLED, service=work))
        if len(after) and len(after[r].arrival):
            parts.append(after[r])
    return Rows.join(parts) if parts else Rows.of(0, arrival=0, item=0)


class Cut(NamedTuple):
    """The state of a station at `now`: places of the windows in use or open, what is left of their
    visits (seconds, -1 where nobody is), the later counters of these visits, those who wait, and those
    who are yet to come."""

    opened: list[int]
    left: list[int]
    after: list[Rows]
    waiting: Rows
    coming: Rows

    def rows(self, post: Post) -> Rows:
        """The rows of the rest of the day."""
        people = [self.waiting, holders(post, self.opened, self.left, self.after), self.coming]
        return Rows.join(people)


def cut(post: Post, rows: Rows, told: Told) -> Cut:
    """The state at `post.now` of a day that was simulated whole; `told` is what became of its rows."""
    now = post.now
    number = {w.number: k for k, w in enumerate(post.station.windows)}
    begin = np.flatnonzero(rows.stage == 1)
    end = np.append(begin[1:], len(rows.stage))
    in_service: dict[int, tuple[int, Rows]] = {}
    waiting: list[tuple[int, Rows]] = []
    coming: list[tuple[int, Rows]] = []
    for a, b in zip(begin.tolist(), end.tolist(), strict=True):
        for v in range(a, b):
            outcome, ticket = int(told.outcome[v]), int(told.ticket[v])
            if v == a and rows.arrival[v] >= now:
                coming.append((int(rows.arrival[v]), rows.at(np.arange(a, b))))
                break
            if ticket == NEVER:
                break
            if ticket >= now or _waits(outcome, ticket, told, rows, v, now):
                later = rows.at(np.arange(v, b))
                arrival = np.full(b - v, ticket, np.int64)
                later = later._replace(arrival=arrival, stage=np.arange(1, b - v + 1))
                (coming if ticket >= now else waiting).append((ticket, later))
                break
            if outcome != SERVED:
                break
            if told.finished[v] >= now:
                later = rows.at(np.arange(v + 1, b))
                later = later._replace(stage=np.arange(2, b - v + 1))
                in_service[number[int(told.window[v])]] = int(told.finished[v]) - now, later
                break
    opened = sorted({*post.opened(), *in_service})
    none = Rows.of(0, arrival=0, item=0)
    return Cut(
        opened,
        [in_service[k][0] if k in in_service else -1 for k in opened],
        [in_service[k][1] if k in in_service else none for k in opened],
        _in_order(waiting, none),
        _in_order(coming, none),
    )


def _waits(outcome: int, ticket: int, told: Told, rows: Rows, v: int, now: int) -> bool:
    """Whether somebody with an earlier ticket still waits when second `now` begins."""
    if outcome == SERVED:
        return int(told.called[v]) >= now
    if outcome == ABANDONED:
        return ticket + int(rows.patience[v]) >= now
    return outcome == TURNED_AWAY


def _in_order(parts: list[tuple[int, Rows]], none: Rows) -> Rows:
    return Rows.join([none, *(rows for _, rows in sorted(parts, key=lambda part: part[0]))])


class Rest(NamedTuple):
    """The rest of the day at one station in R replications.

    first, last: [R] its rows in `rows`; late: [R] people who come after the last ticket;
    holders: [R] rows that stand for windows without a visitor or for visits that began before `now`.
    """

    first: Ints
    last: Ints
    late: Ints
    holders: Ints
    rows: Rows


class Shifts(NamedTuple):
    """Duties of K ways to go on: rows begin[r, k]:end[r, k] of a table; r is 0 where all replications
    have the same."""

    begin: Ints
    end: Ints
    window: Ints
    items: Ints
    on: Ints
    off: Ints
    speed: Ints


def shifts(ways: Sequence[Sequence[Sequence[tuple[int, int, int, int, int]]]]) -> Shifts:
    """`ways[r][k]` are duty rows; one r for all replications."""
    rows: list[tuple[int, int, int, int, int]] = []
    begin = np.zeros((len(ways), len(ways[0])), np.int64)
    end = begin.copy()
    for r, way in enumerate(ways):
        for k, own in enumerate(way):
            begin[r, k] = len(rows)
            rows += own
            end[r, k] = len(rows)
    table = np.array(rows, np.int64).reshape(len(rows), 5)
    return Shifts(begin, end, *(np.ascontiguousarray(table[:, k]) for k in range(5)))


def rest_costs(rest: Rest, plan: Shifts, closing: int, within: int) -> Floats:
    """[R, K, 6]: the fields of `counting.COSTS` of the rest of the day, under each way to go on.

    Waits count from the ticket, also where it was taken before `now`.  Visits that began before `now`
    count for nothing but overtime.
    """
    cost = np.zeros((len(rest.first), plan.begin.shape[1], len(COSTS)))
    _rest_costs(*rest[:3], rest.rows, plan, closing, within, cost)
    cost[..., 3:] -= rest.holders[:, None, None]  # tickets, in time and visitors: all follow LOST
    return cost


@njit(cache=True, nogil=True, error_model="numpy")
def _rest_costs(
    first: Ints, last: Ints, late: Ints, rows: Rows, plan: Shifts, closing: int, within: int,
    cost: Floats,
) -> None:  # fmt: skip
    most = longest(first, last)
    scratch = np.empty((5, most), np.int64)
    widest: Int = 1
    for r in range(len(plan.begin)):
        widest = max(widest, longest(plan.begin[r], plan.end[r]))
    space = room(np.empty(most, np.int64), widest)
    for r in range(len(first)):
        a, b = first[r], last[r]
        n = b - a
        staged = False
        for v in range(a, b):
            staged = staged or rows.stage[v] > 1 or rows.balk_at[v] != NEVER
        m = b if staged else a  # without counters and balking the engine takes its short path
        p = r if len(plan.begin) > 1 else 0
        for k in range(plan.begin.shape[1]):
            c, d = plan.begin[p, k], plan.end[p, k]
            scratch[:, :n] = NEVER
            told = Told(
                scratch[0, :n], scratch[1, :n], scratch[2, :n], scratch[3, :n], scratch[4, :n]
            )
            hall_day(
                rows.arrival[a:b], rows.item[a:b], rows.credit[a:b], rows.service[a:b],
                rows.patience[a:b], rows.balk_at[a:m], rows.stage[a:m], rows.walk[a:m],
                plan.window[c:d], plan.items[c:d], plan.on[c:d], plan.off[c:d], plan.speed[c:d], True,
                told.outcome, told.window, told.ticket, told.called, told.finished, space,
            )  # fmt: skip
            cost_unit(rows.patience[a:b], rows.stage[a:m], told, closing, within, cost[r, k])
            cost[r, k, LOST] += late[r]
            cost[r, k, VISITORS] += late[r]


def tell_rest(rows: Rows, duty_rows: Sequence[tuple[int, int, int, int, int]]) -> Told:
    """What becomes of the rows of one station from `now` on."""
    n = len(rows.arrival)
    plan = shifts([[list(duty_rows)]])
    told = Told(*(np.full(n, NEVER, np.int64) for _ in range(5)))
    staged = bool((rows.stage > 1).any() or (rows.balk_at != NEVER).any())
    m = n if staged else 0
    _tell(rows, rows.balk_at[:m], rows.stage[:m], rows.walk[:m], plan, told)
    return told


@njit(cache=True, nogil=True, error_model="numpy")
def _tell(rows: Rows, balk_at: Ints, stage: Ints, walk: Ints, plan: Shifts, told: Told) -> None:
    space = room(np.empty(max(1, len(rows.arrival)), np.int64), max(1, len(plan.window)))
    hall_day(
        rows.arrival, rows.item, rows.credit, rows.service, rows.patience, balk_at, stage, walk,
        plan.window, plan.items, plan.on, plan.off, plan.speed, True,
        told.outcome, told.window, told.ticket, told.called, told.finished, space,
    )  # fmt: skip
