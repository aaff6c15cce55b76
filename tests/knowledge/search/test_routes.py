"""Searches over HTTP: typed hits, suggestions, entries, and no foreign hit."""

import asyncio
import random
from uuid import uuid4

import pytest_asyncio

from app.core.vectors import VectorsAway
from app.knowledge.search import searching
from tests.support.chat import Talker
from tests.support.identity import new_key, new_person
from tests.support.knowledge import indexed

ENTRIES = {
    "guest": ("Guest", "A person who stays overnight without being a tenant."),
    "tenant": ("Tenant", "Someone who rents a flat under a written contract."),
    "deposit": ("Security deposit", "Money that is held back against damage."),
    "boiler": ("Boiler", "The device in the cellar that heats water."),
}


async def new_termbase(talker, entries=ENTRIES):
    """A dictionary with approved entries, embedded; entry ids by name."""
    made = await talker.call("POST", "/v1/dictionaries", json={"name": "House", "slug": "house"})
    assert made.status_code == 201, made.text
    ids = {"dictionary": made.json()["id"]}
    for name, (term, definition) in entries.items():
        body = {
            "dictionary_id": ids["dictionary"],
            "terms": [{"language": "en", "text": term, "status": "preferred"}],
            "definitions": [{"language": "en", "text": definition}],
        }
        entry = await talker.call("POST", "/v1/dictionary/entries", json=body)
        assert entry.status_code == 201, entry.text
        ids[name] = entry.json()["id"]
        await talker.call("POST", f"/v1/dictionary/entries/{ids[name]}/propose", json={})
    return ids


@pytest_asyncio.fixture(loop_scope="session")
async def talker(client):
    return Talker(client, await new_person(client))


@pytest_asyncio.fixture(loop_scope="session")
async def house(app, talker):
    ids = await new_termbase(talker)
    await indexed(app, talker.person.workspace_id)
    return ids


