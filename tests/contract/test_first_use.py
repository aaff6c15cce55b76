"""The rooms above inference: what leaves them closed, and what opens them."""

import asyncio
from contextlib import asynccontextmanager

import httpx2
import pytest
from sqlalchemy import text

from app import first_use
from app.core.clock import now
from app.core.db import SYSTEM, sync_engine
from app.core.ids import new_id
from app.core.outbox import OutboxEvent, emit
from app.first_use import LOWER, SUBSCRIBERS, UNLOADED
from app.main import announce_stop, create_app
from app.tables import Base
from tests.conftest import serve
from tests.contract.test_start import told_by
from tests.support.filling import fill
from tests.support.identity import new_person, until

UPPER = sorted(
    mapper.class_.__tablename__
    for mapper in Base.registry.mappers
    if not mapper.class_.__module__.startswith(LOWER)
)
SUBJECT_ID = new_id()


@pytest.fixture
def place(apart):
    return apart("alone")


@asynccontextmanager
async def served(settings):
    """A service of which nothing was asked yet, and a client of it."""
    app = create_app(settings)
    server, task, url = await serve(app, whole=False)
    async with httpx2.AsyncClient(base_url=url, timeout=30) as http:
        yield app, http
    announce_stop(app)
    server.should_exit = True
    await task


@pytest.fixture
def leave(place):
    """`leave(table, …)`: a row as another process has left it; `leave.nothing(table)`."""
    engine = sync_engine(place.database_url.get_secret_value())

    def row(table, **given):
        with engine.begin() as owner:
            fill(owner, [table], **{"workspace_id": new_id(), **given})

    def nothing(table):
        with engine.begin() as owner:
            owner.execute(text("set local session_replication_role = replica"))
            owner.execute(text(f'delete from "{table}"'))  # noqa: S608 - a name of ours

    row.nothing = nothing
    yield row
    engine.dispose()


def test_a_start_loads_no_room_above_inference():
    modules, tables = told_by(
        "import json, sys\n"
        "import app.cli.service, app.cli.serving\n"
        "from app.core.db import Base\n"
        "from sqlalchemy.orm import configure_mappers\n"
        "configure_mappers()\n"
        "print(json.dumps([sorted(sys.modules), [t.name for t in Base.metadata.sorted_tables]]))"
    )
    assert {"app.upper", "app.tables", "app.chat", "app.agents.agents"}.isdisjoint(modules)
    # No foreign key leads to a table that is not there: a flush would fail over it.
    lower = set(Base.metadata.tables) - set(UPPER)
    assert lower - set(tables) == UNLOADED


async def test_the_gateway_and_the_rooms_below_leave_them_closed(place):
    async with served(place) as (app, http):
        person = await new_person(http)
        asked = {"model": "demo/chat", "messages": [{"role": "user", "content": "Hello"}]}
        sent = {"headers": person.headers}
        answer = await http.post("/openai/v1/chat/completions", json=asked, **sent)
        assert answer.status_code == 200, answer.text
        for path in ("/v1/models", "/v1/usage/calls", "/v1/workspaces", "/v1/audit-logs"):
            assert (await http.get(path, **sent)).status_code in (200, 404), path
        assert not app.state.upper.is_open
        assert not await app.state.upper.is_wanted()
        assert not hasattr(app.state, "agents")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/agents", 401),
        ("/v1/conversations", 401),
        ("/v1/runs", 401),
        ("/v1/privacy/register", 401),
        ("/a2a", 401),
        ("/mcp", 405),
    ],
)
async def test_the_first_requests_to_one_of_them_open_them(place, path, status):
    async with served(place) as (app, http):
        assert not app.state.upper.is_open
        answers = await asyncio.gather(*(http.get(path) for _ in range(3)))
        assert [answer.status_code for answer in answers] == [status] * 3
        assert app.state.upper.is_open
        assert {"chat_turn", "agent_run", "workflow_run"} <= set(app.state.runs.executor.works)


async def test_a_row_in_any_of_their_tables_opens_them(place, leave):
    async with served(place) as (app, _):
        unseen = []
        for table in UPPER:
            leave(table)
            if not await app.state.upper.is_wanted():
                unseen.append(table)
            leave.nothing(table)
        assert unseen == []
        for table in UNLOADED:
            leave(table)
        assert not await app.state.upper.is_wanted()


async def test_a_run_of_theirs_and_a_deleted_workspace_open_them(place, leave):
    async with served(place) as (app, _):
        leave("runs", kind="batch", status="queued")
        leave("runs", kind="agent_run", status="completed")
        assert not await app.state.upper.is_wanted()
        leave("runs", kind="agent_run", status="queued")
        assert await app.state.upper.is_wanted()
        leave.nothing("runs")
        leave("workspaces", deleted_at=now())
        assert await app.state.upper.is_wanted()


async def test_a_service_that_has_used_them_starts_with_them(place, leave):
    leave("conversations")
    async with served(place) as (app, _):
        assert app.state.upper.is_open


async def test_what_another_process_leaves_is_found(place, leave, monkeypatch):
    monkeypatch.setattr(first_use, "LOOK_SECONDS", 0.1)
    async with served(place) as (app, _):
        assert not app.state.upper.is_open
        leave("conversations")

        async def is_open():
            return app.state.upper.is_open

        await until(is_open, 20)


@pytest.mark.parametrize(
    ("table", "hears"),
    [
        ("workflow_waits", {"status": "open", "kind": "event", "subject": "thing.made"}),
        ("workflow_waits", {"status": "open", "kind": "run", "subject": str(SUBJECT_ID)}),
        ("workflow_triggers", {"enabled": True, "kind": "event", "event_type": "thing.made"}),
    ],
)
async def test_an_event_opens_them_where_someone_hears_it(place, leave, monkeypatch, table, hears):
    monkeypatch.setattr(first_use, "LOOK_SECONDS", 1000)
    workspace_id = new_id()
    async with served(place) as (app, _):
        leave("workspaces", id=workspace_id)
        unit = app.state.kernel.database.unit

        async def happens(of_type):
            event_id = new_id()
            async with unit(SYSTEM) as session:
                told = {"subject_id": SUBJECT_ID, "event_id": event_id}
                await emit(session, workspace_id, of_type, {}, **told)

            async def is_taken_up():
                async with unit(SYSTEM) as session:
                    event = await session.get(OutboxEvent, event_id)
                    return event.status == "delivered" or app.state.upper.is_open

            await until(is_taken_up, 20)

        await happens("thing.made")
        leave(table, **hears)
        leave(table, **{**hears, "workspace_id": workspace_id, list(hears)[-1]: "thing.gone"})
        await happens("thing.made")
        assert not app.state.upper.is_open
        leave(table, workspace_id=workspace_id, **hears)
        await happens("thing.made")
        assert app.state.upper.is_open


async def test_each_of_their_subscribers_is_told(kernel, app):
    assert {each.name for each in app.state.automation.subscribers} == set(SUBSCRIBERS)


async def test_what_runs_stand_on_is_closed_after_them(place):
    closed = []
    async with served(place) as (app, http):
        await http.get("/v1/agents")
        state = app.state

        def told(stack):
            agents_are_closed = state.agents.endpoint._closing.is_set()
            closed.append((stack, state.runs.executor._closing, agents_are_closed))

        state.upper._lower.beneath.callback(told, "beneath")
        state.upper._lower.above.callback(told, "above")
    assert closed == [("above", False, False), ("beneath", True, False)]
