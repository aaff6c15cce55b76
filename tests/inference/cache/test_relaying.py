"""The cache around real calls: hits, streams, sharing, and what it leaves in the ledger."""

import asyncio

import pytest
from sqlalchemy import select

from app.core.db import SYSTEM
from app.core.errors import AppError
from app.inference.usage.models import ModelCall
from tests.support.fakes.base import Said, raw_stream, say, status
from tests.support.identity import bearer, new_key, until


async def cache(client, gateway, **fields):
    body = {"name": "Answers", "models": ["openai/*"], **fields}
    made = await client.post("/v1/caches", json=body, headers=gateway.person.headers)
    assert made.status_code == 201, made.text
    return made.json()


async def kept(app, gateway, asker, made, count=1):
    """Wait until so many answers are kept."""
    entries = app.state.inference.responses.entries

    async def there():
        return await entries.count(asker.payer.workspace_id, made["id"]) >= count

    await until(there)
    await app.state.kernel.background.close()


async def calls_of(app, gateway):
    await app.state.inference.gate.flush()
    async with app.state.kernel.database.unit(SYSTEM) as session:
        found = select(ModelCall).where(ModelCall.workspace_id == gateway.person.workspace_id)
        return list((await session.scalars(found.order_by(ModelCall.id))).all())


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("then", [False, True])
async def test_an_answer_is_given_again_streamed_or_whole(client, gateway, app, asker, first, then):
    made = await cache(client, gateway)
    await asker.ask("Hello?", stream=first)
    assert asker.headers[b"x-luminous-cache"] == b"miss"
    text = asker.text
    await kept(app, gateway, asker, made)
    await asker.ask("Hello?", stream=then, user="someone else")
    assert asker.headers[b"x-luminous-cache"] == b"hit"
    assert int(asker.headers[b"age"]) <= 2
    assert asker.text == text == "Hello, wörld 🌍"
    assert (b"[DONE]" in asker.bytes) is then
    assert len(gateway.fake.requests) == 1


async def test_a_hit_costs_nothing_and_its_row_says_what_it_saved(client, gateway, app, asker):
    made = await cache(client, gateway)
    await asker.ask("Hello?")
    await kept(app, gateway, asker, made)
    await asker.ask("Hello?")
    paid, hit = await calls_of(app, gateway)
    assert (paid.cache_status, hit.cache_status) == ("none", "hit")
    assert hit.saved_usd == paid.cost_usd
    assert not hit.cost_usd
    assert hit.status == "succeeded"


async def test_a_paraphrase_is_answered_from_the_cache(client, gateway, app, asker):
    made = await cache(client, gateway, similarity=0.8)
    await asker.ask("What is the capital of France?")
    await kept(app, gateway, asker, made)
    await asker.ask("What's the capital city of France?", stream=True)
    assert asker.headers[b"x-luminous-cache"] == b"semantic-hit"
    assert len(gateway.fake.requests) == 1


async def test_fifty_identical_requests_are_one_call(client, gateway, app, asker):
    await cache(client, gateway)
    frames = gateway.fake.frames(Said(), {"model": "m"})
    gateway.fake.will(raw_stream(*frames, pause=0.05))
    others = [asker.other() for _ in range(50)]
    await asyncio.gather(*(each.ask("Hello?", stream=True) for each in others))
    assert len(gateway.fake.requests) == 1
    assert {each.text for each in others} == {"Hello, wörld 🌍"}
    told = [each.headers[b"x-luminous-cache"] for each in others]
    assert sorted(told) == [b"coalesced"] * 49 + [b"miss"]
    rows = await calls_of(app, gateway)
    assert sum(row.cache_status == "coalesced" for row in rows) == 49


