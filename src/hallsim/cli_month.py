"""Commands about a month as it is or could be: `recommend` and `simulate`."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from hallsim import __version__
from hallsim import cli_options as options
from hallsim.cli_output import (
    Refused,
    plain,
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
    import pandas as pd

    from hallsim.measure import Measures
    from hallsim.reading import Reading
    from hallsim.recommend import Recommendation
    from hallsim.scenario import Scenario

Table = Callable[[str], Any]
"""Figures by a grouping, as `Measures.table`."""


# recommend ----------------------------------------------------------------------------------------


@options.command(
    "Who should work where in a month  调配建议",
    "recommend scenarios/longhua-shenzhen --month 2018-09 --scenario busy",
)
@options.of_scenario
@options.of_run
@click.option(
    "--period",
    type=click.Choice(["day", "half_week", "week", "month"]),
    help="How often staffing may change; default: the scenario's.",
)
@click.option(
    "--previous", type=options.PATH, metavar="FOLDER",
    help="Folder of the recommendation of the month before: what runs at its end goes on where that "
    "is best, without a new order.",
)  # fmt: skip
@click.option(
    "--today", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD",
    help="No change begins before the notice period after this day; default: any may.",
)  # fmt: skip
@click.option(
    "--notice-template", type=options.PATH, metavar="FILE",
    help="Own template of the transfer notices (docs/people.md).",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="Refuse a provisional calendar (exit code 4).")
def recommend(
    folder: Path, variant: str | None, sets: tuple[str, ...], lang: Language | None, month: str,
    seed: int | None, replications: int | None, jobs: int, out: Path | None, force: bool,
    as_json: bool, period: str | None, previous: Path | None, today: dt.datetime | None,
    notice_template: Path | None, strict: bool,
) -> int:  # fmt: skip
    """Recommend who should work where in a month, checked on fresh visitors, with a report.

    Writes report.html, recommendation.xlsx, moves.csv and summary.json (docs/outputs.md); with a roster
    also people.csv and notices.html. Where limits contradict each other the plan gives up as little of
    them as possible, says which and how much, and the exit code is 5.
    """
    from hallsim.checks import parse_month

    year_and_month = parse_month(month)
    month = "{:04d}-{:02d}".format(*year_and_month)
    reading = read_scenario(folder, variant, sets)
    scenario = reading.scenario
    language: Language = lang or scenario.language
    target = out or _folder(reading, month, variant, language)
    from hallsim.demand import expect
    from hallsim.notices import read_template
    from hallsim.outputs import write_all
    from hallsim.previous import read_previous
    from hallsim.recommend import recommend as run
    from hallsim.report import render, summary

    study = {
        "seed": scenario.run.seed if seed is None else seed,
        "replications": replications or scenario.run.replications,
        "period": period or scenario.run.period,
        "set": list(sets),
        "today": today.date().isoformat() if today else None,
    }
    before = read_previous(previous, scenario, month) if previous else None
    template = read_template(notice_template) if notice_template else None
    if template and not scenario.roster:
        raise click.BadParameter(say("notices need a roster"), param_hint="--notice-template")
    _refuse_early(target, force, reading, study)
    if strict and expect(scenario, *year_and_month).provisional:
        text = say("the holidays of {month} are provisional").format(month=month)
        raise Refused(text, ExitCode.DATA)
    with working() as progress:
        found = run(
            scenario, month, scenario_name=variant or "base", seed=seed, replications=replications,
            period=period, previous=before, today=today.date() if today else None, jobs=jobs,
            progress=progress,
        )  # fmt: skip
        found = _with_origins(found, reading, study, language)
        progress("report", 0, 1)
        files = render(found, language, template)
        progress("report", 1, 1)
    written = write_all(target, _without_equal_summary(target, files), force)
    if as_json:
        tell_json(summary(found))
    else:
        for line in _told(found, target):
            click.echo(line)
    if not written:
        click.echo(say("nothing changed: {folder}").format(folder=target), err=True)
    if found.conflict or len(found.relaxed):
        for line in _contradiction(found):
            click.echo(line, err=True)
        return int(ExitCode.INFEASIBLE)
    return int(ExitCode.TARGET_MISSED) if found.worse() else 0


def _contradiction(found: Recommendation) -> Iterator[str]:
    """Which limits cannot be kept together, and the least that would have to give."""
    from hallsim.limit_words import conflict_lines, relaxation_lines

    language = screen_language()
    yield say("these limits cannot be kept with the clerks and windows there are:")
    for line in conflict_lines(found.conflict, found.scenario, found.places, language):
        yield f"  {line}"
    yield say("the least relaxation that works, kept by the plan:")
    for line in relaxation_lines(found.relaxed, found.scenario, found.places, language):
        yield f"  {line}"


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
        {
            "path": path,
            "value": None if o.value is None else plain(o.value),
            "source": o.source,
            "note": o.note,
        }
        for path, o in reading.origins.items()
    )
    typed = " ".join([Path(sys.argv[0]).name or "hallsim", *sys.argv[1:]])
    meta = {**found.meta, **study, "inputs": dict(reading.hashes), "command": typed}
    notes = tuple(n.message(language) for n in reading.notes)
    places = {path: o.place for path, o in reading.origins.items()}
    return dataclasses.replace(found, assumptions=told, meta=meta, notes=notes, places=places)


def _told(found: Recommendation, target: Path) -> Iterator[str]:
    home, plan = (
        m.table().set_index("measure").loc["mean_wait_min"] for m in (found.home, found.plan)
    )
    mean, lo, hi = found.gain()
    running = found.moves["running"].astype(bool)
    new, kept = found.moves[~running], found.moves[running]
    if found.previous:
        yield say(
            "{month}: {orders} clerks newly lent in {moves} transfers; of {previous}, {kept} clerks in "
            "{loans} transfers go on and {ended} clerks go home"
        ).format(
            month=found.month, orders=int(new["clerks"].sum()), moves=len(new),
            previous=found.previous, kept=int(kept["clerks"].sum()), loans=len(kept),
            ended=int(found.ended["clerks"].sum()),
        )  # fmt: skip
    else:
        yield say("{month}: {orders} clerks in {moves} transfers").format(
            month=found.month, orders=int(found.moves_cost["orders"]), moves=len(found.moves)
        )
    yield say(
        "mean wait {home:.1f} -> {plan:.1f} minutes; "
        "difference {mean:+.1f} [{lo:+.1f}, {hi:+.1f}] on {n} fresh months"
    ).format(
        home=home["mean"], plan=plan["mean"], mean=mean, lo=lo, hi=hi, n=found.plan.replications
    )
    yield found.certificate.text(screen_language())
    if found.named is not None and len(found.named.unfilled):
        yield say("{n} clerks cannot be named: see unfilled in summary.json").format(
            n=int(found.named.unfilled["clerks"].sum())
        )
    if found.provisional:
        yield provisional()
    if found.worse():
        yield say(
            "the check on fresh visitors contradicts the plan: "
            "waiting, lost visitors and overtime together grow"
        )
    yield say("report: {path}").format(path=target / "report.html")


# simulate -----------------------------------------------------------------------------------------


@options.command(
    "How long people wait, with and without reassignment  等候仿真",
    "simulate scenarios/longhua-shenzhen --month 2018-09 --by hour",
)
@options.of_scenario
@options.of_run
@click.option(
    "--by", default="hall", show_default=True, metavar="GROUPING",
    help="The table on screen: by district, tier, street, hall, item, class, weekday, hour, week, "
    "day, hall_day, hall_hour or queue. The files of --out hold all of them.",
)  # fmt: skip
@click.option(
    "--staffing", type=click.Choice(["home", "plan", "both"]), default="home", show_default=True,
    help="Everybody at home, the plan that recommend finds, or both on the same visitors.",
)  # fmt: skip
@click.option(
    "--engine", type=click.Choice(["compiled", "reference"]), default="compiled",
    show_default=True, help="The reference is slow and gives the same figures.",
)  # fmt: skip
@click.option(
    "--precision", "wishes", multiple=True, metavar="MEASURE=SHARE",
    help="Simulate until the interval of this figure of the district is at most so wide to each "
    "side, as in mean_wait_min=5%; may be repeated. --replications is then the least number.",
)  # fmt: skip
@click.option(
    "--cap", type=click.IntRange(2), default=200, show_default=True, metavar="N",
    help="Months at most, with --precision.",
)  # fmt: skip
@click.option(
    "--visits", type=options.PATH, metavar="FILE",
    help="Write every visit of every simulated month, as .csv or .parquet (needs pyarrow).",
)  # fmt: skip
def simulate(
    folder: Path, variant: str | None, sets: tuple[str, ...], lang: Language | None, month: str,
    seed: int | None, replications: int | None, jobs: int, out: Path | None, force: bool,
    as_json: bool, by: str, staffing: str, engine: str, wishes: tuple[str, ...], cap: int,
    visits: Path | None,
) -> int:  # fmt: skip
    """Simulate a month with every clerk at home, under the plan of recommend, or both.

    Tells visitors, waits, those left unserved and how busy the windows are, by hall, hour, week, day,
    item or class of visitor; every figure with its interval. A peak with and without reassignment:
    --by week --staffing both.
    """
    reading = read_scenario(folder, variant, sets)
    from hallsim.measure import BY
    from hallsim.outputs import write_all
    from hallsim.planning import simulate_sides

    if by not in BY:
        raise click.BadParameter(f"one of {', '.join(BY)}", param_hint="--by")
    precision = _precision(wishes)
    if precision and cap < (replications or 3):
        raise click.BadParameter(f"below the least number, {replications or 3}", param_hint="--cap")
    if visits and staffing == "both":
        raise click.BadParameter("home or plan, with --visits", param_hint="--staffing")
    with working() as progress, _visits_to(visits, reading, month, force) as keep:
        sides = simulate_sides(
            reading.scenario, month, cast(Any, ["home", "plan"] if staffing == "both" else [staffing]),
            seed=seed, replications=replications, precision=precision, cap=cap,
            engine=cast(Any, engine), jobs=jobs, keep=keep, progress=progress,
        )  # fmt: skip
    for found in sides.values():
        for line in _reached(found, precision):
            click.echo(line, err=True)
    tables = _side_tables(sides)
    if out:
        written = write_all(
            out, _csv_files(tables, reading.scenario, lang or reading.scenario.language), force
        )
    if as_json:
        tell_json(_measures_json(found, tables, reading, month, staffing))
    else:
        _show_table(sides, by)
        if found.ledger.month.provisional:
            click.echo(provisional(), err=True)
    if out:
        tell_written(out, written)
    return 0


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


def _reached(found: Measures, precision: dict[str, float]) -> Iterator[str]:
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


def _side_tables(sides: dict[str, Measures]) -> dict[str, Table]:
    """The tables of each staffing, and of the paired differences plan - home."""
    tables: dict[str, Table] = {side: m.table for side, m in sides.items()}
    if len(sides) > 1:
        tables["difference"] = lambda by: sides["plan"].minus(sides["home"], by)
    return tables


def _csv_files(tables: dict[str, Table], scenario: Scenario, language: Language) -> dict[str, str]:
    from hallsim.measure import BY

    return {
        f"{side}_{by}.csv" if len(tables) > 1 else f"{by}.csv": _named_halls(
            table(by), scenario, language
        ).to_csv(index=False, lineterminator="\r\n")
        for side, table in tables.items()
        for by in BY
    }


def _named_halls(table: pd.DataFrame, scenario: Scenario, language: Language) -> pd.DataFrame:
    """The table with the name of each hall beside its id."""
    from hallsim.report_words import hall_name, harmless

    if "hall" not in table:
        return table
    names = {h.hall: harmless(hall_name(h, language)) for h in scenario.halls}
    named = table.copy()
    named.insert(list(table.columns).index("hall") + 1, "hall_name", table["hall"].map(names))
    return named


def _measures_json(
    found: Measures, tables: dict[str, Table], reading: Reading, month: str, staffing: str
) -> dict[str, Any]:
    from hallsim.measure import BY

    def records(table: Table, by: str) -> list[dict[str, Any]]:
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


def _show_table(sides: dict[str, Measures], by: str) -> None:
    from hallsim.screen import compared_table, measures_table

    if len(sides) > 1:
        tell_table(compared_table(sides["home"], sides["plan"], by, screen_language()))
    else:
        tell_table(measures_table(next(iter(sides.values())), by, screen_language()))
