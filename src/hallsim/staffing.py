"""The staffing programme: who should work where, period by period, as a linear programme.

The only module that touches PuLP.  It is a function of `staff.StaffingTables`; each family of
constraints is one function below.

Formulation, over stations s of halls h, skill groups g and periods t:

* `n[g,s,t]` clerks of g at s; the clerks of a hall are its home staff - lent + borrowed.  Where a
  group can work at no station of its home hall, `idle[g,h,t]` of them stay there away from windows;
* `w[s,t]` cost of waiting, held up by one cut per step of the (convex) waiting table;
* loans run over a *tier tree*: hall - street hub - district pool, district halls at the pool.  Arc
  costs are halves and differences of the tiers' costs, so that every path costs what its tier says.
  Where travel is given hall by hall, or a limit is on loans themselves (their number, how long they
  last), loans run between *pairs* of halls;
* every arc prices days away (travel) and, on increases from period to period, transfer orders.

With one skill group on the tree the waiting part is a network with separable convex costs, whose
linear programme usually has an integral vertex (Hochbaum and Shanthikumar, J. ACM 37, 1990); where
it has not, the integer programme is solved.

Limits that contradict each other do not end in "infeasible": the limits are given up by as few
clerks as possible, a smallest set of them that cannot stand together is named, and the best plan
under what is left is found.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pulp

from hallsim.demand import Floats
from hallsim.records import Ints
from hallsim.staff import (
    DISTRICT,
    Future,
    Limit,
    Loan,
    NoPlan,
    Relaxed,
    Solution,
    StaffingTables,
    convex_envelope,
    order_of,
    travel_of,
)

GAP = 1e-4
"""Relative gap at which the integer programme may stop."""
MANY = 8_000
"""Pairs of halls times periods above which loans run between promising pairs only."""
_STEPS = 12
"""Clerks missed of one limit, up to which they are told apart by how evenly they are missed."""
_EVEN = 0.05
"""Relative gap of the evenness; perfect evenness is not worth a minute of solving."""
_TIE = 1e-4
"""Minutes by which loans are told apart that cost the same."""
_GOLDEN = 0.6180339887498949
_Pair = tuple[int, int, int]
_Cell = tuple[int, int]
"""Station and period."""


def solve(tables: StaffingTables, time_limit: float = 45.0, *, listed: bool = True) -> Solution:
    """The best plan for these tables; under limits that contradict each other, the least relaxed.

    Args:
        tables: what is known.
        time_limit: seconds for each programme that is solved.
        listed: whether to say who lends to whom at the least cost; only the value is wanted without.

    Raises:
        NoPlan: the halls take more or fewer clerks than there are, whatever limit is given up; or
            the time limit came before the first plan.
    """
    started = time.perf_counter()
    found = _solved(tables, time_limit)
    if found is None:
        found = _relaxed(tables, time_limit)
    if listed and found.loans is None:
        found = _listed(tables, found, time_limit)
    return dataclasses.replace(found, seconds=time.perf_counter() - started)


def lp_text(tables: StaffingTables) -> str:
    """The programme in LP format, for reading and for tests."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "staffing.lp"
        _Programme(tables, integer=True).problem.writeLP(str(path))
        text = path.read_text(encoding="utf-8")
    head, bounds, rest = text.partition("Bounds\n")
    bounds, generals, rest = rest.partition("Generals\n") if bounds else ("", "", "")
    names, end, _ = rest.partition("End\n")
    return f"{head}Bounds\n{_sorted(bounds)}{generals}{_sorted(names)}{end}"


def _sorted(lines: str) -> str:
    """Versions of PuLP order variables differently."""
    return "".join(sorted(lines.splitlines(keepends=True)))


def _solved(
    tables: StaffingTables,
    time_limit: float,
    slack: dict[Limit, int] | None = None,
) -> Solution | None:
    """The best plan, or None where the limits contradict each other; `slack` is granted to limits."""
    if not _by_pairs(tables) or len(tables.days) * len(tables.halls) ** 2 <= MANY:
        return _best(tables, time_limit, slack)
    simple = _best(_on_tree(tables), time_limit, slack, by_pairs=False)
    if simple is None:
        return None
    found = _best(tables, time_limit, slack, _promising(tables, simple))
    if found is None:
        return _best(tables, time_limit, slack)
    gap = max(0.0, found.objective - simple.bound) / max(abs(found.objective), 1e-9)
    return dataclasses.replace(found, bound=simple.bound, gap=gap)


def _best(
    tables: StaffingTables,
    time_limit: float,
    slack: dict[Limit, int] | None = None,
    pairs: frozenset[_Pair] | None = None,
    by_pairs: bool | None = None,
) -> Solution | None:
    """The same by the programme as it stands; loans between these pairs of halls, or between all."""
    model = _Programme(tables, integer=False, granted=slack, pairs=pairs, by_pairs=by_pairs)
    run = _run(model.problem, time_limit)
    if run is None:
        return None
    marginal, prices, integral = model.marginal(), model.prices(), model.is_integral()

    def whole(exact: frozenset[_Cell] = frozenset()) -> Solution | None:
        model = _Programme(
            tables, integer=True, granted=slack, pairs=pairs, by_pairs=by_pairs, exact=exact
        )
        run = _run(model.problem, time_limit)
        return None if run is None else _told(model, run, integral, marginal, prices)

    found = _told(model, run, integral, marginal, prices) if integral else whole()
    return None if found is None else _straightened(tables, found, whole, time_limit)


