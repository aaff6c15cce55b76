"""Invitations."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.data import Category, Handling, personal, plain, secret
from app.core.db import Resource


class Invitation(Resource):
    """An invitation by the hash of its token; the token was mailed, or shown once.

    `kind`: `email` (for one address, used once) or `link` (for whoever holds it, `max_uses` times).
    """

    __tablename__ = "invitations"
    __handling__ = Handling(
        "Who was invited into which workspace, and as what",
        subject="accepted_by_id",
        by_email="email",
    )
    __table_args__ = (
        Index("ix_invitations_list", "workspace_id", "created_at", "id"),
        Index("ix_invitations_email", "workspace_id", "email"),
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(info=plain())
    email: Mapped[str | None] = mapped_column(info=personal(Category.IDENTITY))
    role: Mapped[str] = mapped_column(info=plain())
    role_id: Mapped[UUID | None] = mapped_column(ForeignKey("roles.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, info=secret())
    max_uses: Mapped[int]
    use_count: Mapped[int] = mapped_column(default=0)
    invited_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    accepted_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]

    @property
    def status(self) -> Literal["pending", "accepted", "expired", "revoked"]:
        if self.revoked_at is not None:
            return "revoked"
        if self.use_count >= self.max_uses:
            return "accepted"
        return "expired" if self.expires_at <= now() else "pending"
