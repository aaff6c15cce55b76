"""What is believed of a tool's description, and what it may do."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from app.agents.mcp_servers.models import McpServer, McpTool
from app.agents.tools.tool import Effects, ToolTraits

# What stands for all tools of a server; none is called so.
ALL: Final = "*"
MOST_DESCRIPTION: Final = 4_000
MOST_SCHEMA_BYTES: Final = 64 * 1024
MOST_NAME: Final = 200
MOST_DEPTH: Final = 40
WORDS: Final = frozenset({"description", "title", "$comment"})
State = Literal["confirmed", "new", "changed", "gone", "excluded"]
_ODD = re.compile(r"[^a-zA-Z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Told:
    """A tool as its server tells of it, cleaned and bounded; `digest` is of the whole of it."""

    name: str
    title: str | None
    description: str
    parameters: Mapping[str, Any]
    annotations: Mapping[str, Any]
    digest: str


def read(
    name: str,
    title: str | None,
    description: str | None,
    parameters: Mapping[str, Any],
    annotations: Mapping[str, Any],
) -> Told | None:
    """None for a tool that nobody could use: without a name, or with a schema beyond bounds.

    The digest is of what was said, not of what is left of it.
    """
    packed = json.dumps([name, title, description, parameters, annotations], sort_keys=True)
    digest = hashlib.sha256(packed.encode()).hexdigest()
    if not name or name == ALL or len(name) > MOST_NAME or not name.isprintable():
        return None
    if len(packed) > MOST_SCHEMA_BYTES or "\\u0000" in packed:
        return None
    try:
        schema = _cleaned(parameters, MOST_DEPTH)
        orjson.dumps([schema, annotations])
    except (TypeError, ValueError):
        return None
    return Told(
        name,
        visible(title)[:200] if title else None,
        visible(description or "")[:MOST_DESCRIPTION],
        schema,
        annotations,
        digest,
    )


def _cleaned(schema: Any, depth: int) -> Any:
    """A schema whose words for readers are as `visible`; raises ValueError where it is too deep."""
    if depth == 0:
        raise ValueError
    if isinstance(schema, Mapping):
        return {
            name: visible(value)
            if name in WORDS and isinstance(value, str)
            else _cleaned(value, depth - 1)
            for name, value in schema.items()
        }
    if isinstance(schema, list):
        return [_cleaned(value, depth - 1) for value in schema]
    return schema


def visible(text: str) -> str:
    """The text without what models read and people do not see: tags, joiners, controls."""
    if all(map(str.isprintable, text.split("\n"))):
        return text.strip()
    kept = (
        each
        for each in text
        if each in "\n\t" or unicodedata.category(each) not in ("Cc", "Cf", "Co", "Cs", "Cn")
    )
    return "".join(kept).strip()


def state_of(server: McpServer, tool: McpTool) -> State:
    if tool.gone:
        return "gone"
    if is_excluded(server, tool.name):
        return "excluded"
    if tool.confirmed_digest is None:
        return "new"
    return "confirmed" if tool.confirmed_digest == tool.digest else "changed"


def is_excluded(server: McpServer, name: str) -> bool:
    return name in server.deny or (server.allow is not None and name not in server.allow)


def traits_of(server: McpServer, tool: McpTool) -> ToolTraits:
    """What the runtime goes by: the strictest, unless the server is trusted or you say otherwise.

    A hint is believed of a trusted server alone. What is said to only read is called without
    approval; to look around in the open world is to tell it something.
    """
    hints = tool.annotations if server.trusted else {}
    reads = hints.get("readOnlyHint") is True
    closed = hints.get("openWorldHint") is False
    override = server.overrides.get(tool.name, {})
    effects: Effects = ("read" if reads else "write") if closed else "external"
    return ToolTraits(
        effects=override.get("effects") or effects,
        idempotent=_either(
            override.get("idempotent"), reads or hints.get("idempotentHint") is True
        ),
        seconds=override.get("seconds") or server.timeout_seconds,
        characters=override.get("characters") or 20_000,
        approval=override.get("approval") or ("never" if reads else "always"),
    )


def _either(given: bool | None, otherwise: bool) -> bool:
    return otherwise if given is None else given


def called_by(slug: str, name: str) -> str:
    """What a model calls the tool by; a name that had to be changed has a mark of its own."""
    plain = f"{slug}__{_ODD.sub('_', name)}"
    if plain == f"{slug}__{name}" and len(plain) <= 64:
        return plain
    return f"{plain[:55]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
