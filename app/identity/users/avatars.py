"""What may be done with pictures of people."""

from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession
from app.core.versions import match
from app.identity.users import crud
from app.identity.users.errors import AvatarNotFound
from app.identity.users.models import Avatar, User
from app.identity.users.pictures import MEDIA_TYPE, Picture
from app.identity.users.service import current


async def get(session: AsyncSession, access: Access, user_id: UUID) -> Avatar:
    """The picture of the caller, or of someone in the same workspace; raises AvatarNotFound."""
    avatar = await crud.get_avatar(session, access.workspace_id, user_id)
    if avatar is None:
        raise AvatarNotFound
    return avatar


async def put(session: AsyncSession, access: Access, picture: Picture) -> User:
    """Set the caller's picture, in place of the earlier one."""
    user = await current(session, access)
    await match(session, user)
    avatar = await crud.get_avatar(session, access.workspace_id, user.id)
    if avatar is None:
        await crud.add_avatar(
            session, Avatar(user_id=user.id, media_type=MEDIA_TYPE, picture=picture.content)
        )
    else:
        avatar.picture = picture.content
    user.avatar_etag = picture.etag
    await session.flush()
    await session.refresh(user)
    return user


async def delete(session: AsyncSession, access: Access) -> None:
    """Remove the caller's picture; without one that is no error."""
    user = await current(session, access)
    await match(session, user)
    if avatar := await crud.get_avatar(session, access.workspace_id, user.id):
        await crud.delete_avatar(session, avatar)
    user.avatar_etag = None
    await session.flush()
