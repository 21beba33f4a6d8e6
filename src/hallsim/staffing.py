"""The staffing programme: who should work where, period by period, as a linear programme.

The only module that touches PuLP.  It is a function of tables: clerks at home, minimum staffing,
the cost of waiting against clerks, and what transfers cost.

Formulation, over stations s of halls h, skill groups g and periods t:

* `n[g,s,t]` clerks of g at s; the clerks of a hall are its home staff - lent + borrowed.  Where a
  group can work at no station of its home hall, `idle[g,h,t]` of them stay there away from windows;
* `w[s,t]` cost of waiting, held up by one cut per step of the (convex) waiting table;
* loans run over a *tier tree*: hall - street hub - district pool, district halls at the pool.  Arc
  costs are halves and differences of the tiers' costs, so that every path costs what its tier says;
* the same tree prices days away (travel) and, on increases from period to period, transfer orders.

With one skill group the waiting part is a network with separable convex costs, whose linear
programme usually has an integral vertex (Hochbaum and Shanthikumar, J. ACM 37, 1990); where it has
not, the integer programme is solved.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pulp

from hallsim.demand import Floats
from hallsim.records import Ints
from hallsim.scenario import Scenario, Transfers


class NoPlan(RuntimeError):  # noqa: N818 - the name says what is the case
    """No staffing satisfies the constraints, or the time limit came before the first one."""


GAP = 1e-4
"""Relative gap at which the integer programme may stop."""
DISTRICT = -1
TIER_NAMES = ("within_street", "between_streets", "with_district")


@dataclass(frozen=True)
class StaffingTables:
    """Everything the programme knows.

    Attributes:
        halls: ids of the H halls; street: [H] number of the street, DISTRICT for district halls.
        groups: names of the G skill groups; home, minimum: [H, G] clerks.
        station_hall: [S] hall of each station; station_groups: per station, the groups able there.
        lower: [S] clerks of the first table entry.
        cost: per station [T, N] cost in visitor minutes of the period with lower, lower + 1, …
            clerks; a station takes lower .. lower + N - 1 clerks.
        days: [T] working days of the periods.
        transfers: what moves cost.
        leaving: clerks who leave the district for good, from where it hurts least, at no cost.
    """

    halls: tuple[str, ...]
    street: Ints
    groups: tuple[str, ...]
    home: Ints
    minimum: Ints
    station_hall: Ints
    station_groups: tuple[tuple[int, ...], ...]
    lower: Ints
    cost: tuple[Floats, ...]
    days: Ints
    transfers: Transfers
    leaving: int = 0


@dataclass(frozen=True)
class Solution:
    """A plan and how good it is proven to be.

    Attributes:
        clerks: [T, S, G] clerks of each group at each station.
        idle: [T, H, G] clerks at home in a hall where they can work at no station.
        objective: cost of the plan by the simulated tables, visitor minutes.
        bound: proven lower bound on the cost of any plan by these tables; the programme's tables
            are the convex envelopes of the simulated ones, so its bound holds for those too.
        gap: (objective - bound) / objective, what the envelope hides included.
        integral: whether the linear programme itself was integral.
        repaired: minutes by which the envelopes lie below the simulated tables at the plan.
    """

    clerks: Ints
    idle: Ints
    objective: float
    bound: float
    gap: float
    integral: bool
    repaired: float
    status: str
    solver: str
    seconds: float


@dataclass(frozen=True)
class Move:
    """Clerks lent from one hall to another over periods first..last, inclusive."""

    origin: int
    destination: int
    group: int
    clerks: int
    first: int
    last: int
    tier: str


def solve(tables: StaffingTables, time_limit: float = 120.0) -> Solution:
    """The best plan for these tables.

    Raises:
        NoPlan: the solver ended without a plan (minimum staffing above the clerks there are).
    """
    started = time.perf_counter()
    model = _Model(tables, integer=False)
    status, objective, bound = _run(model.problem, time_limit)
    integral = model.is_integral()
    if not integral:
        model = _Model(tables, integer=True)
        status, objective, bound = _run(model.problem, time_limit)
    clerks, idle = (np.round(found).astype(np.int64) for found in (model.clerks(), model.idle()))
    repaired = _repaired(tables, clerks)
    objective += repaired
    gap = max(0.0, objective - bound) / max(abs(objective), 1e-9)
    solver = f"HiGHS via PuLP {pulp.__version__}"
    seconds = time.perf_counter() - started
    return Solution(
        clerks, idle, objective, bound, gap, integral, repaired, status, solver, seconds
    )


def _repaired(tables: StaffingTables, clerks: Ints) -> float:
    """Simulated cost minus convex envelope at the plan, over all stations and periods."""
    total = 0.0
    for s, costs in enumerate(tables.cost):
        for p, n in enumerate(clerks[:, s].sum(axis=1) - tables.lower[s]):
            total += float(costs[p, n] - convex_envelope(costs[p])[n])
    return total


def lp_text(tables: StaffingTables) -> str:
    """The programme in LP format, for reading and for tests."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "staffing.lp"
        _Model(tables, integer=True).problem.writeLP(str(path))
        return path.read_text(encoding="utf-8")


