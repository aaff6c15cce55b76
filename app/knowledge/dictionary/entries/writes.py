"""Bodies of the writes of entries."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.bulk import MOST_ITEMS
from app.core.schema import Input, Metadata, NotNull
from app.knowledge.dictionary.entries import bounds, contents
from app.knowledge.dictionary.wording import Block, Line

Terms = Annotated[list[contents.TermInput], Field(min_length=1, max_length=bounds.MOST_TERMS)]
Definitions = Annotated[list[contents.DefinitionInput], Field(max_length=bounds.MOST_DEFINITIONS)]
Examples = Annotated[list[contents.ExampleInput], Field(max_length=bounds.MOST_EXAMPLES)]
Notes = Annotated[list[contents.NoteText], Field(max_length=bounds.MOST_NOTES)]
Sources = Annotated[list[contents.SourceInput], Field(max_length=bounds.MOST_SOURCES)]
SubjectFields = Annotated[
    list[contents.SubjectField],
    Field(
        max_length=bounds.MOST_SUBJECT_FIELDS,
        description="What the concept belongs to: `Law`, `Medicine`.",
    ),
]
Relations = Annotated[list[contents.RelationInput], Field(max_length=bounds.MOST_RELATIONS)]
ExternalId = Annotated[
    Line,
    Field(
        max_length=bounds.EXTERNAL_ID,
        description="Its id where it comes from; unique in its dictionary.",
    ),
]
Comment = Annotated[
    Block, Field(max_length=bounds.COMMENT, description="Kept in the entry's history.")
]


class EntryContent(Input):
    """All that an entry says."""

    external_id: ExternalId | None = None
    terms: Terms
    definitions: Definitions = Field(default_factory=list)
    subject_fields: SubjectFields = Field(default_factory=list)
    examples: Examples = Field(default_factory=list)
    notes: Notes = Field(default_factory=list)
    sources: Sources = Field(default_factory=list)
    relations: Relations = Field(default_factory=list)
    metadata: Metadata = Field(default_factory=dict, description="Your own labels; at most 16 KiB.")


class EntryCreate(EntryContent):
    dictionary_id: UUID
    status: Literal["draft", "proposed", "approved"] = Field(
        default="draft", description="`approved` takes the permission `dictionary:approve`."
    )
    comment: Comment | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dictionary_id": "01935b0e-5f5a-7cc2-8a4e-111111111111",
                    "subject_fields": ["Biology"],
                    "terms": [
                        {"language": "en", "text": "cell", "status": "preferred"},
                        {"language": "de", "text": "Zelle", "status": "preferred"},
                    ],
                    "definitions": [
                        {"language": "en", "text": "The smallest unit of a living being."}
                    ],
                }
            ]
        }
    )


class EntryUpdate(Input):
    """A merge patch: what is absent stays, and a list is replaced whole.

    An approved entry that is changed goes back to `proposed`, unless the caller may approve.
    """

    external_id: ExternalId | None = None
    terms: Annotated[Terms | None, NotNull] = None
    definitions: Annotated[Definitions | None, NotNull] = None
    subject_fields: Annotated[SubjectFields | None, NotNull] = None
    examples: Annotated[Examples | None, NotNull] = None
    notes: Annotated[Notes | None, NotNull] = None
    sources: Annotated[Sources | None, NotNull] = None
    relations: Annotated[Relations | None, NotNull] = None
    metadata: Metadata | None = None
    comment: Comment | None = None


class EntryComment(Input):
    """Why something is decided."""

    comment: Comment | None = None


class EntryRejection(Input):
    comment: Comment = Field(description="What is to be better; kept in the entry's history.")


class EntryDeprecation(Input):
    replaced_by_id: UUID | None = Field(
        default=None, description="The entry to use in place of this one."
    )
    comment: Comment | None = None


class EntryRevert(Input):
    version: contents.VersionNumber = Field(
        description="The version whose content is to be that of the entry."
    )
    comment: Comment | None = None


class _Expecting(Input):
    id: UUID
    version: contents.VersionNumber | None = Field(
        default=None, description="Only if the entry is at this version, as with If-Match."
    )


class EntryBulkCreate(Input):
    action: Literal["create"]
    entry: EntryCreate


class EntryBulkUpdate(_Expecting):
    action: Literal["update"]
    change: EntryUpdate


class EntryBulkDelete(_Expecting):
    action: Literal["delete"]


class EntryBulkTransition(_Expecting):
    """`reject` needs a comment; `replaced_by_id` is for `deprecate` alone."""

    action: Literal["restore", "propose", "approve", "reject", "deprecate"]
    comment: Comment | None = None
    replaced_by_id: UUID | None = None


EntryBulkItem = Annotated[
    EntryBulkCreate | EntryBulkUpdate | EntryBulkDelete | EntryBulkTransition,
    Field(discriminator="action"),
]


class EntryBulk(Input):
    items: Annotated[list[EntryBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]
