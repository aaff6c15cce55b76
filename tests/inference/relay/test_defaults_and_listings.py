"""Requests that name no model, and what a key is shown of models and routes."""

from dataclasses import replace

import anthropic
import orjson
import pytest
from openai import AsyncOpenAI

from tests.inference.relay.asking import HELLO, ask, calls_of
from tests.support.fakes.base import KEY, body_of, silence, status
from tests.support.identity import bearer, new_key

OPEN = {
    "/openai/v1/chat/completions": {"messages": HELLO},
    "/openai/v1/responses": {"input": "Hello", "store": False},
    "/anthropic/v1/messages": {"messages": HELLO, "max_tokens": 9, "metadata": {"user_id": "u"}},
}


async def make_route(client, gateway, slug, model, **more):
    body = {"slug": slug, "candidates": [{"model": model}], **more}
    made = await client.post("/v1/routes", json=body, headers=gateway.person.headers)
    assert made.status_code == 201, made.text


@pytest.mark.parametrize("gateway", ["openai", "anthropic"], indirect=True)
@pytest.mark.parametrize("path", OPEN)
async def test_a_request_without_a_model_takes_the_keys_route_before_the_default_one(
    client, kernel, ledger, gateway, path
):
    await make_route(client, gateway, "usual", gateway.model, is_default=True)
    await make_route(client, gateway, "own", gateway.model)
    routed = (await new_key(client, gateway.person, route="own"))["key"]
    for key, route in ((gateway.key, "usual"), (routed, "own")):
        answer = await client.post(path, json=OPEN[path], headers=bearer(key))
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-luminous-route"] == route
        assert gateway.fake.last.body["model"] == gateway.model.partition("/")[2]
    calls = await calls_of(kernel, ledger, gateway)
    assert [call.reference for call in calls] == [gateway.model] * 2


async def test_the_bytes_without_a_model_are_passed_on_with_it_and_nothing_else(client, gateway):
    await make_route(client, gateway, "usual", gateway.model, is_default=True)
    # A field of that name deeper inside is not the request's own.
    body = {"messages": HELLO, "metadata": {"model": "x"}, "new_thing": 1}
    answer = await client.post(
        "/openai/v1/chat/completions", json=body, headers=bearer(gateway.key)
    )
    assert answer.status_code == 200, answer.text
    assert gateway.fake.last.body == body | {"model": "gpt-fake"}


async def test_a_key_whose_route_is_gone_is_told_which_one(client, gateway):
    key = (await new_key(client, gateway.person, route="gone"))["key"]
    answer = await client.post(
        "/openai/v1/chat/completions", json={"messages": HELLO}, headers=bearer(key)
    )
    assert answer.status_code == 404
    assert "`gone`" in answer.json()["error"]["message"]


async def test_the_listings_show_the_routes_and_only_what_a_key_may_use(client, address, gateway):
    await make_route(client, gateway, "own", gateway.model)
    await make_route(client, gateway, "closed", "demo/echo")
    async with AsyncOpenAI(base_url=f"{address}/openai/v1", api_key=gateway.key) as sdk:
        every = {model.id: model.owned_by async for model in await sdk.models.list()}
        assert (await sdk.models.retrieve("own")).owned_by == "luminous"
    assert every[gateway.model] == "openai"
    routes = {name for name, owner in every.items() if owner == "luminous"}
    assert routes == {"auto", "fast", "cheap", "own", "closed"}

    bound = (await new_key(client, gateway.person, models=[gateway.model, "fast"]))["key"]
    async with AsyncOpenAI(base_url=f"{address}/openai/v1", api_key=bound) as sdk:
        shown = {model.id async for model in await sdk.models.list()}
    assert shown == {gateway.model, "auto", "fast", "cheap", "own"}
    async with anthropic.AsyncAnthropic(base_url=f"{address}/anthropic", api_key=bound) as claude:
        assert {model.id async for model in claude.models.list()} == shown
    answer = await client.get("/gemini/v1beta/models", headers={"x-goog-api-key": bound})
    assert {model["name"] for model in answer.json()["models"]} == {
        f"models/{name}" for name in shown
    }


@pytest.mark.parametrize("route", ["auto", "fast", "cheap"])
async def test_a_new_integration_is_asked_for_its_models_by_the_routes_that_weigh_them(
    client, gateway, route
):
    answer = await ask(client, gateway, model=route)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-luminous-model"] == gateway.model


async def test_who_has_no_model_is_told_which_integration_lists_none_and_why(client, gateway):
    gateway.fake.will(status(401, "Incorrect API key."))
    answer = await ask(client, gateway, model="auto")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_model")
    told = answer.json()["error"]["message"]
    assert "`openai` (OpenAI: Incorrect API key)" in told
    # It is left alone for a while, and the reason stays known.
    headers = gateway.person.headers
    for model, code in (("fast", "no_model"), ("gpt-5", "model_unknown")):
        again = await client.post(
            "/v1/chat", json={"messages": HELLO, "model": model}, headers=headers
        )
        assert (again.json()["code"], "Incorrect API key" in again.text) == (code, True)
    assert len(gateway.fake.requests) == 1
    # Tried again with a better key, it is asked at once.
    (row,) = (await client.get("/v1/integrations", headers=headers)).json()["data"]
    path = f"/v1/integrations/{row['id']}"
    mended = await client.patch(path, json={"api_key": KEY}, headers=headers)
    assert mended.status_code == 200, mended.text
    assert (await ask(client, gateway, model="auto")).status_code == 200


async def test_an_integration_without_chat_models_is_named(client, gateway):
    listed = {"object": "list", "data": [{"id": "text-embedding-3-small", "object": "model"}]}
    gateway.fake.will(body_of(orjson.dumps(listed)))
    answer = await ask(client, gateway, model="auto")
    assert "`openai` (it lists no chat model)" in answer.json()["error"]["message"]


async def test_the_setting_says_how_soon_a_silent_stream_is_pinged(
    app, kernel, client, gateway, monkeypatch
):
    gateway.fake.will(silence(0))
    body = orjson.dumps({"model": gateway.model, "messages": HELLO, "stream": True})
    often = kernel.settings.model_copy(update={"stream_ping_seconds": 0.1})
    monkeypatch.setattr(app.state.relay, "_kernel", replace(kernel, settings=often))
    async with client.stream(
        "POST", "/openai/v1/chat/completions", content=body, headers=gateway.headers
    ) as answer:
        first = await anext(answer.aiter_bytes())
    assert first.startswith(b": ping")
