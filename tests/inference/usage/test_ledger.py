"""No gateway call is lost or counted twice, whoever dies and however often a record comes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest
from redis.exceptions import ConnectionError as ValkeyGone
from sqlalchemy import select

from app.core.db import SYSTEM
from app.core.kernel import Kernel
from app.identity.workspaces.models import Workspace
from app.inference.providers.types import Usage
from app.inference.usage import appender as appending
from app.inference.usage.appender import STREAM, CallAppender
from app.inference.usage.drain import Drain
from app.inference.usage.gateway_call import GatewayCall, Settlement, settled_record
from app.inference.usage.ledger import Ledger, LedgerFull, open_ledger
from app.inference.usage.models import ModelCall
from app.runs.runs.lease import Lease
from tests.support.identity import until

USAGE = Usage(1000, 500, 200, 0, 100)
DONE = Settlement("succeeded", USAGE, first_token_ms=12)


@pytest.fixture
async def workspace_id(kernel: Kernel) -> UUID:
    async with kernel.database.unit(SYSTEM) as session:
        workspace = Workspace(name="Ledger")
        session.add(workspace)
        await session.flush()
        return workspace.id


@pytest.fixture
def new_call(workspace_id: UUID) -> Callable[[], GatewayCall]:
    def made() -> GatewayCall:
        return GatewayCall(workspace_id, workspace_id, None, "openai", "gpt-4o", 42)

    return made


@asynccontextmanager
async def process(kernel: Kernel) -> AsyncIterator[tuple[Ledger, Lease, Drain]]:
    """A ledger whose process can die: nothing is drained or said at the end."""
    lease = Lease(kernel.valkey, 2)
    appender = CallAppender(kernel.valkey)
    drain = Drain(kernel.database, kernel.valkey, lease, 2)
    await lease.start()
    appender.start()
    yield Ledger(lease, appender, drain), lease, drain
    for task in (appender._task, lease._task):
        task.cancel()


async def rows(kernel: Kernel, workspace_id: UUID) -> list[ModelCall]:
    async with kernel.database.unit(SYSTEM) as session:
        found = select(ModelCall).where(ModelCall.workspace_id == workspace_id)
        return list((await session.scalars(found.order_by(ModelCall.id))).all())


async def rows_when(kernel: Kernel, workspace_id: UUID, *statuses: str) -> list[ModelCall]:
    """The rows once they are so: the service that runs beside the tests drains the stream too."""

    async def so() -> bool:
        return [row.status for row in await rows(kernel, workspace_id)] == list(statuses)

    await until(so)
    return await rows(kernel, workspace_id)


async def test_a_call_becomes_one_row_with_its_cost(kernel, workspace_id, new_call):
    async with process(kernel) as (ledger, _, _):
        call = new_call()
        await ledger.begin(call)
        await ledger.flush()
        (row,) = await rows_when(kernel, workspace_id, "started")
        assert (row.input_tokens, row.cost_usd) == (42, None)
        ledger.settle(call, DONE)
        ledger.settle(call, Settlement("failed"))
        await ledger.flush()
    (row,) = await rows_when(kernel, workspace_id, "succeeded")
    assert (row.id, row.purpose, row.estimated) == (call.id, "gateway", False)
    assert (row.input_tokens, row.output_tokens, row.cached_input_tokens) == (1000, 500, 200)
    assert row.cost_usd > 0
    assert row.first_token_ms == 12
    assert row.created_at == call.created_at
    assert row.ended_at >= row.created_at


async def test_many_calls_are_counted_exactly(kernel, workspace_id, new_call):
    async def one(ledger: Ledger) -> None:
        call = new_call()
        await ledger.begin(call)
        await asyncio.sleep(0)
        ledger.settle(call, DONE)

    async with process(kernel) as (first, _, _), process(kernel) as (second, _, _):
        await asyncio.gather(*(one(ledger) for ledger in (first, second) for _ in range(300)))
        await asyncio.gather(first.flush(), second.flush())
        await first.flush()
    found = await rows_when(kernel, workspace_id, *["succeeded"] * 600)
    assert sum(row.input_tokens for row in found) == 600 * 1000


async def test_records_that_a_dead_process_left_in_the_stream_are_stored(
    kernel, workspace_id, new_call
):
    call = new_call()
    async with process(kernel) as (dead, _, _):
        await dead.begin(call)
        dead.settle(call, DONE)
        await dead._appender.flush()
    async with open_ledger(kernel) as alive:
        await alive.flush()
    await rows_when(kernel, workspace_id, "succeeded")


async def test_what_a_dead_process_had_taken_is_stored_by_another(kernel, workspace_id, new_call):
    call = new_call()
    async with process(kernel) as (dead, _, drain):
        await drain._open_group()
        await dead.begin(call)
        dead.settle(call, DONE)
        await dead._appender.flush()
        await drain._read(">")
    async with process(kernel) as (alive, _, drain):
        await alive.flush()
        await drain.adopt(0)
    await rows_when(kernel, workspace_id, "succeeded")


async def test_a_call_of_a_dead_process_is_settled_as_interrupted(kernel, workspace_id, new_call):
    call = new_call()
    async with process(kernel) as (dead, lease, _):
        await dead.begin(call)
        await dead.flush()
    async with process(kernel) as (_, _, drain):
        await rows_when(kernel, workspace_id, "started")
        await drain.sweep()
        await rows_when(kernel, workspace_id, "started")
        await kernel.valkey.delete(f"executor:{lease.executor_id}")
        await drain.sweep()
    (row,) = await rows_when(kernel, workspace_id, "interrupted")
    assert (row.estimated, row.input_tokens) == (True, 42)
    assert row.cost_usd > 0
    assert row.ended_at is not None


async def test_an_end_that_comes_after_the_guess_takes_its_place(kernel, workspace_id, new_call):
    call = new_call()
    async with process(kernel) as (dead, lease, _), process(kernel) as (_, _, drain):
        await dead.begin(call)
        await dead.flush()
        await rows_when(kernel, workspace_id, "started")
        await kernel.valkey.delete(f"executor:{lease.executor_id}")
        await drain.sweep()
        await rows_when(kernel, workspace_id, "interrupted")
        dead.settle(call, DONE)
        await dead.flush()
    (row,) = await rows_when(kernel, workspace_id, "succeeded")
    assert row.input_tokens == 1000


async def test_redelivery_and_disorder_change_nothing(kernel, workspace_id, new_call):
    call = new_call()
    start, end = call.record("x"), settled_record(call, "x", DONE)
    async with process(kernel) as (_, _, drain):
        for records in ([end], [start], [start, end], [end, start], [end]):
            plain = [
                {name: v.isoformat() if hasattr(v, "isoformat") else v for name, v in r.items()}
                for r in records
            ]
            await drain._merge(plain[-1:])
    (row,) = await rows(kernel, workspace_id)
    assert (row.status, row.output_tokens) == ("succeeded", 500)


async def test_one_record_that_cannot_be_stored_does_not_hold_up_the_others(
    kernel, workspace_id, new_call
):
    bad, good = replace(new_call(), model="nul \x00"), new_call()
    async with process(kernel) as (ledger, _, _):
        await ledger.begin(bad)
        await ledger.begin(good)
        ledger.settle(good, replace(DONE, usage=Usage(10**15, 1)))
        await kernel.valkey.xadd(STREAM, {"records": b"not json"})
        await ledger.flush()
    (row,) = await rows_when(kernel, workspace_id, "succeeded")
    assert (row.id, row.input_tokens) == (good.id, 2**31 - 1)


async def test_while_valkey_is_away_calls_go_on_and_nothing_is_lost(
    kernel, workspace_id, new_call, monkeypatch
):
    async with process(kernel) as (ledger, _, _):
        real = ledger._appender._valkey

        class Gone:
            async def xadd(self, *_: object) -> None:
                raise ValkeyGone("away")

        ledger._appender._valkey = Gone()
        calls = [new_call() for _ in range(3)]
        for call in calls:
            async with asyncio.timeout(1):
                await ledger.begin(call)
            ledger.settle(call, DONE)
        monkeypatch.setattr("app.inference.usage.ledger.MAX_BACKLOG", 6)
        with pytest.raises(LedgerFull):
            ledger.begin(new_call())
        ledger._appender._valkey = real

        async def written() -> bool:
            return ledger._appender.backlog == 0

        await until(written)
        await ledger.flush()
    await rows_when(kernel, workspace_id, *["succeeded"] * 3)


async def test_many_records_travel_together(kernel, workspace_id, new_call):
    sent = 0
    async with process(kernel) as (ledger, _, _):
        real = ledger._appender._valkey

        class Counting:
            async def xadd(self, *given: object) -> object:
                nonlocal sent
                sent += 1
                return await real.xadd(*given)

        ledger._appender._valkey = Counting()
        await asyncio.gather(*(ledger.begin(new_call()) for _ in range(500)))
        await ledger.flush()
    assert sent == -(-500 // appending.BATCH_RECORDS)
    await rows_when(kernel, workspace_id, *["started"] * 500)


async def test_a_deleted_workspace_takes_its_records_with_it(kernel, workspace_id, new_call):
    orphan = replace(new_call(), workspace_id=UUID(int=1))
    async with process(kernel) as (ledger, _, _):
        await ledger.begin(orphan)
        await ledger.begin(new_call())
        await ledger.flush()
    await rows_when(kernel, workspace_id, "started")
