"""What a directory has told of a workspace's people and groups, and its credentials."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain, secret, technical
from app.core.db import Resource, Row


class ScimToken(Resource):
    """A directory's credential by its hash; the token itself was shown once and is nowhere."""

    __tablename__ = "scim_tokens"
    __handling__ = technical("Credentials of directories")
    __table_args__ = (Index("ix_scim_tokens_list", "workspace_id", "created_at", "id"),)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    connection_id: Mapped[UUID] = mapped_column(
        ForeignKey("sso_connections.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(info=plain())
    last_four: Mapped[str] = mapped_column(info=plain())
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, info=secret())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class ScimUser(Resource):
    """A person as a directory sees them. Its id is SCIM's: no account's id leaves the house.

    `attributes` are those that we keep for the directory and do not read ourselves. There is no
    account while no address of theirs is of a domain that the workspace has proven. Who is not
    said to be inactive is active.
    """

    __tablename__ = "scim_users"
    __handling__ = Handling(
        "what an organisation's directory says of its people", subject="user_id"
    )
    __table_args__ = (
        UniqueConstraint("workspace_id", "user_id"),
        Index("uq_scim_users_user_name", "workspace_id", text("lower(user_name)"), unique=True),
        Index("ix_scim_users_external_id", "workspace_id", "external_id"),
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    user_name: Mapped[str] = mapped_column(info=personal(Category.IDENTITY))
    external_id: Mapped[str | None] = mapped_column(info=personal(Category.IDENTITY))
    active: Mapped[bool | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(info=personal(Category.IDENTITY))


class ScimGroup(Resource):
    """A group of a directory; the connection's `group_roles` say which role comes with it."""

    __tablename__ = "scim_groups"
    __handling__ = technical("Groups of an organisation's directory")
    __table_args__ = (
        Index("uq_scim_groups_name", "workspace_id", text("lower(display_name)"), unique=True),
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    display_name: Mapped[str] = mapped_column(info=plain())
    external_id: Mapped[str | None] = mapped_column(info=plain())


class ScimGroupMember(Row):
    """Someone's place in a group."""

    __tablename__ = "scim_group_members"
    __handling__ = Handling(
        "which role an organisation's groups give", through=("scim_user_id", "scim_users")
    )
    __table_args__ = (UniqueConstraint("group_id", "scim_user_id"),)

    workspace_id: Mapped[UUID] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    group_id: Mapped[UUID] = mapped_column(ForeignKey("scim_groups.id", ondelete="CASCADE"))
    scim_user_id: Mapped[UUID] = mapped_column(
        ForeignKey("scim_users.id", ondelete="CASCADE"), index=True
    )
    display: Mapped[str | None] = mapped_column(info=personal(Category.IDENTITY))
