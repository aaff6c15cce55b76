"""What is logged names people by their ids."""

import logging
from uuid import uuid4

from tests.oversight.privacy.conftest import say
from tests.support.identity import register, sign_in


async def test_no_address_of_a_person_is_logged(client, caplog):
    caplog.set_level(logging.DEBUG, logger="app")
    email = f"{uuid4().hex}@example.com"
    await register(client, email)
    tokens = await sign_in(client, email)
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    await say(client, headers, f"Write to {email}")
    await client.post("/v1/auth/login", json={"email": email, "password": "not the password"})
    await client.post("/v1/auth/register", json={"email": email, "password": "ten or more words"})
    await client.post("/v1/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    own = [record.getMessage() for record in caplog.records if record.name.startswith("app")]
    assert [line for line in own if email in line] == []
    assert [line for line in own if "127.0.0.1" in line] == []
