"""CSV tables as text, read column by column; what is wrong becomes problems with line and value."""

from __future__ import annotations

import contextlib
import csv
import gc
import io
import itertools
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from hallsim.problems import Place, Problem, nearest
from hallsim.records import Ints
from hallsim.scenario import fold

LARGEST = 1_000_000_000
"""No number of seconds or percent is larger."""
BLOCK = 10_000
"""Rows read at a time: few enough to be forgotten before they grow old."""

T = TypeVar("T")
Cells = Sequence[str]
Fault = tuple[str, dict[str, Any]]
"""A rule of `problems.RULES` and its parameters."""

_CLOCK = re.compile(r"([0-9]{1,2}):([0-5][0-9])(?::([0-5][0-9]))?")
_WHOLE = re.compile(r"-?[0-9]+")


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """Without garbage collection, which takes half the time of reading a million rows."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True)
class Table:
    """A CSV file as text, column by column."""

    file: str
    """its path as given"""
    columns: Mapping[str, Cells]
    """cells without blanks around them"""
    lines: Sequence[int] = field(repr=False)
    """of each row, the line in the file on which it begins"""

    def unknown(self, known: Cells) -> list[str]:
        """Names of the columns that have no meaning here."""
        return [name for name in self.columns if name not in known]


def read_table(path: Path, known: Cells, needed: Cells, problems: list[Problem]) -> Table:
    """The rows of a file that have as many cells as the header; the rest become problems."""
    file = str(path)
    rows = _rows(file, _text(path, problems), problems)
    _, first = next(rows, (1, []))
    header = [cell.strip() for cell in first]
    if header:
        _check_header(file, header, known, needed, problems)
    columns: list[list[str]] = [[] for _ in header]
    lines: list[int] = []
    while block := list(itertools.islice(rows, BLOCK)):
        good = [row for row in block if len(row[1]) == len(header)]
        if len(good) < len(block):
            problems += _odd_rows(file, block, len(header))
        lines += [line for line, _ in good]
        for column, cells in zip(
            columns, zip(*(row for _, row in good), strict=True), strict=False
        ):
            column.extend(map(sys.intern, map(str.strip, cells)))
    return Table(file, dict(zip(header, columns, strict=True)), lines)


def _text(path: Path, problems: list[Problem]) -> str:
    """The contents of a file, or nothing and a problem."""
    here = Place(str(path))
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        problems.append(Problem("file_missing", here))
    except OSError as error:
        problems.append(Problem("file_unreadable", here, params={"reason": error.strerror}))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        guess = {"encoding": _likely_encoding(error.object)}
        problems.append(Problem("encoding", Place(str(path), line), params=guess))
    else:
        if not text.strip():
            problems.append(Problem("file_empty", here))
        return text
    return ""


def _rows(file: str, text: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, and the line on which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(Problem("csv_syntax", Place(file, line), params={"reason": str(error)}))


def _odd_rows(file: str, rows: list[tuple[int, list[str]]], width: int) -> list[Problem]:
    """Rows that are longer or shorter than the header."""
    return [
        Problem("row_length", Place(file, line), params={"cells": len(row), "columns": width})
        for line, row in rows
        if len(row) != width
    ]


def _check_header(
    file: str, header: Cells, known: Cells, needed: Cells, problems: list[Problem]
) -> None:
    place = Place(file, 1)
    for name in dict.fromkeys(n for n in header if header.count(n) > 1):
        problems.append(Problem("header_duplicate", place, path=name))
    for name in needed:
        if name not in header:
            near = nearest(name, set(header) - set(known))
            problems.append(Problem("header_missing", place, path=name, suggestion=near))


def _likely_encoding(content: bytes) -> str:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16"
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return "?"
    return "GB18030"


# Cells ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checker:
    """Reads columns of a table; each distinct cell is read once, bad ones become problems."""

    table: Table
    problems: list[Problem]

    def text(self, name: str, read: Callable[[str], str | Fault]) -> Cells:
        """A needed column of text."""
        self._read(name, read)
        return self.table.columns.get(name, [""] * len(self.table.lines))

    def numbers(
        self, name: str, read: Callable[[str], int | Fault], default: int | None = None
    ) -> Ints:
        """A column of numbers; an empty cell is the default, or a fault if there is none."""

        def value(cell: str) -> int | Fault:
            if cell:
                return read(fold(cell))
            return ("missing", {}) if default is None else default

        values, size = self._read(name, value), len(self.table.lines)
        if name not in self.table.columns:
            return np.full(size, 0 if default is None else default, np.int64)
        cells = self.table.columns[name]
        return np.fromiter((values.get(cell, 0) for cell in cells), np.int64, size)

    def _read(self, name: str, read: Callable[[str], T | Fault]) -> dict[str, T]:
        """The values of the good cells."""
        cells = self.table.columns.get(name, ())
        values: dict[str, T] = {}
        faults: dict[str, Fault] = {}
        for cell in set(cells):
            value = read(cell)
            if isinstance(value, tuple):
                faults[cell] = value
            else:
                values[cell] = value
        if faults:
            bad = [row for row, cell in enumerate(cells) if cell in faults]
            self.problems.extend(
                problem_at(self.table, row, name, faults[cells[row]]) for row in bad
            )
        return values


def problem_at(table: Table, row: int, column: str, fault: Fault) -> Problem:
    """What is wrong with a cell; with the header if the table has no such column or row."""
    rule, params = fault
    cells = table.columns.get(column, ())
    value = cells[row] if row < len(cells) else None
    line = table.lines[row] if value is not None else 1
    return Problem(rule, Place(table.file, line), path=column, value=value or None, params=params)


def invalid(reason: str) -> Fault:
    """A fault that has no rule of its own."""
    return "invalid", {"reason": reason}


def read_name(cell: str) -> str | Fault:
    """Any text but none."""
    return cell or ("missing", {})


def read_time(cell: str) -> int | Fault:
    """Seconds after midnight, whole or as HH:MM[:SS]."""
    if clock := _CLOCK.fullmatch(cell):
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return hours * 3600 + minutes * 60 + seconds
    if not _WHOLE.fullmatch(cell):
        return invalid("a time is whole seconds after midnight or HH:MM[:SS]")
    return at_least(0)(cell)


def at_least(least: int) -> Callable[[str], int | Fault]:
    """Whole numbers from `least` to `LARGEST`."""

    def read(cell: str) -> int | Fault:
        if not _WHOLE.fullmatch(cell):
            return "whole_number", {}
        value = int(cell[:1000])  # enough digits to be too many
        if value < least:
            return "at_least", {"limit": least}
        return value if value <= LARGEST else ("at_most", {"limit": LARGEST})

    return read
