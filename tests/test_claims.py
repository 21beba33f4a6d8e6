"""Claims: verdicts at their edges, intervals by brute force, problems in their place."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import hallsim
from hallsim import claims, cli
from hallsim.claim_file import Claim, Claimed, District, read_claims
from hallsim.claims_page import View, _folded, _form, _voice, page
from hallsim.demand import Floats
from hallsim.planning import staffed, working_days
from hallsim.problems import ScenarioProblems
from hallsim.quantities import NAMES, STATED, Selection, fault, samples
from hallsim.report_words import Interval
from small import CARD, PERMIT, small

MODULE = sys.modules["hallsim.claims"]
ALL = frozenset(["D", "A", "A1", "A2", "B", "B1"])
TINY = """
name: tiny
title: 小区
title_en: Tiny
run: {seed: 7, period: month}
hours: {office: {weekdays: 9:00-12:00 14:00-18:00}}
transfers: {dynamic: false}
halls:
  - {hall: D, tier: district, hours: office}
  - {hall: A, tier: street, hours: office}
windows:
  - {hall: D, count: 6}
  - {hall: A, kind: themed, count: 2}
clerks:
  - {hall: D, count: 4}
  - {hall: A, count: 2}
items:
  - {item: card, minutes: 2, law: fixed}
demand:
  - {halls: D, item: card, volume: 24000}
  - {halls: A, item: card, volume: 12000}
overrides:
  half: {"clerks[*].count": x0.5}
  slow: {"items[*].minutes": x10}
scenarios:
  before: []
  after: [half]
  crowded: [slow, half]
"""
GOOD = """
claims:
  - id: work
    text: 人均办件量翻番
    text_en: work per clerk doubled
    measure: served_per_clerk
    from: before
    to: after
    months: ["2018-03"]
    claimed: {change: 100%}
    role: predicted
  - {id: clerks, text: 人员减半, measure: clerks, from: before, to: after, role: input, why: 来源,
     claimed: {before: 6, after: 3, change: -0.5}}
  - {id: street, text: 街道, measure: clerks, to: after, halls: "@street", role: predicted,
     claimed: {after: [2, 3]}}
  - {id: trips, text: 来客不变, measure: visitors, from: before, to: after, months: ["2018-03", 2018-04],
     role: predicted, claimed: {change: [-0.01, 0.01]}}
  - {id: wait, text: 等候, measure: mean_wait_min, from: before, to: crowded, months: ["2018-03"],
     role: predicted, claimed: {change: -30%}}
  - {id: smiles, text: 满意度, role: untestable, why: 模型中没有, note: 无}
