"""Any-hall service: who may choose among which halls, and the visits counted where they took place.

A hall that people choose is here the station of that hall which serves their item: its windows post
the wait of their own queue.  With it a whole day of the district is simulated together; rule 9 of
`docs/rules.md` says how people choose.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hallsim.checks import stages
from hallsim.counting import Told
from hallsim.demand import Month, arrival_window
from hallsim.draw import Crowd
from hallsim.records import NEVER, TURNED_AWAY, VOID, Choices, Duties, Int, Ints, Visitors, Visits
from hallsim.rota import Rota
from hallsim.scenario import Hall, Scenario
from hallsim.stations import Station, item_bits

_TIME_BITS = 20
"""Room for a second of any day in a key."""


class Choosing:
    """The choices of a month's visitors; what does not change between replications is worked out once.

    Attributes:
        posted_service: seconds per person in the posted wait.
    """

    def __init__(self, month: Month, parts: list[Station], rota: Rota) -> None:
        """List for every station and item the stations that its visitors may know of.

        Args:
            month: the expected month.
            parts: all stations.
            rota: their duties.
        """
        scenario = month.scenario
        self.posted_service = round(scenario.choice.posted_service_minutes * 60)
        self._rota = rota
        by_name = {i.item: i for i in scenario.items}
        self._needs = np.array(  # every counter of the visit is in the chosen hall
            [item_bits(scenario, tuple(stages(by_name, i.item))) for i in scenario.items], np.int64
        )
        first, self._station, self._travel = _known(scenario, parts, self._needs)
        self._known = first
        self._last_ticket = _last_tickets(month)[:, [p.hall for p in parts]]
        self._served = _items_of_patterns(rota)

    @staticmethod
    def needed(scenario: Scenario) -> bool:
        """Whether anybody may choose."""
        return any(item.any_hall for item in scenario.items)

    def tables(self, crowd: Crowd, windows_open: Ints) -> tuple[Visitors, Duties, Choices]:
        """What an engine is given: day d of the month is day d, station s is hall s.

        A hall can be chosen if on that day a window is open for each counter of the visit, and if
        one gets there before the last ticket; the own hall comes first, then the nearer ones.

        Args:
            crowd: all visitors; those who are late for their own hall are left out.
            windows_open: per unit.
        """
        parts = self._last_ticket.shape[1]
        unit, late = _places(crowd)
        rows = ~late
        people = dataclasses.replace(
            crowd.visitors(), day=unit[rows] // parts, hall=unit[rows] % parts
        )
        options = _options(
            people.day, people.hall, people.arrival, people.item, people.stage, self._known,
            self._station, self._travel, self._needs, self._served[self._rota.base + windows_open],
            self._last_ticket,
        )  # fmt: skip
        choices = Choices(*options)
        own = people.hall.copy()
        own[choices.row] = NEVER
        duties = self._rota.duties(windows_open)
        duties = dataclasses.replace(duties, day=duties.day // parts, hall=duties.day % parts)
        return dataclasses.replace(people, hall=own), duties, choices

    def counted(self, crowd: Crowd, visits: Visits) -> tuple[Crowd, Told]:
        """The same visitors by the unit in which they were, in ticket order, and what became of them."""
        parts = self._last_ticket.shape[1]
        n, units = len(crowd.arrival), len(crowd.first)
        unit, late = _places(crowd)
        rows = ~late
        told = Told(np.full(n, TURNED_AWAY), *(np.full(n, NEVER) for _ in range(4)))
        if len(crowd.stage):
            told.outcome[crowd.stage > 1] = VOID
        for column, name in zip(told, Told._fields, strict=True):
            column[rows] = getattr(visits, name)
        unit[rows] = unit[rows] // parts * parts + visits.hall
        moment = np.where(told.ticket != NEVER, told.ticket, crowd.arrival)
        if len(crowd.stage):  # the rows of a visit stay together
            place = np.where(crowd.stage == 1, np.arange(n), 0)
            moment = moment[np.maximum.accumulate(place)]
        key = (2 * unit + late << _TIME_BITS) | np.minimum(moment, (1 << _TIME_BITS) - 1)
        order = np.argsort(key, kind="stable")
        columns = {f.name: getattr(crowd, f.name) for f in dataclasses.fields(crowd)}
        moved = {k: c[order] for k, c in columns.items() if len(c) == n and k not in _BOUNDS}
        last = np.cumsum(np.bincount(unit, minlength=units))
        bounds = {
            "first": np.concatenate(([0], last[:-1])),
            "in_time": last - np.bincount(unit, late, units).astype(np.int64),
            "last": last,
        }
        return dataclasses.replace(crowd, **moved, **bounds), Told(*(c[order] for c in told))


_BOUNDS = ("first", "in_time", "last")


def _places(crowd: Crowd) -> tuple[Ints, NDArray[np.bool_]]:
    """Unit of each row, and whether it came after the last ticket."""
    unit = np.repeat(np.arange(len(crowd.first)), crowd.last - crowd.first)
    return unit, np.arange(len(unit)) >= crowd.in_time[unit]


def travel_minutes(scenario: Scenario, a: Hall, b: Hall) -> float:
    """Extra travel of whoever belongs to hall a and goes to hall b."""
    choice = scenario.choice
    if a.hall == b.hall:
        return 0.0
    if "district" in (a.tier, b.tier):
        return choice.with_district_minutes
    same = street_of(a) == street_of(b)
    return choice.within_street_minutes if same else choice.between_streets_minutes


def street_of(hall: Hall) -> str:
    """The id of the hall's street hall; empty for district halls, which form a street of their own."""
    if hall.tier == "street":
        return hall.hall
    return hall.street if hall.tier == "community" else ""


