"""One answer: its head, and its body as it comes in."""

import asyncio
from collections.abc import Iterator, Mapping
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
    """The fields of an answer by name, in any case; the first one of a name counts."""

    __slots__ = ("raw",)

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self.raw = raw

    def __getitem__(self, name: str) -> str:
        value = self.find(name.lower().encode("latin-1", "replace"))
        if value is None:
            raise KeyError(name)
        return value.decode("latin-1")

    def find(self, name: bytes) -> bytes | None:
        """The field of a name in lower case; None where there is none."""
        for known, value in self.raw:
            if known == name:
                return value
        return None

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name.decode("latin-1") for name, _ in self.raw))

    def __len__(self) -> int:
        return len({name for name, _ in self.raw})


NO_HEADERS: Final = Headers([])


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

    async def wait_for_head(self, seconds: float) -> None:
        """Raises ProviderUnreachable, ProviderTimedOut or ProviderGarbled."""
        if not (self.status or self._over):
            await self._wait(seconds)
        if not self.status:
            raise self._error()

    async def read_chunk(self) -> bytes:
        """Read what has arrived, at once; empty at the end of the body.

        Raises ProviderInterrupted and ProviderTimedOut, after all that came has been read, and
        ProviderGarbled for more than `max_bytes`.
        """
        if not (self._chunks or self._over):
            await self._wait(self._idle_seconds)
        if not self._chunks:
            if self._fault is not None:
                raise self._error()
            return b""
        chunk = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        if self._unread > HIGH_WATER and not self._over:
            self._line.resume()
        self._unread = 0
        self._left -= len(chunk)
        if self._left < 0:
            self.close()
            raise ProviderGarbled(self._provider, "the answer is too large.")
        return chunk

    async def read_body(self) -> bytes:
        chunks = []
        while chunk := await self.read_chunk():
            chunks.append(chunk)
        return b"".join(chunks)

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
        return self._waiter is not None

    def begin(self, status: int, headers: Headers) -> None:
        self.status = status
        self.headers = headers
        self._wake()

    def take(self, chunks: list[bytes]) -> bool:
        """Keep pieces of the body; whether no more should be taken from the socket for now."""
        self._chunks += chunks
        self._unread += sum(map(len, chunks))
        self._wake()
        return self._unread > HIGH_WATER

    def finish(self) -> None:
        self._over = True
        self._wake()

    def fail(self, fault: Fault) -> None:
        self._fault = fault
        self.finish()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _wait(self, seconds: float) -> None:
        self._line.expect(seconds)
        self._waiter = running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _error(self) -> ProviderError:
        kind, said = (IN_BODY if self.status else BEFORE_HEAD)[self._fault or Fault.LOST]
        return kind(self._provider, said)
