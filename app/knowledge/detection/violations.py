"""Forbidden terms in an answer, told while it streams."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from app.knowledge.detection.compiled import Compiled
from app.knowledge.detection.matching.lexicon import Match
from app.knowledge.detection.matching.spans import Span
from app.knowledge.detection.matching.stream import Stream


@dataclass(frozen=True, slots=True)
class Violation:
    """A forbidden term at code points `start` to `end` of the whole answer.

    `preferred` are the terms to use, the best first; none where the concept has no other.
    `other_entry_ids` are concepts that allow the same word: it may be meant as one of these.
    """

    start: int
    end: int
    surface: str
    term: str
    language: str
    entry_id: UUID
    dictionary_id: UUID
    preferred: tuple[str, ...]
    other_entry_ids: tuple[UUID, ...]


class Scanner:
    """Reads an answer as it streams; tells each violation once, as soon as it is certain.

    That is when the text goes on in a way that no longer term can take its place. The work of a
    delta is that of its length, plus a bound that the longest term sets. `dictionary_ids` narrows
    to those whose forbidden terms are to be told; all of the compiled terms still take part, so
    that a forbidden word within a longer term that is allowed is none.
    """

    def __init__(
        self,
        compiled: Compiled,
        *,
        dictionary_ids: Collection[UUID] | None = None,
        languages: Collection[str] | None = None,
    ) -> None:
        self._compiled = compiled
        self._dictionary_ids = dictionary_ids
        self._stream = Stream(compiled.lexicon, languages)
        self._text = _Tail()

    def feed(self, delta: str) -> list[Violation]:
        self._text.add(delta)
        return self._told(self._stream.feed(delta))

    def finish(self) -> list[Violation]:
        """What the end of the text makes certain."""
        return self._told(self._stream.finish())

    def _told(self, spans: Iterable[Span]) -> list[Violation]:
        found = [each for span in spans for each in self._violations(span)]
        self._text.forget_before(self._stream.certain_until)
        return found

    def _violations(self, span: Span) -> Iterable[Violation]:
        forbidden: dict[UUID, Match] = {}
        allowed: dict[UUID, None] = {}
        for match in span.matches:
            if not match.term.forbidden:
                allowed[match.term.entry_id] = None
            elif self._dictionary_ids is None or match.term.dictionary_id in self._dictionary_ids:
                forbidden.setdefault(match.term.entry_id, match)
        for entry_id, match in forbidden.items():
            yield Violation(
                span.start,
                span.end,
                self._text.piece(span.start, span.end),
                match.term.text,
                match.term.language,
                entry_id,
                match.term.dictionary_id,
                self._compiled.instead_of(match),
                tuple(allowed),
            )


class _Tail:
    """The end of a text, as much of it as may still be asked for."""

    def __init__(self) -> None:
        self._text, self._begin = "", 0

    def add(self, delta: str) -> None:
        self._text += delta

    def piece(self, start: int, end: int) -> str:
        return self._text[start - self._begin : end - self._begin]

    def forget_before(self, position: int) -> None:
        if position > self._begin:
            self._text, self._begin = self._text[position - self._begin :], position
