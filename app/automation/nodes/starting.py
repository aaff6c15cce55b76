"""What a node needs to start another workflow: the engine's part, seen from below it."""

from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from app.core.auth import Access
from app.runs.runs.models import Run


@dataclass(frozen=True, slots=True)
class RunWanted:
    """What a workflow (by slug or id; a UUID is no slug) is to be started with.

    The same workflow and `key` are the same run. `trigger` is what began it (`api`, `cron`,
    `subworkflow` …); a run with a `parent_run_id` belongs to the step at `parent_path` there.
    `depth` counts the workflows behind it.
    """

    workflow: str | UUID
    inputs: dict[str, Any] = field(default_factory=dict)
    version: int | None = None
    label: str | None = None
    trigger: str = "api"
    trigger_id: UUID | None = None
    key: str | None = None
    parent_run_id: UUID | None = None
    parent_path: str | None = None
    priority: int | None = None
    depth: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)


class StartsRuns(Protocol):
    """Whoever starts workflows' runs."""

    async def start(self, access: Access, wanted: RunWanted) -> Run:
        """Begin a run, or find the one that its key has begun already; raises AppError."""
        ...
