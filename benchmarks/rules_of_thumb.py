"""Compares hallsim's plan with rules of thumb at equal clerks, and prints the table of docs/staffing.md.

    pip install pyworkforce==0.5.1
    python benchmarks/rules_of_thumb.py [--replications 30] [--jobs 2] [--only longhua-shenzhen:base:2018-09]

All staffings are judged on the same fresh visitors (purpose `verify`); differences are paired.  A rule
sees what the optimizer sees: the expected demand, and the waiting tables of purpose `plan`.

home          everybody at home
volume        clerks in proportion to visitors of the month (largest remainders)
work          the same, in proportion to visitors x handling time
erlang        in proportion to the requirement of pyworkforce's Erlang C
queue         every week clerks go one by one from the shortest mean wait to the longest
plan-month    hallsim, one plan for the whole month
plan          hallsim, as the scenario has it (by week)
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from hallsim.checks import parse_month, stages
from hallsim.counting import WAIT
from hallsim.demand import Floats, Month, expect, shape
from hallsim.loans import Move, moves
from hallsim.measure import DEFAULT_WITHIN_MINUTES, Measures, interval, target_of
from hallsim.planning import (
    Plan,
    clerks_by_day,
    periods_of,
    plan_month,
    programme_tables,
    table_months,
)
from hallsim.reading import read
from hallsim.records import Ints
from hallsim.scenario import Scenario
from hallsim.simulate import simulate_staffings
from hallsim.staff import StaffingTables, order_of, travel_of
from hallsim.stations import Station, head_count, home_of_stations, item_bits, stations
from hallsim.waiting import WaitingTables, waiting_tables

ROOT = Path(__file__).parent.parent
CASES: tuple[tuple[str, str | None, str], ...] = (
    ("longhua-shenzhen", None, "2018-09"),
    ("longhua-shenzhen", None, "2018-11"),
    ("longgang", "after", "2017-11"),
    ("yantian", "after", "2017-12"),
)
NAMES = {
    "home": "everybody at home",
    "volume": "in proportion to visitors",
    "work": "in proportion to visitors × handling time",
    "erlang": "in proportion to Erlang C (pyworkforce)",
    "queue": "to the longest queue, every week",
    "plan-month": "hallsim, one plan for the month",
    "plan": "hallsim, by week",
}
OCCUPANCY, SLOT = 0.85, 30
"""Erlang C: highest occupancy, and minutes of an interval."""
ERLANG = """
import json, sys
from pyworkforce.queuing import ErlangC
asked = json.load(sys.stdin)
print(json.dumps([ErlangC(**a).required_positions(*b)["positions"] for a, b in asked]))
"""
"""A process of its own: the OR-Tools that pyworkforce loads and highspy cannot live in one."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="SCENARIO:VARIANT:MONTH instead of the usual cases")
    words = parser.parse_args()
    cases = CASES
    if words.only:
        name, variant, month = words.only.split(":")
        cases = ((name, None if variant == "base" else variant, month),)
    for name, variant, month in cases:
        scenario = read(ROOT / "scenarios" / name, variant).scenario
        print(f"\n**{name}{f', {variant}' if variant else ''}, {month}**\n")
        for line in Case(scenario, month, words.replications, words.jobs).table():
            print(line, flush=True)


