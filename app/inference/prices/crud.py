"""Price overrides and billing settings in Postgres."""

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Slice
from app.inference.prices.models import BillingSettings, PriceOverride
from app.inference.prices.schemas import PriceOverrideQuery


async def page(
    session: AsyncSession, workspace_id: UUID, query: PriceOverrideQuery, cursors: Cursors
) -> Slice[PriceOverride]:
    of = query.integration
    wanted = [] if of is None else [PriceOverride.integration == of]
    return await restorable.page(session, PriceOverride, workspace_id, query, cursors, *wanted)


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
