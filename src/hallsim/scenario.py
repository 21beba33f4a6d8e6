"""What is assumed about a district: one model, whatever file it was read from.

A `Scenario` is complete (every value present), validated and read-only; variants are made by
`hallsim.overrides`.  Rows of tables are plain records, in the order of the file.  The titles of
the fields are the Chinese labels that people see; the descriptions are the English ones.

Times of day are whole seconds after midnight; durations carry their unit in the name.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hallsim import synonyms

Source = Literal["seed", "assumed", "calibrated", "default"]
TIERS: tuple[Tier, ...] = ("district", "street", "community")
SOURCES: tuple[Source, ...] = ("seed", "assumed", "calibrated", "default")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_KEYS = (*WEEKDAYS, "makeup", "holiday")

_DAY = re.compile(r"(?:(\d{4})[-/.年])?(\d{1,2})[-/.月](\d{1,2})日?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?|(\d{1,2})点(?:(\d{1,2})分?|(半))?")


def fold(text: str) -> str:
    """Full-width digits, letters and punctuation to their ordinary forms, ends stripped."""
    return unicodedata.normalize("NFKC", text).strip()


def parse_clock(value: Any) -> int:
    """Seconds after midnight from `9:00`, `09:00:30`, `９：００`, `9点半`, a time or a day fraction.

    Raises:
        ValueError: nothing of the kind, or not between 00:00 and 24:00.
    """
    if isinstance(value, dt.datetime):
        value = value.time()
    if isinstance(value, dt.time):
        late = value.microsecond >= 500_000  # spreadsheets keep 9:00 as 8:59:59.999
        return value.hour * 3600 + value.minute * 60 + value.second + late
    if isinstance(value, float) and 0 <= value < 1:  # how Excel stores a time
        return round(value * 86400)
    if isinstance(value, int) and (value == 0 or 24 < value <= 86400):  # 9 would mean 9:00 to most
        return value
    if isinstance(value, str) and (m := _CLOCK.fullmatch(fold(value))):
        hour, minute, second = (int(m[i] or 0) for i in (1, 2, 3))
        if m[4]:
            hour, minute = int(m[4]), 30 if m[6] else int(m[5] or 0)
        seconds = hour * 3600 + minute * 60 + second
        if minute < 60 and second < 60 and seconds <= 86400:
            return seconds
    raise ValueError("clock_time")


def hour_span(text: str) -> tuple[int, int] | None:
    """First and last second of `9:00-10:00`, None where it is none."""
    first, _, last = fold(text).partition("-")
    try:
        span = parse_clock(first), parse_clock(last)
    except ValueError:
        return None
    return span if span[0] < span[1] else None


def format_clock(seconds: int) -> str:
    """`HH:MM`, with `:SS` only where the second is not 0."""
    hour, rest = divmod(int(seconds), 3600)
    minute, second = divmod(rest, 60)
    return f"{hour:02d}:{minute:02d}" + (f":{second:02d}" if second else "")


def fold_day(value: Any) -> Any:
    """`2026/9/1`, `2026年9月1日` and `9月1日` to `2026-09-01` and `09-01`; dates to their text.

    Spreadsheets rewrite days like this when they save a CSV file.
    """
    if isinstance(value, dt.date):
        return value.isoformat()[:10]
    if isinstance(value, str) and (m := _DAY.fullmatch(fold(value))):
        return f"{m[1]}-" * bool(m[1]) + f"{int(m[2]):02d}-{int(m[3]):02d}"
    return value


Spell = tuple[dt.date, dt.date]
"""First and last day, both inclusive."""
_DATE = r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
_SPELL = re.compile(
    rf"{_DATE}(?:(?:[-–—~]|至|到)(?:(\d{{4}})[-/.年])?(\d{{1,2}})[-/.月](\d{{1,2}})日?)?"
)


def parse_leave(text: str) -> tuple[Spell, ...]:
    """The spells of `2018-09-03~2018-09-07|2018-09-20`; the last day may leave out its year.

    Raises:
        ValueError: `leave_text` where it is none, `day_order` where a last day is before its first.
    """
    joined = re.sub(r"\s*([-–—~〜/.]|至|到|年|月)\s*", r"\1", fold(text)).replace("〜", "~")
    return tuple(_spell(part) for part in re.split(r"[|、,;\s]+", joined) if part)


def _spell(text: str) -> Spell:
    m = _SPELL.fullmatch(text)
    try:
        first = dt.date(*map(int, m.group(1, 2, 3))) if m else None
        last = dt.date(*map(int, (m[4] or m[1], m[5], m[6]))) if m and m[5] else first
    except ValueError:
        first = last = None
    if not first or not last:
        raise ValueError("leave_text")
    if last < first:
        raise ValueError("day_order")
    return first, last


def in_season(first: str, last: str, date: dt.date) -> bool:
    """Whether a date lies between two days, both inclusive; an empty one is no bound.

    `MM-DD` holds every year and may run over New Year.
    """
    if not first and not last:
        return True
    if len(first) != 5 or len(last) != 5:
        return first.rjust(10, "0") <= date.isoformat() <= (last or "9999")
    day = date.strftime("%m-%d")
    return first <= day <= last if first <= last else day >= first or day <= last


def _fold_number(value: Any) -> Any:
    return fold(value).replace(",", "") if isinstance(value, str) else value


def fold_share(value: Any) -> Any:
    """`5%` to 0.05; the rest as other numbers."""
    if isinstance(value, str) and (m := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", fold(value))):
        return float(Decimal(m[1]) / 100)
    return _fold_number(value)


@dataclass(frozen=True)
class Words:
    """The Chinese words for the values of a field, which are read like the values themselves."""

    table: synonyms.Table

    def __call__(self, value: Any) -> Any:
        """The value that a word means; anything else unchanged."""
        return self._values.get(fold(value), value) if isinstance(value, str) else value

    @property
    def all(self) -> tuple[str, ...]:
        """Every value and every word."""
        return (*self.table, *(word for words in self.table.values() for word in words))

    @functools.cached_property
    def _values(self) -> dict[str, str]:
        words = {word: value for value, words in self.table.items() for word in words}
        return words | {value: value for value in self.table}


def _one_of(words: Words) -> BeforeValidator:
    return BeforeValidator(words, json_schema_input_type=Literal[words.all])


TIER_WORDS = Words(synonyms.TIER)
_EVERY = Words(synonyms.EVERY)


def read_selector(name: str) -> str:
    """One part of a selector of halls or items: `全部` is `*`, `@社区` is `@community`."""
    return "@" + TIER_WORDS(name[1:]) if name.startswith("@") else str(_EVERY(name))


def split_names(value: Any) -> Any:
    """The parts of `a|b`; anything else unchanged."""
    if isinstance(value, str):
        value = [part for part in re.split(r"[|｜、]", fold(value)) if part.strip()]
    if isinstance(value, list | tuple):
        return tuple(read_selector(part) if isinstance(part, str) else part for part in value)
    return value


Tier = Annotated[Literal["district", "street", "community"], _one_of(TIER_WORDS)]
WindowKind = Annotated[
    Literal["comprehensive", "themed", "specialist", "machine"],
    _one_of(Words(synonyms.WINDOW_KIND)),
]
MACHINE = "machine"
"""The kind of windows that need no clerk."""


Count = Annotated[int, BeforeValidator(_fold_number), Field(ge=0)]
Number = Annotated[float, BeforeValidator(_fold_number), Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, BeforeValidator(_fold_number), Field(gt=0, allow_inf_nan=False)]
MOST_MINUTES = 100_000
"""Ten weeks; a longer duration is a slip of the pen, and engines count in whole seconds."""
Minutes = Annotated[Number, Field(le=MOST_MINUTES)]
SomeMinutes = Annotated[Positive, Field(le=MOST_MINUTES)]
Lateness = Annotated[
    float,
    BeforeValidator(_fold_number),
    Field(ge=-MOST_MINUTES, le=MOST_MINUTES, allow_inf_nan=False),
]
Variability = Annotated[Number, Field(le=10)]
"""A coefficient of variation."""
FromOne = Annotated[float, BeforeValidator(_fold_number), Field(ge=1, allow_inf_nan=False)]
_Percent = Annotated[str, Field(pattern=r"^\d+(\.\d+)?%$")]
Share = Annotated[
    float,
    Field(ge=0, le=1, allow_inf_nan=False),
    BeforeValidator(
        fold_share, json_schema_input_type=Annotated[float, Field(ge=0, le=1)] | _Percent
    ),
]
Percent = Annotated[int, BeforeValidator(_fold_number), Field(ge=1, le=1000)]
Clock = Annotated[int, BeforeValidator(parse_clock, json_schema_input_type=str | int | float)]
Day = Annotated[str, BeforeValidator(fold_day), Field(pattern=r"^(\d{4}-)?\d{2}-\d{2}$")]
SomeDay = Annotated[str, BeforeValidator(fold_day), Field(pattern=r"^((\d{4}-)?\d{2}-\d{2})?$")]
"""A day, or nothing."""
Date = Annotated[dt.date, BeforeValidator(fold_day)]
Id = Annotated[
    str,
    BeforeValidator(lambda v: fold(str(v)) if isinstance(v, str | int) else v),
    Field(min_length=1, max_length=60, pattern=r"^[^\s|*@/\[\]=,]+$"),
]
SomeGroup = Annotated[
    str,
    BeforeValidator(Words(synonyms.EVERY_GROUP)),
    BeforeValidator(lambda v: fold(str(v)) if isinstance(v, str | int) else v),
    Field(max_length=60, pattern=r"^[^\s|*@/\[\]=,]*$"),
]
"""The id of a skill group, or nothing: all of them together."""
Flag = Annotated[
    bool,
    BeforeValidator(
        Words(synonyms.FLAG),
        json_schema_input_type=bool
        | Literal[tuple(w for ws in synonyms.FLAG.values() for w in ws)],
    ),
]
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(split_names, json_schema_input_type=str | tuple[str, ...]),
    Field(min_length=1),
]
"""One or more ids joined by `|`; `*` is all."""


class Model(BaseModel):
    """Base of everything in a scenario: unknown keys are errors, values are read-only."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Row(Model):
    """A row of a table.  `source` marks every figure of the row: `assumed; count: seed`."""

    source: str = Field(
        "",
        title="来源",
        description="seed, assumed or calibrated; per column: 'assumed; count: seed'",
    )
    note: str = Field("", title="说明", description="reason or reference")


