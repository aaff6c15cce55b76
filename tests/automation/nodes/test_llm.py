"""`llm`: streamed, metered and paid for; asked for anew where it does not fit its schema."""

from decimal import Decimal

import pytest
import pytest_asyncio
from sqlalchemy import select

from app.core.db import SYSTEM
from app.inference.gate.errors import BudgetExceeded
from app.inference.usage.models import ModelCall
from tests.automation.nodes.conftest import access_of
from tests.support.chat import connected
from tests.support.fakes.base import Said, say, status
from tests.support.fakes.openai import FakeOpenAI

pytestmark = pytest.mark.asyncio(loop_scope="session")
# At what gpt-4o costs ($2.50 and $10 a million tokens), 1.25 cents.
USAGE = {"prompt_tokens": 1000, "completion_tokens": 1000, "total_tokens": 2000}
SCHEMA = {
    "type": "object",
    "properties": {"urgent": {"type": "boolean"}},
    "required": ["urgent"],
}


@pytest_asyncio.fixture(loop_scope="session")
async def fake(talker):
    fake = FakeOpenAI()
    async with connected(talker, fake):
        yield fake


def says(fake, *texts):
    fake.will(*(say(Said((text,), usage=USAGE)) for text in texts))


async def test_an_answer_is_streamed_and_what_it_cost_is_told(app, steps, fake):
    fake.will(say(Said(("Hello ", "world"), usage=USAGE)))
    settings = {"model": "openai/gpt-4o", "prompt": "Hi.", "system": "Be short.", "temperature": 0}
    given = await steps.given("llm", settings)

    assert given.output["text"] == "Hello world"
    assert given.output["model"] == "openai/gpt-4o"
    assert "".join(steps.said) == "Hello world"
    assert (given.input_tokens, given.output_tokens) == (1000, 1000)
    assert given.cost_usd == Decimal("0.0125")
    assert [each["role"] for each in fake.last.body["messages"]] == ["system", "user"]
    await app.state.inference.calls.flush()
    async with app.state.kernel.database.unit(SYSTEM) as session:
        rows = await session.scalars(select(ModelCall).where(ModelCall.run_id == steps.run_id))
        (row,) = rows.all()
    assert (row.purpose, row.user_id) == ("workflow", steps.access.user_id)


async def test_json_that_does_not_fit_is_asked_for_anew(steps, fake):
    says(fake, "yes", '{"urgent": "yes"}', '```json\n{"urgent": true}\n```')
    settings = {"model": "openai/gpt-4o", "prompt": "Is it?", "output_schema": SCHEMA}
    given = await steps.given("llm", settings)

    assert given.output["output"] == {"urgent": True}
    assert given.cost_usd == 3 * Decimal("0.0125")
    assert "urgent" in fake.last.body["messages"][-1]["content"]
    assert not steps.said


async def test_after_two_repairs_the_step_fails_and_tells_its_cost(steps, fake):
    says(fake, "no", "no", "no")
    settings = {"model": "openai/gpt-4o", "prompt": "Is it?", "output_schema": SCHEMA}
    fault = await steps.fault("llm", settings)

    assert (fault.code, fault.retryable) == ("output_invalid", False)
    assert fault.cost_usd == 3 * Decimal("0.0125")
    assert not fake.script


async def test_a_run_does_not_cost_more_than_its_cap(steps, fake):
    settings = {"model": "openai/gpt-4o", "prompt": "Hi.", "max_output_tokens": 1000}
    says(fake, "One.")
    await steps.given("llm", settings, run_cap=Decimal("0.02"))
    with pytest.raises(BudgetExceeded):
        await steps.given("llm", settings, run_cap=Decimal("0.02"))
    assert len(fake.requests) == 1


async def test_a_providers_refusal_keeps_its_code(steps, fake):
    fake.will(status(429, headers={"retry-after": "7"}))
    fault = await steps.fault("llm", {"model": "openai/gpt-4o", "prompt": "Hi."})
    assert (fault.code, fault.retryable) == ("provider_rate_limited", True)
    assert fault.retry_after == pytest.approx(7, abs=1)


async def test_mistakes_are_told_before_a_run(steps, fake, talker):
    schema = {"model": "openai/gpt-4o", "prompt": "x", "output_schema": {"type": "nothing"}}
    assert await steps.mistakes("llm", schema) == {"/output_schema": "schema_invalid"}
    unknown = {"model": "nobody/nothing", "prompt": "x"}
    assert await steps.mistakes("llm", unknown) == {"/model": "model_unknown"}
    assert await steps.mistakes("llm", {"model": "{{ inputs.model }}", "prompt": "x"}) == {}
    both = {"model": "openai/gpt-4o", "route": "cheap", "prompt": "x"}
    assert await steps.mistakes("llm", both) == {"/route": "model_and_route"}


async def test_whoever_may_not_ask_models_does_not(steps, fake, talker):
    nothing = access_of(talker, frozenset())
    fault = await steps.fault("llm", {"prompt": "Hi."}, access=nothing)
    assert fault.code == "permission_denied"
    assert not fake.requests
