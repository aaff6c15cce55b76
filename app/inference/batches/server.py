"""The server of one integration, asked for what is no call of a model: files, batches, jobs."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from app.inference.integrations.directory import Endpoint
from app.inference.providers.errors import ProviderGarbled
from app.inference.providers.opening import expect_success
from app.inference.providers.registry import KINDS
from app.inference.providers.transport import MAX_BODY_BYTES, Exchange, Transport

BOUNDARY: Final = b"luminous-batch-7d1f0a"
# Bytes of an answer that is one document, and of one in lines, of which no more than a line and a
# read are held: a line may be as long as any other answer.
MOST_DOCUMENT: Final = 16 * 1024 * 1024
MOST_IN_LINES: Final = 2 * 1024 * 1024 * 1024
MOST_LINE: Final = MAX_BODY_BYTES
MOST_PAGES: Final = 100
# Between ours and a provider's.
CLOCKS_APART: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Server:
    """One integration's server; `headers` are told to it beside our own."""

    transport: Transport
    endpoint: Endpoint
    headers: Mapping[str, str] = field(default_factory=dict)

    async def fetch(
        self, method: str, url: str, body: bytes | None = None, kind: str = "application/json"
    ) -> bytes:
        async with self._answer(method, url, body, kind, most=MOST_DOCUMENT) as exchange:
            return await exchange.read_body()

    async def lines(self, url: str) -> AsyncGenerator[list[dict[str, Any]], None]:
        """The objects of a document of JSON Lines, as many at a time as have come by one read.

        Raises ProviderError, after what came before has been given.
        """
        begun = bytearray()
        async with self._answer("GET", url, most=MOST_IN_LINES) as exchange:
            while chunk := await exchange.read_chunk():
                end, *others = chunk.split(b"\n")
                begun += end
                if len(begun) > MOST_LINE:
                    raise self.garbled("a line of the answer is too long.")
                if others:
                    lines = [bytes(begun), *others[:-1]]
                    begun = bytearray(others[-1])
                    yield [self.read(line) for line in lines if line.strip()]
        if begun.strip():
            yield [self.read(bytes(begun))]

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        kind: str = "application/json",
        *,
        most: int,
    ) -> AsyncIterator[Exchange]:
        """An answer that succeeded, to be read; raises ProviderError."""
        endpoint = self.endpoint
        described = KINDS[endpoint.kind]
        headers = {
            **described.codec(endpoint.base_url).headers(endpoint.api_key),
            **self.headers,
        }
        if body is not None:
            headers["Content-Type"] = kind
        exchange = await self.transport.open(
            method,
            url,
            headers=headers,
            body=body,
            provider=described.label,
            allow_private=endpoint.allow_private,
            max_bytes=most,
        )
        try:
            await expect_success(exchange, described.label, endpoint.api_key)
            yield exchange
        finally:
            exchange.close()

    async def document(self, method: str, url: str, body: bytes | None = None) -> dict[str, Any]:
        return self.read(await self.fetch(method, url, body))

    async def listed(self, url: str, cursor: str) -> AsyncIterator[dict[str, Any]]:
        """What stands in a list, newest first; `cursor` is the parameter that names the last one.

        Raises ProviderGarbled where the list has no end.
        """
        after: str | None = None
        for _ in range(MOST_PAGES):
            query = {"limit": "100"} | ({cursor: after} if after else {})
            page = await self.document("GET", with_query(url, query))
            found = [one for one in page.get("data") or () if isinstance(one, dict)]
            for one in found:
                yield one
            if not found or not page.get("has_more"):
                return
            after = self.name_in(found[-1])
        raise self.garbled("the list of its jobs does not end.")

    def read(self, answer: bytes) -> dict[str, Any]:
        try:
            found = orjson.loads(answer)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self.garbled("the answer is no JSON object.")
        return found

    def garbled(self, said: str) -> ProviderGarbled:
        return ProviderGarbled(KINDS[self.endpoint.kind].label, said)

    def name_in(self, document: dict[str, Any]) -> str:
        name = document.get("id")
        if not isinstance(name, str) or not 0 < len(name) <= 200 or "/" in name:
            raise self.garbled("the answer names nothing that could be asked for again.")
        return name


def label_in(document: dict[str, Any], name: str) -> Any:
    """One of the labels that a job was given (OpenAI's `metadata`)."""
    labels = document.get("metadata")
    return labels.get(name) if isinstance(labels, dict) else None


def made_before(document: dict[str, Any], since: datetime) -> bool:
    """Whether OpenAI says that a job is older."""
    made_at = document.get("created_at")
    return isinstance(made_at, int | float) and made_at < since.timestamp()


def with_query(url: str, query: Mapping[str, str]) -> str:
    """The address with these parameters behind those that it has."""
    return url + ("&" if "?" in url else "?") + urlencode(query)


def form_of(content: bytes, purpose: str) -> tuple[bytes, str]:
    """A multipart form with a file of JSON Lines, and its content type."""
    purposed = b'--%b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n%b\r\n'
    named = b'--%b\r\nContent-Disposition: form-data; name="file"; filename="lines.jsonl"\r\n'
    head = purposed % (BOUNDARY, purpose.encode()) + named % BOUNDARY
    head += b"Content-Type: application/jsonl\r\n\r\n"
    form = b"%b%b\r\n--%b--\r\n" % (head, content, BOUNDARY)
    return form, f"multipart/form-data; boundary={BOUNDARY.decode()}"
