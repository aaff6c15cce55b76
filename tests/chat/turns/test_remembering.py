"""Chats that draw on what is remembered: only where they say so, only for whoever asks."""

from collections import deque
from dataclasses import replace
from uuid import UUID

import pytest_asyncio
from sqlalchemy import select

from app.agents.context.composing import Sources
from app.agents.definitions.definition import MemoryUse
from app.core.auth import KeyRules
from app.core.db import SYSTEM
from app.core.ids import new_id
from app.inference.usage.payer import payer_of
from app.runs.events.models import RunEvent
from app.runs.runs.models import Run
from tests.agents.memory.conftest import access_of, remember, texts
from tests.chat.turns.test_compacting import context_of, events_of
from tests.support.chat import Talker, connected
from tests.support.fakes.base import Said, say
from tests.support.fakes.openai import FakeOpenAI
from tests.support.identity import bearer, new_key, new_person, until
from tests.support.summing import system_of
from tests.support.teams import new_team

QUICK = "demo/chat?tokens=2&delay_ms=0"
TEA = "The user likes to drink green tea."
QUESTION = "Which tea do I like to drink?"


@pytest_asyncio.fixture(loop_scope="session")
async def fake():
    return FakeOpenAI()


async def begun(talker, model=QUICK, **more):
    body = {"title": "Tea", "model": model, **more}
    answer = await talker.call("POST", "/v1/conversations", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def sections_of(talker, turn):
    sections, _ = await context_of(talker, turn["run_id"])
    return sections


async def test_nothing_is_remembered_until_a_conversation_says_so(talker):
    await remember(talker, TEA)
    turn = await talker.ask(QUESTION, model=QUICK)
    assert "memory" not in await sections_of(talker, turn)
    path = f"/v1/conversations/{turn['conversation_id']}"
    assert (await talker.call("GET", path)).json()["memory"] is None
    changed = await talker.call("PATCH", path, json={"memory": {"scopes": ["user"]}})
    told = {"scopes": ["user"], "extract": False, "blocks": [], "tokens": 1000}
    assert changed.json()["memory"] == told
    turn = await talker.turn(turn["conversation_id"], content=QUESTION)
    assert "memory" in await sections_of(talker, turn)
    await talker.call("PATCH", path, json={"memory": None})
    turn = await talker.turn(turn["conversation_id"], content=QUESTION)
    assert "memory" not in await sections_of(talker, turn)


async def test_what_is_remembered_enters_the_prompt_and_is_told(talker, fake):
    kept = await remember(talker, TEA)
    await remember(talker, "We serve green tea in blue cups.", scope="workspace")
    await remember(talker, "The user's bicycle is red.")
    block = {"label": "tone", "text": "Be kind."}
    assert (await talker.call("POST", "/v1/memory-blocks", json=block)).status_code == 201
    fake.will(say(Said(("Green tea.",))))
    memory = {"scopes": ["user", "workspace"], "blocks": ["tone"]}
    async with connected(talker, fake) as slug:
        streamed = await talker.stream_chat(
            QUESTION, model=f"{slug}/gpt-4o", instructions="You serve tea.", memory=memory
        )
        prompt = system_of(next(r for r in fake.requests if r.path.endswith("completions")))
    assert prompt.startswith("You serve tea.\n\n")
    assert f'<memory id="{kept["id"]}"' in prompt
    assert "Be kind." in prompt
    assert "bicycle" not in prompt
    told = [each for each in streamed.events if each["type"] == "memory.recalled"]
    [mine] = [each for each in told if each["memory_id"] == kept["id"]]
    assert (mine["scope"], mine["kind"], mine["revision"]) == ("user", "fact", 1)
    created = next(e for e in streamed.events if e["type"] == "message.created")
    assert mine["message_id"] == created["message_id"]
    last = max(n for n, kind in enumerate(streamed.types) if kind == "memory.recalled")
    assert last < streamed.types.index("text.delta")
    answer = await talker.call("GET", f"/v1/runs/{created['run_id']}/context")
    assert answer.json()["instructions"] == "You serve tea."
    sections, context = await context_of(talker, created["run_id"])
    assert [*sections] == ["instructions", "blocks", "memory", "conversation"]
    items = sections["memory"]["items"]
    assert {each["id"] for each in items} == {each["memory_id"] for each in told}
    assert {each["text"] for each in items} == {TEA, "We serve green tea in blue cups."}
    reasons = {each["text"]: each["reason"] for each in context["left_out"]}
    assert reasons == {"The user's bicycle is red.": "not_relevant"}


async def test_what_is_forgotten_leaves_no_copy_in_the_runs_that_were_shown_it(talker, kernel):
    kept = await remember(talker, TEA)
    turn = await talker.ask(QUESTION, model=QUICK, memory={"scopes": ["user"]})
    path = f"/v1/memories/{kept['id']}"
    changed = await talker.call("PATCH", path, json={"text": "The user drinks black tea."})
    assert changed.status_code == 200, changed.text
    [item] = (await sections_of(talker, turn))["memory"]["items"]
    assert item["text"] == TEA, "in the words of then"
    assert (await talker.call("DELETE", f"{path}?forever=true")).status_code == 204
    [item] = (await sections_of(talker, turn))["memory"]["items"]
    assert (item["id"], item["text"]) == (kept["id"], None)
    async with kernel.database.unit(SYSTEM) as session:
        run = await session.get(Run, UUID(turn["run_id"]))
        events = await session.scalars(select(RunEvent).where(RunEvent.run_id == run.id))
        whole = f"{run.input} {run.result} {[each.body for each in events]}"
    assert "green tea" not in whole


async def test_a_budget_of_memory_holds_in_a_chat(talker):
    for number in range(6):
        await remember(talker, f"The user drinks tea number {number}, " + "very " * 40)
    memory = {"scopes": ["user"], "tokens": 150}
    turn = await talker.ask("Which tea does the user drink?", model=QUICK, memory=memory)
    sections, context = await context_of(talker, turn["run_id"])
    assert sections["memory"]["tokens"] <= 150
    assert {each["reason"] for each in context["left_out"]} == {"budget"}


async def test_a_turn_may_draw_on_more_or_on_less_than_its_conversation(talker):
    await remember(talker, TEA)
    conversation = await begun(talker, memory={"scopes": ["user"]})
    for memory, is_shown in ((None, False), ({"scopes": ["workspace"]}, False)):
        turn = await talker.turn(conversation, content=QUESTION, memory=memory)
        assert ("memory" in await sections_of(talker, turn)) is is_shown
    turn = await talker.turn(conversation, content=QUESTION)
    assert "memory" in await sections_of(talker, turn)
    bare = await begun(talker)
    turn = await talker.turn(bare, content=QUESTION, memory={"scopes": ["user"]})
    assert "memory" in await sections_of(talker, turn)


async def test_in_a_shared_chat_nobodys_memories_are_shown_unless_they_say_so(client):
    owner, other = [await new_person(client) for _ in range(2)]
    team = await new_team(client, owner)
    member_id = await team.take_in(owner, other, "admin")
    host, guest = [
        Talker(client, replace(each, headers=team.headers(each))) for each in (owner, other)
    ]
    await remember(host, "The owner likes to drink green tea.")
    await remember(guest, "The guest likes to drink red tea.")
    conversation = await begun(host, memory={"scopes": ["user"], "extract": True})
    path = f"/v1/conversations/{conversation}/shares"
    body = {"grantee": {"type": "member", "member_id": member_id}, "level": "write"}
    shared = await team.call(owner, "POST", path, body)
    assert shared.status_code == 201, shared.text
    turn = await guest.turn(conversation, content="Who likes to drink tea?")
    assert "memory" not in await sections_of(guest, turn)
    turn = await guest.turn(
        conversation, content="Who likes to drink tea?", memory={"scopes": ["user"]}
    )
    [item] = (await sections_of(guest, turn))["memory"]["items"]
    assert item["text"] == "The guest likes to drink red tea."
    hidden = await host.call("GET", f"/v1/runs/{turn['run_id']}/context")
    assert hidden.status_code == 404, "what was recalled for one is not told to another"


async def test_a_key_that_may_not_read_memories_is_shown_none(talker, client):
    await remember(talker, TEA)
    await talker.call("POST", "/v1/memory-blocks", json={"label": "tone", "text": "Be kind."})
    scopes = ["conversations:read", "conversations:write", "models:invoke", "runs:read"]
    key = await new_key(client, talker.person, scopes=scopes)
    blind = Talker(client, replace(talker.person, headers=bearer(key["key"])))
    memory = {"scopes": ["user"], "blocks": ["tone"]}
    turn = await blind.ask(QUESTION, model=QUICK, memory=memory)
    assert [*await sections_of(blind, turn)] == ["conversation"]
    warned = [e for e in await events_of(blind, turn["run_id"]) if e["type"] == "log"]
    assert [(each["step"], each["code"]) for each in warned] == [("memory", "memory")] * 2
    assert all("memories:read" in each["message"] for each in warned)


async def test_what_its_owner_remembers_is_not_told_to_a_keys_customer(talker, app):
    await remember(talker, TEA)
    await remember(talker, "We drink green tea.", scope="workspace")
    access = access_of(talker)
    customers = replace(access, rules=KeyRules(customer="acme"))
    sources = Sources("", memory=MemoryUse(scopes=["user", "workspace"]))
    for caller, count in ((access, 2), (customers, 1)):
        composed = await app.state.agents.composer.compose(
            caller, payer_of(caller, "chat_turn", new_id()), QUESTION, sources
        )
        [section] = composed.sections
        assert len(section["items"]) == count


FACT = '{"facts": [{"text": "The user is called Ada.", "quote": "I am Ada", "kind": "fact"}]}'


async def test_facts_are_drawn_from_what_was_asked_where_the_chat_says_so(talker, fake):
    async with connected(talker, fake) as slug:
        model = f"{slug}/gpt-4o"
        settings = {"enabled": True, "model": model}
        assert (await talker.call("PATCH", "/v1/memories/settings", json=settings)).is_success
        silent = await begun(talker, model)
        conversation = await begun(talker, model, memory={"extract": True})
        answered = say(Said(("I am Bob, and you said that I am Ada.",)))
        fake.script = deque([answered, answered, say(Said((FACT,))), answered])
        await talker.turn(silent, content="Hello, I am Ada.")
        turn = await talker.turn(conversation, content="Hello, I am Ada.")
        await until(lambda: _remembers(talker, ["The user is called Ada."]))
        again = turn["message"]["id"]
        await talker.turn(conversation, regenerate_message_id=again)
        made = (await talker.call("GET", "/v1/memories/extractions")).json()["data"]
    [one] = made
    assert one["source_id"] == turn["run_id"]
    [memory] = (await talker.call("GET", "/v1/memories")).json()["data"]
    origin = memory["origin"]
    assert (origin["kind"], origin["conversation_id"]) == ("message", conversation)
    assert origin["message_id"] == turn["message"]["parent_id"]
    read = next(r for r in fake.requests if "write down what is worth" in str(r.body))
    assert "Bob" not in str(read.body), "an answer is nothing that the user said"


async def _remembers(talker, wanted):
    return await texts(talker) == wanted
