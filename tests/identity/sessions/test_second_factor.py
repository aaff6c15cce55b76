"""Signing in with a second factor: the challenge, and every proof that it takes."""

import asyncio

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import select, update

from app.core.db import SYSTEM
from app.identity.factors.attempts import Attempts
from app.identity.sessions.models import UserSession
from app.identity.users.models import User
from tests.support.authenticator import Authenticator
from tests.support.factors import begin_sign_in, forget_codes, new_app, new_passkey, prove
from tests.support.identity import bearer, new_person


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def person(address):
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        return await new_person(http)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app_of(person, address, kernel):
    async with httpx2.AsyncClient(base_url=address, timeout=20, verify=False) as http:
        return await new_app(http, kernel, person)


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def afresh(kernel, person, app_of):
    await forget_codes(kernel, person)
    await Attempts(kernel.valkey).succeed(person.user_id)


def refusal(answer):
    return answer.status_code, answer.json()["code"]


async def test_the_right_password_is_answered_with_a_challenge(client, person):
    answer = await client.post(
        "/v1/auth/login", json={"email": person.email, "password": "a few plain words"}
    )
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    body = answer.json()
    assert len(body.pop("challenge")) == 43
    assert body == {
        "type": "second_factor",
        "expires_in": 300,
        "methods": ["totp", "recovery_code"],
        "passkey_options": None,
    }


async def test_a_wrong_password_says_nothing_of_the_second_factor(client, person):
    wrong = await client.post("/v1/auth/login", json={"email": person.email, "password": "x"})
    unknown = await client.post("/v1/auth/login", json={"email": "a@example.com", "password": "x"})
    assert refusal(wrong) == refusal(unknown) == (401, "credentials_refused")
    assert wrong.json()["detail"] == unknown.json()["detail"]


async def test_a_code_of_the_app_opens_a_session(client, kernel, person, app_of):
    begun = await begin_sign_in(client, person)
    answer = await prove(client, begun["challenge"], type="totp", code=app_of.code())
    assert answer.status_code == 200
    body = answer.json()
    assert body["type"] == "tokens"
    assert len(body["refresh_token"]) == 43
    me = await client.get("/v1/me", headers=bearer(body["access_token"]))
    assert me.json()["user"]["id"] == person.user_id
    access = await kernel.resolver.resolve(body["access_token"], None)
    assert access.second_factor
    again = await prove(client, begun["challenge"], type="totp", code=app_of.code(1))
    assert refusal(again) == (400, "challenge_invalid")


async def test_a_browser_gets_its_cookie_as_the_sign_in_asked(client, person, app_of):
    begun = await begin_sign_in(client, person, refresh_token_in="cookie")
    answer = await prove(client, begun["challenge"], type="totp", code=app_of.code())
    assert answer.json()["refresh_token"] is None
    assert answer.headers["set-cookie"].startswith("__Host-luminous_refresh=")


async def test_a_code_works_once(client, person, app_of):
    first, second = [await begin_sign_in(client, person) for _ in range(2)]
    code = app_of.code()
    assert (await prove(client, first["challenge"], type="totp", code=code)).status_code == 200
    replayed = await prove(client, second["challenge"], type="totp", code=code)
    assert refusal(replayed) == (403, "proof_refused")


async def test_one_code_sent_many_times_at_once_opens_one_session(client, kernel, person, app_of):
    begun = [(await begin_sign_in(client, person))["challenge"] for _ in range(4)]
    code = app_of.code()
    answers = await asyncio.gather(*(prove(client, c, type="totp", code=code) for c in begun))
    assert sorted(a.status_code for a in answers) == [200, 403, 403, 403]


@pytest.mark.parametrize(("steps", "status"), [(-1, 200), (1, 200), (-3, 403), (3, 403)])
async def test_a_clock_may_be_off_by_one_step(client, person, app_of, steps, status):
    begun = await begin_sign_in(client, person)
    answer = await prove(client, begun["challenge"], type="totp", code=app_of.code(steps))
    assert answer.status_code == status


