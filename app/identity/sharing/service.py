"""Opening single resources to others; the room that holds a resource says whose it is."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, cast
from uuid import UUID

from app.core.audit import Note, note
from app.core.auth import Access
from app.core.clock import now
from app.core.db import SYSTEM, AsyncSession, Database, Scope
from app.core.ids import new_id
from app.core.paging import Cursors, PageQuery, Slice
from app.core.versions import match
from app.identity import link_tokens
from app.identity.members import crud as members
from app.identity.roles.grants import choose
from app.identity.roles.schemas import RoleChoice
from app.identity.sharing import crud
from app.identity.sharing.errors import SharedLinkNotFound, ShareInvalid, ShareNotFound
from app.identity.sharing.models import Share
from app.identity.sharing.schemas import (
    LinkGrantee,
    MemberGrantee,
    RoleGrantee,
    ShareCreate,
    ShareUpdate,
)

Level = Literal["read", "write"]
ResourceType = Literal["conversation", "collection", "agent", "template", "workflow"]
LINK_LASTS = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Shareable:
    """A resource of the caller's own, which is what may be shared; `type` is what it is."""

    type: ResourceType
    id: UUID


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link leads to, and as whom it is read there."""

    resource_id: UUID
    scope: Scope
    workspace_id: UUID


async def create(
    session: AsyncSession, access: Access, resource: Shareable, new: ShareCreate
) -> tuple[Share, str | None]:
    """The share, and of a link its token, which is nowhere else.

    Raises ShareInvalid, RoleUnknown and AlreadyShared.
    """
    share = Share(
        id=new_id(),
        workspace_id=access.workspace_id,
        resource_type=resource.type,
        resource_id=resource.id,
        grantee_type=new.grantee.type,
        level=new.level,
        expires_at=new.expires_at,
        created_by_id=access.user_id,
    )
    token = None
    if isinstance(new.grantee, LinkGrantee):
        token = _make_link(share)
    elif isinstance(new.grantee, MemberGrantee):
        share.member_id = await _member(session, access, new.grantee)
    else:
        share.role, share.role_id = await _role(session, access, new.grantee)
    made = await crud.add(session, share)
    _note(session, "share.created", made)
    return made, token


def _make_link(share: Share) -> str:
    if share.level != "read":
        raise ShareInvalid("/body/level", "of a link is read")
    share.expires_at = share.expires_at or now() + LINK_LASTS
    token, share.token_hash = link_tokens.make()
    return token


async def _member(session: AsyncSession, access: Access, grantee: MemberGrantee) -> UUID:
    member = await members.get(session, access.workspace_id, grantee.member_id)
    if member is None or member.user_id == access.user_id:
        raise ShareInvalid("/body/grantee/member_id", "is no other member of this workspace")
    return member.id


async def _role(
    session: AsyncSession, access: Access, grantee: RoleGrantee
) -> tuple[str | None, UUID | None]:
    choice = RoleChoice(role=grantee.role, role_id=grantee.role_id)
    grant = await choose(session, access.workspace_id, choice, "/body/grantee/role_id")
    return (None, grant.role_id) if grant.role_id else (grant.role, None)


async def page(
    session: AsyncSession, access: Access, resource: Shareable, query: PageQuery, cursors: Cursors
) -> Slice[Share]:
    return await crud.page(session, access.workspace_id, resource.id, query, cursors)


async def get(session: AsyncSession, access: Access, resource: Shareable, share_id: UUID) -> Share:
    """Raises ShareNotFound."""
    share = await crud.get(session, access.workspace_id, resource.id, share_id)
    if share is None:
        raise ShareNotFound
    return share


async def update(
    session: AsyncSession, access: Access, resource: Shareable, share_id: UUID, change: ShareUpdate
) -> Share:
    """Raises ShareNotFound, and ShareInvalid for a link that would write or never end."""
    share = await get(session, access, resource, share_id)
    await match(session, share)
    is_link = share.grantee_type == "link"
    if change.level is not None:
        if is_link and change.level != "read":
            raise ShareInvalid("/body/level", "of a link is read")
        share.level = change.level
    if "expires_at" in change.model_fields_set:
        if is_link and change.expires_at is None:
            raise ShareInvalid("/body/expires_at", "of a link is needed")
        share.expires_at = change.expires_at
    await session.flush()
    _note(session, "share.updated", share)
    return share


async def revoke(
    session: AsyncSession, access: Access, resource: Shareable, share_id: UUID
) -> None:
    """Close a share for good."""
    share = await get(session, access, resource, share_id)
    await match(session, share)
    _note(session, "share.revoked", share)
    await crud.delete(session, share)


async def level_of(session: AsyncSession, access: Access, resource_id: UUID) -> Level | None:
    """The best level at which a resource is shared with the caller; None where it is not."""
    found = await crud.level(session, access.workspace_id, access.user_id, resource_id)
    return cast("Level | None", found)


async def open_link(database: Database, resource_type: str, token: str) -> Opened:
    """What a link's token leads to; raises SharedLinkNotFound, whatever is wrong with it."""
    async with database.unit(SYSTEM) as session:
        share = await crud.by_token(session, resource_type, link_tokens.hash_of(token))
    if share is None:
        raise SharedLinkNotFound("It was revoked, has expired, or was cut.")
    scope = Scope(workspace_id=share.workspace_id, user_id=share.created_by_id)
    return Opened(share.resource_id, scope, share.workspace_id)


def _note(session: AsyncSession, action: str, share: Share) -> None:
    detail = {
        "resource_type": share.resource_type,
        "resource_id": str(share.resource_id),
        "grantee_type": share.grantee_type,
        "level": share.level,
    }
    note(session, Note(action, "share", share.id, detail=detail))
