"""The demo's answers in Chat Completions' wire format."""

from dataclasses import dataclass
from typing import Any

import orjson

from app.inference.providers.demo.options import MODELS

OWNER = "luminous-demo"
# A fixed moment, so that the same request has the same answer to the byte.
CREATED = 1_767_225_600
DONE = b"data: [DONE]\n\n"

ERRORS: dict[str, tuple[int, str, str, str]] = {
    "rate-limit": (429, "rate_limit_error", "rate_limit_exceeded", "limits the rate of requests"),
    "overloaded": (503, "server_error", "overloaded", "is overloaded"),
    "unauthorized": (401, "invalid_request_error", "invalid_api_key", "refuses this API key"),
    "context-too-long": (
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "has a maximum context length of 8 tokens for this model",
    ),
    "content-filter": (400, "invalid_request_error", "content_filter", "filters this content"),
    "error": (500, "server_error", "internal_error", "has failed"),
}


@dataclass(frozen=True, slots=True)
class Call:
    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the demo will say, before it is put on the wire."""

    id: str
    model: str
    tokens: tuple[str, ...]
    reasoning: tuple[str, ...]
    calls: tuple[Call, ...]
    finish: str
    prompt_tokens: int

    @property
    def usage(self) -> dict[str, Any]:
        thought = len(self.reasoning)
        called = sum(1 + len(call.arguments.split()) for call in self.calls)
        written = len(self.tokens) + thought + called
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": written,
            "total_tokens": self.prompt_tokens + written,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": thought},
        }

    def frame(self, **fields: Any) -> bytes:
        chunk = {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": self.model,
            **fields,
        }
        return b"data: " + orjson.dumps(chunk) + b"\n\n"

    def chunk(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        return self.frame(choices=[{"index": 0, "delta": delta, "finish_reason": finish}])

    def paced(self) -> list[bytes]:
        """Give the frames that come one a tick: reasoning, text, calls in pieces."""
        frames = [self.chunk({"reasoning_content": piece}) for piece in self.reasoning]
        frames += [self.chunk({"content": token}) for token in self.tokens]
        for index, call in enumerate(self.calls):
            function = {"name": call.name, "arguments": ""}
            start = {"index": index, "id": call.id, "type": "function", "function": function}
            frames.append(self.chunk({"tool_calls": [start]}))
            for at in range(0, len(call.arguments), 8):
                piece = {"index": index, "function": {"arguments": call.arguments[at : at + 8]}}
                frames.append(self.chunk({"tool_calls": [piece]}))
        return frames

    def closing(self, *, with_usage: bool) -> bytes:
        usage = self.frame(choices=[], usage=self.usage) if with_usage else b""
        return self.chunk({}, self.finish) + usage + DONE

    def whole(self) -> bytes:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self.tokens) or None}
        if self.reasoning:
            message["reasoning_content"] = "".join(self.reasoning)
        if self.calls:
            message["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in self.calls
            ]
        completion = {
            "id": self.id,
            "object": "chat.completion",
            "created": CREATED,
            "model": self.model,
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish}],
            "usage": self.usage,
        }
        return orjson.dumps(completion)


def error_body(kind: str, code: str, message: str) -> bytes:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return orjson.dumps({"error": error})


def models_body() -> bytes:
    rows = [
        {"id": name, "object": "model", "created": CREATED, "owned_by": OWNER} for name in MODELS
    ]
    return orjson.dumps({"object": "list", "data": rows})
