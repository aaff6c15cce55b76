"""The caches of each workspace, in memory for some seconds."""

from typing import Any, cast
from uuid import UUID

from app.core.db import Database, Scope
from app.core.fresh import Fresh
from app.inference.cache import crud
from app.inference.cache.models import ResponseCache
from app.inference.cache.rules import CacheRule
from app.inference.cache.rules import Scope as Sharing
from app.inference.usage.call_scope import applies_to

KnownRules = Fresh[tuple[CacheRule, ...]]


def known_rules(database: Database) -> KnownRules:
    """What a process knows of its workspaces' caches."""

    async def load(workspace_id: UUID) -> tuple[CacheRule, ...]:
        async with database.unit(Scope(workspace_id=workspace_id)) as session:
            rows = await crud.in_force(session, workspace_id)
        return tuple(rule_of(row) for row in rows)

    return Fresh(load)


def rule_of(row: ResponseCache) -> CacheRule:
    models: list[Any] | None = row.models
    return CacheRule(
        id=row.id,
        generation=row.generation,
        scope=cast("Sharing", row.scope),
        ttl_seconds=row.ttl_seconds,
        max_entries=row.max_entries,
        max_answer_bytes=row.max_answer_bytes,
        exact=row.exact,
        threshold=row.similarity,
        embedding_model=row.embedding_model,
        zero_temperature_only=row.zero_temperature_only,
        caches_tool_calls=row.caches_tool_calls,
        coalesces=row.coalesces,
        models=tuple(models) if models is not None else None,
        applies_to=applies_to(row.applies_to),
    )
