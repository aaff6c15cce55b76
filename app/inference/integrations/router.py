"""/v1/integrations."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.db import on_commit
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.core.net import AddressRefused
from app.core.paging import CursorInvalid, Page
from app.inference.integrations import service
from app.inference.integrations.edge import DirectoryDep
from app.inference.integrations.errors import (
    CredentialNeeded,
    IntegrationNotFound,
    IntegrationSlugTaken,
)
from app.inference.integrations.models import Integration
from app.inference.integrations.schemas import (
    IntegrationBulk,
    IntegrationCreate,
    IntegrationQuery,
    IntegrationRead,
    IntegrationTest,
    IntegrationUpdate,
    KindRead,
)
from app.inference.providers.errors import InvalidIntegration
from app.inference.providers.kinds import Kind
from app.inference.providers.registry import KINDS

Reader = Annotated[Access, require(Permission.INTEGRATIONS_READ)]
Writer = Annotated[Access, require(Permission.INTEGRATIONS_WRITE)]

router = guarded_router(prefix="/v1", tag="integrations")


@router.get(
    "/integrations",
    operation_id="integrations_list",
    summary="List integrations",
    response_model=Page[IntegrationRead],
    responses=problems(CursorInvalid),
)
async def list_integrations(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[IntegrationQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "/integrations",
    operation_id="integrations_create",
    summary="Connect a model provider",
    status_code=201,
    response_model=IntegrationRead,
    responses=problems(IntegrationSlugTaken, InvalidIntegration, AddressRefused),
)
async def create_integration(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    directory: DirectoryDep,
    new: IntegrationCreate,
    response: Response,
) -> Integration:
    on_commit(session, lambda: directory.forget(access.workspace_id))
    made = await service.create(session, access, new, directory=directory, vault=kernel.vault)
    response.headers["Location"] = f"/v1/integrations/{made.id}"
    return made


@router.post(
    "/integrations/bulk",
    operation_id="integrations_bulk",
    summary="Delete or restore up to 500 integrations",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_integrations(
    access: Writer, session: Session, directory: DirectoryDep, request: IntegrationBulk
) -> BulkResult:
    on_commit(session, lambda: directory.forget(access.workspace_id))
    return await service.bulk(session, access, request.items)


@router.get(
    "/integrations/{integration_id}",
    operation_id="integrations_get",
    summary="Show an integration",
    response_model=IntegrationRead,
    responses=problems(IntegrationNotFound),
)
async def get_integration(access: Reader, session: Session, integration_id: UUID) -> Integration:
    return await service.get(session, access, integration_id)


@router.patch(
    "/integrations/{integration_id}",
    operation_id="integrations_update",
    summary="Change an integration",
    description="A `base_url` at another server needs an `api_key` with it, where one is stored.",
    response_model=IntegrationRead,
    responses=problems(IntegrationNotFound, InvalidIntegration, CredentialNeeded, AddressRefused),
)
async def update_integration(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    directory: DirectoryDep,
    integration_id: UUID,
    change: IntegrationUpdate,
) -> Integration:
    on_commit(session, lambda: directory.forget(access.workspace_id))
    return await service.update(
        session, access, integration_id, change, directory=directory, vault=kernel.vault
    )


@router.delete(
    "/integrations/{integration_id}",
    operation_id="integrations_delete",
    summary="Disconnect a provider and destroy its credential",
    status_code=204,
    responses=problems(IntegrationNotFound),
)
async def delete_integration(
    access: Writer, session: Session, directory: DirectoryDep, integration_id: UUID
) -> None:
    on_commit(session, lambda: directory.forget(access.workspace_id))
    await service.delete(session, access, integration_id)


@router.post(
    "/integrations/{integration_id}/restore",
    operation_id="integrations_restore",
    summary="Bring a deleted integration back",
    description="For 30 days. Its credential was destroyed: set `api_key` again.",
    response_model=IntegrationRead,
    responses=problems(IntegrationNotFound, IntegrationSlugTaken, RestoreExpired),
)
async def restore_integration(
    access: Writer, session: Session, directory: DirectoryDep, integration_id: UUID
) -> Integration:
    on_commit(session, lambda: directory.forget(access.workspace_id))
    return await service.restore(session, access, integration_id)


async def _tried(
    access: Writer, kernel: KernelDep, directory: DirectoryDep, integration_id: UUID
) -> service.Trial:
    return await service.try_out(kernel, access, integration_id, directory)


@router.post(
    "/integrations/{integration_id}/test",
    operation_id="integrations_test",
    summary="Try an integration's credentials",
    response_model=IntegrationTest,
    dependencies=[off_rails("it is a try itself, and calls the provider")],
    responses=problems(IntegrationNotFound),
)
async def test_integration(
    access: Writer,
    trial: Annotated[service.Trial, Depends(_tried)],
    session: Session,
    directory: DirectoryDep,
    integration_id: UUID,
) -> IntegrationTest:
    on_commit(session, lambda: directory.forget(access.workspace_id))
    return await service.keep_trial(session, access, integration_id, trial)


@router.get(
    "/integration-kinds",
    operation_id="integration_kinds_list",
    summary="List the kinds of provider",
    response_model=list[KindRead],
    responses=problems(),
)
async def list_kinds(_: Reader) -> list[Kind]:
    return list(KINDS.values())
