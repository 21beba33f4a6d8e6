"""Simulate: people past windows, with either engine; and whole months over replications."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, TypeVar

import joblib
import numpy as np

from hallsim import compiled
from hallsim.checks import parse_month
from hallsim.choosing import Choosing
from hallsim.counting import Told
from hallsim.demand import Month, expect
from hallsim.draw import Chance, Crowd, Purpose
from hallsim.measure import MEASURES, Ledger, Measures, Tally
from hallsim.records import NEVER, TURNED_AWAY, VOID, Choices, Duties, Ints, Visitors, Visits
from hallsim.replications import CAP, FIRST, check, replicate
from hallsim.rota import Rota
from hallsim.scenario import Scenario
from hallsim.stations import home_of_stations, stations
from hallsim.streaming import month_tallies

T = TypeVar("T")
Engine = Literal["compiled", "reference"]
Progress = Callable[[int], None]
Keep = Callable[[int, str, Crowd, Told], None]
"""Takes every visit: replication, name of the staffing, visitors, columns as of `visit_columns`."""


def simulate(
    visitors: Visitors,
    duties: Duties,
    engine: Engine = "compiled",
    serve_out: bool = True,
    *,
    ghost_seconds: int = 0,
    posted_service: int = 600,
    choices: Choices | None = None,
) -> Visits:
    """Send visitors past the windows on duty; both engines give the same rows.

    Args:
        visitors: one row per visitor and stage, in ticket order within a day and hall.
        duties: one row per window and spell.
        engine: `compiled` is the fast one; `reference` (SimPy) is the executable specification.
        serve_out: whether windows whose duty ends at closing stay until the hall is empty.
        ghost_seconds: how long a window that calls somebody who has left is busy; 0 = not called.
        posted_service: seconds a person in the posted wait, by which a hall is chosen.
        choices: the halls of those who choose.

    Raises:
        ValueError: a speed below 1 percent.
    """
    if duties.speed.min(initial=1) < 1:
        raise ValueError(f"a speed is 1 percent or more, not {duties.speed.min()}")
    if engine == "reference":
        from hallsim import reference

        run = reference.simulate
    else:
        run = compiled.simulate
    return run(
        visitors,
        duties,
        serve_out,
        ghost_seconds=ghost_seconds,
        posted_service=posted_service,
        choices=choices,
    )


def visit_columns(crowd: Crowd, rota: Rota, windows_open: Ints, engine: Engine) -> Told:
    """What becomes of a drawn month; late-comers are turned away."""
    columns = Told(*(np.full(len(crowd.arrival), NEVER, np.int64) for _ in range(5)))
    columns.outcome[:] = TURNED_AWAY
    if len(crowd.stage):
        columns.outcome[crowd.stage > 1] = VOID
    if engine == "reference":
        visits = simulate(crowd.visitors(), rota.duties(windows_open), engine)
        index = np.concatenate(
            [np.arange(a, b) for a, b in zip(crowd.first, crowd.in_time, strict=True)]
        )
        for column, name in zip(columns, Told._fields, strict=True):
            column[index] = getattr(visits, name)
        return columns
    for a, b in zip(crowd.first, crowd.in_time, strict=True):
        columns.outcome[a:b] = NEVER
    compiled.run_units(
        crowd.first, crowd.in_time, crowd.arrival, crowd.item, crowd.credit, crowd.service,
        crowd.patience, crowd.balk_at, crowd.stage, crowd.walk, *rota.span(windows_open),
        rota.window, rota.items, rota.on, rota.off, rota.speed, True, *columns,
    )  # fmt: skip
    return columns


def _any_hall(
    choosing: Choosing, crowd: Crowd, windows_open: Ints, engine: Engine
) -> tuple[Crowd, Told]:
    """The same for months in which visitors choose among halls, by the halls that they chose."""
    visitors, duties, choices = choosing.tables(crowd, windows_open)
    visits = simulate(
        visitors, duties, engine, posted_service=choosing.posted_service, choices=choices
    )
    return choosing.counted(crowd, visits)


def simulate_staffings(
    month: Month,
    staffings: Mapping[str, Ints | None],
    *,
    seed: int,
    purpose: Purpose,
    replications: int,
    windows: Mapping[str, Ints] | None = None,
    precision: Mapping[str, float] | None = None,
    cap: int | None = None,
    confidence: float = 0.95,
    engine: Engine = "compiled",
    jobs: int = 1,
    progress: Progress = lambda done: None,
    keep: Keep | None = None,
) -> dict[str, Measures]:
    """Simulate several staffings of a month on the same visitors.

    With `precision` the number of replications is found by the rule of `hallsim.replications`: the
    measures of the district, under every staffing, are to be known to these shares of their means.

    Args:
        month: the expected month.
        staffings: name to clerks assigned per station and day, [D, S]; None opens every window.
        seed: together with purpose and replication number it fixes all chance.
        purpose: `plan` for what the optimizer may see, `verify` for fresh visitors.
        replications: how many months to draw; with `precision` at least so many.
        windows: name of a staffing to the windows that each station still has, [S] or [D, S]; the
            first ones in the order in which they are staffed.  A staffing without an entry has all.
        precision: measure to relative half-width, as in `{"mean_wait_min": 0.05}`.
        cap: with `precision` at most so many replications; default `replications.CAP`.
        confidence: of the intervals.
        engine: `compiled` or `reference`.
        jobs: threads (or joblib's active back end); the result does not depend on it.
        progress: called with the number of finished replications.
        keep: called with every visit, in the order of replications and staffings.

    Raises:
        ValueError: a measure that is not known, or a precision that cannot be asked for.
    """
    cap = (max(CAP, replications) if cap is None else cap) if precision else replications
    if precision:
        check(precision, first=replications, cap=cap)
        if unknown := sorted(set(precision) - set(MEASURES)):
            raise ValueError(f"{unknown[0]}: a measure is one of {', '.join(MEASURES)}")
    parts = stations(month.scenario)
    chance, rota, ledger = (
        Chance(month, parts, seed, purpose),
        Rota(month, parts),
        Ledger(month, parts),
    )

    every_window = chance.allowed.reshape(-1)
    choosing = Choosing(month, parts, rota) if Choosing.needed(month.scenario) else None
    streamed = (
        engine == "compiled" and keep is None and choosing is None and chance.plain and rota.plain
    )

    def opened(name: str, clerks: Ints | None, replication: int) -> Ints:
        here = every_window
        if clerks is not None:
            here = chance.windows_open(clerks.reshape(-1), replication)
        if windows is not None and name in windows:
            shape = len(month.dates), len(parts)
            here = np.minimum(here, np.broadcast_to(windows[name], shape).reshape(-1))
        return here

    def one(replication: int) -> tuple[list[Tally], list[tuple[str, Crowd, Told]]]:
        each = [opened(name, clerks, replication) for name, clerks in staffings.items()]
        if streamed:
            return month_tallies(chance, rota, ledger, each, replication), []
        crowd = chance.crowd(replication)
        tallies, kept = [], []
        for name, here in zip(staffings, each, strict=True):
            if choosing is None:
                people, visits = crowd, visit_columns(crowd, rota, here, engine)
            else:
                people, visits = _any_hall(choosing, crowd, here, engine)
            tallies.append(ledger.count(people, visits, rota.closing(here), rota.staffed(here)))
            if keep is not None:
                kept.append((name, people, visits))
        return tallies, kept

    def results() -> Iterator[list[Tally]]:
        whole = keep is None and not precision
        size = cap if whole else 2 * max(1, jobs)  # may be thrown away; held in memory
        for first in range(0, cap, size):
            tasks = range(first, min(first + size, cap))
            found = in_parallel(one, tasks, jobs, progress if whole else lambda done: None)
            for replication, (tallies, kept) in zip(tasks, found, strict=True):
                for visits in kept:
                    if keep is not None:
                        keep(replication, *visits)
                if not whole:
                    progress(replication + 1)
                yield tallies

    def values(tallies: list[Tally]) -> dict[str, float]:
        alone = [Measures(ledger, (tally,)) for tally in tallies]
        return {f"{k} {m}": float(x.samples(m)[0, 0]) for k, x in enumerate(alone) for m in wishes}

    wishes = precision or {}
    if wishes:
        every = {f"{k} {m}": w for k in range(len(staffings)) for m, w in wishes.items()}
        found, _ = replicate(
            results(), values, every, confidence=confidence, first=replications, cap=cap
        )
    else:
        found = list(results())
    return {
        name: Measures(ledger, tuple(tallies[k] for tallies in found), confidence, name)
        for k, name in enumerate(staffings)
    }


def in_parallel(one: Callable[[int], T], tasks: range, jobs: int, progress: Progress) -> list[T]:
    """Results in task order, whatever order the tasks finish in."""
    done = []
    work = joblib.Parallel(n_jobs=jobs, prefer="threads", return_as="generator")
    for result in work(joblib.delayed(one)(task) for task in tasks):
        done.append(result)
        progress(len(done))
    return done


def simulate_month(
    scenario: Scenario,
    month: str,
    *,
    seed: int | None = None,
    replications: int | None = None,
    precision: Mapping[str, float] | None = None,
    cap: int | None = None,
    engine: Engine = "compiled",
    jobs: int = 1,
    progress: Progress = lambda done: None,
    keep: Keep | None = None,
) -> Measures:
    """A month with every clerk at home; what is not given is taken from the scenario's `run`.

    The visitors are those on which `recommend` checks its plan.  `precision`, `cap` and `keep` are
    those of `simulate_staffings`; with `precision` the least number of replications is 3.

    Raises:
        ScenarioProblems: not a month `YYYY-MM`, or outside the calendar.
        ValueError: see `simulate_staffings`.
    """
    expected = expect(scenario, *parse_month(month))
    clerks = home_of_stations(scenario, stations(scenario))
    run = scenario.run
    found = simulate_staffings(
        expected,
        {"home": np.tile(clerks, (len(expected.dates), 1))},
        seed=run.seed if seed is None else seed,
        purpose="verify",
        replications=replications or (FIRST if precision else run.replications),
        precision=precision,
        cap=cap,
        confidence=run.confidence,
        engine=engine,
        jobs=jobs,
        progress=progress,
        keep=keep,
    )
    return found["home"]
