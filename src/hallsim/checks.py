"""What must hold between the values of a scenario.

Each check is a function that yields findings; `CHECKS` is the list of them.  Those of limits, leave,
roster and travel are in `hallsim.staff_checks`.
"""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from hallsim import staff_checks, synonyms
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
from hallsim.problems import Loc, Place, Problem, ScenarioProblems
from hallsim.scenario import (
    DAY_KEYS,
    MACHINE,
    WEEKDAYS,
    Demand,
    Hours,
    Item,
    Scenario,
    Session,
    Sessions,
    TransferTier,
    fold,
    hour_span,
    machine_halls,
)
from hallsim.synonyms import both

FIRST_YEAR, LAST_YEAR = 2004, 2099
"""The years of the calendar."""
MAX_ITEMS = 62
"""Items of a scenario: each is one bit of a duty's list."""
MAX_STAGES = 6
"""Counters of a visit."""
MONTHS = tuple(str(month) for month in range(1, 13))
PROFILE_KEYS = {"month": MONTHS, "weekday": (*WEEKDAYS, "makeup"), "hour": (), "minutes": ()}
"""The keys that a profile may have; those of hours are spans, those of minutes numbers."""
PROFILE_EXAMPLES = {"hour": "09:00-10:00", "minutes": "12.5"}
NEEDED_KEYS = {"month": MONTHS, "weekday": WEEKDAYS[:5], "hour": (), "minutes": ()}
"""Keys whose absence would be an unseen zero."""


def check(draft: Draft) -> list[Finding]:
    """All findings of all checks."""
    return [finding for one in CHECKS for finding in one(draft)]


def parse_month(text: str) -> tuple[int, int]:
    """Year and month of `2018-09`.

    Raises:
        ScenarioProblems: not a month, or not within the calendar.
    """
    m = re.fullmatch(r"(\d{4})-(\d{1,2})", fold(text))
    rule = ""
    if not m or not 1 <= int(m[2]) <= 12:
        rule = "month"
    elif not FIRST_YEAR <= int(m[1]) <= LAST_YEAR:
        rule = "month_range"
    if rule or not m:
        raise ScenarioProblems([Problem(rule, Place("--month"), value=text)])
    return int(m[1]), int(m[2])


# --- ids --------------------------------------------------------------------------------------


def duplicates(d: Draft) -> Iterator[Finding]:
    """Ids are given once."""
    s = d.scenario
    yield from repeated("halls", "hall", [h.hall for h in s.halls])
    yield from repeated("items", "item", [i.item for i in s.items])
    yield from repeated("clerks", "group", [(c.hall, c.group) for c in s.clerks])
    yield from repeated("profiles", "key", [(w.profile, w.kind, w.key) for w in s.profiles])
    yield from repeated("targets", "tier", [t.tier for t in s.targets])
    yield from repeated("demand", "item", [(r.halls, r.item) for r in s.demand], "demand_twice")


# --- references -------------------------------------------------------------------------------


def hall_references(d: Draft) -> Iterator[Finding]:
    """Halls that tables speak of exist."""
    s = d.scenario
    ids = [h.hall for h in s.halls]
    found = set(ids)
    for table in ("windows", "clerks"):
        for n, row in enumerate(getattr(s, table)):
            if row.hall not in found and not d.knows("halls", row.hall):
                near = called(d, row.hall)
                yield Finding((table, n, "hall"), "unknown_hall", row.hall, {}, ids, near=near)
    for table in ("demand", "peaks", "calendar"):
        for n, row in enumerate(getattr(s, table)):
            for name in row.halls:
                if not means_a_hall(d, name):
                    candidates, near = selectors(s), called(d, name)
                    yield Finding(
                        (table, n, "halls"), "unknown_hall", name, {}, candidates, near=near
                    )


def streets(d: Draft) -> Iterator[Finding]:
    """Community halls name a street hall; other halls name none."""
    street_halls = [h.hall for h in d.scenario.halls if h.tier == "street"]
    for n, hall in enumerate(d.scenario.halls):
        loc = ("halls", n, "street")
        if hall.tier != "community":
            if hall.street:
                yield Finding(loc, "street_not_allowed", hall.street)
        elif not hall.street:
            yield Finding(loc, "street_needed")
        elif hall.street not in street_halls and not d.knows("halls", hall.street):
            yield Finding(loc, "unknown_street", hall.street, candidates=street_halls)


