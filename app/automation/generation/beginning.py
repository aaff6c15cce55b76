"""How a request begins a run that helps, or finds the one that it has begun."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from app.agents.runtime.work import access_kept
from app.automation.generation.help_schemas import HelpEstimate
from app.automation.generation.helping import Wanted
from app.core.auth import Access
from app.core.http.rails import AlreadyStarted, Rails
from app.core.http.units import run_unit
from app.core.ids import new_id
from app.core.kernel import Kernel
from app.inference.calls.calls import Calls
from app.inference.calls.order import Order
from app.inference.routing.plan import Plan, Question
from app.inference.usage.payer import payer_of
from app.inference.usage.service import estimate_input
from app.runs.events.event import EventId
from app.runs.runs import service as runs
from app.runs.runs.bundle import Runs
from app.runs.runs.models import Run


@dataclass(frozen=True, slots=True)
class Begun:
    """The run to follow: new, or begun before; of a dry run the estimate alone."""

    run_id: UUID
    after: int = 0
    stream: bool = False
    wait: bool = True
    replayed: bool = False
    run: Run | None = None
    estimate: HelpEstimate | None = None


@dataclass(frozen=True, slots=True)
class Beginning:
    """One request for help."""

    kernel: Kernel
    rails: Rails
    running: Runs
    calls: Calls
    access: Access

    async def begin(
        self,
        kind: str,
        last: EventId | None,
        prepare: Callable[[], Awaitable[Wanted]],
        *,
        stream: bool,
        wait: bool,
    ) -> Begun:
        """Raises RunNotFound, and what preparing and planning raise."""
        if last is not None:
            return await self._resumed(kind, last)
        if self.rails.started_run_id is not None:
            return Begun(self.rails.started_run_id, 0, stream, wait, replayed=True)
        wanted = await prepare()
        if self.rails.dry_run:
            return Begun(new_id(), estimate=await self._estimate(wanted))
        if wanted.asks:
            await self._plan(wanted)
        run_id = new_id()
        try:
            async with run_unit(self.kernel, self.rails, self.access.scope, run_id) as session:
                run = await runs.create(
                    session,
                    self.access,
                    executor_id=self.running.executor.id,
                    kind=wanted.kind,
                    input={"wish": wanted.wish, **access_kept(self.access)},
                    run_id=run_id,
                )
        except AlreadyStarted as started:
            return Begun(started.run_id, 0, stream, wait, replayed=True)
        self.running.executor.launch(run)
        return Begun(run_id, 0, stream, wait, run=run)

    async def _resumed(self, kind: str, last: EventId) -> Begun:
        async with self.kernel.database.unit(self.access.scope) as session:
            started_id = self.rails.started_run_id
            run = await runs.resumed(session, self.access, last.run_id, kind, started_id=started_id)
        return Begun(run.id, last.seq, stream=True, run=run)

    async def _estimate(self, wanted: Wanted) -> HelpEstimate:
        asked = await wanted.asked()
        if asked is None:
            return HelpEstimate(kind="estimate", model=None, route=None, input_tokens=0)
        tokens = estimate_input(asked.request().messages)
        plan = await self._plan(wanted, tokens)
        return HelpEstimate(
            kind="estimate",
            model=plan.candidates[0].target.reference,
            route=plan.route,
            input_tokens=tokens,
        )

    async def _plan(self, wanted: Wanted, tokens: int = 0) -> Plan:
        """Who would be asked; raises ModelUnknown, NoModel, ModelNotAllowed and NoCandidate."""
        payer = payer_of(self.access, wanted.kind, new_id())
        question = Question(wanted.model, tokens)
        return await self.calls.plan(Order(payer, question, self.access.rules, self.access))