async def test_an_older_code_than_the_last_one_is_refused(client, person, app_of):
    first, second = [await begin_sign_in(client, person) for _ in range(2)]
    later = await prove(client, first["challenge"], type="totp", code=app_of.code(1))
    assert later.status_code == 200
    earlier = await prove(client, second["challenge"], type="totp", code=app_of.code())
    assert refusal(earlier) == (403, "proof_refused")


async def test_a_wrong_code_leaves_the_challenge_for_another_try(client, person, app_of):
    begun = await begin_sign_in(client, person)
    wrong = await prove(client, begun["challenge"], type="totp", code="000000")
    assert refusal(wrong) == (403, "proof_refused")
    right = await prove(client, begun["challenge"], type="totp", code=app_of.code())
    assert right.status_code == 200


async def test_guesses_are_slowed_down_for_the_account_and_forgotten_after_success(
    client, kernel, person, app_of
):
    begun = await begin_sign_in(client, person)
    guesses = await asyncio.gather(
        *(prove(client, begun["challenge"], type="totp", code="000000") for _ in range(12))
    )
    assert sorted(a.status_code for a in guesses) == [403] * 5 + [429] * 7
    other = await begin_sign_in(client, person)
    right = await prove(client, other["challenge"], type="totp", code=app_of.code())
    assert refusal(right) == (429, "too_many_attempts")
    assert 1 <= int(right.headers["retry-after"]) <= 30
    await kernel.valkey.delete(f"proofs:{{{person.user_id}}}:pause")
    right = await prove(client, other["challenge"], type="totp", code=app_of.code())
    assert right.status_code == 200
    assert await kernel.valkey.exists(f"proofs:{{{person.user_id}}}:failed") == 0


async def test_the_wait_grows_up_to_a_quarter_of_an_hour(client, kernel, person):
    waits = []
    for _ in range(20):
        await Attempts(kernel.valkey).begin(person.user_id)
        waits.append(await kernel.valkey.ttl(f"proofs:{{{person.user_id}}}:pause"))
        await kernel.valkey.delete(f"proofs:{{{person.user_id}}}:pause")
    assert waits[:8] == [-2, -2, -2, -2, 30, 60, 120, 240]
    assert waits[-1] == 900


async def test_a_recovery_code_works_once_however_it_is_typed(client, person, app_of):
    first, second = [await begin_sign_in(client, person) for _ in range(2)]
    code = app_of.recovery_codes[0].replace("-", " ").upper().replace("0", "O").replace("1", "I")
    for begun, status in ((first, 200), (second, 403)):
        answer = await prove(client, begun["challenge"], type="recovery_code", code=code)
        assert answer.status_code == status


async def test_one_recovery_code_at_once_opens_one_session(client, person, app_of):
    begun = [(await begin_sign_in(client, person))["challenge"] for _ in range(4)]
    code = app_of.recovery_codes[1]
    answers = await asyncio.gather(
        *(prove(client, c, type="recovery_code", code=code) for c in begun)
    )
    assert sorted(a.status_code for a in answers) == [200, 403, 403, 403]


async def test_another_persons_code_is_no_proof(client, kernel, person, app_of):
    other = await new_person(client)
    others_app = await new_app(client, kernel, other)
    begun = await begin_sign_in(client, person)
    for proof in (
        {"type": "totp", "code": others_app.code()},
        {"type": "recovery_code", "code": others_app.recovery_codes[0]},
    ):
        answer = await prove(client, begun["challenge"], **proof)
        assert refusal(answer) == (403, "proof_refused")


