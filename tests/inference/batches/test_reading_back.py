"""Answers of batches as they are read from providers, and by clients: a few at a time."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio

from app.core.db import Scope
from app.inference.batches import crud, server
from app.inference.batches.server import Server
from app.inference.dialects.addresses import beside_chat
from app.inference.providers.errors import ProviderGarbled
from tests.inference.batches.test_batches import calls_of, ended, line, make, results
from tests.inference.batches.test_upstream import COST
from tests.support.chat import connected
from tests.support.fakes.base import raw_stream
from tests.support.fakes.openai_batches import FakeOpenAIBatches

LONG = b'{"long": "' + b"x" * 600_000 + b'"}'


class Interrupting(FakeOpenAIBatches):
    """The first reading of a file breaks off in its middle."""

    reads = 0

    def other(self, recorded):
        if recorded.path.endswith("/content"):
            self.reads += 1
            if self.reads == 1:
                content = self.files[recorded.path.split("/")[3]]
                return raw_stream(content[: len(content) // 2], pause=0.05, end=False)
        return super().other(recorded)


class Reader:
    """Reads a file of the fake as answers are read."""

    def __init__(self, fake, server):
        self.fake, self.server = fake, server

    async def __call__(self, content):
        self.fake.files["file-9"] = content
        lines = self.server.lines(beside_chat(self.server.endpoint, "/files/file-9/content"))
        return [found async for some in lines for found in some]


@pytest_asyncio.fixture(loop_scope="session")
async def reader(talker, app) -> AsyncIterator[Reader]:
    fake, inference = FakeOpenAIBatches(), app.state.inference
    async with connected(talker, fake):
        endpoints = await inference.directory.endpoints(UUID(talker.person.workspace_id))
        found = next(each for each in endpoints if each.kind == "openai")
        yield Reader(fake, Server(inference.transport, found))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\n"])
async def test_lines_are_read_wherever_they_are_cut(reader, end):
    found = await reader(b'{"a": 1}\r\n\n' + LONG + b'\n{"b": 2}\n' + LONG + end)
    assert [list(one) for one in found] == [["a"], ["long"], ["b"], ["long"]]
    assert await reader(b"") == []


async def test_a_line_without_an_end_is_not_held_whole(reader, monkeypatch):
    monkeypatch.setattr(server, "MOST_LINE", 300_000)
    with pytest.raises(ProviderGarbled, match="too long"):
        await reader(b'{"a": 1}\n' + LONG)


async def test_a_document_is_read_no_further_than_documents_are_long(reader, monkeypatch):
    monkeypatch.setattr(server, "MOST_DOCUMENT", 300_000)
    reader.fake.files["file-9"] = LONG
    with pytest.raises(ProviderGarbled, match="too large"):
        await reader.server.document(
            "GET", beside_chat(reader.server.endpoint, "/files/file-9/content")
        )


async def test_answers_that_break_off_are_read_again_and_paid_once(talker, kernel, app):
    fake = Interrupting()
    fake.at_once = True
    async with connected(talker, fake):
        batch = await make(talker, *(line(n, "openai/gpt-4o") for n in range(20)))
        done = await ended(talker, batch)
    assert fake.reads == 2
    assert (done["status"], done["succeeded"], done["failed"]) == ("completed", 20, 0)
    calls = await calls_of(kernel, app, batch["run_id"])
    assert [call.status for call in calls] == ["succeeded"] * 20
    assert sum(float(call.cost_usd) for call in calls) == pytest.approx(20 * COST, rel=1e-3)


async def test_results_are_given_a_bounded_number_of_bytes_at_a_time(talker, kernel, monkeypatch):
    batch = await make(talker, *(line(n) for n in range(6)))
    await ended(talker, batch)
    monkeypatch.setattr(crud, "BYTES_AT_ONCE", 1)
    assert [row["custom_id"] for row in await results(talker, batch)] == [
        f"line-{n}" for n in range(6)
    ]
    workspace_id = UUID(talker.person.workspace_id)
    async with kernel.database.unit(Scope(workspace_id=workspace_id)) as session:
        lines = await crud.ended(session, workspace_id, UUID(batch["id"]), crud.ENDED, 0)
    assert [one.position for one in lines] == [1]
