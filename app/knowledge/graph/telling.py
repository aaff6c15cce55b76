"""Writing down what a passage tells, whole or not at all.

Whoever changes what entities are (what is told of them, and merges) takes the workspace's turn
first, and locks a passage only after that, so none of them waits for another with something in
its hands. Whoever deletes passages waits for nobody.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.knowledge.graph.findings import Findings, Mention, Tie
from app.knowledge.graph.keys import (
    CONCEPT,
    ends,
    entity_id,
    fold_of,
    initials_of,
    relation_id,
)
from app.knowledge.graph.models import (
    GraphContribution,
    GraphEntity,
    GraphReading,
    GraphRelation,
)
from app.knowledge.passages.models import Passage

# One of a workspace at a time; the number tells this lock from other uses.
_TURN: Final = text("select pg_advisory_xact_lock(7226, hashtext(:workspace))")
_SETTLE: Final = text("select luminous_settle_graph(:entities, :relations)")


async def take_turn(session: AsyncSession, workspace_id: UUID) -> None:
    """Be the only one who changes this workspace's entities, until the transaction ends."""
    await session.execute(_TURN, {"workspace": str(workspace_id)})


async def settle(
    session: AsyncSession, entities: Iterable[UUID] = (), relations: Iterable[UUID] = ()
) -> None:
    """Take out what nothing tells of any more, and what only hung on that."""
    given = {"entities": list(entities), "relations": list(relations)}
    await session.execute(_SETTLE, given)


async def tell(
    session: AsyncSession,
    workspace_id: UUID,
    passage_id: UUID,
    extractor: str,
    fingerprint: str,
    findings: Findings,
) -> bool:
    """Have a passage tell this and nothing else by this extractor; False where it is gone.

    What it told before, and people have moved to another entity since, stays there.
    """
    await take_turn(session, workspace_id)
    held = select(Passage.id).where(Passage.id == passage_id, Passage.workspace_id == workspace_id)
    if await session.scalar(held.with_for_update(read=True, key_share=True)) is None:
        return False
    roots = await put_entities(session, workspace_id, findings.mentions)
    links = await put_relations(session, workspace_id, _ends_of(workspace_id, findings.ties), roots)
    rows = [
        _row(workspace_id, passage_id, extractor, each, entity=entity_id(workspace_id, each.key))
        for each in findings.mentions
    ] + [
        _row(workspace_id, passage_id, extractor, each, relation=link)
        for each, link in zip(findings.ties, links, strict=True)
    ]
    left = await _write(session, rows)
    await _forget(session, passage_id, extractor, [row["id"] for row in rows])
    if left:
        await settle(session, *left)
    await _note(session, workspace_id, passage_id, extractor, fingerprint)
    return True


async def put_entities(
    session: AsyncSession, workspace_id: UUID, mentions: Sequence[Mention]
) -> dict[UUID, UUID]:
    """Have entities for these keys; returns what each is shown as, by id."""
    rows = [entity_row(workspace_id, each.key, each.name) for each in mentions]
    if not rows:
        return {}
    rows.sort(key=lambda row: row["id"])
    new = insert(GraphEntity)
    marked = new.on_conflict_do_update(index_elements=["id"], set_={"told_at": now()})
    found = await session.execute(marked.returning(GraphEntity.id, GraphEntity.root_id), rows)
    roots = {row.id: row.root_id for row in found}
    others = sorted({root for own, root in roots.items() if root != own})
    if others:
        await session.execute(
            update(GraphEntity).where(GraphEntity.id.in_(others)).values(told_at=now())
        )
    return roots


async def put_relations(
    session: AsyncSession,
    workspace_id: UUID,
    wanted: Sequence[tuple[UUID, str, UUID]],
    roots: Mapping[UUID, UUID],
) -> list[UUID]:
    """Have relations between these ends, and between what those are shown as; returns their ids."""
    made: list[UUID] = []
    rows: dict[UUID, dict[str, Any]] = {}
    for source, kind, target in wanted:
        shown = relation_row(workspace_id, roots[source], kind, roots[target])
        own = relation_row(workspace_id, source, kind, target) | {"root_id": shown["id"]}
        rows[shown["id"]] = shown
        rows.setdefault(own["id"], own)
        made.append(own["id"])
    if rows:
        ordered = sorted(rows.values(), key=lambda row: row["id"])
        marked = insert(GraphRelation).on_conflict_do_update(
            index_elements=["id"], set_={"told_at": now()}
        )
        await session.execute(marked, ordered)
    return made


