"""Responses that a provider keeps, by the SDK: for whoever made them, and nobody else."""

from contextlib import asynccontextmanager

import openai
import pytest
from openai import AsyncOpenAI

from app.inference.dialects.framing import payloads
from app.inference.dialects.openai_responses.rows import new_name
from tests.inference.relay.conftest import connect, open_gateway
from tests.support.fakes.base import Said, say
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import new_key, new_person
from tests.support.teams import new_team

anthropic = pytest.mark.parametrize("gateway", ["anthropic"], indirect=True)
CUSTOMER = "X-Customer-Id"


@asynccontextmanager
async def sdk_of(address, key):
    async with AsyncOpenAI(
        base_url=f"{address}/openai/v1", api_key=key, max_retries=0, timeout=20
    ) as opened:
        yield opened


async def made(sdk, gateway, **more):
    return (await sdk.responses.create(model=gateway.model, input="Hi", **more)).id


async def expect_nothing(sdk, gateway, name, **headers):
    """All that could be done with the response is answered as if there were none."""
    before = len(gateway.fake.requests)
    more = {"extra_headers": headers}
    stored = sdk.responses
    for ask in (
        lambda: stored.retrieve(name, **more),
        lambda: stored.cancel(name, **more),
        lambda: stored.delete(name, **more),
        lambda: stored.input_items.list(name, **more),
        lambda: stored.create(
            model=gateway.model, input="Go on.", previous_response_id=name, **more
        ),
        lambda: stored.input_tokens.count(
            model=gateway.model, input="Go on.", previous_response_id=name, **more
        ),
    ):
        with pytest.raises(openai.NotFoundError) as missing:
            await ask()
        assert missing.value.code == "response_not_found"
    assert len(gateway.fake.requests) == before


async def test_a_response_is_looked_up_cancelled_and_deleted(sdk, gateway):
    name = await made(sdk, gateway)
    assert name.startswith("resp_1_")
    found = await sdk.responses.retrieve(name, include=["reasoning.encrypted_content"])
    assert found.id == name
    assert gateway.fake.last.path == "/v1/responses/resp_1"
    assert gateway.fake.last.query
    assert (await sdk.responses.cancel(name)).id == name
    assert gateway.fake.last.path == "/v1/responses/resp_1/cancel"
    assert [item async for item in await sdk.responses.input_items.list(name)] == []
    await sdk.responses.delete(name)
    assert gateway.fake.last.method == "DELETE"


async def test_an_answer_is_gone_on_from_whole_and_streamed(sdk, gateway):
    name = await made(sdk, gateway)
    answer = await sdk.responses.create(
        model=gateway.model, input="Go on.", previous_response_id=name
    )
    assert gateway.fake.last.body["previous_response_id"] == "resp_1"
    assert answer.previous_response_id == name
    async with sdk.responses.stream(
        model=gateway.model, input="Go on.", previous_response_id=answer.id
    ) as stream:
        seen = [event.response async for event in stream if hasattr(event, "response")]
    assert gateway.fake.last.body["previous_response_id"] == "resp_1"
    assert {(each.id, each.previous_response_id) for each in seen} == {(answer.id, answer.id)}
    assert await sdk.responses.retrieve(seen[-1].id)
    await sdk.responses.input_tokens.count(
        model=gateway.model, input="Go on.", previous_response_id=name
    )
    assert gateway.fake.last.body["previous_response_id"] == "resp_1"


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_the_stream_of_one_in_the_background_is_taken_up_again(sdk, gateway, size):
    name = await made(sdk, gateway, background=True)
    stream = await sdk.responses.retrieve(name, stream=True, starting_after=3)
    seen = [event async for event in stream]
    assert gateway.fake.last.query["starting_after"] == "3"
    assert seen[-1].type == "response.completed"
    assert {event.response.id for event in seen if hasattr(event, "response")} == {name}


async def test_nothing_of_a_stream_tells_the_providers_own_id(client, gateway):
    asked = {"model": gateway.model, "input": "Hi", "stream": True}
    answer = await client.post("/openai/v1/responses", json=asked, headers=gateway.headers)
    assert b'"resp_1"' not in answer.content
    plain = gateway.fake.frames(Said(), {"model": "gpt-fake"})
    assert len(list(payloads(answer.content))) == len(plain)


@pytest.mark.parametrize("name", ["resp_1", "resp_1_" + 36 * "A", "resp_abc"])
async def test_an_id_that_was_never_given_out_finds_nothing(sdk, gateway, name):
    await made(sdk, gateway)
    await expect_nothing(sdk, gateway, name)


async def test_a_response_is_not_another_members_of_the_workspace(client, address):
    async with FakeOpenAI() as fake:
        owner, member = await new_person(client), await new_person(client)
        team = await new_team(client, owner)
        await team.take_in(owner, member)
        inside = [
            type(owner)(**{**vars(each), "workspace_id": team.id, "headers": team.headers(each)})
            for each in (owner, member)
        ]
        await connect(client, inside[0], "openai", fake.url + fake.base_path)
        keys = [(await new_key(client, each))["key"] for each in (*inside, inside[0])]
        gateway = (await open_gateway(client, address, fake)).__class__(
            inside[0], keys[0], f"{address}/openai/v1", fake, "openai/gpt-fake"
        )
        async with sdk_of(address, keys[0]) as hers, sdk_of(address, keys[1]) as his:
            name = await made(hers, gateway)
            await expect_nothing(his, gateway, name)
        async with sdk_of(address, keys[2]) as another_key_of_hers:
            assert (await another_key_of_hers.responses.retrieve(name)).id == name


