"""How many replications are enough, and the file of every visit.

The rule by hand; its coverage by simulation of studies with a known mean; and in whole months, that
the number does not depend on the jobs.  The simulated studies have a fixed seed; the bounds on their
coverage and mean length are 5 standard errors wide, so other seeds would fail at most once in a
million.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hallsim.demand import expect
from hallsim.measure import FIELDS, Measures
from hallsim.outputs import OutputExists
from hallsim.records import OUTCOMES
from hallsim.replications import Decision, RunningMean, look_ahead_of, replicate
from hallsim.simulate import simulate_month, simulate_staffings
from hallsim.visit_file import COLUMNS, visit_file
from small import lone, small


def decide(values: list[float], wish: float, **how: Any) -> Decision:
    return replicate(values, lambda v: {"x": v}, {"x": wish}, **how)[1]


# The rule -----------------------------------------------------------------------------------------

T2, T3, T4 = 4.302652730, 3.182446305, 2.776445105
"""97.5 % points of Student's t with 2, 3 and 4 degrees of freedom, from a printed table."""


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([10, 11, 12], T2 * math.sqrt(1 / 3) / 11),
        ([10, 11, 12, 11], T3 * math.sqrt(2 / 3 / 4) / 11),
        ([10, 11, 12, 11, 11], T4 * math.sqrt(2 / 4 / 5) / 11),
        ([-10, -11, -12], T2 * math.sqrt(1 / 3) / 11),
        ([5, 5, 5], 0.0),
        ([0, 0], 0.0),
        ([-1, 1], math.inf),
        ([5], math.inf),
        ([5, math.nan, 5], math.inf),
    ],
)
def test_relative_half_width(values: list[float], expected: float) -> None:
    mean = RunningMean()
    for value in values:
        mean.add(value)
    assert mean.relative(0.95) == pytest.approx(expected, rel=1e-8)


def test_the_first_precise_number_counts_if_five_more_agree() -> None:
    """d(3) = 22.6 %, d(4) = 11.8 %: with a wish of 12 % the rule says 4 and looks at 5 .. 9."""
    values = [10, 11, 12, 11] + [11] * 20
    assert decide(values, 0.12) == Decision(4, 9, decide(values[:9], 1e-9).half_widths)
    assert decide(values, 0.23).enough == 3
    assert decide(values, 0.12, look_ahead=0).looked == 4
    assert decide(values, 0.11).enough == 5


def test_a_precision_lost_in_the_look_ahead_does_not_count() -> None:
    """The 9th value, the last that is looked at, is 19, and the interval is too wide again.

    d(9) = 2.306004 sqrt(7.361 / 9) / 11.889 = 17.5 %; then, 11 after 11, 15.6, 14.1, 12.8 and, at 13,
    11.7 %.
    """
    values = [10, 11, 12, 11, 11, 11, 11, 11, 19] + [11] * 40
    widths = [decide(values[:n], 1e-9).half_widths["x"] for n in range(9, 14)]
    assert widths == pytest.approx([0.1754, 0.1560, 0.1405, 0.1279, 0.1174], abs=5e-5)
    decision = decide(values, 0.12)
    assert (decision.enough, decision.looked) == (13, 18)


def test_the_look_ahead_grows_with_the_study() -> None:
    """The paper's f(kLimit, n): kLimit up to n = 100, then floor(kLimit n / 100)."""
    assert [look_ahead_of(n) for n in (3, 100, 101, 119, 120, 250)] == [5, 5, 5, 5, 6, 12]
    assert look_ahead_of(1000, 0) == 0


def test_several_measures_have_to_be_precise_at_the_same_time() -> None:
    steady, late = [10.0, 11, 12] + [11] * 40, [0.0, 30] + [15] * 41
    alone = [decide(v, 0.12).enough for v in (steady, late)]
    both, decision = replicate(
        zip(steady, late, strict=True),
        lambda v: {"steady": v[0], "late": v[1], "other": math.nan},
        {"steady": 0.12, "late": 0.12},
    )
    assert alone[0] == 4 and alone[1] is not None and alone[1] > 9
    assert decision.enough == alone[1] and len(both) == decision.looked == alone[1] + 5


def test_no_more_replications_are_taken_than_are_looked_at() -> None:
    source = iter([10, 11, 12, 11] + [11] * 20)
    taken, _ = replicate(source, lambda v: {"x": v}, {"x": 0.12})
    assert taken == [10, 11, 12, 11] + [11] * 5 and len(list(source)) == 15


@pytest.mark.parametrize(("cap", "enough"), [(8, None), (9, 4), (10, 4)])
def test_the_cap_includes_the_look_ahead(cap: int, enough: int | None) -> None:
    decision = decide([10, 11, 12] + [11] * 20, 0.12, cap=cap)
    assert (decision.enough, decision.looked) == (enough, min(cap, 9))


