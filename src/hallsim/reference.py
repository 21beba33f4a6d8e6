"""The rules of a hall-day as a SimPy program: the readable engine that every other must equal.

This module is the specification in executable form; `docs/rules.md` is the same in words, and the
numbers in the comments are the numbers of its rules.  Clarity comes before speed here.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Generator
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

import numpy as np
import simpy
from simpy.events import EventPriority

from hallsim.records import (
    ABANDONED,
    BALKED,
    NEVER,
    SERVED,
    TURNED_AWAY,
    VOID,
    Choices,
    Duties,
    Visitors,
    Visits,
)

Story = Generator[simpy.Event, None, None]
Row = TypeVar("Row")

OPEN = NEVER
"""The outcome of whoever is in the hall: there is none yet."""


class Phase(IntEnum):
    """What comes first within one second (rules 2, 3, 6 and 8).

    Duties need no phase of their own to end: a duty that is over is simply no longer in force.
    """

    SERVICE_ENDS = 1
    DUTY_BEGINS = 2
    PATIENCE_ENDS = 3
    ARRIVAL = 4
    CLOSING = 5
    CALLS = 6
    GIVING_UP = 7


class At(simpy.Event):
    """Happens at a second, in a phase of it, and there in the order of rows."""

    def __init__(self, env: simpy.Environment, second: int, phase: Phase, row: int = 0) -> None:
        """`second` is now or later."""
        super().__init__(env)
        self._ok, self._value = True, None
        env.schedule(self, EventPriority(phase << 40 | row), second - int(env.now))


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run."""

    serve_out: bool
    ghost_seconds: int
    posted_service: int


@dataclass(slots=True, eq=False)
class Visitor:
    """One row of `Visitors`, that is one stage of a visit, and what has happened to it so far."""

    row: int
    arrival: int
    item: int
    credit: int
    service: int
    patience: int
    balk_at: int
    walk: int
    outcome: int = VOID
    """until the stage is reached"""
    hall: int = NEVER
    window: int = NEVER
    ticket: int = NEVER
    called: int = NEVER
    finished: int = NEVER

    def turn(self) -> tuple[int, int, int]:
        """The place in the queue, the smallest first (rule 5)."""
        return self.ticket - self.credit, self.ticket, self.row


