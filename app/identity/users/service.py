"""What may be done with accounts."""

from dataclasses import dataclass
from uuid import UUID

from app.core import mail
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.config import Settings
from app.core.db import AsyncSession
from app.core.versions import match
from app.identity.users import crud, letters, one_time
from app.identity.users.errors import UserNotFound
from app.identity.users.letters import Letter
from app.identity.users.models import User
from app.identity.users.one_time import Purpose
from app.identity.users.schemas import Credential, MeRead, UserRead, UserUpdate
from app.identity.workspaces import service as workspaces
from app.identity.workspaces.models import Workspace


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A registration whose password was taken and hashed, which is done before a session opens."""

    email: str
    name: str
    password_hash: str


async def register(session: AsyncSession, settings: Settings, new: NewAccount) -> User:
    """An account with its personal workspace, and a mail to confirm its address.

    Raises EmailTaken. The session is the system's.
    """
    user, workspace = await create(session, new.email, new.password_hash, name=new.name)
    token = await one_time.issue(session, user.id, Purpose.VERIFY_EMAIL, user.email)
    await write(session, user, letters.verify_email(settings.app_url, token))
    note(
        session,
        Note("account.registered", "user", user.id, workspace_id=workspace.id, actor_id=user.id),
    )
    return user


async def create(
    session: AsyncSession, email: str, password_hash: str | None, *, name: str = ""
) -> tuple[User, Workspace]:
    """An account and its personal workspace; raises EmailTaken. The session is the system's."""
    user = await crud.add(session, User(email=email, name=name, password_hash=password_hash))
    return user, await workspaces.create_personal(session, user.id)


async def write(
    session: AsyncSession, user: User, letter: Letter, *, to: str | None = None
) -> None:
    """Mail someone about their account, at its address or another one."""
    await mail.queue(
        session, to=to or user.email, subject=letter.subject, text=letter.text, user_id=user.id
    )


async def current(session: AsyncSession, access: Access) -> User:
    user = await crud.get(session, access.user_id)
    if user is None:
        raise UserNotFound
    return user


async def is_active(session: AsyncSession, user_id: UUID) -> bool:
    """Whether there is such an account, and it is neither deactivated nor deleted."""
    user = await crud.get(session, user_id)
    return user is not None and user.status == "active"


async def describe(session: AsyncSession, access: Access) -> MeRead:
    """Who the caller is, in which workspace, and what it may do there."""
    return MeRead(
        user=UserRead.model_validate(await current(session, access)),
        workspace=await workspaces.get(session, access, access.workspace_id),
        permissions=sorted(access.permissions),
        credential=Credential(type=access.credential, id=access.credential_id),
    )


async def update(session: AsyncSession, access: Access, change: UserUpdate) -> User:
    """Change the caller's own profile, as a merge patch."""
    user = await current(session, access)
    await match(session, user)
    for name in change.model_fields_set:
        setattr(user, name, getattr(change, name))
    await session.flush()
    await session.refresh(user)
    return user
