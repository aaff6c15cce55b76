"""/v1/tools/credentials."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.agents.credentials import service
from app.agents.credentials.errors import (
    ToolCredentialNameTaken,
    ToolCredentialNotFound,
    ToolSecretNeeded,
)
from app.agents.credentials.models import ToolCredential
from app.agents.credentials.schemas import (
    ToolCredentialBulk,
    ToolCredentialCreate,
    ToolCredentialQuery,
    ToolCredentialRead,
    ToolCredentialUpdate,
)
from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

Reader = Annotated[Access, require(Permission.TOOLS_READ)]
Writer = Annotated[Access, require(Permission.TOOLS_WRITE)]

router = guarded_router(prefix="/v1/tools/credentials", tag="tool_credentials")


@router.get(
    "",
    operation_id="tool_credentials_list",
    summary="List the credentials of tools, newest first",
    response_model=Page[ToolCredentialRead],
    responses=problems(CursorInvalid),
)
async def list_credentials(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[ToolCredentialQuery, Query()],
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="tool_credentials_create",
    summary="Keep a secret that tools may use",
    description="It is stored encrypted, never shown again, and sent to its `hosts` only.",
    status_code=201,
    response_model=ToolCredentialRead,
    responses=problems(ToolCredentialNameTaken),
)
async def create_credential(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    new: ToolCredentialCreate,
    response: Response,
) -> ToolCredential:
    made = await service.create(session, access, new, kernel.vault)
    response.headers["Location"] = f"/v1/tools/credentials/{made.id}"
    return made


@router.post(
    "/bulk",
    operation_id="tool_credentials_bulk",
    summary="Delete or restore up to 500 credentials of tools",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_credentials(
    access: Writer, session: Session, request: ToolCredentialBulk
) -> BulkResult:
    return await service.bulk(session, access, request.items)


@router.get(
    "/{tool_credential_id}",
    operation_id="tool_credentials_get",
    summary="Show a credential of tools, without its secret",
    response_model=ToolCredentialRead,
    responses=problems(ToolCredentialNotFound),
)
async def get_credential(
    access: Reader, session: Session, tool_credential_id: UUID
) -> ToolCredential:
    return await service.get(session, access, tool_credential_id)


@router.patch(
    "/{tool_credential_id}",
    operation_id="tool_credentials_update",
    summary="Change a credential of tools, or its secret",
    description="New `hosts` need the `secret` with them.",
    response_model=ToolCredentialRead,
    responses=problems(ToolCredentialNotFound, ToolSecretNeeded),
)
async def update_credential(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    tool_credential_id: UUID,
    change: ToolCredentialUpdate,
) -> ToolCredential:
    return await service.update(session, access, tool_credential_id, change, kernel.vault)


@router.delete(
    "/{tool_credential_id}",
    operation_id="tool_credentials_delete",
    summary="Delete a credential of tools and destroy its secret",
    status_code=204,
    responses=problems(ToolCredentialNotFound),
)
async def delete_credential(access: Writer, session: Session, tool_credential_id: UUID) -> None:
    await service.delete(session, access, tool_credential_id)


@router.post(
    "/{tool_credential_id}/restore",
    operation_id="tool_credentials_restore",
    summary="Bring a deleted credential back, without its secret",
    response_model=ToolCredentialRead,
    responses=problems(ToolCredentialNotFound, ToolCredentialNameTaken, RestoreExpired),
)
async def restore_credential(
    access: Writer, session: Session, tool_credential_id: UUID
) -> ToolCredential:
    return await service.restore(session, access, tool_credential_id)
