"""Hours of windows: against brute force over all rosters, and what must hold whatever is proposed."""

from __future__ import annotations

import csv
import io
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from hallsim.cli_intraday import intraday as command
from hallsim.cli_output import Refused
from hallsim.demand import expect
from hallsim.draw import Chance
from hallsim.intraday import (
    LATER,
    Intraday,
    Pool,
    Search,
    choose,
    costs,
    first_guess,
    in_minutes,
    intraday,
    pool,
    relaxed,
)
from hallsim.intraday_page import as_json, files, screen
from hallsim.planning import ClosedMonth
from hallsim.problems import ScenarioProblems
from hallsim.records import SERVED, Duties, Ints, Visitors
from hallsim.scenario import Hours, Limit, Lunch, Scenario, Staffing, Weight, Windows
from hallsim.shifts import LUNCH, OTHER, Frame, frame, slips
from hallsim.simulate import simulate
from hallsim.stations import stations
from hallsim.text import Language
from small import PERMIT, full, lone, small

LONG = Hours(
    weekdays="09:00-14:00",  # type: ignore[arg-type]
    lunch=Lunch(first="11:00", last="13:00", waves=2),  # type: ignore[arg-type]
)
SPLIT = Hours(weekdays="09:00-12:00 14:00-16:00")  # type: ignore[arg-type]


def uneven(rng: np.random.Generator, hours: Hours) -> Scenario:
    """A hall with a rush of random place and size."""
    rows = tuple(
        Weight(profile="rush", kind="hour", key=f"{h:02d}:00-{h + 1:02d}:00", weight=rng.uniform(0.2, 2))
        for h in range(9, 16)
    )  # fmt: skip
    item = PERMIT.model_copy(update={"hours": "rush"})
    return lone(
        hours=hours, items=(item,), profiles=rows, volume=float(rng.uniform(4000, 14000)),
        open=int(rng.integers(2, 5)), staffing=Staffing(other_duty_rate=0.3),
    )  # fmt: skip


def case(seed: int) -> tuple[Scenario, Frame, Pool]:
    """A hall, a frame of hours and the visitors of 40 days."""
    rng = np.random.default_rng([seed, 5])
    hours = LONG if seed % 2 else SPLIT
    scenario = uneven(rng, hours)
    clerks = int(rng.integers(2, 5))
    month, (part,) = expect(scenario, 2026, 3), stations(scenario)
    windows = min(len(part.windows), max(1, clerks - int(rng.integers(0, 2))))
    of = frame(part, hours.weekdays, hours, clerks=clerks, windows=windows, step="hour")
    of = relaxed(of)
    days = np.flatnonzero(month.open[:, 0])[:20]
    return scenario, of, pool(Chance(month, [part], seed, "hours"), days, 0, 1, range(2))


def eats(of: Frame, profile: Ints) -> bool:
    """Whether some way to send every clerk to lunch leaves enough, tried one clerk after the other."""
    if not of.starts:
        return True
    for way in itertools.combinations_with_replacement(range(len(of.starts)), of.diners):
        away = np.zeros(len(of.seconds), np.int64)
        for j in way:
            begin = of.starts[j]
            away += (of.spells[:, 0] < begin + of.lunch) & (of.spells[:, 1] > begin)
        if (profile + away <= of.present).all():
            return True
    return False


def every(of: Frame) -> list[tuple[int, ...]]:
    """All rosters of the frame, by trying all numbers."""
    ranges = [range(a, b + 1) for a, b in zip(of.least, of.most, strict=True)]
    found = []
    for profile in itertools.product(*ranges):
        x = np.array(profile)
        if x @ of.seconds <= of.usual @ of.seconds and eats(of, x):
            found.append(profile)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_what_is_allowed_is_what_some_lunch_plan_allows(seed: int) -> None:
    _, of, _ = case(seed)
    known = set(every(of))
    for profile in itertools.product(*[range(b + 1) for b in of.most]):
        assert of.allows(np.array(profile)) == (profile in known)
    assert replace(of, least=0 * of.least).allows(of.usual)


