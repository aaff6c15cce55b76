"""Routes on the wire."""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from app.core.restorable import RestorableQuery
from app.core.schema import (
    Input,
    Metadata,
    Money,
    Name,
    NotNull,
    Number,
    Text,
    WholeNumber,
)

MOST_CANDIDATES = 50
MOST_SECONDS = 600
MOST_TOKENS = 100_000_000

Strategy = Literal[
    "ordered",
    "weighted",
    "least_busy",
    "lowest_latency",
    "lowest_cost",
    "quality_within_price",
    "capability",
    "sticky",
    "adaptive",
]
Capability = Literal["vision", "tools", "structured_output", "reasoning", "files", "audio"]


Seconds = Annotated[Number, Field(gt=0, le=MOST_SECONDS)]
Share = Annotated[Number, Field(ge=0, le=1)]
Dollars = Annotated[Money, Field(ge=0, le=1_000_000, max_digits=16, decimal_places=9)]
Tokens = Annotated[WholeNumber, Field(ge=1, le=MOST_TOKENS)]
RouteSlug = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$"),
    Field(description="What a request's `model` names; goes before a model of the same name."),
]
Pattern = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=256,
        description="`<integration slug>/<model>`, a model's own name, or a pattern of either "
        "(`openai/gpt-*`).",
    ),
]
RegionName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


class RouteTimeouts(Input):
    """Seconds; null takes the operator's setting."""

    connect: Seconds | None = None
    first_token: Seconds | None = None
    between_tokens: Seconds | None = None


class RouteCandidate(Input):
    """A model that may answer, or a pattern that stands for several."""

    model: Pattern
    weight: Annotated[
        Number, Field(ge=0, le=1000, description="Its part among the weights; 0 only stands in.")
    ] = 1.0
    region: Annotated[
        RegionName | None, Field(description="Where it computes; null takes its integration's.")
    ] = None
    quality: Annotated[
        Share | None, Field(description="How good it is held to be: for `quality_within_price`.")
    ] = None
    parameters: Annotated[
        Metadata,
        Field(default_factory=dict, description="What a request gets that leaves it out."),
    ]
    timeouts: Annotated[RouteTimeouts, Field(default_factory=RouteTimeouts)]


class RouteFailover(Input):
    """What happens when a candidate fails."""

    retries: Annotated[
        WholeNumber, Field(ge=0, le=5, description="Of one candidate, before its first token.")
    ] = 1
    hedge_after: Annotated[
        Seconds | None,
        Field(description="Seconds without a first token after which a second one is asked too."),
    ] = None
    mid_stream: Annotated[
        Literal["continue", "fail"],
        Field(description="After the first token: go on with the next candidate, or end."),
    ] = "continue"
    on_content_filter: Annotated[
        Literal["pass", "next"],
        Field(description="Pass a refusal on, or ask the next candidate."),
    ] = "pass"
    most_attempts: Annotated[WholeNumber, Field(ge=1, le=12)] = 6


class RouteConstraints(Input):
    """What every candidate must meet; null asks nothing."""

    max_input_price: Annotated[
        Dollars | None, Field(description="US dollars a million input tokens.")
    ] = None
    max_output_price: Annotated[
        Dollars | None, Field(description="US dollars a million output tokens.")
    ] = None
    max_cost: Annotated[
        Dollars | None, Field(description="US dollars that this request is expected to cost.")
    ] = None
    min_context: Annotated[Tokens | None, Field(description="Tokens.")] = None
    capabilities: Annotated[list[Capability], Field(default_factory=list, max_length=6)]
    regions: Annotated[
        list[RegionName] | None,
        Field(max_length=50, description="A candidate of an unknown region is refused."),
    ] = None
    providers: Annotated[
        list[Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,40}$")]] | None,
        Field(max_length=50, description="Kinds of integration."),
    ] = None


class RewardWeights(Input):
    """What counts how much; see docs/gateway/routing.md for the formula."""

    success: Annotated[Number, Field(ge=0, le=100)] = 1.0
    latency: Annotated[Number, Field(ge=0, le=100)] = 0.2
    cost: Annotated[Number, Field(ge=0, le=100)] = 0.2
    quality: Annotated[Number, Field(ge=0, le=100, description="Of ratings.")] = 2.0


class AdaptiveSettings(Input):
    """How an adaptive route learns."""

    weights: Annotated[RewardWeights, Field(default_factory=RewardWeights)]
    exploration: Annotated[
        Share,
        Field(description="The most of the requests that may go to another than the best."),
    ] = 0.1
    half_life: Annotated[
        WholeNumber,
        Field(ge=10, le=1_000_000, description="Calls of a category until one counts half."),
    ] = 500
    latency_target_ms: Annotated[
        Number, Field(gt=0, le=600_000, description="The first token that is worth one half.")
    ] = 2000.0
    cost_target: Annotated[
        Dollars, Field(gt=0, description="US dollars a call that are worth one half.")
    ] = "0.01"  # type: ignore[assignment]
    frozen: Annotated[bool, Field(description="Only the best one, and nothing is learned.")] = False

    model_config = ConfigDict(validate_default=True)


def _some_weight(candidates: list[RouteCandidate]) -> list[RouteCandidate]:
    if not any(candidate.weight for candidate in candidates):
        raise ValueError("at least one candidate needs a weight above 0")
    return candidates


Candidates = Annotated[
    list[RouteCandidate],
    Field(min_length=1, max_length=MOST_CANDIDATES),
    AfterValidator(_some_weight),
]
Overflow = Annotated[
    list[RouteCandidate],
    Field(max_length=MOST_CANDIDATES, description="For what is too long for all candidates."),
]


class RouteCreate(Input):
    slug: RouteSlug
    name: Annotated[Name | None, Field(description="Default: the slug.")] = None
    strategy: Strategy = "ordered"
    is_default: Annotated[
        bool, Field(description="Answers where neither request, key nor agent names anything.")
    ] = False
    sticky: Annotated[
        bool, Field(description="Keep a conversation with one candidate, for its prompt cache.")
    ] = False
    candidates: Candidates
    on_overflow: Annotated[Overflow, Field(default_factory=list)]
    failover: Annotated[RouteFailover, Field(default_factory=RouteFailover)]
    constraints: Annotated[RouteConstraints, Field(default_factory=RouteConstraints)]
    adaptive: Annotated[AdaptiveSettings, Field(default_factory=AdaptiveSettings)]

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "slug": "support",
                    "strategy": "weighted",
                    "candidates": [
                        {"model": "openai/gpt-5.5", "weight": 3},
                        {"model": "anthropic/claude-sonnet-5", "weight": 1},
                    ],
                }
            ]
        }
    )


class RouteUpdate(Input):
    """A merge patch: what is absent stays, within the objects too; a list replaces a list."""

    name: Annotated[Name | None, NotNull] = None
    strategy: Annotated[Strategy | None, NotNull] = None
    is_default: Annotated[bool | None, NotNull] = None
    sticky: Annotated[bool | None, NotNull] = None
    candidates: Annotated[Candidates | None, NotNull] = None
    on_overflow: Annotated[Overflow | None, NotNull] = None
    failover: Annotated[RouteFailover | None, NotNull] = None
    constraints: Annotated[RouteConstraints | None, NotNull] = None
    adaptive: Annotated[AdaptiveSettings | None, NotNull] = None


class RouteQuery(RestorableQuery):
    strategy: Strategy | None = None
