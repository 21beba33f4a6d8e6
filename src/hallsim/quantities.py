"""Quantities by name: of a scenario as it stands, or of its simulated months.

The simulated ones are those of `hallsim.measure` and work per clerk; the others follow from the
tables of the scenario alone and carry no chance.  `docs/claims.md` has the list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hallsim.demand import Floats
from hallsim.measure import MEASURES, Measures, group_of
from hallsim.planning import working_days
from hallsim.scenario import Clerks, Item, Scenario, Windows

COUNTS = frozenset(
    {"visitors", "served", "abandoned", "turned_away", "balked", "lost"}
    | {"overtime_min", "total_wait_min"}
)
"""Measures of which a month has so many; all others are means or shares."""
QUANTILES = frozenset({"median_wait_min", "p90_wait_min"})
NOT_BY_ITEM = frozenset({"utilisation"})
PER_CLERK = {"visitors_per_clerk": "visitors", "served_per_clerk": "served"}
"""Quantity to the measure that is divided by clerks and working days."""


@dataclass(frozen=True)
class Selection:
    """What a quantity is of: halls by their ids, or everything that concerns one item."""

    halls: frozenset[str]
    item: str = ""


# Of a scenario --------------------------------------------------------------------------------


def _windows(scenario: Scenario, of: Selection) -> list[Windows]:
    rows = [w for w in scenario.windows if w.hall in of.halls]
    return [w for w in rows if not of.item or {of.item, "*"} & set(w.items)]


def _is_machine(row: Windows) -> bool:
    kind: str = row.kind
    return kind == "machine"


def _clerks(scenario: Scenario, of: Selection) -> list[Clerks]:
    rows = [c for c in scenario.clerks if c.hall in of.halls]
    return [c for c in rows if not of.item or {of.item, "*"} & set(c.skills)]


def _window_count(scenario: Scenario, of: Selection) -> float:
    return sum(w.count for w in _windows(scenario, of) if not _is_machine(w))


def _machines(scenario: Scenario, of: Selection) -> float:
    return sum(w.count for w in _windows(scenario, of) if _is_machine(w))


def _comprehensive(scenario: Scenario, of: Selection) -> float:
    return sum(w.count for w in _windows(scenario, of) if w.kind == "comprehensive")


def _clerk_count(scenario: Scenario, of: Selection) -> float:
    return sum(c.count for c in _clerks(scenario, of))


def _items(scenario: Scenario, of: Selection) -> float:
    known = {item.item for item in scenario.items}
    served = {i for w in _windows(scenario, of) if w.count for i in w.items}
    return len(known if "*" in served else known & served)


def _tickets_per_matter(scenario: Scenario, of: Selection) -> float:
    items = {item.item: item for item in scenario.items}

    def tickets(item: Item) -> float:
        counters, last = 1, item
        while last.next:
            counters, last = counters + 1, items[last.next]
        return counters * (1 + item.return_share)

    return _by_demand(scenario, of, tickets)


def _trips_per_matter(scenario: Scenario, of: Selection) -> float:
    return _by_demand(scenario, of, lambda item: 1 + item.return_share)


def _by_demand(scenario: Scenario, of: Selection, value: Callable[[Item], float]) -> float:
    """Mean over the matters that people come with, by their yearly number; nan if there are none."""
    items = {item.item: item for item in scenario.items}
    total = volume = 0.0
    for row in scenario.demand:
        halls = scenario.select(row.halls)
        weight = sum(h.weight for h in halls)
        if of.item not in ("", row.item) or not weight:
            continue
        share = sum(h.weight for h in halls if h.hall in of.halls) / weight
        come = share * (1 - items[row.item].online_share)
        yearly = row.volume * come * (12 if row.per == "month" else 1)
        total, volume = total + yearly * value(items[row.item]), volume + yearly
    return total / volume if volume else float("nan")


STATED: dict[str, Callable[[Scenario, Selection], float]] = {
    "halls": lambda _scenario, of: len(of.halls),
    "windows": _window_count,
    "comprehensive_windows": _comprehensive,
    "machines": _machines,
    "windows_per_hall": lambda scenario, of: _window_count(scenario, of) / len(of.halls),
    "clerks": _clerk_count,
    "clerks_per_hall": lambda scenario, of: _clerk_count(scenario, of) / len(of.halls),
    "items": _items,
    "tickets_per_matter": _tickets_per_matter,
    "trips_per_matter": _trips_per_matter,
}
"""Quantities that follow from the tables of the scenario."""
NAMES = (*MEASURES, *PER_CLERK, *STATED)
"""Every quantity."""


# Of simulated months --------------------------------------------------------------------------


def fault(name: str, scenario: Scenario, of: Selection) -> str:
    """The rule of `hallsim.problems` that forbids this quantity of this selection; empty if none."""
    if of.item and name in NOT_BY_ITEM:
        return "measure_item"
    if not of.item and name in QUANTILES and group_of(scenario, of.halls) is None:
        return "measure_halls"
    return ""


def samples(name: str, months: Sequence[Measures], of: Selection) -> Floats:
    """[replications] of a simulated quantity over several months; nan where nobody was counted.

    Counts are means per month, work per clerk is that of all months together, everything else is
    weighted by the visitors of the month.
    """
    values = [_of_month(month, of) for month in months]
    visitors = np.array([v["visitors"] for v in values])
    if name in PER_CLERK:
        work = np.array([v[PER_CLERK[name]] for v in values]).sum(axis=0)
        clerks = _clerk_count(months[0].ledger.month.scenario, of)
        days = clerks * sum(len(working_days(m.ledger.month)) for m in months)
        return work / days if days else np.full(work.shape, np.nan)
    value = np.array([v[name] for v in values])
    if name in COUNTS:
        return value.mean(axis=0)
    weight = np.where(np.isnan(value), 0.0, visitors)
    with np.errstate(invalid="ignore"):
        return np.nansum(weight * value, axis=0) / weight.sum(axis=0)


def _of_month(found: Measures, of: Selection) -> dict[str, Floats]:
    if not of.item:
        return found.among(of.halls)
    items = list(found.table("item")["item"].unique())
    if of.item in items:
        values = {m: found.samples(m, "item") for m in found.table("item")["measure"].unique()}
        return {m: v[:, items.index(of.item)] for m, v in values.items()}
    return {m: np.full(found.replications, 0.0 if m in COUNTS else np.nan) for m in MEASURES}
