"""The files of a scenario folder as plain data, with the place of every value.

`scenario.yaml` and, beside it, one CSV file per table or one workbook.  Nothing is judged here
but the form of the files; what the values mean is for `hallsim.reading`.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from hallsim.problems import Loc, Place, Problem, ScenarioProblems, nearest
from hallsim.scenario import TABLES, Row, Scenario, fold, parse_clock
from hallsim.shape import leaf_type
from hallsim.synonyms import SHEET

MAIN = "scenario.yaml"
WORKBOOK = "输入.xlsx"
"""What a workbook is called in examples."""
REQUIRED = tuple(t for t in TABLES if Scenario.model_fields[t].is_required())

ALIKE = 0.7
"""How like the name of a table that may be missing a file has to be; `visits.csv` is no `limits.csv`."""

_FULL_WIDTH = re.compile(r"\s*(?:- +)?[^\s:#\"'：]+：")
_TAB = re.compile(r" *\t+ *[^\s#]")
_BLOCK = re.compile(r".*[:\-]\s+[|>][+\-0-9]*\s*(#.*)?")
_Placer = Callable[[int, int], Place]
"""The place of a cell: row and column of the file, counted from 1."""


@dataclass
class Raw:
    """What the files hold, and what is wrong with their form."""

    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Loc, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    broken: set[Loc] = field(default_factory=set)
    """Parts that could not be read, whose problems are already told: a section, or a row."""
    absent: set[Loc] = field(default_factory=set)
    """What is missing and already told: a table, or a column of a table."""
    told: set[Place] = field(default_factory=set)
    """Cells whose trouble is already told."""

    def at(self, loc: Loc) -> Place:
        """The place of a value, or of the nearest thing around it."""
        while loc and loc not in self.places:
            loc = loc[:-1]
        return self.places.get(loc, Place(MAIN))

    def say(self, rule: str, place: Place, path: str = "", value: Any = None, **more: Any) -> None:
        """Add a problem."""
        suggestion = more.pop("suggestion", None)
        self.problems.append(Problem(rule, place, path, value, more, suggestion))


def load(folder: Path, main: str = MAIN) -> Raw:
    """Read the YAML file and the tables of a scenario folder."""
    raw = Raw()
    _load_yaml(raw, folder, main)
    sources = {t: [raw.places[(t,)]] for t in TABLES if (t,) in raw.places}
    name = raw.data.get("tables")
    sheets = _open_workbook(raw, folder, str(name)) if name is not None else {}
    for table in TABLES:
        if table in sheets:
            sources.setdefault(table, []).append(sheets[table].place)
        if (folder / f"{table}.csv").exists():
            sources.setdefault(table, []).append(Place(f"{table}.csv"))
        _load_table(raw, folder, table, sources.get(table, []), sheets)
    _missing_tables(raw, folder, set(sources), str(name) if name is not None else "")
    return raw


def load_file(folder: Path, name: str) -> Raw:
    """Read one YAML file of a folder, whatever it is about."""
    raw = Raw()
    text = _read_text(raw, folder, name)
    if text is not None:
        _parse_yaml(raw, name, text)
    return raw


def _load_table(
    raw: Raw, folder: Path, table: str, places: list[Place], sheets: dict[str, _Sheet]
) -> None:
    for extra in places[1:]:
        raw.say("table_twice", extra, table, other=places[0])
        raw.broken.add((table,))
    if places and table in sheets and places[0] == sheets[table].place:
        _load_sheet(raw, table, sheets[table])
    elif places and places[0].file == f"{table}.csv":
        _load_csv(raw, table, folder)
    elif places and raw.data[table] == [] and table in REQUIRED:
        raw.say("table_empty", places[0], table)


def _missing_tables(raw: Raw, folder: Path, found: set[str], workbook: str) -> None:
    missing = [t for t in TABLES if t not in found]
    unknown = sorted(p.stem for p in folder.glob("*.csv") if p.stem not in TABLES)
    for stem in unknown:
        table = nearest(stem, missing)
        if table and (table in REQUIRED or nearest(stem, [table], ALIKE)):
            raw.say("table_unknown", Place(f"{stem}.csv"), value=stem, suggestion=table)
            missing.remove(table)
            raw.broken.add((table,))
            raw.absent.add((table,))
    missing = [t for t in missing if t in REQUIRED and (t,) not in raw.broken]
    if len(missing) == len(REQUIRED) and not workbook:
        books = sorted(p.name for p in folder.glob("*.xlsx") if not p.name.startswith("~"))
        files = ", ".join(f"{table}.csv" for table in missing)
        raw.say("tables_missing", raw.at(()), files=files, name=[*books, WORKBOOK][0])
    for table in missing:
        if len(missing) < len(REQUIRED) or workbook:
            raw.say("table_missing", Place(workbook or f"{table}.csv"), table)
        raw.broken.add((table,))
        raw.absent.add((table,))


# --- bytes and text ---------------------------------------------------------------------------


def _read_bytes(raw: Raw, folder: Path, name: str) -> bytes | None:
    try:
        content = (folder / name).read_bytes()
    except FileNotFoundError:
        if not folder.is_dir():
            _no_folder(raw, folder)
            return None
        names = [p.name for p in folder.glob("*")] if folder.is_dir() else []
        below = sorted(p.relative_to(folder).as_posix() for p in folder.glob(f"*/{MAIN}"))
        near = nearest(name, names) or (below[0] if below and name == MAIN else None)
        raw.say("file_missing", Place(name), suggestion=near)
        return None
    except OSError as error:
        raw.say("file_unreadable", Place(name), reason=error.strerror or str(error))
        return None
    raw.hashes[name] = hashlib.sha256(content).hexdigest()
    return content


def _no_folder(raw: Raw, folder: Path) -> None:
    """Said once, whatever was to be read there."""
    place = Place(str(folder))
    if place not in raw.told:
        beside = folder.parent
        names = [p.name for p in beside.iterdir() if p.is_dir()] if beside.is_dir() else []
        raw.say("folder_missing", place, suggestion=nearest(folder.name, names))
        raw.told.add(place)


def _read_text(raw: Raw, folder: Path, name: str) -> str | None:
    content = _read_bytes(raw, folder, name)
    if content is None:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        likely = likely_encoding(content)
        rule = "encoding" if likely else "encoding_unknown"
        raw.say(rule, Place(name, line), **({"encoding": likely} if likely else {}))
        return None


def likely_encoding(content: bytes) -> str:
    """The encoding that bytes which are no UTF-8 probably have; empty if none is likely."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "UTF-16"
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        return ""
    return "GB18030"


