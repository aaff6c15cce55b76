"""A workspace's own tools in Postgres."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.agents.custom_tools.errors import ToolSlugTaken
from app.agents.custom_tools.models import CustomTool
from app.agents.custom_tools.schemas import CustomToolQuery
from app.core import restorable
from app.core.paging import Cursors, Slice

MOST_LISTED = 1000


async def get(
    session: AsyncSession, workspace_id: UUID, tool_id: UUID, *, for_update: bool = False
) -> CustomTool | None:
    """A living one."""
    statement = restorable.living(CustomTool, workspace_id).where(CustomTool.id == tool_id)
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def by_slug(session: AsyncSession, workspace_id: UUID, slug: str) -> CustomTool | None:
    """A living one."""
    statement = restorable.living(CustomTool, workspace_id).where(CustomTool.slug == slug)
    return (await session.scalars(statement)).one_or_none()


async def all_of(session: AsyncSession, workspace_id: UUID) -> Sequence[CustomTool]:
    """By slug, the first thousand."""
    statement = restorable.living(CustomTool, workspace_id)
    ordered = statement.order_by(CustomTool.slug).limit(MOST_LISTED)
    return (await session.scalars(ordered)).all()


async def page(
    session: AsyncSession, workspace_id: UUID, query: CustomToolQuery, cursors: Cursors
) -> Slice[CustomTool]:
    wanted = []
    if query.enabled is not None:
        wanted.append(CustomTool.enabled == query.enabled)
    if query.imported is not None:
        made_by_hand = CustomTool.origin.is_(None)
        wanted.append(~made_by_hand if query.imported else made_by_hand)
    return await restorable.page(session, CustomTool, workspace_id, query, cursors, *wanted)


async def add(session: AsyncSession, tool: CustomTool) -> None:
    """Raises ToolSlugTaken."""
    async with _a_slug_of_its_own(session, tool.slug):
        session.add(tool)


async def restore(session: AsyncSession, tool: CustomTool) -> None:
    """Have a deleted one live again; raises ToolSlugTaken."""
    async with _a_slug_of_its_own(session, tool.slug):
        tool.deleted_at = None


@asynccontextmanager
async def _a_slug_of_its_own(session: AsyncSession, slug: str) -> AsyncIterator[None]:
    try:
        async with session.begin_nested():
            yield
    except IntegrityError as error:
        raise ToolSlugTaken(f"The slug {slug!r} is in use; give this tool another.") from error
