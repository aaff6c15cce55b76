"""POST /v1/auth/step-up, and the guard of dangerous operations."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.sessions.models import UserSession
from app.identity.users.models import User
from tests.support.authenticator import Authenticator
from tests.support.factors import forget_codes, new_app, new_passkey
from tests.support.identity import PASSWORD, bearer, new_key, new_person, sign_in


async def step_up(client, headers, challenge=None, **proof):
    body = {"proof": proof, "challenge": challenge}
    return await client.post("/v1/auth/step-up", json=body, headers=headers)


async def dangerous(client, headers):
    """The status and code of an operation that needs a recent proof, and may be done again."""
    answer = await client.post("/v1/me/passkeys/options", headers=headers)
    return answer.status_code, answer.json().get("code")


async def age(kernel, person, by=timedelta(minutes=11)):
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(UserSession)
            .where(UserSession.user_id == person.user_id)
            .values(authenticated_at=now() - by)
        )


OPEN, CLOSED = (200, None), (403, "step_up_required")


async def test_a_fresh_sign_in_is_recent_for_ten_minutes(client, kernel):
    person = await new_person(client)
    assert await dangerous(client, person.headers) == OPEN
    await age(kernel, person, timedelta(minutes=9, seconds=50))
    assert await dangerous(client, person.headers) == OPEN
    await age(kernel, person)
    assert await dangerous(client, person.headers) == CLOSED


async def test_the_password_steps_up_where_it_is_all_there_is(client, kernel):
    person = await new_person(client)
    await age(kernel, person)
    options = await client.post("/v1/auth/step-up/options", headers=person.headers)
    assert options.json() == {"methods": ["password"], "passkey": None}
    wrong = await step_up(client, person.headers, type="password", password="not this one")
    assert (wrong.status_code, wrong.json()["code"]) == (403, "proof_refused")
    assert await dangerous(client, person.headers) == CLOSED
    right = await step_up(client, person.headers, type="password", password=PASSWORD)
    assert right.status_code == 200
    assert right.json()["second_factor"] is False
    assert right.json()["recent_until"] > right.json()["authenticated_at"]
    assert await dangerous(client, person.headers) == OPEN


async def test_a_refresh_is_no_proof(client, kernel):
    person = await new_person(client)
    await age(kernel, person)
    refreshed = await client.post("/v1/auth/refresh", json={"refresh_token": person.refresh_token})
    assert refreshed.status_code == 200
    assert await dangerous(client, bearer(refreshed.json()["access_token"])) == CLOSED


async def test_a_step_up_is_for_its_own_session_alone(client, kernel):
    person = await new_person(client)
    other = bearer((await sign_in(client, person.email))["access_token"])
    await age(kernel, person)
    await step_up(client, other, type="password", password=PASSWORD)
    assert await dangerous(client, other) == OPEN
    assert await dangerous(client, person.headers) == CLOSED


async def test_a_second_factor_is_asked_for_where_there_is_one(client, kernel):
    person = await new_person(client)
    older = bearer((await sign_in(client, person.email))["access_token"])
    app = await new_app(client, kernel, person)
    # It signed in lately, but before there was a second factor.
    assert await dangerous(client, older) == CLOSED
    assert await dangerous(client, person.headers) == OPEN
    password = await step_up(client, older, type="password", password=PASSWORD)
    assert (password.status_code, password.json()["code"]) == (403, "proof_refused")
    assert "`totp` or `recovery_code`" in password.json()["detail"]
    code = await step_up(client, older, type="totp", code=app.code())
    assert code.status_code == 200
    assert code.json()["second_factor"] is True
    assert await dangerous(client, older) == OPEN
    await age(kernel, person)
    recovery = await step_up(client, older, type="recovery_code", code=app.recovery_codes[3])
    assert recovery.status_code == 200


async def test_a_passkey_steps_up_with_a_challenge_of_this_session(client, kernel):
    person, phone = await new_person(client), Authenticator()
    other = bearer((await sign_in(client, person.email))["access_token"])
    await new_passkey(client, person, phone)
    await age(kernel, person)
    begun = (await client.post("/v1/auth/step-up/options", headers=person.headers)).json()
    assert begun["methods"] == ["passkey", "recovery_code"]
    asked = begun["passkey"]
    signed = phone.sign(asked["options"])
    proof = {"type": "passkey", "credential": signed}
    missing = await step_up(client, person.headers, **proof)
    assert (missing.status_code, missing.json()["code"]) == (400, "challenge_invalid")
    right = await step_up(client, person.headers, asked["challenge"], **proof)
    assert right.status_code == 200
    assert await dangerous(client, person.headers) == OPEN
    again = await step_up(client, person.headers, asked["challenge"], **proof)
    assert (again.status_code, again.json()["code"]) == (400, "challenge_invalid")
    begun = (await client.post("/v1/auth/step-up/options", headers=person.headers)).json()
    signed = phone.sign(begun["passkey"]["options"])
    stolen = await step_up(
        client, other, begun["passkey"]["challenge"], type="passkey", credential=signed
    )
    assert (stolen.status_code, stolen.json()["code"]) == (400, "challenge_invalid")


async def test_guesses_are_slowed_down(client):
    person = await new_person(client)
    answers = [
        await step_up(client, person.headers, type="password", password="guess") for _ in range(6)
    ]
    assert [a.status_code for a in answers] == [403] * 5 + [429]


async def test_a_key_has_nothing_to_prove(client):
    person = await new_person(client)
    key = await new_key(client, person, scopes=["profile:read", "profile:write"])
    for path in ("step-up/options", "step-up"):
        answer = await client.post(
            f"/v1/auth/{path}",
            json={"proof": {"type": "password", "password": PASSWORD}},
            headers=bearer(key["key"]),
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


@pytest.mark.parametrize("proof", [{}, {"type": "face"}, {"type": "totp"}, None])
async def test_a_bad_proof_is_named(client, proof):
    person = await new_person(client)
    answer = await client.post("/v1/auth/step-up", json={"proof": proof}, headers=person.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/body/proof")


async def test_what_was_proved_before_stays_proved(client, kernel):
    person = await new_person(client)
    app = await new_app(client, kernel, person)
    await client.delete("/v1/me/totp", headers=person.headers)
    await step_up(client, person.headers, type="password", password=PASSWORD)
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(select(UserSession).where(UserSession.user_id == person.user_id))
    assert row.second_factor
    await forget_codes(kernel, person)
    gone = await step_up(client, person.headers, type="totp", code=app.code())
    assert gone.status_code == 403


async def test_who_has_no_password_is_not_proved_by_one(client, kernel):
    person = await new_person(client)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(User).where(User.id == person.user_id).values(password_hash=None)
        )
    refused = await step_up(client, person.headers, type="password", password=PASSWORD)
    assert (refused.status_code, refused.json()["code"]) == (403, "proof_refused")
    assert "another sign-in" in refused.json()["detail"]
