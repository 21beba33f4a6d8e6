"""Attribution: the axioms of the Shapley value, hand-worked games, and reforms of a tiny district.

Values are compared with the average over all orders, written out.  The districts are cases whose
truth is known: a reform that changes nothing, two reforms that are the same, one that replaces another.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

import hallsim
from hallsim import attribution_report as told
from hallsim import shapley
from hallsim.attribution import (
    Attribution,
    Reform,
    attribute_scenarios,
    overrides_of,
    pooled,
    reforms_between,
)
from hallsim.measure import MEASURES
from hallsim.planning import ClosedMonth, staffed
from hallsim.problems import ScenarioProblems
from hallsim.reading import Source
from hallsim.scenario import Clerks, Scenario, Windows
from small import CLERKS, HALLS, WINDOWS, small

MONTH = "2026-03"


def over_all_orders(values: np.ndarray, k: int) -> np.ndarray:
    """The Shapley value by its definition: mean gain of a player over all k! orders."""
    total = np.zeros(k)
    for order in itertools.permutations(range(k)):
        mask = 0
        for i in order:
            total[i] += values[mask | 1 << i] - values[mask]
            mask |= 1 << i
    return total / math.factorial(k)


def pair_over_all_orders(values: np.ndarray, k: int, i: int, j: int) -> float:
    """The interaction index by its other definition: i and j join as one, at a random place among the
    others; the mean of the second difference over all (k-1)! orders."""
    a, b = 1 << i, 1 << j
    found = []
    for order in itertools.permutations(["pair", *(p for p in range(k) if p not in (i, j))]):
        rest = sum(1 << p for p in order[: order.index("pair")])
        found.append(values[rest | a | b] - values[rest | a] - values[rest | b] + values[rest])
    return float(np.mean(found))


@pytest.mark.parametrize("k", range(1, 6))
def test_shares_are_the_mean_over_all_orders(k: int) -> None:
    values = np.random.default_rng(k).normal(size=1 << k)
    assert shapley.shares(values) == pytest.approx(over_all_orders(values, k), abs=1e-12)


@pytest.mark.parametrize("k", range(2, 6))
def test_interactions_are_the_mean_second_difference_over_all_orders(k: int) -> None:
    values = np.random.default_rng(k).normal(size=1 << k)
    index = shapley.interactions(values)
    assert np.array_equal(index, index.T) and not np.diag(index).any()
    for i, j in itertools.combinations(range(k), 2):
        assert index[i, j] == pytest.approx(pair_over_all_orders(values, k, i, j), abs=1e-12)


@pytest.mark.parametrize("k", [3, 8])
def test_axioms(k: int) -> None:
    """Efficiency, dummy, symmetry and additivity, for games drawn at random."""
    rng = np.random.default_rng(k)
    values, other = rng.normal(size=(2, 4, 1 << k))
    masks = np.arange(1 << k)
    assert shapley.shares(values).sum(axis=-1) == pytest.approx(values[:, -1] - values[:, 0])
    both = shapley.shares(values) + 3 * shapley.shares(other)
    assert shapley.shares(values + 3 * other) == pytest.approx(both)
    without_first = values[:, masks & ~1]
    assert not shapley.shares(without_first)[:, 0].any()
    assert not shapley.interactions(without_first)[:, 0].any()
    swapped = masks & ~3 | masks >> 1 & 1 | (masks & 1) << 1
    alike = shapley.shares(values + values[:, swapped])
    assert alike[:, 0] == pytest.approx(alike[:, 1])


def test_hand_worked_games() -> None:
    """Gloves: players 0 and 1 have a left glove, 2 a right one; a pair is worth 1: 1/6, 1/6, 2/3.

    Unanimity of 0 and 1 among three: 1/2 each, and their interaction is 1, that of others 0.
    """
    masks = np.arange(8)
    gloves = ((masks & 4 > 0) & (masks & 3 > 0)).astype(float)
    assert shapley.shares(gloves) == pytest.approx([1 / 6, 1 / 6, 2 / 3])
    # 0 and 1 alone with 2: second difference 0 without 2, 1 - 1 - 1 + 0 with 2; each counts half
    assert shapley.interactions(gloves)[0, 1] == pytest.approx(-0.5)
    assert shapley.interactions(gloves)[0, 2] == pytest.approx(0.5)
    together = ((masks & 3) == 3).astype(float)
    assert shapley.shares(together) == pytest.approx([0.5, 0.5, 0])
    assert shapley.interactions(together)[0, 1] == 1
    assert not shapley.interactions(together)[2].any()


def test_a_game_has_a_value_for_every_combination() -> None:
    with pytest.raises(ValueError, match="2\\*\\*k"):
        shapley.shares(np.zeros(6))


# --- reforms of a game whose values are given -----------------------------------------------------


def given(values: list[float], noise: float = 0.01, measure: str = "mean_wait_min") -> Attribution:
    """An attribution of these values by combination; replications differ by a shift that all share
    and a little noise of their own."""
    k = len(values).bit_length() - 1
    rng = np.random.default_rng(7)
    samples = np.array(values) + rng.normal(size=(8, 1)) + noise * rng.normal(size=(8, len(values)))
    lost = ((10.0, 9.0, 11.0), (8.0, 7.0, 9.0))
    reforms = tuple(Reform(name, (name,)) for name in "abcdefgh"[:k])
    return Attribution(small(), "before", "after", reforms, (MONTH,), measure, samples, lost=lost)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([30, 30, 30, 20], "only_together"),
        ([30, 34, 30, 20], "only_together"),  # one of them even harms alone
        ([30, 25, 25, 12], "help"),
        ([30, 25, 25, 23], "overlap"),
        ([30, 25, 24, 28], "hinder"),
        ([30, 25, 30, 28], "hinder"),
        ([30, 25, 24, 19], ""),
        ([30, 40, 45, 50], "help"),  # two that harm, less than their sum
    ],
)
def test_pairs_are_called_what_they_are(values: list[float], kind: str) -> None:
    """By hand; the noise is 1 % of the smallest step, so chance cannot change a name."""
    (row,) = given(values, noise=0.01).pairs.to_dict("records")
    assert row["kind"] == kind


def test_more_is_better_for_shares_served() -> None:
    assert given([0.5, 0.5, 0.5, 0.8], 1e-4, "within_share").pairs["kind"][0] == "only_together"
    assert given([0.8, 0.8, 0.8, 0.5], 1e-4, "within_share").pairs["kind"][0] == "hinder"


def test_intervals_are_those_of_paired_values() -> None:
    """What all combinations of a replication share drops out: spread 1 among them, 0.01 within."""
    found = given([30, 25, 24, 19])
    assert found.total[2] - found.total[1] < 0.05
    assert ((found.table["hi"] - found.table["lo"]) < 0.05).all()
    ends = found.combinations
    assert ((ends["hi"] - ends["lo"]) > 0.5).all()


def test_shares_of_a_total_that_may_be_0_are_not_told() -> None:
    found = given([30, 25, 35, 30], noise=0.1)
    assert found.table["share"].isna().all()
    assert found.table["mean"].tolist() == pytest.approx([-5, 5], abs=0.2)


@pytest.mark.parametrize("seed", range(20))
def test_rounded_parts_sum_to_the_rounded_total(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = rng.normal(size=rng.integers(1, 9)) * 10
    total = round(float(parts.sum()) + rng.choice([-0.1, 0, 0.1]), 1)
    found = told.rounded(list(parts), total, 1)
    assert sum(found) == pytest.approx(total)
    assert max(abs(np.array(found) - parts)) < 0.2 + 1e-9


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_screen_adds_up_and_names_pairs(language: Any) -> None:
    found = given([30, 30, 30, 20, 28.33, 28.33, 28.33, 17.21])
    out = io.StringIO()
    Console(file=out, width=100).print(told.shown(found, language))
    lines = out.getvalue().replace("\u2212", "-").splitlines()
    assert max(map(cell_len, lines)) <= 100
    rows = [re.match(r"(?:[abc]|All together|合计) +([+-]?\d+\.\d) \[", line) for line in lines]
    minutes = [float(m[1]) for m in rows if m]
    assert len(minutes) == 4 and sum(minutes[:3]) == pytest.approx(minutes[3])
    assert ("一起做才见效" if language == "zh" else "work only together") in out.getvalue()
    assert ("未办成" if language == "zh" else "eft unserved") in out.getvalue()


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_has_words_in_both_languages(measure: str) -> None:
    chinese, english = (told.unit_of(measure, language) for language in ("zh", "en"))  # type: ignore[arg-type]
    assert chinese.unit and chinese.name != english.name


# --- reforms between two scenarios ----------------------------------------------------------------


def test_reforms_are_what_only_one_of_the_two_has() -> None:
    reforms, problems = reforms_between(["old", "kept"], ["b", "kept", "a"])
    assert not problems
    assert reforms == (
        Reform("b", ("b",)),
        Reform("a", ("a",)),
        Reform("without old", (), ("old",)),
    )
    lists = [overrides_of(m, ["old", "kept"], ["b", "kept", "a"], reforms) for m in range(8)]
    assert lists[0] == ["old", "kept"] and lists[7] == ["b", "kept", "a"]
    assert lists[1] == ["old", "b", "kept"] and lists[4] == ["kept"]


def test_an_override_that_replaces_another_is_one_reform() -> None:
    def contradict(names: Any) -> bool:
        return set(names) == {"few", "many"}

    reforms, _ = reforms_between(["many"], ["few", "quick"], (), contradict)
    assert reforms == (Reform("few", ("few",), ("many",)), Reform("quick", ("quick",)))


def test_groups_join_reforms() -> None:
    reforms, problems = reforms_between([], ["a", "b", "c"], ["both = a + c"])
    assert not problems and reforms == (Reform("both", ("a", "c")), Reform("b", ("b",)))
    wrong = [
        (["both"], "group_form"), (["=a"], "group_form"), (["x=a+bb"], "unknown_reform"),
        (["x=bb"], "unknown_reform"),
        (["x=a", "y=a+b"], "group_twice"), (["x=a", "x=b"], "group_twice"), (["c=a+b"], "group_twice"),
    ]  # fmt: skip
    for groups, rule in wrong:
        assert [p.rule for p in reforms_between([], ["a", "b", "c"], groups)[1]] == [rule], groups


# --- a tiny district ------------------------------------------------------------------------------


def reformed(*, faster: bool = False, more: bool = False, idle: bool = False) -> Scenario:
    fields: dict[str, Any] = {}
    if faster:
        fields["items"] = tuple(
            i.model_copy(update={"minutes": i.minutes * 0.8}) for i in small().items
        )
    if more:
        fields["clerks"] = tuple(Clerks(hall=h, count=n + (h == "A")) for h, n in CLERKS.items())
    if idle:  # two rows for the windows of a hall instead of one
        rows = [Windows(hall=h, count=n) for h, n in WINDOWS.items() if h != "D"]
        fields["windows"] = (Windows(hall="D", count=2), Windows(hall="D", count=3), *rows)
    return small(**fields)


@pytest.mark.parametrize("dynamic", [True, False])
def test_a_dummy_brings_exactly_nothing_and_all_sum_to_the_difference(dynamic: bool) -> None:
    scenarios = [
        with_moves(reformed(faster=bool(m & 1), more=bool(m & 2), idle=bool(m & 4)), dynamic)
        for m in range(8)
    ]
    reforms = [Reform(name, (name,)) for name in ("faster", "more", "idle")]
    found = attribute_scenarios(
        scenarios, reforms, [MONTH], replications=3, table_replications=2, jobs=2
    )
    table = found.table.set_index("reform")
    assert table.loc["idle", ["mean", "lo", "hi", "alone", "last"]].tolist() == [0] * 5
    assert not found.pairs.set_index(["first", "second"])["interaction"][:, "idle"].any()
    before, after = (
        staffed(scenarios[k], MONTH, replications=3, table_replications=2).samples("mean_wait_min")
        for k in (0, -1)
    )
    assert table["mean"].sum() == pytest.approx(float((after - before).mean()), abs=1e-9)
    assert table.loc["faster", "hi"] < 0


def with_moves(scenario: Scenario, dynamic: bool) -> Scenario:
    moved = scenario.transfers.model_copy(update={"dynamic": dynamic})
    return scenario.model_copy(update={"transfers": moved})


def test_two_reforms_that_are_the_same_bring_the_same() -> None:
    """Either of them has the whole effect, the second none: half each, and they overlap wholly."""
    scenarios = [reformed(faster=bool(m)) for m in range(4)]
    found = attribute_scenarios(
        scenarios, [Reform("one", ("one",)), Reform("two", ("two",))], [MONTH], replications=3
    )
    one, two = found.table.to_dict("records")
    assert one["mean"] == pytest.approx(two["mean"]) == pytest.approx(found.total[0] / 2)
    assert (one["lo"], one["hi"]) == pytest.approx((two["lo"], two["hi"]))
    (pair,) = found.pairs.to_dict("records")
    assert pair["kind"] == "overlap" and pair["interaction"] == pytest.approx(-found.total[0])


def test_the_number_of_jobs_does_not_matter() -> None:
    scenarios = [reformed(), reformed(more=True)]
    values = [
        attribute_scenarios(scenarios, [Reform("more")], [MONTH], replications=2, jobs=n).values
        for n in (1, 2)
    ]
    assert np.array_equal(*values)


def test_months_together_are_those_of_all_their_visitors() -> None:
    months = [staffed(small(), m, replications=2) for m in (MONTH, "2026-04")]
    tickets = [m.samples("total_wait_min") / m.samples("mean_wait_min") for m in months]
    wait = sum(m.samples("total_wait_min") for m in months) / sum(tickets)
    assert pooled(months, "mean_wait_min") == pytest.approx(wait[:, 0])
    lost = sum(m.samples("lost") for m in months)
    assert pooled(months, "lost") == pytest.approx(lost[:, 0])
    p90 = np.sort([m.samples("p90_wait_min")[:, 0] for m in months], axis=0)
    assert (
        (p90[0] <= pooled(months, "p90_wait_min")) & (pooled(months, "p90_wait_min") <= p90[1])
    ).all()
    assert np.array_equal(
        pooled(months[:1], "p90_wait_min"), months[0].samples("p90_wait_min")[:, 0]
    )


def test_a_combination_in_which_no_hall_opens_is_named() -> None:
    shut = small(
        hours={"office": {"weekdays": ""}}, halls=HALLS, run={"replications": 2}
    )  # fmt: skip
    with pytest.raises(ClosedMonth, match="shut"):
        attribute_scenarios([small(), shut], [Reform("shut")], [MONTH], replications=2)


# --- a folder -------------------------------------------------------------------------------------

YAML = """\
name: tiny
title: 小区
title_en: Tiny
hours: {usual: {weekdays: 9:00-12:00 14:00-18:00}}
run: {seed: 3, replications: 2, table_replications: 2}
transfers: {dynamic: false}
overrides:
  quick: {"items[*].minutes": x0.7}
  alike: {"items[*].minutes": 10}
  more: {"clerks[centre].count": "+1"}
  nothing: {run.period: week}
  halves: {"windows[centre].count": 1}
  full: {"windows[centre].count": 3}
  rules: {"staffing.leave_rate": 0}
  eight: {"staffing.absence_rate": 0}
  nine: {objective.lost_minutes: 100}
  late: {objective.overtime_weight: 2}
  bad: {"clerks[east].minimum": 3}
  good: {"clerks[east].count": 4}
