"""What a workspace does with its prices."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.prices import crud
from app.inference.prices.errors import PriceOverrideNotFound, TooManyOverrides
from app.inference.prices.models import BillingSettings, PriceOverride
from app.inference.prices.schemas import (
    MOST_OVERRIDES,
    PriceOverrideCreate,
    PriceOverrideQuery,
    PriceOverrideUpdate,
    PriceSettingsUpdate,
)


async def create(session: AsyncSession, access: Access, new: PriceOverrideCreate) -> PriceOverride:
    """Raises TooManyOverrides."""
    await _leave_room(session, access.workspace_id)
    row = PriceOverride(
        id=new_id(),
        workspace_id=access.workspace_id,
        **_stored(new, PriceOverrideCreate.model_fields),
    )
    return await crud.add(session, row)


async def get(session: AsyncSession, access: Access, override_id: UUID) -> PriceOverride:
    """Raises PriceOverrideNotFound."""
    row = await restorable.find(session, PriceOverride, access.workspace_id, override_id)
    if row is None or row.deleted_at:
        raise PriceOverrideNotFound
    return row


async def page(
    session: AsyncSession, access: Access, query: PriceOverrideQuery, cursors: Cursors
) -> Slice[PriceOverride]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def update(
    session: AsyncSession, access: Access, override_id: UUID, change: PriceOverrideUpdate
) -> PriceOverride:
    row = await get(session, access, override_id)
    await match(session, row)
    for name, value in _stored(change, change.model_fields_set).items():
        setattr(row, name, value)
    await session.flush()
    await session.refresh(row)
    return row


def _stored(
    given: PriceOverrideCreate | PriceOverrideUpdate, names: Iterable[str]
) -> dict[str, Any]:
    """What a row takes of what is named; decimals inside of JSON are strings."""
    told = {name: getattr(given, name) for name in names}
    if "tiers" in told:
        told["tiers"] = [tier.model_dump() for tier in told["tiers"]]
    return told


async def delete(session: AsyncSession, access: Access, override_id: UUID) -> None:
    """Soft: `restore` brings it back for 30 days."""
    row = await get(session, access, override_id)
    await match(session, row)
    row.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, override_id: UUID) -> PriceOverride:
    """Raises PriceOverrideNotFound, TooManyOverrides and RestoreExpired."""
    row = await restorable.find(
        session, PriceOverride, access.workspace_id, override_id, for_update=True
    )
    if row is None:
        raise PriceOverrideNotFound
    restorable.expect_restorable(row)
    if row.deleted_at:
        await _leave_room(session, access.workspace_id)
        row.deleted_at = None
        await session.flush()
        await session.refresh(row)
    return row


async def _leave_room(session: AsyncSession, workspace_id: UUID) -> None:
    if await restorable.count_living(session, PriceOverride, workspace_id) >= MOST_OVERRIDES:
        raise TooManyOverrides(f"A workspace has at most {MOST_OVERRIDES}; use patterns.")


async def settings(session: AsyncSession, access: Access) -> BillingSettings:
    """The workspace's currency and discounts; made at the first question."""
    found = await crud.settings(session, access.workspace_id)
    return found or await crud.make_settings(session, access.workspace_id, new_id())


async def update_settings(
    session: AsyncSession, access: Access, change: PriceSettingsUpdate
) -> BillingSettings:
    found = await settings(session, access)
    await match(session, found)
    told = {name: getattr(change, name) for name in change.model_fields_set}
    if "discounts" in told:
        told["discounts"] = [d.model_dump(mode="json") for d in told["discounts"]]
    for name, value in told.items():
        setattr(found, name, value)
    await session.flush()
    await session.refresh(found)
    return found
