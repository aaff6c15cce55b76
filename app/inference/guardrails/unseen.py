"""A text as its reader takes it: without characters that nobody sees, and in plain letters.

What is put between the letters of a value, or in the place of them, hides it from a pattern and not
from a model.
"""

import re
from typing import Final

from app.inference.guardrails.findings import Span

# Soft hyphens, zero width, direction marks, variation selectors and tag characters.
UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)
WIDE: Final = re.compile("[\uff01-\uff5e]")
PLAIN: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}


def folded(text: str) -> tuple[str, list[int] | None]:
    """The plain text, and where each of its characters stood; None where they stand as they did."""
    if text.isascii():
        return text, None
    if WIDE.search(text):
        text = text.translate(PLAIN)
    if not UNSEEN.search(text):
        return text, None
    places = [at for at, letter in enumerate(text) if not UNSEEN.match(letter)]
    return "".join([text[at] for at in places]), places


def unfolded(span: Span, places: list[int] | None) -> Span:
    """A span of the plain text in the text as it came."""
    if places is None or span.start >= span.end:
        return span
    return Span(places[span.start], places[span.end - 1] + 1, span.label)
