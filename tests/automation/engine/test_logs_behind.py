"""A process dies before its runs' logs could be written: the next one tells what had ended."""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.automation.engine.driving import BuiltIn
from app.automation.engine.starting import Starter
from app.automation.nodes.starting import RunWanted
from app.core.auth import Access, Permission
from app.inference.providers.demo.http import HttpServer
from tests.support.chat import Talker
from tests.support.identity import new_person
from tests.support.runs import Process, outrun, until
from tests.support.workflows.office import Office


@pytest_asyncio.fixture(loop_scope="session")
async def office(client):
    return Office(Talker(client, await new_person(client)))


@pytest_asyncio.fixture(loop_scope="session")
async def process(app, address, kernel):
    """Another process, which begins workflows' runs."""
    automation = app.state.automation
    process = await Process(kernel, automation.working).start()
    driver = BuiltIn()
    driver._runs = process.runs
    process.starter = Starter(kernel.database, driver, automation.starter._plans)
    process.starter.working = automation.working
    yield process
    await process.stop()


def access_of(office):
    person = office.talker.person
    ids = UUID(person.workspace_id), UUID(person.user_id)
    return Access(*ids, frozenset(Permission), "session", uuid4())


def doubled(of):
    arguments = {"expression": f"{{{{ {of} }}}} * 2"}
    return {"type": "tool", "with": {"tool": "calculator", "arguments": arguments}}


@pytest.mark.parametrize("seen", [2, 3, 5])
async def test_steps_that_ended_before_the_log_had_them_are_told_of(seen, office, process, app):
    asked, is_over = asyncio.Event(), asyncio.Event()

    async def answer(exchange):
        asked.set()
        await is_over.wait()
        await exchange.send(200, b"{}", "application/json")

    async with HttpServer(answer) as site:
        await office.make(
            "slow",
            nodes=[
                {"id": "each", "type": "map", "with": {"items": "{{ [1, 2, 3] }}"},
                 "body": {"nodes": [{"id": "twice", **doubled("item")}]}},
                {"id": "again", **doubled("21")},
                {"id": "hold", "type": "http", "with": {"url": f"{site.url}/x"}},
            ],
            edges=[{"from": "each", "to": "again"}, {"from": "again", "to": "hold"}],
            outputs="{{ nodes.again.output.text }}",
        )  # fmt: skip
        run = await process.starter.start(access_of(office), RunWanted("slow"))
        log = process.runs.executor._local[run.id]
        await until(lambda: log.visible >= seen)
        events = await outrun(process, app.state.runs, run, asked, is_over)
    ended = Counter(each.body["path"] for each in events if each.type == "step.completed")
    paths = ["each[0]/twice", "each[1]/twice", "each[2]/twice", "each", "again", "hold"]
    assert ended == dict.fromkeys(paths, 1)
