"""The batch APIs that providers have: OpenAI's files and batches, Anthropic's message batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

import orjson

from app.inference.batches.answering import DIALECTS, EMBEDDINGS
from app.inference.dialects.openai_chat.addresses import beside_chat
from app.inference.integrations.directory import Endpoint
from app.inference.providers.errors import ProviderGarbled
from app.inference.providers.opening import read_refusal
from app.inference.providers.registry import KINDS
from app.inference.providers.transport import Transport

MESSAGES: Final = "/v1/messages"
BOUNDARY: Final = b"luminous-batch-7d1f0a"
MOST_BYTES: Final = 256 * 1024 * 1024
FAILED: Final = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """One line as the provider takes it; `id` is ours, and comes back with its answer."""

    id: str
    url: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    id: str
    code: int
    body: Any


class Upstream(Protocol):
    """One provider's batch API; every method raises ProviderError."""

    async def submit(self, part_id: UUID, lines: Sequence[Asked]) -> str:
        """Hand the lines over; returns the provider's name of the batch."""
        ...

    async def find(self, part_id: UUID) -> str | None:
        """The batch that a process has made which died before it could write its name down."""
        ...

    async def answers(self, upstream_id: str) -> Sequence[Answered] | None:
        """What came of the lines; None as long as the batch is under way."""
        ...

    async def cancel(self, upstream_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Server:
    """One integration's server."""

    transport: Transport
    endpoint: Endpoint

    async def fetch(
        self, method: str, url: str, body: bytes | None = None, kind: str = "application/json"
    ) -> bytes:
        endpoint = self.endpoint
        described = KINDS[endpoint.kind]
        headers = dict(described.codec(endpoint.base_url).headers(endpoint.api_key))
        if body is not None:
            headers["Content-Type"] = kind
        exchange = await self.transport.open(
            method,
            url,
            headers=headers,
            body=body,
            provider=described.label,
            allow_private=endpoint.allow_private,
            max_bytes=MOST_BYTES,
        )
        try:
            if not 200 <= exchange.status < 300:
                error, _ = await read_refusal(exchange, described.label, endpoint.api_key)
                raise error
            return await exchange.read_body()
        finally:
            exchange.close()

    async def document(self, method: str, url: str, body: bytes | None = None) -> dict[str, Any]:
        return self.read(await self.fetch(method, url, body))

    def read(self, answer: bytes) -> dict[str, Any]:
        try:
            found = orjson.loads(answer)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise self.garbled("the answer is no JSON object.")
        return found

    def lines(self, answer: bytes) -> list[dict[str, Any]]:
        return [self.read(line) for line in answer.splitlines() if line.strip()]

    def garbled(self, said: str) -> ProviderGarbled:
        return ProviderGarbled(KINDS[self.endpoint.kind].label, said)

    def name_in(self, document: dict[str, Any]) -> str:
        name = document.get("id")
        if not isinstance(name, str) or not 0 < len(name) <= 200 or "/" in name:
            raise self.garbled("the answer names nothing that could be asked for again.")
        return name


@dataclass(frozen=True, slots=True)
class OpenAIBatches:
    """Files and batches beside the chat completions."""

    server: Server

    async def submit(self, part_id: UUID, lines: Sequence[Asked]) -> str:
        content = b"\n".join([_line(line) for line in lines])
        form, kind = form_of(content, "batch")
        uploaded = self.server.read(await self.server.fetch("POST", self._at("/files"), form, kind))
        made = {
            "input_file_id": self.server.name_in(uploaded),
            "endpoint": lines[0].url,
            "completion_window": "24h",
            "metadata": {"luminous_part": part_id.hex},
        }
        batch = await self.server.document("POST", self._at("/batches"), orjson.dumps(made))
        return self.server.name_in(batch)

    async def find(self, part_id: UUID) -> str | None:
        listed = await self.server.document("GET", self._at("/batches"))
        for batch in listed.get("data") or ():
            if (batch.get("metadata") or {}).get("luminous_part") == part_id.hex:
                return self.server.name_in(batch)
        return None

    async def answers(self, upstream_id: str) -> Sequence[Answered] | None:
        batch = await self.server.document("GET", self._at(f"/batches/{upstream_id}"))
        if batch.get("status") not in ("completed", "failed", "expired", "cancelled"):
            return None
        found: list[Answered] = []
        for name in ("output_file_id", "error_file_id"):
            if file_id := batch.get(name):
                content = await self.server.fetch("GET", self._at(f"/files/{file_id}/content"))
                found += [_openai_answer(line) for line in self.server.lines(content)]
        return found

    async def cancel(self, upstream_id: str) -> None:
        await self.server.fetch("POST", self._at(f"/batches/{upstream_id}/cancel"), b"{}")

    def _at(self, path: str) -> str:
        return beside_chat(self.server.endpoint, path)


def _line(line: Asked) -> bytes:
    head = {"custom_id": line.id, "method": "POST", "url": line.url}
    return orjson.dumps({**head, "body": orjson.Fragment(line.body)})


def form_of(content: bytes, purpose: str) -> tuple[bytes, str]:
    """A multipart form with a file of JSON Lines, and its content type."""
    purposed = b'--%b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n%b\r\n'
    named = b'--%b\r\nContent-Disposition: form-data; name="file"; filename="lines.jsonl"\r\n'
    head = purposed % (BOUNDARY, purpose.encode()) + named % BOUNDARY
    head += b"Content-Type: application/jsonl\r\n\r\n"
    form = b"%b%b\r\n--%b--\r\n" % (head, content, BOUNDARY)
    return form, f"multipart/form-data; boundary={BOUNDARY.decode()}"


def _openai_answer(line: dict[str, Any]) -> Answered:
    response = line.get("response") or {}
    code, body = response.get("status_code"), response.get("body")
    if not isinstance(code, int) or line.get("error"):
        return Answered(str(line.get("custom_id")), FAILED, {"error": line.get("error")})
    return Answered(str(line.get("custom_id")), code, body)


@dataclass(frozen=True, slots=True)
class AnthropicBatches:
    """Message batches."""

    server: Server

    async def submit(self, part_id: UUID, lines: Sequence[Asked]) -> str:  # noqa: ARG002 - no labels there
        requests = [{"custom_id": line.id, "params": orjson.Fragment(line.body)} for line in lines]
        body = orjson.dumps({"requests": requests})
        return self.server.name_in(await self.server.document("POST", self._at(), body))

    async def find(self, part_id: UUID) -> str | None:  # noqa: ARG002 - no labels there
        return None

    async def answers(self, upstream_id: str) -> Sequence[Answered] | None:
        batch = await self.server.document("GET", self._at(f"/{upstream_id}"))
        if batch.get("processing_status") != "ended":
            return None
        content = await self.server.fetch("GET", self._at(f"/{upstream_id}/results"))
        return [_anthropic_answer(line) for line in self.server.lines(content)]

    async def cancel(self, upstream_id: str) -> None:
        await self.server.fetch("POST", self._at(f"/{upstream_id}/cancel"), b"{}")

    def _at(self, path: str = "") -> str:
        dialect = DIALECTS[MESSAGES]
        return dialect.upstream_url(self.server.endpoint, "", streaming=False) + "/batches" + path


def _anthropic_answer(line: dict[str, Any]) -> Answered:
    result = line.get("result") or {}
    identity = str(line.get("custom_id"))
    if result.get("type") == "succeeded":
        return Answered(identity, 200, result.get("message"))
    error = result.get("error") or {"type": "error", "error": {"type": result.get("type")}}
    return Answered(identity, FAILED, error)


def upstream_of(transport: Transport, endpoint: Endpoint, url: str) -> Upstream | None:
    """The batch API that takes lines of this operation at this endpoint, if there is one."""
    server = Server(transport, endpoint)
    if endpoint.kind == "anthropic" and url == MESSAGES:
        return AnthropicBatches(server)
    if endpoint.kind != "openai":
        return None
    takes = url == EMBEDDINGS or DIALECTS[url].passes_bytes_to(endpoint)
    return OpenAIBatches(server) if takes else None
