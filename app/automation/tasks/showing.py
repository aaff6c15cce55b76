"""Tasks as they are shown: what they are, what is around them, how far their run is."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from app.agents.runtime.models import ToolApproval
from app.automation.engine.models import WorkflowWait
from app.automation.language.flow import Flow
from app.automation.nodes.node_type import PureNode
from app.automation.nodes.registry import NodeTypes
from app.automation.runs.places import Place, after, before, places_of
from app.automation.tasks.crud import APPROVAL, TOOL_APPROVAL, Step, Task
from app.automation.tasks.schemas import TaskItem, TaskNeighbour, TaskProgress, TaskStatus
from app.core.clock import now

_OF_CALLS: Final[Mapping[str, TaskStatus]] = {
    "pending": "open", "approved": "approved", "declined": "rejected", "expired": "expired",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """How the nodes of a run stand: their ends, what they wait for, and the tasks among that."""

    ends: Mapping[str, tuple[str, UUID]]
    waiting: Collection[str]
    tasks_open: int


def item_of(task: Task, *, may_decide: bool) -> TaskItem:
    told = _of_call(task) if isinstance(task, ToolApproval) else _of_step(task)
    return TaskItem.model_validate({"object": "task", "may_decide": may_decide, **told})


def _of_step(task: Step) -> dict[str, Any]:
    wait, run = task.wait, task.run
    return {
        "id": wait.id,
        "kind": APPROVAL,
        "status": status_of(wait),
        "title": wait.shown.get("title", ""),
        "description": wait.shown.get("description", ""),
        "run_id": wait.run_id,
        "workflow_id": run.workflow_id,
        "workflow": run.workflow_slug,
        "agent": None,
        "path": wait.path,
        "node_id": wait.node_id,
        "assignees": wait.assignees,
        "requested_by_id": wait.user_id,
        "due_at": wait.until,
        "decided_by_id": wait.decided_by_id,
        "decided_at": wait.decided_at,
        "comment": (wait.brought or {}).get("comment", ""),
        "created_at": wait.created_at,
    }


def _of_call(task: ToolApproval) -> dict[str, Any]:
    return {
        "id": task.id,
        "kind": TOOL_APPROVAL,
        "status": _OF_CALLS[task.status],
        "title": f"{task.agent_slug} wants to use {task.tool}",
        "description": task.reason,
        "run_id": task.execution_id,
        "workflow_id": None,
        "workflow": None,
        "agent": task.agent_slug,
        "path": task.path,
        "node_id": None,
        "assignees": [str(task.user_id)],
        "requested_by_id": task.user_id,
        "due_at": task.expires_at,
        "decided_by_id": task.decided_by_id,
        "decided_at": task.decided_at,
        "comment": task.note,
        "created_at": task.created_at,
    }


def status_of(wait: WorkflowWait) -> TaskStatus:
    """As the list's filter has it."""
    if wait.status == "brought":
        approved = (wait.brought or {}).get("decision") == "approve"
        return "approved" if approved else "rejected"
    if wait.status == "open" and wait.until is not None and wait.until <= now():
        return "expired"
    status: TaskStatus = wait.status  # type: ignore[assignment]
    return status


def around(task: Step, standing: Standing, types: NodeTypes) -> dict[str, Any]:
    """`depends_on`, `followed_by` and `progress` of a step."""
    places = places_of(Flow.model_validate(task.run.definition))
    place = places.get(task.wait.node_id)

    def told(node_ids: Sequence[str]) -> list[TaskNeighbour]:
        return [_neighbour(places[each], standing, types) for each in node_ids]

    return {
        "depends_on": told(before(place.scope, place.node.id)) if place else [],
        "followed_by": told(after(place.scope, place.node.id)) if place else [],
        "progress": _progress(places, standing, types),
    }


def _neighbour(place: Place, standing: Standing, types: NodeTypes) -> TaskNeighbour:
    node = place.node
    status, step_id = standing.ends.get(node.id, ("pending", None))
    if node.id in standing.waiting:
        status = "waiting"
    elif step_id is None and _is_pure(place, types):
        status = "computed"
    return TaskNeighbour.model_validate(
        {
            "node_id": node.id,
            "name": node.name,
            "type": node.type,
            "status": status,
            "step_id": step_id,
        }
    )


def _progress(places: Mapping[str, Place], standing: Standing, types: NodeTypes) -> TaskProgress:
    known = {node_id for node_id, place in places.items() if not _is_pure(place, types)}
    done = known & standing.ends.keys() - set(standing.waiting)
    return TaskProgress(
        nodes_done=len(done), nodes_known=len(known), tasks_open=standing.tasks_open
    )


def _is_pure(place: Place, types: NodeTypes) -> bool:
    return isinstance(types.find(place.node.type, place.node.v), PureNode)
