"""A plan told as loans: who is lent where, and for how long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hallsim.records import Ints
from hallsim.staff import Loan, StaffingTables, tier_of


@dataclass(frozen=True)
class Move:
    """Clerks lent from one hall to another over periods first..last, inclusive.

    `running` loans go on from the period before the first.
    """

    origin: int
    destination: int
    group: int
    clerks: int
    first: int
    last: int
    tier: str
    running: bool = False


def moves(
    tables: StaffingTables,
    clerks: Ints,
    idle: Ints | None = None,
    loans: tuple[tuple[Loan, ...], ...] | None = None,
) -> list[Move]:
    """The plan as loans from home: who is lent where, and for how long; all as in `Solution`.

    Where it is not said who lends to whom, lenders are matched inside their street first within each
    period; loans that already ran in the period before are kept where both halls still lend and
    borrow.
    """
    if loans is not None:
        by_period = [{(x.group, x.origin, x.destination): x.clerks for x in one} for one in loans]
    else:
        by_period = _matched(tables, tables.at_halls(clerks) + (0 if idle is None else idle))
    found: list[Move] = []
    for g in range(len(tables.groups)):
        own = [{(a, b): n for (h, a, b), n in one.items() if h == g} for one in by_period]
        found += _spells(tables, g, own)
    return sorted(found, key=lambda m: (m.first, m.origin, m.destination, m.group, m.last))


def _running(tables: StaffingTables, g: int) -> dict[tuple[int, int], int]:
    found: dict[tuple[int, int], int] = {}
    for loan in tables.running:
        if loan.group == g:
            pair = loan.origin, loan.destination
            found[pair] = found.get(pair, 0) + loan.clerks
    return found


def _matched(tables: StaffingTables, at: Ints) -> list[dict[tuple[int, int, int], int]]:
    """Loans by group and pair, of every period, from the clerks at the halls, [T, H, G]."""
    found: list[dict[tuple[int, int, int], int]] = [{} for _ in tables.days]
    for g in range(len(tables.groups)):
        running = _running(tables, g)
        for p, one in enumerate(found):
            running = _match(tables, tables.home[:, g] - at[p, :, g], running)
            one.update({(g, a, b): n for (a, b), n in running.items()})
    return found


def _match(
    tables: StaffingTables, surplus: Ints, before: dict[tuple[int, int], int]
) -> dict[tuple[int, int], int]:
    left = surplus.copy()
    loans: dict[tuple[int, int], int] = {}

    def lend(pairs: Iterable[tuple[int, int]], at_most: dict[tuple[int, int], int] | None) -> None:
        for a, b in pairs:
            n = int(min(left[a], -left[b]))
            if at_most is not None:
                n = min(n, at_most[a, b])
            if n > 0:
                loans[a, b] = loans.get((a, b), 0) + n
                left[a] -= n
                left[b] += n

    everyone = range(len(left))
    pairs = [(a, b) for a in everyone for b in everyone if surplus[a] > 0 > surplus[b]]
    for inside in (True, False):
        tier = [ab for ab in pairs if (tier_of(tables, *ab) == "within_street") == inside]
        lend([ab for ab in tier if ab in before], before)
        lend(tier, None)
    return loans


def _spells(tables: StaffingTables, g: int, loans: list[dict[tuple[int, int], int]]) -> list[Move]:
    """Loans of each pair over time as spells: whoever came last goes home first.

    Where loans have a least duration, whoever came first goes home first.
    """
    found = []
    running = _running(tables, g)
    oldest_first = tables.transfers.least_stay_days > 0
    for a, b in sorted({pair for period in loans for pair in period}):
        counts = [period.get((a, b), 0) for period in loans] + [0]
        open_since = [-1] * running.get((a, b), 0)
        spells: dict[tuple[int, int], int] = {}
        for p, n in enumerate(counts):
            while len(open_since) > n:
                begun = open_since.pop(0 if oldest_first else -1)
                if p > 0:
                    spells[begun, p - 1] = spells.get((begun, p - 1), 0) + 1
            open_since += [p] * (n - len(open_since))
        tier = tier_of(tables, a, b)
        found += [
            Move(a, b, g, n, max(first, 0), last, tier, first < 0)
            for (first, last), n in sorted(spells.items())
        ]
    return found
