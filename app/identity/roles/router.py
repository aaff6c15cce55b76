"""/v1/roles."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query, Response

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.identity.forgetting import forget_on_commit
from app.identity.roles import service
from app.identity.roles.errors import (
    RoleAboveOwn,
    RoleInUse,
    RoleNameTaken,
    RoleNotFound,
    RoleRestoreExpired,
    RoleUnknown,
)
from app.identity.roles.schemas import (
    BuiltinRole,
    BuiltinRoles,
    RoleChoice,
    RoleCreate,
    RoleQuery,
    RoleRead,
    RoleUpdate,
)
from app.identity.workspaces.models import CustomRole
from app.identity.workspaces.roles import PERMISSIONS, Role

Reader = Annotated[Access, require(Permission.ROLES_READ)]
Writer = Annotated[Access, require(Permission.ROLES_WRITE)]


async def _replacement(
    replace_with: Annotated[
        Literal["admin", "editor", "viewer", "custom"] | None,
        Query(description="The role that its members get instead."),
    ] = None,
    replace_with_id: Annotated[
        UUID | None, Query(description="Which of the workspace's own, for `custom`.")
    ] = None,
) -> RoleChoice | None:
    if replace_with is None:
        return None
    return RoleChoice(role=replace_with, role_id=replace_with_id)


router = guarded_router(prefix="/v1/roles", tag="roles")


@router.get(
    "",
    operation_id="roles_list",
    summary="List the workspace's own roles, newest first",
    response_model=Page[RoleRead],
    responses=problems(CursorInvalid),
)
async def list_roles(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[RoleQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.get(
    "/builtin",
    operation_id="roles_list_builtin",
    summary="List the roles that every workspace has",
    responses=problems(),
)
async def list_builtin_roles(_: Reader) -> BuiltinRoles:
    return BuiltinRoles(
        data=[BuiltinRole(name=role.value, permissions=sorted(PERMISSIONS[role])) for role in Role]
    )


@router.post(
    "",
    operation_id="roles_create",
    summary="Make a role of permissions",
    description="Of permissions that you have yourself.",
    status_code=201,
    response_model=RoleRead,
    responses=problems(RoleAboveOwn, RoleNameTaken),
)
async def create_role(
    body: RoleCreate, access: Writer, session: Session, response: Response
) -> CustomRole:
    made = await service.create(session, access, body)
    response.headers["Location"] = f"/v1/roles/{made.id}"
    return made


@router.get(
    "/{role_id}",
    operation_id="roles_get",
    summary="Show a role",
    response_model=RoleRead,
    responses=problems(RoleNotFound),
)
async def get_role(role_id: UUID, access: Reader, session: Session) -> CustomRole:
    return await service.get(session, access, role_id)


@router.patch(
    "/{role_id}",
    operation_id="roles_update",
    summary="Change a role",
    description="What its members may do changes at once, and so does what their API keys may do.",
    response_model=RoleRead,
    responses=problems(RoleNotFound, RoleAboveOwn, RoleNameTaken),
)
async def update_role(
    role_id: UUID, body: RoleUpdate, access: Writer, session: Session, kernel: KernelDep
) -> CustomRole:
    changed = await service.update(session, access, role_id, body)
    forget_on_commit(session, kernel, access.workspace_id)
    return changed


@router.delete(
    "/{role_id}",
    operation_id="roles_delete",
    summary="Delete a role; it can be restored for 30 days",
    description=(
        "One that members have is deleted only with the role they get instead, and one that a "
        "single sign-on connection gives not at all. Invitations to it end."
    ),
    status_code=204,
    responses=problems(RoleNotFound, RoleInUse, RoleAboveOwn, RoleUnknown),
)
async def delete_role(
    role_id: UUID,
    access: Writer,
    session: Session,
    kernel: KernelDep,
    replacement: Annotated[RoleChoice | None, Depends(_replacement)],
) -> None:
    await service.delete(session, access, role_id, replacement)
    forget_on_commit(session, kernel, access.workspace_id)


@router.post(
    "/{role_id}/restore",
    operation_id="roles_restore",
    summary="Bring a deleted role back",
    response_model=RoleRead,
    responses=problems(RoleNotFound, RoleAboveOwn, RoleNameTaken, RoleRestoreExpired),
)
async def restore_role(role_id: UUID, access: Writer, session: Session) -> CustomRole:
    return await service.restore(session, access, role_id)
