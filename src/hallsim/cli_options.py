"""Options that several commands take; each is spelled, typed and explained here only.

A command gives its own `help` or `default` where its option differs from that of the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
PATH = click.Path(path_type=Path)


def command(words: str, example: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command with its line in the list of commands and an example."""
    return click.command(short_help=words, epilog=f"Example: hallsim {example}")


def _option(*names: str, **usual: Any) -> Callable[..., Decorator]:
    return lambda **own: click.option(*names, **{**usual, **own})


def _together(*parts: Decorator) -> Decorator:
    """Several options, in the order in which `--help` lists them."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for part in reversed(parts):
            function = part(function)
        return function

    return decorate


scenario = click.argument("folder", metavar="SCENARIO", type=PATH)
lang = _option(
    "--lang",
    type=click.Choice(["zh", "en"]),
    help="Language; default: the scenario's for the report, the system's for the screen.",
)
variant = _option(
    "--scenario", "variant", metavar="NAME", help="A variant from the file's `scenarios`."
)
sets = _option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE",
    help="Change a value, as in staffing.leave_rate=5% or 'demand[item=school].volume=x1.5'; "
    "may be repeated. Paths: hallsim show SCENARIO --resolved.",
)  # fmt: skip
seed = _option(
    "--seed", type=click.IntRange(0), metavar="N", help="Random seed; default: the scenario's."
)
replications = _option(
    "--replications", type=click.IntRange(2), metavar="N",
    help="Simulated months, 2 or more; default: the scenario's.",
)  # fmt: skip
jobs = _option(
    "--jobs", type=click.IntRange(1), default=lambda: os.cpu_count() or 1, metavar="N",
    help="Threads; default: all cores. The result is the same.",
)  # fmt: skip
out = _option("--out", type=PATH)
force = _option("--force", is_flag=True, help="Replace another result; its files go to previous/.")
as_json = _option(
    "--json", "as_json", is_flag=True, help="Figures as JSON on stdout, all else on stderr."
)

of_scenario = _together(scenario, lang(), variant(), sets())
"""Which scenario: `folder`, `lang`, `variant`, `sets`."""
of_run = _together(
    click.option(
        "--month", required=True, metavar="YYYY-MM", help="The month, from 2004-01 to 2099-12."
    ),
    seed(),
    replications(),
    jobs(),
    out(
        help="Folder of the result; default: reports/MONTH/NAME for recommend, none for the others."
    ),
    force(),
    as_json(),
)
"""A study of one month: `month`, `seed`, `replications`, `jobs`, `out`, `force`, `as_json`."""
