"""What people do with tasks: see them, decide them, give them to others."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from app.agents.definitions.json_schemas import mistakes
from app.agents.runtime import service as tool_approvals
from app.agents.runtime.errors import ApprovalDecided, ApprovalNotFound
from app.agents.runtime.models import ToolApproval
from app.agents.runtime.schemas import ApprovalDecision
from app.automation.engine.assignees import meant_by, without_addresses
from app.automation.nodes.registry import NodeTypes
from app.automation.runs.reach import may_change
from app.automation.tasks import crud, people, standing_crud
from app.automation.tasks.crud import Step, Task
from app.automation.tasks.errors import (
    AssigneeUnknown,
    TaskDataInvalid,
    TaskDecided,
    TaskNotFound,
    TaskNotYours,
)
from app.automation.tasks.people import Names
from app.automation.tasks.schemas import (
    TaskAssignment,
    TaskDecision,
    TaskItem,
    TaskQuery,
    TaskRead,
)
from app.automation.tasks.showing import Standing, around, item_of
from app.core.audit import Note, note
from app.core.auth import Access, Permission
from app.core.db import AsyncSession
from app.core.errors import FieldError
from app.core.paging import Cursors, Slice
from app.runs.runs.bundle import Runs

DATA: Final = "/body/data"


async def page(
    session: AsyncSession, access: Access, query: TaskQuery, cursors: Cursors
) -> Slice[TaskItem]:
    """Raises CursorInvalid."""
    names = await people.names_of(session, access)
    found = await crud.page(session, access.workspace_id, access, names, query, cursors)
    return found.map(lambda task: item_of(task, may_decide=_may_decide(access, names, task)))


async def read(session: AsyncSession, access: Access, types: NodeTypes, task_id: UUID) -> TaskRead:
    """Raises TaskNotFound."""
    names = await people.names_of(session, access)
    task = await _found(session, access, names, task_id)
    return await _read(session, access, types, names, task)


async def decide(
    session: AsyncSession,
    access: Access,
    types: NodeTypes,
    running: Runs,
    task_id: UUID,
    decision: TaskDecision,
) -> TaskRead:
    """Decide once; the run goes on with it.

    Raises TaskNotFound, TaskNotYours, TaskDecided and TaskDataInvalid.
    """
    names = await people.names_of(session, access)
    task = await _found(session, access, names, task_id)
    if isinstance(task, ToolApproval):
        await _decide_call(session, access, running, task, decision)
    else:
        await _decide_step(session, access, names, running, task, decision)
    return await _read(session, access, types, names, await _found(session, access, names, task_id))


async def _decide_step(
    session: AsyncSession,
    access: Access,
    names: Names,
    running: Runs,
    task: Step,
    decision: TaskDecision,
) -> None:
    wait = task.wait
    if not _may_decide(access, names, task):
        raise TaskNotYours("Ask one of those that it is assigned to.")
    brought = {
        "decision": decision.decision,
        "data": _agreed(wait.shown, decision),
        "decided_by": str(access.user_id),
        "comment": decision.comment,
    }
    # The run's row first, as everywhere: whoever ends the run holds it and closes its waits.
    await running.wake(session, access.workspace_id, wait.run_id)
    decided_by = access.workspace_id, wait.id, access.user_id
    if not await crud.decide(session, *decided_by, wait.assignees, brought):
        raise TaskDecided(
            "It was decided already or given to others, its time is over, or its run has ended."
        )
    detail = {"workflow": task.run.workflow_slug, "path": wait.path, "decision": decision.decision}
    note(session, Note("workflow_task.decided", "workflow_task", wait.id, detail=detail))


def _agreed(shown: Mapping[str, Any], decision: TaskDecision) -> Any:
    """What the run goes on with: what is shown, or what came in its place.

    Raises TaskDataInvalid where it is agreed to, or was sent, and does not fit the form.
    """
    sent = "data" in decision.model_fields_set
    agreed = decision.data if sent else shown.get("data")
    form = shown.get("form")
    if form is None or not (sent or decision.decision == "approve"):
        return agreed
    if wrong := mistakes(form, agreed, DATA):
        said = "; ".join(f"{each.pointer}: {each.detail}" for each in wrong[:3])
        raise TaskDataInvalid(said, errors=tuple(wrong))
    return agreed


async def _decide_call(
    session: AsyncSession,
    access: Access,
    running: Runs,
    task: ToolApproval,
    decision: TaskDecision,
) -> None:
    """An agent's call: exactly what is shown is agreed to, or nothing."""
    if "data" in decision.model_fields_set:
        said = "cannot be edited: an agent's call is agreed to as it is"
        raise TaskDataInvalid(said, errors=(FieldError(DATA, TaskDataInvalid.code, said),))
    if task.status != "pending":
        raise TaskDecided(f"It is {task.status}.")
    word = "approve" if decision.decision == "approve" else "decline"
    told = ApprovalDecision(decision=word, note=decision.comment)
    try:
        await tool_approvals.decide(session, access, running, task.id, told)
    except ApprovalDecided as error:
        raise TaskDecided(error.detail) from error
    except ApprovalNotFound as error:
        raise TaskNotFound from error


