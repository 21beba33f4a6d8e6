"""The report of a recommendation: what it says, that it says it in every file, and how it is written."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import re
import shutil
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from fake_month import fake
from hallsim import fonts
from hallsim.certificate import not_covered
from hallsim.notices import LONGEST
from hallsim.outputs import OutputExists, OutputLocked, write_all
from hallsim.reason_words import reason_text
from hallsim.report import MEASURES, MOVE_COLUMNS, render, summary
from hallsim.report_page import noon_break
from hallsim.report_words import mark_words
from hallsim.scenario import Hours, VisitorClass
from hallsim.synonyms import SOURCE

CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]")
CASES = {
    "ordinary": {},
    "no_moves": {"moves": 0},
    "one_move": {"moves": 1},
    "one_hall": {"halls": 1, "moves": 0},
    "provisional": {"provisional": True},
    "targets_met": {"unmet": False},
    "going_on": {"running": 30},
    "conflict": {"conflict": True},
    "named": {"roster": True},
}


@pytest.fixture(scope="module")
def september() -> Any:
    return fake()


@pytest.fixture(scope="module")
def files(september: Any) -> dict[str, dict[str, bytes]]:
    return {language: render(september, language) for language in ("zh", "en")}


class Words(HTMLParser):
    """The text of a page, and its tags with their attributes; scripts and styles left out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.skip = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.skip = tag

    def handle_endtag(self, tag: str) -> None:
        self.skip = "" if tag == self.skip else self.skip

    def handle_data(self, data: str) -> None:
        if not self.skip and data.strip():
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return "\n".join(self.words)


# --- the page --------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_request_leaves_the_page(files: Any, language: str) -> None:
    html = files[language]["report.html"].decode()
    assert not re.search(r"https?:|//\w+\.|@import", html)
    assert all(
        link.startswith("data:font/woff2;base64,") for link in re.findall(r"url\(([^)]*)\)", html)
    )
    for tag, attributes in Words(html).tags:
        assert tag not in ("link", "iframe", "img", "object", "base")
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_links_lead_to_sections_of_the_page(files: Any, language: str) -> None:
    tags = Words(files[language]["report.html"].decode()).tags
    targets = {a["href"] for tag, a in tags if tag == "a"}
    assert targets
    assert targets <= {f"#{a['id']}" for _tag, a in tags if "id" in a}


def test_the_first_screen_says_what_to_do_what_it_gains_and_how_sure(files: Any) -> None:
    told = summary(fake())["mean_wait_minutes"]
    text = Words(files["zh"]["report.html"].decode()).text
    first = text[: text.index("逐周调配")]
    assert "建议稿" in first
    assert "建议调配 34 项" in first
    assert "比最优方案最多高 1.2%" in first
    for side in ("home", "plan"):
        assert f"{told[side]['mean']:.1f}" in first
    assert "95% 区间" in first
    assert "用 30 个没有参与制定方案的模拟月份检验" in first


def test_every_hall_and_move_is_there(files: Any, september: Any) -> None:
    html = files["zh"]["report.html"].decode()
    for hall in september.scenario.halls:
        assert html.count(hall.name) >= 3  # clerks, waits, map
    moves = html[html.index('id="moves-table"') : html.index('id="staff"')]
    assert moves.count("<tr><th>") == 1 + len(september.moves)  # the head is one


def test_english_has_no_chinese_where_halls_have_english_names(files: Any) -> None:
    html = files["en"]["report.html"].decode()
    html = re.sub(
        r'<td class="wrap reason".*?</td>|<p class="sub reason".*?</p>|title="中[^"]*"|title="国[^"]*"',
        "",
        html,
    )
    assert not CJK.findall(html.replace("Hallsim CJK", ""))
    assert "Longhua district hall" in html


def test_english_takes_the_chinese_name_of_a_hall_without_an_english_one(september: Any) -> None:
    halls = (
        september.scenario.halls[0].model_copy(update={"name_en": ""}),
        *september.scenario.halls[1:],
    )
    scenario = september.scenario.model_copy(update={"halls": halls})
    html = render(dataclasses.replace(september, scenario=scenario), "en")["report.html"].decode()
    assert "龙华区行政服务大厅" in html
    assert "data:font/woff2;base64,d09GM" in html  # drawn also without a Chinese font


