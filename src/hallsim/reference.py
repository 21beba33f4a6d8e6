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
    NEVER,
    SERVED,
    TURNED_AWAY,
    Duties,
    Visitors,
    Visits,
)

Story = Generator[simpy.Event, None, None]
Row = TypeVar("Row")


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
    """Happens at a second, in a phase of it."""

    def __init__(self, env: simpy.Environment, second: int, phase: Phase) -> None:
        """`second` is now or later."""
        super().__init__(env)
        self._ok, self._value = True, None
        env.schedule(self, EventPriority(phase), second - int(env.now))


@dataclass(slots=True, eq=False)
class Visitor:
    """One row of `Visitors`, and what has happened to it so far."""

    row: int
    arrival: int
    item: int
    credit: int
    service: int
    patience: int
    outcome: int = NEVER
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

    def __init__(self, env: simpy.Environment, duties: list[Duty], serve_out: bool) -> None:
        """`duties` are those of this hall-day, in row order."""
        self.env = env
        self.serve_out = serve_out
        self.closing = max((duty.off for duty in duties), default=NEVER)  # 1
        self.duties = sorted(duties, key=Duty.length_of_list)  # 5, stable: then by row order
        self.waiting: list[Visitor] = []
        self.busy: set[int] = set()
        self.calls_due = NEVER
        for duty in duties:
            env.process(self.begin(duty))
        env.process(self.close())

    @property
    def now(self) -> int:
        """The second."""
        return int(self.env.now)

    def at(self, second: int, phase: Phase) -> At:
        """Wait for this moment."""
        return At(self.env, second, phase)

    def in_force(self, duty: Duty) -> bool:
        """Rules 7 and 8: from `on` until `off`; without end if the window stays at closing."""
        return duty.on <= self.now and (self.now < duty.off or self.stays(duty))

    def stays(self, duty: Duty) -> bool:
        """Rule 8: whether the window stays under this duty until the hall is empty."""
        return self.serve_out and duty.off == self.closing

    def come(self, visitor: Visitor) -> Story:
        """Rules 4 and 6: a visitor takes a ticket, and leaves when out of patience."""
        yield self.at(visitor.arrival, Phase.ARRIVAL)
        if self.now >= self.closing:  # 4
            visitor.outcome = TURNED_AWAY
            return
        visitor.ticket = self.now
        bisect.insort(self.waiting, visitor, key=Visitor.turn)
        self.call_soon()
        if visitor.patience == NEVER:
            return
        phase = Phase.PATIENCE_ENDS if visitor.patience > 0 else Phase.GIVING_UP  # 6
        yield self.at(visitor.ticket + visitor.patience, phase)
        if visitor.outcome == NEVER and visitor.called == NEVER:
            self.waiting.remove(visitor)
            visitor.outcome = ABANDONED

    def begin(self, duty: Duty) -> Story:
        """Rule 3 (b): with the beginning of a duty its window may call, unless it is busy."""
        yield self.at(duty.on, Phase.DUTY_BEGINS)
        self.call_soon()

    def close(self) -> Story:
        """Rule 8: at closing, whoever no staying window may serve is turned away."""
        if self.closing == NEVER:
            return
        yield self.at(self.closing, Phase.CLOSING)
        for visitor in self.waiting.copy():
            if not any(duty.serves(visitor) for duty in filter(self.stays, self.duties)):
                self.waiting.remove(visitor)
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
                visitor = next(filter(duty.serves, self.waiting), None)
                if visitor is not None:
                    self.waiting.remove(visitor)
                    self.busy.add(duty.window)
                    visitor.window, visitor.called = duty.window, self.now
                    self.env.process(self.serve(duty, visitor))

    def serve(self, duty: Duty, visitor: Visitor) -> Story:
        """Rule 7: a visitor who was called is served to the end, even past the end of the duty."""
        yield self.at(self.now + duty.duration(visitor), Phase.SERVICE_ENDS)
        self.busy.remove(duty.window)
        visitor.outcome, visitor.finished = SERVED, self.now
        self.call_soon()


def simulate(visitors: Visitors, duties: Duties, serve_out: bool = True) -> Visits:
    """What happens to the visitors when the windows are on duty like this.

    Args:
        visitors: any number of days and halls, rows of each hall-day in ticket order.
        duties: of the same days and halls; a hall without duties is closed all day.
        serve_out: whether windows whose duty ends at closing stay until the hall is empty.
    """
    people = people_of(visitors)
    plan = by_day_and_hall(duties, duties_of(duties))
    for day, halls in by_day_and_hall(visitors, people).items():
        env = simpy.Environment()
        for code, crowd in halls.items():
            hall = Hall(env, plan[day][code], serve_out)
            for visitor in crowd:
                env.process(hall.come(visitor))
        env.run()
    lives = [(v.outcome, v.window, v.ticket, v.called, v.finished) for v in people]
    outcome, *rest = np.array(lives, np.int64).reshape(-1, 5).T.copy()
    return Visits(outcome, visitors.hall.copy(), *rest)


def people_of(visitors: Visitors) -> list[Visitor]:
    """The rows of the table."""
    columns = visitors.arrival, visitors.item, visitors.credit, visitors.service, visitors.patience
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Visitor(row, *cells) for row, cells in enumerate(rows)]


def duties_of(duties: Duties) -> list[Duty]:
    """The rows of the table."""
    columns = duties.window, duties.items, duties.on, duties.off, duties.speed
    return [Duty(*cells) for cells in zip(*(column.tolist() for column in columns), strict=True)]


def by_day_and_hall(table: Visitors | Duties, rows: list[Row]) -> dict[int, dict[int, list[Row]]]:
    """The rows of each hall-day, in row order."""
    groups: dict[int, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for day, hall, row in zip(table.day.tolist(), table.hall.tolist(), rows, strict=True):
        groups[day][hall].append(row)
    return groups
