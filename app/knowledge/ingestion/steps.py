"""The steps of a run, as its log tells of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from app.core.errors import AppError, InternalError, Unavailable
from app.runs.runs.context import RunContext
from app.runs.runs.patience import is_passing

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
MOST_TRIES: Final = 10


class StoreAway(Unavailable):
    code = "store_away"
    title = "A store of this service does not answer"


@asynccontextmanager
async def step(ctx: RunContext, name: str) -> AsyncIterator[dict[str, int]]:
    """Tell of a step's begin and end; what the block counts is told with its end."""
    ctx.emit("step.started", step=name)
    counts: dict[str, int] = {}
    try:
        yield counts
    except AppError as error:
        ctx.emit("step.failed", step=name, error=error.problem(instance=f"/v1/runs/{ctx.run_id}"))
        raise
    except Exception:
        told = InternalError("The server's log has the cause.")
        ctx.emit("step.failed", step=name, error=told.problem(instance=f"/v1/runs/{ctx.run_id}"))
        raise
    ctx.emit("step.completed", step=name, counts=counts)


async def patiently(
    ctx: RunContext, name: str, act: Callable[[], Awaitable[T]], tries: int = MOST_TRIES
) -> T:
    """Do it again, some times at growing pauses, while a store or a service is away."""
    for tried in range(1, tries):
        try:
            return await act()
        except Exception as error:
            if not (is_passing(error) or (isinstance(error, AppError) and error.retryable)):
                raise
            reason = error.code if isinstance(error, AppError) else StoreAway.code
            pause = pause_after(tried)
            ctx.emit("step.retrying", step=name, reason=reason, retry_in=pause)
        await asyncio.sleep(pause)
    return await act()


def pause_after(tried: int) -> float:
    """Seconds: longer each time."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tried - 1, 10)))
