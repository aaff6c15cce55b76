"""Rotation of API keys, and ending many at once."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.access import IdentityResolver
from app.identity.api_keys.errors import ApiKeyExpired, ApiKeyInvalid
from app.identity.api_keys.models import ApiKey
from tests.support.identity import bearer, new_key, new_person, until
from tests.support.teams import code


@pytest_asyncio.fixture(loop_scope="session")
async def person(client):
    return await new_person(client)


async def rotate(client, headers, key, seconds):
    body = {"overlap_seconds": seconds}
    return await client.post(f"/v1/api-keys/{key['id']}/rotate", json=body, headers=headers)


async def works(client, key):
    return (await client.get("/v1/me", headers=bearer(key))).status_code == 200


async def test_after_a_rotation_both_secrets_work_until_the_overlap_ends(client, person, kernel):
    key = await new_key(client, person, scopes=["profile:read"])
    assert await works(client, key["key"])
    answer = await rotate(client, person.headers, key, 3600)
    new = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert (new["id"], new["scopes"]) == (key["id"], key["scopes"])
    assert new["last_four"] == new["key"][-4:] != key["last_four"]
    assert await works(client, new["key"])
    assert await works(client, key["key"])
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.get(ApiKey, UUID(key["id"]))
        row.previous_valid_until = now() - timedelta(seconds=1)
    kernel.resolver.forget(UUID(key["id"]))
    assert await works(client, new["key"])
    late = await client.get("/v1/me", headers=bearer(key["key"]))
    assert code(late) == (401, "api_key_expired")


async def test_the_old_secret_dies_on_time_also_while_it_is_remembered(client, person):
    key = await new_key(client, person, scopes=["profile:read"])
    new = (await rotate(client, person.headers, key, 3)).json()["key"]
    assert await works(client, key["key"])
    await asyncio.sleep(3.1)
    assert not await works(client, key["key"])
    assert await works(client, new)


async def test_without_an_overlap_the_old_secret_dies_in_every_process(client, person, kernel):
    key = await new_key(client, person, scopes=["profile:read"])
    async with IdentityResolver(kernel) as elsewhere:

        async def listens():
            return elsewhere._known.generation

        await until(listens)
        await elsewhere.resolve(key["key"], None)
        new = (await rotate(client, person.headers, key, 0)).json()
        assert new["previous_valid_until"] is None
        assert code(await client.get("/v1/me", headers=bearer(key["key"]))) == (
            401,
            "api_key_invalid",
        )

        async def refused():
            try:
                await elsewhere.resolve(key["key"], None)
            except (ApiKeyInvalid, ApiKeyExpired):
                return True

        await until(refused, seconds=2)


async def test_a_second_rotation_ends_the_secret_before_the_last(client, person):
    key = await new_key(client, person, scopes=["profile:read"])
    second = (await rotate(client, person.headers, key, 600)).json()["key"]
    third = (await rotate(client, person.headers, key, 600)).json()["key"]
    assert [await works(client, k) for k in (key["key"], second, third)] == [False, True, True]


async def test_two_rotations_at_once_leave_secrets_that_work(client, person):
    key = await new_key(client, person, scopes=["profile:read"])
    answers = await asyncio.gather(*(rotate(client, person.headers, key, 600) for _ in range(2)))
    assert [await works(client, a.json()["key"]) for a in answers] == [True, True]
    assert not await works(client, key["key"])


async def test_a_revoked_key_ends_with_both_secrets_and_is_rotated_no_more(client, person):
    key = await new_key(client, person, scopes=["profile:read"])
    new = (await rotate(client, person.headers, key, 600)).json()
    await client.delete(f"/v1/api-keys/{key['id']}", headers=person.headers)
    for each in (key, new):
        answer = await client.get("/v1/me", headers=bearer(each["key"]))
        assert code(answer) == (401, "api_key_revoked")
    assert code(await rotate(client, person.headers, key, 60)) == (409, "api_key_ended")


async def test_a_weak_key_does_not_rotate_a_strong_one(client, person):
    strong = await new_key(client, person, scopes=["workspaces:write", "profile:read"])
    weak = await new_key(client, person, scopes=["api_keys:write"])
    refused = await rotate(client, bearer(weak["key"]), strong, 60)
    assert code(refused) == (403, "scope_not_held")
    assert await works(client, strong["key"])


async def test_a_repeated_rotation_with_one_idempotency_key_rotates_once(client, person):
    key = await new_key(client, person, scopes=["profile:read"])
    headers = {**person.headers, "Idempotency-Key": uuid4().hex}
    answers = [await rotate(client, headers, key, 600) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert await works(client, key["key"])


async def test_many_are_revoked_item_by_item(client, person):
    keys = [await new_key(client, person, scopes=["profile:read"]) for _ in range(2)]
    stranger = await new_key(client, await new_person(client), scopes=["profile:read"])
    assert await works(client, keys[0]["key"])
    ids = [keys[0]["id"], stranger["id"], str(uuid4()), keys[1]["id"]]
    body = {"items": [{"action": "revoke", "id": each} for each in ids]}
    answer = await client.post("/v1/api-keys/bulk", json=body, headers=person.headers)
    outcomes = answer.json()["data"]
    assert [o["ok"] for o in outcomes] == [True, False, False, True]
    assert outcomes[1]["error"] == outcomes[2]["error"]
    assert [await works(client, k["key"]) for k in (*keys, stranger)] == [False, False, True]


@pytest.mark.parametrize("seconds", [-1, 7 * 86_400 + 1, None, "soon"])
async def test_an_overlap_has_bounds(client, person, seconds):
    key = await new_key(client, person)
    answer = await rotate(client, person.headers, key, seconds)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/overlap_seconds"
