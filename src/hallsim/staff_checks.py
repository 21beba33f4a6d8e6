"""What must hold of limits, leave granted, the roster and travel; see `hallsim.checks`.

Only what two rows say of each other is told here.  Limits that cannot be kept together with
everything else are for the optimizer, which names them and keeps as much of them as it can.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from hallsim import synonyms
from hallsim.findings import (
    Check,
    Draft,
    Finding,
    called,
    halls_named,
    means_a_hall,
    repeated,
    season,
    selectors,
    some,
    totals,
)
from hallsim.problems import Loc
from hallsim.scenario import (
    DAY_KEYS,
    MACHINE,
    Hours,
    Leave,
    Limit,
    RosterClerk,
    hour_span,
    in_season,
    parse_leave,
)
from hallsim.synonyms import both

Post = tuple[str, str]
"""Hall and skill group."""


# --- names ------------------------------------------------------------------------------------


def halls_exist(d: Draft) -> Iterator[Finding]:
    """Halls that these tables speak of exist."""
    ids = [h.hall for h in d.scenario.halls]
    columns = {"leave": ("hall",), "roster": ("hall",), "travel": ("origin", "destination")}
    for table, names in columns.items():
        for n, row in enumerate(getattr(d.scenario, table)):
            for column in names:
                name = getattr(row, column)
                if name not in ids and not d.knows("halls", name):
                    near = called(d, name)
                    yield Finding((table, n, column), "unknown_hall", name, {}, ids, near=near)
    for n, limit in enumerate(d.scenario.limits):
        for name in limit.halls:
            if not means_a_hall(d, name):
                known, loc = selectors(d.scenario), ("limits", n, "halls")
                yield Finding(loc, "unknown_hall", name, {}, known, near=called(d, name))


def groups_exist(d: Draft) -> Iterator[Finding]:
    """Skill groups that these tables speak of have clerks."""
    if not d.whole("clerks"):
        return
    groups = list(dict.fromkeys(row.group for row in d.scenario.clerks))
    for table in ("limits", "leave", "roster"):
        for n, row in enumerate(getattr(d.scenario, table)):
            if row.group and row.group not in groups:
                yield Finding((table, n, "group"), "unknown_group", row.group, {}, groups)


# --- limits -----------------------------------------------------------------------------------


def limit_rows(d: Draft) -> Iterator[Finding]:
    """Days and hours can be read, and stand where they mean something."""
    rows = d.scenario.limits
    first: dict[tuple[Any, ...], int] = {}
    for n, row in d.sound("limits"):
        m = first.setdefault((row.halls, row.limit, row.group, row.hours, row.first, row.last), n)
        if m != n:
            other: Loc = ("limits", m, "limit")
            yield Finding(("limits", n, "limit"), "duplicate", row.limit, other=other)
    for n, row in enumerate(rows):
        yield from season("limits", n, row.first, row.last)
        if row.group and row.limit.endswith("windows"):
            yield Finding(("limits", n, "group"), "limit_group", row.group)
        if row.hours and row.limit != "least_windows":
            params = {"limit": both("least_windows", synonyms.LIMIT)}
            yield Finding(("limits", n, "hours"), "limit_hours", row.hours, params)
        elif row.hours:
            yield from _hours(d, n, row)


def _hours(d: Draft, n: int, row: Limit) -> Iterator[Finding]:
    """The hours of a limit lie within the opening hours of some kind of day, in every hall named."""
    span = hour_span(row.hours)
    if span is None:
        yield Finding(("limits", n, "hours"), "hours_form", row.hours)
        return
    hours = d.scenario.hours
    shut = [
        h.hall
        for h in halls_named(d, row.halls)
        if h.hours in hours and not _opens(hours[h.hours], *span)
    ]
    if shut:
        params = {"halls": some(shut)}
        yield Finding(("limits", n, "hours"), "hours_closed", row.hours, params)


def _opens(hours: Hours, first: int, last: int) -> bool:
    days = (getattr(hours, name) for name in ("weekdays", *DAY_KEYS))
    return any(_covers([(s.on, s.off) for s in day], first, last) for day in days if day)


def _covers(sessions: list[tuple[int, int]], first: int, last: int) -> bool:
    """Whether sessions, one after the other, leave no gap between two moments."""
    for on, off in sessions:
        first = off if on <= first < off else first
    return first >= last


def limits_within_reach(d: Draft) -> Iterator[Finding]:
    """No limit asks for more clerks or windows than there are."""
    for n, row in d.sound("limits"):
        halls = [h.hall for h in halls_named(d, row.halls)]
        loc = ("limits", n, "value")
        if row.limit in ("least_clerks", "total_least_clerks") and d.whole("clerks"):
            those = [c.count for c in d.scenario.clerks if row.group in ("", c.group)]
            times = len(halls) if row.limit == "least_clerks" else min(1, len(halls))
            if those and row.value * times > sum(those):
                params = {
                    "needed": _product(times, row.value),
                    "count": sum(those),
                    "group": f" ({row.group})" if row.group else "",
                }
                yield Finding(loc, "limit_clerks", row.value, params)
        elif row.limit == "least_windows" and d.whole("windows"):
            windows = totals(w for w in d.scenario.windows if w.kind != MACHINE)
            short = [f"{h} ({windows[h]})" for h in halls if row.value > windows[h]]
            if short:
                yield Finding(loc, "limit_windows", row.value, {"halls": some(short)})


def _product(times: int, value: int) -> str:
    return f"{times} × {value} = {times * value}" if times > 1 else str(value)


class _Demand(NamedTuple):
    """What a limit asks of some halls together, or of each of them."""

    n: int
    row: Limit
    halls: set[str]


LEAST = {"least_clerks", "least_windows", "total_least_clerks"}
MOST = {"most_clerks", "most_windows", "total_most_clerks"}


def limits_agree(d: Draft) -> Iterator[Finding]:
    """No two limits contradict each other, nor the minimum of the clerks table."""
    asked = [
        _Demand(n, row, {h.hall for h in halls_named(d, row.halls)}) for n, row in d.sound("limits")
    ]
    most = [a for a in asked if a.row.limit in MOST]
    for least in asked:
        for other in most if least.row.limit in LEAST else ():
            yield from _contradiction(least, other)
    if d.whole("clerks"):
        for one in most:
            yield from _below_minimum(d, one)


def _contradiction(least: _Demand, most: _Demand) -> Iterator[Finding]:
    """Of a least and a most number; told at the later row, with the place of the other."""
    low, high = _numbers(least, most)
    if low * least.row.value <= high * most.row.value or not low:
        return
    if most.row.group not in ("", least.row.group) or not _together(least.row, most.row):
        return
    last, first = max(least.n, most.n), min(least.n, most.n)
    params = {
        "least": _product(low, least.row.value),
        "most": _product(high, most.row.value),
        "halls": some(sorted(least.halls & most.halls)),
    }
    place: Loc = ("limits", last, "value")
    yield Finding(place, "limits_clash", None, params, other=("limits", first, "value"))


def _numbers(least: _Demand, most: _Demand) -> tuple[int, int]:
    """How many times each of the two values counts in a comparison; 0, 0: they do not compare."""
    both_of = len(least.halls & most.halls)
    kinds = least.row.limit, most.row.limit
    if kinds == ("least_clerks", "total_most_clerks"):
        return both_of, min(1, both_of)
    if kinds == ("total_least_clerks", "total_most_clerks"):
        return (1, 1) if least.halls and least.halls <= most.halls else (0, 0)
    if kinds == ("total_least_clerks", "most_clerks"):
        return (1, both_of) if least.halls and least.halls <= most.halls else (0, 0)
    alike = kinds[0].removeprefix("least_") == kinds[1].removeprefix("most_")
    return (1, 1) if alike and both_of else (0, 0)


def _together(a: Limit, b: Limit) -> bool:
    """Whether two limits hold on a common day: then they do on the first or last day of one."""
    if not (a.first or a.last) or not (b.first or b.last):
        return True
    days = [day for row in (a, b) for day in (row.first, row.last) if day]
    years = {int(day[:4]) for day in days if len(day) > 5} or {2000}
    near = {year + k for year in years for k in range(-4, 5)}
    dates = {date for day in days for date in _dates(day, near)}
    return any(in_season(a.first, a.last, t) and in_season(b.first, b.last, t) for t in dates)


def _dates(day: str, years: set[int]) -> Iterator[dt.date]:
    """The day itself, or that of these years."""
    for text in [day] if len(day) > 5 else [f"{year}-{day}" for year in sorted(years)]:
        try:
            yield dt.date.fromisoformat(text)
        except ValueError:
            continue  # no such day, or not in this year


def _below_minimum(d: Draft, most: _Demand) -> Iterator[Finding]:
    if most.row.limit == "most_windows":
        return
    rows = [
        (n, c)
        for n, c in enumerate(d.scenario.clerks)
        if c.count and c.minimum and c.hall in most.halls and most.row.group in ("", c.group)
    ]
    kept = Counter[str]()
    for _, clerks in rows:
        kept[clerks.hall if most.row.limit == "most_clerks" else ""] += clerks.minimum
    over = {hall for hall, number in kept.items() if number > most.row.value}
    if over:
        n, _ = next((n, c) for n, c in rows if c.hall in over or "" in over)
        params = {"minimum": max(kept[hall] for hall in over), "halls": some(sorted(over - {""}))}
        rule = "limit_minimum" if most.row.limit == "most_clerks" else "limit_minima"
        loc: Loc = ("limits", most.n, "value")
        yield Finding(loc, rule, most.row.value, params, other=("clerks", n, "minimum"))


# --- leave and roster -------------------------------------------------------------------------


def leave_rows(d: Draft) -> Iterator[Finding]:
    """Spells are in order, and no more are on leave on a day than there are."""
    posts: dict[Post, list[tuple[int, Leave]]] = defaultdict(list)
    for n, row in d.sound("leave"):
        if row.last and row.last < row.first:
            yield Finding(("leave", n, "last"), "day_order", row.last)
        else:
            posts[row.hall, row.group].append((n, row))
    if d.scenario.roster:
        if d.scenario.leave:
            yield Finding(("leave", 0, "hall"), "leave_in_roster", other=("roster", 0, "clerk"))
    elif d.whole("clerks"):
        count = {(c.hall, c.group): c.count for c in d.scenario.clerks}
        known = {h.hall for h in d.scenario.halls}, {group for _, group in count}
        for post, rows in posts.items():
            if post[0] in known[0] and post[1] in known[1]:
                yield from _too_many(rows, count.get(post, 0))


def _too_many(rows: list[tuple[int, Leave]], count: int) -> Iterator[Finding]:
    """The first day on which more clerks of a post are on leave than there are."""
    for day in sorted({row.first for _, row in rows}):
        away = [(n, row) for n, row in rows if row.first <= day <= (row.last or row.first)]
        leave = sum(row.clerks for _, row in away)
        if leave > count:
            n, row = away[-1]
            params = {"day": day.isoformat(), "leave": leave, "count": count}
            yield Finding(("leave", n, "clerks"), "leave_over", row.clerks, params)
            return


def roster_rows(d: Draft) -> Iterator[Finding]:
    """Everybody is there once, at a post of the clerks table, and leave can be read."""
    first: dict[str, tuple[int, RosterClerk]] = {}
    posts = {(c.hall, c.group) for c in d.scenario.clerks}
    halls, groups = {hall for hall, _ in posts}, {group for _, group in posts}
    for n, row in enumerate(d.scenario.roster):
        if row.clerk in first:
            m, before = first[row.clerk]
            params, rule = {"hall": before.hall}, "clerk_two_halls"
            rule = "duplicate" if before.hall == row.hall else rule
            other: Loc = ("roster", m, "clerk")
            yield Finding(("roster", n, "clerk"), rule, row.clerk, params, other=other)
        first.setdefault(row.clerk, (n, row))
        post = row.hall, row.group
        if d.whole("clerks") and post not in posts and row.hall in halls and row.group in groups:
            yield Finding(("roster", n, "group"), "no_such_post", row.group, {"hall": row.hall})
        try:
            parse_leave(row.leave)
        except ValueError as error:
            yield Finding(("roster", n, "leave"), str(error), row.leave)


def roster_count(d: Draft) -> Iterator[Finding]:
    """The roster has as many clerks at each post as the clerks table.

    Rows that are wrong in themselves may belong here or there: a count that they can explain is not told.
    """
    if not d.scenario.roster or "roster" in d.unread:
        return
    times = Counter(row.clerk for row in d.scenario.roster)
    posts = {(c.hall, c.group) for c in d.scenario.clerks}
    sure, unsure = Counter[Post](), Counter[Post]()
    for n, row in enumerate(d.scenario.roster):
        doubtful = times[row.clerk] > 1 or ("roster", n) in d.patched
        (unsure if doubtful else sure)[row.hall, row.group] += 1
    adrift = sum(k for post, k in (sure + unsure).items() if post not in posts)
    lost = len(d.names.get("roster", ())) - sum(table == "roster" for table, _ in d.patched)
    adrift += max(0, lost)
    for n, clerks in d.sound("clerks"):
        post = clerks.hall, clerks.group
        if not sure[post] <= clerks.count <= sure[post] + unsure[post] + adrift:
            params = {"count": sure[post] + unsure[post]}
            yield Finding(("clerks", n, "count"), "roster_count", clerks.count, params)


def moves_counted(d: Draft) -> Iterator[Finding]:
    """A note where a clerk's moves are limited and nobody knows them."""
    most = d.scenario.transfers.most_moves_per_clerk
    if most is not None and not d.scenario.roster and d.whole("roster"):
        yield Finding(("transfers", "most_moves_per_clerk"), "moves_unknown", most)


# --- travel -----------------------------------------------------------------------------------


def travel_pairs(d: Draft) -> Iterator[Finding]:
    """A pair of halls is given once, and is two halls."""
    rows = d.scenario.travel
    keys = [(r.origin, r.destination, f"{r.origin} → {r.destination}") for r in rows]
    yield from repeated("travel", "destination", keys)
    for n, row in enumerate(rows):
        if row.origin == row.destination:
            yield Finding(("travel", n, "destination"), "travel_same", row.destination)


CHECKS: tuple[Check, ...] = (
    halls_exist,
    groups_exist,
    limit_rows,
    limits_within_reach,
    limits_agree,
    leave_rows,
    roster_rows,
    roster_count,
    moves_counted,
    travel_pairs,
)
"""Every check of these tables."""
