"""Memories, their revisions, blocks, and how facts are drawn from what people say."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Resource, Row
from app.core.restorable import Restorable


class Memory(Restorable):
    """Something that is remembered: of a user, by an agent, or for the workspace (`scope`).

    What it says, and when that holds, is in its revisions. `user_id` is given for a user's own
    alone, `agent_id` for an agent's. `origin` says why it exists. `status`: active, proposed or
    declined. `confirmed_at` is when it was told last.
    """

    __tablename__ = "memories"
    __table_args__ = (
        Index("ix_memories_list", "workspace_id", "scope", "user_id", "created_at", "id"),
        Index("ix_memories_expiry", "expires_at", postgresql_where=text("expires_at is not null")),
        Index("ix_memories_user", "user_id"),
    )
    __handling__ = Handling(
        "remember what agents should know of a person, a workspace, or their own work",
        subject="user_id",
    )

    scope: Mapped[str] = mapped_column(info=plain())
    user_id: Mapped[UUID | None]
    agent_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("agents.id", ondelete="CASCADE"), index=True
    )
    created_by_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    kind: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(info=plain())
    origin: Mapped[dict[str, Any]] = mapped_column(info=personal(Category.CONTENT))
    expires_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime]


class MemoryRevision(Row):
    """What was believed of a memory from `known_from` up to `known_to`; None: still.

    It is never changed, but for its end. `periods` is when the fact holds (`timeline.stored`),
    `valid_from` and `valid_to` the first and the last of it; none at all: it was taken back.
    `key` names its timeline, `same` what makes two facts the same. `change_id` is one for all
    revisions that one change made; `by_memory_id` is the memory that took time from this one.
    """

    __tablename__ = "memory_revisions"
    __table_args__ = (
        Index("uq_memory_revisions_number", "memory_id", "number", unique=True),
        Index(
            "uq_memory_revisions_current",
            "memory_id",
            unique=True,
            postgresql_where=text("known_to is null"),
        ),
        Index("ix_memory_revisions_change", "workspace_id", "change_id"),
        Index("ix_memory_revisions_known", "workspace_id", "known_from"),
        Index(
            "ix_memory_revisions_key",
            "workspace_id",
            "key",
            postgresql_where=text("known_to is null"),
        ),
        Index(
            "ix_memory_revisions_same",
            "workspace_id",
            "same",
            postgresql_where=text("known_to is null"),
        ),
    )
    __handling__ = Handling(
        "say what was believed of a memory, and when", through=("memory_id", "memories")
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    memory_id: Mapped[UUID] = mapped_column(ForeignKey("memories.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None]
    number: Mapped[int]
    status: Mapped[str] = mapped_column(info=plain())
    text: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    subject: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    predicate: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    object: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    confidence: Mapped[float]
    key: Mapped[str | None] = mapped_column(info=plain())
    same: Mapped[str] = mapped_column(info=plain())
    periods: Mapped[list[Any]] = mapped_column(info=plain())
    valid_from: Mapped[datetime | None]
    valid_to: Mapped[datetime | None]
    known_from: Mapped[datetime]
    known_to: Mapped[datetime | None]
    cause: Mapped[str] = mapped_column(info=plain())
    change_id: Mapped[UUID]
    by_memory_id: Mapped[UUID | None]
    changed_by_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )


class MemoryBlock(Restorable):
    """A text that agents are always shown, by its label: of the workspace, or of one agent."""

    __tablename__ = "memory_blocks"
    __table_args__ = (
        Index("ix_memory_blocks_list", "workspace_id", "created_at", "id"),
        Index(
            "uq_memory_blocks_label",
            "workspace_id",
            "label",
            unique=True,
            postgresql_where=text("deleted_at is null and agent_id is null"),
        ),
        Index(
            "uq_memory_blocks_agent_label",
            "agent_id",
            "label",
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
        Index("ix_memory_blocks_creator", "created_by_id"),
    )
    __handling__ = Handling(
        "tell agents what a team wants them to have in mind",
        subject="created_by_id",
        erase="clear",
        reason="what a team wrote for its agents stays the team's",
    )

    agent_id: Mapped[UUID | None] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    created_by_id: Mapped[UUID | None]
    label: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(info=plain())
    text: Mapped[str] = mapped_column(info=plain())
    read_only: Mapped[bool]


class MemorySettings(Resource):
    """How a workspace draws facts from what people say; without a row: not at all."""

    __tablename__ = "memory_settings"
    __table_args__ = (Index("uq_memory_settings_workspace", "workspace_id", unique=True),)
    __handling__ = Handling(
        "bound what remembering may cost", erase="keep", reason="no personal data"
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    enabled: Mapped[bool]
    model: Mapped[str | None] = mapped_column(info=plain())
    daily_usd: Mapped[Decimal | None] = mapped_column(Numeric(18, 9))
    daily_tokens: Mapped[int | None]
    review: Mapped[str] = mapped_column(info=plain())
    multi_valued: Mapped[list[Any]] = mapped_column(info=plain())


class MemoryExtraction(Row):
    """That facts were drawn from a run or a conversation, once; `run_id` is the run that did it.

    `applied_at` is set in the transaction that stores what was found.
    """

    __tablename__ = "memory_extractions"
    __table_args__ = (
        Index(
            "uq_memory_extractions_source",
            "workspace_id",
            "user_id",
            "source_kind",
            "source_id",
            unique=True,
        ),
        Index("ix_memory_extractions_list", "workspace_id", "user_id", "created_at", "id"),
        Index("ix_memory_extractions_user", "user_id"),
    )
    __handling__ = Handling("draw facts from what a person said once", subject="user_id")

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID]
    source_kind: Mapped[str] = mapped_column(info=plain())
    source_id: Mapped[UUID]
    agent_id: Mapped[UUID | None]
    run_id: Mapped[UUID]
    applied_at: Mapped[datetime | None]
    found: Mapped[int]
    stored: Mapped[int]
    dropped: Mapped[int]
