"""How far a run is in its definition, on the wire."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.core.schema import Output
from app.runs.runs.schemas import RunStatus

NodeStatus = Literal["none", "skipped", "started", "waiting", "retrying", "ok", "cached", "error"]


class GraphNode(Output):
    """A node of the definition, and how it stands over all its places."""

    id: str
    type: str
    name: str
    within: list[str] = Field(description="The containers around it, the outermost first.")
    ui: dict[str, Any] | None
    status: NodeStatus = Field(description="The latest; `none` where nothing is known of it.")
    ends: dict[str, int] = Field(description="How often it ended how: in a map, once an item.")
    attempts: int
    last_step_id: UUID | None = Field(description="Null of what is computed on the spot.")
    last_at: datetime | None


class GraphEdge(Output):
    from_: str = Field(serialization_alias="from")
    to: str
    port: str
    taken: bool = Field(description="Whether both ends say so, at their latest.")


class RunGraph(Output):
    """A run's definition with how each node stands, as a canvas draws it."""

    run_id: UUID
    status: RunStatus
    nodes: list[GraphNode]
    edges: list[GraphEdge]
