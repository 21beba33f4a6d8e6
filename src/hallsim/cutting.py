"""How far windows and clerks can be cut: what the wait becomes with every number of them.

`cut` simulates what a month costs at every station with every number of windows and clerks, finds
for each number of windows in the district the best ones to close with clerks reassigned to match
(`hallsim.closures`), and simulates each of these choices on visitors that the choice never saw,
beside two rules of thumb.  The *knee* of a target is the fewest windows with which it holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hallsim.checks import parse_month
from hallsim.closures import Choice, Closures, ClosureTables
from hallsim.demand import Floats, Month, expect
from hallsim.draw import Chance
from hallsim.measure import Measures, interval, target_of
from hallsim.outcomes import Outcome, Staffed, can_look_up, outcomes
from hallsim.planning import Stage, home_by_day, periods_of, working_days
from hallsim.problems import Place, Problem, ScenarioProblems, nearest
from hallsim.records import ALL_ITEMS, Ints
from hallsim.scenario import MACHINE, Scenario, Target, Windows
from hallsim.simulate import simulate_staffings
from hallsim.staff import StaffingTables, street_numbers
from hallsim.stations import Station, group_names, head_count, home_of_stations, stations
from hallsim.waiting import waiting_tables

if TYPE_CHECKING:
    from hallsim.cut_figures import CutPlots

MEASURES = ("mean_wait_min", "p90_wait_min", "within_share", "lost")
"""What is told of every choice."""
RULES = ("best", "proportional", "least_used")
"""How windows to close are chosen; clerks are reassigned as is best under each."""
_MISSING = {"mean_wait": "halls_over_mean_wait", "within": "halls_under_within"}
_CHUNK = 12
"""Staffings simulated together: as many results are in memory at once."""
_CLERK_LEVELS, _MAP_LEVELS = 40, 10

Samples = dict[str, Floats]
"""Measure to its value in every replication."""


@dataclass(frozen=True)
class Goal:
    """One target: a limit on a measure, in the whole district or in the halls of a tier.

    Attributes:
        name: `mean_wait` or `within`; tier: `*` or a tier.
        limit: minutes at most, or share at least; within_minutes: of `within`.
    """

    name: str
    tier: str
    limit: float
    within_minutes: float | None = None

    @property
    def measure(self) -> str:
        """What it limits."""
        return "mean_wait_min" if self.name == "mean_wait" else "within_share"

    @property
    def key(self) -> str:
        """Its column among the measures of a choice."""
        return self.measure if self.tier == "*" else f"{self.measure}@{self.tier}"

    def holds(self, lo: float, hi: float) -> bool:
        """Whether the whole interval is on the right side."""
        return hi <= self.limit if self.name == "mean_wait" else lo >= self.limit


@dataclass(frozen=True)
class Cut:
    """What cutting windows and clerks does in a month; estimates carry mean, lo and hi.

    Attributes:
        scenario: as it was read; month: `YYYY-MM`; hall: the only hall in which windows are cut.
        merged: ids of the halls whose windows were taken to serve every item of the hall.
        windows, clerks: how many there are today.
        today: the halls as they are, with clerks where they are: measure, mean, lo, hi.
        table: study (`windows`, `clerks`, `map`), rule, windows, clerks, measure, mean, lo, hi.
        plans: study, rule, windows, clerks, hall, open, staff: windows and clerks by hall.
        knees: study, target, tier, limit, within_minutes, least, why, at, mean, lo, hi: the fewest
            windows (or clerks) with which the target holds, none if it never does; the estimate is
            the one at `at`, the first number with which it is not sure.
        gap: how far any choice may be from the best one by its tables, as a share of the cost.
    """

    scenario: Scenario
    month: str
    hall: str | None
    merged: tuple[str, ...]
    windows: int
    clerks: int
    today: pd.DataFrame
    table: pd.DataFrame
    plans: pd.DataFrame
    knees: pd.DataFrame
    gap: float
    replications: int
    confidence: float
    provisional: bool
    meta: dict[str, Any] = field(default_factory=dict)

    def curve(
        self, measure: str = "mean_wait_min", rule: str = "best", study: str = "windows"
    ) -> pd.DataFrame:
        """One line of the figure: windows, clerks, mean, lo, hi, most windows first."""
        t = self.table
        rows = t[(t.study == study) & (t.rule == rule) & (t.measure == measure)]
        return rows[["windows", "clerks", "mean", "lo", "hi"]].reset_index(drop=True)

    def closed(self, windows: int, rule: str = "best") -> dict[str, int]:
        """Hall to windows closed when so many are left; halls that keep all are left out."""
        p, every = self.plans, self.windows_by_hall()
        here = p[(p.study == "windows") & (p.rule == rule) & (p.windows == windows)]
        left = {str(h): int(n) for h, n in zip(here["hall"], here["open"], strict=True)}
        return {h: every[h] - n for h, n in left.items() if every.get(h, 0) > n}

    def windows_by_hall(self) -> dict[str, int]:
        """Windows with clerks today."""
        found: dict[str, int] = {}
        for row in self.scenario.windows:
            if row.kind != MACHINE:
                found[row.hall] = found.get(row.hall, 0) + row.count
        return found

    @property
    def plot(self) -> CutPlots:
        """Figures: `.plot()` for the curve, `.plot.clerks()`, `.plot.map()`; each takes `ax`."""
        from hallsim.cut_figures import CutPlots

        return CutPlots(self)

    def __repr__(self) -> str:
        first, last = self.curve().iloc[0], self.curve().iloc[-1]
        return (
            f"Cut {self.scenario.name} {self.month}: {first.windows:.0f} -> {last.windows:.0f} "
            f"windows, mean wait {first['mean']:.1f} -> {last['mean']:.1f} min"
        )


def cut(
    scenario: Scenario,
    month: str,
    *,
    most: int | None = None,
    fewest: int | None = None,
    hall: str | None = None,
    merge: bool = True,
    seed: int | None = None,
    replications: int | None = None,
    table_replications: int | None = None,
    jobs: int = 1,
    progress: Stage = lambda stage, done, total: None,
) -> Cut:
    """The effect of cutting windows, and clerks, in a month.

    Args:
        scenario: windows and clerks as they are today.
        month: `YYYY-MM`.
        most, fewest: windows at the beginning and the end of the curve; None for all there are,
            and for the fewest with which every item is still served where it is asked for.
        hall: cut in this hall only.
        merge: where a hall has windows for different items, those that are left serve all of them;
            else they keep their items.
        seed, replications, table_replications: as the scenario's `run` where not given.
        jobs: threads; the result does not depend on it.
        progress: called with stage, finished, of how many.

    Raises:
        ScenarioProblems: a month, hall or number of windows that there is not.
        ClosedMonth: a month in which no hall opens.
        NoPlan: no staffing satisfies the minimum staffing.
    """
    run = scenario.run
    study = _Study(
        scenario, month, hall, merge, run.seed if seed is None else seed,
        replications or run.replications, table_replications or run.table_replications,
        jobs, progress,
    )  # fmt: skip
    top, end = study.range(most, fewest)
    study.prepare(end)
    choices = dict(study.curve(top, end))
    if hall is None:
        choices |= study.fewer_clerks(top, end)
    found = study.simulate(choices)
    return study.told(choices, found)


_Key = tuple[str, str, int, int]
"""Study, rule, windows, clerks."""


class _Study:
    """One run of `cut`: the district, its tables and the choices made with them."""

    def __init__(
        self, scenario: Scenario, month: str, hall: str | None, merge: bool, seed: int,
        replications: int, table_replications: int, jobs: int, progress: Stage,
    ) -> None:  # fmt: skip
        self.seed, self.replications, self.table_replications = (
            seed, replications, table_replications,
        )  # fmt: skip
        self.jobs, self.progress, self.hall = jobs, progress, hall
        year_and_month = parse_month(month)
        halls = [h.hall for h in scenario.halls]
        if hall is not None and hall not in halls:
            problem = Problem(
                "unknown_hall", Place("--hall"), value=hall, suggestion=nearest(hall, halls)
            )
            raise ScenarioProblems([problem])
        progress("calendar", 0, 1)
        self.today = scenario
        self.scenario, self.merged = merged(scenario, hall) if merge else (scenario, ())
        self.month = expect(self.scenario, *year_and_month)
        periods_of(self.month, "month")  # raises where no hall opens
        self.month_today = expect(scenario, *year_and_month) if self.merged else self.month
        self.parts = stations(self.scenario)
        self.manned = [s for s, part in enumerate(self.parts) if not part.machine]
        progress("calendar", 1, 1)
        self.every = np.array([len(self.parts[s].windows) for s in self.manned])
        at_hall = np.array([hall in (None, halls[self.parts[s].hall]) for s in self.manned])
        self.most = self.every
        self.fewest = np.where(at_hall, _needed(self.month, self.parts)[self.manned], self.every)
        self.others = int(self.every[~at_hall].sum())
        self.clerks = int(head_count(self.scenario, "count").sum())

    def total(self, windows: int) -> int:
        """All windows of the district when the curve says so many: with --hall, those of a hall."""
        return windows + self.others

    def range(self, most: int | None, fewest: int | None) -> tuple[int, int]:
        """First and last number of windows of the curve.

        Raises:
            ScenarioProblems: all that is wrong with the two.
        """
        there, least = (int(n.sum()) - self.others for n in (self.every, self.fewest))
        problems = []
        if most is not None and most > there:
            problems.append(Problem("windows_most", Place("--from"), "", most, {"count": there}))
        for name, value in (("--from", most), ("--to", fewest)):
            if value is not None and value < least:
                problems.append(Problem("windows_fewest", Place(name), "", value, {"count": least}))
        top, end = there if most is None else most, least if fewest is None else fewest
        if end > top and not problems:
            problems.append(Problem("windows_order", Place("--to"), "", end, {"count": top}))
        if problems:
            raise ScenarioProblems(problems)
        return top, end

    # Tables and choices -----------------------------------------------------------------------

    def prepare(self, end: int) -> None:
        """Simulate what a month costs, and work out the best choices down to so many windows."""
        tables = self._tables()
        self.progress("solve", 0, 1)
        self.closures = Closures(tables, int(self.most.sum()) - self.total(end))
        self.progress("solve", 1, 1)

    def _tables(self) -> ClosureTables:
        scenario, month, parts = self.scenario, self.month, self.parts
        goal, days = scenario.objective, len(self.month.dates)
        windows = np.array([len(p.windows) for p in parts], np.int64)
        by_open = waiting_tables(
            month, parts, np.zeros_like(windows), windows, seed=self.seed, by_windows=True,
            replications=self.table_replications, jobs=self.jobs,
            progress=lambda done: self.progress("tables", done, self.table_replications),
        ).costs(goal.lost_minutes, goal.overtime_weight)  # fmt: skip
        upper = _most_clerks(scenario, parts)
        chance = Chance(month, parts, self.seed, "plan")
        present = np.array(
            [
                [
                    chance.windows_open(np.tile(np.minimum(n, upper), days), r).reshape(days, -1)
                    for n in range(int(upper.max()) + 1)
                ]
                for r in range(self.table_replications)
            ]
        )
        groups = group_names(scenario)
        manned = [parts[s] for s in self.manned]
        district = StaffingTables(
            halls=tuple(h.hall for h in scenario.halls),
            street=street_numbers(scenario),
            groups=groups,
            home=head_count(scenario, "count"),
            minimum=head_count(scenario, "minimum"),
            station_hall=np.array([p.hall for p in manned], np.int64),
            station_groups=tuple(tuple(groups.index(g) for g in p.groups) for p in manned),
            lower=np.zeros(len(manned), np.int64),
            cost=(),
            days=np.array([len(working_days(month))]),
            transfers=scenario.transfers,
        )
        cost = tuple(
            cost_by_both(by_open[:, :, s, : windows[s] + 1], present[:, : upper[s] + 1, :, s])
            for s in self.manned
        )
        return ClosureTables(district, cost, self.fewest, self.most)

    def curve(self, top: int, end: int) -> Iterator[tuple[_Key, Choice]]:
        """The choices for every number of windows, best and by the rules of thumb."""
        numbers = range(top, end - 1, -1)
        rules: dict[str, Callable[[int], Choice]] = {
            "best": lambda n: self.closures.best(self.total(n), self.clerks)
        }
        if self.hall is None:
            for name, weight in (("proportional", self._even), ("least_used", self._busy())):
                left = dict(self._one_by_one(weight))
                rules[name] = self._with_windows(left)
        for k, (rule, choose) in enumerate(rules.items()):
            for done, n in enumerate(numbers, 1):
                self.progress("choose", k * len(numbers) + done, len(rules) * len(numbers))
                yield ("windows", rule, n, self.clerks), choose(n)

    def _with_windows(self, left: Mapping[int, Ints]) -> Callable[[int], Choice]:
        return lambda n: self.closures.staffed(left[n], self.clerks)

    def _one_by_one(self, weight: Callable[[Ints], Floats]) -> Iterator[tuple[int, Ints]]:
        """Windows left when one after another closes at the station of least weight."""
        left = self.most.copy()
        yield int(left.sum()), left.copy()
        while (left > self.fewest).any():
            left[np.argmin(np.where(left > self.fewest, weight(left), np.inf))] -= 1
            yield int(left.sum()), left.copy()

    def _even(self, left: Ints) -> Floats:
        """Where the smallest share has been closed: Webster's rule, backwards."""
        shares: Floats = -(left - 0.5) / self.most
        return shares

    def _busy(self) -> Callable[[Ints], Floats]:
        """How busy each window is when today's work falls to those that are left."""
        scenario, month = self.today, self.month_today
        parts = stations(scenario)
        home = simulate_staffings(
            month, {"home": home_by_day(month, parts)}, seed=self.seed, purpose="plan",
            replications=self.table_replications, jobs=self.jobs,
        )["home"]  # fmt: skip
        work = home.station_sums("work_s").mean(axis=0)
        here = np.array(
            [
                sum(
                    work[k]
                    for k, part in enumerate(parts)
                    if part.hall == self.parts[s].hall and _inside(part, self.parts[s])
                )
                for s in self.manned
            ]
        )
        return lambda left: here / np.maximum(left, 1)

    def fewer_clerks(self, top: int, end: int) -> dict[_Key, Choice]:
        """The choices with fewer clerks, alone and together with fewer windows."""
        there = self.clerks
        least = max(
            self.closures.fewest_clerks(self.total(top)), math.ceil(there * end / max(top, 1))
        )
        found: dict[_Key, Choice] = {}
        for n in sorted({round(x) for x in np.linspace(there, least, _CLERK_LEVELS)}, reverse=True):
            found["clerks", "best", top, n] = self.closures.best(self.total(top), n)
        for n in _levels(there, least, _MAP_LEVELS):
            for windows in _levels(top, end, _MAP_LEVELS):
                key = ("map", "best", windows, n)
                found[key] = self.closures.best(self.total(windows), n)
        return found

    # The check on fresh visitors ------------------------------------------------------------

    def simulate(self, choices: Mapping[_Key, Choice]) -> dict[_Key, Samples]:
        """What each choice does on visitors of purpose `verify`; equal ones are simulated once."""
        same: dict[tuple[bytes, bytes], list[_Key]] = {}
        for key, choice in choices.items():
            same.setdefault((choice.windows.tobytes(), choice.clerks.tobytes()), []).append(key)
        different = list(same.values())
        found: dict[_Key, Samples] = {}
        if can_look_up(self.month):
            looked_up = self._look_up([choices[keys[0]] for keys in different])
            for keys, samples in zip(different, looked_up, strict=True):
                found |= dict.fromkeys(keys, samples)
            return found
        for first in range(0, len(different), _CHUNK):
            chunk = different[first : first + _CHUNK]
            measured = self._simulate_some([choices[keys[0]] for keys in chunk])
            for keys, samples in zip(chunk, measured, strict=True):
                found |= dict.fromkeys(keys, samples)
            self.progress("verify", min(first + _CHUNK, len(different)), len(different))
        return found

    def _look_up(self, choices: list[Choice]) -> list[Samples]:
        halls = [h.hall for h in self.today.halls]
        own = None if self.hall is None else np.array([halls.index(self.hall)])
        found = outcomes(
            self.month, self.parts, [self._staffed(choice) for choice in choices], seed=self.seed,
            purpose="verify", replications=self.replications, halls=own, jobs=self.jobs,
            progress=lambda done: self.progress("verify", done, self.replications),
        )  # fmt: skip
        return [self._looked_up(outcome, own) for outcome in found]

    def _looked_up(self, outcome: Outcome, own: Ints | None) -> Samples:
        """The same as `_samples`."""
        found = {
            name: outcome.p90_s / 60 if name == "p90_wait_min" else outcome.values(name, own)
            for name in MEASURES
        }
        if own is not None:
            return found | {"district_mean_wait_min": outcome.values("mean_wait_min")}
        tiers = np.array([h.tier for h in self.today.halls])
        for goal in self.goals():
            if goal.tier != "*":
                here = np.flatnonzero(tiers == goal.tier)
                found[goal.key] = outcome.values(goal.measure, here)
        for name in ("mean_wait_min", "within_share"):
            found[f"{name} by hall"] = outcome.by_hall(name)
        return found

    def _staffed(self, choice: Choice) -> Staffed:
        """The choice for all stations, machines among them."""
        staff = np.zeros(len(self.parts), np.int64)
        left = np.array([len(p.windows) for p in self.parts], np.int64)
        staff[self.manned], left[self.manned] = choice.clerks, choice.windows
        return Staffed(staff, left)

    def _simulate_some(self, choices: list[Choice]) -> list[Samples]:
        days = len(self.month.dates)
        clerks, windows = {}, {}
        for k, choice in enumerate(choices):
            staff, left = self._staffed(choice)
            clerks[str(k)], windows[str(k)] = np.tile(staff, (days, 1)), left
        measured = simulate_staffings(
            self.month, clerks, seed=self.seed, purpose="verify", windows=windows,
            replications=self.replications, confidence=self.today.run.confidence, jobs=self.jobs,
        )  # fmt: skip
        return [self._samples(m) for m in measured.values()]

    def _samples(self, measures: Measures) -> Samples:
        by, place = "district", 0
        if self.hall is not None:
            by, place = "hall", [h.hall for h in self.today.halls].index(self.hall)
        found = {name: measures.samples(name, by)[:, place] for name in MEASURES}
        if self.hall is not None:
            found["district_mean_wait_min"] = measures.samples("mean_wait_min")[:, 0]
        else:
            tiers = list(measures.table("tier")["tier"].unique())
            for goal in self.goals():
                if goal.tier != "*":
                    found[goal.key] = measures.samples(goal.measure, "tier")[
                        :, tiers.index(goal.tier)
                    ]
            for name in ("mean_wait_min", "within_share"):
                found[f"{name} by hall"] = measures.samples(name, "hall")
        return found

    def goals(self) -> list[Goal]:
        """The targets, in the order of the scenario; with --hall those of the hall."""
        if self.hall is None:
            return [g for target in self.today.targets for g in _goals(target, target.tier)]
        (own,) = (h for h in self.today.halls if h.hall == self.hall)
        wait, minutes, share = (
            target_of(self.today, own, name)
            for name in ("mean_wait_minutes", "within_minutes", "share")
        )
        found = [Goal("mean_wait", "*", wait)] if wait is not None else []
        return found + ([Goal("within", "*", share, minutes)] if share is not None else [])

    # What is told ---------------------------------------------------------------------------

    def told(self, choices: Mapping[_Key, Choice], found: Mapping[_Key, Samples]) -> Cut:
        """Everything as tables."""
        parts = stations(self.today)
        home = simulate_staffings(
            self.month_today, {"home": home_by_day(self.month_today, parts)}, seed=self.seed,
            purpose="verify", replications=self.replications, jobs=self.jobs,
        )["home"]  # fmt: skip
        rows = [(*key, *row) for key in choices for row in self._estimates(key, found)]
        table = pd.DataFrame(
            rows, columns=["study", "rule", "windows", "clerks", "measure", "mean", "lo", "hi"]
        )
        today = self._rows(self._samples(home))
        return Cut(
            scenario=self.today, month=self.month.label, hall=self.hall, merged=self.merged,
            windows=int(self.every.sum()) - self.others, clerks=self.clerks,
            today=pd.DataFrame(today, columns=["measure", "mean", "lo", "hi"]),
            table=table, plans=self._plans(choices), knees=self._knees(table),
            gap=max(choice.gap for choice in choices.values()), replications=self.replications,
            confidence=self.today.run.confidence, provisional=self.month.provisional,
            meta={"seed": self.seed, "table_replications": self.table_replications},
        )  # fmt: skip

    def _estimates(self, key: _Key, found: Mapping[_Key, Samples]) -> list[tuple[Any, ...]]:
        rows = self._rows(found[key])
        study, rule, windows, clerks = key
        if rule != "best":
            best = found[study, "best", windows, clerks]
            longer = found[key]["mean_wait_min"] - best["mean_wait_min"]
            rows.append(("longer_than_best_min", *self._interval(longer)))
        return rows

    def _rows(self, samples: Samples) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = []
        for name, values in samples.items():
            if values.ndim == 1:
                rows.append((name, *self._interval(values)))
        if "mean_wait_min by hall" in samples:
            rows += self._halls_missing(samples)
        return rows

    def _interval(self, values: Floats) -> tuple[float, float, float]:
        mean, lo, hi = interval(values, self.today.run.confidence)
        return float(mean), float(lo), float(hi)

    def _halls_missing(self, samples: Samples) -> Iterator[tuple[Any, ...]]:
        """How many halls miss their own target: by their estimate, surely, possibly."""
        for name, value, sign in (("mean_wait", "mean_wait_minutes", 1), ("within", "share", -1)):
            limits = [target_of(self.today, h, value) for h in self.today.halls]
            if all(limit is None for limit in limits):
                continue
            limit = np.array([math.nan if x is None else x for x in limits])
            measure = "mean_wait_min" if name == "mean_wait" else "within_share"
            ends = interval(samples[f"{measure} by hall"], self.today.run.confidence)
            mean, lo, hi = (int((sign * x > sign * limit).sum()) for x in ends)
            yield _MISSING[name], mean, min(lo, hi), max(lo, hi)

    def _plans(self, choices: Mapping[_Key, Choice]) -> pd.DataFrame:
        halls = [h.hall for h in self.today.halls]
        own = np.array([self.parts[s].hall for s in self.manned], np.int64)
        rows = []
        for key, choice in choices.items():
            left, staff = (
                np.bincount(own, x, len(halls)).astype(int) for x in (choice.windows, choice.clerks)
            )
            rows += [(*key, h, left[k], staff[k]) for k, h in enumerate(halls)]
        return pd.DataFrame(
            rows, columns=["study", "rule", "windows", "clerks", "hall", "open", "staff"]
        )

    def _knees(self, table: pd.DataFrame) -> pd.DataFrame:
        rows = []
        for study in ("windows", "clerks"):
            for goal in self.goals():
                line = table[
                    (table.study == study) & (table.rule == "best") & (table.measure == goal.key)
                ].sort_values(study, ascending=False)
                if len(line):
                    rows.append((study, goal.name, goal.tier, goal.limit, goal.within_minutes,
                                 *knee(goal, line[study], line)))  # fmt: skip
        return pd.DataFrame(
            rows, columns=["study", "target", "tier", "limit", "within_minutes",
                           "least", "why", "at", "mean", "lo", "hi"],
        )  # fmt: skip


