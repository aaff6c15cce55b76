"""/v1/feedback."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.inference.feedback import service
from app.inference.feedback.errors import FeedbackNotFound, JudgedUnknown
from app.inference.feedback.models import Feedback
from app.inference.feedback.schemas import FeedbackCreate, FeedbackQuery, FeedbackRead
from app.inference.routing.edge import RouterDep

Reader = Annotated[Access, require(Permission.FEEDBACK_READ)]
Writer = Annotated[Access, require(Permission.FEEDBACK_WRITE)]

router = guarded_router(prefix="/v1/feedback", tag="feedback")


@router.get(
    "",
    operation_id="feedback_list",
    summary="List feedback, newest first",
    response_model=Page[FeedbackRead],
    responses=problems(CursorInvalid),
)
async def list_feedback(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[FeedbackQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="feedback_create",
    summary="Judge an answer; adaptive routes learn from it",
    status_code=201,
    response_model=FeedbackRead,
    responses=problems(JudgedUnknown),
)
async def create_feedback(
    access: Writer, session: Session, routes: RouterDep, new: FeedbackCreate, response: Response
) -> Feedback:
    made = await service.create(session, access, routes, new)
    response.headers["Location"] = f"/v1/feedback/{made.id}"
    return made


@router.get(
    "/{feedback_id}",
    operation_id="feedback_get",
    summary="Show one judgement",
    response_model=FeedbackRead,
    responses=problems(FeedbackNotFound),
)
async def get_feedback(access: Reader, session: Session, feedback_id: UUID) -> Feedback:
    return await service.get(session, access, feedback_id)
