"""Retries of a provider call, before its first event."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from app.inference.providers.errors import ProviderError, ProviderTimedOut

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential backoff with full jitter; seconds throughout.

    A provider that asks for more than `longest_wait` is given up at once, its `retry_after`
    passed on, so that a router can turn elsewhere.
    """

    retries: int
    first_wait: float = 0.5
    cap: float = 8.0
    longest_wait: float = 20.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random

    async def call(self, attempt: Callable[[], Awaitable[T]]) -> T:
        for made in count():
            try:
                return await attempt()
            except ProviderError as error:
                wait = self.wait(error, made)
                if wait is None:
                    raise
            await self.sleep(wait)
        raise AssertionError("unreachable")

    def wait(self, error: ProviderError, made: int) -> float | None:
        """Seconds until the next try, after so many retries were made; None for no other try."""
        # A timeout has used up the caller's patience already; more of the same would triple it.
        if not error.retryable or made >= self.retries or isinstance(error, ProviderTimedOut):
            return None
        backoff: float = min(self.cap, self.first_wait * 2**made) * self.jitter()
        if error.retry_after is None:
            return backoff
        return None if error.retry_after > self.longest_wait else max(error.retry_after, backoff)