async def search(talker, query, **more):
    answer = await talker.call("POST", "/v1/search", json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_hits_tell_their_kind_and_where_they_stand(talker, house):
    found = await search(talker, "money kept for broken things")
    best = found["data"][0]
    assert (best["kind"], best["entry_id"]) == ("entry", house["deposit"])
    assert best["dictionary_id"] == house["dictionary"]
    assert best["language"] == "en"
    assert best["scores"]["semantic_rank"] == 1
    assert found["warnings"] == []
    worded = (await search(talker, "tenant", mode="lexical"))["data"]
    fragment = worded[0]["fragment"]
    text = worded[0]["text"]
    assert text[fragment["start"] : fragment["end"]] == fragment["text"]
    assert {text[each["start"] : each["end"]].casefold() for each in fragment["ranges"]} == {
        "tenant"
    }


async def test_entries_are_searched_whole(talker, house):
    answer = await talker.call("GET", "/v1/dictionary/entries/search?q=hot+water+heating")
    best = answer.json()["data"][0]
    assert best["entry"]["id"] == house["boiler"]
    assert best["entry"]["terms"][0]["text"] == "Boiler"
    foreign = f"/v1/dictionary/entries/search?q=boiler&dictionary_id={uuid4()}"
    assert (await talker.call("GET", foreign)).json()["data"] == []


async def test_a_deleted_entry_is_found_no_more(app, talker, house):
    gone = await talker.call("DELETE", f"/v1/dictionary/entries/{house['boiler']}")
    assert gone.status_code == 204
    for mode in ("hybrid", "lexical", "semantic"):
        found = await search(talker, "boiler", mode=mode)
        assert house["boiler"] not in [each["entry_id"] for each in found["data"]]


async def test_without_qdrant_a_search_is_a_503_that_may_be_tried_again(
    app, talker, house, monkeypatch
):
    async def away(*_):
        raise VectorsAway("nobody there")

    monkeypatch.setattr(type(app.state.knowledge.index), "search", away)
    answer = await talker.call("POST", "/v1/search", json={"query": "boiler"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (503, "search_unavailable")
    assert problem["retryable"] is True
    assert answer.headers["retry-after"]
    found = await search(talker, "boiler", mode="lexical")
    assert found["data"][0]["entry_id"] == house["boiler"]


async def test_a_vector_store_that_hangs_is_waited_for_a_while_only(
    talker, house, app, monkeypatch
):
    async def hang(*_):
        await asyncio.Event().wait()

    monkeypatch.setattr(type(app.state.knowledge.index), "search", hang)
    monkeypatch.setattr(searching, "STORE_SECONDS", 0.05)
    answer = await talker.call("POST", "/v1/search", json={"query": "boiler"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (503, "search_unavailable")
    assert problem["retryable"] is True


async def test_titles_are_suggested_while_typing(talker, house):
    async def suggested(typed):
        answer = await talker.call("GET", "/v1/search/suggestions", params={"q": typed})
        assert answer.status_code == 200, answer.text
        return [each["text"] for each in answer.json()["data"]]

    assert await suggested("b") == ["Boiler"]
    assert await suggested("SEC") == ["Security deposit"]
    assert await suggested("depo") == ["Security deposit"]
    assert await suggested("security de") == ["Security deposit"]
    assert await suggested("%") == []
    assert await suggested("zzz") == []


async def test_terms_to_be_used_are_suggested_and_no_others(talker, house):
    terms = [
        {"language": "en", "text": text, "status": status}
        for text, status in (
            ("Letting agent", "preferred"),
            ("Estate Broker", "admitted"),
            ("Éstate manager", "admitted"),
            ("Estate shark", "forbidden"),
        )
    ]
    body = {"dictionary_id": house["dictionary"], "terms": terms}
    made = await talker.call("POST", "/v1/dictionary/entries", json=body)
    entry = f"/v1/dictionary/entries/{made.json()['id']}"

    async def suggested(typed):
        answer = await talker.call("GET", "/v1/search/suggestions", params={"q": typed})
        return answer.json()["data"]

    assert await suggested("estate") == []  # a draft
    assert (await talker.call("POST", f"{entry}/propose", json={})).status_code == 200
    assert await suggested("ESTATE b") == [{"text": "Estate Broker", "kind": "entry"}]
    both = ["Estate Broker", "Éstate manager"]
    for typed in ("e", "ÉSTÀ"):
        assert [each["text"] for each in await suggested(typed)] == both
    assert (await talker.call("DELETE", entry)).status_code == 204
    assert await suggested("estate") == []


async def test_a_time_without_its_zone_is_refused(talker):
    filters = {"since": "2026-11-01T00:00:00"}
    answer = await talker.call("POST", "/v1/search", json={"query": "boiler", "filters": filters})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/body/filters/since"


async def test_nobody_is_suggested_what_is_anothers(client, house):
    stranger = Talker(client, await new_person(client))
    answer = await stranger.call("GET", "/v1/search/suggestions", params={"q": "b"})
    assert answer.json()["data"] == []


async def test_a_key_sees_only_what_it_may_read(client, talker, house):
    key = await new_key(client, talker.person, scopes=["search:read"])
    headers = {"Authorization": f"Bearer {key['key']}"}
    for mode in ("hybrid", "lexical"):
        body = {"query": "boiler", "mode": mode}
        answer = await client.post("/v1/search", json=body, headers=headers)
        assert answer.json()["data"] == []
    typed = await client.get("/v1/search/suggestions?q=b", headers=headers)
    assert typed.json()["data"] == []


async def test_hostile_filters_find_nothing_of_others(app, client, talker, house):
    """A stranger names every id there is, in every place that takes one."""
    stranger = Talker(client, await new_person(client))
    theirs = await new_termbase(stranger, {"guest": ENTRIES["guest"]})
    await indexed(app, stranger.person.workspace_id)
    dice = random.Random(7)  # noqa: S311 - a test's
    places = ("collections", "documents", "dictionaries", "entries")
    words = [word for pair in ENTRIES.values() for text in pair for word in text.split()]

    async def ask():
        filters = {
            place: dice.sample([*house.values(), *theirs.values()], dice.randint(1, 4))
            for place in places
            if dice.random() < 0.5
        }
        if dice.random() < 0.4:
            filters["kinds"] = dice.sample(["entry", "document", "message"], 2)
        mode = dice.choice(["hybrid", "lexical", "semantic"])
        query = " ".join(dice.choices(words, k=3))
        found = await search(stranger, query, mode=mode, filters=filters, limit=100)
        return [each.get("entry_id") for each in found["data"]]

    seen = set()
    for _ in range(15):
        for ids in await asyncio.gather(*(ask() for _ in range(10))):
            seen |= set(ids)
    assert seen == {theirs["guest"]}
