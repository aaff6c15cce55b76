"""The owner of an account is mailed whenever what opens it has changed."""

import asyncio

import pytest

from app.core.clock import now
from app.core.db import SYSTEM, Scope
from app.identity.enrolment import service
from app.identity.sessions import crud as sessions
from app.identity.sessions.errors import TokenInvalid
from tests.support.authenticator import Authenticator
from tests.support.factors import new_app, new_passkey
from tests.support.identity import new_person
from tests.support.mail import Inbox


async def test_each_factor_that_comes_or_goes_is_told_by_mail(client, kernel, settings):
    person = await new_person(client)
    inbox = Inbox(settings.data_dir, person.email)
    app = await new_app(client, kernel, person)
    await inbox.letter("Your account has an authenticator app more")
    made = await new_passkey(client, person, Authenticator())
    await inbox.letter("Your account has a passkey more")
    renewed = await client.post("/v1/me/recovery-codes", headers=person.headers)
    assert renewed.status_code == 201
    letter = await inbox.letter("Your account has fresh recovery codes")
    assert renewed.json()["recovery_codes"][0] not in letter.get_content()
    await client.delete(f"/v1/me/passkeys/{made['id']}", headers=person.headers)
    await client.delete("/v1/me/totp", headers=person.headers)
    removed = await inbox.letter("A second factor of your account was removed", of=2)
    assert "authenticator app" in removed.get_content()
    assert all(app.secret not in each.get_content() for each in inbox.letters())


async def test_an_app_that_was_never_confirmed_goes_without_a_word(client, settings):
    person = await new_person(client)
    await client.post("/v1/me/totp", headers=person.headers)
    assert (await client.delete("/v1/me/totp", headers=person.headers)).status_code == 204
    other = await new_passkey(client, person, Authenticator())
    inbox = Inbox(settings.data_dir, person.email)
    await inbox.letter("Your account has a passkey more")
    assert other["recovery_codes"]
    assert not [each for each in inbox.letters() if "removed" in each["Subject"]]
    trail = (await client.get("/v1/audit-logs", headers=person.headers)).json()["data"]
    assert "second_factor.removed" not in {each["action"] for each in trail}


async def test_two_apps_begun_at_once_leave_one(client):
    person = await new_person(client)
    answers = await asyncio.gather(
        *(client.post("/v1/me/totp", headers=person.headers) for _ in range(4))
    )
    assert {answer.status_code for answer in answers} == {201}


async def test_a_session_that_ended_after_the_guard_adds_and_removes_nothing(client, kernel):
    person = await new_person(client)
    access = await kernel.resolver.resolve(person.access_token, None)
    async with kernel.database.unit(SYSTEM) as session:
        await sessions.revoke_of_user(session, access.user_id, now(), "password_reset")
    for act in (
        lambda s: service.add_totp(s, kernel.vault, access),
        lambda s: service.confirm_totp(s, kernel.vault, access, "000000"),
        lambda s: service.remove_totp(s, access),
        lambda s: service.renew_codes(s, access),
        lambda s: service.remove_passkey(s, access, access.user_id),
    ):
        with pytest.raises(TokenInvalid):
            async with kernel.database.unit(Scope(access.workspace_id, access.user_id)) as session:
                await act(session)
