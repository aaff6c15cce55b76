"""Strict readers of three dialects: a whole answer, or one typed error, and nothing else."""

from dataclasses import dataclass
from typing import Any

import orjson

from tests.inference.chaos.tasks import Task


class Broken(AssertionError):
    """An answer that no client may ever see."""


def expect(holds: object, what: str) -> None:
    if not holds:
        raise Broken(what)


@dataclass
class Answer:
    """What a client was told; `code` is the error's, None for a whole answer.

    `status` is the response's; `usage` is (input, output) tokens.
    """

    task: Task
    dialect: str
    streamed: bool
    text: str = ""
    code: str | None = None
    usage: tuple[int, int] | None = None
    status: int = 0
    request_id: str = ""
    seams: int = 0

    @property
    def whole(self) -> bool:
        return self.code is None


Event = tuple[str, Any]


def events_of(raw: bytes) -> tuple[list[Event], list[str]]:
    """A finished stream's events as (name, document), and its comments."""
    raw = raw.replace(b"\r\n", b"\n")
    expect(raw.endswith(b"\n\n"), f"the stream ends in half an event: {raw[-200:]!r}")
    events: list[Event] = []
    comments = []
    for block in raw.decode().split("\n\n")[:-1]:
        name, data = "", []
        for line in block.split("\n"):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not field:
                comments.append(value)
            elif field == "event":
                name = value
            elif field not in ("id", "retry"):
                expect(field == "data", f"a line that is nothing: {line[:200]!r}")
                data.append(value)
        if data:
            said = "\n".join(data)
            events.append((name, said if said == "[DONE]" else orjson.loads(said)))
    return events, comments


def read_openai(answer: Answer, events: list[Event]) -> None:
    documents = [document for _, document in events]
    expect(documents, "an empty stream")
    last, finishes, said, ids = documents[-1], [], [], set()
    if last == "[DONE]":
        documents.pop()
    elif "error" in last:
        answer.code = code_of_openai(documents.pop())
    else:
        raise Broken(f"a silent end after {last}")
    for chunk in documents:
        expect(chunk != "[DONE]" and "error" not in chunk, f"out of place: {chunk}")
        expect(chunk["object"] == "chat.completion.chunk", f"no chunk: {chunk}")
        ids.add(chunk["id"])
        for choice in chunk["choices"]:
            content = choice["delta"].get("content") or ""
            expect(not (content and finishes), "text after the end")
            said.append(content)
            finishes += [choice["finish_reason"]] if choice.get("finish_reason") else []
        if chunk.get("usage"):
            told = chunk["usage"]
            answer.usage = (told["prompt_tokens"], told["completion_tokens"])
    answer.text = "".join(said)
    expect(len(ids) <= 1, f"several answers in one stream: {ids}")
    if answer.whole:
        expect(finishes == ["stop"], f"finish_reason: {finishes}")
        expect(answer.usage, "no usage")


def code_of_openai(document: Any) -> str:
    error = document["error"]
    expect(set(document) == {"error"}, f"more than an error: {document}")
    expect(isinstance(error["message"], str) and error["type"], f"untyped: {error}")
    return error["code"] or error["type"]


def read_anthropic(answer: Answer, events: list[Event]) -> None:
    for name, document in events:
        expect(name == document["type"], f"{name!r} names {document}")
    documents = [document for _, document in events if document["type"] != "ping"]
    expect(documents, "an empty stream")
    last = documents.pop()
    if last["type"] == "error":
        answer.code = code_of_anthropic(last)
    else:
        expect(last["type"] == "message_stop", f"a silent end after {last}")
    message = Message(answer)
    for n, each in enumerate(documents):
        expect((each["type"] == "message_start") == (n == 0), f"{each['type']} at {n}")
        message.take(each)
    answer.text = "".join(message.said)
    if answer.whole:
        expect(message.ended and message.open is None, f"no end_turn in {documents[-1:]}")


