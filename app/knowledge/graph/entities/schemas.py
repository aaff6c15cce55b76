"""Entities on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.bulk import MOST_ITEMS
from app.core.restorable import RestorableQuery
from app.core.schema import Input, Metadata, Name, NotNull, Output, Text, Version

TypeName = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=64,
        pattern=r"^[a-z][a-z0-9_]*$",
        description="A kind of thing, in snake_case: `person`, `organization`, `product`.",
    ),
]
Description = Annotated[Text, Field(max_length=4000)]
Alias = Annotated[Text, Field(min_length=1, max_length=200)]
Properties = Annotated[Metadata, Field(description="Your own fields; at most 16 KiB.")]
Origin = Literal["extracted", "manual"]
ORIGIN = "`manual`: made by hand, and there whatever is told of it."


class EntityCreate(Input):
    """Something that stands in the graph whether or not a passage tells of it."""

    name: Name
    type: TypeName = "name"
    description: Description = ""
    aliases: Annotated[list[Alias], Field(max_length=50, default_factory=list)]
    properties: Properties = Field(default_factory=dict)

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Acme Corporation", "type": "organization", "aliases": ["Acme"]}]
        }
    )


class EntityUpdate(Input):
    """A merge patch: what is absent stays; with null it is what passages tell again."""

    name: Name | None = None
    type: TypeName | None = None
    description: Description | None = None
    aliases: Annotated[list[Alias], Field(max_length=50, default_factory=list), NotNull]
    properties: Annotated[Properties, NotNull] = Field(default_factory=dict)


class EntityQuery(RestorableQuery):
    q: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Part of one of its names.")
    ] = None
    type: TypeName | None = None
    parent_id: Annotated[
        UUID | None,
        Field(description="Told of in this collection, dictionary or conversation."),
    ] = None
    min_contributions: Annotated[
        int | None,
        Field(ge=1, le=1_000_000, description="Told of at least so often, where you may see it."),
    ] = None


class EntityRead(Output):
    """An entity, as it is told by the passages that you may see, and set by hand."""

    id: UUID
    name: str
    type: str
    description: str
    aliases: list[str] = Field(description="Its other names; at most 50.")
    properties: dict[str, Any]
    origin: Origin = Field(description=ORIGIN)
    contributions: int = Field(description="How often it is told of, where you may see it.")
    passages: int = Field(description="In how many passages that is.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class EntityBrief(Output):
    """An entity beside others."""

    id: UUID
    name: str
    type: str


class SpanRead(Output):
    """Where in a passage's text something stands, in code points."""

    start: int
    end: int


class ContributionRead(Output):
    """One passage that tells of an entity or a relation: the evidence."""

    id: UUID
    passage_id: UUID
    kind: str = Field(description="`document`, `entry` or `message`.")
    subject_id: UUID = Field(description="The document, entry or message.")
    parent_id: UUID | None = Field(description="The collection, dictionary or conversation.")
    title: str
    heading: str
    locator: dict[str, Any] = Field(description="Where the passage stands in its document.")
    extractor: Literal["rules", "model"]
    name: str = Field(description="What it is called there; empty for a relation.")
    type: str
    description: str | None = Field(description="What a model says of it, by this passage.")
    spans: list[SpanRead] = Field(description="Where in the passage; empty for all of it.")
    quote: str = Field(description="The words of the first place, with some around them.")
    created_at: datetime


class EntityBulkItem(Input):
    action: Literal["delete", "restore"]
    id: UUID


class EntityBulk(Input):
    items: Annotated[list[EntityBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]
