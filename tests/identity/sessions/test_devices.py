"""GET and DELETE /v1/sessions: where someone is signed in, and its end."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import func, select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.sessions import opening, sweeping
from app.identity.sessions.models import RefreshToken, UserSession
from tests.support.identity import PASSWORD, bearer, new_key, new_person, sign_in


async def listed(client, headers):
    answer = await client.get("/v1/sessions", headers=headers)
    assert answer.status_code == 200
    return answer.json()["data"]


async def test_a_person_sees_their_devices_and_which_one_this_is(client):
    person = await new_person(client)
    await client.post(
        "/v1/auth/login",
        json={"email": person.email, "password": PASSWORD},
        headers={"User-Agent": "A phone"},
    )
    phone, here = await listed(client, person.headers)
    assert (phone["user_agent"], phone["current"], here["current"]) == ("A phone", False, True)
    assert phone["address"] == "127.0.0.1"
    assert phone["second_factor"] is False
    assert phone["created_at"] <= phone["last_used_at"] < phone["expires_at"]


async def test_a_refresh_is_a_use(client, kernel):
    person = await new_person(client)
    earlier = now() - timedelta(days=1)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(UserSession)
            .where(UserSession.user_id == person.user_id)
            .values(last_used_at=earlier, address="203.0.113.7")
        )
    await client.post("/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    (here,) = await listed(client, person.headers)
    assert here["last_used_at"] > earlier.isoformat()
    assert here["address"] == "127.0.0.1"


async def test_a_device_is_signed_out_at_once_and_for_good(client):
    person = await new_person(client)
    other = await sign_in(client, person.email)
    (phone,) = [s for s in await listed(client, person.headers) if not s["current"]]
    path = f"/v1/sessions/{phone['id']}"
    assert (await client.delete(path, headers=person.headers)).status_code == 204
    me = await client.get("/v1/me", headers=bearer(other["access_token"]))
    assert (me.status_code, me.json()["code"]) == (401, "token_invalid")
    refreshed = await client.post(
        "/v1/auth/refresh", json={"refresh_token": other["refresh_token"]}
    )
    assert refreshed.status_code == 401
    assert len(await listed(client, person.headers)) == 1
    again = await client.delete(path, headers=person.headers)
    assert (again.status_code, again.json()["code"]) == (404, "session_not_found")


async def test_a_dry_run_ends_nothing(client):
    person = await new_person(client)
    (here,) = await listed(client, person.headers)
    path = f"/v1/sessions/{here['id']}?dry_run=true"
    assert (await client.delete(path, headers=person.headers)).status_code == 204
    assert len(await listed(client, person.headers)) == 1


async def test_all_others_are_signed_out_together(client):
    person = await new_person(client)
    others = [await sign_in(client, person.email) for _ in range(2)]
    answer = await client.post("/v1/sessions/revoke-others", headers=person.headers)
    assert answer.status_code == 204
    for other in others:
        me = await client.get("/v1/me", headers=bearer(other["access_token"]))
        assert me.status_code == 401
    (here,) = await listed(client, person.headers)
    assert here["current"]


async def test_another_persons_session_is_not_found(client):
    person, other = await new_person(client), await new_person(client)
    (theirs,) = await listed(client, other.headers)
    for session_id in (theirs["id"], str(uuid4())):
        answer = await client.delete(f"/v1/sessions/{session_id}", headers=person.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
    assert len(await listed(client, other.headers)) == 1


async def test_a_key_has_no_devices(client):
    person = await new_person(client)
    key = bearer((await new_key(client, person, scopes=["profile:read", "profile:write"]))["key"])
    for method, path in (("GET", ""), ("POST", "/revoke-others"), ("DELETE", f"/{uuid4()}")):
        answer = await client.request(method, f"/v1/sessions{path}", headers=key)
        assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


async def test_beyond_a_hundred_the_longest_unused_session_ends(client, kernel, monkeypatch):
    monkeypatch.setattr(opening, "MOST_LIVING", 3)
    person = await new_person(client)
    second = await sign_in(client, person.email)
    await sign_in(client, person.email)
    await client.post("/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    await sign_in(client, person.email)
    assert len(await listed(client, person.headers)) == 3
    gone = await client.get("/v1/me", headers=bearer(second["access_token"]))
    assert gone.status_code == 401


async def test_dead_sessions_and_their_tokens_are_deleted_after_a_month(
    client, kernel, monkeypatch
):
    monkeypatch.setattr(sweeping, "BATCH", 1)
    people = [await new_person(client) for _ in range(4)]
    long_ago, lately = now() - timedelta(days=31), now() - timedelta(days=29)
    changes = [
        {"revoked_at": long_ago},
        {"expires_at": long_ago},
        {"revoked_at": lately},
        {},
    ]
    async with kernel.database.unit(SYSTEM) as session:
        for person, change in zip(people, changes, strict=True):
            if change:
                await session.execute(
                    update(UserSession)
                    .where(UserSession.user_id == person.user_id)
                    .values(**change)
                )
    await sweeping.sessions_job(kernel).run()
    async with kernel.database.unit(SYSTEM) as session:
        for person, left in zip(people, (0, 0, 1, 1), strict=True):
            of_person = UserSession.user_id == person.user_id
            kept = await session.scalar(select(func.count(UserSession.id)).where(of_person))
            tokens = await session.scalar(
                select(func.count(RefreshToken.id)).join(UserSession).where(of_person)
            )
            assert (kept, tokens) == (left, left)
