"""Credentials of tools in Postgres."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.credentials.errors import ToolCredentialNameTaken
from app.agents.credentials.models import ToolCredential
from app.agents.credentials.schemas import ToolCredentialQuery
from app.core import restorable
from app.core.paging import Cursors, Slice


async def get(
    session: AsyncSession, workspace_id: UUID, credential_id: UUID, *, for_update: bool = False
) -> ToolCredential | None:
    """A living one."""
    statement = restorable.living(ToolCredential, workspace_id).where(
        ToolCredential.id == credential_id
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def named(session: AsyncSession, workspace_id: UUID, name: str) -> ToolCredential | None:
    """A living one."""
    statement = restorable.living(ToolCredential, workspace_id).where(ToolCredential.name == name)
    return (await session.scalars(statement)).one_or_none()


async def ready(session: AsyncSession, workspace_id: UUID) -> Sequence[ToolCredential]:
    """The living ones that have their secret."""
    return await restorable.all_living(
        session, ToolCredential, workspace_id, ToolCredential.sealed_secret.is_not(None)
    )


async def page(
    session: AsyncSession, workspace_id: UUID, query: ToolCredentialQuery, cursors: Cursors
) -> Slice[ToolCredential]:
    wanted = [ToolCredential.kind == query.kind] if query.kind else []
    return await restorable.page(session, ToolCredential, workspace_id, query, cursors, *wanted)


async def add(session: AsyncSession, credential: ToolCredential) -> None:
    """Raises ToolCredentialNameTaken."""
    async with _a_name_of_its_own(session, credential.name):
        session.add(credential)


async def restore(session: AsyncSession, credential: ToolCredential) -> None:
    """Have a deleted one live again; raises ToolCredentialNameTaken."""
    async with _a_name_of_its_own(session, credential.name):
        credential.deleted_at = None


@asynccontextmanager
async def _a_name_of_its_own(session: AsyncSession, name: str) -> AsyncIterator[None]:
    try:
        async with session.begin_nested():
            yield
    except IntegrityError as error:
        raise ToolCredentialNameTaken(
            f"The name {name!r} is in use; give this credential another."
        ) from error