def hours_names(d: Draft) -> Iterator[Finding]:
    """Halls name an entry of `hours`."""
    hours = d.scenario.hours
    for n, hall in enumerate(d.scenario.halls):
        if hall.hours not in hours and not d.knows("hours", hall.hours):
            yield Finding(("halls", n, "hours"), "unknown_hours", hall.hours, candidates=hours)


def item_references(d: Draft) -> Iterator[Finding]:
    """Items that tables speak of exist."""
    s = d.scenario
    items = [i.item for i in s.items]
    columns = {"windows": "items", "clerks": "skills", "demand": "item", "peaks": "items"}
    for table, column in columns.items():
        for n, row in enumerate(getattr(s, table)):
            value = getattr(row, column)
            for name in (value,) if isinstance(value, str) else value:
                every = name == "*" and column != "item"
                if not (every or name in items or d.knows("items", name)):
                    yield Finding((table, n, column), "unknown_item", name, {}, items)


def profile_references(d: Draft) -> Iterator[Finding]:
    """Items name profiles of the right kind."""
    kinds = {"months": "month", "weekdays": "weekday", "hours": "hour", "sample": "minutes"}
    for column, kind in kinds.items():
        names = list(dict.fromkeys(w.profile for w in d.scenario.profiles if w.kind == kind))
        for n, item in enumerate(d.scenario.items):
            name = getattr(item, column)
            if name and name not in names and not d.knows("profiles", name):
                params = {"kind": both(kind, synonyms.PROFILE_KIND)}
                yield Finding(("items", n, column), "unknown_profile", name, params, names)
    for n, item in enumerate(d.scenario.items):
        if item.law == "empirical" and not item.sample:
            yield Finding(("items", n, "sample"), "sample_needed")


def next_counters(d: Draft) -> Iterator[Finding]:
    """Items name other items as their next counter, and a visit has an end."""
    items = {i.item: i for i in d.scenario.items}
    for n, item in enumerate(d.scenario.items):
        loc = ("items", n, "next")
        if item.next and item.next not in items and not d.knows("items", item.next):
            yield Finding(loc, "unknown_item", item.next, {}, items)
        elif item.next and len(stages(items, item.item)) > MAX_STAGES:
            yield Finding(loc, "stages_too_many", item.next, {"limit": MAX_STAGES})


def self_service(d: Draft) -> Iterator[Finding]:
    """What is done at machines is another item, which some machine serves."""
    items = {i.item: i for i in d.scenario.items}
    for n, item in enumerate(d.scenario.items):
        name, loc = item.self_service, ("items", n, "self_service")
        if name and name not in items:
            if not d.knows("items", name):
                yield Finding(loc, "unknown_item", name, {}, items)
        elif name and (name == item.item or items[name].self_service):
            yield Finding(loc, "self_service_chain", name)
        elif item.self_service_share and d.whole("windows"):
            halls = machine_halls(d.scenario, name) if name else set()
            if not halls:
                yield Finding(loc, "self_service_unused", item.item)


def machines(d: Draft) -> Iterator[Finding]:
    """Machines share no item with the clerks' windows of their hall."""
    rows = [(n, row) for n, row in enumerate(d.scenario.windows) if row.count]
    for n, row in rows:
        for m, clerks in rows if row.kind == MACHINE else ():
            if clerks.hall == row.hall and clerks.kind != MACHINE:
                shared = {"*"} & set(row.items) or set(row.items) & set(clerks.items)
                if shared:
                    other = ("windows", m, "items")
                    text = "|".join(sorted(shared))
                    yield Finding(("windows", n, "items"), "machine_shared", text, other=other)


def machine_visits(d: Draft) -> Iterator[Finding]:
    """A visit stays at the machines of a hall, or at the windows with clerks."""
    if not d.whole("windows", "items"):
        return
    rows = {i.item: n for n, i in enumerate(d.scenario.items)}
    known = {i.item: i for i in d.scenario.items}
    crossed: dict[str, list[str]] = defaultdict(list)
    for row in d.scenario.demand:
        for first, halls in _comers(d, row):
            for item, after in itertools.pairwise(stages(known, first)):
                sides = machine_halls(d.scenario, item) ^ machine_halls(d.scenario, after)
                crossed[item] += [h for h in halls if h in sides]
    for item, halls in crossed.items():
        if halls:
            params = {"halls": some(list(dict.fromkeys(halls)))}
            yield Finding(("items", rows[item], "next"), "machine_visit", known[item].next, params)


