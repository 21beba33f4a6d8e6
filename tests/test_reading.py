"""The reader: every case of `tests/reading` is a small change to `tests/reading/base`.

A case file may hold `files` (new or replaced texts), `edit` (replacements within a text),
`remove`, `encoding` (by file), `xlsx` (tables as one workbook; `cells`, `merge` and `sheets`
change it), `scenario` and `sets`.  An invalid case lists its `problems`, each as `rule | text`,
exactly; a valid one the `values`, `sources` and `notes` of its reading.
"""

from __future__ import annotations

import copy
import csv
import datetime as dt
import io
import json
import re
import runpy
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import openpyxl
import pytest
from babel.messages import mofile, pofile
from ruamel.yaml import YAML

from hallsim import problems, reading
from hallsim.checks import parse_month
from hallsim.problems import Place, Problem, ScenarioProblems
from hallsim.scenario import TABLES, Scenario, parse_clock

ROOT = Path(__file__).parent.parent
HERE = Path(__file__).parent / "reading"
VALID = sorted((HERE / "valid").glob("*.yaml"))
INVALID = sorted((HERE / "invalid").glob("*.yaml"))


def load_case(path: Path) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


def build(case: dict[str, Any], folder: Path, xlsx: bool = False) -> Path:
    """The folder of a case."""
    texts = {p.name: p.read_text(encoding="utf-8") for p in (HERE / "base").iterdir()}
    texts |= case.get("files", {})
    for name, pairs in case.get("edit", {}).items():
        for old, new in pairs:
            assert old in texts[name], f"the case edits {old!r}, which {name} has not"
            texts[name] = texts[name].replace(old, new, 1)
    for name in case.get("remove", []):
        del texts[name]
    if xlsx or case.get("xlsx"):
        to_workbook(texts, case, folder / "输入.xlsx")
    for name, text in texts.items():
        content = text.encode(case.get("encoding", {}).get(name, "utf-8"))
        (folder / name).write_bytes(content)
    return folder


