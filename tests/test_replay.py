"""Files in, files out: what is read, what is refused, what is written."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import random_days
from hallsim import compiled
from hallsim.cells import KEPT
from hallsim.cli import main
from hallsim.problems import RULES, ScenarioProblems
from hallsim.replay import Engine, Replayed, replay
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


def run(
    folder: Path, visitors: str, duties: str, engine: Engine = "compiled", **options: int
) -> Replayed:
    (folder / "v.csv").write_text(visitors, "utf-8")
    (folder / "d.csv").write_text(duties, "utf-8")
    return replay(folder / "v.csv", folder / "d.csv", folder / "visits.csv", engine, **options)


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
        "v.csv:6: arrival: arrivals out of order, 1 times; sorted by arrival",
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


@pytest.mark.parametrize(
    ("example", "options"), [(0, {}), (1, {"ghost_seconds": 4, "posted_service": 10})]
)
def test_the_examples_of_the_rules(
    tmp_path: Path, either: Engine, example: int, options: dict[str, int]
) -> None:
    page = Path(__file__).parents[1] / "docs" / "rules.md"
    tables = re.findall(r"```csv\n(.*?)```", page.read_text("utf-8"), re.S)
    assert len(tables) == 6
    visitors, duties, visits = tables[3 * example : 3 * example + 3]
    replayed = run(tmp_path, visitors, duties, either, **options)
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


def test_usual_values_of_columns_may_be_written_out(tmp_path: Path) -> None:
    replayed = run(
        tmp_path,
        "hall,arrival,item,service,stage,walk,travel,balk_at\nH,0,x,9,1,0,0,\nH,0,x,9,,,,\n",
        "hall,window,items,on,off\nH,W,x,0,5\n",
    )
    assert replayed.visits.finished.tolist() == [9, 18]


CHOICE = """\
visitor,stage,hall,travel,arrival,walk,item,service,balk_at,why
a,1,A|B,0|5,0,,x,10,,
b,1,A|B,0|5,1,,x,10,,
a,2,,,,3,y,20,,a second counter
c,1,B,7,2,,x,10,1,
d,1,B|A,0,2,,y,10,,
d,2,C|D,1|2|3,noon,0,x,1,,hall and time of a later stage are not read
b,2,B,,0,2,x,4,1,
"""


def test_stages_and_choices(tmp_path: Path, either: Engine) -> None:
    """With 9 s a person posted: b at 1 and d at 2 see nobody waiting in the hall named first.

    At A the window is free at 10, 20 and 40: b has ticket 1, a is due again at 13, b at 22.  At B c
    arrives at 9 and finds nobody waiting; d, served until 12, comes again behind it.
    """
    (tmp_path / "v.csv").write_text(CHOICE, "utf-8")
    (tmp_path / "d.csv").write_text(
        "hall,window,items,on,off,clerk\nA,1,*,0,90,Li\nB,1,x|y,0,90,Wang\n", "utf-8"
    )
    out = tmp_path / "visits.csv"
    replay(tmp_path / "v.csv", tmp_path / "d.csv", out, either, posted_service=9)
    assert out.read_text("utf-8-sig") == (
        "visitor,stage,outcome,hall,window,ticket,called,finished,why\n"
        "a,1,served,A,1,0,0,10,\n"
        "b,1,served,A,1,1,10,20,\n"
        "a,2,served,A,1,13,20,40,a second counter\n"
        "c,1,served,B,1,9,12,22,\n"
        "d,1,served,B,1,2,2,12,\n"
        "d,2,served,B,1,12,22,23,hall and time of a later stage are not read\n"
        "b,2,served,A,1,22,40,44,\n"
    )


def test_ghosts_balking_and_void_stages(tmp_path: Path, either: Engine) -> None:
    """At 10 the window waits for a2 until 16; b2, balked at 3, is not called."""
    rows = ["a1,1,0,10,,", "a2,1,1,5,2,", "a2,2,,5,,", "b1,1,2,5,,", "b2,1,3,5,,1", "b2,2,,5,,"]
    (tmp_path / "v.csv").write_text(
        "\n".join(
            [
                "visitor,stage,arrival,service,patience,balk_at,hall,item",
                *(f"{r},H,x" for r in rows),
            ]
        )
    )
    (tmp_path / "d.csv").write_text("hall,window,items,on,off\nH,W,*,0,50\n")
    out = tmp_path / "visits.csv"
    replay(tmp_path / "v.csv", tmp_path / "d.csv", out, either, ghost_seconds=6)
    assert out.read_text("utf-8-sig").splitlines()[1:] == [
        "a1,1,served,H,W,0,0,10",
        "a2,1,abandoned,H,,1,,",
        "a2,2,void,H,,,,",
        "b1,1,served,H,W,2,16,21",
        "b2,1,balked,H,,,,",
        "b2,2,void,H,,,,",
    ]


def test_items_are_the_same_in_all_halls_one_may_choose_between(
    tmp_path: Path, either: Engine
) -> None:
    """y is the second item of A, the first of B and the third of C, which E links with A by D."""
    replayed = run(
        tmp_path,
        "hall,arrival,item,service\nA|B,50,y,9\nB|A,0,y,9\nA|D,0,z,9\nD|C,50,z,9\nC|D,0,y,9\n",
        "hall,window,items,on,off\nA,1,x|y,0,9\nB,2,y,0,99\nC,3,z|x|y,0,9\nD,4,z,0,99\n",
        either,
    )
    assert replayed.path.read_text("utf-8-sig").splitlines()[1:] == [
        "served,B,2,50,50,59",
        "served,B,2,0,0,9",
        "turned_away,A,,0,,",
        "served,D,4,50,50,59",
        "served,C,3,0,0,9",
    ]


def test_rows_out_of_order_take_their_later_stages_along(tmp_path: Path, either: Engine) -> None:
    """In the order b, b2, c, a, a2 and with B's rows where they are; b2 and c both come at 5.

    By hand: b 0-5; then b2 and c have ticket 5, b2 is in the earlier row; a comes at 9.
    """
    rows = ["a,1,A,9,,5", "x,1,B,7,,5", "b,1,A,0,,5", "b,2,A,,0,5", "a,2,A,,0,5", "c,1,A,5,,5"]
    replayed = run(
        tmp_path,
        "\n".join(["visitor,stage,hall,arrival,walk,service,item", *(f"{row},i" for row in rows)]),
        "hall,window,items,on,off\nA,1,*,0,99\nB,2,*,0,99\n",
        either,
    )
    assert notes(replayed, tmp_path) == [
        "v.csv:4: arrival: arrivals out of order, 1 times; sorted by arrival"
    ]
    assert replayed.path.read_text("utf-8-sig").splitlines()[1:] == [
        "a,1,served,A,1,9,15,20",
        "x,1,served,B,2,7,7,12",
        "b,1,served,A,1,0,0,5",
        "b,2,served,A,1,5,10,15",
        "a,2,served,A,1,20,20,25",
        "c,1,served,A,1,5,5,10",
    ]


def test_engines_have_two_names(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("hall,arrival,item,service\nH,0,x,9\n")
    (tmp_path / "d.csv").write_text("hall,window,items,on,off\nH,W,*,0,50\n")
    for name in ("compiled", "simpy", "reference"):
        out = tmp_path / f"{name}.csv"
        replay(tmp_path / "v.csv", tmp_path / "d.csv", out, name)  # type: ignore[arg-type]
        assert out.read_bytes() == (tmp_path / "compiled.csv").read_bytes()


def test_what_stages_and_choices_may_not_be(tmp_path: Path) -> None:
    visitors = (
        "day,visitor,stage,hall,travel,arrival,item,service\n"
        "mon,a,1,H1|H2,0|600|900,0,x,1\n"
        "mon,a,3,,,,x,1\n"
        "mon,b,2,,,,x,1\n"
        "mon,b,1,H1,,0,x,1\n"
        "mon,c,1,H1|H3|H9,,0,x,1\n"
        "tue,c,2,,,,x,1\n"
        "mon,c,1,H1,0|1,0,x,1\n"
        "mon,c,0,H1,0,0,x,1\n"
        "mon,d,1,H1||H2,,0,x,1\n"
        "mon,e,1,H7,,0,x,1\n"
    )
    duties = "day,hall,window,items,on,off\nmon,H1,W,*,0,9\ntue,H2,W,*,0,9\n"
    one = "v.csv:9: stage: should be 1 or more (now '0')"
    assert one in problems(tmp_path, visitors, duties)
    visitors = visitors.replace("mon,c,0,H1,0,0,x,1\n", "")
    assert sorted(problems(tmp_path, visitors, duties)) == [
        "v.csv:2: travel: 3 travel times for 2 halls (now '0|600|900')",
        "v.csv:3: stage: stage 2 of this visitor is not in the rows above (now '3')",
        "v.csv:4: stage: stage 1 of this visitor is not in the rows above (now '2')",
        "v.csv:6: hall: no duty is in hall H3, so nobody can choose it (now 'H1|H3|H9')",
        "v.csv:6: hall: no duty is in hall H9, so nobody can choose it (now 'H1|H3|H9')",
        "v.csv:7: stage: stage 1 of this visitor is not in the rows above (now '2')",
        "v.csv:8: travel: 2 travel times for 1 halls (now '0|1')",
        "v.csv:8: visitor: given before, at v.csv:6 (now 'c')",
        "v.csv:9: hall: should be a hall, or different halls joined by | without blanks (now 'H1||H2')",
    ]


def test_stages_without_visitors(tmp_path: Path) -> None:
    visitors = "stage,hall,arrival,item,service\n1,H,0,x,1\n2,H,0,x,1\n"
    assert problems(tmp_path, visitors, "hall,window,items,on,off\nH,W,*,0,1\n") == [
        "v.csv:1: visitor: this column is missing"
    ]


def test_days_on_which_no_hall_of_a_choice_has_a_duty(tmp_path: Path, either: Engine) -> None:
    """H1 alone is closed on tuesday, a choice with H2 is not."""
    replayed = run(
        tmp_path,
        "day,visitor,stage,hall,arrival,item,service\n"
        "tue,a,1,H1|H2,0,x,1\ntue,b,1,H1,0,x,1\nwed,a,1,H1|H2,0,x,1\nwed,a,2,,,x,1\n",
        "day,hall,window,items,on,off\nmon,H1,W,*,0,9\ntue,H2,W,*,0,9\n",
        either,
    )
    assert notes(replayed, tmp_path) == [
        "v.csv:3: hall: hall H1 has no duty on day tue, so everyone is turned away;"
        " days of a hall like this: 2, visitors: 2",
    ]
    assert replayed.path.read_text("utf-8-sig").splitlines()[1:] == [
        "tue,a,1,served,H2,W,0,0,1",
        "tue,b,1,turned_away,H1,,,,",
        "wed,a,1,turned_away,H1,,,,",
        "wed,a,2,void,H1,,,,",
    ]


def test_both_engines_write_the_same_file_of_many_days(tmp_path: Path) -> None:
    """10,000 days of three halls, all rules in play."""
    case = random_days.many_days(10_000, seed=3, visits_per_day=6)
    (tmp_path / "v.csv").write_text(random_days.visitors_file(case))
    (tmp_path / "d.csv").write_text(random_days.duties_file(case))
    files = []
    for engine in ("compiled", "simpy"):
        out = tmp_path / f"{engine}.csv"
        replayed = replay(
            *(tmp_path / "v.csv", tmp_path / "d.csv", out, engine),  # type: ignore[arg-type]
            ghost_seconds=case.ghost_seconds,
            posted_service=case.posted_service,
        )
        files.append(out.read_bytes())
    assert files[0] == files[1]
    assert len(set(case.visitors.day.tolist())) > 9_900
    assert set(replayed.visits.outcome.tolist()) == {0, 1, 2, 3, 4}
    assert np.array_equal(replayed.visits.finished, case.through(compiled.simulate).finished)


@pytest.mark.parametrize(
    ("module", "name"),
    [("replay", "read_case"), ("replay", "simulate"), ("outputs", "_move")],
)
@pytest.mark.parametrize("folder", ["new", "."])
def test_an_interrupted_replay_leaves_everything_as_it_was(
    tmp_path: Path, module: str, name: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in the middle of writing, when the new file is there under another name."""

    def interrupt(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "v.csv").write_text("hall,arrival,item,service\nH,0,x,9\n")
    (tmp_path / "d.csv").write_text("hall,window,items,on,off\nH,W,*,0,50\n")
    monkeypatch.setattr(import_module(f"hallsim.{module}"), name, interrupt)
    words = ["hallsim", "replay", "--visitors", "v.csv", "--duties", "d.csv"]
    monkeypatch.setattr(sys, "argv", [*words, "--out", f"{folder}/visits.csv"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["d.csv", "v.csv"]


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
        "mon,a,H1|H1,09:61,x,0,,0,0,1,60,0|600\n"
        "mon,b,,-5,*,,x,0,,1,,-1\n"
        "\n"
        "mon,c,H1,9.5,x,1,-1,99999999999999999999999,,,,\n"
        "mon,H1\n"
        "mon,d,,,x,1,,,many,2,-3,0|x\n"
    )
    duties = "hall,window,items,on,off,speed\nH1|H2,W1,x|,9:00,17:00,0\n,W2,*,x,12:00,1.5\n"
    not_time = "should be whole seconds after midnight, or HH:MM[:SS]"
    assert sorted(problems(tmp_path, visitors, duties)) == sorted(
        [
            "v.csv:2: hall: should be a hall, or different halls joined by | without blanks (now 'H1|H1')",
            f"v.csv:2: arrival: {not_time} (now '09:61')",
            "v.csv:2: service: should be 1 or more (now '0')",
            "v.csv:2: balk_at: should be 1 or more (now '0')",
            "v.csv:3: hall: a value is needed here",
            "v.csv:3: arrival: should be 0 or more (now '-5')",
            "v.csv:3: item: a visitor has one item (now '*')",
            "v.csv:3: service: a value is needed here",
            "v.csv:3: patience: should be a whole number (now 'x')",
            "v.csv:3: travel: should be 0 or more (now '-1')",
            f"v.csv:5: arrival: {not_time} (now '9.5')",
            "v.csv:5: patience: should be 0 or more (now '-1')",
            "v.csv:5: credit: should be 1000000000 or less (now '99999999999999999999999')",
            "v.csv:6: the row has 2 cells, the header has 12",
            "v.csv:7: stage: stage 1 of this visitor is not in the rows above (now '2')",
            "v.csv:7: walk: should be 0 or more (now '-3')",
            "v.csv:7: balk_at: should be a whole number (now 'many')",
            "d.csv:2: hall: a duty is in one hall (now 'H1|H2')",
            "d.csv:2: items: should be *, or items joined by | without blanks (now 'x|')",
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