class Case:
    """A month of a scenario under every rule."""

    def __init__(self, scenario: Scenario, month: str, replications: int, jobs: int) -> None:
        self.scenario, self.replications, self.jobs = scenario, replications, jobs
        self.month = expect(scenario, *parse_month(month))
        self.parts = stations(scenario)
        self.home = home_of_stations(scenario, self.parts)

    def table(self) -> list[str]:
        plans = {p: self._plan(p) for p in ("week", "month")}
        spans, tables = plans["week"].spans, self._tables()
        programme = programme_tables(self.month, self.parts, tables, spans)
        least, most = _bounds(self.scenario, self.parts, self.home)
        clerks: dict[str, Ints] = {"home": np.tile(self.home, (len(spans), 1))}
        weights = {
            "volume": visitors_of(self.month, self.parts).sum(axis=0),
            "work": work_of(self.month, self.parts).sum(axis=0),
            "erlang": erlang_requirement(self.month, self.parts),
        }
        for rule, weight in weights.items():
            share = share_out(int(self.home.sum()), weight, least, most)
            clerks[rule] = np.tile(share, (len(spans), 1))
        clerks["queue"] = longest_queue(self.month, self.parts, tables, spans, least, self.home)
        clerks = {
            **clerks,
            "plan-month": np.tile(plans["month"].solution.clerks.sum(axis=2), (len(spans), 1)),
            "plan": plans["week"].solution.clerks.sum(axis=2),
        }
        assert {int(c.sum()) for c in clerks.values()} == {int(self.home.sum()) * len(spans)}
        found = simulate_staffings(
            self.month, {rule: clerks_by_day(c, spans) for rule, c in clerks.items()},
            seed=self.scenario.run.seed, purpose="verify", replications=self.replications,
            jobs=self.jobs, confidence=0.95,
        )  # fmt: skip
        loans = {rule: moves(programme, c[:, :, None]) for rule, c in clerks.items()}
        return list(_rows(self.scenario, found, loans, programme))

    def _plan(self, period: str) -> Plan:
        months = table_months(self.scenario, len(periods_of(self.month, period)))
        return plan_month(
            self.month, self.parts, seed=self.scenario.run.seed, table_replications=months,
            period=period, jobs=self.jobs,
        )  # fmt: skip

    def _tables(self) -> WaitingTables:
        """The tables of the optimizer, for the rule that looks at queues: every number of clerks."""
        run = self.scenario.run
        _, most = _bounds(self.scenario, self.parts, self.home)
        return waiting_tables(
            self.month, self.parts, np.zeros_like(most), most + 2, seed=run.seed,
            replications=run.table_replications, jobs=self.jobs,
        )  # fmt: skip


def _bounds(scenario: Scenario, parts: list[Station], home: Ints) -> tuple[Ints, Ints]:
    """[S] fewest and most clerks: the minimum, and as many as fill the windows (or are there today)."""
    rule = scenario.staffing
    seated = (1 - rule.leave_rate) * (1 - rule.other_duty_rate)
    least = head_count(scenario, "minimum").sum(axis=1)
    alone = np.bincount([p.hall for p in parts if not p.machine], minlength=len(scenario.halls))
    lower = [max(1, int(least[p.hall]) if alone[p.hall] == 1 else 1) for p in parts]
    upper = [math.ceil(len(p.windows) / seated) for p in parts]
    machine = np.array([p.machine for p in parts])
    return (
        np.where(machine, 0, np.minimum(lower, np.maximum(home, 1))).astype(np.int64),
        np.where(machine, 0, np.maximum(upper, home)).astype(np.int64),
    )


def visitors_of(month: Month, parts: list[Station]) -> Floats:
    """[D, S] expected calls: visits by item, each counter of a visit and each return counted."""
    items = month.scenario.items
    number = {item.item: i for i, item in enumerate(items)}
    calls = np.zeros_like(month.mean)
    for i, item in enumerate(items):
        for stage in stages({x.item: x for x in items}, item.item):
            calls[:, :, number[stage]] += month.mean[:, :, i] / (1 - item.return_share)
    return np.stack([calls[:, p.hall][:, _own(month, p)].sum(axis=1) for p in parts], axis=1)


def work_of(month: Month, parts: list[Station]) -> Floats:
    """[D, S] the same in minutes at the window."""
    minutes = np.array([item.minutes for item in month.scenario.items])
    weighed = dataclasses.replace(month, mean=month.mean * minutes)
    speed = np.array([np.mean([w.speed for w in p.windows]) / 100 for p in parts])
    found: Floats = visitors_of(weighed, parts) / speed
    return found


