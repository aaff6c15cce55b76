"""A turn: asked, answered, kept; branches; the model changed on the way."""

import asyncio
import base64

import pytest

from tests.support.chat import connected
from tests.support.fakes.anthropic import FakeAnthropic
from tests.support.fakes.base import Said, say
from tests.support.fakes.gemini import FakeGemini
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import until

QUICK = "demo/chat?tokens=12&delay_ms=0"


async def test_one_call_answers_and_keeps_the_conversation(talker):
    turn = await talker.ask("Hello there", model=QUICK)
    message = turn["message"]
    assert message["role"] == "assistant"
    assert message["status"] == "complete"
    assert len(message["text"].split()) == 12
    assert message["finish_reason"] == "stop"
    assert (message["input_tokens"], message["output_tokens"]) == (2, 12)
    assert message["cost_usd"] == "0"
    kept = await talker.messages(turn["conversation_id"])
    assert [m["role"] for m in kept] == ["user", "assistant"]
    assert kept[0]["parts"] == [{"type": "text", "text": "Hello there"}]
    assert kept[1] == message


async def test_earlier_messages_and_system_prompts_are_part_of_the_conversation(talker):
    fake = FakeOpenAI()
    async with connected(talker, fake) as slug:
        body = {
            "model": f"{slug}/gpt-4o",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "One?"},
                {"role": "assistant", "content": "One."},
                {"role": "user", "content": "Two?"},
            ],
        }
        answer = await talker.call("POST", "/v1/chat", json=body)
        assert answer.status_code == 200, answer.text
        asked = next(r for r in fake.requests if r.path.endswith("completions"))
    assert [(m["role"], m["content"]) for m in asked.body["messages"]] == [
        ("system", "Be brief."),
        ("user", "One?"),
        ("assistant", "One."),
        ("user", "Two?"),
    ]
    conversation = await talker.conversation(answer.json()["conversation_id"])
    assert conversation["instructions"] == "Be brief."
    assert len(await talker.messages(conversation["id"])) == 4


async def test_the_stream_has_gapless_ids_from_the_first_event_and_one_end(talker):
    streamed = await talker.stream_chat("Hello", model=QUICK)
    run_id = streamed.headers["x-run-id"]
    assert streamed.status == 200
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert streamed.ids == [f"{run_id}:{n}" for n in range(1, len(streamed.ids) + 1)]
    assert streamed.types[:3] == ["run.created", "run.started", "message.created"]
    assert streamed.types[-2:] == ["usage.updated", "run.completed"]
    assert set(streamed.types[3:-2]) == {"text.delta"}
    assert len(streamed.text.split()) == 12
    assert streamed.events[2]["demo"] is True


async def test_reasoning_is_streamed_and_kept_apart(talker):
    streamed = await talker.stream_chat("Hm?", model="demo/reasoning?tokens=6&delay_ms=0")
    assert "reasoning.delta" in streamed.types
    conversation_id = streamed.events[-1]["result"]["conversation_id"]
    kept = (await talker.messages(conversation_id))[-1]
    assert [part["type"] for part in kept["parts"]] == ["reasoning", "text"]
    assert kept["text"] == streamed.text


async def test_the_model_can_change_in_mid_conversation(talker):
    async with connected(talker, FakeAnthropic()) as slug:
        first = await talker.ask("First", model=QUICK)
        conversation_id = first["conversation_id"]
        second = await talker.turn(conversation_id, content="Second", model=f"{slug}/claude-x")
        third = await talker.turn(conversation_id, content="Third")
    assert second["message"]["model"] == third["message"]["model"] == "anthropic/claude-x"
    assert second["message"]["text"] == "Hello, wörld 🌍"
    assert [m["model"] for m in await talker.messages(conversation_id) if m["model"]] == [
        QUICK,
        "anthropic/claude-x",
        "anthropic/claude-x",
    ]