def test_english_without_any_chinese_embeds_no_font(september: Any) -> None:
    days = september.days.assign(name="")
    bare = dataclasses.replace(september, days=days, assumptions=())
    assert "@font-face" not in render(bare, "en")["report.html"].decode()


def test_the_embedded_font_has_every_chinese_character_of_the_page(files: Any) -> None:
    import base64

    from fontTools.ttLib import TTFont

    html = files["zh"]["report.html"].decode()
    font = re.search(r"base64,([^)]*)\)", html)
    assert font
    known = TTFont(io.BytesIO(base64.b64decode(font[1]))).getBestCmap()
    assert {c for c in html if CJK.match(c)} <= set(map(chr, known))


def test_no_moves_is_said_and_not_an_empty_table() -> None:
    for language, words in (
        ("zh", "本月没有值得进行的调配"),
        ("en", "No transfer is worth its cost"),
    ):
        html = render(fake(moves=0), language)["report.html"].decode()  # type: ignore[arg-type]
        assert words in html
        assert 'id="moves-table"' not in html


def test_provisional_holidays_are_said_before_anything_else() -> None:
    text = Words(render(fake(provisional=True), "zh")["report.html"].decode()).text
    assert "2018年放假安排未收录，按法定节假日推定" in text[: text.index("建议调配")]
    assert "放假安排未收录" not in Words(render(fake(), "zh")["report.html"].decode()).text


def test_notes_of_the_recommendation_are_shown() -> None:
    html = render(dataclasses.replace(fake(), notes=("<b>注意</b> & 小心",)), "zh")[
        "report.html"
    ].decode()
    assert "&lt;b&gt;注意&lt;/b&gt; &amp; 小心" in html


def test_a_plan_that_is_no_better_is_called_so() -> None:
    month = fake()
    worse = month.difference.copy()
    at = (worse.hall == "") & (worse.measure == "mean_wait_min")
    for lo, hi, words in ((-1.0, 1.0, "没有明显变化"), (0.5, 1.0, "延长")):
        worse.loc[at, ["mean", "lo", "hi"]] = [(lo + hi) / 2, lo, hi]
        assert (
            words
            in render(dataclasses.replace(month, difference=worse), "zh")["report.html"].decode()
        )


def test_hostile_names_are_only_text() -> None:
    month = fake(halls=3, moves=0)
    evil = "=HYPERLINK(1)<script>alert(1)</script>"
    halls = (month.scenario.halls[0].model_copy(update={"name": evil}), *month.scenario.halls[1:])
    month = dataclasses.replace(month, scenario=month.scenario.model_copy(update={"halls": halls}))
    found = render(month, "zh")
    assert b"<script>alert" not in found["report.html"]
    book = openpyxl.load_workbook(io.BytesIO(found["recommendation.xlsx"]))
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row if c.value == evil]
    assert cells
    assert all(c.data_type == "s" for c in cells)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_case_renders(case: str, language: Any) -> None:
    found = render(fake(**CASES[case]), language)  # type: ignore[arg-type]
    text = Words(found["report.html"].decode()).text.replace("None.", "")
    assert not re.search(r"\bnan\b|\binf\b|None", text)
    json.loads(found["summary.json"])


@pytest.mark.parametrize("period", ["day", "month"])
def test_other_periods_render(period: str) -> None:
    month = fake(moves=0, unmet=False)
    days = list(month.days.day)
    first = days if period == "day" else days[:1]
    last = days if period == "day" else days[-1:]
    periods = pd.DataFrame(
        {"period": range(len(first)), "first": first, "last": last, "open_days": 1}
    )
    staff = pd.DataFrame([
        {"hall": h.hall, "period": p, "home": 3, "plan": 3, "minimum": 1, "windows": 3}
        for h in month.scenario.halls for p in periods.period
    ])  # fmt: skip
    month = dataclasses.replace(
        month, periods=periods, staff=staff, meta={**month.meta, "period": period}
    )
    assert "9月3日至9月9日" in render(month, "zh")["report.html"].decode()


