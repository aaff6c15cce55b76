"""Guardrails around real calls: what the provider is sent, and what the client gets."""

import orjson
import pytest

from app.inference.guardrails.errors import GuardrailRefused, GuardrailUnavailable
from tests.support.fakes.base import Said, body_of, say, status

MASK = {"kind": "personal_data", "action": "mask", "entities": ["EMAIL"]}
SECRET = "sk-proj-" + "aB3" * 12
streamed = pytest.mark.parametrize("stream", [False, True])


async def guard(client, gateway, app, *checks, **fields):
    body = {"name": "Policy", "checks": list(checks), **fields}
    made = await client.post("/v1/guardrails", json=body, headers=gateway.person.headers)
    assert made.status_code == 201, made.text
    return made.json()


@streamed
async def test_values_are_masked_for_the_provider_and_restored_for_the_client(
    client, gateway, app, asker, stream
):
    await guard(client, gateway, app, MASK)
    gateway.fake.will(say(Said(text=("I wrote to [EM", "AIL_", "1] and [EMAIL_9]."))))
    await asker.ask("Write to ann@example.com, again: ann@example.com", stream=stream)
    sent = gateway.fake.last.body["messages"][0]["content"]
    assert orjson.dumps(sent).decode().count("[EMAIL_1]") == 2
    assert "ann@example.com" not in str(gateway.fake.last.body)
    assert asker.text == "I wrote to ann@example.com and [EMAIL_9]."


@streamed
async def test_what_the_model_itself_gives_away_is_masked_and_stays_so(
    client, gateway, app, asker, stream
):
    await guard(client, gateway, app, {"kind": "secrets", "stage": "output"})
    gateway.fake.will(say(Said(text=("The key is ", SECRET[:9], SECRET[9:], ", as you know."))))
    await asker.ask("What is the key?", stream=stream)
    assert asker.text == "The key is [OPENAI_KEY_1], as you know."
    assert SECRET.encode() not in asker.bytes


async def test_a_refused_request_never_reaches_the_provider(client, gateway, app, asker):
    await guard(client, gateway, app, {"kind": "secrets", "action": "refuse"}, name="No secrets")
    with pytest.raises(GuardrailRefused) as refused:
        await asker.ask(f"Use {SECRET}")
    assert gateway.fake.requests == []
    assert (refused.value.policy, refused.value.check) == ("No secrets", "secrets")
    assert SECRET not in refused.value.detail


async def test_a_stream_is_refused_in_its_middle_by_a_typed_error(client, gateway, app, asker):
    await guard(client, gateway, app, {"kind": "regex", "pattern": "zebra", "stage": "output"})
    words = tuple(f"word {n} " for n in range(60))
    gateway.fake.will(say(Said(text=(*words, "a ze", "bra ", "and more"))))
    await asker.ask("Tell me", stream=True)
    assert asker.chunks[-1]["error"]["code"] == "guardrail_refused"
    assert b"word 5 " in asker.bytes
    assert b"zebra" not in asker.bytes
    assert b"[DONE]" not in asker.bytes
    assert not any(
        choice["finish_reason"] for chunk in asker.chunks for choice in chunk.get("choices", ())
    )


async def test_arguments_of_tool_calls_are_masked_and_restored(client, gateway, app, asker):
    await guard(client, gateway, app, MASK)
    call = ("c1", "send", {"to": "[EMAIL_1]", "cc": "bob@example.com"})
    gateway.fake.will(say(Said(text=(), calls=(call,))))
    tool = {"type": "function", "function": {"name": "send", "parameters": {"type": "object"}}}
    await asker.ask("Write to ann@example.com", stream=True, tools=[tool])
    arguments = "".join(
        call["function"]["arguments"]
        for chunk in asker.chunks
        for choice in chunk["choices"]
        for call in choice["delta"].get("tool_calls", ())
    )
    assert orjson.loads(arguments) == {"to": "ann@example.com", "cc": "[EMAIL_2]"}


async def test_a_workspace_without_a_guardrail_has_its_bytes_passed(gateway, asker):
    await asker.ask("ann@example.com", stream=True, a_parameter_of_tomorrow=1)
    assert gateway.fake.last.body["a_parameter_of_tomorrow"] == 1
    assert "ann@example.com" in str(gateway.fake.last.body)


async def test_a_guardrail_for_a_tag_leaves_other_calls_alone(client, gateway, app, asker):
    await guard(client, gateway, app, MASK, applies_to={"tags": ["public"]})
    await asker.ask("ann@example.com")
    assert "ann@example.com" in str(gateway.fake.last.body)