def _run(problem: Any, time_limit: float) -> tuple[str, float, float]:
    """Status, objective and proven bound; read from HiGHS itself, alike for PuLP 3 and 4."""
    problem.solve(pulp.HiGHS(msg=False, gapRel=GAP, timeLimit=time_limit))
    highs = problem.solverModel
    info = highs.getInfo()
    status = highs.modelStatusToString(highs.getModelStatus())
    if info.primal_solution_status != 2:  # kSolutionStatusFeasible
        raise NoPlan(f"no staffing plan: {status}")
    objective = float(info.objective_function_value)
    if any(v.cat == "Integer" for v in problem.variables()):
        return status, objective, float(info.mip_dual_bound)
    return status, objective, objective if status == "Optimal" else 0.0  # costs are not negative


class _Model:
    """The programme, one constraint family per method."""

    def __init__(self, tables: StaffingTables, integer: bool) -> None:
        self.tables = tables
        self.problem = pulp.LpProblem("staffing", pulp.LpMinimize)
        self._kind = "Integer" if integer else "Continuous"
        self._periods = range(len(tables.days))
        self._streets = sorted({int(s) for s in tables.street if s != DISTRICT})
        self._objective: list[Any] = []
        self._add_clerks()
        self._add_waiting()
        self._add_loans()
        self._add_orders()
        self.problem += pulp.lpSum(self._objective), "cost"

    def clerks(self) -> Floats:
        """[T, S, G] values after solving."""
        t = self.tables
        out = np.zeros((len(t.days), len(t.station_hall), len(t.groups)))
        for (g, s, period), variable in self.n.items():
            out[period, s, g] = variable.varValue
        return out

    def idle(self) -> Floats:
        """[T, H, G] values after solving."""
        t = self.tables
        out = np.zeros((len(t.days), len(t.halls), len(t.groups)))
        for (g, h, period), variable in self.aside.items():
            out[period, h, g] = variable.varValue
        return out

    def is_integral(self) -> bool:
        """Whether the solution is in whole clerks."""
        values = np.concatenate([self.clerks().ravel(), self.idle().ravel()])
        return bool(np.abs(values - np.round(values)).max(initial=0.0) < 1e-6)

    def _variable(self, name: str, lower: float | None = 0, upper: float | None = None) -> Any:
        return self.problem.add_variable(name, lower, upper, "Continuous")

    def _add_clerks(self) -> None:
        """Clerks by station, within the range of its table."""
        t = self.tables
        self.n = {
            (g, s, p): self.problem.add_variable(f"n_{g}_{s}_{p}", 0, None, self._kind)
            for s, groups in enumerate(t.station_groups)
            for g in groups
            for p in self._periods
        }
        able = {
            (g, int(t.station_hall[s])) for s, groups in enumerate(t.station_groups) for g in groups
        }
        self.aside = {
            (g, h, p): self.problem.add_variable(f"idle_{g}_{h}_{p}", 0, int(home), self._kind)
            for (h, g), home in np.ndenumerate(t.home)
            if home and (g, h) not in able
            for p in self._periods
        }
        for s, costs in enumerate(t.cost):
            for p in self._periods:
                here = self._at_station(s, p)
                self.problem += here >= int(t.lower[s]), f"least_{s}_{p}"
                self.problem += here <= int(t.lower[s]) + costs.shape[1] - 1, f"most_{s}_{p}"

    def _at_station(self, s: int, p: int) -> Any:
        return pulp.lpSum(self.n[g, s, p] for g in self.tables.station_groups[s])

    def _at_hall(self, h: int, g: int, p: int) -> Any:
        own = [s for s, hall in enumerate(self.tables.station_hall) if hall == h]
        here = [self.n[g, s, p] for s in own if (g, s, p) in self.n]
        if (g, h, p) in self.aside:
            here.append(self.aside[g, h, p])
        return pulp.lpSum(here)

    def _add_waiting(self) -> None:
        """w >= every chord of the convex table."""
        t = self.tables
        for s, costs in enumerate(t.cost):
            for p in self._periods:
                convex = convex_envelope(costs[p])
                w = self._variable(f"w_{s}_{p}", float(convex.min()))
                self._objective.append(w)
                here = self._at_station(s, p)
                for k, slope in _chords(convex):
                    start = int(t.lower[s]) + k
                    self.problem += (
                        w - slope * here >= float(convex[k]) - slope * start,
                        f"wait_{s}_{p}_{k}",
                    )

    def _add_loans(self) -> None:
        """Lent and borrowed clerks balance over the tier tree; days away cost travel."""
        t = self.tables
        self._arcs: list[
            tuple[list[Any], float]
        ] = []  # (variable by period, order cost of the arc)
        gone: list[Any] = []
        for g in range(len(t.groups)):
            net_of_street: dict[tuple[int, int], list[Any]] = {}
            for h in range(len(t.halls)):
                district = t.street[h] == DISTRICT
                lent = self._loan(f"out_{g}_{h}", "district" if district else "hall")
                borrowed = self._loan(f"in_{g}_{h}", "district" if district else "hall")
                left: Any = 0
                if t.leaving:
                    left = self.problem.add_variable(
                        f"gone_{g}_{h}", 0, int(t.home[h, g]), self._kind
                    )
                    gone.append(left)
                for p in self._periods:
                    at_hall = self._at_hall(h, g, p)
                    home, least = int(t.home[h, g]), int(t.minimum[h, g])
                    self.problem += (
                        at_hall + lent[p] - borrowed[p] + left == home,
                        f"hall_{g}_{h}_{p}",
                    )
                    if least > 0:
                        self.problem += at_hall >= least, f"minimum_{g}_{h}_{p}"
                    net_of_street.setdefault((int(t.street[h]), p), []).append(
                        lent[p] - borrowed[p]
                    )
            pool: dict[int, list[Any]] = {
                p: net_of_street.get((DISTRICT, p), []) for p in self._periods
            }
            for street in self._streets:
                up = self._loan(f"up_{g}_{street}", "street")
                down = self._loan(f"down_{g}_{street}", "street")
                for p in self._periods:
                    inside = pulp.lpSum(net_of_street[street, p])
                    self.problem += inside - up[p] + down[p] == 0, f"street_{g}_{street}_{p}"
                    pool[p].append(up[p] - down[p])
            for p in self._periods:
                self.problem += pulp.lpSum(pool[p]) == 0, f"pool_{g}_{p}"
        if t.leaving:
            self.problem += pulp.lpSum(gone) == t.leaving, "leaving"

    def _loan(self, name: str, level: str) -> list[Any]:
        """One arc of the tree in all periods, with its travel cost; its order cost is kept for later."""
        x = self.tables.transfers
        order = arc_costs(
            x.within_street.order_minutes,
            x.between_streets.order_minutes,
            x.with_district.order_minutes,
        )
        travel = arc_costs(
            x.within_street.travel_minutes,
            x.between_streets.travel_minutes,
            x.with_district.travel_minutes,
        )
        variables = [self._variable(f"{name}_{p}") for p in self._periods]
        for p, v in enumerate(variables):
            self._objective.append(travel[level] * x.travel_weight * float(self.tables.days[p]) * v)
        self._arcs.append((variables, order[level]))
        return variables

    def _add_orders(self) -> None:
        """A transfer order is an increase of a loan from one period to the next."""
        for variables, cost in self._arcs:
            before: Any = 0
            for v in variables:
                if cost > 0:
                    more = self._variable(f"new_{v.name}")
                    self.problem += more - v + before >= 0, f"order_{v.name}"
                    self._objective.append(cost * more)
                before = v


