"""Stations, lunch in waves, shared sessions and duties, on halls that a reader can follow."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from hallsim.demand import expect
from hallsim.draw import Chance
from hallsim.records import ALL_ITEMS
from hallsim.rota import Rota
from hallsim.scenario import Clerks, Demand, Hours, Item, Scenario, VisitorClass, Windows
from hallsim.stations import (
    Station,
    Window,
    duties,
    head_count,
    home_by_group,
    home_of_stations,
    stations,
)
from small import CLERKS, lone, small

ITEMS = tuple(Item(item=i, minutes=10) for i in "abcde")


def hall(*rows: tuple[str, int], **fields: Any) -> Scenario:
    """A hall with groups of windows (items, count)."""
    windows = tuple(
        Windows(hall="D", kind="themed", items=tuple(items.split("|")), count=n, label=items)
        for items, n in rows
    )
    return lone(windows=windows, items=ITEMS, **{"demand": ()} | fields)


def numbers(station: Station) -> list[int]:
    return [w.number for w in station.windows]


def plain(n: int) -> Station:
    return Station(0, tuple(Window(k + 1, ALL_ITEMS, 100, "") for k in range(n)), ALL_ITEMS, ())


# Which windows belong together -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "together"),
    [
        ([("*", 3)], [{1, 2, 3}]),
        ([("a", 1), ("b", 2)], [{1}, {2, 3}]),
        ([("a|b", 1), ("b|c", 1), ("d", 1)], [{1, 2}, {3}]),
        ([("a", 1), ("c", 1), ("a|b|c", 1), ("e", 1)], [{1, 2, 3}, {4}]),
        ([("a", 1), ("b", 1), ("*", 1)], [{1, 2, 3}]),
        ([("a", 0)], []),
    ],
)
def test_windows_that_share_an_item_directly_or_by_others_are_one_station(
    rows: list[tuple[str, int]], together: list[set[int]]
) -> None:
    assert [set(numbers(s)) for s in stations(hall(*rows))] == together


def test_every_hall_of_comprehensive_windows_is_one_station_in_hall_order() -> None:
    parts = stations(small())
    assert [s.hall for s in parts] == list(range(6))
    assert [len(s.windows) for s in parts] == [5, 4, 3, 3, 4, 3]
    assert {s.items for s in parts} == {ALL_ITEMS}


def test_the_widest_window_is_staffed_first_and_kinds_come_in_proportion() -> None:
    (station,) = stations(hall(("a", 2), ("a|b", 2), ("*", 4)))
    kinds = [w.label for w in station.windows]
    assert kinds[0] == "*"
    share = {"*": 4 / 8, "a|b": 2 / 8, "a": 2 / 8}
    for n in range(1, 9):
        for kind, s in share.items():
            assert abs(kinds[:n].count(kind) - n * s) <= 1


# Duties of a day ---------------------------------------------------------------------------------


def spells(hours: Hours, windows: int, session: str = "weekdays") -> list[tuple[int, int, int]]:
    """(window, on, off) in hours of a day."""
    rows = duties(plain(max(windows, 8)), getattr(hours, session), hours, windows)
    return [(w, on / 3600, off / 3600) for w, _, on, off, _ in rows]


def hours_of(sessions: str, waves: int = 0, **fields: Any) -> Hours:
    lunch = {"first": "12:00", "last": "14:00", "waves": waves} if waves else None
    return Hours.model_validate({"weekdays": sessions, "lunch": lunch, **fields})


def test_a_day_with_lunch_closing_by_hand() -> None:
    assert spells(hours_of("09:00-12:00 14:00-18:00"), 2) == [
        (1, 9, 12), (1, 14, 18), (2, 9, 12), (2, 14, 18),
    ]  # fmt: skip


def test_a_day_with_lunch_in_two_waves_by_hand() -> None:
    assert spells(hours_of("09:00-17:00", waves=2), 3) == [
        (1, 9, 12), (1, 13, 17), (2, 9, 13), (2, 14, 17), (3, 9, 12), (3, 13, 17),
    ]  # fmt: skip


def test_a_session_that_does_not_run_over_lunch_has_none() -> None:
    assert spells(hours_of("09:00-13:00 13:30-18:00", waves=2), 1) == [(1, 9, 13), (1, 13.5, 18)]


def test_lunch_at_the_edge_of_a_session_leaves_no_empty_spell() -> None:
    assert spells(hours_of("12:00-18:00", waves=2), 2) == [(1, 13, 18), (2, 12, 13), (2, 14, 18)]


@pytest.mark.parametrize("waves", [2, 3, 4])
@pytest.mark.parametrize("windows", range(2, 9))
def test_two_windows_or_more_never_all_eat_at_once(waves: int, windows: int) -> None:
    rows = spells(hours_of("09:00-17:00", waves=waves), windows)
    for minute in range(9 * 60, 17 * 60):
        open_now = sum(on <= minute / 60 < off for _, on, off in rows)
        assert open_now >= windows - -(-windows // waves) >= 1
    for k in range(1, windows + 1):
        assert sum(off - on for w, on, off in rows if w == k) == pytest.approx(8 - 2 / waves)


@pytest.mark.parametrize(("clerks", "opened"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_a_saturday_at_half_strength_opens_half_of_the_windows_rounded_up(
    clerks: int, opened: int
) -> None:
    hours = hours_of("09:00-17:00", sat="09:00-12:00@50%")
    assert [w for w, _, _ in spells(hours, clerks, "sat")] == list(range(1, opened + 1))


def test_a_share_that_makes_whole_windows_opens_just_those() -> None:
    """28 % of 25 is 7, although 25 x 0.28 is a little more in floating point."""
    assert 25 * 0.28 > 7
    assert len(spells(hours_of("09:00-17:00@28%"), 25)) == 7
    assert len(spells(hours_of("09:00-17:00@10%"), 10)) == 1


@pytest.mark.parametrize("opened", range(8))
def test_spells_of_a_window_never_overlap(opened: int) -> None:
    for hours in (
        hours_of("08:30-12:00 12:00-17:00@50%", waves=3),
        hours_of("09:00-17:00", waves=3),
        hours_of("09:00-10:00 10:30-15:00@30% 15:00-16:00"),
    ):
        for w in range(1, 9):
            own = sorted((on, off) for k, on, off in spells(hours, opened) if k == w)
            assert all(on < off for on, off in own)
            assert all(a[1] <= b[0] for a, b in pairwise(own))


def test_a_rota_holds_the_duties_of_every_day_and_number_of_windows() -> None:
    scenario = small(hours={"office": hours_of("09:00-17:00", waves=2, sat="09:00-12:00@50%")})
    month, parts = expect(scenario, 2018, 9), stations(scenario)
    rota, hours = Rota(month, parts), scenario.hours["office"]
    for opened in (0, 1, 2, 3):
        n = np.full(30 * 6, opened)
        table = rota.duties(n)
        for unit in range(0, 180, 5):
            d, s = divmod(unit, 6)
            right = duties(parts[s], month.sessions[d][s], hours, opened)
            mine = table.rows(table.day == unit)
            columns = (mine.window, mine.items, mine.on, mine.off, mine.speed)
            assert list(zip(*(c.tolist() for c in columns), strict=True)) == right
            assert rota.staffed(n)[unit] == sum(off - on for _, _, on, off, _ in right)
            assert rota.closing(n)[unit] == max((off for _, _, _, off, _ in right), default=0)


# Visitors and clerks of stations -----------------------------------------------------------------


def test_each_visitor_queues_at_the_one_station_that_serves_them() -> None:
    demand = tuple(Demand(halls=("D",), item=i, volume=6000) for i in "abcde")
    scenario = hall(("a|b", 2), ("c", 1), ("d", 1), demand=demand)  # nobody serves e
    parts = stations(scenario)
    crowd = Chance(expect(scenario, 2018, 9), parts, 1, "plan").crowd(0)
    seen: dict[int, set[str]] = {}
    for unit in range(90):
        items = crowd.item[crowd.first[unit] : crowd.last[unit]]
        seen.setdefault(unit % 3, set()).update("abcde"[i] for i in items)
    assert seen == {0: {"a", "b", "e"}, 1: {"c"}, 2: {"d"}}  # e waits in the hall's first queue


def test_clerks_at_home_are_all_at_some_station() -> None:
    parts = stations(small())
    np.testing.assert_array_equal(home_of_stations(small(), parts), list(CLERKS.values()))
    themed = hall(("a|b", 5), ("c", 1), ("d", 1), clerks=(Clerks(hall="D", count=9),))
    home = home_of_stations(themed, stations(themed))
    assert home.sum() == 9
    assert (abs(home - 9 * np.array([5, 1, 1]) / 7) < 1).all()  # in proportion to windows


def test_no_queue_of_a_hall_is_without_a_clerk_while_another_has_two() -> None:
    def home(*clerks: Clerks) -> list[int]:
        scenario = hall(("a|b", 8), ("c", 1), ("d", 1), clerks=clerks)
        return home_of_stations(scenario, stations(scenario)).tolist()

    assert home(Clerks(hall="D", count=4)) == [2, 1, 1]
    assert home(Clerks(hall="D", count=2)) == [1, 1, 0]
    assert home(Clerks(hall="D", count=3, skills=("a", "b", "c"))) == [2, 1, 0]  # none can do d
    cover = Clerks(hall="D", group="c", count=1, skills=("c",))
    assert home(Clerks(hall="D", count=3), cover) == [2, 1, 1]


def test_skill_groups_work_where_they_can_serve_everything() -> None:
    staff = (
        Clerks(hall="D", group="all", count=4),
        Clerks(hall="D", group="c-only", count=3, skills=("c",)),
        Clerks(hall="D", group="a-and-c", count=2, skills=("a", "c")),
    )
    scenario = hall(("a|b", 2), ("c", 2), clerks=staff)
    parts = stations(scenario)
    assert [s.groups for s in parts] == [("all",), ("all", "c-only", "a-and-c")]
    assert home_by_group(scenario, parts).tolist() == [[2, 0, 0], [2, 3, 2]]
    assert head_count(scenario, "count").tolist() == [[4, 3, 2]]


def test_a_group_can_do_what_all_its_rows_share() -> None:
    staff = (
        Clerks(hall="D", count=4, skills=("a", "b", "c")),
        Clerks(hall="D", count=4, skills=("c", "a")),
    )
    scenario = hall(("a", 1), ("b", 1), ("c", 1), clerks=staff)
    assert [s.groups for s in stations(scenario)] == [("general",), (), ("general",)]


def test_who_can_do_every_item_can_work_at_a_comprehensive_window() -> None:
    staff = (
        Clerks(hall="D", group="listed", count=1, skills=tuple(i.item for i in ITEMS)),
        Clerks(hall="D", group="some", count=1, skills=("a", "b")),
    )
    (part,) = stations(hall(("*", 3), clerks=staff))
    assert part.groups == ("listed",)


def test_a_row_without_clerks_has_no_minimum() -> None:
    staff = (Clerks(hall="D", count=2, minimum=2), Clerks(hall="D", group="none", count=0))
    assert head_count(hall(("*", 3), clerks=staff), "minimum").tolist() == [[2, 0]]


@pytest.mark.parametrize(
    ("chain", "together"),
    [
        ({}, [{1}, {2}, {3}, {4}]),
        ({"a": "b"}, [{1, 2}, {3}, {4}]),
        ({"a": "d", "d": "c"}, [{1, 3, 4}, {2}]),
        ({"a": "e", "e": "c"}, [{1, 3}, {2}, {4}]),  # nobody serves e here
    ],
)
def test_counters_of_a_visit_join_their_windows(
    chain: dict[str, str], together: list[set[int]]
) -> None:
    items = tuple(i.model_copy(update={"next": chain.get(i.item, "")}) for i in ITEMS)
    scenario = hall(("a", 1), ("b", 1), ("c", 1), ("d", 1)).model_copy(update={"items": items})
    assert [set(numbers(s)) for s in stations(scenario)] == together


def machines(items: str, n: int, **fields: Any) -> Windows:
    return Windows(
        hall="D", kind="machine", items=tuple(items.split("|")), count=n, **fields
    )  # fmt: skip


def test_machines_are_stations_of_their_own_and_need_no_clerk() -> None:
    """`*` at the windows leaves to the machines what is theirs; nothing joins the two."""
    staff = (
        Clerks(hall="D", count=7),
        Clerks(hall="D", group="abc", count=2, skills=("a", "b", "c")),
    )
    windows = (machines("d", 2), Windows(hall="D", count=3), machines("e", 1))
    turning = {"all": VisitorClass(share=1, balk_at=9)}
    plain_hall = lone(windows=windows, items=ITEMS, demand=(), clerks=staff)
    hall_of_few = lone(windows=windows, items=ITEMS, demand=(), clerks=staff, classes=turning)
    bits = {name: 1 << k for k, name in enumerate("abcde")}
    for scenario, together in (
        (plain_hall, [({1, 2}, "d"), ({3, 4, 5}, "abc"), ({6}, "e")]),
        (hall_of_few, [({1, 2, 6}, "de"), ({3, 4, 5}, "abc")]),
    ):
        parts = stations(scenario)
        assert [set(numbers(s)) for s in parts] == [n for n, _ in together]
        assert [s.items for s in parts] == [sum(bits[i] for i in items) for _, items in together]
        assert [s.machine for s in parts] == ["a" not in items for _, items in together]
        assert [s.groups for s in parts] == [
            ("general", "abc") if "a" in items else () for _, items in together
        ]
        home = home_of_stations(scenario, parts)
        assert home.tolist() == [9 if "a" in items else 0 for _, items in together]


def test_machines_work_all_sessions_without_lunch_and_whatever_the_share() -> None:
    """Clerks' windows: half of 4 in the afternoon, lunch in two waves of the first session."""
    hours = Hours(
        weekdays="09:00-15:00 16:00-18:00@50%",  # type: ignore[arg-type]
        lunch={"first": "12:00", "last": "14:00"},  # type: ignore[arg-type]
    )
    windows = (Windows(hall="D", items=("a",), count=4), machines("b", 3, speed=80))
    by_clerk, machine = stations(lone(windows=windows, items=ITEMS[:2], demand=(), hours=hours))
    sessions = hours.weekdays
    assert len(duties(by_clerk, sessions, hours, 4)) == 4 * 2 + 2
    day = [(9 * 3600, 15 * 3600), (16 * 3600, 18 * 3600)]
    assert duties(machine, sessions, hours, 3) == [
        (w, 2, on, off, 80) for w in (5, 6, 7) for on, off in day
    ]


