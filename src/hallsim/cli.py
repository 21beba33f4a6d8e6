"""The command line: thin callers of the functions that Jupyter uses.

Results go to stdout (with `--json` nothing else does), all else to stderr.  Exit codes are
`hallsim.problems.ExitCode`.  Nothing heavy is imported before a command needs it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import click

from hallsim import __version__
from hallsim.text import Language, system_language, translator

if TYPE_CHECKING:
    import pandas as pd

    from hallsim.measure import Measures
    from hallsim.problems import ScenarioProblems
    from hallsim.reading import Reading
    from hallsim.recommend import Recommendation
    from hallsim.scenario import Scenario

_PROVISIONAL = (
    "provisional: the holidays of this year are not announced; statutory days are assumed"
)
_LANGUAGES = click.Choice(["zh", "en"])


def main() -> NoReturn:
    """Entry point: plain words instead of tracebacks, and a documented exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        code = commands.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.Abort:
        code = _fail(_say()("interrupted; nothing was left half-written"), 130)
    except click.ClickException as problem:
        problem.show()
        code = problem.exit_code
    except KeyboardInterrupt:
        code = _fail(_say()("interrupted; nothing was left half-written"), 130)
    except Exception as problem:
        code = _explain(problem)
    sys.exit(code if isinstance(code, int) else 0)


def _explain(problem: Exception) -> int:
    from hallsim.outputs import OutputExists, OutputLocked
    from hallsim.problems import ExitCode, ScenarioProblems

    say = _say()
    if isinstance(problem, ScenarioProblems):
        return _refuse(problem, ExitCode.SCENARIO)
    if isinstance(problem, OutputExists):
        files = ", ".join(str(problem.folder / name) for name in problem.names)
        if len(problem.names) == 1 or problem.folder == Path():
            text = say(
                "{files}: another result is already there; --force keeps it in previous/, or choose "
                "another place"
            )
            return _fail(text.format(files=files), ExitCode.USAGE)
        text = say(
            "{folder} already holds another result ({names}); "
            "--force keeps the old files in previous/, or choose --out"
        )
        return _fail(
            text.format(folder=problem.folder, names=", ".join(problem.names)), ExitCode.USAGE
        )
    if isinstance(problem, OutputLocked):
        text = say("{file} cannot be written; is it open in another program? Nothing was changed")
        return _fail(text.format(file=problem.file), ExitCode.USAGE)
    if isinstance(problem, OSError):  # a full or read-only disk: no fault of hallsim
        return _fail(str(problem), ExitCode.USAGE)
    return _bug(problem)


def _refuse(problems: ScenarioProblems, code: int) -> int:
    if _wants_json():
        told = {"count": problems.count, "problems": problems.as_dicts()}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    return _fail(problems.text(_language()), code)


def _bug(problem: Exception) -> int:
    import tempfile
    import traceback

    from hallsim.problems import ExitCode

    with tempfile.NamedTemporaryFile(
        "w", prefix="hallsim-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        traceback.print_exception(problem, file=log)
    text = _say()("unexpected error: {error}. This is a fault of hallsim; details are in {log}")
    return _fail(text.format(error=problem, log=log.name), ExitCode.BUG)


def _fail(text: str, code: int) -> int:
    click.echo(text, err=True)
    return int(code)


def _language() -> Language:
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


def _wants_json() -> bool:
    return "--json" in sys.argv


def _say(language: Language | None = None) -> Callable[[str], str]:
    return translator("cli", language or _language())


class _InOrder(click.Group):
    """Commands are listed as they are defined: most used first."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrder,
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
      0  done                            5  no staffing is possible
      1  a fault of hallsim              6  the check contradicts the plan; claims --strict
      2  usage                           7  notes, with validate --strict
      3  invalid scenario or month     130  interrupted
      4  data cannot be used
    """


def _scenario_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--set",
            "sets",
            multiple=True,
            metavar="PATH=VALUE",
            help="Change a value, as in staffing.leave_rate=5% or 'demand[item=school].volume=x1.5'; "
            "may be repeated. Paths: hallsim show SCENARIO --resolved.",
        ),
        click.option(
            "--scenario", "variant", metavar="NAME", help="A variant from the file's `scenarios`."
        ),
        click.option(
            "--lang",
            type=_LANGUAGES,
            help="Language; default: the scenario's for the report, the system's for the screen.",
        ),
    ):
        command = option(command)
    return click.argument("folder", metavar="SCENARIO", type=click.Path(path_type=Path))(command)


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--json", "as_json", is_flag=True, help="Figures as JSON on stdout, all else on stderr."
        ),
        click.option(
            "--force", is_flag=True, help="Replace another result; its files go to previous/."
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            help="Folder of the result; default: reports/MONTH/NAME for recommend, none for simulate.",
        ),
        click.option(
            "--jobs",
            type=click.IntRange(1),
            metavar="N",
            help="Threads; default: all cores. The result is the same.",
        ),
        click.option(
            "--replications",
            type=click.IntRange(2),
            metavar="N",
            help="Simulated months, 2 or more; default: the scenario's.",
        ),
        click.option(
            "--seed",
            type=click.IntRange(0),
            metavar="N",
            help="Random seed; default: the scenario's.",
        ),
        click.option(
            "--month", required=True, metavar="YYYY-MM", help="The month, from 2004-01 to 2099-12."
        ),
    ):
        command = option(command)
    return command


