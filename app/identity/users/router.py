"""Registration, the caller's own profile, and people's pictures."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response

from app.core.auth import Access, Permission
from app.core.errors import PayloadTooLarge
from app.core.http.guard import KernelDep, guarded_router, public, require
from app.core.http.problems import problems
from app.core.http.rate_limits import sensitive
from app.core.http.units import Session, SystemSession
from app.core.versions import parse_etags
from app.identity.users import avatars, passwords, pictures, service
from app.identity.users.errors import (
    AvatarNotFound,
    EmailTaken,
    PictureRefused,
    RegistrationClosed,
)
from app.identity.users.models import User
from app.identity.users.password_rules import PasswordRefused, check_password
from app.identity.users.passwords import HashingBusy
from app.identity.users.pictures import Picture
from app.identity.users.schemas import MeRead, UserCreate, UserRead, UserUpdate
from app.identity.users.service import NewAccount

Reader = Annotated[Access, require(Permission.PROFILE_READ)]
Writer = Annotated[Access, require(Permission.PROFILE_WRITE)]

router = guarded_router(prefix="/v1", tag="users")

PICTURE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {f"image/{kind}": {"schema": {}} for kind in ("png", "jpeg", "webp")},
    }
}
PICTURE_ANSWER: dict[str, Any] = {"content": {pictures.MEDIA_TYPE: {"schema": {}}}}


async def hash_password(body: UserCreate, kernel: KernelDep) -> NewAccount:
    """The registration, hashed before a connection is taken: a wave of them would hold them all."""
    if kernel.settings.registration == "closed":
        raise RegistrationClosed("Ask an administrator of this installation for an account.")
    password, name = body.password.get_secret_value(), body.name or ""
    check_password(password, (body.email, name))
    return NewAccount(body.email, name, await passwords.hashed(password))


async def redraw_picture(request: Request, _: Writer) -> Picture:
    """The picture in the body, drawn anew; raises PayloadTooLarge and PictureRefused."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > pictures.MOST_BYTES:
            raise PayloadTooLarge("A picture has at most 1 MiB.")
    return await pictures.redrawn(bytes(content))


@router.post(
    "/auth/register",
    operation_id="users_register",
    summary="Register",
    description=(
        "Makes an account and its personal workspace, and mails a token to confirm the address. "
        "Sign in next, with the same words."
    ),
    status_code=201,
    response_model=UserRead,
    dependencies=[public, sensitive],
    responses=problems(RegistrationClosed, EmailTaken, HashingBusy, PasswordRefused),
)
async def register_user(
    new: Annotated[NewAccount, Depends(hash_password)],
    session: SystemSession,
    kernel: KernelDep,
    response: Response,
) -> User:
    response.headers["Location"] = "/v1/me"
    return await service.register(session, kernel.settings, new)


@router.get(
    "/me",
    operation_id="me_get",
    summary="The caller",
    description="The account, the workspace of this request, and what the credential may do there.",
    responses=problems(),
)
async def get_me(session: Session, access: Reader) -> MeRead:
    return await service.describe(session, access)


@router.patch(
    "/me",
    operation_id="me_update",
    summary="Change the caller's profile",
    response_model=UserRead,
    responses=problems(),
)
async def update_me(body: UserUpdate, session: Session, access: Writer) -> User:
    return await service.update(session, access, body)


@router.put(
    "/me/avatar",
    operation_id="me_avatar_put",
    summary="Set the caller's picture",
    description=(
        "A PNG, JPEG or WebP file of at most 1 MiB and 16 million pixels as the body. It is drawn "
        "anew, at most 512 pixels a side, so nothing that the file tells besides is kept."
    ),
    response_model=UserRead,
    responses=problems(PayloadTooLarge, PictureRefused),
    openapi_extra=PICTURE_BODY,
)
async def put_my_avatar(
    picture: Annotated[Picture, Depends(redraw_picture)], session: Session, access: Writer
) -> User:
    return await avatars.put(session, access, picture)


@router.delete(
    "/me/avatar",
    operation_id="me_avatar_delete",
    summary="Remove the caller's picture",
    description="For good; the picture can be set again.",
    status_code=204,
    responses=problems(),
)
async def delete_my_avatar(session: Session, access: Writer) -> None:
    await avatars.delete(session, access)


@router.get(
    "/me/avatar",
    operation_id="me_avatar_get",
    summary="The caller's picture",
    response_class=Response,
    responses={200: PICTURE_ANSWER, **problems(AvatarNotFound)},
)
async def get_my_avatar(session: Session, access: Reader, request: Request) -> Response:
    return _shown(request, (await avatars.get(session, access, access.user_id)).picture)


@router.get(
    "/users/{user_id}/avatar",
    operation_id="user_avatars_get",
    summary="The picture of a member",
    description="Of someone in the workspace of this request.",
    response_class=Response,
    responses={200: PICTURE_ANSWER, **problems(AvatarNotFound)},
)
async def get_avatar(user_id: UUID, session: Session, access: Reader, request: Request) -> Response:
    return _shown(request, (await avatars.get(session, access, user_id)).picture)


def _shown(request: Request, picture: bytes) -> Response:
    """A picture that no browser takes for a page, or 304 where the caller has it."""
    headers = {
        "ETag": f'"{pictures.etag_of(picture)}"',
        "Cache-Control": "private, max-age=300",
        "Content-Disposition": "inline",
        "X-Content-Type-Options": "nosniff",
    }
    if headers["ETag"] in parse_etags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    return Response(picture, media_type=pictures.MEDIA_TYPE, headers=headers)
