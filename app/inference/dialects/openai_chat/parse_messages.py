"""The messages of a Chat Completions request as canonical ones."""

from dataclasses import replace
from typing import Any

from app.inference.dialects.ask import wrong_type
from app.inference.dialects.checks import expect_known, text
from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.dialects.openai_chat.citations import citations_of
from app.inference.dialects.openai_chat.parse_parts import (
    ANSWER_PARTS,
    TEXT_PARTS,
    USER_PARTS,
    Whereto,
    parts_of,
)
from app.inference.dialects.openai_chat.thinking import FIELD, parse_blocks
from app.inference.providers.types import (
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
        "function_call", FIELD,
    },
    "tool": {"role", "content", "tool_call_id", "name"},
}  # fmt: skip
# OpenAI's SDK sends a message it was given back whole, with these standing empty.
EMPTY_IN_ANSWERS = ("audio", "function_call")


def parse_messages(lines: list[Any], whereto: Whereto) -> tuple[Message, ...]:
    """Raises RequestInvalid and UnsupportedParameter, naming the place."""
    names: dict[str, str] = {}
    messages = []
    for number, line in enumerate(lines):
        at = f"messages[{number}]"
        if not isinstance(line, dict):
            raise wrong_type(at, "an object")
        message = parse_message(line, at, names, whereto)
        names.update((p.id, p.name) for p in message.parts if isinstance(p, ToolCallPart))
        messages.append(message)
    return tuple(messages)


def parse_message(
    line: dict[str, Any], at: str, names: dict[str, str], whereto: Whereto
) -> Message:
    role = line.get("role")
    known = KNOWN_FIELDS.get(role) if isinstance(role, str) else None
    if known is None:
        said = f"Invalid '{at}.role': expected system, developer, user, assistant or tool."
        raise RequestInvalid(said, param=f"{at}.role", label="invalid_value")
    expect_known(line, known, f"{at}.")
    content, place = line.get("content"), f"{at}.content"
    match role:
        case "user":
            return Message("user", parts_of(content, place, USER_PARTS, whereto))
        case "assistant":
            return Message("assistant", parse_answer(line, at, whereto))
        case "tool":
            return Message("tool", (parse_result(line, at, names, whereto),))
    return Message("system", parts_of(content, place, TEXT_PARTS, whereto))


def parse_answer(line: dict[str, Any], at: str, whereto: Whereto) -> tuple[Part, ...]:
    for field in EMPTY_IN_ANSWERS:
        if line.get(field):
            raise UnsupportedParameter(f"{at}.{field}")
    parts: list[Part] = []
    if line.get(FIELD) and whereto.target is not None:
        parts += parse_blocks(line[FIELD], f"{at}.{FIELD}", whereto.target)
    elif line.get("reasoning_content"):
        reasoning = text(line["reasoning_content"], f"{at}.reasoning_content")
        parts.append(ReasoningPart(reasoning))
    if line.get("content") is not None:
        content = parts_of(line["content"], f"{at}.content", ANSWER_PARTS, whereto)
        parts += with_citations(content, citations_of(line.get("annotations"), f"{at}.annotations"))
    if line.get("refusal"):
        parts.append(TextPart(text(line["refusal"], f"{at}.refusal")))
    calls = line.get("tool_calls") or []
    if not isinstance(calls, list):
        raise wrong_type(f"{at}.tool_calls", "an array of objects")
    return (*parts, *(parse_call(c, f"{at}.tool_calls[{n}]") for n, c in enumerate(calls)))


def with_citations(parts: tuple[Part, ...], citations: tuple[Any, ...]) -> tuple[Part, ...]:
    """The citations with the last text, which is the only one in an answer that was given."""
    if citations and parts and isinstance(parts[-1], TextPart):
        return (*parts[:-1], replace(parts[-1], citations=citations))
    return parts


def parse_call(call: Any, at: str) -> ToolCallPart:
    if isinstance(call, dict) and call.get("type", "function") != "function":
        raise UnsupportedParameter(f"{at}.type", "must be 'function' with this model.")
    if not isinstance(call, dict) or not isinstance(call.get("function"), dict):
        raise wrong_type(at, "an object with a function")
    function = call["function"]
    signature = signature_of(call)
    return ToolCallPart(
        id=text(call.get("id"), f"{at}.id"),
        name=text(function.get("name"), f"{at}.function.name"),
        arguments=text(function.get("arguments"), f"{at}.function.arguments", empty=True),
        signature=signature,
        dialect="gemini" if signature else None,
    )


def signature_of(call: dict[str, Any]) -> str | None:
    """A call's signature where Google's own OpenAI surface has it."""
    match call.get("extra_content"):
        case {"google": {"thought_signature": str(found)}}:
            return found
    return None


def parse_result(
    line: dict[str, Any], at: str, names: dict[str, str], whereto: Whereto
) -> ToolResultPart:
    call_id = text(line.get("tool_call_id"), f"{at}.tool_call_id")
    if call_id not in names:
        said = f"Invalid '{at}.tool_call_id': no message before it holds a call of that id."
        raise RequestInvalid(said, param=f"{at}.tool_call_id", label="invalid_value")
    parts = parts_of(line.get("content"), f"{at}.content", TEXT_PARTS, whereto)
    texts = [part for part in parts if isinstance(part, TextPart)]
    hint = texts[-1].cache if texts else None
    return ToolResultPart(call_id, names[call_id], "".join(part.text for part in texts), cache=hint)
