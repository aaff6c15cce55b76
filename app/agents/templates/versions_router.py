"""/v1/templates/{template_id}: its versions, their labels, and what differs between them."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from app.agents.definitions.edge import DeskDep, find_later
from app.agents.definitions.version_schemas import DiffQuery
from app.agents.templates import listing, versions
from app.agents.templates.errors import (
    TemplateInvalid,
    TemplateLabelNotFound,
    TemplateNotFound,
    TemplateReadOnly,
    TemplateScoreLow,
    TemplateVersionNotFound,
    TooManyTemplateVersions,
)
from app.agents.templates.models import TemplateVersion
from app.agents.templates.schemas import (
    TemplateLabelSet,
    TemplatePublish,
    TemplateRollback,
    TemplateVersionQuery,
    VersionNumber,
)
from app.agents.templates.schemas_read import (
    TemplateDetail,
    TemplateDiff,
    TemplateVersionDetail,
    TemplateVersionRead,
)
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.identity.versioned.schemas import Label

Reader = Annotated[Access, require(Permission.TEMPLATES_READ)]
Writer = Annotated[Access, require(Permission.TEMPLATES_WRITE)]
Named = Annotated[Label, Path(description="The label's name, such as `production`.")]

router = guarded_router(prefix="/v1/templates/{template_id}", tag="templates")


@router.get(
    "/versions",
    operation_id="template_versions_list",
    summary="List a template's versions, newest first",
    response_model=Page[TemplateVersionRead],
    responses=problems(TemplateNotFound, CursorInvalid),
)
async def list_versions(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    template_id: UUID,
    query: Annotated[TemplateVersionQuery, Query()],
) -> object:
    return await listing.page(session, access, template_id, query, kernel.cursors)


@router.get(
    "/versions/{number}",
    operation_id="template_versions_get",
    summary="Show what a version says",
    response_model=TemplateVersionDetail,
    responses=problems(TemplateNotFound, TemplateVersionNotFound),
)
async def get_version(
    access: Reader, session: Session, template_id: UUID, number: VersionNumber
) -> TemplateVersion:
    return await listing.get(session, access, template_id, number)


@router.get(
    "/diff",
    operation_id="template_versions_compare",
    summary="Show what differs between two versions",
    response_model=TemplateDiff,
    responses=problems(TemplateNotFound, TemplateVersionNotFound),
)
async def compare_versions(
    access: Reader,
    session: Session,
    template_id: UUID,
    query: Annotated[DiffQuery, Query()],
) -> object:
    return await versions.compare(session, access, template_id, query)


@router.post(
    "/rollback",
    operation_id="template_versions_rollback",
    summary="Have a new version say what an earlier one said",
    response_model=TemplateDetail,
    responses=problems(
        TemplateNotFound, TemplateReadOnly, TemplateVersionNotFound, TooManyTemplateVersions
    ),
)
async def roll_back(
    access: Writer, session: Session, desk: DeskDep, template_id: UUID, wanted: TemplateRollback
) -> object:
    find_later(session, desk)
    return await versions.rollback(session, access, template_id, wanted)


@router.put(
    "/labels/{label}",
    operation_id="template_labels_put",
    summary="Have a label name a version",
    response_model=TemplateDetail,
    responses=problems(
        TemplateNotFound, TemplateReadOnly, TemplateVersionNotFound, TemplateInvalid
    ),
)
async def set_label(
    access: Writer, session: Session, template_id: UUID, label: Named, wanted: TemplateLabelSet
) -> object:
    return await versions.set_label(session, access, template_id, label, wanted.version)


@router.delete(
    "/labels/{label}",
    operation_id="template_labels_delete",
    summary="Take a label away",
    status_code=204,
    responses=problems(TemplateNotFound, TemplateReadOnly, TemplateLabelNotFound),
)
async def delete_label(access: Writer, session: Session, template_id: UUID, label: Named) -> None:
    await versions.drop_label(session, access, template_id, label)


@router.post(
    "/publish",
    operation_id="templates_publish",
    summary="Put a version into use: `production` names it from then on",
    response_model=TemplateDetail,
    responses=problems(
        TemplateNotFound,
        TemplateReadOnly,
        TemplateVersionNotFound,
        TemplateInvalid,
        TemplateScoreLow,
    ),
)
async def publish_template(
    access: Writer, session: Session, template_id: UUID, wanted: TemplatePublish
) -> object:
    return await versions.publish(session, access, template_id, wanted)
