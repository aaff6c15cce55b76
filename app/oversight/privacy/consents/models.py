"""Consents."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Row


class Consent(Row):
    """One word of a person on one purpose; later ones follow, none is changed.

    `text_version` names the text that was shown, `method` how the word was given.
    """

    __tablename__ = "privacy_consents"
    __table_args__ = (Index("ix_privacy_consents_list", "user_id", "created_at", "id"),)
    __handling__ = Handling(
        "show what a person agreed to, and when", subject="user_id", basis="legal_obligation"
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(info=personal(Category.PREFERENCE))
    text_version: Mapped[str] = mapped_column(info=plain())
    granted: Mapped[bool]
    method: Mapped[str] = mapped_column(info=plain())
