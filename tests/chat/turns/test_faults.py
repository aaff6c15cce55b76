"""A provider that fails: the documented error, and a conversation that goes on."""

from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.db import SYSTEM
from tests.support.chat import connected
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import (
    Said,
    body_of,
    cut_in_character,
    drop_after,
    drop_before_head,
    error_after,
    garbage_after,
    say,
    silence,
    status,
)
from tests.support.fakes.gemini import FakeGemini
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import until

QUICK = "demo/chat?tokens=3&delay_ms=0"

DEMO = [
    ("rate-limit", 429, "provider_rate_limited"),
    ("overloaded", 503, "provider_overloaded"),
    ("unauthorized", 502, "provider_auth_failed"),
    ("context-too-long", 400, "context_too_long"),
    ("content-filter", 400, "content_filtered"),
    ("error", 502, "provider_failed"),
    ("drop?delay_ms=1", 502, "provider_interrupted"),
    ("drop-early", 502, "provider_unreachable"),
    ("garbage?delay_ms=1", 502, "provider_garbled"),
    ("garbage-body", 502, "provider_garbled"),
    ("silent", 504, "provider_timed_out"),
    ("no-end?delay_ms=1", 502, "provider_garbled"),
]


@pytest.mark.parametrize(("model", "code", "name"), DEMO)
async def test_a_fault_of_the_demo_provider(talker, model, code, name):
    body = {"messages": [{"role": "user", "content": "Hello"}], "model": f"demo/{model}"}
    answer = await talker.call("POST", "/v1/chat", json=body)
    assert answer.status_code == code, answer.text
    problem = answer.json()
    assert problem["code"] == name
    assert answer.headers["content-type"] == "application/problem+json"
    listed = (await talker.call("GET", "/v1/conversations")).json()["data"]
    failed = (await talker.messages(listed[0]["id"]))[-1]
    assert (failed["status"], failed["error"]["code"]) == ("failed", name)
    assert bool(failed["text"]) == model.startswith(("drop?", "garbage?", "no-end"))
    turn = await talker.turn(listed[0]["id"], content="Still there?", model=QUICK)
    assert turn["message"]["status"] == "complete"


@pytest.mark.parametrize(("model", "code", "name"), DEMO)
async def test_a_fault_in_a_stream_is_its_one_terminal_event(talker, model, code, name):
    streamed = await talker.stream_chat("Hello", model=f"demo/{model}")
    assert streamed.status == 200
    assert streamed.types[-1] == "run.failed"
    assert sum(kind.startswith("run.") and kind != "run.started" for kind in streamed.types) == 2
    error = streamed.events[-1]["error"]
    assert (error["status"], error["code"]) == (code, name)


FAULTS = [
    (status(401), "provider_auth_failed"),
    (status(429), "provider_rate_limited"),
    (status(429, headers={"retry-after": "7"}), "provider_rate_limited"),
    (status(500), "provider_failed"),
    (status(529), "provider_overloaded"),
    (body_of(b"{garbage", "application/json"), "provider_garbled"),
    (garbage_after(3), "provider_garbled"),
    (silence(), "provider_timed_out"),
    (silence(None), "provider_timed_out"),
    (drop_before_head(), "provider_unreachable"),
    (drop_after(3), "provider_interrupted"),
    (error_after(3), "provider_overloaded"),
]


@pytest.mark.parametrize("kind", [FakeOpenAI, FakeAnthropic, FakeGemini])
async def test_the_faults_of_every_vendor(talker, kind):
    fake = kind()
    async with connected(talker, fake) as slug:
        first = await talker.ask("Hello", model=f"{slug}/some-model")
        path = f"/v1/conversations/{first['conversation_id']}/turns"
        await talker.titled(first["conversation_id"])
        for number, (action, name) in enumerate(FAULTS):
            fake.will(action)
            # A model each: the breaker of one that fails again and again opens.
            body = {"content": "Again", "model": f"{slug}/model-{number}"}
            answer = await talker.call("POST", path, json=body)
            assert answer.json().get("code") == name, (name, answer.text)
            assert 400 <= answer.status_code < 600
        after = await talker.turn(
            first["conversation_id"], content="And now?", model=f"{slug}/some-model"
        )
        assert after["message"]["text"] == "Hello, wörld 🌍"


@pytest.mark.parametrize("kind", [FakeOpenAI, FakeAnthropic, FakeGemini])
async def test_a_character_cut_in_two_arrives_whole(talker, kind):
    fake = kind()
    fake.will(cut_in_character())
    async with connected(talker, fake) as slug:
        turn = await talker.ask("Hello", model=f"{slug}/some-model")
    assert turn["message"]["text"] == "Hello, wörld 🌍"


async def test_nobody_listening_is_told_as_unreachable(talker):
    async with FakeOpenAI() as fake:
        address = fake.url
    await talker.integrate("openai", f"{address}/v1", "gone")
    body = {"messages": [{"role": "user", "content": "Hello"}], "model": "gone/x"}
    answer = await talker.call("POST", "/v1/chat", json=body)
    assert (answer.status_code, answer.json()["code"]) == (502, "provider_unreachable")


async def test_a_retry_after_reaches_the_client_of_a_whole_answer(talker):
    model = "demo/rate-limit?retry_after=9"
    body = {"messages": [{"role": "user", "content": "Hello"}], "model": model}
    answer = await talker.call("POST", "/v1/chat", json=body)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "9"


async def test_a_title_that_fails_costs_nothing_and_leaves_the_fallback(talker, kernel, app):
    fake = FakeOpenAI()
    fake.will(say(Said()), status(500))
    async with connected(talker, fake) as slug:
        turn = await talker.ask("What is a lighthouse?", model=f"{slug}/gpt-4o")

        async def ended():
            query = {"kind": "conversation_title", "status": "failed"}
            return (await talker.call("GET", "/v1/runs", params=query)).json()["data"]

        await until(ended)
    conversation = await talker.conversation(turn["conversation_id"])
    assert (conversation["title"], conversation["title_source"]) == (
        "What is a lighthouse?",
        "fallback",
    )
    await app.state.inference.gate.flush()
    async with kernel.database.unit(SYSTEM) as session:
        rows = await session.execute(
            text(
                "select status, error_code, input_tokens, output_tokens from model_calls "
                "where user_id = :user and purpose = 'conversation_title'"
            ),
            {"user": UUID(talker.person.user_id)},
        )
        assert [tuple(row) for row in rows] == [("failed", "provider_failed", 0, 0)]
