"""The command about hours within the day: `intraday`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from hallsim import cli_options as options
from hallsim.cli_output import (
    Refused,
    provisional,
    read_scenario,
    say,
    screen_language,
    tell_json,
    tell_table,
    tell_written,
    working,
)
from hallsim.problems import ExitCode
from hallsim.text import Language

if TYPE_CHECKING:
    from hallsim.shifts import Step


@options.command(
    "When within the day windows open  日内排窗",
    "intraday scenarios/longhua-shenzhen --month 2018-09 --hall longhua-district",
)
@options.of_scenario
@options.of_run
@click.option("--hall", metavar="HALL", help="One hall by half hours; default: all, a row each.")
@click.option(
    "--clerks", type=click.IntRange(1), metavar="N",
    help="Clerks present, with --hall; default: its clerks less leave and absence.",
)  # fmt: skip
@click.option(
    "--weekday",
    type=click.Choice(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
    help="Days of this name; default: the commonest kind of open day of each hall.",
)
@click.option(
    "--step", type=click.Choice(["half-hour", "hour", "session"]), default="half-hour",
    show_default=True, help="How often the number of windows may change.",
)  # fmt: skip
@click.option(
    "--desk", type=click.IntRange(0), default=0, show_default=True, metavar="N",
    help="Clerks who always stay at the desk or in the back office, of those not at windows.",
)  # fmt: skip
@click.option(
    "--change-minutes", type=click.FloatRange(0), default=5.0, show_default=True, metavar="X",
    help="Visitor minutes a day that each opening or closing must save.",
)  # fmt: skip
@click.option(
    "--later", type=click.FloatRange(0), default=5.0, show_default=True, metavar="X",
    help="Minutes by which the hall may be empty later than under the usual rota, on a mean day.",
)  # fmt: skip
@click.option(
    "--duty-only", is_flag=True,
    help="Keep the hours on duty only. Else finishing with a visitor after a duty, and overtime, count "
    "as hours, and together they do not grow.",
)  # fmt: skip
def intraday(
    folder: Path, variant: str | None, sets: tuple[str, ...], lang: Language | None, month: str,
    seed: int | None, replications: int | None, jobs: int, out: Path | None, force: bool,
    as_json: bool, hall: str | None, clerks: int | None, weekday: str | None, step: str, desk: int,
    change_minutes: float, later: float, duty_only: bool,
) -> int:  # fmt: skip
    """How many windows to open in every half hour, with the clerks who are there.

    The same clerks and the same hours at windows as under the usual rota, at other times: lunch is
    staggered, windows open late, and other duty is done when the hall is slack (tide windows). Judged
    on fresh visitors, who see both rotas. Method, files and keys: docs/intraday.md.
    """
    if clerks is not None and hall is None:
        raise click.UsageError("--clerks is about one hall: say --hall too")
    reading = read_scenario(folder, variant, sets)
    from hallsim.intraday import intraday as run
    from hallsim.intraday_page import as_json as told
    from hallsim.intraday_page import files, screen
    from hallsim.outputs import write_all
    from hallsim.planning import ClosedMonth

    with working() as progress:
        try:
            found = run(
                reading.scenario, month, hall=hall, clerks=clerks, weekday=weekday,
                step=cast("Step", step), desk=desk, change_minutes=change_minutes,
                later=later, duty_only=duty_only, seed=seed, replications=replications, jobs=jobs,
                progress=progress,
            )  # fmt: skip
        except ClosedMonth as problem:
            text = say("no clerk's window is open on such a day of {month}").format(month=month)
            raise Refused(text, ExitCode.SCENARIO) from problem
    whole = hall is None
    if out:
        language = lang or reading.scenario.language
        written = write_all(out, files(found, language, whole), force)
    if as_json:
        tell_json(told(found))
    else:
        tell_table(screen(found, screen_language(), whole))
    if out:
        tell_written(out, written)
    if found.provisional:
        click.echo(provisional(), err=True)
    return 0
