"""What is tried on, or changes, a whole collection."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.knowledge.collections.documents_router import FilesDep
from app.knowledge.collections.edge import EmbeddersDep
from app.knowledge.collections.errors import (
    CollectionNotFound,
    CollectionReadOnly,
    DocumentNotFound,
    DocumentNotReady,
    EmbeddingModelNotUsable,
    ReindexUnderWay,
    SnapshotNotFound,
)
from app.knowledge.ingestion import collection_runs, previewing
from app.knowledge.ingestion.edge import StarterDep, Writer
from app.knowledge.ingestion.errors import TooManyChunks
from app.knowledge.ingestion.schemas import (
    ChunkPreview,
    ChunkPreviewRequest,
    ReindexCreate,
    StartedRun,
)
from app.knowledge.storage.errors import FileMissing
from app.runs.runs.models import Run

Reader = Annotated[Access, require(Permission.COLLECTIONS_READ)]

router = guarded_router(prefix="/v1/collections/{collection_id}", tag="collections")


@router.post(
    "/chunk-preview",
    operation_id="collections_preview_chunks",
    summary="Try chunk rules on a document",
    dependencies=[off_rails("it looks, and changes nothing")],
    responses=problems(
        CollectionNotFound, DocumentNotFound, DocumentNotReady, TooManyChunks, FileMissing
    ),
)
async def preview_chunks(
    collection_id: UUID,
    access: Reader,
    kernel: KernelDep,
    files: FilesDep,
    wanted: ChunkPreviewRequest,
) -> ChunkPreview:
    return await previewing.preview(kernel.database, files, access, collection_id, wanted)


@router.post(
    "/reindex",
    operation_id="collections_reindex",
    summary="Change a collection's embedding model or chunking, while it is searched",
    status_code=202,
    responses=problems(
        CollectionNotFound, CollectionReadOnly, EmbeddingModelNotUsable, ReindexUnderWay
    ),
)
async def reindex_collection(
    collection_id: UUID,
    access: Writer,
    session: Session,
    embedders: EmbeddersDep,
    starter: StarterDep,
    change: ReindexCreate,
    response: Response,
) -> StartedRun:
    run = await collection_runs.reindex(session, embedders, access, starter, collection_id, change)
    return _started(run, response)


@router.post(
    "/snapshots/{snapshot_id}/rollback",
    operation_id="collection_snapshots_rollback",
    summary="Bring a collection back to a snapshot",
    description=(
        "Documents that were added since are deleted, deleted ones restored, and versions set "
        "back. What is deleted so can be restored for 30 days like everything else."
    ),
    status_code=202,
    responses=problems(CollectionNotFound, CollectionReadOnly, SnapshotNotFound),
)
async def roll_collection_back(
    collection_id: UUID,
    snapshot_id: UUID,
    access: Writer,
    session: Session,
    starter: StarterDep,
    response: Response,
) -> StartedRun:
    run = await collection_runs.roll_back(session, access, starter, collection_id, snapshot_id)
    return _started(run, response)


def _started(run: Run, response: Response) -> StartedRun:
    response.headers["X-Run-Id"] = str(run.id)
    response.headers["Location"] = f"/v1/runs/{run.id}"
    return StartedRun(run_id=run.id)
