"""Canonical results and events in the shape of Chat Completions."""

import time
from typing import Any

import orjson

from app.core.ids import new_id
from app.inference.providers.types import (
    ChatResult,
    CitationDelta,
    Finished,
    FinishReason,
    ReasoningDelta,
    ReasoningPart,
    StreamEvent,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolCallPart,
    ToolCallStart,
    Usage,
    UsageReport,
)

DONE = b"data: [DONE]\n\n"
REASONS: dict[FinishReason, str] = {"refusal": "content_filter"}


class ChunkRenderer:
    """Renders the events of one stream; keeps what the ledger wants to know."""

    def __init__(self, model: str, *, with_usage: bool, relayed: bytes = b"") -> None:
        self.usage: Usage | None = None
        self.written = 0
        self.finished = False
        self._with_usage = with_usage
        self._begun = bool(relayed)
        frame = orjson.dumps(identity_of(relayed) or identity("chat.completion.chunk", model))
        self._head = b"data: " + frame[:-1] + b',"choices":[{"index":0,"delta":'
        self._frame = frame
        usage = b',"usage":null' if with_usage else b""
        self._end = b"}]" + usage + b"}\n\n"
        self._tail = b',"logprobs":null,"finish_reason":null' + self._end

    def render(self, event: StreamEvent) -> bytes:  # noqa: PLR0911 - a return a kind of event
        match event:
            case TextDelta():
                self.written += len(event.text)
                return self._chunk({"content": event.text})
            case ReasoningDelta():
                self.written += len(event.text)
                return self._chunk({"reasoning_content": event.text}) if event.text else b""
            case ToolCallStart():
                return self._chunk({"tool_calls": [{"index": event.index} | call_start(event)]})
            case ToolCallDelta():
                self.written += len(event.arguments)
                piece = {"index": event.index, "function": {"arguments": event.arguments}}
                return self._chunk({"tool_calls": [piece]})
            case CitationDelta():
                return b""
            case UsageReport():
                self.usage = event.usage
                return b""
            case Finished():
                return self._closing(event)

    def _chunk(self, delta: dict[str, Any]) -> bytes:
        if self._begun:
            return self._head + orjson.dumps(delta) + self._tail
        self._begun = True
        opening = {"role": "assistant", "content": "", "refusal": None}
        return b"".join(self._head + orjson.dumps(d) + self._tail for d in (opening, delta))

    def _closing(self, event: Finished) -> bytes:
        self.finished = True
        opening = b"" if self._begun else self._chunk({})
        reason = orjson.dumps(REASONS.get(event.reason, event.reason))
        last = self._head + b'{},"logprobs":null,"finish_reason":' + reason + self._end
        if not self._with_usage:
            return opening + last + DONE
        usage = orjson.dumps(usage_row(self.usage or Usage()))
        extra = b"data: " + self._frame[:-1] + b',"choices":[],"usage":' + usage + b"}\n\n"
        return opening + last + extra + DONE


def render_result(result: ChatResult, model: str) -> bytes:
    text = [part.text for part in result.parts if isinstance(part, TextPart)]
    reasoning = [part.text for part in result.parts if isinstance(part, ReasoningPart)]
    calls = [part for part in result.parts if isinstance(part, ToolCallPart)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(text) if text or not calls else None,
        "refusal": None,
    }
    if any(reasoning):
        message["reasoning_content"] = "".join(reasoning)
    if calls:
        message["tool_calls"] = [call_row(call) for call in calls]
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": REASONS.get(result.finish_reason, result.finish_reason),
    }
    frame = identity("chat.completion", model)
    return orjson.dumps(frame | {"choices": [choice], "usage": usage_row(result.usage)})


def identity_of(relayed: bytes) -> dict[str, Any] | None:
    """The identity of a stream by its first frames; None where there is none to be read."""
    for line in relayed.splitlines():
        if line.startswith(b"data:"):
            try:
                chunk = orjson.loads(line[5:])
            except ValueError:
                return None
            fields = ("id", "object", "created", "model")
            return {field: chunk[field] for field in fields if field in chunk} or None
    return None


def identity(kind: str, model: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{new_id().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
    }


def call_start(start: ToolCallStart) -> dict[str, Any]:
    function = {"name": start.name, "arguments": ""}
    return {"id": start.id, "type": "function", "function": function} | signed(start.signature)


def call_row(call: ToolCallPart) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function} | signed(call.signature)


def signed(signature: str | None) -> dict[str, Any]:
    """A call's signature where Google's own OpenAI surface has it; it must come back with it."""
    if signature is None:
        return {}
    return {"extra_content": {"google": {"thought_signature": signature}}}


def usage_row(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
