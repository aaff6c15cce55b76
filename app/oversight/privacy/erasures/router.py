"""/v1/privacy/erasures and the certificates of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.http.guard import KernelDep, guarded_router, public, require
from app.core.http.problems import problems
from app.core.http.rate_limits import sensitive
from app.core.http.units import Session, SystemSession
from app.core.paging import CursorInvalid, Page, PageQuery
from app.oversight.privacy.erasures import service
from app.oversight.privacy.erasures.errors import (
    CertificateNotFound,
    ErasureBegun,
    ErasureNotFound,
    ErasureUnderWay,
    WorkspacesNeedOwner,
)
from app.oversight.privacy.erasures.jobs import NAME
from app.oversight.privacy.erasures.models import PrivacyErasure
from app.oversight.privacy.erasures.schemas import CertificateRead, ErasureRead
from app.oversight.privacy.wired import PrivacyDep

Reader = Annotated[Access, require(Permission.PRIVACY_READ)]
Writer = Annotated[Access, require(Permission.PRIVACY_WRITE)]

certificates = guarded_router(prefix="/v1/privacy/certificates", tag="privacy_certificates")


def erasures_router(recent: Callable[[Permission], Any]) -> APIRouter:
    """The routes; `recent` guards the request: only a person who has just proved themselves."""
    router = guarded_router(prefix="/v1/privacy/erasures", tag="privacy_erasures")
    Self = Annotated[Access, recent(Permission.PRIVACY_WRITE)]  # noqa: N806

    @router.get(
        "",
        operation_id="privacy_erasures_list",
        summary="List your erasures",
        response_model=Page[ErasureRead],
        responses=problems(CursorInvalid),
    )
    async def list_erasures(
        access: Reader, session: Session, kernel: KernelDep, query: Annotated[PageQuery, Query()]
    ) -> object:
        return await service.page(session, access, query, kernel.cursors)

    @router.post(
        "",
        operation_id="privacy_erasures_create",
        dependencies=[sensitive],
        summary="Have yourself erased",
        description=(
            "Removes your account and everything of yours from every store, for good; what a "
            "workspace shares lives on without you. It begins at `due_at` and can be cancelled "
            "until then. Afterwards `GET /v1/privacy/certificates/{certificate_id}` shows a "
            "signed certificate of what was removed."
        ),
        status_code=201,
        response_model=ErasureRead,
        responses=problems(ErasureUnderWay, WorkspacesNeedOwner),
    )
    async def create_erasure(
        access: Self,
        session: SystemSession,
        kernel: KernelDep,
        privacy: PrivacyDep,
        response: Response,
    ) -> PrivacyErasure:
        wait = timedelta(hours=kernel.settings.erasure_wait_hours)
        erasure = await service.create(session, access, privacy.people, wait=wait)
        response.headers["Location"] = f"/v1/privacy/erasures/{erasure.id}"
        on_commit(session, lambda: kernel.nudge(NAME))
        return erasure

    @router.get(
        "/{erasure_id}",
        operation_id="privacy_erasures_get",
        summary="Show an erasure",
        response_model=ErasureRead,
        responses=problems(ErasureNotFound),
    )
    async def get_erasure(erasure_id: UUID, access: Reader, session: Session) -> PrivacyErasure:
        return await service.get(session, access, erasure_id)

    @router.post(
        "/{erasure_id}/cancel",
        operation_id="privacy_erasures_cancel",
        summary="Cancel an erasure",
        description="Before it begins. Again is no error.",
        response_model=ErasureRead,
        responses=problems(ErasureNotFound, ErasureBegun),
    )
    async def cancel_erasure(erasure_id: UUID, access: Writer, session: Session) -> PrivacyErasure:
        return await service.cancel(session, access, erasure_id)

    return router


@certificates.get(
    "/{certificate_id}",
    operation_id="privacy_certificates_get",
    summary="Show the certificate of an erasure",
    description=(
        "For whoever knows its number: the account that could be asked is gone. Nothing in it is "
        "about the person."
    ),
    dependencies=[public],
    responses=problems(CertificateNotFound),
)
async def get_certificate(
    certificate_id: UUID, session: SystemSession, kernel: KernelDep
) -> CertificateRead:
    return await service.certificate(session, kernel.vault, certificate_id)
