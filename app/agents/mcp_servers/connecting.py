"""A client of the SDK's, connected to one server."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from app.agents.mcp_servers.guarding import MOST_BYTES, client_of
from app.agents.mcp_servers.pacing import paced
from app.agents.mcp_servers.sifting import Sieve
from app.core.outbound import Outbound

if TYPE_CHECKING:
    from mcp import Client
    from mcp.client.session import MessageHandlerFnT

    from app.agents.mcp_servers.plans import Plan

OPEN_SECONDS: Final = 20.0


@asynccontextmanager
async def connected(
    outbound: Outbound, plan: "Plan", hear: "MessageHandlerFnT", sieve: Sieve
) -> AsyncIterator["Client"]:
    """A client of the SDK's, shaken hands with; it offers no sampling, elicitation or roots."""
    from mcp import Client, types  # noqa: PLC0415 - loaded where there is a server

    # It logs what servers send; what matters of it is told by who asked.
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    async with _transport(outbound, plan, sieve) as transport:
        client = Client(
            transport,
            read_timeout_seconds=OPEN_SECONDS,
            message_handler=hear,
            client_info=types.Implementation(name="luminous", version="1"),
            cache=None,
        )
        async with asyncio.timeout(OPEN_SECONDS):
            await client.__aenter__()
        sieve.version = client.protocol_version
        try:
            yield client
        finally:
            await client.__aexit__(None, None, None)


@asynccontextmanager
async def _transport(outbound: Outbound, plan: "Plan", sieve: Sieve) -> AsyncIterator[Any]:
    from mcp import StdioServerParameters  # noqa: PLC0415 - loaded where there is a server
    from mcp.client.stdio import stdio_client  # noqa: PLC0415 - beside it
    from mcp.client.streamable_http import streamable_http_client  # noqa: PLC0415 - beside it

    if plan.url is not None:
        async with client_of(outbound, plan.url, plan.headers) as http:
            yield paced(
                streamable_http_client(plan.url, http_client=http, max_sse_event_size=MOST_BYTES),
                sieve,
            )
        return
    started = StdioServerParameters(
        command=plan.command[0], args=list(plan.command[1:]), env=dict(plan.environment)
    )
    # What a server writes to its error output may hold what it was given: it is not kept.
    with open(os.devnull, "w") as nowhere:  # noqa: ASYNC230, PTH123 - a device, at once
        yield paced(stdio_client(started, errlog=nowhere), sieve)
