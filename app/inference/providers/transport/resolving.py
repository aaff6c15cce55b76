"""Names to addresses, remembered for a moment, and refused by the policy."""

import asyncio
import socket
import time
from typing import Final

from app.core.net import AddressPolicy

REMEMBERED_SECONDS: Final = 10.0
MOST_REMEMBERED: Final = 1024


async def look_up(host: str) -> list[str]:
    """The addresses of a name, in the system's order; raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Resolver:
    """Asks once for all who ask at the same time."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, list[str]]] = {}
        self._asking: dict[str, asyncio.Task[list[str]]] = {}

    async def resolve(self, host: str, policy: AddressPolicy) -> list[str]:
        """The addresses to connect to, and no others; raises AddressRefused and OSError."""
        until, addresses = self._known.get(host, (0.0, []))
        if until < time.monotonic():
            addresses = await self._ask(host)
        policy.check(host, addresses)
        return addresses

    async def _ask(self, host: str) -> list[str]:
        asking = self._asking.get(host)
        if asking is None:
            asking = self._asking[host] = asyncio.ensure_future(look_up(host))
            asking.add_done_callback(lambda done: self._remember(host, done))
        # One who gives up does not take the answer from the others.
        return await asyncio.shield(asking)

    def _remember(self, host: str, done: asyncio.Task[list[str]]) -> None:
        del self._asking[host]
        if done.cancelled() or done.exception() is not None:
            return
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[host] = (time.monotonic() + REMEMBERED_SECONDS, done.result())
