"""/v1/me/identities: the accounts elsewhere that open the caller's account."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.rate_limits import sensitive
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.identity.sessions.guard import require_recent
from app.identity.sso import service
from app.identity.sso.errors import (
    IdentityLastWayIn,
    IdentityNotFound,
    IdentityTaken,
    SsoCodeInvalid,
)
from app.identity.sso.flows import Arrival, Flows
from app.identity.sso.models import UserIdentity
from app.identity.sso.schemas import IdentityLink, IdentityRead

Reader = Annotated[Access, require(Permission.PROFILE_READ)]
Writer = Annotated[Access, require_recent(Permission.PROFILE_WRITE)]

router = guarded_router(prefix="/v1/me/identities", tag="identities")


@router.get(
    "",
    operation_id="identities_list",
    summary="List the accounts elsewhere that open the caller's",
    response_model=Page[IdentityRead],
    responses=problems(CursorInvalid),
)
async def list_identities(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[PageQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


async def arrived(kernel: KernelDep, body: IdentityLink) -> Arrival:
    """Who stands behind the code of a link."""
    return await Flows(kernel.valkey, kernel.vault).redeem(body.code, body.verifier)


@router.post(
    "",
    operation_id="identities_create",
    summary="Link an account elsewhere",
    description=(
        "Begin with `POST /v1/auth/sso/start` and give the code to this route in place of "
        "`/v1/auth/sso/complete`. Whoever holds that account can sign in to this one from then "
        "on; of a workspace's connection, so can those who administer its provider."
    ),
    status_code=201,
    response_model=IdentityRead,
    dependencies=[sensitive, off_rails("the code is used up by being looked at")],
    responses=problems(SsoCodeInvalid, IdentityTaken),
)
async def create_identity(
    access: Writer,
    arrival: Annotated[Arrival, Depends(arrived)],
    session: Session,
    response: Response,
) -> UserIdentity:
    made = await service.link(session, access, arrival)
    response.headers["Location"] = f"/v1/me/identities/{made.id}"
    return made


@router.get(
    "/{identity_id}",
    operation_id="identities_get",
    summary="Show a linked account",
    response_model=IdentityRead,
    responses=problems(IdentityNotFound),
)
async def get_identity(access: Reader, session: Session, identity_id: UUID) -> UserIdentity:
    return await service.get(session, access, identity_id)


@router.delete(
    "/{identity_id}",
    operation_id="identities_delete",
    summary="Unlink an account elsewhere",
    description="Final: link it again to have it back. The last way to sign in stays.",
    status_code=204,
    responses=problems(IdentityNotFound, IdentityLastWayIn),
)
async def delete_identity(access: Writer, session: Session, identity_id: UUID) -> None:
    await service.unlink(session, access, identity_id)