def _comers(d: Draft, row: Demand) -> Iterator[tuple[str, list[str]]]:
    """The items that a demand row brings to its halls, and to which."""
    item = next((i for i in d.scenario.items if i.item == row.item), None)
    if item is None or not row.volume or item.online_share == 1:
        return
    halls = [h.hall for h in halls_named(d, row.halls) if h.weight]
    share = item.self_service_share if item.self_service else 0.0
    equipped = machine_halls(d.scenario, item.self_service) if share else set()
    yield item.item, [h for h in halls if share < 1 or h not in equipped]
    if any(i.item == item.self_service for i in d.scenario.items):
        yield item.self_service, [h for h in halls if h in equipped]


def stages(items: Mapping[str, Item], first: str) -> list[str]:
    """The counters of a visit; those of a circle until it is too long."""
    found = [first]
    while len(found) <= MAX_STAGES and items[found[-1]].next in items:
        found.append(items[found[-1]].next)
    return found


# --- profiles, peaks, calendar, classes, hours ------------------------------------------------


def profile_keys(d: Draft) -> Iterator[Finding]:
    """The keys of a profile are those of its kind; hours do not overlap."""
    spans: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for n, w in enumerate(d.scenario.profiles):
        loc = ("profiles", n, "key")
        span = hour_span(w.key) if w.kind == "hour" else None
        if span:
            clash = [key for a, b, key in spans[w.profile] if span[0] < b and a < span[1]]
            if clash and w.key not in clash:  # the same key twice is told as a duplicate
                yield Finding(loc, "profile_overlap", w.key, {"other_key": clash[0]})
            spans[w.profile].append((*span, w.key))
        elif w.kind == "minutes" and is_positive(w.key):
            continue
        elif w.key not in PROFILE_KEYS[w.kind]:
            words = {key: synonyms.PROFILE_KEY[key] for key in PROFILE_KEYS[w.kind]}
            candidates = [*words, *(word for key in words for word in words[key])]
            keys = (
                ", ".join(both(key, words) for key in list(words)[:2]) or PROFILE_EXAMPLES[w.kind]
            )
            params = {"kind": both(w.kind, synonyms.PROFILE_KIND), "keys": keys}
            yield Finding(loc, "profile_key", w.key, params, candidates * (w.kind == "weekday"))


def is_positive(key: str) -> bool:
    """Whether the text is a number above 0."""
    return re.fullmatch(r"\d+(\.\d+)?", key) is not None and float(key) > 0


def profile_weights(d: Draft) -> Iterator[Finding]:
    """Month profiles have every month, weekday profiles Monday to Friday, and none is all zeros."""
    if not d.whole("profiles"):
        return
    rows: dict[tuple[str, str], list[int]] = defaultdict(list)
    for n, w in enumerate(d.scenario.profiles):
        rows[w.profile, w.kind].append(n)
    for (profile, kind), numbers in rows.items():
        weights = {d.scenario.profiles[n].key: d.scenario.profiles[n].weight for n in numbers}
        missing = [key for key in NEEDED_KEYS[kind] if key not in weights]
        if not any(weights.values()):
            yield Finding(("profiles", numbers[0], "weight"), "profile_zero", profile)
        elif missing and all(key in PROFILE_KEYS[kind] for key in weights):
            params = {"missing": ", ".join(both(key, synonyms.PROFILE_KEY) for key in missing)}
            yield Finding(("profiles", numbers[0], "key"), "profile_gaps", profile, params)


def peak_days(d: Draft) -> Iterator[Finding]:
    """The days of a peak exist and are in order; those without a year may pass New Year."""
    for n, peak in enumerate(d.scenario.peaks):
        yield from season("peaks", n, peak.first, peak.last)


