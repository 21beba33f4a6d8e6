"""The command line: thin callers of the functions that Jupyter uses.

Results go to stdout (with `--json` nothing else does), all else to stderr.  Exit codes are
`hallsim.problems.ExitCode`.  Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click

from hallsim import __version__
from hallsim.cli_dispatch import dispatch, thresholds
from hallsim.cli_files import replay, show, validate
from hallsim.cli_hedge import hedge
from hallsim.cli_intraday import intraday
from hallsim.cli_month import recommend, simulate
from hallsim.cli_output import Refused, fail, refuse, say
from hallsim.cli_people import roster
from hallsim.cli_reforms import attribute, claims, cut
from hallsim.problems import ExitCode, ScenarioProblems


def main() -> NoReturn:
    """Entry point: plain words instead of tracebacks, and a documented exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code = commands.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.ClickException as problem:
        problem.show()
        code = problem.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = fail(say("interrupted; nothing was left half-written"), ExitCode.INTERRUPTED)
    except Exception as problem:
        code = _explain(problem)
    sys.exit(code if isinstance(code, int) else 0)


def _explain(problem: Exception) -> int:
    from hallsim.outputs import OutputExists, OutputLocked

    if isinstance(problem, ScenarioProblems):
        return refuse(problem, ExitCode.SCENARIO)
    if isinstance(problem, Refused):
        return fail(str(problem), problem.code)
    if isinstance(problem, OutputExists):
        files = ", ".join(str(problem.folder / name) for name in problem.names)
        if len(problem.names) == 1 or problem.folder == Path():
            text = say(
                "{files}: another result is already there; --force keeps it in previous/, or choose "
                "another place"
            )
            return fail(text.format(files=files), ExitCode.USAGE)
        text = say(
            "{folder} already holds another result ({names}); "
            "--force keeps the old files in previous/, or choose --out"
        )
        return fail(
            text.format(folder=problem.folder, names=", ".join(problem.names)), ExitCode.USAGE
        )
    if isinstance(problem, OutputLocked):
        text = say("{file} cannot be written; is it open in another program? Nothing was changed")
        return fail(text.format(file=problem.file), ExitCode.USAGE)
    if isinstance(problem, OSError):  # a full or read-only disk: no fault of hallsim
        return fail(str(problem), ExitCode.USAGE)
    return _bug(problem)


def _bug(problem: Exception) -> int:
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="hallsim-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        traceback.print_exception(problem, file=log)
    text = say("unexpected error: {error}. This is a fault of hallsim; details are in {log}")
    return fail(text.format(error=problem, log=log.name), ExitCode.BUG)


class _InOrder(click.Group):
    """Commands are listed as they are given: most used first."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrder,
    commands=[
        recommend,
        simulate,
        dispatch,
        thresholds,
        intraday,
        hedge,
        cut,
        attribute,
        claims,
        roster,
        validate,
        show,
        replay,
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="hallsim")
def commands() -> None:
    """Queues and staffing of government service halls 政务服务大厅排队仿真与人员调配.

    SCENARIO is a folder with a scenario.yaml and its tables (docs/scenario.md). Results go to
    stdout or to files, messages to stderr, in Chinese or English (--lang, else HALLSIM_LANG, else
    the system's language).

    \b
    Exit codes:
      0  done                            5  limits contradict each other, or no plan
      1  a fault of hallsim              6  the check contradicts the plan; claims --strict
      2  usage                           7  notes, with validate --strict
      3  invalid scenario or month     130  interrupted
      4  data cannot be used
    """


if __name__ == "__main__":
    main()
