"""Writing without spaces between words: looked up by pairs of letters, as it is indexed.

The index is made of the same pairs by `luminous_words` (revision 0048).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

_LETTERS: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff\uff66-\uff9f"  # kana, bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"  # ideographs
    "\uac00-\ud7a3"  # Hangul, whose words carry their particles
)
_RUN: Final = re.compile(f"[{_LETTERS}]+")
_PARTS: Final = re.compile(f"[{_LETTERS}]+|[^{_LETTERS}]+")


def is_unspaced(text: str) -> bool:
    """Whether all of a text is in such letters."""
    return _RUN.fullmatch(text) is not None


def has_unspaced(text: str) -> bool:
    """Whether any of a text is in such letters."""
    return _RUN.search(text) is not None


def parts_of(word: str) -> list[str]:
    """A word's pairs of such letters, and what else it has, in order; one letter stands alone."""
    return [part for found in _PARTS.finditer(word) for part in _pairs(found.group())]


def in_order(phrase: str) -> str:
    """A phrase as the index has it: where such letters end, the last one stands alone as well."""
    parts = [found.group() for found in _PARTS.finditer(phrase)]
    last = len(parts) - 1
    said: list[str] = []
    for at, part in enumerate(parts):
        said += _pairs(part)
        if at < last and len(part) > 1 and is_unspaced(part):
            said.append(part[-1])
    return " ".join(said)


def places_of(text: str, pairs: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where any of these stand, those that follow each other as one: start and end."""
    if not pairs:
        return
    start = end = -1
    # Looked for ahead of each letter, since pairs overlap.
    for found in re.finditer(f"(?=({'|'.join(map(re.escape, pairs))}))", text):
        if found.start() > end:
            if end > 0:
                yield start, end
            start = found.start()
        end = found.end(1)
    if end > 0:
        yield start, end


def _pairs(run: str) -> list[str]:
    if len(run) == 1 or not is_unspaced(run):
        return [run]
    return [run[at : at + 2] for at in range(len(run) - 1)]
