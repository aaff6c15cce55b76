"""The guarded way out to providers: one connection pool, bounded in time, size and reach."""

import asyncio
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from app.core.config import Settings
from app.core.net import AddressPolicy, parse_url
from app.inference.providers.errors import (
    ProviderGarbled,
    ProviderInterrupted,
    ProviderTimedOut,
    ProviderUnreachable,
)

MAX_BODY_BYTES = 64 * 1024 * 1024
# How long a finished answer's last bytes are awaited, so that its connection can be used again.
DRAIN_SECONDS = 0.1


class CheckedResolver(AbstractResolver):
    """Resolves a name and refuses it by the policy; aiohttp connects to exactly this answer."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._inner = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        self._policy.check(host, [each["host"] for each in found])
        return found

    async def close(self) -> None:
        await self._inner.close()


class Exchange:
    """An answer under way. Read it to its end, or `close()` it, which aborts the socket."""

    def __init__(
        self, response: aiohttp.ClientResponse, provider: str, idle_seconds: float, max_bytes: int
    ) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._provider = provider
        self._idle_seconds = idle_seconds
        self._left = max_bytes
        self._read_any = False

    async def read_chunk(self) -> bytes:
        """Read what has arrived, at once; empty at the end of the body."""
        try:
            chunk = await self._response.content.readany()
        except aiohttp.ServerTimeoutError:
            self.close()
            raise ProviderTimedOut(self._provider, "stopped sending.") from None
        except (aiohttp.ClientError, OSError):
            self.close()
            raise ProviderInterrupted(self._provider) from None
        if not self._read_any:
            self._read_any = True
            self._wait_as_for_the_next_chunk()
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
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                if await self._response.content.readany():
                    self.close()
        except (TimeoutError, aiohttp.ClientError, OSError):
            self.close()

    def close(self) -> None:
        connection = self._response.connection
        if connection is not None and connection.transport is not None:
            # A plain close would wait for the peer's half of the TLS goodbye.
            connection.transport.abort()
        self._response.close()

    def _wait_as_for_the_next_chunk(self) -> None:
        connection = self._response.connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.read_timeout = self._idle_seconds
            connection.protocol.start_timeout()


class Transport:
    """One a process: `async with Transport(settings) as transport`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._policies = {
            own: AddressPolicy(settings.outbound_allow, allow_private=own) for own in (False, True)
        }
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

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
        sessions = list(self._sessions.values())
        self._sessions.clear()
        for session in sessions:
            await session.close()

    def check_url(self, url: str, *, allow_private: bool = False) -> None:
        """Raise AddressRefused for what is refused without a look-up."""
        self._policies[allow_private].check_url(parse_url(url))

    async def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        provider: str = "The provider",
        allow_private: bool = False,
        first_byte_seconds: float | None = None,
        max_bytes: int = MAX_BODY_BYTES,
    ) -> Exchange:
        """Send a request and wait for the head of its answer, whatever its status.

        Raises AddressRefused, ProviderUnreachable, ProviderTimedOut or ProviderGarbled. Redirects
        are not followed, and nothing is decompressed that was not asked for.
        """
        target = parse_url(url)
        self._policies[allow_private].check_url(target)
        settings = self._settings
        timeout = aiohttp.ClientTimeout(
            connect=settings.provider_connect_seconds,
            sock_read=first_byte_seconds or settings.provider_first_token_seconds,
        )
        try:
            response = await self._session(allow_private).request(
                method,
                target,
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            )
        except aiohttp.ConnectionTimeoutError:
            said = f"no connection within {settings.provider_connect_seconds:g} seconds."
            raise ProviderTimedOut(provider, said) from None
        except aiohttp.ServerTimeoutError:
            raise ProviderTimedOut(provider, "no answer in time.") from None
        except (aiohttp.ClientConnectionError, OSError) as error:
            raise ProviderUnreachable(provider, reason(error)) from None
        except aiohttp.InvalidURL:
            raise ProviderUnreachable(provider, "the base URL is not valid.") from None
        except (aiohttp.ClientError, ValueError):
            raise ProviderGarbled(provider, "the answer is not valid HTTP.") from None
        return Exchange(response, provider, settings.provider_idle_seconds, max_bytes)

    def _session(self, allow_private: bool) -> aiohttp.ClientSession:
        # Two pools, so that a caller without the permission never finds a connection of one with.
        session = self._sessions.get(allow_private)
        if session is None:
            connector = aiohttp.TCPConnector(
                limit=0, resolver=CheckedResolver(self._policies[allow_private])
            )
            session = self._sessions[allow_private] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept-Encoding": "identity", "User-Agent": "luminous"},
                trust_env=False,
            )
        return session


def reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name cannot be resolved."
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return "no secure connection can be made to it."
    if isinstance(error, aiohttp.ClientConnectorError):
        return "the connection was refused."
    return "it closed the connection before it answered."
