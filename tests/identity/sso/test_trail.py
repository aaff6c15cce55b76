"""What signing in by others leaves in the audit trail."""

from uuid import uuid4

from tests.support.fakes.idp import CLIENT_SECRET, Subject
from tests.support.identity import bearer, new_person
from tests.support.sso import begin, change_connection, new_connection


async def trail(http, headers):
    answer = await http.get("/v1/audit-logs?limit=200", headers=headers)
    assert answer.status_code == 200, answer.text
    return {row["action"]: row for row in answer.json()["data"]}, answer.text


async def test_a_first_sign_in_is_told_of(http, provider):
    provider.subject = Subject(uuid4().hex, f"{uuid4().hex}@example.com")
    tokens = (await (await begin(http, provider="oidc")).complete()).json()
    told, _ = await trail(http, bearer(tokens["access_token"]))
    assert {"identity.linked", "session.created"} <= set(told)


async def test_a_link_and_its_end_are_told_of(http, provider):
    person = await new_person(http)
    provider.subject = Subject(uuid4().hex, person.email)
    trip = await begin(http, provider="oidc")
    body = {"code": (await trip.fragment())["code"], "verifier": trip.verifier}
    made = await http.post("/v1/me/identities", json=body, headers=person.headers)
    await http.delete(made.headers["location"], headers=person.headers)
    told, _ = await trail(http, person.headers)
    assert {"identity.linked", "identity.unlinked"} <= set(told)


async def test_a_connection_is_told_of_without_its_secret(http, provider):
    person = await new_person(http)
    connection = await new_connection(http, person, provider.url)
    await change_connection(http, person, connection, name="Other", client_secret=CLIENT_SECRET)
    path = f"/v1/sso-connections/{connection['id']}"
    await http.delete(path, headers=person.headers)
    await http.post(f"{path}/restore", headers=person.headers)
    told, text = await trail(http, person.headers)
    assert {
        f"sso_connection.{what}" for what in ("created", "updated", "deleted", "restored")
    } <= set(told)
    assert told["sso_connection.updated"]["detail"]["fields"] == ["name", "client_secret"]
    assert CLIENT_SECRET not in text
