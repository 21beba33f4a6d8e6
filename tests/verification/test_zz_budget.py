"""The sum of the levels of all random comparisons (named to be run last)."""

from __future__ import annotations

from pathlib import Path

import budget
import pytest


def test_all_false_alarms_together_are_at_most_one_in_a_thousand() -> None:
    assert sum(budget.PLAN.values()) * budget.LEVEL <= budget.ALARM * (1 + 1e-12)
    assert budget.ALARM <= 1e-3


def test_every_comparison_of_the_plan_was_made(request: pytest.FixtureRequest) -> None:
    """No more are (`budget.agrees`); fewer would mean that a test has lost one."""
    here = Path(__file__).parent
    chosen = {item.path.name for item in request.session.items if item.path.parent == here}
    every = {path.name for path in here.glob("test_*.py")}
    whole = not request.config.getoption("keyword") and not request.session.testsfailed
    if chosen != every or not whole or any("::" in arg for arg in request.config.args):
        pytest.skip("only a part of the suite runs")
    assert dict(budget.made) == budget.PLAN
