"""Each fault of an upstream is an error that OpenAI's client understands, never a clean end."""

import asyncio

import openai
import pytest

from tests.inference.relay.asking import HELLO, ask, calls_of
from tests.inference.relay.conftest import every_vendor
from tests.support.fakes.base import (
    KEY,
    body_of,
    drop_after,
    drop_before_head,
    end_early,
    error_after,
    garbage_after,
    raw_stream,
    silence,
    status,
)
from tests.support.identity import until

pytestmark = every_vendor

STATUSES = [
    (status(400, "Bad field."), openai.BadRequestError, 400, None),
    (status(404, "The model does not exist."), openai.NotFoundError, 404, "model_not_found"),
    (status(429), openai.RateLimitError, 429, "rate_limit_exceeded"),
    (status(401), openai.InternalServerError, 502, "provider_auth_failed"),
    (status(500), openai.InternalServerError, 502, "provider_failed"),
    (status(503), openai.InternalServerError, 503, "provider_overloaded"),
    (status(529), openai.InternalServerError, 503, "provider_overloaded"),
    (
        status(400, "The prompt is too long: maximum context length is 8."),
        openai.BadRequestError,
        400,
        "context_length_exceeded",
    ),
    (body_of(b"<html>", "text/html"), openai.InternalServerError, 502, "provider_garbled"),
    (body_of(b'{"half": '), openai.InternalServerError, 502, "provider_garbled"),
    (body_of(b"[]"), openai.InternalServerError, 502, "provider_garbled"),
    (body_of(b"", code=302), openai.InternalServerError, 502, "provider_garbled"),
    (drop_before_head(), openai.InternalServerError, 502, "provider_unreachable"),
]


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(("fault", "kind", "code", "label"), STATUSES)
async def test_a_refusal_has_its_class(sdk, gateway, fault, kind, code, label, streaming):
    gateway.fake.will(fault)
    with pytest.raises(kind) as caught:
        await sdk.chat.completions.create(model=gateway.model, messages=HELLO, stream=streaming)
    assert caught.value.status_code == code
    if label:
        assert caught.value.code == label
    assert caught.value.body["message"]
    assert KEY not in str(caught.value)


async def test_the_time_to_wait_is_passed_on(sdk, gateway):
    gateway.fake.will(status(429, headers={"retry-after": "7"}))
    with pytest.raises(openai.RateLimitError) as caught:
        await sdk.chat.completions.create(model=gateway.model, messages=HELLO)
    assert caught.value.response.headers["retry-after"] == "7"


async def test_the_provider_quoting_its_key_is_not(sdk, gateway):
    gateway.fake.will(status(400, f"Wrong, {KEY}!"))
    with pytest.raises(openai.BadRequestError) as caught:
        await sdk.chat.completions.create(model=gateway.model, messages=HELLO)
    assert "[redacted]" in str(caught.value)
    assert KEY not in str(caught.value)


BROKEN = {
    "drop": (drop_after(3), "provider_interrupted"),
    "end": (end_early(), "provider_"),
    "garbage": (garbage_after(3), "provider_garbled"),
    "error": (error_after(3), "provider_overloaded"),
    "silence": (silence(3), "provider_timed_out"),
}


@pytest.mark.parametrize("fault", BROKEN)
async def test_a_broken_stream_ends_in_one_error(client, gateway, kernel, ledger, fault):
    action, code = BROKEN[fault]
    gateway.fake.will(action)
    answer = await ask(client, gateway, stream=True)
    assert answer.status_code == 200
    blocks = answer.content.strip().split(b"\n\n")
    assert sum(b'"error":' in block for block in blocks) == 1
    assert b'"error":' in blocks[-1]
    assert code.encode() in blocks[-1]
    assert b"[DONE]" not in answer.content
    (call,) = await calls_of(kernel, ledger, gateway)
    assert call.status == "failed"
    assert call.error_code.startswith(code)


@pytest.mark.parametrize("fault", BROKEN)
async def test_the_sdk_raises_on_a_broken_stream(sdk, gateway, fault):
    gateway.fake.will(BROKEN[fault][0])
    stream = await sdk.chat.completions.create(model=gateway.model, messages=HELLO, stream=True)
    with pytest.raises(openai.APIError):
        async for _ in stream:
            pass


async def test_a_stream_that_says_nothing_is_a_timeout(client, gateway):
    gateway.fake.will(silence(0))
    answer = await ask(client, gateway, stream=True)
    assert answer.status_code == 504


async def test_comments_are_no_answer(client, gateway):
    gateway.fake.will(raw_stream(*[b": still here\n\n"] * 60, pause=0.05))
    answer = await ask(client, gateway, stream=True)
    assert answer.status_code == 504


@pytest.mark.parametrize("begun", [0, 3])
async def test_a_client_that_leaves_closes_the_upstream(client, gateway, kernel, ledger, begun):
    gateway.fake.will(silence(begun))
    asked = asyncio.create_task(ask(client, gateway, stream=True))

    async def waiting() -> bool:
        return gateway.fake.in_flight == 1

    async def closed() -> bool:
        return gateway.fake.in_flight == 0

    await until(waiting)
    await asyncio.sleep(0.1)
    asked.cancel()
    await until(closed)
    (call,) = await calls_of(kernel, ledger, gateway)
    assert (call.status, call.estimated) == ("cancelled", True)
    assert call.input_tokens > 0


async def test_a_client_that_leaves_a_whole_answer_closes_the_upstream_too(client, gateway):
    gateway.fake.will(silence(None))
    asked = asyncio.create_task(ask(client, gateway))

    async def waiting() -> bool:
        return gateway.fake.in_flight == 1

    async def closed() -> bool:
        return gateway.fake.in_flight == 0

    await until(waiting)
    asked.cancel()
    await until(closed)
