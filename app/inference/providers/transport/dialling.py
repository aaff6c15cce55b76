"""Connections made: to the first of some addresses that answers, with TLS where it is https."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol, TypeVar

# How long one address is waited for alone, before the next is tried beside it (RFC 8305).
STAGGER_SECONDS: Final = 0.25


class Abortable(Protocol):
    def abort(self) -> None: ...


T = TypeVar("T", bound=Abortable)
P = TypeVar("P", bound=asyncio.Protocol)


async def connect(
    factory: Callable[[], P],
    address: str,
    port: int,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
) -> P:
    """Connect to exactly this address; raises OSError, of TLS an SSLError."""
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(
        factory, address, port, ssl=tls, server_hostname=server_name if tls else None
    )
    return protocol


def interleaved(addresses: Sequence[str]) -> list[str]:
    """IPv6 and IPv4 by turns, beginning with the family of the first."""
    groups: dict[bool, list[str]] = {}
    for address in addresses:
        groups.setdefault(":" in address, []).append(address)
    first, second = [*groups.values(), []][:2]
    mixed = [each for pair in zip(first, second, strict=False) for each in pair]
    return mixed + first[len(second) :] + second[len(first) :]


async def first_of(attempts: Sequence[Callable[[], Awaitable[T]]]) -> T:
    """What the first attempt that succeeds gives; the next begins when one fails, or is slow.

    Raises what the first attempt raised where all fail.
    """
    if len(attempts) == 1:
        return await attempts[0]()
    waiting = [asyncio.ensure_future(attempts[0]())]
    tasks, coming = list(waiting), list(attempts[1:])
    try:
        while waiting:
            seconds = STAGGER_SECONDS if coming else None
            done, _ = await asyncio.wait(
                waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            waiting = [task for task in waiting if task not in done]
            won = next((task for task in done if task.exception() is None), None)
            if won is not None:
                tasks.remove(won)
                return won.result()
            if coming:
                tasks.append(asyncio.ensure_future(coming.pop(0)()))
                waiting.append(tasks[-1])
        return tasks[0].result()
    finally:
        for task in tasks:
            give_up(task)


def give_up(task: asyncio.Future[T]) -> None:
    """Cancel an attempt that has lost, or close what it has opened."""
    if not task.cancel() and not task.cancelled() and task.exception() is None:
        task.result().abort()
