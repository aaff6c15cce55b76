"""A whole canonical answer as a chat completion."""

from typing import Any

import orjson

from app.inference.dialects.openai_chat.citations import annotation_of, nested
from app.inference.dialects.openai_chat.render import (
    call_row,
    identity,
    logprobs_row,
    shown_reason,
    usage_row,
)
from app.inference.dialects.openai_chat.thinking import block_rows
from app.inference.providers.types import ChatResult, ReasoningPart, TextPart, ToolCallPart


def render_result(result: ChatResult, model: str) -> bytes:
    texts = [part for part in result.parts if isinstance(part, TextPart)]
    said = [part for part in texts if not part.refusal]
    refused = [part for part in texts if part.refusal]
    likely = [[each for part in parts for each in part.logprobs] for parts in (said, refused)]
    choice = {
        "index": 0,
        "message": message_row(result, said, refused, model),
        "logprobs": logprobs_row(*likely) if any(likely) else None,
        "finish_reason": shown_reason(result.finish_reason, refused=bool(refused)),
    }
    frame = identity("chat.completion", model)
    return orjson.dumps(frame | {"choices": [choice], "usage": usage_row(result.usage)})


def message_row(
    result: ChatResult, said: list[TextPart], refused: list[TextPart], model: str
) -> dict[str, Any]:
    reasoning = [part for part in result.parts if isinstance(part, ReasoningPart)]
    calls = [part for part in result.parts if isinstance(part, ToolCallPart)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(part.text for part in said) if said or not (calls or refused) else None,
        "refusal": "".join(part.text for part in refused) if refused else None,
    }
    if any(part.text for part in reasoning):
        message["reasoning_content"] = "".join(part.text for part in reasoning)
    message |= block_rows(reasoning, model)
    if annotations := annotation_rows(said):
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
