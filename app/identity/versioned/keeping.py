"""Who may do what to versioned things, and how they are found, deleted and restored."""

from typing import Any, Final, Literal
from uuid import UUID

from app.core import restorable
from app.core.auth import Access
from app.core.clock import now
from app.core.db import AsyncSession, Database
from app.core.versions import match
from app.identity.sharing import service as sharing
from app.identity.sharing.service import Shareable
from app.identity.versioned import rows, taking, versions
from app.identity.versioned.kind import Kind, N, V
from app.identity.versioned.naming import reference_ids

PRODUCTION: Final = "production"
MOST_LIVING: Final = 2000
To = Literal["read", "write", "own"]


async def get(
    session: AsyncSession,
    kind: Kind[V, N],
    access: Access,
    row_id: UUID,
    *,
    to: To = "read",
    for_update: bool = False,
) -> V:
    """A living one that the caller sees.

    Raises the kind's `not_found`, and where they may do less `read_only`, `not_yours`.
    """
    row = await seen(session, kind, access, row_id, for_update=for_update)
    if row.deleted_at is not None:
        raise kind.refusals.not_found
    await expect_right(session, kind, access, row, to)
    return row


async def seen(
    session: AsyncSession, kind: Kind[V, N], access: Access, row_id: UUID, *, for_update: bool
) -> V:
    """One that the caller sees, a deleted one included."""
    row = await rows.get(
        session, kind, access.workspace_id, access.user_id, row_id, for_update=for_update
    )
    if row is None:
        raise kind.refusals.not_found
    return row


async def expect_right(
    session: AsyncSession, kind: Kind[V, N], access: Access, row: V, to: To
) -> None:
    is_open = row.visibility == "workspace" or row.owner_id == access.user_id
    if to == "read" or is_open:
        return
    if to == "own":
        raise kind.refusals.not_yours("Ask whoever shares it with you.")
    if await sharing.level_of(session, access, row.id) != "write":
        raise kind.refusals.read_only("Ask whoever shares it with you to let you write.")


async def expect_room(session: AsyncSession, kind: Kind[V, N], access: Access) -> None:
    living = await restorable.count_living(session, kind.row, access.workspace_id)
    if living >= MOST_LIVING:
        raise kind.refusals.too_many(f"A workspace has at most {MOST_LIVING}; delete some.")


async def find(session: AsyncSession, kind: Kind[V, N], access: Access, ref: str) -> V:
    """A living one by its slug or its id; raises the kind's `not_found`."""
    return (await _taken(session, kind, access, ref))[0]


async def _taken(
    session: AsyncSession, kind: Kind[V, N], access: Access, ref: str | UUID
) -> tuple[V, N | None]:
    """The same with the version that a run takes if nothing else is said."""
    # A slug may look like an id, and so must not come before the one that has the id.
    ids = reference_ids([ref]).values() if isinstance(ref, str) else ()
    names: list[str | UUID] = [*ids, ref]
    for named in names:
        found = await taking.taken(
            session, kind, access.workspace_id, access.user_id, named, PRODUCTION
        )
        if found is not None:
            return found
    raise kind.refusals.not_found(f"You see no {kind.shared_as} with this slug or id.")


async def taken_quickly(
    database: Database, kind: Kind[V, N], access: Access, ref: str
) -> dict[str, Any] | None:
    """What `resolve` finds where nothing else is said, as columns of `taking.taken_quickly`.

    None where `resolve` has to be asked: it knows what to say of one that is not there.
    """
    names: list[str | UUID] = [*reference_ids([ref]).values(), ref]
    for named in names:
        found = await taking.taken_quickly(
            database, access.scope, kind, access.workspace_id, access.user_id, named, PRODUCTION
        )
        if found is not None:
            return found if found["number"] is not None else None
    return None


async def resolve(
    session: AsyncSession,
    kind: Kind[V, N],
    access: Access,
    ref: str | UUID,
    version: int | None = None,
    label: str | None = None,
) -> tuple[V, N]:
    """The one of a slug or an id (a UUID is no slug), in the version that a run is to take.

    Without version and label it is what `production` names, or the newest one where nothing is in
    production. Raises the kind's `not_found`, `version_not_found` and `label_not_found`.
    """
    row, taken = await _taken(session, kind, access, ref)
    if version is None and label is None and PRODUCTION in row.labels:
        label = PRODUCTION
    number = versions.number_of(kind, row, version, label)
    if taken is None or taken.number != number:
        taken = await versions.get(session, kind, row, number)
    return row, taken


async def known(
    session: AsyncSession, kind: Kind[V, N], access: Access, names: set[str]
) -> set[str]:
    """Those of the names, slugs or ids, that lead to a living one which the caller sees."""
    if not names:
        return set()
    ids = reference_ids(names)
    workspace_id, user_id = access.workspace_id, access.user_id
    by_slug = await rows.by_slugs(session, kind, workspace_id, user_id, sorted(names))
    by_id = await rows.by_ids(session, kind, workspace_id, user_id, list(ids.values()))
    living = {row.id for row in by_id}
    return {row.slug for row in by_slug} | {name for name, each in ids.items() if each in living}


async def delete(session: AsyncSession, kind: Kind[V, N], access: Access, row_id: UUID) -> V:
    """Soft: nobody finds it any more, and `restore` brings it back for 30 days."""
    row = await get(session, kind, access, row_id, to="own", for_update=True)
    await match(session, row)
    row.deleted_at = now()
    await session.flush()
    return row


async def restore(
    session: AsyncSession, kind: Kind[V, N], access: Access, row_id: UUID
) -> tuple[V, bool]:
    """Bring a deleted one back, and say whether it was deleted.

    Raises RestoreExpired, and the kind's `too_many` and `slug_taken`.
    """
    row = await seen(session, kind, access, row_id, for_update=True)
    await expect_right(session, kind, access, row, "own")
    restorable.expect_restorable(row)
    if row.deleted_at is None:
        return row, False
    await expect_room(session, kind, access)
    row.deleted_at = None
    await rows.save(session, kind, row)
    await session.refresh(row)
    return row, True


async def shareable(
    session: AsyncSession, kind: Kind[V, N], access: Access, row_id: UUID
) -> Shareable:
    """One that the caller may share; raises the kind's `not_found` and `not_yours`."""
    found = await get(session, kind, access, row_id, to="own")
    return Shareable(kind.shared_as, found.id)
