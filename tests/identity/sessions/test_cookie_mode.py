"""Signing in with cookies alone: no token ever reaches a page's scripts."""

import pytest

from app.core.http.csrf import ACCESS_COOKIE
from app.identity.sessions.cookies import COOKIE
from tests.support.factors import begin_sign_in, new_app, prove
from tests.support.identity import PASSWORD, new_key, new_person

FROM_APP = {"Origin": "https://app.example", "X-Requested-With": "luminous"}


def cookies_of(answer):
    found = {}
    for header in answer.headers.get_list("set-cookie"):
        name, _, rest = header.partition("=")
        value, _, attributes = rest.partition("; ")
        found[name] = (value, {a.strip() for a in attributes.split(";")})
    return found


def as_header(cookies):
    return {"Cookie": "; ".join(f"{name}={value}" for name, (value, _) in cookies.items())}


async def sign_in_by_cookie(client, person):
    return await client.post(
        "/v1/auth/login",
        json={"email": person.email, "password": PASSWORD, "access_token_in": "cookie"},
    )


async def test_no_token_is_in_the_body(client):
    person = await new_person(client)
    answer = await sign_in_by_cookie(client, person)
    body = answer.json()
    assert (body["access_token"], body["refresh_token"]) == (None, None)
    cookies = cookies_of(answer)
    assert set(cookies) == {COOKIE, ACCESS_COOKIE}
    for name, seconds in ((COOKIE, 30 * 86_400), (ACCESS_COOKIE, 600)):
        value, attributes = cookies[name]
        assert value
        assert value not in answer.text
        assert attributes == {
            "HttpOnly", "Secure", "Path=/", "SameSite=strict", f"Max-Age={seconds}"
        }  # fmt: skip


async def test_reads_need_the_cookie_alone_and_writes_the_page_too(client):
    person = await new_person(client)
    cookie = as_header(cookies_of(await sign_in_by_cookie(client, person)))
    me = await client.get("/v1/me", headers=cookie)
    assert me.json()["user"]["id"] == person.user_id
    change = {"json": {"name": "Ada"}}
    written = await client.patch("/v1/me", headers=cookie | FROM_APP, **change)
    assert written.status_code == 200
    for headers in (
        {},
        {"Origin": "https://app.example"},
        {"X-Requested-With": "luminous"},
        {"Origin": "https://evil.example", "X-Requested-With": "luminous"},
        {"Origin": "null", "X-Requested-With": "luminous"},
    ):
        refused = await client.patch("/v1/me", headers=cookie | headers, **change)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf_refused")


async def test_a_header_goes_before_the_cookie(client):
    person, other = await new_person(client), await new_person(client)
    cookie = as_header(cookies_of(await sign_in_by_cookie(client, person)))
    me = await client.get("/v1/me", headers=cookie | other.headers)
    assert me.json()["user"]["id"] == other.user_id


async def test_a_refresh_keeps_to_cookies_whoever_asks(client):
    person = await new_person(client)
    cookies = cookies_of(await sign_in_by_cookie(client, person))
    by_cookie = await client.post("/v1/auth/refresh", headers=as_header(cookies) | FROM_APP)
    fresh = cookies_of(by_cookie)
    assert set(fresh) == {COOKIE, ACCESS_COOKIE}
    by_body = await client.post("/v1/auth/refresh", json={"refresh_token": fresh[COOKIE][0]})
    for answer in (by_cookie, by_body):
        assert answer.status_code == 200
        assert (answer.json()["access_token"], answer.json()["refresh_token"]) == (None, None)
    me = await client.get("/v1/me", headers=as_header(cookies_of(by_body)))
    assert me.status_code == 200


async def test_signing_out_makes_the_browser_forget_both(client):
    person = await new_person(client)
    cookie = as_header(cookies_of(await sign_in_by_cookie(client, person)))
    answer = await client.post("/v1/auth/logout", headers=cookie | FROM_APP)
    assert answer.status_code == 204
    gone = cookies_of(answer)
    assert set(gone) == {COOKIE, ACCESS_COOKIE}
    assert all(value == '""' and "Max-Age=0" in more for value, more in gone.values())
    me = await client.get("/v1/me", headers=cookie)
    assert (me.status_code, me.json()["code"]) == (401, "token_invalid")


async def test_the_second_factor_keeps_to_what_the_sign_in_asked(client, kernel):
    person = await new_person(client)
    app = await new_app(client, kernel, person)
    begun = await begin_sign_in(client, person, refresh_token_in="cookie", access_token_in="cookie")
    answer = await prove(client, begun["challenge"], type="totp", code=app.code())
    assert set(cookies_of(answer)) == {COOKIE, ACCESS_COOKIE}
    assert answer.json()["access_token"] is None


async def test_an_access_cookie_without_a_refresh_cookie_is_not_offered(client):
    answer = await client.post(
        "/v1/auth/login",
        json={
            "email": "a@example.com",
            "password": "x",
            "access_token_in": "cookie",
            "refresh_token_in": "body",
        },
    )
    assert answer.status_code == 422


async def test_an_app_on_another_site_gets_partitioned_cookies(client, kernel, monkeypatch):
    person = await new_person(client)
    settings = kernel.settings.model_copy(update={"cookie_same_site": "none"})
    monkeypatch.setattr(kernel, "settings", settings)
    answer = await sign_in_by_cookie(client, person)
    cookies = cookies_of(answer)
    for _, attributes in cookies.values():
        assert {"SameSite=none", "Partitioned", "Secure", "HttpOnly"} <= attributes
    gone = await client.post("/v1/auth/logout", headers=as_header(cookies) | FROM_APP)
    assert all("Partitioned" in more for _, more in cookies_of(gone).values())


@pytest.mark.parametrize("value", ["", "x", "a.b.c"])
async def test_a_cookie_that_is_no_token_opens_nothing(client, value):
    answer = await client.get("/v1/me", headers={"Cookie": f"{ACCESS_COOKIE}={value}"})
    assert answer.status_code == 401


async def test_by_default_no_access_cookie_is_set(client):
    person = await new_person(client)
    answer = await client.post("/v1/auth/login", json={"email": person.email, "password": PASSWORD})
    assert set(cookies_of(answer)) == {COOKIE}
    key = await new_key(client, person)
    assert (await client.get("/v1/me", headers={"X-Api-Key": key["key"]})).status_code == 401
