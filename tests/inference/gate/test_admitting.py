"""A call takes all that it needs or nothing, and gives back what it did not use."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from app.core.limits import Limit, Policy, RateLimited
from app.inference.gate.errors import BudgetExceeded, PriceUnknown
from app.inference.gate.gate import Admission, Settlement
from app.inference.providers.types import Usage
from tests.inference.gate.conftest import (
    LOAD,
    RESERVED,
    Counter,
    candidate,
    cost_of_rows,
    counter,
    new_budget,
    process,
    rows,
)

DONE = Settlement("succeeded", Usage(100, 40))
COST = 100 * 1_000 + 40 * 2_000


async def test_a_call_is_one_row_with_everything_that_is_known_of_it(kernel, payer):
    payer = replace(
        payer, api_key_id=uuid4(), customer="müller & co", agent_id=uuid4(), tags=("a", "b")
    )
    load = replace(LOAD, operation="chat", dialect="openai_chat", route="fast", category="code")
    async with process(kernel) as mine:
        admission = await mine.gate.admit(payer, None, (), [candidate()], load)
        call = admission.call
        await mine.gate.flush()
        (row,) = await rows(kernel, payer)
        assert (row.status, row.input_tokens, row.cost_usd) == ("started", 100, None)
        mine.gate.settle(call, replace(DONE, first_token_ms=12))
        await mine.gate.flush()
    (row,) = await rows(kernel, payer)
    assert row.id == call.id
    assert (row.status, row.input_tokens, row.output_tokens) == ("succeeded", 100, 40)
    assert (row.api_key_id, row.customer, row.agent_id) == (
        payer.api_key_id,
        payer.customer,
        payer.agent_id,
    )
    assert (row.tags, row.route, row.category, row.dialect) == (
        ["a", "b"],
        "fast",
        "code",
        "openai_chat",
    )
    assert (row.provider, row.model, row.reference) == ("openai", "gpt-4o", "openai/gpt-4o")
    assert (row.request_id, row.attempt, row.price) == (call.request_id, 1, None)
    assert row.cost_usd * 10**9 == COST == call.cost
    assert row.first_token_ms == 12


async def test_a_budget_is_reserved_and_then_settled(kernel, payer):
    budget = await new_budget(kernel, payer, "1")
    async with process(kernel) as mine:
        call = (await mine.gate.admit(payer, None, (), [candidate()], LOAD)).call
        assert call.reserved == RESERVED
        assert await counter(kernel, budget) == Counter(0, RESERVED)
        mine.gate.settle(call, DONE)
        await mine.gate.flush()
        assert await counter(kernel, budget) == Counter(COST, 0)
    assert await cost_of_rows(kernel, payer) == COST


async def test_settling_twice_is_settling_once(kernel, payer):
    budget = await new_budget(kernel, payer, "1")
    async with process(kernel) as mine:
        call = (await mine.gate.admit(payer, None, (), [candidate()], LOAD)).call
        mine.gate.settle(call, DONE)
        mine.gate.settle(call, Settlement("failed"))
        await mine.gate.flush()
        call.settled = False
        mine.gate.settle(call, replace(DONE, usage=Usage()))
        await mine.gate.flush()
        assert (await counter(kernel, budget)).reserved == 0
    (row,) = await rows(kernel, payer)
    assert (row.status, row.output_tokens) == ("succeeded", 40)


async def test_200_at_once_never_spend_more_than_the_cap(kernel, payer):
    cap = 20 * RESERVED + 1
    budget = await new_budget(kernel, payer, f"{cap / 10**9:.9f}")
    seen, admitted, refused = [], [], 0

    async def one(gate) -> None:
        nonlocal refused
        try:
            call = (await gate.admit(payer, None, (), [candidate()], LOAD)).call
        except BudgetExceeded:
            refused += 1
            return
        admitted.append(call)
        seen.append(await counter(kernel, budget))
        await asyncio.sleep(0.001)
        gate.settle(call, DONE)

    async with process(kernel) as first, process(kernel) as second:
        for _ in range(5):
            await asyncio.gather(*(one(gate) for gate in (first.gate, second.gate) * 100))
            seen.append(await counter(kernel, budget))
        await first.gate.flush()
        await second.gate.flush()
        last = await counter(kernel, budget)
    assert all(found.settled + found.reserved <= cap for found in seen)
    assert refused > 0
    assert len(admitted) > 20
    assert last == Counter(len(admitted) * COST, 0)
    assert last.settled == await cost_of_rows(kernel, payer)


async def test_what_was_not_used_is_given_back(kernel, payer):
    budget = await new_budget(kernel, payer, "0.0004")
    async with process(kernel) as mine:
        for _ in range(3):
            call = (await mine.gate.admit(payer, None, (), [candidate()], LOAD)).call
            with pytest.raises(BudgetExceeded):
                await mine.gate.admit(payer, None, (), [candidate()], LOAD)
            mine.gate.settle(call, Settlement("failed"))
            await mine.gate.flush()
        assert await counter(kernel, budget) == Counter(0, 0)


async def test_one_who_leaves_while_the_gate_is_asked_holds_nothing(kernel, payer):
    budget = await new_budget(kernel, payer, "1")
    async with process(kernel) as mine:
        mine.gate.settle((await mine.gate.admit(payer, None, (), [candidate()], LOAD)).call, DONE)
        await mine.gate.flush()
        for wait in (0, 0, 0.0002, 0.0005, 0.0005, 0.001):
            asking = asyncio.create_task(mine.gate.admit(payer, None, (), [candidate()], LOAD))
            await asyncio.sleep(wait)
            asking.cancel()
            (said,) = await asyncio.gather(asking, return_exceptions=True)
            if isinstance(said, Admission):
                mine.gate.settle(said.call, DONE)
        await mine.gate.flush()
        found = await counter(kernel, budget)
    assert found.reserved == 0
    assert all(row.status != "started" for row in await rows(kernel, payer))


async def test_a_refusal_says_which_budget_and_when_it_renews(kernel, payer):
    budget = await new_budget(kernel, payer, "0.000000001", window="day")
    async with process(kernel) as mine:
        with pytest.raises(BudgetExceeded) as refused:
            await mine.gate.admit(payer, None, (), [candidate()], LOAD)
    assert str(budget.id) in refused.value.detail
    assert 0 < refused.value.retry_after <= 86_400
    assert refused.value.status == 402


async def test_without_a_price_a_hard_budget_lets_nobody_through(kernel, payer):
    await new_budget(kernel, payer, "1")
    async with process(kernel) as mine:
        with pytest.raises(PriceUnknown):
            await mine.gate.admit(payer, None, (), [candidate(price=None)], LOAD)
        two = [candidate(price=None), candidate("known")]
        call = (await mine.gate.admit(payer, None, (), two, LOAD)).call
        assert call.candidate.target.model == "known"
        mine.gate.settle(call, DONE)


async def test_a_soft_budget_counts_and_refuses_nothing(kernel, payer):
    budget = await new_budget(kernel, payer, "0.000000001", hard=False)
    async with process(kernel) as mine:
        for price in (candidate(), candidate(price=None)):
            call = (await mine.gate.admit(payer, None, (), [price], LOAD)).call
            mine.gate.settle(call, DONE)
        await mine.gate.flush()
        assert await counter(kernel, budget) == Counter(COST, 0)


async def test_a_budget_for_some_models_leaves_the_others_alone(kernel, payer):
    budget = await new_budget(kernel, payer, "0.000000001", models=["openai/dear*"])
    async with process(kernel) as mine:
        with pytest.raises(BudgetExceeded):
            await mine.gate.admit(payer, None, (), [candidate("dear-1")], LOAD)
        two = [candidate("dear-1"), candidate("cheap")]
        call = (await mine.gate.admit(payer, None, (), two, LOAD)).call
        assert call.candidate.target.model == "cheap"
        mine.gate.settle(call, DONE)
        await mine.gate.flush()
        assert await counter(kernel, budget) == Counter(0, 0)


async def test_a_request_that_has_no_money_still_counts_as_a_request(kernel, payer):
    await new_budget(kernel, payer, "0.000000001")
    policy = Policy(Limit("key", 2, 3600), f"key:{uuid4()}")
    left = []
    async with process(kernel) as mine:
        for _ in range(2):
            with pytest.raises(BudgetExceeded):
                await mine.gate.admit(
                    payer, None, [policy], [candidate()], LOAD,
                    noted=lambda verdict: left.append(verdict.standings[0].left),
                )  # fmt: skip
        with pytest.raises(RateLimited):
            await mine.gate.admit(payer, None, [policy], [candidate()], LOAD)
    assert left == [1, 0]


async def test_attempts_of_one_request_are_rows_of_their_own(kernel, payer):
    budget = await new_budget(kernel, payer, "1")
    async with process(kernel) as mine:
        first = (await mine.gate.admit(payer, None, (), [candidate("a")], LOAD)).call
        mine.gate.settle(first, Settlement("failed", Usage(100, 0)))
        second = await mine.gate.admit_next(first, [candidate("b")])
        mine.gate.settle(second, DONE)
        await mine.gate.flush()
        assert await counter(kernel, budget) == Counter(100_000 + COST, 0)
    found = await rows(kernel, payer)
    assert [(row.attempt, row.model, row.status) for row in found] == [
        (1, "a", "failed"),
        (2, "b", "succeeded"),
    ]
    assert {row.request_id for row in found} == {first.request_id}
