"""Agents, the versions of their definitions, and what probes found of models."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.agents.definitions.errors import (
    AgentLabelNotFound,
    AgentNotFound,
    AgentNotYours,
    AgentReadOnly,
    AgentSlugTaken,
    AgentVersionNotFound,
    TooManyAgents,
    TooManyLabels,
    TooManyVersions,
)
from app.core.data import Handling, plain, technical
from app.core.db import Row
from app.identity.versioned.kind import Kind, Refusals
from app.identity.versioned.models import NumberedVersion, Versioned


class Agent(Versioned):
    """An agent; `model`, `tools` and `pattern` are those of its draft, for lists."""

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

    model: Mapped[str | None] = mapped_column(info=plain())
    tools: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    pattern: Mapped[str | None] = mapped_column(info=plain())


class AgentVersion(NumberedVersion):
    """One state of an agent's definition."""

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

    agent_id: Mapped[UUID] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))


AGENT_KIND: Final = Kind(
    "agent",
    Agent,
    AgentVersion,
    AgentVersion.agent_id,
    refusals=Refusals(
        not_found=AgentNotFound,
        version_not_found=AgentVersionNotFound,
        label_not_found=AgentLabelNotFound,
        slug_taken=AgentSlugTaken,
        too_many=TooManyAgents,
        too_many_versions=TooManyVersions,
        too_many_labels=TooManyLabels,
        read_only=AgentReadOnly,
        not_yours=AgentNotYours,
    ),
)


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
