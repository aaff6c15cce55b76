"""Tokens and calls at once, of a key and of a customer."""

from dataclasses import replace
from uuid import uuid4

import orjson
import pytest

from app.core.auth import Access, KeyRules
from app.core.limits import RateLimited, TokenLimit
from app.inference.customers.limits import CustomerLimits
from app.inference.dialects.anthropic_messages import AnthropicMessages
from app.inference.dialects.openai_chat import OpenAIChat
from app.inference.dialects.openai_responses import OpenAIResponses
from app.inference.gate.errors import CustomerBlocked, TooManyCalls
from app.inference.gate.gate import CacheHit, Load, Settlement
from app.inference.providers.types import Usage
from tests.inference.gate.conftest import candidate, process, rows


@pytest.fixture
def keyed(payer):
    return replace(payer, api_key_id=uuid4())


def access_of(payer, **rules) -> Access:
    return Access(
        payer.workspace_id,
        payer.user_id,
        frozenset(),
        "api_key",
        payer.api_key_id,
        rules=KeyRules(**rules),
    )


class Told:
    """A book that says the same of every customer."""

    def __init__(self, limits: CustomerLimits):
        self.said = limits

    def peek(self, workspace_id):
        return self

    def limits(self, customer):
        return self.said


@pytest.mark.parametrize("dialect", [OpenAIChat(), OpenAIResponses(), AnthropicMessages()])
def test_too_many_calls_at_once_is_a_rate_limit_in_the_vendors_words(dialect):
    status, headers, body = dialect.error_response(TooManyCalls(retry_after=1))
    said = orjson.loads(body)["error"]
    assert (status, said["type"], said["code"]) == (429, "rate_limit_error", "too_many_calls")
    assert dict(headers)[b"retry-after"] == b"1"


async def test_tokens_are_taken_as_estimated_and_corrected_to_what_was_used(kernel, keyed):
    access = access_of(keyed, tokens=(TokenLimit("tpm", 1000, 3600),))
    left = []

    def noted(verdict):
        left.append(verdict.standings[0].left)

    async with process(kernel) as mine:

        async def admit(load):
            asked = mine.gate.admit(keyed, access, (), [candidate()], load, noted=noted)
            return (await asked).call

        first = await admit(Load(100, 400))
        second = await admit(Load(300, 100))
        with pytest.raises(RateLimited):
            await admit(Load(200))
        mine.gate.settle(first, Settlement("succeeded", Usage(100, 50)))
        mine.gate.settle(second, Settlement("failed"))
        await mine.outbox.flush()
        await admit(Load(200))
    assert left == [500, 100, 100, 650]


async def test_a_request_larger_than_the_limit_takes_all_of_it(kernel, keyed):
    access = access_of(keyed, tokens=(TokenLimit("tpm", 1000, 3600),))
    async with process(kernel) as mine:
        call = (await mine.gate.admit(keyed, access, (), [candidate()], Load(5000))).call
        with pytest.raises(RateLimited):
            await mine.gate.admit(keyed, access, (), [candidate()], Load(1))
        mine.gate.settle(call, Settlement("failed"))
        await mine.outbox.flush()
        await mine.gate.admit(keyed, access, (), [candidate()], Load(1000))


async def test_calls_at_once_are_counted_by_request_and_not_by_attempt(kernel, keyed):
    access = access_of(keyed, concurrency=1)
    async with process(kernel) as mine:
        first = (await mine.gate.admit(keyed, access, (), [candidate()], Load(1))).call
        mine.gate.settle(first, Settlement("failed"))
        second = await mine.gate.admit_next(first, [candidate()])
        third = await mine.gate.admit_next(second, [candidate()])
        mine.gate.settle(second, Settlement("cancelled"))
        await mine.outbox.flush()
        with pytest.raises(TooManyCalls):
            await mine.gate.admit(keyed, access, (), [candidate()], Load(1))
        mine.gate.settle(third, Settlement("succeeded", Usage(1, 1)))
        await mine.outbox.flush()
        await mine.gate.admit(keyed, access, (), [candidate()], Load(1))


async def test_a_customer_has_limits_of_its_own(kernel, payer):
    async with process(kernel) as mine:
        ann, bob = replace(payer, customer="ann"), replace(payer, customer="bob")
        mine.gate._customers = Told(CustomerLimits("ann", concurrency=1))
        await mine.gate.admit(ann, None, (), [candidate()], Load(1))
        with pytest.raises(TooManyCalls):
            await mine.gate.admit(ann, None, (), [candidate()], Load(1))
        mine.gate._customers = Told(CustomerLimits("bob", blocked=True))
        with pytest.raises(CustomerBlocked):
            await mine.gate.admit(bob, None, (), [candidate()], Load(1))


async def test_an_answer_of_the_cache_leaves_a_row_that_cost_nothing(kernel, payer):
    async with process(kernel) as mine:
        await mine.gate.admit_cached(payer, (), CacheHit(candidate(), "hit", 5_000), Load(10))
        await mine.gate.flush()
    (row,) = await rows(kernel, payer)
    assert (row.status, row.cache_status, row.cost_usd) == ("succeeded", "hit", 0)
    assert row.saved_usd * 10**9 == 5_000
