"""Policies of dictionaries in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.ids import new_id
from app.knowledge.detection.policies.models import DictionaryPolicy
from app.knowledge.dictionary.models import Dictionary


async def get_or_make(
    session: AsyncSession, workspace_id: UUID, dictionary_id: UUID, *, for_update: bool = False
) -> DictionaryPolicy:
    """The policy of a dictionary; one that has none is given the default."""
    statement = select(DictionaryPolicy).where(
        DictionaryPolicy.workspace_id == workspace_id,
        DictionaryPolicy.dictionary_id == dictionary_id,
    )
    if for_update:
        statement = statement.with_for_update()
    found = (await session.scalars(statement)).one_or_none()
    if found is not None:
        return found
    # Two first questions at once make one row.
    made = insert(DictionaryPolicy).values(
        id=new_id(), workspace_id=workspace_id, dictionary_id=dictionary_id
    )
    await session.execute(made.on_conflict_do_nothing(index_elements=["dictionary_id"]))
    return (await session.scalars(statement)).one()


async def of_dictionaries(
    session: AsyncSession, workspace_id: UUID, dictionary_ids: Sequence[UUID]
) -> dict[UUID, DictionaryPolicy | None]:
    """Of the living ones among these, in their order."""
    statement = (
        select(Dictionary.id, DictionaryPolicy)
        .outerjoin(DictionaryPolicy, DictionaryPolicy.dictionary_id == Dictionary.id)
        .where(
            Dictionary.workspace_id == workspace_id,
            Dictionary.deleted_at.is_(None),
            Dictionary.id.in_(dictionary_ids),
        )
    )
    found = {row[0]: row[1] for row in await session.execute(statement)}
    return {each: found[each] for each in dict.fromkeys(dictionary_ids) if each in found}
