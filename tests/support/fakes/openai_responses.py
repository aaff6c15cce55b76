"""What a fake of OpenAI says when it is asked for a response."""

from collections.abc import Iterator
from typing import Any

import orjson

from tests.support.fakes.base import Said, event

USAGE = {
    "input_tokens": 120,
    "input_tokens_details": {"cached_tokens": 20, "cache_write_tokens": 0},
    "output_tokens": 50,
    "output_tokens_details": {"reasoning_tokens": 10},
    "total_tokens": 170,
}


def whole_response(said: Said, body: Any, *, status: str = "completed") -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1760000000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": body["model"],
        "output": items_of(said) if status == "completed" else [],
        "parallel_tool_calls": True,
        "background": bool(body.get("background")),
        "previous_response_id": body.get("previous_response_id"),
        "store": body.get("store") is not False,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": (said.usage or USAGE) if status == "completed" else None,
    }


def items_of(said: Said) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if said.reasoning:
        summary = [{"type": "summary_text", "text": "".join(said.reasoning)}]
        items.append({"id": "rs_1", "type": "reasoning", "summary": summary})
    if said.text:
        text = {"type": "output_text", "text": "".join(said.text), "annotations": []}
        items.append(message("completed", [text]))
    for number, (call_id, name, arguments) in enumerate(said.calls):
        items.append(
            {
                "id": f"fc_{number}",
                "type": "function_call",
                "status": "completed",
                "call_id": call_id,
                "name": name,
                "arguments": orjson.dumps(arguments).decode(),
            }
        )
    return items


def message(status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": content,
    }


def summary_events(said: Said) -> Iterator[tuple[str, dict[str, Any]]]:
    text = "".join(said.reasoning)
    part, kind = {"type": "summary_text", "text": text}, "response.reasoning_summary"
    yield f"{kind}_part.added", {"part": part | {"text": ""}}
    for piece in said.reasoning:
        yield f"{kind}_text.delta", {"delta": piece}
    yield f"{kind}_text.done", {"text": text}
    yield f"{kind}_part.done", {"part": part}


def response_frames(said: Said, body: Any) -> list[bytes]:
    """A whole stream; the last frame is the closing one."""
    frames: list[bytes] = []

    def add(kind: str, **fields: Any) -> None:
        frames.append(event({"type": kind, "sequence_number": len(frames)} | fields, kind))

    begun = whole_response(said, body, status="in_progress")
    add("response.created", response=begun)
    add("response.in_progress", response=begun)
    for index, item in enumerate(items_of(said)):
        place = {"item_id": item["id"], "output_index": index}
        opened = item | {"status": "in_progress"}
        if item["type"] == "message":
            add("response.output_item.added", output_index=index, item=opened | {"content": []})
            part = {"type": "output_text", "text": "", "annotations": []}
            add("response.content_part.added", **place, content_index=0, part=part)
            for piece in said.text:
                told = {"content_index": 0, "delta": piece, "logprobs": []}
                add("response.output_text.delta", **place, **told)
            told = {"content_index": 0, "text": "".join(said.text), "logprobs": []}
            add("response.output_text.done", **place, **told)
            add("response.content_part.done", **place, content_index=0, part=item["content"][0])
        elif item["type"] == "reasoning":
            add("response.output_item.added", output_index=index, item=item | {"summary": []})
            for kind, told in summary_events(said):
                add(kind, **place, summary_index=0, **told)
        else:
            add("response.output_item.added", output_index=index, item=opened | {"arguments": ""})
            kind = "response.function_call_arguments"
            add(f"{kind}.delta", **place, delta=item["arguments"])
            add(f"{kind}.done", **place, arguments=item["arguments"], name=item["name"])
        add("response.output_item.done", output_index=index, item=item)
    add("response.completed", response=whole_response(said, body))
    return frames
