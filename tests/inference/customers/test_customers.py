"""The end users of a workspace through the API."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import literal_column, select, text

from app.core.clock import now
from app.core.db import SYSTEM
from app.core.ids import new_id
from app.core.limits import Limit, TokenLimit
from app.inference.budgets.rules import BudgetRule, counter_of
from app.inference.budgets.windows import window_at
from app.inference.usage.payer import Payer
from app.runs.runs.models import Run
from app.tables import Base
from tests.inference.budgets.test_budgets import look, make, spend
from tests.inference.budgets.test_carries import forget, shown
from tests.support.identity import new_key, until

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


async def begin_runs(kernel, talker, customer: str) -> None:
    """Runs that keep the customer of the key that they were begun with, in either way."""
    person = talker.person
    async with kernel.database.unit(SYSTEM) as session:
        for kept in ({"customer": customer}, {"rules": {"customer": customer, "tags": []}}):
            run = Run(
                id=new_id(), workspace_id=UUID(person.workspace_id), kind="test",
                user_id=UUID(person.user_id), status="completed", attempt=1, input=kept,
                started_at=now(), ended_at=now(),
            )  # fmt: skip
            session.add(run)


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


async def test_what_is_about_a_customer_alone_goes_with_them(kernel, talker):
    ann = f"ann-{uuid4().hex}@example.com"
    made = await listed(talker, external_id=ann)
    headers = talker.person.headers
    own = await make(talker, {"type": "customer", "id": ann}, thresholds=[10])
    apart = await make(talker, {"type": "all_customers"}, window="total", thresholds=[10])
    other = await make(talker, {"type": "customer", "id": "bob"}, window="total")
    whole = await make(talker, {"type": "workspace"}, window="total")
    key = await new_key(talker.http, talker.person, customer=ann)
    for half in range(2):
        await spend(kernel, talker, "2", customer=ann)
        await begin_runs(kernel, talker, ann)
        await spend(kernel, talker, "3", customer="bob")
        # Half of it is carried, half of it stands in calls.
        if half == 0:
            await forget(kernel, talker)
    await look(kernel, talker, apart)
    url = f"/v1/customers/{made['id']}"
    assert (await talker.http.post(f"{url}/erase", headers=headers)).status_code == 204
    gone = await talker.http.get(f"/v1/budgets/{own['id']}", headers=headers)
    assert gone.status_code == 404
    listing = await talker.http.get("/v1/budgets?deleted=true", headers=headers)
    assert listing.json()["data"] == []
    assert (await shown(talker, other), await shown(talker, whole)) == ("6", "10")
    ended = await talker.http.get(f"/v1/api-keys/{key['id']}", headers=headers)
    assert ended.json()["customer"] is None
    assert ended.json()["revoked_at"] is not None
    refused = await talker.http.get("/v1/models", headers={"Authorization": f"Bearer {key['key']}"})
    assert refused.status_code == 401
    async with kernel.database.unit(SYSTEM) as session:
        for table in Base.metadata.sorted_tables:
            found = await session.scalars(
                select(literal_column("t::text")).select_from(text(f'"{table.name}" t'))
            )
            assert not [row for row in found if ann in row], table.name


async def test_counters_that_are_named_after_an_erased_customer_go(kernel, talker):
    made = await listed(talker, external_id="ann")
    gone, kept = [], []
    for window in ("day", "month", "total"):
        budget = await make(talker, {"type": "all_customers"}, window=window, timezone="Asia/Tokyo")
        about = UUID(budget["id"]), window_at(window, "Asia/Tokyo", now()).name
        for customer, keys in (("ann", gone), ("bob", kept)):
            keys.append(BudgetRule(*about, 1, True, "all_customers", customer).key)
    yesterday = window_at("day", "Asia/Tokyo", now() - timedelta(days=1)).name
    gone += [gone[0] + ":load", counter_of(UUID(gone[0].split(":")[1]), yesterday, "ann")]
    for key in gone + kept:
        await kernel.valkey.hset(key, mapping={"s": 1, "r": 0})
    url = f"/v1/customers/{made['id']}/erase"
    assert (await talker.http.post(url, headers=talker.person.headers)).status_code == 204

    async def dropped() -> bool:
        return not await kernel.valkey.exists(*gone)

    await until(dropped)
    assert await kernel.valkey.exists(*kept) == len(kept)


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
