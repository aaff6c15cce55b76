"""/v1/tasks."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.automation.tasks import service
from app.automation.tasks.errors import (
    AssigneeUnknown,
    TaskDataInvalid,
    TaskDecided,
    TaskNotFound,
    TaskNotYours,
)
from app.automation.tasks.schemas import (
    TaskAssignment,
    TaskDecision,
    TaskItem,
    TaskQuery,
    TaskRead,
)
from app.automation.workflows.edge import NodeTypesDep
from app.core.auth import Access, Permission
from app.core.errors import Unauthenticated
from app.core.http.guard import KernelDep, ScopeMissing, guarded_router, require
from app.core.http.problems import problems
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page, Slice
from app.runs.runs.bundle import RunsDep

Reader = Annotated[Access, require(Permission.WORKFLOWS_READ)]
Decider = Annotated[Access, require(Permission.WORKFLOW_TASKS_WRITE)]

router = guarded_router(prefix="/v1/tasks", tag="tasks")


@router.get(
    "",
    operation_id="tasks_list",
    summary="List what waits for a person, or waited",
    description=(
        "Steps of workflows that ask a person: those of runs that the caller sees, and those that "
        "are theirs to decide. With the permission `agents:run`, calls of agents too, as "
        "`/v1/approvals` has them."
    ),
    response_model=Page[TaskItem],
    responses=problems(CursorInvalid, Unauthenticated, ScopeMissing),
)
async def list_tasks(
    query: Annotated[TaskQuery, Query()], access: Reader, session: Session, kernel: KernelDep
) -> Slice[TaskItem]:
    return await service.page(session, access, query, kernel.cursors)


@router.get(
    "/{task_id}",
    operation_id="tasks_get",
    summary="Show a task with its form, and what is around it",
    response_model=TaskRead,
    responses=problems(TaskNotFound, Unauthenticated, ScopeMissing),
)
async def get_task(
    task_id: UUID, access: Reader, session: Session, types: NodeTypesDep
) -> TaskRead:
    return await service.read(session, access, types, task_id)


@router.post(
    "/{task_id}/decide",
    operation_id="tasks_decide",
    summary="Approve or reject a task",
    description=(
        "Decided once, by one of its assignees; of a task without any, by whoever has the "
        "permission. `data` takes the place of what is shown, and has to fit the form. The run "
        "goes on by itself."
    ),
    response_model=TaskRead,
    responses=problems(
        TaskNotFound, TaskNotYours, TaskDecided, TaskDataInvalid, Unauthenticated, ScopeMissing
    ),
)
async def decide_task(
    task_id: UUID,
    decision: TaskDecision,
    access: Decider,
    session: Session,
    running: RunsDep,
    types: NodeTypesDep,
) -> TaskRead:
    return await service.decide(session, access, types, running, task_id, decision)


@router.post(
    "/{task_id}/assign",
    operation_id="tasks_assign",
    summary="Give a task to others",
    description=(
        "Those it is assigned to may, and whoever may change the workflow: to others, and with "
        "the permission `members:write` also to themselves."
    ),
    response_model=TaskRead,
    responses=problems(
        TaskNotFound, TaskNotYours, TaskDecided, AssigneeUnknown, Unauthenticated, ScopeMissing
    ),
)
async def assign_task(
    task_id: UUID,
    assignment: TaskAssignment,
    access: Decider,
    session: Session,
    types: NodeTypesDep,
) -> TaskRead:
    return await service.assign(session, access, types, task_id, assignment)
