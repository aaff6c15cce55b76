"""The engine of every surface: plan, admit, ask, fail over, settle."""

from collections.abc import AsyncGenerator
from dataclasses import replace

from app.inference.calls.course import Course, Desk
from app.inference.calls.order import Build, Grant, Order
from app.inference.calls.passing import Errand, Passing
from app.inference.calls.relaying import Relaying
from app.inference.calls.reply import Answer
from app.inference.calls.seam import Seam
from app.inference.calls.telling import Telling
from app.inference.calls.wire import Wire
from app.inference.dialects.ask import Ask
from app.inference.dialects.dialect import Dialect
from app.inference.dialects.errors import RequestInvalid
from app.inference.gate.call import Settlement
from app.inference.providers.errors import ProviderError
from app.inference.providers.types import ChatResult, StreamEvent
from app.inference.routing.plan import Candidate, Plan


class Calls:
    """One a process. A grant that nobody takes over is given back with `release`."""

    def __init__(self, desk: Desk, wire: Wire) -> None:
        self._desk = desk
        self._wire = wire

    async def plan(self, order: Order) -> Plan:
        """Who answers, in order; raises ModelUnknown, NoModel, ModelNotAllowed, NoCandidate."""
        return await self._desk.router.plan(order.payer, order.rules, order.question)

    async def admit(self, order: Order, plan: Plan | None = None) -> Grant:
        """Have the request let in; raises what planning and the gate raise."""
        plan = plan or await self.plan(order)
        admission = await self._desk.gate.admit(
            order.payer,
            order.access,
            order.policies,
            plan.candidates,
            order.load(plan),
            noted=order.noted,
        )
        return Grant(order, plan, admission.call)

    def release(self, grant: Grant) -> None:
        """Give back what was admitted for a call that is never made."""
        if not grant.taken:
            grant.taken = True
            self._desk.gate.settle(grant.call, Settlement("failed"))

    def telling(self, grant: Grant, build: Build) -> Telling:
        """An answer for ourselves, with its course."""
        return Telling(Course(self._desk, grant), build)

    async def stream(self, order: Order, build: Build) -> AsyncGenerator[StreamEvent | Seam, None]:
        """Ask, and give the events as they come; the client of a seam's answer sees no break."""
        events = self.telling(await self.admit(order), build).stream()
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()

    async def complete(self, order: Order, build: Build) -> ChatResult:
        return await self.telling(await self.admit(order), build).complete()

    async def relay(self, order: Order, dialect: Dialect, ask: Ask, reply: Answer) -> None:
        """Answer a client in its dialect; raises the error of an answer that has not begun."""
        plan = await self.plan(order)
        grant = await self.admit(order, self._fitting(plan, dialect, ask))
        await Relaying(self._wire, Course(self._desk, grant), dialect, ask).serve(reply)

    async def pass_on(self, order: Order, errand: Errand, reply: Answer) -> None:
        """Pass bytes on to whoever the plan names, and its answer back."""
        grant = await self.admit(order)
        await Passing(self._wire, Course(self._desk, grant), errand).serve(reply)

    def _fitting(self, plan: Plan, dialect: Dialect, ask: Ask) -> Plan:
        """The plan from the first candidate on that has words for the request.

        A mistake in it is told before anything is counted as a call.
        """
        first: RequestInvalid | ProviderError | None = None
        for position, candidate in enumerate(plan.candidates):
            try:
                if not dialect.passes_bytes_to(candidate.target.endpoint):
                    dialect.parse(ask, candidate.target)
            except (RequestInvalid, ProviderError) as error:
                first = first or error
            else:
                return plan if not position else cut(plan, position)
        if first is None:
            return plan
        raise first


def cut(plan: Plan, position: int) -> Plan:
    kept: tuple[Candidate, ...] = plan.candidates[position:]
    return replace(plan, candidates=kept)
