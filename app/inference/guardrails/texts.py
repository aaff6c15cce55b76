"""The texts of a request and of an answer, and the same with other texts in their place."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from app.inference.providers.types import (
    ChatRequest,
    FilePart,
    Message,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

Rewriting = Callable[[str], str]
ByRole = Callable[[str, Role], str]


def rewrite(request: ChatRequest, by: ByRole) -> ChatRequest:
    """The request with every text rewritten; what stays the same keeps its identity."""
    messages = tuple(_rewrite_message(message, by) for message in request.messages)
    if all(new is old for new, old in zip(messages, request.messages, strict=True)):
        return request
    return replace(request, messages=messages)


def _rewrite_message(message: Message, by: ByRole) -> Message:
    def here(text: str) -> str:
        return by(text, message.role)

    parts = rewrite_parts(message.parts, here, here)
    return message if parts is message.parts else replace(message, parts=parts)


def rewrite_parts(
    parts: tuple[Part, ...], text: Rewriting, arguments: Rewriting
) -> tuple[Part, ...]:
    """The parts with their texts, and with the arguments of tool calls, rewritten."""
    made = tuple(_rewrite_part(part, text, arguments) for part in parts)
    return parts if all(new is old for new, old in zip(made, parts, strict=True)) else made


def _rewrite_part(part: Part, text: Rewriting, arguments: Rewriting) -> Part:
    match part:
        case TextPart() if (new := text(part.text)) != part.text:
            # Places in the text, and its tokens, are those of another text now.
            return replace(part, text=new, citations=(), logprobs=())
        case ReasoningPart() if part.text and (new := text(part.text)) != part.text:
            # A signature is for the very text that was signed.
            return replace(part, text=new, signature=None)
        case ToolCallPart() if (new := arguments(part.arguments)) != part.arguments:
            return replace(part, arguments=new)
        case ToolResultPart():
            return _rewrite_result(part, text)
        case FilePart(data=bytes()) if part.media_type.startswith("text/"):
            return _rewrite_file(part, text)
    return part


def _rewrite_result(part: ToolResultPart, text: Rewriting) -> ToolResultPart:
    content = text(part.content)
    attachments = tuple(
        _rewrite_file(each, text) if isinstance(each, FilePart) else each
        for each in part.attachments
    )
    if content == part.content and attachments == part.attachments:
        return part
    return replace(part, content=content, attachments=attachments)


def _rewrite_file(part: FilePart, text: Rewriting) -> FilePart:
    if part.data is None or not part.media_type.startswith("text/"):
        return part
    written = part.data.decode(errors="replace")
    new = text(written)
    return part if new == written else replace(part, data=new.encode())


def texts_of(messages: tuple[Message, ...]) -> Iterator[str]:
    for message in messages:
        for part in message.parts:
            yield from _texts_of(part)


def _texts_of(part: Part) -> Iterator[str]:
    match part:
        case TextPart() | ReasoningPart():
            yield part.text
        case ToolCallPart():
            yield part.arguments
        case ToolResultPart():
            yield part.content
        case FilePart(data=bytes() as data) if part.media_type.startswith("text/"):
            yield data.decode(errors="replace")


def new_messages(request: ChatRequest) -> tuple[Message, ...]:
    """What a request adds to a conversation: what stands behind the model's last answer."""
    messages = request.messages
    for at in range(len(messages) - 1, -1, -1):
        if messages[at].role == "assistant":
            return messages[at + 1 :]
    return tuple(message for message in messages if message.role != "system")
