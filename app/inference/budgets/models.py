"""Budgets, and the alerts that they gave."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain
from app.core.db import Row
from app.core.restorable import Restorable


class Budget(Restorable):
    """What may be spent by whom in which time.

    `subject_id` is a UUID, a tag or a customer's id, and null for the whole workspace and for all
    customers. `models` are patterns of references; none means every model.
    """

    __tablename__ = "budgets"
    __table_args__ = (Index("ix_budgets_list", "workspace_id", "created_at", "id"),)
    __handling__ = Handling(
        "hold a workspace's costs within what it allows", erased_by="customers_erase"
    )

    name: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    subject_type: Mapped[str] = mapped_column(info=plain())
    subject_id: Mapped[str | None] = mapped_column(info=personal(Category.IDENTITY))
    amount: Mapped[Decimal] = mapped_column(Numeric(18, 9))
    window: Mapped[str] = mapped_column(info=plain())
    timezone: Mapped[str] = mapped_column(info=plain())
    hard: Mapped[bool]
    thresholds: Mapped[list[Any]] = mapped_column(info=plain())
    models: Mapped[list[Any]] = mapped_column(info=plain())


class BudgetAlert(Row):
    """One threshold crossed, once a window; `customer` where each has the budget apart."""

    __tablename__ = "budget_alerts"
    __table_args__ = (
        Index(
            "uq_budget_alerts_once",
            "budget_id",
            "window_name",
            "threshold",
            "customer",
            unique=True,
        ),
        Index("ix_budget_alerts_list", "workspace_id", "budget_id", "created_at", "id"),
    )
    __handling__ = Handling(
        "tell once that a budget is running out", audited=False, erased_by="customers_erase"
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    budget_id: Mapped[UUID] = mapped_column(ForeignKey("budgets.id", ondelete="CASCADE"))
    window_name: Mapped[str] = mapped_column(info=plain())
    threshold: Mapped[int]
    customer: Mapped[str] = mapped_column(default="", info=personal(Category.IDENTITY))
    spent: Mapped[Decimal] = mapped_column(Numeric(18, 9))
    amount: Mapped[Decimal] = mapped_column(Numeric(18, 9))


class BudgetCarry(Row):
    """What calls came to that a budget counts and that are deleted, in one of its windows.

    `customer` is empty but where each has the budget apart. Postgres adds to it as calls go
    (`luminous_carry_deleted` of migration 0021).
    """

    __tablename__ = "budget_carries"
    __table_args__ = (
        Index("uq_budget_carries_once", "budget_id", "window_name", "customer", unique=True),
        Index("ix_budget_carries_customer", "workspace_id", "customer"),
    )
    __handling__ = Handling(
        "count what was spent by calls that are deleted", audited=False, erased_by="customers_erase"
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    budget_id: Mapped[UUID] = mapped_column(ForeignKey("budgets.id", ondelete="CASCADE"))
    window_name: Mapped[str] = mapped_column(info=plain())
    customer: Mapped[str] = mapped_column(info=personal(Category.IDENTITY))
    # A sum has room for more than one call: nothing may stand in the way of a deletion.
    amount: Mapped[Decimal] = mapped_column(Numeric(38, 9))
