"""A provider fails, and the next one answers: unseen before the first token, at a seam after it."""

import asyncio

import orjson
import pytest

from app.inference.providers.types import CONTINUE_PROMPT
from tests.inference.calls.conftest import comments_of, text_of
from tests.support.fakes.base import (
    Said,
    body_of,
    drop_after,
    drop_before_head,
    error_after,
    garbage_after,
    raw_stream,
    say,
    send_frames,
    silence,
    status,
)
from tests.support.identity import until

# The attempt that fails and the one that goes on: bytes or events.
PAIRS = [("openai", "openai"), ("openai", "anthropic"), ("anthropic", "openai")]
of_every_openai = pytest.mark.parametrize("pair", PAIRS[:2], indirect=True)
of_every_way = pytest.mark.parametrize("pair", PAIRS, indirect=True)
BEFORE = {
    "rate": (status(429), "provider_rate_limited"),
    "failed": (status(500), "provider_failed"),
    "overloaded": (status(503), "provider_overloaded"),
    "key": (status(401), "provider_auth_failed"),
    "model": (status(404, "no such model"), "model_not_found"),
    "garbage": (body_of(b"{garbage"), "provider_garbled"),
    "page": (body_of(b"<html>", "text/html"), "provider_garbled"),
    "drop": (drop_before_head(), "provider_unreachable"),
    "silent": (silence(None), "provider_timed_out"),
    "mute": (silence(0), "provider_timed_out"),
    "late": (raw_stream(*[b": still here\n\n"] * 60, pause=0.05), "provider_timed_out"),
}
AFTER = {
    "drop": (drop_after(3), "provider_interrupted"),
    "garbage": (garbage_after(3), "provider_garbled"),
    "error": (error_after(3), "provider_overloaded"),
    "stall": (silence(3), "provider_timed_out"),
}
# A whole answer has no first token, and may take ten times as long.
STREAMED_ONLY = {"mute", "late", "silent"}
WAYS = [(fault, True) for fault in BEFORE] + [(f, False) for f in BEFORE if f not in STREAMED_ONLY]


@of_every_way
@pytest.mark.parametrize(("fault", "streaming"), WAYS)
async def test_before_the_first_token_nobody_notices(pair, fault, streaming):
    action, code = BEFORE[fault]
    pair.first.will(action)
    await pair.route()
    answer = await pair.ask(stream=streaming)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-luminous-route"] == "pair"
    assert answer.headers["x-luminous-model"] == "second/m"
    assert answer.headers["x-luminous-attempts"] == "2"
    said = text_of(answer) if streaming else answer.json()["choices"][0]["message"]["content"]
    assert said == "Hello, wörld 🌍"
    assert "failover" not in answer.text
    failed, answered = await pair.calls()
    assert (failed.status, failed.error_code, failed.attempt) == ("failed", code, 1)
    assert (answered.status, answered.attempt, answered.reference) == ("succeeded", 2, "second/m")
    assert str(answered.request_id) == answer.headers["x-luminous-call-id"]
    assert failed.request_id == answered.request_id
    assert (failed.input_tokens, failed.output_tokens) == (0, 0)


@of_every_way
@pytest.mark.parametrize("fault", AFTER)
async def test_after_it_the_next_one_goes_on_from_the_partial_text(pair, fault):
    action, code = AFTER[fault]
    pair.first.will(action)
    pair.second.will(say(Said((" and", " on"))))
    await pair.route()
    answer = await pair.ask(stream=True, stream_options={"include_usage": True})
    (seam,) = comments_of(answer, "failover")
    partial = text_of(answer)[: seam["offset"]]
    assert partial
    assert "Hello, wörld 🌍".startswith(partial)
    assert text_of(answer) == partial + " and on"
    assert seam | {"offset": 0} == {
        "offset": 0, "from": "first/m", "to": "second/m", "reason": code,
    }  # fmt: skip
    assert answer.text.count("data: [DONE]") == 1
    assert '"error"' not in answer.text
    chunks = [
        orjson.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")
    ]
    assert len({chunk["id"] for chunk in chunks}) == 1
    said = str(pair.second.last.body)
    assert partial in said
    assert CONTINUE_PROMPT in said
    failed, answered = await pair.calls()
    assert (failed.status, failed.error_code) == ("failed", code)
    assert failed.output_tokens > 0
    assert answered.status == "succeeded"
    usage = chunks[-1]["usage"]
    assert usage["prompt_tokens"] == failed.input_tokens + answered.input_tokens
    assert usage["completion_tokens"] == failed.output_tokens + answered.output_tokens