def text_of(path: Path) -> str:
    """A file in UTF-8 that belongs to no scenario folder.

    Raises:
        ScenarioProblems: it is not there, cannot be read, or is not UTF-8.
    """
    raw = Raw()
    text = _read_text(raw, path.parent, path.name)
    if text is None:
        raise ScenarioProblems(raw.problems, str(path.parent))
    return text


# --- YAML -------------------------------------------------------------------------------------


def _load_yaml(raw: Raw, folder: Path, name: str) -> None:
    text = _read_text(raw, folder, name)
    found = text is not None and _parse_yaml(raw, name, text)
    if not found:
        raw.broken |= {(section,) for section in Scenario.model_fields if section not in TABLES}
        raw.broken |= {(t,) for t in TABLES if not (folder / f"{t}.csv").exists()}
        raw.absent |= raw.broken


def _parse_yaml(raw: Raw, name: str, text: str) -> bool:
    suspects = _suspects(name, text)
    try:
        node = YAML(typ="rt").compose(text)
    except MarkedYAMLError as error:
        raw.problems += suspects or [_syntax(name, error)]
        return False
    except YAMLError as error:  # a character that no YAML may hold
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raw.say("yaml_syntax", Place(name, line), reason=str(error).splitlines()[0])
        return False
    if node is None:
        raw.say("file_empty", Place(name))
        return False
    quoted = set(_quoted_lines(node))
    suspects = [p for p in suspects if p.place.line not in quoted]
    raw.problems += suspects
    if suspects:
        return False
    data = _Builder(raw, name).build(node, ())
    if isinstance(data, dict):
        raw.data = data
        return True
    raw.say("group", Place(name, 1), value=data)
    return False