_engine_option = click.option(
    "--engine",
    type=click.Choice(["compiled", "reference"]),
    default="compiled",
    show_default=True,
    help="The reference is slow and gives the same figures.",
)


def _listed(words: str, example: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command with its line in the list of commands and an example."""
    return commands.command(short_help=words, epilog=f"Example: hallsim {example}")


@_listed(
    "Who should work where in a month  调配建议",
    "recommend scenarios/longhua-shenzhen --month 2018-09 --scenario busy",
)
@_scenario_options
@_run_options
@click.option(
    "--period",
    type=click.Choice(["day", "week", "month"]),
    help="How often staffing may change; default: the scenario's.",
)
@click.option("--strict", is_flag=True, help="Refuse a provisional calendar (exit code 4).")
def recommend(
    folder: Path, variant: str | None, sets: tuple[str, ...], lang: Language | None, month: str,
    seed: int | None, replications: int | None, jobs: int | None, out: Path | None, force: bool,
    as_json: bool, period: str | None, strict: bool,
) -> int:  # fmt: skip
    """Recommend who should work where in a month, checked on fresh visitors, with a report.

    Writes report.html, recommendation.xlsx, moves.csv and summary.json (docs/outputs.md).
    """
    from hallsim.checks import parse_month

    year_and_month = parse_month(month)
    month = "{:04d}-{:02d}".format(*year_and_month)
    reading = _read(folder, variant, sets)
    scenario = reading.scenario
    language: Language = lang or scenario.language
    target = out or _folder(reading, month, variant, language)
    from hallsim.demand import expect
    from hallsim.outputs import write_all
    from hallsim.planning import ClosedMonth
    from hallsim.problems import ExitCode
    from hallsim.recommend import recommend as run
    from hallsim.report import render, summary
    from hallsim.staffing import NoPlan

    study = {
        "seed": scenario.run.seed if seed is None else seed,
        "replications": replications or scenario.run.replications,
        "period": period or scenario.run.period,
        "set": list(sets),
    }
    _refuse_early(target, force, reading, study)
    say = _say(lang)
    if strict and expect(scenario, *year_and_month).provisional:
        text = say("the holidays of {month} are provisional").format(month=month)
        return _fail(text, ExitCode.DATA)
    with _progress(say) as progress:
        try:
            found = run(
                scenario, month, scenario_name=variant or "base", seed=seed, replications=replications,
                period=period, jobs=jobs or os.cpu_count() or 1, progress=progress,
            )  # fmt: skip
        except NoPlan as problem:
            return _fail(str(problem), ExitCode.INFEASIBLE)
        except ClosedMonth as problem:
            return _fail(str(problem), ExitCode.SCENARIO)
        found = _with_origins(found, reading, study, language)
        progress("report", 0, 1)
        files = render(found, language)
        progress("report", 1, 1)
    written = write_all(target, _without_equal_summary(target, files), force)
    if as_json:
        click.echo(json.dumps(summary(found), ensure_ascii=False, indent=2))
    else:
        _tell(found, target, say)
    if not written:
        click.echo(say("nothing changed: {folder}").format(folder=target), err=True)
    return 6 if found.worse() else 0


@_listed(
    "How long people wait, with and without reassignment  等候仿真",
    "simulate scenarios/longhua-shenzhen --month 2018-09 --by hour",
)
@_scenario_options
@_run_options
@click.option(
    "--by",
    default="hall",
    show_default=True,
    metavar="GROUPING",
    help="The table on screen: by district, tier, street, hall, item, class, weekday, hour, week, "
    "day, hall_day, hall_hour or queue. The files of --out hold all of them.",
)
@click.option(
    "--staffing",
    type=click.Choice(["home", "plan", "both"]),
    default="home",
    show_default=True,
    help="Everybody at home, the plan that recommend finds, or both on the same visitors.",
)
@_engine_option
@click.option(
    "--precision",
    "wishes",
    multiple=True,
    metavar="MEASURE=SHARE",
    help="Simulate until the interval of this figure of the district is at most so wide to each "
    "side, as in mean_wait_min=5%; may be repeated. --replications is then the least number.",
)
@click.option(
    "--cap",
    type=click.IntRange(2),
    default=200,
    show_default=True,
    metavar="N",
    help="Months at most, with --precision.",
)
@click.option(
    "--visits",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write every visit of every simulated month, as .csv or .parquet (needs pyarrow).",
)
def simulate(
    folder: Path, variant: str | None, sets: tuple[str, ...], lang: Language | None, month: str,
    seed: int | None, replications: int | None, jobs: int | None, out: Path | None, force: bool,
    as_json: bool, by: str, staffing: str, engine: str, wishes: tuple[str, ...], cap: int,
    visits: Path | None,
) -> int:  # fmt: skip
    """Simulate a month with every clerk at home, under the plan of recommend, or both.

    Tells visitors, waits, those left unserved and how busy the windows are, by hall, hour, week, day,
    item or class of visitor; every figure with its interval. A peak with and without reassignment:
    --by week --staffing both.
    """
    reading = _read(folder, variant, sets)
    from hallsim.measure import BY
    from hallsim.outputs import write_all
    from hallsim.planning import ClosedMonth, simulate_sides
    from hallsim.problems import ExitCode
    from hallsim.staffing import NoPlan

    if by not in BY:
        raise click.BadParameter(f"one of {', '.join(BY)}", param_hint="--by")
    precision = _precision(wishes)
    if precision and cap < (replications or 3):
        raise click.BadParameter(f"below the least number, {replications or 3}", param_hint="--cap")
    if visits and staffing == "both":
        raise click.BadParameter("home or plan, with --visits", param_hint="--staffing")
    say = _say(lang)
    with _progress(say) as progress, _visits_to(visits, reading, month, force) as keep:
        try:
            sides = simulate_sides(
                reading.scenario, month, cast(Any, ["home", "plan"] if staffing == "both" else [staffing]),
                seed=seed, replications=replications, precision=precision, cap=cap,
                engine=cast(Any, engine), jobs=jobs or os.cpu_count() or 1, keep=keep,
                progress=progress,
            )  # fmt: skip
        except NoPlan as problem:
            return _fail(str(problem), ExitCode.INFEASIBLE)
        except ClosedMonth as problem:
            return _fail(str(problem), ExitCode.SCENARIO)
    for found in sides.values():
        for line in _reached(found, precision, say):
            click.echo(line, err=True)
    tables = _side_tables(sides)
    if out:
        files = {
            f"{side}_{name}.csv" if len(tables) > 1 else f"{name}.csv": _named_halls(
                table(name), reading.scenario, lang or reading.scenario.language
            ).to_csv(index=False, lineterminator="\r\n")
            for side, table in tables.items()
            for name in BY
        }
        write_all(out, files, force)
    if as_json:
        told = _measures_json(found, tables, reading, month, staffing)
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _show_table(sides, by, _language())
        if found.ledger.month.provisional:
            click.echo(say(_PROVISIONAL), err=True)
    return 0


@_listed(
    "What sources claim, beside the simulation  核对公布数字",
    "claims scenarios/longhua-shenzhen scenarios/erdao --lang zh",
)
@click.argument("folders", metavar="[SCENARIO]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--seed", type=click.IntRange(0), metavar="N", help="Random seed; default: each scenario's."
)
@click.option(
    "--replications",
    type=click.IntRange(2),
    metavar="N",
    default=20,
    show_default=True,
    help="Simulated months for each scenario and month that claims are about.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Threads; default: all cores. The result is the same.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder of the page claims.html (claims-zh.html, claims-en.html where the language is not "
    "the scenarios'); default: reports.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Replace a file that is no page of this command; it goes to previous/.",
)
@click.option("--strict", is_flag=True, help="Exit code 6 if a claim is not reproduced.")
@click.option(
    "--lang",
    type=_LANGUAGES,
    help="Language; default: the first scenario's for the page, the system's for the screen.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Claims as JSON on stdout, all else on stderr."
)
def claims(
    folders: tuple[Path, ...], seed: int | None, replications: int, jobs: int | None,
    out: Path | None, force: bool, strict: bool, lang: Language | None, as_json: bool,
) -> int:  # fmt: skip
    """Check the claims.yaml of scenarios: what sources say reforms did, beside the simulation.

    Without SCENARIO, every folder below ./scenarios that has a claims.yaml. Verdicts: reproduced, same
    direction, not reproduced, not testable; figures that were calibrated or put in by hand are shown and
    not counted. Verdicts do not change the exit code unless --strict is given. Form of the file and
    rules: docs/claims.md.
    """
    from hallsim.claim_file import folders_below, read_claims
    from hallsim.claims import as_dicts, check, counts
    from hallsim.claims_page import View, page
    from hallsim.outputs import write_all
    from hallsim.planning import ClosedMonth
    from hallsim.problems import ExitCode
    from hallsim.staffing import NoPlan

    districts = read_claims(folders or folders_below(Path("scenarios")))
    usual = districts[0].scenario.language
    language: Language = lang or usual
    name = "claims.html" if language == usual else f"claims-{language}.html"
    target = out or Path("reports")
    _refuse_foreign(target / name, force)
    say = _say(lang)
    with _progress(say) as progress:
        try:
            findings = check(
                districts, seed=seed, replications=replications, jobs=jobs or os.cpu_count() or 1,
                progress=lambda done, total: progress("simulate", done, total),
            )  # fmt: skip
        except NoPlan as problem:
            return _fail(str(problem), ExitCode.INFEASIBLE)
        except ClosedMonth as problem:
            return _fail(str(problem), ExitCode.SCENARIO)
    written = write_all(target, {name: page(findings, replications, language)}, force=True)
    found = counts(findings)
    if as_json:
        told = {
            "claims": as_dicts(findings),
            "counts": found,
            "replications": replications,
            "seed": seed,
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _print(View(findings, replications, _language()).screen())
    text = say("page: {path}") if written else say("nothing changed: {folder}")
    click.echo(text.format(path=target / name, folder=target / name), err=True)
    return int(ExitCode.TARGET_MISSED) if strict and found["not reproduced"] else 0


@_listed(
    "Which reform brought which minute  改革成效归因",
    "attribute scenarios/erdao --from before --to after --lang zh",
)
@click.argument("folder", metavar="SCENARIO", type=click.Path(path_type=Path))
@click.option(
    "--from", "before", default="before", show_default=True, metavar="NAME",
    help="The variant before the reforms; base: no overrides.",
)  # fmt: skip
@click.option(
    "--to", "after", default="after", show_default=True, metavar="NAME",
    help="The variant after them. Overrides that only one of the two has are the reforms, 8 at most.",
)  # fmt: skip
@click.option(
    "--month", "months", multiple=True, metavar="YYYY-MM",
    help="May be repeated; the months are taken together. Default: those of the first claim in "
    "claims.yaml about these two variants.",
)  # fmt: skip
@click.option(
    "--measure", default="mean_wait_min", show_default=True, metavar="NAME",
    help="A measure of the district (docs/measures.md), such as p90_wait_min or within_share.",
)  # fmt: skip
@click.option(
    "--group", "groups", multiple=True, metavar="NAME=A+B",
    help="Overrides that count as one reform; may be repeated.",
)  # fmt: skip
@click.option(
    "--set", "sets", multiple=True, metavar="PATH=VALUE",
    help="Change a value of both variants; may be repeated.",
)  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(0), metavar="N", help="Random seed; default: the scenario's."
)
@click.option(
    "--replications", type=click.IntRange(2), default=10, show_default=True, metavar="N",
    help="Simulated months of every combination.",
)  # fmt: skip
@click.option(
    "--table-replications", type=click.IntRange(1), default=8, show_default=True, metavar="N",
    help="Months for the waiting tables, where transfers.dynamic lets clerks be moved.",
)  # fmt: skip
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N",
    help="Threads; default: all cores. The result is the same.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path),
    help="Folder for tables, JSON and the figure; default: none.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace another result; its files go to previous/.")
@click.option(
    "--lang", type=_LANGUAGES,
    help="Language; default: the scenario's for the figure, the system's for the screen.",
)  # fmt: skip
@click.option(
    "--json", "as_json", is_flag=True, help="Figures as JSON on stdout, all else on stderr."
)
def attribute(
    folder: Path, before: str, after: str, months: tuple[str, ...], measure: str,
    groups: tuple[str, ...], sets: tuple[str, ...], seed: int | None, replications: int,
    table_replications: int, jobs: int | None, out: Path | None, force: bool,
    lang: Language | None, as_json: bool,
) -> int:  # fmt: skip
    """Share out the difference between two variants among the reforms between them.

    Simulates every combination of the reforms on the same visitors. A reform brings what it changes on
    average over all orders in which the reforms could be introduced (Shapley value); pairs that work
    only together, or get in each other's way, are named. Method and files: docs/attribute.md.
    """
    from hallsim.attribution import attribute as run
    from hallsim.attribution_report import as_dict, files, shown
    from hallsim.outputs import write_all
    from hallsim.planning import ClosedMonth
    from hallsim.problems import ExitCode
    from hallsim.staffing import NoPlan

    with _progress(_say(lang)) as progress:
        try:
            found = run(
                folder, before, after, months, measure=measure, groups=groups, sets=sets, seed=seed,
                replications=replications, table_replications=table_replications,
                jobs=jobs or os.cpu_count() or 1, progress=progress,
            )  # fmt: skip
        except NoPlan as problem:
            return _fail(str(problem), ExitCode.INFEASIBLE)
        except ClosedMonth as problem:
            return _fail(str(problem), ExitCode.SCENARIO)
    for note in found.notes:
        click.echo(note.text(_language()), err=True)
    if out:
        write_all(out, files(found, lang or found.scenario.language), force)
    if as_json:
        click.echo(json.dumps(as_dict(found), ensure_ascii=False, indent=2))
    else:
        _print(shown(found, _language()))
    return 0


@_listed(
    "How far windows and clerks can be cut  撤并窗口",
    "cut scenarios/longhua-shenzhen --month 2018-09 --to 100 --out reports/cut",
)
@_scenario_options
@_run_options
@click.option(
    "--from", "most", type=click.IntRange(1), metavar="N", help="First number of windows; today's."
)
@click.option(
    "--to",
    "fewest",
    type=click.IntRange(1),
    metavar="N",
    help="Last number of windows; default: the fewest with which every item is still served.",
)
@click.option("--hall", metavar="HALL", help="Cut windows in this hall only.")
@click.option(
    "--keep-kinds",
    is_flag=True,
    help="Windows keep their items. Else those that are left serve all items of their hall.",
)
def cut(
    folder: Path, variant: str | None, sets: tuple[str, ...], lang: Language | None, month: str,
    seed: int | None, replications: int | None, jobs: int | None, out: Path | None, force: bool,
    as_json: bool, most: int | None, fewest: int | None, hall: str | None, keep_kinds: bool,
) -> int:  # fmt: skip
    """What happens when windows are cut, and how far one can go.

    For every number of windows the best ones to close, with clerks reassigned to match, checked on
    fresh visitors, beside two rules of thumb; the fewest windows with which each target is sure to
    hold; the same for clerks, and for both together. Method and files: docs/cut.md.
    """
    from hallsim.cutting import cut as run
    from hallsim.outputs import write_all
    from hallsim.planning import ClosedMonth
    from hallsim.problems import ExitCode
    from hallsim.staffing import NoPlan

    reading = _read(folder, variant, sets)
    say = _say(lang)
    with _progress(say) as progress:
        try:
            found = run(
                reading.scenario, month, most=most, fewest=fewest, hall=hall, merge=not keep_kinds,
                seed=seed, replications=replications, jobs=jobs or os.cpu_count() or 1,
                progress=progress,
            )  # fmt: skip
        except NoPlan as problem:
            return _fail(str(problem), ExitCode.INFEASIBLE)
        except ClosedMonth as problem:
            return _fail(str(problem), ExitCode.SCENARIO)
    from hallsim import cut_page

    if out:
        write_all(out, cut_page.files(found, lang or reading.scenario.language), force)
    if as_json:
        click.echo(json.dumps(cut_page.as_json(found), ensure_ascii=False, indent=2))
    else:
        _print(cut_page.screen_table(found, _language()))
    if found.provisional:
        click.echo(say(_PROVISIONAL), err=True)
    return 0


@_listed("Check scenarios  校验场景", "validate scenarios/longhua-shenzhen scenarios/mine --strict")
@click.argument(
    "folders", metavar="SCENARIO...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--scenario", "variant", metavar="NAME", help="A variant from the file's `scenarios`."
)
@click.option("--lang", type=_LANGUAGES, help="Language of the messages.")
@click.option("--strict", is_flag=True, help="Notes count too (exit code 7).")
@click.option("--json", "as_json", is_flag=True, help="Problems as JSON on stdout.")
def validate(
    folders: tuple[Path, ...],
    variant: str | None,
    lang: Language | None,
    strict: bool,
    as_json: bool,
) -> int:
    """Check scenarios: all problems at once, each with its place, value and rule.

    SCENARIO is a folder, its scenario.yaml, or a workbook that its scenario.yaml names. Notes are told
    and forbid nothing.
    """
    from hallsim.problems import ExitCode, Problem, ScenarioProblems
    from hallsim.reading import read

    say, language = _say(lang), lang or system_language()
    found: list[dict[str, Any]] = []
    worst = 0
    for folder in folders:
        try:
            notes: tuple[Problem, ...] = read(folder, variant).notes
            click.echo(say("{folder}: valid").format(folder=folder), err=True)
            for note in notes:
                click.echo("  " + note.text(language), err=True)
            worst = max(worst, int(ExitCode.WARNINGS) if strict and notes else 0)
        except ScenarioProblems as problems:
            notes = problems.problems
            click.echo(problems.text(language), err=True)
            worst = int(ExitCode.SCENARIO)
        found.append({"scenario": str(folder), "problems": [n.as_dict() for n in notes]})
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    return int(ExitCode.SCENARIO) if any(_has_error(f) for f in found) else worst


def _has_error(entry: dict[str, Any]) -> bool:
    return any(p["severity"] == "error" for p in entry["problems"])


@_listed(
    "The values of a scenario and where they came from  查看取值",
    "show scenarios/longhua-shenzhen --resolved --lang zh",
)
@_scenario_options
@click.option(
    "--resolved", is_flag=True, help="Also the values that the files leave to their defaults."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON on stdout.")
def show(
    folder: Path, variant: str | None, sets: tuple[str, ...], lang: Language | None, resolved: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Show the values of a scenario and where each came from.

    A line is path, value, mark (from the source, assumed, calibrated, default, override; `seed` in
    files and JSON is from the source), place and reason. The path can be given to --set.
    """
    reading = _read(folder, variant, sets)
    shown = {
        path: origin
        for path, origin in reading.origins.items()
        if resolved or origin.source != "default"
    }
    if as_json:
        rows = {path: {**o._asdict(), "value": _json_value(o.value)} for path, o in shown.items()}
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2, default=str))
        return 0
    from hallsim.screen import value_lines

    for line in value_lines(shown, _language()):
        click.echo(line)
    return 0