def relation_row(workspace_id: UUID, source: UUID, kind: str, target: UUID) -> dict[str, Any]:
    """A relation that stands for itself."""
    source, target = ends(source, kind, target)
    own = relation_id(workspace_id, source, kind, target)
    return {
        "id": own,
        "workspace_id": workspace_id,
        "source_id": source,
        "target_id": target,
        "type": kind,
        "origin": "extracted",
        "root_id": own,
    }


def _ends_of(workspace_id: UUID, ties: Sequence[Tie]) -> list[tuple[UUID, str, UUID]]:
    return [
        (entity_id(workspace_id, tie.source), tie.type, entity_id(workspace_id, tie.target))
        for tie in ties
    ]


def entity_row(workspace_id: UUID, key: str, name: str) -> dict[str, Any]:
    """An entity that stands for itself."""
    own = entity_id(workspace_id, key)
    near = name if key.startswith(CONCEPT) else key
    return {
        "id": own,
        "workspace_id": workspace_id,
        "key": key,
        "fold": fold_of(near),
        "initials": initials_of(near),
        "origin": "extracted",
        "root_id": own,
    }


def _row(
    workspace_id: UUID,
    passage_id: UUID,
    extractor: str,
    found: Mention | Tie,
    *,
    entity: UUID | None = None,
    relation: UUID | None = None,
) -> dict[str, Any]:
    return {
        "id": uuid5(passage_id, f"{extractor}\n{entity or relation}"),
        "workspace_id": workspace_id,
        "passage_id": passage_id,
        "entity_id": entity,
        "relation_id": relation,
        "extractor": extractor,
        "name": found.name if isinstance(found, Mention) else "",
        "type": found.type,
        "description": found.description,
        "spans": [list(span) for span in found.spans],
    }


async def _write(
    session: AsyncSession, rows: Sequence[dict[str, Any]]
) -> tuple[list[UUID], list[UUID]] | None:
    """Contributions, new or as before; returns what those that were moved do not tell of."""
    if not rows:
        return None
    new = insert(GraphContribution)
    again = {each: new.excluded[each] for each in ("name", "type", "description", "spans")}
    written = new.on_conflict_do_update(index_elements=["id"], set_=again)
    columns = (GraphContribution.id, GraphContribution.entity_id, GraphContribution.relation_id)
    found = await session.execute(written.returning(*columns), rows)
    told = {row.id: (row.entity_id, row.relation_id) for row in found}
    moved = [row for row in rows if told[row["id"]] != (row["entity_id"], row["relation_id"])]
    entities = [row["entity_id"] for row in moved if row["entity_id"]]
    relations = [row["relation_id"] for row in moved if row["relation_id"]]
    return (entities, relations) if moved else None


async def _forget(
    session: AsyncSession, passage_id: UUID, extractor: str, kept: Sequence[UUID]
) -> None:
    """What it told before, and does not tell any more."""
    before = delete(GraphContribution).where(
        GraphContribution.passage_id == passage_id,
        GraphContribution.extractor == extractor,
        GraphContribution.id.not_in(kept),
    )
    await session.execute(before)


async def _note(
    session: AsyncSession,
    workspace_id: UUID,
    passage_id: UUID,
    extractor: str,
    fingerprint: str,
) -> None:
    values = {"fingerprint": fingerprint, "read_at": now()}
    statement = insert(GraphReading).values(
        passage_id=passage_id, extractor=extractor, workspace_id=workspace_id, **values
    )
    await session.execute(
        statement.on_conflict_do_update(index_elements=["passage_id", "extractor"], set_=values)
    )
