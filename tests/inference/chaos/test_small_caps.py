"""Two hundred at once on a budget for a few: never beyond it, and told the same everywhere."""

import asyncio
from decimal import Decimal

import httpx2
import pytest

from app.core.tasks import stop_tasks
from app.inference.prices.money import to_nano
from tests.inference.chaos.books import assert_balanced, assert_calls_add_up, cost_of
from tests.inference.chaos.clients import ask
from tests.inference.chaos.faults import USUAL, WELL
from tests.inference.chaos.load import many
from tests.inference.chaos.providers import Script
from tests.inference.chaos.tasks import Task

REQUESTS = 200
CAP = "0.02"


async def sample(books, seen):
    while True:
        held = await books.held()
        if held is not None:
            seen.append(held.settled + held.reserved)
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("weights", [WELL, USUAL], ids=["well", "failing"])
async def test_what_is_settled_and_reserved_never_exceeds_the_cap(stage, client, weights):
    opened = await stage(Script(seed=5, weights=weights), budget=CAP)
    seen: list[int] = []
    sampling = asyncio.create_task(sample(opened.books, seen))
    async with httpx2.AsyncClient(
        base_url=opened.address, timeout=60, limits=many(REQUESTS)
    ) as http:
        answers = await asyncio.gather(
            *(
                ask(http, opened.site.key, Task(f"c{n}", 60), streamed=n % 3 > 0)
                for n in range(REQUESTS)
            )
        )
    await stop_tasks([sampling])
    rows = await assert_balanced(opened.books)
    assert max(seen) <= to_nano(Decimal(CAP))
    assert max(seen) > to_nano(Decimal(CAP)) * 0.8
    codes = {answer.code for answer in answers}
    assert "budget_exceeded" in codes
    assert None in codes
    assert_calls_add_up(rows, answers, opened.providers)
    headers = opened.site.headers
    usage = (await client.get("/v1/usage", headers=headers)).json()["data"]
    budget = (await client.get(f"/v1/budgets/{opened.site.budget_id}", headers=headers)).json()
    spent = sum(cost_of(row) for row in rows)
    assert to_nano(sum(Decimal(row["cost_usd"]) for row in usage)) == spent
    assert to_nano(Decimal(budget["spent"])) == spent
    assert to_nano(Decimal(budget["reserved"])) == 0
