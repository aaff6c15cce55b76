"""The networks that a key serves, and its own limits."""

from ipaddress import ip_network

import pytest
import pytest_asyncio

from app.core.limits import Limit
from app.identity.api_keys.addresses import networks_of, normal, serves
from app.identity.api_keys.errors import ApiKeyAddressRefused
from tests.support.identity import bearer, new_key, new_person, until
from tests.support.teams import code


@pytest_asyncio.fixture(loop_scope="session")
async def person(client):
    return await new_person(client)


@pytest.mark.parametrize(
    ("allowed", "address", "expected"),
    [
        ([], "203.0.113.7", True),
        ([], "", True),
        (["203.0.113.0/24"], "203.0.113.7", True),
        (["203.0.113.0/24"], "203.0.114.7", False),
        (["203.0.113.7/32"], "203.0.113.7", True),
        (["203.0.113.0/24"], "::ffff:203.0.113.7", True),
        (["2001:db8::/32"], "2001:db8:1::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["203.0.113.0/24", "2001:db8::/32"], "2001:db8::1", True),
        (["203.0.113.0/24"], "", False),
        (["203.0.113.0/24"], "a socket", False),
        (["fe80::/10"], "fe80::1%eth0", True),
    ],
)
def test_an_address_is_in_a_network_or_not(allowed, address, expected):
    assert serves(networks_of(allowed), address) is expected


def test_an_address_alone_is_a_network_of_one():
    assert normal(" 203.0.113.7 ") == "203.0.113.7/32"
    assert networks_of(["2001:db8::1/128"]) == (ip_network("2001:db8::1"),)


async def test_a_key_is_refused_from_elsewhere_also_while_it_is_remembered(client, person):
    here = await new_key(client, person, allowed_addresses=["127.0.0.1", "::1/128"])
    assert here["allowed_addresses"] == ["127.0.0.1/32", "::1/128"]
    elsewhere = await new_key(client, person, allowed_addresses=["203.0.113.0/24"])
    for _ in range(2):
        assert (await client.get("/v1/me", headers=bearer(here["key"]))).status_code == 200
        answer = await client.get("/v1/me", headers=bearer(elsewhere["key"]))
        assert code(answer) == (403, "api_key_address_refused")


async def test_the_vendor_routes_look_at_the_address_too(client, person):
    elsewhere = await new_key(client, person, allowed_addresses=["203.0.113.0/24"])
    answer = await client.get("/openai/v1/models", headers=bearer(elsewhere["key"]))
    assert answer.status_code == 403
    body = {"model": "demo/chat", "messages": [{"role": "user", "content": "Hello"}]}
    answer = await client.post(
        "/openai/v1/chat/completions", json=body, headers=bearer(elsewhere["key"])
    )
    assert answer.status_code == 403


async def test_a_changed_list_holds_at_once(client, person, kernel):
    key = await new_key(client, person)
    headers = bearer(key["key"])
    assert (await client.get("/v1/me", headers=headers)).status_code == 200
    path = f"/v1/api-keys/{key['id']}"
    for allowed, status in ((["203.0.113.0/24"], 403), (None, 200)):
        changed = await client.patch(
            path, json={"allowed_addresses": allowed}, headers=person.headers
        )
        assert changed.json()["allowed_addresses"] == (allowed or [])
        assert changed.json()["name"] == key["name"]
        assert (await client.get("/v1/me", headers=headers)).status_code == status
    await client.patch(path, json={"allowed_addresses": ["::1"]}, headers=person.headers)
    with pytest.raises(ApiKeyAddressRefused):
        await kernel.resolver.resolve(key["key"], None, "203.0.113.7")


async def test_the_address_of_the_last_use_is_kept(client, person):
    key = await new_key(client, person)
    assert key["last_used_address"] is None
    await client.get("/v1/me", headers=bearer(key["key"]))

    async def noted():
        shown = await client.get(f"/v1/api-keys/{key['id']}", headers=person.headers)
        return shown.json()["last_used_address"] == "127.0.0.1"

    await until(noted)
    shown = await client.get(f"/v1/api-keys/{key['id']}", headers=person.headers)
    assert shown.json()["version"] == key["version"]


async def test_a_keys_own_limits_come_with_its_access(client, person, kernel):
    limits = [{"requests": 2, "seconds": 60}, {"requests": 1000, "seconds": 3600}]
    key = await new_key(client, person, limits=limits)
    assert key["limits"] == limits
    access = await kernel.resolver.resolve(key["key"], None)
    assert access.limits == (Limit("key-60s", 2, 60), Limit("key-3600s", 1000, 3600))
    path = f"/v1/api-keys/{key['id']}"
    changed = await client.patch(path, json={"limits": []}, headers=person.headers)
    assert changed.json()["limits"] == []
    assert (await kernel.resolver.resolve(key["key"], None)).limits == ()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"allowed_addresses": ["somewhere"]}, "/body/allowed_addresses/0"),
        ({"allowed_addresses": ["203.0.113.7/24"]}, "/body/allowed_addresses/0"),
        ({"allowed_addresses": ["10.0.0.0/8", "10.0.0.0/33"]}, "/body/allowed_addresses/1"),
        ({"allowed_addresses": ["1" * 50]}, "/body/allowed_addresses/0"),
        ({"allowed_addresses": ["10.0.0.1"] * 101}, "/body/allowed_addresses"),
        ({"limits": [{"requests": 0, "seconds": 1}]}, "/body/limits/0/requests"),
        ({"limits": [{"requests": 1, "seconds": 86_401}]}, "/body/limits/0/seconds"),
        ({"limits": [{"requests": 1_000_000, "seconds": 1}]}, "/body/limits/0"),
        ({"limits": [{"requests": n, "seconds": 60} for n in (1, 2)]}, "/body/limits"),
        ({"limits": [{"requests": 1, "seconds": n} for n in range(1, 7)]}, "/body/limits"),
    ],
)
async def test_a_bad_field_is_named(client, person, body, pointer):
    for method, path, more in (
        ("POST", "/v1/api-keys", {"name": "A"}),
        ("PATCH", f"/v1/api-keys/{person.user_id}", {}),
    ):
        answer = await client.request(method, path, json=body | more, headers=person.headers)
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
