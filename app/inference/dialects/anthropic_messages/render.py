"""Canonical results as messages."""

from typing import Any, Final

import orjson

from app.core.ids import new_id
from app.inference.dialects.signatures import Proof, wrap
from app.inference.providers.anthropic_messages.citations import citation_row
from app.inference.providers.errors import ProviderGarbled
from app.inference.providers.types import (
    ChatResult,
    Finished,
    FinishReason,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    Usage,
)

REASONS: Final[dict[FinishReason, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
}
Block = dict[str, Any]


def render_result(result: ChatResult, model: str) -> bytes:
    """A whole message; raises ProviderGarbled for a call whose arguments are no object."""
    cut = result.finish_reason == "length"
    blocks = [block for part in result.parts for block in blocks_of(part, model, cut=cut)]
    stopped = stop_row(result.finish_reason, result.stop_sequence)
    message = opening_row(model) | {"content": blocks} | stopped
    return orjson.dumps(message | {"usage": usage_row(result.usage)})


def blocks_of(part: Part, model: str, *, cut: bool) -> list[Block]:
    match part:
        case TextPart(text=text, citations=citations):
            rows = [citation_row(citation) for citation in citations]
            return [{"type": "text", "text": text, "citations": rows or None}]
        case ReasoningPart(redacted=str(redacted)):
            return [redacted_block(redacted, model)]
        case ReasoningPart(text=text, signature=signature):
            proof = wrap(Proof(model, signature or ""))
            return [{"type": "thinking", "thinking": text, "signature": proof}]
        case ToolCallPart():
            return call_blocks(part, model, cut=cut)
    return []


def call_blocks(call: ToolCallPart, model: str, *, cut: bool) -> list[Block]:
    arguments = read_arguments(call.arguments)
    if arguments is None:
        # A call that the limit on tokens has cut was never made.
        if cut:
            return []
        raise ProviderGarbled(model, "the arguments of a tool call are not a JSON object.")
    block = {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}
    return [*proof_blocks(call.id, call.signature, model), block]


def read_arguments(text: str) -> dict[str, Any] | None:
    try:
        arguments = orjson.loads(text or "{}")
    except ValueError:
        return None
    return arguments if isinstance(arguments, dict) else None


def proof_blocks(call_id: str, signature: str | None, model: str) -> list[Block]:
    """The proof of the thinking behind a call, in the one block that clients always give back."""
    if signature is None:
        return []
    return [{"type": "redacted_thinking", "data": wrap(Proof(model, signature, call_id))}]


def redacted_block(redacted: str, model: str) -> Block:
    return {"type": "redacted_thinking", "data": wrap(Proof(model, redacted, redacted=True))}


def opening_row(model: str) -> Block:
    return {"id": f"msg_{new_id().hex}", "type": "message", "role": "assistant", "model": model}


def stop_row(reason: FinishReason, stop_sequence: str | None) -> Block:
    said = "stop_sequence" if reason == "stop" and stop_sequence else REASONS[reason]
    return {"stop_reason": said, "stop_sequence": stop_sequence if reason == "stop" else None}


def finish_row(end: Finished) -> Block:
    return stop_row(end.reason, end.stop_sequence)


def usage_row(usage: Usage) -> Block:
    """The dialect counts cached input beside the input, not inside it."""
    cached, written = usage.cached_input_tokens, usage.cache_write_tokens
    row: Block = {
        "input_tokens": max(0, usage.input_tokens - cached - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.output_tokens,
    }
    if hour := usage.hour_write_tokens:
        row["cache_creation"] = {
            "ephemeral_5m_input_tokens": written - hour,
            "ephemeral_1h_input_tokens": hour,
        }
    if usage.reasoning_tokens:
        row["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return row
