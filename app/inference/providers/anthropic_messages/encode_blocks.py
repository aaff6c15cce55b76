"""Messages and their parts as the blocks of a Messages body."""

from base64 import b64encode
from typing import Any, Final

import orjson

from app.inference.providers.anthropic_messages.citations import citation_row
from app.inference.providers.codec import Unsupported
from app.inference.providers.types import (
    CacheHint,
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

DIALECT: Final = "anthropic_messages"
ROLES: Final[dict[Role, str]] = {"user": "user", "tool": "user", "assistant": "assistant"}
PDF: Final = "application/pdf"
Block = dict[str, Any]


def encode_system(messages: tuple[Message, ...]) -> str | list[Block] | None:
    """The instructions as one text, or as blocks where one of them is to be cached."""
    parts: list[TextPart] = []
    for message in messages:
        if message.role != "system":
            continue
        for part in message.parts:
            if not isinstance(part, TextPart):
                raise Unsupported(f"{DIALECT} takes no {type(part).__name__} in a system message.")
            if part.text:
                parts.append(part)
    if any(part.cache for part in parts):
        return [cached({"type": "text", "text": part.text}, part.cache) for part in parts]
    return "\n\n".join(part.text for part in parts) or None


def encode_messages(messages: tuple[Message, ...]) -> list[Block]:
    lines: list[Block] = []
    for message in messages:
        if message.role == "system":
            continue
        role = ROLES[message.role]
        blocks = [block for part in message.parts for block in encode_part(part, message.role)]
        if not blocks:
            continue
        # Results of parallel calls, and the user's words after them, belong into one turn.
        if lines and lines[-1]["role"] == role:
            lines[-1]["content"] += blocks
        else:
            lines.append({"role": role, "content": blocks})
    return lines


def encode_part(part: Part, role: Role) -> list[Block]:
    match role, part:
        case "user" | "assistant", TextPart():
            return encode_text(part)
        case "user", ImagePart() | FilePart():
            return [encode_attachment(part)]
        case "assistant", ReasoningPart():
            return encode_reasoning(part)
        case "assistant", ToolCallPart():
            return [encode_call(part)]
        case "tool", ToolResultPart():
            return [encode_result(part)]
    raise Unsupported(f"{DIALECT} takes no {type(part).__name__} in a {role} message.")


def encode_text(part: TextPart) -> list[Block]:
    # The dialect refuses empty text.
    if not part.text:
        return []
    block: Block = {"type": "text", "text": part.text}
    # Only what names one of the request's documents can go back with the answer it stood in.
    citations = [citation_row(found) for found in part.citations if found.document is not None]
    return [cached(block | {"citations": citations} if citations else block, part.cache)]


def encode_attachment(part: ImagePart | FilePart) -> Block:
    if isinstance(part, ImagePart):
        return cached({"type": "image", "source": source_of(part)}, part.cache)
    block: Block = {"type": "document", "source": document_source(part)}
    if part.name is not None:
        block["title"] = part.name
    if part.cited:
        block["citations"] = {"enabled": True}
    return cached(block, part.cache)


def source_of(part: ImagePart | FilePart) -> Block:
    if part.data is not None:
        encoded = b64encode(part.data).decode()
        return {"type": "base64", "media_type": part.media_type, "data": encoded}
    if part.url is None:
        raise Unsupported("an image or a file needs its bytes or its address.")
    return {"type": "url", "url": part.url}


def document_source(part: FilePart) -> Block:
    if part.media_type == PDF:
        return source_of(part)
    if part.media_type.startswith("text/") and part.data is not None:
        try:
            text = part.data.decode()
        except UnicodeDecodeError:
            raise Unsupported(f"{DIALECT} takes text files in UTF-8 only.") from None
        return {"type": "text", "media_type": "text/plain", "data": text}
    given = "by its bytes" if part.data is not None else "by its address"
    raise Unsupported(f"{DIALECT} takes no file of type {part.media_type[:100]} {given}.")


def encode_call(part: ToolCallPart) -> Block:
    try:
        arguments = orjson.loads(part.arguments or "{}")
    except ValueError:
        raise Unsupported(f"the arguments of the call {part.id} are not JSON.") from None
    call = {"type": "tool_use", "id": part.id, "name": part.name, "input": arguments}
    return cached(call, part.cache)


def encode_result(part: ToolResultPart) -> Block:
    block: Block = {"type": "tool_result", "tool_use_id": part.call_id}
    if part.attachments:
        text = [{"type": "text", "text": part.content}] if part.content else []
        block["content"] = [*text, *(encode_attachment(found) for found in part.attachments)]
    elif part.content:
        block["content"] = part.content
    return cached(block | {"is_error": True} if part.is_error else block, part.cache)


def encode_reasoning(part: ReasoningPart) -> list[Block]:
    if part.dialect not in (None, DIALECT):
        return []
    if part.redacted is not None:
        return [{"type": "redacted_thinking", "data": part.redacted}]
    if part.signature is None:
        # Thinking that nobody signed is refused, and no word of the user's is lost without it.
        return []
    return [{"type": "thinking", "thinking": part.text, "signature": part.signature}]


def cached(block: Block, hint: CacheHint | None) -> Block:
    """Mark a block as the end of what is to be remembered; five minutes are the default.

    OpenAI's half an hour is the least; the hour is the next that there is.
    """
    if hint is None:
        return block
    control = {"type": "ephemeral"} if hint == "5m" else {"type": "ephemeral", "ttl": "1h"}
    return block | {"cache_control": control}
