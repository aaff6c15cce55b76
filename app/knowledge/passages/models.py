"""Passages in Postgres, and vectors that are to follow deleted ones."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import REGCONFIG, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.data import Category, Handling, personal, plain, technical
from app.core.db import Base, Row


class Passage(Row):
    """A piece of a document, entry or message (`kind`, `subject_id`), in reading order.

    `parent_id` is its collection, dictionary or conversation, `user_id` whose own it is where it
    is not the workspace's, `created_by_id` who pays for its embedding (once they are gone, an
    owner does). `locator` says where it stands in its subject (`page`, `start` and `end` in code
    points). `space` is the embedding model whose vector the index holds; with `due_at` it waits
    for one, or for another.
    """

    __tablename__ = "passages"
    __table_args__ = (
        Index("ix_passages_subject", "workspace_id", "kind", "subject_id", "ordinal"),
        Index("ix_passages_parent", "workspace_id", "parent_id", "id"),
        Index("ix_passages_due", "due_at", postgresql_where=text("due_at is not null")),
        Index("ix_passages_config", "workspace_id", "config", "id"),
        Index(
            "ix_passages_lexemes",
            text("(lexemes || array_to_tsvector(array[workspace_id::text]))"),
            postgresql_using="gin",
        ),
        Index(
            "ix_passages_title",
            "workspace_id",
            text("left(lower(luminous_unaccented(title)), 200)"),  # in collation "C"
            postgresql_include=["kind", "parent_id", "subject_id", "user_id"],
        ),
    )
    __handling__ = Handling(
        "find documents, entries and messages by their words and their meaning",
        subject="user_id",
        mentions=("created_by_id",),
        reason="what a team finds stays; who had it kept is forgotten",
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(info=plain())
    parent_id: Mapped[UUID | None]
    subject_id: Mapped[UUID]
    user_id: Mapped[UUID | None]
    created_by_id: Mapped[UUID]
    ordinal: Mapped[int]
    title: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    heading: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    text: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    locator: Mapped[dict[str, Any]] = mapped_column(info=plain())
    config: Mapped[str] = mapped_column(REGCONFIG, info=plain())
    lexemes: Mapped[Any] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(luminous_lexemes(config, title || ' ' || heading), 'A') || "
            "luminous_lexemes(config, text)",
            persisted=True,
        ),
        deferred=True,
        info=personal(Category.CONTENT),
    )
    content_sha256: Mapped[bytes] = mapped_column(LargeBinary, info=plain())
    embedding_model: Mapped[str | None] = mapped_column(info=plain())
    space: Mapped[str | None] = mapped_column(info=plain())
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(info=plain())


class VectorRemoval(Base):
    """A vector whose passage is gone; a trigger writes it, whatever deleted the passage."""

    __tablename__ = "vector_removals"
    __table_args__ = (Index("ix_vector_removals_due", "due_at"),)
    __handling__ = technical("take the vectors of deleted passages away", audited=False)

    passage_id: Mapped[UUID] = mapped_column(primary_key=True)
    space: Mapped[str] = mapped_column(primary_key=True, info=plain())
    workspace_id: Mapped[UUID]
    due_at: Mapped[datetime] = mapped_column(default=now, server_default=text("now()"))
