"""Chat Completions answers, whole and streamed, as canonical events."""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from app.inference.providers.codec import BadAnswer, InBandError, tokens
from app.inference.providers.collect import Collector
from app.inference.providers.errors import ProviderFailed, ProviderOverloaded
from app.inference.providers.tiers import told_tier
from app.inference.providers.types import (
    ChatResult,
    Citation,
    CitationDelta,
    Finished,
    FinishReason,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    TokenLogprob,
    ToolCallDelta,
    ToolCallStart,
    Usage,
    UsageReport,
)

REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
NOTHING: tuple[StreamEvent, ...] = ()


class ChunkDecoder:
    """Reads `chat.completion.chunk` events, and a whole completion as if it were one."""

    __slots__ = ("_calls", "_finish", "_id", "_model", "_refused", "_usage", "done")

    def __init__(self) -> None:
        self.done = False
        self._finish: FinishReason | None = None
        self._refused = False
        self._usage: Usage | None = None
        self._model = ""
        self._id = ""
        # The server's index and id of each call, to our own index.
        self._calls: dict[int, tuple[str, int]] = {}

    def feed(self, data: bytes) -> Iterator[StreamEvent] | tuple[StreamEvent, ...]:
        if data == b"[DONE]":
            return self.end()
        return self.read(orjson.loads(data), "delta")

    def read(
        self, chunk: dict[str, Any], holder: str
    ) -> Iterator[StreamEvent] | tuple[StreamEvent, ...]:
        choices = chunk.get("choices")
        if not choices or not self._id or chunk.get("usage") or "error" in chunk:
            self._read_frame(chunk)
            if not choices:
                return NOTHING
        choice = choices[0]
        delta = choice.get(holder) or {}
        if choice.get("finish_reason") is None and len(delta) == 1 and not choice.get("logprobs"):
            text = delta.get("content")
            if text.__class__ is str:
                return (TextDelta(text),) if text else NOTHING
        return self._read_choice(choice, delta)

    def end(self) -> tuple[StreamEvent, ...]:
        if self._finish is None:
            raise BadAnswer("the stream ended before its answer was finished.")
        self.done = True
        reason = self._finish
        if self._refused:
            reason = "refusal"
        elif self._calls and reason == "stop":
            # Several compatible servers say `stop` after a tool call.
            reason = "tool_calls"
        finished = Finished(reason, self._model, self._id)
        return (finished,) if self._usage is None else (UsageReport(self._usage), finished)

    def _read_frame(self, chunk: dict[str, Any]) -> None:
        if chunk.get("error"):
            raise InBandError(chunk)
        if not isinstance(chunk.get("choices"), list):
            raise BadAnswer("an event of the stream is not a chat completion.")
        self._id = self._id or chunk.get("id") or ""
        self._model = self._model or chunk.get("model") or ""
        if chunk.get("usage"):
            self._usage = read_usage(chunk["usage"], chunk.get("service_tier"))

    def _read_choice(self, choice: dict[str, Any], delta: dict[str, Any]) -> Iterator[StreamEvent]:
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if reasoning:
            yield ReasoningDelta(require_text(reasoning))
        yield from self._read_text(choice, delta)
        for annotation in delta.get("annotations") or ():
            if annotation.get("type") == "url_citation":
                yield CitationDelta(read_citation(annotation["url_citation"]))
        for position, call in enumerate(delta.get("tool_calls") or ()):
            yield from self._read_call(position, call)
        if choice.get("finish_reason"):
            self._finish = read_reason(choice["finish_reason"])

    def _read_text(self, choice: dict[str, Any], delta: dict[str, Any]) -> Iterator[StreamEvent]:
        logprobs = choice.get("logprobs") or {}
        if delta.get("content"):
            if logprobs.get("content"):
                likely = read_logprobs(logprobs["content"])
                yield TextDelta(require_text(delta["content"]), likely)
            else:
                yield from read_content(delta["content"])
        if delta.get("refusal"):
            self._refused = True
            likely = read_logprobs(logprobs.get("refusal") or ())
            yield TextDelta(require_text(delta["refusal"]), likely, refusal=True)

    def _read_call(self, position: int, call: dict[str, Any]) -> Iterator[StreamEvent]:
        function = call.get("function") or {}
        place = call.get("index")
        place = position if place is None else place
        known = self._calls.get(place)
        # Some servers give every parallel call the index 0 and tell them apart by id.
        if known is None or (call.get("id") and call["id"] != known[0]):
            index = 1 + max((index for _, index in self._calls.values()), default=-1)
            known = (call.get("id") or f"call_{self._id}_{index}", index)
            self._calls[place] = known
            yield ToolCallStart(index, known[0], require_text(function.get("name")))
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            arguments = orjson.dumps(arguments).decode()
        if arguments:
            yield ToolCallDelta(known[1], require_text(arguments))


def decode_completion(body: bytes, dialect: str) -> ChatResult:
    decoder = ChunkDecoder()
    collected = Collector(dialect)
    document = orjson.loads(body)
    for event in (*decoder.read(document, "message"), *decoder.end()):
        collected.add(event)
    return collected.result()


def read_content(content: Any) -> Iterator[StreamEvent]:
    """Text, or Mistral's list of text and thinking blocks."""
    if isinstance(content, str):
        yield TextDelta(content)
        return
    for block in content:
        if block.get("type") == "text":
            yield TextDelta(require_text(block["text"]))
        elif block.get("type") == "thinking":
            for piece in block["thinking"]:
                yield ReasoningDelta(require_text(piece["text"]))


def read_citation(cited: dict[str, Any]) -> Citation:
    start, end = cited.get("start_index"), cited.get("end_index")
    return Citation(
        "answer", start=start, end=end, title=cited.get("title"), url=require_text(cited["url"])
    )


def read_logprobs(rows: Iterable[dict[str, Any]]) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(
            row["token"],
            row["logprob"],
            tuple((each["token"], each["logprob"]) for each in row.get("top_logprobs") or ()),
        )
        for row in rows
    )


def require_text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadAnswer("a text of the answer is not a string.")
    return value


def read_reason(reason: str) -> FinishReason:
    if reason == "insufficient_system_resource":
        raise InBandError({"message": "stopped for want of resources."}, ProviderOverloaded)
    if reason == "error":
        raise InBandError({"message": "stopped with an error."}, ProviderFailed)
    return REASONS.get(reason, "stop")


def read_usage(usage: dict[str, Any], service_tier: Any = None) -> Usage:
    """The tier stands beside the usage there."""
    prompt = usage.get("prompt_tokens_details")
    completion = usage.get("completion_tokens_details")
    given = tokens(usage.get("prompt_tokens"))
    written = tokens(usage.get("completion_tokens"))
    cached = usage.get("prompt_cache_hit_tokens")
    cache_written = reasoning = 0
    if completion:
        reasoning = tokens(completion.get("reasoning_tokens"))
        # xAI counts reasoning beside the completion, everyone else inside it.
        if reasoning and usage.get("total_tokens") == given + written + reasoning:
            written += reasoning
    if prompt:
        cached = prompt.get("cached_tokens") or cached
        cache_written = tokens(prompt.get("cache_write_tokens"))
    return Usage(
        given,
        written,
        tokens(cached) if cached else 0,
        cache_written,
        reasoning,
        audio_input_tokens=tokens(prompt.get("audio_tokens")) if prompt else 0,
        audio_output_tokens=tokens(completion.get("audio_tokens")) if completion else 0,
        service_tier=told_tier(service_tier),
    )