def _told(
    model: _Programme,
    run: tuple[str, float, float],
    integral: bool,
    marginal: Floats,
    prices: dict[str, float],
) -> Solution:
    """The solution of a programme that was run, at the cost of the simulated tables."""
    status, objective, bound = run
    clerks, idle = model.clerks(), model.idle()
    repaired = model.repair(clerks)
    objective += repaired
    gap = max(0.0, objective - bound) / max(abs(objective), 1e-9)
    solver = f"HiGHS via PuLP {pulp.__version__}"
    return Solution(
        clerks, idle, model.left(), objective, bound, gap, integral, repaired, status, solver, 0.0,
        marginal, prices, model.loans.found(),
    )  # fmt: skip


def _straightened(
    tables: StaffingTables,
    found: Solution,
    again: Callable[[frozenset[_Cell]], Solution | None],
    time_limit: float,
) -> Solution:
    """The plan after the tables that their envelopes belie were put in as they are, where a plan used
    them, until none is left: there the cost of waiting is not convex, as between nobody and one clerk.
    """
    started, exact, last = time.perf_counter(), frozenset[_Cell](), found
    while last.repaired > GAP * abs(last.objective):
        exact |= _belied(tables, last.clerks)
        try:
            next_one = again(exact)
        except NoPlan:
            break
        if next_one is None:
            break
        last = next_one
        best = min(last, found, key=lambda one: one.objective)
        bound = max(found.bound, last.bound)
        gap = max(0.0, best.objective - bound) / max(abs(best.objective), 1e-9)
        found = dataclasses.replace(best, bound=bound, gap=gap)
        if time.perf_counter() - started > time_limit:
            break
    return found


def _belied(tables: StaffingTables, clerks: Ints) -> frozenset[_Cell]:
    """Stations and periods whose table lies above its envelope at a plan [T, S, G], in some future."""
    found = set()
    here = clerks.sum(axis=2) - tables.lower
    for cost in [f.cost for f in tables.futures] or [tables.cost]:
        for p, s in np.ndindex(*here.shape):
            n = int(here[p, s])
            if cost[s][p, n] > convex_envelope(cost[s][p])[n] + 1e-9 * abs(cost[s][p, n]):
                found.add((s, p))
    return frozenset(found)


def _listed(tables: StaffingTables, found: Solution, time_limit: float) -> Solution:
    """Who lends to whom, at the least cost for the clerks of a plan on the tree.

    The tree prices net changes; where the pairs behind them must change, loans cost more.
    """
    halls, groups = tables.home.shape
    everybody = np.zeros((len(tables.days), int(tables.home.sum()) + 1))
    only_loans = dataclasses.replace(
        tables, home=tables.home - found.gone, leaving=0, minimum=np.zeros_like(tables.minimum),
        station_hall=np.arange(halls), station_groups=(tuple(range(groups)),) * halls,
        lower=np.zeros(halls, np.int64), cost=(everybody,) * halls, futures=(), risk="expected",
        limits=tuple(limit for limit in tables.limits if limit.what in ("lent", "borrowed")),
        fixed=tables.at_halls(found.clerks) + found.idle,
    )  # fmt: skip
    pairs = _promising(tables, found) | _chains(tables, found)
    given = {r.limit: r.by for r in found.relaxed}
    settled = 0 if tables.fixed is None else len(tables.fixed)
    for whole in (False, True):
        model = _Programme(
            only_loans, integer=whole, granted=given, pairs=pairs, by_pairs=True, settled=settled,
            untie=True,
        )  # fmt: skip
        run = _run(model.problem, time_limit)
        if run is None:
            break
        if model.is_integral():
            return _with_loans(tables, found, model.loans.found(), model.price())
    return found


def _with_loans(
    tables: StaffingTables,
    found: Solution,
    loans: tuple[tuple[Loan, ...], ...] | None,
    minutes: float,
) -> Solution:
    """A plan told as these loans, which cost so many minutes."""
    more = max(0.0, minutes - (found.objective - tables.waiting(found.clerks)))
    cost = found.objective + more
    gap = max(0.0, cost - found.bound) / max(abs(cost), 1e-9)
    return dataclasses.replace(found, loans=loans, listed=more, gap=gap)


def _on_tree(tables: StaffingTables) -> StaffingTables:
    """A programme over the tree whose every bound holds for loans between pairs too.

    The tree prices and limits net changes, so whatever pairs may do it may do, for no more.  Long stays
    are free, and moves too where travel is listed by pair.
    """
    x = tables.transfers.model_copy(update={"long_stay_minutes": 0.0})
    if tables.travel is not None:
        free = x.within_street.model_copy(update={"order_minutes": 0.0, "travel_minutes": 0.0})
        x = x.model_copy(
            update={"within_street": free, "between_streets": free, "with_district": free}
        )
    return dataclasses.replace(tables, transfers=x, travel=None)


