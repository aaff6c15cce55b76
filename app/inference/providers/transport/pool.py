"""Idle connections, by whom they lead to: the last used is the first to be used again."""

from typing import Final

from app.inference.providers.transport.connection import Connection
from app.inference.providers.transport.request import Origin

# Shorter than most servers wait for the next request.
IDLE_SECONDS: Final = 15.0
MOST_IDLE: Final = 256
MOST_ORIGINS: Final = 1024


class Pool:
    """Holds what is open; `take` gives only connections to exactly the origin asked for."""

    def __init__(self) -> None:
        self._idle: dict[Origin, list[Connection]] = {}
        self._open: dict[Connection, Origin] = {}

    def admit(self, connection: Connection, origin: Origin) -> None:
        """Know a new connection, which is in use."""
        self._open[connection] = origin

    def take(self, origin: Origin) -> Connection | None:
        """A connection that the peer has not closed, as far as this machine knows."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.is_quiet():
                return connection
            connection.abort()
        return None

    def give_back(self, connection: Connection) -> None:
        origin = self._open.get(connection)
        idle = self._idle.get(origin) if origin else None
        if origin and idle is None and len(self._idle) < MOST_ORIGINS:
            idle = self._idle[origin] = []
        if idle is None or len(idle) >= MOST_IDLE:
            connection.abort()
            return
        idle.append(connection)
        connection.expect(min(IDLE_SECONDS, connection.keeps_seconds))

    def forget(self, connection: Connection) -> None:
        """It has been closed."""
        origin = self._open.pop(connection, None)
        if origin is None:
            return
        left = [kept for kept in self._idle.get(origin, ()) if kept is not connection]
        if left:
            self._idle[origin] = left
        else:
            self._idle.pop(origin, None)

    def close(self) -> None:
        for connection in list(self._open):
            connection.abort()
