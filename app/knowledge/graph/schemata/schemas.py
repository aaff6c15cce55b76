"""Graph schemas on the wire."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator

from app.core.restorable import RestorableQuery
from app.core.schema import Input, Name, NotNull, Output, Text, Version
from app.knowledge.graph.entities.schemas import TypeName

MOST_TYPES = 50
ModelName = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=200,
        description="Who reads the passages: `<integration slug>/<model>`; null for rules alone.",
    ),
]
Instructions = Annotated[
    Text, Field(max_length=4000, description="What else the model is to know.")
]
ParentId = Annotated[
    UUID | None, Field(description="The collection, dictionary or conversation that it is for.")
]
Automatic = Annotated[
    bool, Field(description="Read whatever comes to `parent_id`, as soon as it is there.")
]


class KindOfThing(Input):
    """A kind of entity or of relation that is looked for."""

    name: TypeName
    description: Annotated[Text, Field(max_length=300, description="What it means.")] = ""


def _once(kinds: list[KindOfThing]) -> list[KindOfThing]:
    if len({each.name for each in kinds}) < len(kinds):
        raise ValueError("each kind must be named once")
    return kinds


Kinds = Annotated[
    list[KindOfThing],
    Field(max_length=MOST_TYPES, description="Where none are named, the usual ones."),
]


class GraphSchemaCreate(Input):
    """What is looked for, and how."""

    name: Name
    parent_id: ParentId = None
    model: ModelName | None = None
    instructions: Instructions = ""
    entity_types: Annotated[Kinds, Field(default_factory=list)]
    relation_types: Annotated[Kinds, Field(default_factory=list)]
    automatic: Automatic = False

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Suppliers",
                    "model": "openai/gpt-4.1-mini",
                    "entity_types": [{"name": "supplier", "description": "Who sells to us."}],
                    "relation_types": [{"name": "delivers"}],
                }
            ]
        }
    )

    check_kinds = field_validator("entity_types", "relation_types")(_once)


class GraphSchemaUpdate(Input):
    """A merge patch: what is absent stays."""

    name: Annotated[Name, NotNull] = ""
    parent_id: ParentId = None
    model: ModelName | None = None
    instructions: Annotated[Instructions, NotNull] = ""
    entity_types: Annotated[Kinds, Field(default_factory=list), NotNull]
    relation_types: Annotated[Kinds, Field(default_factory=list), NotNull]
    automatic: Annotated[Automatic, NotNull] = False

    check_kinds = field_validator("entity_types", "relation_types")(_once)


class GraphSchemaQuery(RestorableQuery):
    parent_id: Annotated[UUID | None, Field(description="Only those that are for this.")] = None


class KindOfThingRead(Output):
    """A kind of entity or of relation that is looked for."""

    name: str
    description: str


class GraphSchemaRead(Output):
    """What is looked for, and how."""

    id: UUID
    name: str
    parent_id: UUID | None
    model: str | None
    instructions: str
    entity_types: list[KindOfThingRead]
    relation_types: list[KindOfThingRead]
    automatic: bool
    owner_id: UUID | None = Field(
        description="Who made it, and pays for what is read by itself. Null once they are "
        "forgotten."
    )
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


def plain_kinds(kinds: list[KindOfThing]) -> list[dict[str, Any]]:
    return [each.model_dump() for each in kinds]
