"""MCP servers, and the tools they tell of."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Handling, plain, technical
from app.core.db import Row
from app.core.restorable import Restorable


class McpServer(Restorable):
    """A server, how it is reached, and what of it may be used.

    `transport` is a JSON object with its `type`. `overrides` say by a tool's name what the
    workspace knows better than the server. `status`: new, ready or failing.
    """

    __tablename__ = "mcp_servers"
    __table_args__ = (
        Index(
            "uq_mcp_servers_slug",
            "workspace_id",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_mcp_servers_list", "workspace_id", "created_at", "id"),
    )
    __handling__ = technical("let agents use the tools of MCP servers")

    name: Mapped[str] = mapped_column(info=plain())
    slug: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(info=plain())
    transport: Mapped[dict[str, Any]] = mapped_column(info=plain())
    credential: Mapped[str | None] = mapped_column(info=plain())
    trusted: Mapped[bool]
    allow: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    deny: Mapped[list[Any]] = mapped_column(info=plain())
    overrides: Mapped[dict[str, Any]] = mapped_column(info=plain())
    timeout_seconds: Mapped[float]
    status: Mapped[str] = mapped_column(default="new", info=plain())
    last_error: Mapped[str | None] = mapped_column(info=plain())
    checked_at: Mapped[datetime | None]
    protocol_version: Mapped[str | None] = mapped_column(info=plain())
    server_name: Mapped[str | None] = mapped_column(info=plain())
    server_version: Mapped[str | None] = mapped_column(info=plain())


class McpTool(Row):
    """A tool as its server told of it last. `gone` once the server no longer lists it.

    `digest` is of all that the server says of it; `confirmed_digest` of what somebody agreed to.
    It can be used while the two are the same.
    """

    __tablename__ = "mcp_server_tools"
    __table_args__ = (
        Index("uq_mcp_server_tools_name", "server_id", "name", unique=True),
        Index("ix_mcp_server_tools_workspace_id", "workspace_id"),
    )
    __handling__ = Handling(
        "notice when a tool is no longer what somebody agreed to",
        subject="confirmed_by_id",
        erase="clear",
        reason="what a team agreed to stays agreed to",
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    server_id: Mapped[UUID] = mapped_column(ForeignKey("mcp_servers.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(info=plain())
    title: Mapped[str | None] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(info=plain())
    parameters: Mapped[dict[str, Any]] = mapped_column(info=plain())
    annotations: Mapped[dict[str, Any]] = mapped_column(info=plain())
    digest: Mapped[str] = mapped_column(info=plain())
    confirmed_digest: Mapped[str | None] = mapped_column(info=plain())
    confirmed_at: Mapped[datetime | None]
    confirmed_by_id: Mapped[UUID | None]
    gone: Mapped[bool] = mapped_column(default=False)
