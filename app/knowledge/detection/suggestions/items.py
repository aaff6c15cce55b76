"""Entries as they are compared with each other."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from app.knowledge.detection.senses.bags import bag_of
from app.knowledge.dictionary.concept import Concept

# What is read of one entry.
MOST_TERMS: Final = 50
_LONGEST: Final = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One entry. `terms` are (language, folded text) of those to be used, `bag` telling words.

    `text` is what is embedded: the definition, or the terms where there is none (`defined`).
    """

    entry_id: UUID
    name: str
    status: str
    terms: frozenset[tuple[str, str]]
    fields: tuple[str, ...]
    bag: frozenset[str]
    text: str
    defined: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """What speaks for a suggestion.

    `kind`: `near_entry`, `words`, `same_term`, `similar_term` or `near_definition`. `entry_id` is
    the entry that it is about, `detail` what they share.
    """

    kind: str
    score: float
    entry_id: UUID | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Suggested:
    """A suggestion about an entry: a subject field (`value`), or a duplicate (`other_entry_id`)."""

    entry_id: UUID
    score: float
    value: str | None = None
    other_entry_id: UUID | None = None
    proofs: Sequence[Proof] = field(default_factory=tuple)

    @property
    def kind(self) -> str:
        return "duplicate" if self.value is None else "subject_field"

    @property
    def mark(self) -> str:
        if self.value is None:
            return f"duplicate:{self.other_entry_id}"
        return f"subject_field:{self.value.casefold()}"


def item_of(concept: Concept) -> Item:
    entry = concept.entry
    used = [term for term in concept.terms if term.status != "forbidden"] or list(concept.terms)
    used = used[:MOST_TERMS]
    first = next((each for each in entry.definitions if each["language"] == "en"), None)
    first = first or next(iter(entry.definitions), None)
    names = ", ".join(term.text for term in used)[:_LONGEST]
    language = first["language"] if first else (used[0].language if used else "en")
    text = first["text"][:_LONGEST] if first else names
    words = f"{names} . {text}" if first else names
    return Item(
        entry.id,
        used[0].text if used else "",
        entry.status,
        frozenset((term.language, sys.intern(term.folded)) for term in used),
        tuple(entry.subject_fields),
        frozenset(map(sys.intern, bag_of(words, language))),
        text,
        first is not None,
    )
