"""Serving: the port taken before anything slow, uvicorn run inside our process, the banner."""

import asyncio
import errno
import logging
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from app.cli.errors import CannotServe
from app.cli.patience import patient_protocol
from app.core.config import InvalidSettings, Settings

GRACE_SECONDS = 3  # what open streams get to end after Ctrl-C; they can be resumed
BACKLOG = 2048
# How a traceback tells of a setting.
_REFUSED = f"{InvalidSettings.__module__}.{InvalidSettings.__qualname__}: "


def claim_port(host: str, port: int) -> socket.socket:
    """Open a listening socket. Whoever connects before the service is ready waits in its queue."""
    listener = None
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        if listener:
            listener.close()
        raise CannotServe(_unusable(host, port, error)) from None
    return listener


def _unusable(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken on {host}; stop what uses it, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs privileges this user lacks; choose one above 1023 with --port."
    return f"Cannot listen on {host} ({error.strerror}); choose its own address with --host."


class _Plainly(logging.Filter):
    """Leaves out tracebacks that cry wolf.

    Of requests that our own stop cut short nothing is said, of a setting that cannot be used one
    sentence.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
            return False
        said = record.getMessage().rstrip()
        _, refused, sentence = said.rpartition(_REFUSED)
        if refused:
            record.msg, record.args = sentence, ()
        return not said.endswith(asyncio.CancelledError.__qualname__)


class _Server(uvicorn.Server):
    """uvicorn, telling when it is really listening and asking whether to go on."""

    def __init__(
        self,
        config: uvicorn.Config,
        ready: Callable[[], None],
        stopping: Callable[[], None],
        ailing: Callable[[], str],
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping
        self._ailing = ailing
        self.ailment = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stopping()
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0 and not self.ailment:  # a tick is 0.1 s
            self.ailment = self._ailing()
        return await super().on_tick(counter) or bool(self.ailment)


def server_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves the application; who a client is decides `core.http.proxies` alone.

    Past `max_connections` uvicorn answers 503 in plain text, by itself.
    """
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=patient_protocol(settings.slow_head_seconds),
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive_seconds,
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def run(
    config: uvicorn.Config,
    listener: socket.socket,
    ready: Callable[[], None],
    stopping: Callable[[], None],
    ailing: Callable[[], str] = lambda: "",
) -> None:
    """Serve until a signal, or until `ailing` gives a sentence on why it cannot go on."""
    logging.getLogger("uvicorn.error").addFilter(_Plainly())
    server = _Server(config, ready, stopping, ailing)
    try:
        server.run(sockets=[listener])
    except SystemExit:  # uvicorn's way of saying that the application's start failed
        raise CannotServe("The service did not start; the log above says why.") from None
    if server.ailment:
        raise CannotServe(server.ailment)
