"""The events of a run as clients see them, for the OpenAPI document and generated SDKs."""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from app.runs.events.answer_schemas import (
    CandidateCompletedEvent,
    CandidateFailedEvent,
    CandidateStartedEvent,
    FailoverEvent,
    MemoryRecalledEvent,
    MessageCreatedEvent,
    ReasoningDeltaEvent,
    SourceAddedEvent,
    TermViolationEvent,
    TextDeltaEvent,
)
from app.runs.events.lifecycle_schemas import (
    RunCancelledEvent,
    RunCompletedEvent,
    RunCreatedEvent,
    RunFailedEvent,
    RunPausedEvent,
    RunResumedEvent,
    RunStartedEvent,
)
from app.runs.events.step_schemas import (
    LogEvent,
    StepCompletedEvent,
    StepFailedEvent,
    StepRetryingEvent,
    StepSkippedEvent,
    StepStartedEvent,
    StepWaitingEvent,
    ToolApprovalRequiredEvent,
    ToolCallEvent,
    ToolErrorEvent,
    ToolResultEvent,
    UsageUpdatedEvent,
)

_REF = "#/components/schemas/{model}"

RunEvent = Annotated[
    RunCreatedEvent
    | RunStartedEvent
    | RunPausedEvent
    | RunResumedEvent
    | RunCompletedEvent
    | RunFailedEvent
    | RunCancelledEvent
    | MessageCreatedEvent
    | TextDeltaEvent
    | ReasoningDeltaEvent
    | FailoverEvent
    | SourceAddedEvent
    | MemoryRecalledEvent
    | TermViolationEvent
    | CandidateStartedEvent
    | CandidateCompletedEvent
    | CandidateFailedEvent
    | LogEvent
    | StepStartedEvent
    | StepCompletedEvent
    | StepFailedEvent
    | StepRetryingEvent
    | StepWaitingEvent
    | StepSkippedEvent
    | ToolCallEvent
    | ToolApprovalRequiredEvent
    | ToolResultEvent
    | ToolErrorEvent
    | UsageUpdatedEvent,
    Field(discriminator="type"),
]


def event_schemas() -> dict[str, Any]:
    """`RunEvent` and all it refers to, for the document's `components.schemas`."""
    union = TypeAdapter[Any](RunEvent).json_schema(ref_template=_REF, mode="serialization")
    definitions: dict[str, Any] = union.pop("$defs")
    about = "One event of a run's log. Ignore the types you do not know: there will be more."
    return {**definitions, "RunEvent": {"description": about, **union}}
