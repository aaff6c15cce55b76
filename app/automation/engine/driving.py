"""Who has runs of workflows taken up: this service by itself, or an engine beside it."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from app.core.jobs import Job
from app.runs.runs.bundle import Runs
from app.runs.runs.elsewhere import Elsewhere
from app.runs.runs.models import Run


class Driver(Protocol):
    """Decides who carries a run out, and when it is taken up again; remembers nothing of it.

    `elsewhere` is set where this is not left to the runs room. `owner` is the executor that a new
    run belongs to; None: nobody yet.
    """

    @property
    def elsewhere(self) -> Elsewhere | None: ...

    @property
    def owner(self) -> str | None: ...

    def launch(self, run: Run) -> None:
        """Have a new run carried out, once it is committed."""
        ...

    def driving(self, runs: Runs) -> AbstractAsyncContextManager[None]:
        """Runs are carried out within."""
        ...

    def jobs(self) -> tuple[Job, ...]: ...


class BuiltIn:
    """Each run begins in the process that was asked for it; the sweeper takes it up again."""

    elsewhere = None
    _runs: Runs

    @property
    def owner(self) -> str | None:
        return self._runs.executor.id

    def launch(self, run: Run) -> None:
        self._runs.executor.launch(run)

    @asynccontextmanager
    async def driving(self, runs: Runs) -> AsyncIterator[None]:
        self._runs = runs
        yield

    def jobs(self) -> tuple[Job, ...]:
        return ()
