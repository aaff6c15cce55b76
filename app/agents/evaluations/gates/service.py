"""Whether a candidate may take the place of what is there."""

from dataclasses import dataclass
from uuid import UUID

from app.agents.evaluations import service as evaluations
from app.agents.evaluations.experiments import service as experiments
from app.agents.evaluations.experiments.errors import ExperimentNotFound
from app.agents.evaluations.experiments.models import Experiment
from app.agents.evaluations.experiments.schemas_read import EffectRead, TargetBenchmark
from app.agents.evaluations.gates.deciding import reasons_of
from app.agents.evaluations.gates.errors import BaselineMissing, OtherEvaluation
from app.agents.evaluations.gates.schemas import (
    GateAsked,
    GateFigures,
    GateRead,
    GateReason,
    GateSide,
)
from app.agents.evaluations.models import AgentEvaluation
from app.agents.evaluations.schemas import Baseline, GateThresholds
from app.core.auth import Access
from app.core.db import AsyncSession


@dataclass(frozen=True, slots=True)
class Side:
    """A target of an experiment."""

    experiment: Experiment
    target: str

    @property
    def shown(self) -> GateSide:
        return GateSide(experiment_id=self.experiment.id, target=self.target)


async def decide(
    session: AsyncSession,
    access: Access,
    evaluation_id: UUID,
    experiment_id: UUID,
    asked: GateAsked,
) -> GateRead:
    """The verdict on an experiment, or that it goes on.

    Raises EvaluationNotFound, ExperimentNotFound, OtherEvaluation, TargetUnknown, BaselineMissing.
    """
    evaluation = await evaluations.get(session, access, evaluation_id)
    found = await experiments.get(session, access, experiment_id)
    if found.evaluation_id != evaluation.id:
        raise OtherEvaluation("Name an experiment of this evaluation.")
    candidate = Side(
        found,
        experiments.target_of(
            found, asked.candidate.target, last=True, where="/body/candidate/target"
        ),
    )
    thresholds = asked.thresholds or GateThresholds.model_validate(evaluation.thresholds)
    baseline = await _baseline(session, access, evaluation, asked.baseline)
    _expect_baseline(thresholds, baseline)
    if found.status == "running":
        return _answer(candidate, baseline)
    figures = await _figures(session, access, candidate, baseline, thresholds.confidence)
    reasons = [*_ended(found), *_judges(found), *reasons_of(thresholds, figures)]
    reasons.sort(key=lambda reason: reason.passed)
    return _answer(candidate, baseline, reasons, figures)


def _answer(
    candidate: Side,
    baseline: Side | None,
    reasons: list[GateReason] | None = None,
    figures: GateFigures | None = None,
) -> GateRead:
    return GateRead(
        status="running" if reasons is None else "decided",
        passed=None if reasons is None else all(reason.passed for reason in reasons),
        candidate=candidate.shown,
        baseline=baseline.shown if baseline else None,
        reasons=reasons or [],
        figures=figures,
    )


async def _baseline(
    session: AsyncSession, access: Access, evaluation: AgentEvaluation, named: Baseline | None
) -> Side | None:
    """The one that is named, else the evaluation's own, if it is still there."""
    if named is not None:
        found = await experiments.get(session, access, named.experiment_id)
        return Side(
            found, experiments.target_of(found, named.target, where="/body/baseline/target")
        )
    if evaluation.baseline_experiment_id is None:
        return None
    try:
        found = await experiments.get(session, access, evaluation.baseline_experiment_id)
    except ExperimentNotFound:
        raise BaselineMissing("The evaluation's baseline is gone.") from None
    return Side(found, experiments.target_of(found, evaluation.baseline_target))


def _expect_baseline(thresholds: GateThresholds, baseline: Side | None) -> None:
    compares = (thresholds.max_regression, thresholds.max_cost_increase)
    if baseline is None and any(each is not None for each in compares):
        raise BaselineMissing("Name a `baseline`, or give the evaluation one.")
    if baseline is not None and baseline.experiment.status == "running":
        raise BaselineMissing("The baseline has not ended yet.")


async def _figures(
    session: AsyncSession,
    access: Access,
    candidate: Side,
    baseline: Side | None,
    confidence: float,
) -> GateFigures:
    own = await _measured(session, access, candidate)
    other = await _measured(session, access, baseline) if baseline else None
    told = next(
        each
        for each in (candidate.experiment.results or {"targets": []})["targets"]
        if each["target"] == candidate.target
    )
    difference: EffectRead | None = None
    if baseline is not None:
        compared = await experiments.compared(
            session,
            access,
            (baseline.experiment, baseline.target),
            (candidate.experiment, candidate.target),
            confidence,
        )
        difference = compared.score
    return GateFigures(
        score=told["score"],
        pass_rate=told["pass_rate"],
        results=told["results"],
        failed=told["failed"],
        cost_per_case_usd=own.cost_per_case_usd,
        latency_p95_ms=own.latency_p95_ms,
        baseline_cost_per_case_usd=other.cost_per_case_usd if other else None,
        difference=difference,
    )


async def _measured(session: AsyncSession, access: Access, side: Side) -> TargetBenchmark:
    found = await experiments.measured(session, access, side.experiment.id)
    return next(each for each in found.data if each.target == side.target)


def _ended(experiment: Experiment) -> list[GateReason]:
    """An experiment that was cut off has not asked all there is to ask."""
    if experiment.status == "completed":
        return []
    told = f"The experiment is {experiment.status}: not every case was asked."
    return [GateReason(code="experiment_incomplete", passed=False, detail=told)]


def _judges(experiment: Experiment) -> list[GateReason]:
    """A judge that does not agree with people decides nothing."""
    return [
        GateReason(
            code="judge_agreement",
            passed=False,
            detail=f"The judge {each['grader']!r} agrees with its calibration set with "
            f"kappa {each['kappa'] or 0:.2f} and accuracy {each['accuracy']:.2f}: too little.",
        )
        for each in experiment.calibrations
        if not each["fit"]
    ]
