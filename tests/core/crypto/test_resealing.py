"""A rotation moves every stored value to the new key, whatever else happens to the rows."""

import asyncio

import pytest
import pytest_asyncio
from sqlalchemy import LargeBinary, select, text, update

from app.core.crypto import FileKeys, FixedKeys, InvalidMasterKey, KeyRing, MasterKey, Vault
from app.core.crypto import resealing as module
from app.core.crypto.keys import write_key
from app.core.crypto.resealing import census, reseal, resealing, sealed_columns
from app.core.crypto.root import RootSecret, load_root, restart_root
from app.core.crypto.vault import header_of
from app.core.data import declared
from app.core.db import SYSTEM, Database
from app.core.migrations import upgrade
from app.tables import Base
from tests.conftest import create_database, migrated_database
from tests.support.sealed import fill, key_of

COLUMNS = sealed_columns(Base.metadata)
INTEGRATIONS = next(c for c in COLUMNS if c.name == "ai_integrations.sealed_credential")
OLD, NEW = MasterKey(b"o" * 32), MasterKey(b"n" * 32)


def vault_of(*keys: MasterKey) -> Vault:
    return Vault(KeyRing(FixedKeys(keys)))


@pytest.fixture
def url(stores, worker_number):
    return migrated_database(stores[0], f"resealing_{worker_number}")


@pytest_asyncio.fixture(loop_scope="session")
async def database(url):
    opened = Database(url, pool_size=5)
    yield opened
    await opened.close()


async def read_all(database, vault):
    """Every sealed value of the database, opened."""
    found = {}
    async with database.unit(SYSTEM) as session:
        for sealed in COLUMNS:
            rows = await session.execute(
                select(*sealed.table.columns).where(sealed.column.is_not(None))
            )
            for row in rows.mappings():
                context = sealed.context.format_map(dict(row))
                value = vault.open(row[sealed.column.name], context=context)
                found[sealed.name, key_of(sealed.table, row)] = value
    return found


@pytest.mark.parametrize("table", Base.metadata.sorted_tables, ids=lambda table: table.name)
def test_every_sealed_column_declares_its_context(table):
    for column in table.columns:
        found = declared(column.info)
        if column.name.startswith("sealed_") and isinstance(column.type, LargeBinary):
            assert found, column
            assert found.sealed_as, column
    for sealed in (sealed for sealed in COLUMNS if sealed.table is table):
        assert isinstance(sealed.column.type, LargeBinary)
        named = {column.name for column in sealed.context_columns}
        assert named >= {column.name for column in table.primary_key.columns}, (
            "a value must not open in another row"
        )


async def test_a_rotation_leaves_every_table_readable_with_the_new_key_alone(url, database):
    secrets = fill(url, vault_of(OLD), COLUMNS, rows=3)
    assert {name for name, _ in secrets} == {sealed.name for sealed in COLUMNS}
    told = []
    outcome = await reseal(
        database, vault_of(NEW, OLD), COLUMNS, told=lambda name, count: told.append((name, count))
    )
    assert outcome.complete
    assert outcome.resealed == len(secrets) == sum(count for _, count in told)
    assert await read_all(database, vault_of(NEW)) == secrets
    assert await census(database, COLUMNS) == {header_of(NEW): len(secrets)}


async def test_many_rows_are_walked_in_batches_and_twice_is_once(url, database, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 7)
    secrets = fill(url, vault_of(OLD), [INTEGRATIONS], rows=50)
    vault = vault_of(NEW, OLD)
    assert (await reseal(database, vault, COLUMNS)).resealed == 50
    assert (await reseal(database, vault, COLUMNS)).resealed == 0
    assert await read_all(database, vault_of(NEW)) == secrets


async def test_two_rotations_at_once_share_the_work(url, database):
    secrets = fill(url, vault_of(OLD), [INTEGRATIONS], rows=400)
    done = await asyncio.gather(*(reseal(database, vault_of(NEW, OLD), COLUMNS) for _ in range(3)))
    assert sum(outcome.resealed for outcome in done) == 400
    assert await read_all(database, vault_of(NEW)) == secrets


async def test_for_clients_nothing_changed(url, database):
    fill(url, vault_of(OLD), [INTEGRATIONS])
    table = INTEGRATIONS.table
    shown = select(table.c.version, table.c.updated_at)
    async with database.unit(SYSTEM) as session:
        before = (await session.execute(shown)).one()
    await reseal(database, vault_of(NEW, OLD), COLUMNS)
    async with database.unit(SYSTEM) as session:
        assert (await session.execute(shown)).one() == before
        await session.execute(update(table).values(name="changed"))
        assert await session.scalar(select(table.c.version)) == before.version + 1