async def test_a_key_has_no_answer_of_a_model_that_it_may_not_use(client, gateway, app):
    made = await cache(client, gateway, models=None)
    person = gateway.person
    candidates = [{"model": "openai/gpt-dear"}, {"model": "openai/gpt-cheap"}]
    route = {"slug": "both", "strategy": "ordered", "candidates": candidates}
    answer = await client.post("/v1/routes", json=route, headers=person.headers)
    assert answer.status_code == 201, answer.text
    narrow = await new_key(client, person, models=["openai/gpt-cheap"])
    keys = [gateway.key, narrow["key"]]

    async def asked(key, text):
        body = {"model": "both", "messages": [{"role": "user", "content": text}]}
        answer = await client.post("/openai/v1/chat/completions", json=body, headers=bearer(key))
        assert answer.status_code == 200, answer.text
        return answer.headers["x-luminous-cache"], gateway.fake.last.body["model"]

    assert await asked(keys[0], "One?") == ("miss", "gpt-dear")
    entries = app.state.inference.responses.entries

    async def there():
        return await entries.count(person.workspace_id, made["id"])

    await until(there)
    assert (await asked(keys[0], "One?"))[0] == "hit"
    assert await asked(keys[1], "One?") == ("miss", "gpt-cheap")
    # Nor where both ask at once.
    await asyncio.gather(*(asked(key, "Two?") for key in keys))
    models = [request.body["model"] for request in gateway.fake.requests]
    assert sorted(models) == ["gpt-cheap"] * 2 + ["gpt-dear"] * 2


async def test_the_first_ones_leaving_does_not_end_the_call_for_the_next(
    client, gateway, app, asker
):
    await cache(client, gateway)
    left = asyncio.Event()

    async def held(fake, exchange, body):
        begun, *rest = fake.frames(Said(), body)
        await exchange.start()
        await exchange.write(begun)
        await left.wait()
        for frame in rest:
            await exchange.write(frame)
        await exchange.end()

    gateway.fake.will(held)
    leader, follower = asker.other(), asker.other()
    first = asyncio.create_task(leader.ask("Hello?", stream=True))
    await until(lambda: asyncio.sleep(0, leader.sent))
    second = asyncio.create_task(follower.ask("Hello?", stream=True))
    await until(lambda: asyncio.sleep(0, follower.sent))
    first.cancel()
    await asyncio.wait([first])
    left.set()
    await second
    assert follower.text == "Hello, wörld 🌍"
    assert len(gateway.fake.requests) == 1


async def test_errors_cut_answers_and_tool_calls_are_not_kept(client, gateway, app, asker):
    made = await cache(client, gateway)
    cut = Said(finish="length")
    tool = Said(text=(), calls=(("c", "f", {"a": 1}),))
    for action in (status(500), say(cut), say(tool)):
        gateway.fake.will(action)
        try:
            await asker.ask("Hello?")
        except AppError:
            continue
    await app.state.kernel.background.close()
    entries = app.state.inference.responses.entries
    assert await entries.count(asker.payer.workspace_id, made["id"]) == 0
    assert len(gateway.fake.requests) == 3


async def test_bypass_and_refresh_ask_the_provider(client, gateway, app, asker):
    made = await cache(client, gateway)
    await asker.ask("Hello?")
    await kept(app, gateway, asker, made)
    await asker.ask("Hello?", directive="bypass")
    assert b"x-luminous-cache" not in asker.headers
    gateway.fake.will(say(Said(text=("New.",))))
    await asker.ask("Hello?", directive="refresh")
    assert asker.headers[b"x-luminous-cache"] == b"miss"
    await app.state.kernel.background.close()
    await asker.ask("Hello?")
    assert asker.text == "New."
    assert len(gateway.fake.requests) == 3


async def test_emptied_it_answers_nothing_any_more(client, gateway, app, asker):
    made = await cache(client, gateway)
    await asker.ask("Hello?")
    await kept(app, gateway, asker, made)
    address = f"/v1/caches/{made['id']}/entries"
    assert (await client.delete(address, headers=gateway.person.headers)).status_code == 204
    await asker.ask("Hello?")
    assert asker.headers[b"x-luminous-cache"] == b"miss"


