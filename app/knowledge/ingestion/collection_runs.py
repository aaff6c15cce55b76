"""Starting the runs that change a whole collection."""

from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.inference.embeddings.embedders import Embedders
from app.knowledge.collections import service as collections
from app.knowledge.collections import snapshots
from app.knowledge.collections.errors import ReindexUnderWay
from app.knowledge.ingestion import reindexing, rolling_back
from app.knowledge.ingestion.schemas import ReindexCreate
from app.knowledge.ingestion.starting import Starter
from app.runs.runs import service as runs
from app.runs.runs.models import Run


async def reindex(
    session: AsyncSession,
    embedders: Embedders,
    access: Access,
    starter: Starter,
    collection_id: UUID,
    change: ReindexCreate,
) -> Run:
    """Raises CollectionNotFound, CollectionReadOnly, EmbeddingModelNotUsable, ReindexUnderWay."""
    collection = await collections.get(session, access, collection_id, to="write", for_update=True)
    if collection.reindex_run_id is not None:
        before = await runs.find(session, access.workspace_id, collection.reindex_run_id)
        if before is not None and before.ended_at is None:
            raise ReindexUnderWay(f"The run {before.id} does so; wait, or cancel it.")
    moves = "embedding_model" in change.model_fields_set
    if moves:
        await collections.expect_model(embedders, access, change.embedding_model)
    run = await runs.create(
        session,
        starter.owner,
        executor_id=starter.executor_id,
        kind=reindexing.KIND,
        subject_id=collection.id,
        input={
            "collection_id": str(collection.id),
            "moves": moves,
            "model": change.embedding_model,
            "chunking": change.chunking.model_dump() if change.chunking else None,
        },
    )
    collection.reindex_run_id = run.id
    await session.flush()
    starter.launch(run)
    return run


async def roll_back(
    session: AsyncSession,
    access: Access,
    starter: Starter,
    collection_id: UUID,
    snapshot_id: UUID,
) -> Run:
    """Raises CollectionNotFound, CollectionReadOnly and SnapshotNotFound."""
    snapshot = await snapshots.get(session, access, collection_id, snapshot_id, to="write")
    run = await runs.create(
        session,
        starter.owner,
        executor_id=starter.executor_id,
        kind=rolling_back.KIND,
        subject_id=snapshot.collection_id,
        input={"collection_id": str(snapshot.collection_id), "snapshot_id": str(snapshot.id)},
    )
    starter.launch(run)
    return run