class Hall(Row):
    """A service hall.  A community hall names the street hall it belongs to."""

    hall: Id = Field(title="大厅", description="hall id")
    name: str = Field("", title="名称", description="name in Chinese")
    name_en: str = Field("", title="英文名", description="name in English")
    tier: Tier = Field(title="层级", description="district, street or community")
    street: str = Field(
        "", title="所属街道厅", description="community halls: id of their street hall"
    )
    hours: Id = Field(title="开放时间", description="name of an entry of `hours`")
    weight: Number = Field(
        1.0, title="权重", description="share of demand given to several halls together"
    )


class Windows(Row):
    """Windows of one kind in a hall; self-service machines are windows that need no clerk."""

    hall: Id = Field(title="大厅", description="hall id")
    kind: WindowKind = Field(
        "comprehensive", title="类型", description="comprehensive, themed, specialist or machine"
    )
    label: str = Field("", title="名称", description="name of the group of windows")
    items: Names = Field(
        ("*",),
        title="受理事项",
        description="items served: a|b, or '*': all but those of the hall's machines",
    )
    count: Count = Field(title="窗口数", description="number of windows; 0 = none for now")
    speed: Percent = Field(100, title="速度%", description="whole percent of normal speed")


class Clerks(Row):
    """Clerks of one skill group whose home is this hall."""

    hall: Id = Field(title="大厅", description="home hall")
    group: Id = Field("general", title="组别", description="skill group")
    count: Count = Field(title="人数", description="clerks on staff; 0 = none for now")
    minimum: Count = Field(
        1, title="最少人数", description="clerks assigned here at any time, at least"
    )
    skills: Names = Field(("*",), title="技能", description="items they can handle: '*' or a|b")
    speed: Percent = Field(
        100,
        title="熟练程度%",
        description="whole percent of normal speed; of the hall, for whoever works in it",
    )


