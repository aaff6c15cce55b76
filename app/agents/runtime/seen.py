"""Which addresses a run may call unasked: those that somebody else than a model wrote.

A request to such an address carries nothing that the model made up. So what a tool answers counts
only as far as it cannot be made of what the tool was told.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.agents.runtime.forms import MOST_CHARACTERS, readings, strings_in

SHORTEST: Final = 6
_END: Final = r"(?=$|[\s<>\"`)\]}|\\#]|[.,;:!?*_~']+(?:$|[\s<>\"`)\]}|\\]))"
_BARE_HOST: Final = re.compile(r"https?://[^/?#\s]+", re.IGNORECASE)
_MIXED: Final = re.compile(r"[A-Za-z0-9]{8,}")
LONG_WORD: Final = 16
# A parser of addresses leaves these out wherever they stand.
_LEFT_OUT: Final = re.compile(r"[\x00-\x20\x7f]")
_CALLS: Final = re.compile(r"https?:|//", re.IGNORECASE)


def addresses(value: Any) -> Iterable[str]:
    """The texts among a call's arguments that may lead somewhere, whole."""
    return (each for each in strings_in(value) if _CALLS.search(_LEFT_OUT.sub("", each)))


@dataclass(frozen=True, slots=True)
class _Told:
    """A text with the words of whoever asked for it; of a person's text there are none."""

    text: str
    words: tuple[str, ...] = ()


@dataclass(slots=True)
class Seen:
    """What people, documents and services have said in a run."""

    _told: list[_Told] = field(default_factory=list)
    _known: dict[tuple[str, int], bool] = field(default_factory=dict)

    def people_say(self, texts: Iterable[str]) -> None:
        """What stands here may be called, whoever repeats it."""
        self._told[:0] = [_Told(text) for text in texts if text]
        self._known.clear()

    def tool_says(self, text: str, arguments: Mapping[str, Any]) -> None:
        """Addresses in it may be called, but for those that the arguments may have brought."""
        words = [each[:MOST_CHARACTERS] for each in strings_in(arguments)]
        joined = "".join(strings_in(arguments, names=False))[:MOST_CHARACTERS]
        self._told.append(_Told(text, tuple(filter(None, [*words, joined]))))

    def has(self, address: str) -> bool:
        """Whether somebody wrote the address, whole."""
        return self._has(address.strip(), len(self._told))

    def has_address(self, text: str) -> bool:
        """Whether a text is nothing but an address that somebody wrote."""
        return bool(_CALLS.match(text)) and " " not in text and self.has(text)

    def _has(self, address: str, before: int) -> bool:
        known = self._known.get((address, before))
        if known is None:
            known = any(
                _stands(address, told.text) and not self._made_of(address, told.words, number)
                for number, told in enumerate(self._told[:before])
            )
            self._known[address, before] = known
        return known

    def _made_of(self, address: str, words: Iterable[str], before: int) -> bool:
        """Whether the address may come from words that a model made up."""
        led = readings(address)
        for word in words:
            if self._is_given(word, before):
                continue
            for form in readings(word):
                if any(each in form for each in led):
                    return True
                if any(part in each for part in _parts(form) for each in led):
                    return True
        return False

    def _is_given(self, word: str, before: int) -> bool:
        """Whether a word is one that a person wrote, or an address that the model had."""
        for told in self._told[:before]:
            if not told.words and word in told.text:
                return True
        return bool(_CALLS.match(word)) and self._has(word, before)


def _stands(address: str, text: str) -> bool:
    """Whether the address stands in the text and ends there."""
    forms = {address}
    if _BARE_HOST.fullmatch(address.removesuffix("/")):
        forms = {address.removesuffix("/"), f"{address.removesuffix('/')}/"}
    return any(
        form and form in text and re.search(rf"(?<![A-Za-z0-9]){re.escape(form)}{_END}", text)
        for form in forms
    )


def _parts(word: str) -> Iterable[str]:
    """The word, and what in it looks like a key: an address may have been built of either."""
    if len(word) >= SHORTEST:
        yield word
    for match in _MIXED.finditer(word):
        part = match[0]
        mixed = any(c.isdigit() for c in part) and any(c.isalpha() for c in part)
        if mixed or len(part) >= LONG_WORD:
            yield part
