"""What the members of a workspace do with experiments."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter

from app.agents.evaluations import service as evaluations
from app.agents.evaluations.asking import PURPOSE
from app.agents.evaluations.datasets import service as datasets
from app.agents.evaluations.errors import BaselineInvalid
from app.agents.evaluations.experiments import crud
from app.agents.evaluations.experiments.comparing import CaseMean, Compared, compare, means_of
from app.agents.evaluations.experiments.errors import (
    ExperimentNotFound,
    ExperimentTooLarge,
    NothingInCommon,
    TargetUnknown,
)
from app.agents.evaluations.experiments.figures import benchmark
from app.agents.evaluations.experiments.models import Experiment, ExperimentResult
from app.agents.evaluations.experiments.schemas import (
    MOST_ASKED,
    ExperimentCreate,
    ExperimentQuery,
    ExperimentResultQuery,
    ExperimentTarget,
    PinnedTarget,
)
from app.agents.evaluations.experiments.schemas_read import ExperimentBenchmark
from app.agents.evaluations.graders.judging import digest_of
from app.agents.evaluations.graders.kinds import ModelJudgeGrader, SimilarityGrader
from app.agents.evaluations.models import AgentEvaluation
from app.agents.evaluations.schemas import AgentEvaluationUpdate
from app.core import restorable
from app.core.audit import Note, note
from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.db import AsyncSession
from app.core.errors import FieldError, PermissionDenied
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.calls.remembering import remembered
from app.inference.embeddings.serving import REFERENCE
from app.inference.routing.plan import Question
from app.inference.usage.payer import payer_of
from app.runs.runs import service as runs
from app.runs.runs.models import Run

KIND: Final = "evaluation_experiment"
MOST_KNOWN: Final = 64
_TARGETS: TypeAdapter[list[PinnedTarget]] = TypeAdapter(list[PinnedTarget])


def targets_in(rows: Sequence[Any]) -> list[PinnedTarget]:
    return _TARGETS.validate_python(list(rows))


def judges_of(graders: Sequence[Any]) -> list[ModelJudgeGrader]:
    """The judges with a calibration set, out of graders as they are kept."""
    return [
        grader
        for grader in evaluations.graders_in(graders)
        if isinstance(grader, ModelJudgeGrader) and grader.calibration is not None
    ]


def models_of(targets: Sequence[ExperimentTarget], graders: Sequence[Any]) -> list[str]:
    """The models that are asked outright, each once."""
    named = [each.model for each in targets if each.type != "agent"]
    for each in evaluations.graders_in(graders):
        if isinstance(each, ModelJudgeGrader):
            named.append(each.model)
        elif isinstance(each, SimilarityGrader) and each.model not in (None, REFERENCE):
            named.append(str(each.model))
    return list(dict.fromkeys(named))


async def expect_models(calls: Calls, access: Access, models: Sequence[str]) -> None:
    """Raises what planning raises: a model that nobody offers, or that may not be used."""
    for model in models:
        payer = payer_of(access, PURPOSE, new_id())
        await calls.plan(Order(payer, Question(model), access.rules, access))


def expect_rights(
    access: Access, targets: Sequence[ExperimentTarget], models: Sequence[str]
) -> None:
    """Raises PermissionDenied: an experiment may do no more than who starts it."""
    needed = {Permission.MODELS_INVOKE} if models else set()
    if any(target.type == "agent" for target in targets):
        needed.add(Permission.AGENTS_RUN)
    if any(target.type == "prompt" and target.template is not None for target in targets):
        needed.add(Permission.TEMPLATES_READ)
    missing = sorted(needed - access.permissions)
    if missing:
        raise PermissionDenied(f"This experiment needs the permission `{missing[0]}`.")


async def create(
    session: AsyncSession,
    access: Access,
    executor_id: str,
    evaluation_id: UUID,
    new: ExperimentCreate,
    run_id: UUID | None = None,
) -> tuple[Experiment, Run]:
    """The experiment, and the run that carries it out.

    Raises EvaluationNotFound, DatasetNotFound, DatasetEmpty, ExperimentTooLarge, PermissionDenied.
    """
    evaluation = await evaluations.get(session, access, evaluation_id)
    expect_rights(access, new.targets, models_of(new.targets, evaluation.graders))
    snapshot = await datasets.pin(session, access, evaluation.dataset_id, new.tags)
    asked = snapshot.case_count * len(new.targets) * new.repeats
    if asked > MOST_ASKED:
        raise ExperimentTooLarge(f"It would ask {asked} times; at most {MOST_ASKED} are allowed.")
    made = Experiment(
        id=new_id(),
        workspace_id=access.workspace_id,
        user_id=access.user_id,
        run_id=run_id or new_id(),
        evaluation_id=evaluation.id,
        snapshot_id=snapshot.id,
        digest=snapshot.digest,
        name=new.name,
        labels=new.metadata,
        status="running",
        targets=[each.model_dump(mode="json") for each in new.targets],
        tags=new.tags,
        graders=evaluation.graders,
        pass_score=evaluation.pass_score,
        repeats=new.repeats,
        concurrency=new.concurrency,
        budget_usd=new.budget_usd,
        case_count=snapshot.case_count,
        calibrations=_still_right(evaluation),
    )
    await crud.add(session, made)
    run = await runs.create(
        session,
        access,
        run_id=made.run_id,
        executor_id=executor_id,
        kind=KIND,
        subject_id=made.id,
        input={
            "experiment_id": str(made.id),
            "permissions": sorted(access.permissions),
            "role": access.role,
            **remembered(access),
        },
    )
    note(session, Note("experiment.started", "run", run.id, detail={"name": made.name}))
    return made, run


def _still_right(evaluation: AgentEvaluation) -> list[Any]:
    """What is known of its judges as they are now."""
    wanted = {digest_of(judge): judge.name for judge in judges_of(evaluation.graders)}
    return [
        {**each, "grader": wanted[each["digest"]]}
        for each in evaluation.calibrations
        if each["digest"] in wanted
    ]


async def keep_calibrations(
    session: AsyncSession, workspace_id: UUID, experiment_id: UUID, found: list[dict[str, Any]]
) -> None:
    """With the experiment, and with its evaluation for the next one."""
    experiment = await restorable.find(
        session, Experiment, workspace_id, experiment_id, for_update=True
    )
    if experiment is None:
        return
    experiment.calibrations = found
    evaluation = await restorable.find(
        session, AgentEvaluation, workspace_id, experiment.evaluation_id, for_update=True
    )
    if evaluation is not None:
        new = {each["digest"] for each in found}
        before = [each for each in evaluation.calibrations if each["digest"] not in new]
        evaluation.calibrations = [*found, *before][:MOST_KNOWN]


async def get(
    session: AsyncSession, access: Access, experiment_id: UUID, *, for_update: bool = False
) -> Experiment:
    """Raises ExperimentNotFound."""
    found = await restorable.find(
        session, Experiment, access.workspace_id, experiment_id, for_update=for_update
    )
    if found is None or found.deleted_at:
        raise ExperimentNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: ExperimentQuery, cursors: Cursors
) -> Slice[Experiment]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def results(
    session: AsyncSession,
    access: Access,
    experiment_id: UUID,
    query: ExperimentResultQuery,
    cursors: Cursors,
) -> Slice[ExperimentResult]:
    """Raises ExperimentNotFound."""
    await get(session, access, experiment_id)
    return await crud.results(session, access.workspace_id, experiment_id, query, cursors)


async def delete(session: AsyncSession, access: Access, experiment_id: UUID) -> None:
    """One that is under way goes on, unseen."""
    found = await get(session, access, experiment_id, for_update=True)
    await match(session, found)
    found.deleted_at = now()
    await session.flush()


async def restore(session: AsyncSession, access: Access, experiment_id: UUID) -> Experiment:
    """Raises ExperimentNotFound and RestoreExpired."""
    found = await restorable.find(
        session, Experiment, access.workspace_id, experiment_id, for_update=True
    )
    if found is None:
        raise ExperimentNotFound
    await restorable.bring_back(session, found)
    return found


async def cancel(session: AsyncSession, access: Access, experiment_id: UUID) -> Experiment:
    """Note that it is to be cancelled; the owner of its run must then be told."""
    found = await get(session, access, experiment_id)
    await runs.request_cancel_of(session, access.workspace_id, found.run_id)
    return found


async def measured(
    session: AsyncSession, access: Access, experiment_id: UUID
) -> ExperimentBenchmark:
    """Raises ExperimentNotFound."""
    found = await get(session, access, experiment_id)
    scored = await crud.scored(session, access.workspace_id, found.id)
    return benchmark(found.id, [target["name"] for target in found.targets], scored)


def target_of(
    experiment: Experiment, name: str | None, *, last: bool = False, where: str = ""
) -> str:
    """The name of one of its targets; raises TargetUnknown, which points `where` it was named."""
    names = [str(target["name"]) for target in experiment.targets]
    if name is None:
        return names[-1] if last else names[0]
    if name not in names:
        said = f"It has {', '.join(names)}, and no {name[:64]!r}."
        pointed = (FieldError(where, "unknown_target", said),) if where else ()
        raise TargetUnknown(said, errors=pointed)
    return name


async def compared(
    session: AsyncSession,
    access: Access,
    baseline: tuple[Experiment, str],
    candidate: tuple[Experiment, str],
    confidence: float,
) -> Compared:
    """A target against another one; raises NothingInCommon."""
    first, second = [
        means_of(await crud.scored(session, access.workspace_id, experiment.id, target))
        for experiment, target in (baseline, candidate)
    ]
    left_out = 0
    if baseline[0].snapshot_id != candidate[0].snapshot_id:
        changed = await _changed(session, access, baseline[0], candidate[0])
        first, left_out = _without(first, changed)
        second, _ = _without(second, changed)
    if not first.keys() & second.keys():
        raise NothingInCommon("No case of the one was asked, as it is, in the other.")
    found = await asyncio.to_thread(compare, first, second, confidence)
    found.left_out += left_out
    return found


def _without(means: dict[UUID, CaseMean], changed: set[UUID]) -> tuple[dict[UUID, CaseMean], int]:
    kept = {case_id: one for case_id, one in means.items() if case_id not in changed}
    return kept, len(means) - len(kept)


async def _changed(
    session: AsyncSession, access: Access, first: Experiment, second: Experiment
) -> set[UUID]:
    """Cases that both have, and that were changed between the two."""
    one, other = [
        {
            case.case_id: case.digest
            for case in await datasets.pinned(session, access.workspace_id, each.snapshot_id)
        }
        for each in (first, second)
    ]
    return {case_id for case_id in one.keys() & other.keys() if one[case_id] != other[case_id]}


async def update_evaluation(
    session: AsyncSession, access: Access, evaluation_id: UUID, change: AgentEvaluationUpdate
) -> AgentEvaluation:
    """Change an evaluation; raises EvaluationNotFound and BaselineInvalid."""
    found = await evaluations.get(session, access, evaluation_id, for_update=True)
    await match(session, found)
    if change.baseline is not None:
        try:
            experiment = await get(session, access, change.baseline.experiment_id)
            target_of(experiment, change.baseline.target)
        except (ExperimentNotFound, TargetUnknown) as error:
            raise _no_baseline(error.detail) from None
        if experiment.evaluation_id != found.id:
            raise _no_baseline("It is an experiment of another evaluation.")
    return await evaluations.change(session, found, change)


def _no_baseline(detail: str) -> BaselineInvalid:
    where = FieldError("/body/baseline/experiment_id", BaselineInvalid.code, detail)
    return BaselineInvalid(detail, errors=(where,))
