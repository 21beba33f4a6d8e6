"""What a scenario asks of every plan, as limits of the staffing programme.

A limit is named after the row or value that asks for it (`limits[3]`, `clerks[0].minimum`,
`transfers.most_orders`, `targets[1]`; rows are counted from 0), so that contradictions can be told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from hallsim.counting import TICKETS, VISITORS, WAIT, WITHIN
from hallsim.demand import Floats, Month
from hallsim.measure import target_of
from hallsim.records import Ints
from hallsim.rosters import leave_by_day
from hallsim.scenario import MACHINE, Hours, Scenario, Selector, hour_span, in_season
from hallsim.scenario import Limit as AskedLimit
from hallsim.staff import Limit, Span
from hallsim.stations import Station, Window, duties, group_names, head_count
from hallsim.waiting import WaitingTables


class Goal(NamedTuple):
    """A service target: its name, its value in the scenario, +1 where smaller is better and -1 where
    larger is, and the fields of `counting.COSTS` whose ratio it bounds.
    """

    name: str
    value: str
    sign: int
    above: int
    below: int


GOALS = (
    Goal("mean_wait", "mean_wait_minutes", 1, WAIT, TICKETS),
    Goal("within", "share", -1, WITHIN, VISITORS),
)
_BOUNDS = {
    "least_clerks": ("clerks", "least"), "most_clerks": ("clerks", "most"),
    "most_lent": ("lent", "most"), "most_borrowed": ("borrowed", "most"),
    "total_least_clerks": ("clerks", "least"), "total_most_clerks": ("clerks", "most"),
    "most_moves": ("orders", "most"),
}  # fmt: skip
_TOGETHER = ("total_least_clerks", "total_most_clerks", "most_moves")


def minimum_names(scenario: Scenario) -> dict[tuple[int, int], str]:
    """(hall, group) to the name of its minimum staffing."""
    hall = {h.hall: k for k, h in enumerate(scenario.halls)}
    group = {name: k for k, name in enumerate(group_names(scenario))}
    found: dict[tuple[int, int], str] = {}
    for k, row in enumerate(scenario.clerks):
        found.setdefault((hall[row.hall], group[row.group]), f"clerks[{k}].minimum")
    return found


def limits_of(month: Month, spans: Sequence[Span]) -> tuple[Limit, ...]:
    """Everything asked of the periods but service targets and minimum staffing."""
    return (
        *_listed(month, spans), *_transfers(month.scenario, spans), *_leave(month, spans),
    )  # fmt: skip


def orders_left(scenario: Scenario) -> Ints | None:
    """[H, G] times that the clerks of a hall may still be lent; None where nothing is said."""
    most = scenario.transfers.most_moves_per_clerk
    if most is None or not scenario.roster:
        return None
    hall = {h.hall: k for k, h in enumerate(scenario.halls)}
    group = {name: k for k, name in enumerate(group_names(scenario))}
    left = np.zeros((len(hall), len(group)), np.int64)
    for clerk in scenario.roster:
        left[hall[clerk.hall], group[clerk.group]] += max(0, most - clerk.moved)
    return left


def leaving(scenario: Scenario) -> int:
    """Clerks who must go because all halls together may only have so many."""
    everybody = sum(row.count for row in scenario.clerks)
    selector = Selector(scenario.halls)
    kept = [
        row.value
        for row in scenario.limits
        if row.limit == "total_most_clerks"
        and not (row.group or row.first or row.last)
        and len(selector(row.halls)) == len(scenario.halls)
    ]
    return max(0, everybody - min(kept, default=everybody))


def _periods(month: Month, spans: Sequence[Span], first: str, last: str) -> list[int]:
    """Periods that share a day with a season."""
    return [
        p
        for p, (a, b) in enumerate(spans)
        if any(in_season(first, last, date) for date in month.dates[a : b + 1])
    ]


def _listed(month: Month, spans: Sequence[Span]) -> Iterator[Limit]:
    """Rows of the table of limits; `most_windows` is kept by the days themselves (`granted`)."""
    scenario = month.scenario
    selector, names = Selector(scenario.halls), group_names(scenario)
    everything = tuple(range(len(names)))
    away = leave_by_day(scenario, month.dates).sum(axis=2)
    for k, row in enumerate(scenario.limits):
        if row.limit == "most_windows":
            continue
        halls = tuple(selector(row.halls))
        groups = (names.index(row.group),) if row.group else everything
        for p in _periods(month, spans, row.first, row.last):
            if row.limit == "least_windows":
                for h in halls:
                    needed = _clerks_for_windows(scenario, h, row.value, row.hours)
                    needed += _most_away(month, row, away[:, h], spans[p])
                    yield Limit(f"limits[{k}]", "clerks", (h,), everything, p, least=needed)
                continue
            what, end = _BOUNDS[row.limit]
            least, most = (row.value, None) if end == "least" else (None, row.value)
            for own in (halls,) if row.limit in _TOGETHER else [(h,) for h in halls]:
                yield Limit(f"limits[{k}]", what, own, groups, p, least, most)  # type: ignore[arg-type]


def _most_away(month: Month, row: AskedLimit, away: Ints, span: Span) -> int:
    """The most clerks of a hall, [D], on leave on a day of the period in the season of a limit."""
    first, last = span
    days = range(first, last + 1)
    return max(int(away[d]) for d in days if in_season(row.first, row.last, month.dates[d]))


def _clerks_for_windows(scenario: Scenario, h: int, windows: int, hours: str) -> int:
    """The fewest clerks with whom so many windows are rostered at every moment of these hours.

    Absence that nobody planned is not foreseen.  Where the hours are empty, whenever the hall is open.
    """
    hall = scenario.halls[h]
    number = sum(
        row.count for row in scenario.windows if row.hall == hall.hall and row.kind != MACHINE
    )
    whole = Station(h, tuple(Window(k + 1, -1, 100, "") for k in range(number)), -1, ())
    span = hour_span(hours) if hours else None
    opening = scenario.hours[hall.hours]
    open_ones = next(
        (k for k in range(number + 1) if _least_open(whole, opening, k, span) >= windows), number
    )
    rates = scenario.staffing
    rostered = (1 - rates.leave_rate) * (1 - rates.other_duty_rate)
    return math.ceil(open_ones / max(rostered, 1e-9) - 1e-9)


def _least_open(whole: Station, hours: Hours, k: int, span: tuple[int, int] | None) -> int:
    """The fewest windows open at any moment of an ordinary day with k of them staffed."""
    rows = duties(whole, hours.weekdays, hours, k)
    first = span[0] if span else min((s.on for s in hours.weekdays), default=0)
    last = span[1] if span else max((s.off for s in hours.weekdays), default=0)
    edges = sorted({t for _, _, on, off, _ in rows for t in (on, off)} | {first, last})
    inside = [t for t in edges if first <= t < last]
    if span is None:
        inside = [t for t in inside if any(s.on <= t < s.off for s in hours.weekdays)]
    return min((sum(on <= t < off for _, _, on, off, _ in rows) for t in inside), default=0)


def _transfers(scenario: Scenario, spans: Sequence[Span]) -> Iterator[Limit]:
    """Caps on orders by period, and on the share of a hall's clerks that is away."""
    x = scenario.transfers
    home = head_count(scenario, "count")
    halls, groups = (tuple(range(n)) for n in home.shape)
    for p in range(len(spans)):
        if x.most_orders is not None:
            yield Limit("transfers.most_orders", "orders", halls, groups, p, most=x.most_orders)
        if x.most_lent_share < 1:
            for h in halls:
                most = int(x.most_lent_share * home[h].sum() + 1e-9)
                yield Limit("transfers.most_lent_share", "lent", (h,), groups, p, most=most)