@pytest.mark.parametrize(
    ("window", "clerks", "speed"),
    [
        (100, [(5, 100)], 100),
        (120, [(3, 100), (1, 60)], 108),  # the mean clerk works at 90 %
        (50, [(4, 85)], 43),  # 42.5, halves up
        (100, [(1, 100), (2, 101)], 101),  # 100.67
        (1, [(2, 1)], 1),  # 0.01, at least 1
        (1000, [(1, 1000)], 10000),
        (110, [(2, 120), (0, 10)], 132),  # nobody of that group is there
        (100, [(0, 80), (0, 90)], 85),  # none at all: should somebody be lent
        (90, [], 90),
    ],
)
def test_the_speed_of_a_window_under_the_clerks_of_its_hall_by_hand(
    window: int, clerks: list[tuple[int, int]], speed: int
) -> None:
    staff = tuple(
        Clerks(hall="D", group=f"g{k}", count=n, speed=s) for k, (n, s) in enumerate(clerks)
    )
    windows = (
        Windows(hall="D", items=("a",), count=2, speed=window), machines("b", 1, speed=window),
    )  # fmt: skip
    scenario = lone(windows=windows, items=ITEMS[:2], demand=(), clerks=staff)
    by_clerk, machine = stations(scenario)
    assert {w.speed for w in by_clerk.windows} == {speed}
    assert {w.speed for w in machine.windows} == {window}


def test_a_group_that_is_nowhere_yet_and_windows_that_are_not_there_change_nothing() -> None:
    """Rows with 0 stand for what another scenario of the folder will have."""
    few = (Clerks(hall="D", count=4), Clerks(hall="D", group="new", count=0, skills=("a",)))
    narrow = Clerks(hall="A", count=0, skills=("a",))  # of the group that is everywhere
    scenario = hall(("a|b", 2), ("b|c", 0), ("c", 1), clerks=(*few, narrow), halls=small().halls)
    parts = stations(scenario)
    assert [set(numbers(s)) for s in parts] == [{1, 2}, {3}]
    assert [s.groups for s in parts] == [("general",), ("general",)]
    assert home_of_stations(scenario, parts).tolist() == [3, 1]


def test_where_people_turn_round_the_hall_is_one_station() -> None:
    classes = {"a": VisitorClass(share=0.5), "b": VisitorClass(share=0.5, balk_at=9)}
    scenario = hall(("a", 1), ("b", 2), classes=classes)
    assert [set(numbers(s)) for s in stations(scenario)] == [{1, 2, 3}]
