"""One pub/sub connection a process: wake-ups for readers and cancels for owners.

It only makes things quick. Whoever listens also looks for itself now and then.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

from app.core.kernel import Valkey
from app.core.log import get_logger
from app.core.tasks import stop_tasks

log = get_logger(__name__)

Listener = Callable[[bytes], None]

# Never published to: a connection that is subscribed to something stays open and can be read.
_KEEP_OPEN = "signals"


class Signals:
    """Channels and who listens to them, over reconnects."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._listeners: dict[str, list[Listener]] = {}
        self._pubsub: Any = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._work(), name="signals")

    async def close(self) -> None:
        await stop_tasks([self._task])

    async def listen(self, channel: str, listener: Listener) -> None:
        first = channel not in self._listeners
        self._listeners.setdefault(channel, []).append(listener)
        if first and self._pubsub is not None:
            with suppress(RedisError, OSError):
                await self._pubsub.subscribe(channel)

    async def forget(self, channel: str, listener: Listener) -> None:
        remaining = self._listeners[channel]
        remaining.remove(listener)
        if not remaining:
            del self._listeners[channel]
            if self._pubsub is not None:
                with suppress(RedisError, OSError):
                    await self._pubsub.unsubscribe(channel)

    async def _work(self) -> None:
        while True:
            pubsub = self._valkey.pubsub(ignore_subscribe_messages=True)
            try:
                await pubsub.subscribe(_KEEP_OPEN, *self._listeners)
                self._pubsub = pubsub
                await self._receive(pubsub)
            except (RedisError, OSError) as error:
                log.debug("signals_lost", error=repr(error))
            finally:
                self._pubsub = None
                with suppress(RedisError, OSError):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]
            await asyncio.sleep(0.2)

    async def _receive(self, pubsub: Any) -> None:
        # A channel may have been asked for while the connection was being made.
        if missed := [name for name in self._listeners if name.encode() not in pubsub.channels]:
            await pubsub.subscribe(*missed)
        while True:
            message = await pubsub.get_message(timeout=10)
            if message is not None and message["type"] == "message":
                for listener in [*self._listeners.get(message["channel"].decode(), ())]:
                    listener(message["data"])
