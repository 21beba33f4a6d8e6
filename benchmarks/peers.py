"""Times hallsim beside SimPy, Ciw and cimba on the same work, and prints markdown tables.

    pip install "hallsim[bench]"
    python benchmarks/peers.py [--runs 5] [--only queue,month,growth,nation]

queue   M/M/10 with exponential patience, one long day, next to theory (Palm 1957)
month   the same visitors of a month of longhua-shenzhen through both engines of hallsim
growth  time per visitor with halls, load and windows; peak memory
nation  a hundredth of a country's halls x 250 days, about 6 million visits, streamed
whole-nation (not by default)  41,571 halls, 602 million visits

Drawing and measuring are included.  Programs take turns; the figure is the median of the runs, in
seconds of the processor (of the clock for the nation), so that a busy machine disturbs little.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np
import simpy

from hallsim.demand import Month, expect
from hallsim.measure import Measures
from hallsim.reading import read
from hallsim.scenario import (
    Clerks,
    Demand,
    Hall,
    Hours,
    Item,
    Scenario,
    Session,
    VisitorClass,
    Windows,
)
from hallsim.simulate import simulate_staffings

SCENARIO = Path(__file__).parent.parent / "scenarios" / "longhua-shenzhen"
RATE, SERVERS, THETA = 9.0, 10, 0.2
UNIT = 1000
"""Seconds of mean work: rounding to whole seconds then changes a wait by less than 0.1 %."""
DAY = 9 * 3600


# The months that are simulated ------------------------------------------------------------------


def month(
    *,
    halls: int = 1,
    days: int = 1,
    visitors: float,
    windows: int,
    seconds: int = DAY,
    work: float,
    cv: float = 0.6,
    patience: float,
    first: int = 0,
) -> Month:
    """Equal halls with one item; `visitors` per hall and day, one session of `seconds` every day."""
    names = [f"H{first + k}" for k in range(halls)]
    scenario = Scenario(
        name="bench",
        hours={"h": Hours(weekdays="00:00-24:00")},  # type: ignore[arg-type]
        classes={"all": VisitorClass(share=1, patience_minutes=patience / 60)},
        halls=tuple(Hall(hall=h, tier="district", hours="h") for h in names),
        windows=tuple(Windows(hall=h, count=windows) for h in names),
        clerks=tuple(Clerks(hall=h, count=windows) for h in names),
        items=(
            Item(item="x", minutes=work / 60, cv=cv, law="exponential" if cv == 1 else "lognormal"),
        ),
        demand=(Demand(halls=("*",), item="x", volume=visitors * halls * days),),
    )
    session = Session.model_construct(on=0, off=seconds, share=1.0)  # longer than any real day
    dates = tuple(dt.date(2026, 1, 1) + dt.timedelta(d) for d in range(days))
    mean = np.full((days, halls, 1), float(visitors))
    return Month(scenario, "2026", dates, (), (((session,),) * halls,) * days, mean, False)


def simulated(
    of: Month, seed: int = 1, replications: int = 1, engine: str = "compiled"
) -> Measures:
    found = simulate_staffings(
        of, {"all": None}, seed=seed, purpose="verify", replications=replications,
        engine=engine,  # type: ignore[arg-type]
    )  # fmt: skip
    return found["all"]


# M/M/c with patience ----------------------------------------------------------------------------


def erlang_a() -> tuple[float, float]:
    """Share who give up and mean wait in units of mean work (birth and death chain, Palm 1957)."""
    weights = [1.0]
    for n in range(1, 4000):
        out = min(n, SERVERS) + max(n - SERVERS, 0) * THETA
        weights.append(weights[-1] * RATE / out)
    queue = math.fsum(w * max(n - SERVERS, 0) for n, w in enumerate(weights)) / math.fsum(weights)
    return THETA * queue / RATE, queue / RATE


def run_hallsim(customers: int, seed: int) -> tuple[float, float]:
    found = simulated(
        month(
            visitors=customers, windows=SERVERS, seconds=round(customers / RATE * UNIT),
            work=UNIT, cv=1, patience=UNIT / THETA,
        ),
        seed,
    )  # fmt: skip
    lost, came, wait = (found.samples(m)[0, 0] for m in ("abandoned", "visitors", "mean_wait_min"))
    return float(lost / came), float(wait * 60 / UNIT)


def run_simpy(customers: int, seed: int) -> tuple[float, float]:
    """As lean as SimPy can be: no processes, no resources, callbacks of timeouts only."""
    draw = random.Random(seed).expovariate
    env = simpy.Environment()
    timeout = simpy.Timeout
    queue: deque[tuple[float, float]] = deque()
    idle, lost, waited, left = SERVERS, 0, 0.0, customers

    def arrive(_: simpy.Event) -> None:
        nonlocal idle, left
        left -= 1
        if left:
            timeout(env, draw(RATE)).callbacks.append(arrive)  # type: ignore[union-attr]
        if idle:
            idle -= 1
            timeout(env, draw(1.0)).callbacks.append(depart)  # type: ignore[union-attr]
        else:
            queue.append((env._now, draw(THETA)))  # type: ignore[attr-defined]

    def depart(_: simpy.Event) -> None:
        nonlocal idle, lost, waited
        now = env._now  # type: ignore[attr-defined]
        while queue:
            came, patience = queue.popleft()
            if now - came < patience:
                waited += now - came
                timeout(env, draw(1.0)).callbacks.append(depart)  # type: ignore[union-attr]
                return
            lost += 1
            waited += patience
        idle += 1

    timeout(env, draw(RATE)).callbacks.append(arrive)  # type: ignore[union-attr]
    env.run()
    return lost / customers, waited / customers


def run_simpy_usual(customers: int, seed: int) -> tuple[float, float]:
    """As SimPy's own example of impatient bank customers has it."""
    draw = random.Random(seed).expovariate
    env = simpy.Environment()
    desks = simpy.Resource(env, SERVERS)
    lost, waited = 0, 0.0

    def visit():
        nonlocal lost, waited
        came = env.now
        with desks.request() as turn:
            yield turn | env.timeout(draw(THETA))
            waited += env.now - came
            if turn.triggered:
                yield env.timeout(draw(1.0))
            else:
                lost += 1

    def arrivals():
        for _ in range(customers):
            yield env.timeout(draw(RATE))
            env.process(visit())

    env.process(arrivals())
    env.run()
    return lost / customers, waited / customers


