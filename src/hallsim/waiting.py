"""Waiting tables: what a day costs at a station, against the number of clerks assigned.

One table entry is simulated for every replication, day, station and number of clerks, on the same
visitors and with the same absences for every number, so entries differ only by the clerks.  The
table is exact for the plan's choice because stations do not interact and empty every night.
Visitors who might choose among halls stay in their own hall here (`docs/decisions.md`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from hallsim.compiled import hall_day, longest, room
from hallsim.counting import COSTS, LOST, OVERTIME, VISITORS, WAIT, Told, cost_unit
from hallsim.demand import Floats, Month
from hallsim.draw import Chance, Purpose
from hallsim.measure import within_seconds
from hallsim.records import NEVER, Ints
from hallsim.rota import Rota
from hallsim.simulate import Progress, in_parallel
from hallsim.stations import Station
from hallsim.streaming import month_costs


@dataclass(frozen=True)
class WaitingTables:
    """Simulated cost of every station's days by clerks assigned.

    Attributes:
        lower, upper: [S] smallest and largest number of clerks in the table of a station.
        values: [R, D, S, N, 6]: the fields of `counting.COSTS` (minutes of waiting, visitors lost,
            minutes of overtime, tickets, visitors within the target time, visitors) with lower + n
            clerks; beyond a station's upper the last entry is repeated.
    """

    lower: Ints
    upper: Ints
    values: Floats

    def cost(self, lost_minutes: float, overtime_weight: float) -> Floats:
        """[D, S, N]: mean cost in visitor minutes, over replications."""
        return _weighed(self.values.mean(axis=0), lost_minutes, overtime_weight)

    def costs(self, lost_minutes: float, overtime_weight: float) -> Floats:
        """[R, D, S, N]: the same by replication."""
        return _weighed(self.values, lost_minutes, overtime_weight)


def _weighed(values: Floats, lost_minutes: float, overtime_weight: float) -> Floats:
    found: Floats = (
        values[..., WAIT]
        + lost_minutes * values[..., LOST]
        + overtime_weight * values[..., OVERTIME]
    )
    return found


def waiting_tables(
    month: Month,
    parts: list[Station],
    lower: Ints,
    upper: Ints,
    *,
    seed: int,
    purpose: Purpose = "plan",
    replications: int,
    first: int = 0,
    by_windows: bool = False,
    jobs: int = 1,
    progress: Progress = lambda done: None,
) -> WaitingTables:
    """Simulate the tables of all stations and days, for lower..upper clerks (both [S]).

    Replications `first` and following are drawn.  With `by_windows` the tables are for lower..upper
    windows open, whoever is absent.
    """
    chance, rota = Chance(month, parts, seed, purpose), Rota(month, parts)
    width, within = int((upper - lower).max()) + 1, within_seconds(month.scenario)
    days = len(month.dates)

    def one(replication: int) -> Floats:
        opened = np.stack([np.tile(np.minimum(lower + k, upper), days) for k in range(width)])
        if not by_windows:
            opened = np.stack([chance.windows_open(clerks, replication) for clerks in opened])
        if chance.plain and rota.plain:
            cost = month_costs(chance, rota, within, list(opened), replication)
            return cost.reshape(days, len(parts), width, len(COSTS))
        crowd = chance.crowd(replication)
        cost = np.zeros((len(crowd.first), width, len(COSTS)))
        _table(
            crowd.first, crowd.in_time, crowd.last, crowd.arrival, crowd.item, crowd.credit,
            crowd.service, crowd.patience, crowd.balk_at, crowd.stage, crowd.walk,
            opened, rota.base, *rota.rows_of_pattern, rota.close_of_pattern, rota.window,
            rota.items, rota.on, rota.off, rota.speed,
            within[np.tile([p.hall for p in parts], days)], cost,
        )  # fmt: skip
        return cost.reshape(days, len(parts), width, len(COSTS))

    found = in_parallel(one, range(first, first + replications), jobs, progress)
    return WaitingTables(lower, upper, np.array(found))


@njit(cache=True, nogil=True, error_model="numpy")
def _table(
    first: Ints,
    in_time: Ints,
    last: Ints,
    arrival: Ints,
    item: Ints,
    credit: Ints,
    service: Ints,
    patience: Ints,
    balk_at: Ints,
    stage: Ints,
    walk: Ints,
    opened: Ints,
    base: Ints,
    duty_first: Ints,
    duty_last: Ints,
    close_of: Ints,
    window: Ints,
    items: Ints,
    on: Ints,
    off: Ints,
    speed: Ints,
    within: Ints,
    cost: Floats,
) -> None:
    largest = longest(first, in_time)
    scratch = np.empty((5, largest), np.int64)
    space = room(np.empty(largest, np.int64), longest(duty_first, duty_last))
    for u in range(len(first)):
        a, b = first[u], in_time[u]
        n = b - a
        late = last[u] - b
        for v in range(b, min(last[u], len(stage))):
            late -= stage[v] > 1
        for k in range(len(opened)):
            if k > 0 and opened[k, u] == opened[k - 1, u]:
                cost[u, k] = cost[u, k - 1]
                continue
            pattern = base[u] + opened[k, u]
            c, d = duty_first[pattern], duty_last[pattern]
            scratch[:, :n] = NEVER
            told = Told(
                scratch[0, :n], scratch[1, :n], scratch[2, :n], scratch[3, :n], scratch[4, :n]
            )
            hall_day(
                arrival[a:b], item[a:b], credit[a:b], service[a:b], patience[a:b],
                balk_at[a:b], stage[a:b], walk[a:b],
                window[c:d], items[c:d], on[c:d], off[c:d], speed[c:d], True,
                told.outcome, told.window, told.ticket, told.called, told.finished, space,
            )  # fmt: skip
            cost_unit(patience[a:b], stage[a:b], told, close_of[pattern], within[u], cost[u, k])
            cost[u, k, LOST] += late
            cost[u, k, VISITORS] += late
