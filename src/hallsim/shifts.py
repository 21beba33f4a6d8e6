"""What can be chosen within a day: windows open by spell of the day, lunch, and clerks' duty slips.

A *profile* is the number of windows open in each spell, [T].  All clerks present share the opening
hours: each takes one lunch where a session runs through lunch, and whoever is neither at lunch nor
at a window does the other duty (guidance desk, back office).  A window that opens late is a clerk
whose other duty comes first.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hallsim.records import Ints
from hallsim.scenario import Hours, Session
from hallsim.stations import Station, duties

Step = Literal["half-hour", "hour", "session"]
STEPS: dict[str, int] = {"half-hour": 1800, "hour": 3600, "session": 86400}
"""Spells are at most so many seconds long."""
LUNCH, OTHER = "lunch", "other"


@dataclass(frozen=True)
class Frame:
    """What can be chosen at a station on one kind of day.

    Attributes:
        station: whose windows open.
        spells: [T, 2] begin and end of every spell, in seconds after midnight; they do not overlap.
        session: [T] number of the session of each spell.
        present: [T] clerks on duty, those at lunch among them.
        least, most: [T] windows open at least and at most.
        starts: seconds at which a lunch can begin; empty where no session runs through lunch.
        lunch: how long a lunch is, in seconds.
        diners: clerks who need a lunch.
        duties: rows (window, items, on, off, speed) of the usual rota.
    """

    station: Station
    spells: Ints
    session: Ints
    present: Ints
    least: Ints
    most: Ints
    starts: tuple[int, ...]
    lunch: int
    diners: int
    duties: tuple[tuple[int, int, int, int, int], ...]

    @functools.cached_property
    def seconds(self) -> Ints:
        """[T]: length of each spell."""
        found: Ints = self.spells[:, 1] - self.spells[:, 0]
        return found

    @functools.cached_property
    def usual(self) -> Ints:
        """[T]: windows open under the usual rota."""
        rows = np.array([row[2:4] for row in self.duties], np.int64).reshape(-1, 2)
        inside = (rows[:, :1] <= self.spells[:, 0]) & (rows[:, 1:] >= self.spells[:, 1])
        return inside.sum(axis=0).astype(np.int64)

    @functools.cached_property
    def budget(self) -> int:
        """Window-seconds of the usual rota, which no profile exceeds."""
        return int(self.usual @ self.seconds)

    @functools.cached_property
    def covers(self) -> NDArray[np.bool_]:
        """[J, T]: whether a lunch that begins at each start takes any of the spell."""
        begin = np.array(self.starts, np.int64).reshape(-1, 1)
        found: NDArray[np.bool_] = (begin < self.spells[:, 1]) & (
            begin + self.lunch > self.spells[:, 0]
        )
        return found

    @functools.cached_property
    def changes(self) -> Ints:
        """Spells, as indices, that follow another one without a break: windows may change there."""
        found: Ints = np.flatnonzero(self.spells[1:, 0] == self.spells[:-1, 1]) + 1
        return found

    @property
    def fixed(self) -> bool:
        """Whether the usual rota leaves nothing to choose: no window can open where one is closed."""
        return bool((self.usual == self.most).all())

    def lunches(self, profile: Ints) -> Ints | None:
        """[J] clerks who begin lunch at each start, as early as can be; None if not all can eat.

        Lunches are equally long, so to seat as many as possible at the earliest start never stands
        in the way of the others: whoever could eat later instead frees nothing that others need.
        """
        free = self.present - profile
        found = np.zeros(len(self.starts), np.int64)
        for j, covered in enumerate(self.covers):
            found[j] = min(self.diners - int(found.sum()), int(free[covered].min()))
            free = free - found[j] * covered
        return found if not self.starts or found.sum() == self.diners else None

    def allows(self, profile: Ints) -> bool:
        """Whether the profile keeps bounds, lunches and the hours of the usual rota."""
        return bool(
            (profile >= self.least).all()
            and (profile <= self.most).all()
            and profile @ self.seconds <= self.budget
            and self.lunches(profile) is not None
        )

    def rows(self, profile: Sequence[int]) -> list[tuple[int, int, int, int, int]]:
        """Rows (window, items, on, off, speed) with the first windows of the station open."""
        found = []
        for k, window in enumerate(self.station.windows[: max(profile, default=0)]):
            on = off = -1
            for (begin, end), count in zip(self._edges, profile, strict=True):
                if count <= k:
                    continue
                if begin != off:
                    if off > 0:
                        found.append((window.number, window.items, on, off, window.speed))
                    on = begin
                off = end
            found.append((window.number, window.items, on, off, window.speed))
        return sorted(found)

    @functools.cached_property
    def _edges(self) -> list[tuple[int, int]]:
        return [(int(a), int(b)) for a, b in self.spells]


def frame(
    station: Station,
    sessions: tuple[Session, ...],
    hours: Hours,
    *,
    clerks: int,
    windows: int,
    least: Sequence[tuple[int, int, int]] = (),
    most: int | None = None,
    step: Step = "half-hour",
) -> Frame:
    """The frame of a kind of day.

    Args:
        station: whose windows open.
        sessions: of the day, one at least.
        hours: of the hall.
        clerks: present, 1 at least.
        windows: open all day under the usual rota.
        least: (begin, end, windows): in these seconds so many windows at least.  Else it is one, but
            none at lunch where the usual rota has a lunch without any.
        most: windows open at most, as well as those there are.
        step: how often the number of windows may change.
    """
    lunch = hours.lunch
    long = 0 if lunch is None else (lunch.last - lunch.first) // lunch.waves
    spells: list[tuple[int, int]] = []
    number: list[int] = []
    starts: tuple[int, ...] = ()
    diners = 0
    for k, session in enumerate(sessions):
        edges = {session.off, *range(session.on, session.off, STEPS[step])}
        if lunch is not None and session.on <= lunch.first and lunch.last <= session.off:
            edges |= {lunch.first + j * long for j in range(lunch.waves + 1)}
            starts = tuple(sorted(e for e in edges if lunch.first <= e <= lunch.last - long))
            diners = _on_duty(clerks, session)
        ordered = sorted(edges)
        spells += itertools.pairwise(ordered)
        number += [k] * (len(ordered) - 1)
    span = np.array(spells, np.int64)
    session_of = np.array(number, np.int64)
    present = np.array([_on_duty(clerks, s) for s in sessions], np.int64)[session_of]
    top = np.minimum(present, len(station.windows) if most is None else most)
    rows = tuple(duties(station, sessions, hours, windows))
    wanted = np.ones(len(span), np.int64)
    if lunch is not None and not _open_all_along(rows, sessions):
        wanted[(span[:, 0] < lunch.last) & (span[:, 1] > lunch.first)] = 0
    for begin, end, count in least:
        wanted[(span[:, 0] < end) & (span[:, 1] > begin)] = count
    wanted = np.minimum(wanted, top)
    return Frame(station, span, session_of, present, wanted, top, starts, long, diners, rows)


def _open_all_along(rows: Sequence[tuple[int, ...]], sessions: Sequence[Session]) -> bool:
    """Whether some window is open at any time of the sessions."""
    return all(
        any(on <= t < off for _, _, on, off, _ in rows)
        for session in sessions
        for t in [session.on, *(off for *_, off, _ in rows if session.on <= off < session.off)]
    )


def _on_duty(clerks: int, session: Session) -> int:
    return math.ceil(clerks * session.share - 1e-9)


class Slip(NamedTuple):
    """What a clerk does from `on` to `off`: `window` (its number), `lunch` or `other`."""

    clerk: int
    on: int
    off: int
    duty: str
    window: int


def slips(of: Frame, profile: Ints) -> list[Slip]:
    """Who is where all day, clerks numbered from 1, in the order of clerks and hours.

    Whoever is at a window stays there as long as it is open and lunch is not due.  To lunch go first
    those whose window closes; a free window is given to who has been at windows least.

    Raises:
        ValueError: the profile is not allowed.
    """
    eating = of.lunches(profile)
    if eating is None:
        raise ValueError("not everybody can have lunch under this profile")
    seats: dict[int, int] = {}
    hungry = set(range(of.diners))
    back: dict[int, int] = {}
    worked = np.zeros(int(of.present.max(initial=0)), np.int64)
    found: list[Slip] = []
    for t, (on, off) in enumerate(of.spells.tolist()):
        here = range(int(of.present[t]))
        if on in of.starts:
            begin = int(eating[of.starts.index(on)])
            for c in sorted(hungry, key=lambda c: _lunch_order(c, seats, int(profile[t])))[:begin]:
                hungry.remove(c)
                back[c] = on + of.lunch
        away = {c for c in here if back.get(c, 0) > on}
        kept = {w: c for w, c in seats.items() if c not in away and c in here and w < profile[t]}
        moved = [
            c for w, c in sorted(seats.items()) if c in here and c not in {*away, *kept.values()}
        ]
        idle = sorted(
            set(here) - away - set(kept.values()) - set(moved), key=lambda c: (worked[c], c)
        )
        waiting = iter([*moved, *idle])
        seats = {w: kept[w] if w in kept else next(waiting) for w in range(int(profile[t]))}
        place = {c: w for w, c in seats.items()}
        worked[list(place)] += off - on
        for c in here:
            duty = LUNCH if c in away else "window" if c in place else OTHER
            window = of.station.windows[place[c]].number if c in place else 0
            found.append(Slip(c + 1, on, off, duty, window))
    return _joined(found)


def _lunch_order(clerk: int, seats: dict[int, int], windows: int) -> tuple[int, int]:
    """Those at windows that close, from the last; then those at none; then the others."""
    at = next((w for w, c in seats.items() if c == clerk), None)
    if at is None:
        return (1, clerk)
    return (0, -at) if at >= windows else (2, -at)


def _joined(found: list[Slip]) -> list[Slip]:
    joined: list[Slip] = []
    for slip in sorted(found):
        last = joined[-1] if joined else None
        if last and (last.clerk, last.off, last.duty, last.window) == (
            slip.clerk, slip.on, slip.duty, slip.window,
        ):  # fmt: skip
            joined[-1] = last._replace(off=slip.off)
        else:
            joined.append(slip)
    return joined
