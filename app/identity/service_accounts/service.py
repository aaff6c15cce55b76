"""What may be done with service accounts."""

from uuid import UUID

from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession, Scope, apply_scope
from app.core.ids import new_id
from app.core.paging import Cursors, PageQuery, Slice
from app.core.versions import match
from app.identity.api_keys import service as api_keys
from app.identity.api_keys.models import ApiKey
from app.identity.api_keys.schemas import ApiKeyCreate
from app.identity.members import service as members
from app.identity.members.errors import ServiceAccountMember
from app.identity.roles.errors import RoleAboveOwn
from app.identity.roles.grants import choose, giver, standing_of
from app.identity.service_accounts import crud
from app.identity.service_accounts.errors import ServiceAccountNotFound
from app.identity.service_accounts.models import ServiceAccount
from app.identity.service_accounts.schemas import (
    ServiceAccountCreate,
    ServiceAccountRead,
    ServiceAccountUpdate,
)
from app.identity.users import crud as users
from app.identity.users.models import User
from app.identity.workspaces.models import Membership
from app.identity.workspaces.roles import Role


async def create(
    session: AsyncSession, access: Access, new: ServiceAccountCreate
) -> ServiceAccountRead:
    """A member that is no person; raises RoleAboveOwn, RoleUnknown and ServiceAccountMember."""
    grant = await choose(session, access.workspace_id, new)
    (await giver(session, access)).refuse_above(grant)
    if grant.role == Role.OWNER:
        raise ServiceAccountMember("An owner is a person.")
    user_id = new_id()
    # `.invalid` is reserved: no mail goes there, and nobody can register or sign in with it.
    email = f"{user_id}@service.invalid"
    user = User(id=user_id, email=email, name=new.name, kind="service", password_hash=None)
    # Row-level security lets a transaction write the account of the user it serves.
    await apply_scope(session, Scope(access.workspace_id, user_id))
    await users.add(session, user)
    member = await members.join(session, access.workspace_id, user_id, grant)
    await apply_scope(session, access.scope)
    account = ServiceAccount(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=user_id,
        name=new.name,
        description=new.description,
        created_by_id=access.user_id,
    )
    return read(await crud.add(session, account), member)


async def page(
    session: AsyncSession, access: Access, query: PageQuery, cursors: Cursors
) -> Slice[ServiceAccountRead]:
    rows = await crud.page(session, access.workspace_id, query, cursors)
    found = await crud.memberships(session, access.workspace_id, {r.user_id for r in rows.data})
    return rows.map(lambda row: read(row, found[row.user_id]))


async def get(session: AsyncSession, access: Access, account_id: UUID) -> ServiceAccountRead:
    """Raises ServiceAccountNotFound."""
    account = await find(session, access, account_id)
    return read(account, await _member(session, account))


async def update(
    session: AsyncSession, access: Access, account_id: UUID, change: ServiceAccountUpdate
) -> ServiceAccountRead:
    account = await find(session, access, account_id)
    await match(session, account)
    if change.name is not None:
        account.name = change.name
        if user := await users.get(session, account.user_id):
            user.name = change.name
    if change.description is not None:
        account.description = change.description
    await session.flush()
    return read(account, await _member(session, account))


async def delete(session: AsyncSession, access: Access, account_id: UUID) -> UUID:
    """End a service account and its keys for good; returns its user's id. Raises RoleAboveOwn."""
    account = await find(session, access, account_id)
    await match(session, account)
    await _refuse_stronger(session, access, account)
    # First, for once it is no member the account is not seen any more.
    if user := await users.get(session, account.user_id):
        user.status, user.deleted_at = "deleted", now()
        await session.flush()
    await members.end(session, await _member(session, account))
    await crud.delete(session, account)
    return account.user_id


async def create_key(
    session: AsyncSession, access: Access, account_id: UUID, new: ApiKeyCreate
) -> tuple[ApiKey, str]:
    """A key of a service account: no stronger than the account, nor than the caller."""
    account = await find(session, access, account_id)
    held = (await standing_of(session, account.workspace_id, account.user_id)).permissions
    return await api_keys.create_for(session, access, account.user_id, held, new)


async def keys(
    session: AsyncSession, access: Access, account_id: UUID, query: PageQuery, cursors: Cursors
) -> Slice[ApiKey]:
    account = await find(session, access, account_id)
    return await api_keys.page_of(session, access, account.user_id, query, cursors)


async def find(session: AsyncSession, access: Access, account_id: UUID) -> ServiceAccount:
    """Raises ServiceAccountNotFound."""
    account = await crud.get(session, access.workspace_id, account_id)
    if account is None:
        raise ServiceAccountNotFound
    return account


async def _refuse_stronger(session: AsyncSession, access: Access, account: ServiceAccount) -> None:
    mine = await standing_of(session, access.workspace_id, access.user_id)
    theirs = await standing_of(session, access.workspace_id, account.user_id)
    if not theirs.permissions <= mine.permissions:
        raise RoleAboveOwn("Ask someone whose role allows as much as the account's.")


async def _member(session: AsyncSession, account: ServiceAccount) -> Membership:
    found = await crud.memberships(session, account.workspace_id, [account.user_id])
    return found[account.user_id]


def read(account: ServiceAccount, member: Membership) -> ServiceAccountRead:
    """A service account with what its membership says."""
    return ServiceAccountRead(
        id=account.id,
        user_id=account.user_id,
        member_id=member.id,
        name=account.name,
        description=account.description,
        role=member.role,
        role_id=member.role_id,
        suspended_at=member.suspended_at,
        created_by_id=account.created_by_id,
        created_at=account.created_at,
        updated_at=account.updated_at,
        version=account.version,
    )
