"""What a room gives the executor to carry out, and how it ends."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from app.core.db import AsyncSession
from app.core.errors import AppError
from app.runs.runs.context import RunContext

Outcome = Literal["completed", "failed", "cancelled"]


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


class Work(Protocol):
    """One kind of run."""

    kind: str

    async def run(self, ctx: RunContext) -> None:
        """Do it. Called again, with the log so far, when the process before has died.

        An AppError fails the run with its problem. It is cancelled when the run is, and when
        this process stops (another one then calls it again).
        """
        ...

    async def settle(self, ctx: RunContext, session: AsyncSession, ending: Ending) -> Settlement:
        """Write what came of it, in the transaction that ends the run, whatever the ending.

        It may be called again when that transaction could not be committed.
        """
        ...
