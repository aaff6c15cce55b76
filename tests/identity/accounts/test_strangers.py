"""Whoever had an account before its address was proved does not come back into it."""

import pytest_asyncio

from app.core.db import SYSTEM
from app.identity.sso.models import UserIdentity
from tests.support.authenticator import Authenticator
from tests.support.factors import new_app, new_passkey
from tests.support.identity import bearer, new_key, new_person, sign_in
from tests.support.mail import Inbox
from tests.support.teams import Team

NEW = "quite another set of words"


@pytest_asyncio.fixture(loop_scope="session")
async def stranger(client):
    """Who has registered another's address, and is signed in."""
    return await new_person(client)


async def reset(client, settings, email):
    """The owner of the address asks for a new password and signs in with it."""
    await client.post("/v1/auth/forgot-password", json={"email": email})
    token = await Inbox(settings.data_dir, email).token("Set a new password")
    done = await client.post("/v1/auth/reset-password", json={"token": token, "new_password": NEW})
    assert done.status_code == 204
    return bearer((await sign_in(client, email, NEW))["access_token"])


async def test_a_strangers_passkey_app_and_codes_open_nothing(client, kernel, settings, stranger):
    phone = Authenticator()
    await new_passkey(client, stranger, phone)
    await new_app(client, kernel, stranger)
    owner = await reset(client, settings, stranger.email)
    asked = (await client.post("/v1/auth/passkey/options")).json()
    body = {"challenge": asked["challenge"], "credential": phone.sign(asked["options"])}
    refused = await client.post("/v1/auth/passkey", json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "proof_refused")
    overview = (await client.get("/v1/me/second-factor", headers=owner)).json()
    assert (overview["enabled"], overview["recovery_codes_left"]) == (False, 0)


async def test_a_strangers_accounts_elsewhere_are_unlinked(client, kernel, settings, stranger):
    async with kernel.database.unit(SYSTEM) as session:
        session.add(
            UserIdentity(
                user_id=stranger.user_id,
                connection_id=None,
                provider="google",
                realm="google",
                issuer="https://accounts.google.com",
                subject=stranger.user_id,
                email="stranger@example.com",
                last_used_at=None,
            )
        )
    owner = await reset(client, settings, stranger.email)
    assert (await client.get("/v1/me/identities", headers=owner)).json()["data"] == []


async def test_a_strangers_people_and_invitations_leave_the_personal_workspace(
    client, settings, stranger
):
    home = Team(client, stranger.workspace_id)
    friend, late = await new_person(client), await new_person(client)
    await home.take_in(stranger, friend)
    assert (await home.call(friend, "GET", "/v1/conversations")).status_code == 200
    friends_key = await client.post(
        "/v1/api-keys", json={"name": "Friend"}, headers=home.headers(friend)
    )
    open_link = await home.call(stranger, "POST", "/v1/invitations/links", {"role": "editor"})
    owner = await reset(client, settings, stranger.email)
    assert (await home.call(friend, "GET", "/v1/conversations")).status_code == 404
    by_key = await client.get("/v1/me", headers=bearer(friends_key.json()["key"]))
    assert by_key.status_code == 401
    accepted = await client.post(
        "/v1/invitations/accept", json={"token": open_link.json()["token"]}, headers=late.headers
    )
    assert accepted.status_code >= 400
    members = (await client.get("/v1/members", headers=owner)).json()["data"]
    assert [each["user_id"] for each in members] == [stranger.user_id]


async def test_of_a_confirmed_account_all_stays(client, kernel, settings, stranger):
    confirm = await Inbox(settings.data_dir, stranger.email).token("Confirm your e-mail")
    await client.post("/v1/auth/verify-email", json={"token": confirm})
    key = await new_key(client, stranger)
    app = await new_app(client, kernel, stranger)
    await client.post("/v1/auth/forgot-password", json={"email": stranger.email})
    token = await Inbox(settings.data_dir, stranger.email).token("Set a new password")
    await client.post("/v1/auth/reset-password", json={"token": token, "new_password": NEW})
    begun = await client.post("/v1/auth/login", json={"email": stranger.email, "password": NEW})
    assert begun.json()["type"] == "second_factor"
    assert app.recovery_codes
    assert (await client.get("/v1/me", headers=bearer(key["key"]))).status_code == 200