"""


def write(folder: Path, text: str, scenario: str = TINY) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenario.yaml").write_text(scenario, encoding="utf-8")
    (folder / "claims.yaml").write_text(text, encoding="utf-8")
    return folder


def judged(
    claimed: Mapping[Any, tuple[float, float] | float],
    before: list[float] | Floats = (),
    after: list[float] | Floats = (),
    role: Any = "predicted",
    calibrated: bool = False,
) -> Any:
    """The finding of a claim about samples that are given."""
    ends = {k: Claimed(*(v if isinstance(v, tuple) else (v, v))) for k, v in claimed.items()}
    sides = {k: np.asarray(v, float) for k, v in (("from", before), ("to", after)) if len(v)}
    claim = Claim("x", role, measure="mean_wait_min", claimed=ends)
    district = District(Path("x"), small(), {}, (claim,), {})
    return MODULE.judge(district, claim, sides, ["before"] if calibrated else [])


# Verdicts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed", "simulated", "verdict"),
    [
        (20, 20, "reproduced"),
        (20, 16, "reproduced"),  # 20 % below
        (20, 24, "reproduced"),
        (20, 15.99, "not reproduced"),
        (20, 24.01, "not reproduced"),
        (0.1, 0.12, "reproduced"),  # 0.1 x 1.2 is not 0.12 in binary
        ((3, 5), 3, "reproduced"),  # a range is taken as it stands
        ((3, 5), 5, "reproduced"),
        ((3, 5), 5.01, "not reproduced"),
        ((3, 5), 2.99, "not reproduced"),
        (0, 0, "reproduced"),
        (0, 0.01, "not reproduced"),
    ],
)
def test_a_figure_is_reproduced_within_its_range_or_a_fifth_of_its_number(
    claimed: Any, simulated: float, verdict: str
) -> None:
    assert judged({"after": claimed}, after=[simulated] * 3).verdict == verdict


@pytest.mark.parametrize(
    ("claimed", "after", "verdict"),
    [
        (-0.5, 5, "reproduced"),
        (-0.5, 4, "reproduced"),  # -60 % is a fifth more than -50 %
        (-0.5, 6, "reproduced"),
        (-0.5, 6.1, "same direction"),
        (-0.5, 3.9, "same direction"),
        (-0.5, 10.1, "not reproduced"),
        (-0.5, 10, "not reproduced"),  # no change is not the claimed direction
        ((-1, -0.5), 4, "reproduced"),  # "by more than half"
        ((-1, -0.5), 5.1, "same direction"),
        (0.64, 15.2, "reproduced"),  # 0.52 > 0.512
        (0.64, 15.1, "same direction"),
        ((-1, 0), 5, "same direction"),  # "fell", by no figure
        ((-1, 0), 10.1, "not reproduced"),
        ((-0.05, 0.05), 10.4, "reproduced"),  # "as before" has no direction
        ((-0.05, 0.05), 10.6, "not reproduced"),
        ((-0.1, 0.3), 14, "not reproduced"),  # neither has "between a tenth less and a third more"
    ],
)
def test_a_change_is_reproduced_or_goes_in_its_direction_or_not(
    claimed: Any, after: float, verdict: str
) -> None:
    assert judged({"change": claimed}, [10] * 3, [after] * 3).verdict == verdict


def test_the_worst_figure_decides_and_all_are_told() -> None:
    found = judged({"before": 30, "after": 20, "change": -0.333}, [30] * 2, [25] * 2)
    assert [p.verdict for p in found.parts] == ["reproduced", "same direction", "same direction"]
    assert found.verdict == "same direction" and found.direction is True
    assert found.deciding.part == "change"
    wrong = judged({"before": 30, "after": 20}, [30] * 2, [31] * 2)
    assert [p.verdict for p in wrong.parts] == ["reproduced", "not reproduced"]
    assert wrong.verdict == "not reproduced" and wrong.direction is False


def test_calibrated_and_put_in_figures_never_count_as_reproduced() -> None:
    assert judged({"before": 30}, [30] * 2, role="calibrated").verdict == "calibrated"
    assert judged({"after": 30}, after=[30] * 2, role="input").verdict == "input"
    both = judged({"before": 30, "after": 20}, [30] * 2, [20] * 2, calibrated=True)
    assert [p.verdict for p in both.parts] == ["calibrated", "reproduced"]
    assert both.verdict == "reproduced"
    alone = judged({"before": 30}, [30] * 2, calibrated=True)
    assert alone.verdict == "calibrated"


def test_a_calibrated_figure_is_known_whichever_side_it_is_put_on() -> None:
    """Told as what a scenario comes `to`, it is the same figure of the same scenario."""
    ends, month = Claimed(10, 15), ("2018-06",)
    told = Claim("c", "calibrated", measure="mean_wait_min", sides={"from": "before"}, months=month,
                 claimed={"before": ends})  # fmt: skip
    again = dataclasses.replace(
        told, id="a", role="predicted", sides={"to": "before"}, claimed={"after": ends}
    )
    other = dataclasses.replace(again, sides={"to": "after"})
    district = District(Path("x"), small(), {}, (told, again, other), {})
    found = [
        MODULE.judge(district, c, {"to": np.array([12.0, 12.1])}, MODULE._calibrated(district, c))
        for c in (again, other)
    ]
    assert [f.verdict for f in found] == ["calibrated", "reproduced"]


def test_nobody_counted_is_not_testable() -> None:
    assert judged({"after": 3}, after=[math.nan] * 3).verdict == "not testable"
    nothing = judged({"change": -0.5}, [0.0] * 3, [1.0] * 3)
    assert nothing.verdict == "not testable"
    assert MODULE.as_dicts([nothing])[0]["why"]  # never without a reason


def test_an_interval_over_the_edge_is_told() -> None:
    near, far = (
        judged({"after": 20}, after=[23, 24, 25]),
        judged({"after": 20}, after=[20, 20.1, 20.2]),
    )
    assert near.verdict == "reproduced" and not near.parts[0].sure
    assert far.verdict == "reproduced" and far.parts[0].sure
    (alone,) = judged({"after": 20}, after=[20]).parts  # one month: nothing is known of chance
    assert alone.verdict == "reproduced" and not alone.sure
    wavering = judged({"change": -0.5}, [10, 10, 10], [9, 10, 10.9])
    assert wavering.verdict == "same direction" and not wavering.parts[0].sure


# Intervals ------------------------------------------------------------------------------------


def pairs(rng: np.random.Generator, *shape: int) -> tuple[Floats, Floats]:
    """Before with mean 30, after with mean 20, sharing most of their chance."""
    shared, own = rng.gamma(30, 1, shape), rng.gamma(5, 1, shape)
    return shared, shared * 0.5 + own


def test_the_interval_of_a_change_agrees_with_a_bootstrap_of_the_pairs() -> None:
    """300 pairs, 4000 resamplings: the half-widths agree to 10 %, seen in all of 200 seeds tried."""
    rng = np.random.default_rng(1)
    before, after = pairs(rng, 300)
    found = MODULE.relative_change(after, before, 0.95)
    assert found.mean == pytest.approx(after.mean() / before.mean() - 1, rel=1e-12)
    index = rng.integers(0, 300, (4000, 300))
    boot = after[index].mean(axis=1) / before[index].mean(axis=1) - 1
    lo, hi = np.quantile(boot, [0.025, 0.975])
    assert found.hi - found.lo == pytest.approx(hi - lo, rel=0.1)
    unpaired = MODULE.relative_change(rng.permutation(after), before, 0.95)
    assert unpaired.hi - unpaired.lo > 1.2 * (found.hi - found.lo)  # what pairing is for


def test_the_interval_of_a_change_covers_the_truth_as_often_as_it_says() -> None:
    """2000 studies of 20 pairs, true change -1/3: 95 % within 2 points.

    Of a binomial count that is 4.1 standard deviations; the delta method itself is off by under a point.
    """
    before, after = pairs(np.random.default_rng(2), 2000, 20)
    found = [MODULE.relative_change(a, b, 0.95) for a, b in zip(after, before, strict=True)]
    assert np.mean([i.lo <= -1 / 3 <= i.hi for i in found]) == pytest.approx(0.95, abs=0.02)


def test_a_change_that_is_the_same_in_every_pair_has_no_width() -> None:
    before = np.array([3.0, 5.0, 11.0])
    found = MODULE.relative_change(before * 2, before, 0.95)
    assert (found.mean, found.lo, found.hi) == pytest.approx((1, 1, 1))
    assert not MODULE.relative_change(before, before * 0, 0.95)
    assert math.isnan(MODULE.relative_change(before[:1], before[:1], 0.95).lo)


# Quantities -----------------------------------------------------------------------------------


def test_quantities_of_a_scenario_by_hand() -> None:
    district = small(items=(PERMIT.model_copy(update={"next": "card", "return_share": 0.5}), CARD))
    streets = Selection(frozenset({"A", "B"}))
    expected = {
        "halls": (6, 2), "windows": (22, 8), "comprehensive_windows": (22, 8), "machines": (0, 0),
        "windows_per_hall": (22 / 6, 4), "clerks": (17, 6), "clerks_per_hall": (17 / 6, 3), "items": (2, 2),
        # half come for a permit: two counters, and once more for every second one
        "tickets_per_matter": ((2 * 1.5 + 1) / 2,) * 2, "trips_per_matter": ((1.5 + 1) / 2,) * 2,
    }  # fmt: skip
    assert set(expected) == set(STATED)
    for name, values in expected.items():
        found = [STATED[name](district, of) for of in (Selection(ALL), streets)]
        assert found == pytest.approx(list(values)), name
    assert STATED["trips_per_matter"](district, Selection(ALL, "card")) == 1
    # three in five with a permit do it online: of those who come 2 in 7 are with a permit
    permit = district.items[0].model_copy(update={"online_share": 0.6})
    online = district.model_copy(update={"items": (permit, CARD)})
    for name, each in (("trips_per_matter", 1.5), ("tickets_per_matter", 3)):
        assert STATED[name](online, Selection(ALL)) == pytest.approx((2 * each + 5) / 7)


def test_quantities_over_months_are_weighted_as_documented() -> None:
    district = small()
    months = [staffed(at_home(district), m, replications=3) for m in ("2018-02", "2018-05")]
    of = Selection(frozenset({"A", "A1"}))
    parts = [[m.samples(name, "hall")[:, [1, 2]] for name in ("visitors", "mean_wait_min", "served")]
             for m in months]  # fmt: skip
    visitors = np.array([p[0].sum(axis=1) for p in parts])
    assert samples("visitors", months, of) == pytest.approx(visitors.mean(axis=0))
    wait = np.array([m.among(of.halls)["mean_wait_min"] for m in months])
    pooled = (wait * visitors).sum(axis=0) / visitors.sum(axis=0)
    assert samples("mean_wait_min", months, of) == pytest.approx(pooled)
    for value, part in zip(wait, parts, strict=True):
        assert (value >= part[1].min(axis=1)).all() and (value <= part[1].max(axis=1)).all()
    served = np.array([p[2].sum(axis=1) for p in parts]).sum(axis=0)
    days = sum(len(working_days(m.ledger.month)) for m in months)
    assert samples("served_per_clerk", months, of) == pytest.approx(served / (5 * days))  # 2 + 3
    for halls, by, row in (
        ({"D"}, "hall", 0),
        ({"A", "B"}, "tier", 1),
        ({"A", "A1", "A2"}, "street", 1),
    ):
        own = months[0].samples("p90_wait_min", by)[:, row]
        assert samples("p90_wait_min", months[:1], Selection(frozenset(halls))) == pytest.approx(
            own
        )
    whole = [m.samples("p90_wait_min")[:, 0] for m in months]
    assert samples("p90_wait_min", months[:1], Selection(ALL)) == pytest.approx(whole[0])
    own = months[0].samples("mean_wait_min", "item")[:, 1]
    assert samples("mean_wait_min", months[:1], Selection(ALL, "card")) == pytest.approx(own)


def at_home(scenario: Any) -> Any:
    """The scenario with everybody at home."""
    transfers = scenario.transfers.model_copy(update={"dynamic": False})
    return scenario.model_copy(update={"transfers": transfers})


def test_every_quantity_has_a_value_or_a_rule_that_forbids_it() -> None:
    district = at_home(small())
    month = [staffed(district, "2018-05", replications=2)]
    for of in (Selection(ALL), Selection(frozenset({"A", "B1"})), Selection(ALL, "card")):
        for name in NAMES:
            if name not in STATED and not fault(name, district, of):
                assert np.isfinite(samples(name, month, of)).all(), name
    assert fault("p90_wait_min", district, Selection(frozenset({"A", "B1"}))) == "measure_halls"
    assert fault("utilisation", district, Selection(ALL, "card")) == "measure_item"


# Whole districts ------------------------------------------------------------------------------


def test_a_district_whose_truth_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits so long that closing matters: half of the clerks serve the same people."""
    runs: list[tuple[str, str]] = []
    real = MODULE.staffed

    def counted(scenario: Any, month: str, **options: Any) -> Any:
        runs.append((str(sorted(c.count for c in scenario.clerks)), month))
        return real(scenario, month, **options)

    monkeypatch.setattr(MODULE, "staffed", counted)
    districts = read_claims([write(tmp_path / "tiny", GOOD)])
    found = {f.claim.id: f for f in MODULE.check(districts, replications=3)}
    assert len(runs) == 5  # before and after in two months, crowded in one: each once
    work = found["work"].parts[0].simulated
    assert (work.mean, work.lo, work.hi) == pytest.approx((1, 1, 1))
    assert found["trips"].parts[0].simulated == Interval(0, 0, 0)
    assert (
        found["street"].parts[0].simulated.mean == 1
        and found["street"].parts[0].verdict == "not reproduced"
    )
    assert found["clerks"].verdict == "input" and all(p.within for p in found["clerks"].parts)
    assert found["wait"].direction is False and found["wait"].verdict == "not reproduced"
    assert found["smiles"].verdict == "not testable" and not found["smiles"].parts
    assert MODULE.counts(list(found.values())) == {
        "reproduced": 2, "same direction": 0, "not reproduced": 2, "not testable": 1, "input": 1,
        "calibrated": 0,
    }  # fmt: skip


