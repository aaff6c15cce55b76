"""Answers given again: exactly, by meaning, and never to another tenant or in another context."""

import asyncio
import time
from dataclasses import replace
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from app.core.ids import new_id
from app.inference.cache.entries import Entries, author_key, entry_key, index_key
from app.inference.cache.errors import CacheDirectiveInvalid
from app.inference.cache.known import known_rules
from app.inference.cache.personal import CacheStore
from app.inference.cache.place import Place
from app.inference.cache.points import collection_of
from app.inference.cache.responses import CacheUse, Inquiry, Responses, directive_of
from app.inference.cache.rules import CacheRule
from app.inference.cache.stored import Stored, dump, events_of, is_whole, load
from app.inference.embeddings.embedders import Embedders
from app.inference.providers.collect import Collector
from app.inference.providers.types import (
    ChatResult,
    Citation,
    ReasoningPart,
    TextPart,
    TokenLogprob,
    ToolCallPart,
    Usage,
)
from app.inference.usage.payer import Payer
from app.oversight.privacy.people import Person
from app.oversight.privacy.qdrant import QdrantStore

ANSWER = ChatResult((TextPart("Paris."),), "stop", Usage(9, 3, 4), "gpt", "r1")


def asking(text, **more):
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


@pytest.fixture
def responses(app, kernel) -> Responses:
    return app.state.inference.responses


@pytest.fixture
def payer():
    return Payer(new_id(), new_id(), "gateway")


def rule(**fields):
    usual = {"scope": "workspace", "ttl_seconds": 60, "max_entries": 100,
             "max_answer_bytes": 100_000, "threshold": 0.8}  # fmt: skip
    return CacheRule(new_id(), 1, **{**usual, **fields})


def use(responses, payer, rule, document, **inquiry):
    return CacheUse(responses, payer, rule, Inquiry("openai_chat", "m", document, **inquiry))


async def keep(use, result=ANSWER):
    await use.write(Stored(result, time.time() - 7, 1234, "openai", "gpt"))


async def test_the_same_request_is_answered_again_with_its_age_and_price(responses, payer):
    policy = rule()
    await keep(use(responses, payer, policy, asking("Capital of France?", user="ann")))
    hit = await use(responses, payer, policy, asking("Capital of France?", stream=True)).look_up()
    assert (hit.status, hit.stored.result, hit.stored.cost) == ("hit", ANSWER, 1234)
    assert 6 <= hit.age <= 9


async def test_a_paraphrase_is_answered_and_another_question_is_not(responses, payer):
    policy = rule()
    await keep(use(responses, payer, policy, asking("What is the capital of France?")))
    near = await use(
        responses, payer, policy, asking("What's the capital city of France?")
    ).look_up()
    assert near.status == "semantic-hit"
    assert await use(responses, payer, policy, asking("How do I bake bread?")).look_up() is None


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": 0.3},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"messages": [{"role": "system", "content": "Answer in verse."},
                      {"role": "user", "content": "What is the capital of France?"}]},
    ],
)  # fmt: skip
async def test_the_same_question_in_another_context_is_another_one(responses, payer, other):
    policy = rule()
    await keep(use(responses, payer, policy, asking("What is the capital of France?")))
    document = {**asking("What's the capital city of France?"), **other}
    assert await use(responses, payer, policy, document).look_up() is None


async def test_no_other_tenant_ever_gets_the_answer(responses, payer):
    policy = rule()
    question = asking("What is the capital of France?")
    await keep(use(responses, payer, policy, question))
    stranger = Payer(new_id(), new_id(), "gateway")
    assert await use(responses, stranger, policy, question).look_up() is None
    near = asking("What's the capital city of France?")
    assert await use(responses, stranger, policy, near).look_up() is None


