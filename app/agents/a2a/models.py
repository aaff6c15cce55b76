"""Agents of other services, reached by A2A."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, technical
from app.core.restorable import Restorable


class A2aAgent(Restorable):
    """An agent elsewhere, by its card as it was read at `card_at`.

    `credential` names one of the workspace's tool credentials. One that is `trusted` is asked
    without a person's agreement.
    """

    __tablename__ = "a2a_agents"
    __table_args__ = (
        Index("ix_a2a_agents_list", "workspace_id", "created_at", "id"),
        Index(
            "uq_a2a_agents_slug",
            "workspace_id",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at is null"),
        ),
    )
    __handling__ = technical("let agents ask agents of other services")

    slug: Mapped[str] = mapped_column(info=plain())
    name: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(default="", info=plain())
    card_url: Mapped[str] = mapped_column(info=plain())
    card: Mapped[dict[str, Any]] = mapped_column(info=plain())
    card_at: Mapped[datetime]
    credential: Mapped[str | None] = mapped_column(info=plain())
    trusted: Mapped[bool] = mapped_column(default=False)
