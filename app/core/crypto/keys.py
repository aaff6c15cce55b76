"""Master keys, where they are held, and the ring of those that are in use."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.core.crypto import key_file
from app.core.crypto.errors import InvalidMasterKey
from app.core.crypto.wrapping import KeyWrapper
from app.core.log import get_logger

log = get_logger(__name__)

KEY_BYTES = 32
ID_BYTES = 8
LOOK_SECONDS = 1.0  # how soon every process seals with a key that was made elsewhere
_WRAPPED = "kms:"


def derive(secret: bytes, purpose: str) -> bytes:
    """A 32-byte key for one purpose."""
    return hmac.new(secret, b"luminous:" + purpose.encode(), hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One master key. Its id is computed from it, so every process calls it the same."""

    secret: bytes = field(repr=False)
    id: bytes = field(init=False)
    cipher: AESGCM = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise InvalidMasterKey("a master key must be 32 bytes in base64")
        object.__setattr__(self, "id", derive(self.secret, "key-id")[:ID_BYTES])
        object.__setattr__(self, "cipher", AESGCM(derive(self.secret, "seal")))

    @classmethod
    def made(cls) -> "MasterKey":
        return cls(secrets.token_bytes(KEY_BYTES))


def write_key(key: MasterKey, wrapper: KeyWrapper | None) -> str:
    """The key as one entry of a key file or a variable; wrapped where there is a KMS."""
    if wrapper is None:
        return base64.b64encode(key.secret).decode()
    return _WRAPPED + wrapper.wrap(key.secret)


def read_key(entry: str, wrapper: KeyWrapper | None) -> MasterKey:
    """The key of an entry; raises InvalidMasterKey, also where the KMS does not unwrap it."""
    if entry.startswith(_WRAPPED):
        if wrapper is None:
            raise InvalidMasterKey("a master key is wrapped by a KMS; set LUMINOUS_KMS_URL")
        return MasterKey(wrapper.unwrap(entry.removeprefix(_WRAPPED)))
    try:
        return MasterKey(base64.b64decode(entry, validate=True))
    except ValueError:
        raise InvalidMasterKey("a master key is not base64") from None


class KeySource(Protocol):
    """Where master keys come from."""

    place: str

    def read(self) -> tuple[MasterKey, ...]:
        """The active key, then the retired ones, newest first; raises InvalidMasterKey."""

    def has_changed(self) -> bool:
        """Whether `read` would give something else than the last time. It must be cheap."""


class FixedKeys:
    """Keys that stay as they are for the life of the process: those of the environment."""

    def __init__(self, keys: Sequence[MasterKey], place: str = "the environment") -> None:
        if not keys:
            raise InvalidMasterKey("there is no master key")
        self._keys = tuple(keys)
        self.place = place

    def read(self) -> tuple[MasterKey, ...]:
        return self._keys

    def has_changed(self) -> bool:
        return False


class FileKeys:
    """A key file, followed: another process may rotate. A wrapped entry is unwrapped once."""

    def __init__(self, path: Path, wrapper: KeyWrapper | None = None) -> None:
        self.path = path
        self.place = str(path)
        self._wrapper = wrapper
        self._known: dict[str, MasterKey] = {}
        self._stamp: key_file.Stamp | None = None

    def read(self) -> tuple[MasterKey, ...]:
        stamp = key_file.stamp(self.path)
        entries = key_file.read(self.path)
        try:
            self._known = {
                entry: self._known.get(entry) or read_key(entry, self._wrapper) for entry in entries
            }
        except InvalidMasterKey as error:
            raise type(error)(f"{self.path} cannot be used: {error}") from error
        self._stamp = stamp
        return tuple(self._known.values())

    def has_changed(self) -> bool:
        return key_file.stamp(self.path) != self._stamp

    def changed_seconds_ago(self) -> float:
        return time.time() - self.path.stat().st_mtime

    def add(self, key: MasterKey) -> None:
        """Make a key the active one, for every process that follows the file."""
        entry = write_key(key, self._wrapper)
        with key_file.changing(self.path) as entries:
            entries.insert(0, entry)

    def remove(self, key_id: bytes) -> None:
        """Forget a retired key for good."""
        gone = [entry for entry, key in self._known.items() if key.id == key_id]
        with key_file.changing(self.path) as entries:
            entries[1:] = [entry for entry in entries[1:] if entry not in gone]


class KeyRing:
    """The active master key, which seals, and the retired ones, which still open."""

    def __init__(self, source: KeySource) -> None:
        self.source = source
        self._keys = source.read()
        self._looked_at = time.monotonic()

    @property
    def active(self) -> MasterKey:
        self._follow(LOOK_SECONDS)
        return self._keys[0]

    @property
    def all(self) -> tuple[MasterKey, ...]:
        self._follow(LOOK_SECONDS)
        return self._keys

    def get(self, key_id: bytes) -> MasterKey | None:
        """The key with this id; an unknown one may just have been made by another process."""
        self._follow(LOOK_SECONDS)
        return self._find(key_id) or (self._find(key_id) if self.refresh() else None)

    def refresh(self) -> bool:
        """Look at the source now; returns whether it had changed."""
        return self._follow(0)

    def _find(self, key_id: bytes) -> MasterKey | None:
        return next((key for key in self._keys if key.id == key_id), None)

    def _follow(self, seconds: float) -> bool:
        """Read the source again if it changed; a spoilt one leaves the keys as they were."""
        if time.monotonic() - self._looked_at < seconds:
            return False
        self._looked_at = time.monotonic()
        try:
            if not self.source.has_changed():
                return False
            self._keys = self.source.read()
        except (InvalidMasterKey, OSError) as error:
            log.warning("master_keys_not_followed", reason=str(error))
            return False
        log.info("master_keys_followed", active=self._keys[0].id.hex())
        return True
