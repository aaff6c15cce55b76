"""Templates on the wire: what is told."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.agents.definitions.version_schemas import DefinitionChange
from app.agents.templates.body import Body, Kind, TemplateExample
from app.agents.templates.schemas import BODY, ID, VARIABLES, Status
from app.core.schema import FieldProblem, Money, Output, Problem, Version

_TEMPLATE: JsonDict = {
    "id": ID,
    "owner_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
    "name": "Short answers",
    "slug": "short-answers-0c9b7e11",
    "description": "",
    "kind": "prompt",
    "category": "support",
    "language": "en",
    "visibility": "workspace",
    "status": "published",
    "current_version": 1,
    "labels": {"production": 1},
    "metadata": {},
    "pack": None,
    "pack_version": None,
    "source_id": None,
    "created_at": "2026-11-02T09:30:00Z",
    "updated_at": "2026-11-02T09:30:00Z",
    "deleted_at": None,
    "restorable_until": None,
    "version": 1,
}


class TemplateRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_TEMPLATE]})

    id: UUID
    owner_id: UUID | None = Field(description="Whoever made it; null once they are forgotten.")
    name: str
    slug: str
    description: str
    kind: Kind
    category: str
    language: str
    visibility: Literal["workspace", "private"]
    status: Status
    current_version: int = Field(description="The number of its newest version.")
    labels: dict[str, int] = Field(description="Which version a label names.")
    metadata: dict[str, Any] = Field(validation_alias="annotations")
    pack: str | None = Field(description="The pack that it was installed from.")
    pack_version: int | None
    source_id: str | None = Field(description="Of an imported one: its id where it came from.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class TemplateVersionRead(Output):
    """A version, without what it says."""

    id: UUID
    number: int
    origin: str = Field(
        description="`created`, `edited`, `rollback`, `duplicate`, `pack`, `import`, `generation`."
    )
    note: str
    digest: str = Field(description="The SHA-256 of what it says.")
    score: float | None = Field(description="What an evaluation of it showed, from 0 to 1.")
    created_by_id: UUID | None
    created_at: datetime


class TemplateVersionDetail(TemplateVersionRead):
    """A version with what it says. It never changes."""

    variables: dict[str, Any]
    body: Body
    examples: list[TemplateExample]
    evidence: dict[str, Any] | None = Field(description="How its score came about.")


class TemplateDetail(TemplateRead):
    """A template with what its newest version says."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_TEMPLATE, "variables": VARIABLES, "body": BODY, "examples": []}]
        }
    )

    variables: dict[str, Any]
    body: Body
    examples: list[TemplateExample]


class TemplateDiff(Output):
    """What differs between two versions; at most 500 places."""

    from_version: int
    to_version: int
    changes: list[DefinitionChange]


class RenderedMessage(Output):
    role: Literal["system", "user", "assistant"]
    content: str


class TemplateRendered(Output):
    """A template with values in it: messages of a prompt, or the definition of the rest."""

    template_id: UUID
    version: int
    kind: Kind
    messages: list[RenderedMessage] | None
    definition: dict[str, Any] | None
    members: list[dict[str, Any]] | None = Field(description="Agents that work in this one.")
    variables: dict[str, Any] = Field(description="All values, defaults among them.")
    tokens: int = Field(description="About how many tokens a model will read of it.")


class TemplatePreviewed(Output):
    """What a model answered, and what that cost.

    Of a workflow no model is asked: it has its `definition`, and what is wrong with that.
    """

    template_id: UUID
    version: int
    messages: list[RenderedMessage] = Field(description="What the model was told.")
    answer: str | None
    model: str | None
    finish_reason: str | None
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Null where a price is not known.")
    valid: bool | None = Field(
        description="By the template's output schema, where it has one; of a workflow, whether it "
        "can run."
    )
    definition: dict[str, Any] | None = Field(description="Of a workflow.")
    errors: list[FieldProblem] = Field(description="What is wrong with a workflow's definition.")
    warnings: list[FieldProblem] = Field(description="What it names and the caller does not see.")


class TemplateInstantiated(Output):
    """What a template was made into: an agent, a workflow, or messages to use."""

    template_id: UUID
    version: int
    kind: Kind
    agent_id: UUID | None
    member_ids: dict[str, UUID] = Field(description="Agents made with it, by their keys.")
    workflow_id: UUID | None
    warnings: list[FieldProblem] = Field(
        description="What a workflow names and the caller does not see, and other doubts."
    )
    messages: list[RenderedMessage] | None


class TemplateVersionUsage(Output):
    number: int
    renders: int
    previews: int
    instantiations: int
    agents: int = Field(description="Agents that were made of it.")
    workflows: int = Field(description="Workflows that were made of it.")
    runs: int = Field(description="Runs of these agents that are kept.")
    last_used_at: datetime | None


class TemplateUsageRead(Output):
    """How often each version was used; those of the last 200 versions."""

    template_id: UUID
    data: list[TemplateVersionUsage]


class TemplatePackEntry(Output):
    entry: str
    name: str
    description: str
    kind: Kind
    language: str


class TemplatePackRead(Output):
    """A pack that comes with the service."""

    name: str
    version: int
    title: str
    description: str
    category: str
    templates: list[TemplatePackEntry]


class TemplatePackList(Output):
    data: list[TemplatePackRead]


class TemplatePackOutcome(Output):
    """What became of one template of a pack.

    `kept`: it was changed here, so the pack's new version is left out.
    """

    entry: str
    status: Literal["installed", "updated", "unchanged", "kept"]
    template_id: UUID


class TemplatePackInstalled(Output):
    name: str
    version: int
    templates: list[TemplatePackOutcome]


class TemplateImportOutcome(Output):
    """What became of one template of a file; `left_out` names what has no place here."""

    source: str
    name: str
    status: Literal["imported", "updated", "unchanged", "refused"]
    template_id: UUID | None
    versions: int = Field(description="How many versions were added.")
    left_out: list[str]
    error: Problem | None


class TemplateImported(Output):
    format: str = Field(description="What the file turned out to be.")
    data: list[TemplateImportOutcome]
