"""What a budget has counted outlives the calls that it was counted from."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update

from app.core.clock import now
from app.core.db import SYSTEM
from app.identity.workspaces.models import Workspace
from app.inference.budgets import crud
from app.inference.budgets.models import Budget, BudgetCarry
from app.inference.budgets.rules import BudgetRule
from app.inference.gate.books import count_rows
from app.inference.usage.models import ModelCall
from app.oversight.privacy.retention.jobs import Retention
from tests.inference.budgets.test_budgets import look, make, spend

pytestmark = pytest.mark.asyncio(loop_scope="session")

SUBJECTS = [
    ("workspace", {}),
    ("api_key", {"api_key_id": uuid4()}),
    ("agent", {"agent_id": uuid4()}),
    ("run", {"run_id": uuid4()}),
    ("tag", {"tags": ["shop", "night"]}),
    ("customer", {"customer": "c-7"}),
    ("route", {"route": "cheap"}),
]


async def forget(kernel, talker, *rules) -> None:
    """Delete the workspace's calls."""
    mine = ModelCall.workspace_id == UUID(talker.person.workspace_id)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(delete(ModelCall).where(mine, *rules))


async def shown(talker, budget) -> str:
    url = f"/v1/budgets/{budget['id']}"
    return (await talker.http.get(url, headers=talker.person.headers)).json()["spent"]


async def carries(kernel, talker) -> list[BudgetCarry]:
    mine = BudgetCarry.workspace_id == UUID(talker.person.workspace_id)
    async with kernel.database.unit(SYSTEM) as session:
        return list((await session.scalars(select(BudgetCarry).where(mine))).all())


@pytest.mark.parametrize("window", ["day", "month", "total"])
@pytest.mark.parametrize(("subject", "about"), SUBJECTS)
async def test_spending_survives_the_calls_that_it_was(kernel, talker, subject, about, window):
    value = next(iter(about.values()), None)
    named = value[0] if isinstance(value, list) else value and str(value)
    who = {"type": subject} | ({"id": named} if named else {})
    budget = await make(talker, who, window=window, timezone="Asia/Kolkata")
    await spend(kernel, talker, "2.5", **about)
    await spend(kernel, talker, "0.000000001", **about)
    if subject != "workspace":
        await spend(kernel, talker, "3")
    before = await shown(talker, budget)
    await forget(kernel, talker)
    assert await shown(talker, budget) == before == "2.500000001"
    await spend(kernel, talker, "1", **about)
    await forget(kernel, talker)
    assert await shown(talker, budget) == "3.500000001"


async def test_only_windows_that_are_not_over_are_carried_into(kernel, talker):
    month = await make(talker, {"type": "workspace"}, window="month")
    total = await make(talker, {"type": "workspace"}, window="total")
    await spend(kernel, talker, "7", created_at=now() - timedelta(days=40))
    await forget(kernel, talker)
    assert (await shown(talker, month), await shown(talker, total)) == ("0", "7")
    assert len(await carries(kernel, talker)) == 1


async def test_only_the_models_of_a_budget_are_carried(kernel, talker):
    some = await make(talker, {"type": "workspace"}, models=["openai/gpt_4?", "o1*"])
    await spend(kernel, talker, "1", model="gpt_4o", reference="openai/gpt_4o")
    await spend(kernel, talker, "2", model="o1-mini", reference="other/o1-mini")
    await spend(kernel, talker, "4", model="gptx4o", reference="openai/gptx4o")
    await spend(kernel, talker, "8", model="gpt_4%", reference=None)
    await forget(kernel, talker)
    assert await shown(talker, some) == "3"


async def test_calls_that_go_at_once_are_carried_to_each_what_is_its(kernel, talker):
    """Summed up before they meet the budgets, and still kept apart."""
    tag = await make(talker, {"type": "tag", "id": "shop"}, window="day")
    some = await make(talker, {"type": "workspace"}, window="month", models=["o1*"])
    apart = await make(talker, {"type": "all_customers"}, window="total", thresholds=[1])
    minis = {"model": "o1-mini", "reference": "openai/o1-mini"}
    for customer in ("a", "a", "b", None):
        await spend(kernel, talker, "1", customer=customer, tags=["shop", "shop", "night"])
        await spend(kernel, talker, "0.5", customer=customer, **minis)
    await forget(kernel, talker)
    assert (await shown(talker, tag), await shown(talker, some)) == ("4", "2")
    assert sorted(await look(kernel, talker, apart)) == [(1, "a", "3"), (1, "b", "1.5")]


