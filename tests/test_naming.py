"""Who is lent by name: against every possible naming of small pools, and on a whole district.

Whatever has the least sum of squares among the namings looked at is also no more unequal than any of
them in the sense of majorization: a more equal vector of the same sum has a smaller sum of squares.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hallsim.demand import expect
from hallsim.naming import (
    NamedMoves,
    Naming,
    assign,
    days_of,
    name_moves,
    new_loans,
    working_day,
)
from hallsim.planning import plan_month
from hallsim.reading import read
from hallsim.scenario import RosterClerk, Scenario, Transfers, parse_leave
from hallsim.stations import stations
from small import small

LONGHUA = Path(__file__).parent.parent / "scenarios" / "longhua-shenzhen"


# every naming of a small pool --------------------------------------------------------------------


def random_pool(seed: int) -> Naming:
    rng = np.random.default_rng(seed)
    clerks, loans = int(rng.integers(1, 5)), int(rng.integers(1, 6))
    first = np.sort(rng.integers(0, 12, loans))
    last = first + rng.integers(0, 6, loans)
    to = rng.integers(0, 2, loans)
    return Naming(
        able=rng.random((clerks, loans)) < 0.75,
        first=first,
        last=last,
        days=last - first + 1,
        far=(last - first + 1) * rng.choice([15, 40], loans),
        moved=rng.integers(0, 5, clerks),
        room=rng.choice([0, 1, 2, loans], clerks),
        stays=(rng.random((clerks, loans)) < 0.3) & (first == first[0]),
        follows=[
            [k for k in range(loans) if last[k] + 1 == first[j] and to[k] == to[j]]
            for j in range(loans)
        ],
    )


def possible(p: Naming, clerk_of: tuple[int, ...]) -> bool:
    """Stated again from the rules: able, in one place at a time, no more new loans than there is room."""
    taken = [(j, i) for j, i in enumerate(clerk_of) if i >= 0]
    if not all(p.able[i, j] for j, i in taken):
        return False
    for (j, i), (k, other) in itertools.combinations(taken, 2):
        if i == other and p.first[j] <= p.last[k] and p.first[k] <= p.last[j]:
            return False
    return all(n <= room for n, room in zip(news(p, clerk_of), p.room, strict=True))


def news(p: Naming, clerk_of: tuple[int, ...]) -> list[int]:
    new = [0] * len(p.moved)
    for j, i in enumerate(clerk_of):
        if i >= 0 and not p.stays[i, j] and not any(clerk_of[k] == i for k in p.follows[j]):
            new[i] += 1
    return new


def worth(p: Naming, clerk_of: tuple[int, ...]) -> tuple[int, ...]:
    taken = [j for j, i in enumerate(clerk_of) if i >= 0]
    new = news(p, clerk_of)
    return (
        -sum(int(p.days[j]) for j in taken),
        sum(new),
        sum((int(m) + n) ** 2 for m, n in zip(p.moved, new, strict=True)),
        sum(int(p.far[j]) for j in taken),
    )


@pytest.mark.parametrize("block", range(8))
def test_naming_is_the_best_of_all(block: int) -> None:
    for seed in range(block * 40, block * 40 + 40):
        p = random_pool(seed)
        clerks = range(-1, len(p.moved))
        every = itertools.product(clerks, repeat=len(p.first))
        best = min(worth(p, one) for one in every if possible(p, one))
        found = tuple(int(i) for i in assign(p))
        assert possible(p, found), seed
        assert worth(p, found) == best, seed
        assert new_loans(p, np.array(found)).tolist() == news(p, found)


def water_filled(moved: list[int], loans: int, room: int) -> list[int]:
    """The most equal burden if every clerk could take any loan: always the one with the least."""
    burden, left = list(moved), [room] * len(moved)
    for _ in range(loans):
        i = min((i for i in range(len(moved)) if left[i]), key=lambda i: burden[i])
        burden[i] += 1
        left[i] -= 1
    return sorted(burden)


@pytest.mark.parametrize(("together", "seed"), [*itertools.product([True, False], range(12))])
def test_without_leave_the_burden_is_filled_from_below(together: bool, seed: int) -> None:
    """Larger pools: loans all at the same time (one for each clerk), or all one after another."""
    rng = np.random.default_rng(seed)
    clerks, loans = int(rng.integers(8, 20)), int(rng.integers(3, 8))
    first = np.zeros(loans, np.int64) if together else 2 * np.arange(loans)
    p = Naming(
        able=np.ones((clerks, loans), bool),
        first=first,
        last=first + together * rng.integers(0, 9, loans),
        days=np.ones(loans, np.int64),
        far=rng.integers(15, 40, loans),
        moved=rng.integers(0, 4, clerks),
        room=np.full(clerks, loans),
        stays=np.zeros((clerks, loans), bool),
        follows=[[] for _ in range(loans)],
    )
    burden = sorted(p.moved + new_loans(p, assign(p)))
    assert burden == water_filled(p.moved.tolist(), loans, 1 if together else loans)


# worked by hand on the small district ------------------------------------------------------------


COLUMNS = [
    "from", "to", "group", "clerks", "first", "last", "working_days", "tier", "travel_min", "notice_by",
]  # fmt: skip


def moves(*rows: tuple[str, str, int, str, str]) -> pd.DataFrame:
    """from, to, clerks, first and last day of September 2018."""
    table = []
    works = working_day(small())
    for origin, to, clerks, first, last in rows:
        a, b = (dt.date.fromisoformat(f"2018-09-{day}") for day in (first, last))
        days = sum(works(day) for day in days_of(a, b))
        table.append(
            (origin, to, "general", clerks, a, b, days, "within_street", 15.0, a - dt.timedelta(7))
        )
    return pd.DataFrame(table, columns=COLUMNS)


def clerk(number: int, hall: str = "A", leave: str = "", moved: int = 0) -> RosterClerk:
    return RosterClerk(clerk=f"S-{number}", hall=hall, leave=leave, moved=moved)


def names(found: NamedMoves) -> dict[str, list[str]]:
    return {str(to): list(rows["clerk"]) for to, rows in found.people.groupby("to")}


def counted(found: NamedMoves) -> list[object]:
    return found.people.iloc[0][["moved_before", "moved_after", "continued"]].tolist()


def test_whoever_is_there_stays_and_it_is_no_new_loan() -> None:
    """3 September 2018 is a Monday, 31 August the Friday before: no working day lies between."""
    plan = moves(("A", "A1", 1, "03", "07"))
    roster = [clerk(1), clerk(2, moved=4)]
    before = pd.DataFrame(
        [("S-2", "A", "A1", "2018-08-31")], columns=["clerk", "from", "to", "last"]
    )
    found = name_moves(small(), plan, roster, previous=before)
    assert names(found) == {"A1": ["S-2"]}
    assert counted(found) == [4, 4, True]
    for other in (before.assign(last="2018-08-30"), before.assign(to="A2"), None):
        found = name_moves(small(), plan, roster, previous=other)
        assert names(found) == {"A1": ["S-1"]}
        assert counted(found) == [0, 1, False]


def test_the_next_week_at_the_same_hall_goes_to_the_same_clerk_and_counts_once() -> None:
    plan = moves(("A", "A1", 1, "03", "07"), ("A", "A1", 1, "10", "14"), ("A", "A2", 1, "17", "18"))
    found = name_moves(small(), plan, [clerk(1), clerk(2, moved=2)])
    assert names(found) == {"A1": ["S-1", "S-1"], "A2": ["S-1"]}
    assert found.people["continued"].tolist() == [False, True, False]
    assert found.burden["moved_after"].tolist() == [2, 2]


def test_leave_on_days_off_is_no_obstacle() -> None:
    plan = moves(("A", "A1", 1, "03", "14"))
    free = name_moves(small(), plan, [clerk(1, leave="2018-09-08~2018-09-09|2018-09-17")])
    assert len(free.people) == 1 and free.unfilled.empty


def test_what_nobody_can_fill_is_told_with_the_reason() -> None:
    plan = moves(("A", "A1", 2, "03", "14"), ("B", "A1", 1, "03", "04"), ("D", "A2", 2, "10", "11"))
    roster = [
        *(clerk(1, leave="2018-09-03~2018-09-05"), clerk(2, leave="2018-09-14"), clerk(3)),
        *(clerk(4, "D", moved=3), clerk(5, "D", moved=2)),
    ]
    scenario = small(roster=roster, transfers=Transfers(most_moves_per_clerk=3))
    found = name_moves(scenario, plan)
    assert names(found) == {"A1": ["S-3"], "A2": ["S-5"]}
    told = found.unfilled.set_index("from")[
        ["clerks", "reason", "staff", "on_leave", "lent", "at_limit", "nearest", "leave_days"]
    ]
    assert told.loc["A"].tolist() == [1, "leave", 3, 2, 1, 0, "S-2", 1]
    assert told.loc["B"].tolist() == [1, "nobody", 0, 0, 0, 0, "", 0]
    assert told.loc["D"].tolist() == [1, "limit", 2, 0, 1, 1, "", 0]


# a whole district ---------------------------------------------------------------------------------


@functools.cache
def longhua() -> Scenario:
    return read(LONGHUA).scenario


@functools.cache
def plan(period: str) -> pd.DataFrame:
    """The transfers of September by the staffing programme, as `recommend` tells them."""
    month, parts = expect(longhua(), 2018, 9), stations(longhua())
    found = plan_month(month, parts, seed=2018, table_replications=5, period=period)
    works = working_day(longhua())
    rows = []
    for m in found.moves:
        a, b = found.spans[m.first][0], found.spans[m.last][1]
        days = [day for day in month.dates[a : b + 1] if works(day)]
        halls = (found.tables.halls[h] for h in (m.origin, m.destination))
        group = found.tables.groups[m.group]
        rows.append((*halls, group, m.clerks, days[0], days[-1], len(days), m.tier, 40.0, days[0]))
    return pd.DataFrame(rows, columns=COLUMNS)


def roster_of_336(on_leave: float) -> list[RosterClerk]:
    """Every clerk of the head count, with leave and a history of moves by chance."""
    rng = np.random.default_rng(336)
    roster = []
    for row in longhua().clerks:
        for _ in range(row.count):
            first = dt.date(2018, 9, 1) + dt.timedelta(int(rng.integers(28)))
            spell = f"{first}~{first + dt.timedelta(int(rng.integers(5)))}"
            roster.append(
                RosterClerk(
                    clerk=f"LS-{len(roster) + 1:04d}", hall=row.hall, group=row.group,
                    leave=spell if rng.random() < on_leave else "", moved=int(rng.integers(5)),
                )
            )  # fmt: skip
    assert len(roster) == 336
    return roster


@pytest.mark.parametrize(
    ("period", "on_leave"), [*itertools.product(["week", "half_week"], [0, 0.3, 0.9])]
)
def test_a_district_of_336(period: str, on_leave: float) -> None:
    """One place a day, no leave broken, nothing dropped, and no clerk could relieve another."""
    moves, roster = plan(period), roster_of_336(on_leave)
    found = name_moves(longhua(), moves, roster)
    people, works = found.people, working_day(longhua())
    of = {p.clerk: p for p in roster}

    places: Counter[tuple[str, dt.date]] = Counter()
    busy: dict[str, set[dt.date]] = {p.clerk: set() for p in roster}
    leave = {
        p.clerk: {d for a, b in parse_leave(p.leave) for d in days_of(a, b) if works(d)}
        for p in roster
    }
    for row in people.to_dict("records"):
        days = days_of(row["first"], row["last"])
        places.update((row["clerk"], day) for day in days)
        busy[row["clerk"]] |= set(days)
        assert not leave[row["clerk"]] & set(days)
        assert (of[row["clerk"]].hall, of[row["clerk"]].group) == (row["from"], row["group"])
    assert max(places.values()) == 1

    named = people.groupby("move").size().reindex(range(len(moves)), fill_value=0)
    short = found.unfilled.set_index("move")["clerks"].reindex(range(len(moves)), fill_value=0)
    assert (named + short).tolist() == moves["clerks"].tolist()
    if not on_leave:
        assert found.unfilled.empty

    after = dict(zip(found.burden["clerk"], found.burden["moved_after"], strict=True))
    assert sum(after.values()) - sum(p.moved for p in roster) == (~people["continued"]).sum()
    single = people[~people["continued"]]
    for row in single.to_dict("records"):  # nobody could take over and both be nearer the middle
        for other in (p for p in roster if (p.hall, p.group) == (row["from"], row["group"])):
            days = set(days_of(row["first"], row["last"]))
            free = not (days & busy[other.clerk] or days & leave[other.clerk])
            goes_on = ((people["clerk"] == row["clerk"]) & people["continued"]).any()
            assert goes_on or not free or after[other.clerk] + 1 >= after[row["clerk"]]


def test_where_a_months_loans_all_overlap_the_burden_is_the_most_equal_there_is() -> None:
    """By weeks and without leave: pools whose loans share a day take one new loan a clerk at most."""
    moves, roster = plan("week"), roster_of_336(0)
    found = name_moves(longhua(), moves, roster)
    looked = 0
    for pool, rows in moves.groupby(["from", "group"]):
        if rows["first"].max() > rows["last"].min():
            continue
        looked += 1
        own = found.burden[(found.burden["hall"] == pool[0]) & (found.burden["group"] == pool[1])]
        wanted = water_filled(own["moved_before"].tolist(), int(rows["clerks"].sum()), 1)
        assert sorted(own["moved_after"]) == wanted
    assert looked >= 10
