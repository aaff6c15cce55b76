"""MCP servers of the official SDK on loopback, and our own way to them."""

import asyncio
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
import uvicorn
from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import (
    BlobResourceContents,
    CallToolResult,
    EmbeddedResource,
    ResourceLink,
    TextContent,
    TextResourceContents,
    ToolAnnotations,
)

from app.agents.credentials.finding import Credentials
from app.agents.mcp_servers.pool import Links
from app.agents.mcp_servers.source import McpSource
from app.agents.tools.tool import ToolContext, Wanted
from app.core.auth import Access, Permission
from tests.conftest import Server
from tests.support.chat import Talker
from tests.support.identity import new_person

STDIO = (sys.executable, str(Path(__file__).with_name("stdio_server.py")))
TOKEN = "a-token-of-the-wiki-nobody-may-see"


@dataclass
class Serving:
    """A server, where it is, and what it was sent."""

    url: str
    requests: list[dict[str, str]] = field(default_factory=list)
    sessions: int = 0


def recording(app, serving):
    async def asgi(scope, receive, send):
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            serving.requests.append({"method": scope["method"], **headers})
        await app(scope, receive, send)

    return asgi


@asynccontextmanager
async def served(app, port=0):
    """Serve an ASGI application on loopback."""
    serving = Serving("")
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    serving.url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    config = uvicorn.Config(
        recording(app, serving),
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=1,
    )
    server = Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by this alone
        await asyncio.sleep(0.01)
    try:
        yield serving
    finally:
        server.should_exit = True
        await task


def wiki(name="wiki"):  # noqa: C901, PLR0915 - a list of tools
    """A server with a tool of each kind."""
    server = MCPServer(name)
    told = []

    @server.tool(annotations=ToolAnnotations(read_only_hint=True, open_world_hint=False))
    def search(query: str) -> str:
        """Search the wiki."""
        return f"Nothing about {query}."

    @server.tool(annotations=ToolAnnotations(destructive_hint=True))
    def delete_page(page: str) -> str:
        """Delete a page."""
        return f"{page} is gone"

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool()
    async def slow(ctx: Context) -> str:
        """Take very long."""
        await ctx.report_progress(1, 3, "begun")
        told.append("begun")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            told.append("cancelled")
            raise
        return "done"

    @server.tool()
    async def counting(ctx: Context) -> str:
        """Tell how far it is."""
        for step in range(1, 4):
            await ctx.report_progress(step, 3, f"step {step}")
        return "counted"

    @server.tool()
    def huge(size: int) -> str:
        """Answer with very much."""
        return "x" * size

    @server.tool()
    def broken() -> str:
        """Fail."""
        raise ToolError("the page is torn")

    @server.tool()
    def mixed() -> CallToolResult:
        """Answer with content of every kind."""
        text = TextResourceContents(uri="wiki://one", text="first page")
        blob = BlobResourceContents(uri="wiki://two", blob="aGVsbG8=", mime_type="application/zip")
        return CallToolResult(
            content=[
                TextContent(text="words"),
                Image(data=b"\x89PNG....", format="png").to_image_content(),
                EmbeddedResource(resource=text),
                EmbeddedResource(resource=blob),
                ResourceLink(name="third", uri="wiki://three"),
            ],
            structured_content={"pages": 3},
        )

    server.told = told
    return server


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


def access_of(talker, *permissions) -> Access:
    ids = UUID(talker.person.workspace_id), UUID(talker.person.user_id)
    return Access(*ids, frozenset(permissions or Permission), "session", uuid4())


def context(access, told=None) -> ToolContext:
    tell = told.append if told is not None else lambda _: None
    return ToolContext(access, uuid4(), "call-1", "key-1", tell=tell)


@pytest_asyncio.fixture(loop_scope="session")
async def source(kernel):
    """A source of our own, that may start the server beside this file."""
    links = Links(kernel.outbound)
    yield McpSource(
        kernel.database,
        Credentials(kernel.database, kernel.vault),
        links,
        (" ".join(STDIO), "/nowhere/at-all"),
    )
    await links.close()


@pytest.fixture
def add_server(talker):
    async def added(url, status=201, **body):
        whole = {
            "name": "Wiki",
            "slug": "wiki",
            "transport": {"type": "streamable_http", "url": url},
            **body,
        }
        answer = await talker.call("POST", "/v1/mcp-servers", json=whole)
        assert answer.status_code == status, answer.text
        return answer.json()

    return added


@pytest.fixture
def confirmed(talker, add_server):
    """Add a server, ask it for its tools, and confirm them all."""

    async def made(url, **body):
        server = await add_server(url, **body)
        path = f"/v1/mcp-servers/{server['id']}"
        found = await talker.call("POST", f"{path}/refresh")
        assert found.json()["status"] == "ready", found.text
        done = await talker.call("POST", f"{path}/confirm", json={})
        assert done.status_code == 200, done.text
        return done.json()

    return made


@pytest.fixture
def opened(source, talker):
    async def found(reference):
        return await source.open(access_of(talker), Wanted(reference))

    return found
