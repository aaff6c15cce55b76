"""The texts of a request and of an answer, and the same with other texts in their place."""

import codecs
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

import orjson

from app.inference.providers.types import (
    ChatRequest,
    FilePart,
    Message,
    Part,
    ReasoningPart,
    ResponseFormat,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
    ToolSpec,
)

Rewriting = Callable[[str], str]
# What is read as text beside `text/…`.
TEXTUAL: Final = frozenset(
    f"application/{name}"
    for name in (
        "json", "jsonl", "x-jsonl", "x-ndjson", "xml", "yaml", "x-yaml", "toml", "sql", "csv",
        "javascript", "typescript", "x-sh", "x-httpd-php", "rtf",
    )
)  # fmt: skip
JSON_SUFFIX, XML_SUFFIX = "+json", "+xml"
WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class ByRole(Protocol):
    """Gives the text to be written; whose it is, and whether it is JSON."""

    def __call__(self, text: str, role: Role, /, *, is_json: bool = False) -> str: ...


def rewrite(request: ChatRequest, by: ByRole) -> ChatRequest:
    """The request with every text rewritten; what stays the same keeps its identity.

    Descriptions of tools come from whoever wrote the tool, so that they count as its words.
    """

    def of_tools(text: str) -> str:
        return by(text, "tool")

    def of_application(text: str) -> str:
        return by(text, "system")

    given = request.response_format
    new: dict[str, Any] = {
        "messages": _each(request.messages, lambda message: _rewrite_message(message, by)),
        "tools": _each(request.tools, lambda tool: _rewrite_tool(tool, of_tools)),
        "response_format": _rewrite_format(given, of_application) if given else None,
        "metadata": _rewrite_value(request.metadata, of_application),
        "extra": _rewrite_value(request.extra, of_application),
        "user": _rewrite_value(request.user, of_application),
    }
    changed = {name: value for name, value in new.items() if value is not getattr(request, name)}
    return replace(request, **changed) if changed else request


def _each(parts: tuple[Any, ...], by: Callable[[Any], Any]) -> tuple[Any, ...]:
    made = tuple(by(part) for part in parts)
    return parts if all(new is old for new, old in zip(made, parts, strict=True)) else made


def _rewrite_message(message: Message, by: ByRole) -> Message:
    def text(given: str) -> str:
        return by(given, message.role)

    def in_json(given: str) -> str:
        return by(given, message.role, is_json=True)

    parts = rewrite_parts(message.parts, text, in_json)
    return message if parts is message.parts else replace(message, parts=parts)


def rewrite_parts(parts: tuple[Part, ...], text: Rewriting, in_json: Rewriting) -> tuple[Part, ...]:
    """The parts with their texts, and with what is JSON in them, rewritten."""
    return _each(parts, lambda part: _rewrite_part(part, text, in_json))


def _rewrite_part(part: Part, text: Rewriting, in_json: Rewriting) -> Part:
    match part:
        case TextPart() if (new := text(part.text)) != part.text:
            # Places in the text, and its tokens, are those of another text now.
            return replace(part, text=new, citations=(), logprobs=())
        case ReasoningPart() if part.text and (new := text(part.text)) != part.text:
            # A signature is for the very text that was signed.
            return replace(part, text=new, signature=None)
        case ToolCallPart() if (new := in_json(part.arguments)) != part.arguments:
            return replace(part, arguments=new)
        case ToolResultPart():
            return _rewrite_result(part, text, in_json)
        case FilePart():
            return _rewrite_file(part, text, in_json)
    return part


def _rewrite_result(part: ToolResultPart, text: Rewriting, in_json: Rewriting) -> ToolResultPart:
    content = (in_json if is_json(part.content) else text)(part.content)
    attachments = _each(
        part.attachments,
        lambda each: _rewrite_file(each, text, in_json) if isinstance(each, FilePart) else each,
    )
    if content == part.content and attachments is part.attachments:
        return part
    return replace(part, content=content, attachments=attachments)


def _rewrite_file(part: FilePart, text: Rewriting, in_json: Rewriting) -> FilePart:
    kind = part.media_type.partition(";")[0].strip().lower()
    if part.data is None or not is_textual(kind):
        return part
    written = decoded(part.data)
    new = (in_json if kind.endswith("json") and is_json(written) else text)(written)
    return part if new == written else replace(part, data=new.encode())


def _rewrite_tool(tool: ToolSpec, text: Rewriting) -> ToolSpec:
    description = _rewrite_value(tool.description, text)
    parameters = _rewrite_value(tool.parameters, text)
    if description is tool.description and parameters is tool.parameters:
        return tool
    return replace(tool, description=description, parameters=parameters)


def _rewrite_format(given: ResponseFormat, text: Rewriting) -> ResponseFormat:
    schema = _rewrite_value(given.schema, text)
    return given if schema is given.schema else replace(given, schema=schema)


def _rewrite_value(value: Any, text: Rewriting) -> Any:
    """Every text in a value of JSON; the names of fields stay. Its depth is bounded at the door."""
    if isinstance(value, str):
        new = text(value) if value else value
        return value if new == value else new
    if isinstance(value, Mapping):
        made = {name: _rewrite_value(each, text) for name, each in value.items()}
        return value if all(made[name] is value[name] for name in made) else made
    if isinstance(value, list | tuple):
        items = _each(tuple(value), lambda each: _rewrite_value(each, text))
        same = all(new is old for new, old in zip(items, value, strict=True))
        return value if same else list(items)
    return value


def is_textual(kind: str) -> bool:
    return kind.startswith("text/") or kind in TEXTUAL or kind.endswith((JSON_SUFFIX, XML_SUFFIX))


def is_json(text: str) -> bool:
    """Whether a text is an object or a list of JSON."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def decoded(data: bytes) -> str:
    """A text file's words, whatever it is written in."""
    wide = data.startswith(WIDE_MARKS)
    return data.decode("utf-16" if wide else "utf-8-sig", errors="replace")


def texts_of(request: ChatRequest) -> list[str]:
    """Every text that `rewrite` comes by."""
    found: list[str] = []

    def keep(text: str, _: Role, /, *, is_json: bool = False) -> str:  # noqa: ARG001
        found.append(text)
        return text

    rewrite(request, keep)
    return found
