"""What is said of a cut: targets, rules of thumb and knees in plain sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from hallsim.choosing import Choosing
from hallsim.report_words import number
from hallsim.synonyms import TIER
from hallsim.text import Language, translator


def rule_name(rule: str, language: Language) -> str:
    """What a way of choosing windows is called."""
    say = translator("cut", language)
    return {
        "best": say("best choice"),
        "proportional": say("every hall in proportion"),
        "least_used": say("least used windows first"),
    }[rule]


def where(tier: str, of: Any, language: Language) -> str:
    """The halls that a target or a line is about."""
    from hallsim.report_words import hall_name

    say = translator("cut", language)
    if of.hall is not None:
        (hall,) = (h for h in of.scenario.halls if h.hall == of.hall)
        return hall_name(hall, language)
    if tier == "*":
        return say("whole district")
    name = TIER[tier][0] if language == "zh" else tier
    return say("{tier} halls").format(tier=name)


def target_text(knee: Any, of: Any, language: Language) -> str:
    """`mean wait at most 10 minutes (whole district)`."""
    say = translator("cut", language)
    limit = float(knee["limit"])
    if knee["target"] == "mean_wait":
        text = say("mean wait at most {limit} minutes ({where})")
        return text.format(limit=f"{limit:g}", where=where(knee["tier"], of, language))
    text = say("{limit} of visitors served within {minutes} minutes ({where})")
    return text.format(
        limit=f"{limit:.0%}", minutes=f"{float(knee['within_minutes']):g}",
        where=where(knee["tier"], of, language),
    )  # fmt: skip


def estimate_text(knee: Any, language: Language) -> str:
    """The estimate that decides a knee, with its interval."""
    say = translator("cut", language)
    factor = 1 if knee["target"] == "mean_wait" else 100
    digits = _digits(knee, factor)
    mean, lo, hi = (number(float(knee[key]) * factor, digits) for key in _ENDS.values())
    if knee["target"] == "mean_wait":
        text = say("{mean} [{lo}, {hi}] minutes")
        return text.format(mean=mean, lo=lo, hi=hi)
    return f"{mean}% [{lo}%, {hi}%]"


def _digits(knee: Any, factor: float) -> int:
    """Decimals with which the end of the interval that decides is not told as the target itself."""
    end, limit = (
        float(knee["hi" if factor == 1 else "lo"]) * factor,
        float(knee["limit"]) * factor,
    )
    return next((d for d in (1, 2) if round(end, d) != round(limit, d)), 3)


def knee_text(knee: Any, of: Any, language: Language) -> str:
    """One sentence: how far it goes until the target is missed."""
    say = translator("cut", language)
    clerks = knee["study"] == "clerks"
    texts = {
        ("limit", False): say(
            "{target}: sure with {least} windows or more; with {at} it is {estimate}"
        ),
        ("always", False): say(
            "{target}: sure down to {least} windows, the fewest looked at; there it is {estimate}"
        ),
        ("never", False): say(
            "{target}: with no number of windows is it sure, not even with {at}: {estimate}; "
            "that takes more clerks at windows or less work"
        ),
        ("limit", True): say(
            "{target}: sure with {least} clerks or more; with {at} it is {estimate}"
        ),
        ("always", True): say(
            "{target}: sure down to {least} clerks, the fewest looked at; there it is {estimate}"
        ),
        ("never", True): say(
            "{target}: with no number of clerks up to today's is it sure; with {at} it is {estimate}"
        ),
    }
    least = knee["least"]
    return texts[knee["why"], clerks].format(
        target=target_text(knee, of, language), at=int(knee["at"]),
        least="" if pd.isna(least) else int(least), estimate=estimate_text(knee, language),
    )  # fmt: skip


def sentences(of: Any, language: Language) -> Iterator[str]:
    """What a planner should take home, a sentence each."""
    say = translator("cut", language)
    yield from _today(of, language)
    for _, row in of.knees.iterrows():
        yield knee_text(row, of, language)
    if not len(of.knees):
        yield say("the scenario has no targets, so there is no fewest number of windows")
    yield from _rules(of, language)
    if of.merged:
        yield say(
            "{count} halls have windows for different items today; the windows left there are taken "
            "to serve every item of the hall, and all clerks to be trained for it "
            "(--keep-kinds: windows and clerks keep their items)"
        ).format(count=len(of.merged))
    if Choosing.needed(of.scenario):
        chosen = say(
            "visitors may choose among halls, but windows and clerks are chosen as if everybody stayed "
            "in the own hall: another choice, even a rule of thumb, may be better; waits are means of "
            "{n} months of other visitors, who do choose, with {confidence:.0%} intervals"
        )
        yield chosen.format(n=of.replications, confidence=of.confidence)
        return
    best = say(
        "of all ways to close as many windows and to assign the clerks none costs less by the "
        "simulated tables; waits are means of {n} months of other visitors, with {confidence:.0%} intervals"
    )
    nearly = say(
        "of all ways to close as many windows and to assign the clerks none costs less by more than "
        "{gap:.2%} by the simulated tables; waits are means of {n} months of other visitors, with "
        "{confidence:.0%} intervals"
    )
    yield (nearly if of.gap >= 0.00005 else best).format(
        gap=of.gap, n=of.replications, confidence=of.confidence
    )


def _today(of: Any, language: Language) -> Iterator[str]:
    say = translator("cut", language)
    today = of.today.set_index("measure").loc["mean_wait_min"]
    first = of.curve().iloc[0]
    merged = say(
        "today, with every clerk at home, the mean wait is {today} [{today_lo}, {today_hi}] minutes; "
        "with {windows} windows that serve every item and clerks reassigned it is {mean} [{lo}, {hi}]"
    )
    same = say(
        "today, with every clerk at home, the mean wait is {today} [{today_lo}, {today_hi}] minutes; "
        "with {windows} windows and clerks reassigned it is {mean} [{lo}, {hi}]"
    )
    yield (merged if of.merged else same).format(
        windows=int(first["windows"]),
        **{f"today{end}": number(today[key]) for end, key in _ENDS.items()},
        **{key: number(first[key]) for key in _ENDS.values()},
    )


_ENDS = {"": "mean", "_lo": "lo", "_hi": "hi"}


def _rules(of: Any, language: Language) -> Iterator[str]:
    say = translator("cut", language)
    best = of.curve()
    at = compared_at(of)
    mean = float(best[best.windows == at]["mean"].iloc[0])
    longer_text = say(
        "with {windows} windows the best choice waits {mean} minutes; {rule}: longer by "
        "{longer} [{lo}, {hi}]"
    )
    unsure_text = say(
        "with {windows} windows the best choice waits {mean} minutes; {rule}: no sure difference, "
        "{longer} [{lo}, {hi}]"
    )
    for rule in ("proportional", "least_used"):
        longer = of.curve("longer_than_best_min", rule)
        if len(longer):
            row = longer[longer.windows == at].iloc[0]
            text = longer_text if row["lo"] > 0 or row["hi"] < 0 else unsure_text
            yield text.format(
                windows=at, mean=number(mean), rule=rule_name(rule, language),
                longer=number(row["mean"]), lo=number(row["lo"]), hi=number(row["hi"]),
            )  # fmt: skip


def compared_at(of: Any) -> int:
    """The number of windows at which the rules of thumb are compared: a knee, else the middle."""
    found = of.knees[(of.knees.study == "windows") & (of.knees.why == "limit")]["least"]
    windows = of.curve()["windows"]
    return int(found.max()) if len(found) else int(windows.iloc[math.floor(len(windows) / 2)])
