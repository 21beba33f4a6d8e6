"""Why a move is made, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hallsim.report_words import number, speaker
from hallsim.text import Language


def reason_text(row: Mapping[str, Any], language: Language) -> str:
    """One line for a row of `reasons.REASON_COLUMNS`."""
    say = speaker(language)
    return say(
        "mean wait at the receiving hall {with} instead of {without} minutes, "
        "at the lending hall {lend} instead of {before}",
        **{
            "with": number(row["to_wait_with"]), "without": number(row["to_wait_without"]),
            "lend": number(row["from_wait_with"]), "before": number(row["from_wait_without"]),
        },
    )  # fmt: skip
