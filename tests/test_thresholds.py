"""Thresholds: the number above which calling has paid, and what the table loses against dispatch."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from hallsim import cli
from hallsim.demand import expect
from hallsim.dispatch import Order
from hallsim.problems import ExitCode
from hallsim.scenario import Clerks, Scenario, Staffing, VisitorClass
from hallsim.stations import duties, home_of_stations, stations
from hallsim.thresholds import (
    Rule,
    Thresholds,
    _Days,
    best_threshold,
    hours_of_day,
    orders_by_rules,
    rule_rows,
    thresholds,
    whole_day,
)
from hallsim.today import Today
from hallsim.warm import NOTHING, Action, cut, post_today, tell_rest
from small import OFFICE, small
from test_warm import rows_of

LONGHUA = Path(__file__).parent.parent / "scenarios" / "longhua-shenzhen"


def district(**fields: Any) -> Scenario:
    usual: dict[str, Any] = {
        "classes": {"ordinary": VisitorClass(share=1.0, patience_minutes=90)},
        "staffing": Staffing(other_duty_rate=0.2),
        "clerks": tuple(
            Clerks(hall=h, count=n, minimum=1)
            for h, n in {"D": 5, "A": 4, "A1": 3, "A2": 3, "B": 4, "B1": 3}.items()
        ),
    }
    return small(**(usual | fields))


@pytest.fixture(scope="module")
def table() -> Thresholds:
    return thresholds(district(), "2018-09", months=2, days=8, seed=4)


# A number ---------------------------------------------------------------------------------------


def test_the_number_is_the_best_of_all() -> None:
    """Against trying every number, on 300 made-up samples."""
    rng = np.random.default_rng(1)
    found_some = 0
    for _ in range(300):
        waiting = rng.integers(0, 15, 60)
        gain = 3.0 * waiting - rng.uniform(0, 40) + rng.normal(0, 15, 60)
        least = int(rng.integers(0, 4))
        found = best_threshold(waiting, gain, least)
        # so many wait without it: it is done on days with more
        every = {n: gain[waiting > n].sum() for n in range(least, 15) if (waiting > n).sum() >= 8}
        best = max(every.values(), default=0.0)
        if found is None:
            assert best <= 1e-9 or max(gain[waiting > n].sum() for n in range(least, 15)) > best
        else:
            found_some += 1
            assert gain[waiting > found].sum() == pytest.approx(best) and found >= least
    assert found_some > 150


def test_helping_that_never_pays_has_no_number() -> None:
    assert best_threshold(np.arange(30), -np.ones(30)) is None
    assert best_threshold(np.zeros(30, np.int64), np.ones(30)) is None  # nobody waits
    assert best_threshold(np.arange(30), np.where(np.arange(30) > 9, 1.0, -1.0)) == 9


# Whole days ---------------------------------------------------------------------------------------


def days_of(scenario: Scenario, seed: int = 7) -> _Days:
    return _Days(expect(scenario, 2018, 9), stations(scenario), seed, "today", 1, 0.5, 1)


def test_a_day_changed_at_ten_is_the_day_restarted_at_ten() -> None:
    """Windows that close and open: the whole day simulated anew, and the restart of `warm`."""
    days = days_of(district())
    scenario, parts, month = days.scenario, days.parts, days.month
    rng = np.random.default_rng(3)
    compared = 0
    for u in rng.permutation(len(days.crowds[0].first))[:60].tolist():
        d, s = divmod(u, len(parts))
        opened = int(days.opened[0, u])
        if not month.sessions[d][parts[s].hall] or opened < 2:
            continue
        sessions, hours = OFFICE.weekdays, scenario.hours["office"]
        t = int(rng.integers(9 * 3600, 17 * 3600))
        crowd = days.crowds[0]
        rows = rows_of(crowd, crowd.first[u], crowd.in_time[u])
        told = tell_rest(rows, duties(parts[s], sessions, hours, opened))
        post = post_today(parts[s], sessions, hours, t, opened)
        state = cut(post, rows, told)
        free = days.free_at(0, d, s, t)
        leaver = min(free, key=lambda k: (free[k], -k))
        come = (t + 900,) if opened < len(parts[s].windows) else ()
        rest = state.rows(post)
        after = tell_rest(rest, post.duties(Action(1, come), state.opened, [leaver]))
        anew = tell_rest(rows, whole_day(parts[s], sessions, hours, opened, {leaver: t}, come))
        late = sorted(anew.called[(anew.called >= t)].tolist())
        assert late == sorted(after.called[(after.called >= t)].tolist())
        nothing = tell_rest(rest, post.duties(NOTHING, state.opened))
        assert sorted(nothing.called[nothing.called >= t].tolist()) == sorted(
            told.called[told.called >= t].tolist()
        )
        assert days.waiting(s, [(0, d)], t)[0] == (state.waiting.stage == 1).sum()
        compared += 1
    assert compared > 20


def test_what_is_seen_is_what_is_there() -> None:
    days = days_of(district())
    d, t = 2, 11 * 3600
    state = days.seen(0, d, t)
    assert sorted(state.halls) == list(range(6))
    for h, seen in state.halls.items():
        u = days.unit(d, next(s for s, p in enumerate(days.parts) if p.hall == h))
        told, crowd = days.told[0], days.crowds[0]
        rows = slice(int(crowd.first[u]), int(crowd.in_time[u]))
        arrived = int(((told.ticket[rows] >= 0) & (crowd.arrival[rows] < t)).sum())
        assert seen.arrived == {-1: arrived}
        assert sum(seen.in_service.values()) <= (seen.clerks or 0)
        assert arrived >= sum(seen.waiting.values()) + sum(seen.in_service.values())
    home = home_of_stations(days.scenario, days.parts)
    assert all((seen.clerks or 0) <= home.max() for seen in state.halls.values())
    Today(days.scenario, state)


# The table ----------------------------------------------------------------------------------------


def test_hours_leave_time_to_help() -> None:
    month = expect(district(), 2018, 9)
    assert hours_of_day(month, 0) == [10 * 3600, 11 * 3600, 15 * 3600, 16 * 3600]


def test_every_rule_told_pays_on_fresh_days(table: Thresholds) -> None:
    assert table.rules
    for rule in table.rules:
        assert rule.saved[1] > 0 and rule.clerks >= 1 and rule.waiting >= 0
    by_hour: dict[tuple[int, int], list[int]] = {}
    for rule in table.rules:
        by_hour.setdefault((rule.station, rule.first), []).append(rule.waiting)
    assert all(numbers == sorted(numbers) for numbers in by_hour.values())


def test_the_table_helps_and_the_loss_is_paired(table: Thresholds) -> None:
    trial = table.trial
    assert trial.by_rules[0] > 0 and trial.by_dispatch[0] > 0
    assert trial.lost[0] == pytest.approx(trial.by_dispatch[0] - trial.by_rules[0])
    assert trial.share == pytest.approx(trial.by_rules[0] / trial.by_dispatch[0])


def rule(hall: int, waiting: int, helper: int, clerks: int = 1) -> Rule:
    return Rule(hall, hall, 36000, 39600, waiting, clerks, helper, 15.0, (1.0, 1.0, 1.0), 1.0)


def test_the_table_is_read_from_the_worst_hall_down() -> None:
    parts = stations(district())
    rows = [rule(1, 5, 1, 2), rule(1, 10, 2), rule(4, 3, 5), rule(5, 4, 3)]

    def orders(waits: dict[int, int], most: int = 6, now: int = 37000) -> list[Order]:
        leave, call = dict.fromkeys(range(6), 1), dict.fromkeys(range(6), 1)
        return orders_by_rules(rows, parts, now, waits, leave, call, most)

    assert orders({1: 5}) == []
    assert orders({1: 6}) == [Order(1, 1, 1)]  # two are wanted, one is there
    assert orders({1: 11}) == [Order(1, 1, 1), Order(2, 1, 1)]
    assert orders({1: 11}, most=1) == [Order(1, 1, 1)]
    assert orders({4: 9, 5: 5}) == [Order(3, 5, 1)]  # 5 is overrun itself and helps nobody
    assert orders({1: 50}, now=40000) == []


def test_the_command_writes_the_table(tmp_path: Path, table: Thresholds) -> None:
    out = tmp_path / "table.csv"
    words = ["thresholds", str(LONGHUA), "--month", "2018-09", "--replications", "2", "--days", "2"]
    done = CliRunner().invoke(
        cli.commands, [*words, "--json", "--out", str(out)], standalone_mode=False
    )
    assert done.exception is None and done.return_value == 0
    told = json.loads(done.stdout)
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [r["hall"] for r in rows] == [r["hall"] for r in told["rules"]]
    assert told["trial"]["days"] == 2 and rule_rows(table)


def test_unknown_halls_are_refused() -> None:
    words = ["thresholds", str(LONGHUA), "--month", "2018-09", "--hall", "minzi"]
    done = CliRunner().invoke(cli.commands, words, standalone_mode=False)
    assert done.return_value == ExitCode.USAGE and "minzhi" in done.stderr
