"""How far a run is in its definition, node by node."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from app.automation.language.flow import OUT, TIMEOUT
from app.automation.runs import course_crud as crud
from app.automation.runs import service
from app.automation.runs.course_crud import Standing
from app.automation.runs.course_schemas import GraphEdge, GraphNode, NodeStatus, RunGraph
from app.automation.runs.places import Place, places_of
from app.core.auth import Access
from app.core.db import AsyncSession

_STATUS_TOLD: Mapping[str, NodeStatus] = {
    "step.completed": "ok", "step.failed": "error", "step.skipped": "skipped",
}  # fmt: skip


async def graph(session: AsyncSession, access: Access, run_id: UUID) -> RunGraph:
    """Raises WorkflowRunNotFound."""
    shown = await service.show(session, access, run_id)
    workspace_id = access.workspace_id
    latest = await crud.latest(session, workspace_id, run_id)
    ends = await crud.ends(session, workspace_id, run_id)
    waiting = await crud.waiting(session, workspace_id, run_id)
    told = _last_told(await crud.told(session, workspace_id, run_id))
    places = places_of(shown.flow)
    nodes = {
        node_id: _node(place, latest.get(node_id), ends.get(node_id, {}), told.get(node_id))
        for node_id, place in places.items()
    }
    for node_id in waiting & nodes.keys():
        nodes[node_id].status = "waiting"
    ports = {
        node_id: _ports(place, latest.get(node_id), told.get(node_id))
        for node_id, place in places.items()
    }
    return RunGraph(
        run_id=run_id,
        status=shown.run.status,
        nodes=list(nodes.values()),
        edges=_edges(places, nodes, ports),
    )


def _last_told(events: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {event["node_id"]: event for event in events if "node_id" in event}


def _node(
    place: Place, standing: Standing | None, ends: Mapping[str, int], told: dict[str, Any] | None
) -> GraphNode:
    node = place.node
    return GraphNode(
        id=node.id,
        type=node.type,
        name=node.name,
        within=list(place.within),
        ui=node.ui.model_dump() if node.ui else None,
        status=_status(standing, told),
        ends={name: count for name, count in ends.items() if name != "attempts"},
        attempts=ends.get("attempts", 0),
        last_step_id=standing.id if standing else None,
        last_at=standing.at if standing else None,
    )


def _status(standing: Standing | None, told: dict[str, Any] | None) -> NodeStatus:
    if standing is None:
        return _STATUS_TOLD[told["type"]] if told else "none"
    if standing.retry_at is not None:
        return "retrying"
    status: NodeStatus = standing.status  # type: ignore[assignment]
    return status


def _ports(place: Place, standing: Standing | None, told: dict[str, Any] | None) -> set[str]:
    """By which ports a node may have been left at last."""
    if told is not None and told["type"] == "step.completed":
        return {told["port"]}
    if standing is None or standing.retry_at is not None or standing.status == "started":
        return set()
    if standing.status == "error" and place.node.on_error == "continue":
        return {standing.port, OUT}
    # A failure leaves by `timeout` where an edge does, whatever port its step has.
    return {standing.port, TIMEOUT} if standing.status == "error" else {standing.port}


def _edges(
    places: Mapping[str, Place],
    nodes: Mapping[str, GraphNode],
    ports: Mapping[str, set[str]],
) -> list[GraphEdge]:
    scopes = {id(place.scope): place.scope for place in places.values()}
    return [
        GraphEdge(
            from_=edge.from_,
            to=edge.to,
            port=edge.port,
            taken=edge.port in ports[edge.from_]
            and nodes[edge.to].status not in ("none", "skipped"),
        )
        for scope in scopes.values()
        for edge in scope.edges
    ]
