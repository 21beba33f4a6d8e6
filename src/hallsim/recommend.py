"""The main job: from a scenario and a month to a recommendation that was checked on fresh visitors.

`recommend` is one straight walk: expect the month, simulate the waiting tables, solve the staffing
programme, then simulate home staffing and plan on visitors that the optimizer never saw.
"""

from __future__ import annotations

import datetime as dt
import itertools
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hallsim import __version__
from hallsim.certificate import Certificate, certify
from hallsim.checks import parse_month
from hallsim.demand import Floats, Month, expect
from hallsim.fresh import fresh_tables
from hallsim.loans import Move
from hallsim.measure import Measures, interval, target_of
from hallsim.missing import missing_clerks
from hallsim.naming import NamedMoves, name_moves
from hallsim.planning import (
    Plan,
    Stage,
    count_between,
    home_by_day,
    periods_of,
    plan_month,
    table_months,
    working_days,
)
from hallsim.previous import Previous
from hallsim.prices import shadow_prices
from hallsim.reasons import reasons, without
from hallsim.records import Ints
from hallsim.rolling import ENDED_COLUMNS, ended_loans, ended_table, if_kept
from hallsim.scenario import Scenario
from hallsim.simulate import Engine, simulate_staffings
from hallsim.staff import Solution, Span, StaffingTables, travel_of
from hallsim.stations import Station, stations
from hallsim.training import one_less, rotations
from hallsim.waiting import WaitingTables

if TYPE_CHECKING:
    from hallsim.plotting import Plots


TRAINING_MINUTES = 300.0
"""Visitor minutes that a period of training may cost the halls, at the upper end of the interval."""


@dataclass(frozen=True)
class Recommendation:
    """Who should work where in a month, what it gains, and how sure that is.

    All tables are documented in `docs/outputs.md`; estimates carry mean, lo and hi.
    """

    scenario: Scenario
    scenario_name: str
    month: str
    periods: pd.DataFrame
    days: pd.DataFrame
    provisional: bool
    home: Measures
    plan: Measures
    difference: pd.DataFrame
    staff: pd.DataFrame
    moves: pd.DataFrame
    marginal: pd.DataFrame
    unmet: pd.DataFrame
    moves_cost: dict[str, float]
    solver: dict[str, Any]
    certificate: Certificate
    reasons: pd.DataFrame
    shadow_prices: pd.DataFrame
    relaxed: pd.DataFrame
    conflict: tuple[str, ...] = ()
    previous: str = ""
    ended: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=ENDED_COLUMNS))
    named: NamedMoves | None = None
    training: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    assumptions: tuple[dict[str, Any], ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)

    def gain(self, measure: str = "mean_wait_min") -> tuple[float, float, float]:
        """Plan minus home for the district: mean and interval of the paired difference."""
        rows = self.difference[(self.difference.hall == "") & (self.difference.measure == measure)]
        row = rows.iloc[0]
        return float(row["mean"]), float(row["lo"]), float(row["hi"])

    def worse(self) -> bool:
        """Whether the check on fresh visitors says, beyond its interval, that the plan costs more.

        By what the optimizer minimises: waiting, lost visitors and overtime, in visitor minutes.
        """
        goal = self.scenario.objective
        home, plan = (
            m.samples("total_wait_min")
            + goal.lost_minutes * m.samples("lost")
            + goal.overtime_weight * m.samples("overtime_min")
            for m in (self.home, self.plan)
        )
        return bool(interval(plan - home, self.plan.confidence)[1] > 0)

    @property
    def plot(self) -> Plots:
        """Figures of the recommendation; every one takes `ax` and returns it."""
        from hallsim.plotting import Plots

        return Plots(self)

    def __repr__(self) -> str:
        home, plan = (
            m.table().set_index("measure")["mean"]["mean_wait_min"] for m in (self.home, self.plan)
        )
        mean, lo, hi = self.gain()
        return (
            f"Recommendation {self.scenario.name} {self.month}: {len(self.moves)} transfers, mean wait "
            f"{home:.1f} -> {plan:.1f} min, difference {mean:.1f} [{lo:.1f}, {hi:.1f}]"
            + (", calendar provisional" if self.provisional else "")
        )

    def _repr_html_(self) -> str:
        return f"<p>{self!r}</p>{self.moves.to_html(index=False)}"


