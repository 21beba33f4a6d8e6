"""A third engine, for tests only: it goes through each day second by second, in plain Python.

It was written from `docs/rules.md` alone, without a look at the two others, and shares only the
tables with them: what the page leaves open, or both others read wrongly in the same way, would show
as a difference.  Numbers in brackets are those of the rules.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from hallsim.records import (
    ABANDONED,
    ALL_ITEMS,
    BALKED,
    NEVER,
    SERVED,
    TURNED_AWAY,
    VOID,
    Choices,
    Duties,
    Records,
    Visitors,
    Visits,
)

LATEST = 100_000
"""The second, some 28 hours, by which a day that ends at all has ended."""


@dataclass(eq=False)
class Stage:
    """A row of visitors and what becomes of it; `hall` is NEVER until it is chosen (9)."""

    row: int
    day: int
    hall: int
    arrival: int
    item: int
    credit: int
    service: int
    patience: int
    balk_at: int
    visit: int
    stage: int
    walk: int
    ways: list[tuple[int, int]] = field(init=False, default_factory=list)
    next: Stage | None = field(init=False, default=None)
    outcome: int = field(init=False, default=NEVER)
    window: int = field(init=False, default=NEVER)
    ticket: int = field(init=False, default=NEVER)
    called: int = field(init=False, default=NEVER)
    finished: int = field(init=False, default=NEVER)

    def later(self) -> Iterator[Stage]:
        """The stages of the visit after this one."""
        if self.next:
            yield self.next
            yield from self.next.later()


@dataclass(eq=False)
class Duty:
    """A row of duties."""

    row: int
    day: int
    hall: int
    window: int
    items: int
    on: int
    off: int
    speed: int

    def in_force(self, t: int) -> bool:
        return self.on <= t < self.off

    def lists(self, item: int) -> bool:
        return bool(self.items >> item & 1)

    def order_of_calls(self) -> tuple[bool, int, int]:
        """Shorter lists first, `*` last, among equals the earlier row (5)."""
        return self.items == ALL_ITEMS, self.items.bit_count(), self.row


@dataclass(eq=False)
class Window:
    """A window and what it does now: serving nobody and busy, it waits for a ghost (10)."""

    duties: list[Duty]
    duty: Duty | None = None
    busy_until: int | None = None
    serving: Stage | None = None


class Hall:
    """One hall on one day; `t` is the second."""

    def __init__(self, duties: list[Duty], serve_out: bool, ghost_seconds: int) -> None:
        self.duties, self.ghost_seconds = duties, ghost_seconds
        self.closing = max((duty.off for duty in duties), default=0)
        self.staying = [duty for duty in duties if serve_out and duty.off == self.closing]
        windows = dict.fromkeys(duty.window for duty in duties)
        self.windows = [Window([d for d in duties if d.window == window]) for window in windows]
        self.waiting: list[Stage] = []
        self.ghosts: list[Stage] = []

    def closed(self, t: int) -> bool:
        return t >= self.closing

    def at_work(self) -> bool:
        return bool(self.waiting) or any(w.busy_until is not None for w in self.windows)

    def stays_for(self, item: int) -> bool:
        return any(duty.lists(item) for duty in self.staying)

    def end_services(self, t: int) -> Iterator[Stage]:
        """Part (a); those who were served."""
        for window in self.windows:
            if window.busy_until == t:
                served, window.busy_until, window.serving = window.serving, None, None
                if served:
                    served.outcome, served.finished = SERVED, t
                    yield served

    def change_duties(self, t: int) -> None:
        """Part (b), for windows that are idle (7, 8)."""
        for window in self.windows:
            if window.busy_until is None:
                stays = self.staying if self.closed(t) else []
                mine = [d for d in window.duties if d.in_force(t) or d in stays]
                window.duty = mine[0] if mine else None

    def end_patience(self, t: int) -> None:
        """Part (c) (6)."""
        for stage in list(self.waiting):
            if stage.patience > 0 and stage.ticket + stage.patience == t:
                self.give_up(stage, t)

    def enter(self, stage: Stage, t: int, first: bool) -> None:
        """Part (d): closing, then balking, then the ticket (4, 8, 11)."""
        if self.closed(t) and (first or not self.stays_for(stage.item)):
            self.leave(stage, TURNED_AWAY)
        elif stage.balk_at != NEVER and len(self.waiting) >= stage.balk_at:
            self.leave(stage, BALKED)
        else:
            stage.ticket = t
            self.waiting.append(stage)

    def close(self, t: int) -> None:
        """After (d) and before the calls (8)."""
        if t == self.closing:
            for stage in list(self.waiting):
                if not self.stays_for(stage.item):
                    self.leave(stage, TURNED_AWAY)

    def call(self, t: int) -> None:
        """B: each idle window has one chance (5, 10), then those of patience 0 leave (6)."""
        idle = [(w.duty, w) for w in self.windows if w.busy_until is None and w.duty]
        for duty, window in sorted(idle, key=lambda pair: pair[0].order_of_calls()):
            people = self.waiting if self.closed(t) else self.waiting + self.ghosts
            people = [stage for stage in people if duty.lists(stage.item)]
            if not people:
                continue
            stage = min(people, key=lambda s: (s.ticket - s.credit, s.ticket, s.row))
            if stage in self.ghosts:
                self.ghosts.remove(stage)
                window.busy_until = t + self.ghost_seconds
            else:
                self.waiting.remove(stage)
                stage.window, stage.called, window.serving = duty.window, t, stage
                window.busy_until = t + (stage.service * 100 + duty.speed - 1) // duty.speed
        for stage in list(self.waiting):
            if stage.patience == 0:
                self.give_up(stage, t)

    def give_up(self, stage: Stage, t: int) -> None:
        self.leave(stage, ABANDONED)
        if self.ghost_seconds > 0 and not self.closed(t):
            self.ghosts.append(stage)

    def leave(self, stage: Stage, outcome: int) -> None:
        """Unserved, so that nothing comes of the later stages (12)."""
        stage.outcome = outcome
        if stage in self.waiting:
            self.waiting.remove(stage)
        for later in stage.later():
            later.outcome = VOID


def choose(stage: Stage, halls: dict[int, Hall], t: int, posted_service: int) -> int:
    """The travel to the hall that is chosen for all stages of the visit (9)."""
    costs = []
    for hall, travel in stage.ways:
        duties = [d for d in halls[hall].duties if d.in_force(t) and d.lists(stage.item)]
        posted = len(halls[hall].waiting) * posted_service // max(1, len(duties))
        costs.append((halls[hall].closed(t), travel + posted))
    hall, travel = stage.ways[costs.index(min(costs))]
    for each in (stage, *stage.later()):
        each.hall = hall
    return travel


def run_day(firsts: list[Stage], halls: dict[int, Hall], posted_service: int) -> None:
    """Fill in what becomes of the visits of one day, each given by its first stage."""
    due: defaultdict[int, list[Stage]] = defaultdict(list)
    for stage in firsts:
        due[stage.arrival].append(stage)
    t, last = 0, max(hall.closing for hall in halls.values())
    while t <= last or due or any(hall.at_work() for hall in halls.values()):
        assert t < LATEST, "the day does not end"
        for hall in halls.values():
            for served in hall.end_services(t):
                if served.next:
                    due[t + served.next.walk].append(served.next)
            hall.change_duties(t)
            hall.end_patience(t)
        for stage in sorted(due.pop(t, []), key=lambda stage: stage.row):
            travel = choose(stage, halls, t, posted_service) if stage.hall == NEVER else 0
            if travel:
                due[t + travel].append(stage)
            else:
                halls[stage.hall].enter(stage, t, first=stage.stage == 1)
        for hall in halls.values():
            hall.close(t)
            hall.call(t)
        t += 1


def rows(table: Records) -> Iterator[tuple[int, ...]]:
    """Row number and cells."""
    columns = [getattr(table, column.name).tolist() for column in dataclasses.fields(table)]
    return zip(range(len(table)), *columns, strict=True)


def simulate(
    visitors: Visitors, duties: Duties, serve_out: bool = True, *,
    ghost_seconds: int = 0, posted_service: int = 600, choices: Choices | None = None,
) -> Visits:  # fmt: skip
    """Arguments and answer are those of `hallsim.simulate.simulate`."""
    stages = [Stage(*cells) for cells in rows(visitors)]
    firsts: defaultdict[int, list[Stage]] = defaultdict(list)
    before: dict[tuple[int, int], Stage] = {}
    for stage in stages:
        if stage.stage == 1:
            firsts[stage.day].append(stage)
            stage.ways = [(stage.hall, 0)] if stage.hall != NEVER else []
        else:
            before[stage.day, stage.visit].next = stage
        before[stage.day, stage.visit] = stage
        stage.hall = NEVER
    for _, row, hall, travel in rows(choices) if choices else ():
        stages[row].ways.append((hall, travel))

    plan: defaultdict[tuple[int, int], list[Duty]] = defaultdict(list)
    for duty in (Duty(*cells) for cells in rows(duties)):
        plan[duty.day, duty.hall].append(duty)
    for day, visits in firsts.items():
        named = {hall for stage in visits for hall, _ in stage.ways}
        halls = {hall: Hall(plan[day, hall], serve_out, ghost_seconds) for hall in named}
        run_day(visits, halls, posted_service)
    answer = [column.name for column in dataclasses.fields(Visits)]
    return Visits(*(np.array([getattr(s, name) for s in stages], np.int64) for name in answer))
