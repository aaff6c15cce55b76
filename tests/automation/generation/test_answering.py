"""How help is answered: at its end, at once, by its events, or with what it would take."""

from uuid import uuid4

import pytest

from tests.automation.generation.conftest import MODEL, answer, posted, told
from tests.automation.generation.test_generating import GOOD, WISH
from tests.automation.generation.test_repairing import BROKEN
from tests.automation.generation.test_suggesting import FLOW, proposal
from tests.support.chat import Talker, connected
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import new_person

NAP = proposal({"id": "nap", "type": "wait", "with": {"for": "2h"}})
NEXT = {"kind": "definition", "definition": FLOW, "model": MODEL}
# What is asked for, what a model says to it, and the kind of its run.
HELP = {
    "generate": ({"description": WISH, "model": MODEL}, answer(GOOD)),
    "repair": ({"definition": BROKEN, "model": MODEL}, answer(GOOD)),
    "suggest": ({"from": NEXT}, {"suggestions": [NAP]}),
}
KINDS = {
    "generate": "workflow_generation",
    "repair": "workflow_repair",
    "suggest": "workflow_suggestion",
}
every = pytest.mark.parametrize("what", HELP)


def scripted(what):
    """A model that answers once."""
    fake = FakeOpenAI()
    fake.will(*told(HELP[what][1]))
    return fake


@every
async def test_it_answers_at_its_end(talker, what):
    fake = scripted(what)
    async with connected(talker, fake):
        over = await talker.call("POST", f"/v1/workflows/{what}", json=HELP[what][0])
    run = over.json()
    assert (over.status_code, run["kind"], run["status"]) == (200, KINDS[what], "completed")
    assert over.headers["location"] == f"/v1/runs/{run['id']}"
    kept = (await talker.call("GET", over.headers["location"])).json()
    assert (kept["kind"], kept["result"]) == (KINDS[what], run["result"])
    assert run["result"]["usage"]["calls"] == 1


@every
async def test_it_answers_at_once_where_nobody_waits(talker, what):
    fake = scripted(what)
    async with connected(talker, fake):
        begun = await talker.call(
            "POST", f"/v1/workflows/{what}", json={**HELP[what][0], "wait": False}
        )
        assert (begun.status_code, begun.json()["result"]) == (202, None)
        path = begun.headers["location"]
        streamed = await talker.stream("GET", f"{path}/events")
    assert streamed.types[-1] == "run.completed"
    assert (await talker.call("GET", path)).json()["result"] is not None


@every
async def test_it_streams_and_goes_on_where_the_stream_broke_off(talker, what):
    fake, path = scripted(what), f"/v1/workflows/{what}"
    body = {**HELP[what][0], "stream": True}
    async with connected(talker, fake):
        streamed = await talker.stream("POST", path, json=body)
        again = await talker.stream(
            "POST", path, json=body, headers={"Last-Event-ID": streamed.ids[1]}
        )
    assert (streamed.types[0], streamed.types[-1]) == ("run.created", "run.completed")
    assert "usage.updated" in streamed.types
    assert again.ids == streamed.ids[2:]
    assert len(posted(fake)) == 1


@every
async def test_a_repeated_request_is_one_run_and_one_question(talker, what):
    fake, path = scripted(what), f"/v1/workflows/{what}"
    headers = {"Idempotency-Key": str(uuid4())}
    async with connected(talker, fake):
        first = await talker.call("POST", path, json=HELP[what][0], headers=headers)
        second = await talker.call("POST", path, json=HELP[what][0], headers=headers)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert len(posted(fake)) == 1


@every
async def test_a_dry_run_says_whom_it_would_ask_and_asks_nobody(talker, what):
    fake, path = scripted(what), f"/v1/workflows/{what}?dry_run=true"
    async with connected(talker, fake):
        tried = await talker.call("POST", path, json=HELP[what][0])
    told_ = tried.json()
    assert (tried.status_code, told_["kind"], told_["model"]) == (200, "estimate", MODEL)
    assert told_["input_tokens"] > 500
    assert tried.headers["dry-run"] == "true"
    assert posted(fake) == []
    assert (await talker.call("GET", "/v1/runs")).json()["data"] == []


async def test_what_is_only_counted_asks_nobody(talker):
    counted = {"from": {"kind": "behaviour"}}
    tried = await talker.call("POST", "/v1/workflows/suggest?dry_run=true", json=counted)
    assert (tried.json()["model"], tried.json()["input_tokens"]) == (None, 0)
    over = (await talker.call("POST", "/v1/workflows/suggest", json=counted)).json()
    assert over["status"] == "completed"
    assert over["result"]["usage"] is None
    zone = {"from": {"kind": "behaviour", "time_zone": "Mars/Olympus"}}
    refused = await talker.call("POST", "/v1/workflows/suggest", json=zone)
    assert refused.json()["errors"][0]["pointer"] == "/body/from/time_zone"
    assert len((await talker.call("GET", "/v1/runs")).json()["data"]) == 1


async def test_nobody_follows_the_run_of_another(talker, client):
    fake = scripted("generate")
    async with connected(talker, fake):
        body = {**HELP["generate"][0], "stream": True}
        streamed = await talker.stream("POST", "/v1/workflows/generate", json=body)
    stranger = Talker(client, await new_person(client))
    refused = await stranger.call(
        "POST", "/v1/workflows/generate", json=body, headers={"Last-Event-ID": streamed.ids[0]}
    )
    assert (refused.status_code, refused.json()["code"]) == (404, "run_not_found")


async def test_an_answer_that_cannot_be_read_fails_a_suggestion(talker):
    fake = FakeOpenAI()
    fake.will(*told("no JSON"))
    async with connected(talker, fake):
        over = await talker.call("POST", "/v1/workflows/suggest", json={"from": NEXT})
    run = over.json()
    assert (run["status"], run["result"]) == ("failed", None)
    assert run["error"]["code"] == "workflow_suggestion_failed"
    assert run["input_tokens"] > 0
