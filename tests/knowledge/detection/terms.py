"""Terms for tests, without a dictionary behind them."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from app.knowledge.detection.matching.lexicon import Lexicon, build
from app.knowledge.detection.matching.spans import find

BOOK = UUID(int=1)


@dataclass(frozen=True)
class Row:
    text: str
    language: str = "en"
    status: str = "preferred"
    entry_id: UUID = field(default_factory=uuid4)
    dictionary_id: UUID = BOOK


def lexicon(*terms: str | Row, language: str = "en") -> Lexicon:
    return build(term if isinstance(term, Row) else Row(term, language) for term in terms)


def found(text: str, *terms: str | Row, language: str = "en") -> list[str]:
    """The pieces of a text that are terms, as they stand in it."""
    return [text[span.start : span.end] for span in find(lexicon(*terms, language=language), text)]
