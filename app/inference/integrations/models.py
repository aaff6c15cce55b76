"""Integrations."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Resource


class Integration(Resource):
    """A workspace's connection to one provider.

    `origin` says who made it: a `user`, the `environment` (a key in it), `discovered` (a local
    server that answered) or `builtin` (the demo provider). Only the operator's own three may
    stand at a private address. `models` is the provider's last listing.
    """

    __tablename__ = "ai_integrations"
    __table_args__ = (
        Index(
            "uq_ai_integrations_slug",
            "workspace_id",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    kind: Mapped[str]
    slug: Mapped[str]
    name: Mapped[str]
    base_url: Mapped[str | None]
    origin: Mapped[str] = mapped_column(default="user")
    enabled: Mapped[bool] = mapped_column(default=True)
    sealed_credential: Mapped[bytes | None] = mapped_column(LargeBinary)
    last_four: Mapped[str | None]
    fingerprint: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="untested")
    last_error: Mapped[dict[str, Any] | None]
    last_tested_at: Mapped[datetime | None]
    models: Mapped[list[Any]] = mapped_column(default=list)
    models_listed_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