def test_the_table_has_a_row_per_figure(tmp_path: Path) -> None:
    table = hallsim.claims(write(tmp_path / "tiny", GOOD), replications=2, seed=3)
    assert hallsim.claims is claims
    assert list(table["id"]) == ["work", *["clerks"] * 3, "street", "trips", "wait", "smiles"]
    row = table[table["part"] == "before"].iloc[0]
    assert (row["claimed_lo"], row["mean"], row["verdict"]) == (6, 6, "input")


def test_a_calibrated_figure_is_not_counted_in_another_claim(tmp_path: Path) -> None:
    text = (
        GOOD
        + """
  - {id: a, text: t, measure: windows, from: before, to: after, role: predicted,
     claimed: {before: 8, after: 8}}
  - {id: b, text: t, measure: windows, from: before, role: calibrated, why: 校准, claimed: {before: 99}}
"""
    )
    districts = read_claims([write(tmp_path / "tiny", text)])
    quiet = dataclasses.replace(districts[0], claims=districts[0].claims[-2:])
    a, b = MODULE.check([quiet], replications=2)
    assert [p.verdict for p in a.parts] == [
        "calibrated",
        "reproduced",
    ] and a.verdict == "reproduced"
    assert b.verdict == "calibrated" and not b.parts[0].within


