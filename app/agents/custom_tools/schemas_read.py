"""A workspace's own tools, as they are shown."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.core.schema import Output, Version


class CustomToolRead(Output):
    id: UUID
    slug: str
    reference: str = Field(description="What an agent's definition names it by.")
    name: str
    description: str
    enabled: bool
    parameters: dict[str, Any]
    request: dict[str, Any] = Field(description="What is sent; never a secret.")
    result: dict[str, Any]
    policy: dict[str, Any]
    origin: dict[str, Any] | None = Field(description="Where it was imported from.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class SentRequest(Output):
    """A request of a tool, secrets masked."""

    method: str
    url: str
    headers: dict[str, str]
    body: str | None = Field(description="As text.")


class ToolFaultRead(Output):
    code: str
    message: str = Field(description="As the model is told.")


class CustomToolTrialRead(Output):
    """What a trial gave; `ok` is null where nothing was sent."""

    ok: bool | None
    request: SentRequest | None
    text: str | None = Field(description="What the model would be told.")
    data: Any
    error: ToolFaultRead | None
    milliseconds: int


class ImportedOperation(Output):
    """What became of an operation."""

    operation: str = Field(description="Its `operationId`, or its method and path.")
    method: str
    path: str
    outcome: Literal["created", "replaced", "skipped", "left_out"]
    tool_id: UUID | None
    slug: str | None
    reasons: list[str] = Field(description="Why it was left out, or what of it was.")


class OpenApiImportRead(Output):
    """One entry for each operation that was chosen."""

    title: str
    openapi: str = Field(description="The version of the document's format.")
    schemes: list[str] = Field(description="The security schemes that need a credential.")
    data: list[ImportedOperation]
