"""The gate: one question to Valkey before a call is made, one note of how it ended."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from redis.exceptions import RedisError

from app.core.auth import Access
from app.core.clock import now
from app.core.ids import new_text
from app.core.limiter import verdict_of
from app.core.limits import Policy, Verdict
from app.core.log import get_logger
from app.core.metrics import LIMITER_FAIL_OPENS
from app.core.scripts import BatchedScript
from app.inference.gate.blame import report_on
from app.inference.gate.books import BudgetBook, CustomerBook
from app.inference.gate.breakers import BreakerStanding, standing_of
from app.inference.gate.call import Admission, Load, OpenCall, Settlement, Terms
from app.inference.gate.counters import Counters
from app.inference.gate.errors import CustomerBlocked, GateAway
from app.inference.gate.forms import Form, Forms
from app.inference.gate.lost import LostCalls
from app.inference.gate.outbox import Outbox
from app.inference.gate.question import Wish, refusal_of
from app.inference.gate.records import (
    began_of,
    cached_of,
    cost_of,
    end_of,
    head_of,
    start_of,
    usage_of,
)
from app.inference.gate.terms import correcting, terms_of
from app.inference.providers.types import Usage
from app.inference.routing.plan import Candidate
from app.inference.usage.drain import Drain
from app.inference.usage.errors import LedgerFull
from app.inference.usage.payer import Payer

__all__ = ["Admission", "CacheHit", "Gate", "Load", "OpenCall", "Settlement"]

log = get_logger(__name__)

Noted = Callable[[Verdict], None]

# What may wait in memory while Valkey is away; a call more would be one that can be lost.
MAX_BACKLOG: Final = 100_000
# How often a question is put again after its budgets' counters were loaded.
MOST_QUESTIONS: Final = 100
WARN_EVERY_SECONDS: Final = 10.0
VALKEY_FAILS: Final = (RedisError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class CacheHit:
    """An answer that cost nothing: `status` is `hit` or `semantic_hit`, `saved` nano-dollars."""

    candidate: Candidate
    status: str
    saved: int | None = None


class Gate:
    """Admits calls and settles them. `executor_id` names this process."""

    def __init__(
        self,
        executor_id: str,
        script: BatchedScript,
        outbox: Outbox,
        drain: Drain,
        counters: Counters,
        budgets: BudgetBook,
        customers: CustomerBook,
        lost: LostCalls,
    ) -> None:
        self.executor_id = executor_id
        self._script = script
        self._outbox = outbox
        self._drain = drain
        self._counters = counters
        self._budgets = budgets
        self._customers = customers
        self._lost = lost
        self._forms = Forms(executor_id)
        self._warned_at = -WARN_EVERY_SECONDS

    async def admit(
        self,
        payer: Payer,
        access: Access | None,
        policies: Sequence[Policy],
        candidates: Sequence[Candidate],
        load: Load,
        *,
        noted: Noted | None = None,
    ) -> Admission:
        """Take everything that one request needs, or nothing; the first attempt is then open.

        A request that is refused for want of money, room or a provider still counts as a request.
        `noted` hears how it stands with its limits, refused or not. Raises RateLimited,
        TooManyCalls, CustomerBlocked, BudgetExceeded, PriceUnknown, NoCandidateReady, GateAway
        (a hard budget while Valkey is away) and LedgerFull.
        """
        at = now()
        form = self._form_at_hand(payer, access, policies, load, at)
        form = form or await self._form(payer, access, policies, load, at)
        call = OpenCall(payer, candidates[0], load, new_text(), 1, new_text(), at, terms=form.terms)
        if form.terms.buckets:
            call.taken = load.input_tokens + (load.most_output_tokens or 0)
        verdict, chosen = await self._admitted(Wish(call, candidates, form), noted)
        return Admission(verdict, chosen)

    async def admit_next(
        self, call: OpenCall, candidates: Sequence[Candidate], load: Load | None = None
    ) -> OpenCall:
        """Open the next attempt of the same request; limits and concurrency count on.

        Raises BudgetExceeded, PriceUnknown, NoCandidateReady, GateAway and LedgerFull.
        """
        load = load or call.load
        following = OpenCall(
            call.payer,
            candidates[0],
            load,
            call.request_text,
            call.attempt + 1,
            terms=Terms(slots=call.terms.slots),
        )
        workspace_id = call.payer.workspace_id
        caps = self._budgets.peek(workspace_id) or await self._budgets.get(workspace_id)
        form = self._forms.make(
            call.payer, following.terms, load, caps, following.created_at, follows=True
        )
        _, chosen = await self._admitted(Wish(following, candidates, form), None)
        return chosen

    async def admit_cached(
        self,
        payer: Payer,
        policies: Sequence[Policy],
        hit: CacheHit,
        load: Load,
        *,
        noted: Noted | None = None,
    ) -> Verdict:
        """Count a request that the cache answers, and leave its row.

        Raises RateLimited and CustomerBlocked.
        """
        at = now()
        form = self._form_at_hand(payer, None, policies, load, at)
        form = form or await self._form(payer, None, policies, load, at)
        verdict = await self._count(form.terms.requests)
        if noted is not None:
            noted(verdict)
        if verdict.refused:
            raise verdict.refusal()
        call = OpenCall(payer, hit.candidate, load, new_text(), created_at=at)
        call.began = began_of(call, form.row)
        record = b"{%b,%b}" % (head_of(call), cached_of(hit.status, hit.saved))
        self._outbox.notes().records.append(record)
        return verdict

    def expect(self, call: OpenCall, output_tokens: int) -> None:
        """Have the call settled by an answer of this length, if this process dies before it is."""
        record = b"{%b,%b}" % (head_of(call), start_of(call, output_tokens))
        self._outbox.notes().records.append(record)

    def settle(self, call: OpenCall, end: Settlement) -> None:
        """Say how an attempt ended; the first time counts. Sets `call.usage` and `call.cost`."""
        if call.settled:
            return
        call.settled = True
        call.usage = usage_of(call, end)
        call.cost = cost_of(call, end)
        notes = self._outbox.notes()
        notes.records.append(b"{%b,%b}" % (head_of(call), end_of(call, end)))
        report: list[Any] = []
        if end.status == "succeeded" and not call.probe:
            notes.good[call.breaker] = notes.good.get(call.breaker, 0) + 1
        else:
            report = report_on(call, end)
        buckets, tokens = call.terms.buckets, tuple[int, ...]()
        if buckets:
            used = call.usage.input_tokens + call.usage.output_tokens
            tokens = correcting(call.terms, call.taken, used)
        notes.settle(call.id_text, call.cost, call.budgets, buckets, tokens, report)

    async def flush(self) -> None:
        """Bring everything recorded so far, by any process, into Postgres."""
        await self._outbox.flush()
        await self._drain.catch_up()

    async def settle_interrupted(
        self,
        workspace_id: UUID,
        run_id: UUID,
        text: str | Mapping[UUID, str],
        spared: Collection[UUID] = (),
    ) -> None:
        """Settle what a dead process left open of a run, and have it in Postgres.

        `text` is what the run's log kept of the answer; of several, by the id of the request. The
        requests that are `spared` go on elsewhere.
        """
        await self.flush()
        await self._lost.settle_run(workspace_id, run_id, text, spared)
        await self.flush()

    async def settle_answered(
        self, workspace_id: UUID, run_id: UUID, used: Mapping[UUID, Usage | None]
    ) -> None:
        """Settle calls of a run whose answers came by another way, by the ids of their requests."""
        await self.flush()
        await self._lost.settle_answered(workspace_id, run_id, used)
        await self.flush()

    async def standing(
        self, workspace_id: UUID, deployments: Sequence[str]
    ) -> dict[str, BreakerStanding]:
        """How the breakers of these deployments stand; nothing while Valkey is away."""
        try:
            return await standing_of(self._script, workspace_id, deployments)
        except VALKEY_FAILS:
            return {}

    async def close(self, seconds: float = 2.0) -> None:
        """Tell Valkey what is left to tell, for a bounded time."""
        await self._outbox.flush(seconds)
        self._outbox.close()

    def _form_at_hand(
        self,
        payer: Payer,
        access: Access | None,
        policies: Sequence[Policy],
        load: Load,
        at: datetime,
    ) -> Form | None:
        """The form that was made for requests like this one, where nothing has changed since."""
        caps, customers = self._budgets.peek(payer.workspace_id), None
        if caps is None:
            return None
        if payer.customer is not None:
            customers = self._customers.peek(payer.workspace_id)
            if customers is None:
                return None
        return self._forms.find(payer, access, policies, load, caps, customers, at)

    async def _form(
        self,
        payer: Payer,
        access: Access | None,
        policies: Sequence[Policy],
        load: Load,
        at: datetime,
    ) -> Form:
        """Made anew where anything of it has changed; raises CustomerBlocked."""
        workspace_id, customers = payer.workspace_id, None
        caps = await self._budgets.get(workspace_id)
        if payer.customer is not None:
            customers = self._customers.peek(workspace_id)
            customers = customers or await self._customers.get(workspace_id)
        limits = None if customers is None else customers.limits(payer.customer)
        if limits is not None and limits.blocked:
            raise CustomerBlocked(f"The customer {payer.customer!r} is blocked.")
        terms = terms_of(tuple(policies), access, workspace_id, limits)
        form = self._forms.make(payer, terms, load, caps, at)
        self._forms.keep(form, access, policies, load, caps, customers)
        return form

    async def _admitted(self, wish: Wish, noted: Noted | None) -> tuple[Verdict, OpenCall]:
        """Ask until every counter is loaded; raises what stands against the call."""
        if self._outbox.backlog >= MAX_BACKLOG:
            raise LedgerFull("Valkey has been away for too long; try again.", retry_after=5)
        for _ in range(MOST_QUESTIONS):
            if self._outbox.down:
                return Verdict(), self._admitted_unasked(wish, noted)
            wire, own, begins = wish.question()
            try:
                answer = await self._script.ask(wire, begins, shared=wish.shared, own=own)
            except asyncio.CancelledError:
                # It may have been admitted: what it holds is given back.
                self.settle(wish.call, Settlement("cancelled", Usage(), cost=0))
                raise
            except VALKEY_FAILS as error:
                self._warn(error)
                return Verdict(), self._admitted_unasked(wish, noted, asked=True)
            if answer[0] != "cold":
                return self._said(wish, answer, noted)
            await self._load(wish, answer[2])
        raise GateAway("Budgets are being loaded; try again.", retry_after=2)

    def _said(self, wish: Wish, answer: list[Any], noted: Noted | None) -> tuple[Verdict, OpenCall]:
        policies = wish.form.policies
        is_refused = answer[0] == "rate"
        short = answer[2] if is_refused else ()
        verdict = verdict_of(policies, answer[1], short) if policies else Verdict()
        if noted is not None:
            noted(verdict)
        if is_refused:
            raise verdict.refusal()
        if answer[0] != "yes":
            raise refusal_of(wish, answer)
        place = answer[2] - 1
        call = wish.take(place) if place else wish.call
        call.probe = bool(answer[3])
        return verdict, call

    async def _load(self, wish: Wish, cold: list[int]) -> None:
        """Have cold counters loaded; soft ones that cannot be are done without."""
        first, missing = wish.call, set[int]()
        for place in cold:
            rule = wish.form.rules[place - 1]
            try:
                await self._counters.load(first.payer.workspace_id, rule, first.created_at)
            except GateAway:
                if rule.hard:
                    raise
                missing.add(place)
        if missing:
            wish.leave_out(missing)

    def _admitted_unasked(
        self, wish: Wish, noted: Noted | None, *, asked: bool = False
    ) -> OpenCall:
        """Serve without an answer of Valkey, unless a hard budget stands; the record is kept."""
        call = wish.call
        if wish.form.hard:
            away = GateAway("Try again in a few seconds.", retry_after=2)
            if asked:  # it may have been admitted
                self.settle(call, Settlement("failed", error=away))
            raise away
        LIMITER_FAIL_OPENS.inc()
        if noted is not None:
            noted(Verdict())
        notes = self._outbox.notes()
        notes.records.append(wish.record())
        if call.budgets:
            notes.late.append([call.id_text, call.reserved or 0, call.budgets])
        return call

    def _warn(self, error: Exception) -> None:
        if time.monotonic() - self._warned_at >= WARN_EVERY_SECONDS:
            self._warned_at = time.monotonic()
            log.warning("gate_unasked", reason=repr(error))

    async def _count(self, policies: tuple[Policy, ...]) -> Verdict:
        if not policies:
            return Verdict()
        wires = [orjson.Fragment(policy.wire) for policy in policies]
        try:
            answer = await self._script.ask(orjson.dumps(["count", 0, wires]))
        except VALKEY_FAILS:
            LIMITER_FAIL_OPENS.inc()
            return Verdict()
        return verdict_of(policies, *answer)
