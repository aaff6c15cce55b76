"""How words are kept and how they are compared.

What is kept is in normal form C, with no character that XML 1.0 cannot hold: every entry can be
exported to every format and come back as it was.
"""

import re
import unicodedata
from typing import Final

_SPACE: Final = re.compile(r"\s+")
# What XML 1.0 has no way to write; lone surrogates cannot be stored either.
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TAG: Final = re.compile(
    r"(?P<language>[a-z]{2,3})"
    r"(?:-(?P<script>[a-z]{4}))?"
    r"(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
    r"(?P<private>-x(?:-[a-z0-9]{1,8})+)?"
)
LONGEST_TAG: Final = 35


def line(value: str) -> str:
    """One line: normal form C, with single spaces; raises ValueError."""
    return _SPACE.sub(" ", _writable(value)).strip()


def block(value: str) -> str:
    """One or more lines, ended as Unix does; normal form C; raises ValueError."""
    return _writable(value.replace("\r\n", "\n").replace("\r", "\n")).strip()


def fold(value: str) -> str:
    """How a term is compared: in compatibility form, without case, with single spaces."""
    folded = unicodedata.normalize("NFKC", value).casefold()
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", folded)).strip()


def language_tag(value: str) -> str:
    """A BCP 47 tag in its canonical case (`de-AT`, `zh-Hant`, `en-x-legal`); raises ValueError.

    Language, script, region, variants and private use; neither extensions nor the tags that
    were registered before 2006.
    """
    found = _TAG.fullmatch(value.strip().replace("_", "-").lower())
    if found is None or len(value) > LONGEST_TAG:
        raise ValueError("must be a BCP 47 language tag, such as en, de-AT or zh-Hant")
    parts = [found["language"]]
    if found["script"]:
        parts.append(found["script"].title())
    if found["region"]:
        parts.append(found["region"].upper())
    return "-".join(parts) + found["variants"] + (found["private"] or "")


def _writable(value: str) -> str:
    if _UNWRITABLE.search(value):
        raise ValueError("must not contain control characters")
    return unicodedata.normalize("NFC", value)
