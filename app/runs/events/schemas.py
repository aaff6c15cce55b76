"""The events of a run as clients see them, for the OpenAPI document and generated SDKs."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, TypeAdapter

from app.core.schema import Money, Output, Problem

_REF = "#/components/schemas/{model}"
_PATH = "Of an agent's run: whose it is in a delegation; empty for the agent itself."
_NUMBER = "Of an agent's run: the model's step, from 1 in each path."


class RunUsage(Output):
    """What a run has used."""

    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="None where a price is not known.")


class _RunEvent(Output):
    seq: int = Field(description="Position in the run's log, from 1 and without gaps.")
    run_id: UUID
    at: datetime


class RunCreatedEvent(_RunEvent):
    """The first event of every log."""

    type: Literal["run.created"]
    kind: str
    subject_id: UUID | None


class RunStartedEvent(_RunEvent):
    """Work has begun."""

    type: Literal["run.started"]
    attempt: int


class RunPausedEvent(_RunEvent):
    """The run waits for something, without a process; `run.resumed` follows."""

    model_config = ConfigDict(extra="allow")

    type: Literal["run.paused"]
    reason: str = Field(description="What for: `approval`, `budget` …")


class RunResumedEvent(_RunEvent):
    """Another process has taken the run up; what it does again is in the events that follow."""

    type: Literal["run.resumed"]
    attempt: int
    reason: Literal["process_lost", "process_stopped", "continued"] = Field(
        description="Why: its process died, or stopped; or what the run waited for has come."
    )


class _Ended(_RunEvent):
    result: dict[str, Any]
    usage: RunUsage


class RunCompletedEvent(_Ended):
    """The run did what it was asked; the last event of its log."""

    type: Literal["run.completed"]


class RunFailedEvent(_Ended):
    """The run could not be finished; the last event of its log."""

    type: Literal["run.failed"]
    error: Problem


class RunCancelledEvent(_Ended):
    """The run was cancelled; the last event of its log."""

    type: Literal["run.cancelled"]


class MessageCreatedEvent(_RunEvent):
    """A message exists, and the deltas that follow belong to it."""

    type: Literal["message.created"]
    message_id: UUID
    parent_id: UUID | None = Field(description="The question that it answers, in a conversation.")
    role: Literal["assistant"]
    model: str
    route: str | None = Field(description="The route that chose the model, if one did.")
    conversation_id: UUID | None
    path: str | None = Field(default=None, description=_PATH)
    number: int | None = Field(default=None, description=_NUMBER)
    agent: str | None = Field(default=None, description="The slug of the agent that speaks.")
    demo: bool = Field(description="Whether the built-in demo provider answers, not a model.")


class TextDeltaEvent(_RunEvent):
    """More of a message's text."""

    type: Literal["text.delta"]
    message_id: UUID
    text: str
    label: str | None = Field(default=None, description="Whose it is, in a comparison.")


class ReasoningDeltaEvent(_RunEvent):
    """More of what the model thinks before it answers."""

    type: Literal["reasoning.delta"]
    message_id: UUID
    text: str
    label: str | None = Field(default=None, description="Whose it is, in a comparison.")


class FailoverEvent(_RunEvent):
    """A model broke off in the middle of its answer, and what follows is another one's."""

    type: Literal["failover"]
    message_id: UUID
    offset: int = Field(description="Characters of the message's text that stood already.")
    from_: str = Field(alias="from", description="The model that broke off.")
    to: str = Field(description="The model that goes on.")
    reason: str = Field(description="The code of the error it broke off with.")
    label: str | None = Field(default=None, description="Whose it is, in a comparison.")


class SourceAddedEvent(_RunEvent):
    """A passage that the model was shown for its answer, which cites it as `[number]`."""

    type: Literal["source.added"]
    message_id: UUID
    path: str | None = Field(default=None, description=_PATH)
    number: int = Field(description="What the answer cites it by.")
    kind: str = Field(description="What it is a piece of: a document, an entry, a message.")
    passage_id: UUID
    subject_id: UUID = Field(description="The document, entry or message.")
    parent_id: UUID | None = Field(description="Its collection, dictionary or conversation.")
    title: str
    heading: str
    quote: str = Field(description="What the model was shown of it.")
    version: int | None = Field(description="The document's version.")
    page: int | None
    start: int | None = Field(description="Where it begins in the document, in code points.")
    end: int | None
    score: float


class MemoryRecalledEvent(_RunEvent):
    """A memory that the model was shown for its answer; its words are where memories are."""

    type: Literal["memory.recalled"]
    message_id: UUID
    path: str | None = Field(default=None, description=_PATH)
    memory_id: UUID
    revision: int = Field(description="Which of its revisions was shown.")
    scope: str = Field(description="Whose it is: `user`, `agent` or `workspace`.")
    kind: str
    score: float


class TermViolationEvent(_RunEvent):
    """An answer used a term that the dictionaries forbid."""

    type: Literal["term.violation"]
    message_id: UUID
    start: int = Field(description="Where it begins in the message's text, in code points.")
    end: int
    surface: str = Field(description="The term as it was written.")
    preferred: list[str] = Field(description="The terms to use instead, the best first.")
    entry_id: UUID = Field(description="The concept that forbids it.")
    dictionary_id: UUID


class CandidateStartedEvent(_RunEvent):
    """One of the models of a comparison was let in, and is asked."""

    type: Literal["candidate.started"]
    label: str
    message_id: UUID = Field(description="What the deltas of its answer bear.")
    model: str
    route: str | None = Field(description="The route that chose the model, if one did.")
    request_id: UUID


class _CandidateEnded(_RunEvent):
    label: str
    model: str | None = Field(description="The model that answered, or was asked last.")
    finish_reason: str | None
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="None where a price is not known.")
    first_token_ms: int | None
    duration_ms: int | None


class CandidateCompletedEvent(_CandidateEnded):
    """One of the models of a comparison has answered."""

    type: Literal["candidate.completed"]


class CandidateFailedEvent(_CandidateEnded):
    """One of the models of a comparison failed; the others go on."""

    type: Literal["candidate.failed"]
    error: Problem


class LogEvent(_RunEvent):
    """What the work has to say of how far it is."""

    model_config = ConfigDict(extra="allow")

    type: Literal["log"]
    step: str | None = Field(default=None, description="The step that it is about.")


class _StepEvent(_RunEvent):
    step: str = Field(
        description="What is done: `parse`, say; `model` where a model is asked, `summary` where "
        "one sums up what was said before."
    )
    path: str | None = Field(default=None, description=_PATH)
    number: int | None = Field(default=None, description=_NUMBER)
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


class _ToolEvent(_RunEvent):
    path: str = Field(description=_PATH)
    number: int = Field(description=_NUMBER)
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


class UsageUpdatedEvent(_RunEvent, RunUsage):
    """What the model call that has just ended used."""

    type: Literal["usage.updated"]
    path: str | None = Field(default=None, description=_PATH)


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
