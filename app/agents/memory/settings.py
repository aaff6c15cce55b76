"""How a workspace remembers: what draws facts, what that may cost, and who looks at them."""

from app.agents.memory import settings_crud as crud
from app.agents.memory.models import MemorySettings
from app.agents.memory.settings_schemas import MemorySettingsUpdate
from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.versions import match


async def show(session: AsyncSession, access: Access) -> MemorySettings:
    """The workspace's, made at the first question."""
    found = await crud.get(session, access.workspace_id)
    return found or await crud.made(session, access.workspace_id)


async def update(
    session: AsyncSession, access: Access, change: MemorySettingsUpdate
) -> MemorySettings:
    found = await crud.made(session, access.workspace_id)
    await match(session, found)
    for field, value in change.given("python").items():
        setattr(found, field, value)
    await session.flush()
    await session.refresh(found)
    return found
