"""Versioned things in Postgres: those of the workspace, one's own, and those shared with one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVarTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Uuid,
    bindparam,
    cast,
    delete,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.clock import now
from app.core.db import Database, Scope
from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.core.statements import Statement
from app.identity.sharing.reach import shared_with
from app.identity.versioned.kind import Kind, N, V
from app.identity.versioned.models import NumberedVersion
from app.oversight.privacy.people import Person

Ts = TypeVarTuple("Ts")


def visible(
    kind: Kind[V, N],
    workspace_id: UUID | BindParameter[UUID],
    user_id: UUID | BindParameter[UUID],
    at: BindParameter[datetime] | None = None,
) -> ColumnElement[bool]:
    """Which of a workspace a member sees, now or `at` a moment."""
    return or_(
        kind.row.visibility == "workspace",
        kind.row.owner_id == user_id,
        kind.row.id.in_(shared_with(workspace_id, user_id, kind.shared_as, at)),
    )


# Made once for a kind: to put such a statement together costs more than to run it.


def _of_workspace(kind: Kind[V, N]) -> ColumnElement[bool]:
    return kind.row.workspace_id == bindparam("of_workspace", type_=Uuid())


def _visible(kind: Kind[V, N]) -> ColumnElement[bool]:
    return visible(
        kind,
        bindparam("of_workspace", type_=Uuid()),
        bindparam("of_user", type_=Uuid()),
        bindparam("at", type_=DateTime(timezone=True)),
    )


def _seen_by(workspace_id: UUID, user_id: UUID) -> dict[str, Any]:
    return {"of_workspace": workspace_id, "of_user": user_id, "at": now()}


@cache
def _get(kind: Kind[V, N]) -> Select[V]:
    return select(kind.row).where(
        _of_workspace(kind), kind.row.id == bindparam("row_id", type_=Uuid()), _visible(kind)
    )


@cache
def _living(kind: Kind[V, N], column: str) -> Select[V]:
    wanted = getattr(kind.row, column).in_(bindparam("wanted", expanding=True))
    return select(kind.row).where(
        _of_workspace(kind), kind.row.deleted_at.is_(None), wanted, _visible(kind)
    )


@cache
def _version(kind: Kind[V, N]) -> Select[N]:
    return select(kind.version).where(
        kind.version.workspace_id == bindparam("of_workspace", type_=Uuid()),
        kind.parent == bindparam("row_id", type_=Uuid()),
        kind.version.number == bindparam("number", type_=Integer()),
    )


@cache
def _taken(kind: Kind[V, N], column: str, label: str) -> Select[V, N]:
    return _with_version(select(kind.row, kind.version), kind, column, label)


@cache
def _taken_quickly(kind: Kind[V, N], column: str, label: str) -> Statement:
    row, version = kind.row, kind.version
    columns = select(
        row.id, row.slug, row.name, row.description,
        version.id.label("version_id"), version.number, version.definition,
    )  # fmt: skip
    return Statement(_with_version(columns, kind, column, label))


def _with_version(query: Select[*Ts], kind: Kind[V, N], column: str, label: str) -> Select[*Ts]:
    labelled = cast(func.jsonb_extract_path_text(kind.row.labels, label), Integer())
    number = func.coalesce(labelled, kind.row.current_version)
    both = (kind.parent == kind.row.id) & (kind.version.number == number)
    return (
        query.select_from(kind.row)
        .outerjoin(kind.version, both)
        .where(
            _of_workspace(kind),
            kind.row.deleted_at.is_(None),
            getattr(kind.row, column) == bindparam("wanted"),
            _visible(kind),
        )
    )


async def get(
    session: AsyncSession,
    kind: Kind[V, N],
    workspace_id: UUID,
    user_id: UUID,
    row_id: UUID,
    *,
    for_update: bool = False,
) -> V | None:
    """One that a member sees, a deleted one included."""
    statement = _get(kind)
    if for_update:
        statement = statement.with_for_update()
    wanted = {**_seen_by(workspace_id, user_id), "row_id": row_id}
    return (await session.scalars(statement, wanted)).one_or_none()


async def by_slugs(
    session: AsyncSession,
    kind: Kind[V, N],
    workspace_id: UUID,
    user_id: UUID,
    slugs: Sequence[str],
) -> Sequence[V]:
    """The living ones of these slugs that a member sees."""
    wanted = {**_seen_by(workspace_id, user_id), "wanted": slugs}
    return (await session.scalars(_living(kind, "slug"), wanted)).all()


async def by_ids(
    session: AsyncSession, kind: Kind[V, N], workspace_id: UUID, user_id: UUID, ids: Sequence[UUID]
) -> Sequence[V]:
    """The living ones of these ids that a member sees."""
    wanted = {**_seen_by(workspace_id, user_id), "wanted": ids}
    return (await session.scalars(_living(kind, "id"), wanted)).all()


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
    wanted = {**_seen_by(workspace_id, user_id), "wanted": named}
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
    """The same as columns: `id`, `slug`, `name` and `description` of the one.

    Of the version `version_id`, `number` and `definition`, which are None where there is none.
    """
    column = "id" if isinstance(named, UUID) else "slug"
    wanted = {**_seen_by(workspace_id, user_id), "wanted": named}
    found = await database.ask(scope, _taken_quickly(kind, column, label), wanted)
    return found[0] if found else None


async def taken_slugs(
    session: AsyncSession, kind: Kind[V, N], workspace_id: UUID, slugs: Sequence[str]
) -> set[str]:
    """Those of the slugs that a living one has, whoever sees it."""
    statement = (
        restorable.living(kind.row, workspace_id)
        .with_only_columns(kind.row.slug)
        .where(kind.row.slug.in_(slugs))
    )
    return set((await session.scalars(statement)).all())


async def visible_ids(
    session: AsyncSession, kind: Kind[V, N], workspace_id: UUID, user_id: UUID
) -> Sequence[UUID]:
    """The living ones that a member sees."""
    statement = (
        restorable.living(kind.row, workspace_id)
        .with_only_columns(kind.row.id)
        .where(visible(kind, workspace_id, user_id))
        .order_by(kind.row.id)
    )
    return (await session.scalars(statement)).all()


async def save(session: AsyncSession, kind: Kind[V, N], row: V) -> None:
    """Store a new or changed one; raises the kind's `slug_taken`."""
    slug = row.slug
    try:
        async with session.begin_nested():
            session.add(row)
            await session.flush()
    except IntegrityError as error:
        raise kind.refusals.slug_taken(f"`{slug}` is in use here.") from error


