"""A workspace's own tools."""

from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, technical
from app.core.restorable import Restorable


class CustomTool(Restorable):
    """A call of an HTTP service that agents can make.

    `request`, `result` and `policy` are as their schemas write them. `origin` says where it was
    imported from, null for what was made by hand.
    """

    __tablename__ = "tools"
    __table_args__ = (
        Index(
            "uq_tools_slug",
            "workspace_id",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_tools_list", "workspace_id", "created_at", "id"),
    )
    __handling__ = technical("let agents call services of the workspace")

    slug: Mapped[str] = mapped_column(info=plain())
    name: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(info=plain())
    enabled: Mapped[bool] = mapped_column(default=True)
    parameters: Mapped[dict[str, Any]] = mapped_column(info=plain())
    request: Mapped[dict[str, Any]] = mapped_column(info=plain())
    result: Mapped[dict[str, Any]] = mapped_column(info=plain())
    policy: Mapped[dict[str, Any]] = mapped_column(info=plain())
    origin: Mapped[dict[str, Any] | None] = mapped_column(info=plain())

    @property
    def reference(self) -> str:
        return f"custom:{self.slug}"
