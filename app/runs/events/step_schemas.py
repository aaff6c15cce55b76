"""The events of work: its steps, the tools that models call, and what it uses."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.schema import Money, Problem
from app.runs.events.lifecycle_schemas import NUMBER, PATH, LoggedEvent, RunUsage


class LogEvent(LoggedEvent):
    """What the work has to say of how far it is."""

    model_config = ConfigDict(extra="allow")

    type: Literal["log"]
    step: str | None = Field(default=None, description="The step that it is about.")


class _StepEvent(LoggedEvent):
    step: str = Field(
        description="What is done: `parse`, say; `model` where a model is asked, `summary` where "
        "one sums up what was said before."
    )
    path: str | None = Field(default=None, description=PATH)
    number: int | None = Field(default=None, description=NUMBER)
    agent: str | None = Field(default=None, description="The slug of the agent at work.")
    message_id: UUID | None = Field(default=None, description="What its deltas bear.")
    request_id: UUID | None = Field(default=None, description="The request that models get.")
    node_id: str | None = Field(default=None, description="Of a workflow's run: the node.")
    attempt: int | None = Field(default=None, description="Of a workflow's run: from 0.")


class StepStartedEvent(_StepEvent):
    """A step of the work begins; begun again where a process died over it."""

    type: Literal["step.started"]
    model: str | None = Field(default=None, description="The model that is asked.")


class StepCompletedEvent(_StepEvent):
    """A step is done."""

    type: Literal["step.completed"]
    counts: dict[str, int] = Field(description="What came of it, by name.")
    port: str | None = Field(default=None, description="By which port a workflow's node left.")
    reused: Literal["cache", "run"] | None = Field(
        default=None, description="Whence it was taken instead of being done."
    )
    cost_usd: Money | None = None


class StepFailedEvent(_StepEvent):
    """A step failed, and is not tried again."""

    type: Literal["step.failed"]
    error: Problem


class StepRetryingEvent(_StepEvent):
    """A step could not be done for now, and is tried again."""

    type: Literal["step.retrying"]
    reason: str = Field(description="The code of the error.")
    retry_in: float = Field(description="Seconds until it is tried again.")


class StepWaitingEvent(_StepEvent):
    """A workflow's step waits for a person, an event, another run, or a moment."""

    type: Literal["step.waiting"]
    kind: Literal["approval", "event", "run", "time"]
    until: datetime | None = Field(description="When it stops waiting.")


class StepSkippedEvent(_StepEvent):
    """A workflow's node is not reached: no edge to it is open."""

    type: Literal["step.skipped"]


class _ToolEvent(LoggedEvent):
    path: str = Field(description=PATH)
    number: int = Field(description=NUMBER)
    agent: str = Field(description="The slug of the agent that calls.")
    call_id: str = Field(description="The call, within its step.")
    name: str = Field(description="The tool, as the model calls it.")


class ToolCallEvent(_ToolEvent):
    """A model calls a tool."""

    type: Literal["tool.call"]
    arguments: Any


class ToolApprovalRequiredEvent(_ToolEvent):
    """A person must agree to the call before it is made."""

    type: Literal["tool.approval_required"]
    approval_id: UUID = Field(description="Decided at `POST /v1/approvals/{approval_id}`.")
    arguments: dict[str, Any]
    reason: str = Field(description="`always`, `rule`, `unseen_url` or `secret_in_arguments`.")
    expires_at: datetime


class ToolResultEvent(_ToolEvent):
    """What a call gave."""

    type: Literal["tool.result"]
    text: str = Field(description="What the model reads.")
    data: Any = Field(description="The same for programs, where the tool has it.")


class ToolErrorEvent(_ToolEvent):
    """What went wrong with a call; the model is told, and goes on."""

    type: Literal["tool.error"]
    text: str
    code: str | None


class UsageUpdatedEvent(LoggedEvent, RunUsage):
    """What the model call that has just ended used."""

    type: Literal["usage.updated"]
    path: str | None = Field(default=None, description=PATH)