def _promising(tables: StaffingTables, simple: Solution) -> frozenset[_Pair]:
    """Pairs (group, origin, destination) of halls that lend and halls that borrow in a plan on the tree,
    or that do so already."""
    away = tables.home - simple.gone - tables.at_halls(simple.clerks) - simple.idle
    found = {
        (g, a, b)
        for g in range(len(tables.groups))
        for a in np.flatnonzero((away[:, :, g] > 0).any(axis=0)).tolist()
        for b in np.flatnonzero((away[:, :, g] < 0).any(axis=0)).tolist()
    }
    return frozenset(found | {(x.group, x.origin, x.destination) for x in tables.running})


def _chains(tables: StaffingTables, simple: Solution) -> frozenset[_Pair]:
    """Pairs by which a loan that runs may go on though its halls change nothing by themselves: who lends
    replaces the clerk at home, or somebody of the hall that borrowed goes where one is wanted."""
    ends = _promising(dataclasses.replace(tables, running=()), simple)
    return frozenset(
        {(g, a, x.origin) for x in tables.running for g, a, _ in ends if g == x.group}
        | {(g, x.destination, b) for x in tables.running for g, _, b in ends if g == x.group}
    )


def _run(problem: Any, time_limit: float, gap: float = GAP) -> tuple[str, float, float] | None:
    """Status, objective and proven bound; read from HiGHS itself, alike for PuLP 3 and 4.

    None if there is no plan at all.

    Raises:
        NoPlan: the time limit came before the first plan.
    """
    problem.solve(pulp.HiGHS(msg=False, gapRel=gap, timeLimit=time_limit))
    highs = problem.solverModel
    info = highs.getInfo()
    status = highs.modelStatusToString(highs.getModelStatus())
    if info.primal_solution_status != 2:  # kSolutionStatusFeasible
        if "nfeasible" in status:
            return None
        raise NoPlan(f"no staffing plan: {status}")
    objective = float(info.objective_function_value)
    if any(v.cat == "Integer" for v in problem.variables()):
        return status, objective, float(info.mip_dual_bound)
    return status, objective, objective if status == "Optimal" else 0.0  # costs are not negative


# limits that contradict each other ----------------------------------------------------------------


def _relaxed(tables: StaffingTables, time_limit: float) -> Solution:
    """The best plan among those that give up limits by as few clerks as possible, spread evenly."""
    model = _Programme(tables, integer=True, elastic=True)
    if _run(model.problem, time_limit) is None:
        raise NoPlan(
            f"no staffing plan: the halls cannot take exactly the {int(tables.home.sum())} clerks there are"
        )
    slack = _spread_evenly(tables, model.slack(), time_limit)
    found = _solved(tables, time_limit, slack)
    if found is None:
        raise NoPlan("no staffing plan: the least relaxation could not be repeated")
    return dataclasses.replace(
        found,
        relaxed=tuple(Relaxed(limit, by) for limit, by in slack.items()),
        conflict=_conflict(tables, model.suspects(), time_limit),
    )


def _spread_evenly(
    tables: StaffingTables, least: dict[Limit, int], time_limit: float
) -> dict[Limit, int]:
    """By how much each limit is missed, no more in all; as it was where that takes too long."""
    even = _Programme(tables, integer=True, elastic=True, missed=sum(least.values()))
    try:
        spread = _run(even.problem, time_limit, gap=_EVEN) is not None
    except NoPlan:
        spread = False
    return {limit: by for limit, by in (even.slack() if spread else least).items() if by}


def _conflict(
    tables: StaffingTables, suspects: tuple[str, ...], time_limit: float
) -> tuple[str, ...]:
    """A smallest set of names of limits that cannot stand together: none of it can be left out.

    A deletion filter (Chinneck and Dravnieks, ORSA J. Computing 3, 1991).
    """

    def contradictory(names: tuple[str, ...], whole: bool) -> bool:
        model = _Programme(tables, integer=whole, only=frozenset(names), priced=False)
        return _run(model.problem, time_limit) is None

    everything = tuple(dict.fromkeys(limit.name for limit in _all_limits(tables)))
    tries = [(names, whole) for whole in (False, True) for names in (suspects, everything)]
    kept, whole = next(
        (one for one in tries if contradictory(*one)), (suspects, False)
    )  # some limits contradict each other in whole clerks only
    for name in kept:
        less = tuple(k for k in kept if k != name)
        if contradictory(less, whole):
            kept = less
    return kept


# the programme --------------------------------------------------------------------------------------


