"""Erasures."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Handling, plain
from app.core.db import Row


class PrivacyErasure(Row):
    """A person's removal.

    `status`: waiting, blocked (a workspace needs another owner), running, completed or cancelled.
    The row outlives the person: `user_id` is forgotten at the end, and `certificate_id`, a random
    number, is all that still names it. `counts` is what was done so far, by place; `workspaces`
    go with the person; `done` names the steps that are finished.
    """

    __tablename__ = "privacy_erasures"
    __table_args__ = (
        Index("ix_privacy_erasures_list", "user_id", "created_at", "id"),
        Index(
            "uq_privacy_erasures_unfinished",
            "user_id",
            unique=True,
            postgresql_where=text("status in ('waiting', 'blocked', 'running')"),
        ),
        Index("uq_privacy_erasures_certificate_id", "certificate_id", unique=True),
    )
    __handling__ = Handling(
        "prove that a person's data was erased",
        subject="user_id",
        erase="keep",
        reason="the certificate; the person is forgotten in it once it is complete",
        basis="legal_obligation",
    )

    user_id: Mapped[UUID | None]
    certificate_id: Mapped[UUID] = mapped_column(default=uuid4)
    requested_by: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(default="waiting", info=plain())
    due_at: Mapped[datetime]
    attempt: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    workspaces: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    done: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    completed_at: Mapped[datetime | None]
    certificate: Mapped[dict[str, Any] | None] = mapped_column(info=plain())
    signature: Mapped[bytes | None] = mapped_column(LargeBinary, info=plain())
