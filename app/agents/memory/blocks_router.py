"""/v1/memory-blocks."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.agents.definitions.errors import AgentNotFound
from app.agents.memory import blocks
from app.agents.memory.blocks_schemas import (
    BlockBulk,
    BlockCreate,
    BlockQuery,
    BlockRead,
    BlockUpdate,
)
from app.agents.memory.edge import Reader, Writer
from app.agents.memory.errors import BlockLabelTaken, BlockNotFound, TooManyBlocks
from app.agents.memory.models import MemoryBlock
from app.core.bulk import BulkResult
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

router = guarded_router(prefix="/v1/memory-blocks", tag="memory-blocks")


@router.get(
    "",
    operation_id="memory_blocks_list",
    summary="List the blocks that agents may be shown, newest first",
    response_model=Page[BlockRead],
    responses=problems(CursorInvalid),
)
async def list_blocks(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[BlockQuery, Query()]
) -> object:
    return await blocks.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="memory_blocks_create",
    summary="Make a block that agents can share",
    status_code=201,
    response_model=BlockRead,
    responses=problems(AgentNotFound, BlockLabelTaken, TooManyBlocks),
)
async def create_block(
    access: Writer, session: Session, new: BlockCreate, response: Response
) -> MemoryBlock:
    made = await blocks.create(session, access, new)
    response.headers["Location"] = f"/v1/memory-blocks/{made.id}"
    return made


@router.post(
    "/bulk",
    operation_id="memory_blocks_bulk",
    summary="Delete or restore up to 500 blocks",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_blocks(access: Writer, session: Session, request: BlockBulk) -> BulkResult:
    return await blocks.bulk(session, access, request.items)


@router.get(
    "/{block_id}",
    operation_id="memory_blocks_get",
    summary="Show a block",
    response_model=BlockRead,
    responses=problems(BlockNotFound),
)
async def get_block(access: Reader, session: Session, block_id: UUID) -> MemoryBlock:
    return await blocks.get(session, access, block_id)


@router.patch(
    "/{block_id}",
    operation_id="memory_blocks_update",
    summary="Change a block",
    response_model=BlockRead,
    responses=problems(BlockNotFound, BlockLabelTaken),
)
async def update_block(
    access: Writer, session: Session, block_id: UUID, change: BlockUpdate
) -> MemoryBlock:
    return await blocks.update(session, access, block_id, change)


@router.delete(
    "/{block_id}",
    operation_id="memory_blocks_delete",
    summary="Delete a block; it can be restored for 30 days",
    status_code=204,
    responses=problems(BlockNotFound),
)
async def delete_block(access: Writer, session: Session, block_id: UUID) -> None:
    await blocks.delete(session, access, block_id)


@router.post(
    "/{block_id}/restore",
    operation_id="memory_blocks_restore",
    summary="Bring a deleted block back",
    response_model=BlockRead,
    responses=problems(BlockNotFound, BlockLabelTaken, TooManyBlocks, RestoreExpired),
)
async def restore_block(access: Writer, session: Session, block_id: UUID) -> MemoryBlock:
    return await blocks.restore(session, access, block_id)
