"""Messages answers, whole and streamed, as canonical events."""

from typing import Any

import orjson

from app.inference.providers.anthropic_messages.citations import read_citations
from app.inference.providers.anthropic_messages.encode_blocks import DIALECT
from app.inference.providers.codec import BadAnswer, InBandError, tokens
from app.inference.providers.collect import Collector
from app.inference.providers.tiers import told_tier
from app.inference.providers.types import (
    ChatResult,
    Finished,
    FinishReason,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)

REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}
Events = tuple[StreamEvent, ...]


class EventDecoder:
    """Reads the events from `message_start` to `message_stop`."""

    __slots__ = (
        "_calls", "_id", "_model", "_reason", "_silent_calls", "_stop", "_usage", "done",
    )  # fmt: skip

    def __init__(self) -> None:
        self.done = False
        self._id = ""
        self._model = ""
        self._reason: FinishReason | None = None
        self._stop: str | None = None
        self._usage: dict[str, Any] = {}
        # The block of each tool call, to the call's own index; and those without arguments yet.
        self._calls: dict[int, int] = {}
        self._silent_calls: set[int] = set()

    def feed(self, data: bytes) -> Events:
        event = orjson.loads(data)
        match event["type"]:
            case "content_block_delta":
                delta = event["delta"]
                if delta["type"] == "text_delta":
                    return (TextDelta(require_text(delta["text"])),)
                return self._read_delta(event["index"], delta)
            case "content_block_start":
                return self._start_block(event["index"], event["content_block"])
            case "content_block_stop":
                return self._stop_block(event["index"])
            case "error":
                raise InBandError(event)
        return self._read_frame(event)

    def _read_frame(self, event: dict[str, Any]) -> Events:
        match event["type"]:
            case "message_start":
                message = event["message"]
                self._id, self._model = message["id"], message["model"]
                return self._report(message.get("usage"))
            case "message_delta":
                self._reason = read_reason(event["delta"].get("stop_reason")) or self._reason
                self._stop = event["delta"].get("stop_sequence") or self._stop
                return self._report(event.get("usage"))
            case "message_stop":
                return self._finish()
        return ()

    def read_whole(self, index: int, block: dict[str, Any]) -> Events:
        """Read a block of an answer that came whole: signature and citations stand inside it."""
        events = (*self._start_block(index, block), *self._stop_block(index))
        if block["type"] == "thinking" and block.get("signature"):
            return (*events, ReasoningDelta("", block["signature"]))
        cited = block.get("citations") if block["type"] == "text" else None
        return (*events, *read_citations(cited or []))

    def end(self) -> Events:
        raise BadAnswer("the stream ended before its answer was finished.")

    def _finish(self) -> Events:
        if self._reason is None:
            raise BadAnswer("the answer has no stop reason.")
        self.done = True
        return (Finished(self._reason, self._model, self._id, self._stop),)

    def _report(self, usage: dict[str, Any] | None) -> Events:
        if not usage:
            return ()
        self._usage.update((name, n) for name, n in usage.items() if n is not None)
        return (UsageReport(read_usage(self._usage)),)

    def _read_delta(self, block: int, delta: dict[str, Any]) -> Events:
        match delta["type"]:
            case "thinking_delta":
                return (ReasoningDelta(require_text(delta["thinking"])),)
            case "signature_delta":
                signature = require_text(delta["signature"])
                return (ReasoningDelta("", signature),) if signature else ()
            case "input_json_delta":
                return self._read_arguments(block, delta["partial_json"])
            case "citations_delta":
                return read_citations([delta["citation"]])
        return ()

    def _read_arguments(self, block: int, text: Any) -> Events:
        call = self._calls.get(block)
        # Blocks of tools that run at the provider are none of ours.
        if call is None or not text:
            return ()
        self._silent_calls.discard(block)
        return (ToolCallDelta(call, require_text(text)),)

    def _start_block(self, index: int, block: dict[str, Any]) -> Events:
        match block["type"]:
            case "text":
                return (TextDelta(require_text(block["text"])),) if block.get("text") else ()
            case "thinking":
                return (ReasoningDelta(block["thinking"]),) if block.get("thinking") else ()
            case "redacted_thinking":
                return (ReasoningDelta("", redacted=require_text(block["data"])),)
            case "tool_use":
                call = self._calls[index] = len(self._calls)
                start = ToolCallStart(call, require_text(block["id"]), require_text(block["name"]))
                if block.get("input"):
                    return (start, ToolCallDelta(call, orjson.dumps(block["input"]).decode()))
                self._silent_calls.add(index)
                return (start,)
        return ()

    def _stop_block(self, index: int) -> Events:
        if index not in self._silent_calls:
            return ()
        self._silent_calls.discard(index)
        return (ToolCallDelta(self._calls[index], "{}"),)


def decode_message(body: bytes) -> ChatResult:
    message = orjson.loads(body)
    if message.get("type") == "error":
        raise InBandError(message)
    reason = read_reason(message["stop_reason"])
    if reason is None:
        raise BadAnswer("the answer has no stop reason.")
    collected = Collector(DIALECT)
    decoder = EventDecoder()
    for index, block in enumerate(message["content"]):
        for event in decoder.read_whole(index, block):
            collected.add(event)
    collected.add(UsageReport(read_usage(message.get("usage") or {})))
    stop = message.get("stop_sequence") or None
    collected.add(Finished(reason, message["model"], message["id"], stop))
    return collected.result()


def read_reason(reason: str | None) -> FinishReason | None:
    return None if reason is None else REASONS.get(reason, "stop")


def require_text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadAnswer("a text of the answer is not a string.")
    return value


def read_usage(usage: dict[str, Any]) -> Usage:
    """Count cached input inside the input; the dialect counts it apart.

    The tier with a price of its own is the `speed`; its `service_tier` has none.
    """
    cached = tokens(usage.get("cache_read_input_tokens"))
    written = tokens(usage.get("cache_creation_input_tokens"))
    details = usage.get("output_tokens_details") or {}
    kept = usage.get("cache_creation") or {}
    return Usage(
        input_tokens=tokens(usage.get("input_tokens")) + cached + written,
        output_tokens=tokens(usage.get("output_tokens")),
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=tokens(details.get("thinking_tokens")),
        hour_write_tokens=min(written, tokens(kept.get("ephemeral_1h_input_tokens"))),
        service_tier=told_tier(usage.get("speed")),
    )
