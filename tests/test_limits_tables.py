"""The tables of limits, leave, roster and travel: read alike from CSV and workbook, judged alike.

What is told of each mistake is in `tests/reading`; here the same cases come from a workbook, and the
rules themselves are held against enumeration and cases worked by hand.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import random
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from hallsim import reading
from hallsim.findings import Draft
from hallsim.problems import Place, ScenarioProblems
from hallsim.rosters import leave_by_day, listed_travel, on_leave
from hallsim.scenario import (
    TABLES,
    Clerks,
    Leave,
    Limit,
    RosterClerk,
    Scenario,
    Travel,
    in_season,
    parse_leave,
)
from hallsim.staff_checks import limits_agree
from small import HALLS, small
from test_reading import HERE, build, load_case, read_case

NEW = ("limits", "leave", "roster", "travel")
CASES = [
    "limits", "limits_clash", "limits_minimum", "leave", "leave_beside_roster", "roster",
    "roster_count", "travel",
]  # fmt: skip


# --- workbooks --------------------------------------------------------------------------------


def with_chinese_titles(case: dict[str, Any]) -> dict[str, Any]:
    """The case with the Chinese names of the columns in its tables."""
    files = {}
    for name, text in case["files"].items():
        table = TABLES[name.removesuffix(".csv")]
        rows = list(csv.reader(io.StringIO(text)))
        rows[0] = [str(table.model_fields[column].title) for column in rows[0]]
        out = io.StringIO()
        csv.writer(out).writerows(rows)
        files[name] = out.getvalue()
    return case | {"files": files}


def test_sheets_go_by_other_names_too(tmp_path: Path) -> None:
    files = {
        "limits.csv": "halls,limit,value\neast,most_moves,2\n",
        "leave.csv": "hall,clerks,first\neast,1,2018-09-03\n",
    }
    folder = build({"files": files, "sheets": {"限制": "约束", "休假": "请假"}}, tmp_path, True)
    found = reading.read(folder)
    assert (found.scenario.limits[0].value, found.scenario.leave[0].clerks) == (2, 1)
    assert str(found.origins["leave[hall=east, group=general, first=2018-09-03].clerks"].place) == (
        "输入.xlsx 请假!B2"
    )


@pytest.mark.parametrize("name", CASES)
def test_a_workbook_is_told_the_same(name: str, tmp_path: Path) -> None:
    """The same mistakes, each with its cell: the sheet's Chinese name, the row of the CSV file."""
    case = load_case(HERE / "invalid" / f"{name}.yaml")
    told = []
    for n, (one, xlsx) in enumerate([(case, False), (with_chinese_titles(case), True)]):
        (tmp_path / str(n)).mkdir()
        with pytest.raises(ScenarioProblems) as caught:
            read_case(one, build(one, tmp_path / str(n), xlsx))
        told.append(caught.value.problems)
    plain, sheets = (
        sorted((p.rule, p.path, str(p.value), p.suggestion) for p in problems) for problems in told
    )
    assert sheets == plain
    for problem in told[1]:
        table, _, column = problem.path.partition(".")
        table = table.partition("[")[0]
        header = next(csv.reader(io.StringIO(text_of(case, table))))
        title = str(Scenario.model_fields[table].title)
        line = next(
            p.place.line for p in told[0] if (p.rule, p.path) == (problem.rule, problem.path)
        )
        assert problem.place == Place("输入.xlsx", line, header.index(column) + 1, title)


def text_of(case: dict[str, Any], table: str) -> str:
    name = f"{table}.csv"
    base = HERE / "base" / name
    return str(case["files"].get(name) or base.read_text(encoding="utf-8"))


def test_every_rule_of_these_tables_is_told_in_chinese(tmp_path: Path) -> None:
    for name in [*CASES, "transfer_limits"]:
        case = load_case(HERE / "invalid" / f"{name}.yaml")
        (tmp_path / name).mkdir()
        with pytest.raises(ScenarioProblems) as caught:
            read_case(case, build(case, tmp_path / name))
        for problem in caught.value.problems:
            assert problem.message("zh") != problem.message("en")