class _Programme:
    """Variables and objective; the constraints are the functions below, in the order of `_FAMILIES`."""

    def __init__(
        self,
        tables: StaffingTables,
        integer: bool,
        *,
        elastic: bool = False,
        granted: dict[Limit, int] | None = None,
        only: frozenset[str] | None = None,
        priced: bool = True,
        pairs: frozenset[_Pair] | None = None,
        by_pairs: bool | None = None,
        settled: int | None = None,
        exact: frozenset[_Cell] = frozenset(),
        untie: bool = False,
        missed: int = 0,
    ) -> None:
        """Build it.

        With `elastic` limits may be missed and the only cost is by how much, or, where `missed` clerks in
        all are given, how unevenly; `granted` is how much
        each limit may be missed by; `only` these names of limits hold; without `priced` any plan
        that keeps them will do; loans run between these `pairs` (None: all) where they run `by_pairs`.
        In the first `settled` periods they are those of before (None: where halls are fixed).
        Tables of the `exact` cells stand as they are, the others as their convex envelopes.  With `untie`
        loans between pairs that cost the same differ by next to nothing.
        """
        self.tables = tables
        self.problem = pulp.LpProblem("staffing", pulp.LpMinimize)
        self.kind = "Integer" if integer else "Continuous"
        self.periods = range(len(tables.days))
        self.groups = range(len(tables.groups))
        self.cost: list[Any] = []
        self.n: dict[tuple[int, int, int], Any] = {}
        self.aside: dict[tuple[int, int, int], Any] = {}
        self.exact = exact
        self._number: dict[_Cell, list[Any]] = {}
        self.gone: dict[tuple[int, int], Any] = {}
        fixed = 0 if tables.fixed is None else len(tables.fixed)
        self.settled = fixed if settled is None else settled
        self._elastic, self._granted, self._only = elastic, granted or {}, only
        self.pairs = pairs
        self.by_pairs = _by_pairs(tables) if by_pairs is None else by_pairs
        self._missed: dict[Limit, Any] = {}
        self._rows: dict[str, list[str]] = {}  # rows of every limit
        self.loans: _Tree | _Pairs
        for family in _FAMILIES:
            family(self)
        if elastic:
            self.cost = self._spread(missed) if missed else list(self._missed.values())
        ties = self._ties() if untie else []
        self.problem += pulp.lpSum([*self.cost, *ties] if priced else []), "cost"

    def variable(
        self, name: str, lower: float | None = 0, upper: float | None = None, whole: bool = False
    ) -> Any:
        """A new variable; `whole` numbers are integers in the integer programme."""
        kind = self.kind if whole else "Continuous"
        return self.problem.add_variable(name, lower, upper, kind)

    def at_station(self, s: int, p: int) -> Any:
        return pulp.lpSum(self.n[g, s, p] for g in self.tables.station_groups[s])

    def at_hall(self, h: int, g: int, p: int) -> Any:
        own = [s for s, hall in enumerate(self.tables.station_hall) if hall == h]
        here = [self.n[g, s, p] for s in own if (g, s, p) in self.n]
        if (g, h, p) in self.aside:
            here.append(self.aside[g, h, p])
        return pulp.lpSum(here)

    def _ties(self) -> list[Any]:
        """What tells loans apart that cost the same, in any version of the solver.

        Squares, since whatever adds up over lenders and borrowers is the same for all who lend to all.
        """
        return [
            _TIE * (k * k * _GOLDEN % 1) * (1 + p / 10) * loan
            for k, arc in enumerate(self.loans.arcs)
            for p, loan in enumerate(arc.loan)
        ]

    def price(self) -> float:
        """What was found costs, without what breaks ties."""
        return float(pulp.lpSum(self.cost).value())

    def number(self, s: int, p: int) -> list[Any]:
        """Which number of clerks a station has: one variable by entry of its table, one of them 1."""
        if (s, p) not in self._number:
            width, lower = _width(self.tables, s), int(self.tables.lower[s])
            one = [
                self.problem.add_variable(f"has_{s}_{p}_{k}", 0, 1, self.kind) for k in range(width)
            ]
            self.problem += pulp.lpSum(one) == 1, f"one_{s}_{p}"
            clerks = pulp.lpSum((lower + k) * v for k, v in enumerate(one))
            self.problem += self.at_station(s, p) - clerks == 0, f"number_{s}_{p}"
            self._number[s, p] = one
        return self._number[s, p]

    def bound(self, row: str, limit: Limit, value: Any) -> None:
        """A limit on an expression; the row (or rows) can be named, missed or left out."""
        if self._only is not None and limit.name not in self._only:
            return
        give: Any = self._granted.get(limit, 0)
        if self._elastic:
            give = self._missed[limit] = self.variable(f"missed_{row}", whole=True)
        if limit.least is not None:
            self._add_row(f"{row}_least", limit, value + give >= limit.least)
        if limit.most is not None:
            self._add_row(f"{row}_most", limit, value - give <= limit.most)

    def _spread(self, total: int) -> list[Any]:
        """No more than so many clerks missed in all, and each further one of a limit dearer than the last."""
        self.problem += pulp.lpSum(self._missed.values()) <= total, "missed_in_all"
        dear = []
        for v in self._missed.values():
            for k in range(1, _STEPS):
                more = self.variable(f"over_{k}_{v.name}")
                self.problem += more - v >= -k, f"spread_{k}_{v.name}"
                dear.append(more)
        return dear

    def _add_row(self, row: str, limit: Limit, constraint: Any) -> None:
        self.problem += constraint, row
        self._rows.setdefault(limit.name, []).append(row)

    # what was found

    def clerks(self) -> Ints:
        """[T, S, G] after solving."""
        t = self.tables
        return _whole(self.n, (len(t.days), len(t.station_hall), len(t.groups)))

    def idle(self) -> Ints:
        """[T, H, G] after solving."""
        t = self.tables
        return _whole(self.aside, (len(t.days), *t.home.shape))

    def repair(self, clerks: Ints) -> float:
        """Minutes by which a plan [T, S, G] costs more than this programme says."""
        return self.tables.waiting(clerks) - self.tables.waiting(clerks, self.exact)

    def left(self) -> Ints:
        """[H, G] clerks who leave, after solving."""
        found = np.zeros_like(self.tables.home)
        for (h, g), variable in self.gone.items():
            found[h, g] = round(variable.varValue)
        return found

    def is_integral(self) -> bool:
        """Whether the solution is in whole clerks."""
        values = np.array(
            [v.varValue for v in (*self.n.values(), *self.aside.values(), *self.loans.whole())]
        )
        return bool(np.abs(values - np.round(values)).max(initial=0.0) < 1e-6)

    def slack(self) -> dict[Limit, int]:
        """By how many clerks each limit is missed."""
        return {limit: round(v.varValue) for limit, v in self._missed.items()}

    def suspects(self) -> tuple[str, ...]:
        """Names of limits that are missed, or reached to the last clerk."""
        found = [limit.name for limit, by in self.slack().items() if by]
        for limit in self._missed:
            rows = [r for r in self._rows[limit.name] if abs(self._left(r)) < 1e-6]
            if rows:
                found.append(limit.name)
        return tuple(dict.fromkeys(found))

    def _left(self, row: str) -> float:
        constraint = self.problem.get_constraint_by_name(row)
        return float(constraint.value())

    def _dual(self, row: str) -> float:
        return float(self.problem.get_constraint_by_name(row).pi or 0.0)

    def marginal(self) -> Floats:
        """[T, H, G] minutes that one clerk more at home would save; of the linear programme."""
        t = self.tables
        found = np.zeros((len(t.days), *t.home.shape))
        for p, h, g in np.ndindex(*found.shape):
            found[p, h, g] = -self._dual(f"hall_{g}_{h}_{p}")
        return found

    def prices(self) -> dict[str, float]:
        """Minutes that one clerk more of room in a limit would save, summed over its rows."""
        return {
            name: float(sum(abs(self._dual(row)) for row in rows))
            for name, rows in self._rows.items()
        }