class Item(Row):
    """A group of matters that are alike at the window."""

    item: Id = Field(title="事项", description="item id")
    name: str = Field("", title="名称", description="name in Chinese")
    name_en: str = Field("", title="英文名", description="name in English")
    minutes: Annotated[Positive, Field(le=1440)] = Field(
        title="办理分钟", description="mean handling time at normal speed, minutes"
    )
    cv: Variability = Field(
        0.6, title="变异系数", description="coefficient of variation of the handling time"
    )
    law: Annotated[
        Literal["lognormal", "gamma", "exponential", "fixed", "empirical"],
        _one_of(Words(synonyms.LAW)),
    ] = Field("lognormal", title="分布", description="law of the handling time")
    sample: str = Field(
        "",
        title="分钟样本",
        description="law empirical: minutes profile, scaled so that its mean is `minutes`",
    )
    cases: Annotated[FromOne, Field(le=100)] = Field(
        1.0, title="人均件数", description="mean number of cases a visitor brings, at least 1"
    )
    months: str = Field("", title="月度曲线", description="month profile; empty = flat")
    weekdays: str = Field("", title="星期曲线", description="weekday profile; empty = flat")
    hours: str = Field(
        "", title="时段曲线", description="hour profile; empty = flat over the opening hours"
    )
    next: str = Field(
        "", title="下一环节", description="item of the next counter of the same visit; empty = none"
    )
    walk_minutes: Minutes = Field(
        0, title="步行分钟", description="from the end at this counter to the next ticket"
    )
    return_share: Share = Field(
        0.0, title="再来占比", description="share of first visits that come again for the same item"
    )
    return_days: FromOne = Field(
        1.0, title="再来间隔", description="mean number of open days until then, at least 1"
    )
    online_share: Share = Field(
        0.0, title="网办占比", description="share of the visitors handled online, who do not come"
    )
    self_service: str = Field(
        "",
        title="自助事项",
        description="the item as which it is done at self-service machines; empty = not there",
    )
    self_service_share: Share = Field(
        0.0,
        title="自助占比",
        description="share of those who come that uses the machines, in halls that have them",
    )
    any_hall: Annotated[Literal["", "street", "district"], _one_of(Words(synonyms.ANY_HALL))] = (
        Field(
            "",
            title="通办",
            description="visitors choose by travel and posted wait among the halls of their own street "
            "(street) or of the district that serve it; empty = their own hall; plans do not foresee it",
        )
    )


