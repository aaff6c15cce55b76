"""Integrations."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, secret, technical
from app.core.restorable import Restorable


class Integration(Restorable):
    """A workspace's connection to one provider.

    `origin` says who made it: a `user`, the `environment` (a key in it), `discovered` (a local
    server that answered) or `builtin` (the demo provider). Only the operator's own three may
    stand at a private address. `models` is the provider's last listing, `region` where it computes,
    which only the workspace knows.
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

    __handling__ = technical("connect a workspace to a model provider")

    kind: Mapped[str] = mapped_column(info=plain())
    slug: Mapped[str] = mapped_column(info=plain())
    name: Mapped[str] = mapped_column(info=plain())
    base_url: Mapped[str | None] = mapped_column(info=plain())
    region: Mapped[str | None] = mapped_column(info=plain())
    origin: Mapped[str] = mapped_column(default="user", info=plain())
    enabled: Mapped[bool] = mapped_column(default=True)
    sealed_credential: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=secret(sealed_as="integration:{workspace_id}:{id}")
    )
    last_four: Mapped[str | None] = mapped_column(info=plain())
    fingerprint: Mapped[str | None] = mapped_column(info=secret())
    status: Mapped[str] = mapped_column(default="untested", info=plain())
    last_error: Mapped[dict[str, Any] | None] = mapped_column(info=plain())
    last_tested_at: Mapped[datetime | None]
    models: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    models_listed_at: Mapped[datetime | None]
