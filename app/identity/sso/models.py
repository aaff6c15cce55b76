"""Who a person is elsewhere."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Row


class UserIdentity(Row):
    """An account of a person at another service: (`issuer`, `subject`) within a `realm`.

    The realm is empty for this installation's own providers, and a connection's id for what that
    connection says: a workspace that names someone else's issuer speaks for itself alone.
    """

    __tablename__ = "user_identities"
    __handling__ = Handling("let a person sign in by another service", subject="user_id")
    __table_args__ = (
        UniqueConstraint("realm", "issuer", "subject"),
        Index("ix_user_identities_list", "user_id", "created_at", "id"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    connection_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("sso_connections.id", ondelete="CASCADE"), index=True
    )
    provider: Mapped[str] = mapped_column(info=plain())
    realm: Mapped[str] = mapped_column(info=plain())
    issuer: Mapped[str] = mapped_column(info=plain())
    subject: Mapped[str] = mapped_column(info=personal(Category.IDENTITY))
    email: Mapped[str | None] = mapped_column(info=personal(Category.IDENTITY))
    last_used_at: Mapped[datetime | None]
