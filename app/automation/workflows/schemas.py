"""Workflows on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.config import JsonDict

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
        description="Its name in requests; unique among the workspace's workflows.",
    ),
    AfterValidator(no_id),
]
Tag = Annotated[Text, Field(min_length=1, max_length=64)]
Tags = Annotated[
    list[Tag],
    Field(max_length=32, description="For finding it; each once."),
    AfterValidator(lambda tags: list(dict.fromkeys(tags))),
]
Definition = Annotated[
    dict[str, Any],
    Field(
        max_length=64,
        description="A document in `flow/1`; `GET /v1/workflows/schema` has its JSON Schema.",
    ),
]
_FLOW: JsonDict = {
    "dsl": "flow/1",
    "inputs": {"type": "object", "properties": {"name": {"type": "string"}}},
    "nodes": [{"id": "greet", "type": "transform", "with": {"value": "Hello, {{ inputs.name }}!"}}],
    "outputs": {"greeting": "{{ nodes.greet.output }}"},
}
_WORKFLOW: JsonDict = {
    "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
    "owner_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
    "name": "Greeting",
    "slug": "greeting",
    "description": "Greets whoever it is given.",
    "visibility": "workspace",
    "enabled": True,
    "tags": ["welcome"],
    "current_version": 3,
    "labels": {"production": 2},
    "metadata": {"team": "blue"},
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "deleted_at": None,
    "restorable_until": None,
    "version": 4,
}


class WorkflowCreate(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Greeting", "slug": "greeting", "definition": _FLOW}]
        }
    )

    name: Name
    slug: Annotated[Slug | None, Field(description="Default: made of the name.")] = None
    description: Description = ""
    visibility: Visibility = "workspace"
    enabled: bool = True
    tags: Tags = Field(default_factory=list)
    definition: Definition
    note: VersionNote = ""
    metadata: Annotated[
        Metadata, Field(default_factory=dict, description="Your own labels; at most 16 KiB.")
    ]


class WorkflowUpdate(Input):
    """A merge patch, of the workflow and its definition; a changed definition is a new version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})

    name: Annotated[Name | None, NotNull] = None
    slug: Annotated[Slug | None, NotNull] = None
    description: Description | None = None
    visibility: Annotated[Visibility | None, NotNull] = None
    enabled: Annotated[bool | None, NotNull] = None
    tags: Tags | None = None
    definition: Annotated[
        dict[str, Any] | None,
        NotNull,
        Field(
            max_length=64,
            description="Of the newest version; `nodes` and `edges` are replaced whole.",
        ),
    ] = None
    note: VersionNote = ""
    metadata: Metadata | None = None


class WorkflowQuery(RestorableQuery):
    q: Annotated[
        Text | None, Field(min_length=1, max_length=200, description="Part of the name.")
    ] = None
    tag: Annotated[Tag | None, Field(description="Only those with this tag.")] = None
    enabled: Annotated[bool | None, Field(description="Only those that can be started.")] = None
    mine: Annotated[bool, Field(description="Only those that the caller owns.")] = False
    visibility: Annotated[
        Literal["workspace", "private"] | None, Field(description="Only those.")
    ] = None


class WorkflowRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_WORKFLOW]})

    id: UUID
    owner_id: UUID | None = Field(description="Whoever made it; null once they are forgotten.")
    name: str
    slug: str
    description: str
    visibility: Literal["workspace", "private"]
    enabled: bool = Field(description="While it is not, nothing starts it.")
    tags: list[str]
    current_version: int = Field(description="The number of its newest version: its draft.")
    labels: dict[str, int] = Field(description="Names of versions, such as `production`.")
    metadata: dict[str, Any] = Field(validation_alias="notes")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class WorkflowDetail(WorkflowRead):
    """A workflow with one version of its definition."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_WORKFLOW, "definition_version": 3, "definition": _FLOW}]
        }
    )

    definition_version: int = Field(description="The number of the version that is shown.")
    definition: dict[str, Any] = Field(description="As it was written.")


class WorkflowWritten(WorkflowDetail):
    """The same after a change."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {**_WORKFLOW, "definition_version": 3, "definition": _FLOW, "warnings": []}
            ]
        }
    )

    warnings: list[FieldProblem] = Field(
        description="What the definition names and the caller does not see, and other doubts."
    )


class WorkflowBulkItem(Input):
    action: Literal["delete", "restore"]
    id: UUID


class WorkflowBulk(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"items": [{"action": "delete", "id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"}]}
            ]
        }
    )

    items: Annotated[list[WorkflowBulkItem], Field(min_length=1, max_length=MOST_ITEMS)]


class WorkflowDuplicate(Input):
    """What the copy has otherwise; what is left out it has of the first one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Greeting, in German"}]})

    name: Annotated[Name | None, Field(description="Default: the name, and “copy”.")] = None
    slug: Slug | None = None
    visibility: Visibility | None = None
    version: Annotated[
        WholeNumber | None, Field(ge=1, le=1_000_000, description="Default: the newest.")
    ] = None


class WorkflowValidate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"definition": _FLOW}]})

    definition: Definition


class WorkflowValidation(Output):
    """What is wrong with a definition; nothing was saved."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"valid": True, "errors": [], "warnings": []}]}
    )

    valid: bool
    errors: list[FieldProblem]
    warnings: list[FieldProblem] = Field(description="What could be meant and will not do.")
