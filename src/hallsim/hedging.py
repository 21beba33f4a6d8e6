"""Plans against demand that is not known: named futures, a choice of risk, and what each plan costs.

A *future* is a variant of the scenario file with a weight.  All futures have the same halls, windows
and clerks, and the same seed: their visitors are the same people as far as their demand agrees.  One
plan is made for all of them; what is minimised is its cost on average, in the worst future, in the
worst share of futures (conditional value at risk: Rockafellar and Uryasev, J. Risk 2, 2000), or the
worst *regret*: what it costs more than the plan made for the future that comes (Savage 1951).

Chance within a future, the spread of days, is in the mean over the replications of its tables.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from hallsim.checks import parse_month
from hallsim.demand import Floats, Month, expect
from hallsim.loans import Move, moves
from hallsim.measure import Measures, interval
from hallsim.planning import (
    Plan,
    Stage,
    home_by_day,
    periods_of,
    plan_month,
    table_months,
    working_days,
)
from hallsim.problems import Place, Problem, ScenarioProblems, nearest
from hallsim.reading import Source
from hallsim.records import Ints
from hallsim.scenario import Scenario
from hallsim.simulate import simulate_staffings
from hallsim.staff import Future, Risk, Solution, Span, StaffingTables, order_of, travel_of
from hallsim.staffing import solve
from hallsim.stations import stations
from hallsim.text import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Aim = Literal["expected", "worst", "cvar", "regret"]
AIMS: tuple[Aim, ...] = ("expected", "worst", "cvar", "regret")
"""What of the futures is minimised."""
HOME = "home"
MEASURES = ("cost_min", "regret_min", "mean_wait_min", "lost")
"""What is told of every plan in every future; the first two are visitor minutes, moves included."""
_OPTION = Place("--against")


@dataclass(frozen=True)
class Course:
    """One future: its name, its share of the weight, and the district as it would be."""

    name: str
    share: float
    scenario: Scenario


@dataclass(frozen=True)
class Hedged:
    """One plan: for all futures, for one of them, or everybody at home.

    Attributes:
        clerks: [T, S] clerks by period and station.
        solution: as it was found; None for everybody at home.
        tables: those of `solution`.
        asked: visitor minutes that the programme takes its moves to cost: orders, travel, distance
            from last month's plan.
        moving: the same for the loans as they are told; more where the programme, whose loans run over
            the tree of tiers, does not see that a loan ends and another begins.
    """

    clerks: Ints
    solution: Solution | None = None
    tables: StaffingTables | None = None
    asked: float = 0.0
    moving: float = 0.0

    @property
    def moves(self) -> list[Move]:
        """Who is lent where."""
        return loans_of(self.solution, self.tables) if self.solution and self.tables else []


@dataclass(frozen=True)
class Hedge:
    """What plans cost in every future, on fresh visitors.

    Attributes:
        courses: the futures.
        month: `YYYY-MM`; spans: the periods between which staffing may change.
        work: indices of the working days of the month.
        aim, tail: what is minimised; the share of the worst futures of `cvar`.
        plans: `home`, `for <future>` for each future alone, and one plan for every aim.
        samples: measure (`cost_min`, `mean_wait_min`, `lost`) to plan to [K, R], on fresh visitors.
        planned: plan to [K] cost by the tables from which plans are made.
        titles: what people call variants: name to language to title.
    """

    courses: tuple[Course, ...]
    month: str
    spans: tuple[Span, ...]
    work: Ints
    aim: Aim
    tail: float
    plans: Mapping[str, Hedged]
    samples: Mapping[str, Mapping[str, Floats]]
    planned: Mapping[str, Floats]
    confidence: float = 0.95
    provisional: bool = False
    titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scenario(self) -> Scenario:
        """The district; of the first future, in what all have alike."""
        return self.courses[0].scenario

    @property
    def chosen(self) -> Hedged:
        """The plan that was asked for."""
        return self.plans[self.aim]

    @property
    def shares(self) -> Floats:
        """[K] shares of the futures."""
        return np.array([c.share for c in self.courses])

    def regret(self, plan: str) -> Floats:
        """[K, R]: what a plan costs more than the plan made for each future, on the same visitors."""
        cost = self.samples["cost_min"]
        own = np.stack([cost[own_plan(c.name)][k] for k, c in enumerate(self.courses)])
        found: Floats = cost[plan] - own
        return found

    def planned_regret(self, plan: str) -> Floats:
        """[K]: the same by the tables from which plans are made; below 0 only by the solver's gap."""
        own = [self.planned[own_plan(c.name)][k] for k, c in enumerate(self.courses)]
        found: Floats = self.planned[plan] - np.array(own)
        return found

    @property
    def table(self) -> pd.DataFrame:
        """Estimates on fresh visitors: plan, future, measure (`MEASURES`), mean, lo, hi."""
        rows = []
        for plan in self.plans:
            found = {m: of[plan] for m, of in self.samples.items()}
            found["regret_min"] = self.regret(plan)
            for k, course in enumerate(self.courses):
                for measure in MEASURES:
                    own = estimate(found[measure][k], self.confidence)
                    rows.append((plan, course.name, measure, *own))
        return pd.DataFrame(rows, columns=["plan", "future", "measure", "mean", "lo", "hi"])

    @property
    def summary(self) -> pd.DataFrame:
        """A row per plan: plan, then cost and regret over the futures with lo and hi, moves, gap.

        `expected` is the mean cost by the weights and `expected_regret` the mean regret; `worst` and
        `worst_regret` are those of the future in which they are largest, `worst_in` and
        `most_regret_in`.  `gap` is the solver's (nan for `home`); `moving_min` is part of the costs.
        """
        rows = []
        for name, plan in self.plans.items():
            cost, regret = self.samples["cost_min"][name], self.regret(name)
            row: dict[str, Any] = {"plan": name}
            for what, values in (("", cost), ("_regret", regret)):
                k = int(values.mean(axis=1).argmax())
                row[{"": "worst_in", "_regret": "most_regret_in"}[what]] = self.courses[k].name
                for key, of in (
                    (f"expected{what}", self.shares @ values),
                    (f"worst{what}", values[k]),
                ):
                    ends = estimate(of, self.confidence)
                    row |= dict(zip((key, f"{key}_lo", f"{key}_hi"), ends, strict=True))
            row["moving_min"] = plan.moving
            row["gap"] = plan.solution.gap if plan.solution else math.nan
            rows.append(row)
        return pd.DataFrame(rows)

    def title(self, name: str, language: Language) -> str:
        """What people call a variant; its name where nobody said."""
        return self.titles.get(name, {}).get(language) or name

    def plot(self, ax: Axes | None = None, language: Language | None = None) -> Axes:
        """The regret of every plan in every future, with its interval."""
        from hallsim.hedge_report import dots

        return dots(self, ax, language)

    def __repr__(self) -> str:
        names = ", ".join(f"{c.name} {c.share:.0%}" for c in self.courses)
        table = self.summary.set_index("plan")[["expected", "worst", "worst_regret", "moving_min"]]
        return f"Hedge({self.scenario.name}, {self.month}: {names}; {self.aim})\n{table.round(0)}"


