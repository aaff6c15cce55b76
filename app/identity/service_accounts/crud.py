"""Queries on service accounts."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.identity.service_accounts.models import ServiceAccount
from app.identity.workspaces.models import Membership


def _of(workspace_id: UUID) -> Select[ServiceAccount]:
    return select(ServiceAccount).where(ServiceAccount.workspace_id == workspace_id)


async def get(
    session: AsyncSession, workspace_id: UUID, service_account_id: UUID
) -> ServiceAccount | None:
    found: ServiceAccount | None = await session.scalar(
        _of(workspace_id).where(ServiceAccount.id == service_account_id)
    )
    return found


async def page(
    session: AsyncSession, workspace_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[ServiceAccount]:
    """Newest first."""
    return await fetch_page(
        session,
        _of(workspace_id),
        Keyset(ServiceAccount.created_at, ServiceAccount.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
    )


async def memberships(
    session: AsyncSession, workspace_id: UUID, user_ids: Collection[UUID]
) -> dict[UUID, Membership]:
    """The memberships of these users."""
    found = await session.scalars(
        select(Membership).where(
            Membership.workspace_id == workspace_id, Membership.user_id.in_(user_ids)
        )
    )
    return {membership.user_id: membership for membership in found}


async def add(session: AsyncSession, account: ServiceAccount) -> ServiceAccount:
    session.add(account)
    await session.flush()
    return account


async def delete(session: AsyncSession, account: ServiceAccount) -> None:
    await session.delete(account)
    await session.flush()