def run_ciw(customers: int, seed: int) -> tuple[float, float]:
    import ciw

    ciw.seed(seed)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(RATE)],
        service_distributions=[ciw.dists.Exponential(1.0)],
        reneging_time_distributions=[ciw.dists.Exponential(THETA)],
        number_of_servers=[SERVERS],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(customers)
    records = simulation.get_all_records()
    lost = sum(r.record_type == "renege" for r in records)
    return lost / len(records), sum(r.waiting_time for r in records) / len(records)


def queue_table(runs: int) -> None:
    import peer_cimba

    programs: dict[str, tuple[int, Callable[[int, int], tuple[float, float]]]] = {
        "hallsim": (500_000, run_hallsim)
    }
    for form, words in {
        peer_cimba.Processes: "cimba, a process per server and a store",
        peer_cimba.Events: "cimba, events and a ring buffer (fastest)",
        peer_cimba.Timers: "cimba, a process and a timer per customer",
    }.items():
        customers = 200_000 if form is peer_cimba.Timers else 1_000_000
        programs[words] = (
            customers,
            lambda n, seed, form=form: peer_cimba.run(form, n, RATE, THETA, seed),
        )
    programs["SimPy, callbacks only (fastest)"] = (200_000, run_simpy)
    programs["SimPy, a process and a request per customer"] = (50_000, run_simpy_usual)
    programs["Ciw"] = (30_000, run_ciw)
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    values: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for run in range(runs + 1):
        for name, (customers, program) in programs.items():
            start = time.process_time()
            found = program(customers if run else 1000, run + 1)  # run 0 compiles
            if run:
                seconds[name].append((time.process_time() - start) / customers)
                values[name].append(found)
    rate = {name: 1 / statistics.median(s) for name, s in seconds.items()}
    print(
        f"\n### M/M/{SERVERS} with patience, one long day\n\n"
        "| program | customers a run | customers per second | hallsim is faster by "
        "| gave up | mean wait |\n|---|---|---|---|---|---|"
    )
    for name, (customers, _) in programs.items():
        lost, wait = np.mean(values[name], axis=0)
        ratio = "" if name == "hallsim" else f"{rate['hallsim'] / rate[name]:.1f}"
        print(f"| {name} | {customers:,} | {rate[name]:,.0f} | {ratio} | {lost:.4f} | {wait:.4f} |")
    lost, wait = erlang_a()
    print(f"| theory | | | | {lost:.4f} | {wait:.4f} |", flush=True)


# A month through both engines -------------------------------------------------------------------


