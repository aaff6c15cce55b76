"""What a definition needs of its model: declared, probed, refused, or chosen otherwise."""

import pytest

from app.agents.definitions.capabilities import fitting_model, needs
from app.agents.definitions.definition import AgentDefinition
from app.agents.definitions.errors import CapabilityMismatch
from tests.agents.definitions.support import access_of
from tests.support.fakes.base import KEY, Said, say, status
from tests.support.fakes.openai import FakeOpenAI


@pytest.fixture
async def fake():
    async with FakeOpenAI() as server:
        yield server


@pytest.fixture
async def openai(client, person, fake):
    """An integration that leads to the fake, and its models."""
    body = {"kind": "openai", "slug": "fake", "base_url": f"{fake.url}/v1", "api_key": KEY}
    made = await client.post("/v1/integrations", json=body, headers=person.headers)
    assert made.status_code == 201, made.text
    return fake


def test_needs_are_what_the_definition_uses():
    assert needs(AgentDefinition()).capabilities == frozenset()
    full = AgentDefinition.model_validate(
        {
            "agents": ["other"],
            "output_schema": {"type": "object"},
            "inputs": ["image", "file"],
            "parameters": {"reasoning_effort": "low"},
        }
    )
    assert needs(full).capabilities == {
        "tools", "structured_output", "vision", "files", "reasoning",
    }  # fmt: skip
    longer = AgentDefinition(instructions="x" * 40_000)
    assert needs(longer).context - needs(AgentDefinition()).context == 10_000


async def test_a_model_that_declares_a_lack_is_refused_by_name(agents):
    answer = await agents.make(definition={"model": "demo/chat", "inputs": ["image"]}, expect=409)
    assert answer["code"] == "capability_mismatch"
    assert answer["errors"] == [
        {
            "pointer": "/body/definition/model",
            "code": "vision_declared",
            "detail": "no vision (declared: it is declared not to have it)",
        }
    ]
    assert "demo/chat" in answer["detail"]


async def test_a_route_without_a_fitting_candidate_is_refused_too(agents, client, person):
    body = {"slug": "mine", "candidates": [{"model": "demo/chat"}]}
    await client.post("/v1/routes", json=body, headers=person.headers)
    answer = await agents.make(definition={"model": "mine", "inputs": ["image"]}, expect=409)
    assert (answer["code"], "mine" in answer["detail"]) == ("capability_mismatch", True)


async def test_a_probe_asks_keeps_and_outweighs_what_is_declared(agents, openai, app, person):
    definition = {"model": "fake/gpt-4o-mini", "output_schema": {"type": "object"}}
    made = await agents.make(definition=definition)
    openai.will(say(Said(text=("no JSON at all",))))
    told = (await agents.call("POST", f"/{made['id']}/probe", {})).json()
    (result,) = told["data"]
    assert told["model"] == "fake/gpt-4o-mini"
    assert (result["declared"], result["able"]) == (True, False)
    sent = openai.last.body
    assert sent["response_format"]["json_schema"]["schema"]["required"] == ["word"]
    refused = await agents.make(definition=definition, expect=409)
    assert refused["errors"][0]["code"] == "structured_output_probed"
    openai.will(say(Said(text=('{"word": "green"}',))))
    told = (await agents.call("POST", f"/{made['id']}/probe", {})).json()
    assert told["data"][0]["able"] is True
    await agents.make(definition=definition)


async def test_a_probe_asks_for_a_tool_and_for_an_image(agents, openai):
    made = await agents.make(definition={"model": "fake/gpt-4o-mini"})
    openai.will(
        say(Said(text=(), calls=(("c1", "report_word", {"word": "green"}),))),
        say(Said(text=("It is Red.",))),
    )
    wanted = {"capabilities": ["tools", "vision"]}
    told = (await agents.call("POST", f"/{made['id']}/probe", wanted)).json()["data"]
    assert [(each["capability"], each["able"]) for each in told] == [
        ("tools", True), ("vision", True),
    ]  # fmt: skip
    kinds = [part["type"] for part in openai.last.body["messages"][-1]["content"]]
    assert "image_url" in kinds
    openai.will(say(Said()), status(400, "This model takes no images."))
    told = (await agents.call("POST", f"/{made['id']}/probe", wanted)).json()["data"]
    assert [each["able"] for each in told] == [False, False]
    assert "no images" in told[1]["detail"]


async def test_a_model_that_cannot_be_asked_is_no_finding(agents, openai):
    made = await agents.make(definition={"model": "fake/gpt-4o-mini"})
    openai.will(status(401))
    wanted = {"capabilities": ["tools"]}
    told = (await agents.call("POST", f"/{made['id']}/probe", wanted)).json()["data"][0]
    assert (told["able"], told["probed_at"]) == (None, None)
    needing = {"model": "fake/gpt-4o-mini", "agents": [made["slug"]]}
    await agents.make(definition=needing)


async def test_another_model_is_chosen_where_that_is_wished(agents, openai, app, person):
    """Of those that fit, the one that costs least by a known price."""
    listed = {"data": [{"id": name, "object": "model"} for name in (
        "gpt-3.5-turbo", "gpt-4o", "gpt-4o-mini", "nobody-knows-its-price")]}  # fmt: skip
    openai.models = lambda: {"object": "list", **listed}
    desk, access = app.state.agents.definitions, access_of(person)
    await desk.inference.directory.refresh(access.workspace_id)
    wished = {"model": "fake/gpt-3.5-turbo", "inputs": ["image"], "on_mismatch": "choose"}
    fitting = await fitting_model(desk, access, AgentDefinition.model_validate(wished))
    assert (fitting.model, fitting.chosen) == ("fake/gpt-4o-mini", True)
    assert "gpt-3.5-turbo: no vision" in fitting.reason
    made = await agents.make(definition=wished)
    openai.will(status(400, "no images"))
    wanted = {"model": "fake/gpt-4o-mini", "capabilities": ["vision"]}
    await agents.call("POST", f"/{made['id']}/probe", wanted)
    again = await fitting_model(desk, access, AgentDefinition.model_validate(wished))
    assert again.model == "fake/gpt-4o"
    told = (await agents.call("POST", "/validate", {"definition": wished})).json()
    assert told["valid"]
    assert told["warnings"][0]["code"] == "model_chosen"
    strict = AgentDefinition.model_validate({**wished, "on_mismatch": "refuse"})
    with pytest.raises(CapabilityMismatch):
        await fitting_model(desk, access, strict)


async def test_nothing_fits_and_it_is_refused_even_so(agents):
    wished = {"model": "demo/chat", "inputs": ["image"], "on_mismatch": "choose"}
    answer = await agents.make(definition=wished, expect=409)
    assert answer["code"] == "capability_mismatch"


async def test_instructions_longer_than_the_models_context_are_a_mismatch(agents, openai):
    definition = {"model": "fake/gpt-4", "instructions": "x " * 40_000}
    answer = await agents.make(definition=definition, expect=409)
    assert answer["errors"][0]["code"] == "context_declared"
