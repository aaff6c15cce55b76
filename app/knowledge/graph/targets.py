"""Collections, dictionaries and conversations as what is read: by the passages that they hold."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.graph.errors import TargetNotFound
from app.knowledge.graph.sight import Sight
from app.knowledge.passages.models import Passage


async def expect_targets(session: AsyncSession, sight: Sight, parent_ids: Sequence[UUID]) -> None:
    """Raise TargetNotFound where the caller may see one of these not at all, or it is unknown.

    What holds no passage yet is known where it is among what they are let to by name.
    """
    named = {each for reach in sight.reaches for each in reach.parents or ()}
    asked = [each for each in parent_ids if each not in named]
    if not asked:
        return
    statement = select(Passage.parent_id).where(sight.covers(), Passage.parent_id.in_(asked))
    found = set(await session.scalars(statement.distinct()))
    if found != set(asked):
        raise TargetNotFound("Name a collection, dictionary or conversation with something in it.")
