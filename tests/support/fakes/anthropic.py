"""A fake of Anthropic's Messages."""

from typing import Any

import orjson

from tests.support.fakes.base import KEY, Fake, Said, event

USAGE = {
    "input_tokens": 90,
    "output_tokens": 50,
    "cache_creation_input_tokens": 10,
    "cache_read_input_tokens": 20,
    "output_tokens_details": {"thinking_tokens": 10},
}
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}


class FakeAnthropic(Fake):
    kind = "anthropic"
    base_path = ""
    counts = 7

    def authorised(self, headers: Any) -> bool:
        key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
        return key == KEY and "anthropic-version" in headers

    def error(self, status: int, message: str, **extra: Any) -> dict[str, Any]:
        kind = TYPES.get(status, "api_error")
        error = {"type": kind, "message": message, **extra}
        return {"type": "error", "error": error, "request_id": "req_1"}

    def in_band(self) -> bytes:
        return event(self.error(529, "Overloaded"), "error")

    def blocks(self, said: Said) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = []
        if said.redacted:
            blocks.append({"type": "redacted_thinking", "data": said.redacted})
        if said.reasoning:
            thinking = "".join(said.reasoning)
            signature = said.signature or ""
            blocks.append({"type": "thinking", "thinking": thinking, "signature": signature})
        if said.text:
            blocks.append({"type": "text", "text": "".join(said.text)})
        blocks += [
            {"type": "tool_use", "id": call_id, "name": name, "input": arguments}
            for call_id, name, arguments in said.calls
        ]
        return blocks

    def whole(self, said: Said, body: Any) -> dict[str, Any]:
        if self.requests and self.last.path.endswith("/count_tokens"):
            return {"input_tokens": self.counts}
        return {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": self.blocks(said),
            "stop_reason": said.finish or ("tool_use" if said.calls else "end_turn"),
            "stop_sequence": None,
            "usage": said.usage or USAGE,
        }

    def frames(self, said: Said, body: Any) -> list[bytes]:
        usage = dict(said.usage or USAGE)
        details = usage.pop("output_tokens_details", {})
        message = self.whole(said, body) | {"content": [], "stop_reason": None}
        message["usage"] = usage | {"output_tokens": 1}
        frames = [event({"type": "message_start", "message": message}, "message_start")]
        frames[0] += event({"type": "ping"}, "ping")
        for index, block in enumerate(self.blocks(said)):
            frames += block_frames(index, block, said)
        delta = {
            "stop_reason": said.finish or ("tool_use" if said.calls else "end_turn"),
            "stop_sequence": None,
        }
        final = {"output_tokens": usage["output_tokens"], "output_tokens_details": details or None}
        end = {"type": "message_delta", "delta": delta, "usage": final}
        frames.append(event(end, "message_delta"))
        return [*frames, event({"type": "message_stop"}, "message_stop")]

    def models(self) -> dict[str, Any]:
        row = {
            "id": "claude-fake",
            "type": "model",
            "display_name": "Claude Fake",
            "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": "active",
            "max_input_tokens": 200000,
            "max_tokens": 64000,
        }
        ends = {"first_id": "claude-fake", "last_id": "claude-fake"}
        return {"data": [row], "has_more": False, **ends}


def block_frames(index: int, block: dict[str, Any], said: Said) -> list[bytes]:
    empty: dict[str, Any] = {"text": {"text": ""}, "tool_use": {"input": {}}}
    empty["thinking"] = {"thinking": "", "signature": ""}
    start = block | empty.get(block["type"], {})
    deltas: list[dict[str, Any]] = []
    match block["type"]:
        case "text":
            deltas = [{"type": "text_delta", "text": piece} for piece in said.text]
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in said.reasoning]
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        case "tool_use":
            text = orjson.dumps(block["input"]).decode() if block["input"] else ""
            pieces = [text[at : at + 6] for at in range(0, len(text), 6)]
            deltas = [
                {"type": "input_json_delta", "partial_json": piece} for piece in ["", *pieces]
            ]
    head = {"type": "content_block_start", "index": index, "content_block": start}
    frames = [event(head, "content_block_start")]
    for delta in deltas:
        one = {"type": "content_block_delta", "index": index, "delta": delta}
        frames.append(event(one, "content_block_delta"))
    return [*frames, event({"type": "content_block_stop", "index": index}, "content_block_stop")]