async def test_a_deleted_budget_counts_on_as_long_as_it_can_come_back(kernel, talker):
    kept, lost = [await make(talker, {"type": "workspace"}, window="total") for _ in range(2)]
    async with kernel.database.unit(SYSTEM) as session:
        for budget, days in ((kept, 29), (lost, 32)):
            row = await session.get(Budget, UUID(budget["id"]))
            row.deleted_at = now() - timedelta(days=days)
    await spend(kernel, talker, "2")
    await forget(kernel, talker)
    assert [carry.budget_id for carry in await carries(kernel, talker)] == [UUID(kept["id"])]
    url = f"/v1/budgets/{kept['id']}/restore"
    back = await talker.http.post(url, headers=talker.person.headers)
    assert back.json()["spent"] == "2"


async def test_no_sum_is_too_large_for_calls_to_go(kernel, talker):
    dearest = "999999999.999999999"
    budget = await make(talker, {"type": "workspace"}, window="total", thresholds=[100])
    await spend(kernel, talker, dearest)
    await spend(kernel, talker, dearest)
    # The alert is of all that an alert can say.
    assert await look(kernel, talker, budget) == [(100, None, dearest)]
    await forget(kernel, talker)
    assert await shown(talker, budget) == "1999999999.999999998"


async def test_retention_shrinks_no_budget(kernel, app, talker):
    headers = talker.person.headers
    budget = await make(talker, {"type": "workspace"}, window="total")
    await spend(kernel, talker, "2", created_at=now() - timedelta(days=3))
    await spend(kernel, talker, "1")
    kept = await talker.http.put("/v1/privacy/retention", json={"usage": 1}, headers=headers)
    assert kept.status_code == 200, kept.text
    await Retention(kernel, app.state.privacy).run()
    mine = ModelCall.workspace_id == UUID(talker.person.workspace_id)
    async with kernel.database.unit(SYSTEM) as session:
        assert len((await session.scalars(select(ModelCall).where(mine))).all()) == 1
    assert await shown(talker, budget) == "3"


async def test_the_gate_counts_what_is_carried(kernel, talker):
    """A counter that is loaded again starts where it was."""
    budget = await make(talker, {"type": "all_customers"}, window="total")
    await spend(kernel, talker, "5", customer="a")
    await spend(kernel, talker, "1", customer="b")
    await forget(kernel, talker)
    await spend(kernel, talker, "2", customer="a")
    rule = BudgetRule(UUID(budget["id"]), "total", 1, True, "all_customers", "a")
    found = await count_rows(
        kernel.database, UUID(talker.person.workspace_id), rule, at=now(), since=now()
    )
    assert found.counted.settled == 7 * 10**9


async def test_whoever_asked_for_customers_may_be_erased(kernel, talker):
    """Their calls lose the customers' ids, and the customers' budgets nothing."""
    own = await make(talker, {"type": "customer", "id": "a"}, window="total")
    apart = await make(talker, {"type": "all_customers"}, thresholds=[50], window="month")
    workspace = await make(talker, {"type": "workspace"}, window="total")
    await spend(kernel, talker, "6", customer="a")
    mine = ModelCall.workspace_id == UUID(talker.person.workspace_id)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(update(ModelCall).where(mine).values(customer=None))
    assert (await shown(talker, own), await shown(talker, workspace)) == ("6", "6")
    assert await look(kernel, talker, apart) == [(50, "a", "6")]
    await forget(kernel, talker)
    assert (await shown(talker, own), await shown(talker, workspace)) == ("6", "6")


async def test_a_workspace_is_deleted_with_all_that_it_counted(kernel, talker):
    await make(talker, {"type": "workspace"}, window="total")
    await spend(kernel, talker, "1")
    await forget(kernel, talker)
    await spend(kernel, talker, "1")
    workspace = Workspace.id == UUID(talker.person.workspace_id)
    async with kernel.database.unit(SYSTEM) as session:
        await session.execute(delete(Workspace).where(workspace))
    assert await carries(kernel, talker) == []


async def test_what_was_carried_into_a_past_window_is_dropped(kernel, talker):
    await make(talker, {"type": "workspace"}, window="month")
    total = await make(talker, {"type": "workspace"}, window="total")
    await spend(kernel, talker, "1")
    await forget(kernel, talker)
    async with kernel.database.unit(SYSTEM) as session:
        await crud.drop_past_carries(session, now() - timedelta(days=33))
    assert len(await carries(kernel, talker)) == 2
    async with kernel.database.unit(SYSTEM) as session:
        await crud.drop_past_carries(session, now() + timedelta(seconds=1))
    assert [carry.budget_id for carry in await carries(kernel, talker)] == [UUID(total["id"])]
