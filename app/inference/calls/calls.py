"""The engine of every surface: plan, admit, ask, fail over, settle."""

from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import replace
from uuid import UUID

from app.inference.cache.flights import Flights
from app.inference.cache.responses import CacheUse, Inquiry, Responses
from app.inference.calls.cached import CachedRelay
from app.inference.calls.course import Course, Desk
from app.inference.calls.guarding import checked
from app.inference.calls.order import Build, Grant, Order
from app.inference.calls.passing import Errand, Passing
from app.inference.calls.relaying import Relaying
from app.inference.calls.reply import Answer
from app.inference.calls.seam import Seam
from app.inference.calls.sharing import Sent
from app.inference.calls.tapping import Kept
from app.inference.calls.telling import Telling
from app.inference.calls.wire import Wire
from app.inference.dialects.ask import Ask
from app.inference.dialects.dialect import Dialect
from app.inference.dialects.errors import RequestInvalid
from app.inference.gate.call import Settlement
from app.inference.guardrails.guard import Guard
from app.inference.providers.errors import ProviderError
from app.inference.providers.types import ChatRequest, ChatResult, StreamEvent, Usage
from app.inference.routing.plan import Candidate, Plan


class Calls:
    """One a process. A grant that nobody takes over is given back with `release`."""

    def __init__(self, desk: Desk, wire: Wire) -> None:
        self._desk = desk
        self._wire = wire
        self._flights: Flights[Sent] = Flights()

    async def plan(self, order: Order) -> Plan:
        """Who answers, in order; raises ModelUnknown, NoModel, ModelNotAllowed, NoCandidate."""
        return await self._desk.router.plan(order.payer, order.rules, order.question)

    async def admit(self, order: Order, plan: Plan | None = None) -> Grant:
        """Have the request let in; raises what planning and the gate raise."""
        plan = plan or await self.plan(order)
        return await self._admit(order, plan, await self._guard(order, plan))

    async def _admit(self, order: Order, plan: Plan, guard: Guard | None) -> Grant:
        admission = await self._desk.gate.admit(
            order.payer,
            order.access,
            order.policies,
            plan.candidates,
            order.load(plan),
            noted=order.noted,
        )
        return Grant(order, plan, admission.call, guard=guard)

    async def _course(
        self, order: Order, plan: Plan, guard: Guard | None, request: ChatRequest | None
    ) -> Course:
        """The course of a request that was let in, once it was judged as its guard screened it."""
        course = Course(self._desk, await self._admit(order, plan, guard))
        if guard is not None and request is not None:
            await checked(course, guard.judge(request))
        return course

    def release(self, grant: Grant) -> None:
        """Give back what was admitted for a call that is never made."""
        if not grant.taken:
            grant.taken = True
            self._desk.gate.settle(grant.call, Settlement("failed"))

    async def settle_lost(
        self,
        workspace_id: UUID,
        run_id: UUID,
        text: str | Mapping[UUID, str],
        spared: Collection[UUID] = (),
    ) -> None:
        """Settle what a dead process left open of a run, by the text that is known of it.

        Of several answers the texts are given by the ids of their requests. The requests that are
        `spared` go on elsewhere.
        """
        await self._desk.gate.settle_interrupted(workspace_id, run_id, text, spared)

    async def settle_answered(
        self, workspace_id: UUID, run_id: UUID, used: Mapping[UUID, Usage | None]
    ) -> None:
        """Settle calls whose answers came by another way; without a usage one has failed."""
        await self._desk.gate.settle_answered(workspace_id, run_id, used)

    async def flush(self) -> None:
        """Have every call that has ended by now in the ledger; raises what the stores raise."""
        await self._desk.gate.flush()

    async def is_guarded(self, order: Order, plan: Plan) -> bool:
        """Whether guardrails want to see what is asked and answered."""
        return await self._guard(order, plan) is not None

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
        router = self._desk.router
        plan = router.plan_at_hand(order.payer, order.rules, order.question)
        plan = plan or await self.plan(order)
        plan = self._fitting(plan, dialect, ask)
        guard, request, use, workspace_id = None, None, None, order.payer.workspace_id
        guardrails, responses = self._desk.guardrails, self._desk.responses
        if guardrails is not None and not guardrails.are_none(workspace_id):
            guard = await guardrails.of(order.payer, plan.route_id)
        if guard is not None:
            request = await guard.screen(dialect.parse(ask, plan.candidates[0].target))
        if responses is not None and not responses.are_none(workspace_id):
            use = await self._cache(responses, order, plan, dialect, ask, guard)
        if use is None:
            course = await self._course(order, plan, guard, request)
            await Relaying(self._wire, course, dialect, ask).serve(reply)
            return

        async def judge() -> None:
            if guard is not None and request is not None:
                await guard.judge(request)

        async def serve(to: Answer) -> None:
            course = await self._course(order, plan, guard, request)
            await Relaying(self._wire, course, dialect, ask, Kept(use, dialect)).serve(to)

        gate = self._desk.gate
        cached = CachedRelay(gate, self._flights, order, plan, dialect, ask, use, judge)
        await cached.serve(reply, serve)

    async def pass_on(self, order: Order, errand: Errand, reply: Answer) -> None:
        """Pass bytes on to whoever the plan names, and its answer back.

        Raises what guardrails say of its words; the bytes are as they are, so what they would mask
        is refused.
        """
        plan = await self.plan(order)
        guard = await self._guard(order, plan)
        words = await guard.screen_words(errand.words()) if guard is not None else None
        course = await self._course(order, plan, guard, words)
        await Passing(self._wire, course, errand).serve(reply)

    async def _guard(self, order: Order, plan: Plan) -> Guard | None:
        guardrails = self._desk.guardrails
        return None if guardrails is None else await guardrails.of(order.payer, plan.route_id)

    async def _cache(
        self,
        responses: Responses,
        order: Order,
        plan: Plan,
        dialect: Dialect,
        ask: Ask,
        guard: Guard | None,
    ) -> CacheUse | None:
        if ask.answers > 1:
            # What is kept is one answer.
            return None
        digest = guard.digest if guard is not None else ""
        # Where the request names nothing, what the plan came to: two keys may differ in that.
        named = order.question.route or ask.model
        asked = named or plan.route or plan.candidates[0].target.reference
        inquiry = Inquiry(
            dialect.name, asked, ask.document, plan.route_id, order.directive, digest, ask.headers
        )
        return await responses.of(order.payer, inquiry)

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
