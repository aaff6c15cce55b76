"""Answers as they are kept: canonical, as JSON, and played back as a result or as events."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import orjson

from app.inference.providers.types import (
    ChatResult,
    Citation,
    CitationDelta,
    Finished,
    Part,
    ReasoningDelta,
    ReasoningPart,
    StreamEvent,
    TextDelta,
    TextPart,
    TokenLogprob,
    ToolCallDelta,
    ToolCallPart,
    ToolCallStart,
    Usage,
    UsageReport,
)

Status = Literal["hit", "semantic-hit", "miss", "coalesced"]
KEPT: Final[dict[str, type[TextPart | ReasoningPart | ToolCallPart]]] = {
    "text": TextPart,
    "reasoning": ReasoningPart,
    "tool_call": ToolCallPart,
}
NAMES: Final = {kind: name for name, kind in KEPT.items()}


@dataclass(frozen=True, slots=True)
class Stored:
    """An answer of before. `cost` is what it cost then (nano-dollars), None where nobody knew."""

    result: ChatResult
    stored_at: float
    cost: int | None
    provider: str
    model: str


def is_whole(result: ChatResult, *, tool_calls: bool) -> bool:
    """Tell an answer that may be given again: complete, and of parts that can be kept."""
    reasons = {"stop", "tool_calls"} if tool_calls else {"stop"}
    kept = (TextPart, ReasoningPart, ToolCallPart) if tool_calls else (TextPart, ReasoningPart)
    return (
        result.finish_reason in reasons
        and bool(result.parts)
        and all(isinstance(part, kept) for part in result.parts)
    )


def dump(stored: Stored) -> bytes:
    result = stored.result
    parts = [{"kind": NAMES[type(part)], **asdict(part)} for part in result.parts]  # type: ignore[index]
    document = {
        "parts": parts,
        "finish_reason": result.finish_reason,
        "usage": asdict(result.usage),
        "model": result.model,
        "response_id": result.response_id,
        "stop_sequence": result.stop_sequence,
        "at": stored.stored_at,
        "cost": stored.cost,
        "provider": stored.provider,
        "of": stored.model,
    }
    return orjson.dumps(document)


def load(content: bytes) -> Stored:
    """Raises ValueError, KeyError or TypeError for what another version has written."""
    document = orjson.loads(content)
    result = ChatResult(
        parts=tuple(_part(row) for row in document["parts"]),
        finish_reason=document["finish_reason"],
        usage=Usage(**document["usage"]),
        model=document["model"],
        response_id=document["response_id"],
        stop_sequence=document["stop_sequence"],
    )
    return Stored(result, document["at"], document["cost"], document["provider"], document["of"])


def _part(row: dict[str, Any]) -> Part:
    kind = row.pop("kind")
    if kind == "text":
        row["citations"] = tuple(Citation(**each) for each in row["citations"])
        row["logprobs"] = tuple(
            TokenLogprob(
                each["token"], each["logprob"], tuple((t, p) for t, p in each["likeliest"])
            )
            for each in row["logprobs"]
        )
    return KEPT[kind](**row)


def events_of(result: ChatResult) -> Iterator[StreamEvent]:
    """The answer as a stream of events."""
    calls = 0
    for part in result.parts:
        match part:
            case TextPart():
                yield TextDelta(part.text, part.logprobs, part.refusal)
                for citation in part.citations:
                    yield CitationDelta(citation)
            case ReasoningPart():
                yield ReasoningDelta(part.text, part.signature, part.redacted)
            case ToolCallPart():
                yield ToolCallStart(calls, part.id, part.name, part.signature)
                yield ToolCallDelta(calls, part.arguments)
                calls += 1
    yield UsageReport(result.usage)
    yield Finished(result.finish_reason, result.model, result.response_id, result.stop_sequence)
