"""Connected databases."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, secret, technical
from app.core.restorable import Restorable


class ConnectedDatabase(Restorable):
    """A Postgres database of the workspace's own that its agents may read.

    `writable` lets workflows write to it, too; agents never do. `sealed_dsn` is destroyed when it
    is deleted; `address` is what may be shown of it. `tables` (`schema.table`) narrows `schemas`;
    None for all of these. `warnings` are what the last try found about the role that signs in.
    """

    __tablename__ = "databases"
    __table_args__ = (
        Index(
            "uq_databases_slug",
            "workspace_id",
            "slug",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_databases_list", "workspace_id", "created_at", "id"),
    )
    __handling__ = technical(
        "let agents read a database of the workspace's own, and workflows write to it"
    )

    slug: Mapped[str] = mapped_column(info=plain())
    name: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(default="", info=plain())
    engine: Mapped[str] = mapped_column(default="postgres", info=plain())
    sealed_dsn: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=secret(sealed_as="database:{workspace_id}:{id}")
    )
    address: Mapped[str] = mapped_column(info=plain())
    schemas: Mapped[list[Any]] = mapped_column(info=plain())
    tables: Mapped[list[Any] | None] = mapped_column(JSONB(none_as_null=True), info=plain())
    max_rows: Mapped[int]
    timeout_seconds: Mapped[int]
    enabled: Mapped[bool] = mapped_column(default=True)
    writable: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    status: Mapped[str] = mapped_column(default="untested", info=plain())
    last_error: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), info=plain()
    )
    last_tested_at: Mapped[datetime | None]
    warnings: Mapped[list[Any]] = mapped_column(default=list, info=plain())

    @property
    def ready(self) -> bool:
        return self.sealed_dsn is not None and self.enabled