@dataclass(frozen=True, slots=True, eq=False)
class Duty:
    """One row of `Duties`."""

    window: int
    items: int
    on: int
    off: int
    speed: int

    def serves(self, visitor: Visitor) -> bool:
        """Whether the visitor's item is on the list."""
        return bool(self.items >> visitor.item & 1)

    def length_of_list(self) -> int:
        """How many items the duty lists, `*` counting as all 64."""
        return (self.items & (1 << 64) - 1).bit_count()

    def duration(self, visitor: Visitor) -> int:
        """Seconds that the visitor takes under this duty: work / speed, rounded up."""
        return -(-visitor.service * 100 // self.speed)


class Hall:
    """One hall on one day."""

    def __init__(self, env: simpy.Environment, code: int, duties: list[Duty], how: Options) -> None:
        """`duties` are those of this hall-day, in row order."""
        self.env, self.code, self.how = env, code, how
        self.closing = max((duty.off for duty in duties), default=NEVER)  # 1
        self.duties = sorted(duties, key=Duty.length_of_list)  # 5, stable: then by row order
        self.queue: list[Visitor] = []  # who waits, and ghosts, in turn
        self.served: dict[Visitor, simpy.Event] = {}
        self.busy: set[int] = set()
        self.calls_due = NEVER
        for duty in duties:
            env.process(self.begin(duty))
        if duties:
            env.process(self.close())

    @property
    def now(self) -> int:
        """The second."""
        return int(self.env.now)

    @property
    def closed(self) -> bool:
        """Rule 4: whether nobody new gets a ticket."""
        return self.now >= self.closing

    def at(self, second: int, phase: Phase) -> At:
        """Wait for this moment."""
        return At(self.env, second, phase)

    def in_force(self, duty: Duty) -> bool:
        """Rules 7 and 8: from `on` until `off`; without end if the window stays at closing."""
        return duty.on <= self.now and (self.now < duty.off or self.stays(duty))

    def stays(self, duty: Duty) -> bool:
        """Rule 8: whether the window stays under this duty until the day is over."""
        return self.how.serve_out and duty.off == self.closing

    def is_for_stayers(self, visitor: Visitor) -> bool:
        """Rule 8: whether a staying window may serve the visitor."""
        return any(duty.serves(visitor) for duty in filter(self.stays, self.duties))

    def waiting(self) -> int:
        """How many wait; ghosts do not (10)."""
        return sum(visitor.outcome == OPEN for visitor in self.queue)

    def posted_wait(self, visitor: Visitor) -> int:
        """Rule 9: what the hall tells who thinks of coming; staying is not being in force here."""
        duties = [d for d in self.duties if d.on <= self.now < d.off and d.serves(visitor)]
        return self.waiting() * self.how.posted_service // max(1, len(duties))

    def come(self, visitor: Visitor, later_stage: bool) -> simpy.Event:
        """Rules 4, 8 and 11: a visitor takes a ticket, or does not; happens when it is served."""
        served = self.served[visitor] = self.env.event()
        if self.closed and not (later_stage and self.is_for_stayers(visitor)):  # 4, 8
            visitor.outcome = TURNED_AWAY
        elif visitor.balk_at != NEVER and self.waiting() >= visitor.balk_at:  # 11
            visitor.outcome = BALKED
        else:
            visitor.outcome, visitor.ticket = OPEN, self.now
            bisect.insort(self.queue, visitor, key=Visitor.turn)
            self.call_soon()
            if visitor.patience != NEVER:
                self.env.process(self.lose_patience(visitor))
        return served

    def lose_patience(self, visitor: Visitor) -> Story:
        """Rule 6: a visitor who is not called in time leaves; rule 10: and may become a ghost."""
        phase = Phase.PATIENCE_ENDS if visitor.patience > 0 else Phase.GIVING_UP
        yield self.at(visitor.ticket + visitor.patience, phase)
        if visitor.outcome == OPEN and visitor.called == NEVER:
            visitor.outcome = ABANDONED
            if self.closed or not self.how.ghost_seconds:  # 10
                self.queue.remove(visitor)

    def begin(self, duty: Duty) -> Story:
        """Rule 3 (b): with the beginning of a duty its window may call, unless it is busy."""
        yield self.at(duty.on, Phase.DUTY_BEGINS)
        self.call_soon()

    def close(self) -> Story:
        """Rules 8 and 10: whoever no staying window may serve is turned away; ghosts are no more."""
        yield self.at(self.closing, Phase.CLOSING)
        waiting = [visitor for visitor in self.queue if visitor.outcome == OPEN]
        self.queue = [visitor for visitor in waiting if self.is_for_stayers(visitor)]
        for visitor in waiting:
            if visitor not in self.queue:
                visitor.outcome = TURNED_AWAY

    def call_soon(self) -> None:
        """Rule 2: something took effect, so there are calls in this second, once."""
        if self.calls_due != self.now:
            self.calls_due = self.now
            self.env.process(self.calls())

    def calls(self) -> Story:
        """Rule 5: each idle window on duty calls the first in turn whom it may serve."""
        yield self.at(self.now, Phase.CALLS)
        for duty in self.duties:
            if self.in_force(duty) and duty.window not in self.busy:
                visitor = next(filter(duty.serves, self.queue), None)
                if visitor is not None:
                    self.queue.remove(visitor)
                    self.busy.add(duty.window)
                    ghost = visitor.outcome == ABANDONED
                    self.env.process((self.miss if ghost else self.serve)(duty, visitor))

    def serve(self, duty: Duty, visitor: Visitor) -> Story:
        """Rule 7: a visitor who was called is served to the end, even past the end of the duty."""
        visitor.window, visitor.called = duty.window, self.now
        yield self.at(self.now + duty.duration(visitor), Phase.SERVICE_ENDS)
        visitor.outcome, visitor.finished = SERVED, self.now
        self.served[visitor].succeed()
        self.release(duty)

    def miss(self, duty: Duty, visitor: Visitor) -> Story:
        """Rule 10: the window calls somebody who has left, and waits in vain."""
        yield self.at(self.now + self.how.ghost_seconds, Phase.SERVICE_ENDS)
        self.release(duty)

    def release(self, duty: Duty) -> None:
        """Rule 7: the window is idle, on duty or not."""
        self.busy.remove(duty.window)
        self.call_soon()


def visit(env: simpy.Environment, stages: list[Visitor], ways: list[tuple[Hall, int]]) -> Story:
    """Rules 9 and 12: a visitor goes to one of the halls, and there from counter to counter.

    Args:
        env: the day.
        stages: of the visit, in their order.
        ways: halls to choose from and the seconds to each.
    """
    first = stages[0]
    yield At(env, first.arrival, Phase.ARRIVAL, first.row)
    candidates = [way for way in ways if not way[0].closed] or ways  # 9
    hall, travel = min(candidates, key=lambda way: way[1] + way[0].posted_wait(first))
    for stage in stages:
        stage.hall = hall.code
    if travel > 0:
        yield At(env, first.arrival + travel, Phase.ARRIVAL, first.row)
    yield hall.come(first, later_stage=False)
    for stage in stages[1:]:  # 12: whoever is not served never comes here
        yield At(env, int(env.now) + stage.walk, Phase.ARRIVAL, stage.row)
        yield hall.come(stage, later_stage=True)


def simulate(
    visitors: Visitors,
    duties: Duties,
    serve_out: bool = True,
    *,
    ghost_seconds: int = 0,
    posted_service: int = 600,
    choices: Choices | None = None,
) -> Visits:
    """What happens to the visitors when the windows are on duty like this.

    Args:
        visitors: any number of days and halls, rows of each hall-day in ticket order.
        duties: of the same days and halls; a hall without duties is closed all day.
        serve_out: whether windows whose duty ends at closing stay until the hall is empty.
        ghost_seconds: how long a window waits for somebody who has left.
        posted_service: seconds per person in the posted wait.
        choices: the halls from which visitors choose who have none.
    """
    how = Options(serve_out, ghost_seconds, posted_service)
    people, plan = people_of(visitors), by_day_and_hall(duties)
    ways = ways_of(visitors, choices)
    for day, visits in visits_by_day(visitors, people).items():
        env = simpy.Environment()
        named = dict.fromkeys(hall for stages in visits for hall, _ in ways[stages[0].row])
        halls = {code: Hall(env, code, plan[day, code], how) for code in named}
        for stages in visits:
            env.process(visit(env, stages, [(halls[h], s) for h, s in ways[stages[0].row]]))
        env.run()
    lives = [(v.outcome, v.hall, v.window, v.ticket, v.called, v.finished) for v in people]
    return Visits(*np.array(lives, np.int64).reshape(-1, 6).T.copy())


def people_of(v: Visitors) -> list[Visitor]:
    """The rows of the table."""
    columns = v.arrival, v.item, v.credit, v.service, v.patience, v.balk_at, v.walk
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Visitor(row, *cells) for row, cells in enumerate(rows)]