# --- overrides, schema ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "rule", "value"),
    [
        ("limits[7].value=2", "unknown_row", "limits[7]"),
        ("limits[0].value=2", "unknown_row", "0"),
        ("limits[limit=least_clerk].value=2", "unknown_row", "least_clerk"),
        ("limits[limit=most_moves, halls=west].value=2", "unknown_row", "west"),
        ("limits[halls=east, #4].value=2", "unknown_row", "limits[halls=east, #4]"),
        ("limits[1].amount=2", "unknown_path", "amount"),
        ("travel[centre, destination=west].minutes=2", "unknown_row", "west"),
        ("windows[2].count=2", "unknown_row", "2"),
        ("limits.value=2", "path_syntax", None),
    ],
)
def test_rows_that_are_not_there(change: str, rule: str, value: str, tmp_path: Path) -> None:
    """A bare number is a row only where no name can be a number: `windows[2]` is a hall called 2."""
    case = load_case(HERE / "valid" / "limits.yaml") | {"sets": [change], "scenario": None}
    with pytest.raises(ScenarioProblems) as caught:
        read_case(case, build(case, tmp_path))
    assert [(p.rule, p.value) for p in caught.value.problems] == [(rule, value)]


def test_an_override_is_validated_like_the_table(tmp_path: Path) -> None:
    sets = ["limits[3].value=-9", "limits[4].limit=最多", "travel[centre].minutes=-100"]
    case = load_case(HERE / "valid" / "limits.yaml") | {"sets": sets, "scenario": None}
    with pytest.raises(ScenarioProblems) as caught:
        read_case(case, build(case, tmp_path))
    told = {(p.rule, p.path) for p in caught.value.problems}
    assert told == {
        ("at_least", "limits[3].value"),
        ("one_of", "limits[4].limit"),
        ("at_least", "travel[1].minutes"),
    }
    assert {str(p.place) for p in caught.value.problems} == {"--set"}


def test_the_tables_are_optional(tmp_path: Path) -> None:
    found = reading.read(build({}, tmp_path))
    assert all(getattr(found.scenario, table) == () for table in NEW)


def test_a_file_of_visits_beside_the_scenario_is_no_misspelt_table(tmp_path: Path) -> None:
    files = {"visits.csv": "x\n", "state.csv": "x\n", "moves.csv": "x\n", "people.csv": "x\n"}
    reading.read(build({"files": files}, tmp_path))
    with pytest.raises(ScenarioProblems) as caught:
        reading.read(build({"files": {"limit.csv": "halls\n", "rooster.csv": "x\n"}}, tmp_path))
    assert [(p.rule, p.suggestion) for p in caught.value.problems] == [
        ("table_unknown", "limits"),
        ("table_unknown", "roster"),
    ]


@pytest.mark.parametrize(
    ("flag", "good"), [(True, True), ("是", True), ("false", True), (2, False)]
)
def test_yes_and_no(flag: Any, good: bool, tmp_path: Path) -> None:
    data = {
        "name": "x",
        "hours": {"usual": {"weekdays": "9:00-12:00"}},
        "targets": [{"mean_wait_minutes": 5, "must": flag}],
    }
    fits = jsonschema.Draft202012Validator(reading.schema()).is_valid(data)
    assert fits == (good and flag != "false")  # in YAML, false is no text
    folder = build({}, tmp_path)
    text = (folder / "scenario.yaml").read_text(encoding="utf-8")
    target = json.dumps(data["targets"], ensure_ascii=False)
    (folder / "scenario.yaml").write_text(f"{text}targets: {target}\n", encoding="utf-8")
    if good:
        assert reading.read(folder).scenario.targets[0].must == (flag != "false")
    else:
        with pytest.raises(ScenarioProblems, match="true or false"):
            reading.read(folder)


