"""Thoughts that we have rendered, on their way to a server of the dialect."""

from collections.abc import Iterator
from typing import Any

from app.inference.dialects.signatures import Proof, unwrap


def unmarked(document: dict[str, Any], model: str) -> dict[str, Any]:
    """The request with what its model signed as it was signed, and without what others did."""
    messages = document["messages"]
    return document | {"messages": [line_without_marks(line, model) for line in messages]}


def line_without_marks(line: Any, model: str) -> Any:
    content = line.get("content") if isinstance(line, dict) else None
    if not isinstance(content, list):
        return line
    return line | {"content": [kept for block in content for kept in blocks_of(block, model)]}


def blocks_of(block: Any, model: str) -> Iterator[Any]:
    for name in ("signature", "data"):
        proof = unwrap(block[name]) if isinstance(block, dict) and text_in(block, name) else None
        if proof is not None:
            if is_of(proof, model):
                yield block | {name: proof.value}
            return
    yield block


def text_in(block: dict[str, Any], name: str) -> bool:
    return isinstance(block.get(name), str)


def is_of(proof: Proof, model: str) -> bool:
    return proof.model == model and bool(proof.value) and proof.call is None
