"""How a request for help is answered: by its run's events, at its end, or at once."""

from fastapi import Response

from app.automation.generation.beginning import Begun
from app.automation.generation.help_schemas import HelpEstimate, HelpRun
from app.core.auth import Access
from app.core.kernel import Kernel
from app.runs.events.streaming import stream_response
from app.runs.runs import service as runs
from app.runs.runs.bundle import Runs
from app.runs.runs.models import Run


async def answer_of(
    kernel: Kernel, running: Runs, access: Access, begun: Begun, shape: type[HelpRun]
) -> Response | HelpEstimate:
    """Raises RunNotFound where the run to be followed is not one of the caller's own."""
    if begun.estimate is not None:
        return begun.estimate
    run = begun.run or await _read(kernel, access, begun)
    if begun.stream:
        response: Response = await stream_response(kernel, running.reader, run, begun.after)
    else:
        if begun.wait:
            await running.reader.settled(run)
            run = await _read(kernel, access, begun)
        told = {name: getattr(run, name) for name in shape.model_fields if name != "result"}
        shown = shape.model_validate({**told, "result": run.result or None})
        response = Response(
            shown.model_dump_json(),
            200 if begun.wait else 202,
            media_type="application/json",
            headers={"X-Run-Id": str(run.id)},
        )
    response.headers["Location"] = f"/v1/runs/{run.id}"
    if begun.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


async def _read(kernel: Kernel, access: Access, begun: Begun) -> Run:
    async with kernel.database.unit(access.scope) as session:
        return await runs.get(session, access, begun.run_id)