# Problems -------------------------------------------------------------------------------------

BAD = """
claims:
  - id: one
    text: 一
    measure: mean_wait
    from: befor
    to: after
    months: ["2018-13", 三月, 1999-01, "2018-03", "2018-3"]
    claimed: {befor: 30, after: many, change: [2, 1]}
    role: guessed
    halls: "@stret"
    item: cards
    colour: red
  - id: one
    measure: p90_wait_min
    to: after
    claimed: {before: 30, after: [1, 2, 3]}
    role: predicted
  - {id: two, text: 二, role: calibrated, measure: clerks, from: before, to: after, claimed: {change: 2}}
  - {id: three, text: 三, role: predicted}
  - {id: four, text: 四, role: untestable}
  - five
  - {id: six, text: 六, measure: utilisation, to: after, item: card, role: predicted,
     months: ["2018-03"], claimed: {after: 1}}
more: 1
"""


def test_every_problem_is_told_with_place_value_and_the_nearest_name(tmp_path: Path) -> None:
    folder = write(tmp_path / "tiny", BAD)
    with pytest.raises(ScenarioProblems) as caught:
        read_claims([folder])
    told = {(p.place.line, p.rule): (p.value, p.suggestion) for p in caught.value.problems}
    assert told == {
        (5, "unknown_measure"): ("mean_wait", "mean_wait_min"),
        (6, "unknown_scenario"): ("befor", "before"),
        (8, "month"): ("三月", None),
        (8, "month_range"): ("1999-01", None),
        (8, "duplicate"): ("2018-03", None),
        (9, "unknown_key"): ("befor", "before"),
        (9, "claimed_number"): ("many", None),
        (9, "claimed_order"): ("[2, 1]", None),
        (10, "one_of"): ("guessed", None),
        (11, "unknown_hall"): ("@stret", "@street"),
        (12, "unknown_item"): ("cards", "card"),
        (13, "unknown_key"): ("colour", None),
        (14, "duplicate"): ("one", None),
        (14, "missing"): (None, None),  # text
        (14, "claim_scenario"): (None, None),  # from
        (14, "claim_months"): (None, None),
        (17, "claimed_number"): ("[1, 2, 3]", None),
        (19, "claim_why"): (None, None),
        (19, "calibrated_after"): (None, None),
        (20, "missing"): (None, None),  # measure
        (20, "claimed_nothing"): (None, None),
        (21, "claim_why"): (None, None),
        (22, "group"): ("five", None),
        (23, "measure_item"): ("utilisation", None),
        (25, "unknown_key"): ("more", None),
    }
    assert sum(p.rule == "month" for p in caught.value.problems) == 2  # both on line 8
    assert {p.place.file for p in caught.value.problems} == {(folder / "claims.yaml").as_posix()}
    assert all(p.message(language) for p in caught.value.problems for language in ("zh", "en"))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("claims: []", "missing"),
        ("claims: {a: 1}", "list"),
        ("claims:\n  - id: a\n    halls: @street", "yaml_syntax"),
        ("", "file_empty"),
        ("- 1", "group"),
        (
            "claims:\n - {id: a, text: t, measure: p90_wait_min, to: after, months: [2018-03], halls: D, "
            "item: card, role: predicted, claimed: {after: 3}}",
            "halls_and_item",
        ),
    ],
)
def test_files_of_another_form_are_refused(tmp_path: Path, text: str, rule: str) -> None:
    with pytest.raises(ScenarioProblems) as caught:
        read_claims([write(tmp_path / "tiny", text)])
    assert [p.rule for p in caught.value.problems] == [rule]