# --- why -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_transfer_has_its_reason_beside_it(files: Any, september: Any, language: str) -> None:
    html = files[language]["report.html"].decode()
    rows = re.findall(r'<tr class="reason">.*?</tr>', html, re.DOTALL)
    assert len(rows) == len(september.moves) == len(september.reasons)
    unsure = {"zh": "不确定", "en": "not certain"}[language]
    for row, cells in zip(september.reasons.to_dict("records"), rows, strict=True):
        text = " ".join(Words(cells).words)
        hours = re.findall(r"\(([^)]*)\)", text)[2].replace("−", "-")
        ends = [float(x) for x in re.findall(r"(?:^-)?[\d.]+", hours)]
        assert ends == pytest.approx([row["net_min_lo"] / 60, row["net_min_hi"] / 60], abs=0.51)
        assert f"{row['to_wait_without']:.1f} → {row['to_wait_with']:.1f}" in text
        assert f"{row['from_wait_without']:.1f} → {row['from_wait_with']:.1f}" in text
        assert (unsure in text) == (row["net_min_lo"] <= 0 <= row["net_min_hi"])


def test_new_transfers_and_those_that_go_on_are_counted_apart() -> None:
    month = fake(running=30)
    clerks = month.moves.groupby("running")["clerks"].sum()
    for language, words in (
        ("zh", f"新增调配 4 项 {clerks[False]} 人；2018年8月方案延续 30 项 {clerks[True]} 人；1 人返回"),
        ("en", f"New transfers: 4 ({clerks[False]} clerks); going on from August 2018: 30 "
               f"({clerks[True]} clerks); returning home: 1 clerk."),
    ):  # fmt: skip
        text = Words(render(month, language)["report.html"].decode()).text  # type: ignore[arg-type]
        assert words in text
    assert text.count("goes on") == 30
    assert text[text.index("that end") :].index("−2.0") > 0  # 120 minutes would have been lost


@pytest.mark.parametrize("language", ["zh", "en"])
def test_conflicting_limits_stand_first_with_their_places(language: Any) -> None:
    found = render(fake(conflict=True), language)
    text = Words(found["report.html"].decode()).text
    first = text[: text.index({"zh": "建议调配", "en": "Make 34"}[language])]
    for place in ("limits.csv:2", "limits.csv:3"):
        assert place in first
    assert "45 → 42" in first
    book = openpyxl.load_workbook(io.BytesIO(found["recommendation.xlsx"]))
    rows = [str(row[0].value) for row in book.worksheets[0].iter_rows(max_row=6)]
    assert "limits.csv:2" in rows[3]
    assert {"互相冲突的限制", "Conflicting limits"} & set(book.sheetnames)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_people_are_named_by_staff_number_with_who_is_lacking_and_why(language: Any) -> None:
    month = fake(roster=True)
    found = render(month, language)
    html = found["report.html"].decode()
    section = html[html.index('id="people"') : html.index('id="staff"')]
    shown = set(re.findall(r"LS-\d{4}", section))
    assert shown == {*month.named.people.clerk, *month.training.clerk}
    nobody = {"zh": "花名册中没有该厅该组", "en": "nobody of this hall and group"}
    assert nobody[language] in section
    assert "notices.html" in section
    assert {"people.csv", "notices.html"} <= set(found)
    assert 'id="people"' not in render(fake(), language)["report.html"].decode()


