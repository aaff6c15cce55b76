"""Canonical events in the chunks of Chat Completions."""

import time
from collections.abc import Sequence
from typing import Any

import orjson

from app.core.ids import new_id
from app.inference.dialects.openai_chat.citations import annotation_of, nested
from app.inference.dialects.openai_chat.thinking import FIELD, ThinkingBlocks
from app.inference.providers.types import (
    CitationDelta,
    Finished,
    FinishReason,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
    ToolCallPart,
    ToolCallStart,
    Usage,
    UsageReport,
)

DONE = b"data: [DONE]\n\n"


class ChunkRenderer:
    """Renders the events of one stream; keeps what the ledger wants to know."""

    def __init__(self, model: str, *, with_usage: bool, relayed: bytes = b"") -> None:
        self.usage: Usage | None = None
        self.written = 0
        self.finished = False
        self._with_usage = with_usage
        before = Relayed(relayed)
        self._begun = before.begun
        self._thinking = ThinkingBlocks(model, before.blocks)
        # Where the text stands that the next citation belongs to.
        self._length = before.length
        self._cited = before.cited
        self._cited_from = before.cited_from
        self._refused = False
        frame = orjson.dumps(before.identity or identity("chat.completion.chunk", model))
        self._head = b"data: " + frame[:-1] + b',"choices":[{"index":0,"delta":'
        self._frame = frame
        self._text_head = self._head + b'{"content":'
        usage = b',"usage":null' if with_usage else b""
        self._end = b"}]" + usage + b"}\n\n"
        self._tail = b',"logprobs":null,"finish_reason":null' + self._end
        self._text_tail = b"}" + self._tail

    def render(self, event: StreamEvent) -> bytes:  # noqa: PLR0911 - a return a kind of event
        match event:
            case TextDelta():
                return self._text(event)
            case ReasoningDelta():
                self.written += len(event.text)
                told = {"reasoning_content": event.text} if event.text else {}
                told |= self._thinking.add(event)
                return self._chunk(told) if told else b""
            case ToolCallStart():
                return self._chunk({"tool_calls": [{"index": event.index} | call_start(event)]})
            case ToolCallDelta():
                self.written += len(event.arguments)
                piece = {"index": event.index, "function": {"arguments": event.arguments}}
                return self._chunk({"tool_calls": [piece]})
            case CitationDelta():
                self._cited = True
                annotation = annotation_of(event.citation, (self._cited_from, self._length))
                return self._chunk({"annotations": [nested(annotation)]})
            case UsageReport():
                self.usage = event.usage
                return b""
            case Finished():
                return self._closing(event)

    def _text(self, event: TextDelta) -> bytes:
        if event.refusal:
            return self._refusal(event)
        if self._cited:
            self._cited, self._cited_from = False, self._length
        text = event.text
        self.written += len(text)
        self._length += len(text)
        if not event.logprobs:
            if self._begun:
                return self._text_head + orjson.dumps(text) + self._text_tail
            return self._chunk({"content": text})
        return self._chunk({"content": text}, self._likely(logprobs_row(event.logprobs)))

    def _refusal(self, event: TextDelta) -> bytes:
        self._refused = True
        self.written += len(event.text)
        likely = logprobs_row((), event.logprobs) if event.logprobs else None
        return self._chunk({"refusal": event.text}, self._likely(likely))

    def _likely(self, logprobs: dict[str, Any] | None) -> bytes:
        return b',"logprobs":%b,"finish_reason":null%b' % (orjson.dumps(logprobs), self._end)

    def _chunk(self, delta: dict[str, Any], tail: bytes = b"") -> bytes:
        piece = self._head + orjson.dumps(delta) + (tail or self._tail)
        if self._begun:
            return piece
        self._begun = True
        refuses = "refusal" in delta
        opening = {
            "role": "assistant",
            "content": None if refuses else "",
            "refusal": "" if refuses else None,
        }
        return self._head + orjson.dumps(opening) + self._tail + piece

    def _closing(self, event: Finished) -> bytes:
        self.finished = True
        opening = b"" if self._begun else self._chunk({})
        reason = orjson.dumps(shown_reason(event.reason, refused=self._refused))
        last = self._head + b'{},"logprobs":null,"finish_reason":' + reason + self._end
        if not self._with_usage:
            return opening + last + DONE
        usage = orjson.dumps(usage_row(self.usage or Usage()))
        extra = b"data: " + self._frame[:-1] + b',"choices":[],"usage":' + usage + b"}\n\n"
        return opening + last + extra + DONE


class Relayed:
    """What the frames of an answer that broke off have told its client already."""

    def __init__(self, frames: bytes) -> None:
        self.identity: dict[str, Any] | None = None
        self.begun = False
        self.blocks = 0
        self.length = 0
        self.cited = False
        self.cited_from = 0
        for line in frames.splitlines():
            if line.startswith(b"data:"):
                self._read(line[5:])

    def _read(self, written: bytes) -> None:
        try:
            chunk = orjson.loads(written)
        except ValueError:
            return
        if not isinstance(chunk, dict):
            return
        fields = ("id", "object", "created", "model")
        named = {field: chunk[field] for field in fields if field in chunk}
        self.identity = self.identity or named or None
        for choice in chunk.get("choices") or ():
            self.begun = True
            delta = choice.get("delta") or {}
            if isinstance(delta.get("content"), str) and delta["content"]:
                self._read_text(delta["content"])
            self.cited = self.cited or bool(delta.get("annotations"))
            self.blocks += len(delta.get(FIELD) or ())

    def _read_text(self, text: str) -> None:
        if self.cited:
            self.cited, self.cited_from = False, self.length
        self.length += len(text)


def shown_reason(reason: FinishReason, *, refused: bool) -> str:
    """Why it ended: an answer is whole where it is a refusal in words (`refused`)."""
    if reason != "refusal":
        return reason
    return "stop" if refused else "content_filter"


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


def logprobs_row(
    content: Sequence[TokenLogprob], refusal: Sequence[TokenLogprob] = ()
) -> dict[str, Any]:
    return {
        "content": [logprob_row(each) for each in content] if content else None,
        "refusal": [logprob_row(each) for each in refusal] if refusal else None,
    }


def logprob_row(said: TokenLogprob) -> dict[str, Any]:
    likeliest = [token_row(token, logprob) for token, logprob in said.likeliest]
    return token_row(said.token, said.logprob) | {"top_logprobs": likeliest}


def token_row(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


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