class Demand(Row):
    """Visitors who come for an item to one hall, or to several halls together by `weight`."""

    halls: Names = Field(
        title="大厅", description="hall ids, '*', '@community' (a tier) or 'street-id/*'"
    )
    item: Id = Field(title="事项", description="item id")
    volume: Number = Field(
        title="人次",
        description="visitors, online ones included; without named peaks, returns, later counters",
    )
    per: Annotated[Literal["year", "month"], _one_of(Words(synonyms.PER))] = Field(
        "year", title="周期", description="year, or mean month"
    )


class Weight(Row):
    """One point of a month, weekday or hour profile, or of a sample of handling times."""

    profile: Id = Field(title="曲线", description="profile id")
    kind: Annotated[
        Literal["month", "weekday", "hour", "minutes"], _one_of(Words(synonyms.PROFILE_KIND))
    ] = Field(title="类别", description="month, weekday, hour or minutes")
    key: Annotated[
        str,
        BeforeValidator(Words(synonyms.PROFILE_KEY)),
        BeforeValidator(lambda v: fold(str(v))),
    ] = Field(
        title="键", description="1..12, mon..sun and makeup, 09:00-10:00, or minutes of handling"
    )
    weight: Number = Field(title="权重", description="relative weight")


class Peak(Row):
    """A named season in which some items bring more visitors."""

    peak: Id = Field(title="旺季", description="peak id")
    name: str = Field("", title="名称", description="name in Chinese")
    name_en: str = Field("", title="英文名", description="name in English")
    first: Day = Field(title="开始", description="first day: YYYY-MM-DD, or MM-DD every year")
    last: Day = Field(title="结束", description="last day, inclusive")
    items: Names = Field(("*",), title="事项", description="items it moves")
    halls: Names = Field(("*",), title="大厅", description="halls it moves")
    multiplier: Number = Field(title="倍数", description="factor on the visitors of those days")


class CalendarDay(Row):
    """A day of the district's own calendar; wins over the national one."""

    first: Date = Field(title="日期", description="day, or first day of a range")
    last: Date | None = Field(None, title="至", description="last day of a range, inclusive")
    halls: Names = Field(("*",), title="大厅", description="halls it holds for")
    day: Annotated[
        Literal["workday", "makeup", "weekend", "holiday", "closed"], _one_of(Words(synonyms.DAY))
    ] = Field(title="类型", description="what kind of day it is")
    sessions: str = Field(
        "", title="开放时段", description="sessions of that day instead of the usual ones"
    )
    name: str = Field("", title="名称", description="name of the day")


