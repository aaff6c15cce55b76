"""/v1/templates."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.agents.definitions.edge import DeskDep, find_later
from app.agents.templates import service
from app.agents.templates.edge import MakersDep
from app.agents.templates.errors import (
    TemplateInvalid,
    TemplateNotFound,
    TemplateNotYours,
    TemplateReadOnly,
    TemplateSlugTaken,
    TooManyTemplates,
    TooManyTemplateVersions,
)
from app.agents.templates.schemas import (
    TemplateBulk,
    TemplateCreate,
    TemplateDuplicate,
    TemplateQuery,
    TemplateUpdate,
)
from app.agents.templates.schemas_read import TemplateDetail, TemplateRead
from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

Reader = Annotated[Access, require(Permission.TEMPLATES_READ)]
Writer = Annotated[Access, require(Permission.TEMPLATES_WRITE)]

router = guarded_router(prefix="/v1/templates", tag="templates")


@router.get(
    "",
    operation_id="templates_list",
    summary="List the templates that the caller sees, newest first",
    response_model=Page[TemplateRead],
    responses=problems(CursorInvalid),
)
async def list_templates(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[TemplateQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="templates_create",
    summary="Make a template of a prompt, an agent or a workflow",
    description=(
        "A draft with one version. A prompt's messages are Jinja templates of its variables; in "
        "the definition of an agent or a workflow `{{ name }}` stands for a variable's value."
    ),
    status_code=201,
    response_model=TemplateDetail,
    responses=problems(TemplateInvalid, TemplateSlugTaken, TooManyTemplates),
)
async def create_template(
    access: Writer,
    session: Session,
    desk: DeskDep,
    makers: MakersDep,
    new: TemplateCreate,
    response: Response,
) -> object:
    find_later(session, desk)
    made = await service.create(session, access, new, makers)
    response.headers["Location"] = f"/v1/templates/{made.id}"
    return made


@router.post(
    "/bulk",
    operation_id="templates_bulk",
    summary="Delete, restore or archive up to 500 templates",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_templates(
    access: Writer, session: Session, desk: DeskDep, request: TemplateBulk
) -> BulkResult:
    find_later(session, desk)
    return await service.bulk(session, access, request.items)


@router.get(
    "/{template_id}",
    operation_id="templates_get",
    summary="Show a template with what its newest version says",
    response_model=TemplateDetail,
    responses=problems(TemplateNotFound),
)
async def get_template(access: Reader, session: Session, template_id: UUID) -> object:
    return await service.show(session, access, template_id)


@router.patch(
    "/{template_id}",
    operation_id="templates_update",
    summary="Change a template; what it says changes in a new version",
    response_model=TemplateDetail,
    responses=problems(
        TemplateNotFound,
        TemplateReadOnly,
        TemplateNotYours,
        TemplateSlugTaken,
        TemplateInvalid,
        TooManyTemplateVersions,
    ),
)
async def update_template(
    access: Writer,
    session: Session,
    desk: DeskDep,
    makers: MakersDep,
    template_id: UUID,
    change: TemplateUpdate,
) -> object:
    find_later(session, desk)
    return await service.update(session, access, template_id, change, makers)


@router.delete(
    "/{template_id}",
    operation_id="templates_delete",
    summary="Delete a template; it can be restored for 30 days",
    description="Agents and workflows that were made of it stay.",
    status_code=204,
    responses=problems(TemplateNotFound, TemplateNotYours),
)
async def delete_template(
    access: Writer, session: Session, desk: DeskDep, template_id: UUID
) -> None:
    find_later(session, desk)
    await service.delete(session, access, template_id)


@router.post(
    "/{template_id}/restore",
    operation_id="templates_restore",
    summary="Bring a deleted template back, with all its versions",
    response_model=TemplateDetail,
    responses=problems(
        TemplateNotFound, TemplateNotYours, TemplateSlugTaken, TooManyTemplates, RestoreExpired
    ),
)
async def restore_template(
    access: Writer, session: Session, desk: DeskDep, template_id: UUID
) -> object:
    find_later(session, desk)
    return await service.restore(session, access, template_id)


@router.post(
    "/{template_id}/archive",
    operation_id="templates_archive",
    summary="Take a template out of use",
    description="It can be read, not rendered. To publish it puts it back.",
    response_model=TemplateDetail,
    responses=problems(TemplateNotFound, TemplateReadOnly),
)
async def archive_template(access: Writer, session: Session, template_id: UUID) -> object:
    return await service.archive(session, access, template_id)


@router.post(
    "/{template_id}/duplicate",
    operation_id="templates_duplicate",
    summary="Make a template of your own that says what this one says now",
    status_code=201,
    response_model=TemplateDetail,
    responses=problems(TemplateNotFound, TemplateSlugTaken, TooManyTemplates),
)
async def duplicate_template(
    access: Writer,
    session: Session,
    desk: DeskDep,
    template_id: UUID,
    wanted: TemplateDuplicate,
    response: Response,
) -> object:
    find_later(session, desk)
    made = await service.duplicate(session, access, template_id, wanted)
    response.headers["Location"] = f"/v1/templates/{made.id}"
    return made
