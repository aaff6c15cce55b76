"""What may be done with accounts."""

from app.core.auth import Access
from app.core.db import SYSTEM, AsyncSession, Database
from app.identity.users import crud, passwords
from app.identity.users.errors import UserNotFound
from app.identity.users.models import User
from app.identity.users.schemas import Credential, MeRead, UserCreate, UserRead, UserUpdate
from app.identity.workspaces import service as workspaces
from app.identity.workspaces.models import Workspace


async def register(database: Database, new: UserCreate) -> User:
    """An account with its personal workspace.

    It takes the database and not a session: the hash is made before a connection is taken, or a
    wave of registrations would hold every connection while it waits for its hashes.
    """
    password_hash = await passwords.hashed(new.password.get_secret_value())
    async with database.unit(SYSTEM) as session:
        user, _ = await create(session, new.email, password_hash, name=new.name or "")
    return user


async def create(
    session: AsyncSession, email: str, password_hash: str, *, name: str = ""
) -> tuple[User, Workspace]:
    """An account and its personal workspace; raises EmailTaken. The session is the system's."""
    user = await crud.add(session, User(email=email, name=name, password_hash=password_hash))
    return user, await workspaces.create_personal(session, user.id)


async def current(session: AsyncSession, access: Access) -> User:
    user = await crud.get(session, access.user_id)
    if user is None:
        raise UserNotFound
    return user


async def describe(session: AsyncSession, access: Access) -> MeRead:
    """Who the caller is, in which workspace, and what it may do there."""
    return MeRead(
        user=UserRead.model_validate(await current(session, access)),
        workspace=await workspaces.get(session, access, access.workspace_id),
        permissions=sorted(access.permissions),
        credential=Credential(type=access.credential, id=access.credential_id),
    )


async def update(session: AsyncSession, access: Access, change: UserUpdate) -> User:
    user = await current(session, access)
    user.name = change.name
    await session.flush()
    return user
