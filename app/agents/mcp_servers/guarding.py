"""The way out to MCP servers: checked addresses, a credential for its hosts, bounded answers.

The SDK's client sends through this transport. What goes wrong on the way becomes a JSON-RPC error
of the one request that it happened to; an exception would end the session for everyone on it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx2
import orjson
from yarl import URL

from app.core.errors import AppError
from app.core.net import AddressRefused, parse_url
from app.core.outbound import Outbound

MOST_BYTES: Final = 8 * 1024 * 1024
CONNECT_SECONDS: Final = 10.0
UNREACHABLE: Final = -32090
REFUSED: Final = -32091
LOST: Final = -32092
FORGOTTEN: Final = -32093
# An answer's head is waited for by who calls, who also gives up; this is for what is forgotten.
_TIMEOUT: Final = httpx2.Timeout(660.0, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)
# A server says itself how soon a stream that it ended is asked for again, and may say at once.
APART_SECONDS: Final = 0.2


class AnswerTooLarge(httpx2.StreamError):
    """The SDK takes a StreamError for a failure of the request, not of the session."""


class StreamTooLarge(httpx2.SSEError):
    """The same of a stream of events, which the SDK does not ask for again then."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends requests for one server; each is resolved, checked, and connected to as checked.

    `headers` (its credential) go with requests to this origin alone.
    """

    def __init__(self, outbound: Outbound, url: str, headers: Mapping[str, str]) -> None:
        self._outbound = outbound
        self._origin = parse_url(url).origin()
        self._headers = dict(headers)
        self._inner = httpx2.AsyncHTTPTransport(
            trust_env=False,
            limits=httpx2.Limits(max_connections=64, max_keepalive_connections=4),
        )
        self._next_stream = 0.0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = parse_url(str(request.url))
        if url.origin() != self._origin:
            return _failure(request, REFUSED, "the server led to another host")
        if request.method == "GET":
            await self._keep_apart()
        try:
            response = await self._send(request, url)
        except AddressRefused as error:
            return _failure(request, REFUSED, error.detail)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, AppError) as error:
            return _failure(request, UNREACHABLE, f"{url.host}: {_said(error)}")
        except (httpx2.TransportError, OSError) as error:
            return _failure(request, LOST, f"{url.host}: {type(error).__name__}")
        return await self._bounded(request, response)

    async def _keep_apart(self) -> None:
        moment = asyncio.get_running_loop().time()
        wait = max(0.0, self._next_stream - moment)
        self._next_stream = moment + wait + APART_SECONDS
        await asyncio.sleep(wait)

    async def _send(self, request: httpx2.Request, url: URL) -> httpx2.Response:
        async with asyncio.timeout(CONNECT_SECONDS) as clock:
            try:
                addresses = await self._outbound.addresses(str(url))
            except TimeoutError:
                if not clock.expired():
                    raise
                raise httpx2.ConnectTimeout("the host was not found in time") from None
        for address in addresses[:-1]:
            try:
                return await self._inner.handle_async_request(self._to(address, request, url))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(self._to(addresses[-1], request, url))

    def _to(self, address: str, request: httpx2.Request, url: URL) -> httpx2.Request:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in ("host", "accept-encoding", "authorization", "cookie")
        }
        headers |= {"Host": url.host_port_subcomponent or "", "Accept-Encoding": "identity"}
        return httpx2.Request(
            request.method,
            str(url.with_host(address).with_fragment(None)),
            headers={**headers, **self._headers},
            stream=request.stream,
            extensions={
                **request.extensions,
                "sni_hostname": url.raw_host,
                "timeout": _TIMEOUT.as_dict(),
            },
        )

    async def _bounded(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        kind = response.headers.get("content-type", "").lower()
        status = response.status_code
        if status == 404 and "mcp-session-id" in request.headers:
            await response.aclose()
            return _failure(request, FORGOTTEN, "it has forgotten the session")
        if status == 401:
            await response.aclose()
            said = "refuses our credential" if self._headers else "wants a credential"
            return _failure(request, REFUSED, f"it {said} (HTTP 401)")
        # The SDK knows what 404 means without a session, and reads errors that are JSON.
        if status >= 400 and status != 404 and not kind.startswith("application/json"):
            await response.aclose()
            return _failure(request, REFUSED, f"it answered with HTTP {status}")
        packed = response.headers.get("content-encoding", "").strip().lower()
        if packed not in ("", "identity"):
            await response.aclose()
            return _failure(request, REFUSED, "it packed its answer, though it was asked not to")
        stream = response.stream
        if isinstance(stream, httpx2.AsyncByteStream):
            events = kind.startswith("text/event-stream")
            bounded = _Bounded(stream, StreamTooLarge if events else AnswerTooLarge)
            asked = _asked(request) if kind.startswith("application/json") else None
            response.stream = bounded if asked is None else _Answer(bounded, asked)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Bounded(httpx2.AsyncByteStream):
    """Ends an answer that is too large."""

    def __init__(
        self, stream: httpx2.AsyncByteStream, too_large: type[AnswerTooLarge | StreamTooLarge]
    ) -> None:
        self._stream = stream
        self._too_large = too_large

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for piece in self._stream:
                size += len(piece)
                if size > MOST_BYTES:
                    break
                yield piece
        except (httpx2.TransportError, OSError) as error:
            raise httpx2.StreamError(f"the answer broke off ({type(error).__name__})") from error
        if size > MOST_BYTES:
            raise self._too_large(f"the answer is larger than {MOST_BYTES} bytes")

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Answer(httpx2.AsyncByteStream):
    """A JSON answer, which is to be that of the request it came to: `asked` is that one's id.

    For the answer to another one the SDK would wait in vain; of an error only we know whose it is.
    """

    def __init__(self, stream: httpx2.AsyncByteStream, asked: int | str) -> None:
        self._stream = stream
        self._asked = asked

    async def __aiter__(self) -> AsyncIterator[bytes]:
        body = b"".join([piece async for piece in self._stream])
        try:
            said = orjson.loads(body)
        except orjson.JSONDecodeError:
            said = None
        if not isinstance(said, dict):
            yield body  # the SDK refuses it
        elif "error" in said:
            yield orjson.dumps({**said, "id": self._asked})
        elif "result" in said and str(said.get("id")) == str(self._asked):
            yield body
        else:
            yield _error(self._asked, REFUSED, "it answered something else than it was asked")

    async def aclose(self) -> None:
        await self._stream.aclose()


def _asked(request: httpx2.Request) -> int | str | None:
    """The id of a JSON-RPC request; None of what is to be answered with nothing."""
    said = orjson.loads(request.content or b"{}")
    return said.get("id") if "method" in said else None


def _error(asked: int | str | None, code: int, message: str) -> bytes:
    error = {"code": code, "message": message[:500]}
    return orjson.dumps({"jsonrpc": "2.0", "id": asked, "error": error})


def _said(error: Exception) -> str:
    return error.detail if isinstance(error, AppError) else type(error).__name__


def _failure(request: httpx2.Request, code: int, message: str) -> httpx2.Response:
    """What the SDK takes for an error that the server told of."""
    return httpx2.Response(
        502,
        headers={"Content-Type": "application/json"},
        content=_error(None, code, message),
        request=request,
    )


def client_of(outbound: Outbound, url: str, headers: Mapping[str, str]) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=GuardedTransport(outbound, url, headers),
        follow_redirects=False,
        trust_env=False,
        max_redirects=3,
        timeout=_TIMEOUT,
        headers={"User-Agent": "Luminous"},
    )
