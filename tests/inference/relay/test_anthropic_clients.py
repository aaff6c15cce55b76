"""Anthropic's own client, unmodified, in front of each vendor's fake."""

from base64 import b64encode
from contextlib import suppress

import anthropic
import orjson
import pytest

from tests.inference.relay.asking import ended_calls, settled_calls
from tests.inference.relay.conftest import every_vendor
from tests.support.fakes.base import Said, drop_after, error_after, raw_stream, say, status

TEXT = "Hello, wörld 🌍"
HELLO = [{"role": "user", "content": "Hello"}]
CALLS = (("call_1", "get_weather", {"city": "Paris"}), ("call_2", "get_weather", {"city": "Rome"}))
WEATHER = {"name": "get_weather", "input_schema": {"type": "object"}}
# How many frames of each vendor's stream hold the first word, and not yet the last.
FIRST_WORDS = {"openai": 2, "anthropic": 4, "gemini": 2}
translated = pytest.mark.parametrize("gateway", ["openai", "gemini"], indirect=True)
passed = pytest.mark.parametrize("gateway", ["anthropic"], indirect=True)


@pytest.fixture
async def claude(gateway, address):
    async with anthropic.AsyncAnthropic(
        base_url=f"{address}/anthropic", api_key=gateway.key, max_retries=0, timeout=20
    ) as client:
        yield client


async def streamed(claude, gateway, **more):
    async with claude.messages.stream(
        model=gateway.model, max_tokens=99, messages=more.pop("messages", HELLO), **more
    ) as stream:
        return await stream.get_final_message()


async def whole(claude, gateway, **more):
    return await claude.messages.create(
        model=gateway.model, max_tokens=99, messages=more.pop("messages", HELLO), **more
    )


@every_vendor
async def test_a_text_comes_whole_and_streamed_with_its_usage(claude, gateway, kernel, ledger):
    for ask in (whole, streamed):
        message = await ask(claude, gateway)
        assert message.content[0].text == TEXT
        assert message.stop_reason == "end_turn"
        assert message.usage.cache_read_input_tokens == 20
        assert message.usage.output_tokens == 50
    calls = await settled_calls(kernel, ledger, gateway, 2)
    assert [call.output_tokens for call in calls] == [50, 50]
    assert [call.input_tokens for call in calls] == [120, 120]


@passed
@pytest.mark.parametrize("leaves", [False, True])
async def test_what_a_stream_had_written_is_paid_where_it_ends_early(
    claude, gateway, kernel, ledger, leaves
):
    said = Said(text=("A piece of text of forty characters, yes",) * 50)

    async def begin(fake, exchange, body):
        await exchange.start()
        for frame in fake.frames(said, body)[:-3]:
            await exchange.write(frame)
        if leaves:
            await exchange.until_gone()
        exchange.abort()

    gateway.fake.will(begin)
    asked = {"model": gateway.model, "max_tokens": 9999, "messages": HELLO}
    words = 0
    with suppress(anthropic.APIError):
        async with claude.messages.stream(**asked) as stream:
            async for _ in stream.text_stream:
                words += 1
                if leaves and words == 50:
                    break
    assert words == 50
    (call,) = await ended_calls(kernel, ledger, gateway, 1)
    assert call.status == ("cancelled" if leaves else "failed")
    # Its beginning says that one token was written.
    assert (call.input_tokens, call.estimated) == (120, True)
    assert call.output_tokens == pytest.approx(500, rel=0.1)


@every_vendor
async def test_thoughts_and_parallel_calls_come_with_their_arguments(claude, gateway):
    said = Said(text=("Look:",), reasoning=("Hm", "."), signature="c2ln", calls=CALLS)
    gateway.fake.will(say(said), say(said))
    for ask in (whole, streamed):
        message = await ask(claude, gateway, tools=[WEATHER])
        assert message.stop_reason == "tool_use"
        found = [block for block in message.content if block.type == "tool_use"]
        assert [(b.id, b.input) for b in found] == [
            ("call_1", {"city": "Paris"}),
            ("call_2", {"city": "Rome"}),
        ]
        thoughts = [block for block in message.content if block.type == "thinking"]
        assert "".join(block.thinking for block in thoughts) == "Hm."