def _whole(variables: dict[tuple[int, int, int], Any], shape: tuple[int, ...]) -> Ints:
    found = np.zeros(shape, np.int64)
    for (g, place, period), variable in variables.items():
        found[period, place, g] = round(variable.varValue)
    return found


# clerks and waiting


def _clerks(m: _Programme) -> None:
    """Clerks by station, within the range of its table; those who can work nowhere stay at home."""
    t = m.tables
    for s, groups in enumerate(t.station_groups):
        for g in groups:
            for p in m.periods:
                m.n[g, s, p] = m.variable(f"n_{g}_{s}_{p}", whole=True)
    able = {
        (g, int(t.station_hall[s])) for s, groups in enumerate(t.station_groups) for g in groups
    }
    for (h, g), home in np.ndenumerate(t.home):
        if home and (g, h) not in able:
            for p in m.periods:
                m.aside[g, h, p] = m.variable(f"idle_{g}_{h}_{p}", 0, int(home), whole=True)
    for s in range(len(t.station_hall)):
        for p in m.periods:
            here, last = m.at_station(s, p), int(t.lower[s]) + _width(t, s) - 1
            m.problem += here >= int(t.lower[s]), f"least_{s}_{p}"
            m.problem += here <= last, f"most_{s}_{p}"


def _width(t: StaffingTables, s: int) -> int:
    return int((t.futures[0].cost if t.futures else t.cost)[s].shape[1])


def _waiting(m: _Programme) -> None:
    """The cost of waiting: expected over the futures, in the worst of them, or in their worst share."""
    t = m.tables
    futures = t.futures or (Future("", 1.0, t.cost),)
    whole = sum(f.weight for f in futures)
    totals = [_cuts(m, f, f"_{k}" if t.futures else "") for k, f in enumerate(futures)]
    if t.risk == "expected":
        for future, total in zip(futures, totals, strict=True):
            share = future.weight / whole
            m.cost += total if share == 1 else [share * w for w in total]
        return
    level = m.variable("level", None)
    m.cost.append(level)
    for k, (future, total) in enumerate(zip(futures, totals, strict=True)):
        over: Any = 0
        if t.risk == "cvar":
            over = m.variable(f"over_{k}")
            m.cost.append(future.weight / whole / t.tail * over)
        m.problem += level + over - pulp.lpSum(total) >= 0, f"level_{k}"


