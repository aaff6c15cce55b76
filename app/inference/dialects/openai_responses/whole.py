"""A whole response as a canonical answer, for whoever gives it again."""

from collections.abc import Iterator
from typing import Any, Final

import orjson

from app.inference.dialects.openai_chat.citations import citations_of
from app.inference.dialects.openai_responses.decode import CLOSING, closing
from app.inference.providers.codec import BadAnswer
from app.inference.providers.collect import Collector
from app.inference.providers.openai_chat.decode import read_logprobs
from app.inference.providers.sse import SseReader
from app.inference.providers.types import (
    ChatResult,
    CitationDelta,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
)

CITED: Final = "url_citation"


def decode_response(body: bytes) -> ChatResult:
    """Raises BadAnswer for one that its provider stores, refuses, or that has more than we keep."""
    return result_of(orjson.loads(body))


def decode_stream(frames: bytes) -> ChatResult:
    """The same of a stream, whose closing event has the whole response."""
    for data in SseReader().feed(frames):
        event = orjson.loads(data)
        if event["type"] in CLOSING:
            return result_of(event["response"])
    raise BadAnswer("the stream ended before its answer was finished.")


def result_of(response: dict[str, Any]) -> ChatResult:
    if response.get("store") is not False or response.get("previous_response_id"):
        raise BadAnswer("the response is part of what its provider stores.")
    collected = Collector("openai_responses")
    items = response["output"]
    for index, item in enumerate(items):
        for event in read_item(index, item):
            collected.add(event)
    called = any(item["type"] == "function_call" for item in items)
    for event in closing(response, "tool_calls" if called else "stop"):
        collected.add(event)
    return collected.result()


def read_item(index: int, item: dict[str, Any]) -> Iterator[StreamEvent]:
    match item["type"]:
        case "message":
            for part in item["content"]:
                yield from read_part(part)
        case "function_call":
            yield ToolCallStart(index, item["call_id"], item["name"])
            yield ToolCallDelta(index, item["arguments"])
        case "reasoning" if not item.get("encrypted_content"):
            yield from [ReasoningDelta(part["text"]) for part in item["summary"]]
        case _:
            raise BadAnswer("an item of the response has no other form.")


def read_part(part: dict[str, Any]) -> Iterator[StreamEvent]:
    annotations = part.get("annotations") or []
    if part["type"] != "output_text" or any(each["type"] != CITED for each in annotations):
        raise BadAnswer("a part of the response has no other form.")
    yield TextDelta(part["text"], read_logprobs(part.get("logprobs") or ()))
    yield from map(CitationDelta, citations_of(annotations, "annotations"))
