"""/v1/memories."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from app.agents.definitions.errors import AgentNotFound
from app.agents.memory import recalled, service
from app.agents.memory.edge import Reader, RecallingDep, Writer, index_after
from app.agents.memory.errors import (
    FactIncomplete,
    MemoryChangedSince,
    MemoryNotFound,
    NotProposed,
    PeriodInvalid,
    TooManyMemories,
)
from app.agents.memory.schemas import (
    MemoryBulk,
    MemoryCreate,
    MemoryQuery,
    MemoryUpdate,
    RecallCreate,
    RevisionQuery,
)
from app.agents.memory.schemas_read import MemoryRead, MemoryRevisionRead, RecallRead
from app.core.bulk import BulkResult
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

LINES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON lines: a memory each, with its `history`.",
        "content": {"application/x-ndjson": {}},
    }
}

router = guarded_router(prefix="/v1/memories", tag="memories")


@router.get(
    "",
    operation_id="memories_list",
    summary="List memories, newest first: your own, the workspace's, and those of agents",
    description=(
        "`valid_at` asks for what held at an instant, `known_at` for what was believed at one: "
        "each memory is shown as it was known then. Nobody sees another person's own memories."
    ),
    response_model=Page[MemoryRead],
    responses=problems(CursorInvalid),
)
async def list_memories(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[MemoryQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="memories_create",
    summary="Have something remembered",
    description=(
        "A fact with `subject`, `predicate` and `object` takes the place of what was told before "
        "of the same subject and predicate, for the time in which it holds; predicates that are "
        "multi-valued keep all. What is known already is confirmed, and shown."
    ),
    status_code=201,
    response_model=MemoryRead,
    responses=problems(AgentNotFound, PeriodInvalid, TooManyMemories),
)
async def create_memory(
    access: Writer, session: Session, kernel: KernelDep, new: MemoryCreate, response: Response
) -> MemoryRead:
    index_after(session, kernel)
    made = await service.create(session, access, new)
    response.headers["Location"] = f"/v1/memories/{made.id}"
    return made


@router.post(
    "/bulk",
    operation_id="memories_bulk",
    summary="Forget, restore, accept or decline up to 500 memories",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_memories(
    access: Writer, session: Session, kernel: KernelDep, request: MemoryBulk
) -> BulkResult:
    index_after(session, kernel)
    return await service.bulk(session, access, request.items)


@router.post(
    "/recall",
    operation_id="memories_recall",
    summary="Show what would be recalled for a question, what is left out, and why",
    response_model=RecallRead,
    responses=problems(AgentNotFound),
    dependencies=[off_rails("a recall changes nothing")],
)
async def recall_memories(
    access: Reader, recalling: RecallingDep, wanted: RecallCreate
) -> RecallRead:
    return await recalled.recall(recalling, access, wanted)


@router.get(
    "/export",
    operation_id="memories_export",
    summary="Read all memories that you see as JSON lines, with their histories",
    response_class=StreamingResponse,
    responses=LINES | problems(),
)
async def export_memories(access: Reader, kernel: KernelDep) -> StreamingResponse:
    return StreamingResponse(
        service.export(kernel.database, access),
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="memories.jsonl"',
        },
        media_type="application/x-ndjson",
    )


@router.get(
    "/{memory_id}",
    operation_id="memories_get",
    summary="Show a memory, and why it exists",
    response_model=MemoryRead,
    responses=problems(MemoryNotFound),
)
async def get_memory(access: Reader, session: Session, memory_id: UUID) -> MemoryRead:
    return await service.show(session, access, memory_id)


@router.patch(
    "/{memory_id}",
    operation_id="memories_update",
    summary="Correct a memory; what was believed before stays in its history",
    response_model=MemoryRead,
    responses=problems(MemoryNotFound, FactIncomplete, PeriodInvalid),
)
async def update_memory(
    access: Writer, session: Session, kernel: KernelDep, memory_id: UUID, change: MemoryUpdate
) -> MemoryRead:
    index_after(session, kernel)
    return await service.update(session, access, memory_id, change)


@router.delete(
    "/{memory_id}",
    operation_id="memories_delete",
    summary="Forget a memory; it can be restored for 30 days",
    description=(
        "It is found and recalled no more. With `forever`, and after 30 days, it goes with its "
        "history and its vector, and nothing brings it back."
    ),
    status_code=204,
    responses=problems(MemoryNotFound),
)
async def delete_memory(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    memory_id: UUID,
    forever: Annotated[bool, Query(description="At once, and for good.")] = False,
) -> None:
    index_after(session, kernel)
    await service.forget(session, access, memory_id, forever=forever)


@router.post(
    "/{memory_id}/restore",
    operation_id="memories_restore",
    summary="Bring a forgotten memory back, for the time that nothing else was told of",
    response_model=MemoryRead,
    responses=problems(MemoryNotFound, RestoreExpired, TooManyMemories),
)
async def restore_memory(
    access: Writer, session: Session, kernel: KernelDep, memory_id: UUID
) -> MemoryRead:
    index_after(session, kernel)
    return await service.restore(session, access, memory_id)


@router.post(
    "/{memory_id}/undo",
    operation_id="memories_undo",
    summary="Take the last change of a memory back, with what it did to others",
    description=(
        "A memory that was superseded holds again, and the one that superseded it is taken back; "
        "a forgotten one is restored. To undo an undo is to do it again."
    ),
    response_model=MemoryRead,
    responses=problems(MemoryNotFound, MemoryChangedSince, RestoreExpired, TooManyMemories),
)
async def undo_memory(
    access: Writer, session: Session, kernel: KernelDep, memory_id: UUID
) -> MemoryRead:
    index_after(session, kernel)
    return await service.undo(session, access, memory_id)


@router.post(
    "/{memory_id}/accept",
    operation_id="memories_accept",
    summary="Have a proposed memory count",
    response_model=MemoryRead,
    responses=problems(MemoryNotFound, NotProposed),
)
async def accept_memory(
    access: Writer, session: Session, kernel: KernelDep, memory_id: UUID
) -> MemoryRead:
    index_after(session, kernel)
    return await service.accept(session, access, memory_id)


@router.post(
    "/{memory_id}/decline",
    operation_id="memories_decline",
    summary="Turn a proposed memory down; it can be restored for 30 days",
    response_model=MemoryRead,
    responses=problems(MemoryNotFound, NotProposed),
)
async def decline_memory(access: Writer, session: Session, memory_id: UUID) -> MemoryRead:
    return await service.decline(session, access, memory_id)


@router.get(
    "/{memory_id}/history",
    operation_id="memories_history",
    summary="List what was ever believed of a memory, newest first",
    response_model=Page[MemoryRevisionRead],
    responses=problems(MemoryNotFound, CursorInvalid),
)
async def list_revisions(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    memory_id: UUID,
    query: Annotated[RevisionQuery, Query()],
) -> object:
    return await service.history(session, access, memory_id, query, kernel.cursors)
