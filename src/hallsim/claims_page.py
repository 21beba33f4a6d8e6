"""Claims as people see them: a table on a screen, and one HTML file that asks no network."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.box import Box
from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hallsim import __version__
from hallsim.claim_file import TOLERANCE, Claim, Claimed, District, Part
from hallsim.claims import TESTED, Finding, Tested, Verdict, counts
from hallsim.quantities import COUNTS, STATED
from hallsim.report_page import rendered
from hallsim.report_words import (
    Interval,
    between,
    district_name,
    hall_name,
    listed,
    month_text,
    number,
)
from hallsim.text import Language, translator

Say = Callable[..., str]
OWN = '<meta name="generator" content="hallsim claims">'
"""What tells our own page from another file of its name."""
_RULE = Box("    \n    \n -- \n" + "    \n" * 5, ascii=True)
_TONES: dict[Verdict, str] = {
    "reproduced": "good", "same direction": "near", "not reproduced": "off",
    "not testable": "none", "input": "none", "calibrated": "none",
}  # fmt: skip
_WIDTH = 44
"""Cells of a line of a claim on the screen."""
_OPENING, _CLOSING = "（「『(", "，。、；：）」』！？)"
_STYLES = {"good": "green", "near": "yellow", "off": "red", "none": ""}


def is_own(path: Path) -> bool:
    """Whether a file is a page that this module made."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return OWN in file.read(4096)


def page(findings: Sequence[Finding], replications: int, language: Language) -> str:
    """The page, with the characters that it uses as its font."""
    return rendered("claims.html", View(findings, replications, language))


