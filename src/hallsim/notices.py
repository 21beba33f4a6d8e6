"""Transfer notices 调岗通知书: one A4 page for every named loan, from a template with placeholders.

A template is the inside of one page, in HTML, with the placeholders of `PLACEHOLDERS` written as
`${name}`; `$$` is a dollar sign.  Whoever is named, is named by staff number alone.
"""

from __future__ import annotations

import datetime as dt
import html
import string
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hallsim import fonts
from hallsim.calendar import HallCalendar
from hallsim.files import text_of
from hallsim.naming import NamedMoves, days_of
from hallsim.problems import Place, Problem, ScenarioProblems, nearest
from hallsim.report_words import (
    as_date,
    day_text,
    district_name,
    hall_name,
    listed,
    month_text,
    number,
)
from hallsim.scenario import Hall, Scenario, Session, format_clock
from hallsim.text import Language, translator

PLACEHOLDERS: Mapping[str, str] = {
    "number": "number of the notice: month of the first day and a count",
    "clerk": "staff number",
    "district": "title of the district",
    "from_hall": "name of the home hall",
    "to_hall": "name of the hall to work in",
    "group": "skill group",
    "first": "first day there",
    "last": "last day there",
    "period": "first and last day in one phrase",
    "working_days": "working days there",
    "report": "when and where to report",
    "hours": "opening hours of the hall in these days, by weekday",
    "travel": "extra travel a working day",
    "reason": "why, in a line",
    "continued": "a sentence if the clerk is there already, else empty",
    "notice_by": "date of the notice",
}
"""What a template may hold, and what stands there."""
NEEDED = ("clerk", "to_hall")
"""Without these a notice is none, nor without `period` or `first`."""
LONGEST = {"zh": (40, 100), "en": (60, 180)}
"""Characters of a name and of a reason on a notice; a page is one page."""
_Sessions = tuple[Session, ...]
_FOLDER = Path(__file__).parent / "templates"


def read_template(path: Path) -> str:
    """A template from a file.

    Raises:
        ScenarioProblems: it cannot be read, or holds what is no placeholder; all of it, with lines.
    """
    text = text_of(path)
    if problems := template_problems(text, path.name):
        raise ScenarioProblems(problems)
    return text


def template_problems(text: str, file: str = "") -> list[Problem]:
    """What is wrong with the placeholders of a template."""
    problems, known = [], set()
    for found in string.Template.pattern.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - (text.rfind("\n", 0, found.start()) + 1) + 1
        place = Place(file, line, column)
        name = found["named"] or found["braced"]
        if found["invalid"] is not None:
            problems.append(Problem("placeholder_sign", place))
        elif name and name not in PLACEHOLDERS:
            near = nearest(name, PLACEHOLDERS)
            problems.append(Problem("placeholder_unknown", place, value=name, suggestion=near))
        elif name:
            known.add(name)
    missing = [name for name in NEEDED if name not in known]
    missing += ["period"] if not known & {"period", "first"} else []
    if missing and not problems:  # a wrong name is told as such
        names = ", ".join(f"${{{name}}}" for name in missing)
        problems.append(Problem("placeholder_missing", Place(file), params={"names": names}))
    return problems


def notices(
    named: NamedMoves,
    scenario: Scenario,
    language: Language = "zh",
    template: str | None = None,
    reasons: Mapping[int, str] | None = None,
) -> str:
    """One HTML file with a page for every named loan, by date of notice, home hall and staff number.

    Args:
        named: the people.
        scenario: names and opening hours of the halls.
        language: of what hallsim fills in, and of its own template.
        template: see the module; hallsim's own where None.
        reasons: row of the moves to a line that says why; a general line where there is none.

    Raises:
        ScenarioProblems: the template holds what is no placeholder, or lacks what a notice needs.
    """
    if template is None:
        template = (_FOLDER / f"notice.{language}.html").read_text(encoding="utf-8")
    elif problems := template_problems(template):
        raise ScenarioProblems(problems)
    words = _Words(scenario, language, reasons or {})
    page = string.Template(template)
    order = ["notice_by", "from", "clerk", "first"]
    rows = named.people.sort_values(order, kind="stable").to_dict("records")
    counted: Counter[str] = Counter()
    pages = []
    for row in rows:
        month = f"{as_date(row['first']):%Y-%m}"
        counted[month] += 1
        fields = words.fields(row, f"{month}-{counted[month]:03d}")
        shown = {name: html.escape(value) for name, value in fields.items()}
        pages.append(f'<section class="notice">\n{page.substitute(shown)}</section>\n')
    return _document(pages, words.say("Transfer notices"), scenario, language)


def _document(pages: list[str], title: str, scenario: Scenario, language: Language) -> str:
    style = (_FOLDER / "notice.css").read_text(encoding="utf-8")
    body = "".join(pages)
    name = html.escape(f"{district_name(scenario, language)} · {title}")
    font = fonts.face(name + body, language)
    return (
        f'<!doctype html>\n<html lang="{"zh-CN" if language == "zh" else "en"}">\n<head>\n'
        '<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; font-src data:; img-src data:\">\n"
        f"<title>{name}</title>\n<style>\n{font}\n{style}</style>\n</head>\n"
        f'<body class="{language}">\n{body}</body>\n</html>\n'
    )


