"""Question sets, and evaluations with them."""

from typing import Any
from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.calls.remembering import remembered
from app.knowledge.evaluations import crud
from app.knowledge.evaluations.errors import EvaluationNotFound, QuestionSetNotFound
from app.knowledge.evaluations.evaluating import KIND
from app.knowledge.evaluations.models import EvaluatedQuestion, Evaluation, QuestionSet
from app.knowledge.evaluations.schemas import (
    EvaluatedQuestionQuery,
    EvaluationCreate,
    EvaluationQuery,
    QuestionSetCreate,
    QuestionSetQuery,
    QuestionSetUpdate,
)
from app.runs.runs import service as runs
from app.runs.runs.models import Run


async def create_set(session: AsyncSession, access: Access, new: QuestionSetCreate) -> QuestionSet:
    made = QuestionSet(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        **new.model_dump(mode="json"),
    )
    await crud.add(session, made)
    return made


async def get_set(
    session: AsyncSession, access: Access, set_id: UUID, *, for_update: bool = False
) -> QuestionSet:
    """Raises QuestionSetNotFound."""
    found = await crud.question_set(session, access.workspace_id, set_id, for_update=for_update)
    if found is None or found.deleted_at:
        raise QuestionSetNotFound
    return found


async def page_sets(
    session: AsyncSession, access: Access, query: QuestionSetQuery, cursors: Cursors
) -> Slice[QuestionSet]:
    return await crud.question_sets(session, access.workspace_id, query, cursors)


async def update_set(
    session: AsyncSession, access: Access, set_id: UUID, change: QuestionSetUpdate
) -> QuestionSet:
    """Evaluations that were made with it keep the questions that they asked."""
    found = await get_set(session, access, set_id, for_update=True)
    await match(session, found)
    for name, value in change.given().items():
        setattr(found, name, value)
    await session.flush()
    return await get_set(session, access, set_id)


async def delete_set(session: AsyncSession, access: Access, set_id: UUID) -> None:
    found = await get_set(session, access, set_id, for_update=True)
    await match(session, found)
    found.deleted_at = now()
    await session.flush()


async def restore_set(session: AsyncSession, access: Access, set_id: UUID) -> QuestionSet:
    """Raises QuestionSetNotFound and RestoreExpired."""
    found = await crud.question_set(session, access.workspace_id, set_id, for_update=True)
    if found is None:
        raise QuestionSetNotFound
    await restorable.bring_back(session, found)
    return found


async def create(
    session: AsyncSession, access: Access, executor_id: str, new: EvaluationCreate
) -> tuple[Evaluation, Run]:
    """The evaluation and the run that carries it out; raises QuestionSetNotFound."""
    questions: list[Any] = [each.model_dump(mode="json") for each in new.questions or ()]
    if new.question_set_id is not None:
        questions = (await get_set(session, access, new.question_set_id)).questions
    made = Evaluation(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        run_id=new_id(),
        question_set_id=new.question_set_id,
        name=new.name,
        status="running",
        question_count=len(questions),
        filters=new.filters.model_dump(mode="json"),
        configurations=[each.model_dump(mode="json") for each in new.configurations],
    )
    await crud.add(session, made)
    asked = [
        EvaluatedQuestion(
            id=new_id(),
            workspace_id=access.workspace_id,
            evaluation_id=made.id,
            position=position,
            question=each["question"],
            relevant=each["relevant"],
        )
        for position, each in enumerate(questions)
    ]
    await crud.add(session, *asked)
    run = await runs.create(
        session,
        access,
        run_id=made.run_id,
        executor_id=executor_id,
        kind=KIND,
        subject_id=made.id,
        input={
            "evaluation_id": str(made.id),
            "permissions": sorted(access.permissions),
            "role": access.role,
            **remembered(access),
        },
    )
    return made, run


async def get(
    session: AsyncSession, access: Access, evaluation_id: UUID, *, for_update: bool = False
) -> Evaluation:
    """One of the caller's own; raises EvaluationNotFound."""
    found = await restorable.find(
        session, Evaluation, access.workspace_id, evaluation_id, for_update=for_update
    )
    if found is None or found.deleted_at or found.user_id != access.user_id:
        raise EvaluationNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: EvaluationQuery, cursors: Cursors
) -> Slice[Evaluation]:
    return await crud.page(session, access.workspace_id, access.user_id, query, cursors)


async def questions(
    session: AsyncSession,
    access: Access,
    evaluation_id: UUID,
    query: EvaluatedQuestionQuery,
    cursors: Cursors,
) -> Slice[EvaluatedQuestion]:
    """Raises EvaluationNotFound."""
    await get(session, access, evaluation_id)
    return await crud.questions(session, access.workspace_id, evaluation_id, query, cursors)


async def delete(session: AsyncSession, access: Access, evaluation_id: UUID) -> None:
    """One that is under way goes on, unseen."""
    found = await get(session, access, evaluation_id, for_update=True)
    await match(session, found)
    found.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, evaluation_id: UUID) -> Evaluation:
    """Raises EvaluationNotFound and RestoreExpired."""
    found = await restorable.find(
        session, Evaluation, access.workspace_id, evaluation_id, for_update=True
    )
    if found is None or found.user_id != access.user_id:
        raise EvaluationNotFound
    await restorable.bring_back(session, found)
    return found
