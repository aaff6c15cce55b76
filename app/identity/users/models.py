"""Accounts, their pictures, and the single-use tokens that are sent to them by mail."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain, secret
from app.core.db import RESTORABLE, Resource, Row


class User(Resource):
    """A person, or a service account.

    `status` is `active`, `deactivated`, `deleted` or `erasing`; `kind` is `person` or `service`.
    Who signs in by others alone, and every service account, has no password.
    """

    __tablename__ = "users"
    __table_args__ = (
        Index("uq_users_email", text("lower(email)"), unique=True),
        Index("ix_users_deleted_at", "deleted_at", postgresql_where=text("deleted_at is not null")),
    )
    __handling__ = Handling("the account that a person signs in to", subject="id")

    email: Mapped[str] = mapped_column(info=personal(Category.IDENTITY))
    email_verified_at: Mapped[datetime | None]
    name: Mapped[str] = mapped_column(default="", info=personal(Category.IDENTITY))
    password_hash: Mapped[str | None] = mapped_column(info=secret())
    kind: Mapped[str] = mapped_column(default="person", server_default="person", info=plain())
    status: Mapped[str] = mapped_column(default="active", server_default="active", info=plain())
    deactivated_by: Mapped[str | None] = mapped_column(info=plain())
    deleted_at: Mapped[datetime | None]
    locale: Mapped[str | None] = mapped_column(info=personal(Category.PREFERENCE))
    time_zone: Mapped[str | None] = mapped_column(info=personal(Category.PREFERENCE))
    avatar_etag: Mapped[str | None] = mapped_column(info=plain())

    @property
    def avatar_url(self) -> str | None:
        """The path of the picture; another picture has another one."""
        if self.avatar_etag is None:
            return None
        return f"/v1/users/{self.id}/avatar?v={self.avatar_etag}"

    @property
    def restorable_until(self) -> datetime | None:
        return self.deleted_at + RESTORABLE if self.deleted_at else None


class Avatar(Row):
    """A person's picture, as this service encoded it."""

    __tablename__ = "user_avatars"
    __handling__ = Handling("show people to those they work with", subject="user_id")

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    media_type: Mapped[str] = mapped_column(info=plain())
    picture: Mapped[bytes] = mapped_column(LargeBinary, info=personal(Category.IDENTITY))


class AccountToken(Row):
    """A single-use token by its hash. Without a user it is a decoy, made for equal timing."""

    __tablename__ = "account_tokens"
    __table_args__ = (
        Index("ix_account_tokens_expires_at", "expires_at"),
        Index("ix_account_tokens_email", "email", "created_at"),
    )
    __handling__ = Handling(
        "prove that an e-mail address is the person's",
        subject="user_id",
        by_email="email",
        audited=False,
    )

    user_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    purpose: Mapped[str] = mapped_column(info=plain())
    email: Mapped[str] = mapped_column(info=personal(Category.IDENTITY))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, info=secret())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
