"""How a gate's request becomes the id of an experiment: named, or begun now."""

import asyncio
import time
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends

from app.agents.evaluations.bundle import EvaluationsDep
from app.agents.evaluations.experiments import service as experiments
from app.agents.evaluations.gates.schemas import GateAsked
from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, require
from app.core.http.rails import AlreadyStarted, RailsDep
from app.core.http.units import run_unit
from app.core.ids import new_id
from app.core.kernel import Kernel
from app.runs.runs import service as runs
from app.runs.runs.bundle import RunsDep

Gater = Annotated[Access, require(Permission.EVALUATIONS_WRITE)]
LOOK_EVERY: Final = 0.25


@dataclass(frozen=True, slots=True)
class Gated:
    """What was asked of which experiment; null for a dry run that would start one."""

    asked: GateAsked
    experiment_id: UUID | None


async def start_gate(
    access: Gater,
    kernel: KernelDep,
    rails: RailsDep,
    running: RunsDep,
    evaluations: EvaluationsDep,
    evaluation_id: UUID,
    asked: GateAsked,
) -> Gated:
    """Begin the experiment, unless this request did before; raises what starting one raises."""
    new = asked.candidate.experiment
    if new is None:
        return Gated(asked, asked.candidate.experiment_id)
    if rails.started_run_id is not None:
        return Gated(asked, await _begun(kernel, access, rails.started_run_id))
    models = experiments.models_of(new.targets, [])
    await experiments.expect_models(evaluations.calls, access, models)
    run_id, executor = new_id(), running.executor
    try:
        async with run_unit(kernel, rails, access.scope, run_id) as session:
            made, run = await experiments.create(
                session, access, executor.id, evaluation_id, new, run_id
            )
    except AlreadyStarted as started:
        return Gated(asked, await _begun(kernel, access, started.run_id))
    if rails.dry_run:
        return Gated(asked, None)
    executor.launch(run)
    return Gated(asked, made.id)


async def _begun(kernel: Kernel, access: Access, run_id: UUID) -> UUID:
    async with kernel.database.unit(access.scope) as session:
        run = await runs.get(session, access, run_id)
    return UUID(run.input["experiment_id"])


GatedDep = Annotated[Gated, Depends(start_gate)]


async def wait_for(kernel: Kernel, access: Access, experiment_id: UUID, seconds: float) -> None:
    """Until an experiment has ended, or the time is up; raises ExperimentNotFound."""
    until = time.monotonic() + seconds
    while True:
        async with kernel.database.unit(access.scope) as session:
            found = await experiments.get(session, access, experiment_id)
        if found.status != "running" or time.monotonic() >= until or kernel.stopping.is_set():
            return
        await asyncio.sleep(LOOK_EVERY)