async def test_a_passkey_is_a_second_factor_and_its_challenge_is_used_up(client, kernel):
    person, phone = await new_person(client), Authenticator(verifies=False)
    made = await new_passkey(client, person, phone)
    assert len(made["recovery_codes"]) == 10
    begun = await begin_sign_in(client, person)
    assert begun["methods"] == ["passkey", "recovery_code"]
    options = begun["passkey_options"]
    assert [c["id"] for c in options["allowCredentials"]] == [phone.sign(options)["id"]]
    challenge = begun["challenge"]
    answer = await prove(client, challenge, type="passkey", credential=phone.sign(options))
    assert answer.status_code == 200
    again = await prove(client, challenge, type="passkey", credential=phone.sign(options))
    assert refusal(again) == (400, "challenge_invalid")
    wrong = await begin_sign_in(client, person)
    forged = Authenticator(credential_id=phone.credential_id, count=100)
    answer = await prove(
        client, wrong["challenge"], type="passkey", credential=forged.sign(options)
    )
    assert refusal(answer) == (403, "proof_refused")
    code = made["recovery_codes"][0]
    used_up = await prove(client, wrong["challenge"], type="recovery_code", code=code)
    assert refusal(used_up) == (400, "challenge_invalid")


async def test_a_passkeys_signature_is_for_its_own_challenge_alone(client):
    person, phone = await new_person(client), Authenticator()
    await new_passkey(client, person, phone)
    first, second = [await begin_sign_in(client, person) for _ in range(2)]
    signed = phone.sign(first["passkey_options"])
    crossed = await prove(client, second["challenge"], type="passkey", credential=signed)
    assert refusal(crossed) == (403, "proof_refused")


async def test_a_deactivated_account_gets_no_further(client, kernel):
    person = await new_person(client)
    app = await new_app(client, kernel, person)
    begun = await begin_sign_in(client, person)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(User).where(User.id == person.user_id).values(status="deactivated")
        )
    answer = await prove(client, begun["challenge"], type="totp", code=app.code())
    assert refusal(answer) == (403, "proof_refused")


async def test_challenges_are_kept_as_hashes_and_expire(client, kernel, person):
    begun = await begin_sign_in(client, person)
    keys = [key async for key in kernel.valkey.scan_iter("challenge:*")]
    assert keys
    assert all(begun["challenge"].encode() not in key for key in keys)
    lifetimes = [await kernel.valkey.ttl(key) for key in keys]
    assert 0 < min(lifetimes) <= max(lifetimes) <= 300


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"challenge": "", "proof": {"type": "totp", "code": "123456"}}, "/body/challenge"),
        ({"challenge": "x", "proof": {"type": "password", "password": "x"}}, "/body/proof"),
        ({"challenge": "x", "proof": {"type": "totp", "code": "12345"}}, "/body/proof/code"),
        ({"challenge": "x", "proof": {"type": "totp", "code": "٣٣٣٣٣٣"}}, "/body/proof/code"),
        ({"challenge": "x", "proof": {"type": "passkey", "credential": {}}}, "/body/proof/cred"),
    ],
)
async def test_a_bad_field_is_named(client, body, pointer):
    answer = await client.post("/v1/auth/second-factor", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(pointer)


async def test_the_session_says_what_it_took(client, kernel, person, app_of):
    async with kernel.database.unit(SYSTEM) as session:
        rows = await session.scalars(
            select(UserSession.second_factor)
            .where(UserSession.user_id == person.user_id)
            .order_by(UserSession.id.desc())
        )
        assert rows.first() is True


async def test_a_new_password_ends_the_sign_ins_that_the_old_one_began(client, kernel):
    person = await new_person(client)
    app = await new_app(client, kernel, person)
    begun = await begin_sign_in(client, person)
    body = {"current_password": "a few plain words", "new_password": "quite other words"}
    changed = await client.post("/v1/me/password", json=body, headers=person.headers)
    assert changed.status_code == 204
    answer = await prove(client, begun["challenge"], type="totp", code=app.code())
    assert refusal(answer) == (400, "challenge_invalid")
