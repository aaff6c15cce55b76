"""A whole canonical answer as a chat completion."""

from typing import Any

import orjson

from app.inference.dialects.openai_chat.citations import annotation_of, nested
from app.inference.dialects.openai_chat.render import (
    REASONS,
    call_row,
    identity,
    logprobs_row,
    usage_row,
)
from app.inference.dialects.openai_chat.thinking import block_rows
from app.inference.providers.types import ChatResult, ReasoningPart, TextPart, ToolCallPart


def render_result(result: ChatResult, model: str) -> bytes:
    text = [part for part in result.parts if isinstance(part, TextPart)]
    logprobs = [each for part in text for each in part.logprobs]
    choice = {
        "index": 0,
        "message": message_row(result, text, model),
        "logprobs": logprobs_row(logprobs) if logprobs else None,
        "finish_reason": REASONS.get(result.finish_reason, result.finish_reason),
    }
    frame = identity("chat.completion", model)
    return orjson.dumps(frame | {"choices": [choice], "usage": usage_row(result.usage)})


def message_row(result: ChatResult, text: list[TextPart], model: str) -> dict[str, Any]:
    reasoning = [part for part in result.parts if isinstance(part, ReasoningPart)]
    calls = [part for part in result.parts if isinstance(part, ToolCallPart)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(part.text for part in text) if text or not calls else None,
        "refusal": None,
    }
    if any(part.text for part in reasoning):
        message["reasoning_content"] = "".join(part.text for part in reasoning)
    message |= block_rows(reasoning, model)
    if annotations := annotation_rows(text):
        message["annotations"] = annotations
    if calls:
        message["tool_calls"] = [call_row(call) for call in calls]
    return message


def annotation_rows(text: list[TextPart]) -> list[dict[str, Any]]:
    """The citations of all texts; each belongs to the whole of its own."""
    rows, start = [], 0
    for part in text:
        end = start + len(part.text)
        rows += [nested(annotation_of(each, (start, end))) for each in part.citations]
        start = end
    return rows