def knee(
    goal: Goal, numbers: Iterable[int], line: pd.DataFrame
) -> tuple[int | None, str, int, float, float, float]:
    """The fewest for which the target holds with confidence, as it does for every larger number.

    Args:
        goal: the target.
        numbers: of windows or clerks, falling.
        line: mean, lo, hi for each of them.

    Returns:
        The number or None; why (`never`: not with the most, `limit`: with one step fewer it is not
        sure, `always`: it holds down to the end of the range); the number that decides, and its
        estimate.
    """
    least = None
    last: tuple[int, float, float, float] | None = None
    for n, mean, lo, hi in zip(numbers, line["mean"], line["lo"], line["hi"], strict=True):
        last = (int(n), float(mean), float(lo), float(hi))
        if not goal.holds(lo, hi):
            return least, "never" if least is None else "limit", *last
        least = int(n)
    assert last is not None
    return least, "always", *last


def _goals(target: Target, tier: str) -> list[Goal]:
    found = []
    if target.mean_wait_minutes is not None:
        found.append(Goal("mean_wait", tier, target.mean_wait_minutes))
    if target.share is not None:
        found.append(Goal("within", tier, target.share, target.within_minutes))
    return found


def cost_by_both(by_open: Floats, present: Ints) -> Floats:
    """[N, W + 1]: mean cost of a month by clerks assigned and windows left.

    Args:
        by_open: [R, D, W + 1] cost of a day with so many windows open.
        present: [R, N, D] windows that the clerks present could staff if all were left.
    """
    columns = []
    for windows in range(by_open.shape[2]):
        opened = np.minimum(present, windows).transpose(0, 2, 1)
        columns.append(np.take_along_axis(by_open, opened, axis=2).sum(axis=1).mean(axis=0))
    return np.stack(columns, axis=1)


