"""The version of a versioned thing that is taken to work by, and whether it is still the one."""

from functools import cache
from typing import Any, TypeVarTuple
from uuid import UUID

from sqlalchemy import Integer, Select, Uuid, bindparam, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database, Scope
from app.core.statements import Required, Statement
from app.core.storing import later
from app.identity.versioned.kind import Kind, N, V
from app.identity.versioned.seeing import of_workspace, seen, seen_by

Ts = TypeVarTuple("Ts")


# Made once for a kind: to put such a statement together costs more than to run it.


@cache
def _taken(kind: Kind[V, N], column: str, label: str) -> Select[V, N]:
    return _with_version(select(kind.row, kind.version), kind, column, label)


@cache
def _taken_quickly(kind: Kind[V, N], column: str, label: str) -> Statement:
    row, version = kind.row, kind.version
    columns = select(
        row.id, row.slug, row.name, row.description, row.version,
        version.id.label("version_id"), version.number, version.definition,
    )  # fmt: skip
    return Statement(_with_version(columns, kind, column, label))


@cache
def _as_it_was(kind: Kind[V, N]) -> Required:
    row = kind.row
    of_version = row.version == bindparam("of_version", type_=Integer())
    wanted = row.id == bindparam("row_id", type_=Uuid())
    living = row.deleted_at.is_(None)
    return Required(
        select(row.id).where(of_workspace(kind), wanted, of_version, living, seen(kind))
    )


def _with_version(query: Select[*Ts], kind: Kind[V, N], column: str, label: str) -> Select[*Ts]:
    labelled = cast(func.jsonb_extract_path_text(kind.row.labels, label), Integer())
    number = func.coalesce(labelled, kind.row.current_version)
    both = (kind.parent == kind.row.id) & (kind.version.number == number)
    return (
        query.select_from(kind.row)
        .outerjoin(kind.version, both)
        .where(
            of_workspace(kind),
            kind.row.deleted_at.is_(None),
            getattr(kind.row, column) == bindparam("wanted"),
            seen(kind),
        )
    )


async def taken(
    session: AsyncSession,
    kind: Kind[V, N],
    workspace_id: UUID,
    user_id: UUID,
    named: str | UUID,
    label: str,
) -> tuple[V, N | None] | None:
    """The living one of a slug or an id that a member sees, with the version of a label.

    Where it has no such label, with its newest version.
    """
    column = "id" if isinstance(named, UUID) else "slug"
    wanted = {**seen_by(workspace_id, user_id), "wanted": named}
    found = (await session.execute(_taken(kind, column, label), wanted)).one_or_none()
    return None if found is None else (found[0], found[1])


async def taken_quickly(
    database: Database,
    scope: Scope,
    kind: Kind[V, N],
    workspace_id: UUID,
    user_id: UUID,
    named: str | UUID,
    label: str,
) -> dict[str, Any] | None:
    """The same as columns: `id`, `slug`, `name`, `description` and `version` of the one.

    Of the version `version_id`, `number` and `definition`, which are None where there is none.
    """
    column = "id" if isinstance(named, UUID) else "slug"
    wanted = {**seen_by(workspace_id, user_id), "wanted": named}
    found = await database.ask(scope, _taken_quickly(kind, column, label), wanted)
    return found[0] if found else None


async def expect_as_it_was(
    session: AsyncSession,
    kind: Kind[V, N],
    workspace_id: UUID,
    user_id: UUID,
    row_id: UUID,
    version: int,
) -> None:
    """Let the session's unit fail by what `is_another` knows where a row has changed since.

    Or where a member does not see it any more.
    """
    wanted = {**seen_by(workspace_id, user_id), "row_id": row_id, "of_version": version}
    await later(session, _as_it_was(kind), wanted)


def is_another(error: Exception, kind: Kind[V, N]) -> bool:
    """Whether a unit has failed because a row is not what it was expected to be."""
    return _as_it_was(kind).has_failed(error)
