"""Embeddings that were made once already."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.data import plain, technical
from app.core.db import Base


class EmbeddingCache(Base):
    """The vector of a text by one model: float32, little endian. The text itself is not kept.

    A passage that is a person's own takes it along when it goes; a trigger sees to that.
    """

    __tablename__ = "embedding_cache"
    __table_args__ = (Index("ix_embedding_cache_used_at", "used_at"),)
    __handling__ = technical("embed no text of a workspace twice", audited=False)

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, info=plain())
    model: Mapped[str] = mapped_column(primary_key=True, info=plain())
    vector: Mapped[bytes] = mapped_column(LargeBinary, info=plain())
    used_at: Mapped[datetime] = mapped_column(default=now)
