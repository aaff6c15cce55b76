"""Reasoning that we have rendered, kept away from a server of the dialect, which can't read it."""

from typing import Any

from app.inference.dialects.signatures import is_wrapped


def unmarked(document: dict[str, Any]) -> dict[str, Any]:
    """The request without what other providers have signed."""
    given = document.get("input")
    if not isinstance(given, list):
        return document
    return document | {"input": [item for item in given if not is_marked(item)]}


def is_marked(item: Any) -> bool:
    content = item.get("encrypted_content") if isinstance(item, dict) else None
    return isinstance(content, str) and is_wrapped(content)
