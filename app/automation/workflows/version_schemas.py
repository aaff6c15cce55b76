"""Versions of workflows and their differences, on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from app.core.paging import PageQuery
from app.core.schema import Input, Output
from app.identity.versioned.schemas import Number, VersionNote

_VERSION: JsonDict = {
    "number": 3,
    "created_by_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e10",
    "note": "It asks before it pays.",
    "digest": "9f2c…",
    "created_at": "2026-11-02T09:30:00Z",
}

_DIFF: JsonDict = {
    "old_version": 2,
    "new_version": 3,
    "scopes": [
        {
            "scope": "",
            "nodes_added": ["ask"],
            "nodes_removed": [],
            "nodes_changed": [
                {
                    "id": "pay",
                    "changes": [
                        {"pointer": "/timeout", "kind": "added", "before": None, "after": "30s"}
                    ],
                }
            ],
            "nodes_moved": [],
            "edges_added": [{"source": "ask", "target": "pay", "port": "out", "number": 0}],
            "edges_removed": [],
            "edges_changed": [],
            "changes": [],
        }
    ],
}


class WorkflowVersionQuery(PageQuery):
    pass


class WorkflowVersionRead(Output):
    model_config = ConfigDict(json_schema_extra={"examples": [_VERSION]})

    number: int
    created_by_id: UUID | None = Field(description="Null once they are forgotten.")
    note: str
    digest: str = Field(description="SHA-256 of the definition without what has its default.")
    created_at: datetime


class WorkflowVersionDetail(WorkflowVersionRead):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_VERSION,
                    "definition": {
                        "dsl": "flow/1",
                        "nodes": [{"id": "pay", "type": "approval", "with": {"title": "Pay?"}}],
                    },
                }
            ]
        }
    )

    definition: dict[str, Any] = Field(description="As it was written.")


class WorkflowDiffQuery(Input):
    """From an older version to a newer one, or the other way round."""

    old: Annotated[Number | None, Field(description="Default: the one before the other.")] = None
    new: Annotated[Number | None, Field(description="Default: the newest.")] = None


class FlowChange(Output):
    """One field; what was not there, or is not, is null."""

    pointer: str = Field(description="A JSON pointer from whose field it is: `/with/prompt`.")
    kind: Literal["added", "removed", "changed"]
    before: Any
    after: Any


class FlowNodeChange(Output):
    id: str
    changes: list[FlowChange]


class FlowEdge(Output):
    """`number` tells edges apart that lead the same way."""

    source: str
    target: str
    port: str
    number: int


class FlowEdgeChange(Output):
    """An edge whose condition is another."""

    edge: FlowEdge
    before: str | None
    after: str | None


class FlowScopeDiff(Output):
    """What differs in one graph of nodes."""

    scope: str = Field(description="Empty for the whole; `each/body` for that of the node `each`.")
    nodes_added: list[str]
    nodes_removed: list[str]
    nodes_changed: list[FlowNodeChange]
    nodes_moved: list[str] = Field(description="Elsewhere on the canvas.")
    edges_added: list[FlowEdge]
    edges_removed: list[FlowEdge]
    edges_changed: list[FlowEdgeChange]
    changes: list[FlowChange] = Field(description="Of its other fields, such as `outputs`.")


class WorkflowDiff(Output):
    """What differs, a part for each scope that is not the same."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DIFF]})

    old_version: int
    new_version: int
    scopes: list[FlowScopeDiff]


class WorkflowRollback(Input):
    """An old version's definition becomes the newest version."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 2}]})

    version: Number
    note: VersionNote = ""
