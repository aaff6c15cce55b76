"""kill -9 in mid-ingestion: started again, it completes it once, and nothing is doubled."""

import asyncio
from collections.abc import Callable, Iterator

import httpx2
import pytest

from app.core.config import Settings
from tests.inference.chaos.processes import Process, two_processes
from tests.knowledge.ingestion.conftest import new_shelf
from tests.support.chat import Talker, connected
from tests.support.fakes.openai import FakeOpenAI


@pytest.fixture
def pair(apart: Callable[[str], Settings]) -> Iterator[list[Process]]:
    with two_processes(apart("killed")) as found:
        yield found


def report(sections):
    return "".join(
        f"# Section {n}\n\n" + " ".join(f"Line {i} of section {n}." for i in range(60)) + "\n\n"
        for n in range(sections)
    )


async def all_chunks(shelf, document_id):
    found, cursor = [], None
    while True:
        query = {"limit": 200, **({"cursor": cursor} if cursor else {})}
        page = await shelf.call("GET", f"/v1/documents/{document_id}/chunks", params=query)
        found += page.json()["data"]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            return found


async def test_a_process_killed_while_it_takes_a_document_in_leaves_it_taken_in_once(pair):
    dying, other = pair
    other.stop()  # it has a folder of its own, and the file is in the other one
    async with httpx2.AsyncClient(timeout=60) as http:
        http.base_url = dying.address
        shelf = await new_shelf(http)
        made = (await shelf.upload(report(30), "report.md")).json()
        for _ in range(400):
            if (await shelf.call("GET", shelf.path)).json()["passage_count"]:
                break
            await asyncio.sleep(0.02)
        dying.kill()
        dying.revive()
        found = await shelf.settled(made["id"], seconds=60)
        run = (await shelf.call("GET", f"/v1/runs/{made['run_id']}")).json()
        chunks = await all_chunks(shelf, made["id"])
        assert (found["status"], found["current_version"]) == ("ready", 1)
        assert run["status"] == "completed"
        assert ("run.resumed", None) in await shelf.events(made["run_id"])
        assert [chunk["ordinal"] for chunk in chunks] == list(range(len(chunks)))
        assert len({chunk["start"] for chunk in chunks}) == len(chunks)
        assert all(chunk["embedded"] for chunk in chunks)
        versions = (await shelf.call("GET", f"/v1/documents/{made['id']}/versions")).json()
        assert len(versions["data"]) == 1
        await killed_while_it_indexes_anew(shelf, dying, made["id"], len(chunks))


async def killed_while_it_indexes_anew(shelf, dying, document_id, count):
    """The same process, to spare the start of another: all passages change over, and none twice."""
    async with connected(Talker(shelf.http, shelf.person), FakeOpenAI()):
        change = {"embedding_model": "openai/text-embedding-3-small"}
        started = await shelf.call("POST", f"{shelf.path}/reindex", json=change)
        dying.kill()
        dying.revive()
        run = await shelf.run(started.json()["run_id"], seconds=60)
        assert (run["status"], run["result"]["embedding_model"]) == (
            "completed", change["embedding_model"],
        )  # fmt: skip
        chunks = await all_chunks(shelf, document_id)
        assert [chunk["embedded"] for chunk in chunks] == [True] * count
