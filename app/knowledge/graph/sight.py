"""What a caller may see of the graph: what is told by passages that they may see.

What people have made by hand is seen by everyone in the workspace.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Exists, Select, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.core.auth import Access
from app.knowledge.graph.models import GraphContribution, GraphEntity, GraphRelation
from app.knowledge.passages.models import Passage
from app.knowledge.passages.sources import Source
from app.knowledge.vectors.index import Reach

Sources = Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class Sight:
    """A workspace as far as one caller sees it."""

    workspace_id: UUID
    reaches: tuple[Reach, ...]

    def covers(self) -> ColumnElement[bool]:
        """Whether a passage is among what the caller may see."""
        return and_(
            Passage.workspace_id == self.workspace_id, or_(false(), *map(_covered, self.reaches))
        )

    def mentions(self) -> Select[Any]:
        """Contributions to entities that may be seen, as `GraphContribution` and their `Member`."""
        return (
            select(GraphContribution)
            .join(Member, Member.id == GraphContribution.entity_id)
            .join(Passage, Passage.id == GraphContribution.passage_id)
            .where(self.covers())
        )

    def links(self) -> Select[Any]:
        """The same for relations, with their `Link`."""
        return (
            select(GraphContribution)
            .join(Link, Link.id == GraphContribution.relation_id)
            .join(Passage, Passage.id == GraphContribution.passage_id)
            .where(self.covers())
        )

    def sees_entity(self, entity: Any = GraphEntity) -> ColumnElement[bool]:
        """Whether a root is seen: told by what may be seen, or made by hand."""
        told = self.mentions().where(Member.root_id == entity.id)
        by_hand = select(Member.id).where(Member.root_id == entity.id, Member.origin == "manual")
        return and_(
            entity.workspace_id == self.workspace_id,
            entity.root_id == entity.id,
            or_(_is_any(told, entity), by_hand.correlate(entity).exists()),
        )

    def sees_relation(self) -> ColumnElement[bool]:
        """Whether a root relation is seen; one that is made by hand needs both its ends seen."""
        told = self.links().where(Link.root_id == GraphRelation.id)
        by_hand = (
            select(Link.id)
            .join(SourceEnd, SourceEnd.id == GraphRelation.source_id)
            .join(TargetEnd, TargetEnd.id == GraphRelation.target_id)
            .where(
                Link.root_id == GraphRelation.id,
                Link.origin == "manual",
                self.sees_entity(SourceEnd),
                self.sees_entity(TargetEnd),
            )
        )
        return and_(
            GraphRelation.workspace_id == self.workspace_id,
            GraphRelation.root_id == GraphRelation.id,
            GraphRelation.source_id != GraphRelation.target_id,
            *(self._is_living(end) for end in (GraphRelation.source_id, GraphRelation.target_id)),
            or_(_is_any(told, GraphRelation), by_hand.correlate(GraphRelation).exists()),
        )

    def _is_living(self, end: Any) -> ColumnElement[bool]:
        living = select(Member.id).where(Member.id == end, Member.deleted_at.is_(None))
        return living.correlate(GraphRelation).exists()


Member = aliased(GraphEntity, name="member")
Link = aliased(GraphRelation, name="link")
SourceEnd = aliased(GraphEntity, name="source_end")
TargetEnd = aliased(GraphEntity, name="target_end")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks, and what they may see."""

    access: Access
    sources: Sources
    sight: Sight

    @property
    def workspace_id(self) -> UUID:
        return self.access.workspace_id


async def viewer_of(session: AsyncSession, access: Access, sources: Sources) -> Viewer:
    return Viewer(access, sources, await sight_of(session, access, sources))


async def sight_of(session: AsyncSession, access: Access, sources: Sources) -> Sight:
    """Ask every source what the caller may see of its kind."""
    reaches = [await source.reach(session, access) for source in sources.values()]
    return Sight(access.workspace_id, tuple(each for each in reaches if each is not None))


async def still_visible(
    session: AsyncSession, access: Access, sources: Sources, passages: Iterable[Passage]
) -> set[UUID]:
    """The second wall: the ids of those passages whose subjects the caller may see now."""
    subjects: dict[str, set[UUID]] = {}
    kept = list(passages)
    for passage in kept:
        subjects.setdefault(passage.kind, set()).add(passage.subject_id)
    seen: set[tuple[str, UUID]] = set()
    for kind, ids in subjects.items():
        source = sources.get(kind)
        if source is not None:
            found = await source.visible(session, access, list(ids))
            seen |= {(kind, each) for each in found}
    return {each.id for each in kept if (each.kind, each.subject_id) in seen}


def _is_any(statement: Select[Any], outer: Any) -> Exists:
    return statement.with_only_columns(GraphContribution.id).correlate(outer).exists()


def _covered(reach: Reach) -> ColumnElement[bool]:
    rules: list[ColumnElement[bool]] = [Passage.kind == reach.kind]
    if reach.parents is not None or reach.owner is not None:
        by_parent = Passage.parent_id.in_(reach.parents) if reach.parents else false()
        by_owner = Passage.user_id == reach.owner if reach.owner is not None else false()
        rules.append(or_(by_parent, by_owner))
    if reach.subjects is not None:
        rules.append(Passage.subject_id.in_(reach.subjects))
    return and_(*rules)
