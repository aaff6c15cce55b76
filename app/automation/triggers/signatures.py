"""Proofs that a message is from whom it should be: Standard Webhooks, and an HMAC in a header."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

from app.automation.triggers.errors import HookSignatureInvalid, HookTooOld

PREFIX: Final = "whsec_"
ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
MOST_ID: Final = 200


class SecretUnfit(ValueError):
    """A secret of Standard Webhooks that is not written as these are."""


def make_secret() -> str:
    """A fresh one, as Standard Webhooks writes them; as a text it does for any HMAC, too."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that a secret of Standard Webhooks stands for; raises SecretUnfit."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise SecretUnfit("must be `whsec_` and base64") from None


def check_standard(
    headers: Mapping[str, str], body: bytes, keys: Iterable[str], at: datetime, tolerance: float
) -> str:
    """The message's id; `tolerance` in seconds. Raises HookSignatureInvalid and HookTooOld."""
    message_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not 0 < len(message_id) <= MOST_ID or not timestamp.isascii() or not timestamp.isdigit():
        raise HookSignatureInvalid(f"Send {ID}, {TIMESTAMP} and {SIGNATURE}.")
    if abs(at.timestamp() - int(timestamp[:15])) > tolerance:
        raise HookTooOld(f"Its {TIMESTAMP} is more than {tolerance:g} s from the time here.")
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = [hmac.digest(key, signed, "sha256") for key in _keys_of(keys)]
    offered = [
        part.removeprefix("v1,")
        for part in headers.get(SIGNATURE, "").split()
        if part.startswith("v1,")
    ]
    if not _fits((base64.b64encode(each).decode() for each in made), offered):
        raise HookSignatureInvalid
    return message_id


def check_hmac(
    headers: Mapping[str, str], body: bytes, keys: Iterable[str], header: str, prefix: str
) -> str:
    """A digest that is the same for the same body alone; raises HookSignatureInvalid."""
    offered = headers.get(header.lower(), "")
    if not offered.startswith(prefix):
        raise HookSignatureInvalid(f"Send the signature in {header}.")
    made = (hmac.digest(key.encode(), body, "sha256").hex() for key in keys)
    if not _fits(made, [offered.removeprefix(prefix).lower()]):
        raise HookSignatureInvalid
    return hashlib.sha256(body).hexdigest()


def _keys_of(texts: Iterable[str]) -> Iterator[bytes]:
    """Those that can be read: one may have been made for another way of signing."""
    for each in texts:
        with suppress(SecretUnfit):
            yield key_of(each)


def _fits(made: Iterable[str], offered: Iterable[str]) -> bool:
    """Compares each with each, in a time that says nothing of where they differ."""
    told = [each.encode() for each in offered]
    found = False
    for each in made:
        for other in told:
            found |= hmac.compare_digest(each.encode(), other)
    return found
