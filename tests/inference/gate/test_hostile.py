"""Customers whose names are made to reach into what is not theirs."""

import asyncio
from dataclasses import replace

import pytest

from app.inference.customers.limits import CustomerLimits
from app.inference.gate.counters import MOST_NEW, NEW_AT_ONCE
from app.inference.gate.errors import BudgetExceeded, CustomerBlocked, GateAway
from app.inference.gate.gate import CacheHit, Settlement
from app.inference.providers.types import Usage
from tests.inference.gate.conftest import LOAD, candidate, new_budget, process
from tests.inference.gate.test_limits import Told, rows


async def test_no_customer_is_charged_for_one_with_a_name_like_its_counter(kernel, payer):
    await new_budget(kernel, payer, "1", subject_type="all_customers")
    ann, evil = replace(payer, customer="ann"), replace(payer, customer="ann:load")
    async with process(kernel) as mine:
        spent = (await mine.gate.admit(evil, None, (), [candidate()], LOAD)).call
        mine.gate.settle(spent, Settlement("succeeded", Usage(), cost=900_000_000))
        await mine.outbox.flush()
        hers = (await mine.gate.admit(ann, None, (), [candidate()], LOAD)).call
        settled, reserved = await kernel.valkey.hmget(hers.budgets[0], ["s", "r"])
    assert (int(settled), int(reserved)) == (0, hers.reserved)


async def test_a_blocked_customer_gets_nothing_from_the_cache_either(kernel, payer):
    bob = replace(payer, customer="bob")
    async with process(kernel) as mine:
        mine.gate._customers = Told(CustomerLimits("bob", blocked=True))
        with pytest.raises(CustomerBlocked):
            await mine.gate.admit_cached(bob, (), CacheHit(candidate(), "hit", 1), LOAD)
        await mine.gate.flush()
    assert await rows(kernel, payer) == []


async def test_however_many_customers_are_new_a_few_are_looked_up_at_once(kernel, payer):
    await new_budget(kernel, payer, "1", subject_type="all_customers")
    async with process(kernel) as mine:
        counters = mine.gate._counters
        load, loading, under_way = counters._load, [], set()

        async def watched(*about):
            loading.append(len(under_way))
            under_way.add(about[1].key)
            try:
                await load(*about)
            finally:
                under_way.discard(about[1].key)

        counters._load = watched
        asked = [
            mine.gate.admit(replace(payer, customer=f"new-{n}"), None, (), [candidate()], LOAD)
            for n in range(MOST_NEW + 40)
        ]
        said = await asyncio.gather(*asked, return_exceptions=True)
        refused = [one for one in said if isinstance(one, GateAway)]
        assert len(refused) == 40
        assert "customers" in refused[0].detail
        assert max(loading) < NEW_AT_ONCE
        assert not counters._new
        assert not counters._turns
        # Nobody is let off: who asks again is counted as from the beginning.
        again = replace(payer, customer=f"new-{MOST_NEW + 39}")
        call = (await mine.gate.admit(again, None, (), [candidate()], LOAD)).call
        mine.gate.settle(call, Settlement("succeeded", Usage(), cost=10**9))
        await mine.outbox.flush()
        with pytest.raises(BudgetExceeded):
            await mine.gate.admit(again, None, (), [candidate()], LOAD)
        # A counter of one who has spent nothing is not kept for days.
        idle = f"budget:{call.budgets[0].split(':')[1]}:total:new-1:"
        assert await kernel.valkey.ttl(idle) <= 3600
