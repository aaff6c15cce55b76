from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from app.core.clock import now
from app.core.db import Scope
from app.inference.embeddings.local import LocalEmbedder
from app.knowledge.detection.senses.bags import bag_of
from app.knowledge.detection.senses.vectors import embed
from app.knowledge.detection.suggestions import crud
from app.knowledge.detection.suggestions.comparing import Comparison
from app.knowledge.detection.suggestions.items import Item, Suggested
from tests.knowledge.detection.ambiguous.judging import read
from tests.knowledge.dictionary.conftest import new_keeper, term
from tests.support.identity import until

SUGGESTIONS = "/v1/dictionary/suggestions"

MITOSIS = "The division of a living cell into two cells with the same chromosomes."
BIOLOGY = {
    "nucleus": "The part of a living cell that holds its chromosomes.",
    "membrane": "The thin skin around a living cell.",
    "chromosome": "A thread of DNA in the nucleus of a living cell that carries its genes.",
}
LAW = {
    "plaintiff": "The party that brings a lawsuit before a court.",
    "verdict": "The decision of a court in a lawsuit.",
    "appeal": "The request that a higher court reviews the decision of a lower court.",
}


def defined(text, language="en"):
    return {"definitions": [{"language": language, "text": text}]}


@pytest_asyncio.fixture(loop_scope="session")
async def shelf(keeper):
    for field, entries in (("Biology", BIOLOGY), ("Law", LAW)):
        for name, definition in entries.items():
            await keeper.add(
                term(name), status="approved", subject_fields=[field], **defined(definition)
            )
    return keeper


async def scanned(keeper):
    """The pending suggestions after a scan."""
    answer = await keeper.ask(
        "POST", f"{SUGGESTIONS}/scan", {"dictionary_id": keeper.dictionary_id}
    )
    assert answer.status_code == 202, answer.text
    run = answer.json()
    assert answer.headers["location"] == f"/v1/runs/{run['id']}"

    async def ended():
        found = await keeper.done("GET", f"/v1/runs/{run['id']}")
        return found["status"] not in ("queued", "running") and found

    await until(ended, seconds=60)
    assert (await ended())["status"] == "completed", await ended()
    return await pending(keeper)


async def pending(keeper, **query):
    query = {"dictionary_id": keeper.dictionary_id, "status": "pending", **query}
    path = SUGGESTIONS + "?" + "&".join(f"{name}={value}" for name, value in query.items())
    return (await keeper.done("GET", path))["data"]


async def test_a_subject_field_is_suggested_with_its_evidence_and_accepted(shelf):
    made = await shelf.add(term("mitosis"), status="approved", **defined(MITOSIS))
    [found] = await scanned(shelf)
    assert (found["entry_id"], found["kind"], found["value"]) == (
        made["id"],
        "subject_field",
        "Biology",
    )
    assert {each["kind"] for each in found["evidence"]} == {"near_entry", "words"}
    assert {each["detail"] for each in found["evidence"]} & set(BIOLOGY)
    assert 0.4 <= found["score"] <= 1
    tried = await shelf.done("POST", f"{SUGGESTIONS}/{found['id']}/accept?dry_run=true")
    assert tried["status"] == "accepted"
    assert (await shelf.show(made["id"]))["version"] == made["version"]
    accepted = await shelf.done("POST", f"{SUGGESTIONS}/{found['id']}/accept")
    assert (accepted["status"], accepted["decided_by_id"]) == ("accepted", shelf.person.user_id)
    entry = await shelf.show(made["id"])
    assert (entry["subject_fields"], entry["version"]) == (["Biology"], made["version"] + 1)
    again = await shelf.refused("POST", f"{SUGGESTIONS}/{found['id']}/accept")
    assert again == (409, "suggestion_decided")
    assert await scanned(shelf) == []


async def test_what_is_dismissed_is_not_suggested_again(shelf):
    await shelf.add(term("mitosis"), **defined(MITOSIS))
    [found] = await scanned(shelf)
    dismissed = await shelf.done("POST", f"{SUGGESTIONS}/{found['id']}/dismiss")
    assert dismissed["status"] == "dismissed"
    assert await scanned(shelf) == []


