"""Short ways to a policy and to a guard, without a database."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.core.ids import new_id
from app.inference.embeddings.local import LocalEmbedder
from app.inference.guardrails.compiled import Outside, Policy
from app.inference.guardrails.compiling import compile_policy
from app.inference.guardrails.guard import Guard
from app.inference.guardrails.models import Guardrail
from app.inference.providers.types import (
    ChatRequest,
    ChatResult,
    Finished,
    Message,
    StreamEvent,
    TextDelta,
    TextPart,
    ToolCallDelta,
    Usage,
)
from app.inference.usage.payer import Payer

PAYER = Payer(UUID(int=1), UUID(int=2), "gateway")


def policy_of(*checks: dict[str, Any], name: str = "Policy") -> Policy:
    row = Guardrail(id=new_id(), version=1, name=name, applies_to={}, checks=list(checks))
    return compile_policy(row)


async def nobody(*_: object) -> Any:
    raise AssertionError("nothing outside was to be asked")


def guard_of(*checks: dict[str, Any], ask: Any = nobody, moderate: Any = nobody) -> Guard:
    return Guard(PAYER, [policy_of(*checks)], Outside(ask, moderate, LocalEmbedder()))


def asking(*texts: str, role: str = "user", **fields: Any) -> ChatRequest:
    messages = tuple(Message(role, (TextPart(text),)) for text in texts)
    return ChatRequest(model="m", messages=messages, **fields)


def said(request: ChatRequest) -> str:
    return "".join(p.text for m in request.messages for p in m.parts if isinstance(p, TextPart))


def saying(text: str) -> ChatResult:
    return ChatResult((TextPart(text),), "stop", Usage(3, 4), "m", "r")


async def heard(guard: Guard, pieces: Sequence[str], *, arguments: bool = False) -> str:
    """What a client gets of an answer that comes in these pieces."""
    answer = guard.answer()
    events: list[StreamEvent] = []
    for piece in pieces:
        event = ToolCallDelta(0, piece) if arguments else TextDelta(piece)
        events += await answer.feed(event)
    events += await answer.feed(Finished("stop", "m", "r"))
    assert isinstance(events[-1], Finished)
    return "".join(
        event.arguments if isinstance(event, ToolCallDelta) else event.text
        for event in events
        if isinstance(event, TextDelta | ToolCallDelta)
    )