@pytest.mark.parametrize(
    ("name", "hall"),
    [("一号站", "east-1"), ("东街道", "east"), ("weast", "east"), ("station", None)],
)
def test_a_hall_called_by_its_name_is_suggested_by_its_id(
    name: str, hall: str | None, tmp_path: Path
) -> None:
    files = {
        "limits.csv": f"halls,limit,value\n{name},least_clerks,1\n",
        "travel.csv": f"origin,destination,minutes\ncentre,{name},1\n",
        "leave.csv": f"hall,clerks,first\n{name},1,2018-09-03\n",
    }
    with pytest.raises(ScenarioProblems) as caught:
        reading.read(build({"files": files}, tmp_path))
    assert [(p.rule, p.suggestion) for p in caught.value.problems] == [("unknown_hall", hall)] * 3


# --- leave ------------------------------------------------------------------------------------

SEPTEMBER = [dt.date(2018, 9, day) for day in range(1, 31)]


def day(number: int) -> dt.date:
    return dt.date(2018, 9, number)


@pytest.mark.parametrize(
    ("text", "spells"),
    [
        ("", ()),
        ("2018-09-03~2018-09-07|2018-09-20", ((3, 7), (20, 20))),
        ("2018-09-03 ~ 2018-09-07 | 2018-09-20", ((3, 7), (20, 20))),
        ("2018年9月3日至9月7日、2018年9月20日", ((3, 7), (20, 20))),
        ("2018/9/3-2018/9/7，2018/9/20", ((3, 7), (20, 20))),
        ("２０１８-０９-０３～２０１８-０９-０７；2018.9.20", ((3, 7), (20, 20))),
        ("2018-09-03〜09-07", ((3, 7),)),
        ("2018-9-3—2018-9-3 2018-09-05", ((3, 3), (5, 5))),
    ],
)
def test_leave_of_a_clerk(text: str, spells: tuple[tuple[int, int], ...]) -> None:
    assert parse_leave(text) == tuple((day(a), day(b)) for a, b in spells)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("09-03", "leave_text"),
        ("2018-09-31", "leave_text"),
        ("2018-09-03~", "leave_text"),
        ("2018-09-03~07", "leave_text"),
        ("43346", "leave_text"),
        ("2018-09-03~2018-09-07~2018-09-09", "leave_text"),
        ("2018-09-01|2018-09-07~2018-09-03", "day_order"),
        ("2018-12-28~01-03", "day_order"),
    ],
)
def test_what_is_no_leave(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=f"^{rule}$"):
        parse_leave(text)


TWO_GROUPS = (
    Clerks(hall="D", count=4),
    Clerks(hall="A", group="tax", count=2),
    Clerks(hall="A", count=2),
)


def test_leave_by_day_of_the_table() -> None:
    """Two from the 3rd to the 5th, one more on the 5th; the tax clerk of A on the 30th."""
    leave = (
        Leave(hall="D", clerks=2, first=day(3), last=day(5)),
        Leave(hall="D", clerks=1, first=day(5)),
        Leave(hall="A", group="tax", clerks=1, first=day(30), last=dt.date(2018, 10, 9)),
    )
    found = leave_by_day(small(clerks=TWO_GROUPS, leave=leave), SEPTEMBER)
    assert found.shape == (30, len(HALLS), 2)
    assert found[:, 0, 0].tolist() == [0, 0, 2, 2, 3] + [0] * 25
    assert found[:, 1, 1].tolist() == [0] * 29 + [1]
    assert found.sum() == 8


def test_leave_by_day_of_the_roster() -> None:
    """Spells of one clerk that overlap are one absence; clerks add up."""
    roster = (
        RosterClerk(clerk="1", hall="D", leave="2018-09-03~2018-09-05|2018-09-05~2018-09-06"),
        RosterClerk(clerk="2", hall="D", leave="2018-09-05"),
        RosterClerk(clerk="3", hall="D"),
        RosterClerk(clerk="4", hall="A", group="tax", leave="2018-08-30~2018-09-01"),
    )
    found = leave_by_day(small(clerks=TWO_GROUPS, roster=roster), SEPTEMBER)
    assert found[:, 0, 0].tolist() == [0, 0, 1, 1, 2, 1] + [0] * 24
    assert found[:, 1, 1].tolist() == [1] + [0] * 29
    assert found.sum() == 6
    assert [d.day for d in SEPTEMBER if on_leave(roster[0], d)] == [3, 4, 5, 6]


