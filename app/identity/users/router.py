"""Registration and the caller's own account."""

from typing import Annotated

from app.core.auth import Access, Permission
from app.core.errors import Unauthenticated
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router, public, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.identity.users import service
from app.identity.users.errors import EmailTaken, RegistrationClosed
from app.identity.users.models import User
from app.identity.users.passwords import HashingBusy
from app.identity.users.schemas import MeRead, UserCreate, UserRead, UserUpdate

Reader = Annotated[Access, require(Permission.PROFILE_READ)]
Writer = Annotated[Access, require(Permission.PROFILE_WRITE)]

router = guarded_router(prefix="/v1", tag="users")


@router.post(
    "/auth/register",
    operation_id="users_register",
    summary="Register",
    description="Makes an account and its personal workspace. Sign in next, with the same words.",
    status_code=201,
    response_model=UserRead,
    dependencies=[public],
    responses=problems(RegistrationClosed, EmailTaken, HashingBusy),
)
async def register_user(body: UserCreate, kernel: KernelDep) -> User:
    if kernel.settings.registration == "closed":
        raise RegistrationClosed("Ask an administrator of this installation for an account.")
    return await service.register(kernel.database, body)


@router.get(
    "/me",
    operation_id="me_get",
    summary="The caller",
    description="The account, the workspace of this request, and what the credential may do there.",
    responses=problems(Unauthenticated, ScopeMissing),
)
async def get_me(session: Session, access: Reader) -> MeRead:
    return await service.describe(session, access)


@router.patch(
    "/me",
    operation_id="me_update",
    summary="Change the caller's name",
    response_model=UserRead,
    responses=problems(Unauthenticated, ScopeMissing),
)
async def update_me(body: UserUpdate, session: Session, access: Writer) -> User:
    return await service.update(session, access, body)
