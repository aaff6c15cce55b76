"""A provider kind out of another package is served like our own."""

import importlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from openai import APIError, AsyncOpenAI, BadRequestError

from app.inference.providers.contract import KEY, Answer, HttpUpstream
from app.inference.providers.plugins import fit, install_plugins
from app.inference.providers.registry import KINDS
from app.main import create_app
from tests.inference.providers.test_plugins import ACME, EXAMPLE
from tests.inference.relay.asking import HELLO, settled_calls
from tests.inference.relay.conftest import Gateway
from tests.support.identity import new_key, new_person

TEXT = "alpha beta gamma 🌍"


@dataclass(frozen=True)
class Plugged:
    gateway: Gateway
    upstream: HttpUpstream
    integration: dict[str, Any]


@pytest.fixture
async def plugged(
    client: httpx2.AsyncClient, address: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Plugged]:
    """The example plug-in installed, and an integration of its kind."""
    for folder in (EXAMPLE, EXAMPLE / "installed"):
        monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    install_plugins("on")
    fake = importlib.import_module("test_luminous_acme").FakeAcme
    async with fake() as upstream:
        yield await plug_in(client, address, upstream)
    install_plugins("off")


async def plug_in(client: httpx2.AsyncClient, address: str, upstream: HttpUpstream) -> Plugged:
    person = await new_person(client)
    body = {"kind": "acme", "base_url": upstream.base_url, "api_key": KEY}
    made = await client.post("/v1/integrations", json=body, headers=person.headers)
    assert made.status_code == 201, made.text
    key = (await new_key(client, person))["key"]
    gateway = Gateway(person, key, f"{address}/openai/v1", upstream, "acme/model-a")
    return Plugged(gateway, upstream, made.json())


@pytest.fixture
async def acme_sdk(plugged: Plugged) -> AsyncIterator[AsyncOpenAI]:
    gateway = plugged.gateway
    async with AsyncOpenAI(
        base_url=gateway.base_url, api_key=gateway.key, max_retries=0, timeout=20
    ) as opened:
        yield opened


async def test_its_kind_is_listed_with_its_label_and_package(client, plugged, settings):
    headers = plugged.gateway.person.headers
    kinds = (await client.get("/v1/integration-kinds", headers=headers)).json()
    (shown,) = [kind for kind in kinds if kind["name"] == "acme"]
    assert (shown["label"], shown["package"], shown["dialect"]) == ("Acme", ACME, "acme")
    assert {kind["package"] for kind in kinds if kind["name"] != "acme"} == {None}
    assert (plugged.integration["kind"], plugged.integration["name"]) == ("acme", "Acme")
    document = create_app(settings).openapi()
    taken = document["components"]["schemas"]["IntegrationCreate"]["properties"]["kind"]["enum"]
    assert taken == list(KINDS)
    assert "acme" in taken


async def test_a_kind_that_nobody_brings_is_refused_by_name(client, plugged):
    headers = plugged.gateway.person.headers
    answer = await client.post("/v1/integrations", json={"kind": "nobodys"}, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/kind"


async def test_it_answers_whole_and_streamed_and_its_cost_is_unknown(
    acme_sdk, plugged, kernel, ledger
):
    model = plugged.gateway.model
    whole = await acme_sdk.chat.completions.create(model=model, messages=HELLO)
    assert whole.choices[0].message.content == TEXT
    assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (120, 50)
    stream = await acme_sdk.chat.completions.create(model=model, messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == TEXT
    calls = await settled_calls(kernel, ledger, plugged.gateway, 2)
    assert [(call.input_tokens, call.output_tokens) for call in calls] == [(120, 50)] * 2
    assert {call.cost_usd for call in calls} == {None}


async def test_a_parameter_that_it_has_no_words_for_is_refused_by_name(acme_sdk, plugged):
    with pytest.raises(BadRequestError) as caught:
        await acme_sdk.chat.completions.create(
            model=plugged.gateway.model, messages=HELLO, presence_penalty=0.5
        )
    assert "presence_penalty" in str(caught.value)
    assert list(plugged.upstream.bodies) == []


async def test_its_stream_that_breaks_off_ends_with_an_error(acme_sdk, plugged):
    plugged.upstream.will(*[Answer(pieces=2, then="cut")] * 4)
    stream = await acme_sdk.chat.completions.create(
        model=plugged.gateway.model, messages=HELLO, stream=True
    )
    text = ""

    async def read() -> None:
        nonlocal text
        async for chunk in stream:
            text += chunk.choices[0].delta.content or ""

    with pytest.raises(APIError, match="Acme"):
        await read()
    assert text.startswith("alpha beta ")


async def test_its_models_are_listed_without_prices(client, plugged):
    headers = plugged.gateway.person.headers
    tried = await client.post(f"/v1/integrations/{plugged.integration['id']}/test", headers=headers)
    assert (tried.json()["ok"], tried.json()["models"]) == (True, 2)
    models = (await client.get("/v1/models", headers=headers)).json()["data"]
    (found,) = [model for model in models if model["id"] == "acme/model-a"]
    assert found["price"] is None


async def test_without_its_plugin_an_integration_stays_and_harms_nothing(
    client, plugged, app: FastAPI
):
    person = plugged.gateway.person
    install_plugins("off")
    app.state.inference.directory.forget(UUID(person.workspace_id))
    path = f"/v1/integrations/{plugged.integration['id']}"
    assert (await client.get(path, headers=person.headers)).json()["kind"] == "acme"
    listed = await client.get("/v1/integrations?kind=acme", headers=person.headers)
    assert [row["id"] for row in listed.json()["data"]] == [plugged.integration["id"]]
    tried = await client.post(f"{path}/test", headers=person.headers)
    assert (tried.status_code, tried.json()["code"]) == (422, "invalid_integration")
    models = await client.get("/v1/models", headers=person.headers)
    assert models.status_code == 200
    assert not any(model["id"].startswith("acme/") for model in models.json()["data"])
    assert (await client.delete(path, headers=person.headers)).status_code == 204


class Choir:
    """A whole provider that is a model in the process."""

    name = dialect = "choir"
    label = "Choir"
    base_url = "https://choir.example"
    key_variable = address_variable = None
    needs_key = False

    def takes(self, base_url):
        return frozenset()

    def build(self, connection):
        return KINDS["demo"].build(connection)


async def test_a_whole_provider_gets_events_only(client, address, app: FastAPI):
    directory = app.state.inference.directory
    own = await directory.endpoints(UUID((await new_person(client)).workspace_id))
    (demo,) = [endpoint for endpoint in own if endpoint.kind == "demo"]
    KINDS["choir"] = fit(Choir(), "choir")
    try:
        person = await new_person(client)
        body = {"kind": "choir", "base_url": demo.base_url}
        made = await client.post("/v1/integrations", json=body, headers=person.headers)
        assert made.status_code == 201, made.text
        key = (await new_key(client, person))["key"]
        answer = await client.post(
            "/openai/v1/chat/completions",
            json={"model": "choir/chat?delay_ms=0", "messages": HELLO, "stream": True},
            headers={"Authorization": f"Bearer {key}"},
        )
        assert answer.status_code == 200, answer.text
        assert answer.text.endswith("data: [DONE]\n\n")
        refused = await client.post(
            "/openai/v1/embeddings",
            json={"model": "choir/chat", "input": "x"},
            headers={"Authorization": f"Bearer {key}"},
        )
        assert refused.status_code == 400, refused.text
    finally:
        del KINDS["choir"]
