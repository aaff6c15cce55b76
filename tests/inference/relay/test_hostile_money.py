"""What a client may try so that its calls cost nothing, or more than is allowed."""

from uuid import UUID

import orjson
import pytest

from app.core.auth import EVERYTHING
from app.inference.calls.questions import question_of
from app.inference.dialects.anthropic_messages import AnthropicMessages
from app.inference.dialects.gemini import Gemini
from app.inference.dialects.openai_chat import OpenAIChat
from app.inference.gate.call import Load
from app.inference.gate.terms import MOST_RESERVED, reservation
from app.inference.prices.listed import list_price
from app.inference.prices.price import Price, Tier
from app.inference.routing.plan import Question
from app.inference.usage.payer import Payer
from tests.inference.relay.asking import HELLO, ask, calls_of
from tests.inference.relay.conftest import connect
from tests.support.fakes.base import body_of

PRICE = Price((Tier(0, 1_000_000, 2_000_000, 100_000, 1_250_000),))
DEAR = {"model": "*", "output": "1000000", "image": "2", "minute": "3"}


async def set_price(client, gateway, **fields):
    made = await client.post(
        "/v1/prices/overrides", json=DEAR | fields, headers=gateway.person.headers
    )
    assert made.status_code == 201, made.text


async def set_budget(client, gateway, dollars):
    body = {"name": "All", "subject": {"type": "workspace"}, "amount": dollars, "window": "total"}
    made = await client.post(
        "/v1/budgets", json=body | {"hard": True}, headers=gateway.person.headers
    )
    assert made.status_code == 201, made.text


@pytest.mark.parametrize(
    "asked",
    [
        {"n": 100, "max_tokens": 1},
        {"max_completion_tokens": 1, "max_tokens": 100},
        {"max_tokens": 2**63},
    ],
)
async def test_whatever_may_be_written_is_reserved(client, gateway, asked):
    await set_price(client, gateway)
    await set_budget(client, gateway, "50")
    answer = await ask(client, gateway, **asked)
    assert answer.status_code == 402, answer.text
    assert gateway.fake.requests == []


async def test_a_text_that_looks_like_a_picture_is_counted_as_a_text(client, gateway):
    await set_price(client, gateway, input="100000")
    await set_budget(client, gateway, "500")
    text = "data:image/png;base64," + "A" * 40_000
    messages = [{"role": "user", "content": text}]
    answer = await ask(client, gateway, messages=messages, max_tokens=1)
    assert answer.status_code == 402, answer.text


async def test_pictures_cost_what_each_of_them_does(sdk, client, gateway, kernel, ledger):
    await set_price(client, gateway, output="0")
    await sdk.images.generate(model=gateway.model, prompt="A cat", n=3)
    (call,) = await calls_of(kernel, ledger, gateway)
    assert call.cost_usd == 6


@pytest.mark.parametrize(
    ("told", "dollars"),
    [({"text": "Hi", "usage": {"type": "duration", "seconds": 90}}, 4.5), ({"text": "Hi"}, 0.5)],
)
async def test_a_recording_costs_its_minutes(sdk, client, gateway, kernel, ledger, told, dollars):
    await set_price(client, gateway, output="0")
    gateway.fake.will(body_of(orjson.dumps(told)))
    # Ten seconds at the thinnest that a recording may be.
    file = ("talk.mp3", b"\xff" * 40_000)
    await sdk.audio.transcriptions.create(model=gateway.model, file=file)
    (call,) = await calls_of(kernel, ledger, gateway)
    assert float(call.cost_usd) == pytest.approx(dollars, rel=0.05)


TIERS = [
    (OpenAIChat(), "openai/gpt-5", {"service_tier": "priority"}, "priority"),
    (OpenAIChat(), "openai/gpt-5", {"service_tier": "flex"}, "flex"),
    (OpenAIChat(), "openai/gpt-5", {"service_tier": "auto"}, None),
    (OpenAIChat(), "openai/gpt-4.1-nano", {"service_tier": "fast"}, "fast"),
    (AnthropicMessages(), "anthropic/claude-opus-4-8", {"speed": "fast"}, "fast"),
    (AnthropicMessages(), "anthropic/claude-opus-4-8", {"speed": "standard"}, None),
    (Gemini(), "gemini/gemini-3.8-flash-tts", {"serviceTier": "FLEX"}, "flex"),
]


@pytest.mark.parametrize("gateway", ["openai"], indirect=True)
@pytest.mark.parametrize(("dialect", "model", "asked", "tier"), TIERS)
async def test_a_service_tier_costs_what_it_costs(
    app, client, gateway, dialect, model, asked, tier
):
    kind, _, name = model.partition("/")
    if kind != gateway.fake.kind:
        await connect(client, gateway.person, kind, gateway.fake.url)
    document = {"model": model, "max_tokens": 9, "messages": HELLO, "contents": HELLO, **asked}
    read = dialect.read(orjson.dumps(document), model=model)
    plan = await plan_of(app, gateway, question_of(read, dialect.name, None))
    price, usual = plan.candidates[0].price, list_price(kind, name)
    assert price.tiers == list_price(kind, name, service_tier=tier).tiers
    assert (price.tiers == usual.tiers) == (tier is None)


async def test_a_service_tier_of_a_route_costs_what_it_costs(app, client, gateway):
    candidate = {"model": "openai/gpt-5", "parameters": {"service_tier": "priority"}}
    route = {"slug": "soon", "candidates": [candidate]}
    made = await client.post("/v1/routes", json=route, headers=gateway.person.headers)
    assert made.status_code == 201, made.text
    plan = await plan_of(app, gateway, Question("soon"))
    priority = list_price("openai", "gpt-5", service_tier="priority")
    assert plan.candidates[0].price.tiers == priority.tiers


async def plan_of(app, gateway, asked):
    payer = Payer(UUID(gateway.person.workspace_id), UUID(gateway.person.user_id), "gateway")
    return await app.state.inference.routes.plan(payer, EVERYTHING, asked)


async def test_a_reservation_runs_over_no_counter():
    assert reservation(PRICE, Load(10**9, 2**62, answers=128)) <= MOST_RESERVED
    assert reservation(PRICE, Load(0, 10, answers=3)) == 3 * reservation(PRICE, Load(0, 10))
