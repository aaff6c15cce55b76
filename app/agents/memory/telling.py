"""Memories as they are told to clients."""

from typing import Any

from app.agents.memory.models import Memory, MemoryRevision
from app.agents.memory.schemas_read import (
    MemoryPeriod,
    MemoryRead,
    MemoryRevisionRead,
    MemorySource,
)
from app.agents.memory.timeline import restored

_SAID = (
    "text", "subject", "predicate", "object", "confidence", "valid_from", "valid_to", "known_from",
    "known_to",
)  # fmt: skip
_KEPT = (
    "id", "scope", "user_id", "agent_id", "kind", "status", "expires_at", "confirmed_at",
    "created_by_id", "created_at", "updated_at", "deleted_at", "restorable_until", "version",
)  # fmt: skip


def told(memory: Memory, revision: MemoryRevision) -> MemoryRead:
    """A memory, as it was believed to be in a revision."""
    kept: dict[str, Any] = {name: getattr(memory, name) for name in _KEPT}
    source = {name: memory.origin.get(name) for name in MemorySource.model_fields}
    return MemoryRead(
        **kept,
        **_said(revision),
        revision=revision.number,
        superseded_by_id=revision.by_memory_id,
        origin=MemorySource.model_validate(source),
    )


def told_of(revision: MemoryRevision) -> MemoryRevisionRead:
    return MemoryRevisionRead(
        **_said(revision),
        number=revision.number,
        cause=revision.cause,
        status=revision.status,
        superseded_by_id=revision.by_memory_id,
        changed_by_id=revision.changed_by_id,
    )


def _said(revision: MemoryRevision) -> dict[str, Any]:
    periods = [
        MemoryPeriod(valid_from=each.start, valid_to=each.end)
        for each in restored(revision.periods)
    ]
    return {name: getattr(revision, name) for name in _SAID} | {"periods": periods}
