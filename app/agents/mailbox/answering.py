"""What the dispatcher asks of the runtime: a port, so that mail does not know how agents work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol
from uuid import UUID

from app.core.auth import Access


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run that is to answer a message. Its id is decided before it begins."""

    run_id: UUID
    agent_id: UUID
    label: str | None
    input: str
    budget_usd: Decimal | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a run stands; `output` is its result, `error` a sentence where it failed."""

    status: Literal["completed", "failed", "cancelled", "paused"]
    output: Any = None
    error: str | None = None
    cost_usd: Decimal = Decimal(0)


class Launcher(Protocol):
    """Starts agents, and waits for them."""

    async def start(self, access: Access, wanted: Wanted) -> None:
        """Begin the run; nothing happens where it was begun before. Raises AppError."""
        ...

    async def finished(self, access: Access, run_id: UUID) -> Answer:
        """Wait until the run has ended or waits for a person."""
        ...