def calendar_days(d: Draft) -> Iterator[Finding]:
    """Ranges are in order, sessions are sessions, and no day is told twice of the same halls."""
    seen: list[tuple[tuple[str, ...], dt.date, dt.date, int]] = []
    for n, row in enumerate(d.scenario.calendar):
        last = row.last or row.first
        if last < row.first:
            yield Finding(("calendar", n, "last"), "day_order", last)
        for halls, a, b, m in seen:
            if halls == row.halls and a <= last and row.first <= b:
                other = ("calendar", m, "first")
                yield Finding(("calendar", n, "first"), "duplicate", row.first, other=other)
        seen.append((row.halls, row.first, last, n))
        if row.sessions:
            yield from _session_text(row.sessions, ("calendar", n, "sessions"))


def _session_text(text: str, loc: Loc) -> Iterator[Finding]:
    try:
        sessions = TypeAdapter(Sessions).validate_python(text)
    except ValidationError as error:
        for one in error.errors():
            if one["type"] == "value_error":
                yield Finding(loc, str(one["ctx"]["error"]), text)
            else:  # only the share has a limit
                yield Finding(loc, "at_most", text, {"limit": "100%"})
    else:
        yield from _overlaps(sessions, loc)


def _overlaps(sessions: Sequence[Session], loc: Loc) -> Iterator[Finding]:
    for before, after in itertools.pairwise(sessions):
        if after.on < before.off:
            yield Finding(loc, "session_overlap", after.text())


def opening_sessions(d: Draft) -> Iterator[Finding]:
    """Sessions follow each other, lunch lies in one, and somebody can take a ticket."""
    for name, hours in d.scenario.hours.items():
        days = {key: getattr(hours, key) or () for key in ("weekdays", *DAY_KEYS)}
        for key, sessions in days.items():
            yield from _overlaps(sessions, ("hours", name, key))
        yield from _lunch(name, hours, [s for sessions in days.values() for s in sessions])
        open_seconds = max((s[-1].off - s[0].on for s in days.values() if s), default=None)
        early = 60 * (hours.last_ticket_minutes - hours.doors_minutes)
        if open_seconds is not None and early >= open_seconds:
            loc = ("hours", name, "last_ticket_minutes")
            yield Finding(loc, "last_ticket", hours.last_ticket_minutes)


def _lunch(name: str, hours: Hours, sessions: Sequence[Session]) -> Iterator[Finding]:
    lunch = hours.lunch
    if lunch and not any(s.on <= lunch.first and lunch.last <= s.off for s in sessions):
        yield Finding(("hours", name, "lunch"), "lunch_outside")


def class_shares(d: Draft) -> Iterator[Finding]:
    """The shares of the classes sum to 1."""
    total = sum(c.share for c in d.scenario.classes.values())
    if d.whole("classes") and abs(total - 1) > 1e-6:
        yield Finding(("classes",), "share_sum", f"{total:.6g}")


# --- staff and demand -------------------------------------------------------------------------


def staffing(d: Draft) -> Iterator[Finding]:
    """Somebody is left for the windows, and no hall keeps more than it has."""
    rates = d.scenario.staffing
    lost = rates.leave_rate + rates.absence_rate + rates.other_duty_rate
    if lost >= 1:
        yield Finding(("staffing",), "nobody_left", f"{lost:.6g}")
    for n, row in enumerate(d.scenario.clerks):
        if row.minimum > row.count > 0:  # a row without clerks has no minimum
            loc = ("clerks", n, "minimum")
            yield Finding(loc, "minimum_count", row.minimum, {"count": row.count})


def more_clerks(d: Draft) -> Iterator[Finding]:
    """A note where clerks outnumber the windows."""
    if not d.whole("windows", "clerks"):
        return
    windows = totals(row for row in d.scenario.windows if row.kind != MACHINE)
    clerks = totals(d.scenario.clerks)
    ids = [h.hall for h in d.scenario.halls]
    full = [h for h in ids if clerks[h] > windows[h] > 0]
    if full:
        shown = some([f"{h} ({clerks[h]} > {windows[h]})" for h in full])
        params = {"count": len(full), "total": len(ids), "halls": shown}
        yield Finding(("clerks",), "more_clerks", None, params)


