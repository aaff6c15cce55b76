"""What evaluations need of others: past runs, agents to start, prompts that are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from app.agents.evaluations.graders.sample import Called
from app.core.auth import Access
from app.core.db import AsyncSession


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that ended well: `input` is a text or messages, `output` a text or an object."""

    run_id: UUID
    input: Any
    output: Any
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the caller's own runs: by their ids, or else newest first."""

    run_ids: Sequence[UUID] | None = None
    subject_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    most: int = 50


class PastSource(Protocol):
    """Knows the runs of one kind: what was asked in them, and what came of it."""

    @property
    def kind(self) -> str: ...

    async def past(self, session: AsyncSession, access: Access, wanted: Wanted) -> list[PastRun]:
        """Those of the caller's own that are wanted and have completed; the rest is left out."""
        ...


@dataclass(frozen=True, slots=True)
class AgentWanted:
    """An agent to run, by its slug or id; without a version and a label it is the usual one.

    `input` is a text or messages. `run_id` is the run's own, so that beginning it twice is once.
    """

    run_id: UUID
    agent: str
    input: Any
    variables: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    label: str | None = None
    budget_usd: Decimal | None = None
    parent_run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class AgentEnded:
    """How an agent's run ended: completed, failed, cancelled or paused.

    `problem` is the problem document of a failure. `cost_usd` is None where a price is missing.
    """

    status: str
    text: str = ""
    output: Any = None
    problem: dict[str, Any] | None = None
    calls: Sequence[Called] = ()
    steps: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = None
    seconds: float = 0.0
    first_token_ms: float | None = None
    model: str | None = None


class AgentRunner(Protocol):
    """Runs agents."""

    async def version_of(
        self, access: Access, agent: str, version: int | None, label: str | None
    ) -> tuple[UUID, int]:
        """The id, and the number of the version that is meant now; raises what is wrong."""
        ...

    async def start(self, access: Access, wanted: AgentWanted) -> None:
        """Begin the run, unless it was before; raises what is wrong with the agent."""
        ...

    async def ended(self, access: Access, run_id: UUID) -> AgentEnded:
        """Wait for a run's end, or its pause."""
        ...

    async def cancel(self, access: Access, run_id: UUID) -> None: ...


class Prompts(Protocol):
    """Prompts that are kept as templates."""

    async def version_of(
        self, access: Access, template: str, version: int | None, label: str | None
    ) -> tuple[UUID, int]:
        """The id, and the number of the version that is meant now; raises what is wrong."""
        ...

    async def messages(
        self,
        access: Access,
        template: str,
        version: int | None,
        label: str | None,
        variables: Mapping[str, Any],
    ) -> list[dict[str, str]]:
        """Messages with role and content; raises what is wrong with the template or values."""
        ...
