"""A fake of OpenAI: Chat Completions, and Responses by their path."""

from typing import Any

import orjson

from tests.support.fakes.base import KEY, Action, Fake, Recorded, Said, event
from tests.support.fakes.openai_operations import other_answer
from tests.support.fakes.openai_responses import response_frames, whole_response

USAGE = {
    "prompt_tokens": 120,
    "completion_tokens": 50,
    "total_tokens": 170,
    "prompt_tokens_details": {"cached_tokens": 20},
    "completion_tokens_details": {"reasoning_tokens": 10},
}
TYPES = {401: "invalid_request_error", 429: "rate_limit_error"}


class FakeOpenAI(Fake):
    kind = "openai"
    base_path = "/v1"

    def authorised(self, headers: Any) -> bool:
        return headers.get("authorization") == f"Bearer {KEY}"

    def error(self, status: int, message: str, **extra: Any) -> dict[str, Any]:
        kind = TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
        return {"error": {"message": message, "type": kind, "param": None, "code": None, **extra}}

    def in_band(self) -> bytes:
        return event({"error": {"message": "Overloaded", "type": "overloaded_error", "code": 503}})

    @property
    def responds(self) -> bool:
        """Whether it was last asked for a response."""
        return bool(self.requests) and self.last.path.endswith("/responses")

    def other(self, recorded: Recorded) -> Action | None:
        return other_answer(recorded)

    def whole(self, said: Said, body: Any) -> dict[str, Any]:
        if self.responds:
            return whole_response(said, body)
        message: dict[str, Any] = {"role": "assistant", "content": "".join(said.text) or None}
        message |= {"refusal": None, **said.extra}
        if said.reasoning:
            message["reasoning_content"] = "".join(said.reasoning)
        if said.calls:
            message["tool_calls"] = [call(i, *c) for i, c in enumerate(said.calls)]
        finish = said.finish or ("tool_calls" if said.calls else "stop")
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1760000000,
            "model": body["model"],
            "choices": [choice],
            "usage": said.usage or USAGE,
        }

    def frames(self, said: Said, body: Any) -> list[bytes]:
        if self.responds:
            return response_frames(said, body)

        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return event(frame | {"choices": [choice], "usage": None})

        frame = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1760000000,
            "model": body["model"],
        }
        frames = [chunk({"role": "assistant", "content": "", "refusal": None})]
        frames += [chunk({"reasoning_content": piece}) for piece in said.reasoning]
        frames += [chunk({"content": piece}) for piece in said.text]
        frames += [chunk({name: value}) for name, value in said.extra.items()]
        for index, (call_id, name, arguments) in enumerate(said.calls):
            start = call(index, call_id, name, arguments)
            start["function"] = {"name": name, "arguments": ""}
            frames.append(chunk({"tool_calls": [start]}))
            text = orjson.dumps(arguments).decode()
            for at in range(0, len(text), 6):
                piece = {"index": index, "function": {"arguments": text[at : at + 6]}}
                frames.append(chunk({"tool_calls": [piece]}))
        end = chunk({}, said.finish or ("tool_calls" if said.calls else "stop"))
        if (body.get("stream_options") or {}).get("include_usage"):
            end += event(frame | {"choices": [], "usage": said.usage or USAGE})
        # One frame, so that leaving out the last leaves out all that closes.
        return [*frames, end + b"data: [DONE]\n\n"]

    def models(self) -> dict[str, Any]:
        row = {"id": "gpt-fake", "object": "model", "created": 1, "owned_by": "fake"}
        return {"object": "list", "data": [row | {"context_length": 128000}]}


def call(index: int, call_id: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    function = {"name": name, "arguments": orjson.dumps(arguments).decode()}
    return {"index": index, "id": call_id, "type": "function", "function": function}
