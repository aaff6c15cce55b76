"""Mail on its way out."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.data import Category, Handling, personal, plain, secret
from app.core.db import Row


class OutgoingMail(Row):
    """One mail: `queued`, then `sent` or `failed`; `void` ones are never sent.

    The body may hold a single-use token, so it is sealed, and gone once the mail is sent.
    """

    __tablename__ = "outgoing_mails"
    __table_args__ = (
        Index("ix_outgoing_mails_due", "due_at", postgresql_where=text("status = 'queued'")),
        Index("ix_outgoing_mails_created_at", "created_at"),
    )
    __handling__ = Handling("deliver mail", subject="user_id", by_email="to_address", audited=False)

    user_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    to_address: Mapped[str] = mapped_column(info=personal(Category.IDENTITY))
    subject: Mapped[str] = mapped_column(info=plain())
    sealed_body: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=secret(sealed_as="outgoing_mails/{id}")
    )
    status: Mapped[str] = mapped_column(default="queued", info=plain())
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=now)
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(info=personal(Category.IDENTITY))
