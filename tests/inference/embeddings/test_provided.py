"""Embeddings by each vendor, in its own words, at its own bounds, and in the ledger."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from openai import AsyncOpenAI, BadRequestError

from app.inference.embeddings.embedder import Embedder
from app.inference.embeddings.errors import EmbeddingModelUnknown, EmbeddingsGarbled
from app.inference.providers.errors import ContextTooLong, ProviderAuthFailed
from app.inference.usage.payer import Payer
from tests.inference.relay.asking import calls_of
from tests.inference.relay.conftest import Gateway, connect, ledger  # noqa: F401
from tests.support.fakes.base import KEY, Fake, body_of, status
from tests.support.fakes.embedding import FakeCohere, FakeOllama, FakeVoyage, vector_of
from tests.support.fakes.gemini import FakeGemini
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import new_key, new_person


@dataclass(frozen=True)
class Vendor:
    """A fake, where an integration of it leads, and a model that has a price."""

    fake: type[Fake]
    model: str
    base_path: str
    most: int


VENDORS = {
    "openai": Vendor(FakeOpenAI, "text-embedding-3-small", "/v1", 512),
    "gemini": Vendor(FakeGemini, "gemini-embedding-001", "", 100),
    "cohere": Vendor(FakeCohere, "embed-v4.0", "", 96),
    "voyage": Vendor(FakeVoyage, "voyage-3.5", "/v1", 128),
    "ollama": Vendor(FakeOllama, "nomic-embed-text", "/v1", 64),
}
BODIES: dict[str, Any] = {
    "openai": lambda texts, _: {"model": "text-embedding-3-small", "input": texts},
    "gemini": lambda texts, purpose: {
        "requests": [
            {
                "model": "models/gemini-embedding-001",
                "content": {"parts": [{"text": text}]},
                "taskType": f"RETRIEVAL_{purpose.upper()}",
            }
            for text in texts
        ]
    },
    "cohere": lambda texts, purpose: {
        "model": "embed-v4.0",
        "texts": texts,
        "input_type": f"search_{purpose}",
        "embedding_types": ["float"],
    },
    "voyage": lambda texts, purpose: {"model": "voyage-3.5", "input": texts, "input_type": purpose},
    "ollama": lambda texts, _: {"model": "nomic-embed-text", "input": texts, "truncate": True},
}
PATHS = {
    "openai": "/v1/embeddings",
    "gemini": "/models/gemini-embedding-001:batchEmbedContents",
    "cohere": "/v2/embed",
    "voyage": "/v1/embeddings",
    "ollama": "/api/embed",
}
TOLD = {"openai": 8, "gemini": 13, "cohere": 21, "voyage": 34, "ollama": 55}


@dataclass(frozen=True)
class Asker:
    kind: str
    gateway: Gateway
    embedder: Embedder

    @property
    def fake(self) -> Any:
        return self.gateway.fake


@pytest_asyncio.fixture(params=VENDORS, loop_scope="session")
async def asker(request, app, client, address):
    vendor = VENDORS[request.param]
    async with vendor.fake() as fake:
        person = await new_person(client)
        await connect(client, person, request.param, fake.url + vendor.base_path)
        key = (await new_key(client, person))["key"]
        model = f"{request.param}/{vendor.model}"
        gateway = Gateway(person, key, f"{address}/openai/v1", fake, model)
        embedders = app.state.inference.embedders
        payer = Payer(UUID(person.workspace_id), UUID(person.user_id), "knowledge")
        yield Asker(request.param, gateway, await embedders.of(payer, model))


def only(*kinds: str):
    return pytest.mark.parametrize("asker", kinds, indirect=True)


@pytest.mark.parametrize("purpose", ["document", "query"])
async def test_each_vendor_is_asked_in_its_own_words(asker, purpose):
    vectors = await asker.embedder.embed(["Hello", "World!"], purpose)
    asked = asker.fake.last
    assert asked.method == "POST"
    assert asked.path.endswith(PATHS[asker.kind])
    assert asked.body == BODIES[asker.kind](["Hello", "World!"], purpose)
    assert [len(vector) for vector in vectors] == [len(vectors[0])] * 2
    for vector in vectors:
        assert sum(each * each for each in vector) == pytest.approx(1)
    assert asker.embedder.dimensions == len(vectors[0])


@only("cohere", "voyage", "ollama")
async def test_vectors_come_in_the_order_of_the_texts(asker):
    texts = ["a" * length for length in (3, 1, 2)]
    expected = [vector_of(text, 4) for text in texts]
    for vector, raw in zip(await asker.embedder.embed(texts), expected, strict=True):
        assert [each / vector[0] * raw[0] for each in vector] == pytest.approx(raw)


async def test_more_texts_than_a_vendor_takes_go_in_several_requests(asker):
    most = VENDORS[asker.kind].most
    vectors = await asker.embedder.embed(["x"] * (most + 1))
    assert len(vectors) == most + 1
    assert len(asker.fake.requests) == 2


async def test_a_call_is_in_the_ledger_with_its_tokens_and_its_cost(asker, kernel, ledger):  # noqa: F811
    await asker.embedder.embed(["Hello"])
    (call,) = await calls_of(kernel, ledger, asker.gateway)
    told = (call.status, call.operation, call.purpose, call.input_tokens, call.estimated)
    assert told == ("succeeded", "embeddings", "knowledge", TOLD[asker.kind], False)
    assert call.cost_usd is not None
    assert (call.cost_usd > 0) == (asker.kind != "ollama")


@only("cohere", "voyage")
async def test_a_text_that_is_too_long_is_cut_and_the_others_are_whole(asker):
    asker.fake.most_characters = 1000
    vectors = await asker.embedder.embed(["short", "long " * 500, "also short"])
    assert len(vectors) == 3
    assert asker.fake.last.path.endswith(PATHS[asker.kind])
    given = [text for each in asker.fake.requests for text in each.body[asker.fake.field]]
    assert "long " * 125 in given


@only("cohere")
async def test_a_model_that_takes_no_text_at_all_is_not_asked_for_ever(asker):
    asker.fake.most_characters = 1
    with pytest.raises(ContextTooLong):
        await asker.embedder.embed(["long " * 500])
    assert len(asker.fake.requests) < 10


async def test_a_refused_key_is_told(asker):
    asker.fake.will(status(401, "no such key"))
    with pytest.raises(ProviderAuthFailed):
        await asker.embedder.embed(["Hello"])


@pytest.mark.parametrize(
    "answer", [b"{}", b"no json", b"[]", b'{"data": 1, "embeddings": 2}', b"null"]
)
async def test_an_answer_without_vectors_is_garbled(asker, answer):
    asker.fake.will(body_of(answer))
    with pytest.raises(EmbeddingsGarbled):
        await asker.embedder.embed(["Hello"])


@only("ollama")
@pytest.mark.parametrize(
    "vectors", ["[[0, 0]]", "[[1], [1]]", '[["a"]]', "[[]]", "[[1e999]]", "[null]"]
)
async def test_vectors_that_are_none_are_garbled(asker, vectors):
    asker.fake.will(body_of(f'{{"embeddings": {vectors}}}'.encode()))
    with pytest.raises(EmbeddingsGarbled):
        await asker.embedder.embed(["Hello"])


async def test_the_sdk_of_openai_reaches_every_vendor(asker, kernel, ledger):  # noqa: F811
    if asker.kind == "ollama":
        pytest.skip("its surface that is like OpenAI's takes the bytes as they are")
    gateway = asker.gateway
    async with AsyncOpenAI(base_url=gateway.base_url, api_key=gateway.key, max_retries=0) as sdk:
        for encoding in ("float", "base64"):
            answer = await sdk.embeddings.create(
                model=gateway.model, input=["Hello", "World"], encoding_format=encoding
            )
            assert [row.index for row in answer.data] == [0, 1]
            assert answer.usage.prompt_tokens == TOLD[asker.kind]
    calls = await calls_of(kernel, ledger, gateway)
    assert {call.input_tokens for call in calls} == {TOLD[asker.kind]}
    assert all(call.cost_usd for call in calls)


@only("cohere", "voyage", "gemini")
async def test_a_question_can_be_told_from_a_document_over_the_sdk(asker):
    gateway = asker.gateway
    async with AsyncOpenAI(base_url=gateway.base_url, api_key=gateway.key, max_retries=0) as sdk:
        more = {"input_type": "query"}
        await sdk.embeddings.create(model=gateway.model, input="Hello", extra_body=more)
        assert asker.fake.last.body == BODIES[asker.kind](["Hello"], "query")
        for field, value in (("input", [1, 2]), ("never_heard_of", 1), ("input_type", "poem")):
            asked = {"model": gateway.model, "input": "Hello", field: value}
            with pytest.raises(BadRequestError) as refused:
                await sdk.post("/embeddings", body=asked, cast_to=dict)
            assert refused.value.param == field


@only("cohere", "voyage")
async def test_a_vendor_that_only_embeds_refuses_chats_and_lists_its_models(asker, client):
    gateway = asker.gateway
    chat = {"model": gateway.model, "messages": [{"role": "user", "content": "Hello"}]}
    answer = await client.post(
        "/openai/v1/chat/completions", json=chat, headers={"Authorization": f"Bearer {gateway.key}"}
    )
    assert answer.status_code == 400, answer.text
    assert "embeddings only" in answer.text
    assert asker.fake.requests == []
    listed = await client.get("/v1/models", params={"limit": 100}, headers=gateway.person.headers)
    types = {each["id"]: each["type"] for each in listed.json()["data"]}
    assert types[gateway.model] == "embedding"


async def test_the_key_is_proved(asker, client):
    headers = asker.gateway.person.headers
    (found,) = (await client.get("/v1/integrations", headers=headers)).json()["data"]
    tested = await client.post(f"/v1/integrations/{found['id']}/test", headers=headers)
    assert tested.status_code == 200, tested.text
    assert tested.json()["ok"] is True
    if asker.kind != "ollama":
        assert KEY in str(asker.fake.last.headers)


async def test_who_cannot_embed_is_named(app, client):
    person = await new_person(client)
    payer = Payer(UUID(person.workspace_id), UUID(person.user_id), "knowledge")
    for model in ("nothing/x", "openai", "/", ""):
        with pytest.raises(EmbeddingModelUnknown):
            await app.state.inference.embedders.of(payer, model)