def _known(scenario: Scenario, parts: list[Station], needs: Ints) -> tuple[Ints, Ints, Ints]:
    """Stations and seconds of travel; those for station s and item i are first[s, i]:first[s, i + 1].

    Own station first, then by travel and place in the table.
    """
    items = len(scenario.items)
    halls = [scenario.halls[part.hall] for part in parts]
    first = np.zeros((len(parts), items + 1), np.int64)
    station: list[int] = []
    travel: list[int] = []
    for s, own in enumerate(halls):
        seconds = [round(60 * travel_minutes(scenario, own, there)) for there in halls]
        near = sorted(range(len(parts)), key=lambda k: (halls[k] != own, seconds[k], k))
        first[s, 0] = len(station)
        for i, item in enumerate(scenario.items):
            if item.any_hall and parts[s].items >> i & 1:
                for k in near:
                    in_scope = item.any_hall == "district" or street_of(halls[k]) == street_of(own)
                    elsewhere = halls[k] != own or k == s
                    if in_scope and elsewhere and needs[i] & ~np.int64(parts[k].items) == 0:
                        station.append(k)
                        travel.append(seconds[k])
            first[s, i + 1] = len(station)
    return first, np.array(station, np.int64), np.array(travel, np.int64)


def _last_tickets(month: Month) -> Ints:
    """[D, H]: the second from which a hall gives no tickets; 0 where it stays closed."""
    number, openings = month.openings
    seconds = [
        arrival_window(month.scenario, h, sessions)[1] if sessions else 0
        for h, sessions in openings
    ]
    return np.array(seconds, np.int64)[number]


def _items_of_patterns(rota: Rota) -> Ints:
    """Bit set of the items that any duty of a pattern lists."""
    first, last = rota.rows_of_pattern
    found = np.zeros(len(first), np.int64)
    for k, (a, b) in enumerate(zip(first, last, strict=True)):
        found[k] = np.bitwise_or.reduce(rota.items[a:b])
    return found


@njit(cache=True, nogil=True)
def _options(
    day: Ints, own: Ints, arrival: Ints, item: Ints, stage: Ints, known: Ints, station: Ints,
    travel: Ints, needs: Ints, served: Ints, last_ticket: Ints,
) -> tuple[Ints, Ints, Ints]:  # fmt: skip
    """Row, hall and travel of every choice; `served` is per unit."""
    parts = len(known)
    room = 0
    for v in range(len(day)):
        if stage[v] == 1:
            room += known[own[v], item[v] + 1] - known[own[v], item[v]]
    row, hall, seconds = (
        np.empty(room, np.int64),
        np.empty(room, np.int64),
        np.empty(room, np.int64),
    )
    n: Int = 0
    for v in range(len(day)):
        if stage[v] != 1:
            continue
        for k in range(known[own[v], item[v]], known[own[v], item[v] + 1]):
            s, wanted = station[k], needs[item[v]]
            open_there = served[day[v] * parts + s] & wanted == wanted
            in_time = s == own[v] or arrival[v] + travel[k] < last_ticket[day[v], s]
            if open_there and in_time:
                row[n], hall[n], seconds[n] = v, s, travel[k]
                n += 1
    return row[:n], hall[:n], seconds[:n]