@pytest.mark.parametrize(
    "bad",
    [
        {"precision": {}}, {"precision": {"x": 0}}, {"precision": {"x": math.inf}}, {"first": 1},
        {"look_ahead": -1}, {"cap": 2}, {"precision": {"x": math.nan}},
    ],
)  # fmt: skip
def test_rules_that_cannot_be_asked(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        replicate([1.0], lambda v: {"x": v}, **({"precision": {"x": 0.1}} | bad))


def test_coverage_and_length_of_studies() -> None:
    """Normal values, mean 10, sd 2, wish 5 %: (1.96 x 2 / 0.5)^2 = 61.5 replications if sd were known.

    Stopping by the interval itself costs some of the coverage; the look-ahead gives most of it back.
    """
    rng, studies = np.random.default_rng(41), 1500
    covered, enough = [], []
    for _ in range(studies):
        values = rng.normal(10, 2, 200).tolist()
        taken, decision = replicate(values, lambda v: {"x": v}, {"x": 0.05})
        mean = float(np.mean(taken))
        covered.append(abs(mean - 10) <= decision.half_widths["x"] * mean)
        enough.append(decision.enough or math.inf)
    error = math.sqrt(0.95 * 0.05 / studies)
    assert 0.95 - 0.015 - 5 * error <= np.mean(covered) <= 0.95 + 5 * error
    assert abs(np.median(enough) - 61.5) < 5


# Months -------------------------------------------------------------------------------------------


def staffings(**how: Any) -> dict[str, Measures]:
    usual: dict[str, Any] = {"seed": 5, "purpose": "verify", "replications": 3}
    expected = expect(lone(volume=8000), 2018, 9)
    clerks = np.full((len(expected.dates), 1), 3)
    return simulate_staffings(expected, {"three": clerks, "all": None}, **(usual | how))


def test_months_are_simulated_until_they_are_precise_whatever_the_jobs() -> None:
    found = [staffings(precision={"mean_wait_min": 0.2}, jobs=jobs) for jobs in (1, 2, 3)]
    n = found[0]["all"].replications
    assert n == found[0]["three"].replications > 3 + 5
    for other in found[1:]:
        for name in ("three", "all"):
            assert np.array_equal(
                other[name].samples("mean_wait_min", "hall_day"),
                found[0][name].samples("mean_wait_min", "hall_day"),
                equal_nan=True,
            )
    fixed = staffings(replications=n)
    for name in ("three", "all"):
        assert found[0][name].table().equals(fixed[name].table())
    by_hand = [decide(fixed[k].samples("mean_wait_min")[:, 0].tolist(), 0.2).enough for k in fixed]
    assert max(e or 0 for e in by_hand) <= n - 5


def test_a_precise_month_still_has_the_least_number_and_the_cap_holds() -> None:
    assert staffings(replications=12, precision={"visitors": 0.9})["all"].replications == 17
    assert staffings(precision={"mean_wait_min": 1e-6}, cap=7)["all"].replications == 7
    with pytest.raises(ValueError, match="moon"):
        staffings(precision={"moon": 0.1})
    with pytest.raises(ValueError):
        staffings(precision={"visitors": 0.1}, cap=2)


# Every visit --------------------------------------------------------------------------------------


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_file_of_visits_adds_up_to_the_measures(tmp_path: Path) -> None:
    scenario, path = small(), tmp_path / "new" / "visits.csv"
    with visit_file(path, scenario, expect(scenario, 2018, 9).dates) as keep:
        found = simulate_month(scenario, "2018-09", replications=3, jobs=2, keep=keep)
    rows = rows_of(path)
    assert tuple(rows[0]) == COLUMNS
    assert [p.name for p in path.parent.iterdir()] == ["visits.csv"]
    order = [(int(r["replication"]), r["day"]) for r in rows]
    assert order == sorted(order)
    for replication, tally in enumerate(found.tallies):
        own = [r for r in rows if r["replication"] == str(replication)]
        total = dict(zip(FIELDS, tally.unit.sum(axis=0).tolist(), strict=True))
        assert len(own) == total["visitors"]
        for outcome in ("served", "abandoned", "turned_away"):
            assert sum(r["outcome"] == outcome for r in own) == total[outcome]
        served = [r for r in own if r["outcome"] == "served"]
        assert sum(int(r["finished"]) - int(r["called"]) for r in served) == total["work_s"]
        assert sum(r["ticket"] != "" for r in own) == total["tickets"]
    assert {r["outcome"] for r in rows} <= set(OUTCOMES)
    assert {r["hall"] for r in rows} == {h.hall for h in scenario.halls}
    for row in rows[:2000]:
        assert (row["called"] == "") == (row["outcome"] != "served") == (row["window"] == "")


def test_the_file_of_visits_is_the_same_whatever_the_jobs(tmp_path: Path) -> None:
    scenario = lone()
    files = []
    for jobs in (1, 3):
        files.append(tmp_path / f"{jobs}.csv")
        with visit_file(files[-1], scenario, expect(scenario, 2018, 9).dates) as keep:
            simulate_month(scenario, "2018-09", replications=4, jobs=jobs, keep=keep)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_nothing_is_left_of_an_interrupted_file(tmp_path: Path) -> None:
    scenario, path = lone(), tmp_path / "new" / "visits.csv"
    dates = expect(scenario, 2018, 9).dates

    def until_interrupted() -> Iterator[None]:
        with visit_file(path, scenario, dates) as keep:
            simulate_month(scenario, "2018-09", replications=1, keep=keep)
            yield
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(until_interrupted())
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    scenario, path = lone(), tmp_path / "visits.csv"
    dates = expect(scenario, 2018, 9).dates
    path.write_text("mine")
    with pytest.raises(OutputExists), visit_file(path, scenario, dates):
        raise AssertionError("not reached")
    with visit_file(path, scenario, dates, force=True):
        pass
    assert (tmp_path / "previous" / "1" / "visits.csv").read_text() == "mine"
    assert rows_of(path) == []


@pytest.mark.parametrize("name", ["visits.txt", "visits"])
def test_other_kinds_of_file_are_refused(name: str, tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"\.csv or \.parquet"),
        visit_file(tmp_path / name, lone(), ()),
    ):
        raise AssertionError("not reached")


