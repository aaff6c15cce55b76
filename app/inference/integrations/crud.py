"""Integrations in Postgres."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.inference.integrations.errors import IntegrationSlugTaken
from app.inference.integrations.models import Integration
from app.inference.integrations.schemas import IntegrationQuery


def _living(workspace_id: UUID) -> Select[Integration]:
    return select(Integration).where(
        Integration.workspace_id == workspace_id, Integration.deleted_at.is_(None)
    )


async def get(
    session: AsyncSession, workspace_id: UUID, integration_id: UUID
) -> Integration | None:
    """A living integration."""
    statement = _living(workspace_id).where(Integration.id == integration_id)
    return (await session.scalars(statement)).one_or_none()


async def get_even_deleted(
    session: AsyncSession, workspace_id: UUID, integration_id: UUID
) -> Integration | None:
    statement = select(Integration).where(
        Integration.workspace_id == workspace_id, Integration.id == integration_id
    )
    return (await session.scalars(statement.with_for_update())).one_or_none()


async def every(session: AsyncSession, workspace_id: UUID) -> Sequence[Integration]:
    """All of a workspace's integrations, oldest first."""
    return (await session.scalars(_living(workspace_id).order_by(Integration.id))).all()


async def page(
    session: AsyncSession, workspace_id: UUID, query: IntegrationQuery, cursors: Cursors
) -> Slice[Integration]:
    deleted = Integration.deleted_at
    statement = select(Integration).where(
        Integration.workspace_id == workspace_id,
        deleted.is_not(None) if query.deleted else deleted.is_(None),
    )
    if query.kind:
        statement = statement.where(Integration.kind == query.kind)
    if query.enabled is not None:
        statement = statement.where(Integration.enabled == query.enabled)
    keyset = Keyset(Integration.created_at, Integration.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def add(session: AsyncSession, integration: Integration) -> Integration:
    """Raises IntegrationSlugTaken."""
    async with _slug_of_its_own(session, integration.slug):
        session.add(integration)
    return integration


async def restore(session: AsyncSession, integration: Integration) -> None:
    """Have a deleted one live again; raises IntegrationSlugTaken."""
    async with _slug_of_its_own(session, integration.slug):
        integration.deleted_at = None


@asynccontextmanager
async def _slug_of_its_own(session: AsyncSession, slug: str) -> AsyncIterator[None]:
    """Write what is done within, or raise IntegrationSlugTaken with nothing done."""
    try:
        async with session.begin_nested():
            yield
    except IntegrityError as error:
        raise IntegrationSlugTaken(
            f"The slug {slug!r} is in use; give this integration another."
        ) from error
