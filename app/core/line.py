"""A connection to Valkey that one party has to itself: whole commands out, whole answers in.

The client's library opens it as it opens all others (address, TLS, password, database) and closes
it. Between, nothing stands between the transport and who asks: what the library does around one
command takes longer than the command.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Self

from hiredis import PushNotification, Reader
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as ValkeyConnectionError
from redis.exceptions import ResponseError


class Line(asyncio.Protocol):
    """`heard` is told every answer, errors too, and a ConnectionError once the line is lost."""

    def __init__(
        self, pool: ConnectionPool, connection: AbstractConnection, heard: Callable[[Any], None]
    ) -> None:
        writer = connection._writer  # noqa: SLF001 - the library has no other way to its transport
        if writer is None:
            raise ValkeyConnectionError("The connection was closed.")
        self.lost = False
        self._pool = pool
        self._connection = connection
        self._heard = heard
        self._reader = Reader(replyError=ResponseError)
        self._transport = writer.transport
        # Whoever closes the connection waits for what this one says of it.
        self._before = self._transport.get_protocol()
        self._transport.set_protocol(self)

    @classmethod
    async def open(cls, pool: ConnectionPool, heard: Callable[[Any], None]) -> Self:
        """Raises RedisError and OSError."""
        connection = await pool.get_connection()  # type: ignore[no-untyped-call]
        try:
            return cls(pool, connection, heard)
        except BaseException:
            await pool.release(connection)
            raise

    def send(self, command: bytes) -> None:
        """Say a packed command; its answer is heard in turn."""
        self._transport.write(command)

    def drop(self) -> None:
        """Have no more to do with it: what was asked may still be answered."""
        self.lost = True
        self._transport.abort()

    async def give_back(self) -> None:
        """Have the library close it, and know that it is free."""
        await self._connection.disconnect(nowait=True)
        await self._pool.release(self._connection)

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        reader.feed(data)
        # False is an answer that is not all there yet; nothing that is asked here is answered so.
        while (answer := reader.gets()) is not False:
            if type(answer) is not PushNotification and not self.lost:
                self._heard(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._before.connection_lost(error)
        if not self.lost:
            self.lost = True
            self._heard(ValkeyConnectionError("Connection to Valkey lost."))
