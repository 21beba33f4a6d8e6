"""Plan a month: waiting tables, the staffing programme, and the clerks of every day that follow.

`staffed` is what a scenario is worth: its month under the staffing it would have, on fresh visitors.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hallsim.checks import parse_month
from hallsim.demand import Month, expect
from hallsim.limits import (
    leaving,
    limits_of,
    minimum_names,
    orders_left,
    target_limits,
)
from hallsim.loans import Move, moves
from hallsim.measure import Measures
from hallsim.records import Ints
from hallsim.replications import CAP, FIRST
from hallsim.rosters import leave_by_day, travel_minutes
from hallsim.scenario import Scenario, Selector
from hallsim.simulate import Engine, Keep, simulate_staffings
from hallsim.staff import Loan, Solution, Span, StaffingTables, street_numbers
from hallsim.staffing import solve
from hallsim.stations import Station, group_names, head_count, home_of_stations, stations
from hallsim.waiting import WaitingTables, waiting_tables

Stage = Callable[[str, int, int], None]
"""Progress: what is being done, finished, of how many."""
PERIODS = ("day", "half_week", "week", "month")
_THURSDAY = 3
_STUB = 3  # a first or last week with fewer working days joins its neighbour


class ClosedMonth(ValueError):  # noqa: N818 - the name says what is the case
    """No hall opens in the month."""


def working_days(month: Month) -> Ints:
    """Indices of the days on which at least half as many halls open as on the fullest day."""
    opens = month.open.sum(axis=1)
    return np.flatnonzero((opens > 0) & (2 * opens >= opens.max()))


def periods_of(month: Month, kind: str) -> list[Span]:
    """The periods between which staffing may change; they cover the month.

    Weeks run Monday to Sunday, cut at the ends of the month; a week with fewer than three working
    days joins its neighbour.  Half weeks begin on Mondays and Thursdays.  A day's period lasts until
    the next working day.

    Raises:
        ClosedMonth: no working day in the month.
        ValueError: an unknown kind.
    """
    work = working_days(month)
    if len(work) == 0:
        raise ClosedMonth(f"no hall opens in {month.label}")
    if kind == "month":
        starts = [0]
    elif kind == "day":
        starts = [0, *(int(d) for d in work[1:])]
    elif kind == "week":
        starts = _week_starts(month, work)
    elif kind == "half_week":
        starts = _half_week_starts(month, work)
    else:
        raise ValueError(f"period must be one of {', '.join(PERIODS)}, not {kind!r}")
    return list(zip(starts, [s - 1 for s in starts[1:]] + [len(month.dates) - 1], strict=True))


def _week_starts(month: Month, work: Ints) -> list[int]:
    starts = sorted({0, *(d for d, date in enumerate(month.dates) if date.weekday() == 0)})
    ends = [*starts[1:], len(month.dates)]
    sizes = [int(((work >= a) & (work < b)).sum()) for a, b in zip(starts, ends, strict=True)]
    kept = [0]
    for k in range(1, len(starts)):
        enough = sizes[k] >= _STUB
        before = sum(sizes[j] for j in range(k) if starts[j] >= kept[-1])
        if enough and before >= _STUB:
            kept.append(starts[k])
    return kept


def _half_week_starts(month: Month, work: Ints) -> list[int]:
    """Weeks and their Thursdays, where two working days or more are left on both sides."""
    starts = _week_starts(month, work)
    found = []
    for a, b in zip(starts, [*starts[1:], len(month.dates)], strict=True):
        found.append(a)
        for d in range(a, b):
            before, after = ((work >= a) & (work < d)).sum(), ((work >= d) & (work < b)).sum()
            if month.dates[d].weekday() == _THURSDAY and min(before, after) >= 2:
                found.append(d)
    return found


_MOST_TIMES = 5


def table_months(scenario: Scenario, periods: int) -> int:
    """Months for the waiting tables of a plan: `run.table_replications`, times the number of periods up
    to five.

    The table of a short period rests on few days, and a plan follows the noise of its tables: with 20
    months for all, plans by week or day do worse on fresh visitors than one for the month.
    """
    return scenario.run.table_replications * min(periods, _MOST_TIMES)


@dataclass(frozen=True)
class Plan:
    """The best staffing that the programme found for a month.

    Attributes:
        spans: the periods between which staffing may change.
        tables: what the programme knew.
        solution: what it found.
        clerks: [D, S] clerks assigned per day and station, those on leave included.
    """

    spans: list[Span]
    tables: StaffingTables
    solution: Solution
    clerks: Ints

    @property
    def moves(self) -> list[Move]:
        """The plan as loans."""
        found = self.solution
        home = self.tables.home - found.gone
        tables = dataclasses.replace(self.tables, home=home)
        return moves(tables, found.clerks, found.idle, found.loans)


def plan_month(
    month: Month,
    parts: list[Station],
    *,
    seed: int,
    table_replications: int,
    period: str,
    running: tuple[Loan, ...] | None = None,
    today: dt.date | None = None,
    jobs: int = 1,
    progress: Stage = lambda stage, done, total: None,
) -> Plan:
    """Tables on the visitors of purpose `plan`, then the programme.

    Limits that contradict each other give the plan of the least relaxation (`Solution.relaxed`).

    Args:
        month: the month, with its scenario.
        parts: `stations` of the scenario.
        seed, table_replications: of the waiting tables.
        period: one of `PERIODS`.
        running: loans at the end of the month before; they may go on without a new order, and the
            plan stays close to them at `transfers.closeness_minutes`.  None: no such plan.
        today: no change begins less than `transfers.notice_days` after it; None: any may.
        jobs: threads.
        progress: told the stages.

    Raises:
        ClosedMonth: a month in which no hall opens.
        NoPlan: the halls cannot take the clerks there are.
    """
    spans = periods_of(month, period)

    def solved(from_nobody: bool) -> tuple[StaffingTables, Solution]:
        programme = _programme(
            month, parts, spans, running, today, from_nobody, seed=seed,
            replications=table_replications, jobs=jobs, progress=progress,
        )  # fmt: skip
        progress("solve", 0, 1)
        solution = solve(programme)
        progress("solve", 1, 1)
        return programme, solution

    programme, solution = solved(from_nobody=False)
    if solution.relaxed and programme.lower.any():  # is it minimum staffing that has to give?
        below, other = solved(from_nobody=True)
        if sum(r.by for r in other.relaxed) < sum(r.by for r in solution.relaxed):
            programme, solution = below, other
        else:  # minima that are kept may be what the others contradict
            solution = dataclasses.replace(solution, conflict=other.conflict)
    return Plan(spans, programme, solution, clerks_by_day(solution.clerks.sum(axis=2), spans))


def _programme(
    month: Month,
    parts: list[Station],
    spans: list[Span],
    running: tuple[Loan, ...] | None,
    today: dt.date | None,
    from_nobody: bool,
    *,
    seed: int,
    replications: int,
    jobs: int,
    progress: Stage,
) -> StaffingTables:
    scenario = month.scenario
    as_before = _near(head_count(scenario, "count"), running or ())
    away = leave_by_day(scenario, month.dates).sum(axis=2).max(axis=0)
    lower, upper = _table_range(scenario, parts, as_before, away)
    if from_nobody:
        lower = np.zeros_like(lower)
    bounded = any(target.must for target in scenario.targets)
    total = replications * (2 if bounded else 1)

    def table(first: int) -> WaitingTables:
        return waiting_tables(
            month, parts, lower, upper, seed=seed, replications=replications, first=first, jobs=jobs,
            progress=lambda done: progress("tables", first + done, total),
        )  # fmt: skip

    programme = programme_tables(month, parts, table(0), spans)
    if bounded:  # targets are kept by visitors that the objective does not see
        more = target_limits(month, parts, table(replications), spans)
        programme = dataclasses.replace(programme, limits=(*programme.limits, *more))
    if running is not None:
        programme = dataclasses.replace(programme, running=running, near=as_before)
    if today is not None:
        soon = today + dt.timedelta(days=scenario.transfers.notice_days)
        count = sum(month.dates[a] < soon for a, _ in spans)
        if count:
            programme = dataclasses.replace(programme, fixed=np.stack([as_before] * count))
    return programme


def _near(home: Ints, running: Sequence[Loan]) -> Ints:
    """[H, G] clerks at the halls under these loans."""
    found = home.copy()
    for loan in running:
        found[loan.origin, loan.group] -= loan.clerks
        found[loan.destination, loan.group] += loan.clerks
    return found


def home_by_day(month: Month, parts: list[Station]) -> Ints:
    """[D, S]: every clerk at home."""
    return np.tile(home_of_stations(month.scenario, parts), (len(month.dates), 1))


def _table_range(
    scenario: Scenario, parts: list[Station], as_before: Ints, away: Ints
) -> tuple[Ints, Ints]:
    """[S] smallest and largest number of clerks worth a table entry; machines have the entry 0.

    Everybody at home has an entry, and so have the clerks [H, G] of the plan before.  At most `away` [H]
    have leave.
    """
    at_window = (1 - scenario.staffing.leave_rate) * (1 - scenario.staffing.other_duty_rate)
    home = home_of_stations(scenario, parts)
    seated = [
        math.ceil(len(p.windows) / max(at_window, 0.05)) + 2 + int(away[p.hall]) for p in parts
    ]
    upper = np.minimum(
        np.maximum(home, seated), np.maximum(home, head_count(scenario, "count").sum())
    )
    least = head_count(scenario, "minimum")
    reach = np.maximum(_asked_for(scenario), np.maximum(as_before, least).sum(axis=1))
    upper = np.maximum(upper, reach[[p.hall for p in parts]])
    upper = np.where([p.machine for p in parts], 0, upper)
    alone = {p.hall: sum(o.hall == p.hall and not o.machine for o in parts) == 1 for p in parts}
    one_group = least.shape[1] == 1
    least = np.minimum(np.minimum(least, head_count(scenario, "count")), as_before)
    lower = np.array(
        [least[p.hall].sum() if alone[p.hall] and p.groups and one_group else 0 for p in parts]
    )
    return lower.astype(np.int64), upper.astype(np.int64)


def _asked_for(scenario: Scenario) -> Ints:
    """[H] clerks that limits ask for, at most, or that they drive there from other halls."""
    selector = Selector(scenario.halls)
    home = head_count(scenario, "count").sum(axis=1)
    found = np.zeros(len(home), np.int64)
    for row in scenario.limits:
        halls = selector(row.halls)
        if row.limit in ("least_clerks", "total_least_clerks"):
            found[halls] = np.maximum(found[halls], row.value)
        elif row.limit in ("most_clerks", "total_most_clerks"):
            there = home[halls]
            over = np.maximum(there - row.value, 0) if row.limit == "most_clerks" else there
            driven = int(over.sum()) - (row.value if row.limit == "total_most_clerks" else 0)
            others = np.setdiff1d(np.arange(len(home)), halls)
            found[others] = np.maximum(found[others], home[others] + max(0, driven))
    return found.clip(max=home.sum())


def programme_tables(
    month: Month, parts: list[Station], tables: WaitingTables, spans: Sequence[Span]
) -> StaffingTables:
    """The tables of the staffing programme: daily costs summed over periods."""
    scenario = month.scenario
    goal = scenario.objective
    daily = tables.cost(goal.lost_minutes, goal.overtime_weight)
    per_period = np.array([daily[a : b + 1].sum(axis=0) for a, b in spans])
    groups = group_names(scenario)
    work = working_days(month)
    return StaffingTables(
        halls=tuple(h.hall for h in scenario.halls),
        street=street_numbers(scenario),
        groups=groups,
        home=head_count(scenario, "count"),
        minimum=head_count(scenario, "minimum"),
        station_hall=np.array([p.hall for p in parts], np.int64),
        station_groups=tuple(tuple(groups.index(g) for g in p.groups) for p in parts),
        lower=tables.lower,
        cost=tuple(
            per_period[:, s, : tables.upper[s] - tables.lower[s] + 1] for s in range(len(parts))
        ),
        days=np.array([count_between(work, span) for span in spans]),
        transfers=scenario.transfers,
        leaving=leaving(scenario),
        limits=limits_of(month, spans),
        minimum_name=minimum_names(scenario),
        travel=travel_minutes(scenario) if scenario.travel else None,
        orders_left=orders_left(scenario),
    )


def count_between(days: Ints, span: Span) -> int:
    """How many of the days lie in the span."""
    return int(((days >= span[0]) & (days <= span[1])).sum())


def clerks_by_day(clerks: Ints, spans: Sequence[Span]) -> Ints:
    """[T, S] to [D, S]."""
    return np.repeat(clerks, [b - a + 1 for a, b in spans], axis=0)


def staffed(
    scenario: Scenario,
    month: str,
    *,
    seed: int | None = None,
    replications: int | None = None,
    table_replications: int | None = None,
    jobs: int = 1,
) -> Measures:
    """A month of a scenario under the staffing it would have, on fresh visitors.

    With `transfers.dynamic` that is the plan of `plan_month`, else everybody at home.  Scenarios
    with the same seed have the same visitors as far as their demand agrees.  What is not given is
    taken from the scenario's `run`.

    Raises:
        ScenarioProblems: not a month `YYYY-MM`, or outside the calendar.
        ClosedMonth: a month in which no hall opens.
        NoPlan: no plan satisfies the minimum staffing.
    """
    side: Staffing = "plan" if scenario.transfers.dynamic else "home"
    found = simulate_sides(
        scenario, month, [side], seed=seed, replications=replications,
        table_replications=table_replications, jobs=jobs,
    )  # fmt: skip
    return found[side]


Staffing = Literal["home", "plan"]


def simulate_sides(
    scenario: Scenario,
    month: str,
    sides: Sequence[Staffing] = ("home", "plan"),
    *,
    seed: int | None = None,
    replications: int | None = None,
    table_replications: int | None = None,
    precision: Mapping[str, float] | None = None,
    cap: int | None = None,
    engine: Engine = "compiled",
    jobs: int = 1,
    progress: Stage = lambda stage, done, total: None,
    keep: Keep | None = None,
) -> dict[str, Measures]:
    """A month with everybody at home, under the plan of `plan_month`, or both on the same visitors.

    What is not given is taken from the scenario's `run`; `precision`, `cap`, `engine` and `keep` are
    those of `simulate_staffings`.

    Raises:
        ScenarioProblems: not a month `YYYY-MM`, or outside the calendar.
        ClosedMonth: a month in which no hall opens.
        NoPlan: no plan satisfies the minimum staffing.
        ValueError: see `simulate_staffings`.
    """
    run = scenario.run
    seed = run.seed if seed is None else seed
    expected, parts = expect(scenario, *parse_month(month)), stations(scenario)
    clerks = {"home": home_by_day(expected, parts)}
    if "plan" in sides:
        if table_replications is None:
            periods = len(periods_of(expected, run.period))
            table_replications = table_months(scenario, periods)
        clerks["plan"] = plan_month(
            expected, parts, seed=seed, period=run.period, jobs=jobs, progress=progress,
            table_replications=table_replications,
        ).clerks  # fmt: skip
    least = replications or (FIRST if precision else run.replications)
    total = (cap or max(CAP, least)) if precision else least
    found = simulate_staffings(
        expected, {side: clerks[side] for side in sides}, seed=seed, purpose="verify",
        replications=least, precision=precision, cap=cap, confidence=run.confidence, engine=engine,
        jobs=jobs, progress=lambda done: progress("simulate", done, total), keep=keep,
    )  # fmt: skip
    progress("simulate", total, total)
    return found
