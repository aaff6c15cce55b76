"""Runs over HTTP; the runs belong to another process than the one that answers."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.core.auth import Access, Permission
from app.core.clock import now
from app.core.http import event_stream
from app.runs.runs.models import Run
from tests.support.identity import bearer, new_key, new_person
from tests.support.runs import Process, Scripted, find, forever, launch, read_bytes, says, until


@pytest_asyncio.fixture(loop_scope="session")
async def person(client):
    return await new_person(client)


@pytest.fixture
def caller(person) -> Access:
    ids = UUID(person.workspace_id), UUID(person.user_id)
    return Access(*ids, frozenset(Permission), "session", uuid4())


@pytest_asyncio.fixture(loop_scope="session")
async def process(kernel):
    made = await Process(kernel, Scripted(says(5)), Other()).start()
    yield made
    await made.stop()


class Other(Scripted):
    kind = "endless"

    def __init__(self) -> None:
        super().__init__(forever)


async def test_events_are_streamed_from_the_beginning(client, person, caller, kernel, process):
    run = await launch(kernel, process.runs, caller)
    answer = await client.get(f"/v1/runs/{run.id}/events", headers=person.headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["x-run-id"] == str(run.id)
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.content == b"retry: 1000\n\n" + await read_bytes(process.runs, run)


async def test_a_stream_goes_on_where_it_broke_off(client, person, caller, kernel, process):
    run = await launch(kernel, process.runs, caller)
    whole = await read_bytes(process.runs, run)
    frames = whole.split(b"\n\n")[:-1]
    for seq in range(len(frames) + 1):
        rest = b"".join(frame + b"\n\n" for frame in frames[seq:])
        url = f"/v1/runs/{run.id}/events"
        by_query = await client.get(url, params={"after": seq}, headers=person.headers)
        last_seen = {"Last-Event-ID": f"{run.id}:{seq}"}
        by_header = await client.get(
            url, params={"after": 1}, headers={**person.headers, **last_seen}
        )
        assert by_query.content == by_header.content == b"retry: 1000\n\n" + rest


@pytest.mark.parametrize("last_seen", ["nonsense", "{other}:1", "{run}:99", "{run}:-1", "{run}"])
async def test_a_wrong_position_is_refused(client, person, caller, kernel, process, last_seen):
    run = await launch(kernel, process.runs, caller)
    await read_bytes(process.runs, run)
    value = last_seen.format(run=run.id, other=uuid4())
    answer = await client.get(
        f"/v1/runs/{run.id}/events", headers={**person.headers, "Last-Event-ID": value}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "event_id_invalid")


@pytest.mark.parametrize("after", ["-1", "x", str(2**31), "1.5"])
async def test_a_wrong_after_is_a_422(client, person, after):
    answer = await client.get(
        f"/v1/runs/{uuid4()}/events", params={"after": after}, headers=person.headers
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/after"


async def test_events_past_their_time_are_410_with_a_way_on(
    client, person, caller, kernel, process
):
    run = await launch(kernel, process.runs, caller)
    await read_bytes(process.runs, run)
    async with kernel.database.unit(caller.scope) as session:
        row = await session.get(Run, run.id)
        row.ended_at = now() - timedelta(hours=kernel.settings.event_retention_hours + 1)
    answer = await client.get(f"/v1/runs/{run.id}/events", headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (410, "events_expired")
    assert f"/v1/runs/{run.id}" in answer.json()["detail"]
    shown = await client.get(f"/v1/runs/{run.id}", headers=person.headers)
    assert shown.json()["result"] == {"text": ""}


async def test_a_run_is_shown_and_listed(client, person, caller, kernel, process):
    launched = [await launch(kernel, process.runs, caller) for _ in range(3)]
    for run in launched:
        await read_bytes(process.runs, run)
    shown = (await client.get(f"/v1/runs/{launched[0].id}", headers=person.headers)).json()
    assert (shown["status"], shown["kind"], shown["last_seq"]) == ("completed", "scripted", 8)
    assert (shown["error"], shown["cost_usd"]) == (None, "0.000012")
    seen, cursor = [], None
    while True:
        page = (
            await client.get(
                "/v1/runs",
                params={"limit": 2, "kind": "scripted", **({"cursor": cursor} if cursor else {})},
                headers=person.headers,
            )
        ).json()
        seen += [run["id"] for run in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert seen == [str(run.id) for run in reversed(launched)]


@pytest.mark.parametrize(
    ("name", "value", "count"),
    [
        ("status", "completed", 1),
        ("status", "failed", 0),
        ("kind", "other", 0),
        ("subject_id", "00000000-0000-7000-8000-000000000000", 0),
    ],
)
async def test_the_list_can_be_filtered(
    client, person, caller, kernel, process, name, value, count
):
    run = await launch(kernel, process.runs, caller)
    await read_bytes(process.runs, run)
    answer = await client.get("/v1/runs", params={name: value}, headers=person.headers)
    assert len(answer.json()["data"]) == count


@pytest.mark.parametrize("query", [{"status": "odd"}, {"subject_id": "x"}, {"colour": "red"}])
async def test_a_wrong_filter_is_a_422(client, person, query):
    answer = await client.get("/v1/runs", params=query, headers=person.headers)
    assert answer.status_code == 422


async def test_cancel_can_be_repeated(client, person, caller, kernel, process):
    run = await launch(kernel, process.runs, caller, "endless")
    url = f"/v1/runs/{run.id}/cancel"
    async with asyncio.timeout(20):
        first = await client.post(url, headers=person.headers)
        await read_bytes(process.runs, run)
    second = await client.post(url, headers=person.headers)
    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json()["status"] == "cancelled"
    assert second.json()["cancel_requested_at"] == first.json()["cancel_requested_at"]


async def test_a_disconnect_is_not_a_cancel(client, person, caller, kernel, process):
    run = await launch(kernel, process.runs, caller, "endless")
    url = f"/v1/runs/{run.id}/events"
    async with client.stream("GET", url, headers=person.headers) as answer:
        async for _ in answer.aiter_bytes():
            break
    await until(lambda: process.runs.executor._local[run.id].visible > 3)
    await asyncio.sleep(0.2)
    assert (await find(kernel, run)).status == "running"
    process.runs.executor.cancel(run.id)
    await read_bytes(process.runs, run)


async def test_someone_elses_run_does_not_exist(client, person, caller, kernel, process):
    run = await launch(kernel, process.runs, caller)
    stranger = await new_person(client)
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        answer = await client.request(method, f"/v1/runs/{run.id}{path}", headers=stranger.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "run_not_found")
    assert (await client.get("/v1/runs", headers=stranger.headers)).json()["data"] == []


async def test_a_key_needs_the_permission(client, person, caller, kernel, process):
    run = await launch(kernel, process.runs, caller)
    key = await new_key(client, person, scopes=["runs:read"])
    headers = {"Authorization": f"Bearer {key['key']}"}
    assert (await client.get(f"/v1/runs/{run.id}", headers=headers)).status_code == 200
    answer = await client.post(f"/v1/runs/{run.id}/cancel", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


async def test_the_document_types_the_stream(client):
    document = (await client.get("/openapi.json")).json()
    operation = document["paths"]["/v1/runs/{run_id}/events"]["get"]
    content = operation["responses"]["200"]["content"]
    assert list(content) == ["text/event-stream"]
    assert content["text/event-stream"]["schema"] == {"$ref": "#/components/schemas/RunEvent"}
    union = document["components"]["schemas"]["RunEvent"]
    mapping = union["discriminator"]["mapping"]
    assert union["discriminator"]["propertyName"] == "type"
    for kind, reference in mapping.items():
        member = document["components"]["schemas"][reference.rpartition("/")[2]]
        assert member["properties"]["type"]["const"] == kind
        assert {"type", "seq", "run_id", "at"} <= set(member["required"])


@pytest.mark.parametrize("credential", ["session", "api_key"])
@pytest.mark.parametrize("dialect", ["native", "ai-sdk"])
async def test_whose_credential_has_ended_watches_no_longer(
    client, person, caller, kernel, process, monkeypatch, credential, dialect
):
    monkeypatch.setattr(event_stream, "RECHECK_SECONDS", 0.05)
    run = await launch(kernel, process.runs, caller, "endless")
    key = await new_key(client, person, scopes=["runs:read"])
    headers = bearer(key["key"]) if credential == "api_key" else person.headers
    url = f"/v1/runs/{run.id}/events?dialect={dialect}"
    try:
        async with asyncio.timeout(20), client.stream("GET", url, headers=headers) as answer:
            blocks = answer.aiter_bytes()
            assert await anext(blocks)
            await asyncio.sleep(0.2)
            if credential == "api_key":
                gone = await client.delete(f"/v1/api-keys/{key['id']}", headers=person.headers)
                assert gone.status_code == 204, gone.text
            else:
                await client.post("/v1/auth/logout-all", headers=person.headers)
            async for _ in blocks:
                pass
        assert (await client.get(url, headers=headers)).status_code == 401
        assert (await find(kernel, run)).ended_at is None
    finally:
        process.runs.executor.cancel(run.id)
