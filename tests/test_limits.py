"""The limits of the staffing programme against every way in which clerks could be sent about.

The other side knows people, not numbers: each clerk is somewhere in every period; an order is a
clerk who is sent to a hall that is not their own; a stay is a clerk's spell in one place.
"""

from __future__ import annotations

import dataclasses
from itertools import product
from pathlib import Path

import numpy as np
import pulp
import pytest

from hallsim.loans import moves
from hallsim.scenario import Transfers, TransferTier
from hallsim.staff import (
    DISTRICT,
    Future,
    Limit,
    Loan,
    StaffingTables,
    order_of,
    risk_of,
    travel_of,
)
from hallsim.staffing import lp_text, solve
from test_staffing import random_cost, random_tiers, transfers


def small(rng: np.random.Generator, periods: int, clerks: int, **rules: object) -> StaffingTables:
    """Three halls, one of them perhaps the district's, and convex costs."""
    street = np.array([0, int(rng.integers(0, 2)), int(rng.choice([0, 1, DISTRICT]))])
    home = np.zeros((3, 1), np.int64)
    np.add.at(home[:, 0], rng.integers(0, 3, clerks), 1)
    x = transfers(random_tiers(rng), random_tiers(rng))
    return StaffingTables(
        halls=("a", "b", "c"), street=street, groups=("g",), home=home,
        minimum=np.zeros((3, 1), np.int64), station_hall=np.arange(3),
        station_groups=((0,), (0,), (0,)), lower=np.zeros(3, np.int64),
        cost=tuple(random_cost(rng, periods, clerks) for _ in range(3)),
        days=rng.integers(1, 6, periods), transfers=x.model_copy(update=rules),
    )  # fmt: skip


@dataclasses.dataclass
class Lives:
    """Every way to send the clerks about: where[W, C, T], and what it costs."""

    t: StaffingTables
    where: np.ndarray
    home: np.ndarray

    @classmethod
    def of(cls, t: StaffingTables) -> Lives:
        home = np.repeat(np.arange(3), t.home[:, 0])
        one = np.array(list(product(range(3), repeat=len(t.days))))
        index = np.array(list(product(range(len(one)), repeat=len(home))))
        return cls(t, one[index], home)

    @property
    def before(self) -> np.ndarray:
        """[C] where the clerks were in the period before the first."""
        found = self.home.copy()
        for loan in self.t.running:
            own = np.flatnonzero((self.home == loan.origin) & (found == loan.origin))
            found[own[: loan.clerks]] = loan.destination
        return found

    def clerks(self) -> np.ndarray:
        """[W, T, H]"""
        return np.stack([(self.where == h).sum(axis=1) for h in range(3)], axis=2)

    def lent(self) -> np.ndarray:
        """[W, T, H]: clerks of the hall who are elsewhere."""
        return np.stack(
            [((self.where != h) & (self.home == h)[:, None]).sum(axis=1) for h in range(3)], axis=2
        )

    def ordered(self) -> np.ndarray:
        """[W, C, T]: sent to a hall that is not their own, and were not there before."""
        start = np.broadcast_to(self.before[:, None], (*self.where.shape[:2], 1))
        last = np.concatenate([start, self.where[:, :, :-1]], axis=2)
        return (self.where != last) & (self.where != self.home[:, None])

    def cost(self) -> np.ndarray:
        """[W]"""
        t, x = self.t, self.t.transfers
        here = self.clerks()
        total = self.waiting(t.cost)
        travel = np.array(
            [[travel_of(t, a, b) if a != b else 0 for b in range(3)] for a in range(3)]
        )
        order = np.array([[order_of(t, a, b) if a != b else 0 for b in range(3)] for a in range(3)])
        home = np.broadcast_to(self.home[:, None], self.where.shape)
        total = total + x.travel_weight * (travel[home, self.where] * t.days).sum(axis=(1, 2))
        total += (order[home, self.where] * self.ordered()).sum(axis=(1, 2))
        if t.near is not None:
            total += x.closeness_minutes * np.abs(here - t.near[:, 0]).sum(axis=(1, 2))
        if x.long_stay_minutes:
            total += x.long_stay_minutes * self.days_beyond(x.long_stay_days)
        return total

    def waiting(self, cost: tuple[np.ndarray, ...]) -> np.ndarray:
        here = self.clerks()
        return sum(cost[h][p, here[:, p, h]] for h in range(3) for p in range(len(self.t.days)))

    def days_beyond(self, days: int) -> np.ndarray:
        """[W]: working days of periods that end more than so many days after the order."""
        ordered, away = self.ordered(), self.where != self.home[:, None]
        total = np.zeros(len(self.where))
        so_far = np.full(self.where.shape[:2], 1e9)  # loans that run already have lasted for long
        for p, length in enumerate(self.t.days):
            so_far = np.where(ordered[:, :, p], 0, so_far) + length
            total += (away[:, :, p] & (so_far > days)).sum(axis=1) * length
        return total

    def stays(self, least: int) -> np.ndarray:
        """[W]: every spell away lasts so many working days, or to the end."""
        ordered = self.ordered()
        good = np.ones(len(self.where), bool)
        for p in range(len(self.t.days)):
            served = 0
            for q in range(p, len(self.t.days)):
                same = self.where[:, :, q] == self.where[:, :, p]
                good &= ~(ordered[:, :, p] & ~same & (served < least)).any(axis=1)
                served += self.t.days[q]
        return good


