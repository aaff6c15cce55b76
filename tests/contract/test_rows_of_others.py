"""Every table of workspaces, as the service's own role: no statement reaches another's rows."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import (
    Connection,
    Engine,
    Table,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from app.core.db import APP_ROLE, sync_engine
from app.tables import Base
from tests.conftest import migrated_database
from tests.support.filling import fill

MINE, THEIRS = uuid4(), uuid4()
TABLES = {
    table.name: table
    for table in sorted(Base.metadata.tables.values(), key=lambda table: table.name)
    if "workspace_id" in table.c
}


@pytest.fixture(scope="module")
def filled(stores, worker_number) -> Iterator[Engine]:
    url = migrated_database(stores[0], f"rows_{worker_number}")
    engine = sync_engine(url)
    with engine.begin() as owner:
        for workspace in (MINE, THEIRS):
            fill(owner, TABLES, workspace_id=workspace, user_id=workspace)
    yield engine
    engine.dispose()


@pytest.fixture
def mine(filled) -> Iterator[Connection]:
    """A transaction of the service in one of the two workspaces."""
    with filled.connect() as connection:
        connection.execute(text(f"set local role {APP_ROLE}"))
        for name in ("workspace_id", "user_id"):
            connection.execute(select(func.set_config(f"luminous.{name}", str(MINE), True)))
        yield connection
        connection.rollback()


def changed(connection: Connection, statement) -> int:
    """How many rows it reached; 0 where the role may not say such a thing at all."""
    point = connection.begin_nested()
    try:
        return connection.execute(statement).rowcount
    except DBAPIError as error:
        if "permission denied" not in str(error):
            raise
        point.rollback()
        return 0


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_only_the_own_rows_are_seen_changed_and_deleted(mine, table: Table):
    assert mine.execute(select(table.c.workspace_id)).scalars().all() == [MINE]
    theirs = table.c.workspace_id == THEIRS
    assert changed(mine, update(table).where(theirs).values(workspace_id=THEIRS)) == 0
    assert changed(mine, delete(table).where(theirs)) == 0


# A person's own memberships are theirs in every workspace: they are looked up before one is known.
GUARDED = {name: table for name, table in TABLES.items() if name != "memberships"}


@pytest.mark.parametrize("table", GUARDED.values(), ids=GUARDED)
def test_no_row_is_put_into_another_workspace(mine, table: Table):
    new = {"workspace_id": literal(THEIRS), "id": func.gen_random_uuid()}
    columns = [column for column in table.c if not (column.computed or column.identity)]
    row = select(*(cast(new.get(each.name, each), each.type) for each in columns))
    for statement in (
        insert(table).from_select([each.name for each in columns], row),
        update(table).values(workspace_id=THEIRS),
    ):
        point = mine.begin_nested()
        with pytest.raises(DBAPIError, match=r"row-level security|permission denied"):
            mine.execute(statement)
        point.rollback()