@of_every_way
async def test_the_rest_of_an_answer_reserves_for_what_it_is_told_of_the_beginning(pair):
    heard = "word " * 4000
    budget = {"name": "All", "subject": {"type": "workspace"}, "window": "total", "hard": True}
    price = {"model": "*", "input": "1000", "output": "0"}
    for path, body in (("budgets", budget | {"amount": "5"}), ("prices/overrides", price)):
        made = await pair.http.post(f"/v1/{path}", json=body, headers=pair.person.headers)
        assert made.status_code == 201, made.text

    async def break_off(fake, exchange, body):
        usage = {"prompt_tokens": 1, "completion_tokens": 1}
        frames = fake.frames(Said((heard,), usage=usage if fake.kind == "openai" else {}), body)
        await send_frames(exchange, frames[:-1], pause=0.03, end=False)

    pair.first.will(break_off)
    await pair.route()
    answer = await pair.ask(stream=True, max_tokens=10)
    # The rest would cost more than is left: what was heard is input of it.
    assert "provider_interrupted" in answer.text
    assert pair.second.requests == []


UNCONTINUED = {
    "structure": {"response_format": {"type": "json_object"}},
    "probabilities": {"logprobs": True},
    "several": {"n": 2},
}


@pytest.mark.parametrize("pair", [("openai", "openai")], indirect=True)
@pytest.mark.parametrize("wish", UNCONTINUED)
async def test_what_cannot_be_continued_rightly_ends_in_one_error(pair, wish):
    pair.first.will(drop_after(3))
    await pair.route()
    answer = await pair.ask(stream=True, **UNCONTINUED[wish])
    assert answer.text.count('"error":') == 1
    assert "provider_interrupted" in answer.text
    assert "[DONE]" not in answer.text
    assert len(await pair.calls()) == 1


@of_every_way
async def test_a_tool_call_that_has_begun_is_not_continued(pair):
    said = Said((), calls=(("call_1", "get_weather", {"city": "Oslo"}),))

    async def break_off(fake, exchange, body):
        frames = fake.frames(said, body)
        await exchange.start()
        for frame in frames[:-2]:
            await exchange.write(frame)
        exchange.abort()

    pair.first.will(break_off)
    await pair.route()
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
    answer = await pair.ask(stream=True, tools=[tool])
    assert answer.text.count('"error":') == 1
    assert "[DONE]" not in answer.text
    assert pair.second.requests == []


@of_every_openai
async def test_a_refusal_that_has_begun_is_not_gone_on_with_as_text(pair):
    said = Said((), extra={"refusal": "I cannot help with"})

    async def break_off(fake, exchange, body):
        await send_frames(exchange, fake.frames(said, body)[:-1], pause=0.03, end=False)

    pair.first.will(break_off)
    await pair.route()
    answer = await pair.ask(stream=True)
    assert "I cannot help with" in answer.text
    assert "provider_interrupted" in answer.text
    assert "[DONE]" not in answer.text
    assert pair.second.requests == []


async def test_a_policy_may_end_broken_streams_instead(pair):
    pair.first.will(drop_after(3))
    await pair.route(mid_stream="fail")
    answer = await pair.ask(stream=True)
    assert "provider_interrupted" in answer.text
    assert "[DONE]" not in answer.text
    assert pair.second.requests == []


async def test_all_fail_and_the_last_error_is_told(pair):
    pair.first.will(status(500))
    pair.second.will(status(529))
    await pair.route()
    answer = await pair.ask()
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "provider_overloaded"
    assert [call.status for call in await pair.calls()] == ["failed", "failed"]


async def test_a_mistake_of_the_client_is_told_and_nobody_else_is_asked(pair):
    pair.first.will(status(400, "Bad field."))
    await pair.route()
    assert (await pair.ask()).status_code == 400
    assert pair.second.requests == []


