"""A workspace with all three fakes, the clients of both languages, and where cells are noted."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app.inference.relay.reply import Reply
from tests.conformance import table
from tests.conformance.case import Case
from tests.conformance.javascript_client import JavaScriptClients, javascript_clients, missing
from tests.conformance.python_client import PythonClients, python_clients
from tests.conformance.running import Workspace, model_of, route_from
from tests.inference.relay.conftest import FAKES, connect
from tests.support.fakes.base import Fake
from tests.support.identity import Person, new_key, new_person

PING_SECONDS = 0.02
CELLS = pytest.StashKey[table.Cells]()
WorkspaceOf = Callable[..., Awaitable[Workspace]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-conformance", action="store_true", help="rewrite the table in docs")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[CELLS] = {}


def pytest_sessionfinish(session: pytest.Session) -> None:
    if writes(session.config) and (cells := session.config.stash[CELLS]):
        table.write(cells)


def writes(config: pytest.Config) -> bool:
    return bool(config.getoption("--write-conformance", default=False))


@pytest.fixture
def noted(request: pytest.FixtureRequest) -> table.Cells | None:
    """Where cells are noted while the table is rewritten; None while it is held to."""
    return request.config.stash[CELLS] if writes(request.config) else None


@pytest.fixture
def pings(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, app: FastAPI
) -> Iterator[None]:
    """Keep streams alive often where the case is about that, and see that it was done."""
    if not request.node.callspec.params["case"].pings:
        yield
        return
    kernel, pinged, sent = app.state.kernel, Reply._pinged, 0
    often = kernel.settings.model_copy(update={"stream_ping_seconds": PING_SECONDS})
    monkeypatch.setattr(app.state.relay, "_kernel", replace(kernel, settings=often))

    def count(reply: Reply, task: asyncio.Task[None]) -> None:
        nonlocal sent
        sent += 1
        pinged(reply, task)

    monkeypatch.setattr(Reply, "_pinged", count)
    yield
    assert sent >= 2


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def python() -> AsyncIterator[PythonClients]:
    async with python_clients() as clients:
        yield clients


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def javascript() -> AsyncIterator[JavaScriptClients]:
    if reason := missing():
        pytest.skip(reason)
    async with javascript_clients() as clients:
        yield clients


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fakes() -> AsyncIterator[dict[str, Fake]]:
    async with AsyncExitStack() as stack:
        yield {kind: await stack.enter_async_context(fake()) for kind, fake in FAKES.items()}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def workspace_of(address: str, fakes: dict[str, Fake]) -> WorkspaceOf:
    """One workspace for all, and one for each case whose faults would open a breaker."""
    opened: dict[tuple[str, ...], Workspace] = {}

    async def workspace(case: Case, *column: str) -> Workspace:
        name = (case.name, *column) if case.fails else ()
        if name not in opened:
            opened[name] = await new_workspace(address, fakes, routed=case.routed)
        return opened[name]

    return workspace


async def new_workspace(address: str, fakes: dict[str, Fake], *, routed: bool) -> Workspace:
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as client:
        person = await new_person(client)
        for kind, fake in fakes.items():
            fake.script.clear()
            await connect(client, person, kind, fake.url + fake.base_path)
        for first, second in zip(fakes, (*list(fakes)[1:], *fakes), strict=False):
            if routed:
                await open_route(client, person, first, second)
        key = (await new_key(client, person))["key"]
    return Workspace(address, key, fakes)


async def open_route(client: httpx2.AsyncClient, person: Person, first: str, second: str) -> None:
    body = {
        "slug": route_from(first),
        "candidates": [{"model": model_of(first)}, {"model": model_of(second)}],
        "failover": {"mid_stream": "continue"},
    }
    made = await client.post("/v1/routes", json=body, headers=person.headers)
    assert made.status_code == 201, made.text
