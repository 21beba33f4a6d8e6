"""How many clerks are missing where a target is not met, and of which skill."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from hallsim.demand import Floats, Month
from hallsim.limits import GOALS, Goal, best_splits
from hallsim.measure import interval, target_of
from hallsim.planning import Plan
from hallsim.records import Ints
from hallsim.staff import Span
from hallsim.stations import Station
from hallsim.waiting import WaitingTables

MISSING_COLUMNS = [
    "hall", "period", "target", "limit", "plan", "missing", "missing_lo", "missing_hi", "who",
]  # fmt: skip
"""One row per hall, period and target missed: the estimate under the plan, and the fewest clerks more
with which the estimate keeps it; `_lo` with which the better end of its interval does, `_hi` the
whole interval.  Empty: no number does, there are too few windows.  `who`: how many of which skill
groups, as in `general=2|card=1`; `general/card=2` where either can do the work."""


def missing_clerks(
    month: Month, parts: list[Station], plan: Plan, fresh: WaitingTables, confidence: float
) -> pd.DataFrame:
    """What is missing under a plan, by tables on fresh visitors; see `MISSING_COLUMNS`."""
    rows = []
    clerks = plan.solution.clerks.sum(axis=2)
    for h, hall in enumerate(month.scenario.halls):
        own = [s for s, part in enumerate(parts) if part.hall == h]
        for p, span in enumerate(plan.spans):
            for goal in GOALS:
                limit = target_of(month.scenario, hall, goal.value)
                if limit is not None and own:
                    steps = _Steps(parts, fresh, own, clerks[p], span, goal)
                    found = _missing(steps, goal, limit, confidence)
                    if found is not None:
                        rows.append((hall.hall, p, goal.name, limit, *found))
    table = pd.DataFrame(rows, columns=MISSING_COLUMNS)
    return table.astype({name: "Int64" for name in MISSING_COLUMNS if name.startswith("missing")})


def _missing(
    steps: _Steps, goal: Goal, limit: float, confidence: float
) -> tuple[float, int | None, int | None, int | None, str] | None:
    """The estimate under the plan, clerks missing by it and by the ends of its interval, and who."""
    here = float(interval(steps.ratio(0), confidence)[0])
    if not goal.sign * here > goal.sign * limit:
        return None
    ends = np.array([interval(steps.ratio(k), confidence) for k in range(len(steps))])
    kept = goal.sign * ends <= goal.sign * limit  # [K, 3]: mean, lo, hi
    number = [int(np.argmax(good)) if good.any() else None for good in kept.T]
    best, worst = (1, 2) if goal.sign > 0 else (2, 1)
    who = "" if number[0] is None else steps.who(number[0])
    return here, number[0], number[best], number[worst], who


class _Steps:
    """A target of a hall with 0, 1, … clerks more, shared out among its stations as is best for it."""

    def __init__(
        self, parts: list[Station], fresh: WaitingTables, own: Sequence[int], clerks: Ints,
        span: Span, goal: Goal,
    ) -> None:  # fmt: skip
        first, last = span
        self._parts, self._goal = [parts[s] for s in own], goal
        self._sums = []  # by station: [R, clerks more, fields]
        for s in own:
            n = int(clerks[s] - fresh.lower[s])
            size = int(fresh.upper[s] - fresh.lower[s]) + 1 if parts[s].groups else n + 1
            self._sums.append(fresh.values[:, first : last + 1, s, n:size].sum(axis=1))

    def __len__(self) -> int:
        return len(self._splits)

    def ratio(self, more: int) -> Floats:
        """[R]: the ratio that the target bounds."""
        split = self._splits[more] if more else (0,) * len(self._sums)
        above, below = (
            np.sum([x[:, n, field] for x, n in zip(self._sums, split, strict=True)], axis=0)
            for field in (self._goal.above, self._goal.below)
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            found: Floats = above / below
        return found

    def who(self, more: int) -> str:
        """How many of which skill groups that is."""
        counts: dict[str, int] = {}
        for part, n in zip(self._parts, self._splits[more], strict=True):
            if n:
                groups = "/".join(part.groups)
                counts[groups] = counts.get(groups, 0) + n
        return "|".join(f"{groups}={n}" for groups, n in counts.items())

    @functools.cached_property
    def _splits(self) -> list[tuple[int, ...]]:
        """How 0, 1, … clerks more are shared out: with the visitors of today's queues, exactly."""
        below = np.sum([x[:, 0, self._goal.below] for x in self._sums], axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = [x[..., self._goal.above] / below[:, None] for x in self._sums]
        return best_splits([self._goal.sign * np.nanmean(x, axis=0) for x in shares])
