"""Feedback in Postgres, and the calls that it is about."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.inference.feedback.models import Feedback
from app.inference.feedback.schemas import FeedbackQuery
from app.inference.usage.models import ModelCall

# Text, because runs' messages stand above this room and may not be imported here.
_RUN_OF_MESSAGE = text(
    "select run_id from messages where workspace_id = :workspace and id = :message"
)
_RUN = text("select id from runs where workspace_id = :workspace and id = :run")
FILTERS = ("run_id", "call_id", "message_id", "source")


async def add(session: AsyncSession, feedback: Feedback) -> Feedback:
    session.add(feedback)
    await session.flush()
    return feedback


async def before(session: AsyncSession, judgement: Feedback) -> Feedback | None:
    """The last judgement of the same by the same person that taught the same candidate.

    Until the transaction ends nobody else judges it in their name.
    """
    about = "call_id" if judgement.call_id else "run_id" if judgement.run_id else "message_id"
    target = getattr(judgement, about)
    name = f"feedback:{judgement.user_id}:{target}"
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    same = (
        "workspace_id", "user_id", about, "source", "route_id", "category", "deployment",
    )  # fmt: skip
    statement = select(Feedback).where(
        *(getattr(Feedback, each) == getattr(judgement, each) for each in same)
    )
    return (await session.scalars(statement.order_by(Feedback.id.desc()).limit(1))).one_or_none()


async def get(session: AsyncSession, workspace_id: UUID, feedback_id: UUID) -> Feedback | None:
    statement = select(Feedback).where(
        Feedback.workspace_id == workspace_id, Feedback.id == feedback_id
    )
    return (await session.scalars(statement)).one_or_none()


async def page(
    session: AsyncSession, workspace_id: UUID, query: FeedbackQuery, cursors: Cursors
) -> Slice[Feedback]:
    statement = select(Feedback).where(Feedback.workspace_id == workspace_id)
    for name in FILTERS:
        if (wanted := getattr(query, name)) is not None:
            statement = statement.where(getattr(Feedback, name) == wanted)
    keyset = Keyset(Feedback.created_at, Feedback.id)
    return await fetch_page(
        session, statement, keyset, query, cursors=cursors, workspace_id=workspace_id
    )


async def call(session: AsyncSession, workspace_id: UUID, call_id: UUID) -> ModelCall | None:
    """The call of this id; of a request's id, its attempt that answered, else the last one."""
    statement = select(ModelCall).where(
        ModelCall.workspace_id == workspace_id,
        or_(ModelCall.id == call_id, ModelCall.request_id == call_id),
    )
    best_first = statement.order_by(
        (ModelCall.id == call_id).desc(),
        (ModelCall.status == "succeeded").desc(),
        ModelCall.attempt.desc(),
    )
    return (await session.scalars(best_first.limit(1))).one_or_none()


async def has_run(session: AsyncSession, workspace_id: UUID, run_id: UUID) -> bool:
    found = await session.execute(_RUN, {"workspace": workspace_id, "run": run_id})
    return found.first() is not None


async def run_of_message(
    session: AsyncSession, workspace_id: UUID, message_id: UUID
) -> tuple[bool, UUID | None]:
    """Whether there is such a message, and the run that wrote it."""
    found = await session.execute(
        _RUN_OF_MESSAGE, {"workspace": workspace_id, "message": message_id}
    )
    row = found.first()
    return row is not None, row[0] if row is not None else None


async def routed_calls_of_run(
    session: AsyncSession, workspace_id: UUID, run_id: UUID
) -> Sequence[ModelCall]:
    """The calls of a run that a route chose and that answered, the last one first."""
    statement = select(ModelCall).where(
        ModelCall.workspace_id == workspace_id,
        ModelCall.run_id == run_id,
        ModelCall.route.is_not(None),
        ModelCall.status == "succeeded",
    )
    return (await session.scalars(statement.order_by(ModelCall.id.desc()))).all()
