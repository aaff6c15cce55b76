"""How much of an unfinished text could still become something that is looked for."""

import re
from typing import Final

# What the detectors find has no space in it, but for numbers and accounts in groups.
MOST_RUN: Final = 512
MOST_GROUPED: Final = 64
# Long enough for a private key of 8192 bits.
MOST_BLOCK: Final = 16_000
# Both are read from the end backwards, so that they take one pass.
_RUN: Final = re.compile(r"[!-~]*")
_GROUPED: Final = re.compile(r"[0-9A-Z ().+/-]*")
_DIGIT: Final = re.compile(r"(?:[A-Z]{2}|[+(]{1,2})?[0-9]")
_BLOCK: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BLOCK_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BEGINNING: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,60}-{0,4}\Z")


def open_tail(text: str) -> int:
    """Where the end of the text begins that could still be a part of a match."""
    reverse = text[: -MOST_RUN - 1 : -1]
    found = len(text) - _length(_RUN, reverse)
    grouped = len(text) - _length(_GROUPED, reverse[:MOST_GROUPED])
    if (digit := _DIGIT.search(text, grouped)) is not None:
        found = min(found, digit.start())
    if (block := _unended_block(text)) is not None:
        found = min(found, block)
    return found


def _length(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.match(text)
    return match.end() if match else 0


def _unended_block(text: str) -> int | None:
    """Where a private key begins, or its first line, whose end has not come."""
    if "-----BEGIN " not in text:
        return None
    begun = _BLOCK.search(text, max(0, len(text) - MOST_BLOCK))
    while begun is not None:
        ended = _BLOCK_END.search(text, begun.end())
        if ended is None:
            return begun.start()
        begun = _BLOCK.search(text, ended.end())
    beginning = _BEGINNING.search(text, max(0, len(text) - 2 * MOST_GROUPED))
    return beginning.start() if beginning else None
