"""What one more clerk, window or move would save: duals, and plans made again with one more and one less.

A dual is the slope of the least cost, so for the linear programme

    saved by one more <= dual <= lost by one less,

and where the plan changes at this very number it is any slope between the two.  That is why what is
told is backed by making the plan again.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from hallsim.demand import Floats, Month
from hallsim.fresh import as_relaxed, fresh_tables, loosened, minimum_name, table_ends
from hallsim.planning import Plan, programme_tables
from hallsim.simulate import Progress
from hallsim.staff import NoPlan, Solution, StaffingTables, convex_envelope
from hallsim.staffing import solve
from hallsim.stations import Station

MOST = 5
"""Halls, windows and limits, each, for which plans are made again: those with the highest prices."""

PRICE_COLUMNS = ["what", "hall", "name", "dual", "minus_one", "plus_one", "unit"]
"""`what` is `clerk` (of the skill group `name`), `window` (of the queue `name`), `move` (a limit on
moves, `name` is where it stands) or `limit` (another one).  `plus_one`: visitor minutes of the objective
saved by one more, `minus_one`: lost by one less, the plan made again; both over the month.  Empty: not
made again, or there is no such plan; windows have no dual."""
UNIT = "visitor_minutes_per_month"

Row = tuple[str, str, str, float, float, float]


def shadow_prices(
    month: Month,
    parts: list[Station],
    plan: Plan,
    *,
    seed: int,
    replications: int,
    most: int = MOST,
    jobs: int = 1,
    progress: Progress = lambda done: None,
) -> pd.DataFrame:
    """Prices of clerks, windows and limits, highest first; see `PRICE_COLUMNS`.

    Args:
        month, parts, plan: what was planned.
        seed, replications: those of the tables of the plan, so that windows are compared on the same
            visitors.
        most: how many halls, windows and limits are backed by making the plan again.
        jobs: threads for the tables with one window more and one less.
        progress: called with the number of finished parts, of three.
    """
    tables, solution = as_relaxed(plan.tables, plan.solution), plan.solution
    rows = clerk_prices(tables, solution, most)
    progress(1)
    if not plan.tables.futures:
        fewer, wider = (
            _window_costs(month, parts, plan, by, seed=seed, replications=replications, jobs=jobs)
            for by in (-1, 1)
        )
        labels = [part.label for part in parts]
        rows += window_prices(tables, solution, labels, fewer, wider, most)
    progress(2)
    rows += limit_prices(tables, solution, most)
    progress(3)
    return pd.DataFrame([(*row, UNIT) for row in rows], columns=PRICE_COLUMNS)


def clerk_prices(tables: StaffingTables, solution: Solution, most: int) -> list[Row]:
    """One more and one less clerk at home all month, by hall and skill group.

    Where moves are cheap many halls have the same dual; the plan is made again for one of each.
    """
    dual = _marginal(tables, solution).sum(axis=0)
    able = {
        (int(h), g)
        for h, groups in zip(tables.station_hall, tables.station_groups, strict=True)
        for g in groups
    }
    cells = [(h, g) for h, g in np.ndindex(*dual.shape) if tables.home[h, g] or (h, g) in able]
    cells.sort(key=lambda cell: -dual[cell])
    steps = list(dict.fromkeys(round(float(dual[cell]), 3) for cell in cells))[:most]
    again = {next(c for c in cells if round(float(dual[c]), 3) == step) for step in steps}
    rows: list[Row] = []
    for h, g in cells:

        def with_clerks(by: int, h: int = h, g: int = g) -> StaffingTables | None:
            home, fixed = tables.home.copy(), tables.fixed
            home[h, g] += by
            if fixed is not None:  # whoever is more or less is so at home, in these periods too
                fixed = fixed.copy()
                fixed[:, h, g] += by
            if home[h, g] < 0 or (fixed is not None and fixed.min(initial=0) < 0):
                return None
            return dataclasses.replace(tables, home=home, fixed=fixed)

        pair = _both(solution, with_clerks) if (h, g) in again else (math.nan, math.nan)
        rows.append(("clerk", tables.halls[h], tables.groups[g], float(dual[h, g]), *pair))
    return rows


def _marginal(tables: StaffingTables, solution: Solution) -> Floats:
    """[T, H, G] minutes saved by one more clerk; where halls are fixed, of a clerk who stays in the hall."""
    found = solution.marginal.copy()
    for p in range(0 if tables.fixed is None else len(tables.fixed)):
        found[p] = 0
        for s, groups in enumerate(tables.station_groups):
            convex = convex_envelope(tables.cost[s][p])
            n = int(solution.clerks[p, s].sum() - tables.lower[s])
            step = float(convex[n] - convex[n + 1]) if n + 1 < len(convex) else 0.0
            for g in groups:
                h = int(tables.station_hall[s])
                found[p, h, g] = max(found[p, h, g], step)
    return found


def window_prices(
    tables: StaffingTables,
    solution: Solution,
    labels: list[str],
    fewer: tuple[Floats | None, ...],
    wider: tuple[Floats | None, ...],
    most: int,
) -> list[Row]:
    """One more and one less window, where at the prices of clerks one more promises most.

    Args:
        tables, solution: the plan.
        labels: of the stations.
        fewer, wider: per station [T, N'] costs with one window less and one more, from `tables.lower`
            clerks on; None where there can be none.
        most: how many stations.
    """
    promise = np.array(
        [
            0.0 if more is None else float((_at_prices(tables, solution, s, tables.cost[s])
                                            - _at_prices(tables, solution, s, more)).sum())
            for s, more in enumerate(wider)
        ]
    )  # fmt: skip
    rows: list[Row] = []
    for s in np.argsort(-promise, kind="stable")[:most].tolist():
        if promise[s] <= 0:
            break

        def with_windows(by: int, s: int = s) -> StaffingTables | None:
            own = (fewer if by < 0 else wider)[s]
            if own is None:
                return None
            return dataclasses.replace(tables, cost=(*tables.cost[:s], own, *tables.cost[s + 1 :]))

        hall = tables.halls[int(tables.station_hall[s])]
        rows.append(("window", hall, labels[s], math.nan, *_both(solution, with_windows)))
    return sorted(rows, key=lambda row: -row[-1])


def _at_prices(tables: StaffingTables, solution: Solution, s: int, cost: Floats) -> Floats:
    """[T]: the least of waiting and clerks at their prices; their difference bounds what windows save."""
    groups = list(tables.station_groups[s])
    price = _marginal(tables, solution)[:, int(tables.station_hall[s]), groups].min(axis=1)
    found: Floats = (cost + price[:, None] * np.arange(cost.shape[1])).min(axis=1)
    return found


def _window_costs(
    month: Month,
    parts: list[Station],
    plan: Plan,
    by: int,
    *,
    seed: int,
    replications: int,
    jobs: int,
) -> tuple[Floats | None, ...]:
    """Per station its cost tables with `by` more windows, on the visitors of the plan."""
    changed = [_with_windows(part, by) for part in parts]
    _, upper = table_ends(plan.tables)
    room = np.array([2 if by > 0 and p.groups else 0 for p in parts], np.int64)
    reach = (upper + room)[None, :]
    seen = fresh_tables(
        month, [new or old for new, old in zip(changed, parts, strict=True)], plan,
        seed=seed, purpose="plan", replications=replications, staffings=[reach], jobs=jobs,
    )  # fmt: skip
    cost = programme_tables(month, parts, seen, plan.spans).cost
    return tuple(c if new else None for c, new in zip(cost, changed, strict=True))


def _with_windows(station: Station, by: int) -> Station | None:
    """The station with one more window, like the last one to be staffed, or without that one."""
    windows = station.windows
    if station.machine or not station.groups or len(windows) + by < 1:
        return None
    new = dataclasses.replace(windows[-1], number=max(w.number for w in windows) + 1)
    return dataclasses.replace(station, windows=windows[:by] if by < 0 else (*windows, new))


def limit_prices(tables: StaffingTables, solution: Solution, most: int) -> list[Row]:
    """One clerk more and less of room in each limit that binds, in all its periods."""
    binding = {name: price for name, price in solution.prices.items() if price > _NOTHING}
    rows: list[Row] = []
    for k, (name, price) in enumerate(sorted(binding.items(), key=lambda item: -item[1])):
        own = [limit for limit in tables.limits if limit.name == name]
        what = "move" if own and all(limit.what == "orders" for limit in own) else "limit"
        halls = sorted({tables.halls[h] for limit in own for h in limit.halls})
        looser = functools.partial(with_room, tables, name)
        pair = _both(solution, looser) if k < most else (math.nan, math.nan)
        rows.append((what, halls[0] if len(halls) == 1 else "", name, price, *pair))
    return rows


_NOTHING = 1e-6


def with_room(tables: StaffingTables, name: str, by: int) -> StaffingTables | None:
    """The programme with the limits of one name looser by so many clerks; None if they cannot be."""
    limits, minimum = [], tables.minimum.copy()
    for limit in tables.limits:
        if limit.name == name:
            limit = loosened(limit, by)  # noqa: PLW2901
            if limit.most is not None and limit.most < 0:
                return None
        limits.append(limit)
    for (h, g), least in np.ndenumerate(tables.minimum):
        if least and minimum_name(tables, h, g) == name:
            minimum[h, g] -= by
    return dataclasses.replace(tables, limits=tuple(limits), minimum=minimum)


def _both(
    solution: Solution, changed: Callable[[int], StaffingTables | None]
) -> tuple[float, float]:
    """Minutes lost with one less and saved with one more; nan where there is no plan to compare."""
    less, more = (_cost(changed(by)) for by in (-1, 1))
    return less - solution.objective, solution.objective - more


def _cost(tables: StaffingTables | None) -> float:
    """Least cost by other tables; nan where their limits contradict each other."""
    if tables is None:
        return math.nan
    try:
        found = solve(tables, listed=False)
    except NoPlan:
        return math.nan
    return math.nan if found.relaxed else found.objective