async def test_a_flagged_answer_is_not_kept(client, gateway, app, asker):
    made = await cache(client, gateway)
    check = {"kind": "regex", "pattern": "Hello", "action": "flag"}
    body = {"name": "Flags", "checks": [check]}
    await client.post("/v1/guardrails", json=body, headers=gateway.person.headers)
    await asker.ask("Hi?")
    await app.state.kernel.background.close()
    entries = app.state.inference.responses.entries
    assert await entries.count(asker.payer.workspace_id, made["id"]) == 0


async def test_a_cache_of_zero_temperature_takes_only_such_requests(client, gateway, app, asker):
    await cache(client, gateway, zero_temperature_only=True)
    await asker.ask("Hello?")
    assert b"x-luminous-cache" not in asker.headers
    await asker.ask("Hello?", temperature=0)
    assert asker.headers[b"x-luminous-cache"] == b"miss"


async def test_what_goes_on_with_its_provider_is_asked_each_time(client, gateway, app, asker):
    made = await cache(client, gateway)
    await asker.ask("Hello?")
    await kept(app, gateway, asker, made)
    for more in ({"conversation": "conv_1"}, {"conversation": "conv_1"}, {}):
        await asker.ask("Hello?", **more)
        assert asker.text == "Hello, wörld 🌍"
    assert len(gateway.fake.requests) == 3


async def responded(client, gateway, **more):
    body = {"model": gateway.model, "input": "Hello?", **more}
    answer = await client.post("/openai/v1/responses", json=body, headers=bearer(gateway.key))
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_that_openai_answers_and_does_not_store_is_given_again(
    client, gateway, app, asker, stream
):
    made = await cache(client, gateway)
    said = Said(reasoning=("Hm.",))
    gateway.fake.will(say(said))
    first = await responded(client, gateway, store=False, stream=stream)
    assert first.headers["x-luminous-cache"] == "miss"
    await kept(app, gateway, asker, made)
    again = await responded(client, gateway, store=False)
    assert again.headers["x-luminous-cache"] == "hit"
    told, before = again.json(), gateway.fake.whole(said, {"model": "gpt-fake"})
    assert [item["type"] for item in told["output"]] == ["reasoning", "message"]
    assert told["output"][1]["content"][0]["text"] == "Hello, wörld 🌍"
    assert (told["store"], told["usage"]) == (False, before["usage"])
    assert len(gateway.fake.requests) == 1


async def test_a_response_that_a_client_may_go_on_from_is_asked_each_time(
    client, gateway, app, asker
):
    made = await cache(client, gateway)
    begun = (await responded(client, gateway)).json()["id"]
    for more in ({}, {"store": False, "previous_response_id": begun}):
        for _ in range(2):
            answer = await responded(client, gateway, **more)
            assert answer.headers["x-luminous-cache"] == "miss"
            await app.state.kernel.background.close()
    entries = app.state.inference.responses.entries
    assert await entries.count(asker.payer.workspace_id, made["id"]) == 0


async def test_several_answers_are_asked_for_each_time(client, gateway, app, asker):
    await cache(client, gateway)
    for _ in range(2):
        await asker.ask("Hello?", n=2)
        assert b"x-luminous-cache" not in asker.headers
    assert len(gateway.fake.requests) == 2


async def test_what_its_provider_is_to_store_is_asked_each_time(client, gateway, app, asker):
    await cache(client, gateway)
    for _ in range(2):
        await asker.ask("Hello?", store=True)
        assert b"x-luminous-cache" not in asker.headers
        await app.state.kernel.background.close()
    frames = gateway.fake.frames(Said(), {"model": "m"})
    gateway.fake.will(*(raw_stream(*frames, pause=0.05) for _ in range(2)))
    both = (asker.other(), asker.other())
    await asyncio.gather(*(each.ask("Both?", stream=True, store=True) for each in both))
    assert len(gateway.fake.requests) == 4
