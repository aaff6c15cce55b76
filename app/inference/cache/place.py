"""Where a question stands."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Place:
    """One context of one cache: no other workspace, cache or context ever sees what is in it."""

    workspace_id: UUID
    cache_id: UUID
    partition: str
