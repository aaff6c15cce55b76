"""Responses that a provider keeps, by the SDK: where they were made, or nowhere."""

import openai
import pytest

from tests.support.fakes.openai import FakeOpenAI

anthropic = pytest.mark.parametrize("gateway", ["anthropic"], indirect=True)


async def test_a_response_is_looked_up_cancelled_and_deleted(sdk, gateway):
    found = await sdk.responses.retrieve("resp_abc", include=["reasoning.encrypted_content"])
    assert found.id == "resp_abc"
    assert gateway.fake.last.path == "/v1/responses/resp_abc"
    assert gateway.fake.last.query
    assert (await sdk.responses.cancel("resp_abc")).id == "resp_abc"
    assert gateway.fake.last.path == "/v1/responses/resp_abc/cancel"
    assert [item async for item in await sdk.responses.input_items.list("resp_abc")] == []
    await sdk.responses.delete("resp_abc")
    assert gateway.fake.last.method == "DELETE"


@anthropic
async def test_where_nobody_keeps_responses_there_is_none(sdk, gateway):
    with pytest.raises(openai.NotFoundError) as missing:
        await sdk.responses.retrieve("resp_abc")
    assert missing.value.code == "response_not_found"
    assert gateway.fake.requests == []


async def test_one_of_two_must_be_named(sdk, client, gateway):
    async with FakeOpenAI() as other:
        person = gateway.person
        body = {"kind": "openai", "base_url": other.url + other.base_path, "api_key": "another-key"}
        made = await client.post(
            "/v1/integrations", json=body | {"slug": "second"}, headers=person.headers
        )
        assert made.status_code == 201, made.text
        with pytest.raises(openai.NotFoundError, match="X-Luminous-Route"):
            await sdk.responses.retrieve("resp_abc")
        route = {"X-Luminous-Route": gateway.model}
        found = await sdk.responses.retrieve("resp_abc", extra_headers=route)
        assert found.id == "resp_abc"
        assert other.requests == []


@pytest.mark.parametrize("name", ["a%20b", "..%2F..%2Ffiles", "x" * 129])
async def test_what_is_no_id_goes_nowhere(client, gateway, name):
    answer = await client.get(f"/openai/v1/responses/{name}", headers=gateway.headers)
    assert answer.status_code == 404
    assert gateway.fake.requests == []
