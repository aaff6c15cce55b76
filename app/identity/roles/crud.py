"""Queries on the roles of a workspace."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Slice
from app.identity.roles.errors import RoleNameTaken
from app.identity.roles.schemas import RoleQuery
from app.identity.workspaces.models import CustomRole, Membership

# Text, because connections stand above roles and may not be imported here.
_NAMED = text("""
    select count(*) from sso_connections
    where workspace_id = :workspace_id and deleted_at is null and (
        default_role = cast(:role_id as text)
        or group_roles @> jsonb_build_array(jsonb_build_object('role', cast(:role_id as text)))
    )
""")


def _of(workspace_id: UUID) -> Select[CustomRole]:
    return select(CustomRole).where(CustomRole.workspace_id == workspace_id)


async def get(
    session: AsyncSession, workspace_id: UUID, role_id: UUID, *, lock: bool = False
) -> CustomRole | None:
    """A role, deleted ones included; with `lock` nobody else changes it or gives it out."""
    statement = _of(workspace_id).where(CustomRole.id == role_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    role: CustomRole | None = await session.scalar(statement)
    return role


async def page(
    session: AsyncSession, workspace_id: UUID, query: RoleQuery, cursors: Cursors
) -> Slice[CustomRole]:
    return await restorable.page(session, CustomRole, workspace_id, query, cursors)


async def save(session: AsyncSession, role: CustomRole) -> CustomRole:
    """Store a role, new or changed; raises RoleNameTaken."""
    try:
        async with session.begin_nested():
            session.add(role)
            await session.flush()
    except IntegrityError as error:
        raise RoleNameTaken("Choose another name.") from error
    return role


async def members(session: AsyncSession, workspace_id: UUID, role_id: UUID) -> Sequence[Membership]:
    """The memberships that have a role."""
    found = await session.scalars(
        select(Membership).where(
            Membership.workspace_id == workspace_id, Membership.role_id == role_id
        )
    )
    return found.all()


async def connections(session: AsyncSession, workspace_id: UUID, role_id: UUID) -> int:
    """How many single sign-on connections give a role."""
    values = {"workspace_id": workspace_id, "role_id": str(role_id)}
    counted: int | None = await session.scalar(_NAMED, values)
    return counted or 0
