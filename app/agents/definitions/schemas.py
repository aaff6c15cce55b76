"""Agents on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, RootModel
from pydantic.config import JsonDict

from app.agents.definitions.definition import AgentDefinition
from app.core.bulk import MOST_ITEMS
from app.core.restorable import RestorableQuery
from app.core.schema import (
    FieldProblem,
    Input,
    Metadata,
    Name,
    NotNull,
    Output,
    Text,
    Version,
    WholeNumber,
)
from app.identity.versioned.naming import no_id
from app.identity.versioned.schemas import SLUG_PATTERN, Description, VersionNote, Visibility

Slug = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=64,
        pattern=SLUG_PATTERN,
        description="Its name in requests; unique among the workspace's agents.",
    ),
    AfterValidator(no_id),
]
_AGENT: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
    "owner_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
    "name": "Support",
    "slug": "support",
    "description": "Answers customers.",
    "visibility": "workspace",
    "current_version": 3,
    "labels": {"production": 2},
    "model": None,
    "tools": ["calculator"],
    "pattern": None,
    "metadata": {"team": "blue"},
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "deleted_at": None,
    "restorable_until": None,
    "version": 4,
}
_DEFINITION: JsonDict = {
    "instructions": "You help {{ company }}'s customers.",
    "variables": {
        "type": "object",
        "properties": {"company": {"type": "string", "default": "Acme"}},
    },
}


class AgentCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Support", "slug": "support", "definition": _DEFINITION}]
        }
    )

    name: Name
    slug: Annotated[Slug | None, Field(description="Default: made of the name.")] = None
    description: Description = ""
    visibility: Visibility = "workspace"
    definition: AgentDefinition = AgentDefinition()
    note: VersionNote = ""
    metadata: Annotated[
        Metadata, Field(default_factory=dict, description="Your own labels; at most 16 KiB.")
    ]


class AgentUpdate(Input):
    """A merge patch, of the agent and of its definition; a changed definition is a new version."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"definition": {"limits": {"steps": 8}}, "note": "Shorter runs."}]
        }
    )

    name: Annotated[Name | None, NotNull] = None
    slug: Annotated[Slug | None, NotNull] = None
    description: Description | None = None
    visibility: Annotated[Visibility | None, NotNull] = None
    definition: Annotated[
        dict[str, Any] | None,
        NotNull,
        Field(
            max_length=64,
            description="Of the newest version; a `pattern` of another type replaces the old one "
            "whole.",
        ),
    ] = None
    note: VersionNote = ""
    metadata: Metadata | None = None


class AgentQuery(RestorableQuery):
    q: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Part of the name.")
    ] = None
    visibility: Annotated[
        Literal["workspace", "private"] | None, Field(description="Only those.")
    ] = None
    model: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Whose draft names it.")
    ] = None
    tool: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Whose draft may call it.")
    ] = None


class AgentRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_AGENT]})

    id: UUID
    owner_id: UUID | None = Field(description="Whoever made it; null once they are forgotten.")
    name: str
    slug: str
    description: str
    visibility: Literal["workspace", "private"]
    current_version: int = Field(description="The number of its newest version: its draft.")
    labels: dict[str, int] = Field(description="Names of versions, such as `production`.")
    model: str | None = Field(description="As its draft has it.")
    tools: list[str] = Field(description="As its draft has them.")
    pattern: str | None = Field(description="The type of its draft's pattern.")
    metadata: dict[str, Any] = Field(validation_alias="notes")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class AgentDetail(AgentRead):
    """An agent with one version of its definition."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_AGENT, "definition_version": 3, "definition": _DEFINITION}]
        }
    )

    definition_version: int = Field(description="The number of the version that is shown.")
    definition: AgentDefinition


class AgentBulkItem(Input):
    action: Literal["delete", "restore"]
    id: UUID


class AgentBulk(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]}
            ]
        }
    )

    items: Annotated[list[AgentBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]


class AgentDuplicate(Input):
    """What the copy has otherwise; what is left out it has of the first one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Support, in German"}]})

    name: Annotated[Name | None, Field(description="Default: the name, and “copy”.")] = None
    slug: Slug | None = None
    visibility: Visibility | None = None
    version: Annotated[
        WholeNumber | None, Field(ge=1, le=1_000_000, description="Default: the newest.")
    ] = None


class AgentValidate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"definition": _DEFINITION}]})

    definition: Annotated[dict[str, Any], Field(max_length=64)]


class AgentValidation(Output):
    """What is wrong with a definition; nothing was saved."""

    valid: bool
    errors: list[FieldProblem]
    warnings: list[FieldProblem] = Field(description="What could be meant and will not do.")
    needs: list[str] = Field(description="What its model must be able to do.")
    context_tokens: int | None = Field(
        description="About how much of a context every call takes; null for what is not valid."
    )


class DefinitionSchema(RootModel[dict[str, Any]]):
    """A JSON Schema (2020-12)."""
