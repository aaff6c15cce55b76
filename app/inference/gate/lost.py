"""Calls whose process is gone: what they hold is given back, and what they cost is added."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

import orjson

from app.core.clock import now
from app.core.db import SYSTEM, Database, Scope
from app.core.log import get_logger
from app.inference.gate.outbox import Outbox
from app.inference.gate.records import read_price
from app.inference.providers.types import Usage
from app.inference.usage import crud
from app.inference.usage.models import ModelCall
from app.inference.usage.service import estimate_text
from app.runs.runs.lease import Lease

log = get_logger(__name__)

LOST_AT_ONCE = 1000


class LostCalls:
    """Settles calls as `interrupted`, with their input estimated and the text that is known.

    One whose row says how long its answer may be is settled by that.
    """

    def __init__(self, database: Database, outbox: Outbox, lease: Lease) -> None:
        self._database = database
        self._outbox = outbox
        self._lease = lease

    async def sweep(self) -> None:
        """Settle the calls of processes that are gone; those of a run that goes on are its own."""
        async with self._database.unit(SYSTEM) as session:
            executors = await crud.executors_with_open_calls(session)
            gone = await self._lease.roll_call(executors) if executors else {}
            calls: Sequence[ModelCall] = ()
            if gone:
                calls = await crud.open_of_executors(session, list(gone), LOST_AT_ONCE)
        self._settle(calls, "")
        if calls:
            log.info("lost_calls_settled", calls=len(calls), executors=len(gone))

    async def settle_run(
        self,
        workspace_id: UUID,
        run_id: UUID,
        text: str | Mapping[UUID, str],
        spared: Collection[UUID] = (),
    ) -> None:
        """Settle what a dead process left open of a run.

        `text` is what it wrote of the answer; of several answers, by the id of the request. The
        requests that are `spared` go on elsewhere.
        """
        async with self._database.unit(Scope(workspace_id=workspace_id)) as session:
            calls = await crud.open_of_run(session, workspace_id, run_id)
        self._settle([call for call in calls if call.request_id not in spared], text)

    async def settle_answered(
        self, workspace_id: UUID, run_id: UUID, used: Mapping[UUID, Usage | None]
    ) -> None:
        """Settle calls of a run that were answered elsewhere, by the ids of their requests.

        Without a usage the call has failed, and costs nothing.
        """
        async with self._database.unit(Scope(workspace_id=workspace_id)) as session:
            calls = await crud.open_of_run(session, workspace_id, run_id)
        for call in calls:
            if call.request_id is None or call.request_id not in used:
                continue
            usage, price = used[call.request_id], read_price(call.price)
            cost = 0 if usage is None else (None if price is None else price.cost(usage))
            notes = self._outbox.notes()
            notes.records.append(answered(call, usage, cost))
            notes.settle(str(call.id), cost, lost=call.executor_id)

    def _settle(self, calls: Iterable[ModelCall], text: str | Mapping[UUID, str]) -> None:
        said: dict[UUID | None, str] = {}
        if isinstance(text, str):
            said[None] = text
        else:
            said.update((request_id, part) for request_id, part in text.items())
        for call in calls:
            key = None if isinstance(text, str) else call.request_id
            written = estimate_text(said.pop(key, ""))
            usage = Usage(call.input_tokens, max(call.output_tokens, written))
            price = read_price(call.price)
            cost = None if price is None else price.cost(usage)
            notes = self._outbox.notes()
            notes.records.append(interrupted(call, usage, cost))
            notes.settle(str(call.id), cost, lost=call.executor_id)


# What a row keeps of itself when it ends.
KEPT = (
    "id", "request_id", "attempt", "workspace_id", "user_id", "api_key_id", "customer", "agent_id",
    "run_id", "conversation_id", "tags", "purpose", "operation", "dialect", "route", "category",
    "integration_id", "provider", "model", "reference", "executor_id", "created_at",
)  # fmt: skip


def interrupted(call: ModelCall, usage: Usage, cost: int | None) -> bytes:
    """The record that ends a lost call."""
    return ended(call, "interrupted", usage, cost, estimated=True)


def answered(call: ModelCall, usage: Usage | None, cost: int | None) -> bytes:
    """The record that ends a call which another service has answered for us."""
    status = "failed" if usage is None else "succeeded"
    return ended(call, status, usage or Usage(), cost, estimated=False)


def ended(
    call: ModelCall, status: str, usage: Usage, cost: int | None, *, estimated: bool
) -> bytes:
    return orjson.dumps(
        {
            **{name: getattr(call, name) for name in KEPT},
            "status": status,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_input_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "estimated": estimated,
            "cost_nano": cost,
            "ended_at": now(),
        },
        default=str,
    )
