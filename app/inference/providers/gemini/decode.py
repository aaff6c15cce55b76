"""generateContent answers, whole and streamed, as canonical events."""

from collections.abc import Iterator
from typing import Any

import orjson

from app.inference.providers.codec import BadAnswer, InBandError, tokens
from app.inference.providers.collect import Collector
from app.inference.providers.errors import ContentFiltered, ProviderFailed
from app.inference.providers.gemini.encode_contents import DIALECT
from app.inference.providers.gemini.grounding import read_logprobs, read_sources
from app.inference.providers.tiers import told_tier
from app.inference.providers.types import (
    ChatResult,
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
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "ESCALATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
}


class ResponseDecoder:
    """Reads GenerateContentResponse objects; the end of the stream closes it."""

    __slots__ = ("_answer", "_calls", "_id", "_logprobs", "_model", "_reason", "_usage", "done")

    def __init__(self) -> None:
        self.done = False
        self._id = ""
        self._model = ""
        self._reason: FinishReason | None = None
        self._usage: Usage | None = None
        self._calls = 0
        self._answer: list[str] = []
        self._logprobs: tuple[TokenLogprob, ...] = ()

    def feed(self, data: bytes) -> Iterator[StreamEvent]:
        response = orjson.loads(data)
        if "error" in response:
            raise InBandError(response)
        blocked = (response.get("promptFeedback") or {}).get("blockReason")
        if blocked:
            raise InBandError({"message": f"the prompt was blocked ({blocked})."}, ContentFiltered)
        self._id = self._id or response.get("responseId") or ""
        self._model = self._model or response.get("modelVersion") or ""
        if response.get("usageMetadata"):
            first = self._usage is None
            self._usage = read_usage(response["usageMetadata"])
            if first:
                yield UsageReport(self._usage)
        for candidate in (response.get("candidates") or ())[:1]:
            yield from self._read_candidate(candidate)

    def end(self) -> tuple[StreamEvent, ...]:
        if self._reason is None:
            raise BadAnswer("the stream ended before its answer was finished.")
        reason = "tool_calls" if self._calls and self._reason == "stop" else self._reason
        self.done = True
        finished = Finished(reason, self._model, self._id)
        return (finished,) if self._usage is None else (UsageReport(self._usage), finished)

    def _read_candidate(self, candidate: dict[str, Any]) -> Iterator[StreamEvent]:
        self._logprobs += read_logprobs(candidate)
        for part in (candidate.get("content") or {}).get("parts") or ():
            yield from self._read_part(part)
        if "groundingMetadata" in candidate or "citationMetadata" in candidate:
            yield from read_sources(candidate, "".join(self._answer))
        reason = candidate.get("finishReason")
        if reason and reason != "FINISH_REASON_UNSPECIFIED":
            if reason not in REASONS:
                said = candidate.get("finishMessage") or f"the model stopped with {reason}."
                raise InBandError({"message": said}, ProviderFailed)
            self._reason = REASONS[reason]

    def _read_part(self, part: dict[str, Any]) -> Iterator[StreamEvent]:
        signature = part.get("thoughtSignature")
        if "functionCall" in part:
            yield from self._read_call(part["functionCall"], signature)
            return
        if part.get("text"):
            yield self._read_text(part["text"], thought=bool(part.get("thought")))
        if signature and "text" in part:
            yield ReasoningDelta("", signature)

    def _read_text(self, text: Any, *, thought: bool) -> StreamEvent:
        if not isinstance(text, str):
            raise BadAnswer("a text of the answer is not a string.")
        if thought:
            return ReasoningDelta(text)
        self._answer.append(text)
        # They stand on the candidate, which may tell of them before its text.
        logprobs, self._logprobs = self._logprobs, ()
        return TextDelta(text, logprobs)

    def _read_call(self, call: dict[str, Any], signature: str | None) -> Iterator[StreamEvent]:
        index = self._calls
        self._calls += 1
        # Ids are optional here, and everywhere else in the house they are not.
        call_id = call.get("id") or f"call_{self._id}_{index}"
        yield ToolCallStart(index, call_id, call["name"], signature)
        yield ToolCallDelta(index, orjson.dumps(call.get("args") or {}).decode())


def decode_response(body: bytes) -> ChatResult:
    decoder = ResponseDecoder()
    collected = Collector(DIALECT)
    for event in (*decoder.feed(body), *decoder.end()):
        collected.add(event)
    return collected.result()


def read_usage(usage: dict[str, Any]) -> Usage:
    """Thoughts are counted beside the candidates there, inside the output here."""
    thoughts = tokens(usage.get("thoughtsTokenCount"))
    tool_input = tokens(usage.get("toolUsePromptTokenCount"))
    given = by_modality(usage.get("promptTokensDetails"))
    cached = by_modality(usage.get("cacheTokensDetails"))
    made = by_modality(usage.get("candidatesTokensDetails"))
    return Usage(
        input_tokens=tokens(usage.get("promptTokenCount")) + tool_input,
        output_tokens=tokens(usage.get("candidatesTokenCount")) + thoughts,
        cached_input_tokens=tokens(usage.get("cachedContentTokenCount")),
        reasoning_tokens=thoughts,
        audio_input_tokens=max(0, given.get("AUDIO", 0) - cached.get("AUDIO", 0)),
        image_input_tokens=max(0, given.get("IMAGE", 0) - cached.get("IMAGE", 0)),
        video_input_tokens=max(0, given.get("VIDEO", 0) - cached.get("VIDEO", 0)),
        cached_audio_tokens=cached.get("AUDIO", 0),
        cached_image_tokens=cached.get("IMAGE", 0),
        audio_output_tokens=made.get("AUDIO", 0),
        image_output_tokens=made.get("IMAGE", 0),
        service_tier=told_tier(usage.get("serviceTier")),
    )


def by_modality(details: Any) -> dict[str, int]:
    rows = details if isinstance(details, list) else ()
    return {str(row.get("modality")): tokens(row.get("tokenCount")) for row in rows}