def test_problems_of_scenario_and_claims_and_of_all_folders_come_together(tmp_path: Path) -> None:
    a = write(tmp_path / "a", BAD, TINY.replace("volume: 24000", "volume: many"))
    b = write(tmp_path / "b", GOOD, TINY.replace("x0.5", "x-5"))
    (tmp_path / "c").mkdir()
    with pytest.raises(ScenarioProblems) as caught:
        read_claims([a, b, tmp_path / "c"])
    files = {Path(p.place.file).relative_to(tmp_path).as_posix() for p in caught.value.problems}
    assert files == {"a/scenario.yaml", "b/scenario.yaml", "c/claims.yaml", "c/scenario.yaml"}


def test_a_folder_without_claims_below_says_so(tmp_path: Path) -> None:
    from hallsim.claim_file import folders_below

    with pytest.raises(ScenarioProblems) as caught:
        folders_below(tmp_path)
    assert caught.value.problems[0].rule == "claims_missing"


# Page and command -----------------------------------------------------------------------------


def test_months_in_a_row_are_told_by_their_ends() -> None:
    months = ("2018-11", "2018-12", "2019-01", "2018-03")
    assert View([], 2, "en").months(months) == "March 2018, November 2018 to January 2019"
    assert View([], 2, "zh").months(months) == "2018年3月、2018年11月 至 2019年1月"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_asks_no_network_and_speaks_one_language(tmp_path: Path, language: Any) -> None:
    districts = read_claims([write(tmp_path / "tiny", GOOD)])
    html = page(MODULE.check(districts, replications=2), 2, language)
    assert not re.search(r"https?://|src=|@import|<script|<link", html)
    words = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    assert ("人均办件量翻番" in words) == (language == "zh")
    assert ("work per clerk doubled" in words) == (language == "en")
    for word in ("重现", "公布") if language == "zh" else ("reproduced", "Claimed"):
        assert word in words
    assert "Content-Type" not in words and "msgid" not in words  # the head of a catalogue
    assert html == page(MODULE.check(districts, replications=2, jobs=2), 2, language)


