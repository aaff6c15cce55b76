"""Citations as the dialect writes them, in both directions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from app.inference.providers.types import Citation, CitationDelta


@dataclass(frozen=True, slots=True)
class Place:
    """The names of a source's units: characters, pages or blocks."""

    unit: Literal["character", "page", "block"]
    start: str
    end: str


BLOCKS: Final = Place("block", "start_block_index", "end_block_index")
PLACES: Final[Mapping[str, Place]] = {
    "char_location": Place("character", "start_char_index", "end_char_index"),
    "page_location": Place("page", "start_page_number", "end_page_number"),
    "content_block_location": BLOCKS,
}
KINDS: Final = {place.unit: kind for kind, place in PLACES.items()}


def read_citations(rows: list[dict[str, Any]]) -> tuple[CitationDelta, ...]:
    """What is cited; kinds of tomorrow are passed over."""
    found = (read_citation(row) for row in rows)
    return tuple(CitationDelta(citation) for citation in found if citation is not None)


def read_citation(row: dict[str, Any]) -> Citation | None:
    kind = row.get("type")
    if kind == "search_result_location":
        start, end = row.get(BLOCKS.start), row.get(BLOCKS.end)
        return Citation("block", start, end, quote(row), row.get("title"), row.get("source"))
    if kind == "web_search_result_location":
        return Citation("answer", quote=quote(row), title=row.get("title"), url=row.get("url"))
    if not isinstance(kind, str) or kind not in PLACES:
        return None
    place = PLACES[kind]
    return Citation(
        place.unit,
        row[place.start],
        row[place.end],
        quote(row),
        row.get("document_title"),
        document=row["document_index"],
    )


def quote(row: dict[str, Any]) -> str | None:
    return row.get("cited_text") or None


def citation_row(citation: Citation) -> dict[str, Any]:
    """The citation in the dialect's words; the fields that it requires are never left out."""
    row: dict[str, Any] = {"cited_text": citation.quote or ""}
    start = citation.start or 0
    end = start if citation.end is None else citation.end
    if citation.unit == "answer" or citation.document is None:
        web = {"title": citation.title, "url": citation.url or "", "encrypted_index": ""}
        return {"type": "web_search_result_location"} | row | web
    kind = KINDS[citation.unit]
    place = PLACES[kind]
    named = {"document_index": citation.document, "document_title": citation.title}
    return {"type": kind} | row | named | {place.start: start, place.end: end}
