"""Secrets: envelope encryption under one master key, and fingerprints.

Each value is sealed with a data key of its own (AES-256-GCM); the data key is sealed with the
master key. The context (which row, which workspace) is authenticated, so a sealed value that is
moved to another row does not open.
"""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12
_WRAPPED_BYTES = _NONCE_BYTES + _KEY_BYTES + 16
_VERSION = b"\x01"


class UnreadableSecret(Exception):
    """A sealed value that this master key does not open."""


class InvalidMasterKey(Exception):
    """The master key is not 32 bytes of base64."""


class Vault:
    """Seals and opens secrets, and derives keys for other purposes from the master key."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != _KEY_BYTES:
            raise InvalidMasterKey("the master key must be 32 bytes")
        self._master = AESGCM(self._derive(master_key, b"seal"))
        self._root = master_key

    def seal(self, plaintext: str, *, context: str) -> bytes:
        """Encrypt; `context` must be given again to open."""
        data_key = secrets.token_bytes(_KEY_BYTES)
        key_nonce, nonce = secrets.token_bytes(_NONCE_BYTES), secrets.token_bytes(_NONCE_BYTES)
        wrapped = key_nonce + self._master.encrypt(key_nonce, data_key, context.encode())
        body = AESGCM(data_key).encrypt(nonce, plaintext.encode(), context.encode())
        return _VERSION + wrapped + nonce + body

    def open(self, sealed: bytes, *, context: str) -> str:
        """Decrypt; raises UnreadableSecret when the key or the context is another one."""
        try:
            if sealed[:1] != _VERSION:
                raise UnreadableSecret("unknown format")
            wrapped, rest = sealed[1 : 1 + _WRAPPED_BYTES], sealed[1 + _WRAPPED_BYTES :]
            data_key = self._master.decrypt(
                wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], context.encode()
            )
            plaintext = AESGCM(data_key).decrypt(
                rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], context.encode()
            )
        except (InvalidTag, ValueError) as error:
            raise UnreadableSecret(
                "a stored secret does not open: the master key is not the one that sealed it"
            ) from error
        return plaintext.decode()

    def derived_key(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose (signing cursors, say)."""
        return self._derive(self._root, purpose.encode())

    def fingerprint(self, secret: str) -> str:
        """Sixteen hex digits that tell two secrets apart and give neither away."""
        return hmac.new(self.derived_key("fingerprint"), secret.encode(), "sha256").hexdigest()[:16]

    @staticmethod
    def _derive(root: bytes, purpose: bytes) -> bytes:
        return hmac.new(root, b"luminous:" + purpose, hashlib.sha256).digest()


def open_vault(master_key: str | None, data_dir: Path) -> Vault:
    """The vault of this installation; without a configured key, one is kept in the data folder."""
    if master_key:
        try:
            return Vault(base64.b64decode(master_key, validate=True))
        except ValueError as error:
            raise InvalidMasterKey("the master key is not base64") from error
    path = data_dir / "master.key"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        _write_private(path, base64.b64encode(secrets.token_bytes(_KEY_BYTES)))
    try:
        return Vault(base64.b64decode(path.read_bytes().strip(), validate=True))
    except ValueError as error:
        raise InvalidMasterKey(f"{path} does not hold a base64 key") from error


def _write_private(path: Path, content: bytes) -> None:
    """Create atomically and readable by its owner alone; another process may have won."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
