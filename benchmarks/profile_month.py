"""Nanoseconds per visitor of drawing, simulating and counting, for a month and for one long day.

    python benchmarks/profile_month.py [--runs 9]

One thread, CPU time; medians over replications.  `set up` is what is done once for any number of them;
`in one` is the three steps hall-day by hall-day, as a simulation does them.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
from peers import RATE, SCENARIO, SERVERS, THETA, UNIT, month

from hallsim.demand import Month, expect
from hallsim.draw import Chance
from hallsim.measure import Ledger
from hallsim.reading import read
from hallsim.rota import Rota
from hallsim.simulate import visit_columns
from hallsim.stations import stations
from hallsim.streaming import month_tallies

STEPS = ("set up", "draw", "simulate", "count", "in one")


def profile(of: Month, runs: int) -> tuple[float, list[float]]:
    """Visitors of a replication, and the steps."""
    took: dict[str, list[float]] = {step: [] for step in STEPS}
    visitors = []
    for run in range(runs + 1):
        clock = [time.process_time()]
        parts = stations(of.scenario)
        chance, rota, ledger = Chance(of, parts, 1, "verify"), Rota(of, parts), Ledger(of, parts)
        opened = np.tile([len(p.windows) for p in parts], len(of.dates))
        clock.append(time.process_time())
        crowd = chance.crowd(run)
        clock.append(time.process_time())
        visits = visit_columns(crowd, rota, opened, "compiled")
        clock.append(time.process_time())
        ledger.count(crowd, visits, rota.closing(opened), rota.staffed(opened))
        clock.append(time.process_time())
        month_tallies(chance, rota, ledger, [opened], run)
        clock.append(time.process_time())
        if run:  # the first may compile
            visitors.append(len(crowd.arrival))
            for step, begin, end in zip(STEPS, clock, clock[1:], strict=False):
                took[step].append((end - begin) / visitors[-1] * 1e9)
    return statistics.mean(visitors), [statistics.median(took[step]) for step in STEPS]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    customers = 500_000
    works = {
        "longhua-shenzhen, a month": expect(read(SCENARIO).scenario, 2018, 9),
        "100 halls, 20 days, 4 windows": month(
            halls=100, days=20, visitors=200, windows=4, work=600, patience=3600
        ),
        f"M/M/{SERVERS} with patience, a day": month(
            visitors=customers, windows=SERVERS, seconds=round(customers / RATE * UNIT),
            work=UNIT, cv=1, patience=UNIT / THETA,
        ),
    }  # fmt: skip
    print(f"| ns per visitor | visitors | {' | '.join(STEPS)} |\n|---|---|---|---|---|---|---|")
    for name, of in works.items():
        visitors, steps = profile(of, runs)
        cells = " | ".join(f"{s:.0f}" for s in steps)
        print(f"| {name} | {visitors:,.0f} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
