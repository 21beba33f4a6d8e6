"""Transfer notices, and the files about people: what stands on them, and what they refuse."""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from hallsim import people as people_files
from hallsim.cli import commands
from hallsim.cli_output import Refused
from hallsim.naming import BURDEN_COLUMNS, PEOPLE_COLUMNS, UNFILLED_COLUMNS, NamedMoves
from hallsim.notices import PLACEHOLDERS, notices, read_template, template_problems
from hallsim.people import made_up_roster, people_csv, read_people, roster_csv
from hallsim.problems import ExitCode, ScenarioProblems
from hallsim.reading import read
from hallsim.scenario import CalendarDay, Hall, Hours, Leave, Scenario, parse_leave
from small import HALLS, OFFICE, small

LANGUAGES = ["zh", "en"]
OWN = Path(people_files.__file__).parent / "templates"


def named(*rows: tuple[object, ...]) -> NamedMoves:
    people = pd.DataFrame(rows, columns=PEOPLE_COLUMNS)
    return NamedMoves(
        people, pd.DataFrame(columns=UNFILLED_COLUMNS), pd.DataFrame(columns=BURDEN_COLUMNS)
    )


def loan(clerk: str, to: str, first: str, last: str, continued: bool = False) -> tuple[object, ...]:
    a, b = (dt.date.fromisoformat(day) for day in (first, last))
    notice = a - dt.timedelta(7)
    return (
        *(clerk, "A", to, "general", a, b, 5, "within_street", 15.0),
        *(notice, 0, 1, continued, 0),
    )


WEEK = ("2018-09-03", "2018-09-07")
TWO = named(loan("S-0002", "A1", *WEEK), loan("S-0001", "A2", *WEEK, continued=True))