def _own(month: Month, part: Station) -> list[int]:
    items = month.scenario.items
    return [
        i for i, item in enumerate(items)
        if part.items & item_bits(month.scenario, (item.item,))
    ]  # fmt: skip


def erlang_requirement(month: Month, parts: list[Station]) -> Floats:
    """[S] positions in the busiest half hour of a mean open day, leave and other duty included.

    To serve the target share within the target time, at an occupancy of 85 % at most.
    """
    scenario, rule = month.scenario, month.scenario.staffing
    away = 1 - (1 - rule.leave_rate) * (1 - rule.absence_rate) * (1 - rule.other_duty_rate)
    calls, work = visitors_of(month, parts), work_of(month, parts)
    asked = {}
    for s, part in enumerate(parts):
        if part.machine or calls[:, s].sum() <= 0:
            continue
        hall = scenario.halls[part.hall]
        a_day = calls[:, s].sum() / month.open[:, part.hall].sum()
        queue = {
            "transactions": a_day * _busiest_slot(month, part),
            "aht": work[:, s].sum() / calls[:, s].sum(),
            "asa": target_of(scenario, hall, "within_minutes") or DEFAULT_WITHIN_MINUTES,
            "interval": SLOT,
            "shrinkage": away,
        }
        asked[s] = queue, (target_of(scenario, hall, "share") or 0.8, OCCUPANCY)
    done = subprocess.run(
        [sys.executable, "-c", ERLANG], input=json.dumps(list(asked.values())),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = np.zeros(len(parts))
    found[list(asked)] = json.loads(done.stdout)
    return found


def _busiest_slot(month: Month, part: Station) -> float:
    """Largest share of a day's visitors who come in one half hour, on the first weekday it opens."""
    days = np.flatnonzero(month.open[:, part.hall])
    day = next((d for d in days if month.dates[d].weekday() < 5), days[0])
    share = np.zeros(48)
    mean = month.mean[:, part.hall].sum(axis=0)
    for i in _own(month, part):
        form = shape(
            month.scenario, month.scenario.halls[part.hall], i, month.sessions[day][part.hall]
        )
        ends = np.concatenate(([0.0], form.cumulative))
        edges = np.arange(49) * SLOT * 60.0
        come = [
            np.interp(edges, [a, a + b], [low, high]) - low
            for a, b, low, high in zip(form.start, form.length, ends, ends[1:], strict=False)
        ]
        share += mean[i] * np.diff(np.sum(come, axis=0))
    return float(share.max() / share.sum()) if share.sum() else 0.0


def share_out(total: int, weight: Floats, least: Ints, most: Ints) -> Ints:
    """Whole clerks in proportion to the weights, between least and most, by largest remainders."""
    fixed = np.zeros(len(weight), bool)
    number = np.zeros(len(weight))
    while True:
        rest = total - number[fixed].sum()
        free = weight * ~fixed
        quota = np.where(fixed, number, rest * free / max(free.sum(), 1e-300))
        low, high = ~fixed & (quota < least), ~fixed & (quota > most)
        if not (low | high).any():
            break
        # the side that is further out is fixed first, as is usual for a water level
        short = (least - quota)[low].sum() >= (quota - most)[high].sum()
        chosen = low if short else high
        number[chosen], fixed = (least if short else most)[chosen], fixed | chosen
    whole = np.floor(quota + 1e-9).astype(np.int64)
    order = np.argsort(-(quota - whole), kind="stable")
    room = [s for s in order if whole[s] < most[s]]
    for s in room[: total - int(whole.sum())]:
        whole[s] += 1
    assert whole.sum() == total, (whole.sum(), total)
    return whole


def longest_queue(
    month: Month, parts: list[Station], tables: WaitingTables, spans: list[tuple[int, int]],
    least: Ints, home: Ints,
) -> Ints:  # fmt: skip
    """[T, S] a planner who every week, from last week's staffing, moves clerks one by one.

    From the shortest mean wait to the longest, as long as the longer wait of the two halls falls;
    where the longest cannot be shortened, the next longest is tried.  The mean waits are those that
    the optimizer's own tables expect.
    """
    wait = tables.values[..., WAIT].mean(axis=0)
    calls = np.maximum(visitors_of(month, parts), 1e-9)
    here, found = home.copy(), []
    machine = np.array([p.machine for p in parts])
    for a, b in spans:
        mean = wait[a : b + 1].sum(axis=0) / calls[a : b + 1].sum(axis=0)[:, None]
        while _move_one(mean, here, least, tables.upper, machine):
            pass
        found.append(here.copy())
    return np.array(found)


def _move_one(mean: Floats, here: Ints, least: Ints, most: Ints, machine: Floats) -> bool:
    now = mean[np.arange(len(here)), here]
    order = [s for s in np.argsort(now, kind="stable") if not machine[s]]
    for to in reversed(order):
        if here[to] >= most[to] or mean[to, here[to] + 1] >= now[to]:
            continue
        for origin in order:
            if now[origin] >= now[to]:
                break
            if here[origin] > least[origin] and mean[origin, here[origin] - 1] < now[to]:
                here[origin] -= 1
                here[to] += 1
                return True
    return False


def _rows(
    scenario: Scenario,
    found: dict[str, Measures],
    loans: dict[str, list[Move]],
    tables: StaffingTables,
) -> Iterator[str]:
    goal = scenario.objective

    def minutes(rule: str) -> float:
        return sum(_price(tables, m) for m in loans[rule])

    def cost(rule: str) -> Floats:
        m = found[rule]
        return (
            m.samples("total_wait_min") + goal.lost_minutes * m.samples("lost")
            + goal.overtime_weight * m.samples("overtime_min") + minutes(rule)
        )[:, 0] / 60  # fmt: skip

    yield (
        "| staffing | mean wait, min | more than hallsim | lost | more than hallsim | moves | travel, h "
        "| cost, visitor hours | more than hallsim |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    get: dict[str, Callable[[str], Floats]] = {
        "wait": lambda r: found[r].samples("mean_wait_min")[:, 0],
        "lost": lambda r: found[r].samples("lost")[:, 0],
        "cost": cost,
    }
    for rule, name in NAMES.items():
        cells = []
        for what, digits in (("wait", 1), ("lost", 0), ("cost", 0)):
            own, best = get[what](rule), get[what]("plan")
            more = digits + (what == "wait")
            cells.append(_estimate(own, digits, sign=False))
            cells.append("" if rule == "plan" else _estimate(own - best, more, sign=True))
        orders = sum(m.clerks for m in loans[rule])
        travel = sum(_travel(tables, m) for m in loans[rule]) / 60
        yield (
            f"| {name} | {cells[0]} | {cells[1]} | {cells[2]} | {cells[3]} "
            f"| {orders} | {travel:,.0f} | {cells[4]} | {cells[5]} |"
        )


def _travel(tables: StaffingTables, move: Move) -> float:
    """Minutes of extra travel over the days of a loan."""
    days = int(tables.days[move.first : move.last + 1].sum())
    return move.clerks * days * travel_of(tables, move.origin, move.destination)


def _price(tables: StaffingTables, move: Move) -> float:
    """Visitor minutes that a loan costs: the order, and travel at its weight."""
    order = move.clerks * order_of(tables, move.origin, move.destination)
    return order + tables.transfers.travel_weight * _travel(tables, move)


def _estimate(samples: Floats, digits: int, sign: bool) -> str:
    mean, lo, hi = (float(x) for x in interval(samples, 0.95))
    mean, lo, hi = (round(x, digits) + 0.0 for x in (mean, lo, hi))  # no minus before a zero
    form = f"{{:{'+' if sign else ''},.{digits}f}}"
    return f"{form} [{form}, {form}]".format(mean, lo, hi).replace("-", "−")


if __name__ == "__main__":
    main()
