"""What a caller does to the identity of entities: merge, split, undo."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from app.core.clock import now
from app.core.db import AsyncSession
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.knowledge.graph.entities import crud as entity_crud
from app.knowledge.graph.entities.service import get, is_free, living
from app.knowledge.graph.errors import (
    EntityExists,
    MergeBlocked,
    MergeInvalid,
    MergeNotFound,
)
from app.knowledge.graph.keys import key_of
from app.knowledge.graph.merges import crud, tree
from app.knowledge.graph.merges.moving import move, move_back, settle_moved
from app.knowledge.graph.merges.schemas import MergeCreate, MergeQuery, SplitCreate
from app.knowledge.graph.models import GraphEntity, GraphMerge
from app.knowledge.graph.sight import Viewer
from app.knowledge.graph.telling import entity_row, settle, take_turn
from app.knowledge.graph.told import Shown

MOST_MEMBERS = 1000


async def merge(
    session: AsyncSession, viewer: Viewer, new: MergeCreate
) -> tuple[GraphMerge, Shown]:
    """Make entities part of another; what is told of their names later is told of it, too."""
    await take_turn(session, viewer.workspace_id)
    into = await living(session, viewer, new.into)
    parts = {(await living(session, viewer, each)).id for each in new.from_} - {into.id}
    if not parts:
        raise MergeInvalid("from", "They are one entity already.")
    if len(await tree.members(session, viewer.workspace_id, [into.id, *parts])) > MOST_MEMBERS:
        raise MergeInvalid("from", f"An entity has at most {MOST_MEMBERS} names that were merged.")
    await tree.tie(session, viewer.workspace_id, dict.fromkeys(sorted(parts), into.id))
    done = await _note(session, viewer, "merge", into.id, entity_ids=sorted(parts))
    return done, await get(session, viewer, into.id)


async def split(
    session: AsyncSession, viewer: Viewer, entity_id: UUID, new: SplitCreate
) -> tuple[GraphMerge, Shown]:
    """Take names, or single contributions, out of an entity, as another one."""
    await take_turn(session, viewer.workspace_id)
    whole = await living(session, viewer, entity_id)
    if new.aliases is not None:
        done = await _split_names(session, viewer, whole, new)
    else:
        done = await _split_contributions(session, viewer, whole, new)
    return done, await get(session, viewer, done.entity_id)


async def undo(session: AsyncSession, viewer: Viewer, merge_id: UUID) -> GraphMerge:
    """Put it back as it was; what has come since goes where its name says.

    Undone again it stays as it is. Raises MergeBlocked where a later merge or split stands on it.
    """
    await take_turn(session, viewer.workspace_id)
    done = await find(session, viewer, merge_id)
    if done.undone_at is not None:
        return done
    if done.kind == "merge":
        await _cut(session, viewer, done)
    elif done.moved and "parent" in done.moved[0]:
        await _tie_again(session, viewer, done)
    done.undone_at, done.undone_by_id = now(), viewer.access.user_id
    await session.flush()
    if done.kind == "split" and done.moved and "parent" not in done.moved[0]:
        await _move_back(session, viewer, done)
    await settle(session, [UUID(each) for each in done.entity_ids] + [done.entity_id])
    return done


async def find(session: AsyncSession, viewer: Viewer, merge_id: UUID) -> GraphMerge:
    """Raises MergeNotFound, also where the caller sees nothing of its entity."""
    done = await crud.find(session, viewer.sight, merge_id)
    if done is None:
        raise MergeNotFound
    return done


async def page(
    session: AsyncSession, viewer: Viewer, query: MergeQuery, cursors: Cursors
) -> Slice[GraphMerge]:
    return await crud.page(session, viewer.sight, query, cursors)


async def _split_names(
    session: AsyncSession, viewer: Viewer, whole: GraphEntity, new: SplitCreate
) -> GraphMerge:
    keys = {key_of(alias) for alias in new.aliases or ()}
    names = await crud.names_of(session, viewer.sight, whole.id)
    wanted = {member_id for member_id, name in names if key_of(name) in keys}
    members = await tree.members(session, viewer.workspace_id, [whole.id])
    named = [each for each in members if each.id in wanted]
    if not named or any(each.id == whole.id for each in named):
        raise MergeInvalid("aliases", "Name what was merged into it; its own name stays with it.")
    first, *others = named
    parents: dict[UUID, UUID | None] = {first.id: None, **{each.id: first.id for each in others}}
    before = [_standing(each, parents[each.id]) for each in named]
    if new.name is not None:
        first.name = new.name
    if new.type is not None:
        first.type = new.type
    await tree.tie(session, viewer.workspace_id, parents)
    return await _note(
        session,
        viewer,
        "split",
        first.id,
        from_id=whole.id,
        entity_ids=[each.id for each in named],
        moved=before,
    )


async def _split_contributions(
    session: AsyncSession, viewer: Viewer, whole: GraphEntity, new: SplitCreate
) -> GraphMerge:
    wanted = list(dict.fromkeys(new.contributions or ()))
    mentions = await crud.mentions(session, viewer.sight, whole.id, wanted)
    if len(mentions) != len(wanted):
        raise MergeInvalid("contributions", "Some of these do not tell of this entity.")
    name = new.name or ""
    row = entity_row(viewer.workspace_id, key_of(name) or name.casefold(), name)
    known = await entity_crud.by_key(session, viewer.workspace_id, row["key"])
    if known is not None and not await is_free(session, viewer, known):
        raise EntityExists("Give the new entity a name that no other has.")
    made = known or await entity_crud.add(session, GraphEntity(**row))
    _stand(made, "manual", name, new.type)
    await session.flush()
    left = {each.entity_id for each in mentions if each.entity_id is not None}
    moved = await move(session, viewer.workspace_id, mentions, made.id)
    done = await _note(
        session, viewer, "split", made.id, from_id=whole.id, entity_ids=sorted(left), moved=moved
    )
    await settle_moved(session, moved)
    return done


async def _note(
    session: AsyncSession,
    viewer: Viewer,
    kind: str,
    entity_id: UUID,
    *,
    entity_ids: Sequence[UUID],
    from_id: UUID | None = None,
    moved: Sequence[dict[str, Any]] = (),
) -> GraphMerge:
    return await crud.add(
        session,
        GraphMerge(
            id=new_id(),
            workspace_id=viewer.workspace_id,
            kind=kind,
            entity_id=entity_id,
            from_id=from_id,
            entity_ids=[str(each) for each in entity_ids],
            moved=list(moved),
            user_id=viewer.access.user_id,
        ),
    )


async def _cut(session: AsyncSession, viewer: Viewer, done: GraphMerge) -> None:
    ids = [UUID(each) for each in done.entity_ids]
    known = await crud.entities(session, viewer.workspace_id, ids)
    if any(each.merged_into_id != done.entity_id for each in known.values()):
        raise MergeBlocked("Undo what was split off it since.")
    await tree.tie(session, viewer.workspace_id, dict.fromkeys(known, None))


async def _tie_again(session: AsyncSession, viewer: Viewer, done: GraphMerge) -> None:
    """Make names part of what they were split off."""
    parents = {UUID(each["id"]): UUID(each["parent"]) for each in done.moved}
    tied = {UUID(each["id"]): UUID(each["tied"]) if each["tied"] else None for each in done.moved}
    known = await crud.entities(session, viewer.workspace_id, [*parents, *parents.values()])
    moved_on = any(known[each].merged_into_id != to for each, to in tied.items() if each in known)
    if moved_on or len(known) != len({*parents, *parents.values()}):
        raise MergeBlocked("Undo what was done to these entities since.")
    if await tree.closes_ring(session, viewer.workspace_id, parents):
        raise MergeBlocked("Undo the merge of the two since.")
    for each in done.moved:
        entity = known[UUID(each["id"])]
        entity.name, entity.type = each["name"], each["type"]
        entity.deleted_at = None
    await tree.tie(session, viewer.workspace_id, parents)


def _stand(
    entity: GraphEntity, origin: str, name: str | None = None, kind: str | None = None
) -> None:
    """Have nothing be set by hand but this."""
    entity.origin, entity.name, entity.type, entity.deleted_at = origin, name, kind, None
    entity.description, entity.aliases, entity.properties = None, [], {}


def _standing(entity: GraphEntity, tied: UUID | None) -> dict[str, Any]:
    """What a name was before it is split off, and what it is tied to then."""
    return {
        "id": str(entity.id),
        "parent": str(entity.merged_into_id),
        "tied": str(tied) if tied else None,
        "name": entity.name,
        "type": entity.type,
    }


async def _move_back(session: AsyncSession, viewer: Viewer, done: GraphMerge) -> None:
    known = await crud.entities(session, viewer.workspace_id, [done.entity_id])
    made = known.get(done.entity_id)
    if made is not None:
        # What has come to bear this name by itself meanwhile keeps it.
        _stand(made, "extracted")
    await move_back(session, viewer.workspace_id, done.moved)