class View:
    """What is shown, as text and shares of a width."""

    def __init__(self, findings: Sequence[Finding], replications: int, language: Language) -> None:
        self.findings, self.replications, self.language = findings, replications, language
        self.say: Say = _voice(language)
        self.own = OWN
        self.names = _names(self.say)
        self.verdict_names = _verdicts(self.say)

    # ---- in words ----

    def districts(self) -> list[dict[str, Any]]:
        """The districts in their order, each with its claims."""
        found: dict[Path, list[Finding]] = {}
        for finding in self.findings:
            found.setdefault(finding.district.folder, []).append(finding)
        return [
            {
                "id": f[0].district.scenario.name,
                "title": district_name(f[0].district.scenario, self.language),
                "told": self.tally(f),
                "claims": [self.claim(x) for x in f],
            }
            for f in found.values()
        ]

    def claim(self, finding: Finding) -> dict[str, Any]:
        """One claim: its text, what it is measured by, its figures and its verdict."""
        claim = finding.claim
        return {
            "text": self.own_language(claim, "text"),
            "about": self.about(finding.district, claim),
            "why": self.own_language(claim, "why") or self.reason(finding),
            "note": self.own_language(claim, "note"),
            "verdict": self.verdict_names[finding.verdict]
            + self.say(", but missed")
            * any(self.missed(p) for p in finding.parts if p.verdict == finding.verdict),
            "tone": _TONES[finding.verdict],
            "sure": all(p.sure for p in finding.parts if p.verdict in TESTED),
            "figures": [{**self.figure(claim, p), "chart": c} for p, c in _charts(finding.parts)],
        }

    def reason(self, finding: Finding) -> str:
        """Why a claim could not be tested that was to be."""
        return self.say("no such visitors, or a figure of 0 before") if finding.why else ""

    def own_language(self, claim: Claim, name: str) -> str:
        """A text of the claim in the reader's language, where there is one."""
        chinese, english = getattr(claim, name), getattr(claim, f"{name}_en")
        found: str = (english or chinese) if self.language == "en" else chinese or english
        return found

    def about(self, district: District, claim: Claim) -> str:
        """`mean wait · street halls · March 2018, September 2018`."""
        if not claim.measure:
            return ""
        parts = [self.names.get(claim.measure, claim.measure)]
        scenario = district.scenario
        if claim.of.item:
            item = next(i for i in scenario.items if i.item == claim.of.item)
            name = item.name if self.language == "zh" else item.name_en or item.name
            parts.append(name or item.item)
        elif claim.halls != "*":
            tiers = _tiers(self.say)
            halls = {h.hall: hall_name(h, self.language) for h in scenario.halls}
            named = (tiers.get(n, halls.get(n, n)) for n in claim.halls.split("|"))
            parts.append(listed(named, self.language))
        if claim.months and claim.measure not in STATED:
            parts.append(self.months(claim.months))
        return " · ".join(parts)

    def months(self, months: Sequence[str]) -> str:
        """`January 2018 to December 2018`, `March 2018, September 2018`."""
        runs: list[list[int]] = []
        for month in sorted(int(m[:4]) * 12 + int(m[5:]) - 1 for m in months):
            if runs and month == runs[-1][-1] + 1:
                runs[-1].append(month)
            else:
                runs.append([month])
        ends = (dict.fromkeys((run[0], run[-1])) for run in runs)
        texts = ([month_text(f"{m // 12}-{m % 12 + 1}", self.language) for m in e] for e in ends)
        return listed((self.say(" to ").join(t) for t in texts), self.language)

    def figure(self, claim: Claim, part: Tested) -> dict[str, Any]:
        """One figure of a claim in words."""
        form = _form(claim.measure, part.part)
        simulated = part.simulated.scaled(form.factor)
        spread = simulated.hi - simulated.lo > 1e-9
        digits = form.digits if spread or not float(simulated.mean).is_integer() else 0
        return {
            "part": _parts(self.say)[part.part],
            "claimed": form.text(part.claimed, self.say),
            "mean": form.with_unit(number(simulated.mean, digits, form.sign), self.say),
            "between": between(simulated, self.language, form.digits, form.sign) if spread else "",
            "verdict": self.verdict_names[part.verdict]
            + (self.say(", but missed") * self.missed(part)),
            "tone": "near" if self.missed(part) else _TONES[part.verdict],
            "sure": part.sure or part.verdict not in TESTED,
        }

    def missed(self, part: Tested) -> bool:
        """Whether a figure that should hold by construction does not."""
        return part.verdict in ("calibrated", "input") and not part.within

    def tally(self, findings: Sequence[Finding]) -> str:
        """`reproduced 3, same direction 1`."""
        gap = " " if self.language == "zh" else ": "
        found = counts(findings)
        named = (f"{self.verdict_names[v]}{gap}{n}" for v, n in found.items() if n)
        return listed(named, self.language)

    @property
    def lead(self) -> str:
        """The result in one sentence."""
        _, found = self.say, counts(self.findings)
        tested = sum(found[v] for v in TESTED)
        if not tested:
            return _("No claim could be tested.")
        return _(
            "Claims tested: {tested}. Reproduced: {reproduced}, same direction: {same}, not "
            "reproduced: {off}.",
            reproduced=found["reproduced"], tested=tested, same=found["same direction"],
            off=found["not reproduced"],
        )  # fmt: skip

    @property
    def aside(self) -> str:
        """What is shown and not counted."""
        found = counts(self.findings)
        return self.say(
            "Shown and not counted: {calibrated} calibrated, {input} put in by hand, {untestable} not "
            "testable.",
            calibrated=found["calibrated"], input=found["input"], untestable=found["not testable"],
        )  # fmt: skip

    def tiles(self) -> list[dict[str, Any]]:
        """How many claims have each verdict."""
        return [
            {"label": self.verdict_names[v], "n": n, "tone": _TONES[v]}
            for v, n in counts(self.findings).items()
        ]

    def method(self) -> list[str]:
        """How it was found."""
        _ = self.say
        levels = sorted({f.district.scenario.run.confidence for f in self.findings})
        confidence = listed((f"{100 * x:g}%" for x in levels), self.language)
        return [
            _("Reproduced: the simulated mean lies in the range that the source gives, or within "
              "{share} of its single number. Where a claim has several figures, the worst decides.",
              share=f"\u00b1{100 * TOLERANCE:g}%"),
            _("Same direction: outside, or no figure was stated; the change has the claimed sign."),
            _("Calibrated: the figure before the reform was used to set the scenario. Put in by hand: "
              "a number of the scenario itself, such as windows. Neither proves anything."),
            _("Each scenario with the staffing it would have: clerks at home, or, where the district "
              "moves clerks, the plan of the optimizer, on visitors that it never saw."),
            _("Before and after meet the same simulated visitors as far as their demand agrees. "
              "Interval: {confidence}, over {n} simulated months; it covers chance in the model, not "
              "errors of the assumptions.", confidence=confidence, n=self.replications),
        ]  # fmt: skip

    def provenance(self) -> Iterator[tuple[str, str]]:
        """What it was made from."""
        yield "hallsim", __version__
        for d in dict.fromkeys(f.district.folder for f in self.findings):
            district = next(f.district for f in self.findings if f.district.folder == d)
            files = ", ".join(f"{name} {sha[:8]}" for name, sha in sorted(district.hashes.items()))
            yield district.scenario.name, files

    # ---- on a screen ----

    def screen(self) -> Group:
        """A table per district and the result."""
        _ = self.say
        shown: list[Any] = []
        for district in self.districts():
            shown += [Text(district["title"], style="bold"), Text(), self._table(district), Text()]
        shown.append(Text(self.lead))
        shown.append(Text(self.aside))
        if any(not f["sure"] for d in self.districts() for c in d["claims"] for f in c["figures"]):
            shown.append(Text(_("?: the interval reaches over the edge that decides.")))
        return Group(*shown)

    def bracketed(self, text: str) -> str:
        """The text in the brackets of its language."""
        brackets = "（{}）" if self.language == "zh" else "({})"
        return brackets.format(text) if text else ""

    def _table(self, district: dict[str, Any]) -> Table:
        _ = self.say
        table = Table(
            box=_RULE, show_edge=False, pad_edge=False, padding=(0, 1), collapse_padding=True
        )
        table.add_column(_("Claim"), no_wrap=True)
        table.add_column(_("Figure"))
        for title in (_("Claimed"), _("Simulated")):
            table.add_column(title, justify="right")
        table.add_column(_("Verdict"))
        for claim in district["claims"]:
            figures = claim["figures"]
            verdicts = [_cell(f) for f in figures]
            if len({f["verdict"] for f in figures}) > 1:
                verdicts.append(Text("= ").append_text(_cell(claim)))
            table.add_row(
                Text("\n".join(_folded(claim["text"], self.bracketed(claim["why"])))),
                "\n".join(f["part"] for f in figures),
                "\n".join(f["claimed"] for f in figures),
                Text("\n".join(_simulated(f) for f in figures)),
                Text("\n").join(verdicts or [_cell(claim)]),
            )
        return table