def arc_costs(within: float, between: float, district: float) -> dict[str, float]:
    """Costs of the tree's arcs such that every path costs its tier.

    Raises:
        ValueError: not within <= between and district >= between / 2; no such tree exists.
    """
    if within > between or district < between / 2:
        raise ValueError(
            "transfer costs must grow: within_street <= between_streets and with_district >= half of it"
        )
    return {
        "hall": within / 2,
        "street": (between - within) / 2,
        "district": district - between / 2,
    }


def convex_envelope(values: Floats) -> Floats:
    """The largest convex function below the values, at the same (equally spaced) points."""
    hull: list[int] = []
    for k in range(len(values)):
        while len(hull) >= 2:
            i, j = hull[-2], hull[-1]
            if (values[j] - values[i]) * (k - i) >= (values[k] - values[i]) * (j - i):
                hull.pop()
            else:
                break
        hull.append(k)
    found: Floats = np.interp(np.arange(len(values)), hull, values[hull])
    return found


def _chords(convex: Floats) -> Iterator[tuple[int, float]]:
    """(first point, slope) of every segment with its own slope."""
    last = None
    for k, slope in enumerate(np.diff(convex)):
        if last is None or abs(slope - last) > 1e-9 * max(1.0, abs(last)):
            yield k, float(slope)
            last = slope


