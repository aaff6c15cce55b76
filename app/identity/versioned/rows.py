"""Versioned things in Postgres, with their versions."""

from collections.abc import Mapping, Sequence
from functools import cache
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Uuid,
    bindparam,
    delete,
    func,
    select,
    tuple_,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import restorable
from app.core.paging import Cursors, Keyset, PageQuery, Slice, fetch_page
from app.identity.versioned.kind import Kind, N, V
from app.identity.versioned.models import NumberedVersion
from app.identity.versioned.seeing import of_workspace, seen, seen_by, visible
from app.oversight.privacy.people import Person

# Made once for a kind: to put such a statement together costs more than to run it.


@cache
def _get(kind: Kind[V, N]) -> Select[V]:
    return select(kind.row).where(
        of_workspace(kind),
        kind.row.id == bindparam("row_id", type_=Uuid()),
        seen(kind),
    )


@cache
def _living(kind: Kind[V, N], column: str) -> Select[V]:
    wanted = getattr(kind.row, column).in_(bindparam("wanted", expanding=True))
    return select(kind.row).where(
        of_workspace(kind), kind.row.deleted_at.is_(None), wanted, seen(kind)
    )


@cache
def _version(kind: Kind[V, N]) -> Select[N]:
    return select(kind.version).where(
        kind.version.workspace_id == bindparam("of_workspace", type_=Uuid()),
        kind.parent == bindparam("row_id", type_=Uuid()),
        kind.version.number == bindparam("number", type_=Integer()),
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
    wanted = {**seen_by(workspace_id, user_id), "row_id": row_id}
    return (await session.scalars(statement, wanted)).one_or_none()


async def by_slugs(
    session: AsyncSession,
    kind: Kind[V, N],
    workspace_id: UUID,
    user_id: UUID,
    slugs: Sequence[str],
) -> Sequence[V]:
    """The living ones of these slugs that a member sees."""
    wanted = {**seen_by(workspace_id, user_id), "wanted": slugs}
    return (await session.scalars(_living(kind, "slug"), wanted)).all()


async def by_ids(
    session: AsyncSession, kind: Kind[V, N], workspace_id: UUID, user_id: UUID, ids: Sequence[UUID]
) -> Sequence[V]:
    """The living ones of these ids that a member sees."""
    wanted = {**seen_by(workspace_id, user_id), "wanted": ids}
    return (await session.scalars(_living(kind, "id"), wanted)).all()


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