@pytest.mark.parametrize("kind", [FakeOpenAI, FakeAnthropic, FakeGemini])
async def test_every_vendor_sees_the_history_and_the_images(talker, kind):
    pixel = base64.b64encode(b"\x89PNG fake").decode()
    fake = kind()
    async with connected(talker, fake) as slug:
        content = [
            {"type": "text", "text": "What is this?"},
            {"type": "image", "media_type": "image/png", "data": pixel},
        ]
        first = await talker.ask(content, model=f"{slug}/some-model")
        await talker.titled(first["conversation_id"])
        fake.will(say(Said(("Again.",))))
        fake.requests.clear()
        second = await talker.turn(first["conversation_id"], content="And now?")
        seen = str(next(r for r in fake.requests if "And now?" in str(r.body)).body)
    assert second["message"]["text"] == "Again."
    assert pixel in seen
    assert "What is this?" in seen
    assert "Hello, wörld 🌍" in seen


async def test_editing_regenerating_and_choosing_make_branches(talker):
    first = await talker.ask("A", model=QUICK)
    conversation_id = first["conversation_id"]
    question, answer = await talker.messages(conversation_id)
    again = await talker.turn(conversation_id, regenerate_message_id=answer["id"])
    assert again["message"]["parent_id"] == question["id"]
    edited = await talker.turn(conversation_id, content="B", edit_message_id=question["id"])
    shown = await talker.messages(conversation_id)
    assert [m["text"] for m in shown if m["role"] == "user"] == ["B"]
    assert shown[-1]["id"] == edited["message"]["id"]
    below = await talker.turn(conversation_id, content="C", parent_message_id=answer["id"])
    assert len(await talker.messages(conversation_id, branch="all")) == 7
    path = f"/v1/conversations/{conversation_id}/messages"
    chosen = await talker.call("POST", f"{path}/{question['id']}/choose")
    assert chosen.json()["current_message_id"] == below["message"]["id"]
    chosen = await talker.call("POST", f"{path}/{again['message']['id']}/choose")
    assert chosen.json()["current_message_id"] == again["message"]["id"]
    assert [m["id"] for m in await talker.messages(conversation_id)] == [
        question["id"],
        again["message"]["id"],
    ]


async def test_an_edit_must_name_a_user_message(talker):
    turn = await talker.ask("A", model=QUICK)
    path = f"/v1/conversations/{turn['conversation_id']}/turns"
    body = {"content": "B", "edit_message_id": turn["message"]["id"]}
    answer = await talker.call("POST", path, json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/edit_message_id"


async def test_a_second_turn_waits_for_the_first(talker):
    slow = await talker.stream_chat("Slow", model="demo/chat?tokens=2000&delay_ms=20", most=4)
    conversation_id = slow.events[2]["conversation_id"]
    path = f"/v1/conversations/{conversation_id}/turns"
    busy = await talker.call("POST", path, json={"content": "Me too"})
    assert (busy.status_code, busy.json()["code"]) == (409, "conversation_busy")
    assert busy.headers["retry-after"]
    await talker.call("POST", f"/v1/runs/{slow.headers['x-run-id']}/cancel")

    async def ended():
        return not (await talker.conversation(conversation_id))["active_run_id"]

    await until(ended)
    assert (await talker.turn(conversation_id, content="Now", model=QUICK))["message"]["text"]


async def test_the_model_writes_the_title_after_the_fallback(talker):
    turn = await talker.ask("What is the capital of the moon, please?", model=QUICK)
    assert (await talker.conversation(turn["conversation_id"]))["title"]
    conversation = await talker.titled(turn["conversation_id"])
    assert conversation["title_source"] == "model"
    assert conversation["title"].startswith("What is the capital")
    assert len(conversation["title"]) <= 80


async def test_a_title_that_a_user_gave_stays(talker):
    made = await talker.call("POST", "/v1/conversations", json={"title": "Mine"})
    await talker.turn(made.json()["id"], content="Hello", model=QUICK)
    await asyncio.sleep(0.2)
    assert (await talker.conversation(made.json()["id"]))["title"] == "Mine"


async def test_without_a_model_the_usual_one_answers(talker):
    turn = await talker.ask("Hello", parameters={"max_output_tokens": 5})
    assert turn["message"]["model"] == "demo/chat"


async def test_an_unknown_model_is_refused_before_anything_is_kept(talker):
    body = {"messages": [{"role": "user", "content": "x"}], "model": "nobody/nothing"}
    answer = await talker.call("POST", "/v1/chat", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "model_unknown")
    assert answer.json()["errors"][0]["pointer"] == "/body/model"
    assert (await talker.call("GET", "/v1/conversations")).json()["data"] == []
