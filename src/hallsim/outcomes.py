"""Many staffings of a month on the same visitors: every hall-day is simulated once for each number
of open windows, and what a staffing does is looked up and summed.

Station-days do not interact, so these are the figures of `simulate_staffings`, at the cost of some
tens of staffings instead of one for each.  Where visitors choose among halls they do interact, and
every staffing is simulated as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hallsim.choosing import Choosing
from hallsim.counting import BINS, FIELDS, Sums, count_units, quantiles_of, sums
from hallsim.demand import Floats, Month
from hallsim.draw import Chance, Purpose
from hallsim.lives import Rows
from hallsim.measure import Ledger, measures_of
from hallsim.records import Ints
from hallsim.rota import Rota
from hallsim.simulate import Progress, in_parallel, visit_columns
from hallsim.stations import Station

Counts = NDArray[np.unsignedinteger[Any]]
_KEPT = ("visitors", "abandoned", "turned_away", "balked", "tickets", "wait_s", "within")
_KEPT_AT = np.array([FIELDS.index(name) for name in _KEPT])


class Staffed(NamedTuple):
    """Clerks assigned and windows left, by station, [S] each."""

    clerks: Ints
    windows: Ints


class Outcome(NamedTuple):
    """What a staffing does: `halls` [R, H, kept fields], and the 90th percentile of waits [R] in
    seconds over the halls that were asked for.
    """

    halls: Floats
    p90_s: Floats

    def values(self, measure: str, halls: Ints | None = None) -> Floats:
        """[R]: a measure of these halls together; None for all of them."""
        whole = self.halls if halls is None else self.halls[:, halls]
        return _measured(whole.sum(axis=1), measure)

    def by_hall(self, measure: str) -> Floats:
        """[R, H]: a measure by hall."""
        return _measured(self.halls, measure)


def _measured(kept: Floats, measure: str) -> Floats:
    cells = np.zeros((*kept.shape[:-1], len(FIELDS)))
    cells[..., _KEPT_AT] = kept
    return measures_of(cells)[measure]


def can_look_up(month: Month) -> bool:
    """Whether station-days of this month stand alone."""
    return not Choosing.needed(month.scenario)


def outcomes(
    month: Month,
    parts: list[Station],
    staffings: Sequence[Staffed],
    *,
    seed: int,
    purpose: Purpose,
    replications: int,
    halls: Ints | None = None,
    jobs: int = 1,
    progress: Progress = lambda done: None,
) -> list[Outcome]:
    """What each staffing does to the month; `halls` are those of the percentile, None for all."""
    chance, rota, ledger = (
        Chance(month, parts, seed, purpose), Rota(month, parts), Ledger(month, parts),
    )  # fmt: skip
    days = len(month.dates)
    hall_of = np.tile(ledger.hall_of, days)
    wanted = np.ones(len(hall_of), bool) if halls is None else np.isin(hall_of, halls)
    shape = len(month.scenario.halls), len(_KEPT)

    def one(replication: int) -> tuple[Floats, Floats]:
        table = _Table(month, parts, chance, rota, ledger, replication)
        found, p90 = np.zeros((len(staffings), *shape)), np.full(len(staffings), np.nan)
        for k, staffing in enumerate(staffings):
            present = chance.windows_open(np.tile(staffing.clerks, days), replication)
            opened = np.minimum(present, np.tile(staffing.windows, days))
            bins = np.zeros((1, BINS), np.int64)
            _add_up(table.row + opened, table.kept, table.waits, table.top, hall_of, wanted,
                    found[k], bins[0])  # fmt: skip
            p90[k] = quantiles_of(bins)[0, 1]
        return found, p90

    done = in_parallel(one, range(replications), jobs, progress)
    kept, p90 = np.stack([x for x, _ in done], axis=1), np.stack([x for _, x in done], axis=1)
    return [Outcome(kept[k], p90[k]) for k in range(len(staffings))]


class _Table:
    """One replication: counts and waits of every unit with 0, 1, … windows open.

    Attributes:
        row: [U] row of a unit with no window open; k open are k rows further.
        kept: [rows, kept fields]; waits: [rows, BINS] histogram; top: [rows] bins up to the last wait.
    """

    def __init__(
        self, month: Month, parts: list[Station], chance: Chance, rota: Rota, ledger: Ledger,
        replication: int,
    ) -> None:  # fmt: skip
        crowd = chance.crowd(replication)
        days, scenario = len(month.dates), month.scenario
        windows = np.tile([len(p.windows) for p in parts], days)
        units = len(windows)
        self.row = np.cumsum(windows + 1) - windows - 1
        size = int((windows + 1).sum())
        self.kept = np.zeros((size, len(_KEPT)))
        fullest = int(np.max(crowd.last - crowd.first, initial=0))
        self.waits: Counts = np.zeros((size, BINS), np.uint16 if fullest < 1 << 16 else np.uint32)
        self.top = np.zeros(size, np.int64)
        every, within = np.arange(units), ledger.within[np.tile(ledger.hall_of, days)]
        rows = Rows(
            crowd.arrival, crowd.item, crowd.credit, crowd.service, crowd.patience, crowd.kind
        )
        for k in range(int(windows.max()) + 1):
            opened = np.where(windows >= k, k, 0)  # a station with fewer windows is done already
            told = visit_columns(crowd, rota, opened, "compiled")
            found = Sums(
                *(
                    x[0]
                    for x in sums(1, units, units, 1, len(scenario.items), len(scenario.classes))
                )
            )
            count_units(
                crowd.first, crowd.last, every, rota.closing(opened), within, rows, crowd.stage,
                told, found,
            )  # fmt: skip
            own = np.flatnonzero(windows >= k)
            at = self.row[own] + k
            self.kept[at] = found.unit[own][:, _KEPT_AT]
            self.waits[at] = found.hall[own]
            self.top[at] = BINS - np.argmax(found.hall[own][:, ::-1] > 0, axis=1)


@njit(cache=True, nogil=True)
def _add_up(
    row: Ints, kept: Floats, waits: Counts, top: Ints, hall_of: Ints,
    wanted: NDArray[np.bool_], into: Floats, bins: Ints,
) -> None:  # fmt: skip
    for u in range(len(row)):
        r = row[u]
        for f in range(kept.shape[1]):
            into[hall_of[u], f] += kept[r, f]
        if wanted[u]:
            for b in range(top[r]):
                bins[b] += waits[r, b]
