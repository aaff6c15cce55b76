"""What entries look like in answers."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from app.core.schema import Output, Version
from app.knowledge.dictionary.concept import Concept
from app.knowledge.dictionary.draft import INVERSE, EntryStatus, RelationKind
from app.knowledge.dictionary.entries.contents import (
    DefinitionRead,
    EntryRelationRead,
    EntrySourceRead,
    ExampleRead,
    TermRead,
)

RevisionAction = Literal[
    "created",
    "updated",
    "proposed",
    "approved",
    "rejected",
    "deprecated",
    "deleted",
    "restored",
    "reverted",
    "imported",
]


class InverseRelationRead(Output):
    """What another entry declares of this one, as it is seen from here."""

    kind: RelationKind = Field(description="What the other entry is: `narrower`, say.")
    entry_id: UUID = Field(description="The entry that declares it.")


class EntryRead(Output):
    id: UUID
    dictionary_id: UUID
    external_id: str | None
    status: EntryStatus
    terms: list[TermRead]
    definitions: list[DefinitionRead]
    subject_fields: list[str]
    examples: list[ExampleRead]
    notes: list[str]
    sources: list[EntrySourceRead]
    relations: list[EntryRelationRead]
    inverse_relations: list[InverseRelationRead] = Field(description="At most 200 of them.")
    languages: list[str] = Field(description="Those of its terms.")
    metadata: dict[str, Any] = Field(validation_alias="labels")
    created_by_id: UUID | None = Field(description="Null where the account is gone.")
    reviewed_by_id: UUID | None = Field(description="Who approved or rejected it last.")
    reviewed_at: datetime | None
    review_comment: str | None
    replaced_by_id: UUID | None = Field(description="What to use in place of a deprecated entry.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class EntrySnapshot(Output):
    """The whole of an entry at one version."""

    external_id: str | None
    status: EntryStatus
    replaced_by_id: UUID | None
    deleted: bool
    terms: list[TermRead]
    definitions: list[DefinitionRead]
    subject_fields: list[str]
    examples: list[ExampleRead]
    notes: list[str]
    sources: list[EntrySourceRead]
    relations: list[EntryRelationRead]
    metadata: dict[str, Any]


class RevisionRead(Output):
    entry_id: UUID
    version: int = Field(description="The entry's version after the change; without gaps from 1.")
    action: RevisionAction
    status: EntryStatus
    changed_by_id: UUID | None = Field(description="Null where the account is gone.")
    comment: str | None
    created_at: datetime


class RevisionDetail(RevisionRead):
    snapshot: EntrySnapshot


class FieldChange(Output):
    """One difference. Put in place, all of them lead from the one version to the other."""

    field: str = Field(
        description="A field of the entry; `terms` for one term, and `term_order` for the ids of "
        "all, where terms changed places."
    )
    term_id: UUID | None = Field(description="The term that differs.")
    before: JsonValue = Field(description="Null where there was none.")
    after: JsonValue = Field(description="Null where there is none any more.")


class EntryDiff(Output):
    from_version: int
    to_version: int
    changes: list[FieldChange]


class FacetCount(Output):
    value: str
    count: int


class EntryFacets(Output):
    """How the entries that a filter leaves are spread; the most frequent 100 values each."""

    total: int
    status: list[FacetCount]
    subject_field: list[FacetCount]
    language: list[FacetCount] = Field(description="Entries with a term in the language.")
    dictionary: list[FacetCount] = Field(description="By the dictionary's id.")


def shown(concept: Concept) -> EntryRead:
    """An entry as it is answered."""
    entry = concept.entry
    told = {name: getattr(entry, name, None) for name in EntryRead.model_fields}
    return EntryRead.model_validate(
        {
            **told,
            "labels": entry.labels,
            "terms": concept.terms,
            "relations": concept.living_relations,
            "inverse_relations": [
                {"kind": INVERSE[relation.kind], "entry_id": relation.entry_id}
                for relation in concept.living_inverse
            ],
        }
    )
