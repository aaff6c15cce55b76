"""Signing out, here and everywhere."""

from app.identity.sessions.cookies import COOKIE
from tests.support.identity import bearer, new_key, new_person, sign_in


async def is_signed_in(client, token):
    return (await client.get("/v1/me", headers=bearer(token))).status_code == 200


async def test_sign_out_ends_this_session_alone(client):
    person = await new_person(client)
    other = await sign_in(client, person.email)
    answer = await client.post("/v1/auth/logout", headers=person.headers)
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["set-cookie"].startswith(f'{COOKIE}=""')
    assert not await is_signed_in(client, person.access_token)
    assert await is_signed_in(client, other["access_token"])
    refreshed = await client.post("/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    assert refreshed.status_code == 401


async def test_sign_out_with_the_refresh_token_alone(client):
    person = await new_person(client)
    body = {"refresh_token": person.refresh_token}
    for _ in range(2):
        assert (await client.post("/v1/auth/logout", json=body)).status_code == 204
    assert not await is_signed_in(client, person.access_token)


async def test_sign_out_with_the_cookie(client):
    person = await new_person(client)
    answer = await client.post(
        "/v1/auth/logout",
        headers={
            "Cookie": f"{COOKIE}={person.refresh_token}",
            "Origin": "https://app.example",
            "X-Requested-With": "luminous",
        },
    )
    assert answer.status_code == 204
    assert not await is_signed_in(client, person.access_token)


async def test_sign_out_everywhere_keeps_the_keys(client):
    person = await new_person(client)
    other = await sign_in(client, person.email)
    key = await new_key(client, person)
    answer = await client.post("/v1/auth/logout-all", headers=person.headers)
    assert answer.status_code == 204
    assert not await is_signed_in(client, person.access_token)
    assert not await is_signed_in(client, other["access_token"])
    assert await is_signed_in(client, key["key"])


async def test_a_key_has_no_session_to_end(client):
    person = await new_person(client)
    key = await new_key(client, person, scopes=["profile:write"])
    for path in ("logout", "logout-all"):
        answer = await client.post(f"/v1/auth/{path}", headers=bearer(key["key"]))
        assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


async def test_nobody_signs_nobody_out(client):
    for path in ("logout", "logout-all"):
        assert (await client.post(f"/v1/auth/{path}")).status_code == 401
        bad = await client.post(f"/v1/auth/{path}", headers=bearer("nonsense"))
        assert (bad.status_code, bad.json()["code"]) == (401, "token_invalid")
    unknown = await client.post("/v1/auth/logout", json={"refresh_token": "made-up"})
    assert unknown.status_code == 401
