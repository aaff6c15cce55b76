"""Merges, splits and suggestions on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.paging import PageQuery
from app.core.schema import Input, Name, Number, Output
from app.knowledge.graph.entities.schemas import Alias, EntityBrief, EntityRead, TypeName

Ids = Annotated[list[UUID], Field(min_length=1, max_length=100)]


class MergeCreate(Input):
    """Entities that are one: `from` become part of `into`."""

    into: UUID
    from_: Annotated[Ids, Field(alias="from")]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "into": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                    "from": ["01976f6e-2d3a-7c41-9d52-6a1f0c9b7e12"],
                }
            ]
        }
    )


class SplitCreate(Input):
    """What is another entity: names that were merged, or contributions that mean something else.

    Contributions take a new `name` with them, which tells the two apart.
    """

    aliases: Annotated[list[Alias] | None, Field(min_length=1, max_length=50)] = None
    contributions: Annotated[list[UUID] | None, Field(min_length=1, max_length=500)] = None
    name: Name | None = None
    type: TypeName | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "contributions": ["01976f6e-2d3a-7c41-9d52-6a1f0c9b7e13"],
                    "name": "Mercury (planet)",
                }
            ]
        }
    )

    @model_validator(mode="after")
    def _check(self) -> "SplitCreate":
        if (self.aliases is None) == (self.contributions is None):
            raise ValueError("give either aliases or contributions")
        if self.contributions is not None and self.name is None:
            raise ValueError("contributions need a name for the new entity")
        return self


class MergeRead(Output):
    """A merge or a split, which can be undone."""

    id: UUID
    kind: Literal["merge", "split"]
    entity_id: UUID = Field(description="What the others became part of, or what was split off.")
    from_id: UUID | None = Field(description="Of a split: what it was part of.")
    entity_ids: list[UUID] = Field(description="The entities whose names were merged or split.")
    moved: int = Field(
        validation_alias="moved_count", description="How many contributions were moved."
    )
    user_id: UUID | None = Field(description="Who did it; null once they are forgotten.")
    created_at: datetime
    undone_at: datetime | None
    undone_by_id: UUID | None


class MergeResult(Output):
    """What a merge or a split came to."""

    merge: MergeRead
    entity: EntityRead = Field(description="What is whole now, or what was split off.")


class MergeQuery(PageQuery):
    undone: Annotated[
        bool | None, Field(description="Only those that are undone, or only the others.")
    ] = None


class SuggestionQuery(PageQuery):
    limit: Annotated[
        int, Field(ge=1, le=200, description="Entities a page that are looked at for near ones.")
    ] = 100
    least: Annotated[Number, Field(ge=0.5, le=1, description="How near names must be.")] = 0.85


class MergeSuggestionRead(Output):
    """Two entities that may be one."""

    into: EntityBrief = Field(description="The one that is told of more often.")
    from_: EntityBrief = Field(alias="from", validation_alias="from_")
    reason: Literal["same_name", "abbreviation", "near_name"]
    score: float = Field(description="How near the names are, from 0 to 1.")
    shared_neighbours: list[EntityBrief] = Field(
        description="What both are related to; at most 10."
    )