def recommend(
    scenario: Scenario,
    month: str,
    *,
    scenario_name: str = "base",
    seed: int | None = None,
    replications: int | None = None,
    table_replications: int | None = None,
    period: str | None = None,
    previous: Previous | None = None,
    today: dt.date | None = None,
    engine: Engine = "compiled",
    jobs: int = 1,
    progress: Stage = lambda stage, done, total: None,
) -> Recommendation:
    """The staffing of a month that keeps waiting, transfers and travel together lowest.

    What is not given is taken from the scenario's `run` (`planning.table_months`).  Under limits that
    contradict each other the plan gives up as little of them as possible, and says so (`relaxed`,
    `conflict`).

    Args:
        scenario, month: what to plan, `YYYY-MM`.
        scenario_name: of the variant, for the report.
        seed, replications, table_replications, period: of this run.
        previous: the plan of the month before, whose loans go on where that is best.
        today: changes begin no sooner than `transfers.notice_days` after it.
        engine, jobs, progress: how to simulate, and whom to tell.

    Raises:
        ScenarioProblems: not a month `YYYY-MM`, or outside the calendar.
        ClosedMonth: a month in which no hall opens.
        NoPlan: the halls cannot take the clerks there are.
    """
    started = time.perf_counter()
    run = scenario.run
    seed = run.seed if seed is None else seed
    replications = replications or run.replications
    progress("calendar", 0, 1)
    expected = expect(scenario, *parse_month(month))
    parts = stations(scenario)
    progress("calendar", 1, 1)
    if table_replications is None:
        periods = len(periods_of(expected, period or run.period))
        table_replications = table_months(scenario, periods)
    plan = plan_month(
        expected, parts, seed=seed, table_replications=table_replications,
        period=period or run.period, running=previous.running if previous else None, today=today,
        jobs=jobs, progress=progress,
    )  # fmt: skip
    spans, programme, solution, spelled = plan.spans, plan.tables, plan.solution, plan.moves
    checked = simulate_staffings(
        expected,
        {
            "home": home_by_day(expected, parts), "plan": plan.clerks, "one_more": plan.clerks + 1,
            "all_windows": None,
        },
        seed=seed, purpose="verify", replications=replications, confidence=run.confidence,
        engine=engine, jobs=jobs, progress=lambda done: progress("verify", done, replications),
    )  # fmt: skip
    progress("explain", 0, 4)
    others = [without(programme, solution, m) for m in spelled]
    others += [if_kept(plan, loan) for loan in ended_loans(plan, spelled)]
    fresh = fresh_tables(
        expected, parts, plan, seed=seed, purpose="verify", replications=replications,
        staffings=others, jobs=jobs,
    )  # fmt: skip
    told = _move_table(scenario, programme, spelled, spans, expected)
    prices = shadow_prices(
        expected, parts, plan, seed=seed, replications=table_replications, jobs=jobs,
        progress=lambda done: progress("explain", 1 + done, 4),
    )  # fmt: skip
    named = _named(scenario, told, previous)
    return Recommendation(
        scenario=scenario,
        scenario_name=scenario_name,
        month=expected.label,
        periods=_period_table(spans, expected),
        days=_day_table(expected),
        provisional=expected.provisional,
        home=checked["home"],
        plan=checked["plan"],
        difference=_difference(checked["plan"], checked["home"]),
        staff=_staff_table(programme, solution, parts),
        moves=told,
        marginal=_marginal(checked["plan"], checked["one_more"]),
        unmet=_with_missing(
            _unmet(scenario, spans, checked["plan"], checked["all_windows"]),
            missing_clerks(expected, parts, plan, fresh, run.confidence),
        ),
        moves_cost=_moves_cost(told),
        solver=_solver(solution),
        certificate=certify(
            expected, parts, plan, seed=seed, confidence=run.confidence, jobs=jobs,
            progress=progress,
        ),
        reasons=reasons(expected, plan, spelled, fresh, run.confidence),
        shadow_prices=prices,
        relaxed=_relaxed(programme, solution),
        conflict=solution.conflict,
        previous=previous.month if previous else "",
        ended=ended_table(expected, plan, spelled, fresh, run.confidence),
        named=named,
        training=_training(expected, parts, plan, fresh, named),
        meta={
            **versions(), "seed": seed, "replications": replications, "period": period or run.period,
            "table_replications": table_replications,
            "created": dt.datetime.now().astimezone().isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - started, 2),
        },
    )  # fmt: skip


def _named(scenario: Scenario, told: pd.DataFrame, previous: Previous | None) -> NamedMoves | None:
    """Who goes, where there is a roster."""
    if not scenario.roster:
        return None
    return name_moves(
        scenario, told, scenario.roster, previous=previous.people if previous else None
    )


