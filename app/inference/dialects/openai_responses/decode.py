"""A response's events as canonical ones, for whoever goes on with an answer that broke off."""

from collections.abc import Iterator
from typing import Any

import orjson

from app.inference.dialects.openai_chat.citations import citations_of
from app.inference.dialects.openai_responses.usage import usage_of
from app.inference.providers.codec import BadAnswer
from app.inference.providers.openai_chat.decode import read_logprobs
from app.inference.providers.types import (
    CitationDelta,
    Finished,
    FinishReason,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)

REASONS: dict[str, FinishReason] = {
    "max_output_tokens": "length",
    "content_filter": "content_filter",
}
CLOSING = ("response.completed", "response.incomplete")
CALLS = ("function_call", "custom_tool_call")
REASONING = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
TEXT = "response.output_text.delta"
REFUSAL = "response.refusal.delta"
ARGUMENTS = ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta")


class EventDecoder:
    """Reads one stream."""

    def __init__(self) -> None:
        self.done = False
        self._called = False
        self._refused = False

    def feed(self, data: bytes) -> Iterator[StreamEvent]:
        event = orjson.loads(data)
        kind = event["type"]
        if kind == TEXT:
            yield TextDelta(event["delta"], read_logprobs(event.get("logprobs") or ()))
        elif kind == REFUSAL:
            self._refused = True
            yield TextDelta(event["delta"], refusal=True)
        elif kind in REASONING:
            yield ReasoningDelta(event["delta"])
        elif kind in ARGUMENTS:
            yield ToolCallDelta(event["output_index"], event["delta"])
        elif kind == "response.output_text.annotation.added":
            yield from map(CitationDelta, citations_of([event["annotation"]], "annotation"))
        elif kind == "response.output_item.added" and event["item"]["type"] in CALLS:
            self._called = True
            item = event["item"]
            yield ToolCallStart(event["output_index"], item["call_id"], item["name"])
        elif kind in CLOSING:
            self.done = True
            ended: FinishReason = "tool_calls" if self._called else "stop"
            yield from closing(event["response"], "refusal" if self._refused else ended)

    def end(self) -> tuple[StreamEvent, ...]:
        if not self.done:
            raise BadAnswer("the stream ended before its answer was finished.")
        return ()


def closing(response: dict[str, Any], ended: FinishReason) -> Iterator[StreamEvent]:
    """How a response ended, `ended` where it says no more, and what it has used."""
    usage = usage_of(response)
    if usage is not None:
        yield UsageReport(usage)
    details = response.get("incomplete_details") or {}
    reason = REASONS.get(details.get("reason") or "", ended)
    yield Finished(reason, response["model"], response["id"])
