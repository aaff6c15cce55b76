"""Relayed requests under a cache policy: answered again, shared, or made and kept."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from app.inference.cache.digest import digest
from app.inference.cache.flights import Flights, LeaderFailed
from app.inference.cache.responses import CacheUse, Hit, headers_of
from app.inference.cache.stored import Status, events_of
from app.inference.calls.order import Order
from app.inference.calls.reply import Answer
from app.inference.calls.sharing import Recorder, Sent
from app.inference.dialects.ask import Ask
from app.inference.dialects.dialect import Dialect
from app.inference.gate.gate import CacheHit, Gate
from app.inference.routing.plan import Plan

Serve = Callable[[Answer], Awaitable[None]]
# As the ledger calls them.
STATUSES: Final[dict[Status, str]] = {
    "hit": "hit",
    "semantic-hit": "semantic_hit",
    "coalesced": "coalesced",
}


@dataclass(frozen=True, slots=True)
class CachedRelay:
    """One request; `serve` makes the call itself, `judge` has it judged first.

    What answers the same request again was judged with that one.
    """

    gate: Gate
    flights: Flights[Sent]
    order: Order
    plan: Plan
    dialect: Dialect
    ask: Ask
    use: CacheUse
    judge: Callable[[], Awaitable[None]]

    async def serve(self, reply: Answer, serve: Serve) -> None:
        """Answer; raises what `serve` raises before an answer has begun."""
        hit = await self.use.look_up()
        if hit is not None and self._is_allowed(hit):
            await self._replay(hit, reply)
        elif self.use.coalesces:
            await self._share(reply, serve)
        else:
            reply.headers += headers_of("miss")
            await serve(reply)

    def _is_allowed(self, hit: Hit) -> bool:
        """Whether who answered then may answer now: of a route, two keys may use other models."""
        told = (hit.stored.provider, hit.stored.model)
        targets = (each.target for each in (*self.plan.candidates, *self.plan.on_overflow))
        return any((target.endpoint.kind, target.model) == told for target in targets)

    async def _replay(self, hit: Hit, reply: Answer) -> None:
        await self._count(hit.status, hit.stored.cost)
        if hit.status == "semantic-hit":
            await self.judge()
        reply.headers += headers_of(hit.status, hit.age)
        result, model = hit.stored.result, hit.stored.model
        if not self.ask.streaming:
            await reply.json(self.dialect.render(result, model, self.ask))
            return
        renderer = self.dialect.renderer(self.ask, model)
        frames = b"".join([renderer.render(event) for event in events_of(result)])
        await reply.stream(frames, more=False)

    async def _share(self, reply: Answer, serve: Serve) -> None:
        async def work(put: Callable[[Sent], None]) -> None:
            await serve(Recorder(put))

        ask = self.ask
        among = sorted(each.target.reference for each in self.plan.candidates)
        key = digest(self.use.key, ask.streaming, ask.wants_usage, str(ask.options), among)
        try:
            async with self.flights.join(key, work) as (heard, leads):
                known = headers_of("miss" if leads else "coalesced")
                if not leads:
                    await self._count("coalesced", None)
                reply.headers += known
                async for sent in heard:
                    await sent.to(reply, known)
        except LeaderFailed:
            await serve(reply)

    async def _count(self, status: Status, saved: int | None) -> None:
        order = self.order
        hit = CacheHit(self.plan.candidates[0], STATUSES[status], saved)
        load = order.load(self.plan)
        await self.gate.admit_cached(order.payer, order.policies, hit, load, noted=order.noted)