def own_plan(future: str) -> str:
    """The name of the plan that is made for one future alone."""
    return f"for {future}"


def estimate(samples: Floats, confidence: float) -> tuple[float, float, float]:
    """Mean and interval over replications."""
    mean, lo, hi = interval(samples, confidence)
    return float(mean), float(lo), float(hi)


# --- which futures --------------------------------------------------------------------------------


def shares_of(
    against: Sequence[str] | Mapping[str, float],
) -> tuple[dict[str, float], list[Problem]]:
    """Future to share from `NAME` and `NAME=WEIGHT`, and what is wrong.

    Futures without a weight share alike what the given weights leave of 1; if all have one, weights
    are taken by their sum.
    """
    words = [f"{k}={v}" for k, v in against.items()] if isinstance(against, Mapping) else against
    found: dict[str, float | None] = {}
    problems = []
    for word in words:
        name, given, text = (part.strip() for part in word.partition("="))
        weight = _number(text) if given else None
        if not name or (given and weight is None):
            problems.append(Problem("future_form", _OPTION, value=word))
        elif name in found:
            problems.append(Problem("group_twice", _OPTION, value=name))
        elif weight is not None and weight < 0:
            problems.append(Problem("at_least", _OPTION, name, weight, {"limit": "0"}))
        found.setdefault(name, weight)
    if not problems and len(found) < 2:
        problems.append(Problem("futures_few", _OPTION))
    if problems:
        return {name: 0.0 for name in found if name}, problems
    return _shared(found)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _shared(found: Mapping[str, float | None]) -> tuple[dict[str, float], list[Problem]]:
    given = sum(w for w in found.values() if w is not None)
    open_names = [name for name, w in found.items() if w is None]
    if open_names and given >= 1:
        params = {"sum": f"{given:g}", "names": ", ".join(open_names)}
        return dict.fromkeys(found, 0.0), [Problem("futures_rest", _OPTION, params=params)]
    if not open_names and given <= 0:
        return dict.fromkeys(found, 0.0), [Problem("profile_zero", _OPTION)]
    rest = (1 - given) / len(open_names) if open_names else 0.0
    whole = 1.0 if open_names else given
    return {name: (rest if w is None else w) / whole for name, w in found.items()}, []