class Done(NamedTuple):
    """What a command left behind."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def hallsim_claims(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    """The command in the folder of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HALLSIM_LANG", "en")

    def run(*words: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["hallsim", "claims", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return Done(int(str(stop.value.code)), *capsys.readouterr())

    return run


def test_the_command_prints_json_and_writes_the_page(
    tmp_path: Path, hallsim_claims: Callable[..., Done]
) -> None:
    write(tmp_path / "scenarios" / "tiny", GOOD)
    done = hallsim_claims("--json", "--replications", "2")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["claims"]
    assert [c["id"] for c in told] == ["work", "clerks", "street", "trips", "wait", "smiles"]
    for claim in told:
        assert {"id", "district", "text", "claimed", "simulated", "verdict", "role", "why"} <= set(
            claim
        )
        assert claim["district"] == "tiny" and claim["calibrated"] is False
        assert {"mean", "lo", "hi", "part"} <= set(claim["simulated"])
    assert told[0]["claimed"] == {"change": 1.0} and told[0]["simulated"]["mean"] == 1
    assert told[1]["simulated"]["before"]["mean"] == 6
    assert told[2]["claimed"] == {"after": [2.0, 3.0]}
    assert told[5]["simulated"] == {"mean": None, "lo": None, "hi": None, "part": None}
    assert (tmp_path / "reports" / "claims.html").exists()
    before = (tmp_path / "reports" / "claims.html").read_bytes()
    strict = hallsim_claims("--strict", "--replications", "2", "--lang", "en")
    assert strict.returncode == 6 and "not reproduced" in strict.stdout
    assert (tmp_path / "reports" / "claims.html").read_bytes() == before
    assert (tmp_path / "reports" / "claims-en.html").exists()


def test_a_page_of_our_own_is_replaced_and_kept_another_file_refused(
    tmp_path: Path, hallsim_claims: Callable[..., Done]
) -> None:
    folder = write(tmp_path / "tiny", GOOD)
    out = tmp_path / "out"
    out.mkdir()
    (out / "claims.html").write_text("mine", encoding="utf-8")
    words = (folder, "--out", out, "--replications", "2")
    refused = hallsim_claims(*words)
    assert refused.returncode == 2 and "claims.html" in refused.stderr
    assert (out / "claims.html").read_text(encoding="utf-8") == "mine"
    (out / "claims.html").unlink()
    assert hallsim_claims(*words).returncode == 0
    first = (out / "claims.html").read_bytes()
    again = hallsim_claims(folder, "--out", out, "--replications", "3")
    assert again.returncode == 0, again.stderr
    assert (out / "previous" / "1" / "claims.html").read_bytes() == first


def test_the_command_says_what_is_wrong(
    tmp_path: Path, hallsim_claims: Callable[..., Done]
) -> None:
    write(tmp_path / "scenarios" / "tiny", BAD)
    done = hallsim_claims()
    assert done.returncode == 3 and "Traceback" not in done.stderr
    assert "scenarios/tiny/claims.yaml:5:5: claims[1].measure: no such measure" in done.stderr
    assert not (tmp_path / "reports").exists()
    closed = TINY + "calendar: [{first: 2018-03-01, last: 2018-03-31, day: closed}]\n"
    write(tmp_path / "scenarios" / "tiny", GOOD, closed.replace("dynamic: false", "dynamic: true"))
    done = hallsim_claims("--replications", "2")
    assert done.returncode == 3 and "2018-03" in done.stderr


def test_lines_end_with_no_opening_and_begin_with_no_closing_bracket() -> None:
    """For every place in the line; nothing but blanks is lost, and no line is wider than a bracket more."""
    for before in range(60):
        text = "窗" * before + "（几窗并一窗）(one)，全部为综合窗口"
        lines = list(_folded(text))
        assert "".join(lines) == text
        assert not any(line.endswith(("（", "(")) for line in lines)
        assert not any(line.startswith(("）", ")", "，")) for line in lines)


@pytest.mark.parametrize(
    ("ends", "part", "zh", "en"),
    [
        ((0, 30), "after", "≤ 30分钟", "≤ 30 min"),
        ((3, 5), "after", "3–5分钟", "3–5 min"),
        ((-1, 0), "change", "减少", "less"),
        ((-1, -0.5), "change", "−100 至 −50%", "−100 to −50%"),
    ],
)
def test_what_is_claimed_is_told_as_people_say_it(
    ends: tuple[float, float], part: Any, zh: str, en: str
) -> None:
    form = _form("mean_wait_min", part)
    assert form.text(Claimed(*ends), _voice("zh")) == zh
    assert form.text(Claimed(*ends), _voice("en")) == en
