"""/v1/service-accounts, and the API keys of one."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.identity.api_keys.errors import KeyFreerThanOwn, ScopeNotHeld
from app.identity.api_keys.schemas import ApiKeyCreate, ApiKeyCreated, ApiKeyRead, created
from app.identity.forgetting import forget_on_commit
from app.identity.members.errors import ServiceAccountMember
from app.identity.roles.errors import RoleAboveOwn, RoleUnknown
from app.identity.service_accounts import service
from app.identity.service_accounts.errors import ServiceAccountNotFound
from app.identity.service_accounts.schemas import (
    ServiceAccountCreate,
    ServiceAccountRead,
    ServiceAccountUpdate,
)

Reader = Annotated[Access, require(Permission.SERVICE_ACCOUNTS_READ)]
Writer = Annotated[Access, require(Permission.SERVICE_ACCOUNTS_WRITE)]

router = guarded_router(prefix="/v1/service-accounts", tag="service_accounts")


@router.get(
    "",
    operation_id="service_accounts_list",
    summary="List service accounts, newest first",
    response_model=Page[ServiceAccountRead],
    responses=problems(CursorInvalid),
)
async def list_service_accounts(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[PageQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="service_accounts_create",
    summary="Make a service account",
    description="A member that is no person: it has a role, and API keys of its own.",
    status_code=201,
    responses=problems(RoleAboveOwn, RoleUnknown, ServiceAccountMember),
)
async def create_service_account(
    body: ServiceAccountCreate, access: Writer, session: Session, response: Response
) -> ServiceAccountRead:
    made = await service.create(session, access, body)
    response.headers["Location"] = f"/v1/service-accounts/{made.id}"
    return made


@router.get(
    "/{service_account_id}",
    operation_id="service_accounts_get",
    summary="Show a service account",
    responses=problems(ServiceAccountNotFound),
)
async def get_service_account(
    service_account_id: UUID, access: Reader, session: Session
) -> ServiceAccountRead:
    return await service.get(session, access, service_account_id)


@router.patch(
    "/{service_account_id}",
    operation_id="service_accounts_update",
    summary="Change a service account's name or description",
    responses=problems(ServiceAccountNotFound),
)
async def update_service_account(
    service_account_id: UUID, body: ServiceAccountUpdate, access: Writer, session: Session
) -> ServiceAccountRead:
    return await service.update(session, access, service_account_id, body)


@router.delete(
    "/{service_account_id}",
    operation_id="service_accounts_delete",
    summary="Delete a service account",
    description="For good: its API keys are revoked at once.",
    status_code=204,
    responses=problems(ServiceAccountNotFound, RoleAboveOwn),
)
async def delete_service_account(
    service_account_id: UUID, access: Writer, session: Session, kernel: KernelDep
) -> None:
    user_id = await service.delete(session, access, service_account_id)
    forget_on_commit(session, kernel, user_id)


@router.get(
    "/{service_account_id}/api-keys",
    operation_id="service_account_keys_list",
    summary="List the API keys of a service account",
    description="`/v1/api-keys/{api_key_id}` shows, changes, rotates and revokes one.",
    response_model=Page[ApiKeyRead],
    responses=problems(CursorInvalid, ServiceAccountNotFound),
)
async def list_service_account_keys(
    service_account_id: UUID,
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[PageQuery, Query()],
) -> object:
    return await service.keys(session, access, service_account_id, query, kernel.cursors)


@router.post(
    "/{service_account_id}/api-keys",
    operation_id="service_account_keys_create",
    summary="Create an API key of a service account",
    description=(
        "It can do no more than the account, and no more than you. The key is shown in this "
        "answer and never again."
    ),
    status_code=201,
    responses=problems(ServiceAccountNotFound, ScopeNotHeld, KeyFreerThanOwn),
)
async def create_service_account_key(
    service_account_id: UUID,
    body: ApiKeyCreate,
    access: Writer,
    session: Session,
    response: Response,
) -> ApiKeyCreated:
    made, key = await service.create_key(session, access, service_account_id, body)
    response.headers["Location"] = f"/v1/api-keys/{made.id}"
    response.headers["Cache-Control"] = "no-store"
    return created(made, key)