async def assign(
    session: AsyncSession,
    access: Access,
    types: NodeTypes,
    task_id: UUID,
    assignment: TaskAssignment,
) -> TaskRead:
    """Give a step to others: whoever may decide it may, and whoever may change the workflow.

    The latter do not come by the decision so: only those who give people their roles may also give
    it to themselves. Raises TaskNotFound, TaskNotYours, TaskDecided and AssigneeUnknown.
    """
    names = await people.names_of(session, access)
    task = await _found(session, access, names, task_id)
    if isinstance(task, ToolApproval):
        raise TaskNotYours("An agent's call is decided by whoever has the agent do something.")
    workflow_id = task.run.workflow_id
    if not (_may_decide(access, names, task) or await may_change(session, access, workflow_id)):
        raise TaskNotYours("Only those it is assigned to, and the workflow's editors, may.")
    assignees = list(dict.fromkeys(assignment.assignees))
    meant = await meant_by(session, access.workspace_id, assignees)
    overrules = Permission.MEMBERS_WRITE in access.permissions
    theirs = not assignees or names.could_be_among(meant)
    if theirs and not (overrules or _may_decide(access, names, task)):
        raise TaskNotYours("You may give it to others, and not to yourself.")
    await _expect_known(session, access, assignees)
    if not await crud.assign(session, access.workspace_id, task_id, assignees, meant):
        raise TaskDecided("It was decided already, its time is over, or its run has ended.")
    to = without_addresses(meant)
    detail = {"workflow": task.run.workflow_slug, "path": task.wait.path, "to": to}
    note(session, Note("workflow_task.assigned", "workflow_task", task_id, detail=detail))
    # Still theirs to see, whoever it is given to: told from what was found before.
    await session.refresh(task.wait)
    return await _read(session, access, types, names, task)


async def _expect_known(session: AsyncSession, access: Access, assignees: list[str]) -> None:
    unknown = await people.unknown(session, access.workspace_id, assignees)
    if unknown:
        raise AssigneeUnknown(
            errors=tuple(
                FieldError(f"/body/assignees/{place}", AssigneeUnknown.code, "is nobody here")
                for place, name in enumerate(assignees)
                if name in unknown
            )
        )


async def _found(session: AsyncSession, access: Access, names: Names, task_id: UUID) -> Task:
    task = await crud.get(session, access.workspace_id, access, names, task_id)
    if task is None:
        raise TaskNotFound("You see no task with this id.")
    return task


def _may_decide(access: Access, names: Names, task: Task) -> bool:
    if isinstance(task, ToolApproval):
        return Permission.AGENTS_RUN in access.permissions
    wait, allowed = task.wait, Permission.WORKFLOW_TASKS_WRITE in access.permissions
    return allowed and (not wait.assignees or names.are_among(wait.meant))


async def _read(
    session: AsyncSession, access: Access, types: NodeTypes, names: Names, task: Task
) -> TaskRead:
    item = item_of(task, may_decide=_may_decide(access, names, task)).model_dump()
    if isinstance(task, ToolApproval):
        more: dict[str, Any] = {
            "form": None,
            "data": task.arguments,
            "given": None,
            "depends_on": [],
            "followed_by": [],
            "progress": None,
        }
        return TaskRead.model_validate({**item, **more})
    run_id, workspace_id = task.wait.run_id, access.workspace_id
    standing = Standing(
        await standing_crud.ends(session, workspace_id, run_id),
        await standing_crud.waiting(session, workspace_id, run_id),
        await standing_crud.count_open(session, workspace_id, run_id),
    )
    brought = task.wait.brought or {}
    more = {
        "form": task.wait.shown.get("form"),
        "data": task.wait.shown.get("data"),
        "given": brought.get("data"),
        **around(task, standing, types),
    }
    return TaskRead.model_validate({**item, **more})
