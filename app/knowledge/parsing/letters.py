"""Letters as words are looked up: one way to write what reads alike."""

import re
import unicodedata
from typing import Final

_LIGATURES: Final = ("ff", "fi", "fl", "ffi", "ffl", "st", "st")
# What only says where a line may break, a hyphen that says where not, and what typesetters join.
_PLAIN: Final = str.maketrans(
    {"\u00ad": "", "\u2060": "", "\u2011": "-"}
    | {chr(0xFB00 + place): letters for place, letters in enumerate(_LIGATURES)}
)

_ACCENTS: Final = re.compile("(?<=[A-Za-z])[\u0300-\u036f]+")
_STROKES: Final = str.maketrans(
    "\u0110\u0111\u0126\u0127\u0131\u0141\u0142\u00d8\u00f8", "DdHhiLlOo"
)


def plain_letters(text: str) -> str:
    """Text in normal form C, without soft hyphens and ligatures."""
    return text if text.isascii() else unicodedata.normalize("NFC", text.translate(_PLAIN))


def unaccented(text: str) -> str:
    """Latin letters without their accents, each where it stood (`luminous_unaccented`)."""
    if text.isascii():
        return text
    bare = _ACCENTS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare).translate(_STROKES)