def read_futures(
    path: str | Path, against: Sequence[str] | Mapping[str, float], sets: Sequence[str] = ()
) -> tuple[tuple[Course, ...], tuple[Problem, ...], dict[str, dict[str, str]]]:
    """The futures of a folder, notes about them, and titles of its variants.

    Raises:
        ScenarioProblems: with all that is wrong with names, weights and variants, and where a
            variant has other halls, windows, clerks or rules than the first.
    """
    source = Source(path)
    known = {"base": [], **source.scenarios()}
    shares, problems = shares_of(against)
    if not set(shares) <= set(known):
        source.read(None, sets)  # no name is known of files that cannot be read: that is told first
    notes: list[Problem] = []
    courses = []
    for name, share in shares.items():
        if name not in known:
            near = nearest(name, sorted(known))
            problems.append(Problem("unknown_scenario", _OPTION, value=name, suggestion=near))
            continue
        try:
            reading = source.read(name if known[name] else None, sets)
        except ScenarioProblems as wrong:
            problems += [p for p in wrong.problems if p not in problems]
            continue
        notes += [n for n in reading.notes if n not in notes]
        courses.append(Course(name, share, reading.scenario))
    problems += unlike(courses)
    if problems:
        raise ScenarioProblems(problems, str(path))
    return tuple(courses), tuple(notes), source.titles()


def unlike(courses: Sequence[Course]) -> list[Problem]:
    """A problem for every future that cannot have the same plans as the first."""
    problems = []
    for course in courses[1:]:
        paths = _differences(courses[0].scenario, course.scenario)
        if paths:
            params = {"first": courses[0].name, "paths": ", ".join(paths)}
            problems.append(Problem("future_unlike", _OPTION, course.name, params=params))
    return problems


_SAME_ROWS = {
    "halls": ("hall", "tier", "street"),
    "windows": ("hall", "kind", "label", "items", "count"),
    "clerks": ("hall", "group", "count", "minimum"),
}
"""Columns in which futures must agree; tables not named here must be alike as a whole."""
_SAME = ("limits", "leave", "roster", "travel", "transfers", "objective", "groups")


