"""How runs of a workflow went over a period, on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from app.core.schema import Input, Moment, Money, Output


class StatisticsQuery(Input):
    """By default the last thirty days."""

    since: Annotated[Moment | None, Field(description="Runs begun then or later.")] = None
    until: Annotated[Moment | None, Field(description="Runs begun earlier.")] = None

    @model_validator(mode="after")
    def _in_order(self) -> "StatisticsQuery":
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("`since` must be before `until`")
        return self


class Durations(Output):
    """Percentiles in seconds: half of all took at most `p50`. Null where nothing has ended."""

    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None


class NodeStatistics(Output):
    """How one node went, over all its places."""

    node_id: str
    node_type: str
    ends: int = Field(description="How often it ended, in whatever way; attempts apart.")
    attempts: int
    retries: int = Field(description="Of the attempts those that were not the first.")
    failed: int = Field(description="Of its ends.")
    failure_rate: float | None = Field(description="`failed` of `ends`, from 0 to 1.")
    cache_hits: int
    seconds: Durations = Field(description="Of an attempt, from its start to its end.")
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Null where a price is not known.")


class WorkflowStatistics(Output):
    """How the runs of a workflow went that were begun in a period."""

    workflow_id: UUID
    since: datetime
    until: datetime
    runs: int = Field(description="Of the newest 10,000.")
    by_status: dict[str, int] = Field(
        description="How many runs are in which state; a state that none is in is not there."
    )
    failure_rate: float | None = Field(
        description="Failed ones of those that have ended, from 0 to 1."
    )
    seconds: Durations = Field(description="Of runs that have ended, from creation to end.")
    queue_seconds: Durations = Field(description="From creation until their turn came.")
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Of those runs whose prices are all known.")
    mean_cost_usd: Money | None = Field(description="Of one of those runs.")
    truncated: bool = Field(description="Whether there are more runs than were looked at.")
    node_runs: int = Field(description="Over how many of the newest runs nodes are told.")
    nodes: list[NodeStatistics] = Field(
        description="Of steps that this run did itself; the costliest in time first."
    )
