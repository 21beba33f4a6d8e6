"""Any-hall service in months: who may go where, and visits counted once, where they took place."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import stats

from hallsim.choosing import Choosing, street_of, travel_minutes
from hallsim.counting import Told
from hallsim.demand import expect
from hallsim.draw import Chance, Crowd
from hallsim.measure import BY, Ledger, Measures
from hallsim.records import NEVER, SERVED, TURNED_AWAY, Ints
from hallsim.rota import Rota
from hallsim.scenario import Choice, Hours, Item, Scenario, VisitorClass, Windows
from hallsim.simulate import Engine, Keep, simulate, simulate_month
from hallsim.stations import stations
from small import HALLS, PERMIT, full, lone, small

ENGINES: tuple[Engine, ...] = ("compiled", "reference")
NOWHERE = Choice(
    within_street_minutes=10**5, between_streets_minutes=10**5, with_district_minutes=10**5
)


def for_any_hall(scenario: Scenario, scope: str, **choice: float) -> Scenario:
    """Everything of the scenario can be done in any hall of the street or district."""
    items = tuple(item.model_copy(update={"any_hall": scope}) for item in scenario.items)
    return scenario.model_copy(update={"items": items, "choice": Choice(**choice)})


def through(
    scenario: Scenario, crowd: Crowd, opened: Ints, engine: Engine
) -> tuple[Crowd, Told, Measures]:
    month, parts = expect(scenario, 2018, 9), stations(scenario)
    rota, ledger = Rota(month, parts), Ledger(month, parts)
    choosing = Choosing(month, parts, rota)
    visitors, duties, choices = choosing.tables(crowd, opened)
    visits = simulate(
        visitors, duties, engine, posted_service=choosing.posted_service, choices=choices
    )
    people, told = choosing.counted(crowd, visits)
    tally = ledger.count(people, told, rota.closing(opened), rota.staffed(opened))
    return people, told, Measures(ledger, (tally, tally))


def keeping(visits: list[tuple[Crowd, Told]]) -> Keep:
    return lambda _replication, _name, crowd, told: visits.append((crowd, told))


def drawn(scenario: Scenario) -> Crowd:
    return Chance(expect(scenario, 2018, 9), stations(scenario), scenario.run.seed, "verify").crowd(
        0
    )


# Worked by hand ----------------------------------------------------------------------------------

# Halls A and A1 of one street, a window each, open nine to twelve, last ticket 11:55; everybody
# belongs to A and needs half an hour.  A posts 10 minutes for each who waits; A1 is 15 minutes away.
#   arrival   waiting in A   hall   ticket  called
#   9:00      0              A      9:00    9:00
#   9:01      0              A      9:01    9:30
#   9:02      1: 10 < 15     A      9:02    10:00
#   9:03      2: 20 > 15     A1     9:18    9:18
#   11:30     0              A      11:30   11:30
#   11:30     0              A      11:30   12:00
#   11:35     1              A      11:35   12:30
#   11:41     2              A      11:41   13:00     in A1 at 11:56 it would be too late
#   11:57     after the last ticket: turned away
COMES = ("9:00", "9:01", "9:02", "9:03", "11:30", "11:30", "11:35", "11:41", "11:57")
CALLED = ("9:00", "9:30", "10:00", "9:18", "11:30", "12:00", "12:30", "13:00")


def clock(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 3600 + int(minute) * 60


@pytest.mark.parametrize("engine", ENGINES)
def test_a_day_of_two_halls_worked_by_hand(engine: Engine) -> None:
    scenario = for_any_hall(
        lone(
            hours=Hours(weekdays="09:00-12:00", last_ticket_minutes=5),
            halls=HALLS[1:3],
            windows=(Windows(hall="A", count=1), Windows(hall="A1", count=1)),
            clerks=(),
            demand=(),
        ),
        "street",
    )
    n, units = len(COMES), 60
    last = np.where(np.arange(units) < 4, 0, n)  # Monday 3 September is the third day
    monday = np.arange(units) == 4
    nought = np.zeros(n, np.int64)
    crowd = Crowd(
        last - n * monday, last - monday, last, np.array([clock(t) for t in COMES]), nought, nought,
        nought + 1800, nought + NEVER, nought,
    )  # fmt: skip
    people, told, measures = through(scenario, crowd, np.ones(units, np.int64), engine)
    assert (people.first[4], people.in_time[4], people.last[4]) == (0, 7, 8)
    assert (people.first[5], people.in_time[5], people.last[5]) == (8, 9, 9)
    at_a, at_a1 = [0, 1, 2, 4, 5, 6, 7], [3]
    assert told.called[[0, 1, 2, 3, 4, 5, 6, 8]].tolist() == [
        clock(CALLED[k]) for k in at_a + at_a1
    ]
    assert told.ticket[8] == clock("9:18")
    assert told.outcome[7] == TURNED_AWAY and told.ticket[7] == NEVER
    waits = [0, 29, 58, 0, 30, 55, 79, 0]  # in A, then in A1; travel is not waiting
    assert measures.samples("visitors", "hall")[0].tolist() == [8, 1]
    assert measures.samples("turned_away", "hall")[0].tolist() == [1, 0]
    assert measures.samples("total_wait_min", "hall")[0].tolist() == [sum(waits[:7]), 0]
    assert measures.samples("mean_wait_min")[0, 0] == pytest.approx(sum(waits) / 8)


def test_a_hall_without_an_open_window_for_the_visit_is_not_chosen() -> None:
    """The last counter of a visit is in the hall too."""
    first, second = Item(item="a", minutes=5, next="b"), Item(item="b", minutes=5)
    scenario = for_any_hall(
        small(
            items=(first, second), demand=small(items=(first,), demand=()).demand,
            windows=(
                *(Windows(hall=h, count=1) for h in ("D", "A", "A1")),
                Windows(hall="A2", count=1, items=("a",)), Windows(hall="B", count=1),
            ),
        ),
        "district",
    )  # fmt: skip
    month, parts = expect(scenario, 2018, 9), stations(scenario)
    choosing = Choosing(month, parts, Rota(month, parts))
    one, units = np.ones(1, np.int64), len(month.dates) * len(parts)
    last = (np.arange(units) >= 10).astype(np.int64)  # at D on the third day
    crowd = Crowd(
        np.append(0, last[:-1]),
        last,
        last,
        one * clock("9:30"),
        one * 0,
        one * 0,
        one,
        -one,
        one * 0,
    )
    opened = np.ones(units, np.int64)
    opened[14] = 0  # B
    names = [scenario.halls[part.hall].hall for part in parts]
    assert [names[h] for h in choosing.tables(crowd, opened)[2].hall] == ["D", "A", "A1"]
    opened[10] = 0  # their own
    assert [names[h] for h in choosing.tables(crowd, opened)[2].hall] == ["A", "A1"]
    opened[:] = 0
    visitors, _, choices = choosing.tables(crowd, opened)
    assert len(choices) == 0 and visitors.hall.tolist() == [0]


def test_travel_follows_the_streets() -> None:
    scenario = small(
        choice=Choice(within_street_minutes=1, between_streets_minutes=2, with_district_minutes=3)
    )
    halls = {h.hall: h for h in scenario.halls}
    cases = {("A", "A"): 0, ("A", "A1"): 1, ("A1", "A2"): 1, ("A1", "B"): 2, ("B1", "A1"): 2,
             ("D", "A"): 3, ("B1", "D"): 3}  # fmt: skip
    for (a, b), minutes in cases.items():
        assert travel_minutes(scenario, halls[a], halls[b]) == minutes


def test_scopes_are_read_in_chinese() -> None:
    words = {"全区": "district", "本街道": "street", "否": "", "": ""}
    for word, value in words.items():
        assert Item(item="x", minutes=1, any_hall=word).any_hall == value


# Invariants --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["street", "district"])
@pytest.mark.parametrize("build", [small, full])
def test_every_visitor_is_counted_once_in_one_hall(build: Any, scope: str) -> None:
    scenario = for_any_hall(build(), scope, within_street_minutes=2, between_streets_minutes=4)
    parts = stations(scenario)
    crowd = drawn(scenario)
    opened = np.ones(len(crowd.first), np.int64)  # few windows, so that many go elsewhere
    people, told, measures = through(scenario, crowd, opened, "compiled")
    streets = [street_of(scenario.halls[part.hall]) for part in parts]

    def visits(c: Crowd, outcome: Ints | None) -> list[tuple[Any, ...]]:
        """Day, street and all that is known of the rows of each visit, in any order."""
        unit = np.repeat(np.arange(len(c.first)), c.last - c.first)
        late = np.arange(len(unit)) >= c.in_time[unit]
        stage = c.stage if len(c.stage) else np.ones(len(unit), np.int64)
        names = [f.name for f in dataclasses.fields(c)][3:]
        rows = np.column_stack([late, *(getattr(c, n) for n in names if len(getattr(c, n)))])
        found = []
        for part in np.split(np.arange(len(unit)), np.flatnonzero(stage == 1)[1:]):
            assert len({*unit[part].tolist()}) == 1
            day, s = divmod(int(unit[part[0]]), len(parts))
            assert parts[s].items >> int(c.item[part[0]]) & 1
            where = streets[s] if scope == "street" else ""
            found.append((day, where, rows[part].tolist()))
            if outcome is not None and len(part) > 1:
                assert stage[part].tolist() == list(range(1, len(part) + 1))
        return sorted(found)

    assert visits(crowd, None) == visits(people, told.outcome)
    assert not np.array_equal(crowd.last, people.last)  # somebody did go elsewhere
    in_hall = told.ticket != NEVER
    assert (told.ticket[in_hall] >= people.arrival[in_hall]).all()
    assert (told.outcome != NEVER).all() and (told.called[told.outcome == SERVED] >= 0).all()
    outcomes = ("served", "abandoned", "turned_away", "balked")
    total = sum(measures.samples(name)[0, 0] for name in outcomes)
    first = len(crowd.arrival) if not len(crowd.stage) else int((crowd.stage == 1).sum())
    assert total == measures.samples("visitors")[0, 0] == first


@pytest.mark.parametrize("build", [small, full])
def test_where_every_way_is_too_far_all_is_as_without_choice(build: Any) -> None:
    alone = simulate_month(build(), "2018-09", replications=2)
    scenario = for_any_hall(build(), "district").model_copy(update={"choice": NOWHERE})
    free = simulate_month(scenario, "2018-09", replications=2)
    for by in BY:
        assert free.table(by).equals(alone.table(by))


def test_engines_agree_on_a_month_with_everything() -> None:
    machines = (*full().windows, Windows(hall="A", kind="machine", items=("copy",), count=2))
    copy = Item(item="copy", minutes=4)
    permit, card = full().items
    permit = permit.model_copy(update={"any_hall": "district"})
    card = card.model_copy(
        update={"any_hall": "street", "self_service": "copy", "self_service_share": 0.4}
    )
    scenario = full(
        windows=machines, items=(permit, card, copy), choice=Choice(posted_service_minutes=7)
    )
    kept: dict[Engine, list[tuple[Crowd, Told]]] = {engine: [] for engine in ENGINES}
    found = {
        engine: simulate_month(
            scenario, "2018-09", replications=2, engine=engine,
            keep=keeping(kept[engine]),
        )
        for engine in ENGINES
    }  # fmt: skip
    for by in BY:
        assert found["compiled"].table(by).equals(found["reference"].table(by))
    for (crowd, told), (other, again) in zip(kept["compiled"], kept["reference"], strict=True):
        for a, b in zip(told, again, strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(crowd.last, other.last)


def test_without_travel_choice_does_not_lengthen_the_district_wait() -> None:
    """Same windows, one handling time, nobody impatient.

    If the two means were equal, the comparison would fail in one of 10,000 runs (Student's t on 10
    paired months; the seed is fixed).
    """
    alone = small(
        items=(PERMIT,), demand=small().demand[::2], classes={"all": VisitorClass(share=1)}
    )
    free = for_any_hall(
        alone,
        "district",
        within_street_minutes=0,
        between_streets_minutes=0,
        with_district_minutes=0,
    )
    waits = [
        simulate_month(s, "2018-09", replications=10).samples("mean_wait_min")[:, 0]
        for s in (free, alone)
    ]
    difference = waits[0] - waits[1]
    longer = difference.mean() / (difference.std(ddof=1) / np.sqrt(len(difference)))
    assert longer < stats.t.ppf(1 - 1e-4, len(difference) - 1)
