"""Proofs of reasoning on their way through a client whose dialect is not their provider's.

A client gives such a proof back as it got it. It is good for the model that issued it and for no
other, so that the model is written into it; what stands there without one is the client's own.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

import orjson

from app.inference.integrations.directory import Target

HEAD: Final = b"luminous:"
# How every wrapped proof begins: nine bytes are twelve characters of base64, whatever follows.
MARK: Final = urlsafe_b64encode(HEAD)


@dataclass(frozen=True, slots=True)
class Proof:
    """`value` is empty for reasoning, or a call, that its provider did not sign.

    `call` is the tool call that it belongs to, where the client's dialect has no place on it.
    `redacted` tells encrypted reasoning from the proof of one that can be read.
    """

    model: str
    value: str = ""
    call: str | None = None
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """A proof that came back: `value` is None where the target could make nothing of it."""

    value: str | None
    dialect: str | None
    call: str | None = None
    redacted: bool = False


def wrap(proof: Proof) -> str:
    """The proof as base64, as which every dialect's clients take one."""
    told = [proof.model, proof.value, proof.call, proof.redacted]
    return urlsafe_b64encode(HEAD + orjson.dumps(told)).decode()


def is_wrapped(text: str) -> bool:
    return text.startswith(MARK.decode())


def unwrap(text: str) -> Proof | None:
    """What `wrap` wrote; None for any other text."""
    if not is_wrapped(text):
        return None
    bare = text.rstrip("=")
    try:
        # Clients may change the alphabet and the padding of base64 on its way.
        plain = urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
        told = orjson.loads(plain.removeprefix(HEAD))
    except (ValueError, binascii.Error):
        return None
    match told:
        case [str(model), str(value), str() | None as call, bool(redacted)]:
            return Proof(model, value, call, redacted)
    return None


def given(text: str, own: str, target: Target) -> Given:
    """Read a proof that a client of the dialect `own` gives back."""
    proof = unwrap(text)
    if proof is None:
        return Given(text or None, own)
    if proof.model != target.model or not proof.value:
        return Given(None, None, proof.call, proof.redacted)
    return Given(proof.value, target.endpoint.dialect, proof.call, proof.redacted)
