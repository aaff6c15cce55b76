"""Gates, as they are asked for and answered."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from app.agents.evaluations.experiments.schemas import ExperimentCreate
from app.agents.evaluations.experiments.schemas_read import EffectRead
from app.agents.evaluations.graders.kinds import GraderName
from app.agents.evaluations.schemas import Baseline, GateThresholds
from app.core.schema import Input, Money, Output, WholeNumber


class GateCandidate(Input):
    """An experiment that there is, or one to be started."""

    experiment_id: UUID | None = None
    experiment: ExperimentCreate | None = None
    target: Annotated[
        GraderName | None, Field(description="Which of its targets; absent: the last one.")
    ] = None

    @model_validator(mode="after")
    def _has_one(self) -> "GateCandidate":
        if (self.experiment_id is None) == (self.experiment is None):
            raise ValueError("give either `experiment_id` or `experiment`")
        return self


class GateAsked(Input):
    """Whether a candidate may take the place of the baseline."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "candidate": {"experiment_id": "01976f6e-2d3a-7c41-9d52-6a1f0c9b7e11"},
                    "thresholds": {"min_score": 0.9, "max_regression": 0.02},
                    "wait_seconds": 60,
                }
            ]
        }
    )

    candidate: GateCandidate
    baseline: Annotated[
        Baseline | None, Field(description="Absent: the evaluation's own, where it has one.")
    ] = None
    thresholds: Annotated[
        GateThresholds | None, Field(description="Absent: the evaluation's own.")
    ] = None
    wait_seconds: Annotated[
        WholeNumber,
        Field(ge=0, le=300, description="How long to wait for an experiment's end."),
    ] = 0


class GateReason(Output):
    """One thing that was looked at."""

    code: str = Field(description="`score`, `pass_rate`, `regression`, `cost`, `latency_p95` …")
    passed: bool
    detail: str


class GateFigures(Output):
    """What was measured; null where there is nothing to measure it by."""

    score: float
    pass_rate: float
    results: int
    failed: int
    cost_per_case_usd: Money | None
    latency_p95_ms: float | None
    baseline_cost_per_case_usd: Money | None
    difference: EffectRead | None = Field(description="Of the score against the baseline.")


class GateSide(Output):
    experiment_id: UUID
    target: str


class GateRead(Output):
    """The verdict.

    `status` is `decided`, or `running`: ask again with the experiment's id. A dry run that would
    start an experiment is only `tried`.
    """

    status: Literal["decided", "running", "tried"]
    passed: bool | None = Field(
        serialization_alias="pass", description="Null until the experiment has ended."
    )
    candidate: GateSide | None
    baseline: GateSide | None
    reasons: list[GateReason] = Field(description="What failed first.")
    figures: GateFigures | None
