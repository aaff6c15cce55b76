"""/v1/me."""

import pytest

from tests.support.identity import PASSWORD, bearer, new_key, new_person, sign_in

OTHER = "quite another set of words"


async def test_me_tells_who_where_and_what(client):
    person = await new_person(client)
    me = (await client.get("/v1/me", headers=person.headers)).json()
    assert me["user"]["id"] == person.user_id
    assert me["workspace"] | {"id": person.workspace_id, "role": "owner"} == me["workspace"]
    assert me["credential"]["type"] == "session"
    assert me["permissions"] == sorted(me["permissions"])


async def test_me_of_a_key_shows_the_keys_permissions(client):
    person = await new_person(client)
    key = await new_key(client, person, scopes=["profile:read", "models:read"])
    me = (await client.get("/v1/me", headers=bearer(key["key"]))).json()
    assert me["permissions"] == ["models:read", "profile:read"]
    assert me["credential"] == {"type": "api_key", "id": key["id"]}


async def test_the_name_can_change(client):
    person = await new_person(client)
    answer = await client.patch("/v1/me", json={"name": " Ada "}, headers=person.headers)
    assert (answer.status_code, answer.json()["name"]) == (200, "Ada")
    assert (await client.get("/v1/me", headers=person.headers)).json()["user"]["name"] == "Ada"


async def test_locale_and_time_zone_are_set_and_forgotten(client):
    person = await new_person(client)
    set_ = {"locale": "zh-hant-tw", "time_zone": "Europe/London"}
    answer = await client.patch("/v1/me", json=set_, headers=person.headers)
    assert (answer.json()["locale"], answer.json()["time_zone"]) == ("zh-Hant-TW", "Europe/London")
    answer = await client.patch("/v1/me", json={"locale": None}, headers=person.headers)
    assert (answer.json()["locale"], answer.json()["time_zone"]) == (None, "Europe/London")
    assert answer.headers["etag"] == f'"v{answer.json()["version"]}"'


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"locale": "english"}, "/body/locale"),
        ({"locale": "e" * 36}, "/body/locale"),
        ({"time_zone": "Mars/Olympus"}, "/body/time_zone"),
        ({"time_zone": "../../etc/passwd"}, "/body/time_zone"),
        ({"name": ""}, "/body/name"),
        ({"name": None}, "/body/name"),
        ({"name": 1}, "/body/name"),
        ({"name": "x" * 201}, "/body/name"),
        ({"name": "A", "email": "b@example.com"}, "/body/email"),
    ],
)
async def test_a_bad_change_is_named(client, body, pointer):
    person = await new_person(client)
    answer = await client.patch("/v1/me", json=body, headers=person.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


async def change(client, headers, current=PASSWORD, new=OTHER):
    return await client.post(
        "/v1/me/password",
        json={"current_password": current, "new_password": new},
        headers=headers,
    )


async def test_a_new_password_ends_the_other_sessions(client):
    person = await new_person(client)
    other = await sign_in(client, person.email)
    assert (await change(client, person.headers)).status_code == 204
    assert (await client.get("/v1/me", headers=person.headers)).status_code == 200
    ended = await client.get("/v1/me", headers=bearer(other["access_token"]))
    assert (ended.status_code, ended.json()["code"]) == (401, "token_invalid")
    refused = await client.post(
        "/v1/auth/login", json={"email": person.email, "password": PASSWORD}
    )
    assert refused.status_code == 401
    await sign_in(client, person.email, OTHER)


async def test_a_wrong_current_password_changes_nothing(client):
    person = await new_person(client)
    answer = await change(client, person.headers, current="not the password")
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_current_password")
    await sign_in(client, person.email)


async def test_the_address_is_no_new_password(client):
    person = await new_person(client)
    answer = await change(client, person.headers, new=person.email.upper())
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/new_password"


@pytest.mark.parametrize("new", ["short", "x" * 201, 5, None])
async def test_a_bad_new_password_is_named(client, new):
    person = await new_person(client)
    answer = await change(client, person.headers, new=new)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/new_password"


async def test_a_key_changes_no_password(client):
    person = await new_person(client)
    key = await new_key(client, person, scopes=["profile:write"])
    answer = await change(client, bearer(key["key"]))
    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")
