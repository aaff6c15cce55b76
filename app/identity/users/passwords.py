"""Argon2id hashes of passwords, made in few threads at a time.

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

context = CryptContext(
    schemes=["argon2"],
    argon2__type="ID",
    argon2__time_cost=3,
    argon2__memory_cost=65_536,
    argon2__parallelism=4,
)


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

    Without a stored hash (None: an unknown address) the answer is False and takes as long.
    """

    def check() -> tuple[bool, str | None]:
        matches, replacement = context.verify_and_update(
            _normal(password), password_hash or UNMATCHABLE
        )
        return bool(matches and password_hash), replacement if matches else None

    return await _threads.run(check)


def _normal(password: str) -> str:
    """One form for what different keyboards write differently (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)
