"""Shares."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Handling, plain, secret
from app.core.db import Resource


class Share(Resource):
    """One resource, opened to a member, to a role, or (by the hash of its token) to a link.

    `role` is a built-in one and `role_id` one of the workspace's own; a role's share has either.
    """

    __tablename__ = "shares"
    __handling__ = Handling("Who may see which single resource", subject="created_by_id")
    __table_args__ = (
        Index("ix_shares_list", "workspace_id", "resource_id", "created_at", "id"),
        Index("uq_shares_member", "resource_id", "member_id", unique=True),
        Index("uq_shares_role", "resource_id", "role", unique=True),
        Index("uq_shares_custom_role", "resource_id", "role_id", unique=True),
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    resource_type: Mapped[str] = mapped_column(info=plain())
    resource_id: Mapped[UUID]
    grantee_type: Mapped[str] = mapped_column(info=plain())
    member_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("memberships.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str | None] = mapped_column(info=plain())
    role_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("roles.id", ondelete="CASCADE"), index=True
    )
    level: Mapped[str] = mapped_column(info=plain())
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True, info=secret())
    expires_at: Mapped[datetime | None]
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
