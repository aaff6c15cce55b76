"""How a request begins an agent's run, or finds the one that it has begun, and is answered."""

from dataclasses import dataclass
from uuid import UUID

from fastapi import Response
from sqlalchemy.exc import DBAPIError

from app.agents.definitions import service as definitions
from app.agents.runtime import service
from app.agents.runtime.edge import LauncherDep, Runner
from app.agents.runtime.launching import Launcher, Ready, RunWanted
from app.agents.runtime.schemas import (
    AgentRunCreate,
    AgentRunEstimate,
    AgentRunRead,
    ForkRequest,
    RetryRequest,
)
from app.agents.runtime.service import Shown
from app.core.auth import Access
from app.core.http.guard import KernelDep
from app.core.http.rails import AlreadyStarted, Rails, RailsDep
from app.core.http.units import run_unit
from app.core.kernel import Kernel
from app.runs.events.event import EventId
from app.runs.events.streaming import LastEventId, stream_response


@dataclass(frozen=True, slots=True)
class Started:
    """The run to follow: new, or begun before; of a dry run the estimate alone.

    `shown` is of a run that was launched here: it says how that ended once it has.
    """

    run_id: UUID
    after: int
    stream: bool
    wait: bool = True
    estimate: AgentRunEstimate | None = None
    replayed: bool = False
    shown: Shown | None = None


async def start_agent_run(
    access: Runner,
    kernel: KernelDep,
    rails: RailsDep,
    launcher: LauncherDep,
    last: LastEventId,
    agent: str,
    new: AgentRunCreate,
) -> Started:
    if last is not None:
        return await _resumed(access, kernel, rails, last, agent)
    if rails.started_run_id is not None:
        return Started(rails.started_run_id, 0, new.stream, new.wait, replayed=True)
    wanted = RunWanted(
        agent,
        new.asked(),
        new.variables,
        new.version,
        new.label,
        new.model,
        conversation_id=new.conversation_id,
        metadata=new.metadata,
        budget_usd=new.budget_usd,
    )
    # A unit that a key or a dry run has begun is not a single message.
    is_plain = rails.claim is None and not rails.dry_run
    presumed = await launcher.presume(access, wanted) if is_plain else None
    if presumed is not None:
        try:
            return await _launched(
                access, kernel, rails, launcher, presumed, stream=new.stream, wait=new.wait
            )
        except DBAPIError as error:
            if not definitions.is_another(error):
                raise
    ready = await launcher.prepare(access, wanted)
    return await _launched(access, kernel, rails, launcher, ready, stream=new.stream, wait=new.wait)


async def _resumed(
    access: Access, kernel: Kernel, rails: Rails, last: EventId, agent: str
) -> Started:
    """Raises RunNotFound."""
    async with kernel.database.unit(access.scope) as session:
        shown = await service.resumed(session, access, last.run_id, agent, rails.started_run_id)
    return Started(last.run_id, last.seq, stream=True, shown=shown)


async def start_retry(
    access: Runner,
    kernel: KernelDep,
    rails: RailsDep,
    launcher: LauncherDep,
    agent_run_id: UUID,
    body: RetryRequest,
) -> Started:
    return await start_fork(
        access, kernel, rails, launcher, agent_run_id, ForkRequest(from_step=body.from_step)
    )


async def start_fork(
    access: Runner,
    kernel: KernelDep,
    rails: RailsDep,
    launcher: LauncherDep,
    agent_run_id: UUID,
    body: ForkRequest,
) -> Started:
    if rails.started_run_id is not None:
        return Started(rails.started_run_id, 0, stream=False, wait=False, replayed=True)
    ready = await launcher.fork(
        access,
        agent_run_id,
        body.from_step,
        model=body.model,
        version=body.version,
        budget_usd=body.budget_usd,
    )
    return await _launched(access, kernel, rails, launcher, ready, stream=False, wait=False)


async def _launched(
    access: Access,
    kernel: Kernel,
    rails: Rails,
    launcher: Launcher,
    ready: Ready,
    *,
    stream: bool,
    wait: bool,
) -> Started:
    run_id = ready.execution.id
    try:
        async with run_unit(kernel, rails, access.scope, run_id) as session:
            run = await launcher.store(session, access, ready)
    except AlreadyStarted as started:
        return Started(started.run_id, 0, stream, wait, replayed=True)
    if rails.dry_run:
        return Started(run_id, 0, stream=False, estimate=await launcher.estimate(access, ready))
    launcher.launch(run, ready)
    return Started(run_id, 0, stream, wait, shown=Shown(run, ready.execution))


async def answer(
    access: Access, kernel: Kernel, launcher: Launcher, started: Started
) -> Response | AgentRunRead | AgentRunEstimate:
    """The run at its end or where it waits, or with `stream` its events; else the estimate."""
    if started.estimate is not None:
        return started.estimate
    shown = started.shown
    if shown is None:
        async with kernel.database.unit(access.scope) as session:
            shown = await service.show(session, access, started.run_id)
    if started.stream:
        reader = launcher.runs.reader
        response: Response = await stream_response(kernel, reader, shown.run, started.after)
    else:
        if started.wait:
            await launcher.runs.reader.settled(shown.run)
        if shown.run.ended_at is None:
            async with kernel.database.unit(access.scope) as session:
                shown = await service.show(session, access, started.run_id)
        response = Response(
            shown.read().model_dump_json(by_alias=True),
            media_type="application/json",
            headers={"X-Run-Id": str(started.run_id)},
        )
    if started.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response
