"""From counts to people: which clerk is lent, when a plan says how many.

Every loan of a plan comes from one home hall and one skill group, so each of these *pools* is a
problem of its own: loans that are spans of days, clerks with leave.  Nobody is in two places or on
leave; subject to that, in this order and each exactly (integer programmes, HiGHS by way of scipy):

1. the most working days filled;
2. the fewest new loans: whoever is already lent there stays there;
3. the most equal burden: the least sum of squares of the times moved within 12 months;
4. the least extra travel.  It is that of the two halls, whoever goes, so this says only which loan
   stays unfilled where one has to.

What is still open is settled by exchanges: far loans to those who were moved least, then by staff
number.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from hallsim.calendar import HallCalendar
from hallsim.demand import Floats
from hallsim.records import Ints
from hallsim.scenario import RosterClerk, Scenario, parse_leave

_Row = tuple[Any, ...]
PEOPLE_COLUMNS = [
    "clerk", "from", "to", "group", "first", "last", "working_days", "tier", "travel_min",
    "notice_by", "moved_before", "moved_after", "continued", "move",
]  # fmt: skip
UNFILLED_COLUMNS = [
    "from", "to", "group", "clerks", "first", "last", "working_days", "reason",
    "staff", "on_leave", "lent", "at_limit", "nearest", "leave_days", "move",
]  # fmt: skip
BURDEN_COLUMNS = ["clerk", "hall", "group", "moved_before", "moved_after"]


@dataclass(frozen=True)
class NamedMoves:
    """The moves of a plan by staff number.

    Attributes:
        people: one row per clerk and loan: `clerk`, the columns of the move, `moved_before` and
            `moved_after` (times lent in 12 months, before and with this loan), `continued` (goes on
            from a loan to the same hall: no new one), `move` (row of the moves, from 0).
        unfilled: one row per move that lacks clerks: how many, why (`reason`: `nobody` of that hall
            and group in the roster, `leave`, `limit` of moves per clerk, `lent` elsewhere), of
            `staff` clerks how many are on leave then, else lent then, else at their limit;
            `nearest`: whose leave meets fewest of the working days, `leave_days` of them.
        burden: one row per clerk of the roster: times lent in 12 months, before and with this plan.
    """

    people: pd.DataFrame
    unfilled: pd.DataFrame
    burden: pd.DataFrame


def name_moves(
    scenario: Scenario,
    moves: pd.DataFrame,
    roster: Sequence[RosterClerk] | None = None,
    previous: pd.DataFrame | None = None,
) -> NamedMoves:
    """Name the clerks of a plan's moves.

    Args:
        scenario: its calendar, and `transfers.most_moves_per_clerk`; who is above that already is not
            lent once more.
        moves: with the columns of `recommend.MOVE_COLUMNS`.
        roster: every clerk, `moved` as of the day before the plan; default: the scenario's.
        previous: the people of the plan before, with `clerk`, `from`, `to` and `last` at least.
    """
    roster = scenario.roster if roster is None else roster
    most_moves = scenario.transfers.most_moves_per_clerk
    works = working_day(scenario)
    loans = _loans(moves)
    pools: dict[tuple[str, str], list[RosterClerk]] = defaultdict(list)
    for person in sorted(roster, key=lambda p: p.clerk):
        pools[person.hall, person.group].append(person)
    lent_before = _lent_before(previous)
    people: list[_Row] = []
    unfilled: list[_Row] = []
    after = {p.clerk: p.moved for p in roster}
    for pool, wanted in loans.items():
        found = _Pool(pools.get(pool, []), wanted, works, lent_before, most_moves).solve()
        people += found.people(after)
        unfilled += found.unfilled()
    people.sort(key=lambda row: (row[-1], row[0]))
    unfilled.sort(key=lambda row: row[-1])
    burden = [(p.clerk, p.hall, p.group, p.moved, after[p.clerk]) for p in roster]
    return NamedMoves(
        pd.DataFrame(people, columns=PEOPLE_COLUMNS),
        pd.DataFrame(unfilled, columns=UNFILLED_COLUMNS),
        pd.DataFrame(burden, columns=BURDEN_COLUMNS),
    )


def working_day(scenario: Scenario) -> Callable[[dt.date], bool]:
    """Whether at least half of the halls open on a date, as a function that remembers."""
    calendar = HallCalendar(scenario)
    halls = Counter(calendar.sort_of)

    @functools.cache
    def works(date: dt.date) -> bool:
        opens = sum(
            halls[k] for k, hall in enumerate(calendar.alike) if calendar.sessions(hall, date)
        )
        return 0 < len(scenario.halls) <= 2 * opens

    return works


def days_of(first: dt.date, last: dt.date) -> list[dt.date]:
    """All days of a span."""
    return [first + dt.timedelta(k) for k in range((last - first).days + 1)]


@dataclass(frozen=True)
class _Loan:
    """One clerk of a move, yet without a name."""

    origin: str
    to: str
    group: str
    first: dt.date
    last: dt.date
    working_days: int
    tier: str
    travel_min: float
    notice_by: dt.date
    move: int


def _loans(moves: pd.DataFrame) -> Mapping[tuple[str, str], list[_Loan]]:
    """The loans of every pool, in the order of time."""
    found: dict[tuple[str, str], list[_Loan]] = defaultdict(list)
    for k, row in enumerate(moves.to_dict("records")):
        loan = _Loan(
            row["from"], row["to"], row["group"], _date(row["first"]), _date(row["last"]),
            int(row["working_days"]), row["tier"], float(row["travel_min"]),
            _date(row["notice_by"]), k,
        )  # fmt: skip
        found[loan.origin, loan.group] += [loan] * int(row["clerks"])
    return {
        pool: sorted(loans, key=lambda x: (x.first, x.last, x.move))
        for pool, loans in found.items()
    }


def _date(value: object) -> dt.date:
    return pd.Timestamp(value).date()  # type: ignore[arg-type]


def _lent_before(previous: pd.DataFrame | None) -> Mapping[tuple[str, str, str], list[dt.date]]:
    """Last days of loans of the plan before, by clerk, home and destination."""
    found: dict[tuple[str, str, str], list[dt.date]] = defaultdict(list)
    if previous is not None:
        for row in previous.to_dict("records"):
            found[str(row["clerk"]), str(row["from"]), str(row["to"])].append(_date(row["last"]))
    return found


@dataclass
class _Pool:
    """The clerks of a home hall and group, and the loans that they are to fill."""

    staff: list[RosterClerk]
    loans: list[_Loan]
    works: Callable[[dt.date], bool]
    lent_before: Mapping[tuple[str, str, str], list[dt.date]]
    most_moves: int | None
    chosen: dict[int, int] = field(default_factory=dict)
    """Loan to clerk, both by place."""
    stays: set[int] = field(default_factory=set)
    """Loans that continue one before."""

    def solve(self) -> _Pool:
        """Fill the loans."""
        away = np.array(
            [[self._leave_days(p, x) for x in self.loans] for p in self.staff], np.int64
        ).reshape(len(self.staff), len(self.loans))
        room = [
            len(self.loans) if self.most_moves is None else max(0, self.most_moves - p.moved)
            for p in self.staff
        ]
        problem = Naming(
            able=away == 0,
            first=np.array([x.first.toordinal() for x in self.loans], np.int64),
            last=np.array([x.last.toordinal() for x in self.loans], np.int64),
            days=np.array([x.working_days for x in self.loans], np.int64),
            far=np.array([round(x.working_days * x.travel_min) for x in self.loans], np.int64),
            moved=np.array([p.moved for p in self.staff], np.int64),
            room=np.array(room, np.int64),
            stays=np.array(
                [[self._goes_on(p, x) for x in self.loans] for p in self.staff], bool
            ).reshape(away.shape),
            follows=[
                [k for k, before in enumerate(self.loans) if self._next(before, x)]
                for x in self.loans
            ],
        )
        clerk_of = assign(problem)
        self.chosen = {j: int(i) for j, i in enumerate(clerk_of) if i >= 0}
        self.stays = set(continued(problem, clerk_of))
        return self

    def people(self, moved: dict[str, int]) -> list[_Row]:
        """Rows of `people`; counts the new loans in `moved`, which is by staff number."""
        rows: list[_Row] = []
        for j, i in self.chosen.items():  # in the order of time
            x, clerk = self.loans[j], self.staff[i].clerk
            before = moved[clerk]
            moved[clerk] += j not in self.stays
            rows.append(
                (
                    clerk, x.origin, x.to, x.group, x.first, x.last, x.working_days, x.tier,
                    x.travel_min, x.notice_by, before, moved[clerk], j in self.stays, x.move,
                )
            )  # fmt: skip
        return rows

    def unfilled(self) -> list[_Row]:
        """Rows of `unfilled`."""
        short: dict[int, list[int]] = defaultdict(list)
        for j, x in enumerate(self.loans):
            if j not in self.chosen:
                short[x.move].append(j)
        return [self._why(loans) for loans in short.values()]

    def _why(self, loans: list[int]) -> _Row:
        x = self.loans[loans[0]]
        away = [self._leave_days(p, x) for p in self.staff]
        lent = [self._lent(i, x) for i in range(len(self.staff))]
        on_leave = sum(n > 0 for n in away)
        elsewhere = sum(n == 0 and there for n, there in zip(away, lent, strict=True))
        at_limit = len(self.staff) - on_leave - elsewhere
        near = [i for i, n in enumerate(away) if n and not lent[i]]
        nearest = min(near, key=lambda i: away[i], default=None)
        reason = (
            "nobody" if not self.staff else "leave" if on_leave else "limit" if at_limit else "lent"
        )
        return (
            x.origin, x.to, x.group, len(loans), x.first, x.last, x.working_days, reason,
            len(self.staff), on_leave, elsewhere, at_limit,
            "" if nearest is None else self.staff[nearest].clerk,
            0 if nearest is None else away[nearest], x.move,
        )  # fmt: skip

    def _leave_days(self, person: RosterClerk, x: _Loan) -> int:
        """Working days of the loan on which the clerk is on leave."""
        spans = ((max(a, x.first), min(b, x.last)) for a, b in parse_leave(person.leave))
        return len({day for a, b in spans for day in days_of(a, b) if self.works(day)})

    def _lent(self, i: int, x: _Loan) -> bool:
        theirs = (self.loans[j] for j, clerk in self.chosen.items() if clerk == i)
        return any(other.first <= x.last and x.first <= other.last for other in theirs)

    def _goes_on(self, person: RosterClerk, x: _Loan) -> bool:
        """Whether the clerk is at the loan's hall from the plan before, without a day between."""
        ends = self.lent_before.get((person.clerk, x.origin, x.to), ())
        return any(self._adjoins(last, x.first) for last in ends)

    def _next(self, before: _Loan, x: _Loan) -> bool:
        return before.to == x.to and before.last < x.first and self._adjoins(before.last, x.first)

    def _adjoins(self, last: dt.date, first: dt.date) -> bool:
        """Whether no working day lies between; a loan that was to last longer goes on too."""
        if (first - last).days > _LONGEST_BREAK:
            return False
        return not any(self.works(day) for day in days_of(last, first)[1:-1])


