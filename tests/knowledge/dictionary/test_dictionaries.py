"""Dictionaries: made, changed, deleted with what is in them, and brought back."""

from uuid import UUID

from sqlalchemy import delete

from app.core.db import Scope
from app.knowledge.dictionary import store
from app.knowledge.dictionary.dictionaries import service
from app.knowledge.dictionary.models import Entry
from tests.knowledge.dictionary.conftest import new_keeper, term
from tests.support.identity import new_person


async def test_a_dictionary_is_made_changed_and_shown(keeper):
    made = await keeper.made("/v1/dictionaries", {"slug": "law", "languages": ["de-at", "de_AT"]})
    assert (made["name"], made["languages"], made["counts"]) == ("law", ["de-AT"], None)
    path = f"/v1/dictionaries/{made['id']}"
    changed = await keeper.done("PATCH", path, {"name": "Law", "is_default": True})
    assert (changed["name"], changed["is_default"], changed["version"]) == ("Law", True, 2)
    assert await keeper.done("GET", path) == changed
    stale = await keeper.ask("PATCH", path, {"name": "x"}, **{"If-Match": '"v1"'})
    assert stale.status_code == 412


async def test_a_slug_is_taken_once_among_living_dictionaries(keeper):
    taken = (409, "dictionary_slug_taken")
    assert await keeper.refused("POST", "/v1/dictionaries", {"slug": "words"}) == taken
    other = await keeper.made("/v1/dictionaries", {"slug": "other"})
    path = f"/v1/dictionaries/{other['id']}"
    assert await keeper.refused("PATCH", path, {"slug": "words"}) == taken
    await keeper.ask("DELETE", path)
    await keeper.made("/v1/dictionaries", {"slug": "other"})
    assert await keeper.refused("POST", f"{path}/restore") == taken


async def test_counts_are_told_where_they_are_asked_for(keeper):
    await keeper.add(term("a"))
    await keeper.add(term("b"), status="approved")
    counts = {"draft": 1, "proposed": 0, "approved": 1, "deprecated": 0, "total": 2}
    path = f"/v1/dictionaries/{keeper.dictionary_id}"
    assert (await keeper.done("GET", f"{path}?include=counts"))["counts"] == counts
    listed = await keeper.done("GET", "/v1/dictionaries?include=counts")
    assert [each["counts"] for each in listed["data"]] == [counts]
    assert (await keeper.done("GET", "/v1/dictionaries?include=total"))["total"] == 1


async def test_entries_go_and_come_back_with_their_dictionary(keeper):
    entry = await keeper.add(term("cell"))
    path = f"/v1/dictionaries/{keeper.dictionary_id}"
    assert (await keeper.ask("DELETE", path)).status_code == 204
    missing = (404, "entry_not_found")
    assert await keeper.refused("GET", f"{keeper.entries}/{entry['id']}") == missing
    assert (await keeper.done("GET", keeper.entries))["data"] == []
    assert (await keeper.done("GET", "/v1/dictionary/facets"))["total"] == 0
    await keeper.done("POST", f"{path}/restore")
    assert await keeper.show(entry["id"]) == entry


async def test_a_workspace_has_so_many_dictionaries_and_no_more(keeper, monkeypatch):
    monkeypatch.setattr(service, "MOST_DICTIONARIES", 2)
    second = await keeper.made("/v1/dictionaries", {"slug": "second"})
    full = (409, "too_many_dictionaries")
    assert await keeper.refused("POST", "/v1/dictionaries", {"slug": "third"}) == full
    await keeper.ask("DELETE", f"/v1/dictionaries/{second['id']}")
    await keeper.made("/v1/dictionaries", {"slug": "third"})
    restored = f"/v1/dictionaries/{second['id']}/restore"
    assert await keeper.refused("POST", restored) == full


async def test_a_dictionary_of_another_workspace_is_not_there(keeper, client):
    stranger = await new_keeper(client, await new_person(client))
    path = f"/v1/dictionaries/{stranger.dictionary_id}"
    for method, tail, body in (
        ("GET", "", None), ("PATCH", "", {"name": "x"}), ("DELETE", "", None),
        ("POST", "/restore", None),
    ):  # fmt: skip
        assert await keeper.refused(method, path + tail, body) == (404, "dictionary_not_found")


async def test_the_stamp_tells_of_every_change(keeper, kernel):
    workspace_id, own = UUID(keeper.person.workspace_id), [UUID(keeper.dictionary_id)]

    async def stamp():
        async with kernel.database.unit(Scope(workspace_id)) as session:
            return await store.stamp(session, workspace_id, own)

    seen = [await stamp()]
    entry = await keeper.add(term("cell"))
    seen.append(await stamp())
    await keeper.change(entry["id"], terms=[term("cells")])
    seen.append(await stamp())
    await keeper.do(entry["id"], "propose")
    seen.append(await stamp())
    await keeper.ask("DELETE", f"{keeper.entries}/{entry['id']}")
    seen.append(await stamp())
    await keeper.done("PATCH", f"/v1/dictionaries/{keeper.dictionary_id}", {"is_default": True})
    seen.append(await stamp())
    assert len(set(seen)) == len(seen)
    assert await stamp() == seen[-1]


async def test_the_stamp_tells_of_a_change_that_a_purge_makes_up_for(keeper, kernel):
    workspace_id, own = UUID(keeper.person.workspace_id), [UUID(keeper.dictionary_id)]
    gone, stays = await keeper.add(term("a")), await keeper.add(term("b"))
    await keeper.ask("DELETE", f"{keeper.entries}/{gone['id']}")
    async with kernel.database.unit(Scope(workspace_id)) as session:
        before = await store.stamp(session, workspace_id, own)
        await session.execute(delete(Entry).where(Entry.id == UUID(gone["id"])))
    await keeper.add(term("c"))
    await keeper.change(stays["id"], notes=["changed"])
    async with kernel.database.unit(Scope(workspace_id)) as session:
        assert await store.stamp(session, workspace_id, own) != before


async def test_the_terms_that_hold_are_those_of_approved_and_proposed_entries(keeper, kernel):
    workspace_id, own = UUID(keeper.person.workspace_id), [UUID(keeper.dictionary_id)]
    await keeper.add(term("draft"))
    await keeper.add(term("proposed"), status="proposed")
    entry = await keeper.add(term("approved"), term("bad", status="forbidden"), status="approved")
    gone = await keeper.add(term("gone"), status="approved")
    await keeper.ask("DELETE", f"{keeper.entries}/{gone['id']}")
    async with kernel.database.unit(Scope(workspace_id)) as session:
        rows = await store.load_terms(session, workspace_id, own)
        [concept] = await store.entries(session, workspace_id, [UUID(entry["id"])])
        walked = await store.entries_after(session, workspace_id, own[0], limit=2)
    assert [(row.text, row.status, row.entry_status) for row in rows] == [
        ("proposed", "preferred", "proposed"),
        ("approved", "preferred", "approved"),
        ("bad", "forbidden", "approved"),
    ]
    assert [term.text for term in concept.terms] == ["approved", "bad"]
    assert [concept.terms[0].text for concept in walked] == ["draft", "proposed"]
