"""Answers in Valkey: encrypted, with an end, at most so many a cache, and by whom they were asked.

Nothing here ever fails a call: without Valkey every look-up is a miss.
"""

import secrets
import time
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from redis.exceptions import RedisError

from app.core.crypto import Vault
from app.core.kernel import Valkey
from app.core.log import get_logger
from app.inference.cache.stored import Stored, dump, load

log = get_logger(__name__)

NONCE: Final = 12
SCAN_PAGE: Final = 1000
UNREADABLE: Final = (InvalidTag, ValueError, KeyError, TypeError)

# Writes an answer, then takes out as many of those that end soonest as there are too many.
_KEEP: Final = """
redis.call('set', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('zadd', KEYS[2], ARGV[3], KEYS[1])
redis.call('expire', KEYS[2], ARGV[2], 'GT')
if redis.call('ttl', KEYS[2]) < 0 then redis.call('expire', KEYS[2], ARGV[2]) end
redis.call('zadd', KEYS[3], ARGV[3], KEYS[1])
redis.call('expire', KEYS[3], ARGV[2], 'GT')
if redis.call('ttl', KEYS[3]) < 0 then redis.call('expire', KEYS[3], ARGV[2]) end
redis.call('zremrangebyscore', KEYS[2], '-inf', ARGV[4])
redis.call('zremrangebyscore', KEYS[3], '-inf', ARGV[4])
local over = redis.call('zcard', KEYS[2]) - tonumber(ARGV[5])
if over > 0 then
  for _, key in ipairs(redis.call('zrange', KEYS[2], 0, over - 1)) do redis.call('unlink', key) end
  redis.call('zremrangebyrank', KEYS[2], 0, over - 1)
end
"""


def entry_key(workspace_id: UUID, cache_id: UUID, digest: str) -> str:
    return f"cache:{workspace_id}:{cache_id}:{digest}"


def index_key(workspace_id: UUID, cache_id: UUID) -> str:
    return f"cache-entries:{workspace_id}:{cache_id}"


def author_key(workspace_id: UUID, user_id: UUID | str) -> str:
    return f"cache-asked:{workspace_id}:{user_id}"


class Entries:
    """The answers of every cache."""

    def __init__(self, valkey: Valkey, vault: Vault) -> None:
        self._valkey = valkey
        self._cipher = AESGCM(vault.derived_key("response-cache"))
        self._keep: Any = valkey.register_script(_KEEP)

    async def get(self, key: str) -> Stored | None:
        """None where there is none, or none that can be read, or Valkey is away."""
        try:
            sealed: Any = await self._valkey.get(key)
        except (RedisError, OSError) as error:
            log.warning("cache_away", reason=repr(error))
            return None
        if sealed is None:
            return None
        try:
            return load(self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], key.encode()))
        except UNREADABLE as error:
            log.warning("cache_entry_unreadable", reason=repr(error))
            return None

    async def put(
        self, key: str, stored: Stored, *, index: str, author: str, seconds: int, most: int
    ) -> None:
        """Keep an answer for so long; raises RedisError where Valkey is away."""
        nonce = secrets.token_bytes(NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, dump(stored), key.encode())
        now = time.time()
        await self._keep(
            keys=[key, index, author], args=[sealed, seconds, now + seconds, now, most]
        )

    async def count(self, workspace_id: UUID, cache_id: UUID) -> int:
        """How many answers a cache holds that have not ended."""
        index = index_key(workspace_id, cache_id)
        return int(await self._valkey.zcount(index, time.time(), "+inf"))

    async def purge(self, workspace_id: UUID, cache_id: UUID) -> int:
        """Delete all answers of a cache; how many there were."""
        index = index_key(workspace_id, cache_id)
        keys = await self._valkey.zrange(index, 0, -1)
        deleted = 0
        for start in range(0, len(keys), SCAN_PAGE):
            deleted += await self._valkey.unlink(*keys[start : start + SCAN_PAGE])
        await self._valkey.unlink(index)
        return deleted
