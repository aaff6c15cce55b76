"""`luminous vectors migrate`, on a database of its own and a local Qdrant."""

import asyncio
import socket
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from typer.testing import CliRunner, Result

from app.cli.commands import luminous
from app.cli.service import serve_only
from app.core.config import InvalidSettings, Settings
from app.core.db import SYSTEM, sync_engine
from app.core.kernel import open_kernel
from app.core.migrations import upgrade
from app.knowledge.vectors import table
from app.knowledge.vectors.open import open_store
from tests.conftest import create_database, valkey_database
from tests.knowledge.vectors.conftest import keep, new_workspaces, point

SPACE = "a:model"


@pytest.fixture
def settings(stores, worker_number, tmp_path: Path, monkeypatch) -> Settings:
    url = create_database(stores[0], f"vectors_{worker_number}")
    redis = valkey_database(stores[1], worker_number)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REDIS_URL", redis)
    monkeypatch.setenv("LUMINOUS_DATA_DIR", str(tmp_path / "data"))
    return Settings(
        _env_file=None,
        database_url=SecretStr(url),
        redis_url=SecretStr(redis),
        data_dir=tmp_path / "data",
    )


def migrate(*arguments: str) -> Result:
    return CliRunner().invoke(luminous, ["vectors", "migrate", *arguments])


async def fill(settings: Settings, store: str, count: int) -> UUID:
    async with open_kernel(settings) as kernel:
        (workspace_id,) = await new_workspaces(kernel, 1)
        index = await open_store(kernel, store)
        points = [point([1, n], parent_id=uuid4()) for n in range(count)]
        await keep(kernel, index, workspace_id, SPACE, *points)
    return workspace_id


async def counted(settings: Settings, store: str, workspace_id: UUID) -> int:
    async with open_kernel(settings) as kernel:
        return await (await open_store(kernel, store)).count(workspace_id, SPACE)


async def noted(settings: Settings) -> int:
    async with open_kernel(settings) as kernel, kernel.database.unit(SYSTEM) as session:
        statement = "select count(*) from audit_logs where action = 'vectors.migrated'"
        return await session.scalar(text(statement))


def test_vectors_move_there_and_back(settings):
    upgrade(settings.database_url.get_secret_value())
    workspace_id = asyncio.run(fill(settings, "qdrant", 300))
    for _ in range(2):
        done = migrate("--to", "pgvector")
        assert done.exit_code == 0, done.output
        assert f"{SPACE}: 300 vectors" in done.stdout
        assert "Set LUMINOUS_VECTORS=pgvector" in done.stdout
    assert asyncio.run(counted(settings, "pgvector", workspace_id)) == 300
    done = migrate("--from", "pgvector", "--to", "qdrant", "--remove")
    assert done.exit_code == 0, done.output
    assert asyncio.run(counted(settings, "qdrant", workspace_id)) == 300
    assert asyncio.run(counted(settings, "pgvector", workspace_id)) == 0
    assert asyncio.run(noted(settings)) == 3


def test_moving_to_where_they_are_is_refused(settings):
    refused = migrate("--to", "qdrant")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "in qdrant already" in refused.stderr


def test_the_local_store_of_a_running_service_is_left_alone(settings):
    upgrade(settings.database_url.get_secret_value())

    async def beside() -> Result:
        async with open_kernel(settings):
            return await asyncio.to_thread(migrate, "--to", "pgvector")

    refused = asyncio.run(beside())
    assert refused.exit_code == 2, refused.output
    assert "open in another process" in refused.stderr


def test_a_start_without_the_extension_is_refused_in_a_sentence(settings, monkeypatch):
    monkeypatch.setattr(table, "_has_extension", lambda _: False)
    upgrade(settings.database_url.get_secret_value())
    wanted = settings.model_copy(update={"vectors": "pgvector"})
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        pytest.raises(InvalidSettings, match="LUMINOUS_VECTORS=pgvector needs the extension"),
    ):
        serve_only(wanted, listener)


def test_an_extension_that_came_after_the_migrations_is_taken_up(settings, monkeypatch):
    with monkeypatch.context() as bare:
        bare.setattr(table, "_has_extension", lambda _: False)
        upgrade(settings.database_url.get_secret_value())
        refused = migrate("--to", "pgvector")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert "needs the extension pgvector" in refused.stderr
    assert migrate("--to", "pgvector").exit_code == 0
    engine = sync_engine(settings.database_url.get_secret_value())
    with engine.connect() as connection:
        assert connection.scalar(text("select count(*) from passage_vectors")) == 0
    engine.dispose()