def merged(scenario: Scenario, hall: str | None = None) -> tuple[Scenario, tuple[str, ...]]:
    """The scenario with one kind of window in every hall (or in one), and the halls that changed.

    Where a hall has windows for different items, all of them come to serve the items of all.  Kind,
    name and speed are those of the hall's row of comprehensive windows, if it has one, even of
    none; else the speed is the mean.  Clerks are taken to be trained for it, and where every kind
    of window needed somebody the minimum staffing falls by one for every kind that goes.
    """
    rows: list[Windows] = []
    changed: list[str] = []
    gone: dict[str, int] = {}
    for h in scenario.halls:
        own = [w for w in scenario.windows if w.hall == h.hall]
        manned = [w for w in own if w.kind != MACHINE and w.count]
        kinds = len({frozenset(w.items) for w in manned})
        if hall not in (None, h.hall) or kinds < 2:
            rows += own
            continue
        changed.append(h.hall)
        gone[h.hall] = kinds - 1
        count = sum(w.count for w in manned)
        wide = [w for w in own if w.kind == "comprehensive"]
        speed = round(sum(w.speed * w.count for w in manned) / count)
        items = tuple(dict.fromkeys(i for w in (*manned, *wide) for i in w.items))
        whole = wide[0] if wide else manned[0].model_copy(
            update={"kind": "comprehensive", "label": "", "speed": max(1, speed)}
        )  # fmt: skip
        items = ("*",) if "*" in items else items
        rows.append(whole.model_copy(update={"count": count, "items": items}))
        rows += [w for w in own if w.kind == MACHINE]
    if not changed:
        return scenario, ()
    clerks = []
    for row in scenario.clerks:
        less = min(gone.get(row.hall, 0), max(0, row.minimum - 1))
        gone[row.hall] = gone.get(row.hall, 0) - less
        clerks.append(row.model_copy(update={"skills": ("*",), "minimum": row.minimum - less}))
    new = scenario.model_copy(update={"windows": tuple(rows), "clerks": tuple(clerks)})
    return new, tuple(changed)


