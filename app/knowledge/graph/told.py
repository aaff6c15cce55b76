"""What is shown of entities: what people have set, and else what passages tell that may be seen.

It is worked out of the contributions whenever it is shown, so that nothing outlives the passage
that told it, and nobody is shown the words of a passage that they may not see.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from app.knowledge.graph.models import GraphContribution, GraphEntity
from app.knowledge.graph.sight import Member, Sight

# What rules call a thing of which they only know that it has a name.
NAME: Final = "name"
MOST_ALIASES: Final = 50


@dataclass(slots=True)
class Told:
    """One root as its passages tell of it; `members` made by hand are told by name, too."""

    own_names: Counter[str] = field(default_factory=Counter)
    names: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    descriptions: set[str] = field(default_factory=set)
    contributions: int = 0
    passages: int = 0
    set_names: list[str] = field(default_factory=list)
    by_hand: bool = False

    def take(self, row: Any) -> None:
        """What is told with one name and type."""
        self.names[row.name] += row.count
        if row.id == row.root_id:
            self.own_names[row.name] += row.count
        self.types[row.type] += row.count
        self.contributions += row.count
        if row.description:
            self.descriptions.add(row.description)

    @property
    def name(self) -> str:
        """The name that is told most often, its own before merged ones; then by the alphabet."""
        known = _most(self.own_names) or _most(self.names)
        return known or (self.set_names[0] if self.set_names else "")

    @property
    def type(self) -> str:
        """The type that is told most often, `name` only where there is no other."""
        said = Counter({kind: count for kind, count in self.types.items() if kind != NAME})
        return _most(said) or NAME

    @property
    def description(self) -> str:
        """The longest one."""
        return max(self.descriptions, key=lambda text: (len(text), text), default="")


@dataclass(frozen=True, slots=True)
class Shown:
    """An entity as a caller is shown it."""

    entity: GraphEntity
    told: Told

    @property
    def name(self) -> str:
        return self.entity.name or self.told.name

    @property
    def type(self) -> str:
        return self.entity.type or self.told.type

    @property
    def description(self) -> str:
        return self.entity.description or self.told.description

    @property
    def aliases(self) -> list[str]:
        """Every other name, those that people have set first."""
        others = [*self.entity.aliases, *self.told.set_names, *sorted(self.told.names)]
        kept = dict.fromkeys(name for name in others if name != self.name)
        return list(kept)[:MOST_ALIASES]

    @property
    def origin(self) -> str:
        return "manual" if self.told.by_hand else "extracted"

    @property
    def contributions(self) -> int:
        return self.told.contributions

    @property
    def passages(self) -> int:
        return self.told.passages

    def __getattr__(self, name: str) -> Any:
        return getattr(self.entity, name)


async def shown(
    session: AsyncSession, sight: Sight, entities: Sequence[GraphEntity]
) -> list[Shown]:
    """Roots with what the caller may see of them."""
    told = await tell_of(session, sight, [each.id for each in entities])
    return [Shown(each, told[each.id]) for each in entities]


async def tell_of(
    session: AsyncSession, sight: Sight, root_ids: Sequence[UUID]
) -> dict[UUID, Told]:
    """What passages tell of roots, by their ids."""
    found: dict[UUID, Told] = defaultdict(Told)
    for root_id in root_ids:
        found[root_id] = Told()
    if not root_ids:
        return found
    longest = aggregate_order_by(
        GraphContribution.description,
        func.length(GraphContribution.description).desc().nulls_last(),
        GraphContribution.description.desc(),
    )
    statement = (
        sight.mentions()
        .where(Member.root_id.in_(root_ids))
        .with_only_columns(
            Member.root_id,
            Member.id,
            GraphContribution.name,
            GraphContribution.type,
            func.count().label("count"),
            func.array_agg(longest)[1].label("description"),
        )
        .group_by(Member.id, GraphContribution.name, GraphContribution.type)
    )
    for row in (await session.execute(statement)).all():
        found[row.root_id].take(row)
    for root_id, passages in (await count_passages(session, sight, root_ids)).items():
        found[root_id].passages = passages
    for member in await _set_by_hand(session, root_ids):
        told = found[member.root_id]
        told.by_hand = told.by_hand or member.origin == "manual"
        if member.name:
            told.set_names.append(member.name)
    return found


async def count_passages(
    session: AsyncSession, sight: Sight, root_ids: Sequence[UUID]
) -> dict[UUID, int]:
    """In how many passages each root is mentioned, of those that may be seen."""
    statement = (
        sight.mentions()
        .where(Member.root_id.in_(root_ids))
        .with_only_columns(
            Member.root_id, func.count(GraphContribution.passage_id.distinct()).label("passages")
        )
        .group_by(Member.root_id)
    )
    return {row.root_id: row.passages for row in (await session.execute(statement)).all()}


async def _set_by_hand(session: AsyncSession, root_ids: Sequence[UUID]) -> Sequence[GraphEntity]:
    statement = (
        select(GraphEntity)
        .where(
            GraphEntity.root_id.in_(root_ids),
            (GraphEntity.origin == "manual") | GraphEntity.name.is_not(None),
        )
        .order_by(GraphEntity.id)
    )
    return (await session.scalars(statement)).all()


def _most(counted: Counter[str]) -> str:
    return min(counted, key=lambda name: (-counted[name], name), default="")
