"""What a call costs when its provider answers at another service tier than it was asked for."""

import orjson
import pytest

from app.inference.prices.listed import list_price
from app.inference.providers.types import Usage
from tests.inference.relay.asking import HELLO, settled_calls
from tests.support.fakes.anthropic import USAGE as CLAUDE_USAGE
from tests.support.fakes.base import Said, say, send_frames
from tests.support.fakes.gemini import USAGE as GEMINI_USAGE

GPT, CLAUDE, GEMINI = "openai/gpt-5", "anthropic/claude-opus-4-8", "gemini/gemini-3.8-flash-tts"
CHAT, RESPONSES = "/openai/v1/chat/completions", "/openai/v1/responses"
CHAT_BODY = {"model": GPT, "messages": HELLO}
MESSAGE = {"model": CLAUDE, "messages": HELLO, "max_tokens": 99}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
GENERATE = f"/gemini/v1beta/models/{GEMINI}"


def answer_at(tier):
    """OpenAI names it beside the usage, in a whole answer and in every event of a stream."""

    async def action(fake, exchange, body):
        if not fake.streams(fake.last):
            told = fake.whole(Said(), body) | {"service_tier": tier}
            await exchange.send(200, orjson.dumps(told))
            return
        told = orjson.dumps({"service_tier": tier})[1:-1]
        frames = [
            frame.replace(b'"model":', told + b',"model":') for frame in fake.frames(Said(), body)
        ]
        await send_frames(exchange, frames)

    return action


def openai(path, body, tier, costs):
    return pytest.param("openai", path, body, answer_at(tier), costs)


def claude(body, usage, costs):
    said = say(Said(usage=CLAUDE_USAGE | usage))
    return pytest.param("anthropic", "/anthropic/v1/messages", MESSAGE | body, said, costs)


def gemini(method, body, usage, costs):
    said = say(Said(usage=GEMINI_USAGE | usage))
    return pytest.param("gemini", f"{GENERATE}:{method}", CONTENTS | body, said, costs)


FLEX = {"service_tier": "flex"}
CASES = [
    openai(CHAT, CHAT_BODY | FLEX, "default", None),
    openai(CHAT, CHAT_BODY, "priority", "priority"),
    openai(CHAT, CHAT_BODY | FLEX, None, "flex"),
    openai(CHAT, CHAT_BODY | {"stream": True}, "priority", "priority"),
    openai(CHAT, CHAT_BODY | FLEX | {"stream": True}, "default", None),
    openai(RESPONSES, {"model": GPT, "input": "Hello"}, "priority", "priority"),
    openai(RESPONSES, {"model": GPT, "input": "Hello", "stream": True, **FLEX}, "default", None),
    # Translated: an adapter reads the answer.
    openai("/anthropic/v1/messages", MESSAGE | {"model": GPT}, "priority", "priority"),
    claude({"speed": "fast"}, {"service_tier": "standard", "speed": "standard"}, None),
    claude({"speed": "fast"}, {"service_tier": "standard"}, "fast"),
    claude({"speed": "fast", "stream": True}, {"speed": "standard"}, None),
    gemini("generateContent", {"serviceTier": "PRIORITY"}, {"serviceTier": "standard"}, None),
    gemini("streamGenerateContent", {}, {"serviceTier": "flex"}, "flex"),
]


@pytest.mark.parametrize(
    ("gateway", "path", "body", "answer", "costs"), CASES, indirect=["gateway"]
)
async def test_a_call_costs_what_the_tier_does_that_it_was_answered_at(
    client, gateway, kernel, ledger, path, body, answer, costs
):
    gateway.fake.will(answer)
    asked = await client.post(path, json=body, headers=gateway.headers, params={"alt": "sse"})
    assert asked.status_code == 200, asked.text
    (call,) = await settled_calls(kernel, ledger, gateway, 1)
    kind, _, model = call.reference.partition("/")
    usage = Usage(
        call.input_tokens, call.output_tokens, call.cached_input_tokens, call.cache_write_tokens
    )
    expected = list_price(kind, model, service_tier=costs).cost(usage)
    assert round(call.cost_usd * 10**9) == expected
