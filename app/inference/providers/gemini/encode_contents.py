"""Messages and their parts as the contents of a generateContent body."""

import re
from base64 import b64encode
from typing import Any, Final

import orjson

from app.inference.providers.codec import Unsupported
from app.inference.providers.types import (
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

DIALECT: Final = "gemini"
# From Gemini 3 on a turn's first call must come back with its signature; this one stands, by
# Google's own documentation, for a call that another model made.
CHECKS_SIGNATURES: Final = re.compile(r"gemini-([3-9]|\d\d)")
FOREIGN_SIGNATURE: Final = "skip_thought_signature_validator"
Row = dict[str, Any]


def encode_contents(messages: tuple[Message, ...], model: str) -> list[Row]:
    contents: list[Row] = []
    for message in messages:
        if message.role == "system":
            continue
        role = "model" if message.role == "assistant" else "user"
        parts = [encoded for part in message.parts for encoded in encode_part(part, message.role)]
        if role == "model" and CHECKS_SIGNATURES.search(model):
            sign_first_call(parts)
        if not parts:
            continue
        # Results of parallel calls belong into one turn.
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    return contents


def sign_first_call(parts: list[Row]) -> None:
    first = next((part for part in parts if "functionCall" in part), None)
    if first is not None:
        first.setdefault("thoughtSignature", FOREIGN_SIGNATURE)


def encode_part(part: Part, role: Role) -> list[Row]:
    match role, part:
        case "user" | "assistant", TextPart(text=text):
            return [{"text": text}] if text else []
        case "user", ImagePart() | FilePart():
            return [encode_media(part)]
        case "assistant", ReasoningPart():
            return encode_reasoning(part)
        case "assistant", ToolCallPart():
            return [encode_call(part)]
        case "tool", ToolResultPart():
            return [encode_result(part)]
    raise Unsupported(f"{DIALECT} takes no {type(part).__name__} in a {role} message.")


def encode_media(part: ImagePart | FilePart) -> Row:
    if isinstance(part, FilePart) and part.cited:
        raise Unsupported(f"{DIALECT} cannot be asked for citations out of a file.")
    if part.data is not None:
        encoded = b64encode(part.data).decode()
        return {"inlineData": {"mimeType": part.media_type, "data": encoded}}
    if part.url is None:
        raise Unsupported("an image or a file needs its bytes or its address.")
    return {"fileData": {"mimeType": part.media_type, "fileUri": part.url}}


def encode_reasoning(part: ReasoningPart) -> list[Row]:
    """A thought goes back only with its signature, where that stood on no call or text."""
    if part.signature is None or part.dialect != DIALECT:
        return []
    row: Row = {"text": part.text, "thoughtSignature": part.signature}
    return [row | {"thought": True} if part.text else row]


def encode_call(part: ToolCallPart) -> Row:
    try:
        arguments = orjson.loads(part.arguments or "{}")
    except ValueError:
        raise Unsupported(f"the arguments of the call {part.id} are not JSON.") from None
    encoded: Row = {"functionCall": {"id": part.id, "name": part.name, "args": arguments}}
    if part.signature is not None and part.dialect in (None, DIALECT):
        encoded["thoughtSignature"] = part.signature
    return encoded


def encode_result(part: ToolResultPart) -> Row:
    response = {"error": part.content} if part.is_error else as_object(part.content)
    result: Row = {"id": part.call_id, "name": part.name, "response": response}
    if part.attachments:
        result["parts"] = [encode_media(found) for found in part.attachments]
    return {"functionResponse": result}


def as_object(content: str) -> dict[str, Any]:
    """Wrap a tool's text that is no object; the dialect takes nothing else."""
    try:
        document = orjson.loads(content)
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {"output": content}
