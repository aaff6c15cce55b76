"""A database of a shop on the tests' own Postgres, reached by TCP as others' are."""

import asyncio
from contextlib import suppress
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import make_url

from app.core.auth import Access, Permission
from app.core.db import sync_engine
from tests.conftest import create_database
from tests.support.chat import Talker
from tests.support.identity import new_person

SETUP = """
create table public.orders (id int primary key, customer text not null, total numeric(10, 2));
comment on table public.orders is 'What was sold';
insert into public.orders select n, 'customer ' || n % 7, n * 1.5 from generate_series(1, 500) n;
create table public.secrets (id int, word text);
insert into public.secrets values (1, 'canary-of-the-shop');
create view public.totals as select customer, sum(total) as total from orders group by 1;
create schema hidden;
create table hidden.salaries (name text, amount int);
create function public.peek() returns text language sql as 'select word from public.secrets';
grant usage on schema public, hidden to {role};
grant select on all tables in schema public, hidden to {role};
"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(stores, worker_number):
    """The DSN of one who may only read, and of one who may all."""
    url = make_url(create_database(stores[0], f"shop_{worker_number}"))
    role = f"reader_{worker_number}"
    engine = sync_engine(url.render_as_string(hide_password=False))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"drop role if exists {role}")
        connection.exec_driver_sql(f"create role {role} login password 'pass-of-the-reader'")
        for statement in SETUP.format(role=role).strip().split(";\n"):
            connection.exec_driver_sql(statement.strip().rstrip(";"))
    engine.dispose()
    path = f"{url.query['host']}/.s.PGSQL.{url.port or 5432}"
    server = await asyncio.start_server(lambda r, w: _passed_on(r, w, path), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    end = f"@127.0.0.1:{port}/{url.database}?sslmode=disable"
    yield SimpleNamespace(
        reader=f"postgresql://{role}:pass-of-the-reader{end}",
        owner=f"postgresql://{url.username}:x{end}",
        port=port,
        database=url.database,
    )
    server.close()


async def _passed_on(reader, writer, path):
    there, back = await asyncio.open_unix_connection(path)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_copied(reader, back))
            tasks.create_task(_copied(there, writer))
    finally:
        back.close()
        writer.close()


async def _copied(source, target):
    with suppress(OSError):
        while piece := await source.read(65536):
            target.write(piece)
            await target.drain()
    with suppress(OSError):
        target.close()


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest.fixture
def access(talker):
    person = talker.person
    ids = UUID(person.workspace_id), UUID(person.user_id)
    return Access(*ids, frozenset(Permission), "session", uuid4())
