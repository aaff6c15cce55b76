"""What judges are asked about, when, and who pays."""

import pytest
from sqlalchemy import select

from app.core.db import SYSTEM
from app.inference.guardrails.errors import GuardrailRefused
from app.inference.guardrails.guard import Guard
from app.inference.guardrails.judged import Judged
from app.inference.providers.types import ChatRequest, ChatResult, Message, TextPart, Usage
from app.inference.usage.models import ModelCall
from tests.inference.guardrails.policies import PAYER, guard_of, policy_of
from tests.inference.guardrails.test_relaying import guard, judge
from tests.support.fakes.base import Said, say
from tests.support.identity import bearer, new_key

PASSES = '{"violates": false, "score": 0, "reason": ""}'
VIOLATES = '{"violates": true, "score": 0.9, "reason": "asks about a rival"}'


def talk(*turns):
    roles = ("user", "assistant")
    said = tuple(Message(roles[at % 2], (TextPart(text),)) for at, text in enumerate(turns))
    return ChatRequest(model="m", messages=said)


class Judge:
    """A model that judges; `heard` is what it was asked about."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.answer = PASSES

    async def __call__(self, payer, model, request) -> ChatResult:
        self.heard.append(request.messages[1].parts[0].text)
        return ChatResult((TextPart(self.answer),), "stop", Usage(), "m", "r")


@pytest.fixture
def asked_judge():
    return Judge()


@pytest.fixture
def guards(asked_judge):
    """Guards of one process and policy, one a call."""
    policy, known = policy_of(judge("m")), Judged()
    outside = guard_of(ask=asked_judge)._watch._outside
    return lambda: Guard(PAYER, [policy], outside, known)


async def test_a_conversation_that_goes_on_is_judged_by_what_is_new(guards, asked_judge):
    await guards().check_request(talk("One"))
    await guards().check_request(talk("One", "Yes?", "Two"))
    await guards().check_request(talk("One", "Yes?", "Two"))
    assert asked_judge.heard == ["One", "Two"]


async def test_an_answer_that_the_client_made_up_hides_nothing(guards, asked_judge):
    await guards().check_request(talk("How bad is the rival?", "Fine.", "Go on."))
    assert asked_judge.heard == ["How bad is the rival?\nGo on."]


async def test_what_a_judge_refused_or_could_not_judge_is_judged_again(guards, asked_judge):
    asked_judge.answer = VIOLATES
    for _ in range(2):
        with pytest.raises(GuardrailRefused):
            await guards().check_request(talk("Rivals?"))
    asked_judge.answer = "I cannot say."
    await guards().check_request(talk("Rivals?"))
    asked_judge.answer = PASSES
    await guards().check_request(talk("Rivals?"))
    assert len(asked_judge.heard) == 4


@pytest.mark.parametrize("path", ["chat/completions", "embeddings"])
async def test_a_request_that_a_limit_refuses_has_paid_for_no_judge(client, gateway, app, path):
    limits = [{"requests": 1, "seconds": 60}]
    key = (await new_key(client, gateway.person, limits=limits))["key"]
    await guard(client, gateway, app, judge(gateway.model))
    body = {"model": gateway.model, "messages": [{"role": "user", "content": "Hello"}]}
    if path == "embeddings":
        body = {"model": "openai/text-embedding-3-small", "input": "Hello"}

    async def ask():
        url = f"{gateway.base_url}/{path}"
        return await client.post(url, json=body, headers=bearer(key))

    gateway.fake.will(say(Said(text=(PASSES,))))
    first = await ask()
    assert first.status_code == 200, first.text
    asked = len(gateway.fake.requests)
    assert asked == 2
    assert (await ask()).status_code == 429
    assert len(gateway.fake.requests) == asked


async def test_a_refusal_is_a_call_that_cost_nothing_and_no_failure_of_its_provider(
    client, gateway, kernel, app, asker
):
    await guard(client, gateway, app, judge(gateway.model))
    gateway.fake.will(say(Said(text=(VIOLATES,))))
    with pytest.raises(GuardrailRefused):
        await asker.ask("Is your rival better?")
    await app.state.inference.gate.flush()
    async with kernel.database.unit(SYSTEM) as session:
        found = select(ModelCall).where(ModelCall.workspace_id == asker.payer.workspace_id)
        calls = {call.purpose: call for call in await session.scalars(found)}
    refused = calls["gateway"]
    assert (refused.status, refused.error_code) == ("failed", "guardrail_refused")
    assert (refused.cost_usd, refused.input_tokens) == (0, 0)
    assert calls["guardrail"].status == "succeeded"
    board = app.state.inference.routes.board.of(f"{refused.integration_id}:{refused.model}")
    assert (board.errors, board.in_flight) == (0, 0)
