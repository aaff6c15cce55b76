"""How fast a server may speak: what it says unasked is work for us, and answers nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from app.agents.mcp_servers.sifting import Sieve

if TYPE_CHECKING:
    from mcp.client._transport import ReadStream, TransportStreams

MESSAGES_A_SECOND: Final = 500.0
AHEAD_SECONDS: Final = 2.0
# The SDK answers each with a request of its own.
REQUEST_COST: Final = 100.0


@asynccontextmanager
async def paced(
    transport: "AbstractAsyncContextManager[TransportStreams]", sieve: Sieve
) -> "AsyncIterator[TransportStreams]":
    async with transport as (said, asked):
        yield Paced(said, sieve), asked


class Paced:
    """A server's messages, sifted, and taken no faster than they may come.

    The rest waits where it is sent.
    """

    def __init__(self, said: "ReadStream[Any]", sieve: Sieve) -> None:
        self._said = said
        self._sieve = sieve
        self._paid_until = 0.0

    @property
    def last_context(self) -> Any:
        return getattr(self._said, "last_context", None)

    async def receive(self) -> Any:
        return await self._taken(await self._said.receive())

    async def aclose(self) -> None:
        await self._said.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await self._taken(await anext(self._said))

    async def __aenter__(self) -> Self:
        await self._said.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return await self._said.__aexit__(kind, error, trace)

    async def _taken(self, item: Any) -> Any:
        await self._pay(item)
        self._sieve.sift(item)
        return item

    async def _pay(self, item: Any) -> None:
        from mcp.types import JSONRPCRequest  # noqa: PLC0415 - loaded where there is a server

        asks = isinstance(getattr(item, "message", None), JSONRPCRequest)
        moment = asyncio.get_running_loop().time()
        cost = (REQUEST_COST if asks else 1.0) / MESSAGES_A_SECOND
        self._paid_until = max(self._paid_until, moment) + cost
        ahead = self._paid_until - moment
        if ahead > AHEAD_SECONDS:
            await asyncio.sleep(ahead - AHEAD_SECONDS)
