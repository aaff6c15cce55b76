import asyncio
from uuid import UUID, uuid4

import pytest

from app.core.auth import Access
from app.core.db import Scope
from app.knowledge.detection.automata import Automata
from app.knowledge.detection.compiled import compile_terms
from app.knowledge.detection.policies import service as policies
from app.knowledge.detection.policies.schemas import DictionaryPolicyUpdate
from app.knowledge.detection.policies.service import resolve
from app.knowledge.dictionary import store
from tests.knowledge.dictionary.conftest import new_keeper, term
from tests.support.identity import counted_queries

DETECT = "/v1/dictionary/detect"


async def detect(keeper, text, **more):
    return await keeper.done("POST", DETECT, {"text": text, **more})


def money(**more):
    return {
        "status": "approved",
        "subject_fields": ["finance"],
        "definitions": [
            {"language": "en", "text": "An institution that keeps money and makes loans."}
        ],
        **more,
    }


def river(**more):
    return {
        "status": "approved",
        "subject_fields": ["geography"],
        "definitions": [{"language": "en", "text": "The ground along the edge of a river."}],
        **more,
    }


async def test_each_occurrence_has_its_place_its_concept_and_the_others(keeper):
    first = await keeper.add(term("bank"), **money())
    second = await keeper.add(term("bank"), **river())
    text = "🏦 Two banks refused the loan. We sat on the grassy bank of the river."
    found = await detect(keeper, text)
    assert found["told_by"] == "embeddings"
    assert found["dictionary_ids"] == [keeper.dictionary_id]
    assert [text[each["start"] : each["end"]] for each in found["data"]] == ["banks", "bank"]
    assert [each["surface"] for each in found["data"]] == ["banks", "bank"]
    assert [each["entry_id"] for each in found["data"]] == [first["id"], second["id"]]
    for each in found["data"]:
        assert (each["term"], each["term_status"], each["language"]) == ("bank", "preferred", "en")
        assert each["dictionary_id"] == keeper.dictionary_id
        [other] = each["senses"]
        assert {each["entry_id"], other["entry_id"]} == {first["id"], second["id"]}
        assert each["confidence"] > 0.5 > other["confidence"]
        assert each["confidence"] + other["confidence"] <= 1.0001


async def test_senses_can_be_told_by_words_or_not_at_all(keeper):
    await keeper.add(term("bank"), **money())
    second = await keeper.add(term("bank"), **river())
    text = "the bank of the river"
    found = await detect(keeper, text, senses="lexical")
    assert (found["told_by"], found["data"][0]["entry_id"]) == ("words", second["id"])
    found = await detect(keeper, text, senses="none")
    assert found["told_by"] == "none"
    assert {found["data"][0]["confidence"], found["data"][0]["senses"][0]["confidence"]} == {0.5}


async def test_what_is_proposed_is_found_and_less_likely_than_what_is_approved(keeper):
    await keeper.add(term("port"), status="proposed")
    approved = await keeper.add(term("port"), status="approved")
    [found] = (await detect(keeper, "a port", senses="none"))["data"]
    assert found["entry_id"] == approved["id"]
    assert found["confidence"] == pytest.approx(2 / 3, abs=0.001)


async def test_drafts_and_deprecated_entries_are_not_found(keeper):
    await keeper.add(term("alpha"))
    gone = await keeper.add(term("beta"), status="approved")
    await keeper.do(gone["id"], "deprecate")
    assert (await detect(keeper, "alpha beta"))["data"] == []


async def test_a_change_is_seen_at_once(keeper):
    made = await keeper.add(term("alpha"), status="approved")
    assert len((await detect(keeper, "alpha beta"))["data"]) == 1
    await keeper.change(made["id"], terms=[term("beta")])
    [found] = (await detect(keeper, "alpha beta"))["data"]
    assert found["surface"] == "beta"
    await keeper.ask("DELETE", f"{keeper.entries}/{made['id']}")
    assert (await detect(keeper, "alpha beta"))["data"] == []


