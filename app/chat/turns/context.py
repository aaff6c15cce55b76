"""What a model is shown of a conversation: the branch, within its context window."""

import base64
from collections.abc import Iterable, Sequence
from typing import Any

from app.agents.context.history import History, Shown
from app.agents.context.summary import Summary, below
from app.agents.definitions.definition import Compaction
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


def said_in(branch: Sequence[Message]) -> list[Message]:
    """The messages of a branch that a model can be shown: not those that have nothing to show."""
    return [message for message in branch if any(True for _ in _parts(message.parts))]


def history_of(branch: Sequence[Message], compaction: Compaction) -> History:
    """What was said on a branch, with the newest summary that is kept of it where one is wanted."""
    said = said_in(branch)
    summary = None
    if compaction.kind == "summary":
        kept = ((place, message.summary) for place, message in enumerate(said, 1))
        for place, made in kept:
            if made is not None:
                summary = Summary(made["text"], place, made["model"])
    return History(tuple(map(_prompt, said)), len(said) - 1, compaction, summary)


def around(instructions: str, partial: str) -> tuple[PromptMessage, ...]:
    """What a request has beside the history: the head, and an answer that was begun and lost."""
    head = (PromptMessage("system", (TextPart(instructions),)),) if instructions else ()
    return (*head, *_tail(partial))


def build_request(
    target: Target,
    instructions: str,
    shown: Shown,
    parameters: dict[str, Any],
    partial: str,
) -> ChatRequest:
    """The request for the next answer to what is shown, whose last message is the user's.

    With `partial`, an answer that was begun and lost, the model is asked to go on from there.
    """
    system = below(instructions, shown.summary)
    head = (PromptMessage("system", (TextPart(system),)),) if system else ()
    return ChatRequest(
        model=target.model,
        messages=(*head, *shown.messages, *_tail(partial)),
        temperature=parameters.get("temperature"),
        top_p=parameters.get("top_p"),
        max_output_tokens=parameters.get("max_output_tokens"),
        reasoning_effort=parameters.get("reasoning_effort"),
        seed=parameters.get("seed"),
        stop=tuple(parameters.get("stop") or ()),
    )


def _tail(partial: str) -> tuple[PromptMessage, ...]:
    if not partial:
        return ()
    return (
        PromptMessage("assistant", (TextPart(partial),)),
        PromptMessage("user", (TextPart(CONTINUE_PROMPT),)),
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
