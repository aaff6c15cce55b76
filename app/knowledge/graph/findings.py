"""What an extractor finds in one passage."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.knowledge.graph.keys import UNDIRECTED

Span = tuple[int, int]

MOST_MENTIONS: Final = 100
MOST_LINKS: Final = 200
MOST_SPANS: Final = 20


@dataclass(frozen=True, slots=True)
class Mention:
    """An entity by its key, its name and type as they are told, and where, in code points."""

    key: str
    name: str
    type: str
    spans: tuple[Span, ...] = ()
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Tie:
    """A relation between two entities that are mentioned in the same passage, by their keys."""

    source: str
    target: str
    type: str
    spans: tuple[Span, ...] = ()
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """`dropped` counts what was said and is not in the text, or not allowed by the schema."""

    mentions: Sequence[Mention] = ()
    ties: Sequence[Tie] = ()
    dropped: int = 0


@dataclass(slots=True)
class Gathering:
    """Findings as they come: one mention a key, one tie for the same ends and type."""

    _mentions: dict[str, Mention] = field(default_factory=dict)
    _ties: dict[tuple[str, str, str], Tie] = field(default_factory=dict)
    dropped: int = 0

    def mention(self, found: Mention) -> None:
        """Another place of a known one is added to it."""
        known = self._mentions.get(found.key)
        if known is None and (not found.key or len(self._mentions) >= MOST_MENTIONS):
            self.dropped += 1
            return
        self._mentions[found.key] = (
            found if known is None else replace(known, **_more(known, found))
        )

    def tie(self, found: Tie) -> None:
        """Between what is mentioned, and not with itself; an undirected one in either order."""
        if found.type in UNDIRECTED and found.target < found.source:
            found = replace(found, source=found.target, target=found.source)
        here = found.source in self._mentions and found.target in self._mentions
        place = (found.source, found.target, found.type)
        known = self._ties.get(place)
        full = known is None and len(self._ties) >= MOST_LINKS
        if found.source == found.target or not here or full:
            self.dropped += 1
            return
        self._ties[place] = found if known is None else replace(known, **_more(known, found))

    def whole(self) -> Findings:
        return Findings(list(self._mentions.values()), list(self._ties.values()), self.dropped)


def _more(known: Mention | Tie, found: Mention | Tie) -> dict[str, Any]:
    spans = tuple(sorted({*known.spans, *found.spans}))[:MOST_SPANS]
    return {"spans": spans, "description": known.description or found.description}
