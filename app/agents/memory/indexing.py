"""Having memories found by their words and their meaning."""

from app.agents.memory.facts import KIND, Author
from app.agents.memory.models import Memory, MemoryRevision
from app.core.db import AsyncSession
from app.knowledge.passages import service as passages
from app.knowledge.passages.draft import Draft, Subject


async def put(
    session: AsyncSession, author: Author, memory: Memory, revision: MemoryRevision
) -> None:
    """Have a memory found by what is believed of it now; its vector follows after the commit."""
    counts = memory.status == "active" and memory.deleted_at is None and revision.periods
    if not counts:
        await remove(session, memory)
        return
    subject = Subject(
        memory.workspace_id,
        KIND,
        memory.id,
        created_by_id=memory.user_id or author.user_id,
        parent_id=memory.agent_id or (memory.workspace_id if memory.user_id is None else None),
        user_id=memory.user_id,
    )
    await passages.put(session, subject, [Draft(revision.text)])


async def remove(session: AsyncSession, memory: Memory) -> None:
    """Have it found no more; its vector goes after the commit."""
    await passages.remove(session, memory.workspace_id, KIND, memory.id)
