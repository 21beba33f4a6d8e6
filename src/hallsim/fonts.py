"""The Chinese font: found, cut down to the characters that are used, or given to matplotlib.

Noto Sans SC (OFL) comes with a package of its own; only the characters of a page go into it.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import io
from collections.abc import Iterator
from pathlib import Path

from hallsim.text import Language

FAMILIES = (
    "Noto Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Noto Sans CJK SC",
    "SimHei",
    "WenQuanYi Micro Hei",
    "DejaVu Sans",
)
"""What matplotlib tries, in this order; the last one keeps signs that the others lack."""

_DROPPED = ("BASE", "DSIG", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx")


def path() -> Path:
    """The font file."""
    import pylopdf_fonts_zh_cn

    return Path(pylopdf_fonts_zh_cn.sans_path())


@functools.lru_cache(maxsize=8)
def subset(characters: str) -> bytes:
    """A woff2 font of these characters alone; the same characters give the same bytes.

    Characters that the font lacks are left out.
    """
    from fontTools import subset as cut

    options = cut.Options(
        layout_features=[],
        hinting=False,
        name_IDs=[1, 2],
        notdef_outline=True,
        recalc_timestamp=False,
    )
    options.drop_tables += _DROPPED
    out = io.BytesIO()
    with cut.load_font(str(path()), options, lazy=True) as font:
        cutter = cut.Subsetter(options)
        cutter.populate(text=characters)
        cutter.subset(font)
        font.flavor = "woff2"
        font.save(out)
    return out.getvalue()


def face(html: str, language: Language) -> str:
    """The rule that embeds the font of a page: all its characters in Chinese, else the Chinese ones.

    It names the family "Hallsim CJK"; empty where there is nothing to embed.
    """
    used = {c for c in html if c.isprintable() and (language == "zh" or c >= "\u2e80")}
    if not used:
        return ""
    data = base64.b64encode(subset("".join(sorted(used)))).decode()
    reach = "" if language == "zh" else " unicode-range: U+2E80-10FFFF;"
    source = f"src: url(data:font/woff2;base64,{data});"
    return f'@font-face {{ font-family: "Hallsim CJK"; {source}{reach} }}'


@functools.cache
def register() -> str:
    """Make the font known to matplotlib, once; the name of its family."""
    from matplotlib import font_manager

    font_manager.fontManager.addfont(str(path()))
    return FAMILIES[0]


@contextlib.contextmanager
def context() -> Iterator[None]:
    """A matplotlib `rc_context` that draws Chinese; the user's own settings stay as they were."""
    import matplotlib as mpl

    register()
    known = {font.name for font in mpl.font_manager.fontManager.ttflist}
    families = [name for name in FAMILIES if name in known]
    with mpl.rc_context({"font.family": families, "axes.unicode_minus": True}):
        yield
        interactive = mpl.is_interactive()  # a back end first loaded inside may have turned it on
    mpl.interactive(interactive)
