"""The terms of a text that comes in pieces: each as soon as no longer one can take its place."""

from collections.abc import Collection
from dataclasses import dataclass, field

from app.knowledge.detection.matching.lexicon import Group, Lexicon, Match
from app.knowledge.detection.matching.spans import Span, settle
from app.knowledge.detection.matching.words import Reader, Word, Words


@dataclass(slots=True)
class _View:
    """The last words of a text, as a group of terms sees them."""

    group: Group
    joined: bool
    words: list[Word] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def take(self, read: Words, languages: Collection[str] | None) -> list[Match]:
        """The matches that end within the new words."""
        fresh = read.joined if self.joined else read.apart
        if not fresh:
            return []
        known = len(self.words)
        self.words += fresh
        self.ids += self.group.ids(fresh)
        found = [
            match
            for last, match in self.group.matches(self.words, self.ids, languages)
            if last >= known
        ]
        spare = len(self.words) - self.group.longest
        if spare > 0:
            del self.words[:spare], self.ids[:spare]
        return found

    def horizon(self) -> int | None:
        """Where the first term begins that further words could complete."""
        for place in range(len(self.ids)):
            if tuple(self.ids[place:]) in self.group.open:
                return self.words[place].start
        return None


class Stream:
    """Finds what `find` finds in the whole text, however it is cut; bounded work a piece."""

    def __init__(self, lexicon: Lexicon, languages: Collection[str] | None = None) -> None:
        self._languages = languages
        self._reader = Reader()
        self._views = [_View(group, joined) for group in lexicon.groups for joined in (False, True)]
        self._found: list[Match] = []
        self._taken_until = 0

    @property
    def certain_until(self) -> int:
        """Every span that is still to come starts here or later."""
        held = [match.start for match in self._found]
        return min([self._horizon(), *held])

    def feed(self, delta: str) -> list[Span]:
        return self._take(self._reader.feed(delta), ended=False)

    def finish(self) -> list[Span]:
        """What was held back to the end."""
        return self._take(self._reader.finish(), ended=True)

    def _take(self, read: Words, *, ended: bool) -> list[Span]:
        for view in self._views:
            self._found += view.take(read, self._languages)
        if not self._found:
            return []
        horizon = self._reader.position + 1 if ended else self._horizon()
        spans, self._found = settle(self._found, horizon, self._taken_until)
        if spans:
            self._taken_until = spans[-1].end
        return spans

    def _horizon(self) -> int:
        begun = [view.horizon() for view in self._views]
        return min([self._reader.position, *(at for at in begun if at is not None)])
