"""Authenticator apps: set up, confirm, remove, and the recovery codes that come with them."""

from datetime import timedelta

import pyotp
import pytest_asyncio
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.factors.models import RecoveryCode, TotpFactor
from app.identity.sessions.models import UserSession
from tests.support.factors import begin_sign_in, forget_codes, new_app, prove
from tests.support.identity import bearer, new_key, new_person


async def call(client, person, method, path, **body):
    return await client.request(method, f"/v1/me/{path}", json=body or None, headers=person.headers)


async def factors_of(client, person):
    return (await call(client, person, "GET", "second-factor")).json()


@pytest_asyncio.fixture(loop_scope="session")
async def person(client):
    return await new_person(client)


async def test_the_secret_is_shown_once_and_kept_sealed(client, kernel, person):
    answer = await call(client, person, "POST", "totp")
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    secret = answer.json()["secret"]
    assert len(secret) == 32
    uri = pyotp.parse_uri(answer.json()["otpauth_uri"])
    assert (uri.secret, uri.name, uri.issuer) == (secret, person.email, "Luminous")
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.scalar(select(TotpFactor).where(TotpFactor.user_id == person.user_id))
    assert secret.encode() not in row.sealed_secret
    assert kernel.vault.open(row.sealed_secret, context=f"totp_factors/{row.id}") == secret
    assert secret not in (await call(client, person, "GET", "second-factor")).text


async def test_an_app_counts_once_it_is_confirmed(client, kernel, person):
    secret = (await call(client, person, "POST", "totp")).json()["secret"]
    assert (await factors_of(client, person))["enabled"] is False
    assert (await begin_sign_in(client, person))["type"] == "tokens"
    wrong = await call(client, person, "POST", "totp/confirm", code="000000")
    assert (wrong.status_code, wrong.json()["code"]) == (403, "proof_refused")
    right = await call(client, person, "POST", "totp/confirm", code=pyotp.TOTP(secret).at(now()))
    assert right.status_code == 200
    assert len(set(right.json()["recovery_codes"])) == 10
    assert await factors_of(client, person) == {
        "enabled": True,
        "methods": ["totp", "recovery_code"],
        "totp": True,
        "passkeys": 0,
        "recovery_codes_left": 10,
    }
    assert (await begin_sign_in(client, person))["type"] == "second_factor"


async def test_another_unconfirmed_secret_replaces_the_first(client, person):
    first = (await call(client, person, "POST", "totp")).json()["secret"]
    second = (await call(client, person, "POST", "totp")).json()["secret"]
    old = await call(client, person, "POST", "totp/confirm", code=pyotp.TOTP(first).at(now()))
    assert old.status_code == 403
    new = await call(client, person, "POST", "totp/confirm", code=pyotp.TOTP(second).at(now()))
    assert new.status_code == 200


async def test_a_confirmed_app_is_not_replaced_by_the_way(client, kernel, person):
    await new_app(client, kernel, person)
    again = await call(client, person, "POST", "totp")
    assert (again.status_code, again.json()["code"]) == (409, "totp_on")
    twice = await call(client, person, "POST", "totp/confirm", code="000000")
    assert (twice.status_code, twice.json()["code"]) == (409, "totp_on")


async def test_removing_the_last_factor_takes_the_recovery_codes_along(client, kernel, person):
    await new_app(client, kernel, person)
    assert (await call(client, person, "DELETE", "totp")).status_code == 204
    assert (await factors_of(client, person))["recovery_codes_left"] == 0
    assert (await begin_sign_in(client, person))["type"] == "tokens"
    gone = await call(client, person, "DELETE", "totp")
    assert (gone.status_code, gone.json()["code"]) == (409, "totp_off")
    none = await call(client, person, "POST", "recovery-codes")
    assert (none.status_code, none.json()["code"]) == (409, "no_second_factor")


async def test_fresh_recovery_codes_replace_the_old_and_are_kept_as_hashes(client, kernel, person):
    app = await new_app(client, kernel, person)
    fresh = (await call(client, person, "POST", "recovery-codes")).json()["recovery_codes"]
    assert not set(fresh) & set(app.recovery_codes)
    async with kernel.database.unit(SYSTEM) as session:
        hashes = await session.scalars(
            select(RecoveryCode.code_hash).where(RecoveryCode.user_id == person.user_id)
        )
        kept = b"".join(hashes.all())
    assert len(kept) == 320
    assert not any(code.encode() in kept for code in fresh)
    begun = await begin_sign_in(client, person)
    code = app.recovery_codes[0]
    old = await prove(client, begun["challenge"], type="recovery_code", code=code)
    assert old.status_code == 403
    new = await prove(client, begun["challenge"], type="recovery_code", code=fresh[0])
    assert new.status_code == 200


async def test_what_changes_the_factors_needs_a_recent_proof(client, kernel, person):
    await new_app(client, kernel, person)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(UserSession)
            .where(UserSession.user_id == person.user_id)
            .values(authenticated_at=now() - timedelta(days=1))
        )
    for method, path in (
        ("POST", "totp"),
        ("DELETE", "totp"),
        ("POST", "recovery-codes"),
        ("POST", "passkeys/options"),
    ):
        answer = await call(client, person, method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")
        assert answer.json()["methods"] == ["totp", "recovery_code"]
        assert "`totp` or `recovery_code`" in answer.json()["detail"]


async def test_a_key_changes_no_factors(client, person):
    key = await new_key(client, person, scopes=["profile:write", "profile:read"])
    answer = await client.post("/v1/me/totp", headers=bearer(key["key"]))
    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


async def test_guesses_at_a_confirmation_are_slowed_down(client, kernel, person):
    await call(client, person, "POST", "totp")
    answers = [await call(client, person, "POST", "totp/confirm", code="000000") for _ in range(7)]
    assert [a.status_code for a in answers] == [403] * 5 + [429] * 2
    assert answers[-1].json()["code"] == "too_many_attempts"
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_codes_are_forgiven_their_spaces(client, kernel, person):
    app = await new_app(client, kernel, person)
    await forget_codes(kernel, person)
    begun = await begin_sign_in(client, person)
    code = f"{app.code()[:3]} {app.code()[3:]}"
    assert (await prove(client, begun["challenge"], type="totp", code=code)).status_code == 200
