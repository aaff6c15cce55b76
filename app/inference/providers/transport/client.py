"""The guarded way out to providers: bounded in time, size and reach."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterable, Mapping
from functools import partial
from types import TracebackType
from typing import Self, Unpack

from app.core.config import Settings
from app.core.corked import Cork
from app.core.net import AddressPolicy, parse_url
from app.inference.providers.errors import (
    ProviderGarbled,
    ProviderTimedOut,
    ProviderUnreachable,
)
from app.inference.providers.transport.connection import Connection
from app.inference.providers.transport.dialling import connect, first_of, interleaved
from app.inference.providers.transport.exchange import Exchange
from app.inference.providers.transport.pool import Pool
from app.inference.providers.transport.proxy import ProxyRefused, read_proxy
from app.inference.providers.transport.request import (
    IDEMPOTENT,
    Body,
    Options,
    Request,
    Target,
    head_of,
    read_target,
)
from app.inference.providers.transport.resolving import Resolver
from app.inference.providers.transport.tls import ResumingContext, system_context

MAX_BODY_BYTES = 64 * 1024 * 1024
MOST_TARGETS = 4096


class Transport:
    """One a process: `async with Transport(settings) as transport`.

    `tls` is the trust that servers are held to; without it, the system's.
    """

    def __init__(self, settings: Settings, tls: ResumingContext | None = None) -> None:
        self._connect_seconds = settings.provider_connect_seconds
        self._first_byte_seconds = settings.provider_first_token_seconds
        self._idle_seconds = settings.provider_idle_seconds
        self._policies = {
            own: AddressPolicy(settings.outbound_allow, allow_private=own) for own in (False, True)
        }
        self._tls = tls
        self._proxy = read_proxy(settings.provider_proxy)
        self._resolver = Resolver()
        self._pool = Pool()
        self._cork = Cork()
        self._targets: dict[tuple[str, bool], Target] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        self._pool.close()
        # Their sockets are closed in the loop's next turn.
        await asyncio.sleep(0)

    def check_url(self, url: str, *, allow_private: bool = False) -> None:
        """Raise AddressRefused for what is refused without a look-up."""
        self._policies[allow_private].check_url(parse_url(url))

    async def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: Body = None,
        **options: Unpack[Options],
    ) -> Exchange:
        """Send a request (any method but HEAD) and wait for the head of its answer.

        Whatever its status: redirects are not followed. Times are the settings' where none are
        given. Raises AddressRefused, ProviderRejected, ProviderUnreachable, ProviderTimedOut or
        ProviderGarbled.

        A kept connection may be closed by the peer just as a request leaves on it. Where not one
        byte of an answer came, the request is sent once more on a new connection if it is
        `repeatable`: by default if its method is idempotent, for nobody can tell whether a POST
        was begun. A body that is iterated is never sent twice.
        """
        return await self.send(self.prepare(method, url, headers=headers, **options), body)

    def prepare(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        provider: str = "The provider",
        allow_private: bool = False,
        first_byte_seconds: float | None = None,
        connect_seconds: float | None = None,
        idle_seconds: float | None = None,
        max_bytes: int = MAX_BODY_BYTES,
        repeatable: bool | None = None,
    ) -> Request:
        """A request without its body, as `open` takes it; `send` sends it any number of times.

        Raises AddressRefused, ProviderRejected and ProviderUnreachable for what can never be sent.
        """
        target = self._target(url, allow_private, provider)
        return Request(
            target,
            method,
            head_of(method, target, headers, provider),
            provider,
            first_byte_seconds or self._first_byte_seconds,
            connect_seconds or self._connect_seconds,
            idle_seconds or self._idle_seconds,
            max_bytes,
            method in IDEMPOTENT if repeatable is None else repeatable,
        )

    async def send(self, request: Request, body: Body = None) -> Exchange:
        """Send what was prepared and wait for the head of its answer; see `open`."""
        connection = self._pool.take(request.target.origin)
        if connection is not None:
            try:
                return await self._ask(connection, request, body)
            except ProviderUnreachable:
                is_whole = body is None or isinstance(body, bytes)
                if connection.answered or not (request.repeatable and is_whole):
                    raise
        return await self._ask(await self._connect(request), request, body)

    def _target(self, url: str, allow_private: bool, provider: str) -> Target:
        """What a URL says, checked; both depend on nothing else, so each is read once."""
        key = (url, allow_private)
        target = self._targets.get(key)
        if target is None:
            parsed = parse_url(url)
            self._policies[allow_private].check_url(parsed)
            target = read_target(parsed, provider, allow_private=allow_private)
            if len(self._targets) >= MOST_TARGETS:
                self._targets.clear()
            self._targets[key] = target
        return target

    async def _ask(self, connection: Connection, request: Request, body: Body) -> Exchange:
        exchange = Exchange(connection, request.provider, request.idle_seconds, request.max_bytes)
        try:
            if isinstance(body, bytes):
                connection.ask(exchange, request.head_for(len(body)), body)
            elif body is None:
                connection.ask(exchange, request.head_for(0))
            else:
                connection.begin_upload(exchange, request.head_for(None))
                await self._upload(connection, exchange, body, request)
            if not (exchange.status or exchange.over):
                await exchange.arrival(request.first_byte_seconds)
            exchange.expect_head()
            if exchange.headers.find(b"content-encoding") is not None:
                expect_plain(exchange, request.provider)
        except BaseException:
            exchange.close()
            raise
        return exchange

    async def _upload(
        self,
        connection: Connection,
        exchange: Exchange,
        body: AsyncIterable[bytes],
        request: Request,
    ) -> None:
        """Send a body as fast as it is taken, until the answer is a refusal."""
        async for piece in body:
            if exchange.over or exchange.status >= 300:
                return
            try:
                async with asyncio.timeout(request.idle_seconds):
                    await connection.upload(piece)
            except TimeoutError:
                raise ProviderTimedOut(request.provider, "stopped taking the request.") from None
        connection.end_upload()

    async def _connect(self, request: Request) -> Connection:
        seconds = request.connect_seconds
        try:
            async with asyncio.timeout(seconds):
                connection = await self._dial(request.target)
        except TimeoutError:
            said = f"no connection within {seconds:g} seconds."
            raise ProviderTimedOut(request.provider, said) from None
        except (OSError, UnicodeError) as error:
            raise ProviderUnreachable(request.provider, reason(error)) from None
        self._pool.admit(connection, request.target.origin)
        return connection

    async def _dial(self, target: Target) -> Connection:
        tls = (self._tls or system_context()) if target.is_secure else None
        policy = self._policies[target.allow_private]
        if self._proxy is not None and not (target.allow_private or policy.names(target.host)):
            return await self._proxy.tunnel(self._new, target.host, target.port, tls)
        addresses = await self._resolver.resolve(target.host, policy)
        name = target.host.rstrip(".")
        return await first_of(
            [
                partial(connect, self._new, address, target.port, tls, name)
                for address in interleaved(addresses)
            ]
        )

    def _new(self) -> Connection:
        return Connection(self._take_back, self._pool.forget, self._cork)

    def _take_back(self, connection: Connection) -> None:
        connection.remember_session()
        self._pool.give_back(connection)


def expect_plain(exchange: Exchange, provider: str) -> None:
    """Refuse an answer that is compressed although nobody asked for that."""
    coding = exchange.headers.find(b"content-encoding") or b""
    if coding.strip().lower() not in {b"", b"identity"} and 200 <= exchange.status < 300:
        raise ProviderGarbled(provider, "the answer is compressed, which was not asked for.")


def reason(error: Exception) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return "its name cannot be resolved."
    if isinstance(error, ssl.SSLError):
        return "no secure connection can be made to it."
    if isinstance(error, ProxyRefused):
        return "the outbound proxy does not let it through."
    return "the connection was refused."
