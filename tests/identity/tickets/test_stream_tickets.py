"""POST /v1/stream-tickets: one event stream, once, within thirty seconds."""

import asyncio
import logging

import pytest_asyncio

from app.core import tickets
from tests.support.identity import bearer, new_key, new_person
from tests.support.openapi import QUICK


@pytest_asyncio.fixture(loop_scope="session")
async def person(client):
    return await new_person(client)


async def new_run(client, headers):
    answer = await client.post(
        "/v1/chat",
        json={"messages": [{"role": "user", "content": "Hello"}], "model": QUICK, "stream": False},
        headers=headers,
    )
    return f"/v1/runs/{answer.json()['run_id']}"


async def new_ticket(client, headers, **body):
    answer = await client.post("/v1/stream-tickets", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == 30
    return answer.json()["ticket"]


async def watch(client, path, ticket, headers=None):
    return await client.get(path, params={"ticket": ticket}, headers=headers or {})


def refusal(answer):
    return answer.status_code, answer.json()["code"]


async def test_a_ticket_opens_a_stream_once(client, person):
    run = await new_run(client, person.headers)
    ticket = await new_ticket(client, person.headers)
    answer = await watch(client, f"{run}/events", ticket)
    assert answer.status_code == 200
    assert "event: run.completed" in answer.text
    assert refusal(await watch(client, f"{run}/events", ticket)) == (401, "ticket_invalid")


async def test_many_readers_with_one_ticket_are_one_reader(client, person):
    run = await new_run(client, person.headers)
    ticket = await new_ticket(client, person.headers)
    answers = await asyncio.gather(*(watch(client, f"{run}/events", ticket) for _ in range(10)))
    assert sorted(a.status_code for a in answers) == [200] + [401] * 9


async def test_a_ticket_may_be_for_one_stream_alone(client, person):
    first, second = [await new_run(client, person.headers) for _ in range(2)]
    ticket = await new_ticket(client, person.headers, path=f"{first}/events")
    assert refusal(await watch(client, f"{second}/events", ticket)) == (401, "ticket_invalid")
    ticket = await new_ticket(client, person.headers, path=f"{first}/events")
    assert (await watch(client, f"{first}/events", ticket)).status_code == 200


async def test_a_ticket_opens_streams_and_nothing_else(client, person):
    run = await new_run(client, person.headers)
    ticket = await new_ticket(client, person.headers)
    for method, path in (
        ("GET", run),
        ("GET", "/v1/runs"),
        ("GET", "/v1/me"),
        ("POST", f"{run}/cancel"),
        ("POST", "/v1/stream-tickets"),
    ):
        answer = await client.request(
            method, path, params={"ticket": ticket}, json={} if method == "POST" else None
        )
        assert refusal(answer) == (401, "credential_missing"), path
    assert (await watch(client, f"{run}/events", ticket)).status_code == 200


async def test_it_opens_what_its_caller_may_see(client, person):
    stranger = await new_person(client)
    run = await new_run(client, person.headers)
    ticket = await new_ticket(client, stranger.headers)
    assert refusal(await watch(client, f"{run}/events", ticket)) == (404, "run_not_found")
    key = bearer((await new_key(client, person, scopes=["models:read"]))["key"])
    refused = await client.post("/v1/stream-tickets", json={}, headers=key)
    assert refusal(refused) == (403, "scope_missing")


async def test_it_keeps_the_workspace_of_its_caller(client, person):
    made = await client.post("/v1/workspaces", json={"name": "Team"}, headers=person.headers)
    team = person.headers | {"X-Workspace-Id": made.json()["id"]}
    own = await new_run(client, person.headers)
    ticket = await new_ticket(client, team)
    chosen = {"X-Workspace-Id": person.workspace_id}
    answer = await watch(client, f"{own}/events", ticket, chosen)
    assert refusal(answer) == (404, "run_not_found")


async def test_it_dies_with_the_credential_that_asked_for_it(client):
    person = await new_person(client)
    run = await new_run(client, person.headers)
    key = await new_key(client, person)
    by_key = await new_ticket(client, bearer(key["key"]))
    by_session = await new_ticket(client, person.headers)
    await client.delete(f"/v1/api-keys/{key['id']}", headers=person.headers)
    await client.post("/v1/auth/logout", headers=person.headers)
    assert refusal(await watch(client, f"{run}/events", by_key)) == (401, "api_key_revoked")
    assert refusal(await watch(client, f"{run}/events", by_session)) == (401, "token_invalid")


async def test_tickets_are_kept_as_hashes_sealed_and_for_thirty_seconds(client, kernel, person):
    ticket = await new_ticket(client, person.headers)
    key = tickets._key(ticket)
    kept = await kernel.valkey.get(key)
    assert 0 < await kernel.valkey.ttl(key) <= 30
    assert ticket not in key
    assert person.access_token.encode() not in kept
    await kernel.valkey.delete(key)
    run = await new_run(client, person.headers)
    assert refusal(await watch(client, f"{run}/events", ticket)) == (401, "ticket_invalid")


async def test_no_ticket_reaches_the_log(client, person, caplog):
    run = await new_run(client, person.headers)
    ticket = await new_ticket(client, person.headers)
    caplog.set_level(logging.DEBUG)
    await watch(client, f"{run}/events", ticket)
    assert ticket not in caplog.text


async def test_a_credential_in_the_header_leaves_the_ticket_alone(client, person):
    run = await new_run(client, person.headers)
    ticket = await new_ticket(client, person.headers)
    assert (await watch(client, f"{run}/events", ticket, person.headers)).status_code == 200
    assert (await watch(client, f"{run}/events", ticket)).status_code == 200


async def test_a_bad_path_is_named(client, person):
    for path in ("v1/runs", "/v1/runs?x=1", "/" + "x" * 500, "https://evil.example", 5):
        answer = await client.post(
            "/v1/stream-tickets", json={"path": path}, headers=person.headers
        )
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/body/path"
