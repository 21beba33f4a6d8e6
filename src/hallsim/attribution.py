"""Which reform bought which minute: what each of several reforms brought, with its interval.

Two named scenarios of a folder differ in overrides; these are the reforms.  Every combination of
them is simulated on the same visitors, and the difference between all and none is shared out by
Shapley value: what a reform brings on average over all orders in which they could be introduced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hallsim import shapley
from hallsim.checks import parse_month
from hallsim.claim_file import FILE, read_claims
from hallsim.demand import Floats
from hallsim.measure import MEASURES, Measures, interval, measures_of
from hallsim.planning import ClosedMonth, staffed
from hallsim.problems import Place, Problem, ScenarioProblems, nearest
from hallsim.reading import Source
from hallsim.scenario import Scenario
from hallsim.simulate import in_parallel
from hallsim.staff import NoPlan
from hallsim.text import Language, translator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 8
"""Reforms at most: their 256 combinations are all simulated."""
REPLICATIONS, TABLE_REPLICATIONS = 10, 8
"""Simulated months, and months for the waiting tables, of every combination."""
MORE_IS_BETTER = frozenset({"served", "within_share"})
NEITHER_IS_BETTER = frozenset({"visitors", "utilisation"})
KINDS = ("only_together", "help", "hinder", "overlap", "")
"""What two reforms do to each other; empty where chance may explain it."""
Progress = Callable[[str, int, int], None]
Estimate = tuple[float, float, float]
"""Mean, lo and hi."""


@dataclass(frozen=True)
class Reform:
    """One step from before to after: overrides that come, and overrides that go."""

    name: str
    adds: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attribution:
    """What each reform brought.

    Attributes:
        scenario: the district before the reforms.
        before, after: names of the two scenarios.
        reforms: k of them, in the order of `after`.
        months: `YYYY-MM`, taken together.
        measure: one of `hallsim.measure.MEASURES`, of the district.
        values: [replications, 2**k]: the measure under every combination, on the same visitors;
            reform i is done where bit i of the index is set.
        confidence: of the intervals.
        lost: visitors who left unserved, before and after: mean, lo, hi.
        titles: what people call scenarios and reforms: name to language to title.
        notes: what is worth knowing about the two scenarios.
        meta: seed and numbers of replications.
    """

    scenario: Scenario
    before: str
    after: str
    reforms: tuple[Reform, ...]
    months: tuple[str, ...]
    measure: str
    values: Floats
    confidence: float = 0.95
    lost: tuple[Estimate, ...] = ()
    titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def replications(self) -> int:
        """Number of simulated months of every combination."""
        return len(self.values)

    @property
    def total(self) -> Estimate:
        """After minus before: mean and interval of the paired difference."""
        return self._estimate(self.values[:, -1] - self.values[:, 0])

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row per reform: reform, mean, lo, hi, share, and the same of `alone` and `last`.

        `mean` is the Shapley value; the means sum to `total`, of which `share` is a part (nan where
        the interval of the total holds 0).  `alone`: introduced first, before all others; `last`:
        introduced when all others are in place.
        """
        parts = _without_noise(shapley.shares(self.values), self.values)
        total, lo, hi = self.total
        every = (1 << len(self.reforms)) - 1
        rows = []
        for i, reform in enumerate(self.reforms):
            mean, low, high = self._estimate(parts[:, i])
            alone = self._gain(0, 1 << i)
            last = self._gain(every ^ 1 << i, every)
            share = mean / total if lo > 0 or hi < 0 else np.nan
            rows.append((reform.name, mean, low, high, share, *alone, *last))
        columns = ["reform", "mean", "lo", "hi", "share"]
        columns += [f"{a}{b}" for a in ("alone", "last") for b in ("", "_lo", "_hi")]
        return pd.DataFrame(rows, columns=columns)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """A row per pair: first, second, kind, interaction, lo, hi, alone_first, …, together, ….

        `interaction` is the Shapley interaction index: what both bring beyond the sum of their own
        effects, averaged over what the other reforms are; its intervals hold for all pairs at the
        same time (Bonferroni).  `alone_first`, `alone_second` and `together` start from before.
        `kind` is one of `KINDS`; `docs/attribute.md` says when.
        """
        index = _without_noise(shapley.interactions(self.values), self.values)
        rows: list[tuple[Any, ...]] = []
        for j in range(len(self.reforms)):
            for i in range(j):
                both = self._estimate(index[:, i, j], self._strict)
                alone = self._gain(0, 1 << i), self._gain(0, 1 << j)
                together = self._gain(0, 1 << i | 1 << j)
                names = self.reforms[i].name, self.reforms[j].name
                kind = self._kind(i, j, both)
                rows.append((*names, kind, *both, *alone[0], *alone[1], *together))
        estimates = ("interaction", "alone_first", "alone_second", "together")
        columns = [name + end for name in estimates for end in ("", "_lo", "_hi")]
        columns[1:3] = ["lo", "hi"]
        return pd.DataFrame(rows, columns=["first", "second", "kind", *columns])

    @cached_property
    def combinations(self) -> pd.DataFrame:
        """The measure under every combination: a column of True and False per reform, mean, lo, hi."""
        mean, lo, hi = interval(self.values, self.confidence)
        masks = range(self.values.shape[1])
        done = {r.name: [bool(m >> i & 1) for m in masks] for i, r in enumerate(self.reforms)}
        return pd.DataFrame(done | {"mean": mean, "lo": lo, "hi": hi})

    def plot(self, ax: Axes | None = None, language: Language | None = None) -> Axes:
        """The way from before to after, reform by reform, with intervals."""
        from hallsim.attribution_report import waterfall

        return waterfall(self, ax, language)

    def title(self, name: str, language: Language) -> str:
        """What people call a scenario or a reform; its name where nobody said."""
        reform = next((r for r in self.reforms if r.name == name), None)
        if name in self.titles or reform is None:
            return self.titles.get(name, {}).get(language) or name
        names = reform.adds or reform.drops
        if name not in ("+".join(names), f"without {'+'.join(names)}"):
            return name
        if reform.adds:
            return " + ".join(self.titles.get(n, {}).get(language) or n for n in names)
        return " + ".join(self._undone(n, language) for n in names)

    def _undone(self, name: str, language: Language) -> str:
        _ = translator("attribution", language)
        titles = self.titles.get(name, {})
        usual = _("without {name}").format(name=titles.get(language) or name)
        return titles.get(f"without_{language}") or usual

    def better(self) -> int:
        """The sign of a change for the better; where neither is, that of the total."""
        if self.measure in NEITHER_IS_BETTER:
            return 1 if self.total[0] > 0 else -1
        return 1 if self.measure in MORE_IS_BETTER else -1

    @property
    def _strict(self) -> float:
        """The confidence of each pair, with which all pairs hold together."""
        k = len(self.reforms)
        return 1 - (1 - self.confidence) / max(k * (k - 1) // 2, 1)

    def _kind(self, i: int, j: int, index: Estimate) -> str:
        a, b = 1 << i, 1 << j
        own = [self._sign(self._gain(0, bit)) for bit in (a, b)]
        together = self._sign(self._gain(0, a | b, self._strict))
        beyond = self.values[:, a | b] - self.values[:, a] - self.values[:, b] + self.values[:, 0]
        extra = self._sign(self._estimate(_without_noise(beyond, self.values), self._strict))
        if max(own) <= 0 < together and extra > 0:
            return "only_together"
        better = max((a, b), key=lambda bit: self.better() * self._gain(0, bit)[0])
        if min(own) >= 0 > self._sign(self._gain(better, a | b, self._strict)):
            return "hinder"
        return {1: "help", -1: "overlap", 0: ""}[self._sign(index)]

    def _sign(self, estimate: Estimate) -> int:
        """1 for the better, -1 for the worse, 0 where the interval holds 0."""
        _, lo, hi = estimate
        return self.better() * ((lo > 0) - (hi < 0))

    def _gain(self, start: int, end: int, confidence: float | None = None) -> Estimate:
        gain = self.values[:, end] - self.values[:, start]
        return self._estimate(_without_noise(gain, self.values), confidence)

    def _estimate(self, samples: Floats, confidence: float | None = None) -> Estimate:
        return _estimate(samples, confidence or self.confidence)

    def __repr__(self) -> str:
        mean, lo, hi = self.total
        return (
            f"Attribution({self.scenario.name}, {self.before} -> {self.after}, "
            f"{', '.join(self.months)}: {self.measure} {mean:+.3g} [{lo:+.3g}, {hi:+.3g}])\n"
            + str(self.table.set_index("reform").round(3))
        )

    def _repr_html_(self) -> str:
        mean, lo, hi = self.total
        html: str = self.table.set_index("reform").round(2).to_html()
        return (
            f"<p>{self.before} → {self.after}, {self.measure}: {mean:+.2f} [{lo:+.2f}, {hi:+.2f}] "
            f"· n = {self.replications}</p>{html}"
        )


def attribute(
    path: str | Path,
    before: str = "before",
    after: str = "after",
    months: str | Sequence[str] = (),
    *,
    measure: str = "mean_wait_min",
    groups: Sequence[str] = (),
    sets: Sequence[str] = (),
    seed: int | None = None,
    replications: int = REPLICATIONS,
    table_replications: int = TABLE_REPLICATIONS,
    jobs: int = 1,
    progress: Progress = lambda stage, done, total: None,
) -> Attribution:
    """Share out the difference between two scenarios of a folder among the reforms between them.

    Args:
        path: folder of the district.
        before, after: entries of `scenarios`; `base` stands for no overrides where it is not given.
        months: `YYYY-MM`, one or several, which are taken together; default: those of the first claim
            in the folder's `claims.yaml` about these two scenarios, if possible about this measure.
        measure: one of `hallsim.measure.MEASURES`, of the district under `hallsim.planning.staffed`.
        groups: `NAME=A+B`: overrides that count as one reform.
        sets: `path=value` changes to both scenarios.
        seed: default: that of `before`.
        replications, table_replications: simulated months and months of the waiting tables of every
            combination.
        jobs: threads; the result does not depend on it.
        progress: called with stage, done, total.

    Raises:
        ScenarioProblems: with all that is wrong with the question, a scenario or a combination.
        ClosedMonth, NoPlan: a combination for which no hall opens, or that cannot be staffed.
    """
    source = Source(path)
    months = [months] if isinstance(months, str) else list(months)
    months = months or claimed_months(source.folder, before, after, measure)
    known = {"base": [], **source.scenarios()}
    if not {before, after} <= set(known):
        source.read(None, sets)  # no name is known of files that cannot be read: that is told first
    problems = [
        *_names_wrong(before, after, known), *_months_wrong(months), *_measure_wrong(measure)
    ]  # fmt: skip
    reforms: tuple[Reform, ...] = ()
    if before in known and after in known and before != after:
        reforms, wrong = reforms_between(known[before], known[after], groups, source.contradicts)
        problems += wrong or _number_wrong(reforms, before, after)
    if problems:
        raise ScenarioProblems(problems, str(path))
    notes: list[Problem] = []
    for name in (before, after):  # also tells what is wrong with overrides that neither has
        reading = source.read(name if known[name] else None, sets)
        notes += [n for n in reading.notes if n not in notes]
    scenarios = _combinations(source, known[before], known[after], reforms, sets, progress)
    found = attribute_scenarios(
        scenarios, reforms, months, before=before, after=after, measure=measure, seed=seed,
        replications=replications, table_replications=table_replications, jobs=jobs,
        progress=progress,
    )  # fmt: skip
    return dataclasses.replace(found, titles=source.titles(), notes=tuple(notes))


def attribute_scenarios(
    scenarios: Sequence[Scenario],
    reforms: Sequence[Reform],
    months: Sequence[str],
    *,
    before: str = "before",
    after: str = "after",
    measure: str = "mean_wait_min",
    seed: int | None = None,
    replications: int = REPLICATIONS,
    table_replications: int = TABLE_REPLICATIONS,
    jobs: int = 1,
    progress: Progress = lambda stage, done, total: None,
) -> Attribution:
    """As `attribute`, of the scenarios of all combinations: reform i is done where bit i is set."""
    base = scenarios[0]
    seed = base.run.seed if seed is None else seed

    def one(mask: int) -> tuple[Floats, Floats]:
        try:
            found = [
                staffed(
                    scenarios[mask], month, seed=seed, replications=replications,
                    table_replications=table_replications,
                )
                for month in months
            ]  # fmt: skip
            return pooled(found, measure), pooled(found, "lost")
        except (ClosedMonth, NoPlan) as problem:
            raise type(problem)(f"{_title(mask, reforms)}: {problem}") from problem

    total = len(scenarios)
    found = in_parallel(one, range(total), jobs, lambda done: progress("combinations", done, total))
    values, lost = (np.stack(arrays, axis=-1) for arrays in zip(*found, strict=True))
    meta = {
        "seed": seed, "replications": replications, "table_replications": table_replications,
        "dynamic": [scenarios[0].transfers.dynamic, scenarios[-1].transfers.dynamic],
    }  # fmt: skip
    return Attribution(
        base, before, after, tuple(reforms), tuple(months), measure, values, base.run.confidence,
        tuple(_estimate(lost[:, k], base.run.confidence) for k in (0, -1)), meta=meta,
    )  # fmt: skip


def _estimate(samples: Floats, confidence: float) -> Estimate:
    mean, lo, hi = interval(samples, confidence)
    return float(mean), float(lo), float(hi)


def pooled(months: Sequence[Measures], measure: str) -> Floats:
    """[replications]: a measure of the district over several months together.

    Counts add up and means and shares are those of everybody in these months; of a median or
    percentile it is the mean over the months, weighted by tickets.
    """
    if len(months) == 1:
        return months[0].samples(measure)[:, 0]
    whole = [m.period_sums([(0, len(m.ledger.month.dates) - 1)]) for m in months]
    sums = [{name: s.sum(axis=(1, 2)) for name, s in counts.items()} for counts in whole]
    values = measures_of(np.stack([sum(s[name] for s in sums) for name in sums[0]], axis=-1))
    if measure in values:
        return values[measure]
    tickets = np.array([s["tickets"] for s in sums])
    each = np.array([np.nan_to_num(found.samples(measure)[:, 0]) for found in months])
    with np.errstate(invalid="ignore", divide="ignore"):
        weighted: Floats = (tickets * each).sum(axis=0) / tickets.sum(axis=0)
    return weighted


def claimed_months(folder: Path, before: str, after: str, measure: str) -> list[str]:
    """The months of the first claim about these scenarios, if possible about this measure.

    Raises:
        ScenarioProblems: what is wrong with the claims of the folder.
    """
    if not (folder / FILE).exists():
        return []
    (district,) = read_claims([folder])
    sides = {"from": before, "to": after}
    fit = [c for c in district.claims if c.months and sides.items() >= c.sides.items()]
    fit.sort(key=lambda c: (c.measure != measure, len(c.sides) != 2))
    return list(fit[0].months) if fit else []


# --- which reforms --------------------------------------------------------------------------------


def reforms_between(
    before: Sequence[str],
    after: Sequence[str],
    groups: Sequence[str] = (),
    contradict: Callable[[Sequence[str]], bool] = lambda names: False,
) -> tuple[tuple[Reform, ...], list[Problem]]:
    """The reforms between two lists of overrides, in the order of `after`, and what is wrong.

    An override of `before` that sets a value which one of `after` sets too is replaced by it: both
    are one reform.  Other overrides that only `before` has are reforms that undo them.
    """
    added = [name for name in dict.fromkeys(after) if name not in before]
    dropped = [name for name in dict.fromkeys(before) if name not in after]
    named, problems = _groups(groups, [*added, *dropped])
    if problems:
        return (), problems
    alone = [name for name in [*added, *dropped] if not any(name in g for g in named.values())]
    parts = [(title, set(group)) for title, group in named.items()]
    parts += [("", {name}) for name in alone]
    for old in dropped:
        for new in added:
            if contradict([old, new]):
                parts = _joined(parts, {old, new})
    found = []
    for title, names in parts:
        adds = tuple(n for n in added if n in names)
        drops = tuple(n for n in dropped if n in names)
        usual = "+".join(adds) or f"without {'+'.join(drops)}"
        found.append(Reform(title or usual, adds, drops))
    order = [*added, *dropped]
    found.sort(key=lambda r: min(order.index(n) for n in (*r.adds, *r.drops)))
    return tuple(found), problems


def _joined(parts: list[tuple[str, set[str]]], names: set[str]) -> list[tuple[str, set[str]]]:
    """The parts that hold any of these names as one."""
    one = [p for p in parts if p[1] & names]
    title = next((t for t, _ in one if t), "")
    return [*(p for p in parts if not p[1] & names), (title, set().union(*(p[1] for p in one)))]


def _groups(
    texts: Sequence[str], reforms: Sequence[str]
) -> tuple[dict[str, list[str]], list[Problem]]:
    found: dict[str, list[str]] = {}
    problems = []
    place = Place("--group")
    for text in texts:
        name, _, rest = (part.strip() for part in text.partition("="))
        members = [m for m in (m.strip() for m in rest.split("+")) if m]
        if not name or not members:
            problems.append(Problem("group_form", place, value=text))
            continue
        for member in members:
            if member not in reforms:
                near = nearest(member, reforms)
                problems.append(Problem("unknown_reform", place, name, member, {}, near))
            elif any(member in others for others in found.values()):
                problems.append(Problem("group_twice", place, name, member))
        if name in found or (name in reforms and name not in members):
            problems.append(Problem("group_twice", place, value=name))
        found.setdefault(name, []).extend(members)
    return found, problems


def _names_wrong(before: str, after: str, known: Mapping[str, Any]) -> list[Problem]:
    problems = [
        Problem("unknown_scenario", Place(option), "", name, {}, nearest(name, known))
        for option, name in (("--from", before), ("--to", after))
        if name not in known
    ]
    if before == after and not problems:
        problems.append(Problem("compared_with_itself", Place("--to"), "", after))
    return problems


def _months_wrong(months: Sequence[str]) -> list[Problem]:
    problems = [] if months else [Problem("months_missing", Place("--month"))]
    for month in months:
        try:
            parse_month(month)
        except ScenarioProblems as found:
            problems += found.problems
    return problems


def _measure_wrong(measure: str) -> list[Problem]:
    if measure in MEASURES:
        return []
    place = Place("--measure")
    return [Problem("unknown_measure", place, "", measure, {}, nearest(measure, MEASURES))]


def _number_wrong(reforms: Sequence[Reform], before: str, after: str) -> list[Problem]:
    if not reforms:
        return [Problem("no_reforms", Place("--to"), "", after, {"other": before})]
    if len(reforms) > MOST:
        names = ", ".join(r.name for r in reforms)
        params = {"count": len(reforms), "limit": MOST, "names": names}
        return [Problem("too_many_reforms", Place("--to"), "", after, params)]
    return []


# --- combinations ---------------------------------------------------------------------------------


def _combinations(
    source: Source,
    before: Sequence[str],
    after: Sequence[str],
    reforms: Sequence[Reform],
    sets: Sequence[str],
    progress: Progress,
) -> list[Scenario]:
    """The scenarios of all combinations, read from the same files."""
    found = []
    total = 1 << len(reforms)
    for mask in range(total):
        names = overrides_of(mask, before, after, reforms)
        try:
            found.append(source.scenario(names, sets))
        except ScenarioProblems as wrong:
            if mask in (0, total - 1):
                raise
            hint = Problem("needs_others", Place("--group"), value=_title(mask, reforms))
            where = f"{source.path} ({_title(mask, reforms)})"
            raise ScenarioProblems([*wrong.problems, hint], where) from None
        progress("read", mask + 1, total)
    return found


def overrides_of(
    mask: int, before: Sequence[str], after: Sequence[str], reforms: Sequence[Reform]
) -> list[str]:
    """The overrides of a combination: those of `before` that stay, then in the order of `after`."""
    done = [r for i, r in enumerate(reforms) if mask >> i & 1]
    gone = {name for r in done for name in r.drops}
    come = {name for r in done for name in r.adds}
    stays = [name for name in before if name not in after and name not in gone]
    return [*stays, *(name for name in after if name in come or name in before)]


def _title(mask: int, reforms: Sequence[Reform]) -> str:
    return " + ".join(r.name for i, r in enumerate(reforms) if mask >> i & 1) or "–"


def _without_noise(samples: Floats, values: Floats) -> Floats:
    """Sums of differences that are 0 but for the last digits of a float are 0."""
    size = np.nanmax(np.abs(values), initial=0.0)
    return np.where(np.abs(samples) < 1e-12 * size, 0.0, samples)
