"""A connection to Valkey of one caller's own.

What the pooled client does around a command takes longer than the command.
"""

import math
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as ValkeyConnectionError

from app.core.kernel import Valkey


class Line:
    """Asks one thing after the other, and stays open. Only its caller bounds the time."""

    def __init__(self, valkey: Valkey) -> None:
        self._pool = valkey.connection_pool
        self._connection: AbstractConnection | None = None

    async def ask(self, *command: str | bytes | int) -> Any:
        """The answer; one that is broken off may have been carried out, or be so once more.

        Raises RedisError and OSError.
        """
        packed = hiredis.pack_command(command)  # type: ignore[arg-type]
        try:
            return await self._asked(packed)
        except ValkeyConnectionError:
            # It may have been lost since the last time.
            return await self._asked(packed)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.disconnect(nowait=True)

    async def _asked(self, packed: bytes) -> Any:
        if self._connection is None:
            self._connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
            # redis-py would start a task for each command to watch over its time.
            self._connection.socket_timeout = None
        connection = self._connection
        # Broken off in the middle it closes, so that no answer is taken for another one.
        await connection.send_packed_command(packed, check_health=False)
        return await connection.read_response(timeout=math.inf)