def _syntax(name: str, error: MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name)
    reason = error.problem or error.context or "?"
    return Problem("yaml_syntax", place, params={"reason": reason})


def _suspects(name: str, text: str) -> list[Problem]:
    """Lines with a tab in the indent or a full-width colon after a key.

    The parser accepts some of them with another meaning, and blames another line for the rest.
    """
    problems = []
    block: int | None = None
    for number, line in enumerate(text.splitlines(), 1):
        indent = len(line) - len(line.lstrip(" "))
        if block is not None and (indent > block or not line.strip()):
            continue  # text of a block scalar
        block = indent if _BLOCK.fullmatch(line) else None
        if _TAB.match(line):
            problems.append(Problem("tab", Place(name, number)))
        elif _FULL_WIDTH.match(line):
            column = line.index("：") + 1
            value = line.strip()
            problems.append(Problem("full_width_colon", Place(name, number, column), value=value))
    return problems


def _quoted_lines(node: Node) -> Iterator[int]:
    """Lines that lie wholly inside a quoted or block text, where anything may stand."""
    stack = [node]
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, ScalarNode) and node.style:
            yield from range(node.start_mark.line + 2, node.end_mark.line + 2)
        elif isinstance(node, MappingNode):
            stack += [part for pair in node.value for part in pair]
        elif isinstance(node, SequenceNode):
            stack += node.value


class _Builder:
    """Plain data from YAML nodes; remembers where everything stood."""

    def __init__(self, raw: Raw, name: str) -> None:
        self.raw = raw
        self.name = name
        self.open: set[int] = set()

    def place(self, node: Node) -> Place:
        return Place(self.name, node.start_mark.line + 1, node.start_mark.column + 1)

    def build(self, node: Node, loc: Loc) -> Any:
        if isinstance(node, ScalarNode):
            return scalar(node)
        if id(node) in self.open:
            self.raw.say("yaml_syntax", self.place(node), reason="an alias of itself")
            return None
        self.open.add(id(node))
        data = self.mapping(node, loc) if isinstance(node, MappingNode) else self.list(node, loc)
        self.open.discard(id(node))
        return data

    def list(self, node: Node, loc: Loc) -> list[Any]:
        out = []
        for n, item in enumerate(node.value):
            self.raw.places[(*loc, n)] = self.place(item)
            out.append(self.build(item, (*loc, n)))
        return out

    def mapping(self, node: Node, loc: Loc) -> dict[str, Any]:
        out = self.merged(node, loc)
        seen: dict[str, Place] = {}
        for key_node, value_node in node.value:
            if key_node.tag.endswith(":merge"):
                continue
            key, place = str(key_node.value), self.place(key_node)
            if key in seen:
                self.raw.say("duplicate_key", place, path_of((*loc, key)), other=seen[key])
                continue
            seen[key] = self.raw.places[(*loc, key)] = place
            out[key] = self.build(value_node, (*loc, key))
        return out

    def merged(self, node: Node, loc: Loc) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag.endswith(":merge"):
                parts = value_node.value if isinstance(value_node, SequenceNode) else [value_node]
                for part in parts:  # the first one wins
                    data = self.build(part, loc)
                    out = data | out if isinstance(data, dict) else out
        return out


def scalar(node: ScalarNode) -> Any:
    """A number or text.  `+2` and `true` stay text: the one is a change, the other no number."""
    kind, text = str(node.tag).rpartition(":")[2], str(node.value)
    if kind == "null":
        return None
    if kind in ("int", "float") and text[0] not in "+-":
        try:
            return int(text) if kind == "int" else float(text)
        except ValueError:
            return text
    return text


def parse_value(text: str) -> Any:
    """A value from the command line, read as YAML would read it; text where it is no YAML."""
    raw = Raw()
    try:
        node = YAML(typ="rt").compose(text)
    except YAMLError:
        return text
    value = None if node is None else _Builder(raw, "").build(node, ())
    return text if raw.problems else value


def path_of(loc: Loc) -> str:
    """`halls[3].weight` for people: rows are counted from 1."""
    text = ""
    for step in loc:
        text += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


# --- tables -----------------------------------------------------------------------------------