LimitKind = Literal[
    "least_clerks", "most_clerks", "most_lent", "most_borrowed", "least_windows", "most_windows",
    "total_least_clerks", "total_most_clerks", "most_moves",
]  # fmt: skip


class Limit(Row):
    """A rule that plans keep: a least or a most number for each hall named, or for them together."""

    halls: Names = Field(
        title="大厅", description="hall ids, '*', '@community' (a tier) or 'street-id/*'"
    )
    limit: Annotated[LimitKind, _one_of(Words(synonyms.LIMIT))] = Field(
        title="限制",
        description="least_clerks, most_clerks, most_lent, most_borrowed, least_windows, most_windows: "
        "of each hall named; total_least_clerks, total_most_clerks, most_moves: of these halls together",
    )
    value: Count = Field(
        title="数值",
        description="clerks, windows, or (most_moves) clerks whose loan begins at or from these halls "
        "in one period",
    )
    group: SomeGroup = Field(
        "", title="组别", description="skill group; empty = all groups together"
    )
    hours: str = Field(
        "", title="时段", description="only least_windows: 12:00-14:00; empty = whenever it is open"
    )
    first: SomeDay = Field(
        "",
        title="开始",
        description="first day: YYYY-MM-DD, or MM-DD every year; empty = no beginning",
    )
    last: SomeDay = Field("", title="结束", description="last day, inclusive; empty = no end")


class Leave(Row):
    """Leave already granted, on top of `staffing.leave_rate`."""

    hall: Id = Field(title="大厅", description="home hall")
    group: Id = Field("general", title="组别", description="skill group")
    clerks: Count = Field(title="人数", description="clerks on leave")
    first: Date = Field(title="开始", description="first day")
    last: Date | None = Field(
        None, title="结束", description="last day, inclusive; empty = that day only"
    )


class RosterClerk(Row):
    """One clerk; where there is a roster, leave already granted stands in it."""

    clerk: Id = Field(title="工号", description="staff number")
    hall: Id = Field(title="大厅", description="home hall")
    group: Id = Field("general", title="组别", description="skill group")
    leave: str = Field(
        "",
        title="休假",
        description="days of leave already granted: 2018-09-03~2018-09-07|2018-09-20",
    )
    moved: Count = Field(0, title="已借调次数", description="times lent in the last 12 months")


class Travel(Row):
    """Extra travel between two halls; pairs that are not listed take that of their tier."""

    origin: Id = Field(title="从", description="home hall")
    destination: Id = Field(title="到", description="hall to which a clerk is lent")
    minutes: Minutes = Field(
        title="通勤分钟",
        description="extra travel per clerk and working day; both ways, unless the other way has its row",
    )


class Session(Model):
    """An opening spell of a day, and the share of the clerks who work it."""

    on: Clock
    off: Clock
    share: Share = 1.0

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        if isinstance(value, str):
            m = re.fullmatch(
                r"([\d:点半分]+)\s*[-–—~]\s*([\d:点半分]+)(?:\s*@\s*(\d+)\s*%)?", fold(value)
            )
            if not m:
                raise ValueError("session")
            return {"on": m[1], "off": m[2], "share": int(m[3]) / 100 if m[3] else 1.0}
        return value

    @model_validator(mode="after")
    def _order(self) -> Session:
        if self.on >= self.off:
            raise ValueError("session_order")
        return self

    def text(self) -> str:
        """As it is written: `09:00-12:00`, `14:00-18:00@50%`."""
        share = f"@{self.share:.0%}" if self.share != 1 else ""
        return f"{format_clock(self.on)}-{format_clock(self.off)}{share}"


def split_sessions(value: Any) -> Any:
    """`9:00-12:00 14:00-18:00@50%` to its sessions; anything else unchanged."""
    if isinstance(value, str):
        text = re.sub(r"\s*([-–—~@])\s*", r"\1", fold(value))
        return tuple(part for part in re.split(r"[\s,;，；、]+", text) if part)
    return value


Sessions = Annotated[
    tuple[Session, ...],
    BeforeValidator(split_sessions, json_schema_input_type=str | tuple[str | Session, ...]),
]


class Lunch(Model):
    """Clerks of a session that runs over lunch eat in waves, so that windows stay open."""

    first: Clock = Field(43200, title="午餐开始", description="start of the first wave")
    last: Clock = Field(50400, title="午餐结束", description="end of the last wave")
    waves: Annotated[int, Field(ge=1, le=8)] = Field(2, title="批次", description="number of waves")

    @model_validator(mode="after")
    def _order(self) -> Lunch:
        if self.first >= self.last:
            raise ValueError("session_order")
        return self


