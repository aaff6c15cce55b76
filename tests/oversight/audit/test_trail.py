"""What a write leaves in the audit trail, as seen through the API."""

import pytest
import pytest_asyncio

from tests.support.identity import bearer, new_key, new_person


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def person(address):
    import httpx2

    async with httpx2.AsyncClient(base_url=address, timeout=20) as http:
        yield await new_person(http)


async def trail(client, person, **filters):
    answer = await client.get("/v1/audit-logs", params=filters, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def new_conversation(client, person, **body):
    answer = await client.post(
        "/v1/conversations", json={"title": "Plans", **body}, headers=person.headers
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_write_is_recorded_with_who_what_and_from_where(client, person):
    made = await client.post(
        "/v1/conversations",
        json={"title": "Holiday plans"},
        headers={**person.headers, "X-Request-Id": "my-own-id", "User-Agent": "a test"},
    )
    (row,) = await trail(client, person, resource_id=made.json()["id"])
    assert row["action"] == row["operation"] == "conversations_create"
    assert row["actor"]["id"] == person.user_id
    assert row["actor"]["credential"] == "session"
    assert row["resource"] == {"type": "conversation", "id": made.json()["id"]}
    assert row["request_id"] == "my-own-id"
    assert row["address"] == "127.0.0.1"
    assert row["user_agent"] == "a test"
    assert row["outcome"] == "success"
    assert [change["kind"] for change in row["changes"]] == ["created"]


async def test_a_change_is_recorded_with_before_and_after(client, person):
    made = await new_conversation(client, person, model="one")
    await client.patch(
        f"/v1/conversations/{made['id']}", json={"model": "two"}, headers=person.headers
    )
    row = (await trail(client, person, resource_id=made["id"]))[0]
    assert row["action"] == "conversations_update"
    assert row["changes"][0]["before"] == {"model": "one"}
    assert row["changes"][0]["after"] == {"model": "two"}
