"""The house: what may import what, what loads at start, and what must not be committed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "hallsim"

ORDER = [
    "text", "problems", "synonyms", "scenario", "findings", "staff_checks", "checks", "shape",
    "files", "overrides", "drafts", "reading", "calendar", "demand", "records", "stations",
    "shifts", "rosters", "granted", "queues", "eventful", "compiled", "reference", "formulas",
    "streams", "lives", "counting", "draw", "rota", "warm", "today", "choosing", "fonts",
    "report_words", "plotting", "cut_words", "cut_figures", "intraday_figure", "replications",
    "shapley", "measure", "streaming", "simulate", "waiting", "staff", "loans", "staffing",
    "limits", "planning", "intraday", "dispatch", "naming", "people", "training", "previous",
    "fresh", "certificate", "reasons", "rolling", "missing", "prices", "hedging", "outcomes",
    "closures", "cutting", "quantities", "claim_file", "claims", "attribution", "recommend",
    "cells", "state_file", "thresholds", "outputs", "visit_file", "replay", "limit_words",
    "reason_words", "report_why", "report_page", "notices", "claims_page", "attribution_report",
    "report_sheets", "report", "screen", "cut_page", "intraday_page", "hedge_report",
    "cli_options", "cli_output", "cli_month", "cli_intraday", "cli_reforms", "cli_hedge",
    "cli_people", "cli_files", "cli_dispatch", "cli",
]  # fmt: skip
"""Every module imports only modules before it."""

HEAVY = {"numpy", "pandas", "numba", "scipy", "matplotlib", "simpy", "pulp", "highspy", "pydantic"}


def modules() -> dict[str, Path]:
    return {p.stem: p for p in PACKAGE.glob("*.py") if p.stem != "__init__"}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_the_order_names_every_module_once() -> None:
    assert sorted(ORDER) == sorted(modules())


@pytest.mark.parametrize("name", ORDER)
def test_imports_run_in_one_direction(name: str) -> None:
    own = {m.split(".")[1] for m in imports(modules()[name]) if m.startswith("hallsim.")}
    later = {m for m in own & set(ORDER) if ORDER.index(m) >= ORDER.index(name)}
    lazy = {
        "measure": {"plotting"},
        "attribution": {"attribution_report"},
        "hedging": {"hedge_report"},
    }.get(name, set())
    assert later <= lazy, f"{name} imports {later}, which come after it"


def test_only_one_module_touches_pulp_and_none_touches_pyyaml() -> None:
    users = {name for name, path in modules().items() if "pulp" in imports(path)}
    assert users == {"staffing"}
    assert not [name for name, path in modules().items() if "yaml" in imports(path)]


def test_engines_know_arrays_only() -> None:
    known = {"records", "queues", "eventful"}
    for name, allowed in {"compiled": known, "eventful": known, "reference": {"records"}}.items():
        own = {m.split(".")[1] for m in imports(modules()[name]) if m.startswith("hallsim.")}
        assert own <= allowed


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["recommend", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; sys.argv = ['hallsim'] + sys.argv[1:]\n"
        "from hallsim.cli import main\n"
        "try: main()\nexcept SystemExit as stop: assert not stop.code\n"
        "print('LOADED', *(m for m in sys.modules if '.' not in m))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert "hallsim" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    "before", ["import hallsim.cli", "from hallsim.recommend import Recommendation", "hallsim.read"]
)
def test_a_function_stays_a_function_after_its_module_was_imported(before: str) -> None:
    """`hallsim.recommend` is called twice in every notebook."""
    code = (
        f"import hallsim; {before}; first = hallsim.recommend, hallsim.simulate, hallsim.replay; "
        "from hallsim import recommend, simulate, replay; "
        "assert first == (recommend, simulate, replay) and all(map(callable, first)); "
        "assert hallsim.recommend is recommend and hallsim.simulate is simulate"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_constraints_name_no_address() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert re.search(r"^pulp==3\.3\.2 ; python_full_version < '3\.12'$", text, re.MULTILINE)
    assert re.search(r"^pulp==4\.\S+ ; python_full_version >= '3\.12'$", text, re.MULTILINE)


def test_both_readmes_give_the_same_two_commands() -> None:
    def commands(name: str) -> list[str]:
        return re.findall(
            r"```sh\n(.*?)\n```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL
        )

    english = commands("README.md")
    assert english == commands("README.zh.md")
    assert len(english) == 2 and all("\n" not in c for c in english)
    assert english[0].endswith("hallsim recommend scenarios/longhua-shenzhen --month 2018-09")


@pytest.mark.parametrize(
    "page", sorted(str(p.relative_to(ROOT)) for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{page} links to {target}"
