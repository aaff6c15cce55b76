"""A pooler between the service and Postgres, as PgBouncer is one."""

import asyncio
from contextlib import asynccontextmanager

IDLE = b"Z\0\0\0\x05I"  # ready, and in no transaction
CANCEL = (80877102).to_bytes(4)


class Pooler:
    """It has one connection of Postgres, and lends it to each client for one transaction.

    With `sessions` each client has its own for as long as it stays. `begun` are the names of the
    parameters that each began with.
    """

    def __init__(self, socket, *, sessions=False):
        self.begun = []
        self._socket = socket
        self._sessions = sessions
        self._one_by_one = asyncio.Lock()
        self._shared = None

    async def serve(self, reader, writer):
        postgres = None
        try:
            begin = await _block(reader)
            if begin[4:8] == CANCEL:
                return
            self.begun.append(_parameters(begin))
            postgres, greeting = await self._connected(begin)
            writer.write(greeting)
            lent = asyncio.Lock() if self._sessions else self._one_by_one
            while (message := await _message(reader))[:1] != b"X":
                async with lent:
                    await _transaction(postgres, reader, writer, message)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            if postgres and self._sessions:
                postgres[1].close()

    async def _connected(self, begin):
        if self._shared is None or self._sessions:
            postgres = await asyncio.open_unix_connection(self._socket)
            postgres[1].write(begin)
            self._shared = postgres, await _answer(postgres[0])
        return self._shared

    def close(self):
        if self._shared:
            self._shared[0][1].close()


@asynccontextmanager
async def pooler(folder, postgres_folder, **told):
    """One that is found in `folder`, as a Postgres would be."""
    made = Pooler(f"{postgres_folder}/.s.PGSQL.5432", **told)
    try:
        async with await asyncio.start_unix_server(made.serve, folder / ".s.PGSQL.5432"):
            yield made
    finally:
        made.close()


async def _transaction(postgres, reader, writer, message):
    while True:
        postgres[1].write(message)
        if message[:1] in b"HQS":
            answer = await _answer(postgres[0], described=message[:1] == b"H")
            writer.write(answer)
            if answer.endswith(IDLE):
                return
        message = await _message(reader)


async def _answer(reader, *, described=False):
    """All up to when Postgres is ready, or has described a statement."""
    answer = b""
    while True:
        message = await _message(reader)
        answer += message
        if message[:1] in (b"TnE" if described else b"Z"):
            return answer


async def _message(reader):
    return await reader.readexactly(1) + await _block(reader)


async def _block(reader):
    length = await reader.readexactly(4)
    return length + await reader.readexactly(int.from_bytes(length) - 4)


def _parameters(begin):
    """The names of the parameters that a connection begins with."""
    return set(begin[8:-2].decode().split("\0")[::2])