def _leave(month: Month, spans: Sequence[Span]) -> Iterator[Limit]:
    """Whoever is on leave is not lent."""
    scenario = month.scenario
    table = "roster" if scenario.roster else "leave"
    if not getattr(scenario, table):
        return
    away, home = leave_by_day(scenario, month.dates), head_count(scenario, "count")
    for p, (a, b) in enumerate(spans):
        most = away[a : b + 1].max(axis=0)
        for h, g in np.argwhere(most > 0).tolist():
            yield Limit(table, "lent", (h,), (g,), p, most=int(home[h, g] - most[h, g]))


# service targets ------------------------------------------------------------------------------------


def target_limits(
    month: Month, parts: Sequence[Station], tables: WaitingTables, spans: Sequence[Span]
) -> tuple[Limit, ...]:
    """Targets that must be kept, as least numbers of clerks by tables on visitors of their own.

    Both targets fall (rise) with every clerk, so a bound on them is one on clerks.  Where no number
    keeps a target there is no limit: that hall needs windows, and is told as such.
    """
    scenario = month.scenario
    found = []
    for k, target in enumerate(scenario.targets):
        if not target.must:
            continue
        for h, hall in enumerate(scenario.halls):
            if target.tier not in ("*", hall.tier):
                continue
            own = [s for s, part in enumerate(parts) if part.hall == h]
            groups = tuple(
                g for g, name in enumerate(group_names(scenario))
                if any(name in parts[s].groups for s in own)
            )  # fmt: skip
            for p, span in enumerate(spans):
                needed = [
                    least_clerks(parts, tables, own, span, goal, getattr(target, goal.value))
                    for goal in GOALS
                    if getattr(target, goal.value) is not None
                    and getattr(target, goal.value) == target_of(scenario, hall, goal.value)
                ]
                known = [n for n in needed if n]
                if own and groups and known:
                    found.append(
                        Limit(f"targets[{k}]", "clerks", (h,), groups, p, least=max(known))
                    )
    return tuple(found)


def least_clerks(
    parts: Sequence[Station],
    tables: WaitingTables,
    own: Sequence[int],
    span: Span,
    goal: Goal,
    limit: float,
) -> int | None:
    """The fewest clerks of a hall with stations `own` that keep a target by the tables, shared out as is
    best for it; None where no number does.
    """
    a, b = span
    sums = [
        tables.values[:, a : b + 1, s, : tables.upper[s] - tables.lower[s] + 1].sum(axis=(0, 1))
        for s in own
    ]
    if not sums or not sum(x[0, VISITORS] for x in sums):
        return 0
    splits = best_splits([goal.sign * x[:, goal.above] for x in sums])
    base = sum(int(tables.lower[s]) for s in own if parts[s].groups)
    for n, split in enumerate(splits):
        above, below = (
            sum(x[k, field] for x, k in zip(sums, split, strict=True))
            for field in (goal.above, goal.below)
        )
        if below and goal.sign * above <= goal.sign * limit * below:
            return base + n
    return None


def best_splits(value: Sequence[Floats]) -> list[tuple[int, ...]]:
    """For 0, 1, … in all: how many to each so that the sum of value[s][n_s] is least."""
    total = np.zeros(1)
    splits: list[tuple[int, ...]] = [()]
    for own in value:
        size = len(total) + len(own) - 1
        joined = np.full(size, np.inf)
        chosen: list[tuple[int, ...]] = [()] * size
        for k in range(len(total)):
            for n, x in enumerate(own):
                if total[k] + x < joined[k + n]:
                    joined[k + n], chosen[k + n] = total[k] + x, (*splits[k], n)
        total, splits = joined, chosen
    return splits
