"""/v1/evaluations/{id}/gate."""

from uuid import UUID

from fastapi import Response

from app.agents.evaluations import service as evaluations
from app.agents.evaluations.datasets.errors import DatasetEmpty, DatasetNotFound
from app.agents.evaluations.errors import EvaluationNotFound
from app.agents.evaluations.experiments.errors import (
    ExperimentNotFound,
    ExperimentTooLarge,
    NothingInCommon,
    TargetUnknown,
)
from app.agents.evaluations.gates import service
from app.agents.evaluations.gates.errors import BaselineMissing, OtherEvaluation
from app.agents.evaluations.gates.schemas import GateRead
from app.agents.evaluations.gates.starting import GatedDep, Gater, wait_for
from app.core.http.guard import KernelDep, guarded_router
from app.core.http.problems import problems

router = guarded_router(prefix="/v1/evaluations/{evaluation_id}", tag="evaluations")


@router.post(
    "/gate",
    operation_id="evaluations_gate",
    summary="Say whether a candidate passes: for a CI",
    description=(
        "Names an experiment, or starts one and waits for it. `pass` says it; a 202 with `pass` "
        "null says that the experiment goes on: ask again with its id. Judges that agree too "
        "little with their calibration set let nothing pass."
    ),
    response_model=GateRead,
    responses=problems(
        EvaluationNotFound,
        DatasetNotFound,
        DatasetEmpty,
        ExperimentNotFound,
        ExperimentTooLarge,
        TargetUnknown,
        NothingInCommon,
        BaselineMissing,
        OtherEvaluation,
    ),
)
async def pass_gate(
    access: Gater, gated: GatedDep, kernel: KernelDep, evaluation_id: UUID, response: Response
) -> GateRead:
    async with kernel.database.unit(access.scope) as session:
        await evaluations.get(session, access, evaluation_id)
    if gated.experiment_id is None:
        return GateRead(
            status="tried", passed=None, candidate=None, baseline=None, reasons=[], figures=None
        )
    await wait_for(kernel, access, gated.experiment_id, gated.asked.wait_seconds)
    async with kernel.database.unit(access.scope) as session:
        verdict = await service.decide(
            session, access, evaluation_id, gated.experiment_id, gated.asked
        )
    response.status_code = 200 if verdict.status == "decided" else 202
    return verdict