def _differences(first: Scenario, other: Scenario) -> list[str]:
    """Paths in which two futures are unlike, though they must not be; the first of each table."""
    found = []
    for table, columns in _SAME_ROWS.items():
        a, b = (_by_place(getattr(s, table), columns) for s in (first, other))
        places = dict.fromkeys(k[0] for k in (*a, *b) if a.get(k) != b.get(k))
        if places:
            more = f" (+{len(places) - 1})" if len(places) > 1 else ""
            found.append(f"{table}[{next(iter(places))}]{more}")
    for name in _SAME:
        if getattr(first, name, None) != getattr(other, name, None):
            found.append(name)
    if found:
        return found
    parts = [
        [(p.hall, len(p.windows), p.groups, p.machine) for p in stations(s)] for s in (first, other)
    ]
    return ["items"] if parts[0] != parts[1] else []


def _by_place(
    rows: Iterable[Any], columns: Sequence[str]
) -> dict[tuple[str, int], tuple[Any, ...]]:
    """Rows by hall and their number there."""
    found: dict[tuple[str, int], tuple[Any, ...]] = {}
    count: dict[str, int] = {}
    for row in rows:
        count[row.hall] = count.get(row.hall, 0) + 1
        found[row.hall, count[row.hall]] = tuple(getattr(row, c, None) for c in columns)
    return found


# --- the plans ------------------------------------------------------------------------------------


def hedge(
    path: str | Path,
    month: str,
    against: Sequence[str] | Mapping[str, float],
    *,
    aim: Aim = "worst",
    tail: float = 0.2,
    sets: Sequence[str] = (),
    period: str | None = None,
    seed: int | None = None,
    replications: int | None = None,
    table_replications: int | None = None,
    jobs: int = 1,
    progress: Stage = lambda stage, done, total: None,
) -> Hedge:
    """One plan for several futures, and what it and others cost in each.

    Args:
        path: folder of the district.
        month: `YYYY-MM`.
        against: entries of the file's `scenarios` (`base` stands for no overrides where it is not
            given), each `NAME` or `NAME=WEIGHT`, or name to weight.
        aim: `expected` cost, that of the `worst` future, of the worst share (`cvar`), or the worst
            `regret`.
        tail: the share of the worst futures, for `cvar`.
        sets: `path=value` changes to all futures.
        period: how often staffing may change; like the rest, the scenario's own if not given.
        seed, replications, table_replications, jobs, progress: as in `recommend`.

    Raises:
        ScenarioProblems: with all that is wrong with the question or a variant.
        ClosedMonth: a month in which no hall opens.
        NoPlan: no staffing at all.
        ValueError: an unknown aim, or a tail that is no share.
    """
    courses, notes, titles = read_futures(path, against, sets)
    found = hedge_courses(
        courses, month, aim=aim, tail=tail, period=period, seed=seed, replications=replications,
        table_replications=table_replications, jobs=jobs, progress=progress,
    )  # fmt: skip
    return dataclasses.replace(found, titles=titles, notes=notes)


def hedge_courses(
    courses: Sequence[Course],
    month: str,
    *,
    aim: Aim = "worst",
    tail: float = 0.2,
    period: str | None = None,
    seed: int | None = None,
    replications: int | None = None,
    table_replications: int | None = None,
    jobs: int = 1,
    progress: Stage = lambda stage, done, total: None,
) -> Hedge:
    """As `hedge`, of futures that were read; what is not given is taken from the first one's `run`.

    Raises:
        ScenarioProblems: futures that cannot have the same plans, or not a month.
        ClosedMonth, NoPlan, ValueError: see `hedge`.
    """
    _check(aim, tail)
    run = courses[0].scenario.run
    seed = run.seed if seed is None else seed
    replications = replications or run.replications
    period = period or run.period
    number = parse_month(month)
    months = [expect(c.scenario, *number) for c in courses]
    if table_replications is None:
        table_replications = table_months(courses[0].scenario, len(periods_of(months[0], period)))
    _check_alike(courses, months, period)
    parts = [stations(c.scenario) for c in courses]
    best = []
    for k, (expected, own) in enumerate(zip(months, parts, strict=True)):
        best.append(
            plan_month(
                expected, own, seed=seed, table_replications=table_replications, period=period,
                jobs=jobs, progress=_part(progress, k, len(courses)),
            )
        )  # fmt: skip
    tables = joint_tables(courses, best)
    plans = _plans(courses, best, tables, tail, home_by_day(months[0], parts[0]), progress)
    samples = _judged(
        courses, months, plans, best[0].spans, seed, replications, jobs, progress
    )  # fmt: skip
    return Hedge(
        tuple(courses), months[0].label, tuple(best[0].spans), working_days(months[0]),
        aim, tail, plans, samples,
        {name: costs_by(tables, plan) for name, plan in plans.items()},
        run.confidence, any(m.provisional for m in months),
        meta={
            "seed": seed, "replications": replications, "table_replications": table_replications,
            "period": period,
        },
    )  # fmt: skip


