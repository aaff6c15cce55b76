"""What a model is shown of a conversation: the branch, within its context window."""

import base64
from collections.abc import Iterable, Sequence
from typing import Any

from app.agents.context.window import fit, room_of
from app.chat.messages.models import Message
from app.inference.integrations.directory import Target
from app.inference.providers.types import (
    CONTINUE_PROMPT,
    ChatRequest,
    ImagePart,
    Part,
    TextPart,
)
from app.inference.providers.types import Message as PromptMessage
from app.inference.usage.service import estimate_input


def build_request(
    target: Target,
    instructions: str,
    branch: Sequence[Message],
    parameters: dict[str, Any],
    partial: str,
) -> ChatRequest:
    """The request for the next answer on `branch`, whose last message is the user's.

    With `partial`, an answer that was begun and lost, the model is asked to go on from there.
    """
    head = (PromptMessage("system", (TextPart(instructions),)),) if instructions else ()
    tail: tuple[PromptMessage, ...] = ()
    if partial:
        tail = (
            PromptMessage("assistant", (TextPart(partial),)),
            PromptMessage("user", (TextPart(CONTINUE_PROMPT),)),
        )
    shown = [m for m in map(_prompt, branch) if m.parts]
    limit = parameters.get("max_output_tokens")
    kept = fit(shown, room_of(target, limit) - estimate_input((*head, *tail))).messages
    return ChatRequest(
        model=target.model,
        messages=(*head, *kept, *tail),
        temperature=parameters.get("temperature"),
        top_p=parameters.get("top_p"),
        max_output_tokens=limit,
        reasoning_effort=parameters.get("reasoning_effort"),
        seed=parameters.get("seed"),
        stop=tuple(parameters.get("stop") or ()),
    )


def _prompt(message: Message) -> PromptMessage:
    parts = tuple(_parts(message.parts))
    return PromptMessage("user" if message.role == "user" else "assistant", parts)


def _parts(parts: Iterable[dict[str, Any]]) -> Iterable[Part]:
    # A model's own reasoning is for the reader; providers want none of it back in a plain chat.
    for part in parts:
        if part["type"] == "text" and part["text"]:
            yield TextPart(part["text"])
        elif part["type"] == "image":
            data = base64.b64decode(part["data"]) if part.get("data") else None
            yield ImagePart(part["media_type"], data, part.get("url"))
