"""When a run lets go of its process: as soon as nothing of it works, and all that is left waits."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

# How long a run that only waits is held, in case what it waits for comes at once.
LINGER_SECONDS: Final = 0.25
# Of the loop: between the end of a step and the beginning of the next, out of and into containers.
_MOST_TURNS: Final = 64


@dataclass(frozen=True)
class Parked:
    """Why a run lets go, and the waits that it had open at that very moment.

    One of them may come, and even be kept as a step, before the run has let go: then it goes on.
    """

    reason: str
    awaited: frozenset[UUID]


class Parking:
    """Counts what works and what waits; `parked` is done once nothing works."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.parked: asyncio.Future[Parked] = loop.create_future()
        self._loop = loop
        self._working = 0
        self._waiting: dict[object, tuple[str, UUID | None]] = {}
        self._timer: asyncio.Handle | None = None

    @contextmanager
    def working(self) -> Iterator[None]:
        """Something of the run is under way, which a pause would cut off."""
        self._working += 1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            yield
        finally:
            self._working -= 1
            self._consider()

    @contextmanager
    def waiting(self, reason: str, wait_id: UUID | None = None) -> Iterator[None]:
        """Something waits that is kept elsewhere; whoever brings it wakes the run."""
        mark = object()
        self._waiting[mark] = reason, wait_id
        self._consider()
        try:
            yield
        finally:
            del self._waiting[mark]

    def _consider(self) -> None:
        if self._timer is None and not self._working and self._waiting:
            self._timer = self._loop.call_later(LINGER_SECONDS, self._park)

    def _park(self, turns: int = _MOST_TURNS) -> None:
        """Park, unless something goes on within some turns of the loop.

        The time may be over because the loop stood still while a step was about to begin.
        """
        self._timer = None
        if not self._waiting or self.parked.done():
            return
        if turns:
            self._timer = self._loop.call_soon(self._park, turns - 1)
            return
        reasons = {reason for reason, _ in self._waiting.values()}
        awaited = frozenset(each for _, each in self._waiting.values() if each is not None)
        self.parked.set_result(Parked(min(reasons, key=_RANK.index), awaited))


# Which reason a run that waits for several things is told to pause for.
_RANK: Final = ("user", "budget", "approval", "queue", "event", "run", "time")