def test_prices_are_told_only_where_the_plan_was_made_again(files: Any) -> None:
    html = files["zh"]["report.html"].decode()
    section = html[html.index('id="marginal"') : html.index('id="cost"')]
    prices = section[: section.index("<h3")]
    assert prices.count("<tr><th>") == 3  # the head, a clerk, a window
    assert "99" in prices and "另有 2 个大厅相同" in prices  # 5,940 minutes
    book = openpyxl.load_workbook(io.BytesIO(files["zh"]["recommendation.xlsx"]))
    assert len(list(book["增减一个的影响"].iter_rows(min_row=2))) == 4


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "缺 2 人（1 至 3）"), ("en", "missing: 2, 1 to 3")]
)
def test_missing_clerks_are_told_where_clerks_lack(files: Any, language: str, words: str) -> None:
    html = files[language]["report.html"].decode()
    rows = re.findall(r"<tr[^>]*>.*?</tr>", html[html.index('id="unmet"') :], re.DOTALL)
    for row in rows:
        assert (words in row) == ('class="why clerks"' in row)
        assert not (words in row and 'class="why windows"' in row)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_the_certificate_leaves_out_is_on_the_page(
    files: Any, september: Any, language: Any
) -> None:
    text = Words(files[language]["report.html"].decode()).text
    for line in not_covered(september.scenario, language):
        assert line in text
    assert "1.13%" in text  # the gap itself; the sentence rounds it up


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("waits", "words"),
    [
        ((41.2, 28.7, 8.4, 9.9), {"zh": ("降到 28.7", "升到 9.9"), "en": ("falls", "rises")}),
        (
            (41.2, 28.7, 8.4, 8.42),
            {"zh": ("降到 28.7", "仍为 8.4"), "en": ("fall", "stays at 8.4")},
        ),
        ((41.2, 41.2, 8.4, 8.1), {"zh": ("少 4 人", "降到 8.1"), "en": ("4 fewer", "falls")}),
    ],
)
def test_the_reason_in_a_notice_fits_its_line(waits: Any, words: Any, language: Any) -> None:
    names = ("to_wait_without", "to_wait_with", "from_wait_without", "from_wait_with")
    text = reason_text(dict(zip(names, waits, strict=True)) | {"fewer_lost": 4.2}, language)
    assert len(text) <= LONGEST[language][1]
    assert "\n" not in text
    assert words[language][1] in text


# --- in a browser ----------------------------------------------------------------------------------

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
MEASURE = """<script>addEventListener("load", function () {
  var wide = document.documentElement.scrollWidth > innerWidth ? ["page"] : [];
  document.querySelectorAll("h1, h2, h3, p, li, dd, .tile, .week, .flag").forEach(function (e) {
    if (!e.closest(".scroll") && e.clientWidth && e.scrollWidth > e.clientWidth + 1) {
      wide.push(e.className || e.textContent.slice(0, 30));
    }
  });
  document.documentElement.setAttribute("data-found", innerWidth + "|" + wide.join(";"));
});</script></body>"""

FRAME = """<body style="margin:0">
FRAMES
<script>addEventListener("load", function () { setTimeout(function () {
  document.title = Array.from(document.querySelectorAll("iframe")).map(function (frame) {
    return frame.contentDocument.documentElement.getAttribute("data-found");
  }).join(" ");
}, 200); });</script></body>"""
WIDTHS = (1280, 700, 400, 360)


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium to draw the page with")
@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_is_cut_at_any_width(language: Any, tmp_path: Path) -> None:
    """With all there may be on the page, and everything unfolded."""
    everything = render(fake(running=20, conflict=True, roster=True), language)["report.html"]
    html = everything.decode().replace("<details", "<details open").replace("</body>", MEASURE)
    page = tmp_path / "report.html"
    page.write_text(html, "utf-8")
    frame = tmp_path / "frame.html"  # a window cannot be as narrow as a phone: a frame can
    frames = "".join(
        f'<iframe src="report.html" width="{w}" height="900" style="border:0"></iframe>'
        for w in WIDTHS
    )
    frame.write_text(FRAME.replace("FRAMES", frames), "utf-8")
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--allow-file-access-from-files",
        f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,1000", "--virtual-time-budget=3000",
        "--dump-dom", frame.as_uri(),
    ]  # fmt: skip
    drawn = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout
    found = re.search(r"<title>(.*?)</title>", drawn)
    assert found, drawn[:500]
    assert found[1] == " ".join(f"{w}|" for w in WIDTHS)


# --- the other files -------------------------------------------------------------------------------


def test_the_same_recommendation_gives_the_same_bytes(files: Any) -> None:
    fonts.subset.cache_clear()
    again = dataclasses.replace(
        fake(), meta={**fake().meta, "created": "2027-02-03T04:05:06", "seconds": 99.9}
    )
    for language in ("zh", "en"):
        found = render(again, language)  # type: ignore[arg-type]
        for name in ("report.html", "recommendation.xlsx", "moves.csv"):
            assert found[name] == files[language][name], name
        new, old = json.loads(found["summary.json"]), json.loads(files[language]["summary.json"])
        assert new.pop("manifest") != old.pop("manifest")
        assert new == old


