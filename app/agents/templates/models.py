"""Templates, their versions, and how often each was used."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Base, Row
from app.core.restorable import Restorable


class Template(Restorable):
    """A template; a `private` one is seen by its owner and by shares.

    `current_version` is the number of its newest version, `labels` which version a label names
    (`{"production": 2}`). `pack` and `pack_entry` say which entry of which pack it was installed
    from, `pack_digest` what the pack had put there; `source_id` is the id that an imported one had
    where it came from.
    """

    __tablename__ = "ai_templates"
    __table_args__ = (
        Index("ix_ai_templates_list", "workspace_id", "created_at", "id"),
        Index(
            "uq_ai_templates_slug",
            "workspace_id",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
        Index("ix_ai_templates_pack", "workspace_id", "pack", "pack_entry"),
        Index("ix_ai_templates_source", "workspace_id", "source_id"),
    )
    __handling__ = Handling(
        "write a prompt or an agent once and use it many times",
        subject="owner_id",
        erase="clear",
        reason="what a team wrote stays its own; a private template goes with its owner",
    )

    owner_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(info=plain())
    slug: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(info=plain())
    kind: Mapped[str] = mapped_column(info=plain())
    category: Mapped[str] = mapped_column(info=plain())
    language: Mapped[str] = mapped_column(info=plain())
    visibility: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(info=plain())
    current_version: Mapped[int]
    labels: Mapped[dict[str, Any]] = mapped_column(info=plain())
    annotations: Mapped[dict[str, Any]] = mapped_column("metadata", info=plain())
    pack: Mapped[str | None] = mapped_column(info=plain())
    pack_entry: Mapped[str | None] = mapped_column(info=plain())
    pack_version: Mapped[int | None]
    pack_digest: Mapped[str | None] = mapped_column(info=plain())
    source_id: Mapped[str | None] = mapped_column(info=plain())


class TemplateVersion(Row):
    """What a template said at one time; never changed. `digest` is the SHA-256 of its content.

    `evidence` is what an evaluation of it showed, by whoever made it: `{"score": 0.8, …}`.
    """

    __tablename__ = "ai_template_versions"
    __table_args__ = (
        Index("uq_ai_template_versions_number", "template_id", "number", unique=True),
        Index("ix_ai_template_versions_workspace_id", "workspace_id"),
    )
    __handling__ = Handling(
        "give every state of a template back",
        subject="created_by_id",
        erase="clear",
        reason="a state of a team's template says only what the team wrote",
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    template_id: Mapped[UUID] = mapped_column(ForeignKey("ai_templates.id", ondelete="CASCADE"))
    number: Mapped[int]
    created_by_id: Mapped[UUID | None]
    origin: Mapped[str] = mapped_column(info=plain())
    note: Mapped[str] = mapped_column(info=plain())
    digest: Mapped[str] = mapped_column(info=plain())
    variables: Mapped[dict[str, Any]] = mapped_column(info=plain())
    body: Mapped[dict[str, Any]] = mapped_column(info=plain())
    examples: Mapped[list[Any]] = mapped_column(info=plain())
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())

    @property
    def score(self) -> float | None:
        return None if self.evidence is None else self.evidence.get("score")


class TemplateUsage(Base):
    """How often a version was rendered, previewed and instantiated, and when last."""

    __tablename__ = "ai_template_usage"
    __table_args__ = (Index("ix_ai_template_usage_workspace_id", "workspace_id"),)
    __handling__ = Handling(
        "show which versions are used",
        erase="keep",
        reason="counts without persons",
        audited=False,
    )

    version_id: Mapped[UUID] = mapped_column(
        ForeignKey("ai_template_versions.id", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    renders: Mapped[int] = mapped_column(server_default=text("0"))
    previews: Mapped[int] = mapped_column(server_default=text("0"))
    instantiations: Mapped[int] = mapped_column(server_default=text("0"))
    last_used_at: Mapped[datetime]


class TemplateInstance(Row):
    """An agent or a workflow that a version was made into."""

    __tablename__ = "ai_template_instances"
    __table_args__ = (
        Index("ix_ai_template_instances_version", "version_id"),
        Index("ix_ai_template_instances_agent", "agent_id"),
        Index("ix_ai_template_instances_workflow", "workflow_id"),
        Index("ix_ai_template_instances_workspace_id", "workspace_id"),
    )
    __handling__ = Handling(
        "tell what a template was made into",
        subject="created_by_id",
        erase="clear",
        reason="what came of a team's template",
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    version_id: Mapped[UUID] = mapped_column(
        ForeignKey("ai_template_versions.id", ondelete="CASCADE")
    )
    agent_id: Mapped[UUID | None]
    workflow_id: Mapped[UUID | None]
    created_by_id: Mapped[UUID | None]
    variables: Mapped[dict[str, Any]] = mapped_column(info=personal(Category.CONTENT))
