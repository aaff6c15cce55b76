"""Relations on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.restorable import RestorableQuery
from app.core.schema import Input, NotNull, Output, Version
from app.knowledge.graph.entities.schemas import (
    ORIGIN,
    Description,
    EntityBrief,
    Origin,
    Properties,
    TypeName,
)


class RelationCreate(Input):
    """A relation that stands whether or not a passage tells of it."""

    source_id: UUID
    target_id: UUID
    type: TypeName = "related_to"
    description: Description = ""
    properties: Properties = Field(default_factory=dict)

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "source_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                    "target_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12",
                    "type": "works_for",
                }
            ]
        }
    )


class RelationUpdate(Input):
    """A merge patch: what is absent stays; with null it is what passages tell again."""

    description: Description | None = None
    properties: Annotated[Properties, NotNull] = Field(default_factory=dict)


class RelationQuery(RestorableQuery):
    type: TypeName | None = None
    entity_id: Annotated[UUID | None, Field(description="From or to this entity.")] = None
    source_id: UUID | None = None
    target_id: UUID | None = None
    min_contributions: Annotated[
        int | None,
        Field(ge=1, le=1_000_000, description="Told of at least so often, where you may see it."),
    ] = None


class RelationRead(Output):
    """A relation, as it is told by the passages that you may see, and set by hand."""

    id: UUID
    source: EntityBrief
    target: EntityBrief
    type: str
    description: str
    properties: dict[str, Any]
    origin: Origin = Field(description=ORIGIN)
    weight: int = Field(description="How often it is told of, where you may see it.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version
