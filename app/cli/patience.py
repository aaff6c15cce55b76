"""uvicorn's HTTP protocol with bounds that it lacks: on the time and the size of a request's head.

uvicorn alone waits for ever for a first request that never comes, or that comes a byte a minute,
and keeps a head of any size in memory. The body's bounds are middleware (`core.http.bounds`).
"""

import asyncio
from asyncio.events import TimerHandle
from functools import lru_cache
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

import httptools
import orjson
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from app.cli.answers import Bell, LeanCycle
from app.core.corked import Cork, Corked
from app.core.errors import AppError, HeadTooLarge, RequestTimedOut
from app.core.http.bounds import WHOLE

MOST_HEAD_BYTES: Final = 64 * 1024  # more than core.http.bounds lets through
LINGER_SECONDS: Final = 1.0
# Most requests of a client are for one of few addresses.
MOST_ADDRESSES: Final = 1024
SHORT_ADDRESS: Final = 128


class PatientProtocol(HttpToolsProtocol):
    """A connection whose client has `head_seconds` for the head of each request.

    The same time is left to what comes of a body after its answer was given.
    """

    head_seconds: float = 10.0
    cork: Cork

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
        self._idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Corked(transport, self.cork))
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        if self._in_head:
            if self._patience is None:
                self._be_patient()
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self._refuse(HeadTooLarge(f"It is larger than {MOST_HEAD_BYTES} bytes."))

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._rest()
        parser = self.parser
        version = parser.get_http_version()
        read = located if len(self.url) <= SHORT_ADDRESS else read_address
        path, raw_path, query = read(self.url)
        self.scope = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "method": parser.get_method().decode("ascii"),
            "root_path": self.root_path,
            "path": self.root_path + path,
            "raw_path": self.root_path.encode("ascii") + raw_path,
            "query_string": query,
            "headers": self.headers,
            "state": self.app_state.copy(),
        }
        cycle = LeanCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.config.access_log and self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=Bell(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        before, self.cycle = self.cycle, cycle
        if before is None or before.response_complete:
            self._start_asgi_task(cycle, self._application())
        else:
            # A request that came before the answer to the one before it.
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self._application()))

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if cycle.response_complete:
            return
        if not cycle.body:
            # As a rule it is all of it.
            cycle.body = body  # type: ignore[assignment]
        else:
            if type(cycle.body) is not bytearray:
                cycle.body = bytearray(cycle.body)
            cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        self._rest()
        self.scope[WHOLE] = True  # type: ignore[typeddict-unknown-key]
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self._idle_since = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self._watch_idleness(self.timeout_keep_alive)
        if self.cycle.more_body and self._patience is None:
            self._be_patient()

    def timeout_keep_alive_handler(self) -> None:
        """Close what has been idle for its time; one timer looks after many requests."""
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._watch_idleness(left)
        else:
            super().timeout_keep_alive_handler()

    def _watch_idleness(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            seconds, self.timeout_keep_alive_handler
        )

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _application(self) -> ASGI3Application:
        """Who answers: it is uvicorn itself where too many are served."""
        most = self.limit_concurrency
        application: ASGI3Application = self.app
        if most is not None and (len(self.connections) >= most or len(self.tasks) >= most):
            self.logger.warning("Exceeded concurrency limit.")
            application = service_unavailable
        return application

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


def read_address(url: bytes) -> tuple[str, bytes, bytes]:
    """The path of a request, decoded and as it came, and its query; raises what the parser does."""
    parsed = httptools.parse_url(url)
    path = parsed.path.decode("ascii")
    return unquote(path) if "%" in path else path, parsed.path, parsed.query or b""


located = lru_cache(MOST_ADDRESSES)(read_address)


def patient_protocol(head_seconds: float) -> type[PatientProtocol]:
    """The protocol class with its time, of one server; uvicorn makes one for each connection."""
    own = {"head_seconds": head_seconds, "cork": Cork()}
    return type("PatientProtocol", (PatientProtocol,), own)
