"""The two engines give the same rows, and either keeps the invariants of any hall-day."""

from __future__ import annotations

import importlib.util

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import random_days
import tables
from conftest import Engine
from hallsim import reference
from hallsim.records import Duties, Visitors

fixed = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.mark.skipif(not importlib.util.find_spec("hallsim.compiled"), reason="one engine only")
@settings(fixed, max_examples=1500)
@given(visitors=random_days.visitors, duties=random_days.duties, serve_out=st.booleans())
def test_engines_agree(visitors: Visitors, duties: Duties, serve_out: bool) -> None:
    from hallsim import compiled

    assert compiled.simulate(visitors, duties, serve_out) == reference.simulate(
        visitors, duties, serve_out
    )


@pytest.mark.skipif(not importlib.util.find_spec("hallsim.compiled"), reason="one engine only")
@pytest.mark.parametrize("serve_out", [True, False])
def test_engines_agree_on_many_days_at_once(serve_out: bool) -> None:
    from hallsim import compiled

    visitors, duties = random_days.many_days(5000, seed=1)
    ours = reference.simulate(visitors, duties, serve_out)
    assert compiled.simulate(visitors, duties, serve_out) == ours


@settings(fixed, max_examples=300)
@given(visitors=random_days.visitors, duties=random_days.duties, serve_out=st.booleans())
def test_invariants(engine: Engine, visitors: Visitors, duties: Duties, serve_out: bool) -> None:
    visits = engine(visitors, duties, serve_out)
    random_days.assert_sound(visitors, duties, visits, serve_out)


@pytest.mark.parametrize("serve_out", [True, False])
def test_invariants_on_many_days_at_once(engine: Engine, serve_out: bool) -> None:
    visitors, duties = random_days.many_days(300, seed=2)
    visits = engine(visitors, duties, serve_out)
    random_days.assert_sound(visitors, duties, visits, serve_out)
    assert {0, 1, 2} == set(visits.outcome.tolist())


@pytest.mark.skipif(not importlib.util.find_spec("hallsim.compiled"), reason="one engine only")
def test_the_compiled_engine_refuses_what_does_not_fit_into_its_keys() -> None:
    from hallsim import compiled

    for arrival, credit in ((2**32, 0), (0, 2**32)):
        late = tables.visitors(f"arrival service credit\n{arrival} 1 {credit}")
        with pytest.raises(OverflowError):
            compiled.simulate(late, tables.duties("on off\n0 1"))
    fits = tables.visitors(f"arrival service credit\n0 9 0\n1 9 0\n2 9 {2**32 - 1}")
    plan = tables.duties("on off\n0 99")
    assert compiled.simulate(fits, plan) == reference.simulate(fits, plan)
