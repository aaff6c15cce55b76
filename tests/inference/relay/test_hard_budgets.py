"""Under a hard budget no single call costs more than what was reserved for it."""

import orjson
import pytest

from app.inference.gate.bounds import LONGEST_ANSWER
from tests.inference.relay.asking import HELLO, ask, post
from tests.inference.relay.test_hostile_money import set_budget, set_price

PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
ANTHROPIC = {"model": "anthropic/claude-fake", "max_tokens": 10}
BY_URL = {"type": "url", "url": "https://example.com/a.pdf"}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "A" * 4000}


async def under(client, gateway, dollars="100000", **price):
    """A hard budget, and a price of a thousandth of a dollar a token that is not given."""
    await set_price(client, gateway, **({"input": "1000", "output": "1000"} | price))
    await set_budget(client, gateway, dollars)


def limits_of(body):
    config = body.get("generationConfig", {})
    names = ("max_tokens", "max_completion_tokens", "max_output_tokens")
    told = {name: body[name] for name in names if name in body}
    return told | ({"maxOutputTokens": config["maxOutputTokens"]} if config else {})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("gateway", "name"),
    [
        ("openai", "max_completion_tokens"),
        ("anthropic", "max_tokens"),
        ("gemini", "maxOutputTokens"),
    ],
    indirect=["gateway"],
)
async def test_an_answer_without_a_limit_is_given_what_was_reserved(client, gateway, name, stream):
    await under(client, gateway)
    answer = await ask(client, gateway, stream=stream)
    assert answer.status_code == 200, answer.text
    assert limits_of(gateway.fake.last.body) == {name: LONGEST_ANSWER}


@pytest.mark.parametrize("given", [b"null", b"-1", b'"many"', b"3.5"])
async def test_a_limit_that_is_none_gives_way_in_the_bytes(client, gateway, given):
    await under(client, gateway)
    body = b'{"model":"%b","max_tokens": %b ,"messages":[{"role":"user","content":"Hi"}],"new":1}'
    answer = await post(client, gateway, body % (gateway.model.encode(), given))
    assert answer.status_code == 200, answer.text
    sent = gateway.fake.last.body
    assert (sent["max_tokens"], sent["new"]) == (LONGEST_ANSWER, 1)


async def test_responses_without_a_limit_are_given_one(client, gateway):
    await under(client, gateway)
    body = {"model": gateway.model, "input": "Hi"}
    answer = await client.post("/openai/v1/responses", json=body, headers=gateway.headers)
    assert answer.status_code == 200, answer.text
    assert limits_of(gateway.fake.last.body) == {"max_output_tokens": LONGEST_ANSWER}


@pytest.mark.parametrize("gateway", ["gemini"], indirect=True)
@pytest.mark.parametrize("name", ["generationConfig", "generation_config"])
async def test_googles_own_bytes_are_given_one_too(client, gateway, name):
    await under(client, gateway)
    contents = [{"role": "user", "parts": [{"text": "Hi"}]}]
    body = {"contents": contents, name: {"temperature": 0.5}}
    url = "/gemini/v1beta/models/gemini/gemini-fake:generateContent"
    answer = await client.post(url, json=body, headers=gateway.headers)
    assert answer.status_code == 200, answer.text
    sent = gateway.fake.last.body
    assert sent[name] == {"temperature": 0.5, "maxOutputTokens": LONGEST_ANSWER}
    doubled = body | {"generationConfig": {}, "generation_config": {}}
    answer = await client.post(url, json=doubled, headers=gateway.headers)
    assert answer.status_code == 400
    assert "generation_config" in answer.text


async def test_a_chat_without_a_limit_is_given_one_too(client, gateway):
    await under(client, gateway)
    body = {"model": gateway.model, "messages": HELLO}
    answer = await client.post("/v1/chat", json=body, headers=gateway.headers)
    assert answer.status_code == 200, answer.text
    assert limits_of(gateway.fake.requests[0].body) == {"max_completion_tokens": LONGEST_ANSWER}


async def test_what_a_route_says_of_the_longest_answer_is_reserved(client, gateway):
    await under(client, gateway, "20")
    candidate = {"model": gateway.model, "parameters": {"max_output_tokens": 50_000}}
    route = {"slug": "long", "candidates": [candidate]}
    made = await client.post("/v1/routes", json=route, headers=gateway.person.headers)
    assert made.status_code == 201, made.text
    body = {"model": "long", "messages": HELLO}
    assert await reserved_dollars(client, gateway, "/openai/v1/chat/completions", body) > 50


async def test_without_a_hard_budget_the_bytes_are_the_clients_own(client, gateway):
    await set_price(client, gateway, input="1000")
    answer = await ask(client, gateway)
    assert answer.status_code == 200
    assert limits_of(gateway.fake.last.body) == {}
    await set_budget(client, gateway, "100000")
    answer = await ask(client, gateway, max_tokens=7)
    assert limits_of(gateway.fake.last.body) == {"max_tokens": 7}


async def test_a_model_that_writes_less_is_asked_for_less(client, gateway):
    await under(client, gateway)
    answer = await ask(client, gateway, model="openai/gpt-4-turbo")
    assert answer.status_code == 200, answer.text
    assert limits_of(gateway.fake.last.body) == {"max_completion_tokens": 4096}


