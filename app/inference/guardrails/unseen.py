"""A text as its reader takes it: without characters that nobody sees, and in plain letters.

What is put between the letters of a value, or in the place of them, hides it from a pattern and not
from a model. In the strings of JSON escapes do.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.inference.guardrails.findings import Span

# Soft hyphens, zero width, direction marks, variation selectors and tag characters.
UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)
WIDE: Final = re.compile("[\uff01-\uff5e]")
PLAIN: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
# Two halves of a character, any other code, or one letter.
ESCAPE: Final = re.compile(
    r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|\\u([0-9a-f]{4})|\\([^u])",
    re.IGNORECASE | re.DOTALL,
)
LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
MOST_ESCAPE: Final = 6


@dataclass(frozen=True, slots=True)
class Folded:
    """`plain` is what patterns read, `read` the same with what is not seen, `size` the original's.

    `starts` and `ends` tell where each character of `plain` stood; None where they stand as they
    did.
    """

    plain: str
    read: str
    size: int
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def original(self, span: Span) -> Span:
        """A span of the plain text in the text as it came."""
        if self.starts is None or self.ends is None or span.start >= span.end:
            return span
        return Span(self.starts[span.start], self.ends[span.end - 1], span.label)


def folded(text: str, *, is_json: bool = False) -> Folded:
    """The text as it is read; with `is_json` the escapes of its strings are undone."""
    size, read, starts, ends = len(text), text, None, None
    if is_json and "\\" in text:
        read, starts, ends = unescaped(text)
    if read.isascii():
        return Folded(read, read, size, starts, ends)
    plain = read.translate(PLAIN) if WIDE.search(read) else read
    if UNSEEN.search(plain):
        seen = [at for at, letter in enumerate(plain) if not UNSEEN.match(letter)]
        plain = "".join([plain[at] for at in seen])
        ends = [at + 1 if ends is None else ends[at] for at in seen]
        starts = seen if starts is None else [starts[at] for at in seen]
    return Folded(plain, read, size, starts, ends)


def unescaped(text: str) -> tuple[str, list[int], list[int]]:
    """JSON text with its escapes undone, and where each character begins and ends."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for escape in ESCAPE.finditer(text):
        start, end = escape.span()
        pieces += (text[at:start], _meant(escape))
        starts += (*range(at, start), start)
        ends += (*range(at + 1, start + 1), end)
        at = end
    pieces.append(text[at:])
    starts += range(at, len(text))
    ends += range(at + 1, len(text) + 1)
    return "".join(pieces), starts, ends


def _meant(escape: re.Match[str]) -> str:
    high, low, code, letter = escape.groups()
    if letter is not None:
        return LETTERS.get(letter, letter)
    if high is not None:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    number = int(code, 16)
    return "\ufffd" if 0xD800 <= number < 0xE000 else chr(number)


def between_escapes(text: str, place: int) -> int:
    """The place, or where the escape of JSON begins that it would cut through."""
    at = text.rfind("\\", max(0, place - MOST_ESCAPE), place)
    if at < 0:
        return place
    before = len(text[: at + 1]) - len(text[: at + 1].rstrip("\\"))
    if before % 2 == 0:
        return place
    length = MOST_ESCAPE if text[at + 1 : at + 2] in ("u", "") else 2
    return at if at + length > place else place
