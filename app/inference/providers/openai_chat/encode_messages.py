"""Canonical messages as those of Chat Completions."""

from base64 import b64encode
from typing import Any

from app.inference.providers.codec import Unsupported, text_of
from app.inference.providers.types import (
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
    """Hints to cache a prompt are left out: servers of this dialect do so by themselves."""
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
        return {"role": "system", "content": text_of(message, DIALECT)}
    if message.role == "assistant":
        return encode_assistant(message, returns_reasoning)
    return {"role": "user", "content": encode_user(message)}


def encode_user(message: Message) -> str | list[dict[str, Any]]:
    if len(message.parts) == 1 and isinstance(message.parts[0], TextPart):
        return message.parts[0].text
    return [encode_content(part) for part in message.parts]


def encode_content(part: Part) -> dict[str, Any]:
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
    line: dict[str, Any] = {"role": "assistant", "content": "".join(text) or None}
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
    return {"role": "tool", "tool_call_id": part.call_id, "content": content}


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