async def test_a_write_at_the_same_moment_is_waited_for_and_not_lost(url, database):
    ((_, key),) = fill(url, vault_of(OLD), [INTEGRATIONS])
    table = INTEGRATIONS.table
    async with database.unit(SYSTEM) as writer:
        row = (await writer.execute(select(table))).mappings().one()
        context = INTEGRATIONS.context.format_map(dict(row))
        # A process that has not heard of the new key yet.
        late = vault_of(OLD).seal("written meanwhile", context=context)
        await writer.execute(update(table).values(sealed_credential=late))
        rotation = asyncio.create_task(reseal(database, vault_of(NEW, OLD), COLUMNS))
        done, _ = await asyncio.wait([rotation], timeout=0.5)
        assert not done
    outcome = await rotation
    assert outcome.complete
    found = await read_all(database, vault_of(NEW))
    assert found == {(INTEGRATIONS.name, key): "written meanwhile"}


async def test_a_row_that_stays_locked_is_told(url, database, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.3)
    fill(url, vault_of(OLD), [INTEGRATIONS], rows=2)
    async with database.unit(SYSTEM) as holder:
        await holder.execute(select(INTEGRATIONS.table).limit(1).with_for_update())
        outcome = await reseal(database, vault_of(NEW, OLD), COLUMNS)
    assert outcome.locked == {INTEGRATIONS.name: 1}
    assert not outcome.complete
    assert outcome.resealed == 1


async def test_values_of_a_lost_key_are_told_and_the_others_go_on(url, database):
    fill(url, vault_of(MasterKey(b"l" * 32)), [INTEGRATIONS], rows=2)
    secrets = fill(url, vault_of(OLD), [INTEGRATIONS], rows=3)
    outcome = await reseal(database, vault_of(NEW, OLD), COLUMNS)
    assert (outcome.resealed, outcome.unreadable) == (3, {INTEGRATIONS.name: 2})
    assert not outcome.complete
    assert (await census(database, COLUMNS))[header_of(NEW)] == len(secrets)


async def test_the_job_ends_a_rotation_that_was_begun_and_leaves_one_key_alone(url, database):
    fill(url, vault_of(OLD), [INTEGRATIONS], rows=2)
    await resealing(database, vault_of(NEW), Base.metadata).run()
    assert (await census(database, COLUMNS))[header_of(OLD)] == 2
    await resealing(database, vault_of(NEW, OLD), Base.metadata).run()
    assert (await census(database, COLUMNS))[header_of(NEW)] == 2


async def test_the_root_secret_outlives_the_master_keys(database):
    first = vault_of(OLD)
    await load_root(database, first)
    assert first.root != OLD.secret
    between = vault_of(NEW, OLD)
    await load_root(database, between)
    await reseal(database, between, COLUMNS)
    last = vault_of(NEW)
    await load_root(database, last)
    assert first.derived_key("x") == between.derived_key("x") == last.derived_key("x")


async def test_processes_that_start_at_once_share_one_root_secret(database):
    vaults = [vault_of(OLD) for _ in range(4)]
    await asyncio.gather(*(load_root(database, vault) for vault in vaults))
    assert len({vault.root for vault in vaults}) == 1


async def test_an_installation_from_before_keeps_what_it_derived(stores, worker_number):
    made = create_database(stores[0], f"before_{worker_number}")
    upgrade(made, "0008")
    signing = next(c for c in COLUMNS if c.name == "signing_keys.sealed_private_key")
    fill(made, vault_of(OLD), [signing])
    upgrade(made)
    database = Database(made, pool_size=2)
    for keys in ((OLD,), (NEW, OLD)):
        vault = vault_of(*keys)
        await load_root(database, vault)
        assert vault.derived_key("cursors") == Vault(OLD.secret).derived_key("cursors")
    await database.close()


async def test_another_master_key_is_refused_until_it_is_said_that_the_former_is_lost(database):
    await load_root(database, vault_of(OLD))
    with pytest.raises(InvalidMasterKey, match="keys restart"):
        await load_root(database, vault_of(NEW))
    started, again = vault_of(NEW), vault_of(NEW)
    await restart_root(database, started)
    await load_root(database, again)
    assert again.root == started.root


async def test_the_root_secret_is_seen_by_the_system_alone(url, database):
    await load_root(database, vault_of(OLD))
    async with database.unit(SYSTEM) as session:
        assert len((await session.scalars(select(RootSecret))).all()) == 1
        await session.execute(text("select set_config('luminous.system', 'off', true)"))
        assert (await session.execute(select(RootSecret.id))).all() == []


async def test_a_rotation_is_learnt_by_a_process_that_runs(url, database, tmp_path):
    path = tmp_path / "master.key"
    path.write_text(write_key(OLD, None))
    service, command = (Vault(KeyRing(FileKeys(path))) for _ in range(2))
    fill(url, service, [INTEGRATIONS])
    command.keys.source.add(NEW)
    command.keys.refresh()
    await reseal(database, command, COLUMNS)
    assert len(await read_all(database, service)) == 1
    assert service.keys.active.id == NEW.id
