"""A provider's proof of its reasoning, as the `encrypted_content` that a client sends back.

Nothing is stored here, so what the next turn needs goes to the client and returns with it. What
is inside is not secret: it is bound to the model that issued it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import orjson

MARK = "lum1."


@dataclass(frozen=True, slots=True)
class Proof:
    """One of the two is set: the signature of a reasoning, or the reasoning itself, redacted."""

    model: str
    signature: str | None = None
    redacted: str | None = None


def seal(proof: Proof) -> str:
    written = orjson.dumps([proof.model, proof.signature, proof.redacted])
    return MARK + urlsafe_b64encode(written).decode()


def without_sealed(document: dict[str, Any]) -> dict[str, Any]:
    """The request for a server of the dialect, which could not read what another has encrypted."""
    given = document.get("input")
    if not isinstance(given, list):
        return document
    return document | {"input": [item for item in given if not is_sealed(item)]}


def is_sealed(item: Any) -> bool:
    content = item.get("encrypted_content") if isinstance(item, dict) else None
    return isinstance(content, str) and content.startswith(MARK)


def unseal(content: str) -> Proof | None:
    """What was sealed here; None for another's, which only its issuer can read."""
    if not content.startswith(MARK):
        return None
    try:
        model, signature, redacted = orjson.loads(urlsafe_b64decode(content[len(MARK) :]))
    except (ValueError, TypeError):
        return None
    if not isinstance(model, str) or not all(
        each is None or isinstance(each, str) for each in (signature, redacted)
    ):
        return None
    return Proof(model, signature, redacted)
