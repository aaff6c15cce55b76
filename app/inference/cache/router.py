"""/v1/caches."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.inference.cache import service
from app.inference.cache.edge import ResponsesDep
from app.inference.cache.errors import CacheNotFound
from app.inference.cache.models import ResponseCache
from app.inference.cache.schemas import CacheCreate, CacheQuery, CacheRead, CacheUpdate

Reader = Annotated[Access, require(Permission.CACHES_READ)]
Writer = Annotated[Access, require(Permission.CACHES_WRITE)]

router = guarded_router(prefix="/v1/caches", tag="caches")


@router.get(
    "",
    operation_id="caches_list",
    summary="List caches, newest first",
    response_model=Page[CacheRead],
    responses=problems(CursorInvalid),
)
async def list_caches(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[CacheQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="caches_create",
    summary="Make a cache",
    status_code=201,
    response_model=CacheRead,
    responses=problems(),
)
async def create_cache(
    access: Writer,
    session: Session,
    responses: ResponsesDep,
    new: CacheCreate,
    response: Response,
) -> ResponseCache:
    made = await service.create(session, access, new, responses.forget)
    response.headers["Location"] = f"/v1/caches/{made.id}"
    return made


@router.get(
    "/{cache_id}",
    operation_id="caches_get",
    summary="Show a cache",
    response_model=CacheRead,
    responses=problems(CacheNotFound),
)
async def get_cache(access: Reader, session: Session, cache_id: UUID) -> ResponseCache:
    return await service.get(session, access, cache_id)


@router.patch(
    "/{cache_id}",
    operation_id="caches_update",
    summary="Change a cache",
    response_model=CacheRead,
    responses=problems(CacheNotFound),
)
async def update_cache(
    access: Writer, session: Session, responses: ResponsesDep, cache_id: UUID, change: CacheUpdate
) -> ResponseCache:
    return await service.update(session, access, cache_id, change, responses.forget)


@router.delete(
    "/{cache_id}",
    operation_id="caches_delete",
    summary="Delete a cache and its entries; the cache can be restored for 30 days",
    status_code=204,
    responses=problems(CacheNotFound),
)
async def delete_cache(
    access: Writer, session: Session, responses: ResponsesDep, cache_id: UUID
) -> None:
    await service.delete(session, access, cache_id, responses.forget, responses.purge)


@router.delete(
    "/{cache_id}/entries",
    operation_id="caches_delete_entries",
    summary="Delete what a cache has kept",
    status_code=204,
    responses=problems(CacheNotFound),
)
async def delete_cache_entries(
    access: Writer, session: Session, responses: ResponsesDep, cache_id: UUID
) -> None:
    await service.empty(session, access, cache_id, responses.forget, responses.purge)


@router.post(
    "/{cache_id}/restore",
    operation_id="caches_restore",
    summary="Bring a deleted cache back, empty",
    response_model=CacheRead,
    responses=problems(CacheNotFound, RestoreExpired),
)
async def restore_cache(
    access: Writer, session: Session, responses: ResponsesDep, cache_id: UUID
) -> ResponseCache:
    return await service.restore(session, access, cache_id, responses.forget)