class Message:
    """An answer of Anthropic's dialect, as its events put it together."""

    def __init__(self, answer: Answer) -> None:
        self.said: list[str] = []
        self.open: int | None = None
        self.ended = False
        self._blocks = 0
        self._answer = answer

    def take(self, event: Any) -> None:
        match event["type"]:
            case "message_start":
                self._answer.usage = usage_of_anthropic(event["message"]["usage"])
            case "content_block_start":
                expect(self.open is None, f"a block in a block: {event}")
                expect(event["index"] == self._blocks, f"out of turn: {event}")
                self.open, self._blocks = event["index"], self._blocks + 1
                self.said.append(event["content_block"].get("text", ""))
            case "content_block_delta":
                expect(self.open == event["index"], f"a delta of no block: {event}")
                self.said.append(event["delta"]["text"])
            case "content_block_stop":
                expect(self.open == event["index"], f"the end of no block: {event}")
                self.open = None
            case kind:
                expect(kind == "message_delta" and not self.ended, f"out of place: {event}")
                self.ended = event["delta"]["stop_reason"] == "end_turn"
                self._answer.usage = usage_of_anthropic(event["usage"], self._answer.usage)


def usage_of_anthropic(
    told: dict[str, Any], known: tuple[int, int] | None = None
) -> tuple[int, int]:
    read = told.get("cache_read_input_tokens") or 0
    written = told.get("cache_creation_input_tokens") or 0
    entry = told.get("input_tokens")
    return (
        (known or (0, 0))[0] if entry is None else entry + read + written,
        told.get("output_tokens") or 0,
    )


def code_of_anthropic(document: Any) -> str:
    error = document["error"]
    expect(document["type"] == "error" and error["message"], f"no error: {document}")
    return error["type"]


def read_gemini(answer: Answer, events: list[Event]) -> None:
    documents = [document for _, document in events]
    expect(documents, "an empty stream")
    if "error" in documents[-1]:
        answer.code = code_of_gemini(documents.pop())
    said, finishes = [], []
    for chunk in documents:
        expect("error" not in chunk, f"out of place: {chunk}")
        for candidate in chunk.get("candidates", ()):
            parts = candidate.get("content", {}).get("parts", ())
            text = "".join(part["text"] for part in parts)
            expect(not (text and finishes), "text after the end")
            said.append(text)
            finishes += [candidate["finishReason"]] if candidate.get("finishReason") else []
        told = chunk.get("usageMetadata") or {}
        if "candidatesTokenCount" in told:
            answer.usage = (told["promptTokenCount"], told["candidatesTokenCount"])
    answer.text = "".join(said)
    expect(finishes == (["STOP"] if answer.whole else []), f"finishReason: {finishes}")


def code_of_gemini(document: Any) -> str:
    error = document["error"]
    expect(error["message"] and isinstance(error["code"], int), f"no error: {document}")
    return error["status"]


def whole_openai(answer: Answer, document: Any) -> None:
    (choice,) = document["choices"]
    expect(choice["finish_reason"] == "stop", f"finish_reason: {choice}")
    answer.text = choice["message"]["content"]
    usage = document["usage"]
    answer.usage = (usage["prompt_tokens"], usage["completion_tokens"])


def whole_anthropic(answer: Answer, document: Any) -> None:
    expect(document["stop_reason"] == "end_turn", f"stop_reason: {document}")
    answer.text = "".join(block["text"] for block in document["content"])
    answer.usage = usage_of_anthropic(document["usage"])


def whole_gemini(answer: Answer, document: Any) -> None:
    (candidate,) = document["candidates"]
    expect(candidate["finishReason"] == "STOP", f"finishReason: {candidate}")
    answer.text = "".join(part["text"] for part in candidate["content"]["parts"])
    usage = document["usageMetadata"]
    answer.usage = (usage["promptTokenCount"], usage["candidatesTokenCount"])
