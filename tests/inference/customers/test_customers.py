"""The end users of a workspace through the API."""

from uuid import UUID

import pytest

from app.core.limits import Limit, TokenLimit
from app.inference.usage.payer import Payer
from tests.inference.budgets.test_budgets import make, spend

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def listed(talker, **body) -> dict:
    answer = await talker.http.post("/v1/customers", json=body, headers=talker.person.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def limits(app, talker, customer: str | None):
    person = talker.person
    payer = Payer(UUID(person.workspace_id), UUID(person.user_id), "gateway", customer=customer)
    return await app.state.inference.customers.limits(payer)


async def defaults(talker, **body) -> dict:
    answer = await talker.http.patch(
        "/v1/customers/defaults", json=body, headers=talker.person.headers
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_without_rules_nothing_holds_for_anybody(app, talker):
    assert await limits(app, talker, "anybody") is None
    assert await limits(app, talker, None) is None


async def test_a_listed_customer_is_held_to_limits_of_its_own(app, talker):
    await listed(
        talker,
        external_id="c-1",
        requests=[{"requests": 60, "seconds": 60}],
        tokens=[{"tokens": 9_000_000, "seconds": 60}],
        concurrency=2,
        models=["openai/*"],
    )
    found = await limits(app, talker, "c-1")
    assert found.requests == (Limit("customer-60s", 60, 60),)
    assert found.tokens == (TokenLimit("customer-tokens-60s", 9_000_000, 60),)
    assert (found.concurrency, found.models, found.blocked) == (2, ("openai/*",), False)
    assert await limits(app, talker, "c-2") is None


async def test_what_a_customer_leaves_open_is_as_the_defaults_say(app, talker):
    await defaults(talker, requests=[{"requests": 5, "seconds": 60}], concurrency=1)
    await listed(talker, external_id="c-1", requests=[])
    own, other = await limits(app, talker, "c-1"), await limits(app, talker, "c-2")
    assert (own.requests, own.concurrency) == ((), 1)
    assert other.requests == (Limit("customer-60s", 5, 60),)
    await defaults(talker, requests=None, concurrency=None)
    assert await limits(app, talker, "c-2") is None


async def test_only_listed_customers_are_served_where_the_defaults_block(app, talker):
    await defaults(talker, blocked=True)
    await listed(talker, external_id="c-1")
    assert (await limits(app, talker, "c-2")).blocked is True
    assert await limits(app, talker, "c-1") is None


async def test_a_blocked_customer_is_blocked_at_once_until_deleted(app, talker):
    made = await listed(talker, external_id="c-1", name="Ada", metadata={"plan": "free"})
    url, headers = f"/v1/customers/{made['id']}", talker.person.headers
    assert await limits(app, talker, "c-1") is None
    changed = (await talker.http.patch(url, json={"blocked": True}, headers=headers)).json()
    assert (changed["blocked"], changed["metadata"]) == (True, {"plan": "free"})
    assert (await limits(app, talker, "c-1")).blocked is True
    assert (await talker.http.delete(url, headers=headers)).status_code == 204
    assert await limits(app, talker, "c-1") is None
    again = await listed(talker, external_id="c-1")
    refused = await talker.http.post(f"{url}/restore", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "customer_exists")
    found = await talker.http.get("/v1/customers?external_id=c-1", headers=headers)
    assert [one["id"] for one in found.json()["data"]] == [again["id"]]


async def test_an_erased_customer_is_forgotten_and_its_costs_are_not(kernel, talker):
    made = await listed(talker, external_id="c-9")
    await spend(kernel, talker, "2", customer="c-9")
    url, headers = f"/v1/customers/{made['id']}", talker.person.headers
    assert (await talker.http.post(f"{url}/erase", headers=headers)).status_code == 204
    assert (await talker.http.get(url, headers=headers)).status_code == 404
    of_them = await make(talker, {"type": "customer", "id": "c-9"})
    assert of_them["spent"] == "0"
    assert (await make(talker, {"type": "workspace"}))["spent"] == "2"


@pytest.mark.parametrize(
    "wrong",
    [
        {"external_id": ""},
        {"concurrency": 0},
        {"tokens": [{"tokens": 10**10, "seconds": 1}]},
        {"requests": [{"requests": 1, "seconds": 60}, {"requests": 2, "seconds": 60}]},
    ],
)
async def test_limits_that_make_no_sense_are_refused(talker, wrong):
    answer = await talker.http.post(
        "/v1/customers", json={"external_id": "x"} | wrong, headers=talker.person.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
