"""/v1/api-keys."""

from typing import Annotated, Protocol, cast
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.errors import Unauthenticated
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.identity.api_keys import service
from app.identity.api_keys.errors import ApiKeyNotFound, ScopeNotHeld
from app.identity.api_keys.models import ApiKey
from app.identity.api_keys.schemas import ApiKeyCreate, ApiKeyCreated, ApiKeyRead, ApiKeyUpdate

Reader = Annotated[Access, require(Permission.API_KEYS_READ)]
Writer = Annotated[Access, require(Permission.API_KEYS_WRITE)]

router = guarded_router(prefix="/v1/api-keys", tag="api_keys")


class ForgetsKeys(Protocol):
    def forget_key(self, key_id: UUID) -> None:
        """Drop what is remembered of a key, in this process and in the others."""


@router.get(
    "",
    operation_id="api_keys_list",
    summary="List API keys",
    description="Your own in this workspace, newest first; the revoked ones too.",
    response_model=Page[ApiKeyRead],
    responses=problems(CursorInvalid, Unauthenticated, ScopeMissing),
)
async def list_api_keys(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[PageQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="api_keys_create",
    summary="Create an API key",
    description="The key is shown in this answer and never again. It serves this workspace only.",
    status_code=201,
    responses=problems(Unauthenticated, ScopeMissing, ScopeNotHeld),
)
async def create_api_key(
    body: ApiKeyCreate, access: Writer, session: Session, response: Response
) -> ApiKeyCreated:
    made, key = await service.create(session, access, body)
    response.headers["Location"] = f"/v1/api-keys/{made.id}"
    response.headers["Cache-Control"] = "no-store"
    return ApiKeyCreated(**ApiKeyRead.model_validate(made).model_dump(), key=key)


@router.get(
    "/{api_key_id}",
    operation_id="api_keys_get",
    summary="Show an API key",
    response_model=ApiKeyRead,
    responses=problems(Unauthenticated, ScopeMissing, ApiKeyNotFound),
)
async def get_api_key(api_key_id: UUID, access: Reader, session: Session) -> ApiKey:
    return await service.get(session, access, api_key_id)


@router.patch(
    "/{api_key_id}",
    operation_id="api_keys_update",
    summary="Rename an API key",
    response_model=ApiKeyRead,
    responses=problems(Unauthenticated, ScopeMissing, ApiKeyNotFound),
)
async def update_api_key(
    api_key_id: UUID, body: ApiKeyUpdate, access: Writer, session: Session
) -> ApiKey:
    return await service.update(session, access, api_key_id, body)


@router.delete(
    "/{api_key_id}",
    operation_id="api_keys_delete",
    summary="Revoke an API key",
    description="At once and for good: a revoked key stays in the list and cannot be restored.",
    status_code=204,
    responses=problems(Unauthenticated, ScopeMissing, ApiKeyNotFound),
)
async def delete_api_key(
    api_key_id: UUID, access: Writer, session: Session, kernel: KernelDep
) -> None:
    await service.revoke(session, access, api_key_id)
    resolver = cast("ForgetsKeys", kernel.resolver)
    on_commit(session, lambda: resolver.forget_key(api_key_id))
