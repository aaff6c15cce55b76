"""Postgres behind TLS: what one message is made of goes through it like everything else."""

import asyncio
import os
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError

from app.core.db import SYSTEM, Database, sync_engine
from app.core.db_driver import SILENCE
from app.core.statements import Statement
from app.main import announce_stop, create_app
from tests.conftest import serve
from tests.support.identity import new_person
from tests.support.runs import until
from tests.support.workflows.certificates import Files

MODEL = "demo/chat?tokens=3&delay_ms=0"
PID = Statement(text("select pg_backend_pid()"))
SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)


class Front:
    """Takes connections by TLS alone, and hands them to a Postgres at a unix socket.

    Without a context it has no TLS, and says so.
    """

    def __init__(self, url: str, context: ssl.SSLContext | None) -> None:
        self._url = make_url(url)
        self._context = context
        self.seen: Counter[str] = Counter()

    @asynccontextmanager
    async def opened(self, **parameters: object) -> AsyncIterator[str]:
        """The URL of the database by way of it, with these parameters."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            _, port = server.sockets[0].getsockname()
            given = {name: str(value) for name, value in parameters.items()}
            host = given.pop("host", "localhost")
            url = self._url.set(host=host, port=port, query=given)
            yield url.render_as_string(hide_password=False)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(8) != SSL_REQUEST:
            self.seen["plain"] += 1
            writer.close()
            return
        if self._context is None:
            writer.write(b"N")
            await writer.drain()
            self.seen["refused"] += 1
        elif not await self._encrypt(writer, self._context):
            return
        folder = self._url.query["host"]
        socket = f"{folder}/.s.PGSQL.{self._url.port or 5432}"
        behind = await asyncio.open_unix_connection(socket)
        await asyncio.gather(_pass(reader, behind[1]), _pass(behind[0], writer))

    async def _encrypt(self, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> bool:
        writer.write(b"S")
        try:
            await writer.start_tls(context)
        except (ssl.SSLError, ConnectionError):  # the client thinks nothing of the certificate
            self.seen["broken off"] += 1
            writer.transport.abort()
            return False
        self.seen[writer.get_extra_info("ssl_object").version()] += 1
        return True


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError, ssl.SSLError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    writer.close()


@pytest.fixture(scope="session")
def own_settings(apart):
    return apart("tls")


@pytest.fixture
def files(tmp_path):
    return Files.made(tmp_path, "localhost")


@pytest.fixture
def context(files):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    return context


@pytest.fixture
def front(own_settings, context):
    return Front(own_settings.database_url.get_secret_value(), context)


async def _by_asyncpg(url):
    database = Database(url, pool_size=1)
    try:
        assert await database.takes_writes()
    finally:
        await database.close()


async def _by_pg8000(url):
    def ask():
        with sync_engine(url).connect() as connection:
            connection.execute(text("select 1"))

    await asyncio.to_thread(ask)


@pytest.fixture(params=[_by_asyncpg, _by_pg8000])
def connect(request):
    """`await connect(url)`: by either driver, in the one form of the URL."""
    return request.param


async def test_a_chat_and_an_agents_run_go_through_tls(own_settings, front, files):
    async with front.opened(sslmode="verify-full", sslrootcert=files.authority) as url:
        app = create_app(own_settings.model_copy(update={"database_url": SecretStr(url)}))
        server, task, address = await serve(app)
        try:
            await _chat_and_run(address)
        finally:
            announce_stop(app)
            server.should_exit = True
            await task
    # A connection that was just being made when the service ended may have been broken off.
    assert set(front.seen) - {"broken off"} == {"TLSv1.3"}


async def _chat_and_run(address):
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        headers = (await new_person(http)).headers
        asked = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
        chat = await http.post("/v1/chat", json=asked, headers=headers)
        assert chat.status_code == 200, chat.text
        agent = {"name": "A", "slug": "a", "definition": {"model": MODEL, "instructions": "Go."}}
        assert (await http.post("/v1/agents", json=agent, headers=headers)).status_code == 201
        for _ in range(3):
            answer = await http.post("/v1/agents/a/runs", json={"input": "Hi"}, headers=headers)
            assert (answer.status_code, answer.json()["status"]) == (200, "completed")


async def test_a_connection_that_was_closed_meanwhile_is_let_go_for_another(front, disconnect):
    async with front.opened() as url:
        database = Database(url, pool_size=1)
        made, pids = [], []
        event.listen(database.engine.sync_engine, "connect", lambda each, _: made.append(each))
        for _ in range(3):
            assert await database.carry_out(SYSTEM, PID.call({})) == [1]
            async with database.unit(SYSTEM, late=True) as session:
                pids.append(await session.scalar(text("select pg_backend_pid()")))
            await asyncio.to_thread(disconnect, pids[-1])
            await until(made[-1].driver_connection.is_closed)
        await database.close()
    assert len(set(pids)) == 3
    assert front.seen == {"TLSv1.3": 3}


@pytest.mark.parametrize(
    ("mode", "host"),
    [
        ("prefer", "127.0.0.1"),
        ("require", "127.0.0.1"),
        ("verify-ca", "127.0.0.1"),
        ("verify-full", "localhost"),
    ],
)
async def test_a_certificate_is_checked_as_the_url_demands_it(front, files, connect, mode, host):
    authority = {"sslrootcert": files.authority} if mode.startswith("verify") else {}
    async with front.opened(host=host, sslmode=mode, **authority) as url:
        await connect(url)
    assert front.seen == {"TLSv1.3": 1}


@pytest.mark.parametrize("by", ["another authority", "the system", "for another host"])
async def test_a_certificate_that_does_not_hold_is_refused(front, files, connect, tmp_path, by):
    (tmp_path / "other").mkdir()
    demand = {
        "another authority": {"sslrootcert": Files.made(tmp_path / "other", "a").authority},
        "the system": {},
        "for another host": {"sslrootcert": files.authority, "host": "127.0.0.1"},
    }[by]
    async with front.opened(sslmode="verify-full", **demand) as url:
        with pytest.raises((ssl.SSLError, InterfaceError), match="certificate"):
            await connect(url)


async def test_require_with_an_authority_checks_as_verify_ca(front, connect, tmp_path):
    (tmp_path / "other").mkdir()
    other = Files.made(tmp_path / "other", "a").authority
    async with front.opened(sslmode="require", sslrootcert=other) as url:
        with pytest.raises((ssl.SSLError, InterfaceError), match="certificate"):
            await connect(url)


async def test_a_client_shows_its_certificate(front, context, files, connect):
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(files.authority)
    async with front.opened(sslmode="require", sslcert=files.certificate, sslkey=files.key) as url:
        await connect(url)
    async with front.opened(sslmode="require") as url:
        with pytest.raises((OSError, DBAPIError)):
            await connect(url)


async def test_without_tls_only_what_does_not_demand_it_connects(own_settings, connect):
    front = Front(own_settings.database_url.get_secret_value(), None)
    async with front.opened(sslmode="prefer") as url:
        await connect(url)
    async with front.opened(sslmode="require") as url:
        with pytest.raises((OSError, DBAPIError), match="SSL"):
            await connect(url)
    assert front.seen["plain"] == 0


async def test_disable_asks_for_no_tls(front, connect):
    async with front.opened(sslmode="disable") as url:
        with pytest.raises((OSError, DBAPIError)):
            await connect(url)
    assert front.seen == {"plain": 1}


async def test_the_next_host_is_asked_where_one_does_not_answer(front, connect):
    async with front.opened(sslmode="require") as url:
        await connect(url.replace("@localhost", "@127.0.0.1:1,localhost"))
    assert front.seen == {"TLSv1.3": 1}


async def test_a_postgres_that_is_gone_without_a_word_is_given_up(front):
    async with front.opened(sslmode="require") as url:
        database = Database(url, pool_size=1)
        async with database.engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            file = driver._transport.get_extra_info("socket").fileno()
            with socket.socket(fileno=os.dup(file)) as same:
                assert same.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                level = socket.IPPROTO_TCP
                assert {each: same.getsockopt(level, each) for each in SILENCE} == SILENCE
        await database.close()
