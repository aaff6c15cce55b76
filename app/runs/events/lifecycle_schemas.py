"""What every event of a run has, and the events of its beginning, pauses and end."""

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from app.core.schema import Money, Output, Problem

PATH: Final = "Of an agent's run: whose it is in a delegation; empty for the agent itself."
NUMBER: Final = "Of an agent's run: the model's step, from 1 in each path."


class RunUsage(Output):
    """What a run has used."""

    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="None where a price is not known.")


class LoggedEvent(Output):
    seq: int = Field(description="Position in the run's log, from 1 and without gaps.")
    run_id: UUID
    at: datetime


class RunCreatedEvent(LoggedEvent):
    """The first event of every log."""

    type: Literal["run.created"]
    kind: str
    subject_id: UUID | None


class RunStartedEvent(LoggedEvent):
    """Work has begun."""

    type: Literal["run.started"]
    attempt: int


class RunPausedEvent(LoggedEvent):
    """The run waits for something, without a process; `run.resumed` follows."""

    model_config = ConfigDict(extra="allow")

    type: Literal["run.paused"]
    reason: str = Field(description="What for: `approval`, `budget` …")


class RunResumedEvent(LoggedEvent):
    """Another process has taken the run up; what it does again is in the events that follow."""

    type: Literal["run.resumed"]
    attempt: int
    reason: Literal["process_lost", "process_stopped", "continued"] = Field(
        description="Why: its process died, or stopped; or what the run waited for has come."
    )


class _Ended(LoggedEvent):
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
