"""Seeded mistakes: apply each to a copy of the package, run the tests on it, say which one noticed.

    python tests/verification/mutate.py            # all, as a table in Markdown
    python tests/verification/mutate.py 3 17       # some of them
    python tests/verification/mutate.py --theory   # only what is compared with theory

The repository is not touched.  A mutation whose text is no longer in the code is an error.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parent.parent.parent
QUICK = "little_room or forward or specialist or unequal or counters or shorter"
"""Of the comparisons with theory, those that are quick and see most."""


class Mutation(NamedTuple):
    """A mistake that somebody might make."""

    module: str
    old: str
    new: str
    what: str


MUTATIONS = [
    # compiled.py: halls with one kind of window, from call to call
    Mutation("compiled", "arrival[v] + patience[v] <= t", "arrival[v] + patience[v] < t",
             "6: patience ends after the calls of its second"),
    Mutation("compiled", "t > arrival[v] and arrival[v] + patience[v]", "arrival[v] + patience[v]",
             "6: patience 0 is not called in the second of its ticket"),
    Mutation("compiled", "(work * 100 + speed[d] - 1) // speed[d]", "work * 100 // speed[d]",
             "7: durations rounded down"),
    Mutation("compiled", "arrival[comers - 1] >= close", "arrival[comers - 1] > close",
             "4: a ticket in the second of closing"),
    Mutation("compiled", "ticket[v] + patience[v] <= close", "ticket[v] + patience[v] < close",
             "3: patience that ends at closing is turned away"),
    Mutation("compiled", "max(free[slot[d]], begin)", "begin",
             "7: a window begins its next duty while it is busy"),
    Mutation("compiled", "begin == close and off[d] == close and serve_out", "begin == close and serve_out",
             "8: windows whose duty ended earlier come back at closing"),
    Mutation("compiled", "v >= comers or arrival[v] > t", "v >= comers or arrival[v] >= t",
             "2: who comes in the second of a call is overlooked"),
    Mutation("compiled", "if t >= end:", "if t > end:", "3: calls before duties end or begin"),
    Mutation("compiled", "turn = arrival[v] - ahead[k]", "turn = arrival[v] + ahead[k]",
             "5: credit makes later"),
    Mutation("compiled", "turn == least and v < head[best]", "turn == least and v > head[best]",
             "5: equal turns fall to the later ticket"),
    # eventful.py: all rules, from second to second
    Mutation("eventful", "waiting[h] >= balk_at[v]", "waiting[h] > balk_at[v]",
             "11: stays where balk_at people wait"),
    Mutation("eventful", "                waiting[where[v]] -= 1\n                outcome[v] = ABANDONED",
             "                waiting[where[v]] -= 1 if ghost_seconds == 0 else 0\n"
             "                outcome[v] = ABANDONED", "10: ghosts count as waiting"),
    Mutation("eventful", "ghost_seconds > 0 and t < close[h]", "ghost_seconds > 0",
             "10: ghosts are called after closing"),
    Mutation("eventful", "+ breadth(items[d])) * m + d", "+ breadth(items[d])) * m - d",
             "5: among equal lists the last row calls first"),
    Mutation("eventful", "(hall[d] * (_CODES + 1) + breadth(items[d])) * m", "hall[d] * (_CODES + 1) * m",
             "5: calls in row order, whatever the lists"),
    Mutation("eventful", "if off[d] == close[duty_hall[d]]:", "if off[d] <= close[duty_hall[d]]:",
             "8: windows stay under any of their duties"),
    Mutation("eventful", "_add(able, queues, duty_hall[d], wants[d], -1)",
             "_add(able, queues, duty_hall[d], wants[d], 0)",
             "9: duties that have ended shorten the posted wait"),
    Mutation("eventful", "cost < least", "cost <= least", "9: ties go to the last hall"),
    Mutation("eventful", "t + choice_travel[k]) <<", "t) <<", "9: nobody needs time to travel"),
    Mutation("eventful", "((t + walk[s]) <<", "(t <<", "12: nobody needs time to walk"),
    Mutation("eventful", "coming[0] & mask < v", "coming[0] & mask > v",
             "3: arrivals of a second out of row order"),
    Mutation("eventful", "or not kept[q]", "or False",
             "8: any next stage takes a ticket after closing"),
    Mutation("eventful", "(finished[v] << bits) | w", "(finished[v] + 1 << bits) | w",
             "7: a window is idle one second late"),
    Mutation("eventful", "max(patience[v], 1)", "patience[v]",
             "6: patience 0 ends in its own second (no difference: nothing is due before the next)"),
    # reference.py: the readable engine
    Mutation("reference", "PATIENCE_ENDS = 3\n    ARRIVAL = 4", "PATIENCE_ENDS = 4\n    ARRIVAL = 3",
             "3: arrivals before patience ends"),
    Mutation("reference", "ARRIVAL = 4\n    CLOSING = 5", "ARRIVAL = 5\n    CLOSING = 4",
             "8: turned away before the arrivals of the second of closing"),
    Mutation("reference", "CALLS = 6\n    GIVING_UP = 7", "CALLS = 7\n    GIVING_UP = 6",
             "6: patience 0 leaves before the calls"),
    Mutation("reference", "self.ticket - self.credit, self.ticket, self.row",
             "self.ticket - self.credit, -self.ticket, self.row", "5: equal turns fall to the later ticket"),
    Mutation("reference", "return self.now >= self.closing", "return self.now > self.closing",
             "4: open in the second of closing"),
    Mutation("reference", "and (self.now < duty.off", "and (self.now <= duty.off",
             "1: a duty is in force in its last second"),
    Mutation("reference", "-(-visitor.service * 100 // self.speed)", "visitor.service * 100 // self.speed",
             "7: durations rounded down"),
    Mutation("reference", "sorted(duties, key=Duty.length_of_list)", "list(duties)",
             "5: calls in row order, whatever the lists"),
    Mutation("reference", "sum(visitor.outcome == OPEN for visitor in self.queue)", "len(self.queue)",
             "10: ghosts count as waiting"),
    Mutation("reference", "self.how.serve_out and duty.off == self.closing", "self.how.serve_out",
             "8: all windows stay"),
    Mutation("reference", "if d.on <= self.now < d.off and", "if self.in_force(d) and",
             "9: staying windows count in the posted wait"),
    Mutation("reference", "if not way[0].closed] or ways", "] or ways", "9: closed halls are chosen too"),
]  # fmt: skip


def run(number: int, theory: bool, whole: Path) -> str:
    """A row of the table."""
    mutation = MUTATIONS[number]
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        shutil.copytree(whole, folder, dirs_exist_ok=True)
        file = Path(folder) / "src" / "hallsim" / f"{mutation.module}.py"
        text = file.read_text(encoding="utf-8")
        if text.count(mutation.old) != 1:
            raise SystemExit(
                f"{number}: {mutation.old!r} is {text.count(mutation.old)} times there"
            )
        file.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
        noticed = suites(mutation.module, folder, theory)
    return f"| {number} | `{mutation.module}` | {mutation.what} | {noticed} |"


def suites(module: str, folder: str, theory: bool) -> str:
    """The first test that fails."""
    engine = "reference" if module == "reference" else "compiled"
    chosen = [(["tests/verification"], f"{engine} and ({QUICK})")]
    if not theory:
        rules = (["tests/verification/test_rules.py"], engine)
        agree = (["tests/verification/test_engines_agree.py"], "agree and not invariants")
        chosen = [rules, agree, *chosen]
    for paths, words in chosen:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *paths, "-k", words],
            cwd=folder, capture_output=True, text=True, encoding="utf-8",
            env={
                **os.environ, "PYTHONPATH": f"{folder}/src", "NUMBA_CACHE_DIR": f"{folder}/numba",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        )  # fmt: skip
        if found := re.search(
            r"^(?:FAILED|ERROR) tests/(.+?)(?: - .*)?$", done.stdout, re.MULTILINE
        ):
            return f"`{found.group(1)}`"
        if done.returncode not in (0, 1):
            raise SystemExit(done.stdout + done.stderr)
    return "**not noticed**"


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", type=int, nargs="*", help="which mutations; default: all")
    parser.add_argument("--theory", action="store_true", help="only the comparisons with theory")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    numbers = given.numbers or range(len(MUTATIONS))
    print("| | engine | mistake (rule) | noticed first by |\n|---|---|---|---|", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="whole-") as folder,
        ThreadPoolExecutor(given.jobs) as pool,
    ):
        whole = Path(folder)
        for part in ("src", "tests"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(REPOSITORY / part, whole / part, ignore=ignored)
        shutil.copy(REPOSITORY / "pyproject.toml", whole)
        for row in pool.map(lambda number: run(number, given.theory, whole), numbers):
            print(row, flush=True)


if __name__ == "__main__":
    main()
