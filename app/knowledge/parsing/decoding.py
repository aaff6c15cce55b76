"""Bytes of text, in whatever encoding they are."""

import codecs
import re
from typing import Final

from app.knowledge.parsing.errors import DocumentUnreadable
from app.knowledge.parsing.guessing import SAMPLE, guess

_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What is written under a name in truth, as browsers read it (encoding.spec.whatwg.org).
_MEANT: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_META: Final = re.compile(
    rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_-]{2,40})""", re.IGNORECASE
)
_ODD: Final = re.compile("[\x00-\x08\x0e-\x1f\ufffd]")


def decode(content: bytes, declared: str | None = None) -> tuple[str, str]:
    """The text and its encoding: by its mark, as UTF-8, as declared, or as it reads best."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content.decode(encoding, "replace"), encoding.removesuffix("-sig")
    for likely in ("utf-8", declared):
        if likely and (text := _strictly(content, likely)) is not None:
            return text, likely
    if (text := _utf8_but_for_a_few(content)) is not None:
        return text, "utf-8 with broken characters"
    return _guessed(content)


def declared_in_html(content: bytes) -> str | None:
    """The encoding that a page names in its head."""
    found = _META.search(content[:4096])
    return found[1].decode("ascii") if found else None


def _strictly(content: bytes, encoding: str) -> str | None:
    try:
        text = content.decode(_MEANT.get(codecs.lookup(encoding).name, encoding))
    except (UnicodeError, LookupError):
        return None
    return None if "\x00" in text else text


def _utf8_but_for_a_few(content: bytes) -> str | None:
    """Read as UTF-8 where hardly anything in it is not: a stray byte, an end that was cut off."""
    text = content.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    beyond_ascii = len(text) - sum(map(str.isascii, text))
    return text if broken * 20 <= beyond_ascii and "\x00" not in text else None


def _guessed(content: bytes) -> tuple[str, str]:
    encoding = guess(content)
    text = content.decode(encoding, "replace")
    if len(_ODD.findall(text[:SAMPLE])) > len(text[:SAMPLE]) // 50:
        raise DocumentUnreadable("It is not text in any encoding that can be told.")
    return text, encoding
