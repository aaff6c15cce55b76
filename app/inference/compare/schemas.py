"""Comparisons on the wire."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, RootModel, model_validator

from app.core.restorable import RestorableQuery
from app.core.schema import Input, Money, Output, Problem, Text, Version, WholeNumber

LETTERS = "ABCDEFGH"
Label = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.:/-]{0,63}$",
        description="What the candidate is called in events and in the choice.",
    ),
]
ModelName = Annotated[
    Text, Field(min_length=1, max_length=300, description="A model's reference, or a route's name.")
]
Status = Literal["running", "completed", "failed", "cancelled"]


class ComparedModel(Input):
    """One of those that answer."""

    model: ModelName
    label: Annotated[Label | None, Field(description="Default: a letter, A for the first.")] = None


class ComparedMessage(Input):
    role: Literal["system", "user", "assistant"]
    content: Annotated[Text, Field(min_length=1, max_length=400_000)]


class ComparedParameters(Input):
    """How the models answer; what is absent is left to their providers."""

    temperature: Annotated[float | None, Field(ge=0, le=2)] = None
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    max_output_tokens: Annotated[WholeNumber | None, Field(ge=1, le=1_000_000)] = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None = None
    seed: Annotated[WholeNumber | None, Field(ge=0, le=2**53)] = None
    stop: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=200)]] | None,
        Field(min_length=1, max_length=4),
    ] = None


class ComparisonCreate(Input):
    """One prompt, and two to eight models or routes that answer it at the same time."""

    candidates: Annotated[list[ComparedModel], Field(min_length=2, max_length=8)]
    messages: Annotated[list[ComparedMessage], Field(min_length=1, max_length=200)]
    parameters: ComparedParameters = ComparedParameters()
    stream: Annotated[
        bool, Field(description="Answer with a stream of the run's events, labelled.")
    ] = False
    teaches: Annotated[
        Text | None,
        Field(
            max_length=100,
            description=(
                "An adaptive route that learns from the choice where a model was named outright. "
                "Where a route chose the model, that route learns."
            ),
        ),
    ] = None

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "candidates": [
                        {"model": "openai/gpt-4.1"},
                        {"model": "anthropic/claude-sonnet-4-5"},
                    ],
                    "messages": [{"role": "user", "content": "Why is the sky blue?"}],
                    "stream": True,
                }
            ]
        }
    )

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> "ComparisonCreate":
        labels = self.labels
        if len(set(labels)) < len(labels):
            raise ValueError("every candidate needs a label of its own")
        if self.messages[-1].role != "user":
            raise ValueError("the last message must be the user's")
        return self

    @property
    def labels(self) -> list[str]:
        return [one.label or letter for one, letter in zip(self.candidates, LETTERS, strict=False)]


class ChoiceCreate(Input):
    """Which answer was the best."""

    label: Label
    comment: Annotated[Text | None, Field(min_length=1, max_length=10_000)] = None

    model_config = ConfigDict(json_schema_extra={"examples": [{"label": "A"}]})


class ComparisonQuery(RestorableQuery):
    status: Annotated[Status | None, Field(description="Only those in this state.")] = None


class ComparedMessageRead(Output):
    role: Literal["system", "user", "assistant"]
    content: str


class ComparedSeamRead(Output):
    """Where another model took over an answer."""

    offset: int = Field(description="Characters of the text that stood already.")
    from_: str = Field(alias="from", description="The model that broke off.")
    to: str = Field(description="The model that went on.")
    reason: str = Field(description="The code of the error it broke off with.")


class CandidateRead(Output):
    """One model's answer; what is not known yet is null or empty."""

    label: str
    message_id: UUID = Field(description="What the deltas of its answer bear.")
    asked: str = Field(description="The model or route that was named.")
    model: str | None = Field(description="The model that answered.")
    route: str | None = Field(description="The route that chose it, if one did.")
    status: Status
    text: str
    reasoning: str
    finish_reason: str | None
    seams: list[ComparedSeamRead]
    error: Problem | None
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None = Field(description="Null where a price is not known.")
    first_token_ms: int | None
    duration_ms: int | None


class ComparisonRead(Output):
    """One prompt and the answers to it."""

    object: Literal["comparison"]
    id: UUID
    run_id: UUID = Field(description="Its events: `GET /v1/runs/{run_id}/events`.")
    status: Status
    messages: list[ComparedMessageRead]
    parameters: ComparedParameters
    candidates: list[CandidateRead]
    teaches: str | None
    choice: str | None = Field(description="The label of the answer that was chosen.")
    comment: str | None
    chosen_at: datetime | None
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class CandidateEstimate(Output):
    label: str
    model: str = Field(description="The model that would be asked first.")
    route: str | None
    input_tokens: int = Field(description="About four characters a token.")
    input_cost_usd: Money | None = Field(description="Null where no price is known.")
    max_cost_usd: Money | None = Field(description="With every output token that is allowed.")


class ComparisonEstimate(Output):
    """What a comparison would come to; the answer to a dry run."""

    object: Literal["comparison_estimate"]
    candidates: list[CandidateEstimate]


class ComparisonAnswer(
    RootModel[Annotated[ComparisonRead | ComparisonEstimate, Field(discriminator="object")]]
):
    """A comparison, or with `dry_run` what it would come to."""
