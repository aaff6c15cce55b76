"""What a workspace does with its connected databases."""

from uuid import UUID

from app.agents.databases import crud, dsn
from app.agents.databases.errors import DatabaseNotFound, TooManyDatabases
from app.agents.databases.models import ConnectedDatabase
from app.agents.databases.reading import Reading, Trial
from app.agents.databases.schemas import (
    DatabaseBulkItem,
    DatabaseCreate,
    DatabaseQuery,
    DatabaseTest,
    DatabaseUpdate,
)
from app.core import restorable
from app.core.audit import Note, note
from app.core.auth import Access
from app.core.bulk import BulkResult, each
from app.core.clock import now
from app.core.crypto import Vault
from app.core.db import AsyncSession, Database
from app.core.ids import new_id
from app.core.paging import Cursors, Slice
from app.core.versions import match

MOST_DATABASES = 100


def seal_context(database: ConnectedDatabase) -> str:
    return f"database:{database.workspace_id}:{database.id}"


def _write_dsn(database: ConnectedDatabase, given: str, vault: Vault) -> None:
    """Raises DsnInvalid."""
    database.address = dsn.parse(given).shown
    database.sealed_dsn = vault.seal(given, context=seal_context(database))
    database.status, database.last_error, database.warnings = "untested", None, []


async def create(
    session: AsyncSession, access: Access, new: DatabaseCreate, vault: Vault
) -> ConnectedDatabase:
    """Raises DsnInvalid, TooManyDatabases and DatabaseSlugTaken."""
    living = await restorable.count_living(session, ConnectedDatabase, access.workspace_id)
    if living >= MOST_DATABASES:
        raise TooManyDatabases(f"A workspace has at most {MOST_DATABASES}; delete some.")
    database = ConnectedDatabase(
        id=new_id(), workspace_id=access.workspace_id, **new.model_dump(exclude={"dsn"})
    )
    _write_dsn(database, new.dsn.get_secret_value(), vault)
    await crud.add(session, database)
    _note_writable(session, database, False)
    return database


async def get(
    session: AsyncSession, access: Access, database_id: UUID, *, for_update: bool = False
) -> ConnectedDatabase:
    """A living one; raises DatabaseNotFound."""
    found = await restorable.find(
        session, ConnectedDatabase, access.workspace_id, database_id, for_update=for_update
    )
    if found is None or found.deleted_at:
        raise DatabaseNotFound
    return found


async def page(
    session: AsyncSession, access: Access, query: DatabaseQuery, cursors: Cursors
) -> Slice[ConnectedDatabase]:
    return await crud.page(session, access.workspace_id, query, cursors)


async def update(
    session: AsyncSession,
    access: Access,
    database_id: UUID,
    change: DatabaseUpdate,
    vault: Vault,
) -> ConnectedDatabase:
    """Raises DatabaseNotFound, DsnInvalid and DatabaseSlugTaken."""
    database = await get(session, access, database_id, for_update=True)
    await match(session, database)
    before = database.writable
    for field, value in change.given("python").items():
        if field not in ("dsn", "slug"):
            setattr(database, field, value)
    if change.dsn is not None:
        _write_dsn(database, change.dsn.get_secret_value(), vault)
    await crud.save(session, database, change.slug or database.slug)
    _note_writable(session, database, before)
    return database


def _note_writable(session: AsyncSession, database: ConnectedDatabase, before: bool) -> None:
    """Have the audit trail say by name that workflows may write to it now, or no more."""
    if database.writable == before:
        return
    action = "database.made_writable" if database.writable else "database.made_read_only"
    note(session, Note(action, "database", database.id, detail={"slug": database.slug}))


async def delete(session: AsyncSession, access: Access, database_id: UUID) -> None:
    """The DSN is destroyed at once, and a database that is restored is written to by nobody."""
    database = await get(session, access, database_id, for_update=True)
    await match(session, database)
    database.deleted_at = now()
    database.sealed_dsn = None
    database.writable = False
    await session.flush()


async def restore(session: AsyncSession, access: Access, database_id: UUID) -> ConnectedDatabase:
    """Bring a deleted one back, without the DSN that was destroyed.

    Raises DatabaseNotFound, RestoreExpired and DatabaseSlugTaken.
    """
    database = await restorable.find(
        session, ConnectedDatabase, access.workspace_id, database_id, for_update=True
    )
    if database is None:
        raise DatabaseNotFound
    restorable.expect_restorable(database)
    if database.deleted_at:
        database.status, database.last_error = "untested", None
        await crud.restore(session, database)
    return database


async def bulk(session: AsyncSession, access: Access, items: list[DatabaseBulkItem]) -> BulkResult:
    """Each item on its own: one that fails leaves the others done."""

    async def act(item: DatabaseBulkItem) -> UUID:
        done = delete if item.action == "delete" else restore
        await done(session, access, item.id)
        return item.id

    return await each(session, items, act)


async def try_out(reading: Reading, database: Database, access: Access, database_id: UUID) -> Trial:
    """Connect and look, without a session meanwhile; raises DatabaseNotFound."""
    async with database.unit(access.scope) as session:
        found = await get(session, access, database_id)
        note(session, Note("database.tested", "database", database_id))
    return await reading.try_out(found)


async def keep_trial(
    session: AsyncSession, access: Access, database_id: UUID, trial: Trial
) -> DatabaseTest:
    """Write down what a trial found."""
    database = await get(session, access, database_id)
    problem = trial.failure.problem() if trial.failure else None
    database.status = "failing" if problem else "working"
    database.last_error, database.last_tested_at = problem, now()
    database.warnings = list(trial.warnings)
    await session.flush()
    return DatabaseTest(
        ok=problem is None,
        latency_ms=trial.latency_ms,
        tables=trial.tables,
        warnings=list(trial.warnings),
        error=problem,
    )


async def usable(session: AsyncSession, access: Access) -> list[ConnectedDatabase]:
    """Those that agents can ask."""
    return list(await crud.usable(session, access.workspace_id))


async def named(session: AsyncSession, access: Access, slug: str) -> ConnectedDatabase:
    """Raises DatabaseNotFound."""
    found = await crud.named(session, access.workspace_id, slug)
    if found is None:
        raise DatabaseNotFound(f"There is no database `{slug[:64]}`.")
    return found
