"""A district small enough to hold in the head: six halls, two items, office hours.

    D           district hall
    A  A1 A2    street hall A and its communities
    B  B1       street hall B and its community

`small()` is that district with flat demand and no extras; keywords replace whole fields of the
scenario, e.g. `small(variation=Variation(day_cv=0.2))`.  `lone()` is a single hall.
"""

from __future__ import annotations

from typing import Any

from hallsim.scenario import (
    Clerks,
    Demand,
    Hall,
    Hours,
    Item,
    Scenario,
    VisitorClass,
    Weight,
    Windows,
)

OFFICE = Hours(weekdays="09:00-12:00 14:00-18:00")  # type: ignore[arg-type]
HALLS = (
    Hall(hall="D", tier="district", hours="office"),
    Hall(hall="A", tier="street", hours="office"),
    Hall(hall="A1", tier="community", street="A", hours="office"),
    Hall(hall="A2", tier="community", street="A", hours="office"),
    Hall(hall="B", tier="street", hours="office"),
    Hall(hall="B1", tier="community", street="B", hours="office"),
)
WINDOWS = {"D": 5, "A": 4, "A1": 3, "A2": 3, "B": 4, "B1": 3}
CLERKS = {"D": 4, "A": 2, "A1": 3, "A2": 2, "B": 4, "B1": 2}
PERMIT = Item(item="permit", minutes=12, cv=0.6, law="lognormal")
CARD = Item(item="card", minutes=6, cv=0.6, law="gamma")
YEARLY = {"D": 32000, "A": 20000, "A1": 15000, "A2": 16000, "B": 20000, "B1": 16000}
"""Visitors a year; half of them for each item."""


def small(**fields: Any) -> Scenario:
    """The district above; every keyword replaces a field of the scenario."""
    usual: dict[str, Any] = {
        "name": "small",
        "hours": {"office": OFFICE},
        "halls": HALLS,
        "windows": tuple(Windows(hall=h, count=n) for h, n in WINDOWS.items()),
        "clerks": tuple(Clerks(hall=h, count=n) for h, n in CLERKS.items()),
        "items": (PERMIT, CARD),
        "demand": tuple(
            Demand(halls=(h,), item=i, volume=n / 2)
            for h, n in YEARLY.items()
            for i in ("permit", "card")
        ),
    }
    return Scenario(**(usual | fields))


def lone(
    *, volume: float = 25000, open: int = 5, staff: int = 5, hours: Hours = OFFICE, **fields: Any
) -> Scenario:
    """A district hall alone, with the item `permit`, so many windows `open` and clerks on `staff`."""
    usual: dict[str, Any] = {
        "name": "lone",
        "hours": {"office": hours},
        "halls": HALLS[:1],
        "windows": (Windows(hall="D", count=open),),
        "clerks": (Clerks(hall="D", count=staff),),
        "items": (PERMIT,),
        "demand": (Demand(halls=("D",), item="permit", volume=volume),),
    }
    return Scenario(**(usual | fields))


def full(**fields: Any) -> Scenario:
    """The same district with everything a visit may have: cases, a second counter, returns, samples,
    bookings, no-shows, people who leave at once or turn round."""
    permit = PERMIT.model_copy(
        update={
            "law": "empirical", "sample": "seen", "cases": 1.5, "next": "card", "walk_minutes": 2.0,
            "return_share": 0.2, "return_days": 6.0,
        }
    )  # fmt: skip
    usual: dict[str, Any] = {
        "items": (permit, CARD),
        "profiles": tuple(
            Weight(profile="seen", kind="minutes", key=k, weight=w)
            for k, w in (("2", 1), ("12.5", 2), ("30", 1))
        ),
        "classes": {
            "walk_in": VisitorClass(
                share=0.7, leave_at_once=0.05, patience_minutes=60, balk_at=12
            ),
            "booked": VisitorClass(
                share=0.3, credit_minutes=20, slot_minutes=30, late_minutes=-3,
                late_sd_minutes=8, no_show=0.1,
            ),
        },
    }  # fmt: skip
    return small(**(usual | fields))
