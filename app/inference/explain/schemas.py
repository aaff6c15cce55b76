"""Explanations on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.core.schema import Input, Money, Output, Text, WholeNumber
from app.inference.routing.schemas import Capability, Pattern, Strategy

MOST_CHARACTERS = 200_000


class ExplainedMessage(Input):
    """A message of the request that is asked about."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Annotated[Text, Field(max_length=MOST_CHARACTERS)]


class ExplainRequest(Input):
    """A request as far as routing looks at it; nothing is sent anywhere."""

    messages: Annotated[list[ExplainedMessage], Field(default_factory=list, max_length=200)]
    text: Annotated[
        Text, Field(max_length=MOST_CHARACTERS, description="In place of messages.")
    ] = ""
    model: Annotated[
        Pattern | None, Field(description="A model to be told of, if it is no candidate at all.")
    ] = None
    needs: Annotated[
        list[Capability],
        Field(default_factory=list, max_length=6, description="What the request carries or asks."),
    ]
    input_tokens: Annotated[
        WholeNumber | None,
        Field(ge=0, le=100_000_000, description="Default: estimated from the text."),
    ] = None
    max_output_tokens: Annotated[WholeNumber | None, Field(ge=1, le=100_000_000)] = None
    conversation_id: UUID | None = None
    customer: Annotated[Text | None, Field(min_length=1, max_length=256)] = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"text": "Write a haiku about the sea.", "max_output_tokens": 100}]
        }
    )

    @model_validator(mode="after")
    def _one_of_the_two(self) -> "ExplainRequest":
        if self.messages and self.text:
            raise ValueError("give `messages` or `text`, not both")
        return self


class CategoryFeature(Output):
    """Something in the request that speaks for a category of task."""

    category: str
    name: str
    weight: float


class CategoryRead(Output):
    """The category of task that the request is held to be, and by what."""

    name: str
    features: list[CategoryFeature]


class BreakerRead(Output):
    """Whether a deployment may be asked at the moment."""

    state: Literal["closed", "open", "half_open", "paused"] = Field(
        description="`paused`: its provider asked to be left alone."
    )
    next_probe_at: datetime | None = Field(description="When it is asked again.")


class ConsideredCandidate(Output):
    """A candidate that may answer, at its place in the order."""

    position: int
    model: str
    deployment: str
    taken: bool
    code: str = Field(description="`taken`, or why it is not taken: `lower_score` …")
    reason: str
    score: float | None = Field(description="By the strategy; the lowest is asked first.")
    expected_cost_usd: Money | None = Field(description="Null where no price is known.")
    in_flight: int
    first_token_ms: float | None
    error_rate: float
    breaker: BreakerRead


class PassedCandidate(Output):
    """A candidate that may not answer."""

    model: str
    code: str
    reason: str


class RouteExplanation(Output):
    """What a route would do with a request."""

    route: str
    route_id: UUID | None
    strategy: Strategy
    taken: str | None = Field(description="Who would be asked; null where nobody may answer.")
    candidates: list[ConsideredCandidate] = Field(description="In the order of asking.")
    passed: list[PassedCandidate]
    on_overflow: list[str] = Field(description="Who takes over where the context is too short.")
    category: CategoryRead | None = Field(description="Of an adaptive route.")
    input_tokens: int = Field(description="What the request is taken to hold.")
