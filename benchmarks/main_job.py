"""Times the main job and the two engines, and prints the tables of `benchmarks/README.md`.

    python benchmarks/main_job.py [--runs 3]

Whole processes are timed from outside; the engines run on the same visitors in one process.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
SCENARIO = ROOT / "scenarios" / "longhua-shenzhen"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    print("| command | wall s (median) | peak memory MB |\n|---|---|---|")
    for name, words in {
        "`recommend … --month 2018-09` (2 threads)": ["--jobs", "2"],
        "the same, 1 thread": ["--jobs", "1"],
        "the same by days": ["--jobs", "2", "--period", "day"],
    }.items():
        report(name, ["recommend", str(SCENARIO), "--month", "2018-09", *words], runs)
    report("`simulate … --month 2018-09`", ["simulate", str(SCENARIO), "--month", "2018-09"], runs)
    report("`--help`", ["--help"], runs)
    engines()


def report(name: str, words: list[str], runs: int) -> None:
    found = [measure(words) for _ in range(runs + 1)][1:]  # the first run may compile
    seconds = statistics.median(s for s, _ in found)
    print(f"| {name} | {seconds:.2f} | {max(m for _, m in found):.0f} |", flush=True)


def measure(words: list[str]) -> tuple[float, float]:
    """Wall seconds and peak resident megabytes of one whole process."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "hallsim.cli", *words],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, words
        return time.perf_counter() - start, usage.ru_maxrss / 1024


def engines() -> None:
    """Visitors per second of both engines on one drawn month, drawing and measuring included."""
    from hallsim.reading import read
    from hallsim.simulate import simulate_month

    scenario = read(SCENARIO).scenario
    rates = {}
    for engine, months in (("compiled", 20), ("reference", 2)):
        simulate_month(scenario, "2018-09", replications=2, engine=engine)
        start = time.perf_counter()
        found = simulate_month(scenario, "2018-09", replications=months, engine=engine)
        seconds = time.perf_counter() - start
        rates[engine] = found.samples("visitors").sum() / seconds
    print("\n| engine, one core | visitors per second |\n|---|---|")
    for engine, rate in rates.items():
        print(f"| {engine} | {rate:,.0f} |")
    print(f"| ratio | {rates['compiled'] / rates['reference']:.0f} |")


if __name__ == "__main__":
    main()
