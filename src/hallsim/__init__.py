"""Queue and hall-operations simulator and staffing optimizer for government service halls.

    >>> import hallsim
    >>> district = hallsim.read("scenarios/longhua-shenzhen").scenario
    >>> hallsim.recommend(district, "2018-09")          # doctest: +SKIP

Names are imported when first used, so that `import hallsim` costs nothing.  Where a function has the
name of its module (`recommend`, `simulate`, `replay`), `hallsim.<name>` is the function.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"


def _let_numba_cache_somewhere() -> None:
    """Where neither the package nor the home folder can be written to, compile for this process only."""
    if "NUMBA_CACHE_DIR" in os.environ or os.access(os.path.dirname(__file__), os.W_OK):  # noqa: PTH120
        return
    home = os.path.expanduser("~")  # noqa: PTH111 - pathlib is not imported yet
    if not os.access(home, os.W_OK):
        import atexit
        import shutil
        import tempfile

        folder = tempfile.mkdtemp(prefix="hallsim-")
        os.environ["NUMBA_CACHE_DIR"] = folder
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


_let_numba_cache_somewhere()

_HOMES = {
    "attribute": "attribution",
    "cut": "cutting",
    "dispatch": "dispatch",
    "hedge": "hedging",
    "intraday": "intraday",
    "Scenario": "scenario",
    "ScenarioProblems": "problems",
    "read": "reading",
    "simulate": "simulate",
    "simulate_month": "simulate",
    "simulate_staffings": "simulate",
    "recommend": "recommend",
    "replay": "replay",
    "claims": "claims",
}

if TYPE_CHECKING:
    from hallsim.attribution import attribute as attribute
    from hallsim.claims import claims as claims
    from hallsim.cutting import cut as cut
    from hallsim.dispatch import dispatch as dispatch
    from hallsim.hedging import hedge as hedge
    from hallsim.intraday import intraday as intraday
    from hallsim.problems import ScenarioProblems as ScenarioProblems
    from hallsim.reading import read as read
    from hallsim.recommend import recommend as recommend
    from hallsim.replay import replay as replay
    from hallsim.scenario import Scenario as Scenario
    from hallsim.simulate import simulate as simulate
    from hallsim.simulate import simulate_month as simulate_month
    from hallsim.simulate import simulate_staffings as simulate_staffings

__all__ = [
    "Scenario",
    "ScenarioProblems",
    "__version__",
    "attribute",
    "claims",
    "cut",
    "dispatch",
    "hedge",
    "intraday",
    "read",
    "recommend",
    "replay",
    "simulate",
    "simulate_month",
    "simulate_staffings",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hallsim' has no attribute {name!r}")
    return getattr(import_module(f"hallsim.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Python hangs every module that it imports on its package; a function of that name wins."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _HOMES and isinstance(value, ModuleType):
            value = getattr(value, name)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
