"""The vault: seals and opens secrets.

Each value is sealed with a data key of its own (AES-256-GCM); the data key is sealed with the
active master key. The context (which row, which workspace) is authenticated, so a sealed value
that is moved to another row does not open. A sealed value is
`02 · key id (8) · nonce (12) · data key (48) · nonce (12) · ciphertext`; format 01 has no key id.
"""

import hmac
import secrets
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.crypto.errors import UnreadableSecret
from app.core.crypto.keys import ID_BYTES, KEY_BYTES, FixedKeys, KeyRing, MasterKey, derive

_NONCE_BYTES = 12
_WRAPPED_BYTES = _NONCE_BYTES + KEY_BYTES + 16
WITHOUT_ID = b"\x01"
WITH_ID = b"\x02"
HEADER_BYTES = len(WITH_ID) + ID_BYTES


def header_of(key: MasterKey) -> bytes:
    """How every value begins that this key sealed."""
    return WITH_ID + key.id


class Vault:
    """Seals and opens secrets, and derives keys for other purposes from a root secret.

    The root secret outlives the master keys. Until `root` is set it is the oldest of them, as it
    was before there could be several.
    """

    def __init__(self, keys: bytes | KeyRing) -> None:
        ring = KeyRing(FixedKeys([MasterKey(keys)])) if isinstance(keys, bytes) else keys
        self.keys = ring
        self.root = ring.all[-1].secret

    def seal(self, plaintext: str, *, context: str) -> bytes:
        """Encrypt; `context` must be given again to open."""
        key = self.keys.active
        header = header_of(key)
        bound = header + context.encode()
        data_key = secrets.token_bytes(KEY_BYTES)
        key_nonce, nonce = secrets.token_bytes(_NONCE_BYTES), secrets.token_bytes(_NONCE_BYTES)
        wrapped = key_nonce + key.cipher.encrypt(key_nonce, data_key, bound)
        return header + wrapped + nonce + AESGCM(data_key).encrypt(nonce, plaintext.encode(), bound)

    def open(self, sealed: bytes, *, context: str) -> str:
        """Decrypt; raises UnreadableSecret when the key or the context is another one."""
        for key, header, body in self._readings(sealed):
            bound = header + context.encode()
            wrapped, rest = body[:_WRAPPED_BYTES], body[_WRAPPED_BYTES:]
            try:
                data_key = key.cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], bound)
                opened = AESGCM(data_key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], bound)
            except (InvalidTag, ValueError):
                continue
            return opened.decode()
        raise UnreadableSecret(
            "a stored secret does not open: no master key here is the one that sealed it"
        )

    def _readings(self, sealed: bytes) -> Iterator[tuple[MasterKey, bytes, bytes]]:
        """The keys that may have sealed a value, with what of its header is authenticated."""
        if sealed[:1] == WITHOUT_ID:
            yield from ((key, b"", sealed[1:]) for key in self.keys.all)
        elif sealed[:1] == WITH_ID:
            header = sealed[:HEADER_BYTES]
            if key := self.keys.get(header[1:]):
                yield key, header, sealed[HEADER_BYTES:]

    def derived_key(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose (signing cursors, say)."""
        return derive(self.root, purpose)

    def fingerprint(self, secret: str) -> str:
        """Sixteen hex digits that tell two secrets apart and give neither away."""
        return hmac.new(self.derived_key("fingerprint"), secret.encode(), "sha256").hexdigest()[:16]