def _cuts(m: _Programme, future: Future, name: str) -> list[Any]:
    """w >= every chord of the convex table, for every station and period."""
    t = m.tables
    found = []
    for s, costs in enumerate(future.cost):
        for p in m.periods:
            convex = convex_envelope(costs[p])
            w = m.variable(f"w{name}_{s}_{p}", float(convex.min()))
            found.append(w)
            here = m.at_station(s, p)
            for k, slope in _chords(convex):
                start = int(t.lower[s]) + k
                row = w - slope * here >= float(convex[k]) - slope * start
                m.problem += row, f"wait{name}_{s}_{p}_{k}"
            if (s, p) in m.exact:
                own = pulp.lpSum(
                    float(x) * v for x, v in zip(costs[p], m.number(s, p), strict=True)
                )
                m.problem += w - own >= 0, f"exact{name}_{s}_{p}"
    return found


def _chords(convex: Floats) -> Iterator[tuple[int, float]]:
    """(first point, slope) of every segment with its own slope."""
    last = None
    for k, slope in enumerate(np.diff(convex)):
        if last is None or abs(slope - last) > 1e-9 * max(1.0, abs(last)):
            yield k, float(slope)
            last = slope


# loans


@dataclass
class _Arc:
    """Clerks on loan over one arc, by period, and those who are newly ordered to it.

    `before` is the loan of the period before the first.
    """

    name: str
    loan: list[Any]
    before: int
    order: float
    new: list[Any] = field(default_factory=list)


class _Loans:
    """What both kinds of loans share: arcs that cost travel by the day, and orders when they grow."""

    def __init__(self, m: _Programme, whole: bool) -> None:
        self.m, self._integer = m, whole
        self.arcs: list[_Arc] = []

    def arc(self, name: str, travel: float, order: float, before: int) -> _Arc:
        m, t = self.m, self.m.tables
        loan = [m.variable(f"{name}_{p}", whole=self._integer) for p in m.periods]
        for p, v in enumerate(loan):
            m.cost.append(travel * t.transfers.travel_weight * float(t.days[p]) * v)
        arc = _Arc(name, loan, before, order)
        self.arcs.append(arc)
        return arc

    def add_orders(self, always: bool) -> None:
        """A transfer order is an increase of a loan from one period to the next."""
        for arc in self.arcs:
            before: Any = arc.before
            for v in arc.loan:
                if arc.order > 0 or always:
                    more = self.m.variable(f"new_{v.name}", whole=self._integer)
                    self.m.problem += more - v + before >= 0, f"order_{v.name}"
                    self.m.cost.append(arc.order * more)
                    arc.new.append(more)
                before = v

    def whole(self) -> list[Any]:
        """Variables that must be whole beside the clerks."""
        if not self._integer:
            return []
        return [v for arc in self.arcs for v in (*arc.loan, *arc.new)]


class _Tree(_Loans):
    """Loans over the tier tree."""

    def __init__(self, m: _Programme) -> None:
        super().__init__(m, whole=False)
        x = m.tables.transfers
        self._tiers = x.within_street, x.between_streets, x.with_district
        self._travel = arc_costs(*(tier.travel_minutes for tier in self._tiers))
        self._order = arc_costs(*(tier.order_minutes for tier in self._tiers))
        self._out: dict[tuple[int, int], _Arc] = {}
        self._in: dict[tuple[int, int], _Arc] = {}
        for g in m.groups:
            self._add_group(g)

    def _leg(self, name: str, level: str, before: int) -> _Arc:
        return self.arc(name, self._travel[level], self._order[level], before)

    def _add_group(self, g: int) -> None:
        m, t = self.m, self.m.tables
        inside: dict[tuple[int, int], list[Any]] = {}  # net loans by street and period
        for h in range(len(t.halls)):
            level = "district" if t.street[h] == DISTRICT else "hall"
            own = [x for x in t.running if x.group == g]
            out = sum(x.clerks for x in own if x.origin == h)
            borrowed = sum(x.clerks for x in own if x.destination == h)
            self._out[g, h] = self._leg(f"out_{g}_{h}", level, out)
            self._in[g, h] = self._leg(f"in_{g}_{h}", level, borrowed)
            for p in m.periods:
                net = self._out[g, h].loan[p] - self._in[g, h].loan[p]
                inside.setdefault((int(t.street[h]), p), []).append(net)
        pool: dict[int, list[Any]] = {p: inside.get((DISTRICT, p), []) for p in m.periods}
        for street in sorted({int(s) for s in t.street if s != DISTRICT}):
            crossing = [
                (x.clerks, int(t.street[x.origin]), int(t.street[x.destination]))
                for x in t.running
                if x.group == g and t.street[x.origin] != t.street[x.destination]
            ]
            up = self._leg(
                f"up_{g}_{street}", "street", sum(n for n, a, _ in crossing if a == street)
            )
            down = self._leg(
                f"down_{g}_{street}", "street", sum(n for n, _, b in crossing if b == street)
            )
            for p in m.periods:
                row = pulp.lpSum(inside[street, p]) - up.loan[p] + down.loan[p] == 0
                m.problem += row, f"street_{g}_{street}_{p}"
                pool[p].append(up.loan[p] - down.loan[p])
        for p in m.periods:
            m.problem += pulp.lpSum(pool[p]) == 0, f"pool_{g}_{p}"

    def lent(self, g: int, h: int, p: int) -> Any:
        return self._out[g, h].loan[p]

    def borrowed(self, g: int, h: int, p: int) -> Any:
        return self._in[g, h].loan[p]

    def from_home(self, g: int, h: int) -> list[_Arc]:
        return [self._out[g, h]]

    def orders(self, limit: Limit) -> list[list[_Arc]]:
        """Arcs out of the halls of the limit, and arcs into them: no more of either."""
        return [
            [side[g, h] for g in limit.groups for h in limit.halls]
            for side in (self._out, self._in)
        ]

    def found(self) -> None:
        """Loans follow from the clerks."""
        return


