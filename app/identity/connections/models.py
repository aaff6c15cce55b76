"""Connections to identity providers, the domains they serve, and the accounts they manage."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Handling, plain, secret, technical
from app.core.db import Resource, Row
from app.core.restorable import Restorable


class SsoConnection(Restorable):
    """An identity provider that a workspace trusts to say who its members are.

    `settings` is what the protocol needs (`type` of it is `oidc` or `saml`). Roles are built-in
    names or the ids of the workspace's own roles.
    """

    __tablename__ = "sso_connections"
    __handling__ = technical("Identity providers that workspaces trust")
    __table_args__ = (Index("ix_sso_connections_list", "workspace_id", "created_at", "id"),)

    name: Mapped[str] = mapped_column(info=plain())
    settings: Mapped[dict[str, Any]] = mapped_column(info=plain())
    sealed_client_secret: Mapped[bytes | None] = mapped_column(
        LargeBinary, info=secret(sealed_as="sso_connections/{id}")
    )
    enabled: Mapped[bool] = mapped_column(default=True)
    required: Mapped[bool] = mapped_column(default=False)
    create_members: Mapped[bool] = mapped_column(default=True)
    default_role: Mapped[str] = mapped_column(info=plain())
    group_roles: Mapped[list[Any]] = mapped_column(default=list, info=plain())


class SsoDomain(Resource):
    """A domain whose people sign in through a connection, once its ownership is proven.

    `checked_at` is when its record was looked for again, `failing_since` since when it was not
    there; looking at it is no change of the resource.
    """

    __tablename__ = "sso_domains"
    __handling__ = technical("Domains that workspaces have proven to own")
    __table_args__ = (
        UniqueConstraint("workspace_id", "domain"),
        Index(
            "uq_sso_domains_verified",
            "domain",
            unique=True,
            postgresql_where=text("verified_at is not null"),
        ),
        Index("ix_sso_domains_list", "workspace_id", "created_at", "id"),
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    connection_id: Mapped[UUID] = mapped_column(
        ForeignKey("sso_connections.id", ondelete="CASCADE"), index=True
    )
    domain: Mapped[str] = mapped_column(info=plain())
    challenge: Mapped[str] = mapped_column(info=plain())
    verified_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]


class ManagedAccount(Row):
    """An account that a workspace's provider brought to life, under a domain of the workspace.

    Only such an account may be signed in by its e-mail address alone, or be deactivated with
    its membership.
    """

    __tablename__ = "managed_accounts"
    __handling__ = Handling("which organisation administers an account", subject="user_id")

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