def _folded(*texts: str) -> Iterator[str]:
    """Lines of `_WIDTH` cells; Chinese breaks anywhere but inside a bracket's edge, words stay whole."""
    for text in texts:
        line, width = "", 0
        for token in re.findall(r"[!-~]+|.", text):
            size = cell_len(token)
            if width + size > _WIDTH and token not in _CLOSING:
                kept = line.rstrip().rstrip(_OPENING)
                yield kept.rstrip()
                line = line.rstrip()[len(kept) :]
                width = cell_len(line)
            line, width = line + token.lstrip() if not line else line + token, width + size
        if line:
            yield line


def _cell(of: dict[str, Any]) -> Text:
    mark = "" if of["sure"] else " ?"
    return Text(of["verdict"] + mark, style=_STYLES[of["tone"]])


def _simulated(figure: dict[str, Any]) -> str:
    return figure["mean"] + (f" [{figure['between']}]" if figure["between"] else "")


# Words ----------------------------------------------------------------------------------------


def _voice(language: Language) -> Say:
    put = translator("claims", language)

    def say(message: str, **fields: Any) -> str:
        return put(message).format(**fields) if fields else put(message)

    return say


def _verdicts(say: Say) -> dict[Verdict, str]:
    return {
        "reproduced": say("reproduced"), "same direction": say("same direction"),
        "not reproduced": say("not reproduced"), "not testable": say("not testable"),
        "input": say("put in by hand"), "calibrated": say("calibrated"),
    }  # fmt: skip


def _parts(say: Say) -> dict[Part, str]:
    return {"before": say("before"), "after": say("after"), "change": say("change")}


def _tiers(say: Say) -> dict[str, str]:
    return {
        "@district": say("district halls"), "@street": say("street halls"),
        "@community": say("community halls"),
    }  # fmt: skip


