"""Words in Chinese and English: gettext catalogues, one domain per module that speaks.

English is the message id; `locale/zh/LC_MESSAGES/<domain>.po` holds the Chinese, its `.mo` is
built from it and kept beside it (`tests/test_text.py` holds the two together).
"""

from __future__ import annotations

import functools
import gettext
import locale
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

Language = Literal["zh", "en"]
LOCALE = Path(__file__).parent / "locale"


@functools.cache
def translator(domain: str, language: Language) -> Callable[[str], str]:
    """The function that puts a message of this domain into the language; unknown ones stay as they are."""
    if language == "en":
        return str
    return gettext.translation(domain, LOCALE, languages=[language], fallback=True).gettext


def system_language() -> Language:
    """`HALLSIM_LANG`, else Chinese where the system's locale is Chinese, else English."""
    said = os.environ.get("HALLSIM_LANG", "")
    name = said or os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
    return "zh" if name.lower().startswith(("zh", "chinese")) else "en"
