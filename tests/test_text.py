"""Every word has its Chinese: catalogues are complete, agree with the code, and are compiled."""

from __future__ import annotations

import ast
import gettext
import io
import re
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

import hallsim
from hallsim.text import LOCALE, translator

PACKAGE = Path(hallsim.__file__).parent
CATALOGUES = sorted(LOCALE.glob("*/LC_MESSAGES/*.po"))
KEYWORDS = {"_": None, "say": None}
TEMPLATES = {"report": ["report.html"], "claims": ["claims.html"]}
"""Domain to the templates that speak it."""


def catalogue(path: Path) -> Catalog:
    return read_po(io.BytesIO(path.read_bytes()))


def modules_of(domain: str) -> list[Path]:
    """The modules that ask for this domain; those of the report and of the commands share a speaker."""
    asks = [
        p
        for p in PACKAGE.glob("*.py")
        if re.search(rf'translator\("{domain}"', p.read_text("utf-8"))
    ]
    if domain == "report":  # these share one speaker
        asks += [p for p in PACKAGE.glob("*.py") if "speaker(" in p.read_text("utf-8")]
        asks += PACKAGE.glob("report_*.py")
    if domain == "cli":
        asks += PACKAGE.glob("cli*.py")
    return sorted(set(asks))


def said(domain: str) -> set[str]:
    """The messages that stand in calls of `_` or `say`."""
    files = [(p, "python") for p in modules_of(domain)]
    files += [
        (PACKAGE / "templates" / t, "jinja2.ext:babel_extract") for t in TEMPLATES.get(domain, [])
    ]
    found = set()
    for path, method in files:
        source = io.BytesIO(path.read_bytes())
        for _line, message, _comments, _context in extract(method, source, keywords=KEYWORDS):
            found.add(message if isinstance(message, str) else message[0])
    return found


def fields(text: str) -> set[str]:
    return {
        name
        for _text, name, _spec, _conversion in string.Formatter().parse(text)
        if name is not None
    }


def test_there_are_catalogues() -> None:
    assert CATALOGUES


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda p: p.stem)
def test_every_message_is_translated_with_the_same_fields(path: Path) -> None:
    for message in catalogue(path):
        if message.id:
            assert isinstance(message.id, str)
            assert message.string, f"{path.name}: no translation of {message.id!r}"
            assert not message.fuzzy, f"{path.name}: unsure translation of {message.id!r}"
            assert fields(message.id) == fields(str(message.string)), (
                f"{path.name}: fields of {message.id!r}"
            )


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda p: p.stem)
def test_the_compiled_catalogue_says_the_same(path: Path) -> None:
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    messages = {m.id: m.string for m in catalogue(path) if m.id}
    assert {k: v for k, v in compiled._catalog.items() if k} == messages  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda p: p.stem)
def test_every_message_of_the_code_is_in_the_catalogue(path: Path) -> None:
    known = {m.id for m in catalogue(path)}
    assert sorted(said(path.stem) - known) == []


def test_no_message_of_the_report_is_unused() -> None:
    known = {m.id for m in catalogue(LOCALE / "zh" / "LC_MESSAGES" / "report.po") if m.id}
    assert sorted(known - said("report")) == []


@pytest.mark.parametrize("module", sorted(PACKAGE.glob("*.py")), ids=lambda p: p.stem)
def test_every_domain_that_is_asked_for_exists(module: Path) -> None:
    for call in ast.walk(ast.parse(module.read_text("utf-8"))):
        if (
            isinstance(call, ast.Call)
            and getattr(call.func, "id", "") == "translator"
            and call.args
        ):
            domain = call.args[0]
            if isinstance(domain, ast.Constant):
                assert (LOCALE / "zh" / "LC_MESSAGES" / f"{domain.value}.mo").exists(), domain.value


def test_english_is_the_message_itself() -> None:
    assert translator("report", "en")("Mean wait") == "Mean wait"
    assert translator("report", "zh")("Mean wait") == "平均等候时长"