async def test_forbidden_terms_and_languages_can_be_left_out(keeper):
    await keeper.add(term("sign-in"), term("login", status="forbidden"), status="approved")
    await keeper.add(term("Anmeldung", "de-AT"), status="approved")
    text = "login, sign-in, Anmeldungen"
    every = await detect(keeper, text)
    assert [each["term_status"] for each in every["data"]] == [
        "forbidden",
        "preferred",
        "preferred",
    ]
    allowed = await detect(keeper, text, include_forbidden=False)
    assert [each["term"] for each in allowed["data"]] == ["sign-in", "Anmeldung"]
    german = await detect(keeper, text, languages=["de"])
    assert [each["term"] for each in german["data"]] == ["Anmeldung"]


async def test_dictionaries_are_named_or_those_that_hold_by_default(client, keeper):
    await keeper.add(term("alpha"), status="approved")
    made = await keeper.made("/v1/dictionaries", {"slug": "others"})
    body = {"dictionary_id": made["id"], "terms": [term("beta")], "status": "approved"}
    await keeper.made(keeper.entries, body)
    assert [each["term"] for each in (await detect(keeper, "alpha beta"))["data"]] == ["alpha"]
    both = await detect(keeper, "alpha beta", dictionary_ids=[keeper.dictionary_id, made["id"]])
    assert [each["term"] for each in both["data"]] == ["alpha", "beta"]
    stranger = await new_keeper(client)
    asked = {"text": "alpha", "dictionary_ids": [keeper.dictionary_id]}
    assert await stranger.refused("POST", DETECT, asked) == (404, "dictionary_not_found")
    assert (await detect(stranger, "alpha"))["data"] == []


async def test_a_text_has_a_bound(keeper):
    await keeper.add(term("alpha"), status="approved")
    longest = await detect(keeper, "alpha " * 16_666, senses="none")
    assert (len(longest["data"]), longest["truncated"]) == (5_000, True)
    too_long = {"text": "a" * 100_001}
    assert (await keeper.refused("POST", DETECT, too_long))[0] == 422


async def test_more_terms_than_can_be_looked_for_are_refused_before_they_are_read(
    keeper, monkeypatch
):
    monkeypatch.setattr("app.knowledge.detection.automata.MOST_TERMS", 2)
    await keeper.add(term("a"), term("b", "de"), status="approved")
    assert len((await detect(keeper, "a"))["data"]) == 1
    await keeper.add(term("c"), status="approved")
    assert await keeper.refused("POST", DETECT, {"text": "a"}) == (422, "too_many_terms")


async def test_dictionaries_are_compiled_once_and_found_without_a_query(keeper, kernel):
    await keeper.add(term("alpha"), status="approved")
    automata = Automata(kernel.database)
    workspace, ids = UUID(keeper.person.workspace_id), [keeper.dictionary_id]
    first = await automata.get(workspace, ids)
    async with counted_queries(kernel) as sent:
        assert await automata.get(workspace, ids) is first
    assert sent == []
    assert await automata.get(workspace, ids, now=True) is first
    await keeper.add(term("beta"), status="approved")
    assert await automata.get(workspace, ids) is first
    fresh = await automata.get(workspace, ids, now=True)
    assert fresh.lexicon.count == 2


async def test_many_who_ask_after_a_change_have_it_compiled_once(keeper, kernel, monkeypatch):
    await keeper.add(term("alpha"), status="approved")
    automata, compiled = Automata(kernel.database), []

    def counting(stamp, rows):
        compiled.append(stamp)
        return compile_terms(stamp, rows)

    monkeypatch.setattr("app.knowledge.detection.automata.compile_terms", counting)
    asked = [UUID(keeper.person.workspace_id), [keeper.dictionary_id]]
    every = await asyncio.gather(*(automata.get(*asked, now=True) for _ in range(10)))
    assert len(compiled) == 1
    assert len(set(map(id, every))) == 1