class _Pairs(_Loans):
    """Loans from hall to hall."""

    def __init__(self, m: _Programme) -> None:
        super().__init__(m, whole=True)
        t = m.tables
        halls = range(len(t.halls))
        running = {(x.group, x.origin, x.destination): x.clerks for x in t.running}
        self._pairs: dict[tuple[int, int, int], _Arc] = {}
        able = {
            (g, int(t.station_hall[s])) for s, groups in enumerate(t.station_groups) for g in groups
        }
        for g in m.groups:
            for a in halls:
                for b in halls:
                    wanted = m.pairs is None or (g, a, b) in m.pairs
                    if wanted and a != b and t.home[a, g] and (g, b) in able:
                        self._pairs[g, a, b] = self.arc(
                            f"loan_{g}_{a}_{b}", travel_of(t, a, b), order_of(t, a, b),
                            running.get((g, a, b), 0),
                        )  # fmt: skip

    def lent(self, g: int, h: int, p: int) -> Any:
        return pulp.lpSum(arc.loan[p] for arc in self.from_home(g, h))

    def borrowed(self, g: int, h: int, p: int) -> Any:
        return pulp.lpSum(
            arc.loan[p] for (group, _, b), arc in self._pairs.items() if (group, b) == (g, h)
        )

    def orders(self, limit: Limit) -> list[list[_Arc]]:
        """Arcs that begin or end at a hall of the limit."""
        return [
            [
                arc
                for (g, a, b), arc in self._pairs.items()
                if g in limit.groups and (a in limit.halls or b in limit.halls)
            ]
        ]

    def from_home(self, g: int, h: int) -> list[_Arc]:
        return [arc for (group, a, _), arc in self._pairs.items() if (group, a) == (g, h)]

    def found(self) -> tuple[tuple[Loan, ...], ...]:
        """The loans of every period."""
        return tuple(
            tuple(
                Loan(a, b, g, round(arc.loan[p].varValue))
                for (g, a, b), arc in self._pairs.items()
                if round(arc.loan[p].varValue)
            )
            for p in self.m.periods
        )


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


def _by_pairs(t: StaffingTables) -> bool:
    """Whether loans have to be told apart by where they lead."""
    return (
        t.travel is not None
        or t.transfers.least_stay_days > 0
        or t.orders_left is not None
        or any(limit.what == "orders" for limit in t.limits)
    )


def _loans(m: _Programme) -> None:
    """Loans and their costs."""
    m.loans = _Pairs(m) if m.by_pairs else _Tree(m)
    always = _by_pairs(m.tables) or m.tables.transfers.long_stay_minutes > 0
    m.loans.add_orders(always)


def _balance(m: _Programme) -> None:
    """The clerks of a hall are its own, less those lent, with those borrowed; some may leave for good."""
    t = m.tables
    for h, g in np.ndindex(*t.home.shape):
        left: Any = 0
        if t.leaving:
            left = m.gone[h, g] = m.variable(f"gone_{g}_{h}", 0, int(t.home[h, g]), whole=True)
        for p in m.periods:
            out, borrowed = m.loans.lent(g, h, p), m.loans.borrowed(g, h, p)
            row = m.at_hall(h, g, p) + out - borrowed + left == int(t.home[h, g])
            m.problem += row, f"hall_{g}_{h}_{p}"
    if m.gone:
        m.problem += pulp.lpSum(m.gone.values()) == t.leaving, "leaving"


def _lend_no_more_than_there_are(m: _Programme) -> None:
    """A hall lends its own clerks only; on the tree nobody gains by passing borrowed ones on."""
    if isinstance(m.loans, _Pairs):
        for h, g in np.ndindex(*m.tables.home.shape):
            for p in m.periods:
                row = m.loans.lent(g, h, p) <= int(m.tables.home[h, g])
                m.problem += row, f"own_{g}_{h}_{p}"


# limits


