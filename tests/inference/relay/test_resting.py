"""A lone provider that limits the rate: its client is told so until the pause is over."""

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors

from tests.inference.relay.conftest import every_vendor
from tests.support.fakes.base import status

# google-genai subclasses aiohttp's session, and `error` would make that ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession")
HELLO = [{"role": "user", "content": "Hello"}]


async def ask_openai(gateway, address):
    async with openai.AsyncOpenAI(
        base_url=f"{address}/openai/v1", api_key=gateway.key, max_retries=0
    ) as sdk:
        with pytest.raises(openai.RateLimitError) as refused:
            await sdk.chat.completions.create(model=gateway.model, messages=HELLO)
    return refused.value.code, refused.value.response.headers["retry-after"]


async def ask_anthropic(gateway, address):
    async with anthropic.AsyncAnthropic(
        base_url=f"{address}/anthropic", api_key=gateway.key, max_retries=0
    ) as sdk:
        with pytest.raises(anthropic.RateLimitError) as refused:
            await sdk.messages.create(model=gateway.model, max_tokens=9, messages=HELLO)
    kind = refused.value.body["error"]["type"]
    return kind, refused.value.response.headers["retry-after"]


async def ask_google(gateway, address):
    options = genai.types.HttpOptions(base_url=f"{address}/gemini")
    client = genai.Client(api_key=gateway.key, http_options=options)
    async with client.aio as opened:
        with pytest.raises(errors.ClientError) as refused:
            await opened.models.generate_content(model=gateway.model, contents="Hello")
    client.close()
    assert refused.value.code == 429
    delays = [row.get("retryDelay") for row in refused.value.details["error"]["details"]]
    return refused.value.status, next(filter(None, delays)).removesuffix("s")


@every_vendor
@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (ask_openai, "rate_limit_exceeded"),
        (ask_anthropic, "rate_limit_error"),
        (ask_google, "RESOURCE_EXHAUSTED"),
    ],
)
async def test_the_client_is_told_the_rest_of_the_pause(gateway, address, ledger, ask, said):
    gateway.fake.will(status(429, headers={"retry-after": "9"}))
    assert await ask(gateway, address) == (said, "9")
    await ledger.flush()
    kind, seconds = await ask(gateway, address)
    assert kind == said
    assert 1 <= int(seconds) <= 9
    # Only the first one was sent: a provider that asked to be left alone is.
    assert len(gateway.fake.requests) == 1