def _training(
    month: Month, parts: list[Station], plan: Plan, fresh: WaitingTables, named: NamedMoves | None
) -> pd.DataFrame | None:
    """Who might learn elsewhere in slack periods, where there is a roster."""
    if named is None:
        return None
    spare = one_less(month, parts, fresh, plan.clerks, plan.spans)
    scenario = month.scenario
    return rotations(
        scenario, scenario.roster, spare, most_minutes=TRAINING_MINUTES, people=named.people
    )


RELAXED_COLUMNS = ["name", "what", "halls", "groups", "period", "least", "most", "by"]
"""A limit that had to be given up in a period, by so many clerks; `name` as in `staff.Limit`."""


def _relaxed(tables: StaffingTables, solution: Solution) -> pd.DataFrame:
    rows = [
        (
            r.limit.name, r.limit.what, "|".join(tables.halls[h] for h in r.limit.halls),
            "|".join(tables.groups[g] for g in r.limit.groups), r.limit.period, r.limit.least,
            r.limit.most, r.by,
        )
        for r in solution.relaxed
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=RELAXED_COLUMNS)


def _with_missing(unmet: pd.DataFrame, missing: pd.DataFrame) -> pd.DataFrame:
    """How many clerks would reach each target, and of which group; none where no number would."""
    keys = ["hall", "period", "target"]
    columns = ["missing", "missing_lo", "missing_hi", "who"]
    return unmet.merge(missing[[*keys, *columns]], on=keys, how="left")


def _period_table(spans: Sequence[Span], month: Month) -> pd.DataFrame:
    work = working_days(month)
    return pd.DataFrame(
        {
            "period": range(len(spans)),
            "first": [month.dates[a] for a, _ in spans],
            "last": [month.dates[b] for _, b in spans],
            "open_days": [count_between(work, s) for s in spans],
        }
    )


def _day_table(month: Month) -> pd.DataFrame:
    """Days as most halls see them."""
    rows = []
    for date, days, opens in zip(month.dates, month.days, month.open, strict=True):
        kinds = [d.kind for d in days]
        usual = days[kinds.index(max(set(kinds), key=kinds.count))]
        rows.append(
            (date, usual.kind, usual.name, any(d.provisional for d in days), int(opens.sum()))
        )
    return pd.DataFrame(rows, columns=["day", "kind", "name", "provisional", "open_halls"])


def _difference(plan: Measures, home: Measures) -> pd.DataFrame:
    district = plan.minus(home).assign(hall="")
    halls = plan.minus(home, "hall")
    return pd.concat([district[halls.columns], halls], ignore_index=True)


def _staff_table(tables: StaffingTables, solution: Solution, parts: list[Station]) -> pd.DataFrame:
    by_hall = solution.idle.sum(axis=2)
    for s, hall in enumerate(tables.station_hall):
        by_hall[:, hall] += solution.clerks[:, s].sum(axis=1)
    windows = np.zeros(len(tables.halls), np.int64)
    for part in parts:
        windows[part.hall] += 0 if part.machine else len(part.windows)
    rows = [
        (
            hall,
            p,
            int(tables.home[h].sum()),
            int(by_hall[p, h]),
            int(tables.minimum[h].sum()),
            int(windows[h]),
        )
        for h, hall in enumerate(tables.halls)
        for p in range(len(tables.days))
    ]
    return pd.DataFrame(rows, columns=["hall", "period", "home", "plan", "minimum", "windows"])


MOVE_COLUMNS = [
    "from", "to", "group", "clerks", "first", "last", "working_days", "tier", "travel_min", "notice_by",
    "running",
]  # fmt: skip


