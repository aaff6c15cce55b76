"""Canonical events as a stream of GenerateContentResponse objects."""

from collections.abc import Iterator
from typing import Any

import orjson

from app.core.ids import new_id
from app.inference.dialects.framing import payloads
from app.inference.dialects.gemini.render import (
    REASONS,
    Row,
    call_row,
    candidate_row,
    read_arguments,
    redacted_row,
    thought_row,
    usage_row,
)
from app.inference.dialects.gemini.sources import Sources, logprobs_row
from app.inference.providers.errors import ProviderGarbled
from app.inference.providers.types import (
    CitationDelta,
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)


class ChunkRenderer:
    """Renders the events of one stream; keeps what the ledger wants to know.

    A call leaves when it is complete: the dialect has no pieces of arguments.
    """

    def __init__(self, model: str, *, relayed: bytes = b"") -> None:
        self.usage: Usage | None = None
        self.written = 0
        self.finished = False
        self._model = model
        self._identity: Row = {"modelVersion": model, "responseId": new_id().hex}
        self._sources = Sources()
        self._calls: dict[int, tuple[ToolCallStart, list[str]]] = {}
        for chunk in map(orjson.loads, payloads(relayed)):
            self._identity |= {name: chunk[name] for name in self._identity if name in chunk}
            self._sources.add(text_of(chunk))

    def render(self, event: StreamEvent) -> bytes:  # noqa: PLR0911 - a return a kind of event
        """Raises ProviderGarbled for a call whose arguments are no object."""
        match event:
            case TextDelta():
                self.written += len(event.text)
                self._sources.add(event.text)
                return self._chunk([{"text": event.text}], logprobs_row(event.logprobs))
            case ReasoningDelta():
                return self._reasoning(event)
            case CitationDelta():
                self._sources.cite(event.citation)
                return b""
            case ToolCallStart():
                self._calls[event.index] = (event, [])
                return b""
            case ToolCallDelta():
                self.written += len(event.arguments)
                self._calls[event.index][1].append(event.arguments)
                return b""
            case UsageReport():
                self.usage = event.usage
                return b""
            case Finished():
                return self._closing(event)

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        self.written += len(event.text)
        if event.redacted is not None:
            return self._chunk([redacted_row(event.redacted, self._model)], {})
        if not event.text and event.signature is None:
            return b""
        return self._chunk([thought_row(event.text, event.signature, self._model)], {})

    def _closing(self, end: Finished) -> bytes:
        self.finished = True
        parts = list(self._call_rows(cut=end.reason == "length"))
        told = {"finishReason": REASONS[end.reason]} | self._sources.metadata()
        usage = {"usageMetadata": usage_row(self.usage or Usage())}
        return self._chunk(parts, told, usage)

    def _call_rows(self, *, cut: bool) -> Iterator[Row]:
        for start, pieces in self._calls.values():
            arguments = read_arguments("".join(pieces))
            if arguments is not None:
                yield call_row(start.id, start.name, arguments, start.signature, self._model)
            elif not cut:
                # A call that the limit on tokens has cut was never made; any other is garbage.
                said = "the arguments of a tool call are not a JSON object."
                raise ProviderGarbled(self._model, said)

    def _chunk(self, parts: list[Row], told: Row, more: Row | None = None) -> bytes:
        chunk = {"candidates": [candidate_row(parts) | told]} | (more or {}) | self._identity
        return b"data: " + orjson.dumps(chunk) + b"\r\n\r\n"


def text_of(chunk: dict[str, Any]) -> str:
    """The words of the answer in a chunk that has left, thoughts left out."""
    candidates = chunk.get("candidates") or [{}]
    parts = (candidates[0].get("content") or {}).get("parts") or ()
    return "".join(part.get("text") or "" for part in parts if not part.get("thought"))
