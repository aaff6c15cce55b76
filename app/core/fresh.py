"""What a process remembers of each workspace for some seconds, renewed before anyone waits."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from uuid import UUID

from app.core.log import get_logger

log = get_logger(__name__)

T = TypeVar("T")

# How long another process may go on with what was changed here.
FRESH_SECONDS = 5.0
# From then on the next one who asks has it renewed, and takes what there is.
RENEW_SECONDS = 2.5
MOST_WORKSPACES = 10_000


class Fresh(Generic[T]):
    """Values by workspace, loaded once for all who ask at the same time."""

    def __init__(
        self, load: Callable[[UUID], Awaitable[T]], *, most: int = MOST_WORKSPACES
    ) -> None:
        self._load = load
        self._most = most
        self._known: OrderedDict[UUID, tuple[float, T]] = OrderedDict()
        self._loading: dict[UUID, asyncio.Task[T]] = {}

    def peek(self, workspace_id: UUID) -> T | None:
        """What is known and fresh, without waiting; None where `get` must be awaited."""
        found = self._known.get(workspace_id)
        if found is None:
            return None
        age = time.monotonic() - found[0]
        if age > FRESH_SECONDS:
            return None
        if age > RENEW_SECONDS and workspace_id not in self._loading:
            self._start(workspace_id).add_done_callback(_note_failure)
        return found[1]

    async def get(self, workspace_id: UUID) -> T:
        """What is known, or loaded now; raises what loading raises."""
        found = self.peek(workspace_id)
        if found is not None:
            return found
        task = self._loading.get(workspace_id) or self._start(workspace_id)
        return await asyncio.shield(task)

    def forget(self, workspace_id: UUID) -> None:
        """Load this workspace's value anew at the next question."""
        self._known.pop(workspace_id, None)
        # What is being loaded may be of before the change: nobody gets it who asks from now on.
        self._loading.pop(workspace_id, None)

    def _start(self, workspace_id: UUID) -> asyncio.Task[T]:
        task = asyncio.create_task(self._renew(workspace_id), name="fresh")
        self._loading[workspace_id] = task
        return task

    async def _renew(self, workspace_id: UUID) -> T:
        began, this = time.monotonic(), asyncio.current_task()
        try:
            value = await self._load(workspace_id)
            if self._loading.get(workspace_id) is this:
                self._known[workspace_id] = (began, value)
                self._known.move_to_end(workspace_id)
                while len(self._known) > self._most:
                    self._known.popitem(last=False)
            return value
        finally:
            if self._loading.get(workspace_id) is this:
                del self._loading[workspace_id]


def _note_failure(task: asyncio.Task[T]) -> None:
    """Say that a renewal failed; whoever asks once the value is stale gets the error itself."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning("not_renewed", error=repr(error))
