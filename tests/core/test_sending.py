"""Whoever is cancelled while a command is sent to Valkey does not go on."""

import asyncio

import pytest

from app.core.kernel import connect_valkey
from app.runs.events.questions import Questions

WAITING = ("BLPOP", "nothing comes here", 0)


async def blocking(valkey):
    await valkey.execute_command(*WAITING)


async def blocking_on_a_line(valkey):
    await Questions(valkey).ask(*WAITING)


@pytest.mark.parametrize("connected", [False, True])
@pytest.mark.parametrize("ask", [blocking, blocking_on_a_line])
async def test_a_cancellation_at_any_moment_is_heard(stores, ask, connected):
    for turns in range(40):
        async with connect_valkey(stores[1]) as valkey:
            if connected:
                await valkey.ping()
            asking = asyncio.create_task(ask(valkey))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait({asking}, timeout=10)
            assert asking.cancelled(), turns
