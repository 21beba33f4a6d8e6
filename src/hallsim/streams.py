"""Random numbers keyed by names, so that the same visitor lives the same life in every run.

A stream is a 64-bit key made from names (seed, purpose, hall, item, …); number `i` of a stream is a
pure function of key and `i` (the SplitMix64 generator of Steele, Lea and Flood, OOPSLA 2014, with
the key as its state).  Nothing depends on the order of use, the batch size or the number of jobs,
and adding a hall, an item or a visitor disturbs nobody else.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_TO_UNIT = 2.0**-53


def stream(*names: str | int) -> int:
    """The 64-bit key of a stream named by text and numbers; every part and its place counts."""
    return int.from_bytes(_digest(map(_part, names)), "little")


def grid(*names: Sequence[str | int]) -> NDArray[np.uint64]:
    """The keys of the streams named by one name from each list, in an array with an axis for each."""
    parts = [[_part(name) for name in axis] for axis in names]
    digests = b"".join(map(_digest, itertools.product(*parts)))
    return np.frombuffer(digests, "<u8").astype(np.uint64).reshape([len(p) for p in parts])


def _part(name: str | int) -> str:
    return f"int:{int(name)}" if isinstance(name, int | np.integer) else f"str:{name}"


def _digest(parts: Iterable[str]) -> bytes:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def split(key: Any, index: Any) -> Any:
    """The key of sub-stream `index` of `key`; also number `index` of the stream, as 64 bits."""
    z = np.uint64(key) + (np.uint64(index) + np.uint64(1)) * _GAMMA
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    return z ^ (z >> _S31)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def uniform(key: Any, index: Any) -> float:
    """Number `index` of the stream, in the open interval (0, 1)."""
    return (np.float64(split(key, index) >> _S11) + 0.5) * _TO_UNIT


@njit(cache=True, nogil=True, error_model="numpy")
def normal_quantile(p: float) -> float:
    """Inverse of the standard normal distribution, relative error 1e-16 (Wichura 1988, AS 241)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return (
            q
            * (((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r
            + 45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r
            + 133.14166789178437745) * r + 3.387132872796366608)
            / (((((((5226.495278852545925 * r + 28729.085735721942674) * r + 39307.89580009271061) * r
            + 21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r
            + 42.313330701600911252) * r + 1.0)
        )  # fmt: skip
    r = np.sqrt(-np.log(p if q < 0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        value = (
            (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r
            + 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r
            + 4.6303378461565452959) * r + 1.42343711074968357734)
            / (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r
            + 0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494) * r
            + 2.05319162663775882187) * r + 1.0)
        )  # fmt: skip
    else:
        r -= 5.0
        value = (
            (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r
            + 0.026532189526576123093) * r + 0.29656057182850489123) * r + 1.7848265399172913358) * r
            + 5.4637849111641143699) * r + 6.6579046435011037772)
            / (((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r
            + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
            + 0.59983220655588793769) * r + 1.0)
        )  # fmt: skip
    return -value if q < 0 else value


@njit(cache=True, nogil=True, error_model="numpy")
def poisson(key: Any, mean: float) -> int:
    """Poisson by inversion, in chunks of mean 32: exact, and never smaller for a larger mean.

    Raising the mean therefore only adds visitors to those who come anyway.
    """
    total = 0
    chunk = 0
    while mean > 0.0:
        part = min(mean, 32.0)
        u = uniform(key, chunk)
        term = np.exp(-part)
        below = term
        k = 0
        while u > below and k < 400:
            k += 1
            term *= part / k
            below += term
        total += k
        chunk += 1
        mean -= part
    return total