class Hours(Model):
    """Opening hours: sessions per kind of day, and the edges of the day."""

    weekdays: Sessions = Field(title="工作日", description="sessions, Monday to Friday")
    mon: Sessions | None = None
    tue: Sessions | None = None
    wed: Sessions | None = None
    thu: Sessions | None = None
    fri: Sessions | None = None
    sat: Sessions = Field((), title="周六", description="Saturday sessions")
    sun: Sessions = Field((), title="周日", description="Sunday sessions")
    makeup: Sessions | None = Field(
        None, title="调休上班日", description="make-up working days; default: as weekdays"
    )
    holiday: Sessions = Field((), title="节假日", description="sessions on public holidays")
    last_ticket_minutes: Minutes = Field(
        0, title="停止取号提前", description="no ticket in the last minutes of the day"
    )
    doors_minutes: Minutes = Field(
        0, title="提前进厅", description="tickets can be taken so long before opening"
    )
    lunch: Lunch | None = Field(None, title="午间轮休", description="lunch in waves")


class VisitorClass(Model):
    """A class of visitor.  Shares of all classes sum to 1."""

    share: Share = Field(title="占比", description="share of visitors")
    credit_minutes: Minutes = Field(
        0, title="优先提前", description="the ticket counts as so many minutes earlier"
    )
    patience_minutes: SomeMinutes | None = Field(
        None,
        title="平均耐心",
        description="mean of the exponential patience; empty = waits for ever",
    )
    leave_at_once: Share = Field(
        0.0,
        title="立即离开占比",
        description="share without patience, who leave unless called at once",
    )
    balk_at: FromOne | None = Field(
        None,
        title="见队折返人数",
        description="mean number waiting in the hall at which they turn round; empty = never",
    )
    slot_minutes: SomeMinutes | None = Field(
        None,
        title="预约时段分钟",
        description="booked: they are due when a slot of this length begins; empty = not booked",
    )
    late_minutes: Lateness = Field(
        0, title="平均迟到分钟", description="booked: mean lateness; below 0 = early"
    )
    late_sd_minutes: Minutes = Field(
        0, title="迟到标准差", description="booked: standard deviation of the normal lateness"
    )
    no_show: Share = Field(0.0, title="爽约占比", description="share that does not come")


class Variation(Model):
    """Days differ by more than chance: two lognormal factors of mean 1."""

    day_cv: Variability = Field(
        0.0, title="全区日间变异", description="factor per day, shared by all halls"
    )
    hall_cv: Variability = Field(0.0, title="各厅日间变异", description="factor per day and hall")


class HolidayEffect(Model):
    """Factors on the open days around days off: nearest first."""

    before: tuple[Number, ...] = Field(
        (), title="节前", description="last open day before, the one before that, …"
    )
    after: tuple[Number, ...] = Field(
        (), title="节后", description="first open day after, the next, …"
    )


class Holidays(Model):
    """Effect of the days around public holidays."""

    ordinary: HolidayEffect = Field(default_factory=HolidayEffect, title="一般节假日")
    spring_festival: HolidayEffect = Field(default_factory=HolidayEffect, title="春节")


class Staffing(Model):
    """How many of the clerks on staff are at a window."""

    leave_rate: Share = Field(
        0.0, title="休假率", description="planned leave, spread evenly over the days"
    )
    absence_rate: Share = Field(
        0.0, title="缺勤率", description="unplanned absence, independent per clerk and day"
    )
    other_duty_rate: Share = Field(
        0.0, title="非窗口岗位占比", description="guidance desk, back office, training"
    )


class TransferTier(Model):
    """What a transfer costs."""

    order_minutes: Number = Field(
        title="调动成本", description="cost of one transfer order, in visitor minutes"
    )
    travel_minutes: Number = Field(
        title="额外通勤", description="extra travel per clerk and working day, minutes"
    )


