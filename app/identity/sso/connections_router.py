"""/v1/sso-connections: the identity providers that a workspace trusts."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from app.core.auth import Access, Permission
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.kernel import Kernel
from app.core.net import AddressRefused
from app.core.paging import CursorInvalid, Page
from app.identity.connections import service
from app.identity.connections.errors import (
    SsoConnectionNotFound,
    SsoNeedsDomain,
    SsoNeedsOwner,
    SsoRoleUnknown,
    SsoSecretNeeded,
)
from app.identity.connections.models import SsoConnection
from app.identity.connections.schemas import (
    ConnectionSettings,
    OidcSettings,
    SsoConnectionCreate,
    SsoConnectionQuery,
    SsoConnectionRead,
    SsoConnectionUpdate,
)
from app.identity.roles.errors import RoleAboveOwn
from app.identity.sessions.guard import require_recent
from app.identity.sso import requiring
from app.identity.sso.browser import base_url
from app.identity.sso.redirects import redirect_uri

Reader = Annotated[Access, require(Permission.SSO_READ)]
Writer = Annotated[Access, require_recent(Permission.SSO_WRITE)]

router = guarded_router(prefix="/v1/sso-connections", tag="sso_connections")


@router.get(
    "",
    operation_id="sso_connections_list",
    summary="List the workspace's connections",
    response_model=Page[SsoConnectionRead],
    responses=problems(CursorInvalid),
)
async def list_connections(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    request: Request,
    query: Annotated[SsoConnectionQuery, Query()],
) -> object:
    rows = await service.page(session, access, query, kernel.cursors)
    return rows.map(lambda row: _read(row, request, kernel))


@router.post(
    "",
    operation_id="sso_connections_create",
    summary="Connect an identity provider",
    description=(
        "Whoever administers the provider can sign in as the people it names: those whose "
        "accounts the workspace manages, and those who link their account to it."
    ),
    status_code=201,
    responses=problems(SsoRoleUnknown, RoleAboveOwn, AddressRefused),
)
async def create_connection(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    request: Request,
    body: SsoConnectionCreate,
    response: Response,
) -> SsoConnectionRead:
    _check_addresses(kernel, body.settings)
    made = await service.create(session, access, kernel.vault, body)
    response.headers["Location"] = f"/v1/sso-connections/{made.id}"
    return _read(made, request, kernel)


@router.get(
    "/{sso_connection_id}",
    operation_id="sso_connections_get",
    summary="Show a connection",
    responses=problems(SsoConnectionNotFound),
)
async def get_connection(
    access: Reader, session: Session, kernel: KernelDep, request: Request, sso_connection_id: UUID
) -> SsoConnectionRead:
    return _read(await service.get(session, access, sso_connection_id), request, kernel)


@router.patch(
    "/{sso_connection_id}",
    operation_id="sso_connections_update",
    summary="Change a connection",
    description=(
        "`required` needs a proven domain and an owner with a second factor; it ends the sessions "
        "of those it binds. A client secret replaces the one before; another issuer needs its own. "
        "Settings and secret are an owner's to change."
    ),
    responses=problems(
        SsoConnectionNotFound,
        SsoRoleUnknown,
        SsoNeedsDomain,
        SsoNeedsOwner,
        SsoSecretNeeded,
        RoleAboveOwn,
        AddressRefused,
    ),
)
async def update_connection(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    request: Request,
    sso_connection_id: UUID,
    body: SsoConnectionUpdate,
) -> SsoConnectionRead:
    _check_addresses(kernel, body.settings)
    changed = await service.update(session, access, kernel.vault, sso_connection_id, body)
    if body.required or body.enabled:
        await requiring.enforce(session, access, changed)
    return _read(changed, request, kernel)


@router.delete(
    "/{sso_connection_id}",
    operation_id="sso_connections_delete",
    summary="Delete a connection; it can be restored for 30 days",
    status_code=204,
    responses=problems(SsoConnectionNotFound),
)
async def delete_connection(access: Writer, session: Session, sso_connection_id: UUID) -> None:
    await service.delete(session, access, sso_connection_id)


@router.post(
    "/{sso_connection_id}/restore",
    operation_id="sso_connections_restore",
    summary="Bring a deleted connection back",
    responses=problems(SsoConnectionNotFound, RestoreExpired, SsoNeedsOwner, RoleAboveOwn),
)
async def restore_connection(
    access: Writer, session: Session, kernel: KernelDep, request: Request, sso_connection_id: UUID
) -> SsoConnectionRead:
    restored = await service.restore(session, access, sso_connection_id)
    await requiring.enforce(session, access, restored)
    return _read(restored, request, kernel)


def _check_addresses(kernel: Kernel, settings: ConnectionSettings | None) -> None:
    """Raise AddressRefused for an issuer that this service would never call."""
    if isinstance(settings, OidcSettings):
        kernel.outbound.check_url(settings.issuer)


def _read(row: SsoConnection, request: Request, kernel: Kernel) -> SsoConnectionRead:
    shown = {
        name: getattr(row, name) for name in SsoConnectionRead.model_fields if hasattr(row, name)
    }
    return SsoConnectionRead(
        **shown,
        has_client_secret=row.sealed_client_secret is not None,
        redirect_uri=redirect_uri(row.settings["type"], base_url(request, kernel.settings)),
    )
