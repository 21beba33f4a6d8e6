"""Why a move is made, and why nobody can be named for one, in one line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hallsim.report_words import listed, number, speaker
from hallsim.text import Language


def reason_text(row: Mapping[str, Any], language: Language) -> str:
    """One line for a row of `reasons.REASON_COLUMNS`, as a clerk reads it in the notice.

    What it does to the receiving hall, and what the own hall gives; to the nearest tenth of a minute.
    """
    say = speaker(language)
    there, here = (
        (number(row[f"{end}_wait_without"]), number(row[f"{end}_wait_with"]))
        for end in ("to", "from")
    )
    if row["to_wait_with"] < row["to_wait_without"] and there[0] != there[1]:
        text = say(
            "The mean wait there should fall from {before} to {after} minutes",
            before=there[0], after=there[1],
        )  # fmt: skip
    elif round(row["fewer_lost"]) >= 1:
        text = say("{n} fewer visitors should leave unserved", n=number(row["fewer_lost"], 0))
    else:
        text = say("To shorten the waits of the district as a whole")
    if not math.isfinite(row["from_wait_with"]):
        return text
    if here[0] == here[1]:
        return text + say("; that of the own hall stays at {wait}", wait=here[1])
    words = {"before": here[0], "after": here[1]}
    if row["from_wait_with"] > row["from_wait_without"]:
        return text + say("; that of the own hall rises from {before} to {after}", **words)
    return text + say("; that of the own hall falls from {before} to {after}", **words)


def unfilled_text(row: Mapping[str, Any], language: Language) -> str:
    """Why nobody can be named: a row of `naming.UNFILLED_COLUMNS`."""
    say = speaker(language)
    if row["reason"] == "nobody":
        return say("nobody of this hall and group in the roster")
    parts = [
        (row["on_leave"], say("{n} on leave", n=row["on_leave"])),
        (row["lent"], say("{n} lent elsewhere", n=row["lent"])),
        (row["at_limit"], say("{n} at the limit of transfers", n=row["at_limit"])),
    ]
    told = listed((text for count, text in parts if count), language)
    why = say("of {staff} clerks: {why}", staff=row["staff"], why=told)
    if row["nearest"]:
        why += say(
            "; {clerk} is on leave on {days} of the days only",
            clerk=row["nearest"], days=row["leave_days"],
        )  # fmt: skip
    return why
