"""Whatever a client sends, the answer is a 4xx in OpenAI's envelope that names the field."""

import gzip

import openai
import orjson
import pytest

from app.core.auth import Permission
from tests.inference.relay.asking import HELLO, ask, post
from tests.support.identity import new_key

MODEL = b"openai/gpt-fake"
DEEP = b"[" * 5000 + b"]" * 5000
BODIES = {
    "empty": (b"", None),
    "not json": (b"{model", None),
    "not utf-8": (b'{"model": "\xff"}', None),
    "a list": (b"[]", None),
    "a number": (b"1e999", None),
    "a raw nul": (b'{"model": "a\x00"}', None),
    "too deep": (b'{"model":"x","messages":' + DEEP + b"}", None),
    "rather deep": (b'{"model":"x","messages":' + b"[" * 100 + b"]" * 100 + b"}", None),
    "an escaped nul": (b'{"model":"x","messages":[{"content":"a\\u0000"}]}', None),
    "a lone surrogate": (b'{"model":"\\ud800","messages":[{}]}', None),
    "no model": (b'{"messages":[{}]}', "model"),
    "null model": (b'{"model":null,"messages":[{}]}', "model"),
    "empty model": (b'{"model":"","messages":[{}]}', "model"),
    "long model": (b'{"model":"%b","messages":[{}]}' % (b"x" * 300), "model"),
    "model of another type": (b'{"model":7,"messages":[{}]}', "model"),
    "no messages": (b'{"model":"x"}', "messages"),
    "messages of another type": (b'{"model":"x","messages":"hi"}', "messages"),
    "empty messages": (b'{"model":"x","messages":[]}', "messages"),
    "stream of another type": (b'{"model":"x","messages":[{}],"stream":"yes"}', "stream"),
    "options of another type": (
        b'{"model":"x","messages":[{}],"stream":true,"stream_options":1}',
        "stream_options",
    ),
    "options without a stream": (
        b'{"model":"x","messages":[{}],"stream_options":{}}',
        "stream_options",
    ),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_cannot_be_passed_on(client, gateway, name):
    body, param = BODIES[name]
    answer = await post(client, gateway, body)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert set(error) == {"message", "type", "param", "code"}
    assert gateway.fake.requests == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/openai/v1/chat/completions", {"code": "unsupported_media_type"}),
        ("/openai/v1/responses", {"code": "unsupported_media_type"}),
        ("/openai/v1/embeddings", {"code": "unsupported_media_type"}),
        ("/anthropic/v1/messages", {"type": "invalid_request_error"}),
        ("/gemini/v1beta/models/any:generateContent", {"status": "INVALID_ARGUMENT"}),
    ],
)
async def test_a_body_that_is_packed_is_told_to_be_sent_plain(client, gateway, path, told):
    packed = gzip.compress(orjson.dumps({"model": gateway.model, "messages": HELLO}))
    headers = gateway.headers | {"content-encoding": "gzip"}
    answer = await client.post(path, content=packed, headers=headers)
    assert answer.status_code == 415, answer.text
    error = answer.json()["error"]
    assert error.items() >= told.items()
    assert "Content-Encoding: gzip" in error["message"]
    headers["content-encoding"] = "identity"
    assert (await client.post(path, content=b"{", headers=headers)).status_code == 400


