"""How a request that began a run is answered: by its events, at its end, or at once."""

from fastapi import Response

from app.automation.runs import service
from app.automation.runs.beginning import Started
from app.automation.runs.rehearsal_schemas import WorkflowRunRehearsal
from app.automation.runs.schemas import WorkflowRunRead
from app.core.auth import Access
from app.core.kernel import Kernel
from app.runs.events.streaming import stream_response
from app.runs.runs import service as runs
from app.runs.runs.bundle import Runs
from app.runs.runs.models import Run


async def answer_of(
    kernel: Kernel, running: Runs, access: Access, started: Started
) -> Response | WorkflowRunRead | WorkflowRunRehearsal:
    """Raises RunNotFound where the run to be followed is not one of the caller's own."""
    if started.rehearsed is not None:
        told = started.rehearsed
        return WorkflowRunRehearsal.model_validate(
            {
                "object": "workflow_run_rehearsal",
                "status": told.status,
                "output": told.output,
                "error": told.error,
                "steps": told.steps,
            }
        )
    run = started.run
    if run is None:
        async with kernel.database.unit(access.scope) as session:
            run = await runs.get(session, access, started.run_id)
    if started.stream:
        response: Response = await stream_response(kernel, running.reader, run, started.after)
    else:
        shown = await _seen(kernel, running, access, run, wait=started.wait)
        response = Response(
            shown.model_dump_json(by_alias=True),
            200 if started.wait else 202,
            media_type="application/json",
            headers={"X-Run-Id": str(started.run_id)},
        )
    if started.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


async def _seen(
    kernel: Kernel, running: Runs, access: Access, run: Run, *, wait: bool
) -> WorkflowRunRead:
    """The run now, or once it has ended or waits: one that was woken meanwhile is waited for."""
    while True:
        if wait:
            await running.reader.settled(run)
        async with kernel.database.unit(access.scope) as session:
            shown = await service.read(session, access, run.id)
        if not wait or shown.status not in ("queued", "running"):
            return shown
