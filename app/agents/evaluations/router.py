"""/v1/evaluations."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from app.agents.evaluations import service
from app.agents.evaluations.datasets.errors import DatasetNotFound
from app.agents.evaluations.errors import BaselineInvalid, EvaluationNotFound
from app.agents.evaluations.experiments import service as experiments
from app.agents.evaluations.models import AgentEvaluation
from app.agents.evaluations.schemas import (
    AgentEvaluationCreate,
    AgentEvaluationQuery,
    AgentEvaluationRead,
    AgentEvaluationUpdate,
)
from app.core.auth import Access, Permission
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

Reader = Annotated[Access, require(Permission.EVALUATIONS_READ)]
Writer = Annotated[Access, require(Permission.EVALUATIONS_WRITE)]

router = guarded_router(prefix="/v1/evaluations", tag="evaluations")


@router.get(
    "",
    operation_id="evaluations_list",
    summary="List evaluations, newest first",
    response_model=Page[AgentEvaluationRead],
    responses=problems(CursorInvalid),
)
async def list_evaluations(
    access: Reader,
    session: Session,
    kernel: KernelDep,
    query: Annotated[AgentEvaluationQuery, Query()],
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="evaluations_create",
    summary="Say what is measured: a dataset, and graders",
    status_code=201,
    response_model=AgentEvaluationRead,
    responses=problems(DatasetNotFound),
)
async def create_evaluation(
    access: Writer, session: Session, new: AgentEvaluationCreate, response: Response
) -> AgentEvaluation:
    made = await service.create(session, access, new)
    response.headers["Location"] = f"/v1/evaluations/{made.id}"
    return made


@router.get(
    "/{evaluation_id}",
    operation_id="evaluations_get",
    summary="Show an evaluation",
    response_model=AgentEvaluationRead,
    responses=problems(EvaluationNotFound),
)
async def get_evaluation(access: Reader, session: Session, evaluation_id: UUID) -> AgentEvaluation:
    return await service.get(session, access, evaluation_id)


@router.patch(
    "/{evaluation_id}",
    operation_id="evaluations_update",
    summary="Change an evaluation; experiments keep the graders they had",
    response_model=AgentEvaluationRead,
    responses=problems(EvaluationNotFound, BaselineInvalid),
)
async def update_evaluation(
    access: Writer, session: Session, evaluation_id: UUID, change: AgentEvaluationUpdate
) -> AgentEvaluation:
    return await experiments.update_evaluation(session, access, evaluation_id, change)


@router.delete(
    "/{evaluation_id}",
    operation_id="evaluations_delete",
    summary="Delete an evaluation; it can be restored for 30 days",
    status_code=204,
    responses=problems(EvaluationNotFound),
)
async def delete_evaluation(access: Writer, session: Session, evaluation_id: UUID) -> None:
    await service.delete(session, access, evaluation_id)


@router.post(
    "/{evaluation_id}/restore",
    operation_id="evaluations_restore",
    summary="Bring a deleted evaluation back",
    response_model=AgentEvaluationRead,
    responses=problems(EvaluationNotFound, RestoreExpired),
)
async def restore_evaluation(
    access: Writer, session: Session, evaluation_id: UUID
) -> AgentEvaluation:
    return await service.restore(session, access, evaluation_id)
