"""A collection's passages while they are indexed anew, in Postgres."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, and_, delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.knowledge.collections.crud import KIND
from app.knowledge.collections.models import ReindexedPassage
from app.knowledge.passages.crud import held
from app.knowledge.passages.models import Passage, VectorRemoval

# A search that began before a flip still looks at the old vectors.
GRACE: Final = timedelta(minutes=1)
# To change a million passages over, all at once, takes longer than a statement otherwise may.
_TAKE_TIME: Final = text("set local statement_timeout = '15min'")


async def unmoved(
    session: AsyncSession, workspace_id: UUID, collection_id: UUID, after: UUID | None, most: int
) -> Sequence[Passage]:
    """Some passages of a collection that have no vector in the new space yet, by their ids."""
    moved = select(ReindexedPassage.passage_id).where(
        ReindexedPassage.passage_id == Passage.id,
        ReindexedPassage.collection_id == collection_id,
        ReindexedPassage.kept,
    )
    statement = (
        select(Passage)
        .where(
            Passage.workspace_id == workspace_id,
            Passage.kind == KIND,
            Passage.parent_id == collection_id,
            ~moved.exists(),
        )
        .order_by(Passage.id)
        .limit(most)
    )
    if after is not None:
        statement = statement.where(Passage.id > after)
    return (await session.scalars(statement)).all()


async def count(session: AsyncSession, workspace_id: UUID, collection_id: UUID) -> int:
    statement = select(func.count()).where(
        Passage.workspace_id == workspace_id,
        Passage.kind == KIND,
        Passage.parent_id == collection_id,
    )
    return await session.scalar(statement) or 0


async def note(
    session: AsyncSession,
    workspace_id: UUID,
    collection_id: UUID,
    space: str,
    passage_ids: Sequence[UUID],
) -> None:
    """Vectors of these passages are, or will be, in a space that is not yet theirs."""
    rows = [
        {
            "passage_id": passage_id,
            "space": space,
            "collection_id": collection_id,
            "workspace_id": workspace_id,
        }
        for passage_id in passage_ids
    ]
    if rows:
        await session.execute(insert(ReindexedPassage).values(rows).on_conflict_do_nothing())


async def mark_kept(
    session: AsyncSession, workspace_id: UUID, space: str, passage_ids: Sequence[UUID]
) -> None:
    await session.execute(
        update(ReindexedPassage)
        .where(
            ReindexedPassage.workspace_id == workspace_id,
            ReindexedPassage.space == space,
            ReindexedPassage.passage_id.in_(passage_ids),
        )
        .values(kept=True)
    )


async def flip(
    session: AsyncSession, workspace_id: UUID, collection_id: UUID, model: str | None, space: str
) -> None:
    """Have all passages of a collection found in a new space, and the old vectors removed."""
    await session.execute(_TAKE_TIME)
    of_it = (
        Passage.workspace_id == workspace_id,
        Passage.kind == KIND,
        Passage.parent_id == collection_id,
    )
    later = literal(now() + GRACE, DateTime(timezone=True))
    old = select(Passage.id, Passage.space, Passage.workspace_id, later).where(
        *of_it, Passage.space.is_not(None), Passage.space != space
    )
    await session.execute(
        insert(VectorRemoval)
        .from_select(["passage_id", "space", "workspace_id", "due_at"], old)
        .on_conflict_do_nothing()
    )
    moved = select(Passage.id).where(*of_it)
    # Of a change there and back again: the vectors are wanted once more.
    await session.execute(
        delete(VectorRemoval).where(
            VectorRemoval.space == space, VectorRemoval.passage_id.in_(moved)
        )
    )
    await session.execute(
        update(Passage)
        .where(Passage.id.in_(held(*of_it)))
        .values(embedding_model=model, space=space, due_at=None, attempts=0, error=None)
        .execution_options(synchronize_session=False)
    )


async def forget(session: AsyncSession, workspace_id: UUID, collection_id: UUID) -> None:
    """End an indexing: vectors that came to be no passage's are removed."""
    noted = (
        ReindexedPassage.workspace_id == workspace_id,
        ReindexedPassage.collection_id == collection_id,
    )
    theirs = and_(
        Passage.id == ReindexedPassage.passage_id, Passage.space == ReindexedPassage.space
    )
    orphans = select(
        ReindexedPassage.passage_id, ReindexedPassage.space, ReindexedPassage.workspace_id
    ).where(*noted, ~select(Passage.id).where(theirs).exists())
    await session.execute(
        insert(VectorRemoval)
        .from_select(["passage_id", "space", "workspace_id"], orphans)
        .on_conflict_do_nothing()
    )
    await session.execute(delete(ReindexedPassage).where(*noted))