def demand_served(d: Draft) -> Iterator[Finding]:
    """Halls with demand have windows and clerks."""
    rows = [row for row in d.scenario.demand if row.volume]
    visited = {h.hall for row in rows for h in halls_named(d, row.halls) if h.weight}
    for rule, table in (("no_windows", "windows"), ("no_clerks", "clerks")):
        counts = totals(getattr(d.scenario, table))
        misspelt = counts.keys() - {h.hall for h in d.scenario.halls}
        unmanned = _only_machines(d.scenario) if table == "clerks" else set()
        if d.whole(table) and not misspelt:
            wanted = visited - unmanned
            for n, hall in enumerate(d.scenario.halls):
                if hall.hall in wanted and not counts[hall.hall]:
                    yield Finding(("halls", n, "hall"), rule, hall.hall)


def _only_machines(scenario: Scenario) -> set[str]:
    rows = [row for row in scenario.windows if row.count]
    return {r.hall for r in rows} - {r.hall for r in rows if r.kind != MACHINE}


def items_served(d: Draft) -> Iterator[Finding]:
    """Where an item is demanded, a window serves it and a clerk can do it."""
    yield from _unserved(d, "windows", "items", "not_served")
    yield from _unserved(d, "clerks", "skills", "skill_missing")


def items_counted(d: Draft) -> Iterator[Finding]:
    """An item is a bit of a word of 64; the last ones stand for all items and for none."""
    if len(d.scenario.items) > MAX_ITEMS:
        yield Finding(("items", MAX_ITEMS, "item"), "items_too_many", None, {"limit": MAX_ITEMS})


def transfer_costs(d: Draft) -> Iterator[Finding]:
    """Transfers over the district are paid on the way through the streets, so costs grow with the tier."""
    x = d.scenario.transfers
    for column in TransferTier.model_fields:
        within, between, district = (
            getattr(tier, column) for tier in (x.within_street, x.between_streets, x.with_district)
        )
        if within > between:
            loc: Loc = ("transfers", "within_street", column)
            yield Finding(loc, "transfer_within", within, {"limit": f"{between:g}"})
        if district < between / 2:
            loc = ("transfers", "with_district", column)
            yield Finding(loc, "transfer_district", district, {"limit": f"{between / 2:g}"})


def _unserved(d: Draft, table: str, column: str, rule: str) -> Iterator[Finding]:
    if not d.whole(table, "items"):
        return
    served: dict[str, set[str]] = defaultdict(set)
    for row in getattr(d.scenario, table):
        if row.count:
            served[row.hall] |= set(getattr(row, column))
    known = {i.item: i for i in d.scenario.items}
    by_machine = {item: machine_halls(d.scenario, item) for item in known if table == "clerks"}
    for n, row in enumerate(d.scenario.demand):
        told = set()
        for first, halls in _comers(d, row):
            for item in dict.fromkeys(stages(known, first)):
                lacking = [h for h in halls if h in served and not served[h] & {"*", item}]
                lacking = [h for h in lacking if h not in by_machine.get(item, ())]
                if lacking and item not in told:
                    told.add(item)
                    yield Finding(("demand", n, "item"), rule, item, {"halls": some(lacking)})


def demand_weights(d: Draft) -> Iterator[Finding]:
    """Demand given to several halls can be shared out."""
    if not d.whole("halls"):
        return
    for n, row in enumerate(d.scenario.demand):
        halls = halls_named(d, row.halls)
        if row.volume and halls and not any(h.weight for h in halls):
            yield Finding(("demand", n, "halls"), "weight_zero", "|".join(row.halls))


def target_tiers(d: Draft) -> Iterator[Finding]:
    """A target is about halls that exist."""
    tiers = {h.tier for h in d.scenario.halls}
    for n, target in enumerate(d.scenario.targets):
        if target.tier != "*" and target.tier not in tiers and d.whole("halls"):
            yield Finding(("targets", n, "tier"), "target_tier", target.tier)


CHECKS: tuple[Check, ...] = (
    duplicates,
    hall_references,
    streets,
    hours_names,
    item_references,
    profile_references,
    next_counters,
    self_service,
    machines,
    machine_visits,
    profile_keys,
    profile_weights,
    peak_days,
    calendar_days,
    opening_sessions,
    class_shares,
    staffing,
    more_clerks,
    demand_served,
    items_served,
    items_counted,
    transfer_costs,
    demand_weights,
    target_tiers,
    *staff_checks.CHECKS,
)
"""Every check, in the order of the file."""
