"""Files in, files out: what is read, what is refused, what is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hallsim.cells import KEPT
from hallsim.problems import RULES, ScenarioProblems
from hallsim.replay import Replayed, replay
from hallsim.simulate import Engine
from hallsim.text import translator

VISITORS = """\
day,visitor,hall,arrival,item,service,patience,credit,note
mon,a,H1,09:00,x,300,,0,first
mon,b,H1,9:00:10,y,300,5,0,"two
lines"
tue,c,H1,32399,x,300,,,
mon,d,H1,08:59:59,z,60,0,86400,队

mon,e,H2,100,z,60,0,,
"""
DUTIES = """\
hall,window,items,on,off,clerk
H1,W1,x|y,09:00,17:00,Li
H1,二号,*,09:00,12:00,Wang
"""
VISITS = """\
day,visitor,outcome,hall,window,ticket,called,finished,note
mon,a,served,H1,W1,32400,32400,32700,first
mon,b,served,H1,二号,32410,32410,32710,"two
lines"
tue,c,served,H1,W1,32399,32400,32700,
mon,d,abandoned,H1,,32399,,,队
mon,e,turned_away,H2,,,,,
"""


@pytest.fixture(params=["compiled", "reference"])
def either(request: pytest.FixtureRequest) -> Engine:
    name: Engine = request.param
    return name


def run(folder: Path, visitors: str, duties: str, engine: Engine = "compiled") -> Replayed:
    (folder / "v.csv").write_text(visitors, "utf-8")
    (folder / "d.csv").write_text(duties, "utf-8")
    return replay(folder / "v.csv", folder / "d.csv", folder / "visits.csv", engine)


def notes(replayed: Replayed, folder: Path) -> list[str]:
    return [note.text().replace(f"{folder}/", "") for note in replayed.notes]


def problems(folder: Path, visitors: str, duties: str) -> list[str]:
    with pytest.raises(ScenarioProblems) as caught:
        run(folder, visitors, duties)
    assert not (folder / "visits.csv").exists()
    return [problem.text().replace(f"{folder}/", "") for problem in caught.value.problems]


def test_a_file_of_each_kind(tmp_path: Path, either: Engine) -> None:
    """d came before a; d has patience 0 and the windows open a second later."""
    replayed = run(tmp_path, VISITORS, DUTIES, either)
    assert replayed.path.read_text("utf-8-sig") == VISITS
    assert notes(replayed, tmp_path) == [
        "v.csv:1: note: this column has no effect",
        "v.csv:2: arrival: arrivals out of order, 1 times; sorted by arrival",
        "v.csv:8: hall: hall H2 has no duty on day mon, so everyone is turned away;"
        " days of a hall like this: 1, visitors: 1",
    ]
    assert {note.severity for note in replayed.notes} == {"note"}
    assert [note.text("zh").rpartition(": ")[2] for note in replayed.notes] == [
        "这一列不起作用",
        "到达时间有 1 处先后颠倒；已按到达时间排序",
        "大厅 H2 在 mon 没有值班，来人都取不到号；这样的厅日共 1 个，来 1 人",
    ]


def test_notes_without_days_and_of_a_misspelt_column(tmp_path: Path) -> None:
    visitors = "hall,arrival,item,service,patients\nH2,0,x,9,5\nH2,1,x,9,5\n"
    replayed = run(tmp_path, visitors, "hall,window,items,on,off\nH1,W,*,0,9\n")
    assert notes(replayed, tmp_path) == [
        "v.csv:1: patients: this column has no effect; did you mean 'patience'?",
        "v.csv:2: hall: hall H2 has no duty, so everyone is turned away; visitors of such halls: 2",
    ]


def test_the_example_of_the_rules(tmp_path: Path, either: Engine) -> None:
    page = Path(__file__).parents[1] / "docs" / "rules.md"
    visitors, duties, visits = re.findall(r"```csv\n(.*?)```", page.read_text("utf-8"), re.S)
    replayed = run(tmp_path, visitors, duties, either)
    assert replayed.path.read_text("utf-8-sig") == visits


def test_without_serving_out(tmp_path: Path, either: Engine) -> None:
    (tmp_path / "v.csv").write_text("hall,arrival,item,service\nH,0,x,9\nH,1,x,9\n")
    (tmp_path / "d.csv").write_text("hall,window,items,on,off\nH,W,*,0,5\n")
    out = tmp_path / "new" / "visits.csv"
    replay(tmp_path / "v.csv", tmp_path / "d.csv", out, either, serve_out=False)
    assert out.read_text("utf-8-sig") == (
        "outcome,hall,window,ticket,called,finished\nserved,H,W,0,0,9\nturned_away,H,,1,,\n"
    )


def test_duties_with_days_hold_on_their_days_only(tmp_path: Path, either: Engine) -> None:
    replayed = run(
        tmp_path,
        "day,hall,arrival,item,service\nmon,H,0,x,9\ntue,H,0,x,9\n",
        "day,hall,window,items,on,off,speed\ntue,H,W,x,0,5,150\n",
        either,
    )
    assert replayed.path.read_text("utf-8-sig").splitlines()[1:] == [
        "mon,turned_away,H,,,,",
        "tue,served,H,W,0,0,6",
    ]


def test_columns_named_like_those_of_visits_are_kept_under_another_name(tmp_path: Path) -> None:
    replayed = run(
        tmp_path,
        "hall,arrival,item,service,called\nH,0,x,9,77\n",
        "hall,window,items,on,off\nH,W,x,0,5\n",
    )
    assert replayed.path.read_text("utf-8-sig").splitlines() == [
        "outcome,hall,window,ticket,called,finished,given_called",
        "served,H,W,0,0,9,77",
    ]


def test_usual_values_of_columns_of_later_rules_are_welcome(tmp_path: Path) -> None:
    replayed = run(
        tmp_path,
        "hall,arrival,item,service,stage,walk,travel,balk_at\nH,0,x,9,1,0,0,\nH,0,x,9,,,,\n",
        "hall,window,items,on,off\nH,W,x,0,5\n",
    )
    assert replayed.visits.finished.tolist() == [9, 18]


def test_more_items_than_codes_as_long_as_few_are_named(tmp_path: Path) -> None:
    rows = "".join(f"H,{n},i{n},1\n" for n in range(500))
    replayed = run(
        tmp_path,
        "hall,arrival,item,service\n" + rows,
        "hall,window,items,on,off\nH,W,*,0,900\nH,X,i499,0,900\n",
    )
    assert replayed.path.read_text("utf-8-sig").splitlines()[-2:] == [
        "served,H,W,498,498,499",
        "served,H,X,499,499,500",
    ]


def test_every_problem_at_once(tmp_path: Path) -> None:
    visitors = (
        "day,visitor,hall,arrival,item,service,patience,credit,balk_at,stage,walk,travel\n"
        "mon,a,H1|H2,09:61,x,0,,0,3,2,60,0|600\n"
        "mon,b,,-5,*,,x,0,,1,,\n"
        "\n"
        "mon,c,H1,9.5,x,1,-1,99999999999999999999999,,,,\n"
        "mon,H1\n"
    )
    duties = "hall,window,items,on,off,speed\nH1,W1,x|,9:00,17:00,0\n,W2,*,x,12:00,1.5\n"
    not_time = "should be whole seconds after midnight, or HH:MM[:SS]"
    halls = "choices of hall are not in this version (rule 9 of docs/rules.md)"
    stages = "stages are not in this version (rule 12 of docs/rules.md)"
    balking = "balking is not in this version (rule 11 of docs/rules.md)"
    assert sorted(problems(tmp_path, visitors, duties)) == sorted(
        [
            f"v.csv:2: hall: {halls} (now 'H1|H2')",
            f"v.csv:2: arrival: {not_time} (now '09:61')",
            "v.csv:2: service: should be 1 or more (now '0')",
            f"v.csv:2: balk_at: {balking} (now '3')",
            f"v.csv:2: stage: {stages} (now '2')",
            f"v.csv:2: walk: {stages} (now '60')",
            f"v.csv:2: travel: {halls} (now '0|600')",
            "v.csv:3: hall: a value is needed here",
            "v.csv:3: arrival: should be 0 or more (now '-5')",
            "v.csv:3: item: a visitor has one item (now '*')",
            "v.csv:3: service: a value is needed here",
            "v.csv:3: patience: should be a whole number (now 'x')",
            f"v.csv:5: arrival: {not_time} (now '9.5')",
            "v.csv:5: patience: should be 0 or more (now '-1')",
            "v.csv:5: credit: should be 1000000000 or less (now '99999999999999999999999')",
            "v.csv:6: the row has 2 cells, the header has 12",
            "d.csv:2: items: should be *, or items joined by | (now 'x|')",
            "d.csv:2: speed: should be 1 or more (now '0')",
            "d.csv:3: hall: a value is needed here",
            f"d.csv:3: on: {not_time} (now 'x')",
            "d.csv:3: speed: should be a whole number (now '1.5')",
        ]
    )


def test_spells_that_end_before_they_begin_or_overlap(tmp_path: Path) -> None:
    duties = (
        "hall,window,items,on,off\n"
        "H1,W1,x,09:00,17:00\n"
        "H1,W2,*,12:00,12:00\n"
        "H1,W1,*,10:00,11:00\n"
        "H1,W1,*,16:00,19:00\n"
        "H1,W1,*,19:00,20:00\n"
        "H2,W1,*,09:00,20:00\n"
    )
    assert problems(tmp_path, VISITORS, duties) == [
        "d.csv:3: off: a duty ends after it begins (now '12:00')",
        "d.csv:4: on: overlaps the duty of this window at d.csv:2 (now '10:00')",
        "d.csv:5: on: overlaps the duty of this window at d.csv:2 (now '16:00')",
    ]


@pytest.mark.parametrize(
    ("visitors", "expected"),
    [
        ("", "v.csv: the file is empty"),
        (
            "hall,arival,item,service\n",
            "v.csv:1: arrival: this column is missing; did you mean 'arival'?",
        ),
        ("hall,arrival,item,service,hall\n", "v.csv:1: hall: this column was given before"),
        ('hall,arrival,item,service\n"H,0,x,1\n', "v.csv:2: not valid CSV: unexpected end of data"),
        (
            "day,hall,arrival,item,service,visitor\n1,H,0,x,1,a\n2,H,0,x,1,a\n1,H,0,x,1,a\n",
            "v.csv:4: visitor: given before, at v.csv:2 (now 'a')",
        ),
        (
            "hall,arrival,item,service\nH,0,x,1\n",
            "v.csv:1: day: the duties have days, the visitors have none",
        ),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, visitors: str, expected: str) -> None:
    found = problems(tmp_path, visitors, "day,hall,window,items,on,off\n1,H,W,*,0,1\n")
    assert expected in [text.replace(f"{tmp_path}/", "") for text in found]


def test_a_missing_file_and_a_wrong_encoding(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes("hall,window\n一号,1\n".encode("gb18030"))
    with pytest.raises(ScenarioProblems) as caught:
        replay(tmp_path / "none.csv", tmp_path / "d.csv", tmp_path / "visits.csv")
    found = [(p.rule, p.place.line) for p in caught.value.problems]
    assert found == [("encoding", 2), ("file_missing", 0)]


def test_too_many_named_items(tmp_path: Path) -> None:
    names = "|".join(f"i{n}" for n in range(63))
    found = problems(
        tmp_path,
        "hall,arrival,item,service\n",
        f"hall,window,items,on,off\nH,W,*,0,1\nH,X,{names},0,1\n",
    )
    assert len(found) == 1
    assert found[0].startswith("d.csv:3: items: more than 62 items are named")


def test_a_file_that_is_no_text_in_any_likely_encoding(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_bytes(b"hall\n\xff\xff\n")
    with pytest.raises(ScenarioProblems) as caught:
        replay(tmp_path / "v.csv", tmp_path / "v.csv", tmp_path / "visits.csv")
    assert {p.rule for p in caught.value.problems} == {"encoding_unknown"}


def test_of_many_bad_rows_the_first_are_told_and_all_are_counted(tmp_path: Path) -> None:
    rows = ["H,0,x,1"] * 1000 + ["H,zero,x,one", "H,0,x"] * 30_000
    with pytest.raises(ScenarioProblems) as caught:
        run(
            tmp_path,
            "\n".join(["hall,arrival,item,service", *rows]),
            "hall,window,items,on,off\nH,W,*,0,9\n",
        )
    assert len(caught.value.problems) == KEPT
    assert caught.value.text().splitlines()[0] == "90000 problems"
    assert caught.value.text().splitlines()[-1] == "and 89980 more"
    told = [(p.place.line, p.rule) for p in caught.value.problems[:4]]
    assert told == [
        (1002, "seconds"), (1002, "whole_number"), (1003, "row_length"), (1004, "seconds"),
    ]  # fmt: skip


def test_every_rule_of_a_replay_speaks_chinese() -> None:
    rules = list(RULES)
    first, last = rules.index("seconds"), rules.index("days_missing")
    for rule in [*rules[first : last + 1], "column_aside", "sorted", "no_duty", "no_duty_day"]:
        assert translator("problems", "zh")(RULES[rule]) != RULES[rule]


def test_one_bad_cell_among_many_rows(tmp_path: Path) -> None:
    rows = ["H,0,x,1"] * 50_000
    rows[43_210] = "H,0,x,one"
    assert problems(
        tmp_path, "\n".join(["hall,arrival,item,service", *rows]), "hall,window,items,on,off\n"
    ) == ["v.csv:43212: service: should be a whole number (now 'one')"]
