"""/v1/databases."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from app.agents.databases import service
from app.agents.databases.edge import ReadingDep
from app.agents.databases.errors import (
    DatabaseNotFound,
    DatabaseSlugTaken,
    DsnInvalid,
    TooManyDatabases,
)
from app.agents.databases.models import ConnectedDatabase
from app.agents.databases.reading import Trial
from app.agents.databases.schemas import (
    DatabaseBulk,
    DatabaseCreate,
    DatabaseQuery,
    DatabaseRead,
    DatabaseTest,
    DatabaseUpdate,
)
from app.core.auth import Access, Permission
from app.core.bulk import BulkResult
from app.core.errors import RestoreExpired
from app.core.http.guard import KernelDep, guarded_router, require
from app.core.http.problems import problems
from app.core.http.rails import off_rails
from app.core.http.units import Session
from app.core.paging import CursorInvalid, Page

Reader = Annotated[Access, require(Permission.TOOLS_READ)]
Writer = Annotated[Access, require(Permission.TOOLS_WRITE)]

router = guarded_router(prefix="/v1/databases", tag="databases")


@router.get(
    "",
    operation_id="databases_list",
    summary="List the connected databases, newest first",
    response_model=Page[DatabaseRead],
    responses=problems(CursorInvalid),
)
async def list_databases(
    access: Reader, session: Session, kernel: KernelDep, query: Annotated[DatabaseQuery, Query()]
) -> object:
    return await service.page(session, access, query, kernel.cursors)


@router.post(
    "",
    operation_id="databases_create",
    summary="Connect a Postgres database that agents may read",
    description=(
        "Give it a role of its own that may only read, or, with `writable`, that may write to the "
        "tables that workflows fill. The DSN is stored encrypted and never shown "
        "again; private addresses are refused unless the operator allows them."
    ),
    status_code=201,
    response_model=DatabaseRead,
    responses=problems(DatabaseSlugTaken, TooManyDatabases, DsnInvalid),
)
async def create_database(
    access: Writer, session: Session, kernel: KernelDep, new: DatabaseCreate, response: Response
) -> ConnectedDatabase:
    made = await service.create(session, access, new, kernel.vault)
    response.headers["Location"] = f"/v1/databases/{made.id}"
    return made


@router.post(
    "/bulk",
    operation_id="databases_bulk",
    summary="Delete or restore up to 500 databases",
    response_model=BulkResult,
    responses=problems(),
)
async def bulk_databases(access: Writer, session: Session, request: DatabaseBulk) -> BulkResult:
    return await service.bulk(session, access, request.items)


@router.get(
    "/{database_id}",
    operation_id="databases_get",
    summary="Show a connected database",
    response_model=DatabaseRead,
    responses=problems(DatabaseNotFound),
)
async def get_database(access: Reader, session: Session, database_id: UUID) -> ConnectedDatabase:
    return await service.get(session, access, database_id)


@router.patch(
    "/{database_id}",
    operation_id="databases_update",
    summary="Change a connected database",
    response_model=DatabaseRead,
    responses=problems(DatabaseNotFound, DatabaseSlugTaken, DsnInvalid),
)
async def update_database(
    access: Writer, session: Session, kernel: KernelDep, database_id: UUID, change: DatabaseUpdate
) -> ConnectedDatabase:
    return await service.update(session, access, database_id, change, kernel.vault)


@router.delete(
    "/{database_id}",
    operation_id="databases_delete",
    summary="Delete a connected database and destroy its DSN",
    status_code=204,
    responses=problems(DatabaseNotFound),
)
async def delete_database(access: Writer, session: Session, database_id: UUID) -> None:
    await service.delete(session, access, database_id)


@router.post(
    "/{database_id}/restore",
    operation_id="databases_restore",
    summary="Bring a deleted database back, without its DSN",
    response_model=DatabaseRead,
    responses=problems(DatabaseNotFound, DatabaseSlugTaken, RestoreExpired),
)
async def restore_database(
    access: Writer, session: Session, database_id: UUID
) -> ConnectedDatabase:
    return await service.restore(session, access, database_id)


async def _trial(
    access: Writer, kernel: KernelDep, reading: ReadingDep, database_id: UUID
) -> Trial:
    """Before the route's transaction: no session waits for another's server."""
    return await service.try_out(reading, kernel.database, access, database_id)


@router.post(
    "/{database_id}/test",
    operation_id="databases_test",
    summary="Connect to a database, and see what its role may do",
    response_model=DatabaseTest,
    dependencies=[off_rails("it is a try itself, and calls the server")],
    responses=problems(DatabaseNotFound),
)
async def test_database(
    access: Writer,
    trial: Annotated[Trial, Depends(_trial)],
    session: Session,
    database_id: UUID,
) -> DatabaseTest:
    return await service.keep_trial(session, access, database_id, trial)