def test_nobody_is_on_leave_where_nothing_is_said() -> None:
    assert leave_by_day(small(), SEPTEMBER).sum() == 0


def test_travel_goes_both_ways_unless_the_other_way_has_its_row() -> None:
    rows = (("A", "B", 20), ("B", "A", 35), ("D", "A1", 10))
    travel = tuple(Travel(origin=a, destination=b, minutes=m) for a, b, m in rows)
    assert listed_travel(small(travel=travel)) == {
        ("A", "B"): 20, ("B", "A"): 35, ("D", "A1"): 10, ("A1", "D"): 10,
    }  # fmt: skip


# --- limits -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "inside", "outside"),
    [
        ("", "", ["2018-01-01", "2020-02-29"], []),
        ("2018-09-03", "2018-09-05", ["2018-09-03", "2018-09-05"], ["2018-09-02", "2019-09-04"]),
        ("2018-09-03", "", ["2018-09-03", "2031-01-01"], ["2018-09-02"]),
        ("", "2018-09-05", ["2004-01-01", "2018-09-05"], ["2018-09-06"]),
        ("09-03", "09-05", ["2018-09-03", "2025-09-05"], ["2018-09-06", "2025-09-02"]),
        ("12-20", "01-10", ["2018-12-20", "2019-01-10"], ["2018-12-19", "2019-01-11"]),
    ],
)
def test_seasons(first: str, last: str, inside: list[str], outside: list[str]) -> None:
    for text in [*inside, *outside]:
        assert in_season(first, last, dt.date.fromisoformat(text)) == (text in inside)


THREE = HALLS[:3]
"""D, A and its community A1."""
KINDS = ("least_clerks", "total_least_clerks", "most_clerks", "total_most_clerks")
SELECTORS = ("*", "D", "A", "D|A", "@community", "A/*")
DAYS = [
    ("", ""), ("2018-09-01", "2018-09-30"), ("2018-09-30", ""), ("", "2018-08-31"),
    ("09-15", "10-15"), ("12-01", "01-31"), ("2019-01-31", "2019-02-10"), ("02-01", "02-01"),
]  # fmt: skip
EVERY_DAY = [dt.date(2017, 1, 1) + dt.timedelta(k) for k in range(4 * 365)]
PLANS = np.stack(np.meshgrid(*[np.arange(4)] * 6, indexing="ij"), -1).reshape(-1, 3, 2)
"""Every head count of three halls and two groups up to 3 each: more is never needed for values up to 3."""


def keeps(limit: Limit, halls: set[str]) -> Any:
    """Which of the plans keep a limit."""
    groups = [0, 1] if not limit.group else [("general", "tax").index(limit.group)]
    chosen = PLANS[:, [h.hall in halls for h in THREE]][:, :, groups].sum(axis=2)
    if limit.limit.startswith("total"):
        chosen = chosen.sum(axis=1, keepdims=True)
    fits = chosen >= limit.value if "least" in limit.limit else chosen <= limit.value
    return fits.all(axis=1)


def some_limit(rng: random.Random) -> Limit:
    first, last = rng.choice(DAYS)
    return Limit(
        halls=rng.choice(SELECTORS),  # type: ignore[arg-type]
        limit=rng.choice(KINDS),  # type: ignore[arg-type]
        value=rng.randrange(4),
        group=rng.choice(("", "general", "tax")),
        first=first,
        last=last,
    )