def test_the_search_is_as_good_as_brute_force() -> None:
    """Over all rosters on the same visitors: never better, mostly the same, never far off."""
    gaps = []
    for seed in range(20):
        scenario, of, visitors = case(seed)
        search = Search(of, visitors, 1800, scenario.objective)
        start = search.near(first_guess(of, visitors))
        search.simulate([start])
        search.cut(start)
        found = search.value(search.polish(search.best()))
        search.simulate(every(of))
        best = min(map(search.value, every(of)))
        assert found >= best - 1e-9
        gaps.append(found / best - 1)
    print(sorted(gaps)[-10:])
    assert np.mean(np.array(gaps) < 1e-9) >= 0.8
    assert max(gaps) < 0.05
    assert sum(len(every(case(seed)[1])) > 5 for seed in range(20)) >= 8


def test_what_is_proposed_is_nearly_the_best_roster_with_no_more_work() -> None:
    """Minutes worked with finishing and overtime bound the rosters: of those that keep them, brute force."""
    gaps = []
    for seed in range(20):
        scenario, of, visitors = case(seed)
        found = choose(of, visitors, visitors, 1800, scenario.objective)
        search = Search(of, visitors, 1800, scenario.objective)
        usual = tuple(of.usual.tolist())
        rosters = every(of)
        search.simulate([*rosters, usual])
        most = (search.told([of.duties])[0, 1:] + [0, LATER]) * 1.0005
        keeping = [p for p in rosters if (search.seen[p][1:] <= most).all()]
        if not of.allows(of.usual):
            continue
        chosen = usual if found is None else found
        assert (search.seen[chosen][1:] <= most + 1e-9).all()
        best = min(search.value(p) for p in [*keeping, usual])
        gaps.append(search.value(chosen) / best - 1)
    print(sorted(gaps))
    assert len(gaps) >= 10
    assert np.mean(np.array(gaps) < 0.01) >= 0.8
    assert max(gaps) < 0.1


def test_costs_are_those_of_the_engine_and_lateness_is_counted_by_hand() -> None:
    scenario, of, visitors = case(3)
    rows = of.rows((of.most - np.arange(len(of.most)) % 2).tolist())
    day = np.repeat(np.arange(len(visitors.first)), visitors.last - visitors.first)
    zero = np.zeros(len(day), np.int64)
    people = Visitors(day, zero, *visitors[4:9])
    window, items, on, off, speed = np.array(rows, np.int64).T
    n, k = len(visitors.first), len(rows)
    spread = [np.tile(c, n) for c in (window, items, on, off, speed)]
    told = simulate(people, Duties(np.repeat(np.arange(n), k), np.zeros(n * k, np.int64), *spread))
    cost = costs(visitors, [rows], 1800)[0]
    served = told.outcome == SERVED
    close = off.max()
    assert cost[:, 3].sum() == (told.ticket >= 0).sum()
    assert cost[:, 1].sum() == (~served).sum()
    over = np.maximum(told.finished - np.maximum(told.called, close), 0)[served].sum()
    assert cost[:, 2].sum() == pytest.approx(over / 60)
    late = 0
    for v in np.flatnonzero(served):
        for second in range(told.called[v], min(told.finished[v], close)):
            late += not any((window == told.window[v]) & (on <= second) & (second < off))
    assert cost[:, 6].sum() == pytest.approx(late / 60)
    assert late > 0
    empty = [max(0, *(told.finished[served & (day == d)] - close)) for d in range(n)]
    assert cost[:, 7] == pytest.approx(np.array(empty) / 60)
    minutes = in_minutes(cost, scenario.objective).sum()
    assert minutes == pytest.approx(cost[:, 0].sum() + 120 * (~served).sum() + over / 60)