def test_the_workbook_carries_no_time_of_its_making(files: Any) -> None:
    with zipfile.ZipFile(io.BytesIO(files["zh"]["recommendation.xlsx"])) as book:
        assert {entry.date_time for entry in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2018-09-01T00:00:00Z" in book.read("docProps/core.xml")


def test_summary_has_the_documented_keys_and_types() -> None:
    told = json.loads(json.dumps(summary(fake()), allow_nan=False))
    assert set(told) == {
        "format", "month", "scenario", "variant", "provisional", "replications", "confidence", *MEASURES,
        "moves_cost", "moves", "solver_gap", "solver", "periods", "weeks", "halls", "unmet", "marginal",
        "previous", "ended", "certificate", "reasons", "shadow_prices", "conflict", "relaxed",
        "notes", "seconds", "manifest",
    }  # fmt: skip
    assert set(summary(fake(roster=True))) == {*told, "people", "unfilled", "training"}
    for key in MEASURES:
        assert set(told[key]) == {"home", "plan", "difference"}
        for value in told[key].values():
            assert value["lo"] <= value["mean"] <= value["hi"]
    assert told["month"] == "2018-09"
    assert told["mean_wait_minutes"]["difference"]["hi"] < 0
    assert isinstance(told["provisional"], bool)
    assert isinstance(told["solver_gap"], float)
    assert told["manifest"]["inputs"]["halls.csv"] == "b" * 64
    assert len(told["halls"]) == 57
    assert told["moves"][0]["first"] <= told["moves"][0]["last"]
    for week in told["weeks"]:
        assert week["first"] <= week["last"] <= "2018-09-30"
        wait = week["mean_wait_minutes"]
        assert wait["difference"]["mean"] == pytest.approx(
            wait["plan"]["mean"] - wait["home"]["mean"], abs=1e-3
        )


def test_summary_has_null_where_there_is_no_number() -> None:
    month = fake()
    empty = month.difference.copy()
    empty.loc[empty.hall == "D", ["mean", "lo", "hi"]] = math.nan
    told = summary(dataclasses.replace(month, difference=empty))
    assert told["halls"][0]["mean_wait_minutes"]["difference"] == {
        "mean": None,
        "lo": None,
        "hi": None,
    }


def test_the_file_says_its_seconds_in_the_manifest_only(files: Any) -> None:
    told = json.loads(files["zh"]["summary.json"])
    assert "seconds" not in told
    assert told["manifest"]["seconds"] == 41.2


def test_moves_csv_opens_in_a_spreadsheet(files: Any, september: Any) -> None:
    data = files["zh"]["moves.csv"]
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert tuple(rows[0]) == MOVE_COLUMNS
    assert len(rows) == len(september.moves)
    assert rows[0]["from"] == september.moves["from"][0]
    assert re.fullmatch(r"2018-09-\d\d", rows[0]["first"])
    assert "大厅" in rows[0]["from_name"] or "社区" in rows[0]["from_name"]


def test_the_workbook_has_the_numbers_of_the_summary(files: Any, september: Any) -> None:
    told = summary(september)
    book = openpyxl.load_workbook(io.BytesIO(files["zh"]["recommendation.xlsx"]))
    assert book.sheetnames == [
        "结论", "调配", "调配理由", "增减一个的影响", "排班", "等候", "月度热力图", "未达标大厅",
        "增加一人的效果", "全部假设", "生成信息",
    ]  # fmt: skip
    waits = {row[0]: row for row in book["等候"].iter_rows(min_row=2, values_only=True)}
    for hall in told["halls"]:
        shown = waits[hall["name"]][2:11]
        told_of = [hall["mean_wait_minutes"][side] for side in ("home", "plan", "difference")]
        wanted = [value[k] for value in told_of for k in ("mean", "lo", "hi")]
        assert shown == pytest.approx(wanted, rel=1e-5)
    headline = next(
        r for r in book["结论"].iter_rows(values_only=True) if r[0] == "平均等候时长（分钟）"
    )
    assert headline[1] == pytest.approx(told["mean_wait_minutes"]["home"]["mean"], rel=1e-5)
    assert headline[7] == pytest.approx(told["mean_wait_minutes"]["difference"]["mean"], rel=1e-5)
    moves = list(book["调配"].iter_rows(min_row=2, values_only=True))
    assert [(r[-2], r[-1], r[2]) for r in moves] == [
        (m["from"], m["to"], m["clerks"]) for m in told["moves"]
    ]
    assert len(list(book["全部假设"].iter_rows(min_row=2))) == len(september.assumptions)


def test_sheets_are_ready_to_filter_and_print(files: Any) -> None:
    book = openpyxl.load_workbook(io.BytesIO(files["zh"]["recommendation.xlsx"]))
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes
        assert sheet.auto_filter.ref
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.orientation == "landscape"
    assert book["等候"]._charts


def test_no_measure_is_shown_with_an_interval_that_is_too_narrow(september: Any) -> None:
    told = summary(september)
    for side in ("home", "plan"):
        parts = [told[key][side] for key in ("abandoned", "turned_away", "balked")]
        assert told["lost"][side]["mean"] == pytest.approx(sum(p["mean"] for p in parts), rel=1e-4)
        width = sum(p["hi"] - p["lo"] for p in parts)
        assert told["lost"][side]["hi"] - told["lost"][side]["lo"] == pytest.approx(width, rel=1e-3)


@pytest.mark.parametrize(
    ("weekdays", "expected"),
    [
        ("9:00-12:00 14:00-18:00", (12 * 3600, 14 * 3600)),
        ("9:00-18:00", None),
        ("9:00-12:00 12:00-18:00@50%", None),
        ("9:00-13:00@50% 12:00-18:00@50%", None),
        ("8:00-10:00 11:00-18:00", None),
    ],
)
def test_halls_that_close_at_noon(weekdays: Any, expected: tuple[int, int] | None) -> None:
    assert noon_break(Hours(weekdays=weekdays)) == expected


def test_what_was_calibrated_and_closed_at_noon_is_said(files: Any, september: Any) -> None:
    text = Words(files["zh"]["report.html"].decode()).text
    assert "校准：需求 · 人次 1 项。依据：使平均等候接近 20 分钟。" in text
    assert "57 个大厅中有 57 个午间不办公（12:00–14:00）" in text
    bare = dataclasses.replace(september, assumptions=())
    assert "依据：" not in Words(render(bare, "zh")["report.html"].decode()).text


def test_source_marks_have_one_word_each() -> None:
    assert {m: w[0] for m, w in SOURCE.items()}.items() <= mark_words("zh").items()


def test_halls_of_which_the_months_do_not_tell_are_counted_apart(september: Any) -> None:
    unmet = september.unmet.copy()
    unmet.loc[unmet.why == "clerks", "why"] = "unclear"
    n = len(set(unmet.hall[unmet.why == "unclear"]) - set(unmet.hall[unmet.why == "windows"]))
    found = render(dataclasses.replace(september, unmet=unmet), "en")
    text = Words(found["report.html"].decode()).text
    assert n and f"whether they miss a target, or why: {n}." in text
    assert "for lack of clerks" not in text


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "见队折返"), ("en", "urned round at the door")]
)
def test_who_turned_round_is_said_where_anybody_does(
    september: Any, files: Any, language: Any, words: str
) -> None:
    classes = {"ordinary": VisitorClass(share=1.0, balk_at=20)}
    scenario = september.scenario.model_copy(update={"classes": classes})
    found = render(dataclasses.replace(september, scenario=scenario), language)
    told = summary(september)["balked"]
    counts = [f"{told[side]['mean']:,.0f}" for side in ("home", "plan")]
    for some, shown in ((found, True), (files[language], False)):
        text = Words(some["report.html"].decode()).text
        assert (words in text) == shown
        assert (" → ".join(counts) in text) == shown
        book = openpyxl.load_workbook(io.BytesIO(some["recommendation.xlsx"]))
        heads = [
            [c.value for c in column if words in str(c.value)]
            for sheet in book.worksheets
            for column in (sheet[1], sheet["A"])
        ]
        assert len([h for h in heads if h]) == (2 if shown else 0)


