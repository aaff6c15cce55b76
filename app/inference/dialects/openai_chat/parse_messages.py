"""The messages of a Chat Completions request as canonical ones."""

import binascii
import mimetypes
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from app.inference.dialects.ask import wrong_type
from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.providers.types import (
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

KNOWN_FIELDS = {
    "system": {"role", "content"},
    "developer": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {
        "role", "content", "tool_calls", "refusal", "reasoning_content", "annotations", "audio",
        "function_call",
    },
    "tool": {"role", "content", "tool_call_id", "name"},
}  # fmt: skip
# OpenAI's SDK sends a message it was given back whole, with these standing empty.
EMPTY_IN_ANSWERS = ("annotations", "audio", "function_call")


def parse_messages(lines: list[Any]) -> tuple[Message, ...]:
    """Raises RequestInvalid and UnsupportedParameter, naming the place."""
    names: dict[str, str] = {}
    messages = []
    for number, line in enumerate(lines):
        at = f"messages[{number}]"
        if not isinstance(line, dict):
            raise wrong_type(at, "an object")
        message = parse_message(line, at, names)
        names.update((p.id, p.name) for p in message.parts if isinstance(p, ToolCallPart))
        messages.append(message)
    return tuple(messages)


def parse_message(line: dict[str, Any], at: str, names: dict[str, str]) -> Message:
    role = line.get("role")
    known = KNOWN_FIELDS.get(role) if isinstance(role, str) else None
    if known is None:
        said = f"Invalid '{at}.role': expected system, developer, user, assistant or tool."
        raise RequestInvalid(said, param=f"{at}.role", label="invalid_value")
    for field, value in line.items():
        if field not in known and value is not None:
            raise UnsupportedParameter(f"{at}.{field[:100]}")
    content, place = line.get("content"), f"{at}.content"
    match role:
        case "user":
            return Message("user", parts_of(content, place, USER_PARTS))
        case "assistant":
            return Message("assistant", parse_answer(line, at))
        case "tool":
            return Message("tool", (parse_result(line, at, names),))
    return Message("system", parts_of(content, place, TEXT_PARTS))


def parse_answer(line: dict[str, Any], at: str) -> tuple[Part, ...]:
    for field in EMPTY_IN_ANSWERS:
        if line.get(field):
            raise UnsupportedParameter(f"{at}.{field}")
    parts: list[Part] = []
    if line.get("reasoning_content"):
        reasoning = text(line["reasoning_content"], f"{at}.reasoning_content")
        parts.append(ReasoningPart(reasoning))
    if line.get("content") is not None:
        parts += parts_of(line["content"], f"{at}.content", ANSWER_PARTS)
    if line.get("refusal"):
        parts.append(TextPart(text(line["refusal"], f"{at}.refusal")))
    calls = line.get("tool_calls") or []
    if not isinstance(calls, list):
        raise wrong_type(f"{at}.tool_calls", "an array of objects")
    return (*parts, *(parse_call(c, f"{at}.tool_calls[{n}]") for n, c in enumerate(calls)))


def parse_call(call: Any, at: str) -> ToolCallPart:
    if not isinstance(call, dict) or not isinstance(call.get("function"), dict):
        raise wrong_type(at, "an object with a function")
    function = call["function"]
    signature = None
    match call.get("extra_content"):
        case {"google": {"thought_signature": str(found)}}:
            signature = found
    return ToolCallPart(
        id=text(call.get("id"), f"{at}.id"),
        name=text(function.get("name"), f"{at}.function.name"),
        arguments=text(function.get("arguments"), f"{at}.function.arguments", empty=True),
        signature=signature,
        dialect="gemini" if signature else None,
    )


def parse_result(line: dict[str, Any], at: str, names: dict[str, str]) -> ToolResultPart:
    call_id = text(line.get("tool_call_id"), f"{at}.tool_call_id")
    if call_id not in names:
        said = f"Invalid '{at}.tool_call_id': no message before it holds a call of that id."
        raise RequestInvalid(said, param=f"{at}.tool_call_id", label="invalid_value")
    parts = parts_of(line.get("content"), f"{at}.content", TEXT_PARTS)
    content = "".join(part.text for part in parts if isinstance(part, TextPart))
    return ToolResultPart(call_id, names[call_id], content)


PartParser = Callable[[dict[str, Any], str], Part]


def parts_of(content: Any, at: str, parsers: dict[str, PartParser]) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (TextPart(content),)
    if not isinstance(content, list):
        raise wrong_type(at, "a string or an array of content parts")
    parts = []
    for number, part in enumerate(content):
        place = f"{at}[{number}]"
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise wrong_type(place, "an object with a type")
        parser = parsers.get(part["type"])
        if parser is None:
            raise UnsupportedParameter(f"{place}.type", f"'{part['type'][:40]}' is not supported.")
        parts.append(parser(part, place))
    return tuple(parts)


def parse_text(part: dict[str, Any], at: str) -> Part:
    return TextPart(text(part.get("text"), f"{at}.text", empty=True))


def parse_refusal(part: dict[str, Any], at: str) -> Part:
    return TextPart(text(part.get("refusal"), f"{at}.refusal", empty=True))


def parse_image(part: dict[str, Any], at: str) -> Part:
    image = part.get("image_url")
    if not isinstance(image, dict):
        raise wrong_type(f"{at}.image_url", "an object")
    if image.get("detail") not in (None, "auto"):
        raise UnsupportedParameter(f"{at}.image_url.detail")
    url = text(image.get("url"), f"{at}.image_url.url")
    if not url.startswith("data:"):
        guessed, _ = mimetypes.guess_type(url.partition("?")[0])
        return ImagePart(guessed or "image/jpeg", url=url)
    head, _, encoded = url[5:].partition(",")
    media_type, _, coding = head.partition(";")
    try:
        if coding != "base64" or not media_type.startswith("image/"):
            raise ValueError
        return ImagePart(media_type, data=b64decode(encoded, validate=True))
    except (ValueError, binascii.Error):
        said = f"Invalid '{at}.image_url.url': expected an image as base64 in a data URL."
        raise RequestInvalid(said, param=f"{at}.image_url.url", label="invalid_value") from None


def text(value: Any, at: str, *, empty: bool = False) -> str:
    if value is None:
        said = f"Missing required parameter: '{at}'."
        raise RequestInvalid(said, param=at, label="missing_required_parameter")
    if not isinstance(value, str):
        raise wrong_type(at, "a string")
    if not value and not empty:
        raise RequestInvalid(f"Invalid '{at}': empty string.", param=at, label="empty_string")
    return value


TEXT_PARTS: dict[str, PartParser] = {"text": parse_text}
USER_PARTS: dict[str, PartParser] = {"text": parse_text, "image_url": parse_image}
ANSWER_PARTS: dict[str, PartParser] = {"text": parse_text, "refusal": parse_refusal}