titles:
  quick: {zh: 提速, en: quicker}
  halves: {zh: 窗口减半, en: half the windows, without_zh: 窗口复原, without_en: windows back}
scenarios:
  before: [halves]
  after: [quick, more, nothing]
  again: [more, quick, nothing]
  swapped: [full, quick]
  many: [quick, more, nothing, halves, rules, eight, nine, late, good]
  fragile: [bad, good]
"""
TABLES = {
    "halls": "hall,tier,hours\ncentre,district,usual\neast,street,usual\n",
    "windows": "hall,count\ncentre,3\neast,2\n",
    "clerks": "hall,count,minimum\ncentre,3,0\neast,2,0\n",
    "items": "item,minutes\nsocial,10\n",
    "demand": "halls,item,volume,per\ncentre,social,1500,month\neast,social,700,month\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny")
    (path / "scenario.yaml").write_text(YAML, encoding="utf-8")
    for name, text in TABLES.items():
        (path / f"{name}.csv").write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def found(folder: Path) -> Attribution:
    return hallsim.attribute(folder, "before", "after", MONTH, replications=4, jobs=2)


def test_a_folder_is_attributed(found: Attribution) -> None:
    table = found.table.set_index("reform")
    assert list(table.index) == ["quick", "more", "nothing", "without halves"]
    assert table.loc["nothing", ["mean", "lo", "hi"]].tolist() == [0] * 3
    assert table["mean"].sum() == pytest.approx(found.total[0], abs=1e-9)
    assert table.loc["quick", "hi"] < 0 and table.loc["without halves", "hi"] < 0
    assert len(found.pairs) == 6 and len(found.combinations) == 16
    assert "quick" in repr(found) and "quick" in found._repr_html_()


def test_titles_are_used(found: Attribution) -> None:
    assert found.title("quick", "zh") == "提速" and found.title("more", "en") == "more"
    assert found.title("without halves", "zh") == "窗口复原"
    assert found.title("without halves", "en") == "windows back"


def test_the_order_of_reforms_does_not_matter(found: Attribution, folder: Path) -> None:
    other = hallsim.attribute(folder, "before", "again", MONTH, replications=4)
    mine, theirs = (x.table.set_index("reform")["mean"] for x in (found, other))
    assert theirs[mine.index].to_numpy() == pytest.approx(mine.to_numpy(), abs=1e-9)


def test_what_replaces_another_value_is_one_reform(folder: Path) -> None:
    other = hallsim.attribute(folder, "before", "swapped", MONTH, replications=2)
    assert [(r.name, r.drops) for r in other.reforms] == [("full", ("halves",)), ("quick", ())]


def test_files_hold_what_the_tables_hold(found: Attribution) -> None:
    files = told.files(found, "zh")
    assert set(files) == {
        "attribution.csv", "pairs.csv", "combinations.csv", "attribution.json", "waterfall.png",
        "waterfall.svg",
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(str(files["attribution.csv"]))))
    assert [row["reform"] for row in rows] == [r.name for r in found.reforms]
    assert rows[0]["title"] == "提速"
    told_json = json.loads(files["attribution.json"])
    total = told_json["difference"]["mean"]
    assert sum(r["mean"] for r in told_json["reforms"]) == pytest.approx(total, abs=1e-6)
    assert told_json["after"]["mean"] - told_json["before"]["mean"] == pytest.approx(
        total, abs=1e-6
    )
    assert told_json["combinations"][0]["reforms"] == []
    assert told.files(found, "zh") == files, "the same result gives the same bytes"


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.filterwarnings("error:Glyph")
def test_the_figure_goes_from_before_to_after(found: Attribution, language: Any) -> None:
    """Every bar of a reform begins where the one before it ended; all characters are drawn."""
    import matplotlib as mpl

    mpl.use("Agg")
    ax = found.plot(language=language)
    ax.figure.canvas.draw()
    bars = [(p.get_x(), p.get_x() + p.get_width()) for p in ax.patches]
    before, after, steps = bars[0], bars[1], bars[2:]
    levels = [before[1], *(end for _, end in steps)]
    assert [start for start, _ in steps] == pytest.approx(levels[:-1])
    assert levels[-1] == pytest.approx(after[1])
    assert min(levels) >= min(before[1], after[1]) - 1e-9
    mpl.pyplot.close(ax.figure)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("question", "rules"),
    [
        ({"before": "befor", "after": "aftr"}, ["unknown_scenario", "unknown_scenario"]),
        ({"after": "before"}, ["compared_with_itself"]),
        ({"before": "after", "after": "again"}, ["no_reforms"]),
        ({"before": "base", "after": "many"}, ["too_many_reforms"]),
        ({"months": ()}, ["months_missing"]),
        ({"months": ["2026-13", "1999-01"]}, ["month", "month_range"]),
        ({"measure": "mean_wait", "groups": ["x"]}, ["unknown_measure", "group_form"]),
    ],
)
def test_what_cannot_be_asked_is_told_all_at_once(
    question: dict[str, Any], rules: list[str], folder: Path
) -> None:
    asked = {"before": "before", "after": "after", "months": MONTH, **question}
    with pytest.raises(ScenarioProblems) as caught:
        hallsim.attribute(folder, **asked)
    assert [p.rule for p in caught.value.problems] == rules
    near = {"befor": "before", "aftr": "after", "mean_wait": "mean_wait_min"}
    for problem in caught.value.problems:
        assert problem.suggestion == near.get(str(problem.value))
        assert problem.text("zh") != problem.text("en")


def test_a_folder_that_is_not_there_is_told_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    with pytest.raises(ScenarioProblems, match="tiny") as raised:
        hallsim.attribute(tmp_path / "tinny")
    assert len(raised.value.problems) == 1


def test_many_reforms_can_be_joined(folder: Path) -> None:
    groups = ["a=quick+more", "rest=nothing+halves+rules+eight+nine+late+good"]
    joined = hallsim.attribute(folder, "base", "many", MONTH, groups=groups, replications=2)
    assert [r.name for r in joined.reforms] == ["a", "rest"]


def test_a_combination_that_is_no_scenario_is_named(folder: Path) -> None:
    """`bad` asks for more clerks than there are without `good`."""
    with pytest.raises(ScenarioProblems) as caught:
        hallsim.attribute(folder, "base", "fragile", MONTH)
    assert "(bad)" in str(caught.value)
    assert {p.rule for p in caught.value.problems} == {"minimum_count", "needs_others"}
    joined = hallsim.attribute(
        folder, "base", "fragile", MONTH, groups=["x=bad+good"], replications=2
    )
    assert len(joined.reforms) == 1


def test_a_loaded_folder_is_read_again_and_again_alike(folder: Path) -> None:
    source = Source(folder)
    first = source.scenario(["quick", "more"])
    source.scenario(["halves"])
    assert (
        source.scenario(["quick", "more"])
        == first
        == source.read(overrides=["quick", "more"]).scenario
    )
    assert source.read("after").scenario == source.scenario(source.scenarios()["after"])
    with pytest.raises(ScenarioProblems, match="did you mean 'quick'"):
        source.scenario(["quik"])


CLAIM = """\
  - id: {id}
    text: x
    measure: {measure}
    from: before
    to: {to}
    months: ["{month}"]
    role: predicted
    claimed: {{change: -10%}}
"""
CLAIMS = "claims:\n" + "".join(
    CLAIM.format(id=n, measure=measure, to=to, month=month)
    for n, (measure, to, month) in enumerate(
        [
            ("mean_wait_min", "again", "2026-05"),
            ("lost", "after", "2026-06"),
            ("mean_wait_min", "after", "2026-07"),
        ]
    )
)


def test_the_month_of_the_claims_is_the_default(folder: Path, tmp_path: Path) -> None:
    from hallsim.attribution import claimed_months

    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    assert claimed_months(tmp_path, "before", "after", "mean_wait_min") == ["2026-07"]
    assert claimed_months(tmp_path, "before", "after", "p90_wait_min") == ["2026-06"]
    assert claimed_months(tmp_path, "before", "again", "lost") == ["2026-05"]
    assert claimed_months(tmp_path, "base", "after", "lost") == []