def to_workbook(texts: dict[str, str], case: dict[str, Any], path: Path) -> None:
    """The CSV texts as sheets with Chinese titles, numbers as numbers; they leave `texts`."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for table in TABLES:
        if f"{table}.csv" in texts:
            sheet = book.create_sheet(str(Scenario.model_fields[table].title))
            text = texts.pop(f"{table}.csv").removeprefix("\ufeff")
            for row in csv.reader(io.StringIO(text)):
                sheet.append([as_typed(cell) for cell in row])
    for spot, value in case.get("cells", {}).items():
        title, cell = spot.split("!")
        book[title][cell] = value
    for title, renamed in case.get("sheets", {}).items():
        book[title].title = renamed
    for spot in case.get("merge", []):
        title, cells = spot.split("!")
        book[title].merge_cells(cells)
    book.save(path)
    if "tables:" not in texts["scenario.yaml"]:
        texts["scenario.yaml"] += f"tables: {path.name}\n"


def as_typed(cell: str) -> Any:
    """What Excel keeps of what a person types."""
    if re.fullmatch(r"-?\d+", cell):
        return int(cell)
    return float(cell) if re.fullmatch(r"-?\d+\.\d+", cell) else cell or None


def read_case(case: dict[str, Any], folder: Path) -> reading.Reading:
    return reading.read(folder, case.get("scenario"), case.get("sets", ()))


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.stem)
def test_valid(path: Path, tmp_path: Path) -> None:
    case = load_case(path)
    found = read_case(case, build(case, tmp_path))
    values = case.get("values", {})
    assert {p: found.origins[p].value for p in values} == values
    sources = case.get("sources", {})
    assert {p: said(found.origins[p]) for p in sources} == sources
    assert [p.text() for p in found.notes] == case.get("notes", [])
    assert values or sources, "a valid case says what it should read"


def said(origin: reading.Origin) -> str:
    return f"{origin.source}: {origin.note}" if origin.note else origin.source


TABLED = [p for p in VALID if not {"xlsx", "remove"} & load_case(p).keys()]


@pytest.mark.parametrize("path", TABLED, ids=lambda p: p.stem)
def test_a_workbook_reads_like_csv_files(path: Path, tmp_path: Path) -> None:
    case = load_case(path)
    folders = [tmp_path / "csv", tmp_path / "xlsx"]
    for folder in folders:
        folder.mkdir()
    tables = read_case(case, build(case, folders[0]))
    book = read_case(case, build(case, folders[1], xlsx=True))
    assert book.scenario == tables.scenario
    assert book.hashes.keys() == {"scenario.yaml", "输入.xlsx"}


def test_the_order_of_overrides_that_multiply_does_not_matter(tmp_path: Path) -> None:
    """25 x 0.9 x 0.5 = 11.25; rounded in between it would be 12 one way and 11 the other."""
    folder = build(load_case(HERE / "valid" / "reforms_multiply.yaml"), tmp_path)
    found = [reading.read(folder, name).scenario for name in ("half_first", "half_last")]
    assert found[0] == found[1]
    assert [w.count for w in found[0].windows] == [11, 2, 1]


@pytest.mark.parametrize("path", INVALID, ids=lambda p: p.stem)
def test_invalid(path: Path, tmp_path: Path) -> None:
    case = load_case(path)
    with pytest.raises(ScenarioProblems) as caught:
        read_case(case, build(case, tmp_path))
    assert [f"{p.rule} | {p.text()}" for p in caught.value.problems] == case["problems"]


REPLAY = {
    "seconds", "one_item", "item_list", "items_many", "one_hall", "hall_list", "travel_count",
    "choice_unknown", "stage_alone", "duty_order", "duty_overlap", "days_missing",
    "column_aside", "sorted", "no_duty", "no_duty_day",
}  # fmt: skip
"""Rules of visitors and duties: `test_replay.py`."""
REFORMS = {
    "compared_with_itself", "no_reforms", "too_many_reforms", "group_form", "group_twice",
    "unknown_reform", "needs_others", "months_missing",
}  # fmt: skip
"""Rules of what an attribution is asked: `test_attribution.py`."""
CLAIMS = {
    "calibrated_after", "claim_months", "claim_scenario", "claim_why", "claimed_nothing", "claimed_number",
    "claimed_order", "claims_missing", "halls_and_item", "measure_halls", "measure_item",
    "unknown_measure",
}  # fmt: skip
"""Rules of claims: `test_claims.py`."""
CUTS = {"windows_fewest", "windows_most", "windows_order"}
"""Rules of what a cut is asked: `test_cutting.py`."""
TODAY = {
    "moment", "all_closed", "after_closing", "closed_today", "closed_by_now", "state_empty", "differs",
    "not_served_here", "in_service_clerks", "arrived_fewer", "before_doors", "log_after_now",
    "log_order", "log_windows", "log_differs", "borrowed",
}  # fmt: skip
"""Rules of the state of today: `test_dispatch.py`."""
FUTURES = {"future_form", "futures_few", "futures_rest", "future_unlike"}
"""Rules of what a hedge is asked: `test_hedging.py`."""
NOTICES = {"placeholder_unknown", "placeholder_sign", "placeholder_missing"}
"""Rules of a template of notices: `test_notices.py`."""
PREVIOUS = {"previous_form", "previous_month", "previous_more"}
"""Rules of the plan before: `test_previous.py`."""


def test_every_rule_has_a_case() -> None:
    told = {line.split(" | ")[0] for p in INVALID for line in load_case(p)["problems"]}
    noted = {text for p in VALID for text in load_case(p).get("notes", [])}
    below = {"month", "month_range", "file_unreadable", "invalid", "scenario_part"}
    below |= {"folder_missing"}
    elsewhere = below | REPLAY | REFORMS | CLAIMS | CUTS | TODAY | FUTURES | NOTICES | PREVIOUS
    for rule in problems.NOTES - REPLAY - TODAY:
        pattern = re.sub(r"\\{\w+\\}", ".+", re.escape(problems.RULES[rule]))
        assert any(re.search(pattern, text) for text in noted), rule
    assert told | elsewhere | problems.NOTES == set(problems.RULES)


def test_a_damaged_workbook_is_told(tmp_path: Path) -> None:
    case = {"edit": {"scenario.yaml": [["name: tiny", "name: tiny\ntables: 输入.xlsx"]]}}
    folder = build(case | {"remove": [f"{t}.csv" for t in reading_tables()]}, tmp_path)
    (folder / "输入.xlsx").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(ScenarioProblems) as caught:
        reading.read(folder)
    assert [(p.rule, str(p.place)) for p in caught.value.problems] == [
        ("file_unreadable", "输入.xlsx")
    ]


def test_a_table_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    folder = build({"remove": ["items.csv"]}, tmp_path)
    (folder / "items.csv").mkdir()
    with pytest.raises(ScenarioProblems) as caught:
        reading.read(folder)
    assert [(p.rule, str(p.place)) for p in caught.value.problems] == [
        ("file_unreadable", "items.csv")
    ]


def test_a_folder_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(ScenarioProblems) as caught:
        reading.read(tmp_path / "nowhere")
    assert [(p.rule, str(p.place)) for p in caught.value.problems] == [
        ("folder_missing", str(tmp_path / "nowhere"))
    ]


@pytest.mark.parametrize("table", ["windows", "halls", "clerks", "demand"])
@pytest.mark.parametrize("how", ["missing", "unreadable"])
def test_paths_into_a_table_that_cannot_be_read_are_not_blamed(
    table: str, how: str, tmp_path: Path
) -> None:
    """Three overrides are right, and the fourth is wrong whatever the tables hold."""
    right = [
        "windows[hall=centre].count: 3",
        "clerks[hall=centre].count: +1",
        "demand[*].volume: x2",
    ]
    lines = "".join(f"    {line}\n" for line in [*right, "staffing.leave_rat: 0"])
    text = f"name: tiny\noverrides:\n  more:\n{lines}scenarios:\n  busy: [more]"
    case = {"edit": {"scenario.yaml": [["name: tiny", text]]}}
    folder = build(case, tmp_path)
    assert "centre" in (folder / "halls.csv").read_text(encoding="utf-8")
    if how == "missing":
        (folder / f"{table}.csv").unlink()
    else:
        (folder / f"{table}.csv").write_bytes("大厅".encode("gb18030"))
    for scenario in (None, "busy"):
        with pytest.raises(ScenarioProblems) as caught:
            reading.read(folder, scenario)
        told = [p.rule for p in caught.value.problems]
        assert sorted(told) == sorted(
            ["unknown_path", "table_missing" if how == "missing" else "encoding"]
        )


def test_a_date_cell_shown_without_its_year_is_for_every_year(tmp_path: Path) -> None:
    case = {"files": {"peaks.csv": "peak,first,last,multiplier\nschool,,,2\n"}}
    folder = build(case, tmp_path, xlsx=True)
    book = openpyxl.load_workbook(folder / "输入.xlsx")
    for cell, day in (("B2", 1), ("C2", 15)):
        book["旺季"][cell] = dt.date(2026, 9, day)
        book["旺季"][cell].number_format = 'm"月"d"日"'
    book["大厅"]["B2"] = dt.time(9, 30)
    book.save(folder / "输入.xlsx")
    found = reading.read(folder).scenario
    assert (found.peaks[0].first, found.peaks[0].last) == ("09-01", "09-15")
    assert found.halls[0].name == "09:30"


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("9:00", 32400),
        ("９：００", 32400),
        ("9点半", 34200),
        ("9点5分", 32700),
        ("24:00", 86400),
        ("09:00:30", 32430),
        (0.375, 32400),
        (dt.time(9), 32400),
        (dt.time(8, 59, 59, 999000), 32400),
        (dt.datetime(1899, 12, 31, 9), 32400),
        (32400, 32400),
    ],
)
def test_times_of_day(cell: Any, seconds: int) -> None:
    assert parse_clock(cell) == seconds


@pytest.mark.parametrize("cell", ["9", "25:00", "24:01", "9:60", "nine", 9, 1.0, -1, True, None])
def test_what_is_no_time_of_day(cell: Any) -> None:
    with pytest.raises(ValueError, match="clock_time"):
        parse_clock(cell)


def reading_tables() -> list[str]:
    return [p.stem for p in (HERE / "base").glob("*.csv")]


def test_an_unknown_error_of_the_model_is_passed_on(tmp_path: Path) -> None:
    case = {"edit": {"demand.csv": [["9000", "inf"]]}}  # known: finite_number
    with pytest.raises(ScenarioProblems) as caught:
        reading.read(build(case, tmp_path))
    assert [p.rule for p in caught.value.problems] == ["number"]
    assert reading._coded({"error": ValueError("so")}) == ("invalid", {"reason": "so"})


def test_the_yaml_file_itself_can_be_named(tmp_path: Path) -> None:
    folder = build({}, tmp_path)
    (folder / "scenario.yaml").rename(folder / "other.yaml")
    found = reading.read(folder / "other.yaml")
    assert found.scenario.name == "tiny"
    assert set(found.hashes) == {"other.yaml", *(f"{t}.csv" for t in reading_tables())}


@pytest.mark.parametrize("name", ["输入.xlsx", "scenario.yaml"])
def test_a_file_of_a_scenario_stands_for_its_folder(name: str, tmp_path: Path) -> None:
    folder = build({}, tmp_path, xlsx=True)
    assert reading.read(folder / name) == reading.read(folder)


def test_a_table_stands_for_its_folder(tmp_path: Path) -> None:
    folder = build({}, tmp_path)
    assert reading.read(folder / "halls.csv").scenario == reading.read(folder).scenario


@pytest.mark.parametrize(
    ("name", "hint"),
    [("其他.xlsx", "其他.xlsx"), ("表.xls", "输入.xlsx"), ("notes.txt", "输入.xlsx")],
)
@pytest.mark.parametrize("beside", [True, False])
def test_a_file_that_is_no_scenario(name: str, hint: str, beside: bool, tmp_path: Path) -> None:
    folder = build({}, tmp_path) if beside else tmp_path
    (folder / name).write_bytes(b"PK")
    with pytest.raises(ScenarioProblems) as caught:
        reading.read(folder / name)
    (problem,) = caught.value.problems
    assert (problem.rule, str(problem.place), problem.params) == (
        "scenario_part", name, {"name": hint},
    )  # fmt: skip


def test_a_folder_of_scenarios_names_the_first(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    build({}, tmp_path / "tiny")
    with pytest.raises(ScenarioProblems, match="tiny/scenario"):
        reading.read(tmp_path)


def test_a_workbook_that_nothing_names_is_suggested(tmp_path: Path) -> None:
    folder = build({"remove": [f"{t}.csv" for t in reading_tables()]}, tmp_path)
    for name in ("~$表.xlsx", "表.xlsx"):
        (folder / name).write_bytes(b"")
    with pytest.raises(ScenarioProblems) as caught:
        reading.read(folder)
    assert [p.rule for p in caught.value.problems] == ["tables_missing"]
    assert caught.value.problems[0].params["name"] == "表.xlsx"


def test_origins_are_paths_that_can_be_set(tmp_path: Path) -> None:
    folder = build({}, tmp_path)
    before = reading.read(folder)
    bounded = ("format", "minimum", "share", "confidence", "most_lent_share")
    for path, origin in before.origins.items():
        number = isinstance(origin.value, int | float) and not isinstance(origin.value, bool)
        if number and path.rpartition(".")[2] not in bounded:
            amount = 1 if isinstance(origin.value, int) else 0.25
            after = reading.read(folder, sets=[f"{path}=+{amount}"])
            assert after.origins[path].value == origin.value + amount
            assert after.origins[path].source == "override"
            others = {p: o.value for p, o in after.origins.items() if p != path}
            assert others == {p: o.value for p, o in before.origins.items() if p != path}


@pytest.mark.parametrize("text", ["2018-09", "2018-9", "２０１８-０９", " 2018-09 "])
def test_months(text: str) -> None:
    assert parse_month(text) == (2018, 9)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("2018-13", "month"),
        ("2018-00", "month"),
        ("September", "month"),
        ("201809", "month"),
        ("2003-12", "month_range"),
        ("2100-01", "month_range"),
    ],
)
def test_wrong_months(text: str, rule: str) -> None:
    with pytest.raises(ScenarioProblems) as caught:
        parse_month(text)
    assert [(p.rule, p.value) for p in caught.value.problems] == [(rule, text)]


ODD: list[Any] = [
    None, 0, -1, 1.5, True, 10**30, "", "x", "*", "@street", "9:00", "1e999", "x1.2", "a|b", "[",
    "2026-02-30", [], {}, [1], [None], ["a", "b"], [[1]], [{}], {"a": 1}, {"x": {"y": [1]}},
]  # fmt: skip
FULL = load_case(HERE / "full.yaml")


def spots(data: Any, loc: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        yield (*loc, key)
        if isinstance(value, dict | list):
            yield from spots(value, (*loc, key))


def test_a_file_with_everything(tmp_path: Path) -> None:
    shutil.copy(HERE / "full.yaml", tmp_path / "scenario.yaml")
    found = reading.read(tmp_path, "busy")
    assert found.origins["items[x].minutes"].value == 6
    assert set(FULL) <= set(Scenario.model_fields) | set(reading.EXTRA)


@pytest.mark.parametrize("n", range(len(list(spots(FULL)))), ids=str)
def test_nothing_odd_breaks_the_reader(n: int, tmp_path: Path) -> None:
    """Whatever stands anywhere: it is read, or told of as a problem of some place."""
    spot = list(spots(FULL))[n]
    for value in ODD[n % 6 :: 6]:  # a sixth of them at each spot keeps it to seconds
        data = copy.deepcopy(FULL)
        inner = data
        for step in spot[:-1]:
            inner = inner[step]
        inner[spot[-1]] = value
        (tmp_path / "scenario.yaml").write_text(json.dumps(data), encoding="utf-8")
        try:
            reading.read(tmp_path, "busy", ["hours.usual.sat=9:00-10:00"])
        except ScenarioProblems as problem:
            assert problem.text("zh") != problem.text("en")
            assert all(p.place.file for p in problem.problems)


# --- problems -----------------------------------------------------------------------------------


def test_at_most_twenty_are_shown() -> None:
    many = ScenarioProblems([Problem("missing", Place("a.csv", n)) for n in range(1, 24)], "x")
    lines = str(many).splitlines()
    assert lines[0] == "x: 23 problems"
    assert lines[20] == "20. a.csv:20: a value is needed here"
    assert lines[21:] == ["and 3 more"]
    assert len(many.as_dicts()) == 23


def test_problems_speak_chinese() -> None:
    problem = Problem("unknown_key", Place("scenario.yaml", 3, 5), "run", "sead", suggestion="seed")
    expected = "scenario.yaml:3:5: run: 未知的键（当前值“sead”）；是否为“seed”？"
    assert problem.text("zh") == expected
    assert ScenarioProblems([problem]).text("zh") == f"1 个问题\n1. {expected}"


def test_problems_are_plain_json() -> None:
    problem = Problem("whole_number", Place("输入.xlsx", 3, 5, "大厅"), "halls[2].count", "六")
    record = json.loads(json.dumps(problem.as_dict()))
    assert record["place"] == "输入.xlsx 大厅!E3"
    assert (record["line"], record["column"], record["value"]) == (3, 5, "六")
    assert record["message"] == "should be a whole number (now '六')"


def test_cells_beyond_z() -> None:
    assert str(Place("a.xlsx", 1, 28, "s")) == "a.xlsx s!AB1"


PO = ROOT / "src/hallsim/locale/zh/LC_MESSAGES/problems.po"


def fields(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def test_every_message_has_its_chinese() -> None:
    with PO.open("rb") as file:
        catalog = pofile.read_po(file)
    chinese = {m.id: m.string for m in catalog if m.id}
    assert set(chinese) == set(problems.MESSAGES)
    for english, text in chinese.items():
        assert text
        assert fields(text) == fields(english), english
        (text + english).encode("gbk")


def test_the_compiled_catalogue_is_of_this_text() -> None:
    with PO.open("rb") as file:
        catalog = pofile.read_po(file)
    with PO.with_suffix(".mo").open("rb") as file:
        compiled = mofile.read_mo(file)
    assert {m.id: m.string for m in compiled if m.id} == {m.id: m.string for m in catalog if m.id}


# --- documents ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["scenario.md", "scenario.schema.json"])
def test_generated_documents_are_of_this_model(name: str, tmp_path: Path) -> None:
    generate = runpy.run_path(str(ROOT / "docs" / "generate.py"))["generate"]
    shutil.copy(ROOT / "docs" / "scenario.md", tmp_path)
    generate(tmp_path)
    kept = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert (tmp_path / name).read_text(encoding="utf-8") == kept


@pytest.mark.parametrize("folder", [HERE / "base", *(ROOT / "scenarios").glob("*/")], ids=str)
def test_the_schema_takes_what_the_reader_takes(folder: Path) -> None:
    text = (folder / "scenario.yaml").read_text(encoding="utf-8")
    data = YAML(typ="safe", pure=True).load(text)
    jsonschema.Draft202012Validator.check_schema(reading.schema())
    jsonschema.validate(data, reading.schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data | {"stafing": {}}, reading.schema())


def test_reading_imports_nothing_heavy() -> None:
    heavy = ("numpy", "pandas", "matplotlib", "scipy", "numba", "openpyxl")
    code = f"import sys, hallsim.reading; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
