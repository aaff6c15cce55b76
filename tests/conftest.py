"""Real stores for every test: one Postgres and one Valkey a run, one database a worker."""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import hypothesis
import pytest
import pytest_asyncio
import redis
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import func, make_url, select, text

from app.cli.embedded import EmbeddedEngines
from app.core.config import Settings
from app.core.db import sync_engine
from app.core.http.application import Service
from app.core.kernel import Kernel
from app.core.migrations import upgrade
from app.identity.users import passwords
from app.main import announce_stop, create_app

ENGINES = pytest.StashKey[EmbeddedEngines]()
FOLDER = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    cheapen_passwords()
    forget_time()
    for name in [name for name in os.environ if name.startswith("LUMINOUS_")]:
        del os.environ[name]  # a developer's own settings are not the tests'
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    folder = tempfile.TemporaryDirectory(prefix="luminous-tests-", ignore_cleanup_errors=True)
    engines = EmbeddedEngines(Path(folder.name) / "data", durable=False)
    engines.start()
    config.stash[ENGINES], config.stash[FOLDER] = engines, folder


def pytest_unconfigure(config: pytest.Config) -> None:
    if engines := config.stash.get(ENGINES, None):
        engines.stop()
        config.stash[FOLDER].cleanup()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    engines = node.config.stash[ENGINES]
    node.workerinput["stores"] = [engines.database_url, engines.redis_url]


@pytest.fixture(scope="session")
def stores(request: pytest.FixtureRequest) -> tuple[str, str]:
    """URLs of the server: Postgres (the maintenance database) and Valkey (database 0)."""
    given = getattr(request.config, "workerinput", {}).get("stores")
    if given:
        return tuple(given)
    engines = request.config.stash[ENGINES]
    return engines.database_url, engines.redis_url


# What a hash costs outside the tests.
REAL_HASHING = dict(passwords.context.to_dict())


def cheapen_passwords() -> None:
    """Let a hash take a millisecond: thousands of people sign in, and few tests are about it."""
    passwords.context.update(argon2__time_cost=1, argon2__memory_cost=64, argon2__parallelism=1)
    passwords.UNMATCHABLE = passwords.context.hash("what an unknown address is checked against")


def forget_time() -> None:
    """Let no property fail because the machine is busy."""
    usual = hypothesis.settings(
        deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
    )
    hypothesis.settings.register_profile("usual", usual)
    hypothesis.settings.load_profile("usual")


def create_database(server_url: str, name: str, template: str = "template1") -> str:
    """A fresh database on the test server; returns its URL."""
    engine = sync_engine(server_url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'drop database if exists "{name}" with (force)')
        connection.exec_driver_sql(f'create database "{name}" template "{template}"')
    engine.dispose()
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


MIGRATED = "migrated"


def migrated_database(server_url: str, name: str) -> str:
    """A fresh database with every table in it; returns its URL.

    A copy of one that the first to ask migrates, since a migration takes seconds.
    """
    engine = sync_engine(server_url)
    with engine.begin() as connection:
        connection.execute(select(func.pg_advisory_xact_lock(1)))  # until the copy is migrated
        known = text("select count(*) from pg_database where datname = :name")
        if not connection.scalar(known, {"name": MIGRATED}):
            upgrade(create_database(server_url, "migrating"))
            create_database(server_url, MIGRATED, "migrating")
    engine.dispose()
    return create_database(server_url, name, MIGRATED)


@pytest.fixture(scope="session")
def worker_number(request: pytest.FixtureRequest) -> int:
    worker = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    return int(worker.removeprefix("gw"))


# The services of one worker. Two over the same stores would take up each other's runs and passages,
# and neither has the other's files and vectors.
SERVICES = ("usual", "sso", "browser", "alone", "canary", "console", "killed", "tls")


def valkey_database(server_url: str, worker_number: int, name: str = "usual") -> str:
    """The URL of the Valkey database of one of a worker's services."""
    number = 1 + len(SERVICES) * worker_number + SERVICES.index(name)
    return server_url.replace("db=0", f"db={number}")


@pytest.fixture(scope="session")
def settings(
    stores: tuple[str, str], worker_number: int, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    database_url = migrated_database(stores[0], f"worker_{worker_number}")
    return Settings(
        _env_file=None,
        database_url=SecretStr(database_url),
        redis_url=SecretStr(valkey_database(stores[1], worker_number)),
        data_dir=tmp_path_factory.mktemp("data"),
        log_level="warning",
        run_lease_seconds=2,
        erasure_wait_hours=1,
        erasure_settle_seconds=0.1,
        demo_provider="always",
        discover_local_models=False,
        provider_retries=0,
        provider_first_token_seconds=2,
        provider_idle_seconds=1,
        cors_origins=("https://app.example",),
        sign_in_free_attempts_per_address=1_000_000,
        # Every test comes from one address; those of the limits set their own.
        rate_limit_key="1000000/60",
        rate_limit_user="1000000/60",
        rate_limit_workspace="1000000/60",
        rate_limit_address="1000000/60",
        rate_limit_sensitive="1000000/60",
        rate_limit_attempts="1000000/60",
        outbound_allow=("127.0.0.1",),
    )


@pytest.fixture(scope="session")
def apart(
    settings: Settings,
    stores: tuple[str, str],
    worker_number: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Settings]:
    """`apart(name)`: settings of a fresh installation with nothing in common with the others."""

    def made(name: str) -> Settings:
        redis_url = valkey_database(stores[1], worker_number, name)
        with redis.Redis.from_url(redis_url) as valkey:
            valkey.flushdb()
        database_url = migrated_database(stores[0], f"{name}_{worker_number}")
        return settings.model_copy(
            update={
                "database_url": SecretStr(database_url),
                "redis_url": SecretStr(redis_url),
                "data_dir": tmp_path_factory.mktemp(name),
            }
        )

    return made


class Server(uvicorn.Server):
    """uvicorn inside the test's own loop."""

    def install_signal_handlers(self) -> None:
        """Leave the signals to pytest."""


async def serve(app: FastAPI, *, whole: bool = True) -> tuple[Server, asyncio.Task[None], str]:
    """Serve an app on a free loopback port; returns the server, its task and its address.

    Of our own service all rooms are open then, if it is to be `whole`.
    """
    # Named as TCP, or asyncio leaves Nagle's algorithm on: forty milliseconds an answer.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        http="httptools",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        if task.done():
            task.result()
            raise RuntimeError("the server did not start")
        await asyncio.sleep(0.01)
    if whole and isinstance(app, Service):
        await app.state.upper.opened()
    return server, task, f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def address(app: FastAPI) -> AsyncIterator[str]:
    """The address of the running service."""
    server, task, url = await serve(app)
    yield url
    announce_stop(app)
    server.should_exit = True
    await task


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kernel(address: str, app: FastAPI) -> Kernel:
    """The kernel of the running service."""
    return app.state.kernel


@pytest_asyncio.fixture(loop_scope="session")
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a credential."""
    async with httpx2.AsyncClient(base_url=address, timeout=60, verify=False) as http:
        yield http
