"""Fixtures that more than one file of tests uses."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from importlib import import_module

import pytest

from hallsim.records import Visits

Engine = Callable[..., Visits]
"""`simulate` of an engine: of visitors, duties, serve_out and the options of a run."""

ENGINES = [
    name for name in ("reference", "compiled") if importlib.util.find_spec(f"hallsim.{name}")
]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn."""
    simulate: Engine = import_module(f"hallsim.{request.param}").simulate
    return simulate