def month_table(runs: int) -> None:
    september = expect(read(SCENARIO).scenario, 2018, 9)
    seconds: dict[str, list[float]] = {"compiled": [], "reference": []}
    values: dict[str, list[float]] = {name: [] for name in seconds}
    simulated(september)
    for run in range(max(3, runs // 2)):
        for engine, found in seconds.items():
            months = 10 if engine == "compiled" else 1
            start = time.process_time()
            measures = simulated(september, run, months, engine)
            took = time.process_time() - start
            found.append(took / measures.samples("visitors").sum())
            values[engine].append(float(measures.samples("total_wait_min")[0, 0]))
    assert values["compiled"] == values["reference"]
    rate = {name: 1 / statistics.median(s) for name, s in seconds.items()}
    print("\n### A month of longhua-shenzhen\n\n| engine | visitors per second |\n|---|---|")
    for name, value in rate.items():
        print(f"| {name} | {value:,.0f} |")
    print(f"| ratio | {rate['compiled'] / rate['reference']:.0f} |", flush=True)


# Growth -----------------------------------------------------------------------------------------

SIZES: dict[str, list[float]] = {
    "halls": [1, 10, 100, 1000, 5000],
    "load": [0.5, 0.8, 0.95, 1.1, 1.5],
    "windows": [1, 2, 5, 10, 20, 50, 100, 200],
}


def growing(what: str, size: float) -> tuple[Month, int]:
    """The month of this size, and how often to repeat it in a run."""
    windows = int(size) if what == "windows" else 4 if what == "halls" else 10
    load = size if what == "load" else 0.9
    halls = int(size) if what == "halls" else 1
    visitors = load * windows * DAY / 600
    days = 22 if what == "halls" else min(250, math.ceil(100_000 / visitors))
    found = month(
        halls=halls, days=days, visitors=visitors, windows=windows, work=600, patience=3600
    )
    return found, max(1, round(500_000 / (visitors * halls * days)))


def peak() -> float:
    """Peak resident MB of this process alone (`ru_maxrss` starts from that of the parent)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def grow(what: str, size: float, runs: int) -> dict[str, float]:
    """Nanoseconds of CPU per visitor without and with the set-up of a month, and peak MB of this process."""
    of, replications = growing(what, size)
    simulated(of)
    more, once = [], []
    for _ in range(runs):
        took = []
        for r in (replications, 2 * replications):
            start = time.process_time()
            found = simulated(of, replications=r)
            took.append(time.process_time() - start)
        visitors = found.samples("visitors").sum() / 2
        more.append((took[1] - took[0]) / visitors * 1e9)
        once.append(took[0] / visitors * 1e9)
    return {"ns": statistics.median(more), "all": statistics.median(once), "mb": peak()}


def inner(*words: str) -> dict[str, float]:
    """The same script again as a process of its own, for its memory."""
    command = [sys.executable, __file__, "--inner", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def growth_table(runs: int) -> None:
    for what, sizes in SIZES.items():
        print(
            f"\n### Growth with {what}\n\n| {what} | ns per visitor | with set-up | peak MB "
            "|\n|---|---|---|---|"
        )
        for size in sizes:
            found = inner(what, str(size), str(runs))
            print(
                f"| {size:,g} | {found['ns']:.0f} | {found['all']:.0f} | {found['mb']:.0f} |",
                flush=True,
            )


# A nation ---------------------------------------------------------------------------------------

NATION = 41_571
"""Halls of a country with 602 million visits a year (census of 2017)."""
DAYS, VISITS = 250, 602e6 / NATION / 250
BATCH = 104
"""Halls simulated together; only their sums are kept."""


def nation(halls: int) -> dict[str, float]:
    """Two threads take batches of halls in turn and keep sums."""
    batches = list(range(0, halls, BATCH))
    lock = threading.Lock()
    sums: list[float] = []

    def work() -> None:
        while True:
            with lock:
                if not batches:
                    return
                first = batches.pop()
            found = simulated(
                month(
                    halls=min(BATCH, halls - first), first=first, days=DAYS, visitors=VISITS,
                    windows=2, work=600, patience=3600,
                )
            )  # fmt: skip
            value = float(found.samples("visitors").sum())
            with lock:
                sums.append(value)

    simulated(month(visitors=10, windows=2, work=600, patience=3600))
    start, cpu = time.perf_counter(), time.process_time()
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {"s": took, "cpu": cpu, "visits": sum(sums), "mb": peak()}


def nation_table(runs: int, halls: int = NATION // 100) -> None:
    found = [inner("nation", str(halls)) for _ in range(min(runs, 3))]
    took = statistics.median(f["s"] for f in found)
    cpu = statistics.median(f["cpu"] for f in found)
    most = max(f["mb"] for f in found)
    print(
        "\n### A nation, 2 threads\n\n| halls | visits | seconds | CPU seconds | peak MB |\n"
        f"|---|---|---|---|---|\n| {halls:,} | {found[0]['visits']:,.0f} | {took:.1f} | {cpu:.1f} "
        f"| {most:.0f} |",
        flush=True,
    )


def whole_nation_table(_: int) -> None:
    nation_table(1, NATION)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="queue,month,growth,nation")
    parser.add_argument("--inner", nargs="+", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.inner:
        what, *rest = words.inner
        found = (
            nation(int(rest[0])) if what == "nation" else grow(what, float(rest[0]), int(rest[1]))
        )
        print(json.dumps(found))
        return
    print(f"{os.cpu_count()} cores, CPython {sys.version.split()[0]}, numpy {np.__version__}")
    tables = {
        "queue": queue_table, "month": month_table, "growth": growth_table, "nation": nation_table,
        "whole-nation": whole_nation_table,
    }  # fmt: skip
    for name in words.only.split(","):
        tables[name](words.runs)


if __name__ == "__main__":
    main()