@every_vendor
async def test_an_answer_goes_back_with_its_results(claude, gateway):
    said = Said(text=(), reasoning=("Hm.",), signature="c2ln", calls=CALLS[:1])
    gateway.fake.will(say(said))
    first = await streamed(claude, gateway, tools=[WEATHER])
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": "sunny"}
    messages = [
        *HELLO,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    message = await whole(claude, gateway, messages=messages, tools=[WEATHER])
    assert message.content[0].text == TEXT
    sent = orjson.dumps(gateway.fake.last.body)
    assert b"sunny" in sent
    assert b"luminous" not in sent
    if gateway.fake.kind != "openai":
        assert b"c2ln" in sent


@translated
async def test_images_documents_and_a_schema_reach_the_provider(claude, gateway):
    source = {"type": "base64", "data": b64encode(b"bytes").decode()}
    content = [
        {"type": "image", "source": source | {"media_type": "image/png"}},
        {"type": "document", "source": source | {"media_type": "application/pdf"}},
        {"type": "text", "text": "What is it?"},
    ]
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    await whole(
        claude,
        gateway,
        messages=[{"role": "user", "content": content}],
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )
    sent = orjson.dumps(gateway.fake.last.body)
    assert sent.count(source["data"].encode()) == 2
    assert orjson.dumps(schema) in sent


@passed
async def test_bytes_pass_with_what_nobody_here_has_heard_of(claude, gateway):
    await whole(
        claude,
        gateway,
        extra_body={"novelty": {"x": [1.0]}},
        extra_headers={"anthropic-beta": "novelty-2027-01-01"},
    )
    assert gateway.fake.last.body["novelty"] == {"x": [1.0]}
    assert gateway.fake.last.body["model"] == "claude-fake"
    assert gateway.fake.last.headers["anthropic-beta"] == "novelty-2027-01-01"


@translated
async def test_what_cannot_be_translated_is_refused_by_name(claude, gateway):
    with pytest.raises(anthropic.BadRequestError, match=r"tools\.0\.type") as refused:
        await whole(claude, gateway, tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert refused.value.body["error"]["type"] == "invalid_request_error"
    assert gateway.fake.requests == []


@every_vendor
async def test_errors_are_the_clients_own(claude, gateway):
    gateway.fake.will(status(429, headers={"retry-after": "7"}))
    with pytest.raises(anthropic.RateLimitError) as refused:
        await whole(claude, gateway)
    assert refused.value.response.headers["retry-after"] == "7"
    with pytest.raises(anthropic.NotFoundError):
        await claude.messages.create(model="nowhere/x", max_tokens=9, messages=HELLO)
    with pytest.raises(anthropic.AuthenticationError):
        await claude.with_options(api_key="lum_wrong").messages.create(
            model=gateway.model, max_tokens=9, messages=HELLO
        )


@every_vendor
@pytest.mark.parametrize("fault", [drop_after, error_after])
async def test_a_stream_that_breaks_off_ends_in_an_error(claude, gateway, fault):
    gateway.fake.will(fault(FIRST_WORDS[gateway.fake.kind]))
    text = ""
    with pytest.raises(anthropic.APIError):  # noqa: PT012 - it is read until it breaks
        async with claude.messages.stream(
            model=gateway.model, max_tokens=99, messages=HELLO
        ) as stream:
            async for event in stream:
                text += event.text if event.type == "text" else ""
    assert text
    assert text != TEXT


@passed
async def test_a_broken_stream_is_told_as_an_event(claude, gateway, client):
    frames = gateway.fake.frames(Said(), {"model": "m"})
    gateway.fake.will(raw_stream(*frames[:3], b"data: nonsense\n\n"))
    body = {"model": gateway.model, "max_tokens": 9, "messages": HELLO, "stream": True}
    answer = await client.post("/anthropic/v1/messages", json=body, headers=gateway.headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *_, last = answer.text.strip().split("\n\n")
    assert last.startswith("event: error\ndata: ")
    assert "message_stop" not in answer.text


@every_vendor
async def test_tokens_are_counted_by_the_provider_or_by_an_estimate_that_says_so(claude, gateway):
    if gateway.fake.kind == "anthropic":
        gateway.fake.counts = 42
    counted = await claude.messages.with_raw_response.count_tokens(
        model=gateway.model, messages=HELLO, system="Be brief."
    )
    estimated = counted.headers.get("x-luminous-token-count")
    tokens = (await counted.parse()).input_tokens
    if gateway.fake.kind == "anthropic":
        assert (tokens, estimated) == (42, None)
        assert gateway.fake.last.path.endswith("/messages/count_tokens")
        assert gateway.fake.last.body["model"] == "claude-fake"
    else:
        assert estimated == "estimate"
        assert 0 < tokens < 100
        assert gateway.fake.requests == []


@passed
async def test_betas_are_counted_as_they_will_be_asked(claude, gateway):
    await claude.beta.messages.count_tokens(model=gateway.model, messages=HELLO, betas=["new"])
    assert gateway.fake.last.headers["anthropic-beta"].split(",")[0] == "new"


@every_vendor
async def test_models_are_listed_and_shown(claude, gateway):
    listed = [model async for model in claude.models.list()]
    shown = await claude.models.retrieve(gateway.model)
    assert gateway.model in [model.id for model in listed]
    assert (shown.id, shown.type) == (gateway.model, "model")
    with pytest.raises(anthropic.NotFoundError):
        await claude.models.retrieve("nowhere/x")


@anthropic.beta_async_tool
async def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


def running(claude, gateway):
    return claude.beta.messages.tool_runner(
        model=gateway.model, max_tokens=99, messages=HELLO, tools=[get_weather]
    )


@every_vendor
async def test_the_sdk_runs_tools_whoever_keeps_the_conversation(claude, gateway):
    gateway.fake.will(say(Said(text=(), calls=CALLS)))
    message = await running(claude, gateway).until_done()
    assert message.content[0].text == TEXT
    sent = gateway.fake.last.body
    assert b"sunny in Rome" in orjson.dumps(sent)
    assert (b"Hello" in orjson.dumps(sent)) is (gateway.fake.kind != "anthropic")


@passed
async def test_the_sdk_begins_a_lost_thread_anew(claude, gateway):
    lost = status(404, "There is no such thread.", details={"error_code": "thread_not_found"})
    gateway.fake.will(say(Said(text=(), calls=CALLS)), lost)
    message = await running(claude, gateway).until_done()
    assert message.content[0].text == TEXT
    assert [asked.body["thread"]["type"] for asked in gateway.fake.requests] == [
        "create", "continue", "create",
    ]  # fmt: skip
    assert gateway.fake.last.body["messages"][0] == HELLO[0]


@pytest.mark.parametrize("gateway", ["gemini"], indirect=True)
async def test_what_a_codec_refuses_is_named_as_the_client_does(claude, gateway):
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    with pytest.raises(anthropic.BadRequestError) as refused:
        await whole(claude, gateway, tools=[WEATHER], tool_choice=choice)
    assert "'tool_choice.disable_parallel_tool_use'" in refused.value.message
