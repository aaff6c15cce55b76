"""Evaluations, as they are asked for and shown."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.agents.evaluations.graders.kinds import Grader, GraderName
from app.core.restorable import RestorableQuery
from app.core.schema import (
    Input,
    Metadata,
    Name,
    NotNull,
    Number,
    Output,
    Text,
    Version,
    WholeNumber,
)

Description = Annotated[Text, Field(max_length=2_000)]
GraderList = Annotated[list[Grader], Field(min_length=1, max_length=32)]
PassScore = Annotated[
    Number,
    Field(ge=0, le=1, description="The weighted score that a case needs beside its required ones."),
]


class GateThresholds(Input):
    """What a candidate must reach; what is absent is not looked at."""

    min_score: Annotated[Number | None, Field(ge=0, le=1)] = None
    min_pass_rate: Annotated[Number | None, Field(ge=0, le=1)] = None
    max_regression: Annotated[
        Number | None,
        Field(ge=0, le=1, description="How much the score may fall below the baseline's."),
    ] = None
    confidence: Annotated[
        Number, Field(ge=0.5, le=0.999, description="Of the interval of the difference.")
    ] = 0.95
    on_uncertain: Annotated[
        Literal["pass", "fail"],
        Field(
            description="`pass`: only a fall that is sure to be too large fails. `fail`: a fall "
            "that is too large must be ruled out."
        ),
    ] = "pass"
    max_cost_increase: Annotated[
        Number | None,
        Field(ge=0, le=1_000, description="Of the mean cost of a case: 0.2 is a fifth more."),
    ] = None
    max_latency_p95_ms: Annotated[WholeNumber | None, Field(ge=1, le=86_400_000)] = None


class Baseline(Input):
    """A target of an experiment; without a name its first one."""

    experiment_id: UUID
    target: GraderName | None = None


def _once(graders: list[Grader] | None) -> None:
    names = [grader.name for grader in graders or ()]
    if len(set(names)) < len(names):
        raise ValueError("every grader needs a name of its own")


class AgentEvaluationCreate(Input):
    """What is measured: the cases of a dataset, by graders."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Arithmetic",
                    "dataset_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11",
                    "graders": [
                        {"name": "number", "type": "numeric"},
                        {"name": "short", "type": "cost", "max_tokens": 500, "weight": 0},
                    ],
                    "thresholds": {"min_score": 0.9, "max_regression": 0.02},
                }
            ]
        }
    )

    name: Name
    description: Description = ""
    metadata: Metadata = Field(default_factory=dict)
    dataset_id: UUID
    graders: GraderList
    pass_score: PassScore = 0.0
    thresholds: GateThresholds = GateThresholds()

    @model_validator(mode="after")
    def _graders_once(self) -> "AgentEvaluationCreate":
        _once(self.graders)
        return self


class AgentEvaluationUpdate(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Arithmetic, harder"}]})

    name: Annotated[Name | None, NotNull] = None
    description: Annotated[Description | None, NotNull] = None
    metadata: Annotated[Metadata | None, NotNull] = None
    graders: Annotated[GraderList | None, NotNull] = None
    pass_score: Annotated[PassScore | None, NotNull] = None
    thresholds: Annotated[GateThresholds | None, NotNull] = None
    baseline: Annotated[
        Baseline | None, Field(description="What gates compare with, where they name nothing else.")
    ] = None

    @model_validator(mode="after")
    def _graders_once(self) -> "AgentEvaluationUpdate":
        _once(self.graders)
        return self


class AgentEvaluationQuery(RestorableQuery):
    dataset_id: Annotated[UUID | None, Field(description="Only those of this dataset.")] = None


class JudgeAgreement(Output):
    """How far a judge agrees with the labels of its calibration set."""

    grader: str
    digest: str
    examples: int
    accuracy: float
    kappa: float | None = Field(description="Cohen's κ; null where it is not defined.")
    fit: bool = Field(description="Whether it is as high as the judge's calibration asks for.")


class BaselineRead(Output):
    experiment_id: UUID
    target: str | None


class AgentEvaluationRead(Output):
    """An evaluation."""

    id: UUID
    name: str
    description: str
    metadata: dict[str, Any] = Field(validation_alias="labels")
    dataset_id: UUID
    graders: list[Grader]
    pass_score: float
    thresholds: GateThresholds
    baseline: BaselineRead | None
    calibrations: list[JudgeAgreement]
    user_id: UUID | None = Field(description="Who made it.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version
