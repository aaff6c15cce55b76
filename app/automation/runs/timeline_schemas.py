"""Where a run's time went, on the wire."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from app.core.schema import Money, Output
from app.runs.runs.schemas import RunStatus


class TimelineAttempt(Output):
    """One attempt at a node. What has not ended is measured up to now."""

    step_id: UUID | None = Field(description="Null of one that only waits so far.")
    attempt: int = Field(description="From 0.")
    status: str = Field(description="`ok`, `error`, `cached`, `started` or `waiting`.")
    ready_at: datetime | None
    started_at: datetime
    ended_at: datetime | None
    retry_at: datetime | None = Field(description="When another attempt follows.")
    queue_seconds: float = Field(description="From being ready to its start.")
    run_seconds: float = Field(description="At work.")
    wait_seconds: float = Field(
        description="For a person, a moment, an event or another run; after it, until the next "
        "attempt."
    )
    copied: bool = Field(description="Taken over from another run: its times are of that one.")


class TimelineNode(Output):
    """A node at its place, with those within it."""

    path: str = Field(description="Where it stands: `items[3]/send`.")
    node_id: str
    node_type: str
    attempts: list[TimelineAttempt] = Field(description="Empty of a container under way.")
    children: "list[TimelineNode]"


class TimelineTotals(Output):
    """Sums over all attempts at nodes that hold no others; side by side they exceed the clock."""

    attempts: int
    retries: int = Field(description="Of the attempts those that were not the first.")
    copied: int = Field(description="Attempts taken over from another run: they count in nothing.")
    queue_seconds: float
    run_seconds: float
    wait_seconds: float
    cost_usd: Money | None = Field(description="Null where a price is not known.")


class CriticalStep(Output):
    """A step whose delay delays the run."""

    path: str
    node_id: str
    node_type: str
    from_: datetime = Field(serialization_alias="from", description="When it became ready.")
    to: datetime = Field(description="When it ended, or now.")
    seconds: float = Field(description="Between the two.")


class Timeline(Output):
    """Where a run's time went."""

    run_id: UUID
    status: RunStatus
    created_at: datetime
    ended_at: datetime | None
    seconds: float = Field(description="By the clock, from its creation to its end or now.")
    totals: TimelineTotals
    nodes: list[TimelineNode]
    critical_path: list[CriticalStep] = Field(
        description="From the first to the last; containers are told by what is within them."
    )
    truncated: bool = Field(description="Whether later steps were left out: 5,000 are looked at.")
