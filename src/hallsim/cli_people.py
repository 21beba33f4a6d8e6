"""Commands about people: `roster`."""

from __future__ import annotations

from pathlib import Path

import click

from hallsim import cli_options as options
from hallsim.cli_output import Refused, read_scenario, say, tell_json
from hallsim.problems import ExitCode
from hallsim.text import Language, translator


@options.command(
    "A table of all clerks to fill in  花名册样表",
    "roster scenarios/longhua-shenzhen --out roster.csv",
)
@options.of_scenario
@options.out(default=Path("roster.csv"), show_default=True, metavar="CSV", help="File to write.")
@options.force(help="Replace another file; the old one goes to previous/.")
@options.as_json(help="Counts as JSON on stdout.")
def roster(
    folder: Path, variant: str | None, sets: tuple[str, ...], lang: Language | None, out: Path,
    force: bool, as_json: bool,
) -> int:  # fmt: skip
    """Write a roster with a row for every clerk of the head count, under made-up staff numbers.

    Put in the real numbers, granted leave and how often each was lent in 12 months, and save it as
    roster.csv in the scenario folder (docs/people.md). No names: staff numbers only.
    """
    scenario = read_scenario(folder, variant, sets).scenario
    if out.suffix.lower() != ".csv":
        wrong = say("{file}: the name of a table ends in .csv").format(file=out)
        raise Refused(wrong, ExitCode.USAGE)
    if scenario.roster:
        raise Refused(say("this scenario has a roster already"), ExitCode.USAGE)
    from hallsim.outputs import write_all
    from hallsim.people import made_up_roster, roster_csv

    put = translator("cli", lang or scenario.language)  # the file's language is the scenario's
    made = made_up_roster(scenario, put("made-up staff number"))
    write_all(out.parent, {out.name: roster_csv(made)}, force)
    told = say("{clerks} clerks under made-up staff numbers: {file}")
    click.echo(told.format(clerks=len(made), file=out), err=True)
    if scenario.leave:
        text = say("the roster holds the leave of the table 'leave', which should then be removed")
        click.echo(text, err=True)
    if as_json:
        tell_json({"clerks": len(made), "out": str(out)}, indent=None)
    return 0