def _needed(month: Month, parts: list[Station]) -> Ints:
    """[S] windows without which an item would not be served that is asked for in the month."""
    return np.array([_needed_at(month, part) for part in parts], np.int64)


def _needed_at(month: Month, part: Station) -> int:
    scenario = month.scenario
    names = [item.item for item in scenario.items]
    asked = {i for i in range(len(names)) if month.mean[:, part.hall, i].sum() > 0}
    for _ in names:  # and what comes after it in a visit
        asked |= {names.index(scenario.items[i].next) for i in asked if scenario.items[i].next}
    wanted = sum(1 << i for i in asked) & part.items
    covered = 0
    for k, window in enumerate(part.windows):
        if wanted & ~covered == 0:
            return k
        covered |= window.items
    return len(part.windows)


def _inside(part: Station, whole: Station) -> bool:
    """Whether the windows of a station are among those of another, which may be merged."""
    return not part.machine and (whole.items == ALL_ITEMS or part.items & ~whole.items == 0)


def _most_clerks(scenario: Scenario, parts: list[Station]) -> Ints:
    """[S] number of clerks beyond which one more changes nothing."""
    at_window = (1 - scenario.staffing.leave_rate) * (1 - scenario.staffing.other_duty_rate)
    seated = [math.ceil(len(p.windows) / max(at_window, 0.05)) + 2 for p in parts]
    manned = np.array([not p.machine for p in parts])
    most: Ints = np.maximum(home_of_stations(scenario, parts), seated) * manned
    return most


def _levels(first: int, last: int, count: int) -> list[int]:
    """Whole numbers from first down to last, `count` at most, closer where they are small."""
    steps = np.geomspace(max(first, 1), max(last, 1), count)
    return sorted({first, last} | {round(x) for x in steps[1:-1]}, reverse=True)
