"""Node types on the wire."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from app.core.paging import PageQuery
from app.core.schema import Output, Text

NodeKind = Literal["pure", "task", "waiting", "container"]


class NodeTypeQuery(PageQuery):
    """Which node types to list; they stand in the order of their names."""

    q: Annotated[
        Text | None, Field(min_length=1, max_length=100, description="In the name or the title.")
    ] = None
    kind: Annotated[NodeKind | None, Field(description="Only those.")] = None
    ready: Annotated[bool | None, Field(description="Only those that can be used now.")] = None


class NodeTypeRead(Output):
    """A kind of step that a definition can have."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "wait",
                    "v": 1,
                    "title": "Wait",
                    "description": "For some time, until a moment, or for an event.",
                    "kind": "waiting",
                    "ports": ["out"],
                    "scopes": [],
                    "settings": {"type": "object"},
                    "example": {"id": "pause", "type": "wait", "with": {"for": "1h"}},
                    "ready": True,
                    "missing": None,
                }
            ]
        }
    )

    type: str
    v: int = Field(description="Its version.")
    title: str
    description: str
    kind: NodeKind = Field(
        description="`pure` is computed anew each time, a `task` kept once it is done, `waiting` "
        "lets go meanwhile, a `container` holds scopes."
    )
    ports: list[str] = Field(
        description="By which its example is left, beside `error` and `timeout`."
    )
    scopes: list[str] = Field(description="The fields of a node that hold its scopes.")
    settings: dict[str, Any] = Field(
        description="The JSON Schema of `with`, once its templates have their values."
    )
    example: dict[str, Any] = Field(description="A node of this type.")
    ready: bool
    missing: str | None = Field(description="What it lacks.")
