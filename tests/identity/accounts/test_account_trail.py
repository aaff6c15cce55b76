"""What the audit trail tells of an account's life: in the person's own workspace."""

from tests.support.identity import PASSWORD, bearer, new_person, sign_in
from tests.support.mail import Inbox

NEW = "quite another set of words"


async def test_an_accounts_life_is_noted_without_its_secrets(client, settings):
    person = await new_person(client)
    inbox, moved = Inbox(settings.data_dir, person.email), f"new-{person.email}"
    token = await inbox.token("Confirm your e-mail")
    await client.post("/v1/auth/verify-email", json={"token": token})
    words = {"current_password": PASSWORD, "new_password": NEW}
    await client.post("/v1/me/password", json=words, headers=person.headers)
    await client.post("/v1/me/email", json={"email": moved}, headers=person.headers)
    change = await Inbox(settings.data_dir, moved).token("Confirm your new e-mail")
    await client.post("/v1/auth/verify-email", json={"token": change})
    await client.post("/v1/auth/forgot-password", json={"email": moved})
    reset = await Inbox(settings.data_dir, moved).token("Set a new password")
    body = {"token": reset, "new_password": PASSWORD}
    await client.post("/v1/auth/reset-password", json=body)
    restoring = {"email": moved, "password": PASSWORD}
    for method, path in (("POST", "/v1/me/deactivate"), ("DELETE", "/v1/me")):
        headers = bearer((await sign_in(client, moved))["access_token"])
        assert (await client.request(method, path, headers=headers)).status_code == 204
        assert (await client.post("/v1/auth/restore", json=restoring)).status_code == 200
    headers = bearer((await sign_in(client, moved))["access_token"])
    answer = await client.get("/v1/audit-logs?limit=200", headers=headers)
    entries = answer.json()["data"]
    noted = {each["action"] for each in entries}
    assert {
        "account.registered",
        "account.email_verified",
        "account.password_changed",
        "account.email_changed",
        "account.password_reset",
        "account.deactivated",
        "account.deleted",
        "account.restored",
    } <= noted
    (changed,) = [each for each in entries if each["action"] == "account.email_changed"]
    assert changed["detail"] == {"before": person.email, "after": moved}
    assert {each["actor"]["id"] for each in entries} == {person.user_id}
    assert not any(secret in answer.text for secret in (token, change, reset, PASSWORD, NEW))