def _all_limits(t: StaffingTables) -> list[Limit]:
    """The minimum staffing of every hall and group, and what planners set besides."""
    minima = [
        Limit(
            t.minimum_name.get((h, g), f"minimum[{h}, {g}]"), "clerks", (h,), (g,), p, least=int(n)
        )
        for (h, g), n in np.ndenumerate(t.minimum)
        for p in range(len(t.days))
        if n > 0
    ]
    return [*minima, *t.limits]


def _limits(m: _Programme) -> None:
    """Bounds on clerks, loans and orders."""
    measures: dict[str, Callable[[int, int, int], Any]] = {
        "clerks": lambda g, h, p: m.at_hall(h, g, p),
        "lent": m.loans.lent,
        "borrowed": m.loans.borrowed,
    }
    for k, limit in enumerate(_all_limits(m.tables)):
        p = limit.period
        if limit.what == "orders":
            for side, arcs in enumerate(m.loans.orders(limit)):
                m.bound(f"limit_{k}_{side}", limit, pulp.lpSum(arc.new[p] for arc in arcs))
            continue
        measure = measures[limit.what]
        value = pulp.lpSum(measure(g, h, p) for h in limit.halls for g in limit.groups)
        m.bound(f"limit_{k}", limit, value)


def _near_dates(m: _Programme) -> None:
    """Periods that begin before a notice could take effect stay as they are, but for who leaves: as many
    clerks everywhere, and the same loans."""
    fixed = m.tables.fixed
    if fixed is None:
        return
    for p, h, g in np.ndindex(*fixed.shape):
        row = m.at_hall(h, g, p) + m.gone.get((h, g), 0) == int(fixed[p, h, g])
        m.problem += row, f"fixed_{g}_{h}_{p}"
    for arc in m.loans.arcs:
        for p in range(m.settled):
            m.problem += arc.loan[p] == arc.before, f"settled_{arc.name}_{p}"


def _stay(m: _Programme) -> None:
    """A loan lasts as many working days as are asked, or to the last period."""
    t = m.tables
    least = t.transfers.least_stay_days
    if not least:
        return
    ends = [_end_of_stay(t.days, p, least) for p in m.periods]
    for arc in m.loans.arcs:
        for p in m.periods:
            begun = [arc.new[q] for q in range(p) if ends[q] >= p]
            if begun:
                m.problem += arc.loan[p] - pulp.lpSum(begun) >= 0, f"stay_{arc.name}_{p}"


def _end_of_stay(days: Ints, first: int, least: int) -> int:
    """The last period of a loan that begins in period `first` and lasts just long enough."""
    total = np.cumsum(days[first:])
    return first + min(int(np.searchsorted(total, least)), len(total) - 1)


def _long_stay(m: _Programme) -> None:
    """Working days away from home beyond `long_stay_days` cost more; whoever is relieved, by a clerk
    of the same hall who was not there before, starts anew."""
    t, x = m.tables, m.tables.transfers
    if not x.long_stay_minutes:
        return
    for h, g in np.ndindex(*t.home.shape):
        for arc in m.loans.from_home(g, h):
            for p in m.periods:
                recent = [
                    arc.new[q] for q in range(p + 1) if t.days[q : p + 1].sum() <= x.long_stay_days
                ]
                long = m.variable(f"long_{arc.name}_{p}")
                row = long - arc.loan[p] + pulp.lpSum(recent) >= 0
                m.problem += row, f"long_stay_{arc.name}_{p}"
                there: Any = arc.loan[p - 1] if p else arc.before
                m.problem += arc.new[p] + there <= int(t.home[h, g]), f"relief_{arc.name}_{p}"
                m.cost.append(x.long_stay_minutes * float(t.days[p]) * long)


def _burden(m: _Programme) -> None:
    """Nobody is lent more often than is left to them: together, the clerks of a hall and group."""
    left = m.tables.orders_left
    if left is None:
        return
    for h, g in np.ndindex(*left.shape):
        new = [v for arc in m.loans.from_home(g, h) for v in arc.new]
        if new:
            m.problem += pulp.lpSum(new) <= int(left[h, g]), f"burden_{g}_{h}"


def _closeness(m: _Programme) -> None:
    """Every clerk by whom a hall differs from the plan before has a price."""
    t = m.tables
    price = t.transfers.closeness_minutes
    if t.near is None or not price:
        return
    for h, g in np.ndindex(*t.near.shape):
        for p in m.periods:
            gap = m.variable(f"change_{g}_{h}_{p}")
            here, near = m.at_hall(h, g, p), int(t.near[h, g])
            m.problem += gap - here >= -near, f"more_{g}_{h}_{p}"
            m.problem += gap + here >= near, f"fewer_{g}_{h}_{p}"
            m.cost.append(price * gap)


_FAMILIES: tuple[Callable[[_Programme], None], ...] = (
    _clerks,
    _waiting,
    _loans,
    _balance,
    _lend_no_more_than_there_are,
    _limits,
    _near_dates,
    _stay,
    _long_stay,
    _burden,
    _closeness,
)
