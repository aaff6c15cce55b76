"""Budgets through the API: what they are about, how they stand, and whom they tell."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from app.core import restorable
from app.core.clock import now
from app.core.db import SYSTEM, Scope
from app.core.ids import new_id
from app.inference.budgets.alerts import budget_alerts_job, tell
from app.inference.budgets.book import BudgetBook
from app.inference.budgets.models import Budget
from app.inference.budgets.rules import BudgetRule
from app.inference.usage.models import ModelCall
from app.inference.usage.payer import Payer
from tests.support.mail import Inbox

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def spend(kernel, talker, dollars: str, **about) -> None:
    """Put a settled call in the ledger."""
    workspace_id = UUID(talker.person.workspace_id)
    row = {
        "id": new_id(),
        "workspace_id": workspace_id,
        "user_id": UUID(talker.person.user_id),
        "provider": "openai",
        "model": "gpt-4o",
        "reference": "openai/gpt-4o",
        "purpose": "gateway",
        "status": "succeeded",
        "executor_id": "test",
        "cost_usd": Decimal(dollars),
        "ended_at": now(),
    }
    async with kernel.database.unit(Scope(workspace_id=workspace_id)) as session:
        session.add(ModelCall(**(row | about)))


async def make(talker, subject: dict, amount: str = "10", **body) -> dict:
    new = {"name": "Some", "subject": subject, "amount": amount, "window": "month", **body}
    answer = await talker.http.post("/v1/budgets", json=new, headers=talker.person.headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def payer(talker, **about) -> Payer:
    person = talker.person
    return Payer(UUID(person.workspace_id), UUID(person.user_id), "gateway", **about)


async def test_a_budget_counts_what_its_workspace_spent_in_the_window(kernel, talker):
    await spend(kernel, talker, "1.25")
    await spend(kernel, talker, "7", created_at=now() - timedelta(days=40))
    budget = await make(talker, {"type": "workspace"})
    assert (budget["spent"], budget["reserved"], budget["remaining"]) == ("1.25", "0", "8.75")
    assert budget["window_start"] <= now().isoformat() < budget["window_end"]


@pytest.mark.parametrize(
    ("subject", "about"),
    [
        ("api_key", {"api_key_id": uuid4()}),
        ("agent", {"agent_id": uuid4()}),
        ("run", {"run_id": uuid4()}),
        ("tag", {"tags": ["shop", "night"]}),
        ("customer", {"customer": "c-7"}),
        ("route", {"route": "cheap"}),
    ],
)
async def test_a_budget_counts_only_whom_it_is_about(kernel, talker, subject, about):
    value = next(iter(about.values()))
    named = value[0] if isinstance(value, list) else str(value)
    await spend(kernel, talker, "2", **about)
    await spend(kernel, talker, "3")
    budget = await make(talker, {"type": subject, "id": named}, window="total")
    assert budget["spent"] == "2"


async def test_a_budget_of_some_models_leaves_the_others_uncounted(kernel, talker):
    await spend(kernel, talker, "2")
    await spend(kernel, talker, "4", model="gpt_4o", reference="openai/gpt_4o")
    assert (await make(talker, {"type": "workspace"}, models=["openai/gpt-*"]))["spent"] == "2"
    assert (await make(talker, {"type": "workspace"}, models=["gpt_4?"]))["spent"] == "4"


async def test_the_counter_of_the_gate_goes_before_the_ledger(kernel, talker):
    budget = await make(talker, {"type": "workspace"}, window="total")
    await kernel.valkey.hset(f"budget:{budget['id']}:total", mapping={"s": 3 * 10**9, "r": 10**9})
    answer = await talker.http.get(f"/v1/budgets/{budget['id']}", headers=talker.person.headers)
    shown = answer.json()
    assert (shown["spent"], shown["reserved"], shown["remaining"]) == ("3", "1", "6")


async def test_a_call_falls_under_every_budget_of_those_whom_it_is_made_for(kernel, talker):
    key, book = uuid4(), BudgetBook(kernel.database)
    await make(talker, {"type": "workspace"}, hard=False)
    await make(talker, {"type": "user", "id": talker.person.user_id})
    await make(talker, {"type": "api_key", "id": str(key)})
    await make(talker, {"type": "tag", "id": "shop"}, "0.5", window="day")
    await make(talker, {"type": "all_customers"}, window="total")
    await make(talker, {"type": "tag", "id": "other"})
    found = await book.rules(payer(talker, api_key_id=key, customer="c-1", tags=("shop", "x")))
    assert {rule.subject.partition(":")[0] for rule in found} == {
        "workspace", "user", "api_key", "tag", "all_customers",
    }  # fmt: skip
    of_tag = next(rule for rule in found if rule.subject == "tag:shop")
    assert (of_tag.cap, of_tag.window) == (500_000_000, now().date().isoformat())
    apart = next(rule for rule in found if rule.subject == "all_customers")
    assert apart.key.endswith(":total:c-1:")
    assert [rule.hard for rule in found if rule.subject == "workspace"] == [False]


async def test_a_changed_cap_holds_at_once(app, talker):
    book = app.state.inference.budgets
    budget = await make(talker, {"type": "workspace"})
    assert [rule.cap for rule in await book.rules(payer(talker))] == [10 * 10**9]
    url, headers = f"/v1/budgets/{budget['id']}", talker.person.headers
    changed = await talker.http.patch(url, json={"amount": "0.000000001"}, headers=headers)
    assert changed.json()["amount"] == "0.000000001"
    assert [rule.cap for rule in await book.rules(payer(talker))] == [1]
    assert (await talker.http.delete(url, headers=headers)).status_code == 204
    assert await book.rules(payer(talker)) == ()
    assert (await talker.http.post(f"{url}/restore", headers=headers)).status_code == 200
    assert len(await book.rules(payer(talker))) == 1


async def look(kernel, talker, budget) -> list[tuple[int, str | None, str]]:
    """Look at a budget twice, as two processes may; what it has told of since it was made."""
    workspace_id = UUID(talker.person.workspace_id)
    for _ in range(2):
        async with kernel.database.unit(SYSTEM) as session:
            row = await restorable.find(session, Budget, workspace_id, UUID(budget["id"]))
            assert row is not None
            await tell(session, row)
    url = f"/v1/budgets/{budget['id']}/alerts?order=asc"
    listed = (await talker.http.get(url, headers=talker.person.headers)).json()["data"]
    return [(alert["threshold"], alert["customer"], alert["spent"]) for alert in listed]


async def test_each_threshold_is_told_once_a_window_and_mailed(kernel, settings, talker):
    budget = await make(talker, {"type": "workspace"})
    await spend(kernel, talker, "4.999999999")
    assert await look(kernel, talker, budget) == []
    await spend(kernel, talker, "0.000000001")
    half = (50, None, "5")
    assert await look(kernel, talker, budget) == [half]
    await spend(kernel, talker, "6")
    told = await look(kernel, talker, budget)
    assert sorted(told[1:]) == [(80, None, "11"), (100, None, "11")]
    inbox = Inbox(settings.data_dir, talker.person.email)
    await inbox.letter("100 % of the budget Some are used")
    letters = [letter for letter in inbox.letters() if "budget" in letter["Subject"]]
    assert len(letters) == 2
    assert "80 %: $11 spent" in letters[1].get_content()


async def test_customers_who_have_a_budget_apart_are_told_of_apart(kernel, talker):
    budget = await make(talker, {"type": "all_customers"}, thresholds=[50])
    assert budget["spent"] is None
    await spend(kernel, talker, "5", customer="a")
    await spend(kernel, talker, "4", customer="b")
    assert await look(kernel, talker, budget) == [(50, "a", "5")]


async def test_a_budget_that_cannot_be_watched_keeps_no_other_from_telling(kernel, talker):
    """A time zone that an update of the system has taken away, say."""
    broken, other = [await make(talker, {"type": "workspace"}) for _ in range(2)]
    async with kernel.database.unit(SYSTEM) as session:
        row = await session.get(Budget, UUID(broken["id"]))
        row.timezone = "Atlantis/Poseidonis"
    await spend(kernel, talker, "5")
    await budget_alerts_job(kernel).run()
    async with kernel.database.unit(SYSTEM) as session:
        await session.delete(await session.get(Budget, UUID(broken["id"])))
    url = f"/v1/budgets/{other['id']}/alerts"
    told = (await talker.http.get(url, headers=talker.person.headers)).json()["data"]
    assert [alert["threshold"] for alert in told] == [50]


async def test_the_ledger_says_where_a_counter_starts(kernel, talker):
    budget = await make(talker, {"type": "all_customers"}, window="total")
    await spend(kernel, talker, "5", customer="a")
    rule = BudgetRule(UUID(budget["id"]), "total", 1, True, "all_customers", "a")
    book = BudgetBook(kernel.database)
    assert await book.settled(UUID(talker.person.workspace_id), rule) == 5 * 10**9


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "0"},
        {"amount": "9000000.01"},
        {"amount": "1.0000000001"},
        {"subject": {"type": "workspace", "id": "x"}},
        {"subject": {"type": "tag"}},
        {"subject": {"type": "user", "id": "not-a-uuid"}},
        {"timezone": "Mars/Base"},
        {"window": "week"},
        {"thresholds": [0]},
    ],
)
async def test_a_budget_that_makes_no_sense_is_refused(talker, wrong):
    new = {"name": "A", "subject": {"type": "workspace"}, "amount": "1", "window": "day"} | wrong
    answer = await talker.http.post("/v1/budgets", json=new, headers=talker.person.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
