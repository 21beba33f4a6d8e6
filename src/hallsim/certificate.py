"""How far a plan can be from the best possible one: the multiple replications procedure.

The plan is compared, on fresh visitors, with what would have been best for exactly these visitors.
In batch m of fresh months let F be the cost of the plan and v the solver's proven bound on the
cost of any plan.  A bound that was allowed to look at its visitors is too good, `E[v] <= v*`, so
`E[F - v]` is at least the gap between the plan and the best possible plan, and a one-sided Student
t bound on it holds for the gap.

Mak, W.-K., Morton, D. P. and Wood, R. K. (1999). Monte Carlo bounding techniques for determining
solution quality in stochastic programs. Operations Research Letters 24, 47-56.

The bound holds for the modelled visitors only; `not_covered` says what that leaves out.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from hallsim.choosing import Choosing
from hallsim.demand import Floats, Month
from hallsim.fresh import as_relaxed, fresh_tables
from hallsim.planning import Plan, Stage, programme_tables
from hallsim.scenario import Scenario
from hallsim.simulate import Progress
from hallsim.staff import Solution, StaffingTables
from hallsim.staffing import solve
from hallsim.stations import Station
from hallsim.text import Language, translator

BATCHES = 20
LONG_PERIODS = 6
"""Up to so many periods in a month they are weeks or longer."""


@dataclass(frozen=True)
class Bounds:
    """What batches of fresh visitors say about the gap of a plan, in visitor minutes.

    Attributes:
        gap: mean difference of the plan to the best plan of each batch.
        upper: the plan costs at most so much more than the best possible plan.
        lower: the best possible plan costs at least so much.
    """

    gap: float
    upper: float
    lower: float

    @property
    def share(self) -> float:
        """upper / lower: the gap is at most this share of the best possible cost."""
        if self.upper <= 0:
            return 0.0
        return self.upper / self.lower if self.lower > 0 else math.inf


def multiple_replications(costs: Floats, bounds: Floats, confidence: float) -> Bounds:
    """Bounds on the gap of a plan from batches of visitors.

    `upper` and `lower` hold together with the confidence: each is a one-sided Student t bound at
    1 - (1 - confidence) / 2 (Bonferroni).

    Args:
        costs: [M] cost of the plan on the visitors of each batch.
        bounds: [M] proven lower bound on the cost of any plan on the same visitors.
        confidence: of both together.

    Raises:
        ValueError: fewer than two batches, or not as many costs as bounds.
    """
    if costs.shape != bounds.shape or costs.ndim != 1 or len(costs) < 2:
        raise ValueError(f"two or more batches are needed, not {costs.shape} and {bounds.shape}")
    quantile = float(stats.t.ppf(0.5 + confidence / 2, len(costs) - 1))
    gaps = costs - bounds
    half_gap, half_bound = (
        quantile * float(x.std(ddof=1)) / math.sqrt(len(x)) for x in (gaps, bounds)
    )
    mean = float(gaps.mean())
    return Bounds(mean, max(0.0, mean + half_gap), max(0.0, float(bounds.mean()) - half_bound))


@dataclass(frozen=True)
class Certificate:
    """How near a plan is to the best possible one, and how sure that is.

    Attributes:
        solver_gap: share by which the solver may have missed the best plan for its own tables.
        statistical_gap: share by which the plan may cost more than the best possible plan, at the
            confidence; `upper_minutes / lower_minutes`.
        confidence: of the statistical gap.
        gap_minutes: mean difference to the best plan for each batch of visitors, visitor minutes;
            more than the gap itself, since those plans have seen their visitors.
        upper_minutes: the plan costs at most so many visitor minutes more than the best possible.
        lower_minutes: the best possible plan costs at least so many visitor minutes.
        batches, replications: batches of fresh visitors, and months drawn for each.
        not_covered: what the certificate says nothing about, in English; `not_covered` has the
            Chinese.
    """

    solver_gap: float
    statistical_gap: float
    confidence: float
    gap_minutes: float
    upper_minutes: float
    lower_minutes: float
    batches: int
    replications: int
    not_covered: tuple[str, ...] = ()

    def text(self, language: Language) -> str:
        """The certificate in one sentence."""
        say = translator("certificate", language)
        return say(
            "With {confidence} confidence this plan costs at most {gap} more than the best possible "
            "plan ({minutes} visitor minutes), for the visitors and service times of the model"
        ).format(
            confidence=f"{self.confidence:.0%}",
            gap=_percent(self.statistical_gap),
            minutes=f"{math.ceil(self.upper_minutes):,}",
        )


def _percent(share: float) -> str:
    """Rounded up, so that the statement stays true."""
    return f"{math.ceil(share * 1000) / 10:.1f}%" if math.isfinite(share) else "∞"


def certify(
    month: Month,
    parts: list[Station],
    plan: Plan,
    *,
    seed: int,
    batches: int = BATCHES,
    replications: int | None = None,
    confidence: float = 0.95,
    jobs: int = 1,
    progress: Stage = lambda stage, done, total: None,
) -> Certificate:
    """Compare a plan with the best plans for batches of fresh visitors.

    Minimum staffing, limits (looser where the plan had to give them up) and the cost of transfers are
    the plan's own; only the visitors change.
    Every batch has `replications` months, by default `batch_months` of the scenario's tables.  A plan
    that was made against several futures is compared for the expected demand.

    Raises:
        ValueError: fewer than two batches.
    """
    n = replications or batch_months(plan, month.scenario.run.table_replications)
    fresh = (_batch(month, parts, plan, seed, m * n, n, jobs) for m in range(batches))
    costs, bounds = costs_and_bounds(
        plan.tables, plan.solution, fresh, lambda done: progress("certify", done, batches)
    )
    found = multiple_replications(costs, bounds, confidence)
    return Certificate(
        solver_gap=plan.solution.gap,
        statistical_gap=found.share,
        confidence=confidence,
        gap_minutes=found.gap,
        upper_minutes=found.upper,
        lower_minutes=found.lower,
        batches=batches,
        replications=n,
        not_covered=not_covered(month.scenario, "en"),
    )


def batch_months(plan: Plan, table_replications: int) -> int:
    """Months in a batch: as many as the tables of the plan have, and half as many where periods are long.

    There every entry of a table is the mean of more days.
    """
    return -(-table_replications // (2 if len(plan.spans) <= LONG_PERIODS else 1))


def costs_and_bounds(
    tables: StaffingTables,
    solution: Solution,
    fresh: Iterable[StaffingTables],
    progress: Progress = lambda done: None,
) -> tuple[Floats, Floats]:
    """[M] cost of a plan by the tables of each batch, and [M] the proven bound on any plan's.

    Args:
        tables, solution: the plan, and the tables by which it was found.
        fresh: the same programme with the tables of other visitors, batch by batch.
        progress: called with the number of finished batches.
    """
    transfers = solution.objective + solution.listed - tables.waiting(solution.clerks)
    costs, bounds = [], []
    for batch in fresh:
        cost = batch.waiting(solution.clerks) + transfers
        costs.append(cost)
        bounds.append(
            min(solve(batch, listed=False).bound, cost)
        )  # the plan is one of the plans; rounding
        progress(len(costs))
    return np.array(costs), np.array(bounds)


def _batch(
    month: Month, parts: list[Station], plan: Plan, seed: int, first: int, n: int, jobs: int
) -> StaffingTables:
    """The programme of the plan with the costs of months `first` to `first + n - 1`."""
    seen = fresh_tables(
        month, parts, plan, seed=seed, purpose="certify", replications=n, first=first, jobs=jobs
    )
    cost = programme_tables(month, parts, seen, plan.spans).cost
    programme = as_relaxed(plan.tables, plan.solution)
    return dataclasses.replace(programme, cost=cost, futures=(), risk="expected")


def not_covered(scenario: Scenario, language: Language) -> tuple[str, ...]:
    """What no number of simulated visitors can vouch for."""
    say = translator("certificate", language)
    found = [
        say("Whether as many people come as the forecast says: how close it was is not part of this"),
        say("Whether each item takes as long as the scenario says"),
        say("Skills, practice and health of the clerks who are sent, and how visitors react to a plan"),
        say("Days that the calendar does not know, such as typhoons, failures and new policies"),
    ]  # fmt: skip
    if Choosing.needed(scenario):
        found.append(
            say(
                "Visitors who choose another hall: every plan is compared with everybody in the own hall"
            )
        )
    return tuple(found)
