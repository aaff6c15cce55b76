"""/v1/me/identities: linking accounts elsewhere, by their owner alone."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.sessions.models import UserSession
from tests.support.fakes.idp import Subject
from tests.support.identity import bearer, new_person
from tests.support.sso import begin


@pytest.fixture(autouse=True)
def someone(provider):
    provider.subject = Subject(uuid4().hex, f"{uuid4().hex}@example.com")
    return provider.subject


async def link(http, headers):
    trip = await begin(http, provider="oidc")
    found = await trip.fragment()
    body = {"code": found["code"], "verifier": trip.verifier}
    return await http.post("/v1/me/identities", json=body, headers=headers)


async def test_a_linked_account_opens_the_one_it_was_linked_to(http, someone):
    person = await new_person(http)
    someone.email = person.email
    refused = await (await begin(http, provider="oidc")).complete()
    assert refused.json()["code"] == "sso_account_exists"
    linked = await link(http, person.headers)
    assert linked.status_code == 201, linked.text
    assert linked.json()["subject"] == someone.sub
    shown = await http.get(linked.headers["location"], headers=person.headers)
    assert shown.json() == linked.json()
    tokens = (await (await begin(http, provider="oidc")).complete()).json()
    me = (await http.get("/v1/me", headers=bearer(tokens["access_token"]))).json()
    assert me["user"]["id"] == person.user_id


async def test_one_account_elsewhere_opens_one_account_here(http):
    first, second = await new_person(http), await new_person(http)
    assert (await link(http, first.headers)).status_code == 201
    answer = await link(http, second.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "identity_taken")


async def test_a_link_takes_a_fresh_proof_and_a_person(http, sso_kernel):
    person = await new_person(http)
    async with sso_kernel.database.unit(SYSTEM) as session:
        await session.execute(
            update(UserSession)
            .where(UserSession.user_id == UUID(person.user_id))
            .values(authenticated_at=now() - timedelta(days=1))
        )
    answer = await link(http, person.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "step_up_required")


async def test_an_unlinked_account_opens_nothing(http, someone):
    person = await new_person(http)
    someone.email = person.email
    made = (await link(http, person.headers)).json()
    listed = (await http.get("/v1/me/identities", headers=person.headers)).json()["data"]
    assert [each["id"] for each in listed] == [made["id"]]
    path = f"/v1/me/identities/{made['id']}"
    assert (await http.delete(path, headers=person.headers)).status_code == 204
    assert (await http.get(path, headers=person.headers)).status_code == 404
    answer = await (await begin(http, provider="oidc")).complete()
    assert answer.json()["code"] == "sso_account_exists"


async def test_the_last_way_in_stays(http):
    tokens = (await (await begin(http, provider="oidc")).complete()).json()
    headers = bearer(tokens["access_token"])
    only = (await http.get("/v1/me/identities", headers=headers)).json()["data"][0]
    path = f"/v1/me/identities/{only['id']}"
    answer = await http.delete(path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "identity_last_way_in")


async def test_no_one_sees_or_unlinks_anothers(http):
    owner, stranger = await new_person(http), await new_person(http)
    made = (await link(http, owner.headers)).json()
    path = f"/v1/me/identities/{made['id']}"
    for method in ("GET", "DELETE"):
        answer = await http.request(method, path, headers=stranger.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "identity_not_found")
    listed = await http.get("/v1/me/identities", headers=stranger.headers)
    assert listed.json()["data"] == []
    assert (await http.get(path, headers=owner.headers)).status_code == 200
