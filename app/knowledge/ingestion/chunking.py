"""A parsed document as drafts of passages, by a collection's rules."""

from collections.abc import Mapping
from typing import Any, Final

from app.knowledge.ingestion.errors import TooManyChunks
from app.knowledge.parsing.chunks import ChunkRules, chunk
from app.knowledge.parsing.document import Parsed
from app.knowledge.passages.draft import Draft

MOST_CHUNKS: Final = 20_000


def drafts_of(parsed: Parsed, rules: Mapping[str, Any], title: str, number: int) -> list[Draft]:
    """In reading order. Their locators name places in the text of the version `number`.

    Raises TooManyChunks.
    """
    pieces = chunk(parsed, ChunkRules(**rules))
    if len(pieces) > MOST_CHUNKS:
        raise TooManyChunks(f"It has {len(pieces)}; at most {MOST_CHUNKS} are kept.")
    return [
        Draft(
            piece.text,
            title=title,
            heading=piece.heading,
            language=parsed.language,
            locator={
                "page": piece.page,
                "start": piece.start,
                "end": piece.end,
                "version": number,
            },
        )
        for piece in pieces
    ]
