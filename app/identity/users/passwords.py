"""Hashes of passwords: Argon2id for new ones, and those that others made, until they are replaced.

One hash takes 64 MiB and a tenth of a second, so a hundred sign-ins at once wait their turn; past
a bounded queue they are told to come back.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from passlib.context import CryptContext  # type: ignore[import-untyped]

from app.core.errors import Unavailable

T = TypeVar("T")

THREADS = 4
QUEUE = 500
# What an unknown address is checked against, so that it takes as long as a known one.
UNMATCHABLE = (
    "$argon2id$v=19$m=65536,t=3,p=4$c86Z0/rfO2eMcc7ZG+McQw"
    "$zscUR7HR2f9PLmn142kaeKFP9+E04WdUk+oB0p2H8EE"
)
BCRYPT_BYTES = 72  # bcrypt has never looked at more

# Imported hashes are known by their prefix, and replaced by Argon2id once their password is given.
context = CryptContext(
    schemes=["argon2", "bcrypt", "scrypt"],
    deprecated=["bcrypt", "scrypt"],
    argon2__type="ID",
    argon2__time_cost=3,
    argon2__memory_cost=65_536,
    argon2__parallelism=4,
)
# Each backend is loaded now: passlib loads it at first use, and two threads at once break that.
for _scheme in context.schemes():
    context.handler(_scheme).get_backend()


class HashingBusy(Unavailable):
    code = "sign_in_busy"
    title = "Too many people sign in at this moment"


class _Threads:
    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        if self._waiting >= QUEUE:
            raise HashingBusy("Try again in a few seconds.", retry_after=5)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1


_threads = _Threads()


async def hashed(password: str) -> str:
    return await _threads.run(lambda: str(context.hash(_normal(password))))


async def verify(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Whether it matches, and a new hash where the stored one was made with older settings.

    Without a stored hash (None: an unknown address, or an account that has no password) the answer
    is False and takes as long. A hash that was made otherwise is checked beside that same work, so
    none takes less; who imports costlier ones accepts that those accounts answer later until their
    first sign-in.
    """
    if password_hash and context.needs_update(password_hash):
        (matches, replacement), _ = await asyncio.gather(
            _threads.run(lambda: _check(password, password_hash)),
            _threads.run(lambda: _check(password, None)),
        )
        return matches, replacement
    return await _threads.run(lambda: _check(password, password_hash))


def _check(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    stored = password_hash or UNMATCHABLE
    # Another system may have hashed what was typed, as it was.
    for spelling in dict.fromkeys((_normal(password), password)):
        matches = context.verify(_fitting(spelling, stored), stored)
        if matches and password_hash:
            outdated = context.needs_update(stored)
            return True, str(context.hash(_normal(password))) if outdated else None
    return False, None


def _fitting(password: str, stored: str) -> str | bytes:
    """The part of a password that the stored hash's algorithm looks at."""
    if stored.startswith("$2"):
        return password.encode()[:BCRYPT_BYTES].partition(b"\0")[0]
    return password


def _normal(password: str) -> str:
    """One form for what different keyboards write differently (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)