async def test_what_is_not_found_any_more_goes(shelf):
    made = await shelf.add(term("mitosis"), **defined(MITOSIS))
    assert len(await scanned(shelf)) == 1
    await shelf.change(made["id"], subject_fields=["Biology"])
    assert await scanned(shelf) == []


async def test_a_policy_takes_what_is_sure_enough(shelf):
    path = f"/v1/dictionaries/{shelf.dictionary_id}/policy"
    await shelf.done("PATCH", path, {"accept_fields_from": 0.5})
    made = await shelf.add(term("mitosis"), status="approved", **defined(MITOSIS))
    assert await scanned(shelf) == []
    entry = await shelf.show(made["id"])
    assert (entry["subject_fields"], entry["status"]) == (["Biology"], "approved")
    history = await shelf.done("GET", f"{shelf.entries}/{made['id']}/revisions")
    assert history["data"][0]["comment"].startswith("By policy")
    [applied] = await pending(shelf, status="auto_applied")
    assert applied["entry_id"] == made["id"]


async def test_a_duplicate_is_suggested_and_senses_of_a_word_are_not(keeper):
    old = await keeper.add(term("bank"), **defined("An institution that keeps people's money."))
    await keeper.add(term("bank"), **defined("The sloping ground along the edge of a river."))
    new = await keeper.add(term("Bank"), **defined("An institution that keeps money for people."))
    [found] = await scanned(keeper)
    assert (found["kind"], found["entry_id"], found["other_entry_id"]) == (
        "duplicate",
        new["id"],
        old["id"],
    )
    assert {each["kind"] for each in found["evidence"]} == {"same_term", "near_definition"}
    await keeper.done("POST", f"{SUGGESTIONS}/{found['id']}/accept")
    entry = await keeper.show(new["id"])
    assert [(each["kind"], each["target_id"]) for each in entry["relations"]] == [
        ("same_as", old["id"])
    ]


@pytest.mark.parametrize("resolution", ["replace_this", "replace_other"])
async def test_a_duplicate_can_be_replaced_by_the_other(keeper, resolution):
    text = "An institution that keeps people's money."
    old = await keeper.add(term("bank"), status="approved", **defined(text))
    new = await keeper.add(term("bank"), status="approved", **defined(text))
    [found] = await scanned(keeper)
    body = {"resolution": resolution}
    await keeper.done("POST", f"{SUGGESTIONS}/{found['id']}/accept", body)
    gone, stays = (new, old) if resolution == "replace_this" else (old, new)
    shown = await keeper.show(gone["id"])
    assert (shown["status"], shown["replaced_by_id"]) == ("deprecated", stays["id"])
    assert (await keeper.show(stays["id"]))["status"] == "approved"


async def test_an_entry_that_is_gone_cannot_be_changed_any_more(shelf):
    made = await shelf.add(term("mitosis"), **defined(MITOSIS))
    [found] = await scanned(shelf)
    await shelf.ask("DELETE", f"{shelf.entries}/{made['id']}")
    refused = await shelf.refused("POST", f"{SUGGESTIONS}/{found['id']}/accept")
    assert refused == (409, "suggestion_stale")


async def test_an_entry_that_has_as_many_fields_as_it_may_takes_no_more(shelf):
    made = await shelf.add(term("mitosis"), **defined(MITOSIS))
    [found] = await scanned(shelf)
    await shelf.change(made["id"], subject_fields=[f"Field {n}" for n in range(20)])
    refused = await shelf.refused("POST", f"{SUGGESTIONS}/{found['id']}/accept")
    assert refused == (409, "suggestion_stale")


async def test_a_duplicate_is_related_beside_relations_to_deleted_entries(keeper):
    text = "An institution that keeps people's money."
    old = await keeper.add(term("bank"), **defined(text))
    other = await keeper.add(term("loan"))
    relation = {"kind": "related", "target_id": other["id"]}
    new = await keeper.add(term("bank"), relations=[relation], **defined(text))
    [found] = await scanned(keeper)
    await keeper.ask("DELETE", f"{keeper.entries}/{other['id']}")
    await keeper.done("POST", f"{SUGGESTIONS}/{found['id']}/accept")
    await keeper.do(other["id"], "restore")
    entry = await keeper.show(new["id"])
    assert {each["target_id"] for each in entry["relations"]} == {old["id"], other["id"]}


