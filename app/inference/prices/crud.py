"""Price overrides and billing settings in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.inference.prices.models import BillingSettings, PriceOverride
from app.inference.prices.schemas import PriceOverrideQuery


async def get(
    session: AsyncSession, workspace_id: UUID, override_id: UUID, *, for_update: bool = False
) -> PriceOverride | None:
    """An override, deleted ones included."""
    statement = select(PriceOverride).where(
        PriceOverride.workspace_id == workspace_id, PriceOverride.id == override_id
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def every(session: AsyncSession, workspace_id: UUID) -> Sequence[PriceOverride]:
    """The living ones, oldest first."""
    statement = select(PriceOverride).where(
        PriceOverride.workspace_id == workspace_id, PriceOverride.deleted_at.is_(None)
    )
    return (await session.scalars(statement.order_by(PriceOverride.id))).all()


async def count_living(session: AsyncSession, workspace_id: UUID) -> int:
    statement = select(func.count()).where(
        PriceOverride.workspace_id == workspace_id, PriceOverride.deleted_at.is_(None)
    )
    return await session.scalar(statement) or 0


async def page(
    session: AsyncSession, workspace_id: UUID, query: PriceOverrideQuery, cursors: Cursors
) -> Slice[PriceOverride]:
    deleted = PriceOverride.deleted_at
    statement = select(PriceOverride).where(
        PriceOverride.workspace_id == workspace_id,
        deleted.is_not(None) if query.deleted else deleted.is_(None),
    )
    if query.integration is not None:
        statement = statement.where(PriceOverride.integration == query.integration)
    keyset = Keyset(PriceOverride.created_at, PriceOverride.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def add(session: AsyncSession, override: PriceOverride) -> PriceOverride:
    session.add(override)
    await session.flush()
    return override


async def settings(session: AsyncSession, workspace_id: UUID) -> BillingSettings | None:
    statement = select(BillingSettings).where(BillingSettings.workspace_id == workspace_id)
    return (await session.scalars(statement)).one_or_none()


# Two first questions at once make one row.
_MAKE_SETTINGS = text(
    "insert into billing_settings (id, workspace_id, currency, units_per_usd, discounts) "
    "values (:id, :workspace_id, 'USD', 1, '[]') on conflict (workspace_id) do nothing"
)


async def make_settings(session: AsyncSession, workspace_id: UUID, row_id: UUID) -> BillingSettings:
    """A workspace's settings, made as they are before anybody changes them where there are none."""
    await session.execute(_MAKE_SETTINGS, {"id": row_id, "workspace_id": workspace_id})
    statement = select(BillingSettings).where(BillingSettings.workspace_id == workspace_id)
    return (await session.scalars(statement)).one()
