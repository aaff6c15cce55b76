"""Whether a call would carry a secret out: by the forms of known keys, and by what was confided."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.agents.runtime.forms import (
    MOST_CHARACTERS,
    decodings,
    is_random,
    readings,
    squeezed,
    strings_in,
)

# A piece of a confided key of this length is known again.
PIECE: Final = 10
SHORTEST_KEY: Final = 12
SHORTEST_BLOB: Final = 24
KEY_BITS: Final = 2.8
BLOB_BITS: Final = 3.3
_KEY: Final = re.compile(rf"[A-Za-z0-9_+/=-]{{{SHORTEST_KEY},}}")
_BLOB: Final = re.compile(rf"[A-Za-z0-9_+/=-]{{{SHORTEST_BLOB},}}")


@dataclass(slots=True)
class Confided:
    """What looks like a key in what the agents of a run were told in confidence.

    That is their prompts and what the workspace's own tools give. What the user writes, and what
    comes from outside, is no secret from the outside.
    """

    _confided: set[str] = field(default_factory=set)
    _public: set[str] = field(default_factory=set)
    _open: list[str] = field(default_factory=list)

    def confide(self, text: str) -> None:
        """Of a prompt, or of what a tool of the workspace gave."""
        self._confided |= _keys(text)

    def publish(self, text: str) -> None:
        """Of what the user wrote, or what came from outside."""
        self._public |= _keys(text)
        self._open.append(text)

    def stands_in(self, arguments: Mapping[str, Any], is_seen: Callable[[str], bool]) -> bool:
        """Whether something confided, or a blob from nowhere, is among the arguments.

        `is_seen` says which texts are addresses that others wrote: those are no news to anybody.
        """
        words = [each for each in strings_in(arguments) if not is_seen(each)]
        values = [each for each in strings_in(arguments, names=False) if not is_seen(each)]
        return any(self._has_blob(text) for text in words) or any(
            self._carries(form) for text in {*words, "".join(values)} for form in readings(text)
        )

    def _carries(self, form: str) -> bool:
        found = _pieces(squeezed(form).casefold()) & self._confided
        return not found <= self._public

    def _has_blob(self, text: str) -> bool:
        return any(
            is_random(match[0], BLOB_BITS) and not any(match[0] in each for each in self._open)
            for match in _BLOB.finditer(text)
        )


def _keys(text: str) -> set[str]:
    """The pieces of what looks like a key."""
    return {
        piece
        for match in _KEY.finditer(text[:MOST_CHARACTERS])
        if is_random(match[0], KEY_BITS)
        for piece in _pieces(squeezed(match[0]).casefold())
    }


def _pieces(word: str) -> set[str]:
    return {word[at : at + PIECE] for at in range(len(word) - PIECE + 1)}


def has_known_secret(arguments: Mapping[str, Any]) -> bool:
    """Whether a key of a published form (`sk-…`, a private key, `password=…`) is among them."""
    # It loads the patterns, which few processes need.
    from app.inference.guardrails.detectors.secrets import find_secrets  # noqa: PLC0415

    for text in strings_in(arguments):
        for form in decodings(text):
            if next(iter(find_secrets(form)), None) is not None:
                return True
    return False