def ways_of(visitors: Visitors, choices: Choices | None) -> dict[int, list[tuple[int, int]]]:
    """The halls open to each row, and the seconds to them."""
    ways = {row: [(hall, 0)] for row, hall in enumerate(visitors.hall.tolist()) if hall != NEVER}
    if choices is not None:
        columns = choices.row, choices.hall, choices.travel
        for row, hall, travel in zip(*(column.tolist() for column in columns), strict=True):
            ways.setdefault(row, []).append((hall, travel))
    return ways


def visits_by_day(visitors: Visitors, people: list[Visitor]) -> dict[int, list[list[Visitor]]]:
    """The stages of each visit."""
    days: dict[int, dict[int, list[Visitor]]] = defaultdict(lambda: defaultdict(list))
    keys = zip(visitors.day.tolist(), visitors.visit.tolist(), strict=True)
    for (day, number), visitor in zip(keys, people, strict=True):
        days[day][number].append(visitor)
    return {day: list(visits.values()) for day, visits in days.items()}


def by_day_and_hall(duties: Duties) -> dict[tuple[int, int], list[Duty]]:
    """The rows of each hall-day, in row order."""
    groups: dict[tuple[int, int], list[Duty]] = defaultdict(list)
    columns = duties.window, duties.items, duties.on, duties.off, duties.speed
    keys = zip(duties.day.tolist(), duties.hall.tolist(), strict=True)
    for key, *cells in zip(keys, *(column.tolist() for column in columns), strict=True):
        groups[key].append(Duty(*cells))
    return groups
