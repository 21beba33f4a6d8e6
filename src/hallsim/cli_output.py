"""What every command says, and in which language: results on stdout, all else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from hallsim.problems import ExitCode, Problem, ScenarioProblems
from hallsim.text import Language, system_language, translator

if TYPE_CHECKING:
    from hallsim.reading import Reading

Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and how much there is."""


class Refused(Exception):  # noqa: N818 - the name says what is the case
    """A command ends with this message and exit code."""

    def __init__(self, text: str, code: ExitCode) -> None:
        """Remember the code."""
        self.code = code
        super().__init__(text)


def screen_language() -> Language:
    """The language of messages: `--lang`, else the system's."""
    context = click.get_current_context(silent=True)
    chosen = (context.params.get("lang") if context else None) or _argument("--lang")
    return cast(Language, chosen) if chosen in ("zh", "en") else system_language()


def _argument(name: str) -> str | None:
    """An option as typed, for messages after click is done."""
    words = sys.argv[1:]
    for k, word in enumerate(words):
        if word == name and k + 1 < len(words):
            return words[k + 1]
        if word.startswith(name + "="):
            return word.partition("=")[2]
    return None


def say(text: str) -> str:
    """A message in the language of messages."""
    return translator("cli", screen_language())(text)


def provisional() -> str:
    """What is said of a month whose holidays are not known."""
    return say(
        "provisional: the holidays of this year are not announced; statutory days are assumed"
    )


def fail(text: str, code: int) -> int:
    """Say why a command ends; its exit code."""
    click.echo(text, err=True)
    return int(code)


def refuse(problems: ScenarioProblems, code: int) -> int:
    """Say what is wrong with the input, with `--json` as JSON too; the exit code."""
    if "--json" in sys.argv:
        tell_json({"count": problems.count, "problems": problems.as_dicts()})
    return fail(problems.text(screen_language()), code)


def tell_notes(notes: Iterable[Problem]) -> None:
    """What is worth knowing about the input."""
    for note in notes:
        click.echo(note.text(screen_language()), err=True)


def tell_json(told: object, **form: Any) -> None:
    """A result for programs; `form` goes to `json.dumps`."""
    click.echo(json.dumps(told, **{"ensure_ascii": False, "indent": 2, **form}))


def tell_written(folder: Path, written: list[Path]) -> None:
    """Where the files of a result are, or that they were there already."""
    text = say("files: {folder}") if written else say("nothing changed: {folder}")
    click.echo(text.format(folder=folder), err=True)


def tell_table(table: Any) -> None:
    """A result for people, made with rich."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 200  # a file has no edge
    Console(width=width, highlight=False).print(table)


def plain(value: Any) -> str:
    """A value of a scenario as text."""
    return "|".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def read_scenario(folder: Path, variant: str | None, sets: tuple[str, ...]) -> Reading:
    """The scenario; its notes are told.

    Raises:
        ScenarioProblems: it is not valid.
    """
    from hallsim.reading import read

    reading = read(folder, variant, sets)
    tell_notes(reading.notes)
    return reading


@contextmanager
def working() -> Iterator[Progress]:
    """A bar for each stage of the work; a month that cannot be staffed is refused.

    Raises:
        Refused: no plan, or no hall opens.
    """
    from hallsim.planning import ClosedMonth
    from hallsim.staff import NoPlan

    try:
        with _bars() as progress:
            yield progress
    except NoPlan as problem:
        raise Refused(str(problem), ExitCode.INFEASIBLE) from problem
    except ClosedMonth as problem:
        raise Refused(str(problem), ExitCode.SCENARIO) from problem


@contextmanager
def _bars() -> Iterator[Progress]:
    """Bars on stderr; silent where stderr is not a terminal."""
    from rich import progress
    from rich.console import Console

    stages = {
        "calendar": say("calendar and demand"),
        "tables": say("waiting tables"),
        "hours": say("hours of the halls"),
        "choose": say("windows to close"),
        "solve": say("staffing programme"),
        "hedge": say("plans for all futures"),
        "verify": say("check on fresh visitors"),
        "simulate": say("simulate"),
        "read": say("read combinations"),
        "combinations": say("simulate combinations"),
        "explain": say("reasons and prices"),
        "certify": say("certificate"),
        "report": say("report"),
    }
    console = Console(stderr=True)
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        known: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in known:
                known[stage] = bars.add_task(stages.get(stage, stage), total=total)
            bars.update(known[stage], completed=done, total=total)

        yield report
