"""Queries on SCIM users and groups."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from scim2_models import UniquenessException
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.scim.models import ScimGroup, ScimGroupMember, ScimUser


async def get_user(
    session: AsyncSession, workspace_id: UUID, scim_id: UUID, *, for_update: bool = False
) -> ScimUser | None:
    statement = select(ScimUser).where(
        ScimUser.workspace_id == workspace_id, ScimUser.id == scim_id
    )
    if for_update:
        statement = statement.with_for_update()
    found: ScimUser | None = await session.scalar(statement)
    return found


async def users(
    session: AsyncSession,
    workspace_id: UUID,
    narrowed: Sequence[ColumnElement[bool]] = (),
    *,
    offset: int = 0,
    limit: int,
) -> tuple[Sequence[ScimUser], int]:
    """Users in the order they came, and how many there are in all."""
    conditions = (ScimUser.workspace_id == workspace_id, *narrowed)
    total = await session.scalar(select(func.count()).select_from(ScimUser).where(*conditions))
    found = await session.scalars(
        select(ScimUser).where(*conditions).order_by(ScimUser.id).offset(offset).limit(limit)
    )
    return found.all(), total or 0


async def keep(session: AsyncSession, row: ScimUser | ScimGroup) -> None:
    """Store a new or changed user or group; raises UniquenessException for a name in use."""
    session.add(row)
    try:
        await session.flush()
    except IntegrityError as error:
        raise UniquenessException(detail="The name is in use in this workspace.") from error
    await session.refresh(row)


async def drop(session: AsyncSession, row: ScimUser | ScimGroup) -> None:
    await session.delete(row)
    await session.flush()


async def get_group(
    session: AsyncSession, workspace_id: UUID, group_id: UUID, *, for_update: bool = False
) -> ScimGroup | None:
    statement = select(ScimGroup).where(
        ScimGroup.workspace_id == workspace_id, ScimGroup.id == group_id
    )
    if for_update:
        statement = statement.with_for_update()
    found: ScimGroup | None = await session.scalar(statement)
    return found


async def groups(
    session: AsyncSession,
    workspace_id: UUID,
    narrowed: Sequence[ColumnElement[bool]] = (),
    *,
    offset: int = 0,
    limit: int,
) -> tuple[Sequence[ScimGroup], int]:
    conditions = (ScimGroup.workspace_id == workspace_id, *narrowed)
    total = await session.scalar(select(func.count()).select_from(ScimGroup).where(*conditions))
    found = await session.scalars(
        select(ScimGroup).where(*conditions).order_by(ScimGroup.id).offset(offset).limit(limit)
    )
    return found.all(), total or 0


async def members(
    session: AsyncSession, workspace_id: UUID, group_ids: Collection[UUID]
) -> dict[UUID, list[tuple[UUID, str]]]:
    """The members of groups: SCIM ids, and what they are shown as."""
    found = await session.execute(
        select(
            ScimGroupMember.group_id,
            ScimUser.id,
            func.coalesce(ScimGroupMember.display, ScimUser.user_name),
        )
        .join(ScimUser, ScimUser.id == ScimGroupMember.scim_user_id)
        .where(
            ScimGroupMember.workspace_id == workspace_id,
            ScimGroupMember.group_id.in_(list(group_ids)),
        )
        .order_by(ScimUser.id)
    )
    listed: dict[UUID, list[tuple[UUID, str]]] = {}
    for group_id, scim_id, user_name in found:
        listed.setdefault(group_id, []).append((scim_id, user_name))
    return listed


async def groups_of(
    session: AsyncSession, workspace_id: UUID, scim_ids: Collection[UUID]
) -> dict[UUID, list[tuple[UUID, str]]]:
    """The groups of users: ids and names."""
    found = await session.execute(
        select(ScimGroupMember.scim_user_id, ScimGroup.id, ScimGroup.display_name)
        .join(ScimGroup, ScimGroup.id == ScimGroupMember.group_id)
        .where(
            ScimGroupMember.workspace_id == workspace_id,
            ScimGroupMember.scim_user_id.in_(list(scim_ids)),
        )
        .order_by(ScimGroup.id)
    )
    listed: dict[UUID, list[tuple[UUID, str]]] = {}
    for scim_id, group_id, name in found:
        listed.setdefault(scim_id, []).append((group_id, name))
    return listed


async def known(session: AsyncSession, workspace_id: UUID, scim_ids: Collection[UUID]) -> set[UUID]:
    """Those of these ids that are users of the workspace."""
    found = await session.scalars(
        select(ScimUser.id).where(
            ScimUser.workspace_id == workspace_id, ScimUser.id.in_(list(scim_ids))
        )
    )
    return set(found)


async def change_members(
    session: AsyncSession,
    group: ScimGroup,
    *,
    gone: Collection[UUID],
    new: Mapping[UUID, str | None],
) -> None:
    if gone:
        await session.execute(
            delete(ScimGroupMember).where(
                ScimGroupMember.group_id == group.id,
                ScimGroupMember.scim_user_id.in_(list(gone)),
            )
        )
    session.add_all(
        ScimGroupMember(
            workspace_id=group.workspace_id,
            group_id=group.id,
            scim_user_id=each,
            display=display,
        )
        for each, display in new.items()
    )
    await session.flush()


async def of_users(
    session: AsyncSession, workspace_id: UUID, scim_ids: Collection[UUID]
) -> Sequence[ScimUser]:
    found = await session.scalars(
        select(ScimUser).where(
            ScimUser.workspace_id == workspace_id, ScimUser.id.in_(list(scim_ids))
        )
    )
    return found.all()


async def of_account(session: AsyncSession, workspace_id: UUID, user_id: UUID) -> bool:
    """Whether an account has a row in a workspace."""
    found = await session.scalar(
        select(ScimUser.id).where(
            ScimUser.workspace_id == workspace_id, ScimUser.user_id == user_id
        )
    )
    return found is not None


def user_conditions(equal: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """Where to look for users with these attributes; others are compared by the caller."""
    found: list[ColumnElement[bool]] = []
    if (name := equal.get("username")) is not None:
        found.append(func.lower(ScimUser.user_name) == name.lower())
    if (external_id := equal.get("externalid")) is not None:
        found.append(ScimUser.external_id == external_id)
    return found


def group_conditions(equal: Mapping[str, str]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if (name := equal.get("displayname")) is not None:
        found.append(func.lower(ScimGroup.display_name) == name.lower())
    if (external_id := equal.get("externalid")) is not None:
        found.append(ScimGroup.external_id == external_id)
    return found
