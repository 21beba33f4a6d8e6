"""Claims: what a source says a reform did, beside what the simulation finds.

Both sides of a claim are simulated with the same seed, so changes are of the same visitors as far as
the demand of the two scenarios agrees.  How a verdict is reached: `docs/claims.md`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from hallsim.claim_file import (
    SIDES,
    Claim,
    Claimed,
    District,
    Part,
    Role,
    folders_below,
    read_claims,
    sign,
)
from hallsim.demand import Floats
from hallsim.measure import Measures, interval
from hallsim.planning import ClosedMonth, staffed
from hallsim.quantities import STATED, samples
from hallsim.report_words import NOTHING, Interval
from hallsim.staff import NoPlan

REPLICATIONS = 20
"""Simulated months per scenario and month, if nothing else is said."""
UNCOUNTED = "no such visitors, or a figure of 0 before"
"""Why a claim cannot be tested that was to be."""

Verdict = Literal[
    "reproduced", "same direction", "not reproduced", "not testable", "input", "calibrated"
]
TESTED: tuple[Verdict, ...] = ("reproduced", "same direction", "not reproduced")
"""Verdicts of predicted claims, the worst last."""
VERDICTS: tuple[Verdict, ...] = (*TESTED, "not testable", "input", "calibrated")
_OF_ROLE: dict[Role, Verdict] = {
    "calibrated": "calibrated", "input": "input", "untestable": "not testable",
}  # fmt: skip


# Judging --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tested:
    """One figure of a claim.

    Attributes:
        simulated: mean and interval; no number where nobody was counted.
        verdict: of this figure alone, the role's where it is not tested.
        sure: False if the interval reaches over the edge that decides, or there is none.
        within: whether the mean lies in the range that counts as reproduced.
    """

    part: Part
    claimed: Claimed
    simulated: Interval
    verdict: Verdict
    sure: bool
    within: bool


@dataclass(frozen=True)
class Finding:
    """A claim and what came out.

    Attributes:
        verdict: the worst of its figures.
        direction: whether the change has the claimed sign; None where the claim has none.
    """

    district: District
    claim: Claim
    parts: tuple[Tested, ...]
    verdict: Verdict
    direction: bool | None

    @property
    def why(self) -> str:
        """The reason that the claim gives, or why it could not be tested after all."""
        lacking = self.verdict == "not testable" and not self.claim.why
        return UNCOUNTED if lacking else self.claim.why

    @property
    def deciding(self) -> Tested | None:
        """The figure that gave the verdict: the last one that is no better than the others."""
        return next((p for p in reversed(self.parts) if p.verdict == self.verdict), None)


def relative_change(after: Floats, before: Floats, confidence: float) -> Interval:
    """Change of the mean as a share of the mean before, over paired replications.

    The interval is that of a ratio of means by the delta method: a Student t interval of
    `after - ratio x before`, over the mean before (Cochran 1977, Sampling Techniques, 6.3).
    """
    both = ~(np.isnan(after) | np.isnan(before))
    a, b, n = after[both], before[both], int(both.sum())
    if n == 0 or b.mean() == 0:
        return NOTHING
    ratio = float(a.mean() / b.mean())
    if n == 1:
        return Interval(ratio - 1, math.nan, math.nan)
    spread = float(np.std(a - ratio * b, ddof=1)) / abs(float(b.mean())) / math.sqrt(n)
    half = float(stats.t.ppf(0.5 + confidence / 2, n - 1)) * spread
    return Interval(ratio - 1, ratio - 1 - half, ratio - 1 + half)


def judge(
    district: District, claim: Claim, sides: Mapping[str, Floats], calibrated: Collection[Part] = ()
) -> Finding:
    """The verdict of a claim.

    Args:
        district: whose claim it is.
        claim: what is claimed.
        sides: [replications] of the quantity under `from` and `to`, as far as there are.
        calibrated: figures that another claim says were calibrated, so that they prove nothing.
    """
    level = district.scenario.run.confidence
    difference = NOTHING
    if len(sides) == 2:
        difference = _interval(sides["to"] - sides["from"], level)
    direction = None
    if claim.direction and difference:
        direction = sign(difference.mean) == claim.direction
    parts = []
    for part, claimed in claim.claimed.items():
        if not all(key in sides for key in SIDES[part]):
            continue
        simulated = (
            relative_change(sides["to"], sides["from"], level)
            if part == "change"
            else _interval(sides[SIDES[part][0]], level)
        )
        verdict = _verdict(claimed, simulated, bool(direction))
        within = verdict == "reproduced"
        if within and part == "change" and claimed.direction_only:
            verdict = "same direction" if direction else "not reproduced"
        crossed = bool(simulated) and math.isnan(simulated.lo)
        crossed |= any(_inside(edge, simulated) for edge in claimed.accepted)
        if verdict != "reproduced" and direction is not None:
            crossed |= _inside(0.0, difference)
        if verdict in TESTED:
            verdict = _OF_ROLE.get(claim.role, verdict)
            verdict = "calibrated" if part in calibrated else verdict
        parts.append(Tested(part, claimed, simulated, verdict, not crossed, within))
    return Finding(district, claim, tuple(parts), _worst(claim, parts), direction)


def _interval(values: Floats, confidence: float) -> Interval:
    return Interval(*(float(x) for x in interval(values, confidence)))


def _inside(edge: float, of: Interval) -> bool:
    return of.lo < edge < of.hi


def _verdict(claimed: Claimed, simulated: Interval, direction: bool) -> Verdict:
    if not simulated:
        return "not testable"
    lo, hi = claimed.accepted
    slack = 1e-9 * max(abs(lo), abs(hi))
    if lo - slack <= simulated.mean <= hi + slack:
        return "reproduced"
    return "same direction" if direction else "not reproduced"


def _worst(claim: Claim, parts: Sequence[Tested]) -> Verdict:
    if claim.role in _OF_ROLE:
        return _OF_ROLE[claim.role]
    if any(p.verdict == "not testable" for p in parts):
        return "not testable"
    tested = [p.verdict for p in parts if p.verdict in TESTED]
    return max(tested, key=TESTED.index) if tested else "calibrated"


# Running --------------------------------------------------------------------------------------


def check(
    districts: Sequence[District],
    *,
    seed: int | None = None,
    replications: int = REPLICATIONS,
    jobs: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Finding]:
    """Simulate each scenario and month that claims are about once, and judge every claim.

    Args:
        districts: as of `read_claims`.
        seed: of all scenarios; default: each district's own.
        replications: simulated months per scenario and month.
        jobs: threads; the result does not depend on it.
        progress: called with the months done and their number.

    Raises:
        ClosedMonth: a month in which no hall opens.
        NoPlan: no plan satisfies the minimum staffing.
    """
    wanted = [(d, name, month) for d in districts for name, month in _months(d)]
    found: dict[tuple[Path, str, str], Measures] = {}
    progress(0, len(wanted))
    for n, (district, name, month) in enumerate(wanted, 1):
        try:
            found[district.folder, name, month] = staffed(
                district.variants[name], month, replications=replications, jobs=jobs,
                seed=district.scenario.run.seed if seed is None else seed,
                table_replications=district.scenario.run.table_replications,
            )  # fmt: skip
        except (ClosedMonth, NoPlan) as problem:
            text = f"{district.folder} {name} {month}: {problem}"
            raise type(problem)(text) from problem
        progress(n, len(wanted))
    return [
        judge(d, claim, _sides(d, claim, found, replications), _calibrated(d, claim))
        for d in districts
        for claim in d.claims
    ]


def _needed(claim: Claim) -> list[str]:
    """The sides that the figures of a claim need."""
    used = {key for part in claim.claimed for key in SIDES[part]} if claim.figure else set()
    return [key for key in ("from", "to") if key in used]


def _months(district: District) -> list[tuple[str, str]]:
    """Named scenarios and months to be simulated, each once, in the order of the claims."""
    pairs = [
        (claim.sides[key], month)
        for claim in district.claims
        if claim.measure not in STATED
        for key in _needed(claim)
        for month in claim.months
    ]
    return list(dict.fromkeys(pairs))


def _sides(
    district: District, claim: Claim, found: Mapping[Any, Measures], replications: int
) -> dict[str, Floats]:
    sides = {}
    for key in _needed(claim):
        name = claim.sides[key]
        if claim.measure in STATED:
            value = STATED[claim.measure](district.variants[name], claim.of)
            sides[key] = np.full(replications, value, np.float64)
        else:
            months = [found[district.folder, name, month] for month in claim.months]
            sides[key] = samples(claim.measure, months, claim.of)
    return sides


def _calibrated(district: District, claim: Claim) -> list[Part]:
    """The figures of this claim that another one says were calibrated, under either side's name."""
    known = [c.side("from") for c in district.claims if c.role == "calibrated"]
    levels: tuple[Part, ...] = ("before", "after")
    return [part for part in levels if claim.side(SIDES[part][0]) in known]