async def test_who_is_slow_to_ask_takes_what_another_compiled_meanwhile(
    keeper, kernel, monkeypatch
):
    await keeper.add(term("alpha"), status="approved")
    automata, read_stamp = Automata(kernel.database), store.stamp
    reached, others = asyncio.Event(), asyncio.Event()

    async def slow(*asked):
        stamp = await read_stamp(*asked)
        reached.set()
        await others.wait()
        return stamp

    asked = [UUID(keeper.person.workspace_id), [keeper.dictionary_id]]
    with monkeypatch.context() as patched:
        patched.setattr("app.knowledge.detection.automata.store.stamp", slow)
        late = asyncio.create_task(automata.get(*asked, now=True))
        await reached.wait()
    first = await automata.get(*asked, now=True)
    others.set()
    assert await late is first


async def test_what_is_kept_is_bounded_by_its_terms(keeper, kernel):
    made = await keeper.made("/v1/dictionaries", {"slug": "others"})
    for dictionary, words in ((keeper.dictionary_id, ["a", "b"]), (made["id"], ["c", "d"])):
        for word in words:
            body = {"dictionary_id": dictionary, "terms": [term(word)], "status": "approved"}
            await keeper.made(keeper.entries, body)
    automata = Automata(kernel.database, most=60)
    workspace = UUID(keeper.person.workspace_id)
    first = await automata.get(workspace, [keeper.dictionary_id])
    await automata.get(workspace, [made["id"]])
    assert automata.terms == 2
    assert await automata.get(workspace, [keeper.dictionary_id]) is not first


async def test_a_policy_says_how_a_dictionary_is_held_to(keeper, kernel):
    path = f"/v1/dictionaries/{keeper.dictionary_id}/policy"
    policy = await keeper.done("GET", path)
    assert (policy["mode"], policy["token_budget"], policy["accept_fields_from"]) == (
        "flag",
        600,
        None,
    )
    changed = await keeper.done("PATCH", path, {"mode": "advise", "token_budget": 200})
    assert (changed["mode"], changed["version"]) == ("advise", policy["version"] + 1)
    stale = await keeper.ask("PATCH", path, {"mode": "off"}, **{"If-Match": '"v1"'})
    assert stale.status_code == 412
    workspace = UUID(keeper.person.workspace_id)
    async with kernel.database.unit(_scope(keeper)) as session:
        held = await resolve(session, workspace)
        assert [str(each) for each in held.dictionary_ids] == [keeper.dictionary_id]
        assert (held.flagged, held.token_budget) == (frozenset(), 200)
        assert (await resolve(session, workspace, [])).held == ()
    await keeper.done("PATCH", path, {"mode": "off"})
    async with kernel.database.unit(_scope(keeper)) as session:
        assert (await resolve(session, workspace)).held == ()
        named = [keeper.dictionary_id]
        assert (await resolve(session, workspace, named)).held == ()


async def test_of_two_who_change_a_policy_at_once_the_later_is_told(keeper, kernel):
    path = f"/v1/dictionaries/{keeper.dictionary_id}/policy"
    await keeper.done("GET", path)
    person = keeper.person
    access = Access(
        UUID(person.workspace_id), UUID(person.user_id), frozenset(), "session", uuid4()
    )
    async with kernel.database.unit(access.scope) as session:
        change = DictionaryPolicyUpdate(token_budget=100)
        await policies.update(session, access, UUID(keeper.dictionary_id), change)
        asked = keeper.ask("PATCH", path, {"mode": "off"}, **{"If-Match": '"v1"'})
        second = asyncio.create_task(asked)
        await asyncio.wait([second], timeout=0.5)
    assert (await second).status_code == 412


async def test_a_dictionary_that_is_gone_holds_no_more(keeper, kernel):
    other = await keeper.made("/v1/dictionaries", {"slug": "others"})
    await keeper.ask("DELETE", f"/v1/dictionaries/{keeper.dictionary_id}")
    async with kernel.database.unit(_scope(keeper)) as session:
        named = [UUID(keeper.dictionary_id), UUID(other["id"])]
        held = await resolve(session, UUID(keeper.person.workspace_id), named)
    assert held.dictionary_ids == (UUID(other["id"]),)
    assert held.flagged == {UUID(other["id"])}


def _scope(keeper):
    return Scope(UUID(keeper.person.workspace_id), UUID(keeper.person.user_id))
