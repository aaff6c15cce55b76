"""Routes as they are shown."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.core.schema import Money, Output, Version
from app.inference.routing.schemas import Capability, Strategy


class RouteTimeoutsRead(Output):
    """Seconds; null takes the operator's setting."""

    connect: float | None
    first_token: float | None
    between_tokens: float | None


class RouteCandidateRead(Output):
    """A model that may answer, or a pattern that stands for several."""

    model: str
    weight: float
    region: str | None
    quality: float | None
    parameters: dict[str, Any]
    timeouts: RouteTimeoutsRead


class RouteFailoverRead(Output):
    """What happens when a candidate fails; times in seconds."""

    retries: int
    hedge_after: float | None
    mid_stream: Literal["continue", "fail"]
    on_content_filter: Literal["pass", "next"]
    most_attempts: int


class RouteConstraintsRead(Output):
    """What every candidate must meet; null asks nothing."""

    max_input_price: Money | None
    max_output_price: Money | None
    max_cost: Money | None
    min_context: int | None
    capabilities: list[Capability]
    regions: list[str] | None
    providers: list[str] | None


class RewardWeightsRead(Output):
    """What counts how much in a reward."""

    success: float
    latency: float
    cost: float
    quality: float


class AdaptiveSettingsRead(Output):
    """How an adaptive route learns."""

    weights: RewardWeightsRead
    exploration: float
    half_life: int
    latency_target_ms: float
    cost_target: Money
    frozen: bool


class RouteRead(Output):
    id: UUID
    slug: str
    name: str
    strategy: Strategy
    is_default: bool
    sticky: bool
    candidates: list[RouteCandidateRead]
    on_overflow: list[RouteCandidateRead]
    failover: RouteFailoverRead
    constraints: RouteConstraintsRead
    adaptive: AdaptiveSettingsRead
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class ArmRead(Output):
    """What a route knows of one candidate at one category of task."""

    category: str
    deployment: str = Field(description="`<integration id>:<model>`.")
    model: str | None = Field(description="Its reference; null where it is gone.")
    pulls: float = Field(description="Calls, older ones counting less.")
    mean: float = Field(description="Its mean reward, 0 to 1: what `frozen` goes by.")
    low: float = Field(description="The reward is above this with a probability of 95 %.")
    high: float = Field(description="The reward is below this with a probability of 95 %.")
    share: float = Field(description="Its part of the category's calls, older ones counting less.")
    calls: int = Field(description="Calls it was learned from in total.")
    errors: int = Field(description="Those of them that failed.")
    ratings: int = Field(description="Feedback of people and graders.")
    evaluations: int = Field(description="Feedback of evaluations.")


class RouteLearning(Output):
    """What an adaptive route has learned."""

    route_id: UUID
    frozen: bool
    arms: list[ArmRead] = Field(description="By category, the best first.")