class _Words:
    """What stands at the placeholders."""

    def __init__(self, scenario: Scenario, language: Language, reasons: Mapping[int, str]) -> None:
        self.scenario, self.language, self.reasons = scenario, language, reasons
        self.put = translator("notices", language)
        self.calendar = HallCalendar(scenario)
        self.halls = {h.hall: h for h in scenario.halls}

    def say(self, message: str, **fields: Any) -> str:
        return self.put(message).format(**fields) if fields else self.put(message)

    def fields(self, row: Mapping[Any, Any], count: str) -> dict[str, str]:
        """Every placeholder of one notice."""
        say = self.say
        to = self.halls[row["to"]]
        first, last = as_date(row["first"]), as_date(row["last"])
        reason = self.reasons.get(row["move"]) or say(
            "to shorten the longest waits of the district"
        )
        travel = float(row["travel_min"])
        return {
            "number": count,
            "clerk": row["clerk"],
            "district": self._short(district_name(self.scenario, self.language)),
            "from_hall": self._name(self.halls[row["from"]]),
            "to_hall": self._name(to),
            "group": row["group"],
            "first": self._day(first),
            "last": self._day(last),
            "period": self._period(first, last),
            "working_days": str(row["working_days"]),
            "report": self._report(to, first, last),
            "hours": self._hours(to, first, last),
            "travel": say("about {minutes} minutes a working day", minutes=number(travel, 0))
            if travel
            else say("none"),
            "reason": self._short(" ".join(reason.split()), 1),
            "continued": say("You are at this hall already; this notice extends your stay.")
            if row["continued"]
            else "",
            "notice_by": self._date(as_date(row["notice_by"])),
        }

    def _name(self, hall: Hall) -> str:
        return self._short(hall_name(hall, self.language))

    def _short(self, text: str, what: int = 0) -> str:
        longest = LONGEST[self.language][what]
        return text if len(text) <= longest else text[: longest - 1] + "…"

    def _date(self, day: dt.date) -> str:
        month = month_text(f"{day:%Y-%m}", self.language)
        return f"{month}{day.day}日" if self.language == "zh" else f"{day.day} {month}"

    def _day(self, day: dt.date) -> str:
        weekday = self._weekdays()[day.weekday()]
        date = self._date(day)
        return f"{date}（{weekday}）" if self.language == "zh" else f"{weekday} {date}"

    def _weekdays(self) -> list[str]:
        say = self.say
        return [
            say("Monday"), say("Tuesday"), say("Wednesday"), say("Thursday"), say("Friday"),
            say("Saturday"), say("Sunday"),
        ]  # fmt: skip

    def _period(self, first: dt.date, last: dt.date) -> str:
        if first == last:
            return self.say("on {day} only", day=self._day(first))
        return self.say("from {first} to {last}", first=self._day(first), last=self._day(last))

    def _report(self, hall: Hall, first: dt.date, last: dt.date) -> str:
        """The first opening of the hall in these days."""
        opening = ((day, self.calendar.sessions(hall, day)) for day in days_of(first, last))
        day, sessions = next((one for one in opening if one[1]), (first, ()))
        where = {"day": self._day(day), "hall": self._name(hall)}
        if not sessions:
            return self.say("{day}, at {hall}", **where)
        time = format_clock(sessions[0].on)
        return self.say("{day}, before {time}, at {hall}", time=time, **where)

    def _hours(self, hall: Hall, first: dt.date, last: dt.date) -> str:
        """The usual sessions of the weekdays among these days, alike ones together; then make-up days."""
        seen: dict[int, Counter[_Sessions]] = {}
        made_up: dict[_Sessions, list[dt.date]] = {}
        for day in days_of(first, last):
            sessions = self.calendar.sessions(hall, day)
            if sessions and self.calendar.day(hall, day).kind == "makeup":
                made_up.setdefault(sessions, []).append(day)
            elif sessions:
                seen.setdefault(day.weekday(), Counter())[sessions] += 1
        usual = {weekday: seen[weekday].most_common(1)[0][0] for weekday in sorted(seen)}
        told = [f"{self._run(run)} {self._spans(usual[run[0]])}" for run in _runs(usual)]
        for sessions, days in made_up.items():
            names = listed((day_text(day, self.language) for day in days), self.language)
            hours = self._spans(sessions)
            told.append(self.say("{days} (make-up working days) {hours}", days=names, hours=hours))
        return ("；" if self.language == "zh" else "; ").join(told) or self.say("closed")

    def _spans(self, sessions: _Sessions) -> str:
        spans = (f"{format_clock(s.on)}–{format_clock(s.off)}" for s in sessions)
        return listed(spans, self.language)

    def _run(self, weekdays: list[int]) -> str:
        names = self._weekdays()
        a, b = names[weekdays[0]], names[weekdays[-1]]
        if len(weekdays) == 1:
            return a
        return self.say("{first} to {last}", first=a, last=b)


def _runs(usual: Mapping[int, _Sessions]) -> list[list[int]]:
    """Weekdays one after another with the same sessions."""
    runs: list[list[int]] = []
    for weekday, sessions in usual.items():
        if runs and runs[-1][-1] == weekday - 1 and usual[runs[-1][-1]] == sessions:
            runs[-1].append(weekday)
        else:
            runs.append([weekday])
    return runs
