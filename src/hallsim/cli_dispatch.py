"""Commands about a day that is overrun: `dispatch` and `thresholds`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hallsim import cli_options as options
from hallsim.cli_output import (
    Refused,
    provisional,
    read_scenario,
    refuse,
    say,
    screen_language,
    tell_json,
    tell_notes,
    tell_table,
    tell_written,
    working,
)
from hallsim.problems import ExitCode, ScenarioProblems
from hallsim.text import Language

if TYPE_CHECKING:
    from hallsim.dispatch import Ahead, Dispatch
    from hallsim.stations import Station
    from hallsim.thresholds import Thresholds

SHOWN = 8
"""Halls on the screen besides those that an order concerns; files and JSON have all."""

# dispatch -----------------------------------------------------------------------------------------


@options.command(
    "Whom to send where today  应急调配",
    'dispatch scenarios/longhua-shenzhen --now "2018-09-03 10:30" --state state.csv',
)
@options.of_scenario
@click.option("--now", metavar="MOMENT", help='The moment, as in "2018-09-03 10:30".')
@click.option(
    "--state", type=options.PATH, metavar="CSV",
    help="Who waits and who is being served, by hall and item; --template writes an empty one.",
)  # fmt: skip
@click.option(
    "--log", type=options.PATH, metavar="CSV",
    help="Tickets of today up to now: hall, item, ticket, called, finished, outcome. With it --state "
    "is only needed for clerks.",
)  # fmt: skip
@click.option(
    "--template", is_flag=True,
    help="Write an empty state with every hall and item to --out, else to stdout, and end.",
)  # fmt: skip
@click.option(
    "--most-moves", type=click.IntRange(0), default=6, show_default=True, metavar="N",
    help="Clerks who are sent or called back, at most.",
)  # fmt: skip
@click.option(
    "--move-minutes", type=click.FloatRange(0), metavar="N",
    help="What an order costs, in visitor minutes; default: a quarter of a transfer order, and the way.",
)  # fmt: skip
@click.option("--no-call-back", is_flag=True, help="Leave clerks on other duty where they are.")
@options.seed()
@options.replications(
    help="Rests of the day to choose by; default 100. The check has twice as many fresh ones."
)
@options.jobs()
@options.out(help="Folder of the result: dispatch.json, moves.csv, halls.csv; default: none.")
@options.force()
@options.as_json()
def dispatch(
    folder: Path, lang: Language | None, variant: str | None, sets: tuple[str, ...], now: str | None,
    state: Path | None, log: Path | None, template: bool, most_moves: int, move_minutes: float | None,
    no_call_back: bool, seed: int | None, replications: int | None, jobs: int, out: Path | None,
    force: bool, as_json: bool,
) -> int:  # fmt: skip
    """Say whom to send where for the rest of today, and which windows to open.

    From who waits and who is being served now, the rest of the day is simulated; the few orders that
    help most are found and told with their effect on fresh visitors. docs/dispatch.md has the columns.
    """
    reading = read_scenario(folder, variant, sets)
    scenario = reading.scenario
    from hallsim.state_file import parse_now, read_state

    try:
        if template:
            return _write_template(scenario, parse_now(now)[0] if now else None, out, force)
        if now is None or (state is None and log is None):
            raise click.UsageError("--now, and --state or --log, or --template")
        read = read_state(scenario, now, state, log)
    except ScenarioProblems as problems:
        return refuse(problems, ExitCode.DATA)
    from hallsim.dispatch import MOVE_KEYS, Rules, hall_rows, move_rows
    from hallsim.dispatch import as_json as json_of
    from hallsim.dispatch import dispatch as run
    from hallsim.outputs import write_all

    tell_notes(read.notes)
    rules = Rules(most_moves, move_minutes, not no_call_back)
    counts = {"replications": replications, "fresh": 2 * replications} if replications else {}
    found = run(scenario, read.state, rules, seed=seed, jobs=jobs, **counts)
    told = {
        **json_of(found),
        "seed": scenario.run.seed if seed is None else seed,
        "notes": [note.as_dict() for note in read.notes],
    }
    if out:
        written = write_all(
            out,
            {
                "dispatch.json": json.dumps(told, ensure_ascii=False, indent=2) + "\n",
                "moves.csv": csv_text(move_rows(found), MOVE_KEYS),
                "halls.csv": csv_text(hall_rows(found), ()),
            },
            force,
        )
    if as_json:
        tell_json(told)
    else:
        for part in dispatch_lines(found, screen_language()):
            tell_table(part)
        if found.today.month.provisional:
            click.echo(provisional(), err=True)
    if out:
        tell_written(out, written)
    return int(ExitCode.TARGET_MISSED) if found.moves and not found.helps else 0


def _write_template(scenario: Any, date: Any, out: Path | None, force: bool) -> int:
    from hallsim.outputs import write_all
    from hallsim.state_file import template

    text = template(scenario, date)
    if out is None:
        click.echo(text, nl=False)
        return 0
    if out.suffix.lower() != ".csv":
        raise Refused(
            say("{file}: the name of a table ends in .csv").format(file=out), ExitCode.USAGE
        )
    tell_written(out, write_all(out.parent, {out.name: text}, force))
    return 0


def csv_text(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> str:
    """Rows as a CSV file; an interval becomes three columns."""
    flat = [_flat(row) for row in rows]
    names = list(flat[0]) if flat else list(keys)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([["" if row[n] is None else row[n] for n in names] for row in flat])
    return text.getvalue()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            found |= {key if k == "mean" else f"{key}_{k}": v for k, v in value.items()}
        else:
            found[key] = value
    return found


def dispatch_lines(found: Dispatch, language: Language) -> Iterator[Any]:
    """The answer on a screen: orders, the district, halls."""
    from rich.text import Text

    from hallsim.report_words import day_text, district_name
    from hallsim.scenario import format_clock

    today = found.today
    comma = "，" if language == "zh" else ", "
    day = f"{day_text(today.state.date, language)} {format_clock(today.state.now)}"
    yield Text(comma.join([district_name(today.scenario, language), day]))
    yield Text()
    if found.moves:
        yield _moves_table(found, language)
    else:
        yield Text(say("No order helps enough to be given."))
    yield Text()
    yield from map(Text, _district_lines(found))
    yield Text()
    yield _halls_table(found, language)
    yield Text()
    yield Text(
        say(
            "Means of {n} simulated rests of the day; ± is half of the {confidence:.0%} interval. The same "
            "visitors without and with the orders."
        ).format(n=found.replications, confidence=found.confidence)
    )
    left_out = len(today.scenario.halls) - len(today.state.halls)
    if left_out:
        yield Text(say("Halls without figures, left out: {n}").format(n=left_out))
    if found.moves and not found.helps:
        yield Text(say("On fresh visitors the orders do not surely help."))


def _table() -> Any:
    from rich.table import Table

    from hallsim.screen import _RULE

    return Table(box=_RULE, show_edge=False, pad_edge=False, padding=(0, 1), collapse_padding=True)


def _half(value: tuple[float, float, float], digits: int) -> tuple[str, str]:
    mean, lo, hi = value
    if mean != mean:
        return "–", ""
    half = (hi - lo) / 2
    return f"{mean:,.{digits}f}", f"±{half:,.{digits}f}" if half == half else ""


def _moves_table(found: Dispatch, language: Language) -> Any:
    from hallsim.report_words import hall_name
    from hallsim.scenario import format_clock
    from hallsim.screen import aligned

    today = found.today
    shown = _table()
    for title in (say("Sent from"), say("Sent to")):
        shown.add_column(title, max_width=26, overflow="fold")
    for title in (
        say("Clerks"), say("Leave"), say("At the\nwindow"), say("Visitor minutes\nof waiting saved"),
        say("Fewer left\nunserved"),
    ):  # fmt: skip
        shown.add_column(title, justify="right", overflow="fold")
    names = [
        hall_name(today.scenario.halls[p.hall], language) + _which_windows(p, today.parts)
        for p in today.parts
    ]
    saved = aligned([_half(m.minutes, 0) for m in found.moves])
    lost = aligned([_half(m.lost, 1) for m in found.moves])
    for k, m in enumerate(found.moves):
        called = m.order.origin == m.order.destination
        shown.add_row(
            say("other duty in the same hall") if called else names[m.order.origin],
            names[m.order.destination], str(m.order.clerks),
            "–" if called else format_clock(60 * round(m.leave / 60)),
            format_clock(60 * round(m.arrive / 60)), saved[k], lost[k],
        )  # fmt: skip
    return shown


def _which_windows(part: Station, parts: Sequence[Station]) -> str:
    """The label of a station, where its hall has several with clerks."""
    several = sum(p.hall == part.hall and not p.machine for p in parts) > 1
    return f" ({part.label})" if several else ""


def _district_lines(found: Dispatch) -> Iterator[str]:
    d = found.district
    if not found.moves:
        yield say(
            "District, from now on: mean wait {a:.1f} ±{h:.1f} minutes, {b:.0f} left unserved"
        ).format(a=d.wait[0], h=(d.wait[2] - d.wait[1]) / 2, b=d.lost[0])
        return
    yield say(
        "District, from now on: mean wait {a:.1f} -> {b:.1f} minutes; saved {c:.2f} [{lo:.2f}, {hi:.2f}]"
    ).format(
        a=d.wait[0], b=d.wait_with[0], c=d.wait_saved[0], lo=d.wait_saved[1], hi=d.wait_saved[2]
    )
    yield say("left unserved {a:.0f} -> {b:.0f}; saved {c:.1f} [{lo:.1f}, {hi:.1f}]").format(
        a=d.lost[0], b=d.lost_with[0], c=d.lost_saved[0], lo=d.lost_saved[1], hi=d.lost_saved[2]
    )


def _halls_table(found: Dispatch, language: Language) -> Any:
    from hallsim.dispatch import hall_rows
    from hallsim.report_words import hall_name

    today = found.today
    rows = {
        today.parts[s].hall: None
        for m in found.moves
        for s in (m.order.origin, m.order.destination)
    }
    by_wait = sorted(found.halls, key=lambda h: -_known(found.halls[h].wait[0]))
    chosen = [*rows, *[h for h in by_wait if h not in rows][:SHOWN]]
    figures = {row["hall"]: row for row in hall_rows(found)}
    shown = _table()
    shown.add_column(say("Hall"), max_width=26, overflow="fold")
    for title in (
        say("Waiting\nnow"), say("Windows\nopen"), say("Today against\nusual"),
        say("Mean wait from\nnow on, minutes"), say("with the\norders"), say("Left\nunserved"),
        say("with the\norders"),
    ):  # fmt: skip
        shown.add_column(title, justify="right", overflow="fold")
    for h in chosen:
        ahead: Ahead = found.halls[h]
        row = figures[today.scenario.halls[h].hall]
        shown.add_row(
            hall_name(today.scenario.halls[h], language), str(row["waiting"]),
            f"{row['windows_open']}/{row['windows']}", f"{found.levels[h]:.0%}",
            *(" ".join(filter(None, _half(x, 1))) for x in (ahead.wait, ahead.wait_with)),
            *(" ".join(filter(None, _half(x, 1))) for x in (ahead.lost, ahead.lost_with)),
        )  # fmt: skip
    return shown


def _known(value: float) -> float:
    return value if value == value else -1.0


# thresholds ---------------------------------------------------------------------------------------


@options.command(
    "Rules for a duty manager  应急阈值表", "thresholds scenarios/longhua-shenzhen --month 2018-09"
)
@options.of_scenario
@click.option(
    "--month", required=True, metavar="YYYY-MM", help="The month, from 2004-01 to 2099-12."
)
@click.option(
    "--hall", "halls", multiple=True, metavar="ID", help="Only these halls on the screen."
)
@click.option(
    "--days", type=click.IntRange(2), default=20, show_default=True, metavar="N",
    help="Overrun days on which the table is tried against dispatch.",
)  # fmt: skip
@click.option("--no-call-back", is_flag=True, help="Leave clerks on other duty where they are.")
@options.seed()
@options.replications(help="Simulated months to derive from; default 6, and as many to tell by.")
@options.jobs()
@options.out(help="CSV file of the table; default: none.")
@options.force()
@options.as_json()
def thresholds(
    folder: Path, lang: Language | None, variant: str | None, sets: tuple[str, ...], month: str,
    halls: tuple[str, ...], days: int, no_call_back: bool, seed: int | None, replications: int | None,
    jobs: int, out: Path | None, force: bool, as_json: bool,
) -> int:  # fmt: skip
    """Make a table for a duty manager: more than so many waiting here, call so many from there.

    It is derived by simulation of overrun days, and told with what it saves less than dispatch does.
    """
    reading = read_scenario(folder, variant, sets)
    scenario = reading.scenario
    from hallsim import thresholds as run
    from hallsim.dispatch import Rules
    from hallsim.outputs import write_all
    from hallsim.problems import Place, Problem, nearest

    names = [h.hall for h in scenario.halls]
    unknown = [h for h in halls if h not in names]
    if unknown:
        wrong = [
            Problem("unknown_hall", Place("--hall"), "", h, suggestion=nearest(h, names))
            for h in unknown
        ]
        return refuse(ScenarioProblems(wrong), ExitCode.USAGE)
    if out and out.suffix.lower() != ".csv":
        raise Refused(
            say("{file}: the name of a table ends in .csv").format(file=out), ExitCode.USAGE
        )
    with working() as progress:
        found = run.thresholds(
            scenario, month, seed=seed, months=replications or run.MONTHS, days=days,
            rules=Rules(call_back=not no_call_back), jobs=jobs, progress=progress,
        )  # fmt: skip
    if out:
        text = csv_text(run.rule_rows(found), run.RULE_KEYS)
        written = write_all(out.parent, {out.name: text}, force)
    if as_json:
        tell_json({**run.as_json(found), "seed": scenario.run.seed if seed is None else seed})
    else:
        chosen = [names.index(h) for h in halls] or list(range(len(names)))
        for part in threshold_lines(found, chosen, screen_language()):
            tell_table(part)
        if found.provisional:
            click.echo(provisional(), err=True)
    if out:
        tell_written(out, written)
    return 0


def threshold_lines(found: Thresholds, halls: Sequence[int], language: Language) -> Iterator[Any]:
    """The table on a screen, and what it loses."""
    from rich.text import Text

    from hallsim.report_words import district_name, hall_name, month_text
    from hallsim.screen import aligned

    comma = "，" if language == "zh" else ", "
    yield Text(
        comma.join([district_name(found.scenario, language), month_text(found.month, language)])
    )
    yield Text()
    rules = [x for x in found.rules if x.hall in halls]
    shown = _table()
    shown.add_column(say("Hall"), max_width=26, overflow="fold")
    shown.add_column(say("Hour"))
    shown.add_column(say("Waiting,\nmore than"), justify="right")
    shown.add_column(say("Call"), justify="right")
    shown.add_column(say("Sent from"), max_width=26, overflow="fold")
    shown.add_column(say("There after,\nminutes"), justify="right")
    shown.add_column(say("Saves each time,\nvisitor minutes"), justify="right")
    saved = aligned([_half(x.saved, 0) for x in rules])
    before = -1
    for x, text in zip(rules, saved, strict=True):
        name = hall_name(found.scenario.halls[x.hall], language)
        name += _which_windows(found.parts[x.station], found.parts)
        helper = hall_name(found.scenario.halls[x.helper], language)
        shown.add_row(
            name if x.station != before else "", f"{x.first // 3600:02d}:00–{x.last // 3600:02d}:00",
            str(x.waiting), str(x.clerks),
            say("other duty in the same hall") if x.helper == x.hall else helper, f"{x.travel:.0f}", text,
        )  # fmt: skip
        before = x.station
    if rules:
        yield shown
    else:
        yield Text(say("No rule pays."))
    yield Text()
    trial = found.trial
    yield Text(
        say(
            "Tried on {n} fresh days with overrun halls, visitor minutes saved a day: by the table "
            "{a:,.0f} ±{ha:,.0f}, by dispatch {b:,.0f} ±{hb:,.0f}; the table saves {c:,.0f} "
            "[{lo:,.0f}, {hi:,.0f}] less."
        ).format(
            n=trial.days, a=trial.by_rules[0], ha=_width(trial.by_rules), b=trial.by_dispatch[0],
            hb=_width(trial.by_dispatch), c=trial.lost[0], lo=trial.lost[1], hi=trial.lost[2],
        )
    )  # fmt: skip
    yield Text(
        say(
            "Visitor minutes count waiting, people lost and overtime, less the price of the orders; ± is "
            "half of the {confidence:.0%} interval. The table is read from the worst hall down, six clerks "
            "in all; what a lower line calls comes on top. A hall that is above a number of its own, or "
            "at its minimum, sends nobody."
        ).format(confidence=found.confidence)
    )


def _width(value: tuple[float, float, float]) -> float:
    return (value[2] - value[1]) / 2
