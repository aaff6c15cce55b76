"""The rows of results: of a case whose agent is at work, and of one that was asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from app.agents.evaluations.asking import Spent
from app.agents.evaluations.datasets.models import SnapshotCase
from app.agents.evaluations.experiments.models import Experiment
from app.agents.evaluations.experiments.schemas import PinnedTarget
from app.agents.evaluations.experiments.targets import Answered, calls_kept
from app.agents.evaluations.graders.grade import Marked
from app.core.errors import AppError
from app.core.ids import new_id
from app.core.json_limits import storable

MOST_TEXT: Final = 200_000


@dataclass(frozen=True, slots=True)
class Job:
    """One asking of one case; `run_id` is the agent's run that an earlier process began."""

    place: int
    case: SnapshotCase
    target: PinnedTarget
    repeat: int
    run_id: UUID | None = None

    @property
    def key(self) -> tuple[str, UUID, int]:
        return self.target.name, self.case.case_id, self.repeat


def _ids(experiment: Experiment, job: Job) -> dict[str, Any]:
    return {
        "id": new_id(),
        "workspace_id": experiment.workspace_id,
        "experiment_id": experiment.id,
        "user_id": job.case.user_id,
        "case_id": job.case.case_id,
        "place": job.place,
        "target": job.target.name,
        "repeat": job.repeat,
        "tags": job.case.tags,
    }


def begun_values(experiment: Experiment, job: Job, run_id: UUID) -> dict[str, Any]:
    """The row of a case whose agent is at work."""
    return {
        **_ids(experiment, job),
        "status": "running",
        "run_id": run_id,
        "text": "",
        "tool_calls": [],
        "grades": [],
        "score": 0.0,
        "passed": False,
        "input_tokens": 0,
        "output_tokens": 0,
    }


def values_of(
    experiment: Experiment,
    job: Job,
    marked: Marked,
    answered: Answered | None,
    spent: Spent,
    error: AppError | None,
) -> dict[str, Any]:
    """The row of a result; of a case that nobody answered what was spent on it all the same."""
    sample = answered.sample if answered else None
    return {
        **_ids(experiment, job),
        "status": "failed" if error else "completed",
        "run_id": answered.run_id if answered else job.run_id,
        "model": answered.model if answered else None,
        "text": storable(sample.text[:MOST_TEXT]) if sample else "",
        "output": storable(sample.output) if sample else None,
        "tool_calls": storable(calls_kept(sample.calls)) if sample else [],
        "steps": sample.steps if sample else None,
        "grades": storable([grade.kept() for grade in marked.grades]),
        "score": marked.score,
        "passed": marked.passed,
        "error": error.problem() if error else None,
        "input_tokens": sample.input_tokens if sample else spent.total.input_tokens,
        "output_tokens": sample.output_tokens if sample else spent.total.output_tokens,
        "cost_usd": sample.cost_usd if sample else spent.total.cost_usd,
        "grading_cost_usd": _grading(marked),
        "latency_ms": sample.latency_ms if sample else None,
        "first_token_ms": sample.first_token_ms if sample else None,
    }


def _grading(marked: Marked) -> Decimal | None:
    costs: Sequence[Decimal | None] = [grade.cost_usd for grade in marked.grades]
    return None if None in costs else sum((cost for cost in costs if cost), Decimal(0))
