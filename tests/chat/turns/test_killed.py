"""kill -9 in mid-answer: it goes on elsewhere with its sources, and tells each violation once."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

import httpx2
import pytest

from app.core.config import Settings
from tests.inference.chaos.processes import Process, two_processes
from tests.knowledge.dictionary.conftest import new_keeper, term
from tests.knowledge.ingestion.conftest import new_shelf
from tests.support.chat import Talker, frames
from tests.support.identity import new_person

POND = "# Newts\n\nThe smooth newt hibernates under logs from October on.\n"
QUESTION = "Where do newts hibernate?"
SLOW, QUICK = (f"demo/chat?tokens=160&delay_ms={delay}" for delay in (25, 0))


@pytest.fixture
def pair(apart: Callable[[str], Settings]) -> Iterator[list[Process]]:
    with two_processes(apart("killed")) as found:
        yield found


async def hear_some(talker: Talker, process: Process, body: dict) -> str:
    """Hear an answer until it has broken the rules twice, kill its process; gives the run's id."""
    url, heard = f"{process.address}/v1/chat", 0
    async with talker.http.stream(
        "POST", url, json=body | {"stream": True}, headers=talker.person.headers
    ) as answer:
        try:
            async for frame in frames(answer):
                heard += "\nevent: term.violation\n" in frame
                if heard == 2:
                    process.kill()
        except httpx2.HTTPError:
            return answer.headers["x-run-id"]
    raise AssertionError("it was over before")


async def pond(talker: Talker) -> str:
    shelf = await new_shelf(talker.http, talker.person)
    await shelf.add(POND, "newts.md")
    return shelf.id


def often_said(text: str) -> str:
    counts = Counter(re.findall(r"\b[a-z]{5,}\b", text))
    return counts.most_common(1)[0][0]


async def test_a_killed_answer_keeps_its_sources_and_tells_each_violation_once(pair):
    dying, other = pair
    async with httpx2.AsyncClient(base_url=dying.address, timeout=60) as http:
        talker = Talker(http, await new_person(http))
        said = (await talker.ask(QUESTION, model=QUICK))["message"]["text"]
        keeper = await new_keeper(http, talker.person)
        forbidden = term(often_said(said), status="forbidden")
        await keeper.add(term("allowed"), forbidden, status="approved")
        drawn = {"dictionaries": [keeper.dictionary_id], "collections": [await pond(talker)]}
        expected = (await talker.ask(QUESTION, model=QUICK, **drawn))["message"]
        assert len(expected["violations"]) > 3, expected
        body = {"messages": [{"role": "user", "content": QUESTION}], "model": SLOW, **drawn}
        run_id = await hear_some(talker, dying, body)
    async with httpx2.AsyncClient(base_url=other.address, timeout=60) as http:
        talker.http = http
        run = await talker.stream("GET", f"/v1/runs/{run_id}/events")
        kept = (await talker.messages(run.events[0]["subject_id"]))[-1]
    assert "run.resumed" in run.types
    assert run.types[-1] == "run.completed"
    assert run.text == kept["text"] == expected["text"]
    broken = run.types.index("run.resumed")
    told = [each for each in run.events if each["type"] == "term.violation"]
    starts = [each["start"] for each in told]
    assert starts == [each["start"] for each in expected["violations"]]
    assert starts == [each["start"] for each in kept["violations"]]
    before = sum(kind == "term.violation" for kind in run.types[:broken])
    assert 0 < before < len(told), "some were told by either process"
    (source,) = [each for each in run.events if each["type"] == "source.added"]
    assert "hibernates under logs" in source["quote"]
    assert [each["passage_id"] for each in kept["sources"]] == [source["passage_id"]]
