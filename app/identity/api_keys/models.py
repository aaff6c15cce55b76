"""API keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain, secret
from app.core.db import Resource

_NONE = text("'[]'::jsonb")


class ApiKey(Resource):
    """A key by its hash; the key itself was shown once and is nowhere.

    After a rotation the secret before it works until `previous_valid_until`. An empty
    `allowed_addresses` allows every address, and null `models` and `features` allow all.
    `customer` is an end user of the workspace's own, whom all its calls are for.
    """

    __tablename__ = "api_keys"
    __handling__ = Handling("Credentials of programs, and their last use", subject="user_id")
    __table_args__ = (Index("ix_api_keys_list", "workspace_id", "created_at", "id"),)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    issued_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    last_four: Mapped[str] = mapped_column(info=plain())
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, info=secret())
    previous_secret_hash: Mapped[bytes | None] = mapped_column(
        LargeBinary, unique=True, info=secret()
    )
    previous_valid_until: Mapped[datetime | None]
    scopes: Mapped[list[Any]] = mapped_column(info=plain())
    allowed_addresses: Mapped[list[Any]] = mapped_column(
        default=list, server_default=_NONE, info=plain()
    )
    limits: Mapped[list[Any]] = mapped_column(default=list, server_default=_NONE, info=plain())
    models: Mapped[list[Any] | None] = mapped_column(info=plain())
    features: Mapped[list[Any] | None] = mapped_column(info=plain())
    tokens: Mapped[list[Any]] = mapped_column(default=list, server_default=_NONE, info=plain())
    concurrency: Mapped[int | None]
    route: Mapped[str | None] = mapped_column(info=plain())
    tags: Mapped[list[Any]] = mapped_column(default=list, server_default=_NONE, info=plain())
    tags_fixed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    # As content, so that the audit trail holds no value of it.
    customer: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    labels: Mapped[dict[str, Any]] = mapped_column(
        "metadata",
        default=dict,
        server_default=text("'{}'::jsonb"),
        info=personal(Category.CONTENT),
    )
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    last_used_address: Mapped[str | None] = mapped_column(info=personal(Category.DEVICE))
