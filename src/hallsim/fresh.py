"""A plan looked at again: its waiting tables on other visitors, and its programme with limits given up
where they had to be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from hallsim.demand import Month
from hallsim.draw import Purpose
from hallsim.planning import Plan
from hallsim.records import Ints
from hallsim.simulate import Progress
from hallsim.staff import Limit, Solution, StaffingTables
from hallsim.stations import Station
from hallsim.waiting import WaitingTables, waiting_tables


def fresh_tables(
    month: Month,
    parts: list[Station],
    plan: Plan,
    *,
    seed: int,
    purpose: Purpose,
    replications: int,
    first: int = 0,
    staffings: Iterable[Ints] = (),
    jobs: int = 1,
    progress: Progress = lambda done: None,
) -> WaitingTables:
    """Tables from the plan's smallest to its largest number of clerks, on replications `first` and on.

    Where the `staffings`, each [T, S], want fewer or more clerks the tables reach so far.
    """
    lower, upper = table_ends(plan.tables)
    for clerks in staffings:
        lower, upper = lower.clip(max=clerks.min(axis=0)), upper.clip(min=clerks.max(axis=0))
    return waiting_tables(
        month, parts, lower, upper, seed=seed, purpose=purpose, replications=replications,
        first=first, jobs=jobs, progress=progress,
    )  # fmt: skip


def table_ends(tables: StaffingTables) -> tuple[Ints, Ints]:
    """[S] smallest and largest number of clerks in the tables of the programme."""
    return tables.lower, tables.lower + [cost.shape[1] - 1 for cost in tables.cost]


def as_relaxed(tables: StaffingTables, solution: Solution) -> StaffingTables:
    """The programme in which the limits that a plan had to give up are looser by just so much.

    The best plan of it needs no relaxation, and the plan is one of its plans.
    """
    given = {r.limit: r.by for r in solution.relaxed}
    if not given:
        return tables
    minimum, limits = tables.minimum.copy(), list(tables.limits)
    for (h, g), least in np.ndenumerate(tables.minimum):
        name = minimum_name(tables, h, g)
        own = [
            Limit(name, "clerks", (h,), (g,), p, least=int(least)) for p in range(len(tables.days))
        ]
        if least and any(limit in given for limit in own):
            minimum[h, g] = 0
            limits += own
    looser = tuple(loosened(limit, given.get(limit, 0)) for limit in limits)
    return dataclasses.replace(tables, minimum=minimum, limits=looser)


def minimum_name(tables: StaffingTables, hall: int, group: int) -> str:
    """The name of the minimum staffing of a hall and group."""
    return tables.minimum_name.get((hall, group), f"minimum[{hall}, {group}]")


def loosened(limit: Limit, by: int) -> Limit:
    """A limit with room for so many clerks more."""
    return dataclasses.replace(
        limit,
        least=None if limit.least is None else limit.least - by,
        most=None if limit.most is None else limit.most + by,
    )
