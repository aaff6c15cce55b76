"""A key that makes, changes or rotates keys cannot make freer ones than itself."""

from datetime import timedelta

import httpx2
import pytest
import pytest_asyncio

from app.core.clock import now
from tests.support.identity import bearer, new_key, new_person
from tests.support.teams import code

SCOPES = ["api_keys:write", "service_accounts:write", "profile:read"]
HERE = ["127.0.0.0/8"]
LIMITS = [{"requests": 900, "seconds": 60}]
FREER = (403, "key_freer_than_own")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def person(address):
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        return await new_person(http)


@pytest_asyncio.fixture(loop_scope="session")
async def held(client, person):
    """A key that is held to an end, to networks and to limits."""
    return await new_key(
        client,
        person,
        scopes=SCOPES,
        expires_at=(now() + timedelta(days=1)).isoformat(),
        allowed_addresses=HERE,
        limits=LIMITS,
    )


async def ask(client, key, method, path, **body):
    return await client.request(method, path, json=body, headers=bearer(key["key"]))


async def test_what_is_left_out_is_inherited(client, held):
    made = await ask(client, held, "POST", "/v1/api-keys", name="Child", scopes=["profile:read"])
    assert made.status_code == 201, made.text
    for name in ("expires_at", "allowed_addresses", "limits"):
        assert made.json()[name] == held[name]


async def test_a_key_of_a_service_account_inherits_too(client, held, person):
    account = await client.post(
        "/v1/service-accounts", json={"name": "Bot", "role": "viewer"}, headers=person.headers
    )
    path = f"/v1/service-accounts/{account.json()['id']}/api-keys"
    made = await ask(client, held, "POST", path, name="Child", scopes=["profile:read"])
    assert made.status_code == 201, made.text
    assert made.json()["allowed_addresses"] == HERE
    assert made.json()["expires_at"] == held["expires_at"]


@pytest.mark.parametrize(
    "freer",
    [
        {"expires_at": "2099-01-01T00:00:00Z"},
        {"allowed_addresses": ["127.0.0.1", "203.0.113.7"]},
        {"allowed_addresses": ["0.0.0.0/0"]},
        {"allowed_addresses": ["::/0"]},
        {"limits": [{"requests": 901, "seconds": 60}]},
    ],
    ids=str,
)
async def test_what_goes_beyond_the_maker_is_refused(client, held, freer):
    body = {"name": "Child", "scopes": ["profile:read"], **freer}
    refused = await ask(client, held, "POST", "/v1/api-keys", **body)
    assert code(refused) == FREER
    assert refused.json()["errors"][0]["pointer"] == f"/body/{next(iter(freer))}"


async def test_what_is_stricter_is_taken(client, held):
    limits = [{"requests": 10, "seconds": 60}, {"requests": 100, "seconds": 3600}]
    body = {"name": "Child", "scopes": ["profile:read"], "limits": limits}
    made = await ask(
        client, held, "POST", "/v1/api-keys", **body, allowed_addresses=["127.0.0.1/32"]
    )
    assert made.status_code == 201, made.text
    assert (made.json()["limits"], made.json()["allowed_addresses"]) == (limits, ["127.0.0.1/32"])


@pytest.mark.parametrize("change", [{"allowed_addresses": None}, {"limits": []}], ids=str)
async def test_a_key_does_not_loosen_itself(client, held, change):
    refused = await ask(client, held, "PATCH", f"/v1/api-keys/{held['id']}", **change)
    assert code(refused) == FREER
    renamed = await ask(client, held, "PATCH", f"/v1/api-keys/{held['id']}", name="Renamed")
    assert renamed.json()["allowed_addresses"] == HERE


async def test_a_key_does_not_take_over_a_freer_one_by_rotating_it(client, held, person):
    free = await new_key(client, person, scopes=["profile:read"])
    refused = await ask(
        client, held, "POST", f"/v1/api-keys/{free['id']}/rotate", overlap_seconds=0
    )
    assert code(refused) == FREER
    own = await ask(client, held, "POST", f"/v1/api-keys/{held['id']}/rotate", overlap_seconds=0)
    assert own.status_code == 200, own.text


async def test_a_person_is_held_to_nothing(client, held, person):
    freed = await client.patch(
        f"/v1/api-keys/{held['id']}", json={"allowed_addresses": None}, headers=person.headers
    )
    assert freed.json()["allowed_addresses"] == []
