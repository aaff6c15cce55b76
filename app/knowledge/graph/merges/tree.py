"""Which entity is shown as which: a tree of ties, each of which can be cut again.

An entity keeps what is told of its own key. `merged_into_id` ties it to another; `root_id` says
where the ties lead, for entities and for the relations between them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.knowledge.graph.models import GraphEntity, GraphRelation
from app.knowledge.graph.telling import relation_row, settle

# The entities below these roots that were below another one; returns their ids.
_REROOT: Final = text("""
    with recursive tree as (
        select id, id as root from graph_entities where id = any(:roots)
        union all
        select e.id, tree.root from graph_entities e join tree on e.merged_into_id = tree.id
    )
    update graph_entities e set root_id = tree.root from tree
    where e.id = tree.id and e.root_id <> tree.root
    returning e.id
""")
_LEAD: Final = text("""
    update graph_relations r set root_id = led.root
    from unnest(cast(:ids as uuid[]), cast(:roots as uuid[])) as led (id, root)
    where r.id = led.id
""")
PORTION: Final = 1000


async def members(
    session: AsyncSession, workspace_id: UUID, root_ids: Sequence[UUID]
) -> Sequence[GraphEntity]:
    """All that is shown as these, locked."""
    statement = (
        select(GraphEntity)
        .where(GraphEntity.workspace_id == workspace_id, GraphEntity.root_id.in_(root_ids))
        .order_by(GraphEntity.id)
        .with_for_update()
    )
    return (await session.scalars(statement)).all()


async def tie(
    session: AsyncSession, workspace_id: UUID, parents: Mapping[UUID, UUID | None]
) -> None:
    """Give entities other parents (None: they stand for themselves), and lead all there.

    The caller holds the workspace's turn, and sees to it that nothing becomes part of itself.
    """
    statement = select(GraphEntity).where(
        GraphEntity.workspace_id == workspace_id, GraphEntity.id.in_(list(parents))
    )
    for entity in await session.scalars(statement):
        entity.merged_into_id = parents[entity.id]
    await session.flush()
    roots = await _roots_above(session, workspace_id, parents)
    moved = list((await session.execute(_REROOT, {"roots": roots})).scalars())
    await lead(session, workspace_id, moved)


async def _roots_above(
    session: AsyncSession, workspace_id: UUID, parents: Mapping[UUID, UUID | None]
) -> list[UUID]:
    """Where the ties of these entities lead now."""
    return list({await root_of(session, workspace_id, start) for start in parents})


async def root_of(session: AsyncSession, workspace_id: UUID, entity_id: UUID) -> UUID:
    """Where the ties of an entity lead now, whatever its row says."""
    while (above := await _parent(session, workspace_id, entity_id)) is not None:
        entity_id = above
    return entity_id


async def closes_ring(
    session: AsyncSession, workspace_id: UUID, parents: Mapping[UUID, UUID]
) -> bool:
    """Whether something would be part of itself with these parents."""
    for start in parents:
        seen: set[UUID] = set()
        at: UUID | None = start
        while at is not None:
            if at in seen:
                return True
            seen.add(at)
            at = parents.get(at) or await _parent(session, workspace_id, at)
    return False


async def _parent(session: AsyncSession, workspace_id: UUID, entity_id: UUID) -> UUID | None:
    statement = select(GraphEntity.merged_into_id).where(
        GraphEntity.workspace_id == workspace_id, GraphEntity.id == entity_id
    )
    return await session.scalar(statement)


async def lead(session: AsyncSession, workspace_id: UUID, entity_ids: Iterable[UUID]) -> None:
    """Have every relation of these entities lead to the one between what its ends are shown as."""
    ids, before = list(entity_ids), set[UUID]()
    source, target = aliased(GraphEntity), aliased(GraphEntity)
    statement = (
        select(
            GraphRelation.id,
            GraphRelation.type,
            GraphRelation.root_id,
            source.root_id.label("source"),
            target.root_id.label("target"),
        )
        .join(source, source.id == GraphRelation.source_id)
        .join(target, target.id == GraphRelation.target_id)
        .where(or_(GraphRelation.source_id.in_(ids), GraphRelation.target_id.in_(ids)))
        .order_by(GraphRelation.id)
    )
    found = (await session.execute(statement)).all()
    for start in range(0, len(found), PORTION):
        led, shown = {}, {}
        for row in found[start : start + PORTION]:
            made = relation_row(workspace_id, row.source, row.type, row.target)
            if made["id"] != row.root_id:
                led[row.id], shown[made["id"]] = made["id"], made
                before.add(row.root_id)
        if led:
            ordered = sorted(shown.values(), key=lambda row: row["id"])
            await session.execute(insert(GraphRelation).on_conflict_do_nothing(), ordered)
            await session.execute(_LEAD, {"ids": list(led), "roots": list(led.values())})
    await settle(session, relations=before)
