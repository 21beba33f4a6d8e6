"""The choice of windows against a brute force that places every clerk by name, on random districts.

Streets with several halls, several district halls, several stations in a hall, halls and stations at which
nobody can work, skill groups apart, alike and overlapping, minimum staffing, windows that may all close, and
costs of any shape.
"""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from hallsim.closures import Closures, ClosureTables
from hallsim.demand import expect
from hallsim.scenario import Transfers, TransferTier
from hallsim.staff import DISTRICT, NoPlan, StaffingTables
from hallsim.stations import stations
from hallsim.waiting import waiting_tables
from small import small

SKILLS: dict[str, list[tuple[int, ...]]] = {
    "one group": [(0,)], "groups apart": [(0,), (1,)], "groups alike": [(0, 1)],
    "nobody can": [(0,), ()], "groups that overlap": [(0, 1), (1,), (0,)],
}  # fmt: skip


def drawn(rng: np.random.Generator, skills: str) -> tuple[ClosureTables, bool]:
    """A district of up to three halls and stations and four clerks; whether the choice is exact."""
    halls, stations = int(rng.integers(1, 4)), 3
    groups = 1 if skills == "one group" else 2
    hall = np.array([h % halls for h in range(stations)])
    if halls > 1 and rng.random() < 0.3:
        hall[0] = 1  # a hall without windows
    home = np.zeros((halls, groups), np.int64)
    for _ in range(int(rng.integers(1, 5))):
        home[rng.integers(halls), rng.integers(groups)] += 1
    total, most = int(home.sum()), rng.integers(1, 3, stations)
    within, more, other = rng.uniform(1, 40, 3)
    between = within + more * (rng.random() < 0.8)
    level = bool(rng.random() < 0.6)
    tiers = (within, between, between if level else between / 2 + other)
    near, far, district = (TransferTier(order_minutes=x, travel_minutes=0) for x in tiers)
    cost = [rng.uniform(0, 100, (total + 1, w + 1)) for w in most]
    d = StaffingTables(
        halls=tuple(f"h{h}" for h in range(halls)),
        street=rng.choice([DISTRICT, 0, 1], halls),
        groups=tuple(f"g{g}" for g in range(groups)),
        home=home,
        minimum=np.minimum(home, rng.integers(0, 2, home.shape)),
        station_hall=hall,
        station_groups=tuple(SKILLS[skills][k] for k in rng.integers(len(SKILLS[skills]), size=3)),
        lower=np.zeros(stations, np.int64),
        cost=(),
        days=np.array([20]),
        transfers=Transfers(within_street=near, between_streets=far, with_district=district),
    )
    fewest = np.minimum(most, rng.integers(0, 2, stations))
    exact = level and skills != "groups that overlap"
    return ClosureTables(d, tuple(cost), fewest, most), exact


def price(d: StaffingTables, a: int, b: int) -> float:
    """Of one clerk's transfer from hall a to hall b."""
    x = d.transfers
    away = sum(d.street[h] == DISTRICT for h in (a, b))
    if a == b:
        return 0.0
    if away:
        both = 2 * x.with_district.order_minutes - x.between_streets.order_minutes
        return both if away == 2 else x.with_district.order_minutes
    tier = x.within_street if d.street[a] == d.street[b] else x.between_streets
    return tier.order_minutes


def least_transfers(d: StaffingTables) -> dict[tuple[int, ...], float]:
    """Clerks by station, and how many stay in the district at all, to the cheapest way to that."""
    halls = d.station_hall.tolist()
    able = {(g, halls[s]) for s, groups in enumerate(d.station_groups) for g in groups}
    people = [(h, g) for (h, g), n in np.ndenumerate(d.home) for _ in range(n)]
    options: list[list[tuple[int, int, float]]] = []  # station, hall, price; -1: none
    for h, g in people:
        places = [(s, halls[s], price(d, h, halls[s]))
                  for s, groups in enumerate(d.station_groups) if g in groups]  # fmt: skip
        idle = [] if (g, h) in able else [(-1, h, 0.0)]
        options.append([*places, *idle, (-1, -1, 0.0)])
    found: dict[tuple[int, ...], float] = {}
    for chosen in itertools.product(*options):
        at = Counter((h, g) for (_, h, _), (_, g) in zip(chosen, people, strict=True))
        if any(at[h, g] < least for (h, g), least in np.ndenumerate(d.minimum)):
            continue
        seated = Counter(s for s, _, _ in chosen)
        staying = sum(h >= 0 for _, h, _ in chosen)
        key = (*(seated[s] for s in range(len(halls))), staying)
        found[key] = min(found.get(key, np.inf), sum(p for _, _, p in chosen))
    return found


def brute_force(t: ClosureTables) -> dict[tuple[int, int], float]:
    """Windows and clerks to the least cost; numbers that cannot be are left out."""
    ways = least_transfers(t.district)
    found: dict[tuple[int, int], float] = {}
    for left in itertools.product(
        *(range(f, m + 1) for f, m in zip(t.fewest, t.most, strict=True))
    ):
        for (*staff, staying), transfers in ways.items():
            cost = sum(float(c[n, w]) for c, n, w in zip(t.cost, staff, left, strict=True))
            key = sum(left), staying
            found[key] = min(found.get(key, np.inf), cost + transfers)
    return found


@pytest.mark.parametrize("skills", SKILLS)
def test_every_choice_is_the_best_one_there_is(skills: str) -> None:
    """Exact where it says so, else between its bound and its cost; infeasible where nothing is possible."""
    for seed in range(40):
        t, exact = drawn(np.random.default_rng([seed, len(skills)]), skills)
        true, closures = brute_force(t), Closures(t)
        numbers = range(int(t.fewest.sum()), int(t.most.sum()) + 1)
        for windows, clerks in itertools.product(numbers, range(int(t.district.home.sum()) + 1)):
            if (windows, clerks) not in true:
                with pytest.raises(NoPlan):
                    closures.best(windows, clerks)
                continue
            found, best = closures.best(windows, clerks), true[windows, clerks]
            assert found.windows.sum() == windows, (seed, windows, clerks)
            assert found.bound - 1e-6 <= best <= found.cost + 1e-6, (seed, windows, clerks)
            if exact:
                assert found.cost == pytest.approx(best), (seed, windows, clerks)
                assert found.gap < 1e-9


@pytest.mark.parametrize("cv", [0.0, 0.6, 2.0])
def test_one_window_more_never_costs_anything_on_any_day(cv: float) -> None:
    """One queue, equal windows, nobody gives up: nobody is called later (Kiefer and Wolfowitz 1955), so
    neither waiting nor overtime of any day rises, and with them the least cost of the district falls."""
    items = tuple(i.model_copy(update={"cv": cv}) for i in small().items)
    scenario = small(items=items)
    month, parts = expect(scenario, 2026, 3), stations(scenario)
    windows = np.array([len(p.windows) for p in parts])
    values = waiting_tables(
        month, parts, np.ones_like(windows), windows, seed=6, replications=4, by_windows=True
    ).values
    assert values[..., 0, 0].sum() > 10 * values[..., -1, 0].sum() > 0
    assert (np.diff(values[..., :3], axis=3) <= 1e-9).all()
