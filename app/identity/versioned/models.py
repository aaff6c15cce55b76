"""The columns of whatever is kept in numbered versions."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain
from app.core.db import Row
from app.core.restorable import Restorable


class Versioned(Restorable):
    """Something with versions; a `private` one is seen by its owner and by shares.

    `current_version` is the number of its newest version, which is its draft; `labels` name others
    (`{"production": 3}`).
    """

    __abstract__ = True

    owner_id: Mapped[UUID | None]
    name: Mapped[str] = mapped_column(info=plain())
    slug: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(default="", info=plain())
    visibility: Mapped[str] = mapped_column(default="workspace", info=plain())
    current_version: Mapped[int] = mapped_column(default=1)
    labels: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    notes: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict, info=plain())


class NumberedVersion(Row):
    """One state of it, which never changes; `digest` tells it from others."""

    __abstract__ = True

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    number: Mapped[int]
    created_by_id: Mapped[UUID | None]
    note: Mapped[str] = mapped_column(default="", info=plain())
    digest: Mapped[str] = mapped_column(info=plain())
    definition: Mapped[dict[str, Any]] = mapped_column(info=plain())
