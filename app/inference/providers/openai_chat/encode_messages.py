"""Canonical messages as those of Chat Completions."""

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

from app.inference.providers.codec import Unsupported, text_of
from app.inference.providers.types import (
    CacheHint,
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

DIALECT = "openai_chat"
MARKED: CacheHint = "30m"
# What the dialect calls the sound formats that it takes.
SOUNDS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}


def encode_messages(
    messages: tuple[Message, ...], *, returns_reasoning: bool
) -> list[dict[str, Any]]:
    """Hints to cache a prompt are left out, but OpenAI's own: others do so by themselves."""
    lines: list[dict[str, Any]] = []
    attached: list[dict[str, Any]] = []
    for message in messages:
        if message.role == "tool":
            for part in message.parts:
                lines.append(encode_result(part))
                attached += encode_attachments(part)
            continue
        if attached:
            lines.append({"role": "user", "content": attached})
            attached = []
        lines.append(encode_message(message, returns_reasoning))
    return [*lines, {"role": "user", "content": attached}] if attached else lines


def encode_message(message: Message, returns_reasoning: bool) -> dict[str, Any]:
    if message.role == "system":
        text = text_of(message, DIALECT)
        return {"role": "system", "content": marked(message.parts) or text}
    if message.role == "assistant":
        return encode_assistant(message, returns_reasoning)
    return {"role": "user", "content": encode_user(message)}


def encode_user(message: Message) -> str | list[dict[str, Any]]:
    first = message.parts[0] if len(message.parts) == 1 else None
    if isinstance(first, TextPart) and first.cache != MARKED:
        return first.text
    return [encode_content(part) for part in message.parts]


def marked(parts: Iterable[Part]) -> list[dict[str, Any]] | None:
    """Texts apart, where OpenAI is told up to which of them to remember; None elsewhere."""
    texts = [part for part in parts if isinstance(part, TextPart)]
    if all(part.cache != MARKED for part in texts):
        return None
    return [encode_content(part) for part in texts]


def encode_content(part: Part) -> dict[str, Any]:
    row = encode_part(part)
    hint = getattr(part, "cache", None)
    return row | {"prompt_cache_breakpoint": {"mode": "explicit"}} if hint == MARKED else row


def encode_part(part: Part) -> dict[str, Any]:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ImagePart():
            image = {"url": image_url(part)}
            if part.detail is not None:
                image["detail"] = part.detail
            return {"type": "image_url", "image_url": image}
        case FilePart():
            return encode_file(part)
    raise Unsupported(f"{DIALECT} takes no {type(part).__name__} in a user message.")


def encode_file(part: FilePart) -> dict[str, Any]:
    if part.cited:
        raise Unsupported(f"{DIALECT} gives no `citations` out of a document.")
    if part.data is None:
        raise Unsupported(f"{DIALECT} takes a file by its bytes, not by its address (`url`).")
    encoded = b64encode(part.data).decode()
    if part.media_type.startswith("audio/"):
        sound = SOUNDS.get(part.media_type)
        if sound is None:
            raise Unsupported(f"{DIALECT} takes sound as wav or mp3, not as {part.media_type}.")
        return {"type": "input_audio", "input_audio": {"data": encoded, "format": sound}}
    name = part.name or f"document.{part.media_type.rpartition('/')[2][:20]}"
    data_url = f"data:{part.media_type};base64,{encoded}"
    return {"type": "file", "file": {"filename": name, "file_data": data_url}}


def encode_assistant(message: Message, returns_reasoning: bool) -> dict[str, Any]:
    text, reasoning, calls = [], [], []
    for part in message.parts:
        match part:
            case TextPart():
                text.append(part.text)
            case ReasoningPart():
                # Earlier reasoning is the model's own scratch paper: the dialect has no place
                # for it, and nothing the user said is lost with it.
                reasoning.append(part.text)
            case ToolCallPart():
                function = {"name": part.name, "arguments": part.arguments}
                calls.append({"id": part.id, "type": "function", "function": function})
            case _:
                raise Unsupported(
                    f"{DIALECT} takes no {type(part).__name__} in an assistant message."
                )
    said = marked(message.parts) or "".join(text) or None
    line: dict[str, Any] = {"role": "assistant", "content": said}
    if calls:
        line["tool_calls"] = calls
        if returns_reasoning and reasoning:
            line["reasoning_content"] = "".join(reasoning)
    elif not text:
        line["content"] = ""
    return line


def encode_result(part: Part) -> dict[str, Any]:
    if not isinstance(part, ToolResultPart):
        raise Unsupported(f"{DIALECT} takes no {type(part).__name__} in a tool message.")
    content = f"Error: {part.content}" if part.is_error else part.content
    said = marked([TextPart(content, cache=part.cache)]) or content
    return {"role": "tool", "tool_call_id": part.call_id, "content": said}


def encode_attachments(part: Part) -> list[dict[str, Any]]:
    """What came beside a tool's text, for a user's message: a tool's own holds nothing but text."""
    if not isinstance(part, ToolResultPart) or not part.attachments:
        return []
    told = f"Attached to the result of the call {part.call_id} of {part.name}:"
    return [{"type": "text", "text": told}, *(encode_content(each) for each in part.attachments)]


def image_url(part: ImagePart) -> str:
    if part.data is not None:
        return f"data:{part.media_type};base64,{b64encode(part.data).decode()}"
    if part.url is None:
        raise Unsupported("an image needs its bytes or its address.")
    return part.url