def street_numbers(scenario: Scenario) -> Ints:
    """[H]: number of the street of each hall, DISTRICT for district halls."""
    streets = [h.hall for h in scenario.halls if h.tier == "street"]
    own = [h.hall if h.tier == "street" else h.street for h in scenario.halls]
    return np.array(
        [
            DISTRICT if h.tier == "district" else streets.index(o)
            for h, o in zip(scenario.halls, own, strict=True)
        ]
    )


def tier_of(tables: StaffingTables, origin: int, destination: int) -> str:
    """The tier of a transfer between two halls."""
    a, b = tables.street[origin], tables.street[destination]
    if DISTRICT in (a, b):
        return "with_district"
    return "within_street" if a == b else "between_streets"


def moves(tables: StaffingTables, clerks: Ints, idle: Ints | None = None) -> list[Move]:
    """The plan as loans from home: who is lent where, and for how long; both as in `Solution`.

    Within each period lenders are matched inside their street first; loans that already ran in the
    period before are kept where both halls still lend and borrow.
    """
    found: list[Move] = []
    aside = np.zeros((len(tables.days), *tables.home.shape), np.int64) if idle is None else idle
    for g in range(len(tables.groups)):
        running: dict[tuple[int, int], int] = {}
        loans = []
        for p in range(len(tables.days)):
            running = _match(tables, _surplus(tables, clerks[p], g) - aside[p, :, g], running)
            loans.append(running)
        found += _spells(tables, g, loans)
    return sorted(found, key=lambda m: (m.first, m.origin, m.destination, m.group, m.last))


def _surplus(tables: StaffingTables, clerks: Ints, g: int) -> Ints:
    here = np.zeros(len(tables.halls), np.int64)
    np.add.at(here, tables.station_hall, clerks[:, g])
    surplus: Ints = tables.home[:, g] - here
    return surplus


def _match(
    tables: StaffingTables, surplus: Ints, before: dict[tuple[int, int], int]
) -> dict[tuple[int, int], int]:
    left = surplus.copy()
    loans: dict[tuple[int, int], int] = {}

    def lend(pairs: Iterable[tuple[int, int]], at_most: dict[tuple[int, int], int] | None) -> None:
        for a, b in pairs:
            n = int(min(left[a], -left[b]))
            if at_most is not None:
                n = min(n, at_most[a, b])
            if n > 0:
                loans[a, b] = loans.get((a, b), 0) + n
                left[a] -= n
                left[b] += n

    everyone = range(len(left))
    pairs = [(a, b) for a in everyone for b in everyone if surplus[a] > 0 > surplus[b]]
    for inside in (True, False):
        tier = [ab for ab in pairs if (tier_of(tables, *ab) == "within_street") == inside]
        lend([ab for ab in tier if ab in before], before)
        lend(tier, None)
    return loans


def _spells(tables: StaffingTables, g: int, loans: list[dict[tuple[int, int], int]]) -> list[Move]:
    """Stack the loans of each pair over time into spells: the longest-running clerk stays longest."""
    found = []
    for a, b in sorted({pair for period in loans for pair in period}):
        counts = [period.get((a, b), 0) for period in loans] + [0]
        open_since: list[int] = []
        spells: dict[tuple[int, int], int] = {}
        for p, n in enumerate(counts):
            while len(open_since) > n:
                begun = open_since.pop()
                spells[begun, p - 1] = spells.get((begun, p - 1), 0) + 1
            open_since += [p] * (n - len(open_since))
        tier = tier_of(tables, a, b)
        found += [
            Move(a, b, g, n, first, last, tier) for (first, last), n in sorted(spells.items())
        ]
    return found
