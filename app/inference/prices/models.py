"""Prices that a workspace sets itself, and how it reckons money."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import plain, technical
from app.core.db import Resource
from app.core.restorable import Restorable

_RATE = Numeric(18, 6)


class PriceOverride(Restorable):
    """What a workspace pays for models of an integration (null: of any), by a pattern of names.

    `input`, `output`, `cached_input` and `cache_write` are US dollars a million tokens, `tiers`
    the same for longer inputs; `call`, `image` and `minute` US dollars each.
    """

    __tablename__ = "price_overrides"
    __table_args__ = (Index("ix_price_overrides_list", "workspace_id", "created_at", "id"),)
    __handling__ = technical("reckon what models cost a workspace that pays its own prices")

    integration: Mapped[str | None] = mapped_column(info=plain())
    model: Mapped[str] = mapped_column(info=plain())
    input: Mapped[Decimal] = mapped_column(_RATE)
    output: Mapped[Decimal] = mapped_column(_RATE)
    cached_input: Mapped[Decimal | None] = mapped_column(_RATE)
    cache_write: Mapped[Decimal | None] = mapped_column(_RATE)
    call: Mapped[Decimal] = mapped_column(Numeric(18, 9))
    image: Mapped[Decimal] = mapped_column(Numeric(18, 9))
    minute: Mapped[Decimal] = mapped_column(Numeric(18, 9))
    tiers: Mapped[list[Any]] = mapped_column(info=plain())
    note: Mapped[str] = mapped_column(info=plain())


class BillingSettings(Resource):
    """A workspace's currency of display, and the discounts that its providers give it."""

    __tablename__ = "billing_settings"
    __table_args__ = (Index("uq_billing_settings_workspace", "workspace_id", unique=True),)
    __handling__ = technical("show a workspace its costs in its own currency")

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    currency: Mapped[str] = mapped_column(info=plain())
    units_per_usd: Mapped[Decimal] = mapped_column(Numeric(18, 9))
    discounts: Mapped[list[Any]] = mapped_column(info=plain())