@pytest.mark.parametrize("pair", [("openai", "openai")], indirect=True)
async def test_a_refusal_is_the_answer_unless_the_policy_asks_on(pair):
    refused = b'{"error": {"message": "Blocked.", "code": "content_filter"}}'
    pair.first.will(body_of(refused, code=400))
    await pair.route()
    answer = await pair.ask()
    assert answer.json()["error"]["code"] == "content_filter"
    assert pair.second.requests == []


@pytest.mark.parametrize("pair", [("openai", "openai")], indirect=True)
@pytest.mark.parametrize("streaming", [False, True])
async def test_a_policy_may_ask_on_after_a_refusal(pair, streaming):
    pair.first.will(say(Said((), finish="content_filter")))
    await pair.route(on_content_filter="next")
    answer = await pair.ask(stream=streaming)
    assert answer.headers["x-luminous-model"] == "second/m"
    assert answer.status_code == 200


async def test_what_is_too_long_goes_to_the_models_for_that(pair):
    pair.first.will(status(400, "The prompt is too long: maximum context length is 8."))
    body = {
        "slug": "pair",
        "candidates": [{"model": "first/m"}],
        "on_overflow": [{"model": "second/m"}],
    }
    made = await pair.http.post("/v1/routes", json=body, headers=pair.person.headers)
    assert made.status_code == 201, made.text
    answer = await pair.ask()
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-luminous-model"] == "second/m"


@of_every_way
async def test_of_two_asked_at_once_the_first_token_wins_and_the_other_is_closed(pair):
    pair.first.will(silence(0))
    await pair.route(hedge_after=0.2)
    answer = await pair.ask(stream=True)
    assert text_of(answer) == "Hello, wörld 🌍"

    async def closed() -> bool:
        return pair.first.in_flight == 0

    await until(closed)
    slow, fast = await pair.calls()
    assert (slow.status, fast.status) == ("cancelled", "succeeded")
    assert slow.input_tokens > 0


async def test_the_first_one_that_is_quick_is_not_hedged(pair):
    await pair.route(hedge_after=2)
    answer = await pair.ask(stream=True)
    assert answer.headers["x-luminous-model"] == "first/m"
    assert pair.second.requests == []


@of_every_way
@pytest.mark.parametrize("begun", [0, 3])
async def test_a_client_that_leaves_closes_the_upstream(pair, begun):
    pair.first.will(silence(begun))
    await pair.route()
    asked = asyncio.create_task(pair.ask(stream=True))

    async def waiting() -> bool:
        return pair.first.in_flight == 1

    async def closed() -> bool:
        return pair.first.in_flight == 0

    await until(waiting)
    await asyncio.sleep(0.1)
    asked.cancel()
    await until(closed)
    (call,) = await pair.calls()
    assert (call.status, call.estimated) == ("cancelled", True)
    assert call.input_tokens > 0


async def test_the_whole_call_has_a_time_out_of_its_own(pair):
    pair.first.will(silence(None))
    await pair.route()
    answer = await pair.ask(headers={"X-Luminous-Timeout": "0.3"})
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "call_timed_out"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Luminous-Tags", "a b"),
        ("X-Luminous-Tags", ",".join(map(str, range(17)))),
        ("X-Luminous-Timeout", "soon"),
        ("X-Luminous-Timeout", "-1"),
        ("X-Customer-Id", "c" * 257),
        ("X-Luminous-Cache", "maybe"),
    ],
)
async def test_a_header_of_ours_that_cannot_be_read_is_refused(pair, name, value):
    assert (await pair.ask("first/m", headers={name: value})).status_code == 400
    assert pair.first.requests == []


@pytest.mark.parametrize("pair", [("anthropic", "openai")], indirect=True)
async def test_usage_ahead_of_the_answer_is_no_answer(pair):
    head = pair.first.frames(Said(), {"model": "m"})[0]
    pair.first.will(raw_stream(head, pause=0.03, end=False))
    await pair.route()
    answer = await pair.ask(stream=True)
    assert answer.headers["x-luminous-model"] == "second/m"
    assert text_of(answer) == "Hello, wörld 🌍"
