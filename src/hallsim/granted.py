"""What leave granted and limits on windows take from the stations of every day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np

from hallsim.records import Ints
from hallsim.rosters import leave_by_day
from hallsim.scenario import Scenario, Selector, in_season
from hallsim.stations import Station, group_names, home_by_group, share_out


def leave_of_stations(
    scenario: Scenario, parts: Sequence[Station], dates: Sequence[dt.date]
) -> Ints:
    """[D, S]: clerks on leave; in a hall of several stations where their group has most at home."""
    found = np.zeros((len(dates), len(parts)), np.int64)
    if not scenario.leave and not scenario.roster:
        return found
    by_hall = leave_by_day(scenario, dates)
    home = home_by_group(scenario, list(parts))
    for g, name in enumerate(group_names(scenario)):
        for h in np.flatnonzero(by_hall[:, :, g].any(axis=0)).tolist():
            able = [s for s, p in enumerate(parts) if p.hall == h and name in p.groups]
            if able:
                found[:, max(able, key=lambda s: home[s, g])] += by_hall[:, h, g]
    return found


def windows_allowed(scenario: Scenario, parts: Sequence[Station], dates: Sequence[dt.date]) -> Ints:
    """[D, S]: windows that `most_windows` leaves; in a hall of several stations in proportion."""
    seats = np.array([len(p.windows) for p in parts], np.int64)
    found = np.tile(seats, (len(dates), 1))
    selector = Selector(scenario.halls)
    for row in scenario.limits:
        if row.limit != "most_windows":
            continue
        days = [in_season(row.first, row.last, date) for date in dates]
        for h in selector(row.halls):
            own = [s for s, p in enumerate(parts) if p.hall == h and not p.machine]
            if own and seats[own].sum() > row.value:
                allowed = share_out(row.value, seats[own].tolist())
                found[np.ix_(days, own)] = np.minimum(found[np.ix_(days, own)], allowed)
    return found
