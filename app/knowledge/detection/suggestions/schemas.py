"""Suggestions on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.bulk import MOST_ITEMS
from app.core.paging import PageQuery
from app.core.schema import Input, Output, Version

Kind = Literal["subject_field", "duplicate"]
Status = Literal["pending", "accepted", "dismissed", "auto_applied"]
Resolution = Annotated[
    Literal["same_as", "replace_this", "replace_other"],
    Field(
        description="Of a duplicate: relate the two as `same_as`, or deprecate this entry, or the "
        "other one, in favour of the one that stays."
    ),
]


class SuggestionQuery(PageQuery):
    dictionary_id: Annotated[UUID | None, Field(description="Only of this dictionary.")] = None
    entry_id: Annotated[UUID | None, Field(description="Only about this entry.")] = None
    kind: Annotated[Kind | None, Field(description="Only of this kind.")] = None
    status: Annotated[Status | None, Field(description="Only in this state.")] = None


class SuggestionScan(Input):
    dictionary_id: UUID

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"dictionary_id": "01935b0e-5f5a-7cc2-8a4e-111111111111"}]}
    )


class SuggestionAccept(Input):
    resolution: Resolution = "same_as"


class SuggestionBulkItem(Input):
    id: UUID
    action: Literal["accept", "dismiss"]
    resolution: Resolution = "same_as"


class SuggestionBulk(Input):
    items: Annotated[list[SuggestionBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]


class EvidenceRead(Output):
    """What speaks for a suggestion."""

    kind: Literal["near_entry", "words", "same_term", "similar_term", "near_definition"]
    score: float = Field(description="From 0 to 1.")
    entry_id: UUID | None = Field(description="The entry that it is about, if it is about one.")
    detail: str = Field(description="The term or the words that they share, or the entry's name.")


class SuggestionRead(Output):
    id: UUID
    dictionary_id: UUID
    entry_id: UUID
    kind: Kind
    value: str | None = Field(description="The subject field; null for a duplicate.")
    other_entry_id: UUID | None = Field(description="The older entry that says the same.")
    score: float = Field(description="From 0 to 1; not a probability.")
    evidence: list[EvidenceRead]
    status: Status = Field(description="`auto_applied`: by the dictionary's policy.")
    decided_by_id: UUID | None = Field(
        description="Who decided, or started the scan that applied it; null before."
    )
    decided_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: Version
