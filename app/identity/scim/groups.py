"""What a directory does with groups: their members, and the roles that come with them."""

from typing import Any
from uuid import UUID

from scim2_models import InvalidValueException, NotFoundException

from app.core.clock import now
from app.core.db import AsyncSession
from app.core.versions import match
from app.identity.scim import crud, people, protocol
from app.identity.scim.models import ScimGroup
from app.identity.scim.people import Directory

MOST_MEMBERS = 10_000


async def find(
    session: AsyncSession, directory: Directory, group_id: str, *, for_update: bool = False
) -> ScimGroup:
    """A group of the directory's workspace; raises NotFoundException."""
    try:
        row = await crud.get_group(
            session, directory.workspace_id, UUID(group_id), for_update=for_update
        )
    except ValueError:
        row = None
    if row is None:
        raise NotFoundException(detail="No such group.")
    return row


async def read(session: AsyncSession, directory: Directory, row: ScimGroup) -> Any:
    members = await crud.members(session, directory.workspace_id, [row.id])
    return protocol.read_group(row, members.get(row.id, []), directory.base_url)


async def settle(session: AsyncSession, directory: Directory, row: ScimGroup, told: Any) -> None:
    """Store a group as the directory tells it, and give its people their roles."""
    renamed = row.display_name is not None and row.display_name != told.display_name
    row.display_name, row.external_id = told.display_name, told.external_id
    wanted = await _members_of(session, directory, told)
    listed = dict(await _listed(session, directory, row))
    before = set(listed)
    # Someone who is shown by another name is put in anew.
    kept = {each for each in before & set(wanted) if wanted[each] in (None, listed[each])}
    new = {each: display for each, display in wanted.items() if each not in kept}
    if new or before - kept:
        row.updated_at = now()  # membership is part of its version
    await crud.keep(session, row)
    await crud.change_members(session, row, gone=before - kept, new=new)
    changed = before | set(wanted) if renamed else before ^ set(wanted)
    await people.give_roles(session, directory, changed)


async def remove(session: AsyncSession, directory: Directory, group_id: str) -> None:
    row = await find(session, directory, group_id, for_update=True)
    await match(session, row)
    members = {scim_id for scim_id, _ in await _listed(session, directory, row)}
    await crud.drop(session, row)
    await people.give_roles(session, directory, members)


async def _listed(
    session: AsyncSession, directory: Directory, row: ScimGroup
) -> list[tuple[UUID, str]]:
    if row.id is None:
        return []
    return (await crud.members(session, directory.workspace_id, [row.id])).get(row.id, [])


async def _members_of(
    session: AsyncSession, directory: Directory, told: Any
) -> dict[UUID, str | None]:
    """The members that a directory names, and what it shows them as.

    Raises InvalidValueException for a stranger.
    """
    given = told.members or []
    if len(given) > MOST_MEMBERS:
        raise InvalidValueException(detail=f"A group has at most {MOST_MEMBERS} members.")
    try:
        wanted = {UUID(str(member.value)): member.display for member in given}
    except ValueError:
        raise InvalidValueException(detail="A member is no user of this workspace.") from None
    if set(wanted) - await crud.known(session, directory.workspace_id, set(wanted)):
        raise InvalidValueException(detail="A member is no user of this workspace.")
    return wanted
