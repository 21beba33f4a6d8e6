"""What the tables of leave, roster and travel say by day and by pair of halls."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from hallsim.demand import Floats
from hallsim.records import Ints
from hallsim.scenario import RosterClerk, Scenario, Spell, parse_leave
from hallsim.stations import group_names


def leave_by_day(scenario: Scenario, dates: Sequence[dt.date]) -> Ints:
    """[D, H, G]: clerks on leave already granted; halls in table order, groups as `group_names`.

    It is that of the table `leave`, or of the roster where there is one.  `staffing.leave_rate` comes
    on top of it.
    """
    hall = {h.hall: k for k, h in enumerate(scenario.halls)}
    group = {name: k for k, name in enumerate(group_names(scenario))}
    out = np.zeros((len(dates), len(hall), len(group)), np.int64)
    for where, which, clerks, spells in _granted(scenario):
        away = [any(first <= date <= last for first, last in spells) for date in dates]
        out[away, hall[where], group[which]] += clerks
    return out


def _granted(scenario: Scenario) -> Iterator[tuple[str, str, int, tuple[Spell, ...]]]:
    """Hall, group, clerks and the days on which they are away; a day counts once for each of them."""
    for row in scenario.leave:
        yield row.hall, row.group, row.clerks, ((row.first, row.last or row.first),)
    for clerk in scenario.roster:
        if clerk.leave:
            yield clerk.hall, clerk.group, 1, parse_leave(clerk.leave)


def on_leave(clerk: RosterClerk, date: dt.date) -> bool:
    """Whether a clerk of the roster has leave on this day."""
    return any(first <= date <= last for first, last in parse_leave(clerk.leave))


def listed_travel(scenario: Scenario) -> dict[tuple[str, str], float]:
    """(origin, destination) to extra minutes per clerk and working day, of the pairs that `travel` lists.

    A row holds for both ways unless the other way has its own; pairs that are not listed take what
    their tier takes.
    """
    found = {(row.origin, row.destination): row.minutes for row in scenario.travel}
    back = {(b, a): minutes for (a, b), minutes in found.items()}
    return back | found


def tier_of_way(scenario: Scenario, a: int, b: int) -> str:
    """`within_street`, `between_streets` or `with_district`; a hall is within its own street."""
    one, other = scenario.halls[a], scenario.halls[b]
    if a != b and "district" in (one.tier, other.tier):
        return "with_district"
    street = [h.street if h.tier == "community" else h.hall for h in (one, other)]
    return "within_street" if street[0] == street[1] else "between_streets"


def travel_minutes(scenario: Scenario) -> Floats:
    """[H, H] minutes from hall to hall: as `travel` lists them, else those of the tier; 0 inside."""
    listed = listed_travel(scenario)
    names = [hall.hall for hall in scenario.halls]
    found = np.zeros((len(names), len(names)))
    for a, b in itertools.permutations(range(len(names)), 2):
        tier = getattr(scenario.transfers, tier_of_way(scenario, a, b))
        found[a, b] = listed.get((names[a], names[b]), tier.travel_minutes)
    return found
