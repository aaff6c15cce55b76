"""How a request becomes a comparison under way: refused before its stream, or begun."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from app.core.auth import Access, Permission
from app.core.http.guard import KernelDep, require
from app.core.http.rails import AlreadyStarted, RailsDep
from app.core.http.units import run_unit
from app.core.ids import new_id
from app.inference.calls.calls import Calls
from app.inference.compare import service
from app.inference.compare.comparing import KIND, Comparing
from app.inference.compare.schemas import ComparisonCreate, ComparisonEstimate
from app.runs.events.streaming import LastEventId
from app.runs.runs import service as runs
from app.runs.runs.bundle import RunsDep
from app.runs.runs.models import Run


@dataclass(frozen=True, slots=True)
class Started:
    """The run to follow: new, or begun before; of a dry run the estimate alone."""

    run_id: UUID
    after: int
    stream: bool
    run: Run | None = None
    estimate: ComparisonEstimate | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """What a comparison is made with."""

    calls: Calls
    comparing: Comparing


def _desk_of(request: Request) -> Desk:
    state = request.app.state
    return Desk(state.inference.calls, state.comparing)


DeskDep = Annotated[Desk, Depends(_desk_of)]
Comparer = Annotated[Access, require(Permission.MODELS_INVOKE)]


async def start_comparison(
    access: Comparer,
    kernel: KernelDep,
    rails: RailsDep,
    running: RunsDep,
    desk: DeskDep,
    last: LastEventId,
    new: ComparisonCreate,
) -> Started:
    """Begin a comparison, unless this request was made before; raises what planning raises."""
    if last is not None:
        async with kernel.database.unit(access.scope) as session:
            started_id = rails.started_run_id
            seen = await runs.resumed(session, access, last.run_id, KIND, started_id=started_id)
        return Started(seen.id, last.seq, stream=True, run=seen)
    if rails.started_run_id is not None:
        return Started(rails.started_run_id, 0, new.stream, replayed=True)
    run_id = new_id()
    prepared = await service.prepare(desk.calls, access, run_id, new)
    try:
        async with run_unit(kernel, rails, access.scope, run_id) as session:
            run = await service.begin(session, access, running.executor.id, prepared)
    except AlreadyStarted as started:
        return Started(started.run_id, 0, new.stream, replayed=True)
    if rails.dry_run:
        return Started(run_id, 0, stream=False, estimate=service.estimate(prepared))
    desk.comparing.expect(run_id, prepared.orders)
    running.executor.launch(run)
    return Started(run_id, 0, new.stream, run)


StartedDep = Annotated[Started, Depends(start_comparison)]
