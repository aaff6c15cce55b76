"""Databases of a shop and its warehouse on the tests' own Postgres, by TCP as others' are."""

import asyncio
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
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


TABLES = """
drop schema if exists public cascade;
drop schema if exists crm cascade;
create schema public;
create schema crm;
create table public.orders (id int primary key, customer text not null, total numeric(10, 2),
  placed timestamptz default '2026-01-01', state text not null default 'new', _lineage jsonb,
  constraint total_is_positive check (total > 0));
create table public.contacts (id int primary key, name varchar(8) unique, _lineage jsonb);
create table crm."Odd ""table"" of" (id int, "a b" text, unique (id));
create table public.loose (id int, word text);
create table public.parts (id int, place text, count int, tags text[], more jsonb,
  whole int generated always as (count * 2) stored, unique (id, place));
create table public.guarded (id int primary key, owner text);
alter table public.guarded enable row level security;
create policy own on public.guarded for all using (true) with check (owner = 'me');
create table public.readable (id int primary key);
create table public.once (id int primary key, word text);
create table public.children (id int primary key,
  parent int references public.children deferrable initially deferred);
create view public.seen as select id, customer from public.orders;
create table crm.hidden (id int primary key);
grant usage on schema public, crm to {role};
grant select, insert, update on all tables in schema public, crm to {role};
revoke insert, update on public.readable from {role};
revoke update on public.once from {role};
"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(stores, worker_number):
    """The DSN of one who may only read, and of one who may all."""
    async with _served(stores, f"shop_{worker_number}", f"reader_{worker_number}") as served:
        served.run(SETUP)
        yield SimpleNamespace(
            reader=served.dsn, owner=served.owner, port=served.port, database=served.database
        )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def warehouse_server(stores, worker_number):
    name = f"warehouse_{worker_number}"
    async with _served(stores, name, f"writer_{worker_number}") as served:
        yield served


@pytest.fixture
def warehouse(warehouse_server):
    """Tables that one may write to: `dsn` is theirs, `run` and `rows` are its owner's."""
    warehouse_server.run(TABLES)
    return warehouse_server


@dataclass
class Served:
    """A database with a role of its own."""

    url: Any
    role: str
    port: int

    @property
    def database(self):
        return self.url.database

    @property
    def _end(self):
        return f"@127.0.0.1:{self.port}/{self.database}?sslmode=disable"

    @property
    def dsn(self):
        return f"postgresql://{self.role}:pass-of-the-reader{self._end}"

    @property
    def owner(self):
        return f"postgresql://{self.url.username}:x{self._end}"

    @contextmanager
    def connected(self):
        engine = sync_engine(self.url.render_as_string(hide_password=False))
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()

    def run(self, script):
        with self.connected() as connection:
            for statement in script.format(role=self.role).strip().split(";\n"):
                connection.exec_driver_sql(statement.strip().rstrip(";"))

    def rows(self, sql):
        with self.connected() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]


@asynccontextmanager
async def _served(stores, name, role):
    url = make_url(create_database(stores[0], name))
    path = f"{url.query['host']}/.s.PGSQL.{url.port or 5432}"
    server = await asyncio.start_server(lambda r, w: passed_on(r, w, path), "127.0.0.1", 0)
    served = Served(url, role, server.sockets[0].getsockname()[1])
    served.run(f"drop role if exists {role}")
    served.run(f"create role {role} login password 'pass-of-the-reader'")
    yield served
    server.close()


async def passed_on(reader, writer, path):
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