async def test_a_body_that_is_too_large(client, gateway, settings):
    body = b'{"model":"%b"}' % (b"x" * settings.max_body_bytes)
    assert (await post(client, gateway, body)).status_code == 413

    async def pieces():
        for _ in range(settings.max_body_bytes // 2**20 + 2):
            yield b"x" * 2**20

    answer = await client.post(
        "/openai/v1/chat/completions", content=pieces(), headers=gateway.headers
    )
    assert answer.status_code == 413


REFUSED = {
    "n": 2,
    "logit_bias": {"50256": -100},
    "verbosity": "low",
    "audio": {"voice": "alloy", "format": "wav"},
    "modalities": ["text", "audio"],
    "functions": [{"name": "f"}],
    "never_heard_of": 1,
}


@pytest.mark.parametrize("gateway", ["anthropic", "gemini"], indirect=True)
@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_translated_is_refused_by_name(client, gateway, name):
    answer = await ask(client, gateway, **{name: REFUSED[name]})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("unsupported_parameter", name)
    assert gateway.fake.requests == []


WRONG = [
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": 1e300}, "temperature"),
    ({"top_p": -1}, "top_p"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": 2**63}, "max_tokens"),
    ({"max_completion_tokens": True}, "max_completion_tokens"),
    ({"seed": 1.5}, "seed"),
    ({"stop": 7}, "stop"),
    ({"stop": [7]}, "stop"),
    ({"tools": {}}, "tools"),
    ({"tools": [1]}, "tools[0]"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ({"tools": [{"type": "function"}]}, "tools[0].function"),
    ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
    ({"tool_choice": 1}, "tool_choice"),
    ({"reasoning_effort": "huge"}, "reasoning_effort"),
    ({"reasoning_effort": []}, "reasoning_effort"),
    ({"response_format": {"type": "grammar"}}, "response_format.type"),
    ({"response_format": {"type": []}}, "response_format.type"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ({"messages": ["hi"]}, "messages[0]"),
    ({"messages": [{"role": "robot"}]}, "messages[0].role"),
    ({"messages": [{"role": []}]}, "messages[0].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
    (
        {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
        "messages[0].content[0].input_audio",
    ),
    ({"messages": [{"role": "user", "content": "x", "name": "Ada"}]}, "messages[0].name"),
    ({"messages": [{"role": "assistant", "tool_calls": 1}]}, "messages[0].tool_calls"),
    ({"messages": [{"role": "assistant", "tool_calls": [1]}]}, "messages[0].tool_calls[0]"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
    (
        {"messages": [{"role": "tool", "content": "x", "tool_call_id": "c"}]},
        "messages[0].tool_call_id",
    ),
    (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": "data:x,y"}}],
                }
            ]
        },
        "messages[0].content[0].image_url.url",
    ),
]


@pytest.mark.parametrize("gateway", ["anthropic", "gemini"], indirect=True)
async def test_a_field_of_the_wrong_kind_is_named(client, gateway):
    for body, param in WRONG:
        answer = await ask(client, gateway, **body)
        assert answer.status_code == 400, (body, answer.text)
        assert answer.json()["error"]["param"] == param, body
    assert gateway.fake.requests == []


@pytest.mark.parametrize("name", ["nowhere/gpt", "gpt-unknown", "a" * 256, "ü/\u2603"])
async def test_a_model_that_is_not_there(sdk, gateway, name):
    with pytest.raises(openai.NotFoundError) as caught:
        await sdk.chat.completions.create(model=name, messages=HELLO)
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        await sdk.models.retrieve(name)


async def test_a_wrong_key_is_an_authentication_error(sdk, gateway):
    bad = sdk.with_options(api_key="lum_live_" + "0" * 36)
    for asked in (
        bad.chat.completions.create(model=gateway.model, messages=HELLO),
        bad.models.list(),
    ):
        with pytest.raises(openai.AuthenticationError) as caught:
            await asked
        assert caught.value.code == "invalid_api_key"


async def test_no_key_and_no_bearer_are_401(client):
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}):
        answer = await client.get("/openai/v1/models", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"


async def test_a_key_without_the_scope_is_403(client, gateway):
    for scope, path in (
        (Permission.MODELS_READ, "/openai/v1/chat/completions"),
        (Permission.MODELS_INVOKE, "/openai/v1/models"),
    ):
        key = await new_key(client, gateway.person, scopes=[scope])
        headers = {"Authorization": f"Bearer {key['key']}"}
        method = "POST" if "chat" in path else "GET"
        body = orjson.dumps({"model": gateway.model, "messages": HELLO})
        answer = await client.request(method, path, content=body, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "insufficient_permissions"


async def test_other_paths_and_methods_are_refused_in_the_envelope(client, gateway):
    for method, path, status in (
        ("GET", "/openai/v1/chat/completions", 405),
        ("DELETE", "/openai/v1/models", 405),
        ("POST", "/openai/v1/unheard_of", 404),
    ):
        answer = await client.request(method, path, headers=gateway.headers)
        assert answer.status_code == status
        assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/openai/v1/chat/completions", "POST"),
        ("/openai/v1/models", "GET"),
        ("/openai/v1/files", "GET, POST"),
        ("/openai/v1/files/file-1", "DELETE, GET"),
        ("/openai/v1/responses", "POST"),
        ("/anthropic/v1/messages", "POST"),
        ("/gemini/v1beta/models/m:generateContent", "GET, POST"),  # `m:generateContent` is a model
    ],
)
@pytest.mark.parametrize("method", ["PUT", "HEAD", "OPTIONS"])
async def test_another_method_is_told_those_that_are_taken(client, path, allow, method):
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    "path", ["/openai/v1/files", "/openai/v1/batches", "/anthropic/v1/messages/batches"]
)
@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "ten", "%C2%B2", "%D9%A3", "9" * 5000])
async def test_a_page_of_no_size_is_refused(client, gateway, path, limit):
    answer = await client.get(f"{path}?limit={limit}", headers=gateway.headers)
    assert answer.status_code == 400
    assert "limit" in answer.json()["error"]["message"]
