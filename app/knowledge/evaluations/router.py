"""/v1/search/evaluations and /v1/search/question-sets."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.core.auth import Access, Permission
from app.core.db import on_commit
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page
from app.knowledge.evaluations import service
from app.knowledge.evaluations.errors import EvaluationNotFound, QuestionSetNotFound
from app.knowledge.evaluations.models import Evaluation, QuestionSet
from app.knowledge.evaluations.schemas import (
    EvaluatedQuestionQuery,
    EvaluationCreate,
    EvaluationQuery,
    QuestionSetCreate,
    QuestionSetQuery,
    QuestionSetUpdate,
)
from app.knowledge.evaluations.schemas_read import (
    EvaluatedQuestionRead,
    EvaluationRead,
    QuestionSetDetail,
    QuestionSetRead,
)
from app.runs.runs.bundle import RunsDep

Reader = Annotated[Access, require(Permission.SEARCH_READ)]
Writer = Annotated[Access, require(Permission.SEARCH_WRITE)]

router = guarded_router(prefix="/v1/search/evaluations", tag="search_evaluations")
sets_router = guarded_router(prefix="/v1/search/question-sets", tag="search_question_sets")


@router.get(
    "",
    operation_id="search_evaluations_list",
    summary="List your evaluations, newest first",
    response_model=Page[EvaluationRead],
    responses=problems(CursorInvalid),
)
async def list_evaluations(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[EvaluationQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="search_evaluations_create",
    summary="Measure how well searches answer your own questions",
    description=(
        "A run asks every question with every configuration: recall at k, the mean reciprocal rank "
        "and nDCG, and how sure the difference from the first configuration is. It searches what "
        "you may see now. A search that asks models of integrations is paid for."
    ),
    status_code=201,
    response_model=EvaluationRead,
    responses=problems(QuestionSetNotFound),
)
async def create_evaluation(
    access: Writer, session: Session, running: RunsDep, new: EvaluationCreate, response: Response
) -> Evaluation:
    made, run = await service.create(session, access, running.executor.id, new)
    on_commit(session, lambda: running.executor.launch(run))
    response.headers["Location"] = f"/v1/search/evaluations/{made.id}"
    return made


@router.get(
    "/{search_evaluation_id}",
    operation_id="search_evaluations_get",
    summary="Show an evaluation",
    response_model=EvaluationRead,
    responses=problems(EvaluationNotFound),
)
async def get_evaluation(
    access: Reader, session: Session, search_evaluation_id: UUID
) -> Evaluation:
    return await service.get(session, access, search_evaluation_id)


@router.get(
    "/{search_evaluation_id}/questions",
    operation_id="search_evaluations_list_questions",
    summary="List an evaluation's questions with what each configuration found",
    response_model=Page[EvaluatedQuestionRead],
    responses=problems(EvaluationNotFound, CursorInvalid),
)
async def list_questions(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    search_evaluation_id: UUID,
    query: Annotated[EvaluatedQuestionQuery, Query()],
) -> object:
    return await service.questions(session, access, search_evaluation_id, query, kernel.cursors)


@router.delete(
    "/{search_evaluation_id}",
    operation_id="search_evaluations_delete",
    summary="Delete an evaluation; it can be restored for 30 days",
    status_code=204,
    responses=problems(EvaluationNotFound),
)
async def delete_evaluation(access: Writer, session: Session, search_evaluation_id: UUID) -> None:
    await service.delete(session, access, search_evaluation_id)


@router.post(
    "/{search_evaluation_id}/restore",
    operation_id="search_evaluations_restore",
    summary="Bring a deleted evaluation back",
    response_model=EvaluationRead,
    responses=problems(EvaluationNotFound, RestoreExpired),
)
async def restore_evaluation(
    access: Writer, session: Session, search_evaluation_id: UUID
) -> Evaluation:
    return await service.restore(session, access, search_evaluation_id)


@sets_router.get(
    "",
    operation_id="search_question_sets_list",
    summary="List question sets, newest first",
    response_model=Page[QuestionSetRead],
    responses=problems(CursorInvalid),
)
async def list_sets(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[QuestionSetQuery, Query()]
) -> object:
    return await service.page_sets(session, access, query, kernel.cursors)


@sets_router.post(
    "",
    operation_id="search_question_sets_create",
    summary="Keep questions with what a search for each should find",
    status_code=201,
    response_model=QuestionSetDetail,
    responses=problems(),
)
async def create_set(
    access: Writer, session: Session, new: QuestionSetCreate, response: Response
) -> QuestionSet:
    made = await service.create_set(session, access, new)
    response.headers["Location"] = f"/v1/search/question-sets/{made.id}"
    return made


@sets_router.get(
    "/{question_set_id}",
    operation_id="search_question_sets_get",
    summary="Show a question set",
    response_model=QuestionSetDetail,
    responses=problems(QuestionSetNotFound),
)
async def get_set(access: Reader, session: Session, question_set_id: UUID) -> QuestionSet:
    return await service.get_set(session, access, question_set_id)


@sets_router.patch(
    "/{question_set_id}",
    operation_id="search_question_sets_update",
    summary="Change a question set",
    response_model=QuestionSetDetail,
    responses=problems(QuestionSetNotFound),
)
async def update_set(
    access: Writer, session: Session, question_set_id: UUID, change: QuestionSetUpdate
) -> QuestionSet:
    return await service.update_set(session, access, question_set_id, change)


@sets_router.delete(
    "/{question_set_id}",
    operation_id="search_question_sets_delete",
    summary="Delete a question set; it can be restored for 30 days",
    status_code=204,
    responses=problems(QuestionSetNotFound),
)
async def delete_set(access: Writer, session: Session, question_set_id: UUID) -> None:
    await service.delete_set(session, access, question_set_id)


@sets_router.post(
    "/{question_set_id}/restore",
    operation_id="search_question_sets_restore",
    summary="Bring a deleted question set back",
    response_model=QuestionSetDetail,
    responses=problems(QuestionSetNotFound, RestoreExpired),
)
async def restore_set(access: Writer, session: Session, question_set_id: UUID) -> QuestionSet:
    return await service.restore_set(session, access, question_set_id)
