"""Integrations in Postgres."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Slice
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


async def page(
    session: AsyncSession, workspace_id: UUID, query: IntegrationQuery, cursors: Cursors
) -> Slice[Integration]:
    wanted = []
    if query.kind:
        wanted.append(Integration.kind == query.kind)
    if query.enabled is not None:
        wanted.append(Integration.enabled == query.enabled)
    return await restorable.page(session, Integration, workspace_id, query, cursors, *wanted)


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
