"""Commands about what a reform did or would do: `claims`, `attribute` and `cut`."""

from __future__ import annotations

from pathlib import Path

import click

from hallsim import cli_options as options
from hallsim.cli_output import (
    provisional,
    read_scenario,
    say,
    screen_language,
    tell_json,
    tell_notes,
    tell_table,
    tell_written,
    working,
)
from hallsim.problems import ExitCode
from hallsim.text import Language


@options.command(
    "What sources claim, beside the simulation  核对公布数字",
    "claims scenarios/longhua-shenzhen scenarios/erdao --lang zh",
)
@click.argument("folders", metavar="[SCENARIO]...", nargs=-1, type=options.PATH)
@options.seed(help="Random seed; default: each scenario's.")
@options.replications(
    default=20,
    show_default=True,
    help="Simulated months for each scenario and month that claims are about.",
)
@options.jobs()
@options.out(
    help="Folder of the page claims.html (claims-zh.html, claims-en.html where the language is not "
    "the scenarios'); default: reports."
)
@options.force(help="Replace a file that is no page of this command; it goes to previous/.")
@click.option("--strict", is_flag=True, help="Exit code 6 if a claim is not reproduced.")
@options.lang(
    help="Language; default: the first scenario's for the page, the system's for the screen."
)
@options.as_json(help="Claims as JSON on stdout, all else on stderr.")
def claims(
    folders: tuple[Path, ...], seed: int | None, replications: int, jobs: int, out: Path | None,
    force: bool, strict: bool, lang: Language | None, as_json: bool,
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

    districts = read_claims(folders or folders_below(Path("scenarios")))
    usual = districts[0].scenario.language
    language: Language = lang or usual
    name = "claims.html" if language == usual else f"claims-{language}.html"
    target = out or Path("reports")
    _refuse_foreign(target / name, force)
    with working() as progress:
        findings = check(
            districts, seed=seed, replications=replications, jobs=jobs,
            progress=lambda done, total: progress("simulate", done, total),
        )  # fmt: skip
    written = write_all(target, {name: page(findings, replications, language)}, force=True)
    found = counts(findings)
    if as_json:
        made = {"replications": replications, "seed": seed}
        tell_json({"claims": as_dicts(findings), "counts": found, **made})
    else:
        tell_table(View(findings, replications, screen_language()).screen())
    text = say("page: {path}") if written else say("nothing changed: {folder}")
    click.echo(text.format(path=target / name, folder=target / name), err=True)
    return int(ExitCode.TARGET_MISSED) if strict and found["not reproduced"] else 0


def _refuse_foreign(path: Path, force: bool) -> None:
    """Do not work for a page whose place is taken by a file that is none of ours."""
    from hallsim.claims_page import is_own
    from hallsim.outputs import OutputExists

    if path.exists() and not force and not (path.is_file() and is_own(path)):
        raise OutputExists(path.parent, [path.name])


@options.command(
    "Which reform brought which minute  改革成效归因",
    "attribute scenarios/erdao --from before --to after --lang zh",
)
@options.scenario
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
@options.sets(help="Change a value of both variants; may be repeated.")
@options.seed()
@options.replications(default=10, show_default=True, help="Simulated months of every combination.")
@click.option(
    "--table-replications", type=click.IntRange(1), default=8, show_default=True, metavar="N",
    help="Months for the waiting tables, where transfers.dynamic lets clerks be moved.",
)  # fmt: skip
@options.jobs()
@options.out(help="Folder for tables, JSON and the figure; default: none.")
@options.force()
@options.lang(help="Language; default: the scenario's for the figure, the system's for the screen.")
@options.as_json()
def attribute(
    folder: Path, before: str, after: str, months: tuple[str, ...], measure: str,
    groups: tuple[str, ...], sets: tuple[str, ...], seed: int | None, replications: int,
    table_replications: int, jobs: int, out: Path | None, force: bool, lang: Language | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Share out the difference between two variants among the reforms between them.

    Simulates every combination of the reforms on the same visitors. A reform brings what it changes on
    average over all orders in which the reforms could be introduced (Shapley value); pairs that work
    only together, or get in each other's way, are named. Method and files: docs/attribute.md.
    """
    from hallsim.attribution import attribute as run
    from hallsim.attribution_report import as_dict, files, shown
    from hallsim.outputs import write_all

    with working() as progress:
        found = run(
            folder, before, after, months, measure=measure, groups=groups, sets=sets, seed=seed,
            replications=replications, table_replications=table_replications, jobs=jobs,
            progress=progress,
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
    return 0


@options.command(
    "How far windows and clerks can be cut  撤并窗口",
    "cut scenarios/longhua-shenzhen --month 2018-09 --to 100 --out reports/cut",
)
@options.of_scenario
@options.of_run
@click.option(
    "--from",
    "most",
    type=click.IntRange(1),
    metavar="N",
    help="First number of windows; default: today's.",
)
@click.option(
    "--to", "fewest", type=click.IntRange(1), metavar="N",
    help="Last number of windows; default: the fewest with which every item is still served.",
)  # fmt: skip
@click.option("--hall", metavar="HALL", help="Cut windows in this hall only.")
@click.option(
    "--keep-kinds",
    is_flag=True,
    help="Windows keep their items. Else those that are left serve all items of their hall.",
)
def cut(
    folder: Path, variant: str | None, sets: tuple[str, ...], lang: Language | None, month: str,
    seed: int | None, replications: int | None, jobs: int, out: Path | None, force: bool,
    as_json: bool, most: int | None, fewest: int | None, hall: str | None, keep_kinds: bool,
) -> int:  # fmt: skip
    """What happens when windows are cut, and how far one can go.

    For every number of windows the best ones to close, with clerks reassigned to match, checked on
    fresh visitors, beside two rules of thumb; the fewest windows with which each target is sure to
    hold; the same for clerks, and for both together. Method and files: docs/cut.md.
    """
    from hallsim.cut_page import as_json as told
    from hallsim.cut_page import files, screen_table
    from hallsim.cutting import cut as run
    from hallsim.outputs import write_all

    reading = read_scenario(folder, variant, sets)
    with working() as progress:
        found = run(
            reading.scenario, month, most=most, fewest=fewest, hall=hall, merge=not keep_kinds,
            seed=seed, replications=replications, jobs=jobs, progress=progress,
        )  # fmt: skip
    if out:
        written = write_all(out, files(found, lang or reading.scenario.language), force)
    if as_json:
        tell_json(told(found))
    else:
        tell_table(screen_table(found, screen_language()))
    if out:
        tell_written(out, written)
    if found.provisional:
        click.echo(provisional(), err=True)
    return 0