async def test_a_response_is_not_another_workspaces_with_the_same_provider(
    client, address, sdk, gateway
):
    name = await made(sdk, gateway)
    other = await open_gateway(client, address, gateway.fake)
    async with sdk_of(address, other.key) as theirs:
        await expect_nothing(theirs, gateway, name)


async def test_a_response_for_a_customer_is_not_another_ones(sdk, gateway):
    name = await made(sdk, gateway, extra_headers={CUSTOMER: "ann"})
    await expect_nothing(sdk, gateway, name, **{CUSTOMER: "bob"})
    hers = {CUSTOMER: "ann"}
    assert (await sdk.responses.retrieve(name, extra_headers=hers)).id == name
    assert (await sdk.responses.retrieve(name)).id == name
    own = await made(sdk, gateway)
    await expect_nothing(sdk, gateway, own, **hers)
    with pytest.raises(openai.NotFoundError):
        await sdk.responses.create(
            model=gateway.model, input="Go on.", previous_response_id=name, safety_identifier="bob"
        )
    answer = await sdk.responses.create(
        model=gateway.model, input="Go on.", previous_response_id=name, safety_identifier="ann"
    )
    assert answer.previous_response_id == name


async def test_a_response_for_the_customer_of_a_key_is_not_another_keys(
    client, address, sdk, gateway
):
    keys = [
        (await new_key(client, gateway.person, customer=customer))["key"]
        for customer in ("ann", "bob")
    ]
    async with sdk_of(address, keys[0]) as anns, sdk_of(address, keys[1]) as bobs:
        name = await made(anns, gateway)
        await expect_nothing(bobs, gateway, name)
        with pytest.raises(openai.NotFoundError):
            await bobs.responses.retrieve(name, extra_headers={CUSTOMER: "ann"})
        assert (await anns.responses.retrieve(name)).id == name
        assert (await sdk.responses.retrieve(name)).id == name


@pytest.mark.parametrize("by", ["api_keys", "tags"])
async def test_a_key_under_guardrails_gets_nothing_that_never_went_through_them(
    client, address, sdk, gateway, by
):
    key = await new_key(client, gateway.person, tags=["kids"])
    applies = {"api_keys": [key["id"]], "tags": ["kids"]}
    check = {"kind": "regex", "pattern": "zebra", "stage": "output"}
    policy = {"name": "No zebras", "checks": [check], "applies_to": {by: applies[by]}}
    answer = await client.post("/v1/guardrails", json=policy, headers=gateway.person.headers)
    assert answer.status_code == 201, answer.text
    name = await made(sdk, gateway)
    async with sdk_of(address, key["key"]) as guarded:
        with pytest.raises(openai.PermissionDeniedError, match="which is checked"):
            await guarded.responses.retrieve(name)
    assert (await sdk.responses.retrieve(name)).id == name


@anthropic
async def test_one_that_goes_on_from_nothing_is_answered_out_of_the_cache(app, client, gateway):
    policy = await client.post(
        "/v1/caches", json={"name": "Answers"}, headers=gateway.person.headers
    )
    assert policy.status_code == 201, policy.text
    asked = {"model": gateway.model, "input": "Hi", "temperature": 0, "previous_response_id": None}
    for told in ("miss", "hit"):
        answer = await client.post("/openai/v1/responses", json=asked, headers=gateway.headers)
        assert answer.headers.get("x-luminous-cache") == told
        await app.state.kernel.background.close()


async def test_a_cache_gives_nobody_the_answer_to_anothers_response(app, client, sdk, gateway):
    made_policy = await client.post(
        "/v1/caches", json={"name": "Answers"}, headers=gateway.person.headers
    )
    assert made_policy.status_code == 201, made_policy.text
    name = await made(sdk, gateway)
    gateway.fake.will(say(Said(text=("Secret.",))))
    asked = {"model": gateway.model, "input": "Go on.", "temperature": 0}
    await sdk.responses.create(**asked, previous_response_id=name)
    await app.state.kernel.background.close()
    with pytest.raises(openai.NotFoundError):
        await sdk.responses.create(**asked, previous_response_id="resp_1")


async def test_who_goes_on_from_what_nobody_stored_is_told_why(sdk, gateway):
    with pytest.raises(openai.NotFoundError, match="Nobody stores what says `store: false`"):
        await sdk.responses.create(
            model=gateway.model, input="Go on.", previous_response_id=new_name("resp")
        )


@anthropic
async def test_where_nobody_keeps_responses_there_is_none(sdk, gateway):
    with pytest.raises(openai.NotFoundError) as missing:
        await sdk.responses.retrieve(await made(sdk, gateway))
    assert missing.value.code == "response_not_found"
    assert len(gateway.fake.requests) == 1


async def test_one_of_two_must_be_named(sdk, client, gateway):
    name = await made(sdk, gateway)
    async with FakeOpenAI() as other:
        person = gateway.person
        body = {"kind": "openai", "base_url": other.url + other.base_path, "api_key": "another-key"}
        answer = await client.post(
            "/v1/integrations", json=body | {"slug": "second"}, headers=person.headers
        )
        assert answer.status_code == 201, answer.text
        with pytest.raises(openai.NotFoundError, match="X-Luminous-Route"):
            await sdk.responses.retrieve(name)
        route = {"X-Luminous-Route": gateway.model}
        found = await sdk.responses.retrieve(name, extra_headers=route)
        assert found.id == name
        assert other.requests == []


@pytest.mark.parametrize("name", ["a%20b", "..%2F..%2Ffiles", "x" * 201])
async def test_what_is_no_id_goes_nowhere(client, gateway, name):
    answer = await client.get(f"/openai/v1/responses/{name}", headers=gateway.headers)
    assert answer.status_code == 404
    assert gateway.fake.requests == []