def test_the_report_needs_no_matplotlib() -> None:
    code = "import sys, hallsim.report; assert not {'matplotlib', 'xlsxwriter', 'jinja2'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- figures ---------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", ["waits", "heatmap", "hours", "queue"])
def test_figures_draw_every_character(september: Any, kind: str, language: Any) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from hallsim.plotting import Plots

    before = dict(mpl.rcParams)
    for of in (september, september.plan):
        ax = getattr(Plots(of), kind)(language=language)
        ax.figure.savefig(io.BytesIO())
        mpl.pyplot.close(ax.figure)
    assert dict(mpl.rcParams) == before


def test_figures_draw_on_the_axes_given(september: Any) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    from hallsim import plotting

    figure, axes = plt.subplots(1, 4)
    for ax, draw in zip(axes, (plotting.waits, plotting.heatmap, plotting.hours), strict=False):
        assert draw(september, ax=ax) is ax
    assert plotting.queue(september, "S2", axes[3]) is axes[3]
    assert axes[3].get_title() == "民治街道大厅"
    assert plotting.Plots(september)(axes[0], top=3) is axes[0]
    plt.close(figure)


def test_the_font_is_the_same_for_the_same_characters() -> None:
    first = fonts.subset("调配建议")
    fonts.subset.cache_clear()
    assert fonts.subset("调配建议") == first
    assert len(first) < 5000


