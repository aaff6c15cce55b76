"""What a server answered a call with, as a tool's outcome: bounded, and without our secrets."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.agents.mcp_servers.plans import ROUGHLY, Plan
from app.agents.tools.tool import MOST_OUTPUT_CHARACTERS, Outcome, ToolFault

if TYPE_CHECKING:
    from mcp.types import CallToolResult

MOST_PARTS: Final = 200
MOST_FAULT: Final = 2_000


def outcome(plan: Plan, result: "CallToolResult", most: int) -> Outcome:
    """`most` characters of text; raises ToolFault where the server says that the call failed."""
    data, note = _data(plan, result.structured_content)
    parts = [*_texts(result), *note]
    if not parts and data is not None:
        parts = [orjson.dumps(data).decode()]
    text = "\n\n".join(parts)
    if result.is_error:
        said = _cut(plan, text, MOST_FAULT)
        raise ToolFault("tool_error", said or "The server says that it failed.")
    return Outcome(_cut(plan, text, most), data)


def _texts(result: "CallToolResult") -> Iterator[str]:
    for part in result.content[:MOST_PARTS]:
        yield _text(part)
    left = len(result.content) - MOST_PARTS
    if left > 0:
        yield f"[{left} more parts: left out]"


def _text(part: Any) -> str:
    match part.type:
        case "text":
            return str(part.text)
        case "image" | "audio":
            size = _size(part.data)
            return f"[{part.type}: {part.mime_type[:100]}, {size} bytes: not shown]"
        case "resource_link":
            return f"[resource: {part.name[:200]} at {str(part.uri)[:1000]}]"
        case "resource":
            return _resource(part.resource)
    return f"[{str(part.type)[:50]}: not shown]"


def _resource(resource: Any) -> str:
    where = str(resource.uri)[:1000]
    held = getattr(resource, "text", None)
    if held is not None:
        return f"[resource {where}]\n{held}"
    size = _size(resource.blob)
    return f"[resource {where}: {resource.mime_type or 'bytes'}, {size} bytes: not shown]"


def _data(plan: Plan, value: Any) -> tuple[Any, list[str]]:
    """The structured content, and what is to be said of it where it is left out."""
    if value is None:
        return None, []
    try:
        packed = orjson.dumps(value)
    except TypeError:
        return None, ["[structured content that is no JSON of ours: left out]"]
    if len(packed) > MOST_OUTPUT_CHARACTERS:
        return None, [f"[structured content of {len(packed)} bytes: left out]"]
    return plan.json_without_secrets(orjson.loads(packed)), []


def _cut(plan: Plan, text: str, most: int) -> str:
    said = plan.told(text, most + 1)
    if len(said) <= most and len(text) <= ROUGHLY * most:
        return said
    end = f"\n[… about {max(1, len(text) - most)} characters more: left out]"
    return said[: max(0, most - len(end))] + end


def _size(base64: str) -> int:
    return len(base64) * 3 // 4 - base64[-2:].count("=")
