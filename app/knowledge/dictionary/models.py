"""Dictionaries, their concepts, and what each of these was before."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.core.data import Category, Handling, personal, plain, technical
from app.core.db import Row
from app.core.restorable import Restorable

_LIVING = text("deleted_at IS NULL")


class Dictionary(Restorable):
    """What concepts are kept in.

    Several may be default: those hold in the whole workspace, wherever nothing names others.
    """

    __tablename__ = "dictionaries"
    __table_args__ = (
        Index(
            "uq_dictionaries_slug", "workspace_id", "slug", unique=True, postgresql_where=_LIVING
        ),
        Index("ix_dictionaries_list", "workspace_id", "created_at", "id"),
    )
    __handling__ = technical("keep a workspace's concepts together")

    slug: Mapped[str] = mapped_column(info=plain())
    name: Mapped[str] = mapped_column(info=plain())
    description: Mapped[str] = mapped_column(default="", info=plain())
    languages: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    is_default: Mapped[bool] = mapped_column(default=False)
    labels: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict, info=plain())


class Entry(Restorable):
    """A concept; its terms and relations stand in tables of their own.

    A change of these is one of the entry, too, and counts its version up.
    `status`: `draft`, `proposed`, `approved` or `deprecated`. `languages` are those of its terms,
    `words` all that a filter by words looks through (`lexemes` have no index: under row-level
    security Postgres uses none for `@@`). The last decision about it is kept in
    `reviewed_at` and its neighbours; `replaced_by_id` is what to use in place of a deprecated one.
    """

    __tablename__ = "terminology_entries"
    __table_args__ = (
        Index(
            "uq_terminology_entries_external_id",
            "dictionary_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL AND deleted_at IS NULL"),
        ),
        Index("ix_terminology_entries_list", "workspace_id", "created_at", "id"),
        Index("ix_terminology_entries_changed", "workspace_id", "updated_at"),
        Index(
            "ix_terminology_entries_dictionary",
            "dictionary_id",
            "status",
            postgresql_include=["workspace_id", "version", "updated_at"],
        ),
        Index("ix_terminology_entries_replaced_by_id", "replaced_by_id"),
        Index(
            "ix_terminology_entries_deleted_at",
            "deleted_at",
            postgresql_where=text("deleted_at IS NOT NULL"),
        ),
    )
    __handling__ = Handling(
        "say what a workspace's words mean, and which ones to use",
        subject="reviewed_by_id",
        erase="clear",
        reason="what words mean stays the workspace's; who decided on it is forgotten",
    )

    dictionary_id: Mapped[UUID] = mapped_column(ForeignKey("dictionaries.id", ondelete="CASCADE"))
    external_id: Mapped[str | None] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(info=plain())
    subject_fields: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    definitions: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    examples: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    notes: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    sources: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    languages: Mapped[list[Any]] = mapped_column(default=list, info=plain())
    labels: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict, info=plain())
    words: Mapped[str] = mapped_column(default="", info=plain())
    lexemes: Mapped[Any] = mapped_column(
        TSVECTOR,
        Computed(
            "to_tsvector('simple', luminous_unaccented(luminous_unmarked(words)))", persisted=True
        ),
        deferred=True,
        info=plain(),
    )
    created_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    reviewed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    reviewed_at: Mapped[datetime | None]
    review_comment: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
    replaced_by_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("terminology_entries.id", ondelete="SET NULL")
    )


class Term(Row):
    """A word or phrase for a concept in one language; it keeps its id through every change.

    `status`: `preferred`, `admitted`, `forbidden` or `abbreviation`. `folded` is the text as it is
    compared: in compatibility form and without case; `bare` the same without accents, as it is
    looked up by its beginning.
    """

    __tablename__ = "terminology_terms"
    __table_args__ = (
        Index("ix_terminology_terms_entry", "entry_id", "ordinal"),
        Index("ix_terminology_terms_dictionary_id", "dictionary_id"),
        Index(
            "ix_terminology_terms_folded",
            "workspace_id",
            "folded",
            postgresql_ops={"folded": "text_pattern_ops"},
        ),
        Index(
            "ix_terminology_terms_bare",
            "workspace_id",
            "bare",
            postgresql_ops={"bare": "text_pattern_ops"},
        ),
    )
    __handling__ = technical("know the words for a concept", audited=False)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    dictionary_id: Mapped[UUID] = mapped_column(ForeignKey("dictionaries.id", ondelete="CASCADE"))
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("terminology_entries.id", ondelete="CASCADE"))
    ordinal: Mapped[int]
    language: Mapped[str] = mapped_column(info=plain())
    text: Mapped[str] = mapped_column(info=plain())
    folded: Mapped[str] = mapped_column(info=plain())
    bare: Mapped[str] = mapped_column(
        Computed("luminous_unaccented(folded)", persisted=True), deferred=True, info=plain()
    )
    status: Mapped[str] = mapped_column(info=plain())
    part_of_speech: Mapped[str | None] = mapped_column(info=plain())
    note: Mapped[str | None] = mapped_column(info=plain())


class Relation(Row):
    """What a concept says of another one (`target_id`), or of one elsewhere (`target_uri`).

    `kind`: `broader` (the target is the wider concept), `narrower`, `related` or `same_as`. Kept
    once, with the entry that says it; the target shows the inverse.
    """

    __tablename__ = "terminology_relations"
    __table_args__ = (
        Index("ix_terminology_relations_entry", "entry_id", "ordinal"),
        Index("ix_terminology_relations_target_id", "target_id"),
        Index("ix_terminology_relations_workspace_id", "workspace_id"),
    )
    __handling__ = technical("know how concepts stand to each other", audited=False)

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("terminology_entries.id", ondelete="CASCADE"))
    ordinal: Mapped[int]
    kind: Mapped[str] = mapped_column(info=plain())
    target_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("terminology_entries.id", ondelete="CASCADE")
    )
    target_uri: Mapped[str | None] = mapped_column(info=plain())


class Revision(Row):
    """An entry as it was after one change; its versions have no gaps.

    `action`: `created`, `updated`, `proposed`, `approved`, `rejected`, `deprecated`, `deleted`,
    `restored`, `reverted` or `imported`.
    """

    __tablename__ = "terminology_revisions"
    __table_args__ = (
        Index("uq_terminology_revisions_version", "entry_id", "version", unique=True),
        Index("ix_terminology_revisions_workspace_id", "workspace_id"),
    )
    __handling__ = Handling(
        "show what a concept was, and who changed it",
        subject="changed_by_id",
        erase="clear",
        reason="a concept's history stays the workspace's; who wrote it is forgotten",
        audited=False,
    )

    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    entry_id: Mapped[UUID] = mapped_column(ForeignKey("terminology_entries.id", ondelete="CASCADE"))
    version: Mapped[int]
    action: Mapped[str] = mapped_column(info=plain())
    status: Mapped[str] = mapped_column(info=plain())
    snapshot: Mapped[dict[str, Any]] = mapped_column(info=plain())
    changed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    comment: Mapped[str | None] = mapped_column(info=personal(Category.CONTENT))
