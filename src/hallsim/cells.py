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
from numpy.typing import NDArray

from hallsim.files import likely_encoding
from hallsim.problems import Place, Problem, ScenarioProblems, nearest
from hallsim.records import Ints
from hallsim.scenario import fold

LARGEST = 1_000_000_000
"""No number of seconds or percent is larger."""
BLOCK = 10_000
"""Rows read at a time: few enough to be forgotten before they grow old."""
KEPT = 1000
"""So many problems are kept at most; the others are counted."""

T = TypeVar("T")
Cells = Sequence[str]
Rows = NDArray[np.bool_]
"""Which rows are meant."""
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


@dataclass
class Faults:
    """What is wrong with the files: the first `KEPT` problems by place, and how many there are."""

    kept: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, *problems: Problem) -> None:
        """Add these problems."""
        self.add_rows(problems, lambda problem: problem)

    def add_rows(self, rows: Sequence[T], problem: Callable[[T], Problem]) -> None:
        """Add a problem for each of these rows, which are in the order of the file."""
        self.count += len(rows)
        self.kept += map(problem, rows[:KEPT])
        if len(self.kept) > 10 * KEPT:
            self._forget()

    def refuse(self) -> None:
        """End here if anything is wrong.

        Raises:
            ScenarioProblems: with everything that is.
        """
        if self.count:
            self._forget()
            raise ScenarioProblems(self.kept, count=self.count)

    def _forget(self) -> None:
        self.kept = sorted(self.kept, key=lambda problem: problem.place)[:KEPT]


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


def read_table(
    path: Path, known: Cells, needed: Cells, faults: Faults, *,
    titles: Mapping[str, str] | None = None, encodings: Sequence[str] = (),
) -> Table:  # fmt: skip
    """The rows of a file that have as many cells as the header; the rest become problems.

    Args:
        path: the file.
        known, needed: names of columns.
        faults: takes what is wrong.
        titles: other words for names of columns.
        encodings: what a file may have that is no UTF-8.
    """
    file = str(path)
    rows = _rows(file, _text(path, faults, encodings), faults)
    _, first = next(rows, (1, []))
    header = [cell.strip() for cell in first]
    if titles:
        header = [titles.get(fold(cell), cell) for cell in header]
    if header:
        _check_header(file, header, known, needed, faults)
    columns: list[list[str]] = [[] for _ in header]
    lines: list[int] = []
    while block := list(itertools.islice(rows, BLOCK)):
        good = [row for row in block if len(row[1]) == len(header)]
        if len(good) < len(block):
            odd = [row for row in block if len(row[1]) != len(header)]
            faults.add_rows(odd, lambda row: _odd_row(file, row, len(header)))
        lines += [line for line, _ in good]
        for column, cells in zip(
            columns, zip(*(row for _, row in good), strict=True), strict=False
        ):
            column.extend(map(sys.intern, map(str.strip, cells)))
    return Table(file, dict(zip(header, columns, strict=True)), lines)


def _text(path: Path, faults: Faults, encodings: Sequence[str] = ()) -> str:
    """The contents of a file, or nothing and a problem."""
    here = Place(str(path))
    try:
        content = path.read_bytes()
        text = _decoded(content, encodings).replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        faults.add(Problem("file_missing", here))
    except OSError as error:
        reason = error.strerror or str(error)
        faults.add(Problem("file_unreadable", here, params={"reason": reason}))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        likely = likely_encoding(error.object)
        rule, params = ("encoding", {"encoding": likely}) if likely else ("encoding_unknown", {})
        faults.add(Problem(rule, Place(str(path), line), params=params))
    else:
        if not text.strip():
            faults.add(Problem("file_empty", here))
        return text
    return ""


def _decoded(content: bytes, encodings: Sequence[str]) -> str:
    """The text of a file in UTF-8, else in the first of these encodings that fits.

    Raises:
        UnicodeDecodeError: it is no UTF-8, and none fits.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        for name in encodings:
            if content[:2] not in (b"\xff\xfe", b"\xfe\xff"):
                with contextlib.suppress(UnicodeDecodeError):
                    return content.decode(name)
        raise


def _rows(file: str, text: str, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, and the line on which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for row in reader:
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        faults.add(Problem("csv_syntax", Place(file, line), params={"reason": str(error)}))


def _odd_row(file: str, row: tuple[int, list[str]], width: int) -> Problem:
    """A row that is longer or shorter than the header."""
    line, cells = row
    return Problem("row_length", Place(file, line), params={"cells": len(cells), "columns": width})


def _check_header(file: str, header: Cells, known: Cells, needed: Cells, faults: Faults) -> None:
    place = Place(file, 1)
    for name in dict.fromkeys(n for n in header if header.count(n) > 1):
        faults.add(Problem("header_duplicate", place, path=name))
    for name in needed:
        if name not in header:
            near = nearest(name, set(header) - set(known))
            faults.add(Problem("header_missing", place, path=name, suggestion=near))


# Cells ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checker:
    """Reads columns of a table; each distinct cell is read once, bad ones become problems."""

    table: Table
    faults: Faults

    def text(
        self, name: str, read: Callable[[str], str | Fault], rows: Rows | None = None
    ) -> Cells:
        """A needed column of text; only `rows` need be good."""
        self._read(name, read, rows)
        return self.table.columns.get(name, [""] * len(self.table.lines))

    def numbers(
        self,
        name: str,
        read: Callable[[str], int | Fault],
        default: int | None = None,
        rows: Rows | None = None,
    ) -> Ints:
        """A column of numbers; an empty cell is the default, or a fault if there is none.

        Only `rows` need be good, and have a meaning.
        """

        def value(cell: str) -> int | Fault:
            if cell:
                return read(fold(cell))
            return ("missing", {}) if default is None else default

        values, size = self._read(name, value, rows), len(self.table.lines)
        if name not in self.table.columns:
            return np.full(size, 0 if default is None else default, np.int64)
        cells = self.table.columns[name]
        return np.fromiter((values.get(cell, 0) for cell in cells), np.int64, size)

    def _read(self, name: str, read: Callable[[str], T | Fault], rows: Rows | None) -> dict[str, T]:
        """The values of the good cells."""
        cells = self.table.columns.get(name, ())
        values: dict[str, T] = {}
        wrong: dict[str, Fault] = {}
        for cell in set(cells):
            value = read(cell)
            if isinstance(value, tuple):
                wrong[cell] = value
            else:
                values[cell] = value
        if wrong:
            bad = [row for row, cell in enumerate(cells) if cell in wrong]
            if rows is not None:
                bad = [row for row in bad if rows[row]]
            self.faults.add_rows(
                bad, lambda row: problem_at(self.table, row, name, wrong[cells[row]])
            )
        return values


def problem_at(table: Table, row: int, column: str, fault: Fault) -> Problem:
    """What is wrong with a cell; with the header if the table has no such column or row."""
    rule, params = fault
    cells = table.columns.get(column, ())
    value = cells[row] if row < len(cells) else None
    line = table.lines[row] if value is not None else 1
    return Problem(rule, Place(table.file, line), path=column, value=value or None, params=params)


def read_name(cell: str) -> str | Fault:
    """Any text but none."""
    return cell or ("missing", {})


def read_time(cell: str) -> int | Fault:
    """Seconds after midnight, whole or as HH:MM[:SS]."""
    if clock := _CLOCK.fullmatch(cell):
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return hours * 3600 + minutes * 60 + seconds
    if not _WHOLE.fullmatch(cell):
        return "seconds", {}
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