def _names(say: Say) -> dict[str, str]:
    return {
        "visitors": say("visitors a month"), "served": say("served a month"),
        "abandoned": say("gave up, a month"), "turned_away": say("turned away, a month"),
        "balked": say("turned round at the door, a month"), "lost": say("left unserved, a month"),
        "mean_wait_min": say("mean wait"), "median_wait_min": say("median wait"),
        "p90_wait_min": say("nine in ten wait at most"), "within_share": say("served in time"),
        "utilisation": say("windows busy"), "overtime_min": say("overtime a month"),
        "total_wait_min": say("all waits of a month"), "mean_stay_min": say("time in the hall"),
        "counters": say("counters per visit"),
        "visitors_per_clerk": say("visitors per clerk and working day"),
        "served_per_clerk": say("served per clerk and working day"), "halls": say("halls"),
        "windows": say("windows"), "comprehensive_windows": say("comprehensive windows"),
        "machines": say("self-service machines"), "windows_per_hall": say("windows per hall"),
        "clerks": say("clerks"), "clerks_per_hall": say("clerks per hall"),
        "items": say("groups of items"), "tickets_per_matter": say("tickets per matter"),
        "trips_per_matter": say("trips per matter"),
    }  # fmt: skip


class _Form:
    """How the figures of a measure are written."""

    def __init__(self, factor: float, digits: int, unit: str = "", sign: bool = False) -> None:
        self.factor, self.digits, self.unit, self.sign = factor, digits, unit, sign

    def text(self, claimed: Claimed, say: Say) -> str:
        """`20 minutes`, `3–5 minutes`, `≤ 30 minutes`, `−33.3%`, `less`."""
        if self.sign and claimed.direction_only:
            return say("less")
        if not self.sign and claimed.lo == 0 < claimed.hi:
            return self.with_unit(f"≤ {self.short(claimed.hi * self.factor)}", say)
        ends = [self.short(x * self.factor) for x in dict.fromkeys(claimed)]
        gap = say(" to ") if self.sign else "–"
        return self.with_unit(gap.join(ends), say)

    def short(self, value: float) -> str:
        """As many digits as the source gives, two at most."""
        digits = next(d for d in (0, 1, 2) if d == 2 or math.isclose(value, round(value, d)))
        return number(value, digits, self.sign)

    def with_unit(self, text: str, say: Say) -> str:
        """With the unit behind it."""
        units = {"%": "%", "min": say(" min"), "": ""}
        return text + units[self.unit]


def _form(measure: str, part: Part) -> _Form:
    if part == "change":
        return _Form(100, 1, "%", True)
    if measure in ("within_share", "utilisation"):
        return _Form(100, 1, "%")
    if measure.endswith("_min"):
        return _Form(1, 1, "min")
    if measure in COUNTS or (measure in STATED and "_per_" not in measure):
        return _Form(1, 0)
    return _Form(1, 2)


def _charts(parts: Sequence[Tested]) -> Iterator[tuple[Tested, dict[str, str] | None]]:
    """Before and after on one scale, the change on its own."""
    levels = [p for p in parts if p.part != "change"]
    for part in parts:
        yield part, _chart(part, _scale([part] if part.part == "change" else levels))


def _scale(parts: Sequence[Tested]) -> tuple[float, float]:
    """The ends of a scale that holds these figures and 0."""
    ends = [0.0]
    for part in parts:
        ends += [*part.claimed.accepted, *vars(part.simulated).values()]
    known = [x for x in ends if math.isfinite(x)]
    low, high = min(known), max(known)
    room = (high - low) * 0.04 or 1.0
    return low - room * (low < 0), high + room * (high > 0 or low == high)


def _chart(part: Tested, scale: tuple[float, float]) -> dict[str, str] | None:
    """Where the accepted range and the simulated figure lie, in percent of the scale."""
    simulated: Interval = part.simulated
    if not simulated:
        return None
    low, high = scale

    def at(value: float) -> float:
        return 100 * (value - low) / (high - low)

    lo, hi = part.claimed.accepted
    first, last = (x if math.isfinite(x) else simulated.mean for x in (simulated.lo, simulated.hi))
    return {
        "lo": f"{at(lo):.2f}", "wide": f"{max(at(hi) - at(lo), 0.8):.2f}",
        "mean": f"{at(simulated.mean):.2f}", "zero": f"{at(0.0):.2f}",
        "from": f"{at(first):.2f}", "spread": f"{at(last) - at(first):.2f}",
    }  # fmt: skip
