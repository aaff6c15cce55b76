"""What a room gives the executor to carry out, and how it ends."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, Literal, Protocol

from app.core.db import AsyncSession
from app.core.errors import AppError
from app.runs.runs.context import RunContext

Outcome = Literal["completed", "failed", "cancelled"]
MOST_LOSSES: Final = 3


@dataclass(frozen=True, slots=True)
class Ending:
    """How the work ended, before it is written down. `error` is set when it failed."""

    status: Outcome
    error: AppError | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the run leaves in its row and its terminal event. `result` is shown to the client."""

    result: dict[str, Any] = field(default_factory=dict)
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = None


class Paused(Exception):
    """Raised by work that waits for something outside: its run lets go of the process.

    `reason` and `fields` are told in `run.paused`. `waits` is asked once more in the transaction
    that pauses the run, with its row locked: False where what it waits for has come by now, and
    the run goes on at once. Whoever brings it calls `Runs.wake` in the same transaction.
    """

    def __init__(
        self,
        reason: str,
        waits: Callable[[AsyncSession], Awaitable[bool]],
        usage: Settlement | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.waits = waits
        self.usage = usage or Settlement()
        self.fields = fields


class Work(Protocol):
    """One kind of run."""

    kind: str

    async def run(self, ctx: RunContext) -> None:
        """Do it. Called again, with the log so far, when the process before has died.

        An AppError fails the run with its problem; Paused lets go of it until it is woken, and
        then it is called again. It is cancelled when the run is, and when
        this process stops (another one then calls it again).
        """
        ...

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """Write what came of it, in the transaction that ends the run, whatever the ending.

        It may be called again when that transaction could not be committed.
        """
        ...


def most_losses(work: Work) -> int:
    """How many processes may die over a run before it fails.

    Work that keeps each of its steps, and so loses little, says in `most_losses` that more may.
    """
    most: int = getattr(work, "most_losses", MOST_LOSSES)
    return most