# --- writing, all or none --------------------------------------------------------------------------


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


FILES: dict[str, bytes | str] = {"a.html": b"<p>", "b.csv": "名\n", "c.json": "{}"}


def test_files_are_written_with_their_encoding(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "2018-09"
    assert write_all(folder, FILES, force=False) == [folder / name for name in FILES]
    assert content(folder) == {"a.html": b"<p>", "b.csv": "\ufeff名\n".encode(), "c.json": b"{}"}


def test_the_same_files_again_are_left_alone(tmp_path: Path) -> None:
    write_all(tmp_path, FILES)
    (tmp_path / "review.docx").write_bytes(b"mine")
    before = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    assert write_all(tmp_path, FILES) == []
    assert {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()} == before


def test_other_contents_are_not_overwritten(tmp_path: Path) -> None:
    write_all(tmp_path, FILES)
    before = content(tmp_path)
    with pytest.raises(OutputExists) as error:
        write_all(tmp_path, {**FILES, "a.html": b"new", "d.txt": b"new"})
    assert error.value.names == ["a.html"]
    assert content(tmp_path) == before


def test_force_keeps_what_was_there(tmp_path: Path) -> None:
    write_all(tmp_path, FILES)
    (tmp_path / "review.docx").write_bytes(b"mine")
    assert write_all(tmp_path, {**FILES, "a.html": b"2"}, force=True) == [tmp_path / "a.html"]
    write_all(tmp_path, {**FILES, "a.html": b"3"}, force=True)
    found = content(tmp_path)
    assert found["a.html"] == b"3"
    assert found[str(Path("previous/1/a.html"))] == b"<p>"
    assert found[str(Path("previous/2/a.html"))] == b"2"
    assert found["review.docx"] == b"mine"


@pytest.mark.parametrize("fails_at", range(5))
def test_a_locked_file_leaves_everything_as_it_was(
    fails_at: int, tmp_path: Path, monkeypatch: Any
) -> None:
    write_all(tmp_path, FILES)
    before = content(tmp_path)
    real, calls = Path.replace, []

    def locked(self: Path, target: Any) -> Path:
        calls.append(self)
        if len(calls) == fails_at + 1:
            raise PermissionError(13, "in use", str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", locked)
    with pytest.raises(OutputLocked) as error:
        write_all(tmp_path, {"a.html": b"2", "b.csv": "2", "new.txt": b"2"}, force=True)
    assert error.value.file.parent == tmp_path
    assert content(tmp_path) == before
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(FILES)


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    real, folder = Path.write_bytes, tmp_path / "new" / "folder"

    def full(self: Path, data: bytes) -> int:
        if self.name == "c.json":
            raise OSError(28, "no space left")
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space left"):
        write_all(folder, FILES)
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputExists):
        write_all(tmp_path / "out", FILES)


def test_an_unreadable_file_counts_as_locked(tmp_path: Path, monkeypatch: Any) -> None:
    write_all(tmp_path, FILES)

    def denied(self: Path) -> bytes:
        raise PermissionError(13, "denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(OutputLocked) as error:
        write_all(tmp_path, FILES)
    assert error.value.file == tmp_path / "a.html"
