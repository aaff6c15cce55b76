"""A small web on loopback, and the tools that read it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio

from app.agents.credentials.finding import Credentials
from app.agents.tools.builtin import BuiltinSource
from app.agents.tools.tool import ToolContext, Wanted
from app.agents.tools.web.opening import open_web
from app.core.auth import Access, Permission
from app.inference.providers.demo.http import HttpExchange, HttpServer
from tests.support.chat import Talker
from tests.support.identity import new_person


@dataclass
class Answer:
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: dict = field(default_factory=dict)


class Site(HttpServer):
    """Answers by path; `asked` are the requests that came."""

    def __init__(self, **pages: Answer | Callable):
        super().__init__(self._answer)
        self.pages = {f"/{name}": page for name, page in pages.items()}
        self.asked = []

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def _answer(self, exchange: HttpExchange) -> None:
        request = exchange.request
        self.asked.append(request)
        answer = self.pages.get(request.path, Answer(b"no such page", status=404))
        if callable(answer):
            answer = answer(request)
        headers = answer.headers
        await exchange.send(answer.status, answer.body, answer.content_type, headers)


def json_answer(value, **more) -> Answer:
    return Answer(orjson.dumps(value), "application/json", **more)


def redirect(to: str, status: int = 302) -> Answer:
    return Answer(b"", status=status, headers={"location": to})


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest.fixture
def access(talker) -> Access:
    person = talker.person
    ids = UUID(person.workspace_id), UUID(person.user_id)
    return Access(*ids, frozenset(Permission), "session", uuid4())


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def tools(kernel):
    credentials = Credentials(kernel.database, kernel.vault)
    async with open_web(kernel.settings, credentials) as web:
        yield BuiltinSource(web.tools)


@pytest.fixture
def use(tools, access):
    """`await use("fetch_page", config, **arguments)`."""

    async def used(name, config=None, **arguments):
        (tool,) = await tools.open(access, Wanted(name, config or {}))
        ctx = ToolContext(access, uuid4(), "call-1", key="key-of-the-call")
        return await tool.call(ctx, arguments)

    return used


@pytest.fixture
def keep(talker):
    """`await keep(name, hosts, secret)`: a credential of the workspace."""

    async def kept(name, hosts, token="a-very-secret-token-1"):  # noqa: S107
        body = {"name": name, "hosts": hosts, "secret": {"kind": "token", "token": token}}
        answer = await talker.call("POST", "/v1/tools/credentials", json=body)
        assert answer.status_code == 201, answer.text
        return token

    return kept