def _move_table(
    scenario: Scenario,
    tables: StaffingTables,
    found: list[Move],
    spans: Sequence[Span],
    month: Month,
) -> pd.DataFrame:
    notice = dt.timedelta(days=scenario.transfers.notice_days)
    work = working_days(month)
    rows = []
    for m in found:
        first, last = _on_work(work, spans[m.first][0], spans[m.last][1])
        rows.append(
            (
                tables.halls[m.origin], tables.halls[m.destination], tables.groups[m.group], m.clerks,
                month.dates[first], month.dates[last],
                count_between(work, (first, last)), m.tier,
                travel_of(tables, m.origin, m.destination), month.dates[first] - notice, m.running,
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=MOVE_COLUMNS)


def _on_work(work: Ints, first: int, last: int) -> tuple[int, int]:
    """First and last working day of a span; a move begins and ends on days of work."""
    inside = work[(work >= first) & (work <= last)]
    return (int(inside[0]), int(inside[-1])) if len(inside) else (first, last)


def _moves_cost(told: pd.DataFrame) -> dict[str, float]:
    days = told["clerks"] * told["working_days"]
    return {
        "orders": int(told["clerks"][~told["running"].astype(bool)].sum()),
        "clerk_days": int(days.sum()),
        "travel_hours": float((days * told["travel_min"]).sum()) / 60,
    }


def _marginal(plan: Measures, one_more: Measures) -> pd.DataFrame:
    """Minutes of waiting that one more clerk all month would save in each hall, paired.

    In a hall of several stations the clerk goes where it saves most.
    """
    saved = (plan.station_sums("wait_s") - one_more.station_sums("wait_s")) / 60
    mean, lo, hi = interval(saved, plan.confidence)
    rows = []
    for h, hall in enumerate(plan.ledger.month.scenario.halls):
        own = np.flatnonzero(plan.ledger.hall_of == h)
        s = own[np.argmax(mean[own])] if len(own) else None
        rows.append((hall.hall, 0.0, 0.0, 0.0) if s is None else (hall.hall, mean[s], lo[s], hi[s]))
    return pd.DataFrame(rows, columns=["hall", "saves_min", "lo", "hi"])


UNMET_COLUMNS = [
    "hall", "period", "target", "limit",
    "plan", "plan_lo", "plan_hi", "best", "best_lo", "best_hi", "why",
]  # fmt: skip


TARGETS = (("mean_wait", "mean_wait_minutes", 1), ("within", "share", -1))
"""Name, value of the scenario, and +1 where smaller is better, -1 where larger is."""


def _unmet(
    scenario: Scenario, spans: Sequence[Span], plan: Measures, best: Measures
) -> pd.DataFrame:
    """Halls and periods that miss a target under the plan, and whether any staffing could meet it.

    Too few `windows`: missed with all windows open too, by the whole interval.  Too few `clerks`: missed
    under the plan and met with all windows open, both by the whole interval.  Else `unclear`.
    """
    rows = []
    reached, possible = (_by_period(m, spans) for m in (plan, best))
    for h, hall in enumerate(scenario.halls):
        for p, (name, value, sign) in itertools.product(range(len(spans)), TARGETS):
            limit = target_of(scenario, hall, value)
            if limit is None:
                continue
            here = [float(x[p, h]) for x in reached[name]]
            ideal = [float(x[p, h]) for x in possible[name]]
            if sign * here[0] > sign * limit:
                why = _why(limit, sign, here, ideal)
                rows.append((hall.hall, p, name, limit, *here, *ideal, why))
    return pd.DataFrame(rows, columns=UNMET_COLUMNS)


def _why(limit: float, sign: int, here: list[float], ideal: list[float]) -> str:
    """Why a target is missed; `here` and `ideal` are mean, lo and hi under the plan and at best."""
    missed, best_missed, best_met = (
        all(s * x > s * limit for x in of)
        for of, s in ((here, sign), (ideal, sign), (ideal, -sign))
    )
    return "windows" if best_missed else "clerks" if missed and best_met else "unclear"


def _by_period(
    measures: Measures, spans: Sequence[Span]
) -> Mapping[str, tuple[Floats, Floats, Floats]]:
    """Mean, lo and hi of mean wait (minutes) and share within the target time, each [T, H]."""
    get = measures.period_sums(spans)
    with np.errstate(invalid="ignore", divide="ignore"):
        wait = get["wait_s"] / get["tickets"] / 60
        share = get["within"] / get["visitors"]
    return {
        "mean_wait": interval(wait, measures.confidence),
        "within": interval(share, measures.confidence),
    }


def _solver(solution: Solution) -> dict[str, Any]:
    return {
        "name": solution.solver, "status": solution.status, "gap": solution.gap,
        "integral": solution.integral, "objective": solution.objective, "bound": solution.bound,
        "seconds": round(solution.seconds, 3),
        "table_repair": solution.repaired,
    }  # fmt: skip


def versions() -> dict[str, Any]:
    """hallsim, Python and the libraries that decide numbers."""
    from importlib.metadata import version

    libraries = ("numpy", "scipy", "pandas", "numba", "simpy", "pulp", "highspy", "chinesecalendar")
    return {
        "hallsim": __version__,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in libraries},
    }
