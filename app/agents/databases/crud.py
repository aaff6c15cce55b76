"""Connected databases in Postgres."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.databases.errors import DatabaseSlugTaken
from app.agents.databases.models import ConnectedDatabase
from app.agents.databases.schemas import DatabaseQuery
from app.core import restorable
from app.core.paging import Cursors, Slice


async def page(
    session: AsyncSession, workspace_id: UUID, query: DatabaseQuery, cursors: Cursors
) -> Slice[ConnectedDatabase]:
    wanted = [] if query.enabled is None else [ConnectedDatabase.enabled == query.enabled]
    return await restorable.page(session, ConnectedDatabase, workspace_id, query, cursors, *wanted)


async def named(session: AsyncSession, workspace_id: UUID, slug: str) -> ConnectedDatabase | None:
    """A living one."""
    statement = restorable.living(ConnectedDatabase, workspace_id).where(
        ConnectedDatabase.slug == slug
    )
    return (await session.scalars(statement)).one_or_none()


async def usable(session: AsyncSession, workspace_id: UUID) -> Sequence[ConnectedDatabase]:
    """Those that can be asked, oldest first."""
    return await restorable.all_living(
        session,
        ConnectedDatabase,
        workspace_id,
        ConnectedDatabase.enabled.is_(True),
        ConnectedDatabase.sealed_dsn.is_not(None),
    )


async def add(session: AsyncSession, database: ConnectedDatabase) -> None:
    """Raises DatabaseSlugTaken."""
    async with _a_slug_of_its_own(session, database.slug):
        session.add(database)


async def save(session: AsyncSession, database: ConnectedDatabase, slug: str) -> None:
    """Write down what was changed, and its slug; raises DatabaseSlugTaken."""
    async with _a_slug_of_its_own(session, slug):
        database.slug = slug
    await session.refresh(database)


async def restore(session: AsyncSession, database: ConnectedDatabase) -> None:
    """Have a deleted one live again; raises DatabaseSlugTaken."""
    async with _a_slug_of_its_own(session, database.slug):
        database.deleted_at = None
    await session.refresh(database)


@asynccontextmanager
async def _a_slug_of_its_own(session: AsyncSession, slug: str) -> AsyncIterator[None]:
    try:
        async with session.begin_nested():
            yield
    except IntegrityError as error:
        raise DatabaseSlugTaken(
            f"The slug {slug!r} is in use; give this database another."
        ) from error
