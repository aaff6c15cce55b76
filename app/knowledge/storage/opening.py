"""Files that a thread opens, and nobody leaves open."""

import asyncio
from collections.abc import Callable
from typing import IO


async def opened(opens: Callable[[], IO[bytes]]) -> IO[bytes]:
    """The file that `opens` gives; cut off meanwhile, it is there and closed before we go."""
    opening = asyncio.ensure_future(asyncio.to_thread(opens))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close)
        await asyncio.wait((opening,))
        raise


def _close(opening: "asyncio.Future[IO[bytes]]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
