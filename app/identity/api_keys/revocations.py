"""The word between processes that a key, a user or a workspace has changed."""

import asyncio
from uuid import UUID

from redis.exceptions import RedisError

from app.core.kernel import Valkey
from app.core.log import get_logger
from app.core.tasks import stop_tasks
from app.identity.api_keys.known_keys import KnownKeys

log = get_logger(__name__)

CHANNEL = "identity:revoked"
POLL_SECONDS = 5.0
AGAIN_SECONDS = (0.1, 0.5, 1.0, 2.0)


class Revocations:
    """Tells the other processes, and listens to them for as long as it is open.

    While Valkey is away nothing is heard, and a key lives on in memory for its few seconds;
    after every new subscription all is forgotten.
    """

    def __init__(self, valkey: Valkey, known: KnownKeys) -> None:
        self._valkey = valkey
        self._known = known
        self._listener: asyncio.Task[None] | None = None
        self._telling: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._listener = asyncio.create_task(self._listen(), name="identity-revocations")

    async def close(self) -> None:
        await stop_tasks([self._listener])
        if self._telling:
            await asyncio.wait(self._telling, timeout=2)

    def tell(self, subject_id: UUID) -> None:
        """Forget a key, or all keys of a user or a workspace: here now, elsewhere in a moment."""
        self._known.forget(subject_id)
        task = asyncio.create_task(self._publish(subject_id))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _publish(self, subject_id: UUID) -> None:
        try:
            await self._valkey.publish(CHANNEL, str(subject_id))
        except (RedisError, OSError) as error:
            log.warning("revocation_untold", subject_id=str(subject_id), reason=repr(error))

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                async with self._valkey.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    while True:
                        message = await channel.get_message(timeout=POLL_SECONDS)
                        failures = 0
                        if message is not None:
                            self._hear(message["type"], message["data"])
            except (RedisError, OSError) as error:
                if not failures:
                    log.warning("revocations_unheard", reason=repr(error))
                await asyncio.sleep(AGAIN_SECONDS[min(failures, len(AGAIN_SECONDS) - 1)])
                failures += 1

    def _hear(self, kind: str, told: object) -> None:
        if kind == "subscribe":
            self._known.clear()
        elif kind == "message":
            try:
                self._known.forget(UUID(told.decode() if isinstance(told, bytes) else str(told)))
            except ValueError:
                self._known.clear()
