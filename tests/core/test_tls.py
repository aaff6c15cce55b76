"""Postgres behind TLS: what one message is made of goes through it like everything else."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url, text

from app.core.db import SYSTEM, Database
from app.core.statements import Statement
from app.main import announce_stop, create_app
from tests.conftest import serve
from tests.support.identity import new_person
from tests.support.workflows.certificates import Files

MODEL = "demo/chat?tokens=3&delay_ms=0"
PID = Statement(text("select pg_backend_pid()"))
SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)


class Front:
    """Takes connections by TLS alone, and hands them to a Postgres at a unix socket."""

    def __init__(self, url: str, context: ssl.SSLContext) -> None:
        self._url = make_url(url)
        self._context = context
        self.seen: Counter[str] = Counter()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[str]:
        """The URL of the database by way of it."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()
            url = self._url.set(host=host, port=port, query={})
            yield url.render_as_string(hide_password=False)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readexactly(8) != SSL_REQUEST:
            self.seen["plain"] += 1
            writer.close()
            return
        writer.write(b"S")
        await writer.start_tls(self._context)
        self.seen[writer.get_extra_info("ssl_object").version()] += 1
        folder = self._url.query["host"]
        socket = f"{folder}/.s.PGSQL.{self._url.port or 5432}"
        behind = await asyncio.open_unix_connection(socket)
        await asyncio.gather(_pass(reader, behind[1]), _pass(behind[0], writer))


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
def front(own_settings, tmp_path):
    files = Files.made(tmp_path, "postgres")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.certificate, files.key)
    return Front(own_settings.database_url.get_secret_value(), context)


async def test_a_chat_and_an_agents_run_go_through_tls(own_settings, front):
    async with front.opened() as url:
        app = create_app(own_settings.model_copy(update={"database_url": SecretStr(url)}))
        server, task, address = await serve(app)
        try:
            await _chat_and_run(address)
        finally:
            announce_stop(app)
            server.should_exit = True
            await task
    assert set(front.seen) == {"TLSv1.3"}


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
        pids = []
        for _ in range(3):
            assert await database.carry_out(SYSTEM, PID.call({})) == [1]
            async with database.unit(SYSTEM, late=True) as session:
                pids.append(await session.scalar(text("select pg_backend_pid()")))
            await asyncio.to_thread(disconnect, pids[-1])
            await asyncio.sleep(0.1)  # until it has come through
        await database.close()
    assert len(set(pids)) == 3
    assert front.seen == {"TLSv1.3": 3}