def test_parquet_needs_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    path = tmp_path / "visits.parquet"
    with pytest.raises(ValueError, match="pyarrow"), visit_file(path, lone(), ()):
        raise AssertionError("not reached")
    assert not list(tmp_path.iterdir())


def test_a_parquet_file_holds_the_same_rows_as_csv(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow (extra parquet)")
    import pandas as pd

    path, scenario = tmp_path / "visits.parquet", small()
    dates = expect(scenario, 2018, 9).dates
    with visit_file(path, scenario, dates) as keep:
        simulate_month(scenario, "2018-09", replications=2, keep=keep)
    with visit_file(path.with_suffix(".csv"), scenario, dates) as keep:
        simulate_month(scenario, "2018-09", replications=2, keep=keep)
    binary = pd.read_parquet(path)
    rows = rows_of(path.with_suffix(".csv"))
    assert tuple(binary) == COLUMNS and len(binary) == len(rows) > 0
    numbers = ("replication", "visit", "stage", "arrival", "ticket", "called", "finished", "window")
    for name in COLUMNS:
        kind = binary[name].dtype.kind
        assert (kind in "iu") == (name in numbers), name
        column = ["" if pd.isna(v) else str(v) for v in binary[name].astype(object)]
        assert column == [row[name] for row in rows], name


# The command line ---------------------------------------------------------------------------------

LONGHUA = Path(__file__).parent.parent / "scenarios" / "longhua-shenzhen"


def hallsim(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hallsim.cli", "simulate", LONGHUA, "--month", "2018-09", *words],
        capture_output=True, text=True, encoding="utf-8", env={**os.environ, "HALLSIM_LANG": "en"},
    )  # fmt: skip


def test_the_command_says_whether_the_precision_was_reached(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    words = ["--precision", "visitors=20%", "--precision", "mean_wait_min=0.0001", "--cap", "5"]
    done = hallsim(*words, "--json", "--visits", path)
    assert done.returncode == 0, done.stderr
    first, second = done.stderr.splitlines()[-2:]
    assert first.startswith("visitors") and first.endswith("as wished")
    assert "not the wished" in second
    told = json.loads(done.stdout)
    assert told["replications"] == 5
    with path.open(encoding="utf-8-sig") as file:
        assert sum(1 for _ in file) - 1 == 5 * next(
            round(row["mean"] * 5) / 5 for row in told["district"] if row["measure"] == "visitors"
        )
    again = hallsim("--visits", path)
    assert again.returncode == 2 and "--force" in again.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--precision", "moon=5%"],
        ["--precision", "mean_wait_min"],
        ["--precision", "mean_wait_min=0"],
        ["--precision", "mean_wait_min=150%"],
        ["--precision", "visitors=5%", "--cap", "2"],
    ],
)
def test_precisions_that_cannot_be_asked_for(words: list[str]) -> None:
    done = hallsim(*words)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr


def test_a_file_of_visits_of_another_kind_is_refused_in_words(tmp_path: Path) -> None:
    done = hallsim("--visits", tmp_path / "visits.xlsx")
    assert done.returncode == 2 and ".csv" in done.stderr and not list(tmp_path.iterdir())