class Transfers(Model):
    """Costs of moving clerks, nearest first: within a street, between streets, with the district hall."""

    dynamic: Flag = Field(
        True,
        title="动态调配",
        description="whether the district moves clerks at all; where reforms are compared",
    )
    within_street: TransferTier = Field(
        TransferTier(order_minutes=120, travel_minutes=15), title="街道内"
    )
    between_streets: TransferTier = Field(
        TransferTier(order_minutes=240, travel_minutes=40), title="街道间"
    )
    with_district: TransferTier = Field(
        TransferTier(order_minutes=240, travel_minutes=40), title="街道与区级大厅间"
    )
    notice_days: Count = Field(
        7, title="提前通知天数", description="days between the notice and the first day"
    )
    travel_weight: Number = Field(
        1.0, title="通勤权重", description="visitor minutes that one minute of travel is worth"
    )
    least_stay_days: Count = Field(
        0, title="最短借调天数", description="working days that a loan lasts at least"
    )
    most_orders: Count | None = Field(
        None,
        title="每期调动上限",
        description="clerks whose loan begins in one period, at most; empty = any number",
    )
    most_moves_per_clerk: Count | None = Field(
        None,
        title="每人调动上限",
        description="times a clerk is lent in 12 months, at most; needs the roster; empty = any number",
    )
    most_lent_share: Share = Field(
        1.0, title="借出比例上限", description="share of a hall's clerks lent at a time, at most"
    )
    long_stay_days: Count = Field(
        0,
        title="长期借调起算天数",
        description="working days away from home that cost nothing extra",
    )
    long_stay_minutes: Number = Field(
        0,
        title="长期借调成本",
        description="visitor minutes per clerk and working day away beyond `long_stay_days`; 0 = off",
    )
    closeness_minutes: Number = Field(
        0,
        title="与上月方案的差别成本",
        description="visitor minutes per clerk and period by which a hall differs from last month's plan",
    )


class Choice(Model):
    """How visitors of items with `any_hall` choose: the smallest extra travel plus posted wait."""

    posted_service_minutes: SomeMinutes = Field(
        10, title="每人预计分钟", description="posted wait per person waiting and open window"
    )
    within_street_minutes: Minutes = Field(
        15, title="街道内路程", description="extra travel to another hall of the street, minutes"
    )
    between_streets_minutes: Minutes = Field(
        40, title="街道间路程", description="extra travel to a hall of another street, minutes"
    )
    with_district_minutes: Minutes = Field(
        40, title="街道与区级大厅间路程", description="the same to or from a district hall, minutes"
    )


class Objective(Model):
    """What the optimizer counts besides minutes of waiting."""

    lost_minutes: Number = Field(
        120, title="流失折算", description="minutes for a visitor who gave up or was turned away"
    )
    overtime_weight: Number = Field(
        1.0, title="加班权重", description="minutes for a minute of overtime"
    )


class Target(Model):
    """A service target; `tier` '*' is every hall."""

    tier: Annotated[
        Literal["*", "district", "street", "community"],
        _one_of(Words(synonyms.EVERY | synonyms.TIER)),
    ] = Field("*", title="层级")
    mean_wait_minutes: Positive | None = Field(
        None, title="平均等候目标", description="mean wait at most"
    )
    within_minutes: SomeMinutes | None = Field(
        None, title="达标时限", description="served within x minutes of the ticket"
    )
    share: Share | None = Field(
        None, title="达标比例", description="share of all visitors served within x minutes"
    )
    must: Flag = Field(
        False, title="硬性", description="plans have to keep it; else it is only reported"
    )

    @model_validator(mode="after")
    def _something(self) -> Target:
        if (self.within_minutes is None) != (self.share is None):
            raise ValueError("target_pair")
        if self.mean_wait_minutes is None and self.within_minutes is None:
            raise ValueError("target_empty")
        return self


class Run(Model):
    """How a study is run when the command line does not say otherwise."""

    seed: Count = Field(1, title="随机种子")
    replications: Annotated[int, Field(ge=2)] = Field(
        30, title="检验重复次数", description="fresh months for the verification"
    )
    table_replications: Annotated[int, Field(ge=2)] = Field(
        20, title="建表重复次数", description="months for the waiting tables"
    )
    period: Annotated[
        Literal["day", "half_week", "week", "month"], _one_of(Words(synonyms.PERIOD))
    ] = Field("week", title="调配周期")
    confidence: Annotated[
        float,
        Field(gt=0.5, lt=1),
        BeforeValidator(
            fold_share, json_schema_input_type=Annotated[float, Field(gt=0.5, lt=1)] | _Percent
        ),
    ] = Field(0.95, title="置信水平")


