"""Which windows to close, with clerks reassigned as is best: exact for tables of cost.

A station-day costs a number that depends on the clerks assigned and the windows left, so a district
is a sum of tables f_s(n, w) plus what transfers cost.  Transfers are priced where a clerk arrives:
inside the street first, the rest from outside, as in the tier tree of `hallsim.staffing`.  The
total then runs up a tree - stations, halls, streets, district - in which every node needs to know
two numbers of the part below it: its clerks and its windows closed.  Joining two parts is a
(min, +) convolution of their tables (R. Bellman, Dynamic Programming, 1957), so one pass gives the
least cost for *every* number of windows and clerks together, for tables of any shape.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np
from numba import njit

from hallsim.demand import Floats
from hallsim.records import Ints
from hallsim.staff import DISTRICT, NoPlan, StaffingTables
from hallsim.staffing import solve


@dataclass(frozen=True)
class ClosureTables:
    """What a choice of windows knows.

    Attributes:
        district: halls, clerks, minimum staffing and transfers; its `lower` [S] is the number of
            clerks of the first row of `cost`, its own `cost` is not used.
        cost: per station [N, W + 1], cost of the month with lower, lower + 1, … clerks and
            0 .. W windows.
        fewest, most: [S] windows that a station may be left with.
    """

    district: StaffingTables
    cost: tuple[Floats, ...]
    fewest: Ints
    most: Ints


@dataclass(frozen=True)
class Choice:
    """Windows left and clerks assigned, by station, and what that costs by the tables.

    Attributes:
        windows, clerks: [S].
        cost: of this choice, visitor minutes, transfers included.
        bound: no choice of as many windows and clerks costs less.
    """

    windows: Ints
    clerks: Ints
    cost: float
    bound: float

    @property
    def gap(self) -> float:
        """(cost - bound) / cost."""
        return max(0.0, self.cost - self.bound) / max(abs(self.cost), 1e-9)


class Closures:
    """The best choices of windows, and of clerks, for every number of both."""

    def __init__(self, tables: ClosureTables, at_most: int | None = None) -> None:
        """Work out the least costs, of up to `at_most` windows closed; None is all that may be."""
        self.tables = tables
        closable = int((tables.most - tables.fewest).sum())
        self._cap = closable if at_most is None else min(at_most, closable)
        self._open = int(tables.most.sum())
        self._prices = _Prices.of(tables.district)
        self._pools = _pools(tables.district)
        self._root = self._district()
        self._plain = all(_alike(tables.district, pool) for pool in self._pools)

    @property
    def windows(self) -> tuple[int, int]:
        """Fewest and most windows there can be."""
        return self._open - self._cap, self._open

    def fewest_clerks(self, windows: int) -> int:
        """Fewest clerks with which so many windows can be left.

        Raises:
            NoPlan: there is no such number.
        """
        possible = np.flatnonzero(np.isfinite(self._root.cost[:, self._open - windows]))
        if len(possible) == 0:
            raise NoPlan("no staffing plan: minimum staffing above the clerks there are")
        return self._root.low + int(possible[0])

    def least(self, windows: int, clerks: int) -> float:
        """Least cost with so many windows and clerks; infinite where there is no choice."""
        row, closed = clerks - self._root.low, self._open - windows
        rows, columns = self._root.cost.shape
        inside = 0 <= row < rows and 0 <= closed < columns
        return float(self._root.cost[row, closed]) if inside else float("inf")

    def best(self, windows: int, clerks: int) -> Choice:
        """The best choice of so many windows, with so many clerks.

        Raises:
            NoPlan: there is none.
        """
        bound = self.least(windows, clerks)
        if not np.isfinite(bound):
            raise NoPlan(f"no staffing plan with {windows} windows and {clerks} clerks")
        left, assigned = self.tables.most.copy(), np.zeros(len(self.tables.cost), np.int64)
        at_home = np.zeros((len(self._pools), len(self.tables.district.halls)), np.int64)
        self._root.trace(clerks - self._root.low, self._open - windows, left, assigned, at_home)
        if not self._plain:
            return self._with_groups(left, clerks, bound)
        cost = self._cost(left, assigned) + self._prices.transfers(self._pool_clerks(at_home))
        return Choice(left, assigned, cost, bound)

    def staffed(self, windows: Ints, clerks: int) -> Choice:
        """So many windows left at each station, [S]; only the clerks are chosen.

        Raises:
            NoPlan: there is no such staffing.
        """
        fixed = dataclasses.replace(self.tables, fewest=windows, most=windows)
        return Closures(fixed).best(int(windows.sum()), clerks)

    def _cost(self, windows: Ints, clerks: Ints) -> float:
        t = self.tables
        return sum(
            float(cost[clerks[s] - t.district.lower[s], windows[s]])
            for s, cost in enumerate(t.cost)
        )

    def _with_groups(self, windows: Ints, clerks: int, bound: float) -> Choice:
        """Clerks by the staffing programme, which knows who can work where."""
        t = self.tables
        columns = tuple(cost[None, :, w] for cost, w in zip(t.cost, windows, strict=True))
        found = solve(
            dataclasses.replace(
                t.district, cost=columns, leaving=int(t.district.home.sum()) - clerks
            ),
            listed=False,
        )  # fmt: skip
        return Choice(windows, found.clerks[0].sum(axis=1), found.objective, bound)

    def _pool_clerks(self, at_halls: Ints) -> Ints:
        """[pools, H] clerks minus clerks at home."""
        home = self.tables.district.home
        beyond: Ints = at_halls - np.stack([home[:, pool].sum(axis=1) for pool in self._pools])
        return beyond

    # The tree -------------------------------------------------------------------------------

    def _district(self) -> _Node:
        return self._joined([self._pool(k, pool) for k, pool in enumerate(self._pools)])

    def _pool(self, k: int, pool: list[int]) -> _Node:
        """The part of the district in which the clerks of these skill groups can work."""
        d = self.tables.district
        home = d.home[:, pool].sum(axis=1)
        halls = [self._hall(k, pool, h) for h in range(len(d.halls))]
        parts = []
        for street in sorted({int(x) for x in d.street if x != DISTRICT}):
            own = np.flatnonzero(d.street == street)
            node = self._joined([halls[h] for h in own])
            parts.append(node.levied(int(home[own].sum()), self._prices.outside))
        parts += [halls[h] for h in np.flatnonzero(d.street == DISTRICT)]
        node = self._joined(parts)
        node.cost = node.cost[: max(1, int(home.sum()) - node.low + 1)]  # nobody else can come
        return node

    def _hall(self, k: int, pool: list[int], h: int) -> _Node:
        d = self.tables.district
        home, least = int(d.home[h, pool].sum()), int(d.minimum[h, pool].sum())
        own = [
            s
            for s in np.flatnonzero(d.station_hall == h)
            if set(d.station_groups[s]) & set(pool) or (k == 0 and not d.station_groups[s])
        ]
        able = {g for s in own for g in d.station_groups[s]}
        aside = sum(int(d.home[h, g]) for g in pool if g not in able)
        parts = [self._station(int(s)) for s in own]
        if aside or not parts:
            parts.append(_Node(0, np.zeros((aside + 1, 1))))
        node = self._joined(parts)
        node.hall = (k, h)
        if least > node.low:
            node.cost = node.cost.copy()
            node.cost[: least - node.low] = np.inf
        price = self._prices.district if d.street[h] == DISTRICT else self._prices.within
        return node.levied(home, price)

    def _station(self, s: int) -> _Node:
        t = self.tables
        few, many = int(t.fewest[s]), int(t.most[s])
        closed = t.cost[s][:, few : many + 1][:, ::-1][:, : self._cap + 1]
        if not t.district.station_groups[s]:  # nobody can work here, whatever the plan
            closed = closed[:1]
        return _Node(int(t.district.lower[s]), np.ascontiguousarray(closed), station=s)

    def _joined(self, parts: list[_Node]) -> _Node:
        most = int(self.tables.district.home.sum())
        node = _Node(0, np.zeros((1, 1)), parts=parts)
        for part in parts:
            node.before.append(node.cost)
            node.low += part.low
            node.cost = _join(node.cost, part.cost, max(1, most - node.low + 1), self._cap + 1)
        return node


@dataclass
class _Node:
    """A part of the district: least cost by clerks (`low` + row) and windows closed (column)."""

    low: int
    cost: Floats
    parts: list[_Node] = field(default_factory=list)
    before: list[Floats] = field(default_factory=list)
    station: int | None = None
    hall: tuple[int, int] | None = None

    def levied(self, home: int, price: float) -> _Node:
        """The part with a price on every clerk beyond those at home in it."""
        beyond = np.maximum(0, self.low + np.arange(len(self.cost)) - home)
        return _Node(self.low, self.cost + price * beyond[:, None], [self], [np.zeros((1, 1))])

    def trace(self, row: int, closed: int, left: Ints, clerks: Ints, at_halls: Ints) -> None:
        """Write down the choice behind an entry of the table."""
        if self.station is not None:
            left[self.station] -= closed
            clerks[self.station] = self.low + row
        if self.hall is not None:
            at_halls[self.hall] = self.low + row
        for part, before in zip(reversed(self.parts), reversed(self.before), strict=True):
            own = _split(before, part.cost, row, closed)
            part.trace(*own, left, clerks, at_halls)
            row, closed = row - own[0], closed - own[1]


@njit(cache=True, nogil=True)
def _join(a: Floats, b: Floats, rows: int, columns: int) -> Floats:
    """Least a[i, p] + b[j, q] for every i + j and p + q."""
    rows = min(rows, a.shape[0] + b.shape[0] - 1)
    columns = min(columns, a.shape[1] + b.shape[1] - 1)
    out = np.full((rows, columns), np.inf)
    for i in range(min(rows, a.shape[0])):
        for j in range(min(b.shape[0], rows - i)):
            for q in range(min(b.shape[1], columns)):
                value = b[j, q]
                if value == np.inf:
                    continue
                for p in range(min(a.shape[1], columns - q)):
                    both = a[i, p] + value
                    out[i + j, p + q] = both if both < out[i + j, p + q] else out[i + j, p + q]
    return out


@njit(cache=True, nogil=True)
def _split(a: Floats, b: Floats, row: int, column: int) -> tuple[int, int]:
    """The j, q of the least a[row - j, column - q] + b[j, q]."""
    least, best = np.inf, (0, 0)
    for j in range(max(0, row - a.shape[0] + 1), min(b.shape[0], row + 1)):
        for q in range(max(0, column - a.shape[1] + 1), min(b.shape[1], column + 1)):
            both = a[row - j, column - q] + b[j, q]
            if both < least:
                least, best = both, (j, q)
    return best


@dataclass(frozen=True)
class _Prices:
    """What the arrival of a clerk costs over the period, visitor minutes.

    Attributes:
        within: in a street hall, from wherever; outside: more, if not from the same street.
        district: in a district hall.
    """

    street: Ints
    tiers: tuple[float, float, float]
    within: float
    outside: float
    district: float

    @classmethod
    def of(cls, d: StaffingTables) -> _Prices:
        x, days = d.transfers, float(d.days.sum())
        within, between, district = (
            t.order_minutes + t.travel_minutes * x.travel_weight * days
            for t in (x.within_street, x.between_streets, x.with_district)
        )
        near = min(within, between, district)
        return cls(
            d.street, (within, between, district),
            near, min(between, district) - near, min(district, 2 * district - between),
        )  # fmt: skip

    def transfers(self, beyond: Ints) -> float:
        """Cost of transfers that leave [pools, H] clerks more (or fewer) than at home.

        Whoever is too many is lent, inside the street first, or leaves the district at no cost.
        """
        within, between, district = self.tiers
        total = 0.0
        for here in beyond:
            need = {int(x): here[(self.street == x) & (here > 0)].sum() for x in self.street}
            spare = {int(x): -here[(self.street == x) & (here < 0)].sum() for x in self.street}
            streets = [x for x in need if x != DISTRICT]
            to_street = sum(max(0, need[x] - spare[x]) for x in streets)
            from_street = sum(max(0, spare[x] - need[x]) for x in streets)
            to_district, from_district = need.get(DISTRICT, 0), spare.get(DISTRICT, 0)
            wanted = to_street + to_district
            least, most = max(0, wanted - from_district), min(from_street, wanted)
            lent = most if between <= district else least
            total += within * sum(min(need[x], spare[x]) for x in streets)
            total += district * to_street + (2 * district - between) * to_district
            total += (between - district) * lent
        return float(total)


def _pools(d: StaffingTables) -> list[list[int]]:
    """Skill groups that share a station, directly or over others."""
    pools: list[set[int]] = [{g} for g in range(len(d.groups))]
    for groups in d.station_groups:
        hit = [p for p in pools if p & set(groups)]
        pools = [p for p in pools if p not in hit]
        pools += [set().union(*hit)] if hit else []
    return sorted(sorted(p) for p in pools)


def _alike(d: StaffingTables, pool: list[int]) -> bool:
    """Whether the groups of a pool can all work at the same stations."""
    return all(len(set(groups) & set(pool)) in (0, len(pool)) for groups in d.station_groups)
