"""The tables as they are declared: which rows are about a person, and what becomes of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    LargeBinary,
    Table,
    Text,
    case,
    exists,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.core.data import Handling, declared
from app.core.db import Base
from app.oversight.privacy.people import Person

NOBODY = UUID(int=0)
_EMPTY: tuple[tuple[type, Any], ...] = ((Text, ""), (LargeBinary, b""), (JSON, {}), (JSONB, {}))


@dataclass(frozen=True, slots=True)
class DataTable:
    """One table and what is declared of it."""

    table: Table
    handling: Handling

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def key(self) -> tuple[Column[Any], ...]:
        return tuple(self.table.primary_key.columns)

    @property
    def belongs_to_someone(self) -> bool:
        handling = self.handling
        return bool(handling.subject or handling.through or handling.by_email)

    def about(self, person: Person) -> ColumnElement[bool]:
        """The rows that are about a person."""
        handling, columns = self.handling, self.table.c
        rules: list[ColumnElement[bool]] = []
        if handling.subject:
            rules.append(columns[handling.subject] == person.user_id)
        if handling.through:
            column, name = handling.through
            parent = table_of(name)
            rules.append(columns[column].in_(select(parent.key[0]).where(parent.about(person))))
        if handling.by_email and person.email:
            rules.append(func.lower(columns[handling.by_email]) == person.email.lower())
        return or_(false(), *rules)

    def mentioning(self, person: Person) -> Iterator[tuple[ColumnElement[bool], dict[str, Any]]]:
        """Rows of others with the person in a column, and nobody for them."""
        for name in self.handling.mentions:
            column = self.table.c[name]
            if isinstance(column.type, JSONB):
                rule, others = _listed(column, person)
                yield rule, {name: others}
            else:
                yield column == person.user_id, {name: self._nobody(name)}

    def within(self, workspaces: Iterable[UUID]) -> ColumnElement[bool]:
        """The rows that belong to one of these workspaces, and that go when it goes."""
        ids = list(workspaces)
        if self.name == "workspaces":
            return self.table.c.id.in_(ids)
        return self.table.c.workspace_id.in_(ids) if self.is_of_a_workspace else false()

    @property
    def is_of_a_workspace(self) -> bool:
        column = self.table.c.get("workspace_id")
        return column is not None and any(
            key.target_fullname == "workspaces.id" for key in column.foreign_keys
        )

    def shown(self) -> list[Column[Any]]:
        """The columns that a person may see of their own rows: no secret, nothing computed."""
        return [c for c in self.table.c if c.computed is None and not is_secret(c)]

    def cleared(self) -> dict[str, Any]:
        """The values that take the place of what is personal; the subject becomes nobody."""
        values = {
            str(column.name): None if column.nullable else _empty(column)
            for column in self.table.c
            if column.computed is None and _kind(column) in ("personal", "secret")
        }
        subject = self.handling.subject
        if subject:
            values[subject] = self._nobody(subject)
        return values

    def _nobody(self, column: str) -> UUID | None:
        return None if self.table.c[column].nullable else NOBODY


def all_tables() -> Sequence[DataTable]:
    """Every declared table; what refers to another comes after it."""
    found = {mapper.local_table: mapper.class_.__handling__ for mapper in Base.registry.mappers}
    return [
        DataTable(table, found[table]) for table in Base.metadata.sorted_tables if table in found
    ]


def table_of(name: str) -> DataTable:
    """The declared table of this name; raises KeyError."""
    return {table.name: table for table in all_tables()}[name]


def own_or_about(table: DataTable, person: Person) -> ColumnElement[bool]:
    """The rows of a person's archive: about them, or of a workspace that is theirs alone."""
    if table.belongs_to_someone:
        return table.about(person)
    return table.within(person.workspaces)


def doomed(table: DataTable, person: Person) -> ColumnElement[bool] | None:
    """The rows that go with a person, whoever they are about, since their workspace goes.

    None where there can be none; evidence is kept, and belongs to no workspace's deletion.
    """
    if not person.workspaces or not (table.is_of_a_workspace or table.name == "workspaces"):
        return None
    return table.within(person.workspaces)


def is_secret(column: Column[Any]) -> bool:
    return _kind(column) == "secret"


def _listed(column: Column[Any], person: Person) -> tuple[ColumnElement[bool], Any]:
    """Whether a list of texts names a person, and the list with nobody in their place.

    Not left out: an empty list may mean everybody.
    """
    each = func.jsonb_array_elements_text(column).column_valued("each")
    text = func.lower(each)
    names = [name for name in (str(person.user_id), person.email.lower()) if name]
    is_theirs = or_(text.in_(names), text.startswith(f"{person.user_id} "))
    others = select(func.jsonb_agg(case((is_theirs, str(NOBODY)), else_=each)))
    return exists(select(each).where(is_theirs)), others.scalar_subquery()


def _kind(column: Column[Any]) -> str:
    found = declared(column.info)
    return found.kind if found else "technical"


def _empty(column: Column[Any]) -> Any:
    return next((value for kind, value in _EMPTY if isinstance(column.type, kind)), 0)
