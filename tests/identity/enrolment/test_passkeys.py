"""Passkeys: made, listed, renamed, removed, and what is refused on the way."""

import pytest
import pytest_asyncio

from app.identity.factors.relying_party import relying_party
from tests.support.authenticator import Authenticator, raw
from tests.support.factors import new_passkey
from tests.support.identity import bearer, new_person, sign_in

PASSKEYS = "/v1/me/passkeys"


@pytest_asyncio.fixture(loop_scope="session")
async def person(client):
    return await new_person(client)


async def begin(client, person):
    return (await client.post(f"{PASSKEYS}/options", headers=person.headers)).json()


async def create(client, headers, challenge, credential):
    body = {"name": "Phone", "challenge": challenge, "credential": credential}
    answer = await client.post(PASSKEYS, json=body, headers=headers)
    return answer.status_code, answer.json().get("code")


async def test_the_browser_is_asked_for_a_discoverable_credential_without_attestation(
    client, person
):
    options = (await begin(client, person))["options"]
    assert options["rp"] == {"name": "Luminous", "id": "localhost"}
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["user"]["name"] == person.email
    assert len(raw(options["user"]["id"])) == 16
    assert len(raw(options["challenge"])) >= 32


async def test_a_passkey_is_listed_renamed_and_removed(client, person):
    made = await new_passkey(client, person, Authenticator(), "Phone")
    path = f"{PASSKEYS}/{made['id']}"
    assert len(made.pop("recovery_codes")) == 10
    assert made["transports"] == ["hybrid", "internal"]
    assert (await client.get(PASSKEYS, headers=person.headers)).json()["data"] == [made]
    shown = await client.get(path, headers=person.headers)
    assert shown.json() == made
    stale = {"If-Match": '"v9"'}
    refused = await client.patch(path, json={"name": "X"}, headers=person.headers | stale)
    assert refused.status_code == 412
    current = {"If-Match": shown.headers["etag"]}
    renamed = await client.patch(path, json={"name": "Tablet"}, headers=person.headers | current)
    assert (renamed.json()["name"], renamed.json()["version"]) == ("Tablet", 2)
    assert (await client.delete(path, headers=person.headers)).status_code == 204
    assert (await client.get(path, headers=person.headers)).status_code == 404
    overview = await client.get("/v1/me/second-factor", headers=person.headers)
    assert overview.json()["enabled"] is False
    assert overview.json()["recovery_codes_left"] == 0


async def test_a_second_passkey_brings_no_more_codes_and_the_first_is_excluded(client, person):
    await new_passkey(client, person, phone := Authenticator())
    options = (await begin(client, person))["options"]
    assert [raw(c["id"]) for c in options["excludeCredentials"]] == [phone.credential_id]
    second = await new_passkey(client, person, Authenticator())
    assert second["recovery_codes"] is None


async def test_a_challenge_is_answered_once_and_in_its_own_session(client, person):
    other = bearer((await sign_in(client, person.email))["access_token"])
    asked = await begin(client, person)
    made = Authenticator().make(asked["options"])
    elsewhere = await create(client, other, asked["challenge"], made)
    assert elsewhere == (400, "challenge_invalid")
    used_up = await create(client, person.headers, asked["challenge"], made)
    assert used_up == (400, "challenge_invalid")
    unknown = await create(client, person.headers, "made-up", made)
    assert unknown == (400, "challenge_invalid")


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost.evil.example"},
        {"origin": "http://localhost:5173/"},
        {"rp_id": "evil.example"},
    ],
)
async def test_a_passkey_made_for_another_page_is_refused(client, person, wrong):
    asked = await begin(client, person)
    made = Authenticator(**wrong).make(asked["options"])
    refused = await create(client, person.headers, asked["challenge"], made)
    assert refused == (400, "passkey_refused")


@pytest.mark.parametrize("origin", ["https://app.example", "http://localhost:3000"])
async def test_a_listed_page_and_localhost_in_development_may_make_one(client, person, origin):
    asked = await begin(client, person)
    made = Authenticator(origin=origin).make(asked["options"])
    assert await create(client, person.headers, asked["challenge"], made) == (201, None)


async def test_a_passkey_belongs_to_one_account(client, person):
    phone, other = Authenticator(), await new_person(client)
    await new_passkey(client, other, phone)
    asked = await begin(client, person)
    refused = await create(client, person.headers, asked["challenge"], phone.make(asked["options"]))
    assert refused == (409, "passkey_known")


def broken_answers(made):
    response = made["response"]
    yield made | {"id": "AAAA"}
    yield made | {"id": "", "rawId": ""}
    yield made | {"type": "password"}
    for name in ("clientDataJSON", "attestationObject"):
        for value in ("", "%%%", "AAAA", None, 5, [], {}, response[name][:40], "oWNmbXRkbm9uZQ"):
            yield made | {"response": response | {name: value}}
    yield made | {"response": {}}
    yield made | {"response": response | {"transports": [{}, 5, "x" * 500]}, "rawId": None}


async def test_a_broken_answer_is_refused_and_never_breaks_anything(client, person):
    asked = await begin(client, person)
    count = len(list(broken_answers(Authenticator().make(asked["options"]))))
    for number in range(count):
        asked = await begin(client, person)
        answer = list(broken_answers(Authenticator().make(asked["options"])))[number]
        refused = await create(client, person.headers, asked["challenge"], answer)
        assert refused == (400, "passkey_refused"), answer


@pytest.mark.parametrize("credential", [None, [], "x", {"id": 5, "response": {}}, {"id": "x"}])
async def test_what_is_no_credential_is_named(client, person, credential):
    body = {"name": "Phone", "challenge": "x", "credential": credential}
    answer = await client.post(PASSKEYS, json=body, headers=person.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/body/credential")


async def test_another_persons_passkey_is_not_found(client, person):
    other = await new_person(client)
    made = await new_passkey(client, other, Authenticator())
    for method in ("GET", "PATCH", "DELETE"):
        answer = await client.request(
            method,
            f"{PASSKEYS}/{made['id']}",
            json={"name": "Mine"} if method == "PATCH" else None,
            headers=person.headers,
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "passkey_not_found")


@pytest.mark.parametrize(
    ("change", "domain"),
    [
        ({}, "localhost"),
        ({"public_url": "https://api.example.com/base"}, "api.example.com"),
        ({"public_url": "https://api.example.com", "app_url": "https://app.x.org"}, "app.x.org"),
        ({"app_url": "https://app.x.org", "passkey_domain": "x.org"}, "x.org"),
    ],
)
def test_the_domain_and_the_pages_come_from_the_settings(kernel, change, domain):
    party = relying_party(kernel.settings.model_copy(update=change))
    assert party.id == domain
    own = {"/".join(url.split("/")[:3]) for name, url in change.items() if name.endswith("url")}
    assert set(party.origins) == own | {"https://app.example"}
    at_home = party.origins_with("http://localhost:3000")
    assert ("http://localhost:3000" in at_home) == (domain == "localhost")
