"""Lock-out of guessed passwords, by account and by address, with delays that grow.

An attempt is counted before the password is checked and forgiven once it was right, so guesses
that arrive together are counted like those that come one by one. Accounts are counted by their
address, whether they exist or not. While Valkey does not answer, nobody gets to guess: its error
is raised, and told as `store_unavailable`.
"""

import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final, cast

from redis.asyncio import Redis

from app.core.config import Settings

FIRST_LOCK_SECONDS: Final = 30
LONGEST_LOCK_SECONDS: Final = 15 * 60
REMEMBERED_SECONDS: Final = 24 * 3600

# KEYS: the account, the address. ARGV: the first and the longest lock in milliseconds, how long a
# quiet key is remembered, then of each key the attempts that are free. An attempt from a locked
# address says nothing about the account; one on a locked account counts for its address.
# Answers whether the attempt is refused, and whether it is the one that locks the account.
TAKE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local first, longest, kept = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function locked(key)
  return tonumber(redis.call('HGET', key, 'until') or 0) > now
end
local function count(key, free)
  local failed = redis.call('HINCRBY', key, 'failed', 1)
  redis.call('PEXPIRE', key, kept)
  if failed >= free then
    local lock = math.min(longest, first * 2 ^ math.min(failed - free, 30))
    redis.call('HSET', key, 'until', string.format('%.0f', now + lock))
  end
  return failed == free
end
if locked(KEYS[2]) then return {1, 0} end
count(KEYS[2], tonumber(ARGV[5]))
if locked(KEYS[1]) then return {1, 0} end
local locks = count(KEYS[1], tonumber(ARGV[4]))
return {0, locks and 1 or 0}
"""
# The right password: the account starts afresh, and its address has one failure less.
FORGIVE: Final = """
redis.call('DEL', KEYS[1])
if redis.call('HINCRBY', KEYS[2], 'failed', -1) < tonumber(ARGV[1]) then
  redis.call('HDEL', KEYS[2], 'until')
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of an attempt before its password is checked.

    `refused`: whatever the password is. `locks`: the next attempts will be, if this one fails.
    """

    refused: bool
    locks: bool


class Lockouts:
    """Counts the attempts to prove who one is by a password."""

    def __init__(self, valkey: Redis, settings: Settings) -> None:
        self._valkey = valkey
        self._free = (settings.sign_in_free_attempts, settings.sign_in_free_attempts_per_address)

    async def take(self, email: str, address: str) -> Verdict:
        """Count an attempt as failed; raises RedisError without an answer of the store."""
        lasts = [s * 1000 for s in (FIRST_LOCK_SECONDS, LONGEST_LOCK_SECONDS, REMEMBERED_SECONDS)]
        script = self._valkey.eval(TAKE, 2, *_keys(email, address), *lasts, *self._free)
        refused, locks = await cast("Awaitable[list[int]]", script)
        return Verdict(bool(refused), bool(locks))

    async def forgive(self, email: str, address: str) -> None:
        """The attempt was right."""
        script = self._valkey.eval(FORGIVE, 2, *_keys(email, address), self._free[1])
        await cast("Awaitable[int]", script)

    async def unlock(self, email: str) -> None:
        """Let an account's owner in again: its password is a new one."""
        await self._valkey.delete(_account(email))


def _keys(email: str, address: str) -> tuple[str, str]:
    return _account(email), f"sign_in:address:{_network(address)}"


def _account(email: str) -> str:
    return f"sign_in:account:{hashlib.sha256(email.lower().encode()).hexdigest()}"


def _network(address: str) -> str:
    """One household of IPv6 is a network of 2^64 addresses."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is None:
        return f"{IPv6Address(int(ip) >> 64 << 64)}/64"
    return str(ip)
