"""Jobs that a test runs by its own hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.core.kernel import Kernel


@asynccontextmanager
async def by_hand(kernel: Kernel, name: str) -> AsyncIterator[None]:
    """The service leaves a job alone meanwhile: it is neither due nor nudged, by a request, say."""
    nudge = kernel.nudge
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "nudge", lambda each: None if each == name else nudge(each))
        await kernel.valkey.set(f"job:{name}", 1, ex=300)
        yield
        await kernel.valkey.delete(f"job:{name}")
