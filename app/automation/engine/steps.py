"""One step of a run, as the engine knows it and as it is kept."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal

from app.automation.language.flow import OUT

Status = Literal["started", "ok", "error", "cached"]
Place = tuple[str, int]
"""A step's path and its attempt, from 0."""

UNDO: Final = "~undo"


@dataclass(slots=True)
class Step:
    """One attempt at a node, or the end of a container.

    `position` orders the ends of a run, from 1; `retry_at` is set where another attempt follows.
    `undo` has, in `with`, the settings of the step that would undo this one as they were at its
    end, or the `error` for which there are none.
    """

    path: str
    attempt: int
    node_id: str
    node_type: str
    status: Status
    started_at: datetime
    position: int = 0
    port: str = OUT
    input: Any = None
    output: Any = None
    error: dict[str, Any] | None = None
    undo: dict[str, Any] | None = None
    logs: list[str] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal | None = Decimal(0)
    copied: bool = False
    ready_at: datetime | None = None
    ended_at: datetime | None = None
    retry_at: datetime | None = None

    @property
    def place(self) -> Place:
        return self.path, self.attempt

    @property
    def is_final(self) -> bool:
        """Whether the node has ended with it: no other attempt follows."""
        return self.status != "started" and self.retry_at is None


@dataclass(frozen=True, slots=True)
class End:
    """How a node ended. `error` is `{code, message, detail, retryable}` where it failed."""

    position: int
    port: str = OUT
    output: Any = None
    error: dict[str, Any] | None = None
