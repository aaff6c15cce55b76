"""Evaluations and question sets in Postgres."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import undefer

from app.core import restorable
from app.core.paging import Cursors, Keyset, Slice, fetch_page
from app.knowledge.evaluations.models import EvaluatedQuestion, Evaluation, QuestionSet
from app.knowledge.evaluations.schemas import (
    EvaluatedQuestionQuery,
    EvaluationQuery,
    QuestionSetQuery,
)


async def add(session: AsyncSession, *rows: QuestionSet | Evaluation | EvaluatedQuestion) -> None:
    session.add_all(rows)
    await session.flush()


async def question_set(
    session: AsyncSession, workspace_id: UUID, set_id: UUID, *, for_update: bool = False
) -> QuestionSet | None:
    """With its questions; a deleted one included."""
    statement = (
        select(QuestionSet)
        .where(QuestionSet.workspace_id == workspace_id, QuestionSet.id == set_id)
        .options(undefer(QuestionSet.questions))
    )
    if for_update:
        statement = statement.with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def question_sets(
    session: AsyncSession, workspace_id: UUID, query: QuestionSetQuery, cursors: Cursors
) -> Slice[QuestionSet]:
    return await restorable.page(session, QuestionSet, workspace_id, query, cursors)


async def page(
    session: AsyncSession,
    workspace_id: UUID,
    user_id: UUID,
    query: EvaluationQuery,
    cursors: Cursors,
) -> Slice[Evaluation]:
    """A person's own, newest first."""
    wanted = [Evaluation.user_id == user_id]
    if query.status is not None:
        wanted.append(Evaluation.status == query.status)
    if query.question_set_id is not None:
        wanted.append(Evaluation.question_set_id == query.question_set_id)
    return await restorable.page(session, Evaluation, workspace_id, query, cursors, *wanted)


async def questions(
    session: AsyncSession,
    workspace_id: UUID,
    evaluation_id: UUID,
    query: EvaluatedQuestionQuery,
    cursors: Cursors,
) -> Slice[EvaluatedQuestion]:
    """In the order in which they were given."""
    statement = select(EvaluatedQuestion).where(
        EvaluatedQuestion.workspace_id == workspace_id,
        EvaluatedQuestion.evaluation_id == evaluation_id,
    )
    return await fetch_page(
        session,
        statement,
        Keyset(EvaluatedQuestion.position, EvaluatedQuestion.id, descending=False),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(evaluation_id),
    )


async def all_questions(
    session: AsyncSession, workspace_id: UUID, evaluation_id: UUID
) -> Sequence[EvaluatedQuestion]:
    statement = (
        select(EvaluatedQuestion)
        .where(
            EvaluatedQuestion.workspace_id == workspace_id,
            EvaluatedQuestion.evaluation_id == evaluation_id,
        )
        .order_by(EvaluatedQuestion.position)
    )
    return (await session.scalars(statement)).all()


async def keep_outcomes(
    session: AsyncSession, workspace_id: UUID, question_id: UUID, outcomes: Sequence[Any]
) -> None:
    await session.execute(
        update(EvaluatedQuestion)
        .where(EvaluatedQuestion.workspace_id == workspace_id, EvaluatedQuestion.id == question_id)
        .values(outcomes=list(outcomes))
    )
