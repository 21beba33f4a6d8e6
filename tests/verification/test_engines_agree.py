"""The two engines give the same rows, and either keeps the invariants of any hall-day."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import random_days
import tables
from conftest import Engine
from hallsim import reference
from hallsim.simulate import simulate
from random_days import Case

fixed = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
two_engines = pytest.mark.skipif(
    not importlib.util.find_spec("hallsim.compiled"), reason="one engine only"
)


@two_engines
@settings(fixed, max_examples=2000)
@given(case=random_days.cases)
def test_engines_agree(case: Case) -> None:
    from hallsim import compiled

    assert case.through(compiled.simulate) == case.through(reference.simulate)


@two_engines
@settings(fixed, max_examples=1000)
@given(case=random_days.plain_cases)
def test_engines_agree_on_days_of_the_first_eight_rules(case: Case) -> None:
    from hallsim import compiled

    assert case.through(compiled.simulate) == case.through(reference.simulate)


@two_engines
@pytest.mark.parametrize("serve_out", [True, False])
@pytest.mark.parametrize("plain", [True, False])
def test_engines_agree_on_many_days_at_once(serve_out: bool, plain: bool) -> None:
    from hallsim import compiled

    case = random_days.many_days(2000, 1, serve_out, plain)
    assert case.through(compiled.simulate) == case.through(reference.simulate)


@settings(fixed, max_examples=300)
@given(case=random_days.cases)
def test_invariants(engine: Engine, case: Case) -> None:
    random_days.assert_sound(case, case.through(engine))


@settings(fixed, max_examples=200)
@given(case=random_days.plain_cases)
def test_invariants_of_the_first_eight_rules(engine: Engine, case: Case) -> None:
    random_days.assert_sound(case, case.through(engine))


@pytest.mark.parametrize("serve_out", [True, False])
def test_invariants_on_many_days_at_once(engine: Engine, serve_out: bool) -> None:
    case = random_days.many_days(300, 2, serve_out)
    visits = case.through(engine)
    random_days.assert_sound(case, visits)
    assert {0, 1, 2, 3, 4} == set(visits.outcome.tolist())


@two_engines
def test_the_compiled_engine_refuses_what_does_not_fit_into_its_keys() -> None:
    from hallsim import compiled

    for arrival, credit in ((2**32, 0), (0, 2**32)):
        late = tables.visitors(f"arrival service credit\n{arrival} 1 {credit}")
        with pytest.raises(OverflowError):
            compiled.simulate(late, tables.duties("on off\n0 1"))
    fits = tables.visitors(f"arrival service credit\n0 9 0\n1 9 0\n2 9 {2**32 - 1}")
    plan = tables.duties("on off\n0 99")
    assert compiled.simulate(fits, plan) == reference.simulate(fits, plan)


@two_engines
@pytest.mark.parametrize("engine_name", ["compiled", "reference"])
@pytest.mark.parametrize("speed", [0, -50])
def test_a_window_that_does_not_work_is_refused(engine_name: Any, speed: int) -> None:
    with pytest.raises(ValueError, match=f"1 percent or more, not {speed}"):
        simulate(
            tables.visitors("arrival service\n0 9"),
            tables.duties(f"on off speed\n0 99 {speed}"),
            engine_name,
        )
