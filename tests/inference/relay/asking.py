"""Short ways to ask the gateway without an SDK, and to look into the ledger."""

import asyncio
from typing import Any

import httpx2
import orjson
from sqlalchemy import select

from app.core.db import SYSTEM
from app.core.kernel import Kernel
from app.inference.gate.gate import Gate
from app.inference.usage.models import ModelCall
from tests.inference.relay.conftest import Gateway

HELLO = [{"role": "user", "content": "Hello"}]


async def ask(client: httpx2.AsyncClient, gateway: Gateway, **body: Any) -> httpx2.Response:
    document = {"model": gateway.model, "messages": HELLO, **body}
    return await post(client, gateway, orjson.dumps(document))


async def post(client: httpx2.AsyncClient, gateway: Gateway, body: bytes) -> httpx2.Response:
    headers = gateway.headers | {"content-type": "application/json"}
    return await client.post("/openai/v1/chat/completions", content=body, headers=headers)


async def calls_of(kernel: Kernel, ledger: Gate, gateway: Gateway) -> list[ModelCall]:
    """The workspace's calls in Postgres, after everything recorded has been drained."""
    await ledger.flush()
    return await stored(kernel, gateway)


async def settled_calls(
    kernel: Kernel, ledger: Gate, gateway: Gateway, count: int
) -> list[ModelCall]:
    """The same, once so many have ended: a client may have its answer before that is written."""
    async with asyncio.timeout(10):
        while True:
            calls = await calls_of(kernel, ledger, gateway)
            if sum(call.status == "succeeded" for call in calls) >= count:
                return calls
            await asyncio.sleep(0.05)


async def ended_calls(
    kernel: Kernel, ledger: Gate, gateway: Gateway, count: int
) -> list[ModelCall]:
    """The same, once so many have ended, well or not."""
    async with asyncio.timeout(10):
        while True:
            calls = await calls_of(kernel, ledger, gateway)
            if sum(call.status != "started" for call in calls) >= count:
                return calls
            await asyncio.sleep(0.05)


async def stored(kernel: Kernel, gateway: Gateway) -> list[ModelCall]:
    async with kernel.database.unit(SYSTEM) as session:
        found = select(ModelCall).where(ModelCall.workspace_id == gateway.person.workspace_id)
        return list((await session.scalars(found.order_by(ModelCall.id))).all())
