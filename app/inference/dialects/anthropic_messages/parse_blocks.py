"""The system prompt and the messages of a Messages request as canonical messages."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any, Final

import orjson

from app.inference.dialects.anthropic_messages.sources import (
    cache_hint,
    parse_document,
    parse_image,
)
from app.inference.dialects.ask import wrong_type
from app.inference.dialects.checks import expect_known, flag, invalid, mapping, rows, text
from app.inference.dialects.errors import UnsupportedParameter
from app.inference.dialects.signatures import Given, given
from app.inference.integrations.directory import Target
from app.inference.providers.anthropic_messages.citations import read_citations
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

NAME: Final = "anthropic_messages"
MESSAGE_FIELDS: Final = frozenset({"role", "content"})
TEXT_FIELDS: Final = frozenset({"type", "text", "cache_control", "citations"})
CALL_FIELDS: Final = frozenset({"type", "id", "name", "input", "cache_control"})
RESULT_FIELDS: Final = frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"})
DIRECT: Final = {"caller": ({"type": "direct"},)}
Blocks = list[tuple[str, dict[str, Any]]]


def parse_system(value: Any) -> tuple[Message, ...]:
    parts = tuple(parse_text(block, at) for at, block in blocks_of(value, "system"))
    said = tuple(part for part in parts if part.text)
    return (Message("system", said),) if said else ()


def parse_messages(lines: Any, automatic: CacheHint | None, target: Target) -> tuple[Message, ...]:
    """`automatic` is the cache hint that is the last block's; raises RequestInvalid."""
    names: dict[str, str] = {}
    messages: list[Message] = []
    for number, line in enumerate(rows(lines, "messages")):
        at = f"messages.{number}"
        expect_known(line, MESSAGE_FIELDS, f"{at}.")
        found = parse_message(line, at, names, target)
        names.update((p.id, p.name) for m in found for p in m.parts if isinstance(p, ToolCallPart))
        messages += found
    if automatic is not None:
        hint_last(messages, automatic)
    return tuple(messages)


def parse_message(
    line: dict[str, Any], at: str, names: dict[str, str], target: Target
) -> list[Message]:
    """A turn as messages; results of tools stand in messages of their own."""
    if line.get("content") is None:
        text(None, f"{at}.content")
    blocks = blocks_of(line["content"], f"{at}.content")
    match line.get("role"):
        case "assistant":
            return [Message("assistant", parse_answer(blocks, target))]
        case "user":
            return list(parse_turn(blocks, names))
        case "system":
            return [Message("system", tuple(parse_text(block, place) for place, block in blocks))]
    raise invalid(f"{at}.role", "expected 'user', 'assistant' or 'system'")


def parse_turn(blocks: Blocks, names: dict[str, str]) -> Iterator[Message]:
    for is_result, run in groupby(blocks, lambda found: found[1]["type"] == "tool_result"):
        if is_result:
            for at, block in run:
                yield Message("tool", (parse_result(block, at, names),))
        else:
            yield Message("user", tuple(parse_content(block, at) for at, block in run))


def parse_content(block: dict[str, Any], at: str) -> TextPart | ImagePart | FilePart:
    parser = CONTENT.get(block["type"])
    if parser is None:
        raise untranslated(block, at)
    return parser(block, at)


def parse_answer(blocks: Blocks, target: Target) -> tuple[Part, ...]:
    """What the model said; a proof that stands in place of a thought goes to its call."""
    parts: list[Part] = []
    proofs: dict[str, Given] = {}
    for at, block in blocks:
        match block["type"]:
            case "text":
                parts.append(parse_text(block, at))
            case "thinking":
                parts.append(parse_thinking(block, at, target))
            case "redacted_thinking":
                proof = given(text(block.get("data"), f"{at}.data"), NAME, target)
                if proof.call is not None:
                    proofs[proof.call] = proof
                elif proof.value is not None:
                    parts.append(ReasoningPart("", None, proof.value, proof.dialect))
            case "tool_use":
                call = parse_call(block, at)
                parts.append(signed(call, proofs.get(call.id)))
            case _:
                raise untranslated(block, at)
    return tuple(parts)


