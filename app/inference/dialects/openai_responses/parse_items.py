"""The input items of a Responses request as canonical messages."""

from collections.abc import Callable
from typing import Any, Final

from app.inference.dialects.ask import wrong_type
from app.inference.dialects.checks import expect_known, text
from app.inference.dialects.errors import RequestInvalid, UnsupportedParameter
from app.inference.dialects.openai_chat.parse_messages import signature_of
from app.inference.dialects.openai_chat.parse_parts import Whereto, parts_of
from app.inference.dialects.openai_responses.parse_parts import (
    ANSWER_PARTS,
    TEXT_PARTS,
    USER_PARTS,
)
from app.inference.dialects.signatures import Proof, unwrap
from app.inference.integrations.directory import Target
from app.inference.providers.types import (
    FilePart,
    ImagePart,
    Message,
    Part,
    ReasoningPart,
    Role,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

ROLES: Final[dict[str, Role]] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}
PARTS: Final = {"user": USER_PARTS, "assistant": ANSWER_PARTS, "system": TEXT_PARTS}
# What an item says of itself when it is given back; it is nothing to the model.
OWN: Final = frozenset({"type", "id", "status"})
Given = tuple[Role, tuple[Part, ...]]


class ItemReader:
    """Reads items one after the other; what one turn gave goes into one message."""

    def __init__(self, target: Target, whereto: Whereto) -> None:
        self._target = target
        self._whereto = whereto
        self._names: dict[str, str] = {}

    def messages(self, given: str | list[Any]) -> tuple[Message, ...]:
        """Raises RequestInvalid and UnsupportedParameter, naming the place."""
        if isinstance(given, str):
            return (Message("user", (TextPart(given),)),)
        messages: list[Message] = []
        for number, item in enumerate(given):
            role, parts = self._read(item, f"input[{number}]")
            joins = role in ("assistant", "tool") and messages and messages[-1].role == role
            if joins:
                messages[-1] = Message(role, messages[-1].parts + parts)
            elif parts:
                messages.append(Message(role, parts))
        return tuple(messages)

    def _read(self, item: Any, at: str) -> Given:
        if not isinstance(item, dict):
            raise wrong_type(at, "an object")
        kind = item.get("type", "message" if "role" in item else None)
        readers: dict[Any, Callable[[dict[str, Any], str], Given]] = {
            "message": self._message,
            "function_call": self._call,
            "function_call_output": self._result,
            "reasoning": self._reasoning,
        }
        reader = readers.get(kind) if isinstance(kind, str) else None
        if reader is None:
            raise UnsupportedParameter(f"{at}.type", f"'{str(kind)[:40]}' is not supported.")
        return reader(item, at)

    def _message(self, item: dict[str, Any], at: str) -> Given:
        expect_known(item, OWN | {"role", "content", "phase"}, f"{at}.")
        said = item.get("role")
        role = ROLES.get(said) if isinstance(said, str) else None
        if role is None:
            told = f"Invalid '{at}.role': expected user, assistant, system or developer."
            raise RequestInvalid(told, param=f"{at}.role", label="invalid_value")
        return role, parts_of(item.get("content"), f"{at}.content", PARTS[role], self._whereto)

    def _call(self, item: dict[str, Any], at: str) -> Given:
        expect_known(item, OWN | {"call_id", "name", "arguments", "extra_content"}, f"{at}.")
        call_id = text(item.get("call_id"), f"{at}.call_id")
        name = self._names[call_id] = text(item.get("name"), f"{at}.name")
        arguments = text(item.get("arguments"), f"{at}.arguments", empty=True)
        signature = signature_of(item)
        dialect = "gemini" if signature else None
        return "assistant", (ToolCallPart(call_id, name, arguments, signature, dialect),)

    def _result(self, item: dict[str, Any], at: str) -> Given:
        expect_known(item, OWN | {"call_id", "output"}, f"{at}.")
        call_id = text(item.get("call_id"), f"{at}.call_id")
        if call_id not in self._names:
            said = f"No tool call found for function call output with call_id {call_id[:100]}."
            raise RequestInvalid(said, param=f"{at}.call_id", label="invalid_value")
        parts = parts_of(item.get("output"), f"{at}.output", USER_PARTS, self._whereto)
        texts = [part for part in parts if isinstance(part, TextPart)]
        content, hint = "".join(part.text for part in texts), texts[-1].cache if texts else None
        attached = tuple(part for part in parts if isinstance(part, ImagePart | FilePart))
        name = self._names[call_id]
        result = ToolResultPart(call_id, name, content, attachments=attached, cache=hint)
        return "tool", (result,)

    def _reasoning(self, item: dict[str, Any], at: str) -> Given:
        expect_known(item, OWN | {"summary", "content", "encrypted_content"}, f"{at}.")
        pieces = [*listed(item, "summary", at), *listed(item, "content", at)]
        texts = [text(piece.get("text"), f"{at}.summary", empty=True) for piece in pieces]
        told = "\n\n".join(texts)
        encrypted = item.get("encrypted_content")
        proof = unwrap(encrypted) if isinstance(encrypted, str) else None
        # A proof is good for the model that issued it, and for no other.
        if proof is None or proof.model != self._target.model or not proof.value:
            return "assistant", (ReasoningPart(told),) if told else ()
        return "assistant", (proven(told, proof, self._target.endpoint.dialect),)


def proven(told: str, proof: Proof, dialect: str) -> ReasoningPart:
    if proof.redacted:
        return ReasoningPart(told, redacted=proof.value, dialect=dialect)
    return ReasoningPart(told, proof.value, dialect=dialect)


def listed(item: dict[str, Any], name: str, at: str) -> list[dict[str, Any]]:
    pieces = item.get(name) or []
    if not isinstance(pieces, list) or not all(isinstance(piece, dict) for piece in pieces):
        raise wrong_type(f"{at}.{name}", "an array of objects")
    return pieces
