"""Which characters make words, join them, or part them."""

import re
import unicodedata
from functools import cache
from typing import Final

# Scripts without spaces between words: each character stands for itself.
SINGLE: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff"  # kana, bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"  # ideographs
    "\uff66-\uff9d"  # half-width kana
)
# Words of Hangul carry their particles behind them: found from their beginning on.
HANGUL: Final = "\uac00-\ud7a3"
# Within a word, and no part of it: the soft hyphen, and what has no width.
SOFT: Final = "\u00ad\u200b-\u200d\u2060\ufeff"
HYPHENS: Final = "_\\-\u2010-\u2013\ufe63\uff0d"
APOSTROPHES: Final = "'\u2018\u2019\u02bc\uff07`\u00b4"
# Emphasis and quotes: read over.
QUIET: Final = '*~"\u201c\u201d\u201e\u00ab\u00bb\u2039\u203a\u201a'
SYMBOLS: Final = ".&@%/$\\\\+#\u00a7\u20ac\u00a3\u00a5\u00b0"
LONGEST_RUN: Final = 200
_MARKS_OF_SINGLE: Final = "\uff9e\uff9f"


@cache
def marks() -> str:
    """Combining marks, as the inside of a character class."""
    found, start = [], -1
    for point in range(0x300, 0x1FFFF):
        if unicodedata.category(chr(point)).startswith("M"):
            start = point if start < 0 else start
        elif start >= 0:
            found.append(f"{chr(start)}-{chr(point - 1)}")
            start = -1
    return "".join(found) + _MARKS_OF_SINGLE + "\U000e0100-\U000e01ef"


@cache
def pieces() -> re.Pattern[str]:
    """Cuts a text: a gap, a character of its own, a run of words, or a break (any other one)."""
    letter = f"[^\\W_{SINGLE}{HANGUL}]|[{marks()}]"
    run = f"{letter}|[{SOFT}{HYPHENS}{APOSTROPHES}{QUIET}{SYMBOLS}]"
    return re.compile(
        rf"(?P<gap>\s{{1,{LONGEST_RUN}}})"
        rf"|(?P<single>[{SINGLE}][{marks()}]{{0,8}})"
        rf"|(?P<hangul>[{HANGUL}])"
        rf"|(?P<run>(?:{run}){{1,{LONGEST_RUN}}})"
        rf"|(?P<stop>.)",
        re.DOTALL,
    )


@cache
def parts() -> re.Pattern[str]:
    """Cuts a run: a word, with what joins it to the one before, or a symbol.

    `C++` and `F#` are words; a full stop is a symbol where a word follows at once (`Node.js`),
    and ends a phrase elsewhere.
    """
    letter = f"(?:[^\\W_{SINGLE}{HANGUL}]|[{marks()}])"
    word = rf"{letter}+(?:[{SOFT}]+{letter}+)*(?:[+#]{{1,2}}(?!{letter}|[+#]))?"
    return re.compile(
        rf"(?P<hyphen>[{HYPHENS}])?(?P<apostrophe>[{APOSTROPHES}])?(?P<word>{word})"
        rf"|(?P<stop>\.(?!{letter}))"
        rf"|(?P<symbol>[{SYMBOLS}])"
    )
