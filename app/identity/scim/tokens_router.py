"""/v1/scim-tokens: the credentials of an organisation's directory."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.identity.connections.errors import SsoConnectionNotFound
from app.identity.roles.errors import RoleAboveOwn
from app.identity.scim import tokens
from app.identity.scim.edge import PREFIX
from app.identity.scim.errors import ScimTokenNotFound
from app.identity.scim.models import ScimToken
from app.identity.scim.schemas import ScimTokenCreate, ScimTokenCreated, ScimTokenRead
from app.identity.sessions.guard import require_recent
from app.identity.sso.browser import base_url

Reader = Annotated[Access, require(Permission.SSO_READ)]
Writer = Annotated[Access, require_recent(Permission.SSO_WRITE)]

router = guarded_router(prefix="/v1/scim-tokens", tag="scim_tokens")


@router.get(
    "",
    operation_id="scim_tokens_list",
    summary="List the workspace's SCIM tokens",
    response_model=Page[ScimTokenRead],
    responses=problems(CursorInvalid),
)
async def list_tokens(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[PageQuery, Query()]
) -> object:
    return await tokens.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="scim_tokens_create",
    summary="Make a SCIM token for a directory",
    description=(
        "The directory adds, suspends and removes members at `/scim/v2` with it, and deactivates "
        "accounts that the workspace manages. It is shown in this answer alone."
    ),
    status_code=201,
    responses=problems(SsoConnectionNotFound, RoleAboveOwn),
)
async def create_token(
    access: Writer,
    session: Session,
    kernel: KernelDep,
    request: Request,
    body: ScimTokenCreate,
    response: Response,
) -> ScimTokenCreated:
    row, token = await tokens.create(session, access, body)
    response.headers["Location"] = f"/v1/scim-tokens/{row.id}"
    response.headers["Cache-Control"] = "no-store"
    shown = ScimTokenRead.model_validate(row).model_dump()
    address = base_url(request, kernel.settings) + PREFIX
    return ScimTokenCreated(**shown, token=token, base_url=address)


@router.get(
    "/{scim_token_id}",
    operation_id="scim_tokens_get",
    summary="Show a SCIM token",
    response_model=ScimTokenRead,
    responses=problems(ScimTokenNotFound),
)
async def get_token(access: Reader, session: Session, scim_token_id: UUID) -> ScimToken:
    return await tokens.get(session, access, scim_token_id)


@router.delete(
    "/{scim_token_id}",
    operation_id="scim_tokens_delete",
    summary="Revoke a SCIM token",
    description="Final. What the directory has made stays.",
    status_code=204,
    responses=problems(ScimTokenNotFound),
)
async def delete_token(access: Writer, session: Session, scim_token_id: UUID) -> None:
    await tokens.revoke(session, access, scim_token_id)
