"""Credentials of tools."""

from typing import Any

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, secret, technical
from app.core.restorable import Restorable


class ToolCredential(Restorable):
    """What a workspace's tools prove themselves with to the hosts it is for.

    `sealed_secret` holds the JSON object of its values; it is destroyed when the credential is
    deleted. `kind` says which values there are.
    """

    __tablename__ = "tool_credentials"
    __table_args__ = (
        Index(
            "uq_tool_credentials_name",
            "workspace_id",
            "name",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_tool_credentials_list", "workspace_id", "created_at", "id"),
    )
    __handling__ = technical("let tools prove themselves to other services")

    name: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(info=plain())
    kind: Mapped[str] = mapped_column(info=plain())
    hosts: Mapped[list[Any]] = mapped_column(info=plain())
    sealed_secret: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=secret(sealed_as="tool_credential:{workspace_id}:{id}")
    )
    fingerprint: Mapped[str | None] = mapped_column(info=secret())

    @property
    def ready(self) -> bool:
        return self.sealed_secret is not None