def proposals() -> list[Intraday]:
    rush = tuple(
        Weight(profile="rush", kind="hour", key=f"{h:02d}:00-{h + 1:02d}:00", weight=w)
        for h, w in zip(range(9, 18), (1, 4, 4, 1, 1, 1, 3, 1, 0.2), strict=True)
    )
    items = tuple(i.model_copy(update={"hours": "rush"}) for i in small().items)
    hours = Hours(weekdays="09:00-18:00", lunch=Lunch())  # type: ignore[arg-type]
    rules = Staffing(other_duty_rate=0.3, leave_rate=0.05, absence_rate=0.02)
    common = {"items": items, "profiles": rush, "staffing": rules}
    split = small(**common)
    through = small(hours={"office": hours}, **common)
    rich = full(staffing=rules, hours={"office": hours})
    return [
        intraday(scenario, "2026-03", replications=4, compared=3000, **options)
        for scenario, options in (
            (split, {}), (through, {}), (through, {"step": "hour", "weekday": "tue", "hall": "A"}),
            (split, {"step": "session", "hall": "D", "clerks": 5, "desk": 1}), (rich, {"hall": "B"}),
        )
    ]  # fmt: skip


@pytest.fixture(scope="module")
def proposed() -> list[Intraday]:
    return proposals()


def test_hours_are_kept_and_everybody_eats(proposed: list[Intraday]) -> None:
    changed = 0
    for one in [h for found in proposed for h in found.halls]:
        of, x = one.frame, one.profile
        changed += one.changed
        usual = sum(off - on for _, _, on, off, _ in of.duties)
        assert x @ of.seconds <= usual
        assert (x <= len(of.station.windows)).all() and (x <= of.present).all()
        rows = of.rows(x.tolist())
        assert sum(off - on for _, _, on, off, _ in rows) == x @ of.seconds
        own = slips(of, x)
        clerks = {s.clerk for s in own}
        assert len(clerks) == of.present.max() <= one.clerks
        for t, (on, off) in enumerate(of.spells.tolist()):
            now = [s for s in own if s.on <= on and off <= s.off]
            assert len({s.clerk for s in now}) == len(now) == of.present[t]
            at = [s.window for s in now if s.duty == "window"]
            assert len(set(at)) == len(at) == x[t]
            assert set(at) == {w.number for w in of.station.windows[: x[t]]}
        for clerk in clerks if of.starts else ():
            meals = [s for s in own if s.clerk == clerk and s.duty == LUNCH]
            assert len(meals) == 1
            assert meals[0].off - meals[0].on >= of.lunch
        if not of.starts:
            assert not any(s.duty == LUNCH for s in own)
        assert {s.duty for s in own} <= {"window", LUNCH, OTHER}
    assert changed >= 4


def test_gains_are_told_on_fresh_visitors_of_both_rosters(proposed: list[Intraday]) -> None:
    """The sums are those of simulating the duties of both on the visitors of the check."""
    for found in proposed[:3]:
        scenario = found.scenario
        month, parts = expect(scenario, 2026, 3), stations(scenario)
        one = found.halls[0]
        hall = [h.hall for h in scenario.halls].index(one.hall)
        own = [p for p in parts if p.hall == hall]
        tuesday = found.weekday == "tue"
        days = [d for d in np.flatnonzero(month.open[:, hall])
                if not tuesday or month.dates[d].weekday() == 1]  # fmt: skip
        assert one.days == len(days)
        fresh = pool(Chance(month, own, found.seed, "verify"), np.array(days), 0, 1, range(4))
        patterns = [one.frame.duties, one.frame.rows(one.profile.tolist())]
        daily = costs(fresh, patterns if one.changed else [patterns[0]] * 2, 1800)
        sums = daily.reshape(2, 4, len(days), -1).mean(axis=2)
        assert one.sums[..., :4] == pytest.approx(sums[..., :4])
        assert one.visitors.sum() == pytest.approx(sums[0, :, 3].mean())
        mean = found.estimates([one])["mean_wait_min"]
        assert mean["difference"][0] == pytest.approx(mean["proposed"][0] - mean["usual"][0])


def test_where_there_is_something_to_gain_it_is_gained(proposed: list[Intraday]) -> None:
    """Rosters are only changed if that surely helps those who were looked at; then also others."""
    changed = [(f, h) for f in proposed for h in f.halls if h.changed]
    for found, one in changed:
        if not one.frame.allows(one.frame.usual):  # what limits want may cost something
            continue
        assert found.estimates([one])["cost_min"]["difference"][0] < 0
        worked = one.sums[:, :, [2, 6]].sum(axis=2).mean(axis=1)
        duty = [
            sum(row[3] - row[2] for row in rows) / 60
            for rows in (one.frame.duties, one.frame.rows(one.profile.tolist()))
        ]
        assert worked[1] + duty[1] <= 1.01 * (worked[0] + duty[0])