async def keep(session: AsyncSession, version: NumberedVersion) -> None:
    session.add(version)
    await session.flush()


async def version(
    session: AsyncSession, kind: Kind[V, N], workspace_id: UUID, row_id: UUID, number: int
) -> N | None:
    wanted = {"of_workspace": workspace_id, "row_id": row_id, "number": number}
    return (await session.scalars(_version(kind), wanted)).one_or_none()


async def versions(
    session: AsyncSession,
    kind: Kind[V, N],
    workspace_id: UUID,
    row_id: UUID,
    query: PageQuery,
    cursors: Cursors,
) -> Slice[N]:
    """Newest first."""
    return await fetch_page(
        session,
        select(kind.version).where(
            kind.version.workspace_id == workspace_id, kind.parent == row_id
        ),
        Keyset(kind.version.created_at, kind.version.id),
        query,
        cursors=cursors,
        workspace_id=workspace_id,
        within=str(row_id),
    )


async def newest_of(
    session: AsyncSession, kind: Kind[V, N], workspace_id: UUID, numbers: Mapping[UUID, int]
) -> Sequence[N]:
    """One version of each of some, by their ids."""
    statement = select(kind.version).where(
        kind.version.workspace_id == workspace_id,
        tuple_(kind.parent, kind.version.number).in_(list(numbers.items())),
    )
    return (await session.scalars(statement)).all()


async def delete_private(session: AsyncSession, kind: Kind[V, N], person: Person, most: int) -> int:
    """Delete some that nobody but a person sees; says how many. Under SYSTEM."""
    some = select(kind.row.id).where(*_private(kind, person)).limit(most)
    gone = await session.scalars(
        delete(kind.row).where(kind.row.id.in_(some)).returning(kind.row.id)
    )
    return len(gone.all())


async def count_private(session: AsyncSession, kind: Kind[V, N], person: Person) -> int:
    """How many of those are still there. Under SYSTEM."""
    counted = select(func.count()).select_from(kind.row).where(*_private(kind, person))
    return await session.scalar(counted) or 0


def _private(kind: Kind[V, N], person: Person) -> tuple[ColumnElement[bool], ...]:
    return (kind.row.owner_id == person.user_id, kind.row.visibility == "private")
