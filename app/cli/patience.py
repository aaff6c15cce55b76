"""uvicorn's HTTP protocol with bounds that it lacks: on the time and the size of a request's head.

uvicorn alone waits for ever for a first request that never comes, or that comes a byte a minute,
and keeps a head of any size in memory. The body's bounds are middleware (`core.http.bounds`).
"""

import asyncio
from asyncio.events import TimerHandle
from http import HTTPStatus
from typing import Final

import orjson
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from app.core.errors import AppError, HeadTooLarge, RequestTimedOut

MOST_HEAD_BYTES: Final = 64 * 1024  # more than core.http.bounds lets through
LINGER_SECONDS: Final = 1.0


class PatientProtocol(HttpToolsProtocol):
    """A connection whose client has `head_seconds` for the head of each request.

    The same time is left to what comes of a body after its answer was given.
    """

    head_seconds: float = 10.0

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = self._refused = False
        self._head_bytes = 0
        self._patience: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(HeadTooLarge(f"It is larger than {MOST_HEAD_BYTES} bytes."))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        if self._patience is None:
            self._be_patient()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._rest()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._rest()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.more_body and self._patience is None:
            self._be_patient()

    def _be_patient(self) -> None:
        self._patience = self.loop.call_later(self.head_seconds, self._lose_patience)

    def _rest(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        if self._in_head:
            self._refuse(RequestTimedOut("The head of the request did not come in time."))
        elif not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, error: AppError) -> None:
        """Answer by hand, as there is no request to hand on, and close the connection."""
        if self.transport.is_closing():
            return
        body = orjson.dumps(error.problem())
        status = HTTPStatus(error.status)
        self.transport.write(
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            "content-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
            + body
        )
        # Closed at once, with bytes unread, the connection would be reset under the answer.
        self._refused = True
        self._rest()
        self._patience = self.loop.call_later(LINGER_SECONDS, self.transport.close)
        if self.transport.can_write_eof():
            self.transport.write_eof()


def patient_protocol(head_seconds: float) -> type[PatientProtocol]:
    """The protocol class with its time; uvicorn makes one for each connection."""
    return type("PatientProtocol", (PatientProtocol,), {"head_seconds": head_seconds})
