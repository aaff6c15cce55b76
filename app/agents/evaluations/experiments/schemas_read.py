"""Experiments, as they are shown."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from app.agents.evaluations.experiments.schemas import PinnedTarget, Status
from app.agents.evaluations.graders.kinds import Grader
from app.agents.evaluations.schemas import JudgeAgreement
from app.core.schema import Money, Output, Problem, Version


class GraderFigures(Output):
    """The mean of one grader over the cases it looked at."""

    grader: str
    type: str
    score: float
    pass_rate: float
    count: int
    errors: int = Field(description="Cases that it could not grade; they count 0.")


class TargetFigures(Output):
    """What one target came to, over all its results."""

    target: str
    results: int
    failed: int = Field(description="Cases that could not be answered; they count 0.")
    score: float
    pass_rate: float
    graders: list[GraderFigures]


class ExperimentFigures(Output):
    targets: list[TargetFigures]


class ExperimentRead(Output):
    """An experiment; its results stand in a list of their own, each from the moment it is there."""

    id: UUID
    evaluation_id: UUID
    name: str
    metadata: dict[str, Any] = Field(validation_alias="labels")
    run_id: UUID = Field(description="Its events: `GET /v1/runs/{run_id}/events`.")
    status: Status
    snapshot_id: UUID
    digest: str = Field(description="Of the cases that it was made with.")
    case_count: int
    targets: list[PinnedTarget] = Field(
        description="From the beginning on with the versions that every case is asked of."
    )
    tags: list[str]
    graders: list[Grader]
    pass_score: float
    repeats: int
    concurrency: int
    budget_usd: Money | None
    calibrations: list[JudgeAgreement]
    results: ExperimentFigures | None = Field(description="Null until the end.")
    user_id: UUID | None = Field(description="Who started it.")
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class ResultGrade(Output):
    """What one grader says."""

    name: str
    type: str
    score: float
    passed: bool
    required: bool
    weight: float
    reason: str
    detail: Any
    error: str | None = Field(description="A code, where the grader could not look.")
    cost_usd: Money | None
    input_tokens: int
    output_tokens: int


class ResultCall(Output):
    """A call of a tool."""

    name: str
    arguments: Any
    is_error: bool


class ExperimentResultRead(Output):
    """What one target made of one case, once."""

    id: UUID
    case_id: UUID
    target: str
    repeat: int = Field(description="From 1.")
    status: str = Field(description="running, completed, failed or cancelled.")
    tags: list[str]
    run_id: UUID | None = Field(description="The run of an agent.")
    model: str | None
    text: str
    output: Any
    tool_calls: list[ResultCall]
    steps: int | None
    grades: list[ResultGrade]
    score: float
    passed: bool
    error: Problem | None
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None
    grading_cost_usd: Money | None
    latency_ms: float | None
    first_token_ms: float | None
    created_at: datetime


class TargetBenchmark(Output):
    """How fast and how dear one target was; medians and 95th percentiles over its results."""

    target: str
    rank: int = Field(description="By cost per pass, then by latency; unknown ones last.")
    results: int
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    first_token_p50_ms: float | None
    first_token_p95_ms: float | None
    tokens_per_second: float | None = Field(description="Written ones, over the whole time.")
    input_tokens: int
    output_tokens: int
    cost_usd: Money | None
    cost_per_case_usd: Money | None
    cost_per_pass_usd: Money | None = Field(description="Null where nothing passed.")
    pass_rate: float


class ExperimentBenchmark(Output):
    """The targets of an experiment, the best first."""

    experiment_id: UUID
    data: list[TargetBenchmark]


class EffectRead(Output):
    """By how much the candidate is above the baseline: paired by case."""

    name: str
    pairs: int
    baseline: float
    candidate: float
    mean: float
    low: float
    high: float
    p: float | None = Field(description="Of the two-sided sign-flip test.")


class SliceEffect(Output):
    """The effect on the score among the cases with one tag."""

    tag: str
    effect: EffectRead


class CaseChange(Output):
    """One case on both sides; scores are means over its repeats."""

    case_id: UUID
    change: str = Field(description="improved, regressed or same.")
    baseline: float
    candidate: float
    difference: float
    tags: list[str]


class ChangeCounts(Output):
    improved: int
    regressed: int
    same: int


class ComparedSide(Output):
    experiment_id: UUID
    target: str


class ExperimentComparison(Output):
    """A candidate against a baseline on the cases that both were asked."""

    baseline: ComparedSide
    candidate: ComparedSide
    confidence: float
    score: EffectRead
    pass_rate: EffectRead
    graders: list[EffectRead]
    slices: list[SliceEffect]
    changes: ChangeCounts
    cases: list[CaseChange] = Field(description="The largest falls first, the largest gains last.")
    left_out: int = Field(description="Cases that only one side was asked.")
