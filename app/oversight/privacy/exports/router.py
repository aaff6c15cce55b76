"""/v1/privacy/exports."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rate_limits import sensitive
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.oversight.privacy.exports import service
from app.oversight.privacy.exports.errors import (
    ExportExpired,
    ExportNotFound,
    ExportNotReady,
    ExportUnderWay,
)
from app.oversight.privacy.exports.jobs import NAME
from app.oversight.privacy.exports.models import PrivacyExport
from app.oversight.privacy.exports.schemas import ExportRead

Reader = Annotated[Access, require(Permission.PRIVACY_READ)]


def exports_router(recent: Callable[[Permission], Any]) -> APIRouter:
    """The routes; `recent` guards what hands over data: a person who has just proved themselves."""
    router = guarded_router(prefix="/v1/privacy/exports", tag="privacy_exports")
    Self = Annotated[Access, recent(Permission.PRIVACY_WRITE)]  # noqa: N806

    @router.get(
        "",
        operation_id="privacy_exports_list",
        summary="List exports of your data",
        description="Your own, newest first, whichever workspace they were asked for in.",
        response_model=Page[ExportRead],
        responses=problems(CursorInvalid),
    )
    async def list_exports(
        access: Reader, session: Session, kernel: KernelDep, query: Annotated[PageQuery, Query()]
    ) -> object:
        return await service.page(session, access, query, kernel.cursors)

    @router.post(
        "",
        operation_id="privacy_exports_create",
        dependencies=[sensitive],
        summary="Export your data",
        description=(
            "Makes an archive (ZIP) of everything this service holds about you, over all your "
            "workspaces: one JSON Lines file for each table, your files, and a manifest. It takes "
            "a while; watch its status. The archive is deleted after seven days."
        ),
        status_code=201,
        response_model=ExportRead,
        responses=problems(ExportUnderWay),
    )
    async def create_export(
        access: Self, session: Session, kernel: KernelDep, response: Response
    ) -> PrivacyExport:
        export = await service.create(session, access)
        response.headers["Location"] = f"/v1/privacy/exports/{export.id}"
        on_commit(session, lambda: kernel.nudge(NAME))
        return export

    @router.get(
        "/{export_id}",
        operation_id="privacy_exports_get",
        summary="Show an export",
        response_model=ExportRead,
        responses=problems(ExportNotFound),
    )
    async def get_export(export_id: UUID, access: Reader, session: Session) -> PrivacyExport:
        return await service.get(session, access, export_id)

    @router.get(
        "/{export_id}/download",
        operation_id="privacy_exports_download",
        summary="Download an export",
        description="The archive itself. Every download is noted in the audit trail.",
        response_class=FileResponse,
        responses={
            200: {"description": "The archive.", "content": {"application/zip": {}}},
            **problems(ExportNotFound, ExportNotReady, ExportExpired),
        },
    )
    async def download_export(
        export_id: UUID, access: Self, session: Session, kernel: KernelDep
    ) -> FileResponse:
        path = await service.download(session, access, export_id, kernel.settings.data_dir)
        return FileResponse(
            path,
            media_type="application/zip",
            filename=f"luminous-export-{export_id}.zip",
            headers={"Cache-Control": "no-store"},
        )

    return router
