"""/v1/templates/{template_id}/shares."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from app.agents.templates import service
from app.agents.templates.errors import TemplateNotFound, TemplateNotYours
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.identity.roles.errors import RoleUnknown
from app.identity.sharing import service as sharing
from app.identity.sharing.errors import AlreadyShared, ShareInvalid, ShareNotFound
from app.identity.sharing.models import Share
from app.identity.sharing.schemas import (
    LinkGrantee,
    ShareCreate,
    ShareCreated,
    ShareRead,
    ShareUpdate,
)
from app.identity.sharing.service import Shareable

Reader = Annotated[Access, require(Permission.SHARES_READ, Permission.TEMPLATES_READ)]
Writer = Annotated[Access, require(Permission.SHARES_WRITE, Permission.TEMPLATES_READ)]

router = guarded_router(prefix="/v1/templates/{template_id}/shares", tag="shares")


async def _own(access: Reader, session: Session, template_id: UUID) -> Shareable:
    """The template of the path, which the caller must be allowed to share."""
    return await service.shareable(session, access, template_id)


async def _own_to_share(access: Writer, session: Session, template_id: UUID) -> Shareable:
    return await service.shareable(session, access, template_id)


Own = Annotated[Shareable, Depends(_own, scope="function")]
OwnToShare = Annotated[Shareable, Depends(_own_to_share, scope="function")]


@router.get(
    "",
    operation_id="template_shares_list",
    summary="List whom a template is shared with, newest first",
    response_model=Page[ShareRead],
    responses=problems(TemplateNotFound, TemplateNotYours, CursorInvalid),
)
async def list_template_shares(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    resource: Own,
    query: Annotated[PageQuery, Query()],
) -> object:
    return await sharing.page(session, access, resource, query, kernel.cursors)


@router.post(
    "",
    operation_id="template_shares_create",
    summary="Share a template",
    description="With a member, or with everyone who has a role; there are no links to one.",
    status_code=201,
    responses=problems(
        TemplateNotFound, TemplateNotYours, ShareInvalid, RoleUnknown, AlreadyShared
    ),
)
async def create_template_share(
    body: ShareCreate,
    access: Writer,
    session: Session,
    resource: OwnToShare,
    response: Response,
) -> ShareCreated:
    if isinstance(body.grantee, LinkGrantee):
        raise ShareInvalid("/body/grantee/type", "of a template is a member or a role")
    made, token = await sharing.create(session, access, resource, body)
    response.headers["Location"] = f"/v1/templates/{resource.id}/shares/{made.id}"
    return ShareCreated(**ShareRead.model_validate(made).model_dump(), token=token)


@router.get(
    "/{template_share_id}",
    operation_id="template_shares_get",
    summary="Show a share of a template",
    response_model=ShareRead,
    responses=problems(TemplateNotFound, TemplateNotYours, ShareNotFound),
)
async def get_template_share(
    template_share_id: UUID, access: Reader, session: Session, resource: Own
) -> Share:
    return await sharing.get(session, access, resource, template_share_id)


@router.patch(
    "/{template_share_id}",
    operation_id="template_shares_update",
    summary="Change the level or end of a template's share",
    response_model=ShareRead,
    responses=problems(TemplateNotFound, TemplateNotYours, ShareNotFound, ShareInvalid),
)
async def update_template_share(
    template_share_id: UUID,
    body: ShareUpdate,
    access: Writer,
    session: Session,
    resource: OwnToShare,
) -> Share:
    return await sharing.update(session, access, resource, template_share_id, body)


@router.delete(
    "/{template_share_id}",
    operation_id="template_shares_delete",
    summary="Stop sharing a template",
    description="At once and for good.",
    status_code=204,
    responses=problems(TemplateNotFound, TemplateNotYours, ShareNotFound),
)
async def delete_template_share(
    template_share_id: UUID, access: Writer, session: Session, resource: OwnToShare
) -> None:
    await sharing.revoke(session, access, resource, template_share_id)
