"""What the trail has to know of a table before it can tell of a row: worked out once for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.orm import Mapper

from app.core.data import Handling
from app.core.db import Base
from app.oversight.audit.values import is_personal, recorder_of

# They say nothing that the row itself does not.
_UNTOLD = frozenset({"created_at", "updated_at", "version"})


@dataclass(frozen=True, slots=True)
class AuditedTable:
    """The names are those of a row's attributes.

    `recorders` make of a value what the trail holds of it; `personal` are those whose values may
    only stand in the erasable part, and `subject` holds whom they are about, where there is one.
    """

    resource_type: str
    keys: tuple[str, ...]
    workspace: str
    subject: str | None
    recorders: tuple[tuple[str, Callable[[Any], Any]], ...]
    personal: frozenset[str]

    def id_of(self, row: Mapping[str, Any]) -> str:
        return "/".join([str(row.get(key)) for key in self.keys])

    def workspace_of(self, row: Mapping[str, Any]) -> UUID | None:
        return row.get(self.workspace)

    def subject_of(self, row: Mapping[str, Any]) -> UUID | None:
        found = row.get(self.subject) if self.subject else None
        return found if isinstance(found, UUID) else None


@cache
def audited_table(mapper: Mapper[Any]) -> AuditedTable | None:
    """None of a table that is not audited."""
    handling: Handling | None = getattr(mapper.class_, "__handling__", None)
    if not issubclass(mapper.class_, Base) or (handling is not None and not handling.audited):
        return None
    resource_type = singular(mapper.class_.__tablename__)
    told = {
        each.key: column
        for each in mapper.column_attrs
        if each.key not in _UNTOLD and isinstance(column := each.columns[0], Column)
    }
    return AuditedTable(
        resource_type,
        tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key),
        "id" if resource_type == "workspace" else "workspace_id",
        _subject_in(handling),
        tuple((name, recorder_of(column)) for name, column in told.items()),
        frozenset(name for name, column in told.items() if is_personal(column)),
    )


def _subject_in(handling: Handling | None) -> str | None:
    if handling is None:
        return None
    # A workspace's customer has no account: their row is who they are.
    return "id" if handling.erased_by else handling.subject


def singular(table: str) -> str:
    """The name of one row of a table: `policies` is of a `policy`, `api_keys` of an `api_key`."""
    if table.endswith("ies"):
        return table[:-3] + "y"
    if table.endswith("sses"):
        return table[:-2]
    return table.removesuffix("s")