_LONGEST_BREAK = 31
"""Days without work between two loans of which the second may still continue the first."""


# the problem of a pool, in numbers ---------------------------------------------------------------


@dataclass(frozen=True)
class Naming:
    """A pool of I clerks and J loans.

    Attributes:
        able: [I, J] whether the clerk has no leave during the loan.
        first, last: [J] days of the loans, inclusive; loans that share a day overlap.
        days: [J] working days; far: [J] minutes of extra travel altogether.
        moved: [I] times moved before; room: [I] new loans at most.
        stays: [I, J] whether the clerk is at the loan's hall already, until it begins.
        follows: per loan, the loans to the same hall that end just before it begins.
    """

    able: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    first: Ints
    last: Ints
    days: Ints
    far: Ints
    moved: Ints
    room: Ints
    stays: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    follows: list[list[int]]

    @functools.cached_property
    def may_go_on(self) -> list[int]:
        """Loans that some clerk may take as one that continues."""
        there = np.flatnonzero(self.stays.sum(axis=0))
        return [j for j, before in enumerate(self.follows) if before or j in there]


def continued(p: Naming, clerk_of: Ints) -> list[int]:
    """The loans that only continue one before, under the same clerk."""
    return [
        j
        for j in p.may_go_on
        if (i := clerk_of[j]) >= 0
        and (p.stays[i, j] or any(clerk_of[k] == i for k in p.follows[j]))
    ]


