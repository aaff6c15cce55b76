"""The first owner of an installation, made where there is no account yet."""

import secrets
from dataclasses import dataclass
from uuid import UUID

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.kernel import Kernel
from app.identity.api_keys import service as api_keys
from app.identity.users import crud, passwords
from app.identity.users import service as users
from app.identity.users.errors import UserNotFound
from app.identity.workspaces import crud as workspaces
from app.identity.workspaces.roles import Role, permissions_of

EMAIL = "owner@luminous.local"


@dataclass(frozen=True, slots=True)
class FirstOwner:
    """What is shown once at the first start."""

    email: str
    password: str
    api_key: str


async def create_first_owner(kernel: Kernel) -> FirstOwner | None:
    """The first account, its workspace and an API key of it; None when an account exists."""
    async with kernel.database.unit(SYSTEM) as session:
        if await crud.first(session):
            return None
    password = secrets.token_urlsafe(18)
    password_hash = await passwords.hashed(password)
    async with kernel.database.unit(SYSTEM) as session:
        await crud.lock_first(session)
        if await crud.first(session):
            return None
        user, workspace = await users.create(session, EMAIL, password_hash, name="Owner")
        user.email_verified_at = now()  # whoever reads the terminal is the operator
        _, key = await api_keys.issue(
            session, workspace.id, user.id, name="First key", scopes=permissions_of(Role.OWNER)
        )
    return FirstOwner(EMAIL, password, key)


async def issue_api_key(kernel: Kernel) -> str:
    """Another key of the first account's workspace; raises UserNotFound before there is one."""
    async with kernel.database.unit(SYSTEM) as session:
        owner = await crud.first(session)
        workspace = await workspaces.personal(session, owner.id) if owner else None
        if owner is None or workspace is None:
            raise UserNotFound("There is no account yet; start the service once.")
        _, key = await api_keys.issue(
            session,
            workspace.id,
            owner.id,
            name="Command line key",
            scopes=permissions_of(Role.OWNER),
        )
    return key


async def first_workspace(kernel: Kernel) -> UUID | None:
    """The workspace that the operator's own environment belongs to; None before the first start."""
    async with kernel.database.unit(SYSTEM) as session:
        owner = await crud.first(session)
        workspace = await workspaces.personal(session, owner.id) if owner else None
    return workspace.id if workspace else None