def judge(model, **more):
    policy = "No questions about rivals."
    return {"kind": "judge", "model": model, "policy": policy, **more}


async def test_a_judging_model_refuses_and_is_a_call_of_its_own(client, gateway, app, asker):
    await guard(client, gateway, app, judge(gateway.model))
    verdict = '{"violates": true, "score": 0.9, "reason": "asks about a rival"}'
    gateway.fake.will(say(Said(text=(verdict,))))
    with pytest.raises(GuardrailRefused, match="judge"):
        await asker.ask("Is your rival better?")
    assert len(gateway.fake.requests) == 1
    system, user = gateway.fake.last.body["messages"]
    assert "No questions about rivals." in str(system)
    assert "Is your rival better?" in str(user)


@pytest.mark.parametrize("answer", ["I cannot say.", '{"violates": "perhaps"}'])
async def test_a_judge_that_fails_lets_pass_or_refuses_as_the_policy_says(
    client, gateway, app, asker, answer
):
    made = await guard(client, gateway, app, judge(gateway.model))
    gateway.fake.will(say(Said(text=(answer,))))
    await asker.ask("Hello")
    assert asker.text == "Hello, wörld 🌍"
    closed = {"checks": [judge(gateway.model, on_error="closed")]}
    address = f"/v1/guardrails/{made['id']}"
    assert (await client.patch(address, json=closed, headers=gateway.person.headers)).is_success
    gateway.fake.will(say(Said(text=(answer,))))
    with pytest.raises(GuardrailUnavailable):
        await asker.ask("Hello")


async def test_a_moderation_endpoint_is_asked_about_request_and_answer(client, gateway, app, asker):
    await guard(client, gateway, app, {"kind": "moderation", "categories": ["violence"]})
    calm, violent = (
        body_of(orjson.dumps({"results": [{"category_scores": {"violence": v, "hate": 0.9}}]}))
        for v in (0.1, 0.9)
    )
    gateway.fake.will(calm, say(Said()), violent)
    await asker.ask("Hello", stream=True)
    assert [r.path for r in gateway.fake.requests] == [
        "/v1/moderations", "/v1/chat/completions", "/v1/moderations",
    ]  # fmt: skip
    assert asker.chunks[-1]["error"]["code"] == "guardrail_refused"
    gateway.fake.will(status(500), say(Said()), calm)
    await asker.ask("Hello again")
    assert asker.text == "Hello, wörld 🌍"


async def test_a_moderation_without_an_end_is_a_check_that_fails(client, gateway, app, asker):
    await guard(
        client, gateway, app, {"kind": "moderation", "stage": "input", "on_error": "closed"}
    )
    gateway.fake.will(body_of(b'{"results": [' + b" " * 2**21 + b'{"category_scores": {}}]}'))
    with pytest.raises(GuardrailUnavailable):
        await asker.ask("Hello")


@streamed
async def test_an_operator_can_count_what_a_guardrail_flagged(client, gateway, app, asker, stream):
    flags = {"kind": "regex", "pattern": "rival", "action": "flag", "stage": "input"}
    flagging = await guard(client, gateway, app, flags, MASK)
    other = await guard(client, gateway, app, MASK)
    await asker.ask("About a rival, a rival: ann@example.com", stream=stream)
    header = asker.headers[b"x-luminous-guardrails"].decode()
    assert set(header.split(", ")) == {
        f"flag={flagging['id']}", f"mask={flagging['id']}", f"mask={other['id']}",
    }  # fmt: skip
    await asker.ask("Nothing to see", stream=stream)
    assert b"x-luminous-guardrails" not in asker.headers
    await app.state.inference.gate.flush()

    async def counted(**query):
        answer = await client.get("/v1/usage", params=query, headers=gateway.person.headers)
        assert answer.status_code == 200, answer.text
        return sum(row["calls"] for row in answer.json()["data"])

    assert await counted() == 2
    assert await counted(guardrail=other["id"]) == 1
    assert await counted(guardrail=flagging["id"], guardrail_action="flag") == 1
    assert await counted(guardrail=other["id"], guardrail_action="flag") == 0
    calls = await client.get("/v1/usage/calls", headers=gateway.person.headers)
    found = {(each["guardrail_id"], each["action"], each["label"])
             for call in calls.json()["data"] for each in call["guardrails"]}  # fmt: skip
    assert found == {
        (flagging["id"], "flag", "MATCH"), (flagging["id"], "mask", "EMAIL"),
        (other["id"], "mask", "EMAIL"),
    }  # fmt: skip
    exported = await client.get("/v1/usage/export", headers=gateway.person.headers)
    assert f"flag:{flagging['id']}" in exported.text