def test_least_windows_hold_as_far_as_clerks_go() -> None:
    hours = Hours(weekdays="09:00-17:00", lunch=Lunch())  # type: ignore[arg-type]
    rule = Limit(halls=("D",), limit="least_windows", value=3, hours="12:00-14:00")
    for staff, least in ((6, 3), (4, 2)):
        scenario = lone(
            hours=hours, staff=staff, limits=(rule,), staffing=Staffing(other_duty_rate=0.2)
        )
        (one,) = intraday(scenario, "2026-03", step="hour", replications=2, compared=1000).halls
        noon = (one.frame.spells[:, 0] >= 43200) & (one.frame.spells[:, 0] < 50400)
        assert one.profile[noon].min() == least
        assert bool(one.unmet) == (least < 3)
        assert all(wanted == 3 and possible == 2 for _, _, wanted, possible in one.unmet)


def test_with_every_window_open_or_one_clerk_nothing_changes() -> None:
    for options in ({"open": 2, "staff": 6}, {"open": 3, "staff": 1}):
        (one,) = intraday(lone(**options), "2026-03", replications=2).halls  # type: ignore[arg-type]
        assert not one.changed and (one.profile == one.frame.usual).all()
        assert (one.sums[0] == one.sums[1]).all()


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(ScenarioProblems, match="did you mean"):
        intraday(small(), "2026-03", hall="A3")
    with pytest.raises(ClosedMonth):
        intraday(small(), "2026-03", weekday="sun")
    machines = (
        Windows(hall="D", count=2),
        Windows(hall="D", kind="machine", items=("card",), count=1),
    )
    found = intraday(small(windows=machines), "2026-03", replications=2, compared=1000)
    assert [h.hall for h in found.halls] == ["D"]
    assert found.unstaffed == ("A", "A1", "A2", "B", "B1")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("whole", [True, False])
def test_screen_json_and_files_tell_the_same(
    proposed: list[Intraday], language: Language, whole: bool
) -> None:
    found = proposed[1] if whole else proposed[2]
    told = as_json(found)
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    made = files(found, language, whole)
    names = {"intraday-windows.csv", "intraday-clerks.csv", "intraday.json"}
    picture = "intraday-halls" if whole else "intraday"
    assert set(made) == names | {f"{picture}.png", f"{picture}.svg"}
    assert json.loads(made["intraday.json"]) == told
    rows = list(csv.DictReader(io.StringIO(str(made["intraday-windows.csv"]))))
    assert len(rows) == sum(len(h["spells"]) for h in told["halls"])
    assert [int(r["proposed"]) for r in rows] == [
        s["proposed"] for h in told["halls"] for s in h["spells"]
    ]
    paper = io.StringIO()
    Console(file=paper, width=200).print(screen(found, language, whole))
    text = paper.getvalue()
    one = max(found.halls, key=lambda h: h.changed)
    mean = found.estimates(None if whole else [one])["mean_wait_min"]["proposed"][0]
    assert f"{mean:.1f}" in text


def test_the_command_refuses_in_plain_words(tmp_path: Path) -> None:
    run = CliRunner().invoke
    where = str(Path(__file__).parent.parent / "scenarios" / "longhua-shenzhen")
    alone = run(command, [where, "--month", "2018-09", "--clerks", "3"])
    assert alone.exit_code == 2 and "--hall" in alone.output
    closed = run(command, [where, "--month", "2018-09", "--hall", "minzhi", "--weekday", "sat"])
    assert closed.exit_code == 0  # 29 September 2018 was a working Saturday
    sunday = run(command, [where, "--month", "2018-10", "--hall", "minzhi", "--weekday", "sun"])
    assert isinstance(sunday.exception, Refused) and sunday.exception.code == 3
