"""Answers that draw on collections, and hold to dictionaries: told in the stream, and kept."""

import pytest_asyncio

from app.core.ids import new_id
from app.core.vectors import VectorsAway
from app.inference.usage.payer import payer_of
from app.knowledge.grounding.grounder import Grounder
from app.knowledge.grounding.grounding import UNGROUNDED
from tests.knowledge.dictionary.conftest import new_keeper, term
from tests.knowledge.ingestion.conftest import new_shelf
from tests.support.chat import Talker, connected
from tests.support.fakes.base import Said, say
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import counted_queries, new_person

POND = "# Newts\n\nThe smooth newt hibernates under logs from October on.\n"
TERMS = (term("workspace"), term("tenant", status="forbidden"))


@pytest_asyncio.fixture(loop_scope="session")
async def keeper(client, talker):
    return await new_keeper(client, talker.person)


@pytest_asyncio.fixture(loop_scope="session")
async def shelf(client, talker):
    return await new_shelf(client, talker.person)


def system_of(fake):
    asked = next(r for r in fake.requests if r.path.endswith("completions"))
    return next((m["content"] for m in asked.body["messages"] if m["role"] == "system"), "")


def events(streamed, kind):
    return [event for event in streamed.events if event["type"] == kind]


async def test_a_forbidden_term_is_told_while_it_streams_and_kept(talker, keeper):
    entry = await keeper.add(*TERMS, status="approved")
    fake = FakeOpenAI()
    fake.script.append(say(Said(text=("Every ten", "ant has ", "a key, and a tenant is one."))))
    async with connected(talker, fake) as slug:
        streamed = await talker.stream_chat(
            "Who has a key?", model=f"{slug}/gpt-4o", dictionaries=[keeper.dictionary_id]
        )
    told = events(streamed, "term.violation")
    assert [(e["start"], e["end"], e["surface"]) for e in told] == [
        (6, 12, "tenant"),
        (30, 36, "tenant"),
    ]
    assert told[0]["preferred"] == ["workspace"]
    assert told[0]["entry_id"] == entry["id"]
    first = streamed.types.index("term.violation")
    assert "text.delta" in streamed.types[first:], "told before the answer was over"
    (message,) = [
        m
        for m in await talker.messages(streamed.events[0]["subject_id"])
        if m["role"] == "assistant"
    ]
    assert [v["start"] for v in message["violations"]] == [6, 30]


async def test_the_terms_of_a_question_enter_the_prompt(talker, keeper):
    await keeper.add(
        *TERMS,
        status="approved",
        definitions=[{"language": "en", "text": "What a team works in."}],
    )
    fake = FakeOpenAI()
    async with connected(talker, fake) as slug:
        await talker.ask(
            "What is a tenant?", model=f"{slug}/gpt-4o", dictionaries=[keeper.dictionary_id]
        )
        prompt = system_of(fake)
    assert 'use "workspace", not "tenant"' in prompt
    assert "What a team works in." in prompt


async def test_default_dictionaries_hold_where_none_is_named(talker, keeper):
    await keeper.add(*TERMS, status="approved")
    changed = await talker.call(
        "PATCH", f"/v1/dictionaries/{keeper.dictionary_id}", json={"is_default": True}
    )
    assert changed.status_code == 200, changed.text
    fake = FakeOpenAI()
    fake.script.extend([say(Said(text=("A tenant.",)))] * 2)
    async with connected(talker, fake) as slug:
        held = await talker.ask("Who?", model=f"{slug}/gpt-4o")
        free = await talker.ask("Who?", model=f"{slug}/gpt-4o", dictionaries=[])
    assert [v["surface"] for v in held["message"]["violations"]] == ["tenant"]
    assert free["message"]["violations"] == []


async def test_a_named_collection_is_shown_to_the_model_and_its_passages_are_told(talker, shelf):
    document = await shelf.add(POND, "newts.md")
    fake = FakeOpenAI()
    fake.script.append(say(Said(text=("Under logs [1].",))))
    async with connected(talker, fake) as slug:
        streamed = await talker.stream_chat(
            "Where do newts sleep in winter?", model=f"{slug}/gpt-4o", collections=[shelf.id]
        )
        prompt = system_of(fake)
    (source,) = events(streamed, "source.added")
    assert source["number"] == 1
    assert source["subject_id"] == document["id"]
    assert source["parent_id"] == shelf.id
    assert "hibernates under logs" in source["quote"]
    assert streamed.types.index("source.added") < streamed.types.index("text.delta")
    assert "hibernates under logs" in prompt
    messages = await talker.messages(streamed.events[0]["subject_id"])
    assert messages[1]["sources"][0]["passage_id"] == source["passage_id"]


async def test_without_the_store_of_vectors_a_chat_answers_from_words(
    talker, shelf, app, monkeypatch
):
    await shelf.add(POND, "newts.md")

    async def away(*_args):
        raise VectorsAway("nobody there")

    with monkeypatch.context() as patch:
        patch.setattr(type(app.state.knowledge.index), "search", away)
        streamed = await talker.stream_chat(
            "newt hibernates?", model="demo/chat?tokens=5&delay_ms=0", collections=[shelf.id]
        )
    assert [s["number"] for s in events(streamed, "source.added")] == [1]
    (warned,) = events(streamed, "log")
    assert (warned["level"], warned["code"]) == ("warning", "search_unavailable")
    assert streamed.types[-1] == "run.completed"


async def test_what_cannot_be_seen_cannot_be_named(talker, client, shelf, keeper):
    stranger = Talker(client, await new_person(client))
    for named in ({"collections": [shelf.id]}, {"dictionaries": [keeper.dictionary_id]}):
        begun = await stranger.call("POST", "/v1/conversations", json=named)
        assert begun.status_code == 404, begun.text
        body = {"messages": [{"role": "user", "content": "Hi"}], **named}
        asked = await stranger.call("POST", "/v1/chat", json=body)
        assert asked.status_code == 404, asked.text


async def test_a_conversation_keeps_what_it_draws_on(talker, shelf, keeper):
    made = await talker.call(
        "POST",
        "/v1/conversations",
        json={"collections": [shelf.id, shelf.id], "dictionaries": [keeper.dictionary_id]},
    )
    assert made.status_code == 201, made.text
    assert made.json()["collections"] == [shelf.id]
    path = f"/v1/conversations/{made.json()['id']}"
    changed = await talker.call("PATCH", path, json={"collections": [], "dictionaries": None})
    assert (changed.json()["collections"], changed.json()["dictionaries"]) == ([], None)


async def test_where_nothing_is_named_and_nothing_holds_an_answer_waits_for_nothing(
    talker, kernel, app
):
    """The workspace's default dictionaries are known; a search, or a look at terms, would break."""
    access = await kernel.resolver.resolve(talker.person.access_token, None)
    grounder = Grounder(kernel.database, None, app.state.knowledge.detector)
    payer = payer_of(access, "chat_turn", new_id())
    assert (await grounder.ground(access, payer, "Hello")).stored() == UNGROUNDED.stored()
    async with counted_queries(kernel) as sent:
        grounding = await grounder.ground(access, payer, "Hello")
        assert await grounder.scanner(access.workspace_id, grounding) is None
    about = ("dictionar", "terminology", "collections", "passages p")
    assert [each for each in sent if any(name in each for name in about)] == []
