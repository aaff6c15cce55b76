"""The batch APIs that providers have: OpenAI's files and batches, Anthropic's message batches."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

import orjson

from app.core.clock import now
from app.inference.batches.answering import DIALECTS, EMBEDDINGS
from app.inference.batches.server import CLOCKS_APART, Server, form_of, label_in, made_before
from app.inference.dialects.addresses import beside_chat
from app.inference.integrations.directory import Endpoint
from app.inference.providers.transport import Transport

MESSAGES: Final = "/v1/messages"
LABEL: Final = "luminous_part"
# How long handing lines over may take.
HANDING_OVER: Final = timedelta(minutes=30)
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


@dataclass(frozen=True, slots=True)
class Missed:
    """A part whose process died, or lost its answer, before it knew the provider's name of it.

    `line_ids` are those of its lines, `known` the provider's batches that are another part's.
    """

    part_id: UUID
    made_at: datetime
    line_ids: Collection[str]
    known: Collection[str]


# Several at a time, as they come.
Answers = AsyncGenerator[Sequence[Answered], None]


class Undecided(Exception):
    """The provider has a batch that may be the one, and tells whose it is only at its end."""


class NotTaken(Exception):
    """The provider has refused a batch after all, before it asked any model."""


class Upstream(Protocol):
    """One provider's batch API; every method raises ProviderError."""

    async def prepare(self, part_id: UUID, lines: Sequence[Asked]) -> bytes:
        """What is to be submitted; nobody is paid for it yet."""
        ...

    async def submit(self, prepared: bytes) -> str:
        """Hand the lines over; returns the provider's name of the batch."""
        ...

    async def find(self, missed: Missed) -> str | None:
        """The provider's name of the batch that this part became, if it did; raises Undecided."""
        ...

    async def answers(self, upstream_id: str) -> Answers | None:
        """What came of the lines; None as long as the batch is under way. Raises NotTaken."""
        ...

    async def cancel(self, upstream_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class OpenAIBatches:
    """Files and batches beside the chat completions."""

    server: Server

    async def prepare(self, part_id: UUID, lines: Sequence[Asked]) -> bytes:
        content = b"\n".join([_line(line) for line in lines])
        form, kind = form_of(content, "batch")
        uploaded = self.server.read(await self.server.fetch("POST", self._at("/files"), form, kind))
        asked = {
            "input_file_id": self.server.name_in(uploaded),
            "endpoint": lines[0].url,
            "completion_window": "24h",
            "metadata": {LABEL: part_id.hex},
        }
        return orjson.dumps(asked)

    async def submit(self, prepared: bytes) -> str:
        made = await self.server.document("POST", self._at("/batches"), prepared)
        return self.server.name_in(made)

    async def find(self, missed: Missed) -> str | None:
        """By the label that it was given."""
        since = missed.made_at - CLOCKS_APART
        async for batch in self.server.listed(self._at("/batches"), "after"):
            if label_in(batch, LABEL) == missed.part_id.hex:
                return self.server.name_in(batch)
            if made_before(batch, since):
                return None
        return None

    async def answers(self, upstream_id: str) -> Answers | None:
        batch = await self.server.document("GET", self._at(f"/batches/{upstream_id}"))
        files = [batch[name] for name in ("output_file_id", "error_file_id") if batch.get(name)]
        if batch.get("status") == "failed" and not files:
            # So ends what is not begun: for a line that it does not take, or too many in its queue.
            raise NotTaken
        if batch.get("status") not in ("completed", "failed", "expired", "cancelled"):
            return None
        return self._read(files)

    async def _read(self, files: Sequence[str]) -> Answers:
        for file_id in files:
            async with aclosing(self.server.lines(self._at(f"/files/{file_id}/content"))) as found:
                async for lines in found:
                    yield [_openai_answer(line) for line in lines]

    async def cancel(self, upstream_id: str) -> None:
        await self.server.fetch("POST", self._at(f"/batches/{upstream_id}/cancel"), b"{}")

    def _at(self, path: str) -> str:
        return beside_chat(self.server.endpoint, path)


def _line(line: Asked) -> bytes:
    head = {"custom_id": line.id, "method": "POST", "url": line.url}
    return orjson.dumps({**head, "body": orjson.Fragment(line.body)})


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

    async def prepare(self, part_id: UUID, lines: Sequence[Asked]) -> bytes:  # noqa: ARG002 - no labels there
        requests = [{"custom_id": line.id, "params": orjson.Fragment(line.body)} for line in lines]
        return orjson.dumps({"requests": requests})

    async def submit(self, prepared: bytes) -> str:
        return self.server.name_in(await self.server.document("POST", self._at(), prepared))

    async def find(self, missed: Missed) -> str | None:
        """Nothing is labelled there: by its time and its length, and then by its lines."""
        undecided = False
        async for batch in self.server.listed(self._at(), "after_id"):
            made_at = moment_of(batch.get("created_at"))
            if made_at < missed.made_at - CLOCKS_APART:
                break
            name = self.server.name_in(batch)
            if name in missed.known or not _may_be(batch, made_at, missed):
                continue
            answers = await self.answers(name)
            undecided = undecided or answers is None
            if answers is not None and await _first_of(answers) in missed.line_ids:
                return name
        if undecided:
            raise Undecided
        return None

    async def answers(self, upstream_id: str) -> Answers | None:
        batch = await self.server.document("GET", self._at(f"/{upstream_id}"))
        if batch.get("processing_status") != "ended":
            return None
        return self._read(upstream_id)

    async def _read(self, upstream_id: str) -> Answers:
        async with aclosing(self.server.lines(self._at(f"/{upstream_id}/results"))) as found:
            async for lines in found:
                yield [_anthropic_answer(line) for line in lines]

    async def cancel(self, upstream_id: str) -> None:
        await self.server.fetch("POST", self._at(f"/{upstream_id}/cancel"), b"{}")

    def _at(self, path: str = "") -> str:
        dialect = DIALECTS[MESSAGES]
        return dialect.upstream_url(self.server.endpoint, "", streaming=False) + "/batches" + path


async def _first_of(answers: Answers) -> str | None:
    """The id of the first of them, without reading on."""
    async with aclosing(answers) as found:
        async for some in found:
            for answer in some:
                return answer.id
    return None


def _may_be(batch: dict[str, Any], made_at: datetime, missed: Missed) -> bool:
    counts = (batch.get("request_counts") or {}).values()
    length = sum(count for count in counts if isinstance(count, int))
    return made_at <= missed.made_at + HANDING_OVER and length == len(missed.line_ids)


def moment_of(told: Any) -> datetime:
    """A time as it is told; now, where it cannot be read: so that nothing is passed over."""
    try:
        return datetime.fromisoformat(str(told)).astimezone(UTC)
    except ValueError:
        return now()


def _anthropic_answer(line: dict[str, Any]) -> Answered:
    result = line.get("result") or {}
    identity = str(line.get("custom_id"))
    if result.get("type") == "succeeded":
        return Answered(identity, 200, result.get("message"))
    error = result.get("error") or {"type": "error", "error": {"type": result.get("type")}}
    return Answered(identity, FAILED, error)


def upstream_of(
    transport: Transport, endpoint: Endpoint, url: str, headers: Mapping[str, str] | None = None
) -> Upstream | None:
    """The batch API that takes lines of this operation at this endpoint, if there is one.

    `headers` are those of a client of the provider's own dialect.
    """
    server = Server(transport, endpoint)
    if endpoint.kind == "anthropic" and url == MESSAGES:
        return AnthropicBatches(replace(server, headers=headers or {}))
    if endpoint.kind != "openai":
        return None
    takes = url == EMBEDDINGS or DIALECTS[url].passes_bytes_to(endpoint)
    return OpenAIBatches(server) if takes else None
