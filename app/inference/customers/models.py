"""Customers: the end users of a workspace's own product."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Resource
from app.core.restorable import Restorable


class Customer(Restorable):
    """An end user by the id that the workspace gives them (`external_id`).

    `requests` and `tokens` are limits, `models` patterns of references. What is null is as the
    workspace's defaults for customers say.
    """

    __tablename__ = "customers"
    __table_args__ = (
        Index(
            "uq_customers_external_id",
            "workspace_id",
            "external_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_customers_list", "workspace_id", "created_at", "id"),
        Index("ix_customers_changed", "workspace_id", "updated_at"),
    )
    __handling__ = Handling(
        "hold the end users of a workspace's product to limits of their own",
        erased_by="customers_erase",
    )

    external_id: Mapped[str] = mapped_column(info=personal(Category.IDENTITY))
    name: Mapped[str] = mapped_column(info=personal(Category.IDENTITY))
    blocked: Mapped[bool]
    requests: Mapped[list[Any] | None] = mapped_column(info=plain())
    tokens: Mapped[list[Any] | None] = mapped_column(info=plain())
    concurrency: Mapped[int | None]
    models: Mapped[list[Any] | None] = mapped_column(info=plain())
    labels: Mapped[dict[str, Any]] = mapped_column("metadata", info=personal(Category.CONTENT))


class CustomerDefaults(Resource):
    """What holds for customers who are not listed, and for what a listed one leaves open."""

    __tablename__ = "customer_defaults"
    __table_args__ = (Index("uq_customer_defaults_workspace", "workspace_id", unique=True),)
    __handling__ = Handling(
        "hold end users who are not listed to limits", erase="keep", reason="no personal data"
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    blocked: Mapped[bool]
    requests: Mapped[list[Any]] = mapped_column(info=plain())
    tokens: Mapped[list[Any]] = mapped_column(info=plain())
    concurrency: Mapped[int | None]
    models: Mapped[list[Any] | None] = mapped_column(info=plain())
