"""Tables of engines written as text, for cases that a reader can follow.

The first line names the columns, `.` is an empty cell, columns left out have their usual value.
Items are letters; a duty lists them as `x|y` or `*`.
"""

from __future__ import annotations

import numpy as np

from hallsim.records import ALL_ITEMS, NEVER, OUTCOMES, Choices, Duties, Ints, Visitors, Visits

Table = dict[str, list[str]]


def visitors(text: str) -> Visitors:
    """`arrival` and `service`, and where wanted the rest; `hall` may be `0|1`, see `choices`."""
    table = columns(text)
    halls = cells(table, "hall", "0")
    return Visitors(
        day=numbers(table, "day", 0),
        hall=np.array([NEVER if c == "." or "|" in c else int(c) for c in halls], np.int64),
        arrival=numbers(table, "arrival"),
        item=np.array([ord(c) - ord("a") for c in cells(table, "item", "a")], np.int64),
        credit=numbers(table, "credit", 0),
        service=numbers(table, "service"),
        patience=numbers(table, "patience", NEVER),
        balk_at=numbers(table, "balk_at", NEVER),
        visit=numbers(table, "visit") if "visit" in table else np.arange(len(halls)),
        stage=numbers(table, "stage", 1),
        walk=numbers(table, "walk", 0),
    )


def choices(text: str) -> Choices | None:
    """The halls `0|1` of visitors and their `travel`, 0 for each where it is `.` or left out."""
    table = columns(text)
    rows = []
    for row, cell in enumerate(cells(table, "hall", "0")):
        halls = cell.split("|")
        travel = cells(table, "travel", ".")[row]
        seconds = ["0"] * len(halls) if travel == "." else travel.split("|")
        if len(halls) > 1:
            rows += [(row, int(h), int(s)) for h, s in zip(halls, seconds, strict=True)]
    return Choices(*np.array(rows, np.int64).reshape(-1, 3).T.copy()) if rows else None


def duties(text: str) -> Duties:
    """`on` and `off`, and where wanted `day`, `hall`, `window`, `items`, `speed`."""
    table = columns(text)
    return Duties(
        day=numbers(table, "day", 0),
        hall=numbers(table, "hall", 0),
        window=numbers(table, "window", 0),
        items=np.array([bits(c) for c in cells(table, "items", "*")], np.int64),
        on=numbers(table, "on"),
        off=numbers(table, "off"),
        speed=numbers(table, "speed", 100),
    )


def visits(text: str) -> Visits:
    """All columns of `Visits`; `window` may be left out where it is always 0 or nothing."""
    table = columns(text)
    outcome = np.array([OUTCOMES.index(c) for c in cells(table, "outcome")], np.int64)
    called = numbers(table, "called")
    return Visits(
        outcome=outcome,
        hall=numbers(table, "hall", 0),
        window=numbers(table, "window") if "window" in table else np.where(called < 0, NEVER, 0),
        ticket=numbers(table, "ticket"),
        called=called,
        finished=numbers(table, "finished"),
    )


def columns(text: str) -> Table:
    """The cells under each name of the first line."""
    names, *rows = (line.split() for line in text.strip().splitlines())
    assert {len(row) for row in rows} <= {len(names)}
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def cells(table: Table, name: str, default: str | None = None) -> list[str]:
    """The column, or the default in every row."""
    if name in table or default is None:
        return table[name]
    return [default] * len(next(iter(table.values())))


def numbers(table: Table, name: str, default: int | None = None) -> Ints:
    """The column as whole numbers, `.` as NEVER."""
    text = cells(table, name, None if default is None else str(default))
    return np.array([NEVER if c == "." else int(c) for c in text], np.int64)


def bits(items: str) -> int:
    """The bit set of `x|y` or `*`."""
    return ALL_ITEMS if items == "*" else sum(1 << ord(c) - ord("a") for c in items.split("|"))
