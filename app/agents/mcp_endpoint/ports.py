"""What the endpoint needs of agents and their runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from app.core.auth import Access


@dataclass(frozen=True, slots=True)
class ServedAgent:
    """An agent in production."""

    slug: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended, or waits for a person: `status` says which."""

    run_id: UUID
    status: str
    text: str
    output: Any
    failure: str | None = None


class AgentRuns(Protocol):
    """Agents that a caller may run, and their runs."""

    async def served(self, access: Access) -> Sequence[ServedAgent]: ...

    async def find(self, access: Access, slug: str) -> ServedAgent | None: ...

    async def start(
        self, access: Access, slug: str, asked: str, variables: Mapping[str, Any]
    ) -> UUID:
        """Raises AppError where it cannot be begun."""
        ...

    async def finished(self, access: Access, run_id: UUID, tell: Callable[[str], None]) -> Ended:
        """Wait for it; `tell` is told of each thing that the agent does."""
        ...

    async def cancel(self, access: Access, run_id: UUID) -> None:
        """Nothing for a run that is not the caller's."""
        ...