@pytest.mark.parametrize("seed", range(300))
def test_two_limits_contradict_each_other_if_no_plan_keeps_both(seed: int) -> None:
    """Against every plan and every day of four years.  Nothing is left to chance: no false alarms."""
    rng = random.Random(seed)
    pair = some_limit(rng), some_limit(rng)
    clerks = tuple(
        Clerks(hall=h.hall, group=g, count=3, minimum=0) for h in THREE for g in ("general", "tax")
    )
    scenario = small(halls=THREE, clerks=clerks, limits=pair)
    halls = [{h.hall for h in scenario.select(limit.halls)} for limit in pair]
    meet = any(all(in_season(x.first, x.last, t) for x in pair) for t in EVERY_DAY)
    possible = (keeps(pair[0], halls[0]) & keeps(pair[1], halls[1])).any()
    told = [f.rule for f in limits_agree(Draft(scenario))]
    assert told == (["limits_clash"] if meet and not possible else [])


def test_the_pairs_above_are_of_both_sorts() -> None:
    """Of 300 pairs, a fair number contradict each other: else the test above would be empty."""
    found = 0
    for seed in range(300):
        rng = random.Random(seed)
        pair = some_limit(rng), some_limit(rng)
        found += bool(list(limits_agree(Draft(small(halls=THREE, limits=pair)))))
    assert 10 <= found <= 290


@pytest.mark.parametrize(
    ("sessions", "hours", "good"),
    [
        ("9:00-12:00 14:00-18:00", "9:00-12:00", True),
        ("9:00-12:00 14:00-18:00", "11:00-14:30", False),
        ("9:00-12:00 12:00-18:00", "11:00-13:00", True),
        ("9:00-18:00", "12:00-14:00", True),
        ("9:00-18:00", "8:30-9:30", False),
        ("9:00-18:00", "17:00-18:30", False),
    ],
)
def test_hours_of_a_limit_are_opening_hours(
    sessions: str, hours: str, good: bool, tmp_path: Path
) -> None:
    case = {
        "edit": {"scenario.yaml": [["9:00-12:00 14:00-18:00", sessions]]},
        "files": {"limits.csv": f"halls,limit,value,hours\n*,least_windows,1,{hours}\n"},
    }
    folder = build(case, tmp_path)
    if good:
        assert reading.read(folder).scenario.limits[0].hours == hours
    else:
        with pytest.raises(ScenarioProblems, match="outside the opening hours of centre, east"):
            reading.read(folder)


# --- nothing odd breaks the reader ------------------------------------------------------------

ODD: list[Any] = [
    None, 0, -1, 1.5, True, "", "*", "@street", "9:00-8:00", "a|b", "2018-02-30", "02-29", [], {}, [1],
]  # fmt: skip
ROWS = {
    "limits": {"halls": "east", "limit": "least_windows", "value": 1, "group": "", "hours": "9:00-10:00",
               "first": "2018-09-01", "last": "2018-09-30"},
    "leave": {"hall": "east", "group": "general", "clerks": 1, "first": "2018-09-01", "last": "2018-09-02"},
    "roster": {"clerk": 1, "hall": "east", "group": "general", "leave": "2018-09-01", "moved": 0},
    "travel": {"origin": "east", "destination": "centre", "minutes": 5},
}  # fmt: skip


@pytest.mark.parametrize("table", NEW)
def test_odd_values_are_problems_of_some_place(table: str, tmp_path: Path) -> None:
    """Beside a right row of the same table, so that rows are compared with each other too."""
    folder = build({}, tmp_path)
    text = (folder / "scenario.yaml").read_text(encoding="utf-8")
    for column in ROWS[table]:
        for value in ODD:
            rows = json.dumps([ROWS[table], ROWS[table] | {column: value}], ensure_ascii=False)
            (folder / "scenario.yaml").write_text(f"{text}{table}: {rows}\n", encoding="utf-8")
            try:
                reading.read(folder)
            except ScenarioProblems as problem:
                assert all(p.place.file for p in problem.problems)
                assert not any(p.rule == "invalid" for p in problem.problems)
