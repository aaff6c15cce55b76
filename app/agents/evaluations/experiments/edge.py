"""How a request becomes an experiment: its models are planned before its transaction opens."""

from typing import Annotated

from fastapi import Depends

from app.agents.evaluations.bundle import EvaluationsDep
from app.agents.evaluations.experiments import service
from app.agents.evaluations.experiments.schemas import ExperimentCreate
from app.core.auth import Access, Permission
from app.core.http.guard import require

Writer = Annotated[Access, require(Permission.EVALUATIONS_WRITE)]


async def planned_experiment(
    access: Writer, evaluations: EvaluationsDep, new: ExperimentCreate
) -> ExperimentCreate:
    """The request, whose models can be asked; raises what planning raises."""
    await service.expect_models(evaluations.calls, access, service.models_of(new.targets, []))
    return new


PlannedDep = Annotated[ExperimentCreate, Depends(planned_experiment)]