def assign(p: Naming) -> Ints:
    """[J] the clerk of each loan, -1 where it stays without; best in the order of this module."""
    found = np.full(len(p.first), -1, np.int64)
    if not p.able.any():
        return found
    programme = _Programme(p)
    for place, wish in enumerate(programme.wishes()):
        value = _values(p, found)[place]
        if value > _bounds(p, found, programme)[place]:
            found = _tidied(p, programme.best(wish))
            value = _values(p, found)[place]
        programme.keep(wish, value)
    return found


def _values(p: Naming, clerk_of: Ints) -> tuple[int, ...]:
    """What the wishes of the programme come to."""
    new, taken = new_loans(p, clerk_of), clerk_of >= 0
    burden = (p.moved + new) ** 2 - p.moved**2
    return -int(p.days[taken].sum()), int(new.sum()), int(burden.sum()), int(p.far[taken].sum())


def _bounds(p: Naming, clerk_of: Ints, programme: _Programme) -> tuple[float, ...]:
    """What no naming can be below, after the wishes before; who attains it needs no programme.

    The burden is at least that of clerks who take whatever loans they like, least burdened first.
    """
    wanted = p.able.any(axis=0)
    all_filled = bool((clerk_of[wanted] >= 0).all())
    may_go_on = len({j for _, j in programme.on})
    burden, room = p.moved.copy(), np.minimum(p.room, _most_loans(p))
    for _ in range(int(new_loans(p, clerk_of).sum())):
        i = int(np.argmin(np.where(room > 0, burden, np.iinfo(np.int64).max)))
        burden[i] += 1
        room[i] -= 1
    return (
        -float(p.days[wanted].sum()),
        float(wanted.sum() - may_go_on) if all_filled else 0,
        float((burden**2 - p.moved**2).sum()),
        float(p.far[wanted].sum()) if all_filled else 0,
    )


