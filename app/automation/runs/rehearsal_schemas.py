"""What a dry run of a workflow comes to, on the wire."""

from typing import Any, Literal

from pydantic import Field

from app.core.schema import Output


class RehearsedStep(Output):
    """A node of a dry run."""

    path: str
    node_id: str
    node_type: str
    status: Literal["ok", "error", "skipped"]
    port: str | None
    input: Any
    output: Any
    error: dict[str, Any] | None
    mocked: bool = Field(description="Whether it gave its mock, and did nothing.")


class WorkflowRunRehearsal(Output):
    """What a dry run comes to: nodes that would do something give their mocks."""

    object: Literal["workflow_run_rehearsal"]
    status: Literal["completed", "failed"]
    output: Any
    error: dict[str, Any] | None
    steps: list[RehearsedStep]