def signed(call: ToolCallPart, proof: Given | None) -> ToolCallPart:
    if proof is None:
        return call
    return replace(call, signature=proof.value, dialect=proof.dialect)


def parse_text(block: dict[str, Any], at: str) -> TextPart:
    if block["type"] != "text":
        raise untranslated(block, at)
    expect_known(block, TEXT_FIELDS, f"{at}.")
    cited = read_citations(rows(block.get("citations"), f"{at}.citations"))
    return TextPart(
        text(block.get("text"), f"{at}.text", empty=True),
        citations=tuple(found.citation for found in cited),
        cache=cache_hint(block.get("cache_control"), f"{at}.cache_control"),
    )


def parse_thinking(block: dict[str, Any], at: str, target: Target) -> ReasoningPart:
    said = text(block.get("thinking"), f"{at}.thinking", empty=True)
    signature = text(block.get("signature") or "", f"{at}.signature", empty=True)
    proof = given(signature, NAME, target)
    return ReasoningPart(said, proof.value, None, proof.dialect)


def parse_call(block: dict[str, Any], at: str) -> ToolCallPart:
    expect_known(block, CALL_FIELDS, f"{at}.", DIRECT)
    arguments = orjson.dumps(mapping(block.get("input"), f"{at}.input")).decode()
    return ToolCallPart(
        text(block.get("id"), f"{at}.id"),
        text(block.get("name"), f"{at}.name"),
        arguments,
        cache=cache_hint(block.get("cache_control"), f"{at}.cache_control"),
    )


def parse_result(block: dict[str, Any], at: str, names: dict[str, str]) -> ToolResultPart:
    expect_known(block, RESULT_FIELDS, f"{at}.")
    call_id = text(block.get("tool_use_id"), f"{at}.tool_use_id")
    if call_id not in names:
        raise invalid(f"{at}.tool_use_id", "no message before it holds a call of that id")
    parts = [parse_content(found, place) for place, found in result_blocks(block, at)]
    said = [part.text for part in parts if isinstance(part, TextPart)]
    return ToolResultPart(
        call_id,
        names[call_id],
        "\n".join(said),
        is_error=bool(flag(block.get("is_error"), f"{at}.is_error")),
        attachments=tuple(part for part in parts if not isinstance(part, TextPart)),
        cache=cache_hint(block.get("cache_control"), f"{at}.cache_control") or hint_of(parts),
    )


def hint_of(parts: list[TextPart | ImagePart | FilePart]) -> CacheHint | None:
    """The hint of the last text that has one, for the texts of a result are joined."""
    hints = [part.cache for part in parts if isinstance(part, TextPart) and part.cache]
    return hints[-1] if hints else None


def result_blocks(block: dict[str, Any], at: str) -> Blocks:
    return blocks_of(block.get("content") or [], f"{at}.content")


def blocks_of(content: Any, at: str) -> Blocks:
    """The blocks of a content with their places; a string is one block of text."""
    if content is None:
        return []
    if isinstance(content, str):
        return [(at, {"type": "text", "text": content})]
    if not isinstance(content, list):
        raise wrong_type(at, "a string or an array of content blocks")
    found = [(f"{at}.{number}", block) for number, block in enumerate(content)]
    for place, block in found:
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise wrong_type(place, "an object with a type")
    return found


def hint_last(messages: list[Message], hint: CacheHint) -> None:
    """Give the last part that can carry a hint this one, as the dialect's server does."""
    for number in range(len(messages) - 1, -1, -1):
        parts = messages[number].parts
        for at in range(len(parts) - 1, -1, -1):
            part = parts[at]
            if not isinstance(part, ReasoningPart):
                hinted = (*parts[:at], replace(part, cache=part.cache or hint), *parts[at + 1 :])
                messages[number] = replace(messages[number], parts=hinted)
                return


def untranslated(block: dict[str, Any], at: str) -> UnsupportedParameter:
    told = f"'{block['type'][:40]}' is not supported here with this model."
    return UnsupportedParameter(f"{at}.type", told)


CONTENT: Final[dict[str, Callable[[dict[str, Any], str], TextPart | ImagePart | FilePart]]] = {
    "text": parse_text,
    "image": parse_image,
    "document": parse_document,
}