@_listed(
    "Send a list of visitors through a list of duties  重放",
    "replay --visitors visitors.csv --duties duties.csv --out visits.csv",
)
@click.option(
    "--visitors",
    required=True,
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="Visitors: at least hall, arrival, item, service.",
)
@click.option(
    "--duties",
    required=True,
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="Duties: at least hall, window, items, on, off.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="File to write: what became of each visitor.",
)
@click.option(
    "--engine",
    type=click.Choice(["compiled", "simpy", "reference"]),
    default="compiled",
    show_default=True,
    help="simpy, also called reference, is slow and gives the same file.",
)
@click.option(
    "--no-serve-out", is_flag=True, help="Whoever waits at closing is turned away, not served."
)
@click.option(
    "--ghost-seconds",
    type=click.IntRange(0, 10**9),
    default=0,
    show_default=True,
    help="How long a window waits for somebody who has left; 0: they are not called.",
)
@click.option(
    "--posted-service",
    type=click.IntRange(0, 10**9),
    default=600,
    show_default=True,
    help="Seconds a person in the posted wait, by which visitors choose a hall.",
)
@click.option(
    "--force", is_flag=True, help="Replace another result; the old file goes to previous/."
)
@click.option("--lang", type=_LANGUAGES, help="Language of the messages.")
@click.option("--json", "as_json", is_flag=True, help="Counts as JSON on stdout.")
def replay(
    visitors: Path, duties: Path, out: Path, engine: str, no_serve_out: bool, ghost_seconds: int,
    posted_service: int, force: bool, lang: Language | None, as_json: bool,
) -> int:  # fmt: skip
    """Send the visitors of a file past the windows of another.

    Columns and rules: docs/rules.md. What is wrong with the files is told all at once.
    """
    from hallsim.problems import ExitCode, ScenarioProblems
    from hallsim.records import OUTCOMES
    from hallsim.replay import replay as run

    try:
        done = run(
            *(visitors, duties, out, cast(Any, engine), not no_serve_out, force),
            ghost_seconds=ghost_seconds,
            posted_service=posted_service,
        )
    except ScenarioProblems as problems:
        return _refuse(problems, ExitCode.DATA)
    for note in done.notes:
        click.echo(note.text(_language()), err=True)
    counts = {name: int((done.visits.outcome == k).sum()) for k, name in enumerate(OUTCOMES)}
    if as_json:
        told = {"visits": len(done.visits), **counts, "out": str(done.path)}
        told["notes"] = [note.as_dict() for note in done.notes]
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        say = _say()
        text = say(
            "{served} served, {abandoned} gave up, {balked} left at once, {turned_away} turned away, "
            "{void} later stages not reached: {file}"
        )
        click.echo(text.format(**counts, file=done.path), err=True)
    return 0


