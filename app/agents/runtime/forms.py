"""In which other forms a text may stand: encoded, turned round, or hidden in a longer one."""

import base64
import codecs
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote_plus

# What is looked at of one text, and how many encoded words of it are read.
MOST_CHARACTERS: Final = 200_000
MOST_WORDS: Final = 2_000
_ENCODED: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_WORD: Final = re.compile(r"[A-Za-z0-9]+")


def strings_in(value: Any, *, names: bool = True) -> Iterator[str]:
    """All texts of a JSON value, the names of its fields among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            if names:
                yield name
            yield from strings_in(each, names=names)
    elif isinstance(value, list):
        for each in value:
            yield from strings_in(each, names=names)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)


def decodings(text: str) -> set[str]:
    """A text as it is, and what percent signs, base64 and hexadecimal digits in it say."""
    text = text[:MOST_CHARACTERS]
    plain = {text, unquote_plus(text)}
    return plain | {decoded for each in plain for decoded in _decoded(each)}


def readings(text: str) -> set[str]:
    """A text as it is, and as it reads once it is decoded or turned round; in lower case."""
    plain = decodings(text)
    turned = {form for each in plain for form in (each[::-1], codecs.encode(each, "rot13"))}
    return {each.casefold() for each in plain | turned}


def _decoded(text: str) -> Iterator[str]:
    """What the words of a text say that are base64 or hexadecimal."""
    for number, match in enumerate(_ENCODED.finditer(text)):
        if number == MOST_WORDS:
            return
        word = match[0]
        for decode in (_hexadecimal, _base64):
            read = decode(word)
            if read:
                yield read


def _base64(word: str) -> str:
    word = word.rstrip("=").replace("-", "+").replace("_", "/")
    word = word[: len(word) - (len(word) % 4 == 1)]
    raw = base64.b64decode(word + "=" * (-len(word) % 4))
    return _as_text(raw)


def _hexadecimal(word: str) -> str:
    try:
        return _as_text(bytes.fromhex(word))
    except ValueError:
        return ""


def _as_text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


def squeezed(text: str) -> str:
    """Its letters and digits alone."""
    return "".join(_WORD.findall(text))


def is_random(word: str, bits: float) -> bool:
    """Tell a key from a word: letters and digits, mixed by so many bits a character."""
    if not (any(c.isdigit() for c in word) and any(c.isalpha() for c in word)):
        return False
    counts = Counter(word)
    return -sum(n / len(word) * math.log2(n / len(word)) for n in counts.values()) >= bits
