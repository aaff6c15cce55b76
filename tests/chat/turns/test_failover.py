"""A turn whose model breaks off: another one goes on, and the seam is kept."""

import pytest

from app.inference.providers.types import CONTINUE_PROMPT
from tests.support.chat import connected
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import Said, drop_after, garbage_after, say, silence, status
from tests.support.fakes.openai import FakeOpenAI


async def route(talker, *models, **failover):
    body = {"slug": "pair", "candidates": [{"model": m} for m in models], "failover": failover}
    made = await talker.call("POST", "/v1/routes", json=body)
    assert made.status_code == 201, made.text


async def answer_of(talker, streamed):
    conversation_id = streamed.events[2]["conversation_id"]
    return (await talker.messages(conversation_id))[-1]


async def test_before_the_first_token_the_next_model_answers_unseen(talker):
    first, second = FakeOpenAI(), FakeAnthropic()
    async with connected(talker, first), connected(talker, second):
        await route(talker, "openai/m", "anthropic/m")
        first.will(status(500))
        turn = await talker.ask("Hello", model="pair")
    message = turn["message"]
    assert (message["text"], message["seams"]) == ("Hello, wörld 🌍", [])
    assert (message["route"], message["model"]) == ("pair", "anthropic/m")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (drop_after(3), "provider_interrupted"),
        (garbage_after(3), "provider_garbled"),
        (silence(3), "provider_timed_out"),
    ],
)
async def test_after_it_the_next_one_goes_on_and_the_seam_is_stored(talker, fault, code):
    first, second = FakeOpenAI(), FakeAnthropic()
    async with connected(talker, first), connected(talker, second):
        await route(talker, "openai/m", "anthropic/m")
        first.will(fault)
        second.will(say(Said((" and", " on"))))
        streamed = await talker.stream_chat("Hello", model="pair")
        asked = str(second.requests[0].body)
    (event,) = [e for e in streamed.events if e["type"] == "failover"]
    assert (event["from"], event["to"], event["reason"]) == ("openai/m", "anthropic/m", code)
    assert streamed.types[-1] == "run.completed"
    message = await answer_of(talker, streamed)
    (seam,) = message["seams"]
    assert seam == {name: event[name] for name in ("offset", "from", "to", "reason")}
    partial = message["text"][: seam["offset"]]
    assert partial
    assert "Hello, wörld 🌍".startswith(partial)
    assert message["text"] == streamed.text == partial + " and on"
    assert partial in asked
    assert CONTINUE_PROMPT in asked
    used = streamed.events[-1]["usage"]
    assert (message["input_tokens"], message["output_tokens"]) == (
        used["input_tokens"],
        used["output_tokens"],
    )


async def test_a_turn_that_is_not_streamed_has_its_seams_as_the_schema_says(talker):
    first, second = FakeOpenAI(), FakeAnthropic()
    async with connected(talker, first), connected(talker, second):
        await route(talker, "openai/m", "anthropic/m")
        first.will(drop_after(3))
        second.will(say(Said((" and", " on"))))
        turn = await talker.ask("Hello", model="pair")
    (seam,) = turn["message"]["seams"]
    assert set(seam) == {"offset", "from", "to", "reason"}
    assert (seam["from"], seam["to"]) == ("openai/m", "anthropic/m")


async def test_what_a_turn_would_cost_is_told_with_its_route(talker):
    async with connected(talker, FakeOpenAI()):
        await route(talker, "openai/gpt-4o")
        body = {"messages": [{"role": "user", "content": "Hello"}], "model": "pair"}
        answer = await talker.call("POST", "/v1/chat?dry_run=true", json=body)
    told = answer.json()
    assert (told["model"], told["route"]) == ("openai/gpt-4o", "pair")
    assert float(told["input_cost_usd"]) > 0