# Helpers of the commands --------------------------------------------------------------------------


def _read(folder: Path, variant: str | None, sets: tuple[str, ...]) -> Reading:
    """The scenario; what is worth knowing about it is said on stderr."""
    from hallsim.reading import read

    reading = read(folder, variant, sets)
    for note in reading.notes:
        click.echo(note.text(_language()), err=True)
    return reading


def _precision(wishes: tuple[str, ...]) -> dict[str, float]:
    """`measure=5%` or `measure=0.05` of `--precision`."""
    from hallsim.measure import MEASURES

    found = {}
    for wish in wishes:
        name, _, share = wish.partition("=")
        try:
            number = float(share.strip("% ")) / (100 if share.strip().endswith("%") else 1)
        except ValueError:
            number = 0.0
        if name not in MEASURES or not 0 < number < 1:
            raise click.BadParameter(
                f"{wish!r}; say MEASURE=SHARE, as mean_wait_min=5%, "
                f"where MEASURE is one of {', '.join(MEASURES)}",
                param_hint="--precision",
            )
        found[name] = number
    return found


def _reached(
    found: Measures, precision: dict[str, float], say: Callable[[str], str]
) -> Iterator[str]:
    """What became of each wished precision."""
    table = found.table().set_index("measure")
    for name, wish in precision.items():
        row = table.loc[name]
        half = row["hi"] - row["mean"]
        share = half / abs(row["mean"]) if row["mean"] else float("inf") if half else 0.0
        text = (
            say("{measure}: {share:.1%} to each side after {n} months, as wished")
            if share <= wish
            else say(
                "{measure}: {share:.1%} to each side after {n} months, not the wished {wish:.1%}"
            )
        )
        yield text.format(measure=name, share=share, n=found.replications, wish=wish)


