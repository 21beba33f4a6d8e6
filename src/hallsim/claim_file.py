"""`claims.yaml`: what a source says a reform did, read with the place of every problem.

The form is described in `docs/claims.md`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from hallsim.checks import parse_month
from hallsim.files import MAIN, Raw, load_file, path_of
from hallsim.problems import Loc, Place, Problem, ScenarioProblems, nearest
from hallsim.quantities import NAMES, STATED, Selection, fault
from hallsim.reading import read
from hallsim.scenario import TIERS, Scenario, fold, names_hall, split_names

FILE = "claims.yaml"
TOLERANCE = 0.2
"""A single number counts as reproduced within this share of it."""

Part = Literal["before", "after", "change"]
Role = Literal["predicted", "calibrated", "input", "untestable"]
PARTS: tuple[Part, ...] = ("before", "after", "change")
ROLES: tuple[Role, ...] = ("predicted", "calibrated", "input", "untestable")
SIDES: dict[Part, tuple[str, ...]] = {
    "before": ("from",), "after": ("to",), "change": ("from", "to"),
}  # fmt: skip
_TEXTS = ("text", "text_en", "why", "why_en", "note", "note_en")
_KEYS = ("id", *_TEXTS, "measure", "from", "to", "months", "claimed", "role", "halls", "item")


class Claimed(NamedTuple):
    """A claimed figure: a range, or a single number where both ends are the same."""

    lo: float
    hi: float

    @property
    def middle(self) -> float:
        """The number, or the middle of the range."""
        return (self.lo + self.hi) / 2

    @property
    def direction_only(self) -> bool:
        """Of a change: whether any fall would do, so that nothing but the direction is claimed."""
        return self.lo <= -1 and self.hi == 0

    @property
    def accepted(self) -> tuple[float, float]:
        """What counts as reproduced: the range, or `TOLERANCE` about a single number."""
        margin = TOLERANCE * abs(self.lo) if self.lo == self.hi else 0.0
        return self.lo - margin, self.hi + margin


EVERYWHERE = Selection(frozenset())
"""The whole district, before its halls are known."""


@dataclass(frozen=True)
class Claim:
    """One statement of a source.

    Attributes:
        sides: named scenario under `from` and `to`, where given.
        months: `YYYY-MM`; empty for what follows from the tables alone.
        claimed: the figures, by part.
        of: the halls or the item that it is about.
        halls: how the file names the halls.
    """

    id: str
    role: Role
    text: str = ""
    text_en: str = ""
    why: str = ""
    why_en: str = ""
    note: str = ""
    note_en: str = ""
    measure: str = ""
    sides: Mapping[str, str] = field(default_factory=dict)
    months: tuple[str, ...] = ()
    claimed: Mapping[Part, Claimed] = field(default_factory=dict)
    of: Selection = EVERYWHERE
    halls: str = ""

    @property
    def figure(self) -> bool:
        """Whether there is a figure to be compared."""
        return self.role != "untestable" and bool(self.measure and self.claimed)

    def side(self, name: str) -> tuple[Any, ...]:
        """What is looked at on one side; equal for claims about the same figure."""
        return self.measure, self.sides.get(name), frozenset(self.months), self.of

    @property
    def direction(self) -> int:
        """1 up, -1 down, 0 where the claim has none, or allows for both."""
        if "change" in self.claimed:
            change = self.claimed["change"]
            return 0 if change.lo < 0 < change.hi else sign(change.middle)
        if "before" in self.claimed and "after" in self.claimed:
            return sign(self.claimed["after"].middle - self.claimed["before"].middle)
        return 0


def sign(value: float) -> int:
    """1, 0 or -1."""
    return (value > 0) - (value < 0)


@dataclass(frozen=True)
class District:
    """A district and what is claimed about it.

    Attributes:
        scenario: as the files have it, without overrides.
        variants: the named scenarios that claims are about.
        hashes: SHA-256 of every file that was read.
    """

    folder: Path
    scenario: Scenario
    variants: Mapping[str, Scenario]
    claims: tuple[Claim, ...]
    hashes: Mapping[str, str]


# Reading --------------------------------------------------------------------------------------


def folders_below(folder: Path) -> list[Path]:
    """The folders that have a `claims.yaml`, by name.

    Raises:
        ScenarioProblems: there are none.
    """
    found = sorted(path.parent for path in folder.glob(f"*/{FILE}"))
    if not found:
        raise ScenarioProblems([Problem("claims_missing", Place(str(folder)))])
    return found


def read_claims(folders: Sequence[str | Path]) -> list[District]:
    """The districts of these folders with their claims.

    Raises:
        ScenarioProblems: with all that is wrong in any of them.
    """
    found: list[District] = []
    problems: list[Problem] = []
    for path in map(Path, folders):
        folder = path.parent if path.is_file() else path
        district, faults = _read(folder)
        problems += [_below(p, folder) for p in faults]
        found += [district] if district else []
    if problems:
        raise ScenarioProblems(problems)
    return found


def _below(problem: Problem, folder: Path) -> Problem:
    """The problem with its places as seen from where the folder is named."""

    def seen(place: Place) -> Place:
        if place.file == str(folder):  # the folder itself is missing
            return place
        return replace(place, file=(folder / place.file).as_posix())

    params = {k: seen(v) if isinstance(v, Place) else v for k, v in problem.params.items()}
    return replace(problem, place=seen(problem.place), params=params)


def _read(folder: Path) -> tuple[District | None, list[Problem]]:
    raw = load_file(folder, FILE)
    try:
        base = read(folder)
    except ScenarioProblems as problems:
        return None, [*(p for p in raw.problems if p not in problems.problems), *problems.problems]
    if raw.problems:
        return None, raw.problems
    names = load_file(folder, MAIN).data.get("scenarios")
    reader = _Reader(raw, base.scenario, list(names or {}))
    claims = reader.claims()
    faults = sorted(raw.problems, key=lambda p: p.place)
    variants = {}
    for name in dict.fromkeys(n for c in claims for n in c.sides.values()):
        try:
            variants[name] = read(folder, name).scenario
        except ScenarioProblems as problems:
            faults += [p for p in problems.problems if p not in faults]
    if faults:
        return None, faults
    hashes = {**base.hashes, **raw.hashes}
    return District(folder, base.scenario, variants, tuple(claims), hashes), []


class _Reader:
    """The claims of one file; what is wrong goes to the problems of the file."""

    def __init__(self, raw: Raw, scenario: Scenario, variants: list[str]) -> None:
        self.raw, self.scenario, self.variants = raw, scenario, variants

    def say(
        self, rule: str, loc: Loc, value: Any = None, near: str | None = None, **more: Any
    ) -> None:
        self.raw.say(rule, self.raw.at(loc), path_of(loc), value, suggestion=near, **more)

    def claims(self) -> list[Claim]:
        """All claims that can be used."""
        self.keys((), self.raw.data, ("claims",))
        entries = self.raw.data.get("claims")
        if not isinstance(entries, list) or not entries:
            self.say("list" if entries else "missing", ("claims",), entries)
            return []
        found: list[Claim] = []
        seen: dict[str, Place] = {}
        for n, entry in enumerate(entries):
            loc: Loc = ("claims", n)
            if not isinstance(entry, dict):
                self.say("group", loc, entry)
                continue
            claim = self.claim(loc, entry)
            if claim.id and claim.id in seen:
                self.say("duplicate", (*loc, "id"), claim.id, other=seen[claim.id])
            seen.setdefault(claim.id, self.raw.at((*loc, "id")))
            found.append(claim)
        return found

    def keys(self, loc: Loc, entry: Mapping[str, Any], known: Sequence[str]) -> None:
        for key in entry:
            if key not in known:
                near = nearest(key, [k for k in known if k not in entry])
                self.say("unknown_key", (*loc, key), key, near)

    def claim(self, loc: Loc, entry: dict[str, Any]) -> Claim:
        self.keys(loc, entry, _KEYS)
        entry = {key: value for key, value in entry.items() if value is not None}
        texts = {key: self.text(loc, entry, key) for key in ("id", *_TEXTS)}
        sides = {key: name for key in ("from", "to") if (name := self.side(loc, entry, key))}
        halls = entry.get("halls", "*")
        claim = Claim(
            **texts, role=self.role(loc, entry), measure=self.measure(loc, entry), sides=sides,
            months=tuple(self.months(loc, entry)), claimed=self.claimed(loc, entry),
            of=self.selection(loc, entry),
            halls=halls if isinstance(halls, str) else "|".join(map(str, halls)),
        )  # fmt: skip
        self.whole(loc, entry, claim)
        return claim

    def text(self, loc: Loc, entry: Mapping[str, Any], key: str) -> str:
        value = entry.get(key, "")
        if isinstance(value, dict | list):
            self.say("text", (*loc, key), value)
            return ""
        if key in ("id", "text") and value == "":
            self.say("missing", (*loc, key))
        return " ".join(str(value).split())

    def side(self, loc: Loc, entry: Mapping[str, Any], key: str) -> str:
        if key not in entry:
            return ""
        name = str(entry[key])
        if name in self.variants:
            return name
        self.say("unknown_scenario", (*loc, key), name, nearest(name, self.variants))
        return ""

    def role(self, loc: Loc, entry: Mapping[str, Any]) -> Role:
        value = entry.get("role")
        for role in ROLES:
            if role == value:
                return role
        if value is None:
            self.say("missing", (*loc, "role"))
        else:
            self.say(
                "one_of", (*loc, "role"), value, nearest(value, ROLES), options=", ".join(ROLES)
            )
        return "untestable"

    def measure(self, loc: Loc, entry: Mapping[str, Any]) -> str:
        name = str(entry.get("measure", ""))
        if name and name not in NAMES:
            self.say("unknown_measure", (*loc, "measure"), name, nearest(name, NAMES))
            return ""
        return name

    def months(self, loc: Loc, entry: Mapping[str, Any]) -> Iterator[str]:
        value = entry.get("months", [])
        seen: dict[str, Loc] = {}
        for n, text in enumerate(value if isinstance(value, list) else [value]):
            spot: Loc = (*loc, "months", n) if isinstance(value, list) else (*loc, "months")
            try:
                month = "{:04d}-{:02d}".format(*parse_month(str(text)))
            except ScenarioProblems as problems:
                self.say(problems.problems[0].rule, spot, str(text))
                continue
            if month in seen:
                self.say("duplicate", spot, month, other=self.raw.at(seen[month]))
                continue
            seen[month] = spot
            yield month

    def claimed(self, loc: Loc, entry: Mapping[str, Any]) -> dict[Part, Claimed]:
        value, spot = entry.get("claimed", {}), (*loc, "claimed")
        if not isinstance(value, dict):
            self.say("group", spot, value)
            return {}
        self.keys(spot, value, PARTS)
        return {
            part: found
            for part in PARTS
            if value.get(part) is not None and (found := self.figure((*spot, part), value[part]))
        }

    def figure(self, loc: Loc, value: Any) -> Claimed | None:
        ends = value if isinstance(value, list) else [value]
        numbers = [_number(end) for end in ends]
        if len(numbers) not in (1, 2) or not all(map(math.isfinite, numbers)):
            shown = value if not isinstance(value, list) else "[" + ", ".join(map(str, value)) + "]"
            self.say("claimed_number", loc, shown)
            return None
        if numbers[0] > numbers[-1]:
            self.say("claimed_order", loc, f"[{ends[0]}, {ends[-1]}]")
            return None
        return Claimed(numbers[0], numbers[-1])

    def selection(self, loc: Loc, entry: Mapping[str, Any]) -> Selection:
        halls, item = entry.get("halls"), str(entry.get("item", ""))
        known = [i.item for i in self.scenario.items]
        if item and item not in known:
            self.say("unknown_item", (*loc, "item"), item, nearest(item, known))
            item = ""
        if item and halls is not None:
            self.say("halls_and_item", (*loc, "item"), item)
        chosen: set[str] = set()
        for name in _names(halls):
            hit = {
                h.hall for h in self.scenario.halls if names_hall(name, h.hall, h.tier, h.street)
            }
            if not hit:
                known = [h.hall for h in self.scenario.halls]
                known += [f"@{tier}" for tier in TIERS]
                known += [f"{h.hall}/*" for h in self.scenario.halls if h.tier == "street"]
                self.say("unknown_hall", (*loc, "halls"), name, nearest(name, known))
            chosen |= hit
        return Selection(frozenset(chosen), item)

    def whole(self, loc: Loc, entry: Mapping[str, Any], claim: Claim) -> None:
        """What must hold between the values of a claim."""
        if claim.role != "predicted" and claim.role == entry.get("role") and not claim.why:
            self.say("claim_why", (*loc, "why"), role=claim.role)
        if claim.role in ("predicted", "calibrated"):
            if "measure" not in entry:
                self.say("missing", (*loc, "measure"))
            if not entry.get("claimed"):
                self.say("claimed_nothing", (*loc, "claimed"))
        if claim.role == "calibrated":
            for part in claim.claimed:
                if part != "before":
                    self.say("calibrated_after", (*loc, "claimed", part))
        if not claim.figure:
            return
        for part in claim.claimed:
            for key in SIDES[part]:
                if key not in entry:
                    self.say("claim_scenario", (*loc, key), part=part)
        if claim.measure not in STATED and "months" not in entry:
            self.say("claim_months", (*loc, "months"))
        if claim.of.halls and (rule := fault(claim.measure, self.scenario, claim.of)):
            self.say(rule, (*loc, "measure"), claim.measure)


def _number(value: Any) -> float:
    """A number or `-33%`; nan if it is neither."""
    text = fold(str(value)).replace("\u2212", "-").replace(",", "")
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return math.nan


def _names(halls: Any) -> list[str]:
    """The parts of a selector of halls; all halls if there is none."""
    parts = split_names("*" if halls is None else halls)
    return [str(part) for part in parts] if isinstance(parts, list | tuple) else [str(parts)]
