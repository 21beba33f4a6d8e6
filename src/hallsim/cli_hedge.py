"""The command about demand that is not known: `hedge`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from hallsim import cli_options as options
from hallsim.cli_output import (
    provisional,
    screen_language,
    tell_json,
    tell_notes,
    tell_table,
    tell_written,
    working,
)
from hallsim.text import Language

if TYPE_CHECKING:
    from hallsim.hedging import Aim


@options.command(
    "One plan for several futures of demand  多情形稳健调配",
    "hedge scenarios/longhua-shenzhen --month 2018-09 --against quiet --against base "
    "--against busy=0.2 --risk worst",
)
@options.scenario
@options.of_run
@click.option(
    "--against", "against", multiple=True, required=True, metavar="NAME[=WEIGHT]",
    help="A variant from the file's `scenarios` that may come, or base; say two or more. Those without "
    "a weight share alike what the others leave of 1.",
)  # fmt: skip
@click.option(
    "--risk", "aim", type=click.Choice(["expected", "worst", "cvar", "regret"]), default="worst",
    show_default=True,
    help="What is kept lowest: the cost on average, in the worst future, in the worst share of futures "
    "(--tail), or the largest regret.",
)  # fmt: skip
@click.option(
    "--tail", type=click.FloatRange(0, 1, min_open=True), default=0.2, show_default=True,
    metavar="SHARE", help="The worst share of futures, for cvar.",
)  # fmt: skip
@click.option(
    "--period",
    type=click.Choice(["day", "half_week", "week", "month"]),
    help="How often staffing may change; default: the scenario's.",
)
@options.sets(help="Change a value of all futures; may be repeated.")
@options.lang(help="Language; default: the scenario's for the figure, the system's for the screen.")
def hedge(
    folder: Path, month: str, seed: int | None, replications: int | None, jobs: int,
    out: Path | None, force: bool, as_json: bool, against: tuple[str, ...], aim: str, tail: float,
    period: str | None, sets: tuple[str, ...], lang: Language | None,
) -> int:  # fmt: skip
    """One plan for several futures of demand, and what every plan costs in each of them.

    Beside it stand everybody at home, the plan made for each future alone, and the other choices of
    --risk. The regret of a plan in a future is what it costs more there than the plan made for it; all
    are compared on the same fresh visitors. Method, files and keys: docs/staffing.md.
    """
    from hallsim.hedge_report import as_dict, files, shown
    from hallsim.hedging import hedge as run
    from hallsim.outputs import write_all

    with working() as progress:
        found = run(
            folder, month, against, aim=cast("Aim", aim), tail=tail, sets=sets, period=period,
            seed=seed, replications=replications, jobs=jobs, progress=progress,
        )  # fmt: skip
    tell_notes(found.notes)
    if out:
        written = write_all(out, files(found, lang or found.scenario.language), force)
    if as_json:
        tell_json(as_dict(found))
    else:
        tell_table(shown(found, screen_language()))
    if out:
        tell_written(out, written)
    if found.provisional:
        click.echo(provisional(), err=True)
    return 0
