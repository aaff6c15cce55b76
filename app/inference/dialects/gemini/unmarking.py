"""Signatures that we have rendered, on their way to a server of the dialect."""

from collections.abc import Iterator
from typing import Any, Final

from app.inference.dialects.signatures import unwrap
from app.inference.providers.gemini.encode_contents import FOREIGN_SIGNATURE

NAMES: Final = ("thoughtSignature", "thought_signature")


def unmarked(document: dict[str, Any], model: str) -> dict[str, Any]:
    """The request with what its model signed as it was signed, and without what others did."""
    contents = document["contents"]
    return document | {"contents": [content_without_marks(found, model) for found in contents]}


def content_without_marks(content: Any, model: str) -> Any:
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list):
        return content
    return content | {"parts": [kept for part in parts for kept in parts_of(part, model)]}


def parts_of(part: Any, model: str) -> Iterator[Any]:
    name = next((name for name in NAMES if isinstance(part, dict) and name in part), None)
    signature = part[name] if name is not None else None
    proof = unwrap(signature) if isinstance(signature, str) else None
    if name is None or proof is None:
        yield part
    elif proof.model == model and proof.value and not proof.redacted:
        yield part | {name: proof.value}
    elif part.get("functionCall") or part.get("function_call"):
        yield part | {name: FOREIGN_SIGNATURE}
    elif part.get("text") and not part.get("thought"):
        yield {field: value for field, value in part.items() if field != name}
