"""The mathematics of the trail: commitments, links of a chain, and signed checkpoints.

Needs no database, so that an export can be verified anywhere. A row's link is
`sha256(domain, chain, link before, sequence, digest)`, where the digest is that of the row's
content as canonical JSON. Postgres computes the same in `luminous_append_audit`.
"""

import hashlib
import os
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

DOMAIN = b"luminous-audit-1"
START = bytes(32)  # the link before the first row
SALT_BYTES = 16

# What the digest of a row covers; the sequence and the chain are in its link.
CONTENT = (
    "id", "at", "actor_id", "credential", "credential_id", "action", "operation",
    "resource_type", "resource_id", "outcome", "request_id", "changes", "commitments",
)  # fmt: skip
# What the signature of a checkpoint covers.
STATEMENT = (
    "chain", "number", "oldest", "kind", "count", "shown", "head", "at", "key_id",
)  # fmt: skip


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: one form for one value."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest_of(content: Mapping[str, Any]) -> bytes:
    """The digest of a row, from its content as JSON values (`CONTENT` names them)."""
    return hashlib.sha256(canonical({name: content[name] for name in CONTENT})).digest()


def link_after(before: bytes, *, chain: UUID, sequence: int, digest: bytes) -> bytes:
    """The link of the row with this digest, at this place of a chain."""
    place = sequence.to_bytes(8, "big", signed=True)
    return hashlib.sha256(DOMAIN + chain.bytes + before + place + digest).digest()


def new_salt() -> str:
    return os.urandom(SALT_BYTES).hex()


def commitment_to(salt: str, value: str) -> str:
    """What stands in the chained part for a value that can be erased; `value` is JSON text."""
    return hashlib.sha256(f"{salt}\0{value}".encode()).hexdigest()


def key_id_of(public_key: bytes) -> str:
    """The name of a key, drawn from its public half."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def message_of(statement: Mapping[str, Any]) -> bytes:
    """What is signed of a checkpoint, from its JSON values (`STATEMENT` names them)."""
    return DOMAIN + b"/checkpoint\0" + canonical({name: statement[name] for name in STATEMENT})


def is_signed(statement: Mapping[str, Any], signature: bytes, public_key: bytes) -> bool:
    """Whether this key signed this statement."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message_of(statement))
    except (InvalidSignature, ValueError):
        return False
    return True
