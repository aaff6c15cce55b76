"""A pipeline whose processes are killed in the middle: no row is lost, and none stands twice."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from sqlalchemy import make_url

from app.core.config import Settings
from app.core.db import sync_engine
from tests.agents.databases.conftest import passed_on
from tests.conftest import create_database
from tests.inference.chaos.processes import two_processes
from tests.support import identity
from tests.support.workflows.fleet import PLAIN, Client

ROWS, PAGE, BAD = 200, 10, 7
KILLED_AT = 60
SETUP = f"""
create table source (id int primary key, name text);
insert into source select n, case when n % {BAD} = 0 then null else 'n' || n end
  from generate_series(1, {ROWS}) n;
create table target (id int primary key, name text not null, _lineage jsonb);
create function slowly() returns trigger language plpgsql as
  $$ begin perform pg_sleep(0.005); return new; end $$;
create trigger slowly before insert on target for each row execute function slowly();
"""  # noqa: S608


def asking(url: str) -> Callable[[str], list[Any]]:
    engine = sync_engine(url)

    def ask(sql: str) -> list[Any]:
        with engine.begin() as connection:
            found = connection.exec_driver_sql(sql)
            return [tuple(row) for row in found] if found.returns_rows else []

    return ask


async def key_at(address: str) -> str:
    """A key with which pipelines are made and run."""
    scopes = [f"{room}:{right}" for room in ("collections", "templates", "tools", "workflows")
              for right in ("read", "write")]  # fmt: skip
    async with httpx2.AsyncClient(base_url=address, timeout=30, verify=PLAIN) as http:
        person = await identity.new_person(http)
        made = await identity.new_key(http, person, scopes=[*scopes, "workflows:run"])
    return made["key"]


async def made(client: Client, dsn: str) -> str:
    """The id of a pipeline from one table into the other."""
    body = {"name": "World", "slug": "world", "dsn": dsn, "writable": True}
    await client.ask("POST", "/v1/databases", json=body)
    await client.ask("POST", "/v1/collections", json={"name": "Exports", "slug": "exports"})
    pack = await client.ask("POST", "/v1/templates/packs/pipelines/install", json={})
    entries = {each["entry"]: each["template_id"] for each in pack["templates"]}
    variables = {
        "source": "names", "database": "world", "sql": "select id, name from source",
        "target": "world", "table": "target", "page": PAGE,
    }  # fmt: skip
    path = f"/v1/templates/{entries['database-to-database']}/instantiate"
    return (await client.ask("POST", path, json={"variables": variables}))["workflow_id"]


@pytest.mark.timeout(300)
def test_a_pipeline_goes_on_after_a_kill(
    apart: Callable[[str], Settings], stores: tuple[str, str], worker_number: int
) -> None:
    world = f"world_{worker_number}"

    async def story(processes) -> None:
        url = make_url(create_database(stores[0], world))
        ask = asking(url.render_as_string(hide_password=False))
        for statement in SETUP.strip().split(";\n"):
            ask(statement)
        path = f"{url.query['host']}/.s.PGSQL.{url.port or 5432}"
        server = await asyncio.start_server(lambda r, w: passed_on(r, w, path), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            client = Client(processes[0].address, await key_at(processes[0].address))
            dsn = f"postgresql://{url.username}:x@127.0.0.1:{port}/{world}?sslmode=disable"
            run_id = await client.start(await made(client, dsn), "killed")
            while ask("select count(*) from target")[0][0] < KILLED_AT:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            for process in processes:
                process.kill()
            await asyncio.to_thread(processes[0].revive)
            run = (await client.ended([run_id], 120))[run_id]
            bad = ROWS // BAD
            assert run["output"] == {
                "cursor": ROWS, "written": ROWS - bad, "rejected": bad, "more": False,
            }, run  # fmt: skip
            wanted = [(n,) for n in range(1, ROWS + 1) if n % BAD]
            assert ask("select id from target order by id") == wanted
            assert ask("select distinct _lineage ->> 'run_id' from target") == [(run_id,)]

    with two_processes(apart("killed")) as processes:
        asyncio.run(story(processes))
