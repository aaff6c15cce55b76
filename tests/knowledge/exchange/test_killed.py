"""kill -9 in mid-import: another process completes it, and no entry is there twice or by half."""

from collections.abc import Callable, Iterator

import httpx2
import pytest

from app.core.config import Settings
from tests.inference.chaos.processes import Process, two_processes
from tests.knowledge.exchange.desk import Desk, counts
from tests.support.identity import new_person, until

ROWS = 250


@pytest.fixture
def pair(apart: Callable[[str], Settings]) -> Iterator[list[Process]]:
    with two_processes(apart("killed")) as found:
        yield found


async def test_an_import_whose_process_is_killed_is_completed_once(pair):
    dying, living = pair
    # Each leads to the one after it: all but the last one wait to be related.
    content = "concept,external_id,language,term,related\n" + "".join(
        f"c{n},x{n},en,word {n},{f'c{n + 1}' if n + 1 < ROWS else ''}\n" for n in range(ROWS)
    )
    async with httpx2.AsyncClient(timeout=30) as http:
        http.base_url = dying.address
        desk = await Desk.open(http, await new_person(http))
        started = (await desk.send(content)).json()

        async def halfway():
            path = "/v1/dictionary/entries"
            query = {"dictionary_id": desk.dictionary, "include": "total", "limit": 1}
            return (await desk.call("GET", path, params=query)).json()["total"] >= ROWS / 5

        await until(halfway, 60)
        dying.kill()
        http.base_url = living.address
        done = await desk.ended(started["id"], 90)
        exported = (await desk.export("csv")).decode("utf-8-sig")
    assert (done["status"], counts(done)) == ("completed", {"total": ROWS, "created": ROWS})
    lines = exported.splitlines()[1:]
    assert sorted(line.split(",")[5] for line in lines) == sorted(f"word {n}" for n in range(ROWS))
    assert sum(bool(line.split(",")[17]) for line in lines) == ROWS - 1
