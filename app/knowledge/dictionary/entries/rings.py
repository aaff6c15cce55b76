"""What must not lead back to where it began: wider concepts, and replacements."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_LOCK_RELATIONS: Final = text("select pg_advisory_xact_lock(hashtextextended(:name, 5))")
# Everything that is wider than an entry, step by step, with what it is to say itself (`starts`) in
# place of what it says now; a ring ends by itself.
_WIDER: Final = text("""
    with recursive wider (id) as (
        select unnest(cast(:starts as uuid[]))
        union
        select entry_id from terminology_relations
        where target_id = :entry and kind = 'narrower' and workspace_id = :workspace
        union
        select step.id from wider cross join lateral (
            select target_id as id from terminology_relations
            where entry_id = wider.id and kind = 'broader' and target_id is not null
            and entry_id <> :entry and workspace_id = :workspace
            union all
            select entry_id from terminology_relations
            where target_id = wider.id and kind = 'narrower'
            and entry_id <> :entry and workspace_id = :workspace
        ) as step
    )
    select id from wider where id = any(cast(:ends as uuid[])) limit 1
""")
_REPLACED: Final = text("""
    with recursive chain (id) as (
        select cast(:start as uuid)
        union
        select e.replaced_by_id from terminology_entries e join chain on chain.id = e.id
        where e.workspace_id = :workspace and e.replaced_by_id is not null
    )
    select exists (select from chain where id = :entry)
""")


async def lock_relations(session: AsyncSession, workspace_id: UUID) -> None:
    """Let no other transaction relate this workspace's entries until this one ends.

    Taken before an entry is locked, so that two who relate each other's wait for each other once.
    """
    await session.execute(_LOCK_RELATIONS, {"name": f"relations/{workspace_id}"})


async def closes_ring(
    session: AsyncSession,
    workspace_id: UUID,
    entry_id: UUID,
    *,
    wider: Sequence[UUID],
    narrower: Sequence[UUID],
) -> UUID | None:
    """An entry that would be wider than itself, were these the wider and narrower ones of one."""
    found: UUID | None = await session.scalar(
        _WIDER,
        {
            "workspace": workspace_id,
            "entry": entry_id,
            "starts": list(wider),
            "ends": [entry_id, *narrower],
        },
    )
    return found


async def replaces_itself(
    session: AsyncSession, workspace_id: UUID, entry_id: UUID, replacement_id: UUID
) -> bool:
    """Whether the way from a replacement to what replaces that one leads back to the entry."""
    values = {"workspace": workspace_id, "start": replacement_id, "entry": entry_id}
    return bool(await session.scalar(_REPLACED, values))
