"""Contributions that mean something else than their name says: moved to another entity, and back.

A mention moves, and with it what the same passage tells of how the entity is related.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.graph.errors import MergeBlocked
from app.knowledge.graph.merges import crud
from app.knowledge.graph.models import GraphContribution
from app.knowledge.graph.telling import put_relations, settle

Moved = dict[str, Any]


async def move(
    session: AsyncSession,
    workspace_id: UUID,
    mentions: Sequence[GraphContribution],
    new_id: UUID,
) -> list[Moved]:
    """Have mentions tell of another entity; returns what it takes to move them back."""
    moved = []
    left: dict[UUID, set[UUID]] = {}
    for mention in mentions:
        assert mention.entity_id is not None  # noqa: S101 - mentions are of entities
        left.setdefault(mention.passage_id, set()).add(mention.entity_id)
        moved.append(_note(mention, mention.entity_id, new_id))
        mention.entity_id = new_id
    await session.flush()
    gone = {each for ids in left.values() for each in ids}
    for link, relation in await crud.links_in(session, workspace_id, list(left), list(gone)):
        here = left[link.passage_id]
        ends = [new_id if end in here else end for end in (relation.source_id, relation.target_id)]
        if ends == [relation.source_id, relation.target_id]:
            continue
        (other,) = await _relations(session, workspace_id, [(ends[0], relation.type, ends[1])])
        before = [str(relation.source_id), relation.type, str(relation.target_id)]
        moved.append(_note(link, relation.id, other, before))
        link.relation_id = other
    await session.flush()
    return moved


async def move_back(session: AsyncSession, workspace_id: UUID, moved: Sequence[Moved]) -> None:
    """Undo it for what is still there; raises MergeBlocked where something was moved on."""
    here = await crud.contributions(session, workspace_id, [UUID(each["id"]) for each in moved])
    for each in moved:
        found = here.get(UUID(each["id"]))
        if found is None:
            continue
        if str(found.entity_id or found.relation_id) != each["is"]:
            raise MergeBlocked("Undo the later split first.")
        if each["ends"] is None:
            found.entity_id = UUID(each["was"])
        else:
            source, kind, target = each["ends"]
            ends = (UUID(source), kind, UUID(target))
            (found.relation_id,) = await _relations(session, workspace_id, [ends])
    await session.flush()
    await settle(session, *_touched(moved))


async def settle_moved(session: AsyncSession, moved: Sequence[Moved]) -> None:
    """Take out what nothing tells of any more, now that these have moved."""
    await settle(session, *_touched(moved))


def _touched(moved: Sequence[Moved]) -> tuple[set[UUID], set[UUID]]:
    entities: set[UUID] = set()
    relations: set[UUID] = set()
    for each in moved:
        kept = entities if each["ends"] is None else relations
        kept |= {UUID(each["was"]), UUID(each["is"])}
    return entities, relations


async def _relations(
    session: AsyncSession, workspace_id: UUID, wanted: Sequence[tuple[UUID, str, UUID]]
) -> list[UUID]:
    ids = {end for source, _, target in wanted for end in (source, target)}
    known = await crud.entities(session, workspace_id, list(ids))
    roots: Mapping[UUID, UUID] = {each.id: each.root_id for each in known.values()}
    return await put_relations(session, workspace_id, wanted, roots)


def _note(found: GraphContribution, was: UUID, now: UUID, ends: list[str] | None = None) -> Moved:
    return {"id": str(found.id), "was": str(was), "is": str(now), "ends": ends}