@contextmanager
def _visits_to(path: Path | None, reading: Reading, month: str, force: bool) -> Iterator[Any]:
    """What takes every visit, if they are to be written."""
    if path is None:
        yield None
        return
    from hallsim.checks import parse_month
    from hallsim.demand import expect
    from hallsim.visit_file import kind_of, visit_file

    try:
        kind_of(path)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--visits") from problem
    dates = expect(reading.scenario, *parse_month(month)).dates
    with visit_file(path, reading.scenario, dates, force) as keep:
        yield keep


def _folder(reading: Reading, month: str, variant: str | None, language: Language) -> Path:
    name = reading.scenario.name
    if variant and variant != "base":
        name += f"-{variant}"
    if language != reading.scenario.language:
        name += f"-{language}"
    return Path("reports") / month / name


def _refuse_early(target: Path, force: bool, reading: Reading, study: dict[str, Any]) -> None:
    """Do not work for a result that may not be written: another study is already in the folder."""
    from hallsim.outputs import OutputExists

    old = _old_summary(target)
    if force or old is None:
        return
    made = old.get("manifest", {})
    wanted = {**study, "inputs": dict(reading.hashes), "hallsim": __version__}
    if any(made.get(key) != value for key, value in wanted.items()):
        raise OutputExists(target, ["summary.json"])


