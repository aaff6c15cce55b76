"""Canonical results as GenerateContentResponse objects."""

from collections.abc import Iterator
from typing import Any, Final

import orjson

from app.core.ids import new_id
from app.inference.dialects.gemini.sources import Sources, logprobs_row
from app.inference.dialects.signatures import Proof, wrap
from app.inference.providers.errors import ProviderGarbled
from app.inference.providers.types import (
    ChatResult,
    FinishReason,
    Part,
    ReasoningPart,
    TextPart,
    TokenLogprob,
    ToolCallPart,
    Usage,
)

REASONS: Final[dict[FinishReason, str]] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
}
Row = dict[str, Any]


def render_result(result: ChatResult, model: str) -> bytes:
    """A whole response; raises ProviderGarbled for a call whose arguments are no object."""
    sources = Sources()
    logprobs: tuple[TokenLogprob, ...] = ()
    for part in result.parts:
        if isinstance(part, TextPart):
            sources.add(part.text)
            logprobs += part.logprobs
            for citation in part.citations:
                sources.cite(citation)
    cut = result.finish_reason == "length"
    rows = [row for part in result.parts for row in part_rows(part, model, cut=cut)]
    told = sources.metadata() | logprobs_row(logprobs)
    candidate = candidate_row(rows) | {"finishReason": REASONS[result.finish_reason]} | told
    identity = {"modelVersion": model, "responseId": new_id().hex}
    usage = {"usageMetadata": usage_row(result.usage)}
    return orjson.dumps({"candidates": [candidate]} | usage | identity)


def candidate_row(parts: list[Row]) -> Row:
    return {"content": {"parts": parts, "role": "model"}, "index": 0}


def part_rows(part: Part, model: str, *, cut: bool) -> Iterator[Row]:
    match part:
        case TextPart(text=text):
            yield {"text": text}
        case ReasoningPart(redacted=str(redacted)):
            yield redacted_row(redacted, model)
        case ReasoningPart(text=text, signature=signature):
            yield thought_row(text, signature, model)
        case ToolCallPart():
            arguments = read_arguments(part.arguments)
            if arguments is not None:
                yield call_row(part.id, part.name, arguments, part.signature, model)
            elif not cut:
                # A call that the limit on tokens has cut was never made; any other is garbage.
                said = "the arguments of a tool call are not a JSON object."
                raise ProviderGarbled(model, said)


def read_arguments(text: str) -> Row | None:
    try:
        arguments = orjson.loads(text or "{}")
    except ValueError:
        return None
    return arguments if isinstance(arguments, dict) else None


def call_row(call_id: str, name: str, arguments: Row, signature: str | None, model: str) -> Row:
    # One that nobody signed says so, since a model of Google's would ask for its signature.
    proof = wrap(Proof(model, signature or ""))
    called = {"id": call_id, "name": name, "args": arguments}
    return {"functionCall": called, "thoughtSignature": proof}


def thought_row(text: str, signature: str | None, model: str) -> Row:
    # A signature that stands alone is, with Google, one of the text before it.
    row: Row = {"text": text, "thought": True} if text else {"text": ""}
    return row | {"thoughtSignature": wrap(Proof(model, signature))} if signature else row


def redacted_row(redacted: str, model: str) -> Row:
    proof = wrap(Proof(model, redacted, redacted=True))
    return {"text": "", "thought": True, "thoughtSignature": proof}


def usage_row(usage: Usage) -> Row:
    """The dialect counts thoughts beside the candidates, not inside them."""
    row: Row = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": max(0, usage.output_tokens - usage.reasoning_tokens),
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
    }
    if usage.cached_input_tokens:
        row["cachedContentTokenCount"] = usage.cached_input_tokens
    if usage.reasoning_tokens:
        row["thoughtsTokenCount"] = usage.reasoning_tokens
    return row