class Page(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_one_page_for_each_loan_in_the_order_of_staff_numbers() -> None:
    page = Page(notices(TWO, small(), "en"))
    assert page.tags.count("section") == page.tags.count("h1") == 2
    assert page.text.index("S-0001") < page.text.index("S-0002")
    assert page.text.count("You are at this hall already") == 1
    assert page.text.count("No. 2018-09-001") == page.text.count("No. 2018-09-002") == 1


@pytest.mark.parametrize(
    ("language", "phrases"),
    [
        ("zh", ["2018年9月3日（周一）至2018年9月7日（周五）", "2018年9月3日（周一） 09:00 前",
                "周一至周五 09:00–12:00、14:00–18:00", "约 15 分钟", "通知日期：2018年8月27日"]),
        ("en", ["Monday 3 September 2018 to Friday 7 September 2018", "before 09:00",
                "Monday to Friday 09:00–12:00, 14:00–18:00", "about 15 minutes", "27 August 2018"]),
    ],
)  # fmt: skip
def test_a_notice_says_when_and_where(language: str, phrases: list[str]) -> None:
    text = Page(notices(TWO, small(), language)).text  # type: ignore[arg-type]
    assert all(phrase in text for phrase in phrases)
    assert "$" not in text


def test_hours_of_saturdays_and_make_up_days_are_told_and_a_closed_first_day_is_passed() -> None:
    """29 and 30 September 2018 are make-up days; the hall is closed on Monday the 24th (Mid-autumn)."""
    hours = Hours(weekdays="09:00-17:00", sat="10:00-12:00", makeup="09:00-15:00")  # type: ignore[arg-type]
    scenario = small(hours={"office": hours})
    text = Page(notices(named(loan("S-1", "A1", "2018-09-22", "2018-09-30")), scenario, "en")).text
    assert "Tuesday to Friday 09:00–17:00; Saturday 10:00–12:00" in text
    assert "29 Sep, 30 Sep (make-up working days) 09:00–15:00" in text
    shut = CalendarDay(first="2018-09-03", day="closed")
    text = Page(notices(TWO, small(calendar=(shut,)), "en")).text
    assert "Tuesday 4 September 2018, before 09:00" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_given_becomes_markup(language: str) -> None:
    evil = '<script>alert("x")</script>&${clerk}'
    halls = tuple(
        h.model_copy(update={"name": evil, "name_en": evil}) if h.hall == "A1" else h for h in HALLS
    )
    scenario = small(halls=halls, title=evil, title_en=evil)
    made = notices(TWO, scenario, language, reasons={0: evil})  # type: ignore[arg-type]
    assert "<script" not in made
    assert html.escape(evil) in made
    assert set(Page(made).tags) <= {
        "html", "head", "meta", "title", "style", "body", "section", "header", "footer", "div",
        "h1", "p", "b", "table", "tr", "th", "td",
    }  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_long_names_and_reasons_are_cut_to_keep_one_page(language: str) -> None:
    halls = tuple(
        Hall(**{**h.model_dump(), "name": "厅" * 500, "name_en": "hall " * 100}) for h in HALLS
    )
    made = notices(TWO, small(halls=halls), language, reasons={0: "why " * 200})  # type: ignore[arg-type]
    cells = re.findall(r"<td>(.*?)</td>", made)
    assert cells and max(map(len, cells)) < 200


def test_the_font_of_a_page_has_every_character_of_it() -> None:
    import base64
    import io

    from fontTools.ttLib import TTFont

    made = notices(TWO, small(title="龙华区"), "zh")
    data = re.search(r"base64,([A-Za-z0-9+/=]+)\)", made)
    assert data
    known = TTFont(io.BytesIO(base64.b64decode(data[1]))).getBestCmap()
    assert {c for c in Page(made[made.index("<body") :]).text if c.isprintable()} <= {
        chr(code) for code in known
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_templates_are_right_and_hold_what_a_notice_must_say(language: str) -> None:
    text = (OWN / f"notice.{language}.html").read_text(encoding="utf-8")
    assert template_problems(text) == []
    must = "clerk from_hall to_hall period working_days report hours travel reason notice_by"
    assert all(f"${{{name}}}" in text for name in must.split())


def test_a_template_of_ones_own() -> None:
    text = "<p>$clerk to ${to_hall}, $period: $$5</p>"
    made = notices(TWO, small(), "en", template=text)
    assert "<p>S-0002 to A1, from Monday" in made and ": $5</p>" in made
    every = " ".join(f"[{name}=${{{name}}}]" for name in PLACEHOLDERS)
    text = Page(notices(TWO, small(), "en", template=every)).text
    assert all(f"[{name}=" in text for name in PLACEHOLDERS) and "$" not in text


def test_what_is_wrong_with_a_template_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "notice.html"
    path.write_text("<p>$clerk</p>\n<p>${to_hal} costs $ 5</p>\n<p>${to hall}</p>\n", "utf-8")
    with pytest.raises(ScenarioProblems) as caught:
        read_template(path)
    told = [(p.rule, p.place.line, p.value, p.suggestion) for p in caught.value.problems]
    assert told == [
        ("placeholder_unknown", 2, "to_hal", "to_hall"),
        ("placeholder_sign", 2, None, None),
        ("placeholder_sign", 3, None, None),
    ]
    assert all(p.place.file == "notice.html" for p in caught.value.problems)
    path.write_text("<p>$clerk</p>", "utf-8")
    with pytest.raises(ScenarioProblems) as caught:
        read_template(path)
    assert [(p.rule, p.params["names"]) for p in caught.value.problems] == [
        ("placeholder_missing", "${to_hall}, ${period}")
    ]
    with pytest.raises(ScenarioProblems) as caught:
        read_template(tmp_path / "notise.html")
    assert [(p.rule, p.suggestion) for p in caught.value.problems] == [
        ("file_missing", "notice.html")
    ]
    path.write_bytes("工号 $clerk $to_hall $first".encode("gb18030"))
    with pytest.raises(ScenarioProblems, match="GB18030"):
        read_template(path)


# people.csv and the roster -----------------------------------------------------------------------


def test_people_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    odd = named(loan("+S-1", "A1", *WEEK), loan("'S", "A2", *WEEK))
    path = tmp_path / "people.csv"
    path.write_text(people_csv(odd, small(), "en"), "utf-8-sig")
    assert "'+S-1" in path.read_text("utf-8-sig")
    back = read_people(path)
    assert back.values.tolist() == odd.people[["clerk", "from", "to", "last"]].values.tolist()


def test_people_of_before_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    for text, rules in {
        "": ["file_empty"],
        "clerk,from,too,last\n": ["header_missing"],
        "clerk,from,to,last\nS-1,A,A1,soon\nS-2,A\nS-3,A,A1,2018-08-31\n": ["date", "row_length"],
    }.items():
        path.write_text(text, "utf-8")
        with pytest.raises(ScenarioProblems) as caught:
            read_people(path)
        assert [p.rule for p in caught.value.problems] == rules


def as_read(scenario: Scenario, folder: Path, text: str) -> Scenario:
    """The Longhua folder with this roster."""
    for file in (Path(__file__).parent.parent / "scenarios" / "longhua-shenzhen").glob("*.*"):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "roster.csv").write_text(text, "utf-8-sig")
    return read(folder).scenario


def test_a_made_up_roster_is_read_by_the_scenario_and_agrees_with_its_head_count(
    tmp_path: Path,
) -> None:
    before = read(Path(__file__).parent.parent / "scenarios" / "longhua-shenzhen").scenario
    roster = made_up_roster(before)
    assert [roster[0].clerk, roster[-1].clerk] == ["LS-0001", "LS-0336"]
    after = as_read(before, tmp_path, roster_csv(roster))
    assert list(after.roster) == roster
    for row in before.clerks:
        own = [p for p in after.roster if (p.hall, p.group) == (row.hall, row.group)]
        assert len(own) == row.count and {p.source for p in own} == {"assumed"}


def test_leave_of_the_table_is_given_to_as_many_clerks_on_the_same_days() -> None:
    leave = (
        Leave(hall="A1", clerks=2, first="2018-09-03", last="2018-09-05"),
        Leave(hall="A1", clerks=1, first="2018-09-05", last="2018-09-10"),
        Leave(hall="A1", clerks=2, first="2018-09-06"),
        Leave(hall="D", clerks=1, first="2018-09-01"),
    )
    scenario = small(leave=leave)
    roster = made_up_roster(scenario)
    assert roster[0].clerk == "SM-0001"
    for hall in ("A1", "D", "B"):
        for k in range(15):
            day = dt.date(2018, 9, 1) + dt.timedelta(k)
            table = sum(
                x.clerks for x in leave if x.hall == hall and x.first <= day <= (x.last or x.first)
            )
            spells = [parse_leave(p.leave) for p in roster if p.hall == hall]
            assert table == sum(a <= day <= b for own in spells for a, b in own)


def test_nobody_is_named_but_by_staff_number() -> None:
    """What the rows of a roster say besides, as in a note, stands on no notice and in no file."""
    secret = "张三 13800000000"
    scenario = small(
        roster=tuple(p.model_copy(update={"note": secret}) for p in made_up_roster(small())),
        hours={"office": OFFICE},
    )
    from hallsim.naming import name_moves
    from test_naming import moves

    found = name_moves(scenario, moves(("A", "A1", 1, "03", "07")))
    assert len(found.people) == 1
    for text in (
        notices(found, scenario, "zh"),
        people_csv(found, scenario),
        *(str(frame.to_dict()) for frame in dataclasses.astuple(found)),
    ):
        assert "张三" not in text and "13800000000" not in text


def test_the_documentation_has_every_placeholder() -> None:
    text = (Path(__file__).parent.parent / "docs" / "people.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `\$\{(\w+)\}` \| (.*) \|$", text, re.MULTILINE))
    assert told == dict(PLACEHOLDERS)


def test_a_roster_goes_to_a_file_whose_name_says_that_it_is_a_table(tmp_path: Path) -> None:
    folder = Path(__file__).parent.parent / "scenarios" / "longhua-shenzhen"
    for name in ("roster.txt", "roster"):
        words = ["roster", str(folder), "--out", str(tmp_path / name)]
        with pytest.raises(Refused) as caught:
            CliRunner().invoke(commands, words, standalone_mode=False, catch_exceptions=False)
        assert caught.value.code is ExitCode.USAGE and ".csv" in str(caught.value)
    assert not list(tmp_path.iterdir())
