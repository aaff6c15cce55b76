"""The tables: migrations up and down, no drift, and row-level security on what has a tenant."""

import pytest
from alembic import command
from sqlalchemy import func, inspect, select, text
from sqlalchemy import table as sql_table
from sqlalchemy.exc import DBAPIError

from app.core.db import APP_ROLE, NOBODY, SYSTEM, Scope, sync_engine
from app.core.ids import new_id
from app.core.migrations import alembic_config, upgrade
from app.identity.api_keys.models import ApiKey
from app.inference.usage.models import ModelCall
from app.tables import Base
from tests.conftest import create_database
from tests.support.filling import fill

TENANT_TABLES = sorted(
    {table.name for table in Base.metadata.tables.values() if "workspace_id" in table.c}
    | {"workspaces"}
)


@pytest.fixture
def fresh_url(stores, worker_number):
    return create_database(stores[0], f"migrations_{worker_number}")


def test_migrations_go_up_and_down_and_up_again(fresh_url):
    config = alembic_config(fresh_url)
    upgrade(fresh_url)
    command.downgrade(config, "base")
    engine = sync_engine(fresh_url)
    with engine.connect() as connection:
        left = connection.execute(
            text("select tablename from pg_tables where schemaname = 'public'")
        ).scalars()
        assert set(left) == {"alembic_version"}
    engine.dispose()
    upgrade(fresh_url)


def test_rows_outlive_the_way_back_before_the_gateway_and_up_again(fresh_url):
    """What stood before revision 0011 is kept; what came later is dropped and made anew."""
    upgrade(fresh_url, "0010")
    engine = sync_engine(fresh_url)
    before = set(inspect(engine).get_table_names()) & set(Base.metadata.tables)
    with engine.begin() as owner:
        fill(owner, before, workspace_id=new_id())
    upgrade(fresh_url)
    with engine.begin() as owner:
        fill(owner, TENANT_TABLES, workspace_id=new_id())
    command.downgrade(alembic_config(fresh_url), "0010")
    upgrade(fresh_url)
    with engine.connect() as owner:
        for table in sorted(Base.metadata.tables):
            count = owner.scalar(select(func.count()).select_from(sql_table(table)))
            added = table in TENANT_TABLES
            assert count == (1 + added if table in before else 0), table
        # What calls and keys have that were made before.
        call = owner.execute(select(ModelCall.__table__)).mappings().first()
        assert (call["attempt"], call["operation"], call["cache_status"]) == (1, "chat", "none")
        key = owner.execute(select(ApiKey.__table__)).mappings().first()
        assert (key["models"], key["tokens"], key["tags"]) == (None, [], [])
    engine.dispose()


def test_models_and_migrations_agree(fresh_url):
    upgrade(fresh_url)
    command.check(alembic_config(fresh_url))


async def test_the_service_runs_as_a_role_without_privileges(kernel):
    async with kernel.database.unit(NOBODY) as session:
        role = (
            await session.execute(
                text(
                    "select current_user, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb "
                    "from pg_roles where rolname = current_user"
                )
            )
        ).one()
    assert tuple(role) == (APP_ROLE, False, False, False, False)


async def test_the_service_owns_no_table(kernel):
    async with kernel.database.unit(NOBODY) as session:
        owned = await session.scalar(
            text("select count(*) from pg_tables where tableowner = current_user")
        )
        with pytest.raises(DBAPIError, match="must be owner"):
            await session.execute(text("alter table runs disable row level security"))
    assert owned == 0


@pytest.mark.parametrize("table", TENANT_TABLES)
async def test_every_tenant_table_enforces_row_level_security(kernel, table):
    async with kernel.database.unit(NOBODY) as session:
        enabled, forced = (
            await session.execute(
                text(
                    "select relrowsecurity, relforcerowsecurity from pg_class "
                    "where oid = cast(:table as regclass)"
                ),
                {"table": table},
            )
        ).one()
    assert (enabled, forced) == (True, True)


async def test_a_query_without_its_filter_sees_nothing_of_another_workspace(kernel):
    mine, theirs = new_id(), new_id()
    async with kernel.database.unit(SYSTEM) as session:
        for workspace in (mine, theirs):
            await session.execute(
                text("insert into workspaces (id, name, kind) values (:id, 'w', 'team')"),
                {"id": workspace},
            )
            await session.execute(
                text(
                    "insert into conversations (id, workspace_id, user_id, title, title_source, "
                    "instructions, metadata, last_active_at) "
                    "values (:id, :workspace, :id, '', 'none', '', '{}', now())"
                ),
                {"id": new_id(), "workspace": workspace},
            )
    seen = text("select distinct workspace_id from conversations")
    async with kernel.database.unit(Scope(workspace_id=mine)) as session:
        assert (await session.scalars(seen)).all() == [mine]
    async with kernel.database.unit(NOBODY) as session:
        assert (await session.scalars(seen)).all() == []
    with pytest.raises(DBAPIError, match="row-level security"):
        async with kernel.database.unit(Scope(workspace_id=mine)) as session:
            await session.execute(
                text("update conversations set workspace_id = :theirs"), {"theirs": theirs}
            )
