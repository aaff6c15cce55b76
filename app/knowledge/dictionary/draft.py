"""An entry as someone would have it: what a request or an import gives, before it is checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

TermStatus = Literal["preferred", "admitted", "forbidden", "abbreviation"]
RelationKind = Literal["broader", "narrower", "related", "same_as"]
EntryStatus = Literal["draft", "proposed", "approved", "deprecated"]

INVERSE: Final[Mapping[str, RelationKind]] = {
    "broader": "narrower",
    "narrower": "broader",
    "related": "related",
    "same_as": "same_as",
}


@dataclass(frozen=True, slots=True)
class TermDraft:
    """A word for the concept.

    `id` names a term that the entry has. One without is matched by its language and text, and is
    a new one where that finds none.
    """

    language: str
    text: str
    status: TermStatus = "admitted"
    part_of_speech: str | None = None
    note: str | None = None
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    language: str
    text: str
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Example:
    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    title: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class RelationDraft:
    """One of `target_id` and `target_uri`; an address only for `same_as`."""

    kind: RelationKind
    target_id: UUID | None = None
    target_uri: str | None = None


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """The whole of an entry: what it leaves out, the entry is not to have.

    Only `relations` and `labels` stay as they are where they are None; an import whose targets
    come later writes its relations in a second pass.
    """

    terms: tuple[TermDraft, ...] = ()
    definitions: tuple[Definition, ...] = ()
    examples: tuple[Example, ...] = ()
    notes: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    subject_fields: tuple[str, ...] = ()
    relations: tuple[RelationDraft, ...] | None = None
    labels: Mapping[str, Any] | None = None
    external_id: str | None = None
    status: EntryStatus = "draft"
    replaced_by_id: UUID | None = None
