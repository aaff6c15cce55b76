"""What a pack says of one concept in one language."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.knowledge.exchange.concept import Concept

MOST_DEFINITION: Final = 400


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """Ordered as a pack is filled: first what forbids a word, then what defines one."""

    rank: int
    key: str
    id: str
    preferred: str
    admitted: tuple[str, ...]
    forbidden: tuple[str, ...]
    definition: str


def item_of(concept: Concept, language: str) -> Item | None:
    """None where the concept has no word to use, nor one to avoid, in this language."""
    by_status: dict[str, list[str]] = {}
    for term in concept.terms:
        if speaks(term.language, language):
            by_status.setdefault(term.status, []).append(_line(term.text))
    usable = [
        word for status in ("preferred", "admitted", "abbreviation")
        for word in by_status.get(status, [])
    ]  # fmt: skip
    forbidden = tuple(by_status.get("forbidden", []))
    if not usable:
        return None
    definition = next(_definitions(concept, language), "")
    rank = 0 if forbidden else 1 if definition else 2
    return Item(
        rank, usable[0].casefold(), concept.id, usable[0], tuple(usable[1:]), forbidden, definition
    )


def speaks(tag: str, language: str) -> bool:
    """Whether a tag is of a language: `de-AT` is of `de`."""
    return tag.lower() == language.lower() or tag.lower().startswith(language.lower() + "-")


def _definitions(concept: Concept, language: str) -> Iterator[str]:
    for each in concept.definitions:
        if speaks(each.language, language):
            text = _line(each.text)
            yield text if len(text) <= MOST_DEFINITION else text[: MOST_DEFINITION - 1] + "…"


def _line(text: str) -> str:
    """On one line, so that nothing in a term can pass for a heading or an instruction of ours."""
    return " ".join(text.split())
