"""What a person proves themselves with beside the password."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain, secret
from app.core.db import Resource, Row


class TotpFactor(Row):
    """The secret that an authenticator app shares with us; it counts once it is confirmed.

    `last_step` is the time step of the last code that was taken: no code is taken twice.
    """

    __tablename__ = "totp_factors"
    __handling__ = Handling("check the codes of a person's authenticator app", subject="user_id")

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    sealed_secret: Mapped[bytes] = mapped_column(
        LargeBinary, info=secret(sealed_as="totp_factors/{id}")
    )
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int | None] = mapped_column(BigInteger)


class RecoveryCode(Row):
    """A code by its hash that opens the account once, when the other factors are lost."""

    __tablename__ = "recovery_codes"
    __handling__ = Handling(
        "let a person in who has lost their other second factors", subject="user_id"
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, info=secret())
    used_at: Mapped[datetime | None]


class Passkey(Resource):
    """A WebAuthn credential: the public half, and how often its authenticator has signed."""

    __tablename__ = "passkeys"
    __handling__ = Handling("check the signatures of a person's passkeys", subject="user_id")

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    credential_id: Mapped[bytes] = mapped_column(
        LargeBinary, unique=True, info=personal(Category.IDENTITY)
    )
    public_key: Mapped[bytes] = mapped_column(LargeBinary, info=plain())
    sign_count: Mapped[int] = mapped_column(BigInteger)
    transports: Mapped[list[Any]] = mapped_column(info=plain())
    synced: Mapped[bool] = mapped_column(server_default=text("false"))
    last_used_at: Mapped[datetime | None]
