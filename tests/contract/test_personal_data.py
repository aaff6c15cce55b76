"""Every table and column says what it holds: the privacy rooms believe these declarations."""

import re
from string import Formatter
from typing import ClassVar
from uuid import UUID

import pytest
from sqlalchemy import ARRAY, ForeignKey, LargeBinary, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.core.data import Category, Handling, declared, personal, plain, secret, technical
from app.tables import Base

SAYS_SOMETHING = (Text, JSONB, LargeBinary, TSVECTOR)

# Who did something, and how such columns are called; the others hold ids of things.
PEOPLE = re.compile(r"(user|owner|actor|subject|account|member|person|author)_ids?|.*_by_ids?")
NO_ACCOUNT = {
    "audit_logs.subject_ids": "the audit trail's own erasure empties it",
    "memory_revisions.user_id": "whose the memory is, and the revision goes with it",
    "outbox_events.subject_id": "a thing that something happened to",
    "passages.subject_id": "a document, entry or message",
    "runs.subject_id": "what the run is of",
    "shares.member_id": "a membership, with which the share goes",
    "terminology_entries.replaced_by_id": "another entry",
    "tool_approvals.user_id": "whose the execution is, and the approval goes with it",
    "workflow_waits.user_id": "whose the run is, and the wait goes with it",
}


def mistakes(base: type[DeclarativeBase]) -> list[str]:
    """What is wrong with the declarations of all tables of a base, one sentence each."""
    models = {mapper.local_table.name: mapper for mapper in base.registry.mappers}
    return [
        f"{name}: {mistake}"
        for name, mapper in sorted(models.items())
        for mistake in (
            *mistakes_of_handling(mapper, models),
            *mistakes_of_columns(mapper.local_table),
        )
    ]


def mistakes_of_handling(mapper, models):
    handling = mapper.class_.__dict__.get("__handling__")
    if not isinstance(handling, Handling):
        return ["has no __handling__"]
    column, parent = handling.through or (None, None)
    # What is kept through a parent is as old as the parent.
    aged_by = handling.aged_by if handling.retention and not parent else None
    named = (handling.subject, handling.by_email, aged_by, column, *handling.mentions)
    about_someone = handling.subject or handling.through or handling.by_email
    table = mapper.local_table
    about_customers = handling.erased_by is not None
    found = [f"has no column {name}" for name in named if name and name not in table.c]
    for wrong, mistake in (
        (parent and parent not in models, f"is kept through {parent}, which is no table"),
        (
            personal_columns(table) and not about_someone and not about_customers,
            "has personal columns and no subject",
        ),
        (about_customers and about_someone, "is of a workspace's customers and of our people"),
        (about_customers and not goes_with_workspace(table), "does not go with its workspace"),
        (handling.erase == "clear" and not handling.subject, "is cleared, which takes a subject"),
        (handling.erase != "delete" and not handling.reason, "is not deleted and says no reason"),
        (handling.mentions and not handling.reason, "mentions others and says no reason"),
        (not handling.purpose, "has no purpose"),
    ):
        if wrong:
            found.append(mistake)
    return found


def columns_with_people(table):
    """The columns of a table that hold ids of accounts, by their names."""
    for column in table.c:
        kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
        if isinstance(kind, Uuid) and PEOPLE.fullmatch(column.name):
            yield column


def is_forgotten(handling, column):
    """Whether an erasure takes the ids of a person out of a column."""
    if any(key.target_fullname == "users.id" and key.ondelete for key in column.foreign_keys):
        return True
    return column.name in (handling.subject, *handling.mentions)


def goes_with_workspace(table):
    return any(
        key.parent.name == "workspace_id"
        and key.target_fullname == "workspaces.id"
        and key.ondelete == "CASCADE"
        for key in table.foreign_keys
    )


def personal_columns(table):
    found = {column.name: declared(column.info) for column in table.c}
    return [name for name, holds in found.items() if holds and holds.kind == "personal"]


def mistakes_of_columns(table):
    for column in table.c:
        holds = declared(column.info)
        if holds is None:
            if isinstance(column.type, SAYS_SOMETHING):
                yield f"{column.name} does not say what it holds"
            continue
        if (holds.kind == "personal") != (holds.category is not None):
            yield f"{column.name} is personal exactly where it has a category"
        is_sealed = column.name.startswith("sealed_")
        if is_sealed and not (holds.kind == "secret" and holds.sealed_as):
            yield f"{column.name} names no context of the vault"
        for _, field, _, _ in Formatter().parse(holds.sealed_as or ""):
            if field is not None and field not in table.c:
                yield f"{column.name} is sealed with {field}, which is no column"


