"""A POST with Last-Event-ID shows the rest of what its own address has begun, and nothing else."""

from uuid import uuid4

import pytest
import pytest_asyncio

from tests.automation.runs.test_running import SHOUT, Runner
from tests.support.identity import new_key

QUESTION = {"messages": [{"role": "user", "content": "Hello"}], "model": "demo/chat?tokens=2"}
HELP = {"description": "Say hello.", "model": "demo/chat"}


@pytest_asyncio.fixture(loop_scope="session")
async def runner(talker):
    return Runner(talker)


@pytest_asyncio.fixture(loop_scope="session")
async def chat(talker):
    """The id of an event of a chat: a run of the same person's, begun elsewhere."""
    return (await talker.stream_chat("Hello", model=QUESTION["model"])).ids[0]


async def follow(runner, path, body, event_id, **headers):
    """Refused, or the run that is followed."""
    answer = await runner.post(path, body, **{"Last-Event-ID": event_id}, **headers)
    return answer.headers.get("x-run-id") or (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("generate", HELP),
        ("repair", {"definition": {"dsl": "flow/1", "nodes": []}, "model": "demo/chat"}),
        ("suggest", {"from": {"kind": "behaviour"}}),
    ],
)
async def test_help_does_not_show_another_run(runner, chat, verb, body):
    path = f"/v1/workflows/{verb}"
    assert await follow(runner, path, body, chat) == (404, "run_not_found")


async def test_one_kind_of_help_does_not_show_the_other(runner):
    counted = {"from": {"kind": "behaviour"}}
    begun = (await runner.post("/v1/workflows/suggest", counted)).json()["id"]
    assert await follow(runner, "/v1/workflows/suggest", counted, f"{begun}:1") == begun
    refused = await follow(runner, "/v1/workflows/generate", HELP, f"{begun}:1")
    assert refused == (404, "run_not_found")


async def test_a_workflow_shows_only_its_own_runs(runner, chat):
    workflow, other = await runner.make(SHOUT), await runner.make(SHOUT)
    run = await runner.run(workflow)
    body, missing = {"inputs": {"word": "Hello"}}, (404, "run_not_found")
    for reference in (workflow["slug"], workflow["id"]):
        path = f"/v1/workflows/{reference}/runs"
        assert await follow(runner, path, body, f"{run['id']}:1") == run["id"]
        assert await follow(runner, path, body, chat) == missing
    path = f"/v1/workflows/{other['slug']}/runs"
    assert await follow(runner, path, body, f"{run['id']}:1") == missing


@pytest.mark.parametrize("verb", ["retry", "rerun"])
async def test_doing_a_run_again_shows_only_that(runner, chat, verb):
    workflow = await runner.make(SHOUT)
    run = await runner.run(workflow)
    again = await runner.act(run, verb, expect=200, wait=True)
    path, missing = f"/v1/workflow-runs/{run['id']}/{verb}", (404, "run_not_found")
    assert await follow(runner, path, {}, f"{again['id']}:1") == again["id"]
    for event_id in (chat, f"{run['id']}:1"):
        assert await follow(runner, path, {}, event_id) == missing
    path = f"/v1/workflows/{workflow['slug']}/runs"
    assert await follow(runner, path, {}, f"{again['id']}:1") == missing


async def test_a_key_that_reads_no_runs_shows_only_what_it_began(runner, client):
    workflow = await runner.make(SHOUT)
    path = f"/v1/workflows/{workflow['slug']}/runs"
    run = await runner.run(workflow)
    for scopes, expected in (
        (["workflows:read", "workflows:run"], (404, "run_not_found")),
        (["workflows:read", "workflows:run", "runs:read"], run["id"]),
    ):
        key = await new_key(client, runner.talker.person, scopes=scopes)
        bearer = {"Authorization": f"Bearer {key['key']}"}
        body = {"inputs": {"word": "Hello"}}
        assert await follow(runner, path, body, f"{run['id']}:1", **bearer) == expected
        own = (await runner.post(path, body, **bearer)).json()["id"]
        assert await follow(runner, path, body, f"{own}:1", **bearer) == own


async def test_an_idempotency_key_shows_the_run_that_it_has_begun(runner):
    workflow = await runner.make(SHOUT)
    path, body = f"/v1/workflows/{workflow['slug']}/runs", {"inputs": {"word": "Hello"}}
    kept = {"Idempotency-Key": str(uuid4())}
    run = (await runner.post(path, body, **kept)).json()["id"]
    other = await runner.run(workflow)
    assert await follow(runner, path, body, f"{run}:1", **kept) == run
    refused = await follow(runner, path, body, f"{other['id']}:1", **kept)
    assert refused == (404, "run_not_found")


async def test_chats_and_agents_show_only_their_own(runner, chat):
    run, missing = await runner.run(await runner.make(SHOUT)), (404, "run_not_found")
    assert await follow(runner, "/v1/chat", QUESTION, chat) == chat.split(":")[0]
    assert await follow(runner, "/v1/chat", QUESTION, f"{run['id']}:1") == missing
    ids = []
    for slug in ("one", "other"):
        definition = {"model": QUESTION["model"]}
        body = {"name": slug, "slug": f"{slug}-{uuid4().hex[:8]}", "definition": definition}
        answer = await runner.post("/v1/agents", body)
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    one, other = (f"/v1/agents/{each}/runs" for each in ids)
    asked = {"input": "Hello"}
    begun = (await runner.post(one, asked)).json()["id"]
    assert await follow(runner, one, asked, f"{begun}:1") == begun
    assert await follow(runner, other, asked, f"{begun}:1") == missing
    assert await follow(runner, one, asked, chat) == missing