def _most_loans(p: Naming) -> Ints:
    """[I] loans that a clerk can take at most, one after another: always the one that ends first."""
    count = np.zeros(len(p.moved), np.int64)
    for i, own in enumerate(p.able):
        free = -1
        for j in sorted(np.flatnonzero(own), key=lambda j: p.last[j]):
            if p.first[j] > free:
                count[i], free = count[i] + 1, int(p.last[j])
    return count


def new_loans(p: Naming, clerk_of: Ints) -> Ints:
    """[I] the loans of each clerk that continue none."""
    going_on = set(continued(p, clerk_of))
    new = [i for j, i in enumerate(clerk_of) if i >= 0 and j not in going_on]
    return np.bincount(np.array(new, np.int64), minlength=len(p.moved))


def _tidied(p: Naming, clerk_of: Ints) -> Ints:
    """As good by the promises, better by what is still open, until no exchange of two clerks helps."""
    own = clerk_of.copy()
    key, looking = _key(p, own), True
    while looking:
        looking = False
        for j, i in itertools.product(np.flatnonzero(own >= 0), range(len(p.moved))):
            for loans in _with_what_follows(p, own, int(j)):
                other = _exchanged(p, own, loans, i)
                if other is not None and (better := _key(p, other)) < key:
                    own, key, looking = other, better, True
    return own


def _with_what_follows(p: Naming, clerk_of: Ints, j: int) -> list[list[int]]:
    """The loan alone; and, where the clerk stays on there, together with what follows."""
    chain = [j]
    for k in range(len(clerk_of)):  # in the order of time
        if clerk_of[k] == clerk_of[j] and chain[-1] in p.follows[k]:
            chain.append(k)
    return [[j], chain] if len(chain) > 1 else [[j]]


def _key(p: Naming, clerk_of: Ints) -> tuple[int, ...]:
    new = new_loans(p, clerk_of)
    j = np.flatnonzero(clerk_of >= 0)
    i = clerk_of[j]
    over = int(np.maximum(new - p.room, 0).sum())
    far, order = p.far[j] @ (1 + p.moved[i]), (len(clerk_of) - j) @ i
    return over, int(new.sum()), int(((p.moved + new) ** 2).sum()), int(far), int(order)


def _exchanged(p: Naming, clerk_of: Ints, loans: list[int], i: int) -> Ints | None:
    """These loans of one clerk go to clerk i, and back whatever of i is in their way; None: impossible."""
    had = clerk_of[loans[0]]
    if i == had or not p.able[i, loans].all():
        return None
    back = np.flatnonzero((clerk_of == i) & _overlap(p, loans).any(axis=0))
    stay = np.setdiff1d(np.flatnonzero(clerk_of == had), loans)
    if not p.able[had, back].all() or _overlap(p, back)[:, stay].any():
        return None
    out = clerk_of.copy()
    out[loans], out[back] = i, had
    return out


