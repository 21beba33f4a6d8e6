"""Commands that read and write files and estimate nothing: `validate`, `show` and `replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click

from hallsim import cli_options as options
from hallsim.cli_output import (
    plain,
    read_scenario,
    refuse,
    say,
    screen_language,
    tell_json,
    tell_notes,
)
from hallsim.problems import ExitCode, Problem, ScenarioProblems
from hallsim.text import Language


@options.command(
    "Check scenarios  校验场景", "validate scenarios/longhua-shenzhen scenarios/mine --strict"
)
@click.argument("folders", metavar="SCENARIO...", nargs=-1, required=True, type=options.PATH)
@options.variant()
@options.lang(help="Language of the messages.")
@click.option("--strict", is_flag=True, help="Notes count too (exit code 7).")
@options.as_json(help="Problems as JSON on stdout.")
def validate(
    folders: tuple[Path, ...], variant: str | None, lang: Language | None, strict: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Check scenarios: all problems at once, each with its place, value and rule.

    SCENARIO is a folder, its scenario.yaml, or a workbook that its scenario.yaml names. Notes are told
    and forbid nothing.
    """
    from hallsim.reading import read

    language = screen_language()
    found: list[tuple[Path, tuple[Problem, ...]]] = []
    valid = True
    for folder in folders:
        try:
            notes = read(folder, variant).notes
            click.echo(say("{folder}: valid").format(folder=folder), err=True)
            for note in notes:
                click.echo("  " + note.text(language), err=True)
        except ScenarioProblems as problems:
            valid, notes = False, problems.problems
            click.echo(problems.text(language), err=True)
        found.append((folder, notes))
    if as_json:
        tell_json(
            [{"scenario": str(path), "problems": [n.as_dict() for n in ns]} for path, ns in found]
        )
    if not valid:
        return int(ExitCode.SCENARIO)
    return int(ExitCode.WARNINGS) if strict and any(notes for _, notes in found) else 0


@options.command(
    "The values of a scenario and where they came from  查看取值",
    "show scenarios/longhua-shenzhen --resolved --lang zh",
)
@options.of_scenario
@click.option(
    "--resolved", is_flag=True, help="Also the values that the files leave to their defaults."
)
@options.as_json(help="As JSON on stdout.")
def show(
    folder: Path, variant: str | None, sets: tuple[str, ...], lang: Language | None, resolved: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Show the values of a scenario and where each came from.

    A line is path, value, mark (from the source, assumed, calibrated, default, override; `seed` in
    files and JSON is from the source), place and reason. The path can be given to --set.
    """
    reading = read_scenario(folder, variant, sets)
    shown = {
        path: origin
        for path, origin in reading.origins.items()
        if resolved or origin.source != "default"
    }
    if as_json:
        rows = {path: {**o._asdict(), "value": _json_value(o.value)} for path, o in shown.items()}
        tell_json(rows, default=str)
        return 0
    from hallsim.screen import value_lines

    for line in value_lines(shown, screen_language()):
        click.echo(line)
    return 0


def _json_value(value: Any) -> Any:
    return value if isinstance(value, int | float | str | bool | list | None) else plain(value)


@options.command(
    "Send a list of visitors through a list of duties  重放",
    "replay --visitors visitors.csv --duties duties.csv --out visits.csv",
)
@click.option(
    "--visitors", required=True, type=options.PATH, metavar="CSV",
    help="Visitors: at least hall, arrival, item, service.",
)  # fmt: skip
@click.option(
    "--duties", required=True, type=options.PATH, metavar="CSV",
    help="Duties: at least hall, window, items, on, off.",
)  # fmt: skip
@options.out(required=True, metavar="CSV", help="File to write: what became of each visitor.")
@click.option(
    "--engine", type=click.Choice(["compiled", "simpy", "reference"]), default="compiled",
    show_default=True, help="simpy, also called reference, is slow and gives the same file.",
)  # fmt: skip
@click.option(
    "--no-serve-out", is_flag=True, help="Whoever waits at closing is turned away, not served."
)
@click.option(
    "--ghost-seconds", type=click.IntRange(0, 10**9), default=0, show_default=True,
    help="How long a window waits for somebody who has left; 0: they are not called.",
)  # fmt: skip
@click.option(
    "--posted-service", type=click.IntRange(0, 10**9), default=600, show_default=True,
    help="Seconds a person in the posted wait, by which visitors choose a hall.",
)  # fmt: skip
@options.force(help="Replace another result; the old file goes to previous/.")
@options.lang(help="Language of the messages.")
@options.as_json(help="Counts as JSON on stdout.")
def replay(
    visitors: Path, duties: Path, out: Path, engine: str, no_serve_out: bool, ghost_seconds: int,
    posted_service: int, force: bool, lang: Language | None, as_json: bool,
) -> int:  # fmt: skip
    """Send the visitors of a file past the windows of another.

    Columns and rules: docs/rules.md. What is wrong with the files is told all at once.
    """
    from hallsim.records import OUTCOMES
    from hallsim.replay import replay as run

    try:
        done = run(
            *(visitors, duties, out, cast(Any, engine), not no_serve_out, force),
            ghost_seconds=ghost_seconds,
            posted_service=posted_service,
        )
    except ScenarioProblems as problems:
        return refuse(problems, ExitCode.DATA)
    tell_notes(done.notes)
    counts = {name: int((done.visits.outcome == k).sum()) for k, name in enumerate(OUTCOMES)}
    if as_json:
        told = {"visits": len(done.visits), **counts, "out": str(done.path)}
        tell_json({**told, "notes": [note.as_dict() for note in done.notes]}, indent=None)
    else:
        text = say(
            "{served} served, {abandoned} gave up, {balked} left at once, {turned_away} turned away, "
            "{void} later stages not reached: {file}"
        )
        click.echo(text.format(**counts, file=done.path), err=True)
    return 0
