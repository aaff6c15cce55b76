"""The model on this machine at OpenAI's address, through the unmodified SDK."""

from base64 import b64decode
from struct import unpack
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from openai import BadRequestError, NotFoundError

from app.inference.embeddings.local import DIMENSIONS, is_installed
from app.inference.embeddings.serving import MOST_TEXTS, REFERENCE
from tests.inference.relay.asking import calls_of
from tests.inference.relay.conftest import gateway, ledger, sdk  # noqa: F401


@pytest_asyncio.fixture(loop_scope="session")
async def vectors(app):
    local = app.state.inference.embedders.local
    return await local.embed(["Frogs live in ponds.", "Bake it for an hour."])


async def test_its_vectors_are_those_that_documents_are_found_by(sdk, vectors):  # noqa: F811
    texts = ["Frogs live in ponds.", "Bake it for an hour."]
    answer = await sdk.embeddings.create(model=REFERENCE, input=texts)
    for row, vector in zip(answer.data, vectors, strict=True):
        assert row.embedding == pytest.approx(vector, abs=1e-6)
    assert answer.model == "minilm-l6-v2"
    whole = await sdk.embeddings.create(
        model=REFERENCE, input=texts[0], encoding_format="float", dimensions=DIMENSIONS
    )
    # Alone it is calculated with another scale than beside others.
    assert sum(a * b for a, b in zip(whole.data[0].embedding, vectors[0], strict=True)) > 0.98


async def test_base64_is_little_endian_floats(sdk, vectors, client, gateway):  # noqa: F811
    asked = {"model": REFERENCE, "input": ["Frogs live in ponds.", "Bake it for an hour."]}
    answer = await client.post(
        "/openai/v1/embeddings", json=asked | {"encoding_format": "base64"}, headers=gateway.headers
    )
    packed = b64decode(answer.json()["data"][0]["embedding"])
    assert unpack(f"<{DIMENSIONS}f", packed) == pytest.approx(vectors[0], abs=1e-6)


async def test_it_is_in_the_ledger_and_costs_nothing(sdk, gateway, kernel, ledger):  # noqa: F811
    answer = await sdk.embeddings.create(model=REFERENCE, input="Frogs live in ponds.")
    (call,) = await calls_of(kernel, ledger, gateway)
    assert (call.status, call.operation, call.integration_id) == ("succeeded", "embeddings", None)
    assert (call.input_tokens, call.cost_usd) == (answer.usage.prompt_tokens, 0)


async def test_it_is_listed_as_what_it_is(sdk, client, gateway):  # noqa: F811
    assert REFERENCE in [model.id async for model in await sdk.models.list()]
    headers = gateway.person.headers
    listed = await client.get("/v1/models", params={"type": "embedding"}, headers=headers)
    (found,) = [each for each in listed.json()["data"] if each["id"] == REFERENCE]
    assert (found["provider"], found["type"], found["demo"]) == ("local", "embedding", False)
    assert (found["price"]["input"], found["price"]["source"]) == ("0", "free")


REFUSED = [
    ({"input": [1, 2, 3]}, "input"),
    ({"input": [[1], [2]]}, "input"),
    ({"input": []}, "input"),
    ({"input": ""}, "input"),
    ({"input": ["a", ""]}, "input"),
    ({"input": ["a"] * (MOST_TEXTS + 1)}, "input"),
    ({"input": "a", "dimensions": 256}, "dimensions"),
    ({"input": "a", "dimensions": 384.5}, "dimensions"),
    ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
    ({"input": "a", "never_heard_of": 1}, "never_heard_of"),
]


@pytest.mark.parametrize(("fields", "param"), REFUSED, ids=str)
async def test_what_it_has_not_is_refused_by_name(sdk, fields, param):  # noqa: F811
    with pytest.raises(BadRequestError) as refused:
        await sdk.post("/embeddings", body={"model": REFERENCE, **fields}, cast_to=dict)
    assert refused.value.param == param


async def test_another_model_of_this_machine_is_not_there(sdk):  # noqa: F811
    with pytest.raises(NotFoundError):
        await sdk.embeddings.create(model="local/bge-m3", input="a")


async def test_it_has_no_chats(sdk):  # noqa: F811
    with pytest.raises((BadRequestError, NotFoundError)):
        await sdk.chat.completions.create(
            model=REFERENCE, messages=[{"role": "user", "content": "Hi"}]
        )


async def test_nobody_is_given_it_who_names_no_model(client, gateway, app):  # noqa: F811
    workspace = UUID(gateway.person.workspace_id)
    directory = app.state.inference.directory
    assert (await directory.target(workspace, None)).endpoint.kind != "local"
    async with httpx2.AsyncClient() as http:
        (local,) = [e for e in await directory.endpoints(workspace) if e.kind == "local"]
        stray = await http.get(f"{local.base_url}/models")
    assert stray.status_code == 404


def test_the_package_tells_whether_it_is_installed(monkeypatch):
    assert is_installed()
    monkeypatch.setattr("app.inference.embeddings.local.find_spec", lambda _: None)
    assert not is_installed()


async def test_embeddings_are_asked_for_by_its_name_too(app, gateway):  # noqa: F811
    embedders = app.state.inference.embedders
    assert await embedders.of(None, REFERENCE) is embedders.local