def _check(aim: str, tail: float) -> None:
    if aim not in AIMS:
        raise ValueError(f"aim must be one of {', '.join(AIMS)}, not {aim!r}")
    if not 0 < tail <= 1:
        raise ValueError(f"tail must be above 0 and at most 1, not {tail:g}")


def _check_alike(courses: Sequence[Course], months: Sequence[Month], period: str) -> None:
    problems = unlike(courses)
    if not problems:
        first = periods_of(months[0], period), working_days(months[0]).tolist()
        for course, month in zip(courses[1:], months[1:], strict=True):
            if (periods_of(month, period), working_days(month).tolist()) != first:
                params = {"first": courses[0].name, "paths": "hours"}
                problems.append(Problem("future_unlike", _OPTION, course.name, params=params))
    if problems:
        raise ScenarioProblems(problems, courses[0].scenario.name)


def _part(progress: Stage, k: int, of: int) -> Stage:
    """Progress of the k-th of several alike parts."""
    return lambda stage, done, total: progress(stage, k * total + done, of * total)


def joint_tables(courses: Sequence[Course], best: Sequence[Plan]) -> StaffingTables:
    """The tables of the programme with all futures, and the limits of each.

    Where a future has a shorter table, more clerks do not help.
    """
    first = best[0].tables
    width = [max(p.tables.cost[s].shape[1] for p in best) for s in range(len(first.cost))]
    futures = []
    for course, plan in zip(courses, best, strict=True):
        cost = tuple(
            np.pad(c, ((0, 0), (0, n - c.shape[1])), mode="edge")
            for c, n in zip(plan.tables.cost, width, strict=True)
        )
        futures.append(Future(course.name, course.share, cost))
    limits = dict.fromkeys(limit for plan in best for limit in plan.tables.limits)
    return dataclasses.replace(
        first, cost=futures[0].cost, futures=tuple(futures), limits=tuple(limits)
    )


def solve_for(tables: StaffingTables, aim: Aim, tail: float, best: Sequence[float]) -> Solution:
    """The plan that is best for all futures of the tables in this sense.

    `best`: cost of the best plan of each future alone.  The worst regret is a worst case too: of
    costs that are shifted so that the best plans of all futures cost the same, the most of them.
    """
    if aim != "regret":
        return solve(dataclasses.replace(tables, risk=aim, tail=tail))
    return solve(dataclasses.replace(shifted(tables, best), risk="worst"))


def shifted(tables: StaffingTables, best: Sequence[float]) -> StaffingTables:
    """Every future's cost raised so that its best plan costs what the dearest future's does."""
    futures = []
    for future, own in zip(tables.futures, best, strict=True):
        rise = (max(best) - own) / len(tables.days)  # each plan has one entry of a station a period
        futures.append(dataclasses.replace(future, cost=(future.cost[0] + rise, *future.cost[1:])))
    return dataclasses.replace(tables, futures=tuple(futures))