class Scenario(Model):
    """Everything that is assumed about a district.  See `docs/scenario.md`."""

    format: Literal[1] = Field(1, title="格式版本")
    name: Id = Field(title="名称")
    title: str = Field("", title="标题")
    title_en: str = Field("", title="英文标题")
    language: Annotated[Literal["zh", "en"], _one_of(Words(synonyms.LANGUAGE))] = Field(
        "zh", title="语言"
    )
    run: Run = Field(default_factory=Run, title="运行")
    hours: dict[str, Hours] = Field(title="开放时间")
    classes: dict[str, VisitorClass] = Field(
        default_factory=lambda: {"ordinary": VisitorClass(share=1.0)}, title="人群"
    )
    variation: Variation = Field(default_factory=Variation, title="日间变异")
    holidays: Holidays = Field(default_factory=Holidays, title="节假日影响")
    staffing: Staffing = Field(default_factory=Staffing, title="人员")
    transfers: Transfers = Field(default_factory=Transfers, title="调配")
    choice: Choice = Field(default_factory=Choice, title="通办选厅")
    objective: Objective = Field(default_factory=Objective, title="目标函数")
    targets: tuple[Target, ...] = Field((), title="服务目标")
    halls: tuple[Hall, ...] = Field(title="大厅")
    windows: tuple[Windows, ...] = Field(title="窗口")
    clerks: tuple[Clerks, ...] = Field(title="人员")
    items: tuple[Item, ...] = Field(title="事项")
    demand: tuple[Demand, ...] = Field(title="需求")
    profiles: tuple[Weight, ...] = Field((), title="曲线")
    peaks: tuple[Peak, ...] = Field((), title="旺季")
    calendar: tuple[CalendarDay, ...] = Field((), title="日历")
    limits: tuple[Limit, ...] = Field((), title="限制")
    leave: tuple[Leave, ...] = Field((), title="休假")
    roster: tuple[RosterClerk, ...] = Field((), title="花名册")
    travel: tuple[Travel, ...] = Field((), title="路程")

    @property
    def balks(self) -> bool:
        """Whether anybody turns round at the door; where nobody does it goes unsaid."""
        return any(c.balk_at for c in self.classes.values())

    def select(self, names: tuple[str, ...]) -> list[Hall]:
        """The halls that a selector names, in table order: ids, `*`, `@tier`, `street/*`.

        Raises:
            KeyError: a part of the selector matches no hall.
        """
        return [self.halls[k] for k in Selector(self.halls)(names)]


TABLES: dict[str, type[Row]] = {
    "halls": Hall, "windows": Windows, "clerks": Clerks, "items": Item,
    "demand": Demand, "profiles": Weight, "peaks": Peak, "calendar": CalendarDay,
    "limits": Limit, "leave": Leave, "roster": RosterClerk, "travel": Travel,
}  # fmt: skip
"""The tables of a scenario: file `<name>.csv`, or the sheet of that name (or its Chinese title)."""


def machine_halls(scenario: Scenario, item: str) -> set[str]:
    """The ids of the halls that have self-service machines for an item."""
    rows = (row for row in scenario.windows if row.kind == MACHINE and row.count)
    return {row.hall for row in rows if {"*", item} & set(row.items)}


def names_hall(name: str, hall: str, tier: str, street: str) -> bool:
    """Whether one part of a selector means this hall."""
    return read_selector(name) in _names_of(hall, tier, street)


def _names_of(hall: str, tier: str, street: str) -> tuple[str, ...]:
    """The parts of a selector that mean this hall; a street is its own hall and its communities."""
    return "*", hall, f"@{tier}", f"{hall}/*", f"{street}/*"


class Selector:
    """What selectors mean in a table of halls, looked through once."""

    def __init__(self, halls: Sequence[Hall]) -> None:
        """Index the halls by every part of a selector that means them."""
        self._places: dict[str, list[int]] = defaultdict(list)
        for place, h in enumerate(halls):
            for name in _names_of(h.hall, h.tier, h.street):
                self._places[name].append(place)

    def __contains__(self, name: str) -> bool:
        """Whether a part of a selector means any hall."""
        return read_selector(name) in self._places

    def __call__(self, names: tuple[str, ...]) -> list[int]:
        """The places in the table of the halls that a selector names, in order.

        Raises:
            KeyError: a part of the selector matches no hall.
        """
        for name in names:
            if name not in self:
                raise KeyError(name)
        return sorted({place for name in names for place in self._places[read_selector(name)]})
