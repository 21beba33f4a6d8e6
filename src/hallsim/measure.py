"""Measures of simulated months, with intervals over replications.

Definitions (`docs/measures.md`): the *wait* of everyone who took a ticket counts, until the call or
until they left; *within* is the share of all visitors, whatever became of them, who were served
within the target time; *lost* visitors gave up or were turned away.  Every estimate is the mean of
one value per replication with a Student t interval; comparisons are of the same visitors, paired.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from hallsim.counting import (
    FIELDS,
    SLOT_S,
    SLOTS,
    Sums,
    Told,
    count_units,
    folded,
    quantiles_of,
    sums,
)
from hallsim.demand import Floats, Month
from hallsim.draw import Crowd
from hallsim.lives import Rows
from hallsim.records import Ints
from hallsim.scenario import TIERS, Hall, Scenario
from hallsim.stations import Station

if TYPE_CHECKING:
    from hallsim.plotting import Plots

_F = {name: k for k, name in enumerate(FIELDS)}
MEASURES = (
    "visitors", "served", "abandoned", "turned_away", "balked", "lost", "mean_wait_min",
    "median_wait_min", "p90_wait_min", "within_share", "mean_stay_min", "counters",
    "utilisation", "overtime_min", "total_wait_min",
)  # fmt: skip
BY = (
    "district",
    "tier",
    "street",
    "hall",
    "item",
    "class",
    "weekday",
    "hour",
    "week",
    "day",
    "hall_day",
    "hall_hour",
    "queue",
)
DEFAULT_WITHIN_MINUTES = 30.0


def target_of(scenario: Scenario, hall: Hall, name: str) -> float | None:
    """A value of the hall's target (`mean_wait_minutes`, …): its own tier's, else that for all."""
    for tier in (hall.tier, "*"):
        for target in scenario.targets:
            value: float | None = getattr(target, name)
            if target.tier == tier and value is not None:
                return value
    return None


def group_of(scenario: Scenario, halls: Collection[str]) -> tuple[str, int] | None:
    """The grouping that knows these halls as one, and their row in it; None if there is none.

    Medians and percentiles are counted for the district, a hall, a tier and a street only.
    """
    chosen = np.array([h.hall in halls for h in scenario.halls])
    if chosen.all():
        return "district", 0
    if chosen.sum() == 1:
        return "hall", int(np.argmax(chosen))
    tiers = np.array([TIERS.index(h.tier) for h in scenario.halls])
    for by, own in (("tier", tiers), ("street", _streets(scenario)[1])):
        rows = np.unique(own[chosen])
        if len(rows) == 1 and np.array_equal(own == rows[0], chosen):
            return by, int(rows[0])
    return None


def within_seconds(scenario: Scenario) -> Ints:
    """[H]: the target time of each hall."""
    minutes = (target_of(scenario, hall, "within_minutes") for hall in scenario.halls)
    return np.array([round((m or DEFAULT_WITHIN_MINUTES) * 60) for m in minutes], np.int64)


def within_minutes(scenario: Scenario) -> float | None:
    """The target time of all halls; None where they differ."""
    seconds = set(within_seconds(scenario).tolist())
    return seconds.pop() / 60 if len(seconds) == 1 else None


@dataclass(frozen=True)
class Tally:
    """What one replication of a month counted.

    Attributes:
        unit: [D x S, fields]; hall_hour: [H, 24, fields]; item: [I, fields]; kind: [C, fields].
        queue: [H, slots] visitor-seconds of waiting per half hour of the day.
        quantiles: per grouping, [keys, 2] median and 90th percentile of the wait in seconds.
    """

    unit: Floats
    hall_hour: Floats
    item: Floats
    kind: Floats
    queue: Floats
    quantiles: dict[str, Floats]


class Ledger:
    """Counts the visits of a month; knows how rows map to halls, days and groupings."""

    def __init__(self, month: Month, stations: list[Station]) -> None:
        """Index the cells of a month."""
        scenario = month.scenario
        self.month = month
        self.hall_of = np.array([s.hall for s in stations], np.int64)
        self.machine = np.array([s.machine for s in stations], bool)
        self.within = within_seconds(scenario)
        self.tiers = np.array([TIERS.index(h.tier) for h in scenario.halls])
        self.streets, self.street_of = _streets(scenario)
        self.weekdays = np.array([d.weekday() for d in month.dates])
        self.weeks, self.week_of = weeks_of(month.dates)

    def count(self, crowd: Crowd, told: Told, close: Ints, staffed: Ints) -> Tally:
        """Tally one replication; `close` and `staffed` (window-seconds) are by unit."""
        found = Sums(*(column[0] for column in self.sums()))
        rows = Rows(
            crowd.arrival, crowd.item, crowd.credit, crowd.service, crowd.patience, crowd.kind
        )
        count_units(
            crowd.first,
            crowd.last,
            self.hall_of,
            close,
            self.within,
            rows,
            crowd.stage,
            told,
            found,
        )
        return self.tally(found, staffed)

    def sums(self, staffings: int = 1) -> Sums:
        """Room for counting one replication under so many staffings, the first axis."""
        scenario, days = self.month.scenario, len(self.month.dates)
        return sums(
            staffings, days * len(self.hall_of), len(scenario.halls), days, len(scenario.items),
            len(scenario.classes),
        )  # fmt: skip

    def tally(self, found: Sums, staffed: Ints) -> Tally:
        """What was counted, and `staffed` window-seconds by unit."""
        found.unit[:, _F["staffed_s"]] = staffed
        machines = np.tile(self.machine, len(self.month.dates))
        for name in ("work_s", "overtime_s", "staffed_s"):  # those are clerks'
            found.unit[machines, _F[name]] = 0
        return Tally(
            found.unit.astype(float), found.hall_hour.astype(float),
            found.cell.sum(axis=1).astype(float), found.cell.sum(axis=0).astype(float),
            found.queue.astype(float), self._quantiles([*found[-5:]]),
        )  # fmt: skip

    def _quantiles(self, hists: list[Ints]) -> dict[str, Floats]:
        hall, day, hour, item, kind = hists
        groups = {
            "district": folded(hall, np.zeros_like(self.tiers), 1),
            "tier": folded(hall, self.tiers, len(TIERS)),
            "street": folded(hall, self.street_of, len(self.streets)),
            "hall": hall, "day": day, "hour": hour, "item": item, "class": kind,
            "weekday": folded(day, self.weekdays, 7),
            "week": folded(day, self.week_of, len(self.weeks)),
        }  # fmt: skip
        return {name: quantiles_of(h) for name, h in groups.items()}


def weeks_of(dates: Sequence[dt.date]) -> tuple[list[dt.date], Ints]:
    """The first day in the month of each week (Monday to Sunday), and which week each day lies in."""
    firsts = [d for k, d in enumerate(dates) if k == 0 or d.weekday() == 0]
    return firsts, np.cumsum([d in firsts for d in dates]) - 1


def _streets(scenario: Scenario) -> tuple[list[str], Ints]:
    """Street hall ids (and '' for the district's own halls), and which one each hall belongs to."""
    names = ["", *(h.hall for h in scenario.halls if h.tier == "street")]
    own = [
        h.hall if h.tier == "street" else h.street if h.tier == "community" else ""
        for h in scenario.halls
    ]
    return names, np.array([names.index(n) for n in own])


def _fold(values: Any, index: Any, size: int) -> Any:
    """Sums over the first axis of the values of equal index, [size, ...]."""
    out = np.zeros((size, *values.shape[1:]), values.dtype)
    order = np.argsort(index, kind="stable")
    found, first = np.unique(index[order], return_index=True)
    for k, rows in zip(found, np.split(order, first[1:]), strict=True):
        out[k] = values[rows].sum(axis=0)
    return out


def interval(values: Floats, confidence: float) -> tuple[Floats, Floats, Floats]:
    """Mean and Student t interval over the first axis, replications without a value left out."""
    n = np.sum(~np.isnan(values), axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(values, axis=0) / np.where(n > 0, n, np.nan)
        spread = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / np.where(n > 1, n - 1, np.nan))
        half = stats.t.ppf(0.5 + confidence / 2, np.maximum(n - 1, 1)) * spread / np.sqrt(n)
    return mean, mean - half, mean + half


@dataclass(frozen=True)
class Measures:
    """What a staffing does to a month, over replications; every table carries intervals.

    `table(by)` is tidy: the key columns of the grouping, then measure, mean, lo, hi.
    """

    ledger: Ledger
    tallies: tuple[Tally, ...]
    confidence: float = 0.95
    label: str = ""
    _cache: dict[str, tuple[pd.DataFrame, dict[str, Floats]]] = field(
        default_factory=dict, repr=False
    )

    @property
    def replications(self) -> int:
        """Number of simulated months."""
        return len(self.tallies)

    def table(self, by: str = "district") -> pd.DataFrame:
        """Estimates by one of `BY`: key columns, measure, mean, lo, hi.

        Raises:
            ValueError: an unknown grouping.
        """
        keys, values = self._values(by)
        return _tidy(keys, values, self.confidence)

    def minus(self, other: Measures, by: str = "district") -> pd.DataFrame:
        """Paired differences self - other on the same visitors, in the form of `table`."""
        if by == "queue":  # one of them may have a queue later into the evening
            slots = self._busy_slots() | other._busy_slots()
            (keys, mine), (_, theirs) = self._queue(slots), other._queue(slots)
        else:
            (keys, mine), (_, theirs) = self._values(by), other._values(by)
        return _tidy(keys, {m: mine[m] - theirs[m] for m in mine}, self.confidence)

    def samples(self, measure: str, by: str = "district") -> Floats:
        """[replications, keys]: the value of one measure in every replication."""
        return self._values(by)[1][measure]

    def among(self, halls: Collection[str]) -> dict[str, Floats]:
        """[replications] of every measure over these halls together.

        Median and 90th percentile are there only if `group_of` knows the halls as one.
        """
        scenario = self.ledger.month.scenario
        chosen = [h.hall in halls for h in scenario.halls]
        found = group_of(scenario, halls)
        quantiles = None
        if found:
            quantiles = np.array([t.quantiles[found[0]][found[1]] for t in self.tallies])
        return measures_of(self._cells("hall")[1][:, chosen].sum(axis=1), quantiles)

    def over(
        self, spans: Sequence[tuple[dt.date, dt.date]], minus: Measures | None = None
    ) -> pd.DataFrame:
        """Estimates for the district by spans of days, inclusive: span (its number), measure, mean, …

        With `minus`, the paired differences self - minus.
        """
        values = self._over(spans)
        if minus is not None:
            values = {name: mine - theirs for (name, mine), theirs in
                      zip(values.items(), minus._over(spans).values(), strict=True)}  # fmt: skip
        return _tidy(pd.DataFrame({"span": range(len(spans))}), values, self.confidence)

    def _over(self, spans: Sequence[tuple[dt.date, dt.date]]) -> dict[str, Floats]:
        dates = list(self.ledger.month.dates)
        sums = self.period_sums([(dates.index(a), dates.index(b)) for a, b in spans])
        return measures_of(np.stack([sums[name].sum(axis=2) for name in FIELDS], axis=-1))

    def period_sums(self, spans: Sequence[tuple[int, int]]) -> dict[str, Floats]:
        """Every field of `FIELDS` by period and hall, [replications, periods, halls]."""
        _, cells = self._cells("hall_day")
        cells = cells.reshape(self.replications, len(self.ledger.month.dates), -1, len(FIELDS))
        sums = np.zeros((self.replications, len(spans), *cells.shape[2:]))
        for p, (a, b) in enumerate(spans):
            sums[:, p] = cells[:, a : b + 1].sum(axis=1)
        return {name: sums[..., k] for name, k in _F.items()}

    def station_sums(self, name: str) -> Floats:
        """One field of `FIELDS` over the month by station, [replications, stations]."""
        days = len(self.ledger.month.dates)
        unit = self._stack("unit")[..., _F[name]]
        return unit.reshape(self.replications, days, -1).sum(axis=1)

    @property
    def plot(self) -> Plots:
        """Figures: `.plot()`, `.plot.waits()`, `.plot.heatmap()`, `.plot.hours()`, `.plot.queue()`."""
        from hallsim.plotting import Plots

        return Plots(self)

    def _values(self, by: str) -> tuple[pd.DataFrame, dict[str, Floats]]:
        if by not in BY:
            raise ValueError(f"by must be one of {', '.join(BY)}, not {by!r}")
        if by not in self._cache:
            slots = self._busy_slots() if by == "queue" else None
            self._cache[by] = self._sums(by) if slots is None else self._queue(slots)
        return self._cache[by]

    def _busy_slots(self) -> NDArray[np.bool_]:
        """[slots]: from 7:00 to 19:00, and whenever else somebody waits."""
        busy: NDArray[np.bool_] = np.sum([t.queue for t in self.tallies], axis=(0, 1)) > 0
        busy[14:38] = True
        return busy

    def _queue(self, shown: NDArray[np.bool_]) -> tuple[pd.DataFrame, dict[str, Floats]]:
        month = self.ledger.month
        halls = [h.hall for h in month.scenario.halls]
        seconds = np.array([t.queue for t in self.tallies])
        open_days = np.maximum(month.open.sum(axis=0), 1)[None, :, None]
        slots = [f"{k // 2:02d}:{30 * (k % 2):02d}" for k in range(SLOTS)]
        keys = pd.MultiIndex.from_product(
            [halls, [s for s, u in zip(slots, shown, strict=True) if u]], names=["hall", "slot"]
        ).to_frame(index=False)
        mean = (seconds / SLOT_S / open_days)[:, :, shown]
        return keys, {"queue": mean.reshape(len(mean), -1)}

    def _sums(self, by: str) -> tuple[pd.DataFrame, dict[str, Floats]]:
        keys, sums = self._cells(by)
        quantiles = None
        if by in self.tallies[0].quantiles:
            quantiles = np.array([t.quantiles[by] for t in self.tallies])
        keep = sums[:, :, _F["visitors"]].sum(axis=0) > 0
        if by in ("district", "tier", "street", "hall"):
            keep[:] = True
        if by in ("tier", "street"):
            own = self.ledger.tiers if by == "tier" else self.ledger.street_of
            keep = np.isin(np.arange(len(keys)), own)
        values = measures_of(sums[:, keep], None if quantiles is None else quantiles[:, keep])
        if by in ("item", "class", "hour", "hall_hour"):  # windows are not staffed by these
            del values["utilisation"]
        return keys[keep].reset_index(drop=True), values

    def _cells(self, by: str) -> tuple[pd.DataFrame, Floats]:
        """Key columns, and counts [replications, keys, fields]."""
        ledger, month = self.ledger, self.ledger.month
        halls = [h.hall for h in month.scenario.halls]
        frame = pd.DataFrame
        if by == "item":
            return frame({"item": [i.item for i in month.scenario.items]}), self._stack("item")
        if by == "class":
            return frame({"class": list(month.scenario.classes)}), self._stack("kind")
        if by in ("hour", "hall_hour"):
            cells = self._stack("hall_hour")
            if by == "hour":
                return frame({"hour": range(24)}), cells.sum(axis=1)
            index = pd.MultiIndex.from_product([halls, range(24)], names=["hall", "hour"])
            return index.to_frame(index=False), cells.reshape(len(cells), -1, len(FIELDS))
        unit = self._stack("unit").reshape(self.replications, len(month.dates), -1, len(FIELDS))
        hall_day = np.moveaxis(_fold(np.moveaxis(unit, 2, 0), ledger.hall_of, len(halls)), 0, 2)
        if by == "hall_day":
            index = pd.MultiIndex.from_product([month.dates, halls], names=["day", "hall"])
            return index.to_frame(index=False)[["hall", "day"]], hall_day.reshape(
                self.replications, -1, len(FIELDS)
            )
        if by in ("day", "weekday", "week"):
            day = hall_day.sum(axis=2)
            if by == "day":
                return frame({"day": month.dates}), day
            names = ledger.weeks if by == "week" else list(range(7))
            places = ledger.week_of if by == "week" else ledger.weekdays
            folded = _fold(np.moveaxis(day, 1, 0), places, len(names))
            return frame({by: names}), np.moveaxis(folded, 0, 1)
        hall = hall_day.sum(axis=1)
        if by == "hall":
            return frame({"hall": halls}), hall
        if by == "district":
            return frame(index=[0]), hall.sum(axis=1, keepdims=True)
        parts = list(TIERS) if by == "tier" else ledger.streets
        places = ledger.tiers if by == "tier" else ledger.street_of
        folded = _fold(np.moveaxis(hall, 1, 0), places, len(parts))
        return frame({by: parts}), np.moveaxis(folded, 0, 1)

    def _stack(self, name: str) -> Floats:
        return np.array([getattr(t, name) for t in self.tallies])

    def __repr__(self) -> str:
        return (
            f"Measures({self.label or self.ledger.month.label}, {self.replications} replications)\n"
            + str(self.table().set_index("measure").round(3))
        )

    def _repr_html_(self) -> str:
        html: str = self.table().set_index("measure").round(2).to_html()
        return f"<p>{self.label} {self.ledger.month.label} · n = {self.replications}</p>{html}"


def measures_of(sums: Floats, quantiles: Floats | None = None) -> dict[str, Floats]:
    """Measures from counts [..., fields]; nan where nothing was counted."""
    get = {name: sums[..., k] for name, k in _F.items()}
    with np.errstate(invalid="ignore", divide="ignore"):
        values = {
            "visitors": get["visitors"], "served": get["served"],
            "abandoned": get["abandoned"], "turned_away": get["turned_away"],
            "balked": get["balked"],
            "lost": get["abandoned"] + get["turned_away"] + get["balked"],
            "mean_wait_min": get["wait_s"] / get["tickets"] / 60,
            "within_share": get["within"] / get["visitors"],
            "mean_stay_min": get["stay_s"] / get["served"] / 60,
            "counters": get["counters"] / get["served"],
            "utilisation": get["work_s"] / (get["staffed_s"] + get["overtime_s"]),
            "overtime_min": get["overtime_s"] / 60,
            "total_wait_min": get["wait_s"] / 60,
        }  # fmt: skip
    if quantiles is not None:
        values["median_wait_min"], values["p90_wait_min"] = (
            quantiles[..., 0] / 60,
            quantiles[..., 1] / 60,
        )
    return {name: values[name] for name in MEASURES if name in values}


def _tidy(keys: pd.DataFrame, values: dict[str, Floats], confidence: float) -> pd.DataFrame:
    parts = []
    for measure, samples in values.items():
        mean, lo, hi = interval(samples, confidence)
        parts.append(keys.assign(measure=measure, mean=mean, lo=lo, hi=hi))
    return pd.concat(parts, ignore_index=True)
