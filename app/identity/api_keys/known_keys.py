"""Keys seen within the last seconds, so that a busy one costs no query a request."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.core.auth import Access
from app.identity.api_keys.addresses import Network

FRESH_SECONDS = 5.0
# The part of that time after which a key is looked up anew while its old standing still counts.
AGING = 0.5
CAPACITY = 10_000


@dataclass(frozen=True, slots=True)
class KnownKey:
    access: Access
    expires_at: datetime | None
    networks: tuple[Network, ...] = ()

    @property
    def subjects(self) -> Iterator[UUID]:
        """Whose change ends what is known: the key's, its user's and its workspace's."""
        yield self.access.credential_id
        yield self.access.user_id
        yield self.access.workspace_id


class KnownKeys:
    """A bounded memory of keys by their hash; the one used longest ago goes first.

    `generation` changes with everything that is forgotten: what was looked up under another
    generation may have changed since, and is not remembered.
    """

    def __init__(self, *, fresh_seconds: float = FRESH_SECONDS, capacity: int = CAPACITY) -> None:
        self._fresh_seconds = fresh_seconds
        self._capacity = capacity
        self._keys: OrderedDict[bytes, tuple[float, KnownKey]] = OrderedDict()
        self._hashes: dict[UUID, set[bytes]] = {}
        self.generation = 0

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, secret_hash: bytes) -> tuple[KnownKey | None, bool]:
        """The key, if it is known, and whether it should be looked up again."""
        entry = self._keys.get(secret_hash)
        if entry is None:
            return None, False
        fresh_until, key = entry
        left = fresh_until - time.monotonic()
        if left < 0:
            self.drop(secret_hash)
            return None, False
        self._keys.move_to_end(secret_hash)
        return key, left < self._fresh_seconds * AGING

    def remember(self, secret_hash: bytes, key: KnownKey, generation: int) -> None:
        if generation != self.generation:
            return
        entry = self._keys.get(secret_hash)
        if entry is not None and entry[1] == key:
            # The same object, with what others have worked out of it (`Access.memo`).
            key = entry[1]
        self._keys[secret_hash] = (time.monotonic() + self._fresh_seconds, key)
        self._keys.move_to_end(secret_hash)
        for subject_id in key.subjects:
            self._hashes.setdefault(subject_id, set()).add(secret_hash)
        while len(self._keys) > self._capacity:
            self.drop(next(iter(self._keys)))

    def forget(self, subject_id: UUID) -> None:
        """Forget a key, or all keys of a user or of a workspace."""
        self.generation += 1
        for secret_hash in tuple(self._hashes.get(subject_id, ())):
            self.drop(secret_hash)

    def clear(self) -> None:
        self.generation += 1
        self._keys.clear()
        self._hashes.clear()

    def drop(self, secret_hash: bytes) -> None:
        found = self._keys.pop(secret_hash, None)
        if found is None:
            return
        key = found[1]
        for subject_id in key.subjects:
            hashes = self._hashes.get(subject_id, set())
            hashes.discard(secret_hash)
            if not hashes:
                self._hashes.pop(subject_id, None)
