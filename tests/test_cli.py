"""The command line as its users meet it: output, exit codes, languages, nothing half-written."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from hallsim import cli

ROOT = Path(__file__).parent.parent
LONGHUA = ROOT / "scenarios" / "longhua-shenzhen"
SMALL = ["--replications", "2", "--set", "run.table_replications=2", "--set", "run.period=month"]


def hallsim(*words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-m", "hallsim.cli", *map(str, words)],
        capture_output=True, text=True, cwd=cwd, encoding="utf-8", errors="replace", timeout=300,
        env={**os.environ, "HALLSIM_LANG": "en", "PYTHONIOENCODING": "utf-8", **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def september(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    cwd = tmp_path_factory.mktemp("september")
    return cwd, hallsim("recommend", LONGHUA, "--month", "2018-09", "--json", *SMALL, cwd=cwd)


def test_recommend_prints_json_only_and_writes_the_report(
    september: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    cwd, done = september
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    wait = told["mean_wait_minutes"]
    for side in ("home", "plan", "difference"):
        assert wait[side]["lo"] <= wait[side]["mean"] <= wait[side]["hi"]
    assert wait["plan"]["mean"] - wait["home"]["mean"] == pytest.approx(
        wait["difference"]["mean"], abs=1e-3
    )
    assert told["solver_gap"] <= 1e-3
    assert told["replications"] == 2
    assert told["seconds"] > 0
    assert {"from", "to", "clerks", "first", "last"} <= set(told["moves"][0])
    folder = cwd / "reports" / "2018-09" / "longhua-shenzhen"
    assert {f.name for f in folder.iterdir()} == {
        "report.html", "recommendation.xlsx", "moves.csv", "summary.json",
    }  # fmt: skip
    kept = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert kept["mean_wait_minutes"] == wait


def test_the_september_plan_helps_and_keeps_every_limit(
    september: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """Two replications: the paired 95 % interval has 1 degree of freedom and still excludes 0."""
    told = json.loads(september[1].stdout)
    assert told["mean_wait_minutes"]["difference"]["hi"] < 0
    away: dict[str, int] = {}
    for move in told["moves"]:
        away[move["from"]] = away.get(move["from"], 0) - move["clerks"]
        away[move["to"]] = away.get(move["to"], 0) + move["clerks"]
    from hallsim.reading import read

    for row in read(LONGHUA).scenario.clerks:
        assert row.count + away.get(row.hall, 0) >= row.minimum


def test_the_same_study_again_changes_nothing_whatever_the_jobs(
    september: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    cwd, _ = september
    folder = cwd / "reports" / "2018-09" / "longhua-shenzhen"
    before = {f.name: f.read_bytes() for f in folder.iterdir()}
    done = hallsim("recommend", LONGHUA, "--month", "2018-09", "--jobs", "1", *SMALL, cwd=cwd)
    assert done.returncode == 0, done.stderr
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == before


def test_another_study_is_refused_unless_forced(
    september: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    cwd, _ = september
    folder = cwd / "reports" / "2018-09" / "longhua-shenzhen"
    before = (folder / "report.html").read_bytes()
    words = ["recommend", LONGHUA, "--month", "2018-09", "--seed", "5", *SMALL]
    refused = hallsim(*words, cwd=cwd)
    assert refused.returncode == 2 and "--force" in refused.stderr
    assert (folder / "report.html").read_bytes() == before
    forced = hallsim(*words, "--force", cwd=cwd)
    assert forced.returncode == 0, forced.stderr
    assert (folder / "previous" / "1" / "report.html").read_bytes() == before


def test_limits_that_contradict_each_other_are_named_and_the_code_is_documented(
    tmp_path: Path,
) -> None:
    """18 clerks of a hall that may lend none and may have ten at most."""
    folder = shutil.copytree(LONGHUA, tmp_path / "longhua")
    (folder / "limits.csv").write_text(
        "halls,limit,value\nguanhu,most_lent,0\nguanhu,most_clerks,10\n", encoding="utf-8"
    )
    done = hallsim("recommend", folder, "--month", "2018-09", "--json", *SMALL, cwd=tmp_path)
    assert done.returncode == 5, done.stderr
    told = json.loads(done.stdout)
    assert {row["place"] for row in told["conflict"]} == {"limits.csv:2", "limits.csv:3"}
    assert sum(row["by"] for row in told["relaxed"]) == 18 - 10
    for place in ("limits.csv:2", "limits.csv:3"):
        assert place in done.stderr
    assert "| 5 |" in (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")


def test_a_month_not_yet_announced_works_and_says_provisional(tmp_path: Path) -> None:
    words = ["recommend", LONGHUA, "--month", "2027-01", *SMALL]
    done = hallsim(*words, cwd=tmp_path)
    assert done.returncode == 0 and "provisional" in done.stdout
    strict = hallsim(*words, "--strict", "--out", tmp_path / "strict", cwd=tmp_path)
    assert strict.returncode == 4 and not (tmp_path / "strict").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["recommend", LONGHUA, "--month", "2018-13"], 3, "2018-13"),
        (["recommend", LONGHUA, "--month", "1999-01"], 3, "outside the calendar"),
        (["recommend", LONGHUA, "--month", "2018-09", "--scenario", "bussy"], 3, "busy"),
        (
            ["recommend", LONGHUA, "--month", "2018-09", "--set", "staffing.leave_rat=0"],
            3,
            "leave_rate",
        ),
        (["recommend", "no-such-folder", "--month", "2018-09"], 3, "folder does not exist"),
        (["recommend", LONGHUA], 2, "--month"),
        (["simulate", LONGHUA, "--month", "2018-09", "--by", "moon"], 2, "hall_day"),
        (["replay", "--visitors", "v.csv", "--duties", "d.csv", "--out", "o.csv"], 4, "not found"),
    ],
)
def test_bad_calls_end_with_plain_words_and_a_documented_code(
    words: list[str | Path], code: int, said: str, tmp_path: Path
) -> None:
    done = hallsim(*words, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not list(tmp_path.iterdir())


def test_a_month_in_which_nothing_opens_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """Nor a file of visits without visits: the plan is looked for after that file was begun."""
    shutil.copytree(LONGHUA, tmp_path / "shut")
    with (tmp_path / "shut" / "calendar.csv").open("a", encoding="utf-8") as calendar:
        calendar.write("2018-03-01,2018-03-31,*,closed,,,assumed,\n")
    words = ["shut", "--month", "2018-03", *SMALL]
    for command in (["recommend"], ["simulate", "--staffing", "plan", "--visits", "v.csv"]):
        done = hallsim(*command, *words, cwd=tmp_path)
        assert done.returncode == 3 and "no hall opens in 2018-03" in done.stderr
        assert "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["shut"]


def test_a_full_disk_is_told_as_such_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    out = tmp_path / "out"
    words = ["hallsim", "simulate", str(LONGHUA), "--month", "2018-09", "--replications", "2"]
    monkeypatch.setattr(sys, "argv", [*words, "--out", str(out)])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2 and not out.exists()
    assert "No space left on device" in capsys.readouterr().err


def test_what_is_rounded_or_unusual_is_said_by_every_command(tmp_path: Path) -> None:
    done = hallsim("show", LONGHUA, "--set", "windows[*].count=+5%", cwd=tmp_path)
    assert done.returncode == 0
    assert "rounded to whole numbers" in done.stderr and "more clerks than windows" in done.stderr


def test_problems_are_json_too(tmp_path: Path) -> None:
    done = hallsim("validate", LONGHUA, "no-such-folder", "--json", cwd=tmp_path)
    assert done.returncode == 3
    good, bad = json.loads(done.stdout)
    assert not [p for p in good["problems"] if p["severity"] == "error"]
    assert bad["problems"][0]["rule"] == "folder_missing"


def test_messages_come_in_chinese_even_on_a_gbk_console(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hallsim.cli", "simulate", str(LONGHUA), "--month", "2018-99"],
        capture_output=True, cwd=tmp_path,
        env={**os.environ, "HALLSIM_LANG": "zh", "PYTHONIOENCODING": "gbk"},
    )  # fmt: skip
    assert done.returncode == 3
    assert "YYYY-MM" in done.stderr.decode("gbk") and "月" in done.stderr.decode("gbk")


def test_show_tells_where_every_value_came_from(tmp_path: Path) -> None:
    done = hallsim("show", LONGHUA, "--resolved", "--json", "--set", "run.seed=7", cwd=tmp_path)
    rows = json.loads(done.stdout)
    assert rows["run.seed"]["value"] == 7 and rows["run.seed"]["source"] == "override"
    assert {row["source"] for row in rows.values()} <= {
        "seed", "assumed", "calibrated", "default", "override",
    }  # fmt: skip
    assert (
        sum(
            rows[path]["value"]
            for path in rows
            if path.startswith("windows[") and path.endswith(".count")
        )
        == 240
    )


def test_show_is_aligned_and_speaks_both_languages(tmp_path: Path) -> None:
    words = ["show", LONGHUA, "--set", "run.seed=7", "--set", "staffing.leave_rate=9%"]
    english = hallsim(*words, cwd=tmp_path).stdout.splitlines()
    chinese = hallsim(*words, "--lang", "zh", cwd=tmp_path).stdout.splitlines()
    run = [line for line in english if line.startswith("  run.")]
    assert len({re.search(r"(assumed|override)", line).start() for line in run}) == 1  # type: ignore[union-attr]
    assert re.fullmatch(r"  run\.seed +7 +override +--set +--set: 2018 → 7", run[0])
    assert re.search(r"staffing\.leave_rate +0\.09 +override", "\n".join(english))
    assert "halls" in english and "halls 大厅" in chinese
    assert any("本次改动" in line for line in chinese)
    assert all(line == line.rstrip() for line in english + chinese)


@pytest.mark.parametrize(
    ("language", "name"), [("zh", "观湖街道第1社区大厅"), ("en", "Guanhu Community Hall 1")]
)
def test_the_table_on_screen_fits_and_speaks(language: str, name: str, tmp_path: Path) -> None:
    words = ["simulate", LONGHUA, "--month", "2018-11", "--replications", "2", "--lang", language]
    done = hallsim(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert max(map(cell_len, lines)) <= 100
    rows = [line for line in lines if line.startswith(name + " ")]
    cell = r" +[\d,]+ ±[\d,]+ +\d+\.\d ±\d+\.\d +\d+\.\d ±\d+\.\d +\d+% ±\d+ +[\d,]+ ±[\d,]+ +\d+% ±\d+"
    assert len(rows) == 1 and re.fullmatch(cell, rows[0].removeprefix(name).rstrip())
    total, minutes = {"zh": ("全区", "（≤30分）"), "en": ("whole district", "≤ 30 min")}[language]
    assert sum(line.startswith(total + " ") for line in lines) == 1
    assert minutes in done.stdout
    assert ("到厅人次" if language == "zh" else "Visitors") in done.stdout
    assert "见队" not in done.stdout and "Turned" not in done.stdout


def test_who_turned_round_and_the_names_of_halls_are_in_the_tables(tmp_path: Path) -> None:
    words = ["simulate", LONGHUA, "--month", "2018-11", "--replications", "2", "--out", "s"]
    done = hallsim(*words, "--set", "classes.ordinary.balk_at=20", cwd=tmp_path)
    assert done.returncode == 0 and "Turned" in done.stdout
    lines = (tmp_path / "s" / "hall_day.csv").read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("hall,hall_name,day,measure,")
    assert lines[1].startswith("longhua-district,龙华区行政服务大厅,2018-11-")
    again = hallsim(*words, cwd=tmp_path)
    assert again.returncode == 2 and again.stderr.count("--force") == 1


def test_english_names_break_between_words() -> None:
    """On a terminal of 100 columns that is too narrow for the table, `Administrative` stays whole."""
    from rich.console import Console
    from rich.table import Table

    from hallsim.screen import _add_names

    table = Table()
    _add_names(table, "Hall", ["Longhua District Administrative Service Hall", "Hall 2"])
    for _ in range(8):
        table.add_column("minutes")
    table.add_row("Longhua District Administrative Service Hall", *["12.34 ±5.67"] * 8)
    console = Console(width=100, file=io.StringIO())
    console.print(table)
    assert "Administrative" in console.file.getvalue()  # type: ignore[attr-defined]


def test_a_file_that_is_there_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("hall,arrival,item,service\nh,0,a,5\n", encoding="utf-8")
    (tmp_path / "d.csv").write_text("hall,window,items,on,off\nh,1,*,0,9\n", encoding="utf-8")
    (tmp_path / "o.csv").write_text("mine", encoding="utf-8")
    words = ["replay", "--visitors", "v.csv", "--duties", "d.csv", "--out", "o.csv"]
    done = hallsim(*words, cwd=tmp_path)
    assert done.returncode == 2 and "\no.csv: another result" in "\n" + done.stderr


@pytest.mark.parametrize("by", ["district", "street", "item", "weekday", "hour", "week", "queue"])
def test_every_grouping_has_a_table(by: str, tmp_path: Path) -> None:
    words = ["simulate", LONGHUA, "--month", "2018-11", "--replications", "2", "--by", by]
    done = hallsim(*words, "--lang", "zh", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first = {
        "street": "区级",
        "item": "入学信息核对",
        "weekday": "周一",
        "hour": "08:00",
        "week": "11月5日至11月11日",
    }
    assert first.get(by, "±") in done.stdout
    assert max(map(cell_len, done.stdout.splitlines())) <= 100


def test_a_peak_is_shown_with_and_without_reassignment(tmp_path: Path) -> None:
    """Plan minus home of the means is the mean of the paired differences; the plan moves nobody in time
    for the weekend before the first week."""
    words = [
        "simulate",
        LONGHUA,
        "--month",
        "2018-09",
        "--by",
        "week",
        "--staffing",
        "both",
        *SMALL,
    ]
    done = hallsim(*words, "--json", "--out", "s", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    waits = {
        side: {r["week"][:10]: r for r in told[side]["week"] if r["measure"] == "mean_wait_min"}
        for side in ("home", "plan", "difference")
    }
    assert list(waits["home"]) == [f"2018-09-{d:02d}" for d in (1, 3, 10, 17, 24)]
    for week, change in waits["difference"].items():
        assert change["lo"] <= change["mean"] <= change["hi"]
        assert change["mean"] == pytest.approx(
            waits["plan"][week]["mean"] - waits["home"][week]["mean"], abs=1e-5
        )
    assert (tmp_path / "s" / "difference_week.csv").exists()
    for language, change in (("zh", "变化"), ("en", "change")):
        shown = hallsim(*words, "--lang", language, cwd=tmp_path)
        assert change in shown.stdout
        assert max(map(cell_len, shown.stdout.splitlines())) <= 100
    refused = hallsim(*words, "--visits", "v.csv", cwd=tmp_path)
    assert refused.returncode == 2 and "--staffing" in refused.stderr


def test_help_names_every_grouping_and_every_option(tmp_path: Path) -> None:
    from hallsim.measure import BY

    done = hallsim("simulate", "--help", cwd=tmp_path)
    assert set(BY) <= set(re.findall(r"\w+", done.stdout))
    for command in ("recommend", "simulate", "attribute", "validate", "show", "replay"):
        done = hallsim(command, "--help", cwd=tmp_path)
        assert f"Example: hallsim {command} " in done.stdout
        options = done.stdout.partition("Options:")[2].partition("Example:")[0]
        assert not re.findall(r"^  --[\w-]+(?: \S+)?$\n  -", options, re.MULTILINE)


def test_replay_tells_its_notes_in_the_language_asked_for(tmp_path: Path) -> None:
    (tmp_path / "v.csv").write_text("hall,arrival,item,service,x\nh,0,a,5,1\n", encoding="utf-8")
    (tmp_path / "d.csv").write_text("hall,window,items,on,off\nh,1,*,0,9\n", encoding="utf-8")
    words = ["replay", "--visitors", "v.csv", "--duties", "d.csv", "--out", "o.csv", "--json"]
    done = hallsim(*words, "--lang", "zh", cwd=tmp_path)
    assert "这一列不起作用" in done.stderr
    told = json.loads(done.stdout)
    assert (told["served"], [n["rule"] for n in told["notes"]]) == (1, ["column_aside"])


def test_simulate_gives_json_with_intervals(tmp_path: Path) -> None:
    done = hallsim(
        "simulate",
        LONGHUA,
        "--month",
        "2018-11",
        "--replications",
        "2",
        "--json",
        "--out",
        "s",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {row["hall"] for row in told["hall"]} >= {"longhua-district"}
    assert all(row["lo"] <= row["hi"] for row in told["district"])
    assert (tmp_path / "s" / "hall_hour.csv").exists()


def test_replay_answers_the_hand_case_from_both_engines(tmp_path: Path) -> None:
    """Three people at 0 s with 5 s of work, windows 5-10 s and 15-100 s: finished at 10, 20, 25."""
    (tmp_path / "v.csv").write_text(
        "visitor,hall,arrival,item,service\na,h,0,x,5\nb,h,0,x,5\nc,h,0,x,5\n", encoding="utf-8"
    )
    (tmp_path / "d.csv").write_text(
        "hall,window,items,on,off\nh,1,*,5,10\nh,1,*,15,100\n", encoding="utf-8"
    )
    files = []
    for engine in ("compiled", "reference"):
        done = hallsim(
            "replay",
            "--visitors",
            "v.csv",
            "--duties",
            "d.csv",
            "--out",
            f"{engine}.csv",
            "--engine",
            engine,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        files.append((tmp_path / f"{engine}.csv").read_bytes())
    assert files[0] == files[1]
    import csv
    import io

    rows = list(csv.DictReader(io.StringIO(files[0].decode("utf-8-sig"))))
    assert [int(row["finished"]) for row in rows] == [10, 20, 25]
