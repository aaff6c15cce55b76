"""Bytes of text, in whatever encoding they are."""

import codecs
import re
from typing import Final

from app.knowledge.parsing.errors import DocumentUnreadable

SAMPLE: Final = 256 * 1024
_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_META: Final = re.compile(
    rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([A-Za-z0-9_-]{2,40})""", re.IGNORECASE
)
_ODD: Final = re.compile("[\x00-\x08\x0e-\x1f\ufffd]")


def decode(content: bytes, declared: str | None = None) -> tuple[str, str]:
    """The text and its encoding: by its mark, as UTF-8, as declared, or as its letters suggest."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content.decode(encoding, "replace"), encoding.removesuffix("-sig")
    for likely in ("utf-8", declared):
        if likely and (text := _strictly(content, likely)) is not None:
            return text, likely
    return _guessed(content)


def declared_in_html(content: bytes) -> str | None:
    """The encoding that a page names in its head."""
    found = _META.search(content[:4096])
    return found[1].decode("ascii") if found else None


def _strictly(content: bytes, encoding: str) -> str | None:
    try:
        text = content.decode(encoding)
    except (UnicodeError, LookupError):
        return None
    return None if "\x00" in text else text


def _guessed(content: bytes) -> tuple[str, str]:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - few files need it

    best = from_bytes(content[:SAMPLE]).best()
    encoding = best.encoding if best is not None else "cp1252"
    text = content.decode(encoding, "replace")
    if len(_ODD.findall(text[:SAMPLE])) > len(text[:SAMPLE]) // 50:
        raise DocumentUnreadable("It is not text in any encoding that can be told.")
    return text, encoding
