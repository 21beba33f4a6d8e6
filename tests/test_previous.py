"""From one month's plan to the next: what is read, what goes on, what ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hallsim.demand import expect
from hallsim.loans import Move
from hallsim.planning import plan_month
from hallsim.previous import read_previous
from hallsim.problems import ScenarioProblems
from hallsim.recommend import recommend
from hallsim.rolling import ended_loans
from hallsim.staff import Loan
from hallsim.stations import stations
from small import small

DISTRICT = small()


def folder(where: Path, moves: Any, month: str = "2018-08") -> Path:
    (where / "summary.json").write_text(json.dumps({"month": month, "moves": moves}), "utf-8")
    return where


def move(a: str, b: str, clerks: int, first: str, last: str, **more: Any) -> dict[str, Any]:
    return {
        "from": a, "to": b, "group": "general", "clerks": clerks, "first": first, "last": last, **more,
    }  # fmt: skip


def test_what_runs_on_the_last_working_day_goes_on_by_hand(tmp_path: Path) -> None:
    """31 August 2018 was a Friday; the first loan ended before it, the two others are one."""
    rows = [
        move("D", "A", 1, "2018-08-01", "2018-08-30"),
        move("D", "B", 1, "2018-08-01", "2018-08-31"),
        move("D", "B", 1, "2018-08-27", "2018-08-31"),
    ]
    found = read_previous(folder(tmp_path, rows), DISTRICT, "2018-09")
    assert found.month == "2018-08" and found.people is None
    assert found.running == (Loan(0, 4, 0, 2),)


@pytest.mark.parametrize(
    ("moves", "month", "rules"),
    [
        ([], "2018-07", {"previous_month"}),
        ([move("D", "B1x", 1, "", ""), move("E", "A", 1, "", "", group="x")], "2018-08",
         {"unknown_hall", "unknown_group"}),
        ([{"from": "D"}, 7], "2018-08", {"previous_form"}),
        ([move("D", "A", 99, "2018-08-01", "2018-08-31")], "2018-08", {"previous_more"}),
    ],
)  # fmt: skip
def test_a_plan_that_does_not_fit_is_told_with_all_that_is_wrong(
    tmp_path: Path, moves: Any, month: str, rules: set[str]
) -> None:
    with pytest.raises(ScenarioProblems) as caught:
        read_previous(folder(tmp_path, moves, month), DISTRICT, "2018-09")
    assert {p.rule for p in caught.value.problems} == rules
    if "unknown_hall" in rules:
        told = {(p.path, p.suggestion) for p in caught.value.problems}
        assert ("moves[0].to", "B1") in told and len(told) == 3


def test_no_folder_and_no_json_are_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioProblems):
        read_previous(tmp_path / "nowhere", DISTRICT, "2018-09")
    (tmp_path / "summary.json").write_text("{", "utf-8")
    with pytest.raises(ScenarioProblems) as caught:
        read_previous(tmp_path, DISTRICT, "2018-09")
    assert [p.rule for p in caught.value.problems] == ["previous_form"]


def test_loans_that_are_worth_keeping_go_on_without_an_order() -> None:
    """With the plan's own loans running nothing needs to be ordered, and the plan costs just the orders
    less; one that helps nobody ends."""
    month, parts = expect(DISTRICT, 2018, 9), stations(DISTRICT)

    def planned(running: tuple[Loan, ...] | None) -> Any:
        return plan_month(
            month, parts, seed=3, table_replications=4, period="month", running=running
        )

    alone = planned(None)
    assert alone.moves and not any(m.running for m in alone.moves)
    running = tuple(Loan(m.origin, m.destination, m.group, m.clerks) for m in alone.moves)
    again = planned(running)
    assert all(m.running for m in again.moves)
    np.testing.assert_array_equal(again.clerks, alone.clerks)
    orders = sum(m.clerks * getattr(DISTRICT.transfers, m.tier).order_minutes for m in alone.moves)
    assert alone.solution.objective - again.solution.objective == pytest.approx(orders, abs=1)
    assert ended_loans(again, again.moves) == []


def test_what_ends_is_what_ran_and_does_not_go_on() -> None:
    class P:
        class tables:  # noqa: N801
            running = (Loan(0, 1, 0, 3), Loan(2, 1, 0, 1))

    moves = [Move(0, 1, 0, 1, 0, 2, "", True), Move(0, 1, 0, 1, 0, 1, "", True)]
    assert ended_loans(P, moves) == [Loan(0, 1, 0, 1), Loan(2, 1, 0, 1)]  # type: ignore[arg-type]


def test_without_a_plan_before_nothing_runs_and_every_move_has_a_reason() -> None:
    options: dict[str, Any] = {"replications": 2, "table_replications": 4, "period": "month"}
    first = recommend(DISTRICT, "2018-09", **options)
    assert first.previous == "" and not first.moves["running"].any()
    assert len(first.reasons) == len(first.moves)
    assert first.certificate.statistical_gap >= 0