async def test_answers_are_apart_by_user_or_by_customer_where_the_policy_says_so(responses, payer):
    colleague = replace(payer, user_id=new_id())
    policy = rule(scope="user")
    await keep(use(responses, payer, policy, asking("Mine?")))
    assert await use(responses, colleague, policy, asking("Mine?")).look_up() is None
    assert await use(responses, payer, policy, asking("Mine?")).look_up() is not None
    policy = rule(scope="customer")
    assert not policy.takes(payer, "m", None)
    ann, bob = replace(payer, customer="ann"), replace(payer, customer="bob")
    await keep(use(responses, ann, policy, asking("Mine?")))
    assert await use(responses, bob, policy, asking("Mine?")).look_up() is None
    assert await use(responses, ann, policy, asking("Mine?")).look_up() is not None


@pytest.mark.parametrize("other", [{"guards": "p:2"}, {"headers": {"anthropic-beta": "new"}}])
async def test_other_guardrails_or_headers_make_another_answer(responses, payer, other):
    policy = rule()
    await keep(use(responses, payer, policy, asking("Hello?")))
    assert await use(responses, payer, policy, asking("Hello?"), **other).look_up() is None


async def test_a_refresh_finds_nothing_and_keeps_the_new_answer(responses, payer):
    policy = rule()
    await keep(use(responses, payer, policy, asking("Hello?")))
    fresh = use(responses, payer, policy, asking("Hello?"), directive="refresh")
    assert await fresh.look_up() is None
    assert not fresh.coalesces
    await keep(fresh, replace(ANSWER, response_id="r2"))
    hit = await use(responses, payer, policy, asking("Hello?")).look_up()
    assert hit.stored.result.response_id == "r2"


def test_a_directive_that_nobody_knows_is_refused():
    assert directive_of(" Bypass ") == "bypass"
    assert directive_of(None) == "use"
    with pytest.raises(CacheDirectiveInvalid, match="X-Luminous-Cache: "):
        directive_of("no-store")


async def test_answers_that_end_soonest_go_when_there_are_too_many(responses, payer, kernel):
    policy = rule(max_entries=3, threshold=None)
    for number in range(6):
        await keep(use(responses, payer, policy, asking(f"Question {number}?")))
        await asyncio.sleep(0.002)
    found = [
        await use(responses, payer, policy, asking(f"Question {n}?")).look_up() for n in range(6)
    ]
    assert [hit is not None for hit in found] == [False] * 3 + [True] * 3
    assert await responses.entries.count(payer.workspace_id, policy.id) == 3


async def test_an_answer_ends_with_its_time(responses, payer):
    policy = rule(ttl_seconds=1)
    await keep(use(responses, payer, policy, asking("What is the capital of France?")))
    await asyncio.sleep(1.1)
    for text in ("What is the capital of France?", "What's the capital city of France?"):
        assert await use(responses, payer, policy, asking(text)).look_up() is None


async def test_what_a_person_asked_is_listed_no_longer_than_it_is_kept(responses, payer, kernel):
    """A person who asks day after day must not fill Valkey with names of what is gone."""
    short, long = rule(ttl_seconds=1, threshold=None), rule(threshold=None)
    for number in range(5):
        await keep(use(responses, payer, short, asking(f"Question {number}?")))
    await asyncio.sleep(1.1)
    await keep(use(responses, payer, long, asking("Question?")))
    assert await kernel.valkey.zcard(author_key(payer.workspace_id, payer.user_id)) == 1


async def test_what_is_stored_cannot_be_read_in_valkey_nor_moved(responses, payer, kernel):
    policy = rule()
    mine = use(responses, payer, policy, asking("What is the capital of France?"))
    await keep(mine)
    sealed = await kernel.valkey.get(mine.key)
    assert b"Paris" not in sealed
    other = entry_key(payer.workspace_id, policy.id, "elsewhere")
    await kernel.valkey.set(other, sealed, ex=60)
    assert await responses.entries.get(other) is None


async def test_a_purge_deletes_answers_and_questions(responses, payer, kernel):
    policy = rule()
    mine = use(responses, payer, policy, asking("What is the capital of France?"))
    await keep(mine)
    assert await responses.entries.purge(payer.workspace_id, policy.id) == 1
    await responses.questions.purge(payer.workspace_id, policy.id)
    assert await mine.look_up() is None
    assert await kernel.valkey.exists(index_key(payer.workspace_id, policy.id)) == 0


