"""Entities and relations, what each is told by, and what people did to them.

A row of an entity stands for one key: a name as it is compared. Merging makes one row a member of
another, its root; nothing that was told moves, so that cutting the tie again restores it all.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.data import Category, Handling, personal, plain, technical
from app.core.db import Base, Row
from app.core.restorable import Restorable


class GraphEntity(Restorable):
    """What passages or people tell of, under one key.

    `name`, `type` and `description` are what people have set; null, they are what passages tell.
    `merged_into_id` is the entity that it was made part of, `root_id` the one that it is shown as
    (its own id, where it stands for itself). `fold` and `initials` are what near names are found
    by. The origin is `extracted` or `manual`; a manual one is there without anything that tells it.
    """

    __tablename__ = "graph_entities"
    __table_args__ = (
        Index("uq_graph_entities_key", "workspace_id", "key", unique=True),
        Index("ix_graph_entities_list", "workspace_id", "created_at", "id"),
        Index("ix_graph_entities_fold", "workspace_id", "fold", "id"),
        Index("ix_graph_entities_initials", "workspace_id", "initials"),
        Index("ix_graph_entities_root_id", "root_id"),
        Index("ix_graph_entities_merged_into_id", "merged_into_id"),
    )
    __handling__ = technical("tell what a workspace's knowledge is about")

    key: Mapped[str] = mapped_column(info=plain())
    fold: Mapped[str] = mapped_column(info=plain())
    initials: Mapped[str] = mapped_column(info=plain())
    origin: Mapped[str] = mapped_column(info=plain())
    name: Mapped[str | None] = mapped_column(info=plain())
    type: Mapped[str | None] = mapped_column(info=plain())
    description: Mapped[str | None] = mapped_column(info=plain())
    aliases: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    properties: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    merged_into_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("graph_entities.id", ondelete="SET NULL")
    )
    root_id: Mapped[UUID]
    told_at: Mapped[datetime] = mapped_column(default=now)


class GraphRelation(Restorable):
    """How one entity stands to another, between the entities of their own keys.

    `root_id` is the relation between the entities that these are shown as; it is the one that is
    listed, and it counts what its members are told by.
    """

    __tablename__ = "graph_relations"
    __table_args__ = (
        Index("uq_graph_relations_ends", "source_id", "target_id", "type", unique=True),
        Index("ix_graph_relations_list", "workspace_id", "created_at", "id"),
        Index("ix_graph_relations_target_id", "target_id"),
        Index("ix_graph_relations_root_id", "root_id"),
    )
    __handling__ = technical("tell how the things in a workspace's knowledge hang together")

    source_id: Mapped[UUID] = mapped_column(ForeignKey("graph_entities.id", ondelete="CASCADE"))
    target_id: Mapped[UUID] = mapped_column(ForeignKey("graph_entities.id", ondelete="CASCADE"))
    type: Mapped[str] = mapped_column(info=plain())
    origin: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str | None] = mapped_column(info=plain())
    properties: Mapped[dict[str, Any]] = mapped_column(default=dict, info=plain())
    root_id: Mapped[UUID]
    told_at: Mapped[datetime] = mapped_column(default=now)


class GraphContribution(Row):
    """One passage that tells of one entity or of one relation, and how.

    `name` and `type` are as it is told there, `spans` where in the passage's text, as pairs of
    code points; an empty list stands for the passage as a whole.
    """

    __tablename__ = "graph_contributions"
    __table_args__ = (
        Index("ix_graph_contributions_passage_id", "passage_id", "extractor"),
        Index("ix_graph_contributions_entity_id", "entity_id", "passage_id"),
        Index("ix_graph_contributions_relation_id", "relation_id", "passage_id"),
        Index("ix_graph_contributions_list", "workspace_id", "created_at", "id"),
    )
    __handling__ = Handling(
        "tell which passages the graph has its knowledge from",
        through=("passage_id", "passages"),
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    passage_id: Mapped[UUID] = mapped_column(ForeignKey("passages.id", ondelete="CASCADE"))
    entity_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("graph_entities.id", ondelete="CASCADE")
    )
    relation_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("graph_relations.id", ondelete="CASCADE")
    )
    extractor: Mapped[str] = mapped_column(info=plain())
    name: Mapped[str] = mapped_column(info=personal(Category.CONTENT))
    type: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    spans: Mapped[list[Any]] = mapped_column(default=list, info=plain())


class GraphReading(Base):
    """A passage that an extractor has been through, with the rules or the schema of then."""

    __tablename__ = "graph_readings"
    __table_args__ = (Index("ix_graph_readings_workspace_id", "workspace_id"),)
    __handling__ = technical("have no passage read twice", audited=False)

    passage_id: Mapped[UUID] = mapped_column(
        ForeignKey("passages.id", ondelete="CASCADE"), primary_key=True
    )
    extractor: Mapped[str] = mapped_column(primary_key=True, info=plain())
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    fingerprint: Mapped[str] = mapped_column(info=plain())
    read_at: Mapped[datetime] = mapped_column(default=now)


class GraphMerge(Row):
    """What a person did to the identity of entities, and what it takes to undo it.

    Of a `merge`, `entity_ids` were made part of `entity_id`. Of a `split`, `entity_id` was taken
    out of `from_id`: keys that had been merged (`entity_ids`), or contributions that have `moved`,
    by their ids, from what they told of to what they tell of now.
    """

    __tablename__ = "graph_merges"
    __table_args__ = (Index("ix_graph_merges_list", "workspace_id", "created_at", "id"),)
    __handling__ = Handling(
        "undo merges and splits of entities",
        subject="user_id",
        erase="clear",
        mentions=("undone_by_id",),
        reason="what was decided about entities stays the workspace's; who decided is forgotten",
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(info=plain())
    entity_id: Mapped[UUID]
    from_id: Mapped[UUID | None]
    entity_ids: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    moved: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    user_id: Mapped[UUID | None]
    undone_at: Mapped[datetime | None]
    undone_by_id: Mapped[UUID | None]

    @property
    def moved_count(self) -> int:
        """How many contributions were moved."""
        return sum(1 for each in self.moved if "is" in each)


class GraphSchema(Restorable):
    """What is looked for, and how: of a collection, dictionary or conversation (`parent_id`).

    `model` reads the passages; without one it is done by rules. With `automatic`, whatever comes
    to the parent is read at once; `owner_id` pays for it, bound as they were then (`asked_by`).
    """

    __tablename__ = "graph_schemas"
    __table_args__ = (
        Index("ix_graph_schemas_list", "workspace_id", "created_at", "id"),
        Index(
            "ix_graph_schemas_automatic",
            "parent_id",
            postgresql_where=text("automatic AND deleted_at IS NULL"),
        ),
    )
    __handling__ = Handling(
        "say what is looked for in passages",
        erase="keep",
        mentions=("owner_id",),
        reason="what a team looks for stays; who pays for it is forgotten",
    )

    name: Mapped[str] = mapped_column(info=plain())
    parent_id: Mapped[UUID | None]
    model: Mapped[str | None] = mapped_column(info=plain())
    instructions: Mapped[str] = mapped_column(default="", info=plain())
    entity_types: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    relation_types: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    automatic: Mapped[bool] = mapped_column(default=False)
    owner_id: Mapped[UUID | None]
    asked_by: Mapped[dict[str, Any]] = mapped_column(info=plain())


class GraphOrphan(Base):
    """What may be told by nothing any more, and was held by another transaction when it came."""

    __tablename__ = "graph_orphans"
    __handling__ = technical("take out of the graph what nothing tells of", audited=False)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    workspace_id: Mapped[UUID]
    entity_id: Mapped[UUID | None]
    relation_id: Mapped[UUID | None]
