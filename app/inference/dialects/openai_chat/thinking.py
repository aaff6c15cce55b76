"""Signed reasoning beside a message, as `thinking_blocks`: OpenAI's messages have no place for it.

The name and the shape are those that LiteLLM's clients know. A signature is bound to the model
that issued it (`signatures.wrap`), so that it never goes to another.
"""

from typing import Any, Final

from app.inference.dialects.ask import wrong_type
from app.inference.dialects.checks import expect_known, text
from app.inference.dialects.signatures import MARK, Proof, given, wrap
from app.inference.integrations.directory import Target
from app.inference.providers.types import ReasoningDelta, ReasoningPart

FIELD: Final = "thinking_blocks"
# Whose signatures these are where a client gives back what it has from elsewhere.
ISSUER: Final = "anthropic_messages"
THINKING: Final = {"type", "thinking", "signature", "index"}
REDACTED: Final = {"type", "data", "index"}
Row = dict[str, Any]


def block_row(thought: str, signature: str | None, redacted: str | None, model: str) -> Row | None:
    """The block of a reasoning that its provider has signed or encrypted; None for any other."""
    if redacted is not None:
        proof = wrap(Proof(model, redacted, redacted=True))
        return {"type": "redacted_thinking", "data": proof}
    if signature is None:
        return None
    return {"type": "thinking", "thinking": thought, "signature": wrap(Proof(model, signature))}


class ThinkingBlocks:
    """The blocks of a stream, each told at once when its signature has come.

    `count` is how many have left. One that was begun by another model, which broke off, is left
    out of what this one signs.
    """

    def __init__(self, model: str, count: int) -> None:
        self._model = model
        self._thought: list[str] = []
        self._count = count

    def add(self, event: ReasoningDelta) -> Row:
        """The field of a delta; empty while the block goes on."""
        if event.text:
            self._thought.append(event.text)
        if event.signature is None and event.redacted is None:
            return {}
        thought = "".join(self._thought) if event.redacted is None else ""
        row = block_row(thought, event.signature, event.redacted, self._model) or {}
        if event.redacted is None:
            self._thought.clear()
        self._count += 1
        return {FIELD: [{"index": self._count - 1} | row]}


def block_rows(parts: list[ReasoningPart], model: str) -> Row:
    """The field of a whole message; nothing where no part is signed."""
    found = [block_row(part.text, part.signature, part.redacted, model) for part in parts]
    rows = [row for row in found if row is not None]
    return {FIELD: rows} if rows else {}


def parse_blocks(value: Any, at: str, target: Target) -> tuple[ReasoningPart, ...]:
    """Raises RequestInvalid and UnsupportedParameter, naming the place."""
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise wrong_type(at, "an array of objects")
    return tuple(parse_block(row, f"{at}[{number}]", target) for number, row in enumerate(value))


def parse_block(row: Row, at: str, target: Target) -> ReasoningPart:
    if row.get("type") == "redacted_thinking":
        expect_known(row, REDACTED, f"{at}.")
        proof = given(text(row.get("data"), f"{at}.data"), ISSUER, target)
        return ReasoningPart("", None, proof.value, proof.dialect)
    expect_known(row, THINKING, f"{at}.")
    thought = text(row.get("thinking"), f"{at}.thinking", empty=True)
    signature = text(row.get("signature") or "", f"{at}.signature", empty=True)
    proof = given(signature, ISSUER, target)
    return ReasoningPart(thought, proof.value, None, proof.dialect if proof.value else None)


def without_marks(document: Row) -> Row:
    """The request for a server of the dialect, which has no use for what others have signed."""
    return document | {"messages": [line_without_marks(line) for line in document["messages"]]}


def line_without_marks(line: Any) -> Any:
    if not isinstance(line, dict) or MARK.decode() not in str(line.get(FIELD)):
        return line
    return {name: value for name, value in line.items() if name != FIELD}