async def test_an_erasure_finds_what_a_person_asked(responses, payer, kernel):
    policy = rule()
    mine = use(responses, payer, policy, asking("What is the capital of France?"))
    theirs = use(responses, replace(payer, user_id=new_id()), policy, asking("How is the weather?"))
    await keep(mine)
    await keep(theirs)
    store, person = CacheStore(kernel.valkey), Person(payer.user_id)
    tally = Counting()
    assert await store.left(person) == 1
    await store.erase(person, tally)
    await QdrantStore(kernel.vectors).erase(person, tally)
    assert await store.left(person) == 0
    assert tally.counted["cache"] == 1
    assert tally.counted[f"qdrant/{collection_of('minilm-l6-v2-int8')}"] == 1
    assert await mine.look_up() is None
    assert await theirs.look_up() is not None
    assert await kernel.valkey.exists(author_key(payer.workspace_id, payer.user_id)) == 0


class Counting:
    def __init__(self):
        self.counted = {}

    async def add(self, place, action, count, *, reason="", session=None):
        assert action == "deleted"
        self.counted[place] = self.counted.get(place, 0) + count


async def test_without_qdrant_only_exactly_the_same_request_is_answered(app, kernel, payer):
    without = replace(kernel, vectors=None)
    inference = app.state.inference
    responses = Responses(
        without,
        known_rules(kernel.database),
        Embedders(inference.directory, inference.guardrails.outside.embedder, kernel.database),
    )
    policy = rule()
    await keep(use(responses, payer, policy, asking("What is the capital of France?")))
    same = use(responses, payer, policy, asking("What is the capital of France?"))
    assert (await same.look_up()).status == "hit"
    near = use(responses, payer, policy, asking("What's the capital city of France?"))
    assert await near.look_up() is None


FULL = ChatResult(
    (
        ReasoningPart("thinking", "sig", None, "anthropic_messages"),
        TextPart(
            "Paris.",
            (Citation("page", 1, 2, "quote"),),
            (TokenLogprob("P", -0.1, (("P", -0.1),)),),
        ),
        ToolCallPart("c1", "f", '{"a": 1}', None, "openai_chat"),
    ),
    "tool_calls", Usage(9, 3, 4, 1, 2), "gpt", "r1", "END",
)  # fmt: skip


def test_an_answer_is_the_same_after_it_was_stored():
    stored = Stored(FULL, 1.5, None, "openai", "gpt")
    assert load(dump(stored)) == stored


def test_an_answer_played_as_events_is_the_same_answer():
    collector = Collector("openai_chat")
    for event in events_of(FULL):
        collector.add(event)
    played = collector.result()
    assert (played.text, played.usage, played.finish_reason) == ("Paris.", FULL.usage, "tool_calls")
    assert [type(part) for part in played.parts] == [type(part) for part in FULL.parts]


def test_only_whole_answers_are_kept_and_tool_calls_where_it_is_allowed():
    assert is_whole(ANSWER, tool_calls=False)
    assert not is_whole(FULL, tool_calls=False)
    assert is_whole(FULL, tool_calls=True)
    for reason in ("length", "content_filter", "refusal"):
        assert not is_whole(replace(ANSWER, finish_reason=reason), tool_calls=True)
    assert not is_whole(replace(ANSWER, parts=()), tool_calls=True)


async def test_a_question_is_found_only_within_its_own_place(responses, payer):
    vector = (await responses._embedders.local.embed(["anything"]))[0]
    place = Place(payer.workspace_id, new_id(), "p")
    key = f"cache:{uuid4()}"
    await responses.questions.add(
        "m", place, vector, key=key, user_id=payer.user_id, end=time.time() + 60
    )
    assert await responses.questions.nearest("m", place, vector, 0.9) == key
    for other in (
        replace(place, workspace_id=new_id()),
        replace(place, cache_id=new_id()),
        replace(place, partition="q"),
    ):
        assert await responses.questions.nearest("m", other, vector, 0.1) is None


async def test_no_valkey_is_a_miss(kernel):
    async with Redis(port=1, socket_connect_timeout=0.2, retry=None) as away:
        assert await Entries(away, kernel.vault).get("cache:x") is None
