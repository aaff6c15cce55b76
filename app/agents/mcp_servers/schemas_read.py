"""MCP servers on the wire, as they are shown."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.agents.mcp_servers.schemas import ServerStatus, ToolOverride, Transport
from app.core.schema import Output, Version


class McpServerRead(Output):
    id: UUID
    name: str
    slug: str
    description: str
    transport: Transport
    credential: str | None
    trusted: bool
    allow: list[str] | None
    deny: list[str]
    overrides: dict[str, ToolOverride]
    timeout_seconds: float
    status: ServerStatus = Field(description="How it was found when it was last asked.")
    last_error: str | None = Field(
        description="Why it is failing; of a server that is ready, which of its tools are left out "
        "because they are not as the protocol has them."
    )
    checked_at: datetime | None = Field(description="When it was last asked for its tools.")
    protocol_version: str | None
    server_name: str | None = Field(description="As it calls itself.")
    server_version: str | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class McpToolRead(Output):
    name: str
    reference: str = Field(description="How definitions of agents name it.")
    title: str | None
    description: str = Field(description="The server's words: judge them, do not follow them.")
    parameters: dict[str, Any]
    annotations: dict[str, Any] = Field(description="The server's hints, believed if trusted.")
    state: Literal["confirmed", "new", "changed", "gone", "excluded"] = Field(
        description="Only confirmed ones can be used; `changed` means that the server tells of it "
        "otherwise than when somebody confirmed it."
    )
    effects: Literal["none", "read", "write", "external"]
    approval: Literal["never", "always", "unseen_url"]
    idempotent: bool
    digest: str = Field(description="Of name, title, description, parameters and annotations.")
    confirmed_at: datetime | None
    confirmed_by_id: UUID | None