def _plans(
    courses: Sequence[Course],
    best: Sequence[Plan],
    tables: StaffingTables,
    tail: float,
    home: Ints,
    progress: Stage,
) -> dict[str, Hedged]:
    first_days = [a for a, _ in best[0].spans]
    plans = {HOME: Hedged(home[first_days])}
    for course, plan in zip(courses, best, strict=True):
        plans[own_plan(course.name)] = _hedged(plan.solution, plan.tables)
    least = [plan.solution.objective for plan in best]
    for k, aim in enumerate(AIMS):
        progress("hedge", k, len(AIMS))
        found = solve_for(tables, aim, tail, least)
        knew = shifted(tables, least) if aim == "regret" else tables
        risk: Risk = "worst" if aim == "regret" else aim
        plans[aim] = _hedged(found, dataclasses.replace(knew, risk=risk, tail=tail))
    progress("hedge", len(AIMS), len(AIMS))
    return plans


def _hedged(found: Solution, tables: StaffingTables) -> Hedged:
    asked = max(0.0, found.objective - tables.waiting(found.clerks))
    told = sum(_price(tables, m) for m in loans_of(found, tables))
    return Hedged(found.clerks.sum(axis=2), found, tables, asked, max(asked, told))


def loans_of(found: Solution, tables: StaffingTables) -> list[Move]:
    """A solution as loans."""
    tables = dataclasses.replace(tables, home=tables.home - found.gone)
    return moves(tables, found.clerks, found.idle, found.loans)


def _price(tables: StaffingTables, m: Move) -> float:
    """Order and travel of a loan, visitor minutes."""
    days = int(tables.days[m.first : m.last + 1].sum())
    order = 0.0 if m.running else order_of(tables, m.origin, m.destination)
    travel = travel_of(tables, m.origin, m.destination)
    return m.clerks * (order + tables.transfers.travel_weight * days * travel)


def costs_by(tables: StaffingTables, plan: Hedged) -> Floats:
    """[K] cost of a plan in every future by its tables, moves included."""
    here = plan.clerks - tables.lower
    return np.array(
        [
            sum(
                float(table[p, min(n, table.shape[1] - 1)])
                for table, column in zip(future.cost, here.T, strict=True)
                for p, n in enumerate(column)
            )
            + plan.asked
            for future in tables.futures
        ]
    )


# --- on fresh visitors ----------------------------------------------------------------------------


def _judged(
    courses: Sequence[Course],
    months: Sequence[Month],
    plans: Mapping[str, Hedged],
    spans: Sequence[Span],
    seed: int,
    replications: int,
    jobs: int,
    progress: Stage,
) -> dict[str, dict[str, Floats]]:
    """Measure to plan to [K, R]."""
    length = [b - a + 1 for a, b in spans]
    by_day = {name: np.repeat(plan.clerks, length, axis=0) for name, plan in plans.items()}
    found: dict[str, dict[str, list[Floats]]] = {
        m: {name: [] for name in plans} for m in ("cost_min", "mean_wait_min", "lost")
    }
    for k, (course, month) in enumerate(zip(courses, months, strict=True)):
        report = _part(progress, k, len(courses))
        told = simulate_staffings(
            month, by_day, seed=seed, purpose="verify", replications=replications, jobs=jobs,
            confidence=course.scenario.run.confidence,
            progress=_verified(report, replications),
        )  # fmt: skip
        for name, measures in told.items():
            cost = waiting_cost(course.scenario, measures) + plans[name].moving
            found["cost_min"][name].append(cost)
            for measure in ("mean_wait_min", "lost"):
                found[measure][name].append(measures.samples(measure)[:, 0])
    return {
        measure: {name: np.stack(rows) for name, rows in by_plan.items()}
        for measure, by_plan in found.items()
    }


def _verified(report: Stage, total: int) -> Callable[[int], None]:
    return lambda done: report("verify", done, total)


def waiting_cost(scenario: Scenario, measures: Measures) -> Floats:
    """[R] what the optimizer minimises but for moves: waiting, lost visitors and overtime, in minutes."""
    goal = scenario.objective
    cost: Floats = (
        measures.samples("total_wait_min")
        + goal.lost_minutes * measures.samples("lost")
        + goal.overtime_weight * measures.samples("overtime_min")
    )[:, 0]
    return cost
