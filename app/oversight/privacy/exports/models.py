"""Exports."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Handling, plain
from app.core.db import Row


class PrivacyExport(Row):
    """An archive, wanted or made. `status`: queued, running, ready, failed or expired.

    `leased_until` is how long the process that is making it counts as alive; `attempt` fences out
    the ones before. The archive stands in the data folder under the ids of its person and itself.
    """

    __tablename__ = "privacy_exports"
    __table_args__ = (
        Index("ix_privacy_exports_list", "user_id", "created_at", "id"),
        Index(
            "uq_privacy_exports_unfinished",
            "user_id",
            unique=True,
            postgresql_where=text("status in ('queued', 'running')"),
        ),
    )
    __handling__ = Handling(
        "hand a person all of their data",
        subject="user_id",
        basis="legal_obligation",
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    requested_in: Mapped[UUID]
    status: Mapped[str] = mapped_column(default="queued", info=plain())
    attempt: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None]
    entries: Mapped[int] = mapped_column(default=0)
    entries_total: Mapped[int] = mapped_column(default=0)
    size_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str | None] = mapped_column(info=plain())
    error_code: Mapped[str | None] = mapped_column(info=plain())
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
