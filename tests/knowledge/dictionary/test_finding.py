"""Entries among what a search finds, in step with every change."""

from uuid import UUID, uuid4

from app.core.auth import Access, Permission
from app.core.db import Scope
from app.knowledge.dictionary.source import EntrySource
from app.knowledge.passages import crud as passages
from tests.knowledge.dictionary.conftest import new_keeper, term
from tests.support.identity import new_person, until


async def found(kernel, keeper, entry):
    """The passages of an entry by their language: title, heading and text."""
    workspace_id = UUID(keeper.person.workspace_id)
    async with kernel.database.unit(Scope(workspace_id)) as session:
        kept = await passages.of_subject(session, workspace_id, "entry", UUID(entry["id"]))
    assert {str(each.parent_id) for each in kept} <= {keeper.dictionary_id}
    return {each.locator["language"]: (each.title, each.heading, each.text) for each in kept}


async def test_an_entry_has_a_passage_for_each_language(keeper, kernel):
    entry = await keeper.add(
        term("cellule", status="forbidden"),
        term("cell"),
        term("Zelle", "de", status="admitted"),
        status="proposed",
        subject_fields=["Biology", "Medicine"],
        definitions=[{"language": "en", "text": "The unit of life."}],
        examples=[{"language": "fr", "text": "Une cellule."}],
    )
    heading = "Biology, Medicine"
    assert await found(kernel, keeper, entry) == {
        "en": ("cell", heading, "cellule, cell\nThe unit of life."),
        "de": ("Zelle", heading, "Zelle"),
        "fr": ("cell", heading, "Une cellule."),
    }


async def test_passages_come_and_go_with_what_holds(keeper, kernel):
    entry = await keeper.add(term("cell"))
    assert await found(kernel, keeper, entry) == {}
    await keeper.do(entry["id"], "propose")
    assert set(await found(kernel, keeper, entry)) == {"en"}
    await keeper.change(entry["id"], terms=[term("Zelle", "de")])
    assert set(await found(kernel, keeper, entry)) == {"de"}
    await keeper.ask("DELETE", f"{keeper.entries}/{entry['id']}")
    assert await found(kernel, keeper, entry) == {}
    await keeper.do(entry["id"], "restore")
    await keeper.do(entry["id"], "deprecate")
    assert set(await found(kernel, keeper, entry)) == {"de"}


async def test_a_dry_run_is_found_by_nothing(keeper, kernel):
    body = {
        "dictionary_id": keeper.dictionary_id, "terms": [term("cell")], "status": "proposed",
    }  # fmt: skip
    tried = await keeper.ask("POST", f"{keeper.entries}?dry_run=true", body)
    assert await found(kernel, keeper, tried.json()) == {}


async def test_a_change_is_embedded_by_itself(keeper, kernel):
    entry = await keeper.add(term("amphibian"), status="approved")
    workspace_id = UUID(keeper.person.workspace_id)

    async def is_embedded():
        async with kernel.database.unit(Scope(workspace_id)) as session:
            kept = await passages.of_subject(session, workspace_id, "entry", UUID(entry["id"]))
        return all(each.space and each.due_at is None for each in kept)

    await until(is_embedded, seconds=60)


async def test_a_search_reaches_living_dictionaries_and_sees_living_entries_that_are_no_drafts(
    keeper, client, kernel
):
    stranger = await new_keeper(client, await new_person(client))
    theirs = await stranger.add(term("theirs"), status="approved")
    shown = await keeper.add(term("shown"), status="approved")
    draft, gone = await keeper.add(term("draft")), await keeper.add(term("gone"), status="proposed")
    await keeper.ask("DELETE", f"{keeper.entries}/{gone['id']}")
    ids = [UUID(each["id"]) for each in (shown, draft, gone, theirs)]
    workspace_id, user_id = UUID(keeper.person.workspace_id), UUID(keeper.person.user_id)
    reader, other = (
        Access(workspace_id, user_id, frozenset(rights), "session", uuid4())
        for rights in ([Permission.DICTIONARY_READ], [Permission.SEARCH_READ])
    )
    source = EntrySource()
    async with kernel.database.unit(reader.scope) as session:
        reach = await source.reach(session, reader)
        assert reach.parents == (UUID(keeper.dictionary_id),)
        assert await source.visible(session, reader, ids) == {ids[0]}
        assert await source.reach(session, other) is None
        assert await source.visible(session, other, ids) == set()
    await keeper.ask("DELETE", f"/v1/dictionaries/{keeper.dictionary_id}")
    async with kernel.database.unit(reader.scope) as session:
        assert await source.reach(session, reader) is None
        assert await source.visible(session, reader, ids) == set()