# Told -----------------------------------------------------------------------------------------


def claims(
    *folders: str | Path,
    seed: int | None = None,
    replications: int = REPLICATIONS,
    jobs: int = 1,
) -> pd.DataFrame:
    """The claims of districts as a table: a row per figure, those without a figure once.

    Columns: district, id, role, measure, part, claimed_lo, claimed_hi, mean, lo, hi, verdict (of
    the figure), sure, claim_verdict (of the whole claim), text, why.

    Args:
        folders: of the districts; default: all below `scenarios` that have a `claims.yaml`.
        seed: of all scenarios; default: each district's own.
        replications: simulated months per scenario and month.
        jobs: threads; the result does not depend on it.

    Raises:
        ScenarioProblems: with all that is wrong in the files.
        ClosedMonth: a month in which no hall opens.
        NoPlan: no plan satisfies the minimum staffing.
    """
    districts = read_claims(folders or folders_below(Path("scenarios")))
    return table(check(districts, seed=seed, replications=replications, jobs=jobs))


def table(findings: Sequence[Finding]) -> pd.DataFrame:
    """The findings in the form of `claims`."""
    rows = []
    for f in findings:
        about = {
            "district": f.district.scenario.name, "id": f.claim.id, "role": f.claim.role,
            "measure": f.claim.measure,
        }  # fmt: skip
        rest = {"claim_verdict": f.verdict, "text": f.claim.text, "why": f.why}
        for p in f.parts:
            figures = {"claimed_lo": p.claimed.lo, "claimed_hi": p.claimed.hi, **vars(p.simulated)}
            told = {"part": p.part, **figures, "verdict": p.verdict, "sure": p.sure}
            rows.append({**about, **told, **rest})
        if not f.parts:
            rows.append({**about, "part": "", "verdict": f.verdict, "sure": True, **rest})
    columns = ["district", "id", "role", "measure", "part", "claimed_lo", "claimed_hi", "mean", "lo",
               "hi", "verdict", "sure", "claim_verdict", "text", "why"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def as_dicts(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The findings as plain JSON values (`docs/claims.md`); a number that is none is None."""
    return [_as_dict(f) for f in findings]


def counts(findings: Sequence[Finding]) -> dict[Verdict, int]:
    """How many claims have each verdict."""
    return {verdict: sum(f.verdict == verdict for f in findings) for verdict in VERDICTS}


def _as_dict(finding: Finding) -> dict[str, Any]:
    claim, deciding = finding.claim, finding.deciding
    shown = deciding.simulated if deciding else NOTHING
    return {
        "id": claim.id,
        "district": finding.district.scenario.name,
        "text": claim.text,
        "text_en": claim.text_en,
        "measure": claim.measure or None,
        **{key: claim.sides.get(key) for key in ("from", "to")},
        "months": list(claim.months),
        "halls": claim.halls,
        "item": claim.of.item or None,
        "claimed": {part: _ends(c) for part, c in claim.claimed.items()},
        "simulated": {
            **_numbers(shown),
            "part": deciding.part if deciding else None,
            **{p.part: {**_numbers(p.simulated), "verdict": p.verdict, "sure": p.sure, "within": p.within}
               for p in finding.parts},
        },
        "verdict": finding.verdict,
        "sure": all(p.sure for p in finding.parts if p.verdict in TESTED),
        "direction": finding.direction,
        "role": claim.role,
        "calibrated": claim.role == "calibrated",
        "why": finding.why,
        "note": claim.note,
    }  # fmt: skip


def _ends(claimed: Claimed) -> float | list[float]:
    ends = [int(x) if x.is_integer() else x for x in dict.fromkeys(claimed)]
    return ends[0] if len(ends) == 1 else ends


def _numbers(of: Interval) -> dict[str, float | None]:
    return {
        name: float(f"{value:.6g}") if math.isfinite(value) else None
        for name, value in vars(of).items()
    }
