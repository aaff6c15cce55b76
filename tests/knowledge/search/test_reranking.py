"""Rerankers at the socket: the vendors' wire format, a model as judge, and what it costs."""

from dataclasses import replace

import pytest
import pytest_asyncio

from app.core.auth import KeyRules
from app.core.errors import AppError
from app.knowledge.search.errors import RerankingFailed
from app.knowledge.search.question import Reranking
from app.knowledge.search.reranking import read_ratings
from tests.knowledge.search.conftest import library_of
from tests.support.chat import Talker, connected
from tests.support.fakes.base import Said, body_of, say, status
from tests.support.fakes.embedding import FakeCohere, FakeVoyage
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import new_key, new_person

FROG = "Frogs live in ponds and eat flies."
RIVER = "The river rises in the mountains."
CAKE = "Bake the cake at 180 degrees for an hour."


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest_asyncio.fixture(loop_scope="session")
async def shelf(app, client, talker):
    library = await library_of(app, talker.person)
    await library.put(FROG, RIVER, CAKE)
    return library


async def ranked(shelf, model):
    findings = await shelf.ask("frogs in the river", reranking=Reranking(model))
    return [(each.passage.text, each.scores.rerank_score) for each in findings.found]


@pytest.mark.parametrize("vendor", [FakeCohere, FakeVoyage])
async def test_a_rerank_endpoint_puts_the_best_first(app, talker, shelf, vendor):
    rows = [
        {"index": 1, "relevance_score": 0.9},
        {"index": 0, "relevance_score": 0.4},
        {"index": 2, "relevance_score": 0.1},
    ]
    answers = {
        "cohere": b'{"id": "r", "results": %s, "meta": {"billed_units": {"search_units": 1}}}',
        "voyage": b'{"object": "list", "data": %s, "usage": {"total_tokens": 33}}',
    }
    async with connected(talker, fake := vendor()) as slug:
        fake.script.clear()
        fake.will(body_of(answers[slug] % str(rows).replace("'", '"').encode()))
        found = await ranked(shelf, f"{slug}/rerank-2.5")
    asked = fake.last
    assert asked.path == {"cohere": "/v2/rerank", "voyage": "/v1/rerank"}[slug]
    assert asked.body["model"] == "rerank-2.5"
    assert asked.body["query"] == "frogs in the river"
    assert [each[1] for each in found] == [0.9, 0.4, 0.1]
    assert found[0][0] == asked.body["documents"][1]
    await app.state.inference.calls.flush()
    calls = await talker.call("GET", "/v1/usage/calls?purpose=search")
    row = calls.json()["data"][0]
    assert (row["operation"], row["status"]) == ("rerank", "succeeded")


async def test_an_answer_that_cannot_be_read_is_an_error(talker, shelf):
    async with connected(talker, fake := FakeVoyage()) as slug:
        fake.script.clear()
        fake.will(body_of(b'{"data": [{"index": 0, "relevance_score": 1}]}'))
        with pytest.raises(AppError) as told:
            await ranked(shelf, f"{slug}/rerank-2.5")
        assert (told.value.status, told.value.code) == (502, "reranking_garbled")
        fake.will(status(500), status(500))
        with pytest.raises(AppError) as told:
            await ranked(shelf, f"{slug}/rerank-2.5")
        assert told.value.status in (502, 503)


async def test_a_chat_model_judges(talker, shelf):
    async with connected(talker, fake := FakeOpenAI()) as slug:
        fake.will(say(Said(text=("Here: ", "[2, 9.5, ", "0]"))))
        found = await ranked(shelf, f"{slug}/gpt-4.1")
    assert [each[1] for each in found] == [0.95, 0.2, 0]
    shown = fake.last.body["messages"][-1]["content"]
    assert FROG in str(shown)
    assert "frogs in the river" in str(shown)


def test_ratings_are_read_or_refused():
    assert read_ratings("scores: [1, 2.5, 10]", 3) == [0.1, 0.25, 1.0]
    assert read_ratings("[1] then [3, 4]", 2) == [0.3, 0.4]
    assert read_ratings("[-5, 99]", 2) == [0.0, 1.0]
    for answer in ("", "none", "[1, 2]", '["a", 1, 2]', "[null, 1, 2]"):
        with pytest.raises(RerankingFailed):
            read_ratings(answer, 3)


async def test_a_reranker_that_is_not_there_is_said(shelf):
    for model in ("gone/rerank-2.5", "gone/chat"):
        with pytest.raises(AppError) as told:
            await ranked(shelf, model)
        assert (told.value.status, told.value.code) == (422, "reranker_unknown")


async def test_a_key_reranks_with_the_models_that_it_may_use_and_no_others(talker, client, shelf):
    async with connected(talker, FakeOpenAI()) as slug:
        body = {"query": "frogs", "rerank": {"model": f"{slug}/gpt-4.1"}}
        for rules, code in (
            ({"scopes": ["search:read", "collections:read"]}, "permission_denied"),
            (
                {"scopes": ["search:read", "models:invoke"], "features": ["images"]},
                "feature_not_allowed",
            ),
        ):
            key = await new_key(client, talker.person, **rules)
            headers = {"Authorization": f"Bearer {key['key']}"}
            answer = await client.post("/v1/search", json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, code)
        shelf.access = replace(shelf.access, rules=KeyRules(models=("other/*",)))
        for model in ("gpt-4.1", "rerank-1"):
            with pytest.raises(AppError) as told:
                await ranked(shelf, f"{slug}/{model}")
            assert (told.value.status, told.value.code) == (403, "model_not_allowed")