def test_every_table_and_column_says_what_it_holds():
    assert mistakes(Base) == []


def test_no_id_of_a_person_outlives_their_erasure():
    left = {
        f"{mapper.local_table.name}.{column.name}"
        for mapper in Base.registry.mappers
        for column in columns_with_people(mapper.local_table)
        if not is_forgotten(mapper.class_.__handling__, column)
    }
    assert left == set(NO_ACCOUNT)


def made_up(**columns):
    """A base with one good table, and one that these columns and attributes change."""

    class Own(DeclarativeBase):
        type_annotation_map: ClassVar = {str: Text}

    class Person(Own):
        __tablename__ = "people"
        __handling__ = Handling("know people", subject="id")
        id: Mapped[UUID] = mapped_column(primary_key=True)
        email: Mapped[str] = mapped_column(info=personal(Category.IDENTITY))

    return Own, type(
        "Note",
        (Own,),
        {"__tablename__": "notes", "id": mapped_column("id", Text, primary_key=True, info=plain())}
        | columns,
    )


@pytest.mark.parametrize(
    ("columns", "mistake"),
    [
        ({}, "notes: has no __handling__"),
        (
            {"__handling__": technical("x"), "body": mapped_column(Text)},
            "notes: body does not say what it holds",
        ),
        (
            {"__handling__": technical("x"), "body": mapped_column(JSONB)},
            "notes: body does not say what it holds",
        ),
        (
            {
                "__handling__": technical("x"),
                "body": mapped_column(Text, info=personal(Category.CONTENT)),
            },
            "notes: has personal columns and no subject",
        ),
        ({"__handling__": Handling("x", subject="user_id")}, "notes: has no column user_id"),
        (
            {"__handling__": Handling("x", through=("id", "nothings"))},
            "notes: is kept through nothings, which is no table",
        ),
        (
            {"__handling__": Handling("x", through=("id", "people"), erase="clear", reason="y")},
            "notes: is cleared, which takes a subject",
        ),
        (
            {
                "__handling__": Handling("x", subject="id", erased_by="y"),
                "workspace_id": mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE")),
            },
            "notes: is of a workspace's customers and of our people",
        ),
        (
            {"__handling__": Handling("x", erased_by="y")},
            "notes: does not go with its workspace",
        ),
        (
            {"__handling__": Handling("x", subject="id", erase="keep")},
            "notes: is not deleted and says no reason",
        ),
        (
            {"__handling__": Handling("x", subject="id", mentions=("id",))},
            "notes: mentions others and says no reason",
        ),
        (
            {"__handling__": Handling("x", reason="y", mentions=("user_id",))},
            "notes: has no column user_id",
        ),
        (
            {"__handling__": Handling("x", subject="id", retention="usage")},
            "notes: has no column created_at",
        ),
        (
            {
                "__handling__": technical("x"),
                "sealed_key": mapped_column(LargeBinary, info=secret()),
            },
            "notes: sealed_key names no context of the vault",
        ),
        (
            {
                "__handling__": technical("x"),
                "sealed_key": mapped_column(LargeBinary, info=secret(sealed_as="notes/{no}")),
            },
            "notes: sealed_key is sealed with no, which is no column",
        ),
    ],
)
def test_the_check_finds_a_mistake(columns, mistake):
    base, _ = made_up(**columns)
    assert mistakes(base) == [mistake]


def test_the_check_passes_a_table_that_says_everything():
    base, _ = made_up(
        __handling__=Handling("keep notes", through=("id", "people")),
        body=mapped_column(Text, info=personal(Category.CONTENT)),
    )
    assert mistakes(base) == []


def test_what_is_of_customers_is_erased_by_an_operation_that_exists(operations):
    named = {
        mapper.local_table.name: mapper.class_.__handling__.erased_by
        for mapper in Base.registry.mappers
        if mapper.class_.__handling__.erased_by
    }
    assert {"customers", "budget_alerts"} <= set(named)
    assert set(named.values()) <= {operation.id for operation in operations if operation.guarded}
