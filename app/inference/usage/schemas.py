"""Reports over model calls, on the wire."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self, get_args
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from app.core.clock import now
from app.core.paging import PageQuery
from app.core.schema import Input, Money, Output, Text

USUAL_SPAN = timedelta(days=30)
LONGEST_SPAN = timedelta(days=400)
MOST_VALUES = 50

Dimension = Literal[
    "model", "provider", "integration", "route", "user", "api_key", "customer", "agent", "run",
    "tag", "purpose", "operation", "status", "cache", "day", "hour",
]  # fmt: skip
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
Status = Literal["started", "succeeded", "failed", "cancelled", "interrupted"]
CacheStatus = Literal["none", "hit", "semantic_hit"]
Value = Annotated[Text, Field(min_length=1, max_length=200)]
Values = Annotated[list[Value], Field(max_length=MOST_VALUES)]
Ids = Annotated[list[UUID], Field(max_length=MOST_VALUES)]
FoundAction = Literal["mask", "replace", "refuse", "flag"]


class UsageFilter(Input):
    """Which calls: those begun from `start` until `end`, and in all that is named."""

    start: AwareDatetime | None = Field(
        None, description="The first moment; thirty days before the end, if left out."
    )
    end: AwareDatetime | None = Field(None, description="The first moment after it; now.")
    model: Values = Field([], description="Providers' own names; any of them.")
    provider: Values = Field([], description="Kinds of provider.")
    integration: Ids = Field([], description="Ids of integrations.")
    route: Values = Field([], description="Routes by their slug.")
    user: Ids = Field([], description="Ids of users.")
    api_key: Ids = Field([], description="Ids of API keys.")
    customer: Values = Field([], description="Your ids of your end users.")
    agent: Ids = Field([], description="Ids of agents.")
    run: Ids = Field([], description="Ids of runs.")
    tag: Values = Field([], description="Calls that have one of these tags.")
    purpose: Values = Field([], description="Surfaces: `chat_turn`, `title`, `gateway` …")
    operation: Values = Field([], description="`chat`, `embeddings`, `audio`, `images` …")
    status: Annotated[list[Status], Field(max_length=5)] = Field([], description="How calls ended.")
    cache: Annotated[list[CacheStatus], Field(max_length=3)] = Field(
        [], description="Whether the cache answered."
    )
    guardrail: Ids = Field(
        [], description="Calls in which one of these guardrails found something."
    )
    guardrail_action: FoundAction | None = Field(
        None, description="With `guardrail`: only where this came of it."
    )

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        start, end = self.span()
        if start >= end:
            raise ValueError("`start` must be before `end`")
        if end - start > LONGEST_SPAN:
            raise ValueError(f"must span {LONGEST_SPAN.days} days at most")
        if self.guardrail_action and not self.guardrail:
            raise ValueError("`guardrail_action` needs a `guardrail`")
        return self

    def span(self) -> tuple[datetime, datetime]:
        """The first moment, and the first that is past it."""
        end = self.end or (now() if self.start is None else self.start + LONGEST_SPAN)
        return self.start or end - USUAL_SPAN, end


class UsageQuery(UsageFilter, PageQuery):
    group_by: Annotated[list[Dimension], Field(max_length=6)] = Field(
        [],
        description=(
            "Up to six, repeated (`?group_by=model&group_by=day`); none gives one sum. A call with "
            "several tags counts under each of them."
        ),
    )
    timezone: Annotated[
        Text, Field(max_length=64, description="Where days and hours begin: an IANA time zone.")
    ] = "UTC"

    @model_validator(mode="after")
    def _known(self) -> Self:
        if len(set(self.group_by)) < len(self.group_by):
            raise ValueError("`group_by` must name each dimension once")
        return self


class UsageCallQuery(UsageFilter, PageQuery):
    """The filters, and what every list takes."""


class UsageGroup(Output):
    """What the calls of a row have in common; null where it is not asked for, or they have none."""

    model: str | None
    provider: str | None
    integration: str | None = Field(description="Id of the integration.")
    route: str | None
    user: str | None = Field(description="Id of the user.")
    api_key: str | None = Field(description="Id of the API key.")
    customer: str | None
    agent: str | None = Field(description="Id of the agent.")
    run: str | None = Field(description="Id of the run.")
    tag: str | None
    purpose: str | None
    operation: str | None
    status: str | None
    cache: str | None
    day: str | None = Field(description="`2026-11-21`")
    hour: str | None = Field(description="`2026-11-21T14`")


class UsageRow(Output):
    """Sums of calls. Every attempt is a call: a failed one before a good one counts, too."""

    group: UsageGroup
    calls: int
    requests: int = Field(description="Calls that were a request's first attempt.")
    errors: int = Field(description="Calls that failed.")
    input_tokens: int = Field(description="Cached ones and cache writes included.")
    output_tokens: int = Field(description="Reasoning included.")
    cached_input_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    estimated_calls: int = Field(description="Calls whose tokens the provider did not tell.")
    unpriced_calls: int = Field(description="Ended calls that no price is known of.")
    cost_usd: Money
    cost: Money = Field(
        description="The same in the workspace's currency, as a decimal number in a string."
    )
    currency: str = Field(description="ISO 4217 code of `cost`.")
    saved_usd: Money = Field(description="What answers of the cache would have cost.")
    first_token_ms_p50: int | None = Field(description="Median time to the first token.")
    first_token_ms_p95: int | None


class CallFindingRead(Output):
    """What a guardrail found in a request or its answer; never the text itself."""

    guardrail_id: UUID
    check: str = Field(description="The kind of check.")
    label: str = Field(description="What it was (`EMAIL`).")
    action: FoundAction
    stage: Literal["input", "output"]


class UsageCallRead(Output):
    """One call of a model."""

    id: UUID
    request_id: UUID | None = Field(description="Shared by the attempts of one request.")
    attempt: int
    user_id: UUID
    api_key_id: UUID | None
    customer: str | None
    agent_id: UUID | None
    run_id: UUID | None
    conversation_id: UUID | None
    tags: list[str]
    integration_id: UUID | None
    provider: str
    model: str
    route: str | None
    category: str | None = Field(description="The kind of task, where a route learns by it.")
    dialect: str | None
    operation: str
    purpose: str
    status: str
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    estimated: bool = Field(description="Whether the provider did not tell the tokens.")
    cost_usd: Money | None = Field(description="Null where no price is known.")
    cache_status: str
    saved_usd: Money | None
    first_token_ms: int | None
    error_code: str | None
    guardrails: list[CallFindingRead] = Field(
        description="Each once, of the request up to this attempt's end."
    )
    created_at: datetime
    ended_at: datetime | None
