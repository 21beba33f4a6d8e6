"""Training by rotation 轮岗学习 as a use of slack weeks.

Where the waiting tables say that a hall can spare a clerk for a period at little cost, one clerk may
spend the period at a hall of wider business: the street hall of a community, or the district hall.
Only what the own hall loses is counted, not what the clerk helps there: the cost is never too low for
that reason.  A proposal, taken hall by hall from the cheapest; it is not optimised.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from hallsim.demand import Month
from hallsim.measure import interval
from hallsim.naming import days_of, working_day
from hallsim.planning import count_between, working_days
from hallsim.records import Ints
from hallsim.report_words import as_date
from hallsim.rosters import on_leave
from hallsim.scenario import Hall, RosterClerk, Scenario, Selector
from hallsim.staff import Span
from hallsim.stations import Station, head_count
from hallsim.waiting import WaitingTables

SPARE_COLUMNS = ["hall", "period", "first", "last", "working_days", "groups", "mean", "lo", "hi"]
TRAINING_COLUMNS = [
    "clerk", "from", "to", "group", "first", "last", "working_days", "moved", "knows", "learns",
    "cost_min", "cost_lo", "cost_hi",
]  # fmt: skip


def one_less(
    month: Month, parts: list[Station], tables: WaitingTables, clerks: Ints, spans: Sequence[Span]
) -> pd.DataFrame:
    """What a hall loses in a period with one clerk less, in visitor minutes, paired by visitors.

    One row per hall and period in which a clerk may go: nobody is taken below the minimum of the
    hall or the first entry of a table.  In a hall of several stations it is where it costs least.

    Args:
        month: the month.
        parts: its stations, S of them.
        tables: best of visitors that the plan was not made on.
        clerks: [D, S] of the plan.
        spans: the periods of the plan.

    Returns:
        `hall`, `period`, `first`, `last`, `working_days`, `groups` (who works at that station), `mean`,
        `lo` and `hi` at the confidence of the scenario.
    """
    scenario = month.scenario
    goal, work = scenario.objective, working_days(month)
    costs = tables.costs(goal.lost_minutes, goal.overtime_weight)
    least = head_count(scenario, "minimum").sum(axis=1)
    rows = []
    for p, span in enumerate(spans):
        inside = work[(work >= span[0]) & (work <= span[1])]
        days = np.arange(span[0], span[1] + 1)
        for h, hall in enumerate(scenario.halls):
            own = [s for s, part in enumerate(parts) if part.hall == h and not part.machine]
            here = {s: int(clerks[span[0], s]) for s in own}
            if sum(here.values()) <= least[h] or not len(inside):
                continue
            found = []
            for s, n in here.items():
                if n > tables.lower[s]:
                    top = tables.upper[s] - tables.lower[s]  # more clerks change nothing
                    with_all = min(n - tables.lower[s], top)
                    fewer = min(n - 1 - tables.lower[s], top)
                    lost = (costs[:, days, s, fewer] - costs[:, days, s, with_all]).sum(axis=1)
                    mean, lo, hi = interval(lost, scenario.run.confidence)
                    found.append((float(mean), float(lo), float(hi), parts[s].groups))
            if found:
                *cost, groups = min(found)
                first, last = month.dates[inside[0]], month.dates[inside[-1]]
                count = count_between(work, span)
                rows.append((hall.hall, p, first, last, count, groups, *cost))
    return pd.DataFrame(rows, columns=SPARE_COLUMNS)


def rotations(
    scenario: Scenario,
    roster: Sequence[RosterClerk],
    spare: pd.DataFrame,
    *,
    most_minutes: float,
    people: pd.DataFrame | None = None,
    at_once: int = 1,
) -> pd.DataFrame:
    """Who might learn where, in which slack period, and what it costs the own hall.

    The clerks who know fewest items go first, then those moved least.  A clerk knows what is asked for
    at home and lies within the skills of the own group.

    Args:
        scenario: halls, skills and demand.
        roster: every clerk.
        spare: of `one_less`.
        most_minutes: cost of a period at most, by the upper end of its interval.
        people: who is lent already, of `name_moves`.
        at_once: learners at a hall at a time, at most.

    Returns:
        `clerk`, `from`, `to`, `group`, `first`, `last`, `working_days`, `moved`, `knows` and `learns`
        (items), `cost_min`, `cost_lo`, `cost_hi` (visitor minutes, interval).  One clerk of a hall in a
        period, every clerk once.
    """
    asked = _asked(scenario)
    halls = {h.hall: h for h in scenario.halls}
    works = working_day(scenario)
    busy = _lent_days(people)
    times = _times_moved(roster, people)
    gone: set[str] = set()
    learners: dict[tuple[str, dt.date], int] = {}
    rows = []
    for slot in spare.sort_values(["hi", "period", "hall"]).to_dict("records"):
        if slot["hi"] > most_minutes:
            break
        home = slot["hall"]
        days = [d for d in days_of(as_date(slot["first"]), as_date(slot["last"])) if works(d)]
        free = [
            p
            for p in roster
            if p.hall == home
            and p.group in slot["groups"]
            and p.clerk not in gone
            and not busy.get(p.clerk, set()) & set(days)
            and not any(on_leave(p, day) for day in days)
        ]
        known = {p.clerk: _skills(scenario, p) & asked[home] for p in free}
        for p in sorted(free, key=lambda p: (len(known[p.clerk]), times[p.clerk], p.clerk))[:1]:
            for to in _wider(halls[home], scenario):
                new = asked[to.hall] - known[p.clerk]
                full = any(learners.get((to.hall, day), 0) >= at_once for day in days)
                if new and len(asked[to.hall]) > len(known[p.clerk]) and not full:
                    gone.add(p.clerk)
                    for day in days:
                        learners[to.hall, day] = learners.get((to.hall, day), 0) + 1
                    rows.append(
                        (
                            p.clerk, home, to.hall, p.group, slot["first"], slot["last"],
                            slot["working_days"], times[p.clerk], len(known[p.clerk]), len(new),
                            slot["mean"], slot["lo"], slot["hi"],
                        )
                    )  # fmt: skip
                    break
    return pd.DataFrame(rows, columns=TRAINING_COLUMNS)


def _asked(scenario: Scenario) -> Mapping[str, set[str]]:
    """The items for which visitors come to each hall."""
    found: dict[str, set[str]] = {h.hall: set() for h in scenario.halls}
    select = Selector(scenario.halls)
    for row in scenario.demand:
        if row.volume:
            for place in select(row.halls):
                found[scenario.halls[place].hall].add(row.item)
    return found


def _skills(scenario: Scenario, person: RosterClerk) -> set[str]:
    names = {
        name
        for row in scenario.clerks
        if (row.hall, row.group) == (person.hall, person.group)
        for name in row.skills
    }
    return {item.item for item in scenario.items} if "*" in names else names


def _wider(home: Hall, scenario: Scenario) -> Iterator[Hall]:
    """Halls that a clerk of this hall may learn at: the own street's, then the district's."""
    if home.tier == "community":
        yield from (h for h in scenario.halls if h.hall == home.street)
    if home.tier != "district":
        yield from (h for h in scenario.halls if h.tier == "district")


def _lent_days(people: pd.DataFrame | None) -> Mapping[str, set[dt.date]]:
    found: dict[str, set[dt.date]] = {}
    for row in () if people is None else people.to_dict("records"):
        days = days_of(as_date(row["first"]), as_date(row["last"]))
        found.setdefault(row["clerk"], set()).update(days)
    return found


def _times_moved(roster: Sequence[RosterClerk], people: pd.DataFrame | None) -> Mapping[str, int]:
    """Times lent in 12 months, this plan's loans included."""
    found = {p.clerk: p.moved for p in roster}
    for row in () if people is None else people.to_dict("records"):
        found[row["clerk"]] += not row["continued"]
    return found
