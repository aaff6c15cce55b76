"""Agents, the versions of their definitions, and what probes found of models."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Handling, plain, technical
from app.core.db import Row
from app.core.restorable import Restorable


class Agent(Restorable):
    """An agent; a `private` one is seen by its owner and by shares.

    `current_version` is the number of its newest version, which is its draft; `labels` name others
    (`{"production": 3}`). `model`, `tools` and `pattern` are those of the draft, for lists.
    """

    __tablename__ = "agents"
    __table_args__ = (
        Index("ix_agents_list", "workspace_id", "created_at", "id"),
        Index(
            "uq_agents_slug",
            "workspace_id",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
    )
    __handling__ = Handling(
        "keep what agents are told to do, and by which names they are called",
        subject="owner_id",
        erase="clear",
        reason="what a team built stays its own; a private agent goes with its owner",
    )

    owner_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(info=plain())
    slug: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(default="", info=plain())
    visibility: Mapped[str] = mapped_column(default="workspace", info=plain())
    current_version: Mapped[int] = mapped_column(default=1)
    labels: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    model: Mapped[str | None] = mapped_column(info=plain())
    tools: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    pattern: Mapped[str | None] = mapped_column(info=plain())
    notes: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict, info=plain())


class AgentVersion(Row):
    """One state of an agent's definition, which never changes; `digest` tells it from others."""

    __tablename__ = "agent_versions"
    __table_args__ = (
        Index("uq_agent_versions_number", "agent_id", "number", unique=True),
        Index("ix_agent_versions_list", "workspace_id", "agent_id", "created_at", "id"),
    )
    __handling__ = Handling(
        "give every state of an agent back, and say who wrote it",
        subject="created_by_id",
        erase="clear",
        reason="runs name the version they were made by; what a team built stays its own",
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    number: Mapped[int]
    created_by_id: Mapped[UUID | None]
    note: Mapped[str] = mapped_column(default="", info=plain())
    digest: Mapped[str] = mapped_column(info=plain())
    definition: Mapped[dict[str, Any]] = mapped_column(info=plain())


class ModelProbe(Row):
    """Whether a model could do something when it was last asked to; `updated_at` is when."""

    __tablename__ = "model_probes"
    __table_args__ = (
        Index("uq_model_probes_capability", "workspace_id", "model", "capability", unique=True),
    )
    __handling__ = technical("know what a workspace's models can do", audited=False)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    model: Mapped[str] = mapped_column(info=plain())
    capability: Mapped[str] = mapped_column(info=plain())
    able: Mapped[bool]
    detail: Mapped[str] = mapped_column(default="", info=plain())
