"""Customers whose names are made to reach into what is not theirs."""

from dataclasses import replace

import pytest

from app.inference.customers.limits import CustomerLimits
from app.inference.gate.errors import CustomerBlocked
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
