"""Runs as clients see them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from app.core.paging import PageQuery
from app.core.schema import Money, Output, Problem, Text

RunStatus = Literal["queued", "running", "paused", "completed", "failed", "cancelled"]


class RunQuery(PageQuery):
    """Which runs to list."""

    kind: Annotated[Text | None, Field(max_length=100, description="Only runs of this kind.")] = (
        None
    )
    status: Annotated[RunStatus | None, Field(description="Only runs in this state.")] = None
    subject_id: Annotated[
        UUID | None, Field(description="Only runs on this subject, a conversation for example.")
    ] = None


class RunRead(Output):
    """A piece of long work: a chat turn, for example."""

    id: UUID
    kind: str
    status: RunStatus
    subject_id: UUID | None = Field(description="What the run works on: a conversation, say.")
    result: dict[str, Any] | None = Field(description="What came of it; null until the end.")
    error: Problem | None
    attempt: int = Field(description="How many processes have taken the run up.")
    last_seq: int = Field(
        description="Where the event log ends; 0 until the run has ended or paused."
    )
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Null where a price is not known.")
    cancel_requested_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
