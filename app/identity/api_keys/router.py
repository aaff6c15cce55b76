"""/v1/api-keys."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.identity.api_keys import service
from app.identity.api_keys.errors import (
    ApiKeyEnded,
    ApiKeyNotFound,
    KeyFreerThanOwn,
    ScopeNotHeld,
)
from app.identity.api_keys.models import ApiKey
from app.identity.api_keys.schemas import (
    ApiKeyBulk,
    ApiKeyCreate,
    ApiKeyCreated,
    ApiKeyRead,
    ApiKeyRotate,
    ApiKeyUpdate,
    created,
)
from app.identity.forgetting import forget_on_commit

Reader = Annotated[Access, require(Permission.API_KEYS_READ)]
Writer = Annotated[Access, require(Permission.API_KEYS_WRITE)]

router = guarded_router(prefix="/v1/api-keys", tag="api_keys")


@router.get(
    "",
    operation_id="api_keys_list",
    summary="List API keys",
    description="Your own in this workspace, newest first; the revoked ones too.",
    response_model=Page[ApiKeyRead],
    responses=problems(CursorInvalid),
)
async def list_api_keys(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[PageQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="api_keys_create",
    summary="Create an API key",
    description=(
        "The key is shown in this answer and never again. It serves this workspace only. One that "
        "a key makes ends no later, serves no other addresses, and has the same limits at least."
    ),
    status_code=201,
    responses=problems(ScopeNotHeld, KeyFreerThanOwn),
)
async def create_api_key(
    body: ApiKeyCreate, access: Writer, session: Session, response: Response
) -> ApiKeyCreated:
    made, key = await service.create(session, access, body)
    response.headers["Location"] = f"/v1/api-keys/{made.id}"
    response.headers["Cache-Control"] = "no-store"
    return created(made, key)


@router.post(
    "/bulk",
    operation_id="api_keys_bulk",
    summary="Revoke up to 500 API keys",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_api_keys(
    body: ApiKeyBulk, access: Writer, session: Session, kernel: KernelDep
) -> BulkResult:
    result = await service.bulk(session, access, body.items)
    forget_on_commit(session, kernel, *(item.id for item in body.items))
    return result


@router.get(
    "/{api_key_id}",
    operation_id="api_keys_get",
    summary="Show an API key",
    response_model=ApiKeyRead,
    responses=problems(ApiKeyNotFound),
)
async def get_api_key(api_key_id: UUID, access: Reader, session: Session) -> ApiKey:
    return await service.get(session, access, api_key_id)


@router.patch(
    "/{api_key_id}",
    operation_id="api_keys_update",
    summary="Change an API key's name, addresses, limits or rules",
    response_model=ApiKeyRead,
    responses=problems(ApiKeyNotFound, KeyFreerThanOwn),
)
async def update_api_key(
    api_key_id: UUID, body: ApiKeyUpdate, access: Writer, session: Session, kernel: KernelDep
) -> ApiKey:
    changed = await service.update(session, access, api_key_id, body)
    forget_on_commit(session, kernel, api_key_id)
    return changed


@router.post(
    "/{api_key_id}/rotate",
    operation_id="api_keys_rotate",
    summary="Give an API key a new secret",
    description=(
        "The new key is shown in this answer and never again; the one before works until "
        "`previous_valid_until`. Id, scopes and limits stay."
    ),
    responses=problems(ApiKeyNotFound, ApiKeyEnded, ScopeNotHeld, KeyFreerThanOwn),
)
async def rotate_api_key(
    api_key_id: UUID,
    body: ApiKeyRotate,
    access: Writer,
    session: Session,
    kernel: KernelDep,
    response: Response,
) -> ApiKeyCreated:
    key, shown = await service.rotate(session, access, api_key_id, body.overlap_seconds)
    forget_on_commit(session, kernel, api_key_id)
    response.headers["Cache-Control"] = "no-store"
    return created(key, shown)


@router.delete(
    "/{api_key_id}",
    operation_id="api_keys_delete",
    summary="Revoke an API key",
    description="At once and for good: a revoked key stays in the list and cannot be restored.",
    status_code=204,
    responses=problems(ApiKeyNotFound),
)
async def delete_api_key(
    api_key_id: UUID, access: Writer, session: Session, kernel: KernelDep
) -> None:
    await service.revoke(session, access, api_key_id)
    forget_on_commit(session, kernel, api_key_id)
