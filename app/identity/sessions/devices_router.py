"""Where the caller is signed in: list, end one, end the others."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, PageQuery
from app.identity.sessions import service
from app.identity.sessions.errors import SessionNotFound, SessionRequired
from app.identity.sessions.guard import require_session
from app.identity.sessions.schemas import SessionRead

Reader = Annotated[Access, require_session(Permission.PROFILE_READ)]
Writer = Annotated[Access, require_session(Permission.PROFILE_WRITE)]

router = guarded_router(prefix="/v1/sessions", tag="sessions")


@router.get(
    "",
    operation_id="sessions_list",
    summary="List your sessions",
    description="Every device that is signed in to your account, the latest sign-in first.",
    response_model=Page[SessionRead],
    responses=problems(CursorInvalid, SessionRequired),
)
async def list_sessions(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[PageQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "/revoke-others",
    operation_id="sessions_delete_others",
    summary="Sign out everywhere else",
    description="Ends every session of the caller but this one, at once and for good.",
    status_code=204,
    responses=problems(SessionRequired),
)
async def delete_other_sessions(access: Writer, session: Session) -> None:
    await service.end_all(session, access, but_this=True)


@router.delete(
    "/{session_id}",
    operation_id="sessions_revoke",
    summary="End a session",
    description="At once and for good: that device has to sign in again.",
    status_code=204,
    responses=problems(SessionRequired, SessionNotFound),
)
async def revoke_session(session_id: UUID, access: Writer, session: Session) -> None:
    await service.revoke(session, access, session_id)
