"""What is said of answers, and what adaptive routes learn from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from app.core.auth import Access
from app.core.db import AsyncSession, on_commit
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.inference.feedback import crud
from app.inference.feedback.errors import FeedbackNotFound, JudgedUnknown
from app.inference.feedback.models import Feedback
from app.inference.feedback.schemas import FeedbackCreate, FeedbackQuery
from app.inference.routing.errors import RouteNotFound
from app.inference.routing.planner import Router
from app.inference.routing.spec import RouteSpec
from app.inference.usage.models import ModelCall

UNSORTED = "chat"


@dataclass(frozen=True, slots=True)
class _Lesson:
    """Who is to learn from a judgement, and of what."""

    spec: RouteSpec
    category: str
    deployment: str


@dataclass(frozen=True, slots=True)
class Pupil:
    """A route that is to learn of answers that no route has chosen, and the kind of their task."""

    route: str
    category: str


async def create(
    session: AsyncSession,
    access: Access,
    router: Router,
    new: FeedbackCreate,
    pupil: Pupil | None = None,
) -> Feedback:
    """Keep a judgement; the route that chose the answer learns from it once it is committed.

    Who judges the same again has another mind: what the route learned before is put right.
    `pupil` learns where no route has chosen it. Raises JudgedUnknown.
    """
    calls = await _judged(session, access.workspace_id, new)
    told = new.model_dump()
    if new.call_id is not None:
        # A request was named perhaps: what is kept is the call that answered it.
        told["call_id"] = calls[0].id
    lesson = await _lesson(router, access.workspace_id, calls, pupil)
    feedback = Feedback(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        route_id=lesson.spec.id if lesson else None,
        category=lesson.category if lesson else None,
        deployment=lesson.deployment if lesson else None,
        **told,
    )
    if lesson is not None:
        before = await crud.before(session, feedback)
        _learn_on_commit(session, router, lesson, feedback, before.score if before else None)
    return await crud.add(session, feedback)


async def get(session: AsyncSession, access: Access, feedback_id: UUID) -> Feedback:
    feedback = await crud.get(session, access.workspace_id, feedback_id)
    if feedback is None:
        raise FeedbackNotFound
    return feedback


async def page(
    session: AsyncSession, access: Access, query: FeedbackQuery, cursors: Cursors
) -> Slice[Feedback]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def _judged(
    session: AsyncSession, workspace_id: UUID, new: FeedbackCreate
) -> Sequence[ModelCall]:
    """The calls behind what is judged; raises JudgedUnknown where that is not there."""
    if new.call_id is not None:
        call = await crud.call(session, workspace_id, new.call_id)
        if call is None:
            raise JudgedUnknown("call_id")
        return (call,)
    run_id = new.run_id
    if new.message_id is not None:
        found, run_id = await crud.run_of_message(session, workspace_id, new.message_id)
        if not found:
            raise JudgedUnknown("message_id")
    elif run_id is not None and not await crud.has_run(session, workspace_id, run_id):
        raise JudgedUnknown("run_id")
    return await crud.routed_calls_of_run(session, workspace_id, run_id) if run_id else ()


async def _lesson(
    router: Router, workspace_id: UUID, calls: Sequence[ModelCall], pupil: Pupil | None
) -> _Lesson | None:
    """The adaptive route that made the last of these calls, and what it chose."""
    for call in calls:
        route = call.route or (pupil.route if pupil else None)
        if route is None:
            continue
        try:
            spec = await router.route(workspace_id, route)
        except RouteNotFound:
            continue
        if spec.strategy == "adaptive" and spec.id is not None and not spec.learning.frozen:
            deployment = f"{call.integration_id or 'demo'}:{call.model}"
            kind = call.category or (pupil.category if pupil else UNSORTED)
            return _Lesson(spec, kind, deployment)
    return None


def _learn_on_commit(
    session: AsyncSession, router: Router, lesson: _Lesson, judged: Feedback, before: float | None
) -> None:
    def learn() -> None:
        router.rate(
            judged.workspace_id,
            lesson.spec,
            lesson.category,
            lesson.deployment,
            judged.score,
            evaluation=judged.source == "evaluation",
            before=before,
        )

    on_commit(session, learn)