def _load_csv(raw: Raw, table: str, folder: Path) -> None:
    name = f"{table}.csv"
    raw.places[(table,)] = Place(name)
    text = _read_text(raw, folder, name)
    if text is None:
        raw.broken.add((table,))
        raw.absent.add((table,))
        return
    rows = list(_csv_rows(raw, table, text))
    _add_table(raw, table, rows, lambda line, _: Place(name, line), strict=True)


def _csv_rows(raw: Raw, table: str, text: str) -> Iterator[tuple[int, list[Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    first = 1
    try:
        for cells in reader:
            yield first, [cell.strip() or None for cell in cells]
            first = reader.line_num + 1
    except csv.Error as error:
        raw.say("csv_syntax", Place(f"{table}.csv", first), reason=str(error))
        raw.broken.add((table,))


def _add_table(
    raw: Raw, table: str, rows: list[tuple[int, list[Any]]], place: _Placer, *, strict: bool
) -> None:
    """The rows of a table to records.  The first row that is not empty holds the names."""
    rows = [(line, cells) for line, cells in rows if any(c is not None for c in cells)]
    raw.data[table] = []
    if len(rows) < 2 and table in REQUIRED:
        raw.say("table_empty", place(0, 0), table)
        raw.broken.add((table,))
    if not rows:
        raw.absent |= {(table, column) for column in TABLES[table].model_fields}
        return
    line, header = rows[0]
    columns = _columns(raw, table, header, lambda column: place(line, column))
    if len(rows) > 1:
        _blank_columns(raw, table, header, rows[1:], place)
    for n, (line, cells) in enumerate(rows[1:]):
        _add_row(raw, (table, n), line, cells, columns, place)
        if strict and len(cells) != len(header):
            counts = {"cells": len(cells), "columns": len(header)}
            raw.say("row_length", place(line, 1), path_of((table, n)), **counts)
            raw.broken.add((table, n))


def _add_row(
    raw: Raw, loc: Loc, line: int, cells: list[Any], columns: dict[int, str], place: _Placer
) -> None:
    raw.places[loc] = place(line, 1)
    row: dict[str, Any] = {}
    for column, name in columns.items():
        raw.places[(*loc, name)] = place(line, column + 1)
        if column < len(cells) and cells[column] is not None:
            row[name] = cells[column]
    raw.data[str(loc[0])].append(row)


def column_names(model: type[Row]) -> dict[str, str]:
    """What a column may be called: its field's name or Chinese title, to the name."""
    names = {name: name for name in model.model_fields}
    return names | {str(f.title): name for name, f in model.model_fields.items() if f.title}


def _columns(
    raw: Raw, table: str, header: Sequence[Any], place: Callable[[int], Place]
) -> dict[int, str]:
    """Which cell of a row is which field; tells of unknown, repeated and missing columns."""
    model = TABLES[table]
    names = column_names(model)
    columns: dict[int, str] = {}
    unknown: list[tuple[int, str]] = []
    for column, cell in enumerate(header):
        title = fold(str(cell)) if cell is not None else ""
        name = names.get(title)
        if name in columns.values():
            raw.say("header_duplicate", place(column + 1), f"{table}.{name}", title)
        elif name:
            columns[column] = name
        elif title:
            unknown.append((column, title))
    absent = [n for n in model.model_fields if n not in columns.values()]
    for column, title in unknown:
        free = [title for title, name in names.items() if name in absent]
        near = nearest(title, free)
        raw.say("header_unknown", place(column + 1), table, title, suggestion=near)
        if near:
            raw.absent.add((table, names[near]))
    for name in absent:
        if model.model_fields[name].is_required() and (table, name) not in raw.absent:
            raw.say("header_missing", place(1), f"{table}.{name}")
            raw.absent.add((table, name))
    return columns


def _blank_columns(
    raw: Raw, table: str, header: list[Any], rows: list[tuple[int, list[Any]]], place: _Placer
) -> None:
    blank = [n for n, cell in enumerate(header) if cell is None]
    for column in blank:
        for line, cells in rows:
            if column < len(cells) and cells[column] is not None:
                raw.say("header_blank", place(line, column + 1), table, cells[column])
                break


# --- workbooks --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sheet:
    place: Place
    values: Any
    formulas: Any


def _open_workbook(raw: Raw, folder: Path, name: str) -> dict[str, _Sheet]:
    """The sheets that hold tables, by table; the formulas beside their saved values."""
    if Path(name).suffix.lower() != ".xlsx":
        raw.say("workbook_kind", raw.at(("tables",)), "tables", name)
        return _no_workbook(raw, folder)
    content = _read_bytes(raw, folder, name)
    if content is None:
        return _no_workbook(raw, folder)
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about decorations that it cannot keep
            values = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
            formulas = openpyxl.load_workbook(io.BytesIO(content))
    except Exception as error:  # whatever a damaged archive brings up
        raw.say("file_unreadable", Place(name), reason=str(error).splitlines()[0])
        return _no_workbook(raw, folder)
    return _sheets(raw, name, values, formulas)


def _no_workbook(raw: Raw, folder: Path) -> dict[str, _Sheet]:
    lost = {(t,) for t in TABLES if not (folder / f"{t}.csv").exists() and t not in raw.data}
    raw.broken |= lost
    raw.absent |= lost
    return {}


def _sheets(raw: Raw, name: str, values: Any, formulas: Any) -> dict[str, _Sheet]:
    titles = {str(Scenario.model_fields[t].title): t for t in TABLES} | {t: t for t in TABLES}
    titles |= {word: table for table, words in SHEET.items() for word in words}
    found: dict[str, _Sheet] = {}
    unknown: list[str] = []
    for title in values.sheetnames:
        table = titles.get(fold(title))
        sheet = _Sheet(Place(name, sheet=title), values[title], formulas[title])
        if table in found:
            raw.say("table_twice", sheet.place, table, other=found[table].place)
        elif table:
            found[table] = sheet
        else:
            unknown.append(title)
    for title in unknown:
        free = [title for title, table in titles.items() if table not in found]
        if near := nearest(title, free):
            raw.say("table_unknown", Place(name, sheet=title), value=title, suggestion=near)
            raw.broken.add((titles[near],))
            raw.absent.add((titles[near],))
    return found


def _load_sheet(raw: Raw, table: str, sheet: _Sheet) -> None:
    def place(line: int, column: int) -> Place:
        return Place(sheet.place.file, line, column if line else 0, sheet.place.sheet)

    raw.places[(table,)] = sheet.place
    for cells in sheet.values.merged_cells.ranges:
        raw.say("merged_cells", place(cells.min_row, cells.min_col), table, str(cells))
        raw.told |= {place(line, column) for line, column in cells.cells}
    header = _header(sheet.values)
    names = column_names(TABLES[table])
    fields = [names.get(fold(str(cell)), "") for cell in header]
    rows = []
    for line, cells in enumerate(sheet.values.iter_rows(), 1):
        found = []
        for column, (cell, name) in enumerate(zip(cells, fields, strict=False), 1):
            _cell_problems(raw, table, sheet, cell, place(line, column))
            found.append(_cell_value(cell, (table, 0, name)))
        rows.append((line, found))
    _add_table(raw, table, rows, place, strict=False)


def _header(sheet: Any) -> Sequence[Any]:
    rows: Iterable[Sequence[Any]] = sheet.iter_rows(values_only=True)
    return next((row for row in rows if any(cell is not None for cell in row)), ())


def _cell_problems(raw: Raw, table: str, sheet: _Sheet, cell: Any, place: Place) -> None:
    if cell.data_type == "e":
        raw.say("cell_error", place, table, cell.value)
        raw.told.add(place)
    elif cell.value is None and sheet.formulas[cell.coordinate].data_type == "f":
        raw.say("formula_value", place, table, sheet.formulas[cell.coordinate].value)
        raw.told.add(place)


def _cell_value(cell: Any, loc: Loc) -> Any:
    """The value of a cell, as a person who types it into a CSV file would write it."""
    value = cell.value
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, dt.datetime):
        return f"{value:%m-%d}" if "y" not in cell.number_format.lower() else f"{value:%Y-%m-%d}"
    if isinstance(value, dt.time):
        seconds = parse_clock(value)
        return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"
    if value is not None and leaf_type(loc) is None:
        return str(value)
    return value
