"""Signing in with a passkey alone."""

import base64

import pytest
import pytest_asyncio
from sqlalchemy import select

from app.core.db import SYSTEM
from app.identity.factors.models import Passkey
from tests.support.authenticator import Authenticator, b64
from tests.support.factors import new_passkey
from tests.support.identity import bearer, new_person


async def begin(client):
    answer = await client.post("/v1/auth/passkey/options")
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def finish(client, challenge, credential, **wishes):
    body = {"challenge": challenge, "credential": credential, "refresh_token_in": "body", **wishes}
    return await client.post("/v1/auth/passkey", json=body)


def refusal(answer):
    return answer.status_code, answer.json()["code"]


@pytest_asyncio.fixture(loop_scope="session")
async def person(client):
    return await new_person(client)


@pytest_asyncio.fixture(loop_scope="session")
async def phone(client, person):
    authenticator = Authenticator()
    await new_passkey(client, person, authenticator)
    return authenticator


async def test_nobody_is_named_and_the_user_must_be_verified(client):
    asked = await begin(client)
    assert asked["expires_in"] == 300
    assert asked["options"]["allowCredentials"] == []
    assert asked["options"]["userVerification"] == "required"
    assert asked["options"]["rpId"] == "localhost"


async def test_a_passkey_signs_its_owner_in_with_both_factors(client, kernel, person, phone):
    asked = await begin(client)
    answer = await finish(client, asked["challenge"], phone.sign(asked["options"]))
    assert answer.status_code == 200
    token = answer.json()["access_token"]
    me = await client.get("/v1/me", headers=bearer(token))
    assert me.json()["user"]["id"] == person.user_id
    access = await kernel.resolver.resolve(token, None)
    assert access.second_factor
    assert access.authenticated_at is not None
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(select(Passkey).where(Passkey.user_id == person.user_id))
    assert (row.sign_count, row.version) == (phone.count, 1)
    assert row.last_used_at is not None


async def test_a_challenge_is_answered_once(client, phone):
    asked = await begin(client)
    signed = phone.sign(asked["options"])
    assert (await finish(client, asked["challenge"], signed)).status_code == 200
    again = await finish(client, asked["challenge"], phone.sign(asked["options"]))
    assert refusal(again) == (400, "challenge_invalid")


async def test_a_signature_for_one_challenge_does_not_answer_another(client, phone):
    first, second = await begin(client), await begin(client)
    crossed = await finish(client, second["challenge"], phone.sign(first["options"]))
    assert refusal(crossed) == (403, "proof_refused")
    used_up = await finish(client, second["challenge"], phone.sign(second["options"]))
    assert refusal(used_up) == (400, "challenge_invalid")


async def test_the_challenge_of_another_ceremony_does_not_do(client, person, phone):
    made = await client.post("/v1/me/passkeys/options", headers=person.headers)
    asked = made.json()
    crossed = await finish(client, asked["challenge"], phone.sign(asked["options"]))
    assert refusal(crossed) == (400, "challenge_invalid")


@pytest.mark.parametrize(
    "wrong",
    [
        {"verifies": False},
        {"origin": "https://evil.example"},
        {"rp_id": "evil.example"},
        {"user_handle": b"x" * 16},
        {"user_handle": b""},
        {"credential_id": b"x" * 32},
        {"key": Authenticator().key},
        {"count": 0, "counts": False},
    ],
)
async def test_whatever_is_wrong_is_refused_alike(client, phone, wrong):
    for name, value in wrong.items():
        setattr(phone, name, value)
    asked = await begin(client)
    answer = await finish(client, asked["challenge"], phone.sign(asked["options"]))
    assert refusal(answer) == (403, "proof_refused")
    assert answer.json()["detail"] == "Check it and try again."


async def test_a_count_that_does_not_grow_is_refused(client, phone):
    asked = await begin(client)
    assert (await finish(client, asked["challenge"], phone.sign(asked["options"]))).is_success
    phone.count -= 1
    asked = await begin(client)
    answer = await finish(client, asked["challenge"], phone.sign(asked["options"]))
    assert refusal(answer) == (403, "proof_refused")


async def test_an_authenticator_that_never_counts_is_taken(client, person):
    synced = Authenticator(counts=False)
    await new_passkey(client, person, synced)
    for _ in range(2):
        asked = await begin(client)
        answer = await finish(client, asked["challenge"], synced.sign(asked["options"]))
        assert answer.status_code == 200


async def test_a_changed_byte_anywhere_is_refused(client, phone):
    for part in ("signature", "authenticatorData", "clientDataJSON"):
        for place in (0, 20, -1):
            asked = await begin(client)
            signed = phone.sign(asked["options"])
            changed = bytearray(base64.urlsafe_b64decode(signed["response"][part] + "=="))
            changed[place] ^= 1
            signed["response"][part] = b64(bytes(changed))
            answer = await finish(client, asked["challenge"], signed)
            assert refusal(answer) == (403, "proof_refused"), (part, place)


async def test_a_removed_passkey_opens_nothing(client, person, phone):
    listed = (await client.get("/v1/me/passkeys", headers=person.headers)).json()["data"]
    for each in listed:
        await client.delete(f"/v1/me/passkeys/{each['id']}", headers=person.headers)
    asked = await begin(client)
    answer = await finish(client, asked["challenge"], phone.sign(asked["options"]))
    assert refusal(answer) == (403, "proof_refused")


async def test_a_passkey_too_can_need_a_confirmed_address(client, kernel, monkeypatch, phone):
    strict = kernel.settings.model_copy(update={"require_verified_email": True})
    monkeypatch.setattr(kernel, "settings", strict)
    asked = await begin(client)
    answer = await finish(client, asked["challenge"], phone.sign(asked["options"]))
    assert refusal(answer) == (403, "email_unverified")