async def reserved_dollars(client, gateway, path, body) -> float:
    """What a call may come to, as its refusal tells."""
    answer = await client.post(path, json=body, headers=gateway.headers)
    assert answer.status_code == 402, answer.text
    assert gateway.fake.requests == []
    said = answer.json()["error"]["message"]
    return float(said.split("this call may come to ")[1].split()[0].rstrip("."))


async def test_a_picture_by_address_is_reserved_at_its_most(client, gateway):
    await under(client, gateway, "0.5", output="0")
    parts = [{"type": "text", "text": "What is this?"}, PICTURE, PICTURE]
    messages = [{"role": "user", "content": parts}]
    body = {"model": gateway.model, "messages": messages, "max_tokens": 1}
    cost = await reserved_dollars(client, gateway, "/openai/v1/chat/completions", body)
    assert 20 < cost < 21


@pytest.mark.parametrize("gateway", ["anthropic"], indirect=True)
@pytest.mark.parametrize(
    ("document", "least"),
    [
        # Of a file by address nobody knows but that it is no longer than what the model reads.
        ({"type": "document", "source": BY_URL}, 1000),
        ({"type": "document", "source": PDF}, 14),
        (
            {
                "type": "tool_result",
                "tool_use_id": "t",
                "content": [{"type": "document", "source": BY_URL}],
            },
            1000,
        ),
        ({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}, 10),
    ],
)
async def test_a_document_is_reserved_at_its_most(client, gateway, document, least):
    await under(client, gateway, "0.5", output="0")
    body = ANTHROPIC | {"messages": [{"role": "user", "content": [document]}]}
    cost = await reserved_dollars(client, gateway, "/anthropic/v1/messages", body)
    assert least <= cost < least + 5


@pytest.mark.parametrize(
    "kept",
    [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}, {"prompt": {"id": "p"}}],
)
async def test_turns_that_a_provider_keeps_are_reserved_at_their_most(client, gateway, kept):
    await under(client, gateway, "0.5", output="0")
    body = {"model": gateway.model, "input": "Hi", "max_output_tokens": 1} | kept
    assert await reserved_dollars(client, gateway, "/openai/v1/responses", body) >= 1000


@pytest.mark.parametrize(
    ("gateway", "path", "body", "tool"),
    [
        (
            "openai",
            "/openai/v1/responses",
            {"model": "openai/gpt-fake", "input": "Hi", "tools": [{"type": "web_search"}]},
            "web_search",
        ),
        (
            "openai",
            "/openai/v1/chat/completions",
            {"model": "openai/gpt-fake", "messages": HELLO, "web_search_options": {"x": 1}},
            "web_search_options",
        ),
        (
            "anthropic",
            "/anthropic/v1/messages",
            ANTHROPIC
            | {
                "messages": HELLO,
                "tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}],
            },
            "web_search_20250305",
        ),
        (
            "gemini",
            "/gemini/v1beta/models/gemini/gemini-fake:generateContent",
            {
                "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
                "tools": [{"googleSearch": {}}],
            },
            "googleSearch",
        ),
    ],
    indirect=["gateway"],
)
async def test_a_tool_that_the_provider_runs_is_refused_by_name(client, gateway, path, body, tool):
    answer = await client.post(path, json=body, headers=gateway.headers)
    assert answer.status_code == 200, answer.text
    await under(client, gateway)
    answer = await client.post(path, json=body, headers=gateway.headers)
    assert answer.status_code == 402, answer.text
    assert tool in answer.text
    assert len(gateway.fake.requests) == 1


@pytest.mark.parametrize("gateway", ["anthropic"], indirect=True)
async def test_a_tool_that_the_client_runs_itself_is_none_of_them(client, gateway):
    await under(client, gateway)
    tools = [
        {"type": "bash_20250124", "name": "bash"},
        {"name": "get_weather", "input_schema": {"type": "object"}},
        {"type": "custom", "name": "own", "input_schema": {"type": "object"}},
    ]
    body = ANTHROPIC | {"messages": HELLO, "tools": tools}
    answer = await client.post("/anthropic/v1/messages", json=body, headers=gateway.headers)
    assert answer.status_code == 200, answer.text


DOUBLED = [
    b'{"model":"%b","messages":[{"role":"user","content":"Hi"}],"model":"%b"}',
    b'{"mod\\u0065l":"openai/dear","messages":[{"role":"user","content":"Hi"}],"model":"%b"}',
]


@pytest.mark.parametrize("body", DOUBLED)
async def test_a_second_model_is_refused_by_name(client, gateway, body):
    named = gateway.model.encode()
    answer = await post(client, gateway, body % ((named,) * body.count(b"%b")))
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == "model"
    assert gateway.fake.requests == []


async def test_a_second_model_of_an_embedding_is_refused_too(client, gateway):
    body = b'{"model":"openai/a","input":"x","model":"openai/b"}'
    answer = await client.post("/openai/v1/embeddings", content=body, headers=gateway.headers)
    assert answer.status_code == 400, answer.text


async def test_a_model_in_a_tools_schema_is_no_second_one(client, gateway):
    schema = {"type": "object", "properties": {"model": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    answer = await ask(client, gateway, tools=[tool])
    assert answer.status_code == 200, answer.text
    assert gateway.fake.last.body["model"] == "gpt-fake"
    assert orjson.dumps(gateway.fake.last.body["tools"]) == orjson.dumps([tool])
