"""Hints that no provider may make a request fail: who it is for, and what shares a prompt."""

import openai
import orjson
import pytest
from openai import AsyncOpenAI

from app.inference.calls.questions import question_of
from app.inference.dialects.openai_chat import OpenAIChat
from app.inference.dialects.openai_responses import OpenAIResponses
from tests.inference.relay.asking import HELLO, calls_of
from tests.inference.relay.conftest import every_vendor, open_gateway
from tests.support.fakes.openai import FakeOpenAI

HINTS = {"safety_identifier": "user-7", "prompt_cache_key": "faust"}


def asked_both_ways(sdk, model, **more):
    return (
        lambda: sdk.chat.completions.create(model=model, messages=HELLO, **more),
        lambda: sdk.responses.create(model=model, input="Hello", **more),
    )


@every_vendor
async def test_the_end_user_is_the_customer_whoever_answers(sdk, gateway, kernel, ledger):
    for ask in asked_both_ways(sdk, gateway.model, **HINTS):
        await ask()
    calls = await calls_of(kernel, ledger, gateway)
    assert [call.customer for call in calls] == ["user-7", "user-7"]
    sent = orjson.dumps([request.body for request in gateway.fake.requests])
    assert sent.count(b"user-7") == (0 if gateway.fake.kind == "gemini" else 2)
    assert sent.count(b"faust") == (2 if gateway.fake.kind == "openai" else 0)


@pytest.mark.parametrize(
    ("kind", "has_user", "has_key"), [("mistral", False, False), ("groq", True, False)]
)
async def test_servers_that_refuse_a_field_are_not_sent_it(
    client, address, kernel, ledger, kind, has_user, has_key
):
    async with FakeOpenAI() as fake:
        gateway = await open_gateway(client, address, fake, kind)
        async with AsyncOpenAI(base_url=gateway.base_url, api_key=gateway.key) as sdk:
            await sdk.responses.create(model=gateway.model, input="Hello", **HINTS)
            if kind == "mistral":
                await sdk.chat.completions.create(model=gateway.model, messages=HELLO, **HINTS)
        for request in fake.requests:
            assert ("user" in request.body) == has_user
            assert ("prompt_cache_key" in request.body) == has_key
            assert "safety_identifier" not in request.body
        calls = await calls_of(kernel, ledger, gateway)
        assert {call.customer for call in calls} == {"user-7"}


@pytest.mark.parametrize("gateway", ["gemini"], indirect=True)
async def test_an_end_user_that_nobody_can_be_told_of_is_refused_by_name(sdk, gateway):
    for ask in asked_both_ways(sdk, gateway.model, user="x" * 257):
        with pytest.raises(openai.BadRequestError) as refused:
            await ask()
        assert (refused.value.param, refused.value.code) == ("user", "unsupported_parameter")
    assert gateway.fake.requests == []


@pytest.mark.parametrize(
    ("dialect", "turns"), [(OpenAIChat(), "messages"), (OpenAIResponses(), "input")]
)
def test_the_key_of_a_prompt_is_what_a_sticky_route_goes_by(dialect, turns):
    def sticky(text, **more):
        body = {"model": "fast", turns: [{"role": "user", "content": text}], **more}
        question = question_of(dialect.read(orjson.dumps(body)), dialect.name, None)
        question.read()
        return question.sticky

    assert sticky("One", prompt_cache_key="faust") == sticky("Two", prompt_cache_key="faust")
    assert sticky("One", prompt_cache_key="faust") != sticky("One", prompt_cache_key="hamlet")
    assert sticky("One") != sticky("Two")
    assert sticky("One", prompt_cache_key="") == sticky("One")
