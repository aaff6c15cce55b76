"""Suggestions about entries."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Handling, plain
from app.core.db import Resource


class DictionarySuggestion(Resource):
    """That an entry belongs to a subject field (`value`), or says what another one says.

    `kind`: `subject_field` or `duplicate`. `mark` tells a suggestion about an entry from every
    other one, so that the next scan (`run_id`) finds it again: what was dismissed stays so.
    `evidence` names the entries that speak for it. `status`: `pending`, `accepted`, `dismissed`
    or `auto_applied`.
    """

    __tablename__ = "dictionary_suggestions"
    __table_args__ = (
        Index("uq_dictionary_suggestions_mark", "entry_id", "mark", unique=True),
        Index("ix_dictionary_suggestions_list", "workspace_id", "created_at", "id"),
        Index("ix_dictionary_suggestions_dictionary", "dictionary_id", "status"),
        Index("ix_dictionary_suggestions_other_entry_id", "other_entry_id"),
    )
    __handling__ = Handling(
        "put forward what a dictionary's entries have in common",
        subject="decided_by_id",
        erase="clear",
        reason="what was decided stays the workspace's; who decided is forgotten",
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    dictionary_id: Mapped[UUID] = mapped_column(ForeignKey("dictionaries.id", ondelete="CASCADE"))
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("terminology_entries.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(info=plain())
    mark: Mapped[str] = mapped_column(info=plain())
    value: Mapped[str | None] = mapped_column(info=plain())
    other_entry_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("terminology_entries.id", ondelete="CASCADE")
    )
    score: Mapped[float]
    evidence: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    status: Mapped[str] = mapped_column(default="pending", info=plain())
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    decided_at: Mapped[datetime | None]
    run_id: Mapped[UUID]