def _refuse_foreign(path: Path, force: bool) -> None:
    """Do not work for a page whose place is taken by a file that is none of ours."""
    from hallsim.claims_page import is_own
    from hallsim.outputs import OutputExists

    if path.exists() and not force and not (path.is_file() and is_own(path)):
        raise OutputExists(path.parent, [path.name])


def _old_summary(target: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((target / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _without_equal_summary(target: Path, files: dict[str, bytes]) -> dict[str, bytes]:
    """Drop a summary that differs from the one in place by its manifest (the time) only."""
    old, new = _old_summary(target), json.loads(files["summary.json"])
    if old is not None and {**old, "manifest": 0} == {**new, "manifest": 0}:
        return {name: data for name, data in files.items() if name != "summary.json"}
    return files


def _with_origins(
    found: Recommendation, reading: Reading, study: dict[str, Any], language: Language
) -> Recommendation:
    import dataclasses

    told = tuple(
        {"path": path, "value": _written(o.value), "source": o.source, "note": o.note}
        for path, o in reading.origins.items()
    )
    command = " ".join([Path(sys.argv[0]).name or "hallsim", *sys.argv[1:]])
    meta = {**found.meta, **study, "inputs": dict(reading.hashes), "command": command}
    notes = tuple(n.message(language) for n in reading.notes)
    return dataclasses.replace(found, assumptions=told, meta=meta, notes=notes)


@contextmanager
def _progress(say: Callable[[str], str]) -> Iterator[Callable[[str, int, int], None]]:
    """A bar per stage on stderr; silent where stderr is not a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    stages = {
        "calendar": say("calendar and demand"),
        "tables": say("waiting tables"),
        "choose": say("windows to close"),
        "solve": say("staffing programme"),
        "verify": say("check on fresh visitors"),
        "simulate": say("simulate"),
        "read": say("read combinations"),
        "combinations": say("simulate combinations"),
        "report": say("report"),
    }
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        known: dict[str, Any] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in known:
                known[stage] = bars.add_task(stages.get(stage, stage), total=total)
            bars.update(known[stage], completed=done, total=total)

        yield report


def _tell(found: Recommendation, target: Path, say: Callable[[str], str]) -> None:
    home, plan = (
        m.table().set_index("measure").loc["mean_wait_min"] for m in (found.home, found.plan)
    )
    mean, lo, hi = found.gain()
    lines = [
        say("{month}: {orders} clerks in {moves} transfers").format(
            month=found.month, orders=int(found.moves_cost["orders"]), moves=len(found.moves)
        ),
        say(
            "mean wait {home:.1f} -> {plan:.1f} minutes; "
            "difference {mean:+.1f} [{lo:+.1f}, {hi:+.1f}] on {n} fresh months"
        ).format(
            home=home["mean"], plan=plan["mean"], mean=mean, lo=lo, hi=hi, n=found.plan.replications
        ),
    ]
    if found.provisional:
        lines.append(say(_PROVISIONAL))
    if found.worse():
        lines.append(
            say(
                "the check on fresh visitors contradicts the plan: "
                "waiting, lost visitors and overtime together grow"
            )
        )
    lines.append(say("report: {path}").format(path=target / "report.html"))
    for line in lines:
        click.echo(line)


def _show_table(sides: dict[str, Measures], by: str, language: Language) -> None:
    from hallsim.screen import compared_table, measures_table

    if len(sides) > 1:
        _print(compared_table(sides["home"], sides["plan"], by, language))
    else:
        _print(measures_table(next(iter(sides.values())), by, language))


def _named_halls(table: pd.DataFrame, scenario: Scenario, language: Language) -> pd.DataFrame:
    """The table with the name of each hall beside its id."""
    from hallsim.report_words import hall_name, harmless

    if "hall" not in table:
        return table
    names = {h.hall: harmless(hall_name(h, language)) for h in scenario.halls}
    named = table.copy()
    named.insert(list(table.columns).index("hall") + 1, "hall_name", table["hall"].map(names))
    return named


def _side_tables(sides: dict[str, Measures]) -> dict[str, Callable[[str], Any]]:
    """The tables of each staffing, and of the paired differences plan - home."""
    tables: dict[str, Callable[[str], Any]] = {side: m.table for side, m in sides.items()}
    if len(sides) > 1:
        tables["difference"] = lambda by: sides["plan"].minus(sides["home"], by)
    return tables


def _print(shown: Any) -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else 200  # a file has no edge
    Console(width=width, highlight=False).print(shown)


def _measures_json(
    found: Measures,
    tables: dict[str, Callable[[str], Any]],
    reading: Reading,
    month: str,
    staffing: str,
) -> dict[str, Any]:
    from hallsim.measure import BY

    def records(table: Callable[[str], Any], by: str) -> list[dict[str, Any]]:
        text = table(by).to_json(orient="records", date_format="iso", double_precision=6)
        return cast(list[dict[str, Any]], json.loads(text))

    short = [by for by in BY if by not in ("hall_day", "hall_hour", "queue")]
    told = {side: {by: records(table, by) for by in short} for side, table in tables.items()}
    return {
        "scenario": reading.scenario.name,
        "month": month,
        "staffing": staffing,
        "replications": found.replications,
        "confidence": found.confidence,
        "provisional": found.ledger.month.provisional,
        **(told if len(told) > 1 else next(iter(told.values()))),
    }


def _json_value(value: Any) -> Any:
    return value if isinstance(value, int | float | str | bool | list | None) else _plain(value)


def _written(value: Any) -> str | None:
    return None if value is None else _plain(value)


def _plain(value: Any) -> str:
    return "|".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


if __name__ == "__main__":
    main()
