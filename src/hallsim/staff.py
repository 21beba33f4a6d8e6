"""What the staffing programme knows and what it answers: clerks, halls, limits, a plan.

Halls are numbered as in the scenario, stations as in `stations.stations`, skill groups as in
`stations.group_names`, periods as in `planning.periods_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from hallsim.demand import Floats
from hallsim.records import Ints
from hallsim.scenario import Scenario, Transfers

DISTRICT = -1
TIER_NAMES = ("within_street", "between_streets", "with_district")
Span = tuple[int, int]
"""First and last day of a period, as indices into the dates of the month, inclusive."""
Risk = Literal["expected", "worst", "cvar"]


class NoPlan(RuntimeError):  # noqa: N818 - the name says what is the case
    """No staffing at all: the tables of the halls take more or fewer clerks than there are."""


@dataclass(frozen=True)
class Limit:
    """A bound that a planner set, on whole clerks of some halls and groups in one period.

    Attributes:
        name: where it stands, as in `limits[3]` or `clerks[12].minimum`; several may share a name.
        what: `clerks` at the halls, `lent` or `borrowed` by them, or `orders`: loans that begin in
            the period and take a clerk from or to one of the halls.
        halls, groups, period: what is added up.
        least, most: the bounds; None for none.
    """

    name: str
    what: Literal["clerks", "lent", "borrowed", "orders"]
    halls: tuple[int, ...]
    groups: tuple[int, ...]
    period: int
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Future:
    """One course that demand may take: its weight, and its cost tables as `StaffingTables.cost`."""

    name: str
    weight: float
    cost: tuple[Floats, ...]


@dataclass(frozen=True)
class Loan:
    """Clerks of a group who work in another hall than their own."""

    origin: int
    destination: int
    group: int
    clerks: int


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
        limits: bounds that planners set, beside `minimum`.
        minimum_name: names of the minima, [H][G], as they are told when they contradict others.
        travel: [H, H] real extra travel, minutes a day; None: by tier.
        running: loans of the period before the first; they go on without a new order.
        fixed: [F, H, G] clerks at the halls in the first F periods, too near to be changed.
        near: [H, G] clerks of the plan to stay close to, at `transfers.closeness_minutes`.
        orders_left: [H, G] times that clerks of a hall may still be lent in all; None: any number.
        futures: courses of demand to plan against; empty: `cost` is all there is.
        risk, tail: what of the futures is minimised; `cvar` is the mean of the worst share `tail`.
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
    limits: tuple[Limit, ...] = ()
    minimum_name: Mapping[tuple[int, int], str] = field(default_factory=dict)
    travel: Floats | None = None
    running: tuple[Loan, ...] = ()
    fixed: Ints | None = None
    near: Ints | None = None
    orders_left: Ints | None = None
    futures: tuple[Future, ...] = ()
    risk: Risk = "expected"
    tail: float = 0.2

    def at_halls(self, clerks: Ints) -> Ints:
        """[..., S, G] to [..., H, G]: clerks by station to clerks by hall."""
        found = np.zeros((*clerks.shape[:-2], *self.home.shape), clerks.dtype)
        for s, hall in enumerate(self.station_hall):
            found[..., hall, :] += clerks[..., s, :]
        return found

    def waiting(self, clerks: Ints, exact: frozenset[tuple[int, int]] | None = None) -> float:
        """The cost of waiting of a plan [T, S, G] by the tables, or by their convex envelopes but for the
        `exact` stations and periods.
        """
        futures = self.futures or (Future("", 1.0, self.cost),)
        weight = np.array([f.weight for f in futures])
        here = clerks.sum(axis=2) - self.lower
        totals = np.array([_looked_up(f.cost, here, exact) for f in futures])
        return risk_of(totals, weight / weight.sum(), self.risk, self.tail)


@dataclass(frozen=True)
class Relaxed:
    """A limit that was given up, in one period: by how many clerks it is missed."""

    limit: Limit
    by: int


@dataclass(frozen=True)
class Solution:
    """A plan and how good it is proven to be.

    Attributes:
        clerks: [T, S, G] clerks of each group at each station.
        idle: [T, H, G] clerks at home in a hall where they can work at no station.
        gone: [H, G] clerks who leave the district for good.
        objective: cost of the plan by the simulated tables, visitor minutes.
        bound: proven lower bound on the cost of any plan by these tables; the programme's tables
            lie nowhere above the simulated ones (convex envelopes), so its bound holds for those too.
        gap: (objective - bound) / objective, what the envelope hides included.
        integral: whether the linear programme itself was integral.
        repaired: minutes by which the programme's tables lie below the simulated ones at the plan.
        marginal: [T, H, G] visitor minutes that one more clerk of the hall would save in the period,
            by the duals of the linear programme (one of several where it is degenerate).
        prices: name of a limit to the minutes that one clerk more of room in it would save.
        loans: per period, the loans; None where they follow from the clerks (`loans.moves`).
        listed: minutes by which these loans cost more than `objective` says, which prices net changes;
            the gap includes them.
        relaxed: limits that contradict others and were given up, by as few clerks as possible.
        conflict: names of limits that contradict each other, none of which can be left out.
    """

    clerks: Ints
    idle: Ints
    gone: Ints
    objective: float
    bound: float
    gap: float
    integral: bool
    repaired: float
    status: str
    solver: str
    seconds: float
    marginal: Floats
    prices: Mapping[str, float]
    loans: tuple[tuple[Loan, ...], ...] | None = None
    listed: float = 0.0
    relaxed: tuple[Relaxed, ...] = ()
    conflict: tuple[str, ...] = ()


def _looked_up(
    cost: tuple[Floats, ...], here: Ints, exact: frozenset[tuple[int, int]] | None
) -> float:
    total = 0.0
    for s, table in enumerate(cost):
        for p, n in enumerate(here[:, s]):
            as_it_is = exact is None or (s, p) in exact
            total += float((table[p] if as_it_is else convex_envelope(table[p]))[n])
    return total


def risk_of(totals: Floats, weight: Floats, risk: Risk, tail: float) -> float:
    """What is minimised of the costs [K] of K futures of these shares.

    `cvar` is the mean over the worst share `tail` (Rockafellar and Uryasev, J. Risk 2, 2000).
    """
    if risk == "expected":
        return float(totals @ weight)
    if risk == "worst":
        return float(totals.max())
    order = np.argsort(-totals)
    share = np.minimum(np.cumsum(weight[order]), tail)
    return float(totals[order] @ np.diff(share, prepend=0.0)) / tail


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
    return tier_between(int(tables.street[origin]), int(tables.street[destination]))


def tier_between(a: int, b: int) -> str:
    """The tier of a transfer between halls of two streets, numbered as by `street_numbers`."""
    if DISTRICT in (a, b):
        return "with_district"
    return "within_street" if a == b else "between_streets"


def travel_of(tables: StaffingTables, origin: int, destination: int) -> float:
    """Extra travel of a clerk and day, minutes."""
    if tables.travel is not None:
        return float(tables.travel[origin, destination])
    return float(getattr(tables.transfers, tier_of(tables, origin, destination)).travel_minutes)


def order_of(tables: StaffingTables, origin: int, destination: int) -> float:
    """Cost of a transfer order, visitor minutes."""
    return float(getattr(tables.transfers, tier_of(tables, origin, destination)).order_minutes)
