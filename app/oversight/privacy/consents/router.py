"""/v1/privacy/consents."""

from typing import Annotated

from fastapi import Query

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.oversight.privacy.consents import service
from app.oversight.privacy.consents.schemas import ConsentCreate, ConsentQuery, ConsentRead

Reader = Annotated[Access, require(Permission.PRIVACY_READ)]
Writer = Annotated[Access, require(Permission.PRIVACY_WRITE)]

router = guarded_router(prefix="/v1/privacy/consents", tag="privacy_consents")


@router.get(
    "",
    operation_id="privacy_consents_list",
    summary="List your consents",
    description="Every word of yours, newest first; with `current=true` the last on each purpose.",
    response_model=Page[ConsentRead],
    responses=problems(CursorInvalid),
)
async def list_consents(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[ConsentQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="privacy_consents_create",
    summary="Give or withdraw consent",
    description="Nothing is changed or deleted: each word is added to the history.",
    status_code=201,
    responses=problems(),
)
async def create_consent(body: ConsentCreate, access: Writer, session: Session) -> ConsentRead:
    return await service.create(session, access, body)