async def test_suggestions_of_a_deleted_dictionary_are_not_listed(shelf):
    await shelf.add(term("mitosis"), **defined(MITOSIS))
    assert len(await scanned(shelf)) == 1
    await shelf.ask("DELETE", f"/v1/dictionaries/{shelf.dictionary_id}")
    assert await pending(shelf) == []


async def test_a_scan_takes_nothing_away_that_another_one_has_found_since(keeper, kernel):
    """And one page of entries can have more suggestions than one statement takes values."""
    entry = await keeper.add(term("cell"))
    workspace_id, book = UUID(keeper.person.workspace_id), UUID(keeper.dictionary_id)
    many = [Suggested(UUID(entry["id"]), 0.5, value=f"Field {n}") for n in range(3_000)]
    async with kernel.database.unit(Scope(workspace_id)) as session:
        await crud.put(session, workspace_id, book, uuid4(), many[1:])
        began = now()
        await crud.put(session, workspace_id, book, uuid4(), many[:2])
        await crud.drop_stale(session, workspace_id, book, began)
    assert {each["value"] for each in await pending(keeper)} == {"Field 0", "Field 1"}


async def test_many_are_decided_at_once_and_foreign_ones_are_not_there(client, shelf):
    await shelf.add(term("mitosis"), **defined(MITOSIS))
    [found] = await scanned(shelf)
    items = [{"id": found["id"], "action": "accept"}, {"id": str(uuid4()), "action": "dismiss"}]
    result = await shelf.done("POST", f"{SUGGESTIONS}/bulk", {"items": items})
    assert [each["ok"] for each in result["data"]] == [True, False]
    assert result["data"][1]["error"]["code"] == "suggestion_not_found"
    stranger = await new_keeper(client)
    path = f"{SUGGESTIONS}/{found['id']}"
    assert await stranger.refused("GET", path) == (404, "suggestion_not_found")
    assert await stranger.refused("POST", f"{path}/dismiss") == (404, "suggestion_not_found")
    asked = {"dictionary_id": shelf.dictionary_id}
    refused = await stranger.refused("POST", f"{SUGGESTIONS}/scan", asked)
    assert refused == (404, "dictionary_not_found")


def item(number, name, text, *fields, language="en", defined=True):
    return Item(
        UUID(int=number),
        name,
        "approved",
        frozenset({(language, name.casefold())}),
        fields,
        bag_of(f"{name} . {text}", language),
        text,
        defined,
    )


async def test_fields_are_suggested_as_people_gave_them():
    """Each sense of the set of ambiguous words, with its own field hidden from it."""
    concepts = [concept for word in read(["en"]) for concept in word.concepts]
    items = [
        item(n, c.terms[0][1], c.definitions[0][1], *c.subject_fields)
        for n, c in enumerate(concepts, 1)
    ]
    local = LocalEmbedder()
    vectors = await embed(local, [each.text for each in items])
    local.close()
    known = [each for each in items if sum(each.fields == o.fields for o in items) >= 5]
    right = suggested = 0
    for hidden in known:
        place = items.index(hidden)
        bare = item(place + 1, hidden.name, hidden.text)
        found = Comparison([*items[:place], bare, *items[place + 1 :]], vectors).suggest(
            place, place + 1
        )
        fields = [each.value for each in found if each.value is not None]
        suggested += bool(fields)
        right += fields[:1] == list(hidden.fields)
    assert suggested > len(known) / 4
    assert right / suggested > 0.7


def test_without_vectors_words_speak_alone():
    items = [
        item(1, "nucleus", BIOLOGY["nucleus"], "Biology"),
        item(2, "membrane", BIOLOGY["membrane"], "Biology"),
        item(3, "verdict", LAW["verdict"], "Law"),
        item(4, "mitosis", "A living cell divides its chromosomes."),
    ]
    [found] = Comparison(items, None).suggest(3, 4)
    assert (found.value, [proof.kind for proof in found.proofs]) == ("Biology", ["words"])


def test_terms_alike_without_definitions_are_suggested_with_less_certainty():
    items = [item(1, "sign-in page", "", defined=False), item(2, "sign-in page", "", defined=False)]
    [found] = Comparison(items, None).suggest(0, 2)
    assert (found.entry_id, found.other_entry_id, found.score) == (UUID(int=2), UUID(int=1), 0.8)
