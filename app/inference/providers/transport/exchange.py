"""One answer: its head, and its body as it comes in."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from typing import Final, Protocol

from app.core.waiting import deadline, running_loop
from app.inference.providers.errors import (
    ProviderError,
    ProviderGarbled,
    ProviderInterrupted,
    ProviderTimedOut,
    ProviderUnreachable,
)

# How long a finished answer's last bytes are awaited, so that its connection can be used again.
DRAIN_SECONDS = 0.1
# Unread bytes at which no more is taken from the socket.
HIGH_WATER = 256 * 1024


class Fault(Enum):
    """Why nothing more comes of an answer that is not complete."""

    LOST = auto()
    GARBAGE = auto()
    SILENCE = auto()


BEFORE_HEAD: Mapping[Fault, tuple[type[ProviderError], str]] = {
    Fault.LOST: (ProviderUnreachable, "it closed the connection before it answered."),
    Fault.GARBAGE: (ProviderGarbled, "the answer is not valid HTTP."),
    Fault.SILENCE: (ProviderTimedOut, "no answer in time."),
}
IN_BODY: Mapping[Fault, tuple[type[ProviderError], str]] = {
    Fault.LOST: (ProviderInterrupted, ""),
    Fault.GARBAGE: (ProviderInterrupted, ""),
    Fault.SILENCE: (ProviderTimedOut, "stopped sending."),
}


class Headers(Mapping[str, str]):
    """The fields of an answer by name, in any case; the first one of a name counts.

    `find` takes a name in lower case, and gives None where there is none.
    """

    __slots__ = ("_fields", "find")

    def __init__(self, fields: dict[bytes, bytes]) -> None:
        """Take a copy of fields whose names are in any case, the first of each first."""
        # Backwards, so that the first one of a name is the last to be written.
        names, values = map(bytes.lower, reversed(fields)), reversed(fields.values())
        self._fields = dict(zip(names, values, strict=True))
        self.find: Callable[[bytes], bytes | None] = self._fields.get

    def __getitem__(self, name: str) -> str:
        value = self.find(name.lower().encode("latin-1", "replace"))
        if value is None:
            raise KeyError(name)
        return value.decode("latin-1")

    def __iter__(self) -> Iterator[str]:
        return (name.decode("latin-1") for name in self._fields)

    def __len__(self) -> int:
        return len(self._fields)


NO_HEADERS: Final = Headers({})


class Line(Protocol):
    """What an answer needs of the connection that it comes by."""

    def expect(self, seconds: float) -> None: ...

    def resume(self) -> None: ...

    def abort(self) -> None: ...


class Exchange:
    """An answer under way. Read it to its end, or `close()` it, which aborts the socket."""

    __slots__ = (
        "_chunks",
        "_fault",
        "_idle_seconds",
        "_left",
        "_line",
        "_over",
        "_provider",
        "_unread",
        "_waiter",
        "headers",
        "status",
    )

    def __init__(self, line: Line, provider: str, idle_seconds: float, max_bytes: int) -> None:
        self.status = 0
        self.headers = NO_HEADERS
        self._line = line
        self._provider = provider
        self._idle_seconds = idle_seconds
        self._left = max_bytes
        self._chunks: list[bytes] = []
        self._unread = 0
        self._over = False
        self._fault: Fault | None = None
        self._waiter: asyncio.Future[None] | None = None

    def expect_head(self) -> None:
        """Raises ProviderUnreachable, ProviderTimedOut or ProviderGarbled where none has come."""
        if not self.status:
            raise self._error()

    def arrival(self, seconds: float) -> "asyncio.Future[None]":
        """Done when something has come, or nothing will any more."""
        self._line.expect(seconds)
        self._waiter = waiter = running_loop().create_future()
        return waiter

    async def read_chunk(self) -> bytes:
        """Read what has arrived, at once; empty at the end of the body.

        Raises ProviderInterrupted and ProviderTimedOut, after all that came has been read, and
        ProviderGarbled for more than `max_bytes`.
        """
        if not (self._chunks or self._over):
            await self.arrival(self._idle_seconds)
        return self._taken()

    def whole(self) -> bytes | None:
        """The body, where all of it has come already; None where `read_body` must be awaited."""
        return self._taken() if self._over and self._fault is None else None

    async def read_body(self) -> bytes:
        """Read the rest of the body; raises as `read_chunk` does."""
        pieces: list[bytes] = []
        while not self._over:
            if not self._chunks:
                await self.arrival(self._idle_seconds)
            pieces.append(self._taken())
        pieces.append(self._taken())
        if self._fault is not None:
            raise self._error()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _taken(self) -> bytes:
        """What has come and nobody has read; raises the fault where there is nothing."""
        chunks = self._chunks
        if not chunks:
            if self._fault is not None:
                raise self._error()
            return b""
        chunk = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        if self._unread > HIGH_WATER and not self._over:
            self._line.resume()
        self._unread = 0
        self._left -= len(chunk)
        if self._left < 0:
            self.close()
            raise ProviderGarbled(self._provider, "the answer is too large.")
        return chunk

    async def drain(self) -> None:
        """Give the connection back after a finished answer, or close it if more would come."""
        if self._over:
            return
        try:
            with deadline(DRAIN_SECONDS):
                if await self.read_chunk():
                    self.close()
        except (TimeoutError, ProviderError):
            self.close()

    def close(self) -> None:
        if not self._over:
            # A plain close would wait for the peer's half of the TLS goodbye.
            self._line.abort()
        self._chunks.clear()

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self._over

    @property
    def awaited(self) -> bool:
        """Whether somebody waits for what comes next."""
        return self._waiter is not None and not self._waiter.done()

    def begin(self, status: int, headers: Headers) -> None:
        self.status = status
        self.headers = headers
        self._wake()

    def take(self, chunk: bytes) -> bool:
        """Keep a piece of the body; whether no more should be taken from the socket for now."""
        self._chunks.append(chunk)
        self._unread += len(chunk)
        self._wake()
        return self._unread > HIGH_WATER

    def finish(self) -> None:
        self._over = True
        self._wake()

    def fail(self, fault: Fault) -> None:
        self._fault = fault
        self.finish()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _error(self) -> ProviderError:
        kind, said = (IN_BODY if self.status else BEFORE_HEAD)[self._fault or Fault.LOST]
        return kind(self._provider, said)
