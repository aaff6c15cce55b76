"""Evaluations and question sets, as they are shown."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from app.core.schema import Output, Problem, Version
from app.knowledge.evaluations.schemas import EvaluatedConfiguration, Status
from app.knowledge.search.schemas import SearchFilters


class RelevantRead(Output):
    id: UUID
    grade: int


class QuestionRead(Output):
    question: str
    relevant: list[RelevantRead]


class QuestionSetRead(Output):
    """A question set without its questions."""

    id: UUID
    name: str
    description: str
    user_id: UUID = Field(description="Who made it.")
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class QuestionSetDetail(QuestionSetRead):
    """A question set."""

    questions: list[QuestionRead]


class EvaluationFigures(Output):
    """The means of one configuration over all questions; each from 0 to 1."""

    label: str
    k: int
    recall: float = Field(description="Recall at k: the share of what is relevant that was found.")
    mrr: float = Field(description="The mean of 1 / the rank of the first relevant one.")
    ndcg: float = Field(description="nDCG at k, with the grades.")
    failed: int = Field(description="Questions that could not be asked; they count 0.")
    p50_ms: float
    p95_ms: float


class EvaluationDifference(Output):
    """By how much a configuration is better than the first, with its 95 % interval."""

    mean: float
    low: float
    high: float


class EvaluationComparison(Output):
    """A configuration against the first one, question by question (paired bootstrap)."""

    label: str
    baseline: str
    recall: EvaluationDifference
    mrr: EvaluationDifference
    ndcg: EvaluationDifference


class EvaluationResults(Output):
    configurations: list[EvaluationFigures]
    comparisons: list[EvaluationComparison]


class EvaluationRead(Output):
    """One evaluation; its questions stand in a list of their own."""

    id: UUID
    name: str
    run_id: UUID = Field(description="Its events: `GET /v1/runs/{run_id}/events`.")
    status: Status
    question_set_id: UUID | None
    question_count: int
    configurations: list[EvaluatedConfiguration]
    filters: SearchFilters
    results: EvaluationResults | None = Field(description="Null until the end.")
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None
    deleted_at: datetime | None
    restorable_until: datetime | None
    version: Version


class QuestionOutcome(Output):
    """How one configuration answered one question."""

    label: str
    recall: float
    reciprocal_rank: float
    ndcg: float
    milliseconds: float
    found: list[UUID] = Field(
        description="The first ten: ids that are judged where they are, else of the documents."
    )
    error: Problem | None


class EvaluatedQuestionRead(Output):
    """One question of an evaluation."""

    id: UUID
    position: int
    question: str
    relevant: list[RelevantRead]
    outcomes: list[QuestionOutcome] | None = Field(description="Null until it was asked.")