def best(t: StaffingTables, allowed: object = True) -> float:
    lives = Lives.of(t)
    return float(np.where(allowed, lives.cost(), np.inf).min())


def same(t: StaffingTables, allowed: np.ndarray | bool = True) -> None:
    """The programme finds the cost of the best allowed life, and its bound is below it.

    Between pairs of halls: the tree prices orders by net changes, so that it may be cheaper.
    """
    pairs = t if t.travel is not None else dataclasses.replace(t, travel=_by_tier(t))
    found, least = solve(pairs), best(pairs, allowed)
    assert solve(t).bound <= least + 1e-6 * max(1, abs(least))
    assert found.objective == pytest.approx(least, rel=3e-4, abs=1e-6)
    assert found.bound <= least + 1e-6 * max(1, abs(least))
    assert not found.relaxed and not found.conflict


def real_travel(rng: np.random.Generator) -> np.ndarray:
    away = rng.choice([0.0, 5, 20, 60, 120], (3, 3))
    np.fill_diagonal(away, 0)
    return away


@pytest.mark.parametrize("seed", range(40))
def test_travel_between_halls_as_it_really_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    t = small(rng, 2, 4)
    same(dataclasses.replace(t, travel=real_travel(rng)))


@pytest.mark.parametrize("seed", range(40))
def test_no_more_orders_in_a_period(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    t = small(rng, 2, 4)
    most = int(rng.integers(0, 3))
    limits = tuple(Limit("cap", "orders", (0, 1, 2), (0,), p, most=most) for p in range(2))
    ordered = Lives.of(t).ordered().sum(axis=1)
    same(dataclasses.replace(t, limits=limits), (ordered <= most).all(axis=1))


@pytest.mark.parametrize("seed", range(40))
def test_a_loan_lasts_as_long_as_is_asked(seed: int) -> None:
    rng = np.random.default_rng(200 + seed)
    least = int(rng.integers(1, 9))
    t = small(rng, 3, 3, least_stay_days=least)
    same(t, Lives.of(t).stays(least))
    found = solve(t)
    for move in moves(t, found.clerks, found.idle, found.loans):
        lasts = t.days[move.first : move.last + 1].sum()
        assert lasts >= least or move.last == 2


@pytest.mark.parametrize("seed", range(30))
def test_long_stays_cost_more(seed: int) -> None:
    rng = np.random.default_rng(300 + seed)
    days = int(rng.integers(1, 8))
    t = small(rng, 3, 3, long_stay_days=days, long_stay_minutes=float(rng.choice([5, 50])))
    same(dataclasses.replace(t, travel=real_travel(rng)))


@pytest.mark.parametrize("seed", range(60))
def test_the_loans_that_are_listed_are_the_cheapest_for_their_plan(seed: int) -> None:
    """On the tree: objective and `listed` together are what the best lives with these clerks cost."""
    rng = np.random.default_rng(2500 + seed)
    t = small(rng, 3, 3)
    found = solve(t)
    lives = Lives.of(t)
    same_clerks = (lives.clerks() == found.clerks[:, :, 0]).all(axis=(1, 2))
    assert found.loans is not None
    assert found.objective + found.listed == pytest.approx(
        lives.cost()[same_clerks].min(), rel=1e-9
    )
    least = lives.cost().min()
    assert (found.objective + found.listed) * (1 - found.gap) <= least + 1e-6


@pytest.mark.parametrize("seed", range(10))
def test_loans_that_cost_the_same_are_listed_alike_whatever_way_the_solver_takes(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six halls of a street lend to six others at one cost: 720 ways at least, told apart for good."""
    rng = np.random.default_rng(3200 + seed)
    want = np.repeat([0, 2], 6)
    rng.shuffle(want)
    cost = tuple(np.array([[500.0 * abs(n - w) for n in range(5)]] * 3) for w in want)
    t = StaffingTables(
        halls=tuple("abcdefghijkl"), street=np.zeros(12, np.int64), groups=("g",),
        home=np.ones((12, 1), np.int64), minimum=np.zeros((12, 1), np.int64),
        station_hall=np.arange(12), station_groups=((0,),) * 12, lower=np.zeros(12, np.int64),
        cost=cost, days=np.array([5, 4, 5]), transfers=transfers((20, 20, 20), (1, 1, 1)),
    )  # fmt: skip
    found = solve(t)
    real = pulp.HiGHS
    for options in (
        {"presolve": "off"},
        {"simplex_strategy": 4},
        {"presolve": "off", "solver": "ipm"},
    ):
        monkeypatch.setattr(pulp, "HiGHS", lambda *a, o=options, **k: real(*a, **k, **o))
        again = solve(t)
        assert again.loans == found.loans
        assert again.objective + again.listed == pytest.approx(6 * 20 + 6 * 14)


@pytest.mark.parametrize("what", ["lent", "borrowed"])
def test_loans_are_listed_within_what_halls_may_lend_and_borrow(what: str) -> None:
    """A clerk of a is at b, and c of the street of a has one too many.  It would be cheapest to leave
    the loan and send the clerk of c to a; where a may neither, a clerk of c goes to b."""
    cost = tuple(np.array([[100.0 * abs(n - want) for n in range(3)]]) for want in (1, 1, 0))
    t = StaffingTables(
        halls=("a", "b", "c"), street=np.array([0, 1, 0]), groups=("g",),
        home=np.array([[1], [0], [1]]), minimum=np.zeros((3, 1), np.int64),
        station_hall=np.arange(3), station_groups=((0,),) * 3, lower=np.zeros(3, np.int64),
        cost=cost, days=np.array([5]), transfers=transfers((0, 50, 50), (0, 0, 0)),
        running=(Loan(0, 1, 0, 1),),
    )  # fmt: skip
    free = solve(t)
    assert free.loans == ((Loan(0, 1, 0, 1), Loan(2, 0, 0, 1)),)
    limit = Limit("x", what, (0,), (0,), 0, most=0)  # type: ignore[arg-type]
    found = solve(dataclasses.replace(t, limits=(limit,)))
    assert found.clerks.tolist() == free.clerks.tolist()
    assert found.loans == ((Loan(2, 1, 0, 1),),)
    assert found.objective + found.listed == pytest.approx(50)


@pytest.mark.parametrize("seed", range(30))
def test_halls_lend_and_borrow_no_more_than_allowed(seed: int) -> None:
    rng = np.random.default_rng(400 + seed)
    t = small(rng, 2, 4)
    lives = Lives.of(t)
    h, p, most = int(rng.integers(3)), int(rng.integers(2)), int(rng.integers(0, 2))
    kept = lives.lent()[:, p, h] <= most
    same(dataclasses.replace(t, limits=(Limit("a", "lent", (h,), (0,), p, most=most),)), kept)
    borrowed = ((lives.where == h) & (lives.home != h)[:, None]).sum(axis=1)[:, p] <= most
    same(
        dataclasses.replace(t, limits=(Limit("b", "borrowed", (h,), (0,), p, most=most),)), borrowed
    )


@pytest.mark.parametrize("seed", range(30))
def test_halls_together_have_at_least_and_at_most_so_many(seed: int) -> None:
    rng = np.random.default_rng(500 + seed)
    t = small(rng, 2, 4)
    here = Lives.of(t).clerks()
    two, p = tuple(rng.choice(3, 2, replace=False).tolist()), int(rng.integers(2))
    least = int(rng.integers(0, 4))
    most = int(rng.integers(least, 5))
    limits = (Limit("x", "clerks", two, (0,), p, least=least, most=most),)
    together = here[:, p, list(two)].sum(axis=1)
    same(dataclasses.replace(t, limits=limits), (together >= least) & (together <= most))


@pytest.mark.parametrize("seed", range(30))
def test_what_runs_goes_on_without_an_order_and_near_dates_are_fixed(seed: int) -> None:
    rng = np.random.default_rng(600 + seed)
    t = small(rng, 2, 4)
    a = int(rng.choice(np.flatnonzero(t.home[:, 0])))
    b = int((a + 1 + rng.integers(2)) % 3)
    running = (Loan(a, b, 0, int(rng.integers(1, t.home[a, 0] + 1))),)
    t = dataclasses.replace(t, running=running, travel=real_travel(rng))
    same(t)
    at = t.home[:, 0].copy()
    at[a] -= running[0].clerks
    at[b] += running[0].clerks
    fixed = dataclasses.replace(t, fixed=at[None, :, None])
    lives = Lives.of(t)
    same(fixed, (lives.where[:, :, 0] == lives.before).all(axis=1))
    assert solve(fixed).clerks[0, :, 0].tolist() == at.tolist()


def test_a_running_loan_costs_its_tier_on_the_tree_too() -> None:
    """Two streets and a district hall; what ran goes on, priced by hand: only the waiting is left."""
    cost = tuple(np.array([[100.0 * (n != want) for n in range(4)]]) for want in (0, 2, 1))
    t = StaffingTables(
        halls=("a", "b", "c"), street=np.array([0, 1, DISTRICT]), groups=("g",),
        home=np.array([[1], [1], [1]]), minimum=np.zeros((3, 1), np.int64),
        station_hall=np.arange(3), station_groups=((0,),) * 3, lower=np.zeros(3, np.int64),
        cost=cost, days=np.array([5]), transfers=transfers((20, 50, 40), (0, 0, 0)),
        running=(Loan(0, 1, 0, 1),),
    )  # fmt: skip
    found = solve(t)
    assert found.clerks[0, :, 0].tolist() == [0, 2, 1] and found.objective == pytest.approx(0)
    (move,) = moves(t, found.clerks)
    assert move.running and (move.origin, move.destination) == (0, 1)
    anew = solve(dataclasses.replace(t, running=()))
    assert anew.objective == pytest.approx(50)


@pytest.mark.parametrize("seed", range(30))
def test_closeness_to_the_plan_before_has_its_price(seed: int) -> None:
    rng = np.random.default_rng(700 + seed)
    t = small(rng, 2, 4, closeness_minutes=float(rng.choice([1, 20, 1000])))
    near = np.bincount(rng.integers(0, 3, 4), minlength=3)[:, None]
    same(dataclasses.replace(t, near=near))


@pytest.mark.parametrize("seed", range(30))
def test_nobody_is_sent_more_often_than_is_left_to_them(seed: int) -> None:
    rng = np.random.default_rng(800 + seed)
    t = small(rng, 2, 4)
    left = rng.integers(0, 3, (3, 1))
    lives = Lives.of(t)
    ordered = lives.ordered().sum(axis=2)
    by_hall = np.stack([ordered[:, lives.home == h].sum(axis=1) for h in range(3)], axis=1)
    same(dataclasses.replace(t, orders_left=left), (by_hall <= left[:, 0]).all(axis=1))


@pytest.mark.parametrize("risk", ["expected", "worst", "cvar"])
@pytest.mark.parametrize("seed", range(30))
def test_against_several_futures(seed: int, risk: str) -> None:
    """The mean, the worst and the mean of the worst third over three futures of different weights."""
    rng = np.random.default_rng(900 + seed)
    t = small(rng, 2, 4)
    weights = rng.choice([1.0, 2.0, 3.0], 3)
    futures = tuple(
        Future(str(k), w, tuple(random_cost(rng, 2, 4) for _ in range(3)))
        for k, w in enumerate(weights)
    )
    t = dataclasses.replace(t, futures=futures, risk=risk, tail=1 / 3)
    lives = Lives.of(t)
    moved = lives.cost() - lives.waiting(t.cost)
    waiting = np.array([lives.waiting(f.cost) for f in futures])
    share = weights / weights.sum()
    if risk == "expected":
        risky = share @ waiting
    elif risk == "worst":
        risky = waiting.max(axis=0)
    else:  # from the definition: the least level plus what lies above it
        level = waiting[:, None]
        above = np.maximum(waiting[None] - level, 0)
        risky = (level[:, 0] + 3 * np.einsum("k,lkw->lw", share, above)).min(axis=0)
    # orders of both sides are priced by the pair or by the tree: compare where they agree
    least = (moved + risky).min()
    found = solve(dataclasses.replace(t, travel=_by_tier(t)))
    assert found.objective == pytest.approx(least, rel=3e-4, abs=1e-6)


def _by_tier(t: StaffingTables) -> np.ndarray:
    return np.array([[travel_of(t, a, b) if a != b else 0.0 for b in range(3)] for a in range(3)])


def test_the_worst_share_by_hand() -> None:
    """Costs 10, 20, 40 of weights 1/2, 1/4, 1/4: the worst half costs 30, the worst 3/8 costs 33.3."""
    totals, weight = np.array([10.0, 20, 40]), np.array([0.5, 0.25, 0.25])
    assert risk_of(totals, weight, "cvar", 0.5) == pytest.approx(30)
    assert risk_of(totals, weight, "cvar", 0.375) == pytest.approx((40 * 0.25 + 20 * 0.125) / 0.375)
    assert risk_of(totals, weight, "expected", 0.5) == pytest.approx(20)
    assert risk_of(totals, weight, "worst", 0.5) == 40


@pytest.mark.parametrize("risk", ["", "expected", "worst", "cvar"])
@pytest.mark.parametrize("seed", range(25))
def test_tables_that_are_not_convex_are_planned_by_exactly(seed: int, risk: str) -> None:
    """Any costs at all, one table or two futures: the best of all lives, and proven to be."""
    rng = np.random.default_rng(3000 + seed)
    t = small(rng, 2, 4)

    def anything() -> tuple[np.ndarray, ...]:
        return tuple(rng.gamma(0.5, 200, (2, 5)) for _ in range(3))

    t = dataclasses.replace(t, cost=anything(), travel=real_travel(rng))
    lives = Lives.of(t)
    cost = lives.cost()
    if risk:
        futures = tuple(Future(str(k), 1.0 + k, anything()) for k in range(2))
        t = dataclasses.replace(t, futures=futures, risk=risk, tail=0.4)
        share = np.array([1 / 3, 2 / 3])
        waiting = np.array([lives.waiting(f.cost) for f in futures])
        risky = [risk_of(w, share, t.risk, t.tail) for w in waiting.T]
        cost = cost - lives.waiting(t.cost) + risky
    found, least = solve(t), cost.min()
    assert found.objective == pytest.approx(least, rel=4e-4, abs=1e-6)
    assert found.bound <= least + 1e-6 * max(1, least)
    assert found.gap <= 4e-4


# limits that contradict each other ----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(60))
def test_the_least_relaxation_is_the_least_of_all(seed: int) -> None:
    """Up to six random limits that may not fit: as few clerks as any plan of whole clerks misses."""
    rng = np.random.default_rng(1000 + seed)
    t = small(rng, 1, 4)
    limits = []
    for k in range(int(rng.integers(3, 7))):
        halls = tuple(sorted(rng.choice(3, int(rng.integers(1, 3)), replace=False).tolist()))
        n = int(rng.integers(0, 5))
        least = rng.random() < 0.6
        limits.append(
            Limit(
                f"limits[{k}]", "clerks", halls, (0,), 0, n if least else None, None if least else n
            )
        )
    t = dataclasses.replace(t, limits=tuple(limits))
    here = Lives.of(t).clerks()[:, 0]

    def missed(which: list[Limit]) -> np.ndarray:
        total = np.zeros(len(here), np.int64)
        for limit in which:
            n = here[:, list(limit.halls)].sum(axis=1)
            total += np.maximum(0, (limit.least or 0) - n)
            total += np.maximum(0, n - (99 if limit.most is None else limit.most))
        return total

    found = solve(t)
    assert sum(r.by for r in found.relaxed) == missed(limits).min()
    plan = (here == found.clerks[0, :, 0]).all(axis=1)
    assert missed(limits)[plan].min() == missed(limits).min()
    if not found.relaxed:
        assert found.conflict == ()
        return
    guilty = [limit for limit in limits if limit.name in found.conflict]
    assert missed(guilty).min() > 0
    for one in guilty:  # none of it can be left out
        assert missed([limit for limit in guilty if limit is not one]).min() == 0


def test_minimum_staffing_above_the_clerks_there_are_is_told_by_hand() -> None:
    """Two halls with a clerk each; one asks for two, the other for one: one clerk is missing."""
    t = StaffingTables(
        halls=("a", "b"), street=np.array([0, 0]), groups=("g",), home=np.array([[1], [1]]),
        minimum=np.array([[2], [1]]), station_hall=np.arange(2), station_groups=((0,), (0,)),
        lower=np.zeros(2, np.int64), cost=(np.array([[9.0, 4, 0]]), np.array([[9.0, 4, 0]])),
        days=np.array([5]), transfers=transfers(),
        minimum_name={(0, 0): "clerks[0].minimum", (1, 0): "clerks[1].minimum"},
    )  # fmt: skip
    found = solve(t)
    assert set(found.conflict) == {"clerks[0].minimum", "clerks[1].minimum"}
    assert [r.by for r in found.relaxed] == [1]
    assert found.clerks.sum() == 2


def test_limits_that_contradict_each_other_in_whole_clerks_only() -> None:
    """Three halls of which any two have three clerks hold five whole ones, or 4.5: two such triples hold
    ten, or nine.  With ten clerks and one for a seventh hall every one of these limits is needed for
    the contradiction; a cap on all clerks together, reached to the last, is not."""
    halls = tuple("abcdefg")
    pairs = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (3, 5)]
    limits = tuple(
        Limit(f"limits[{k}]", "clerks", pair, (0,), 0, least=3) for k, pair in enumerate(pairs)
    )
    other = Limit("other", "clerks", (6,), (0,), 0, least=1)
    t = StaffingTables(
        halls=halls, street=np.zeros(7, np.int64), groups=("g",),
        home=np.array([[2], [2], [1], [2], [1], [1], [1]]), minimum=np.zeros((7, 1), np.int64),
        station_hall=np.arange(7), station_groups=((0,),) * 7, lower=np.zeros(7, np.int64),
        cost=tuple(np.array([[30.0, 20, 10, 5, 1]]) for _ in halls), days=np.array([5]),
        transfers=transfers(), limits=(other, *limits),
    )  # fmt: skip
    found = solve(t)
    assert sum(r.by for r in found.relaxed) == 1
    assert set(found.conflict) == {"other", *(limit.name for limit in limits)}
    less = solve(dataclasses.replace(t, limits=(dataclasses.replace(other, least=0), *limits)))
    assert less.relaxed == ()
    loose = Limit("loose", "clerks", tuple(range(7)), (0,), 0, most=10)
    more = solve(dataclasses.replace(t, limits=(loose, other, *limits)))
    assert set(more.conflict) == set(found.conflict)


# duals ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_the_marginal_value_of_a_clerk_lies_between_the_steps_up_and_down(seed: int) -> None:
    """A dual is a slope of the (convex) value of the linear programme: one clerk more saves at most
    so much, one fewer costs at least so much."""
    rng = np.random.default_rng(2000 + seed)
    t = small(rng, 1, 4)
    wide = tuple(np.concatenate([c, c[:, -1:]], axis=1) for c in t.cost)
    t = dataclasses.replace(t, cost=wide)
    now = solve(t)
    for h in range(3):
        more, fewer = t.home.copy(), t.home.copy()
        more[h] += 1
        gain = now.objective - solve(dataclasses.replace(t, home=more)).objective
        assert gain <= now.marginal[0, h, 0] + 1e-6
        if t.home[h, 0]:
            fewer[h] -= 1
            loss = solve(dataclasses.replace(t, home=fewer)).objective - now.objective
            assert loss >= now.marginal[0, h, 0] - 1e-6


def test_a_cap_on_orders_has_its_price_by_hand() -> None:
    """Hall b would save 90, then 30 with clerks of hall a, each ordered for 10; one order is
    allowed: another one would save 20, none would cost 80, and the dual is one of the slopes."""
    cost = (np.array([[0.0, 0, 0]]), np.array([[120.0, 30, 0]]))
    t = StaffingTables(
        halls=("a", "b"), street=np.array([0, 0]), groups=("g",), home=np.array([[2], [0]]),
        minimum=np.zeros((2, 1), np.int64), station_hall=np.arange(2),
        station_groups=((0,), (0,)), lower=np.zeros(2, np.int64), cost=cost, days=np.array([1]),
        transfers=Transfers(within_street=TransferTier(order_minutes=10, travel_minutes=0)),
        limits=(Limit("transfers.most_orders", "orders", (0, 1), (0,), 0, most=1),),
    )  # fmt: skip
    found = solve(t)
    assert found.clerks[0, :, 0].tolist() == [1, 1]
    assert 20 - 1e-9 <= found.prices["transfers.most_orders"] <= 80 + 1e-9
    looser = dataclasses.replace(t, limits=(dataclasses.replace(t.limits[0], most=2),))
    assert found.objective - solve(looser).objective == pytest.approx(20)


# the programme, word for word -----------------------------------------------------------------------


def everything() -> StaffingTables:
    """Two halls of one street, two periods, and every rule at once."""
    cost = np.array([[60.0, 20, 0], [90, 30, 0]])
    x = Transfers(
        within_street=TransferTier(order_minutes=10, travel_minutes=2),
        least_stay_days=7, long_stay_days=5, long_stay_minutes=3, closeness_minutes=4,
    )  # fmt: skip
    return StaffingTables(
        halls=("a", "b"), street=np.array([0, 0]), groups=("g",), home=np.array([[2], [1]]),
        minimum=np.array([[1], [0]]), station_hall=np.arange(2), station_groups=((0,), (0,)),
        lower=np.zeros(2, np.int64), cost=(cost, cost), days=np.array([5, 4]), transfers=x,
        limits=(
            Limit("transfers.most_orders", "orders", (0, 1), (0,), 1, most=1),
            Limit("limits[0]", "lent", (0,), (0,), 1, most=1),
            Limit("limits[1]", "clerks", (0, 1), (0,), 0, least=2, most=3),
        ),
        minimum_name={(0, 0): "clerks[0].minimum"}, travel=np.array([[0.0, 6], [7, 0]]),
        running=(Loan(0, 1, 0, 1),), fixed=np.array([[[1], [2]]]), near=np.array([[1], [2]]),
        orders_left=np.array([[3], [2]]),
        futures=(Future("now", 3.0, (cost, cost)), Future("busy", 1.0, (2 * cost, cost))),
        risk="cvar", tail=0.5,
    )  # fmt: skip


def test_the_programme_with_every_rule_is_word_for_word_the_one_that_was_reviewed() -> None:
    """The same text with PuLP 3 and 4."""
    reviewed = Path(__file__).with_name("staffing_rules.lp").read_text(encoding="utf-8")
    assert lp_text(everything()) == reviewed


def test_what_has_to_give_is_spread_evenly_by_hand() -> None:
    """Three halls ask for four clerks each and six are there: each gets two, whatever that costs."""
    cost = [np.array([[k * 100.0, k * 50, 0, 0, 0, 0, 0]]) for k in (1, 2, 3)]
    t = StaffingTables(
        halls=("a", "b", "c"), street=np.array([0, 0, 0]), groups=("g",),
        home=np.array([[6], [0], [0]]), minimum=np.zeros((3, 1), np.int64),
        station_hall=np.arange(3), station_groups=((0,),) * 3, lower=np.zeros(3, np.int64),
        cost=tuple(cost), days=np.array([5]), transfers=transfers((20, 50, 40), (0, 0, 0)),
        limits=tuple(Limit(f"limits[{h}]", "clerks", (h,), (0,), 0, least=4) for h in range(3)),
    )  # fmt: skip
    found = solve(t)
    assert [r.by for r in found.relaxed] == [2, 2, 2]
    assert found.clerks[0, :, 0].tolist() == [2, 2, 2]