def _overlap(p: Naming, loans: Sequence[int] | Ints) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """[len(loans), J] whether they share a day."""
    return (p.first[loans, None] <= p.last) & (p.first <= p.last[loans, None])


class _Programme:
    """Columns: clerk i takes loan j; it continues one before; the k-th new loan of clerk i."""

    def __init__(self, p: Naming) -> None:
        self.p = p
        self.pairs = [(int(i), int(j)) for i, j in np.argwhere(p.able)]
        take = {pair: n for n, pair in enumerate(self.pairs)}
        before = {
            (i, j): [take[i, k] for k in p.follows[j] if (i, k) in take] for i, j in self.pairs
        }
        self.on = [(i, j) for i, j in self.pairs if p.stays[i, j] or before[i, j]]
        first_on = len(self.pairs)
        goes_on = {pair: first_on + n for n, pair in enumerate(self.on)}
        per_clerk = Counter(i for i, _ in self.pairs)
        self.steps = [
            (i, k) for i in range(len(p.moved)) for k in range(min(per_clerk[i], int(p.room[i])))
        ]
        first_step = first_on + len(self.on)
        self.columns = first_step + len(self.steps)
        self.rows: list[tuple[dict[int, float], float, float]] = []
        of_loan, of_clerk = defaultdict(list), defaultdict(list)
        for (i, j), n in take.items():
            of_loan[j].append(n)
            of_clerk[i].append((j, n))
        for columns in of_loan.values():
            self._at_most(columns, 1)
        for own in of_clerk.values():
            for day in {int(p.first[j]) for j, _ in own}:
                self._at_most([n for j, n in own if p.first[j] <= day <= p.last[j]], 1)
        for pair, n in goes_on.items():
            self.rows.append(({n: 1, take[pair]: -1}, -np.inf, 0))
            if not p.stays[pair]:
                self.rows.append(({n: 1} | dict.fromkeys(before[pair], -1.0), -np.inf, 0))
        new: dict[int, dict[int, float]] = defaultdict(dict)
        for (i, _), n in take.items():
            new[i][n] = 1
        for (i, _), n in goes_on.items():
            new[i][n] = -1
        for n, (i, _) in enumerate(self.steps):
            new[i][first_step + n] = -1
        self.rows += [(row, 0, 0) for row in new.values()]

    def _at_most(self, columns: list[int], limit: float) -> None:
        if len(columns) > limit:
            self.rows.append((dict.fromkeys(columns, 1.0), -np.inf, limit))

    def wishes(self) -> list[Floats]:
        """What is minimised, first things first; each keeps the best of those before."""
        p, on, steps = self.p, len(self.on), len(self.steps)
        i, j = np.array(self.pairs).T
        step = np.array([2 * p.moved[i] + 2 * k + 1 for i, k in self.steps], float)
        return [
            np.concatenate([-p.days[j], np.zeros(on + steps)]),
            np.concatenate([np.zeros(len(i) + on), np.ones(steps)]),
            np.concatenate([np.zeros(len(i) + on), step]),
            np.concatenate([p.far[j], np.zeros(on + steps)]),
        ]

    def best(self, wish: Floats) -> Ints:
        """[J] a best choice by this wish: the clerk of each loan, or -1."""
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        cells = [(r, c, v) for r, (row, _, _) in enumerate(self.rows) for c, v in row.items()]
        r, c, v = zip(*cells, strict=True)
        done = milp(
            wish,
            integrality=(np.arange(self.columns) < len(self.pairs)).astype(np.int64),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(
                csr_array((v, (r, c)), shape=(len(self.rows), self.columns)),
                [lo for _, lo, _ in self.rows],
                [hi for _, _, hi in self.rows],
            ),
            options={"mip_rel_gap": 0},
        )
        assert done.x is not None, done.message  # taking nobody is always possible
        found = np.full(len(self.p.first), -1, np.int64)
        for (i, j), value in zip(self.pairs, done.x[: len(self.pairs)], strict=True):
            if value > 0.5:
                found[j] = i
        return found

    def keep(self, wish: Floats, value: float) -> None:
        """From now on nothing is worse by this wish; its values are whole."""
        row = {n: float(w) for n, w in enumerate(wish) if w}
        if row:
            self.rows.append((row, -np.inf, value + 0.25))
