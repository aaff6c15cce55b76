"""Sessions (one a sign-in), their refresh tokens, and the keys that sign access tokens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.data import Category, Handling, personal, plain, secret, technical
from app.core.db import Row


class UserSession(Row):
    """One sign-in on one device: the family of its refresh tokens.

    `authenticated_at` is when the person last proved who they are; a refresh does not move it.
    `cookie_only`: its access tokens travel in a cookie too, never in a body.
    """

    __tablename__ = "user_sessions"
    __handling__ = Handling(
        "show people where they are signed in, and let them end it",
        subject="user_id",
        basis="legitimate_interest",
        retention="sessions",
        aged_by="expires_at",
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    authenticated_at: Mapped[datetime] = mapped_column(default=now, server_default=func.now())
    last_used_at: Mapped[datetime] = mapped_column(default=now, server_default=func.now())
    second_factor: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    cookie_only: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(index=True)
    revoked_reason: Mapped[str | None] = mapped_column(info=plain())
    user_agent: Mapped[str] = mapped_column(default="", info=personal(Category.DEVICE))
    address: Mapped[str] = mapped_column(default="", info=personal(Category.DEVICE))


class RefreshToken(Row):
    """A refresh token by its hash; used once, then replaced."""

    __tablename__ = "refresh_tokens"
    __handling__ = Handling(
        "keep a session alive and notice a stolen token",
        through=("session_id", "user_sessions"),
        retention="sessions",
        audited=False,
    )

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("user_sessions.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, info=secret())
    used_at: Mapped[datetime | None]


class SigningKey(Row):
    """An ES256 key pair; the private half is sealed by the vault."""

    __tablename__ = "signing_keys"
    __handling__ = technical("sign access tokens")

    sealed_private_key: Mapped[bytes] = mapped_column(
        LargeBinary, info=secret(sealed_as="signing_keys/{id}")
    )
    public_jwk: Mapped[dict[str, Any]] = mapped_column(info=plain())
    retired_at: Mapped[datetime | None]
